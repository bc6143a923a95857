//! Recordings.

use serde_json::json;

use super::world::{at, audit, call, take};
use crate::model::record::CallRecord;
use crate::store::database::{
    AuditSearch, RecordingSearch, RecordingState, Store, StoredRecording,
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
        started_at: at(11),
        length_ms: 1_500,
        state: RecordingState::Local,
        bytes: 0,
        encrypted: false,
        keep_until: None,
        attempts: 0,
        due: at(11),
    };
    assert_eq!(row, wanted);
    assert_eq!(store.recording("b.wav").await.unwrap(), None);
    let gone = StoredRecording {
        state: RecordingState::Deleted,
        bytes: 24_044,
        encrypted: true,
        keep_until: Some(at(99)),
        attempts: 3,
        due: at(50),
        ..wanted
    };
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
    assert_eq!(many(RecordingSearch { due_before: Some(at(100)), ..none() }).await, 29);
    let number = Some("+12025550100".to_owned());
    assert_eq!(many(RecordingSearch { tracking_number: number, ..none() }).await, 30);
    let number = Some("+1".to_owned());
    assert_eq!(many(RecordingSearch { tracking_number: number, ..none() }).await, 0);
}
