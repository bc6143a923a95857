//! What makes two directories different.

use std::fmt;

use serde_json::{Map, Value};

use super::{Document, Documents, Kind, escaped, hide};

/// From one directory to another. The order of documents is no difference.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diff {
    pub added: Vec<Document>,
    pub changed: Vec<Change>,
    pub removed: Vec<Document>,
}

/// A document that is in both, and not the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub kind: Kind,
    pub name: String,
    pub old: Map<String, Value>,
    pub new: Map<String, Value>,
}

impl Diff {
    pub fn between(old: &Documents, new: &Documents) -> Self {
        let mut diff = Self::default();
        let (before, after) = (old.by_name(), new.by_name());
        for it in &new.0 {
            match before.get(&(it.kind.name(), it.name.as_str())) {
                None => diff.added.push(it.clone()),
                Some(before) if before.body != it.body => diff.changed.push(Change {
                    kind: it.kind,
                    name: it.name.clone(),
                    old: before.body.clone(),
                    new: it.body.clone(),
                }),
                Some(_) => (),
            }
        }
        let is_gone = |it: &&Document| !after.contains_key(&(it.kind.name(), it.name.as_str()));
        let gone = old.0.iter().filter(is_gone);
        diff.removed = gone.cloned().collect();
        diff
    }

    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }

    /// The kinds of everything in it.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        let there = self.added.iter().chain(&self.removed).map(|it| it.kind);
        there.chain(self.changed.iter().map(|it| it.kind))
    }
}

impl Change {
    /// The JSON pointers of what is different: the outermost keys that are not in both, and the
    /// innermost values that are, but not the same. Lists are told whole.
    pub fn pointers(&self) -> Vec<String> {
        let mut found = Vec::new();
        differing(&self.old, &self.new, "", &mut found);
        found
    }
}

fn differing(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    at: &str,
    found: &mut Vec<String>,
) {
    for (key, before) in old {
        let at = format!("{at}/{}", escaped(key));
        match (before, new.get(key)) {
            (before, Some(after)) if before == after => (),
            (Value::Object(before), Some(Value::Object(after))) => {
                differing(before, after, &at, found);
            }
            _ => found.push(at),
        }
    }
    let added = new.keys().filter(|it| !old.contains_key(*it));
    found.extend(added.map(|it| format!("{at}/{}", escaped(it))));
}

impl fmt::Display for Diff {
    /// For people: `+` is added, `-` removed, `~` changed with its values, hidden ones left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for it in &self.removed {
            writeln!(f, "- {} {:?}", it.kind.name(), it.name)?;
        }
        for it in &self.added {
            writeln!(f, "+ {} {:?}", it.kind.name(), it.name)?;
        }
        for it in &self.changed {
            writeln!(f, "~ {} {:?}", it.kind.name(), it.name)?;
            let (mut old, mut new) = (it.old.clone(), it.new.clone());
            hide(it.kind, &mut old);
            hide(it.kind, &mut new);
            let (old, new) = (Value::Object(old), Value::Object(new));
            for pointer in it.pointers() {
                let (before, after) = (old.pointer(&pointer), new.pointer(&pointer));
                let told = |it: Option<&Value>| it.map_or("nothing".to_owned(), Value::to_string);
                match (before, after) {
                    (None, None) => writeln!(f, "    {pointer}: another one, not shown")?,
                    _ => writeln!(f, "    {pointer}: {} -> {}", told(before), told(after))?,
                }
            }
        }
        Ok(())
    }
}
