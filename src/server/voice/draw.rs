//! In which order ports are bound: one that nobody outside can foretell (EDGE S-30).

use rand_chacha::ChaCha12Rng;
use rand_core::{RngCore, SeedableRng};

use crate::config::value::Ports;

/// The even ports of a range, each once.
pub struct Draw(Vec<u16>);

impl Draw {
    pub fn new(ports: &Ports, seed: [u8; 32]) -> Self {
        let mut chance = ChaCha12Rng::from_seed(seed);
        let mut all: Vec<u16> = (ports.first..ports.last).step_by(2).collect();
        // Fisher and Yates: each place gets one of those that are left.
        for n in (1..all.len()).rev() {
            let other = (chance.next_u64() % (n as u64 + 1)) as usize;
            all.swap(n, other);
        }
        Self(all)
    }
}

impl Iterator for Draw {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        self.0.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_even_port_comes_once_and_in_no_order() {
        for (first, last) in [(30_000, 30_003), (30_000, 30_999), (30_000, 31_000), (1024, 65_535)]
        {
            let ports = Ports { first, last };
            let drawn: Vec<u16> = Draw::new(&ports, [7; 32]).collect();
            assert_eq!(drawn.len(), ports.pairs() as usize);
            let other: Vec<u16> = Draw::new(&ports, [8; 32]).collect();
            assert!(drawn != other || drawn.len() < 9, "the seed decides");
            let mut sorted = drawn.clone();
            sorted.sort_unstable();
            assert!(drawn != sorted || drawn.len() < 9);
            assert!(sorted.iter().all(|it| it % 2 == 0 && *it < last));
            sorted.dedup();
            assert_eq!(sorted.len(), drawn.len());
        }
    }
}
