//! The words of the trade, as the people who set up call tracking use them (PRODUCT nouns), and
//! the [`Directory`]: all of them, indexed and immutable.

pub mod event;
pub mod extension;
pub mod record;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::extension::Extension;
use crate::audio::{ClipId, Digit, Ringback};

// The types below are the first cut that the rooms agreed on; files and fields grow from here.

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
    pub prevent_recording: bool,
    pub enhanced_forwarding: Option<EnhancedForwarding>,
    pub schedule: Option<Arc<Schedule>>,
    pub outside_hours: Route,
    pub no_answer: NoAnswer,
    pub caller_id: Option<CallerId>,
    pub agent: Option<Arc<str>>,
    pub lead_owner: Option<Arc<str>>,
    pub tagging_schedule: Option<Arc<Schedule>>,
    pub after_hours_limit: Option<Duration>,
    pub source_tag: String,
    pub ring_delay: Duration,
    pub weight: u32,
    pub max_calls: Option<u32>,
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
pub enum KeysBy {
    /// RFC 4733 events, or tones in the voice if the far end has none.
    #[default]
    Auto,
    /// SIP INFO.
    Info,
    InBand,
}

/// The message to the answering person: what a destination, or the call settings, say about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whisper {
    /// What the next level up says.
    #[default]
    Inherit,
    /// Explicitly nothing.
    Nothing,
    Say(Prompt),
}

/// A message, by what it is made from. Media knows it by its clip id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    pub clip: ClipId,
    pub made_from: PromptSource,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PromptSource {
    /// A WAV file, its path resolved against the configuration's folder.
    File(Arc<str>),
    Text {
        text: Arc<str>,
        voice: Arc<str>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptBy {
    pub key: Digit,
    pub reject: Option<Digit>,
    pub prompt: Option<Prompt>,
    pub timeout: Duration,
    pub repeats: u8,
}

/// Codes that the answering person can dial.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnhancedForwarding {
    pub stop_recording: Vec<Digit>,
    pub start_recording: Vec<Digit>,
}

/// Where the call goes when the destination does not take it, and after how long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoAnswer {
    pub timeout: Duration,
    pub route: Route,
    pub busy_route: Option<Route>,
}

/// What the destination sees of the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerId {
    pub number: CallerNumber,
    pub prefix: String,
    /// A display-name template: `Ads: {caller}`.
    pub name: Option<String>,
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

/// A place a call can be sent to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Route {
    Dial(Arc<Dial>),
    Hangup,
    Queue(Arc<str>),
    Menu(Arc<str>),
    SmartRouter(Arc<str>),
    GeoRouter(Arc<str>),
    VirtualAgent(Arc<str>),
    Voicemail(Arc<str>),
    Agent(Arc<str>),
}

/// "Dial receiving numbers". Numbers are named, so that routes may go round in a circle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dial {
    pub order: Order,
    /// Names of receiving numbers in the directory, in list order.
    pub numbers: Vec<Arc<str>>,
    /// For [`Order::Stages`]: when each group of numbers joins, without re-ringing the earlier.
    pub stages: Vec<Stage>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    pub after: Duration,
    pub numbers: Vec<Arc<str>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    #[default]
    Simultaneous,
    Sequence,
    RoundRobin,
    LeastConnected,
    Weighted,
    Stages,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrackingNumber {
    /// E.164 (`+15550100001`).
    pub number: Arc<str>,
    pub label: String,
    pub source: String,
    pub route: Option<Route>,
    pub settings: Arc<CallSettings>,
    /// A receiving number dialled when following the route fails inside us.
    pub fail_safe: Option<Arc<str>>,
    pub tags: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallSettings {
    pub id: Arc<str>,
    pub record: bool,
    pub recording_notice: Option<Prompt>,
    pub greeting: Option<Prompt>,
    pub whisper: Whisper,
    pub caller_id: CallerId,
    pub block_list: BlockList,
    pub ringback: RingbackBy,
    pub max_duration: Duration,
    pub early_media: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RingbackBy {
    Tone(Ringback),
    Music(Prompt),
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockList {
    /// E.164 numbers, exact.
    pub numbers: Vec<String>,
    pub prefixes: Vec<String>,
    pub anonymous: bool,
}

/// Opening hours. Filled in with the schedule file of this room.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    pub id: Arc<str>,
}
