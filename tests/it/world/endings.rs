//! Callers who go, at whatever moment: everything ends with them.

use super::town::*;

/// The caller hangs up so long after `b` answered; how long until `b` knew.
fn gone_after(keys: &str, after: std::time::Duration) -> World {
    let mut town = town(&[("b", keys), ("c", "")], "dial = [\"b\", \"c\"]");
    town.answers_after("b", secs(1));
    town.never_answers("c");
    town.call();
    town.run_until(secs(10), |it| it.seen("b").moment(Moment::Answered).is_some());
    town.run_for(after);
    let gone = town.now();
    town.hangs_up(CARRIER);
    town.run_for(ms(100));
    assert!(town.when("b", Moment::HungUpOn).since(gone) < ms(100));
    assert!(town.when("c", Moment::Cancelled).since(gone) < ms(100));
    let packets = town.seen("b").ear.packets;
    town.run_for(secs(1));
    assert_eq!(town.seen("b").ear.packets, packets, "something is still played to b");
    assert_eq!(town.seen(CARRIER).finals(), [487], "{}", town.draw());
    assert_eq!(town.reason(), "abandoned");
    assert!(town.tapes().is_empty());
    town.rests();
    town
}

#[test]
fn a_caller_who_hangs_up_during_the_digits_ends_everything_at_once() {
    let town = gone_after("extension = \"3ww1928\"", ms(500));
    assert_eq!(town.seen("b").ear.keyed(), "3");
}

#[test]
fn a_caller_who_hangs_up_during_the_whisper_ends_everything_at_once() {
    gone_after("whisper = { text = \"ads\" }", secs(1));
}

#[test]
fn a_caller_who_hangs_up_while_a_key_is_awaited_ends_everything_at_once() {
    gone_after("accept = \"1\"", secs(3));
}

#[test]
fn a_caller_who_hangs_up_while_it_rings_leaves_nobody_ringing() {
    let mut town = town(&[("b", "")], "dial = [\"b\"]");
    town.never_answers("b");
    town.call();
    town.run_for(secs(5));
    town.hangs_up(CARRIER);
    town.run_for(ms(100));
    assert_eq!(town.seen("b").count(Moment::Cancelled), 1);
    assert_eq!(town.seen(CARRIER).finals(), [487]);
    town.rests();
}

#[test]
fn whoever_hangs_up_the_other_is_told() {
    for (who, other) in [(CARRIER, "b"), ("b", CARRIER)] {
        let mut town = town(&[("b", "")], "dial = [\"b\"]");
        town.call();
        town.connects();
        town.run_for(secs(10));
        let at = town.now();
        town.hangs_up(who);
        town.run_for(ms(100));
        assert!(town.when(other, Moment::HungUpOn).since(at) < ms(50));
        town.rests();
        let record = town.record();
        assert_eq!(town.moment(record.ended_at.unwrap()), at + ms(1));
    }
}

#[test]
fn a_call_that_may_last_no_longer_is_hung_up_on_both_sides() {
    let mut town = town_with("max_duration = \"30s\"", &[("b", "")], "dial = [\"b\"]");
    town.call();
    let connected = town.connects();
    let ended = town.ends();
    assert_near(ended.since(connected), secs(30), ms(20));
    for who in [CARRIER, "b"] {
        assert_eq!(town.seen(who).count(Moment::HungUpOn), 1);
    }
    town.rests();
}

#[test]
fn a_side_that_falls_silent_for_good_ends_the_call() {
    let mut town = town(&[("b", "")], "dial = [\"b\"]");
    town.call();
    town.connects();
    town.run_for(secs(5));
    town.at("b").mouth.silent(true);
    let silent = town.now();
    let ended = town.ends();
    assert_near(ended.since(silent), secs(60), secs(2));
    assert_eq!(town.reason(), "media_timeout");
    town.rests();
}
