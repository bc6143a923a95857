//! Who is in town, and how each is reached.

use std::net::SocketAddr;

use crosspoint::sip::{Hop, Transport};

/// One far end of the exchange.
#[derive(Clone, Copy)]
pub struct Party {
    pub hop: Hop,
    /// User, realm and password that it answers challenges with.
    pub login: [&'static str; 3],
}

const fn hop(host: u8, port: u16, listener: u8, connection: Option<u32>) -> Hop {
    let ip = std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, host));
    let transport = if connection.is_some() { Transport::Tcp } else { Transport::Udp };
    Hop { transport, listener, remote: SocketAddr::new(ip, port), connection }
}

const AGENT: [&str; 3] = ["agent1", "town", "secret"];
const NOBODY: [&str; 3] = ["agent1", "town", "guessed"];

/// The carrier, a trunk with a password, destinations, phones by both transports, strangers at
/// both listeners, the far side of the gate, the carrier by TCP.
pub const PARTIES: [Party; 12] = [
    Party { hop: hop(11, 5070, 0, None), login: NOBODY },
    Party { hop: hop(13, 5060, 0, None), login: ["payer", "town", "paid"] },
    Party { hop: hop(31, 5070, 0, None), login: NOBODY },
    Party { hop: hop(32, 5070, 0, None), login: NOBODY },
    Party { hop: hop(33, 5070, 1, Some(3)), login: NOBODY },
    Party { hop: hop(51, 5060, 0, None), login: AGENT },
    Party { hop: hop(52, 40_000, 1, Some(9)), login: AGENT },
    Party { hop: hop(66, 5060, 0, None), login: NOBODY },
    Party { hop: hop(67, 50_000, 1, Some(11)), login: NOBODY },
    Party { hop: hop(68, 5060, 2, None), login: NOBODY },
    Party { hop: hop(41, 5060, 0, None), login: NOBODY },
    Party { hop: hop(11, 41_000, 1, Some(12)), login: NOBODY },
];

pub fn party(n: u8) -> usize {
    usize::from(n) % PARTIES.len()
}

/// Who is at this address; whoever sits at another port of it will do.
pub fn at(remote: SocketAddr) -> Option<usize> {
    let find = |same: fn(SocketAddr, SocketAddr) -> bool| {
        PARTIES.iter().position(|it| same(it.hop.remote, remote))
    };
    find(|a, b| a == b).or_else(|| find(|a, b| a.ip() == b.ip()))
}
