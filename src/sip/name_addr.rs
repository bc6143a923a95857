//! `"Name" <uri>;params`: From, To, Contact, Route and their like (RFC 3261 section 20.10).

use memchr::memchr;

use super::grammar::{is_token, parameters, quoted, trim, unfold, unquote};
use super::{Malformed, Uri};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameAddr {
    /// The display name, quotes off and escapes undone; bytes that are no UTF-8 are replaced.
    pub display: Option<String>,
    pub uri: Uri,
    params: Vec<OwnedParameter>,
}

/// A parameter's name and, if it has one, its value.
type OwnedParameter = (Box<[u8]>, Option<Box<[u8]>>);

/// A value of a Contact header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContactValue {
    Star,
    Addr(Box<NameAddr>),
}

impl NameAddr {
    pub fn new(uri: Uri) -> Self {
        Self { display: None, uri, params: Vec::new() }
    }

    /// Reads one element.
    pub fn parse(element: &[u8]) -> Result<Self, Malformed> {
        let parts = Parts::split(element).ok_or(Malformed("address"))?;
        let uri = Uri::parse(&unfold(trim(parts.uri)))?;
        let params = parameters(parts.params).ok_or(Malformed("address parameters"))?;
        let owned = params.into_iter().map(|(name, value)| (name.into(), value.map(Into::into)));
        let display = unfold(parts.display);
        let display = String::from_utf8_lossy(&unquote(&display)).into_owned();
        Ok(Self {
            display: Some(display).filter(|it| !it.is_empty()),
            uri,
            params: owned.collect(),
        })
    }

    /// A header parameter as written (quotes and all); `Some(b"")` if it has no value.
    pub fn param(&self, name: &str) -> Option<&[u8]> {
        let find = self.params.iter().find(|(it, _)| it.eq_ignore_ascii_case(name.as_bytes()));
        find.map(|(_, value)| value.as_deref().unwrap_or_default())
    }

    /// Every header parameter in order.
    pub fn params(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.params.iter().map(|(name, value)| (&**name, value.as_deref()))
    }

    pub fn tag(&self) -> Option<&[u8]> {
        self.param("tag")
    }

    /// Whether this element can be read at all, and its tag: no allocation. Two tags are none to
    /// go by (RFC 3261 section 7.3.1: a parameter stands once).
    pub(super) fn check(element: &[u8]) -> Option<&[u8]> {
        let parts = Parts::split(element)?;
        let mut rest = parts.params;
        let mut tag = None;
        while !trim(rest).is_empty() {
            let (after, (name, value)) = super::grammar::parameter(rest).ok()?;
            if name.eq_ignore_ascii_case(b"tag")
                && tag.replace(value.unwrap_or(&element[..0])).is_some()
            {
                return None;
            }
            rest = after;
        }
        Some(tag.unwrap_or(&element[..0]))
    }
}

/// The three parts of an element, not yet looked into.
struct Parts<'a> {
    display: &'a [u8],
    uri: &'a [u8],
    params: &'a [u8],
}

impl<'a> Parts<'a> {
    fn split(element: &'a [u8]) -> Option<Self> {
        let element = trim(element);
        if element.first() == Some(&b'"') {
            let (rest, display) = quoted(element).ok()?;
            let rest = trim(rest).strip_prefix(b"<")?;
            return Self::bracketed(display, rest);
        }
        if let Some(open) = memchr(b'<', element) {
            let display = trim(&element[..open]);
            let tokens = |c: &u8| is_token(*c) || super::grammar::is_lws(*c) || 0x80 <= *c;
            if display.iter().all(tokens) {
                return Self::bracketed(display, &element[open + 1..]);
            }
        }
        // Without brackets, what follows the first semicolon belongs to the header, and the URI
        // can hold no comma, question mark or white space (RFC 3261 section 20).
        let end = element.iter().position(|c| *c == b';').unwrap_or(element.len());
        let uri = trim(&element[..end]);
        let loose =
            |c: &u8| matches!(c, b'<' | b'>' | b',' | b'"' | b'?') || super::grammar::is_lws(*c);
        if uri.is_empty() || uri.iter().any(loose) {
            return None;
        }
        Some(Self { display: &element[..0], uri, params: &element[end..] })
    }

    fn bracketed(display: &'a [u8], rest: &'a [u8]) -> Option<Self> {
        let close = memchr(b'>', rest)?;
        let params = trim(&rest[close + 1..]);
        if !params.is_empty() && params.first() != Some(&b';') {
            return None;
        }
        Some(Self { display, uri: &rest[..close], params })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_name_may_hold_anything() {
        let it = NameAddr::parse(b"\"J \\\"<Rosenberg>\\\\\"  <sip:j@x;lr> ; tag = 98 ;x").unwrap();
        assert_eq!(it.display.as_deref(), Some("J \"<Rosenberg>\\"));
        assert_eq!(it.uri.as_bytes(), b"sip:j@x;lr");
        assert_eq!((it.tag(), it.param("X")), (Some(&b"98"[..]), Some(&b""[..])));
    }

    #[test]
    fn without_brackets_parameters_belong_to_the_header() {
        let it = NameAddr::parse(b"sip:j@x;tag=1").unwrap();
        assert_eq!((it.uri.as_bytes(), it.tag()), (&b"sip:j@x"[..], Some(&b"1"[..])));
        assert!(NameAddr::parse(b"sip:j@x?Route=%3Csip:y%3E").is_err());
    }

    #[test]
    fn instances_keep_their_quotes() {
        let it = NameAddr::parse(b"<sip:a@b>;+sip.instance=\"<urn:uuid:1>\";q=0.5").unwrap();
        assert_eq!(it.param("+sip.instance"), Some(&b"\"<urn:uuid:1>\""[..]));
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for text in [
            "",
            "\"open <sip:a@b>",
            "<sip:a@b",
            "Bell, A <sip:a@b>",
            "<sip:a@b> x",
            "<>",
            "\"a\" sip:a@b",
            "<sip:a@b>;;",
        ] {
            assert!(NameAddr::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
