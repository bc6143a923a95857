//! One key of a telephone keypad: `0-9 * # A-D`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A key, held as its event code of RFC 4733 section 3.2 (0-9, 10 = `*`, 11 = `#`, 12-15 = A-D).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "char", into = "char")]
pub struct Digit(u8);

const KEYS: &[u8; 16] = b"0123456789*#ABCD";

impl Digit {
    /// The key for `c`, lower-case letters included.
    pub fn from_char(c: char) -> Option<Self> {
        let c = u8::try_from(c).ok()?.to_ascii_uppercase();
        KEYS.iter().position(|key| *key == c).map(|code| Self(code as u8))
    }

    /// The key with this RFC 4733 event code, if it is one of the sixteen.
    pub fn from_event(code: u8) -> Option<Self> {
        (code < 16).then_some(Self(code))
    }

    /// The RFC 4733 event code, 0-15.
    pub fn event(self) -> u8 {
        self.0
    }

    pub fn as_char(self) -> char {
        char::from(KEYS[usize::from(self.0 & 15)])
    }
}

impl TryFrom<char> for Digit {
    type Error = String;

    fn try_from(c: char) -> Result<Self, String> {
        Self::from_char(c).ok_or_else(|| format!("{c:?} is not one of 0-9 * # A-D"))
    }
}

impl From<Digit> for char {
    fn from(digit: Digit) -> Self {
        digit.as_char()
    }
}

impl fmt::Display for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_char())
    }
}

/// Digits are never printed by accident (HOUSE rule on logs): use `Display` where they may be.
impl fmt::Debug for Digit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digit(_)")
    }
}
