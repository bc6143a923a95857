//! Orders, packets and time in any order: what must hold whatever happens.

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use super::rig::*;
use crate::audio::{Accept, ClipId, Line, Ringback, Source};
use crate::media::*;
use crate::rtp::Event;

struct Dice(ChaCha8Rng);

impl Dice {
    fn below(&mut self, limit: u32) -> u32 {
        self.0.next_u32() % limit
    }

    fn session(&mut self) -> SessionId {
        SessionId(u64::from(self.below(5)))
    }

    fn source(&mut self) -> Source<SessionId> {
        match self.below(6) {
            0 => Source::Silence,
            1 => Source::Ringback(Ringback::Uk),
            2 => Source::Music(ClipId(u64::from(self.below(3)))),
            3 => Source::Script(crate::audio::Script::new(
                (0..self.below(6)).map(|_| self.line()).collect(),
            )),
            _ => Source::Leg(self.session()),
        }
    }

    fn line(&mut self) -> Line {
        match self.below(6) {
            0 => Line::Press(key('7')),
            1 => Line::Wait(ms(u64::from(self.below(300)))),
            2 => Line::AwaitVoice(ms(u64::from(self.below(300)))),
            3 => Line::Say(ClipId(u64::from(self.below(3)))),
            4 => Line::Tone(1000, ms(u64::from(self.below(300)))),
            _ => Line::Accept(Accept {
                key: key('1'),
                reject: Some(key('2')),
                prompt: Some(ClipId(u64::from(self.below(3)))),
                timeout: ms(u64::from(self.below(200))),
                repeats: 2,
            }),
        }
    }

    fn remote(&mut self) -> Remote {
        let host = 1 + self.below(3) as u8;
        let kinds = [CodecKind::Pcmu, CodecKind::Pcma, CodecKind::Other("opus".into())];
        let keys = [Keys::InBand, Keys::Outside, remote(host).keys];
        let latches = [Latch::Exact, Latch::Address, Latch::Any { home: None }];
        Remote {
            rtp: (self.below(8) != 0).then(|| far(host)),
            send: self.below(8) != 0,
            receive: self.below(8) != 0,
            codec: codec(kinds[self.below(3) as usize].clone()),
            keys: keys[self.below(3) as usize],
            ptime: [0, 10, 20, 30, 40, 60, 255][self.below(7) as usize],
            latch: latches[self.below(3) as usize],
            ..remote(host)
        }
    }

    fn order(&mut self, port: u16) -> Order {
        let session = self.session();
        let tape = TapeId(u64::from(self.below(3)));
        match self.below(16) {
            0..=3 => Order::Open { session, local: local(port) },
            4..=6 => Order::Remote { session, remote: Box::new(self.remote()) },
            7..=9 => Order::Hear { session, source: self.source() },
            10 => {
                let right = (self.below(2) == 0).then(|| self.session());
                Order::Tape { tape, left: session, right, file: "t".into() }
            }
            11 => Order::TapeMute { tape, mute: self.below(2) == 0 },
            12 => Order::TapeEnd { tape, keep: self.below(2) == 0 },
            13 => Order::SwallowKeys { session, on: self.below(2) == 0 },
            14 => Order::Key { session, digit: key('1') },
            _ => Order::Close { session },
        }
    }
}

/// Ports as signalling may use them: only those that are free are opened.
#[derive(Default)]
struct Signalling {
    free: Vec<u16>,
    open: BTreeMap<SessionId, u16>,
    resting: Vec<u16>,
}

impl Signalling {
    /// Takes notice of reports: a port is freed once, after its session was closed.
    fn read(&mut self, reports: &[(u64, Report)]) {
        for (_, report) in reports {
            match report {
                Report::Closed { session, .. } => {
                    let port = self.open.remove(session).expect("closed twice or never opened");
                    self.resting.push(port);
                }
                Report::Free { local } => {
                    let rested = self.resting.iter().position(|it| *it == local.port());
                    self.resting.remove(rested.expect("freed while in use"));
                    self.free.insert(0, local.port());
                }
                _ => {}
            }
        }
    }
}

/// Packets sent and tapes opened.
fn play(seed: u64) -> (usize, usize) {
    let mut dice = Dice(ChaCha8Rng::seed_from_u64(seed));
    let mut rig = Rig::new();
    rig.plane.bind(local(4004), &mut rig.out);
    rig.out.reports.clear();
    rig.clip(1, vec![3000; 900]);
    let mut signalling = Signalling { free: vec![4000, 4002, 4004], ..Signalling::default() };
    let mut fars = [rig.far(0, 1), rig.far(1, 2), rig.far(2, 3)];
    for _ in 0..400 {
        match dice.below(4) {
            0 => {
                let order = dice.order(signalling.free.last().copied().unwrap_or(9));
                if let Order::Open { session, .. } = order {
                    if signalling.open.contains_key(&session) || signalling.free.is_empty() {
                        continue;
                    }
                    signalling.open.extend(signalling.free.pop().map(|it| (session, it)));
                }
                rig.out.writer_is_stuck = dice.below(5) == 0;
                rig.order(order);
            }
            1 => rig.pass(ms(u64::from(dice.below(700)))),
            _ => {
                let far = &mut fars[dice.below(3) as usize];
                far.stamp.payload_type = [0, 8, 13, EVENTS, 111, 77][dice.below(6) as usize];
                far.stamp.sequence = far.stamp.sequence.wrapping_add(dice.below(4) as u16);
                let event = Event { code: 1, end: dice.below(2) == 0, volume: 9, duration: 160 };
                let mut payload = vec![0x31; dice.below(300) as usize];
                if far.stamp.payload_type == EVENTS {
                    payload = event.payload()[..dice.below(5) as usize].to_vec();
                }
                rig.says(far, &payload);
            }
        }
        signalling.read(&rig.out.reports);
        rig.out.reports.clear();
        assert_eq!(rig.plane.sessions(), signalling.open.len(), "seed {seed}");
    }
    for session in (0..5).map(SessionId) {
        rig.order(Order::Close { session });
    }
    for tape in (0..3).map(TapeId) {
        rig.order(Order::TapeEnd { tape, keep: true });
    }
    rig.out.writer_is_stuck = false;
    rig.pass(ms(10_000));
    signalling.read(&rig.out.reports);
    let ports = (signalling.free.len(), signalling.open.len(), signalling.resting.len());
    assert_eq!(ports, (3, 0, 0), "seed {seed}");
    let opened = rig.out.wound.iter().filter(|it| matches!(it, Wound::Open(..))).count();
    let ends = |it: &&Wound| matches!(it, Wound::End(_) | Wound::Dropped(_));
    let ended = rig.out.wound.iter().filter(ends).count();
    assert_eq!(opened, ended, "seed {seed}");
    rig.pass(ms(600_000));
    assert_eq!(rig.plane.deadline(), None, "nothing is left to do, seed {seed}");
    (rig.out.sent.len(), opened)
}

#[test]
fn every_port_comes_back_and_every_tape_ends_whatever_happens() {
    let (mut sent, mut opened) = (0, 0);
    for seed in 0..300 {
        let played = play(seed);
        sent += played.0;
        opened += played.1;
    }
    assert!(10_000 < sent && 100 < opened, "not much of a test: {sent} sent, {opened} tapes");
}
