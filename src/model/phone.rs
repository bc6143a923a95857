//! Phone numbers: E.164 inside, whatever people and carriers write outside (EDGE C-16).

use std::fmt;
use std::sync::Arc;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};
use serde::{Deserialize, Serialize};

/// A number in E.164: `+` and 2 to 15 digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Phone(Arc<str>);

/// Digits of an E.164 number, country code included (ITU-T E.164 section 6).
const DIGITS_MAX: usize = 15;

impl Phone {
    /// A number as an operator writes it: `+1 555-0100`, `tel:+15550100`, `15550100`, or as it is
    /// dialled inside `country` (ISO 3166, `US`).
    pub fn parse(text: &str, country: Option<&str>) -> Result<Self, String> {
        let text = text.trim();
        let Some(country) = country.filter(|_| !is_international(text)) else {
            return normalise(text)
                .map(|it| Self(it.into()))
                .ok_or_else(|| format!("{text:?} is not a phone number such as +12025550123"));
        };
        let region = region(country)?;
        let number = PHONE_NUMBER_UTIL
            .parse(text, Some(region))
            .map_err(|_| format!("{text:?} is not a phone number in {country}"))?;
        if !PHONE_NUMBER_UTIL.is_possible_number(&number) {
            return Err(format!("{text:?} is too long or too short for a number in {country}"));
        }
        Ok(Self(number.format_as(PhoneNumberFormat::E164).into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn into_inner(self) -> Arc<str> {
        self.0
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `+digits` for a number dialled with `+`, without it, or as a `tel:` URI, parameters and visual
/// separators (RFC 3966 section 5.1.1) left out; `None` for what is no number.
pub fn normalise(text: &str) -> Option<String> {
    let text = match text.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => text.get(4..)?,
        _ => text,
    };
    let text = text.split(';').next().unwrap_or_default().trim();
    let digits = text.strip_prefix('+').unwrap_or(text);
    let mut number = String::with_capacity(16);
    number.push('+');
    for c in digits.chars() {
        match c {
            '0'..='9' => number.push(c),
            '-' | '.' | '(' | ')' | ' ' => (),
            _ => return None,
        }
    }
    (2..=DIGITS_MAX).contains(&(number.len() - 1)).then_some(number)
}

/// An E.164 number as it is dialled inside `country`; unchanged if that cannot be told.
pub fn national(number: &str, country: &str) -> String {
    let parsed = PHONE_NUMBER_UTIL.parse(number, None);
    let (Ok(region), Ok(parsed)) = (region(country), parsed) else { return number.to_owned() };
    let text = PHONE_NUMBER_UTIL.format_out_of_country_calling_number(&parsed, region);
    let here = PHONE_NUMBER_UTIL.get_country_code_for_region(region);
    let text = if Some(parsed.country_code) == here {
        PHONE_NUMBER_UTIL.format(&parsed, PhoneNumberFormat::National)
    } else {
        text
    };
    text.chars().filter(char::is_ascii_digit).collect()
}

fn is_international(text: &str) -> bool {
    text.starts_with('+') || text.get(..4).is_some_and(|it| it.eq_ignore_ascii_case("tel:"))
}

/// A country that has phone numbers, by its ISO 3166 letters.
fn region(country: &str) -> Result<Region, String> {
    let region = Region::try_from(country.to_ascii_uppercase().as_str()).ok();
    region
        .filter(|it| PHONE_NUMBER_UTIL.get_country_code_for_region(*it).is_some())
        .ok_or_else(|| format!("{country:?} is not a country such as US, GB or DE"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_may_be_dialled_with_a_plus_without_or_as_a_tel_uri() {
        for text in [
            "15550100001",
            "+15550100001",
            "tel:+15550100001",
            "TEL:+1-555-010-0001;phone-context=example.com",
            "+1 (555) 010.0001",
        ] {
            assert_eq!(normalise(text).as_deref(), Some("+15550100001"), "{text}");
        }
        for text in ["", "+", "1", "tel:", "agent1", "+1555010000100001", "+1555a", "++1555"] {
            assert_eq!(normalise(text), None, "{text}");
        }
    }

    #[test]
    fn national_input_is_read_with_its_country() {
        let read = |text, country| Phone::parse(text, country).map(|it| it.to_string());
        assert_eq!(read("(202) 555-0173", Some("US")).unwrap(), "+12025550173");
        assert_eq!(read("020 7183 8750", Some("gb")).unwrap(), "+442071838750");
        assert_eq!(read("+442071838750", Some("US")).unwrap(), "+442071838750");
        assert_eq!(read("12025550173", None).unwrap(), "+12025550173");
        assert!(read("12", Some("US")).unwrap_err().contains("too long or too short"));
        assert!(read("2025550173", Some("XX")).unwrap_err().contains("not a country"));
        assert!(read("call me", Some("US")).is_err());
    }

    proptest::proptest! {
        #[test]
        fn what_was_normalised_stays_as_it_is(text in "(tel:)?[+]?[0-9 ().;=a-z-]{0,20}") {
            if let Some(number) = normalise(&text) {
                let parsed = Phone::parse(&number, None).unwrap();
                proptest::prop_assert_eq!(parsed.as_str(), &number);
            }
        }
    }
}
