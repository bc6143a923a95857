//! The directory as documents: each noun of the trade a JSON object with the keys of its table in
//! the file (`[[receiving_number]]` is the kind `receiving_number`).
//!
//! Documents have no definition and no validator of their own. They are written as the TOML of a
//! file (`write`) and read by the reader of files; what that finds wrong is led back from its place
//! in the TOML to the document, key and column it came from ([`Fault`]). What there is of kinds and
//! keys comes from the same list that the reference is printed from (`kind`, `schema`).

mod diff;
mod hidden;
mod kind;
mod read;
mod references;
mod schema;
mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use toml::de::DeTable;

pub use self::diff::{Change, Diff};
pub use self::hidden::{hide, keep_hidden, shorten};
pub use self::kind::Kind;
pub use self::read::Imported;
pub use self::references::{Reference, rename, uses_of};
pub use self::schema::{json_schemas, schema};
use super::error::Wrong;
use super::file::File;
use super::keys::{Section, Table};
use super::{Config, ConfigError, build};

/// A document: its kind, its name, and the keys of its table.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub kind: Kind,
    pub name: String,
    pub body: Map<String, Value>,
}

/// The directory. The order of documents of one kind is that of their tables in a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Documents(pub Vec<Document>);

/// The file around the directory: all of it but the tables of the kinds, which are left out.
#[derive(Clone, Debug)]
pub struct Shell {
    text: String,
    file: String,
    folder: PathBuf,
}

/// What is wrong with a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fault {
    /// Empty if it is not in a document but in the file around them.
    pub kind: String,
    pub name: String,
    /// A JSON pointer into the document (RFC 6901); empty for all of it.
    pub pointer: String,
    /// The character of the text at the pointer, counted from 1.
    pub column: Option<u32>,
    pub message: String,
    /// What would be right; empty if the message says it.
    pub allowed: Box<str>,
}

impl Shell {
    /// `file` is what messages call it; prompts are looked for from `folder` on.
    pub fn new(text: impl Into<String>, file: impl Into<String>, folder: &Path) -> Self {
        Self { text: text.into(), file: file.into(), folder: folder.to_owned() }
    }

    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let (text, file, folder) = super::read_file(path)?;
        Ok(Self { text, file, folder })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The documents that stand in it.
    pub fn documents(&self) -> Result<Documents, ConfigError> {
        Documents::inside(&self.text, &self.file)
    }

    /// All of it as it stands, its own documents too.
    pub fn config(&self) -> Result<Config, ConfigError> {
        super::load(&self.text, &self.file, &self.folder)
    }
}

impl Document {
    /// From what somebody sent: an object with the keys of the kind. Keys without a value are left
    /// out, and those that an answer adds (`_name`, `_revision`, ..).
    pub fn new(kind: Kind, body: Value) -> Result<Self, Fault> {
        let fault = |pointer: String, message: &str| Fault {
            kind: kind.name().to_owned(),
            pointer,
            message: message.to_owned(),
            ..Fault::default()
        };
        let Value::Object(mut body) = body else {
            return Err(fault(String::new(), "this is not an object"));
        };
        body.retain(|key, _| !key.starts_with('_'));
        for (key, value) in &mut body {
            without_nulls(value, &format!("/{}", escaped(key)))
                .map_err(|at| fault(at, "there is a null in a list"))?;
        }
        body.retain(|_, value| !value.is_null());
        let key = kind.name_key();
        match body.get(key) {
            Some(Value::String(name)) => Ok(Self { kind, name: name.clone(), body }),
            Some(_) => Err(fault(format!("/{key}"), "this is not text")),
            None => Err(fault(format!("/{key}"), &format!("needs `{key}`, a name"))),
        }
    }
}

impl Documents {
    pub fn get(&self, kind: Kind, name: &str) -> Option<&Document> {
        self.0.iter().find(|it| it.kind == kind && it.name == name)
    }

    /// All of them by kind and name, for who looks for many.
    pub fn by_name(&self) -> BTreeMap<(&'static str, &str), &Document> {
        self.0.iter().map(|it| ((it.kind.name(), it.name.as_str()), it)).collect()
    }

    /// The same without what is never shown.
    pub fn without_hidden(mut self) -> Self {
        for it in &mut self.0 {
            hide(it.kind, &mut it.body);
        }
        self
    }

    /// As the tables of a file: the same documents always give the same text. `commented` says
    /// what the kinds are.
    pub fn to_toml(&self, commented: bool) -> String {
        write::toml(self, commented).text
    }

    /// Checks them all together, inside of this file: the one way to a directory.
    pub fn check(&self, shell: &Shell) -> Result<Config, Fault> {
        // Behind blanks as long as the file around them, so that a place says which text it is in.
        let written = write::toml(self, false);
        let before = shell.text.len() + 1;
        let documents = " ".repeat(before) + &written.text;
        let all = format!("{}\n{}", shell.text, written.text);
        let read = || {
            let around = parsed(&shell.text)?;
            let inner = parsed(&documents)?;
            let span = around.span();
            let mut table = around.into_inner();
            for kind in Kind::all() {
                table.remove(kind.name());
            }
            for (key, value) in inner.into_inner() {
                table.insert(key, value);
            }
            build::config(File::from_table(&Table::new(&table, span, &all))?, &all, &shell.folder)
        };
        read().map_err(|wrong| self.fault(wrong, shell, before, &all))
    }

    /// Leads what is wrong back to where it came from.
    fn fault(&self, wrong: Wrong, shell: &Shell, before: usize, all: &str) -> Fault {
        let written = write::toml(self, false).placed(self);
        let message = named(&wrong.message, all, |byte| {
            let place = written.at(byte.checked_sub(before)?)?;
            self.0.get(place.document).map(|it| format!("{} {:?}", it.kind.name(), it.name))
        });
        let here = wrong.span.start.checked_sub(before);
        let place = here.filter(|_| wrong.span != (0..0)).and_then(|it| written.at(it));
        let keys = wrong.key.split_once('.').map_or("", |it| it.1);
        let Some((place, document)) = place.and_then(|it| Some((it, self.0.get(it.document)?)))
        else {
            if here.is_none() && wrong.span != (0..0) {
                let allowed = wrong.allowed.as_str().into();
                let message = wrong.placed(&shell.file, all).to_string();
                return Fault { message, allowed, ..Fault::default() };
            }
            let kind = wrong.key.split('.').next().unwrap_or_default().to_owned();
            let pointer = pointer(keys);
            let allowed = wrong.allowed.into();
            return Fault { kind, pointer, message, allowed, ..Fault::default() };
        };
        Fault {
            kind: document.kind.name().to_owned(),
            name: document.name.clone(),
            pointer: inside(document, place.pointer_with(keys)),
            column: here.and_then(|it| place.column(it, &written.text)),
            message,
            allowed: wrong.allowed.into(),
        }
    }
}

/// As much of a pointer as there are tables to go into: `/accept` where `/accept/key` was written
/// in the short form.
fn inside(document: &Document, pointer: String) -> String {
    let mut found = String::new();
    let mut here: Option<&Value> = None;
    for step in pointer.split('/').skip(1) {
        let name = step.replace("~1", "/").replace("~0", "~");
        let within = match here {
            None => document.body.get(&name),
            Some(Value::Object(map)) => map.get(&name),
            Some(Value::Array(items)) => name.parse::<usize>().ok().and_then(|it| items.get(it)),
            Some(_) => break,
        };
        found.push('/');
        found.push_str(step);
        match within {
            Some(within) => here = Some(within),
            None => break,
        }
    }
    found
}

fn parsed(text: &str) -> Result<toml::Spanned<DeTable<'_>>, Wrong> {
    if super::FILE_MAX < text.len() {
        return Err(Wrong::at(0..0, format!("all of it is larger than {} bytes", super::FILE_MAX)));
    }
    DeTable::parse(text)
        .map_err(|it| Wrong::at(it.span().unwrap_or_default(), it.message().to_owned()))
}

/// Leaves out keys without a value; where a list has such, that is wrong.
fn without_nulls(value: &mut Value, at: &str) -> Result<(), String> {
    match value {
        Value::Object(map) => {
            map.retain(|_, it| !it.is_null());
            for (key, it) in map {
                without_nulls(it, &format!("{at}/{}", escaped(key)))?;
            }
        }
        Value::Array(items) => {
            for (n, it) in items.iter_mut().enumerate() {
                let at = format!("{at}/{n}");
                if it.is_null() {
                    return Err(at);
                }
                without_nulls(it, &at)?;
            }
        }
        _ => (),
    }
    Ok(())
}

/// `no_answer.timeout` as a JSON pointer.
fn pointer(keys: &str) -> String {
    keys.split('.').filter(|it| !it.is_empty()).map(|it| format!("/{}", escaped(it))).collect()
}

/// A key as a JSON pointer writes it (RFC 6901 section 3).
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// `.. is already there, in line 12`: nobody sees that line; says which document it is in instead.
fn named(message: &str, text: &str, document: impl Fn(usize) -> Option<String>) -> String {
    let told = message.rsplit_once(", in line ").and_then(|(told, line)| {
        let line: usize = line.parse().ok()?;
        let byte = text.match_indices('\n').nth(line.checked_sub(2)?)?.0 + 1;
        Some(format!("{told}: {}", document(byte)?))
    });
    told.unwrap_or_else(|| message.to_owned())
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.kind.is_empty() {
            write!(f, "{} {:?}", self.kind, self.name)?;
            if !self.pointer.is_empty() {
                write!(f, ", {}", self.pointer)?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.message)?;
        if !self.allowed.is_empty() {
            write!(f, "\n  allowed: {}", self.allowed)?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}

#[cfg(test)]
mod tests;
