//! Which calls: filters in any combination, newest first, a page at a time; quick among ten
//! million.
//!
//! One filter *leads*: its index gives calls in the order of the list, and the others are looked
//! at call by call until the page is full. It is the one that the fewest calls pass, counted up to
//! [`MANY`]: counting so far costs a millisecond, and where all pass so many the page fills soon.
//! Beginnings and ends of numbers come out of their index in no order of time, so they lead only
//! where the matches can all be sorted; where there are more, the page fills soon by time alone.

use super::people::limit;
use super::records::{BETWEEN, CALLER, DESTINATION, TRACKING_NUMBER, number};
use super::sql::{Driver, Session, Value, indexed};
use super::{Cursor, Page, Records, Search, StoreError};
use crate::model::record::CallRecord;

/// Calls that are counted before a filter is said to be passed by many.
const MANY: i64 = 10_000;
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

/// In the order in which they lead where many calls pass each of them.
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
    let (mut best, mut fewest) = (None, i64::MAX);
    let (mut part, mut fewest_of_part) = (None, i64::MAX);
    for (at, filter) in filters.iter().enumerate() {
        if let Filter::Number { part: Part::Beginning(_) | Part::End(_), .. } = filter {
            let count = count(it, None, filter, SORTED_ALONE + 1).await?;
            if count < fewest_of_part {
                (part, fewest_of_part) = (Some(at), count);
            }
        } else {
            let alone = filters.len() == 1 && search.from.is_none() && search.to.is_none();
            let count = match alone {
                true => 0,
                false => count(it, Some(search), filter, MANY + 1).await?,
            };
            if count < fewest {
                (best, fewest) = (Some(at), count);
            }
        }
    }
    if let Some(part) = part
        && (fewest_of_part <= SORTED.min(fewest)
            || (best.is_none() && fewest_of_part <= SORTED_ALONE))
    {
        (best, fewest) = (Some(part), fewest_of_part);
    }
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
    // What else is asked stands in `records`, beside the leader if that is another table.
    let beside = if table == "records" { "l" } else { "r" };
    let others = filters.iter().enumerate().filter(|it| Some(it.0) != lead);
    let others: String = others.map(|it| text.other(driver, it.1, beside)).collect();
    let from = match table == "records" || others.is_empty() {
        true => format!("{table} l"),
        false => format!("{table} l CROSS JOIN records r"),
    };
    if from.ends_with(" r") {
        conditions += " AND r.place = l.place";
    }
    // More than one number of a call may begin or end the same.
    let distinct = match leader {
        Some(Filter::Number { part: Part::Beginning(_) | Part::End(_), .. }) => "DISTINCT ",
        _ => "",
    };
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
