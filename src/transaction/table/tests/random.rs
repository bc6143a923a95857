//! Two tables over a network that loses, doubles and reorders, from a seed: whatever happens, each
//! request ends once, no deadline stays behind the clock, and silence leaves both tables empty.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use super::*;
use crate::transaction::LIFETIME;

const SEEDS: u64 = 40;
const REQUESTS: u32 = 40;

#[test]
fn whatever_the_network_does_each_request_ends_once_and_nothing_is_left() {
    for seed in 0..SEEDS {
        let mut scene = Scene::new(seed);
        for number in 0..REQUESTS {
            scene.begin(number);
            let pause = Duration::from_millis(scene.below(400));
            scene.run(scene.now + pause);
        }
        scene.run(scene.now + Duration::from_secs(5));
        scene.let_go();
        scene.run(scene.now + LIFETIME + Duration::from_secs(32));
        scene.check(seed);
    }
}

struct Scene {
    abandoned: BTreeSet<u32>,
    caller: Table<u32>,
    chance: ChaCha8Rng,
    /// How often each request failed or got its first final response.
    ends: BTreeMap<u32, u32>,
    invites: BTreeMap<u32, ClientId>,
    now: Instant,
    phone: Table<u32>,
    /// Open server transactions, INVITE or not.
    open: BTreeMap<ServerId, (Message, bool)>,
    wire: BTreeMap<(Instant, u64), (bool, bytes::Bytes)>,
    written: u64,
}

impl Scene {
    fn new(seed: u64) -> Self {
        Self {
            abandoned: BTreeSet::new(),
            caller: Table::new(Limits::default(), 1),
            chance: ChaCha8Rng::seed_from_u64(seed),
            ends: BTreeMap::new(),
            invites: BTreeMap::new(),
            now: Instant::START,
            phone: Table::new(Limits::default(), 2),
            open: BTreeMap::new(),
            wire: BTreeMap::new(),
            written: 0,
        }
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.chance.next_u64() % limit
    }

    fn begin(&mut self, number: u32) {
        let invite = self.below(3) != 0;
        let method = if invite { "INVITE" } else { "OPTIONS" };
        let text =
            text(method, &format!("r{number}"), "", "").replace("call-1", &number.to_string());
        let mut out = Vec::new();
        let client = self.caller.request(text.into(), UDP, number, self.now, &mut out);
        if invite {
            self.invites.insert(number, client);
        }
        self.carry(true, out);
        // Some earlier INVITE is cancelled or abandoned.
        let (other, how) = (self.below(u64::from(number) + 1) as u32, self.below(4));
        let Some(client) = self.invites.get(&other).copied() else { return };
        if how == 0 {
            self.abandoned.insert(other);
            self.caller.give_up(client, self.now);
        }
    }

    /// Puts what a table said on the wire: a fifth is lost, a tenth doubled, all is delayed.
    fn carry(&mut self, to_phone: bool, out: Vec<Out<u32>>) {
        for it in out {
            match it {
                Out::Send { bytes, .. } => {
                    let copies = [0, 0, 1, 1, 1, 1, 1, 1, 1, 2][self.below(10) as usize];
                    for _ in 0..copies {
                        let delay = Duration::from_micros(100 + self.below(900_000));
                        self.written += 1;
                        let at = (self.now + delay, self.written);
                        self.wire.insert(at, (to_phone, bytes.clone()));
                    }
                }
                Out::Failed { owner, .. } => *self.ends.entry(owner).or_default() += 1,
                Out::Unacknowledged { .. } => (),
            }
        }
    }

    /// Turns the clock from event to event.
    fn run(&mut self, until: Instant) {
        loop {
            let wire = self.wire.keys().next().map(|it| it.0);
            let next = [wire, self.caller.deadline(), self.phone.deadline()];
            let Some(next) = next.into_iter().flatten().min().filter(|it| *it <= until) else {
                break;
            };
            assert!(self.now <= next, "a deadline stuck in the past");
            self.now = next;
            while let Some(entry) = self.wire.first_entry().filter(|it| it.key().0 <= next) {
                let (to_phone, bytes) = entry.remove();
                let message = sip::parse(bytes).unwrap();
                if to_phone { self.phone_takes(message) } else { self.caller_takes(message) }
            }
            for to_phone in [true, false] {
                let mut out = Vec::new();
                let table = if to_phone { &mut self.caller } else { &mut self.phone };
                table.on_time(next, &mut out);
                assert!(table.deadline().is_none_or(|it| next < it), "nothing was done");
                self.carry(to_phone, out);
            }
        }
        self.now = until;
    }

    fn caller_takes(&mut self, response: Message) {
        let mut out = Vec::new();
        let told = self.caller.on_response(response, self.now, &mut out);
        self.carry(true, out);
        if let Some((owner, _, response)) = told {
            // More than one 2xx of an INVITE is no second end.
            let invite = self.invites.contains_key(&owner) && response.status() < 300;
            if 200 <= response.status() {
                let ends = self.ends.entry(owner).or_default();
                *ends = if invite { 1 } else { *ends + 1 };
            }
        }
    }

    fn phone_takes(&mut self, request: Message) {
        let mut out = Vec::new();
        match self.phone.on_request(request, UDP, self.now, &mut out) {
            Arrived::Request { server, request } => {
                let invite = request.method().as_bytes() == b"INVITE";
                self.open.insert(server, (request, invite));
            }
            Arrived::Cancelled { invite, .. } => self.answer(invite, 487),
            Arrived::Ack { .. } | Arrived::Absorbed => (),
        }
        self.carry(false, out);
        // Somebody does something about one of the open requests.
        let Some(server) = self.open.keys().next().copied() else { return };
        let status = [0, 0, 180, 183, 200, 200, 404, 486][self.below(8) as usize];
        if status != 0 {
            self.answer(server, status);
        }
    }

    fn answer(&mut self, server: ServerId, status: u16) {
        let Some((request, invite)) = self.open.get(&server) else { return };
        if !invite && status < 200 {
            return;
        }
        let request = String::from_utf8_lossy(request.bytes()).into_owned();
        if 200 <= status {
            self.open.remove(&server);
        }
        let bytes = response(&request, status, "ours").into();
        let mut out = Vec::new();
        self.phone.respond(server, bytes, status, self.now, &mut out);
        self.carry(false, out);
    }

    /// What the rooms above owe their transactions before they go.
    fn let_go(&mut self) {
        while let Some(server) = self.open.keys().next().copied() {
            self.answer(server, 480);
        }
        for (number, client) in &self.invites {
            self.abandoned.insert(*number);
            self.caller.give_up(*client, self.now);
        }
        self.wire.clear();
    }

    fn check(&self, seed: u64) {
        assert_eq!((self.caller.len(), self.phone.len()), (0, 0), "seed {seed}");
        assert_eq!((self.caller.deadline(), self.phone.deadline()), (None, None), "seed {seed}");
        for number in 0..REQUESTS {
            let ends = self.ends.get(&number).copied().unwrap_or_default();
            let abandoned = self.abandoned.contains(&number);
            assert!(ends == 1 || (ends == 0 && abandoned), "seed {seed}: {number} ended {ends}x");
        }
    }
}
