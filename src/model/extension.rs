//! Dial extensions such as `3ww1928`: digits, with half a second of silence for each `w`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use nom::branch::alt;
use nom::character::complete::{char, one_of};
use nom::combinator::{map_opt, value};
use nom::multi::many0;
use nom::{IResult, Parser};
use serde::{Deserialize, Serialize};

use crate::audio::Digit;

/// What to key in once the far end has answered.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Extension(Vec<Act>);

/// One thing to do while keying in an extension.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    Press(Digit),
    Wait(Duration),
}

/// Why a text is not an extension. Columns count characters from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    Empty,
    TooLong { column: usize },
    Character { found: char, column: usize },
}

impl Extension {
    /// The silence of a `w`.
    pub const SHORT: Duration = Duration::from_millis(500);
    /// The silence of a `W`.
    pub const LONG: Duration = Duration::from_secs(1);
    /// Symbols an extension may have.
    pub const MAX: usize = 50;

    /// The symbols, in order: one act each.
    pub fn acts(&self) -> &[Act] {
        &self.0
    }
}

impl FromStr for Extension {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let (rest, acts) = symbols(text).map_err(|_: nom::Err<nom::error::Error<&str>>| {
            Error::Character { found: text.chars().next().unwrap_or_default(), column: 1 }
        })?;
        if let Some(found) = rest.chars().next() {
            return Err(Error::Character { found, column: acts.len() + 1 });
        }
        match acts.len() {
            0 => Err(Error::Empty),
            1..=Self::MAX => Ok(Self(acts)),
            _ => Err(Error::TooLong { column: Self::MAX + 1 }),
        }
    }
}

fn symbols(text: &str) -> IResult<&str, Vec<Act>> {
    many0(alt((
        value(Act::Wait(Extension::SHORT), char('w')),
        value(Act::Wait(Extension::LONG), char('W')),
        map_opt(one_of("0123456789*#ABCD"), |c| Digit::from_char(c).map(Act::Press)),
    )))
    .parse(text)
}

/// The text it was written as. Do not log it: it may hold a PIN.
impl From<Extension> for String {
    fn from(extension: Extension) -> Self {
        let symbol = |act: &Act| match act {
            Act::Press(digit) => digit.as_char(),
            Act::Wait(Extension::SHORT) => 'w',
            Act::Wait(_) => 'W',
        };
        extension.0.iter().map(symbol).collect()
    }
}

impl TryFrom<String> for Extension {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl fmt::Debug for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Extension({} symbols)", self.0.len())
    }
}

impl Error {
    /// Where in the text, counted in characters from 1.
    pub fn column(&self) -> usize {
        match self {
            Self::Empty => 1,
            Self::TooLong { column } | Self::Character { column, .. } => *column,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an extension has at least one symbol"),
            Self::TooLong { column } => {
                write!(f, "column {column}: an extension has at most {} symbols", Extension::MAX)
            }
            Self::Character { found, column } => {
                write!(f, "column {column}: {found:?} is not one of 0-9 * # A-D w W")
            }
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn press(c: char) -> Act {
        Act::Press(Digit::from_char(c).unwrap())
    }

    #[test]
    fn each_w_waits_half_a_second_and_each_capital_a_whole_one() {
        let extension: Extension = "3wW19".parse().unwrap();
        let (short, long) = (Act::Wait(Extension::SHORT), Act::Wait(Extension::LONG));
        assert!(extension.acts() == [press('3'), short, long, press('1'), press('9')]);
    }

    #[test]
    fn every_key_there_is_may_be_pressed_and_no_other() {
        assert_eq!("0123456789*#ABCD".parse::<Extension>().unwrap().acts().len(), 16);
        for (text, found, column) in
            [("12x", 'x', 3), ("3 4", ' ', 2), ("a", 'a', 1), ("1é", 'é', 2), ("12,", ',', 3)]
        {
            let error = text.parse::<Extension>().unwrap_err();
            assert_eq!(error, Error::Character { found, column });
        }
        assert_eq!("".parse::<Extension>(), Err(Error::Empty));
    }

    #[test]
    fn fifty_symbols_are_the_most() {
        assert!("w".repeat(50).parse::<Extension>().is_ok());
        let error = "w".repeat(51).parse::<Extension>().unwrap_err();
        assert_eq!(error, Error::TooLong { column: 51 });
    }

    #[test]
    fn the_digits_are_not_printed() {
        let printed = format!("{:?}", "1928".parse::<Extension>().unwrap());
        assert!(!printed.contains("1928"), "{printed}");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(text in "[0-9*#A-DwW]{1,50}") {
            let extension: Extension = text.parse().unwrap();
            prop_assert_eq!(String::from(extension.clone()), text);
            let json = serde_json::to_string(&extension).unwrap();
            prop_assert_eq!(serde_json::from_str::<Extension>(&json).unwrap(), extension);
        }

        #[test]
        fn anything_is_read_or_refused_inside_the_text(text in "\\PC{0,60}") {
            if let Err(error) = text.parse::<Extension>() {
                prop_assert!(error.column() <= text.chars().count().max(1));
            }
        }
    }
}
