//! Carries between calls and the desk, and tells the desk who is there.

use std::sync::Arc;

use super::Switch;
use super::ids::{BranchKey, CallKey};
use crate::call::Event;
use crate::clock::{Instant, Now};
use crate::desk::{Ask, Caller, Desk, Presence, State, Words};
use crate::model::Directory;
use crate::model::event::What;

/// How the desk calls a call.
pub(super) fn named(call: CallKey) -> Caller {
    Caller(BranchKey { call, leg: 0, branch: 0 }.pack())
}

impl Switch {
    /// An agent comes or goes. False if the directory has no such agent.
    pub fn set_state(&mut self, agent: &str, presence: Presence, now: Now) -> bool {
        let mut words = Words::new();
        let known = self.desk.set_presence(agent, presence, now, &mut words);
        self.pass_on(words);
        known
    }

    /// How an agent is, and since when.
    pub fn state(&self, agent: &str, now: Instant) -> Option<(State, Instant)> {
        self.desk.state(agent, now)
    }

    /// Who waits for whom: for reading.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// Callers that wait for somebody to be free.
    pub fn in_line(&self) -> usize {
        self.desk.waiting()
    }

    pub(super) fn ask_desk(&mut self, call: CallKey, ask: Ask, now: Now) {
        let mut words = Words::new();
        self.desk.on(named(call), ask, now, &mut words);
        self.pass_on(words);
    }

    /// The desk follows every call: whoever is on one is busy.
    pub(super) fn desk_hears(&mut self, call: CallKey, what: &What, now: Now) {
        let mut words = Words::new();
        self.desk.hears(named(call), what, now, &mut words);
        self.pass_on(words);
    }

    /// A phone of ours calls.
    pub(super) fn desk_sees_caller(&mut self, call: CallKey, account: &str, now: Now) {
        self.desk.calls(named(call), account, now);
    }

    pub(super) fn over_at_desk(&mut self, call: CallKey, now: Now) {
        let mut words = Words::new();
        self.desk.over(named(call), now, &mut words);
        self.pass_on(words);
    }

    pub(super) fn adopt_at_desk(&mut self, directory: &Arc<Directory>, now: Now) {
        let mut words = Words::new();
        self.desk.adopt(directory, now, &mut words);
        self.pass_on(words);
        self.tell_who_is_there(now);
    }

    pub(super) fn on_desk_time(&mut self, now: Now) {
        if self.desk.deadline().is_some_and(|at| at <= now.at) {
            let mut words = Words::new();
            self.desk.on_time(now, &mut words);
            self.pass_on(words);
        }
    }

    /// Tells the desk whose phones have come or gone.
    pub(super) fn tell_who_is_there(&mut self, now: Now) {
        for (account, there) in self.peers.take_changes(now.at) {
            let mut words = Words::new();
            self.desk.registered(&account, there, now, &mut words);
            self.pass_on(words);
        }
    }

    fn pass_on(&mut self, words: Words) {
        for (caller, told) in words {
            self.work.push_back((BranchKey::unpack(caller.0).call, Event::Desk(told)));
        }
    }
}
