//! Conversations with programs: virtual agents, over a WebSocket (PRODUCT section 9).
//!
//! The words are those of *Twilio Media Streams*, bidirectional, so that programs written for it
//! work: JSON text messages, voice as base64 of mu-law at 8 kHz, 20 ms a message.
//!
//! ```text
//!   us: connected, start                      | it: media (any length), mark, clear
//!       media (20 ms), dtmf, mark, .., stop   |     dtmf, route, hangup, stop   <- ours
//! ```
//! [`Conversation`] is one of them as a value: messages, frames and time go in; messages, orders
//! for media and news for the call come out. It holds the program to its limits. Connecting, TLS
//! and the framing of RFC 6455 are the shell's; where the call goes then is the call's.

mod budget;
mod conversation;
mod words;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use self::conversation::{Conversation, MESSAGE_MAX, STALLED, Want};
use crate::audio::Digit;
use crate::model::VirtualAgent;

/// What a call wants of a program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Order {
    /// Reach it. [`Told`] says what becomes of that.
    Open(Box<Opening>),
    /// The caller hears it from now on.
    Begin,
    /// The caller pressed a key.
    Key(Digit),
    /// Take leave of it. Harmless when it is gone.
    Close,
}

/// A conversation about to begin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Opening {
    pub agent: Arc<VirtualAgent>,
    pub call: Arc<str>,
    /// Counted from 1 in the call.
    pub number: u8,
    pub caller: String,
    pub dialled: Arc<str>,
    /// It broke off and goes on: the same stream, a new connection.
    pub resumed: bool,
}

/// What a call is told of its program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// It is there, and waits for [`Order::Begin`].
    Opened,
    /// It hands the call to one of its routes.
    Route(Arc<str>),
    /// It hangs up on the caller.
    HangUp,
    /// It ended the conversation in good order.
    Closed,
    /// It is not there, or is there no more; the last thing that is told.
    Lost(Fault),
}

/// Why a program is not talked with any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// No connection, or no WebSocket at its other end.
    Unreachable,
    /// We hold as many conversations as we may.
    Full,
    /// The connection broke.
    Broken,
    /// No sign of life, although it was asked for one each second.
    Stalled,
    /// It said what nobody understands.
    Nonsense,
    /// A message longer than may be.
    TooLong,
    /// More messages, or more sound ahead of time, than may be.
    Flood,
    /// It named a route that it does not have.
    UnknownRoute,
    /// The caller speaks no G.711.
    Codec,
}

impl Fault {
    /// Whether trying again may help: the program did nothing wrong.
    pub fn may_pass(self) -> bool {
        self == Self::Broken
    }

    /// As records and events say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Full => "too_many_streams",
            Self::Broken => "connection_lost",
            Self::Stalled => "stalled",
            Self::Nonsense => "nonsense",
            Self::TooLong => "message_too_long",
            Self::Flood => "flood",
            Self::UnknownRoute => "unknown_route",
            Self::Codec => "no_common_codec",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests;
