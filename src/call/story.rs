//! What has happened in a call so far, and who is still on it. Every phase tells it on.
//!
//! The story owns the call record, numbers the facts, names the legs and knows which of them are
//! still to be let go, so that no phase has to remember another's legs.

use std::sync::Arc;
use std::time::Duration;

use super::asking::Heard;
use super::cause;
use super::streams::Open;
use super::tape::Tape;
use super::{Effect, Facts, Leg, Offer};
use crate::audio::{AnsweredBy, Source};
use crate::clock::{Instant, Now};
use crate::desk::Desk;
use crate::flow;
use crate::model::event::{Fact, What};
use crate::model::record::{CallRecord, Cause, LegRecord, Outcome, Quality, Step, SymbolSent};
use crate::model::{
    CallSettings, Directory, Identity, ReceivingNumber, RingbackBy, Route, TrackingNumber,
};

/// The most destinations one call may ring, all steps of its route together.
pub(super) const MAX_LEGS: usize = 100;

/// The most steps that a record tells.
pub(super) const STEPS_MAX: usize = 1000;

/// The moment of an event, what is to be seen of other calls, and where its effects go.
pub(super) struct Turn<'a> {
    pub now: Now,
    /// For reading; what it is asked goes out as [`Effect::Desk`].
    pub desk: &'a Desk,
    pub out: &'a mut Vec<Effect>,
}

impl Turn<'_> {
    pub fn say(&mut self, effect: Effect) {
        self.out.push(effect);
    }
}

pub(super) struct Story {
    pub facts: Facts,
    pub directory: Arc<Directory>,
    pub tracking: Arc<TrackingNumber>,
    pub record: CallRecord,
    /// Beside the record's recordings.
    pub tapes: Vec<Tape>,
    /// What the caller has been told.
    pub caller: Caller,
    /// How the last dialling ended, for a caller that is hung up on afterwards.
    pub last: Option<(Outcome, Cause)>,
    pub greeted: bool,
    pub noticed: bool,
    pub fail_safe_used: bool,
    /// The first destination that the call was meant for, rung or not.
    meant: Option<Arc<ReceivingNumber>>,
    /// Whose lead the call is if nobody takes it: the first who is named.
    pub lead_owner: Option<Arc<str>>,
    /// The program that the caller talks with, or that is reached.
    pub stream: Option<Open>,
    sides: Vec<Side>,
    seq: u32,
    steps: u8,
    /// How long destinations rang before one was connected, once any was; and since when some do.
    pub rung: Option<Duration>,
    pub ringing_since: Option<Instant>,
    /// When the first was rung since somebody last talked. Waiting in line begins it anew.
    pub unanswered_since: Option<Instant>,
    /// Since when it has been waiting in line.
    pub in_line: Option<Instant>,
    /// When the first destination was connected, and who was last.
    first_connected: Option<Instant>,
    last_connected: Option<Leg>,
    /// Talk that is over, and since when somebody talks now.
    talked: Duration,
    /// The talk that is left to an account that calls out.
    pub minutes: Option<Duration>,
    talking_since: Option<Instant>,
    pub caller_holds: bool,
    /// The destination that is called the caller now, and what the caller is called since then.
    pub swapped: Option<(Leg, Leg)>,
}

/// How far the caller has come. Later ones include the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Caller {
    Waiting,
    /// It was told that it rings.
    Ringing,
    /// It was told, and can hear us.
    Listening,
    Answered,
    /// It hung up, or was refused or let go.
    Gone,
}

/// One destination that was rung, by its leg.
pub(super) struct Side {
    pub to: Arc<ReceivingNumber>,
    pub on_the_line: bool,
    answered: bool,
    pub holds: bool,
    /// It is the caller by now, or was.
    pub moved: bool,
}

impl Story {
    pub fn new(
        record: CallRecord,
        facts: Facts,
        directory: Arc<Directory>,
        tracking: Arc<TrackingNumber>,
    ) -> Self {
        Self {
            facts,
            directory,
            tracking,
            record,
            tapes: Vec::new(),
            caller: Caller::Waiting,
            last: None,
            greeted: false,
            noticed: false,
            fail_safe_used: false,
            meant: None,
            lead_owner: None,
            stream: None,
            sides: Vec::new(),
            seq: 0,
            steps: 0,
            rung: None,
            ringing_since: None,
            unanswered_since: None,
            in_line: None,
            first_connected: None,
            last_connected: None,
            talked: Duration::ZERO,
            minutes: None,
            talking_since: None,
            caller_holds: false,
            swapped: None,
        }
    }

    pub fn settings(&self) -> &CallSettings {
        &self.tracking.settings
    }

    /// Something that can be seen from outside.
    pub fn note(&mut self, what: What, turn: &mut Turn<'_>) {
        super::log::tell(&what, &self.record);
        self.seq = self.seq.saturating_add(1);
        let call = Arc::clone(&self.facts.call);
        turn.say(Effect::Note(Fact { seq: self.seq, at: turn.now.wall, call, what }));
    }

    /// A step on the call's way, for its record.
    pub fn step(&mut self, what: impl Into<String>, turn: &Turn<'_>) {
        // Phones of ours may ask for as many transfers as they like.
        if STEPS_MAX <= self.record.path.len() {
            return;
        }
        self.record.path.push(Step { at: turn.now.wall, what: what.into() });
    }

    /// Takes one more step of the route; false if that is one too many, or too late.
    pub fn takes_a_step(&mut self, now: Instant) -> bool {
        let unanswered = self.unanswered_since.map_or(Duration::ZERO, |it| now.since(it));
        let may = flow::may_go_on(self.steps, unanswered);
        self.steps = self.steps.saturating_add(1);
        may
    }

    /// When the call has been ringing for too long, whatever rings then.
    pub fn unanswered_until(&self) -> Option<Instant> {
        self.unanswered_since.map(|it| it + flow::ROUTE_UNANSWERED_MAX)
    }

    // The caller.

    /// Tells the caller that it rings, in case it does not know.
    pub fn ring(&mut self, early_media: bool, turn: &mut Turn<'_>) {
        let wanted = if early_media { Caller::Listening } else { Caller::Ringing };
        if self.caller < wanted {
            self.caller = wanted;
            turn.say(Effect::Ring { early_media });
        }
    }

    pub fn answer_caller(&mut self, turn: &mut Turn<'_>) {
        if self.caller < Caller::Answered {
            self.caller = Caller::Answered;
            self.record.answered_at = Some(turn.now.wall);
            turn.say(Effect::Answer);
        }
    }

    /// Rings, and lets the caller hear its ringing tone or music if it can hear anything.
    pub fn ringback(&mut self, turn: &mut Turn<'_>) {
        let (source, audible) = match &self.settings().ringback {
            RingbackBy::Tone(tone) => (Source::Ringback(*tone), false),
            RingbackBy::Music(prompt) => (Source::Music(prompt.clip), true),
        };
        self.ring(audible, turn);
        if matches!(self.caller, Caller::Listening | Caller::Answered) {
            turn.say(Effect::Hear(Leg::CALLER, source));
        }
    }

    /// A message could not be played, and was skipped.
    pub fn clip_missing(&mut self, leg: Leg, turn: &Turn<'_>) {
        metrics::counter!("crosspoint_clips_missing_total").increment(1);
        self.step(format!("a message to leg {} could not be played", leg.0), turn);
    }

    /// What came of asking the caller, for the record: that it typed something, not what.
    pub fn heard(&mut self, by: &Route, heard: &Heard, turn: &mut Turn<'_>) {
        let (what, understood) = match heard {
            Heard::Answer(_) => ("answered", Some(true)),
            Heard::Wrong { .. } => ("no such answer", Some(false)),
            Heard::Nothing { .. } => ("no answer", None),
        };
        self.step(format!("{by}: {what}"), turn);
        if let Some(understood) = understood {
            self.note(What::KeysEntered { asked: by.to_string(), understood }, turn);
        }
    }

    // The destinations.

    /// The call is to go to this destination, which may be closed or full. In list order.
    pub fn meant_for(&mut self, to: &Arc<ReceivingNumber>) {
        self.meant.get_or_insert_with(|| Arc::clone(to));
        self.lead_owner = self.lead_owner.take().or_else(|| to.lead_owner.clone());
    }

    /// Rings one more destination; `None` if the call has had too many.
    pub fn invite(
        &mut self,
        to: &Arc<ReceivingNumber>,
        identity: Identity,
        early_media: bool,
        turn: &mut Turn<'_>,
    ) -> Option<Leg> {
        if MAX_LEGS <= self.sides.len() {
            return None;
        }
        let leg = Leg(u8::try_from(self.sides.len() + 1).ok()?);
        self.meant_for(to);
        self.rings_from(turn.now.at);
        self.unanswered_since.get_or_insert(turn.now.at);
        self.sides.push(Side::new(to));
        self.record.legs.push(LegRecord::dialled(leg.0, &to.id, turn.now.wall));
        let offer = Offer { leg, to: Arc::clone(to), identity, early_media };
        turn.say(Effect::Invite(Box::new(offer)));
        self.note(What::LegDialing { leg: leg.0, destination: Arc::clone(&to.id) }, turn);
        Some(leg)
    }

    /// Somebody more who is there already; `None` if the call has had too many.
    pub fn add_side(&mut self, to: &Arc<ReceivingNumber>, turn: &Turn<'_>) -> Option<Leg> {
        if MAX_LEGS <= self.sides.len() {
            return None;
        }
        let leg = Leg(u8::try_from(self.sides.len() + 1).ok()?);
        self.sides.push(Side::new(to));
        let mut page = LegRecord::dialled(leg.0, &to.id, turn.now.wall);
        page.answered_at = Some(turn.now.wall);
        page.outcome = Some(Outcome::Answered);
        self.record.legs.push(page);
        Some(leg)
    }

    /// This destination's page of the record.
    pub fn leg(&mut self, leg: Leg) -> Option<&mut LegRecord> {
        self.record.legs.get_mut(usize::from(leg.0).checked_sub(1)?)
    }

    pub fn rings(&mut self, leg: Leg, turn: &mut Turn<'_>) {
        let Some(page) = self.leg(leg) else { return };
        if page.ringing_at.is_none() {
            page.ringing_at = Some(turn.now.wall);
            self.note(What::LegRinging { leg: leg.0 }, turn);
        }
    }

    pub fn answered(&mut self, leg: Leg, turn: &mut Turn<'_>) {
        if let Some(side) = self.side(leg) {
            side.answered = true;
        }
        if let Some(page) = self.leg(leg) {
            page.answered_at = Some(turn.now.wall);
        }
        self.note(What::LegAnswered { leg: leg.0 }, turn);
    }

    /// A symbol of the extension is sent: its position in the text, from 1, not its value.
    pub fn symbol_sent(&mut self, leg: Leg, position: u16, wait: bool, turn: &mut Turn<'_>) {
        if let Some(page) = self.leg(leg) {
            page.symbols.push(SymbolSent { position, wait, at: turn.now.wall });
        }
        if !wait {
            self.note(What::LegDigit { leg: leg.0, position }, turn);
        }
    }

    /// The far end was waited for to speak; now it has, or the wait is over.
    pub fn voice_heard(&mut self, leg: Leg, turn: &Turn<'_>) {
        if let Some(page) = self.leg(leg)
            && let Some(answered) = page.answered_at
        {
            let waited = turn.now.wall.unix_micros() - answered.unix_micros();
            page.voice_after_ms = u64::try_from(waited / 1000).ok();
        }
    }

    /// Who picked up, by the sound of it.
    pub fn answered_by(&mut self, leg: Leg, by: AnsweredBy) {
        if let Some(page) = self.leg(leg) {
            page.answered_by = Some(by);
        }
    }

    pub fn whispered(&mut self, leg: Leg, turn: &mut Turn<'_>) {
        let Some(page) = self.leg(leg) else { return };
        if page.whisper_at.is_none() {
            page.whisper_at = Some(turn.now.wall);
            self.note(What::LegWhisper { leg: leg.0 }, turn);
        }
    }

    pub fn accepted(&mut self, leg: Leg, turn: &mut Turn<'_>) {
        if let Some(page) = self.leg(leg) {
            page.accepted_at = Some(turn.now.wall);
        }
        self.note(What::LegAccepted { leg: leg.0 }, turn);
    }

    pub fn declined(&mut self, leg: Leg, turn: &mut Turn<'_>) {
        self.note(What::LegDeclined { leg: leg.0 }, turn);
    }

    /// A destination that was let go answers all the same (EDGE C-14): it is let go again.
    pub fn answered_late(&mut self, leg: Leg, turn: &mut Turn<'_>) {
        let Some(page) = self.leg(leg) else { return };
        let mut cause = page.cause.clone().unwrap_or_else(cause::completed_elsewhere);
        if let Some(kept) = &mut page.cause {
            kept.reason = "answered_after_cancel".to_owned();
        }
        cause.local = true;
        turn.say(Effect::Release { leg, cause });
    }

    /// Whether this destination was rung and is neither gone nor let go.
    pub fn is_on_the_line(&self, leg: Leg) -> bool {
        self.sides.get(usize::from(leg.0).wrapping_sub(1)).is_some_and(|it| it.on_the_line)
    }

    /// Whether this destination was rung, and is gone or let go.
    pub fn was_on_the_line(&self, leg: Leg) -> bool {
        self.sides
            .get(usize::from(leg.0).wrapping_sub(1))
            .is_some_and(|it| !it.on_the_line && !it.moved)
    }

    /// Lets a destination go, if it is still there.
    pub fn release(
        &mut self,
        leg: Leg,
        outcome: Option<Outcome>,
        cause: Cause,
        turn: &mut Turn<'_>,
    ) {
        if self.is_on_the_line(leg) {
            turn.say(Effect::Release { leg, cause: cause.clone() });
            self.lost(leg, outcome, cause, turn);
        }
    }

    /// A destination is gone: by itself, or let go just now.
    pub fn lost(&mut self, leg: Leg, outcome: Option<Outcome>, cause: Cause, turn: &mut Turn<'_>) {
        let Some(side) = self.side(leg).filter(|it| it.on_the_line) else { return };
        side.on_the_line = false;
        if let Some(page) = self.leg(leg) {
            page.ended_at = Some(turn.now.wall);
            page.outcome = page.outcome.or(outcome);
            page.cause = Some(cause.clone());
        }
        self.note(What::LegEnded { leg: leg.0, cause }, turn);
    }

    /// Lets every destination go but this one.
    pub fn release_all_but(
        &mut self,
        kept: Option<Leg>,
        outcome: Option<Outcome>,
        cause: &Cause,
        turn: &mut Turn<'_>,
    ) {
        for leg in (1..).map(Leg).take(self.sides.len()) {
            if Some(leg) != kept {
                self.release(leg, outcome, cause.clone(), turn);
            }
        }
    }

    /// Caller and destination are about to hear each other.
    pub fn connected(&mut self, leg: Leg, turn: &mut Turn<'_>) {
        self.rings_no_more(turn.now.at);
        self.first_connected.get_or_insert(turn.now.at);
        self.last_connected = Some(leg);
        self.talking_since = Some(turn.now.at);
        // What comes after a talk is a chain of routes of its own.
        (self.steps, self.unanswered_since, self.last) = (0, None, None);
        self.record.connected_at.get_or_insert(turn.now.wall);
        if let Some(page) = self.leg(leg) {
            page.connected_at.get_or_insert(turn.now.wall);
            page.outcome = Some(Outcome::Answered);
        }
        self.note(What::Connected { leg: leg.0 }, turn);
    }

    pub fn is_connected(&self) -> bool {
        self.first_connected.is_some()
    }

    /// The two do not hear each other any more, but the call goes on.
    pub fn stop_talking(&mut self, turn: &Turn<'_>) {
        self.talked = self.talk(turn.now.at);
        self.talking_since = None;
    }

    /// How long anybody has talked so far, all connections together.
    pub fn talk(&self, now: Instant) -> Duration {
        self.talked + self.talking_since.map_or(Duration::ZERO, |it| now.since(it))
    }

    // The end.

    /// Completes the record, but for what is reported after the end.
    pub fn close(&mut self, cause: &Cause, turn: &Turn<'_>) {
        let now = turn.now;
        self.rings_no_more(now.at);
        self.record.ended_at = Some(now.wall);
        self.record.cause = Some(cause.clone());
        self.record.ring_ms = self.rung.map(millis);
        self.record.talk_ms = self.first_connected.map(|_| millis(self.talk(now.at)));
        match self.taken_by() {
            Some(number) => {
                self.record.agent.clone_from(&number.agent);
                self.record.source_tag.clone_from(&number.source_tag);
            }
            None => {
                self.record.lead_owner.clone_from(&self.lead_owner);
                if let Some(meant) = &self.meant {
                    self.record.source_tag.clone_from(&meant.source_tag);
                }
            }
        }
    }

    /// Tags the record, which is complete but for its recordings' lengths.
    pub fn tag(&mut self) {
        let destination = self.taken_by().or_else(|| self.meant.clone());
        let tags = flow::tags(&self.directory, &self.record, destination.as_deref());
        self.record.tags.extend(tags);
    }

    /// The destination that the call was connected to last.
    fn taken_by(&mut self) -> Option<Arc<ReceivingNumber>> {
        let leg = self.last_connected?;
        self.side(leg).map(|it| Arc::clone(&it.to))
    }

    pub fn quality(&mut self, leg: Leg, quality: Quality) {
        let (near, was_caller) = self.swapped.unwrap_or((Leg::CALLER, Leg::CALLER));
        let leg = if leg == Leg::CALLER { near } else { leg };
        if leg == Leg::CALLER || leg == was_caller {
            self.record.caller_quality = Some(quality);
        } else if let Some(page) = self.leg(leg) {
            page.quality = Some(quality);
        }
    }

    /// Whether the quality of a leg that had answered, or a recording's end, is still to be told.
    pub fn awaits_reports(&self) -> bool {
        let caller = self.record.answered_at.is_some() && self.record.caller_quality.is_none();
        let mut legs = self.sides.iter().zip(&self.record.legs);
        caller
            || legs.any(|(side, page)| side.answered && page.quality.is_none())
            || self.tapes.contains(&Tape::Closing)
    }

    pub fn side_at(&self, leg: Leg) -> Option<&Side> {
        self.sides.get(usize::from(leg.0).checked_sub(1)?)
    }

    pub fn side(&mut self, leg: Leg) -> Option<&mut Side> {
        self.sides.get_mut(usize::from(leg.0).checked_sub(1)?)
    }
}

impl Side {
    fn new(to: &Arc<ReceivingNumber>) -> Self {
        Self { to: Arc::clone(to), on_the_line: true, answered: false, holds: false, moved: false }
    }
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
