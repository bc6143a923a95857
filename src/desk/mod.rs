//! Who waits for whom, across all calls (PRODUCT section 6).
//!
//! ```text
//!   call --Ask--> desk --Told--> call      Join   -> Waiting | Full | Nobody | Gone
//!                  ^                       (somebody is free)  -> Offered
//!   every call's facts                     Passed -> (set aside, the next one) -> Offered
//! ```
//! The desk keeps a line of callers for each queue and knows of every person who takes its calls
//! whether it is free: not away, not on any call, not wrapping up, within reach. It says who is
//! offered to whom; ringing them, what the caller hears meanwhile and how long it waits at most
//! are the call's (`call/waiting.rs`). It also counts the calls that each destination has, by
//! whichever way they came, for limits and orders that go by them.
//!
//! Rules: callers are served in the order they came, across queues as well. Nobody is offered to
//! two callers at once. Who did not take a call is left alone for a moment, so that others get a
//! turn; who takes none at all for longer and longer, so that its phone does not use up the legs
//! that a caller may have. A caller keeps its place until somebody takes it or it leaves.
//!
//! What an event costs grows with the members of a queue, never with its callers.

mod legs;
mod line;
mod memory;
mod person;
mod roster;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::legs::Leg;
use self::line::{Line, Seat, Wait};
use self::memory::Memory;
use self::person::{Person, PersonId};
pub use self::person::{Presence, RETRY, State};
use self::roster::{Member, Roster};
use crate::clock::{Instant, Now};
use crate::model::event::What;
use crate::model::{Directory, Distribution, QueueView, ReceivingNumber, Who};

/// A call, by a name that the desk does not look into.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Caller(pub u64);

/// What a call asks of the desk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Ask {
    /// A caller comes to a queue; `number` is the caller's, empty if it is withheld.
    Join { queue: Arc<str>, number: Arc<str> },
    /// Nobody more is to be offered: the caller's time is over, but somebody has picked up.
    NoMore,
    /// Somebody who was offered did not take the call.
    Passed { who: Who },
    /// Somebody who was offered took the call on this leg. The caller waits no more.
    Taken { who: Who, leg: u8 },
    /// The caller waits no more: it hung up, or goes elsewhere.
    Leave,
    /// Somebody who was not rung is on this leg now: put through from another call, or the one who
    /// was the caller before.
    OnLine { leg: u8, destination: Arc<str>, was_caller: bool },
}

/// What the desk tells a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Told {
    /// It waits, with so many callers in line up to it.
    Waiting { position: u32 },
    /// The line is as long as it may be.
    Full,
    /// Nobody is there to take calls, and the queue does not let callers wait for that.
    Nobody,
    /// There is no such queue, or no longer.
    Gone,
    /// Ring these: they lead to somebody who is free. Answered by `Passed` or `Taken`, unless the
    /// caller leaves.
    Offered { who: Who, ring: Vec<Arc<ReceivingNumber>> },
}

/// Limits on what the desk keeps, whatever the directory says.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Queues.
    pub lines: usize,
    /// Callers in one line.
    pub callers: usize,
    /// Callers whose last agent is remembered, all queues together.
    pub remembered: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { lines: 10_000, callers: 10_000, remembered: 100_000 }
    }
}

/// How often a line is looked at again in which somebody's schedule was closed.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// The desk.
pub struct Desk {
    limits: Limits,
    roster: Roster,
    people: Vec<Person>,
    lines: Vec<Line>,
    by_queue: BTreeMap<Arc<str>, usize>,
    waits: BTreeMap<Caller, Wait>,
    /// Legs that ring or talk.
    legs: BTreeMap<(Caller, u8), Leg>,
    /// How many of them lead to each destination.
    load: BTreeMap<Arc<str>, u32>,
    registered: BTreeSet<Arc<str>>,
    memory: Memory,
    alarms: BTreeSet<(Instant, Alarm)>,
    /// Places in line, in the order they were taken; never used twice.
    next_place: u64,
    /// Lines in which somebody may have become free.
    stirred: BTreeSet<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Alarm {
    Person(PersonId),
    Line(usize),
}

/// A desk that nobody comes to.
impl Default for Desk {
    fn default() -> Self {
        Self::new(&Directory::default(), Limits::default(), Now::default())
    }
}

/// What the desk says, and to which call.
pub type Words = Vec<(Caller, Told)>;

impl Desk {
    pub fn new(directory: &Directory, limits: Limits, now: Now) -> Self {
        let mut desk = Self {
            limits,
            roster: Roster::default(),
            people: Vec::new(),
            lines: Vec::new(),
            by_queue: BTreeMap::new(),
            waits: BTreeMap::new(),
            legs: BTreeMap::new(),
            load: BTreeMap::new(),
            registered: BTreeSet::new(),
            memory: Memory::new(limits.remembered),
            alarms: BTreeSet::new(),
            next_place: 0,
            stirred: BTreeSet::new(),
        };
        desk.adopt(directory, now, &mut Vec::new());
        desk
    }

    /// Takes a new directory. Callers keep their places; those of queues that are gone are told.
    /// Who is busy, away or wrapping up stays so.
    pub fn adopt(&mut self, directory: &Directory, now: Now, out: &mut Words) {
        self.roster.read(directory, &mut self.people, now.at);
        self.lines.iter_mut().for_each(|it| it.queue = None);
        for queue in directory.queues() {
            let n = match self.by_queue.get(&queue.id) {
                Some(n) => *n,
                None if self.lines.len() < self.limits.lines => {
                    self.by_queue.insert(Arc::clone(&queue.id), self.lines.len());
                    self.lines.push(Line::default());
                    self.lines.len() - 1
                }
                None => continue,
            };
            let members = queue.members.iter().filter_map(|it| {
                let member = Arc::clone(self.roster.member(&it.who)?);
                Some(Seat { member, weight: it.weight, credit: 0 })
            });
            let line = &mut self.lines[n];
            (line.queue, line.members) = (Some(Arc::clone(queue)), members.collect());
            // Also those whose calls take up room at a member's destination.
            for person in line.members.iter().flat_map(|it| it.member.rings.iter()) {
                self.people[*person].lines.insert(n);
            }
            self.stirred.insert(n);
        }
        let gone = self.lines.iter().filter(|it| it.queue.is_none());
        let callers: Vec<Caller> = gone.flat_map(|it| it.waiting.values().copied()).collect();
        for caller in callers {
            self.leave(caller);
            out.push((caller, Told::Gone));
        }
        self.serve(now, out);
    }

    /// Does what a call asks for.
    pub fn on(&mut self, caller: Caller, ask: Ask, now: Now, out: &mut Words) {
        match ask {
            Ask::Join { queue, number } => self.join(caller, &queue, number, now, out),
            Ask::NoMore => self.offer_no_more(caller),
            Ask::Passed { who } => self.passed(caller, &who, now),
            Ask::Taken { who, leg } => self.taken(caller, &who, leg),
            Ask::Leave => self.leave(caller),
            Ask::OnLine { leg, destination, was_caller } => {
                if was_caller {
                    self.disengage((caller, 0), now);
                }
                self.engage(caller, leg, destination, true, now);
            }
        }
        self.serve(now, out);
    }

    /// Follows what happens in a call, whichever way it came: a person on any call is busy.
    pub fn hears(&mut self, caller: Caller, what: &What, now: Now, out: &mut Words) {
        match what {
            What::LegDialing { leg, destination } => {
                self.engage(caller, *leg, Arc::clone(destination), false, now);
            }
            What::Connected { leg } => {
                if let Some(leg) = self.legs.get_mut(&(caller, *leg)) {
                    leg.talks = true;
                    let people = Arc::clone(&leg.people);
                    people.iter().for_each(|it| self.people[*it].talks());
                }
            }
            What::LegEnded { leg, .. } => self.disengage((caller, *leg), now),
            // The caller's own phone is free again.
            What::Ended { .. } => self.disengage((caller, 0), now),
            _ => return,
        }
        self.serve(now, out);
    }

    /// A call is over: nothing of it is left here.
    pub fn over(&mut self, caller: Caller, now: Now, out: &mut Words) {
        self.leave(caller);
        let legs = self.legs.range((caller, 0)..=(caller, u8::MAX));
        let left: Vec<_> = legs.map(|(key, _)| *key).collect();
        for key in left {
            self.disengage(key, now);
        }
        self.serve(now, out);
    }

    /// Whether an account's phones can be reached now.
    pub fn registered(&mut self, account: &Arc<str>, there: bool, now: Now, out: &mut Words) {
        let changed = match there {
            true => self.registered.insert(Arc::clone(account)),
            false => self.registered.remove(account),
        };
        if changed && there {
            let people = self.roster.of_account(account);
            self.stir(people.iter().flat_map(|it| it.iter()));
            self.serve(now, out);
        }
    }

    /// An agent comes or goes. False if there is no such agent.
    pub fn set_presence(
        &mut self,
        agent: &str,
        presence: Presence,
        now: Now,
        out: &mut Words,
    ) -> bool {
        let Some(id) = self.roster.agent(agent) else { return false };
        self.people[id].set(presence, now.at);
        self.stir([&id]);
        self.serve(now, out);
        true
    }

    /// How an agent is, and since when. `None` if there is no such agent.
    pub fn state(&self, agent: &str, now: Instant) -> Option<(State, Instant)> {
        self.roster.agent(agent).map(|id| self.people[id].state(now))
    }

    /// What an agent said of itself, whatever it does now. `None` if there is no such agent.
    pub fn presence(&self, agent: &str) -> Option<Presence> {
        let id = self.roster.agent(agent)?;
        let away = self.people[id].is_away();
        Some(if away { Presence::Away } else { Presence::Available })
    }

    /// Whether these phones ring for nobody: all whose they are have said that they are away.
    pub fn is_away(&self, account: &str) -> bool {
        let theirs = self.roster.of_account(account).unwrap_or_default();
        !theirs.is_empty() && theirs.iter().all(|it| self.people[*it].is_away())
    }

    /// How things are in a queue. `None` if there is no such queue.
    pub fn view(&self, queue: &str, now: Now) -> Option<QueueView> {
        let line = self.lines.get(*self.by_queue.get(queue)?)?;
        line.queue.as_ref()?;
        let free = line.members.iter().filter(|it| self.is_free(&it.member, now)).count();
        let first = line.waiting.values().next().and_then(|it| self.waits.get(it));
        Some(QueueView {
            waiting: u32::try_from(line.waiting.len()).unwrap_or(u32::MAX),
            free: u32::try_from(free).unwrap_or(u32::MAX),
            longest_wait: first.map(|it| now.at.since(it.since)),
        })
    }

    /// The caller's place in its line, from 1; `most + 1` for everybody after the first `most`.
    pub fn position(&self, caller: Caller, most: usize) -> Option<usize> {
        let wait = self.waits.get(&caller)?;
        Some(self.lines[wait.line].waiting.range(..wait.place).take(most).count() + 1)
    }

    /// Callers that wait, in all queues.
    pub fn waiting(&self) -> usize {
        self.waits.len()
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.alarms.first().map(|(at, _)| *at)
    }

    /// Does what is due.
    pub fn on_time(&mut self, now: Now, out: &mut Words) {
        while let Some((at, alarm)) = self.alarms.first().copied()
            && at <= now.at
        {
            self.alarms.pop_first();
            match alarm {
                Alarm::Person(id) => self.stir([&id]),
                Alarm::Line(n) => {
                    self.lines[n].looks_again = false;
                    self.stirred.insert(n);
                }
            }
        }
        self.serve(now, out);
    }

    // Callers.

    fn join(&mut self, caller: Caller, queue: &str, number: Arc<str>, now: Now, out: &mut Words) {
        self.leave(caller);
        let n = self.by_queue.get(queue).copied();
        let found = n.and_then(|n| Some((n, Arc::clone(self.lines[n].queue.as_ref()?))));
        let Some((n, queue)) = found else { return out.push((caller, Told::Gone)) };
        let line = &self.lines[n];
        let there = || line.members.iter().any(|it| self.is_there(&it.member, now));
        if queue.bypass_unavailable && !there() {
            return out.push((caller, Told::Nobody));
        }
        let most = queue.max_length.map_or(usize::MAX, |it| it as usize).min(self.limits.callers);
        if most <= line.waiting.len() {
            return out.push((caller, Told::Full));
        }
        let place = self.next_place;
        self.next_place += 1;
        let line = &mut self.lines[n];
        line.waiting.insert(place, caller);
        line.unserved.insert(place);
        let position = u32::try_from(line.waiting.len()).unwrap_or(u32::MAX);
        self.waits.insert(caller, Wait::new(n, place, number, now.at));
        self.stirred.insert(n);
        out.push((caller, Told::Waiting { position }));
    }

    fn offer_no_more(&mut self, caller: Caller) {
        if let Some(wait) = self.waits.get_mut(&caller) {
            wait.no_more = true;
            self.lines[wait.line].unserved.remove(&wait.place);
            // Simultaneous: those who are free are the next caller's.
            self.stirred.insert(wait.line);
        }
    }

    fn passed(&mut self, caller: Caller, who: &Who, now: Now) {
        let Some(wait) = self.waits.get_mut(&caller) else { return };
        let Some(n) = wait.offered.iter().position(|it| it.who == *who) else { return };
        let member = wait.offered.remove(n);
        if wait.offered.is_empty() && !wait.no_more {
            self.lines[wait.line].unserved.insert(wait.place);
        }
        self.stirred.insert(wait.line);
        for id in member.is.iter() {
            let until = self.people[*id].passes(now.at);
            self.alarms.insert((until, Alarm::Person(*id)));
        }
        self.take_back(&member);
    }

    fn taken(&mut self, caller: Caller, who: &Who, leg: u8) {
        let Some(wait) = self.waits.get(&caller) else { return };
        if let Some(queue) = &self.lines[wait.line].queue {
            if let Some(leg) = self.legs.get_mut(&(caller, leg)) {
                leg.wrap_up = queue.wrap_up;
            }
            if queue.distribution == Distribution::Sticky {
                self.memory.keep(&queue.id, &wait.number, who);
            }
        }
        self.leave(caller);
    }

    fn leave(&mut self, caller: Caller) {
        let Some(wait) = self.waits.remove(&caller) else { return };
        let line = &mut self.lines[wait.line];
        line.waiting.remove(&wait.place);
        line.unserved.remove(&wait.place);
        self.stirred.insert(wait.line);
        for member in wait.offered {
            self.take_back(&member);
        }
    }

    /// Somebody is no longer offered to anybody.
    fn take_back(&mut self, member: &Member) {
        for id in member.rings.iter() {
            let person = &mut self.people[*id];
            person.offered = person.offered.saturating_sub(1);
        }
        self.stir(member.rings.iter());
    }

    // People.

    /// These may have become free.
    fn stir<'a>(&mut self, people: impl IntoIterator<Item = &'a PersonId>) {
        for id in people {
            self.stirred.extend(self.people[*id].lines.iter());
        }
    }

    /// Whether a member is there to take calls, now or later.
    fn is_there(&self, member: &Member, now: Now) -> bool {
        member.is.iter().all(|it| !self.people[*it].is_away())
            && member.ways.iter().any(|it| self.is_open(&it.to, now))
    }

    fn is_free(&self, member: &Member, now: Now) -> bool {
        member.is.iter().all(|it| self.people[*it].is_free(now.at))
            && member.ways.iter().any(|it| self.leads_on(it, now))
    }

    /// A destination within its hours, with a phone at its end.
    fn is_open(&self, to: &ReceivingNumber, now: Now) -> bool {
        let there = roster::account(to).is_none_or(|it| self.registered.contains(it));
        there && to.schedule.as_ref().is_none_or(|it| it.is_open(now.wall))
    }

    /// An open destination with room for one more call.
    fn leads_on(&self, way: &roster::Way, now: Now) -> bool {
        let has_room = way.to.max_calls.is_none_or(|most| self.people[way.person].calls < most);
        has_room && self.is_open(&way.to, now)
    }
}
