//! SIP messages: bytes to values and back (RFC 3261 sections 7 and 25).
//!
//! [`parse`] indexes one head over its `Bytes` without copying it: a [`Message`] keeps every byte
//! it was given, known or not, UTF-8 or not. Typed values are read on demand. [`Write`] is the one
//! place where SIP text is made, from values that cannot carry a line break.
//!
//! Left to others: which request deserves which answer beyond syntax (`dialog`), who resends
//! (`transaction`), who may send (`peer`).

pub mod digest;
pub mod framer;
mod grammar;
mod hop;
mod index;
mod message;
mod method;
mod name;
mod name_addr;
pub mod rsip_types;
mod typed;
mod uri;
mod values;
mod via;
mod write;

pub use self::hop::{Hop, Transport};
pub use self::index::{HEADERS_MAX, MESSAGE_MAX, parse};
pub use self::message::{Error, Message};
pub use self::method::Method;
pub use self::name::Name;
pub use self::name_addr::{ContactValue, NameAddr};
pub use self::uri::{Host, Scheme, Uri};
pub use self::values::{RAck, Reason, Refresher, SessionExpires};
pub use self::via::Via;
pub use self::write::{Put, Value, Write, phrase};

/// A value that does not follow its grammar: what was being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "malformed {}", self.0)
    }
}

impl std::error::Error for Malformed {}
