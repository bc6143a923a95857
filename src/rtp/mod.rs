//! RTP, RTCP and telephone events, in place (RFC 3550, RFC 3551, RFC 4733, RFC 5761).
//!
//! Nothing here allocates per packet: headers are read from and written into the caller's buffer.
//! Sockets, latching and who hears whom are media's; payload types are what `sdp` negotiated.
//!
//! Sequence numbers are plain `u16` and compared by wrapping subtraction here; `rtp_rs::Seq` has
//! no total order and is never used as a key.

mod continuity;
mod event;
mod key_receiver;
mod key_sender;
mod packet;
mod reception;
pub mod rtcp;

pub use self::continuity::Continuity;
pub use self::event::Event;
pub use self::key_receiver::KeyReceiver;
pub use self::key_sender::{KeyPacket, KeySender};
pub use self::packet::{HEADER, Header, Kind, Stamp, ahead, kind};
pub use self::reception::{Arrival, Reception};
pub use self::rtcp::Ntp;

/// RTP clock units in `micros` microseconds at `clock` Hz, rounded down, wrapping as timestamps do.
fn units(micros: u64, clock: u32) -> u32 {
    (u128::from(micros) * u128::from(clock) / 1_000_000) as u32
}
