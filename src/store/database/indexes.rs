//! Indexes of calls that have in them all that is asked for besides, so that a search that finds
//! little reads one index and nothing else. They came later than the tables: they are made one at a
//! time while everything goes on, and take the place of those that had less in them.
//!
//! No index has more than three texts of any length: PostgreSQL refuses rows of more than 2704
//! bytes in one.

use super::sql::Session;
use super::{StoreError, people};

/// The setting that says how many of them are there.
const INDEXED: &str = "indexed";

/// What leads, what is there besides, and which calls it is of.
const INDEXES: [(&str, &str, &str); 7] = [
    ("tracking_number", "outcome, direction, recorded, source, agent", ""),
    ("source", "outcome, direction, recorded, agent, tracking_number", ""),
    ("agent", "outcome, direction, recorded, source, tracking_number", " WHERE agent <> ''"),
    ("outcome", "direction, recorded, source, agent, tracking_number", ""),
    ("source_tag", "outcome, direction, recorded, source, agent", " WHERE source_tag <> ''"),
    ("direction", "outcome, recorded, source, agent, tracking_number", ""),
    ("recorded", "outcome, direction, source, agent, tracking_number", ""),
];

/// How many are there.
pub async fn made(it: &mut dyn Session) -> Result<usize, StoreError> {
    let made = people::setting(it, INDEXED).await?;
    Ok(made.and_then(|it| it.parse().ok()).unwrap_or(0))
}

/// What makes the next one after so many; to do so twice is the same as once.
pub fn next(made: usize) -> Option<[String; 2]> {
    let (column, besides, of) = INDEXES.get(made)?;
    let make = format!(
        "CREATE INDEX IF NOT EXISTS calls_by_{column} ON records \
         ({column}, received_at, place, {besides}){of}"
    );
    Some([make, format!("DROP INDEX IF EXISTS records_by_{column}")])
}

pub async fn note(it: &mut dyn Session, made: usize) -> Result<(), StoreError> {
    let sql = "INSERT INTO settings (name, body) VALUES ($1, $2) \
               ON CONFLICT (name) DO UPDATE SET body = excluded.body";
    it.run(sql, vec![INDEXED.into(), made.to_string().into()]).await.map(drop)
}
