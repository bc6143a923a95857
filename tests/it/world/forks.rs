//! Several destinations: who wins, who is let go, where the call goes on to.

use crosspoint::model::event::What;

use super::town::*;

const ALL: &str = "dial = [\"b\", \"c\", \"d\"]";
const THREE: [(&str, &str); 3] = [("b", ""), ("c", ""), ("d", "")];

fn connected_legs(town: &World) -> usize {
    town.count_facts(|it| matches!(it, What::Connected { .. }))
}

#[test]
fn of_two_answers_within_a_millisecond_one_is_connected_and_the_other_hung_up() {
    let mut town = town(&THREE, ALL);
    town.answers_after("b", secs(2));
    town.answers_after("c", secs(2) + std::time::Duration::from_micros(600));
    town.never_answers("d");
    town.call();
    town.connects();
    town.run_for(secs(2));
    assert_eq!(connected_legs(&town), 1);
    assert_eq!(town.seen("b").calls_up(), 1);
    assert_eq!(town.seen("c").count(Moment::Acknowledged), 1, "{}", town.draw());
    assert_eq!(town.seen("c").count(Moment::HungUpOn), 1);
    assert_eq!(town.seen("d").count(Moment::Cancelled), 1);
    assert_eq!(town.seen("c").ear.total(Sound::Tone(VOICE)), ms(0));
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
}

/// PRODUCT section 12, rule 8: a tie goes to list order, whatever was there before.
#[test]
fn of_two_whose_whispers_end_at_the_same_moment_the_first_in_the_list_is_connected() {
    let whisper = "whisper = { text = \"ads\" }";
    let mut town = town(&[("b", whisper), ("c", whisper)], "dial = [\"b\", \"c\"]");
    for call in 1..=3 {
        town.call();
        let connected = |it: &World| it.count_facts(|it| matches!(it, What::Connected { .. }));
        assert!(town.run_until(secs(20), |it| connected(it) == call), "{}", town.draw());
        town.run_for(ms(100));
        assert_eq!(town.seen("b").calls_up(), 1, "call {call}\n{}", town.draw());
        assert_eq!(town.seen("c").calls_up(), 0, "call {call}");
        town.hangs_up(CARRIER);
        town.rests();
    }
}

#[test]
fn a_200_that_crosses_our_cancel_is_acknowledged_and_hung_up() {
    let keys = "no_answer.timeout = \"5s\"\nno_answer.route = { dial = \"c\" }";
    let mut town = town(&[("b", keys), ("c", "")], "dial = [\"b\"]");
    town.never_answers("b");
    town.at("b").manners.answers_when_cancelled = true;
    town.call();
    town.connects();
    town.run_for(secs(1));
    assert_eq!(town.seen("b").count(Moment::Acknowledged), 1, "{}", town.draw());
    assert_eq!(town.seen("b").count(Moment::HungUpOn), 1);
    assert_eq!(town.seen("b").ear.total(Sound::Tone(VOICE)), ms(0));
    assert_eq!(town.seen("c").calls_up(), 1);
    assert_eq!(connected_legs(&town), 1);
    town.hangs_up("c");
    town.ends();
    town.rests();
}

#[test]
fn a_dead_destination_is_given_up_at_its_timeout() {
    for timeout in [3, 45] {
        let keys =
            format!("no_answer.timeout = \"{timeout}s\"\nno_answer.route = {{ dial = \"c\" }}");
        let mut town = town(&[("b", &keys), ("c", "")], "dial = [\"b\"]");
        town.is_dead("b");
        town.call();
        let dialled = town.now();
        town.connects();
        let rung = town.when("c", Moment::Rung).since(dialled);
        assert_near(rung, secs(timeout), ms(50));
        town.hangs_up(CARRIER);
        town.ends();
        town.rests();
    }
}

#[test]
fn a_destination_that_only_rings_is_cancelled_at_its_timeout() {
    let mut town = town(&[("b", "no_answer.timeout = \"20s\"")], "dial = [\"b\"]");
    town.never_answers("b");
    town.call();
    let dialled = town.now();
    town.ends();
    assert_near(town.when("b", Moment::Cancelled).since(dialled), secs(20), ms(50));
    assert_eq!(town.seen(CARRIER).finals().len(), 1, "{}", town.draw());
    assert_eq!(town.reason(), "no_answer");
    town.rests();
}

#[test]
fn busy_from_the_only_one_routes_at_once() {
    let keys = "no_answer.route = { dial = \"c\" }";
    let mut town = town(&[("b", keys), ("c", "")], "dial = [\"b\"]");
    town.refuses_after("b", secs(1), 486);
    town.call();
    let dialled = town.now();
    town.connects();
    assert_near(town.when("c", Moment::Rung).since(dialled), secs(1), ms(50));
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
}

#[test]
fn busy_from_one_of_two_lets_the_other_ring() {
    let mut town = town(&THREE[..2], "dial = [\"b\", \"c\"]");
    town.refuses_after("b", secs(1), 486);
    town.answers_after("c", secs(6));
    town.call();
    town.connects();
    assert_eq!(town.seen("c").count(Moment::Rung), 1);
    assert_eq!(town.seen("c").count(Moment::Cancelled), 0);
    town.hangs_up("c");
    town.ends();
    town.rests();
}

#[test]
fn busy_from_all_is_busy_to_the_caller() {
    let mut town = town(&THREE[..2], "dial = [\"b\", \"c\"]");
    town.refuses_after("b", secs(1), 486);
    town.refuses_after("c", secs(2), 486);
    town.call();
    town.ends();
    assert_eq!(town.seen(CARRIER).finals(), [486]);
    town.rests();
}

#[test]
fn no_answer_routes_in_a_circle_are_cut() {
    let to = |name: &str| {
        format!("no_answer.timeout = \"1s\"\nno_answer.route = {{ dial = \"{name}\" }}")
    };
    let mut town = town(&[("b", &to("c")), ("c", &to("b"))], "dial = [\"b\"]");
    town.never_answers("b");
    town.never_answers("c");
    town.call();
    town.ends();
    assert_eq!(town.reason(), "route_loop");
    assert_eq!(town.seen(CARRIER).finals().len(), 1);
    town.rests();
}

#[test]
fn a_closed_destination_is_not_rung_and_its_hours_route_is_taken() {
    // The town's clock begins on a Monday at 15:00 UTC.
    let text = plan(
        &[("b", "schedule = \"nights\"\noutside_hours = { dial = \"c\" }"), ("c", "")],
        "dial = [\"b\"]",
    ) + "[[schedule]]\nname = \"nights\"\nzone = \"UTC\"\nhours = [\"mon-fri 20:00-06:00\"]\n";
    let mut town = settle(&read(&text), 1, Weather::CLEAR);
    town.call();
    town.connects();
    assert_eq!(town.seen("b").count(Moment::Rung), 0);
    assert_eq!(town.seen("c").calls_up(), 1);
}

#[test]
fn registered_phones_of_one_account_ring_together() {
    let text = plan(&[], "dial = [\"desk\"]")
        + "[[account]]\nuser = \"alice\"\npassword = \"wonderland\"\n\
           [[receiving_number]]\nname = \"desk\"\nnumber = \"client:alice\"\n";
    let mut town = settle(&read(&text), 1, Weather::CLEAR);
    town.register("alice", address("b"));
    town.register("alice", address("c"));
    town.answers_after("c", secs(2));
    town.never_answers("b");
    town.call();
    town.connects();
    town.run_for(secs(2));
    assert_eq!(town.seen("b").count(Moment::Cancelled), 1, "{}", town.draw());
    assert!(ms(1900) < town.seen(CARRIER).ear.total(Sound::Tone(600)));
    assert!(ms(1900) < town.seen("c").ear.total(Sound::Tone(VOICE)));
    town.hangs_up("c");
    town.ends();
    town.rests();
}

#[test]
fn a_number_nobody_has_set_up_is_not_found() {
    let mut town = town(&[("b", "")], "dial = [\"b\"]");
    town.calls(CARRIER, "15550100404");
    town.run_for(secs(1));
    assert_eq!(town.seen(CARRIER).finals(), [404]);
    town.rests();
}
