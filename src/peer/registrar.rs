//! What a REGISTER says, and what it hears (RFC 3261 section 10.3). Who sent it is known already.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;

use super::bindings::{Binding, Contacts, Instance, Unchanged, Wanted, Wish};
use super::config::Registrar;
use crate::clock::Instant;
use crate::sip::{ContactValue, Hop, Message, Name, NameAddr, Scheme, Uri, Value, Write};

/// Octets of a contact or path URI.
const URI_MAX: usize = 512;
/// Octets of a `+sip.instance`.
const INSTANCE_MAX: usize = 128;
/// Path URIs of one registration.
const PATHS_MAX: usize = 8;
/// Contacts that one REGISTER may name: each is compared with each, and with all that are bound.
const CONTACTS_MAX: usize = 32;
/// Extensions that a REGISTER may require.
const EXTENSIONS: [&str; 2] = ["path", "outbound"];

/// Why a REGISTER is refused, as far as can be read off it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// 400, with the reason for the log.
    Bad(&'static str),
    /// 420, naming what it requires.
    Extension(String),
    Unchanged(Unchanged),
}

impl From<Unchanged> for Refusal {
    fn from(it: Unchanged) -> Self {
        Self::Unchanged(it)
    }
}

/// Reads what a REGISTER asks for. `call` is its Call-ID, keyed.
pub(super) fn wish(
    request: &Message,
    from: &Hop,
    call: u64,
    rules: &Registrar,
) -> Result<Wish, Refusal> {
    if let Some(extension) = request.headers(Name::Require).find(|it| !is_known(it)) {
        return Err(Refusal::Extension(String::from_utf8_lossy(&extension).into()));
    }
    if request.headers(Name::Contact).nth(CONTACTS_MAX).is_some() {
        return Err(Refusal::Bad("too many contacts"));
    }
    let contacts = request.contacts().map_err(|it| Refusal::Bad(it.0))?;
    let default = match request.header(Name::Expires) {
        // What is not a number counts as 3600 (RFC 3261 section 10.2.1.1 for the parameter).
        Some(_) => request.expires().unwrap_or(3600),
        None => u32::try_from(rules.default_expires.as_secs()).unwrap_or(u32::MAX),
    };
    let stars = contacts.iter().filter(|it| matches!(it, ContactValue::Star)).count();
    let contacts = if stars == 0 {
        let each = contacts.iter().filter_map(|it| match it {
            ContactValue::Addr(it) => Some(wanted(it, default)),
            ContactValue::Star => None,
        });
        Contacts::Each(each.collect::<Result<_, _>>()?)
    } else if contacts.len() == 1 && request.expires() == Some(0) {
        Contacts::RemoveAll
    } else {
        return Err(Refusal::Bad("Contact * needs Expires 0 and no other contact"));
    };
    let path = path(request)?;
    Ok(Wish { call, cseq: request.cseq(), hop: *from, path, contacts })
}

fn is_known(extension: &[u8]) -> bool {
    EXTENSIONS.iter().any(|it| extension.eq_ignore_ascii_case(it.as_bytes()))
}

fn wanted(contact: &NameAddr, default: u32) -> Result<Wanted, Refusal> {
    let uri = text_of(&contact.uri)?;
    if !matches!(uri.scheme(), Scheme::Sip | Scheme::Sips) {
        return Err(Refusal::Bad("a contact that is no sip: URI"));
    }
    let expires = match contact.param("expires") {
        Some(text) => seconds(text),
        None => default,
    };
    let q = contact.param("q").map_or(1000, thousandths);
    let instance = match contact.param("+sip.instance") {
        Some(urn) => Some(instance(urn, contact.param("reg-id"))?),
        None => None,
    };
    Ok(Wanted { contact: uri.clone(), instance, q, expires })
}

fn instance(urn: &[u8], reg_id: Option<&[u8]>) -> Result<Instance, Refusal> {
    let printable = |it: &u8| (0x21..0x7f).contains(it) && !b"\"\\".contains(it);
    let urn = urn.strip_prefix(b"\"").and_then(|it| it.strip_suffix(b"\"")).unwrap_or(urn);
    if urn.is_empty() || INSTANCE_MAX < urn.len() || !urn.iter().all(printable) {
        return Err(Refusal::Bad("+sip.instance"));
    }
    let urn = String::from_utf8_lossy(urn).into();
    // A reg-id that is no number does not count (RFC 5626 section 4.2: from 1 to 2^31 - 1).
    let reg_id = reg_id.and_then(|it| std::str::from_utf8(it).ok()?.parse().ok());
    Ok(Instance { urn, reg_id: reg_id.unwrap_or(0) })
}

fn path(request: &Message) -> Result<Box<[Box<str>]>, Refusal> {
    let paths = request.paths().map_err(|it| Refusal::Bad(it.0))?;
    if PATHS_MAX < paths.len() {
        return Err(Refusal::Bad("too many Path headers"));
    }
    let uris = paths.iter().map(|it| Ok(text_of(&it.uri)?.as_str_lossy().into()));
    uris.collect()
}

/// A URI that is short enough to keep and printable in any answer.
fn text_of(uri: &Uri) -> Result<&Uri, Refusal> {
    let fine = uri.as_bytes().len() <= URI_MAX && uri.as_bytes().iter().all(u8::is_ascii_graphic);
    if fine { Ok(uri) } else { Err(Refusal::Bad("a URI that is too long or not plain")) }
}

/// delta-seconds; what is too large counts as the largest, what is no number as an hour
/// (RFC 3261 section 10.2.1.1).
fn seconds(text: &[u8]) -> u32 {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return 3600;
    }
    let digits = text.iter().map(|it| u32::from(it - b'0'));
    digits.fold(0_u32, |all, it| all.saturating_mul(10).saturating_add(it))
}

/// A qvalue; what is none counts as 1.
fn thousandths(text: &[u8]) -> u16 {
    let (whole, part) = match text.iter().position(|it| *it == b'.') {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &[][..]),
    };
    if whole != b"0" || 3 < part.len() || !part.iter().all(u8::is_ascii_digit) {
        return 1000;
    }
    let digits = part.iter().copied().chain(std::iter::repeat(b'0')).take(3);
    digits.fold(0, |all, it| all * 10 + u16::from(it - b'0'))
}

/// The 200: all bindings as they are now (RFC 3261 section 10.3, step 8).
pub(super) fn accept(
    request: &Message,
    from: &Hop,
    tag: &str,
    bindings: &[Binding],
    rules: &Registrar,
    now: Instant,
) -> Bytes {
    let mut answer = Write::response_from(request, 200, from.remote).to_tag(tag);
    if let Some(software) = &rules.software {
        answer = answer.header(Name::Server, software);
    }
    for it in bindings {
        if let Ok(value) = Value::new(contact(it, now)) {
            answer = answer.header(Name::Contact, &value);
        }
    }
    answer = answer.copy(Name::Path, request);
    if is_outbound(request, bindings) {
        answer = answer.header(Name::Require, "outbound").header(Name::Supported, "outbound");
    }
    answer.finish()
}

fn contact(binding: &Binding, now: Instant) -> String {
    let mut text = String::with_capacity(binding.contact.len() + 160);
    let left = binding.expires.since(now) + Duration::from_micros(999_999);
    let _ = write!(text, "<{}>;expires={}", binding.contact, left.as_secs());
    if binding.q < 1000 {
        let _ = write!(text, ";q=0.{:03}", binding.q);
    }
    if let Some(instance) = &binding.instance {
        let _ = write!(text, ";+sip.instance=\"{}\"", instance.urn);
        if instance.reg_id != 0 {
            let _ = write!(text, ";reg-id={}", instance.reg_id);
        }
    }
    text
}

/// Whether flows are kept as RFC 5626 wants it: the phone asked, and stands right before us
/// (section 6). Without that it still gets its flow, only not the promise.
fn is_outbound(request: &Message, bindings: &[Binding]) -> bool {
    bindings.iter().any(|it| it.instance.as_ref().is_some_and(|it| it.reg_id != 0))
        && request.supports("outbound")
        && request.headers(Name::Via).nth(1).is_none()
}

pub(super) fn refuse(
    request: &Message,
    from: &Hop,
    tag: &str,
    refusal: &Refusal,
    rules: &Registrar,
) -> (Bytes, u16) {
    let status = match refusal {
        Refusal::Bad(_) => 400,
        Refusal::Extension(_) => 420,
        Refusal::Unchanged(Unchanged::TooBrief) => 423,
        Refusal::Unchanged(Unchanged::OutOfOrder) => 500,
        Refusal::Unchanged(Unchanged::AccountFull) => 403,
        Refusal::Unchanged(Unchanged::Full) => 503,
    };
    let answer = Write::response_from(request, status, from.remote).to_tag(tag);
    let answer = match refusal {
        Refusal::Extension(extension) => match Value::new(extension) {
            Ok(value) => answer.header(Name::Unsupported, &value),
            Err(_) => answer,
        },
        Refusal::Unchanged(Unchanged::TooBrief) => {
            let least = u32::try_from(rules.min_expires.as_secs()).unwrap_or(u32::MAX);
            answer.header(Name::MinExpires, least)
        }
        Refusal::Unchanged(Unchanged::Full) => answer.header(Name::RetryAfter, 60_u32),
        Refusal::Bad(_) | Refusal::Unchanged(_) => answer,
    };
    (answer.finish(), status)
}
