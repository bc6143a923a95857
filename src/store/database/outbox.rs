//! The rows of the outbox. Which of them is sent when, `crate::outbox` decides.

use std::sync::Arc;
use std::time::Duration;

use super::StoreError;
use super::people::limit;
use super::sql::{Row, Session, Value};
use crate::clock::Wall;
use crate::outbox::{Count, Delivery, New, Settled, State};

/// The longest that a webhook may be tried for (`give_up_after`).
const GIVEN_UP: Duration = Duration::from_secs(30 * 24 * 3600);

const COLUMNS: &str = "webhook, call, seq, event, body, queued_at, attempts, due, why, dead";

/// Queues a delivery, unless it is there.
pub async fn queue(it: &mut dyn Session, new: &New) -> Result<(), StoreError> {
    let sql = format!(
        "INSERT INTO outbox ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, 0, $6, '', 0) \
         ON CONFLICT (webhook, call, seq) DO NOTHING"
    );
    let values = vec![
        (&new.webhook).into(),
        (&new.call).into(),
        new.seq.into(),
        (&new.event).into(),
        (&new.body).into(),
        new.queued_at.into(),
    ];
    it.run(&sql, values).await.map(drop)
}

pub async fn deliveries(
    it: &mut dyn Session,
    webhook: Option<&str>,
    state: State,
    after: i64,
    most: u32,
) -> Result<Vec<Delivery>, StoreError> {
    let mut values: Vec<Value> = vec![(state == State::Dead).into(), after.into()];
    let mut of = "";
    values.push(limit(most).into());
    if let Some(webhook) = webhook {
        of = " AND webhook = $4";
        values.push(webhook.into());
    }
    let sql = format!(
        "SELECT id, {COLUMNS} FROM outbox WHERE dead = $1 AND $2 < id{of} ORDER BY id LIMIT $3"
    );
    it.rows(&sql, values).await?.iter().map(delivery).collect()
}

pub async fn settle(it: &mut dyn Session, settled: &[(i64, Settled)]) -> Result<(), StoreError> {
    let failed = "UPDATE outbox SET attempts = $2, due = $3, why = $4, dead = $5 WHERE id = $1";
    for (id, settled) in settled {
        let (sql, values) = match settled {
            Settled::Delivered => ("DELETE FROM outbox WHERE id = $1", vec![(*id).into()]),
            Settled::Retry { attempts, due, why } => {
                let values = [(*id).into(), (*attempts).into(), (*due).into(), why.into()];
                (failed, values.into_iter().chain([false.into()]).collect())
            }
            Settled::Dead { attempts, why } => {
                let values = [(*id).into(), (*attempts).into(), 0_i64.into(), why.into()];
                (failed, values.into_iter().chain([true.into()]).collect())
            }
        };
        it.run(sql, values).await?;
    }
    Ok(())
}

pub async fn counts(it: &mut dyn Session) -> Result<Vec<Count>, StoreError> {
    let sql = "SELECT webhook, dead, count(*) FROM outbox GROUP BY webhook, dead \
               ORDER BY webhook, dead";
    let mut counts: Vec<Count> = Vec::new();
    for row in it.rows(sql, Vec::new()).await? {
        let (webhook, dead, many): (Arc<str>, _, _) = (row.text(0)?, row.flag(1)?, row.count(2)?);
        if counts.last().is_none_or(|it| it.webhook != webhook) {
            counts.push(Count { webhook, ..Count::default() });
        }
        if let Some(last) = counts.last_mut() {
            *if dead { &mut last.dead } else { &mut last.waiting } = many;
        }
    }
    Ok(counts)
}

pub async fn revive(it: &mut dyn Session, id: i64, due: Wall) -> Result<bool, StoreError> {
    let sql = "UPDATE outbox SET dead = 0, attempts = 0, queued_at = $2, due = $2, why = '' \
               WHERE id = $1 AND dead = 1";
    Ok(it.run(sql, vec![id.into(), due.into()]).await? != 0)
}

/// Forgets what was laid aside before, and what waits since long before: of webhooks that there are
/// no more. Of each kind the oldest, at most `most`.
pub async fn forget(it: &mut dyn Session, before: Wall, most: u32) -> Result<(), StoreError> {
    let long_before = before.unix_micros().saturating_sub(GIVEN_UP.as_micros() as i64);
    for (dead, before) in [(true, before), (false, Wall::from_unix_micros(long_before))] {
        let sql = "DELETE FROM outbox WHERE id IN (SELECT first.id FROM \
                   (SELECT id, queued_at FROM outbox WHERE dead = $1 ORDER BY id LIMIT $3) AS first \
                   WHERE first.queued_at < $2)";
        let forgotten = it.run(sql, vec![dead.into(), before.into(), most.into()]).await?;
        if 0 < forgotten {
            metrics::counter!("crosspoint_webhook_deliveries_total", "outcome" => "forgotten")
                .increment(forgotten);
        }
    }
    Ok(())
}

fn delivery(row: &Row) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        id: row.number(0)?,
        webhook: row.text(1)?,
        call: row.text(2)?,
        seq: row.small(3)?,
        event: row.text(4)?,
        body: row.text(5)?,
        queued_at: row.wall(6)?,
        attempts: row.small(7)?,
        due: row.wall(8)?,
        why: row.string(9)?,
    })
}
