//! A session description as somebody else wrote it (RFC 8866), read leniently.
//!
//! Line ends may be CRLF, LF or CR; `s=` and `t=` may be missing; what we make nothing of is kept
//! in `rest`. What we act on is checked: ports, payload types, clocks, addresses. Nothing is copied:
//! a description borrows the body it was read from.

use std::net::IpAddr;

use super::codec::{self, Encoding, is_token};
use super::{Direction, Error};

/// Octets of a body, at most.
pub const BYTES: usize = 32 * 1024;
/// Lines of a body, at most.
pub const LINES: usize = 1000;
/// `m=` lines, at most.
pub const STREAMS: usize = 32;
/// Formats on one `m=` line, at most.
pub const FORMATS: usize = 64;

/// A whole description.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description<'a> {
    /// The value of `o=`, as it stands.
    pub origin: Option<&'a str>,
    pub connection: Option<Connection<'a>>,
    pub direction: Option<Direction>,
    pub media: Vec<Media<'a>>,
    /// Session-level lines we make nothing of, in order.
    pub rest: Vec<Line<'a>>,
}

/// One stream: an `m=` line and what follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Media<'a> {
    /// `audio`, `video`, ..
    pub kind: &'a str,
    /// 0 when the stream is refused or off.
    pub port: u16,
    /// `RTP/AVP`, ..
    pub protocol: &'a str,
    /// As they stand, at least one.
    pub formats: Vec<&'a str>,
    pub connection: Option<Connection<'a>>,
    /// RFC 3605: where RTCP goes, if not next to RTP.
    pub rtcp: Option<(u16, Option<Connection<'a>>)>,
    pub direction: Option<Direction>,
    /// Milliseconds.
    pub ptime: Option<u16>,
    /// Milliseconds.
    pub max_ptime: Option<u16>,
    rtpmaps: Vec<(u8, Encoding<'a>)>,
    fmtps: Vec<(u8, &'a str)>,
    /// Lines we make nothing of, in order.
    pub rest: Vec<Line<'a>>,
}

/// The address of a `c=` line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection<'a> {
    /// A unicast address.
    Address(IpAddr),
    /// `0.0.0.0` or `::`: send nothing (RFC 3264 section 8.4).
    Nowhere,
    /// A name, a multicast address, another network: nothing we send to.
    Unusable(&'a str),
}

/// A line as it stands; not always UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    pub kind: u8,
    pub value: &'a [u8],
}

/// One RTP format of a stream, with what is said about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload<'a> {
    pub payload_type: u8,
    pub encoding: Encoding<'a>,
    pub fmtp: Option<&'a str>,
}

/// Reads a body.
pub fn parse(body: &[u8]) -> Result<Description<'_>, Error> {
    if BYTES < body.len() {
        return Err(Error::TooMuch("octets"));
    }
    let mut description = Description::default();
    let lines =
        body.split(|it| matches!(it, b'\r' | b'\n')).filter(|it| !it.trim_ascii().is_empty());
    for (n, line) in lines.enumerate() {
        let at = n + 1;
        if LINES < at {
            return Err(Error::TooMuch("lines"));
        }
        if line.iter().any(|it| it.is_ascii_control() && *it != b'\t') {
            return Err(Error::Malformed { line: at, why: "a control character" });
        }
        let Some((kind, value)) = split(line) else {
            if at == 1 {
                return Err(Error::Malformed { line: at, why: "not a session description" });
            }
            continue;
        };
        match (at, kind) {
            (1, b'v') if value == b"0" => (),
            (1, _) => return Err(Error::Malformed { line: at, why: "v=0 expected" }),
            _ => description.take(Line { kind, value }).map_err(|why| why.at(at))?,
        }
    }
    if body.trim_ascii().is_empty() {
        return Err(Error::Malformed { line: 1, why: "empty" });
    }
    Ok(description)
}

/// Why a line cannot be taken.
enum Wrong {
    TooMuch(&'static str),
    Malformed(&'static str),
}

impl Wrong {
    fn at(self, line: usize) -> Error {
        match self {
            Self::TooMuch(what) => Error::TooMuch(what),
            Self::Malformed(why) => Error::Malformed { line, why },
        }
    }
}

/// `x=value`, with the value trimmed.
fn split(line: &[u8]) -> Option<(u8, &[u8])> {
    match line.trim_ascii() {
        [kind, b'=', value @ ..] if kind.is_ascii_alphabetic() => {
            Some((kind.to_ascii_lowercase(), value.trim_ascii()))
        }
        _ => None,
    }
}

impl<'a> Description<'a> {
    /// Where a stream is received: its own `c=`, or the session's.
    pub fn connection_of(&self, media: &Media<'a>) -> Option<Connection<'a>> {
        media.connection.or(self.connection)
    }

    /// Which way a stream flows, seen from its writer; both ways if nothing is said.
    pub fn direction_of(&self, media: &Media<'a>) -> Direction {
        media.direction.or(self.direction).unwrap_or_default()
    }

    fn take(&mut self, line: Line<'a>) -> Result<(), Wrong> {
        let text = std::str::from_utf8(line.value).ok();
        if line.kind == b'm' {
            if self.media.len() == STREAMS {
                return Err(Wrong::TooMuch("streams"));
            }
            let text = text.ok_or(Wrong::Malformed("not UTF-8"))?;
            self.media.push(Media::parse(text)?);
            return Ok(());
        }
        let taken = match self.media.last_mut() {
            Some(media) => text.is_some_and(|text| media.take(line.kind, text)),
            None => text.is_some_and(|text| self.take_own(line.kind, text)),
        };
        if !taken {
            self.media.last_mut().map_or(&mut self.rest, |it| &mut it.rest).push(line);
        }
        Ok(())
    }

    /// A line before the first stream; `false` if we make nothing of it.
    fn take_own(&mut self, kind: u8, value: &'a str) -> bool {
        match kind {
            b'o' if self.origin.is_none() => self.origin = Some(value),
            b'c' if self.connection.is_none() => self.connection = Some(Connection::parse(value)),
            b'a' => match Direction::parse(value) {
                Some(direction) => self.direction = Some(direction),
                None => return false,
            },
            _ => return false,
        }
        true
    }
}

impl<'a> Media<'a> {
    fn parse(value: &'a str) -> Result<Self, Wrong> {
        let mut words = value.split_ascii_whitespace();
        let kind = words.next().filter(|it| is_token(it)).ok_or(Wrong::Malformed("m= kind"))?;
        let port = words.next().ok_or(Wrong::Malformed("m= port"))?;
        let port = port.split_once('/').map_or(port, |it| it.0);
        let digits = port.bytes().all(|it| it.is_ascii_digit());
        let port = port.parse().ok().filter(|_| digits).ok_or(Wrong::Malformed("m= port"))?;
        let protocol = words
            .next()
            .filter(|it| it.split('/').all(is_token))
            .ok_or(Wrong::Malformed("m= protocol"))?;
        let mut formats = Vec::new();
        for it in words.filter(|it| is_token(it)) {
            if formats.len() == FORMATS {
                return Err(Wrong::TooMuch("formats"));
            }
            if !formats.contains(&it) {
                formats.push(it);
            }
        }
        if formats.is_empty() {
            return Err(Wrong::Malformed("m= without a format"));
        }
        Ok(Self {
            kind,
            port,
            protocol,
            formats,
            connection: None,
            rtcp: None,
            direction: None,
            ptime: None,
            max_ptime: None,
            rtpmaps: Vec::new(),
            fmtps: Vec::new(),
            rest: Vec::new(),
        })
    }

    pub fn is_audio(&self) -> bool {
        self.kind.eq_ignore_ascii_case("audio")
    }

    /// Plain RTP: the only profile spoken here.
    pub fn is_plain(&self) -> bool {
        self.protocol.eq_ignore_ascii_case("RTP/AVP")
    }

    /// The formats that are payload types with a known meaning, in the writer's order. A static
    /// payload type needs no `a=rtpmap`, and none changes it.
    pub fn payloads(&self) -> impl Iterator<Item = Payload<'a>> {
        self.formats.iter().filter_map(|it| {
            let payload_type = payload_type(it)?;
            let mapped = || self.rtpmaps.iter().find(|it| it.0 == payload_type).map(|it| it.1);
            let encoding = codec::fixed(payload_type).or_else(mapped)?;
            let fmtp = self.fmtps.iter().find(|it| it.0 == payload_type).map(|it| it.1);
            Some(Payload { payload_type, encoding, fmtp })
        })
    }

    /// A line of this stream; `false` if we make nothing of it.
    fn take(&mut self, kind: u8, value: &'a str) -> bool {
        match kind {
            b'c' if self.connection.is_none() => self.connection = Some(Connection::parse(value)),
            b'a' => {
                let (name, value) = value.split_once(':').unwrap_or((value, ""));
                return self.take_attribute(name.trim(), value.trim()).is_some();
            }
            _ => return false,
        }
        true
    }

    fn take_attribute(&mut self, name: &'a str, value: &'a str) -> Option<()> {
        const KNOWN: [&str; 5] = ["rtpmap", "fmtp", "ptime", "maxptime", "rtcp"];
        match KNOWN.into_iter().find(|it| it.eq_ignore_ascii_case(name)) {
            Some("rtpmap") => {
                let (number, encoding) = value.split_once([' ', '\t'])?;
                let it = (payload_type(number)?, Encoding::parse(encoding)?);
                (self.rtpmaps.len() < FORMATS).then(|| self.rtpmaps.push(it))?;
            }
            Some("fmtp") => {
                let (number, parameters) = value.split_once([' ', '\t'])?;
                let it = (payload_type(number)?, parameters.trim());
                (self.fmtps.len() < FORMATS).then(|| self.fmtps.push(it))?;
            }
            Some("ptime") => self.ptime = Some(milliseconds(value)?),
            Some("maxptime") => self.max_ptime = Some(milliseconds(value)?),
            Some("rtcp") => {
                let (port, connection) = value.split_once(' ').unwrap_or((value, ""));
                let connection = Some(connection.trim()).filter(|it| !it.is_empty());
                self.rtcp = Some((port.parse().ok()?, connection.map(Connection::parse)));
            }
            _ => self.direction = Some(Direction::parse(name).filter(|_| value.is_empty())?),
        }
        Some(())
    }
}

impl<'a> Connection<'a> {
    /// Reads `IN IP4 192.0.2.1`; a multicast address may carry a TTL.
    fn parse(value: &'a str) -> Self {
        let mut words = value.split_ascii_whitespace();
        let (network, _, address) = (words.next(), words.next(), words.next());
        let address = address
            .filter(|_| network.is_some_and(|it| it.eq_ignore_ascii_case("IN")))
            .and_then(|it| it.parse::<IpAddr>().ok());
        match address {
            Some(it) if it.is_unspecified() => Self::Nowhere,
            Some(it) if it.is_multicast() => Self::Unusable(value),
            Some(IpAddr::V4(it)) if it.is_broadcast() => Self::Unusable(value),
            Some(it) => Self::Address(it),
            None => Self::Unusable(value),
        }
    }
}

fn payload_type(text: &str) -> Option<u8> {
    text.parse().ok().filter(|it| *it <= codec::LAST && !text.starts_with('+'))
}

/// Some write `20.0`.
fn milliseconds(text: &str) -> Option<u16> {
    text.split('.').next()?.parse().ok()
}
