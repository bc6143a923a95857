//! Who calls, and what a destination sees of it (PRODUCT section 2, `caller_id`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The calling side, as the trunk or client told it and the door understood it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// E.164 where known, else as received; empty if it was not told.
    pub number: String,
    /// The display name that came with it.
    pub name: Option<String>,
    /// The caller wishes to stay unknown to the destination (RFC 3323).
    pub private: bool,
    /// Whether the carrier found the number to be the caller's own (STIR); `None` if it cannot say.
    #[serde(default)]
    pub verified: Option<bool>,
}

impl Caller {
    pub fn new(number: &str) -> Self {
        Self { number: number.to_owned(), ..Self::default() }
    }

    /// Nobody can be named: withheld, or never told.
    pub fn is_anonymous(&self) -> bool {
        self.private || self.number.is_empty()
    }
}

/// What the destination sees of the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerId {
    pub number: CallerNumber,
    /// Digits put before the number that is shown.
    pub prefix: String,
    /// A display-name template: `Ads: {caller}`. See [`CallerId::PLACES`].
    pub name: Option<String>,
}

impl CallerId {
    /// What a display-name template may name.
    pub const PLACES: &[&str] = &["{caller}", "{name}", "{tracking}", "{label}", "{source}"];
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CallerNumber {
    #[default]
    Caller,
    Tracking,
    Fixed(Arc<str>),
    Anonymous,
}

/// A caller id, worked out for one leg.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// E.164 where known, else as received; empty = anonymous.
    pub number: String,
    pub name: Option<String>,
    /// Withhold the caller's number from the far end.
    pub private: bool,
    /// The tracking number that was dialled (Diversion, History-Info).
    pub diverted_from: String,
}
