//! The caller hears the greeting and the recording notice, before the first thing that it hears.
//!
//! The caller has been answered for it. What follows was decided on entry (schedules are read
//! then), and waits here. Keys pressed meanwhile are lost: the notice is to be heard.

use std::sync::Arc;

use super::asking::LONGEST_MESSAGE;
use super::assisted::Assisted;
use super::dialling::Dialling;
use super::menu::Menu;
use super::story::{Story, Turn};
use super::voicemail::Voicemail;
use super::waiting::Waiting;
use super::zip::Zip;
use super::{Effect, Event, Leg, Phase};
use crate::audio::{Line, Script, Source};
use crate::clock::Instant;
use crate::flow::{self, Ring};
use crate::model::{
    CallSettings, GeoRouter, Prompt, Queue, ReceivingNumber, VirtualAgent, VoiceMenu, VoicemailBox,
};

/// What the caller comes to next.
pub(super) enum Then {
    Dial(Vec<Ring>),
    Agent(Arc<VirtualAgent>),
    Menu(Arc<VoiceMenu>),
    Zip(Arc<GeoRouter>),
    Voicemail(Arc<VoicemailBox>),
    Queue { queue: Arc<Queue>, candidates: Vec<Arc<ReceivingNumber>> },
}

impl Then {
    pub fn begin(self, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        match self {
            Self::Dial(rings) => Dialling::start(rings, story, turn),
            Self::Agent(agent) => Assisted::start(agent, story, turn),
            Self::Menu(menu) => Menu::start(menu, story, turn),
            Self::Zip(router) => Zip::start(router, story, turn),
            Self::Voicemail(voicemail) => Voicemail::start(voicemail, story, turn),
            Self::Queue { queue, .. } => Waiting::start(queue, story, turn),
        }
    }

    /// What is said of recording, if somebody who comes next may be recorded, in a queue at any
    /// time. Who is behind a question is told of when it is dialled; a message is the caller's
    /// own, which needs no notice.
    pub fn notice<'a>(&self, settings: &'a CallSettings) -> Option<&'a Prompt> {
        match self {
            Self::Dial(rings) => flow::recording_notice(settings, rings.iter().map(|it| &*it.to)),
            Self::Queue { candidates, .. } => {
                flow::recording_notice(settings, candidates.iter().map(|it| &**it))
            }
            Self::Agent(agent) => {
                let may = flow::may_record(agent.prevent_recording, settings).is_ok();
                settings.recording_notice.as_ref().filter(|_| may)
            }
            Self::Menu(_) | Self::Zip(_) | Self::Voicemail(_) => None,
        }
    }
}

impl Story {
    /// What the caller is to be told of recording before one of these is rung, unless it was told:
    /// now it is.
    pub fn due_notice<'a>(
        &mut self,
        candidates: impl IntoIterator<Item = &'a ReceivingNumber>,
    ) -> Option<Prompt> {
        if self.noticed {
            return None;
        }
        let notice = flow::recording_notice(self.settings(), candidates).cloned();
        self.noticed = notice.is_some();
        notice
    }
}

pub(super) struct Greeting {
    until: Instant,
    then: Then,
}

impl Greeting {
    /// Says these messages, then goes on.
    pub fn start(messages: &[Prompt], then: Then, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        story.answer_caller(turn);
        let lines = messages.iter().map(|it| Line::Say(it.clip)).collect();
        turn.say(Effect::Hear(Leg::CALLER, Source::Script(Script::new(lines))));
        Phase::Greeting(Self { until: turn.now.at + LONGEST_MESSAGE, then })
    }

    pub fn on(self, event: &Event, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        match event {
            Event::ScriptDone { leg: Leg::CALLER } => self.then.begin(story, turn),
            Event::Time if self.until <= turn.now.at => self.then.begin(story, turn),
            _ => Phase::Greeting(self),
        }
    }

    pub fn deadline(&self) -> Instant {
        self.until
    }
}
