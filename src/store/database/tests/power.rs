//! The power goes: journal, recordings, database and outbox on one disk, as the disk holds them at
//! that moment, must be what they promise.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::turn;
use super::world::{Disk, Folder, at, call, fact, found};
use crate::audio::{Law, wav};
use crate::media::{Reel, TapeId};
use crate::model::event::Fact;
use crate::model::record::RecordState;
use crate::outbox::{New, State};
use crate::store::database::{Follower, Search, Settings, Shared, Wanted, open};
use crate::store::{Entry, Journal, Tapes, repair_recordings};

/// How long a line may be in memory only.
const SYNC: Duration = Duration::from_millis(100);
/// .. and sound of a recording, with the time that a disk takes.
const SYNC_TAPES: Duration = Duration::from_millis(1_500);
/// Calls before each cut, and events of each.
const CALLS: usize = 25;
const EVENTS: u32 = 4;
/// Octets of 100 ms of stereo.
const CHUNK: [u8; 1_600] = [0x55; 1_600];

fn wanted() -> Wanted {
    Arc::new(|fact: &Fact| {
        vec![New {
            webhook: "crm".into(),
            call: fact.call.clone(),
            seq: fact.seq,
            event: "leg.ringing".into(),
            body: "{}".into(),
            queued_at: fact.at,
        }]
    })
}

fn store(disk: &Path) -> Shared {
    open(&Settings { url: None, file: disk.join("crosspoint.db") }).unwrap()
}

fn follower(store: &Shared, disk: &Path) -> Follower {
    Follower::new(store.clone(), disk.join("records"), "main", at(0), wanted())
}

/// What a machine does while it has power.
struct Machine<'a> {
    disk: &'a Path,
    store: Shared,
    follower: Follower,
    journal: Journal,
    tapes: Tapes,
    calls: usize,
    chunks: u64,
}

impl Machine<'_> {
    /// Calls come and end; the first of them only comes.
    fn calls(&mut self) {
        for n in self.calls..self.calls + CALLS {
            let (id, when) = (format!("{n:05}"), 1_000 + n as i64);
            let begun = json!({ "state": "in_progress", "ended_at": null, "talk_ms": null });
            self.journal.keep(Entry::Record(Box::new(call(&id, when, begun))));
            for seq in 1..=EVENTS {
                self.journal.keep(Entry::Fact(fact(&id, seq, when)));
            }
            if !n.is_multiple_of(CALLS) {
                self.journal.keep(Entry::Record(Box::new(call(&id, when, json!({})))));
            }
        }
        self.calls += CALLS;
    }

    fn sound(&mut self) {
        for _ in 0..10 {
            let (tape, at) = (TapeId(1), self.chunks * 800);
            assert!(self.tapes.take(Reel::Chunk { tape, at, octets: &CHUNK }));
            self.chunks += 1;
        }
    }
}

#[test]
fn journal_recordings_and_outbox_are_what_they_promise_after_the_power_went() {
    let folder = Folder::new();
    let (image, disk) = (folder.path().join("image"), folder.path().join("disk"));
    let Some(mounted) = Disk::mount(&image, &disk, 65_536) else { return };
    let mut cuts = Vec::new();
    let store = store(&disk);
    let (tapes, writer) = Tapes::start(disk.join("recordings"), |_| ()).unwrap();
    assert!(tapes.take(Reel::Open { tape: TapeId(1), file: "long.wav", law: Law::Mu }));
    let mut machine = Machine {
        follower: follower(&store, &disk),
        journal: Journal::open(&disk.join("records"), SYNC).unwrap(),
        disk: &disk,
        store,
        tapes,
        calls: 0,
        chunks: 0,
    };
    turn(async {
        for cut in 0..3 {
            machine.calls();
            machine.sound();
            // So long a disk may take, and no longer: that is what is promised.
            #[allow(clippy::disallowed_methods, reason = "there is nothing to wait for but time")]
            thread::sleep(SYNC_TAPES);
            let (calls, chunks) = (machine.calls, machine.chunks);
            machine.follower.catch_up().await.unwrap();
            assert_eq!(
                machine.store.last_place().await.unwrap(),
                (calls as i64) * i64::from(EVENTS)
            );
            // What comes now has no time to reach the disk, or half of it.
            machine.calls();
            machine.sound();
            let copy = folder.path().join(format!("cut {cut}"));
            fs::copy(&image, &copy).unwrap();
            cuts.push((copy, calls, chunks));
        }
    });
    assert_eq!(machine.disk, disk);
    drop(machine);
    writer.join().unwrap();
    drop(mounted);
    for (image, calls, chunks) in cuts {
        let disk = folder.path().join("after");
        let mounted = Disk::mount(&image, &disk, 0).unwrap();
        holds(&disk, calls, chunks);
        drop(mounted);
    }
}

/// All that had time to reach the disk is there; the rest is there wholly or not at all.
fn holds(disk: &Path, calls: usize, chunks: u64) {
    assert_eq!(repair_recordings(&disk.join("recordings")).unwrap(), 1);
    let sound = fs::read(disk.join("recordings/long.wav")).unwrap();
    let header = wav::Header::read(&sound[..wav::Header::LEN]).unwrap();
    let frames = u64::from(header.frames);
    assert!((chunks * 800..=(chunks + 10) * 800).contains(&frames), "{frames} of {chunks}");
    let heard = &sound[wav::Header::LEN..];
    assert!(heard[..chunks as usize * CHUNK.len()].iter().all(|it| *it == 0x55));
    // As the program does at its start.
    drop(Journal::open(&disk.join("records"), SYNC).unwrap());
    turn(async {
        let store = store(disk);
        store.check().await.unwrap();
        follower(&store, disk).catch_up().await.unwrap();
        let mut ids = found(store.as_ref(), &Search::default()).await;
        ids.reverse();
        let all: Vec<_> = (0..calls + CALLS).map(|it| format!("{it:05}")).collect();
        assert!((calls..=calls + CALLS).contains(&ids.len()), "{}", ids.len());
        assert_eq!(ids, all[..ids.len()]);
        for (n, id) in ids[..calls].iter().enumerate() {
            let record = store.record(id).await.unwrap().unwrap();
            let begun_only = n.is_multiple_of(CALLS);
            let state = if begun_only { RecordState::Interrupted } else { RecordState::Ended };
            assert_eq!(record.state, state, "{id}");
        }
        let queued = store.deliveries(None, State::Waiting, 0, 1_000).await.unwrap();
        for id in &ids[..calls] {
            let of = queued.iter().filter(|it| *it.call == **id).map(|it| it.seq);
            assert_eq!(of.collect::<Vec<_>>(), (1..=EVENTS).collect::<Vec<_>>(), "{id}");
            assert_eq!(store.facts(id).await.unwrap().len(), EVENTS as usize);
        }
        let open = Search { outcome: Some("in_progress".to_owned()), ..Search::default() };
        assert_eq!(found(store.as_ref(), &open).await, Vec::<String>::new());
    });
}
