//! Placing a call (RFC 3261 sections 8.1 and 13.2): from our INVITE to its final response, and
//! giving it up (section 9.1).

use std::sync::Arc;

use bytes::Bytes;

use super::answers::Answer;
use super::body;
use super::confirmed::Confirmed;
use super::far_offer;
use super::forks::{Early, MAX_FORKS};
use super::head::{
    Head, Lines, MAX_FORWARDS, SDP, add, allow, angled, own, signed, supported_by, via,
};
use super::leg::{Origin, Phase};
use super::parting::{self, Parting};
use super::refresh::{MIN_SE, Terms};
use super::resend::PATIENCE;
use super::route_set::RouteSet;
use super::state::Side;
use super::{Arrival, Cause, Event, Failure, Invite, Next, Out, Reliable, Replaces, Ticket, Turn};
use crate::clock::Instant;
use crate::sdp::{CodecList, Session};
use crate::sip::{Hop, Message, Method, Name, Transport, Uri, Value};

/// How often an INVITE is sent again on request of the far end (credentials, a longer interval).
const MAX_RETRIES: u8 = 4;

/// An INVITE of ours without its final response.
#[derive(Debug)]
pub(super) struct Calling {
    uri: Uri,
    routes: RouteSet,
    /// The flow the INVITE takes, once that is settled: CANCEL and retries follow it.
    pub hop: Option<Hop>,
    from: Value,
    to: Value,
    call_id: Value,
    caller: Lines,
    max_forwards: u8,
    offer: Option<Bytes>,
    session: Session,
    menu: Arc<CodecList>,
    sent: Sent,
    forks: Vec<Early>,
    /// Something came back: a CANCEL would be understood.
    provisional: bool,
    challenged: u8,
    retries: u8,
    /// The longest Min-SE of all 422s.
    least: u32,
}

/// The INVITE that is out.
#[derive(Clone, Debug)]
struct Sent {
    cseq: u32,
    branch: String,
    ticket: Ticket,
    next: Next,
    /// TCP failed: only this will do.
    only: Option<Transport>,
}

impl Calling {
    pub fn begin(invite: Invite, side: &mut Side, turn: &mut Turn<'_>) -> Self {
        let mut session = invite.session;
        let offer = (!invite.offerless).then(|| session.offer(&invite.codecs));
        let tag = turn.ids.tag();
        let routes = RouteSet::preloaded(&invite.routes);
        let to = invite.to.map_or_else(|| angled(&invite.uri), |it| it.value(""));
        let next = Next { uri: invite.uri.clone(), transport: side.local.transport, hop: None };
        let branch = String::new();
        let sent = Sent { cseq: 0, branch, ticket: Ticket(0), next, only: None };
        let mut calling = Self {
            uri: invite.uri,
            routes,
            hop: invite.hop,
            from: invite.caller.from.value(&format!(";tag={tag}")),
            to,
            call_id: own(turn.ids.call_id()),
            caller: invite.caller.lines(),
            max_forwards: invite.max_forwards.min(MAX_FORWARDS),
            offer,
            session,
            menu: invite.codecs,
            sent,
            forks: Vec::new(),
            provisional: false,
            challenged: 0,
            retries: 0,
            least: MIN_SE,
        };
        calling.send(side, turn);
        calling
    }

    /// Sends the INVITE: the first time, with credentials, with a longer interval, or by UDP.
    fn send(&mut self, side: &mut Side, turn: &mut Turn<'_>) {
        self.sent.cseq += 1;
        self.sent.branch = turn.ids.branch();
        self.sent.ticket = side.ticket();
        self.forks.clear();
        self.provisional = false;
        let aim = self.routes.aim(&self.uri);
        let body = self.offer.clone().unwrap_or_default();
        let authorization = side.authorize(&Method::Invite, &aim.uri, &body, turn);
        let extra = self.extensions(side);
        let (request, transport) = side.fit(self.sent.only, side.local.transport, |transport| {
            let head = self.head(&Method::Invite, &aim.uri, &aim.routes);
            let via = via(&side.local, transport, &self.sent.branch);
            let write = signed(Head { via: &via, ..head }.write(), &side.local)
                .header(Name::Contact, &angled(&side.local.contact))
                .header(Name::Allow, allow());
            let write = add(add(add(write, &extra), &self.caller), &authorization);
            match &self.offer {
                Some(offer) => write.body(SDP, offer),
                None => write.header(Name::Accept, super::head::ACCEPT_SDP).finish(),
            }
        });
        self.sent.next = Next { uri: aim.next, transport, hop: self.hop };
        let (next, ticket) = (self.sent.next.clone(), self.sent.ticket);
        turn.out.push(Out::Request { request, method: Method::Invite, next, ticket });
    }

    /// Supported and Require, and the session timer we ask for.
    fn extensions(&self, side: &Side) -> Lines {
        let mut lines = Lines::new();
        lines.push((Name::Supported, own(supported_by(&side.policy))));
        if side.policy.reliable == Reliable::Required {
            lines.push((Name::Require, own("100rel")));
        }
        if let Some(interval) = side.policy.timer {
            lines.extend(interval.lines(self.least, None));
        }
        lines
    }

    /// A head for this INVITE and for its CANCEL; the Via is set by who writes it.
    fn head<'a>(&'a self, method: &'a Method, uri: &'a Uri, routes: &'a [Value]) -> Head<'a> {
        Head {
            method,
            uri,
            routes,
            via: &self.call_id,
            from: &self.from,
            to: &self.to,
            call_id: &self.call_id,
            cseq: self.sent.cseq,
            max_forwards: self.max_forwards,
        }
    }

    /// CANCEL: same Request-URI, Via, Route, Call-ID, To, From and CSeq number, and to the same
    /// place (RFC 3261 section 9.1).
    fn cancel(&self, cause: &Cause, side: &mut Side, turn: &mut Turn<'_>) {
        let aim = self.routes.aim(&self.uri);
        let via = via(&side.local, self.sent.next.transport, &self.sent.branch);
        let head = self.head(&Method::Cancel, &aim.uri, &aim.routes);
        let write = Head { via: &via, ..head }.write();
        let request = add(write, &parting::reason(cause)).finish();
        let next = Next { hop: self.hop, ..self.sent.next.clone() };
        let ticket = side.ticket();
        turn.out.push(Out::Request { request, method: Method::Cancel, next, ticket });
    }

    /// Whether one of its early dialogs is the one that is to be replaced.
    pub fn rings_as(&self, replaces: &Replaces) -> bool {
        self.forks.iter().any(|it| it.dialog.is_to_be_replaced(replaces))
    }

    pub fn is_answered_by(&self, response: &Message) -> bool {
        response.branch() == self.sent.branch.as_bytes() && *response.method() == Method::Invite
    }

    /// What is remembered of the INVITE once it has its final response, for late 2xx.
    pub fn origin(&self, answered: &[u8], now: Instant) -> Origin {
        let highest = self.forks.iter().map(|it| it.dialog.local_seq).max().unwrap_or(0);
        let others = self.forks.iter().any(|it| it.dialog.remote_tag != answered);
        Origin {
            branch: self.sent.branch.clone(),
            from: self.from.clone(),
            uri: self.uri.clone(),
            highest_seq: highest.max(self.sent.cseq),
            settled: vec![answered.to_vec()],
            until: others.then_some(now + PATIENCE),
        }
    }

    pub fn on_response(
        mut self: Box<Self>,
        response: &Message,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) -> Phase {
        match response.status() {
            100 => self.provisional = true,
            101..200 => {
                self.provisional = true;
                self.on_provisional(response, side, turn);
            }
            200..300 => return self.on_answer(response, side, turn),
            status => return self.on_refusal(status, response, side, turn),
        }
        Phase::Calling(self)
    }

    fn on_provisional(&mut self, response: &Message, side: &mut Side, turn: &mut Turn<'_>) {
        let offered = self.offer.is_some().then_some(&self.session);
        let tag = response.to_tag();
        let known = self.forks.iter().position(|it| it.dialog.remote_tag == tag);
        if known.is_none() && (tag.is_empty() || MAX_FORKS <= self.forks.len()) {
            turn.event(Event::Ringing { status: response.status(), media: None });
            return;
        }
        let at = known.unwrap_or_else(|| {
            let dialog = super::state::Dialog::of_response(response, &self.from, &self.uri);
            self.forks.push(Early::new(dialog, self.session.clone()));
            self.forks.len() - 1
        });
        if let Some(early) = self.forks.get_mut(at) {
            early.on_provisional(response, offered, &self.menu, side, turn);
        }
    }

    /// The early dialog a 2xx makes real, or a new one.
    fn fork(&mut self, response: &Message) -> Early {
        let tag = response.to_tag();
        let mut early = match self.forks.iter().position(|it| it.dialog.remote_tag == tag) {
            Some(at) => self.forks.swap_remove(at),
            None => {
                let dialog = super::state::Dialog::of_response(response, &self.from, &self.uri);
                Early::new(dialog, self.session.clone())
            }
        };
        early.dialog.confirm(response);
        early
    }

    /// The first 2xx wins. The others' dialogs end when their own 2xx comes (section 13.2.2.4).
    fn on_answer(
        mut self: Box<Self>,
        response: &Message,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) -> Phase {
        let origin = self.origin(response.to_tag(), turn.now);
        let mut early = self.fork(response);
        let mut answer = None;
        match (self.offer.is_some(), body::sdp(response)) {
            (true, Some(sdp)) => early.take_answer(&self.session, &sdp),
            (false, Some(sdp)) if !early.answered => answer = early.take_offer(&sdp, &self.menu),
            _ => (),
        }
        let acked = early.dialog.ack(self.sent.cseq, answer, side, turn);
        let Early { dialog, session, media, gone, .. } = early;
        let (Some(media), false) = (media, gone) else {
            let status = if gone { 480 } else { 488 };
            if !gone {
                let cause = Cause::new(488, "No usable session description");
                Parting::begin(dialog, vec![acked], None, &cause, side, turn);
            }
            turn.event(Event::Refused {
                status,
                reason: None,
                retry_after: None,
                contacts: Vec::new(),
                local: !gone,
            });
            return Phase::Ended(Some(origin));
        };
        turn.event(Event::Answered { media: media.clone() });
        let mut confirmed = Confirmed::new(dialog, session, self.menu.clone(), true);
        confirmed.media = Some(media);
        confirmed.acks.push(acked);
        confirmed.origin = Some(origin);
        if side.policy.timer.is_some() {
            confirmed.timer = Terms::of_response(response).map(|it| it.start(turn.now));
        }
        Phase::Confirmed(Box::new(confirmed))
    }

    fn on_refusal(
        mut self: Box<Self>,
        status: u16,
        response: &Message,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) -> Phase {
        let again = match status {
            401 | 407 => side.auth.take(response, self.challenged),
            422 => self.take_interval(response, side),
            _ => false,
        };
        if again && self.retries < MAX_RETRIES {
            self.retries += 1;
            self.challenged += u8::from(status != 422);
            self.send(side, turn);
            return Phase::Calling(self);
        }
        turn.event(Event::Refused {
            status,
            reason: response.reason_header(),
            retry_after: response.retry_after(),
            contacts: if status < 400 { contacts(response) } else { Vec::new() },
            local: false,
        });
        Phase::Ended(None)
    }

    /// 422: the far end wants a longer interval (RFC 4028 section 7.3).
    fn take_interval(&mut self, response: &Message, side: &Side) -> bool {
        let longer = response.min_se().filter(|it| self.least < *it);
        if let (Some(least), true) = (longer, side.policy.timer.is_some()) {
            self.least = least;
            return true;
        }
        false
    }

    /// A response to a PRACK of one of the early dialogs.
    pub fn on_early_response(&mut self, response: &Message, side: &mut Side, turn: &mut Turn<'_>) {
        for early in &mut self.forks {
            if let Some(asked) = early.dialog.answered(response.branch()) {
                if response.status() < 200 {
                    early.dialog.asked.push(asked);
                } else {
                    early.dialog.ask_authorized(asked, response, side, turn);
                }
                return;
            }
        }
    }

    /// A request in an early dialog of ours: UPDATE, INFO, OPTIONS.
    pub fn on_request(&mut self, arrival: &Arrival<'_>, side: &mut Side, turn: &mut Turn<'_>) {
        let request = arrival.request;
        let Some(early) = self.forks.iter_mut().find(|it| it.dialog.owns(request)) else {
            return turn.respond(arrival, &Answer::no_such_dialog());
        };
        if let Err(answer) = early.dialog.admit(request) {
            return turn.respond(arrival, &answer);
        }
        match request.method() {
            Method::Update => far_offer::early_update(early, &self.menu, arrival, side, turn),
            Method::Bye => {
                // Not allowed before its 2xx (section 15), so it has overtaken that.
                early.gone = true;
                turn.respond(arrival, &Answer::new(200));
            }
            _ => {
                let answer = far_offer::common(arrival, turn);
                turn.respond(arrival, &answer);
            }
        }
    }

    pub fn on_failed(
        mut self: Box<Self>,
        ticket: Ticket,
        why: Failure,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) -> Phase {
        if ticket != self.sent.ticket {
            for early in &mut self.forks {
                if let Some(asked) = early.dialog.failed(ticket) {
                    early.dialog.ask_by_datagram(asked, side, turn);
                }
            }
            return Phase::Calling(self);
        }
        let by_tcp =
            self.sent.next.transport == Transport::Tcp && side.local.transport == Transport::Udp;
        if by_tcp && self.sent.only.is_none() {
            self.sent.only = Some(side.local.transport);
            self.send(side, turn);
            return Phase::Calling(self);
        }
        turn.event(Event::Refused {
            status: if why == Failure::Timeout { 408 } else { 503 },
            reason: None,
            retry_after: None,
            contacts: Vec::new(),
            local: true,
        });
        Phase::Ended(None)
    }

    /// Nobody wants the call any more: CANCEL, or silence if nothing ever came back.
    pub fn withdraw(self: Box<Self>, cause: Cause, side: &mut Side, turn: &mut Turn<'_>) -> Phase {
        let cancelled = self.provisional;
        if cancelled {
            self.cancel(&cause, side, turn);
        } else {
            turn.out.push(Out::GiveUp);
        }
        let until = turn.now + PATIENCE;
        Phase::Withdrawn(Box::new(Withdrawn { calling: *self, cause, cancelled, until }))
    }
}

/// An INVITE that nobody wants any more, until the far end has said so too, or for 64*T1
/// (RFC 3261 section 9.1). A 2xx that crossed the CANCEL is acknowledged and hung up.
#[derive(Debug)]
pub(super) struct Withdrawn {
    pub calling: Calling,
    cause: Cause,
    /// The CANCEL is out; it must wait for a provisional response.
    cancelled: bool,
    pub until: Instant,
}

impl Withdrawn {
    pub fn on_response(
        mut self: Box<Self>,
        response: &Message,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) -> Phase {
        match response.status() {
            ..200 => {
                if !self.cancelled {
                    self.cancelled = true;
                    self.until = turn.now + PATIENCE;
                    self.calling.cancel(&self.cause, side, turn);
                }
                Phase::Withdrawn(self)
            }
            200..300 => {
                let origin = self.calling.origin(response.to_tag(), turn.now);
                let early = self.calling.fork(response);
                let acked = early.dialog.ack(response.cseq(), None, side, turn);
                if !early.gone {
                    let acks = vec![acked];
                    Parting::begin(early.dialog, acks, None, &self.cause, side, turn);
                }
                Phase::Ended(Some(origin))
            }
            _ => Phase::Ended(None),
        }
    }

    /// Its requests come too late.
    pub fn on_request(&mut self, arrival: &Arrival<'_>, turn: &mut Turn<'_>) {
        let early = self.calling.forks.iter_mut().find(|it| it.dialog.owns(arrival.request));
        match early {
            Some(early) if *arrival.request.method() == Method::Bye => {
                early.gone = true;
                turn.respond(arrival, &Answer::new(200));
            }
            _ => turn.respond(arrival, &Answer::no_such_dialog()),
        }
    }

    pub fn on_failed(self: Box<Self>, ticket: Ticket) -> Phase {
        if ticket == self.calling.sent.ticket {
            return Phase::Ended(None);
        }
        Phase::Withdrawn(self)
    }

    pub fn on_time(self: Box<Self>, turn: &mut Turn<'_>) -> Phase {
        if self.until <= turn.now {
            if self.cancelled {
                turn.out.push(Out::GiveUp);
            }
            return Phase::Ended(None);
        }
        Phase::Withdrawn(self)
    }
}

fn contacts(response: &Message) -> Vec<crate::sip::NameAddr> {
    use crate::sip::ContactValue;
    let found = response.contacts().unwrap_or_default().into_iter();
    let found = found.filter_map(|it| match it {
        ContactValue::Addr(addr) => Some(*addr),
        ContactValue::Star => None,
    });
    found.take(8).collect()
}
