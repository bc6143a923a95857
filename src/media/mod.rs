//! What each leg hears.

mod order;

pub use self::order::{
    Codec, CodecKind, Keys, Latch, Order, Quality, Remote, Report, SessionId, TapeId,
};
