//! Far ends as they are: late, impatient, deaf to our ACK, on hold. What goes wrong elsewhere.

use super::town::*;

fn simple() -> World {
    town(&[("b", "no_answer.timeout = \"2s\"")], "dial = [\"b\"]")
}

#[test]
fn a_phone_that_rings_only_after_it_was_given_up_is_cancelled_then() {
    let mut town = simple();
    town.never_answers("b");
    town.at("b").manners.ring_after = secs(5);
    town.call();
    town.ends();
    assert_eq!(town.seen("b").count(Moment::Cancelled), 0, "CANCEL before any answer");
    town.run_for(secs(10));
    assert_eq!(town.seen("b").count(Moment::Cancelled), 1, "{}", town.draw());
    town.rests();
}

/// Phones do not call that a missed call (RFC 3326, PRODUCT section 2.1).
#[test]
fn a_phone_that_rings_only_after_somebody_else_answered_is_told_so() {
    let mut town = town(&[("b", ""), ("c", "")], "dial = [\"b\", \"c\"]");
    town.never_answers("b");
    town.at("b").manners.ring_after = secs(3);
    town.answers_after("c", secs(1));
    town.call();
    town.connects();
    town.run_for(secs(5));
    let cancel = town.heard("b", "CANCEL");
    assert!(cancel.contains("cause=200;text=\"Call completed elsewhere\""), "{cancel}");
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
}

#[test]
fn a_200_that_comes_long_after_it_was_given_up_is_acknowledged_and_hung_up() {
    let mut town = simple();
    town.at("b").manners.ring_after = secs(20);
    town.answers_after("b", secs(20));
    town.call();
    town.ends();
    town.run_for(secs(25));
    assert_eq!(town.seen("b").count(Moment::Acknowledged), 1, "{}", town.draw());
    assert_eq!(town.seen("b").count(Moment::HungUpOn), 1);
    assert_eq!(town.seen(CARRIER).finals().len(), 1);
    town.rests();
}

#[test]
fn our_200_is_sent_again_until_it_is_acknowledged() {
    let mut town = simple();
    town.at(CARRIER).manners.slow_to_acknowledge = 3;
    town.call();
    town.connects();
    town.run_for(secs(10));
    assert_eq!(town.seen(CARRIER).calls_up(), 1, "{}", town.draw());
    let ok = |it: &&(_, crosspoint::simulator::Datagram)| {
        it.1.to == address(CARRIER) && it.1.bytes.starts_with(b"SIP/2.0 200")
    };
    assert_eq!(town.wire.iter().filter(ok).count(), 4);
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
}

#[test]
fn a_caller_who_never_acknowledges_is_hung_up() {
    let mut town = simple();
    town.at(CARRIER).manners.slow_to_acknowledge = 1000;
    town.call();
    let connected = town.connects();
    let ended = town.ends();
    assert_near(ended.since(connected), secs(32), secs(1));
    assert_eq!(town.seen("b").count(Moment::HungUpOn), 1);
}

#[test]
fn a_caller_who_cancels_at_once_is_answered_487_and_nobody_stays_ringing() {
    for after in [0, 1, 2, 3, 10, 21, 22, 23] {
        let mut town = simple();
        town.never_answers("b");
        town.call();
        town.run_for(ms(after));
        town.hangs_up(CARRIER);
        town.run_for(secs(2));
        assert_eq!(town.seen(CARRIER).finals(), [487], "after {after} ms\n{}", town.draw());
        town.rests();
    }
}

#[test]
fn a_destination_on_hold_is_not_heard_and_comes_back() {
    let mut town = simple();
    town.call();
    town.connects();
    town.run_for(secs(2));
    town.act("b", |phone, now, out| phone.hold("sendonly", now, out));
    town.run_for(secs(1));
    assert_eq!(town.seen("b").count(Moment::Changed(200)), 1, "{}", town.draw());
    let heard = town.seen("b").ear.total(Sound::Tone(VOICE));
    town.run_for(secs(2));
    assert_eq!(town.seen("b").ear.total(Sound::Tone(VOICE)), heard, "it said sendonly");
    town.act("b", |phone, now, out| phone.hold("sendrecv", now, out));
    town.run_for(secs(3));
    let after = town.seen("b").ear.total(Sound::Tone(VOICE));
    assert!(heard + ms(2800) < after, "{heard:?} {after:?}");
    assert_eq!(town.seen("b").ear.faults, Vec::<String>::new());
    assert_eq!(town.seen(CARRIER).ear.faults, Vec::<String>::new());
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
}

#[test]
fn a_hold_longer_than_the_media_timeout_does_not_end_the_call() {
    let mut town = simple();
    town.call();
    town.connects();
    town.act(CARRIER, |phone, now, out| phone.hold("inactive", now, out));
    town.at(CARRIER).mouth.silent(true);
    town.run_for(secs(100));
    town.at(CARRIER).mouth.silent(false);
    town.act(CARRIER, |phone, now, out| phone.hold("sendrecv", now, out));
    town.run_for(secs(3));
    assert_eq!(town.seen(CARRIER).calls_up(), 1, "{}", town.draw());
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
}

#[test]
fn early_media_of_a_single_destination_reaches_the_caller_before_the_answer() {
    let mut town = simple();
    town.at("b").manners.early_media = true;
    town.answers_after("b", ms(1800));
    town.call();
    town.run_for(ms(1700));
    assert_eq!(town.seen(CARRIER).count(Moment::Told(183)), 1, "{}", town.draw());
    assert!(secs(1) < town.seen(CARRIER).ear.total(Sound::Tone(500)));
    town.connects();
    town.run_for(secs(2));
    assert_eq!(town.seen(CARRIER).ear.faults, Vec::<String>::new());
    assert!(secs(3) < town.seen(CARRIER).ear.total(Sound::Tone(500)));
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
}

#[test]
fn early_media_of_a_destination_with_a_whisper_gives_way_to_ringing() {
    let keys = "whisper = { text = \"ads\" }";
    let mut town = town(&[("b", keys)], "dial = [\"b\"]");
    town.at("b").manners.early_media = true;
    town.answers_after("b", secs(2));
    town.call();
    town.run_until(secs(10), |it| it.seen("b").moment(Moment::Answered).is_some());
    town.run_for(ms(100));
    let heard = town.seen(CARRIER).ear.total(Sound::Tone(500));
    town.run_for(ms(1500));
    assert_eq!(town.seen(CARRIER).ear.total(Sound::Tone(500)), heard);
    assert_eq!(town.seen("b").ear.total(Sound::Tone(VOICE)), ms(0));
    assert!(ms(1000) < town.seen(CARRIER).ear.total(Sound::Ringing));
}

#[test]
fn a_hundred_calls_one_after_the_other_leave_nothing_behind() {
    let mut town = town(&[("b", "no_answer.timeout = \"2s\""), ("c", "")], "dial = [\"b\", \"c\"]");
    for it in &mut town.phones {
        it.ear.dull = true;
    }
    for n in 0..100 {
        match n % 4 {
            0 => town.answers_after("b", ms(500)),
            1 => town.refuses_after("b", ms(500), 486),
            2 => town.is_dead("b"),
            _ => town.never_answers("b"),
        }
        town.call();
        town.run_for(secs(3));
        town.hangs_up(CARRIER);
        town.run_for(ms(200));
    }
    town.rests();
    assert_eq!(town.ended().len(), 100);
}

#[test]
fn what_is_lost_or_doubled_on_the_way_changes_nothing_in_the_end() {
    for seed in 0..12 {
        let config = read(&plan(&[("b", "extension = \"3ww1928\"")], "dial = [\"b\"]"));
        let mut town =
            settle(&config, seed, Weather { delay: ms(20), jitter: ms(5), ..Weather::STORM });
        town.call();
        town.connects();
        assert_eq!(town.seen("b").ear.keyed(), "31928", "seed {seed}");
        town.hangs_up(CARRIER);
        town.ends();
        town.run_for(secs(40));
        assert_eq!(town.seen(CARRIER).finals(), [200], "seed {seed}");
        town.rests();
    }
}
