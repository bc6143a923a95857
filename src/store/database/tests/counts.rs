//! Statistics, against a plain reading of the records.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::world::{at, call, leg, take, unanswered};
use crate::clock::Wall;
use crate::model::record::{CallRecord, RecordState};
use crate::store::database::{By, Figure, Figures, Statistics, Store};

const ALL: [By; 6] = [By::Source, By::TrackingNumber, By::Agent, By::Outcome, By::Hour, By::Day];
const DAY: i64 = 86_400;
/// Calls come within so many seconds: more than two spans of days, and the end of a summer time.
const WITHIN: i64 = 100 * DAY;
const CALLS: u64 = 300;

/// What looks random, and is the same each time.
struct Dice(u64);

impl Dice {
    /// 0 to `below` - 1.
    fn roll(&mut self, below: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn pick(&mut self, of: &[&str]) -> String {
        of[self.roll(of.len() as u64) as usize].to_owned()
    }

    /// A line of some call: of which call, says all but how it went.
    fn line(&mut self) -> CallRecord {
        let n = self.roll(CALLS);
        let mut with = match self.roll(6) {
            0 => json!({ "state": "in_progress", "ended_at": null, "talk_ms": null }),
            1 => unanswered("abandoned", &[leg("+1", "abandoned")]),
            2 => unanswered("busy", &[leg("+1", "busy")]),
            3 => json!({ "state": "interrupted" }),
            _ => json!({ "talk_ms": self.roll(100_000), "ring_ms": self.roll(9_000) }),
        };
        with["source"] = json!(self.pick(&["Ads", "Radio", "", "ads", "é"]));
        with["tracking_number"] = json!(self.pick(&["+12025550100", "+12025550101"]));
        with["agent"] = [json!("ada"), json!(null), json!("bob")][self.roll(3) as usize].clone();
        with["wait_ms"] =
            [json!(null), json!(0), json!(self.roll(5_000))][self.roll(3) as usize].clone();
        // Some of them on the very edge of an hour.
        let received = Dice(n).roll(WITHIN as u64) as i64;
        let edge = (received + 1_700_000_000) % 3_600;
        let received = if n.is_multiple_of(5) { received - edge } else { received };
        call(&format!("{n}"), received, with)
    }

    fn ask(&mut self, by: By) -> Statistics {
        let zones =
            ["UTC", "America/New_York", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe"];
        let zone = match self.roll(8) {
            // As clocks were before there was a standard time.
            0 => TimeZone::posix("LMT-0:19:32").unwrap(),
            _ => TimeZone::get(&self.pick(&zones)).unwrap(),
        };
        let mut moment = || match self.roll(4) {
            0 => at(self.roll(WITHIN as u64 / 3_600) as i64 * 3_600 - 1_700_000_000 % 3_600),
            1 => at(self.roll(2) as i64 * WITHIN * 2 - WITHIN / 2),
            _ => Wall::from_unix_micros(at(self.roll(WITHIN as u64) as i64).unix_micros() + 7),
        };
        let (one, other) = (moment(), moment());
        Statistics { from: one.min(other), to: one.max(other), by, zone }
    }
}

/// What the lines that came mean.
#[derive(Default)]
struct Model(BTreeMap<String, CallRecord>);

impl Model {
    fn take(&mut self, line: &CallRecord) {
        let is_over = |it: &CallRecord| it.state != RecordState::InProgress;
        match self.0.get(&*line.id) {
            Some(known) if is_over(known) && !is_over(line) => (),
            _ => drop(self.0.insert(line.id.to_string(), line.clone())),
        }
    }

    fn figures(&self, ask: &Statistics) -> Figures {
        let mut rows: BTreeMap<String, Figure> = BTreeMap::new();
        let mut totals = Figure::default();
        let over = self.0.values().filter(|it| it.state != RecordState::InProgress);
        for it in over.filter(|it| ask.from <= it.received_at && it.received_at < ask.to) {
            let key = key(it, ask);
            let row = rows.entry(key.clone()).or_insert(Figure { key, ..Figure::default() });
            count(row, it);
            count(&mut totals, it);
        }
        let mut rows: Vec<_> = rows.into_values().collect();
        if !matches!(ask.by, By::Hour | By::Day) {
            rows.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.key.cmp(&b.key)));
        }
        Figures { rows, totals }
    }
}

fn key(call: &CallRecord, ask: &Statistics) -> String {
    let at = Timestamp::from_microsecond(call.received_at.unix_micros()).unwrap();
    match ask.by {
        By::Source => call.source.clone(),
        By::TrackingNumber => call.tracking_number.to_string(),
        By::Agent => call.agent.as_deref().unwrap_or_default().to_owned(),
        By::Outcome => call.outcome().to_owned(),
        By::Hour => at.strftime("%Y-%m-%dT%H:00Z").to_string(),
        By::Day => at.to_zoned(ask.zone.clone()).date().to_string(),
    }
}

fn count(figure: &mut Figure, call: &CallRecord) {
    let (outcome, wait) = (call.outcome(), call.wait_ms.unwrap_or(0));
    figure.calls += 1;
    match outcome {
        "answered" => {
            figure.answered += 1;
            figure.ring_ms += call.ring_ms.unwrap_or(0);
        }
        "abandoned" => figure.abandoned += 1,
        _ => figure.missed += 1,
    }
    figure.talk_ms += call.talk_ms.unwrap_or(0);
    figure.wait_ms += wait;
    figure.waited += u64::from(0 < wait);
}

async fn compare(store: &dyn Store, model: &Model, dice: &mut Dice, asks: usize) {
    for by in ALL {
        for _ in 0..asks {
            let ask = dice.ask(by);
            assert_eq!(store.statistics(&ask).await.unwrap(), model.figures(&ask), "{ask:?}");
        }
    }
}

/// Takes in some lines, some of them twice.
async fn some(store: &dyn Store, model: &mut Model, dice: &mut Dice) {
    let lines: Vec<_> = (0..=dice.roll(40)).map(|_| dice.line()).collect();
    lines.iter().for_each(|it| model.take(it));
    take(store, lines.clone()).await;
    if dice.roll(3) == 0 {
        lines.iter().for_each(|it| model.take(it));
        take(store, lines).await;
    }
}

pub async fn statistics_are_what_the_records_say_in_whatever_order_they_come(store: &dyn Store) {
    let (mut model, mut dice) = (Model::default(), Dice(7));
    for _ in 0..30 {
        some(store, &mut model, &mut dice).await;
        compare(store, &model, &mut dice, 2).await;
    }
    let all = Statistics { from: at(-DAY), to: at(2 * WITHIN), ..dice.ask(By::Source) };
    let told = store.statistics(&all).await.unwrap();
    assert!(150 < told.totals.calls && told.rows.len() == 5, "{told:?}");
}

/// What takes a database back to before it counted as it does now.
pub const BEFORE: [&str; 3] = [
    "DROP TABLE counts",
    "DELETE FROM settings WHERE name = 'counted_until'",
    "DELETE FROM _sqlx_migrations WHERE version = 3",
];

/// `old` gives the database as it was before, and then as it is opened now.
pub async fn an_old_database_is_counted_a_part_at_a_time_and_right_all_the_time<S>(
    store: &dyn Store,
    old: impl AsyncFnOnce() -> S,
) where
    S: std::ops::Deref<Target = dyn Store>,
{
    let (mut model, mut dice) = (Model::default(), Dice(11));
    for _ in 0..12 {
        some(store, &mut model, &mut dice).await;
    }
    let store = old().await;
    let store = &*store;
    compare(store, &model, &mut dice, 5).await;
    let mut parts = 0;
    while store.improve().await.unwrap() {
        compare(store, &model, &mut dice, 1).await;
        some(store, &mut model, &mut dice).await;
        compare(store, &model, &mut dice, 1).await;
        parts += 1;
    }
    assert!(10 < parts, "{parts} parts");
    some(store, &mut model, &mut dice).await;
    compare(store, &model, &mut dice, 10).await;
}
