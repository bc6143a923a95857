//! The machine between a store that is a list and receivers that answer as they are told.

use std::collections::BTreeMap;

use super::*;
use crate::clock::{Instant, Now};
use crate::model::event::What;
use crate::model::record::Cause;

const T0: i64 = 1_800_000_000_000_000;

/// A store, a machine, and the time.
struct Town {
    rows: BTreeMap<i64, (Delivery, State)>,
    webhooks: Vec<Arc<Webhook>>,
    outbox: Outbox,
    now: Now,
    flying: Vec<Delivery>,
    /// Acknowledged: webhook, call, number.
    heard: Vec<(String, String, u32)>,
    broken: bool,
    chance: u32,
    /// Never given twice, as the store's are not.
    last_id: i64,
}

impl Town {
    fn new(webhooks: &[Webhook]) -> Self {
        let now = Now { at: Instant::START, wall: Wall::from_unix_micros(T0) };
        let mut town = Self {
            rows: BTreeMap::new(),
            webhooks: webhooks.iter().cloned().map(Arc::new).collect(),
            outbox: Outbox::default(),
            now,
            flying: Vec::new(),
            heard: Vec::new(),
            broken: false,
            chance: 0,
            last_id: 0,
        };
        town.restart();
        town
    }

    /// The machine begins anew on what is kept; what was under way is never heard of.
    fn restart(&mut self) {
        (self.outbox, self.flying) = (Outbox::default(), Vec::new());
        self.step(|it, webhooks, now, out| it.on_webhooks(webhooks, now, out));
    }

    fn step(&mut self, act: impl FnOnce(&mut Outbox, &[Arc<Webhook>], Now, &mut Vec<Want>)) {
        let mut out = Vec::new();
        act(&mut self.outbox, &self.webhooks, self.now, &mut out);
        while !out.is_empty() {
            for want in std::mem::take(&mut out) {
                self.perform(want, &mut out);
            }
        }
    }

    fn perform(&mut self, want: Want, out: &mut Vec<Want>) {
        match want {
            Want::Send { to, delivery } => {
                assert_eq!(to.id, delivery.webhook);
                self.flying.push(delivery);
            }
            Want::Fetch { webhook, after } => {
                let waiting = self.rows.range(after + 1..).map(|it| it.1);
                let waiting = waiting.filter(|it| it.1 == State::Waiting);
                let rows = waiting.map(|it| &it.0).filter(|it| it.webhook == webhook);
                let rows: Vec<_> = rows.take(FETCH as usize).cloned().collect();
                let rows = (!self.broken).then_some(rows);
                self.outbox.on_fetched(&webhook, after, rows, self.now, out);
            }
            Want::Settle { id, settled } => {
                let (row, state) = self.rows.get_mut(&id).expect("what is settled is kept");
                match settled {
                    Settled::Delivered => drop(self.rows.remove(&id)),
                    Settled::Retry { attempts, due, why } => {
                        (row.attempts, row.due, row.why) = (attempts, due, why);
                    }
                    Settled::Dead { attempts, why } => {
                        (row.attempts, row.why, *state) = (attempts, why, State::Dead);
                    }
                }
            }
        }
    }

    /// Something happens in a call.
    fn happens(&mut self, call: &str, seq: u32) {
        let what = What::Ended { cause: Cause::default() };
        let fact = Fact { seq, at: self.now.wall, call: call.into(), what };
        for new in wanted(&fact, &self.webhooks) {
            self.last_id += 1;
            let id = self.last_id;
            let New { webhook, call, seq, event, body, queued_at } = new;
            let (due, why) = (queued_at, String::new());
            let delivery =
                Delivery { id, webhook, call, seq, event, body, queued_at, attempts: 0, due, why };
            self.rows.insert(id, (delivery, State::Waiting));
        }
        self.step(|it, _, now, out| it.on_queued(now, out));
    }

    fn answer(&mut self, sent: &Delivery, outcome: Outcome) {
        self.flying.retain(|it| it.id != sent.id);
        if outcome == Outcome::Acknowledged {
            self.heard.push((sent.webhook.to_string(), sent.call.to_string(), sent.seq));
        }
        let chance = self.chance;
        self.step(|it, _, now, out| it.on_outcome(sent, outcome, chance, now, out));
    }

    /// Answers all that is under way now.
    fn answers(&mut self, outcome: &Outcome) {
        for sent in self.flying.clone() {
            self.answer(&sent, outcome.clone());
        }
    }

    /// The time until the machine wants to be woken, which then passes.
    fn wait(&mut self) -> Duration {
        let at = self.outbox.deadline().expect("something is to be done");
        let passes = at.since(self.now.at);
        self.pass(passes);
        passes
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
        self.step(|it, _, now, out| it.on_time(now, out));
    }

    fn under_way(&self) -> Vec<String> {
        self.flying.iter().map(Delivery::key).collect()
    }

    fn dead(&self) -> Vec<String> {
        let dead = self.rows.values().filter(|it| it.1 == State::Dead);
        dead.map(|it| it.0.key()).collect()
    }
}

fn hook() -> Webhook {
    Webhook::new("crm", "https://example.com/calls", "a secret of sixteen")
}

fn failed() -> Outcome {
    Outcome::Failed { why: "500".into(), retry_after: None }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn the_next_event_of_a_call_waits_for_the_one_before_and_for_no_other_call() {
    let mut town = Town::new(&[hook()]);
    for (call, seq) in [("a", 1), ("a", 2), ("b", 1), ("a", 3)] {
        town.happens(call, seq);
    }
    assert_eq!(town.under_way(), ["a.1", "b.1"]);
    let sent = town.flying[0].clone();
    town.answer(&sent, Outcome::Acknowledged);
    assert_eq!(town.under_way(), ["b.1", "a.2"]);
    // Answers that nobody waits for change nothing.
    town.step(|it, _, now, out| it.on_outcome(&sent, Outcome::Acknowledged, 0, now, out));
    assert_eq!(town.under_way(), ["b.1", "a.2"]);
    town.answers(&Outcome::Acknowledged);
    town.answers(&Outcome::Acknowledged);
    assert!(town.rows.is_empty() && town.outbox.held() == 0 && town.outbox.flying() == 0);
    assert_eq!(town.outbox.deadline(), None);
}

#[test]
fn a_failure_is_tried_again_after_waits_that_double_and_never_out_of_order() {
    let mut town = Town::new(&[hook()]);
    (1..=3).for_each(|seq| town.happens("a", seq));
    town.chance = u32::MAX;
    for wanted in [1, 2, 4, 8, 16] {
        assert_eq!(town.under_way(), ["a.1"]);
        town.answers(&failed());
        assert!(town.under_way().is_empty());
        assert_eq!(town.wait(), SECOND * wanted);
    }
    assert_eq!(town.rows[&1].0.attempts, 5);
    for _ in 0..3 {
        town.answers(&Outcome::Acknowledged);
    }
    let heard: Vec<_> = town.heard.iter().map(|it| it.2).collect();
    assert_eq!(heard, [1, 2, 3]);
    assert!(town.rows.is_empty());
}

#[test]
fn waits_have_jitter_and_an_end() {
    for (chance, first, last) in [(0, 500, 300), (u32::MAX, 1000, 600)] {
        let mut town = Town::new(&[hook()]);
        town.chance = chance;
        town.happens("a", 1);
        town.answers(&failed());
        assert_eq!(town.wait(), Duration::from_millis(first));
        for _ in 0..20 {
            town.answers(&failed());
            assert!(town.wait() <= LONGEST_WAIT);
        }
        town.answers(&failed());
        assert_eq!(town.wait(), Duration::from_secs(last));
    }
}

#[test]
fn a_receiver_that_names_a_time_is_left_alone_until_then_within_reason() {
    for (asked, wanted) in [(30, 30), (0, 1), (1_000_000, 3600)] {
        let mut town = Town::new(&[hook()]);
        town.chance = u32::MAX;
        town.happens("a", 1);
        let retry_after = Some(Duration::from_secs(asked));
        town.answers(&Outcome::Failed { why: "429".into(), retry_after });
        assert_eq!(town.wait(), SECOND * wanted);
        assert_eq!(town.under_way(), ["a.1"]);
    }
}

#[test]
fn a_webhook_hears_so_many_requests_at_once_and_does_not_hold_up_another() {
    let few = Webhook { parallel: 2, ..hook() };
    let other = Webhook { id: "log".into(), ..hook() };
    let mut town = Town::new(&[few, other]);
    for call in ["a", "b", "c", "d"] {
        town.happens(call, 1);
    }
    let of = |town: &Town, id: &str| town.flying.iter().filter(|it| &*it.webhook == id).count();
    assert_eq!((of(&town, "crm"), of(&town, "log")), (2, 4));
    let sent = town.flying.iter().find(|it| &*it.webhook == "crm").unwrap().clone();
    town.answer(&sent, failed());
    assert_eq!(of(&town, "crm"), 2);
    assert!(town.under_way().contains(&"c.1".to_owned()));
}

#[test]
fn what_fails_for_too_long_is_laid_aside_and_the_call_goes_on() {
    let mut town = Town::new(&[Webhook { give_up_after: SECOND * 100, ..hook() }]);
    town.happens("a", 1);
    let began = town.now.at;
    let mut attempts = 0;
    while town.dead().is_empty() {
        assert_eq!(town.under_way(), ["a.1"]);
        attempts += 1;
        town.answers(&failed());
        if town.dead().is_empty() {
            town.wait();
        }
    }
    assert_eq!(town.now.at.since(began), SECOND * 100, "the last attempt is when the time is up");
    assert!((7..12).contains(&attempts), "{attempts}");
    assert_eq!(town.rows[&1].0.why, "500");
    town.happens("a", 2);
    assert_eq!(town.under_way(), ["a.2"]);
}

#[test]
fn what_was_laid_aside_can_be_revived_and_goes_before_what_comes_after_it() {
    let mut town = Town::new(&[Webhook { give_up_after: SECOND, ..hook() }]);
    (1..=4).for_each(|seq| town.happens("a", seq));
    town.pass(SECOND);
    town.answers(&failed());
    assert_eq!((town.dead(), town.under_way()), (vec!["a.1".to_owned()], vec!["a.2".to_owned()]));
    let (row, state) = town.rows.get_mut(&1).unwrap();
    (*state, row.attempts, row.due, row.queued_at) =
        (State::Waiting, 0, town.now.wall, town.now.wall);
    let row = row.clone();
    town.step(|it, _, now, out| it.on_revived(row.clone(), now, out));
    town.step(|it, _, now, out| it.on_revived(row, now, out));
    for _ in 0..4 {
        town.answers(&Outcome::Acknowledged);
    }
    let heard: Vec<_> = town.heard.iter().map(|it| it.2).collect();
    assert_eq!(heard, [2, 1, 3, 4], "what is under way already is not overtaken");
    assert!(town.rows.is_empty());
}

#[test]
fn a_webhook_that_is_off_is_told_nothing_and_everything_once_it_is_on_again() {
    let mut town = Town::new(&[hook()]);
    for (call, seq) in [("a", 1), ("a", 2), ("b", 1)] {
        town.happens(call, seq);
    }
    let sent = town.flying[0].clone();
    for off in [vec![], vec![Arc::new(Webhook { enabled: false, ..hook() })]] {
        let on = std::mem::replace(&mut town.webhooks, off);
        town.step(|it, webhooks, now, out| it.on_webhooks(webhooks, now, out));
        town.pass(SECOND * 60);
        assert_eq!(town.under_way(), ["a.1", "b.1"], "nothing new is sent");
        town.webhooks = on;
    }
    town.step(|it, webhooks, now, out| it.on_webhooks(webhooks, now, out));
    assert_eq!(town.under_way(), ["a.1", "b.1"], "what is under way is not sent again");
    town.webhooks.clear();
    town.step(|it, webhooks, now, out| it.on_webhooks(webhooks, now, out));
    town.answer(&sent, failed());
    assert_eq!(town.rows[&sent.id].0.attempts, 1, "how it went is kept even then");
    town.answers(&Outcome::Acknowledged);
    assert_eq!(town.outbox.held(), 0);
    town.webhooks = vec![Arc::new(hook())];
    town.step(|it, webhooks, now, out| it.on_webhooks(webhooks, now, out));
    town.pass(SECOND);
    while !town.flying.is_empty() {
        town.answers(&Outcome::Acknowledged);
    }
    assert!(town.rows.is_empty());
}

#[test]
fn an_answer_of_the_store_that_comes_late_is_not_mistaken_for_all_there_is() {
    let mut town = Town::new(&[hook()]);
    for seq in 1..=3 {
        town.happens("a", seq);
    }
    let mut out = Vec::new();
    town.outbox.on_queued(town.now, &mut out);
    assert_eq!(out, [Want::Fetch { webhook: "crm".into(), after: 3 }]);
    town.webhooks.clear();
    town.step(|it, webhooks, now, out| it.on_webhooks(webhooks, now, out));
    town.webhooks = vec![Arc::new(hook())];
    let mut asked = Vec::new();
    town.outbox.on_webhooks(&town.webhooks, town.now, &mut asked);
    assert_eq!(asked, [Want::Fetch { webhook: "crm".into(), after: 0 }]);
    town.outbox.on_fetched("crm", 3, Some(Vec::new()), town.now, &mut out);
    asked.into_iter().for_each(|it| town.perform(it, &mut out));
    assert_eq!(town.outbox.held(), 3);
}

#[test]
fn a_store_that_fails_is_asked_again_a_second_later() {
    let mut town = Town::new(&[hook()]);
    town.broken = true;
    town.happens("a", 1);
    assert!(town.under_way().is_empty());
    assert_eq!(town.wait(), SECOND);
    town.broken = false;
    assert_eq!(town.wait(), SECOND);
    assert_eq!(town.under_way(), ["a.1"]);
}

#[test]
fn more_than_fits_into_memory_waits_in_the_store_and_nothing_of_it_is_lost() {
    let mut town = Town::new(&[hook()]);
    let count = HELD_MAX as u32 + 700;
    for n in 0..count {
        let id = i64::from(n) + 1;
        let delivery = Delivery {
            id,
            webhook: "crm".into(),
            call: format!("c{}", n / 3).into(),
            seq: n % 3 + 1,
            event: "call.ended".into(),
            body: "{}".into(),
            queued_at: town.now.wall,
            attempts: 0,
            due: town.now.wall,
            why: String::new(),
        };
        town.rows.insert(id, (delivery, State::Waiting));
    }
    town.restart();
    assert!(town.outbox.held() <= HELD_MAX && HELD_MAX - 512 < town.outbox.held());
    while !town.flying.is_empty() {
        assert!(town.flying.len() <= 8);
        town.answers(&Outcome::Acknowledged);
    }
    assert_eq!(town.heard.len(), count as usize);
    assert!(town.rows.is_empty());
}

#[test]
fn a_clock_that_was_set_back_does_not_hold_up_what_waits() {
    let mut town = Town::new(&[hook()]);
    town.happens("a", 1);
    town.answers(&failed());
    town.now.wall = Wall::from_unix_micros(T0 - 86_400_000_000);
    town.restart();
    assert!(town.wait() <= ASKED_WAIT_MAX);
    assert_eq!(town.under_way(), ["a.1"]);
}

#[test]
fn whatever_receivers_do_each_call_is_told_in_order_and_completely() {
    for seed in 0..200_u64 {
        let mut chance = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut roll = move |sides: u64| {
            chance ^= chance << 13;
            chance ^= chance >> 7;
            chance ^= chance << 17;
            (chance >> 11) % sides
        };
        let mut town = Town::new(&[Webhook { parallel: 3, ..hook() }]);
        let (mut next, mut restarts) = ([1_u32; 5], 0);
        for _ in 0..200 {
            town.chance = roll(u64::from(u32::MAX)) as u32;
            match roll(10) {
                0..3 => {
                    let call = roll(5) as usize;
                    town.happens(&format!("c{call}"), next[call]);
                    next[call] += 1;
                }
                3 if roll(10) == 0 => {
                    town.restart();
                    restarts += 1;
                }
                4..7 => town.pass(Duration::from_millis(roll(3000))),
                _ if !town.flying.is_empty() => {
                    let sent = town.flying[roll(town.flying.len() as u64) as usize].clone();
                    let good = roll(2) == 0;
                    town.answer(&sent, if good { Outcome::Acknowledged } else { failed() });
                }
                _ => (),
            }
        }
        for _ in 0..10_000 {
            if town.rows.is_empty() {
                break;
            }
            town.answers(&Outcome::Acknowledged);
            if town.flying.is_empty() && !town.rows.is_empty() {
                town.wait();
            }
        }
        for (call, next) in next.iter().enumerate() {
            let name = format!("c{call}");
            let heard = town.heard.iter().filter(|it| it.1 == name).map(|it| it.2);
            let heard: Vec<_> = heard.collect();
            let whole: Vec<_> = (1..*next).collect();
            assert_eq!(heard, whole, "seed {seed}, {restarts} restarts");
        }
    }
}

#[test]
fn only_those_who_want_an_event_are_told_and_all_hear_the_same_words() {
    let some = Webhook { events: vec!["call.received".parse().unwrap()], ..hook() };
    let all = Webhook { id: "all".into(), ..hook() };
    let webhooks = [Arc::new(some), Arc::new(all)];
    let what = What::Ended { cause: Cause::default() };
    let fact = Fact { seq: 9, at: Wall::from_unix_micros(T0), call: "a".into(), what };
    let new = wanted(&fact, &webhooks);
    assert_eq!(new.iter().map(|it| &*it.webhook).collect::<Vec<_>>(), ["all"]);
    assert_eq!(serde_json::from_str::<Fact>(&new[0].body).unwrap(), fact);
    assert_eq!((&*new[0].event, new[0].seq), ("call.ended", 9));
    assert!(wanted(&fact, &webhooks[..1]).is_empty());
}
