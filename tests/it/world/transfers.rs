//! One side puts the other through to somebody else: blindly, or after they talked it over.

use std::time::Duration;

use crosspoint::clock::Instant;
use crosspoint::model::event::What;

use super::town::*;

const MAY: &str = "may_transfer = true";
const VETO: &str = "prevent_recording = true";

/// A talk of the caller with b, who may transfer, ten seconds old; c is somebody else.
fn talk(settings: &str, c: &str) -> World {
    let receiving = [("b", MAY), ("c", c), ("d", ""), ("e", "")];
    let mut town = town_with(settings, &receiving, "dial = [\"b\"]");
    town.call();
    town.connects();
    town.run_for(secs(10));
    town
}

fn transfers(town: &mut World, name: &str, to: &str) -> Instant {
    let at = town.now();
    town.act(name, |phone, now, out| phone.transfer(to, now, out));
    at
}

/// Runs until somebody was connected for the second time.
fn connects_again(town: &mut World) -> Instant {
    let connected = |it: &World| {
        let all = it.facts.iter().filter(|(_, it)| matches!(it.what, What::Connected { .. }));
        all.map(|(at, _)| *at).nth(1)
    };
    assert!(town.run_until(secs(120), |it| connected(it).is_some()), "{}", town.draw());
    let at = connected(town).unwrap();
    town.run_for(ms(20));
    at
}

/// What a phone was told of the transfer it asked for: the answer, then the notices.
fn told(town: &World, name: &str) -> (Vec<u16>, Vec<u16>) {
    let moments = || town.seen(name).moments.iter().map(|(_, it)| *it);
    let answers = moments().filter_map(|it| match it {
        Moment::Referred(status) => Some(status),
        _ => None,
    });
    let notices = moments().filter_map(|it| match it {
        Moment::Notified(status) => Some(status),
        _ => None,
    });
    (answers.collect(), notices.collect())
}

fn hears(town: &World, who: &str, hertz: u16, since: Instant) -> Duration {
    let heard = town.seen(who).ear.heard.iter();
    let heard = heard.filter(|it| it.sound == Sound::Tone(hertz) && since <= it.to);
    heard.map(|it| it.to.since(it.from.max(since))).sum()
}

#[test]
fn a_caller_who_is_put_through_hears_ringing_and_then_whom_it_was_put_through_to() {
    let mut town = talk("", "");
    town.answers_after("c", secs(3));
    let asked = transfers(&mut town, "b", "c");
    let connected = connects_again(&mut town);
    assert_near(connected.since(asked), secs(3), ms(60));
    town.run_for(secs(5));
    assert_eq!(told(&town, "b"), (vec![202], vec![100, 180, 200]), "{}", town.draw());
    assert_near(town.when("b", Moment::HungUpOn).since(connected), ms(0), ms(20));
    assert_near(hears(&town, CARRIER, 600, connected), secs(5), ms(100));
    assert_near(hears(&town, "c", VOICE, connected), secs(5), ms(100));
    let ringing = town
        .seen(CARRIER)
        .ear
        .heard
        .iter()
        .any(|it| it.sound == Sound::Ringing && asked <= it.from);
    assert!(ringing, "{:?}", town.seen(CARRIER).ear.heard);
    assert_eq!(hears(&town, CARRIER, 500, asked + ms(60)), ms(0), "still hears b");
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
    let record = town.record();
    let destinations: Vec<&str> = record.legs.iter().map(|it| &*it.destination).collect();
    assert_eq!(destinations, ["b", "c"]);
    // Ten seconds with b, five with c; the three of ringing are none.
    assert_near(ms(record.talk_ms.unwrap()), secs(15), ms(100));
    assert!(record.path.iter().any(|it| it.what == "transfer by leg 1 to c"), "{:?}", record.path);
}

#[test]
fn each_connection_has_a_tape_of_its_own_and_the_first_ends_before_the_second_begins() {
    let mut town = talk("", "");
    let asked = transfers(&mut town, "b", "c");
    let connected = connects_again(&mut town);
    town.run_for(secs(5));
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
    let recordings = &town.record().recordings;
    let id = &town.record().id;
    let files: Vec<String> =
        recordings.iter().map(|it| it.file.clone().unwrap().to_string()).collect();
    assert_eq!(files, [format!("{id}.wav"), format!("{id}-2.wav")]);
    assert_eq!(recordings.iter().map(|it| it.leg).collect::<Vec<_>>(), [Some(1), Some(2)]);
    let tapes: Vec<_> = town.tapes().all().collect();
    assert_eq!(tapes.len(), 2);
    let length = |n: usize| ms(tapes[n].frames.unwrap() / 8);
    assert_near(length(0), asked.since(tapes[0].begun), ms(30));
    assert_eq!(tapes[1].begun, connected);
    assert_near(length(1), secs(5), ms(50));
    assert_near(ms(recordings[0].length_ms), length(0), ms(20));
    assert_near(ms(recordings[1].length_ms), length(1), ms(20));
}

/// Case 10, by transfer.
#[test]
fn nothing_is_recorded_of_whom_a_veto_protects_however_they_are_named() {
    for to in ["c", "sip:c@10.0.0.1", "sip:c@example.com;user=phone?Subject=x"] {
        let mut town = talk("", "prevent_recording = true\nenhanced_forwarding = true");
        transfers(&mut town, "b", to);
        connects_again(&mut town);
        for key in ['*', '2'] {
            town.at("c").press(key);
            town.run_for(ms(300));
        }
        town.run_for(secs(5));
        town.hangs_up("c");
        town.ends();
        town.rests();
        assert_eq!(town.tapes().all().count(), 1, "{to}: only the talk with b");
        let second = &town.record().recordings[1];
        assert_eq!(second.file, None);
        assert_eq!(second.prevented.as_deref(), Some("prevent_recording"));
    }
}

/// A caller who was put through to nobody that may be recorded so far has not been told.
#[test]
fn the_recording_notice_is_said_before_somebody_rings_who_may_be_recorded() {
    for (b, c, told_at) in [("", "", "first"), (VETO, "", "transfer"), (VETO, VETO, "never")] {
        let b = format!("{MAY}\n{b}");
        let receiving = [("b", b.as_str()), ("c", c)];
        let notice = "recording_notice = { text = \"on tape\" }";
        let mut town = town_with(notice, &receiving, "dial = [\"b\"]");
        town.answers_after("c", secs(1));
        town.call();
        town.connects();
        let tape = Sound::Tone(town.tone_of("on tape"));
        let first = if told_at == "first" { secs(2) } else { ms(0) };
        assert_near(town.seen(CARRIER).ear.total(tape), first, ms(60));
        town.run_for(secs(2));
        let asked = transfers(&mut town, "b", "c");
        let connected = connects_again(&mut town);
        let said = if told_at == "transfer" { secs(2) } else { ms(0) };
        assert_near(town.seen(CARRIER).ear.total(tape), first + said, ms(60));
        assert_near(town.when("c", Moment::Rung).since(asked), said, ms(60));
        assert_near(connected.since(asked), said + secs(1), ms(100));
        town.run_for(secs(2));
        assert_near(hears(&town, CARRIER, 600, connected), secs(2), ms(100));
        town.hangs_up(CARRIER);
        town.ends();
        town.rests();
    }
}

#[test]
fn whoever_hangs_up_while_the_notice_is_said_leaves_nobody_behind() {
    for who in [CARRIER, "b"] {
        let receiving = [("b", &*format!("{MAY}\n{VETO}")), ("c", "")];
        let notice = "recording_notice = { text = \"on tape\" }";
        let mut town = town_with(notice, &receiving, "dial = [\"b\"]");
        town.call();
        town.connects();
        transfers(&mut town, "b", "c");
        town.run_for(secs(1));
        town.hangs_up(who);
        if who == "b" {
            connects_again(&mut town);
            town.hangs_up(CARRIER);
        }
        town.ends();
        assert_eq!(town.seen("c").count(Moment::Rung), usize::from(who == "b"));
        town.rests();
    }
}

/// Every setting of who is rung holds: the table makes the cases.
#[test]
fn every_setting_of_a_destination_holds_on_a_transfer() {
    type Check = fn(&World, Instant, Instant);
    let cases: [(&str, &str, Check); 5] = [
        ("whisper", "whisper = { text = \"ads\" }", |town, _, connected| {
            let heard = town.seen("c").ear.total(Sound::Tone(town.tone_of("ads")));
            assert_near(heard, secs(2), ms(60));
            let early = town.seen("c").ear.first(Sound::Tone(VOICE));
            assert!(early.is_none_or(|it| connected <= it + ms(1)));
            assert_near(connected.since(town.when("c", Moment::Answered)), secs(2), ms(60));
        }),
        ("extension", "extension = \"3w19\"", |town, _, _| {
            assert_eq!(town.seen("c").ear.keyed(), "319");
        }),
        ("accept", "accept = \"1\"", |town, _, connected| {
            assert!(secs(4) < connected.since(town.when("c", Moment::Answered)));
        }),
        ("schedule", "schedule = \"always\"", |_, _, _| ()),
        ("ring_delay", "ring_delay = \"0s\"", |_, _, _| ()),
    ];
    for (name, keys, check) in cases {
        let mut text = plan(&[("b", MAY), ("c", keys)], "dial = [\"b\"]");
        text +=
            "[[schedule]]\nname = \"always\"\nzone = \"UTC\"\nhours = [\"mon-sun 00:00-24:00\"]\n";
        let mut town = settle(&read(&text), 1, Weather::CLEAR);
        town.at("c").manners.presses = vec![(secs(5), '1')];
        town.call();
        town.connects();
        let asked = transfers(&mut town, "b", "c");
        let connected = connects_again(&mut town);
        check(&town, asked, connected);
        assert_eq!(told(&town, "b").0, [202], "{name}");
        town.hangs_up(CARRIER);
        town.ends();
        town.rests();
    }
}

#[test]
fn a_destination_that_does_not_take_it_gives_the_call_back_to_who_asked() {
    type Setting = fn(&mut World);
    let cases: [(Setting, u16, &str); 4] = [
        (|it| it.refuses_after("c", secs(1), 486), 486, ""),
        (|it| it.refuses_after("c", secs(1), 603), 603, ""),
        (|it| it.never_answers("c"), 480, "no_answer.timeout = \"5s\""),
        (|it| it.is_dead("c"), 480, "no_answer.timeout = \"5s\""),
    ];
    for (set, status, keys) in cases {
        let mut town = talk("", &format!("{keys}\nno_answer.route = {{ dial = \"d\" }}"));
        set(&mut town);
        transfers(&mut town, "b", "c");
        let again = connects_again(&mut town);
        let (answers, notices) = told(&town, "b");
        assert_eq!((answers, notices.last()), (vec![202], Some(&status)), "{}", town.draw());
        town.run_for(secs(5));
        assert_near(hears(&town, CARRIER, 500, again), secs(5), ms(100));
        assert_near(hears(&town, "b", VOICE, again), secs(5), ms(100));
        assert_eq!(town.seen("d").count(Moment::Rung), 0);
        town.hangs_up("b");
        town.ends();
        town.rests();
        // Talk, and talk again: two tapes of b.
        let legs: Vec<_> = town.record().recordings.iter().map(|it| it.leg).collect();
        assert_eq!(legs, [Some(1), Some(1)]);
    }
}

#[test]
fn when_who_asked_is_gone_the_destinations_own_route_is_taken() {
    let mut town = talk("", "no_answer.route = { dial = \"d\" }");
    town.refuses_after("c", secs(3), 486);
    transfers(&mut town, "b", "c");
    town.run_for(secs(1));
    town.hangs_up("b");
    connects_again(&mut town);
    town.run_for(secs(2));
    assert_eq!(town.seen("d").count(Moment::Answered), 1);
    assert_eq!(told(&town, "b"), (vec![202], vec![100, 180]));
    town.hangs_up("d");
    town.ends();
    town.rests();
    let destinations: Vec<_> = town.record().legs.iter().map(|it| &*it.destination).collect();
    assert_eq!(destinations, ["b", "c", "d"]);
}

#[test]
fn a_caller_who_hangs_up_during_a_transfer_leaves_nobody_behind() {
    for after in [0, 1, 5, 50, 500, 999, 1000, 1001, 1500, 2999] {
        let mut town = talk("", "whisper = { text = \"ads\" }");
        town.answers_after("c", secs(1));
        transfers(&mut town, "b", "c");
        town.run_for(ms(after));
        let gone = town.now();
        town.hangs_up(CARRIER);
        town.run_for(ms(100));
        if town.seen("b").count(Moment::HungUpOn) == 1 {
            assert!(town.when("b", Moment::HungUpOn).since(gone) < ms(100), "{after}");
        }
        assert_eq!(town.seen("b").calls_up(), 0, "after {after} ms\n{}", town.draw());
        town.rests();
        assert_eq!(town.seen("c").calls_up(), 0, "after {after} ms");
        assert_eq!(town.record().cause.as_ref().unwrap().reason, "hung_up");
    }
}

#[test]
fn who_may_not_transfer_is_refused_and_talks_on() {
    let mut town = town(&[("b", ""), ("c", "")], "dial = [\"b\"]");
    town.call();
    let connected = town.connects();
    transfers(&mut town, "b", "c");
    // Nor may a caller from outside.
    town.run_for(secs(1));
    transfers(&mut town, CARRIER, "c");
    town.run_for(secs(4));
    assert_eq!(told(&town, "b"), (vec![403], vec![]));
    assert_eq!(told(&town, CARRIER), (vec![403], vec![]));
    assert_near(hears(&town, CARRIER, 500, connected), secs(5), ms(100));
    assert_eq!(town.seen("c").count(Moment::Rung), 0);
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
    assert_eq!(town.tapes().all().count(), 1);
}

#[test]
fn who_cannot_be_reached_is_refused_and_the_talk_goes_on() {
    for (to, c, status) in [
        ("nobody", "", 404),
        ("+12025550199", "", 403),
        ("c", "schedule = \"never\"", 480),
        ("mailto:c@example.com", "", 416),
        ("sip:c@10.0.0.1;method=BYE", "", 603),
    ] {
        let mut text = plan(&[("b", MAY), ("c", c)], "dial = [\"b\"]");
        text += "[[schedule]]\nname = \"never\"\nzone = \"UTC\"\nhours = [\"sun 00:00-00:01\"]\n";
        let mut town = settle(&read(&text), 1, Weather::CLEAR);
        town.call();
        let connected = town.connects();
        transfers(&mut town, "b", to);
        town.run_for(secs(3));
        assert_eq!(told(&town, "b"), (vec![status], vec![]), "{to}");
        assert_near(hears(&town, "b", VOICE, connected), secs(3), ms(100));
        town.hangs_up(CARRIER);
        town.ends();
        town.rests();
    }
}

/// The same row of the table for `max_calls`, which needs another call.
#[test]
fn who_has_as_many_calls_as_it_may_is_not_rung_by_a_transfer_and_is_again_afterwards() {
    let mut text = plan(&[("b", MAY), ("c", "max_calls = 1")], "dial = [\"b\"]");
    text += "[[tracking_number]]\nnumber = \"+15550100008\"\ndial = [\"c\"]\n";
    let mut town = settle(&read(&text), 1, Weather::CLEAR);
    town.calls("other", "15550100008");
    town.run_for(secs(3));
    town.call();
    town.run_for(secs(3));
    assert_eq!((town.seen("b").calls_up(), town.seen("c").calls_up()), (1, 1));
    transfers(&mut town, "b", "c");
    town.run_for(secs(3));
    assert_eq!(told(&town, "b"), (vec![486], vec![]), "{}", town.draw());
    assert_eq!(town.seen("c").count(Moment::Rung), 1);
    town.hangs_up("other");
    town.run_for(secs(1));
    transfers(&mut town, "b", "c");
    town.run_for(secs(4));
    assert_eq!(told(&town, "b").0, [486, 202]);
    assert_eq!((town.seen("b").calls_up(), town.seen("c").calls_up()), (0, 1));
    town.hangs_up(CARRIER);
    town.rests();
}

#[test]
fn a_transfer_to_a_tracking_number_follows_its_route() {
    let mut text = plan(&[("b", MAY), ("c", ""), ("d", "")], "dial = [\"b\"]");
    text += "[[tracking_number]]\nnumber = \"+15550100009\"\ndial = [\"c\", \"d\"]\n";
    let mut town = settle(&read(&text), 1, Weather::CLEAR);
    town.refuses_after("c", secs(1), 486);
    town.answers_after("d", secs(2));
    town.call();
    town.connects();
    transfers(&mut town, "b", "+15550100009");
    connects_again(&mut town);
    assert_eq!(town.seen("d").count(Moment::Acknowledged), 1);
    town.hangs_up("d");
    town.ends();
    town.rests();
    assert_eq!(&*town.record().tracking_number, "+15550100001");
}

#[test]
fn a_destination_that_answers_as_the_transfer_is_given_up_is_let_go() {
    for after in [4980, 4995, 4999, 5000, 5001, 5005, 5020] {
        let mut town = talk("", "no_answer.timeout = \"5s\"");
        town.answers_after("c", ms(after));
        transfers(&mut town, "b", "c");
        connects_again(&mut town);
        town.run_for(secs(2));
        let talking = usize::from(town.seen("c").calls_up() == 1)
            + usize::from(town.seen("b").calls_up() == 1);
        assert_eq!(talking, 1, "after {after} ms\n{}", town.draw());
        town.hangs_up(CARRIER);
        town.ends();
        town.rests();
    }
}
