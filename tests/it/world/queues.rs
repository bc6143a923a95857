//! Queues: callers wait, hear the queue's music, and are taken in turn (PRODUCT section 6).

use std::collections::BTreeMap;

use crosspoint::clock::Now;
use crosspoint::config::Config;
use crosspoint::desk::{Presence, State};
use crosspoint::model::event::What;
use crosspoint::model::record::CallRecord;

use super::town::*;

const OTHER: &str = "other";
/// The second caller's number; the first has the usual one.
const OTHERS_NUMBER: &str = "+15125550101";
const WALTZ: &str = "music = { text = \"waltz\" }";
const INTO: &str = "route = { queue = \"sales\" }";

/// Somebody whose phone is never there.
const NOBODY: &str = "[[receiving_number]]\nname = \"nobody\"\nnumber = \"client:nobody\"\n\
    [[account]]\nuser = \"nobody\"\npassword = \"wonderland\"\n";

/// A tracking number whose callers wait in the queue `sales`, which these keys are of.
fn text(receiving: &[(&str, &str)], queue: &str) -> String {
    plan(receiving, INTO) + NOBODY + &format!("[[queue]]\nname = \"sales\"\n{queue}\n")
}

fn office(receiving: &[(&str, &str)], queue: &str) -> World {
    open(&read(&text(receiving, queue)))
}

fn open(config: &Config) -> World {
    let mut town = settle(config, 1, Weather::CLEAR);
    town.at(OTHER).number = OTHERS_NUMBER.to_owned();
    town
}

/// Ann, whose phone is registered at an account, in a queue that nobody waits in for nobody.
fn with_ann(queue: &str) -> String {
    let queue = format!("members = [{{ agent = \"ann\" }}]\nbypass_unavailable = true\n{queue}");
    text(&[("c", "")], &queue)
        + "[[agent]]\nname = \"ann\"\naccount = \"ann\"\n\
           [[account]]\nuser = \"ann\"\npassword = \"wonderland\"\n"
}

fn now(town: &World) -> Now {
    Now { at: town.now(), wall: town.wall() }
}

fn connections(town: &World) -> usize {
    town.count_facts(|it| matches!(it, What::Connected { .. }))
}

/// Runs until one more caller is connected.
fn connects_again(town: &mut World) {
    let before = connections(town);
    let came = town.run_until(secs(120), |it| before < connections(it));
    assert!(came, "nobody is connected\n{}", town.draw());
    town.run_for(ms(20));
}

fn record_of<'a>(town: &'a World, caller: &str) -> &'a CallRecord {
    let ended = town.ended();
    let found = ended.iter().rev().find(|it| it.caller == caller);
    found.unwrap_or_else(|| panic!("no record of {caller}\n{}", town.draw()))
}

fn says(record: &CallRecord, step: &str) -> bool {
    record.path.iter().any(|it| it.what == step)
}

/// Everybody is at rest, and nobody waits.
fn all_is_over(town: &mut World) {
    town.rests();
    assert_eq!(town.switch.in_line(), 0, "{}", town.draw());
}

#[test]
fn a_waiting_caller_hears_music_and_no_ringing_until_somebody_took_the_call() {
    let keys = "whisper = { text = \"ads\" }\nagent = \"Bea\"";
    let mut town = office(&[("b", keys)], &format!("members = [\"b\"]\n{WALTZ}"));
    town.answers_after("b", secs(3));
    town.call();
    let called = town.now();
    let connected = town.connects();
    assert_near(connected.since(called), secs(5), ms(50));
    assert_eq!(town.seen(CARRIER).finals(), [200]);
    assert!(town.when(CARRIER, Moment::Told(200)).since(called) < ms(50), "answered on entry");
    town.run_for(secs(2));
    let (waltz, ads) = (Sound::Tone(town.tone_of("waltz")), Sound::Tone(town.tone_of("ads")));
    let (caller, b) = (&town.seen(CARRIER).ear, &town.seen("b").ear);
    assert_near(caller.total(waltz), secs(5), ms(100));
    assert_eq!(caller.total(Sound::Ringing), ms(0));
    assert_eq!((caller.total(ads), b.total(waltz)), (ms(0), ms(0)));
    assert_near(b.total(ads), secs(2), ms(60));
    assert_near(caller.total(Sound::Tone(500)), secs(2), ms(100));
    assert_near(b.total(Sound::Tone(VOICE)), secs(2), ms(100));
    assert_eq!((caller.faults.len(), b.faults.len()), (0, 0));
    town.hangs_up(CARRIER);
    town.ends();
    all_is_over(&mut town);
    let record = town.record();
    assert_eq!(record.agent.as_deref(), Some("Bea"));
    let waited = record.wait_ms.unwrap();
    assert!(waited.abs_diff(5000) < 50, "{waited}");
    let path: Vec<_> = record.path.iter().map(|it| it.what.as_str()).collect();
    let steps = ["queue sales", "waits as number 1", "offered to b", "b took the call"];
    assert_eq!(path[..4], steps);
    assert!(path[4].starts_with("waited 5.0"), "{path:?}");
    assert!(record.recordings[0].file.is_some());
}

#[test]
fn without_music_a_waiting_caller_hears_ringing() {
    let mut town = office(&[("b", "")], "members = [\"b\"]");
    town.answers_after("b", secs(5));
    town.call();
    town.connects();
    assert!(secs(1) < town.seen(CARRIER).ear.total(Sound::Ringing));
}

#[test]
fn a_queue_heard_as_early_media_answers_the_caller_only_for_the_agent() {
    let keys = format!("members = [\"b\"]\nentry = \"early_media\"\n{WALTZ}");
    let mut town = office(&[("b", "")], &keys);
    town.answers_after("b", secs(4));
    town.call();
    town.run_for(secs(3));
    assert_eq!(town.seen(CARRIER).finals(), Vec::<u16>::new());
    assert_eq!(town.seen(CARRIER).count(Moment::Told(183)), 1);
    let waltz = Sound::Tone(town.tone_of("waltz"));
    assert_near(town.seen(CARRIER).ear.total(waltz), secs(3), ms(100));
    let connected = town.connects();
    assert!(town.when(CARRIER, Moment::Told(200)).since(connected) < ms(20));
    town.hangs_up("b");
    town.ends();
    all_is_over(&mut town);
}

/// Who takes one call after the other; callers take turns.
fn taken_by(town: &mut World, callers: &[&str]) -> String {
    let mut taken = String::new();
    for caller in callers {
        town.calls(caller, NUMBER);
        connects_again(town);
        let up = ["b", "c", "d"].into_iter().filter(|it| 0 < town.seen(it).calls_up());
        let up: Vec<_> = up.collect();
        assert_eq!(up.len(), 1, "{up:?} are in a call\n{}", town.draw());
        taken += up[0];
        town.run_for(secs(1));
        town.hangs_up(caller);
        town.run_for(secs(1));
    }
    taken
}

#[test]
fn each_distribution_offers_its_own_next_one() {
    let (one, two) = (CARRIER, OTHER);
    for (distribution, callers, wanted) in [
        // b answers first of all who ring.
        ("simultaneous", [one; 5], "bbbbb"),
        ("round_robin", [one; 5], "bcdbc"),
        ("longest_idle", [one; 5], "bcdbc"),
        ("sticky", [one, two, one, two, one], "bcbcb"),
        ("weighted", [one; 5], "bcdbb"),
    ] {
        let members = "[{ number = \"b\", weight = 2 }, \"c\", \"d\"]";
        let keys = format!("members = {members}\ndistribution = \"{distribution}\"");
        let mut town = office(&[("b", ""), ("c", ""), ("d", "")], &keys);
        town.answers_after("c", secs(2));
        town.answers_after("d", secs(2));
        assert_eq!(taken_by(&mut town, &callers), wanted, "{distribution}");
        let rung: usize = ["b", "c", "d"].iter().map(|it| town.seen(it).count(Moment::Rung)).sum();
        assert_eq!(rung, if distribution == "simultaneous" { 15 } else { 5 }, "{distribution}");
        all_is_over(&mut town);
    }
}

#[test]
fn callers_are_told_their_place_in_line_and_the_announcement_again_and_again() {
    let keys = format!(
        "members = [\"b\"]\nposition = \"You are number {{position}} in line.\"\n\
         announcement = {{ text = \"thank you\" }}\nwelcome = {{ text = \"welcome\" }}\n\
         announce_every = \"10s\"\nmax_wait = \"60s\"\n{WALTZ}"
    );
    let mut town = office(&[("b", "")], &keys);
    town.never_answers("b");
    town.call();
    town.calls(OTHER, NUMBER);
    town.run_for(secs(9));
    let tone = |town: &World, text: &str| Sound::Tone(town.tone_of(text));
    let number = |n: u8| format!("You are number {n} in line.");
    let heard = |town: &World, who: &str, text: &str| town.seen(who).ear.total(tone(town, text));
    for (who, own, others) in [(CARRIER, 1, 2), (OTHER, 2, 1)] {
        assert_near(heard(&town, who, "welcome"), secs(2), ms(60));
        assert_near(heard(&town, who, &number(own)), secs(2), ms(60));
        assert_eq!(heard(&town, who, &number(others)), ms(0), "{who}");
        assert_eq!(heard(&town, who, "thank you"), ms(0));
        assert_near(heard(&town, who, "waltz"), secs(5), ms(100));
    }
    town.hangs_up(CARRIER);
    town.run_for(secs(6));
    assert_near(heard(&town, OTHER, &number(1)), secs(2), ms(60));
    assert_near(heard(&town, OTHER, "thank you"), secs(2), ms(60));
    town.run_for(secs(10));
    assert_near(heard(&town, OTHER, "thank you"), secs(4), ms(60));
    assert_eq!(town.seen(OTHER).ear.faults, Vec::<String>::new());
    town.hangs_up(OTHER);
    all_is_over(&mut town);
}

#[test]
fn after_the_longest_wait_a_caller_goes_on_exactly_then() {
    // Nobody ever answers; somebody is on the way; nobody is there at all.
    for (manners, members) in
        [("never", "[\"b\"]"), ("dead", "[\"b\", \"d\"]"), ("", "[\"nobody\"]")]
    {
        let keys = format!(
            "members = {members}\nmax_wait = \"12s\"\nno_answer = {{ dial = \"c\" }}\n{WALTZ}"
        );
        let mut town = office(&[("b", ""), ("c", ""), ("d", "")], &keys);
        for name in ["b", "d"] {
            match manners {
                "never" => town.never_answers(name),
                _ => town.is_dead(name),
            }
        }
        town.answers_after("c", secs(2));
        town.call();
        let called = town.now();
        town.connects();
        assert_near(town.when("c", Moment::Rung).since(called), secs(12), ms(50));
        if manners == "never" {
            assert_near(town.when("b", Moment::Cancelled).since(called), secs(12), ms(50));
        }
        assert!(ms(1500) < town.seen(CARRIER).ear.total(Sound::Ringing), "c rings after the music");
        town.hangs_up("c");
        town.ends();
        assert_eq!(town.record().wait_ms, Some(12_000));
        if manners == "dead" {
            // Phones that say nothing are still being asked to let go.
            continue;
        }
        all_is_over(&mut town);
    }
}

#[test]
fn a_wait_without_another_route_ends_the_call() {
    let mut town = office(&[("b", "")], "members = [\"b\"]\nmax_wait = \"5s\"");
    town.never_answers("b");
    town.call();
    town.ends();
    assert_eq!(town.reason(), "no_answer");
    assert_eq!(town.seen(CARRIER).count(Moment::HungUpOn), 1);
    all_is_over(&mut town);
}

#[test]
fn who_has_picked_up_when_the_wait_is_over_may_still_take_the_call() {
    for (hangs_up, taken) in [(false, "b"), (true, "c")] {
        let keys = "members = [\"b\"]\nmax_wait = \"5s\"\nno_answer = { dial = \"c\" }";
        let mut town = office(&[("b", "whisper = { text = \"ads\" }"), ("c", "")], keys);
        town.answers_after("b", secs(4));
        town.at("b").manners.hang_up_after = hangs_up.then_some(ms(1500));
        town.call();
        town.connects();
        assert_eq!(town.seen(taken).calls_up(), 1, "{}", town.draw());
        assert_eq!(town.seen("b").count(Moment::Rung), 1);
        town.hangs_up(CARRIER);
        town.ends();
        all_is_over(&mut town);
    }
}

#[test]
fn a_queue_that_is_full_closed_or_empty_of_agents_sends_callers_on_at_once() {
    let elsewhere = "no_answer = { dial = \"c\" }";
    let nights =
        "[[schedule]]\nname = \"nights\"\nzone = \"UTC\"\nhours = [\"mon-fri 20:00-06:00\"]\n";
    let full =
        text(&[("b", ""), ("c", "")], &format!("members = [\"b\"]\nmax_length = 1\n{elsewhere}"));
    // The town's clock begins on a Monday at 15:00 UTC.
    let closed = "members = [\"b\"]\nschedule = \"nights\"\noutside_hours = { dial = \"c\" }";
    let closed = text(&[("b", ""), ("c", "")], closed) + nights;
    let members = "members = [\"b\"]\nbypass_unavailable = true";
    let agents_closed = format!("{members}\n{elsewhere}");
    let agents_closed = text(&[("b", "schedule = \"nights\""), ("c", "")], &agents_closed) + nights;
    for (text, why) in [
        (full, "queue sales is full"),
        (closed, "queue sales is closed"),
        (with_ann(elsewhere), "queue sales has nobody to take calls"),
        (agents_closed, "queue sales has nobody to take calls"),
    ] {
        let mut town = open(&read(&text));
        town.never_answers("b");
        if why.ends_with("full") {
            town.calls(OTHER, NUMBER);
            town.run_for(secs(1));
        }
        town.call();
        let called = town.now();
        town.connects();
        assert!(town.when("c", Moment::Rung).since(called) < ms(50), "{why}");
        let answered = town.when(CARRIER, Moment::Told(200)).since(called);
        assert!(ms(900) < answered, "{why}: answered by the queue after {answered:?}");
        town.hangs_up("c");
        town.run_for(secs(1));
        let record = record_of(&town, "+15125550100");
        assert!(says(record, why), "{:?}", record.path);
        assert_eq!(record.wait_ms, None);
        if why.ends_with("full") {
            town.hangs_up(OTHER);
        }
        all_is_over(&mut town);
    }
}

#[test]
fn an_agents_registered_phone_takes_the_call_and_is_credited() {
    let mut town = open(&read(&with_ann("no_answer = { dial = \"c\" }")));
    town.register("ann", address("d"));
    town.call();
    town.connects();
    assert_eq!(town.seen("d").calls_up(), 1);
    assert_eq!(town.switch.state("ann", town.now()).map(|it| it.0), Some(State::Busy));
    town.hangs_up("d");
    town.ends();
    assert_eq!(town.record().agent.as_deref(), Some("ann"));
    assert_eq!(town.switch.state("ann", town.now()).map(|it| it.0), Some(State::Available));
    all_is_over(&mut town);
}

#[test]
fn an_agent_who_comes_while_callers_wait_is_offered_at_once() {
    let keys = "max_wait = \"60s\"";
    let text = with_ann(keys).replace("bypass_unavailable = true", "");
    // Its phone is registered, or it comes back from its break.
    for registers in [true, false] {
        let mut town = open(&read(&text));
        if !registers {
            town.register("ann", address("d"));
            let (now, away) = (now(&town), Presence::Away);
            assert!(town.switch.set_state("ann", away, now));
        }
        town.call();
        town.run_for(secs(10));
        assert_eq!(town.seen("d").count(Moment::Rung), 0);
        let came = town.now();
        if registers {
            town.register("ann", address("d"));
        } else {
            let now = now(&town);
            assert!(town.switch.set_state("ann", Presence::Available, now));
        }
        town.connects();
        assert!(town.when("d", Moment::Rung).since(came) < ms(50), "{}", town.draw());
        town.hangs_up(CARRIER);
        town.ends();
        all_is_over(&mut town);
    }
}

#[test]
fn an_agent_is_left_alone_for_its_wrap_up() {
    let mut town = office(&[("b", "")], "members = [\"b\"]\nwrap_up = \"7s\"");
    town.at("b").manners.hang_up_after = Some(secs(10));
    town.call();
    town.connects();
    town.calls(OTHER, NUMBER);
    town.run_until(secs(20), |it| it.seen("b").moment(Moment::HangsUp).is_some());
    let hung_up = town.now();
    connects_again(&mut town);
    let again = town.seen("b").moments.iter().filter(|(_, it)| *it == Moment::Rung).nth(1);
    assert_near(again.unwrap().0.since(hung_up), secs(7), ms(50));
    town.hangs_up(OTHER);
    all_is_over(&mut town);
}

#[test]
fn two_callers_and_one_agent_are_served_in_the_order_they_came() {
    let mut town = office(&[("b", "")], &format!("members = [\"b\"]\n{WALTZ}"));
    town.at("b").manners.hang_up_after = Some(secs(6));
    town.call();
    town.run_for(ms(100));
    town.calls(OTHER, NUMBER);
    town.connects();
    let waltz = Sound::Tone(town.tone_of("waltz"));
    town.run_for(secs(5));
    assert_eq!(town.seen("b").count(Moment::Rung), 1);
    assert_near(town.seen(OTHER).ear.total(waltz), secs(6), ms(200));
    connects_again(&mut town);
    town.run_for(secs(2));
    assert!(ms(1900) < town.seen(OTHER).ear.total(Sound::Tone(500)));
    assert_eq!(town.seen("b").count(Moment::Rung), 2);
    town.run_for(secs(10));
    assert_eq!(record_of(&town, "+15125550100").wait_ms.map(|it| it / 100), Some(10));
    assert_eq!(record_of(&town, OTHERS_NUMBER).wait_ms.map(|it| it / 1000), Some(7));
    all_is_over(&mut town);
}

#[test]
fn a_direct_call_makes_an_agent_busy_for_its_queue() {
    let text = text(&[("b", "")], "members = [\"b\"]\nmax_wait = \"60s\"")
        + "[[tracking_number]]\nnumber = \"+15550100002\"\ndial = [\"b\"]\n";
    let mut town = open(&read(&text));
    town.at("b").manners.hang_up_after = Some(secs(20));
    town.calls(OTHER, "15550100002");
    town.connects();
    town.call();
    town.run_for(secs(10));
    assert_eq!(town.seen("b").count(Moment::Rung), 1);
    town.run_until(secs(20), |it| it.seen("b").moment(Moment::HangsUp).is_some());
    let free = town.now();
    connects_again(&mut town);
    let again = town.seen("b").moments.iter().filter(|(_, it)| *it == Moment::Rung).nth(1);
    assert!(again.unwrap().0.since(free) < ms(50));
    town.hangs_up(CARRIER);
    all_is_over(&mut town);
}

#[test]
fn who_does_not_take_the_call_leaves_the_caller_in_line_and_is_asked_again_later() {
    // Declines, lets it ring, is dead, declines by key, hangs up during the whisper.
    for manners in ["declines", "rings", "dead", "key", "whisper"] {
        let keys = match manners {
            "key" => "accept = { key = \"1\", timeout = \"1s\", repeats = 0 }",
            "whisper" => "whisper = { text = \"ads\" }",
            _ => "no_answer.timeout = \"2s\"\nno_answer.route = { dial = \"d\" }",
        };
        let queue = format!(
            "members = [\"b\", \"c\"]\ndistribution = \"round_robin\"\nmax_wait = \"20s\"\n{WALTZ}"
        );
        let receiving = [("b", keys), ("c", "no_answer.timeout = \"1s\""), ("d", "")];
        let mut town = office(&receiving, &queue);
        match manners {
            "declines" => town.refuses_after("b", secs(1), 603),
            "rings" => town.never_answers("b"),
            "dead" => town.is_dead("b"),
            _ => town.answers_after("b", secs(1)),
        }
        if manners == "whisper" {
            town.at("b").manners.hang_up_after = Some(ms(500));
        }
        town.never_answers("c");
        town.call();
        let called = town.now();
        town.run_for(secs(15));
        let rung = |who: &str| -> Vec<u128> {
            let all = town.seen(who).moments.iter().filter(|(_, it)| *it == Moment::Rung);
            all.map(|(at, _)| at.since(called).as_millis() / 100).collect()
        };
        // After b's first turn c has its own; then both are left alone for 5 s each.
        let (turn, again) = match manners {
            "declines" => (10, 60),
            "whisper" => (15, 65),
            _ => (20, 70),
        };
        assert_eq!(rung("c")[0], turn, "{manners}\n{}", town.draw());
        let b = if manners == "dead" {
            // It does not even notice; the wire does.
            let invites = town
                .wire
                .iter()
                .filter(|(_, it)| it.to == address("b") && it.bytes.starts_with(b"INVITE"));
            let calls: BTreeMap<Vec<u8>, u128> =
                invites.rev().fold(BTreeMap::new(), |mut all, (at, it)| {
                    let text = String::from_utf8_lossy(&it.bytes);
                    let id = text.lines().find(|it| it.starts_with("Call-ID")).unwrap().to_owned();
                    all.insert(id.into_bytes(), at.since(called).as_millis() / 100);
                    all
                });
            let mut times: Vec<_> = calls.into_values().collect();
            times.sort_unstable();
            times
        } else {
            rung("b")
        };
        assert_eq!(b[..2], [0, again], "{manners}\n{}", town.draw());
        assert_eq!(town.seen("d").count(Moment::Rung), 0, "the queue's caller stays in the queue");
        let waltz = Sound::Tone(town.tone_of("waltz"));
        assert_near(town.seen(CARRIER).ear.total(waltz), secs(15), ms(100));
        town.hangs_up(CARRIER);
        town.ends();
        assert_eq!(town.reason(), "abandoned");
    }
}

#[test]
fn a_vetoed_member_of_a_queue_leaves_no_tape() {
    let receiving = [("b", "prevent_recording = true"), ("c", "")];
    for distribution in ["simultaneous", "round_robin"] {
        let keys = format!("members = [\"b\", \"c\"]\ndistribution = \"{distribution}\"");
        let mut town = office(&receiving, &keys);
        town.answers_after("c", secs(3));
        town.call();
        town.connects();
        town.run_for(secs(3));
        assert_eq!(town.seen("b").calls_up(), 1);
        assert!(town.tapes().is_empty());
        town.hangs_up(CARRIER);
        town.ends();
        assert_eq!(town.record().recordings[0].file, None);
        // The next one's call is recorded: the veto is the destination's, not the queue's.
        town.refuses_after("b", ms(100), 486);
        town.call();
        connects_again(&mut town);
        town.run_for(secs(1));
        assert!(!town.tapes().is_empty(), "{distribution}");
        town.hangs_up(CARRIER);
        all_is_over(&mut town);
    }
}

#[test]
fn a_caller_who_hangs_up_in_a_queue_ends_everything_at_once() {
    // While nobody is free, while b rings, in b's whisper, while b is to press a key.
    for (step, after) in [("waits", 2), ("rings", 2), ("whisper", 2), ("accept", 3)] {
        let keys = match step {
            "whisper" => "whisper = { text = \"ads\" }",
            "accept" => "accept = \"1\"",
            _ => "",
        };
        let members = if step == "waits" { "[\"nobody\"]" } else { "[\"b\", \"c\"]" };
        let keys_of_queue = format!("members = {members}\n{WALTZ}");
        let mut town = office(&[("b", keys), ("c", "")], &keys_of_queue);
        town.never_answers("c");
        match step {
            "rings" => town.never_answers("b"),
            _ => town.answers_after("b", secs(1)),
        }
        town.call();
        town.run_for(secs(after));
        let gone = town.now();
        town.hangs_up(CARRIER);
        town.run_for(ms(100));
        if step != "waits" {
            let b = if step == "rings" { Moment::Cancelled } else { Moment::HungUpOn };
            assert!(town.when("b", b).since(gone) < ms(100), "{step}");
            assert!(town.when("c", Moment::Cancelled).since(gone) < ms(100), "{step}");
        }
        let packets = town.seen(CARRIER).ear.packets;
        town.run_for(secs(1));
        assert_eq!(town.seen(CARRIER).ear.packets, packets, "{step}: the music plays on");
        assert_eq!(town.reason(), "abandoned");
        assert_eq!(town.record().wait_ms.map(|it| it / 1000), Some(after));
        assert!(town.tapes().is_empty());
        all_is_over(&mut town);
    }
}

#[test]
fn every_setting_of_a_destination_holds_in_a_queue() {
    // The destination's whisper beats the settings'; accept beats answer; the extension is dialled.
    let keys = "whisper = { text = \"own\" }\naccept = \"1\"\nextension = \"3w1\"\n\
                caller_id = { number = \"tracking\" }";
    let text = text(&[("b", keys)], "members = [\"b\"]")
        + "[[call_settings]]\nname = \"default\"\nwhisper = { text = \"all\" }\n";
    let mut town = open(&read(&text));
    town.at("b").manners.presses = vec![(secs(4), '1')];
    town.call();
    let connected = town.connects();
    assert_near(connected.since(town.when("b", Moment::Answered)), secs(4), ms(250));
    let ear = &town.seen("b").ear;
    assert_eq!(ear.keyed(), "31");
    assert_near(ear.total(Sound::Tone(town.tone_of("own"))), secs(2), ms(60));
    assert_eq!(ear.total(Sound::Tone(town.tone_of("all"))), ms(0));
    let invite = town.wire.iter().find(|(_, it)| it.to == address("b")).unwrap();
    let invite = String::from_utf8_lossy(&invite.1.bytes).into_owned();
    assert!(invite.contains(&format!("From: <sip:+{NUMBER}@")), "{invite}");
    town.hangs_up(CARRIER);
    town.ends();
    all_is_over(&mut town);
}

#[test]
fn a_queue_can_be_entered_from_every_route() {
    let into = "{ queue = \"sales\" }";
    let nights =
        "[[schedule]]\nname = \"nights\"\nzone = \"UTC\"\nhours = [\"mon-fri 20:00-06:00\"]\n";
    let no_answer = format!("no_answer.timeout = \"2s\"\nno_answer.route = {into}");
    let busy = format!("no_answer.busy_route = {into}");
    let closed = format!("schedule = \"nights\"\noutside_hours = {into}");
    let first = "[[queue]]\nname = \"first\"\nmembers = [\"c\"]\n";
    let dial = "dial = [\"c\"]";
    for (way, keys, tracking, more) in [
        ("tracking number", "", INTO, ""),
        ("no answer", no_answer.as_str(), dial, ""),
        ("busy", &busy, dial, ""),
        ("outside hours", &closed, dial, nights),
        ("no answer of a queue", "", "route = { queue = \"first\" }", first),
        ("outside hours of a queue", "", "route = { queue = \"shut\" }", nights),
        ("no rule of a router", "", "route = { smart_router = \"any\" }", ""),
    ] {
        let sales = format!("[[queue]]\nname = \"sales\"\nmembers = [\"b\"]\n{WALTZ}\n");
        let own = match way {
            "no answer of a queue" => format!("max_wait = \"2s\"\nno_answer = {into}\n"),
            "outside hours of a queue" => format!(
                "[[queue]]\nname = \"shut\"\nmembers = [\"c\"]\nschedule = \"nights\"\n\
                 outside_hours = {into}\n"
            ),
            "no rule of a router" => {
                format!(
                    "[[smart_router]]\nname = \"any\"\notherwise = {into}\n\
                     [[smart_router.rule]]\nwhen.anonymous = true\nroute = \"hangup\"\n"
                )
            }
            _ => String::new(),
        };
        let receiving = [("b", ""), ("c", keys)];
        let text = plan(&receiving, tracking) + more + &own + &sales;
        let mut town = open(&read(&text));
        match way {
            "busy" => town.refuses_after("c", secs(1), 486),
            _ => town.never_answers("c"),
        }
        town.answers_after("b", secs(2));
        town.call();
        town.connects();
        assert_eq!(town.seen("b").calls_up(), 1, "{way}");
        let waltz = Sound::Tone(town.tone_of("waltz"));
        assert_near(town.seen(CARRIER).ear.total(waltz), secs(2), ms(200));
        town.hangs_up(CARRIER);
        town.ends();
        let record = town.record();
        assert!(says(record, "queue sales") && record.wait_ms.is_some(), "{way}");
        all_is_over(&mut town);
    }
}

#[test]
fn a_long_wait_is_no_route_loop() {
    let keys = "members = [\"nobody\"]\nmax_wait = \"15m\"\nno_answer = { dial = \"c\" }";
    let mut town = office(&[("c", "")], keys);
    town.call();
    town.run_for(secs(899));
    town.connects();
    assert_eq!(town.seen("c").calls_up(), 1);
    assert_eq!(town.switch.in_line(), 0);
}

/// Phones that always refuse use up no caller's patience: they are asked less and less often.
#[test]
fn a_caller_waits_its_whole_time_though_every_member_refuses_at_once() {
    let receiving = [("b", ""), ("c", ""), ("d", ""), ("e", "")];
    let keys = "members = [\"b\", \"c\", \"d\", \"e\"]\nmax_wait = \"10m\"";
    let mut town = office(&receiving, keys);
    for phone in ["b", "c", "d", "e"] {
        town.refuses_after(phone, ms(50), 486);
    }
    for phone in &mut town.phones {
        phone.ear.dull = true;
    }
    town.call();
    town.ends();
    assert_eq!(town.record().wait_ms, Some(600_000), "{}", town.record().legs.len());
    all_is_over(&mut town);
}

#[test]
fn queues_that_send_callers_in_a_circle_are_cut() {
    let keys = "members = [\"nobody\"]\nmax_wait = \"1s\"\nno_answer = { queue = \"sales\" }";
    let mut town = office(&[], keys);
    town.call();
    town.ends();
    assert_eq!(town.reason(), "route_loop");
    all_is_over(&mut town);
}

#[test]
fn callers_of_a_queue_that_is_no_longer_there_go_on() {
    let keys = format!("members = [\"b\"]\nno_answer = {{ dial = \"c\" }}\n{WALTZ}");
    let mut town = office(&[("b", ""), ("c", "")], &keys);
    town.never_answers("b");
    town.call();
    town.run_for(secs(3));
    let after = read(&plan(&[("b", ""), ("c", "")], "dial = [\"b\"]"));
    let (now, gone) = (now(&town), town.now());
    town.switch.adopt(after.directory.clone(), after.peers(), now).unwrap();
    town.connects();
    assert!(town.when("c", Moment::Rung).since(gone) < ms(50), "{}", town.draw());
    assert!(town.when("b", Moment::Cancelled).since(gone) < ms(50));
    town.hangs_up(CARRIER);
    town.ends();
    all_is_over(&mut town);
}

#[test]
fn a_router_sees_who_waits_and_who_is_free() {
    for (condition, first, second) in
        [("waiting = 1", "b", "c"), ("free = 1", "c", "b"), ("longest_wait = \"5s\"", "b", "c")]
    {
        let router = format!(
            "[[smart_router]]\nname = \"ways\"\notherwise = {{ queue = \"sales\" }}\n\
             [[smart_router.rule]]\nwhen.queue = {{ name = \"sales\", {condition} }}\n\
             route = {{ dial = \"c\" }}\n"
        );
        let text = plan(&[("b", ""), ("c", "")], "route = { smart_router = \"ways\" }")
            + "[[queue]]\nname = \"sales\"\nmembers = [\"b\"]\nmax_wait = \"60s\"\n"
            + "[[tracking_number]]\nnumber = \"+15550100002\"\ndial = [\"b\"]\n"
            + &router;
        let mut town = open(&read(&text));
        town.never_answers("b");
        town.call();
        town.run_for(ms(100));
        assert_eq!(town.seen(first).count(Moment::Rung), 1, "{condition}\n{}", town.draw());
        if condition == "free = 1" {
            // Now b is busy: nobody is free.
            town.calls(OTHER, "15550100002");
            town.hangs_up(CARRIER);
            town.run_for(secs(1));
            town.call();
            town.run_for(ms(100));
            assert_eq!(town.switch.in_line(), 1, "{}", town.draw());
            continue;
        }
        town.run_for(secs(6));
        town.calls(OTHER, NUMBER);
        town.run_for(ms(100));
        assert_eq!(town.seen(second).count(Moment::Rung), 1, "{condition}\n{}", town.draw());
    }
}
