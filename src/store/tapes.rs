//! Recordings on their way to the disk: one thread, behind a bounded ring.
//!
//! A file is written under its own name with `.part` behind it, its header patched and the whole
//! synced each second, and renamed when it is complete; so a crash costs a second at most and
//! what was left is mended at the next start ([`repair_recordings`]). A disk that is full or
//! stalled is never waited for: the ring fills, media drops sound and says how much.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tracing::{error, info, warn};

use crate::audio::{Law, wav};
use crate::media::{Reel, TapeId};

/// How often a growing file is synced.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// Chunks of 100 ms on their way to the disk: some seconds of some hundred recordings.
const RING: usize = 8192;
/// The byte that stands for silence, by law.
const fn silence(law: Law) -> u8 {
    match law {
        Law::Mu => 0xff,
        Law::A => 0xd5,
    }
}

/// One [`Reel`], owned.
pub enum TapeOrder {
    Open { tape: TapeId, file: String, law: Law },
    Chunk { tape: TapeId, at: u64, octets: Box<[u8]> },
    End { tape: TapeId, frames: u64, keep: bool },
}

impl From<Reel<'_>> for TapeOrder {
    fn from(reel: Reel<'_>) -> Self {
        match reel {
            Reel::Open { tape, file, law } => Self::Open { tape, file: file.to_owned(), law },
            Reel::Chunk { tape, at, octets } => Self::Chunk { tape, at, octets: octets.into() },
            Reel::End { tape, frames, keep } => Self::End { tape, frames, keep },
        }
    }
}

/// What became of a recording.
pub enum TapeReport {
    Failed(TapeId),
}

/// The writing end.
#[derive(Clone)]
pub struct Tapes {
    ring: SyncSender<TapeOrder>,
}

impl Tapes {
    /// Starts the thread that writes to `folder`; `told` hears of files that cannot be written.
    pub fn start(
        folder: PathBuf,
        told: impl Fn(TapeReport) + Send + 'static,
    ) -> io::Result<(Self, JoinHandle<()>)> {
        fs::create_dir_all(&folder)?;
        let (ring, orders) = sync_channel(RING);
        let thread = thread::Builder::new()
            .name("tapes".into())
            .spawn(move || write_all(&orders, &folder, &told))?;
        Ok((Self { ring }, thread))
    }

    /// Hands a reel on; `false` if there is no room now.
    pub fn take(&self, reel: Reel<'_>) -> bool {
        self.ring.try_send(reel.into()).is_ok()
    }
}

fn write_all(orders: &Receiver<TapeOrder>, folder: &Path, told: &dyn Fn(TapeReport)) {
    let mut open: HashMap<TapeId, Recording> = HashMap::new();
    let mut failed: Vec<TapeId> = Vec::new();
    let mut synced = now();
    loop {
        let order = orders.recv_timeout(SYNC_EVERY);
        if matches!(order, Err(RecvTimeoutError::Disconnected)) {
            for (tape, recording) in open.drain() {
                let frames = recording.frames;
                finish(tape, recording, frames, told);
            }
            return;
        }
        let outcome = match order {
            Ok(TapeOrder::Open { tape, file, law }) => {
                let opened = Recording::open(folder, &file, law);
                opened.map(|it| drop(open.insert(tape, it))).map_err(|it| (tape, it))
            }
            Ok(TapeOrder::Chunk { tape, at, octets }) => match open.get_mut(&tape) {
                Some(it) => it.write(at, &octets).map_err(|it| (tape, it)),
                None => Ok(()),
            },
            Ok(TapeOrder::End { tape, frames, keep }) => {
                match open.remove(&tape) {
                    Some(it) if keep => finish(tape, it, frames, told),
                    Some(it) => it.throw_away(),
                    None => (),
                }
                Ok(())
            }
            Err(_) => Ok(()),
        };
        if let Err((tape, error)) = outcome {
            error!(%error, "a recording cannot be written");
            metrics::counter!("crosspoint_recording_errors_total").increment(1);
            if let Some(mut it) = open.remove(&tape) {
                // What is there stays there, and plays.
                drop(it.settle());
            }
            told(TapeReport::Failed(tape));
        }
        if SYNC_EVERY <= synced.elapsed() {
            synced = now();
            #[allow(
                clippy::disallowed_methods,
                reason = "each file is synced, the order is all one"
            )]
            for (tape, recording) in &mut open {
                if let Err(error) = recording.settle() {
                    error!(%error, "a recording cannot be synced");
                    failed.push(*tape);
                }
            }
            for tape in failed.drain(..) {
                open.remove(&tape);
                told(TapeReport::Failed(tape));
            }
        }
    }
}

fn finish(tape: TapeId, recording: Recording, frames: u64, told: &dyn Fn(TapeReport)) {
    if let Err(error) = recording.close(frames) {
        error!(%error, "a recording could not be completed");
        metrics::counter!("crosspoint_recording_errors_total").increment(1);
        told(TapeReport::Failed(tape));
    }
}

/// A file that grows.
struct Recording {
    file: File,
    path: PathBuf,
    law: Law,
    /// Stereo frames in the file.
    frames: u64,
    dirty: bool,
}

impl Recording {
    fn open(folder: &Path, name: &str, law: Law) -> io::Result<Self> {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = OpenOptions::new().create_new(true).write(true).open(part(&path))?;
        file.write_all(&header(law, 0))?;
        Ok(Self { file, path, law, frames: 0, dirty: true })
    }

    /// Puts sound at a frame; what was never handed over before it is silence.
    fn write(&mut self, at: u64, octets: &[u8]) -> io::Result<()> {
        let missing = at.saturating_sub(self.frames);
        let silent = [silence(self.law); 1600];
        let mut left = missing * 2;
        while 0 < left {
            let step = left.min(silent.len() as u64);
            self.file.write_all(&silent[..step as usize])?;
            left -= step;
        }
        self.file.write_all(octets)?;
        self.frames += missing + octets.len() as u64 / 2;
        self.dirty = true;
        Ok(())
    }

    /// Patches the header to what is there, and syncs.
    fn settle(&mut self) -> io::Result<()> {
        if std::mem::replace(&mut self.dirty, false) {
            self.file.seek(SeekFrom::Start(0))?;
            self.file.write_all(&header(self.law, self.frames))?;
            self.file.seek(SeekFrom::End(0))?;
            self.file.sync_data()?;
        }
        Ok(())
    }

    /// Nothing worth keeping is on it.
    fn throw_away(self) {
        let path = part(&self.path);
        drop(self.file);
        if let Err(error) = fs::remove_file(&path) {
            warn!(file = %path.display(), %error, "a recording could not be thrown away");
        }
    }

    fn close(mut self, frames: u64) -> io::Result<()> {
        if self.frames < frames {
            self.write(frames, &[])?;
        }
        self.dirty = true;
        self.settle()?;
        fs::rename(part(&self.path), &self.path)?;
        match self.path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

fn header(law: Law, frames: u64) -> [u8; wav::Header::LEN] {
    let frames = u32::try_from(frames).unwrap_or(u32::MAX).min(wav::Header::MOST);
    wav::Header { law, frames }.bytes()
}

fn part(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// Mends recordings that a crash left behind: headers are made to fit what is there, and the
/// files get their names. Returns how many.
pub fn repair_recordings(folder: &Path) -> io::Result<usize> {
    let mut mended = 0;
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            mended += repair_recordings(&path)?;
        } else if path.to_string_lossy().ends_with(".age.part") {
            // Sealing was cut short; what was to be sealed is still there, and is sealed again.
            if let Err(error) = fs::remove_file(&path) {
                warn!(file = %path.display(), %error, "a left-over cannot be removed");
            }
        } else if path.extension().is_some_and(|it| it == "part") {
            match repair(&path) {
                Ok(()) => mended += 1,
                Err(error) => warn!(file = %path.display(), %error, "a recording cannot be mended"),
            }
        }
    }
    if 0 < mended {
        info!(mended, "recordings cut short by the last stop were mended");
    }
    Ok(mended)
}

fn repair(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let length = file.metadata()?.len();
    let mut head = Vec::new();
    (&file).take(wav::Header::LEN as u64).read_to_end(&mut head)?;
    if wav::Header::read(&head).is_none() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not one of ours"));
    }
    // A crash just after a sync leaves nothing to mend.
    if let Some(header) = wav::repair(&head, length) {
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&header)?;
        file.sync_data()?;
    }
    fs::rename(path, path.with_extension(""))
}

#[allow(clippy::disallowed_methods, reason = "the shell may read the clock")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_that_was_just_synced_when_the_crash_came_gets_its_name_too() {
        let folder = std::env::temp_dir().join(format!("crosspoint-tapes-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        for (name, told) in [("synced.wav.part", 2), ("growing.wav.part", 1)] {
            let mut bytes = header(Law::Mu, told).to_vec();
            bytes.extend([0xff; 4]);
            fs::write(folder.join(name), bytes).unwrap();
        }
        fs::write(folder.join("other.part"), "nothing of ours").unwrap();
        fs::write(folder.join("kept.wav"), "as it is").unwrap();
        fs::write(folder.join("kept.wav.age.part"), "half of it").unwrap();
        assert_eq!(repair_recordings(&folder).unwrap(), 2);
        for name in ["synced.wav", "growing.wav"] {
            let bytes = fs::read(folder.join(name)).unwrap();
            assert_eq!(bytes[..wav::Header::LEN], header(Law::Mu, 2));
        }
        assert!(folder.join("other.part").exists() && folder.join("kept.wav").exists());
        assert!(!folder.join("kept.wav.age.part").exists(), "a seal that was cut short");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_recording_that_is_not_to_be_kept_leaves_no_file_behind() {
        let folder = std::env::temp_dir().join(format!("crosspoint-drops-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        let (tapes, thread) = Tapes::start(folder.clone(), |_| ()).unwrap();
        for (n, keep) in [(1, true), (2, false)] {
            let (tape, file) = (TapeId(n), format!("{n}.wav"));
            assert!(tapes.take(Reel::Open { tape, file: &file, law: Law::Mu }));
            assert!(tapes.take(Reel::Chunk { tape, at: 0, octets: &[0xff; 16] }));
            assert!(tapes.take(Reel::End { tape, frames: 8, keep }));
        }
        drop(tapes);
        thread.join().unwrap();
        let files: Vec<_> =
            fs::read_dir(&folder).unwrap().map(|it| it.unwrap().file_name()).collect();
        assert_eq!(files, ["1.wav"]);
        fs::remove_dir_all(&folder).unwrap();
    }
}
