//! Recordings as rows: where each is, and what is to be done with it (`archive`).

use std::collections::BTreeMap;

use super::people::{limit, note_audit};
use super::sql::{Row, Session, Value};
use super::{
    AuditEntry, LIMIT, RecordingCounts, RecordingSearch, RecordingState, StoreError,
    StoredRecording,
};
use crate::archive::{NEVER, Plan};
use crate::clock::Wall;
use crate::model::record::CallRecord;

const COLUMNS: &str = "file, call, tracking_number, started_at, length_ms, state, bytes, \
                       encrypted, keep_until, attempts, due, node, held, leaving, why, place, sha256";
/// That is what becomes of a recording; the others are what its call's record says.
const CHANGING: [&str; 10] =
    ["state", "bytes", "encrypted", "attempts", "due", "held", "leaving", "why", "place", "sha256"];

/// Adds the recordings of a call that are not known yet.
pub async fn note(it: &mut dyn Session, record: &CallRecord, node: &str) -> Result<(), StoreError> {
    for recording in &record.recordings {
        let Some(file) = &recording.file else { continue };
        let started_at = recording.started_at.unwrap_or(record.received_at);
        let millis = recording.length_ms.saturating_add(record.keep_recordings_ms.unwrap_or(0));
        let keep_until = record.keep_recordings_ms.map(|_| later(started_at, millis));
        let new = StoredRecording {
            tracking_number: record.tracking_number.clone(),
            length_ms: recording.length_ms,
            keep_until,
            ..StoredRecording::new(file, &record.id, node, started_at)
        };
        // What was done with it since stays; how long it became is told by the later line. A row
        // may be there before its call's, if somebody has held or deleted the file by then.
        let then = "UPDATE SET call = excluded.call, tracking_number = excluded.tracking_number, \
                    length_ms = excluded.length_ms, \
                    due = CASE WHEN recordings.keep_until IS NULL \
                    AND excluded.keep_until IS NOT NULL THEN excluded.due ELSE recordings.due END, \
                    keep_until = COALESCE(recordings.keep_until, excluded.keep_until)";
        put_row(it, &new, then).await?;
    }
    Ok(())
}

/// Not later than ever, whatever a line of the journal says.
fn later(from: Wall, millis: u64) -> Wall {
    let micros = i64::try_from(millis.saturating_mul(1000)).unwrap_or(i64::MAX);
    Wall::from_unix_micros(from.unix_micros().saturating_add(micros)).min(NEVER)
}

pub async fn put(
    it: &mut dyn Session,
    new: &StoredRecording,
    audit: Option<&AuditEntry>,
) -> Result<(), StoreError> {
    let set = |name: &str| format!("{name} = excluded.{name}");
    let then: Vec<_> = COLUMNS.split(", ").skip(1).map(set).collect();
    put_row(it, new, &format!("UPDATE SET {}", then.join(", "))).await?;
    match audit {
        Some(entry) => note_audit(it, entry).await,
        None => Ok(()),
    }
}

pub async fn add(
    it: &mut dyn Session,
    new: &StoredRecording,
) -> Result<StoredRecording, StoreError> {
    put_row(it, new, "NOTHING").await?;
    let there = recording(it, &new.file).await?;
    there.ok_or_else(|| StoreError::Broken("a recording is not there".to_owned()))
}

async fn put_row(
    it: &mut dyn Session,
    new: &StoredRecording,
    then: &str,
) -> Result<(), StoreError> {
    let places: Vec<_> = (1..=COLUMNS.split(", ").count()).map(|it| format!("${it}")).collect();
    let sql = format!(
        "INSERT INTO recordings ({COLUMNS}) VALUES ({}) ON CONFLICT (file) DO {then}",
        places.join(", ")
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
        (&new.node).into(),
        new.held.into(),
        new.leaving.as_deref().unwrap_or_default().into(),
        (&new.why).into(),
        (&new.place).into(),
        (&new.sum).into(),
    ];
    it.run(&sql, values).await.map(drop)
}

pub async fn settle(
    it: &mut dyn Session,
    was: &StoredRecording,
    is: &StoredRecording,
    audit: Option<&AuditEntry>,
) -> Result<bool, StoreError> {
    let set: Vec<_> = (6..).zip(CHANGING).map(|(at, name)| format!("{name} = ${at}")).collect();
    let sql = format!(
        "UPDATE recordings SET {} WHERE file = $1 AND state = $2 AND encrypted = $3 \
         AND held = $4 AND leaving = $5",
        set.join(", ")
    );
    let values = vec![
        (&was.file).into(),
        number(was.state).into(),
        was.encrypted.into(),
        was.held.into(),
        was.leaving.as_deref().unwrap_or_default().into(),
        number(is.state).into(),
        is.bytes.into(),
        is.encrypted.into(),
        is.attempts.into(),
        is.due.into(),
        is.held.into(),
        is.leaving.as_deref().unwrap_or_default().into(),
        (&is.why).into(),
        (&is.place).into(),
        (&is.sum).into(),
    ];
    let settled = it.run(&sql, values).await? == 1;
    if let Some(entry) = audit.filter(|_| settled) {
        note_audit(it, entry).await?;
    }
    Ok(settled)
}

pub async fn put_off(
    it: &mut dyn Session,
    them: &[(StoredRecording, Wall)],
) -> Result<(), StoreError> {
    // Most are alike, and each call that was recorded comes this way: all of a kind at once.
    let mut alike: BTreeMap<(bool, bool, Option<Wall>), Vec<&str>> = BTreeMap::new();
    for (was, due) in them {
        if was.state == RecordingState::Local && was.leaving.is_none() {
            let other = Some(*due).filter(|it| was.keep_until != Some(*it));
            alike.entry((was.encrypted, was.held, other)).or_default().push(&was.file);
        } else {
            let is = StoredRecording { due: *due, ..was.clone() };
            settle(it, was, &is, None).await?;
        }
    }
    for ((encrypted, held, due), files) in &alike {
        for files in files.chunks(LIMIT as usize) {
            let places: Vec<_> = (4..files.len() + 4).map(|it| format!("${it}")).collect();
            let sql = format!(
                "UPDATE recordings SET due = COALESCE($1, keep_until, due) WHERE encrypted = $2 \
                 AND held = $3 AND state = 0 AND leaving = '' AND file IN ({})",
                places.join(", ")
            );
            let values = [(*due).into(), (*encrypted).into(), (*held).into()];
            let files = files.iter().map(|it| Value::from(*it));
            it.run(&sql, values.into_iter().chain(files).collect()).await?;
        }
    }
    Ok(())
}

pub async fn due(
    it: &mut dyn Session,
    node: &str,
    now: Wall,
    most: u32,
) -> Result<Vec<StoredRecording>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM recordings WHERE node = $1 AND state <> 2 AND due <= $2 \
         ORDER BY due, file LIMIT $3"
    );
    let rows = it.rows(&sql, vec![node.into(), now.into(), limit(most).into()]).await?;
    rows.iter().map(stored).collect()
}

pub async fn wake(
    it: &mut dyn Session,
    node: &str,
    plan: Plan,
    now: Wall,
) -> Result<u64, StoreError> {
    let which = match plan {
        Plan { upload: true, .. } => " OR (state = 0 AND attempts = 0)",
        Plan { seal: true, .. } => " OR (state = 0 AND attempts = 0 AND encrypted = 0)",
        Plan { .. } => "",
    };
    // What waits may have been put off by a clock that was wrong.
    let sql = format!(
        "UPDATE recordings SET due = $2 WHERE node = $1 AND state <> 2 AND $2 < due \
         AND ((due < $3 AND (keep_until IS NULL OR keep_until <> due)){which})"
    );
    it.run(&sql, vec![node.into(), now.into(), NEVER.into()]).await
}

pub async fn counts(
    it: &mut dyn Session,
    node: &str,
    now: Wall,
) -> Result<RecordingCounts, StoreError> {
    let count = |which: &str| {
        let many = RecordingCounts::MANY;
        format!(
            "(SELECT COUNT(*) FROM (SELECT file FROM recordings WHERE {which} LIMIT {many}) AS c)"
        )
    };
    let sql = format!(
        "SELECT {}, {}, {}, {}",
        count("node = $1 AND state <> 2 AND due <= $2"),
        count("node = $1 AND 0 < attempts AND state <> 2"),
        count("node = $1 AND leaving <> '' AND state <> 2"),
        count("held = 1")
    );
    let rows = it.rows(&sql, vec![node.into(), now.into()]).await?;
    let row = rows.first().ok_or_else(|| StoreError::Broken("nothing was counted".to_owned()))?;
    Ok(RecordingCounts {
        waiting: row.count(0)?,
        failing: row.count(1)?,
        leaving: row.count(2)?,
        held: row.count(3)?,
    })
}

pub async fn untended(
    it: &mut dyn Session,
    node: &str,
    before: Wall,
) -> Result<BTreeMap<String, u64>, StoreError> {
    let sql = "SELECT node, COUNT(*) FROM recordings WHERE node <> $1 AND state <> 2 AND due < $2 \
               GROUP BY node ORDER BY node LIMIT 20";
    let rows = it.rows(sql, vec![node.into(), before.into()]).await?;
    rows.iter().map(|it| Ok((it.string(0)?, it.count(1)?))).collect()
}

pub async fn known(it: &mut dyn Session, files: &[String]) -> Result<Vec<String>, StoreError> {
    let files = files.get(..LIMIT as usize).unwrap_or(files);
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<_> = (1..=files.len()).map(|it| format!("${it}")).collect();
    let sql =
        format!("SELECT file FROM recordings WHERE state <> 2 AND file IN ({})", places.join(", "));
    let rows = it.rows(&sql, files.iter().map(Value::from).collect()).await?;
    rows.iter().map(|it| it.string(0)).collect()
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
    ];
    for (condition, value) in given {
        if let Some(value) = value {
            values.push(value);
            conditions += &format!(" AND {condition} ${}", values.len());
        }
    }
    // As the index of those that are held has it.
    conditions += match search.held {
        None => "",
        Some(true) => " AND held = 1",
        Some(false) => " AND held = 0",
    };
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
        node: row.text(11)?,
        held: row.flag(12)?,
        leaving: Some(row.text(13)?).filter(|it| !it.is_empty()),
        why: row.text(14)?,
        place: row.text(15)?,
        sum: row.text(16)?,
    })
}
