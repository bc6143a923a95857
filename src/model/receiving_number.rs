//! Receiving numbers: destinations, with everything PRODUCT section 2 lets an operator say of one.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{CallerId, Extension, Prompt, Route, Schedule, Whisper};
use crate::audio::Digit;

/// A destination that a call may be forwarded to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReceivingNumber {
    /// Its name in the configuration.
    pub id: Arc<str>,
    pub description: String,
    pub endpoint: Endpoint,
    /// User and password for a destination that challenges us.
    pub credentials: Option<Credentials>,
    /// How digits are sent to it.
    pub keys: KeysBy,
    pub extension: Option<Extension>,
    pub dial_pause: Duration,
    pub wait_for_voice: bool,
    pub whisper: Whisper,
    pub accept: Option<AcceptBy>,
    /// An answering machine is as good as a decline.
    pub decline_machines: bool,
    pub prevent_recording: bool,
    pub enhanced_forwarding: Option<EnhancedForwarding>,
    pub schedule: Option<Arc<Schedule>>,
    pub outside_hours: Route,
    pub no_answer: NoAnswer,
    pub caller_id: Option<CallerId>,
    pub agent: Option<Arc<str>>,
    pub lead_owner: Option<Arc<str>>,
    pub tagging_schedule: Option<Arc<Schedule>>,
    /// The longest talk of calls that arrive outside of `tagging_schedule`.
    pub after_hours_limit: Option<Duration>,
    pub source_tag: String,
    pub ring_delay: Duration,
    pub weight: u32,
    pub max_calls: Option<u32>,
    /// It may put callers through to somebody else; if not said, our own phones may.
    pub may_transfer: Option<bool>,
}

impl ReceivingNumber {
    /// A destination with every setting at its default (PRODUCT section 2).
    pub fn new(id: &str, endpoint: Endpoint) -> Self {
        Self {
            id: id.into(),
            description: String::new(),
            endpoint,
            credentials: None,
            keys: KeysBy::Auto,
            extension: None,
            dial_pause: Duration::ZERO,
            wait_for_voice: false,
            whisper: Whisper::Inherit,
            accept: None,
            decline_machines: false,
            prevent_recording: false,
            enhanced_forwarding: None,
            schedule: None,
            outside_hours: Route::Hangup,
            no_answer: NoAnswer::default(),
            caller_id: None,
            agent: None,
            lead_owner: None,
            tagging_schedule: None,
            after_hours_limit: None,
            source_tag: String::new(),
            ring_delay: Duration::ZERO,
            weight: 1,
            max_calls: None,
            may_transfer: None,
        }
    }
}

impl ReceivingNumber {
    /// Whether who answers here may put the caller through to somebody else.
    pub fn transfers(&self) -> bool {
        self.may_transfer.unwrap_or(matches!(self.endpoint, Endpoint::Client { .. }))
    }

    /// The account whose phones these are.
    pub fn account(&self) -> Option<&Arc<str>> {
        match &self.endpoint {
            Endpoint::Client { account } => Some(account),
            Endpoint::Phone { .. } | Endpoint::Sip { .. } => None,
        }
    }
}

/// Where a receiving number is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Endpoint {
    /// An E.164 number (`+15550100`), through a trunk (the default one if none is named).
    Phone { number: Arc<str>, trunk: Option<Arc<str>> },
    /// A `sip:` URI, kept as written.
    Sip { uri: Arc<str> },
    /// All phones registered under this account.
    Client { account: Arc<str> },
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    pub user: String,
    pub password: String,
    /// The realm they are for; any, if none is given.
    pub realm: Option<String>,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({}, _)", self.user)
    }
}

/// How digits reach a destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeysBy {
    /// RFC 4733 events, or tones in the voice if the far end has none.
    #[default]
    Auto,
    /// SIP INFO.
    Info,
    InBand,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptBy {
    pub key: Digit,
    pub reject: Option<Digit>,
    pub prompt: Option<Prompt>,
    pub timeout: Duration,
    pub repeats: u8,
}

impl AcceptBy {
    /// Takes the call with `key`: 10 s, said twice more.
    pub fn key(key: Digit) -> Self {
        Self { key, reject: None, prompt: None, timeout: Duration::from_secs(10), repeats: 2 }
    }
}

/// Codes that the answering person can dial, and what it is asked afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnhancedForwarding {
    pub stop_recording: Vec<Digit>,
    pub start_recording: Vec<Digit>,
    pub score: Option<ScoreMenu>,
}

/// Asks the answering person, once the caller has gone, what the call was worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreMenu {
    pub prompt: Prompt,
    /// The keys that are scores.
    pub keys: Vec<Digit>,
    /// How long the key is waited for after the prompt.
    pub timeout: Duration,
    /// How often the prompt is said again.
    pub repeats: u8,
}

/// Where the call goes when the destination does not take it, and after how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoAnswer {
    pub timeout: Duration,
    pub route: Route,
    pub busy_route: Option<Route>,
}

impl NoAnswer {
    /// How long a destination rings unless it says otherwise.
    pub const TIMEOUT: Duration = Duration::from_secs(45);
}

impl Default for NoAnswer {
    fn default() -> Self {
        Self { timeout: Self::TIMEOUT, route: Route::Hangup, busy_route: None }
    }
}
