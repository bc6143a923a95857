//! Whether the clock on the wall can be believed, by which recordings are deleted.
//!
//! A clock that is set (a battery that is empty, a machine that slept, a server of time that lies)
//! leaps, and all at once the time of everything seems to be up. What was deleted does not come
//! back: after a leap nothing is deleted by the clock for a day, in which somebody may see it.

use std::time::Duration;

use crate::clock::{Instant, Now, Wall};

/// By how much the two clocks may differ between two looks.
const LEAP: Duration = Duration::from_secs(3600);
/// How long before the start the last call may have been: who was off for longer looks twice.
const QUIET: Duration = Duration::from_secs(30 * 86_400);
/// How long nothing is deleted.
const DOUBT: Duration = Duration::from_secs(86_400);

/// See the head of this file.
#[derive(Clone, Debug)]
pub struct Calendar {
    /// When the last call came that was known at the start.
    newest: Option<Wall>,
    last: Option<Now>,
    until: Option<Instant>,
}

impl Calendar {
    /// `newest` is the latest moment that was written down, if there is any.
    pub fn new(newest: Option<Wall>) -> Self {
        Self { newest, last: None, until: None }
    }

    /// A look at the clock; `true` if it leapt since the one before.
    pub fn on(&mut self, now: Now) -> bool {
        let leapt = match self.last.replace(now) {
            Some(last) => {
                let passed = now.at.since(last.at);
                let told = now.wall.unix_micros().abs_diff((last.wall + passed).unix_micros());
                LEAP < Duration::from_micros(told)
            }
            None => self.newest.is_some_and(|it| it + QUIET < now.wall),
        };
        if leapt {
            self.until = Some(now.at + DOUBT);
        }
        leapt
    }

    /// Until when nothing is deleted.
    pub fn doubt(&self, now: Now) -> Option<Wall> {
        let left = self.until?.since(now.at);
        (!left.is_zero()).then(|| now.wall + left)
    }
}
