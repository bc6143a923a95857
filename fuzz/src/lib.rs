//! What must hold of any octets at all: one function for each fuzz target, used by the targets in
//! `fuzz_targets/` and, over the corpora, by the plain test run (`tests/it/replay.rs`).
//! Each panics when something does not hold.

mod config;
mod differential;
mod extension;
mod message;
mod rtcp;
mod rtp;
mod sdp;
mod stream;
mod switch;
mod uri;
mod words;

pub use self::config::config;
pub use self::differential::differential;
pub use self::extension::extension;
pub use self::message::message;
pub use self::rtcp::rtcp;
pub use self::rtp::rtp;
pub use self::sdp::sdp;
pub use self::stream::stream;
pub use self::switch::{steps, switch};
pub use self::uri::uri;
pub use self::words::words;
