//! Sets up logs and metrics. Rooms only use the facade macros of `tracing` and `metrics`.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// Logs to standard error; the level comes from `RUST_LOG`, `info` unless said otherwise.
pub fn logs(default_level: &str) {
    // What a decoder makes of somebody's upload is said to that somebody.
    let usual = || EnvFilter::new(format!("{default_level},symphonia=off"));
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| usual());
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr);
    // A second call (tests) keeps the first one's settings.
    if subscriber.try_init().is_err() {
        tracing::debug!("logs were set up already");
    }
}

/// Installs the recorder behind the `metrics` macros; the handle renders it for Prometheus.
pub fn metrics() -> Option<PrometheusHandle> {
    let seconds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &seconds)
        .ok()?;
    builder.install_recorder().ok()
}
