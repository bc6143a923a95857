//! Which documents name which: read off the keys, each of which says what its names are names of.

use serde_json::{Map, Value};

use super::{Document, Documents, Kind, escaped};
use crate::config::keys::Key;
use crate::config::routes::RouteWord;
use crate::config::shape::Shape;
use crate::model::phone::Phone;

/// A place where a document names another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub kind: Kind,
    pub name: String,
    /// Where in the document.
    pub pointer: String,
}

/// The places where others name this document.
pub fn uses_of(documents: &Documents, kind: Kind, name: &str) -> Vec<Reference> {
    let mut found = Vec::new();
    for document in &documents.0 {
        if document.kind == kind && document.name == name {
            continue;
        }
        let mut body = document.body.clone();
        visit(document.kind, &mut body, &mut |of, text, at| {
            if of == kind.name() && is_same(kind, text, name) {
                found.push(Reference {
                    kind: document.kind,
                    name: document.name.clone(),
                    pointer: at.to_owned(),
                });
            }
        });
    }
    found
}

/// Gives a document another name, and all that name it too. What had to be changed.
pub fn rename(documents: &mut Documents, kind: Kind, old: &str, new: &str) -> Vec<Document> {
    let mut changed = Vec::new();
    for document in &mut documents.0 {
        let mut touched = false;
        visit(document.kind, &mut document.body, &mut |of, text, _| {
            if of == kind.name() && is_same(kind, text, old) {
                *text = new.to_owned();
                touched = true;
            }
        });
        if document.kind == kind && document.name == old {
            document.name = new.to_owned();
            document.body.insert(kind.name_key().to_owned(), new.into());
        } else if touched {
            changed.push(document.clone());
        }
    }
    changed
}

/// Tracking numbers may be written in several ways.
fn is_same(kind: Kind, one: &str, other: &str) -> bool {
    let number = |text: &str| Phone::parse(text, None).ok().map(Phone::into_inner);
    one == other
        || kind.name() == "tracking_number"
            && number(one).is_some_and(|it| number(other) == Some(it))
}

type Visitor<'v> = &'v mut dyn FnMut(&str, &mut String, &str);

/// Calls `seen` with every name in it: what it is a name of, itself, and where it stands.
fn visit(kind: Kind, body: &mut Map<String, Value>, seen: Visitor<'_>) {
    table(kind.keys(), body, "", seen);
    // A destination `client:USER` names the account.
    if kind.name() == "receiving_number"
        && let Some(Value::String(number)) = body.get_mut("number")
        && let Some(user) = number.strip_prefix("client:")
    {
        let mut name = user.to_owned();
        seen("account", &mut name, "/number");
        *number = format!("client:{name}");
    }
}

fn table(keys: &[Key], map: &mut Map<String, Value>, at: &str, seen: Visitor<'_>) {
    for key in keys {
        if let Some(inner) = map.get_mut(key.name) {
            value(key, &(key.shape)(), inner, &format!("{at}/{}", key.name), seen);
        }
    }
}

fn value(key: &Key, shape: &Shape, it: &mut Value, at: &str, seen: Visitor<'_>) {
    match (shape, it) {
        (Shape::Name, Value::String(text)) if !key.names.is_empty() => seen(key.names, text, at),
        (Shape::List(of) | Shape::Many(of), Value::Array(items)) => {
            for (n, it) in items.iter_mut().enumerate() {
                value(key, of, it, &format!("{at}/{n}"), seen);
            }
        }
        (Shape::Many(of), it) => value(key, of, it, at, seen),
        (Shape::Either(them), it) => {
            for of in them {
                value(key, of, it, at, seen);
            }
        }
        (Shape::Table { .. }, Value::Object(map)) => table(key.keys, map, at, seen),
        (Shape::Table { short }, it) => {
            if let Some(inner) = key.keys.iter().find(|it| it.name == *short) {
                value(inner, &(inner.shape)(), it, at, seen);
            }
        }
        (Shape::Route, Value::Object(map)) => table(RouteWord::REFERENCE, map, at, seen),
        (Shape::Entries(of), Value::Object(map)) => {
            for (name, it) in map.iter_mut() {
                value(key, of, it, &format!("{at}/{}", escaped(name)), seen);
            }
        }
        _ => (),
    }
}
