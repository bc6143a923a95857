//! What waits for a program: the caller's last two seconds, and marks that were reached.
//!
//! The media thread puts in and never waits; the conversation's task takes out.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::media::Strand;

/// Frames of 20 ms that may wait; then the oldest is lost.
const FRAMES: usize = 100;
/// Marks that may wait, as many as may be set: then the newest is lost.
const MARKS: usize = 1000;

pub type Frame = (u64, [u8; 160]);

pub struct Ring {
    held: Mutex<Held>,
    full: Notify,
}

#[derive(Default)]
struct Held {
    frames: VecDeque<Frame>,
    marks: VecDeque<Arc<str>>,
}

impl Default for Ring {
    fn default() -> Self {
        let frames = VecDeque::with_capacity(FRAMES);
        Self { held: Mutex::new(Held { frames, ..Held::default() }), full: Notify::new() }
    }
}

impl Ring {
    /// Puts in; `false` if something was lost for it.
    pub fn put(&self, strand: Strand<'_>) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let lossless = match strand {
            Strand::Frame { at, octets } => {
                let room = held.frames.len() < FRAMES;
                if !room {
                    held.frames.pop_front();
                }
                held.frames.push_back((at, *octets));
                room
            }
            Strand::Mark(name) => {
                let room = held.marks.len() < MARKS;
                if room {
                    held.marks.push_back(Arc::clone(name));
                }
                room
            }
        };
        drop(held);
        self.full.notify_one();
        lossless
    }

    /// Takes everything out.
    pub fn take(&self, frames: &mut Vec<Frame>, marks: &mut Vec<Arc<str>>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        frames.extend(held.frames.drain(..));
        marks.extend(held.marks.drain(..));
    }

    /// Until something was put in since the last time this was waited for.
    pub async fn filled(&self) {
        self.full.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_ring_loses_its_oldest_frame_and_says_so() {
        let ring = Ring::default();
        let put = |at| ring.put(Strand::Frame { at, octets: &[0; 160] });
        assert!((0..FRAMES as u64).all(put));
        assert!(!put(100));
        let (mut frames, mut marks) = (Vec::new(), Vec::new());
        ring.take(&mut frames, &mut marks);
        assert_eq!(frames.first().map(|it| it.0), Some(1));
        assert_eq!(frames.last().map(|it| it.0), Some(100));
        assert!(put(101));
    }

    #[test]
    fn so_many_marks_wait_and_no_more() {
        let ring = Ring::default();
        let name = Arc::from("m");
        assert!((0..MARKS).all(|_| ring.put(Strand::Mark(&name))));
        assert!(!ring.put(Strand::Mark(&name)));
    }
}
