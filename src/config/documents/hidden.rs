//! Keys that are never shown, or not to everybody: what stands in their place, and what becomes of
//! them in a change.
//!
//! Who may change a document and not see its secrets could have them sent to a host of its own: by
//! changing where they go, and nothing else. So a secret that is kept goes where it went before;
//! to another host it goes if it is given anew, or if somebody says so who may know it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::{Fault, Kind, escaped};
use crate::config::keys::Key;
use crate::config::shape::Shape;
use crate::model::url::shortened;

/// Takes the hidden keys out of a body; their names, as in `password` or `inner.password`.
pub fn hide(kind: Kind, body: &mut Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    each(kind.keys(), body, "", &mut |key, body, path| {
        if (key.shape)().is_hidden() && body.remove(key.name).is_some() {
            found.push(path.to_owned());
        }
    });
    found
}

/// Leaves scheme, host and port of the URLs in a body; the names of the keys that said more.
pub fn shorten(kind: Kind, body: &mut Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    each(kind.keys(), body, "", &mut |key, body, path| {
        if (key.shape)().is_url()
            && let Some(value) = body.get_mut(key.name)
        {
            let short = value.as_str().map(shortened).unwrap_or_default();
            if *value != *short {
                *value = short.into();
                found.push(path.to_owned());
            }
        }
    });
    found
}

type Visitor<'v> = &'v mut dyn FnMut(&Key, &mut Map<String, Value>, &str);

/// Every key of a body and of the tables in it, with its name.
fn each(keys: &[Key], body: &mut Map<String, Value>, path: &str, seen: Visitor<'_>) {
    for key in keys {
        let path = format!("{path}{}", key.name);
        seen(key, body, &path);
        if let (Some(Value::Object(inner)), true) = (body.get_mut(key.name), is_table(key)) {
            each(key.keys, inner, &format!("{path}."), seen);
        }
    }
}

/// Makes what somebody sent whole: a hidden key that is left out keeps what it was, one that is
/// `null` goes. (The other keys are as they are sent.) A key that would be kept for another host
/// is at fault, unless it `may_go_anywhere`.
pub fn keep_hidden(
    kind: Kind,
    sent: &mut Value,
    old: &Map<String, Value>,
    may_go_anywhere: bool,
) -> Result<(), Fault> {
    let Value::Object(sent) = sent else { return Ok(()) };
    let mut led_away = None;
    keep(kind.keys(), sent, old, "", &mut led_away);
    match led_away {
        Some((pointer, message)) if !may_go_anywhere => {
            let name = old.get(kind.name_key()).and_then(Value::as_str).unwrap_or_default();
            let (kind, name) = (kind.name().to_owned(), name.to_owned());
            let allowed = "the same again, another one, or null for none".into();
            Err(Fault { kind, name, pointer, message, allowed, column: None })
        }
        _ => Ok(()),
    }
}

fn keep(
    keys: &[Key],
    sent: &mut Map<String, Value>,
    old: &Map<String, Value>,
    at: &str,
    led_away: &mut Option<(String, String)>,
) {
    for key in keys {
        let Some(before) = old.get(key.name) else { continue };
        let at = format!("{at}/{}", escaped(key.name));
        if (key.shape)().is_hidden() {
            if sent.contains_key(key.name) {
                continue;
            }
            sent.insert(key.name.to_owned(), before.clone());
            if let Some(host) = another_host(key, sent, old) {
                *led_away = Some((at, led(key, &host)));
            }
        } else if let (Some(Value::Object(sent)), Value::Object(before), true) =
            (sent.get_mut(key.name), before, is_table(key))
        {
            keep(key.keys, sent, before, &at, led_away);
        }
    }
}

fn led(key: &Key, host: &str) -> String {
    let Key { name, to, .. } = key;
    format!(
        "`{to}` names another host now ({host:?}), and the {name} that is kept is for the one \
         before: give it anew, or have an admin make this change"
    )
}

/// Where a hidden key would be sent to now, and was not before.
fn another_host(key: &Key, sent: &Map<String, Value>, old: &Map<String, Value>) -> Option<String> {
    let of = |body: &Map<String, Value>| body.get(key.to).map(hosts).unwrap_or_default();
    let before = of(old);
    of(sent).into_iter().find(|it| !before.contains(it))
}

/// The hosts that a value leads to: of a URI, a URL, a host, a table with a `host`, or a list.
fn hosts(value: &Value) -> BTreeSet<String> {
    match value {
        Value::String(text) => host(text).into_iter().collect(),
        Value::Array(items) => items.iter().flat_map(hosts).collect(),
        Value::Object(map) => map.get("host").map(hosts).unwrap_or_default(),
        Value::Null | Value::Bool(_) | Value::Number(_) => BTreeSet::new(),
    }
}

/// With all that says how it is reached: TLS, or the open; another port is another program.
fn host(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    if text.contains("://") {
        return Some(shortened(&text));
    }
    match text.split_once(':') {
        // Of a SIP URI all behind the user (RFC 3261 section 19.1): `maddr` is an address, too.
        Some((scheme @ ("sip" | "sips"), rest)) => {
            let behind = rest.rsplit_once('@').map_or(rest, |it| it.1);
            Some(format!("{scheme}:{behind}"))
        }
        Some(("client", _)) => None,
        // Phone numbers are the trunk's business.
        _ if text.starts_with('+') || text.bytes().all(|it| it.is_ascii_digit()) => None,
        _ => Some(text),
    }
}

fn is_table(key: &Key) -> bool {
    matches!((key.shape)(), Shape::Table { .. })
}

#[cfg(test)]
mod tests;
