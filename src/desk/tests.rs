//! The desk on its own: who is offered to whom.

mod people;
mod random;

use std::time::Duration;

use super::*;
use crate::clock::Wall;
use crate::model::directory::Parts;
use crate::model::record::Cause;
use crate::model::{Endpoint, Member, Queue, Schedule};

/// A desk, and everything that calls do about it.
struct Town {
    desk: Desk,
    now: Now,
    told: Words,
    legs: u8,
}

fn number(id: &str) -> ReceivingNumber {
    ReceivingNumber::new(id, Endpoint::Sip { uri: format!("sip:{id}@192.0.2.1").into() })
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn at(who: &str) -> Who {
    Who::Number(who.into())
}

/// A queue of these receiving numbers.
fn queue(distribution: Distribution, members: &[&str]) -> Queue {
    let member = |it: &&str| Member { who: at(it), weight: 1 };
    let members = members.iter().map(member).collect();
    Queue { distribution, members, ..Queue::new("sales") }
}

fn parts(queue: Queue) -> Parts {
    let receiving_numbers = ["a", "b", "c"].map(number).into();
    Parts { queues: vec![queue], receiving_numbers, ..Parts::default() }
}

impl Town {
    fn new(queue: Queue) -> Self {
        Self::of(parts(queue))
    }

    fn of(parts: Parts) -> Self {
        // A Monday, 10:00 UTC.
        let wall = Wall::from_unix_micros(1_772_445_600_000_000);
        let now = Now { at: Instant::START, wall };
        let desk = Desk::new(&Directory::new(parts), Limits::default(), now);
        Self { desk, now, told: Vec::new(), legs: 0 }
    }

    fn ask(&mut self, caller: u64, ask: Ask) {
        self.desk.on(Caller(caller), ask, self.now, &mut self.told);
    }

    fn joins(&mut self, caller: u64) {
        let number = format!("+1555{caller:07}").as_str().into();
        self.ask(caller, Ask::Join { queue: "sales".into(), number });
    }

    /// Since this was last asked: `1 waits 2`, `1 gets a`.
    fn said(&mut self) -> Vec<String> {
        let word = |(caller, told): (Caller, Told)| {
            let caller = caller.0;
            match told {
                Told::Waiting { position } => format!("{caller} waits {position}"),
                Told::Full => format!("{caller} full"),
                Told::Nobody => format!("{caller} nobody"),
                Told::Gone => format!("{caller} gone"),
                Told::Offered { who: Who::Agent(id) | Who::Number(id), .. } => {
                    format!("{caller} gets {id}")
                }
            }
        };
        self.told.drain(..).map(word).collect()
    }

    /// Only the offers.
    fn offers(&mut self) -> Vec<String> {
        self.said().into_iter().filter(|it| it.contains("gets")).collect()
    }

    fn passes(&mut self, caller: u64, who: &str) {
        self.ask(caller, Ask::Passed { who: at(who) });
    }

    fn dials(&mut self, caller: u64, destination: &str) -> u8 {
        self.legs += 1;
        let what = What::LegDialing { leg: self.legs, destination: destination.into() };
        self.hears(caller, &what);
        self.legs
    }

    fn hears(&mut self, caller: u64, what: &What) {
        self.desk.hears(Caller(caller), what, self.now, &mut self.told);
    }

    /// Somebody who was offered takes the call; the leg it talks on.
    fn takes(&mut self, caller: u64, who: &str) -> u8 {
        let leg = self.dials(caller, who);
        self.ask(caller, Ask::Taken { who: at(who), leg });
        self.hears(caller, &What::Connected { leg });
        leg
    }

    fn hangs_up(&mut self, caller: u64, leg: u8) {
        self.hears(caller, &What::LegEnded { leg, cause: Cause::default() });
    }

    fn wait(&mut self, time: Duration) {
        let end = self.now.at + time;
        while let Some(at) = self.desk.deadline().filter(|it| *it <= end) {
            self.now = self.now.after(at.since(self.now.at));
            self.desk.on_time(self.now, &mut self.told);
            assert!(self.desk.deadline().is_none_or(|it| at < it), "a deadline that stays");
        }
        self.now = self.now.after(end.since(self.now.at));
    }

    fn waiting(&self) -> u32 {
        self.desk.view("sales", self.now).unwrap().waiting
    }
}

/// Ten calls one after the other, each as long as a second: who took them.
fn taken_by(town: &mut Town, calls: u64) -> Vec<String> {
    let mut taken = Vec::new();
    for caller in 0..calls {
        town.joins(caller);
        let offers = town.offers();
        let [offer] = offers.as_slice() else { panic!("{offers:?}") };
        let who = offer.rsplit(' ').next().unwrap().to_owned();
        let leg = town.takes(caller, &who);
        town.wait(seconds(1));
        town.hangs_up(caller, leg);
        taken.push(who);
    }
    taken
}

#[test]
fn who_never_takes_a_call_is_asked_less_and_less_often_until_it_takes_one() {
    let mut town = Town::new(queue(Distribution::RoundRobin, &["a"]));
    town.joins(1);
    assert_eq!(town.offers(), ["1 gets a"]);
    for pause in [5, 10, 20, 40, 80, 120, 120] {
        town.passes(1, "a");
        town.wait(seconds(pause) - Duration::from_millis(1));
        assert_eq!(town.offers(), Vec::<String>::new(), "before {pause} s are over");
        town.wait(Duration::from_millis(1));
        assert_eq!(town.offers(), ["1 gets a"], "after {pause} s");
    }
    let leg = town.takes(1, "a");
    town.hangs_up(1, leg);
    town.joins(2);
    assert_eq!(town.offers(), ["2 gets a"]);
    town.passes(2, "a");
    town.wait(RETRY);
    assert_eq!(town.offers(), ["2 gets a"], "as patiently as at first");
}

#[test]
fn simultaneous_offers_everybody_who_is_free_to_the_first_in_line() {
    let mut town = Town::new(queue(Distribution::Simultaneous, &["a", "b", "c"]));
    let leg = town.dials(99, "b");
    town.joins(1);
    town.joins(2);
    assert_eq!(town.said(), ["1 waits 1", "1 gets a", "1 gets c", "2 waits 2"]);
    // Who becomes free joins those who ring for the first.
    town.hangs_up(99, leg);
    assert_eq!(town.said(), ["1 gets b"]);
    town.takes(1, "c");
    assert_eq!(town.said(), ["2 gets a", "2 gets b"]);
}

#[test]
fn round_robin_goes_on_in_list_order_and_skips_who_is_busy() {
    let mut town = Town::new(queue(Distribution::RoundRobin, &["a", "b", "c"]));
    assert_eq!(taken_by(&mut town, 4), ["a", "b", "c", "a"]);
    town.dials(99, "b");
    assert_eq!(taken_by(&mut town, 3), ["c", "a", "c"]);
}

#[test]
fn longest_idle_offers_whoever_has_been_free_for_longest() {
    let mut town = Town::new(queue(Distribution::LongestIdle, &["a", "b", "c"]));
    assert_eq!(taken_by(&mut town, 4), ["a", "b", "c", "a"]);
    // A talk with somebody else counts as well; letting it ring is no talk.
    let leg = town.dials(99, "b");
    town.hears(99, &What::Connected { leg });
    town.hangs_up(99, leg);
    let leg = town.dials(98, "c");
    town.hangs_up(98, leg);
    assert_eq!(taken_by(&mut town, 3), ["c", "a", "b"]);
}

#[test]
fn weighted_shares_calls_by_weight_and_a_weight_of_zero_is_a_last_resort() {
    let mut sales = queue(Distribution::Weighted, &["a", "b", "c"]);
    for (member, weight) in sales.members.iter_mut().zip([3, 1, 0]) {
        member.weight = weight;
    }
    let mut town = Town::new(sales);
    let taken = taken_by(&mut town, 40);
    let count = |who: &str| taken.iter().filter(|it| *it == who).count();
    assert_eq!((count("a"), count("b"), count("c")), (30, 10, 0));
    assert_eq!(&taken[..4], ["a", "a", "b", "a"]);
    town.dials(98, "a");
    town.dials(99, "b");
    assert_eq!(taken_by(&mut town, 2), ["c", "c"]);
}

#[test]
fn sticky_offers_who_took_this_caller_last_if_free() {
    let mut town = Town::new(queue(Distribution::Sticky, &["a", "b", "c"]));
    assert_eq!(taken_by(&mut town, 3), ["a", "b", "c"]);
    // Caller 1 was taken by b, though a has been free for longest.
    town.joins(1);
    assert_eq!(town.offers(), ["1 gets b"]);
    town.ask(1, Ask::Leave);
    let leg = town.dials(99, "b");
    town.joins(1);
    assert_eq!(town.offers(), ["1 gets a"]);
    town.ask(1, Ask::Leave);
    town.hangs_up(99, leg);
    // Nobody is known by a withheld number.
    for _ in 0..2 {
        town.ask(7, Ask::Join { queue: "sales".into(), number: "".into() });
        let leg = town.takes(7, "a");
        town.wait(seconds(1));
        town.hangs_up(7, leg);
        town.said();
    }
    town.ask(7, Ask::Join { queue: "sales".into(), number: "".into() });
    assert_eq!(town.offers(), ["7 gets b"]);
}

#[test]
fn callers_are_served_in_the_order_they_came() {
    let mut town = Town::new(queue(Distribution::LongestIdle, &["a"]));
    let leg = town.dials(99, "a");
    for caller in [5, 3, 8] {
        town.joins(caller);
    }
    assert_eq!(town.said(), ["5 waits 1", "3 waits 2", "8 waits 3"]);
    assert_eq!(town.desk.position(Caller(8), 10), Some(3));
    assert_eq!(town.desk.position(Caller(8), 1), Some(2), "at least the second");
    town.hangs_up(99, leg);
    assert_eq!(town.said(), ["5 gets a"]);
    town.ask(3, Ask::Leave);
    assert_eq!(town.desk.position(Caller(8), 10), Some(2));
    let leg = town.takes(5, "a");
    town.hangs_up(5, leg);
    assert_eq!(town.said(), ["8 gets a"]);
}

#[test]
fn whoever_came_first_is_served_first_across_queues() {
    let one = queue(Distribution::RoundRobin, &["a"]);
    let other = Queue { id: "support".into(), ..queue(Distribution::RoundRobin, &["a"]) };
    let mut all = parts(one);
    all.queues.push(other);
    let mut town = Town::of(all);
    let leg = town.dials(99, "a");
    let join = |queue: &str| Ask::Join { queue: queue.into(), number: "".into() };
    town.ask(1, join("support"));
    town.ask(2, join("sales"));
    town.said();
    town.hangs_up(99, leg);
    assert_eq!(town.said(), ["1 gets a"]);
    town.ask(1, Ask::Leave);
    assert_eq!(town.said(), ["2 gets a"]);
}

#[test]
fn who_lets_it_ring_is_left_alone_for_a_moment_so_that_others_get_a_turn() {
    let mut town = Town::new(queue(Distribution::LongestIdle, &["a", "b"]));
    town.joins(1);
    assert_eq!(town.offers(), ["1 gets a"]);
    town.passes(1, "a");
    assert_eq!(town.offers(), ["1 gets b"]);
    town.wait(seconds(2));
    town.passes(1, "b");
    assert_eq!(town.offers(), Vec::<String>::new());
    town.wait(seconds(3) - Duration::from_micros(1));
    assert_eq!(town.offers(), Vec::<String>::new());
    town.wait(Duration::from_micros(1));
    assert_eq!(town.offers(), ["1 gets a"]);
}

#[test]
fn nobody_is_offered_while_wrapping_up_but_a_direct_call_needs_no_wrap_up() {
    let sales = Queue { wrap_up: seconds(20), ..queue(Distribution::RoundRobin, &["a"]) };
    let mut town = Town::new(sales);
    town.joins(1);
    let leg = town.takes(1, "a");
    town.wait(seconds(60));
    town.hangs_up(1, leg);
    town.said();
    town.joins(2);
    town.wait(seconds(20) - Duration::from_micros(1));
    assert_eq!(town.offers(), Vec::<String>::new());
    town.wait(Duration::from_micros(1));
    assert_eq!(town.offers(), ["2 gets a"]);
    town.ask(2, Ask::Leave);
    let leg = town.dials(99, "a");
    town.hears(99, &What::Connected { leg });
    town.hangs_up(99, leg);
    town.joins(3);
    assert_eq!(town.offers(), ["3 gets a"]);
}

#[test]
fn a_line_takes_as_many_as_it_may_and_not_one_more() {
    let sales = Queue { max_length: Some(2), ..queue(Distribution::RoundRobin, &[]) };
    let mut town = Town::new(sales);
    for caller in 1..=3 {
        town.joins(caller);
    }
    assert_eq!(town.said(), ["1 waits 1", "2 waits 2", "3 full"]);
    town.ask(1, Ask::Leave);
    town.joins(3);
    assert_eq!(town.said(), ["3 waits 2"]);
}

#[test]
fn the_desk_has_limits_of_its_own() {
    let limits = Limits { lines: 1, callers: 2, remembered: 1 };
    let mut all = parts(queue(Distribution::RoundRobin, &[]));
    all.queues.push(Queue::new("second"));
    let mut town = Town::of(Parts::default());
    town.desk = Desk::new(&Directory::new(all), limits, town.now);
    for caller in 1..=3 {
        town.joins(caller);
    }
    town.ask(4, Ask::Join { queue: "second".into(), number: "".into() });
    assert_eq!(town.said(), ["1 waits 1", "2 waits 2", "3 full", "4 gone"]);
}

#[test]
fn a_closed_destination_is_not_rung_until_it_opens() {
    let mut hours = Schedule::new("late", "UTC".parse().unwrap());
    hours.week.iter_mut().for_each(|it| it.push("11:00-18:00".parse().unwrap()));
    let mut all = parts(queue(Distribution::RoundRobin, &["a"]));
    all.receiving_numbers[0].schedule = Some(hours.into());
    let mut town = Town::of(all);
    town.joins(1);
    assert_eq!(town.offers(), Vec::<String>::new());
    town.wait(seconds(3600 - 1));
    assert_eq!(town.offers(), Vec::<String>::new());
    town.wait(LOOK_AGAIN);
    assert_eq!(town.offers(), ["1 gets a"]);
}

#[test]
fn a_caller_whose_time_is_over_is_offered_nobody_more() {
    let mut town = Town::new(queue(Distribution::Simultaneous, &["a", "b"]));
    let leg = town.dials(99, "b");
    town.joins(1);
    town.joins(2);
    town.said();
    town.ask(1, Ask::NoMore);
    town.hangs_up(99, leg);
    assert_eq!(town.said(), ["2 gets b"]);
    town.passes(1, "a");
    town.ask(1, Ask::Leave);
    town.wait(seconds(6));
    assert_eq!(town.said(), ["2 gets a"]);
}

#[test]
fn a_new_directory_keeps_callers_and_people_and_tells_those_whose_queue_is_gone() {
    let mut all = parts(queue(Distribution::RoundRobin, &["a"]));
    all.queues.push(Queue::new("support"));
    let mut town = Town::of(all);
    let leg = town.dials(99, "a");
    town.joins(1);
    town.joins(2);
    town.ask(3, Ask::Join { queue: "support".into(), number: "".into() });
    town.said();
    let after = Directory::new(parts(queue(Distribution::RoundRobin, &["a", "b"])));
    town.desk.adopt(&after, town.now, &mut town.told);
    // a is still busy; b is new.
    assert_eq!(town.said(), ["3 gone", "1 gets b"]);
    town.hangs_up(99, leg);
    assert_eq!(town.said(), ["2 gets a"]);
    town.desk.adopt(&Directory::default(), town.now, &mut town.told);
    assert_eq!(town.said(), ["1 gone", "2 gone"]);
    assert_eq!(town.desk.waiting(), 0);
    assert_eq!(town.desk.view("sales", town.now), None);
    town.joins(4);
    assert_eq!(town.said(), ["4 gone"]);
}

#[test]
fn a_call_that_is_over_leaves_nothing_behind() {
    let mut town = Town::new(queue(Distribution::RoundRobin, &["a"]));
    town.joins(1);
    town.dials(1, "a");
    town.desk.over(Caller(1), town.now, &mut town.told);
    town.said();
    assert_eq!(town.waiting(), 0);
    town.joins(2);
    assert_eq!(town.offers(), ["2 gets a"]);
}

#[test]
fn routers_see_who_waits_who_is_free_and_the_longest_wait() {
    let mut town = Town::new(queue(Distribution::RoundRobin, &["a", "b"]));
    let view = |town: &Town| {
        let it = town.desk.view("sales", town.now).unwrap();
        (it.waiting, it.free, it.longest_wait)
    };
    assert_eq!(view(&town), (0, 2, None));
    town.dials(99, "a");
    assert_eq!(view(&town), (0, 1, None));
    town.joins(1);
    town.wait(seconds(3));
    town.joins(2);
    town.wait(seconds(4));
    assert_eq!(view(&town), (2, 0, Some(seconds(7))));
}
