//! PostgreSQL: one database that several edges may share.
//!
//! Writers take their turn by one advisory lock, as SQLite's do: all that the store says of
//! revisions, order and repetition holds in the same way.

use std::path::Path;
use std::str::FromStr;
use std::sync::OnceLock;
use std::time::Duration;

use sqlx::pool::{Pool, PoolConnection, PoolOptions};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgRow, Postgres};
use sqlx::{AssertSqlSafe, Column, Row as _, TypeInfo, ValueRef};

use super::sql::{Driver, Row, Session, Transaction, Value, sessions};
use super::{Later, StoreError};

/// Connections of one edge that read, and that write: who searches for long keeps no call from being
/// taken in.
const READERS: u32 = 4;
const WRITERS: u32 = 2;
/// How long a connection, and a turn to write, is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// The lock that writers take their turn by: "crosspnt" in ASCII.
const TURN: i64 = 0x6372_6f73_7370_6e74;

/// The lock of whoever makes indexes.
const REBUILDING: i64 = TURN + 1;

const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "all", include_str!("migrations/postgres/0001_all.sql")),
    (2, "retention", include_str!("migrations/postgres/0002_retention.sql")),
    (3, "counts", include_str!("migrations/postgres/0003_counts.sql")),
    (4, "places", include_str!("migrations/postgres/0004_places.sql")),
];

pub struct Server {
    options: PgConnectOptions,
    /// Made on first use: they belong to the runtime that uses them.
    pools: OnceLock<Pools>,
}

struct Pools {
    readers: Pool<Postgres>,
    writers: Pool<Postgres>,
}

impl Server {
    /// Connects to nothing yet.
    pub fn new(url: &str) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url).map_err(|error| {
            StoreError::Refused(format!("this is no address of a database: {error}"))
        })?;
        let options = options.application_name("crosspoint").options([
            ("statement_timeout", "60s"),
            ("lock_timeout", "5s"),
            ("default_transaction_isolation", "read committed"),
        ]);
        Ok(Self { options, pools: OnceLock::new() })
    }

    fn pools(&self) -> &Pools {
        self.pools.get_or_init(|| {
            let pool = |most| {
                let pool = PoolOptions::new().max_connections(most).acquire_timeout(PATIENCE);
                pool.connect_lazy_with(self.options.clone())
            };
            Pools { readers: pool(READERS), writers: pool(WRITERS) }
        })
    }
}

impl Driver for Server {
    fn migrate(&self) -> Later<'_, ()> {
        Box::pin(async {
            let migrator = super::sql::migrator(MIGRATIONS);
            migrator.run(&self.pools().writers).await.map_err(|it| {
                match super::sql::not_migrated(it) {
                    Ok(error) => wrong(error),
                    Err(why) => why,
                }
            })
        })
    }

    fn reader(&self) -> Later<'_, Box<dyn Session>> {
        Box::pin(async {
            let connection = self.pools().readers.acquire().await.map_err(wrong)?;
            Ok(Box::new(Read(connection)) as Box<dyn Session>)
        })
    }

    fn writer(&self) -> Later<'_, Box<dyn Transaction>> {
        Box::pin(async {
            let mut write = Write(self.pools().writers.begin().await.map_err(wrong)?);
            let turn = "SELECT 1::BIGINT FROM pg_advisory_xact_lock($1)";
            write.rows(turn, vec![TURN.into()]).await?;
            Ok(Box::new(write) as Box<dyn Transaction>)
        })
    }

    /// The planner counts for itself.
    fn unindexed(&self, column: &str) -> String {
        column.to_owned()
    }

    fn rebuild<'a>(&'a self, statements: &'a [String]) -> Later<'a, ()> {
        Box::pin(async move {
            // Not in turn with who writes, nor on their connections: only writers of these tables wait.
            let mut write = Write(self.pools().readers.begin().await.map_err(wrong)?);
            write.run("SET LOCAL statement_timeout = 0", Vec::new()).await?;
            let turn = "SELECT 1::BIGINT FROM pg_advisory_xact_lock($1)";
            write.rows(turn, vec![REBUILDING.into()]).await?;
            for sql in statements {
                write.run(sql, Vec::new()).await?;
            }
            Box::new(write).commit().await
        })
    }

    fn backup<'a>(&'a self, _to: &'a Path) -> Later<'a, ()> {
        let why = "PostgreSQL is backed up with its own tools, such as pg_dump";
        Box::pin(async move { Err(StoreError::Refused(why.to_owned())) })
    }

    fn check(&self) -> Later<'_, ()> {
        Box::pin(async {
            let mut reader = self.reader().await?;
            reader.rows("SELECT count(*) FROM documents", Vec::new()).await.map(drop)
        })
    }
}

struct Read(PoolConnection<Postgres>);

struct Write(sqlx::Transaction<'static, Postgres>);

sessions! { Read, Write }

impl Transaction for Write {
    fn commit(self: Box<Self>) -> Later<'static, ()> {
        Box::pin(async move { self.0.commit().await.map_err(wrong) })
    }

    fn undo(self: Box<Self>) -> Later<'static, ()> {
        Box::pin(async move { self.0.rollback().await.map_err(wrong) })
    }
}

fn query(sql: &str, values: Vec<Value>) -> sqlx::query::Query<'static, Postgres, PgArguments> {
    let mut query = sqlx::query(AssertSqlSafe(sql.to_owned()));
    for value in values {
        query = match value {
            Value::Number(it) => query.bind(it),
            Value::Text(it) => query.bind(it),
        };
    }
    query
}

fn row(row: &PgRow) -> Result<Row, StoreError> {
    let value = |at: usize| {
        let value = row.try_get_raw(at).map_err(wrong)?;
        if value.is_null() {
            return Ok(Value::Number(None));
        }
        match value.type_info().name() {
            "INT8" => row.try_get(at).map(Value::Number).map_err(wrong),
            "TEXT" => {
                let text: &str = row.try_get(at).map_err(wrong)?;
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

/// What an error of PostgreSQL means (its manual, appendix A).
fn wrong(error: sqlx::Error) -> StoreError {
    let sqlx::Error::Database(database) = &error else { return super::sql::unreachable(error) };
    let code = database.code().unwrap_or_default();
    let words = database.message().to_owned();
    match code.as_ref() {
        // lock_not_available, deadlock_detected, serialization_failure, query_canceled
        "55P03" | "40P01" | "40001" | "57014" => StoreError::Busy,
        "53100" => StoreError::Full,
        // Connections, authorisation, resources, an operator at work, the system, no such database
        it if ["08", "28", "53", "57", "58"].iter().any(|class| it.starts_with(class)) => {
            StoreError::Unavailable(words)
        }
        "3D000" => StoreError::Unavailable(words),
        _ => StoreError::Broken(words),
    }
}
