//! Recordings.

use std::time::Duration;

use serde_json::json;

use super::world::{at, audit, call, take};
use crate::archive::{NEVER, Plan};
use crate::model::record::CallRecord;
use crate::store::database::{
    AuditSearch, RecordingCounts, RecordingSearch, RecordingState, Store, StoredRecording,
};

fn recorded(id: &str, received: i64, files: &[&str]) -> CallRecord {
    let recording = |file: &&str| {
        json!({
            "leg": 1, "file": file, "started_at": at(received + 1), "length_ms": 1_500,
            "lost_ms": 0, "stopped_by": null, "prevented": null,
        })
    };
    let prevented = json!({
        "leg": 2, "file": null, "started_at": null, "length_ms": 0, "lost_ms": 0,
        "stopped_by": null, "prevented": "destination",
    });
    let recordings: Vec<_> = files.iter().map(recording).chain([prevented]).collect();
    call(id, received, json!({ "recordings": recordings }))
}

pub async fn recordings_are_rows_that_remember_what_was_done(store: &dyn Store) {
    take(store, vec![recorded("a", 10, &["a-1.wav", "a-2.wav"])]).await;
    let row = store.recording("a-2.wav").await.unwrap().unwrap();
    let wanted = StoredRecording {
        file: "a-2.wav".into(),
        call: "a".into(),
        tracking_number: "+12025550100".into(),
        node: "main".into(),
        started_at: at(11),
        length_ms: 1_500,
        state: RecordingState::Local,
        bytes: 0,
        encrypted: false,
        keep_until: None,
        held: false,
        leaving: None,
        attempts: 0,
        why: "".into(),
        due: at(11),
        place: "".into(),
        sum: "".into(),
    };
    assert_eq!(row, wanted);
    assert_eq!(store.recording("b.wav").await.unwrap(), None);
    let gone = StoredRecording {
        state: RecordingState::Deleted,
        bytes: 24_044,
        encrypted: true,
        keep_until: Some(at(99)),
        held: true,
        leaving: Some("ada".into()),
        attempts: 3,
        why: "the storage is away".into(),
        due: at(50),
        place: "s3://calls".into(),
        sum: "e3b0".into(),
        ..wanted.clone()
    };
    // Who knows nothing of it, and meant to add it, changes nothing.
    let blank = StoredRecording::new(&"a-2.wav".into(), &"x".into(), "other", at(70));
    assert_eq!(store.add_recording(&blank).await.unwrap(), wanted);
    let blank = StoredRecording { file: "new.wav".into(), ..blank };
    assert_eq!(store.add_recording(&blank).await.unwrap(), blank);
    store.put_recording(&gone, Some(&audit("deleted"))).await.unwrap();
    store.put_recording(&gone, None).await.unwrap();
    assert_eq!(store.audit(&AuditSearch::default()).await.unwrap().len(), 1);
    // One more line of the call does not bring it back.
    take(store, vec![recorded("a", 10, &["a-1.wav", "a-2.wav"])]).await;
    assert_eq!(store.recording("a-2.wav").await.unwrap(), Some(gone));
}

pub async fn recordings_are_listed_from_the_earliest(store: &dyn Store) {
    for n in (0..30).rev() {
        let file = format!("{n:02}.wav");
        take(store, vec![recorded(&format!("{n}"), n / 2, &[&file])]).await;
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let search = RecordingSearch { after, limit: 7, ..RecordingSearch::default() };
        let some = store.recordings(&search).await.unwrap();
        let Some(last) = some.last() else { break };
        after = Some((last.started_at, last.file.clone()));
        seen.extend(some.iter().map(|it| it.file.to_string()));
    }
    let wanted: Vec<_> = (0..30).map(|it| format!("{it:02}.wav")).collect();
    assert_eq!(seen, wanted);
    let mut one = store.recording("04.wav").await.unwrap().unwrap();
    one.state = RecordingState::Uploaded;
    one.due = at(500);
    store.put_recording(&one, None).await.unwrap();
    let many = async |search: RecordingSearch| {
        let search = RecordingSearch { limit: 1000, ..search };
        store.recordings(&search).await.unwrap().len()
    };
    let none = RecordingSearch::default;
    assert_eq!(many(RecordingSearch { state: Some(RecordingState::Uploaded), ..none() }).await, 1);
    assert_eq!(many(RecordingSearch { state: Some(RecordingState::Local), ..none() }).await, 29);
    assert_eq!(many(RecordingSearch { call: Some("7".to_owned()), ..none() }).await, 1);
    assert_eq!(many(RecordingSearch { started_before: Some(at(3)), ..none() }).await, 4);
    let number = Some("+12025550100".to_owned());
    assert_eq!(many(RecordingSearch { tracking_number: number, ..none() }).await, 30);
    let number = Some("+1".to_owned());
    assert_eq!(many(RecordingSearch { tracking_number: number, ..none() }).await, 0);
}

fn keeping(id: &str, received: i64, millis: u64, more: serde_json::Value) -> CallRecord {
    let mut record = recorded(id, received, &[&format!("{id}.wav")]);
    record.keep_recordings_ms = Some(millis);
    for (key, value) in more.as_object().into_iter().flatten() {
        let mut body = serde_json::to_value(&record).unwrap();
        body[key] = value.clone();
        record = serde_json::from_value(body).unwrap();
    }
    record
}

pub async fn a_recording_is_kept_for_as_long_as_was_said_when_its_call_came(store: &dyn Store) {
    let until = async |file: &str| store.recording(file).await.unwrap().unwrap().keep_until;
    take(store, vec![keeping("a", 10, 3_600_000, json!({}))]).await;
    // From its end on.
    assert_eq!(until("a.wav").await, Some(at(11 + 3600) + Duration::from_millis(1_500)));
    take(store, vec![keeping("b", 10, u64::MAX, json!({}))]).await;
    assert_eq!(until("b.wav").await, Some(NEVER));
    take(store, vec![recorded("c", 10, &["c.wav"])]).await;
    assert_eq!(until("c.wav").await, None);
    // What is said later is no news, but for who said nothing.
    take(store, vec![keeping("a", 10, 1, json!({}))]).await;
    assert_eq!(until("a.wav").await, Some(at(11 + 3600) + Duration::from_millis(1_500)));
    let mut row = store.recording("c.wav").await.unwrap().unwrap();
    row.due = NEVER;
    store.put_recording(&row, None).await.unwrap();
    take(store, vec![keeping("c", 10, 1_000, json!({}))]).await;
    let row = store.recording("c.wav").await.unwrap().unwrap();
    assert_eq!(row.keep_until, Some(at(12) + Duration::from_millis(1_500)));
    assert_eq!(row.due, at(11), "it is looked at again");
}

pub async fn a_recording_is_no_row_while_its_call_goes_on(store: &dyn Store) {
    let open = json!({ "state": "in_progress", "ended_at": null });
    take(store, vec![keeping("a", 10, 1, open)]).await;
    assert_eq!(store.recording("a.wav").await.unwrap(), None);
    take(store, vec![keeping("a", 10, 1, json!({ "state": "interrupted" }))]).await;
    assert!(store.recording("a.wav").await.unwrap().is_some());
}

pub async fn what_became_of_a_recording_is_written_unless_somebody_was_first(store: &dyn Store) {
    take(store, vec![recorded("a", 10, &["a.wav"])]).await;
    let was = store.recording("a.wav").await.unwrap().unwrap();
    let sealed = StoredRecording { encrypted: true, bytes: 7, due: at(70), ..was.clone() };
    let held = StoredRecording { held: true, ..was.clone() };
    let left = StoredRecording { leaving: Some("ada".into()), ..was.clone() };
    assert!(store.settle_recording(&was, &held, Some(&audit("held"))).await.unwrap());
    // Each of these was read before that.
    for late in [&sealed, &left, &held] {
        assert!(!store.settle_recording(&was, late, Some(&audit("late"))).await.unwrap());
    }
    store.put_off_recordings(&[(was.clone(), at(99))]).await.unwrap();
    assert_eq!(store.recording("a.wav").await.unwrap(), Some(held.clone()));
    let noted = store.audit(&AuditSearch::default()).await.unwrap();
    assert_eq!(noted.iter().map(|it| &*it.what).collect::<Vec<_>>(), ["held"]);
    // Its call may say more meanwhile.
    let mut longer = recorded("a", 10, &["a.wav"]);
    longer.recordings[0].length_ms = 9_000;
    take(store, vec![longer]).await;
    let sealed = StoredRecording { held: true, ..sealed };
    assert!(store.settle_recording(&held, &sealed, None).await.unwrap());
    let is = store.recording("a.wav").await.unwrap().unwrap();
    assert_eq!(is, StoredRecording { length_ms: 9_000, ..sealed.clone() });
    store.put_off_recordings(&[(sealed, at(99))]).await.unwrap();
    assert_eq!(store.recording("a.wav").await.unwrap().unwrap().due, at(99));
    let none = StoredRecording { file: "none.wav".into(), ..is };
    assert!(!store.settle_recording(&none, &none, None).await.unwrap());
}

pub async fn recordings_are_due_by_their_time_and_counted(store: &dyn Store) {
    let files: Vec<_> = (0..6).map(|it| format!("{it}.wav")).collect();
    let names: Vec<_> = files.iter().map(String::as_str).collect();
    take(store, vec![recorded("a", 10, &names)]).await;
    let mut rows = Vec::new();
    for file in &files {
        rows.push(store.recording(file).await.unwrap().unwrap());
    }
    let set = async |n: usize, is: StoredRecording| {
        assert!(store.settle_recording(&rows[n], &is, None).await.unwrap());
    };
    set(0, StoredRecording { due: at(60), ..rows[0].clone() }).await;
    set(1, StoredRecording { due: at(30), attempts: 2, why: "x".into(), ..rows[1].clone() }).await;
    set(2, StoredRecording { state: RecordingState::Deleted, ..rows[2].clone() }).await;
    set(3, StoredRecording { leaving: Some("ada".into()), ..rows[3].clone() }).await;
    set(4, StoredRecording { held: true, due: NEVER, ..rows[4].clone() }).await;
    set(5, StoredRecording { encrypted: true, due: NEVER, ..rows[5].clone() }).await;
    let due = async |now: i64, limit: u32| -> Vec<String> {
        let rows = store.due_recordings("main", at(now), limit).await.unwrap();
        rows.iter().map(|it| it.file.to_string()).collect()
    };
    assert_eq!(due(10, 100).await, [""; 0]);
    assert_eq!(due(60, 100).await, ["3.wav", "1.wav", "0.wav"]);
    assert_eq!(due(59, 1).await, ["3.wav"]);
    assert!(store.due_recordings("other", at(60), 9).await.unwrap().is_empty());
    let counts = store.recording_counts("main", at(60)).await.unwrap();
    assert_eq!(counts, RecordingCounts { waiting: 3, failing: 1, leaving: 1, held: 1 });
    // Whoever waits is looked at, and by a plan that wants more those that rested as well.
    let wake = async |seal, upload| {
        store.wake_recordings("main", Plan { seal, upload }, at(20)).await.unwrap()
    };
    assert_eq!(wake(false, false).await, 2);
    assert_eq!(due(20, 100).await, ["3.wav", "0.wav", "1.wav"]);
    assert_eq!(wake(true, false).await, 1);
    assert_eq!(due(20, 100).await, ["3.wav", "0.wav", "1.wav", "4.wav"]);
    assert_eq!(wake(true, true).await, 1);
    assert_eq!(due(20, 100).await, ["3.wav", "0.wav", "1.wav", "4.wav", "5.wav"]);
    // Where they should be until their time is up, they stay.
    take(store, vec![keeping("b", 10, 3_600_000, json!({}))]).await;
    let was = store.recording("b.wav").await.unwrap().unwrap();
    store.put_off_recordings(&[(was.clone(), was.keep_until.unwrap())]).await.unwrap();
    assert_eq!(wake(false, false).await, 0);
    let others = async |node: &str, before: i64| {
        let others = store.untended_recordings(node, at(before)).await.unwrap();
        others.into_iter().collect::<Vec<_>>()
    };
    assert_eq!(others("main", 100).await, []);
    assert_eq!(others("renamed", 11).await, []);
    assert_eq!(others("renamed", 21).await, [("main".to_owned(), 5)]);
    let asked = ["0.wav", "none.wav", "2.wav", "'; DROP TABLE recordings"].map(str::to_owned);
    let mut known = store.known_recordings(&asked).await.unwrap();
    known.sort();
    assert_eq!(known, ["0.wav"], "one that is deleted should not be there");
    assert!(store.known_recordings(&[]).await.unwrap().is_empty());
    let held = RecordingSearch { held: Some(true), ..RecordingSearch::default() };
    let held = store.recordings(&held).await.unwrap();
    assert_eq!(held.iter().map(|it| &*it.file).collect::<Vec<_>>(), ["4.wav"]);
}

pub async fn many_recordings_are_put_off_at_once(store: &dyn Store) {
    for n in 0..8 {
        let id = format!("{n}");
        let keep = if n % 2 == 0 { 3_600_000 } else { 7_200_000 };
        take(store, vec![keeping(&id, 10, keep, json!({}))]).await;
    }
    take(store, vec![recorded("8", 10, &["8.wav"])]).await;
    let mut them = Vec::new();
    for n in 0..9 {
        let mut row = store.recording(&format!("{n}.wav")).await.unwrap().unwrap();
        (row.held, row.encrypted) = (n == 5, n == 6);
        row.leaving = (n == 7).then(|| "ada".into());
        store.put_recording(&row, None).await.unwrap();
        let due = match n {
            0..4 => row.keep_until.unwrap(),
            4..8 => at(50 + n),
            _ => NEVER,
        };
        them.push((row, due));
    }
    // This one is held since it was read.
    let late = StoredRecording { held: true, ..them[3].0.clone() };
    store.put_recording(&late, None).await.unwrap();
    store.put_off_recordings(&them).await.unwrap();
    store.put_off_recordings(&[]).await.unwrap();
    for (n, (was, due)) in them.iter().enumerate() {
        let is = store.recording(&was.file).await.unwrap().unwrap();
        match n {
            3 => assert_eq!(is, late),
            _ => assert_eq!(is, StoredRecording { due: *due, ..was.clone() }),
        }
    }
}
