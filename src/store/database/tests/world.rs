//! Folders, calls and facts that tests are made of.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::clock::Wall;
use crate::model::event::Fact;
use crate::model::record::CallRecord;
use crate::store::database::{AuditEntry, Batch, Position, Search, Store};

/// A folder of its own, until dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("crosspoint-store-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        drop(std::fs::remove_dir_all(&path));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A file system of so many kilobytes in a file of its own, until dropped.
pub struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    /// `None`, and a loud word, where nobody may mount.
    pub fn mount(image: &Path, at: &'a Path, kilobytes: u32) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        if !image.exists() {
            let file = std::fs::File::create(image).unwrap();
            file.set_len(u64::from(kilobytes) << 10).unwrap();
            let made = Command::new("mkfs.ext4").args(["-q", "-F"]).arg(image).output();
            assert!(made.is_ok_and(|it| it.status.success()), "mkfs.ext4");
        }
        let mounted = Command::new("mount").args(["-o", "loop"]).arg(image).arg(at).output();
        if mounted.as_ref().is_ok_and(|it| it.status.success()) {
            return Some(Self(at));
        }
        eprintln!("\n*** NOT TESTED: disks; nothing can be mounted here: {mounted:?}\n");
        None
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(self.0).status());
    }
}

/// A moment, in seconds; none of them is at the beginning of time.
pub fn at(seconds: i64) -> Wall {
    Wall::from_unix_micros((1_700_000_000 + seconds) * 1_000_000)
}

pub fn audit(what: &str) -> AuditEntry {
    AuditEntry {
        id: 0,
        at: at(0),
        by: "ada".to_owned(),
        source: "127.0.0.1".to_owned(),
        what: what.to_owned(),
        subject: "user/bob".to_owned(),
        detail: json!({ "from": "here" }),
    }
}

/// A call that was answered after a second, and ended a minute later; `with` says otherwise.
pub fn call(id: &str, received: i64, with: Value) -> CallRecord {
    let micros = |seconds: i64| at(received + seconds).unix_micros();
    let mut record = json!({
        "id": id,
        "state": "ended",
        "tracking_number": "+12025550100",
        "direction": "inbound",
        "source": "Ads",
        "caller": "+12125550001",
        "caller_name": null,
        "path": [],
        "legs": [],
        "received_at": micros(0),
        "answered_at": micros(1),
        "connected_at": micros(1),
        "ended_at": micros(61),
        "ring_ms": 1_000,
        "wait_ms": null,
        "talk_ms": 60_000,
        "cause": { "sip": 200, "q850": 16, "reason": "normal", "local": false },
        "recordings": [],
        "caller_quality": null,
        "agent": null,
        "lead_owner": null,
        "source_tag": "",
        "tags": [],
        "score": null,
    });
    for (key, value) in with.as_object().unwrap() {
        record[key] = value.clone();
    }
    serde_json::from_value(record).unwrap()
}

/// A leg to a destination, with its outcome.
pub fn leg(destination: &str, outcome: &str) -> Value {
    json!({
        "leg": 1, "destination": destination, "dialled_at": 5, "ringing_at": null,
        "answered_at": null, "symbols": [], "voice_after_ms": null, "answered_by": null,
        "whisper_at": null, "accepted_at": null, "connected_at": null, "ended_at": null,
        "outcome": outcome, "cause": null, "quality": null,
    })
}

/// What makes a call one that nobody answered.
pub fn unanswered(reason: &str, legs: &[Value]) -> Value {
    json!({
        "answered_at": null, "connected_at": null, "talk_ms": null,
        "cause": { "sip": 480, "q850": 19, "reason": reason, "local": true },
        "legs": legs,
    })
}

pub fn fact(call: &str, seq: u32, when: i64) -> Fact {
    serde_json::from_value(json!({
        "seq": seq, "at": at(when), "call": call,
        "what": { "type": "leg.ringing", "leg": seq % 200 },
    }))
    .unwrap()
}

pub fn batch(records: Vec<CallRecord>, facts: Vec<Fact>) -> Batch {
    let position = Position { node: "main".to_owned(), ..Position::default() };
    Batch { records, facts, deliveries: Vec::new(), position }
}

pub async fn take(store: &dyn Store, records: Vec<CallRecord>) {
    store.ingest(&batch(records, Vec::new())).await.unwrap();
}

/// The ids of what is found, newest first, read in pages of seven.
pub async fn found(store: &dyn Store, search: &Search) -> Vec<String> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let page = crate::store::database::Page { after, limit: 7 };
        let records = store.records(search, &page).await.unwrap();
        ids.extend(records.records.iter().map(|it| it.id.to_string()));
        after = records.next;
        if after.is_none() {
            return ids;
        }
    }
}
