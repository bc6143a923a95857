//! The line of one queue, and who of its members is offered next (PRODUCT section 6).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::roster::Member;
use super::{Alarm, Caller, Desk, LOOK_AGAIN, Told, Words};
use crate::clock::{Instant, Now};
use crate::model::{Distribution, Queue};

#[derive(Default)]
pub(super) struct Line {
    /// `None` while the directory has no such queue.
    pub queue: Option<Arc<Queue>>,
    /// In list order.
    pub members: Vec<Seat>,
    /// Everybody in line, by place.
    pub waiting: BTreeMap<u64, Caller>,
    /// Those who somebody may be offered to: nobody is yet, or all who are free are at once.
    pub unserved: BTreeSet<u64>,
    /// An alarm is set to look at schedules again.
    pub looks_again: bool,
    /// Where round robin goes on, in list order.
    turn: usize,
}

/// A member in a line.
pub(super) struct Seat {
    pub member: Arc<Member>,
    pub weight: u32,
    /// What it is ahead of its share of the calls, or behind.
    pub credit: i64,
}

/// A caller in line.
pub(super) struct Wait {
    pub line: usize,
    pub place: u64,
    /// The caller's number, empty if it is withheld.
    pub number: Arc<str>,
    pub since: Instant,
    /// Who is offered to it now.
    pub offered: Vec<Arc<Member>>,
    pub no_more: bool,
}

impl Wait {
    pub fn new(line: usize, place: u64, number: Arc<str>, since: Instant) -> Self {
        Self { line, place, number, since, offered: Vec::new(), no_more: false }
    }
}

impl Desk {
    /// Offers whoever is free in the lines that were stirred: of all callers there, whoever came
    /// first is served first.
    pub(super) fn serve(&mut self, now: Now, out: &mut Words) {
        let mut stirred = std::mem::take(&mut self.stirred);
        stirred.retain(|n| self.can_serve(*n, now));
        while let Some(n) = stirred.iter().copied().min_by_key(|n| self.lines[*n].unserved.first())
        {
            self.serve_first(n, now, out);
            stirred.retain(|n| self.can_serve(*n, now));
        }
    }

    /// Whether a caller of this line can be offered somebody.
    fn can_serve(&mut self, n: usize, now: Now) -> bool {
        let line = &self.lines[n];
        if line.queue.is_none() || line.unserved.is_empty() {
            return false;
        }
        if line.members.iter().any(|it| self.is_free(&it.member, now)) {
            return true;
        }
        // Nobody tells us when a schedule opens.
        let hours = |it: &Seat| it.member.ways.iter().any(|it| it.to.schedule.is_some());
        if !line.looks_again && line.members.iter().any(hours) {
            self.lines[n].looks_again = true;
            self.alarms.insert((now.at + LOOK_AGAIN, Alarm::Line(n)));
        }
        false
    }

    /// Offers to the first caller of this line whoever is its turn.
    fn serve_first(&mut self, n: usize, now: Now, out: &mut Words) {
        let line = &self.lines[n];
        let first = line.unserved.first().and_then(|it| Some((*it, *line.waiting.get(it)?)));
        let distribution = line.queue.as_ref().map(|it| it.distribution);
        let (Some((place, caller)), Some(distribution)) = (first, distribution) else { return };
        if distribution == Distribution::Simultaneous {
            for seat in 0..self.lines[n].members.len() {
                // Two of them may share a phone.
                if self.is_free(&self.lines[n].members[seat].member, now) {
                    self.offer(n, seat, caller, now, out);
                }
            }
        } else if let Some(seat) = self.next_of(n, caller, distribution, now) {
            self.lines[n].unserved.remove(&place);
            self.offer(n, seat, caller, now, out);
        }
    }

    /// Which of the free members is the next.
    fn next_of(
        &mut self,
        n: usize,
        caller: Caller,
        distribution: Distribution,
        now: Now,
    ) -> Option<usize> {
        let line = &self.lines[n];
        let seats = line.members.iter().enumerate();
        let free: Vec<usize> =
            seats.filter(|(_, it)| self.is_free(&it.member, now)).map(|(seat, _)| seat).collect();
        let idlest =
            || free.iter().copied().min_by_key(|seat| self.idle(&line.members[*seat].member));
        match distribution {
            Distribution::Simultaneous => free.first().copied(),
            Distribution::LongestIdle => idlest(),
            Distribution::Sticky => {
                let last = self.last_of(n, caller);
                let known = last.and_then(|who| {
                    free.iter().copied().find(|seat| line.members[*seat].member.who == *who)
                });
                known.or_else(idlest)
            }
            Distribution::RoundRobin => {
                let turn = line.turn;
                let next =
                    free.iter().copied().find(|seat| turn <= *seat).or(free.first().copied());
                self.lines[n].turn = next? + 1;
                next
            }
            Distribution::Weighted => self.lines[n].weighted(&free),
        }
    }

    fn last_of(&self, n: usize, caller: Caller) -> Option<&crate::model::Who> {
        let (wait, queue) = (self.waits.get(&caller)?, self.lines[n].queue.as_ref()?);
        self.memory.last(&queue.id, &wait.number)
    }

    /// Since when a member has been free.
    fn idle(&self, member: &Member) -> Option<Instant> {
        member.is.iter().map(|it| self.people[*it].idle).max()
    }

    fn offer(&mut self, n: usize, seat: usize, caller: Caller, now: Now, out: &mut Words) {
        let member = Arc::clone(&self.lines[n].members[seat].member);
        let ways = member.ways.iter().filter(|it| self.leads_on(it, now));
        let ring = ways.map(|it| Arc::clone(&it.to)).collect();
        for id in member.rings.iter() {
            self.people[*id].offered += 1;
        }
        out.push((caller, Told::Offered { who: member.who.clone(), ring }));
        if let Some(wait) = self.waits.get_mut(&caller) {
            wait.offered.push(member);
        }
    }
}

impl Line {
    /// Smooth weighted round robin: each of the free gains its weight, the one that is ahead gets
    /// the call and pays for all. A weight of 0 gets a call only if nobody else is free.
    fn weighted(&mut self, free: &[usize]) -> Option<usize> {
        let heavy: Vec<usize> =
            free.iter().copied().filter(|seat| 0 < self.members[*seat].weight).collect();
        let among = if heavy.is_empty() { free } else { &heavy };
        let mut total = 0;
        for seat in among {
            let seat = &mut self.members[*seat];
            seat.credit += i64::from(seat.weight);
            total += i64::from(seat.weight);
        }
        let ahead = |seat: &usize| (std::cmp::Reverse(self.members[*seat].credit), *seat);
        let next = among.iter().copied().min_by_key(ahead)?;
        self.members[next].credit -= total;
        Some(next)
    }
}
