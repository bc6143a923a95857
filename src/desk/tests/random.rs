//! Random days at the desk, beside a model that only counts: nobody is lost, nobody is offered
//! twice, the order is kept, and nobody waits for somebody who is free.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

const DAYS: u64 = if cfg!(debug_assertions) { 300 } else { 3000 };
const STEPS: u64 = 200;
const PEOPLE: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const QUEUES: [&str; 3] = ["sales", "support", "night"];

#[test]
fn whatever_is_asked_nobody_is_lost_and_nobody_is_offered_twice() {
    let mut offers = 0;
    for seed in 0..DAYS {
        let day = std::panic::catch_unwind(|| one_day(seed));
        offers += day.unwrap_or_else(|_| panic!("seed {seed}"));
    }
    // The dice must lead to offers, or this proves little.
    assert!(DAYS * 20 < offers, "{offers} offers");
}

/// What the model knows: who is where, and until when nobody may be offered.
struct Model {
    town: Town,
    members: BTreeMap<&'static str, (Distribution, Vec<&'static str>)>,
    /// The lines, in the order the callers came.
    lines: BTreeMap<&'static str, Vec<u64>>,
    offered: BTreeMap<&'static str, u64>,
    no_more: BTreeSet<u64>,
    /// Calls: the caller, the leg, and who is on it.
    calls: Vec<(u64, u8, &'static str, bool)>,
    quiet: BTreeMap<&'static str, Instant>,
    /// Calls in a row that somebody did not take.
    passes: BTreeMap<&'static str, u32>,
    offers: u64,
}

const WRAP_UP: Duration = Duration::from_secs(7);

fn one_day(seed: u64) -> u64 {
    let mut dice = Dice(seed);
    let mut model = Model::new(&mut dice);
    for caller in 0..STEPS {
        model.step(caller, &mut dice);
        model.follow();
        model.check();
    }
    let offers = model.offers;
    model.everybody_leaves();
    offers
}

impl Model {
    fn new(dice: &mut Dice) -> Self {
        let mut members = BTreeMap::new();
        let mut all = Parts::default();
        for id in QUEUES {
            let distribution = [
                Distribution::Simultaneous,
                Distribution::RoundRobin,
                Distribution::LongestIdle,
                Distribution::Sticky,
                Distribution::Weighted,
            ][dice.roll(5) as usize];
            let who: Vec<_> = PEOPLE.into_iter().filter(|_| dice.roll(2) == 0).collect();
            let mut queue = Queue { id: id.into(), ..queue(distribution, &who) };
            queue.members.iter_mut().for_each(|it| it.weight = dice.roll(4) as u32);
            queue.wrap_up = WRAP_UP;
            all.queues.push(queue);
            members.insert(id, (distribution, who));
        }
        all.receiving_numbers = PEOPLE.map(number).into();
        Self {
            town: Town::of(all),
            members,
            lines: QUEUES.map(|id| (id, Vec::new())).into(),
            offered: BTreeMap::new(),
            no_more: BTreeSet::new(),
            calls: Vec::new(),
            quiet: BTreeMap::new(),
            passes: BTreeMap::new(),
            offers: 0,
        }
    }

    fn step(&mut self, caller: u64, dice: &mut Dice) {
        let who = PEOPLE[dice.roll(6) as usize];
        match dice.roll(12) {
            0..=3 => {
                let queue = QUEUES[dice.roll(3) as usize];
                let number = format!("{}", caller % 10).as_str().into();
                self.town.ask(caller, Ask::Join { queue: queue.into(), number });
                self.lines.get_mut(queue).unwrap().push(caller);
            }
            // A direct call.
            4 => {
                let leg = self.town.dials(1000 + caller, who);
                self.calls.push((1000 + caller, leg, who, false));
            }
            5 | 6 if !self.calls.is_empty() => {
                let n = dice.roll(self.calls.len() as u64) as usize;
                let (caller, leg, who, wraps) = self.calls.remove(n);
                if wraps {
                    self.quiet.insert(who, self.town.now.at + WRAP_UP);
                }
                self.town.hangs_up(caller, leg);
            }
            7 | 8 => {
                let Some(caller) = self.offered.remove(who) else { return };
                let leg = self.town.takes(caller, who);
                self.passes.remove(who);
                self.calls.push((caller, leg, who, true));
                self.forget(caller);
            }
            9 => {
                let Some(caller) = self.offered.remove(who) else { return };
                let passes = self.passes.entry(who).or_default();
                let pause = seconds([5, 10, 20, 40, 80, 120][(*passes).min(5) as usize]);
                *passes += 1;
                let until = self.town.now.at + pause;
                let quiet = self.quiet.entry(who).or_insert(until);
                *quiet = until.max(*quiet);
                self.town.passes(caller, who);
            }
            10 => {
                let waiting: Vec<u64> = self.lines.values().flatten().copied().collect();
                if waiting.is_empty() {
                    return;
                }
                let caller = waiting[dice.roll(waiting.len() as u64) as usize];
                let hangs_up = dice.roll(3) != 0;
                if hangs_up {
                    self.forget(caller);
                } else {
                    self.no_more.insert(caller);
                }
                self.town.ask(caller, if hangs_up { Ask::Leave } else { Ask::NoMore });
            }
            _ => self.passes_time(Duration::from_millis(dice.roll(6000))),
        }
    }

    /// Time passes alarm by alarm, so that every offer is seen at its moment.
    fn passes_time(&mut self, time: Duration) {
        let end = self.town.now.at + time;
        while let Some(at) = self.town.desk.deadline().filter(|it| *it <= end) {
            self.town.wait(at.since(self.town.now.at));
            self.follow();
        }
        self.town.wait(end.since(self.town.now.at));
    }

    /// A caller is in no line any more.
    fn forget(&mut self, caller: u64) {
        self.lines.values_mut().for_each(|it| it.retain(|it| *it != caller));
        self.offered.retain(|_, it| *it != caller);
        self.no_more.remove(&caller);
    }

    fn is_free(&self, who: &str) -> bool {
        let quiet = self.quiet.get(who).is_some_and(|until| self.town.now.at < *until);
        !quiet
            && !self.offered.contains_key(who)
            && !self.calls.iter().any(|(_, _, it, _)| *it == who)
    }

    /// Whom this queue would serve next.
    fn next_of(&self, queue: &str) -> Option<u64> {
        let all_at_once = self.members[queue].0 == Distribution::Simultaneous;
        let busy = |it: &u64| self.offered.values().any(|caller| caller == it);
        let mut open = self.lines[queue].iter().filter(|it| !self.no_more.contains(it));
        open.find(|it| all_at_once || !busy(it)).copied()
    }

    /// Takes in what the desk said: each offer must be right at its moment.
    fn follow(&mut self) {
        for (caller, told) in std::mem::take(&mut self.town.told) {
            let Told::Offered { who, ring } = told else {
                assert!(matches!(told, Told::Waiting { .. }), "{told:?}");
                continue;
            };
            let Who::Number(id) = &who else { panic!("{who:?}") };
            let who = PEOPLE.into_iter().find(|it| **it == **id).unwrap();
            assert_eq!(ring.len(), 1);
            assert!(self.is_free(who), "{who} is not free");
            let queue = QUEUES.into_iter().find(|it| self.lines[it].contains(&caller.0));
            let queue = queue.expect("somebody is offered to a caller who has gone");
            assert!(self.members[queue].1.contains(&who), "{who} is no member of {queue}");
            assert_eq!(self.next_of(queue), Some(caller.0), "out of order");
            self.offered.insert(who, caller.0);
            self.offers += 1;
        }
    }

    /// Nobody waits who could be served, and the desk and the model agree on who waits.
    fn check(&self) {
        for (queue, (_, members)) in &self.members {
            let free = members.iter().filter(|it| self.is_free(it)).count();
            let waits = self.next_of(queue);
            assert!(free == 0 || waits.is_none(), "{waits:?} waits in {queue} for nothing");
            let view = self.town.desk.view(queue, self.town.now).unwrap();
            let line = &self.lines[queue];
            assert_eq!((view.waiting as usize, view.free as usize), (line.len(), free));
            for (n, caller) in line.iter().enumerate() {
                assert_eq!(self.town.desk.position(Caller(*caller), 1000), Some(n + 1));
            }
        }
    }

    fn everybody_leaves(mut self) {
        for caller in 0..2 * 1000 {
            self.town.desk.over(Caller(caller), self.town.now, &mut self.town.told);
        }
        self.town.wait(seconds(60));
        let desk = &self.town.desk;
        assert_eq!((desk.waiting(), desk.legs.len(), desk.alarms.len()), (0, 0, 0));
        assert!(desk.people.iter().all(|it| it.calls == 0 && it.offered == 0));
    }
}

/// SplitMix64: the same seed, the same day.
struct Dice(u64);

impl Dice {
    /// Below `sides`.
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides.max(1)
    }
}
