//! Where bytes go, or came from.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    Udp,
    Tcp,
}

impl Transport {
    /// Whether it resends by itself (RFC 3261 section 17).
    pub fn is_reliable(self) -> bool {
        self == Self::Tcp
    }

    /// As in a Via header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        }
    }
}

/// One of our sockets and the address at the other end of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hop {
    pub transport: Transport,
    /// The number of our own listener, in the order they are configured.
    pub listener: u8,
    pub remote: SocketAddr,
    /// The connection, if there is one already.
    pub connection: Option<u32>,
}
