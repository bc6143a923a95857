//! From when until when a certificate holds (X.509, RFC 5280 section 4.1), read out of its DER. All
//! else in it is rustls' business.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::clock::Wall;

const INTEGER: u8 = 0x02;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
/// `[0] EXPLICIT`: there is none in a certificate of version 1.
const VERSION: u8 = 0xa0;

/// When a certificate holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    pub from: Wall,
    pub until: Wall,
}

impl Validity {
    pub fn of(certificate: &[u8]) -> Option<Self> {
        let (whole, _) = value(certificate, SEQUENCE)?;
        let (mut rest, _) = value(whole, SEQUENCE)?;
        if let Some((_, after)) = value(rest, VERSION) {
            rest = after;
        }
        // Its number, how it is signed, and who issued it.
        for tag in [INTEGER, SEQUENCE, SEQUENCE] {
            rest = value(rest, tag)?.1;
        }
        let (dates, _) = value(rest, SEQUENCE)?;
        let (from, rest) = date(dates)?;
        let (until, _) = date(rest)?;
        Some(Self { from, until })
    }

    pub fn holds(self, at: Wall) -> bool {
        self.from <= at && at < self.until
    }
}

/// What stands in the first value if it is of this kind, and what comes behind it.
fn value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first().filter(|_| *found == tag)?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0, |length, it| length << 8 | usize::from(*it)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// The first value as a moment (section 4.1.2.5: UTCTime up to 2049, GeneralizedTime from then on,
/// both with seconds and `Z`).
fn date(der: &[u8]) -> Option<(Wall, &[u8])> {
    let (text, rest, century) = match (value(der, UTC_TIME), value(der, GENERALIZED_TIME)) {
        (Some((text, rest)), _) => {
            let first = text.first()?;
            (text, rest, if *first < b'5' { "20" } else { "19" })
        }
        (None, Some((text, rest))) => (text, rest, ""),
        (None, None) => return None,
    };
    let text = format!("{century}{}", std::str::from_utf8(text).ok()?);
    let at = DateTime::strptime("%Y%m%d%H%M%SZ", &text).ok()?;
    // "99991231235959Z" is for ever, and later than there are moments.
    let at = at.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |it| it.timestamp());
    Some((Wall::from_unix_micros(at.as_microsecond()), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(tag: u8, inner: &[u8]) -> Vec<u8> {
        let mut der = vec![tag];
        match inner.len() {
            short @ 0..=127 => der.push(short as u8),
            long => der.extend([0x82, (long >> 8) as u8, long as u8]),
        }
        der.extend(inner);
        der
    }

    /// A certificate as far as it is looked at, with names of so many bytes.
    fn certificate(dates: &[(u8, &str)], name: usize) -> Vec<u8> {
        let dates: Vec<_> = dates.iter().flat_map(|it| wrapped(it.0, it.1.as_bytes())).collect();
        let inner = [
            wrapped(VERSION, &wrapped(INTEGER, &[2])),
            wrapped(INTEGER, &[1, 2, 3]),
            wrapped(SEQUENCE, &[6, 1, 1]),
            wrapped(SEQUENCE, &vec![5; name]),
            wrapped(SEQUENCE, &dates),
        ];
        wrapped(SEQUENCE, &wrapped(SEQUENCE, &inner.concat()))
    }

    fn at(text: &str) -> Wall {
        Wall::from_unix_micros(text.parse::<Timestamp>().unwrap().as_microsecond())
    }

    #[test]
    fn dates_are_read_in_both_ways_that_they_are_written() {
        let dates = [(UTC_TIME, "491231235959Z"), (GENERALIZED_TIME, "20500101000000Z")];
        for name in [0, 127, 128, 40_000] {
            let read = Validity::of(&certificate(&dates, name)).unwrap();
            assert_eq!(read.from, at("2049-12-31T23:59:59Z"));
            assert_eq!(read.until, at("2050-01-01T00:00:00Z"));
            assert!(read.holds(read.from) && !read.holds(read.until));
        }
        let dates = [(UTC_TIME, "500101000000Z"), (GENERALIZED_TIME, "99991231235959Z")];
        let read = Validity::of(&certificate(&dates, 9)).unwrap();
        assert_eq!(read.from, at("1950-01-01T00:00:00Z"));
        assert!(at("9999-01-01T00:00:00Z") < read.until);
    }

    #[test]
    fn what_is_cut_off_or_no_date_is_none() {
        let whole = certificate(&[(UTC_TIME, "260101000000Z"), (UTC_TIME, "270101000000Z")], 200);
        assert!(Validity::of(&whole).is_some());
        for length in 0..whole.len() {
            assert_eq!(Validity::of(&whole[..length]), None, "{length}");
        }
        for wrong in ["", "2601010000Z", "261301000000Z", "260101000000", "26010100000\u{e9}Z"] {
            let der = certificate(&[(UTC_TIME, "260101000000Z"), (UTC_TIME, wrong)], 1);
            assert_eq!(Validity::of(&der), None, "{wrong}");
        }
        // A length of more than there could ever be.
        assert_eq!(Validity::of(&[SEQUENCE, 0x84, 0xff, 0xff, 0xff, 0xff, 0]), None);
        assert_eq!(Validity::of(&[SEQUENCE, 0x80, 0, 0]), None);
    }
}
