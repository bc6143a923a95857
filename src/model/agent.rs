//! Agents (PRODUCT section 10): people who are credited with calls, and who take those of queues.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A person. Its calls ring its SIP account's phones and its receiving numbers, all at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    pub id: Arc<str>,
    /// As people know it.
    pub name: String,
    /// The receiving numbers that ring it. Settings are theirs; an account of its own is one of
    /// them (`client:NAME` with every setting at its default, if no receiving number has it).
    pub numbers: Vec<Arc<str>>,
    /// The SIP account it uses.
    pub account: Option<Arc<str>>,
}

impl Agent {
    pub fn new(id: &str) -> Self {
        Self { id: id.into(), name: id.to_owned(), numbers: Vec::new(), account: None }
    }
}
