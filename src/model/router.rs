//! Smart routers and geo routers (PRODUCT section 8): where a call goes, by what is known of it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Prompt, Route, Schedule};

/// Rules in order; the first whose conditions all hold says where the call goes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SmartRouter {
    pub id: Arc<str>,
    pub rules: Vec<Rule>,
    /// Where it goes when no rule holds.
    pub otherwise: Route,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// For people, and for the call's path.
    pub name: String,
    /// All of them must hold; a rule without conditions always holds.
    pub conditions: Vec<Condition>,
    pub route: Route,
}

/// Something that is so of a call, or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Condition {
    /// The caller's number is one of these.
    CallerIn(Vec<String>),
    /// The caller's number begins with one of these.
    CallerPrefix(Vec<String>),
    /// The caller withholds its number.
    Anonymous,
    /// The caller has called this account before, within this time.
    RepeatCaller {
        within: Duration,
    },
    /// E.164.
    TrackingNumber(Vec<Arc<str>>),
    /// The tracking number's source.
    Source(Vec<String>),
    /// The call has one of these tags.
    Tag(Vec<String>),
    /// A schedule is open now.
    Open(Arc<Schedule>),
    /// It is within hours of the week: a schedule of the rule's own, named as it was written.
    Hours(Arc<Schedule>),
    /// It is one of these dates, which are open all day in a schedule of the rule's own.
    Date(Arc<Schedule>),
    /// The caller's area code (North America: the three digits after `+1`).
    AreaCode(Vec<String>),
    /// The caller's state, by its area code: `NY`.
    State(Vec<String>),
    /// A header field of the caller's INVITE.
    Header {
        name: String,
        text: HeaderText,
    },
    /// So many of a hundred calls, drawn anew for each condition and call.
    Percent(u8),
    /// How things are in a queue.
    Queue {
        id: Arc<str>,
        state: QueueState,
    },
    Not(Box<Condition>),
}

impl Condition {
    /// How long a caller is remembered: the longest that [`Condition::RepeatCaller`] may ask for.
    pub const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3600);
}

/// What a header's line says, whatever the case of its letters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HeaderText {
    /// The header is there, whatever it says.
    Any,
    Is(String),
    Begins(String),
    Contains(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum QueueState {
    /// At least so many callers wait.
    Waiting(u32),
    /// At least so many members could take a call now.
    Free(u32),
    /// Somebody has waited for at least so long.
    LongestWait(Duration),
}

/// The caller's ZIP code leads to a receiving number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GeoRouter {
    pub id: Arc<str>,
    /// Asks for the ZIP code; without it nobody is asked.
    pub prompt: Option<Prompt>,
    /// Said when it was no ZIP code.
    pub invalid: Option<Prompt>,
    /// How long the next key is waited for.
    pub timeout: Duration,
    /// How often the caller is asked again.
    pub repeats: u8,
    /// Whether the area code is taken as a hint for a caller who types none.
    pub area_code: bool,
    /// A whole ZIP code or its first digits, and where they lead. The longest that fits stands.
    pub zips: Vec<(String, Route)>,
    /// Places by their ZIP code, and where the callers nearest to them go.
    pub places: Vec<(String, Route)>,
    /// The farthest that "nearest" may be.
    pub max_miles: Option<u32>,
    /// Where the call goes without a ZIP code, or with one that leads nowhere.
    pub otherwise: Route,
}

impl GeoRouter {
    pub const TIMEOUT: Duration = Duration::from_secs(5);

    /// A router with every setting at its default.
    pub fn new(id: &str) -> Self {
        Self {
            id: id.into(),
            prompt: None,
            invalid: None,
            timeout: Self::TIMEOUT,
            repeats: 2,
            area_code: true,
            zips: Vec::new(),
            places: Vec::new(),
            max_miles: None,
            otherwise: Route::Hangup,
        }
    }
}
