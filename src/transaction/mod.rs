//! SIP transactions: who resends what, and for how long (RFC 3261 section 17, RFC 6026).
//!
//! Each of the four machines is a file with its diagram at the head. A machine owns no socket and
//! reads no clock; its states own their timers. [`Table`] holds all of them, finds the one a
//! message belongs to, and turns their deadlines into one. What a request means is left to the
//! rooms above; where a name resolves to, and sockets, to the shell.

mod answer;
mod client_invite;
mod client_request;
mod key;
mod server_invite;
mod server_request;
mod slots;
mod table;

use std::time::Duration;

use bytes::Bytes;

pub use self::answer::{answer_anew, reply_to};
pub use self::table::{Limits, Table};
use crate::sip::{Hop, Message};

/// A guess at the round trip, from which every other wait follows (RFC 3261 section 17.1.1.1).
pub const T1: Duration = Duration::from_millis(500);
/// The longest interval between resends of a non-INVITE request or an INVITE's refusal.
pub const T2: Duration = Duration::from_secs(4);
/// How long a message may stay in the network.
pub const T4: Duration = Duration::from_secs(5);
/// Timers B, F, H, J, L and M: how long a transaction waits before it stops caring.
pub const LIFETIME: Duration = Duration::from_secs(32);

/// What the table wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Out<O> {
    Send {
        bytes: Bytes,
        to: Hop,
    },
    /// The request got no final response and never will: said to its owner, once.
    Failed {
        owner: O,
        client: ClientId,
        why: Failure,
    },
    /// Our refusal of an INVITE was never acknowledged (timer H): for the log.
    Unacknowledged {
        server: ServerId,
    },
}

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Timer B or F, or a cancelled INVITE nobody refused.
    Timeout,
    /// It could not be sent: the connection broke, the port is closed, or the table is full.
    Transport,
}

/// What a request that arrived is to the layer above.
#[derive(Debug)]
pub enum Arrived {
    /// A new request. An INVITE has already been answered 100 Trying.
    Request { server: ServerId, request: Message },
    /// An ACK of a 2xx, or of nothing we know.
    Ack { request: Message },
    /// The caller no longer wants this INVITE. The CANCEL has been answered 200; the INVITE still
    /// waits for its final response (487).
    Cancelled { invite: ServerId, request: Message },
    /// Dealt with here: resent, acknowledging a refusal, merged (482), a CANCEL of nothing (481),
    /// or more than the table may hold.
    Absorbed,
}

/// Names a server transaction; never used again once that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(slots::Id);

/// Names a client transaction; never used again once that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(slots::Id);

/// Where a machine's messages go: one far end, and the caller's list.
struct Wire<'a, O> {
    to: Hop,
    out: &'a mut Vec<Out<O>>,
}

impl<O> Wire<'_, O> {
    fn send(&mut self, bytes: Bytes) {
        self.out.push(Out::Send { bytes, to: self.to });
    }
}

#[cfg(test)]
mod testing {
    //! What this room's tests share.

    use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

    use super::*;
    use crate::clock::Instant;
    pub use crate::sip::Hop;
    use crate::sip::Transport;

    pub const UDP: Hop = hop_to([127, 0, 0, 11], 5060);
    pub const TCP: Hop = Hop { transport: Transport::Tcp, connection: Some(1), ..UDP };

    pub const fn hop_to([a, b, c, d]: [u8; 4], port: u16) -> Hop {
        let remote = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port));
        Hop { transport: Transport::Udp, listener: 0, remote, connection: None }
    }

    pub fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1_000)
    }

    pub fn millis(at: Instant) -> u64 {
        at.micros() / 1_000
    }

    /// What was sent since last asked, as text.
    pub fn sent<O>(out: &mut Vec<Out<O>>) -> Vec<String> {
        out.drain(..)
            .filter_map(|it| match it {
                Out::Send { bytes, .. } => Some(String::from_utf8_lossy(&bytes).into_owned()),
                Out::Failed { .. } | Out::Unacknowledged { .. } => None,
            })
            .collect()
    }
}
