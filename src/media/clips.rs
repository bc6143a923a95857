//! The prompts and music that signalling has handed over, by name.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::audio::ClipId;

/// Decoded clips, limited in number and in sound.
#[derive(Clone, Debug, Default)]
pub(super) struct Clips {
    clips: BTreeMap<ClipId, Arc<[i16]>>,
    samples: usize,
}

impl Clips {
    /// The most clips held.
    pub const MOST: usize = 10_000;
    /// The most samples held in all: about 9 hours, 512 MB.
    pub const LONGEST: usize = 256 << 20;

    /// Keeps a clip, in place of an earlier one of the same name. One too many is not kept, and
    /// is reported missing when it is to be played.
    pub fn put(&mut self, id: ClipId, samples: Arc<[i16]>) {
        if let Some(before) = self.clips.remove(&id) {
            self.samples -= before.len();
        }
        if self.clips.len() < Self::MOST && self.samples + samples.len() <= Self::LONGEST {
            self.samples += samples.len();
            self.clips.insert(id, samples);
        }
    }

    pub fn get(&self, id: ClipId) -> Option<&Arc<[i16]>> {
        self.clips.get(&id)
    }
}
