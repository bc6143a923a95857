//! What must hold of any octets at all: one function for each fuzz target, used by the targets in
//! `fuzz_targets/` and, over the corpora, by the plain test run (`tests/it/replay.rs`).
//! Each panics when something does not hold.

mod differential;
mod message;
mod stream;
mod uri;

pub use self::differential::differential;
pub use self::message::message;
pub use self::stream::stream;
pub use self::uri::uri;
