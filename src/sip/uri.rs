//! URIs (RFC 3261 section 19.1, RFC 3966): read once, kept as written.
//!
//! The text is never made anew from its parts, so what is passed on is what came.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use memchr::memchr;

use super::Malformed;
use super::grammar::{decimal, table};
use super::message::Span;

/// A URI longer than this is refused.
pub(super) const URI_MAX: usize = 4096;

#[derive(Clone)]
pub struct Uri {
    text: Bytes,
    scheme: Scheme,
    user: Option<Span>,
    host: Span,
    port: Option<u16>,
    params: Span,
    headers: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    Sip,
    Sips,
    Tel,
    /// Any other; its text is in the URI.
    Other,
}

/// The host part of a `sip:` URI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'a> {
    Name(&'a str),
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

impl Host<'_> {
    pub fn ip(self) -> Option<IpAddr> {
        match self {
            Self::Name(_) => None,
            Self::V4(ip) => Some(ip.into()),
            Self::V6(ip) => Some(ip.into()),
        }
    }
}

impl Uri {
    /// Reads a URI that is the whole of `text`.
    pub fn parse(text: &[u8]) -> Result<Self, Malformed> {
        Self::read(Bytes::copy_from_slice(text.get(..URI_MAX + 1).unwrap_or(text)))
    }

    /// Reads a URI without copying it.
    pub(super) fn read(text: Bytes) -> Result<Self, Malformed> {
        const BAD: Malformed = Malformed("URI");
        if URI_MAX < text.len()
            || text.iter().any(|c| *c <= b' ' || matches!(c, b'<' | b'>' | b'"' | 127))
        {
            return Err(BAD);
        }
        let colon = memchr(b':', &text).ok_or(BAD)?;
        let word = &text[..colon];
        let letters = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'-' | b'.');
        if !word.first().is_some_and(u8::is_ascii_alphabetic) || !word.iter().all(letters) {
            return Err(BAD);
        }
        let scheme = match word {
            it if it.eq_ignore_ascii_case(b"sip") => Scheme::Sip,
            it if it.eq_ignore_ascii_case(b"sips") => Scheme::Sips,
            it if it.eq_ignore_ascii_case(b"tel") => Scheme::Tel,
            _ => Scheme::Other,
        };
        let mut uri = Self {
            text,
            scheme,
            user: None,
            host: Span::default(),
            port: None,
            params: Span::default(),
            headers: Span::default(),
        };
        match scheme {
            Scheme::Sip | Scheme::Sips => uri.read_sip(colon + 1)?,
            Scheme::Tel => uri.read_tel(colon + 1)?,
            Scheme::Other => (),
        }
        Ok(uri)
    }

    /// `[userinfo@]host[:port][;params][?headers]`
    fn read_sip(&mut self, from: usize) -> Result<(), Malformed> {
        let text = &self.text;
        let mut at = from;
        if let Some(sign) = memchr(b'@', &text[from..]) {
            let user = &text[from..from + sign];
            if user.is_empty() || user.first() == Some(&b':') || !is_userinfo(user) {
                return Err(Malformed("user part"));
            }
            let name = user.iter().position(|c| *c == b':').unwrap_or(user.len());
            self.user = Some(span(from, from + name));
            at = from + sign + 1;
        }
        let rest = &text[at..];
        let end = if rest.first() == Some(&b'[') {
            rest.iter().position(|c| *c == b']').ok_or(Malformed("IPv6 address"))? + 1
        } else {
            rest.iter().position(|c| matches!(c, b':' | b';' | b'?')).unwrap_or(rest.len())
        };
        let host = &rest[..end];
        if !is_host(host) {
            return Err(Malformed("host"));
        }
        let host = span(at, at + end);
        at += end;
        let mut port = None;
        if text.get(at) == Some(&b':') {
            let digits = text[at + 1..].iter().take_while(|c| c.is_ascii_digit()).count();
            let number = decimal(&text[at + 1..at + 1 + digits]).filter(|it| *it != 0);
            port = Some(number.and_then(|it| u16::try_from(it).ok()).ok_or(Malformed("port"))?);
            at += 1 + digits;
        }
        let question = memchr(b'?', &text[at..]).map(|n| at + n);
        let end = question.unwrap_or(text.len());
        if at < end && text[at] != b';' {
            return Err(Malformed("URI parameters"));
        }
        let params = span((at + 1).min(end), end);
        let headers = question.map_or(Span::default(), |n| span(n + 1, text.len()));
        (self.host, self.port, self.params, self.headers) = (host, port, params, headers);
        Ok(())
    }

    /// `number[;params]`
    fn read_tel(&mut self, from: usize) -> Result<(), Malformed> {
        let rest = &self.text[from..];
        let end = rest.iter().position(|c| *c == b';').unwrap_or(rest.len());
        let digits = |c: &u8| {
            c.is_ascii_hexdigit() || matches!(c, b'+' | b'*' | b'#' | b'-' | b'.' | b'(' | b')')
        };
        if end == 0 || !rest[..end].iter().all(digits) {
            return Err(Malformed("telephone number"));
        }
        self.user = Some(span(from, from + end));
        self.params = span((from + end + 1).min(self.text.len()), self.text.len());
        Ok(())
    }

    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The user part as written, without a password; of `tel:`, the number as written.
    pub fn user(&self) -> Option<&[u8]> {
        self.user.map(|it| self.at(it))
    }

    /// The user part with its `%HH` escapes undone.
    pub fn user_unescaped(&self) -> Option<Cow<'_, [u8]>> {
        self.user().map(unescape)
    }

    /// The host as written (an IPv6 address in its brackets); empty if the scheme has none.
    pub fn host_text(&self) -> &str {
        std::str::from_utf8(self.at(self.host)).unwrap_or_default()
    }

    pub fn host(&self) -> Host<'_> {
        let text = self.host_text();
        if let Some(inner) = text.strip_prefix('[').and_then(|it| it.strip_suffix(']'))
            && let Ok(ip) = inner.parse()
        {
            return Host::V6(ip);
        }
        text.parse().map_or(Host::Name(text), Host::V4)
    }

    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// A URI parameter: `Some(b"")` if it has no value.
    pub fn param(&self, name: &str) -> Option<&[u8]> {
        self.params().find(|(it, _)| it.eq_ignore_ascii_case(name.as_bytes())).map(|(_, it)| it)
    }

    /// Every parameter: name and value (empty if it has none).
    pub fn params(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.at(self.params).split(|c| *c == b';').filter(|it| !it.is_empty()).map(|it| {
            let at = it.iter().position(|c| *c == b'=');
            at.map_or((it, &b""[..]), |at| (&it[..at], &it[at + 1..]))
        })
    }

    /// What follows a `?`; empty if nothing does.
    pub fn headers(&self) -> &[u8] {
        self.at(self.headers)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }

    pub fn as_str_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.text)
    }

    /// The telephone number in a `tel:` URI or a user part: digits with a leading `+` if it has
    /// one, visual separators and parameters taken out. `None` if it is no number.
    pub fn number(&self) -> Option<String> {
        let user = self.user_unescaped()?;
        let user = user.split(|c| *c == b';').next()?;
        let mut number = String::with_capacity(user.len());
        for (n, c) in user.iter().enumerate() {
            match c {
                b'0'..=b'9' => number.push(char::from(*c)),
                b'+' if n == 0 => number.push('+'),
                b'-' | b'.' | b'(' | b')' => (),
                _ => return None,
            }
        }
        number.bytes().any(|c| c.is_ascii_digit()).then_some(number)
    }

    /// Whether two URIs are the same (RFC 3261 section 19.1.4, of `tel:` RFC 3966 section 4).
    pub fn same_as(&self, other: &Self) -> bool {
        if self.text == other.text {
            return true;
        }
        match (self.scheme, other.scheme) {
            (Scheme::Tel, Scheme::Tel) => {
                self.same_number(other)
                    && self.params().count() == other.params().count()
                    && self.params().all(|(name, value)| {
                        let theirs = other.param(&String::from_utf8_lossy(name));
                        theirs.is_some_and(|it| it.eq_ignore_ascii_case(value))
                    })
            }
            (Scheme::Sip, Scheme::Sip) | (Scheme::Sips, Scheme::Sips) => {
                self.user_unescaped() == other.user_unescaped()
                    && self.same_host(other)
                    && self.port == other.port
                    && self.agrees_with(other)
                    && other.agrees_with(self)
                    && self.headers() == other.headers()
            }
            _ => false,
        }
    }

    fn same_number(&self, other: &Self) -> bool {
        let visible = |uri: &Self| -> Vec<u8> {
            let user = uri.user().unwrap_or_default().iter();
            user.filter(|c| !b"-.()".contains(c)).map(u8::to_ascii_lowercase).collect()
        };
        visible(self) == visible(other)
    }

    fn same_host(&self, other: &Self) -> bool {
        self.host() == other.host() || self.host_text().eq_ignore_ascii_case(other.host_text())
    }

    /// Parameters that both have must be equal; some must not be missing in either.
    fn agrees_with(&self, other: &Self) -> bool {
        const SIGNIFICANT: [&str; 5] = ["transport", "user", "ttl", "method", "maddr"];
        self.params().all(|(name, value)| {
            let name = String::from_utf8_lossy(name);
            match other.param(&name) {
                Some(it) => it.eq_ignore_ascii_case(value),
                None => !SIGNIFICANT.iter().any(|it| it.eq_ignore_ascii_case(&name)),
            }
        })
    }

    fn at(&self, span: Span) -> &[u8] {
        self.text.get(usize::from(span.from)..usize::from(span.to)).unwrap_or_default()
    }
}

impl PartialEq for Uri {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Uri {}

impl fmt::Debug for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uri({})", self.as_str_lossy())
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_str_lossy())
    }
}

fn span(from: usize, to: usize) -> Span {
    Span { from: from as u16, to: to as u16 }
}

/// user-unreserved, unreserved, escaped, and the password's characters; broken `%` escapes are
/// taken as they are (they mean nothing to us and are passed on).
fn is_userinfo(text: &[u8]) -> bool {
    const TABLE: [bool; 256] = table(b"-_.!~*'()&=+$,;?/%:#[]");
    text.iter().all(|c| 0x80 <= *c || TABLE[usize::from(*c)])
}

fn is_host(text: &[u8]) -> bool {
    const TABLE: [bool; 256] = table(b".-_");
    if let Some(inner) = text.strip_prefix(b"[").and_then(|it| it.strip_suffix(b"]")) {
        return std::str::from_utf8(inner).is_ok_and(|it| it.parse::<Ipv6Addr>().is_ok());
    }
    !text.is_empty() && text.iter().all(|c| TABLE[usize::from(*c)])
}

/// Undoes `%HH`; what is not an escape is left as it is.
fn unescape(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'%') {
        return Cow::Borrowed(text);
    }
    let hex = |c: u8| char::from(c).to_digit(16).map(|it| it as u8);
    let mut plain = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(c) = text.get(at) {
        let high = text.get(at + 1).copied().and_then(hex);
        let low = text.get(at + 2).copied().and_then(hex);
        if let (b'%', Some(high), Some(low)) = (*c, high, low) {
            plain.push(high << 4 | low);
            at += 3;
        } else {
            plain.push(*c);
            at += 1;
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        Uri::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_parts_of_a_sip_uri() {
        let it = uri("sip:john.doe:pw@[2001:db8::1]:5070;lr;transport=tcp?Subject=x");
        assert_eq!(it.user(), Some(&b"john.doe"[..]));
        assert_eq!(it.host().ip(), Some("2001:db8::1".parse().unwrap()));
        assert_eq!(it.port(), Some(5070));
        assert_eq!(it.param("LR"), Some(&b""[..]));
        assert_eq!(it.param("transport"), Some(&b"tcp"[..]));
        assert_eq!(it.headers(), b"Subject=x");
    }

    #[test]
    fn a_user_part_may_hold_parameters_and_questions() {
        let it = uri("sip:user;par=u%40example.net@example.com");
        assert_eq!(&*it.user_unescaped().unwrap(), b"user;par=u@example.net");
        let odd = uri("sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com");
        assert_eq!(odd.host(), Host::Name("example.com"));
    }

    #[test]
    fn numbers_lose_their_separators_and_parameters() {
        assert_eq!(uri("tel:+1-512-555-0100;ext=5").number().unwrap(), "+15125550100");
        assert_eq!(uri("sip:+15125550100;npdi;rn=1@x").number().unwrap(), "+15125550100");
        assert_eq!(uri("sip:alice@x").number(), None);
        assert_eq!(uri("sip:x.example").number(), None);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "sip",
            ":x",
            "sip:",
            "sip:@x",
            "sip:a b@x",
            "<sip:x>",
            "sip:x:0",
            "sip:x:65536",
            "sip:[::x]",
            "sip:[::1",
            "tel:",
            "tel:;x",
            "sip:x y",
            "1sip:x",
            "sip:x:5060x",
        ] {
            assert!(Uri::parse(text.as_bytes()).is_err(), "{text}");
        }
        let long = format!("sip:{}@x", "a".repeat(URI_MAX));
        assert!(Uri::parse(long.as_bytes()).is_err());
        let just = format!("sip:{}@x", "a".repeat(URI_MAX - 6));
        assert!(Uri::parse(just.as_bytes()).is_ok());
    }

    #[test]
    fn equality_follows_the_rfcs_own_examples() {
        let same = |a, b| uri(a).same_as(&uri(b));
        assert!(same(
            "sip:%61lice@atlanta.com;transport=TCP",
            "sip:alice@AtLanTa.CoM;Transport=tcp"
        ));
        assert!(same("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"));
        assert!(!same(
            "SIP:ALICE@AtLanTa.CoM;Transport=udp",
            "sip:alice@AtLanTa.CoM;Transport=UDP"
        ));
        assert!(!same("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"));
        assert!(!same("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"));
        assert!(same("sip:bob@[2001:db8::1]", "sip:bob@[2001:DB8:0::1]"));
        assert!(same("sip:x;a=1;a=2", "sip:x;a=1;a=2"), "whatever it says, it says the same");
    }

    #[test]
    fn telephone_numbers_are_the_same_with_or_without_separators() {
        let same = |a, b| uri(a).same_as(&uri(b));
        assert!(same("tel:+1-512-555-0100;EXT=5", "TEL:+1(512)5550100;ext=5"));
        assert!(!same("tel:+15125550100;ext=5", "tel:+15125550100;ext=6"));
        assert!(!same("tel:+15125550100;ext=5", "tel:+15125550100"));
        assert!(!same("tel:*7;phone-context=+1", "tel:#9;phone-context=+1"));
        assert!(!same("tel:911;phone-context=+1", "tel:911;phone-context=+49"));
    }
}
