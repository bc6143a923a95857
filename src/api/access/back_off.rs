//! Who guesses, waits: attempts per source, with a pause that doubles. Pure: time is handed in.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use crate::clock::Wall;

/// Attempts that may fail before there is a pause.
const FREE: u32 = 5;
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// A source that has not failed for so long is forgotten.
const MEMORY: Duration = Duration::from_secs(60 * 60);
/// Sources that are remembered; one more takes the place of the one that has rested longest.
const SOURCES: usize = 10_000;

#[derive(Debug, Default)]
pub struct BackOff {
    sources: BTreeMap<IpAddr, Attempts>,
}

#[derive(Clone, Copy, Debug)]
struct Attempts {
    count: u32,
    last: Wall,
}

impl BackOff {
    /// Takes an attempt for a failed one, until it is forgiven; else how long to wait.
    pub fn attempt(&mut self, source: IpAddr, now: Wall) -> Result<(), Duration> {
        let source = network(source);
        let before = self.sources.get(&source).filter(|it| now < it.last + MEMORY).copied();
        let count = before.map_or(0, |it| it.count);
        if let Some(before) = before {
            let free_at = before.last + pause(count);
            if now < free_at {
                let micros = free_at.unix_micros().saturating_sub(now.unix_micros());
                return Err(Duration::from_micros(micros.unsigned_abs()));
            }
        }
        if before.is_none() {
            self.make_room(now);
        }
        self.sources.insert(source, Attempts { count: count.saturating_add(1), last: now });
        Ok(())
    }

    /// It did not fail.
    pub fn forgive(&mut self, source: IpAddr) {
        self.sources.remove(&network(source));
    }

    fn make_room(&mut self, now: Wall) {
        if self.sources.len() < SOURCES {
            return;
        }
        self.sources.retain(|_, it| now < it.last + MEMORY);
        if SOURCES <= self.sources.len()
            && let Some(oldest) = self.sources.iter().min_by_key(|it| it.1.last).map(|it| *it.0)
        {
            self.sources.remove(&oldest);
        }
    }
}

/// After so many failures.
fn pause(count: u32) -> Duration {
    match count.checked_sub(FREE) {
        None => Duration::ZERO,
        Some(beyond) => (FIRST * 2u32.saturating_pow(beyond.min(16))).min(LONGEST),
    }
}

/// Whoever has one IPv6 address has at least 2^64 of them.
fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(it) => Ipv6Addr::from(u128::from(it) >> 64 << 64).into(),
        v4 => v4,
    }
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
    fn a_few_attempts_are_free_then_each_costs_twice_the_time() {
        let (mut it, from) = (BackOff::default(), ip("192.0.2.1"));
        for _ in 0..FREE {
            assert_eq!(it.attempt(from, at(0)), Ok(()));
        }
        assert_eq!(it.attempt(from, at(0)), Err(Duration::from_secs(1)));
        assert_eq!(it.attempt(ip("192.0.2.2"), at(0)), Ok(()), "others do not wait");
        assert_eq!(it.attempt(from, at(1)), Ok(()));
        assert_eq!(it.attempt(from, at(2)), Err(Duration::from_secs(1)));
        assert_eq!(it.attempt(from, at(3)), Ok(()));
        assert_eq!(it.attempt(from, at(3)), Err(Duration::from_secs(4)));
        it.forgive(from);
        assert_eq!(it.attempt(from, at(3)), Ok(()));
    }

    #[test]
    fn the_pause_has_an_end_and_is_forgotten() {
        let (mut it, from) = (BackOff::default(), ip("192.0.2.1"));
        let mut now = 0;
        for _ in 0..40 {
            while let Err(wait) = it.attempt(from, at(now)) {
                assert!(wait <= LONGEST);
                now += wait.as_secs().max(1) as i64;
            }
        }
        assert_eq!(it.attempt(from, at(now)), Err(LONGEST));
        assert_eq!(it.attempt(from, at(now + 3600)), Ok(()));
        assert_eq!(it.attempt(from, at(now + 3600)), Ok(()));
    }

    #[test]
    fn a_network_of_ipv6_is_one_source_and_so_is_ipv4_in_ipv6() {
        let mut it = BackOff::default();
        for host in 0..FREE {
            assert_eq!(it.attempt(ip(&format!("2001:db8::{host}")), at(0)), Ok(()));
        }
        assert!(it.attempt(ip("2001:db8::ffff"), at(0)).is_err());
        assert!(it.attempt(ip("2001:db8:0:1::1"), at(0)).is_ok());
        for _ in 0..FREE {
            assert_eq!(it.attempt(ip("::ffff:192.0.2.1"), at(0)), Ok(()));
        }
        assert!(it.attempt(ip("192.0.2.1"), at(0)).is_err());
    }

    #[test]
    fn many_sources_take_no_more_room_than_there_is() {
        let mut it = BackOff::default();
        for n in 0..SOURCES as u32 + 100 {
            assert!(it.attempt(IpAddr::V4((0x0a00_0000 + n).into()), at(n.into())).is_ok());
            assert!(it.sources.len() <= SOURCES);
        }
        assert!(!it.sources.contains_key(&ip("10.0.0.0")), "the oldest made room");
    }
}
