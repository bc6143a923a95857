//! A datagram's way up, on one screen: parse, answer the hopeless, transaction, peer, dialog.

use std::net::SocketAddr;

use bytes::Bytes;
use tracing::{debug, trace};

use super::arrival::no_room;
use super::ids::BranchKey;
use super::{Out, Owner, Switch};
use crate::clock::Now;
use crate::dialog::{self, Answer, Arrival};
use crate::peer::Admission;
use crate::sip::{self, Hop, Message, Method, Name, Write};
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

    fn on_request(&mut self, request: Message, from: Hop, now: Now, out: &mut Vec<Out>) {
        let inside = !request.to_tag().is_empty();
        let known = || matches!(request.method(), Method::Ack | Method::Cancel);
        if !inside && !known() && !self.table.knows(&request) {
            return self.on_fresh(request, from, now, out);
        }
        if self.is_nobodys(&request) {
            if self.is_ignored(&request, &from, now) {
                return;
            }
            return self.answer_stranger(&request, &Answer::no_such_dialog(), from, out);
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

    /// A request outside of any dialog that was not here before: judged, then begun or answered.
    fn on_fresh(&mut self, request: Message, from: Hop, now: Now, out: &mut Vec<Out>) {
        let admission = self.peers.admit(&request, &from, now);
        if matches!(admission, Admission::Silence) {
            return;
        }
        let refusal = dialog::screen(&request).err();
        match (admission, request.method()) {
            (Admission::Trunk(_) | Admission::Client(_), _) => {
                self.admitted(request, admission, refusal, from, now, out);
            }
            (Admission::Silence, _) => (),
            (Admission::Challenge { .. } | Admission::Refuse(_), _) if refusal.is_some() => {
                let answer = refusal.unwrap_or_else(|| Answer::new(400));
                self.answer_stranger(&request, &answer, from, out);
            }
            (Admission::Challenge { .. }, Method::Options) => {
                let status = if self.draining { 503 } else { 200 };
                let answer = if status == 200 { Answer::options() } else { Answer::new(status) };
                self.answer_stranger(&request, &answer, from, out);
            }
            (Admission::Challenge { stale }, _) => {
                if let Some(bytes) = self.peers.challenge(&request, stale, &from, now) {
                    out.push(Out::Send { bytes, hop: reply_to(&request, from) });
                }
            }
            (Admission::Refuse(status), _) => {
                self.answer_stranger(&request, &Answer::new(status), from, out);
            }
        }
    }

    /// A request of somebody who may send it. What can be answered the same each time it comes is
    /// answered without a transaction. What carries credentials cannot: they are good once, and a
    /// request that comes again must hear what it heard, not that its nonce is used up.
    fn admitted(
        &mut self,
        request: Message,
        admission: Admission,
        refusal: Option<Answer>,
        from: Hop,
        now: Now,
        out: &mut Vec<Out>,
    ) {
        if let Some(connection) = from.connection {
            out.push(Out::Known { connection });
        }
        let simple =
            refusal.is_some() || matches!(request.method(), Method::Register | Method::Options);
        if simple && !has_credentials(&request) {
            if let Some((bytes, _)) = self.ready(&request, admission, refusal, from, now) {
                out.push(Out::Send { bytes, hop: reply_to(&request, from) });
            }
            return;
        }
        let mut sends = std::mem::take(&mut self.spare_sends);
        let arrived = self.table.on_request(request, from, now.at, &mut sends);
        self.carry_table(sends, now, out);
        let Arrived::Request { server, request } = arrived else { return };
        match self.ready(&request, admission, refusal, from, now) {
            Some((bytes, status)) => {
                let mut sends = std::mem::take(&mut self.spare_sends);
                self.table.respond(server, bytes, status, now.at, &mut sends);
                self.carry_table(sends, now, out);
            }
            None => self.arrive(&request, server, admission, from, now, out),
        }
    }

    /// The final answer to what needs no call, and its status.
    fn ready(
        &mut self,
        request: &Message,
        admission: Admission,
        refusal: Option<Answer>,
        from: Hop,
        now: Now,
    ) -> Option<(Bytes, u16)> {
        let answer = match (refusal, admission, request.method()) {
            (Some(refusal), ..) => refusal,
            (None, Admission::Client(account), Method::Register) => {
                return Some(self.peers.register(request, &from, account, now));
            }
            (None, _, Method::Register) => Answer::new(403),
            (None, _, Method::Options) if self.draining => no_room(),
            (None, _, Method::Options) => Answer::options(),
            (None, ..) => return None,
        };
        let (tag, answer) = (self.table.tag(request), self.signed(answer));
        Some((answer.to(request, &tag, from.remote), answer.status))
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
            Some((Owner::Probe(asked), _, response)) if 200 <= response.status() => {
                self.probed(asked, Some(response.status()), now);
            }
            Some((Owner::Probe(_), ..)) | None => (),
        }
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
                Want::Failed { owner: Owner::Probe(asked), .. } => self.probed(asked, None, now),
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

    /// Answers somebody whose address may be forged: with as much as fits into what it sent, or not
    /// at all (RFC 3261 section 26.3.2.4). A probe is told that we are there like this: a challenge
    /// would protect nothing.
    pub(super) fn answer_stranger(
        &mut self,
        to: &Message,
        answer: &Answer,
        from: Hop,
        out: &mut Vec<Out>,
    ) {
        let tag = self.table.tag(to);
        let limit = if from.transport.is_reliable() { usize::MAX } else { to.bytes().len() };
        let mut bytes = answer.to(to, &tag, from.remote);
        if limit < bytes.len() {
            let tag = tag.get(tag.len().saturating_sub(SHORT_TAG)..).unwrap_or_default();
            let short = Write::short_response_from(to, answer.status, from.remote);
            bytes = short.to_tag(tag).finish_datagram();
        }
        if bytes.len() <= limit {
            out.push(Out::Send { bytes, hop: reply_to(to, from) });
        }
    }

    /// An answer to somebody we know, with what we call ourselves.
    fn signed(&self, answer: Answer) -> Answer {
        match &self.config.software {
            Some(software) => answer.by(software.clone()),
            None => answer,
        }
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
        let bytes = self.signed(answer.clone()).to(request, &tag, source);
        let mut sends = std::mem::take(&mut self.spare_sends);
        self.table.respond(server, bytes, answer.status, now.at, &mut sends);
        self.carry_table(sends, now, out);
    }
}

/// Characters of a To tag in an answer that must be short.
const SHORT_TAG: usize = 6;

fn has_credentials(request: &Message) -> bool {
    let mut lines = request.values(Name::Authorization);
    lines.next().is_some() || request.values(Name::ProxyAuthorization).next().is_some()
}
