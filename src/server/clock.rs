//! The one place that reads a clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::clock::{Instant, Now, Wall};

/// Reads both clocks, counting moments from when it was made.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: std::time::Instant,
}

impl Clock {
    #[allow(clippy::disallowed_methods, reason = "the shell reads the clock")]
    pub fn start() -> Self {
        Self { start: std::time::Instant::now() }
    }

    #[allow(clippy::disallowed_methods, reason = "the shell reads the clock")]
    pub fn now(self) -> Now {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Now {
            at: Instant::from_micros(self.start.elapsed().as_micros() as u64),
            wall: Wall::from_unix_micros(since.as_micros() as i64),
        }
    }

    /// The shell's own moment for one of ours, to sleep until.
    pub fn shell(self, at: Instant) -> std::time::Instant {
        self.start + Duration::from_micros(at.micros())
    }
}
