//! Documents: revisions, all or nothing, each change in the audit log.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::people;
use super::sql::{Row, Session};
use super::{AuditEntry, Author, Document, Edit, Expected, StoreError};
use crate::clock::Wall;

/// Edits that are made together: a large directory that is taken in at once.
pub const EDITS_MAX: usize = 100_000;
/// Bytes of a document.
pub const BODY_MAX: usize = 1 << 20;
/// Bytes of a kind or a name.
pub const NAME_MAX: usize = 200;

/// The setting that counts changes.
const CHANGES: &str = "directory_changes";

const COLUMNS: &str = "kind, name, revision, body, changed_at, changed_by";

pub async fn documents(it: &mut dyn Session) -> Result<Vec<Document>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM documents ORDER BY kind, place");
    it.rows(&sql, Vec::new()).await?.iter().map(document).collect()
}

pub async fn change(
    it: &mut dyn Session,
    edits: &[Edit],
    author: Author<'_>,
    at: Wall,
) -> Result<Vec<Document>, StoreError> {
    if EDITS_MAX < edits.len() {
        let why = format!("{} changes at once are too many: at most {EDITS_MAX}", edits.len());
        return Err(StoreError::Refused(why));
    }
    let (mut written, mut changed) = (Vec::new(), false);
    for edit in edits {
        for (what, text) in [("kind", &edit.kind), ("name", &edit.name)] {
            if text.is_empty() || NAME_MAX < text.len() || text.contains('\0') {
                let why = format!("a {what} has 1 to {NAME_MAX} bytes, none of them NUL");
                return Err(StoreError::Refused(why));
            }
        }
        let (there, other) = one(it, edit, author, at).await?;
        written.extend(there);
        changed |= other;
    }
    if changed {
        count(it).await?;
    }
    Ok(written)
}

/// Counts a change, for those who look whether there was one.
async fn count(it: &mut dyn Session) -> Result<(), StoreError> {
    let sql = "INSERT INTO settings (name, body) VALUES ($1, '1') ON CONFLICT (name) \
               DO UPDATE SET body = CAST(CAST(settings.body AS BIGINT) + 1 AS TEXT)";
    it.run(sql, vec![CHANGES.into()]).await.map(drop)
}

pub async fn changes(it: &mut dyn Session) -> Result<i64, StoreError> {
    let Some(count) = people::setting(it, CHANGES).await? else { return Ok(0) };
    count.parse().map_err(|_| StoreError::Broken(format!("{count:?} changes of documents")))
}

/// Makes an edit. What is there then, and whether it is another than before.
async fn one(
    it: &mut dyn Session,
    edit: &Edit,
    author: Author<'_>,
    at: Wall,
) -> Result<(Option<Document>, bool), StoreError> {
    let old = find(it, &edit.kind, &edit.name).await?;
    let fits = match edit.expected {
        Expected::Any => true,
        Expected::Absent => old.is_none(),
        Expected::Revision(wanted) => old.as_ref().is_some_and(|it| it.revision == wanted),
    };
    if !fits {
        let (kind, name) = (edit.kind.clone(), edit.name.clone());
        return Err(StoreError::Conflict { kind, name, now: old.map(Box::new) });
    }
    let (what, revision, keys) = match (&old, &edit.body) {
        (None, None) => return Ok((None, false)),
        (Some(old), Some(new)) if old.body == *new => return Ok((Some(old.clone()), false)),
        (Some(old), None) => {
            bury(it, &edit.kind, &edit.name, old.revision).await?;
            let sql = "DELETE FROM documents WHERE kind = $1 AND name = $2";
            it.run(sql, vec![(&edit.kind).into(), (&edit.name).into()]).await?;
            ("deleted", old.revision, BTreeSet::new())
        }
        (Some(old), Some(new)) => {
            let sql = "UPDATE documents SET revision = $3, body = $4, changed_at = $5, \
                       changed_by = $6 WHERE kind = $1 AND name = $2";
            put(it, sql, edit, old.revision + 1, new, author.by, at).await?;
            ("changed", old.revision + 1, differing(&old.body, new))
        }
        (None, Some(new)) => {
            let revision = buried(it, &edit.kind, &edit.name).await? + 1;
            let sql = format!("INSERT INTO documents ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6)");
            put(it, &sql, edit, revision, new, author.by, at).await?;
            ("created", revision, differing(&Json::Null, new))
        }
    };
    let entry = AuditEntry {
        id: 0,
        at,
        by: author.by.to_owned(),
        source: author.source.to_owned(),
        what: what.to_owned(),
        subject: format!("{}/{}", edit.kind, edit.name),
        detail: json!({ "revision": revision, "keys": keys }),
    };
    people::note_audit(it, &entry).await?;
    let there = edit.body.as_ref().map(|body| Document {
        kind: edit.kind.clone(),
        name: edit.name.clone(),
        revision,
        body: body.clone(),
        changed_at: at,
        changed_by: author.by.to_owned(),
    });
    Ok((there, true))
}

async fn put(
    it: &mut dyn Session,
    sql: &str,
    edit: &Edit,
    revision: i64,
    body: &Json,
    by: &str,
    at: Wall,
) -> Result<(), StoreError> {
    let text = body.to_string();
    if BODY_MAX < text.len() {
        let (kind, name, bytes) = (&edit.kind, &edit.name, text.len());
        let why = format!("{kind} {name:?} has {bytes} bytes as JSON: at most {BODY_MAX}");
        return Err(StoreError::Refused(why));
    }
    let key = [(&edit.kind).into(), (&edit.name).into(), revision.into()];
    it.run(sql, key.into_iter().chain([text.into(), at.into(), by.into()]).collect()).await?;
    Ok(())
}

async fn find(
    it: &mut dyn Session,
    kind: &str,
    name: &str,
) -> Result<Option<Document>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM documents WHERE kind = $1 AND name = $2");
    it.rows(&sql, vec![kind.into(), name.into()]).await?.first().map(document).transpose()
}

/// Remembers the last revision of what is deleted, so that none is given twice.
pub async fn bury(
    it: &mut dyn Session,
    kind: &str,
    name: &str,
    revision: i64,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO buried (kind, name, revision) VALUES ($1, $2, $3) \
               ON CONFLICT (kind, name) DO UPDATE SET revision = excluded.revision";
    it.run(sql, vec![kind.into(), name.into(), revision.into()]).await.map(drop)
}

pub async fn buried(it: &mut dyn Session, kind: &str, name: &str) -> Result<i64, StoreError> {
    let sql = "SELECT revision FROM buried WHERE kind = $1 AND name = $2";
    let rows = it.rows(sql, vec![kind.into(), name.into()]).await?;
    rows.first().map_or(Ok(0), |it| it.number(0))
}

/// The keys that are not the same in both.
fn differing<'a>(old: &'a Json, new: &'a Json) -> BTreeSet<&'a str> {
    let keys = |it: &'a Json| it.as_object().into_iter().flat_map(|it| it.keys());
    let them = keys(old).chain(keys(new)).filter(|it| old.get(it) != new.get(it));
    them.map(String::as_str).collect()
}

fn document(row: &Row) -> Result<Document, StoreError> {
    Ok(Document {
        kind: row.string(0)?,
        name: row.string(1)?,
        revision: row.number(2)?,
        body: row.json(3)?,
        changed_at: row.wall(4)?,
        changed_by: row.string(5)?,
    })
}
