//! The few messages the table writes itself, and where responses go.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

use crate::sip::{self, Hop, Message, Method, Name, Transport, Write};

/// The port a sent-by without one means (RFC 3261 section 18.2.2).
const SIP_PORT: u16 = 5060;
/// Seconds until an INVITE we have no room for may be tried again.
const RETRY_AFTER: u32 = 5;

/// Where the response to a request goes (RFC 3261 section 18.2.2, RFC 3581 section 4): back on its
/// connection; over UDP to its source if it asks for that by `rport` or shows itself to be behind a
/// NAT, else to its source's address at the port it listens on. `maddr` is not honoured: it would
/// send our answers to whomever the request likes.
pub fn reply_to(request: &Message, from: Hop) -> Hop {
    if from.transport != Transport::Udp {
        return from;
    }
    let via = request.top_via();
    let text = std::str::from_utf8(via.host).unwrap_or_default();
    let sent_by = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    let translated = sent_by.is_some_and(|it| it != from.remote.ip());
    if via.rport.is_some() || translated {
        return from;
    }
    let port = via.port.unwrap_or(SIP_PORT);
    Hop { remote: SocketAddr::new(from.remote.ip(), port), ..from }
}

/// Where a response goes whose connection is gone (RFC 3261 section 18.2.2): by a new one to the
/// address the request came from, at the port that its Via says.
pub fn answer_anew(response: &Message, gone: Hop) -> Hop {
    let port = response.top_via().port.unwrap_or(SIP_PORT);
    Hop { remote: SocketAddr::new(gone.remote.ip(), port), connection: None, ..gone }
}

/// The 100 that stops the caller's resends (RFC 3261 section 17.2.1).
pub fn trying(request: &Message, from: Hop) -> Bytes {
    Write::response_from(request, 100, from.remote).finish()
}

/// A final answer that needs no transaction.
pub fn answer(request: &Message, status: u16, tag: &str, from: Hop) -> Bytes {
    let answer = Write::response_from(request, status, from.remote).to_tag(tag);
    match status {
        503 => answer.header(Name::RetryAfter, RETRY_AFTER).finish(),
        _ => answer.finish(),
    }
}

/// Acknowledges a refusal of an INVITE of ours (RFC 3261 section 17.1.1.3).
pub fn ack(invite: &Bytes, refusal: &Message) -> Option<Bytes> {
    let invite = sip::parse(invite.clone()).ok()?;
    let ack = Write::request(&Method::Ack, &invite.uri().ok()?)
        .copy(Name::Via, &invite)
        .header(Name::MaxForwards, 70_u32)
        .copy(Name::Route, &invite)
        .copy(Name::From, &invite)
        .copy(Name::To, refusal)
        .copy(Name::CallId, &invite)
        .header(Name::CSeq, (invite.cseq(), &Method::Ack));
    Some(ack.finish())
}

/// The To tag of a response of ours.
pub fn to_tag(response: &Bytes) -> Option<String> {
    let response = sip::parse(response.clone()).ok()?;
    let tag = std::str::from_utf8(response.to_tag()).ok()?;
    (!tag.is_empty()).then(|| tag.to_owned())
}
