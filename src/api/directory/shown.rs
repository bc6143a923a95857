//! Documents as they are shown: without what is hidden, with what is known about them; and URLs not
//! whole to who may not change them, for there may be tokens in them.

use serde_json::{Map, Value, json};

use crate::api::access::Role;
use crate::config::documents::{Kind, hide, shorten};
use crate::store::database::Document as Kept;

/// What of a document may be seen.
pub struct Visible {
    pub body: Map<String, Value>,
    /// The names of keys that are there, and not in it.
    hidden: Vec<String>,
    /// The names of those that are in it, and not whole.
    pub shortened: Vec<String>,
}

/// `{ ...keys, _name, _revision, _changed_at, _changed_by, _hidden, _shortened }`
pub fn document(kept: &Kept, to: Role) -> Value {
    let Visible { mut body, hidden, shortened } = visible(kept, to);
    body.insert("_name".into(), kept.name.clone().into());
    body.insert("_revision".into(), kept.revision.into());
    body.insert("_changed_at".into(), kept.changed_at.unix_micros().into());
    body.insert("_changed_by".into(), kept.changed_by.clone().into());
    body.insert("_hidden".into(), json!(hidden));
    body.insert("_shortened".into(), json!(shortened));
    Value::Object(body)
}

pub fn visible(kept: &Kept, to: Role) -> Visible {
    let Some(kind) = Kind::named(&kept.kind) else {
        // Another version has kept it, and knows what of it is secret.
        return Visible { body: Map::new(), hidden: Vec::new(), shortened: Vec::new() };
    };
    let mut body = kept.body.as_object().cloned().unwrap_or_default();
    let hidden = hide(kind, &mut body);
    let shortened = match to < Role::Manager {
        true => shorten(kind, &mut body),
        false => Vec::new(),
    };
    Visible { body, hidden, shortened }
}

/// Whether a text (in small letters) stands anywhere in what may be seen of it.
pub fn has(kept: &Kept, text: &str, to: Role) -> bool {
    let body = visible(kept, to).body;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_shown_of_a_kind_that_only_another_version_knows() {
        let kept = Kept {
            kind: "oracle".to_owned(),
            name: "delphi".to_owned(),
            revision: 1,
            body: json!({"name": "delphi", "password": "secret"}),
            changed_at: crate::clock::Wall::default(),
            changed_by: String::new(),
        };
        assert!(visible(&kept, Role::Admin).body.is_empty());
        assert!(!has(&kept, "secret", Role::Admin));
    }
}
