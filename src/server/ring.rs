//! What one thread has for another that takes no more just now.
//!
//! The ways between the switch and the media thread are bounded, and neither may wait for the
//! other: calls would stand still, or packets. Nor may anything be lost lightly: without the report
//! that a script is done, a call never connects. So what a full way does not take waits here, in
//! order, and goes first the next time. That is counted. Only when the other thread has stood
//! still for so long that this is full as well is something lost, and that is counted, too.

use std::collections::VecDeque;

/// Things that wait for room on a bounded way.
pub struct Backlog<T> {
    waiting: VecDeque<T>,
    most: usize,
    /// What it is called in metrics.
    name: &'static str,
    /// Something was lost since it was empty last: that is said once, for what says it may wait.
    lost: bool,
}

impl<T> Backlog<T> {
    pub fn new(name: &'static str, most: usize) -> Self {
        Self { waiting: VecDeque::new(), most, name, lost: false }
    }

    /// Sends `it` after all that waits. `send` gives back what it has no room for.
    pub fn send(&mut self, it: T, mut send: impl FnMut(T) -> Result<(), T>) {
        let full = if self.flush(&mut send) { send(it) } else { Err(it) };
        let Err(it) = full else { return };
        if self.waiting.len() < self.most {
            metrics::counter!("crosspoint_ring_full_total", "ring" => self.name).increment(1);
            self.waiting.push_back(it);
        } else {
            metrics::counter!("crosspoint_ring_lost_total", "ring" => self.name).increment(1);
            if !std::mem::replace(&mut self.lost, true) {
                tracing::error!(ring = self.name, "a thread stands still; things for it are lost");
            }
        }
    }

    /// Sends what waits, as far as there is room; whether nothing waits any more.
    pub fn flush(&mut self, mut send: impl FnMut(T) -> Result<(), T>) -> bool {
        while let Some(it) = self.waiting.pop_front() {
            if let Err(it) = send(it) {
                self.waiting.push_front(it);
                return false;
            }
        }
        self.lost = false;
        true
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub fn drain(&mut self) -> impl Iterator<Item = T> {
        self.waiting.drain(..)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{TrySendError, sync_channel};

    use super::*;

    fn refused<T>(it: TrySendError<T>) -> T {
        match it {
            TrySendError::Full(it) | TrySendError::Disconnected(it) => it,
        }
    }

    #[test]
    fn what_finds_no_room_waits_and_comes_in_order() {
        let (way, taken) = sync_channel(2);
        let mut backlog = Backlog::new("test", 10);
        let try_send = |it| way.try_send(it).map_err(refused);
        (0..6).for_each(|it| backlog.send(it, try_send));
        assert!(!backlog.is_empty());
        let mut heard = Vec::new();
        while !backlog.is_empty() {
            heard.extend(taken.try_iter());
            backlog.flush(try_send);
        }
        heard.extend(taken.try_iter());
        assert_eq!(heard, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn what_comes_later_does_not_pass_what_waits() {
        let (way, taken) = sync_channel(1);
        let mut backlog = Backlog::new("test", 10);
        let try_send = |it| way.try_send(it).map_err(refused);
        (0..2).for_each(|it| backlog.send(it, try_send));
        assert_eq!(taken.try_recv(), Ok(0));
        backlog.send(2, try_send);
        assert_eq!(taken.try_recv(), Ok(1));
        assert!(backlog.flush(try_send));
        assert_eq!(taken.try_recv(), Ok(2));
    }

    #[test]
    fn a_full_backlog_takes_no_more_and_keeps_what_it_has() {
        let (way, taken) = sync_channel(1);
        let mut backlog = Backlog::new("test", 3);
        let try_send = |it| way.try_send(it).map_err(refused);
        // One on its way, three waiting, one too many.
        (0..5).for_each(|it| backlog.send(it, try_send));
        let mut heard = Vec::new();
        for _ in 0..5 {
            heard.extend(taken.try_iter());
            backlog.flush(try_send);
        }
        assert_eq!(heard, [0, 1, 2, 3]);
    }
}
