//! Recordings on their way to the disk: one thread, behind a bounded ring.
//!
//! A file is written under its own name with `.part` behind it, its header patched and the whole
//! synced each second, and renamed when it is complete; so a crash costs a second at most and
//! what was left is mended at the next start ([`repair_recordings`]). A disk that is full or
//! stalled is never waited for: the ring fills, media drops sound and says how much. What is there
//! of a recording that cannot be written on gets its name, and plays.

use std::collections::HashMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tracing::{error, info, warn};

use super::sealed::sealed_name;
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

/// Who may read a recording: nobody but us and our group.
const MODE: u32 = 0o640;

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
        // One that is there stays as it is.
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
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
            if let Some(it) = open.remove(&tape) {
                it.give_up();
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
                if let Some(it) = open.remove(&tape) {
                    it.give_up();
                }
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
        for taken in [path.clone(), sealed_name(&path)] {
            if fs::symlink_metadata(&taken).is_ok() {
                return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is one already"));
            }
        }
        let mut new = OpenOptions::new();
        let mut file = new.create_new(true).write(true).mode(MODE).open(part(&path))?;
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
        self.dirty = true;
        let silent = if self.frames < frames { self.write(frames, &[]) } else { Ok(()) };
        if let Err(error) = silent.and_then(|()| self.settle()) {
            self.give_up();
            return Err(error);
        }
        self.name()
    }

    fn name(&self) -> io::Result<()> {
        fs::rename(part(&self.path), &self.path)?;
        match self.path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }

    /// No more can be written to it: all that is there is kept under its name, as far as the disk
    /// still does anything.
    fn give_up(mut self) {
        let whole = self.file.metadata().and_then(|it| {
            let head = wav::Header::LEN as u64;
            self.frames = it.len().saturating_sub(head) / 2;
            self.dirty = true;
            self.file.set_len(head + 2 * self.frames)?;
            self.settle()
        });
        if let Err(error) = whole.and(self.name()) {
            warn!(%error, "what there is of a recording is mended at the next start");
        }
    }
}

fn header(law: Law, frames: u64) -> [u8; wav::Header::LEN] {
    let frames = u32::try_from(frames).unwrap_or(u32::MAX).min(wav::Header::MOST);
    wav::Header { law, frames }.bytes()
}

/// What a file is called while it is written, and one that is sealed meanwhile.
const PART: &str = ".part";
const SEALING: &str = ".age.part";

fn part(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(PART);
    name.into()
}

/// Mends recordings that a crash left behind: headers are made to fit what is there, and the
/// files get their names. Returns how many. Only files of the folder itself are ours: a link, or
/// another folder (`lost+found`), is left alone; what cannot be mended keeps nobody waiting.
pub fn repair_recordings(folder: &Path) -> io::Result<usize> {
    let mut mended = 0;
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        if !name.ends_with(PART) || !entry.file_type().is_ok_and(|it| it.is_file()) {
            continue;
        }
        if name.ends_with(SEALING) {
            // Sealing was cut short; what was to be sealed is still there, and is sealed again.
            if let Err(error) = fs::remove_file(&path) {
                warn!(file = %path.display(), %error, "a left-over cannot be removed");
            }
            continue;
        }
        match repair(&path) {
            Ok(()) => mended += 1,
            Err(error) => warn!(file = %path.display(), %error, "a recording cannot be mended"),
        }
    }
    if 0 < mended {
        File::open(folder)?.sync_all()?;
        info!(mended, "recordings cut short by the last stop were mended");
    }
    Ok(mended)
}

fn repair(path: &Path) -> io::Result<()> {
    let plain = path.with_extension("");
    if fs::symlink_metadata(&plain).is_ok() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "there is one of its name"));
    }
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let length = file.metadata()?.len();
    let mut head = Vec::new();
    (&file).take(wav::Header::LEN as u64).read_to_end(&mut head)?;
    if head.is_empty() && plain.extension().is_some_and(|it| it == "wav") {
        // It had not reached the disk at all. Somebody may look for it: there is nothing on it.
        file.write_all(&header(Law::Mu, 0))?;
        file.sync_data()?;
        return fs::rename(path, plain);
    }
    if wav::Header::read(&head).is_none() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "not one of ours"));
    }
    // A crash just after a sync leaves nothing to mend.
    if let Some(header) = wav::repair(&head, length) {
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&header)?;
        file.sync_data()?;
    }
    fs::rename(path, plain)
}

#[allow(clippy::disallowed_methods, reason = "the shell may read the clock")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::store::database::tests::{Disk, Folder};

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
        // Cut short before anything of it was on the disk.
        fs::write(folder.join("none.wav.part"), "").unwrap();
        // Of another folder, or of a name that is taken, nothing is ours to mend or to remove.
        let elsewhere = folder.with_extension("elsewhere");
        drop(fs::remove_dir_all(&elsewhere));
        fs::create_dir_all(&elsewhere).unwrap();
        for name in ["theirs.wav.age.part", "theirs.wav.part"] {
            fs::write(elsewhere.join(name), header(Law::Mu, 1)).unwrap();
        }
        symlink(&elsewhere, folder.join("linked")).unwrap();
        symlink(elsewhere.join("theirs.wav.part"), folder.join("link.wav.part")).unwrap();
        fs::write(folder.join("kept.wav.part"), header(Law::Mu, 0)).unwrap();
        assert_eq!(repair_recordings(&folder).unwrap(), 3);
        for name in ["synced.wav", "growing.wav"] {
            let bytes = fs::read(folder.join(name)).unwrap();
            assert_eq!(bytes[..wav::Header::LEN], header(Law::Mu, 2));
        }
        assert!(folder.join("other.part").exists() && folder.join("kept.wav").exists());
        assert!(!folder.join("kept.wav.age.part").exists(), "a seal that was cut short");
        assert_eq!(fs::read(folder.join("none.wav")).unwrap(), header(Law::Mu, 0));
        assert_eq!(fs::read(folder.join("kept.wav")).unwrap(), b"as it is");
        assert!(folder.join("kept.wav.part").exists() && folder.join("link.wav.part").exists());
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 2);
        fs::remove_dir_all(&elsewhere).unwrap();
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

    #[test]
    fn a_recording_is_nobodys_business_and_none_is_written_over() {
        let folder = Folder::new();
        let kept = folder.path().join("recordings");
        let (told, heard) = std::sync::mpsc::channel();
        let (tapes, thread) = Tapes::start(kept.clone(), move |it| told.send(it).unwrap()).unwrap();
        for name in ["1.wav", "2.wav.age"] {
            fs::write(kept.join(name), "another call").unwrap();
        }
        for n in 1..=3 {
            let (tape, file) = (TapeId(n), format!("{n}.wav"));
            assert!(tapes.take(Reel::Open { tape, file: &file, law: Law::Mu }));
            assert!(tapes.take(Reel::End { tape, frames: 8, keep: true }));
        }
        drop(tapes);
        thread.join().unwrap();
        let failed: Vec<_> = heard.iter().map(|TapeReport::Failed(it)| it.0).collect();
        assert_eq!(failed, [1, 2]);
        assert_eq!(fs::read(kept.join("1.wav")).unwrap(), b"another call");
        assert!(!kept.join("2.wav").exists());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&kept.join("3.wav")) & 0o007, 0);
        assert_eq!(mode(&kept), 0o700);
    }

    #[test]
    fn what_a_full_disk_has_of_a_recording_has_its_name_and_plays() {
        let folder = Folder::new();
        let (image, disk) = (folder.path().join("image"), folder.path().join("disk"));
        let Some(_mounted) = Disk::mount(&image, &disk, 2_048) else { return };
        let (told, heard) = std::sync::mpsc::channel();
        let (tapes, thread) = Tapes::start(disk.clone(), move |it| told.send(it).unwrap()).unwrap();
        let names = ["writing", "closing"];
        for (n, name) in (1..).zip(names) {
            let file = format!("{name}.wav");
            assert!(tapes.take(Reel::Open { tape: TapeId(n), file: &file, law: Law::Mu }));
            assert!(tapes.take(Reel::Chunk { tape: TapeId(n), at: 0, octets: &[0x55; 1_600] }));
        }
        let there = |name: &&str| {
            let file = fs::metadata(disk.join(format!("{name}.wav.part")));
            file.is_ok_and(|it| 1_600 < it.len())
        };
        while !names.iter().all(there) {
            thread::yield_now();
        }
        // There is room in the last block of each, and then there is not.
        let (first, second) = (TapeId(1), TapeId(2));
        let (mut filler, mut at) = (File::create(disk.join("filler")).unwrap(), 800);
        while filler.write_all(&[0; 512]).is_ok() {}
        drop(filler.sync_all());
        while heard.recv_timeout(Duration::from_millis(1)).is_err() {
            assert!(tapes.take(Reel::Chunk { tape: first, at, octets: &[0x55; 1_600] }));
            at += 800;
            assert!(at < 8_000_000, "the disk is full");
        }
        assert!(tapes.take(Reel::End { tape: first, frames: at, keep: true }));
        // The silence at its end finds no room.
        assert!(tapes.take(Reel::End { tape: second, frames: 80_000, keep: true }));
        drop(tapes);
        thread.join().unwrap();
        for name in names {
            let bytes = fs::read(disk.join(format!("{name}.wav"))).unwrap();
            let (head, sound) = bytes.split_at(wav::Header::LEN);
            let frames = wav::Header::read(head).unwrap().frames as usize;
            assert_eq!(sound.len(), 2 * frames, "{name}");
            assert!(800 <= frames && sound[..1_600].iter().all(|it| *it == 0x55), "{name}");
            assert!(!disk.join(format!("{name}.wav.part")).exists());
        }
    }
}
