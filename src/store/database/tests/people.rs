//! Users, keys, sessions, the audit log.

use std::time::Duration;

use serde_json::json;

use super::world::{at, audit};
use crate::store::database::{
    ApiKey, AuditEntry, AuditSearch, Expected, Session, Store, StoreError, User,
};

fn user(name: &str) -> User {
    User {
        name: name.to_owned(),
        role: "manager".to_owned(),
        agent: Some("ada".to_owned()),
        password: "$argon2id$..".to_owned(),
        created_at: at(1),
        changed_at: at(1),
        revision: 0,
    }
}

fn key(id: &str, user: &str) -> ApiKey {
    ApiKey {
        id: id.to_owned(),
        name: "deploy".to_owned(),
        role: "viewer".to_owned(),
        user: user.to_owned(),
        hash: format!("hash of {id}"),
        created_at: at(1),
        expires_at: None,
        used_at: None,
    }
}

fn session(hash: &str, user: &str, from: i64, to: i64) -> Session {
    Session {
        hash: hash.to_owned(),
        user: user.to_owned(),
        csrf: "csrf".to_owned(),
        created_at: at(from),
        expires_at: at(to),
    }
}

pub async fn users_are_kept_with_their_revisions(store: &dyn Store) {
    assert_eq!(store.user("bob").await.unwrap(), None);
    let first = store.put_user(&user("bob"), Expected::Absent, &audit("created")).await.unwrap();
    assert_eq!(first, User { revision: 1, ..user("bob") });
    let again = store.put_user(&user("bob"), Expected::Absent, &audit("created")).await;
    let Err(StoreError::Conflict { now: Some(now), .. }) = again else { panic!("{again:?}") };
    assert_eq!((now.revision, now.body), (1, json!({ "role": "manager", "agent": "ada" })));
    let changed = User { agent: None, created_at: at(9), changed_at: at(9), ..user("bob") };
    let second = store.put_user(&changed, Expected::Revision(1), &audit("changed")).await.unwrap();
    assert_eq!(second, User { revision: 2, created_at: at(1), ..changed.clone() });
    let late = store.put_user(&changed, Expected::Revision(1), &audit("changed")).await;
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    store.put_user(&user("ada"), Expected::Any, &audit("created")).await.unwrap();
    let names: Vec<_> = store.users().await.unwrap().into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["ada", "bob"]);
    assert_eq!(store.user("bob").await.unwrap(), Some(second));
    // What was refused was not done, and is not said to have been.
    let entries = store.audit(&AuditSearch::default()).await.unwrap();
    assert_eq!(entries.iter().filter(|it| it.what == "created").count(), 2);
    let nameless = store.put_user(&user(""), Expected::Any, &audit("created")).await;
    assert!(matches!(nameless, Err(StoreError::Refused(_))));
}

pub async fn a_user_takes_keys_and_sessions_along(store: &dyn Store) {
    for name in ["ada", "bob"] {
        store.put_user(&user(name), Expected::Absent, &audit("created")).await.unwrap();
        store.put_key(&key(name, name), &audit("created")).await.unwrap();
        store.put_session(&session(name, name, 1, 99)).await.unwrap();
    }
    assert!(store.delete_user("bob", &audit("deleted")).await.unwrap());
    assert!(!store.delete_user("bob", &audit("deleted again")).await.unwrap());
    assert_eq!(store.users().await.unwrap().len(), 1);
    assert_eq!(store.keys().await.unwrap(), [key("ada", "ada")]);
    assert_eq!(store.session("bob", at(2)).await.unwrap(), None);
    assert!(store.session("ada", at(2)).await.unwrap().is_some());
    let entries = store.audit(&AuditSearch::default()).await.unwrap();
    assert_eq!(entries.first().unwrap().what, "deleted");
    // Whoever knew the old revision does not know the new user.
    let next = store.put_user(&user("bob"), Expected::Absent, &audit("created")).await.unwrap();
    assert_eq!(next.revision, 2);
}

pub async fn keys_are_found_by_their_hash_and_their_use_is_noted(store: &dyn Store) {
    let first = ApiKey { expires_at: Some(at(50)), ..key("a", "bob") };
    store.put_key(&first, &audit("created")).await.unwrap();
    store.put_key(&key("b", "bob"), &audit("created")).await.unwrap();
    for double in [key("a", "bob"), ApiKey { id: "c".to_owned(), ..key("b", "bob") }] {
        let told = store.put_key(&double, &audit("created")).await;
        assert!(matches!(told, Err(StoreError::Refused(_))), "{told:?}");
    }
    assert_eq!(store.key_by_hash("hash of a").await.unwrap(), Some(first));
    assert_eq!(store.key_by_hash("hash of z").await.unwrap(), None);
    for (now, noted) in [(10, 10), (69, 10), (70, 70), (71, 70)] {
        store.key_used("b", at(now)).await.unwrap();
        let used_at = store.key_by_hash("hash of b").await.unwrap().unwrap().used_at;
        assert_eq!(used_at, Some(at(noted)), "used at {now}");
    }
    store.key_used("nobody's", at(1)).await.unwrap();
    assert!(store.delete_key("a", &audit("deleted")).await.unwrap());
    assert!(!store.delete_key("a", &audit("deleted")).await.unwrap());
    assert_eq!(store.keys().await.unwrap().len(), 1);
    assert_eq!(store.audit(&AuditSearch::default()).await.unwrap().len(), 3);
}

pub async fn sessions_end_by_themselves_and_by_request(store: &dyn Store) {
    for (hash, user, to) in [("a", "ada", 10), ("b", "ada", 20), ("c", "ada", 20), ("d", "bob", 20)]
    {
        store.put_session(&session(hash, user, 1, to)).await.unwrap();
    }
    assert_eq!(store.session("a", at(9)).await.unwrap(), Some(session("a", "ada", 1, 10)));
    assert_eq!(store.session("a", at(10)).await.unwrap(), None);
    // One that has expired is gone when the next one comes.
    store.put_session(&session("e", "bob", 10, 30)).await.unwrap();
    assert_eq!(store.session("a", at(9)).await.unwrap(), None);
    assert!(store.end_session("d").await.unwrap());
    assert!(!store.end_session("d").await.unwrap());
    assert_eq!(store.end_sessions_of("ada", Some("b")).await.unwrap(), 1);
    assert!(store.session("b", at(11)).await.unwrap().is_some());
    assert_eq!(store.end_sessions_of("ada", None).await.unwrap(), 1);
    assert_eq!(store.session("b", at(11)).await.unwrap(), None);
    assert!(store.session("e", at(11)).await.unwrap().is_some());
}

pub async fn the_audit_log_is_paged_and_filtered(store: &dyn Store) {
    for number in 0..25_u32 {
        let entry = AuditEntry {
            at: at(0) + Duration::from_secs(number.into()),
            by: if number % 2 == 0 { "ada" } else { "bob" }.to_owned(),
            subject: format!("user/{}", number % 3),
            detail: json!({ "n": number }),
            ..audit("login")
        };
        store.note_audit(&entry).await.unwrap();
    }
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let search = AuditSearch { before, limit: 10, ..AuditSearch::default() };
        let entries = store.audit(&search).await.unwrap();
        before = entries.last().map(|it| it.id);
        seen.extend(entries.iter().map(|it| it.detail["n"].as_u64().unwrap()));
        if entries.len() < 10 {
            break;
        }
    }
    assert_eq!(seen, (0..25).rev().collect::<Vec<_>>());
    let search = AuditSearch {
        by: Some("ada".to_owned()),
        subject: Some("user/1".to_owned()),
        ..AuditSearch::default()
    };
    let numbers = store.audit(&search).await.unwrap();
    let numbers: Vec<_> = numbers.iter().map(|it| it.detail["n"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [22, 16, 10, 4]);
    // What a stranger types as a name is cut, not refused: the entry must be there.
    let long = AuditEntry { by: "\0é".repeat(5000), subject: "x".repeat(5000), ..audit("login") };
    store.note_audit(&long).await.unwrap();
    let entry = store.audit(&AuditSearch::default()).await.unwrap().remove(0);
    assert_eq!((entry.by.chars().count(), entry.subject.len()), (500, 500));
}

pub async fn a_setting_is_settled_once(store: &dyn Store) {
    assert_eq!(store.setting("links").await.unwrap(), None);
    assert_eq!(store.settle_setting("links", "first").await.unwrap(), "first");
    assert_eq!(store.settle_setting("links", "second").await.unwrap(), "first");
    assert_eq!(store.setting("links").await.unwrap().as_deref(), Some("first"));
}

pub async fn old_entries_of_the_audit_log_can_be_forgotten(store: &dyn Store) {
    for n in 1..=9 {
        store.note_audit(&AuditEntry { at: at(n), ..audit(&format!("n{n}")) }).await.unwrap();
    }
    assert_eq!(store.forget_audit(at(1), 100).await.unwrap(), 0);
    // No more than so many at once.
    assert_eq!(store.forget_audit(at(6), 3).await.unwrap(), 3);
    assert_eq!(store.forget_audit(at(6), 3).await.unwrap(), 2);
    assert_eq!(store.forget_audit(at(6), 3).await.unwrap(), 0);
    let left = store.audit(&AuditSearch::default()).await.unwrap();
    let left: Vec<_> = left.iter().map(|it| it.what.as_str()).collect();
    assert_eq!(left, ["n9", "n8", "n7", "n6"]);
}
