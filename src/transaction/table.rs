//! All transactions, found by key, failed by far end, woken by one deadline.
//!
//! Requests that arrive are in `table/arrivals.rs`, requests of ours in `table/requests.rs`. Each
//! step is O(1) but for the alarms' heap, whatever the table holds.

mod arrivals;
mod flows;
mod requests;
#[cfg(test)]
mod tests;

use self::arrivals::Server;
use self::flows::Flows;
use self::requests::Client;
use super::key::{ByKey, Secret};
use super::slots::Slots;
use super::{ClientId, Out, ServerId};
use crate::clock::{Alarms, Instant};
use crate::sip::Message;

/// The four machines' table; `O` says who owns a request of ours.
#[derive(Debug)]
pub struct Table<O> {
    alarms: Alarms<Alarm>,
    clients: Slots<Client<O>>,
    clients_by: ByKey<ClientId>,
    flows: Flows,
    limits: Limits,
    /// Requests without a To tag that were not refused yet (RFC 3261 section 8.2.2.2).
    merges: ByKey<ServerId>,
    secret: Secret,
    servers: Slots<Server>,
    servers_by: ByKey<ServerId>,
}

/// How many transactions there may be. A finished one lasts up to 32 s and a few hundred bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests of ours. One more fails at once.
    pub clients: usize,
    /// Requests that arrive. A new INVITE above it is answered 503 and any other request outside
    /// of a dialog with silence; requests within a dialog get a quarter more, so that calls can end.
    pub servers: usize,
}

impl Default for Limits {
    /// Four a call for 32 s, at four thousand calls a second.
    fn default() -> Self {
        Self { clients: 512 * 1024, servers: 512 * 1024 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Alarm {
    Client(ClientId),
    Server(ServerId),
}

impl<O: Copy> Table<O> {
    /// `seed` is a secret: 128 random bits.
    pub fn new(limits: Limits, seed: u128) -> Self {
        let secret = Secret::new(seed);
        Self {
            alarms: Alarms::default(),
            clients: Slots::default(),
            clients_by: ByKey::default(),
            flows: Flows::new(secret),
            limits,
            merges: ByKey::default(),
            secret,
            servers: Slots::default(),
            servers_by: ByKey::default(),
        }
    }

    /// Takes note of the time; to be called once [`Self::deadline`] has come.
    pub fn on_time(&mut self, now: Instant, out: &mut Vec<Out<O>>) {
        while let Some((at, alarm)) = self.alarms.due(now) {
            match alarm {
                Alarm::Client(id) => self.wake_client(id, at, now, out),
                Alarm::Server(id) => self.wake_server(id, at, now, out),
            }
        }
    }

    /// When it wants to be told the time. It may turn out that nothing was due.
    pub fn deadline(&self) -> Option<Instant> {
        self.alarms.next()
    }

    /// Whether a request belongs to a transaction that is here: it was judged when it first came.
    pub fn knows(&self, request: &Message) -> bool {
        self.servers_by.contains_key(&self.secret.server(request))
    }

    /// A To tag for answers without state: the same each time the request comes.
    pub fn tag(&self, request: &Message) -> String {
        self.secret.tag(request)
    }

    /// How many transactions there are, running and finished.
    pub fn len(&self) -> usize {
        self.clients.len() + self.servers.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
