//! In which order ports are bound: one that nobody outside can foretell (EDGE S-30).

use std::collections::VecDeque;

use rand_chacha::ChaCha12Rng;
use rand_core::{RngCore, SeedableRng};

use crate::config::value::Ports;

/// The even ports of a range, each once; but for those that another program has, which may let go.
pub struct Draw {
    untried: Vec<u16>,
    taken: VecDeque<u16>,
}

impl Draw {
    pub fn new(ports: &Ports, seed: [u8; 32]) -> Self {
        let mut chance = ChaCha12Rng::from_seed(seed);
        let mut all: Vec<u16> = (ports.first..ports.last).step_by(2).collect();
        // Fisher and Yates: each place gets one of those that are left.
        for n in (1..all.len()).rev() {
            let other = (chance.next_u64() % (n as u64 + 1)) as usize;
            all.swap(n, other);
        }
        Self { untried: all, taken: VecDeque::new() }
    }

    /// The next one to try; `again` of those that were taken before.
    pub fn next(&mut self, again: &mut usize) -> Option<u16> {
        self.untried.pop().or_else(|| {
            *again = again.checked_sub(1)?;
            self.taken.pop_front()
        })
    }

    /// Another program has it.
    pub fn is_taken(&mut self, port: u16) {
        self.taken.push_back(port);
    }

    /// It was not its own fault that it could not be bound.
    pub fn give_back(&mut self, port: u16) {
        self.untried.push(port);
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
            let all = |mut draw: Draw| std::iter::from_fn(|| draw.next(&mut 9)).collect();
            let drawn: Vec<u16> = all(Draw::new(&ports, [7; 32]));
            assert_eq!(drawn.len(), ports.pairs() as usize);
            let other: Vec<u16> = all(Draw::new(&ports, [8; 32]));
            assert!(drawn != other || drawn.len() < 9, "the seed decides");
            let mut sorted = drawn.clone();
            sorted.sort_unstable();
            assert!(drawn != sorted || drawn.len() < 9);
            assert!(sorted.iter().all(|it| it % 2 == 0 && *it < last));
            sorted.dedup();
            assert_eq!(sorted.len(), drawn.len());
        }
    }

    #[test]
    fn a_port_that_was_taken_comes_again_after_the_others_a_few_at_a_time() {
        let ports = Ports { first: 30_000, last: 30_007 };
        let mut draw = Draw::new(&ports, [7; 32]);
        let first = draw.next(&mut 0).unwrap();
        draw.is_taken(first);
        let second = draw.next(&mut 0).unwrap();
        draw.give_back(second);
        assert_eq!(draw.next(&mut 0), Some(second));
        let third = draw.next(&mut 0).unwrap();
        draw.is_taken(third);
        assert!(draw.next(&mut 0).is_some());
        let mut again = 1;
        assert_eq!(draw.next(&mut again), Some(first));
        draw.is_taken(first);
        assert_eq!(draw.next(&mut again), None, "one was to be tried again");
        assert_eq!(draw.next(&mut 1), Some(third));
    }
}
