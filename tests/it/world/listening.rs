//! Who picked up: a person, a machine, or nobody can tell; and what is done about it.

use crosspoint::audio::AnsweredBy;
use crosspoint::model::record::Outcome;

use super::town::*;

const PEOPLE_ONLY: &str = "decline_machines = true";

#[test]
fn a_machine_is_declined_in_a_fork_and_the_person_gets_the_call() {
    let mut town = town(&[("b", PEOPLE_ONLY), ("c", PEOPLE_ONLY)], "dial = [\"b\", \"c\"]");
    town.answers_after("b", secs(1));
    town.answers_after("c", secs(8));
    town.at("c").manners.greets_for = Some(ms(600));
    town.call();
    let connected = town.connects();
    assert!(town.when("b", Moment::HungUpOn).since(town.when("b", Moment::Answered)) < ms(3000));
    let waited = connected.since(town.when("c", Moment::Answered));
    assert_near(waited, ms(1900), ms(200));
    town.hangs_up(CARRIER);
    town.ends();
    let legs = &town.record().legs;
    assert_eq!(legs[0].answered_by, Some(AnsweredBy::Machine));
    assert_eq!(legs[0].outcome, Some(Outcome::Declined));
    assert_eq!(legs[0].cause.as_ref().unwrap().reason, "answering_machine");
    assert_eq!(legs[1].answered_by, Some(AnsweredBy::Human));
    assert_eq!(legs[1].outcome, Some(Outcome::Answered));
    town.rests();
}

#[test]
fn who_picked_up_is_recorded_beside_a_connection_that_waits_for_nothing() {
    for (greets_for, by) in [(Some(ms(600)), AnsweredBy::Human), (None, AnsweredBy::Machine)] {
        let mut town = town(&[("b", "")], "dial = [\"b\"]");
        town.at("b").manners.greets_for = greets_for;
        town.call();
        let connected = town.connects();
        assert!(connected.since(town.when("b", Moment::Answered)) < ms(50));
        town.run_for(secs(4));
        town.hangs_up(CARRIER);
        town.ends();
        assert_eq!(town.record().legs[0].answered_by, Some(by));
    }
}

#[test]
fn somebody_who_says_nothing_is_put_through_after_five_seconds() {
    let mut town = town(&[("b", PEOPLE_ONLY)], "dial = [\"b\"]");
    town.at("b").manners.greets_for = Some(ms(0));
    town.call();
    let connected = town.connects();
    assert_near(connected.since(town.when("b", Moment::Answered)), secs(5), ms(100));
    town.hangs_up(CARRIER);
    town.ends();
    assert_eq!(town.record().legs[0].answered_by, Some(AnsweredBy::Unknown));
    town.rests();
}

#[test]
fn the_person_behind_an_extension_is_listened_for_once_it_was_sent() {
    let keys = "extension = \"1wwww2\"\ndecline_machines = true";
    let mut town = town(&[("b", keys)], "dial = [\"b\"]");
    // The switchboard's greeting alone would be a machine's.
    town.at("b").manners.greets_for = Some(secs(3));
    town.call();
    let connected = town.connects();
    let waited = connected.since(town.when("b", Moment::Answered));
    assert_near(waited, ms(2400 + 600 + 1200), ms(200));
    town.hangs_up(CARRIER);
    town.ends();
    assert_eq!(town.record().legs[0].answered_by, Some(AnsweredBy::Human));
    let symbols: Vec<_> =
        town.record().legs[0].symbols.iter().map(|it| (it.position, it.wait)).collect();
    let expected = [(1, false), (2, true), (3, true), (4, true), (5, true), (6, false)];
    assert_eq!(symbols, expected);
    town.rests();
}

#[test]
fn how_long_the_far_end_kept_silent_before_its_extension_is_recorded() {
    let mut town = town(&[("b", "extension = \"12\"\nwait_for_voice = true")], "dial = [\"b\"]");
    town.at("b").mouth.silent(true);
    town.call();
    town.run_until(secs(10), |it| it.seen("b").moment(Moment::Answered).is_some());
    town.run_for(secs(2));
    town.at("b").mouth.silent(false);
    town.connects();
    town.hangs_up(CARRIER);
    town.ends();
    let waited = town.record().legs[0].voice_after_ms.unwrap();
    assert!((2000..2300).contains(&waited), "{waited} ms");
    town.rests();
}

#[test]
fn a_caller_who_hangs_up_while_a_machine_is_listened_for_ends_everything() {
    let mut town = town(&[("b", PEOPLE_ONLY)], "dial = [\"b\"]");
    town.at("b").manners.greets_for = Some(ms(600));
    town.call();
    town.run_until(secs(10), |it| it.seen("b").moment(Moment::Answered).is_some());
    town.run_for(ms(300));
    town.hangs_up(CARRIER);
    let gone = town.now();
    town.ends();
    assert!(town.when("b", Moment::HungUpOn).since(gone) < ms(100));
    town.rests();
}
