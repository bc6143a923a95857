//! What is to be done with one recording, and what its row says then.

use std::sync::Arc;
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
    /// The storage of the plan is the one that the row says.
    pub addressed: bool,
}

/// Something to be done with a recording. All of it can be done again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read the plain file: by its sum it is known again.
    Sum,
    /// Write the sealed file beside the plain one.
    Seal,
    /// The sealed file is there already: only the row does not know.
    KnowSealed,
    /// The sealed file is gone, and the plain one is there.
    KnowPlain,
    /// The plain file goes: the row says that the sealed one is whole.
    DropPlain,
    /// The row says into which storage it goes, before it goes.
    Address,
    /// Take it to the object storage, and see that it arrived whole.
    Upload,
    /// There is no file. The storage may have it though its row was lost.
    Look,
    /// The local copy goes: the row says that the object is whole, or that all of it goes.
    DropLocal,
    /// Its time is up: from now on nobody gets it.
    Leave,
    /// All that is left of it goes, the object as well if there may be one.
    Erase { object: bool },
}

/// What was seen of a recording while a step was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// How long its file is now.
    pub bytes: Option<u64>,
    pub sum: Option<Arc<str>>,
    pub place: Option<Arc<str>>,
    /// Whether it is sealed where it was found.
    pub sealed: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    Do(Step),
    /// Nothing until then: somebody is not ready.
    Wait(Wall),
    /// Nothing until then: it is where it should be.
    Rest(Wall),
    /// Neither file is there, though the row says so, and there is nobody to ask.
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
        let there = row.state == RecordingState::Uploaded || !row.place.is_empty();
        let object = there || plan.upload;
        let step = Step::Erase { object };
        return if object { objects(step) } else { Next::Do(step) };
    }
    if is_over(row, now) {
        return gates.doubt(now).map_or(Next::Do(Step::Leave), Next::Wait);
    }
    if row.state == RecordingState::Uploaded {
        return match found.plain || found.sealed {
            true => Next::Do(Step::DropLocal),
            false => Next::Rest(rest(row)),
        };
    }
    let elsewhere = || match (plan.upload, found.addressed) {
        (false, _) => Next::Rest(rest(row)),
        (true, false) => Next::Do(Step::Address),
        (true, true) => objects(Step::Upload),
    };
    match (row.encrypted, found.plain, found.sealed) {
        (_, false, false) if plan.upload => objects(Step::Look),
        (_, false, false) => Next::Missing,
        (true, true, true) => Next::Do(Step::DropPlain),
        (true, false, true) => elsewhere(),
        (true, true, false) => Next::Do(Step::KnowPlain),
        (false, true, _) if row.sum.is_empty() => Next::Do(Step::Sum),
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
    if row.state != RecordingState::Local || row.leaving.is_some() {
        return None;
    }
    if is_over(row, now) {
        return gates.doubt(now);
    }
    if !row.encrypted && (plan.seal || row.sum.is_empty()) {
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

/// The row of a recording with which this was done, and of which that was seen.
pub fn done(row: &StoredRecording, step: Step, seen: &Seen, by: &str) -> StoredRecording {
    let mut row = StoredRecording { attempts: 0, why: "".into(), ..row.clone() };
    row.bytes = seen.bytes.unwrap_or(row.bytes);
    row.sum = seen.sum.clone().unwrap_or(row.sum);
    row.place = seen.place.clone().unwrap_or(row.place);
    row.encrypted = seen.sealed.unwrap_or(row.encrypted);
    match step {
        Step::Seal | Step::KnowSealed => row.encrypted = true,
        Step::KnowPlain => row.encrypted = false,
        Step::Upload | Step::Look => row.state = RecordingState::Uploaded,
        Step::Leave => row.leaving = Some(by.into()),
        Step::Erase { .. } => (row.state, row.due) = (RecordingState::Deleted, NEVER),
        Step::Sum | Step::Address | Step::DropPlain | Step::DropLocal => (),
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
