//! Whether the call is recorded, and what became of it (PRODUCT section 2.3).
//!
//! ```text
//!            connected, may be            stop code
//!   None ---------------------> Running <-----------> Muted
//!     | connected, vetoed          |      start code    |
//!     v                            +---------+----------+
//!   Vetoed                         | end     v failed
//!                                  +--> Closing --> Closed
//! ```
//! A tape is asked for only when both its legs are connected; a veto means that none ever exists.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::story::{Story, Turn};
use super::{Effect, Leg, TapeEvent};
use crate::clock::Wall;
use crate::flow::Unrecorded;
use crate::model::event::What;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Tape {
    /// Nothing was recorded so far, but it may be.
    None,
    /// The destination forbids it.
    Vetoed,
    Running,
    /// Stopped by code: the tape runs on, with silence on it.
    Muted,
    /// Ended by us; its length is still to be told.
    Closing,
    Closed,
}

impl Story {
    /// Starts recording caller and destination, who are connected.
    pub fn start_tape(&mut self, callee: Leg, turn: &mut Turn<'_>) {
        let file: Arc<str> = format!("{}.wav", self.facts.call).into();
        self.tape = Tape::Running;
        self.record.recording.file = Some(Arc::clone(&file));
        self.record.recording.started_at = Some(turn.now.wall);
        turn.say(Effect::Tape { left: Leg::CALLER, right: callee, file: Arc::clone(&file) });
        self.note(What::RecordingStarted { file }, turn);
    }

    /// There will be no recording of this connection.
    pub fn prevent_tape(&mut self, why: Unrecorded, turn: &mut Turn<'_>) {
        self.tape = match why {
            Unrecorded::PreventRecording => Tape::Vetoed,
            Unrecorded::NotAsked => Tape::None,
        };
        let why = why.as_str().to_owned();
        self.record.recording.prevented = Some(why.clone());
        self.note(What::RecordingPrevented { why }, turn);
    }

    /// The start code was dialled. It never overrides a veto.
    pub fn tape_on(&mut self, callee: Leg, turn: &mut Turn<'_>) {
        match self.tape {
            Tape::None => {
                self.record.recording.prevented = None;
                self.start_tape(callee, turn);
            }
            Tape::Muted => {
                self.tape = Tape::Running;
                turn.say(Effect::TapeMute(false));
                let file = self.record.recording.file.clone().unwrap_or_default();
                self.note(What::RecordingStarted { file }, turn);
            }
            Tape::Vetoed | Tape::Running | Tape::Closing | Tape::Closed => (),
        }
    }

    /// The stop code was dialled.
    pub fn tape_off(&mut self, by: &str, turn: &mut Turn<'_>) {
        if self.tape == Tape::Running {
            self.tape = Tape::Muted;
            self.record.recording.stopped_by = Some(by.to_owned());
            turn.say(Effect::TapeMute(true));
            self.note(What::RecordingStopped { by: by.to_owned() }, turn);
        }
    }

    /// The connection is over, and the tape with it.
    pub fn end_tape(&mut self, by: &str, turn: &mut Turn<'_>) {
        if matches!(self.tape, Tape::Running | Tape::Muted) {
            if self.tape == Tape::Running {
                self.note(What::RecordingStopped { by: by.to_owned() }, turn);
            }
            self.tape = Tape::Closing;
            self.measure_tape(turn);
            turn.say(Effect::TapeEnd);
        }
    }

    /// What the disk says.
    pub fn on_tape(&mut self, event: &TapeEvent, turn: &mut Turn<'_>) {
        match event {
            TapeEvent::Gap { ms } => {
                let lost = &mut self.record.recording.lost_ms;
                *lost = lost.saturating_add(u64::from(*ms));
            }
            TapeEvent::Failed => {
                if self.tape == Tape::Closing {
                    self.record.recording.stopped_by = Some("disk".to_owned());
                }
                self.tape_lost(turn);
            }
            TapeEvent::Closed { ms } => {
                self.tape_lost(turn);
                if self.tape == Tape::Closed {
                    self.record.recording.length_ms = *ms;
                }
            }
        }
    }

    /// The file is closed: as we asked for, or because the disk would have no more of it.
    fn tape_lost(&mut self, turn: &mut Turn<'_>) {
        match self.tape {
            Tape::Running | Tape::Muted => {
                if self.tape == Tape::Running {
                    self.note(What::RecordingStopped { by: "disk".to_owned() }, turn);
                }
                self.measure_tape(turn);
                self.record.recording.stopped_by = Some("disk".to_owned());
                self.tape = Tape::Closed;
            }
            Tape::Closing => self.tape = Tape::Closed,
            Tape::None | Tape::Vetoed | Tape::Closed => (),
        }
    }

    /// The recording's length by our own clock, until the disk says its.
    fn measure_tape(&mut self, turn: &Turn<'_>) {
        let recording = &mut self.record.recording;
        let since = recording.started_at.unwrap_or(turn.now.wall);
        recording.length_ms = millis_between(since, turn.now.wall);
    }
}

fn millis_between(from: Wall, to: Wall) -> u64 {
    u64::try_from((to.unix_micros() - from.unix_micros()) / 1000).unwrap_or(0)
}
