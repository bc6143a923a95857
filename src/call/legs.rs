//! The destinations of a call: rung, answered, in their scripts, let go. What of them is left when
//! the call is over is in its record.

use std::sync::Arc;

use super::story::{Story, Turn};
use super::{Effect, Leg, Offer, cause};
use crate::audio::AnsweredBy;
use crate::model::event::What;
use crate::model::record::{Cause, LegRecord, Outcome, SymbolSent};
use crate::model::{Identity, ReceivingNumber};

/// The most destinations one call may ring, all steps of its route together.
pub(super) const MAX_LEGS: usize = 100;

/// One destination that was rung, by its leg.
pub(super) struct Side {
    pub to: Arc<ReceivingNumber>,
    pub on_the_line: bool,
    pub answered: bool,
    pub holds: bool,
    /// It is the caller by now, or was.
    pub moved: bool,
}

impl Story {
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
