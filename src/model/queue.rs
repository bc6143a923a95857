//! Queues (PRODUCT section 6): callers wait, agents and receiving numbers take them in turn.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Prompt, Route, Schedule};

/// Where callers wait for somebody to be free.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Queue {
    pub id: Arc<str>,
    pub distribution: Distribution,
    /// Who takes its calls, in list order.
    pub members: Vec<Member>,
    /// What callers hear while they wait; a ringing tone if there is none.
    pub music: Option<Prompt>,
    /// Said once on entry.
    pub welcome: Option<Prompt>,
    /// "You are number 1", "number 2", ...: the last stands for everybody further back.
    pub positions: Vec<Prompt>,
    /// Said again and again while a caller waits.
    pub announcement: Option<Prompt>,
    /// How often position and announcement are said.
    pub announce_every: Duration,
    pub max_wait: Duration,
    /// Callers that may wait at once; one more takes `no_answer`.
    pub max_length: Option<u32>,
    /// Where a caller goes whom nobody took in time.
    pub no_answer: Route,
    /// Nobody is logged in or registered: `no_answer` at once, without waiting.
    pub bypass_unavailable: bool,
    pub schedule: Option<Arc<Schedule>>,
    pub outside_hours: Route,
    /// How long an agent is left alone after a call.
    pub wrap_up: Duration,
    pub entry: QueueEntry,
}

impl Queue {
    pub const MAX_WAIT: Duration = Duration::from_secs(30);
    pub const ANNOUNCE_EVERY: Duration = Duration::from_secs(30);

    /// A queue with every setting at its default.
    pub fn new(id: &str) -> Self {
        Self {
            id: id.into(),
            distribution: Distribution::Simultaneous,
            members: Vec::new(),
            music: None,
            welcome: None,
            positions: Vec::new(),
            announcement: None,
            announce_every: Self::ANNOUNCE_EVERY,
            max_wait: Self::MAX_WAIT,
            max_length: None,
            no_answer: Route::Hangup,
            bypass_unavailable: false,
            schedule: None,
            outside_hours: Route::Hangup,
            wrap_up: Duration::ZERO,
            entry: QueueEntry::Answer,
        }
    }
}

/// Who is offered the next caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// Everybody who is free at once.
    #[default]
    Simultaneous,
    RoundRobin,
    /// Whoever has been free for longest.
    LongestIdle,
    /// Who took this caller last, if free; else whoever has been free for longest.
    Sticky,
    Weighted,
}

/// Somebody who takes a queue's calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub who: Who,
    /// Its share of the calls, for [`Distribution::Weighted`].
    pub weight: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Who {
    Agent(Arc<str>),
    Number(Arc<str>),
}

/// Whether a waiting caller is answered, or hears the queue as early media.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueEntry {
    #[default]
    Answer,
    EarlyMedia,
}

/// How things are in a queue at a moment: what routers' rules may ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueView {
    /// Callers that wait.
    pub waiting: u32,
    /// Members that could take a call now.
    pub free: u32,
    /// How long the first of the callers has waited; none if nobody waits.
    pub longest_wait: Option<Duration>,
}
