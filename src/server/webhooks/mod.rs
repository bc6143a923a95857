//! Webhooks over HTTP (PRODUCT section 11): what [`Outbox`] wants, done.
//!
//! ```text
//!   store --rows--> Outbox --send--> a request each --result--> Outbox --settle--> store
//! ```
//! One task, on the runtime that the store's connections belong to, and one more for each request
//! under way. No call waits for any of it. What was sent is settled in the store before more is
//! read from it; while the store is away, what is in memory goes on and nothing new is read.

mod request;

use std::collections::BTreeSet;
use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc::Receiver;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{debug, info, warn};

use self::request::Requests;
use super::clock::Clock;
use super::streams::Tls;
use crate::config::Config;
use crate::model::Webhook;
use crate::outbox::{Delivery, FETCH, Outbox, Outcome, Settled, State, Want};
use crate::store::database::{Progress, Store};

/// How often what waits is counted.
const COUNT: Duration = Duration::from_secs(10);
/// How long a store that does not take results is left alone.
const SETTLE_AGAIN: Duration = Duration::from_secs(1);
/// On stopping, how long requests under way may take; what has no answer by then is sent again.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// What the task stands on, and by what it is told.
pub struct World {
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    /// Who is to be told.
    pub config: watch::Receiver<Arc<Config>>,
    /// The store has more.
    pub progress: Arc<Progress>,
    /// The delivery with this id waits again.
    pub revived: Receiver<i64>,
    pub stop: watch::Receiver<bool>,
}

/// Tells webhooks what there is, until it is told to stop.
pub async fn run(world: World) {
    let World { store, clock, mut config, progress, mut revived, mut stop } = world;
    let mut task = Task {
        store,
        clock,
        outbox: Outbox::default(),
        requests: Requests::new(Tls::default()),
        flying: JoinSet::new(),
        unsettled: Vec::new(),
        settle_at: None,
        wants: Vec::new(),
        counted: BTreeSet::new(),
    };
    config.mark_changed();
    let mut count = tokio::time::interval(COUNT);
    loop {
        let deadlines = [task.outbox.deadline().map(|it| clock.shell(it)), task.settle_at];
        let deadline = deadlines.into_iter().flatten().min();
        tokio::select! {
            () = async { drop(stop.wait_for(|it| *it).await) } => break,
            Ok(()) = config.changed() => {
                let directory = config.borrow_and_update().directory.clone();
                task.outbox.on_webhooks(directory.webhooks(), clock.now(), &mut task.wants);
            }
            () = progress.news() => task.outbox.on_queued(clock.now(), &mut task.wants),
            Some(id) = revived.recv() => task.on_revived(id).await,
            Some(landed) = task.flying.join_next() => task.on_landed(landed),
            _ = count.tick() => task.count().await,
            () = until(deadline) => task.outbox.on_time(clock.now(), &mut task.wants),
        }
        task.perform().await;
    }
    task.stop().await;
}

type Landed = (Delivery, Outcome);

struct Task {
    store: Arc<dyn Store>,
    clock: Clock,
    outbox: Outbox,
    requests: Requests,
    flying: JoinSet<Landed>,
    /// Results that the store has not taken yet.
    unsettled: Vec<(i64, Settled)>,
    settle_at: Option<std::time::Instant>,
    wants: Vec<Want>,
    /// Webhooks that the gauges name.
    counted: BTreeSet<Arc<str>>,
}

impl Task {
    async fn on_revived(&mut self, id: i64) {
        let after = id.saturating_sub(1);
        let found = self.store.deliveries(None, State::Waiting, after, 1).await;
        let now = self.clock.now();
        // What cannot be read now is read with all others after the next start.
        for it in found.unwrap_or_default().into_iter().filter(|it| it.id == id) {
            self.outbox.on_revived(it, now, &mut self.wants);
        }
    }

    fn on_landed(&mut self, landed: Result<Landed, tokio::task::JoinError>) {
        let Ok((sent, outcome)) = landed else { return };
        let chance = getrandom::u32().unwrap_or(u32::MAX);
        told(&sent, &outcome);
        self.outbox.on_outcome(&sent, outcome, chance, self.clock.now(), &mut self.wants);
    }

    /// Does what the machine wants: results are kept before more is read.
    async fn perform(&mut self) {
        loop {
            let (mut fetches, wants) = (Vec::new(), std::mem::take(&mut self.wants));
            for want in wants {
                match want {
                    Want::Send { to, delivery } => self.send(to, delivery),
                    Want::Settle { id, settled } => {
                        count(&settled);
                        self.unsettled.push((id, settled));
                    }
                    Want::Fetch { webhook, after } => fetches.push((webhook, after)),
                }
            }
            self.settle().await;
            if fetches.is_empty() {
                return;
            }
            for (webhook, after) in fetches {
                let rows = self.fetch(&webhook, after).await;
                self.outbox.on_fetched(&webhook, after, rows, self.clock.now(), &mut self.wants);
            }
        }
    }

    fn send(&mut self, to: Arc<Webhook>, delivery: Delivery) {
        let (requests, wall) = (self.requests.clone(), self.clock.now().wall);
        self.flying.spawn(async move {
            let sent = AssertUnwindSafe(requests.send(&to, &delivery, wall)).catch_unwind().await;
            let bug = |_| Outcome::Failed { why: "our own fault".into(), retry_after: None };
            let outcome = sent.unwrap_or_else(bug);
            (delivery, outcome)
        });
    }

    async fn settle(&mut self) {
        let now = self.clock.shell(self.clock.now().at);
        if self.unsettled.is_empty() || self.settle_at.is_some_and(|at| now < at) {
            return;
        }
        match self.store.settle(&self.unsettled).await {
            Ok(()) => {
                self.unsettled.clear();
                self.settle_at = None;
            }
            Err(error) => {
                warn!(%error, results = self.unsettled.len(), "results of webhooks cannot be kept");
                self.settle_at = Some(now + SETTLE_AGAIN);
            }
        }
    }

    /// `None` while the store is away, or does not know yet what was sent.
    async fn fetch(&self, webhook: &str, after: i64) -> Option<Vec<Delivery>> {
        if !self.unsettled.is_empty() {
            return None;
        }
        match self.store.deliveries(Some(webhook), State::Waiting, after, FETCH).await {
            Ok(rows) => Some(rows),
            Err(error) => {
                warn!(%error, webhook, "what waits for a webhook cannot be read");
                None
            }
        }
    }

    /// For the metrics.
    async fn count(&mut self) {
        metrics::gauge!("crosspoint_webhooks_under_way").set(self.outbox.flying() as f64);
        let Ok(counts) = self.store.delivery_counts().await else { return };
        self.counted.extend(counts.iter().map(|it| it.webhook.clone()));
        for name in &self.counted {
            let count = counts.iter().find(|it| it.webhook == *name).cloned().unwrap_or_default();
            let name = || name.to_string();
            metrics::gauge!("crosspoint_webhooks_waiting", "webhook" => name())
                .set(count.waiting as f64);
            metrics::gauge!("crosspoint_webhooks_dead", "webhook" => name()).set(count.dead as f64);
        }
    }

    /// Hears the answers that come soon, so that little is sent twice.
    async fn stop(mut self) {
        self.outbox.on_webhooks(&[], self.clock.now(), &mut self.wants);
        let last = async {
            while let Some(landed) = self.flying.join_next().await {
                self.on_landed(landed);
            }
        };
        let _: Result<(), _> = tokio::time::timeout(LAST_ANSWERS, last).await;
        self.settle_at = None;
        self.perform().await;
    }
}

fn told(sent: &Delivery, outcome: &Outcome) {
    let (webhook, delivery) = (&*sent.webhook, sent.key());
    match outcome {
        Outcome::Acknowledged => debug!(webhook, delivery, "a webhook took an event"),
        Outcome::Failed { why, .. } if sent.attempts == 0 => {
            info!(webhook, delivery, why, "a webhook did not take an event");
        }
        Outcome::Failed { why, .. } => {
            debug!(webhook, delivery, why, attempts = sent.attempts + 1, "nor did it again");
        }
    }
}

fn count(settled: &Settled) {
    let outcome = match settled {
        Settled::Delivered => "delivered",
        Settled::Retry { .. } => "failed",
        Settled::Dead { why, .. } => {
            warn!(why, "an event for a webhook is laid aside");
            "dead"
        }
    };
    metrics::counter!("crosspoint_webhook_deliveries_total", "outcome" => outcome).increment(1);
}

#[allow(clippy::disallowed_methods, reason = "this is the shell's loop")]
async fn until(at: Option<std::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => pending().await,
    }
}
