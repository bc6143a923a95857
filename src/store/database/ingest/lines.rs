//! Reads on in the journal's files from where it was read up to.
//!
//! A file is known by its first line, wherever it is moved: `calls.jsonl` is set aside as
//! `calls.00001.jsonl` when it is full, and a data folder may be copied. That what was read is
//! still what stands there is seen by the bytes before the place: a power cut may have taken lines
//! that had been read already, and others may have been written since. Such a file is read anew.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use tracing::warn;

use crate::model::event::Fact;
use crate::model::record::CallRecord;
use crate::store::database::{Mark, Position};

/// Bytes of a first line that count, and bytes before a place.
const FIRST: u64 = 4096;
const BEFORE: u64 = 256;
/// Bytes that are read together, but for a line that is longer.
const BYTES: usize = 1 << 20;
/// How often the files are looked for while they are set aside.
const TRIES: usize = 10;

/// Some lines of a journal.
pub struct Part {
    pub records: Vec<CallRecord>,
    pub facts: Vec<Fact>,
    /// Up to where it is read now.
    pub position: Position,
    /// Lines, those that make no sense as well.
    pub lines: usize,
    /// Bytes that were there and not read before this.
    pub behind: u64,
}

/// Reads on from `position`, at most `most` lines of each kind; where one is asked for, one in all.
pub fn read(folder: &Path, mut position: Position, most: usize) -> io::Result<Part> {
    let calls = Tail::read(folder, "calls", position.calls.take(), most)?;
    let most = if most == 1 { 1_usize.saturating_sub(calls.lines.len()) } else { most };
    let events = Tail::read(folder, "events", position.events.take(), most)?;
    let behind = calls.behind + events.behind;
    let lines = calls.lines.len() + events.lines.len();
    let records = parsed(&calls.lines);
    let facts = parsed(&events.lines);
    position.calls = calls.mark;
    position.events = events.mark;
    Ok(Part { records, facts, position, lines, behind })
}

fn parsed<T: DeserializeOwned>(lines: &[Vec<u8>]) -> Vec<T> {
    let parse = |line: &Vec<u8>| match serde_json::from_slice(line) {
        Ok(it) => Some(it),
        Err(error) => {
            warn!(%error, bytes = line.len(), "a line of the journal makes no sense");
            metrics::counter!("crosspoint_store_lines_left_out_total").increment(1);
            None
        }
    };
    lines.iter().filter_map(parse).collect()
}

/// What was read of one kind of files.
struct Tail {
    lines: Vec<Vec<u8>>,
    mark: Option<Mark>,
    behind: u64,
}

impl Tail {
    fn read(folder: &Path, kind: &str, mark: Option<Mark>, most: usize) -> io::Result<Self> {
        let files = Files::of(folder, kind)?;
        let mut tail = Self { lines: Vec::new(), mark, behind: 0 };
        let mut bytes = 0;
        for at in tail.begins(&files)?..files.len() {
            let Some((mut file, id)) = files.open(at)? else { continue };
            let length = file.metadata()?.len();
            let offset = tail.offset(&mut file, &id, length)?;
            tail.behind += length.saturating_sub(offset);
            if most <= tail.lines.len() || BYTES <= bytes {
                // Only counted.
                continue;
            }
            file.seek(SeekFrom::Start(offset))?;
            let mut reader = BufReader::with_capacity(1 << 16, &mut file);
            let mut end = offset;
            while tail.lines.len() < most && bytes < BYTES {
                let mut line = Vec::new();
                reader.read_until(b'\n', &mut line)?;
                if line.last() != Some(&b'\n') {
                    if !line.is_empty() && at + 1 < files.len() {
                        warn!(kind, "a torn last line of the journal is left out");
                    }
                    break;
                }
                end += line.len() as u64;
                bytes += line.len();
                tail.lines.push(line);
            }
            drop(reader);
            let last = before(&mut file, end)?;
            tail.mark = Some(Mark { file: id, offset: end, last });
        }
        Ok(tail)
    }

    /// Which of the files was read last; the first of all if it is not among them.
    fn begins(&self, files: &Files) -> io::Result<usize> {
        let Some(mark) = &self.mark else { return Ok(0) };
        for at in (0..files.len()).rev() {
            if files.open(at)?.is_some_and(|it| it.1 == mark.file) {
                return Ok(at);
            }
        }
        if files.len() != 0 {
            warn!("the file of the journal that was read last is gone; all there are are read");
        }
        Ok(0)
    }

    /// Up to where this file is read, if what was read is still there.
    fn offset(&self, file: &mut File, id: &str, length: u64) -> io::Result<u64> {
        let Some(mark) = self.mark.as_ref().filter(|it| it.file == id) else { return Ok(0) };
        if mark.offset <= length && before(file, mark.offset)? == mark.last {
            return Ok(mark.offset);
        }
        warn!("the journal is not what was read of it; the file is read anew");
        Ok(0)
    }
}

/// The files of one kind, the earliest first; the one that is written to is the last, if it is
/// there.
struct Files {
    aside: Vec<PathBuf>,
    current: Option<File>,
}

impl Files {
    fn of(folder: &Path, kind: &str) -> io::Result<Self> {
        let path = folder.join(format!("{kind}.jsonl"));
        for _ in 0..TRIES {
            let current = there(File::open(&path))?;
            let aside = aside(folder, kind)?;
            // Set aside in between, it would be missing from the one and not be the other.
            let id = |it: Option<fs::Metadata>| it.map(|it| (it.dev(), it.ino()));
            let opened = current.as_ref().map(File::metadata).transpose()?;
            if id(opened) == id(there(fs::metadata(&path))?) {
                return Ok(Self { aside, current });
            }
        }
        Err(io::Error::new(io::ErrorKind::ResourceBusy, "its files are set aside all the time"))
    }

    fn len(&self) -> usize {
        self.aside.len() + usize::from(self.current.is_some())
    }

    /// A file and what it is known by; `None` if it has no whole line, or is gone.
    fn open(&self, at: usize) -> io::Result<Option<(File, String)>> {
        let file = match self.aside.get(at) {
            Some(path) => there(File::open(path))?,
            None => self.current.as_ref().map(File::try_clone).transpose()?,
        };
        let Some(mut file) = file else { return Ok(None) };
        file.seek(SeekFrom::Start(0))?;
        let mut first = Vec::new();
        BufReader::new(&file).take(FIRST).read_until(b'\n', &mut first)?;
        let whole = first.last() == Some(&b'\n') || first.len() as u64 == FIRST;
        Ok(whole.then(|| (file, hash(&first))))
    }
}

fn aside(folder: &Path, kind: &str) -> io::Result<Vec<PathBuf>> {
    let mut aside = Vec::new();
    for entry in there(fs::read_dir(folder))?.into_iter().flatten() {
        let path = entry?.path();
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let rest = name.strip_prefix(kind).and_then(|it| it.strip_suffix(".jsonl"));
        let number = rest.and_then(|it| it.strip_prefix('.')).map(str::parse::<u32>);
        if let Some(Ok(number)) = number
            && let Some(about) = there(fs::metadata(&path))?
        {
            aside.push((about.modified()?, number, path));
        }
    }
    // Numbers do not tell: one that is free again is taken again.
    aside.sort();
    Ok(aside.into_iter().map(|it| it.2).collect())
}

/// What is not there is no error.
fn there<T>(it: io::Result<T>) -> io::Result<Option<T>> {
    match it {
        Ok(it) => Ok(Some(it)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What stands before a place.
fn before(file: &mut File, offset: u64) -> io::Result<String> {
    let start = offset.saturating_sub(BEFORE);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(offset - start).read_to_end(&mut bytes)?;
    Ok(hash(&bytes))
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(16).map(|it| format!("{it:02x}")).collect()
}
