//! Recordings as rows: where each is, and what is to be done with it.

use super::people::{limit, note_audit};
use super::sql::{Row, Session, Value};
use super::{AuditEntry, RecordingSearch, RecordingState, StoreError, StoredRecording};
use crate::model::record::CallRecord;

const COLUMNS: &str = "file, call, tracking_number, started_at, length_ms, state, bytes, \
                       encrypted, keep_until, attempts, due";

/// Adds the recordings of a call that are not known yet.
pub async fn note(it: &mut dyn Session, record: &CallRecord) -> Result<(), StoreError> {
    for recording in &record.recordings {
        let Some(file) = &recording.file else { continue };
        let started_at = recording.started_at.unwrap_or(record.received_at);
        let new = StoredRecording {
            file: file.clone(),
            call: record.id.clone(),
            tracking_number: record.tracking_number.clone(),
            started_at,
            length_ms: recording.length_ms,
            state: RecordingState::Local,
            bytes: 0,
            encrypted: false,
            keep_until: None,
            attempts: 0,
            due: started_at,
        };
        // What was done with it since stays; how long it became is told by the later line.
        let then = "length_ms = excluded.length_ms";
        put_row(it, &new, then).await?;
    }
    Ok(())
}

pub async fn put(
    it: &mut dyn Session,
    new: &StoredRecording,
    audit: Option<&AuditEntry>,
) -> Result<(), StoreError> {
    let then = "call = excluded.call, tracking_number = excluded.tracking_number, \
                started_at = excluded.started_at, length_ms = excluded.length_ms, \
                state = excluded.state, bytes = excluded.bytes, encrypted = excluded.encrypted, \
                keep_until = excluded.keep_until, attempts = excluded.attempts, \
                due = excluded.due";
    put_row(it, new, then).await?;
    match audit {
        Some(entry) => note_audit(it, entry).await,
        None => Ok(()),
    }
}

async fn put_row(
    it: &mut dyn Session,
    new: &StoredRecording,
    then: &str,
) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO recordings ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         ON CONFLICT (file) DO UPDATE SET {then}"
    );
    let values = vec![
        (&new.file).into(),
        (&new.call).into(),
        (&new.tracking_number).into(),
        new.started_at.into(),
        new.length_ms.into(),
        number(new.state).into(),
        new.bytes.into(),
        new.encrypted.into(),
        new.keep_until.into(),
        new.attempts.into(),
        new.due.into(),
    ];
    it.run(&sql, values).await.map(drop)
}

pub async fn recording(
    it: &mut dyn Session,
    file: &str,
) -> Result<Option<StoredRecording>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM recordings WHERE file = $1");
    it.rows(&sql, vec![file.into()]).await?.first().map(stored).transpose()
}

pub async fn recordings(
    it: &mut dyn Session,
    search: &RecordingSearch,
) -> Result<Vec<StoredRecording>, StoreError> {
    let mut values: Vec<Value> = Vec::new();
    let mut conditions = String::new();
    let given = [
        ("state =", search.state.map(|it| number(it).into())),
        ("call =", search.call.as_deref().map(Value::from)),
        ("tracking_number =", search.tracking_number.as_deref().map(Value::from)),
        ("started_at <", search.started_before.map(Value::from)),
        ("due <=", search.due_before.map(Value::from)),
    ];
    for (condition, value) in given {
        if let Some(value) = value {
            values.push(value);
            conditions += &format!(" AND {condition} ${}", values.len());
        }
    }
    if let Some((started_at, file)) = &search.after {
        values.extend([(*started_at).into(), file.into()]);
        let (a, b) = (values.len() - 1, values.len());
        conditions += &format!(" AND (started_at, file) > (${a}, ${b})");
    }
    values.push(limit(search.limit).into());
    let sql = format!(
        "SELECT {COLUMNS} FROM recordings WHERE 1 = 1{conditions} \
         ORDER BY started_at, file LIMIT ${}",
        values.len()
    );
    it.rows(&sql, values).await?.iter().map(stored).collect()
}

const fn number(state: RecordingState) -> i64 {
    match state {
        RecordingState::Local => 0,
        RecordingState::Uploaded => 1,
        RecordingState::Deleted => 2,
    }
}

fn stored(row: &Row) -> Result<StoredRecording, StoreError> {
    let state = match row.number(5)? {
        0 => RecordingState::Local,
        1 => RecordingState::Uploaded,
        2 => RecordingState::Deleted,
        other => {
            return Err(StoreError::Broken(format!("there is no state {other} of a recording")));
        }
    };
    Ok(StoredRecording {
        file: row.text(0)?,
        call: row.text(1)?,
        tracking_number: row.text(2)?,
        started_at: row.wall(3)?,
        length_ms: row.count(4)?,
        state,
        bytes: row.count(6)?,
        encrypted: row.flag(7)?,
        keep_until: row.maybe_wall(8)?,
        attempts: row.small(9)?,
        due: row.wall(10)?,
    })
}
