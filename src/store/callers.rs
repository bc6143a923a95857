//! Who called before a restart, and what accounts have spent, from the records that are kept.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::clock::Wall;
use crate::model::record::{CalledOut, RecordState};

/// Bytes of records that are read, the newest: what a start may take stays bounded.
const READ_MAX: u64 = 1 << 30;

/// As much of a record as is asked for.
#[derive(Debug, Deserialize)]
pub struct PastCall {
    state: RecordState,
    #[serde(default)]
    pub caller: String,
    pub received_at: Wall,
    #[serde(default)]
    pub ended_at: Option<Wall>,
    /// Of a call out.
    #[serde(default)]
    pub called_out: Option<CalledOut>,
}

/// Tells each call in `folder` that came at `since` or later, the earlier first as far as the files
/// are in order. Lines that cannot be read are left out.
pub fn past_callers(folder: &Path, since: Wall, mut tell: impl FnMut(&PastCall)) -> io::Result<()> {
    let since_file = SystemTime::UNIX_EPOCH
        + Duration::from_micros(u64::try_from(since.unix_micros()).unwrap_or(0));
    // A file that was last written to before then has no call since.
    for path in recent(folder, |written, _| since_file <= written)? {
        for line in BufReader::new(File::open(path)?).split(b'\n') {
            let Ok(call) = serde_json::from_slice::<PastCall>(&line?) else { continue };
            if call.state != RecordState::InProgress && since <= call.received_at {
                tell(&call);
            }
        }
    }
    Ok(())
}

/// The files of records that were `written` late enough (the second moment is the newest file's),
/// the oldest first, as far as they may be read at a start.
pub(super) fn recent(
    folder: &Path,
    late_enough: impl Fn(SystemTime, SystemTime) -> bool,
) -> io::Result<Vec<PathBuf>> {
    let all = records(folder)?;
    let Some(newest) = all.first().map(|it| it.0) else { return Ok(Vec::new()) };
    let mut bytes = 0;
    let wanted = all.into_iter().take_while(|(written, length, _)| {
        let room = bytes <= READ_MAX;
        bytes += length;
        room && late_enough(*written, newest)
    });
    let mut chosen: Vec<PathBuf> = wanted.map(|it| it.2).collect();
    chosen.reverse();
    Ok(chosen)
}

/// `calls.jsonl` and then those set aside, the newest first.
fn records(folder: &Path) -> io::Result<Vec<(SystemTime, u64, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        if name.starts_with("calls.") && name.ends_with(".jsonl") {
            let about = fs::metadata(&path)?;
            found.push((about.modified()?, about.len(), path));
        }
    }
    let is_current = |path: &Path| path.ends_with("calls.jsonl");
    found.sort_by(|a, b| (is_current(&b.2), b).cmp(&(is_current(&a.2), a)));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(caller: &str, state: &str, seconds: i64) -> String {
        let at = serde_json::to_string(&Wall::from_unix_micros(seconds * 1_000_000)).unwrap();
        format!(
            r#"{{"id":"x","state":"{state}","caller":"{caller}","legs":[],"received_at":{at}}}"#
        )
    }

    #[test]
    fn what_an_account_has_talked_outside_is_told_with_its_calls() {
        let folder = std::env::temp_dir().join(format!("crosspoint-spent-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let out = line("ann", "ended", 100);
        let out =
            out.replace(r#""legs""#, r#""called_out":{"account":"ann","talk_ms":90000},"legs""#);
        fs::write(folder.join("calls.jsonl"), format!("{out}\n{}\n", line("+1", "ended", 101)))
            .unwrap();
        let mut told = Vec::new();
        past_callers(&folder, Wall::from_unix_micros(0), |it| {
            told.extend(it.called_out.clone().map(|it| (it.account.to_string(), it.talk_ms)));
        })
        .unwrap();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(told, [("ann".to_owned(), 90_000)]);
    }

    #[test]
    fn the_calls_of_the_time_are_told_and_no_others() {
        let folder =
            std::env::temp_dir().join(format!("crosspoint-callers-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let write = |name: &str, lines: &[String]| {
            fs::write(folder.join(name), lines.join("\n") + "\n").unwrap();
        };
        write("calls.00001.jsonl", &[line("+1", "ended", 99), line("+2", "ended", 100)]);
        let early = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let older = File::options().write(true).open(folder.join("calls.00001.jsonl")).unwrap();
        older.set_modified(early).unwrap();
        write(
            "calls.jsonl",
            &[
                line("+3", "in_progress", 200),
                "torn".to_owned(),
                line("+3", "ended", 200),
                line("+4", "interrupted", 201),
            ],
        );
        write("events.jsonl", &[line("+5", "ended", 300)]);
        let mut told = Vec::new();
        let since = Wall::from_unix_micros(100_000_000);
        past_callers(&folder, since, |it| {
            told.push((it.caller.clone(), it.received_at.unix_seconds()));
        })
        .unwrap();
        fs::remove_dir_all(&folder).unwrap();
        let wanted = [("+2", 100), ("+3", 200), ("+4", 201)];
        assert_eq!(told, wanted.map(|(caller, at)| (caller.to_owned(), at)));
        assert!(past_callers(Path::new("/nonexistent"), since, |_| ()).is_err());
    }
}
