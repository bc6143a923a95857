//! What each leg hears.
//!
//! The media plane of one worker as a value: orders, packets and time go in; packets, reports and
//! recorded sound come out. [`Plane`] knows ports and sessions and routes between them; a session
//! is one leg's two streams; a player is what it hears when it hears no other leg; a tape is a
//! recording; a stream joins a leg with a program. Sockets, threads and files are the shell's, signalling is the switch's.

mod clips;
mod latch;
mod order;
mod outlet;
mod plane;
mod player;
mod ports;
mod script;
mod session;
mod slots;
mod stream;
mod tape;

use std::time::Duration;

pub use self::order::{
    Codec, CodecKind, Keys, Latch, Order, Quality, Remote, Report, Say, SessionId, TapeId, Unheard,
};
pub use self::outlet::{Channel, Hop, Outlet};
pub use self::plane::{Config, Plane};
pub use self::ports::{Limits, PortId, Ports};
pub use self::stream::Strand;
pub use self::tape::Reel;

/// What a playing session does each time.
const TICK: Duration = Duration::from_millis(20);
/// Samples of 8 kHz in a tick.
const FRAME: usize = 160;

type Samples = [i16; FRAME];
