//! The demo directory uses everything, so that it can teach everything.

use std::collections::BTreeSet;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::shipped;
use crate::config::File;
use crate::config::keys::{Key, Section};
use crate::config::routes::RouteWord;
use crate::model::{PromptSource, Route};

/// The keys of a definition, each with those it stands in: `queue.position.text`.
fn defined(keys: &[Key], path: &str, into: &mut BTreeSet<String>) {
    for it in keys {
        let path = format!("{path}{}", it.name);
        // What a rule may say in `unless` is what it may say in `when`.
        if path != "smart_router.rule.unless" {
            defined(it.keys, &format!("{path}."), into);
        }
        into.insert(path);
    }
}

/// The keys of the file, in the same way; those of routes alone as well: `route:queue`.
fn used(table: &DeTable<'_>, path: &str, into: &mut BTreeSet<String>) {
    for (key, value) in table {
        let path = format!("{path}{}", key.get_ref());
        for it in RouteWord::REFERENCE.iter().filter(|it| key.get_ref() == it.name) {
            into.insert(format!("route:{}", it.name));
        }
        inside(value.get_ref(), &path, into);
        into.insert(path.replace(".unless.", ".when."));
    }
}

fn inside(value: &DeValue<'_>, path: &str, into: &mut BTreeSet<String>) {
    match value {
        DeValue::Table(table) => used(table, &format!("{path}."), into),
        DeValue::Array(items) => items.iter().for_each(|it| inside(it.get_ref(), path, into)),
        _ => (),
    }
}

#[test]
fn every_key_there_is_stands_in_the_demo_directory() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/demo-directory.toml");
    let text = std::fs::read_to_string(path).unwrap();
    let (mut there, mut known) = (BTreeSet::new(), BTreeSet::new());
    used(DeTable::parse(&text).unwrap().get_ref(), "", &mut there);
    defined(<File as Section>::KEYS, "", &mut known);
    known.extend(RouteWord::REFERENCE.iter().map(|it| format!("route:{}", it.name)));
    assert!(250 < known.len(), "{}", known.len());
    let missing: Vec<_> =
        known.iter().filter(|it| !there.contains(*it) && !is_of_a_message(it, &known)).collect();
    assert!(missing.is_empty(), "configs/demo-directory.toml does not show {missing:?}");
}

/// Messages are the same wherever they stand: once of each kind is enough.
fn is_of_a_message(path: &str, known: &BTreeSet<String>) -> bool {
    let (table, key) = path.rsplit_once('.').unwrap_or_default();
    let of_position = path.starts_with("queue.position.");
    // Other things have a prompt, too.
    let uploaded = key == "prompt" && known.contains(&format!("{table}.file"));
    (uploaded || ["file", "text", "voice"].contains(&key)) && !of_position
}

#[test]
fn the_demo_directory_has_every_kind_of_route_and_every_prompt_file() {
    let directory = shipped("demo-directory.toml").directory;
    let kinds: BTreeSet<&str> =
        directory.tracking_numbers().filter_map(|it| it.route.as_ref()).map(Route::kind).collect();
    assert_eq!(kinds.len(), 9, "{kinds:?}");
    for prompt in directory.prompts() {
        if let PromptSource::File(path) = &prompt.made_from {
            assert!(Path::new(&**path).exists(), "{path}");
        }
    }
}
