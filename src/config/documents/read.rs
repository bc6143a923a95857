//! Documents from the TOML of a file.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value};
use toml::de::{DeTable, DeValue};

use super::{Document, Documents, Fault, Kind, parsed};
use crate::config::error::{ConfigError, Wrong, guess, place};
use crate::config::keys::{Item, kind};

/// Documents of a text that somebody hands in, and where in it they stand.
#[derive(Clone, Debug)]
pub struct Imported {
    pub documents: Documents,
    text: String,
}

impl Imported {
    /// Reads a text that is nothing but documents.
    pub fn read(text: &str, file: &str) -> Result<Self, ConfigError> {
        let read = parsed(text).and_then(|table| {
            only_kinds(table.get_ref())?;
            documents(table.get_ref(), text)
        });
        let documents = read.map_err(|it| it.placed(file, text))?;
        Ok(Self { documents, text: text.to_owned() })
    }

    /// Each document's kind and body, as they would be sent one by one.
    pub fn as_sent(&self) -> Vec<(Kind, Value)> {
        let one = |it: &Document| (it.kind, Value::Object(it.body.clone()));
        self.documents.0.iter().map(one).collect()
    }

    /// The line of the text that a fault of these documents is in.
    pub fn line(&self, fault: &Fault) -> Option<usize> {
        let table = parsed(&self.text).ok()?;
        let kind = Kind::named(&fault.kind)?;
        let of_kind = || self.documents.0.iter().filter(|it| it.kind == kind);
        let at = of_kind().position(|it| it.name == fault.name)?;
        let mut item = match table.get_ref().get(kind.name())?.get_ref() {
            DeValue::Array(them) => them.get(at)?,
            _ => return None,
        };
        for step in fault.pointer.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~");
            let inner = match item.get_ref() {
                DeValue::Table(it) => it.get(step.as_str()),
                DeValue::Array(it) => step.parse::<usize>().ok().and_then(|at| it.get(at)),
                _ => None,
            };
            match inner {
                Some(inner) => item = inner,
                None => break,
            }
        }
        Some(place(&self.text, item.span().start).0)
    }
}

impl Documents {
    /// The documents of a whole configuration.
    pub(super) fn inside(text: &str, file: &str) -> Result<Self, ConfigError> {
        let read = parsed(text).and_then(|table| documents(table.get_ref(), text));
        read.map_err(|it| it.placed(file, text))
    }
}

/// Refuses what else there is in a file.
fn only_kinds(table: &DeTable<'_>) -> Result<(), Wrong> {
    let other = table.iter().find(|(key, _)| Kind::named(key.get_ref()).is_none());
    let Some((key, _)) = other else { return Ok(()) };
    let names = || Kind::all().map(Kind::name);
    let known = crate::config::reference::sections().any(|it| it == key.get_ref().as_ref());
    let message = match known {
        true => "this is no part of the directory: it stays in the file of the edge".to_owned(),
        false => format!("there is no such kind{}", guess(key.get_ref(), names())),
    };
    let allowed = names().map(|it| format!("[[{it}]]")).collect::<Vec<_>>().join(", ");
    Err(Wrong::at(key.span(), message).allowed(allowed).under(key.get_ref()))
}

fn documents(table: &DeTable<'_>, text: &str) -> Result<Documents, Wrong> {
    let mut found = Vec::new();
    for kind in Kind::all() {
        let Some(tables) = table.get(kind.name()) else { continue };
        let tables = Item::new(tables, text).list();
        let tables = tables.map_err(|it| it.under(kind.name()))?;
        let mut taken = BTreeSet::new();
        let mut read = Vec::new();
        for it in &tables {
            let body = table_of(it).map_err(|wrong| wrong.under(kind.name()))?;
            let name = name_of(kind, &body, it)?;
            if let Some(name) = &name
                && !taken.insert(name.clone())
            {
                let message = format!("{} {name:?} is there twice", kind.words());
                return Err(it.wrong(message).under(kind.name_key()).under(kind.name()));
            }
            read.push((name, body));
        }
        for (at, (name, mut body)) in (1..).zip(read) {
            let name = name.unwrap_or_else(|| {
                let made = made_up(kind, at, &mut taken);
                body.insert(kind.name_key().to_owned(), made.clone().into());
                made
            });
            found.push(Document { kind, name, body });
        }
    }
    Ok(Documents(found))
}

fn name_of(
    kind: Kind,
    body: &Map<String, Value>,
    item: &Item<'_>,
) -> Result<Option<String>, Wrong> {
    let key = kind.name_key();
    match body.get(key) {
        Some(Value::String(name)) => Ok(Some(name.clone())),
        None if !kind.needs_name() => Ok(None),
        _ => Err(item.wrong(format!("needs `{key}`, a name")).under(key).under(kind.name())),
    }
}

/// A name for what has none: `tag-rule-3` for the third.
fn made_up(kind: Kind, at: usize, taken: &mut BTreeSet<String>) -> String {
    let name = |at: usize| format!("{}-{at}", kind.name().replace('_', "-"));
    let free = (at..).map(name).find(|it| !taken.contains(it)).unwrap_or_default();
    taken.insert(free.clone());
    free
}

fn table_of(item: &Item<'_>) -> Result<Map<String, Value>, Wrong> {
    let table = item.table()?;
    let entry = |(key, _, item): &(&str, std::ops::Range<usize>, Item<'_>)| {
        Ok(((*key).to_owned(), json(item).map_err(|it| it.under(key))?))
    };
    table.entries().iter().map(entry).collect()
}

fn json(item: &Item<'_>) -> Result<Value, Wrong> {
    Ok(match item.value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(it) => Value::Bool(*it),
        DeValue::Integer(it) => {
            let read = i64::from_str_radix(it.as_str(), it.radix());
            read.map_err(|_| item.wrong("the number is out of bounds"))?.into()
        }
        DeValue::Float(it) => {
            let read = it.as_str().parse().ok().and_then(Number::from_f64);
            Value::Number(read.ok_or_else(|| item.wrong("this is not a number"))?)
        }
        DeValue::Array(_) => item.list()?.iter().map(json).collect::<Result<_, _>>()?,
        DeValue::Table(_) => Value::Object(table_of(item)?),
        DeValue::Datetime(_) => return Err(item.wrong(format!("this is {}", kind(item.value)))),
    })
}
