//! Requests that wait for their first answer, by far end: whom a broken connection concerns.
//!
//! A list through the waiting requests themselves, so that one comes and goes in O(1) however many
//! others wait on the same far end.

use std::collections::HashMap;
use std::net::SocketAddr;

use crate::sip::{Hop, Transport};
use crate::transaction::ClientId;
use crate::transaction::key::Secret;

#[derive(Debug)]
pub struct Flows {
    first: HashMap<Flow, ClientId, Secret>,
}

/// A request's place in its list.
#[derive(Clone, Copy, Debug, Default)]
pub struct Link {
    pub next: Option<ClientId>,
    pub previous: Option<ClientId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Flow {
    listener: u8,
    remote: SocketAddr,
    transport: Transport,
}

impl Flows {
    pub fn new(secret: Secret) -> Self {
        Self { first: HashMap::with_hasher(secret) }
    }

    /// The first of those that wait for `hop`.
    pub fn first(&self, hop: &Hop) -> Option<ClientId> {
        self.first.get(&flow(hop)).copied()
    }

    /// Puts `client` first, says who follows it.
    pub fn push(&mut self, hop: &Hop, client: ClientId) -> Option<ClientId> {
        self.first.insert(flow(hop), client)
    }

    /// The first of `hop` has left; `next` follows it.
    pub fn shift(&mut self, hop: &Hop, next: Option<ClientId>) {
        match next {
            Some(next) => self.first.insert(flow(hop), next),
            None => self.first.remove(&flow(hop)),
        };
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.first.len()
    }
}

fn flow(hop: &Hop) -> Flow {
    Flow { listener: hop.listener, remote: hop.remote, transport: hop.transport }
}
