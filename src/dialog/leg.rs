//! The leg: which phase it is in, and who inside it an input is for.

use std::sync::Arc;

use bytes::Bytes;

use super::answers::Answer;
use super::calling::{Calling, Withdrawn};
use super::confirmed::Confirmed;
use super::credentials::Auth;
use super::forks::MAX_FORKS;
use super::incoming::Incoming;
use super::own_offer::Want;
use super::parting::{self, Parting};
use super::state::{Dialog, Side};
use super::{
    Arrival, Cause, Event, Failure, Invite, Invited, Referred, Replaces, Standing, Ticket, Turn,
};
use crate::audio::Digit;
use crate::clock::Instant;
use crate::sdp::{CodecList, Direction};
use crate::sip::{Hop, Message, Method, Name, Uri, Value};

/// One SIP leg. See the room's head for what it is told and what it tells.
#[derive(Debug)]
pub struct Leg {
    side: Side,
    phase: Phase,
    /// [`Event::Over`] was told.
    over: bool,
}

#[derive(Debug)]
pub(super) enum Phase {
    Incoming(Box<Incoming>),
    Calling(Box<Calling>),
    Withdrawn(Box<Withdrawn>),
    Confirmed(Box<Confirmed>),
    /// Nothing left but good-byes; and, if our INVITE was forked, 2xx of other branches.
    Ended(Option<Origin>),
}

/// What is left of an INVITE of ours after its first final response: enough to end the dialogs of
/// other branches that answer late (RFC 3261 section 13.2.2.4).
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub branch: String,
    pub from: Value,
    pub uri: Uri,
    /// The highest CSeq used in any early dialog.
    pub highest_seq: u32,
    /// The To tags that answered, [`MAX_FORKS`] at most: each is dealt with once.
    pub settled: Vec<Vec<u8>>,
    /// If other branches were heard of: how long their 2xx may still come.
    pub until: Option<Instant>,
}

impl Leg {
    /// Places a call.
    pub fn invite(invite: Invite, turn: &mut Turn<'_>) -> Self {
        let auth = Auth::new(invite.credentials.clone());
        let flow = invite.hop.filter(|_| invite.policy.sticky);
        let mut side = Side::new(invite.local.clone(), invite.policy.clone(), auth, flow);
        let phase = Phase::Calling(Box::new(Calling::begin(invite, &mut side, turn)));
        Self { side, phase, over: false }
    }

    /// Takes a call whose INVITE has passed [`super::screen`]; or says how to refuse it.
    pub fn invited(
        arrival: &Arrival<'_>,
        invited: Invited,
        turn: &mut Turn<'_>,
    ) -> Result<Self, Answer> {
        let auth = Auth::new(invited.credentials.clone());
        let flow = invited.policy.sticky.then_some(arrival.from);
        let side = Side::new(invited.local.clone(), invited.policy.clone(), auth, flow);
        let incoming = Incoming::begin(arrival, invited, &side, turn)?;
        Ok(Self { side, phase: Phase::Incoming(Box::new(incoming)), over: false })
    }

    /// Where our INVITE was sent in the end: its CANCEL and its retries go there too, and every
    /// request of the leg if it is sticky.
    pub fn went(&mut self, hop: Hop) {
        if self.side.policy.sticky {
            self.side.flow = Some(hop);
        }
        if let Phase::Calling(calling) = &mut self.phase {
            calling.hop = Some(hop);
        }
    }

    /// The offer of a call that came in and is not answered; to build the destination's menu from.
    pub fn offer(&self) -> Option<&Bytes> {
        match &self.phase {
            Phase::Incoming(incoming) => incoming.offer(),
            _ => None,
        }
    }

    /// Tells the caller that it rings; as early media (183) if `early` says what we answer with.
    pub fn ring(&mut self, early: Option<Arc<CodecList>>, turn: &mut Turn<'_>) {
        if let Phase::Incoming(incoming) = &mut self.phase {
            incoming.ring(early, &mut self.side, turn);
        }
    }

    /// Answers the caller with the first of `menu` that it offered.
    pub fn answer(&mut self, menu: Arc<CodecList>, turn: &mut Turn<'_>) {
        self.step(turn, |phase, side, turn| match phase {
            Phase::Incoming(incoming) => incoming.answer(menu, side, turn),
            other => other,
        });
    }

    /// Refuses the caller who was not answered.
    pub fn refuse(&mut self, cause: &Cause, retry_after: Option<u32>, turn: &mut Turn<'_>) {
        self.step(turn, |phase, side, turn| match phase {
            Phase::Incoming(incoming) => {
                incoming.refuse(&side.signed(refusal(cause, retry_after)), turn)
            }
            other => other,
        });
    }

    /// Lets go of the leg, whatever it is doing: refusal, CANCEL or BYE. Nothing is told any more
    /// but [`Event::Over`].
    pub fn release(&mut self, cause: &Cause, turn: &mut Turn<'_>) {
        self.step(turn, |phase, side, turn| match phase {
            Phase::Incoming(incoming) => incoming.refuse(&side.signed(refusal(cause, None)), turn),
            Phase::Calling(calling) => calling.withdraw(cause.clone(), side, turn),
            Phase::Confirmed(confirmed) => confirmed.hang_up(cause, side, turn),
            other @ (Phase::Withdrawn(_) | Phase::Ended(_)) => other,
        });
    }

    /// Sends a key by SIP INFO; keys keep their order.
    pub fn send_key(&mut self, digit: Digit, turn: &mut Turn<'_>) {
        if let Phase::Confirmed(confirmed) = &mut self.phase {
            confirmed.send_key(digit, &mut self.side, turn);
        }
    }

    /// What became of the transfer that [`Event::Referral`] asked for.
    pub fn referred(&mut self, told: Referred, turn: &mut Turn<'_>) {
        if let Phase::Confirmed(confirmed) = &mut self.phase {
            confirmed.referred(told, &mut self.side, turn);
        }
    }

    /// Whether a Refer-To names this dialog by a Replaces, from whichever side: one that is
    /// answered, or one that calls us.
    pub fn is_named_by(&self, replaces: &Replaces) -> bool {
        match &self.phase {
            Phase::Confirmed(it) => it.dialog.is_named(replaces),
            Phase::Incoming(it) => it.dialog.is_named(replaces),
            Phase::Calling(_) | Phase::Withdrawn(_) | Phase::Ended(_) => false,
        }
    }

    /// How the dialog of this leg stands that an INVITE wants to replace; `None` if it is none of
    /// its dialogs.
    pub fn standing(&self, replaces: &Replaces) -> Option<Standing> {
        let ended = self.side.partings.iter().any(|it| it.is_to_be_replaced(replaces));
        let (is_it, standing) = match &self.phase {
            Phase::Incoming(it) => (it.dialog.is_to_be_replaced(replaces), Standing::Calling),
            Phase::Calling(it) => (it.rings_as(replaces), Standing::Ringing),
            Phase::Confirmed(it) => (it.dialog.is_to_be_replaced(replaces), Standing::Answered),
            Phase::Withdrawn(it) => (it.calling.rings_as(replaces), Standing::Ended),
            Phase::Ended(_) => (false, Standing::Ended),
        };
        is_it.then_some(standing).or(ended.then_some(Standing::Ended))
    }

    /// Offers anew in an answered call: hold, resume, or other codecs if `menu` is given. Ends in
    /// [`Event::Media`] or [`Event::Unchanged`].
    pub fn offer_again(
        &mut self,
        direction: Direction,
        menu: Option<Arc<CodecList>>,
        turn: &mut Turn<'_>,
    ) {
        if let Phase::Confirmed(confirmed) = &mut self.phase {
            confirmed.want(Want::Change { direction, menu }, &mut self.side, turn);
        }
    }

    /// A response to a request of ours.
    pub fn on_response(&mut self, response: &Message, turn: &mut Turn<'_>) {
        if *response.method() == Method::Cancel {
            return;
        }
        let for_parting = self.parting(|it, side| it.on_response(response, side, turn));
        if !for_parting {
            self.step(turn, |phase, side, turn| on_response(phase, response, side, turn));
        }
        self.settle(turn);
    }

    /// A request with our tag in To: BYE, re-INVITE, UPDATE, PRACK, INFO, OPTIONS, REFER, ..
    pub fn on_request(&mut self, arrival: &Arrival<'_>, turn: &mut Turn<'_>) {
        let parting = self.side.partings.iter_mut().find(|it| it.owns(arrival.request));
        if let Some(parting) = parting {
            parting.on_request(arrival, turn);
            return self.settle(turn);
        }
        self.step(turn, |mut phase, side, turn| {
            match &mut phase {
                Phase::Incoming(_) => {
                    if let Phase::Incoming(incoming) = phase {
                        return incoming.on_request(arrival, side, turn);
                    }
                }
                Phase::Confirmed(confirmed) if confirmed.dialog.owns(arrival.request) => {
                    if let Phase::Confirmed(confirmed) = phase {
                        return confirmed.on_request(arrival, side, turn);
                    }
                }
                Phase::Calling(calling) => calling.on_request(arrival, side, turn),
                Phase::Withdrawn(withdrawn) => withdrawn.on_request(arrival, turn),
                Phase::Confirmed(_) | Phase::Ended(_) => {
                    turn.respond(arrival, &Answer::no_such_dialog());
                }
            }
            phase
        });
    }

    /// An ACK of a 2xx of ours.
    pub fn on_ack(&mut self, ack: &Message, turn: &mut Turn<'_>) {
        self.parting(|it, side| {
            let owns = it.owns(ack);
            if owns {
                it.on_ack(ack, side, turn);
            }
            owns
        });
        self.step(turn, |phase, side, turn| match phase {
            Phase::Confirmed(mut confirmed) if confirmed.dialog.owns(ack) => {
                match confirmed.on_ack(ack, side, turn) {
                    Ok(()) => Phase::Confirmed(confirmed),
                    Err(fall) => confirmed.fall(&fall, side, turn),
                }
            }
            other => other,
        });
    }

    /// The caller took its INVITE back; the CANCEL itself has been answered.
    pub fn on_cancel(&mut self, cancel: &Message, turn: &mut Turn<'_>) {
        self.step(turn, |phase, _, turn| match phase {
            Phase::Incoming(incoming) => incoming.on_cancel(cancel, turn),
            other => other,
        });
    }

    /// The request with this ticket got no final response; also to be told if it could not even be
    /// sent, as when its next hop has no address.
    pub fn on_failed(&mut self, ticket: Ticket, why: Failure, turn: &mut Turn<'_>) {
        let for_parting = self.parting(|it, side| it.on_failed(ticket, side, turn));
        if !for_parting {
            self.step(turn, |phase, side, turn| match phase {
                Phase::Calling(calling) => calling.on_failed(ticket, why, side, turn),
                Phase::Withdrawn(withdrawn) => withdrawn.on_failed(ticket),
                Phase::Confirmed(confirmed) => confirmed.on_failed(ticket, why, side, turn),
                other @ (Phase::Incoming(_) | Phase::Ended(_)) => other,
            });
        }
        self.settle(turn);
    }

    /// When [`Self::on_time`] has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        if self.over {
            return None;
        }
        let phase = match &self.phase {
            Phase::Incoming(incoming) => incoming.deadline(),
            Phase::Calling(_) => None,
            Phase::Withdrawn(withdrawn) => Some(withdrawn.until),
            Phase::Confirmed(confirmed) => confirmed.deadline(),
            Phase::Ended(origin) => origin.as_ref().and_then(|it| it.until),
        };
        let partings = self.side.partings.iter().map(Parting::deadline);
        partings.chain(phase).min()
    }

    pub fn on_time(&mut self, turn: &mut Turn<'_>) {
        self.parting(|it, side| {
            it.on_time(side, turn);
            false
        });
        self.step(turn, |phase, side, turn| match phase {
            Phase::Incoming(incoming) => incoming.on_time(turn),
            Phase::Withdrawn(withdrawn) => withdrawn.on_time(turn),
            Phase::Confirmed(confirmed) => confirmed.on_time(side, turn),
            Phase::Ended(Some(origin)) if origin.until.is_some_and(|it| it <= turn.now) => {
                Phase::Ended(None)
            }
            other @ (Phase::Calling(_) | Phase::Ended(_)) => other,
        });
    }

    /// Nothing more will be sent or expected.
    pub fn is_over(&self) -> bool {
        self.over
    }

    fn step(
        &mut self,
        turn: &mut Turn<'_>,
        next: impl FnOnce(Phase, &mut Side, &mut Turn<'_>) -> Phase,
    ) {
        let phase = std::mem::replace(&mut self.phase, Phase::Ended(None));
        self.phase = next(phase, &mut self.side, turn);
        self.settle(turn);
    }

    /// Asks each dialog on its way out in turn, until one says that it was meant.
    fn parting(&mut self, mut ask: impl FnMut(&mut Parting, &mut Side) -> bool) -> bool {
        let mut partings = std::mem::take(&mut self.side.partings);
        let found = partings.iter_mut().any(|it| ask(it, &mut self.side));
        partings.append(&mut self.side.partings);
        self.side.partings = partings;
        found
    }

    /// Says when it is over, once.
    fn settle(&mut self, turn: &mut Turn<'_>) {
        self.side.partings.retain(|it| !it.done(turn.now));
        let waits = match &self.phase {
            Phase::Ended(origin) => origin.as_ref().is_some_and(|it| it.until.is_some()),
            _ => true,
        };
        if !self.over && !waits && self.side.partings.is_empty() {
            self.over = true;
            turn.event(Event::Over);
        }
    }
}

fn on_response(phase: Phase, response: &Message, side: &mut Side, turn: &mut Turn<'_>) -> Phase {
    match phase {
        Phase::Calling(mut calling) => {
            if calling.is_answered_by(response) {
                return calling.on_response(response, side, turn);
            }
            calling.on_early_response(response, side, turn);
            Phase::Calling(calling)
        }
        Phase::Withdrawn(withdrawn) if withdrawn.calling.is_answered_by(response) => {
            withdrawn.on_response(response, side, turn)
        }
        Phase::Confirmed(mut confirmed) => {
            let ours = confirmed.acknowledge_again(response, turn);
            let origin = confirmed.origin.as_mut().filter(|_| !ours);
            if ours || origin.is_some_and(|it| it.on_late(response, side, turn)) {
                return Phase::Confirmed(confirmed);
            }
            confirmed.on_response(response, side, turn)
        }
        Phase::Ended(Some(mut origin)) => {
            origin.on_late(response, side, turn);
            Phase::Ended(Some(origin))
        }
        other @ (Phase::Incoming(_) | Phase::Withdrawn(_) | Phase::Ended(None)) => other,
    }
}

impl Origin {
    /// A 2xx to our INVITE from another branch of a fork: acknowledged and hung up (RFC 3261
    /// section 13.2.2.4). Its retransmissions find that ACK in the parting. True if the response
    /// was to that INVITE.
    fn on_late(&mut self, response: &Message, side: &mut Side, turn: &mut Turn<'_>) -> bool {
        if response.branch() != self.branch.as_bytes() {
            return false;
        }
        let known = self.settled.iter().any(|it| it == response.to_tag());
        let room = self.settled.len() < MAX_FORKS;
        if !known && room && (200..300).contains(&response.status()) {
            self.settled.push(response.to_tag().to_vec());
            let mut dialog = Dialog::of_response(response, &self.from, &self.uri);
            let acked = dialog.ack(response.cseq(), None, side, turn);
            dialog.local_seq = dialog.local_seq.max(self.highest_seq);
            let cause = Cause::completed_elsewhere();
            Parting::begin(dialog, vec![acked], None, &cause, side, turn);
        }
        true
    }
}

fn refusal(cause: &Cause, retry_after: Option<u32>) -> Answer {
    let status = if (300..700).contains(&cause.status) { cause.status } else { 480 };
    let answer = Answer::new(status).lines(parting::reason(cause));
    match retry_after {
        Some(seconds) => answer.with(Name::RetryAfter, seconds.to_string()),
        None => answer,
    }
}
