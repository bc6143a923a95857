//! The HTTP interface: liveness, readiness and metrics.
//!
//! `/health/live` is 200 while the process turns; `/health/ready` is 503 once the edge drains, so
//! that a balancer moves on, and says `degraded` while records cannot be written: calls go on then;
//! `/metrics` is Prometheus text.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;

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

/// Serves until the listener's runtime ends.
pub async fn serve(listener: TcpListener, status: Status) -> io::Result<()> {
    axum::serve(listener, routes(status)).await
}

fn routes(status: Status) -> Router {
    Router::new()
        .route("/health/live", get(|| async { "live\n" }))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(status)
}

async fn ready(State(status): State<Status>) -> impl IntoResponse {
    if status.draining.load(Ordering::Relaxed) {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    } else if status.journal_behind.load(Ordering::Relaxed) {
        (StatusCode::OK, "degraded: records wait in memory, the disk refuses them\n")
    } else {
        (StatusCode::OK, "ready\n")
    }
}

async fn metrics(State(status): State<Status>) -> String {
    status.metrics.as_ref().map(PrometheusHandle::render).unwrap_or_default()
}
