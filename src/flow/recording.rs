//! Whether a call is recorded, whether the caller is told, and how long it may last.

use std::time::Duration;

use crate::clock::Wall;
use crate::model::{CallSettings, Prompt, ReceivingNumber};

/// How long before the end of a call whose time is over the warning tone sounds.
pub const WARNING: Duration = Duration::from_secs(10);

/// Why a connected leg is not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unrecorded {
    /// The destination forbids it. Beats everything, the start code too.
    PreventRecording,
    /// The call settings do not ask for it. The start code may.
    NotAsked,
}

impl Unrecorded {
    /// As the call record says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreventRecording => "prevent_recording",
            Self::NotAsked => "call_settings",
        }
    }
}

/// `settings.record AND NOT prevent_recording` (PRODUCT section 2.3), asked at each connection.
pub fn recorded(to: &ReceivingNumber, settings: &CallSettings) -> Result<(), Unrecorded> {
    may_record(to.prevent_recording, settings)
}

/// The same for whoever else may be connected, such as a virtual agent.
pub fn may_record(prevented: bool, settings: &CallSettings) -> Result<(), Unrecorded> {
    match (prevented, settings.record) {
        (true, _) => Err(Unrecorded::PreventRecording),
        (false, false) => Err(Unrecorded::NotAsked),
        (false, true) => Ok(()),
    }
}

/// What the caller is told about recording; nothing if no candidate may be recorded.
pub fn recording_notice<'a, 'b>(
    settings: &'a CallSettings,
    candidates: impl IntoIterator<Item = &'b ReceivingNumber>,
) -> Option<&'a Prompt> {
    let notice = settings.recording_notice.as_ref()?;
    candidates.into_iter().any(|to| recorded(to, settings).is_ok()).then_some(notice)
}

/// How long a connected call may last, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Counted from connection.
    pub talk: Duration,
    /// The reason in the call's cause: `max_duration` or `after_hours_limit`.
    pub reason: &'static str,
}

/// The limit of a call that arrived at `arrived` and is connected to `to`.
pub fn longest_talk(to: &ReceivingNumber, settings: &CallSettings, arrived: Wall) -> Limit {
    let outside = to.tagging_schedule.as_ref().is_some_and(|it| !it.is_open(arrived));
    match to.after_hours_limit {
        Some(talk) if outside && talk < settings.max_duration => {
            Limit { talk, reason: "after_hours_limit" }
        }
        _ => Limit { talk: settings.max_duration, reason: "max_duration" },
    }
}
