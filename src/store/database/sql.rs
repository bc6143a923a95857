//! What the two databases have in common, as far as the store needs it: statements with values in,
//! rows out, transactions. A driver knows how to connect and what its errors mean, and no table.

use std::path::Path;
use std::sync::Arc;

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::{Later, StoreError};
use crate::clock::Wall;

/// Texts that are indexed are kept up to so many characters, and looked for as such: a database
/// refuses longer ones (PostgreSQL: 2704 bytes).
pub const INDEXED_MAX: usize = 200;

/// A value on its way into a statement, or out of a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Number(Option<i64>),
    Text(Option<Arc<str>>),
}

impl From<i64> for Value {
    fn from(it: i64) -> Self {
        Self::Number(Some(it))
    }
}

impl From<u32> for Value {
    fn from(it: u32) -> Self {
        Self::Number(Some(it.into()))
    }
}

impl From<u64> for Value {
    fn from(it: u64) -> Self {
        Self::Number(Some(i64::try_from(it).unwrap_or(i64::MAX)))
    }
}

impl From<bool> for Value {
    fn from(it: bool) -> Self {
        Self::Number(Some(it.into()))
    }
}

impl From<Wall> for Value {
    fn from(it: Wall) -> Self {
        Self::Number(Some(it.unix_micros()))
    }
}

impl From<Option<Wall>> for Value {
    fn from(it: Option<Wall>) -> Self {
        Self::Number(it.map(Wall::unix_micros))
    }
}

impl From<Option<u64>> for Value {
    fn from(it: Option<u64>) -> Self {
        Self::Number(it.map(|it| i64::try_from(it).unwrap_or(i64::MAX)))
    }
}

impl From<&str> for Value {
    fn from(it: &str) -> Self {
        Self::Text(Some(plain(it)))
    }
}

impl From<&String> for Value {
    fn from(it: &String) -> Self {
        it.as_str().into()
    }
}

impl From<String> for Value {
    fn from(it: String) -> Self {
        it.as_str().into()
    }
}

impl From<&Arc<str>> for Value {
    fn from(it: &Arc<str>) -> Self {
        match it.contains('\0') {
            true => it.as_ref().into(),
            false => Self::Text(Some(it.clone())),
        }
    }
}

impl From<Option<&str>> for Value {
    fn from(it: Option<&str>) -> Self {
        Self::Text(it.map(plain))
    }
}

/// PostgreSQL keeps no NUL in a text; so the store does not.
fn plain(text: &str) -> Arc<str> {
    match text.contains('\0') {
        true => text.replace('\0', "\u{fffd}").into(),
        false => text.into(),
    }
}

/// As much of a text as is indexed.
pub fn indexed(text: &str) -> &str {
    match text.char_indices().nth(INDEXED_MAX) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// A row of an answer: values by their place, from 0.
#[derive(Clone, Debug)]
pub struct Row(pub Vec<Value>);

impl Row {
    pub fn number(&self, at: usize) -> Result<i64, StoreError> {
        self.maybe_number(at)?.ok_or_else(|| odd(at))
    }

    pub fn maybe_number(&self, at: usize) -> Result<Option<i64>, StoreError> {
        match self.0.get(at) {
            Some(Value::Number(it)) => Ok(*it),
            Some(Value::Text(None)) => Ok(None),
            _ => Err(odd(at)),
        }
    }

    /// A number that is never negative.
    pub fn count(&self, at: usize) -> Result<u64, StoreError> {
        u64::try_from(self.number(at)?).map_err(|_| odd(at))
    }

    pub fn small(&self, at: usize) -> Result<u32, StoreError> {
        u32::try_from(self.number(at)?).map_err(|_| odd(at))
    }

    pub fn flag(&self, at: usize) -> Result<bool, StoreError> {
        Ok(self.number(at)? != 0)
    }

    pub fn wall(&self, at: usize) -> Result<Wall, StoreError> {
        Ok(Wall::from_unix_micros(self.number(at)?))
    }

    pub fn maybe_wall(&self, at: usize) -> Result<Option<Wall>, StoreError> {
        Ok(self.maybe_number(at)?.map(Wall::from_unix_micros))
    }

    pub fn text(&self, at: usize) -> Result<Arc<str>, StoreError> {
        self.maybe_text(at)?.ok_or_else(|| odd(at))
    }

    pub fn string(&self, at: usize) -> Result<String, StoreError> {
        Ok(self.text(at)?.as_ref().to_owned())
    }

    pub fn maybe_text(&self, at: usize) -> Result<Option<Arc<str>>, StoreError> {
        match self.0.get(at) {
            Some(Value::Text(it)) => Ok(it.clone()),
            Some(Value::Number(None)) => Ok(None),
            _ => Err(odd(at)),
        }
    }

    /// JSON that was written by this program.
    pub fn json<T: serde::de::DeserializeOwned>(&self, at: usize) -> Result<T, StoreError> {
        let text = self.text(at)?;
        serde_json::from_str(&text).map_err(|error| {
            StoreError::Broken(format!("a row of {} bytes is not what it was: {error}", text.len()))
        })
    }
}

fn odd(at: usize) -> StoreError {
    StoreError::Broken(format!("column {at} of a row is of another type"))
}

/// JSON for a text column.
pub fn json(value: &impl serde::Serialize) -> Result<Value, StoreError> {
    let text = serde_json::to_string(value)
        .map_err(|error| StoreError::Refused(format!("this cannot be written as JSON: {error}")))?;
    Ok(Value::Text(Some(text.into())))
}

/// Who runs statements: a connection, or a transaction on one.
pub trait Session: Send {
    /// Runs a statement; how many rows it changed.
    fn run<'a>(&'a mut self, sql: &'a str, values: Vec<Value>) -> Later<'a, u64>;

    fn rows<'a>(&'a mut self, sql: &'a str, values: Vec<Value>) -> Later<'a, Vec<Row>>;
}

/// Sessions over connections of a driver, with its `query`, `row` and `wrong`.
macro_rules! sessions {
    ($($name:ident),*) => {$(
        impl Session for $name {
            fn run<'a>(&'a mut self, sql: &'a str, values: Vec<Value>) -> Later<'a, u64> {
                Box::pin(async move {
                    let done = query(sql, values).execute(&mut *self.0).await;
                    done.map(|it| it.rows_affected()).map_err(wrong)
                })
            }

            fn rows<'a>(&'a mut self, sql: &'a str, values: Vec<Value>) -> Later<'a, Vec<Row>> {
                Box::pin(async move {
                    let rows = query(sql, values).fetch_all(&mut *self.0).await.map_err(wrong)?;
                    rows.iter().map(row).collect()
                })
            }
        }
    )*};
}

pub(super) use sessions;

/// A transaction. Dropped without having been committed, it never was.
pub trait Transaction: Session {
    fn commit(self: Box<Self>) -> Later<'static, ()>;

    /// The same as dropping it, but the connection is ready for the next one at once.
    fn undo(self: Box<Self>) -> Later<'static, ()>;
}

/// A database that can be reached, or will be.
pub trait Driver: Send + Sync {
    /// Brings the tables to the form that this version knows.
    fn migrate(&self) -> Later<'_, ()>;

    /// A connection to read from. What it reads is consistent within one statement.
    fn reader(&self) -> Later<'_, Box<dyn Session>>;

    /// A transaction that writes. There is one at a time, in all of the database.
    fn writer(&self) -> Later<'_, Box<dyn Transaction>>;

    /// A column that no index shall be looked for by, since another one leads.
    fn unindexed(&self, column: &str) -> String;

    /// Runs statements that may take long, together; who reads does not wait for them.
    fn rebuild<'a>(&'a self, statements: &'a [String]) -> Later<'a, ()>;

    fn backup<'a>(&'a self, to: &'a Path) -> Later<'a, ()>;

    fn check(&self) -> Later<'_, ()>;
}

/// Migrations, each with its number, name and text.
pub fn migrator(migrations: &[(i64, &'static str, &'static str)]) -> Migrator {
    let migration = |&(number, name, text): &(i64, &'static str, &'static str)| {
        Migration::new(number, name.into(), MigrationType::Simple, text.into_sql_str(), false)
    };
    Migrator::with_migrations(migrations.iter().map(migration).collect())
}

/// Why tables could not be brought to their form: an error of the database, or one of ours.
pub fn not_migrated(error: MigrateError) -> Result<sqlx::Error, StoreError> {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => Ok(error),
        MigrateError::VersionMissing(number) => Err(StoreError::Broken(format!(
            "it was written by a newer version of crosspoint (migration {number})"
        ))),
        other => Err(StoreError::Broken(other.to_string())),
    }
}

/// What errors mean that are of no database.
pub fn unreachable(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::PoolTimedOut => StoreError::Busy,
        sqlx::Error::ColumnDecode { .. }
        | sqlx::Error::Decode(_)
        | sqlx::Error::ColumnIndexOutOfBounds { .. }
        | sqlx::Error::TypeNotFound { .. } => StoreError::Broken(error.to_string()),
        other => StoreError::Unavailable(other.to_string()),
    }
}
