//! Documents as they are shown: without what is hidden, with what is known about them.

use serde_json::{Map, Value, json};

use crate::config::documents::{Kind, hide};
use crate::store::database::Document as Kept;

/// `{ ...keys, _name, _revision, _changed_at, _changed_by, _hidden }`
pub fn document(kept: &Kept) -> Value {
    let (mut body, hidden) = visible(kept);
    body.insert("_name".into(), kept.name.clone().into());
    body.insert("_revision".into(), kept.revision.into());
    body.insert("_changed_at".into(), kept.changed_at.unix_micros().into());
    body.insert("_changed_by".into(), kept.changed_by.clone().into());
    body.insert("_hidden".into(), json!(hidden));
    Value::Object(body)
}

/// Its keys that may be seen, and the names of the others.
pub fn visible(kept: &Kept) -> (Map<String, Value>, Vec<String>) {
    let mut body = kept.body.as_object().cloned().unwrap_or_default();
    let hidden = Kind::named(&kept.kind).map(|it| hide(it, &mut body));
    (body, hidden.unwrap_or_default())
}

/// Whether a text (in small letters) stands anywhere in what may be seen of it.
pub fn has(kept: &Kept, text: &str) -> bool {
    let (body, _) = visible(kept);
    kept.name.to_lowercase().contains(text) || body.values().any(|it| stands_in(it, text))
}

fn stands_in(value: &Value, text: &str) -> bool {
    match value {
        Value::String(it) => it.to_lowercase().contains(text),
        Value::Array(items) => items.iter().any(|it| stands_in(it, text)),
        Value::Object(map) => map.values().any(|it| stands_in(it, text)),
        Value::Number(it) => it.to_string().contains(text),
        Value::Bool(_) | Value::Null => false,
    }
}
