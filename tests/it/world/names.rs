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

/// B is a number, dialled through a trunk whose only address is a name.
fn through_a_trunk(addresses: &[&str]) -> World {
    let keys = [("b", "no_answer.timeout = \"20s\"")];
    let probed = "addresses = [\"gw.example\"]\nprobe = \"5s\"\nprobe_down_after = 2\n\
                  probe_up_after = 1";
    let text = plan(&keys, "dial = [\"b\"]")
        .replace("sip:b@10.0.0.31:5070", "+12025550199")
        .replace("probe = \"off\"", probed);
    let mut town = settle(&read(&text), 1, Weather::CLEAR);
    leads_to(&mut town, addresses);
    town
}

fn leads_to(town: &mut World, addresses: &[&str]) {
    let addresses = addresses.iter().map(|it| address(it)).collect();
    town.names.insert("gw.example".to_owned(), addresses);
}

/// How many requests of this method went there.
fn asked(town: &World, method: &str, name: &str) -> usize {
    let sent = town.wire.iter().filter(|(_, it)| it.to == address(name));
    sent.filter(|(_, it)| it.bytes.starts_with(method.as_bytes())).count()
}

#[test]
fn a_place_of_a_trunks_name_that_does_not_answer_probes_gets_no_call() {
    let mut town = through_a_trunk(&["b", "c"]);
    town.is_dead("b");
    // Two probes without an answer, each for as long as a transaction waits for one.
    town.run_for(secs(100));
    assert!(0 < asked(&town, "OPTIONS", "b") && 0 < asked(&town, "OPTIONS", "c"));
    let called = town.now();
    town.call();
    let connected = town.connects();
    // It picks up after a second; 4 s are lost on who does not answer.
    assert_near(connected.since(called), secs(1), ms(50));
    assert_eq!(asked(&town, "INVITE", "b"), 0, "{}", town.draw());
    assert_eq!(town.seen("c").count(Moment::Rung), 1);
}

#[test]
fn a_trunks_name_is_followed_to_where_it_leads_now_and_is_down_when_nobody_is_there() {
    let mut town = through_a_trunk(&["b"]);
    town.run_for(secs(15));
    assert!(0 < asked(&town, "OPTIONS", "b"));
    leads_to(&mut town, &["d"]);
    town.run_for(secs(15));
    assert!(0 < asked(&town, "OPTIONS", "d"), "the name leads elsewhere now");
    town.is_dead("d");
    town.run_for(secs(100));
    let called = town.now();
    town.call();
    let ended = town.ends();
    assert!(ended.since(called) < secs(1), "it is known that nobody is there");
    assert_eq!(town.record().legs[0].cause.as_ref().unwrap().reason, "unreachable");
    town.answers_after("d", secs(1));
    town.run_for(secs(50));
    town.call();
    town.run_for(secs(3));
    assert_eq!(town.seen("d").calls_up(), 1, "{}", town.draw());
}
