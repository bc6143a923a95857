//! Calls, counted: each call that is over has a share in the counts of its hour, which are kept
//! up with the records. What is asked for from the middle of an hour is counted call by call.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::sql::{Row, Session, Value, indexed};
use super::{By, Figure, Figures, Statistics, StoreError};
use crate::clock::Wall;
use crate::model::record::CallRecord;

const HOUR: i64 = 3_600_000_000;
/// Names or times that one answer has at most: those with the most calls, or the latest ones. The
/// others are counted in the totals only.
const ROWS_MAX: usize = 10_000;

/// What a call adds to the counts.
pub struct Share {
    pub received_at: Wall,
    pub outcome: Arc<str>,
    pub source: Arc<str>,
    pub tracking_number: Arc<str>,
    pub agent: Arc<str>,
    pub talk_ms: i64,
    pub ring_ms: i64,
    pub wait_ms: i64,
}

impl Share {
    pub fn of(record: &CallRecord, received_at: Wall) -> Self {
        let millis = |it: Option<u64>| it.and_then(|it| i64::try_from(it).ok()).unwrap_or(0);
        let plain = |it: &str| indexed(it).replace('\0', "\u{fffd}").into();
        Self {
            received_at,
            outcome: record.outcome().into(),
            source: plain(&record.source),
            tracking_number: super::records::number(&record.tracking_number).into(),
            agent: plain(record.agent.as_deref().unwrap_or_default()),
            talk_ms: millis(record.talk_ms),
            ring_ms: millis(record.ring_ms),
            wait_ms: millis(record.wait_ms),
        }
    }

    /// From columns: received_at, outcome, source, tracking_number, agent, talk, ring, wait.
    pub fn of_row(row: &Row, from: usize) -> Result<Self, StoreError> {
        Ok(Self {
            received_at: row.wall(from)?,
            outcome: row.text(from + 1)?,
            source: row.text(from + 2)?,
            tracking_number: row.text(from + 3)?,
            agent: row.text(from + 4)?,
            talk_ms: row.number(from + 5)?,
            ring_ms: row.number(from + 6)?,
            wait_ms: row.number(from + 7)?,
        })
    }

    fn counts(&self) -> Counts {
        let answered = &*self.outcome == "answered";
        Counts([
            1,
            answered.into(),
            (&*self.outcome == "abandoned").into(),
            self.talk_ms,
            if answered { self.ring_ms } else { 0 },
            self.wait_ms,
            (0 < self.wait_ms).into(),
        ])
    }
}

/// calls, answered, abandoned, talk_ms, ring_ms, wait_ms, waited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts([i64; 7]);

impl Counts {
    fn add(&mut self, other: Self, times: i64) {
        for (here, there) in self.0.iter_mut().zip(other.0) {
            *here = here.saturating_add(there.saturating_mul(times));
        }
    }

    fn of_row(row: &Row, from: usize) -> Result<Self, StoreError> {
        let mut counts = Self::default();
        for (at, count) in (from..).zip(&mut counts.0) {
            *count = row.number(at)?;
        }
        Ok(counts)
    }

    fn figure(self, key: String) -> Figure {
        let [calls, answered, abandoned, talk_ms, ring_ms, wait_ms, waited] =
            self.0.map(|it| u64::try_from(it).unwrap_or(0));
        let missed = calls.saturating_sub(answered).saturating_sub(abandoned);
        Figure { key, calls, answered, abandoned, missed, talk_ms, ring_ms, wait_ms, waited }
    }
}

/// Changes of the hourly counts that are made together.
#[derive(Default)]
pub struct Shares(BTreeMap<(i64, i64, Arc<str>), Counts>);

impl Shares {
    pub fn put(&mut self, share: &Share) {
        self.change(share, 1);
    }

    pub fn take_away(&mut self, share: &Share) {
        self.change(share, -1);
    }

    fn change(&mut self, share: &Share, times: i64) {
        let hour = share.received_at.unix_micros().div_euclid(HOUR);
        let names = [
            (0, Arc::from("")),
            (1, share.source.clone()),
            (2, share.tracking_number.clone()),
            (3, share.agent.clone()),
            (4, share.outcome.clone()),
        ];
        for (what, name) in names {
            self.0.entry((what, hour, name)).or_default().add(share.counts(), times);
        }
    }

    /// Writes them, in an order that is the same for all who do.
    pub async fn add(self, it: &mut dyn Session) -> Result<(), StoreError> {
        let sql = "INSERT INTO hours (what, hour, name, calls, answered, abandoned, talk_ms, \
                   ring_ms, wait_ms, waited) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
                   ON CONFLICT (what, hour, name) DO UPDATE SET \
                   calls = hours.calls + excluded.calls, \
                   answered = hours.answered + excluded.answered, \
                   abandoned = hours.abandoned + excluded.abandoned, \
                   talk_ms = hours.talk_ms + excluded.talk_ms, \
                   ring_ms = hours.ring_ms + excluded.ring_ms, \
                   wait_ms = hours.wait_ms + excluded.wait_ms, \
                   waited = hours.waited + excluded.waited";
        for ((what, hour, name), counts) in self.0 {
            if counts == Counts::default() {
                continue;
            }
            let key = [what.into(), hour.into(), Value::from(&name)];
            it.run(sql, key.into_iter().chain(counts.0.map(Value::from)).collect()).await?;
        }
        Ok(())
    }
}

pub async fn figures(it: &mut dyn Session, ask: &Statistics) -> Result<Figures, StoreError> {
    let (from, to) = (ask.from.unix_micros(), ask.to.unix_micros());
    let mut sums = Sums { ask, rows: BTreeMap::new(), totals: Counts::default() };
    // Whole hours first .. last; what is left on either side is less than one.
    let (first, last) =
        (from.div_euclid(HOUR) + i64::from(from.rem_euclid(HOUR) != 0), to.div_euclid(HOUR));
    if first < last {
        sums.hours(it, first, last).await?;
        sums.calls(it, from, first * HOUR).await?;
        sums.calls(it, last * HOUR, to).await?;
    } else {
        sums.calls(it, from, to).await?;
    }
    Ok(sums.figures())
}

struct Sums<'a> {
    ask: &'a Statistics,
    rows: BTreeMap<String, Counts>,
    totals: Counts,
}

impl Sums<'_> {
    /// Adds hours from the counts that are kept.
    async fn hours(
        &mut self,
        it: &mut dyn Session,
        first: i64,
        last: i64,
    ) -> Result<(), StoreError> {
        let what: i64 = match self.ask.by {
            By::Hour | By::Day => 0,
            By::Source => 1,
            By::TrackingNumber => 2,
            By::Agent => 3,
            By::Outcome => 4,
        };
        // Each hour by itself where the time is asked for, else all of them by their names.
        let (key, group) = match what {
            0 => ("hour", "hour"),
            _ => ("0", "name"),
        };
        let sum = |it: &str| format!("CAST(SUM({it}) AS BIGINT)");
        let sums = ["calls", "answered", "abandoned", "talk_ms", "ring_ms", "wait_ms", "waited"];
        let sql = format!(
            "SELECT CAST({key} AS BIGINT), {}, {} FROM hours \
             WHERE what = $1 AND $2 <= hour AND hour < $3 GROUP BY {group}",
            if what == 0 { "MIN(name)" } else { "name" },
            sums.map(sum).join(", ")
        );
        for row in it.rows(&sql, vec![what.into(), first.into(), last.into()]).await? {
            let at = Wall::from_unix_micros(row.number(0)?.saturating_mul(HOUR));
            self.add(at, &row.text(1)?, Counts::of_row(&row, 2)?);
        }
        Ok(())
    }

    /// Adds the calls of less than an hour, one by one.
    async fn calls(&mut self, it: &mut dyn Session, from: i64, to: i64) -> Result<(), StoreError> {
        if to <= from {
            return Ok(());
        }
        let sql = "SELECT received_at, outcome, source, tracking_number, agent, talk_ms, ring_ms, \
                   wait_ms FROM records WHERE $1 <= received_at AND received_at < $2 \
                   AND outcome <> 'in_progress'";
        for row in it.rows(sql, vec![from.into(), to.into()]).await? {
            let share = Share::of_row(&row, 0)?;
            let name = match self.ask.by {
                By::Hour | By::Day => "",
                By::Source => &share.source,
                By::TrackingNumber => &share.tracking_number,
                By::Agent => &share.agent,
                By::Outcome => &share.outcome,
            };
            self.add(share.received_at, name, share.counts());
        }
        Ok(())
    }

    fn add(&mut self, at: Wall, name: &str, counts: Counts) {
        let key = match self.ask.by {
            By::Hour => hour(at),
            By::Day => day(at, &self.ask.zone),
            _ => name.to_owned(),
        };
        self.rows.entry(key).or_default().add(counts, 1);
        self.totals.add(counts, 1);
    }

    fn figures(self) -> Figures {
        let rows = self.rows.into_iter().filter(|it| it.1 != Counts::default());
        let mut rows: Vec<Figure> = rows.map(|(key, counts)| counts.figure(key)).collect();
        if !matches!(self.ask.by, By::Hour | By::Day) {
            rows.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.key.cmp(&b.key)));
        }
        match self.ask.by {
            By::Hour | By::Day => drop(rows.drain(..rows.len().saturating_sub(ROWS_MAX))),
            _ => rows.truncate(ROWS_MAX),
        }
        Figures { rows, totals: self.totals.figure(String::new()) }
    }
}

fn hour(at: Wall) -> String {
    let seconds = at.unix_micros().div_euclid(HOUR).saturating_mul(3600);
    match Timestamp::from_second(seconds) {
        Ok(time) => time.strftime("%Y-%m-%dT%H:00Z").to_string(),
        Err(_) => seconds.to_string(),
    }
}

fn day(at: Wall, zone: &TimeZone) -> String {
    let seconds = at.unix_seconds();
    match Timestamp::from_second(seconds) {
        Ok(time) => time.to_zoned(zone.clone()).strftime("%Y-%m-%d").to_string(),
        Err(_) => seconds.to_string(),
    }
}
