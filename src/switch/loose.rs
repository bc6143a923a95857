//! Loose ends: what belongs to nobody, and what the switch remembers beside its calls.

use super::Switch;
use crate::clock::Now;
use crate::sip::{Hop, Message, Method};

impl Switch {
    /// A request that means something to nobody here: one inside of a dialog that is not ours, the
    /// CANCEL of no INVITE. Anybody can send it, so it may not begin a transaction, whose resends
    /// would be more than came (RFC 3261 section 26.3.2.4).
    pub(super) fn is_nobodys(&mut self, request: &Message) -> bool {
        let inside = !request.to_tag().is_empty();
        match request.method() {
            Method::Ack => false,
            Method::Cancel => !self.table.knows(request),
            _ => inside && self.branch_of(request).is_none() && !self.table.knows(request),
        }
    }

    /// Whether not even that is said: to strangers where they hear nothing, unless they once had a
    /// tag of ours, which nobody else can make.
    pub(super) fn is_ignored(&self, request: &Message, from: &Hop, now: Now) -> bool {
        self.ids.owner(request.to_tag()).is_none() && self.peers.ignores(from, now.at)
    }

    /// Notes about INVITEs, names of calls, requests that wait for a name, events, alarms, legs
    /// at the desk. For tests: zero when no call and no transaction is left.
    pub fn loose_ends(&self) -> usize {
        self.invites.len()
            + self.named.len()
            + self.waiting.len()
            + self.work.len()
            + self.alarms.len()
            + self.desk.legs()
    }
}
