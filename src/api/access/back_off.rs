//! Who guesses, waits: attempts that failed, with a pause that doubles (EDGE S-23). Pure: time is
//! handed in.
//!
//! Counted are a source with one user, which a right password makes good; and a source with all
//! users, of which a right password only takes back itself: who has an account does not guess at
//! those of others for it. A user is never locked: that would be a way to shut somebody out.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::api::serve::network;
use crate::clock::Wall;

/// Attempts of a source that may fail before there is a pause: at one user, and in an hour at all.
const FREE: u32 = 5;
const FREE_IN_ALL: u32 = 30;
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// After so long it is forgotten: at one user since the last, at all since the first.
const MEMORY: Duration = Duration::from_secs(60 * 60);
/// Of each kind so many are remembered; one more takes the place of the one that has rested longest.
const REMEMBERED: usize = 10_000;

#[derive(Debug, Default)]
pub struct BackOff {
    of_user: BTreeMap<(IpAddr, String), Attempts>,
    of_source: BTreeMap<IpAddr, Attempts>,
    /// Those with keys that there are not: whose program goes on with one that was taken back can
    /// sign in all the same.
    keys: BTreeMap<IpAddr, Attempts>,
}

#[derive(Clone, Copy, Debug)]
struct Attempts {
    count: u32,
    first: Wall,
    last: Wall,
}

impl BackOff {
    /// Takes an attempt for a failed one, until it is forgiven; else how long to wait.
    pub fn attempt(&mut self, source: IpAddr, user: &str, now: Wall) -> Result<(), Duration> {
        let source = network(source);
        let pair = (source, user.to_owned());
        self.of_source.forget_unless(&source, |it| now < it.first + MEMORY);
        self.of_user.forget_unless(&pair, |it| now < it.last + MEMORY);
        may(self.of_source.get(&source), FREE_IN_ALL, now)?;
        may(self.of_user.get(&pair), FREE, now)?;
        count(&mut self.of_source, source, now);
        count(&mut self.of_user, pair, now);
        Ok(())
    }

    /// It did not fail.
    pub fn forgive(&mut self, source: IpAddr, user: &str) {
        let source = network(source);
        self.of_user.remove(&(source, user.to_owned()));
        if let Some(all) = self.of_source.get_mut(&source) {
            all.count = all.count.saturating_sub(1);
        }
    }

    /// A key that there is not.
    pub fn wrong_key(&mut self, source: IpAddr, now: Wall) -> Result<(), Duration> {
        let source = network(source);
        self.keys.forget_unless(&source, |it| now < it.first + MEMORY);
        may(self.keys.get(&source), FREE_IN_ALL, now)?;
        count(&mut self.keys, source, now);
        Ok(())
    }
}

trait Forget<K> {
    /// Forgets the one if it does not hold any more.
    fn forget_unless(&mut self, key: &K, holds: impl Fn(&Attempts) -> bool);
}

impl<K: Ord> Forget<K> for BTreeMap<K, Attempts> {
    fn forget_unless(&mut self, key: &K, holds: impl Fn(&Attempts) -> bool) {
        if self.get(key).is_some_and(|it| !holds(it)) {
            self.remove(key);
        }
    }
}

fn may(before: Option<&Attempts>, free: u32, now: Wall) -> Result<(), Duration> {
    let Some(before) = before else { return Ok(()) };
    let free_at = before.last + pause(before.count, free);
    if now < free_at {
        let micros = free_at.unix_micros().saturating_sub(now.unix_micros());
        return Err(Duration::from_micros(micros.unsigned_abs()));
    }
    Ok(())
}

fn count<K: Ord + Clone>(them: &mut BTreeMap<K, Attempts>, key: K, now: Wall) {
    if !them.contains_key(&key) && REMEMBERED <= them.len() {
        them.retain(|_, it| now < it.last + MEMORY);
        if REMEMBERED <= them.len()
            && let Some(oldest) = them.iter().min_by_key(|it| it.1.last).map(|it| it.0.clone())
        {
            them.remove(&oldest);
        }
    }
    let it = them.entry(key).or_insert(Attempts { count: 0, first: now, last: now });
    (it.count, it.last) = (it.count.saturating_add(1), now);
}

/// After so many failures.
fn pause(count: u32, free: u32) -> Duration {
    match count.checked_sub(free) {
        None => Duration::ZERO,
        Some(beyond) => (FIRST * 2u32.saturating_pow(beyond.min(16))).min(LONGEST),
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
            assert_eq!(it.attempt(from, "ada", at(0)), Ok(()));
        }
        assert_eq!(it.attempt(from, "ada", at(0)), Err(Duration::from_secs(1)));
        assert_eq!(it.attempt(ip("192.0.2.2"), "ada", at(0)), Ok(()), "others do not wait");
        assert_eq!(it.attempt(from, "bob", at(0)), Ok(()), "nor does another user here");
        assert_eq!(it.attempt(from, "ada", at(1)), Ok(()));
        assert_eq!(it.attempt(from, "ada", at(2)), Err(Duration::from_secs(1)));
        assert_eq!(it.attempt(from, "ada", at(3)), Ok(()));
        assert_eq!(it.attempt(from, "ada", at(3)), Err(Duration::from_secs(4)));
        it.forgive(from, "ada");
        assert_eq!(it.attempt(from, "ada", at(3)), Ok(()));
    }

    #[test]
    fn who_has_an_account_does_not_guess_at_those_of_others_for_it() {
        let (mut it, from) = (BackOff::default(), ip("192.0.2.1"));
        let mut guesses = 0;
        for n in 0..200 {
            guesses += u32::from(it.attempt(from, &format!("user{n}"), at(0)).is_ok());
            if it.attempt(from, "eve", at(0)).is_ok() {
                it.forgive(from, "eve");
            }
        }
        assert_eq!(guesses, FREE_IN_ALL);
        assert!(it.attempt(from, "eve", at(1)).is_ok(), "and waits a second for its own");
        assert!(it.attempt(from, "ada", at(3600)).is_ok(), "an hour later it is forgotten");
    }

    #[test]
    fn wrong_keys_lock_nobody_out_who_signs_in() {
        let (mut it, from) = (BackOff::default(), ip("192.0.2.1"));
        let wrong = (0..100).filter(|_| it.wrong_key(from, at(0)).is_ok()).count();
        assert_eq!(wrong, FREE_IN_ALL as usize);
        assert_eq!(it.attempt(from, "ada", at(0)), Ok(()));
    }

    #[test]
    fn the_pause_has_an_end_and_is_forgotten() {
        let (mut it, from) = (BackOff::default(), ip("192.0.2.1"));
        let mut now = 0;
        for _ in 0..40 {
            while let Err(wait) = it.attempt(from, "ada", at(now)) {
                assert!(wait <= LONGEST);
                now += wait.as_secs().max(1) as i64;
            }
        }
        assert_eq!(it.attempt(from, "ada", at(now)), Err(LONGEST));
        assert_eq!(it.attempt(from, "ada", at(now + 3600)), Ok(()));
        assert_eq!(it.attempt(from, "ada", at(now + 3600)), Ok(()));
    }

    #[test]
    fn a_network_of_ipv6_is_one_source_and_so_is_ipv4_in_ipv6() {
        let mut it = BackOff::default();
        for host in 0..FREE {
            assert_eq!(it.attempt(ip(&format!("2001:db8::{host}")), "ada", at(0)), Ok(()));
        }
        assert!(it.attempt(ip("2001:db8::ffff"), "ada", at(0)).is_err());
        assert!(it.attempt(ip("2001:db8:0:1::1"), "ada", at(0)).is_ok());
        for _ in 0..FREE {
            assert_eq!(it.attempt(ip("::ffff:192.0.2.1"), "ada", at(0)), Ok(()));
        }
        assert!(it.attempt(ip("192.0.2.1"), "ada", at(0)).is_err());
    }

    #[test]
    fn many_sources_take_no_more_room_than_there_is() {
        let mut it = BackOff::default();
        for n in 0..REMEMBERED as u32 + 100 {
            let source = IpAddr::V4((0x0a00_0000 + n).into());
            assert!(it.attempt(source, "ada", at((n / 100).into())).is_ok());
            assert!(it.wrong_key(source, at((n / 100).into())).is_ok());
            let held = [it.of_source.len(), it.of_user.len(), it.keys.len()];
            assert!(held.iter().all(|it| *it <= REMEMBERED));
        }
        assert!(!it.of_source.contains_key(&ip("10.0.0.0")), "the oldest made room");
    }
}
