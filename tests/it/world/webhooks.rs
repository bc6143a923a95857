//! PRODUCT section 13, case 16: a receiver that answers 500 five times is told of the event later,
//! takes it once, and hears everything in order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crosspoint::clock::{Instant, Now, Wall};
use crosspoint::model::Webhook;
use crosspoint::model::event::Fact;
use crosspoint::outbox::{Delivery, New, Outbox, Outcome, Settled, State, Want, wanted};

use super::town::*;

/// How long an answer takes.
const ANSWER: Duration = Duration::from_millis(30);

/// A receiver, and what is between it and the calls.
struct Receiver {
    webhooks: Vec<Arc<Webhook>>,
    outbox: Outbox,
    rows: BTreeMap<i64, (Delivery, State)>,
    last_id: i64,
    now: Now,
    /// What the clock on the wall said at the start.
    began: i64,
    /// Requests under way, by the time of their answer.
    under_way: Vec<(Instant, Delivery)>,
    /// How often an event is answered 500 before it is taken.
    refusals: BTreeMap<&'static str, u32>,
    /// Events as they were asked to be taken: when, which, and whether it was.
    asked: Vec<(Instant, String, u32, bool)>,
}

impl Receiver {
    fn new(refusals: &[(&'static str, u32)]) -> Self {
        let webhook = Webhook::new("crm", "https://crm.example.com/", "a secret of sixteen");
        let mut receiver = Self {
            webhooks: vec![Arc::new(webhook)],
            outbox: Outbox::default(),
            rows: BTreeMap::new(),
            last_id: 0,
            now: Now::default(),
            began: 0,
            under_way: Vec::new(),
            refusals: refusals.iter().copied().collect(),
            asked: Vec::new(),
        };
        receiver.starts();
        receiver
    }

    /// The program starts, on what is kept.
    fn starts(&mut self) {
        self.outbox = Outbox::default();
        self.under_way.clear();
        let mut out = Vec::new();
        self.outbox.on_webhooks(&self.webhooks, self.now, &mut out);
        self.perform(out);
    }

    fn happens(&mut self, at: Instant, fact: &Fact) {
        self.began = fact.at.unix_micros() - at.micros() as i64;
        self.passes(at);
        for New { webhook, call, seq, event, body, queued_at } in wanted(fact, &self.webhooks) {
            self.last_id += 1;
            let (id, due, why) = (self.last_id, queued_at, String::new());
            let row =
                Delivery { id, webhook, call, seq, event, body, queued_at, attempts: 0, due, why };
            self.rows.insert(id, (row, State::Waiting));
        }
        let mut out = Vec::new();
        self.outbox.on_queued(self.now, &mut out);
        self.perform(out);
    }

    /// Time passes, and what is due happens in its order.
    fn passes(&mut self, until: Instant) {
        loop {
            self.under_way.sort_by_key(|it| it.0);
            let answer = self.under_way.first().map(|it| it.0);
            let next = [answer, self.outbox.deadline()].into_iter().flatten().min();
            let Some(next) = next.filter(|it| *it <= until) else { break };
            self.sets(next);
            let mut out = Vec::new();
            if answer == Some(next) {
                let (at, sent) = self.under_way.remove(0);
                let left = self.refusals.get_mut(&*sent.event).filter(|it| 0 < **it);
                let taken = left.map(|it| *it -= 1).is_none();
                self.asked.push((at, sent.event.to_string(), sent.seq, taken));
                let outcome = match taken {
                    true => Outcome::Acknowledged,
                    false => Outcome::Failed { why: "answered 500".into(), retry_after: None },
                };
                self.outbox.on_outcome(&sent, outcome, 7, self.now, &mut out);
            } else {
                self.outbox.on_time(self.now, &mut out);
            }
            self.perform(out);
        }
        self.sets(until);
    }

    fn sets(&mut self, at: Instant) {
        let wall = Wall::from_unix_micros(self.began + at.micros() as i64);
        self.now = Now { at: at.max(self.now.at), wall };
    }

    fn perform(&mut self, mut wants: Vec<Want>) {
        while !wants.is_empty() {
            for want in std::mem::take(&mut wants) {
                match want {
                    Want::Send { delivery, .. } => {
                        self.under_way.push((self.now.at + ANSWER, delivery));
                    }
                    Want::Fetch { webhook, after } => {
                        let rows = self.rows.range(after + 1..).map(|it| it.1);
                        let rows = rows.filter(|it| it.1 == State::Waiting).map(|it| it.0.clone());
                        let rows = Some(rows.collect());
                        self.outbox.on_fetched(&webhook, after, rows, self.now, &mut wants);
                    }
                    Want::Settle { id, settled: Settled::Delivered } => drop(self.rows.remove(&id)),
                    Want::Settle { id, settled: Settled::Retry { attempts, due, why } } => {
                        let row = &mut self.rows.get_mut(&id).unwrap().0;
                        (row.attempts, row.due, row.why) = (attempts, due, why);
                    }
                    Want::Settle { settled: Settled::Dead { .. }, .. } => panic!("nothing dies"),
                }
            }
        }
    }

    fn taken(&self) -> Vec<u32> {
        self.asked.iter().filter(|it| it.3).map(|it| it.2).collect()
    }
}

/// A call that is answered and ends well.
fn a_call() -> World {
    let mut town = town(&[("b", "")], "dial = [\"b\"]");
    town.answers_after("b", secs(2));
    town.call();
    town.connects();
    town.run_for(secs(5));
    town.hangs_up("b");
    town.ends();
    town.rests();
    town
}

#[test]
fn an_event_that_is_refused_five_times_is_taken_later_once_and_in_order() {
    let town = a_call();
    let mut receiver = Receiver::new(&[("call.connected", 5)]);
    town.facts.iter().for_each(|(at, fact)| receiver.happens(*at, fact));
    receiver.passes(town.now() + secs(300));
    let all: Vec<_> = (1..=town.facts.len() as u32).collect();
    assert_eq!(receiver.taken(), all, "once each, in order");
    let tries: Vec<_> = receiver.asked.iter().filter(|it| it.1 == "call.connected").collect();
    assert_eq!(
        tries.iter().map(|it| it.3).collect::<Vec<_>>(),
        [vec![false; 5], vec![true]].concat()
    );
    let waits: Vec<_> = tries.windows(2).map(|it| it[1].0.since(it[0].0)).collect();
    for (wait, most) in waits.iter().zip([1, 2, 4, 8, 16]) {
        assert!(secs(most) / 2 <= *wait && *wait <= secs(most) + ANSWER * 2, "{waits:?}");
    }
    assert!(receiver.rows.is_empty(), "nothing is left");
}

#[test]
fn a_restart_in_between_loses_nothing_and_changes_no_order() {
    let town = a_call();
    let mut receiver = Receiver::new(&[("route.entered", 5), ("call.ended", 2)]);
    for (at, fact) in &town.facts {
        receiver.happens(*at, fact);
        // Whatever is under way is cut off, and not known to have come.
        receiver.starts();
    }
    for minute in 0..5 {
        receiver.passes(town.now() + secs(60 * minute));
        receiver.starts();
    }
    receiver.passes(town.now() + secs(600));
    let all: Vec<_> = (1..=town.facts.len() as u32).collect();
    assert_eq!(receiver.taken(), all);
    assert!(receiver.rows.is_empty());
}
