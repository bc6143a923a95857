//! Recordings as they were handed over: what would have stood in the files.

use std::collections::BTreeMap;

use crate::audio::Law;
use crate::clock::Instant;
use crate::media::{Reel, TapeId};

/// One recording.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub file: String,
    pub law: Law,
    pub begun: Instant,
    /// Stereo octets by their first frame.
    pub chunks: Vec<(u64, Vec<u8>)>,
    /// Its length in frames, once it is complete.
    pub frames: Option<u64>,
    /// It was thrown away when it was complete: no such file is left.
    pub dropped: bool,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Tapes {
    by_id: BTreeMap<TapeId, Recorded>,
}

impl Recorded {
    /// Samples of one side, silence where nothing was handed over.
    pub fn side(&self, right: bool) -> Vec<i16> {
        let mut samples = vec![0; self.frames.unwrap_or_default() as usize];
        for (at, octets) in &self.chunks {
            for (n, frame) in octets.chunks_exact(2).enumerate() {
                let octet = frame[usize::from(right)];
                if let Some(sample) = samples.get_mut(*at as usize + n) {
                    *sample = self.law.decode(octet);
                }
            }
        }
        samples
    }
}

impl Tapes {
    pub fn all(&self) -> impl Iterator<Item = &Recorded> {
        self.by_id.values()
    }

    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    pub(super) fn take(&mut self, reel: Reel<'_>, now: Instant) {
        match reel {
            Reel::Open { tape, file, law } => {
                let (file, chunks) = (file.to_owned(), Vec::new());
                self.by_id.insert(
                    tape,
                    Recorded { file, law, begun: now, chunks, frames: None, dropped: false },
                );
            }
            Reel::Chunk { tape, at, octets } => {
                if let Some(it) = self.by_id.get_mut(&tape) {
                    it.chunks.push((at, octets.to_vec()));
                }
            }
            Reel::End { tape, frames, keep } => {
                if let Some(it) = self.by_id.get_mut(&tape) {
                    it.frames = Some(frames);
                    it.dropped = !keep;
                }
            }
        }
    }
}
