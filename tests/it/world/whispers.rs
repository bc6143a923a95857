//! What the answering person hears before the caller, and what nobody hears meanwhile.

use super::town::*;

const ADS: &str = "whisper = { text = \"ads whisper\" }";

#[test]
fn a_whisper_is_heard_by_the_destination_only_and_nothing_crosses_meanwhile() {
    let mut town = town(&[("b", ADS)], "dial = [\"b\"]");
    town.call();
    town.run_until(secs(10), |it| it.seen("b").moment(Moment::Answered).is_some());
    town.run_for(ms(1950));
    let tone = Sound::Tone(town.tone_of("ads whisper"));
    let (b, caller) = (&town.seen("b").ear, &town.seen(CARRIER).ear);
    assert_near(b.total(tone), secs(2), ms(60));
    assert_eq!(b.total(Sound::Tone(VOICE)), ms(0), "the caller is heard during the whisper");
    assert_eq!(caller.packets, 0, "the caller hears something before the answer");
    town.connects();
    town.run_for(secs(3));
    let (b, caller) = (&town.seen("b").ear, &town.seen(CARRIER).ear);
    assert_near(caller.total(Sound::Tone(500)), secs(3), ms(100));
    assert_near(b.total(Sound::Tone(VOICE)), secs(3), ms(100));
    assert_eq!(caller.total(tone), ms(0));
    assert_eq!(b.faults, Vec::<String>::new());
    assert_eq!(caller.faults, Vec::<String>::new());
    town.hangs_up("b");
    town.ends();
    assert_eq!(town.record().legs[0].whisper_at.map(|it| town.moment(it) < town.now()), Some(true));
    town.rests();
}

#[test]
fn the_destinations_whisper_beats_that_of_the_settings() {
    let settings = "whisper = { text = \"settings whisper\" }";
    let mut town = town_with(settings, &[("b", ADS)], "dial = [\"b\"]");
    town.call();
    town.connects();
    let (own, other) = (town.tone_of("ads whisper"), town.tone_of("settings whisper"));
    assert_near(town.seen("b").ear.total(Sound::Tone(own)), secs(2), ms(40));
    assert_eq!(town.seen("b").ear.total(Sound::Tone(other)), ms(0));
}

#[test]
fn the_settings_whisper_is_heard_unless_the_destination_says_none() {
    let settings = "whisper = { text = \"settings whisper\" }";
    let mut one = town_with(settings, &[("b", "")], "dial = [\"b\"]");
    one.call();
    one.connects();
    let tone = Sound::Tone(one.tone_of("settings whisper"));
    assert_near(one.seen("b").ear.total(tone), secs(2), ms(40));
    let mut none = town_with(settings, &[("b", "whisper = \"none\"")], "dial = [\"b\"]");
    none.call();
    let connected = none.connects();
    assert!(connected.since(none.when("b", Moment::Answered)) < ms(50));
    assert_eq!(none.seen("b").ear.total(tone), ms(0));
}

#[test]
fn a_destination_that_hangs_up_on_its_whisper_has_declined() {
    let keys = format!("{ADS}\nno_answer.route = {{ dial = \"c\" }}");
    let mut town = town(&[("b", &keys), ("c", "")], "dial = [\"b\"]");
    town.at("b").manners.hang_up_after = Some(secs(1));
    town.call();
    town.connects();
    let hung_up = town.when("b", Moment::HangsUp);
    assert!(town.when("c", Moment::Rung).since(hung_up) < ms(50));
    town.hangs_up(CARRIER);
    town.ends();
    let outcome = town.record().legs[0].outcome;
    assert_eq!(outcome, Some(crosspoint::model::record::Outcome::Declined));
    town.rests();
}

#[test]
fn a_voicemail_that_presses_nothing_declines_while_the_others_ring_on() {
    let taking = "accept = { key = \"1\", timeout = \"3s\", repeats = 0 }";
    let patient = "no_answer.timeout = \"30s\"";
    let mut town =
        town(&[("b", taking), ("c", patient), ("d", patient)], "dial = [\"b\", \"c\", \"d\"]");
    town.answers_after("b", secs(2));
    town.answers_after("c", secs(8));
    town.never_answers("d");
    town.call();
    let connected = town.connects();
    let declined = town.when("b", Moment::HungUpOn).since(town.when("b", Moment::Answered));
    assert_near(declined, secs(3), ms(50));
    assert!(connected.since(town.when("c", Moment::Answered)) < ms(50));
    town.run_for(ms(50));
    assert!(town.when("d", Moment::Cancelled).since(connected) < ms(100));
    assert_eq!(town.seen("d").count(Moment::Rung), 1);
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
}

#[test]
fn a_key_takes_the_call_and_is_not_heard_by_the_caller() {
    let mut town = town(&[("b", "accept = { key = \"1\", reject = \"9\" }")], "dial = [\"b\"]");
    town.at("b").manners.presses = vec![(secs(1), '5'), (secs(2), '1')];
    town.call();
    let connected = town.connects();
    assert_near(connected.since(town.when("b", Moment::Answered)), secs(2), ms(250));
    town.run_for(secs(2));
    assert_eq!(town.seen(CARRIER).ear.keyed(), "");
}

#[test]
fn a_greeting_is_heard_before_it_rings_and_ringing_after_it() {
    let settings = "greeting = { text = \"hello\" }";
    let mut town = town_with(settings, &[("b", "")], "dial = [\"b\"]");
    town.answers_after("b", secs(4));
    town.call();
    town.connects();
    let tone = Sound::Tone(town.tone_of("hello"));
    let ear = &town.seen(CARRIER).ear;
    assert_near(ear.total(tone), secs(2), ms(60));
    assert!(ear.first(tone) < ear.first(Sound::Ringing));
    assert!(secs(1) < ear.total(Sound::Ringing));
    assert_eq!(town.seen(CARRIER).ear.faults, Vec::<String>::new());
}
