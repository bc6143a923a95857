//! What is to be done with one recording, and what its row says then.

use std::time::Duration;

use super::gate::{cut, wait};
use super::{Gates, NEVER, RecordingState, StoredRecording};
use crate::clock::Wall;

/// How long a file that is still written to is left alone.
const GROWING: Duration = Duration::from_secs(10);
/// The longest wait of a file that fails on its own account.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// What the configuration wants done with recordings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub seal: bool,
    pub upload: bool,
}

/// What the folder has of a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// `X.wav`
    pub plain: bool,
    /// `X.wav.age`, which is there whole or not at all.
    pub sealed: bool,
    /// `X.wav.part`, and it was written to just now.
    pub growing: bool,
}

/// Something to be done with a recording. All of it can be done again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Write the sealed file beside the plain one.
    Seal,
    /// The sealed file is there already: only the row does not know.
    KnowSealed,
    /// The sealed file is gone, and the plain one is there.
    KnowPlain,
    /// The plain file goes: the row says that the sealed one is whole.
    DropPlain,
    /// Take it to the object storage, and see that it arrived whole.
    Upload,
    /// The local copy goes: the row says that the object is whole, or that all of it goes.
    DropLocal,
    /// Its time is up: from now on nobody gets it.
    Leave,
    /// All that is left of it goes, the object as well if there may be one.
    Erase { object: bool },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Do(Step),
    /// Nothing until then: somebody is not ready.
    Wait(Wall),
    /// Nothing until then: it is where it should be.
    Rest(Wall),
    /// Neither file is there, though the row says so.
    Missing,
}

/// What is to be done with this recording now.
pub fn next(row: &StoredRecording, plan: Plan, found: Found, gates: &Gates, now: Wall) -> Next {
    if row.state == RecordingState::Deleted {
        return Next::Rest(NEVER);
    }
    // Who writes it closes it soon: its call is over.
    if found.growing {
        return Next::Wait(now + GROWING);
    }
    let objects = |step| match gates.objects.closed(now) {
        Some(until) => Next::Wait(until),
        None => Next::Do(step),
    };
    if row.leaving.is_some() {
        // What is here need not wait for who is away.
        if found.plain || found.sealed {
            return Next::Do(Step::DropLocal);
        }
        // An upload may have come to its end without its row.
        let object = row.state == RecordingState::Uploaded || plan.upload;
        let step = Step::Erase { object };
        return if object { objects(step) } else { Next::Do(step) };
    }
    if is_over(row, now) {
        return Next::Do(Step::Leave);
    }
    if row.state == RecordingState::Uploaded {
        return match found.plain || found.sealed {
            true => Next::Do(Step::DropLocal),
            false => Next::Rest(rest(row)),
        };
    }
    let elsewhere = || if plan.upload { objects(Step::Upload) } else { Next::Rest(rest(row)) };
    match (row.encrypted, found.plain, found.sealed) {
        (_, false, false) => Next::Missing,
        (true, true, true) => Next::Do(Step::DropPlain),
        (true, false, true) => elsewhere(),
        (true, true, false) => Next::Do(Step::KnowPlain),
        (false, true, _) if plan.seal => match gates.sealing.closed(now) {
            Some(until) => Next::Wait(until),
            None => Next::Do(Step::Seal),
        },
        (false, true, false) => elsewhere(),
        (false, _, true) => Next::Do(Step::KnowSealed),
    }
}

/// When a recording is to be looked at again that nothing can be done with now, as far as its row
/// can tell; `None` if something may have to be done.
pub fn idle(row: &StoredRecording, plan: Plan, gates: &Gates, now: Wall) -> Option<Wall> {
    if row.state != RecordingState::Local || row.leaving.is_some() || is_over(row, now) {
        return None;
    }
    if plan.seal && !row.encrypted {
        return None;
    }
    match plan.upload {
        true => gates.objects.closed(now),
        false => (!row.encrypted && row.attempts == 0).then(|| rest(row)),
    }
}

fn is_over(row: &StoredRecording, now: Wall) -> bool {
    !row.held && row.keep_until.is_some_and(|it| it <= now)
}

/// Until when nothing happens to a recording that is where it should be.
fn rest(row: &StoredRecording) -> Wall {
    row.keep_until.filter(|_| !row.held).unwrap_or(NEVER)
}

/// The row of a recording with which this was done. `bytes` is what the file has now, if that was
/// seen.
pub fn done(row: &StoredRecording, step: Step, bytes: Option<u64>, by: &str) -> StoredRecording {
    let mut row = StoredRecording { attempts: 0, why: "".into(), ..row.clone() };
    row.bytes = bytes.unwrap_or(row.bytes);
    match step {
        Step::Seal | Step::KnowSealed => row.encrypted = true,
        Step::KnowPlain => row.encrypted = false,
        Step::Upload => row.state = RecordingState::Uploaded,
        Step::Leave => row.leaving = Some(by.into()),
        Step::Erase { .. } => (row.state, row.due) = (RecordingState::Deleted, NEVER),
        Step::DropPlain | Step::DropLocal => (),
    }
    row
}

/// The row of a recording that is where it should be, until then.
pub fn rests(row: &StoredRecording, until: Wall) -> StoredRecording {
    StoredRecording { attempts: 0, why: "".into(), due: until, ..row.clone() }
}

/// The row of a recording that could not be worked on. `chance` is any number, for the jitter.
pub fn failed(row: &StoredRecording, why: &str, chance: u32, now: Wall) -> StoredRecording {
    let attempts = row.attempts.saturating_add(1);
    let again = now + wait(attempts, LONGEST_WAIT, chance);
    let due = match rest(row) {
        over if now < over => over.min(again),
        _ => again,
    };
    StoredRecording { attempts, why: cut(why).into(), due, ..row.clone() }
}
