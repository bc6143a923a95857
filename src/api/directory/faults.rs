//! Why a document is refused, as problems.

use serde_json::{Value, json};

use super::shown;
use crate::api::access::Role;
use crate::api::{Problem, problem};
use crate::config::documents::{Change, Fault, Kind, Reference};
use crate::store::database::{Document as Kept, Edit};

/// What the check found, to whoever sent these edits. Only what they sent can be pointed at.
pub fn problem(fault: &Fault, edits: &[Edit]) -> Problem {
    let sent = match edits {
        [only] => only.kind == fault.kind && (fault.name.is_empty() || only.name == fault.name),
        _ => false,
    };
    let detail = if sent { fault.message.clone() } else { fault.to_string() };
    let told = Problem::wrong_value(detail.clone()).with(problem::Fault {
        pointer: if sent { fault.pointer.clone() } else { String::new() },
        detail,
        column: fault.column,
        allowed: fault.allowed.to_string(),
        ..problem::Fault::default()
    });
    match fault.kind.is_empty() {
        true => told,
        false => told
            .and("kind", fault.kind.clone())
            .and("name", fault.name.clone())
            .and("pointer", fault.pointer.clone()),
    }
}

/// A document is not what it was: as it is now, and what of it is not what was sent. To whoever may
/// change it.
pub fn conflict(kind: &str, name: &str, now: Option<&Kept>, sent: Option<&Value>) -> Problem {
    let Some(now) = now else {
        return Problem::conflict(format!("{kind} {name:?} is not there any more"));
    };
    let message = match now.changed_by.is_empty() {
        true => format!("{kind} {name:?} was changed meanwhile"),
        false => format!("{kind} {name:?} was changed by {:?} meanwhile", now.changed_by),
    };
    let mut told = Problem::conflict(message)
        .and("current_revision", now.revision)
        .and("current", shown::document(now, Role::Manager));
    let known = Kind::named(kind);
    if let (Some(kind), Value::Object(new), Some(Value::Object(old))) = (known, &now.body, sent) {
        let (old, new) = (old.clone(), new.clone());
        let change = Change { kind, name: name.to_owned(), old, new };
        told = told.and("changed", change.pointers());
    }
    told
}

/// It cannot go: others name it.
pub fn in_use(kind: Kind, name: &str, uses: &[Reference]) -> Problem {
    const TOLD: usize = 100;
    let by =
        |it: &Reference| json!({"kind": it.kind.name(), "name": it.name, "pointer": it.pointer});
    let some: Vec<_> = uses.iter().take(TOLD).map(by).collect();
    let first = uses.first().map(|it| format!("{} {:?}", it.kind.words(), it.name));
    let more = match uses.len() {
        0 | 1 => String::new(),
        many => format!(" and {} more", many - 1),
    };
    let first = first.unwrap_or_default();
    let message = format!("{} {name:?} is used by {first}{more}", kind.words());
    Problem::in_use(message).and("used_by", some)
}
