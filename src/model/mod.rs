//! The words of the trade, as the people who set up call tracking use them (PRODUCT nouns), and
//! the [`Directory`]: all of them, indexed and immutable.
//!
//! One file a noun. Values are checked at the door (`Extension::from_str`, `Phone::parse`); there
//! is no `validate` later. Reading them from a file is `config`'s; deciding with them is `flow`'s.

mod account;
mod agent;
mod caller_id;
pub mod directory;
pub mod event;
pub mod extension;
pub mod phone;
pub mod prompt;
mod queue;
mod receiving_number;
pub mod record;
mod route;
mod router;
pub mod schedule;
mod settings;
mod tag_rule;
mod tracking_number;
pub mod trunk;
pub mod url;
mod virtual_agent;
mod voice_menu;
mod webhook;

pub use self::account::{Account, CallOut, Secret};
pub use self::agent::Agent;
pub use self::caller_id::{Caller, CallerId, CallerNumber, Identity};
pub use self::directory::Directory;
pub use self::extension::Extension;
pub use self::phone::Phone;
pub use self::prompt::{Prompt, PromptSource, Whisper};
pub use self::queue::{Distribution, Member, Queue, QueueEntry, QueueView, Who};
pub use self::receiving_number::{
    AcceptBy, Credentials, Endpoint, EnhancedForwarding, KeysBy, NoAnswer, ReceivingNumber,
    ScoreMenu,
};
pub use self::route::{Dial, Order, Route, Stage};
pub use self::router::{Condition, GeoRouter, HeaderText, QueueState, Rule, SmartRouter};
pub use self::schedule::Schedule;
pub use self::settings::{BlockList, CallSettings, EarlyMedia, Keep, RingbackBy};
pub use self::tag_rule::{TagCondition, TagRule};
pub use self::tracking_number::TrackingNumber;
pub use self::trunk::{CallerIdHeaders, Reliable, SessionTimers, Trunk};
pub use self::url::Url;
pub use self::virtual_agent::VirtualAgent;
pub use self::voice_menu::{Keys, VoiceMenu, VoicemailBox};
pub use self::webhook::{SigningSecret, Wanted, Webhook};
