//! Which calls: filters in any combination, newest first, a page at a time; quick among ten
//! million.
//!
//! One filter *leads* ([`lead`]): its index gives calls in the order of the list, and the others are
//! looked at call by call until the page is full. Calls are looked at a piece at a time, so that a
//! search that finds little ends its page early: its `next` says how far it has come.

mod lead;
mod text;

use std::time::Duration;

use tokio::time::Instant;

use self::lead::{lead, looks_up};
use self::text::Text;
use super::people::limit;
use super::records::{CALLER, DESTINATION, TRACKING_NUMBER, number};
use super::sql::{Driver, Row, Session, Value, indexed};
use super::{Cursor, Page, Records, Search, StoreError};
use crate::model::record::CallRecord;

/// Bodies that are read by one statement.
const BODIES: usize = 50;
/// Calls that one statement looks at where an index has all that is asked for, ..
const READ_MAX: u32 = 32_768;
/// .. and where each of them may be somewhere else on the disk: what is in memory is quick, and says
/// nothing about the calls before it.
const LOOKED_UP_MAX: u32 = 512;

/// How a page is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Calls that are looked at by the first statement.
    pub first: u32,
    /// No further statement begins after this.
    pub time: Duration,
}

impl Pace {
    /// So that a page takes less than 200 ms from a disk that looks up four calls in a
    /// millisecond.
    pub const USUAL: Self = Self { first: 128, time: Duration::from_millis(60) };

    /// How many calls the next statement looks at, after one that took so long.
    pub fn next(self, piece: u32, took: Duration, most: u32) -> u32 {
        match took {
            _ if took < self.time / 8 => piece.saturating_mul(4).min(most),
            _ if self.time / 2 < took => (piece / 2).max(self.first),
            _ => piece,
        }
    }
}

pub async fn records(
    it: &mut dyn Session,
    driver: &dyn Driver,
    search: &Search,
    page: &Page,
    pace: Pace,
) -> Result<Records, StoreError> {
    let begun = Instant::now();
    let most = limit(page.limit);
    let filters = filters(search)?;
    let lead = lead(it, search, &filters).await?;
    let question = Question { driver, search, filters: &filters, lead };
    let at_once = if looks_up(&filters, lead) { LOOKED_UP_MAX } else { READ_MAX };
    let (mut piece, mut after) = (pace.first, page.after);
    let mut found: Vec<Cursor> = Vec::new();
    let next = loop {
        let start = Instant::now();
        let end = match question.others().next() {
            Some(_) => question.end_of_piece(it, after, piece).await?,
            // Every call that it leads to is found.
            None => None,
        };
        let missing = most + 1 - u32::try_from(found.len()).unwrap_or(most);
        found.extend(question.piece(it, after, end, missing).await?);
        if (most as usize) < found.len() {
            found.truncate(most as usize);
            break found.last().copied();
        }
        if end.is_none() || pace.time <= begun.elapsed() {
            break end;
        }
        piece = pace.next(piece, start.elapsed(), at_once);
        after = end;
    };
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

/// A search, and who leads it.
struct Question<'a> {
    driver: &'a dyn Driver,
    search: &'a Search,
    filters: &'a [Filter],
    lead: Option<usize>,
}

impl Question<'_> {
    fn leader(&self) -> Option<&Filter> {
        self.lead.and_then(|it| self.filters.get(it))
    }

    /// The filters that are compared with each call.
    fn others(&self) -> impl Iterator<Item = &Filter> {
        self.filters.iter().enumerate().filter(|it| Some(it.0) != self.lead).map(|it| it.1)
    }

    /// What leads, from a place on: its table, called `l`, and what is asked of it.
    fn led(&self, text: &mut Text, after: Option<Cursor>) -> (&'static str, String) {
        let (table, mut conditions) = match self.leader() {
            Some(filter) => text.leading(filter),
            None => ("records", "1 = 1".to_owned()),
        };
        conditions += &text.times("l", self.search);
        if let Some(after) = after {
            conditions += &text.place("<", after);
        }
        (table, conditions)
    }

    /// More than one number of a call may begin or end the same.
    fn distinct(&self) -> &'static str {
        if self.leader().is_some_and(Filter::is_part) { "DISTINCT " } else { "" }
    }

    /// The last of so many calls that it leads to; `None`: there are not so many.
    async fn end_of_piece(
        &self,
        it: &mut dyn Session,
        after: Option<Cursor>,
        many: u32,
    ) -> Result<Option<Cursor>, StoreError> {
        let mut text = Text::default();
        let (table, conditions) = self.led(&mut text, after);
        let sql = format!(
            "SELECT {}l.received_at, l.place FROM {table} l WHERE {conditions} \
             ORDER BY l.received_at DESC, l.place DESC LIMIT 1 OFFSET {}",
            self.distinct(),
            many.saturating_sub(1)
        );
        Ok(cursors(it, &sql, text.values).await?.first().copied())
    }

    /// The calls that pass, after one place and up to another.
    async fn piece(
        &self,
        it: &mut dyn Session,
        after: Option<Cursor>,
        end: Option<Cursor>,
        most: u32,
    ) -> Result<Vec<Cursor>, StoreError> {
        let mut text = Text::default();
        let (table, mut conditions) = self.led(&mut text, after);
        if let Some(end) = end {
            conditions += &text.place(">=", end);
        }
        // What else is asked may stand in `records`, beside the leader if that is another table.
        let beside = if table == "records" { "l" } else { "r" };
        let from = match table == "records" || !self.others().any(Filter::is_of_records) {
            true => format!("{table} l"),
            false => format!("{table} l CROSS JOIN records r"),
        };
        let of = |it: &Filter| if it.is_of_records() { beside } else { "l" };
        let others: String = self.others().map(|it| text.other(self.driver, it, of(it))).collect();
        if from.ends_with(" r") {
            conditions += " AND r.place = l.place";
        }
        let sql = format!(
            "SELECT {}l.received_at, l.place FROM {from} WHERE {conditions}{others} \
             ORDER BY l.received_at DESC, l.place DESC LIMIT {most}",
            self.distinct()
        );
        cursors(it, &sql, text.values).await
    }
}

async fn cursors(
    it: &mut dyn Session,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<Cursor>, StoreError> {
    let cursor = |row: &Row| Ok(Cursor { received_at: row.number(0)?, place: row.number(1)? });
    it.rows(sql, values).await?.iter().map(cursor).collect()
}
