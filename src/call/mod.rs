//! One call, from the caller's INVITE to its record.
//!
//! ```text
//!            +--> greeting --+
//!  entering -+               +--> dialling --> talking --> wrapping --> over
//!     ^      +---------------+       |
//!     +------ nobody took it --------+
//! ```
//! A call is in one [`Phase`] at a time. Each phase is a file of its own and holds only what that
//! phase needs, its timers included, so leaving a phase leaves its timers behind. What outlives
//! the phases (the record, who is on the line) is in the [`Story`]. What to do next is asked of
//! `flow`; SIP and RTP are the switch's.

mod cause;
mod codes;
mod dialling;
mod effect;
mod ending;
mod entering;
mod facts;
mod greeting;
mod log;
mod offering;
mod story;
mod talking;
mod tape;

use std::mem;
use std::sync::Arc;

use self::dialling::Dialling;
pub use self::effect::{Effect, Event, Leg, Offer, TapeEvent};
use self::ending::{Wrapping, end};
pub use self::facts::Facts;
use self::greeting::Greeting;
use self::story::{Caller, Story, Turn};
use self::talking::Talking;
use crate::clock::{Instant, Now};
use crate::model::Directory;
use crate::model::record::CallRecord;

pub struct Call {
    story: Story,
    phase: Phase,
}

enum Phase {
    Greeting(Greeting),
    Dialling(Dialling),
    Talking(Talking),
    Wrapping(Wrapping),
    Over,
}

impl Call {
    /// Takes an INVITE from a caller who may call. `directory` is the one this call keeps.
    pub fn new(facts: Facts, directory: Arc<Directory>, now: Now, out: &mut Vec<Effect>) -> Self {
        let (story, phase) = entering::begin(facts, directory, &mut Turn { now, out });
        Self { story, phase }
    }

    /// Takes one event and writes what is to be done about it to `out`. Whatever is late, doubled
    /// or about a leg that is gone does nothing.
    pub fn on(&mut self, event: Event, now: Now, out: &mut Vec<Effect>) {
        let turn = &mut Turn { now, out };
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
            (_, Event::Stop { cause }) => end(story, cause.clone(), turn),
            (_, Event::HungUp { leg: Leg::CALLER, cause }) => {
                story.step("caller hung up", turn);
                story.caller = Caller::Gone;
                let cause = match story.is_connected() {
                    true => cause::hung_up(cause.clone()),
                    false => cause::abandoned(),
                };
                end(story, cause, turn)
            }
            (phase, Event::ClipMissing { leg }) => {
                story.clip_missing(*leg, turn);
                phase
            }
            (phase, event) => phase.on(event, story, turn),
        };
    }

    /// When the call next wants an [`Event::Time`].
    pub fn deadline(&self) -> Option<Instant> {
        match &self.phase {
            Phase::Greeting(phase) => Some(phase.deadline()),
            Phase::Dialling(phase) => phase.deadline(&self.story),
            Phase::Talking(phase) => Some(phase.deadline()),
            Phase::Wrapping(phase) => Some(phase.deadline()),
            Phase::Over => None,
        }
    }

    /// [`Effect::End`] has been said; nothing changes any more.
    pub fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
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
            Self::Dialling(phase) => phase.on(event, story, turn),
            Self::Talking(phase) => phase.on(event, story, turn),
            Self::Wrapping(phase) => phase.on(event, story, turn),
            Self::Over => Self::Over,
        }
    }
}
