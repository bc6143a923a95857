//! What is done to a call from outside of it: by the console, by the API.

use std::sync::Arc;

use super::ids::CallKey;
use super::{Out, Switch};
use crate::call::{Command, Leg, Refused, Target};
use crate::clock::Now;
use crate::model::record::CallRecord;

impl Switch {
    /// Does to a call what `by` wants, or says why not.
    pub fn on_command(
        &mut self,
        call: &str,
        mut command: Command,
        by: &str,
        now: Now,
        out: &mut Vec<Out>,
    ) -> Result<(), Refused> {
        let key = *self.named.get(call).ok_or(Refused::Over)?;
        if let Command::Transfer { to: Target::Dialled { spent, .. } } = &mut command {
            let entry = self.calls.get_mut(key);
            let beside = entry.and_then(|it| it.call.beside(Leg::CALLER));
            let account = beside.and_then(|(_, to)| to.account().cloned());
            *spent = account.map(|it| self.ledger.spent(&it, now.wall)).unwrap_or_default();
        }
        let entry = self.calls.get_mut(key).ok_or(Refused::Over)?;
        let _named = entry.span.clone().entered();
        let mut effects = Vec::new();
        let told = entry.call.command(&command, by, &self.desk, now, &mut effects);
        for effect in effects {
            self.perform(key, effect, now, out);
        }
        self.touched.push(key);
        self.settle(now, out);
        told
    }

    /// A call's record as it stands, while the call is not over.
    pub fn record(&mut self, call: &str) -> Option<CallRecord> {
        let key = *self.named.get(call)?;
        self.calls.get_mut(key).map(|it| it.call.record().clone())
    }

    /// The records of calls that are not over, so many at most, as they stand; from where an
    /// earlier answer ended, whose place is beside them. No place: that was all.
    pub fn records(&self, from: u32, most: u32) -> (Vec<CallRecord>, Option<u32>) {
        let end = from.saturating_add(most);
        let mut records = Vec::new();
        for slot in from..end {
            match self.calls.at_slot(slot) {
                Some(entry) => records.extend(entry.map(|it| it.call.record().clone())),
                None => return (records, None),
            }
        }
        (records, Some(end))
    }

    /// From now on this call can be found by its id.
    pub(super) fn name_call(&mut self, call: CallKey, id: &Arc<str>) {
        self.named.insert(Arc::clone(id), call);
    }
}
