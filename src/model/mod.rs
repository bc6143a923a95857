//! The words of the trade, as the people who set up call tracking use them (PRODUCT nouns), and
//! the [`Directory`]: all of them, indexed and immutable.
//!
//! One file a noun. Values are checked at the door (`Extension::from_str`, `Phone::parse`); there
//! is no `validate` later. Reading them from a file is `config`'s; deciding with them is `flow`'s.

mod account;
mod caller_id;
pub mod directory;
pub mod event;
pub mod extension;
pub mod phone;
mod prompt;
mod receiving_number;
pub mod record;
mod route;
pub mod schedule;
mod settings;
mod tracking_number;
pub mod trunk;

pub use self::account::{Account, Secret};
pub use self::caller_id::{Caller, CallerId, CallerNumber, Identity};
pub use self::directory::Directory;
pub use self::extension::Extension;
pub use self::phone::Phone;
pub use self::prompt::{Prompt, PromptSource, Whisper};
pub use self::receiving_number::{
    AcceptBy, Credentials, Endpoint, EnhancedForwarding, KeysBy, NoAnswer, ReceivingNumber,
};
pub use self::route::{Dial, Order, Route, Stage};
pub use self::schedule::Schedule;
pub use self::settings::{BlockList, CallSettings, EarlyMedia, RingbackBy};
pub use self::tracking_number::TrackingNumber;
pub use self::trunk::{CallerIdHeaders, Reliable, SessionTimers, Trunk};
