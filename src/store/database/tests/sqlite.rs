//! What can happen to a file: it is locked, full, damaged, copied, or the power goes.

use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use serde_json::json;

use super::world::{Disk, Folder, at, call, take};
use super::{sqlite_in, turn};
use crate::store::database::{Edit, Expected, Settings, Store, StoreError, open};

fn edit(name: &str) -> Edit {
    let body = Some(json!({ "name": name }));
    Edit { kind: "agent".to_owned(), name: name.to_owned(), expected: Expected::Any, body }
}

async fn names(store: &dyn Store) -> Vec<String> {
    store.documents().await.unwrap().into_iter().map(|it| it.name).collect()
}

/// Another process that holds the database's lock until it is told to let go.
struct Holder(Child, Option<ChildStdin>);

impl Holder {
    fn take(file: &Path) -> Self {
        let script = "import sqlite3, sys\n\
                      db = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
                      db.execute('BEGIN IMMEDIATE')\n\
                      print('held', flush=True)\n\
                      sys.stdin.read()\n\
                      db.execute('ROLLBACK')\n";
        let mut child = Command::new("python3")
            .args(["-c", script])
            .arg(file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let told = std::io::BufReader::new(child.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut { told }, &mut line).unwrap();
        assert_eq!(line, "held\n");
        let input = child.stdin.take();
        Self(child, input)
    }

    fn let_go(mut self) {
        drop(self.1.take());
        self.0.wait().unwrap();
    }
}

#[test]
fn a_database_that_is_locked_is_read_meanwhile_and_written_later() {
    let folder = Folder::new();
    turn(async {
        let store = sqlite_in(&folder);
        store.change(&[edit("ada")], "x".into(), at(1)).await.unwrap();
        let holder = Holder::take(&folder.path().join("crosspoint.db"));
        assert_eq!(names(store.as_ref()).await, ["ada"]);
        let told = store.change(&[edit("bob")], "x".into(), at(1)).await;
        assert_eq!(told, Err(StoreError::Busy));
        assert_eq!(names(store.as_ref()).await, ["ada"]);
        holder.let_go();
        store.change(&[edit("bob")], "x".into(), at(1)).await.unwrap();
        assert_eq!(names(store.as_ref()).await, ["ada", "bob"]);
    });
}

#[test]
fn a_backup_is_whole_while_calls_come_in() {
    let folder = Folder::new();
    let copy = folder.path().join("copy.db");
    turn(async {
        let store = sqlite_in(&folder);
        store.change(&[edit("ada")], "x".into(), at(1)).await.unwrap();
        let calls: Vec<_> = (0..3_000).map(|it| call(&format!("{it}"), it, json!({}))).collect();
        take(store.as_ref(), calls[..2_000].to_vec()).await;
        let more = async {
            for one in &calls[2_000..] {
                take(store.as_ref(), vec![one.clone()]).await;
            }
        };
        let (backup, ()) = tokio::join!(store.backup(&copy), more);
        backup.unwrap();
        let again = store.backup(&copy).await;
        assert!(matches!(again, Err(StoreError::Refused(_))), "{again:?}");
        let nowhere = store.backup(&folder.path().join("no/where.db")).await;
        assert!(nowhere.is_err());
        // The copy is a store like any other: sound, with all that was there when it began.
        let restored = open(&Settings { url: None, file: copy.clone() }).unwrap();
        restored.check().await.unwrap();
        assert_eq!(names(restored.as_ref()).await, ["ada"]);
        let ids = super::world::found(restored.as_ref(), &super::super::Search::default()).await;
        assert!((2_000..=3_000).contains(&ids.len()), "{}", ids.len());
        let wanted: Vec<_> = (0..ids.len()).rev().map(|it| it.to_string()).collect();
        assert_eq!(ids, wanted);
        take(restored.as_ref(), vec![call("new", 9_999, json!({}))]).await;
    });
}

#[test]
fn what_is_no_database_is_said_to_be_none() {
    let folder = Folder::new();
    let file = folder.path().join("crosspoint.db");
    std::fs::write(&file, "this was written by somebody else\n".repeat(200)).unwrap();
    let before = std::fs::read(&file).unwrap();
    turn(async {
        let told = sqlite_in(&folder).documents().await;
        assert!(matches!(told, Err(StoreError::Broken(_))), "{told:?}");
    });
    assert_eq!(std::fs::read(&file).unwrap(), before);
    // Nor is a folder one, nor a file where there is no folder.
    for path in [folder.path().to_owned(), folder.path().join("not/there.db")] {
        turn(async {
            let told = open(&Settings { url: None, file: path }).unwrap().documents().await;
            assert!(matches!(told, Err(StoreError::Unavailable(_))), "{told:?}");
        });
    }
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let folder = Folder::new();
    let file = folder.path().join("crosspoint.db");
    turn(async {
        sqlite_in(&folder).change(&[edit("ada")], "x".into(), at(1)).await.unwrap();
        let script = "import sqlite3, sys\n\
                      db = sqlite3.connect(sys.argv[1])\n\
                      db.execute(\"INSERT INTO _sqlx_migrations VALUES \
                      (999, 'new', '2030-01-01', 1, x'00', 1)\")\n\
                      db.commit()\n";
        let done = Command::new("python3").args(["-c", script]).arg(&file).status().unwrap();
        assert!(done.success());
        let told = sqlite_in(&folder).documents().await;
        let Err(StoreError::Broken(why)) = told else { panic!("{told:?}") };
        assert!(why.contains("newer version"), "{why}");
    });
}

/// Of recordings that were kept before anything was done with them after their calls.
#[test]
fn recordings_of_an_older_version_belong_to_the_edge_of_their_call() {
    let folder = Folder::new();
    let file = folder.path().join("crosspoint.db");
    turn(async {
        let recording = json!({ "file": "a.wav", "started_at": at(2), "length_ms": 1_000,
            "leg": 1, "lost_ms": 0, "stopped_by": null, "prevented": null });
        let store = sqlite_in(&folder);
        let record = call("a", 1, json!({ "recordings": [recording] }));
        let mut batch = super::world::batch(vec![record], Vec::new());
        batch.position.node = "east".to_owned();
        store.ingest(&batch).await.unwrap();
        drop(store);
        // As it was before that migration.
        let script = "import sqlite3, sys\n\
                      db = sqlite3.connect(sys.argv[1])\n\
                      for it in ['due', 'failing', 'leaving', 'held']:\n  \
                          db.execute('DROP INDEX recordings_' + it)\n\
                      for it in ['node', 'held', 'leaving', 'why', 'place', 'sha256']:\n  \
                          db.execute('ALTER TABLE recordings DROP COLUMN ' + it)\n\
                      db.execute('DELETE FROM _sqlx_migrations WHERE version IN (2, 4)')\n\
                      db.execute(\"INSERT INTO recordings VALUES \
                      ('b.wav', 'gone', '', 1, 1, 0, 0, 0, NULL, 0, 1)\")\n\
                      db.commit()\n";
        let done = Command::new("python3").args(["-c", script]).arg(&file).status().unwrap();
        assert!(done.success());
        let store = sqlite_in(&folder);
        for (file, node) in [("a.wav", "east"), ("b.wav", "main")] {
            let row = store.recording(file).await.unwrap().unwrap();
            assert_eq!((&*row.node, row.held, row.leaving), (node, false, None), "{file}");
        }
    });
}

#[test]
fn a_database_that_appears_later_is_taken_then() {
    let folder = Folder::new();
    let late = folder.path().join("late");
    turn(async {
        let store = open(&Settings { url: None, file: late.join("crosspoint.db") }).unwrap();
        assert!(matches!(store.users().await, Err(StoreError::Unavailable(_))));
        std::fs::create_dir(&late).unwrap();
        store.change(&[edit("ada")], "x".into(), at(1)).await.unwrap();
        assert_eq!(names(store.as_ref()).await, ["ada"]);
    });
}

#[test]
fn a_full_disk_refuses_what_is_new_and_keeps_what_is_there() {
    let folder = Folder::new();
    let (image, path) = (folder.path().join("image"), folder.path().join("disk"));
    let Some(_disk) = Disk::mount(&image, &path, 16_384) else { return };
    let filler = path.join("filler");
    std::fs::write(&filler, vec![0; 8 << 20]).unwrap();
    turn(async {
        let store = open(&Settings { url: None, file: path.join("crosspoint.db") }).unwrap();
        let mut kept = Vec::new();
        let told = loop {
            let number = kept.len() as i64;
            let big =
                call(&format!("{number}"), number, json!({ "source_tag": "x".repeat(5_000) }));
            let batch = super::world::batch(vec![big.clone(); 1], Vec::new());
            match store.ingest(&batch).await {
                Ok(()) => kept.push(big),
                Err(told) => break told,
            }
            assert!(kept.len() < 5_000, "it never fills");
        };
        assert!(matches!(told, StoreError::Full | StoreError::Unavailable(_)), "{told:?}");
        let ids = super::world::found(store.as_ref(), &super::super::Search::default()).await;
        let wanted: Vec<_> = (0..kept.len()).rev().map(|it| it.to_string()).collect();
        assert_eq!(ids, wanted);
        store.check().await.unwrap();
        // With room again it goes on by itself.
        std::fs::remove_file(filler).unwrap();
        take(store.as_ref(), vec![call("after", 9_999, json!({}))]).await;
        assert!(store.record("after").await.unwrap().is_some());
    });
}

#[test]
fn a_file_that_was_there_is_counted_a_part_at_a_time() {
    let folder = Folder::new();
    turn(async {
        let store = sqlite_in(&folder);
        let old = async || {
            let file = folder.path().join("crosspoint.db");
            let script = "import sqlite3, sys\n\
                          db = sqlite3.connect(sys.argv[1], isolation_level=None)\n\
                          for it in sys.argv[2:]: db.execute(it)\n";
            let mut python = Command::new("python3");
            let told = python.args(["-c", script]).arg(file).args(super::counts::BEFORE).output();
            assert!(told.as_ref().is_ok_and(|it| it.status.success()), "{told:?}");
            sqlite_in(&folder)
        };
        let store = store.as_ref();
        super::counts::an_old_database_is_counted_a_part_at_a_time_and_right_all_the_time(
            store, old,
        )
        .await;
    });
}

/// The image is copied while the store writes: what the copy holds is what a disk holds when the
/// power goes. All that was said to be kept must be in it, and nothing by half.
#[test]
fn what_was_said_to_be_kept_is_there_after_the_power_went() {
    let folder = Folder::new();
    let (image, path) = (folder.path().join("image"), folder.path().join("disk"));
    let Some(disk) = Disk::mount(&image, &path, 65_536) else { return };
    let mut cuts = Vec::new();
    turn(async {
        let store = open(&Settings { url: None, file: path.join("crosspoint.db") }).unwrap();
        for cut in 0..5_usize {
            for step in 0..20 {
                let number = cut * 20 + step;
                let name = format!("{number}");
                let edits = [edit(&name), edit(&format!("{name} too"))];
                store.change(&edits, "x".into(), at(1)).await.unwrap();
                let mut batch = super::world::batch(
                    vec![call(&name, number as i64, json!({}))],
                    vec![super::world::fact(&name, 1, number as i64)],
                );
                batch.position.quiet_before = at(number as i64);
                store.ingest(&batch).await.unwrap();
            }
            let copy = folder.path().join(format!("cut {cut}"));
            std::fs::copy(&image, &copy).unwrap();
            cuts.push((copy, (cut + 1) * 20));
        }
    });
    drop(disk);
    for (image, kept) in cuts {
        let path = folder.path().join("after");
        let disk = Disk::mount(&image, &path, 0).unwrap();
        turn(async {
            let store = open(&Settings { url: None, file: path.join("crosspoint.db") }).unwrap();
            store.check().await.unwrap();
            assert_eq!(names(store.as_ref()).await.len(), 2 * kept);
            let ids = super::world::found(store.as_ref(), &super::super::Search::default()).await;
            assert_eq!(ids.len(), kept);
            assert_eq!(store.facts_after(0, 1000).await.unwrap().len(), kept);
            let position = store.position("main").await.unwrap().unwrap();
            assert_eq!(position.quiet_before, at(kept as i64 - 1));
        });
        drop(disk);
    }
}
