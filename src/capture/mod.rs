//! The SIP messages of each call, kept for whoever asks why it went as it did.
//!
//! ```text
//!   Caught (message, dialog, end of call) --> Book: a Ring for each call --> Captured
//!   Captured --> ladder, JSON, pcap; each message --> HEP3, as it comes
//! ```
//! [`Book`] finds a message's call by its Call-ID, of which the exchange says once whose it is. A
//! [`Ring`] keeps so much of a call and no more: how it began, and how it ended. What leaves this
//! room has no credentials, keys or digits in it ([`redacted`]). It is fed by a thread that calls
//! do not wait for, and written by `store`.

mod book;
mod hep;
mod pcap;
mod redact;
mod ring;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use self::book::{Book, Kept, Want};
pub use self::hep::hep;
pub use self::pcap::pcap;
pub use self::redact::redacted;
pub use self::ring::{Limits, Ring};
use crate::clock::Wall;
use crate::sip::{Hop, Transport};

/// What is to be remembered of one moment.
#[derive(Clone, Debug, PartialEq)]
pub enum Caught {
    /// A dialog with this Call-ID is the call's.
    Dialog { call: Arc<str>, call_id: Bytes },
    /// We were sent this.
    Heard { at: Wall, bytes: Bytes, hop: Hop },
    /// We sent this.
    Said { at: Wall, bytes: Bytes, hop: Hop },
    /// The call is over; what is still said in it comes within seconds.
    Over { call: Arc<str>, failed: bool },
}

/// A SIP message, and who sent it to whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    pub at: Wall,
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub transport: Transport,
    /// We were sent it; else we sent it.
    pub heard: bool,
    #[serde(rename = "text", with = "text")]
    pub bytes: Bytes,
}

/// A call's messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captured {
    pub call: Arc<str>,
    /// How many were left out, in the middle, for there were too many.
    #[serde(default)]
    pub left_out: u64,
    pub messages: Vec<Message>,
}

/// Bytes as text where they are text, which SIP is; else in base64 behind a NUL, which no text has.
mod text {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &Bytes, to: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(bytes) {
            Ok(text) if !text.starts_with('\0') => to.serialize_str(text),
            _ => to.serialize_str(&format!("\0{}", BASE64_STANDARD.encode(bytes))),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        let text = String::deserialize(from)?;
        match text.strip_prefix('\0') {
            Some(coded) => match BASE64_STANDARD.decode(coded) {
                Ok(bytes) => Ok(bytes.into()),
                Err(error) => Err(serde::de::Error::custom(error)),
            },
            None => Ok(text.into_bytes().into()),
        }
    }
}

#[cfg(test)]
mod tests;
