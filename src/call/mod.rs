//! One call, from the caller's INVITE to its record.

mod effect;

pub use self::effect::{Effect, Event, Leg, Offer, TapeEvent};
