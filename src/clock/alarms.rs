//! Who wants to be woken when, for tables with many timers.
//!
//! Cancelling is lazy: a machine that no longer wants its alarm just says so when it rings, so
//! setting costs one heap push and cancelling costs nothing. Each key has at most a few entries.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Instant;

/// A heap of alarms. The owner keeps, for each key, the moment it last armed (see [`Alarms::arm`]).
#[derive(Clone, Debug)]
pub struct Alarms<K> {
    heap: BinaryHeap<Reverse<(Instant, K)>>,
}

impl<K: Ord + Copy> Default for Alarms<K> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new() }
    }
}

impl<K: Ord + Copy> Alarms<K> {
    /// Makes sure `key` rings no later than `deadline`; `armed` is the owner's note of the
    /// earliest ring already due for this key and is kept up to date here.
    pub fn arm(&mut self, key: K, deadline: Option<Instant>, armed: &mut Option<Instant>) {
        let Some(deadline) = deadline else { return };
        if armed.is_none_or(|at| deadline < at) {
            self.heap.push(Reverse((deadline, key)));
            *armed = Some(deadline);
        }
    }

    /// The next key whose alarm is due. The owner clears its `armed` note if it equals the moment
    /// returned, lets the machine act if its own deadline has come, and arms again.
    pub fn due(&mut self, now: Instant) -> Option<(Instant, K)> {
        let Reverse((at, _)) = self.heap.peek()?;
        if now < *at {
            return None;
        }
        self.heap.pop().map(|Reverse(it)| it)
    }

    /// When the next alarm rings, wanted still or not.
    pub fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    pub fn len(&self) -> usize {
        self.heap.len()
    }

    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_deadline_needs_no_second_entry() {
        let mut alarms = Alarms::default();
        let mut armed = None;
        alarms.arm(7, Some(Instant::from_micros(10)), &mut armed);
        alarms.arm(7, Some(Instant::from_micros(20)), &mut armed);
        assert_eq!(alarms.len(), 1);
        assert_eq!(alarms.due(Instant::from_micros(9)), None);
        assert_eq!(alarms.due(Instant::from_micros(10)), Some((Instant::from_micros(10), 7)));
    }

    #[test]
    fn an_earlier_deadline_rings_earlier() {
        let mut alarms = Alarms::default();
        let mut armed = None;
        alarms.arm(7, Some(Instant::from_micros(20)), &mut armed);
        alarms.arm(7, Some(Instant::from_micros(10)), &mut armed);
        assert_eq!(alarms.next(), Some(Instant::from_micros(10)));
    }
}
