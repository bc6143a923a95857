//! Tracking numbers (PRODUCT section 3): what callers dial.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{CallSettings, Keep, Route};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrackingNumber {
    /// E.164 (`+15550100001`).
    pub number: Arc<str>,
    pub label: String,
    pub source: String,
    pub route: Option<Route>,
    pub settings: Arc<CallSettings>,
    /// A receiving number dialled when following the route fails inside us.
    pub fail_safe: Option<Arc<str>>,
    /// As its settings say if it says nothing.
    pub keep_recordings: Option<Keep>,
    /// Applied to every call.
    pub tags: Vec<String>,
}

impl TrackingNumber {
    pub fn new(number: &str, route: Route, settings: Arc<CallSettings>) -> Self {
        Self {
            number: number.into(),
            label: String::new(),
            source: String::new(),
            route: Some(route),
            settings,
            fail_safe: None,
            keep_recordings: None,
            tags: Vec::new(),
        }
    }

    /// How long recordings of its calls are kept.
    pub fn keeps_recordings(&self) -> Keep {
        self.keep_recordings.unwrap_or(self.settings.keep_recordings)
    }
}
