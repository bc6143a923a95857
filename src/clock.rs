//! Time as a value. Nothing below the shell reads a clock: every input carries its moment.
//!
//! [`Instant`] is monotonic and drives every timer. [`Wall`] is the date, for records and
//! schedules only. The shell reads both once a batch and hands them in together as [`Now`].

mod alarms;

use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use self::alarms::Alarms;

/// A moment, in microseconds since the process started.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Instant(u64);

/// A date and time of day: microseconds since 1970-01-01 00:00 UTC.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Wall(i64);

/// One moment, told both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Now {
    pub at: Instant,
    pub wall: Wall,
}

impl Instant {
    /// The start of the process.
    pub const START: Self = Self(0);

    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the start.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to this moment; zero if `earlier` is the later one.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later.as_micros() as u64))
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, later: Duration) {
        *self = *self + later;
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, earlier: Duration) -> Self {
        Self(self.0.saturating_sub(earlier.as_micros() as u64))
    }
}

impl Wall {
    pub const fn from_unix_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970-01-01 00:00 UTC.
    pub const fn unix_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01 00:00 UTC.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }
}

impl Add<Duration> for Wall {
    type Output = Self;

    fn add(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later.as_micros() as i64))
    }
}

impl Now {
    /// The same moment, `later`.
    pub fn after(self, later: Duration) -> Self {
        Self { at: self.at + later, wall: self.wall + later }
    }

    /// The date of a moment before this one, if the clock on the wall has not been set since.
    pub fn wall_of(self, earlier: Instant) -> Wall {
        let ago = i64::try_from(self.at.since(earlier).as_micros()).unwrap_or(i64::MAX);
        Wall(self.wall.0.saturating_sub(ago))
    }
}
