//! What is hidden, from whom, and where it may go.

use serde_json::json;

use super::*;
use crate::config::documents::Document;

fn document(kind: &str, body: Value) -> Document {
    Document::new(Kind::named(kind).unwrap(), body).unwrap()
}

#[test]
fn a_hidden_key_is_taken_out_kept_and_removed() {
    let account = document("account", json!({"user": "a", "password": "p", "ha1_md5": "h"}));
    let mut shown = account.body.clone();
    assert_eq!(hide(account.kind, &mut shown), ["password", "ha1_md5"]);
    assert_eq!(Value::Object(shown), json!({"user": "a"}));
    let mut sent = json!({"user": "a", "ha1_md5": null, "max_contacts": 3});
    keep_hidden(account.kind, &mut sent, &account.body, false).unwrap();
    let kept = Document::new(account.kind, sent).unwrap();
    assert_eq!(Value::Object(kept.body), json!({"user": "a", "password": "p", "max_contacts": 3}));
}

/// What becomes of a password that is left out: kept, or why not.
fn left_out(kind: &str, old: Value, new: Value, anywhere: bool) -> Result<Value, Fault> {
    let old = document(kind, old);
    let mut sent = new;
    keep_hidden(old.kind, &mut sent, &old.body, anywhere).map(|()| sent)
}

#[test]
fn a_hidden_key_is_kept_for_the_host_that_it_was_sent_to_before_and_for_no_other() {
    let number = |number: &str| json!({"name": "x", "number": number});
    let kept = |from: &str, to: &str| {
        let mut old = number(from);
        old["user"] = "me".into();
        old["password"] = "secret".into();
        left_out("receiving_number", old, number(to), false)
    };
    let from = "sip:shop@pbx.example.com:5060;transport=tls";
    for same in [from, "sip:SALES@PBX.example.com:5060;transport=TLS", "client:ann", "+12025550173"]
    {
        assert_eq!(kept(from, same).unwrap()["password"], "secret", "{same}");
    }
    for other in [
        "sip:shop@evil.example.com:5060;transport=tls",
        "sip:shop@pbx.example.com:5060",
        "sip:shop@pbx.example.com:5070;transport=tls",
        "sip:shop@pbx.example.com:5060;transport=tls;maddr=192.0.2.66",
        "sip:pbx.example.com%40@evil.example.com",
        "sip:evil.example.com",
    ] {
        let fault = kept(from, other).expect_err(other);
        assert_eq!((&*fault.name, &*fault.pointer), ("x", "/password"), "{fault:?}");
        assert!(fault.message.contains("`number` names another host now (\"sip:"), "{fault:?}");
        assert!(fault.message.contains("anew"), "{fault:?}");
    }
    // Not by a way round, either.
    assert!(kept("client:ann", "sip:x@evil.example.com").is_err());
    // What is given anew, or taken away, is nobody's secret.
    for password in [json!("another"), json!(null)] {
        let old = json!({"name": "x", "number": from, "password": "secret"});
        let new = json!({"name": "x", "number": "sip:x@evil", "password": password});
        assert_eq!(left_out("receiving_number", old, new, false).unwrap()["password"], password);
    }
    let old = json!({"name": "x", "number": from, "password": "secret"});
    let sent = left_out("receiving_number", old, number("sip:x@other"), true).unwrap();
    assert_eq!(sent["password"], "secret", "an admin knows");
}

#[test]
fn where_hidden_keys_of_trunks_and_webhooks_go_is_known_as_well() {
    let trunk = |addresses: Value, password: Option<&str>| json!({"name": "t", "addresses": addresses, "password": password, "inbound_password": "i"});
    let old = trunk(json!(["a.example.com", {"host": "b.example.com"}]), Some("p"));
    let mut fewer = trunk(json!([{"host": "B.example.com", "weight": 3}]), None);
    let all = fewer.as_object_mut().unwrap();
    assert!(all.remove("password").is_some() && all.remove("inbound_password").is_some());
    let sent = left_out("trunk", old.clone(), fewer.clone(), false).unwrap();
    assert_eq!((&sent["password"], &sent["inbound_password"]), (&json!("p"), &json!("i")));
    fewer["addresses"] = json!(["b.example.com", "c.example.com"]);
    assert_eq!(left_out("trunk", old, fewer, false).unwrap_err().pointer, "/password");
    let hook = |url: &str| json!({"name": "h", "url": url});
    let mut old = hook("https://crm.example.com/a");
    old["secret"] = "0123456789abcdef".into();
    assert!(left_out("webhook", old.clone(), hook("https://crm.example.com/b?c"), false).is_ok());
    for other in ["http://crm.example.com/a", "https://crm.example.com:444/a", "https://x@evil/a"] {
        let fault = left_out("webhook", old.clone(), hook(other), false).unwrap_err();
        assert_eq!(fault.pointer, "/secret");
    }
}

#[test]
fn every_hidden_key_says_where_it_is_sent_unless_it_stays_here() {
    // These are what others send to us.
    let stay =
        ["trunk.inbound_password", "account.password", "account.ha1_md5", "account.ha1_sha256"];
    fn walk(keys: &[Key], path: &str, stay: &[&str]) {
        for it in keys {
            let path = format!("{path}.{}", it.name);
            let is_beside = keys.iter().any(|other| other.name == it.to && other.name != it.name);
            match (it.shape)().is_hidden() && !stay.contains(&&*path) {
                true => assert!(is_beside, "{path}: {:?}", it.to),
                false => assert_eq!(it.to, "", "{path}"),
            }
            walk(it.keys, &path, stay);
        }
    }
    Kind::all().for_each(|it| walk(it.keys(), it.name(), &stay));
}

#[test]
fn urls_are_shortened_wherever_one_can_stand() {
    let agent = json!({"name": "a", "url": "wss://host:1/T0KEN?k=T0KEN", "timeout": "3s"});
    let mut agent = document("virtual_agent", agent);
    assert_eq!(shorten(agent.kind, &mut agent.body), ["url"]);
    assert_eq!(agent.body["url"], "wss://host:1/");
    assert_eq!(shorten(agent.kind, &mut agent.body), [""; 0], "there is no more to be left out");
    let mut odd = document("webhook", json!({"name": "h", "url": ["https://h/T0KEN"]}));
    shorten(odd.kind, &mut odd.body);
    assert_eq!(odd.body["url"], "");
    // In tables of tables it would be found, and in lists it would not.
    fn walk(keys: &[Key], reached: bool, path: &str) -> usize {
        let one = |it: &Key| {
            let (path, shape) = (format!("{path}.{}", it.name), (it.shape)());
            assert!(!shape.is_url() || reached && shape == Shape::Url, "{path}");
            let inner = walk(it.keys, reached && matches!(shape, Shape::Table { .. }), &path);
            usize::from(shape.is_url()) + inner
        };
        keys.iter().map(one).sum()
    }
    let found: usize = Kind::all().map(|it| walk(it.keys(), true, it.name())).sum();
    assert_eq!(found, 2, "of webhooks and virtual agents");
}

#[test]
fn no_hidden_key_stands_where_it_could_not_be_hidden() {
    fn walk(keys: &[Key], reached: bool, path: &str) {
        for it in keys {
            let (path, shape) = (format!("{path}.{}", it.name), (it.shape)());
            assert!(!shape.is_hidden() || reached && shape == Shape::Hidden, "{path}");
            walk(it.keys, reached && matches!(shape, Shape::Table { .. }), &path);
        }
    }
    Kind::all().for_each(|it| walk(it.keys(), true, it.name()));
    let hidden: Vec<_> = Kind::all()
        .flat_map(|it| it.keys().iter().filter(|it| (it.shape)().is_hidden()))
        .map(|it| it.name)
        .collect();
    assert!(6 <= hidden.len(), "{hidden:?}");
}
