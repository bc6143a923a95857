//! What two descriptions came to: what media needs to know about one leg.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::codec::{self, Encoding};
use super::description::{Connection, Description, Media, Payload};

/// A leg's audio stream, as agreed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Negotiated {
    /// Where its voice goes; `None` while the far end has no address we can send to.
    pub rtp: Option<SocketAddr>,
    pub rtcp: Option<SocketAddr>,
    /// We may send to it.
    pub send: bool,
    /// It may send to us.
    pub receive: bool,
    pub codec: PayloadFormat,
    /// Telephone events, if both sides have them.
    pub events: Option<Events>,
    /// Packet time towards the far end: 10, 20, 30, 40 or 60 ms.
    pub ptime: u8,
    /// The far end has put us on hold: it does not want to hear us.
    pub held: bool,
    /// All codecs both sides share, in the far end's order; `codec` is one of them.
    pub others: Vec<PayloadFormat>,
}

/// How voice is coded, and at which payload types: the one the far end wants to receive, and the
/// one it sends. They are the same unless it answered us with another number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayloadFormat {
    /// Encoding name in lower case.
    pub name: Cow<'static, str>,
    pub send_pt: u8,
    pub receive_pt: u8,
    /// RTP clock in Hz.
    pub clock: u32,
    pub channels: u8,
    /// The far end's parameters.
    pub fmtp: Option<Cow<'static, str>>,
}

/// Telephone events (RFC 4733).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Events {
    pub send_pt: u8,
    pub receive_pt: u8,
    /// Hz.
    pub clock: u32,
}

impl PayloadFormat {
    pub fn encoding(&self) -> Encoding<'_> {
        Encoding { name: &self.name, clock: self.clock, channels: self.channels }
    }

    /// `theirs` as the far end has it; `receive_pt` is our number for it.
    pub(super) fn new(theirs: &Payload<'_>, receive_pt: u8) -> Self {
        Self {
            name: codec::lower_case(theirs.encoding.name),
            send_pt: theirs.payload_type,
            receive_pt,
            clock: theirs.encoding.clock,
            channels: theirs.encoding.channels,
            fmtp: theirs.fmtp.map(codec::parameters),
        }
    }
}

/// Where a stream's RTP and RTCP go (RFC 3605; the next port otherwise).
pub fn addresses(
    description: &Description<'_>,
    media: &Media<'_>,
) -> (Option<SocketAddr>, Option<SocketAddr>) {
    let ip = |connection: Option<Connection<'_>>| match connection {
        Some(Connection::Address(ip)) => Some(ip),
        _ => None,
    };
    let at = |ip: Option<IpAddr>, port: Option<u16>| {
        Some(SocketAddr::new(ip?, port.filter(|it| *it != 0)?))
    };
    let own = ip(description.connection_of(media));
    let rtp = at(own, Some(media.port));
    let rtcp = match media.rtcp {
        Some((port, elsewhere)) => {
            let ip = if elsewhere.is_some() { ip(elsewhere) } else { own };
            at(ip, Some(port))
        }
        None => at(own, media.port.checked_add(1)),
    };
    (rtp, rtp.and(rtcp))
}

/// The packet time a stream's writer wants to receive, as one we can do.
pub fn ptime(media: &Media<'_>) -> u8 {
    const POSSIBLE: [u8; 5] = [60, 40, 30, 20, 10];
    let asked = media.ptime.filter(|it| *it != 0).unwrap_or(20);
    let longest = media.max_ptime.filter(|it| *it != 0).unwrap_or(u16::MAX);
    let wanted = asked.min(longest);
    POSSIBLE.into_iter().find(|it| u16::from(*it) <= wanted).unwrap_or(10)
}
