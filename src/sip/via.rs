//! The Via header (RFC 3261 section 20.42, RFC 3581).

use nom::Parser;

use super::grammar::{decimal, mark, parameter, sws, token};

/// One Via, borrowed from its message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Via<'a> {
    /// `UDP`, `TCP`, or whatever it says.
    pub transport: &'a [u8],
    /// The sent-by host, an IPv6 address in its brackets.
    pub host: &'a [u8],
    pub port: Option<u16>,
    pub branch: &'a [u8],
    pub received: Option<&'a [u8]>,
    /// `;rport` without a value is `Some(None)`.
    pub rport: Option<Option<u16>>,
    pub maddr: Option<&'a [u8]>,
}

impl<'a> Via<'a> {
    /// Reads one element of a Via header.
    pub(super) fn read(element: &'a [u8]) -> Option<Self> {
        let slash = || mark('/');
        let mut protocol = (token, slash(), token, slash(), token);
        let (rest, (name, _, version, _, transport)) = protocol.parse(element).ok()?;
        if !name.eq_ignore_ascii_case(b"SIP") || version != b"2.0" {
            return None;
        }
        let (rest, gap) = sws(rest).ok()?;
        if gap.is_empty() {
            return None;
        }
        let (host, rest) = split_host(rest)?;
        let mut via = Self { transport, host, ..Self::default() };
        let (mut rest, _) = sws(rest).ok()?;
        if let Some(after) = rest.strip_prefix(b":") {
            let (after, _) = sws(after).ok()?;
            let digits = after.iter().take_while(|c| c.is_ascii_digit()).count();
            via.port = Some(u16::try_from(decimal(&after[..digits])?).ok()?);
            rest = &after[digits..];
        }
        loop {
            let (after, _) = sws(rest).ok()?;
            if after.is_empty() {
                return Some(via);
            }
            let (after, (name, value)) = parameter(after).ok()?;
            via.take(name, value)?;
            rest = after;
        }
    }

    /// A parameter stands once (RFC 3261 section 7.3.1): of two branches, another hop might take
    /// the other one.
    fn take(&mut self, name: &[u8], value: Option<&'a [u8]>) -> Option<()> {
        let is = |known: &[u8]| name.eq_ignore_ascii_case(known);
        let first = if is(b"branch") {
            std::mem::replace(&mut self.branch, value.unwrap_or_default()).is_empty()
        } else if is(b"received") {
            std::mem::replace(&mut self.received, value).is_none()
        } else if is(b"maddr") {
            std::mem::replace(&mut self.maddr, value).is_none()
        } else if is(b"rport") {
            let port = value.and_then(decimal).and_then(|it| u16::try_from(it).ok());
            self.rport.replace(port).is_none()
        } else {
            true
        };
        first.then_some(())
    }
}

/// A host name, IPv4 address or bracketed IPv6 address, and what follows it.
fn split_host(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = if text.first() == Some(&b'[') {
        let within = |c: &&u8| c.is_ascii_hexdigit() || matches!(c, b':' | b'.');
        let close = 1 + text.iter().skip(1).take_while(within).count();
        (text.get(close) == Some(&b']')).then_some(close + 1)?
    } else {
        text.iter()
            .position(|c| !(c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_')))
            .unwrap_or(text.len())
    };
    (0 < end).then(|| text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_and_folds_are_allowed_where_the_grammar_has_them() {
        let via =
            Via::read(b"SIP  / 2.0\r\n  /UDP\r\n    192.0.2.2:5061 ;branch=390skdjuw ; rport")
                .unwrap();
        assert_eq!(via.transport, b"UDP");
        assert_eq!((via.host, via.port), (&b"192.0.2.2"[..], Some(5061)));
        assert_eq!((via.branch, via.rport), (&b"390skdjuw"[..], Some(None)));
    }

    #[test]
    fn an_ipv6_sent_by_keeps_its_brackets() {
        let via = Via::read(
            b"SIP/2.0/TCP [2001:db8::9:1]:6050;received=[2001:db8::9:255];branch=z9hG4bK1",
        )
        .unwrap();
        assert_eq!((via.host, via.port), (&b"[2001:db8::9:1]"[..], Some(6050)));
        assert_eq!(via.received, Some(&b"[2001:db8::9:255]"[..]));
    }

    #[test]
    fn stray_separators_are_refused() {
        assert_eq!(Via::read(b"SIP/2.0/UDP 192.0.2.15;;"), None);
        assert_eq!(Via::read(b"SIP/2.0/UDP"), None);
        assert_eq!(Via::read(b"SIP/2.0/UDP host;branch=z9hG4bKa;Branch=z9hG4bKb"), None);
        assert_eq!(Via::read(b"SIP/2.0/UDP host:99999"), None);
        // A bracket that only a parameter closes.
        assert_eq!(Via::read(b"SIP/2.0/UDP [2001:db8::9;received=[2001:db8::9]"), None);
    }
}
