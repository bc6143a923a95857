//! Phones of our own accounts as people: they call out under limits, call each other, hold, and put
//! callers through.

use crosspoint::desk::{Presence, State};
use crosspoint::model::record::Direction;

use super::town::*;

const ANN: &str = "ann";
const BOB: &str = "bob";
const OUTSIDE: &str = "+15125550177";

/// Ann may call out through the carrier, bob may not; calls to the tracking number ring ann.
fn company(rules: &str, more: &str) -> World {
    let mut text = plan(&[("c", "")], "dial = [\"desk\"]");
    text = text
        .replace("probe = \"off\"", "probe = \"off\"\naddresses = [{ host = \"10.0.0.11:5070\" }]");
    text += &format!(
        "[[account]]\nuser = \"ann\"\npassword = \"secret\"\n[account.call_out]\n\
         prefixes = [\"+1512\"]\ncaller_ids = [\"+15550100001\", \"+15550100002\"]\n{rules}\n\
         [[account]]\nuser = \"bob\"\npassword = \"secret\"\n\
         [[receiving_number]]\nname = \"desk\"\nnumber = \"client:ann\"\n{more}\n"
    );
    let mut town = settle(&read(&text), 1, Weather::CLEAR);
    for (name, host, voice) in [(ANN, 41, ANNS), (BOB, 42, BOBS)] {
        let address = std::net::SocketAddr::from(([10, 0, 0, host], 5070));
        let phone = town.phone(name, address, voice);
        (phone.number, phone.password) = (name.to_owned(), Some("secret".to_owned()));
        town.register(name, address);
    }
    town
}

const ANNS: u16 = 700;
const BOBS: u16 = 800;

fn talks(town: &World, name: &str, hertz: u16) -> bool {
    secs(1) < town.seen(name).ear.total(Sound::Tone(hertz))
}

#[test]
fn a_phone_of_ours_calls_out_through_the_carrier_and_shows_a_number_of_its_own() {
    for (number, shown) in [("ann", "+15550100001"), ("+15550100002", "+15550100002")] {
        let mut town = company("", "");
        town.at(ANN).shows = Some(number.to_owned());
        town.calls(ANN, OUTSIDE);
        town.connects();
        town.run_for(secs(5));
        assert!(talks(&town, CARRIER, ANNS) && talks(&town, ANN, VOICE), "{}", town.draw());
        let invite = town.heard(CARRIER, "INVITE");
        assert!(invite.starts_with(&format!("INVITE sip:{OUTSIDE}@10.0.0.11")), "{invite}");
        assert!(invite.contains(&format!("<sip:{shown}@")), "{invite}");
        assert!(!invite.contains("Diversion") && !invite.contains("ann@"), "{invite}");
        town.hangs_up(ANN);
        town.ends();
        town.rests();
        let record = town.record();
        assert_eq!((record.direction, &*record.source), (Direction::Outbound, "ann"));
        assert_eq!((&*record.tracking_number, &*record.caller), (OUTSIDE, "ann"));
        // The default call settings record.
        assert_eq!(town.tapes().all().count(), 1);
    }
}

#[test]
fn nobody_calls_out_unless_somebody_said_that_it_may() {
    for (name, number, status, reason) in [
        (BOB, OUTSIDE, 403, "not_allowed"),
        (ANN, "+12025550177", 403, "not_allowed"),
        (ANN, "900", 403, "not_allowed"),
        (ANN, "nobody", 404, "unknown_number"),
    ] {
        let mut town = company("", "");
        town.calls(name, number);
        town.ends();
        assert_eq!(town.seen(name).finals(), [status], "{name} {number}");
        town.rests();
        assert_eq!(town.reason(), reason);
        assert_eq!(town.seen(CARRIER).count(Moment::Rung), 0);
    }
}

#[test]
fn calls_at_once_and_in_a_minute_are_limited_and_free_again_afterwards() {
    let mut town = company("max_calls = 1", "");
    town.calls(ANN, OUTSIDE);
    town.connects();
    town.calls(ANN, OUTSIDE);
    town.run_for(secs(1));
    assert_eq!(town.seen(ANN).finals(), [200, 503], "{}", town.draw());
    town.hangs_up(ANN);
    town.run_for(secs(1));
    town.calls(ANN, OUTSIDE);
    town.run_for(secs(3));
    assert_eq!(town.seen(ANN).finals(), [200, 503, 200]);
    town.hangs_up(ANN);
    town.rests();

    let mut town = company("calls_per_minute = 2", "");
    for n in 0..3 {
        town.calls(ANN, OUTSIDE);
        town.run_for(secs(2));
        if n < 2 {
            town.hangs_up(ANN);
        }
        town.run_for(secs(1));
    }
    assert_eq!(town.seen(ANN).finals(), [200, 200, 503]);
    town.run_for(secs(60));
    town.calls(ANN, OUTSIDE);
    town.run_for(secs(2));
    assert_eq!(town.seen(ANN).finals(), [200, 200, 503, 200]);
    town.hangs_up(ANN);
    town.rests();
}

#[test]
fn the_minutes_of_a_day_end_the_call_that_uses_them_up() {
    let mut town = company("minutes_per_day = 1", "");
    town.calls(ANN, OUTSIDE);
    let connected = town.connects();
    let ended = town.ends();
    assert_near(ended.since(connected), secs(60), ms(50));
    assert_eq!(town.reason(), "minutes_per_day");
    town.calls(ANN, OUTSIDE);
    town.run_for(secs(1));
    assert_eq!(town.seen(ANN).finals(), [200, 503]);
    town.run_for(secs(86_400));
    town.calls(ANN, OUTSIDE);
    town.run_for(secs(2));
    assert_eq!(town.seen(ANN).finals(), [200, 503, 200]);
    town.hangs_up(ANN);
    town.rests();
}

#[test]
fn phones_of_ours_call_each_other_by_name_with_the_settings_that_they_have() {
    let mut town = company("", "prevent_recording = true\nwhisper = { text = \"a colleague\" }");
    town.calls(BOB, "ann");
    town.connects();
    town.run_for(secs(5));
    assert!(talks(&town, ANN, BOBS) && talks(&town, BOB, ANNS));
    let whisper = Sound::Tone(town.tone_of("a colleague"));
    assert_near(town.seen(ANN).ear.total(whisper), secs(2), ms(60));
    town.hangs_up(ANN);
    town.ends();
    town.rests();
    let record = town.record();
    assert_eq!((record.direction, &*record.source), (Direction::Internal, "bob"));
    assert!(town.tapes().is_empty(), "recorded against the veto of ann's desk");
    let mut town = company("", "");
    town.calls(ANN, "bob");
    town.connects();
    town.run_for(secs(1));
    town.hangs_up(ANN);
    town.ends();
    town.rests();
    assert_eq!(&*town.record().legs[0].destination, "client:bob");
}

#[test]
fn a_phone_that_nobody_has_registered_cannot_be_called() {
    let mut town = company("", "");
    town.run_for(secs(7300));
    town.calls(BOB, "ann");
    town.run_for(secs(2));
    assert_eq!(town.seen(BOB).finals(), [480]);
    town.rests();
}

#[test]
fn who_is_held_hears_music_until_it_is_taken_back() {
    for direction in ["sendonly", "inactive"] {
        let mut text = plan(&[("b", "")], "dial = [\"b\"]");
        text += "[[call_settings]]\nname = \"default\"\nhold_music = { text = \"waltz\" }\n";
        let mut town = settle(&read(&text), 1, Weather::CLEAR);
        town.call();
        town.connects();
        town.run_for(secs(2));
        let waltz = Sound::Tone(town.tone_of("waltz"));
        for (holder, held) in [("b", CARRIER), (CARRIER, "b")] {
            let before = town.seen(held).ear.total(waltz);
            town.act(holder, |phone, now, out| phone.hold(direction, now, out));
            town.run_for(secs(10));
            let heard = town.seen(held).ear.total(waltz) - before;
            assert_near(heard, secs(10), ms(200));
            let before = town.seen(held).ear.total(waltz);
            town.act(holder, |phone, now, out| phone.hold("sendrecv", now, out));
            town.run_for(secs(3));
            assert!(town.seen(held).ear.total(waltz) - before < ms(60), "music after the hold");
        }
        assert_eq!(town.seen(CARRIER).calls_up(), 1, "nobody is given up for being held");
        town.hangs_up("b");
        town.ends();
        town.rests();
    }
}

fn told(town: &World, name: &str, what: fn(&Moment) -> Option<u16>) -> Vec<u16> {
    town.seen(name).moments.iter().filter_map(|(_, it)| what(it)).collect()
}

fn answers(it: &Moment) -> Option<u16> {
    if let Moment::Referred(status) = it { Some(*status) } else { None }
}

fn notices(it: &Moment) -> Option<u16> {
    if let Moment::Notified(status) = it { Some(*status) } else { None }
}

#[test]
fn a_caller_of_ours_puts_whom_it_called_through_to_a_colleague() {
    let mut town = company("", "");
    town.calls(ANN, OUTSIDE);
    town.connects();
    town.run_for(secs(3));
    town.act(ANN, |phone, now, out| phone.transfer("bob", now, out));
    town.run_for(secs(1));
    // Bob rings; the person outside hears it ring, ann is still there.
    assert_eq!((town.seen(ANN).calls_up(), town.seen(CARRIER).calls_up()), (1, 1));
    town.run_for(secs(6));
    assert!(talks(&town, CARRIER, BOBS) && talks(&town, BOB, VOICE), "{}", town.draw());
    assert_eq!(town.seen(ANN).calls_up(), 0);
    assert_eq!(told(&town, ANN, answers), [202]);
    assert_eq!(told(&town, ANN, notices).last(), Some(&200));
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
    assert_eq!(town.record().recordings.len(), 2);
    assert!(town.record().legs.iter().all(|it| it.ended_at.is_some()));
}

#[test]
fn a_caller_of_ours_gets_the_call_back_if_the_colleague_does_not_take_it() {
    let mut town = company("", "");
    town.refuses_after(BOB, secs(2), 486);
    town.calls(ANN, OUTSIDE);
    town.connects();
    town.act(ANN, |phone, now, out| phone.transfer("bob", now, out));
    town.run_for(secs(8));
    assert_eq!(told(&town, ANN, notices).last(), Some(&486));
    assert!(talks(&town, CARRIER, ANNS) && talks(&town, ANN, VOICE), "{}", town.draw());
    town.hangs_up(ANN);
    town.ends();
    town.rests();
}

/// Whoever it says that it is: a tracking number may lead to the world outside.
#[test]
fn a_phone_of_ours_shows_no_number_but_its_own_to_a_tracking_number_either() {
    for (who, says, is) in [
        (BOB, "+19005550000", "bob"),
        (BOB, "bob", "bob"),
        (ANN, "+15550100002", "+15550100002"),
        (ANN, "+19005550000", "+15550100001"),
        (ANN, "ann", "+15550100001"),
    ] {
        let more = "[[tracking_number]]\nnumber = \"+15550100009\"\ndial = [\"c\"]\n";
        let mut town = company("", more);
        town.at(who).shows = Some(says.to_owned());
        town.calls(who, "+15550100009");
        town.connects();
        let invite = town.heard("c", "INVITE");
        assert!(invite.contains(&format!("<sip:{is}@")) && !invite.contains("1900"), "{invite}");
        town.hangs_up(who);
        town.ends();
        town.rests();
        assert_eq!(&*town.record().caller, is, "{who} as {says}");
    }
}

/// Ann takes a call from outside, asks bob, and puts the caller through to him.
fn talked_over(more: &str, bobs: &str) -> World {
    let text = format!(
        "{more}\n[[receiving_number]]\nname = \"bobs desk\"\nnumber = \"client:bob\"\n{bobs}"
    );
    let mut town = company("", &text);
    town.call();
    town.connects();
    town.run_for(secs(2));
    town.act(ANN, |phone, now, out| phone.hold("sendonly", now, out));
    town.run_for(secs(1));
    town.calls(ANN, "bob");
    town.run_for(secs(4));
    assert_eq!(town.seen(BOB).calls_up(), 1, "{}", town.draw());
    town
}

#[test]
fn after_they_talked_it_over_the_caller_is_joined_with_the_colleague() {
    let mut town = talked_over("", "");
    town.act(ANN, |phone, now, out| phone.transfer_to_other(now, out));
    let asked = town.now();
    town.run_for(secs(5));
    assert_eq!(told(&town, ANN, answers), [202], "{}", town.draw());
    assert_eq!(told(&town, ANN, notices), [200]);
    assert_eq!(town.seen(ANN).calls_up(), 0);
    let since = |it: &&crosspoint::simulator::ear::Heard| asked <= it.from;
    let heard = |name: &str, hertz| {
        let all = town.seen(name).ear.heard.iter().filter(since);
        all.filter(|it| it.sound == Sound::Tone(hertz)).map(|it| it.to.since(it.from)).sum()
    };
    assert_near(heard(CARRIER, BOBS), secs(5), ms(200));
    assert_near(heard(BOB, VOICE), secs(5), ms(200));
    town.hangs_up(CARRIER);
    town.run_for(ms(100));
    assert_eq!(town.seen(BOB).calls_up(), 0, "bob is left behind");
    town.rests();
    let ended = town.ended();
    assert_eq!(ended.len(), 2);
    for (one, other) in [(0, 1), (1, 0)] {
        assert_eq!(ended[one].linked, [ended[other].id.clone()]);
        let step = |it: &crosspoint::model::record::Step| it.what.contains(&*ended[other].id);
        assert!(ended[one].path.iter().any(step), "{:?}", ended[one].path);
    }
}

#[test]
fn whoever_of_the_joined_hangs_up_both_calls_are_over() {
    for who in [CARRIER, BOB] {
        let mut town = talked_over("", "");
        town.act(ANN, |phone, now, out| phone.transfer_to_other(now, out));
        town.run_for(secs(2));
        town.hangs_up(who);
        town.run_for(ms(100));
        assert_eq!(town.seen(BOB).calls_up() + town.seen(CARRIER).calls_up(), 0, "{who}");
        town.rests();
        assert_eq!(town.ended().len(), 2);
    }
}

/// Ann forbids that she is recorded, so the caller was not told of it; bob does not.
#[test]
fn who_is_joined_with_somebody_who_may_be_recorded_is_told_so() {
    let mut town = talked_over(
        "prevent_recording = true\n[[call_settings]]\nname = \"default\"\n\
         recording_notice = { text = \"on tape\" }\n",
        "",
    );
    let tape = Sound::Tone(town.tone_of("on tape"));
    assert_eq!(town.seen(CARRIER).ear.total(tape), ms(0));
    town.act(ANN, |phone, now, out| phone.transfer_to_other(now, out));
    let asked = town.now();
    town.run_for(secs(5));
    let ear = &town.seen(CARRIER).ear;
    assert_near(ear.total(tape), secs(2), ms(60));
    let bobs = ear.heard.iter().filter(|it| it.sound == Sound::Tone(BOBS) && asked <= it.to);
    assert_near(bobs.map(|it| it.to.since(it.from)).sum(), secs(3), ms(200));
    town.hangs_up(BOB);
    town.rests();
}

/// Case 10, by a transfer that was talked over.
#[test]
fn who_is_joined_is_not_recorded_against_its_veto() {
    let mut town = talked_over("", "prevent_recording = true");
    let before = town.tapes().all().count();
    town.act(ANN, |phone, now, out| phone.transfer_to_other(now, out));
    town.run_for(secs(3));
    assert_eq!(town.tapes().all().count(), before);
    town.hangs_up(BOB);
    town.rests();
    let joined = town.ended().into_iter().find(|it| &*it.source != "ann").unwrap().clone();
    assert_eq!(joined.recordings.len(), 2);
    assert_eq!(joined.recordings[1].prevented.as_deref(), Some("prevent_recording"));
}

/// RFC 3261 section 16.7, step 5: who declines speaks for the person; a busy phone only for itself.
#[test]
fn declining_on_one_phone_ends_the_ringing_of_all_and_busy_on_one_does_not() {
    for (status, ends) in [(603, true), (600, true), (486, false)] {
        let mut town = company("", "no_answer.timeout = \"5s\"");
        town.register(ANN, address("b"));
        town.refuses_after(ANN, secs(1), status);
        town.never_answers("b");
        town.call();
        town.run_for(secs(2));
        let b = town.seen("b");
        assert_eq!((b.count(Moment::Rung), b.count(Moment::Cancelled)), (1, usize::from(ends)));
        let refused = if status == 603 { 603 } else { 486 };
        let wanted = if ends { vec![refused] } else { Vec::new() };
        assert_eq!(town.seen(CARRIER).finals(), wanted, "{status}\n{}", town.draw());
        town.ends();
        town.rests();
    }
}

const AGENTS: &str =
    "[[agent]]\nname = \"Ann\"\naccount = \"ann\"\n[[agent]]\nname = \"Bob\"\naccount = \"bob\"";

#[test]
fn the_phones_of_somebody_who_is_away_ring_for_nobody() {
    let mut town = company("", AGENTS);
    let now = crosspoint::clock::Now { at: town.now(), wall: town.wall() };
    assert!(town.switch.set_state("Ann", Presence::Away, now));
    town.calls(BOB, "ann");
    town.run_for(secs(1));
    assert_eq!(town.seen(BOB).finals(), [480]);
    assert_eq!(town.seen(ANN).count(Moment::Rung), 0);
    assert!(town.switch.set_state("Ann", Presence::Available, now));
    town.calls(BOB, "ann");
    town.run_for(secs(3));
    assert_eq!(town.seen(BOB).finals(), [480, 200]);
    town.hangs_up(BOB);
    town.rests();
}

#[test]
fn who_put_its_call_through_is_free_at_once() {
    let mut town = company("", AGENTS);
    town.calls(ANN, OUTSIDE);
    town.connects();
    assert_eq!(town.switch.state("Ann", town.now()).map(|it| it.0), Some(State::Busy));
    town.act(ANN, |phone, now, out| phone.transfer("bob", now, out));
    town.run_for(secs(5));
    assert_eq!(town.switch.state("Ann", town.now()).map(|it| it.0), Some(State::Available));
    assert_eq!(town.switch.state("Bob", town.now()).map(|it| it.0), Some(State::Busy));
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
    assert_eq!(town.switch.state("Bob", town.now()).map(|it| it.0), Some(State::Available));
}

#[test]
fn a_call_may_be_put_through_to_wherever_a_tracking_number_leads() {
    for (route, heard) in [
        ("voicemail = \"box\"", "leave a message"),
        ("voice_menu = \"menu\"", "press one"),
        ("queue = \"sales\"", "waltz"),
    ] {
        let more = format!(
            "[[tracking_number]]\nnumber = \"+15550100009\"\nroute = {{ {route} }}\n\
             [[voicemail]]\nname = \"box\"\ngreeting = {{ text = \"leave a message\" }}\n\
             [[voice_menu]]\nname = \"menu\"\nprompt = {{ text = \"press one\" }}\n\
             keys = {{ 1 = {{ dial = \"c\" }} }}\n\
             [[queue]]\nname = \"sales\"\nmusic = {{ text = \"waltz\" }}\nmembers = [\"c\"]\n"
        );
        let mut town = company("", &more);
        town.never_answers("c");
        town.call();
        town.connects();
        town.run_for(secs(2));
        let tone = Sound::Tone(town.tone_of(heard));
        town.act(ANN, |phone, now, out| phone.transfer("+15550100009", now, out));
        town.run_for(secs(4));
        assert!(secs(1) < town.seen(CARRIER).ear.total(tone), "{route}\n{}", town.draw());
        assert_eq!(told(&town, ANN, notices), [200], "{route}");
        assert_eq!(town.seen(ANN).calls_up(), 0);
        town.hangs_up(CARRIER);
        town.ends();
        town.rests();
    }
}

/// Ann asks for bob, who has not picked up yet, and puts the caller through to him already.
#[test]
fn a_caller_is_put_through_to_a_colleague_whose_phone_still_rings() {
    for more in ["", "prevent_recording = true\nwhisper = { text = \"a caller\" }"] {
        let text =
            format!("[[receiving_number]]\nname = \"bobs desk\"\nnumber = \"client:bob\"\n{more}");
        let mut town = company("", &text);
        town.answers_after(BOB, secs(4));
        town.call();
        town.connects();
        town.run_for(secs(2));
        town.act(ANN, |phone, now, out| phone.hold("sendonly", now, out));
        town.run_for(secs(1));
        town.calls(ANN, "bob");
        town.run_for(secs(2));
        town.act(ANN, |phone, now, out| phone.transfer_to_other(now, out));
        town.run_for(secs(1));
        assert_eq!(told(&town, ANN, answers), [202], "{}", town.draw());
        assert_eq!(town.seen(ANN).finals(), [487], "its own call to bob is given up");
        assert_eq!(town.seen(BOB).count(Moment::Cancelled), 1);
        town.run_for(secs(9));
        assert!(talks(&town, CARRIER, BOBS) && talks(&town, BOB, VOICE), "{}", town.draw());
        assert_eq!(told(&town, ANN, notices).last(), Some(&200));
        assert_eq!(town.seen(ANN).calls_up(), 0);
        town.hangs_up(CARRIER);
        town.run_for(secs(1));
        town.rests();
        let ended = town.ended();
        let joined = ended.iter().find(|it| &*it.source != "ann").unwrap();
        let tapes: Vec<_> = joined.recordings.iter().map(|it| it.file.is_some()).collect();
        assert_eq!(tapes, [true, more.is_empty()]);
    }
}

/// The desk's caller is put through to a phone outside, on ann's account.
fn put_through_outside(rules: &str) -> (World, crosspoint::clock::Instant) {
    put_through_to(rules, |_| ())
}

/// The same, where the phone outside is prepared for it.
fn put_through_to(
    rules: &str,
    prepared: impl Fn(&mut World),
) -> (World, crosspoint::clock::Instant) {
    let mut text = plan(&[], "dial = [\"desk\"]");
    text = text
        .replace("probe = \"off\"", "probe = \"off\"\naddresses = [{ host = \"10.0.0.12:5070\" }]");
    text += &format!(
        "[[account]]\nuser = \"ann\"\npassword = \"secret\"\n[account.call_out]\n\
         prefixes = [\"+1512\"]\ncaller_ids = [\"+15550100001\"]\n{rules}\n\
         [[receiving_number]]\nname = \"desk\"\nnumber = \"client:ann\"\n"
    );
    let mut town = settle(&read(&text), 1, Weather::CLEAR);
    let address = std::net::SocketAddr::from(([10, 0, 0, 41], 5070));
    let phone = town.phone(ANN, address, ANNS);
    (phone.number, phone.password) = (ANN.to_owned(), Some("secret".to_owned()));
    town.register(ANN, address);
    prepared(&mut town);
    town.call();
    town.connects();
    town.run_for(secs(2));
    town.act(ANN, |phone, now, out| phone.transfer(OUTSIDE, now, out));
    let asked = town.now();
    town.run_for(secs(3));
    (town, asked)
}

#[test]
fn a_caller_is_put_through_to_a_phone_outside_on_the_account_of_who_asked() {
    let (mut town, _) = put_through_outside("");
    town.run_for(secs(3));
    assert_eq!(told(&town, ANN, answers), [202], "{}", town.draw());
    assert_eq!(told(&town, ANN, notices).last(), Some(&200));
    assert!(talks(&town, CARRIER, 350) && talks(&town, "other", VOICE), "{}", town.draw());
    let invite = town.heard("other", "INVITE");
    assert!(invite.starts_with(&format!("INVITE sip:{OUTSIDE}@10.0.0.12")), "{invite}");
    assert!(invite.contains("<sip:+15550100001@"), "a number of ann's is shown: {invite}");
    town.hangs_up("other");
    town.ends();
    town.rests();
    assert_eq!(&*town.record().legs[1].destination, OUTSIDE);
}

#[test]
fn a_call_that_nobody_outside_took_is_limited_by_its_own_length_again_and_counts_for_nobody() {
    let rules = "minutes_per_day = 1\nmax_calls = 1";
    let (mut town, _) = put_through_to(rules, |it| it.refuses_after("other", secs(1), 486));
    assert_eq!(told(&town, ANN, notices).last(), Some(&486), "{}", town.draw());
    // It may talk for longer than the account's day has minutes, ...
    town.run_for(secs(90));
    assert!(town.ended().is_empty(), "{}", town.draw());
    // ... and others of that account may call out meanwhile.
    town.answers_after("other", secs(1));
    town.calls(ANN, OUTSIDE);
    town.run_for(secs(3));
    assert_eq!(town.seen(ANN).finals().last(), Some(&200), "{}", town.draw());
    town.hangs_up(CARRIER);
    town.run_for(secs(1));
    let ended = town.ended();
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].called_out.as_ref().map(|it| it.talk_ms), Some(0));
}

#[test]
fn the_limits_of_calls_out_hold_for_who_is_put_through() {
    // A minute of the account's day is all that the two have.
    let (mut town, asked) = put_through_outside("minutes_per_day = 1");
    let ended = town.ends();
    assert_near(ended.since(asked), secs(62), secs(2));
    assert_eq!(town.reason(), "minutes_per_day");
    town.rests();
    // Nothing is left of it for ann.
    town.calls(ANN, OUTSIDE);
    town.run_for(secs(1));
    assert_eq!(town.seen(ANN).finals(), [503], "{}", town.draw());
    // As many calls at once as it may have are out already.
    let (mut town, _) = put_through_outside("max_calls = 1");
    town.calls(ANN, OUTSIDE);
    town.run_for(secs(1));
    assert_eq!(town.seen(ANN).finals(), [503], "{}", town.draw());
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
}

#[test]
fn parallel_calls_share_what_is_left_of_the_days_minutes() {
    let mut town = company("minutes_per_day = 2\nmax_calls = 3", "");
    town.answers_after(CARRIER, ms(0));
    town.calls(ANN, OUTSIDE);
    let first = town.connects();
    town.run_for(secs(60));
    town.calls(ANN, OUTSIDE);
    let both = town.now();
    // A minute is left, for two: half a minute each.
    town.run_for(secs(35));
    assert_eq!(town.seen(ANN).calls_up(), 0, "{}", town.draw());
    town.rests();
    let talk: u64 = town.ended().iter().filter_map(|it| it.talk_ms).sum();
    assert_near(ms(talk), secs(120), ms(1500));
    // From that a restart sums it up.
    let out = |it: &crosspoint::model::record::CallRecord| it.called_out.as_ref().unwrap().talk_ms;
    assert_eq!(town.ended().iter().map(|it| out(it)).sum::<u64>(), talk);
    let (now, ann) = (town.wall(), std::sync::Arc::from(ANN));
    let mut town = company("minutes_per_day = 2", "");
    town.switch.remember_spent(&ann, ms(talk).max(secs(120)), now);
    town.calls(ANN, OUTSIDE);
    town.run_for(secs(1));
    assert_eq!(town.seen(ANN).finals(), [503], "{}", town.draw());
    assert!(both.since(first) < secs(61));
    // One that ends leaves its share to the other.
    let mut town = company("minutes_per_day = 2\nmax_calls = 3", "");
    town.answers_after(CARRIER, ms(0));
    town.calls(ANN, OUTSIDE);
    town.connects();
    town.calls(ANN, OUTSIDE);
    town.run_for(secs(30));
    town.hangs_up(ANN);
    town.run_for(secs(50));
    assert_eq!(town.seen(ANN).calls_up(), 1, "{}", town.draw());
    town.run_for(secs(12));
    assert_eq!(town.seen(ANN).calls_up(), 0, "{}", town.draw());
    town.rests();
}
