//! Liveness, readiness and metrics.
//!
//! `/health/live` is 200 while the process turns; `/health/ready` is 503 once the edge drains, so
//! that a balancer moves on, and says `degraded`, and why, while records cannot be written, the
//! database does not answer or refuses records, its directory cannot be in force here, recordings
//! cannot be kept as they should, or HTTPS needs another certificate than it has: calls go on then; `/metrics` is Prometheus text. What exactly is
//! wrong is said to those who may know it: in the log, and in `/v1/status`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;

use super::Api;

/// What is wrong while calls go on.
const DISK: &str = "records wait in memory, the disk refuses them";
const AWAY: &str = "the database does not answer, records wait in the journal";
const REFUSES: &str = "the database refuses records, they wait in the journal";
const NOT_IN_FORCE: &str =
    "the directory in the database cannot be in force here, the one before it is";

/// What the pages show.
#[derive(Clone)]
pub struct Status {
    metrics: Option<PrometheusHandle>,
    draining: Arc<AtomicBool>,
    journal_behind: Arc<AtomicBool>,
}

impl Status {
    /// `journal_behind` is true while records wait for a disk that refuses.
    pub fn new(metrics: Option<PrometheusHandle>, journal_behind: Arc<AtomicBool>) -> Self {
        Self { metrics, draining: Arc::default(), journal_behind }
    }

    /// Records wait in memory for a disk that refuses them.
    pub fn waits_for_disk(&self) -> bool {
        self.journal_behind.load(Ordering::Relaxed)
    }

    /// From now on the edge is not ready: it takes no new calls.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }
}

pub fn routes() -> Router<Api> {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(live, ready, metrics))]
pub struct Doc;

/// 200 while the process turns.
#[utoipa::path(get, path = "/health/live", tag = "health", operation_id = "live",
    responses((status = 200, body = String, content_type = "text/plain")))]
async fn live() -> &'static str {
    "live\n"
}

/// 200 while calls are taken, 503 once the edge drains.
///
/// `ready`; or `degraded: ` and what is wrong, while calls go on all the same: records that the
/// disk refuses, a database that does not answer or refuses records, a directory in the database
/// that cannot be in force here, recordings that cannot be kept as they should, a certificate of
/// HTTPS that ends within three days or cannot be renewed.
#[utoipa::path(get, path = "/health/ready", tag = "health", operation_id = "ready",
    responses((status = 200, body = String, content_type = "text/plain"),
        (status = 503, body = String, content_type = "text/plain")))]
async fn ready(State(api): State<Api>) -> (StatusCode, String) {
    if api.status.draining.load(Ordering::Relaxed) {
        return (StatusCode::SERVICE_UNAVAILABLE, "draining\n".to_owned());
    }
    let standing = api.directory.standing();
    let away = standing.away.is_some();
    let wrong = [
        (api.status.waits_for_disk(), DISK),
        (away, AWAY),
        (!away && api.progress.is_failing(), REFUSES),
        (standing.refused.is_some(), NOT_IN_FORCE),
    ];
    let mut wrong: Vec<_> = wrong.into_iter().filter(|it| it.0).map(|it| it.1.to_owned()).collect();
    wrong.extend(api.live.keeping.degraded().map(|it| format!("recordings wait, {it}")));
    let now = api.now();
    let certificate = api.certificate.as_ref().and_then(|it| it.degraded(now));
    wrong.extend(certificate.map(str::to_owned));
    match wrong.is_empty() {
        true => (StatusCode::OK, "ready\n".to_owned()),
        false => (StatusCode::OK, format!("degraded: {}\n", wrong.join("; "))),
    }
}

/// Metrics, as Prometheus reads them
///
/// Whoever asks from a public address needs a key, as under `/v1`.
#[utoipa::path(get, path = "/metrics", tag = "health", operation_id = "metrics",
    responses((status = 200, body = String, content_type = "text/plain")))]
async fn metrics(State(api): State<Api>) -> String {
    api.status.metrics.as_ref().map(PrometheusHandle::render).unwrap_or_default()
}
