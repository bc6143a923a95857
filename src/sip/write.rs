//! The one place where SIP text is made. No value can carry CR, LF or NUL, so nothing that came
//! from outside can add a header (HOUSE: nothing is concatenated into SIP).

use std::io::Write as _;
use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};
use memchr::memchr3;

use super::grammar::{element_end, is_token, parameters, trim, unfold};
use super::{Malformed, Message, Method, Name, NameAddr, Uri, Via};

/// A header value: bytes without CR, LF or NUL.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Value(Bytes);

impl Value {
    pub fn new(text: impl AsRef<[u8]>) -> Result<Self, Malformed> {
        Self::of(Bytes::copy_from_slice(text.as_ref()))
    }

    /// The same of text that is the program's own to keep: nothing is copied.
    pub fn of(text: impl Into<Bytes>) -> Result<Self, Malformed> {
        let text = text.into();
        match memchr3(b'\r', b'\n', 0, &text) {
            Some(_) => Err(Malformed("header value")),
            None => Ok(Self(text)),
        }
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// What can stand as a header's value.
pub trait Put {
    fn put(&self, out: &mut BytesMut);
}

impl Put for &Value {
    fn put(&self, out: &mut BytesMut) {
        out.put_slice(&self.0);
    }
}

impl Put for u32 {
    fn put(&self, out: &mut BytesMut) {
        // Writing into memory cannot fail.
        let _ = write!(out.writer(), "{self}");
    }
}

/// A text of the program's own.
impl Put for &'static str {
    fn put(&self, out: &mut BytesMut) {
        put_clean(self.as_bytes(), out);
    }
}

impl Put for &Uri {
    fn put(&self, out: &mut BytesMut) {
        put_clean(self.as_bytes(), out);
    }
}

/// The number and method of a CSeq.
impl Put for (u32, &Method) {
    fn put(&self, out: &mut BytesMut) {
        self.0.put(out);
        out.put_u8(b' ');
        put_clean(self.1.as_bytes(), out);
    }
}

impl Put for &NameAddr {
    fn put(&self, out: &mut BytesMut) {
        if let Some(display) = &self.display {
            out.put_u8(b'"');
            for c in display.bytes() {
                if matches!(c, b'"' | b'\\') {
                    out.put_u8(b'\\');
                }
                put_clean(&[c], out);
            }
            out.put_slice(b"\" ");
        }
        out.put_u8(b'<');
        put_clean(self.uri.as_bytes(), out);
        out.put_u8(b'>');
        for (name, value) in self.params() {
            out.put_u8(b';');
            put_clean(name, out);
            if let Some(value) = value {
                out.put_u8(b'=');
                put_clean(value, out);
            }
        }
    }
}

/// Bytes without those that end a line.
fn put_clean(text: &[u8], out: &mut BytesMut) {
    if memchr3(b'\r', b'\n', 0, text).is_some() {
        out.extend(text.iter().filter(|c| !matches!(c, b'\r' | b'\n' | 0)));
    } else {
        out.put_slice(text);
    }
}

/// A message in the making. Content-Length comes last and by itself.
#[derive(Debug)]
pub struct Write {
    out: BytesMut,
    /// Where a To tag would go, while the To has none.
    to_end: Option<usize>,
    /// What stands between a header's name and its value.
    colon: &'static [u8],
}

impl Write {
    pub fn request(method: &Method, uri: &Uri) -> Self {
        let mut out = BytesMut::with_capacity(1024);
        put_clean(method.as_bytes(), &mut out);
        out.put_u8(b' ');
        put_clean(uri.as_bytes(), &mut out);
        out.put_slice(b" SIP/2.0\r\n");
        Self { out, to_end: None, colon: b": " }
    }

    /// A response to `request` (RFC 3261 section 8.2.6.2): its Vias, From, To, Call-ID and CSeq.
    pub fn response(request: &Message, status: u16) -> Self {
        Self::answer(request, status, None, false)
    }

    /// The same, the top Via told where the request came from (RFC 3261 section 18.2.1, RFC 3581).
    pub fn response_from(request: &Message, status: u16, source: SocketAddr) -> Self {
        Self::answer(request, status, Some(source), false)
    }

    /// The same in as few octets as the grammar allows: compact names (RFC 3261 section 7.3.3), no
    /// white space that may be left out, no phrase; and no `received` that only says once more what
    /// the sent-by says. For answers that must not be longer than what they answer.
    pub fn short_response_from(request: &Message, status: u16, source: SocketAddr) -> Self {
        Self::answer(request, status, Some(source), true)
    }

    fn answer(request: &Message, status: u16, source: Option<SocketAddr>, short: bool) -> Self {
        let [via_name, from, call_id, to] = match short {
            true => ["v", "f", "i", "t"],
            false => ["Via", "From", "Call-ID", "To"],
        };
        let mut out = BytesMut::with_capacity(1024);
        out.put_slice(b"SIP/2.0 ");
        u32::from(status).put(&mut out);
        out.put_u8(b' ');
        out.put_slice(if short { b"" } else { phrase(status).as_bytes() });
        out.put_slice(b"\r\n");
        let mut write = Self { out, to_end: None, colon: if short { b":" } else { b": " } };
        for (n, via) in request.values(Name::Via).enumerate() {
            write.out.put_slice(via_name.as_bytes());
            write.out.put_slice(write.colon);
            match source.filter(|_| n == 0) {
                Some(source) => put_via(via, source, short, &mut write.out),
                None => write.out.put_slice(&unfold(via)),
            }
            write.out.put_slice(b"\r\n");
        }
        for (name, text) in [(Name::From, from), (Name::CallId, call_id), (Name::CSeq, "CSeq")] {
            write = write.copy_as(text, name, request);
        }
        if status == 100 {
            write = write.copy(Name::Timestamp, request);
        }
        write = write.copy_as(to, Name::To, request);
        if request.to_tag().is_empty() && request.values(Name::To).next().is_some() {
            write.to_end = Some(write.out.len() - 2);
        }
        write
    }

    /// Gives the To a tag, if the request came without one.
    pub fn to_tag(mut self, tag: &str) -> Self {
        if let Some(at) = self.to_end.take() {
            let rest = self.out.len() - at;
            self.out.put_slice(b";tag=");
            put_clean(tag.as_bytes(), &mut self.out);
            self.out[at..].rotate_left(rest);
        }
        self
    }

    pub fn header(mut self, name: Name, value: impl Put) -> Self {
        self.out.put_slice(name.as_str().as_bytes());
        self.out.put_slice(self.colon);
        value.put(&mut self.out);
        self.out.put_slice(b"\r\n");
        self
    }

    /// Copies every line of a header, bytes kept, folds joined.
    pub fn copy(self, name: Name, from: &Message) -> Self {
        self.copy_as(name.as_str(), name, from)
    }

    fn copy_as(mut self, text: &str, name: Name, from: &Message) -> Self {
        for value in from.values(name) {
            self.out.put_slice(text.as_bytes());
            self.out.put_slice(self.colon);
            self.out.put_slice(&unfold(value));
            self.out.put_slice(b"\r\n");
        }
        self
    }

    /// A response that is not the answer to a request at hand.
    pub(super) fn status_line(status: u16, reason: &Value) -> Self {
        let mut out = BytesMut::with_capacity(1024);
        out.put_slice(b"SIP/2.0 ");
        u32::from(status).put(&mut out);
        out.put_u8(b' ');
        out.put_slice(reason.as_bytes());
        out.put_slice(b"\r\n");
        Self { out, to_end: None, colon: b": " }
    }

    /// A header whose name is not the program's own.
    pub(super) fn line(mut self, name: &[u8], value: &Value) -> Result<Self, Malformed> {
        if name.is_empty() || !name.iter().all(|c| is_token(*c)) {
            return Err(Malformed("header name"));
        }
        self.out.put_slice(name);
        self.out.put_slice(b": ");
        value.put(&mut self.out);
        self.out.put_slice(b"\r\n");
        Ok(self)
    }

    /// Ends the message with a body whose Content-Type, if any, is already there.
    pub(super) fn body_as_is(mut self, body: &[u8]) -> Bytes {
        let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
        self = self.header(Name::ContentLength, length);
        self.out.put_slice(b"\r\n");
        self.out.put_slice(body);
        self.out.freeze()
    }

    /// How long the message is so far, without its end.
    pub fn octets(&self) -> usize {
        self.out.len()
    }

    /// Ends the message without a body and without a Content-Length: a datagram's end says it
    /// (RFC 3261 section 18.3). For answers that must be short.
    pub fn finish_datagram(mut self) -> Bytes {
        self.out.put_slice(b"\r\n");
        self.out.freeze()
    }

    /// Ends the message with a body.
    pub fn body(self, content_type: &'static str, body: &[u8]) -> Bytes {
        self.header(Name::ContentType, content_type).body_as_is(body)
    }

    /// Ends the message without a body.
    pub fn finish(mut self) -> Bytes {
        self.out.put_slice(b"Content-Length: 0\r\n\r\n");
        self.out.freeze()
    }
}

/// A Via line whose first element learns `received` and `rport`. One that cannot be read (in the
/// answer that says so) goes back as it came.
fn put_via(line: &[u8], source: SocketAddr, short: bool, out: &mut BytesMut) {
    let (first, rest) = line.split_at(element_end(line));
    let first = unfold(trim(first));
    let sent_by = first.iter().position(|c| *c == b';').unwrap_or(first.len());
    let (sent_by, params) = first.split_at(sent_by);
    let (Some(via), Some(params)) = (Via::read(&first), parameters(params)) else {
        out.put_slice(&unfold(line));
        return;
    };
    out.put_slice(trim(sent_by));
    for (name, value) in params {
        if name.eq_ignore_ascii_case(b"received") || name.eq_ignore_ascii_case(b"rport") {
            continue;
        }
        out.put_u8(b';');
        out.put_slice(name);
        if let Some(value) = value {
            out.put_u8(b'=');
            out.put_slice(value);
        }
    }
    let host = std::str::from_utf8(via.host).unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let same = host.parse().is_ok_and(|it: std::net::IpAddr| it == source.ip());
    if (via.rport.is_some() && !short) || !same {
        let _ = write!(out.writer(), ";received={}", source.ip());
    }
    if via.rport.is_some() {
        let _ = write!(out.writer(), ";rport={}", source.port());
    }
    out.put_slice(&unfold(rest));
}

/// The reason phrase of a status (RFC 3261 section 21 and later RFCs).
pub fn phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        181 => "Call Is Being Forwarded",
        182 => "Queued",
        183 => "Session Progress",
        200 => "OK",
        202 => "Accepted",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Moved Temporarily",
        305 => "Use Proxy",
        380 => "Alternative Service",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        410 => "Gone",
        412 => "Conditional Request Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Unsupported URI Scheme",
        420 => "Bad Extension",
        421 => "Extension Required",
        422 => "Session Interval Too Small",
        423 => "Interval Too Brief",
        429 => "Provide Referrer Identity",
        430 => "Flow Failed",
        433 => "Anonymity Disallowed",
        439 => "First Hop Lacks Outbound Support",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        482 => "Loop Detected",
        483 => "Too Many Hops",
        484 => "Address Incomplete",
        485 => "Ambiguous",
        486 => "Busy Here",
        487 => "Request Terminated",
        488 => "Not Acceptable Here",
        489 => "Bad Event",
        491 => "Request Pending",
        493 => "Undecipherable",
        494 => "Security Agreement Required",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        505 => "Version Not Supported",
        513 => "Message Too Large",
        580 => "Precondition Failure",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        607 => "Unwanted",
        608 => "Rejected",
        _ => match status / 100 {
            1 => "Progress",
            2 => "Success",
            3 => "Redirection",
            4 => "Client Error",
            5 => "Server Error",
            _ => "Global Failure",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Message {
        let text = "INVITE sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bK1,\r\n \
             SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK0\r\nv: SIP/2.0/TCP z;branch=z9hG4bKz\r\n\
             From: <sip:a@x>;tag=f\r\nTo: <sip:b@x>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n\r\n";
        super::super::parse(Bytes::from_static(text.as_bytes())).unwrap()
    }

    #[test]
    fn a_response_copies_what_it_must_and_says_where_the_request_came_from() {
        let source = "192.0.2.7:4000".parse().unwrap();
        let bytes = Write::response_from(&request(), 180, source).to_tag("t").finish();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert_eq!(
            text,
            "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1;\
             received=192.0.2.7;rport=4000, SIP/2.0/UDP 10.0.0.9;branch=z9hG4bK0\r\n\
             Via: SIP/2.0/TCP z;branch=z9hG4bKz\r\nFrom: <sip:a@x>;tag=f\r\nCall-ID: c\r\n\
             CSeq: 1 INVITE\r\nTo: <sip:b@x>;tag=t\r\nContent-Length: 0\r\n\r\n"
        );
        assert!(super::super::parse(bytes).is_ok());
    }

    #[test]
    fn a_semicolon_in_quotes_is_part_of_a_via_parameter() {
        let text = "OPTIONS sip:b@x SIP/2.0\r\nVia: SIP/2.0/UDP a ; x=\"1;rport=2,3\";RPORT\r\n \
             ; received=9.9.9.9;branch=z9hG4bK1\r\nFrom: <sip:a@x>;tag=f\r\nTo: <sip:b@x>\r\n\
             Call-ID: c\r\nCSeq: 1 OPTIONS\r\n\r\n";
        let request = super::super::parse(Bytes::from_static(text.as_bytes())).unwrap();
        let source = "192.0.2.7:4000".parse().unwrap();
        let answer = Write::response_from(&request, 200, source).finish();
        let answer = super::super::parse(answer).unwrap();
        assert_eq!(
            answer.values(Name::Via).next().unwrap().escape_ascii().to_string(),
            r#"SIP/2.0/UDP a;x=\"1;rport=2,3\";branch=z9hG4bK1;received=192.0.2.7;rport=4000"#
        );
    }

    #[test]
    fn a_value_cannot_end_its_line() {
        assert!(Value::new("a\r\nVia: x").is_err());
        assert!(Value::new("a\0").is_err());
        assert!(Value::new("a\tb").is_ok());
    }

    #[test]
    fn a_display_name_is_quoted_and_cleaned() {
        let mut name = NameAddr::new(Uri::parse(b"sip:a@b").unwrap());
        name.display = Some("A \"B\"\r\nVia: x".into());
        let method = Method::Options;
        let uri = Uri::parse(b"sip:x").unwrap();
        let text = Write::request(&method, &uri).header(Name::From, &name).finish();
        assert!(text.windows(30).any(|it| it == b"From: \"A \\\"B\\\"Via: x\" <sip:a@b"));
    }
}
