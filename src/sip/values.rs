//! Values of the smaller headers, read with nom.

use nom::Parser;
use nom::bytes::complete::take_while1;
use nom::sequence::separated_pair;

use super::grammar::{is_lws, number, parameters, sws, token, unquote};
use super::{Malformed, Method};

/// CSeq numbers must stay below this (RFC 3261 section 8.1.1.5).
const CSEQ_MAX: u32 = 1 << 31;

/// RAck (RFC 3262 section 7.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RAck {
    pub rseq: u32,
    pub cseq: u32,
    pub method: Method,
}

/// Session-Expires (RFC 4028 section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionExpires {
    pub seconds: u32,
    pub refresher: Option<Refresher>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresher {
    Uac,
    Uas,
}

/// Reason (RFC 3326).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// `SIP`, `Q.850`, or another.
    pub protocol: String,
    pub cause: Option<u16>,
    pub text: Option<String>,
}

/// Number and method token of a CSeq.
pub(super) fn cseq(value: &[u8]) -> Option<(u32, &[u8])> {
    let gap = take_while1(is_lws);
    let (rest, (number, method)) = separated_pair(number, gap, token).parse(value).ok()?;
    (rest.is_empty() && number < CSEQ_MAX).then_some((number, method))
}

pub(super) fn rack(value: &[u8]) -> Option<(u32, u32, &[u8])> {
    let gap = || take_while1(is_lws);
    let (rest, (rseq, _, cseq, _, method)) =
        (number, gap(), number, gap(), token).parse(value).ok()?;
    rest.is_empty().then_some((rseq, cseq, method))
}

impl SessionExpires {
    pub(super) fn parse(value: &[u8]) -> Result<Self, Malformed> {
        const BAD: Malformed = Malformed("Session-Expires");
        let (rest, seconds) = number(value).map_err(|_| BAD)?;
        let params = parameters(rest).ok_or(BAD)?;
        let refresher = params.iter().find_map(|(name, value)| {
            let value = value.filter(|_| name.eq_ignore_ascii_case(b"refresher"))?;
            match value {
                it if it.eq_ignore_ascii_case(b"uac") => Some(Refresher::Uac),
                it if it.eq_ignore_ascii_case(b"uas") => Some(Refresher::Uas),
                _ => None,
            }
        });
        Ok(Self { seconds, refresher })
    }
}

impl Reason {
    pub(super) fn parse(value: &[u8]) -> Option<Self> {
        let (rest, protocol) = token(value).ok()?;
        let params = parameters(rest)?;
        let find = |name: &str| {
            let same = |it: &&(&[u8], Option<&[u8]>)| it.0.eq_ignore_ascii_case(name.as_bytes());
            params.iter().find(same).and_then(|(_, value)| *value)
        };
        let text = |it: &[u8]| String::from_utf8_lossy(&unquote(it)).into_owned();
        Some(Self {
            protocol: text(protocol),
            cause: find("cause").and_then(|it| std::str::from_utf8(it).ok()?.parse().ok()),
            text: find("text").map(text),
        })
    }

    /// The Q.850 cause in it, if it is one.
    pub fn q850(&self) -> Option<u8> {
        let q850 = self.protocol.eq_ignore_ascii_case("Q.850");
        self.cause.filter(|_| q850).and_then(|it| u8::try_from(it).ok())
    }
}

/// A number that parameters or a comment may follow (Retry-After, Expires, Min-Expires).
pub(super) fn leading_number(value: &[u8]) -> Option<u32> {
    let (rest, found) = number(value).ok()?;
    let (rest, _) = sws(rest).ok()?;
    matches!(rest.first(), None | Some(b';' | b'(')).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cseq_has_a_number_that_fits_and_a_method() {
        assert_eq!(cseq(b"0009\r\n  INVITE"), Some((9, &b"INVITE"[..])));
        assert_eq!(cseq(b"2147483647 ACK"), Some((2_147_483_647, &b"ACK"[..])));
        assert_eq!(cseq(b"2147483648 ACK"), None);
        assert_eq!(cseq(b"1INVITE"), None);
        assert_eq!(cseq(b"1 INVITE x"), None);
    }

    #[test]
    fn a_reason_has_a_cause_and_a_text() {
        let it = Reason::parse(b"Q.850 ;cause=17 ;text=\"User busy\"").unwrap();
        assert_eq!((it.q850(), it.text.as_deref()), (Some(17), Some("User busy")));
        assert_eq!(Reason::parse(b"SIP;cause=200").unwrap().q850(), None);
        assert_eq!(Reason::parse(b"Q.850").unwrap().cause, None);
    }

    #[test]
    fn the_refresher_is_one_of_two() {
        let it = SessionExpires::parse(b"1800 ; refresher = UAS").unwrap();
        assert_eq!(it, SessionExpires { seconds: 1800, refresher: Some(Refresher::Uas) });
        assert_eq!(SessionExpires::parse(b"90;x=y").unwrap().refresher, None);
        assert!(SessionExpires::parse(b"soon").is_err());
    }

    #[test]
    fn retry_after_may_have_a_comment() {
        assert_eq!(leading_number(b"18000;duration=3600"), Some(18000));
        assert_eq!(leading_number(b"120 (I'm in a meeting)"), Some(120));
        assert_eq!(leading_number(b"12x"), None);
    }
}
