//! Keys that are never shown: what stands in their place, and what becomes of them in a change.

use serde_json::{Map, Value};

use super::Kind;
use crate::config::keys::Key;
use crate::config::shape::Shape;

/// Takes the hidden keys out of a body; their names, as in `password` or `inner.password`.
pub fn hide(kind: Kind, body: &mut Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    take(kind.keys(), body, "", &mut found);
    found
}

fn take(keys: &[Key], body: &mut Map<String, Value>, path: &str, found: &mut Vec<String>) {
    for key in keys {
        let path = format!("{path}{}", key.name);
        if (key.shape)().is_hidden() {
            if body.remove(key.name).is_some() {
                found.push(path);
            }
        } else if let (Some(Value::Object(inner)), true) = (body.get_mut(key.name), is_table(key)) {
            take(key.keys, inner, &format!("{path}."), found);
        }
    }
}

/// Makes what somebody sent whole: a hidden key that is left out keeps what it was, one that is
/// `null` goes. (The other keys are as they are sent.)
pub fn keep_hidden(kind: Kind, sent: &mut Value, old: &Map<String, Value>) {
    if let Value::Object(sent) = sent {
        keep(kind.keys(), sent, old);
    }
}

fn keep(keys: &[Key], sent: &mut Map<String, Value>, old: &Map<String, Value>) {
    for key in keys {
        let Some(before) = old.get(key.name) else { continue };
        if (key.shape)().is_hidden() {
            sent.entry(key.name).or_insert_with(|| before.clone());
        } else if let (Some(Value::Object(sent)), Value::Object(before), true) =
            (sent.get_mut(key.name), before, is_table(key))
        {
            keep(key.keys, sent, before);
        }
    }
}

fn is_table(key: &Key) -> bool {
    matches!((key.shape)(), Shape::Table { .. })
}
