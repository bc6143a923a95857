//! The caller waits in a queue (PRODUCT section 6) and hears its music.
//!
//! ```text
//!   Asking --the desk has room--> InLine --somebody took the call--> talking
//!     | full, bypassed,              |
//!     v                              v max_wait, or the queue is gone
//!   no_answer                    no_answer
//! ```
//! The desk says who is free; they are rung like any destination, while the caller goes on hearing
//! the music. When nobody took the call the caller keeps its place and waits on.
//!
//! The wait ends at `max_wait` exactly, whoever rings then. Only those who have picked up by then
//! may hear their script out; if none of them takes the call either, the queue's route is taken.

use std::sync::Arc;

use super::asking::LONGEST_MESSAGE;
use super::entering::{self, Lost};
use super::offering::{Meanwhile, Offering};
use super::story::{Story, Turn, millis};
use super::talking::Talking;
use super::{Effect, Event, Leg, Phase, cause};
use crate::audio::{Line, Script, Source};
use crate::clock::Instant;
use crate::desk::{Ask, Told};
use crate::flow::{Ring, When};
use crate::model::record::{Cause, Outcome};
use crate::model::{Prompt, Queue, QueueEntry, ReceivingNumber, RingbackBy, Who};

pub(super) struct Waiting {
    queue: Arc<Queue>,
    stage: Stage,
    pub offering: Offering,
    /// Who is offered to this caller, and which of their destinations are not lost yet.
    asked: Vec<(Who, Vec<Arc<str>>)>,
    /// The music cannot be played.
    mute: bool,
}

enum Stage {
    /// The desk has not said yet whether the caller may wait.
    Asking,
    InLine {
        /// The wait is over then; `None` when it is, and somebody is in a script.
        until: Option<Instant>,
        /// When position and announcement are said next.
        announces: Option<Instant>,
        /// A message is being said, until then at most.
        says: Option<Instant>,
    },
}

impl Waiting {
    /// Joins the line, if the desk has room in it.
    pub fn start(queue: Arc<Queue>, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        let number = story.facts.caller.number.as_str().into();
        turn.say(Effect::Desk(Ask::Join { queue: Arc::clone(&queue.id), number }));
        let offering = Offering::new(Meanwhile::Other);
        Phase::Waiting(Self {
            queue,
            stage: Stage::Asking,
            offering,
            asked: Vec::new(),
            mute: false,
        })
    }

    pub fn on(mut self, event: &Event, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        match (&self.stage, event) {
            (Stage::Asking, Event::Desk(told)) => return self.heard(told, story, turn),
            // Whatever else the desk said before was about an earlier wait.
            (Stage::Asking, _) => return Phase::Waiting(self),
            (Stage::InLine { .. }, Event::Desk(Told::Offered { who, ring })) => {
                self.offered(who, ring, story, turn);
            }
            (Stage::InLine { .. }, Event::Desk(Told::Gone)) => {
                story.step(format!("queue {} is gone", self.queue.id), turn);
                self.stop_ringing(story, turn);
                return self.give_up(story, turn);
            }
            (Stage::InLine { .. }, Event::ScriptDone { leg: Leg::CALLER }) => {
                self.said(story, turn)
            }
            (Stage::InLine { says: None, .. }, Event::ClipMissing { leg: Leg::CALLER }) => {
                // Ringing is better than a line that seems dead.
                self.mute = true;
                self.play(story, turn);
            }
            (Stage::InLine { .. }, _) => (),
        }
        if let Some(taken) = self.offering.on(event, story, turn) {
            let who = self.asked.iter().find(|(_, ids)| ids.contains(&taken.to.id));
            if let Some((who, _)) = who {
                story.step(format!("{} took the call", name(who)), turn);
                let (who, leg) = (who.clone(), taken.leg.0);
                turn.say(Effect::Desk(Ask::Taken { who, leg }));
            }
            story.leaves_line(who.is_some(), turn);
            return Talking::start(taken.leg, taken.to, story, turn);
        }
        if *event == Event::Time {
            self.expire(story, turn);
        }
        self.go_on(story, turn)
    }

    pub fn deadline(&self) -> Option<Instant> {
        let Stage::InLine { until, announces, says } = self.stage else { return None };
        [until, announces, says, self.offering.deadline()].into_iter().flatten().min()
    }

    /// The desk's answer.
    fn heard(mut self, told: &Told, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        let (outcome, cause) = match told {
            Told::Waiting { position } => {
                story.step(format!("waits as number {position}"), turn);
                self.join(story, turn);
                return Phase::Waiting(self);
            }
            Told::Offered { .. } => return Phase::Waiting(self),
            Told::Full => (Outcome::Busy, cause::full()),
            Told::Nobody => (Outcome::NoAnswer, cause::nobody_there()),
            Told::Gone => (Outcome::Failed, cause::no_route()),
        };
        let why = match told {
            Told::Full => "is full",
            Told::Nobody => "has nobody to take calls",
            _ => "is gone",
        };
        story.step(format!("queue {} {why}", self.queue.id), turn);
        // Should that have been said of an earlier wait.
        turn.say(Effect::Desk(Ask::Leave));
        self.elsewhere(outcome, cause, story, turn)
    }

    fn join(&mut self, story: &mut Story, turn: &mut Turn<'_>) {
        let now = turn.now.at;
        story.joins_line(turn);
        match self.queue.entry {
            QueueEntry::Answer => story.answer_caller(turn),
            QueueEntry::EarlyMedia => story.ring(true, turn),
        }
        let again = !self.queue.announce_every.is_zero()
            && (self.queue.announcement.is_some() || !self.queue.positions.is_empty());
        self.stage = Stage::InLine {
            until: Some(now + self.queue.max_wait),
            announces: again.then(|| now + self.queue.announce_every),
            says: None,
        };
        let position = self.position(story, turn);
        let messages = self.queue.welcome.clone().into_iter().chain(position);
        self.say(messages, story, turn);
    }

    /// Somebody is free: rung with all their settings.
    fn offered(
        &mut self,
        who: &Who,
        ring: &[Arc<ReceivingNumber>],
        story: &mut Story,
        turn: &mut Turn<'_>,
    ) {
        let waits = matches!(self.stage, Stage::InLine { until: Some(_), .. });
        let rings = |id: &Arc<str>| self.asked.iter().any(|(_, ids)| ids.contains(id));
        let ring: Vec<_> = ring.iter().filter(|it| waits && !rings(&it.id)).cloned().collect();
        if ring.is_empty() {
            return turn.say(Effect::Desk(Ask::Passed { who: who.clone() }));
        }
        story.step(format!("offered to {}", name(who)), turn);
        self.asked.push((who.clone(), ring.iter().map(|it| Arc::clone(&it.id)).collect()));
        let rings = ring.into_iter().map(|to| Ring { when: When::After(to.ring_delay), to });
        self.offering.add(rings.collect(), turn.now.at);
    }

    fn expire(&mut self, story: &mut Story, turn: &mut Turn<'_>) {
        let now = turn.now.at;
        let due = |it: &Option<Instant>| it.is_some_and(|at| at <= now);
        let Stage::InLine { until, announces, says } = &mut self.stage else { return };
        if due(until) {
            *until = None;
            self.stop_ringing(story, turn);
            // Somebody has picked up; nobody else is wanted.
            turn.say(Effect::Desk(Ask::NoMore));
        } else if due(announces) {
            *announces = Some(now + self.queue.announce_every);
            let position = self.position(story, turn);
            let messages = position.into_iter().chain(self.queue.announcement.clone());
            self.say(messages, story, turn);
        } else if due(says) {
            self.said(story, turn);
        }
    }

    /// Rings those whose time has come, and tells the desk who did not take the call.
    fn go_on(mut self, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        self.offering.go_on(story, turn);
        let lost = self.offering.take_lost();
        // Then nobody can be rung for this caller any more.
        let spent = lost.iter().any(|it| it.cause == cause::too_many_legs());
        self.lose(&lost, turn);
        let over = matches!(self.stage, Stage::InLine { until: None, .. });
        match self.offering.is_lost() && (over || spent) {
            true => self.give_up(story, turn),
            false => Phase::Waiting(self),
        }
    }

    /// Tells the desk of those all of whose destinations are lost.
    fn lose(&mut self, lost: &[Lost], turn: &mut Turn<'_>) {
        for it in lost {
            for (_, ids) in &mut self.asked {
                ids.retain(|id| *id != it.to.id);
            }
        }
        for (who, _) in self.asked.extract_if(.., |(_, ids)| ids.is_empty()) {
            turn.say(Effect::Desk(Ask::Passed { who }));
        }
    }

    fn stop_ringing(&mut self, story: &mut Story, turn: &mut Turn<'_>) {
        self.offering.stop_ringing(&cause::rang_out(), story, turn);
        let lost = self.offering.take_lost();
        self.lose(&lost, turn);
    }

    /// The caller has waited for long enough.
    fn give_up(self, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        story.leaves_line(false, turn);
        self.elsewhere(Outcome::NoAnswer, cause::rang_out(), story, turn)
    }

    fn elsewhere(
        self,
        outcome: Outcome,
        cause: Cause,
        story: &mut Story,
        turn: &mut Turn<'_>,
    ) -> Phase {
        story.last = Some((outcome, cause));
        entering::enter(self.queue.no_answer.clone(), story, turn)
    }

    // What the caller hears.

    /// The message that says how many are in line up to this caller.
    fn position(&self, story: &Story, turn: &Turn<'_>) -> Option<Prompt> {
        let last = self.queue.positions.len().checked_sub(1)?;
        let position = turn.desk.position(story.facts.at_desk, last)?;
        self.queue.positions.get(position.checked_sub(1)?).cloned()
    }

    fn say(
        &mut self,
        messages: impl Iterator<Item = Prompt>,
        story: &mut Story,
        turn: &mut Turn<'_>,
    ) {
        let lines: Vec<Line> = messages.map(|it| Line::Say(it.clip)).collect();
        if lines.is_empty() {
            return self.said(story, turn);
        }
        if let Stage::InLine { says, .. } = &mut self.stage {
            *says = Some(turn.now.at + LONGEST_MESSAGE);
        }
        turn.say(Effect::Hear(Leg::CALLER, Source::Script(Script::new(lines))));
    }

    /// No message is being said: music again.
    fn said(&mut self, story: &mut Story, turn: &mut Turn<'_>) {
        if let Stage::InLine { says, .. } = &mut self.stage {
            *says = None;
        }
        self.play(story, turn);
    }

    fn play(&self, story: &Story, turn: &mut Turn<'_>) {
        let source = match (&self.queue.music, &story.settings().ringback) {
            (Some(music), _) if !self.mute => Source::Music(music.clip),
            (None, RingbackBy::Music(music)) if !self.mute => Source::Music(music.clip),
            (_, RingbackBy::Tone(tone)) => Source::Ringback(*tone),
            (_, RingbackBy::Music(_)) => Source::Ringback(Default::default()),
        };
        turn.say(Effect::Hear(Leg::CALLER, source));
    }
}

impl Story {
    /// The caller waits in a queue from now on.
    pub fn joins_line(&mut self, turn: &Turn<'_>) {
        self.in_line = Some(turn.now.at);
    }

    /// The caller waits no more: for the record, and for the desk unless somebody took the call.
    /// Harmless when it does not wait.
    pub fn leaves_line(&mut self, taken: bool, turn: &mut Turn<'_>) {
        let Some(since) = self.in_line.take() else { return };
        let waited = millis(turn.now.at.since(since));
        self.record.wait_ms = Some(self.record.wait_ms.unwrap_or(0).saturating_add(waited));
        self.step(format!("waited {}.{:03} s", waited / 1000, waited % 1000), turn);
        // A caller may wait for long; what it is led to afterwards has its whole time.
        self.unanswered_since = None;
        if !taken {
            turn.say(Effect::Desk(Ask::Leave));
        }
    }
}

/// As a step of the call's path says it.
fn name(who: &Who) -> String {
    match who {
        Who::Agent(id) => format!("agent {id}"),
        Who::Number(id) => id.to_string(),
    }
}
