//! The audit log: who changed what, and when, for as long as it is kept; and a copy of the database.

use std::time::Duration;

use axum::extract::State;
use axum::{Json, Router, routing};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::{info, warn};
use utoipa::{IntoParams, ToSchema};

use super::refusals::Several;
use super::who::{Admin, Who};
use crate::api::{Answer, Api, Problem, Query};
use crate::clock::Wall;
use crate::store::database::{AuditEntry, AuditSearch, LIMIT, StoreError};

/// Entries that are forgotten together: whoever wants to write waits for no more.
const FORGET: u32 = 1_000;
/// How often what is too old is looked for, and the pause between two parts of it.
const FORGET_EVERY: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(200);

/// The folder of copies, inside of the data folder.
const BACKUPS: &str = "backups";

pub fn routes() -> Router<Api> {
    Router::new().route("/v1/audit", routing::get(list)).route("/v1/backup", routing::post(backup))
}

/// Which entries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Search {
    /// Who did it: a user, or `key:NAME`.
    by: Option<String>,
    /// What it was done to: `receiving_number/shop`, `user/ada`.
    subject: Option<String>,
    /// Where the page before ended: its `next`.
    after: Option<i64>,
    /// 1 to 1000, by default 50.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Something that somebody did.
#[derive(Serialize, ToSchema)]
pub struct Entry {
    id: i64,
    /// Microseconds since 1970.
    at: i64,
    /// A user, `key:NAME`, `crosspoint` itself; empty if nobody knows.
    by: String,
    /// The address it came from.
    source: String,
    /// `created`, `changed`, `deleted`, `login`, `login_refused`, ..
    what: String,
    /// What it was done to.
    subject: String,
    #[schema(value_type = Object)]
    detail: Value,
}

/// Newest first.
#[derive(Serialize, ToSchema)]
pub struct Entries {
    items: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
}

impl From<AuditEntry> for Entry {
    fn from(it: AuditEntry) -> Self {
        let at = it.at.unix_micros();
        let AuditEntry { id, by, source, what, subject, detail, .. } = it;
        Self { id, at, by, source, what, subject, detail }
    }
}

/// Who changed what, newest first.
#[utoipa::path(get, path = "/v1/audit", tag = "access", operation_id = "audit", params(Search),
    responses((status = 200, body = Entries)), extensions(("x-role" = json!("admin"))))]
pub async fn list(
    State(api): State<Api>,
    Admin(_): Admin,
    Query(search): Query<Search>,
) -> Answer<Json<Entries>> {
    let limit = search.limit.unwrap_or(50);
    if !(1..=LIMIT).contains(&limit) {
        return Err(Problem::parameter("limit", "out of bounds").allowed(format!("1 to {LIMIT}")));
    }
    let Search { by, subject, after: before, .. } = search;
    let found = api.store.audit(&AuditSearch { by, subject, before, limit }).await?;
    let full = found.len() == limit as usize;
    let next = found.last().map(|it| it.id).filter(|_| full);
    Ok(Json(Entries { items: found.into_iter().map(Entry::from).collect(), next }))
}

/// Keeps the log in bounds for as long as the program runs.
pub async fn keep(api: Api) {
    let mut refused = false;
    loop {
        let done = match write_refusals(&api).await {
            Ok(()) => forget(&api).await,
            Err(error) => Err(error),
        };
        match done {
            Ok(entries) if u64::from(FORGET) <= entries => pause(PAUSE).await,
            Ok(_) => {
                refused = false;
                pause(FORGET_EVERY).await;
            }
            Err(error) => {
                if !std::mem::replace(&mut refused, true) {
                    warn!(%error, "the audit log is not tidied now");
                }
                pause(FORGET_EVERY).await;
            }
        }
    }
}

/// Forgets the first part of what is too old, counted from the newest entry: a clock that leaps
/// ahead does not empty the log. How much it was.
pub(super) async fn forget(api: &Api) -> Result<u64, StoreError> {
    let Some(keep) = api.running().store.keep_audit.0 else { return Ok(0) };
    let newest = api.store.audit(&AuditSearch { limit: 1, ..AuditSearch::default() }).await?;
    let Some(newest) = newest.first() else { return Ok(0) };
    let keep = i64::try_from(keep.as_micros()).unwrap_or(i64::MAX);
    let before = Wall::from_unix_micros(newest.at.unix_micros().saturating_sub(keep));
    let entries = api.store.forget_audit(before, FORGET).await?;
    if 0 < entries {
        info!(entries, "old entries of the audit log are forgotten");
        metrics::counter!("crosspoint_audit_forgotten_total").increment(entries);
    }
    Ok(entries)
}

/// Writes what was counted of refused sign-ins in the minute that is over.
pub(super) async fn write_refusals(api: &Api) -> Result<(), StoreError> {
    let due = api.access.refusals().due(api.now());
    for Several { source, at, detail } in due {
        let (by, subject) = (String::new(), "user/".to_owned());
        let what = "login_refused".to_owned();
        let entry = AuditEntry { id: 0, at, by, source, what, subject, detail };
        api.store.note_audit(&entry).await?;
    }
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "nobody waits for this")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Where the copy is.
#[derive(Serialize, ToSchema)]
pub struct Backup {
    /// Inside of the data folder.
    file: String,
    bytes: u64,
}

/// Write a whole copy of the database to the data folder, while everything goes on.
#[utoipa::path(post, path = "/v1/backup", tag = "access", operation_id = "backup",
    responses((status = 200, body = Backup)), extensions(("x-role" = json!("admin"))))]
pub async fn backup(State(api): State<Api>, Admin(who): Admin) -> Answer<Json<Backup>> {
    // It may take longer than anybody waits for an answer: then it goes on without.
    let made = tokio::spawn(async move {
        let Ok(_alone) = api.access.backup.try_lock() else {
            return Err(Problem::not_now("a copy is being written already"));
        };
        copy(&api, &who).await.map(Json)
    });
    made.await.map_err(|_| Problem::internal("the copy broke off"))?
}

async fn copy(api: &Api, who: &Who) -> Answer<Backup> {
    let file = format!("{BACKUPS}/crosspoint-{}.db", api.now().unix_micros());
    let to = api.data.join(&file);
    // What has this name is whole.
    let part = to.with_extension("db.part");
    let system = |it: std::io::Error| Problem::unavailable(format!("{file}: {it}"));
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).map_err(system)?;
    }
    api.store.backup(&part).await.map_err(|it| match it {
        StoreError::Refused(why) => Problem::not_now(why),
        other => other.into(),
    })?;
    std::fs::rename(&part, &to).map_err(system)?;
    let bytes = std::fs::metadata(&to).map_err(system)?.len();
    api.audit(who, "backup", file.clone(), json!({"bytes": bytes})).await?;
    Ok(Backup { file, bytes })
}
