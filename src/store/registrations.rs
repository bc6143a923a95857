//! Where registered phones are, kept across a restart: one small file, replaced whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A snapshot file. What is in it is the peer room's own business.
pub struct Registrations {
    path: PathBuf,
}

impl Registrations {
    pub fn in_folder(folder: &Path) -> Self {
        Self { path: folder.join("registrations.json") }
    }

    /// The last snapshot, if there is one that can be read.
    pub fn load(&self) -> Option<Vec<u8>> {
        fs::read(&self.path).ok()
    }

    /// Replaces the snapshot: written beside, synced, renamed over.
    pub fn save(&self, snapshot: &[u8]) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(snapshot)?;
        file.sync_data()?;
        fs::rename(&beside, &self.path)
    }
}
