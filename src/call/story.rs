//! What has happened in a call so far, and who is still on it. Every phase tells it on.
//!
//! The story owns the call record, numbers the facts, names the legs and knows which of them are
//! still to be let go, so that no phase has to remember another's legs.

use std::sync::Arc;
use std::time::Duration;

use super::asking::Heard;
use super::legs::Side;
use super::sides::Minutes;
use super::streams::Open;
use super::tape::Tape;
use super::{Effect, Facts, Leg};
use crate::audio::Source;
use crate::clock::{Instant, Now};
use crate::desk::Desk;
use crate::flow;
use crate::model::event::{Fact, What};
use crate::model::record::{CallRecord, Cause, Outcome, Quality, Step};
use crate::model::{CallSettings, Directory, ReceivingNumber, RingbackBy, Route, TrackingNumber};

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
    pub meant: Option<Arc<ReceivingNumber>>,
    /// Whose lead the call is if nobody takes it: the first who is named.
    pub lead_owner: Option<Arc<str>>,
    /// The program that the caller talks with, or that is reached.
    pub stream: Option<Open>,
    pub sides: Vec<Side>,
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
    /// Of an account that calls out.
    pub minutes: Option<Minutes>,
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

    /// What comes now is a chain of routes of its own.
    pub fn begins_anew(&mut self) {
        (self.steps, self.unanswered_since, self.last) = (0, None, None);
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

    /// Caller and destination are about to hear each other.
    pub fn connected(&mut self, leg: Leg, turn: &mut Turn<'_>) {
        self.rings_no_more(turn.now.at);
        self.first_connected.get_or_insert(turn.now.at);
        self.last_connected = Some(leg);
        self.talking_since = Some(turn.now.at);
        self.spends();
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
        self.close_minutes(now.at);
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
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
