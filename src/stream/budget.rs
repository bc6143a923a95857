//! How much a program may say in how much time: so much at once, so much a second from then on.

use crate::clock::Instant;

#[derive(Clone, Debug)]
pub(super) struct Budget {
    /// At once.
    most: u64,
    per_second: u64,
    /// What is left, in millionths.
    left: u64,
    at: Instant,
}

const MILLION: u64 = 1_000_000;

impl Budget {
    pub fn new(most: u64, per_second: u64, now: Instant) -> Self {
        Self { most, per_second, left: most * MILLION, at: now }
    }

    /// Takes so much, if it is there.
    pub fn take(&mut self, amount: u64, now: Instant) -> bool {
        let passed = u64::try_from(now.since(self.at).as_micros()).unwrap_or(u64::MAX);
        self.at = now;
        let gained = passed.saturating_mul(self.per_second);
        self.left = self.left.saturating_add(gained).min(self.most * MILLION);
        match self.left.checked_sub(amount.saturating_mul(MILLION)) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn so_much_at_once_and_so_much_a_second() {
        let mut now = Instant::START;
        let mut budget = Budget::new(10, 2, now);
        assert!(budget.take(10, now));
        assert!(!budget.take(1, now));
        now += Duration::from_millis(499);
        assert!(!budget.take(1, now));
        now += Duration::from_millis(1);
        assert!(budget.take(1, now));
        now += Duration::from_secs(3600);
        assert!(budget.take(10, now));
        assert!(!budget.take(1, now), "time does not add up beyond the most");
    }
}
