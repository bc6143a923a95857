//! Virtual agents (PRODUCT section 9): programs that talk to callers over a WebSocket.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Route, Url};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VirtualAgent {
    pub id: Arc<str>,
    /// `ws://` or `wss://`.
    pub url: Url,
    /// Told to it when the stream starts.
    pub parameters: BTreeMap<String, String>,
    /// Where it may hand the call to, by the name it says.
    pub routes: BTreeMap<String, Route>,
    /// How long it may take to be there.
    pub timeout: Duration,
    /// Where the call goes when it is not there, or breaks off.
    pub no_answer: Route,
    /// Where the call goes when it ends the stream in good order.
    pub after: Route,
    /// The longest conversation.
    pub max_duration: Duration,
    /// Whether the conversation may be recorded, like a talk with a destination.
    pub prevent_recording: bool,
}

impl VirtualAgent {
    /// PRODUCT section 9: unreachable within 3 s takes the no-answer route.
    pub const TIMEOUT: Duration = Duration::from_secs(3);
    pub const MAX_DURATION: Duration = Duration::from_secs(30 * 60);

    /// An agent with every setting at its default.
    pub fn new(id: &str, url: &str) -> Self {
        Self {
            id: id.into(),
            url: url.into(),
            parameters: BTreeMap::new(),
            routes: BTreeMap::new(),
            timeout: Self::TIMEOUT,
            no_answer: Route::Hangup,
            after: Route::Hangup,
            max_duration: Self::MAX_DURATION,
            prevent_recording: false,
        }
    }
}
