//! Where on the tape one stream's packets lie: RTP time stamps against the moments of arrival.

use super::Voice;

/// One leg's stream. All places are frames since the tape began.
#[derive(Debug, Default)]
pub(super) struct Track {
    stream: Option<Stream>,
    /// Where the last packet laid ended.
    end: Option<i64>,
}

#[derive(Debug)]
struct Stream {
    ssrc: u32,
    /// The newest time stamp, and its place.
    timestamp: u32,
    place: i64,
    /// How much later than their places packets arrive, smoothed.
    skew: f32,
    /// Packets running that came too late by more than [`JUMP`].
    late: u32,
}

/// Smoothing of the skew: over about 2.5 s of 20 ms packets.
const SMOOTHING: f32 = 1.0 / 128.0;
/// The skew that is corrected, a frame at a time: half a millisecond.
const SKEW: f32 = 4.0;
/// More than this of one packet's delay (20 ms) says nothing of the clocks.
const JITTER: i64 = 160;
/// A packet this far from where it should be (200 ms) is no jitter ..
const JUMP: i64 = 1600;
/// .. if it is early, or far beyond any delay (2 s), or the last of this many.
const FAR: i64 = 16_000;
const RUNNING: u32 = 10;

impl Track {
    /// Where a packet that arrived at frame `arrived` lies.
    pub fn place(&mut self, voice: &Voice<'_>, arrived: u64) -> i64 {
        let arrived = arrived as i64;
        let stream = match &mut self.stream {
            Some(stream) if stream.ssrc == voice.ssrc => stream,
            stream => stream.insert(Stream::begin(voice, arrived)),
        };
        let moved = voice.timestamp.wrapping_sub(stream.timestamp) as i32;
        let place = stream.place + i64::from(moved);
        let late = arrived - place;
        stream.late = if JUMP < late { stream.late + 1 } else { 0 };
        if !(-JUMP..=FAR).contains(&late) || RUNNING < stream.late {
            *stream = Stream::begin(voice, arrived);
            return arrived;
        }
        if moved < 0 {
            return place;
        }
        stream.timestamp = voice.timestamp;
        stream.place = place;
        let late = late.clamp(-JITTER, JITTER) as f32;
        stream.skew += (late - stream.skew) * SMOOTHING;
        if SKEW <= stream.skew.abs() {
            let step = stream.skew.signum();
            stream.place += step as i64;
            stream.skew -= step;
        }
        stream.place
    }

    pub fn end(&self) -> Option<i64> {
        self.end
    }

    pub fn ends(&mut self, at: i64) {
        self.end = Some(at);
    }
}

impl Stream {
    fn begin(voice: &Voice<'_>, arrived: i64) -> Self {
        Self { ssrc: voice.ssrc, timestamp: voice.timestamp, place: arrived, skew: 0.0, late: 0 }
    }
}
