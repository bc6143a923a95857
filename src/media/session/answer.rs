//! Who picked up: listened for when signalling asks, told once.

use super::Session;
use crate::audio::{AnswerListener, AnsweredBy, RATE};
use crate::clock::Instant;

/// What is known of who picked up.
#[derive(Clone, Debug, Default)]
pub(super) enum Answer {
    /// Nobody asked.
    #[default]
    Unasked,
    Listening {
        listener: Box<AnswerListener>,
        /// When the last of it came.
        last: Instant,
    },
    /// Known, and still to be told.
    Heard(AnsweredBy),
    Known(AnsweredBy),
}

/// Silence between two packets that is no mere jitter.
const PAUSE_MS: u128 = 60;

impl Session {
    /// Listens from now on.
    pub fn listen_for_answer(&mut self, now: Instant) {
        if matches!(self.answer, Answer::Unasked) {
            self.answer = Answer::Listening { listener: Box::default(), last: now };
        }
    }

    pub(super) fn listens_for_answer(&self) -> bool {
        matches!(self.answer, Answer::Listening { .. })
    }

    /// A frame of the far end's voice.
    pub(super) fn hear_answer(&mut self, samples: &[i16], now: Instant) {
        let Answer::Listening { listener, last } = &mut self.answer else { return };
        let silent = now.since(*last).as_millis();
        *last = now;
        let paused = (PAUSE_MS < silent)
            .then(|| listener.pause((silent.min(60_000) * u128::from(RATE) / 1000) as u32));
        let known = paused.flatten().or_else(|| listener.hear(samples));
        if let Some(by) = known {
            self.answer = Answer::Heard(by);
            self.tell_player(by);
        }
    }

    /// Who picked up, if that has become known just now.
    pub fn answered_by(&mut self) -> Option<AnsweredBy> {
        let Answer::Heard(by) = self.answer else { return None };
        self.answer = Answer::Known(by);
        Some(by)
    }

    /// A new script learns what is known already.
    pub(super) fn remind_player(&mut self) {
        if let Answer::Heard(by) | Answer::Known(by) = self.answer {
            self.tell_player(by);
        }
    }

    fn tell_player(&mut self, by: AnsweredBy) {
        if let Some(player) = &mut self.player {
            player.answered_by(by);
        }
    }
}
