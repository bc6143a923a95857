//! Keypad digits by SIP INFO: `application/dtmf-relay` (`Signal=5`) and `application/dtmf` (`5`),
//! the forms of RFC 2976 that phones and carriers settled on (RFC 6086 section 1: legacy usage).

use bytes::Bytes;

use super::answers::Answer;
use super::body;
use super::state::Draft;
use crate::audio::Digit;
use crate::sip::{Message, Method, Name};

const RELAY: &str = "application/dtmf-relay";
/// What we say a key lasts, in milliseconds.
const DURATION_MS: u32 = 160;
/// Keys waiting to be sent; more are dropped.
pub(super) const MAX_WAITING: usize = 64;

/// The key in an INFO, or nothing in one that only asks whether we are here; else the refusal.
pub(super) fn read(info: &Message) -> Result<Option<Digit>, Answer> {
    if info.header(Name::Other("Info-Package")).is_some() {
        return Err(Answer::bad_info_package());
    }
    let content = info.body();
    if content.is_empty() {
        return Ok(None);
    }
    let text = String::from_utf8_lossy(&content);
    let signal = match body::media_type(info).as_deref() {
        Some(b"application/dtmf-relay") => signal(&text),
        Some(b"application/dtmf") => signal(&text).or_else(|| key(&text)),
        _ => return Err(Answer::unsupported_media(false)),
    };
    signal.map(Some).ok_or_else(|| Answer::bad_request("no key in the body"))
}

/// `Signal=5` or `Signal= 5`, wherever the line stands.
fn signal(text: &str) -> Option<Digit> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        name.trim().eq_ignore_ascii_case("signal").then(|| key(value)).flatten()
    })
}

/// A key by its character, or by its event code as some write `*` and `#`.
fn key(text: &str) -> Option<Digit> {
    let text = text.trim();
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Digit::from_char(c),
        (Some(_), Some(_)) => text.parse().ok().and_then(Digit::from_event),
        _ => None,
    }
}

pub(super) fn draft(digit: Digit) -> Draft {
    let text = format!("Signal={digit}\r\nDuration={DURATION_MS}\r\n");
    Draft::new(Method::Info).with_body(RELAY, Bytes::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<char> {
        signal(text).map(Digit::as_char)
    }

    #[test]
    fn a_relayed_key_is_read_however_it_is_spaced_and_spelled() {
        assert_eq!(of("Signal=5\r\nDuration=160\r\n"), Some('5'));
        assert_eq!(of("Signal= #\r\nDuration= 250"), Some('#'));
        assert_eq!(of("duration=100\nsignal=a\n"), Some('A'));
        assert_eq!(of("Signal=10\r\n"), Some('*'));
        assert_eq!(of("Signal=16\r\n"), None);
        assert_eq!(of("Signal=\r\n"), None);
        assert_eq!(of("Signal=12345678901234567890"), None);
    }
}
