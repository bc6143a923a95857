//! The directory, changed as anybody would change it.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::api::directory::Home;
use crate::api::rig::{As, Rig};

fn shop() -> Value {
    json!({"name": "shop", "number": "sip:shop@192.0.2.9", "extension": "3ww1928"})
}

#[tokio::test]
async fn a_noun_is_created_read_changed_and_deleted() {
    let rig = Rig::start("crud").await;
    let admin = rig.admin().await;
    let manager = rig.user(&admin, "mia", "manager").await;
    let said = rig.ask(&manager, "POST /v1/receiving_numbers", shop()).await;
    assert_eq!(said.status, 201, "{said:?}");
    assert_eq!(said.header("location"), "/v1/receiving_numbers/shop");
    assert_eq!(said.header("etag"), "\"1\"");
    let directory = rig.api.running().directory.clone();
    assert!(directory.receiving_number("shop").is_some(), "it is in force");

    let said = rig.ask(&manager, "GET /v1/receiving_numbers/shop", Value::Null).await.json();
    assert_eq!((&said["extension"], &said["_changed_by"]), (&json!("3ww1928"), &json!("mia")));
    let mut changed = shop();
    changed["dial_pause"] = json!("2s");
    let line = "PUT /v1/receiving_numbers/shop";
    assert_eq!(rig.ask(&manager, line, changed.clone()).await.status, 428);
    let if_match = [("if-match", "\"1\"")];
    let said = rig.ask_with(&manager, line, changed.clone(), &if_match).await;
    assert_eq!((said.status.as_u16(), &*said.header("etag")), (200, "\"2\""), "{said:?}");
    let said = rig.ask_with(&manager, line, shop(), &if_match).await;
    assert_eq!(said.problem(), "conflict");
    let told = said.json();
    assert_eq!(told["changed"], json!(["/dial_pause"]));
    assert_eq!(
        (&told["current"]["dial_pause"], &told["current_revision"]),
        (&json!("2s"), &json!(2))
    );
    let said = rig.ask_with(&manager, "DELETE /v1/receiving_numbers/shop", Value::Null, &if_match);
    assert_eq!(said.await.problem(), "conflict");
    let said = rig.ask(&manager, "DELETE /v1/receiving_numbers/shop", Value::Null).await;
    assert_eq!(said.status, 204);
    assert!(rig.api.running().directory.receiving_number("shop").is_none());
    assert_eq!(
        rig.ask(&manager, "DELETE /v1/receiving_numbers/shop", Value::Null).await.status,
        404
    );
    let log =
        rig.ask(&admin, "GET /v1/audit?subject=receiving_number/shop", Value::Null).await.json();
    assert_eq!(log["items"].as_array().unwrap().len(), 3, "{log}");
}

#[tokio::test]
async fn what_is_wrong_is_pointed_at_and_changes_nothing() {
    let rig = Rig::start("wrong").await;
    let admin = rig.admin().await;
    let wrong = |more: Value| {
        let mut body = shop();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (body, pointer, column) in [
        (wrong(json!({"extension": "3wx1"})), "/extension", Some(3)),
        (wrong(json!({"no_answer": {"timeout": "9d"}})), "/no_answer/timeout", None),
        (wrong(json!({"trunk": "nobody"})), "/trunk", None),
        (wrong(json!({"extention": "1"})), "/extention", None),
        (json!({"number": "client:alice"}), "/name", None),
        (json!({"name": "x"}), "/number", None),
        (json!({"name": 3, "number": "client:alice"}), "/name", None),
        (json!([]), "", None),
    ] {
        let said = rig.ask(&admin, "POST /v1/receiving_numbers", body.clone()).await;
        assert_eq!((said.status.as_u16(), &*said.problem()), (422, "wrong-value"), "{body}");
        let fault = &said.json()["errors"][0];
        assert_eq!(fault["pointer"].as_str().unwrap_or_default(), pointer, "{said:?}");
        assert_eq!(fault["column"].as_u64(), column, "{said:?}");
    }
    assert_eq!(rig.api.store.documents().await.unwrap().len(), 4, "nothing was kept");
    assert_eq!(rig.adopted.load(Ordering::Relaxed), 0, "nothing was taken");
    let said = rig.ask(&admin, "POST /v1/receiving_numbers", json!("{\"name\": ")).await;
    assert_eq!(said.problem(), "wrong-type");
    let json = [("content-type", "application/json")];
    let said = rig.ask_with(&admin, "POST /v1/receiving_numbers", json!("{\"a\": "), &json).await;
    assert_eq!((said.status.as_u16(), &*said.problem()), (400, "unreadable"));
    let large = "x".repeat(2 << 20);
    let said = rig.ask_with(&admin, "POST /v1/receiving_numbers", json!(large), &json).await;
    assert_eq!((said.status.as_u16(), &*said.problem()), (413, "too-large"));
    let said = rig.ask(&admin, "POST /v1/agents", json!({"name": "alice\u{0}"})).await;
    assert_eq!(said.problem(), "wrong-value");
}

#[tokio::test]
async fn a_dry_run_checks_and_changes_nothing() {
    let rig = Rig::start("dry").await;
    let admin = rig.admin().await;
    let said = rig.ask(&admin, "POST /v1/receiving_numbers?dry_run=true", shop()).await;
    assert_eq!(said.status, 200, "{said:?}");
    let said = rig.ask(&admin, "GET /v1/receiving_numbers/shop", Value::Null).await;
    assert_eq!(said.problem(), "not-found");
    let wrong = json!({"name": "shop", "number": "?"});
    let said = rig.ask(&admin, "POST /v1/receiving_numbers?dry_run=true", wrong).await;
    assert_eq!(said.problem(), "wrong-value");
    let said = rig.ask(&admin, "POST /v1/receiving_numbers?dry_run=maybe", shop()).await;
    assert_eq!(said.json()["errors"][0]["parameter"], "dry_run", "{said:?}");
}

#[tokio::test]
async fn what_is_used_is_not_deleted_but_can_be_renamed() {
    let rig = Rig::start("used").await;
    let admin = rig.admin().await;
    let said = rig.ask(&admin, "DELETE /v1/receiving_numbers/alice", Value::Null).await;
    assert_eq!(said.problem(), "in-use");
    let by = json!([{"kind": "tracking_number", "name": "+15550100001", "pointer": "/dial/0"}]);
    assert_eq!(said.json()["used_by"], by);
    let body = json!({"name": "anna", "number": "client:alice"});
    let line = "PUT /v1/receiving_numbers/alice";
    let said = rig.ask_with(&admin, line, body, &[("if-match", "*")]).await;
    assert_eq!((said.status.as_u16(), &said.json()["name"]), (200, &json!("anna")), "{said:?}");
    let number =
        rig.ask(&admin, "GET /v1/tracking_numbers/%2B15550100001", Value::Null).await.json();
    assert_eq!((&number["dial"], &number["_revision"]), (&json!(["anna"]), &json!(2)));
    assert_eq!(rig.ask(&admin, "GET /v1/receiving_numbers/alice", Value::Null).await.status, 404);
    let taken = rig.ask(
        &admin,
        "POST /v1/receiving_numbers",
        json!({"name": "anna", "number": "client:alice"}),
    );
    assert_eq!(taken.await.problem(), "conflict");
}

#[tokio::test]
async fn secrets_are_kept_and_never_shown_and_trunks_are_for_admins() {
    let rig = Rig::start("secrets").await;
    let admin = rig.admin().await;
    let manager = rig.user(&admin, "mia", "manager").await;
    let account = json!({"user": "carol", "password": "very secret"});
    assert_eq!(
        rig.ask(&manager, "POST /v1/accounts", account.clone()).await.problem(),
        "not-allowed"
    );
    let said = rig.ask(&admin, "POST /v1/accounts", account).await;
    assert_eq!(said.json()["_hidden"], json!(["password"]));
    let changed = json!({"user": "carol", "max_contacts": 3});
    let any = [("if-match", "*")];
    let said = rig.ask_with(&admin, "PUT /v1/accounts/carol", changed, &any).await;
    assert_eq!(said.json()["_hidden"], json!(["password"]), "a key left out stays");
    let gone = json!({"user": "carol", "password": null});
    let said = rig.ask_with(&admin, "PUT /v1/accounts/carol", gone, &any).await;
    assert_eq!(said.status, 422, "an account needs one: {said:?}");
    let mut all = String::new();
    for line in ["GET /v1/accounts", "GET /v1/accounts/carol", "GET /v1/directory", "GET /v1/audit"]
    {
        let said = rig.ask(&admin, line, Value::Null).await;
        assert_eq!(said.status, 200, "{said:?}");
        all += &said.text;
    }
    assert!(!all.contains("very secret") && !all.contains("wonderland") && all.contains("carol"));
    assert_eq!(
        rig.ask(&manager, "GET /v1/accounts?q=very%20secret", Value::Null).await.json()["items"],
        json!([])
    );
}

#[tokio::test]
async fn lists_have_pages_and_are_searched() {
    let rig = Rig::start("lists").await;
    let admin = rig.admin().await;
    for name in ["zoe", "bob", "adam", "eve"] {
        let body = json!({"name": name, "full_name": format!("{name} Smith")});
        assert_eq!(rig.ask(&admin, "POST /v1/agents", body).await.status, 201);
    }
    let names = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|it| it["name"].as_str().unwrap().to_owned()).collect()
    };
    let page = rig.ask(&admin, "GET /v1/agents?limit=3", Value::Null).await.json();
    assert_eq!(
        (names(&page), &page["next"]),
        (vec!["adam".into(), "bob".into(), "eve".into()], &json!("eve"))
    );
    let page = rig.ask(&admin, "GET /v1/agents?limit=3&after=eve", Value::Null).await.json();
    assert_eq!((names(&page), page.get("next")), (vec!["zoe".to_owned()], None));
    let page = rig.ask(&admin, "GET /v1/agents?q=BOB%20s", Value::Null).await.json();
    assert_eq!(names(&page), ["bob"]);
    for (query, parameter) in [("limit=0", "limit"), ("limit=1001", "limit"), ("limit=x", "limit")]
    {
        let said = rig.ask(&admin, &format!("GET /v1/agents?{query}"), Value::Null).await;
        assert_eq!(said.json()["errors"][0]["parameter"], parameter, "{said:?}");
    }
    assert_eq!(rig.ask(&admin, "GET /v1/agents?colour=red", Value::Null).await.status, 422);
}

#[tokio::test]
async fn the_whole_directory_goes_out_and_in_again() {
    let rig = Rig::start("import").await;
    let admin = rig.admin().await;
    let manager = rig.user(&admin, "mia", "manager").await;
    let said = rig.ask(&admin, "GET /v1/directory", Value::Null).await;
    assert_eq!(said.header("content-type"), "application/toml");
    let (toml, etag) = (said.text.clone(), said.header("etag"));
    assert!(toml.contains("[[tracking_number]]") && !toml.contains("wonderland"), "{toml}");
    let put = async |who: &As, query: &str, text: String, more: &[(&str, &str)]| {
        let headers = [&[("content-type", "application/toml")], more].concat();
        rig.ask_with(who, &format!("PUT /v1/directory{query}"), text.into(), &headers).await
    };
    let nothing = json!({"added": [], "changed": [], "removed": []});
    let said = put(&manager, "", toml.clone(), &[("if-match", &etag)]).await;
    assert_eq!(
        (said.status.as_u16(), said.json()),
        (200, nothing),
        "what went out is what is there"
    );

    let more = toml.replace("label = \"Spring campaign\"", "label = \"Autumn\"")
        + "[[agent]]\nname = \"bob\"\n";
    let said = put(&manager, "?dry_run=true", more.clone(), &[]).await.json();
    assert_eq!(said["added"], json!([{"kind": "agent", "name": "bob"}]));
    assert_eq!(said["changed"][0]["keys"], json!(["/label"]));
    assert_eq!(rig.adopted.load(Ordering::Relaxed), 1, "a dry run is not taken");
    assert_eq!(put(&manager, "", more.clone(), &[]).await.status, 200);
    let number = rig.api.running().directory.tracking_number("+15550100001").cloned().unwrap();
    assert_eq!(number.label, "Autumn");
    let said = put(&admin, "", toml.clone(), &[("if-match", &etag)]).await;
    assert_eq!(said.problem(), "conflict");

    let broken = more.replace("dial = [\"alice\"]", "dial = [\"nobody\"]");
    let said = put(&manager, "", broken.clone(), &[]).await;
    let line = broken.lines().position(|it| it.contains("nobody")).unwrap() + 1;
    assert_eq!(
        (said.problem(), &said.json()["line"]),
        ("wrong-value".into(), &json!(line)),
        "{said:?}"
    );
    let said = put(&manager, "", "[[agent]]\nname = \n".to_owned(), &[]).await;
    assert_eq!((said.status.as_u16(), &said.json()["line"]), (422, &json!(2)), "{said:?}");
    let without = "[[agent]]\nname = \"bob\"\n".to_owned();
    assert_eq!(
        put(&manager, "", without.clone(), &[]).await.problem(),
        "not-allowed",
        "a trunk goes"
    );
    let said = put(&admin, "", without, &[]).await.json();
    assert_eq!(said["removed"].as_array().unwrap().len(), 4);
    let json =
        rig.ask_with(&admin, "GET /v1/directory", Value::Null, &[("accept", "application/json")]);
    assert_eq!(json.await.json(), json!({"agent": [{"name": "bob"}]}));
    let said = rig.ask(&admin, "PUT /v1/directory", json!({"agent": [{"name": "eve"}]})).await;
    assert_eq!(said.json()["added"], json!([{"kind": "agent", "name": "eve"}]));
}

#[tokio::test]
async fn a_directory_in_a_file_is_shown_and_not_changed() {
    let text = include_str!("../../../configs/quickstart.toml");
    let rig = Rig::with("file", text, Home::File).await;
    let admin = rig.admin().await;
    let said = rig.ask(&admin, "GET /v1/session", Value::Null).await;
    assert_eq!(said.json()["directory"], "file", "a console says so before anybody types");
    let said = rig.ask(&admin, "GET /v1/receiving_numbers/alice", Value::Null).await;
    assert_eq!(said.json()["number"], "client:alice");
    for (line, body) in [
        ("POST /v1/receiving_numbers", shop()),
        ("PUT /v1/receiving_numbers/alice", shop()),
        ("DELETE /v1/receiving_numbers/alice", Value::Null),
        ("PUT /v1/directory", json!({})),
    ] {
        let said = rig.ask_with(&admin, line, body, &[("if-match", "*")]).await;
        assert_eq!((said.status.as_u16(), &*said.problem()), (409, "directory-in-file"), "{line}");
    }
}

#[tokio::test]
async fn what_the_loop_does_not_take_is_said() {
    let rig = Rig::start("not-taken").await;
    let admin = rig.admin().await;
    rig.refuses.store(true, Ordering::Relaxed);
    let said = rig.ask(&admin, "POST /v1/receiving_numbers", shop()).await;
    assert_eq!((said.status.as_u16(), &*said.problem()), (503, "unavailable"));
    assert!(said.json()["detail"].as_str().unwrap().contains("not in force"));
}

#[tokio::test]
async fn every_answer_says_what_a_browser_may_and_every_failure_is_a_problem() {
    let rig = Rig::start("answers").await;
    let admin = rig.admin().await;
    let said = rig.ask(&As::default(), "GET /nowhere", Value::Null).await;
    assert_eq!((said.status.as_u16(), &*said.problem()), (404, "not-found"));
    assert!(said.header("content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!(said.header("x-content-type-options"), "nosniff");
    let said = rig.ask(&admin, "PATCH /v1/agents", Value::Null).await;
    assert_eq!((said.status.as_u16(), &*said.problem()), (405, "method-not-allowed"));
    assert!(said.header("allow").contains("POST"), "{said:?}");
    let said = rig.ask(&As::default(), "OPTIONS /v1/agents", Value::Null).await;
    assert_eq!(said.status, 204);
    assert!(said.header("allow").contains("GET,HEAD"), "{said:?}");
    let said = rig.ask(&admin, "HEAD /v1/agents", Value::Null).await;
    assert_eq!((said.status.as_u16(), &*said.text), (200, ""));
    assert_eq!(said.header("cache-control"), "no-store");
    assert_eq!(rig.ask(&As::default(), "GET /health/live", Value::Null).await.text, "live\n");
    assert_eq!(rig.ask(&As::default(), "GET /v1/nowhere", Value::Null).await.status, 401);
    let page = rig.ask(&As::default(), "GET /docs", Value::Null).await;
    assert!(page.text.contains("/v1/receiving_numbers") && !page.text.contains("<script"));
}

#[tokio::test]
async fn changes_at_the_same_time_come_one_after_the_other() {
    let rig = Rig::start("race").await;
    let admin = rig.admin().await;
    let label = |n: usize| {
        let body = json!({"number": "+15550100001", "dial": ["alice"], "label": n.to_string()});
        let rig = &rig;
        let admin = &admin;
        async move {
            let line = "PUT /v1/tracking_numbers/+15550100001";
            rig.ask_with(admin, line, body, &[("if-match", "\"1\"")]).await.status.as_u16()
        }
    };
    let all = futures_util::future::join_all((0..8).map(label)).await;
    assert_eq!(all.iter().filter(|it| **it == 200).count(), 1, "{all:?}");
    assert_eq!(all.iter().filter(|it| **it == 409).count(), 7, "{all:?}");
    assert_eq!(rig.adopted.load(Ordering::Relaxed), 1);
}

/// Waits for readiness to be told like this.
#[allow(clippy::disallowed_methods, reason = "it waits for another task")]
async fn awaits_ready(rig: &Rig, wanted: &str) {
    let wait = async {
        loop {
            let said = rig.ask(&As::default(), "GET /health/ready", Value::Null).await;
            assert_eq!(said.status, 200);
            if said.text.trim_end() == wanted {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(std::time::Duration::from_secs(5), wait).await;
    let said = rig.ask(&As::default(), "GET /health/ready", Value::Null).await.text;
    assert!(waited.is_ok(), "it never was {wanted:?}, but {said:?}");
}

#[tokio::test]
async fn what_others_change_is_in_force_here_and_what_cannot_be_is_told() {
    use crate::store::database::{Edit, Expected};
    let rig = Rig::start("follow").await;
    let admin = rig.admin().await;
    tokio::spawn(super::follow(rig.api.clone()));
    // Somebody who knows nothing of this edge writes to its database.
    let put = async |body: Option<Value>| {
        let (kind, name) = ("agent".to_owned(), "zoe".to_owned());
        let edit = Edit { kind, name, expected: Expected::Any, body };
        let store = &rig.api.store;
        store.change(&[edit], "somebody".into(), rig.api.now()).await.unwrap();
    };
    let status = async || rig.ask(&admin, "GET /v1/status", Value::Null).await.json();
    let zoe = || rig.api.running().directory.agents().any(|it| &*it.id == "zoe");
    awaits_ready(&rig, "ready").await;
    const REFUSED: &str = "degraded: the directory in the database cannot be in force here, the \
                           one before it is";
    put(Some(json!({"name": "zoe", "account": "nobody"}))).await;
    awaits_ready(&rig, REFUSED).await;
    let told = status().await;
    assert_eq!((&told["directory"]["in_force"], zoe()), (&json!(false), false));
    let why = told["directory"]["why"].as_str().unwrap();
    assert!(why.contains("zoe") && why.contains("nobody"), "{why}");
    let shown = rig.ask(&admin, "GET /v1/agents/zoe", Value::Null).await;
    assert_eq!(shown.status, 404, "what is shown is what is in force");
    put(Some(json!({"name": "zoe"}))).await;
    awaits_ready(&rig, "ready").await;
    assert!(zoe());
    assert_eq!(status().await["directory"], json!({"in_force": true, "why": null}));
    // The exchange does not want what seemed right; a change of our own puts it right.
    rig.refuses.store(true, Ordering::Relaxed);
    put(None).await;
    awaits_ready(&rig, REFUSED).await;
    rig.refuses.store(false, Ordering::Relaxed);
    assert!(zoe());
    let said = rig.ask(&admin, "POST /v1/agents", json!({"name": "yan"})).await;
    assert_eq!(said.status, 201, "{said:?}");
    awaits_ready(&rig, "ready").await;
    assert!(!zoe());
    // What is changed here alone is adopted once.
    let before = rig.adopted.load(Ordering::Relaxed);
    assert_eq!(rig.ask(&admin, "POST /v1/agents", json!({"name": "xia"})).await.status, 201);
    #[allow(clippy::disallowed_methods, reason = "two looks at the database")]
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    assert_eq!(rig.adopted.load(Ordering::Relaxed), before + 1);
}

#[tokio::test]
async fn the_audit_log_says_from_where_a_document_was_changed() {
    let rig = Rig::start("audit-source").await;
    let admin = rig.admin().await;
    assert_eq!(rig.ask(&admin, "POST /v1/receiving_numbers", shop()).await.status, 201);
    let log = rig.ask(&admin, "GET /v1/audit?subject=receiving_number/shop", Value::Null).await;
    assert_eq!(log.json()["items"][0]["source"], "192.0.2.7", "{log:?}");
}

const TOKEN: &str = "T0KEN";

/// A webhook and a virtual agent whose URLs hold a token, and a number that leads to the agent.
async fn with_tokens(rig: &Rig, admin: &As) {
    let hook = json!({"name": "crm", "url": format!("https://crm.example.com/{TOKEN}?k={TOKEN}"),
                      "secret": "0123456789abcdef"});
    let agent = json!({"name": "bot", "url": format!("wss://bot.example.com:9000/?key={TOKEN}")});
    let number = json!({"number": "+15550100777", "route": {"virtual_agent": "bot"}});
    for (plural, body) in
        [("webhooks", hook), ("virtual_agents", agent), ("tracking_numbers", number)]
    {
        let said = rig.ask(admin, &format!("POST /v1/{plural}"), body).await;
        assert_eq!(said.status, 201, "{said:?}");
    }
}

#[tokio::test]
async fn tokens_in_urls_are_told_to_nobody_below_a_manager() {
    let rig = Rig::start("tokens").await;
    let admin = rig.admin().await;
    with_tokens(&rig, &admin).await;
    let explain = json!({"number": "+15550100777"});
    let places = [
        ("GET /v1/webhooks", Value::Null),
        ("GET /v1/webhooks/crm", Value::Null),
        ("GET /v1/virtual_agents", Value::Null),
        ("GET /v1/virtual_agents?q=bot.example", Value::Null),
        ("GET /v1/virtual_agents/bot", Value::Null),
        ("GET /v1/directory", Value::Null),
        ("POST /v1/explain", explain.clone()),
        ("POST /v1/simulate", json!({"number": "+15550100777", "answer_after": 1})),
        ("GET /v1/status", Value::Null),
        ("GET /v1/deliveries", Value::Null),
        ("GET /v1/schema", Value::Null),
    ];
    for role in ["viewer", "agent", "manager"] {
        let who = rig.user(&admin, &format!("a-{role}"), role).await;
        for (line, body) in places.clone() {
            let said = rig.ask(&who, line, body).await;
            assert!([200, 403].contains(&said.status.as_u16()), "{role} {line}: {said:?}");
            let is_whole = role == "manager"
                && ["webhooks", "virtual_agents", "directory"].iter().any(|it| line.contains(it));
            assert_eq!(said.text.contains(TOKEN), is_whole, "{role} {line}: {said:?}");
        }
        let said = rig.ask(&who, "GET /v1/webhooks/crm", Value::Null).await.json();
        let toml = rig.ask(&who, "GET /v1/directory", Value::Null).await.text;
        if role == "manager" {
            assert_eq!(said["_shortened"], json!([]));
            assert!(!toml.contains("No copy"), "{toml}");
        } else {
            let (url, names) = (&said["url"], &said["_shortened"]);
            assert_eq!((url, names), (&json!("https://crm.example.com/"), &json!(["url"])));
            assert!(toml.starts_with("# No copy to import"), "{toml}");
        }
        let said = rig.ask(&who, "POST /v1/explain", explain.clone()).await;
        assert!(said.text.contains("wss://bot.example.com:9000/ "), "{said:?}");
        // Nor can it be guessed letter by letter.
        let line = format!("GET /v1/virtual_agents?q={}", TOKEN.to_lowercase());
        let found = rig.ask(&who, &line, Value::Null).await.json();
        let wanted = usize::from(role == "manager");
        assert_eq!(found["items"].as_array().unwrap().len(), wanted, "{role}");
    }
}

#[tokio::test]
async fn a_url_that_is_wrong_is_not_repeated_in_the_problem() {
    let rig = Rig::start("wrong-url").await;
    let admin = rig.admin().await;
    let body = json!({"name": "x", "url": format!("http://h/{TOKEN}")});
    let said = rig.ask(&admin, "POST /v1/virtual_agents", body).await;
    assert_eq!(said.json()["errors"][0]["pointer"], "/url");
    assert!(!said.text.contains(TOKEN), "{said:?}");
}

#[tokio::test]
async fn a_password_is_not_led_to_another_host_by_who_does_not_know_it() {
    let rig = Rig::start("led").await;
    let admin = rig.admin().await;
    let manager = rig.user(&admin, "mia", "manager").await;
    let mut body = shop();
    body["user"] = json!("me");
    body["password"] = json!("s3cret");
    assert_eq!(rig.ask(&admin, "POST /v1/receiving_numbers", body).await.status, 201);
    let line = "PUT /v1/receiving_numbers/shop";
    let any = [("if-match", "*")];
    let to = |number: &str| json!({"name": "shop", "number": number, "user": "me"});
    let evil = to("sip:shop@192.0.2.66");
    let refused = |said: crate::api::rig::Said| {
        assert_eq!((said.status.as_u16(), &*said.problem()), (422, "wrong-value"), "{said:?}");
        let told = said.json();
        let fault = &told["errors"][0];
        assert!(fault["detail"].as_str().unwrap().contains("anew"), "{told}");
        assert!(!told.to_string().contains("s3cret"), "{told}");
        told
    };
    for line in [line.to_owned(), format!("{line}?dry_run=true")] {
        let told = refused(rig.ask_with(&manager, &line, evil.clone(), &any).await);
        assert_eq!(told["errors"][0]["pointer"], "/password", "{told}");
    }
    let mut renamed = evil.clone();
    renamed["name"] = json!("shop2");
    refused(rig.ask_with(&manager, line, renamed, &any).await);
    // Nor by an import, of which the line is told.
    let whole = rig.ask(&manager, "GET /v1/directory", Value::Null).await.text;
    let wrong = whole.replace("sip:shop@192.0.2.9", "sip:shop@192.0.2.66");
    assert!(wrong != whole);
    let toml = [("content-type", "application/toml")];
    let told =
        refused(rig.ask_with(&manager, "PUT /v1/directory", json!(wrong.clone()), &toml).await);
    assert_eq!((&told["name"], &told["pointer"]), (&json!("shop"), &json!("/password")));
    // What stays with the host is a manager's business, and so is a password that it gives.
    let said = rig.ask_with(&manager, line, to("sip:sales@192.0.2.9"), &any).await;
    assert_eq!((said.status.as_u16(), &said.json()["_hidden"]), (200, &json!(["password"])));
    let mut anew = evil.clone();
    anew["password"] = json!("another");
    assert_eq!(rig.ask_with(&manager, line, anew, &any).await.status, 200);
    let said = rig.ask_with(&admin, line, to("sip:shop@192.0.2.9"), &any).await;
    assert_eq!((said.status.as_u16(), &said.json()["_hidden"]), (200, &json!(["password"])));
}
