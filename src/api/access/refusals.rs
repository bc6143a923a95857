//! Sign-ins that were refused because there is no such user: who guesses names by the thousand does
//! not fill the database. The first of a source in a minute is written by itself; of the others in
//! that minute the number, and a few of the names, once it is over. Pure: time is handed in.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::{Value, json};

use crate::api::serve::network;
use crate::clock::Wall;

const MINUTE: i64 = 60_000_000;
/// Sources of a minute that are told apart.
const SOURCES: usize = 100;
/// Names of a source and minute that are told, and characters of each.
const NAMES: usize = 5;
const NAME: usize = 64;

/// Those of one minute.
#[derive(Debug, Default)]
pub struct Refusals {
    minute: i64,
    of: BTreeMap<IpAddr, Folded>,
    /// Of sources beyond those.
    others: Folded,
}

#[derive(Debug, Default)]
struct Folded {
    count: u32,
    names: BTreeSet<String>,
    last: Wall,
}

/// Several of them, as they are written.
#[derive(Debug, PartialEq, Eq)]
pub struct Several {
    /// Empty if they are of many.
    pub source: String,
    /// When the last of them came.
    pub at: Wall,
    pub detail: Value,
}

impl Refusals {
    /// One more; `true` if it is to be written by itself. Ask for what is [`due`](Self::due) first.
    pub fn note(&mut self, source: IpAddr, name: &str, now: Wall) -> bool {
        self.minute = minute(now);
        let source = network(source);
        let room = self.of.len() < SOURCES;
        let folded = match self.of.get_mut(&source) {
            Some(folded) => folded,
            None if room => {
                self.of.insert(source, Folded::default());
                return true;
            }
            None => &mut self.others,
        };
        folded.count = folded.count.saturating_add(1);
        folded.last = now;
        if folded.names.len() < NAMES {
            folded.names.insert(cut(name));
        }
        false
    }

    /// Those of the minute that is over.
    pub fn due(&mut self, now: Wall) -> Vec<Several> {
        if minute(now) == self.minute {
            return Vec::new();
        }
        let others = std::mem::take(&mut self.others);
        let of = std::mem::take(&mut self.of).into_iter();
        let all = of.map(|(source, it)| (source.to_string(), it));
        let all = all.chain([(String::new(), others)]).filter(|it| 0 < it.1.count);
        let several = |(source, it): (String, Folded)| Several {
            source,
            at: it.last,
            detail: json!({"attempts": it.count, "names": it.names}),
        };
        all.map(several).collect()
    }
}

/// Of a name that somebody made up.
pub fn cut(name: &str) -> String {
    name.chars().take(NAME).collect()
}

fn minute(at: Wall) -> i64 {
    at.unix_micros().div_euclid(MINUTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Wall {
        Wall::from_unix_micros(seconds * 1_000_000)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn of_a_source_the_first_of_a_minute_is_written_and_the_others_are_counted() {
        let mut it = Refusals::default();
        let from = ip("192.0.2.1");
        assert!(it.note(from, "a", at(60)));
        assert!(it.note(ip("192.0.2.2"), "a", at(61)));
        for (n, name) in ["b", "c", "b", "d", "e", "f", "g"].iter().enumerate() {
            assert!(!it.note(from, name, at(62 + n as i64)));
        }
        assert_eq!(it.due(at(119)), []);
        let detail = json!({"attempts": 7, "names": ["b", "c", "d", "e", "f"]});
        let wanted = Several { source: "192.0.2.1".to_owned(), at: at(68), detail };
        assert_eq!(it.due(at(120)), [wanted]);
        assert_eq!(it.due(at(120)), []);
        assert!(it.note(from, "a", at(121)), "a new minute");
        assert_eq!(it.due(at(3)), [], "a clock that is set back loses nothing but order");
    }

    #[test]
    fn many_sources_are_told_together_and_names_are_short() {
        let mut it = Refusals::default();
        let source = |n: u32| IpAddr::V4((0x0a00_0000 + n).into());
        let long = "\u{e9}".repeat(10_000);
        let alone = (0..10_000).filter(|n| it.note(source(*n), &long, at(1))).count();
        assert_eq!(alone, SOURCES);
        // Of one network there is but one.
        assert!(!it.note(ip("2001:db8::1"), "x", at(2)) && !it.note(ip("2001:db8::2"), "x", at(2)));
        let due = it.due(at(60));
        assert_eq!(due.len(), 1);
        assert_eq!((&*due[0].source, &due[0].detail["attempts"]), ("", &json!(9_902)));
        assert_eq!(due[0].detail["names"][1].as_str().unwrap().chars().count(), NAME);
    }
}
