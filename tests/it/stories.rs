//! Where the seeds of the `switch` fuzz target come from: scenes of the simulator, overheard, and
//! scenes told step by step. `CROSSPOINT_WRITE_SEEDS=1 cargo test --test it stories::` writes them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crosspoint::clock::Instant;
use crosspoint::config;
use crosspoint::simulator::{Manners, Reply, Weather, World, ms, secs};
use crosspoint::sip::{Message, Method, parse};

use super::properties::steps::{Step, read, write};
use super::properties::switch;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds/switch/own");
const SCALES: [u64; 8] = [1, 20, 100, 400, 500, 1000, 3000, 8000];

/// Bodies: none, and a plain offer or answer.
const NONE: u8 = 0;
const PLAIN: u8 = 1;
/// Responses, by their place among the target's statuses.
const OK: u8 = 0;
const RINGING: u8 = 1;
const PROGRESS: u8 = 2;
const BUSY: u8 = 4;
const UNAVAILABLE: u8 = 7;
const ELSEWHERE: u8 = 9;
const WHO: u8 = 10;
const TOO_SHORT: u8 = 12;
const CANCELLED: u8 = 18;
/// Requests, by their place among its methods.
const BYE: u8 = 0;
const AGAIN: u8 = 1;
const UPDATE: u8 = 2;
const PRACK: u8 = 3;
const INFO: u8 = 4;
const REFER: u8 = 5;

#[test]
fn a_story_is_read_as_it_was_written() {
    for (name, story) in told() {
        assert_eq!(read(&write(&story)), story, "{name}");
    }
}

#[test]
fn the_seeds_are_stories_that_reach_far() {
    if std::env::var_os("CROSSPOINT_WRITE_SEEDS").is_some() {
        fs::create_dir_all(FOLDER).unwrap();
        let overheard = (0..24).map(|seed| (format!("overheard-{seed:02}"), overhear(seed)));
        for (name, story) in told().into_iter().map(|(n, it)| (n.to_owned(), it)).chain(overheard) {
            fs::write(Path::new(FOLDER).join(name), write(&story)).unwrap();
        }
    }
    let mut files: Vec<_> = fs::read_dir(FOLDER).unwrap().map(|it| it.unwrap().path()).collect();
    files.sort();
    assert!(20 <= files.len(), "{}", files.len());
    for file in files {
        let story = fs::read(&file).unwrap();
        assert_eq!(write(&read(&story)), story, "{file:?}");
        let held = std::panic::catch_unwind(|| switch(&story));
        assert!(held.is_ok(), "{file:?}");
    }
}

fn call(party: u8, how: u8) -> Step {
    Step::Call { party, how, body: PLAIN }
}

fn says(how: u8, body: u8) -> Step {
    Step::Respond { to: 0, how, body }
}

fn ack(line: u8) -> Step {
    Step::Ack { line, how: 0, body: NONE }
}

fn asks(line: u8, how: u8, body: u8) -> Step {
    Step::Request { line, how, body }
}

/// So many milliseconds, as steps.
fn wait(time: Duration) -> Vec<Step> {
    let mut left = time.as_millis() as u64;
    let mut steps = Vec::new();
    while let Some(scale) = SCALES.iter().rposition(|it| *it <= left) {
        let times = (left / SCALES[scale]).min(16);
        left -= times * SCALES[scale];
        steps.push(Step::Wait { scale: scale as u8, times: times as u8 - 1 });
    }
    steps
}

/// A call to `b`, keyed through and connected: the caller is line 1, b is line 0.
fn connected() -> Vec<Step> {
    let mut story = vec![call(0, 1), says(RINGING, NONE)];
    story.extend(wait(ms(200)));
    story.extend([says(OK, PLAIN)]);
    story.extend(wait(secs(2)));
    story.push(ack(1));
    story
}

fn with(mut story: Vec<Step>, more: impl IntoIterator<Item = Step>) -> Vec<Step> {
    story.extend(more);
    story
}

/// Stories told here: what the simulator's phones do not do, and its finest moments.
fn told() -> Vec<(&'static str, Vec<Step>)> {
    let voice = |line| Step::Voice { line, how: 0, packets: 20 };
    let key = |line, digit| Step::Key { line, digit, how: 0 };
    let register = |how| Step::Register { party: 5, how, contact: 0 };
    let hold = [asks(0, AGAIN, 2), ack(0), asks(0, AGAIN, PLAIN), ack(0)];
    let mut stories = vec![
        ("connected-and-hung-up", with(connected(), [voice(0), voice(1), asks(1, BYE, NONE)])),
        ("connected-and-held", with(connected(), hold.into_iter().chain([asks(0, BYE, NONE)]))),
        ("connected-and-updated", with(connected(), [asks(1, UPDATE, PLAIN), asks(0, BYE, NONE)])),
        ("connected-and-keyed", with(connected(), [asks(0, INFO, NONE), key(1, 5), key(0, 1)])),
        ("connected-and-referred", with(connected(), [asks(1, REFER, NONE), asks(0, REFER, NONE)])),
        ("connected-until-silence", connected()),
        (
            "connected-and-hijacked",
            with(connected(), [asks(0, 0x40 | BYE, NONE), asks(1, 0x80, NONE)]),
        ),
        ("strangers-inside-of-a-call", {
            let lost = [asks(0, 0xc0 | AGAIN, PLAIN), asks(1, 0xc0 | UPDATE, PLAIN)];
            let again = Step::Again { which: 0, how: 7 };
            with(connected(), lost.into_iter().chain([again.clone(), again]).chain(wait(secs(9))))
        }),
        ("connected-and-broken", with(connected(), [Step::Broken { party: 0, how: 1 }])),
        ("connected-while-the-disk-is-full", {
            let full = [Step::Disk { how: 0 }, voice(0), Step::Disk { how: 1 }, voice(1)];
            with(connected(), full.into_iter().chain([Step::Disk { how: 2 }, asks(1, BYE, NONE)]))
        }),
        (
            "connected-and-reloaded",
            with(connected(), [Step::Operator { how: 1 }, asks(1, BYE, NONE)]),
        ),
        (
            "connected-and-stopped",
            with(connected(), [Step::Operator { how: 0xff }, says(OK, NONE)]),
        ),
        (
            "cancelled",
            vec![call(0, 1), says(RINGING, NONE), Step::Cancel { line: 1 }, says(CANCELLED, NONE)],
        ),
        ("busy-then-the-next", {
            let mut story = vec![call(0, 1), says(BUSY, NONE), says(RINGING, NONE)];
            story.extend(wait(ms(700)));
            story.extend([says(OK, PLAIN), key(0, 1), ack(1), voice(0), asks(0, BYE, NONE)]);
            story
        }),
        ("three-at-once", {
            let answer = |to| Step::Respond { to, how: OK, body: PLAIN };
            let mut story = vec![call(0, 0), answer(2), answer(1), answer(0)];
            story.extend(wait(secs(3)));
            story.extend([key(0, 1), ack(3), voice(3), says(OK, NONE), says(OK, NONE)]);
            story
        }),
        ("accepted-by-key", {
            let mut story = vec![call(0, 5), says(OK, PLAIN)];
            story.extend(wait(ms(400)));
            story.extend([key(0, 1), ack(1), voice(0), key(0, 10), key(0, 1), asks(1, BYE, NONE)]);
            story
        }),
        ("reliable-ringing", {
            let mut story = vec![call(0, 0x08 | 1), says(0x40 | PROGRESS, PLAIN), says(OK, NONE)];
            story.extend([asks(1, PRACK, NONE), says(OK, PLAIN), ack(1), asks(1, BYE, NONE)]);
            story
        }),
        ("challenged-by-a-far-end", {
            let resolve = Step::Resolve { which: 0, how: 0 };
            vec![call(0, 6), resolve.clone(), says(WHO, NONE), resolve, says(OK, PLAIN), voice(0)]
        }),
        ("through-the-gate", {
            let resolve = Step::Resolve { which: 0, how: 0 };
            let mut story =
                vec![call(0, 3), resolve, says(TOO_SHORT, NONE), says(UNAVAILABLE, NONE)];
            story.extend([says(ELSEWHERE, NONE), says(0x20 | OK, PLAIN), ack(1)]);
            story
        }),
        ("nobody-by-that-name", vec![call(0, 3), Step::Resolve { which: 0, how: 1 }]),
        ("session-timer", with(vec![call(0, 0x18 | 1), says(0x20 | OK, PLAIN)], wait(secs(12)))),
        ("who-must-authenticate", vec![call(1, 1), ack(0), call(1, 0x41), says(OK, PLAIN)]),
        ("registers-and-is-called", {
            let mut story = vec![register(0), register(0), call(0, 2), says(RINGING, NONE)];
            story.extend([says(OK, PLAIN), ack(1), voice(0), register(1), register(4)]);
            story
        }),
        ("registers-by-tcp-and-goes", {
            let tcp = |how, contact| Step::Register { party: 6, how, contact };
            let gone = Step::Broken { party: 6, how: 0 };
            vec![tcp(0, 1), tcp(0x10, 1), call(0, 2), gone, tcp(0, 2), call(6, 0x42)]
        }),
        ("strangers", {
            let bye = Step::Options { party: 7, how: 3 };
            let mut story = vec![call(7, 1), ack(0), call(7, 0x41), call(8, 1), call(9, 1), bye];
            story.extend((0..3).map(|how| Step::Options { party: 7, how }));
            story.extend((0..9).map(|_| Step::Register { party: 7, how: 0, contact: 0 }));
            story.extend([asks(0, AGAIN, PLAIN), Step::Cancel { line: 0 }, asks(0, BYE, NONE)]);
            story
        }),
        ("not-set-up", vec![call(0, 7), ack(0), Step::Again { which: 1, how: 0 }]),
        ("said-again", {
            let again = |which, how| Step::Again { which, how };
            with(
                connected(),
                [again(0, 0), again(3, 0), again(2, 8), again(3, 10), asks(1, BYE, NONE)],
            )
        }),
    ];
    stories.push(("not-quite-right", {
        let mutate = |how, at, text: &str| Step::Mutate { how, at, bytes: text.into() };
        let mut story = Vec::new();
        for (how, at, text) in [
            (3, 1, "Via: SIP/2.0/UDP 10.0.0.66;branch=z9hG4bKx"),
            (4, 2, "Require: nothing"),
            (4, 2, "Record-Route: <sip:10.0.0.66;lr>"),
            (3, 2, "Max-Forwards: 0"),
            (6, 5, ""),
            (5, 1, ""),
            (0, 200, "m"),
            (2, 128, ""),
        ] {
            story.extend([
                mutate(how, at, text),
                call(0, 1),
                mutate(how, at, text),
                says(OK, PLAIN),
            ]);
        }
        story
    }));
    stories.push(("octets", {
        let bytes = b"OPTIONS sip:10.0.0.1 SIP/2.0\r\nv: SIP/2.0/UDP a;branch=z9hG4bKq\r\n\
            f: <sip:a@b>;tag=1\r\nt: <sip:c@d>\r\ni: 1\r\nCSeq: 1 OPTIONS\r\n\r\n";
        let packet = |how, bytes: &[u8]| Step::Packet { line: 0, how, bytes: bytes.into() };
        let raw = |party| Step::Raw { party, bytes: bytes.to_vec() };
        let report = [0x80, 200, 0, 6, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1, 0, 0, 0, 2];
        with(connected(), [packet(1, &report), packet(0, &[0x80; 20]), raw(7), raw(0), raw(8)])
    }));
    stories
}

/// Plays a random call in the simulator, and tells what its phones said as a story.
fn overhear(seed: u64) -> Vec<Step> {
    let text = include_str!("../../fuzz/src/switch/town.toml");
    let config = config::load(text, "town.toml", Path::new("/")).unwrap();
    let mut world = World::new(&config, seed, Weather::CLEAR);
    let phones = [("carrier", 11), ("b", 31), ("c", 32), ("d", 33), ("e", 34)];
    for (n, (name, host)) in phones.into_iter().enumerate() {
        let voice = 300 + 100 * n as u16;
        world.phone(name, ([10, 0, 0, host], 5070).into(), voice).ear.dull = true;
        let random = |world: &mut World, sides| world.network.below(sides);
        let reply = match random(&mut world, 5) {
            0 => Reply::Never,
            1 => Reply::RefuseAfter(ms(random(&mut world, 900)), 486),
            _ => Reply::AnswerAfter(ms(random(&mut world, 900))),
        };
        let ends = random(&mut world, 2) == 0;
        let hang_up_after = ends.then(|| ms(1000 + random(&mut world, 3000)));
        world.at(name).manners = Manners { reply, hang_up_after, ..Manners::default() };
    }
    let number = [0, 1, 4, 5][(seed % 4) as usize];
    world.calls("carrier", &format!("1555010000{}", number + 1));
    let patience = world.network.below(8000);
    world.run_for(ms(patience));
    world.hangs_up("carrier");
    world.run_for(secs(3));
    Listener::default().hear(&world, number)
}

/// Who keeps the same lists as the target does.
#[derive(Default)]
struct Listener {
    lines: Vec<Vec<u8>>,
    requests: Vec<Message>,
    steps: Vec<Step>,
}

impl Listener {
    fn hear(mut self, world: &World, number: u8) -> Vec<Step> {
        let mut last = Instant::START;
        for (at, datagram) in &world.wire {
            let Ok(message) = parse(datagram.bytes.clone().into()) else { continue };
            let from_edge = datagram.from.ip() == world.edge().ip();
            let known = self.lines.iter().rposition(|it| *it == message.call_id());
            if *message.method() == Method::Invite && message.is_request() && known.is_none() {
                self.lines.push(message.call_id().to_vec());
            }
            if from_edge {
                if message.is_request() && *message.method() != Method::Ack {
                    self.requests.push(message);
                }
                continue;
            }
            self.steps.extend(wait(at.since(last)));
            last = *at;
            let step = self.step(&message, number);
            self.steps.extend(step);
        }
        self.steps
    }

    fn step(&self, message: &Message, number: u8) -> Option<Step> {
        let place = self.lines.iter().rposition(|it| *it == message.call_id())?;
        let line = (self.lines.len() - 1 - place) as u8;
        let body = if message.body().is_empty() { NONE } else { PLAIN };
        if message.is_request() {
            return Some(match message.method() {
                Method::Invite if message.to_tag().is_empty() => call(0, number),
                Method::Invite => asks(line, AGAIN, body),
                Method::Ack => ack(line),
                Method::Cancel => Step::Cancel { line },
                _ => asks(line, BYE, NONE),
            });
        }
        let same =
            |it: &&Message| it.branch() == message.branch() && it.method() == message.method();
        let place = self.requests.iter().rposition(|it| same(&it))?;
        let how = match message.status() {
            200 => OK,
            183 => PROGRESS,
            100..200 => RINGING,
            487 => CANCELLED,
            _ => BUSY,
        };
        Some(Step::Respond { to: (self.requests.len() - 1 - place) as u8, how, body })
    }
}
