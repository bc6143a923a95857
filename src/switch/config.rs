//! What the exchange is told about itself. What it is told of calls is the directory.

use std::net::{IpAddr, SocketAddr};

use crate::media;
use crate::sip::{Transport, Value};
use crate::transaction::Limits;

/// What the operator decided about the exchange itself.
#[derive(Clone, Debug)]
pub struct Config {
    /// Our sockets as the far ends see them, by the number in [`Hop::listener`].
    pub listeners: Vec<Listener>,
    /// Free RTP ports to have ready.
    pub ports: media::Limits,
    /// Which address families media has.
    pub v4: bool,
    pub v6: bool,
    /// What far ends are told instead of the local media address (behind NAT).
    pub told_v4: Option<IpAddr>,
    pub told_v6: Option<IpAddr>,
    /// Calls at once. One more is answered 503.
    pub max_calls: usize,
    /// Calls that may begin in one second.
    pub max_calls_per_second: Option<u32>,
    pub transactions: Limits,
    /// Whether it says whose each dialog is ([`Out::Dialog`](super::Out::Dialog)).
    pub tells_dialogs: bool,
    /// What we call ourselves towards those we know.
    pub software: Option<Value>,
}

/// One of our sockets, as the far ends see it.
#[derive(Clone, Debug)]
pub struct Listener {
    pub transport: Transport,
    pub address: SocketAddr,
}
