//! Where records, events, recordings and registrations are kept, on a plain disk; and, from there,
//! in the [`database`], where they are found again.
//!
//! Nothing here is on a call's path: each keeper is a thread behind a bounded ring. A full or
//! stalled disk degrades what it keeps, says so in a metric and the log, and recovers.

mod away;
mod callers;
mod captures;
pub mod database;
mod journal;
pub mod objects;
pub mod prompts;
mod registrations;
pub mod sealed;
mod shelf;
pub mod sums;
mod tapes;

pub use self::away::Away;
pub use self::callers::{PastCall, past_callers};
pub use self::captures::{CaptureLimits, Captures, captured};
pub use self::journal::{Entry, Journal};
pub use self::registrations::Registrations;
pub use self::shelf::{Bits, Found, Heard, Shelf, Shelving, Sound};
pub use self::tapes::{TapeOrder, TapeReport, Tapes, repair_recordings};
