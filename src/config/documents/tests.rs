//! Documents to TOML and back; what is wrong with them, led back to where it is.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::config::keys::{Given, Key};
use crate::config::routes::RouteWord;

const SHIPPED: &[&str] = &["carriers", "demo-directory", "interop", "quickstart", "reference"];

fn shipped(name: &str) -> Shell {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
    let file = folder.join(format!("{name}.toml"));
    let text = std::fs::read_to_string(&file).unwrap();
    Shell::new(text, file.display().to_string(), &folder)
}

fn demo() -> (Shell, Documents) {
    let shell = shipped("demo-directory");
    let documents = shell.documents().unwrap();
    (shell, documents)
}

fn kind(name: &str) -> Kind {
    Kind::named(name).unwrap()
}

fn document(kind_: &str, body: Value) -> Document {
    Document::new(kind(kind_), body).unwrap()
}

#[test]
fn every_shipped_directory_comes_back_from_its_documents_as_it_was() {
    for name in SHIPPED {
        let shell = shipped(name);
        let documents = shell.documents().unwrap();
        let written = documents.to_toml(true);
        let read = Imported::read(&written, "written").unwrap_or_else(|it| panic!("{it}"));
        assert_eq!(read.documents, documents, "{name}");
        assert_eq!(read.documents.to_toml(true), written, "{name}");
        let again = documents.check(&shell).unwrap_or_else(|it| panic!("{name}: {it}"));
        let before = shell.config().unwrap();
        assert_eq!(format!("{:?}", again.directory), format!("{:?}", before.directory), "{name}");
    }
}

#[test]
fn an_export_can_be_read_by_people() {
    let documents = Documents(vec![
        document("trunk", json!({"probe": "off", "name": "loopback", "sources": ["127.0.0.2"]})),
        document(
            "receiving_number",
            json!({
                "name": "a \"b\"", "number": "client:a", "no_answer": {"timeout": "45s"},
                "whisper": {"text": "It's \"one\"\n"}, "dial_pause": 1.5,
            }),
        ),
        document(
            "smart_router",
            json!({"name": "r", "rule": [{"when": {"tag": "x"}, "route": "hangup"}]}),
        ),
    ]);
    let expected = r#"# Carriers.
#
[[trunk]]
name = "loopback"
sources = ["127.0.0.2"]
probe = "off"

# Destinations.
#
[[receiving_number]]
name = 'a "b"'
number = "client:a"
dial_pause = 1.5
whisper = { text = "It's \"one\"\u000A" }
no_answer.timeout = "45s"

# Smart routers: rules that say where a call goes.
#
[[smart_router]]
name = "r"

[[smart_router.rule]]
when.tag = "x"
route = "hangup"
"#;
    assert_eq!(documents.to_toml(true), expected);
}

#[test]
fn what_is_wrong_is_led_back_to_document_key_and_column() {
    let wrong = |kind: &str, body: Value| {
        let (shell, mut documents) = demo();
        documents.0.push(document(kind, body));
        documents.check(&shell).expect_err("it is wrong")
    };
    let fault = wrong(
        "receiving_number",
        json!({"name": "new", "number": "+12025550173", "extension": "3wx1928"}),
    );
    assert_eq!(
        (&*fault.kind, &*fault.name, &*fault.pointer, fault.column),
        ("receiving_number", "new", "/extension", Some(3)),
        "{fault:?}"
    );
    assert!(fault.allowed.contains("0-9 * #"), "{fault:?}");

    let new = |more: Value| {
        let mut body = json!({"name": "new", "number": "+12025550173"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        wrong("receiving_number", body)
    };
    for (body, pointer) in [
        (json!({"no_answer": {"timeout": "2d"}}), "/no_answer/timeout"),
        (json!({"no_answer": {"tiemout": "2s"}}), "/no_answer/tiemout"),
        (json!({"no_answer": {"route": {"dial": ["nobody"]}}}), "/no_answer/route/dial/0"),
        (json!({"accept": {"reject": "2"}}), "/accept/key"),
        (json!({"accept": "x"}), "/accept"),
        (json!({"whispr": {}}), "/whispr"),
        (json!({"may_transfer": "yes"}), "/may_transfer"),
        (json!({"weight": 99999999999u64}), "/weight"),
        (json!({"weight": u64::MAX}), "/weight"),
        (json!({"weight": [[], {}]}), "/weight"),
        (json!({"trunk": "nobody"}), "/trunk"),
        (json!({"description": "a\u{7}b"}), "/description"),
    ] {
        let fault = new(body);
        assert_eq!((&*fault.name, &*fault.pointer), ("new", pointer), "{fault:?}");
    }
    let fault = wrong("receiving_number", json!({"name": "new"}));
    assert_eq!((&*fault.name, &*fault.pointer), ("new", "/number"), "{fault:?}");
    let fault = wrong("tracking_number", json!({"number": "12x!", "route": "hangup"}));
    assert_eq!((&*fault.kind, &*fault.pointer), ("tracking_number", "/number"), "{fault:?}");
    let rule = json!({"name": "new", "rule": [
        {"when": {"source": "ads"}, "route": "hangup"}, {"when": {"percent": 101}, "route": "hangup"},
    ]});
    let fault = wrong("smart_router", rule);
    assert_eq!(fault.pointer, "/rule/1/when/percent", "{fault:?}");
}

#[test]
fn a_number_that_is_there_already_is_told_with_where_it_is() {
    let number = |number: &str, country: Option<&str>| {
        let body = json!({"number": number, "route": "hangup", "country": country});
        document("tracking_number", body)
    };
    let documents =
        Documents(vec![number("+12025550199", None), number("202 555 0199", Some("US"))]);
    let fault = documents.check(&shipped("quickstart")).unwrap_err();
    assert_eq!((&*fault.name, &*fault.pointer), ("202 555 0199", "/number"));
    assert!(fault.message.ends_with(": tracking_number \"+12025550199\""), "{fault:?}");
    assert!(!fault.message.contains("line"), "{fault:?}");
}

#[test]
fn what_is_wrong_around_the_documents_is_said_to_be_there() {
    let shell = Shell::new("\n[sip]\nrealm = 3\n", "edge.toml", Path::new("/"));
    let fault = Documents::default().check(&shell).unwrap_err();
    assert_eq!(fault.kind, "");
    assert!(fault.message.starts_with("edge.toml:3:9: sip.realm"), "{fault:?}");
}

#[test]
fn the_documents_of_the_file_give_way_to_those_that_are_kept() {
    let shell = shipped("quickstart");
    let kept = document("tracking_number", json!({"number": "+12025550100", "route": "hangup"}));
    let config = Documents(vec![kept]).check(&shell).unwrap();
    let numbers: Vec<_> = config.directory.tracking_numbers().map(|it| &*it.number).collect();
    assert_eq!(numbers, ["+12025550100"]);
    assert!(config.directory.trunks().is_empty());
}

#[test]
fn an_import_is_nothing_but_documents() {
    let refused = |text: &str| Imported::read(text, "in").unwrap_err().to_string();
    assert!(refused("[sip]\n").contains("it stays in the file of the edge"));
    assert!(refused("[[account_range]]\n").contains("it stays in the file"));
    assert!(refused("[[recieving_number]]\n").contains("did you mean \"receiving_number\"?"));
    assert!(refused("[[agent]]\nname = 7\n").contains("needs `name`"));
    assert!(refused("[[agent]]\nname = \"a\"\n[[agent]]\nname = \"a\"\n").contains("there twice"));
    assert!(refused("[[agent]]\nname = \"a\"\nfull_name = 2026-11-22\n").contains("a date"));
    assert!(refused("[[agent]]\nname = \"a\"\nfull_name = nan\n").contains("not a number"));
    assert!(refused("agent = 3\n").contains("not a list"));
}

#[test]
fn a_fault_of_an_import_has_its_line() {
    let text =
        "[[agent]]\nname = \"a\"\n\n[[agent]]\nname = \"b\"\n# and\nnumbers = [\n  \"x\",\n]\n";
    let imported = Imported::read(text, "in").unwrap();
    let fault = imported.documents.check(&shipped("quickstart")).unwrap_err();
    assert_eq!((&*fault.name, &*fault.pointer), ("b", "/numbers/0"));
    assert_eq!(imported.line(&fault), Some(8));
}

#[test]
fn tag_rules_without_a_name_are_given_one() {
    let text = "[[tag_rule]]\nname = \"tag-rule-1\"\ntags = \"a\"\n[[tag_rule]]\ntags = \"b\"\n\
                [[tag_rule]]\ntags = \"c\"\n";
    let documents = Imported::read(text, "in").unwrap().documents;
    let names: Vec<_> = documents.0.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["tag-rule-1", "tag-rule-2", "tag-rule-3"]);
    assert!(documents.check(&shipped("quickstart")).is_ok());
}

#[test]
fn every_name_says_what_it_is_the_name_of() {
    // Texts that are names only in that they point somewhere when they are wrong.
    let plain = ["schedule.hours", "schedule.exceptions.hours", "receiving_number.number"];
    let of_rule = |path: &str| {
        let table = ["smart_router.rule.when.", "smart_router.rule.unless."];
        let key = table.iter().find_map(|it| path.strip_prefix(it));
        key.is_some_and(|it| ["hours", "date"].contains(&it))
    };
    fn walk(keys: &'static [Key], path: &str, found: &mut Vec<(String, &'static Key)>) {
        for it in keys {
            let path = format!("{path}.{}", it.name);
            if (it.shape)().has_name() {
                found.push((path.clone(), it));
            }
            walk(it.keys, &path, found);
        }
    }
    for kind in Kind::all() {
        let mut found = Vec::new();
        walk(kind.keys(), kind.name(), &mut found);
        for (path, key) in found {
            let own = path == format!("{}.{}", kind.name(), kind.name_key());
            let named = key.names == "listener" || Kind::named(key.names).is_some();
            assert!(
                named != (own || plain.contains(&&*path) || of_rule(&path)),
                "{path}: {:?}",
                key.names
            );
        }
    }
    let routes = RouteWord::REFERENCE.iter().filter(|it| (it.shape)().has_name());
    assert!(routes.into_iter().all(|it| Kind::named(it.names).is_some()));
}

#[test]
fn everything_that_is_used_can_be_renamed_with_what_uses_it() {
    let (shell, documents) = demo();
    let mut used = BTreeSet::new();
    for it in &documents.0 {
        let uses = uses_of(&documents, it.kind, &it.name);
        let mut without = documents.clone();
        without.0.retain(|other| (other.kind, &other.name) != (it.kind, &it.name));
        if uses.is_empty() {
            continue;
        }
        used.insert(it.kind.name());
        // Settings called "default" are always there.
        if it.name != "default" {
            let fault = without.check(&shell).expect_err("something names what is gone");
            assert!(!fault.message.is_empty());
        }
        let new = if it.kind.name() == "tracking_number" { "+12025550987" } else { "renamed" };
        let mut renamed = documents.clone();
        let touched = rename(&mut renamed, it.kind, &it.name, new);
        assert_eq!(touched.len(), {
            let users: BTreeSet<_> = uses.iter().map(|it| (it.kind.name(), &it.name)).collect();
            users.len()
        });
        renamed
            .check(&shell)
            .unwrap_or_else(|fault| panic!("{} {}: {fault}", it.kind.name(), it.name));
        assert!(uses_of(&renamed, it.kind, &it.name).is_empty());
    }
    let expected =
        ["account", "agent", "call_settings", "queue", "receiving_number", "schedule", "trunk"];
    assert!(expected.iter().all(|it| used.contains(it)), "{used:?}");
}

#[test]
fn a_diff_says_which_keys_changed_and_shows_no_secret() {
    let old = Documents(vec![
        document("account", json!({"user": "a", "password": "one"})),
        document("agent", json!({"name": "x"})),
        document("agent", json!({"name": "y", "full_name": "Y"})),
    ]);
    let new = Documents(vec![
        document("account", json!({"user": "a", "password": "two"})),
        document("agent", json!({"name": "y", "full_name": "Z", "account": "a"})),
        document("agent", json!({"name": "z"})),
    ]);
    let diff = Diff::between(&old, &new);
    assert_eq!(diff.changed[1].pointers(), ["/full_name", "/account"]);
    let told = diff.to_string();
    assert_eq!(
        told,
        "- agent \"x\"\n+ agent \"z\"\n~ account \"a\"\n    /password: another one, not shown\n\
         ~ agent \"y\"\n    /full_name: \"Y\" -> \"Z\"\n    /account: nothing -> \"a\"\n"
    );
    assert!(Diff::between(&old, &old).is_empty());
    let mut turned = old.clone();
    turned.0.reverse();
    assert!(Diff::between(&old, &turned).is_empty());
}

#[test]
fn the_schema_tells_every_key_with_what_it_needs_for_a_form() {
    let schema = schema();
    let kinds = schema["kinds"].as_array().unwrap();
    assert_eq!(kinds.len(), Kind::all().count());
    fn walk(keys: &Value) -> usize {
        let keys = keys.as_array().unwrap();
        for it in keys {
            assert!(it["shape"]["type"].is_string() && !it["doc"].as_str().unwrap().is_empty());
            if it["given"] == "default" {
                assert!(it.get("default").is_some(), "{it}");
            }
        }
        keys.len() + keys.iter().filter_map(|it| it.get("keys")).map(walk).sum::<usize>()
    }
    let all: usize = kinds.iter().map(|it| walk(&it["keys"])).sum();
    assert!(180 < all, "{all}");
    let find = |kind: &str, key: &str| {
        let kind = kinds.iter().find(|it| it["kind"] == kind).unwrap();
        let keys = kind["keys"].as_array().unwrap();
        keys.iter().find(|it| it["name"] == key).unwrap().clone()
    };
    assert_eq!(
        find("receiving_number", "trunk")["shape"],
        json!({"type": "name_of", "kind": "trunk"})
    );
    assert_eq!(
        find("receiving_number", "dial_pause")["shape"],
        json!({"type": "time", "min_ms": 0, "max_ms": 600_000})
    );
    assert_eq!(find("receiving_number", "dial_pause")["default"], 0);
    assert_eq!(find("account", "password")["shape"]["type"], "hidden");
    assert_eq!(find("receiving_number", "accept")["shape"]["short"], "key");
    let members = find("queue", "members");
    assert_eq!(members["shape"]["of"], json!({"type": "table", "short": "number"}));
    assert_eq!(members["keys"][0]["shape"], json!({"type": "name_of", "kind": "receiving_number"}));
}

#[test]
fn every_example_of_the_schema_is_allowed_by_it() {
    // What a form is pre-filled with can be sent back: each required key takes its example.
    for kind in Kind::all() {
        let needs = kind.keys().iter().filter(|it| matches!(it.given, Given::Required(_)));
        assert!(needs.count() > 0, "{}", kind.name());
        let schema = &json_schemas()[kind.name()];
        assert_eq!(schema["additionalProperties"], false);
        assert!(schema["properties"][kind.name_key()].is_object());
    }
}

/// Anything that JSON can say and TOML too.
fn values() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[ -~]{0,12}",
        "\\PC{0,8}",
        any::<String>(),
        Just("it's \"both\" \\ and\n".to_owned()),
    ];
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter_map("finite", |it| {
            serde_json::Number::from_f64(it).map(Value::Number)
        }),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-z_.#\"' ]{0,8}", inner, 0..6)
                .prop_map(|it| Value::Object(it.into_iter().collect())),
        ]
    })
}

/// Documents of any kind, with keys of that kind and others, and anything as their values.
fn documents() -> impl Strategy<Value = Documents> {
    let one = (0..Kind::all().count()).prop_flat_map(|at| {
        let kind = Kind::all().nth(at).unwrap();
        let known = prop::sample::select(kind.keys().iter().map(|it| it.name).collect::<Vec<_>>());
        let key = prop_oneof![4 => known.prop_map(str::to_owned), 1 => "[a-z .]{0,6}"];
        prop::collection::vec((key, values()), 0..6).prop_map(move |it| (kind, it))
    });
    prop::collection::vec(one, 0..8).prop_map(|them| {
        let documents = them.into_iter().enumerate().map(|(n, (kind, entries))| {
            let mut body: Map<String, Value> = entries.into_iter().collect();
            let name = format!("n{n}");
            body.insert(kind.name_key().to_owned(), name.clone().into());
            Document { kind, name, body }
        });
        let mut documents: Vec<_> = documents.collect();
        let place = |of: Kind| Kind::all().position(|it| it == of);
        documents.sort_by_key(|it| place(it.kind));
        Documents(documents)
    })
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_back_the_same(documents in documents()) {
        let text = documents.to_toml(true);
        let read = Imported::read(&text, "written");
        let read = read.map_err(|it| TestCaseError::fail(format!("{it}\n{text}")))?;
        prop_assert_eq!(read.documents, documents, "{}", text);
    }

    #[test]
    fn whatever_is_sent_is_refused_with_a_place_or_taken(documents in documents()) {
        let shell = Shell::new("", "edge.toml", Path::new("/"));
        if let Err(fault) = documents.check(&shell) {
            prop_assert!(!fault.message.is_empty());
            prop_assert!(Kind::named(&fault.kind).is_some(), "{:?}", fault);
            let known = documents.0.iter().any(|it| it.name == fault.name);
            prop_assert!(known, "{:?}", fault);
        }
    }
}
