//! Values that keys can have: numbers, times, texts, choices.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::ops::{Deref, Range, RangeInclusive};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use toml::de::DeValue;

use super::error::{Wrong, guess};
use super::keys::{Item, Value};
use super::shape::Shape;
use crate::audio::Digit;
use crate::model::extension::Extension;
use crate::model::schedule::Zone;
use crate::model::trunk::Network;

impl Value for bool {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        match item.value {
            DeValue::Boolean(it) => Ok(*it),
            other => Err(item.wrong(format!("this is {}", super::keys::kind(other)))),
        }
    }

    fn allowed() -> String {
        "true or false".to_owned()
    }

    fn shape() -> Shape {
        Shape::Flag
    }
}

impl Value for String {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        let text = item.str()?;
        match text.chars().position(char::is_control) {
            None => Ok(text.to_owned()),
            Some(at) => Err(Wrong::at(
                item.inside(at + 1),
                format!("column {}: a control character", at + 1),
            )),
        }
    }

    fn allowed() -> String {
        "text".to_owned()
    }
}

impl Value for Arc<str> {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        String::read(item).map(Into::into)
    }

    fn allowed() -> String {
        String::allowed()
    }
}

/// A whole number between two bounds, both allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count<const MIN: u32, const MAX: u32>(pub u32);

impl<const MIN: u32, const MAX: u32> Value for Count<MIN, MAX> {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        let DeValue::Integer(number) = item.value else {
            return Err(item.wrong(format!("this is {}", super::keys::kind(item.value))));
        };
        let number = i64::from_str_radix(number.as_str(), number.radix());
        let count = number.ok().and_then(|it| u32::try_from(it).ok());
        match count.filter(|it| (MIN..=MAX).contains(it)) {
            Some(count) => Ok(Self(count)),
            None => Err(item.wrong("the number is out of bounds")),
        }
    }

    fn allowed() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }

    fn shape() -> Shape {
        Shape::Number { min: MIN, max: MAX }
    }
}

impl<const MIN: u32, const MAX: u32> Deref for Count<MIN, MAX> {
    type Target = u32;

    fn deref(&self) -> &u32 {
        &self.0
    }
}

/// A time between two bounds in milliseconds, both allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time<const MIN: u64, const MAX: u64>(pub Duration);

impl<const MIN: u64, const MAX: u64> Value for Time<MIN, MAX> {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        let seconds = |text: &str| text.parse::<f64>().ok();
        let time = match item.value {
            DeValue::String(text) => time(text),
            DeValue::Integer(number) if number.radix() == 10 => seconds(number.as_str()),
            DeValue::Float(number) => seconds(number.as_str()),
            _ => None,
        };
        let Some(time) = time else { return Err(item.wrong("this is not a time")) };
        match Duration::try_from_secs_f64(time) {
            Ok(time) if (u128::from(MIN)..=u128::from(MAX)).contains(&time.as_millis()) => {
                Ok(Self(time))
            }
            _ => Err(item.wrong("the time is out of bounds")),
        }
    }

    fn allowed() -> String {
        format!("a time such as \"45s\", from {} to {}", written(MIN), written(MAX))
    }

    fn shape() -> Shape {
        Shape::Time { min: MIN, max: MAX }
    }
}

impl<const MIN: u64, const MAX: u64> Deref for Time<MIN, MAX> {
    type Target = Duration;

    fn deref(&self) -> &Duration {
        &self.0
    }
}

/// Milliseconds in the largest unit that has no rest.
fn written(millis: u64) -> String {
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")];
    let unit = units.iter().find(|(size, _)| millis >= *size && millis.is_multiple_of(*size));
    unit.map_or_else(|| "0s".to_owned(), |(size, name)| format!("{}{name}", millis / size))
}

/// `1h30m`, `45s`, `500ms`, `1.5s` in seconds.
fn time(text: &str) -> Option<f64> {
    const UNITS: [(&str, f64); 5] =
        [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86400.0)];
    let (mut seconds, mut rest) = (0.0, text);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let letters = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
        seconds += number.parse::<f64>().ok()? * size;
        rest = after;
    }
    (!text.is_empty()).then_some(seconds)
}

/// A value, or `"off"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrOff<T>(pub Option<T>);

impl<T: Value> Value for OrOff<T> {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        match item.value {
            DeValue::String(text) if text == "off" => Ok(Self(None)),
            _ => T::read(item).map(|it| Self(Some(it))),
        }
    }

    fn allowed() -> String {
        format!("\"off\", or {}", T::allowed())
    }

    fn shape() -> Shape {
        Shape::Either(vec![Shape::Choice(vec!["off"]), T::shape()])
    }
}

/// A name, and where it is written, so that a wrong one can be pointed at.
#[derive(Clone, Debug)]
pub struct Name {
    pub text: Arc<str>,
    pub(super) span: Range<usize>,
}

impl Name {
    pub(super) fn new(text: &str, span: Range<usize>) -> Result<Self, Wrong> {
        if text.is_empty() || NAME_MAX < text.len() {
            return Err(Wrong::at(span, format!("a name has 1 to {NAME_MAX} bytes")));
        }
        Ok(Self { text: text.into(), span })
    }
}

impl Value for Name {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        Self::new(&String::read(item)?, item.span.clone())
    }

    fn allowed() -> String {
        "a name".to_owned()
    }

    fn shape() -> Shape {
        Shape::Name
    }
}

const NAME_MAX: usize = 100;

/// One name, or a list of them.
#[derive(Clone, Debug)]
pub struct Names(pub Vec<Name>);

impl Value for Names {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        match item.value {
            DeValue::Array(_) => Vec::read(item).map(Self),
            _ => Name::read(item).map(|it| Self(vec![it])),
        }
    }

    fn allowed() -> String {
        "a name, or a list of names".to_owned()
    }

    fn shape() -> Shape {
        Shape::Many(Box::new(Shape::Name))
    }
}

/// Text that is not shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(pub String);

impl Value for Hidden {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        String::read(item).map(Self)
    }

    fn allowed() -> String {
        String::allowed()
    }

    fn shape() -> Shape {
        Shape::Hidden
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(_)")
    }
}

impl Value for Extension {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        let text = item.str()?;
        text.parse().map_err(|it: crate::model::extension::Error| {
            Wrong::at(item.inside(it.column()), it.to_string())
        })
    }

    fn allowed() -> String {
        "1 to 50 of 0-9 * # A-D w W; w waits half a second, W a second".to_owned()
    }

    fn shape() -> Shape {
        Shape::Word("extension")
    }
}

impl Value for Digit {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        match code(item)?.as_slice() {
            [only] => Ok(*only),
            _ => Err(item.wrong("this is not a single key")),
        }
    }

    fn allowed() -> String {
        "one key: 0-9 * # A-D".to_owned()
    }

    fn shape() -> Shape {
        Shape::Word("digit")
    }
}

/// Several keys pressed one after the other: `*1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code(pub Vec<Digit>);

impl Value for Code {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        let code = code(item)?;
        if !CODE.contains(&code.len()) {
            return Err(item.wrong("the code is too short or too long"));
        }
        Ok(Self(code))
    }

    fn allowed() -> String {
        format!("{} to {} keys of 0-9 * # A-D", CODE.start(), CODE.end())
    }

    fn shape() -> Shape {
        Shape::Word("code")
    }
}

const CODE: RangeInclusive<usize> = 1..=8;

fn code(item: &Item<'_>) -> Result<Vec<Digit>, Wrong> {
    pressed(item.str()?).map_err(|(column, why)| Wrong::at(item.inside(column), why))
}

/// The keys that a text is made of; or else the column of what is none, and why.
pub(super) fn pressed(text: &str) -> Result<Vec<Digit>, (usize, String)> {
    let key = |(at, c): (usize, char)| {
        let column = at + 1;
        let why = || (column, format!("column {column}: {c:?} is not one of 0-9 * # A-D"));
        Digit::from_char(c).filter(|_| !c.is_ascii_lowercase()).ok_or_else(why)
    };
    text.chars().enumerate().map(key).collect()
}

/// A range of UDP ports: `"16384-32767"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    pub first: u16,
    pub last: u16,
}

impl Ports {
    /// Even ports whose next one is in the range as well.
    pub fn pairs(&self) -> u32 {
        (u32::from(self.last) - u32::from(self.first)).div_ceil(2)
    }
}

impl Value for Ports {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        let text = item.str()?;
        let ports = text.split_once('-').and_then(|(first, last)| {
            Some(Self { first: first.trim().parse().ok()?, last: last.trim().parse().ok()? })
        });
        let ports = ports.ok_or_else(|| item.wrong(format!("{text:?} is not a range of ports")))?;
        if ports.first < 1024 || ports.first % 2 == 1 || ports.last < ports.first.saturating_add(3)
        {
            return Err(item.wrong(format!("{text:?} has no room for two even and odd pairs")));
        }
        Ok(ports)
    }

    fn allowed() -> String {
        "\"FIRST-LAST\": an even port from 1024 on, and one at least 3 above it".to_owned()
    }

    fn shape() -> Shape {
        Shape::Word("ports")
    }
}

/// Reads what can be read from text.
fn parsed<T: FromStr>(item: &Item<'_>) -> Result<T, Wrong> {
    let text = item.str()?;
    text.parse().map_err(|_| item.wrong(format!("{text:?} is something else")))
}

fn told<T: FromStr<Err = String>>(item: &Item<'_>) -> Result<T, Wrong> {
    item.str()?.parse().map_err(|it: String| item.wrong(it))
}

impl Value for IpAddr {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        parsed(item)
    }

    fn allowed() -> String {
        "an IP address such as \"192.0.2.1\" or \"2001:db8::1\"".to_owned()
    }

    fn shape() -> Shape {
        Shape::Word("address")
    }
}

impl Value for SocketAddr {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        parsed(item)
    }

    fn allowed() -> String {
        "an address and port such as \"0.0.0.0:5060\" or \"[::]:5060\"".to_owned()
    }

    fn shape() -> Shape {
        Shape::Word("socket")
    }
}

impl Value for Network {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        told(item)
    }

    fn allowed() -> String {
        "an address or network such as \"192.0.2.1\" or \"192.0.2.0/24\"".to_owned()
    }

    fn shape() -> Shape {
        Shape::Word("network")
    }
}

impl Value for Zone {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        told(item)
    }

    fn allowed() -> String {
        "an IANA time zone such as \"America/New_York\"".to_owned()
    }

    fn shape() -> Shape {
        Shape::Word("zone")
    }
}

/// Finds the choice that is written, or says which there are.
pub(super) fn chosen<T: Clone>(item: &Item<'_>, choices: &[(&str, T)]) -> Result<T, Wrong> {
    let text = item.str()?;
    let found = choices.iter().find(|(name, _)| *name == text);
    found.map(|(_, it)| it.clone()).ok_or_else(|| {
        let names = choices.iter().map(|it| it.0);
        item.wrong(format!("{text:?} is none of the choices{}", guess(text, names)))
    })
}

pub(super) fn listed<T>(choices: &[(&str, T)]) -> String {
    choices.iter().map(|it| format!("{:?}", it.0)).collect::<Vec<_>>().join(", ")
}

/// Types that are written as one of a few words.
macro_rules! choices {
    ($($type:ty { $($word:literal => $value:expr),* $(,)? })*) => {$(
        impl $crate::config::keys::Value for $type {
            fn read(
                item: &$crate::config::keys::Item<'_>,
            ) -> Result<Self, $crate::config::error::Wrong> {
                $crate::config::value::chosen(item, &[$(($word, $value)),*])
            }

            fn allowed() -> String {
                $crate::config::value::listed(&[$(($word, ())),*])
            }

            fn shape() -> $crate::config::shape::Shape {
                $crate::config::shape::Shape::Choice(vec![$($word),*])
            }
        }
    )*};
}

pub(super) use choices;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::keys::given;

    #[test]
    fn times_are_written_with_units_or_in_seconds() {
        for (text, millis) in [
            ("\"45s\"", 45_000),
            ("\"500ms\"", 500),
            ("\"1h30m\"", 5_400_000),
            ("\"1.5s\"", 1_500),
            ("45", 45_000),
            ("0.25", 250),
            ("\"1d\"", 86_400_000),
        ] {
            let time: Time<0, 100_000_000> = given("time", text).unwrap();
            assert_eq!(time.as_millis(), millis, "{text}");
        }
        for wrong in ["\"\"", "\"45\"", "\"s\"", "\"1x\"", "-1", "nan", "inf", "true", "\"9e9s\""] {
            assert!(given::<Time<0, 1000>>("time", wrong).is_err(), "{wrong}");
        }
        assert!(given::<Time<1000, 2000>>("time", "\"999ms\"").is_err());
        assert!(given::<Time<1000, 2000>>("time", "2.001").is_err());
    }

    #[test]
    fn ports_come_in_pairs() {
        assert_eq!(given::<Ports>("p", "\"16384-32767\"").unwrap().last, 32767);
        for wrong in ["\"1-9\"", "\"2001-3000\"", "\"3000-2000\"", "\"2000-2002\"", "\"2000\"", "7"]
        {
            assert!(given::<Ports>("p", wrong).is_err(), "{wrong}");
        }
    }
}
