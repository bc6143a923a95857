//! Destinations with names: several addresses, tried in the order the name gives them.

use crosspoint::clock::Instant;
use crosspoint::model::record::Outcome;

use super::town::*;

/// B is called by a name that leads to these phones, best first.
fn named(addresses: &[&str]) -> World {
    let keys = [("b", "no_answer.timeout = \"20s\"")];
    let text = plan(&keys, "dial = [\"b\"]").replace("sip:b@10.0.0.31:5070", "sip:b@pbx.example");
    let mut town = settle(&read(&text), 1, Weather::CLEAR);
    let addresses = addresses.iter().map(|it| address(it)).collect();
    town.names.insert("pbx.example".to_owned(), addresses);
    town
}

#[test]
fn the_next_address_of_a_name_is_tried_when_one_is_out_of_service() {
    let mut town = named(&["b", "c", "d"]);
    town.refuses_after("b", ms(0), 503);
    town.is_dead("c");
    town.answers_after("d", secs(1));
    town.call();
    let connected = town.connects();
    // C said nothing for 4 s.
    assert_near(connected.since(Instant::START), secs(5), ms(400));
    town.hangs_up(CARRIER);
    town.ends();
    assert_eq!(town.record().legs.len(), 1, "one leg, whatever it took\n{}", town.draw());
    town.rests();
}

#[test]
fn a_person_who_is_busy_at_one_address_is_not_called_at_the_next() {
    let mut town = named(&["b", "c"]);
    town.refuses_after("b", secs(1), 486);
    town.call();
    town.ends();
    assert_eq!(town.seen("c").count(Moment::Rung), 0, "{}", town.draw());
    town.rests();
}

#[test]
fn a_name_that_leads_nowhere_is_unreachable() {
    let mut town = named(&[]);
    town.call();
    town.ends();
    assert_eq!(town.record().legs[0].cause.as_ref().unwrap().reason, "unreachable");
    town.rests();
}

#[test]
fn when_no_address_of_a_name_is_in_service_the_last_word_counts() {
    let mut town = named(&["b", "c"]);
    town.refuses_after("b", ms(0), 503);
    town.refuses_after("c", ms(0), 500);
    town.call();
    town.ends();
    assert_eq!(town.record().legs[0].outcome, Some(Outcome::Failed));
    town.rests();
}
