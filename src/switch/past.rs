//! What was before a call, of all that its rules may ask: whose turn it is, who called, what an
//! account has spent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Switch;
use super::ids::{BranchKey, CallKey};
use crate::call::{Callers, Event};
use crate::clock::{Now, Wall};

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

    /// Talk of an account's call out that ended at this moment, of the past as well.
    pub fn remember_spent(&mut self, account: &Arc<str>, talked: Duration, ended: Wall) {
        self.ledger.remember(account, talked, ended);
    }

    /// From now on the call counts for an account's calls out.
    pub(super) fn spend(&mut self, call: CallKey, account: Arc<str>, now: Now) {
        let Some(entry) = self.calls.get_mut(call).filter(|it| it.spender.is_none()) else {
            return;
        };
        self.ledger.begins(&account, packed(call), now.wall);
        entry.spender = Some(Arc::clone(&account));
        self.share(&account, now);
    }

    /// Somebody in the call talks.
    pub(super) fn talks(&mut self, call: CallKey, now: Now) {
        if let Some(account) = self.calls.get_mut(call).and_then(|it| it.spender.clone()) {
            self.ledger.talks(&account, packed(call), now.wall);
            self.share(&account, now);
        }
    }

    /// The call is over, and what it has used is known.
    pub(super) fn spent(&mut self, call: CallKey, now: Now) {
        let Some(entry) = self.calls.get_mut(call) else { return };
        let Some(account) = entry.spender.take() else { return };
        let talk = entry.call.record().called_out.as_ref().map_or(0, |it| it.talk_ms);
        self.ledger.ends(&account, packed(call), Duration::from_millis(talk), now.wall);
        self.share(&account, now);
    }

    /// Tells the calls of an account what is left for each of them.
    fn share(&mut self, account: &Arc<str>, now: Now) {
        let known = self.directory.account(account);
        let Some(rules) = known.and_then(|it| it.call_out.as_ref()) else { return };
        let (calls, left) = self.ledger.shares(account, rules, now.wall);
        for call in calls {
            let call = BranchKey::unpack(call).call;
            self.work.push_back((call, Event::Minutes { left }));
        }
    }
}

/// A call as the ledger names it.
fn packed(call: CallKey) -> u64 {
    BranchKey { call, leg: 0, branch: 0 }.pack()
}
