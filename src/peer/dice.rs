//! Numbers that only have to differ (SplitMix64): jitter, weights, spreading. Nothing secret.

use std::time::Duration;

pub(super) struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ it >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ it >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        it ^ it >> 31
    }

    /// From 0 up to and including `most`.
    pub fn up_to(&mut self, most: u32) -> u32 {
        let sides = u64::from(most) + 1;
        (((self.roll() >> 32) * sides) >> 32) as u32
    }

    /// Some part of a time.
    pub fn part_of(&mut self, time: Duration) -> Duration {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).min(1 << 52);
        Duration::from_micros(((u128::from(self.roll()) * u128::from(micros)) >> 64) as u64)
    }
}
