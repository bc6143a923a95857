//! Legs of calls, as the desk sees them: whom they keep busy, and where they take up room.

use std::sync::Arc;
use std::time::Duration;

use super::person::PersonId;
use super::{Alarm, Caller, Desk};
use crate::clock::Now;

/// A leg that keeps people busy, and takes up room at its destination.
pub(super) struct Leg {
    /// None for the phone that called.
    to: Option<Arc<str>>,
    /// Those it leads to whom we know.
    pub people: Arc<[PersonId]>,
    pub talks: bool,
    /// How long they are left alone after it.
    pub wrap_up: Duration,
}

impl Desk {
    /// A phone of this account makes a call of its own.
    pub fn calls(&mut self, caller: Caller, account: &str, now: Now) {
        if let Some(people) = self.roster.of_account(account) {
            let leg = Leg { to: None, people, talks: true, wrap_up: Duration::ZERO };
            self.engaged(caller, 0, leg, now);
        }
    }

    /// How many calls a destination has now, ringing or talking, but for this caller's own.
    pub fn calls_at(&self, destination: &str, but_for: Caller) -> u32 {
        let all = self.load.get(destination).copied().unwrap_or(0);
        let own = self.legs.range((but_for, 0)..=(but_for, u8::MAX));
        let own = own.filter(|(_, it)| it.to.as_deref() == Some(destination)).count();
        all.saturating_sub(u32::try_from(own).unwrap_or(u32::MAX))
    }

    /// Legs that ring or talk, in all calls. For tests: zero when no call is left.
    pub fn legs(&self) -> usize {
        self.legs.len().max(self.load.len())
    }

    /// A leg of a call is called otherwise from now on.
    pub fn renamed(&mut self, caller: Caller, from: u8, to: u8) {
        if let Some(leg) = self.legs.remove(&(caller, from)) {
            self.legs.insert((caller, to), leg);
        }
    }

    /// A leg to a destination, and to whoever is reached there.
    pub(super) fn engage(&mut self, caller: Caller, leg: u8, to: Arc<str>, talks: bool, now: Now) {
        let people = self.roster.reached_by(&to).unwrap_or_default();
        let engaged = Leg { to: Some(to), people, talks, wrap_up: Duration::ZERO };
        self.engaged(caller, leg, engaged, now);
    }

    fn engaged(&mut self, caller: Caller, leg: u8, engaged: Leg, now: Now) {
        for id in engaged.people.iter() {
            self.people[*id].engages(now.at);
        }
        if let Some(to) = &engaged.to {
            *self.load.entry(Arc::clone(to)).or_default() += 1;
        }
        if let Some(before) = self.legs.insert((caller, leg), engaged) {
            self.lets_go(&before, now);
        }
    }

    fn lets_go(&mut self, leg: &Leg, now: Now) {
        for id in leg.people.iter() {
            self.people[*id].hangs_up(now.at);
        }
        if let Some(to) = &leg.to
            && let Some(calls) = self.load.get_mut(to)
        {
            *calls = calls.saturating_sub(1);
            if *calls == 0 {
                self.load.remove(to);
            }
        }
    }

    pub(super) fn disengage(&mut self, key: (Caller, u8), now: Now) {
        let Some(leg) = self.legs.remove(&key) else { return };
        self.lets_go(&leg, now);
        for id in leg.people.iter() {
            let person = &mut self.people[*id];
            if leg.talks {
                person.idle = now.at;
            }
            if !leg.wrap_up.is_zero() {
                let until = now.at + leg.wrap_up;
                person.wrap_up = Some(until);
                self.alarms.insert((until, Alarm::Person(*id)));
            }
        }
        self.stir(leg.people.iter());
    }
}
