//! Tag rules (PRODUCT section 11): what a finished call record is tagged with.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::record::Outcome;

/// Tags for calls of which all conditions hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TagRule {
    pub conditions: Vec<TagCondition>,
    pub tags: Vec<String>,
}

/// Something that is so of a call record, or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TagCondition {
    /// Somebody took the call.
    Answered(bool),
    /// The best outcome of its legs.
    Outcome(Vec<Outcome>),
    /// It was talked for at least so long.
    TalkAtLeast(Duration),
    /// It was talked for less than that.
    TalkLess(Duration),
    TrackingNumber(Vec<Arc<str>>),
    Source(Vec<String>),
    CallerPrefix(Vec<String>),
    /// The receiving number that took it.
    Destination(Vec<Arc<str>>),
    Agent(Vec<Arc<str>>),
    Score(Vec<char>),
}
