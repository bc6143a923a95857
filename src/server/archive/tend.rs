//! One recording: what [`crate::archive`] says is next, done, and its row written after it.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;
use tracing::{debug, info, warn};

use super::folder::Folder;
use super::vault::{Failure, Of, Vault};
use crate::archive::{self, Found, Gates, Next, SEALED, Seen, Step, StoredRecording};
use crate::clock::{Now, Wall};
use crate::store::database::{AuditEntry, Store, StoreError};

/// Who deletes what was kept for its time.
const RETENTION: &str = "retention";
/// What is said of a recording that is nowhere.
const MISSING: &str = "its file is not there";
/// Steps of one recording in a row: more than there are.
const STEPS_MAX: usize = 16;
/// How long the object storage may take, whatever it does: with each part of a recording it has
/// its own time, but a slow line may take long for a long one.
const PUT_MAX: Duration = Duration::from_secs(6 * 3600);
const ASK_MAX: Duration = Duration::from_secs(120);

/// Reads the clock.
pub type Clock = Arc<dyn Fn() -> Now + Send + Sync>;

/// What recordings are tended with; cheap to clone.
#[derive(Clone)]
pub struct Tending {
    pub store: Arc<dyn Store>,
    pub vault: Arc<dyn Vault>,
    pub folder: Folder,
    pub gates: Arc<Mutex<Gates>>,
    pub clock: Clock,
}

impl Tending {
    /// Does what is to be done with a recording until nothing is, or something fails.
    ///
    /// # Errors
    /// Those of the store alone; what else fails is written into the row.
    pub async fn tend(&self, file: &str) -> Result<(), StoreError> {
        for _ in 0..STEPS_MAX {
            let Some(row) = self.store.recording(file).await? else { return Ok(()) };
            if self.step(&row).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// `true` if there is nothing more to be done now.
    async fn step(&self, row: &StoredRecording) -> Result<bool, StoreError> {
        let now = (self.clock)().wall;
        let found = match self.find(row, now).await {
            Ok(found) => found,
            Err(error) => return self.failed(row, &format!("its folder: {error}")).await,
        };
        let next = archive::next(row, self.vault.plan(), found, &self.gates(), now);
        match next {
            Next::Wait(due) => {
                let is = StoredRecording { due, ..row.clone() };
                self.store.settle_recording(row, &is, None).await
            }
            Next::Rest(until) if (row.due, row.attempts) == (until, 0) => Ok(true),
            Next::Rest(until) => {
                let is = archive::rests(row, until);
                self.store.settle_recording(row, &is, None).await
            }
            Next::Missing => self.failed(row, MISSING).await,
            Next::Do(step) => match self.perform(step, row).await {
                Ok(seen) => self.done(row, step, &seen).await.map(|()| false),
                Err(failure) => {
                    self.close_gate(&failure);
                    self.failed(row, &failure.why).await
                }
            },
        }
    }

    async fn find(&self, row: &StoredRecording, now: Wall) -> io::Result<Found> {
        let (folder, file) = (self.folder.clone(), row.file.clone());
        let found = blocking(move || folder.find(&file, now)).await?;
        Ok(Found { addressed: *self.vault.place() == *row.place, ..found })
    }

    /// Does one step; what was seen of the recording.
    async fn perform(&self, step: Step, row: &StoredRecording) -> Result<Seen, Failure> {
        let (folder, file) = (self.folder.clone(), row.file.to_string());
        let sealed = format!("{file}{SEALED}");
        let long = |bytes| Seen { bytes, ..Seen::default() };
        let gone = |()| Seen::default();
        let done = match step {
            Step::Sum => blocking(move || folder.sum(&file)).await.map(|(bytes, sum)| Seen {
                bytes: Some(bytes),
                sum: Some(sum.into()),
                ..Seen::default()
            }),
            Step::Seal => return self.seal(row, sealed).await.map(|it| long(Some(it))),
            Step::KnowSealed => blocking(move || folder.bytes(&sealed)).await.map(long),
            Step::KnowPlain => blocking(move || folder.bytes(&file)).await.map(long),
            Step::DropPlain => {
                let bytes = row.bytes;
                let drop = move || match folder.bytes(&sealed)? {
                    Some(it) if it == bytes => folder.remove(&[file]),
                    _ => Err(io::Error::other("the sealed file is not as long as it was")),
                };
                blocking(drop).await.map(gone)
            }
            Step::DropLocal => {
                blocking(move || folder.remove(&Folder::names(&file))).await.map(gone)
            }
            Step::Address => {
                let place = Some(self.vault.place().into());
                Ok(Seen { place, ..Seen::default() })
            }
            Step::Upload => return self.upload(row).await.map(|it| long(Some(it))),
            Step::Look => return self.look(row, &sealed).await,
            Step::Leave => Ok(Seen::default()),
            Step::Erase { object } => {
                if object {
                    for key in [&file, &sealed] {
                        within(ASK_MAX, self.vault.delete(key, &row.place)).await?;
                    }
                }
                blocking(move || folder.remove(&Folder::names(&file))).await.map(gone)
            }
        };
        done.map_err(|it| Of::File.failed(it))
    }

    async fn seal(&self, row: &StoredRecording, sealed: String) -> Result<u64, Failure> {
        let (folder, vault, sum) = (self.folder.clone(), self.vault.clone(), row.sum.clone());
        let path = |name: &str| folder.path(name).map_err(|it| Of::File.failed(it));
        let (plain, sealed) = (path(&row.file)?, path(&sealed)?);
        let seal = move || Ok(vault.seal(&plain, &sealed, &sum));
        blocking(seal).await.map_err(|it| Of::File.failed(it)).flatten()
    }

    async fn upload(&self, row: &StoredRecording) -> Result<u64, Failure> {
        let (folder, name) = (self.folder.clone(), row.kept_as());
        let path = folder.path(&name).map_err(|it| Of::File.failed(it))?;
        let about = name.clone();
        let bytes = blocking(move || folder.bytes(&about)).await;
        let bytes = bytes.map_err(|it| Of::File.failed(it))?;
        let bytes = bytes.ok_or_else(|| Of::File.failed(MISSING))?;
        let sum = (!row.encrypted).then_some(&*row.sum);
        within(PUT_MAX, self.vault.put(&name, &path, sum)).await.map(|()| bytes)
    }

    /// Looks in the storage for one that is not here.
    async fn look(&self, row: &StoredRecording, sealed: &str) -> Result<Seen, Failure> {
        for (key, is) in [(sealed, true), (&*row.file, false)] {
            if within(ASK_MAX, self.vault.has(key, &row.place)).await? {
                info!(file = &*row.file, "a recording is in the storage, unknown to its row");
                return Ok(Seen { sealed: Some(is), ..Seen::default() });
            }
        }
        Err(Of::File.failed(MISSING))
    }

    /// Writes the row of a step that was taken. What others changed meanwhile stays.
    pub async fn done(
        &self,
        row: &StoredRecording,
        step: Step,
        seen: &Seen,
    ) -> Result<(), StoreError> {
        self.open_gate(step);
        let audit = self.audit(row, step);
        let mut was = row.clone();
        for _ in 0..STEPS_MAX {
            let is = archive::done(&was, step, seen, RETENTION);
            if self.store.settle_recording(&was, &is, audit.as_ref()).await? {
                tell(step, row);
                return Ok(());
            }
            match self.store.recording(&row.file).await? {
                // Held, or let go, or leaving since: what was done is done all the same. But who
                // holds it is before whoever would have it leave.
                Some(now)
                    if (now.state, now.encrypted) == (row.state, row.encrypted)
                        && step != Step::Leave =>
                {
                    was = now;
                }
                _ => return Ok(()),
            }
        }
        Ok(())
    }

    /// Writes that it could not be worked on; `true`: for now it is left alone.
    async fn failed(&self, row: &StoredRecording, why: &str) -> Result<bool, StoreError> {
        metrics::counter!("crosspoint_recording_keeping_errors_total").increment(1);
        match row.attempts {
            0 => warn!(file = &*row.file, why, "a recording cannot be kept as it should"),
            attempts => debug!(file = &*row.file, why, attempts, "nor can it now"),
        }
        let chance = getrandom::u32().unwrap_or(u32::MAX);
        let is = archive::failed(row, why, chance, (self.clock)().wall);
        self.store.settle_recording(row, &is, None).await.map(|_| true)
    }

    /// A bug: the recording is left alone for a while.
    pub async fn broke(&self, file: &str) -> Result<(), StoreError> {
        match self.store.recording(file).await? {
            Some(row) => self.failed(&row, "our own fault").await.map(drop),
            None => Ok(()),
        }
    }

    fn audit(&self, row: &StoredRecording, step: Step) -> Option<AuditEntry> {
        let kept_until = row.keep_until.map(Wall::unix_micros);
        let (by, what, detail) = match step {
            Step::Leave => {
                (RETENTION, "deleted", json!({ "call": row.call, "kept_until": kept_until }))
            }
            Step::Erase { object } => {
                let by = row.leaving.as_deref().unwrap_or_default();
                (by, "erased", json!({ "call": row.call, "object": object, "place": row.place }))
            }
            _ => return None,
        };
        Some(AuditEntry {
            id: 0,
            at: (self.clock)().wall,
            by: by.to_owned(),
            source: String::new(),
            what: what.to_owned(),
            subject: format!("recording/{}", row.file),
            detail,
        })
    }

    pub fn gates(&self) -> MutexGuard<'_, Gates> {
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close_gate(&self, failure: &Failure) {
        let (chance, now) = (getrandom::u32().unwrap_or(u32::MAX), (self.clock)().wall);
        let mut gates = self.gates();
        let gate = match failure.of {
            Of::Sealing => &mut gates.sealing,
            Of::Objects => &mut gates.objects,
            Of::File => return,
        };
        gate.failed(&failure.why, chance, now);
    }

    fn open_gate(&self, step: Step) {
        let mut gates = self.gates();
        match step {
            Step::Seal => gates.sealing.worked(),
            Step::Upload | Step::Look | Step::Erase { object: true } => gates.objects.worked(),
            _ => (),
        }
    }
}

fn tell(step: Step, row: &StoredRecording) {
    let file = &*row.file;
    let what = match step {
        Step::Seal => "sealed",
        Step::Upload => "uploaded",
        Step::Leave => {
            info!(file, "a recording was kept for its time, and is deleted");
            return;
        }
        Step::Erase { .. } => "deleted",
        Step::Sum
        | Step::KnowSealed
        | Step::KnowPlain
        | Step::DropPlain
        | Step::Address
        | Step::Look
        | Step::DropLocal => return,
    };
    debug!(file, what, "a recording");
    metrics::counter!("crosspoint_recordings_kept_total", "what" => what).increment(1);
}

async fn within<T>(
    time: Duration,
    doing: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let late = |_| Of::Objects.failed(format!("no end of it after {} s", time.as_secs()));
    tokio::time::timeout(time, doing).await.map_err(late).flatten()
}

/// Beside the tasks of this runtime: a disk may take its time.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other).flatten()
}
