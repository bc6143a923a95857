//! Extensions, as the answering side hears them.

use crosspoint::clock::Instant;
use crosspoint::simulator::ear::KeyHeard;

use super::town::*;

/// From the start of each key to the start of the next, in milliseconds.
fn steps(keys: &[KeyHeard]) -> Vec<u64> {
    let step = |pair: &[KeyHeard]| pair[1].from.since(pair[0].from).as_millis() as u64;
    keys.windows(2).map(step).collect()
}

#[track_caller]
fn assert_steps(keys: &[KeyHeard], wanted: &[u64]) {
    let measured = steps(keys);
    assert_eq!(measured.len(), wanted.len(), "{measured:?}");
    let near = measured.iter().zip(wanted).all(|(a, b)| a.abs_diff(*b) <= 20);
    assert!(near, "{measured:?}, wanted {wanted:?}");
}

#[test]
fn an_extension_is_keyed_in_with_its_pause_while_the_caller_hears_ringing() {
    let mut town = town(&[("b", "extension = \"3ww1928\"")], "dial = [\"b\"]");
    town.answers_after("b", secs(2));
    town.call();
    let connected = town.connects();
    let b = town.seen("b");
    assert_eq!(b.ear.keyed(), "31928");
    // 100 ms of tone and 100 ms of gap; `ww` is a second more.
    assert_steps(&b.ear.keys, &[1200, 200, 200, 200]);
    let answered = town.when("b", Moment::Answered);
    assert!(answered < b.ear.keys[0].from, "the first digit came before the 200");
    for key in &b.ear.keys {
        assert_eq!((key.duration, key.ends, key.marked), (800, 3, true), "{key:?}");
    }
    assert_eq!(b.ear.faults, Vec::<String>::new());
    // Ringing until the last digit is through, and answered only then.
    let (rung, told) = (Moment::Told(180), town.when(CARRIER, Moment::Told(200)));
    assert!(town.when(CARRIER, rung) < answered);
    assert!(b.ear.keys[4].to < told && connected < told);
    let voice = town.seen(CARRIER).ear.first(Sound::Tone(500));
    assert!(voice.is_none_or(|it| connected <= it), "b is heard before it is connected");
    let digits = &town.records[0].legs;
    assert!(digits.is_empty(), "the first record is of the call's beginning");
    town.hangs_up(CARRIER);
    town.ends();
    let leg = &town.record().legs[0];
    let sent: Vec<Instant> =
        leg.symbols.iter().filter(|it| !it.wait).map(|it| town.moment(it.at)).collect();
    let heard = town.seen("b").ear.keys.iter().map(|it| it.from);
    for (sent, heard) in sent.iter().zip(heard) {
        assert_near(heard.since(*sent), ms(1), ms(20));
    }
    town.rests();
}

#[test]
fn a_dial_pause_is_the_same_as_leading_waits() {
    let timeline = |keys: &str| {
        let mut town = town(&[("b", keys)], "dial = [\"b\"]");
        town.call();
        town.connects();
        let answered = town.when("b", Moment::Answered);
        let ear = &town.seen("b").ear;
        let keys = ear.keys.iter();
        keys.map(|it| (it.key, it.from.since(answered), it.duration)).collect::<Vec<_>>()
    };
    let paused = timeline("extension = \"12\"\ndial_pause = \"2s\"");
    assert_eq!(paused, timeline("extension = \"wwww12\""));
    assert_near(paused[0].1, secs(2), ms(20));
}

#[test]
fn an_extension_waits_for_the_first_voice() {
    let keys = "extension = \"7\"\nwait_for_voice = true";
    let mut town = town(&[("b", keys)], "dial = [\"b\"]");
    town.at("b").mouth.silent(true);
    town.call();
    town.run_until(secs(10), |it| it.seen("b").moment(Moment::Acknowledged).is_some());
    town.run_for(secs(4));
    assert!(town.seen("b").ear.keys.is_empty());
    town.at("b").mouth.silent(false);
    let spoke = town.now();
    town.connects();
    assert_eq!(town.seen("b").ear.keyed(), "7");
    assert!(town.seen("b").ear.keys[0].from.since(spoke) < ms(400));
}

#[test]
fn keys_of_the_caller_reach_the_destination_once_connected() {
    let mut town = town(&[("b", "")], "dial = [\"b\"]");
    town.call();
    town.connects();
    town.at(CARRIER).press('5');
    town.run_for(secs(1));
    assert_eq!(town.seen("b").ear.keyed(), "5");
    assert_eq!(town.seen("b").ear.faults, Vec::<String>::new());
}
