//! One call, from the caller's INVITE to its record.

mod effect;
mod facts;

pub use self::effect::{Effect, Event, Leg, Offer, TapeEvent};
pub use self::facts::Facts;
