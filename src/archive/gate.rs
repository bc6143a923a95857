//! Who is full or away holds up one kind of work for a while, not each file on its own.

use std::time::Duration;

use crate::clock::Wall;

/// The wait after the first failure; each further one waits twice as long, with jitter.
pub const FIRST_WAIT: Duration = Duration::from_secs(1);
/// .. up to this.
pub const LONGEST_WAIT: Duration = Duration::from_secs(300);
/// Characters of a reason that are kept.
const WHY_MAX: usize = 200;

/// Whether something can be asked for: opens by itself, and for good once it was of use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gate {
    failures: u32,
    until: Wall,
    /// Since when nothing has come of it, and why.
    since: Option<(Wall, String)>,
}

/// One for each that work goes through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gates {
    /// Sealing: needs room on the disk.
    pub sealing: Gate,
    /// The object storage.
    pub objects: Gate,
    /// Until when nothing is deleted because its time is up ([`Calendar`](super::Calendar)).
    pub doubt: Option<Wall>,
}

impl Gates {
    /// Until when nobody's time is up, if it is so.
    pub fn doubt(&self, now: Wall) -> Option<Wall> {
        self.doubt.filter(|it| now < *it)
    }
}

impl Gate {
    /// Until when it is closed, if it is.
    pub fn closed(&self, now: Wall) -> Option<Wall> {
        // A clock that was put back does not close it for longer than it may be.
        (now < self.until).then(|| self.until.min(now + LONGEST_WAIT))
    }

    /// Since when it fails, and why.
    pub fn trouble(&self) -> Option<(Wall, &str)> {
        self.since.as_ref().map(|(since, why)| (*since, why.as_str()))
    }

    pub fn worked(&mut self) {
        *self = Self::default();
    }

    /// It was asked in vain. `chance` is any number, for the jitter.
    pub fn failed(&mut self, why: &str, chance: u32, now: Wall) {
        if self.closed(now).is_some() {
            // Asked before it closed: no worse than what is known.
            return;
        }
        self.failures = self.failures.saturating_add(1);
        self.until = now + wait(self.failures, LONGEST_WAIT, chance);
        let since = self.since.take().map_or(now, |it| it.0);
        self.since = Some((since, cut(why)));
    }
}

/// Twice as long after each failure, between a half and all of it.
pub(super) fn wait(failures: u32, longest: Duration, chance: u32) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << failures.saturating_sub(1).min(20));
    let most = doubled.min(longest);
    most / 2 + (most / 2).mul_f64(f64::from(chance) / f64::from(u32::MAX))
}

pub(super) fn cut(why: &str) -> String {
    why.chars().take(WHY_MAX).collect()
}
