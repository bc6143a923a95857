//! What stands at the head of our messages: the header sets in one place, and who calls.

use std::fmt::Write as _;

use bytes::Bytes;

use super::{Local, Policy, Reliable};
use crate::sip::{Method, Name, Transport, Uri, Value, Write};

/// Allow: every method we take in a dialog. REGISTER is not among them, it belongs to the registrar.
/// Carriers end calls whose 200 lacks UPDATE here (EDGE section 2).
pub const fn allow() -> &'static str {
    "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER"
}

/// Supported, at most.
pub const fn supported() -> &'static str {
    "timer, 100rel, replaces"
}

/// Accept: the bodies we understand.
pub(super) const ACCEPT: &str =
    "application/sdp, application/dtmf-relay, application/dtmf, multipart/mixed";
/// Bodies of an INVITE.
pub(super) const ACCEPT_SDP: &str = "application/sdp, multipart/mixed";
pub(super) const SDP: &str = "application/sdp";
/// RFC 3261 section 8.1.1.6.
pub const MAX_FORWARDS: u8 = 70;

/// Header lines beside those that every message has.
pub(super) type Lines = Vec<(Name, Value)>;

/// A name and an address, for From, To and their like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    pub display: Option<String>,
    pub uri: Uri,
}

/// Who calls, as the far end shall see it. What is shown to whom was decided before.
#[derive(Clone, Debug)]
pub struct Caller {
    pub from: Party,
    /// P-Asserted-Identity (RFC 3325); for trusted far ends only.
    pub asserted: Option<Party>,
    /// Privacy (RFC 3323), e.g. `id`.
    pub privacy: Option<&'static str>,
    /// The same as Remote-Party-ID, which older far ends know instead.
    pub remote_party: Option<Party>,
    /// The number that was dialled first, as Diversion (RFC 5806).
    pub diversion: Option<Party>,
    /// The same as History-Info (RFC 7044): each URI in the order the call went through them.
    pub history: Vec<Uri>,
}

impl Caller {
    pub fn new(display: Option<String>, uri: Uri) -> Self {
        Self {
            from: Party { display, uri },
            asserted: None,
            remote_party: None,
            privacy: None,
            diversion: None,
            history: Vec::new(),
        }
    }

    pub(super) fn lines(&self) -> Lines {
        let mut lines = Lines::new();
        if let Some(asserted) = &self.asserted {
            lines.push((Name::PAssertedIdentity, asserted.value("")));
        }
        if let Some(party) = &self.remote_party {
            let privacy = if self.privacy.is_some() { "full" } else { "off" };
            let params = format!(";party=calling;screen=yes;privacy={privacy}");
            lines.push((Name::RemotePartyId, party.value(&params)));
        }
        if let Some(privacy) = self.privacy {
            lines.push((Name::Privacy, own(privacy)));
        }
        if let Some(diversion) = &self.diversion {
            lines.push((Name::Diversion, diversion.value(";reason=unconditional")));
        }
        let mut index = String::new();
        for uri in &self.history {
            // Each but the first was mapped from the one before it (RFC 7044 section 5.4).
            let from = index.clone();
            index.push_str(if index.is_empty() { "1" } else { ".1" });
            let mapped = if from.is_empty() { String::new() } else { format!(";mp={from}") };
            let text = format!("<{}>;index={index}{mapped}", uri.as_str_lossy());
            lines.push((Name::HistoryInfo, own(text)));
        }
        lines
    }
}

impl Party {
    /// `"Display" <uri>params`. What cannot stand in a quoted string is left out of the name.
    pub(super) fn value(&self, params: &str) -> Value {
        let mut text = String::with_capacity(96);
        if let Some(display) = self.display.as_deref().filter(|it| !it.is_empty()) {
            text.push('"');
            for c in display.chars().filter(|it| !it.is_control()) {
                if matches!(c, '"' | '\\') {
                    text.push('\\');
                }
                text.push(c);
            }
            text.push_str("\" ");
        }
        let _ = write!(text, "<{}>{params}", self.uri.as_str_lossy());
        own(text)
    }
}

/// `<uri>`
pub(super) fn angled(uri: &Uri) -> Value {
    let mut text = Vec::with_capacity(uri.as_bytes().len() + 2);
    text.push(b'<');
    text.extend_from_slice(uri.as_bytes());
    text.push(b'>');
    own(text)
}

/// A value of text that we made or that stands in the program: nothing is copied.
pub(super) fn own(text: impl Into<Bytes>) -> Value {
    let text = text.into();
    match memchr::memchr3(b'\r', b'\n', 0, &text) {
        Some(_) => safe(text),
        None => Value::of(text).unwrap_or_default(),
    }
}

/// A value from parts that hold no line break; should one hide in them, it is taken out.
pub(super) fn safe(text: impl AsRef<[u8]>) -> Value {
    let text = text.as_ref();
    Value::new(text).unwrap_or_else(|_| {
        let clean: Vec<u8> =
            text.iter().copied().filter(|it| !matches!(it, b'\r' | b'\n' | 0)).collect();
        Value::new(&clean).unwrap_or_default()
    })
}

/// The Supported header of a leg's INVITE and of its answers.
pub(super) fn supported_by(policy: &Policy) -> &'static str {
    match (policy.timer.is_some(), policy.reliable) {
        (true, Reliable::Off) => "timer, replaces",
        (true, _) => "timer, 100rel, replaces",
        (false, Reliable::Off) => "replaces",
        (false, _) => "100rel, replaces",
    }
}

/// The fixed part of a request of ours.
pub(super) struct Head<'a> {
    pub method: &'a Method,
    pub uri: &'a Uri,
    pub routes: &'a [Value],
    pub via: &'a Value,
    pub from: &'a Value,
    pub to: &'a Value,
    pub call_id: &'a Value,
    pub cseq: u32,
    pub max_forwards: u8,
}

impl Head<'_> {
    /// Via first, then what routing needs, then who (RFC 3261 section 7.3.1).
    pub fn write(&self) -> Write {
        let mut write = Write::request(self.method, self.uri).header(Name::Via, self.via);
        for route in self.routes {
            write = write.header(Name::Route, route);
        }
        write
            .header(Name::MaxForwards, u32::from(self.max_forwards))
            .header(Name::From, self.from)
            .header(Name::To, self.to)
            .header(Name::CallId, self.call_id)
            .header(Name::CSeq, (self.cseq, self.method))
    }
}

/// `SIP/2.0/UDP host:port;branch=..;rport` (RFC 3581).
pub(super) fn via(local: &Local, transport: Transport, branch: &str) -> Value {
    let other = local.other.as_ref().filter(|_| transport != local.transport);
    let (word, sent_by) = (transport.as_str(), other.unwrap_or(&local.sent_by));
    let mut text = String::with_capacity(96);
    for part in ["SIP/2.0/", word, " ", sent_by, ";branch=", branch, ";rport"] {
        text.push_str(part);
    }
    own(text)
}

/// A request of ours, with what we call ourselves.
pub(super) fn signed(write: Write, local: &Local) -> Write {
    match &local.software {
        Some(software) => write.header(Name::UserAgent, software),
        None => write,
    }
}

pub(super) fn add(mut write: Write, lines: &[(Name, Value)]) -> Write {
    for (name, value) in lines {
        write = write.header(*name, value);
    }
    write
}
