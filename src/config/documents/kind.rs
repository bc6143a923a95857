//! Kinds of documents: the tables of the file that may be there any number of times.

use std::fmt;

use crate::config::file::File;
use crate::config::keys::{Given, Key, Section};
use crate::config::shape::Shape;

/// A kind of documents.
#[derive(Clone, Copy)]
pub struct Kind(&'static Key);

/// Only a file can have them: they stand for many documents each.
const FILE_ONLY: &[&str] = &["account_range"];

impl Kind {
    /// All of them, in the order of the file.
    pub fn all() -> impl Iterator<Item = Self> {
        let kinds = <File as Section>::KEYS.iter().map(Self);
        kinds.filter(|it| matches!(it.0.given, Given::Tables) && !FILE_ONLY.contains(&it.0.name))
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|it| it.name() == name)
    }

    /// `receiving_number`: its table in the file.
    pub fn name(self) -> &'static str {
        self.0.name
    }

    /// `receiving_numbers`: its place in the API.
    pub fn plural(self) -> String {
        match self.name().ends_with('s') {
            true => self.name().to_owned(),
            false => format!("{}s", self.name()),
        }
    }

    /// `receiving number`, for people.
    pub fn words(self) -> String {
        self.name().replace('_', " ")
    }

    /// The key that names a document of this kind: the first that is a name.
    pub fn name_key(self) -> &'static str {
        let key = self.keys().iter().find(|it| (it.shape)() == Shape::Name);
        key.map_or("name", |it| it.name)
    }

    /// Whether a document must have a name; else one is made up.
    pub(super) fn needs_name(self) -> bool {
        let key = self.keys().iter().find(|it| it.name == self.name_key());
        key.is_none_or(|it| matches!(it.given, Given::Required(_)))
    }

    pub fn doc(self) -> String {
        self.0.doc.iter().map(|it| it.trim()).collect::<Vec<_>>().join(" ")
    }

    pub(in crate::config) fn keys(self) -> &'static [Key] {
        self.0.keys
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Kind {}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
