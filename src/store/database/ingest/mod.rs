//! From the journal's files into the store, a part at a time, for as long as the program runs.
//!
//! ```text
//!   call --> journal (lines on the disk) --> Follower --> store, with the place read up to
//! ```
//! No call waits for this. A store that is locked, full or gone is tried again, each second and
//! then less often; the journal keeps the lines meanwhile, [`Progress`] says how far behind the
//! store is. The place is kept in the same transaction as the lines, so nothing is lost or counted
//! twice; a line that is read again changes nothing.

mod lines;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tracing::{error, info, warn};

use self::lines::Part;
use super::{Batch, Position, Shared, StoreError};
use crate::clock::Wall;
use crate::model::event::Fact;
use crate::model::record::{CallRecord, Cause, RecordState};
use crate::outbox::New;

/// How often the files are looked at while nothing comes.
const IDLE: Duration = Duration::from_millis(200);
/// How long a store that failed is left alone, at first and at last.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// Events that are forgotten together: more than come in one batch.
const FORGET: u32 = 2_000;
/// How far the oldest that is kept may be behind.
const FORGET_EVERY: Duration = Duration::from_secs(60);
/// Rounds after which what could not be improved is tried again: some 10 seconds.
const ROUNDS: u32 = 50;
/// Lines of each file that are taken in together.
const TOGETHER: usize = 500;

/// Says which webhooks are to be told of a fact.
pub type Wanted = Arc<dyn Fn(&Fact) -> Vec<New> + Send + Sync>;

/// How far the store is behind the journal; for the health page and whoever waits for news.
#[derive(Debug, Default)]
pub struct Progress {
    bytes_behind: AtomicU64,
    failing: AtomicBool,
    taken: Notify,
}

impl Progress {
    /// Of the journal, not yet in the store.
    pub fn bytes_behind(&self) -> u64 {
        self.bytes_behind.load(Ordering::Relaxed)
    }

    /// Whether the store refuses what it should take in.
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Until something was taken in. Whoever asks later hears of what came before it asked.
    pub async fn news(&self) {
        self.taken.notified().await;
    }
}

/// Reads one journal into one store.
pub struct Follower {
    store: Shared,
    folder: PathBuf,
    node: String,
    started: Wall,
    wanted: Wanted,
    progress: Arc<Progress>,
    /// `None` until the store has told it, and whenever that is in doubt.
    position: Option<Position>,
    /// After a batch that makes no sense to the store: line by line, to find the one.
    careful: bool,
    /// Calls that a crash cut short are still to be looked for.
    mending: bool,
    /// What was there before this version is still to be made quick, after so many rounds.
    improving: Option<u32>,
    keep_events: Option<Duration>,
    /// Events before this have been forgotten.
    forgotten: Wall,
}

impl Follower {
    /// For the journal in `folder`, which belongs to the edge `node`, which started at `started`.
    pub fn new(store: Shared, folder: PathBuf, node: &str, started: Wall, wanted: Wanted) -> Self {
        Self {
            store,
            folder,
            node: node.to_owned(),
            started,
            wanted,
            progress: Arc::default(),
            position: None,
            careful: false,
            mending: true,
            improving: Some(0),
            keep_events: None,
            forgotten: Wall::default(),
        }
    }

    /// Forgets events that are older, counted from the newest; as many as are new at a time.
    pub fn keep_events(mut self, time: Option<Duration>) -> Self {
        self.keep_events = time;
        self
    }

    pub fn progress(&self) -> Arc<Progress> {
        self.progress.clone()
    }

    /// Follows the journal until it is dropped.
    pub async fn run(mut self) {
        let mut wait = FIRST_WAIT;
        loop {
            match self.step().await {
                Ok(more) => {
                    if self.progress.failing.swap(false, Ordering::Relaxed) {
                        info!("call records are taken into the database again");
                    }
                    wait = FIRST_WAIT;
                    self.improve().await;
                    if !more {
                        sleep(IDLE).await;
                    }
                }
                Err(error) => {
                    if !self.progress.failing.swap(true, Ordering::Relaxed) {
                        error!(%error, "call records wait in the journal: the database is behind");
                    }
                    metrics::counter!("crosspoint_store_errors_total").increment(1);
                    sleep(wait).await;
                    wait = (2 * wait).min(LONGEST_WAIT);
                }
            }
        }
    }

    /// Makes a part of the store quick. Nobody waits for it: what fails is tried again.
    async fn improve(&mut self) {
        self.improving = match self.improving {
            None => return,
            Some(rounds) if 0 < rounds => Some(rounds - 1),
            Some(_) => match self.store.improve().await {
                Ok(true) => Some(0),
                Ok(false) => None,
                Err(error) => {
                    warn!(%error, "what the database had before is not improved yet");
                    Some(ROUNDS)
                }
            },
        };
    }

    /// Takes in what there is now.
    pub async fn catch_up(&mut self) -> Result<(), StoreError> {
        while self.step().await? {}
        Ok(())
    }

    /// Takes in the next lines; `true` if there were any.
    async fn step(&mut self) -> Result<bool, StoreError> {
        let position = self.position().await?;
        let part = self.read(position).await?;
        self.progress.bytes_behind.store(part.behind, Ordering::Relaxed);
        metrics::gauge!("crosspoint_store_behind_bytes").set(part.behind as f64);
        if part.lines == 0 {
            if self.mending {
                self.mend().await?;
            }
            return Ok(false);
        }
        let batch = self.batch(part);
        if let Err(error) = self.store.ingest(&batch).await {
            return self.failed(batch, error).await;
        }
        self.careful = false;
        let newest = batch.facts.iter().map(|it| it.at).max();
        self.taken(batch.position);
        if let (Some(newest), Some(keep)) = (newest, self.keep_events) {
            self.forget(newest, keep).await?;
        }
        Ok(true)
    }

    /// Now and then, what is too old goes.
    async fn forget(&mut self, newest: Wall, keep: Duration) -> Result<(), StoreError> {
        let keep = i64::try_from(keep.as_micros()).unwrap_or(i64::MAX);
        let before = Wall::from_unix_micros(newest.unix_micros().saturating_sub(keep));
        if self.forgotten + FORGET_EVERY <= before
            && self.store.forget_facts(before, FORGET).await? < FORGET.into()
        {
            self.forgotten = before;
        }
        Ok(())
    }

    fn taken(&mut self, position: Position) {
        self.position = Some(position);
        self.progress.taken.notify_waiters();
        self.progress.taken.notify_one();
    }

    async fn position(&mut self) -> Result<Position, StoreError> {
        if let Some(position) = &self.position {
            return Ok(position.clone());
        }
        let kept = self.store.position(&self.node).await?;
        // What is in the journal of a store that is new is no news to a webhook.
        let position = kept.unwrap_or_else(|| Position {
            node: self.node.clone(),
            quiet_before: self.started,
            ..Position::default()
        });
        self.position = Some(position.clone());
        Ok(position)
    }

    /// Reads lines beside the tasks of this runtime: a disk may take its time.
    async fn read(&self, position: Position) -> Result<Part, StoreError> {
        let (folder, most) = (self.folder.clone(), if self.careful { 1 } else { TOGETHER });
        let read = tokio::task::spawn_blocking(move || lines::read(&folder, position, most));
        match read.await {
            Ok(Ok(part)) => Ok(part),
            Ok(Err(error)) => Err(StoreError::Unavailable(format!("the journal: {error}"))),
            Err(error) => Err(StoreError::Unavailable(format!("the journal's reader: {error}"))),
        }
    }

    fn batch(&self, part: Part) -> Batch {
        let quiet_before = part.position.quiet_before;
        let told = part.facts.iter().filter(|it| quiet_before <= it.at);
        let deliveries = told.flat_map(|it| (self.wanted)(it)).collect();
        Batch { records: part.records, facts: part.facts, deliveries, position: part.position }
    }

    /// Finds out what is wrong with a batch; `true` if it can go on at once.
    async fn failed(&mut self, batch: Batch, error: StoreError) -> Result<bool, StoreError> {
        // Whether it was taken in after all, the store says.
        self.position = None;
        if !matches!(error, StoreError::Broken(_) | StoreError::Refused(_)) {
            return Err(error);
        }
        if !self.careful {
            self.careful = true;
            return Ok(true);
        }
        // One line, and a store that is sound: it is the line.
        self.store.check().await.map_err(|_| error.clone())?;
        let (records, facts) = (batch.records.len(), batch.facts.len());
        error!(%error, records, facts, "a line of the journal cannot be kept, and is left out");
        metrics::counter!("crosspoint_store_lines_left_out_total").increment(1);
        let Batch { position, .. } = batch;
        let nothing = Batch {
            records: Vec::new(),
            facts: Vec::new(),
            deliveries: Vec::new(),
            position: position.clone(),
        };
        self.store.ingest(&nothing).await?;
        self.careful = false;
        self.taken(position);
        Ok(true)
    }

    /// Calls that were in progress when a crash came, and whose lines did not reach the disk: the
    /// journal does not know them, but the store does.
    async fn mend(&mut self) -> Result<(), StoreError> {
        let Some(position) = self.position.clone() else { return Ok(()) };
        let cause = Cause { reason: "interrupted".into(), local: true, ..Cause::default() };
        loop {
            let open = self.store.open_records(&self.node, self.started).await?;
            if open.is_empty() {
                self.mending = false;
                return Ok(());
            }
            warn!(calls = open.len(), "calls that only the database knows are now interrupted");
            let end = |it: CallRecord| match it.ended_at {
                Some(_) => CallRecord { state: RecordState::Ended, ..it },
                None => {
                    CallRecord { state: RecordState::Interrupted, cause: Some(cause.clone()), ..it }
                }
            };
            let records = open.into_iter().map(end).collect();
            let (facts, deliveries) = (Vec::new(), Vec::new());
            let batch = Batch { records, facts, deliveries, position: position.clone() };
            self.store.ingest(&batch).await?;
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the shell's loop waits")]
async fn sleep(time: Duration) {
    tokio::time::sleep(time).await;
}

#[cfg(test)]
mod tests;
