//! SQLite: a file, one connection that writes and a few that read.
//!
//! Write-ahead log, synced with each transaction: what was said to be kept is kept when the power
//! goes. Readers never wait for the writer. Another process (`crosspoint directory import`) may
//! write as well; each waits for the other up to [`BUSY`].

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use sqlx::pool::{Pool, PoolConnection, PoolOptions};
use sqlx::sqlite::{
    Sqlite, SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection, Row as _, TypeInfo, ValueRef};

use super::sql::{Driver, Row, Session, Transaction, Value, sessions};
use super::{Later, StoreError};

/// How long a lock of another process is waited for.
const BUSY: Duration = Duration::from_secs(5);
/// Connections that read.
const READERS: u32 = 4;
/// Of the database that each connection holds in memory, in kilobytes.
const CACHE_KB: u32 = 65_536;

const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "all", include_str!("migrations/sqlite/0001_all.sql")),
    (2, "retention", include_str!("migrations/sqlite/0002_retention.sql")),
    (3, "counts", include_str!("migrations/sqlite/0003_counts.sql")),
    (4, "places", include_str!("migrations/sqlite/0004_places.sql")),
];

pub struct File {
    path: PathBuf,
    options: SqliteConnectOptions,
    /// Made on first use: they belong to the runtime that uses them.
    pools: OnceLock<Pools>,
}

struct Pools {
    writer: Pool<Sqlite>,
    readers: Pool<Sqlite>,
}

impl File {
    /// Opens nothing yet.
    pub fn new(path: &Path) -> Self {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .pragma("cache_size", format!("-{CACHE_KB}"))
            .pragma("journal_size_limit", "67108864")
            .pragma("temp_store", "MEMORY");
        Self { path: path.to_owned(), options, pools: OnceLock::new() }
    }

    fn pools(&self) -> &Pools {
        self.pools.get_or_init(|| {
            // If that cannot be, SQLite says better why. What it puts beside is as this file is.
            drop(private(&self.path));
            let pool = || PoolOptions::new().acquire_timeout(2 * BUSY).max_lifetime(None);
            let reads = self.options.clone().pragma("query_only", "ON");
            Pools {
                writer: pool().max_connections(1).connect_lazy_with(self.options.clone()),
                readers: pool().max_connections(READERS).connect_lazy_with(reads),
            }
        })
    }

    async fn transaction(&self) -> Result<Write, StoreError> {
        let connection = self.pools().writer.acquire().await.map_err(|it| self.wrong(it))?;
        let mut write = Write(connection, true);
        let begun = sqlx::query::<Sqlite>("BEGIN IMMEDIATE").execute(&mut *write.0).await;
        begun.map_err(|it| self.wrong(it))?;
        Ok(write)
    }

    async fn copy_into(&self, name: &str) -> Result<(), StoreError> {
        // One more connection, which reads what there is now: writers go on meanwhile.
        let mut connection = self.options.connect().await.map_err(|it| self.wrong(it))?;
        let copied = sqlx::query::<Sqlite>("VACUUM INTO $1").bind(name);
        copied.execute(&mut connection).await.map(drop).map_err(wrong)?;
        connection.close().await.map_err(wrong)
    }

    fn wrong(&self, error: sqlx::Error) -> StoreError {
        match wrong(error) {
            StoreError::Unavailable(why) => {
                StoreError::Unavailable(format!("{}: {why}", self.path.display()))
            }
            other => other,
        }
    }
}

impl Driver for File {
    fn migrate(&self) -> Later<'_, ()> {
        Box::pin(async {
            let migrator = super::sql::migrator(MIGRATIONS);
            migrator.run(&self.pools().writer).await.map_err(|it| {
                match super::sql::not_migrated(it) {
                    Ok(error) => self.wrong(error),
                    Err(why) => why,
                }
            })
        })
    }

    fn reader(&self) -> Later<'_, Box<dyn Session>> {
        Box::pin(async {
            let connection = self.pools().readers.acquire().await.map_err(|it| self.wrong(it))?;
            Ok(Box::new(Read(connection)) as Box<dyn Session>)
        })
    }

    fn writer(&self) -> Later<'_, Box<dyn Transaction>> {
        Box::pin(async { Ok(Box::new(self.transaction().await?) as Box<dyn Transaction>) })
    }

    fn unindexed(&self, column: &str) -> String {
        format!("+{column}")
    }

    fn rebuild<'a>(&'a self, statements: &'a [String]) -> Later<'a, ()> {
        Box::pin(async move {
            // One more connection, which sorts on the disk: there may be much to sort.
            let options = self.options.clone().pragma("temp_store", "FILE");
            let mut connection = options.connect().await.map_err(|it| self.wrong(it))?;
            let mut transaction =
                connection.begin_with("BEGIN IMMEDIATE").await.map_err(|it| self.wrong(it))?;
            for sql in statements {
                let done = query(sql, Vec::new()).execute(&mut *transaction).await;
                done.map_err(|it| self.wrong(it))?;
            }
            transaction.commit().await.map_err(wrong)?;
            connection.close().await.map_err(wrong)
        })
    }

    fn backup<'a>(&'a self, to: &'a Path) -> Later<'a, ()> {
        Box::pin(async move {
            let name = to.to_str().ok_or_else(|| {
                StoreError::Refused(format!("{}: a name in UTF-8 is needed", to.display()))
            })?;
            if to.exists() {
                return Err(StoreError::Refused(format!("{name} is there already")));
            }
            // It takes an empty file for one that is not there.
            let system = |error| StoreError::Unavailable(format!("{name}: {error}"));
            let file = private(to).map_err(system)?;
            let copied = self.copy_into(name).await;
            let synced = match copied {
                Ok(()) => tokio::task::spawn_blocking(move || file.sync_all()).await,
                Err(error) => {
                    // Half a copy is none.
                    drop(std::fs::remove_file(to));
                    return Err(error);
                }
            };
            synced.map_err(std::io::Error::other).flatten().map_err(system)
        })
    }

    fn check(&self) -> Later<'_, ()> {
        Box::pin(async {
            let mut reader = self.reader().await?;
            let found = reader.rows("PRAGMA quick_check(1)", Vec::new()).await?;
            match found.first().map(|it| it.string(0)).transpose()?.as_deref() {
                Some("ok") => Ok(()),
                Some(why) => Err(StoreError::Broken(why.to_owned())),
                None => Err(StoreError::Broken("it says nothing of itself".to_owned())),
            }
        })
    }
}

/// Makes a file that nobody else may read, unless there is one: passwords are in it.
fn private(path: &Path) -> std::io::Result<std::fs::File> {
    std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

struct Read(PoolConnection<Sqlite>);

/// A connection, and whether its transaction is open.
///
/// SQLite ends some transactions by itself (a full disk), others it does not: a connection on which
/// that is not known is closed rather than used again.
struct Write(PoolConnection<Sqlite>, bool);

impl Write {
    async fn end(mut self, how: &'static str) -> Result<(), StoreError> {
        let ended = sqlx::query::<Sqlite>(how).execute(&mut *self.0).await;
        self.1 = ended.is_err();
        ended.map(drop).map_err(wrong)
    }
}

impl Drop for Write {
    fn drop(&mut self) {
        if self.1 {
            self.0.close_on_drop();
        }
    }
}

sessions! { Read, Write }

impl Transaction for Write {
    fn commit(self: Box<Self>) -> Later<'static, ()> {
        Box::pin(self.end("COMMIT"))
    }

    fn undo(self: Box<Self>) -> Later<'static, ()> {
        Box::pin(self.end("ROLLBACK"))
    }
}

fn query(sql: &str, values: Vec<Value>) -> sqlx::query::Query<'static, Sqlite, SqliteArguments> {
    let mut query = sqlx::query(AssertSqlSafe(sql.to_owned()));
    for value in values {
        query = match value {
            Value::Number(it) => query.bind(it),
            Value::Text(it) => query.bind(it),
        };
    }
    query
}

fn row(row: &SqliteRow) -> Result<Row, StoreError> {
    let value = |at: usize| {
        let value = row.try_get_raw(at).map_err(wrong)?;
        if value.is_null() {
            return Ok(Value::Number(None));
        }
        match value.type_info().name() {
            "INTEGER" => row.try_get_unchecked(at).map(Value::Number).map_err(wrong),
            "TEXT" => {
                let text: &str = row.try_get_unchecked(at).map_err(wrong)?;
                Ok(Value::Text(Some(text.into())))
            }
            other => {
                let name = row.columns().get(at).map(Column::name).unwrap_or_default();
                Err(StoreError::Broken(format!("{name} is of the type {other}")))
            }
        }
    };
    (0..row.len()).map(value).collect::<Result<_, _>>().map(Row)
}

/// What an error of SQLite means (sqlite.org/rescode.html; the low byte is the primary code).
fn wrong(error: sqlx::Error) -> StoreError {
    let sqlx::Error::Database(database) = &error else { return super::sql::unreachable(error) };
    let code = database.code().and_then(|it| it.parse::<i32>().ok()).unwrap_or(0);
    let words = database.message().to_owned();
    match code & 0xff {
        // BUSY, LOCKED
        5 | 6 => StoreError::Busy,
        // FULL
        13 => StoreError::Full,
        // PERM, READONLY, IOERR, CANTOPEN, AUTH; IOERR also for a write without room
        3 | 8 | 10 | 14 | 23 => StoreError::Unavailable(words),
        // CORRUPT, NOTADB, and SQL that does not fit the tables
        _ => StoreError::Broken(words),
    }
}
