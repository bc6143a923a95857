//! Whatever happens: thousands of calls with random manners in random weather, each checked
//! against a model of what must hold. A seed that fails is printed, and fails again.

use std::collections::{BTreeMap, BTreeSet};

use crosspoint::clock::Instant;
use crosspoint::config::Config;
use crosspoint::model::event::What;
use crosspoint::model::record::{CallRecord, RecordState};

use super::town::*;

/// In a debug build a few, in a release build all.
const CALLS: u64 = if cfg!(debug_assertions) { 120 } else { 10_000 };

/// What the carrier dials, and how calls to it go.
const PLANS: &[&str] = &[
    "dial = [\"b\"]",
    "dial = [\"b\", \"c\", \"d\"]",
    "dial = [\"b\", \"c\", \"d\"]\norder = \"sequence\"",
    "dial = [\"d\", \"c\"]\norder = \"round_robin\"",
    "dial = [\"b\"]\nstages = [{ after = \"3s\", numbers = [\"c\", \"d\"] }]",
    "route = { smart_router = \"split\" }\n\
     [[smart_router]]\nname = \"split\"\notherwise = { geo_router = \"near\" }\n\
     [[smart_router.rule]]\nwhen = { percent = 50 }\nroute = { agent = \"ann\" }\n\
     [[agent]]\nname = \"ann\"\nnumbers = [\"b\", \"d\"]\n\
     [[geo_router]]\nname = \"near\"\nnearest = { 77002 = { dial = [\"c\", \"b\"] } }\n",
];

/// The same through queues.
const QUEUES: &[&str] = &[
    "route = { queue = \"sales\" }\n\
     [[queue]]\nname = \"sales\"\nmembers = [\"b\", \"d\", \"e\"]\nmax_wait = \"12s\"\n\
     distribution = \"round_robin\"\nwrap_up = \"5s\"\nmusic = { text = \"waltz\" }\n\
     no_answer = { dial = [\"c\"] }\n",
    "route = { queue = \"sales\" }\n\
     [[queue]]\nname = \"sales\"\nmembers = [\"b\", \"c\", \"d\"]\nentry = \"early_media\"\n\
     announcement = { text = \"soon\" }\nannounce_every = \"5s\"\n",
];

/// The destinations: d is never recorded.
const RECEIVING: [(&str, &str); 4] = [
    (
        "b",
        "extension = \"1w2\"\nno_answer = { timeout = \"6s\", route = { dial = \"c\" }, \
         busy_route = { dial = \"d\" } }",
    ),
    ("c", "whisper = { text = \"ads\" }\nenhanced_forwarding = true\nno_answer.timeout = \"4s\""),
    (
        "d",
        "accept = { key = \"1\", reject = \"9\", timeout = \"2s\", repeats = 1 }\n\
         prevent_recording = true\nno_answer = { timeout = \"9s\", route = { dial = \"e\" } }",
    ),
    ("e", "ring_delay = \"500ms\"\nno_answer.timeout = \"35s\""),
];

#[test]
fn whatever_happens_what_must_hold_holds() {
    play(PLANS, CALLS, &["abandoned", "hung_up", "no_answer", "busy", "declined"]);
}

#[test]
fn whatever_happens_in_a_queue_what_must_hold_holds() {
    play(QUEUES, CALLS / 3, &["abandoned", "hung_up"]);
}

/// Plays so many calls, which must end for each of these reasons at least once.
fn play(plans: &[&str], calls: u64, reasons: &[&str]) {
    let plans: Vec<Config> = plans.iter().map(|it| read(&plan(&RECEIVING, it))).collect();
    let threads = std::thread::available_parallelism().map_or(1, |it| it.get()) as u64;
    let ends = std::thread::scope(|scope| {
        let run = |first| {
            let plans = &plans;
            scope.spawn(move || {
                (first..calls)
                    .step_by(threads as usize)
                    .map(|seed| {
                        let told = std::panic::catch_unwind(|| one_call(seed, plans));
                        told.unwrap_or_else(|_| panic!("seed {seed}"))
                    })
                    .collect::<Vec<_>>()
            })
        };
        let threads: Vec<_> = (0..threads).map(run).collect();
        let all = threads.into_iter().flat_map(|it| it.join().expect("a seed failed, see above"));
        all.fold(BTreeMap::<String, u32>::new(), |mut ends, it| {
            *ends.entry(it).or_default() += 1;
            ends
        })
    });
    // The dice must reach every kind of end, or this proves little.
    for reason in reasons {
        assert!(ends.contains_key(*reason), "no call ended with {reason}: {ends:?}");
    }
}

fn one_call(seed: u64, plans: &[Config]) -> String {
    // The routers have every fifth hundred for themselves.
    let plan = match (seed / 100 % 5, plans.len() - 1) {
        (1, routers) => routers,
        (_, others) => seed as usize % others,
    };
    let mut town = settle(&plans[plan], seed, Weather::CLEAR);
    let weather = match town.network.below(3) {
        0 => Weather::CLEAR,
        1 => Weather { delay: ms(5), jitter: ms(20), lost: 10, doubled: 5 },
        _ => Weather::STORM,
    };
    town.network.weather = weather;
    for it in &mut town.phones {
        it.ear.dull = true;
    }
    for name in ["b", "c", "d", "e"] {
        let manners = manners(&mut town);
        town.at(name).manners = manners;
    }
    let slow = if town.network.below(4) == 0 { town.network.below(4) } else { 0 };
    town.at(CARRIER).manners.slow_to_acknowledge = slow as u32;
    town.call();
    let patience = match town.network.below(4) {
        0 => ms(town.network.below(200)),
        1 => ms(town.network.below(5_000)),
        2 => ms(town.network.below(100_000)),
        _ => ms(town.network.below(20_000)),
    };
    town.run_for(patience);
    if town.network.below(5) == 0 {
        let end = ["carrier", "b", "c", "d", "e"][town.network.below(5) as usize];
        town.hangs_up(end);
        town.run_for(secs(5));
    }
    let gone = town.now();
    town.hangs_up(CARRIER);
    town.run_for(secs(1));
    check(&mut town, gone, seed);
    let record = town.ended()[0].clone();
    record.cause.map(|it| it.reason).unwrap_or_default()
}

fn manners(town: &mut World) -> Manners {
    let mut roll = |sides: u64| town.network.below(sides);
    let reply = match roll(10) {
        0 => Reply::Dead,
        1 => Reply::Never,
        2 => {
            let status = [486, 480, 404, 603, 500, 503, 600, 408][roll(8) as usize];
            Reply::RefuseAfter(ms(roll(4_000)), status)
        }
        _ => Reply::AnswerAfter(ms(roll(8_000))),
    };
    Manners {
        greets_for: None,
        reply,
        ring_after: if roll(6) == 0 { ms(roll(9_000)) } else { ms(roll(100)) },
        hang_up_after: (roll(4) == 0).then(|| ms(roll(8_000))),
        presses: (0..roll(4))
            .map(|_| (ms(roll(6_000)), ['1', '9', '*', '2'][roll(4) as usize]))
            .collect(),
        no_events: false,
        codecs: crosspoint::simulator::Codecs::G711,
        answers_when_cancelled: roll(4) == 0,
        early_media: roll(5) == 0,
        slow_to_acknowledge: 0,
    }
}

/// What must hold after a call, whatever happened in it.
fn check(town: &mut World, gone: Instant, seed: u64) {
    let told = |town: &World, what: &str| format!("seed {seed}: {what}\n{}", town.draw());
    // In a storm even the INVITE may come late.
    town.run_until(secs(40), |it| it.fact(|it| matches!(it, What::Ended { .. })).is_some());
    let settled = town.run_until(secs(260), |it| {
        it.switch.calls() == 0
            && it.switch.transactions() == 0
            && it.plane.sessions() == 0
            && it.switch.free_ports() == it.ports()
    });
    assert!(
        settled,
        "{}",
        told(
            town,
            &format!(
                "left: {} calls, {} transactions, {} sessions, {} of {} ports",
                town.switch.calls(),
                town.switch.transactions(),
                town.plane.sessions(),
                town.switch.free_ports(),
                town.ports(),
            )
        )
    );
    assert_eq!(town.switch.in_line(), 0, "{}", told(town, "somebody waits in a queue"));
    let finals = finals(town);
    assert!(finals.len() == 1, "{}", told(town, &format!("final responses: {finals:?}")));
    let ended = town.ended().len();
    assert!(ended == 1, "{}", told(town, &format!("{ended} records are complete")));
    facts(town, seed);
    record(town, gone, seed);
    tapes(town, seed);
}

/// The different final responses that the caller's INVITE was given.
fn finals(town: &World) -> BTreeSet<String> {
    let caller = address(CARRIER);
    let to_caller = town.wire.iter().filter(|(_, it)| it.to == caller);
    let texts = to_caller.map(|(_, it)| String::from_utf8_lossy(&it.bytes).into_owned());
    let finals = texts.filter(|it| {
        it.contains("CSeq: 1 INVITE") && it.starts_with("SIP/2.0 ") && !it.starts_with("SIP/2.0 1")
    });
    let line = |name: &str, text: &str| {
        text.lines().find(|it| it.starts_with(name)).unwrap_or_default().to_owned()
    };
    finals.map(|it| line("SIP/2.0", &it) + " " + &line("To:", &it)).collect()
}

/// At most one is connected, and nothing is told of a leg after its end.
fn facts(town: &World, seed: u64) {
    let mut over = BTreeSet::new();
    let mut connected = 0;
    for (n, (_, fact)) in town.facts.iter().enumerate() {
        assert_eq!(fact.seq as usize, n + 1, "seed {seed}");
        let leg = match &fact.what {
            What::LegEnded { leg, .. } => {
                assert!(over.insert(*leg), "seed {seed}: leg {leg} ended twice");
                continue;
            }
            What::Connected { leg } => {
                connected += 1;
                *leg
            }
            What::LegRinging { leg }
            | What::LegAnswered { leg }
            | What::LegDigit { leg, .. }
            | What::LegWhisper { leg }
            | What::LegAccepted { leg } => *leg,
            _ => continue,
        };
        assert!(!over.contains(&leg), "seed {seed}: {fact:?} after the leg's end\n{}", town.draw());
    }
    assert!(connected <= 1, "seed {seed}: connected {connected} times");
    assert!(matches!(town.facts.last().unwrap().1.what, What::Ended { .. }), "seed {seed}");
}

/// The record's times are those of the facts, and the call did not outlive its caller.
fn record(town: &World, gone: Instant, seed: u64) {
    let record = town.ended()[0];
    let at = |wanted: fn(&What) -> bool| town.fact(wanted);
    assert_eq!(record.state, RecordState::Ended);
    let moment = |it: Option<_>| it.map(|it| town.moment(it));
    assert_eq!(
        moment(record.connected_at),
        at(|it| matches!(it, What::Connected { .. })),
        "{seed}"
    );
    assert_eq!(moment(record.ended_at), at(|it| matches!(it, What::Ended { .. })), "seed {seed}");
    assert_eq!(Some(town.moment(record.received_at)), at(|it| matches!(it, What::Received { .. })));
    // BYE or CANCEL may be lost and sent again, up to eight times.
    let late = town.moment(record.ended_at.unwrap()).since(gone);
    assert!(late < secs(33), "seed {seed}: {late:?} after its caller\n{}", town.draw());
    for leg in &record.legs {
        let (dialled, ended) = (leg.dialled_at, leg.ended_at.expect("a leg has no end"));
        let steps =
            [leg.ringing_at, leg.answered_at, leg.whisper_at, leg.accepted_at, leg.connected_at];
        let times: Vec<_> = std::iter::once(dialled)
            .chain(steps.into_iter().flatten().filter(|it| Some(*it) != leg.ringing_at))
            .chain([ended])
            .collect();
        assert!(times.is_sorted(), "seed {seed}: {leg:?}");
        assert!(leg.cause.is_some(), "seed {seed}: {leg:?}");
        matches_the_phone(town, record, leg.leg, seed);
    }
}

/// What the record says of a leg, its phone lived through.
fn matches_the_phone(town: &World, record: &CallRecord, leg: u8, seed: u64) {
    let leg = &record.legs[usize::from(leg) - 1];
    let phone = town.seen(&leg.destination);
    if let Some(answered) = leg.answered_at {
        let answered = town.moment(answered);
        let lifted = phone.moments.iter().filter(|(_, it)| *it == Moment::Answered);
        assert!(
            lifted.clone().any(|(at, _)| *at < answered),
            "seed {seed}: {} never answered",
            leg.destination
        );
    }
}

/// A vetoed destination leaves no sample; any other tape is as long as the talk.
fn tapes(town: &World, seed: u64) {
    let record = town.ended()[0];
    let connected = record.legs.iter().find(|it| it.connected_at.is_some());
    let allowed = connected.is_some_and(|it| &*it.destination != "d");
    assert_eq!(!town.tapes().is_empty(), allowed, "seed {seed}\n{}", town.draw());
    assert_eq!(record.recordings.iter().any(|it| it.file.is_some()), allowed, "seed {seed}");
    for tape in town.tapes().all() {
        let frames = tape.frames.expect("a tape has no end");
        let talk = record.talk_ms.unwrap();
        assert!(talk.abs_diff(frames / 8) <= 20, "seed {seed}: {talk} ms, {frames} frames");
        assert_eq!(Some(tape.begun), record.connected_at.map(|it| town.moment(it)));
    }
}
