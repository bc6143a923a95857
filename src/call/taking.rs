//! Somebody calls in to take the place of a leg: the phone that its far end went on to, or one that
//! picks up for another which still rings. (In SIP an INVITE with Replaces, RFC 3891; who may is
//! settled before.)
//!
//! ```text
//!  talking --somebody wants a leg's place--> transferring --its script is done--> talking
//!  ringing --somebody wants a leg's place--> who rang is let go, the other hears its script
//! ```
//! Whoever comes is offered the call as on any other way, so that every setting of the destination
//! holds anew: its schedule, its whisper and accept prompt, its veto of a recording. Only its
//! extension is not dialled: who calls us has no switchboard in front of it.

use std::sync::Arc;
use std::time::Duration;

use super::legs::MAX_LEGS;
use super::offering::{Meanwhile, Offering};
use super::story::{Story, Turn};
use super::talking::Talking;
use super::transfer::{self, Transferring};
use super::{Effect, Leg, Offer, Phase, cause};
use crate::desk::Ask;
use crate::model::record::Cause;
use crate::model::{Identity, ReceivingNumber};

/// Somebody wants the place of a leg that talks.
pub(super) fn take_place(
    talk: Talking,
    leg: Leg,
    to: &Arc<ReceivingNumber>,
    story: &mut Story,
    turn: &mut Turn<'_>,
) -> Phase {
    let replaced = match leg {
        Leg::CALLER => talk.beside(talk.callee, story).map(|it| it.1),
        leg => (leg == talk.callee).then(|| Arc::clone(&talk.to)),
    };
    let Some(replaced) = replaced else { return Phase::Talking(talk) };
    if is_closed(to, turn) {
        turn_away(cause::closed(), turn);
        return Phase::Talking(talk);
    }
    // One for who comes; one for who goes, if that is called the caller now.
    let room = story.record.legs.len() + 2 <= MAX_LEGS;
    let by = if room { transfer::part(&talk, leg, replaced, story, turn) } else { None };
    let Some(by) = by else {
        turn_away(cause::too_many_legs(), turn);
        return Phase::Talking(talk);
    };
    let mut offering = Offering::new(Meanwhile::Ringing { early_media: false });
    let Some(new) = offering.take_in(to, None, story, turn) else {
        return Transferring::among(offering, by).go_on(story, turn);
    };
    story.step(format!("leg {} takes the place of leg {}", new.0, by.leg.0), turn);
    story.ringback(turn);
    Transferring::among(offering, by).go_on(story, turn)
}

/// Who asked is not taken in, and hears why.
pub(super) fn turn_away(cause: Cause, turn: &mut Turn<'_>) {
    turn.say(Effect::TurnAway { cause });
}

pub(super) fn is_closed(to: &ReceivingNumber, turn: &Turn<'_>) -> bool {
    to.schedule.as_ref().is_some_and(|it| !it.is_open(turn.now.wall))
}

impl Story {
    /// One more destination, who has called in: it is answered instead of rung.
    pub(super) fn take_in(
        &mut self,
        to: &Arc<ReceivingNumber>,
        turn: &mut Turn<'_>,
    ) -> Option<(Leg, Arc<ReceivingNumber>)> {
        let to = Arc::new(ReceivingNumber {
            extension: None,
            dial_pause: Duration::ZERO,
            wait_for_voice: false,
            ..(**to).clone()
        });
        let leg = self.add_side(&to, turn)?;
        if let Some(page) = self.leg(leg) {
            (page.answered_at, page.outcome) = (None, None);
        }
        let destination = Arc::clone(&to.id);
        turn.say(Effect::Desk(Ask::OnLine { leg: leg.0, destination, was_caller: false }));
        let identity = Identity::default();
        let offer = Offer { leg, to: Arc::clone(&to), identity, early_media: false };
        turn.say(Effect::TakeIn(Box::new(offer)));
        Some((leg, to))
    }
}
