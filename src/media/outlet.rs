//! Where what the plane produces goes: the shell's side of the room, as a trait.

use std::net::SocketAddr;

use super::{PortId, Reel, Report, Strand};
use crate::audio::StreamId;

/// What the shell does for the plane. Nothing here may block.
pub trait Outlet {
    /// Sends a packet of ours from a port. The bytes are only lent.
    fn send(&mut self, from: PortId, channel: Channel, to: SocketAddr, packet: &[u8]);
    /// Tells signalling.
    fn report(&mut self, report: Report);
    /// Hands sound to whoever writes recordings; `false` if there is no room for it now.
    fn tape(&mut self, reel: Reel<'_>) -> bool;
    /// Hands a program what it is to hear.
    fn stream(&mut self, stream: StreamId, strand: Strand<'_>);
}

/// Which of a pair of ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// The even one, for voice.
    Rtp,
    /// The next, for control.
    Rtcp,
}

/// Where a relayed packet goes: the first `len` bytes of the buffer it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    pub port: PortId,
    pub to: SocketAddr,
    pub len: usize,
}
