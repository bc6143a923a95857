//! The session description in a message: its body, or the part of a multipart body that is one
//! (RFC 5621; carriers that speak ISUP send both).

use bytes::Bytes;

use crate::sip::{Message, Name};

/// More parts than any real message has.
const MAX_PARTS: usize = 8;

/// The description, if the message holds one. A body without a type counts if it looks like one.
pub fn sdp(message: &Message) -> Option<Bytes> {
    let body = message.body();
    if body.is_empty() {
        return None;
    }
    let Some(kind) = message.header(Name::ContentType) else {
        return body.starts_with(b"v=0").then_some(body);
    };
    let (media_type, params) = split_type(&kind);
    if media_type.eq_ignore_ascii_case(b"application/sdp") {
        return Some(body);
    }
    if !starts_with_ignore_case(media_type, b"multipart/") {
        return None;
    }
    part(&body, &boundary(params)?)
}

/// Whether the body is a description or has one inside, or is a kind we may ignore.
pub(super) fn holds_sdp(message: &Message) -> bool {
    sdp(message).is_some() || optional(message)
}

/// Content-Disposition says that the body need not be understood (RFC 3261 section 20.11).
fn optional(message: &Message) -> bool {
    message
        .header(Name::ContentDisposition)
        .is_some_and(|it| it.to_ascii_lowercase().windows(17).any(|it| it == b"handling=optional"))
}

/// The bare type of a body, in lower case: `application/dtmf-relay`.
pub(super) fn media_type(message: &Message) -> Option<Vec<u8>> {
    message.header(Name::ContentType).map(|it| split_type(&it).0.to_ascii_lowercase())
}

fn split_type(value: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr::memchr(b';', value).unwrap_or(value.len());
    let (media_type, params) = value.split_at(end);
    (media_type.trim_ascii(), params)
}

fn boundary(params: &[u8]) -> Option<Vec<u8>> {
    let value = params.split(|it| *it == b';').find_map(|it| {
        let it = it.trim_ascii();
        let equals = memchr::memchr(b'=', it)?;
        let (name, value) = it.split_at(equals);
        name.trim_ascii().eq_ignore_ascii_case(b"boundary").then(|| value[1..].trim_ascii())
    })?;
    let value = value.strip_prefix(b"\"").and_then(|it| it.strip_suffix(b"\"")).unwrap_or(value);
    let mut line = b"--".to_vec();
    line.extend_from_slice(value);
    // RFC 2046 section 5.1.1: 1 to 70 characters.
    (3..=72).contains(&line.len()).then_some(line)
}

/// The first part that is a description.
fn part(body: &Bytes, boundary: &[u8]) -> Option<Bytes> {
    let mut starts = memchr::memmem::find_iter(body, boundary).take(MAX_PARTS + 1);
    let mut from = starts.next()? + boundary.len();
    for next in starts {
        let found = body.slice(from..next);
        if let Some(content) = content(&found) {
            return Some(content);
        }
        from = next + boundary.len();
    }
    None
}

/// A part's content without its own head, if the head says it is a description.
fn content(part: &Bytes) -> Option<Bytes> {
    let (blank, width) = match memchr::memmem::find(part, b"\r\n\r\n") {
        Some(at) => (at, 4),
        None => (memchr::memmem::find(part, b"\n\n")?, 2),
    };
    let sdp = part[..blank].split(|it| *it == b'\n').any(|line| {
        let line = line.to_ascii_lowercase();
        let colon = memchr::memchr(b':', &line);
        colon.is_some_and(|at| {
            line[..at].trim_ascii() == b"content-type"
                && split_type(&line[at + 1..]).0 == b"application/sdp"
        })
    });
    sdp.then(|| part.slice(blank + width..))
}

fn starts_with_ignore_case(text: &[u8], start: &[u8]) -> bool {
    text.get(..start.len()).is_some_and(|it| it.eq_ignore_ascii_case(start))
}
