//! The exchange's own time: when something is due, and calls that act until nothing is left to do.

use super::ids::{BranchKey, CallKey};
use super::{Out, Switch};
use crate::call;
use crate::clock::{Instant, Now};
use crate::media;

impl Switch {
    /// When [`Switch::on_time`] is next wanted.
    pub fn deadline(&self) -> Option<Instant> {
        // Something that was told without room for what comes of it.
        let at_once = (!self.work.is_empty()).then_some(Instant::START);
        let desk = self.desk.deadline();
        let ports = self.ports.deadline();
        let rooms = [
            self.table.deadline(),
            self.peers.deadline(),
            self.alarms.next(),
            desk,
            ports,
            at_once,
        ];
        rooms.into_iter().flatten().min()
    }

    /// Does all that is due.
    pub fn on_time(&mut self, now: Now, out: &mut Vec<Out>) {
        self.on_table_time(now, out);
        self.on_peers_time(now, out);
        self.on_desk_time(now);
        self.settle(now, out);
        while let Some((at, key)) = self.alarms.due(now.at) {
            let Some(entry) = self.calls.get_mut(key) else { continue };
            if entry.armed == Some(at) {
                entry.armed = None;
            }
            self.wake(key, now, out);
        }
    }

    /// Gives a call, and its legs, the time that they asked for.
    fn wake(&mut self, key: CallKey, now: Now, out: &mut Vec<Out>) {
        let Some(entry) = self.calls.get_mut(key) else { return };
        let due = |at: Option<Instant>| at.is_some_and(|it| it <= now.at);
        if due(entry.call.deadline()) {
            self.work.push_back((key, call::Event::Time));
        }
        let branches: Vec<BranchKey> = entry.due(key, now.at);
        for branch in branches {
            self.on_branch_time(branch, now, out);
        }
        self.touched.push(key);
        self.settle(now, out);
    }

    /// Lets calls act until nothing is left to do, then sets their alarms.
    pub(super) fn settle(&mut self, now: Now, out: &mut Vec<Out>) {
        self.tell_who_is_there(now);
        while let Some((key, event)) = self.work.pop_front() {
            let Some(entry) = self.calls.get_mut(key) else { continue };
            let _named = entry.span.clone().entered();
            let mut effects = std::mem::take(&mut entry.effects);
            entry.call.on(event, &self.desk, now, &mut effects);
            for effect in effects.drain(..) {
                self.perform(key, effect, now, out);
            }
            if let Some(entry) = self.calls.get_mut(key) {
                entry.effects = effects;
            }
            self.touched.push(key);
        }
        while let Some(key) = self.touched.pop() {
            self.tidy(key);
        }
        self.order_ports(now.at, out);
    }

    /// Sets the alarm of a call, or drops one that is over.
    fn tidy(&mut self, key: CallKey) {
        let Some(entry) = self.calls.get_mut(key) else { return };
        if entry.is_over() {
            self.invites.remove(&entry.invite);
            self.named.remove(&entry.call.record().id);
            self.calls.remove(key);
            return;
        }
        let deadline = entry.deadline();
        self.alarms.arm(key, deadline, &mut entry.armed);
    }

    pub(super) fn order_ports(&mut self, now: Instant, out: &mut Vec<Out>) {
        for (v6, wanted) in [(false, self.config.v4), (true, self.config.v6)] {
            if wanted && let Some(pairs) = self.ports.wants(v6, now) {
                out.push(Out::Media(media::Order::Bind { v6, pairs }));
            }
        }
    }
}
