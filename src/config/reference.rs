//! The reference configuration: every key with what it means and its default, printed from the
//! same definitions that the file is read by.
//!
//! `# text` explains, `#key = value` is a key that is not there unless it is written.

use std::fmt::Write;

use super::File;
use super::keys::{Given, Key, Section};
use super::routes::RouteWord;

/// The whole reference, as `configs/reference.toml` has it.
pub fn reference() -> String {
    let mut out = String::from(
        "# Every key there is, what it means, and what holds if it is left out.\n\
         # `crosspoint reference` prints this. Keys after a bare # are not there by default;\n\
         # what they say is an example. Times are \"45s\", \"500ms\", \"1h30m\" or seconds.\n",
    );
    out.push_str(
        "#\n# A route, wherever one stands, is \"hangup\" or a table that names one place:\n",
    );
    for it in RouteWord::REFERENCE {
        inner(&mut out, it);
    }
    for key in <File as Section>::KEYS {
        match key.given {
            Given::Tables => section(&mut out, &format!("[[{}]]", key.name), key, key.name),
            _ => section(&mut out, &format!("[{}]", key.name), key, key.name),
        }
    }
    out
}

/// The names of all sections.
pub(super) fn sections() -> impl Iterator<Item = &'static str> {
    <File as Section>::KEYS.iter().map(|it| it.name)
}

/// A section with its head; sections inside of it that may be there several times follow it.
fn section(out: &mut String, head: &str, section_key: &Key, path: &str) {
    out.push('\n');
    docs(out, section_key.doc, "");
    out.push_str(head);
    out.push('\n');
    let (inner, plain): (Vec<&Key>, Vec<&Key>) =
        section_key.keys.iter().partition(|it| matches!(it.given, Given::Tables));
    for it in plain {
        key(out, it, "", false);
    }
    for it in inner {
        let path = format!("{path}.{}", it.name);
        section(out, &format!("[[{path}]]"), it, &path);
    }
}

/// A key; `absent` if what it belongs to is not there by default.
fn key(out: &mut String, key_: &Key, before: &str, absent: bool) {
    let name = format!("{before}{}", key_.name);
    let hash = if absent { "#" } else { "" };
    docs(out, key_.doc, "");
    let inner = |out: &mut String, absent| {
        for it in key_.keys {
            key(out, it, &format!("{name}."), absent);
        }
    };
    match key_.given {
        Given::Table => inner(out, absent),
        Given::OptionalTable => inner(out, true),
        Given::Tables => (),
        Given::Default(toml) | Given::Shown(toml) | Given::Required(toml) => {
            elements(out, key_);
            _ = writeln!(out, "{hash}{name} = {toml}");
        }
        Given::Optional(toml) => {
            elements(out, key_);
            _ = writeln!(out, "#{name} = {toml}");
        }
    }
}

/// The keys of tables that are written inside of a list or a value.
fn elements(out: &mut String, key_: &Key) {
    let allowed = (key_.allowed)();
    let obvious = ["text", "a name", "true or false"].contains(&allowed.as_str());
    if key_.keys.is_empty() && !obvious {
        _ = writeln!(out, "# ({allowed})");
    }
    for it in key_.keys {
        inner(out, it);
    }
}

/// A key of a table inside of a value.
fn inner(out: &mut String, key: &Key) {
    _ = writeln!(out, "#   {}:", key.name);
    docs(out, key.doc, "    ");
    match key.given {
        Given::Default(toml) => _ = writeln!(out, "#     By default {toml}."),
        Given::Required(toml) => _ = writeln!(out, "#     Must be there: {toml}."),
        Given::Optional(toml) => _ = writeln!(out, "#     As in {toml}."),
        _ => (),
    }
}

fn docs(out: &mut String, lines: &[&str], indent: &str) {
    for line in lines {
        _ = writeln!(out, "# {indent}{}", line.trim());
    }
}
