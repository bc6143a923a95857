//! Who has called before: what the condition "repeat caller" of a router's rule asks.
//!
//! Numbers are kept as keyed hashes, so that a dump of the memory tells none. Bounded: the callers
//! heard from longest ago are forgotten first, and so is whoever has not called for as long as a
//! rule may ask. After a restart the shell tells the calls of that time again, from their records.

use std::collections::{HashMap, VecDeque};

use sha2::{Digest, Sha256};

use crate::clock::Wall;
use crate::model::{Caller, Condition};

/// Callers that are remembered; about 60 bytes each.
pub const CALLERS_MAX: usize = 1_000_000;

/// When each caller called last.
pub struct Callers {
    key: [u8; 32],
    last: HashMap<u64, Wall>,
    /// Calls in the order they were told. Those that are not their caller's last are stale.
    order: VecDeque<(u64, Wall)>,
    most: usize,
}

impl Callers {
    /// `key` must be hard to guess.
    pub fn new(key: [u8; 32]) -> Self {
        Self { key, last: HashMap::new(), order: VecDeque::new(), most: CALLERS_MAX }
    }

    /// When this caller called last, if it is known and not too long ago.
    pub fn called_before(&self, caller: &Caller, now: Wall) -> Option<Wall> {
        if caller.number.is_empty() || self.last.is_empty() {
            return None;
        }
        let at = *self.last.get(&self.hash(&caller.number))?;
        (now <= at + Condition::REMEMBERED).then_some(at)
    }

    /// This caller called at `at`.
    pub fn called(&mut self, number: &str, at: Wall) {
        if number.is_empty() {
            return;
        }
        let caller = self.hash(number);
        if self.last.get(&caller).is_some_and(|last| at <= *last) {
            return;
        }
        self.last.insert(caller, at);
        self.order.push_back((caller, at));
        // One caller who calls again and again adds to the order, not to the callers.
        while self.most < self.last.len() || 2 * self.most < self.order.len() {
            let Some((caller, at)) = self.order.pop_front() else { return };
            if self.last.get(&caller) == Some(&at) {
                self.last.remove(&caller);
            }
        }
    }

    /// How many callers are remembered.
    pub fn len(&self) -> usize {
        self.last.len()
    }

    pub fn is_empty(&self) -> bool {
        self.last.is_empty()
    }

    fn hash(&self, number: &str) -> u64 {
        let digest = Sha256::new().chain_update(self.key).chain_update(number).finalize();
        digest.first_chunk().map_or(0, |it| u64::from_be_bytes(*it))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOON: Wall = Wall::from_unix_micros(1_767_960_000_000_000);

    fn later(seconds: u64) -> Wall {
        NOON + Duration::from_secs(seconds)
    }

    fn before(callers: &Callers, number: &str, now: Wall) -> Option<Wall> {
        callers.called_before(&Caller::new(number), now)
    }

    #[test]
    fn a_caller_is_known_by_its_last_call() {
        let mut callers = Callers::new([7; 32]);
        assert_eq!(before(&callers, "+1", NOON), None);
        callers.called("+1", later(9));
        callers.called("+1", later(3));
        assert_eq!(before(&callers, "+1", later(10)), Some(later(9)));
        assert_eq!(before(&callers, "+2", later(10)), None);
        assert_eq!(callers.len(), 1);
    }

    #[test]
    fn nobody_is_never_the_same_caller() {
        let mut callers = Callers::new([7; 32]);
        callers.called("", NOON);
        assert!(callers.is_empty());
        assert_eq!(before(&callers, "", later(1)), None);
    }

    #[test]
    fn a_caller_is_forgotten_when_no_rule_may_ask_any_more() {
        let mut callers = Callers::new([7; 32]);
        callers.called("+1", NOON);
        let month = Condition::REMEMBERED.as_secs();
        assert_eq!(before(&callers, "+1", later(month)), Some(NOON));
        assert_eq!(before(&callers, "+1", later(month + 1)), None);
    }

    #[test]
    fn the_callers_heard_from_longest_ago_are_forgotten_first() {
        let mut callers = Callers { most: 3, ..Callers::new([7; 32]) };
        for (n, number) in ["+1", "+2", "+3", "+1", "+4"].into_iter().enumerate() {
            callers.called(number, later(n as u64));
        }
        let known = ["+1", "+2", "+3", "+4"].map(|it| before(&callers, it, later(9)).is_some());
        assert_eq!(known, [true, false, true, true]);
    }

    #[test]
    fn a_caller_who_calls_again_and_again_does_not_fill_the_memory() {
        let mut callers = Callers { most: 3, ..Callers::new([7; 32]) };
        for n in 0..1000 {
            callers.called("+1", later(n));
            assert!(callers.order.len() <= 6 && callers.len() == 1);
        }
    }
}
