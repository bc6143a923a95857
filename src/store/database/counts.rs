//! Calls that are over, counted as they are taken in: each has its share in the counts of its
//! quarter of an hour, its hour, its day, and so on. [`statistics`](super::statistics) reads them.
//!
//! Hours are as old as the database. The other counts came later: a database that was there before
//! is counted from its beginning on, a part at a time, while everything goes on. They hold up to
//! an hour that is kept with them; calls from that hour on are counted by the hour only, until
//! that part is reached.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::sql::{Row, Session, Value, indexed};
use super::{Figure, StoreError, people};
use crate::clock::Wall;
use crate::model::record::CallRecord;

pub const QUARTER: i64 = 900_000_000;
pub const HOUR: i64 = 4 * QUARTER;
/// Of UTC.
pub const DAY: i64 = 24 * HOUR;
/// Days that are counted together: two years are few of them, and a few days more.
pub const SPAN: i64 = 32 * DAY;

/// The setting that says up to which hour there are other counts than those of hours.
const UNTIL: &str = "counted_until";
/// Calls that are counted together where they were not before, and hours.
const CALLS_TOGETHER: i64 = 20_000;
const HOURS_TOGETHER: i64 = 96;

/// What is counted together: of all calls, or of those with the same source, and so on.
///
/// In the column `what`: 0 all, 1 by source, 2 by tracking number, 3 by agent, 4 by outcome.
pub type What = i64;
pub const ALL: What = 0;

/// For how long calls are counted together, but for hours, which have a table of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grain {
    /// All calls only, for days of zones that begin with half an hour of UTC, or a quarter.
    Quarter,
    Hour,
    /// These two not of all calls, which are counted by days of some zone.
    Day,
    Span,
}

impl Grain {
    pub const fn micros(self) -> i64 {
        match self {
            Self::Quarter => QUARTER,
            Self::Hour => HOUR,
            Self::Day => DAY,
            Self::Span => SPAN,
        }
    }

    /// In the column `grain`.
    pub const fn number(self) -> i64 {
        match self {
            Self::Quarter => 0,
            Self::Hour => 1,
            Self::Day => 2,
            Self::Span => 3,
        }
    }

    /// Whether there are counts of this for so long.
    const fn has(self, what: What) -> bool {
        match self {
            Self::Quarter => what == ALL,
            Self::Hour => true,
            Self::Day | Self::Span => what != ALL,
        }
    }
}

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

/// What is counted, by the columns that have it.
pub const COUNTED: [&str; 7] =
    ["calls", "answered", "abandoned", "talk_ms", "ring_ms", "wait_ms", "waited"];

/// The same of calls one by one, in `records`.
pub const ONE_BY_ONE: [&str; 7] = [
    "1",
    "CASE WHEN outcome = 'answered' THEN 1 ELSE 0 END",
    "CASE WHEN outcome = 'abandoned' THEN 1 ELSE 0 END",
    "talk_ms",
    "CASE WHEN outcome = 'answered' THEN ring_ms ELSE 0 END",
    "wait_ms",
    "CASE WHEN 0 < wait_ms THEN 1 ELSE 0 END",
];

/// The sum of each, as whole numbers in both databases.
pub fn sums(of: [&str; 7]) -> String {
    of.map(|it| format!("CAST(SUM({it}) AS BIGINT)")).join(", ")
}

/// How often a whole number goes into another, rounded down also below zero, as
/// `i64::div_euclid` is; both databases round towards zero.
pub fn divided(number: &str, by: i64) -> String {
    format!("(({number}) - ((({number}) % {by}) + {by}) % {by}) / {by}")
}

/// As in [`COUNTED`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([i64; 7]);

impl Counts {
    pub fn add(&mut self, other: Self, times: i64) {
        for (here, there) in self.0.iter_mut().zip(other.0) {
            *here = here.saturating_add(there.saturating_mul(times));
        }
    }

    pub fn of_row(row: &Row, from: usize) -> Result<Self, StoreError> {
        let mut counts = Self::default();
        for (at, count) in (from..).zip(&mut counts.0) {
            *count = row.number(at)?;
        }
        Ok(counts)
    }

    pub fn figure(self, key: String) -> Figure {
        let [calls, answered, abandoned, talk_ms, ring_ms, wait_ms, waited] =
            self.0.map(|it| u64::try_from(it).unwrap_or(0));
        let missed = calls.saturating_sub(answered).saturating_sub(abandoned);
        Figure { key, calls, answered, abandoned, missed, talk_ms, ring_ms, wait_ms, waited }
    }
}

/// Changes of the counts that are made together.
pub struct Shares {
    changes: BTreeMap<(Grain, What, i64, Arc<str>), Counts>,
    /// From this hour on only hours are counted.
    until: i64,
}

impl Shares {
    pub async fn begin(it: &mut dyn Session) -> Result<Self, StoreError> {
        Ok(Self { changes: BTreeMap::new(), until: until(it).await? })
    }

    pub fn put(&mut self, share: &Share) {
        self.change(share, 1);
    }

    pub fn take_away(&mut self, share: &Share) {
        self.change(share, -1);
    }

    fn change(&mut self, share: &Share, times: i64) {
        let at = share.received_at.unix_micros();
        let names = [
            (ALL, Arc::from("")),
            (1, share.source.clone()),
            (2, share.tracking_number.clone()),
            (3, share.agent.clone()),
            (4, share.outcome.clone()),
        ];
        let is_counted = at.div_euclid(HOUR) < self.until;
        for (what, name) in names {
            for grain in [Grain::Quarter, Grain::Hour, Grain::Day, Grain::Span] {
                if grain.has(what) && (is_counted || grain == Grain::Hour) {
                    let key = (grain, what, at.div_euclid(grain.micros()), name.clone());
                    self.changes.entry(key).or_default().add(share.counts(), times);
                }
            }
        }
    }

    /// Writes them, in an order that is the same for all who do.
    pub async fn add(self, it: &mut dyn Session) -> Result<(), StoreError> {
        let hours = format!(
            "INSERT INTO hours (what, hour, name, {}) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) {}",
            COUNTED.join(", "),
            added("hours", "what, hour, name")
        );
        let others = format!(
            "INSERT INTO counts (what, at, name, {}, grain) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) {}",
            COUNTED.join(", "),
            added("counts", "what, grain, at, name")
        );
        for ((grain, what, at, name), counts) in self.changes {
            if counts == Counts::default() {
                continue;
            }
            let key = [what.into(), at.into(), Value::from(&name)];
            let values = key.into_iter().chain(counts.0.map(Value::from));
            match grain {
                Grain::Hour => it.run(&hours, values.collect()).await?,
                _ => it.run(&others, values.chain([grain.number().into()]).collect()).await?,
            };
        }
        Ok(())
    }
}

/// What becomes of counts that are there already.
fn added(table: &str, key: &str) -> String {
    let add = COUNTED.map(|it| format!("{it} = {table}.{it} + excluded.{it}"));
    format!("ON CONFLICT ({key}) DO UPDATE SET {}", add.join(", "))
}

/// The hour from which on only hours are counted.
pub async fn until(it: &mut dyn Session) -> Result<i64, StoreError> {
    let Some(hour) = people::setting(it, UNTIL).await? else { return Ok(i64::MIN) };
    hour.parse().map_err(|_| StoreError::Broken(format!("counted until {hour:?}")))
}

/// Counts a part of what was there before it was counted; false once there is none.
pub async fn count_more(it: &mut dyn Session) -> Result<bool, StoreError> {
    let from = until(it).await?;
    if from == i64::MAX {
        return Ok(false);
    }
    let sql = "SELECT hour, calls FROM hours WHERE what = 0 AND name = '' AND $1 <= hour \
               ORDER BY hour LIMIT $2";
    let (mut first, mut until, mut calls) = (None, i64::MAX, 0);
    for row in it.rows(sql, vec![from.into(), HOURS_TOGETHER.into()]).await? {
        let hour = row.number(0)?;
        let begun = *first.get_or_insert(hour);
        if begun + HOURS_TOGETHER <= hour || CALLS_TOGETHER <= calls {
            break;
        }
        calls += row.number(1)?;
        until = hour + 1;
    }
    if let Some(first) = first {
        count(it, first, until).await?;
    }
    let sql = "INSERT INTO settings (name, body) VALUES ($1, $2) \
               ON CONFLICT (name) DO UPDATE SET body = excluded.body";
    it.run(sql, vec![UNTIL.into(), until.to_string().into()]).await?;
    Ok(until != i64::MAX)
}

/// Adds what hours have, and calls, to the counts of all other lengths.
async fn count(it: &mut dyn Session, first: i64, until: i64) -> Result<(), StoreError> {
    for grain in [Grain::Day, Grain::Span] {
        let at = divided("hour", grain.micros() / HOUR);
        let sql = format!(
            "INSERT INTO counts (what, grain, at, name, {}) \
             SELECT what, {}, {at}, name, {} FROM hours \
             WHERE what = $1 AND $2 <= hour AND hour < $3 GROUP BY what, {at}, name {}",
            COUNTED.join(", "),
            grain.number(),
            sums(COUNTED),
            added("counts", "what, grain, at, name")
        );
        for what in (0..=4).filter(|it| grain.has(*it)) {
            it.run(&sql, vec![what.into(), first.into(), until.into()]).await?;
        }
    }
    let at = divided("received_at", QUARTER);
    let sql = format!(
        "INSERT INTO counts (what, grain, at, name, {}) \
         SELECT 0, {}, {at}, '', {} FROM records \
         WHERE $1 <= received_at AND received_at < $2 AND outcome <> 'in_progress' \
         GROUP BY {at} {}",
        COUNTED.join(", "),
        Grain::Quarter.number(),
        sums(ONE_BY_ONE),
        added("counts", "what, grain, at, name")
    );
    let (from, to) = (first.saturating_mul(HOUR), until.saturating_mul(HOUR));
    it.run(&sql, vec![from.into(), to.into()]).await.map(drop)
}
