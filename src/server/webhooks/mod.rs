//! Webhooks over HTTP (PRODUCT section 11): what [`Outbox`] wants, done.
//!
//! ```text
//!   store --rows--> Outbox --send--> a request each --result--> Outbox --settle--> store
//! ```
//! One task, on the runtime that the store's connections belong to, and one more for each request
//! under way. No call waits for any of it. What was sent is settled in the store before more is
//! read from it; while the store is away, what is in memory goes on and nothing new is read.

mod request;

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tracing::{debug, error, info, warn};

use self::request::Requests;
use super::clock::Clock;
use super::streams::Tls;
use crate::model::Webhook;
use crate::outbox::{Delivery, FETCH, Outbox, Outcome, Settled, State, Want};
use crate::store::database::Store;

/// News that wait for the task.
const NEWS: usize = 256;
/// How often what waits is counted.
const COUNT: Duration = Duration::from_secs(10);
/// How long a store that does not take results is left alone.
const SETTLE_AGAIN: Duration = Duration::from_secs(1);
/// On stopping, how long requests under way may take; what has no answer by then is sent again.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// What the task is told.
pub enum Told {
    /// These are there now.
    Webhooks(Vec<Arc<Webhook>>),
    /// The store has more.
    Queued,
    /// The store has this one waiting again.
    Revived(Delivery),
}

/// Whoever has news for the task.
#[derive(Clone)]
pub struct Webhooks {
    news: Sender<Told>,
}

impl Webhooks {
    /// What is told by it, to be given to [`run`].
    pub fn new() -> (Self, Receiver<Told>) {
        let (news, ear) = channel(NEWS);
        (Self { news }, ear)
    }

    /// There may be more in the store. Never waits: one such word is as good as many.
    pub fn queued(&self) {
        drop(self.news.try_send(Told::Queued));
    }

    pub async fn tell(&self, told: Told) {
        drop(self.news.send(told).await);
    }
}

/// Tells webhooks what there is, until nobody has news any more.
pub async fn run(store: Arc<dyn Store>, clock: Clock, mut news: Receiver<Told>) {
    let mut task = Task {
        store,
        clock,
        outbox: Outbox::default(),
        requests: Requests::new(Tls::default()),
        flying: JoinSet::new(),
        unsettled: Vec::new(),
        settle_at: None,
        wants: Vec::new(),
    };
    let mut count = tokio::time::interval(COUNT);
    loop {
        let deadlines = [task.outbox.deadline().map(|it| clock.shell(it)), task.settle_at];
        let deadline = deadlines.into_iter().flatten().min();
        tokio::select! {
            told = news.recv() => match told {
                Some(told) => task.on_told(told),
                None => break,
            },
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
}

impl Task {
    fn on_told(&mut self, told: Told) {
        let now = self.clock.now();
        match told {
            Told::Webhooks(them) => self.outbox.on_webhooks(&them, now, &mut self.wants),
            Told::Queued => self.outbox.on_queued(now, &mut self.wants),
            Told::Revived(it) => self.outbox.on_revived(it, now, &mut self.wants),
        }
    }

    fn on_landed(&mut self, landed: Result<Landed, tokio::task::JoinError>) {
        let (sent, outcome) = match landed {
            Ok(landed) => landed,
            Err(error) => {
                // A bug, and its delivery is never settled: it goes out again with the next start.
                error!(%error, "a request to a webhook broke off");
                return;
            }
        };
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
            let outcome = requests.send(&to, &delivery, wall).await;
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
    async fn count(&self) {
        metrics::gauge!("crosspoint_webhooks_under_way").set(self.outbox.flying() as f64);
        for it in self.store.delivery_counts().await.unwrap_or_default() {
            let name = || it.webhook.to_string();
            metrics::gauge!("crosspoint_webhooks_waiting", "webhook" => name())
                .set(it.waiting as f64);
            metrics::gauge!("crosspoint_webhooks_dead", "webhook" => name()).set(it.dead as f64);
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
