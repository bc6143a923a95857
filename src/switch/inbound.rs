//! A datagram's way up, on one screen: parse, answer the hopeless, transaction, peer, dialog.

use std::net::SocketAddr;

use bytes::Bytes;
use tracing::{debug, trace};

use super::ids::BranchKey;
use super::{Out, Owner, Switch};
use crate::clock::Now;
use crate::dialog::{self, Answer, Arrival};
use crate::peer::Admission;
use crate::sip::{self, Hop, Message, Method, Name};
use crate::transaction::{Arrived, Failure, ServerId, reply_to};

impl Switch {
    /// Takes one datagram, or one message of a stream.
    pub fn on_datagram(&mut self, bytes: Bytes, from: Hop, now: Now, out: &mut Vec<Out>) {
        match sip::parse(bytes) {
            Ok(message) if message.is_request() => self.on_request(message, from, now, out),
            Ok(message) => self.on_response(message, now, out),
            Err(sip::Error::Refused { status, why, head }) => {
                debug!(status, why, "a request that cannot be read");
                metrics::counter!("crosspoint_sip_malformed_total").increment(1);
                self.refuse_unread(&head, status, from, now, out);
            }
            Err(sip::Error::Noise(why)) => {
                trace!(why, "noise");
                metrics::counter!("crosspoint_sip_noise_total").increment(1);
            }
        }
        self.settle(now, out);
    }

    /// A malformed request is answered only to those who may send one.
    fn refuse_unread(
        &mut self,
        head: &Message,
        status: u16,
        from: Hop,
        now: Now,
        out: &mut Vec<Out>,
    ) {
        // Without a CSeq it would be no response, and nobody could tell what it is to.
        if matches!(head.method(), Method::Ack) || head.values(Name::CSeq).next().is_none() {
            return;
        }
        let heard = self.peers.admit(head, &from, now);
        if !matches!(heard, Admission::Silence) {
            self.answer_admitted(head, &Answer::new(status), heard, from, out);
        }
    }

    fn on_request(&mut self, request: Message, from: Hop, now: Now, out: &mut Vec<Out>) {
        let inside = !request.to_tag().is_empty();
        let stateless = matches!(request.method(), Method::Register | Method::Options) && !inside;
        let known = || matches!(request.method(), Method::Ack | Method::Cancel);
        if !inside && !known() && (stateless || !self.table.knows(&request)) {
            match self.admit(&request, from, now, out) {
                Some(admitted) if !stateless => {
                    return self.fresh(request, admitted, from, now, out);
                }
                _ => return,
            }
        }
        if self.is_nobodys(&request) {
            return self.answer_anybody(&request, &Answer::no_such_dialog(), from, out);
        }
        let mut sends = std::mem::take(&mut self.spare_sends);
        let arrived = self.table.on_request(request, from, now.at, &mut sends);
        self.carry_table(sends, now, out);
        match arrived {
            Arrived::Request { server, request } => {
                self.in_dialog(&request, server, from, now, out);
            }
            Arrived::Ack { request } => {
                if let Some(key) = self.branch_of(&request) {
                    self.turn(key, now, out, |leg, turn| leg.on_ack(&request, turn));
                }
            }
            Arrived::Cancelled { invite, request } => {
                if let Some(call) = self.invites.get(&invite).copied() {
                    let key = BranchKey { call, leg: 0, branch: 0 };
                    self.turn(key, now, out, |leg, turn| leg.on_cancel(&request, turn));
                }
            }
            Arrived::Absorbed => (),
        }
    }

    /// Who may go on; everybody else has been answered, or has heard nothing.
    fn admit(
        &mut self,
        request: &Message,
        from: Hop,
        now: Now,
        out: &mut Vec<Out>,
    ) -> Option<Admission> {
        let admission = self.peers.admit(request, &from, now);
        if matches!(admission, Admission::Silence) {
            return None;
        }
        if let Err(answer) = dialog::screen(request) {
            self.answer_admitted(request, &answer, admission, from, out);
            return None;
        }
        match (admission, request.method()) {
            (Admission::Client(account), Method::Register) => {
                let bytes = self.peers.register(request, &from, account, now);
                out.push(Out::Send { bytes, hop: reply_to(request, from) });
            }
            (Admission::Trunk(_) | Admission::Client(_), Method::Options) => {
                let answer = if self.draining { Answer::new(503) } else { Answer::options() };
                self.answer_stateless(request, &answer, from, out);
            }
            (Admission::Challenge { .. }, Method::Options) => {
                self.answer_probe(request, from, out);
            }
            (Admission::Trunk(_), Method::Register) => {
                self.answer_stateless(request, &Answer::new(403), from, out);
            }
            (Admission::Challenge { stale }, _) => {
                if let Some(bytes) = self.peers.challenge(request, stale, &from, now) {
                    out.push(Out::Send { bytes, hop: reply_to(request, from) });
                }
            }
            (Admission::Refuse(status), _) => {
                self.answer_anybody(request, &Answer::new(status), from, out);
            }
            (Admission::Trunk(_) | Admission::Client(_) | Admission::Silence, _) => {
                return Some(admission);
            }
        }
        None
    }

    /// A request that begins something: an INVITE, as all others were answered by now.
    fn fresh(
        &mut self,
        request: Message,
        admitted: Admission,
        from: Hop,
        now: Now,
        out: &mut Vec<Out>,
    ) {
        let mut sends = std::mem::take(&mut self.spare_sends);
        let arrived = self.table.on_request(request, from, now.at, &mut sends);
        self.carry_table(sends, now, out);
        if let Arrived::Request { server, request } = arrived {
            self.arrive(&request, server, admitted, from, now, out);
        }
    }

    /// A request with a To tag: its leg's, or nobody's.
    fn in_dialog(
        &mut self,
        request: &Message,
        server: ServerId,
        from: Hop,
        now: Now,
        out: &mut Vec<Out>,
    ) {
        match self.branch_of(request) {
            Some(key) => self.turn(key, now, out, |leg, turn| {
                leg.on_request(&Arrival { request, server, from }, turn);
            }),
            None => {
                let answer = Answer::no_such_dialog();
                self.answer(server, request, &answer, from.remote, now, out);
            }
        }
    }

    /// The branch whose tag stands in To, if we made that and it is still there.
    pub(super) fn branch_of(&mut self, request: &Message) -> Option<BranchKey> {
        let key = self.ids.owner(request.to_tag())?;
        self.calls.get_mut(key.call)?.branch(key).map(|_| key)
    }

    fn on_response(&mut self, response: Message, now: Now, out: &mut Vec<Out>) {
        let mut sends = std::mem::take(&mut self.spare_sends);
        let found = self.table.on_response(response, now.at, &mut sends);
        self.carry_table(sends, now, out);
        match found {
            Some((Owner::Leg(key, _), _, response)) => {
                self.heard_from(key, &response, now);
                self.turn(key, now, out, |leg, turn| leg.on_response(&response, turn));
            }
            Some((Owner::Probe { trunk, address }, _, response)) if 200 <= response.status() => {
                self.probed(trunk, address, Some(response.status()));
            }
            Some((Owner::Probe { .. }, ..)) | None => (),
        }
    }

    /// A connection or a datagram's way is broken.
    pub fn on_hop_failed(&mut self, hop: Hop, now: Now, out: &mut Vec<Out>) {
        let mut sends = std::mem::take(&mut self.spare_sends);
        self.table.on_transport_error(&hop, &mut sends);
        self.carry_table(sends, now, out);
        self.settle(now, out);
    }

    /// A TCP connection is no more.
    pub fn on_connection_closed(&mut self, hop: Hop, now: Now, out: &mut Vec<Out>) {
        if let Some(connection) = hop.connection {
            self.peers.on_connection_closed(connection, now.at);
        }
        self.on_hop_failed(hop, now, out);
    }

    /// What the table wants done.
    pub(super) fn carry_table(
        &mut self,
        mut wants: Vec<crate::transaction::Out<Owner>>,
        now: Now,
        out: &mut Vec<Out>,
    ) {
        use crate::transaction::Out as Want;
        for want in wants.drain(..) {
            match want {
                Want::Send { bytes, to } => out.push(Out::Send { bytes, hop: to }),
                Want::Failed { owner: Owner::Leg(key, ticket), why, .. } => {
                    if why == Failure::Transport {
                        self.flow_failed(key);
                    }
                    self.turn(key, now, out, |leg, turn| leg.on_failed(ticket, why, turn));
                }
                Want::Failed { owner: Owner::Probe { trunk, address }, .. } => {
                    self.probed(trunk, address, None);
                }
                Want::Unacknowledged { .. } => {
                    metrics::counter!("crosspoint_sip_unacknowledged_total").increment(1);
                }
            }
        }
        self.spare_sends = wants;
    }

    pub(super) fn on_table_time(&mut self, now: Now, out: &mut Vec<Out>) {
        if self.table.deadline().is_some_and(|at| at <= now.at) {
            let mut wants = std::mem::take(&mut self.spare_sends);
            self.table.on_time(now.at, &mut wants);
            self.carry_table(wants, now, out);
            self.settle(now, out);
        }
    }

    pub(super) fn answer_stateless(
        &mut self,
        to: &Message,
        answer: &Answer,
        from: Hop,
        out: &mut Vec<Out>,
    ) {
        let tag = self.table.tag(to);
        let bytes = answer.to(to, &tag, from.remote);
        out.push(Out::Send { bytes, hop: reply_to(to, from) });
    }

    /// Answers a request that has a transaction.
    pub(super) fn answer(
        &mut self,
        server: ServerId,
        request: &Message,
        answer: &Answer,
        source: SocketAddr,
        now: Now,
        out: &mut Vec<Out>,
    ) {
        let tag = self.table.tag(request);
        let bytes = answer.to(request, &tag, source);
        let mut sends = std::mem::take(&mut self.spare_sends);
        self.table.respond(server, bytes, answer.status, now.at, &mut sends);
        self.carry_table(sends, now, out);
    }
}
