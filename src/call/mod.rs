//! One call, from the caller's INVITE to its record.
//!
//! ```text
//!            +--> greeting --+     +-> voicemail ----------------+
//!  entering -+               +-----+-> dialling -+-> talking ----+--> wrapping --> over
//!     ^      +---------------+     +-> waiting --+     |         |
//!     |                            +-> menu, ZIP code  |         |
//!     |                            +-> assisted  |     |       ^ | +-> scoring
//!     |                                |     |   |     |       +-+ transferring
//!     +------ nobody took it, a key ---+-----+---+
//! ```
//! A call is in one [`Phase`] at a time. Each phase is a file of its own and holds only what that
//! phase needs, its timers included, so leaving a phase leaves its timers behind. What outlives
//! the phases (the record, who is on the line) is in the [`Story`]. What to do next is asked of
//! `flow`; SIP and RTP are the switch's.

mod asking;
mod assisted;
mod callers;
mod calling;
mod cause;
mod codes;
mod command;
mod dialling;
mod effect;
mod ending;
mod entering;
mod facts;
mod greeting;
mod legs;
mod log;
mod menu;
mod offering;
mod scoring;
mod sides;
mod story;
mod streams;
mod taking;
mod talking;
mod tape;
mod transfer;
mod voicemail;
mod waiting;
mod zip;

use std::mem;
use std::sync::Arc;

use self::assisted::Assisted;
pub use self::callers::{CALLERS_MAX, Callers};
pub use self::command::{Command, Refused, Target};
use self::dialling::Dialling;
pub use self::effect::{Aim, Effect, Event, Leg, Offer, Referred, TapeEvent};
use self::ending::{Wrapping, end};
pub use self::facts::Facts;
use self::greeting::Greeting;
use self::menu::Menu;
use self::scoring::Scoring;
use self::story::{Caller, Story, Turn};
use self::talking::Talking;
use self::transfer::{Joined, Transferring};
use self::voicemail::Voicemail;
use self::waiting::Waiting;
use self::zip::Zip;
use crate::clock::{Instant, Now};
use crate::desk::Desk;
use crate::model::record::{CallRecord, Cause};
use crate::model::{Directory, ReceivingNumber};

pub struct Call {
    story: Story,
    phase: Phase,
}

enum Phase {
    Greeting(Greeting),
    Assisted(Assisted),
    Menu(Menu),
    Zip(Zip),
    Voicemail(Voicemail),
    Dialling(Dialling),
    Waiting(Waiting),
    Talking(Talking),
    Scoring(Scoring),
    Transferring(Transferring),
    Joined(Joined),
    Wrapping(Wrapping),
    Over,
}

impl Call {
    /// Takes an INVITE from a caller who may call. `directory` is the one this call keeps.
    /// `desk` shows how things are in other calls.
    pub fn new(
        facts: Facts,
        directory: Arc<Directory>,
        desk: &Desk,
        now: Now,
        out: &mut Vec<Effect>,
    ) -> Self {
        let (story, phase) = entering::begin(facts, directory, &mut Turn { now, desk, out });
        Self { story, phase }
    }

    /// Takes one event and writes what is to be done about it to `out`. Whatever is late, doubled
    /// or about a leg that is gone does nothing.
    pub fn on(&mut self, event: Event, desk: &Desk, now: Now, out: &mut Vec<Effect>) {
        let turn = &mut Turn { now, desk, out };
        let story = &mut self.story;
        let phase = mem::replace(&mut self.phase, Phase::Over);
        self.phase = match (phase, &event) {
            (Phase::Over, _) => Phase::Over,
            (phase, Event::Answered { leg }) if story.was_on_the_line(*leg) => {
                story.answered_late(*leg, turn);
                phase
            }
            (phase, Event::Quality { leg, quality }) => {
                story.quality(*leg, (**quality).clone());
                phase.on(&event, story, turn)
            }
            (phase, Event::AnsweredBy { leg, by }) => {
                story.answered_by(*leg, *by);
                phase
            }
            (phase, Event::Tape { tape, told }) => {
                story.on_tape(*tape, told, turn);
                phase.on(&event, story, turn)
            }
            (Phase::Wrapping(phase), event) => phase.on(event, story, turn),
            (phase, Event::Held { leg, on }) => {
                story.hold(*leg, *on);
                phase.on(&event, story, turn)
            }
            (phase, Event::Minutes { left }) => {
                story.share(*left, turn.now.at);
                phase.on(&event, story, turn)
            }
            (Phase::Talking(talk), Event::Transfer { leg, to }) => {
                transfer::ask(talk, *leg, to, story, turn)
            }
            (phase, Event::Transfer { leg, .. }) => {
                transfer::refuse(*leg, cause::no_transfer(603), story, turn);
                phase
            }
            (Phase::Talking(talk), Event::Replace { leg, to }) => {
                taking::take_place(talk, *leg, to, story, turn)
            }
            (Phase::Scoring(phase), event) => phase.on(event, story, turn),
            (Phase::Voicemail(phase), Event::Stop { cause }) => {
                phase.stop(cause.clone(), story, turn)
            }
            (_, Event::Stop { cause }) => end(story, cause.clone(), turn),
            (phase, Event::HungUp { leg: Leg::CALLER, cause }) => {
                story.step("caller hung up", turn);
                story.caller = Caller::Gone;
                phase.caller_gone(cause.clone(), story, turn)
            }
            (phase, Event::ClipMissing { leg }) => {
                story.clip_missing(*leg, turn);
                phase.on(&event, story, turn)
            }
            (phase, event) => phase.on(event, story, turn),
        };
    }

    /// When the call next wants an [`Event::Time`].
    pub fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Greeting(phase) => Some(phase.deadline()),
            Phase::Assisted(phase) => Some(phase.deadline()),
            Phase::Menu(phase) => Some(phase.deadline()),
            Phase::Zip(phase) => Some(phase.deadline()),
            Phase::Voicemail(phase) => Some(phase.deadline()),
            Phase::Dialling(phase) => phase.deadline(&self.story),
            Phase::Waiting(phase) => phase.deadline(),
            Phase::Talking(phase) => Some(phase.deadline()),
            Phase::Scoring(phase) => Some(phase.deadline()),
            Phase::Transferring(phase) => phase.deadline(&self.story),
            Phase::Joined(phase) => Some(phase.deadline()),
            Phase::Wrapping(phase) => Some(phase.deadline()),
            Phase::Over => None,
        }
    }

    /// [`Effect::End`] has been said; nothing changes any more.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// Who talks with this leg, for another call that it wants to put them through to.
    pub fn beside(&self, leg: Leg) -> Option<(Leg, Arc<ReceivingNumber>)> {
        match &self.phase {
            Phase::Talking(talk) => talk.beside(leg, &self.story),
            _ => None,
        }
    }

    /// The record as it stands.
    pub fn record(&self) -> &CallRecord {
        &self.story.record
    }
}

impl Phase {
    fn on(self, event: &Event, story: &mut Story, turn: &mut Turn<'_>) -> Self {
        match self {
            Self::Greeting(phase) => phase.on(event, story, turn),
            Self::Assisted(phase) => phase.on(event, story, turn),
            Self::Menu(phase) => phase.on(event, story, turn),
            Self::Zip(phase) => phase.on(event, story, turn),
            Self::Voicemail(phase) => phase.on(event, story, turn),
            Self::Dialling(phase) => phase.on(event, story, turn),
            Self::Waiting(phase) => phase.on(event, story, turn),
            Self::Talking(phase) => phase.on(event, story, turn),
            Self::Scoring(phase) => phase.on(event, story, turn),
            Self::Transferring(phase) => phase.on(event, story, turn),
            Self::Joined(phase) => phase.on(event, story, turn),
            Self::Wrapping(phase) => phase.on(event, story, turn),
            Self::Over => Self::Over,
        }
    }

    /// The caller hung up. It ends everything, but for what is asked of the answering person
    /// afterwards (PRODUCT section 12); a message that it left is kept.
    fn caller_gone(self, reported: Cause, story: &mut Story, turn: &mut Turn<'_>) -> Self {
        match self {
            Self::Talking(phase) => phase.caller_gone(cause::hung_up(reported), story, turn),
            Self::Assisted(phase) if phase.talks() => end(story, cause::hung_up(reported), turn),
            Self::Voicemail(phase) => phase.caller_gone(cause::hung_up(reported), story, turn),
            _ if story.is_connected() => end(story, cause::hung_up(reported), turn),
            _ => end(story, cause::abandoned(), turn),
        }
    }
}
