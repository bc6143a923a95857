//! Names in the file: who has which, and whether what is named is there.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::error::{Wrong, guess, place};
use super::value::Name;

/// The names of one kind of thing.
pub(super) struct Index<'a> {
    what: &'static str,
    text: &'a str,
    places: BTreeMap<Arc<str>, Range<usize>>,
}

impl<'a> Index<'a> {
    pub fn new(what: &'static str, text: &'a str) -> Self {
        Self { what, text, places: BTreeMap::new() }
    }

    /// Takes a name, unless it is taken.
    pub fn add(&mut self, name: &Name) -> Result<(), Wrong> {
        self.add_at(name.text.clone(), name.span.clone())
    }

    pub fn add_at(&mut self, name: Arc<str>, span: Range<usize>) -> Result<(), Wrong> {
        if let Some(first) = self.places.get(&name) {
            let (line, _) = place(self.text, first.start);
            let message = format!("{} {name:?} is already there, in line {line}", self.what);
            return Err(Wrong::at(span, message));
        }
        self.places.insert(name, span);
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Where the thing with this name has it.
    pub fn place_of(&self, name: &str) -> Range<usize> {
        self.places.get(name).cloned().unwrap_or_default()
    }

    /// The thing that is named, if there is one.
    pub fn find(&self, name: &Name) -> Result<Arc<str>, Wrong> {
        self.find_at(&name.text, name.span.clone())
    }

    pub fn find_at(&self, name: &str, span: Range<usize>) -> Result<Arc<str>, Wrong> {
        if let Some((name, _)) = self.places.get_key_value(name) {
            return Ok(name.clone());
        }
        let names = || self.places.keys().map(|it| &**it);
        let message = format!("there is no {} {name:?}{}", self.what, guess(name, names()));
        let some: Vec<_> = names().take(SHOWN).collect();
        let more = if SHOWN < self.places.len() { ", ..." } else { "" };
        Err(Wrong::at(span, message).allowed(format!("{}{more}", some.join(", "))))
    }
}

/// Names that a message lists at most.
const SHOWN: usize = 12;
