//! Tracking numbers (PRODUCT section 3): what callers dial.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{CallSettings, Route};

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
            tags: Vec::new(),
        }
    }
}
