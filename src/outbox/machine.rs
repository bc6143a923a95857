//! Which delivery is sent next, and what becomes of those that were.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::lane::Lane;
use super::{ASKED_WAIT_MAX, Delivery, FETCH, FIRST_WAIT, HELD_MAX, LONGEST_WAIT, Settled};
use crate::clock::{Instant, Now};
use crate::model::Webhook;

/// How long a store that failed is left alone.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// Characters of a reason that are kept.
const WHY_MAX: usize = 200;

/// What is wanted of the shell.
#[derive(Clone, Debug, PartialEq)]
pub enum Want {
    /// Waiting rows of this webhook after this one, in order, [`FETCH`] at most; told by
    /// [`Outbox::on_fetched`].
    Fetch { webhook: Arc<str>, after: i64 },
    /// One request; its result is told by [`Outbox::on_outcome`].
    Send { to: Arc<Webhook>, delivery: Delivery },
    /// To be kept.
    Settle { id: i64, settled: Settled },
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered 2xx.
    Acknowledged,
    /// Anything else, and how long the receiver wants to be left alone, if it says so.
    Failed { why: String, retry_after: Option<Duration> },
}

/// All that waits, as far as it fits into memory.
#[derive(Debug, Default)]
pub struct Outbox {
    lanes: BTreeMap<Arc<str>, Lane>,
}

impl Outbox {
    /// From now on these are told; others no more.
    pub fn on_webhooks(&mut self, webhooks: &[Arc<Webhook>], now: Now, out: &mut Vec<Want>) {
        for (id, lane) in &mut self.lanes {
            if !webhooks.iter().any(|it| it.enabled && it.id == *id) && lane.webhook.is_some() {
                lane.webhook = None;
                lane.let_go();
            }
        }
        for webhook in webhooks.iter().filter(|it| it.enabled) {
            let lane = self.lanes.entry(webhook.id.clone()).or_default();
            if lane.webhook.is_none() {
                lane.let_go();
            }
            lane.webhook = Some(webhook.clone());
        }
        self.lanes.retain(|_, it| it.webhook.is_some() || 0 < it.flying);
        self.on_time(now, out);
    }

    /// There is more in the store.
    pub fn on_queued(&mut self, now: Now, out: &mut Vec<Want>) {
        self.lanes.values_mut().for_each(|it| it.more = true);
        self.on_time(now, out);
    }

    /// What [`Want::Fetch`] asked for; `None` if the store failed.
    pub fn on_fetched(
        &mut self,
        webhook: &str,
        after: i64,
        rows: Option<Vec<Delivery>>,
        now: Now,
        out: &mut Vec<Want>,
    ) {
        // The answer to a question that is asked anew since is not needed.
        let lane = self.lanes.get_mut(webhook);
        let Some(lane) = lane.filter(|it| it.asked && it.cursor == after) else { return };
        lane.asked = false;
        match rows {
            None => (lane.ask_at, lane.more) = (now.at + ASK_AGAIN, true),
            Some(rows) => {
                lane.more |= FETCH as usize <= rows.len();
                for row in rows {
                    lane.cursor = lane.cursor.max(row.id);
                    if lane.webhook.is_some() {
                        lane.take(row, now);
                    }
                }
            }
        }
        self.on_time(now, out);
    }

    /// Somebody wants a dead delivery tried again; the store has it as waiting.
    pub fn on_revived(&mut self, delivery: Delivery, now: Now, out: &mut Vec<Want>) {
        if let Some(lane) = self.lanes.get_mut(&delivery.webhook)
            && lane.webhook.is_some()
            // One that was not read yet comes with the others, in its turn.
            && delivery.id <= lane.cursor
        {
            lane.take(delivery, now);
        }
        self.on_time(now, out);
    }

    /// What came of [`Want::Send`]. `chance` is any number, for the jitter.
    pub fn on_outcome(
        &mut self,
        sent: &Delivery,
        outcome: Outcome,
        chance: u32,
        now: Now,
        out: &mut Vec<Want>,
    ) {
        let Some(lane) = self.lanes.get_mut(&sent.webhook) else { return };
        let Some(mut landed) = lane.landed(&sent.call, sent.id) else { return };
        let id = landed.id;
        let settled = match outcome {
            Outcome::Acknowledged => Settled::Delivered,
            Outcome::Failed { why, retry_after } => {
                let why: String = why.chars().take(WHY_MAX).collect();
                landed.attempts = landed.attempts.saturating_add(1);
                let limit = lane.webhook.as_ref().map(|it| it.give_up_after);
                let attempts = landed.attempts;
                match wait(&landed, retry_after, limit, chance, now) {
                    None => Settled::Dead { attempts, why },
                    Some(wait) => {
                        landed.due = now.wall + wait;
                        landed.why.clone_from(&why);
                        let due = landed.due;
                        if lane.webhook.is_some() {
                            lane.put_back(landed, now);
                        }
                        Settled::Retry { attempts, due, why }
                    }
                }
            }
        };
        out.push(Want::Settle { id, settled });
        lane.line_up(&sent.call, now);
        self.lanes.retain(|_, it| it.webhook.is_some() || 0 < it.flying);
        self.on_time(now, out);
    }

    /// Sends what is due, and asks for more where there is room.
    pub fn on_time(&mut self, now: Now, out: &mut Vec<Want>) {
        for (id, lane) in &mut self.lanes {
            let Some(to) = lane.webhook.clone() else { continue };
            while let Some(delivery) = lane.next(now) {
                out.push(Want::Send { to: to.clone(), delivery });
            }
            if wants_more(lane) && lane.ask_at <= now.at {
                (lane.asked, lane.more) = (true, false);
                out.push(Want::Fetch { webhook: id.clone(), after: lane.cursor });
            }
        }
    }

    /// When [`Outbox::on_time`] is next wanted.
    pub fn deadline(&self) -> Option<Instant> {
        let lanes = self.lanes.values().filter(|it| it.webhook.is_some());
        lanes.flat_map(|it| [it.deadline(), wants_more(it).then_some(it.ask_at)]).flatten().min()
    }

    /// Requests that are under way.
    pub fn flying(&self) -> usize {
        self.lanes.values().map(|it| it.flying).sum()
    }

    /// Deliveries in memory.
    pub fn held(&self) -> usize {
        self.lanes.values().map(Lane::held).sum()
    }
}

fn wants_more(lane: &Lane) -> bool {
    lane.more && !lane.asked && lane.held() + FETCH as usize <= HELD_MAX
}

/// How long a delivery that failed waits; `None` if it was tried for long enough.
fn wait(
    failed: &Delivery,
    asked: Option<Duration>,
    limit: Option<Duration>,
    chance: u32,
    now: Now,
) -> Option<Duration> {
    let doubled = FIRST_WAIT.saturating_mul(1 << failed.attempts.saturating_sub(1).min(20));
    let most = doubled.min(LONGEST_WAIT);
    // Between a half and all of it, so that those who failed together come back apart.
    let wait = most / 2 + (most / 2).mul_f64(f64::from(chance) / f64::from(u32::MAX));
    let wait = wait.max(asked.unwrap_or_default().min(ASKED_WAIT_MAX));
    let Some(limit) = limit else { return Some(wait) };
    let left = (failed.queued_at + limit).unix_micros() - now.wall.unix_micros();
    let left = Duration::from_micros(u64::try_from(left).unwrap_or(0));
    // The last attempt is made when the time is up, not before.
    (!left.is_zero()).then(|| wait.min(left))
}
