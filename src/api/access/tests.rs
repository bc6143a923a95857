//! Who may do what, asked as anybody would ask.

use serde_json::{Value, json};

use crate::api::directory::Home;
use crate::api::openapi;
use crate::api::rig::{As, PASSWORD, Rig};
use crate::clock::Wall;
use crate::store::database::{AuditSearch, Edit, Expected};

const NOBODY: As = As(Vec::new());

#[tokio::test]
async fn the_first_admin_comes_by_the_printed_link_and_only_once() {
    let rig = Rig::start("first-admin").await;
    let token = rig.api.access.begin(&[]).unwrap().unwrap();
    let with =
        |token: &str, password: &str| json!({"token": token, "user": "ada", "password": password});
    let said = rig.ask(&NOBODY, "POST /v1/setup", with("guessed", PASSWORD)).await;
    assert_eq!((said.status.as_u16(), &*said.problem()), (422, "wrong-value"));
    let said = rig.ask(&NOBODY, "POST /v1/setup", with(&token, "short")).await;
    assert_eq!(said.json()["errors"][0]["pointer"], "/password");
    let said = rig.ask(&NOBODY, "POST /v1/setup", with(&token, PASSWORD)).await;
    assert_eq!(said.status, 201);
    let me = rig.ask(&Rig::session(&said), "GET /v1/session", Value::Null).await.json();
    assert_eq!((&me["user"], &me["role"]), (&json!("ada"), &json!("admin")));
    let said = rig.ask(&NOBODY, "POST /v1/setup", with(&token, PASSWORD)).await;
    assert_eq!(said.status, 422, "the link is used up");
    let users = rig.api.store.users().await.unwrap();
    assert!(rig.api.access.begin(&users).unwrap().is_none(), "there is an admin now");
    assert!(!format!("{users:?}").contains(PASSWORD));
}

#[tokio::test]
async fn a_session_changes_things_only_with_its_token_and_ends_with_the_password() {
    let rig = Rig::start("sessions").await;
    let admin = rig.admin().await;
    let cookie_only = As(admin.0.iter().filter(|it| it.0 == "cookie").cloned().collect());
    assert_eq!(rig.ask(&cookie_only, "GET /v1/users", Value::Null).await.status, 200);
    let user = json!({"name": "bob", "role": "viewer"});
    let said = rig.ask(&cookie_only, "POST /v1/users", user.clone()).await;
    assert_eq!((said.status.as_u16(), &*said.problem()), (403, "csrf"));
    let wrong = As(vec![cookie_only.0[0].clone(), ("x-csrf-token".into(), "x".repeat(43))]);
    assert_eq!(rig.ask(&wrong, "POST /v1/users", user.clone()).await.status, 403);
    let said =
        rig.ask_with(&admin, "GET /v1/users", Value::Null, &[("sec-fetch-site", "cross-site")]);
    assert_eq!(said.await.problem(), "not-allowed");

    let other = rig.sign_in("ada").await;
    let new = json!({"old": PASSWORD, "new": "another long password"});
    let wrong = json!({"old": "not the password", "new": "another long password"});
    let said = rig.ask(&admin, "PUT /v1/session/password", wrong).await;
    assert_eq!(said.json()["errors"][0]["pointer"], "/old");
    assert_eq!(rig.ask(&admin, "PUT /v1/session/password", new).await.status, 204);
    assert_eq!(rig.ask(&other, "GET /v1/session", Value::Null).await.status, 401, "it has ended");
    assert_eq!(rig.ask(&admin, "GET /v1/session", Value::Null).await.status, 200, "this goes on");
    let said = rig.ask(&admin, "DELETE /v1/session", Value::Null).await;
    assert!(said.status == 204 && said.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(rig.ask(&admin, "GET /v1/session", Value::Null).await.status, 401);
}

#[tokio::test]
async fn a_session_is_over_after_a_day_and_its_cookie_is_for_nobody_else() {
    let rig = Rig::start("session-ends").await;
    rig.admin().await;
    let sent = json!({"user": "ada", "password": PASSWORD});
    let said = rig.ask(&NOBODY, "POST /v1/session", sent).await;
    let cookie = said.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    assert!(!cookie.contains("Secure"), "there is no TLS: {cookie}");
    let ada = Rig::session(&said);
    rig.after(24 * 3600 - 1);
    assert_eq!(rig.ask(&ada, "GET /v1/session", Value::Null).await.status, 200);
    rig.after(1);
    assert_eq!(rig.ask(&ada, "GET /v1/session", Value::Null).await.status, 401);
}

#[tokio::test]
async fn who_guesses_waits_and_is_written_down() {
    let mut rig = Rig::start("guesses").await;
    let admin = rig.admin().await;
    let guess = |user: &str| json!({"user": user, "password": "some guessed password"});
    for user in ["ada", "nobody", "ada", "no/body", "ada", "ada", "ada"] {
        let said = rig.ask(&NOBODY, "POST /v1/session", guess(user)).await;
        assert_eq!((said.status.as_u16(), &*said.problem()), (401, "not-signed-in"), "{user}");
    }
    let right = json!({"user": "ada", "password": PASSWORD});
    let said = rig.ask(&NOBODY, "POST /v1/session", right.clone()).await;
    assert_eq!((said.status.as_u16(), &*said.header("retry-after")), (429, "1"));
    assert_eq!(
        rig.ask(&admin, "GET /v1/session", Value::Null).await.status,
        200,
        "a session goes on"
    );
    rig.after(1);
    assert_eq!(rig.ask(&NOBODY, "POST /v1/session", right).await.status, 200);
    rig.peer = "192.0.2.8:1".parse().unwrap();
    let log = rig.ask(&admin, "GET /v1/audit?limit=100", Value::Null).await.json();
    let what: Vec<_> = log["items"].as_array().unwrap().iter().map(|it| &it["what"]).collect();
    // The second name that nobody has is only counted.
    assert_eq!(what.iter().filter(|it| **it == "login_refused").count(), 6);
    assert_eq!(log["items"][0]["source"], "192.0.2.7");
    assert!(!log.to_string().contains("guessed password"));
}

/// A program that goes on with a key that was taken back, on the machine where people sign in.
#[tokio::test]
async fn who_tries_keys_waits_too_and_keeps_nobody_from_signing_in() {
    let mut rig = Rig::start("wrong-keys").await;
    let admin = rig.admin().await;
    let made = rig.ask(&admin, "POST /v1/keys", json!({"name": "crm", "role": "viewer"})).await;
    let bearer = |key: &str| As(vec![("authorization".into(), format!("Bearer {key}"))]);
    let right = bearer(made.json()["key"].as_str().unwrap());
    let wrong = bearer("xpk_guessed");
    let mut refused = 0;
    for _ in 0..100 {
        let said = rig.ask(&wrong, "GET /v1/users", Value::Null).await;
        refused += u32::from(said.status == 429);
    }
    assert!((50..100).contains(&refused), "{refused}");
    assert_eq!(rig.ask(&right, "GET /v1/session", Value::Null).await.status, 200);
    rig.sign_in("ada").await;
    rig.peer = "192.0.2.8:1".parse().unwrap();
    assert_eq!(rig.ask(&wrong, "GET /v1/users", Value::Null).await.status, 401, "another source");
}

/// Two edges share a store: the link of the one is not good once the other's was used.
#[tokio::test]
async fn the_link_is_not_good_where_there_is_an_admin_by_now() {
    let rig = Rig::start("two-links").await;
    let token = rig.api.access.begin(&[]).unwrap().unwrap();
    let (audit, now) = (
        super::entry("", rig.peer.ip(), rig.api.now(), "created", String::new(), Value::Null),
        rig.api.now(),
    );
    let password = super::secrets::hash_password(PASSWORD).unwrap();
    let ada = crate::store::database::User {
        name: "ada".into(),
        role: "admin".into(),
        agent: None,
        password,
        created_at: now,
        changed_at: now,
        revision: 0,
    };
    let absent = crate::store::database::Expected::Absent;
    rig.api.store.put_user(&ada, absent, &audit).await.unwrap();
    for name in ["eve", "ada"] {
        let sent = json!({"token": token, "user": name, "password": "another long password"});
        let said = rig.ask(&NOBODY, "POST /v1/setup", sent).await;
        assert_eq!(said.json()["errors"][0]["pointer"], "/token", "{said:?}");
    }
    rig.sign_in("ada").await;
}

/// A right password that was changed while it was looked at.
#[tokio::test]
async fn a_sign_in_that_crosses_a_change_of_the_password_begins_nothing() {
    let rig = Rig::start("crossing").await;
    let admin = rig.admin().await;
    let before = rig.api.store.user("ada").await.unwrap().unwrap();
    let new = json!({"old": PASSWORD, "new": "another long password"});
    assert_eq!(rig.ask(&admin, "PUT /v1/session/password", new).await.status, 204);
    let origin = super::Origin { ip: rig.peer.ip(), secure: false };
    let begun = super::sessions::begin(&rig.api, before, origin, axum::http::StatusCode::OK).await;
    assert_eq!(begun.unwrap_err().status(), 401);
    assert_eq!(rig.api.store.end_sessions_of("ada", None).await.unwrap(), 1, "the admin's alone");
}

/// Anybody's page can have its own name lead to this machine (DNS rebinding).
#[tokio::test]
async fn without_tls_or_a_proxy_the_edge_is_asked_by_its_address_or_as_localhost() {
    let rig = Rig::start("hosts").await;
    let host = |name: &'static str| [("host", name)];
    for good in [
        "127.0.0.1:8060",
        "127.0.0.1",
        "[::1]:8060",
        "localhost:8060",
        "LOCALHOST",
        "edge.localhost:1",
        "edge:8060",
        "localhost.",
    ] {
        let said = rig.ask_with(&NOBODY, "GET /health/live", Value::Null, &host(good)).await;
        assert_eq!(said.status, 200, "{good}");
    }
    for bad in ["evil.example", "evil.example:8060", "127.0.0.1.evil.example", "1.2.3", "a.b"] {
        for line in ["GET /metrics", "GET /console/", "GET /v1/session", "POST /v1/session"] {
            let said = rig.ask_with(&NOBODY, line, Value::Null, &host(bad)).await;
            assert_eq!((said.status.as_u16(), &*said.problem()), (421, "misdirected"), "{bad}");
        }
    }
    let rig = Rig::behind_proxy("hosts-proxy").await;
    let said = rig.ask_with(&NOBODY, "GET /health/live", Value::Null, &host("edge.example")).await;
    assert_eq!(said.status, 200, "a proxy knows its names");
}

#[tokio::test]
async fn nobody_knows_who_sends_much() {
    let rig = Rig::start("large-sign-in").await;
    for line in ["POST /v1/session", "POST /v1/setup"] {
        let sent = json!({"token": "", "user": "ada", "password": "x".repeat(20_000)});
        assert_eq!(rig.ask(&NOBODY, line, sent).await.problem(), "too-large", "{line}");
    }
}

#[tokio::test]
async fn metrics_are_for_who_stands_beside_us_or_has_a_key() {
    let mut rig = Rig::start("metrics").await;
    let admin = rig.admin().await;
    assert_eq!(rig.ask(&NOBODY, "GET /metrics", Value::Null).await.status, 200);
    rig.peer = "1.1.1.1:4711".parse().unwrap();
    assert_eq!(rig.ask(&NOBODY, "GET /metrics", Value::Null).await.problem(), "not-signed-in");
    assert_eq!(rig.ask(&NOBODY, "GET /health/ready", Value::Null).await.status, 200);
    assert_eq!(rig.ask(&admin, "GET /metrics", Value::Null).await.status, 200);
}

#[tokio::test]
async fn a_copy_of_the_database_is_whole_and_nobody_elses_to_read() {
    use std::os::unix::fs::PermissionsExt;
    let rig = Rig::start("backup").await;
    let admin = rig.admin().await;
    let made = rig.ask(&admin, "POST /v1/backup", Value::Null).await;
    assert_eq!(made.status, 200, "{made:?}");
    let file = rig.folder.join(made.json()["file"].as_str().unwrap());
    for file in [&file, &rig.folder.join("crosspoint.db"), &rig.folder.join("crosspoint.db-wal")] {
        let mode = std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.display());
    }
    let all = std::fs::read_dir(file.parent().unwrap()).unwrap().count();
    assert_eq!(all, 1, "nothing is left beside it");
    let _alone = rig.api.access.backup.try_lock().unwrap();
    assert_eq!(rig.ask(&admin, "POST /v1/backup", Value::Null).await.problem(), "not-now");
}

#[tokio::test]
async fn a_key_is_shown_once_and_may_no_more_than_its_owner() {
    let rig = Rig::start("keys").await;
    let admin = rig.admin().await;
    let sent = json!({"name": "crm", "role": "manager", "expires_at": 1_800_000_100_000_000i64});
    let made = rig.ask(&admin, "POST /v1/keys", sent).await;
    assert_eq!(made.status, 201);
    let (made, place) = (made.json(), made.header("location"));
    let key =
        As(vec![("authorization".into(), format!("Bearer {}", made["key"].as_str().unwrap()))]);
    let me = rig.ask(&key, "GET /v1/session", Value::Null).await.json();
    assert_eq!(
        (&me["user"], &me["role"], me.get("csrf")),
        (&json!("key:crm"), &json!("manager"), None)
    );
    assert_eq!(rig.ask(&key, "GET /v1/users", Value::Null).await.problem(), "not-allowed");
    let listed = rig.ask(&admin, "GET /v1/keys", Value::Null).await.text;
    assert!(!listed.contains(made["key"].as_str().unwrap()) && listed.contains("crm"));
    rig.after(100);
    assert_eq!(rig.ask(&key, "GET /v1/session", Value::Null).await.status, 401, "it has expired");
    assert_eq!(rig.ask(&admin, &format!("DELETE {place}"), Value::Null).await.status, 204);
    assert_eq!(rig.ask(&admin, &format!("DELETE {place}"), Value::Null).await.status, 404);
    let past = json!({"name": "old", "role": "viewer", "expires_at": 1});
    let said = rig.ask(&admin, "POST /v1/keys", past).await;
    assert_eq!(said.json()["errors"][0]["pointer"], "/expires_at");
}

#[tokio::test]
async fn a_user_is_changed_with_care_and_the_last_admin_stays() {
    let rig = Rig::start("users").await;
    let admin = rig.admin().await;
    let bob = rig.user(&admin, "bob", "viewer").await;
    let again = json!({"name": "bob", "role": "admin"});
    assert_eq!(rig.ask(&admin, "POST /v1/users", again).await.problem(), "conflict");
    let said = rig.ask(&admin, "GET /v1/users/bob", Value::Null).await;
    let etag = said.header("etag");
    let role = |role: &str| json!({"role": role});
    let if_match = [("if-match", etag.as_str())];
    let said = rig.ask_with(&admin, "PUT /v1/users/bob", role("manager"), &if_match).await;
    assert_eq!((said.status.as_u16(), &said.json()["role"]), (200, &json!("manager")));
    assert_eq!(rig.ask(&bob, "GET /v1/session", Value::Null).await.json()["role"], "manager");
    let said = rig.ask_with(&admin, "PUT /v1/users/bob", role("viewer"), &if_match).await;
    assert_eq!(said.problem(), "conflict");
    for line in ["DELETE /v1/users/ada", "PUT /v1/users/ada"] {
        let body = if line.starts_with("PUT") { role("viewer") } else { Value::Null };
        assert_eq!(rig.ask(&admin, line, body).await.problem(), "not-now", "{line}");
    }
    let password = json!({"role": "viewer", "password": "set by somebody else"});
    assert_eq!(rig.ask(&admin, "PUT /v1/users/bob", password).await.status, 200);
    assert_eq!(rig.ask(&bob, "GET /v1/session", Value::Null).await.status, 401, "signed out");
    assert_eq!(rig.ask(&admin, "DELETE /v1/users/bob", Value::Null).await.status, 204);
    assert_eq!(rig.ask(&admin, "GET /v1/users/bob", Value::Null).await.status, 404);
    for name in ["", "a b", "a/b", "key:x", "é"] {
        let said = rig.ask(&admin, "POST /v1/users", json!({"name": name, "role": "viewer"})).await;
        assert_eq!(said.json()["errors"][0]["pointer"], "/name", "{name}");
    }
    let agent = json!({"name": "eve", "role": "agent", "agent": "nobody"});
    assert_eq!(
        rig.ask(&admin, "POST /v1/users", agent).await.json()["errors"][0]["pointer"],
        "/agent"
    );
    let role = json!({"name": "eve", "role": "root"});
    let said = rig.ask(&admin, "POST /v1/users", role).await;
    assert_eq!(said.json()["errors"][0]["pointer"], "/role", "{said:?}");
}

#[tokio::test]
async fn what_a_request_says_of_its_source_counts_only_behind_a_proxy_and_only_the_last_of_it() {
    let told = "198.51.100.1, 203.0.113.5";
    let headers = [("x-forwarded-for", told), ("x-forwarded-proto", "https")];
    let sent = json!({"user": "nobody", "password": "some guessed password"});
    for (behind, source) in [(false, "192.0.2.7"), (true, "203.0.113.5")] {
        let rig = match behind {
            true => Rig::behind_proxy("proxy").await,
            false => Rig::start("no-proxy").await,
        };
        let admin = rig.admin().await;
        let said = rig.ask_with(&NOBODY, "POST /v1/session", sent.clone(), &headers).await;
        assert_eq!(said.status, 401);
        assert_eq!(said.header("strict-transport-security").is_empty(), !behind);
        let log = rig.ask(&admin, "GET /v1/audit", Value::Null).await.json();
        assert_eq!(log["items"][0]["source"], source, "{log}");
        let right = json!({"user": "ada", "password": PASSWORD});
        let said = rig.ask_with(&NOBODY, "POST /v1/session", right.clone(), &headers).await;
        assert_eq!(said.header("set-cookie").contains("; Secure"), behind);
        // A proxy is there for TLS; one that does not say so is taken to have it.
        let said = rig.ask_with(&NOBODY, "POST /v1/session", right.clone(), &headers[..1]).await;
        assert_eq!(said.header("set-cookie").contains("; Secure"), behind);
        let plain = [headers[0], ("x-forwarded-proto", "http")];
        let said = rig.ask_with(&NOBODY, "POST /v1/session", right, &plain).await;
        assert!(!said.header("set-cookie").contains("; Secure"));
    }
}

/// Every operation of the document: line, and the role it needs.
fn operations() -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    for (path, of) in openapi::document()["paths"].as_object().unwrap() {
        // Something that stands in no path of ours.
        let path = path.split('/').map(|it| if it.starts_with('{') { "nothing" } else { it });
        let path = path.collect::<Vec<_>>().join("/");
        for (method, operation) in of.as_object().unwrap() {
            let role = operation["x-role"].as_str().map(str::to_owned);
            found.push((format!("{} {path}", method.to_uppercase()), role));
        }
    }
    found
}

#[tokio::test]
async fn every_operation_refuses_everybody_below_its_role() {
    let rig = Rig::start("roles").await;
    let admin = rig.admin().await;
    let mut known = Vec::new();
    for role in ["viewer", "agent", "manager"] {
        known.push((role, rig.user(&admin, role, role).await));
    }
    let mut refused = 0;
    for (line, needed) in operations() {
        let Some(needed) = needed else { continue };
        assert_eq!(rig.ask(&NOBODY, &line, Value::Null).await.status, 401, "{line}");
        for (role, who) in &known {
            let enough = super::Role::named(&needed).unwrap() <= super::Role::named(role).unwrap();
            if !enough {
                let said = rig.ask(who, &line, json!({})).await;
                assert_eq!(said.status, 403, "{role}: {line}: {said:?}");
                refused += 1;
            }
        }
    }
    assert!(60 < refused, "{refused}");
}

#[tokio::test]
async fn every_operation_of_the_document_is_there_and_says_what_is_wrong_as_a_problem() {
    let rig = Rig::start("operations").await;
    let admin = rig.admin().await;
    for (line, _) in operations() {
        // The last has no end.
        let not = ["/v1/session", "/v1/setup", "backup", "/v1/events"];
        if not.iter().any(|it| line.contains(it)) {
            continue;
        }
        let said = rig.ask(&admin, &line, json!({"surely": "not"})).await;
        assert!(said.status != 405 && !said.status.is_server_error(), "{line}: {said:?}");
        if !said.status.is_success() {
            said.problem();
        }
    }
}

#[tokio::test]
async fn guesses_at_names_that_nobody_has_do_not_fill_the_audit_log() {
    let mut rig = Rig::start("names").await;
    let admin = rig.admin().await;
    let before = rig.ask(&admin, "GET /v1/audit", Value::Null).await.json();
    let before = before["items"].as_array().unwrap().len();
    let ours = rig.peer;
    rig.peer = "198.51.100.66:4711".parse().unwrap();
    let mut tried = 0;
    for n in 0..25 {
        let sent = json!({"user": format!("name{n}"), "password": "wrong horse"});
        let said = rig.ask(&As::default(), "POST /v1/session", sent).await;
        tried += usize::from(said.status == 401);
    }
    assert_eq!(tried, 25);
    // A user that there is is told each time.
    for _ in 0..2 {
        let sent = json!({"user": "ada", "password": "wrong horse"});
        assert_eq!(rig.ask(&As::default(), "POST /v1/session", sent).await.status, 401);
    }
    rig.peer = ours;
    let log = rig.ask(&admin, "GET /v1/audit", Value::Null).await.json();
    let subjects = |log: &Value| -> Vec<String> {
        let items = log["items"].as_array().unwrap();
        items.iter().map(|it| it["subject"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(log["items"].as_array().unwrap().len(), before + 3, "{log}");
    assert_eq!(subjects(&log)[..3], ["user/ada", "user/ada", "user/name0"]);
    rig.after(60);
    super::audit::write_refusals(&rig.api).await.unwrap();
    let log = rig.ask(&admin, "GET /v1/audit", Value::Null).await.json();
    let told = &log["items"][0];
    assert_eq!(
        (&told["what"], &told["source"]),
        (&json!("login_refused"), &json!("198.51.100.66"))
    );
    assert_eq!(told["detail"]["attempts"], 24);
    assert_eq!(told["detail"]["names"], json!(["name1", "name2", "name3", "name4", "name5"]));
}

#[tokio::test]
async fn the_audit_log_is_kept_for_as_long_as_is_said_and_forgotten_in_parts() {
    const OLD: usize = 1_010;
    for (keep, goes) in [("\"30d\"", vec![1_000, 10, 0]), ("\"off\"", vec![0])] {
        let text = include_str!("../../../configs/quickstart.toml");
        let text = text.replace("[store]\n", &format!("[store]\nkeep_audit = {keep}\n"));
        assert!(text.contains("keep_audit"));
        let rig = Rig::with(&format!("forgets-{}", goes.len()), &text, Home::Database).await;
        let ago =
            |days: i64| Wall::from_unix_micros(rig.api.now().unix_micros() - days * 86_400_000_000);
        let edit = |n: usize| Edit {
            kind: "voicemail".to_owned(),
            name: format!("v{n}"),
            expected: Expected::Absent,
            body: Some(json!({"name": format!("v{n}")})),
        };
        // What the quickstart has brought, made now, stands before them: the log is of its order.
        let brought = rig.api.store.forget_audit(ago(-1), 1_000).await.unwrap();
        assert_eq!(brought, 4);
        let old: Vec<_> = (0..OLD).map(edit).collect();
        rig.api.store.change(&old, "ada".into(), ago(31)).await.unwrap();
        rig.api.store.change(&[edit(OLD)], "ada".into(), ago(29)).await.unwrap();
        rig.api.store.change(&[edit(OLD + 1)], "ada".into(), ago(0)).await.unwrap();
        let mut gone = Vec::new();
        while gone.last() != Some(&0) {
            gone.push(super::audit::forget(&rig.api).await.unwrap());
        }
        assert_eq!(gone, goes, "{keep}");
        let left = rig.api.store.audit(&AuditSearch { limit: 9, ..AuditSearch::default() }).await;
        let left = left.unwrap();
        let subjects: Vec<_> = left.iter().take(2).map(|it| it.subject.as_str()).collect();
        assert_eq!(subjects, ["voicemail/v1011", "voicemail/v1010"]);
        assert_eq!(left.len(), if goes.len() == 1 { 9 } else { 2 });
    }
}
