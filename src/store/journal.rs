//! Call records and events as JSON lines: `calls.jsonl` and `events.jsonl` in the data folder.
//!
//! A record is written when the call begins (`in_progress`) and again when it ends; of two lines
//! with one id the later one counts. Lines are on the disk, synced, within the time given. A torn
//! last line is cut off at start, and calls that a crash cut short get an `interrupted` line, so
//! no call is ever without a record. A disk that refuses is tried again each second; meanwhile
//! lines wait in memory up to [`BACKLOG_MAX`], and what does not fit is counted as lost.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tracing::{error, info, warn};

use super::callers::recent;
use crate::model::event::Fact;
use crate::model::record::{CallRecord, Cause, RecordState};

/// How long a refused write waits before it is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Lines that wait for a disk that refuses.
const BACKLOG_MAX: usize = 200_000;
/// Entries on their way to the thread.
const RING: usize = 65_536;
/// A file larger than this is set aside and a new one begun.
const ROTATE_AT: u64 = 256 << 20;
/// As long as a call may be told to last: what was set aside earlier tells of none that runs.
const LONGEST_CALL: Duration = Duration::from_secs(7 * 24 * 3600);
/// Entries turned into lines before they are written together.
const BATCH: usize = 512;

/// Something to keep.
pub enum Entry {
    Record(Box<CallRecord>),
    Fact(Fact),
}

/// The writing end. Dropping it writes out what is left and waits for the disk.
pub struct Journal {
    ring: Option<SyncSender<Entry>>,
    thread: Option<JoinHandle<()>>,
    behind: Arc<AtomicBool>,
}

impl Journal {
    /// Opens the journal in `folder`, mending what a crash left behind.
    /// A finished line waits at most `sync` for the disk.
    pub fn open(folder: &Path, sync: Duration) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut calls = Log::open(folder.join("calls.jsonl"))?;
        let events = Log::open(folder.join("events.jsonl"))?;
        let interrupted = interrupted(folder)?;
        for record in &interrupted {
            calls.line(record);
        }
        if !interrupted.is_empty() {
            info!(
                calls = interrupted.len(),
                "calls cut short by the last stop are now interrupted"
            );
            calls.flush();
            calls.sync();
        }
        let (ring, entries) = sync_channel(RING);
        let behind = Arc::<AtomicBool>::default();
        let told = behind.clone();
        let thread = thread::Builder::new()
            .name("journal".into())
            .spawn(move || write_all(&entries, calls, events, sync, &told))?;
        Ok(Self { ring: Some(ring), thread: Some(thread), behind })
    }

    /// Whether the disk refuses, and lines wait in memory: for the health page.
    pub fn behind(&self) -> Arc<AtomicBool> {
        self.behind.clone()
    }

    /// Keeps `entry`; never waits. What a full ring cannot take is counted as lost.
    pub fn keep(&self, entry: Entry) {
        let Some(ring) = &self.ring else { return };
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = ring.try_send(entry) {
            metrics::counter!("crosspoint_journal_lines_lost_total").increment(1);
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.ring = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            error!("the journal's thread had died");
        }
    }
}

/// The thread: lines in, synced files out, until the other end is dropped.
fn write_all(
    entries: &Receiver<Entry>,
    mut calls: Log,
    mut events: Log,
    sync: Duration,
    behind: &AtomicBool,
) {
    let mut synced = now();
    loop {
        let mut open = true;
        match entries.recv_timeout(sync) {
            Ok(first) => {
                let rest = std::iter::from_fn(|| entries.try_recv().ok()).take(BATCH);
                for entry in std::iter::once(first).chain(rest) {
                    match entry {
                        Entry::Record(record) => calls.line(&record),
                        Entry::Fact(fact) => events.line(&fact),
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => (),
            Err(RecvTimeoutError::Disconnected) => open = false,
        }
        if !open {
            // There is no later time to try again at.
            (calls.retry_at, events.retry_at) = (None, None);
        }
        calls.flush();
        events.flush();
        behind.store(calls.retry_at.or(events.retry_at).is_some(), Ordering::Relaxed);
        if !open || sync <= synced.elapsed() {
            calls.sync();
            events.sync();
            synced = now();
        }
        if !open {
            calls.give_up();
            events.give_up();
            return;
        }
    }
}

/// One file of lines.
struct Log {
    path: PathBuf,
    file: Option<File>,
    length: u64,
    /// Lines not yet written, oldest first; each ends in a newline.
    backlog: VecDeque<Vec<u8>>,
    dirty: bool,
    retry_at: Option<Instant>,
}

impl Log {
    fn open(path: PathBuf) -> io::Result<Self> {
        let mut log = Self {
            path,
            file: None,
            length: 0,
            backlog: VecDeque::new(),
            dirty: false,
            retry_at: None,
        };
        log.reopen()?;
        Ok(log)
    }

    /// Opens the file for appending, a torn last line cut off.
    fn reopen(&mut self) -> io::Result<()> {
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(&self.path)?;
        let length = file.metadata()?.len();
        let whole = whole_lines(&mut file, length)?;
        if whole < length {
            warn!(file = %self.path.display(), bytes = length - whole, "a torn last line was cut off");
            file.set_len(whole)?;
        }
        file.seek(SeekFrom::Start(whole))?;
        self.length = whole;
        self.file = Some(file);
        Ok(())
    }

    fn line(&mut self, value: &impl serde::Serialize) {
        if BACKLOG_MAX <= self.backlog.len() {
            metrics::counter!("crosspoint_journal_lines_lost_total").increment(1);
            return;
        }
        match serde_json::to_vec(value) {
            Ok(mut line) => {
                line.push(b'\n');
                self.backlog.push_back(line);
            }
            Err(error) => error!(%error, "a record could not be written as JSON"),
        }
    }

    /// Writes what waits, unless the disk refused a moment ago.
    fn flush(&mut self) {
        if self.backlog.is_empty() || self.retry_at.is_some_and(|at| now() < at) {
            return;
        }
        match self.write_backlog() {
            Ok(()) => {
                if self.retry_at.take().is_some() {
                    info!(file = %self.path.display(), "the journal can be written again");
                }
            }
            Err(error) => {
                if self.retry_at.is_none() {
                    error!(file = %self.path.display(), %error, "the journal cannot be written");
                }
                metrics::counter!("crosspoint_journal_write_errors_total").increment(1);
                self.file = None;
                self.retry_at = Some(now() + RETRY_AFTER);
            }
        }
        metrics::gauge!("crosspoint_journal_backlog_lines").set(self.backlog.len() as f64);
    }

    /// What the disk would not take until the end is lost, and that is said.
    fn give_up(&mut self) {
        if !self.backlog.is_empty() {
            let lines = self.backlog.len();
            error!(file = %self.path.display(), lines, "lines of the journal are lost");
            metrics::counter!("crosspoint_journal_lines_lost_total").increment(lines as u64);
        }
    }

    fn write_backlog(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            self.reopen()?;
        }
        if ROTATE_AT < self.length {
            self.rotate()?;
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let text: Vec<u8> = self.backlog.iter().flatten().copied().collect();
        if let Err(error) = file.write_all(&text) {
            // What was half written is taken back, so that the lines can be written whole later.
            file.set_len(self.length)?;
            return Err(error);
        }
        self.length += text.len() as u64;
        self.backlog.clear();
        self.dirty = true;
        Ok(())
    }

    fn sync(&mut self) {
        if !self.dirty {
            return;
        }
        self.dirty = false;
        if let Some(file) = &self.file
            && let Err(error) = file.sync_data()
        {
            error!(file = %self.path.display(), %error, "the journal could not be synced");
            metrics::counter!("crosspoint_journal_write_errors_total").increment(1);
        }
    }

    /// Sets the full file aside under the first free number and begins a new one.
    fn rotate(&mut self) -> io::Result<()> {
        self.sync();
        let mut number = 1;
        let aside = loop {
            let name = self.path.with_extension(format!("{number:05}.jsonl"));
            if !name.exists() {
                break name;
            }
            number += 1;
        };
        fs::rename(&self.path, aside)?;
        self.reopen()
    }
}

/// The length of `file` up to and including its last newline.
pub(super) fn whole_lines(file: &mut File, length: u64) -> io::Result<u64> {
    use std::io::Read;
    const STEP: u64 = 64 << 10;
    let mut end = length;
    while 0 < end {
        let start = end.saturating_sub(STEP);
        file.seek(SeekFrom::Start(start))?;
        let mut part = vec![0; (end - start) as usize];
        file.read_exact(&mut part)?;
        if let Some(at) = part.iter().rposition(|it| *it == b'\n') {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// The records of calls that began and never ended, marked as interrupted. They may have begun in a
/// file that was set aside meanwhile.
fn interrupted(folder: &Path) -> io::Result<Vec<CallRecord>> {
    let mut open: BTreeMap<String, CallRecord> = BTreeMap::new();
    for path in recent(folder, |written, newest| newest <= written + LONGEST_CALL)? {
        for line in BufReader::new(File::open(path)?).split(b'\n') {
            let Ok(record) = serde_json::from_slice::<CallRecord>(&line?) else { continue };
            match record.state {
                RecordState::InProgress => drop(open.insert(record.id.to_string(), record)),
                RecordState::Ended | RecordState::Interrupted => drop(open.remove(&*record.id)),
            }
        }
    }
    let cause = Cause { reason: "interrupted".into(), local: true, ..Cause::default() };
    Ok(open
        .into_values()
        .map(|record| match record.ended_at {
            // It had ended: what was still asked of the answering person is lost, no more.
            Some(_) => CallRecord { state: RecordState::Ended, ..record },
            None => {
                CallRecord { state: RecordState::Interrupted, cause: Some(cause.clone()), ..record }
            }
        })
        .collect())
}

#[allow(clippy::disallowed_methods, reason = "the shell may read the clock")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record as it stands in the file.
    fn line(id: &str, ended_at: &str) -> String {
        format!(
            r#"{{"id":"{id}","state":"in_progress","tracking_number":"+1","source":"","caller":"",
            "caller_name":null,"path":[],"legs":[],"received_at":5,"answered_at":6,
            "connected_at":6,"ended_at":{ended_at},"ring_ms":1,"talk_ms":2,
            "cause":{{"sip":200,"q850":16,"reason":"normal","local":false}},"recordings":[],
            "caller_quality":null,"agent":null,"lead_owner":null,"source_tag":"","tags":[],
            "score":null}}"#
        )
        .replace('\n', " ")
            + "\n"
    }

    #[test]
    fn a_call_that_began_in_a_file_set_aside_is_interrupted_too_and_an_old_one_is_not_looked_for() {
        let folder = std::env::temp_dir().join(format!("crosspoint-aside-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        let ended = |id: &str| line(id, "9").replace("in_progress", "ended");
        fs::write(folder.join("calls.00001.jsonl"), line("ancient", "null")).unwrap();
        let old = File::options().write(true).open(folder.join("calls.00001.jsonl")).unwrap();
        let written = old.metadata().unwrap().modified().unwrap();
        old.set_modified(written - 2 * LONGEST_CALL).unwrap();
        let aside = line("talking", "null") + &line("over", "null");
        fs::write(folder.join("calls.00002.jsonl"), aside).unwrap();
        fs::write(folder.join("calls.jsonl"), ended("over")).unwrap();
        drop(Journal::open(&folder, Duration::from_millis(1)).unwrap());
        let text = fs::read_to_string(folder.join("calls.jsonl")).unwrap();
        let records: Vec<CallRecord> =
            text.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
        let said: Vec<_> = records.iter().map(|it| (&*it.id, it.state)).collect();
        let wanted = [("over", RecordState::Ended), ("talking", RecordState::Interrupted)];
        assert_eq!(said, wanted);
        // Said once: the next start finds that it is.
        drop(Journal::open(&folder, Duration::from_millis(1)).unwrap());
        assert_eq!(fs::read_to_string(folder.join("calls.jsonl")).unwrap(), text);
        fs::remove_dir_all(&folder).unwrap();
    }

    /// The caller had gone, the answering person was asked for a score: only that is lost.
    #[test]
    fn a_call_that_had_ended_when_a_crash_came_is_not_called_interrupted() {
        let folder = std::env::temp_dir().join(format!("crosspoint-ended-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        let text = line("scoring", "9") + &line("talking", "null");
        fs::write(folder.join("calls.jsonl"), text).unwrap();
        drop(Journal::open(&folder, Duration::from_millis(1)).unwrap());
        let text = fs::read_to_string(folder.join("calls.jsonl")).unwrap();
        let last = |id: &str| {
            let records = text.lines().map(|it| serde_json::from_str::<CallRecord>(it).unwrap());
            let record = records.rev().find(|it| &*it.id == id).unwrap();
            (record.state, record.cause.unwrap().reason)
        };
        assert_eq!(last("scoring"), (RecordState::Ended, "normal".to_owned()));
        assert_eq!(last("talking"), (RecordState::Interrupted, "interrupted".to_owned()));
        fs::remove_dir_all(&folder).unwrap();
    }
}
