//! From bytes to an indexed head: one pass, no allocation for up to 40 header lines.
//!
//! What RFC 3261 leaves no choice about is judged here: start line, framing of the body, headers
//! that must be there once and be readable. What a method or a body means is not.

use bytes::Bytes;
use memchr::{memchr, memchr2};
use smallvec::SmallVec;

use super::grammar::{decimal, element_end, is_lws, is_token, trim};
use super::message::{Essentials, Line, Span, Start};
use super::name::Code;
use super::values::cseq;
use super::{Error, Message, Method, Name, NameAddr, Uri, Via};

/// The longest message, as of UDP.
pub const MESSAGE_MAX: usize = 65_535;
/// The most header lines of one message.
pub const HEADERS_MAX: usize = 256;
/// The longest Request-URI.
const URI_MAX: usize = 4096;

/// The first thing wrong with a message: the status that says so, and why.
type Flaw = (u16, &'static str);

/// Reads one datagram, or one message cut from a stream. Octets after the body are dropped.
pub fn parse(bytes: Bytes) -> Result<Message, Error> {
    let skip = bytes.iter().take_while(|c| matches!(c, b'\r' | b'\n')).count();
    let bytes = if skip == 0 { bytes } else { bytes.slice(skip..) };
    if bytes.is_empty() || MESSAGE_MAX < bytes.len() {
        return Err(Error::Noise("empty or too long"));
    }
    let mut reader = Reader { at: 0, flaw: None, lone_cr: false, seen: 0, repeated: 0 };
    let start = reader.start_line(&bytes)?;
    let lines = reader.header_lines(&bytes);
    let empty = Span::default();
    let mut message = Message { bytes, start, lines, body: empty, key: Essentials::default() };
    if message.values(Name::Via).next().is_none() {
        return Err(Error::Noise("no Via"));
    }
    let found = [
        reader.flaw,
        reader.body(&mut message),
        essentials(&mut message),
        repeated(&message, reader.repeated),
    ];
    match found.into_iter().flatten().next() {
        None => Ok(message),
        Some((_, why)) if !message.is_request() => Err(Error::Noise(why)),
        Some((status, why)) => Err(Error::Refused { status, why, head: Box::new(message) }),
    }
}

struct Reader {
    at: usize,
    flaw: Option<Flaw>,
    /// Somewhere stands a CR without its LF.
    lone_cr: bool,
    /// Headers that stand at all, and those that stand twice: sets of [`Code::set`].
    seen: u64,
    repeated: u64,
}

impl Reader {
    fn flaw(&mut self, status: u16, why: &'static str) {
        self.flaw.get_or_insert((status, why));
    }

    /// The next line without its end; `None` at the end of the message.
    fn line(&mut self, bytes: &[u8]) -> Option<(usize, usize)> {
        let from = self.at;
        let mut end = from;
        loop {
            end += memchr2(b'\r', b'\n', bytes.get(end..)?)?;
            match bytes.get(end..end + 2) {
                Some(b"\r\n") => {
                    self.at = end + 2;
                    return Some((from, end));
                }
                _ if bytes[end] == b'\n' => {
                    self.flaw(400, "a line does not end in CRLF");
                    self.at = end + 1;
                    return Some((from, end));
                }
                _ => (self.lone_cr, end) = (true, end + 1),
            }
        }
    }

    fn start_line(&mut self, bytes: &Bytes) -> Result<Start, Error> {
        let (from, to) = self.line(bytes).ok_or(Error::Noise("no start line"))?;
        let line = &bytes[from..to];
        if line.get(..8).is_some_and(|it| it.eq_ignore_ascii_case(b"SIP/2.0 ")) {
            let code = line.get(8..11).and_then(decimal).filter(|it| (100..700).contains(it));
            let status = code.ok_or(Error::Noise("status"))? as u16;
            if !matches!(line.get(11), None | Some(b' ')) {
                return Err(Error::Noise("status"));
            }
            let reason = span((from + 12).min(to), to);
            return Ok(Start::Response { status, reason });
        }
        let method = line.iter().take_while(|c| is_token(**c)).count();
        let version = line.len() - line.iter().rev().take_while(|c| **c != b' ').count();
        if method == 0 || line.get(method) != Some(&b' ') || !is_version(&line[version..]) {
            // A request line with white space behind it can still be told from noise.
            let trimmed = trim(line);
            let word = trimmed.rsplit(|c| is_lws(*c)).next().unwrap_or_default();
            if method == 0 || !is_version(word) {
                return Err(Error::Noise("not SIP"));
            }
            self.flaw(400, "request line");
        }
        let uri =
            (method + 1).min(line.len())..version.saturating_sub(1).max(method + 1).min(line.len());
        let text = &line[uri.clone()];
        if !line[version..].eq_ignore_ascii_case(b"SIP/2.0") && is_version(&line[version..]) {
            self.flaw(505, "version");
        }
        if URI_MAX < text.len() {
            self.flaw(414, "Request-URI too long");
        } else if text.is_empty()
            || Uri::read(bytes.slice(from + uri.start..from + uri.end)).is_err()
        {
            self.flaw(400, "Request-URI");
        } else if has_headers(text) {
            // RFC 3261 section 19.1.1: headers are not allowed in a Request-URI.
            self.flaw(400, "headers in the Request-URI");
        }
        let name = &line[..method];
        let other = || Method::Other(bytes.slice(from..from + method));
        let method = Method::known(name).unwrap_or_else(other);
        Ok(Start::Request { method, uri: span(from + uri.start, from + uri.end) })
    }

    fn header_lines(&mut self, bytes: &[u8]) -> SmallVec<[Line; 40]> {
        let mut lines: SmallVec<[Line; 40]> = SmallVec::new();
        loop {
            let Some((from, mut to)) = self.line(bytes) else {
                self.flaw(400, "no empty line after the headers");
                self.at = bytes.len();
                return lines;
            };
            if from == to {
                return lines;
            }
            while matches!(bytes.get(self.at), Some(b' ' | b'\t')) {
                match self.line(bytes) {
                    Some((_, end)) => to = end,
                    None => break,
                }
            }
            if HEADERS_MAX <= lines.len() {
                self.flaw(400, "too many headers");
                continue;
            }
            match header_line(bytes, from, to, self.lone_cr) {
                Some(line) => {
                    self.repeated |= self.seen & line.code.set();
                    self.seen |= line.code.set();
                    lines.push(line);
                }
                None => self.flaw(400, "a header line without name and colon"),
            }
        }
    }

    /// Content-Length against what is there (RFC 3261 section 18.3).
    fn body(&self, message: &mut Message) -> Option<Flaw> {
        let rest = message.bytes.len() - self.at;
        let mut lengths = message.values(Name::ContentLength);
        let length = match (lengths.next(), lengths.next()) {
            (None, _) => rest,
            (Some(_), Some(_)) => return Some((400, "Content-Length twice")),
            (Some(text), None) => match decimal(text).map(|it| it as usize) {
                None => return Some((400, "Content-Length")),
                Some(length) if rest < length => {
                    return Some((400, "the body is shorter than Content-Length"));
                }
                Some(length) => length,
            },
        };
        drop(lengths);
        message.body = span(self.at, self.at + length);
        if length < rest {
            message.bytes.truncate(self.at + length);
        }
        None
    }
}

/// `Name : value` between two places.
fn header_line(bytes: &[u8], from: usize, to: usize, lone_cr: bool) -> Option<Line> {
    let text = bytes.get(from..to)?;
    let name = text.iter().take_while(|c| is_token(**c)).count();
    let gap = text[name..].iter().take_while(|c| matches!(c, b' ' | b'\t')).count();
    if name == 0 || text.get(name + gap) != Some(&b':') {
        return None;
    }
    let raw = text.get(name + gap + 1..)?;
    // A lone CR is no white space; nothing may smuggle one on.
    let lone = |n: usize| raw.get(n + 1) != Some(&b'\n');
    if lone_cr && memchr::memchr_iter(b'\r', raw).any(lone) {
        return None;
    }
    let value = trim(raw);
    let start = value.as_ptr() as usize - text.as_ptr() as usize + from;
    let start = if value.is_empty() { to } else { start };
    Some(Line {
        code: Code::of(&text[..name]),
        name: span(from, from + name),
        value: span(start, start + value.len()),
    })
}

/// The headers that every message must have once, and be able to read (RFC 3261 section 8.1.1).
/// All are looked at, whatever is wrong with the others: an answer needs what can be read.
fn essentials(message: &mut Message) -> Option<Flaw> {
    let mut key = Essentials::default();
    let flaws = [
        vias(message, &mut key.branch),
        tag(message, Name::From, &mut key.from_tag),
        tag(message, Name::To, &mut key.to_tag),
        call_id(message, &mut key.call_id),
        sequence(message, &mut key),
        numbers(message),
    ];
    message.key = key;
    flaws.into_iter().flatten().next()
}

/// Every Via must be readable, the commas between them too. The first one's branch is noted, even
/// if another is wrong.
fn vias(message: &Message, branch: &mut Span) -> Option<Flaw> {
    let mut first = true;
    for mut rest in message.values(Name::Via) {
        loop {
            let end = element_end(rest);
            let element = trim(&rest[..end]);
            let Some(via) = Via::read(element) else { return Some((400, "Via")) };
            if std::mem::take(&mut first) && !via.branch.is_empty() {
                *branch = message.span_of(via.branch);
            }
            match rest.get(end + 1..) {
                Some(after) => rest = after,
                None => break,
            }
        }
    }
    None
}

/// What a request may say once at most; which of two would count, another hop may see otherwise.
/// In responses the first is taken: a call that was answered is not lost over it.
fn repeated(message: &Message, repeated: u64) -> Option<Flaw> {
    const ONCE: [Name; 10] = [
        Name::ContentType,
        Name::Event,
        Name::Expires,
        Name::MaxForwards,
        Name::MinSE,
        Name::RAck,
        Name::ReferTo,
        Name::Replaces,
        Name::SessionExpires,
        Name::Timestamp,
    ];
    let twice = message.is_request() && ONCE.iter().any(|it| repeated & it.code().set() != 0);
    twice.then_some((400, "a header that may stand once is repeated"))
}

/// The only value of a header that must stand once.
fn once(message: &Message, name: Name) -> Result<&[u8], Flaw> {
    let mut values = message.values(name);
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value),
        (None, _) => Err((400, "a mandatory header is missing")),
        (Some(_), Some(_)) => Err((400, "a header that may stand once is repeated")),
    }
}

fn tag(message: &Message, name: Name, tag: &mut Span) -> Option<Flaw> {
    let value = match once(message, name) {
        Ok(value) => value,
        Err(flaw) => return Some(flaw),
    };
    match NameAddr::check(value) {
        Some(text) => *tag = message.span_of(text),
        None => return Some((400, name.as_str())),
    }
    None
}

fn call_id(message: &Message, call_id: &mut Span) -> Option<Flaw> {
    match once(message, Name::CallId) {
        Ok(value) if value.is_empty() || value.iter().any(|c| is_lws(*c)) => Some((400, "Call-ID")),
        Ok(value) => {
            *call_id = message.span_of(value);
            None
        }
        Err(flaw) => Some(flaw),
    }
}

fn sequence(message: &Message, key: &mut Essentials) -> Option<Flaw> {
    let value = match once(message, Name::CSeq) {
        Ok(value) => value,
        Err(flaw) => return Some(flaw),
    };
    let Some((number, method)) = cseq(value) else { return Some((400, "CSeq")) };
    key.cseq = number;
    match &message.start {
        Start::Request { method: Method::Other(name), .. } if **name != *method => {
            Some((501, "an unknown method that is not its CSeq's"))
        }
        Start::Request { method: own, .. } if own.as_bytes() != method => {
            Some((400, "the CSeq has another method"))
        }
        Start::Request { .. } => None,
        Start::Response { .. } => {
            let other = || Method::Other(message.bytes.slice_ref(method));
            key.cseq_method = Some(Method::known(method).unwrap_or_else(other));
            None
        }
    }
}

/// Max-Forwards has a range of its own (section 20.22). A number too large for Expires is no error:
/// whoever reads it takes it for the largest (section 20.19).
fn numbers(message: &Message) -> Option<Flaw> {
    let hops = message.values(Name::MaxForwards).next();
    if hops.is_some_and(|it| !matches!(decimal(it), Some(0..=255))) {
        return Some((400, "Max-Forwards"));
    }
    None
}

fn is_version(word: &[u8]) -> bool {
    let digits = |it: &[u8]| !it.is_empty() && it.iter().all(u8::is_ascii_digit);
    let number = word.get(4..).unwrap_or_default();
    word == b"SIP/2.0"
        || word.get(..4).is_some_and(|it| it.eq_ignore_ascii_case(b"SIP/"))
            && number.split(|c| *c == b'.').count() == 2
            && number.split(|c| *c == b'.').all(digits)
}

/// Whether a `?` follows the host of a SIP URI (in a user part it is only a character).
fn has_headers(uri: &[u8]) -> bool {
    let host = uri.iter().position(|c| *c == b'@').map_or(uri, |at| &uri[at..]);
    let sip = uri.get(..3).is_some_and(|it| it.eq_ignore_ascii_case(b"sip"));
    sip && memchr(b'?', host).is_some()
}

fn span(from: usize, to: usize) -> Span {
    Span { from: from as u16, to: to as u16 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: [&str; 6] = [
        "Via: SIP/2.0/UDP a;branch=z9hG4bK1",
        "From: <sip:a@x>;tag=1",
        "To: <sip:b@x>",
        "Call-ID: c",
        "CSeq: 1 OPTIONS",
        "Max-Forwards: 70",
    ];

    fn read(start: &str, lines: &[&str]) -> Result<Message, Error> {
        parse(Bytes::from(format!("{start}\r\n{}\r\n\r\n", lines.join("\r\n"))))
    }

    /// The answer to a request with these lines: 200 for a good one, 0 for silence.
    fn status(start: &str, lines: &[&str]) -> u16 {
        match read(start, lines) {
            Ok(_) => 200,
            Err(Error::Refused { status, .. }) => status,
            Err(Error::Noise(_)) => 0,
        }
    }

    /// The same with one line more, or another in place of the one of the same name.
    fn with(line: &str) -> u16 {
        let name = |it: &str| it.split(':').next().unwrap().to_owned();
        let others = REST.iter().copied().filter(|it| name(it) != name(line));
        status("OPTIONS sip:b@x SIP/2.0", &others.chain([line]).collect::<Vec<_>>())
    }

    #[test]
    fn every_mandatory_header_must_be_there_once() {
        assert_eq!(status("OPTIONS sip:b@x SIP/2.0", &REST), 200);
        for missing in &REST[1..5] {
            let lines: Vec<_> = REST.into_iter().filter(|it| it != missing).collect();
            assert_eq!(status("OPTIONS sip:b@x SIP/2.0", &lines), 400, "no {missing}");
        }
        assert_eq!(status("OPTIONS sip:b@x SIP/2.0", &REST[1..]), 0, "no Via: nowhere to answer");
        for line in REST.iter().skip(1).chain(&["Content-Type: a/b", "Expires: 1", "l: 0"]) {
            let twice: Vec<_> = REST.iter().chain([line, line]).copied().collect();
            assert_eq!(status("OPTIONS sip:b@x SIP/2.0", &twice), 400, "{line} twice");
        }
    }

    #[test]
    fn the_request_line_is_taken_at_its_word() {
        for (start, expected) in [
            ("OPTIONS sip:b@x SIP/7.0", 505),
            ("OPTIONS sip:b@x sip/2.0", 200),
            ("OPTIONS <sip:b@x> SIP/2.0", 400),
            ("OPTIONS sip:b@x?Route=%3Csip:y%3E SIP/2.0", 400),
            ("OPTIONS  sip:b@x SIP/2.0", 400),
            ("OPTIONS sip:b@x  SIP/2.0", 400),
            ("OPTIONS sip:b@x SIP/2.0 ", 400),
            ("OPTIONS sip:b x SIP/2.0", 400),
            ("OPTIONS SIP/2.0", 400),
            ("OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0", 200),
            ("BYE sip:b@x SIP/2.0", 400),
            ("options sip:b@x SIP/2.0", 501),
            ("NEW sip:b@x SIP/2.0", 501),
            ("OPTIONS sip:b@x", 0),
            ("OPTIONS sip:b@x HTTP/1.1", 0),
        ] {
            assert_eq!(status(start, &REST), expected, "{start}");
        }
    }

    #[test]
    fn numbers_out_of_their_range_are_refused() {
        assert_eq!(with("CSeq: 2147483647 OPTIONS"), 200);
        assert_eq!(with("CSeq: 2147483648 OPTIONS"), 400);
        assert_eq!(with("CSeq: -1 OPTIONS"), 400);
        assert_eq!(with("Max-Forwards: 255"), 200);
        assert_eq!(with("Max-Forwards: 256"), 400);
        assert_eq!(with("Max-Forwards: x"), 400);
        let message = |text| {
            let lines: Vec<_> = REST.iter().copied().chain([text]).collect();
            read("OPTIONS sip:b@x SIP/2.0", &lines).unwrap()
        };
        assert_eq!(message("Expires: 4294967295").expires(), Some(u32::MAX));
        assert_eq!(message("Expires: 4294967296").expires(), Some(u32::MAX));
        assert_eq!(message("Expires: soon").expires(), None);
        for bad in ["1", "-1", "+0", "0x0", "", "4294967296", "0, 0"] {
            assert_eq!(with(&format!("Content-Length: {bad}")), 400, "{bad}");
        }
    }

    #[test]
    fn what_another_hop_might_read_otherwise_is_refused() {
        assert_eq!(with("Subject: a\rb"), 400);
        assert_eq!(with("Subject: a\r"), 400);
        assert_eq!(with("Subject: a\nX: b"), 400);
        assert_eq!(with("From: <sip:a@x>;tag=1;tag=2"), 400);
        assert_eq!(with("Via: SIP/2.0/UDP a;branch=z9hG4bK1;branch=z9hG4bK2"), 400);
        assert_eq!(with("Via: , SIP/2.0/UDP a;branch=z9hG4bK1"), 400);
        assert_eq!(with("Subject a"), 400);
    }

    #[test]
    fn a_refused_request_still_says_whose_it_is() {
        let lines =
            ["Via: SIP/2.0/UDP a;branch=z9hG4bK1;;", REST[1], "To: <sip:b@x>;tag=2", REST[3]];
        let Err(Error::Refused { head, .. }) = read("BYE sip:b@x SIP/2.0", &lines) else {
            panic!()
        };
        assert_eq!(
            (head.from_tag(), head.to_tag(), head.call_id()),
            (&b"1"[..], &b"2"[..], &b"c"[..])
        );
    }

    #[test]
    fn a_malformed_response_is_noise() {
        assert_eq!(status("SIP/2.0 200 OK", &REST), 200);
        assert_eq!(status("SIP/2.0 200", &REST), 200);
        for start in ["SIP/2.0 99 X", "SIP/2.0 700 X", "SIP/2.0 2000 X", "SIP/3.0 200 OK"] {
            assert_eq!(status(start, &REST), 0, "{start}");
        }
        assert_eq!(status("SIP/2.0 200 OK", &REST[..4]), 0);
        let twice = [&REST[..], &["Session-Expires: 90", "Session-Expires: 90"]].concat();
        assert_eq!(status("SIP/2.0 200 OK", &twice), 200, "an answered call is not lost over it");
    }

    #[test]
    fn limits_hold_at_the_limit_and_one_past_it() {
        let many = |n| [&REST[..], &vec!["X-A: y"; n - REST.len()]].concat();
        assert_eq!(status("OPTIONS sip:b@x SIP/2.0", &many(HEADERS_MAX)), 200);
        assert_eq!(status("OPTIONS sip:b@x SIP/2.0", &many(HEADERS_MAX + 1)), 400);
        let uri = |n: usize| format!("OPTIONS sip:{}@x SIP/2.0", "a".repeat(n - 6));
        assert_eq!(status(&uri(URI_MAX), &REST), 200);
        assert_eq!(status(&uri(URI_MAX + 1), &REST), 414);
        let length = read("OPTIONS sip:b@x SIP/2.0", &REST).unwrap().bytes().len();
        let long = |n: usize| with(&format!("X-A: {}", "a".repeat(n - length - "X-A: \r\n".len())));
        assert_eq!(long(MESSAGE_MAX), 200);
        assert_eq!(long(MESSAGE_MAX + 1), 0);
    }
}
