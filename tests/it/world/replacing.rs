//! Somebody calls in to take the place of who is in a call already (INVITE with Replaces, RFC 3891).

use super::town::*;

const ANN: &str = "ann";
/// Another phone of ann's account, and one of bob's.
const MOBILE: &str = "mobile";
const BOB: &str = "bob";
const ANNS: u16 = 700;
const MOBILES: u16 = 600;

/// Calls to the tracking number ring ann's desk.
fn company(desk: &str) -> World {
    let mut text = plan(&[("c", "")], "dial = [\"desk\"]");
    for user in [ANN, BOB] {
        text += &format!("[[account]]\nuser = \"{user}\"\npassword = \"secret\"\n");
    }
    text += &format!("[[receiving_number]]\nname = \"desk\"\nnumber = \"client:ann\"\n{desk}\n");
    text += "[[schedule]]\nname = \"early\"\nzone = \"UTC\"\nhours = [\"daily 00:00-15:01\"]\n";
    let mut town = settle(&read(&text), 1, Weather::CLEAR);
    let phones = [(ANN, 41, ANNS, ANN), (MOBILE, 42, MOBILES, ANN), (BOB, 43, 800, BOB)];
    for (name, host, voice, user) in phones {
        let address = std::net::SocketAddr::from(([10, 0, 0, host], 5070));
        let phone = town.phone(name, address, voice);
        (phone.number, phone.password) = (user.to_owned(), Some("secret".to_owned()));
        if name == user {
            town.register(name, address);
        }
    }
    town
}

/// Calls in the place of the first call of `whose`; `more` stands behind the tags.
fn takes(town: &mut World, who: &str, whose: &str, more: &str) {
    let named = town.seen(whose).names_its_call().unwrap();
    takes_named(town, who, &format!("{named}{more}"));
}

fn takes_named(town: &mut World, who: &str, named: &str) {
    town.at(who).lines_of_its_own = format!("Require: replaces\r\nReplaces: {named}\r\n");
    town.calls(who, NUMBER);
    town.run_for(ms(500));
}

fn talks(town: &World, name: &str, hertz: u16) -> bool {
    secs(1) < town.seen(name).ear.total(Sound::Tone(hertz))
}

#[test]
fn a_call_goes_on_at_another_phone_of_the_same_account() {
    let mut town = company("whisper = { text = \"ads\" }\nextension = \"12\"");
    town.call();
    town.connects();
    town.run_for(secs(3));
    takes(&mut town, MOBILE, ANN, "");
    town.run_for(secs(6));
    assert_eq!(town.seen(MOBILE).finals(), [200], "{}", town.draw());
    assert_eq!((town.seen(ANN).calls_up(), town.seen(MOBILE).calls_up()), (0, 1));
    assert!(talks(&town, CARRIER, MOBILES) && talks(&town, MOBILE, VOICE), "{}", town.draw());
    // The whisper holds anew; nobody is dialled an extension who called in.
    let ads = Sound::Tone(town.tone_of("ads"));
    assert_near(town.seen(MOBILE).ear.total(ads), secs(2), ms(60));
    assert_eq!(town.seen(MOBILE).ear.keyed(), "");
    town.hangs_up(MOBILE);
    town.ends();
    town.rests();
    let record = town.record();
    assert_eq!(record.legs.iter().map(|it| &*it.destination).collect::<Vec<_>>(), ["desk", "desk"]);
    let tapes: Vec<_> = record.recordings.iter().map(|it| (it.leg, it.file.is_some())).collect();
    assert_eq!(tapes, [(Some(1), true), (Some(2), true)]);
    assert!(record.path.iter().any(|it| it.what == "leg 2 takes the place of leg 1"));
}

/// Case 10, by taking a call over.
#[test]
fn a_call_that_is_taken_over_is_not_recorded_against_a_veto() {
    let mut town = company("prevent_recording = true");
    town.call();
    town.connects();
    town.run_for(secs(2));
    takes(&mut town, MOBILE, ANN, "");
    town.run_for(secs(3));
    assert_eq!(town.seen(MOBILE).calls_up(), 1);
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
    assert!(town.tapes().is_empty());
    assert_eq!(town.record().recordings.len(), 2);
}

#[test]
fn a_call_that_rings_is_picked_up_by_another_phone_of_the_same_account() {
    for more in ["", ";early-only"] {
        let mut town = company("");
        town.never_answers(ANN);
        town.call();
        town.run_for(secs(2));
        takes(&mut town, MOBILE, ANN, more);
        town.run_for(secs(3));
        assert_eq!(town.seen(MOBILE).finals(), [200], "{}", town.draw());
        assert_eq!(town.seen(ANN).count(Moment::Cancelled), 1);
        assert!(town.heard(ANN, "CANCEL").contains("Call completed elsewhere"));
        assert!(talks(&town, CARRIER, MOBILES) && talks(&town, MOBILE, VOICE));
        town.hangs_up(CARRIER);
        town.ends();
        town.rests();
        assert_eq!(town.seen(MOBILE).calls_up(), 0);
    }
}

#[test]
fn a_caller_outside_goes_on_at_another_phone_behind_its_trunk() {
    let mut town = company("");
    town.call();
    town.connects();
    town.run_for(secs(2));
    takes(&mut town, "other", CARRIER, "");
    town.run_for(secs(3));
    assert_eq!(town.seen("other").finals(), [200], "{}", town.draw());
    assert_eq!((town.seen(CARRIER).calls_up(), town.seen("other").calls_up()), (0, 1));
    assert!(talks(&town, ANN, 350) && talks(&town, "other", ANNS), "{}", town.draw());
    town.hangs_up(ANN);
    town.ends();
    town.rests();
    assert_eq!(town.seen("other").calls_up(), 0);
}

#[test]
fn nobody_takes_over_what_is_not_theirs_or_not_there() {
    type Named = fn(&World) -> String;
    let cases: [(&str, Named, u16); 7] = [
        (BOB, |it| it.seen(ANN).names_its_call().unwrap(), 403),
        (MOBILE, |it| it.seen(CARRIER).names_its_call().unwrap(), 403),
        ("other", |it| it.seen(ANN).names_its_call().unwrap(), 403),
        (MOBILE, |it| it.seen(ANN).names_its_call().unwrap() + ";early-only", 486),
        (
            MOBILE,
            |it| it.seen(ANN).names_its_call().unwrap().replace("from-tag=", "from-tag=x"),
            481,
        ),
        (MOBILE, |it| format!("x{}", it.seen(ANN).names_its_call().unwrap()), 481),
        (MOBILE, |_| "nothing".to_owned(), 400),
    ];
    for (who, named, status) in cases {
        let mut town = company("");
        town.call();
        town.connects();
        town.run_for(secs(1));
        let named = named(&town);
        takes_named(&mut town, who, &named);
        assert_eq!(town.seen(who).finals(), [status], "{who} {named}\n{}", town.draw());
        town.run_for(secs(2));
        assert_eq!((town.seen(ANN).calls_up(), town.seen(CARRIER).calls_up()), (1, 1));
        town.hangs_up(CARRIER);
        town.ends();
        town.rests();
        assert_eq!(town.tapes().all().count(), 1);
    }
}

#[test]
fn a_caller_who_was_not_answered_cannot_be_replaced_nor_a_call_that_is_over() {
    let mut town = company("");
    town.never_answers(ANN);
    town.call();
    town.run_for(secs(2));
    takes(&mut town, "other", CARRIER, "");
    assert_eq!(town.seen("other").finals(), [481], "{}", town.draw());
    let named = town.seen(ANN).names_its_call().unwrap();
    town.hangs_up(CARRIER);
    town.run_for(ms(50));
    takes_named(&mut town, MOBILE, &named);
    assert!([481, 603].contains(&town.seen(MOBILE).finals()[0]), "{}", town.draw());
    town.rests();
}

#[test]
fn who_is_closed_by_now_does_not_take_over_and_the_talk_goes_on() {
    let mut town = company("schedule = \"early\"");
    // The town begins at 15:00.
    town.call();
    town.connects();
    town.run_for(secs(70));
    takes(&mut town, MOBILE, ANN, "");
    assert_eq!(town.seen(MOBILE).finals(), [480], "{}", town.draw());
    assert_eq!(town.seen(ANN).calls_up(), 1);
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
}

#[test]
fn whoever_hangs_up_while_a_call_is_taken_over_nobody_is_left() {
    for (who, after) in [CARRIER, ANN, MOBILE].into_iter().flat_map(|it| {
        [0, 1, 10, 20, 21, 22, 40, 100, 1000, 1990, 2000, 2020].map(|after| (it, after))
    }) {
        let mut town = company("whisper = { text = \"ads\" }");
        town.call();
        town.connects();
        town.run_for(secs(1));
        let named = town.seen(ANN).names_its_call().unwrap();
        town.at(MOBILE).lines_of_its_own = format!("Replaces: {named}\r\n");
        town.calls(MOBILE, NUMBER);
        town.run_for(ms(after));
        town.hangs_up(who);
        town.run_for(secs(1));
        town.hangs_up(CARRIER);
        town.rests();
        let up = [CARRIER, ANN, MOBILE].map(|it| town.seen(it).calls_up());
        assert_eq!(up, [0; 3], "{who} after {after} ms\n{}", town.draw());
    }
}
