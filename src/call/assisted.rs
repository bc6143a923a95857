//! The caller talks with a virtual agent: a program (PRODUCT section 9).
//!
//! ```text
//!   Reaching --it is there--> Talking --it hands over, ends, hangs up--> a route, or the end
//!      |                       |   ^
//!      | not in time,          |   | it is back, once, within 3 s
//!      v refused               v   |
//!   no-answer route <------ Away --+
//! ```
//! Ten seconds before its time is over the caller hears a beep.
//! While it is reached the caller hears ringing and is not answered. What the program does wrong
//! costs it the call: the caller goes on to its no-answer route at once.

use std::sync::Arc;

use super::ending::end;
use super::entering;
use super::story::{Story, Turn};
use super::{Effect, Event, Leg, Phase, cause};
use crate::audio::{Source, StreamId};
use crate::clock::Instant;
use crate::flow;
use crate::model::VirtualAgent;
use crate::model::record::Outcome;
use crate::stream::{Fault, Order, STALLED, Told};

pub(super) struct Assisted {
    agent: Arc<VirtualAgent>,
    stream: StreamId,
    state: State,
    /// It broke off before, and came back.
    returned: bool,
}

/// When the conversation has lasted for long enough.
#[derive(Clone, Copy)]
struct Ends {
    at: Instant,
    /// When the caller hears that it soon has, unless it did.
    warn: Option<Instant>,
    /// By the call settings: the call ends with it. Else the caller goes on from there.
    call: bool,
}

impl Ends {
    fn next(self) -> Instant {
        self.warn.unwrap_or(self.at)
    }
}

#[derive(Clone, Copy)]
enum State {
    Reaching {
        until: Instant,
    },
    Talking {
        ends: Ends,
    },
    /// Its connection broke: what it said before is still heard, nothing else.
    Away {
        until: Instant,
        ends: Ends,
    },
}

impl Assisted {
    pub fn start(agent: Arc<VirtualAgent>, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        let until = turn.now.at + agent.timeout;
        let stream = story.open_stream(&agent, turn);
        story.ringback(turn);
        let state = State::Reaching { until };
        Phase::Assisted(Self { agent, stream, state, returned: false })
    }

    /// Whether caller and program hear each other.
    pub fn talks(&self) -> bool {
        !matches!(self.state, State::Reaching { .. })
    }

    pub fn on(self, event: &Event, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        match event {
            Event::Stream { stream, told } if *stream == self.stream => {
                self.told(told, story, turn)
            }
            Event::Key { leg: Leg::CALLER, digit } if self.talks() => {
                self.order(Order::Key(*digit), turn);
                Phase::Assisted(self)
            }
            Event::MediaLost { leg: Leg::CALLER } if self.talks() => {
                end(story, cause::media_timeout(), turn)
            }
            Event::Time => self.on_time(story, turn),
            _ => Phase::Assisted(self),
        }
    }

    pub fn deadline(&self) -> Instant {
        match self.state {
            State::Reaching { until } => until,
            State::Talking { ends } => ends.next(),
            State::Away { until, ends } => until.min(ends.next()),
        }
    }

    fn told(mut self, told: &Told, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        match (told, self.state) {
            (Told::Opened, State::Reaching { .. }) => self.connect(story, turn),
            (Told::Opened, State::Away { ends, .. }) => {
                story.step(format!("virtual agent {} is back", self.agent.id), turn);
                self.order(Order::Begin, turn);
                self.state = State::Talking { ends };
                self.returned = true;
                Phase::Assisted(self)
            }
            (Told::Opened, State::Talking { .. }) => Phase::Assisted(self),
            (Told::Route(name), _) => match self.agent.routes.get(&**name).cloned() {
                Some(route) => {
                    story.end_stream(&format!("route {name}"), turn);
                    entering::enter(route, story, turn)
                }
                None => self.fail(Fault::UnknownRoute, story, turn),
            },
            (Told::HangUp, _) => {
                story.end_stream("hung_up", turn);
                end(story, cause::hung_up_by_agent(), turn)
            }
            (Told::Closed, State::Reaching { .. }) => self.fail(Fault::Unreachable, story, turn),
            (Told::Closed, State::Talking { .. } | State::Away { .. }) => {
                self.leave("ended", story, turn)
            }
            (Told::Lost(fault), State::Talking { ends }) if fault.may_pass() && !self.returned => {
                story.step(format!("virtual agent {}: {fault}", self.agent.id), turn);
                story.reopen_stream(&self.agent, turn);
                self.state = State::Away { until: turn.now.at + STALLED, ends };
                Phase::Assisted(self)
            }
            (Told::Lost(fault), _) => self.fail(*fault, story, turn),
        }
    }

    /// It is there: the caller is answered, and both hear each other.
    fn connect(mut self, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        story.answer_caller(turn);
        turn.say(Effect::Hear(Leg::CALLER, Source::Stream(self.stream)));
        self.order(Order::Begin, turn);
        story.stream_connected(turn);
        match flow::may_record(self.agent.prevent_recording, story.settings()) {
            Ok(()) => story.start_tape(None, turn),
            Err(why) => story.prevent_tape(None, why, turn),
        }
        // As with a person: a crash leaves a record that says who talked.
        turn.say(Effect::Journal(Box::new(story.record.clone())));
        let longest = story.settings().max_duration;
        let call = longest < self.agent.max_duration;
        let longest = longest.min(self.agent.max_duration);
        let before = longest.checked_sub(flow::WARNING).filter(|it| !it.is_zero());
        let (at, warn) = (turn.now.at + longest, before.map(|it| turn.now.at + it));
        self.state = State::Talking { ends: Ends { at, warn, call } };
        Phase::Assisted(self)
    }

    fn on_time(mut self, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        let now = turn.now.at;
        if let State::Talking { ends } | State::Away { ends, .. } = &mut self.state
            && ends.warn.take_if(|it| *it <= now).is_some()
        {
            turn.say(Effect::Beep(Leg::CALLER));
        }
        match self.state {
            State::Reaching { until } if until <= now => self.fail(Fault::Unreachable, story, turn),
            State::Talking { ends } | State::Away { ends, .. } if ends.at <= now => {
                match ends.call {
                    true => {
                        story.end_stream("max_duration", turn);
                        end(story, cause::limit("max_duration"), turn)
                    }
                    false => self.leave("max_duration", story, turn),
                }
            }
            State::Away { until, .. } if until <= now => self.fail(Fault::Broken, story, turn),
            _ => Phase::Assisted(self),
        }
    }

    /// The conversation is over in good order.
    fn leave(self, reason: &str, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        story.end_stream(reason, turn);
        entering::enter(self.agent.after.clone(), story, turn)
    }

    /// It is not there, or is of no use.
    fn fail(self, fault: Fault, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        let why = cause::agent_lost(fault.as_str());
        story.end_stream(fault.as_str(), turn);
        story.last = Some((Outcome::NoAnswer, why));
        entering::without_agent(self.agent.no_answer.clone(), story, turn)
    }

    fn order(&self, order: Order, turn: &mut Turn<'_>) {
        turn.say(Effect::Stream { stream: self.stream, order });
    }
}
