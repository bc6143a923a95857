//! What the switch remembers beside its calls and transactions: nothing, once those are over.

use super::Switch;

impl Switch {
    /// Notes about INVITEs, requests that wait for a name, events, alarms, counts of destinations.
    /// For tests: zero when no call and no transaction is left.
    pub fn loose_ends(&self) -> usize {
        self.invites.len()
            + self.waiting.len()
            + self.work.len()
            + self.alarms.len()
            + self.connected.len()
    }
}
