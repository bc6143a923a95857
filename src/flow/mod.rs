//! What happens next to a caller. Pure: the same facts always give the same answer.
//!
//! `call` asks in this order: [`enter`] when the INVITE comes, [`plan`] when a `Dial` route is
//! entered, [`briefing`] when a destination answers, [`recorded`] and [`longest_talk`] when it is
//! connected, [`outcome`] when it refuses, [`after_dial`] when the whole fork has failed, and
//! [`refusal`] when nothing is left but to refuse the caller. Precedence is PRODUCT section 12.

mod briefing;
mod enter;
pub mod explain;
mod fork;
mod identity;
mod outcome;
mod recording;

pub use self::briefing::{Briefing, Step, VOICE_WAIT_MAX, briefing, whisper};
pub use self::enter::{Entry, RETRY_AFTER, ROUTE_STEPS_MAX, ROUTE_UNANSWERED_MAX, enter};
pub use self::enter::{fail_safe, may_go_on};
pub use self::explain::explain;
pub use self::fork::{Draw, Left, Plan, Ring, When, Why, plan, relays_early_media};
pub use self::identity::identity;
pub use self::outcome::{after_dial, fork_outcome, outcome, q850, refusal, tries_elsewhere};
pub use self::recording::{Limit, Unrecorded, WARNING, longest_talk, recorded, recording_notice};

#[cfg(test)]
mod tests;
