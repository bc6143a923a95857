//! What webhooks are still to be told (PRODUCT section 11): at least once, in order per call.
//!
//! ```text
//!   fact --wanted--> New, kept in the store with the fact --> Delivery
//!   Delivery, results, time --> Outbox --> send this, settle that, fetch more
//! ```
//! [`Outbox`] decides: the next event of a call waits for the one before it, calls do not wait for
//! each other, a webhook hears so many requests at once and no more. What fails is tried again
//! later and later; what fails for too long is laid aside as dead, and the call's next event goes
//! on. The store only keeps rows, so what was not settled before a crash is sent again after it:
//! receivers tell such doubles by the delivery's [`key`](Delivery::key). HTTP is the shell's.

mod lane;
mod machine;
mod reach;

use std::sync::Arc;
use std::time::Duration;

pub use self::machine::{Outbox, Outcome, Want};
pub use self::reach::is_public;
use crate::clock::Wall;
use crate::model::Webhook;
use crate::model::event::Fact;

/// The wait after the first failure; each further one waits twice as long, with jitter.
pub const FIRST_WAIT: Duration = Duration::from_secs(1);
/// .. up to this.
pub const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// A receiver that names a time (`Retry-After`) is left alone for so long at most.
pub const ASKED_WAIT_MAX: Duration = Duration::from_secs(3600);
/// Deliveries of one webhook that are held in memory; the others wait in the store.
pub const HELD_MAX: usize = 4096;
/// Deliveries that are fetched at a time.
pub const FETCH: u32 = 512;

/// An event that a webhook is to be told of, about to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct New {
    pub webhook: Arc<str>,
    pub call: Arc<str>,
    /// Of the event in its call, from 1.
    pub seq: u32,
    /// `call.received`.
    pub event: Arc<str>,
    /// What is sent, byte for byte, each time: the fact in JSON.
    pub body: Arc<str>,
    pub queued_at: Wall,
}

/// The same, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Ascends in the order of being kept; the id of one that is gone is not given again.
    pub id: i64,
    pub webhook: Arc<str>,
    pub call: Arc<str>,
    pub seq: u32,
    pub event: Arc<str>,
    pub body: Arc<str>,
    pub queued_at: Wall,
    /// How often it was sent in vain.
    pub attempts: u32,
    /// Not to be sent before.
    pub due: Wall,
    /// Why it failed last.
    pub why: String,
}

impl Delivery {
    /// The same each time that this is sent, and no other's.
    pub fn key(&self) -> String {
        format!("{}.{}", self.call, self.seq)
    }
}

/// What may become of a delivery in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Waiting,
    /// It failed for too long; only a person has it tried again.
    Dead,
}

/// What became of an attempt, to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is acknowledged: its row goes.
    Delivered,
    Retry {
        attempts: u32,
        due: Wall,
        why: String,
    },
    Dead {
        attempts: u32,
        why: String,
    },
}

/// How much a webhook has in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    pub webhook: Arc<str>,
    pub waiting: u64,
    pub dead: u64,
}

/// What webhooks are to be told of a fact.
pub fn wanted(fact: &Fact, webhooks: &[Arc<Webhook>]) -> Vec<New> {
    let mut them = webhooks.iter().filter(|it| it.wants(&fact.what)).peekable();
    if them.peek().is_none() {
        return Vec::new();
    }
    let Ok(body) = serde_json::to_string(fact) else { return Vec::new() };
    let (body, event): (Arc<str>, Arc<str>) = (body.into(), fact.what.name().into());
    let new = |it: &Arc<Webhook>| New {
        webhook: it.id.clone(),
        call: fact.call.clone(),
        seq: fact.seq,
        event: event.clone(),
        body: body.clone(),
        queued_at: fact.at,
    };
    them.map(new).collect()
}

#[cfg(test)]
mod tests;
