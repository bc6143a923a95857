//! A recording: two legs on one timeline, the caller left and the destination right. With one leg
//! alone the right side is what a program says to it, or silence (a message).
//!
//! Every packet is laid where it belongs on a grid of 8000 frames a second that begins with the
//! order to record. The first packet of a stream lies where it arrived; the others lie by their
//! RTP time stamps relative to it (RFC 3550 section 5.1), so that jitter does not move them. Slow
//! disagreement between the far end's clock and ours is taken out a frame at a time; a jump of the
//! time stamps, or a new stream, is laid where it arrives. What did not come is silence.
//!
//! ```text
//!            handed on                  window, filled as packets come        now
//!   ....|1111|2222|3333|4444|           5555 5555 5555|          |            |
//!                           ^ flushed                 <-- LAG -->
//! ```
//!
//! Chunks leave for the [`Outlet`](super::Outlet) once late packets can no longer change them. When
//! it takes none, they are dropped and counted as a gap; the timeline goes on. The file, its header
//! and its syncing are the shell's.

mod track;

use self::track::Track;
use super::{SessionId, TapeId};
use crate::audio::{Law, RATE};
use crate::clock::Instant;

/// What a tape has to say to whoever writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reel<'a> {
    /// A recording begins.
    Open { tape: TapeId, file: &'a str, law: Law },
    /// Stereo octets, left first, from frame `at` of the recording on: 100 ms, the last one less.
    /// Frames before `at` that were never handed over are silence.
    Chunk { tape: TapeId, at: u64, octets: &'a [u8] },
    /// The recording is `frames` long and complete; not to be kept, it is thrown away.
    End { tape: TapeId, frames: u64, keep: bool },
}

/// Which leg a voice comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    Right,
}

impl Side {
    pub fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

/// Frames in a chunk: 100 ms.
const CHUNK: u64 = RATE as u64 / 10;
/// Frames in the window.
const WINDOW: u64 = 8 * CHUNK;
/// How long packets are waited for: 200 ms.
const LAG: u64 = 2 * CHUNK;
const CHANNELS: usize = 2;

/// A recording under way.
#[derive(Debug)]
pub(super) struct Tape {
    pub id: TapeId,
    pub law: Law,
    pub left: SessionId,
    pub right: Option<SessionId>,
    start: Instant,
    tracks: [Track; CHANNELS],
    window: Box<[u8]>,
    flushed: u64,
    muted: bool,
    /// Sound from before this frame is not taken any more: it was said while muted.
    from: u64,
    /// Frames dropped since the last gap was told.
    missing: u64,
}

impl Tape {
    pub fn new(
        id: TapeId,
        law: Law,
        left: SessionId,
        right: Option<SessionId>,
        now: Instant,
    ) -> Self {
        Self {
            id,
            law,
            left,
            right,
            start: now,
            tracks: [Track::default(), Track::default()],
            window: vec![law.silence(); WINDOW as usize * CHANNELS].into(),
            flushed: 0,
            muted: false,
            from: 0,
            missing: 0,
        }
    }

    /// Lays a voice packet on the tape.
    pub fn record(&mut self, side: Side, voice: Voice<'_>, now: Instant) {
        let arrived = self.frame_at(now);
        let track = &mut self.tracks[side as usize];
        let place = track.place(&voice, arrived);
        // A frame left open by a correction is filled with its neighbour: silence would click.
        let first = track.end().filter(|end| (1..=2).contains(&(place - end))).unwrap_or(place);
        track.ends(place + voice.octets.len() as i64);
        if self.muted {
            return;
        }
        if let Some(neighbour) = voice.octets.first().filter(|_| first < place) {
            self.lay(side, first, &[*neighbour; 2][..(place - first) as usize], voice.law);
        }
        self.lay(side, place, voice.octets, voice.law);
    }

    /// Lays octets at a frame; what lies before or beyond the window is left out.
    fn lay(&mut self, side: Side, at: i64, octets: &[u8], law: Law) {
        let lowest = self.flushed.max(self.from) as i64;
        let highest = (self.flushed + WINDOW) as i64;
        let within = |frame: i64| (frame - at).clamp(0, octets.len() as i64) as usize;
        let octets = octets.get(within(lowest)..within(highest)).unwrap_or_default();
        let slot = (at.max(lowest) as u64 % WINDOW) as usize;
        let (to_the_end, from_the_start) =
            octets.split_at(octets.len().min(WINDOW as usize - slot));
        for (slot, octets) in [(slot, to_the_end), (0, from_the_start)] {
            let frames = self.window[slot * CHANNELS..].chunks_exact_mut(CHANNELS);
            for (frame, octet) in frames.zip(octets) {
                frame[side as usize] = law.recode(self.law, *octet);
            }
        }
    }

    /// Silences the tape, or lets it hear again.
    pub fn mute(&mut self, mute: bool, now: Instant) {
        let here = self.frame_at(now);
        if mute && !self.muted {
            // What lies ahead of now was sent before the order, but plays after it.
            for at in here..(self.flushed + WINDOW).max(here) {
                let slot = (at % WINDOW) as usize * CHANNELS;
                self.window[slot..slot + CHANNELS].fill(self.law.silence());
            }
        }
        if !mute && self.muted {
            self.from = here;
        }
        self.muted = mute;
    }

    /// Hands on what is complete by now. Returns the milliseconds of a gap that is over.
    pub fn advance(&mut self, now: Instant, sink: &mut dyn FnMut(Reel<'_>) -> bool) -> Option<u32> {
        let here = self.frame_at(now);
        let mut gap = 0;
        while self.flushed + CHUNK + LAG <= here {
            gap += self.flush(CHUNK, sink);
        }
        milliseconds(gap)
    }

    /// Hands on everything up to now. Returns the length in milliseconds, and a gap if there is
    /// one; whether the end was taken is the caller's to see to.
    pub fn end(
        &mut self,
        now: Instant,
        sink: &mut dyn FnMut(Reel<'_>) -> bool,
    ) -> (u64, Option<u32>) {
        let here = self.frame_at(now);
        let mut gap = 0;
        while self.flushed < here {
            gap += self.flush(CHUNK.min(here - self.flushed), sink);
        }
        gap += std::mem::take(&mut self.missing);
        (here * 1000 / u64::from(RATE), milliseconds(gap))
    }

    /// Frames handed on or dropped so far.
    pub fn frames(&self) -> u64 {
        self.flushed
    }

    /// Hands on `frames` from the window; returns the frames of a gap that ends with them.
    fn flush(&mut self, frames: u64, sink: &mut dyn FnMut(Reel<'_>) -> bool) -> u64 {
        let slot = (self.flushed % WINDOW) as usize * CHANNELS;
        let octets = &mut self.window[slot..slot + frames as usize * CHANNELS];
        let taken = sink(Reel::Chunk { tape: self.id, at: self.flushed, octets });
        octets.fill(self.law.silence());
        self.flushed += frames;
        if taken {
            std::mem::take(&mut self.missing)
        } else {
            self.missing += frames;
            0
        }
    }

    /// The frame that `now` falls on.
    fn frame_at(&self, now: Instant) -> u64 {
        now.since(self.start).as_micros() as u64 * u64::from(RATE) / 1_000_000
    }
}

/// A voice packet on its way to the tape.
#[derive(Clone, Copy, Debug)]
pub(super) struct Voice<'a> {
    pub ssrc: u32,
    pub timestamp: u32,
    pub law: Law,
    pub octets: &'a [u8],
}

fn milliseconds(frames: u64) -> Option<u32> {
    (0 < frames).then(|| u32::try_from(frames * 1000 / u64::from(RATE)).unwrap_or(u32::MAX))
}
