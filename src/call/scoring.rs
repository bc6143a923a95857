//! The caller has gone; the person who answered says what the call was worth (PRODUCT sections 2
//! and 12: the one thing that the caller's hang-up does not end).
//!
//! The call's own end stands before it begins: its record has its times and its cause, and is kept,
//! so nothing but the score is lost if we are.

use super::asking::{Asking, Fit, Heard, Question};
use super::ending::{end, part};
use super::story::{Story, Turn};
use super::{Effect, Event, Leg, Phase};
use crate::audio::Digit;
use crate::clock::Instant;
use crate::model::ScoreMenu;
use crate::model::event::What;
use crate::model::record::Cause;

pub(super) struct Scoring {
    callee: Leg,
    /// Why the call ended; the answering person is let go with it too.
    why: Cause,
    menu: ScoreMenu,
    asking: Asking,
}

impl Scoring {
    pub fn start(
        callee: Leg,
        menu: ScoreMenu,
        why: Cause,
        story: &mut Story,
        turn: &mut Turn<'_>,
    ) -> Phase {
        part(&why, Some(callee), story, turn);
        turn.say(Effect::Journal(Box::new(story.record.clone())));
        let question = Question {
            prompt: Some(menu.prompt.clip),
            invalid: None,
            silent: None,
            barge_in: true,
            timeout: menu.timeout,
            between_keys: menu.timeout,
            repeats: menu.repeats,
        };
        let asking = Asking::new(callee, question, turn);
        Phase::Scoring(Self { callee, why, menu, asking })
    }

    pub fn on(mut self, event: &Event, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        match event {
            Event::HungUp { leg, cause } if *leg == self.callee => {
                story.lost(*leg, None, cause.clone(), turn);
                return end(story, self.why, turn);
            }
            Event::MediaLost { leg } if *leg == self.callee => return end(story, self.why, turn),
            Event::Stop { .. } => return end(story, self.why, turn),
            _ => (),
        }
        let fits = |typed: &[Digit]| match typed {
            [key] if self.menu.keys.contains(key) => Fit::Whole,
            _ => Fit::No,
        };
        match self.asking.on(event, fits, turn) {
            Some(Heard::Answer(keys)) => {
                if let Some(key) = keys.first() {
                    story.record.score = Some(key.as_char());
                    story.note(What::Scored { score: key.as_char() }, turn);
                }
                end(story, self.why, turn)
            }
            Some(Heard::Wrong { again: false } | Heard::Nothing { again: false }) => {
                end(story, self.why, turn)
            }
            Some(Heard::Wrong { again: true } | Heard::Nothing { again: true }) | None => {
                Phase::Scoring(self)
            }
        }
    }

    pub fn deadline(&self) -> Instant {
        self.asking.deadline()
    }
}
