//! Where a dialog's request goes: a flow, an address in its URI, or a name to be resolved first.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;

use super::ids::{BranchKey, CallKey};
use super::{Config, Listener, Out, Switch};
use crate::clock::Now;
use crate::dialog::{Local, Next, Ticket};
use crate::peer::{Asked, Resolve};
use crate::sip::{Hop, Host, Transport, Uri, Value};
use crate::transaction::Failure;

/// What waits for the addresses of a name.
pub(super) enum Waiting {
    /// A leg, before it rings the next of its targets.
    Leg(CallKey, u8),
    Request(Held),
    /// A trunk, before the places that its name leads to are asked whether they are there.
    Trunk(Asked),
}

/// A request that waits for its next hop's address.
pub(super) struct Held {
    /// `None`: an ACK, which nobody waits for.
    owner: Option<(BranchKey, Ticket)>,
    request: Bytes,
    invite: bool,
    transport: Transport,
}

/// Names that are asked for at once.
const WAITING_MAX: usize = 10_000;
/// SIP's port.
const PORT: u16 = 5060;

/// A way, or a name to ask for.
enum Way {
    Hop(Hop),
    Name(Resolve),
    None,
}

impl Switch {
    #[allow(clippy::too_many_arguments, reason = "all of it is one request")]
    pub(super) fn send_request(
        &mut self,
        key: BranchKey,
        request: Bytes,
        invite: bool,
        next: &Next,
        ticket: Ticket,
        now: Now,
        out: &mut Vec<Out>,
    ) {
        match self.way(next) {
            Way::Hop(hop) => self.send_to(key, request, invite, hop, ticket, now, out),
            Way::Name(resolve) if self.waiting.len() < WAITING_MAX => {
                let owner = Some((key, ticket));
                self.wait_for(
                    resolve,
                    Waiting::Request(Held { owner, request, invite, transport: next.transport }),
                    out,
                );
            }
            Way::Name(_) | Way::None => {
                self.turn(key, now, out, |leg, turn| {
                    leg.on_failed(ticket, Failure::Transport, turn);
                });
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "all of it is one request")]
    fn send_to(
        &mut self,
        key: BranchKey,
        request: Bytes,
        invite: bool,
        hop: Hop,
        ticket: Ticket,
        now: Now,
        out: &mut Vec<Out>,
    ) {
        let mut sends = std::mem::take(&mut self.spare_sends);
        let owner = Self::owner(key, ticket);
        let client = self.table.request(request, hop, owner, now.at, &mut sends);
        if invite && let Some(branch) = self.calls.get_mut(key.call).and_then(|it| it.branch(key)) {
            branch.client = Some(client);
            branch.dialog.went(hop);
        }
        self.carry_table(sends, now, out);
    }

    /// The ACK of a 2xx.
    pub(super) fn send_ack(&mut self, request: Bytes, next: &Next, out: &mut Vec<Out>) {
        match self.way(next) {
            Way::Hop(hop) => out.push(Out::Send { bytes: request, hop }),
            Way::Name(resolve) if self.waiting.len() < WAITING_MAX => {
                let transport = next.transport;
                self.wait_for(
                    resolve,
                    Waiting::Request(Held { owner: None, request, invite: false, transport }),
                    out,
                );
            }
            Way::Name(_) | Way::None => (),
        }
    }

    fn wait_for(&mut self, resolve: Resolve, waiting: Waiting, out: &mut Vec<Out>) {
        self.next_ticket += 1;
        self.waiting.insert(self.next_ticket, waiting);
        out.push(Out::Resolve { ticket: self.next_ticket, resolve });
    }

    /// Asks where the next of a leg's targets is. `false` if too much is asked already.
    pub(super) fn ask_for(
        &mut self,
        call: CallKey,
        leg: u8,
        resolve: Resolve,
        out: &mut Vec<Out>,
    ) -> bool {
        let room = self.waiting.len() < WAITING_MAX;
        if room {
            self.wait_for(resolve, Waiting::Leg(call, leg), out);
        }
        room
    }

    /// Asks where a trunk's name leads to; another time, if too much is asked already.
    pub(super) fn find_trunk(&mut self, asked: Asked, resolve: Resolve, out: &mut Vec<Out>) {
        if self.waiting.len() < WAITING_MAX {
            self.wait_for(resolve, Waiting::Trunk(asked), out);
        }
    }

    /// The addresses of a name, best first; none if it has none.
    pub fn on_resolved(
        &mut self,
        ticket: u64,
        found: &[(SocketAddr, Transport)],
        now: Now,
        out: &mut Vec<Out>,
    ) {
        match self.waiting.remove(&ticket) {
            Some(Waiting::Leg(call, leg)) => self.on_found(call, leg, found, now, out),
            Some(Waiting::Request(held)) => self.send_held(held, found, now, out),
            Some(Waiting::Trunk(asked)) => self.on_trunk_found(asked, found, now, out),
            None => return,
        }
        self.settle(now, out);
    }

    /// A request within a dialog goes to the first address that we can reach.
    fn send_held(
        &mut self,
        held: Held,
        found: &[(SocketAddr, Transport)],
        now: Now,
        out: &mut Vec<Out>,
    ) {
        // Its Via says the transport already.
        let fitting = found.iter().filter(|it| it.1 == held.transport);
        let hop = fitting.filter_map(|it| self.peers.hop(it.0, held.transport)).next();
        match (held.owner, hop) {
            (Some((key, ticket)), Some(hop)) => {
                self.send_to(key, held.request, held.invite, hop, ticket, now, out);
            }
            (Some((key, ticket)), None) => {
                self.turn(key, now, out, |leg, turn| {
                    leg.on_failed(ticket, Failure::Transport, turn);
                });
            }
            (None, Some(hop)) => out.push(Out::Send { bytes: held.request, hop }),
            (None, None) => (),
        }
    }

    /// A request that waits for a name is not sent once its leg is let go.
    pub(super) fn forget_waiting(&mut self, key: BranchKey) {
        let is_its = |it: &Waiting| match it {
            Waiting::Leg(..) | Waiting::Trunk(_) => false,
            Waiting::Request(it) => it.invite && it.owner.is_some_and(|(of, _)| of == key),
        };
        if !self.waiting.is_empty() {
            self.waiting.retain(|_, it| !is_its(it));
        }
    }

    fn way(&self, next: &Next) -> Way {
        if let Some(hop) = next.hop {
            if hop.transport == next.transport {
                return Way::Hop(hop);
            }
            // Too long for a datagram: the same address by TCP.
            return self.peers.hop(hop.remote, next.transport).map_or(Way::None, Way::Hop);
        }
        let port = next.uri.port();
        let hop = |ip: IpAddr| {
            let remote = SocketAddr::new(ip, port.unwrap_or(PORT));
            self.peers.hop(remote, next.transport).map_or(Way::None, Way::Hop)
        };
        match next.uri.host() {
            Host::V4(ip) => hop(ip.into()),
            Host::V6(ip) => hop(ip.into()),
            Host::Name("") => Way::None,
            Host::Name(name) => {
                Way::Name(Resolve { host: name.to_owned(), port, transport: Some(next.transport) })
            }
        }
    }

    /// How the far end of a hop sees us.
    pub(super) fn local_for(
        &self,
        listener: u8,
        transport: Transport,
        tcp_over: Option<usize>,
    ) -> Local {
        let fits = |it: &&Local| it.transport == transport;
        let own = self.locals.get(usize::from(listener)).filter(fits);
        let own = own.or_else(|| self.locals.iter().find(fits)).or(self.locals.first());
        let mut local = own.cloned().unwrap_or_else(|| {
            let address = SocketAddr::from(([127, 0, 0, 1], PORT));
            local(&Listener { transport, address }, self.config.software.as_ref())
        });
        let v6 = local.contact.host().ip().is_some_and(|it| it.is_ipv6());
        let mut others = self.config.listeners.iter().zip(&self.locals);
        let other = others.find(|(it, _)| it.transport != transport && it.address.is_ipv6() == v6);
        local.transport = transport;
        local.other = other.map(|(_, it)| it.sent_by.clone());
        local.tcp_over = tcp_over.filter(|_| local.other.is_some());
        local
    }

    /// The media address that a far end is told for a local port.
    pub(super) fn told_media(&self, local: SocketAddr) -> SocketAddr {
        let told = if local.is_ipv6() { self.config.told_v6 } else { self.config.told_v4 };
        told.map_or(local, |ip| SocketAddr::new(ip, local.port()))
    }
}

/// Each listener as its far ends see it.
pub(super) fn locals(config: &Config) -> Vec<Local> {
    config.listeners.iter().map(|it| local(it, config.software.as_ref())).collect()
}

/// A listener as its far ends see it.
fn local(it: &Listener, software: Option<&Value>) -> Local {
    let parameter = if it.transport == Transport::Tcp { ";transport=tcp" } else { "" };
    let contact = Uri::parse(format!("sip:{}{parameter}", it.address).as_bytes());
    Local {
        contact: contact.unwrap_or_else(|_| unreachable_uri()),
        sent_by: Arc::from(it.address.to_string()),
        transport: it.transport,
        other: None,
        tcp_over: None,
        software: software.cloned(),
    }
}

/// An address always makes a URI; this one stands where the type wants a proof.
fn unreachable_uri() -> Uri {
    Uri::parse(b"sip:invalid.invalid").expect("a constant URI")
}
