//! Who leads a search: the filter that is read through soonest if no call passes all, or the time.
//!
//! How many pass a filter it is counted up to [`MANY`], which costs a millisecond, known from the
//! counts that are kept, or guessed by how long ago the last of so many was; times what it costs to
//! look at one of them. An index of a column has nearly all that is asked for besides
//! ([`indexes`](super::super::indexes)), so that one that many pass may well be quicker than a number
//! with fewer calls, each of them somewhere else on the disk. Beginnings and ends of numbers come out
//! of their index in no order of time, so they lead only where the matches can all be sorted; where
//! there are more, the page fills soon by time alone.

use super::super::counts::{Grain, SPAN};
use super::super::sql::Session;
use super::super::{Search, StoreError};
use super::Filter;
use super::text::Text;
use crate::clock::Wall;

/// Calls that are counted at first.
const MANY: i64 = 10_000;
/// So few need not be compared with other filters that many pass.
const FEW: i64 = 1_000;
/// What it costs to look at a call in `records`, where an index does not have it: so many entries
/// of an index are read in the same time from a disk.
const LOOK: i64 = 50;
/// What it costs to look whether it has a number or a tag.
const PROBE: i64 = 3;
/// Matches of a part of a number that are sorted rather than looked for by another filter ..
const SORTED: i64 = 20_000;
/// .. and where no other filter leads.
const SORTED_ALONE: i64 = 100_000;

/// Who leads: a filter by its place; `None`: the time.
pub async fn lead(
    it: &mut dyn Session,
    search: &Search,
    filters: &[Filter],
) -> Result<Option<usize>, StoreError> {
    if filters.len() == 1 && search.from.is_none() && search.to.is_none() && !filters[0].is_part() {
        return Ok(Some(0));
    }
    let sorted = if filters.iter().all(Filter::is_part) { SORTED_ALONE } else { SORTED };
    let mut counted = Vec::new();
    for (at, filter) in filters.iter().enumerate() {
        let many = if filter.is_part() { sorted } else { MANY };
        let count = count(it, search, filter, many + 1).await?;
        if !filter.is_part() || count <= sorted {
            counted.push((at, count));
        }
    }
    let fewest = counted.iter().map(|it| it.1).min().unwrap_or(i64::MAX);
    let best = quickest(it, search, filters, &counted, fewest).await?;
    by_time(it, search, best, fewest).await
}

/// The filter that leads unless the time that is asked for has fewer calls than pass it.
async fn by_time(
    it: &mut dyn Session,
    search: &Search,
    best: Option<usize>,
    fewest: i64,
) -> Result<Option<usize>, StoreError> {
    if best.is_some() && (search.from.is_some() || search.to.is_some()) {
        let mut text = Text::default();
        let when = text.times("r", search);
        let sql = format!("SELECT 1 AS one FROM records r WHERE 1 = 1{when} LIMIT {}", MANY + 1);
        if text.count(it, &sql).await? < fewest.min(MANY) {
            return Ok(None);
        }
    }
    Ok(best)
}

/// The filter that is read through soonest, of those that may lead; each with its count, a whole one
/// up to more than [`MANY`].
async fn quickest(
    it: &mut dyn Session,
    search: &Search,
    filters: &[Filter],
    counted: &[(usize, i64)],
    fewest: i64,
) -> Result<Option<usize>, StoreError> {
    let mut best: Option<(i64, usize)> = None;
    for &(at, count) in counted {
        let filter = &filters[at];
        let many = match count <= MANY || filter.is_part() {
            true => count,
            // Somebody else leads anyway.
            false if fewest <= FEW => continue,
            false => estimate(it, search, filter).await?,
        };
        let cost = many.saturating_mul(cost_of_one(filters, at));
        if best.is_none_or(|it| cost < it.0) {
            best = Some((cost, at));
        }
    }
    Ok(best.map(|it| it.1))
}

/// Whether something is looked for elsewhere than in the index of the one that leads.
pub fn looks_up(filters: &[Filter], lead: Option<usize>) -> bool {
    lead.is_none_or(|it| 1 < cost_of_one(filters, it))
}

/// What it costs to look at one call if this filter leads.
fn cost_of_one(filters: &[Filter], lead: usize) -> i64 {
    let others = || filters.iter().enumerate().filter(|it| it.0 != lead).map(|it| it.1);
    let probes = others().filter(|it| !it.is_of_records()).count();
    let leads = |it: &Filter| match it {
        // What is not in the index of a column is seldom asked for.
        Filter::Column { .. } => others().any(|it| it.is_part() || it.is("source_tag")),
        _ => others().any(Filter::is_of_records),
    };
    let look = filters.get(lead).is_some_and(leads);
    1 + if look { LOOK } else { 0 } + PROBE * i64::try_from(probes).unwrap_or(0)
}

/// How many pass a filter that many pass, roughly.
async fn estimate(
    it: &mut dyn Session,
    search: &Search,
    filter: &Filter,
) -> Result<i64, StoreError> {
    let what: i64 = match filter {
        Filter::Column { name: "source", .. } => 1,
        Filter::Column { name: "tracking_number", .. } => 2,
        Filter::Column { name: "agent", .. } => 3,
        Filter::Column { name: "outcome", .. } => 4,
        _ => return from_the_newest(it, search, filter).await,
    };
    let Filter::Column { value, .. } = filter else { return Ok(i64::MAX) };
    let spans = |it: Option<Wall>| it.map(|it| it.unix_micros().div_euclid(SPAN));
    let sql = "SELECT CAST(COALESCE(SUM(calls), 0) AS BIGINT) FROM counts \
               WHERE what = $1 AND grain = $2 AND $3 <= at AND at <= $4 AND name = $5";
    let values = vec![
        what.into(),
        Grain::Span.number().into(),
        spans(search.from).unwrap_or(i64::MIN).into(),
        spans(search.to).unwrap_or(i64::MAX).into(),
        value.clone(),
    ];
    let calls = it.rows(sql, values).await?.first().map_or(Ok(0), |it| it.number(0))?;
    // More than many pass it, whatever is counted so far.
    Ok(calls.max(MANY + 1))
}

/// How many pass a filter if all the time is as the newest of it.
async fn from_the_newest(
    it: &mut dyn Session,
    search: &Search,
    filter: &Filter,
) -> Result<i64, StoreError> {
    let mut text = Text::default();
    let (table, condition) = text.leading(filter);
    let when = text.times("l", search);
    let sql = format!(
        "SELECT COALESCE((SELECT l.received_at FROM {table} l WHERE {condition}{when} \
             ORDER BY l.received_at DESC, l.place DESC LIMIT 1 OFFSET {MANY}), 0), \
         COALESCE((SELECT received_at FROM records ORDER BY received_at LIMIT 1), 0), \
         COALESCE((SELECT received_at FROM records ORDER BY received_at DESC LIMIT 1), 0)"
    );
    let rows = it.rows(&sql, text.values).await?;
    let Some(row) = rows.first() else { return Ok(0) };
    let (of_many, first, last) = (row.number(0)?, row.number(1)?, row.number(2)?);
    let from = search.from.map_or(first, |it| it.unix_micros().max(first));
    let to = search.to.map_or(last, |it| it.unix_micros().min(last));
    let (all, newest) = (to.saturating_sub(from).max(0), to.saturating_sub(of_many).max(1));
    let many = i128::from(MANY) * i128::from(all) / i128::from(newest);
    Ok(i64::try_from(many).unwrap_or(i64::MAX).max(MANY + 1))
}

/// How many pass a filter, the newest first, up to `most`; of the time that is asked for where that
/// is quick.
async fn count(
    it: &mut dyn Session,
    search: &Search,
    filter: &Filter,
    most: i64,
) -> Result<i64, StoreError> {
    let mut text = Text::default();
    let (table, condition) = text.leading(filter);
    let order = match filter.is_part() {
        true => String::new(),
        false => text.times("l", search) + " ORDER BY l.received_at DESC, l.place DESC",
    };
    let sql = format!("SELECT 1 AS one FROM {table} l WHERE {condition}{order} LIMIT {most}");
    text.count(it, &sql).await
}
