//! Whether a connection is recorded, and what became of it (PRODUCT section 2.3); and the tape of a
//! message, which is the caller's own and nobody's to veto.
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
//! Each connection has a tape, or the reason why not, of its own: a call that goes on to another
//! destination leaves the first tape closed behind it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::story::{Story, Turn};
use super::{Effect, Leg, Refused, TapeEvent};
use crate::clock::Wall;
use crate::flow::Unrecorded;
use crate::model::event::What;
use crate::model::record::Recording;

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
    /// Starts recording the caller, and the destination that is connected to it if it is one.
    pub fn start_tape(&mut self, callee: Option<Leg>, turn: &mut Turn<'_>) {
        let page = self.page(callee);
        if self.begin_recording(page, Tape::Running) {
            self.run_tape(callee, turn);
        }
    }

    /// There will be no recording of this connection.
    pub fn prevent_tape(&mut self, callee: Option<Leg>, why: Unrecorded, turn: &mut Turn<'_>) {
        let tape = match why {
            Unrecorded::PreventRecording => Tape::Vetoed,
            Unrecorded::NotAsked => Tape::None,
        };
        let why = why.as_str().to_owned();
        let page = self.page(callee);
        if self.begin_recording(page, tape)
            && let Some(recording) = self.record.recordings.last_mut()
        {
            recording.prevented = Some(why.clone());
        }
        self.note(What::RecordingPrevented { why }, turn);
    }

    /// Whether recording can be started, or stopped, now.
    pub fn may_tape(&self, on: bool) -> Result<(), Refused> {
        match (self.tapes.last(), on) {
            (Some(Tape::None | Tape::Muted), true) | (Some(Tape::Running), false) => Ok(()),
            (Some(Tape::Running), true) => Err(Refused::Recorded),
            (Some(Tape::Vetoed), true) => Err(Refused::Prevented),
            (Some(Tape::Closing | Tape::Closed), true) => Err(Refused::Disk),
            (None, true) => Err(Refused::NotConnected),
            (_, false) => Err(Refused::NotRecorded),
        }
    }

    /// The start code was dialled, or it was started by command. It never overrides a veto.
    pub fn tape_on(&mut self, callee: Option<Leg>, turn: &mut Turn<'_>) {
        match self.tapes.last_mut() {
            Some(tape @ Tape::None) => {
                *tape = Tape::Running;
                self.run_tape(callee, turn);
            }
            Some(tape @ Tape::Muted) => {
                *tape = Tape::Running;
                turn.say(Effect::TapeMute { tape: self.tape_number(), mute: false });
                let file = self.record.recordings.last().and_then(|it| it.file.clone());
                self.note(What::RecordingStarted { file: file.unwrap_or_default() }, turn);
            }
            Some(Tape::Vetoed | Tape::Running | Tape::Closing | Tape::Closed) | None => (),
        }
    }

    /// The stop code was dialled, or it was stopped by command.
    pub fn tape_off(&mut self, by: &str, turn: &mut Turn<'_>) {
        let (Some(tape), Some(recording)) =
            (self.tapes.last_mut(), self.record.recordings.last_mut())
        else {
            return;
        };
        if *tape == Tape::Running {
            *tape = Tape::Muted;
            recording.stopped_by = Some(by.to_owned());
            turn.say(Effect::TapeMute { tape: self.tape_number(), mute: true });
            self.note(What::RecordingStopped { by: by.to_owned() }, turn);
        }
    }

    /// The connection is over, and the tape with it.
    pub fn end_tape(&mut self, by: &str, turn: &mut Turn<'_>) {
        let Some(tape) = self.tapes.last().copied() else { return };
        if matches!(tape, Tape::Running | Tape::Muted) {
            let number = self.tape_number();
            if tape == Tape::Running {
                self.note(What::RecordingStopped { by: by.to_owned() }, turn);
            }
            self.set_tape(number, Tape::Closing);
            self.measure_tape(number, turn);
            turn.say(Effect::TapeEnd { tape: number, keep: true });
        }
    }

    /// Starts recording the caller alone, who leaves a message. False if it cannot be.
    pub fn start_message(&mut self, voicemail: &Arc<str>, turn: &mut Turn<'_>) -> bool {
        let page = Recording { voicemail: Some(Arc::clone(voicemail)), ..Recording::default() };
        let begun = self.begin_recording(page, Tape::Running);
        if begun {
            self.run_tape(None, turn);
        }
        begun
    }

    /// Whether a tape runs: the disk may have ended it.
    pub fn is_taping(&self) -> bool {
        matches!(self.tapes.last(), Some(Tape::Running | Tape::Muted))
    }

    /// The message is over: its file and length in milliseconds, if it is kept.
    pub fn end_message(
        &mut self,
        keep: bool,
        by: Option<&str>,
        turn: &mut Turn<'_>,
    ) -> Option<(Arc<str>, u64)> {
        let number = self.tape_number();
        if self.is_taping() {
            self.note(What::RecordingStopped { by: by.unwrap_or("end_of_call").to_owned() }, turn);
            self.set_tape(number, Tape::Closing);
            self.measure_tape(number, turn);
            turn.say(Effect::TapeEnd { tape: number, keep });
        }
        let recording = self.recording(number)?;
        recording.stopped_by = recording.stopped_by.take().or(by.map(str::to_owned));
        if keep {
            return Some((recording.file.clone()?, recording.length_ms));
        }
        let why = match recording.stopped_by.as_deref() {
            Some("disk") => "disk",
            _ => "no_message",
        };
        *recording = Recording {
            voicemail: recording.voicemail.take(),
            prevented: Some(why.to_owned()),
            ..Recording::default()
        };
        None
    }

    /// What the disk says.
    pub fn on_tape(&mut self, number: u8, event: &TapeEvent, turn: &mut Turn<'_>) {
        let at = usize::from(number).wrapping_sub(1);
        let Some(before) = self.tapes.get(at).copied() else { return };
        if matches!(event, TapeEvent::Failed | TapeEvent::Closed { .. }) {
            self.tape_lost(number, before, turn);
        }
        let after = self.tapes.get(at).copied();
        let Some(recording) = self.record.recordings.get_mut(at) else { return };
        match event {
            TapeEvent::Gap { ms } => {
                recording.lost_ms = recording.lost_ms.saturating_add(u64::from(*ms));
            }
            TapeEvent::Failed if before == Tape::Closing => {
                recording.stopped_by = Some("disk".to_owned());
            }
            // Media would lay sound on it for ever.
            TapeEvent::Failed if matches!(before, Tape::Running | Tape::Muted) => {
                turn.say(Effect::TapeEnd { tape: number, keep: true });
            }
            TapeEvent::Closed { ms } if after == Some(Tape::Closed) && recording.file.is_some() => {
                recording.length_ms = *ms;
            }
            TapeEvent::Failed | TapeEvent::Closed { .. } => (),
        }
    }

    /// The file is closed: as we asked for, or because the disk would have no more of it.
    fn tape_lost(&mut self, number: u8, tape: Tape, turn: &mut Turn<'_>) {
        match tape {
            Tape::Running | Tape::Muted => {
                if tape == Tape::Running {
                    self.note(What::RecordingStopped { by: "disk".to_owned() }, turn);
                }
                self.measure_tape(number, turn);
                if let Some(recording) = self.recording(number) {
                    recording.stopped_by = Some("disk".to_owned());
                }
                self.set_tape(number, Tape::Closed);
            }
            Tape::Closing => self.set_tape(number, Tape::Closed),
            Tape::None | Tape::Vetoed | Tape::Closed => (),
        }
    }

    /// A connection or message begins: its page, and its tape. False if the call has had too many.
    fn begin_recording(&mut self, page: Recording, tape: Tape) -> bool {
        if usize::from(u8::MAX) <= self.tapes.len() {
            return false;
        }
        self.tapes.push(tape);
        self.record.recordings.push(page);
        true
    }

    /// The page of a connection to this leg, or to the virtual agent that is there.
    fn page(&self, callee: Option<Leg>) -> Recording {
        let agent = self.record.virtual_agents.last().filter(|_| callee.is_none());
        let virtual_agent = agent.map(|it| Arc::clone(&it.agent));
        Recording { leg: callee.map(|it| it.0), virtual_agent, ..Recording::default() }
    }

    fn run_tape(&mut self, right: Option<Leg>, turn: &mut Turn<'_>) {
        let number = self.tape_number();
        let file: Arc<str> = match number {
            0 | 1 => format!("{}.wav", self.facts.call).into(),
            number => format!("{}-{number}.wav", self.facts.call).into(),
        };
        if let Some(recording) = self.recording(number) {
            recording.file = Some(Arc::clone(&file));
            recording.started_at = Some(turn.now.wall);
            recording.prevented = None;
        }
        let left = Leg::CALLER;
        turn.say(Effect::Tape { tape: number, left, right, file: Arc::clone(&file) });
        self.note(What::RecordingStarted { file }, turn);
    }

    /// The number of the connection's tape: its place among the record's recordings, from 1.
    fn tape_number(&self) -> u8 {
        u8::try_from(self.tapes.len()).unwrap_or(u8::MAX)
    }

    fn set_tape(&mut self, number: u8, to: Tape) {
        if let Some(tape) = self.tapes.get_mut(usize::from(number).wrapping_sub(1)) {
            *tape = to;
        }
    }

    fn recording(&mut self, number: u8) -> Option<&mut Recording> {
        self.record.recordings.get_mut(usize::from(number).wrapping_sub(1))
    }

    /// The recording's length by our own clock, until the disk says its.
    fn measure_tape(&mut self, number: u8, turn: &Turn<'_>) {
        let Some(recording) = self.recording(number) else { return };
        let since = recording.started_at.unwrap_or(turn.now.wall);
        recording.length_ms = millis_between(since, turn.now.wall);
    }
}

fn millis_between(from: Wall, to: Wall) -> u64 {
    u64::try_from((to.unix_micros() - from.unix_micros()) / 1000).unwrap_or(0)
}
