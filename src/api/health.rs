//! Liveness, readiness and metrics.
//!
//! `/health/live` is 200 while the process turns; `/health/ready` is 503 once the edge drains, so
//! that a balancer moves on, and says `degraded` while records cannot be written, or recordings not
//! be kept as they should: calls go on then;
//! `/metrics` is Prometheus text.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;

use super::Api;

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
#[utoipa::path(get, path = "/health/ready", tag = "health", operation_id = "ready",
    responses((status = 200, body = String, content_type = "text/plain"),
        (status = 503, body = String, content_type = "text/plain")))]
async fn ready(State(api): State<Api>) -> impl IntoResponse {
    let status = &api.status;
    if status.draining.load(Ordering::Relaxed) {
        (StatusCode::SERVICE_UNAVAILABLE, String::from("draining\n"))
    } else if status.journal_behind.load(Ordering::Relaxed) {
        (StatusCode::OK, "degraded: records wait in memory, the disk refuses them\n".into())
    } else if let Some(why) = api.live.keeping.degraded() {
        (StatusCode::OK, format!("degraded: recordings wait, {why}\n"))
    } else {
        (StatusCode::OK, "ready\n".into())
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
