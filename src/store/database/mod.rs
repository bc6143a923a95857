//! Everything that is kept and found again: the directory, people, call records, events, the
//! outbox of webhooks, recordings, the audit log.
//!
//! [`Store`] is what the rest of the program sees. There is one implementation of what it means
//! (`open::Database`, and `directory`, `people`, `records`, `search`, `counts`, `statistics`, `outbox`, ..), written
//! once in SQL that both databases understand, over a small [`sql::Driver`]: SQLite by default,
//! PostgreSQL where several edges share one. One conformance test holds both to the same.
//!
//! No call waits for any of this. Records come from the journal's files ([`ingest`]), with the
//! place up to which they were read kept in the same transaction; the directory is read once and
//! held in memory. A database that is absent, locked or full is tried again: every operation says
//! [`StoreError::Unavailable`] or [`StoreError::Busy`] meanwhile, and nothing is lost.

mod counts;
mod directory;
mod indexes;
mod ingest;
mod open;
mod outbox;
mod people;
mod postgres;
mod recordings;
mod records;
mod search;
mod sql;
mod sqlite;
mod statistics;
mod types;

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

pub use self::ingest::{Follower, Progress, Wanted};
pub use self::open::{Settings, open, open_at};
pub use self::search::Pace;
pub use self::types::{
    ApiKey, AuditEntry, AuditSearch, Author, Batch, By, Cursor, Document, Edit, Expected, Figure,
    Figures, KeptFact, LIMIT, Mark, Page, Position, RecordingCounts, RecordingSearch, Records,
    Search, Session, Statistics, StoreError, User,
};
use crate::archive::Plan;
pub use crate::archive::{RecordingState, StoredRecording};
use crate::clock::Wall;
use crate::model::event::Fact;
use crate::model::record::CallRecord;
use crate::outbox::{Count, Delivery, Settled, State};

/// What a question to the store will be answered with.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Where everything is kept. To be used from one asynchronous runtime: connections belong to it.
pub trait Store: Send + Sync {
    /// All documents, by kind, each kind in the order in which its documents were created.
    fn documents(&self) -> Later<'_, Vec<Document>>;

    /// Makes all of these edits, or none. What was written is given back, deleted ones left out;
    /// each edit is in the audit log in the same transaction, with the names of the keys that
    /// changed but no value, which may be a secret. An edit that changes nothing is left out.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] with the first document that is not as expected.
    fn change<'a>(
        &'a self,
        edits: &'a [Edit],
        author: Author<'a>,
        at: Wall,
    ) -> Later<'a, Vec<Document>>;

    /// How often documents were changed, by whomever: another count, another directory.
    fn changes(&self) -> Later<'_, i64>;

    /// Users by name.
    fn users(&self) -> Later<'_, Vec<User>>;

    fn user<'a>(&'a self, name: &'a str) -> Later<'a, Option<User>>;

    /// Creates or replaces a user; `revision` of what is given is not looked at, the one that is
    /// kept is given back.
    fn put_user<'a>(
        &'a self,
        user: &'a User,
        expected: Expected,
        audit: &'a AuditEntry,
    ) -> Later<'a, User>;

    /// Deletes a user with all sessions and keys; `false` if there is none.
    fn delete_user<'a>(&'a self, name: &'a str, audit: &'a AuditEntry) -> Later<'a, bool>;

    /// API keys in the order in which they were made.
    fn keys(&self) -> Later<'_, Vec<ApiKey>>;

    fn key_by_hash<'a>(&'a self, hash: &'a str) -> Later<'a, Option<ApiKey>>;

    /// Creates a key.
    fn put_key<'a>(&'a self, key: &'a ApiKey, audit: &'a AuditEntry) -> Later<'a, ()>;

    /// Notes that a key was used; not more often than each minute, so it can be called each time.
    fn key_used<'a>(&'a self, id: &'a str, at: Wall) -> Later<'a, ()>;

    fn delete_key<'a>(&'a self, id: &'a str, audit: &'a AuditEntry) -> Later<'a, bool>;

    /// Keeps a session, and forgets those that expired before `created_at` of this one.
    fn put_session<'a>(&'a self, session: &'a Session) -> Later<'a, ()>;

    /// The session with this hash of its token, unless it has expired at `now`.
    fn session<'a>(&'a self, hash: &'a str, now: Wall) -> Later<'a, Option<Session>>;

    fn end_session<'a>(&'a self, hash: &'a str) -> Later<'a, bool>;

    /// Ends all sessions of a user but the one with the hash `except`; how many there were.
    fn end_sessions_of<'a>(&'a self, user: &'a str, except: Option<&'a str>) -> Later<'a, u64>;

    /// The audit log, newest first.
    fn audit<'a>(&'a self, search: &'a AuditSearch) -> Later<'a, Vec<AuditEntry>>;

    /// Forgets entries that were made before `before`, at most `limit` at a time; how many there
    /// were.
    fn forget_audit(&self, before: Wall, limit: u32) -> Later<'_, u64>;

    fn note_audit<'a>(&'a self, entry: &'a AuditEntry) -> Later<'a, ()>;

    /// A value that the program keeps for itself: keys of signed links and the like.
    fn setting<'a>(&'a self, key: &'a str) -> Later<'a, Option<String>>;

    /// Keeps `value` unless there is one already; what is kept now is given back.
    fn settle_setting<'a>(&'a self, key: &'a str, value: &'a str) -> Later<'a, String>;

    /// How far the journal of the edge called `node` has been read.
    fn position<'a>(&'a self, node: &'a str) -> Later<'a, Option<Position>>;

    /// Takes in a part of a journal: all of it, or nothing. Doing so twice is the same as once:
    /// of two records with one id the later line counts, a fact is kept once, and deliveries are
    /// queued only with facts that are new.
    fn ingest<'a>(&'a self, batch: &'a Batch) -> Later<'a, ()>;

    /// Calls of an edge that are said to be in progress and came before `before`, at most
    /// [`LIMIT`] of them.
    fn open_records<'a>(&'a self, node: &'a str, before: Wall) -> Later<'a, Vec<CallRecord>>;

    /// Calls, newest first.
    fn records<'a>(&'a self, search: &'a Search, page: &'a Page) -> Later<'a, Records>;

    fn record<'a>(&'a self, id: &'a str) -> Later<'a, Option<CallRecord>>;

    /// What happened in a call, in order.
    fn facts<'a>(&'a self, call: &'a str) -> Later<'a, Vec<Fact>>;

    /// What happened in all calls after `place` (0: from the beginning), in the order in which it
    /// was taken in. At most `limit` of them, 1 to [`LIMIT`].
    fn facts_after(&self, place: i64, limit: u32) -> Later<'_, Vec<KeptFact>>;

    /// The place of a fact, for [`Store::facts_after`].
    fn place_of<'a>(&'a self, call: &'a str, seq: u32) -> Later<'a, Option<i64>>;

    /// The place of the last fact; 0 if there is none.
    fn last_place(&self) -> Later<'_, i64>;

    /// Calls that came in a time and are over, counted.
    fn statistics<'a>(&'a self, ask: &'a Statistics) -> Later<'a, Figures>;

    /// Makes quick what was there before this version: counts some of the calls that were not
    /// counted as they are now, or makes an index; false once nothing is left to do. Everything is
    /// right all the time, and some of it slow until this has ended.
    fn improve(&self) -> Later<'_, bool>;

    /// Deliveries in one state with an id greater than `after`, by id; at most `limit`, 1 to
    /// [`LIMIT`]. Those of one webhook, or of all.
    fn deliveries<'a>(
        &'a self,
        webhook: Option<&'a str>,
        state: State,
        after: i64,
        limit: u32,
    ) -> Later<'a, Vec<Delivery>>;

    /// Says what became of deliveries, all in one transaction. Ids that are gone are no error.
    fn settle<'a>(&'a self, settled: &'a [(i64, Settled)]) -> Later<'a, ()>;

    /// How many deliveries each webhook that has any has in the store.
    fn delivery_counts(&self) -> Later<'_, Vec<Count>>;

    /// A delivery that was given up waits again, as if queued at `due` and never tried; `false` if
    /// there is none.
    fn revive(&self, id: i64, due: Wall) -> Later<'_, bool>;

    fn recording<'a>(&'a self, file: &'a str) -> Later<'a, Option<StoredRecording>>;

    /// Recordings, the earliest first.
    fn recordings<'a>(&'a self, search: &'a RecordingSearch) -> Later<'a, Vec<StoredRecording>>;

    /// Changes what is known of a recording (or adds it), with an entry in the audit log if one is
    /// given: deletions are.
    fn put_recording<'a>(
        &'a self,
        recording: &'a StoredRecording,
        audit: Option<&'a AuditEntry>,
    ) -> Later<'a, ()>;

    /// Adds a recording that nobody knows; what is known of it now.
    fn add_recording<'a>(&'a self, recording: &'a StoredRecording) -> Later<'a, StoredRecording>;

    /// Writes what became of a recording, unless somebody else has changed it since it was read
    /// as `was`: `false` then, and nothing is written. What its call's record says of it is not
    /// touched.
    fn settle_recording<'a>(
        &'a self,
        was: &'a StoredRecording,
        is: &'a StoredRecording,
        audit: Option<&'a AuditEntry>,
    ) -> Later<'a, bool>;

    /// Recordings of an edge that something may be to be done with, the most urgent first; at
    /// most `limit`, 1 to [`LIMIT`].
    fn due_recordings<'a>(
        &'a self,
        node: &'a str,
        now: Wall,
        limit: u32,
    ) -> Later<'a, Vec<StoredRecording>>;

    /// Says when recordings are to be looked at again, unless somebody has changed them since they
    /// were read.
    fn put_off_recordings<'a>(&'a self, them: &'a [(StoredRecording, Wall)]) -> Later<'a, ()>;

    /// Recordings of an edge that are not where they should be by this plan, or that wait for
    /// something, are to be looked at; how many there are.
    fn wake_recordings<'a>(&'a self, node: &'a str, plan: Plan, now: Wall) -> Later<'a, u64>;

    fn recording_counts<'a>(&'a self, node: &'a str, now: Wall) -> Later<'a, RecordingCounts>;

    /// How many recordings wait for another edge, since before then, by its name.
    fn untended_recordings<'a>(
        &'a self,
        node: &'a str,
        before: Wall,
    ) -> Later<'a, BTreeMap<String, u64>>;

    /// Those of these files that are known, and not deleted; at most [`LIMIT`] are asked for.
    fn known_recordings<'a>(&'a self, files: &'a [String]) -> Later<'a, Vec<String>>;

    /// Forgets facts that happened before `before`, at most `limit` at a time; how many there were.
    /// With them go deliveries that were laid aside before, and such that nobody takes.
    fn forget_facts(&self, before: Wall, limit: u32) -> Later<'_, u64>;

    /// Writes a whole, consistent copy to a new file while everything goes on.
    ///
    /// # Errors
    /// [`StoreError::Refused`] if the file is there already, or the database is none that is
    /// copied this way (PostgreSQL has tools of its own).
    fn backup<'a>(&'a self, to: &'a Path) -> Later<'a, ()>;

    /// Whether the database can be read and is sound as far as a quick look shows.
    fn check(&self) -> Later<'_, ()>;
}

/// A store that many hold.
pub type Shared = Arc<dyn Store>;

#[cfg(test)]
pub(crate) mod tests;
