//! Call records and facts: how they are taken in, and one call's.
//!
//! A call is a row of what is looked for (`records`), its body, a row for each of its numbers and
//! tags, and its share of the counts (`counts`). Taking in a line again changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::counts::{Share, Shares};
use super::people::limit;
use super::sql::{Row, Session, Value, indexed, json};
use super::{Batch, KeptFact, LIMIT, Position, StoreError, outbox, recordings};
use crate::clock::Wall;
use crate::model::event::Fact;
use crate::model::record::{CallRecord, RecordState};

/// What a number is to a call.
pub const CALLER: i64 = 1;
pub const TRACKING_NUMBER: i64 = 2;
pub const DESTINATION: i64 = 4;

/// Between the destinations of a call in their column; no destination has it inside.
pub const BETWEEN: char = '\n';
/// Destinations and tags of a call that are looked for.
const EACH_MAX: usize = 64;
/// Facts that are written by one statement.
const TOGETHER: [usize; 3] = [64, 8, 1];

/// The columns that a later line may change, in the order of [`columns`].
const CHANGING: [&str; 13] = [
    "node",
    "outcome",
    "tracking_number",
    "caller",
    "destinations",
    "source",
    "agent",
    "source_tag",
    "direction",
    "recorded",
    "talk_ms",
    "ring_ms",
    "wait_ms",
];

pub async fn position(it: &mut dyn Session, node: &str) -> Result<Option<Position>, StoreError> {
    let rows = it.rows("SELECT body FROM positions WHERE node = $1", vec![node.into()]).await?;
    rows.first().map(|it| it.json(0)).transpose()
}

pub async fn ingest(it: &mut dyn Session, batch: &Batch) -> Result<(), StoreError> {
    let mut shares = Shares::begin(it).await?;
    for record in last_lines(&batch.records) {
        take(it, record, &batch.position.node, &mut shares).await?;
    }
    shares.add(it).await?;
    let new = take_facts(it, &batch.facts).await?;
    for delivery in &batch.deliveries {
        if new.contains(&(delivery.call.as_ref(), delivery.seq)) {
            outbox::queue(it, delivery).await?;
        }
    }
    let sql = "INSERT INTO positions (node, body) VALUES ($1, $2) \
               ON CONFLICT (node) DO UPDATE SET body = excluded.body";
    it.run(sql, vec![(&batch.position.node).into(), json(&batch.position)?]).await.map(drop)
}

/// The line that counts of each call: most begin and end within one batch.
fn last_lines(records: &[CallRecord]) -> Vec<&CallRecord> {
    let mut last: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, record) in records.iter().enumerate() {
        let open = |at: usize| records[at].state == RecordState::InProgress;
        let known = last.entry(&record.id).or_insert(at);
        if open(*known) || !open(at) {
            *known = at;
        }
    }
    let counts = |(at, record): &(usize, &CallRecord)| last.get(&*record.id) == Some(at);
    records.iter().enumerate().filter(counts).map(|it| it.1).collect()
}

/// Takes in one line about a call.
async fn take(
    it: &mut dyn Session,
    record: &CallRecord,
    node: &str,
    shares: &mut Shares,
) -> Result<(), StoreError> {
    let old = "SELECT place, received_at, outcome, source, tracking_number, agent, talk_ms, \
               ring_ms, wait_ms FROM records WHERE id = $1";
    let rows = it.rows(old, vec![(&record.id).into()]).await?;
    let (place, received_at) = match rows.first() {
        None => (insert(it, record, node).await?, record.received_at),
        Some(row) => {
            let old = Share::of_row(row, 1)?;
            let over = &*old.outcome != "in_progress";
            if over && record.state == RecordState::InProgress {
                // An old line that is read again.
                return Ok(());
            }
            if over {
                shares.take_away(&old);
            }
            let place = row.number(0)?;
            update(it, record, node, place).await?;
            (place, row.wall(1)?)
        }
    };
    if record.state != RecordState::InProgress {
        shares.put(&Share::of(record, received_at));
    }
    index(it, record, place, received_at).await?;
    // A file that is still written to is nobody's business.
    match record.state {
        RecordState::InProgress => Ok(()),
        RecordState::Ended | RecordState::Interrupted => recordings::note(it, record, node).await,
    }
}

async fn insert(it: &mut dyn Session, record: &CallRecord, node: &str) -> Result<i64, StoreError> {
    let places: Vec<_> = (1..=CHANGING.len() + 2).map(|it| format!("${it}")).collect();
    let sql = format!(
        "INSERT INTO records (id, received_at, {}) VALUES ({}) RETURNING place",
        CHANGING.join(", "),
        places.join(", ")
    );
    let key = [(&record.id).into(), record.received_at.into()];
    let rows = it.rows(&sql, key.into_iter().chain(columns(record, node)).collect()).await?;
    let gone = || StoreError::Broken("a new row has no place".to_owned());
    let place = rows.first().ok_or_else(gone)?.number(0)?;
    let sql = "INSERT INTO bodies (place, body) VALUES ($1, $2)";
    it.run(sql, vec![place.into(), json(record)?]).await?;
    Ok(place)
}

async fn update(
    it: &mut dyn Session,
    record: &CallRecord,
    node: &str,
    place: i64,
) -> Result<(), StoreError> {
    let set: Vec<_> = (2..).zip(CHANGING).map(|(at, name)| format!("{name} = ${at}")).collect();
    let sql = format!("UPDATE records SET {} WHERE place = $1", set.join(", "));
    let values = [place.into()].into_iter().chain(columns(record, node)).collect();
    it.run(&sql, values).await?;
    let sql = "UPDATE bodies SET body = $2 WHERE place = $1";
    it.run(sql, vec![place.into(), json(record)?]).await.map(drop)
}

/// What is looked for, as it is looked for: see [`CHANGING`].
fn columns(record: &CallRecord, node: &str) -> [Value; CHANGING.len()] {
    let destinations: Vec<_> = destinations(record).into_iter().collect();
    let direction = match serde_json::to_value(record.direction) {
        Ok(serde_json::Value::String(it)) => it,
        _ => String::new(),
    };
    let share = Share::of(record, record.received_at);
    [
        node.into(),
        record.outcome().into(),
        number(&record.tracking_number).into(),
        number(&record.caller).into(),
        destinations.join(&BETWEEN.to_string()).into(),
        (&share.source).into(),
        (&share.agent).into(),
        indexed(&record.source_tag).into(),
        direction.into(),
        record.recordings.iter().any(|it| it.file.is_some()).into(),
        share.talk_ms.into(),
        share.ring_ms.into(),
        share.wait_ms.into(),
    ]
}

/// A number or an address as it is indexed, and looked for.
pub fn number(text: &str) -> String {
    indexed(text).to_lowercase().replace([BETWEEN, '\0'], " ")
}

fn destinations(record: &CallRecord) -> BTreeSet<String> {
    let them = record.legs.iter().map(|it| number(&it.destination)).filter(|it| !it.is_empty());
    them.take(EACH_MAX).collect()
}

/// A row for each number, and for each tag.
async fn index(
    it: &mut dyn Session,
    record: &CallRecord,
    place: i64,
    received_at: Wall,
) -> Result<(), StoreError> {
    let mut numbers: Vec<(String, i64)> = Vec::new();
    let all =
        [(number(&record.caller), CALLER), (number(&record.tracking_number), TRACKING_NUMBER)]
            .into_iter()
            .chain(destinations(record).into_iter().map(|it| (it, DESTINATION)));
    for (number, role) in all.filter(|it| !it.0.is_empty()) {
        match numbers.iter_mut().find(|it| it.0 == number) {
            Some(it) => it.1 |= role,
            None => numbers.push((number, role)),
        }
    }
    if !numbers.is_empty() {
        let sql = format!(
            "INSERT INTO numbers (number, received_at, place, reversed, roles) VALUES {} \
             ON CONFLICT (number, received_at, place) \
             DO UPDATE SET roles = excluded.roles WHERE numbers.roles <> excluded.roles",
            rows(numbers.len(), 5)
        );
        let mut values: Vec<Value> = Vec::with_capacity(5 * numbers.len());
        for (number, roles) in numbers {
            let reversed: String = number.chars().rev().collect();
            values.extend([number.into(), received_at.into(), place.into(), reversed.into()]);
            values.push(roles.into());
        }
        it.run(&sql, values).await?;
    }
    let sql = "INSERT INTO tags (tag, received_at, place) VALUES ($1, $2, $3) \
               ON CONFLICT (tag, received_at, place) DO NOTHING";
    let tags: BTreeSet<&str> = record.tags.iter().take(EACH_MAX).map(|it| indexed(it)).collect();
    for tag in tags {
        it.run(sql, vec![tag.into(), received_at.into(), place.into()]).await?;
    }
    Ok(())
}

/// `($1, $2), ($3, $4)`: so many rows of so many columns.
fn rows(many: usize, columns: usize) -> String {
    let row = |at: usize| {
        let values: Vec<_> = (1..=columns).map(|it| format!("${}", at * columns + it)).collect();
        format!("({})", values.join(", "))
    };
    (0..many).map(row).collect::<Vec<_>>().join(", ")
}

/// Keeps facts; those that were not there are told.
async fn take_facts<'a>(
    it: &mut dyn Session,
    mut facts: &'a [Fact],
) -> Result<BTreeSet<(&'a str, u32)>, StoreError> {
    let mut new = BTreeSet::new();
    while !facts.is_empty() {
        let many = TOGETHER.into_iter().find(|it| *it <= facts.len()).unwrap_or(1);
        let (these, rest) = facts.split_at(many);
        facts = rest;
        let mut values = Vec::with_capacity(4 * many);
        for fact in these {
            values.extend([(&fact.call).into(), fact.seq.into(), fact.at.into(), json(fact)?]);
        }
        let sql = format!(
            "INSERT INTO facts (call, seq, at, body) VALUES {} ON CONFLICT (call, seq) \
             DO NOTHING RETURNING call, seq",
            rows(many, 4)
        );
        for row in it.rows(&sql, values).await? {
            let (call, seq) = (row.text(0)?, row.small(1)?);
            let fact = these.iter().find(|it| it.call == call && it.seq == seq);
            new.extend(fact.map(|it| (it.call.as_ref(), it.seq)));
        }
    }
    Ok(new)
}

pub async fn open(
    it: &mut dyn Session,
    node: &str,
    before: Wall,
) -> Result<Vec<CallRecord>, StoreError> {
    let sql = "SELECT b.body FROM records r JOIN bodies b ON b.place = r.place \
               WHERE r.outcome = 'in_progress' AND r.node = $1 AND r.received_at < $2 \
               ORDER BY r.received_at, r.place LIMIT $3";
    let rows = it.rows(sql, vec![node.into(), before.into(), LIMIT.into()]).await?;
    rows.iter().map(|it| it.json(0)).collect()
}

pub async fn record(it: &mut dyn Session, id: &str) -> Result<Option<CallRecord>, StoreError> {
    let sql = "SELECT b.body FROM records r JOIN bodies b ON b.place = r.place WHERE r.id = $1";
    it.rows(sql, vec![id.into()]).await?.first().map(|it| it.json(0)).transpose()
}

pub async fn facts(it: &mut dyn Session, call: &str) -> Result<Vec<Fact>, StoreError> {
    let sql = "SELECT body FROM facts WHERE call = $1 ORDER BY seq";
    it.rows(sql, vec![call.into()]).await?.iter().map(|it| it.json(0)).collect()
}

pub async fn facts_after(
    it: &mut dyn Session,
    place: i64,
    most: u32,
) -> Result<Vec<KeptFact>, StoreError> {
    let sql = "SELECT place, body FROM facts WHERE $1 < place ORDER BY place LIMIT $2";
    let rows = it.rows(sql, vec![place.into(), limit(most).into()]).await?;
    let kept = |row: &Row| Ok(KeptFact { place: row.number(0)?, fact: row.json(1)? });
    rows.iter().map(kept).collect()
}

pub async fn place_of(
    it: &mut dyn Session,
    call: &str,
    seq: u32,
) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT place FROM facts WHERE call = $1 AND seq = $2";
    let rows = it.rows(sql, vec![call.into(), seq.into()]).await?;
    rows.first().map(|it| it.number(0)).transpose()
}

pub async fn last_place(it: &mut dyn Session) -> Result<i64, StoreError> {
    let rows = it.rows("SELECT place FROM facts ORDER BY place DESC LIMIT 1", Vec::new()).await?;
    rows.first().map_or(Ok(0), |it| it.number(0))
}

pub async fn forget_facts(
    it: &mut dyn Session,
    before: Wall,
    most: u32,
) -> Result<u64, StoreError> {
    // Places follow the time, but for what several edges took in side by side.
    let sql = "DELETE FROM facts WHERE place IN (SELECT first.place FROM \
               (SELECT place, at FROM facts ORDER BY place LIMIT $2) AS first \
               WHERE first.at < $1)";
    let forgotten = it.run(sql, vec![before.into(), most.into()]).await?;
    outbox::forget(it, before, most).await?;
    Ok(forgotten)
}
