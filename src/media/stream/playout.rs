//! What a program has said and the leg has yet to hear.
//!
//! Programs say whole sentences at once, or 20 ms every 20 ms over a network that jitters. So
//! after a pause the sound waits until [`READY`] of it is there, or was waited for, and what is
//! said ahead is kept, up to [`Playout::LIMIT`].

use std::collections::VecDeque;
use std::sync::Arc;

use crate::audio::Law;
use crate::media::{FRAME, Samples, Unheard};

/// Sound to have before it begins after a pause: 60 ms.
const READY: usize = 3 * FRAME;
/// Ticks to wait for as much: a short sound has to be heard too.
const WAIT: u8 = 3;

#[derive(Clone, Debug, Default)]
pub(super) struct Playout {
    /// Mu-law.
    octets: VecDeque<u8>,
    /// Octets said and octets heard (or cleared) since the stream began.
    said: u64,
    heard: u64,
    /// Marks, and how much has to be heard for each.
    marks: VecDeque<(u64, Arc<str>)>,
    plays: bool,
    waited: u8,
}

impl Playout {
    /// What may be said ahead: 60 s.
    pub const LIMIT: usize = 60 * crate::audio::RATE as usize;
    /// Marks that may be waiting.
    pub const MARKS: usize = 1000;

    pub fn put(&mut self, octets: &[u8]) -> Result<(), Unheard> {
        if Self::LIMIT < self.octets.len() + octets.len() {
            return Err(Unheard::Flood);
        }
        self.octets.extend(octets);
        self.said += octets.len() as u64;
        Ok(())
    }

    pub fn mark(&mut self, name: &Arc<str>) -> Result<(), Unheard> {
        if Self::MARKS <= self.marks.len() {
            return Err(Unheard::Flood);
        }
        self.marks.push_back((self.said, Arc::clone(name)));
        Ok(())
    }

    pub fn clear(&mut self) {
        self.octets.clear();
        self.heard = self.said;
        self.plays = false;
        self.waited = 0;
    }

    /// The next 20 ms; `false` if there is nothing to hear.
    pub fn take(&mut self, samples: &mut Samples) -> bool {
        if self.octets.is_empty() {
            self.plays = false;
            return false;
        }
        if !self.plays && self.octets.len() < READY && self.waited < WAIT {
            self.waited += 1;
            return false;
        }
        self.waited = 0;
        self.plays = true;
        let here = self.octets.len().min(FRAME);
        for (sample, octet) in samples.iter_mut().zip(self.octets.drain(..here)) {
            *sample = Law::Mu.decode(octet);
        }
        samples[here..].fill(0);
        self.heard += here as u64;
        true
    }

    /// The next mark that was reached.
    pub fn reached(&mut self) -> Option<Arc<str>> {
        let (at, _) = self.marks.front()?;
        if self.heard < *at {
            return None;
        }
        self.marks.pop_front().map(|(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which of the next ticks have something to hear, and the first sample of each.
    fn ticks(playout: &mut Playout, count: usize) -> Vec<Option<i16>> {
        let mut samples = [0; FRAME];
        (0..count).map(|_| playout.take(&mut samples).then_some(samples[0])).collect()
    }

    #[test]
    fn a_sentence_is_heard_at_once_and_whole() {
        let mut playout = Playout::default();
        playout.put(&[0x20; 4 * FRAME + 10]).unwrap();
        let it = Some(Law::Mu.decode(0x20));
        assert_eq!(ticks(&mut playout, 6), [it, it, it, it, it, None]);
    }

    #[test]
    fn after_a_pause_sound_gathers_before_it_begins() {
        let mut playout = Playout::default();
        playout.put(&[0x20; FRAME]).unwrap();
        assert_eq!(ticks(&mut playout, 1), [None]);
        playout.put(&[0x20; 2 * FRAME]).unwrap();
        assert_eq!(ticks(&mut playout, 3).iter().flatten().count(), 3);
        playout.put(&[0x20; 8]).unwrap();
        assert_eq!(ticks(&mut playout, 5).iter().flatten().count(), 1, "a short one is heard too");
    }

    #[test]
    fn marks_are_reached_in_order_when_their_place_was_heard() {
        let mut playout = Playout::default();
        playout.mark(&"now".into()).unwrap();
        assert_eq!(playout.reached().as_deref(), Some("now"));
        playout.put(&[0; 3 * FRAME]).unwrap();
        playout.mark(&"first".into()).unwrap();
        playout.put(&[0; FRAME]).unwrap();
        playout.mark(&"second".into()).unwrap();
        ticks(&mut playout, 2);
        assert_eq!(playout.reached(), None);
        ticks(&mut playout, 1);
        assert_eq!(playout.reached().as_deref(), Some("first"));
        assert_eq!(playout.reached(), None);
        playout.clear();
        assert_eq!(playout.reached().as_deref(), Some("second"));
        assert_eq!(ticks(&mut playout, 4), [None; 4]);
    }

    #[test]
    fn a_minute_may_be_said_ahead_and_not_an_octet_more() {
        let mut playout = Playout::default();
        playout.put(&vec![0; Playout::LIMIT]).unwrap();
        assert_eq!(playout.put(&[0]), Err(Unheard::Flood));
        ticks(&mut playout, 1);
        playout.put(&[0; FRAME]).unwrap();
        assert_eq!(playout.put(&[0]), Err(Unheard::Flood));
    }

    #[test]
    fn so_many_marks_may_wait_and_not_one_more() {
        let mut playout = Playout::default();
        playout.put(&[0; FRAME]).unwrap();
        let name = Arc::from("m");
        assert!((0..Playout::MARKS).all(|_| playout.mark(&name).is_ok()));
        assert_eq!(playout.mark(&name), Err(Unheard::Flood));
    }
}
