//! Users, their keys and sessions, what they did, and what the program keeps for itself.

use super::directory::{NAME_MAX, buried, bury};
use super::sql::{Row, Session as Sql, Value, json};
use super::{ApiKey, AuditEntry, AuditSearch, Expected, LIMIT, Page, Session, StoreError, User};
use crate::clock::Wall;

/// The use of a key is noted once in so many microseconds.
const USED_EVERY: i64 = 60_000_000;
/// Characters of the texts of an audit entry; and bytes of its detail.
const NOTE_MAX: usize = 500;
const DETAIL_MAX: usize = 1 << 20;

const USER: &str = "name, role, agent, password, created_at, changed_at, revision";
const KEY: &str = "id, name, role, owner, hash, created_at, expires_at, used_at";
const SESSION: &str = "hash, owner, csrf, created_at, expires_at";

pub async fn users(it: &mut dyn Sql) -> Result<Vec<User>, StoreError> {
    let sql = format!("SELECT {USER} FROM users ORDER BY name");
    it.rows(&sql, Vec::new()).await?.iter().map(as_user).collect()
}

pub async fn user(it: &mut dyn Sql, name: &str) -> Result<Option<User>, StoreError> {
    let sql = format!("SELECT {USER} FROM users WHERE name = $1");
    it.rows(&sql, vec![name.into()]).await?.first().map(as_user).transpose()
}

pub async fn put_user(
    it: &mut dyn Sql,
    new: &User,
    expected: Expected,
    audit: &AuditEntry,
) -> Result<User, StoreError> {
    if new.name.is_empty() || NAME_MAX < new.name.len() || new.name.contains('\0') {
        let why = format!("a user's name has 1 to {NAME_MAX} bytes, none of them NUL");
        return Err(StoreError::Refused(why));
    }
    let old = user(it, &new.name).await?;
    let fits = match expected {
        Expected::Any => true,
        Expected::Absent => old.is_none(),
        Expected::Revision(wanted) => old.as_ref().is_some_and(|it| it.revision == wanted),
    };
    if !fits {
        return Err(conflict(&new.name, old));
    }
    let revision = match &old {
        Some(old) => old.revision + 1,
        None => buried(it, "user", &new.name).await? + 1,
    };
    let created_at = old.map_or(new.created_at, |it| it.created_at);
    let sql = format!(
        "INSERT INTO users ({USER}) VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (name) DO UPDATE SET role = excluded.role, agent = excluded.agent, \
         password = excluded.password, changed_at = excluded.changed_at, \
         revision = excluded.revision"
    );
    let values = vec![
        (&new.name).into(),
        (&new.role).into(),
        new.agent.as_deref().into(),
        (&new.password).into(),
        created_at.into(),
        new.changed_at.into(),
        revision.into(),
    ];
    it.run(&sql, values).await?;
    note_audit(it, audit).await?;
    Ok(User { created_at, revision, ..new.clone() })
}

/// As it is now, without the hash.
fn conflict(name: &str, now: Option<User>) -> StoreError {
    let now = now.map(|it| super::Document {
        kind: "user".to_owned(),
        name: it.name,
        revision: it.revision,
        body: serde_json::json!({ "role": it.role, "agent": it.agent }),
        changed_at: it.changed_at,
        changed_by: String::new(),
    });
    StoreError::Conflict { kind: "user".to_owned(), name: name.to_owned(), now: now.map(Box::new) }
}

pub async fn delete_user(
    it: &mut dyn Sql,
    name: &str,
    audit: &AuditEntry,
) -> Result<bool, StoreError> {
    let Some(old) = user(it, name).await? else { return Ok(false) };
    bury(it, "user", name, old.revision).await?;
    for sql in [
        "DELETE FROM sessions WHERE owner = $1",
        "DELETE FROM api_keys WHERE owner = $1",
        "DELETE FROM users WHERE name = $1",
    ] {
        it.run(sql, vec![name.into()]).await?;
    }
    note_audit(it, audit).await?;
    Ok(true)
}

pub async fn keys(it: &mut dyn Sql) -> Result<Vec<ApiKey>, StoreError> {
    let sql = format!("SELECT {KEY} FROM api_keys ORDER BY created_at, id");
    it.rows(&sql, Vec::new()).await?.iter().map(as_key).collect()
}

pub async fn key_by_hash(it: &mut dyn Sql, hash: &str) -> Result<Option<ApiKey>, StoreError> {
    let sql = format!("SELECT {KEY} FROM api_keys WHERE hash = $1");
    it.rows(&sql, vec![hash.into()]).await?.first().map(as_key).transpose()
}

pub async fn put_key(it: &mut dyn Sql, key: &ApiKey, audit: &AuditEntry) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO api_keys ({KEY}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT DO NOTHING"
    );
    let values = vec![
        (&key.id).into(),
        (&key.name).into(),
        (&key.role).into(),
        (&key.user).into(),
        (&key.hash).into(),
        key.created_at.into(),
        key.expires_at.into(),
        key.used_at.into(),
    ];
    if it.run(&sql, values).await? == 0 {
        return Err(StoreError::Refused("there is such a key already".to_owned()));
    }
    note_audit(it, audit).await
}

/// Whether the use of a key was noted a short while before `at`, or there is no such key.
pub async fn was_used(it: &mut dyn Sql, id: &str, at: Wall) -> Result<bool, StoreError> {
    let rows = it.rows("SELECT used_at FROM api_keys WHERE id = $1", vec![id.into()]).await?;
    let Some(row) = rows.first() else { return Ok(true) };
    Ok(row.maybe_number(0)?.is_some_and(|it| at.unix_micros() < it.saturating_add(USED_EVERY)))
}

pub async fn key_used(it: &mut dyn Sql, id: &str, at: Wall) -> Result<(), StoreError> {
    let sql = "UPDATE api_keys SET used_at = $2 WHERE id = $1";
    it.run(sql, vec![id.into(), at.into()]).await.map(drop)
}

pub async fn delete_key(
    it: &mut dyn Sql,
    id: &str,
    audit: &AuditEntry,
) -> Result<bool, StoreError> {
    if it.run("DELETE FROM api_keys WHERE id = $1", vec![id.into()]).await? == 0 {
        return Ok(false);
    }
    note_audit(it, audit).await?;
    Ok(true)
}

pub async fn put_session(it: &mut dyn Sql, session: &Session) -> Result<(), StoreError> {
    let past = "DELETE FROM sessions WHERE expires_at <= $1";
    it.run(past, vec![session.created_at.into()]).await?;
    let sql = format!(
        "INSERT INTO sessions ({SESSION}) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (hash) DO UPDATE SET owner = excluded.owner, csrf = excluded.csrf, \
         created_at = excluded.created_at, expires_at = excluded.expires_at"
    );
    let values = vec![
        (&session.hash).into(),
        (&session.user).into(),
        (&session.csrf).into(),
        session.created_at.into(),
        session.expires_at.into(),
    ];
    it.run(&sql, values).await.map(drop)
}

pub async fn session(
    it: &mut dyn Sql,
    hash: &str,
    now: Wall,
) -> Result<Option<Session>, StoreError> {
    let sql = format!("SELECT {SESSION} FROM sessions WHERE hash = $1 AND $2 < expires_at");
    let rows = it.rows(&sql, vec![hash.into(), now.into()]).await?;
    let session = |row: &Row| {
        Ok(Session {
            hash: row.string(0)?,
            user: row.string(1)?,
            csrf: row.string(2)?,
            created_at: row.wall(3)?,
            expires_at: row.wall(4)?,
        })
    };
    rows.first().map(session).transpose()
}

pub async fn end_session(it: &mut dyn Sql, hash: &str) -> Result<bool, StoreError> {
    Ok(it.run("DELETE FROM sessions WHERE hash = $1", vec![hash.into()]).await? != 0)
}

pub async fn end_sessions_of(
    it: &mut dyn Sql,
    user: &str,
    except: Option<&str>,
) -> Result<u64, StoreError> {
    let sql = "DELETE FROM sessions WHERE owner = $1 AND hash <> $2";
    it.run(sql, vec![user.into(), except.unwrap_or_default().into()]).await
}

pub async fn audit(it: &mut dyn Sql, search: &AuditSearch) -> Result<Vec<AuditEntry>, StoreError> {
    let mut values: Vec<Value> = Vec::new();
    let mut conditions = String::new();
    let given = [("who =", search.by.as_deref().map(Value::from))].into_iter();
    let given = given.chain([
        ("subject =", search.subject.as_deref().map(Value::from)),
        ("id <", search.before.map(Value::from)),
    ]);
    for (condition, value) in given {
        if let Some(value) = value {
            values.push(value);
            conditions += &format!(" AND {condition} ${}", values.len());
        }
    }
    values.push(limit(search.limit).into());
    let sql = format!(
        "SELECT id, at, who, source, what, subject, detail FROM audit WHERE 1 = 1{conditions} \
         ORDER BY id DESC LIMIT ${}",
        values.len()
    );
    let entry = |row: &Row| {
        Ok(AuditEntry {
            id: row.number(0)?,
            at: row.wall(1)?,
            by: row.string(2)?,
            source: row.string(3)?,
            what: row.string(4)?,
            subject: row.string(5)?,
            detail: row.json(6)?,
        })
    };
    it.rows(&sql, values).await?.iter().map(entry).collect()
}

pub async fn forget_audit(it: &mut dyn Sql, before: Wall, most: u32) -> Result<u64, StoreError> {
    // Entries follow the time, but for a clock that was set back.
    let sql = "DELETE FROM audit WHERE id IN (SELECT first.id FROM \
               (SELECT id, at FROM audit ORDER BY id LIMIT $2) AS first WHERE first.at < $1)";
    it.run(sql, vec![before.into(), most.into()]).await
}

/// What is asked for, held to its bounds.
pub fn limit(asked: u32) -> u32 {
    match asked {
        0 => Page::DEFAULT,
        _ => asked.min(LIMIT),
    }
}

pub async fn note_audit(it: &mut dyn Sql, entry: &AuditEntry) -> Result<(), StoreError> {
    let cut = |text: &str| text.chars().take(NOTE_MAX).collect::<String>();
    let detail = match json(&entry.detail)? {
        Value::Text(Some(text)) if DETAIL_MAX < text.len() => Value::from("\"too long\""),
        other => other,
    };
    let sql = "INSERT INTO audit (at, who, source, what, subject, detail) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    let texts = [&entry.by, &entry.source, &entry.what, &entry.subject].map(|it| cut(it).into());
    let values = [entry.at.into()].into_iter().chain(texts).chain([detail]);
    it.run(sql, values.collect()).await.map(drop)
}

pub async fn setting(it: &mut dyn Sql, key: &str) -> Result<Option<String>, StoreError> {
    let rows = it.rows("SELECT body FROM settings WHERE name = $1", vec![key.into()]).await?;
    rows.first().map(|it| it.string(0)).transpose()
}

pub async fn settle_setting(
    it: &mut dyn Sql,
    key: &str,
    value: &str,
) -> Result<String, StoreError> {
    let sql = "INSERT INTO settings (name, body) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    it.run(sql, vec![key.into(), value.into()]).await?;
    let kept = setting(it, key).await?;
    kept.ok_or_else(|| StoreError::Broken(format!("the setting {key} is gone")))
}

fn as_user(row: &Row) -> Result<User, StoreError> {
    Ok(User {
        name: row.string(0)?,
        role: row.string(1)?,
        agent: row.maybe_text(2)?.map(|it| it.as_ref().to_owned()),
        password: row.string(3)?,
        created_at: row.wall(4)?,
        changed_at: row.wall(5)?,
        revision: row.number(6)?,
    })
}

fn as_key(row: &Row) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        id: row.string(0)?,
        name: row.string(1)?,
        role: row.string(2)?,
        user: row.string(3)?,
        hash: row.string(4)?,
        created_at: row.wall(5)?,
        expires_at: row.maybe_wall(6)?,
        used_at: row.maybe_wall(7)?,
    })
}
