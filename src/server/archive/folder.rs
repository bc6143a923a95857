//! The files of recordings in their folder. All of it blocks.

use std::fs::{self, File, ReadDir};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::archive::{Found, SEALED};
use crate::clock::Wall;
use crate::store::sums::Sum;

/// What a file is called while it is written.
const PART: &str = ".part";
/// What is read at once.
const STEP: usize = 64 << 10;
/// A file that was written to so recently is written to.
const GROWING: Duration = Duration::from_secs(60);

#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

/// A file of the folder.
#[derive(Debug)]
pub struct Entry {
    pub name: String,
    pub bytes: u64,
    pub written: Wall,
}

impl Folder {
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Where a file of this name is. A name that leads elsewhere is none.
    pub fn path(&self, name: &str) -> io::Result<PathBuf> {
        match Path::new(name).file_name() {
            Some(it) if it == name => Ok(self.0.join(name)),
            _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "this is no name of a file")),
        }
    }

    /// What there is of a recording. Where it goes is another's business.
    pub fn find(&self, file: &str, now: Wall) -> io::Result<Found> {
        let growing = match entry(&self.path(&format!("{file}{PART}"))?)? {
            None => false,
            Some(it) => now.unix_micros().abs_diff(it.written.unix_micros()) < micros(GROWING),
        };
        Ok(Found {
            plain: self.bytes(file)?.is_some(),
            sealed: self.bytes(&format!("{file}{SEALED}"))?.is_some(),
            growing,
            addressed: false,
        })
    }

    /// The length of a file, if it is there.
    pub fn bytes(&self, name: &str) -> io::Result<Option<u64>> {
        Ok(entry(&self.path(name)?)?.map(|it| it.bytes))
    }

    /// The length of a file, and its SHA-256.
    pub fn sum(&self, name: &str) -> io::Result<(u64, String)> {
        let mut file = File::open(self.path(name)?)?;
        let (mut sum, mut bytes, mut step) = (Sum::default(), 0, vec![0; STEP]);
        loop {
            let got = file.read(&mut step)?;
            match step.get(..got) {
                Some(some) if !some.is_empty() => sum.update(some),
                _ => return Ok((bytes, sum.text())),
            }
            bytes += got as u64;
        }
    }

    /// Deletes files for good, those that are there.
    pub fn remove(&self, names: &[String]) -> io::Result<()> {
        let mut removed = false;
        for name in names {
            match fs::remove_file(self.path(name)?) {
                Ok(()) => removed = true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => (),
                Err(error) => return Err(error),
            }
        }
        if removed {
            File::open(&self.0)?.sync_all()?;
        }
        Ok(())
    }

    /// All that may be left of a recording.
    pub fn names(file: &str) -> [String; 4] {
        [String::new(), PART.into(), SEALED.into(), format!("{SEALED}{PART}")]
            .map(|it| format!("{file}{it}"))
    }

    /// The recording that a file belongs to.
    pub fn recording(name: &str) -> &str {
        let name = name.strip_suffix(PART).unwrap_or(name);
        name.strip_suffix(SEALED).unwrap_or(name)
    }

    /// What is in it; `None` if there is no such folder yet.
    pub fn open(&self) -> io::Result<Option<ReadDir>> {
        there(fs::read_dir(&self.0))
    }

    /// So many more of its files; none at the end.
    pub fn more(dir: &mut ReadDir, most: usize) -> io::Result<Vec<Entry>> {
        let mut files = Vec::new();
        for found in dir.by_ref() {
            let found = found?;
            if let Some(it) = entry(&found.path())? {
                files.push(Entry { name: found.file_name().to_string_lossy().into_owned(), ..it });
            }
            if most <= files.len() {
                break;
            }
        }
        Ok(files)
    }
}

/// A file, without its name; nothing else counts.
fn entry(path: &Path) -> io::Result<Option<Entry>> {
    let Some(about) = there(fs::symlink_metadata(path))?.filter(fs::Metadata::is_file) else {
        return Ok(None);
    };
    let since = |it: SystemTime| it.duration_since(UNIX_EPOCH).ok();
    let written = about.modified().ok().and_then(since).unwrap_or_default();
    let written = i64::try_from(written.as_micros()).unwrap_or(i64::MAX);
    let written = Wall::from_unix_micros(written);
    Ok(Some(Entry { name: String::new(), bytes: about.len(), written }))
}

/// What is not there is no error.
fn there<T>(it: io::Result<T>) -> io::Result<Option<T>> {
    match it {
        Ok(it) => Ok(Some(it)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
