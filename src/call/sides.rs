//! Who is on the line as what: sides on hold, sides that change places, sides from other calls;
//! and how long they may talk, all together.
//!
//! The caller of a call is whoever was put through last: when the person who placed the call puts
//! its other side through to somebody else, that other side becomes the caller
//! ([`Effect::Swap`]), so that no phase has to know that there was a transfer.

use std::sync::Arc;
use std::time::Duration;

use super::story::{Story, Turn, millis};
use super::{Effect, Leg};
use crate::audio::Source;
use crate::clock::Instant;
use crate::desk::Ask;
use crate::flow::{self, Limit};
use crate::model::ReceivingNumber;
use crate::model::event::What;
use crate::model::record::{CalledOut, Cause};

/// The talk of a call that counts for an account which calls out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Minutes {
    /// What was talked before it went out.
    from: Duration,
    /// It ends when so much was talked, all connections together.
    until: Duration,
    /// Somebody took the call since.
    taken: bool,
}

impl Story {
    /// A leg put its other side on hold, or took it back.
    pub fn hold(&mut self, leg: Leg, on: bool) {
        if leg == Leg::CALLER {
            self.caller_holds = on;
        } else if let Some(side) = self.side(leg) {
            side.holds = on;
        }
    }

    pub fn holds(&self, leg: Leg) -> bool {
        match leg {
            Leg::CALLER => self.caller_holds,
            leg => self.side_at(leg).is_some_and(|it| it.holds),
        }
    }

    /// Somebody is rung; once somebody was connected, it is no more what the record asks.
    pub fn rings_from(&mut self, now: Instant) {
        if !self.is_connected() {
            self.rung.get_or_insert_default();
            self.ringing_since.get_or_insert(now);
        }
    }

    /// Nobody rings or hears a script.
    pub fn rings_no_more(&mut self, now: Instant) {
        if let Some(since) = self.ringing_since.take() {
            self.rung = Some(self.rung.unwrap_or_default() + now.since(since));
        }
    }

    /// How many of this call's legs to a destination ring, or are on the line.
    pub fn on_the_line_at(&self, destination: &str) -> u32 {
        let sides = (1..).map(Leg).map_while(|it| self.side_at(it));
        let there = sides.filter(|it| it.on_the_line && *it.to.id == *destination);
        u32::try_from(there.count()).unwrap_or(u32::MAX)
    }

    /// What a leg hears of `other`: music while that holds it, if there is any.
    pub fn heard_of(&self, other: Leg) -> Source<Leg> {
        match &self.settings().hold_music {
            Some(music) if self.holds(other) => Source::Music(music.clip),
            _ => Source::Leg(other),
        }
    }

    /// The caller as a destination: the phones of an account of ours, or who took its place.
    pub fn caller_as_destination(&self) -> Option<Arc<ReceivingNumber>> {
        match self.swapped {
            Some((near, _)) => self.side_at(near).map(|it| Arc::clone(&it.to)),
            None => {
                let account = self.facts.account.as_ref()?;
                Some(flow::phones_of(&self.directory, account))
            }
        }
    }

    /// `callee` becomes the caller; what the caller is called from now on, if there is room.
    pub fn swap(
        &mut self,
        callee: Leg,
        caller: &Arc<ReceivingNumber>,
        turn: &mut Turn<'_>,
    ) -> Option<Leg> {
        let other = self.add_side(caller, turn)?;
        let callee_holds = self.holds(callee);
        let caller_holds = std::mem::replace(&mut self.caller_holds, callee_holds);
        if let Some(side) = self.side(other) {
            side.holds = caller_holds;
        }
        if let Some(side) = self.side(callee) {
            (side.on_the_line, side.moved) = (false, true);
        }
        match self.swapped {
            None => self.swapped = Some((callee, other)),
            Some((before, was_caller)) => {
                self.end_page(before, super::cause::transferred(), turn);
                self.swapped = Some((callee, was_caller));
            }
        }
        turn.say(Effect::Swap { caller: callee, other });
        let destination = Arc::clone(&caller.id);
        turn.say(Effect::Desk(Ask::OnLine { leg: other.0, destination, was_caller: true }));
        Some(other)
    }

    /// Somebody at the other end of another call, who has long answered.
    pub fn join(&mut self, to: &Arc<ReceivingNumber>, turn: &mut Turn<'_>) -> Option<Leg> {
        let leg = self.add_side(to, turn)?;
        let destination = Arc::clone(&to.id);
        turn.say(Effect::Desk(Ask::OnLine { leg: leg.0, destination, was_caller: false }));
        self.note(What::LegAnswered { leg: leg.0 }, turn);
        self.accepted(leg, turn);
        Some(leg)
    }

    /// The page of the destination that took the caller's place is complete when the call is over.
    pub fn end_swapped(&mut self, cause: &Cause, turn: &mut Turn<'_>) {
        if let Some((near, _)) = self.swapped {
            self.end_page(near, cause.clone(), turn);
        }
    }

    /// What is left of a limit: talk before a transfer counts, and the minutes of an account that
    /// calls out.
    pub fn limited(&self, limit: Limit, now: Instant) -> Limit {
        let left = limit.talk.saturating_sub(self.talk(now));
        match self.minutes {
            Some(Minutes { until, .. }) if until.saturating_sub(self.talk(now)) < left => {
                let talk = until.saturating_sub(self.talk(now));
                Limit { talk, reason: "minutes_per_day" }
            }
            _ => Limit { talk: left, ..limit },
        }
    }

    /// From now on this is one of the calls out of that account, and may talk for so long.
    pub fn spend(&mut self, account: Arc<str>, left: Duration, turn: &mut Turn<'_>) {
        let talked = self.talk(turn.now.at);
        let (from, taken) = self.minutes.map_or((talked, false), |it| (it.from, it.taken));
        if self.minutes.is_none() {
            self.record.called_out = Some(CalledOut { account: Arc::clone(&account), talk_ms: 0 });
        }
        self.minutes = Some(Minutes { from, until: talked + left, taken });
        turn.say(Effect::Spend { account });
    }

    /// Somebody talks: if the call went out, that is what it talks for.
    pub fn spends(&mut self) {
        if let Some(minutes) = &mut self.minutes {
            minutes.taken = true;
        }
    }

    /// Whoever was rung outside did not take the call: what comes now is no call out.
    pub fn spares(&mut self, turn: &mut Turn<'_>) {
        if self.minutes.take_if(|it| !it.taken).is_some() {
            turn.say(Effect::Spare);
        }
    }

    /// Other calls of that account have begun or ended: so much is left for this one.
    pub fn share(&mut self, left: Duration, now: Instant) {
        let talked = self.talk(now);
        if let Some(minutes) = &mut self.minutes {
            minutes.until = talked + left;
        }
    }

    /// What the call has used, for the record.
    pub fn close_minutes(&mut self, now: Instant) {
        let talked = self.talk(now);
        if let (Some(out), Some(minutes)) = (&mut self.record.called_out, self.minutes) {
            out.talk_ms = millis(talked.saturating_sub(minutes.from));
        }
    }

    fn end_page(&mut self, leg: Leg, cause: Cause, turn: &mut Turn<'_>) {
        let Some(page) = self.leg(leg) else { return };
        page.ended_at = Some(turn.now.wall);
        page.cause = Some(cause.clone());
        self.note(What::LegEnded { leg: leg.0, cause }, turn);
    }
}
