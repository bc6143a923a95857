//! What the console does to calls: hung up, put through, recorded, whispers skipped; each in every
//! phase that a call can be in.

use std::sync::Arc;

use crosspoint::call::{Command, Refused, Target};
use crosspoint::flow::Spent;
use crosspoint::model::Route;
use crosspoint::model::event::What;

use super::town::*;

const BY: &str = "alice";
const MORE: &str = "[[voice_menu]]\nname = \"main\"\nprompt = { text = \"the menu\" }\n\
    otherwise = { dial = \"e\" }\nkeys = { 1 = { dial = \"b\" } }\n\
    [[voicemail]]\nname = \"box\"\n\
    [[geo_router]]\nname = \"stores\"\nprompt = { text = \"your zip\" }\n\
    zips = { 10003 = { dial = \"b\" } }\notherwise = { dial = \"c\" }\n\
    [[queue]]\nname = \"sales\"\nmembers = [\"d\"]\nmusic = { text = \"waltz\" }\n\
    [[virtual_agent]]\nname = \"bot\"\nurl = \"ws://10.0.0.50:8700/agent\"\n\
    no_answer = { dial = \"c\" }\n";

/// b, whose keys these are; c; d and e, who never answer.
fn place(b: &str, tracking: &str, settings: &str) -> World {
    let receiving = [("b", b), ("c", ""), ("d", ""), ("e", "")];
    let text = plan(&receiving, tracking) + MORE;
    let text = text + &format!("[[call_settings]]\nname = \"default\"\n{settings}\n");
    let mut town = settle(&read(&text), 1, Weather::CLEAR);
    town.never_answers("d");
    town.never_answers("e");
    town
}

fn id(town: &World) -> Arc<str> {
    Arc::clone(&town.facts[0].1.call)
}

fn does(town: &mut World, command: Command) -> Result<(), Refused> {
    let id = id(town);
    town.command(&id, command, BY)
}

fn dials(to: &str) -> Command {
    Command::Transfer { to: Target::Dialled { dialled: to.into(), spent: Spent::default() } }
}

fn routes(route: Route) -> Command {
    Command::Transfer { to: Target::Route(route) }
}

/// Who did what, as the events say it.
fn told(town: &World) -> Vec<(String, String)> {
    let told = town.facts.iter().filter_map(|(_, it)| match &it.what {
        What::Commanded { command, by } => Some((command.clone(), by.clone())),
        _ => None,
    });
    told.collect()
}

/// A phase, and what brings a call there.
type Phase = (&'static str, fn() -> World);

fn brought(mut town: World, millis: u64) -> World {
    town.call();
    town.run_for(ms(millis));
    town
}

fn joined() -> World {
    let mut town = place("may_transfer = true", "dial = [\"b\"]", "");
    town.answers_after("c", secs(30));
    town.call();
    town.connects();
    town.act("b", |phone, now, out| phone.transfer("c", now, out));
    town.run_for(secs(1));
    town
}

fn messages() -> World {
    let mut town = brought(place("", "route = { voicemail = \"box\" }", ""), 100);
    town.run_for(secs(3));
    town
}

const PHASES: [Phase; 11] = [
    ("greeting", || brought(place("", "dial = [\"b\"]", "greeting = { text = \"hi\" }"), 1000)),
    ("menu", || brought(place("", "route = { voice_menu = \"main\" }", ""), 1000)),
    ("zip", || brought(place("", "route = { geo_router = \"stores\" }", ""), 1000)),
    ("ringing", || brought(place("", "dial = [\"d\", \"e\"]", ""), 1000)),
    ("waiting", || brought(place("", "route = { queue = \"sales\" }", ""), 1000)),
    ("reaching", || {
        let mut town = place("", "route = { virtual_agent = \"bot\" }", "");
        town.program("ws://10.0.0.50:8700/agent").door =
            crosspoint::simulator::program::Door::Silent;
        brought(town, 1000)
    }),
    ("whisper", || brought(place("whisper = { text = \"ads\" }", "dial = [\"b\"]", ""), 1900)),
    ("talking", || brought(place("", "dial = [\"b\"]", ""), 3000)),
    ("vetoed", || brought(place("prevent_recording = true", "dial = [\"b\"]", ""), 3000)),
    ("message", messages),
    ("transferring", joined),
];

/// The table of `call/command.rs`.
#[test]
fn each_command_is_obeyed_where_it_makes_sense_and_refused_with_a_reason_elsewhere() {
    use Refused::*;
    type Want = Result<(), Refused>;
    let no_tape: Want = Err(NotConnected);
    let no_whisper: Want = Err(NoWhisper);
    for (phase, bring) in PHASES {
        let wanted: [Want; 5] = match phase {
            "whisper" => [Ok(()), Ok(()), no_tape.clone(), no_tape.clone(), Ok(())],
            "talking" => [Ok(()), Ok(()), Err(Recorded), Ok(()), no_whisper.clone()],
            "vetoed" => [Ok(()), Ok(()), Err(Prevented), Err(NotRecorded), no_whisper.clone()],
            "message" => [Ok(()), Err(Message), Err(Message), Err(Message), no_whisper.clone()],
            "transferring" => {
                [Ok(()), Err(Transferring), no_tape.clone(), no_tape.clone(), no_whisper.clone()]
            }
            _ => [Ok(()), Ok(()), no_tape.clone(), no_tape.clone(), no_whisper.clone()],
        };
        let commands = [
            Command::HangUp,
            dials("c"),
            Command::Record(true),
            Command::Record(false),
            Command::SkipWhisper,
        ];
        for (command, wanted) in commands.into_iter().zip(wanted) {
            let mut town = bring();
            let facts = town.facts.len();
            let got = does(&mut town, command.clone());
            assert_eq!(got, wanted, "{phase}: {command:?}\n{}", town.draw());
            match got {
                Ok(()) => {
                    let who = told(&town);
                    assert_eq!(who, [(command.as_str().to_owned(), BY.to_owned())], "{phase}");
                }
                Err(_) => assert_eq!(town.facts.len(), facts, "{phase}: refused, yet seen"),
            }
            if command != Command::HangUp {
                town.run_for(secs(8));
                town.hangs_up(CARRIER);
            }
            town.ends();
            town.rests();
            let steps = &town.record().path;
            let says = format!("{} by {BY}", command.as_str());
            assert_eq!(steps.iter().any(|it| it.what == says), got.is_ok(), "{phase}: {steps:?}");
        }
    }
}

#[test]
fn a_call_is_hung_up_at_once_in_every_phase() {
    for (phase, bring) in PHASES {
        let mut town = bring();
        does(&mut town, Command::HangUp).unwrap();
        town.run_for(ms(100));
        assert!(town.seen(CARRIER).is_idle() || town.seen(CARRIER).calls_up() == 0, "{phase}");
        for phone in ["b", "c", "d", "e"] {
            assert_eq!(town.seen(phone).calls_up(), 0, "{phase}: {phone} is still there");
        }
        town.ends();
        town.rests();
        assert_eq!(town.reason(), "hung_up_by_command", "{phase}");
        let again = does(&mut town, Command::HangUp);
        assert_eq!(again, Err(Refused::Over), "{phase}");
    }
}

#[test]
fn a_caller_is_put_through_from_every_phase_with_every_setting_of_who_is_rung() {
    let whisper = "[[receiving_number]]\nname = \"boss\"\nnumber = \"sip:c@10.0.0.32:5070\"\n\
        extension = \"42\"\nwhisper = { text = \"ads\" }\nprevent_recording = true\n";
    for (phase, tracking, settings) in [
        ("greeting", "dial = [\"b\"]", "greeting = { text = \"hi\" }"),
        ("menu", "route = { voice_menu = \"main\" }", ""),
        ("zip", "route = { geo_router = \"stores\" }", ""),
        ("ringing", "dial = [\"d\", \"e\"]", ""),
        ("waiting", "route = { queue = \"sales\" }", ""),
        ("talking", "dial = [\"b\"]", ""),
    ] {
        for to in [dials("boss"), routes(Route::number("boss"))] {
            let receiving = [("b", ""), ("c", ""), ("d", ""), ("e", "")];
            let text = plan(&receiving, tracking) + MORE + whisper;
            let text = text + &format!("[[call_settings]]\nname = \"default\"\n{settings}\n");
            let mut town = settle(&read(&text), 1, Weather::CLEAR);
            town.never_answers("d");
            town.never_answers("e");
            town.call();
            town.run_for(ms(1900));
            does(&mut town, to).unwrap();
            town.run_for(secs(10));
            assert_eq!(town.seen("c").ear.keyed(), "42", "{phase}\n{}", town.draw());
            let ads = Sound::Tone(town.tone_of("ads"));
            assert_near(town.seen("c").ear.total(ads), secs(2), ms(60));
            assert!(secs(3) < town.seen(CARRIER).ear.total(Sound::Tone(600)), "{phase}");
            for phone in ["b", "d", "e"] {
                assert_eq!(town.seen(phone).calls_up(), 0, "{phase}: {phone} is still there");
            }
            town.hangs_up(CARRIER);
            town.ends();
            town.rests();
            let last = town.record().recordings.last().unwrap();
            assert_eq!(last.prevented.as_deref(), Some("prevent_recording"), "{phase}");
        }
    }
}

#[test]
fn a_caller_whom_nobody_takes_goes_back_to_who_talked_with_it() {
    let mut town = place("", "dial = [\"b\"]", "");
    town.refuses_after("c", secs(1), 486);
    town.call();
    town.connects();
    does(&mut town, dials("c")).unwrap();
    town.run_for(secs(5));
    assert_eq!(town.seen("b").calls_up(), 1);
    assert_eq!(town.count_facts(|it| matches!(it, What::Connected { .. })), 2, "{}", town.draw());
    town.hangs_up("b");
    town.ends();
    town.rests();
}

#[test]
fn whom_nobody_may_dial_is_no_place_to_put_a_caller() {
    let mut town = place("", "dial = [\"b\"]", "");
    town.call();
    town.connects();
    for (to, reason) in [
        (dials("+19005550199"), "not_allowed"),
        (dials("nobody at all"), "unknown_number"),
        (routes(Route::Hangup), "no_transfer"),
        (routes(Route::number("ghost")), "unknown_number"),
    ] {
        match does(&mut town, to.clone()) {
            Err(Refused::Unreachable(cause)) => assert_eq!(cause.reason, reason, "{to:?}"),
            other => panic!("{to:?}: {other:?}"),
        }
    }
    assert_eq!(told(&town), []);
    assert_eq!(town.seen("b").calls_up(), 1, "they talk on");
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
}

#[test]
fn a_recording_is_stopped_and_started_by_command_with_a_gap_and_says_by_whom() {
    let mut town = place("", "dial = [\"b\"]", "");
    town.call();
    town.connects();
    town.run_for(secs(2));
    does(&mut town, Command::Record(false)).unwrap();
    town.run_for(secs(2));
    assert_eq!(does(&mut town, Command::Record(false)), Err(Refused::NotRecorded));
    does(&mut town, Command::Record(true)).unwrap();
    town.run_for(secs(2));
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
    let tapes: Vec<_> = town.tapes().all().collect();
    assert_eq!(tapes.len(), 1);
    let side = tapes[0].side(false);
    let loud = |from, to| super::recordings::loud(&side, from, to);
    assert!(0.8 < loud(0.5, 1.8) && loud(2.2, 3.8) < 0.01 && 0.8 < loud(4.3, 5.8));
    assert_eq!(town.record().recordings[0].stopped_by.as_deref(), Some(BY));
    let stopped = town.facts.iter().find_map(|(_, it)| match &it.what {
        What::RecordingStopped { by } => Some(by.clone()),
        _ => None,
    });
    assert_eq!(stopped.as_deref(), Some(BY));
}

/// Without a wish to record there is none; a command is one. A veto stays one.
#[test]
fn a_command_records_what_the_settings_do_not_ask_for_but_never_over_a_veto() {
    let mut town = place("", "dial = [\"b\"]", "record = false");
    town.call();
    town.connects();
    does(&mut town, Command::Record(true)).unwrap();
    town.run_for(secs(2));
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
    assert_eq!(town.tapes().all().count(), 1);
    assert!(town.record().recordings[0].prevented.is_none());
    let mut town = place("prevent_recording = true", "dial = [\"b\"]", "");
    town.call();
    town.connects();
    assert_eq!(does(&mut town, Command::Record(true)), Err(Refused::Prevented));
    town.run_for(secs(2));
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
    assert!(town.tapes().is_empty());
}

#[test]
fn a_skipped_whisper_ends_at_once_and_what_comes_after_it_is_heard() {
    // Nothing comes after it: connected at once.
    let mut town = place("whisper = { text = \"ads\" }\nextension = \"7\"", "dial = [\"b\"]", "");
    town.call();
    let ads = Sound::Tone(town.tone_of("ads"));
    assert!(town.run_until(secs(10), |it| ms(200) < it.seen("b").ear.total(ads)));
    let skipped = town.now();
    does(&mut town, Command::SkipWhisper).unwrap();
    let connected = town.connects();
    assert_near(connected.since(skipped), ms(0), ms(20));
    assert!(town.seen("b").ear.total(ads) < ms(400));
    assert_eq!(does(&mut town, Command::SkipWhisper), Err(Refused::NoWhisper));
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
    // The key that takes the call is still asked for.
    let keys = "whisper = { text = \"ads\" }\naccept = { key = \"1\", timeout = \"5s\" }";
    let mut town = place(keys, "dial = [\"b\"]", "");
    town.at("b").manners.presses = vec![(secs(4), '1')];
    town.call();
    assert!(town.run_until(secs(10), |it| ms(200) < it.seen("b").ear.total(ads)));
    does(&mut town, Command::SkipWhisper).unwrap();
    town.run_for(secs(1));
    assert_eq!(town.count_facts(|it| matches!(it, What::Connected { .. })), 0);
    town.connects();
    town.hangs_up(CARRIER);
    town.ends();
    town.rests();
}

#[test]
fn a_call_that_nobody_knows_is_over() {
    let mut town = place("", "dial = [\"b\"]", "");
    assert_eq!(town.command("0123", Command::HangUp, BY), Err(Refused::Over));
}
