//! One person who takes calls: an agent, or whoever is at a receiving number.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Instant;

/// How long somebody who did not take a call is left alone, and at most if it never takes one.
pub const RETRY: Duration = Duration::from_secs(5);
const RETRY_MOST: Duration = Duration::from_secs(120);
/// The pause has grown to the longest by then.
const PASSES_MAX: u32 = 8;

/// A person's place in the desk's list; it stays when the directory is read again.
pub(super) type PersonId = usize;

/// How an agent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Available,
    /// A phone of the agent rings, or the agent is on a call.
    Busy,
    /// Left alone after a queue's call.
    WrapUp,
    /// Takes no calls of queues, and the phones of its account ring for nobody.
    Away,
}

/// What an agent, or somebody for it, says about itself. Everything else comes from its calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Back, and ready at once: wrapping up is over too.
    Available,
    Away,
}

pub(super) struct Person {
    away: bool,
    /// Calls it can have at once.
    pub room: u32,
    /// Legs that ring it or that it talks on.
    pub calls: u32,
    /// Callers that it is offered to: it, or somebody with the same phone.
    pub offered: u32,
    pub wrap_up: Option<Instant>,
    /// Left alone until then: it did not take a call.
    pub aside: Option<Instant>,
    /// Calls that it did not take, one after the other.
    passes: u32,
    /// When its last talk ended.
    pub idle: Instant,
    /// Since when it is as it is, but for a wrap-up that has ended by itself.
    since: Instant,
    /// The lines in which it matters that it becomes free.
    pub lines: BTreeSet<usize>,
}

impl Person {
    pub fn new(now: Instant) -> Self {
        Self {
            away: false,
            room: 1,
            calls: 0,
            offered: 0,
            wrap_up: None,
            aside: None,
            passes: 0,
            idle: now,
            since: now,
            lines: BTreeSet::new(),
        }
    }

    pub fn set(&mut self, presence: Presence, now: Instant) {
        let (before, since) = self.state(now);
        self.away = presence == Presence::Away;
        if !self.away {
            (self.wrap_up, self.aside, self.passes) = (None, None, 0);
        }
        self.since = if self.state(now).0 == before { since } else { now };
    }

    /// It did not take a call: until when it is left alone.
    pub fn passes(&mut self, now: Instant) -> Instant {
        let pause = RETRY.saturating_mul(1 << self.passes.min(PASSES_MAX)).min(RETRY_MOST);
        self.passes = self.passes.saturating_add(1);
        let until = now + pause;
        self.aside = Some(until);
        until
    }

    /// It talks with somebody.
    pub fn talks(&mut self) {
        self.passes = 0;
    }

    /// One more call rings it, or it makes one.
    pub fn engages(&mut self, now: Instant) {
        if self.calls == 0 {
            self.since = now;
        }
        self.calls = self.calls.saturating_add(1);
    }

    pub fn hangs_up(&mut self, now: Instant) {
        if self.calls == 1 {
            self.since = now;
        }
        self.calls = self.calls.saturating_sub(1);
    }

    pub fn is_away(&self) -> bool {
        self.away
    }

    pub fn is_free(&self, now: Instant) -> bool {
        let waits = |it: Option<Instant>| it.is_some_and(|until| now < until);
        !self.away
            && self.offered == 0
            && self.calls < self.room
            && !waits(self.wrap_up)
            && !waits(self.aside)
    }

    /// How it is, and since when.
    pub fn state(&self, now: Instant) -> (State, Instant) {
        match self.wrap_up {
            _ if 0 < self.calls => (State::Busy, self.since),
            _ if self.away => (State::Away, self.since),
            Some(until) if now < until => (State::WrapUp, self.since),
            until => (State::Available, self.since.max(until.unwrap_or(self.since))),
        }
    }
}
