//! Which calls: filters in any combination, newest first, a page at a time; quick among ten
//! million.
//!
//! One filter *leads*: its index gives calls in the order of the list, and the others are looked
//! at call by call until the page is full. It is the one that is read through soonest if no call
//! passes all: how many pass it is counted up to [`MANY`], which costs a millisecond, or known from
//! the counts that are kept; times what it costs to look at one of them. An index of a column has
//! nearly all that is asked for besides ([`indexes`](super::indexes)), so that one that many pass
//! may well be quicker than a number with fewer calls, each of them somewhere else on the disk.
//! Beginnings and ends of numbers come out of their index in no order of time, so they lead only
//! where the matches can all be sorted; where there are more, the page fills soon by time alone.

use super::counts::{Grain, SPAN};
use super::people::limit;
use super::records::{BETWEEN, CALLER, DESTINATION, TRACKING_NUMBER, number};
use super::sql::{Driver, Session, Value, indexed};
use super::{Cursor, Page, Records, Search, StoreError};
use crate::clock::Wall;
use crate::model::record::CallRecord;

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
/// Bodies that are read by one statement.
const BODIES: usize = 50;

/// After every other character.
const LAST: char = char::MAX;

pub async fn records(
    it: &mut dyn Session,
    driver: &dyn Driver,
    search: &Search,
    page: &Page,
) -> Result<Records, StoreError> {
    let most = limit(page.limit);
    let filters = filters(search)?;
    let lead = lead(it, search, &filters).await?;
    let (sql, values) = statement(driver, search, page, &filters, lead, most + 1);
    let mut found = Vec::new();
    for row in it.rows(&sql, values).await? {
        found.push(Cursor { received_at: row.number(0)?, place: row.number(1)? });
    }
    let more = (most as usize) < found.len();
    found.truncate(most as usize);
    let next = found.last().copied().filter(|_| more);
    Ok(Records { records: bodies(it, &found).await?, next })
}

async fn bodies(it: &mut dyn Session, found: &[Cursor]) -> Result<Vec<CallRecord>, StoreError> {
    let places: Vec<_> = (1..=BODIES).map(|it| format!("${it}")).collect();
    let sql = format!("SELECT place, body FROM bodies WHERE place IN ({})", places.join(", "));
    let mut records = Vec::with_capacity(found.len());
    for part in found.chunks(BODIES) {
        // The same statement each time: the last place stands for those that are not there.
        let places = part.iter().chain(std::iter::repeat(&part[part.len() - 1])).take(BODIES);
        let rows = it.rows(&sql, places.map(|it| it.place.into()).collect()).await?;
        for cursor in part {
            let row = rows.iter().find(|it| it.number(0) == Ok(cursor.place));
            let gone = || StoreError::Broken(format!("call {} has no body", cursor.place));
            records.push(row.ok_or_else(gone)?.json(1)?);
        }
    }
    Ok(records)
}

/// One thing that is asked of a call.
enum Filter {
    /// A column of `records` has a value; of none that is empty there is an index.
    Column {
        name: &'static str,
        value: Value,
        is_never: Option<&'static str>,
    },
    Number {
        roles: i64,
        part: Part,
    },
    Tag(String),
}

enum Part {
    Whole(String),
    Beginning(String),
    End(String),
}

impl Filter {
    fn is_part(&self) -> bool {
        matches!(self, Self::Number { part: Part::Beginning(_) | Part::End(_), .. })
    }

    /// Whether what it asks for stands in `records`, and nowhere else.
    fn is_of_records(&self) -> bool {
        matches!(self, Self::Column { .. }) || self.is_part()
    }

    fn is(&self, column: &str) -> bool {
        matches!(self, Self::Column { name, .. } if *name == column)
    }
}

/// In the order in which they lead where nothing else speaks for one of them.
fn filters(search: &Search) -> Result<Vec<Filter>, StoreError> {
    let mut filters = Vec::new();
    for (text, roles) in [
        (&search.caller, CALLER),
        (&search.number, CALLER | TRACKING_NUMBER | DESTINATION),
        (&search.destination, DESTINATION),
    ] {
        filters.extend(part(text.as_deref())?.map(|part| Filter::Number { roles, part }));
    }
    let column = |name, value: &Option<String>| {
        let value = value.as_deref()?;
        let is_never =
            matches!(name, "agent" | "source_tag").then_some("").filter(|_| !value.is_empty());
        Some(Filter::Column { name, value: indexed(value).into(), is_never })
    };
    filters.extend(column("source_tag", &search.source_tag));
    filters.extend(column("agent", &search.agent));
    filters.extend(search.tag.as_deref().map(|it| Filter::Tag(indexed(it).to_owned())));
    filters.extend(match part(search.tracking_number.as_deref())? {
        Some(Part::Whole(text)) => {
            Some(Filter::Column { name: "tracking_number", value: text.into(), is_never: None })
        }
        other => other.map(|part| Filter::Number { roles: TRACKING_NUMBER, part }),
    });
    filters.extend(column("source", &search.source));
    let direction = search.direction.and_then(|it| serde_json::to_value(it).ok());
    let direction = direction.and_then(|it| it.as_str().map(str::to_owned));
    filters.extend(column("direction", &direction));
    filters.extend(column("outcome", &search.outcome));
    filters.extend(search.has_recording.map(|it| Filter::Column {
        name: "recorded",
        value: it.into(),
        is_never: None,
    }));
    Ok(filters)
}

fn part(text: Option<&str>) -> Result<Option<Part>, StoreError> {
    let Some(text) = text else { return Ok(None) };
    let plain = text.trim_matches('*');
    if plain.contains('*') || (text.starts_with('*') && text.ends_with('*') && !plain.is_empty()) {
        let why = "a number is whole, or has one * at its beginning or its end";
        return Err(StoreError::Refused(why.to_owned()));
    }
    Ok(match plain {
        "" if text.is_empty() => Some(Part::Whole(String::new())),
        "" => None,
        _ if text.starts_with('*') => Some(Part::End(number(plain))),
        _ if text.ends_with('*') => Some(Part::Beginning(number(plain))),
        _ => Some(Part::Whole(number(plain))),
    })
}

/// Who leads: a filter by its place; `None`: the time.
async fn lead(
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

fn statement(
    driver: &dyn Driver,
    search: &Search,
    page: &Page,
    filters: &[Filter],
    lead: Option<usize>,
    most: u32,
) -> (String, Vec<Value>) {
    let mut text = Text::default();
    let leader = lead.and_then(|it| filters.get(it));
    let (table, mut conditions) = match leader {
        Some(filter) => text.leading(filter),
        None => ("records", "1 = 1".to_owned()),
    };
    conditions += &text.times("l", search);
    if let Some(after) = page.after {
        let (received_at, place) = (text.value(after.received_at), text.value(after.place));
        conditions += &format!(" AND (l.received_at, l.place) < ({received_at}, {place})");
    }
    // What else is asked may stand in `records`, beside the leader if that is another table.
    let beside = if table == "records" { "l" } else { "r" };
    let others = || filters.iter().enumerate().filter(|it| Some(it.0) != lead).map(|it| it.1);
    let from = match table == "records" || !others().any(Filter::is_of_records) {
        true => format!("{table} l"),
        false => format!("{table} l CROSS JOIN records r"),
    };
    let of = |it: &Filter| if it.is_of_records() { beside } else { "l" };
    let others: String = others().map(|it| text.other(driver, it, of(it))).collect();
    if from.ends_with(" r") {
        conditions += " AND r.place = l.place";
    }
    // More than one number of a call may begin or end the same.
    let distinct = if leader.is_some_and(Filter::is_part) { "DISTINCT " } else { "" };
    let sql = format!(
        "SELECT {distinct}l.received_at, l.place FROM {from} WHERE {conditions}{others} \
         ORDER BY l.received_at DESC, l.place DESC LIMIT {most}"
    );
    (sql, text.values)
}

/// A statement that is being written: conditions, and the values that they name.
#[derive(Default)]
struct Text {
    values: Vec<Value>,
}

impl Text {
    fn value(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    fn times(&mut self, of: &str, search: &Search) -> String {
        let from =
            search.from.map(|it| self.value(it)).map(|it| format!(" AND {it} <= {of}.received_at"));
        let to =
            search.to.map(|it| self.value(it)).map(|it| format!(" AND {of}.received_at < {it}"));
        from.unwrap_or_default() + &to.unwrap_or_default()
    }

    /// The table of a filter that leads, called `l`, and what it asks there.
    fn leading(&mut self, filter: &Filter) -> (&'static str, String) {
        match filter {
            Filter::Column { name, value, is_never } => {
                let value = self.value(value.clone());
                let never = is_never.map(|it| format!(" AND l.{name} <> '{it}'"));
                ("records", format!("l.{name} = {value}{}", never.unwrap_or_default()))
            }
            Filter::Number { roles, part } => {
                let which = match part {
                    Part::Whole(text) => format!("l.number = {}", self.value(text)),
                    Part::Beginning(text) => self.range("number", text),
                    Part::End(text) => {
                        self.range("reversed", &text.chars().rev().collect::<String>())
                    }
                };
                ("numbers", format!("{which} AND (l.roles & {roles}) <> 0"))
            }
            Filter::Tag(tag) => ("tags", format!("l.tag = {}", self.value(tag))),
        }
    }

    /// All that begins with a text.
    fn range(&mut self, column: &str, text: &str) -> String {
        let (first, last) = (self.value(text), self.value(format!("{text}{LAST}")));
        format!("l.{column} >= {first} AND l.{column} < {last}")
    }

    /// What a filter asks of a call that another one led to.
    fn other(&mut self, driver: &dyn Driver, filter: &Filter, of: &str) -> String {
        match filter {
            Filter::Column { name, value, .. } => {
                let column = driver.unindexed(&format!("{of}.{name}"));
                format!(" AND {column} = {}", self.value(value.clone()))
            }
            Filter::Number { roles, part } => self.other_number(driver, *roles, part, of),
            Filter::Tag(tag) => {
                let tag = self.value(tag);
                format!(
                    " AND EXISTS (SELECT 1 FROM tags t WHERE t.tag = {tag} \
                     AND t.received_at = {of}.received_at AND t.place = {of}.place)"
                )
            }
        }
    }

    fn other_number(&mut self, driver: &dyn Driver, roles: i64, part: &Part, of: &str) -> String {
        let (before, text, after) = match part {
            Part::Whole(text) => {
                let number = self.value(text);
                return format!(
                    " AND EXISTS (SELECT 1 FROM numbers n WHERE n.number = {number} \
                     AND n.received_at = {of}.received_at AND n.place = {of}.place \
                     AND (n.roles & {roles}) <> 0)"
                );
            }
            Part::Beginning(text) => ("", text, "%"),
            Part::End(text) => ("%", text, ""),
        };
        let text = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
        let alone = self.value(format!("{before}{text}{after}"));
        let mut ways = Vec::new();
        for (role, column) in [(CALLER, "caller"), (TRACKING_NUMBER, "tracking_number")] {
            if roles & role != 0 {
                let column = driver.unindexed(&format!("{of}.{column}"));
                ways.push(format!("{column} LIKE {alone} ESCAPE '\\'"));
            }
        }
        if roles & DESTINATION != 0 {
            let text = match before {
                "" => format!("%{BETWEEN}{text}%"),
                _ => format!("%{text}{BETWEEN}%"),
            };
            let (text, between) = (self.value(text), self.value(BETWEEN.to_string()));
            ways.push(format!(
                "({between} || {of}.destinations || {between}) LIKE {text} ESCAPE '\\'"
            ));
        }
        format!(" AND ({})", ways.join(" OR "))
    }

    /// How many rows a statement finds.
    async fn count(self, it: &mut dyn Session, sql: &str) -> Result<i64, StoreError> {
        let sql = format!("SELECT count(*) FROM ({sql}) AS few");
        it.rows(&sql, self.values).await?.first().map_or(Ok(0), |it| it.number(0))
    }
}
