//! A simulated network: datagrams that take time, get lost, come twice or out of order, all from
//! one seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore, SeedableRng};

use crate::clock::Instant;

/// Bytes on their way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Datagram {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
}

/// How bad the network is.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    pub delay: Duration,
    /// Up to this much more, at random: datagrams overtake each other.
    pub jitter: Duration,
    /// Lost, of 1000.
    pub lost: u32,
    /// Delivered twice, of 1000.
    pub doubled: u32,
}

impl Weather {
    /// A millisecond's delay, and nothing else.
    pub const CLEAR: Self =
        Self { delay: Duration::from_millis(1), jitter: Duration::ZERO, lost: 0, doubled: 0 };
    /// What a bad mobile link does.
    pub const STORM: Self = Self {
        delay: Duration::from_millis(20),
        jitter: Duration::from_millis(60),
        lost: 50,
        doubled: 20,
    };
}

/// What is on its way, soonest first.
pub struct Network {
    pub weather: Weather,
    random: ChaCha8Rng,
    count: u64,
    flying: BinaryHeap<Reverse<(Instant, u64, Datagram)>>,
}

impl Network {
    pub fn new(seed: u64, weather: Weather) -> Self {
        let random = ChaCha8Rng::seed_from_u64(seed);
        Self { weather, random, count: 0, flying: BinaryHeap::new() }
    }

    pub fn random(&mut self) -> u64 {
        self.random.next_u64()
    }

    /// A random number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        if limit == 0 { 0 } else { self.random.next_u64() % limit }
    }

    pub fn send(&mut self, datagram: Datagram, now: Instant) {
        let Weather { lost, doubled, .. } = self.weather;
        if self.below(1000) < u64::from(lost) {
            return;
        }
        if self.below(1000) < u64::from(doubled) {
            self.fly(datagram.clone(), now);
        }
        self.fly(datagram, now);
    }

    /// As a stream would: nothing is lost, doubled or overtaken.
    pub fn send_safely(&mut self, datagram: Datagram, now: Instant) {
        self.count += 1;
        self.flying.push(Reverse((now + self.weather.delay, self.count, datagram)));
    }

    fn fly(&mut self, datagram: Datagram, now: Instant) {
        let jitter = self.below(self.weather.jitter.as_micros() as u64 + 1);
        let at = now + self.weather.delay + Duration::from_micros(jitter);
        self.count += 1;
        self.flying.push(Reverse((at, self.count, datagram)));
    }

    pub fn next(&self) -> Option<Instant> {
        self.flying.peek().map(|Reverse((at, ..))| *at)
    }

    pub fn arrived(&mut self, now: Instant) -> Option<Datagram> {
        if self.next()? <= now { self.flying.pop().map(|Reverse((.., it))| it) } else { None }
    }
}
