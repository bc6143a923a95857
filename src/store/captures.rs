//! The SIP messages of calls on disk: a file an hour, a line for each call, and where each line is.
//!
//! ```text
//!   captures/2026-11-22T20.jsonl   {"call":"9f..","messages":[..]}      one line a call
//!   captures/2026-11-22T20.index   9f.. 8192 4096                       call, offset, length
//! ```
//! A call is in the file of the hour in which it was written, a moment after its end. Lines are
//! only ever added; a crash costs what was not written, and a torn last line is cut off. The index
//! can be made anew from the lines, and is, where it is behind them. Old hours are deleted whole.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tracing::warn;

use super::journal::whole_lines;
use crate::capture::Captured;
use crate::clock::Wall;

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct CaptureLimits {
    pub days: u32,
    pub bytes: u64,
}

/// The writing end; one thread has it.
pub struct Captures {
    folder: PathBuf,
    limits: CaptureLimits,
    hour: Option<Hour>,
}

/// The files of the hour that it is.
struct Hour {
    name: String,
    lines: File,
    index: File,
    length: u64,
    dirty: bool,
}

/// As much of a line as the index needs.
#[derive(Deserialize)]
struct Called {
    call: String,
}

const LINES: &str = "jsonl";
const INDEX: &str = "index";
const HOUR: i64 = 3600;

impl Captures {
    pub fn open(folder: &Path, limits: CaptureLimits) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self { folder: folder.to_owned(), limits, hour: None })
    }

    /// Adds a call.
    pub fn keep(&mut self, call: &Captured, now: Wall) -> io::Result<()> {
        let name = hour(now);
        if self.hour.as_ref().is_none_or(|it| it.name != name) {
            self.sync()?;
            self.hour = None;
            self.tidy(now)?;
            self.hour = Some(Hour::open(&self.folder, name)?);
        }
        let Some(hour) = &mut self.hour else { return Ok(()) };
        let mut line = serde_json::to_vec(call).map_err(io::Error::other)?;
        line.push(b'\n');
        let added = hour.add(&call.call, &line);
        if added.is_err() {
            // What is half written is cut off when the files are opened again.
            self.hour = None;
        }
        added
    }

    /// Makes sure that what was kept survives a power cut.
    pub fn sync(&mut self) -> io::Result<()> {
        let Some(hour) = self.hour.as_mut().filter(|it| it.dirty) else { return Ok(()) };
        hour.dirty = false;
        hour.lines.sync_data()?;
        hour.index.sync_data()
    }

    /// Deletes what is too old, and the oldest of what is too much; the hour that it is stays.
    pub fn tidy(&mut self, now: Wall) -> io::Result<()> {
        let seconds = i64::from(self.limits.days) * 24 * HOUR;
        let oldest = hour(Wall::from_unix_micros((now.unix_seconds() - seconds) * 1_000_000));
        let mut sizes = Vec::new();
        for name in hours(&self.folder)? {
            let size = fs::metadata(self.folder.join(&name).with_extension(LINES));
            sizes.push((size.map_or(0, |it| it.len()), name));
        }
        let mut total: u64 = sizes.iter().map(|it| it.0).sum();
        for (size, name) in sizes {
            if hour(now) <= name || (oldest <= name && total <= self.limits.bytes) {
                break;
            }
            for kind in [LINES, INDEX] {
                match fs::remove_file(self.folder.join(&name).with_extension(kind)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => (),
                }
            }
            total -= size;
        }
        Ok(())
    }
}

impl Hour {
    fn open(folder: &Path, name: String) -> io::Result<Self> {
        let open = |kind: &str| {
            let path = folder.join(&name).with_extension(kind);
            OpenOptions::new().create(true).read(true).write(true).truncate(false).open(path)
        };
        let (mut lines, mut index) = (open(LINES)?, open(INDEX)?);
        let length = lines.metadata()?.len();
        let whole = whole_lines(&mut lines, length)?;
        if whole < length {
            warn!(hour = name, bytes = length - whole, "a torn last line of captures was cut off");
            lines.set_len(whole)?;
        }
        mend(&mut lines, &mut index, whole)?;
        lines.seek(SeekFrom::End(0))?;
        index.seek(SeekFrom::End(0))?;
        Ok(Self { name, lines, index, length: whole, dirty: false })
    }

    fn add(&mut self, call: &str, line: &[u8]) -> io::Result<()> {
        self.dirty = true;
        self.lines.write_all(line)?;
        let entry = entry(call, self.length, line.len());
        self.length += line.len() as u64;
        self.index.write_all(entry.as_bytes())
    }
}

/// Makes the index name all lines, and nothing else.
fn mend(lines: &mut File, index: &mut File, length: u64) -> io::Result<()> {
    let (mut known, mut end) = (0, 0);
    index.seek(SeekFrom::Start(0))?;
    for text in BufReader::new(&*index).split(b'\n') {
        let text = text?;
        let read = std::str::from_utf8(&text).ok().and_then(place);
        match read {
            Some((_, from, size)) if from == end && end + size <= length => end = from + size,
            _ => break,
        }
        known += text.len() as u64 + 1;
    }
    known = known.min(index.metadata()?.len());
    index.set_len(known)?;
    index.seek(SeekFrom::End(0))?;
    lines.seek(SeekFrom::Start(end))?;
    for line in BufReader::new(&*lines).split(b'\n') {
        let line = line?;
        // A line that nobody can read is passed over, and yet takes its place.
        let call = serde_json::from_slice::<Called>(&line).map_or("?".to_owned(), |it| it.call);
        let size = line.len() + 1;
        index.write_all(entry(&call, end, size).as_bytes())?;
        end += size as u64;
    }
    Ok(())
}

fn entry(call: &str, from: u64, size: usize) -> String {
    format!("{call} {from} {size}\n")
}

fn place(entry: &str) -> Option<(&str, u64, u64)> {
    let (rest, size) = entry.rsplit_once(' ')?;
    let (call, from) = rest.rsplit_once(' ')?;
    Some((call, from.parse().ok()?, size.parse().ok()?))
}

/// The name of an hour, in UTC: `2026-11-22T20`. Later ones are greater.
fn hour(at: Wall) -> String {
    let seconds = at.unix_seconds().div_euclid(HOUR) * HOUR;
    let at = jiff::Timestamp::from_second(seconds).unwrap_or_default();
    at.strftime("%Y-%m-%dT%H").to_string()
}

/// The hours that there are, earliest first.
fn hours(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new(LINES))
            && let Some(name) = path.file_stem().and_then(OsStr::to_str)
        {
            found.push(name.to_owned());
        }
    }
    found.sort();
    Ok(found)
}

/// What is kept of a call that came at `since`; `None` if nothing is.
pub fn captured(folder: &Path, call: &str, since: Wall) -> io::Result<Option<Captured>> {
    let first = hour(since);
    let hours = match hours(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        hours => hours?,
    };
    for name in hours.iter().filter(|it| first <= **it) {
        let path = folder.join(name).with_extension(INDEX);
        let index = match File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            index => index?,
        };
        let mut found = None;
        for line in BufReader::new(index).lines() {
            let line = line?;
            if let Some((_, from, size)) = place(&line).filter(|it| it.0 == call) {
                found = Some((from, size));
            }
        }
        let Some((from, size)) = found else { continue };
        let mut lines = File::open(folder.join(name).with_extension(LINES))?;
        lines.seek(SeekFrom::Start(from))?;
        let mut line = Vec::new();
        lines.take(size).read_to_end(&mut line)?;
        return serde_json::from_slice(&line).map(Some).map_err(io::Error::other);
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::capture::Message;
    use crate::sip::Transport;

    /// 2026-11-22 20:00 UTC.
    const EVENING: i64 = 1_795_377_600;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let name = format!("crosspoint-captures-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            drop(fs::remove_dir_all(&path));
            Self(path)
        }

        fn open(&self) -> Captures {
            Captures::open(&self.0, CaptureLimits { days: 2, bytes: 1 << 30 }).unwrap()
        }

        fn look(&self, call: &str) -> Option<Captured> {
            captured(&self.0, call, at(0)).unwrap()
        }

        fn file(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    fn at(minutes: i64) -> Wall {
        Wall::from_unix_micros((EVENING + minutes * 60) * 1_000_000)
    }

    fn call(id: &str, text: &'static str) -> Captured {
        let message = Message {
            at: at(0),
            from: "192.0.2.1:5060".parse().unwrap(),
            to: "192.0.2.2:5060".parse().unwrap(),
            transport: Transport::Udp,
            heard: true,
            bytes: Bytes::from_static(text.as_bytes()),
        };
        Captured { call: id.into(), left_out: 0, messages: vec![message] }
    }

    #[test]
    fn calls_are_found_by_their_id_in_the_hour_of_their_end() {
        let folder = Folder::new("found");
        assert_eq!(captured(&folder.0, "a", at(0)).unwrap(), None, "there is not even a folder");
        let mut captures = folder.open();
        for (id, minutes) in [("a", 0), ("b", 30), ("c", 61), ("b2", 62)] {
            captures.keep(&call(id, "INVITE"), at(minutes)).unwrap();
        }
        for id in ["a", "b", "c", "b2"] {
            assert_eq!(folder.look(id), Some(call(id, "INVITE")));
        }
        assert_eq!(folder.look("d"), None);
        let late = captured(&folder.0, "a", at(60)).unwrap();
        assert_eq!(late, None, "a call is not kept before it came");
        assert!(folder.file("2026-11-22T20.jsonl").exists());
        assert!(folder.file("2026-11-22T21.index").exists());
    }

    #[test]
    fn what_is_written_again_counts_the_second_time() {
        let folder = Folder::new("again");
        let mut captures = folder.open();
        captures.keep(&call("a", "INVITE"), at(0)).unwrap();
        captures.keep(&call("a", "BYE"), at(1)).unwrap();
        assert_eq!(folder.look("a"), Some(call("a", "BYE")));
    }

    #[test]
    fn a_torn_line_and_an_index_that_is_behind_or_ahead_are_mended() {
        let folder = Folder::new("torn");
        let mut captures = folder.open();
        for id in ["a", "b", "c"] {
            captures.keep(&call(id, "INVITE"), at(0)).unwrap();
        }
        let (lines, index) =
            (folder.file("2026-11-22T20.jsonl"), folder.file("2026-11-22T20.index"));
        let (whole, names) = (fs::read(&lines).unwrap(), fs::read(&index).unwrap());
        for cut in 0..whole.len() {
            for known in [0, names.len() / 2, names.len()] {
                fs::write(&lines, &whole[..cut]).unwrap();
                fs::write(&index, &names[..known]).unwrap();
                let mut captures = folder.open();
                captures.keep(&call("d", "BYE"), at(2)).unwrap();
                let there = whole[..cut].iter().filter(|it| **it == b'\n').count();
                for (n, id) in ["a", "b", "c"].into_iter().enumerate() {
                    let wanted = (n < there).then(|| call(id, "INVITE"));
                    assert_eq!(folder.look(id), wanted, "cut at {cut}, {known} known");
                }
                assert_eq!(folder.look("d"), Some(call("d", "BYE")), "cut at {cut}");
            }
        }
    }

    #[test]
    fn what_is_too_old_or_too_much_goes() {
        let folder = Folder::new("old");
        let mut captures = folder.open();
        for hours in [0, 1, 24, 48] {
            captures.keep(&call(&format!("h{hours}"), "INVITE"), at(hours * 60)).unwrap();
        }
        assert_eq!(hours(&folder.0).unwrap().len(), 4);
        captures.keep(&call("h49", "INVITE"), at(49 * 60)).unwrap();
        assert_eq!((folder.look("h0"), folder.look("h1").is_some()), (None, true));
        let size = fs::metadata(folder.file("2026-11-23T20.jsonl")).unwrap().len();
        captures.limits.bytes = 3 * size;
        captures.tidy(at(49 * 60)).unwrap();
        let left: Vec<_> = ["h1", "h24", "h48", "h49"]
            .into_iter()
            .filter(|it| folder.look(it).is_some())
            .collect();
        assert_eq!(left, ["h24", "h48", "h49"]);
        captures.limits.bytes = 0;
        captures.tidy(at(49 * 60)).unwrap();
        assert!(folder.look("h49").is_some(), "the hour that it is stays");
    }

    #[test]
    fn a_disk_that_refused_is_written_again_later_without_half_lines() {
        let folder = Folder::new("refused");
        let mut captures = folder.open();
        captures.keep(&call("a", "INVITE"), at(0)).unwrap();
        let lines = folder.file("2026-11-22T20.jsonl");
        captures.hour.as_mut().unwrap().lines = File::open(&lines).unwrap();
        assert!(captures.keep(&call("b", "INVITE"), at(1)).is_err(), "opened for reading only");
        fs::OpenOptions::new().append(true).open(&lines).unwrap().write_all(b"{\"call\":").unwrap();
        captures.keep(&call("c", "INVITE"), at(2)).unwrap();
        assert_eq!((folder.look("a").is_some(), folder.look("b")), (true, None));
        assert_eq!(folder.look("c"), Some(call("c", "INVITE")));
    }
}
