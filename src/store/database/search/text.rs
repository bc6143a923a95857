//! The statement of a search, as it is written.

use super::super::records::{BETWEEN, CALLER, DESTINATION, TRACKING_NUMBER};
use super::super::sql::{Driver, Session, Value};
use super::super::{Cursor, Search, StoreError};
use super::{Filter, Part};

/// After every other character.
const LAST: char = char::MAX;

/// A statement that is being written: conditions, and the values that they name.
#[derive(Default)]
pub struct Text {
    pub values: Vec<Value>,
}

impl Text {
    pub fn value(&mut self, value: impl Into<Value>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    pub fn times(&mut self, of: &str, search: &Search) -> String {
        let from =
            search.from.map(|it| self.value(it)).map(|it| format!(" AND {it} <= {of}.received_at"));
        let to =
            search.to.map(|it| self.value(it)).map(|it| format!(" AND {of}.received_at < {it}"));
        from.unwrap_or_default() + &to.unwrap_or_default()
    }

    /// Before or after a place in the list.
    pub fn place(&mut self, how: &str, place: Cursor) -> String {
        let (received_at, place) = (self.value(place.received_at), self.value(place.place));
        format!(" AND (l.received_at, l.place) {how} ({received_at}, {place})")
    }

    /// The table of a filter that leads, called `l`, and what it asks there.
    pub fn leading(&mut self, filter: &Filter) -> (&'static str, String) {
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
    pub fn other(&mut self, driver: &dyn Driver, filter: &Filter, of: &str) -> String {
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
    pub async fn count(self, it: &mut dyn Session, sql: &str) -> Result<i64, StoreError> {
        let sql = format!("SELECT count(*) FROM ({sql}) AS few");
        it.rows(&sql, self.values).await?.first().map_or(Ok(0), |it| it.number(0))
    }
}
