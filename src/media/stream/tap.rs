//! A leg's voice for a program: frames of 20 ms that follow one another without a gap.
//!
//! Programs put frames end to end, and hear the end of a sentence by silence. So what the far end
//! does not send (losses, silence suppression, keys) is silence here, once it is [`LAG`] late; and
//! what comes [`AHEAD`] of time, or twice, is left out. A far end's clock may drift: it is
//! corrected by the same two rules.

use crate::audio::{Law, RATE};
use crate::clock::Instant;
use crate::media::FRAME;
use crate::rtp::Stamp;

/// How late voice may be before silence is put in its place: 100 ms.
const LAG: u64 = RATE as u64 / 10;
/// How far ahead of time voice may be: 200 ms.
const AHEAD: u64 = RATE as u64 / 5;
/// A time stamp that went back by less than this came late or twice; by more, it is a new stream.
const BACK: i32 = 2 * RATE as i32;

pub(super) type Sink<'a> = &'a mut dyn FnMut(u64, &[u8; FRAME]);

#[derive(Clone, Debug)]
pub(super) struct Tap {
    start: Instant,
    /// Samples handed on.
    sent: u64,
    frame: [u8; FRAME],
    filled: usize,
    /// The newest packet: its stream and time stamp.
    last: Option<(u32, u32)>,
}

impl Tap {
    pub fn new(start: Instant) -> Self {
        Self { start, sent: 0, frame: [0; FRAME], filled: 0, last: None }
    }

    /// Takes a packet's payload.
    pub fn hear(&mut self, law: Law, stamp: &Stamp, octets: &[u8], now: Instant, sink: Sink<'_>) {
        if let Some((ssrc, timestamp)) = self.last
            && ssrc == stamp.ssrc
            && (-BACK..=0).contains(&(stamp.timestamp.wrapping_sub(timestamp) as i32))
        {
            return;
        }
        self.last = Some((stamp.ssrc, stamp.timestamp));
        if self.place(now) + AHEAD < self.taken() + octets.len() as u64 {
            return;
        }
        for octet in octets {
            self.push(law.recode(Law::Mu, *octet), sink);
        }
    }

    /// Puts silence where voice is missing.
    pub fn fill(&mut self, now: Instant, sink: Sink<'_>) {
        while self.taken() + LAG < self.place(now) {
            self.push(Law::Mu.silence(), sink);
        }
    }

    fn push(&mut self, octet: u8, sink: Sink<'_>) {
        self.frame[self.filled] = octet;
        self.filled += 1;
        if self.filled == FRAME {
            sink(self.sent * 1000 / u64::from(RATE), &self.frame);
            self.sent += FRAME as u64;
            self.filled = 0;
        }
    }

    fn taken(&self) -> u64 {
        self.sent + self.filled as u64
    }

    /// The sample that `now` falls on.
    fn place(&self, now: Instant) -> u64 {
        now.since(self.start).as_micros() as u64 * u64::from(RATE) / 1_000_000
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    struct Ear {
        tap: Tap,
        now: Instant,
        stamp: Stamp,
        frames: Vec<(u64, [u8; FRAME])>,
    }

    impl Ear {
        fn new() -> Self {
            let stamp =
                Stamp { marker: false, payload_type: 0, sequence: 0, timestamp: 77, ssrc: 5 };
            let now = Instant::START;
            Self { tap: Tap::new(now), now, stamp, frames: Vec::new() }
        }

        fn pass(&mut self, ms: u64) {
            for _ in 0..ms {
                self.now += Duration::from_millis(1);
                self.tap.fill(self.now, &mut |at, it| self.frames.push((at, *it)));
            }
        }

        fn says(&mut self, law: Law, octets: &[u8]) {
            self.stamp.timestamp = self.stamp.timestamp.wrapping_add(octets.len() as u32);
            self.again(law, octets);
        }

        fn again(&mut self, law: Law, octets: &[u8]) {
            self.tap.hear(law, &self.stamp, octets, self.now, &mut |at, it| {
                self.frames.push((at, *it));
            });
        }
    }

    #[test]
    fn packets_of_any_length_become_frames_of_20_ms_in_mu_law() {
        for ptime in [10_usize, 20, 30, 60] {
            let mut ear = Ear::new();
            for _ in 0..600 / ptime {
                ear.pass(ptime as u64);
                ear.says(Law::A, &vec![0x55; ptime * 8]);
            }
            assert_eq!(ear.frames.len(), 30, "{ptime}");
            for (n, (at, octets)) in ear.frames.iter().enumerate() {
                assert_eq!(*at, 20 * n as u64);
                assert_eq!(*octets, [Law::A.recode(Law::Mu, 0x55); FRAME]);
            }
        }
    }

    #[test]
    fn a_leg_that_sends_nothing_is_silent_in_time() {
        let mut ear = Ear::new();
        ear.pass(1101);
        assert_eq!(ear.frames.len(), 50);
        assert!(ear.frames.iter().all(|(_, it)| *it == [0xff; FRAME]));
    }

    #[test]
    fn a_lost_packet_is_not_missed_for_long() {
        let mut ear = Ear::new();
        for n in 0..100 {
            ear.pass(20);
            if n % 10 == 3 {
                ear.stamp.timestamp += 160;
            } else {
                ear.says(Law::Mu, &[0x20; FRAME]);
            }
        }
        let lag = 2000 - ear.frames.len() as i64 * 20;
        assert!((0..=120).contains(&lag), "{lag} ms behind");
    }

    #[test]
    fn doubled_and_late_packets_are_left_out() {
        let mut ear = Ear::new();
        for _ in 0..10 {
            ear.pass(20);
            ear.says(Law::Mu, &[0x20; FRAME]);
            ear.again(Law::Mu, &[0x20; FRAME]);
        }
        assert_eq!(ear.frames.len(), 10);
    }

    #[test]
    fn a_far_end_that_sends_faster_than_time_is_held_to_it() {
        let mut ear = Ear::new();
        for _ in 0..100 {
            ear.pass(10);
            ear.says(Law::Mu, &[0x20; FRAME]);
        }
        assert!(ear.frames.len() <= 60, "{}", ear.frames.len());
    }
}
