//! One definition per key: name, type, default, doc.
//!
//! [`section!`] makes of it the struct that the program reads, the reader with its checks, and the
//! list that the reference configuration is printed from. A key is one of
//!
//! - `default("45")`: what holds if it is not there, as TOML
//! - `optional("\"shop\"")`: nothing if it is not there; here an example
//! - `shown("\"shop\"")`: optional, and part of the reference, for one of a kind must be there
//! - `required("\"shop\"")`: must be there; here an example
//! - `table()`, `optional_table()`, `tables()`: keys of its own, perhaps none, any number of times
//!
//! `names trunk` behind it says what a name is the name of; `to url`, behind a key that is never
//! shown, which key beside it says where it is sent.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Wrong, guess};
use super::shape::Shape;

/// A type that the value of a key can have.
pub(super) trait Value: Sized {
    /// Its own keys, if it is a table.
    const KEYS: &'static [Key] = &[];

    fn read(item: &Item<'_>) -> Result<Self, Wrong>;

    /// What may be written, in words.
    fn allowed() -> String;

    /// The same for programs: what a form shows, what a schema says.
    fn shape() -> Shape {
        Shape::Text
    }
}

/// A table with keys of its own.
pub(super) trait Section: Sized {
    const KEYS: &'static [Key];

    fn from_table(table: &Table<'_>) -> Result<Self, Wrong>;
}

/// What is known of a key.
#[derive(Clone, Copy)]
pub(super) struct Key {
    pub name: &'static str,
    pub doc: &'static [&'static str],
    pub given: Given,
    pub allowed: fn() -> String,
    pub shape: fn() -> Shape,
    /// What its names are names of: `trunk`. Empty if it has none, or gives one.
    pub names: &'static str,
    /// The key beside it that says where what is hidden here is sent. Empty if it stays with us.
    pub to: &'static str,
    pub keys: &'static [Key],
}

/// What holds if a key is not there.
#[derive(Clone, Copy)]
pub(super) enum Given {
    Default(&'static str),
    Optional(&'static str),
    Shown(&'static str),
    Required(&'static str),
    Table,
    OptionalTable,
    Tables,
}

impl Given {
    pub const fn default(toml: &'static str) -> Self {
        Self::Default(toml)
    }

    pub const fn optional(example: &'static str) -> Self {
        Self::Optional(example)
    }

    pub const fn shown(example: &'static str) -> Self {
        Self::Shown(example)
    }

    pub const fn required(example: &'static str) -> Self {
        Self::Required(example)
    }

    pub const fn table() -> Self {
        Self::Table
    }

    pub const fn optional_table() -> Self {
        Self::OptionalTable
    }

    pub const fn tables() -> Self {
        Self::Tables
    }
}

/// A value in the file.
#[derive(Clone)]
pub(super) struct Item<'a> {
    pub value: &'a DeValue<'a>,
    pub span: Range<usize>,
    pub text: &'a str,
}

impl<'a> Item<'a> {
    pub fn new(value: &'a Spanned<DeValue<'a>>, text: &'a str) -> Self {
        Self { value: value.get_ref(), span: value.span(), text }
    }

    pub fn wrong(&self, message: impl Into<String>) -> Wrong {
        Wrong::at(self.span.clone(), message)
    }

    pub fn str(&self) -> Result<&'a str, Wrong> {
        match self.value {
            DeValue::String(text) => Ok(text.as_ref()),
            other => Err(self.wrong(format!("this is {}, not text", kind(other)))),
        }
    }

    pub fn table(&self) -> Result<Table<'a>, Wrong> {
        match self.value {
            DeValue::Table(table) => Ok(Table::new(table, self.span.clone(), self.text)),
            other => Err(self.wrong(format!("this is {}, not a table", kind(other)))),
        }
    }

    pub fn list(&self) -> Result<Vec<Item<'a>>, Wrong> {
        match self.value {
            DeValue::Array(items) => Ok(items.iter().map(|it| Item::new(it, self.text)).collect()),
            other => Err(self.wrong(format!("this is {}, not a list", kind(other)))),
        }
    }

    /// This as a table with a single key: the short form of a section.
    pub fn as_only(&self, key: &'a str) -> Table<'a> {
        let entry = (key, self.span.clone(), self.clone());
        Table { entries: vec![entry], span: self.span.clone() }
    }

    /// Where the character with this column (from 1) of the text stands, if the text is written
    /// without escapes; else where the value begins.
    pub fn inside(&self, column: usize) -> Range<usize> {
        let (raw, DeValue::String(text)) = (self.text.get(self.span.clone()), self.value) else {
            return self.span.clone();
        };
        let plain =
            raw.and_then(|it| it.get(1..it.len() - 1)).is_some_and(|it| it == text.as_ref());
        if !plain {
            return self.span.clone();
        }
        let before: usize = text.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum();
        let start = self.span.start + 1 + before;
        start..start
    }
}

/// What a TOML value is called in a message.
pub(super) fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The keys of a table in the file.
pub(super) struct Table<'a> {
    entries: Vec<(&'a str, Range<usize>, Item<'a>)>,
    span: Range<usize>,
}

/// Where the values of a section stand, for what can only be checked with all of the file at hand.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    whole: Range<usize>,
    keys: BTreeMap<String, Range<usize>>,
}

impl Places {
    /// Where the value of `key` stands; the section's own place if it is not there.
    pub fn of(&self, key: &str) -> Range<usize> {
        self.keys.get(key).unwrap_or(&self.whole).clone()
    }

    pub fn has(&self, key: &str) -> bool {
        self.keys.contains_key(key)
    }

    pub fn wrong(&self, key: &str, message: impl Into<String>) -> Wrong {
        Wrong::at(self.of(key), message).under(key)
    }
}

impl<'a> Table<'a> {
    pub fn new(table: &'a DeTable<'a>, span: Range<usize>, text: &'a str) -> Self {
        let entry = |(key, value): (&'a Spanned<_>, _)| {
            let name: &std::borrow::Cow<'a, str> = key.get_ref();
            (name.as_ref(), key.span(), Item::new(value, text))
        };
        let mut entries: Vec<_> = table.iter().map(entry).collect();
        entries.sort_by_key(|it| it.1.start);
        Self { entries, span }
    }

    pub fn places(&self) -> Places {
        let keys = self.entries.iter().map(|(key, _, it)| ((*key).to_owned(), it.span.clone()));
        Places { whole: self.span.clone(), keys: keys.collect() }
    }

    /// Refuses every key that is not among these.
    pub fn knows(&self, keys: &[Key]) -> Result<(), Wrong> {
        let names = || keys.iter().map(|it| it.name);
        let unknown = self.entries.iter().find(|(key, ..)| !names().any(|it| it == *key));
        let Some((key, span, _)) = unknown else { return Ok(()) };
        let message = match super::routes::ROUTES.contains(key) {
            true => format!("there is no such key; a route is written route = {{ {key} = .. }}"),
            false => format!("there is no such key{}", guess(key, names())),
        };
        let allowed = names().collect::<Vec<_>>().join(", ");
        Err(Wrong::at(span.clone(), message).allowed(allowed).under(key))
    }

    /// Each key, where it stands, and its value; in the order of the file.
    pub fn entries(&self) -> &[(&'a str, Range<usize>, Item<'a>)] {
        &self.entries
    }

    pub fn get(&self, key: &str) -> Option<&Item<'a>> {
        self.entries.iter().find(|(name, ..)| *name == key).map(|it| &it.2)
    }

    pub fn default<T: Value>(&self, key: &str, toml: &str) -> Result<T, Wrong> {
        match self.get(key) {
            Some(item) => one(item, key),
            None => given(key, toml).map_err(|it| Wrong { span: self.span.clone(), ..it }),
        }
    }

    pub fn optional<T: Value>(&self, key: &str, _example: &str) -> Result<Option<T>, Wrong> {
        self.get(key).map(|item| one(item, key)).transpose()
    }

    pub fn shown<T: Value>(&self, key: &str, example: &str) -> Result<Option<T>, Wrong> {
        self.optional(key, example)
    }

    pub fn required<T: Value>(&self, key: &str, example: &str) -> Result<T, Wrong> {
        match self.get(key) {
            Some(item) => one(item, key),
            None => {
                Err(Wrong::at(self.span.clone(), format!("needs `{key}`, as in {key} = {example}"))
                    .under(key)
                    .allowed(T::allowed()))
            }
        }
    }

    pub fn table<T: Value>(&self, key: &str) -> Result<T, Wrong> {
        match self.get(key) {
            Some(item) => one(item, key),
            None => given(key, "{}").map_err(|it| Wrong { span: self.span.clone(), ..it }),
        }
    }

    pub fn optional_table<T: Value>(&self, key: &str) -> Result<Option<T>, Wrong> {
        self.optional(key, "")
    }

    pub fn tables<T: Value>(&self, key: &str) -> Result<Vec<T>, Wrong> {
        let Some(item) = self.get(key) else { return Ok(Vec::new()) };
        let items = item.list().map_err(|it| it.under(key).allowed(format!("[[{key}]]")))?;
        items.iter().map(|it| one(it, key)).collect()
    }
}

fn one<T: Value>(item: &Item<'_>, key: &str) -> Result<T, Wrong> {
    T::read(item).map_err(|it| match it.key.is_empty() {
        true => it.allowed(T::allowed()).under(key),
        false => it.under(key),
    })
}

/// A value that is not in the file but in the definition of its key.
pub(super) fn given<T: Value>(key: &str, toml: &str) -> Result<T, Wrong> {
    let text = format!("it = {toml}");
    let wrong = |message: &str| Wrong::at(0..0, message.to_owned()).under(key);
    let document = DeTable::parse(&text).map_err(|it| wrong(it.message()))?;
    match document.get_ref().get("it") {
        Some(value) => T::read(&Item::new(value, &text)).map_err(|it| it.under(key)),
        None => Err(wrong("has no default")),
    }
}

impl<T: Value> Value for Option<T> {
    const KEYS: &'static [Key] = T::KEYS;

    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        T::read(item).map(Some)
    }

    fn allowed() -> String {
        T::allowed()
    }

    fn shape() -> Shape {
        T::shape()
    }
}

impl<T: Value> Value for Vec<T> {
    const KEYS: &'static [Key] = T::KEYS;

    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        item.list()?.iter().map(T::read).collect()
    }

    fn allowed() -> String {
        format!("a list, each {}", T::allowed())
    }

    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }
}

/// Defines a section: see the head of this file.
macro_rules! section {
    (
        $(#[doc = $doc:literal])*
        $name:ident {
            $($(#[doc = $key_doc:literal])*
            $key:ident: $type:ty = $kind:ident($($toml:literal)?) $(names $named:ident)? $(to $to:ident)?;)*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            $($(#[doc = $key_doc])* pub $key: $type,)*
            #[allow(dead_code, reason = "not every section has something to cross-check")]
            pub(in crate::config) places: $crate::config::keys::Places,
        }

        impl $crate::config::keys::Section for $name {
            const KEYS: &'static [$crate::config::keys::Key] = &[$(
                $crate::config::keys::Key {
                    name: stringify!($key),
                    doc: &[$($key_doc),*],
                    given: $crate::config::keys::Given::$kind($($toml)?),
                    allowed: <$type as $crate::config::keys::Value>::allowed,
                    shape: <$type as $crate::config::keys::Value>::shape,
                    names: concat!($(stringify!($named))?),
                    to: concat!($(stringify!($to))?),
                    keys: <$type as $crate::config::keys::Value>::KEYS,
                },
            )*];

            fn from_table(
                table: &$crate::config::keys::Table<'_>,
            ) -> Result<Self, $crate::config::error::Wrong> {
                table.knows(<Self as $crate::config::keys::Section>::KEYS)?;
                Ok(Self {
                    $($key: table.$kind(stringify!($key) $(, $toml)?)?,)*
                    places: table.places(),
                })
            }
        }
    };
}

/// Lets sections be values: tables only, or also the short form that stands for their first key.
macro_rules! tables {
    ($($name:ident $(or $short:literal)?),* $(,)?) => {$(
        impl $crate::config::keys::Value for $name {
            const KEYS: &'static [$crate::config::keys::Key] =
                <Self as $crate::config::keys::Section>::KEYS;

            fn read(
                item: &$crate::config::keys::Item<'_>,
            ) -> Result<Self, $crate::config::error::Wrong> {
                $(if !matches!(item.value, toml::de::DeValue::Table(_)) {
                    return <Self as $crate::config::keys::Section>::from_table(&item.as_only($short));
                })?
                <Self as $crate::config::keys::Section>::from_table(&item.table()?)
            }

            fn allowed() -> String {
                let keys = <Self as $crate::config::keys::Section>::KEYS;
                let keys = keys.iter().map(|it| it.name).collect::<Vec<_>>().join(", ");
                format!("a table with the keys {keys}")
            }

            fn shape() -> $crate::config::shape::Shape {
                $crate::config::shape::Shape::Table { short: concat!($($short)?) }
            }
        }
    )*};
}

pub(super) use {section, tables};
