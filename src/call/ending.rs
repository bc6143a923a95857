//! The one place that ends a call, and the half second after it.
//!
//! Every leg is let go at once. Then the call waits for what is only known afterwards (media
//! quality, the recording's length), writes its record and is over.

use std::time::Duration;

use super::story::{Caller, Story, Turn};
use super::{Effect, Event, Leg, Phase, cause};
use crate::clock::Instant;
use crate::model::event::What;
use crate::model::record::{Cause, Outcome, RecordState};

/// How long the record waits for the last reports; with the disk's time it is kept within 1 s.
const WRAP_UP: Duration = Duration::from_millis(500);

/// Ends the call: no leg, recording or timer is left, whatever phase it was in.
pub(super) fn end(story: &mut Story, why: Cause, turn: &mut Turn<'_>) -> Phase {
    part(&why, None, story, turn);
    Wrapping { until: turn.now.at + WRAP_UP }.go_on(story, turn)
}

/// Ends the call for everybody but `kept`, who is let go by [`end`] once no more is wanted of it:
/// the call's times and cause stand from now on.
pub(super) fn part(why: &Cause, kept: Option<Leg>, story: &mut Story, turn: &mut Turn<'_>) {
    story.leaves_line(false, turn);
    story.end_stream("end_of_call", turn);
    story.end_tape("end_of_call", turn);
    story.release_all_but(kept, Some(Outcome::Abandoned), why, turn);
    match story.caller {
        Caller::Gone => (),
        Caller::Answered => turn.say(Effect::Release { leg: Leg::CALLER, cause: why.clone() }),
        Caller::Waiting | Caller::Ringing | Caller::Listening => {
            let cause = cause::as_refusal(why.clone());
            let retry_after = cause::retry_after(&cause);
            turn.say(Effect::Refuse { cause, retry_after });
        }
    }
    story.caller = Caller::Gone;
    if story.record.ended_at.is_none() {
        story.end_swapped(why, turn);
        story.close(why, turn);
        story.note(What::Ended { cause: why.clone() }, turn);
    }
}

/// Waiting for the last reports.
pub(super) struct Wrapping {
    until: Instant,
}

impl Wrapping {
    pub fn on(self, event: &Event, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        match event {
            Event::Quality { .. } | Event::Tape { .. } | Event::Time => self.go_on(story, turn),
            _ => Phase::Wrapping(self),
        }
    }

    pub fn deadline(&self) -> Instant {
        self.until
    }

    fn go_on(self, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        if story.awaits_reports() && turn.now.at < self.until {
            return Phase::Wrapping(self);
        }
        story.record.state = RecordState::Ended;
        story.tag();
        turn.say(Effect::Journal(Box::new(story.record.clone())));
        turn.say(Effect::End);
        Phase::Over
    }
}
