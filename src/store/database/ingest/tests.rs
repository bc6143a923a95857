//! Journals that grow, are set aside, torn and cut; stores that fail.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::outbox::State;
use crate::store::database::tests::{Folder, at, call, fact, found, leg, sqlite_in, turn};
use crate::store::database::{Search, Settings, open};

fn write(folder: &Path, file: &str, lines: &[String]) {
    let mut file = OpenOptions::new().create(true).append(true).open(folder.join(file)).unwrap();
    for line in lines {
        file.write_all(line.as_bytes()).unwrap();
    }
}

fn line(it: &impl serde::Serialize) -> String {
    serde_json::to_string(it).unwrap() + "\n"
}

fn ended(id: usize) -> String {
    line(&call(&format!("{id:05}"), id as i64, json!({})))
}

fn follower(store: &Shared, folder: &Path) -> Follower {
    Follower::new(store.clone(), folder.to_owned(), "main", at(1_000), Arc::new(|_| Vec::new()))
}

async fn ids(store: &Shared) -> Vec<usize> {
    let mut ids = found(store.as_ref(), &Search::default()).await;
    ids.reverse();
    ids.iter().map(|it| it.parse().unwrap()).collect()
}

fn up_to(end: usize) -> Vec<usize> {
    (0..end).collect()
}

#[test]
fn a_journal_that_grows_and_is_set_aside_is_followed() {
    let folder = Folder::new();
    turn(async {
        let store = sqlite_in(&folder);
        let journal = folder.path().join("records");
        let mut follower = follower(&store, &journal);
        // There is no journal yet.
        follower.catch_up().await.unwrap();
        fs::create_dir(&journal).unwrap();
        follower.catch_up().await.unwrap();
        for round in 0..4 {
            for n in 0..300 {
                write(&journal, "calls.jsonl", &[ended(round * 600 + n)]);
            }
            // Half of a line is not there yet.
            let next = ended(round * 600 + 300);
            write(&journal, "calls.jsonl", &[next[..40].to_owned()]);
            follower.catch_up().await.unwrap();
            assert_eq!(ids(&store).await, up_to(round * 600 + 300));
            write(&journal, "calls.jsonl", &[next[40..].to_owned()]);
            for n in 301..600 {
                write(&journal, "calls.jsonl", &[ended(round * 600 + n)]);
            }
            if round % 2 == 0 {
                let aside = format!("calls.{:05}.jsonl", round + 1);
                fs::rename(journal.join("calls.jsonl"), journal.join(aside)).unwrap();
                write(&journal, "calls.jsonl", &[]);
            }
            // One that starts anew goes on where the other one was.
            follower = super::tests::follower(&store, &journal);
            follower.catch_up().await.unwrap();
            assert_eq!(ids(&store).await, up_to(round * 600 + 600));
        }
        assert_eq!(follower.progress().bytes_behind(), 0);
        let kept = store.position("main").await.unwrap().unwrap().calls.unwrap();
        assert_eq!(kept.offset, fs::metadata(journal.join("calls.jsonl")).unwrap().len());
    });
}

/// As the journal does it, only much more often.
#[test]
fn nothing_is_missed_while_files_are_set_aside() {
    const FILES: usize = 150;
    let folder = Folder::new();
    let path = folder.path().to_owned();
    let writer = std::thread::spawn(move || {
        for file in 0..FILES {
            for n in 0..6 {
                write(&path, "calls.jsonl", &[ended(file * 6 + n)]);
            }
            let aside = path.join(format!("calls.{:05}.jsonl", file + 1));
            fs::rename(path.join("calls.jsonl"), aside).unwrap();
        }
    });
    turn(async {
        let store = sqlite_in(&folder);
        let mut follower = follower(&store, folder.path());
        while !writer.is_finished() {
            follower.catch_up().await.unwrap();
        }
        writer.join().unwrap();
        follower.catch_up().await.unwrap();
        assert_eq!(ids(&store).await, up_to(FILES * 6));
    });
}

#[test]
fn files_that_were_set_aside_before_are_read_from_the_earliest() {
    let folder = Folder::new();
    let records: Vec<_> = (0..5).map(|it| call(&format!("{it}"), it, json!({}))).collect();
    for (n, record) in records.iter().enumerate() {
        let name = match n {
            4 => "calls.jsonl".to_owned(),
            // The numbers do not tell the order: one that is free again is taken again.
            _ => format!("calls.{:05}.jsonl", [3, 1, 4, 2][n]),
        };
        // The last word about one call is in the last file.
        let same = call("same", 0, json!({ "source": format!("file {n}") }));
        write(folder.path(), &name, &[line(record), line(&same)]);
        let time = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_000 + n as u64);
        let file = OpenOptions::new().append(true).open(folder.path().join(&name)).unwrap();
        file.set_modified(time).unwrap();
    }
    write(folder.path(), "calls.txt", &["not a journal\n".to_owned()]);
    write(folder.path(), "callsigns.00001.jsonl", &["nor this\n".to_owned()]);
    turn(async {
        let store = sqlite_in(&folder);
        follower(&store, folder.path()).catch_up().await.unwrap();
        assert_eq!(found(store.as_ref(), &Search::default()).await.len(), 6);
        assert_eq!(store.record("same").await.unwrap().unwrap().source, "file 4");
    });
}

#[test]
fn a_journal_that_lost_lines_is_read_anew() {
    let folder = Folder::new();
    let file = folder.path().join("calls.jsonl");
    turn(async {
        let store = sqlite_in(&folder);
        let lines: Vec<_> = (0..10).map(ended).collect();
        write(folder.path(), "calls.jsonl", &lines);
        follower(&store, folder.path()).catch_up().await.unwrap();
        // The power went: four lines that had been read never reached the disk ..
        let kept: usize = lines[..6].iter().map(String::len).sum();
        let cut = OpenOptions::new().write(true).open(&file).unwrap();
        cut.set_len(kept as u64).unwrap();
        follower(&store, folder.path()).catch_up().await.unwrap();
        assert_eq!(ids(&store).await, up_to(10));
        // .. and more are written in their place, past where they had been.
        let others: Vec<_> = (10..20).map(ended).collect();
        write(folder.path(), "calls.jsonl", &others);
        follower(&store, folder.path()).catch_up().await.unwrap();
        assert_eq!(ids(&store).await, up_to(20));
        let ask = super::super::Statistics {
            from: at(0),
            to: at(100),
            by: super::super::By::Source,
            zone: jiff::tz::TimeZone::UTC,
        };
        assert_eq!(store.statistics(&ask).await.unwrap().totals.calls, 20);
        // All of it is gone: what was kept stays, and what comes is taken.
        fs::remove_file(&file).unwrap();
        write(folder.path(), "calls.jsonl", &[ended(20)]);
        follower(&store, folder.path()).catch_up().await.unwrap();
        assert_eq!(ids(&store).await, up_to(21));
    });
}

#[test]
fn lines_that_make_no_sense_stop_nothing() {
    let folder = Folder::new();
    let nonsense = ["\n", "{}\n", "\0\0\0\n", "{\"id\":\"x\"\n", "\u{feff}\n", "[[[[\n"];
    write(folder.path(), "calls.jsonl", &[ended(0)]);
    write(folder.path(), "calls.jsonl", &nonsense.map(str::to_owned));
    fs::OpenOptions::new()
        .append(true)
        .open(folder.path().join("calls.jsonl"))
        .and_then(|mut it| it.write_all(b"\xff\xfe\n"))
        .unwrap();
    write(folder.path(), "calls.jsonl", &[ended(1)]);
    write(folder.path(), "events.jsonl", &nonsense.map(str::to_owned));
    write(folder.path(), "events.jsonl", &[line(&fact("a", 1, 1))]);
    turn(async {
        let store = sqlite_in(&folder);
        follower(&store, folder.path()).catch_up().await.unwrap();
        assert_eq!(ids(&store).await, up_to(2));
        assert_eq!(store.facts("a").await.unwrap().len(), 1);
    });
}

#[test]
fn webhooks_are_told_of_what_happens_from_now_on_and_once() {
    let folder = Folder::new();
    let facts: Vec<_> = (990..1_010).map(|it| line(&fact("a", it as u32, it))).collect();
    write(folder.path(), "events.jsonl", &facts);
    turn(async {
        let store = sqlite_in(&folder);
        let wanted = |fact: &Fact| {
            let new = New {
                webhook: "crm".into(),
                call: fact.call.clone(),
                seq: fact.seq,
                event: "x".into(),
                body: "{}".into(),
                queued_at: fact.at,
            };
            vec![new]
        };
        let told = async || {
            let folder = folder.path().to_owned();
            let store = store.clone();
            let mut follower =
                Follower::new(store.clone(), folder, "main", at(1_000), Arc::new(wanted));
            follower.catch_up().await.unwrap();
            let waiting = store.deliveries(None, State::Waiting, 0, 100).await.unwrap();
            waiting.iter().map(|it| it.seq).collect::<Vec<_>>()
        };
        assert_eq!(told().await, (1_000..1_010).collect::<Vec<_>>());
        write(folder.path(), "events.jsonl", &facts[..5]);
        write(folder.path(), "events.jsonl", &[line(&fact("b", 7, 2_000))]);
        assert_eq!(told().await, (1_000..1_010).chain([7]).collect::<Vec<_>>());
        assert_eq!(store.facts("a").await.unwrap().len(), 20);
    });
}

#[test]
fn events_that_are_too_old_are_forgotten() {
    let folder = Folder::new();
    turn(async {
        let store = sqlite_in(&folder);
        let day = 86_400;
        let mut follower =
            follower(&store, folder.path()).keep_events(Some(Duration::from_secs(30 * 86_400)));
        for n in 0..60 {
            let facts: Vec<_> =
                (1..=50).map(|it| line(&fact(&format!("{n}"), it, n * day))).collect();
            write(folder.path(), "events.jsonl", &facts);
            follower.catch_up().await.unwrap();
        }
        assert!(store.facts("28").await.unwrap().is_empty());
        assert_eq!(store.facts("29").await.unwrap().len(), 50);
        assert_eq!(store.facts("59").await.unwrap().len(), 50);
    });
}

#[test]
fn calls_that_only_the_store_knows_are_interrupted_at_the_next_start() {
    let folder = Folder::new();
    turn(async {
        let store = sqlite_in(&folder);
        let begun = |id: &str, received: i64, ended_at| {
            let with = json!({ "state": "in_progress", "ended_at": ended_at, "talk_ms": null,
                "legs": [leg("+1", "answered")] });
            line(&call(id, received, with))
        };
        let lines = [
            begun("old", 1, None),
            begun("scoring", 2, Some(5)),
            begun("of this run", 1_001, None),
        ];
        write(folder.path(), "calls.jsonl", &lines);
        follower(&store, folder.path()).catch_up().await.unwrap();
        // The journal of the run that crashed is empty, but for a call of the next run.
        fs::remove_file(folder.path().join("calls.jsonl")).unwrap();
        write(folder.path(), "calls.jsonl", &[begun("of this run", 1_001, None)]);
        let mut follower = follower(&store, folder.path());
        follower.catch_up().await.unwrap();
        let of = async |id: &str| store.record(id).await.unwrap().unwrap();
        let old = of("old").await;
        assert_eq!(old.state, RecordState::Interrupted);
        assert_eq!(old.cause.unwrap().reason, "interrupted");
        assert_eq!(of("scoring").await.state, RecordState::Ended);
        assert_eq!(of("of this run").await.state, RecordState::InProgress);
    });
}

/// The database is locked, gone, or no database; then it is well again. Nothing is lost.
#[test]
fn a_store_that_fails_is_behind_and_catches_up() {
    let folder = Folder::new();
    let journal = folder.path().join("records");
    fs::create_dir(&journal).unwrap();
    let file = folder.path().join("data/crosspoint.db");
    turn(async {
        let store = open(&Settings { url: None, file: file.clone() }).unwrap();
        let follower = follower(&store, &journal);
        let progress = follower.progress();
        let running = tokio::spawn(follower.run());
        for n in 0..100 {
            write(&journal, "calls.jsonl", &[ended(n)]);
        }
        until(|| progress.is_failing()).await;
        fs::create_dir(folder.path().join("data")).unwrap();
        until(|| !progress.is_failing() && progress.bytes_behind() == 0).await;
        assert_eq!(ids(&store).await, up_to(100));
        running.abort();
    });
}

async fn until(is: impl Fn() -> bool) {
    for _ in 0..1_000 {
        if is() {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("it never was");
}

#[test]
fn one_line_that_cannot_be_kept_is_left_out_and_said() {
    let folder = Folder::new();
    turn(async {
        let store = sqlite_in(&folder);
        store.documents().await.unwrap();
        refuse("00003", &folder.path().join("crosspoint.db"));
        let lines: Vec<_> = (0..8).map(ended).collect();
        write(folder.path(), "calls.jsonl", &lines);
        let facts: Vec<_> = (1..=8).map(|it| line(&fact("a", it, it.into()))).collect();
        write(folder.path(), "events.jsonl", &facts);
        let mut follower = follower(&store, folder.path());
        follower.catch_up().await.unwrap();
        assert_eq!(ids(&store).await, [0, 1, 2, 4, 5, 6, 7]);
        assert_eq!(store.facts("a").await.unwrap().len(), 8, "no event goes with it");
        assert_eq!(follower.progress().bytes_behind(), 0);
    });
}

/// Has the database refuse one call, as it may that does not like its bytes.
fn refuse(id: &str, database: &Path) {
    let script = format!(
        "import sqlite3, sys\n\
         db = sqlite3.connect(sys.argv[1])\n\
         db.execute(\"CREATE TRIGGER picky BEFORE INSERT ON records WHEN new.id = '{id}' \
         BEGIN SELECT RAISE(ABORT, 'no'); END\")\n\
         db.commit()\n"
    );
    let mut python = std::process::Command::new("python3");
    assert!(python.args(["-c", &script]).arg(database).status().unwrap().success());
}
