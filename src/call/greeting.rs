//! The caller hears the greeting and the recording notice, before anybody is dialled.
//!
//! The caller has been answered for it. What follows was decided on entry (schedules are read
//! then), and waits here.

use std::time::Duration;

use super::dialling::Dialling;
use super::story::{Story, Turn};
use super::{Effect, Event, Leg, Phase};
use crate::audio::{Line, Script, Source};
use crate::clock::Instant;
use crate::flow::Ring;
use crate::model::Prompt;

/// The longest greeting and notice; whatever is left of it then is not heard.
const LIMIT: Duration = Duration::from_secs(120);

pub(super) struct Greeting {
    until: Instant,
    then: Vec<Ring>,
}

impl Greeting {
    /// Says these messages, then goes on to ring.
    pub fn start(
        messages: &[Prompt],
        then: Vec<Ring>,
        story: &mut Story,
        turn: &mut Turn<'_>,
    ) -> Phase {
        story.answer_caller(turn);
        let lines = messages.iter().map(|it| Line::Say(it.clip)).collect();
        turn.say(Effect::Hear(Leg::CALLER, Source::Script(Script::new(lines))));
        Phase::Greeting(Self { until: turn.now.at + LIMIT, then })
    }

    pub fn on(self, event: &Event, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        match event {
            Event::ScriptDone { leg: Leg::CALLER } => Dialling::start(self.then, story, turn),
            Event::Time if self.until <= turn.now.at => Dialling::start(self.then, story, turn),
            _ => Phase::Greeting(self),
        }
    }

    pub fn deadline(&self) -> Instant {
        self.until
    }
}
