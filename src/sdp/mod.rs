//! Session descriptions and offer/answer for one audio stream (RFC 8866, RFC 3264, RFC 6337).
//!
//! [`Description`] reads what others wrote, leniently and within limits. [`CodecList`] is what a leg may
//! speak. [`Session`] is one leg's side of offer/answer and the only writer. [`Negotiated`] is what
//! came of it, for media. Which menu a leg gets, and when to offer, is the dialog's and the call's;
//! taking a description out of a multipart body is the dialog's.

mod codec;
mod codec_list;
mod description;
mod direction;
mod negotiated;
mod session;
#[cfg(test)]
mod tests;
mod write;

use std::fmt;

pub use self::codec::Encoding;
pub use self::codec_list::{CodecList, Offered, Order};
pub use self::description::{Connection, Description, Line, Media, Payload, parse};
pub use self::direction::Direction;
pub use self::negotiated::{Events, Negotiated, PayloadFormat};
pub use self::session::Session;

/// What was wrong with a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// More octets, lines, streams or formats than we read: which.
    TooMuch(&'static str),
    /// Not a session description: the line (from 1) and what is wrong with it.
    Malformed { line: usize, why: &'static str },
    /// Well-formed, but there is nothing in it we can do (488 Not Acceptable Here).
    NotAcceptable(&'static str),
    /// An answer to nothing: no offer was made.
    NoOffer,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMuch(what) => write!(f, "too many {what}"),
            Self::Malformed { line, why } => write!(f, "line {line}: {why}"),
            Self::NotAcceptable(why) => write!(f, "not acceptable: {why}"),
            Self::NoOffer => write!(f, "an answer without an offer"),
        }
    }
}

impl std::error::Error for Error {}
