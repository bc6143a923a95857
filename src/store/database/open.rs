//! The store over a driver: tables are made on first use, and what is asked goes to its room.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::OnceCell;

use super::sql::{Driver, Transaction};
use super::{
    ApiKey, AuditEntry, AuditSearch, Author, Batch, Document, Edit, Expected, Figures, KeptFact,
    Later, Pace, Page, Position, RecordingCounts, RecordingSearch, Records, Search, Session,
    Statistics, Store, StoreError, StoredRecording, User, counts, directory, indexes, outbox,
    people, postgres, recordings, records, search, sql, sqlite, statistics,
};
use crate::archive::Plan;
use crate::clock::Wall;
use crate::model::event::Fact;
use crate::model::record::CallRecord;
use crate::outbox::{Count, Delivery, Settled, State};

/// Which database.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `postgres://..`; `None` stands for SQLite.
    pub url: Option<String>,
    /// The file of SQLite.
    pub file: PathBuf,
}

/// The database that is asked for. It is not waited for: whether it is there, the first question
/// shows.
///
/// # Errors
/// [`StoreError::Refused`] for an address that is none.
pub fn open(settings: &Settings) -> Result<Arc<dyn Store>, StoreError> {
    open_at(settings, Pace::USUAL)
}

/// The same, whose searches go at another pace.
///
/// # Errors
/// As [`open`].
pub fn open_at(settings: &Settings, pace: Pace) -> Result<Arc<dyn Store>, StoreError> {
    let driver: Box<dyn Driver> = match &settings.url {
        None => Box::new(sqlite::File::new(&settings.file)),
        Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
            Box::new(postgres::Server::new(url)?)
        }
        Some(_) => {
            return Err(StoreError::Refused(
                "a database is written postgres://USER:PASSWORD@HOST/NAME".to_owned(),
            ));
        }
    };
    Ok(Arc::new(Database { driver, pace, ready: OnceCell::new() }))
}

struct Database {
    driver: Box<dyn Driver>,
    pace: Pace,
    /// Set once the tables have their form.
    ready: OnceCell<()>,
}

impl Database {
    async fn ready(&self) -> Result<(), StoreError> {
        self.ready.get_or_try_init(|| self.driver.migrate()).await.map(drop)
    }

    async fn reader(&self) -> Result<Box<dyn sql::Session>, StoreError> {
        self.ready().await?;
        self.driver.reader().await
    }

    async fn writer(&self) -> Result<Box<dyn Transaction>, StoreError> {
        self.ready().await?;
        self.driver.writer().await
    }
}

/// Answers with what is read by a connection.
macro_rules! read {
    ($store:ident, $session:ident => $asked:expr) => {
        Box::pin(async move {
            let mut connection = $store.reader().await?;
            let $session = connection.as_mut();
            $asked.await
        })
    };
}

/// Answers with what is done in a transaction: all of it, or nothing.
macro_rules! write {
    ($store:ident, $session:ident => $asked:expr) => {
        Box::pin(async move {
            let mut transaction = $store.writer().await?;
            let $session: &mut dyn sql::Session = transaction.as_mut();
            let done = $asked.await;
            match &done {
                Ok(_) => transaction.commit().await?,
                // What went wrong with the work says more.
                Err(_) => drop(transaction.undo().await),
            }
            done
        })
    };
}

impl Store for Database {
    fn documents(&self) -> Later<'_, Vec<Document>> {
        read!(self, it => directory::documents(it))
    }

    fn change<'a>(
        &'a self,
        edits: &'a [Edit],
        author: Author<'a>,
        at: Wall,
    ) -> Later<'a, Vec<Document>> {
        write!(self, it => directory::change(it, edits, author, at))
    }

    fn changes(&self) -> Later<'_, i64> {
        read!(self, it => directory::changes(it))
    }

    fn users(&self) -> Later<'_, Vec<User>> {
        read!(self, it => people::users(it))
    }

    fn user<'a>(&'a self, name: &'a str) -> Later<'a, Option<User>> {
        read!(self, it => people::user(it, name))
    }

    fn put_user<'a>(
        &'a self,
        user: &'a User,
        expected: Expected,
        audit: &'a AuditEntry,
    ) -> Later<'a, User> {
        write!(self, it => people::put_user(it, user, expected, audit))
    }

    fn delete_user<'a>(&'a self, name: &'a str, audit: &'a AuditEntry) -> Later<'a, bool> {
        write!(self, it => people::delete_user(it, name, audit))
    }

    fn keys(&self) -> Later<'_, Vec<ApiKey>> {
        read!(self, it => people::keys(it))
    }

    fn key_by_hash<'a>(&'a self, hash: &'a str) -> Later<'a, Option<ApiKey>> {
        read!(self, it => people::key_by_hash(it, hash))
    }

    fn put_key<'a>(&'a self, key: &'a ApiKey, audit: &'a AuditEntry) -> Later<'a, ()> {
        write!(self, it => people::put_key(it, key, audit))
    }

    fn key_used<'a>(&'a self, id: &'a str, at: Wall) -> Later<'a, ()> {
        Box::pin(async move {
            // Most of the time there is nothing to write, and nobody to wait for.
            if people::was_used(self.reader().await?.as_mut(), id, at).await? {
                return Ok(());
            }
            let mut transaction = self.writer().await?;
            people::key_used(transaction.as_mut(), id, at).await?;
            transaction.commit().await
        })
    }

    fn delete_key<'a>(&'a self, id: &'a str, audit: &'a AuditEntry) -> Later<'a, bool> {
        write!(self, it => people::delete_key(it, id, audit))
    }

    fn put_session<'a>(&'a self, session: &'a Session) -> Later<'a, ()> {
        write!(self, it => people::put_session(it, session))
    }

    fn session<'a>(&'a self, hash: &'a str, now: Wall) -> Later<'a, Option<Session>> {
        read!(self, it => people::session(it, hash, now))
    }

    fn end_session<'a>(&'a self, hash: &'a str) -> Later<'a, bool> {
        write!(self, it => people::end_session(it, hash))
    }

    fn end_sessions_of<'a>(&'a self, user: &'a str, except: Option<&'a str>) -> Later<'a, u64> {
        write!(self, it => people::end_sessions_of(it, user, except))
    }

    fn audit<'a>(&'a self, search: &'a AuditSearch) -> Later<'a, Vec<AuditEntry>> {
        read!(self, it => people::audit(it, search))
    }

    fn forget_audit(&self, before: Wall, limit: u32) -> Later<'_, u64> {
        write!(self, it => people::forget_audit(it, before, limit))
    }

    fn note_audit<'a>(&'a self, entry: &'a AuditEntry) -> Later<'a, ()> {
        write!(self, it => people::note_audit(it, entry))
    }

    fn setting<'a>(&'a self, key: &'a str) -> Later<'a, Option<String>> {
        read!(self, it => people::setting(it, key))
    }

    fn settle_setting<'a>(&'a self, key: &'a str, value: &'a str) -> Later<'a, String> {
        write!(self, it => people::settle_setting(it, key, value))
    }

    fn position<'a>(&'a self, node: &'a str) -> Later<'a, Option<Position>> {
        read!(self, it => records::position(it, node))
    }

    fn ingest<'a>(&'a self, batch: &'a Batch) -> Later<'a, ()> {
        write!(self, it => records::ingest(it, batch))
    }

    fn open_records<'a>(&'a self, node: &'a str, before: Wall) -> Later<'a, Vec<CallRecord>> {
        read!(self, it => records::open(it, node, before))
    }

    fn records<'a>(&'a self, asked: &'a Search, page: &'a Page) -> Later<'a, Records> {
        let driver = self.driver.as_ref();
        read!(self, it => search::records(it, driver, asked, page, self.pace))
    }

    fn record<'a>(&'a self, id: &'a str) -> Later<'a, Option<CallRecord>> {
        read!(self, it => records::record(it, id))
    }

    fn facts<'a>(&'a self, call: &'a str) -> Later<'a, Vec<Fact>> {
        read!(self, it => records::facts(it, call))
    }

    fn facts_after(&self, place: i64, limit: u32) -> Later<'_, Vec<KeptFact>> {
        read!(self, it => records::facts_after(it, place, limit))
    }

    fn place_of<'a>(&'a self, call: &'a str, seq: u32) -> Later<'a, Option<i64>> {
        read!(self, it => records::place_of(it, call, seq))
    }

    fn last_place(&self) -> Later<'_, i64> {
        read!(self, it => records::last_place(it))
    }

    fn statistics<'a>(&'a self, ask: &'a Statistics) -> Later<'a, Figures> {
        read!(self, it => statistics::figures(it, ask))
    }

    fn improve(&self) -> Later<'_, bool> {
        Box::pin(async move {
            let counted: Later<'_, bool> = write!(self, it => counts::count_more(it));
            if counted.await? {
                return Ok(true);
            }
            let made = indexes::made(self.reader().await?.as_mut()).await?;
            let Some(statements) = indexes::next(made) else { return Ok(false) };
            self.driver.rebuild(&statements).await?;
            let noted: Later<'_, ()> = write!(self, it => indexes::note(it, made + 1));
            noted.await?;
            Ok(true)
        })
    }

    fn deliveries<'a>(
        &'a self,
        webhook: Option<&'a str>,
        state: State,
        after: i64,
        limit: u32,
    ) -> Later<'a, Vec<Delivery>> {
        read!(self, it => outbox::deliveries(it, webhook, state, after, limit))
    }

    fn settle<'a>(&'a self, settled: &'a [(i64, Settled)]) -> Later<'a, ()> {
        write!(self, it => outbox::settle(it, settled))
    }

    fn delivery_counts(&self) -> Later<'_, Vec<Count>> {
        read!(self, it => outbox::counts(it))
    }

    fn revive(&self, id: i64, due: Wall) -> Later<'_, bool> {
        write!(self, it => outbox::revive(it, id, due))
    }

    fn recording<'a>(&'a self, file: &'a str) -> Later<'a, Option<StoredRecording>> {
        read!(self, it => recordings::recording(it, file))
    }

    fn recordings<'a>(&'a self, search: &'a RecordingSearch) -> Later<'a, Vec<StoredRecording>> {
        read!(self, it => recordings::recordings(it, search))
    }

    fn put_recording<'a>(
        &'a self,
        recording: &'a StoredRecording,
        audit: Option<&'a AuditEntry>,
    ) -> Later<'a, ()> {
        write!(self, it => recordings::put(it, recording, audit))
    }

    fn settle_recording<'a>(
        &'a self,
        was: &'a StoredRecording,
        is: &'a StoredRecording,
        audit: Option<&'a AuditEntry>,
    ) -> Later<'a, bool> {
        write!(self, it => recordings::settle(it, was, is, audit))
    }

    fn due_recordings<'a>(
        &'a self,
        node: &'a str,
        now: Wall,
        limit: u32,
    ) -> Later<'a, Vec<StoredRecording>> {
        read!(self, it => recordings::due(it, node, now, limit))
    }

    fn put_off_recordings<'a>(&'a self, them: &'a [(StoredRecording, Wall)]) -> Later<'a, ()> {
        write!(self, it => recordings::put_off(it, them))
    }

    fn add_recording<'a>(&'a self, recording: &'a StoredRecording) -> Later<'a, StoredRecording> {
        write!(self, it => recordings::add(it, recording))
    }

    fn untended_recordings<'a>(
        &'a self,
        node: &'a str,
        before: Wall,
    ) -> Later<'a, BTreeMap<String, u64>> {
        read!(self, it => recordings::untended(it, node, before))
    }

    fn wake_recordings<'a>(&'a self, node: &'a str, plan: Plan, now: Wall) -> Later<'a, u64> {
        write!(self, it => recordings::wake(it, node, plan, now))
    }

    fn recording_counts<'a>(&'a self, node: &'a str, now: Wall) -> Later<'a, RecordingCounts> {
        read!(self, it => recordings::counts(it, node, now))
    }

    fn known_recordings<'a>(&'a self, files: &'a [String]) -> Later<'a, Vec<String>> {
        read!(self, it => recordings::known(it, files))
    }

    fn forget_facts(&self, before: Wall, limit: u32) -> Later<'_, u64> {
        write!(self, it => records::forget_facts(it, before, limit))
    }

    fn backup<'a>(&'a self, to: &'a Path) -> Later<'a, ()> {
        Box::pin(async move {
            self.ready().await?;
            self.driver.backup(to).await
        })
    }

    fn check(&self) -> Later<'_, ()> {
        Box::pin(async move {
            self.ready().await?;
            self.driver.check().await
        })
    }
}
