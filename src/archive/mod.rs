//! What becomes of a recording once its call is over: it is summed, sealed, taken to the object
//! storage, kept for its time, and deleted.
//!
//! ```text
//!   Local -- seal --> Local, encrypted -- upload, verify --> Uploaded (the local copy goes)
//!     |                    |                                     |
//!     +--------------------+------- its time is up, or somebody says so, and nobody holds it
//!                                                                v
//!                                    leaving (nobody gets it any more) -- erase --> Deleted
//! ```
//! [`next`] says what is to be done with one recording now, from its row, what its folder has of
//! it, and who works; [`done`] and [`failed`] what its row says then. The row is written after the
//! deed, and each deed can be done again: whenever the power goes, what is next is found anew.
//! A copy goes only when a row says that the next one is whole; into which storage it goes is in the
//! row before anything of it is there, and holds whatever the configuration says later. What fails is
//! tried again, later and later and for ever; what is full or away for all ([`Gate`]) holds up its
//! own kind of work alone. By a clock that leapt ([`Calendar`]) nothing is deleted for a while.
//! Files, ciphers and networks are the shell's.

mod calendar;
mod gate;
mod next;

use std::sync::Arc;

pub use self::calendar::Calendar;
pub use self::gate::{Gate, Gates};
pub use self::next::{Found, Next, Plan, Seen, Step, done, failed, idle, next, rests};
use crate::clock::Wall;

/// What is added to the name of a file that is sealed.
pub const SEALED: &str = ".age";
/// When a row is due that nothing is to be done with.
pub const NEVER: Wall = Wall::from_unix_micros(i64::MAX);

/// A recording, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecording {
    /// As the call record has it.
    pub file: Arc<str>,
    pub call: Arc<str>,
    pub tracking_number: Arc<str>,
    /// The edge in whose folder it is, or was.
    pub node: Arc<str>,
    pub started_at: Wall,
    pub length_ms: u64,
    pub state: RecordingState,
    /// 0 while not known.
    pub bytes: u64,
    pub encrypted: bool,
    /// The object storage that it is in, or may be; empty if it never went to any (or nobody
    /// wrote it down).
    pub place: Arc<str>,
    /// The SHA-256 of the plain file, in hexadecimal digits; empty while nobody has read it.
    pub sum: Arc<str>,
    /// `None`: for ever.
    pub keep_until: Option<Wall>,
    /// It is not deleted, whatever the time.
    pub held: bool,
    /// Who decided that it is deleted. From then on nobody gets it, and nothing brings it back.
    pub leaving: Option<Arc<str>>,
    /// Failures of what is done with it now, the last one, and when it is looked at again.
    pub attempts: u32,
    pub why: Arc<str>,
    pub due: Wall,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordingState {
    Local,
    Uploaded,
    Deleted,
}

impl StoredRecording {
    /// A recording whose call has just ended.
    pub fn new(file: &Arc<str>, call: &Arc<str>, node: &str, started_at: Wall) -> Self {
        Self {
            file: file.clone(),
            call: call.clone(),
            tracking_number: Arc::default(),
            node: node.into(),
            started_at,
            length_ms: 0,
            state: RecordingState::Local,
            bytes: 0,
            encrypted: false,
            place: Arc::default(),
            sum: Arc::default(),
            keep_until: None,
            held: false,
            leaving: None,
            attempts: 0,
            why: Arc::default(),
            due: started_at,
        }
    }

    /// Nobody gets it any more.
    pub fn is_gone(&self) -> bool {
        self.state == RecordingState::Deleted || self.leaving.is_some()
    }

    /// What it is called in its folder and in the object storage.
    pub fn kept_as(&self) -> String {
        match self.encrypted {
            true => format!("{}{SEALED}", self.file),
            false => self.file.to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
