//! What a piece of work costs: time and allocations, on the thread that does it.
//!
//! A machine that does other things too only ever makes work look slower, so the best of many
//! rounds is the figure; the median beside it says how quiet the machine was.

use std::time::{Duration, Instant};

use super::allocations::taken;

/// Rounds whose best and median count.
const ROUNDS: usize = 21;

/// Cost of one piece of work, over all rounds.
#[derive(Clone, Debug)]
pub struct Cost {
    /// Nanoseconds, in the best round.
    pub best: f64,
    /// Nanoseconds, in the round in the middle.
    pub median: f64,
    /// Allocations, all rounds together.
    pub allocations: f64,
}

/// Adds up stretches of work between which something else happens.
#[derive(Debug, Default)]
pub struct Meter {
    time: Duration,
    allocations: u64,
}

impl Meter {
    pub fn run<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let before = taken();
        let start = now();
        let result = work();
        self.time += start.elapsed();
        self.allocations += taken().count - before.count;
        result
    }
}

/// Whether this run is to measure (`cargo bench`), not only to see that everything works
/// (`cargo test --benches`).
pub fn in_earnest() -> bool {
    std::env::args().any(|it| it == "--bench")
}

/// Measures rounds of work; `round` does `pieces` of it each time. The first round warms up.
pub fn rounds(pieces: u64, mut round: impl FnMut(&mut Meter, u64)) -> Cost {
    let (many, pieces) = if in_earnest() { (ROUNDS, pieces) } else { (1, pieces.min(100)) };
    round(&mut Meter::default(), pieces);
    let mut meters = Vec::new();
    for _ in 0..many {
        let mut meter = Meter::default();
        round(&mut meter, pieces);
        meters.push(meter);
    }
    let each = |it: &Meter| it.time.as_nanos() as f64 / pieces as f64;
    let mut times: Vec<f64> = meters.iter().map(each).collect();
    times.sort_by(f64::total_cmp);
    let allocations: u64 = meters.iter().map(|it| it.allocations).sum();
    Cost {
        best: times[0],
        median: times[many / 2],
        allocations: allocations as f64 / (many as u64 * pieces) as f64,
    }
}

/// Measures something that is done over and over.
#[allow(dead_code, reason = "not every benchmark is that simple")]
pub fn over_and_over<T>(pieces: u64, mut work: impl FnMut() -> T) -> Cost {
    rounds(pieces, |meter, pieces| {
        meter.run(|| {
            for _ in 0..pieces {
                std::hint::black_box(work());
            }
        });
    })
}

impl Cost {
    /// One line: what, nanoseconds, allocations, how many a second.
    pub fn print(&self, what: &str) {
        let a_second = 1e9 / self.best;
        println!(
            "{what:<44} {:>9.0} ns  (median {:>9.0})  {:>7.2} allocations  {a_second:>11.0} /s",
            self.best, self.median, self.allocations
        );
    }
}

#[allow(clippy::disallowed_methods, reason = "a benchmark is the one that reads the clock")]
fn now() -> Instant {
    Instant::now()
}
