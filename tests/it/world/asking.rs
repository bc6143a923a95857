//! Callers who are asked: menus, messages and scores, with keys by every way that keys come.

use crosspoint::model::event::What;
use crosspoint::model::record::RecordState;

use super::recordings::loud;
use super::town::*;

const BOX: &str = "[[voicemail]]\nname = \"box\"\ngreeting = { text = \"speak now\" }\n\
                   silence = \"3s\"\nagent = \"ann\"\n";
const MENU: &str = "[[voice_menu]]\nname = \"main\"\nprompt = { text = \"the menu\" }\n\
                    invalid = { text = \"wrong\" }\notherwise = { dial = \"e\" }\n\
                    keys = { 1 = { dial = \"b\" }, 12 = { dial = \"c\" }, \
                    \"*\" = { voicemail = \"box\" } }\n";
const STORES: &str = "[[geo_router]]\nname = \"stores\"\nprompt = { text = \"your zip\" }\n\
                      zips = { 10003 = { dial = \"b\" } }\notherwise = { dial = \"c\" }\n";
const TO_MENU: &str = "voice_menu = \"main\"";
const TO_BOX: &str = "voicemail = \"box\"";

/// How a phone presses a key.
#[derive(Clone, Copy, Debug, PartialEq)]
enum By {
    Events,
    Voice,
    Info,
}

const WAYS: [By; 3] = [By::Events, By::Voice, By::Info];

/// b, c, d and e, with these keys for each; the menu and the box.
fn asking(keys: &str, tracking: &str, settings: &str) -> World {
    let phones: Vec<_> = ["b", "c", "d", "e"].map(|it| (it, keys)).to_vec();
    let text = plan(&phones, tracking) + MENU + BOX + STORES;
    let text = text + &format!("[[call_settings]]\nname = \"default\"\n{settings}\n");
    settle(&read(&text), 1, Weather::CLEAR)
}

fn route(route: &str) -> String {
    format!("route = {{ {route} }}")
}

fn press(town: &mut World, who: &str, by: By, keys: &str) {
    for key in keys.chars() {
        match by {
            By::Events | By::Voice => town.at(who).press(key),
            By::Info => town.act(who, |phone, now, out| phone.press_by_info(key, now, out)),
        }
    }
}

/// The caller is answered and has heard this message for a moment.
fn hears(town: &mut World, who: &str, prompt: &str) {
    let tone = Sound::Tone(town.tone_of(prompt));
    let heard = town.run_until(secs(90), |it| it.seen(who).ear.total(tone) > ms(300));
    assert!(heard, "{who} never heard {prompt:?}\n{}", town.draw());
}

fn talks(town: &World, who: &str, whom: u16) -> bool {
    town.seen(who).ear.total(Sound::Tone(whom)) > secs(1)
}

#[test]
fn a_key_in_a_menu_reaches_its_destination_by_every_way_that_keys_come() {
    for by in WAYS {
        for (keys, to, voice, after) in
            [("12", "c", 600, 0), ("1#", "b", 500, 0), ("1", "b", 500, 3000)]
        {
            let mut town = asking("", &route(TO_MENU), "");
            town.at(CARRIER).manners.no_events = by == By::Voice;
            town.call();
            hears(&mut town, CARRIER, "the menu");
            let pressed = town.now();
            press(&mut town, CARRIER, by, keys);
            town.connects();
            let rung = town.when(to, Moment::Rung).since(pressed);
            // A key takes 200 ms to press, and the network a little.
            assert!(ms(after) <= rung && rung < ms(after + 500), "{by:?} {keys}: {rung:?}");
            town.run_for(secs(3));
            assert!(talks(&town, CARRIER, voice) && talks(&town, to, VOICE), "{by:?} {keys}");
            assert_eq!(town.seen(to).ear.keyed(), "", "{by:?} {keys}");
            let menu = Sound::Tone(town.tone_of("the menu"));
            assert!(town.seen(CARRIER).ear.total(menu) < ms(700), "the prompt goes on: {by:?}");
            assert_eq!(town.seen(CARRIER).ear.faults, Vec::<String>::new());
            town.hangs_up(CARRIER);
            town.ends();
            town.rests();
            let path: Vec<_> = town.record().path.iter().map(|it| it.what.as_str()).collect();
            let dial = format!("dial {to}");
            let wanted = ["voice_menu main", "voice_menu main: answered", &dial, "caller hung up"];
            assert_eq!(path, wanted, "{by:?}");
        }
    }
}

#[test]
fn a_menu_that_hears_nothing_or_nonsense_asks_again_and_then_goes_its_other_way() {
    let mut town = asking("", &route(TO_MENU), "");
    town.call();
    hears(&mut town, CARRIER, "the menu");
    press(&mut town, CARRIER, By::Events, "7");
    hears(&mut town, CARRIER, "wrong");
    let connected = town.connects();
    // "Wrong" and the menu, 5 s; the menu again, 5 s; then e rings and answers after 1 s.
    let pressed = town.fact(|it| matches!(it, What::KeysEntered { .. })).unwrap();
    assert_near(connected.since(pressed), secs(4 + 5 + 2 + 5 + 1), ms(300));
    assert_eq!(town.seen("e").count(Moment::Answered), 1);
    let menu = Sound::Tone(town.tone_of("the menu"));
    assert!(secs(4) < town.seen(CARRIER).ear.total(menu));
    town.hangs_up("e");
    town.ends();
    town.rests();
}

/// Ways to a route: how b, c, d and e are set up, and the tracking number.
fn ways(to: &str) -> Vec<(&'static str, String, String)> {
    let to = format!("{{ {to} }}");
    let soon = "no_answer.timeout = \"2s\"";
    let dial = |it: &str| format!("dial = {it}");
    vec![
        ("direct", String::new(), format!("route = {to}")),
        ("no answer", format!("{soon}\nno_answer.route = {to}"), dial("[\"d\"]")),
        ("busy", format!("no_answer.busy_route = {to}"), dial("[\"c\"]")),
        ("fork", format!("{soon}\nno_answer.route = {to}"), dial("[\"c\", \"d\"]")),
    ]
}

/// c is busy, d does not answer.
fn at_work(town: &mut World) {
    town.refuses_after("c", secs(1), 486);
    town.never_answers("d");
}

#[test]
fn on_every_way_to_a_box_the_message_is_on_tape_from_the_tone_to_the_silence() {
    for (way, keys, tracking) in ways(TO_BOX) {
        // A destination that may not be recorded has no say in the caller's own message.
        let mut town = asking(&format!("prevent_recording = true\n{keys}"), &tracking, "");
        at_work(&mut town);
        town.call();
        hears(&mut town, CARRIER, "speak now");
        let begins = |it: &What| matches!(it, What::RecordingStarted { .. });
        assert!(town.run_until(secs(10), |it| it.fact(begins).is_some()), "{way}");
        let begun = town.fact(begins).unwrap();
        assert!(secs(0) < town.seen(CARRIER).ear.total(Sound::Tone(1000)), "{way}: no tone");
        town.run_for(secs(4));
        let hushed = town.now();
        town.at(CARRIER).mouth.speaks_until(hushed);
        let ended = town.ends();
        assert_near(ended.since(hushed), secs(3), ms(350));
        assert_eq!(town.seen(CARRIER).count(Moment::HungUpOn), 1, "{way}\n{}", town.draw());
        town.rests();
        let tape = town.tapes().all().next().unwrap();
        assert!(!tape.dropped, "{way}");
        assert_near(ms(tape.frames.unwrap() / 8), ended.since(begun), ms(40));
        let (left, right) = (tape.side(false), tape.side(true));
        assert!(0.8 < loud(&left, 0.1, 3.9), "{way}: the caller");
        assert!(loud(&left, 4.2, 6.9) < 0.001, "{way}: after the message");
        assert!(right.iter().all(|it| it.unsigned_abs() < 20), "{way}: nobody else is there");
        let record = town.record();
        let [message] = &record.recordings[..] else { panic!("{way}: {:?}", record.recordings) };
        assert_eq!(message.voicemail.as_deref(), Some("box"), "{way}");
        assert_eq!(message.stopped_by.as_deref(), Some("silence"), "{way}");
        assert_near(ms(message.length_ms), ended.since(begun), ms(40));
        assert_eq!(record.lead_owner.as_deref(), Some("ann"), "{way}");
        let left = |it: &What| matches!(it, What::VoicemailLeft { .. });
        assert_eq!(town.count_facts(left), 1, "{way}");
    }
}

#[test]
fn a_message_ends_by_the_hash_by_every_way_that_keys_come_and_by_hanging_up() {
    for by in [Some(By::Events), Some(By::Voice), Some(By::Info), None] {
        let mut town = asking("", &route(TO_BOX), "");
        town.at(CARRIER).manners.no_events = by == Some(By::Voice);
        town.call();
        let begins = |it: &What| matches!(it, What::RecordingStarted { .. });
        assert!(town.run_until(secs(10), |it| it.fact(begins).is_some()));
        town.run_for(secs(2));
        let before = town.now();
        match by {
            Some(by) => press(&mut town, CARRIER, by, "#"),
            None => town.hangs_up(CARRIER),
        }
        let ended = town.ends();
        assert!(ended.since(before) < ms(100), "{by:?}: {:?}", ended.since(before));
        town.rests();
        let message = &town.record().recordings[0];
        assert!(message.file.is_some(), "{by:?}");
        assert_eq!(message.stopped_by.as_deref(), by.map(|_| "key"), "{by:?}");
        assert_eq!(town.record().talk_ms, None);
    }
}

#[test]
fn a_caller_who_says_nothing_leaves_no_message() {
    for hangs_up in [false, true] {
        let mut town = asking("", &route(TO_BOX), "");
        town.at(CARRIER).mouth.silent(true);
        town.call();
        let begins = |it: &What| matches!(it, What::RecordingStarted { .. });
        assert!(town.run_until(secs(10), |it| it.fact(begins).is_some()));
        let begun = town.now();
        if hangs_up {
            town.run_for(secs(2));
            town.hangs_up(CARRIER);
        }
        let ended = town.ends();
        assert_near(ended.since(begun), secs(if hangs_up { 2 } else { 3 }), ms(100));
        town.rests();
        assert!(town.tapes().all().all(|it| it.dropped), "the file is thrown away");
        let message = &town.record().recordings[0];
        assert_eq!(
            (message.file.as_deref(), message.prevented.as_deref()),
            (None, Some("no_message"))
        );
        assert_eq!(town.count_facts(|it| matches!(it, What::VoicemailLeft { .. })), 0);
    }
}

#[test]
fn a_key_in_a_menu_leads_to_the_box_behind_it() {
    let mut town = asking("", &route(TO_MENU), "");
    town.call();
    hears(&mut town, CARRIER, "the menu");
    press(&mut town, CARRIER, By::Events, "*");
    hears(&mut town, CARRIER, "speak now");
    press(&mut town, CARRIER, By::Events, "#");
    town.run_for(secs(3));
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
    assert!(town.record().recordings[0].file.is_some());
}

#[test]
fn a_zip_code_by_keypad_reaches_its_destination_by_every_way_that_keys_come() {
    for by in WAYS {
        for (zip, to) in [("10003", "b"), ("94103", "c"), ("#", "c")] {
            let mut town = asking("", &route("geo_router = \"stores\""), "");
            town.at(CARRIER).manners.no_events = by == By::Voice;
            town.call();
            hears(&mut town, CARRIER, "your zip");
            press(&mut town, CARRIER, by, zip);
            town.connects();
            assert_eq!(town.seen(to).count(Moment::Answered), 1, "{by:?} {zip}");
            town.hangs_up(CARRIER);
            town.ends();
            town.rests();
            assert!(!format!("{:?}", town.record()).contains("94103"), "{by:?}");
        }
    }
}

/// The caller hangs up in each place; everybody is let go within 100 ms, and nothing is left.
#[test]
fn a_caller_who_hangs_up_ends_every_phase_of_asking() {
    for (to, until) in [(TO_MENU, "the menu"), (TO_BOX, "speak now")] {
        for (way, keys, tracking) in ways(to) {
            let mut town = asking(&keys, &tracking, "");
            at_work(&mut town);
            town.call();
            hears(&mut town, CARRIER, until);
            let before = town.now();
            town.hangs_up(CARRIER);
            let ended = town.ends();
            assert!(ended.since(before) < ms(100), "{way}");
            assert_eq!(town.record().cause.as_ref().unwrap().sip, 487, "{way}");
            town.rests();
        }
    }
}

#[test]
fn the_greeting_is_heard_before_a_menu_and_the_notice_before_who_is_behind_it() {
    let settings = "greeting = { text = \"hello\" }\nrecording_notice = { text = \"on tape\" }";
    let mut town = asking("", &route(TO_MENU), settings);
    town.call();
    hears(&mut town, CARRIER, "the menu");
    let [hello, tape, menu] =
        ["hello", "on tape", "the menu"].map(|it| Sound::Tone(town.tone_of(it)));
    let ear = &town.seen(CARRIER).ear;
    assert!(ear.first(hello) < ear.first(menu) && ear.total(tape).is_zero());
    press(&mut town, CARRIER, By::Events, "12");
    hears(&mut town, CARRIER, "on tape");
    assert_eq!(town.seen("c").count(Moment::Rung), 0, "rung before the notice is over");
    town.connects();
    let ear = &town.seen(CARRIER).ear;
    assert_near(ear.total(hello), secs(2), ms(60));
    assert_near(ear.total(tape), secs(2), ms(60));
    town.hangs_up("c");
    town.ends();
    town.rests();
}

const SCORES: &str =
    "enhanced_forwarding = { score = { prompt = { text = \"rate it\" }, timeout = \"4s\" } }";

#[test]
fn the_answering_person_scores_the_call_by_every_way_that_keys_come() {
    for by in WAYS {
        for (way, tracking, keys) in
            [("direct", "dial = [\"b\"]", ""), ("menu", "route = { voice_menu = \"main\" }", "1#")]
        {
            let mut town = asking(SCORES, tracking, "");
            town.at("b").manners.no_events = by == By::Voice;
            town.call();
            if !keys.is_empty() {
                hears(&mut town, CARRIER, "the menu");
                press(&mut town, CARRIER, By::Events, keys);
            }
            let connected = town.connects();
            town.run_for(secs(3));
            town.hangs_up(CARRIER);
            let ended = town.ends();
            // The record is kept before anybody is asked.
            let kept = town.records.last().unwrap();
            let talk = ended.since(connected).as_millis() as u64;
            assert_eq!((kept.talk_ms, kept.state), (Some(talk), RecordState::InProgress), "{by:?}");
            hears(&mut town, "b", "rate it");
            press(&mut town, "b", by, "4");
            town.rests();
            let record = town.record();
            assert_eq!((record.score, record.talk_ms), (Some('4'), Some(talk)), "{by:?} {way}");
            assert_eq!(town.moment(record.ended_at.unwrap()), ended, "{by:?} {way}");
            assert_eq!(town.seen("b").count(Moment::HungUpOn), 1, "{by:?} {way}");
            assert_eq!(town.count_facts(|it| matches!(it, What::Scored { score: '4' })), 1);
        }
    }
}

#[test]
fn a_person_who_gives_no_score_is_let_go_after_the_last_time_of_asking() {
    let mut town = asking(SCORES, "dial = [\"b\"]", "");
    town.call();
    town.connects();
    town.run_for(secs(1));
    town.hangs_up(CARRIER);
    let ended = town.ends();
    town.run_until(secs(60), |it| it.seen("b").count(Moment::HungUpOn) == 1);
    let asked = Sound::Tone(town.tone_of("rate it"));
    assert_near(town.seen("b").ear.total(asked), secs(4), ms(60));
    // The prompt of 2 s and 4 s of patience, twice.
    assert_near(town.when("b", Moment::HungUpOn).since(ended), secs(12), ms(150));
    town.rests();
    assert_eq!(town.record().score, None);
}

#[test]
fn codes_stop_and_start_the_recording_by_every_way_that_keys_come_unheard_by_the_caller() {
    for by in WAYS {
        let mut town = asking("enhanced_forwarding = true", "dial = [\"b\"]", "");
        town.at("b").manners.no_events = by == By::Voice;
        town.call();
        town.connects();
        town.run_for(secs(2));
        let other = town.seen(CARRIER).ear.total(Sound::Other);
        for code in ["*1", "*2"] {
            press(&mut town, "b", by, code);
            town.run_for(secs(2));
        }
        assert_eq!(town.seen(CARRIER).ear.keyed(), "", "{by:?}");
        // A key in the voice is hushed from its second packet on: four keys, four packets.
        let heard = town.seen(CARRIER).ear.total(Sound::Other) - other;
        assert!(heard <= ms(80), "{by:?}: {heard:?} of tones");
        let stopped =
            |it: &What| matches!(it, What::RecordingStopped { by } if by == "destination");
        assert_eq!(town.count_facts(stopped), 1, "{by:?}");
        assert_eq!(town.count_facts(|it| matches!(it, What::RecordingStarted { .. })), 2, "{by:?}");
        town.hangs_up(CARRIER);
        town.ends();
        town.rests();
    }
}
