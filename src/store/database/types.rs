//! What goes into the store and comes out of it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::archive::RecordingState;
use crate::clock::Wall;
use crate::model::event::Fact;
use crate::model::record::{CallRecord, Direction};
use crate::outbox::New;

/// The most that one question is answered with.
pub const LIMIT: u32 = 1000;

/// Why something cannot be kept or found.
#[derive(Clone, Debug, PartialEq)]
pub enum StoreError {
    /// Somebody else changed it: as it is now, `None` if it is gone.
    Conflict { kind: String, name: String, now: Option<Box<Document>> },
    /// What is asked for is beyond a limit, or cannot be done.
    Refused(String),
    /// Somebody holds a lock for too long.
    Busy,
    /// The disk is full.
    Full,
    /// The database is not there, or does not answer.
    Unavailable(String),
    /// What is in the database makes no sense: damaged, or written by a newer version.
    Broken(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict { kind, name, now: Some(now) } => {
                write!(f, "{kind} {name:?} was changed by {:?} meanwhile", now.changed_by)
            }
            Self::Conflict { kind, name, now: None } => write!(f, "there is no {kind} {name:?}"),
            Self::Refused(why) => f.write_str(why),
            Self::Busy => f.write_str("the database is locked by somebody else"),
            Self::Full => f.write_str("the disk of the database is full"),
            Self::Unavailable(why) => write!(f, "the database cannot be reached: {why}"),
            Self::Broken(why) => write!(f, "the database is broken: {why}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// A noun of the directory: a JSON object with the keys of its TOML table.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub kind: String,
    pub name: String,
    /// Counts from 1; another one with each change.
    pub revision: i64,
    pub body: Value,
    pub changed_at: Wall,
    pub changed_by: String,
}

/// A change of one document.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    pub kind: String,
    pub name: String,
    pub expected: Expected,
    /// `None` deletes.
    pub body: Option<Value>,
}

/// What must be there for a change to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Absent,
    Revision(i64),
    Any,
}

/// Who makes a change, and where it comes from: as [`AuditEntry`] has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Author<'a> {
    pub by: &'a str,
    pub source: &'a str,
}

/// From nowhere else: the program itself, or its command line.
impl<'a> From<&'a str> for Author<'a> {
    fn from(by: &'a str) -> Self {
        Self { by, source: "" }
    }
}

/// Somebody who may use the API and the console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub role: String,
    /// The agent that this user is.
    pub agent: Option<String>,
    /// A hash; empty: nobody can log in by password.
    pub password: String,
    pub created_at: Wall,
    pub changed_at: Wall,
    /// As with documents.
    pub revision: i64,
}

/// A key for programs. The key itself is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    pub id: String,
    pub name: String,
    pub role: String,
    /// Whose it is; it goes with this user.
    pub user: String,
    pub hash: String,
    pub created_at: Wall,
    pub expires_at: Option<Wall>,
    pub used_at: Option<Wall>,
}

/// A user who has logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Of the token in the cookie, which is not kept.
    pub hash: String,
    pub user: String,
    pub csrf: String,
    pub created_at: Wall,
    pub expires_at: Wall,
}

/// Something that somebody did.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// Ascending; given by the store.
    pub id: i64,
    pub at: Wall,
    /// A user, `key:NAME`, or `crosspoint` itself.
    pub by: String,
    /// Where it came from, such as an IP address; empty if from nowhere else.
    pub source: String,
    /// `created`, `changed`, `deleted`, `login`, `login_refused`, ..
    pub what: String,
    /// What it was done to: `receiving_number/sales`, `user/ada`, ..
    pub subject: String,
    pub detail: Value,
}

/// Which entries of the audit log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditSearch {
    pub by: Option<String>,
    pub subject: Option<String>,
    /// Only those with a smaller id: the last one of the page before.
    pub before: Option<i64>,
    /// 1 to [`LIMIT`]; 0 stands for [`Page::DEFAULT`].
    pub limit: u32,
}

/// A part of a journal.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// In the order of their lines.
    pub records: Vec<CallRecord>,
    pub facts: Vec<Fact>,
    /// Each is queued if its fact is in this batch and new.
    pub deliveries: Vec<New>,
    /// Up to where the journal is read with this.
    pub position: Position,
}

/// How far the journal of one edge is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The edge, where several share a database.
    pub node: String,
    pub calls: Option<Mark>,
    pub events: Option<Mark>,
    /// What happened before is news to no webhook: it was there when the database was new.
    pub quiet_before: Wall,
}

/// A place in a row of files that may be renamed and copied: known by what stands in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Hash of the first line of the file.
    pub file: String,
    /// Bytes that are read.
    pub offset: u64,
    /// Hash of what stands before.
    pub last: String,
}

/// Which calls.
///
/// Numbers are whole (`+12025550100`), their beginning (`+1202*`) or their end (`*0100`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// The caller, the tracking number, or one of the destinations.
    pub number: Option<String>,
    pub caller: Option<String>,
    pub tracking_number: Option<String>,
    pub destination: Option<String>,
    /// Received at this moment or later.
    pub from: Option<Wall>,
    /// Received before this moment.
    pub to: Option<Wall>,
    pub source: Option<String>,
    pub tag: Option<String>,
    /// `answered`, `voicemail`, `abandoned`, `busy`, `declined`, `no_answer`, `invalid_number`,
    /// `failed`, `interrupted`, `in_progress`: see [`CallRecord::outcome`].
    pub outcome: Option<String>,
    pub agent: Option<String>,
    pub source_tag: Option<String>,
    pub direction: Option<Direction>,
    pub has_recording: Option<bool>,
}

/// Which part of what was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// 1 to [`LIMIT`]; 0 stands for [`Page::DEFAULT`].
    pub limit: u32,
}

impl Page {
    pub const DEFAULT: u32 = 50;
}

/// A place in the list of all calls. Calls that come later do not move it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    pub(super) received_at: i64,
    pub(super) place: i64,
}

impl Cursor {
    pub fn received_at(self) -> Wall {
        Wall::from_unix_micros(self.received_at)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.received_at, self.place)
    }
}

impl FromStr for Cursor {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let parts = text.split_once('.').and_then(|(received_at, place)| {
            Some(Self { received_at: received_at.parse().ok()?, place: place.parse().ok()? })
        });
        parts.ok_or_else(|| StoreError::Refused("this is no place in a list of calls".into()))
    }
}

/// A page of calls.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Records {
    pub records: Vec<CallRecord>,
    /// Where the next page begins, if there may be one: a page that took its time ends early, and
    /// may have nothing in it.
    pub next: Option<Cursor>,
}

/// A fact, and its place among all facts.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptFact {
    pub place: i64,
    pub fact: Fact,
}

/// What to count.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// Received at this moment or later ..
    pub from: Wall,
    /// .. and before this one.
    pub to: Wall,
    pub by: By,
    /// Whose days. Those of a zone that is not a multiple of a quarter of an hour off are counted
    /// call by call, which takes long among many.
    pub zone: jiff::tz::TimeZone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Source,
    TrackingNumber,
    Agent,
    Outcome,
    Hour,
    Day,
}

/// Calls, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// By time for hours and days, else most calls first. Only what had calls is there.
    pub rows: Vec<Figure>,
    /// Of all calls; its key is empty.
    pub totals: Figure,
}

/// Calls that have something in common. Every call is answered, abandoned or missed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Figure {
    /// A name, an outcome; `2026-11-22T20:00Z`, `2026-11-22`. Empty: those that have none.
    pub key: String,
    pub calls: u64,
    /// Connected to somebody: a person or a virtual agent.
    pub answered: u64,
    /// The caller gave up before that.
    pub abandoned: u64,
    pub missed: u64,
    /// All together.
    pub talk_ms: u64,
    /// Time from their arrival to the connection, of those that were answered.
    pub ring_ms: u64,
    /// Time in queues, and how many calls had any.
    pub wait_ms: u64,
    pub waited: u64,
}

impl Figure {
    pub fn talk_ms_avg(&self) -> u64 {
        self.talk_ms.checked_div(self.answered).unwrap_or(0)
    }

    pub fn ring_ms_avg(&self) -> u64 {
        self.ring_ms.checked_div(self.answered).unwrap_or(0)
    }

    pub fn wait_ms_avg(&self) -> u64 {
        self.wait_ms.checked_div(self.waited).unwrap_or(0)
    }
}

/// Which recordings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordingSearch {
    pub state: Option<RecordingState>,
    pub call: Option<String>,
    pub tracking_number: Option<String>,
    pub held: Option<bool>,
    pub started_before: Option<Wall>,
    /// The last one of the page before: when it started, and its file.
    pub after: Option<(Wall, Arc<str>)>,
    /// 1 to [`LIMIT`]; 0 stands for [`Page::DEFAULT`].
    pub limit: u32,
}

/// How many recordings of one edge there are of each kind; [`MANY`](Self::MANY) stands for more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RecordingCounts {
    /// Those that something is to be done with now.
    pub waiting: u64,
    /// Those that something was tried with in vain.
    pub failing: u64,
    /// Those that nobody gets any more, and that are not deleted yet.
    pub leaving: u64,
    /// Those that are held.
    pub held: u64,
}

impl RecordingCounts {
    /// So many are counted.
    pub const MANY: u64 = 10_000;
}
