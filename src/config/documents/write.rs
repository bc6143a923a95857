//! Documents as TOML: keys in the order of their definition, small tables as dotted keys or in one
//! line, long ones under a head of their own. The same documents give the same text.

use std::fmt::Write;
use std::ops::Range;

use serde_json::{Map, Value};

use super::{Documents, Kind, escaped};
use crate::config::keys::{Given, Key};
use crate::config::shape::Shape;

/// Lines are not made longer than this, if that can be helped.
const WIDTH: usize = 100;

/// The text, and where everything of it came from.
pub(super) struct Written {
    pub text: String,
    places: Vec<Place>,
}

/// Where an entry of a document stands: its key and its value.
pub(super) struct Place {
    span: Range<usize>,
    pub document: usize,
    pointer: String,
    /// Where the characters of a text begin, if each stands for itself.
    characters: Option<usize>,
}

pub(super) fn toml(documents: &Documents, commented: bool) -> Written {
    write(documents, commented, false)
}

impl Written {
    /// The same with places, which are not wanted as long as all is well.
    pub fn placed(self, documents: &Documents) -> Self {
        write(documents, false, true)
    }

    /// The smallest thing around this byte.
    pub fn at(&self, byte: usize) -> Option<&Place> {
        let around = self.places.iter().filter(|it| it.span.contains(&byte));
        around.min_by_key(|it| it.span.len())
    }
}

impl Place {
    /// Its pointer; where `keys` (`no_answer.timeout`) lead on from there or aside, that. (A key
    /// that is missing is told at its table, which may be the first line of dotted keys.)
    pub fn pointer_with(&self, keys: &str) -> String {
        let is_index = |it: &&str| it.parse::<usize>().is_ok();
        let steps: Vec<&str> = self.pointer.split('/').skip(1).collect();
        let named = steps.iter().filter(|it| !is_index(it));
        let named: Vec<_> = named.map(|it| it.replace("~1", "/").replace("~0", "~")).collect();
        let so_far = named.join(".");
        if so_far.starts_with(keys) {
            return self.pointer.clone();
        }
        if let Some(beyond) = keys.strip_prefix(&so_far).and_then(|it| it.strip_prefix('.')) {
            return format!("{}{}", self.pointer, super::pointer(beyond));
        }
        let keys: Vec<&str> = keys.split('.').collect();
        let common = named.iter().zip(&keys).take_while(|it| it.0 == it.1).count();
        let (mut pointer, mut seen) = (String::new(), 0);
        for step in steps {
            seen += usize::from(!is_index(&step));
            if common < seen {
                break;
            }
            pointer.push('/');
            pointer.push_str(step);
        }
        let aside = keys.get(common..).unwrap_or_default().join(".");
        pointer + &super::pointer(&aside)
    }

    /// Which character of the text at this place the byte is, counted from 1.
    pub fn column(&self, byte: usize, text: &str) -> Option<u32> {
        let before = text.get(self.characters?..byte)?;
        u32::try_from(before.chars().count() + 1).ok()
    }
}

fn write(documents: &Documents, commented: bool, placing: bool) -> Written {
    let mut writer =
        Writer { out: Written { text: String::new(), places: Vec::new() }, placing, document: 0 };
    for kind in Kind::all() {
        let of_kind = || documents.0.iter().enumerate().filter(|(_, it)| it.kind == kind);
        if commented && of_kind().next().is_some() {
            writer.comment(kind);
        }
        for (at, document) in of_kind() {
            writer.document = at;
            let start = writer.out.text.len();
            if start != 0 && !writer.out.text.ends_with("#\n") {
                writer.out.text.push('\n');
            }
            let (head, body) = (format!("[[{}]]", kind.name()), &document.body);
            writer.table(&head, kind.name(), kind.keys(), body, "");
            writer.place(start, "", None);
        }
    }
    writer.out
}

struct Writer {
    out: Written,
    placing: bool,
    document: usize,
}

impl Writer {
    fn comment(&mut self, kind: Kind) {
        let start = if self.out.text.is_empty() { "" } else { "\n" };
        _ = write!(self.out.text, "{start}# {}\n#\n", kind.doc());
    }

    fn place(&mut self, start: usize, pointer: &str, characters: Option<usize>) {
        if self.placing {
            let (pointer, document) = (pointer.to_owned(), self.document);
            let span = start..self.out.text.len().max(start + 1);
            self.out.places.push(Place { span, document, pointer, characters });
        }
    }

    /// A table under a head of its own.
    fn table(
        &mut self,
        head: &str,
        path: &str,
        keys: &'static [Key],
        map: &Map<String, Value>,
        at: &str,
    ) {
        self.out.text.push_str(head);
        self.out.text.push('\n');
        let entries = ordered(keys, map);
        let (blocks, lines): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|(name, key, value)| is_block(name, *key, value));
        for (name, key, value) in lines {
            self.line(&bare(name), key, value, &format!("{at}/{}", escaped(name)));
        }
        for (name, key, value) in blocks {
            let (path, at) = (format!("{path}.{}", bare(name)), format!("{at}/{}", escaped(name)));
            let start = self.out.text.len();
            let keys = key.map_or(&[][..], |it| it.keys);
            match value {
                Value::Object(map) => {
                    self.out.text.push('\n');
                    self.table(&format!("[{path}]"), &path, keys, map, &at);
                }
                Value::Array(items) => {
                    for (n, item) in items.iter().enumerate() {
                        let (start, at) = (self.out.text.len(), format!("{at}/{n}"));
                        self.out.text.push('\n');
                        if let Value::Object(map) = item {
                            self.table(&format!("[[{path}]]"), &path, keys, map, &at);
                        }
                        self.place(start, &at, None);
                    }
                }
                _ => (),
            }
            self.place(start, &at, None);
        }
    }

    /// `key = value`; the keys of a table that is one of its own as `key.inner = value`.
    fn line(&mut self, name: &str, key: Option<&'static Key>, value: &Value, at: &str) {
        let start = self.out.text.len();
        let is_table = key.is_some_and(|it| matches!((it.shape)(), Shape::Table { .. }));
        if let (Some(key), Value::Object(map), true) = (key, value, is_table)
            && !map.is_empty()
        {
            for (inner, key, value) in ordered(key.keys, map) {
                let at = format!("{at}/{}", escaped(inner));
                self.line(&format!("{name}.{}", bare(inner)), key, value, &at);
            }
            self.place(start, at, None);
            return;
        }
        _ = write!(self.out.text, "{name} = ");
        let characters = match value {
            Value::Array(items) if WIDTH < name.len() + 3 + length(value) => {
                self.long_list(items, at);
                None
            }
            _ => self.value(value, at),
        };
        self.out.text.push('\n');
        self.place(start, at, characters);
    }

    fn long_list(&mut self, items: &[Value], at: &str) {
        self.out.text.push_str("[\n");
        for (n, item) in items.iter().enumerate() {
            self.out.text.push_str("  ");
            self.element(item, &format!("{at}/{n}"));
            self.out.text.push_str(",\n");
        }
        self.out.text.push(']');
    }

    fn element(&mut self, item: &Value, at: &str) {
        let start = self.out.text.len();
        let characters = self.value(item, at);
        self.place(start, at, characters);
    }

    /// A value in one line. Where its characters begin, if it is a text.
    fn value(&mut self, value: &Value, at: &str) -> Option<usize> {
        let out = &mut self.out.text;
        match value {
            Value::String(text) => return quoted(out, text),
            Value::Array(items) => {
                out.push('[');
                for (n, item) in items.iter().enumerate() {
                    self.out.text.push_str(if n == 0 { "" } else { ", " });
                    self.element(item, &format!("{at}/{n}"));
                }
                self.out.text.push(']');
            }
            Value::Object(map) if map.is_empty() => out.push_str("{}"),
            Value::Object(map) => {
                out.push_str("{ ");
                for (n, (key, value)) in map.iter().enumerate() {
                    self.out.text.push_str(if n == 0 { "" } else { ", " });
                    let (start, at) = (self.out.text.len(), format!("{at}/{}", escaped(key)));
                    _ = write!(self.out.text, "{} = ", bare(key));
                    let characters = self.value(value, &at);
                    self.place(start, &at, characters);
                }
                self.out.text.push_str(" }");
            }
            // Keys without a value are left out before; in a list the reader says what is wrong.
            Value::Null => out.push_str("\"\""),
            Value::Bool(_) | Value::Number(_) => _ = write!(out, "{value}"),
        }
        None
    }
}

/// Its entries in the order of the definition, unknown ones behind them.
fn ordered<'m>(
    keys: &'static [Key],
    map: &'m Map<String, Value>,
) -> Vec<(&'m str, Option<&'static Key>, &'m Value)> {
    let place = |name: &str| keys.iter().position(|it| it.name == name).unwrap_or(keys.len());
    let key = |name: &str| keys.iter().find(|it| it.name == name);
    let there = map.iter().filter(|(_, value)| !value.is_null());
    let mut entries: Vec<_> =
        there.map(|(name, value)| (name.as_str(), key(name), value)).collect();
    entries.sort_by_key(|(name, ..)| place(name));
    entries
}

/// Whether it stands under a head of its own.
fn is_block(name: &str, key: Option<&Key>, value: &Value) -> bool {
    match value {
        Value::Array(items) => {
            key.is_some_and(|it| matches!(it.given, Given::Tables))
                && !items.is_empty()
                && items.iter().all(Value::is_object)
        }
        Value::Object(_) => {
            let by_name = key.is_some_and(|it| matches!((it.shape)(), Shape::Entries(_)));
            by_name && WIDTH < name.len() + 3 + length(value)
        }
        _ => false,
    }
}

/// How long a value is in one line, about.
fn length(value: &Value) -> usize {
    value.to_string().len()
}

/// A key: bare if it can be.
fn bare(key: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(plain) {
        return key.to_owned();
    }
    let mut out = String::new();
    quoted(&mut out, key);
    out
}

/// A text: in the quotes that leave its characters as they are, if there are such.
fn quoted(out: &mut String, text: &str) -> Option<usize> {
    let control = text.chars().any(|c| c.is_control());
    let quote = match text.contains(['"', '\\']) {
        _ if control => None,
        false => Some('"'),
        true if !text.contains('\'') => Some('\''),
        true => None,
    };
    if let Some(quote) = quote {
        out.push(quote);
        let start = out.len();
        _ = write!(out, "{text}{quote}");
        return Some(start);
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => _ = write!(out, "\\{c}"),
            c if c.is_control() => _ = write!(out, "\\u{:04X}", u32::from(c)),
            c => out.push(c),
        }
    }
    out.push('"');
    None
}
