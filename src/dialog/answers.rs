//! Refusals and other ready answers, each with the headers its RFC asks for.

use std::net::SocketAddr;

use bytes::Bytes;

use super::head::{ACCEPT, ACCEPT_SDP, Lines, add, allow, own, safe, supported};
use crate::sip::{Message, Name, Value, Write};

/// An answer, ready to be written to a request.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    lines: Lines,
    /// Record-Route goes back to the caller as it came.
    routed: bool,
}

impl Answer {
    pub fn new(status: u16) -> Self {
        Self { status, lines: Lines::new(), routed: false }
    }

    pub fn with(mut self, name: Name, value: impl Into<Bytes>) -> Self {
        self.lines.push((name, own(value)));
        self
    }

    /// With what we call ourselves (RFC 3261 section 20.35).
    pub fn by(self, software: Value) -> Self {
        self.line(Name::Server, software)
    }

    /// 400, with what is wrong with the request as Warning 399.
    pub fn bad_request(why: &str) -> Self {
        Self::new(400).warning(399, why)
    }

    /// 405 (RFC 3261 section 8.2.1).
    pub fn method_not_allowed() -> Self {
        Self::new(405).with(Name::Allow, allow())
    }

    /// 413 for a body, 513 for a whole message, longer than we take.
    pub fn too_large(whole: bool) -> Self {
        Self::new(if whole { 513 } else { 413 })
    }

    /// 415 (RFC 3261 section 8.2.3); `invite` tells which bodies would do.
    pub fn unsupported_media(invite: bool) -> Self {
        let accept = if invite { ACCEPT_SDP } else { ACCEPT };
        Self::new(415).with(Name::Accept, accept).with(Name::AcceptEncoding, "identity")
    }

    /// 416 (RFC 3261 section 8.2.2.1).
    pub fn unsupported_scheme() -> Self {
        Self::new(416)
    }

    /// 420 with what we do not know (RFC 3261 section 8.2.2.3).
    pub fn bad_extension(unsupported: impl AsRef<[u8]>) -> Self {
        Self::new(420).line(Name::Unsupported, safe(unsupported))
    }

    /// 421 with what we insist on (RFC 3261 section 21.4.15).
    pub fn extension_required(tag: &str) -> Self {
        Self::new(421).line(Name::Require, safe(tag))
    }

    /// 422 with the shortest interval we take (RFC 4028 section 6).
    pub fn interval_too_small(least: u32) -> Self {
        Self::new(422).with(Name::MinSE, least.to_string())
    }

    /// 469 (RFC 6086 section 4.2.2): no INFO package is understood.
    pub fn bad_info_package() -> Self {
        Self::new(469).with(Name::Other("Recv-Info"), "")
    }

    /// 481 (RFC 3261 section 12.2.2).
    pub fn no_such_dialog() -> Self {
        Self::new(481)
    }

    /// 483 (RFC 3261 section 16.3).
    pub fn too_many_hops() -> Self {
        Self::new(483)
    }

    /// 487 for the INVITE that was cancelled (RFC 3261 section 9.2).
    pub fn terminated() -> Self {
        Self::new(487)
    }

    /// 488 with Warning 305 (RFC 3261 section 20.43).
    pub fn not_acceptable(why: &str) -> Self {
        Self::new(488).warning(305, why)
    }

    /// 489 (RFC 6665 section 4.2.1): no event package is known.
    pub fn bad_event() -> Self {
        Self::new(489)
    }

    /// 491 (RFC 3261 section 14.2).
    pub fn pending() -> Self {
        Self::new(491)
    }

    /// 500 for a CSeq out of order (RFC 3261 section 12.2.2).
    pub fn out_of_order() -> Self {
        Self::new(500)
    }

    /// 500 with Retry-After 0-10 s, while an earlier request waits (RFC 3261 section 14.2).
    pub fn busy_with_offer(random: u64) -> Self {
        Self::new(500).with(Name::RetryAfter, (random % 11).to_string())
    }

    /// 501 (RFC 3261 section 8.2.1).
    pub fn not_implemented() -> Self {
        Self::new(501).with(Name::Allow, allow())
    }

    /// 603 to a REFER that we do not follow (RFC 3515 section 2.4.2).
    pub fn declined() -> Self {
        Self::new(603)
    }

    /// 200 to OPTIONS, in a dialog and outside (RFC 3261 section 11.2).
    pub fn options() -> Self {
        Self::new(200)
            .with(Name::Allow, allow())
            .with(Name::Accept, ACCEPT)
            .with(Name::AcceptEncoding, "identity")
            .with(Name::Supported, supported())
    }

    pub(super) fn warning(self, code: u16, why: &str) -> Self {
        let why: String = why.chars().filter(|it| !matches!(it, '"' | '\\')).collect();
        self.with(Name::Warning, format!("{code} crosspoint \"{why}\""))
    }

    pub(super) fn line(mut self, name: Name, value: Value) -> Self {
        self.lines.push((name, value));
        self
    }

    pub(super) fn lines(mut self, lines: Lines) -> Self {
        self.lines.extend(lines);
        self
    }

    /// With the request's Record-Route: the answer makes a dialog (RFC 3261 section 12.1.1).
    pub(super) fn recording_route(mut self) -> Self {
        self.routed = true;
        self
    }

    /// The whole response. `tag` becomes the To tag if the request has none; `source` is where the
    /// request came from (RFC 3581).
    pub fn to(&self, request: &Message, tag: &str, source: SocketAddr) -> Bytes {
        self.begin(request, tag, source).finish()
    }

    /// The same with a session description.
    pub(super) fn described(
        &self,
        request: &Message,
        tag: &str,
        source: SocketAddr,
        sdp: Option<&Bytes>,
    ) -> Bytes {
        let write = self.begin(request, tag, source);
        match sdp {
            Some(sdp) => write.body(super::head::SDP, sdp),
            None => write.finish(),
        }
    }

    fn begin(&self, request: &Message, tag: &str, source: SocketAddr) -> Write {
        let write = Write::response_from(request, self.status, source);
        let write = if request.to_tag().is_empty() { write.to_tag(tag) } else { write };
        let write = if self.routed { write.copy(Name::RecordRoute, request) } else { write };
        add(write, &self.lines)
    }
}
