//! Recordings after their calls: which there are, who holds them, who deletes them. The deeds are
//! done beside (`server/archive`), which is poked here and tells how it goes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Notify;
use utoipa::{IntoParams, ToSchema};

use super::source::is_name;
use crate::api::access::{Manager, Who};
use crate::api::{Answer, Api, Body, Path, Problem, Query};
use crate::clock::Wall;
use crate::store::database::{
    AuditEntry, LIMIT, RecordingCounts, RecordingSearch, RecordingState, StoredRecording,
};

/// Characters of a reason.
const WHY_MAX: usize = 500;
/// How often a change is tried that others were faster than.
const TRIES: usize = 5;

/// Between who asks and who tends recordings.
#[derive(Clone, Debug, Default)]
pub struct Keeping(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    poked: Notify,
    told: Mutex<Told>,
}

/// How it goes with recordings after their calls.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Told {
    #[serde(flatten)]
    pub counts: RecordingCounts,
    /// Sealing fails: there is no room, or no key.
    pub sealing: Option<Trouble>,
    /// The object storage is away, or refuses.
    pub objects: Option<Trouble>,
    /// The clock leapt: until when nothing is deleted because its time is up.
    pub doubt: Option<Wall>,
    /// What was found when the folder was last compared with the rows.
    pub scan: Option<Scan>,
}

/// Since when something fails, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    pub since: Wall,
    pub why: String,
}

/// What does not fit together: only told, never deleted. Of names the first few.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Scan {
    pub at: Wall,
    /// Files that no row knows, or that should be gone; older than a day.
    pub unknown_files: u64,
    pub unknown_bytes: u64,
    pub unknown: Vec<String>,
    /// Recordings whose file is gone.
    pub missing_files: u64,
    pub missing: Vec<String>,
    /// Recordings that have waited for more than a day for an edge of another name, by that name:
    /// it is off, or called otherwise now.
    pub untended: BTreeMap<String, u64>,
}

impl Keeping {
    /// There is something to be done.
    pub fn poke(&self) {
        self.0.poked.notify_one();
    }

    pub async fn poked(&self) {
        self.0.poked.notified().await;
    }

    pub fn tell(&self, told: Told) {
        *self.lock() = told;
    }

    pub fn told(&self) -> Told {
        self.lock().clone()
    }

    /// What keeps recordings from being kept as they should, if anything does. Anybody may read
    /// it: why is told on the status page.
    pub fn degraded(&self) -> Option<&'static str> {
        let told = self.lock();
        match (&told.objects, &told.sealing) {
            (Some(_), _) => Some("the object storage cannot be used"),
            (None, Some(_)) => Some("they cannot be sealed"),
            (None, None) => told.doubt.map(|_| "none is deleted by a clock that leapt"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.0.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which recordings.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Those of one call.
    call: Option<String>,
    /// Those of one tracking number.
    tracking_number: Option<String>,
    #[param(inline)]
    state: Option<Where>,
    /// Those that are held, or those that are not.
    held: Option<bool>,
    /// Where the page before ended: its `next`.
    after: Option<String>,
    /// 1 to 1000, by default 50.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// Where a recording is.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Where {
    /// In the folder of its edge.
    Local,
    /// In the object storage.
    Uploaded,
    Deleted,
}

/// A recording, and where it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoredRecording)]
pub struct Shown {
    file: String,
    call: String,
    tracking_number: String,
    /// Microseconds since 1970.
    started_at: i64,
    length_ms: u64,
    state: Where,
    /// 0 while not known.
    bytes: u64,
    /// Sealed: only who has a key of a recipient can hear it.
    encrypted: bool,
    /// The SHA-256 of the sound as it was recorded, in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    /// The object storage that it was put into.
    #[serde(skip_serializing_if = "Option::is_none")]
    storage: Option<String>,
    /// When it is deleted, unless it is held; never if it is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_until: Option<i64>,
    held: bool,
    /// Who deleted it, or what: `retention`.
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_by: Option<String>,
    /// What is to be done with it fails: why.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing: Option<String>,
}

/// The earliest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoredRecordings)]
pub struct Page {
    items: Vec<Shown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl From<&StoredRecording> for Shown {
    fn from(it: &StoredRecording) -> Self {
        let some = |it: &str| Some(it.to_owned()).filter(|it| !it.is_empty());
        Self {
            file: it.file.to_string(),
            call: it.call.to_string(),
            tracking_number: it.tracking_number.to_string(),
            started_at: it.started_at.unix_micros(),
            length_ms: it.length_ms,
            state: match it.state {
                RecordingState::Local => Where::Local,
                RecordingState::Uploaded => Where::Uploaded,
                RecordingState::Deleted => Where::Deleted,
            },
            bytes: it.bytes,
            encrypted: it.encrypted,
            sha256: some(&it.sum),
            storage: some(&it.place).filter(|_| it.state == RecordingState::Uploaded),
            keep_until: it.keep_until.map(Wall::unix_micros),
            held: it.held,
            deleted_by: it.leaving.as_deref().map(str::to_owned),
            failing: some(&it.why),
        }
    }
}

/// Which recordings there are, and where
#[utoipa::path(get, path = "/v1/recordings", operation_id = "list_recordings", tag = "recordings",
    params(Asked), responses((status = 200, description = "The earliest first", body = Page)),
    extensions(("x-role" = json!("manager"))))]
pub async fn list(
    State(api): State<Api>,
    _: Manager,
    Query(asked): Query<Asked>,
) -> Answer<axum::Json<Page>> {
    let limit = asked.limit.unwrap_or(50);
    if !(1..=LIMIT).contains(&limit) {
        return Err(Problem::parameter("limit", "out of bounds").allowed(format!("1 to {LIMIT}")));
    }
    let place = |text: &str| {
        let (at, file) = text.split_once('.')?;
        Some((Wall::from_unix_micros(at.parse().ok()?), file.into()))
    };
    let after = asked.after.as_deref().map(|it| {
        let none = || Problem::parameter("after", "this is no place in the list");
        place(it).ok_or_else(|| none().allowed("`next` of the page before"))
    });
    let search = RecordingSearch {
        state: asked.state.map(|it| match it {
            Where::Local => RecordingState::Local,
            Where::Uploaded => RecordingState::Uploaded,
            Where::Deleted => RecordingState::Deleted,
        }),
        call: asked.call,
        tracking_number: asked.tracking_number,
        held: asked.held,
        started_before: None,
        after: after.transpose()?,
        limit,
    };
    let found = api.store.recordings(&search).await?;
    let full = found.len() == limit as usize;
    let next = found.last().filter(|_| full);
    let next = next.map(|it| format!("{}.{}", it.started_at.unix_micros(), it.file));
    Ok(axum::Json(Page { items: found.iter().map(Shown::from).collect(), next }))
}

/// Whether a recording is held.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    held: bool,
    /// For the audit log, such as the number of a case.
    #[serde(default)]
    why: String,
}

/// Hold a recording, or release it
///
/// One that is held is not deleted: neither when its time is up nor by request.
#[utoipa::path(put, path = "/v1/recordings/{file}/hold", operation_id = "hold_recording", tag = "recordings",
    params(("file" = String, Path)), request_body = Hold,
    responses((status = 204, description = "It is so")),
    extensions(("x-role" = json!("manager"))))]
pub async fn hold(
    State(api): State<Api>,
    Manager(who): Manager,
    Path(file): Path<String>,
    Body(hold): Body<Hold>,
) -> Answer<StatusCode> {
    if WHY_MAX < hold.why.chars().count() {
        let allowed = format!("at most {WHY_MAX} characters");
        return Err(Problem::at("/why", "this is too long").allowed(allowed));
    }
    let what = if hold.held { "held" } else { "released" };
    let detail = json!({ "why": hold.why });
    change(&api, &who, &file, (what, detail), |row| {
        let is = StoredRecording { held: hold.held, due: api.now(), ..row.clone() };
        Ok((row.held != hold.held).then_some(is))
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Delete a recording
///
/// From now on nobody gets it; the file and its copy in the object storage are deleted soon after.
/// The call's record stays, and so do the entries of the audit log that say who did it, and when it
/// was done.
#[utoipa::path(delete, path = "/v1/recordings/{file}", operation_id = "delete_recording", tag = "recordings",
    params(("file" = String, Path)),
    responses((status = 204, description = "It is gone")),
    extensions(("x-role" = json!("manager"))))]
pub async fn delete(
    State(api): State<Api>,
    Manager(who): Manager,
    Path(file): Path<String>,
) -> Answer<StatusCode> {
    change(&api, &who, &file, ("deleted", Value::Null), |row| match row.held {
        true => Err(Problem::not_now("it is held: release it first").and("state", "held")),
        false => {
            let (leaving, due) = (Some(who.name.as_str().into()), api.now());
            Ok(Some(StoredRecording { leaving, due, attempts: 0, ..row.clone() }))
        }
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes a row with its entry in the audit log, in one transaction: what nobody can prove does
/// not happen.
async fn change(
    api: &Api,
    who: &Who,
    file: &str,
    (what, detail): (&str, Value),
    to: impl Fn(&StoredRecording) -> Answer<Option<StoredRecording>>,
) -> Answer<()> {
    let entry = AuditEntry {
        id: 0,
        at: api.now(),
        by: who.name.clone(),
        source: who.source.to_string(),
        what: what.to_owned(),
        subject: format!("recording/{file}"),
        detail,
    };
    for _ in 0..TRIES {
        let row = known(api, file).await?;
        let Some(is) = to(&row)? else { return Ok(()) };
        if api.store.settle_recording(&row, &is, Some(&entry)).await? {
            api.live.keeping.poke();
            return Ok(());
        }
    }
    Err(Problem::not_now("others change it at this moment").retry_after(1))
}

/// The row of a recording that is not gone. A file whose call is not in the database gets one.
async fn known(api: &Api, file: &str) -> Answer<StoredRecording> {
    let none = || Problem::none("recording", file);
    if !is_name(file) {
        return Err(none());
    }
    if let Some(row) = api.store.recording(file).await? {
        return if row.is_gone() { Err(none()) } else { Ok(row) };
    }
    let (shelf, name) = (api.shelf(), file.to_owned());
    let found = tokio::task::spawn_blocking(move || shelf.here(&name)).await;
    if !matches!(found, Ok(Ok(Some(_)))) {
        return Err(none());
    }
    let stem = file.strip_suffix(".wav").unwrap_or(file);
    let call = match stem.rsplit_once('-') {
        Some((call, number)) if number.parse::<u8>().is_ok() => call,
        _ => stem,
    };
    let node = &api.running().store.node;
    let row = StoredRecording::new(&file.into(), &call.into(), node, api.now());
    // Its call's record may have come meanwhile, and says more.
    let row = api.store.add_recording(&row).await?;
    if row.is_gone() { Err(none()) } else { Ok(row) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::rig::{As, Rig};

    #[tokio::test]
    async fn who_looks_is_told_what_keeps_recordings_waiting_and_the_edge_stays_ready() {
        let rig = Rig::start("keeping").await;
        let admin = rig.admin().await;
        let ready = async || rig.ask(&As::default(), "GET /health/ready", Value::Null).await;
        let status = async || {
            let said = rig.ask(&admin, "GET /v1/status", Value::Null).await;
            said.json()["recordings"].clone()
        };
        assert_eq!(ready().await.text, "ready\n");
        let (since, why) = (Wall::from_unix_micros(7), "503".to_owned());
        let keeping = &rig.api.live.keeping;
        let scan = Scan { unknown_files: 2, unknown: vec!["x".into()], ..Scan::default() };
        let counts = RecordingCounts { waiting: 3, ..RecordingCounts::default() };
        let objects = Some(Trouble { since, why });
        keeping.tell(Told { counts, objects, scan: Some(scan), ..Told::default() });
        let said = ready().await;
        assert_eq!(said.status, StatusCode::OK, "calls go on");
        assert_eq!(said.text, "degraded: recordings wait, the object storage cannot be used\n");
        let told = status().await;
        assert_eq!((&told["waiting"], &told["held"]), (&json!(3), &json!(0)), "{told}");
        assert_eq!(told["objects"], json!({ "since": 7, "why": "503" }));
        assert_eq!(told["scan"]["unknown_files"], 2);
        keeping.tell(Told::default());
        assert_eq!(ready().await.text, "ready\n");
        assert_eq!(status().await["objects"], Value::Null);
    }
}
