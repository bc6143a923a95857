//! A call is offered to one or more destinations; the first to hear its script out gets it.
//!
//! ```text
//!  Waiting --its time, or its turn--> Ringing --answers--> InScript --script done--> the call
//!                                        |                    |
//!                             refuses,   |        hangs up,   |
//!                             rings out  v        declines    v
//!                                       Lost <----------------+
//! ```
//! Answering is not enough: while one destination hears its extension dialled, its whisper and its
//! accept prompt, the others go on ringing, each on its own timer (PRODUCT section 2.1). The ring
//! timer starts with our INVITE and is ours: nothing of the far end's can stretch it.
//!
//! This is the one machine that rings destinations, so that each of their settings holds on every
//! way to them. It is no phase: the phase that rings somebody has one, and says what the caller
//! hears meanwhile and what comes after it.

use std::sync::Arc;
use std::time::Duration;

use super::entering::Lost;
use super::story::{Caller, Story, Turn};
use super::taking::{is_closed, turn_away};
use super::{Effect, Event, Leg, cause};
use crate::audio::{AnsweredBy, Source};
use crate::clock::Instant;
use crate::flow::{self, Briefing, Ring, Step, When};
use crate::model::ReceivingNumber;
use crate::model::record::{Cause, Direction, Outcome};

pub(super) struct Offering {
    /// In list order.
    offers: Vec<Offer>,
    /// In the order they were lost.
    lost: Vec<Lost>,
    meanwhile: Meanwhile,
}

/// What the caller hears while destinations ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meanwhile {
    /// That they ring, or a destination's early media where that is wanted.
    Ringing { early_media: bool },
    /// What the phase lets it hear.
    Other,
}

/// Who took the call: its script is done.
pub(super) struct Taken {
    pub leg: Leg,
    pub to: Arc<ReceivingNumber>,
}

struct Offer {
    to: Arc<ReceivingNumber>,
    progress: Progress,
    /// Whose place it takes once it has answered.
    instead: Option<Leg>,
}

enum Progress {
    /// Joins at this moment; earlier if `early` and all who were rung are lost.
    Waiting {
        until: Instant,
        early: bool,
    },
    /// Joins so long after all before it are lost.
    InTurn {
        after: Duration,
    },
    Ringing {
        leg: Leg,
        until: Instant,
    },
    /// The line of its script that has begun last; none yet, if it has not said so.
    InScript {
        leg: Leg,
        briefing: Briefing,
        line: Option<u16>,
    },
    Lost,
}

impl Offering {
    pub fn new(meanwhile: Meanwhile) -> Self {
        Self { offers: Vec::new(), lost: Vec::new(), meanwhile }
    }

    /// Adds these, each at its time from now; [`Self::go_on`] rings them.
    pub fn add(&mut self, rings: Vec<Ring>, now: Instant) {
        self.offers.extend(rings.into_iter().map(|ring| {
            let progress = match ring.when {
                When::After(time) => Progress::Waiting { until: now + time, early: true },
                When::AfterPrevious(after) => Progress::InTurn { after },
            };
            Offer { to: ring.to, progress, instead: None }
        }));
    }

    /// Adds somebody who has called in, and is answered now; the leg whose place that is goes on
    /// ringing until then.
    pub fn take_in(
        &mut self,
        to: &Arc<ReceivingNumber>,
        instead: Option<Leg>,
        story: &mut Story,
        turn: &mut Turn<'_>,
    ) -> Option<Leg> {
        let (leg, to) = story.take_in(to, turn)?;
        let progress = Progress::Ringing { leg, until: turn.now.at + to.no_answer.timeout };
        self.offers.push(Offer { to, progress, instead });
        Some(leg)
    }

    /// Takes an event; the phase asks it to [`Self::go_on`] afterwards, unless somebody took the
    /// call: then all others have been let go.
    pub fn on(&mut self, event: &Event, story: &mut Story, turn: &mut Turn<'_>) -> Option<Taken> {
        match event {
            Event::Ringing { leg, early_media } => self.ringing(*leg, *early_media, story, turn),
            Event::Answered { leg } => return self.answered(*leg, story, turn),
            Event::Replace { leg, to } if self.ringing_on(*leg).is_some() => {
                if is_closed(to, turn) {
                    turn_away(cause::closed(), turn);
                } else if self.take_in(to, Some(*leg), story, turn).is_none() {
                    turn_away(cause::too_many_legs(), turn);
                }
            }
            Event::Line { leg, line } => self.line(*leg, *line, story, turn),
            Event::ScriptDone { leg } => return self.script_done(*leg, story, turn),
            Event::Declined { leg } if self.in_script(*leg).is_some() => {
                let by = story.leg(*leg).and_then(|it| it.answered_by);
                let screened = self.on_leg(*leg).is_some_and(|it| it.to.decline_machines);
                let cause = match by {
                    Some(AnsweredBy::Machine) if screened => cause::machine(),
                    _ => cause::declined(),
                };
                let outcome = Outcome::Declined;
                self.lose(*leg, outcome, cause.clone());
                story.declined(*leg, turn);
                story.release(*leg, Some(outcome), cause, turn);
            }
            Event::Refused { leg, cause } | Event::HungUp { leg, cause } => {
                self.gone(*leg, cause, story, turn);
            }
            Event::SkipWhisper => return self.skip_whispers(story, turn),
            Event::Time => self.expire(story, turn),
            _ => (),
        }
        None
    }

    /// When an [`Event::Time`] is wanted.
    pub fn deadline(&self) -> Option<Instant> {
        let times = self.offers.iter().filter_map(|offer| match offer.progress {
            Progress::Ringing { until, .. } | Progress::Waiting { until, .. } => Some(until),
            Progress::InTurn { .. } | Progress::InScript { .. } | Progress::Lost => None,
        });
        times.min()
    }

    /// Rings every destination whose time has come.
    pub fn go_on(&mut self, story: &mut Story, turn: &mut Turn<'_>) {
        let now = turn.now.at;
        let is_due =
            |it: &Offer| matches!(it.progress, Progress::Waiting { until, .. } if until <= now);
        loop {
            if self.offers.iter().all(|it| it.leg().is_none()) {
                self.let_the_next_join(now);
            }
            let early_media = self.meanwhile == Meanwhile::Ringing { early_media: true };
            let Some(offer) = self.offers.iter_mut().find(|it| is_due(it)) else { break };
            if let Err(cause) = offer.ring(early_media, story, turn) {
                let (to, outcome) = (Arc::clone(&offer.to), Outcome::Failed);
                self.lost.push(Lost { to, outcome, cause });
            }
        }
        self.is_quiet(story, now);
    }

    /// Nobody rings, nobody will, and nobody took the call.
    pub fn is_lost(&self) -> bool {
        self.offers.iter().all(|it| matches!(it.progress, Progress::Lost))
    }

    /// Those who were lost since this was last asked, in the order they were.
    pub fn take_lost(&mut self) -> Vec<Lost> {
        self.offers.retain(|it| !matches!(it.progress, Progress::Lost));
        std::mem::take(&mut self.lost)
    }

    /// Lets those go who have not picked up, and rings nobody else. Scripts go on.
    pub fn stop_ringing(&mut self, cause: &Cause, story: &mut Story, turn: &mut Turn<'_>) {
        for offer in &mut self.offers {
            let leg = offer.leg();
            if matches!(offer.progress, Progress::InScript { .. } | Progress::Lost) {
                continue;
            }
            offer.progress = Progress::Lost;
            let (to, outcome) = (Arc::clone(&offer.to), Outcome::NoAnswer);
            self.lost.push(Lost { to, outcome, cause: cause.clone() });
            if let Some(leg) = leg {
                story.release(leg, Some(outcome), cause.clone(), turn);
            }
        }
        self.is_quiet(story, turn.now.at);
    }

    /// Stops the clock of the ringing if nobody rings or hears a script.
    fn is_quiet(&self, story: &mut Story, now: Instant) {
        if self.offers.iter().all(|it| it.leg().is_none()) {
            story.rings_no_more(now);
        }
    }

    fn ringing(&mut self, leg: Leg, early_media: bool, story: &mut Story, turn: &mut Turn<'_>) {
        if self.ringing_on(leg).is_none() {
            return;
        }
        story.rings(leg, turn);
        match self.meanwhile {
            Meanwhile::Ringing { early_media: true } if early_media => {
                story.ring(true, turn);
                turn.say(Effect::Hear(Leg::CALLER, Source::Leg(leg)));
            }
            Meanwhile::Ringing { .. } if story.caller < Caller::Ringing => story.ringback(turn),
            Meanwhile::Ringing { .. } | Meanwhile::Other => (),
        }
    }

    fn answered(&mut self, leg: Leg, story: &mut Story, turn: &mut Turn<'_>) -> Option<Taken> {
        let offer = self.ringing_on(leg)?;
        let briefing = flow::briefing(&offer.to, story.settings());
        let script = briefing.script.clone();
        let listens = briefing.answer_begins() == 0;
        offer.progress = Progress::InScript { leg, briefing, line: None };
        if let Some(rang) = offer.instead.take() {
            self.offers.retain(|it| it.leg() != Some(rang));
            story.release(rang, None, cause::completed_elsewhere(), turn);
        }
        story.answered(leg, turn);
        if listens {
            turn.say(Effect::Listen(leg));
        }
        if script.is_empty() {
            return self.script_done(leg, story, turn);
        }
        if let Meanwhile::Ringing { .. } = self.meanwhile {
            // Also takes the caller off the destination's early media.
            story.ringback(turn);
        }
        turn.say(Effect::Hear(leg, Source::Script(script)));
        None
    }

    /// A line of a script begins: kept in the record, digits without their value.
    fn line(&mut self, leg: Leg, line: u16, story: &mut Story, turn: &mut Turn<'_>) {
        let progress = self.on_leg(leg).map(|it| &mut it.progress);
        let Some(Progress::InScript { briefing, line: now, .. }) = progress else { return };
        *now = Some(line);
        if line.checked_sub(1).and_then(|it| briefing.step(it)) == Some(Step::Voice) {
            story.voice_heard(leg, turn);
        }
        if 0 < line && line == briefing.answer_begins() {
            turn.say(Effect::Listen(leg));
        }
        match briefing.step(line) {
            Some(Step::Digit { position }) => story.symbol_sent(leg, position, false, turn),
            Some(Step::Wait { position }) => story.symbol_sent(leg, position, true, turn),
            Some(Step::Whisper) => story.whispered(leg, turn),
            Some(Step::Voice | Step::Pause | Step::Screening | Step::Accept) | None => (),
        }
    }

    /// Whether anybody hears a whisper now.
    pub fn whispers(&self) -> bool {
        self.offers.iter().any(|it| it.whispering().is_some())
    }

    /// Whoever hears a whisper hears what comes after it; who has nothing more to hear takes the
    /// call.
    fn skip_whispers(&mut self, story: &mut Story, turn: &mut Turn<'_>) -> Option<Taken> {
        let legs: Vec<(Leg, u16)> = self.offers.iter().filter_map(Offer::whispering).collect();
        for (leg, whisper) in legs {
            let progress = self.on_leg(leg).map(|it| &mut it.progress);
            let Some(Progress::InScript { briefing, line, .. }) = progress else { continue };
            *line = None;
            briefing.skip_to(whisper.saturating_add(1));
            let script = briefing.script.clone();
            if script.is_empty() {
                return self.script_done(leg, story, turn);
            }
            turn.say(Effect::Hear(leg, Source::Script(script)));
        }
        None
    }

    /// The first script done wins; the others are let go.
    fn script_done(&mut self, leg: Leg, story: &mut Story, turn: &mut Turn<'_>) -> Option<Taken> {
        let winner = self.in_script(leg)?;
        let to = Arc::clone(&winner.to);
        if let Progress::InScript { briefing, .. } = &winner.progress
            && !briefing.is_empty()
            && briefing.steps.len() == usize::from(briefing.answer_begins())
        {
            turn.say(Effect::Listen(leg));
        }
        story.accepted(leg, turn);
        // Its own alone: somebody who put the caller through may still be on the line.
        for other in self.offers.iter().filter_map(Offer::leg).filter(|it| *it != leg) {
            story.release(other, None, cause::completed_elsewhere(), turn);
        }
        Some(Taken { leg, to })
    }

    /// A destination went by itself: it refused, or hung up before it was connected.
    fn gone(&mut self, leg: Leg, cause: &Cause, story: &mut Story, turn: &mut Turn<'_>) {
        let Some(offer) = self.on_leg(leg) else { return };
        let outcome = match offer.progress {
            Progress::InScript { .. } => Outcome::Declined,
            // A success that never became an answer is none.
            _ => flow::outcome(cause.sip).min(Outcome::Declined),
        };
        self.lose(leg, outcome, cause.clone());
        if outcome == Outcome::Declined {
            story.declined(leg, turn);
        }
        story.lost(leg, Some(outcome), cause.clone(), turn);
    }

    fn expire(&mut self, story: &mut Story, turn: &mut Turn<'_>) {
        let rung_out = |offer: &Offer| match offer.progress {
            Progress::Ringing { leg, until } if until <= turn.now.at => Some(leg),
            _ => None,
        };
        let legs: Vec<Leg> = self.offers.iter().filter_map(rung_out).collect();
        for leg in legs {
            let (outcome, cause) = (Outcome::NoAnswer, cause::rang_out());
            self.lose(leg, outcome, cause.clone());
            story.release(leg, Some(outcome), cause, turn);
        }
    }

    /// Nobody is on the line. Those who would join next join now if others were lost before them:
    /// a caller does not wait for a stage's time while nothing rings. A sequence goes on.
    fn let_the_next_join(&mut self, now: Instant) {
        let waits = |it: &Offer| match it.progress {
            Progress::Waiting { until, early } => Some((until, early)),
            _ => None,
        };
        let next = self.offers.iter().filter_map(waits).min();
        if let Some((until, true)) = next
            && !self.lost.is_empty()
        {
            for offer in self.offers.iter_mut().filter(|it| waits(it) == Some((until, true))) {
                offer.progress = Progress::Waiting { until: now, early: true };
            }
        }
        if next.is_none() {
            let in_turn = |it: &Offer| match it.progress {
                Progress::InTurn { after } => Some(after),
                _ => None,
            };
            let mut turns = self.offers.iter_mut();
            if let Some((offer, after)) = turns.find_map(|it| in_turn(it).map(|after| (it, after)))
            {
                offer.progress = Progress::Waiting { until: now + after, early: false };
            }
        }
    }

    fn lose(&mut self, leg: Leg, outcome: Outcome, cause: Cause) {
        if let Some(offer) = self.on_leg(leg) {
            offer.progress = Progress::Lost;
            let to = Arc::clone(&offer.to);
            self.lost.push(Lost { to, outcome, cause });
        }
    }

    fn ringing_on(&mut self, leg: Leg) -> Option<&mut Offer> {
        self.on_leg(leg).filter(|it| matches!(it.progress, Progress::Ringing { .. }))
    }

    fn in_script(&mut self, leg: Leg) -> Option<&mut Offer> {
        self.on_leg(leg).filter(|it| matches!(it.progress, Progress::InScript { .. }))
    }

    fn on_leg(&mut self, leg: Leg) -> Option<&mut Offer> {
        self.offers.iter_mut().find(|it| it.leg() == Some(leg))
    }
}

impl Offer {
    fn ring(
        &mut self,
        early_media: bool,
        story: &mut Story,
        turn: &mut Turn<'_>,
    ) -> Result<(), Cause> {
        let mut identity = flow::identity(&self.to, &story.tracking, &story.facts.caller);
        if story.record.direction != Direction::Inbound {
            // What a phone of ours dialled was diverted from nobody.
            identity.diverted_from.clear();
        }
        let Some(leg) = story.invite(&self.to, identity, early_media, turn) else {
            self.progress = Progress::Lost;
            return Err(cause::too_many_legs());
        };
        let until = turn.now.at + self.to.no_answer.timeout;
        self.progress = Progress::Ringing { leg, until };
        Ok(())
    }

    /// Its leg, and the line of its script, while that is a whisper.
    fn whispering(&self) -> Option<(Leg, u16)> {
        match &self.progress {
            Progress::InScript { leg, briefing, line: Some(line) }
                if briefing.step(*line) == Some(Step::Whisper) =>
            {
                Some((*leg, *line))
            }
            _ => None,
        }
    }

    /// Its leg, while it is on the line.
    fn leg(&self) -> Option<Leg> {
        match self.progress {
            Progress::Ringing { leg, .. } | Progress::InScript { leg, .. } => Some(leg),
            Progress::Waiting { .. } | Progress::InTurn { .. } | Progress::Lost => None,
        }
    }
}
