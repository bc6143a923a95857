//! Sets up logs and metrics.
