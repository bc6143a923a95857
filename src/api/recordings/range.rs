//! `Range: bytes=..` (RFC 9110 section 14.1.2): one part. What cannot be read asks for all.

use std::ops::Range;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Whole,
    Of(Range<u64>),
    /// There is no such part: 416.
    Outside,
}

/// Several parts at once are answered with all of it, as they may be.
pub fn read(text: &str, length: u64) -> Part {
    let Some((first, last)) = text.trim().strip_prefix("bytes=").and_then(|it| it.split_once('-'))
    else {
        return Part::Whole;
    };
    let number = |it: &str| it.trim().parse::<u64>().ok();
    let part = match (first.trim(), last.trim()) {
        ("", last) => match number(last) {
            Some(0) => return Part::Outside,
            Some(last) => length.saturating_sub(last)..length,
            None => return Part::Whole,
        },
        (first, "") => match number(first) {
            Some(first) => first..length,
            None => return Part::Whole,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(length),
            _ => return Part::Whole,
        },
    };
    match part.start < length {
        true => Part::Of(part),
        false => Part::Outside,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_counted_from_either_end() {
        for (text, wanted) in [
            ("bytes=0-99", Part::Of(0..100)),
            ("bytes=0-0", Part::Of(0..1)),
            ("bytes=900-", Part::Of(900..1000)),
            ("bytes=-100", Part::Of(900..1000)),
            ("bytes=-5000", Part::Of(0..1000)),
            ("bytes=990-2000", Part::Of(990..1000)),
            ("bytes=1000-", Part::Outside),
            ("bytes=1000-1001", Part::Outside),
            ("bytes=-0", Part::Outside),
            ("bytes=5-4", Part::Whole),
            ("bytes=0-1,5-6", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("lines=0-1", Part::Whole),
            ("bytes=99999999999999999999-", Part::Whole),
            ("bytes=0-18446744073709551615", Part::Of(0..1000)),
        ] {
            assert_eq!(read(text, 1000), wanted, "{text}");
        }
        assert_eq!(read("bytes=0-", 0), Part::Outside);
    }
}
