//! Calls that have just ended. Their end is told at once, and the store has it a moment later: in
//! between their records are here.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::model::record::{CallRecord, RecordState};

/// Records that are held. Many more than end in the moment that the store is behind; where it is
/// behind for longer, those that ended before these are to be waited for.
const HELD: usize = 1024;

/// The latest records of calls that are over, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Ended(VecDeque<Arc<CallRecord>>);

impl Ended {
    pub fn put(&mut self, record: &Arc<CallRecord>) {
        if record.state == RecordState::InProgress {
            return;
        }
        // A score comes after the end.
        self.0.retain(|it| it.id != record.id);
        self.0.push_back(Arc::clone(record));
        if HELD < self.0.len() {
            self.0.pop_front();
        }
    }

    pub fn get(&self, id: &str) -> Option<Arc<CallRecord>> {
        self.0.iter().rev().find(|it| &*it.id == id).cloned()
    }

    /// Something was missed: what is held may have a later line.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

/// The later one of what is held and what is kept: calls end once, and then may get a score.
pub(super) fn later(
    held: Option<Arc<CallRecord>>,
    kept: Option<CallRecord>,
) -> Option<Arc<CallRecord>> {
    match (held, kept) {
        (Some(held), Some(kept)) => {
            let is_later = kept.state == RecordState::InProgress
                || (kept.score.is_none() && held.score.is_some());
            Some(if is_later { held } else { Arc::new(kept) })
        }
        (held, kept) => held.or_else(|| kept.map(Arc::new)),
    }
}
