//! The whole exchange on a simulated network: switch and media as they are, phones and carriers
//! that are not built on them, delay, loss and a clock that only moves when nothing is left to do.
//!
//! - [`World`] is one such town. Stories and random calls are played in it, and so is
//!   `crosspoint simulate`.
//! - [`Phone`] is a far end: its SIP is read with rsip and written by hand, its voice is a tone
//!   ([`mouth`]), and what it hears is told apart by ear ([`ear`]).
//! - [`Network`] carries datagrams, and loses them, from a seed.
//!
//! Nothing here reads a clock or opens a socket: the same seed gives the same town.

pub mod ear;
mod ladder;
mod line;
mod manners;
pub mod mouth;
mod network;
mod outcome;
mod outlet;
mod phone;
pub mod program;
mod programs;
mod setup;
mod tapes;
mod told;
mod wire;
mod world;

pub use self::ladder::Ladder;
pub use self::manners::{Codecs, Manners, Moment, Reply};
pub use self::network::{Datagram, Network, Weather};
pub use self::phone::Phone;
pub use self::program::Program;
pub use self::programs::Programs;
pub use self::tapes::{Recorded, Tapes};
pub use self::told::simulate;
pub use self::world::{World, ms, secs};
