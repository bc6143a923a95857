//! SIP messages: bytes to values and back (RFC 3261 sections 7, 25).

pub mod digest;
pub mod framer;
