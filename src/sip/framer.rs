//! Where one SIP message ends and the next begins on a stream (RFC 3261 section 18.3), and the
//! keep-alives between them (RFC 5626 section 4.4.1).
//!
//! Strict on purpose: two hops that disagree about where a message ends can be made to see
//! different messages. So `Content-Length` must be there exactly once and be digits (section 20.14
//! makes it mandatory on streams; two equal ones are two), lines end with CRLF and nothing else
//! (a bare LF or a CR of its own inside the head is refused, which is stricter than what a datagram
//! gets), and after the first fault nothing more is read: whatever follows may be inside a body.
//!
//! What it yields does not depend on how the octets were cut into pieces. For that a single CRLF
//! waits for what follows: with another it is a ping, alone it is passed over (a pong we did not
//! ask for, or the empty line before a start line, section 7.5).
//!
//! What a message says is left to `sip::parse`; the answering `CRLF` of a ping, the answer to a
//! fault, timing out a half message, and closing are left to whoever owns the connection.

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;

/// How much of a peer's stream is held, in octets.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Start line, headers and the empty line.
    pub head: usize,
    /// Head and body together.
    pub message: usize,
}

impl Default for Limits {
    /// As much as a datagram could carry.
    fn default() -> Self {
        Self { head: 65_535, message: 65_535 }
    }
}

/// What a stream carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Frame {
    /// One whole message, head and body.
    Message(Bytes),
    /// A keep-alive that wants one CRLF back.
    Ping,
}

/// Why a stream cannot be read any further.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The first octet cannot begin a SIP message (a TLS handshake on the wrong port, say).
    NotSip,
    /// A line of the head ends with LF alone, or has a CR inside.
    LineEnd,
    /// No Content-Length.
    NoLength,
    /// More than one Content-Length.
    TwoLengths,
    /// A Content-Length that is not a plain number.
    BadLength,
    /// The head or the whole is over the limit.
    TooLong,
    /// The rest of the message never came.
    Unfinished,
}

/// The last thing a stream yields.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FrameError {
    pub fault: Fault,
    /// The head as far as it was read, for an answer before closing.
    pub head: Bytes,
}

impl Fault {
    /// The final response a request with this fault gets, if it can be told whose it is.
    pub fn status(self) -> u16 {
        if self == Self::TooLong { 513 } else { 400 }
    }

    /// For the log and the reason phrase.
    pub fn why(self) -> &'static str {
        match self {
            Self::NotSip => "Not SIP",
            Self::LineEnd => "Line Does Not End With CRLF",
            Self::NoLength => "Missing Content-Length",
            Self::TwoLengths => "More Than One Content-Length",
            Self::BadLength => "Bad Content-Length",
            Self::TooLong => "Message Too Large",
            Self::Unfinished => "Message Not Finished",
        }
    }
}

/// Cuts one stream, in one direction, into messages.
#[derive(Debug)]
pub struct Framer {
    limits: Limits,
    buffer: BytesMut,
    state: State,
}

/// How far the message at the start of the buffer has been read.
#[derive(Clone, Copy, Debug)]
enum State {
    Between,
    /// Lines before `line` are whole; there is no LF between `line` and `searched`.
    Head {
        line: usize,
        searched: usize,
    },
    /// The head has been read: the message is this long.
    Body {
        length: usize,
    },
    Dead,
}

impl Framer {
    pub fn new(limits: Limits) -> Self {
        Self { limits, buffer: BytesMut::new(), state: State::Between }
    }

    /// Takes what the socket gave. Call [`Framer::next`] until it is empty before the next push, so
    /// that no more than one message and one push is ever held.
    pub fn push(&mut self, bytes: &[u8]) {
        if !matches!(self.state, State::Dead) {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// Whether no message is half received: the time to be patient with an idle connection.
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Between | State::Dead)
    }

    /// No more comes, or nobody waits for it: what is wrong with the message that is half there.
    pub fn give_up(&mut self) -> Option<FrameError> {
        (!self.is_idle()).then(|| self.fail(Fault::Unfinished))
    }

    /// The next whole thing on the stream, if it is all there. After an error: never again.
    #[expect(clippy::should_implement_trait, reason = "it yields again after the next push")]
    pub fn next(&mut self) -> Option<Result<Frame, FrameError>> {
        loop {
            match self.state {
                State::Dead => return None,
                State::Between => {
                    if self.skip_line_ends()? {
                        return Some(Ok(Frame::Ping));
                    }
                    if !self.buffer.first().is_some_and(|octet| begins_message(*octet)) {
                        return Some(Err(self.fail(Fault::NotSip)));
                    }
                    self.state = State::Head { line: 0, searched: 0 };
                }
                State::Head { line, searched } => match self.read_head(line, searched)? {
                    Ok(length) => self.state = State::Body { length },
                    Err(fault) => return Some(Err(self.fail(fault))),
                },
                State::Body { length } => {
                    if self.buffer.len() < length {
                        return None;
                    }
                    self.state = State::Between;
                    return Some(Ok(Frame::Message(self.buffer.split_to(length).freeze())));
                }
            }
        }
    }

    /// Takes line ends off the start: `true` for a ping, `false` when something else comes,
    /// nothing while that cannot be told.
    fn skip_line_ends(&mut self) -> Option<bool> {
        const PING: &[u8] = b"\r\n\r\n";
        loop {
            if self.buffer.starts_with(PING) {
                self.buffer.advance(PING.len());
                return Some(true);
            }
            if PING.starts_with(&self.buffer) {
                return None;
            }
            if !self.buffer.starts_with(b"\r\n") {
                return Some(false);
            }
            self.buffer.advance(2);
        }
    }

    /// Reads on from `line`; the length of the whole message once the head is there.
    fn read_head(&mut self, mut line: usize, mut searched: usize) -> Option<Result<usize, Fault>> {
        while let Some(at) = memchr(b'\n', self.buffer.get(searched..)?) {
            let end = searched + at + 1;
            if end > self.limits.head {
                return Some(Err(Fault::TooLong));
            }
            let text = self.buffer.get(line..end)?;
            match text.strip_suffix(b"\r\n") {
                Some([]) => return Some(self.length_of(line, end)),
                Some(text) if memchr(b'\r', text).is_none() => {}
                _ => return Some(Err(Fault::LineEnd)),
            }
            (line, searched) = (end, end);
        }
        if self.buffer.len() > self.limits.head {
            return Some(Err(Fault::TooLong));
        }
        self.state = State::Head { line, searched: self.buffer.len() };
        None
    }

    /// The length of the message whose headers end at `headers` and whose head ends at `head`.
    fn length_of(&self, headers: usize, head: usize) -> Result<usize, Fault> {
        let text = self.buffer.get(..headers).unwrap_or_default();
        let body = content_length(text)?;
        let length = head.checked_add(body).ok_or(Fault::TooLong)?;
        if length > self.limits.message { Err(Fault::TooLong) } else { Ok(length) }
    }

    fn fail(&mut self, fault: Fault) -> FrameError {
        self.state = State::Dead;
        let mut read = std::mem::take(&mut self.buffer).freeze();
        let end = memchr::memmem::find(&read, b"\r\n\r\n").map_or(read.len(), |at| at + 4);
        read.truncate(end.min(self.limits.head));
        FrameError { fault, head: read }
    }
}

/// RFC 3261 section 25.1: a method and the word `SIP` are both tokens.
fn begins_message(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"-.!%*_+`'~".contains(&octet)
}

/// The one Content-Length among the lines of a head. Lines that begin with white space continue
/// the one before (section 7.3.1).
fn content_length(head: &[u8]) -> Result<usize, Fault> {
    let mut found = None;
    let mut rest = next_line(head).1;
    while !rest.is_empty() {
        let (line, mut after) = next_line(rest);
        let mut length = line.len();
        while matches!(after.first(), Some(b' ' | b'\t')) {
            let (fold, beyond) = next_line(after);
            length += fold.len();
            after = beyond;
        }
        let line = rest.get(..length).unwrap_or_default();
        rest = after;
        if let Some(value) = length_value(line) {
            if found.is_some() {
                return Err(Fault::TwoLengths);
            }
            found = Some(number(value)?);
        }
    }
    found.ok_or(Fault::NoLength)
}

/// Up to and with the LF, and what follows.
fn next_line(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(memchr(b'\n', text).map_or(text.len(), |at| at + 1))
}

/// The value of a line if it is a Content-Length, in its long or its compact form.
fn length_value(line: &[u8]) -> Option<&[u8]> {
    let (name, value) = line.split_at_checked(memchr(b':', line)?)?;
    let name = trim(name);
    let ours = name.eq_ignore_ascii_case(b"Content-Length") || name.eq_ignore_ascii_case(b"l");
    ours.then(|| trim(value.strip_prefix(b":").unwrap_or_default()))
}

/// Takes LWS off both ends. Not `trim_ascii`, which takes a form feed too.
fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\r' | b'\n', inside @ ..]
    | [inside @ .., b' ' | b'\t' | b'\r' | b'\n'] = text
    {
        text = inside;
    }
    text
}

fn number(text: &[u8]) -> Result<usize, Fault> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return Err(Fault::BadLength);
    }
    let add = |sum: usize, digit: &u8| {
        sum.checked_mul(10).and_then(|sum| sum.checked_add(usize::from(digit - b'0')))
    };
    text.iter().try_fold(0, add).ok_or(Fault::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "OPTIONS sip:b SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\r\n";

    fn message(length: &str, body: &str) -> String {
        format!("{HEAD}{length}\r\nCall-ID: 1\r\n\r\n{body}")
    }

    /// Everything a stream yields when it comes in these pieces.
    fn read<'a>(
        limits: Limits,
        pieces: impl Iterator<Item = &'a [u8]>,
    ) -> (Vec<Frame>, Option<FrameError>) {
        let mut framer = Framer::new(limits);
        let mut frames = Vec::new();
        let mut error = None;
        for piece in pieces {
            framer.push(piece);
            while let Some(next) = framer.next() {
                assert_eq!(error, None, "nothing comes after an error");
                match next {
                    Ok(frame) => frames.push(frame),
                    Err(fault) => error = Some(fault),
                }
            }
        }
        (frames, error)
    }

    fn whole(text: &str) -> (Vec<Frame>, Option<FrameError>) {
        read(Limits::default(), std::iter::once(text.as_bytes()))
    }

    fn fault(text: &str) -> Fault {
        let (frames, error) = whole(text);
        assert_eq!(frames, [], "{text}");
        let bytewise = read(Limits::default(), text.as_bytes().chunks(1)).1.unwrap();
        let error = error.unwrap();
        assert_eq!(error.fault, bytewise.fault, "{text}");
        assert!(error.head.starts_with(&bytewise.head));
        error.fault
    }

    fn frame(text: &str) -> Frame {
        Frame::Message(Bytes::copy_from_slice(text.as_bytes()))
    }

    /// A stream with everything that is allowed on one, and what it should yield.
    fn day() -> (String, Vec<Frame>) {
        let messages = [
            message("Content-Length: 0", ""),
            message("l:4", "v=0\n"),
            message("CONTENT-LENGTH \t:\r\n  0011\r\n\t", "\r\n\r\n\r\n\r\n\r\n."),
            message("Subject: l: 9\r\n Content-Length: 9\r\nl: 2", "hi"),
            "SIP/2.0 200 OK\r\nL: 0\r\n\r\n".to_owned(),
        ];
        let (mut stream, mut frames) = ("\r\n".to_owned(), Vec::new());
        for message in &messages {
            stream.push_str(message);
            frames.push(frame(message));
            stream.push_str("\r\n\r\n\r\n\r\n\r\n");
            frames.extend([Frame::Ping, Frame::Ping]);
        }
        (stream, frames)
    }

    #[test]
    fn messages_and_pings_come_out_however_the_stream_is_cut() {
        let (stream, frames) = day();
        assert_eq!(whole(&stream), (frames.clone(), None));
        for size in 1..40 {
            let pieces = stream.as_bytes().chunks(size);
            assert_eq!(read(Limits::default(), pieces), (frames.clone(), None), "{size}");
        }
        let mut state = 1_u64;
        for _ in 0..500 {
            let mut rest = stream.as_bytes();
            let pieces = std::iter::from_fn(|| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let at = usize::try_from(state >> 33).unwrap() % 90 % (rest.len() + 1);
                let (piece, after) = rest.split_at(if rest.len() < 8 { rest.len() } else { at });
                rest = after;
                (!piece.is_empty() || !rest.is_empty()).then_some(piece)
            });
            assert_eq!(read(Limits::default(), pieces), (frames.clone(), None));
        }
    }

    #[test]
    fn a_single_line_end_is_passed_over_and_two_are_a_ping() {
        assert_eq!(whole("\r\n"), (vec![], None));
        assert_eq!(whole("\r\n\r"), (vec![], None));
        assert_eq!(whole("\r\n\r\n"), (vec![Frame::Ping], None));
        let options = message("l:0", "");
        assert_eq!(whole(&format!("\r\n{options}")), (vec![frame(&options)], None));
        assert_eq!(
            whole(&format!("\r\n\r\n\r\n{options}")),
            (vec![Frame::Ping, frame(&options)], None)
        );
    }

    #[test]
    fn a_stream_without_a_usable_length_ends_there() {
        assert_eq!(fault(&message("Subject: 0", "")), Fault::NoLength);
        assert_eq!(fault(&message("Subject: x\r\n l: 0", "")), Fault::NoLength);
        assert_eq!(fault(&message("X-Content-Length: 0", "")), Fault::NoLength);
        assert_eq!(fault(&message("l: 0\r\nContent-Length: 0", "")), Fault::TwoLengths);
        assert_eq!(fault(&message("l: 0\r\nl: 5", "")), Fault::TwoLengths);
        for bad in
            ["-1", "+1", "", "1x", "0x1", "1,1", "1;2", "1\r\n 2", "1 2", "\"1\"", "1.0", "\x0c1"]
        {
            assert_eq!(fault(&message(&format!("l:{bad}"), "")), Fault::BadLength, "{bad}");
        }
        let huge = "9".repeat(40);
        for long in ["65536", "18446744073709551615", &huge] {
            assert_eq!(fault(&message(&format!("l:{long}"), "")), Fault::TooLong, "{long}");
        }
        assert_eq!(Fault::TooLong.status(), 513);
        assert_eq!(Fault::BadLength.status(), 400);
    }

    #[test]
    fn a_line_ends_with_cr_lf_and_nothing_else() {
        assert_eq!(fault(&message("l: 0", "").replace("\r\n", "\n")), Fault::LineEnd);
        assert_eq!(fault(&message("Subject: a\rb\r\nl: 0", "")), Fault::LineEnd);
        assert_eq!(fault(&message("Subject: a\r\r\nl: 0", "")), Fault::LineEnd);
        assert_eq!(fault(&message("Subject: a\nl: 0", "")), Fault::LineEnd);
    }

    #[test]
    fn what_is_not_sip_is_seen_at_the_first_octet() {
        for start in ["\x16\x03\x01", " OPTIONS sip:b SIP/2.0\r\n", "\n", "\rX", "\r\n\nX", "\0"] {
            assert_eq!(fault(start), Fault::NotSip, "{start:?}");
        }
    }

    #[test]
    fn an_error_carries_the_head_and_ends_the_stream() {
        let bad = message("l: nine", "");
        let good = message("l: 0", "");
        let (frames, error) = whole(&format!("{good}{bad}{good}\r\n\r\n"));
        assert_eq!(frames, [frame(&good)]);
        assert_eq!(error.unwrap(), FrameError { fault: Fault::BadLength, head: bad.into() });
    }

    #[test]
    fn a_message_that_is_never_finished_is_told_with_its_head() {
        let mut framer = Framer::new(Limits::default());
        assert_eq!(framer.give_up(), None);
        let half = message("l: 9", "four");
        framer.push(half.as_bytes());
        assert_eq!(framer.next(), None);
        let head = Bytes::from(message("l: 9", ""));
        assert_eq!(framer.give_up(), Some(FrameError { fault: Fault::Unfinished, head }));
        framer.push(b"rest.");
        assert_eq!((framer.next(), framer.give_up()), (None, None));
    }

    #[test]
    fn limits_hold_at_the_limit_and_one_past_it() {
        let text = message("l: 4", "v=0\n");
        let head = text.len() - 4;
        let framed = |head, message| {
            let limits = Limits { head, message };
            let one = read(limits, std::iter::once(text.as_bytes()));
            assert_eq!(one, read(limits, text.as_bytes().chunks(1)));
            one
        };
        assert_eq!(framed(head, text.len()), (vec![frame(&text)], None));
        let (frames, error) = framed(head - 1, text.len());
        assert_eq!((frames, error.unwrap().fault), (vec![], Fault::TooLong));
        let (frames, error) = framed(head, text.len() - 1);
        assert_eq!((frames, error.unwrap().fault), (vec![], Fault::TooLong));
        let endless = "a".repeat(65_535);
        assert_eq!(whole(&endless), (vec![], None));
        assert_eq!(fault(&format!("{endless}a")), Fault::TooLong);
    }

    #[test]
    fn a_half_message_is_told_from_an_idle_stream() {
        let mut framer = Framer::new(Limits::default());
        assert!(framer.is_idle());
        framer.push(b"\r\nOPT");
        assert_eq!(framer.next(), None);
        assert!(!framer.is_idle());
        framer.push(b"IONS sip:b SIP/2.0\r\nl:1\r\n\r\n");
        assert_eq!(framer.next(), None);
        assert!(!framer.is_idle());
        framer.push(b"x");
        assert!(matches!(framer.next(), Some(Ok(Frame::Message(_)))));
        assert!(framer.is_idle());
    }
}
