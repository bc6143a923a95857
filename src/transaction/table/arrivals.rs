//! Requests that arrive, and our responses to them (RFC 3261 sections 17.2, 8.2.2.2, 9.2).

use bytes::Bytes;

use super::{Alarm, Table};
use crate::clock::Instant;
use crate::sip::{Hop, Message, Method};
use crate::transaction::answer::{self, reply_to};
use crate::transaction::key::Key;
use crate::transaction::server_invite::{Acked, ServerInvite};
use crate::transaction::server_request::ServerRequest;
use crate::transaction::{Arrived, Out, ServerId, Wire};

/// One server transaction.
#[derive(Debug)]
pub struct Server {
    armed: Option<Instant>,
    key: Key,
    machine: Machine,
    /// As long as the same request by another way would be a merged one.
    merge: Option<Key>,
    /// Where the request came from.
    to: Hop,
}

#[derive(Debug)]
enum Machine {
    Invite(ServerInvite),
    Request(ServerRequest),
}

impl<O: Copy> Table<O> {
    /// Takes a request from the network.
    pub fn on_request(
        &mut self,
        request: Message,
        from: Hop,
        now: Instant,
        out: &mut Vec<Out<O>>,
    ) -> Arrived {
        let key = self.secret.server(&request);
        let known = self.servers_by.get(&key).copied();
        match request.method() {
            Method::Ack => self.on_ack(request, known, now),
            Method::Cancel => self.on_cancel(request, known, from, out),
            _ => match known {
                Some(id) => {
                    self.on_again(id, out);
                    Arrived::Absorbed
                }
                None => self.on_new(request, key, from, now, out),
            },
        }
    }

    /// Sends a response to where its request came from; the table resends it as long as it must.
    /// Later responses of a 2xx INVITE are passed on, anything after another final one is dropped.
    pub fn respond(
        &mut self,
        server: ServerId,
        response: Bytes,
        status: u16,
        now: Instant,
        out: &mut Vec<Out<O>>,
    ) {
        let Some(it) = self.servers.get_mut(server.0) else { return };
        let wire = &mut Wire { to: it.to, out };
        match &mut it.machine {
            Machine::Invite(invite) => invite.respond(response, status, now, wire),
            Machine::Request(request) => request.respond(response, status, now, wire),
        }
        self.settle_server(server);
    }

    fn on_new(
        &mut self,
        request: Message,
        key: Key,
        from: Hop,
        now: Instant,
        out: &mut Vec<Out<O>>,
    ) -> Arrived {
        let to = reply_to(&request, from);
        let merge = request.to_tag().is_empty().then(|| self.secret.merge(&request));
        if merge.is_some_and(|it| self.merges.contains_key(&it)) {
            self.answer(&request, 482, from, out);
            return Arrived::Absorbed;
        }
        let invite = *request.method() == Method::Invite;
        let room = self.limits.servers + merge.map_or(self.limits.servers / 4, |_| 0);
        if room <= self.servers.len() {
            metrics::counter!("crosspoint_transactions_refused_total").increment(1);
            if invite {
                self.answer(&request, 503, from, out);
            }
            return Arrived::Absorbed;
        }
        let machine = if invite {
            let trying = answer::trying(&request, from);
            Machine::Invite(ServerInvite::start(trying, &mut Wire { to, out }))
        } else {
            Machine::Request(ServerRequest::start(to.transport.is_reliable(), now))
        };
        let server = Server { armed: None, key, machine, merge, to };
        let id = ServerId(self.servers.insert(server));
        self.servers_by.insert(key, id);
        if let Some(merge) = merge {
            self.merges.insert(merge, id);
        }
        self.settle_server(id);
        Arrived::Request { server: id, request }
    }

    fn on_again(&mut self, id: ServerId, out: &mut Vec<Out<O>>) {
        let Some(it) = self.servers.get_mut(id.0) else { return };
        let wire = &mut Wire { to: it.to, out };
        match &mut it.machine {
            Machine::Invite(invite) => invite.on_again(wire),
            Machine::Request(request) => request.on_again(wire),
        }
    }

    fn on_ack(&mut self, request: Message, known: Option<ServerId>, now: Instant) -> Arrived {
        let server = known.and_then(|id| Some((id, self.servers.get_mut(id.0)?)));
        let Some((id, Server { machine: Machine::Invite(invite), .. })) = server else {
            return Arrived::Ack { request };
        };
        let acked = invite.on_ack(now);
        self.settle_server(id);
        match acked {
            Acked::Absorb => Arrived::Absorbed,
            Acked::Deliver => Arrived::Ack { request },
        }
    }

    /// RFC 3261 section 9.2. A CANCEL needs no transaction: its answer is the same each time.
    fn on_cancel(
        &mut self,
        request: Message,
        known: Option<ServerId>,
        from: Hop,
        out: &mut Vec<Out<O>>,
    ) -> Arrived {
        let server = known.and_then(|id| Some((id, self.servers.get_mut(id.0)?)));
        let Some((id, Server { machine: Machine::Invite(invite), .. })) = server else {
            self.answer(&request, 481, from, out);
            return Arrived::Absorbed;
        };
        let news = invite.on_cancel();
        let tag = invite.last().and_then(answer::to_tag);
        let tag = tag.unwrap_or_else(|| self.secret.tag(&request));
        let bytes = answer::answer(&request, 200, &tag, from);
        out.push(Out::Send { bytes, to: reply_to(&request, from) });
        match news {
            true => Arrived::Cancelled { invite: id, request },
            false => Arrived::Absorbed,
        }
    }

    /// An answer that leaves nothing behind.
    fn answer(&self, request: &Message, status: u16, from: Hop, out: &mut Vec<Out<O>>) {
        let bytes = answer::answer(request, status, &self.secret.tag(request), from);
        out.push(Out::Send { bytes, to: reply_to(request, from) });
    }

    pub(super) fn wake_server(
        &mut self,
        id: ServerId,
        at: Instant,
        now: Instant,
        out: &mut Vec<Out<O>>,
    ) {
        let Some(it) = self.servers.get_mut(id.0) else { return };
        it.armed.take_if(|armed| *armed == at);
        let unacknowledged = match &mut it.machine {
            Machine::Invite(invite) => invite.on_time(now, &mut Wire { to: it.to, out }),
            Machine::Request(request) => {
                request.on_time(now);
                false
            }
        };
        if unacknowledged {
            out.push(Out::Unacknowledged { server: id });
        }
        self.settle_server(id);
    }

    /// Does what a machine's new state asks for: wakes it, lets go of it.
    fn settle_server(&mut self, id: ServerId) {
        let Some(it) = self.servers.get_mut(id.0) else { return };
        let (over, refused, deadline) = match &it.machine {
            Machine::Invite(invite) => (invite.is_over(), invite.is_refused(), invite.deadline()),
            Machine::Request(request) => {
                (request.is_over(), request.is_answered(), request.deadline())
            }
        };
        if over || refused {
            it.merge.take().and_then(|merge| self.merges.remove(&merge));
        }
        if over {
            self.servers_by.remove(&it.key);
            self.servers.remove(id.0);
        } else {
            self.alarms.arm(Alarm::Server(id), deadline, &mut it.armed);
        }
    }
}
