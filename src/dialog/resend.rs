//! When to send again, and when to stop: the schedule of what has no transaction of its own.
//!
//! A 2xx to an INVITE is resent at T1, doubling up to T2 (RFC 3261 section 13.3.1.4); a reliable
//! provisional response doubles without a cap (RFC 3262 section 3). Both stop after 64*T1.

use std::time::Duration;

use crate::clock::Instant;
pub(super) use crate::transaction::LIFETIME as PATIENCE;
use crate::transaction::{T1, T2};

#[derive(Clone, Debug)]
pub(super) struct Resend {
    next: Instant,
    interval: Duration,
    cap: Duration,
    until: Instant,
}

/// What the moment asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Again,
    GiveUp,
}

impl Resend {
    /// For a 2xx: T1 doubling to T2.
    pub fn of_2xx(now: Instant) -> Self {
        Self { next: now + T1, interval: T1, cap: T2, until: now + PATIENCE }
    }

    /// For a reliable provisional response: T1 doubling.
    pub fn of_18x(now: Instant) -> Self {
        Self { next: now + T1, interval: T1, cap: PATIENCE, until: now + PATIENCE }
    }

    pub fn deadline(&self) -> Instant {
        self.next.min(self.until)
    }

    pub fn on_time(&mut self, now: Instant) -> Due {
        if self.until <= now {
            return Due::GiveUp;
        }
        if now < self.next {
            return Due::Nothing;
        }
        self.interval = (self.interval * 2).min(self.cap);
        self.next = now + self.interval;
        Due::Again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent_at(mut resend: Resend) -> Vec<u128> {
        let mut at = Vec::new();
        loop {
            let now = resend.deadline();
            match resend.on_time(now) {
                Due::Again => at.push(now.since(Instant::START).as_millis()),
                Due::Nothing => panic!("woken for nothing"),
                Due::GiveUp => return at,
            }
        }
    }

    #[test]
    fn a_2xx_is_resent_at_t1_doubling_to_t2_for_32_seconds() {
        let at = sent_at(Resend::of_2xx(Instant::START));
        assert_eq!(at[..5], [500, 1_500, 3_500, 7_500, 11_500]);
        assert_eq!(at.last(), Some(&31_500));
    }

    #[test]
    fn a_reliable_18x_doubles_without_a_cap() {
        let at = sent_at(Resend::of_18x(Instant::START));
        assert_eq!(at, [500, 1_500, 3_500, 7_500, 15_500, 31_500]);
    }
}
