//! An answered call (RFC 3261 sections 12.2, 14 and 15): what is said inside it until BYE.
//!
//! Offers of the far end are in `far_offer`, ours in `own_offer`.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use super::answers::Answer;
use super::incoming::late_prack;
use super::leg::{Origin, Phase};
use super::own_offer::{Own, Want};
use super::parting::Parting;
use super::refresh::{self, Timer};
use super::resend::{Due, Resend};
use super::state::{Acked, Dialog, Purpose, Side};
use super::transfer::Transfer;
use super::{Arrival, Cause, Event, Failure, Out, Referred, Ticket, Turn, Why, far_offer, keys};
use crate::audio::Digit;
use crate::clock::Instant;
use crate::sdp::{CodecList, Negotiated, Session};
use crate::sip::{Message, Method, Reason};
use crate::transaction::ServerId;

/// ACKs kept for 2xx that come again: the first INVITE's and the latest.
const MAX_ACKS: usize = 2;

#[derive(Debug)]
pub(super) struct Confirmed {
    pub dialog: Dialog,
    pub session: Session,
    pub menu: Arc<CodecList>,
    pub media: Option<Box<Negotiated>>,
    pub acks: Vec<Acked>,
    /// Our 2xx to their INVITE, until its ACK.
    pub unacked: Option<Unacked>,
    pub own: Own,
    /// What to offer once the way is free.
    pub wanted: Option<Want>,
    pub timer: Option<Timer>,
    /// The longest Min-SE heard in this dialog, in seconds.
    pub least: u32,
    /// A reliable provisional response whose PRACK the 2xx overtook: RSeq and CSeq.
    pub unpracked: Option<(u32, u32)>,
    /// The INVITE that began it, if it was ours.
    pub origin: Option<Origin>,
    keys: VecDeque<Digit>,
    pub transfer: Transfer,
    /// How many there were.
    pub transfers: u32,
    /// The Call-ID is ours (RFC 3261 section 14.1).
    pub owner: bool,
}

/// A 2xx of ours that is resent until its ACK comes (RFC 3261 section 13.3.1.4).
#[derive(Debug)]
pub(super) struct Unacked {
    pub cseq: u32,
    pub server: ServerId,
    pub response: Bytes,
    pub resend: Resend,
    /// It carried our offer.
    pub wants_answer: bool,
    /// It answered the call itself, not a re-INVITE.
    pub first: bool,
}

impl Unacked {
    pub fn send(&self, turn: &mut Turn<'_>) {
        let response = self.response.clone();
        turn.out.push(Out::Respond { server: self.server, response, status: 200 });
    }
}

/// The call cannot go on.
#[derive(Debug)]
pub(super) struct Fall {
    pub status: u16,
    pub text: &'static str,
    pub why: Why,
}

impl Fall {
    pub fn gone(status: u16) -> Self {
        Self { status, text: "The far end is gone", why: Why::Gone }
    }
}

impl Confirmed {
    pub fn new(dialog: Dialog, session: Session, menu: Arc<CodecList>, owner: bool) -> Self {
        Self {
            dialog,
            session,
            menu,
            media: None,
            acks: Vec::new(),
            unacked: None,
            own: Own::Idle,
            wanted: None,
            timer: None,
            least: 0,
            unpracked: None,
            origin: None,
            keys: VecDeque::new(),
            transfer: Transfer::Idle,
            transfers: 0,
            owner,
        }
    }

    pub fn on_request(
        mut self: Box<Self>,
        arrival: &Arrival<'_>,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) -> Phase {
        let request = arrival.request;
        if let Err(answer) = self.dialog.admit(request) {
            turn.respond(arrival, &answer);
            return Phase::Confirmed(self);
        }
        side.follow(arrival.from);
        match request.method() {
            Method::Bye => {
                turn.respond(arrival, &Answer::new(200));
                // What still waits for its answer gets one (section 15.1.2).
                self.answer_refer(Referred::Refused(487), side, turn);
                return self.ended(200, request.reason_header(), Why::Bye, turn);
            }
            Method::Invite => self.on_reinvite(arrival, side, turn),
            Method::Update => self.on_update(arrival, side, turn),
            Method::Refer => self.on_refer(arrival, turn),
            Method::Prack => {
                let answer = late_prack(&mut self.unpracked, request);
                turn.respond(arrival, &answer);
            }
            _ => {
                let answer = far_offer::common(arrival, turn);
                turn.respond(arrival, &answer);
            }
        }
        Phase::Confirmed(self)
    }

    pub fn on_response(
        mut self: Box<Self>,
        response: &Message,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) -> Phase {
        let Some(asked) = self.dialog.answered(response.branch()) else {
            self.acknowledge_again(response, turn);
            return Phase::Confirmed(self);
        };
        if response.status() < 200 {
            self.dialog.asked.push(asked);
            return Phase::Confirmed(self);
        }
        let Some(asked) = self.dialog.ask_authorized(asked, response, side, turn) else {
            return Phase::Confirmed(self);
        };
        let went = match asked.purpose {
            Purpose::Offer => self.on_offer_response(&asked, response, side, turn),
            Purpose::Key if response.status() == 481 => Err(Fall::gone(481)),
            Purpose::Key => {
                self.next_key(side, turn);
                Ok(())
            }
            // Who watches a transfer no more has lost the subscription, not the call (RFC 5057).
            Purpose::Prack | Purpose::Bye | Purpose::Notify => Ok(()),
        };
        self.go_on(went, side, turn)
    }

    /// A 2xx that comes again is acknowledged again, with the same ACK.
    pub fn acknowledge_again(&self, response: &Message, turn: &mut Turn<'_>) -> bool {
        let ours = *response.method() == Method::Invite
            && (200..300).contains(&response.status())
            && response.to_tag() == self.dialog.remote_tag;
        let acked = self.acks.iter().find(|it| ours && it.cseq == response.cseq());
        acked.map(|it| it.send(turn)).is_some()
    }

    pub fn keep_ack(&mut self, acked: Acked) {
        if MAX_ACKS <= self.acks.len() {
            self.acks.remove(MAX_ACKS - 1);
        }
        self.acks.push(acked);
    }

    pub fn on_failed(
        mut self: Box<Self>,
        ticket: Ticket,
        why: Failure,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) -> Phase {
        let Some(asked) = self.dialog.failed(ticket) else { return Phase::Confirmed(self) };
        let Some(asked) = self.dialog.ask_by_datagram(asked, side, turn) else {
            return Phase::Confirmed(self);
        };
        let went = match asked.purpose {
            Purpose::Offer => Err(Fall::gone(if why == Failure::Timeout { 408 } else { 503 })),
            // A lost key is no reason to end a call that may well go on (RFC 5057 section 5.1).
            Purpose::Key => {
                self.next_key(side, turn);
                Ok(())
            }
            // Who watches a transfer no more has lost the subscription, not the call (RFC 5057).
            Purpose::Prack | Purpose::Bye | Purpose::Notify => Ok(()),
        };
        self.go_on(went, side, turn)
    }

    /// Sends a key by INFO, after those before it were answered.
    pub fn send_key(&mut self, digit: Digit, side: &mut Side, turn: &mut Turn<'_>) {
        if keys::MAX_WAITING <= self.keys.len() {
            return;
        }
        self.keys.push_back(digit);
        self.next_key(side, turn);
    }

    fn next_key(&mut self, side: &mut Side, turn: &mut Turn<'_>) {
        if self.dialog.asked.iter().any(|it| it.purpose == Purpose::Key) {
            return;
        }
        if let Some(digit) = self.keys.pop_front() {
            self.dialog.ask(keys::draft(digit), Purpose::Key, side, turn);
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        let unacked = self.unacked.as_ref().map(|it| it.resend.deadline());
        let timer = self.timer.as_ref().map(Timer::deadline);
        [unacked, timer, self.own.deadline()].into_iter().flatten().min()
    }

    pub fn on_time(mut self: Box<Self>, side: &mut Side, turn: &mut Turn<'_>) -> Phase {
        let went = self.resend(turn).and_then(|()| self.on_timer(side, turn));
        let went = went.and_then(|()| self.on_own_time(side, turn));
        self.go_on(went, side, turn)
    }

    fn resend(&mut self, turn: &mut Turn<'_>) -> Result<(), Fall> {
        let Some(unacked) = &mut self.unacked else { return Ok(()) };
        match unacked.resend.on_time(turn.now) {
            Due::Nothing => Ok(()),
            Due::Again => {
                unacked.send(turn);
                Ok(())
            }
            Due::GiveUp => {
                self.unacked = None;
                Err(Fall { status: 408, text: "ACK never came", why: Why::NoAck })
            }
        }
    }

    fn on_timer(&mut self, side: &mut Side, turn: &mut Turn<'_>) -> Result<(), Fall> {
        let due = self.timer.as_mut().map(|it| it.on_time(turn.now));
        match due {
            Some(refresh::Due::Expired) => {
                Err(Fall { status: 408, text: "Session timer expired", why: Why::SessionExpired })
            }
            Some(refresh::Due::Refresh) => {
                self.want(Want::Refresh, side, turn);
                Ok(())
            }
            Some(refresh::Due::Nothing) | None => Ok(()),
        }
    }

    fn go_on(
        self: Box<Self>,
        went: Result<(), Fall>,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) -> Phase {
        match went {
            Ok(()) => Phase::Confirmed(self),
            Err(fall) => self.fall(&fall, side, turn),
        }
    }

    /// It cannot go on: BYE with the reason, and word of it.
    pub fn fall(self: Box<Self>, fall: &Fall, side: &mut Side, turn: &mut Turn<'_>) -> Phase {
        turn.event(Event::HungUp { status: fall.status, reason: None, why: fall.why });
        self.hang_up(&Cause::new(fall.status, fall.text), side, turn)
    }

    pub fn hang_up(self: Box<Self>, cause: &Cause, side: &mut Side, turn: &mut Turn<'_>) -> Phase {
        Parting::begin(self.dialog, self.acks, self.unacked, cause, side, turn);
        Phase::Ended(self.origin)
    }

    fn ended(
        self: Box<Self>,
        status: u16,
        reason: Option<Reason>,
        why: Why,
        turn: &mut Turn<'_>,
    ) -> Phase {
        turn.event(Event::HungUp { status, reason, why });
        Phase::Ended(self.origin)
    }

    /// Takes over what was negotiated, and tells if it is news.
    pub fn settle(&mut self, media: Negotiated, turn: &mut Turn<'_>) {
        if self.media.as_deref() != Some(&media) {
            let media = Box::new(media);
            self.media = Some(media.clone());
            turn.event(Event::Media { media });
        }
    }
}
