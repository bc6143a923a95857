//! What is wrong with a configuration, and where.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Something wrong in a configuration file: place, key, what is wrong, what is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pub file: Arc<str>,
    /// Counted from 1; 0 if it is the whole file that is wrong.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// `receiving_number.no_answer.timeout`; empty if the file is no TOML.
    pub key: String,
    pub message: String,
    /// What would be right; empty if the message says it.
    pub allowed: String,
    /// What else is wrong, further down in the file.
    pub also: Box<[ConfigError]>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line != 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)?;
        if !self.allowed.is_empty() {
            write!(f, "\n  allowed: {}", self.allowed)?;
        }
        self.also.iter().try_for_each(|it| write!(f, "\n{it}"))
    }
}

impl std::error::Error for ConfigError {}

/// The same while the file is being read: the place is a span of its bytes.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    pub span: Range<usize>,
    pub key: String,
    pub message: String,
    pub allowed: String,
    pub also: Vec<Wrong>,
}

/// Mistakes that are told at once; who has more will read these first.
const TOLD_MAX: usize = 20;

impl Wrong {
    pub fn at(span: Range<usize>, message: impl Into<String>) -> Self {
        let (key, allowed, also) = (String::new(), String::new(), Vec::new());
        Self { span, key, message: message.into(), allowed, also }
    }

    /// All of these, in the order of the file; fine if there are none.
    pub fn none_of(mut all: Vec<Self>) -> Result<(), Self> {
        all.sort_by_key(|it| it.span.start);
        all.truncate(TOLD_MAX);
        if all.is_empty() {
            return Ok(());
        }
        let also = all.split_off(1);
        all.pop().map_or(Ok(()), |first| Err(Self { also, ..first }))
    }

    pub fn allowed(mut self, allowed: impl Into<String>) -> Self {
        if self.allowed.is_empty() {
            self.allowed = allowed.into();
        }
        self
    }

    /// Names the key, from the inside out.
    pub fn under(mut self, key: &str) -> Self {
        self.key = match self.key.as_str() {
            "" => key.to_owned(),
            inner => format!("{key}.{inner}"),
        };
        self
    }

    pub fn placed(self, file: &str, text: &str) -> ConfigError {
        let (line, column) = place(text, self.span.start);
        let (key, message, allowed) = (self.key, self.message, self.allowed);
        let also = self.also.into_iter().map(|it| it.placed(file, text)).collect();
        ConfigError { file: file.into(), line, column, key, message, allowed, also }
    }
}

/// Line and column (in characters) of a byte, both from 1.
pub(super) fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte.min(text.len())).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |it| it + 1);
    let line = before.matches('\n').count() + 1;
    (line, before.get(line_start..).unwrap_or_default().chars().count() + 1)
}

/// The name most like `wrong`, if any is like it at all.
pub(super) fn nearest<'a>(
    wrong: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let near = names.into_iter().map(|it| (distance(wrong, it), it));
    let best = near.min_by_key(|(far, _)| *far)?;
    (best.0 <= 1 + wrong.chars().count() / 3).then_some(best.1)
}

/// `; did you mean "office"?`, or nothing.
pub(super) fn guess<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    nearest(wrong, names).map(|it| format!("; did you mean {it:?}?")).unwrap_or_default()
}

/// Letters to change, add, leave out or swap to get from one to the other.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=to.len()).collect()];
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in to.iter().enumerate() {
            let mut best =
                (rows[i][j] + usize::from(a != b)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if 0 < i && 0 < j && *a == to[j - 1] && from[i - 1] == *b {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_and_a_far_one_is_not() {
        let names = ["timeout", "route", "busy_route"];
        assert_eq!(nearest("tiemout", names), Some("timeout"));
        assert_eq!(nearest("timeot", names), Some("timeout"));
        assert_eq!(nearest("rout", names), Some("route"));
        assert_eq!(nearest("whisper", names), None);
        assert_eq!(nearest("x", []), None);
    }

    #[test]
    fn places_count_characters_from_one() {
        assert_eq!(place("a\né = 1", 0), (1, 1));
        assert_eq!(place("a\né = 1", 2), (2, 1));
        assert_eq!(place("a\né = 1", 7), (2, 5));
        assert_eq!(place("a", 99), (1, 2));
    }
}
