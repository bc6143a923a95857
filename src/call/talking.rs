//! Caller and destination hear each other, until one hangs up or the call's time is over.
//!
//! Ten seconds before that time both hear a beep, whoever of them may be speaking then. Codes that
//! the answering person dials are taken here; its other keys are pressed on towards the caller.
//! When the caller is gone, the answering person may be asked what the call was worth.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::codes::{Code, Codes};
use super::ending::end;
use super::scoring::Scoring;
use super::story::{Story, Turn};
use super::transfer::Joined;
use super::{Effect, Event, Leg, Phase, cause};
use crate::audio::{Digit, Line, Script, Source};
use crate::clock::Instant;
use crate::flow;
use crate::model::record::Cause;
use crate::model::{Endpoint, ReceivingNumber, ScoreMenu};

/// The warning: 1400 Hz, as recording and time-limit beeps commonly are.
const BEEP: Line = Line::Tone(1400, Duration::from_millis(200));
/// Keys that may wait to be pressed towards the caller; more are lost.
const MAX_KEYS: usize = 32;
/// Both hear each other again at the latest after this, should media say nothing.
const BEEP_LIMIT: Duration = Duration::from_secs(1);

pub(super) struct Talking {
    pub callee: Leg,
    pub to: Arc<ReceivingNumber>,
    pub ends: Instant,
    /// What ends it then: `max_duration`, `after_hours_limit` or `minutes_per_day`.
    pub reason: &'static str,
    warning: Warning,
    pub codes: Option<Codes>,
    /// What the answering person is asked afterwards.
    score: Option<ScoreMenu>,
    /// Keys still to be pressed towards the caller; `Some` while it hears keys, or a message.
    pressing: Option<Vec<Digit>>,
}

enum Warning {
    At(Instant),
    /// For whom it still sounds.
    Sounding {
        until: Instant,
        callee: bool,
        caller: bool,
    },
    Done,
}

impl Talking {
    pub fn start(
        callee: Leg,
        to: Arc<ReceivingNumber>,
        story: &mut Story,
        turn: &mut Turn<'_>,
    ) -> Phase {
        Phase::Talking(Self::begin(callee, to, story, turn))
    }

    /// They hear each other from now on.
    pub fn begin(
        callee: Leg,
        to: Arc<ReceivingNumber>,
        story: &mut Story,
        turn: &mut Turn<'_>,
    ) -> Self {
        story.answer_caller(turn);
        turn.say(Effect::Hear(Leg::CALLER, story.heard_of(callee)));
        turn.say(Effect::Hear(callee, story.heard_of(Leg::CALLER)));
        let score = to.enhanced_forwarding.as_ref().and_then(|it| it.score.clone());
        let codes = to.enhanced_forwarding.clone().map(Codes::new);
        if codes.is_some() {
            turn.say(Effect::SwallowKeys { leg: callee, on: true });
        }
        story.connected(callee, turn);
        match flow::recorded(&to, story.settings()) {
            Ok(()) => story.start_tape(Some(callee), turn),
            Err(why) => story.prevent_tape(Some(callee), why, turn),
        }
        // Should a crash cut the call short, its record says who talked, and names the recording.
        turn.say(Effect::Journal(Box::new(story.record.clone())));
        let limit = flow::longest_talk(&to, story.settings(), story.record.received_at);
        let limit = story.limited(limit, turn.now.at);
        let ends = turn.now.at + limit.talk;
        let warning = match limit.talk.checked_sub(flow::WARNING) {
            Some(time) if !time.is_zero() => Warning::At(turn.now.at + time),
            _ => Warning::Done,
        };
        let (reason, pressing) = (limit.reason, None);
        Self { callee, to, ends, reason, warning, codes, score, pressing }
    }

    /// The caller hears a message first, as it would hear keys: whatever is pressed waits for it.
    pub fn is_told_something(&mut self) {
        self.pressing.get_or_insert_default();
    }

    pub fn on(mut self, event: &Event, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        match event {
            Event::HungUp { leg, cause } | Event::Refused { leg, cause } if *leg == self.callee => {
                let cause = cause::hung_up(cause.clone());
                story.step("destination hung up", turn);
                story.lost(*leg, None, cause.clone(), turn);
                return end(story, cause, turn);
            }
            // Who puts the other side on hold may send nothing.
            Event::MediaLost { leg } if story.holds(*leg) => (),
            Event::MediaLost { leg } if *leg == self.callee => {
                return end(story, cause::media_timeout(), turn);
            }
            Event::MediaLost { leg: Leg::CALLER } => {
                return self.caller_gone(cause::media_timeout(), story, turn);
            }
            Event::Held { leg, .. } if self.has(*leg) => self.held(*leg, story, turn),
            Event::Joined { leg, call } if self.has(*leg) => {
                return Joined::start(&self, *leg, call, story, turn);
            }
            Event::Key { leg, digit } if *leg == self.callee => self.key(*digit, story, turn),
            Event::ScriptDone { leg } if *leg == self.callee => {
                self.beep_done(true, false, story, turn);
            }
            Event::ScriptDone { leg: Leg::CALLER } if self.pressing.is_none() => {
                self.beep_done(false, true, story, turn);
            }
            Event::ScriptDone { leg: Leg::CALLER } => self.pressed(story, turn),
            Event::Minutes { .. } => self.limit_anew(story, turn),
            Event::Time => return self.on_time(story, turn),
            _ => (),
        }
        Phase::Talking(self)
    }

    /// How long it may last has changed.
    fn limit_anew(&mut self, story: &Story, turn: &Turn<'_>) {
        let now = turn.now.at;
        let limit = flow::longest_talk(&self.to, story.settings(), story.record.received_at);
        let limit = story.limited(limit, now);
        (self.ends, self.reason) = (now + limit.talk, limit.reason);
        let before = limit.talk.checked_sub(flow::WARNING).filter(|it| !it.is_zero());
        match (&self.warning, before) {
            (Warning::Sounding { .. }, _) | (Warning::Done, None) => (),
            (_, Some(time)) => self.warning = Warning::At(now + time),
            (Warning::At(_), None) => self.warning = Warning::At(now),
        }
    }

    /// Nobody is there any more for the answering person, who may be asked for the score.
    pub fn caller_gone(self, why: Cause, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        match self.score {
            Some(menu) => Scoring::start(self.callee, menu, why, story, turn),
            None => end(story, why, turn),
        }
    }

    pub fn deadline(&self) -> Instant {
        let warning = match self.warning {
            Warning::At(at) | Warning::Sounding { until: at, .. } => at,
            Warning::Done => self.ends,
        };
        let code = self.codes.as_ref().and_then(Codes::deadline).unwrap_or(self.ends);
        self.ends.min(warning).min(code)
    }

    fn on_time(mut self, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        let now = turn.now.at;
        if self.ends <= now {
            let why = cause::limit(self.reason);
            return self.caller_gone(why, story, turn);
        }
        match self.warning {
            Warning::At(at) if at <= now => {
                // Keys on their way to the caller are not cut short for it.
                let (callee, caller) = (true, self.pressing.is_none());
                self.warning = Warning::Sounding { until: now + BEEP_LIMIT, callee, caller };
                let beep = Source::Script(Script::new(vec![BEEP]));
                turn.say(Effect::Hear(self.callee, beep.clone()));
                if caller {
                    turn.say(Effect::Hear(Leg::CALLER, beep));
                }
            }
            Warning::Sounding { until, .. } if until <= now => {
                self.beep_done(true, true, story, turn);
            }
            Warning::At(_) | Warning::Sounding { .. } | Warning::Done => (),
        }
        let others = self.codes.as_mut().map(|it| it.expire(now)).unwrap_or_default();
        self.press_on(others, turn);
        Phase::Talking(self)
    }

    fn has(&self, leg: Leg) -> bool {
        leg == self.callee || leg == Leg::CALLER
    }

    /// Who talks with this leg, as a destination.
    pub fn beside(&self, leg: Leg, story: &Story) -> Option<(Leg, Arc<ReceivingNumber>)> {
        match leg {
            Leg::CALLER => Some((self.callee, Arc::clone(&self.to))),
            leg if leg == self.callee => {
                let from_outside = || {
                    let number = Arc::from(story.record.caller.as_str());
                    let endpoint = Endpoint::Phone { number, trunk: None };
                    Arc::new(ReceivingNumber::new(&story.record.caller, endpoint))
                };
                Some((Leg::CALLER, story.caller_as_destination().unwrap_or_else(from_outside)))
            }
            _ => None,
        }
    }

    /// The other side of a leg that is held, or taken back, hears so; not while it hears a beep
    /// or keys, which end in the same.
    fn held(&mut self, leg: Leg, story: &Story, turn: &mut Turn<'_>) {
        let beep = match self.warning {
            Warning::Sounding { callee, caller, .. } => (callee, caller),
            Warning::At(_) | Warning::Done => (false, false),
        };
        let (other, busy) = match leg {
            Leg::CALLER => (self.callee, beep.0),
            _ => (Leg::CALLER, beep.1 || self.pressing.is_some()),
        };
        if !busy {
            turn.say(Effect::Hear(other, story.heard_of(leg)));
        }
    }

    /// The beep is over for these; who still hears it hears the other side again.
    fn beep_done(
        &mut self,
        callee_done: bool,
        caller_done: bool,
        story: &Story,
        turn: &mut Turn<'_>,
    ) {
        let Warning::Sounding { callee, caller, .. } = &mut self.warning else { return };
        if callee_done && mem::take(callee) {
            turn.say(Effect::Hear(self.callee, story.heard_of(Leg::CALLER)));
        }
        if caller_done && mem::take(caller) {
            turn.say(Effect::Hear(Leg::CALLER, story.heard_of(self.callee)));
        }
        if !*callee && !*caller {
            self.warning = Warning::Done;
        }
    }

    fn key(&mut self, digit: Digit, story: &mut Story, turn: &mut Turn<'_>) {
        let Some(codes) = &mut self.codes else { return };
        let (code, others) = codes.press(digit, turn.now.at);
        self.press_on(others, turn);
        match code {
            Some(Code::StopRecording) => story.tape_off("destination", turn),
            Some(Code::StartRecording) => story.tape_on(Some(self.callee), turn),
            None => (),
        }
    }

    /// Presses these keys towards the caller, after those that are being pressed.
    fn press_on(&mut self, keys: Vec<Digit>, turn: &mut Turn<'_>) {
        if keys.is_empty() {
            return;
        }
        match &mut self.pressing {
            Some(waiting) => {
                let room = MAX_KEYS.saturating_sub(waiting.len());
                waiting.extend(keys.into_iter().take(room));
            }
            None => {
                self.pressing = Some(Vec::new());
                if let Warning::Sounding { caller, .. } = &mut self.warning {
                    *caller = false;
                }
                press(keys, turn);
            }
        }
    }

    fn pressed(&mut self, story: &Story, turn: &mut Turn<'_>) {
        match self.pressing.as_mut().map(mem::take) {
            Some(keys) if !keys.is_empty() => press(keys, turn),
            Some(_) => {
                self.pressing = None;
                turn.say(Effect::Hear(Leg::CALLER, story.heard_of(self.callee)));
            }
            None => (),
        }
    }
}

fn press(keys: Vec<Digit>, turn: &mut Turn<'_>) {
    let script = Script::new(keys.into_iter().map(Line::Press).collect());
    turn.say(Effect::Hear(Leg::CALLER, Source::Script(script)));
}
