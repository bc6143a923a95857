//! The one place where a dialog ends from our side: BYE, and what may still come until it is
//! answered (RFC 3261 section 15).
//!
//! A callee that was never acknowledged holds its BYE until the ACK comes or will come no more
//! (section 15.1.1). A 2xx that comes again is acknowledged again.

use super::answers::Answer;
use super::confirmed::Unacked;
use super::resend::{Due, PATIENCE};
use super::state::{Acked, Dialog, Draft, Purpose, Side};
use super::{Arrival, Cause, Replaces, Ticket, Turn};
use crate::clock::Instant;
use crate::sip::{Message, Method, Name};

#[derive(Debug)]
pub(super) struct Parting {
    dialog: Dialog,
    acks: Vec<Acked>,
    /// Our 2xx that still waits for its ACK, and the BYE that waits for it.
    held: Option<(Unacked, Draft)>,
    /// Whatever happens, it is over by then.
    until: Instant,
}

impl Parting {
    /// Says good-bye in `dialog`.
    pub fn begin(
        dialog: Dialog,
        acks: Vec<Acked>,
        unacked: Option<Unacked>,
        cause: &Cause,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) {
        let bye = with_reason(Draft::new(Method::Bye), cause);
        let until = turn.now + 3 * PATIENCE;
        let mut parting = Self { dialog, acks, held: None, until };
        match unacked {
            Some(unacked) => parting.held = Some((unacked, bye)),
            None => parting.dialog.ask(bye, Purpose::Bye, side, turn),
        }
        side.partings.push(parting);
    }

    pub fn done(&self, now: Instant) -> bool {
        let asked = self.dialog.asked.iter().any(|it| it.purpose == Purpose::Bye);
        (self.held.is_none() && !asked) || self.until <= now
    }

    pub fn owns(&self, request: &Message) -> bool {
        self.dialog.owns(request)
    }

    pub fn is_to_be_replaced(&self, replaces: &Replaces) -> bool {
        self.dialog.is_to_be_replaced(replaces)
    }

    /// A request in a dialog that is ending: BYE is fine, anything else comes too late.
    pub fn on_request(&mut self, arrival: &Arrival<'_>, turn: &mut Turn<'_>) {
        if *arrival.request.method() == Method::Bye {
            self.held = None;
            turn.respond(arrival, &Answer::new(200));
        } else {
            turn.respond(arrival, &Answer::no_such_dialog());
        }
    }

    pub fn on_ack(&mut self, ack: &Message, side: &mut Side, turn: &mut Turn<'_>) {
        if self.held.as_ref().is_some_and(|(unacked, _)| unacked.cseq == ack.cseq()) {
            self.send_held(side, turn);
        }
    }

    /// True if the response was for this dialog.
    pub fn on_response(
        &mut self,
        response: &Message,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) -> bool {
        if let Some(asked) = self.dialog.answered(response.branch()) {
            if response.status() < 200 {
                self.dialog.asked.push(asked);
            } else if asked.draft.method == Method::Invite && response.status() < 300 {
                let acked = self.dialog.ack(asked.cseq, None, side, turn);
                self.acks.push(acked);
            } else if asked.purpose == Purpose::Bye {
                self.dialog.ask_authorized(asked, response, side, turn);
            }
            return true;
        }
        self.acknowledge_again(response, turn)
    }

    pub fn acknowledge_again(&self, response: &Message, turn: &mut Turn<'_>) -> bool {
        let ours = *response.method() == Method::Invite
            && (200..300).contains(&response.status())
            && response.to_tag() == self.dialog.remote_tag;
        let acked = self.acks.iter().find(|it| ours && it.cseq == response.cseq());
        acked.map(|it| it.send(turn)).is_some()
    }

    /// True if the failed request was of this dialog.
    pub fn on_failed(&mut self, ticket: Ticket, side: &mut Side, turn: &mut Turn<'_>) -> bool {
        match self.dialog.failed(ticket) {
            Some(asked) => {
                self.dialog.ask_by_datagram(asked, side, turn);
                true
            }
            None => false,
        }
    }

    pub fn deadline(&self) -> Instant {
        match &self.held {
            Some((unacked, _)) => unacked.resend.deadline().min(self.until),
            None => self.until,
        }
    }

    pub fn on_time(&mut self, side: &mut Side, turn: &mut Turn<'_>) {
        let Some((unacked, _)) = &mut self.held else { return };
        match unacked.resend.on_time(turn.now) {
            Due::Nothing => (),
            Due::Again => unacked.send(turn),
            Due::GiveUp => self.send_held(side, turn),
        }
    }

    fn send_held(&mut self, side: &mut Side, turn: &mut Turn<'_>) {
        if let Some((_, bye)) = self.held.take() {
            self.dialog.ask(bye, Purpose::Bye, side, turn);
        }
    }
}

/// Reason, as far as there is something to say (RFC 3326).
pub(super) fn with_reason(mut draft: Draft, cause: &Cause) -> Draft {
    draft.lines.extend(reason(cause));
    draft
}

pub(super) fn reason(cause: &Cause) -> super::head::Lines {
    let mut lines = super::head::Lines::new();
    let text: String =
        cause.text.chars().filter(|it| !it.is_control() && !matches!(it, '"' | '\\')).collect();
    if cause.status != 0 {
        let mut value = format!("SIP;cause={}", cause.status);
        if !text.is_empty() {
            value.push_str(&format!(";text=\"{text}\""));
        }
        lines.push((Name::Reason, super::head::safe(value)));
    }
    if let Some(q850) = cause.q850 {
        lines.push((Name::Reason, super::head::safe(format!("Q.850;cause={q850}"))));
    }
    lines
}
