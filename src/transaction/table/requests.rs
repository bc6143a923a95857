//! Requests of ours, and the responses to them (RFC 3261 sections 17.1, 18.4, 9.1).

use bytes::Bytes;

use super::flows::Link;
use super::{Alarm, Table};
use crate::clock::Instant;
use crate::sip::{self, Hop, Message, Method, Name};
use crate::transaction::answer;
use crate::transaction::client_invite::ClientInvite;
use crate::transaction::client_request::ClientRequest;
use crate::transaction::key::Key;
use crate::transaction::{ClientId, Failure, Out, Wire};

/// One client transaction.
#[derive(Debug)]
pub struct Client<O> {
    armed: Option<Instant>,
    key: Key,
    /// Its place among those that wait for the same far end, as long as it waits.
    link: Option<Link>,
    machine: Machine,
    owner: O,
    to: Hop,
}

#[derive(Debug)]
enum Machine {
    Invite(ClientInvite),
    Request(ClientRequest),
}

impl<O: Copy> Table<O> {
    /// Sends a request of ours, whose top Via carries a branch used for nothing else, and resends
    /// it as long as it must. An ACK of a 2xx is no transaction: it is sent past the table.
    pub fn request(
        &mut self,
        request: Bytes,
        to: Hop,
        owner: O,
        now: Instant,
        out: &mut Vec<Out<O>>,
    ) -> ClientId {
        let head = sip::parse(request.clone()).ok().filter(Message::is_request);
        let full = self.limits.clients <= self.clients.len();
        let Some(head) = head.filter(|_| !full) else {
            let client = ClientId(self.clients.spend());
            out.push(Out::Failed { owner, client, why: Failure::Transport });
            return client;
        };
        let wire = &mut Wire { to, out };
        let machine = match head.method() {
            Method::Invite => Machine::Invite(ClientInvite::start(request, now, wire)),
            _ => Machine::Request(ClientRequest::start(request, now, wire)),
        };
        let key = self.secret.client(head.branch(), head.method());
        let client = Client { armed: None, key, link: None, machine, owner, to };
        let id = ClientId(self.clients.insert(client));
        self.clients_by.insert(key, id);
        self.link(id);
        self.settle_client(id);
        if *head.method() == Method::Cancel {
            self.note_cancel(head.branch(), now);
        }
        id
    }

    /// The owner of an INVITE wants no more of it: it is not resent, and if nobody ever answers, it
    /// is quietly over. What comes all the same is told: a 1xx, to be cancelled, and a late 2xx, to
    /// be acknowledged and hung up.
    pub fn give_up(&mut self, client: ClientId, now: Instant) {
        if let Some(Client { machine: Machine::Invite(it), .. }) = self.clients.get_mut(client.0) {
            it.give_up(now);
            self.settle_client(client);
        }
    }

    /// Takes a response from the network. What comes back is for the owner: each provisional one,
    /// the first final one, and every 2xx of an INVITE.
    pub fn on_response(
        &mut self,
        response: Message,
        now: Instant,
        out: &mut Vec<Out<O>>,
    ) -> Option<(O, ClientId, Message)> {
        // RFC 3261 section 8.1.3.3: with a second Via it is somebody else's.
        if response.headers(Name::Via).nth(1).is_some() {
            return None;
        }
        let id = *self.clients_by.get(&self.secret.client(response.branch(), response.method()))?;
        let it = self.clients.get_mut(id.0)?;
        let (status, wire) = (response.status(), &mut Wire { to: it.to, out });
        let deliver = match &mut it.machine {
            Machine::Invite(invite) => {
                let ack = |bytes: &Bytes| answer::ack(bytes, &response);
                invite.on_response(status, ack, now, wire)
            }
            Machine::Request(request) => request.on_response(status, now),
        };
        let owner = it.owner;
        self.settle_client(id);
        deliver.then_some((owner, id, response))
    }

    /// Nothing that is sent to `hop` arrives: what waits there for its first answer fails now.
    pub fn on_transport_error(&mut self, hop: &Hop, out: &mut Vec<Out<O>>) {
        let mut next = self.flows.first(hop);
        while let Some(id) = next {
            let Some(it) = self.clients.get_mut(id.0) else { return };
            next = it.link.and_then(|it| it.next);
            // Another connection to the same far end may be well.
            let (ours, broken) = (it.to.connection, hop.connection);
            if ours.is_some() && broken.is_some() && ours != broken {
                continue;
            }
            let failure = match &mut it.machine {
                Machine::Invite(invite) => invite.on_transport_error(),
                Machine::Request(request) => request.on_transport_error(),
            };
            self.tell_failure(id, failure, out);
            self.settle_client(id);
        }
    }

    /// RFC 3261 section 9.1: an INVITE that was cancelled ends within 64*T1, refused or not.
    fn note_cancel(&mut self, branch: &[u8], now: Instant) {
        let invite = self.clients_by.get(&self.secret.client(branch, &Method::Invite)).copied();
        let Some(id) = invite else { return };
        if let Some(Client { machine: Machine::Invite(it), .. }) = self.clients.get_mut(id.0) {
            it.on_cancelled(now);
            self.settle_client(id);
        }
    }

    pub(super) fn wake_client(
        &mut self,
        id: ClientId,
        at: Instant,
        now: Instant,
        out: &mut Vec<Out<O>>,
    ) {
        let Some(it) = self.clients.get_mut(id.0) else { return };
        it.armed.take_if(|armed| *armed == at);
        let wire = &mut Wire { to: it.to, out };
        let failure = match &mut it.machine {
            Machine::Invite(invite) => invite.on_time(now, wire),
            Machine::Request(request) => request.on_time(now, wire),
        };
        self.tell_failure(id, failure, out);
        self.settle_client(id);
    }

    fn tell_failure(&self, client: ClientId, failure: Option<Failure>, out: &mut Vec<Out<O>>) {
        let owner = self.clients.get(client.0).map(|it| it.owner);
        if let (Some(owner), Some(why)) = (owner, failure) {
            out.push(Out::Failed { owner, client, why });
        }
    }

    /// Does what a machine's new state asks for: wakes it, lets go of it.
    fn settle_client(&mut self, id: ClientId) {
        let Some(it) = self.clients.get(id.0) else { return };
        let (over, waits) = match &it.machine {
            Machine::Invite(invite) => (invite.is_over(), invite.is_unanswered()),
            Machine::Request(request) => (request.is_over(), request.is_pending()),
        };
        if !waits {
            self.unlink(id);
        }
        let Some(it) = self.clients.get_mut(id.0) else { return };
        if over {
            // Somebody used a branch twice: the later one keeps it.
            if self.clients_by.get(&it.key) == Some(&id) {
                self.clients_by.remove(&it.key);
            }
            self.clients.remove(id.0);
        } else {
            let deadline = match &it.machine {
                Machine::Invite(invite) => invite.deadline(),
                Machine::Request(request) => request.deadline(),
            };
            self.alarms.arm(Alarm::Client(id), deadline, &mut it.armed);
        }
    }

    fn link(&mut self, id: ClientId) {
        let Some(it) = self.clients.get_mut(id.0) else { return };
        let next = self.flows.push(&it.to, id);
        it.link = Some(Link { next, previous: None });
        if let Some(link) = self.link_of(next) {
            link.previous = Some(id);
        }
    }

    fn unlink(&mut self, id: ClientId) {
        let Some(it) = self.clients.get_mut(id.0) else { return };
        let (Some(link), to) = (it.link.take(), it.to) else { return };
        if let Some(next) = self.link_of(link.next) {
            next.previous = link.previous;
        }
        match self.link_of(link.previous) {
            Some(previous) => previous.next = link.next,
            None => self.flows.shift(&to, link.next),
        }
    }

    fn link_of(&mut self, id: Option<ClientId>) -> Option<&mut Link> {
        self.clients.get_mut(id?.0)?.link.as_mut()
    }
}
