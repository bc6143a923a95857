//! The small pieces that header grammars share (RFC 3261 section 25.1): white space, tokens,
//! quoted strings, parameters, comma lists. A folded line's CR LF counts as white space.

use std::borrow::Cow;

use memchr::{memchr, memchr2};
use nom::bytes::complete::{take_while, take_while1};
use nom::character::complete::char as byte;
use nom::combinator::{map_opt, opt};
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

pub(super) type Read<'a, T> = IResult<&'a [u8], T>;

pub(super) const fn is_lws(c: u8) -> bool {
    matches!(c, b' ' | b'\t' | b'\r' | b'\n')
}

/// Looked up: nearly every byte of a head is asked this.
#[inline]
pub(super) const fn is_token(c: u8) -> bool {
    const TOKENS: [bool; 256] = table(b"-.!%*_+`'~");
    TOKENS[c as usize]
}

/// Letters, digits and these, as a table.
pub(super) const fn table(others: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut c = 0;
    while c < table.len() {
        table[c] = (c as u8).is_ascii_alphanumeric();
        c += 1;
    }
    let mut n = 0;
    while n < others.len() {
        table[others[n] as usize] = true;
        n += 1;
    }
    table
}

/// White space, or none.
pub(super) fn sws(input: &[u8]) -> Read<'_, &[u8]> {
    take_while(is_lws).parse(input)
}

pub(super) fn token(input: &[u8]) -> Read<'_, &[u8]> {
    take_while1(is_token).parse(input)
}

/// A character with white space around it.
pub(super) fn mark<'a>(
    c: char,
) -> impl Parser<&'a [u8], Output = char, Error = nom::error::Error<&'a [u8]>> {
    delimited(sws, byte(c), sws)
}

/// A decimal number that fits.
pub(super) fn number(input: &[u8]) -> Read<'_, u32> {
    map_opt(take_while1(|c: u8| c.is_ascii_digit()), decimal).parse(input)
}

/// Digits as a number, leading zeros allowed; `None` if it does not fit 32 bits.
pub(super) fn decimal(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |sum, c| {
        let digit = c.is_ascii_digit().then(|| u32::from(c - b'0'))?;
        sum.checked_mul(10)?.checked_add(digit)
    })
}

/// A quoted string, quotes and escapes included.
pub(super) fn quoted(input: &[u8]) -> Read<'_, &[u8]> {
    let fail = || nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Char));
    if input.first() != Some(&b'"') {
        return Err(fail());
    }
    let mut at = 1;
    while let Some(c) = input.get(at) {
        match c {
            b'\\' => at += 2,
            b'"' => return Ok((&input[at + 1..], &input[..=at])),
            _ => at += 1,
        }
    }
    Err(fail())
}

/// A parameter's value: a token, a host, or a quoted string.
fn value(input: &[u8]) -> Read<'_, &[u8]> {
    if input.first() == Some(&b'"') {
        return quoted(input);
    }
    take_while1(|c: u8| is_token(c) || matches!(c, b'[' | b']' | b':' | b'/' | b'@' | b'&' | b'$'))
        .parse(input)
}

/// A parameter's name and, if it has one, its value.
pub(super) type Parameter<'a> = (&'a [u8], Option<&'a [u8]>);

/// `;name` or `;name=value`, white space anywhere.
pub(super) fn parameter(input: &[u8]) -> Read<'_, Parameter<'_>> {
    let named = (token, opt(preceded(mark('='), value)));
    preceded(mark(';'), named).parse(input)
}

/// All parameters up to the end of the input; anything else is an error.
pub(super) fn parameters(mut input: &[u8]) -> Option<Vec<Parameter<'_>>> {
    let mut found = Vec::new();
    loop {
        let (rest, _) = sws(input).ok()?;
        if rest.is_empty() {
            return Some(found);
        }
        let (rest, one) = parameter(rest).ok()?;
        found.push(one);
        input = rest;
    }
}

/// A quoted string's text: quotes off, escapes undone.
pub(super) fn unquote(text: &[u8]) -> Cow<'_, [u8]> {
    let Some(inner) = text.strip_prefix(b"\"").and_then(|it| it.strip_suffix(b"\"")) else {
        return Cow::Borrowed(text);
    };
    if !inner.contains(&b'\\') {
        return Cow::Borrowed(inner);
    }
    let mut plain = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(c) = bytes.next() {
        plain.push(if *c == b'\\' { *bytes.next().unwrap_or(c) } else { *c });
    }
    Cow::Owned(plain)
}

/// A value with its folds joined: CR LF and the white space after it become one space.
pub(super) fn unfold(value: &[u8]) -> Cow<'_, [u8]> {
    if memchr2(b'\r', b'\n', value).is_none() {
        return Cow::Borrowed(value);
    }
    let mut joined = Vec::with_capacity(value.len());
    let mut bytes = value.iter().copied().peekable();
    while let Some(c) = bytes.next() {
        if matches!(c, b'\r' | b'\n') {
            while bytes.next_if(|it| is_lws(*it)).is_some() {}
            joined.push(b' ');
        } else {
            joined.push(c);
        }
    }
    Cow::Owned(joined)
}

pub(super) fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text
        && is_lws(*first)
    {
        text = rest;
    }
    while let [rest @ .., last] = text
        && is_lws(*last)
    {
        text = rest;
    }
    text
}

/// The elements of a comma list, trimmed; commas inside quotes or angle brackets do not count.
/// What is no list is its own only element.
pub(super) fn elements(value: &[u8], list: bool) -> Elements<'_> {
    Elements { rest: Some(value), list }
}

pub(super) struct Elements<'a> {
    rest: Option<&'a [u8]>,
    list: bool,
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let rest = self.rest?;
            let end = if self.list { element_end(rest) } else { rest.len() };
            self.rest = rest.get(end + 1..);
            let element = trim(&rest[..end]);
            // A list may have empty elements (", ,"): they are nothing.
            if !element.is_empty() || !self.list {
                return Some(element);
            }
        }
    }
}

/// Where the first element ends: at a comma outside quotes and brackets.
pub(super) fn element_end(text: &[u8]) -> usize {
    if memchr(b',', text).is_none() {
        return text.len();
    }
    let (mut at, mut quote, mut angle) = (0, false, false);
    while let Some(c) = text.get(at) {
        match c {
            b'\\' if quote => at += 1,
            b'"' if !angle => quote = !quote,
            b'<' if !quote => angle = true,
            b'>' if !quote => angle = false,
            b',' if !quote && !angle => return at,
            _ => (),
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_in_quotes_and_brackets_do_not_separate() {
        let value = b"\"a,\\\"b\" <sip:x,y@z>;p=\"q,r\" , <sip:w>,, c";
        let found: Vec<_> = elements(value, true).map(String::from_utf8_lossy).collect();
        assert_eq!(found, ["\"a,\\\"b\" <sip:x,y@z>;p=\"q,r\"", "<sip:w>", "c"]);
    }

    #[test]
    fn a_number_that_does_not_fit_is_none() {
        assert_eq!(decimal(b"0004294967295"), Some(u32::MAX));
        assert_eq!(decimal(b"4294967296"), None);
        assert_eq!(decimal(b"-1"), None);
        assert_eq!(decimal(b""), None);
    }

    #[test]
    fn folds_become_a_space() {
        assert_eq!(&*unfold(b"a\r\n   b\r\n\tc"), b"a b c");
    }
}
