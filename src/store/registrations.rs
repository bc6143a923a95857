//! Where registered phones are, kept across a restart: one file, replaced whole, by a thread of its
//! own. Of snapshots that come faster than the disk takes them, some are left out.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use tracing::warn;

use crate::peer::Snapshot;

/// A snapshot file. What is in it is the peer room's own business.
pub struct Registrations {
    path: PathBuf,
    ring: SyncSender<Snapshot>,
    thread: JoinHandle<()>,
}

impl Registrations {
    pub fn start(folder: &Path) -> io::Result<Self> {
        let path = folder.join("registrations.json");
        let (ring, snapshots) = sync_channel(1);
        let file = path.clone();
        let thread = thread::Builder::new()
            .name("registrations".into())
            .spawn(move || write_all(&snapshots, &file))?;
        Ok(Self { path, ring, thread })
    }

    /// The last snapshot, if there is one that can be read.
    pub fn load(&self) -> Option<Vec<u8>> {
        fs::read(&self.path).ok()
    }

    /// Hands a snapshot over, and never waits; `false` if an earlier one still waits for the disk.
    pub fn save(&self, snapshot: Snapshot) -> bool {
        self.ring.try_send(snapshot).is_ok()
    }

    /// Hands the last one over, if there is one, and waits until it is on the disk.
    pub fn close(self, last: Option<Snapshot>) {
        drop(last.map(|it| self.ring.send(it)));
        drop(self.ring);
        drop(self.thread.join());
    }
}

fn write_all(snapshots: &Receiver<Snapshot>, path: &Path) {
    for snapshot in snapshots {
        let text = serde_json::to_vec(&snapshot).map_err(io::Error::other);
        if let Err(error) = text.and_then(|it| replace(path, &it)) {
            warn!(%error, "registrations could not be kept");
            metrics::counter!("crosspoint_registrations_write_errors_total").increment(1);
        }
    }
}

/// Written beside, synced, renamed over.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = File::create(&beside)?;
    file.write_all(text)?;
    file.sync_data()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_snapshot_is_on_the_disk_when_it_closes() {
        let folder = std::env::temp_dir().join(format!("crosspoint-phones-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).unwrap();
        let kept = Registrations::start(&folder).unwrap();
        assert_eq!(kept.load(), None);
        assert!(kept.save(Snapshot::default()));
        kept.close(Some(Snapshot::default()));
        let kept = Registrations::start(&folder).unwrap();
        assert_eq!(kept.load().as_deref(), Some(&br#"{"registrations":[]}"#[..]));
        fs::remove_dir_all(&folder).unwrap();
        // The folder is gone: that costs a snapshot and nothing else.
        kept.close(Some(Snapshot::default()));
    }
}
