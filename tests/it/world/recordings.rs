//! What is recorded, and what never is.

use crosspoint::model::event::What;

use super::town::*;

/// The share of a recorded side that is louder than silence, in a span of seconds.
pub fn loud(samples: &[i16], from: f64, to: f64) -> f64 {
    let at = |it: f64| ((it * 8000.0) as usize).min(samples.len());
    let span = &samples[at(from)..at(to)];
    let loud = span.iter().filter(|it| 500 < it.unsigned_abs()).count();
    loud as f64 / span.len().max(1) as f64
}

#[test]
fn both_sides_are_recorded_from_the_connection_on() {
    let mut town = town(&[("b", "extension = \"12\"")], "dial = [\"b\"]");
    town.call();
    let connected = town.connects();
    town.run_for(secs(5));
    town.hangs_up(CARRIER);
    let ended = town.ends();
    town.rests();
    let tapes: Vec<_> = town.tapes().all().collect();
    assert_eq!(tapes.len(), 1);
    assert_eq!(tapes[0].begun, connected);
    for right in [false, true] {
        let side = tapes[0].side(right);
        assert!(0.8 < loud(&side, 0.5, 4.5), "side {right}");
    }
    let talk = ended.since(connected);
    assert_near(ms(tapes[0].frames.unwrap() / 8), talk, ms(20));
    assert_near(ms(town.record().recordings[0].length_ms), talk, ms(20));
    assert_eq!(town.record().talk_ms, Some(talk.as_millis() as u64));
}

#[test]
fn a_vetoed_destination_has_not_one_sample_on_tape() {
    let vetoed = "prevent_recording = true";
    for (receiving, tracking) in [
        (vec![("b", vetoed)], "dial = [\"b\"]"),
        (vec![("b", vetoed), ("c", ""), ("d", "")], "dial = [\"c\", \"b\", \"d\"]"),
        (vec![("b", vetoed), ("c", "no_answer.route = { dial = \"b\" }")], "dial = [\"c\"]"),
    ] {
        let mut town = town(&receiving, tracking);
        town.refuses_after("c", secs(2), 486);
        town.never_answers("d");
        town.answers_after("b", secs(1));
        town.call();
        town.connects();
        town.run_for(secs(3));
        town.hangs_up("b");
        town.ends();
        town.rests();
        assert!(town.tapes().is_empty(), "{tracking}");
        let recording = &town.record().recordings[0];
        assert_eq!(recording.file, None);
        assert_eq!(recording.prevented.as_deref(), Some("prevent_recording"));
    }
}

#[test]
fn codes_stop_and_start_the_recording_and_the_caller_hears_none_of_them() {
    let mut town = town(&[("b", "enhanced_forwarding = true")], "dial = [\"b\"]");
    town.call();
    let connected = town.connects();
    town.run_for(secs(2));
    for code in ["*1", "*2"] {
        for key in code.chars() {
            town.at("b").press(key);
        }
        town.run_for(secs(3));
    }
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
    assert_eq!(town.seen(CARRIER).ear.keyed(), "");
    let stopped =
        town.fact(|it| matches!(it, What::RecordingStopped { by } if by == "destination"));
    let stopped = stopped.unwrap().since(connected).as_secs_f64();
    let tape = town.tapes().all().next().unwrap();
    for right in [false, true] {
        let side = tape.side(right);
        assert!(0.8 < loud(&side, 0.5, stopped - 0.5), "side {right}: before");
        assert!(loud(&side, stopped + 0.1, stopped + 2.4) < 0.001, "side {right}: in the gap");
        assert!(0.8 < loud(&side, stopped + 3.3, stopped + 4.4), "side {right}: after");
    }
    assert_eq!(town.count_facts(|it| matches!(it, What::RecordingStarted { .. })), 2);
}

#[test]
fn the_start_code_does_not_override_a_veto() {
    let keys = "enhanced_forwarding = true\nprevent_recording = true";
    let mut town = town(&[("b", keys)], "dial = [\"b\"]");
    town.call();
    town.connects();
    town.at("b").press('*');
    town.at("b").press('2');
    town.run_for(secs(3));
    town.hangs_up(CARRIER);
    town.ends();
    assert!(town.tapes().is_empty());
    town.rests();
}
