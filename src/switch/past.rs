//! What was before a call, of all that its rules may ask: whose turn it is, who called.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Switch;
use crate::call::Callers;
use crate::clock::Wall;

/// Dialled numbers whose rotation is remembered.
const ROTATIONS_MAX: usize = 100_000;

pub(super) struct Past {
    rotation: BTreeMap<Arc<str>, u64>,
    pub callers: Callers,
}

impl Past {
    pub fn new(secret: [u8; 32]) -> Self {
        Self { rotation: BTreeMap::new(), callers: Callers::new(secret) }
    }

    /// How many calls this dialled number has had before this one.
    pub fn turn(&mut self, dialled: &Arc<str>) -> u64 {
        let next = self.rotation.entry(dialled.clone()).or_default();
        let turn = *next;
        *next += 1;
        if ROTATIONS_MAX < self.rotation.len() {
            // Numbers nobody set up are dialled by whoever likes: what is counted stays bounded.
            self.rotation.clear();
        }
        turn
    }
}

impl Switch {
    /// A call of the past, from its record: to be told after a restart, in any order.
    pub fn remember(&mut self, caller: &str, at: Wall) {
        self.past.callers.called(caller, at);
    }
}
