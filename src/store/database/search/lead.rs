//! Who leads a search: the filter that is read through soonest if no call passes all, or the time.

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
/// Calls that are counted where it is not known how many there are.
const COUNTED: i64 = 100_000;
/// More than are ever counted.
const MOST: i64 = 1 << 40;
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
    let mut whole = Vec::new();
    let (mut part, mut fewest_of_part) = (None, i64::MAX);
    let alone = filters.len() == 1 && search.from.is_none() && search.to.is_none();
    for (at, filter) in filters.iter().enumerate() {
        if filter.is_part() {
            let count = count(it, None, filter, SORTED_ALONE + 1).await?;
            if count < fewest_of_part {
                (part, fewest_of_part) = (Some(at), count);
            }
        } else if alone {
            return Ok(Some(at));
        } else {
            whole.push((at, count(it, Some(search), filter, MANY + 1).await?));
        }
    }
    let fewest = whole.iter().map(|it| it.1).min().unwrap_or(i64::MAX);
    if let Some(part) = part
        && (fewest_of_part <= SORTED.min(fewest)
            || (whole.is_empty() && fewest_of_part <= SORTED_ALONE))
    {
        return by_time(it, search, Some(part), fewest_of_part).await;
    }
    let best = quickest(it, search, filters, &whole, fewest).await?;
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

/// The filter that is read through soonest, of those that are whole; each with its count, up to
/// more than [`MANY`].
async fn quickest(
    it: &mut dyn Session,
    search: &Search,
    filters: &[Filter],
    whole: &[(usize, i64)],
    fewest: i64,
) -> Result<Option<usize>, StoreError> {
    let mut best: Option<(i64, usize)> = None;
    for &(at, count) in whole {
        let filter = &filters[at];
        let many = match count <= MANY {
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
        _ => {
            let count = count(it, Some(search), filter, COUNTED + 1).await?;
            return Ok(if count <= COUNTED { count } else { MOST });
        }
    };
    let Filter::Column { value, .. } = filter else { return Ok(MOST) };
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

/// How many pass a filter, up to `most`; of the time that is asked for, if one is.
async fn count(
    it: &mut dyn Session,
    search: Option<&Search>,
    filter: &Filter,
    most: i64,
) -> Result<i64, StoreError> {
    let mut text = Text::default();
    let (table, condition) = text.leading(filter);
    let when = search.map(|it| text.times("l", it)).unwrap_or_default();
    let sql = format!("SELECT 1 AS one FROM {table} l WHERE {condition}{when} LIMIT {most}");
    text.count(it, &sql).await
}
