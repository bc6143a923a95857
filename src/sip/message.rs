//! A parsed message: one `Bytes`, and an index of what stands where in it.

use std::borrow::Cow;

use bytes::Bytes;
use smallvec::SmallVec;

use super::grammar::{elements, unfold};
use super::name::Code;
use super::{Method, Name, Via};

/// Why bytes are no message.
#[derive(Clone, Debug)]
pub enum Error {
    /// Not SIP, an unanswerable request, or a malformed response: say nothing.
    Noise(&'static str),
    /// A request that gets this answer. Its head is indexed well enough to answer it.
    Refused { status: u16, why: &'static str, head: Box<Message> },
}

/// A request or a response.
#[derive(Clone, Debug)]
pub struct Message {
    pub(super) bytes: Bytes,
    pub(super) start: Start,
    pub(super) lines: SmallVec<[Line; 40]>,
    pub(super) body: Span,
    pub(super) key: Essentials,
}

#[derive(Clone, Debug)]
pub(super) enum Start {
    Request { method: Method, uri: Span },
    Response { status: u16, reason: Span },
}

/// One header line: the name's code and place, and the value's place, white space trimmed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    pub code: Code,
    pub name: Span,
    pub value: Span,
}

/// A stretch of the message's bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub from: u16,
    pub to: u16,
}

/// What every message has and most rooms ask for, found once.
#[derive(Clone, Debug, Default)]
pub(super) struct Essentials {
    pub call_id: Span,
    pub cseq: u32,
    /// A response's method: its CSeq's.
    pub cseq_method: Option<Method>,
    pub from_tag: Span,
    pub to_tag: Span,
    pub branch: Span,
}

/// Of a response that was refused before its CSeq was read.
static NO_METHOD: Method = Method::Other(Bytes::new());

impl Message {
    /// All of it, as it came (without what followed its body in a datagram).
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    pub fn is_request(&self) -> bool {
        matches!(self.start, Start::Request { .. })
    }

    /// The request's method; of a response, the one in its CSeq.
    pub fn method(&self) -> &Method {
        match (&self.start, &self.key.cseq_method) {
            (Start::Request { method, .. }, _) | (_, Some(method)) => method,
            (Start::Response { .. }, None) => &NO_METHOD,
        }
    }

    /// A response's status; 0 for a request.
    pub fn status(&self) -> u16 {
        match self.start {
            Start::Request { .. } => 0,
            Start::Response { status, .. } => status,
        }
    }

    /// A response's reason phrase.
    pub fn reason(&self) -> &[u8] {
        match self.start {
            Start::Request { .. } => b"",
            Start::Response { reason, .. } => self.at(reason),
        }
    }

    /// The Request-URI as written; empty for a response.
    pub fn request_uri(&self) -> &[u8] {
        match self.start {
            Start::Request { uri, .. } => self.at(uri),
            Start::Response { .. } => b"",
        }
    }

    pub fn body(&self) -> Bytes {
        self.bytes.slice(usize::from(self.body.from)..usize::from(self.body.to))
    }

    /// The first value of a header (of a list, its first element), folds joined.
    pub fn header(&self, name: Name) -> Option<Cow<'_, [u8]>> {
        self.headers(name).next()
    }

    /// Every value of a header in order; lists are taken apart.
    pub fn headers(&self, name: Name) -> impl Iterator<Item = Cow<'_, [u8]>> {
        let list = name.is_list();
        self.values(name).flat_map(move |value| elements(value, list)).map(unfold)
    }

    /// The raw values of a header's lines, lists and folds as they stand.
    pub fn values(&self, name: Name) -> impl Iterator<Item = &[u8]> {
        let code = name.code();
        self.lines.iter().filter_map(move |line| {
            let same = line.code == code
                && match name {
                    Name::Other(text) if code == Code::OTHER => {
                        self.at(line.name).eq_ignore_ascii_case(text.as_bytes())
                    }
                    _ => true,
                };
            same.then(|| self.at(line.value))
        })
    }

    /// The whole value of each line of this header, folds joined. Its name may be written in any
    /// case, in long form or compact, whether we know it or not.
    pub fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Cow<'a, [u8]>> {
        let code = Code::of(name.as_bytes());
        self.lines.iter().filter_map(move |line| {
            let same = line.code == code
                && (code != Code::OTHER
                    || self.at(line.name).eq_ignore_ascii_case(name.as_bytes()));
            same.then(|| unfold(self.at(line.value)))
        })
    }

    /// Every header line: name and raw value.
    pub fn lines(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.lines.iter().map(|it| (self.at(it.name), self.at(it.value)))
    }

    pub fn call_id(&self) -> &[u8] {
        self.at(self.key.call_id)
    }

    pub fn cseq(&self) -> u32 {
        self.key.cseq
    }

    /// Empty if there is none (RFC 2543).
    pub fn from_tag(&self) -> &[u8] {
        self.at(self.key.from_tag)
    }

    /// Empty if there is none.
    pub fn to_tag(&self) -> &[u8] {
        self.at(self.key.to_tag)
    }

    /// The top Via's branch; empty if there is none (RFC 2543).
    pub fn branch(&self) -> &[u8] {
        self.at(self.key.branch)
    }

    /// The top Via. Of a refused head it may be empty.
    pub fn top_via(&self) -> Via<'_> {
        self.values(Name::Via)
            .next()
            .and_then(|value| elements(value, true).next())
            .and_then(Via::read)
            .unwrap_or_default()
    }

    pub(super) fn at(&self, span: Span) -> &[u8] {
        self.bytes.get(usize::from(span.from)..usize::from(span.to)).unwrap_or_default()
    }

    /// The span of a part of this message's own bytes.
    pub(super) fn span_of(&self, part: &[u8]) -> Span {
        let start = (part.as_ptr() as usize).wrapping_sub(self.bytes.as_ptr() as usize);
        if self.bytes.len() < start.saturating_add(part.len()) {
            return Span::default();
        }
        Span { from: start as u16, to: (start + part.len()) as u16 }
    }
}
