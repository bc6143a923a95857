//! What happens next to a caller. Pure: the same facts always give the same answer.
//!
//! `call` asks in this order: [`enter`] when the INVITE comes, [`plan`] when a `Dial` route is
//! entered, [`briefing`] when a destination answers, [`recorded`] and [`longest_talk`] when it is
//! connected, [`outcome`] when it refuses, [`after_dial`] when the whole fork has failed, [`smart`]
//! and [`geo`] when a router is entered, [`refusal`] when nothing is left but to refuse the caller,
//! and [`tags`] when all is over. Precedence is PRODUCT section 12.

mod agent;
mod briefing;
mod enter;
pub mod explain;
mod fork;
mod geo;
mod identity;
mod outcome;
mod places;
mod reach;
mod recording;
mod smart;
mod tags;

pub use self::agent::destinations;
pub use self::briefing::{Briefing, Step, VOICE_WAIT_MAX, briefing, whisper};
pub use self::enter::{Entry, RETRY_AFTER, ROUTE_STEPS_MAX, ROUTE_UNANSWERED_MAX, enter};
pub use self::enter::{fail_safe, may_go_on};
pub use self::explain::explain;
pub use self::fork::{Draw, Left, Plan, Ring, When, Why, plan, plan_agent, relays_early_media};
pub use self::geo::{By, Lead, geo};
pub use self::identity::identity;
pub use self::outcome::{after_dial, fork_outcome, outcome, q850, refusal};
pub use self::places::{Place, area_code, is_zip, place, states, zip_of};
pub use self::reach::{
    Barred, Ledger, Reach, Spent, may_spend, phones_of, plan_one, reach, shown, vouched,
};
pub use self::recording::{Limit, Unrecorded, WARNING};
pub use self::recording::{longest_talk, may_record, recorded, recording_notice};
pub use self::smart::{Choice, Known, holds, smart};
pub use self::tags::tags;

#[cfg(test)]
mod tests;
