//! The directory.

use serde_json::{Value, json};

use super::world::at;
use crate::store::database::{AuditSearch, Author, Document, Edit, Expected, Store, StoreError};

const ADA: Author = Author { by: "ada", source: "192.0.2.7" };

fn put(name: &str, expected: Expected, body: Value) -> Edit {
    Edit { kind: "agent".to_owned(), name: name.to_owned(), expected, body: Some(body) }
}

fn delete(name: &str, expected: Expected) -> Edit {
    Edit { kind: "agent".to_owned(), name: name.to_owned(), expected, body: None }
}

async fn change(store: &dyn Store, edits: &[Edit]) -> Result<Vec<Document>, StoreError> {
    store.change(edits, ADA, at(5)).await
}

async fn names(store: &dyn Store) -> Vec<(String, i64)> {
    let documents = store.documents().await.unwrap();
    documents.into_iter().map(|it| (it.name, it.revision)).collect()
}

async fn audited(store: &dyn Store) -> Vec<String> {
    let entries = store.audit(&AuditSearch::default()).await.unwrap();
    entries.into_iter().map(|it| format!("{} {} {}", it.what, it.subject, it.detail)).collect()
}

pub async fn documents_are_kept_in_the_order_of_their_creation(store: &dyn Store) {
    assert_eq!(store.documents().await.unwrap(), []);
    let edits = ["zoe", "ada", "bob"].map(|it| put(it, Expected::Absent, json!({ "name": it })));
    let written = change(store, &edits).await.unwrap();
    assert_eq!(written, store.documents().await.unwrap());
    assert_eq!((written[0].changed_at, written[0].changed_by.as_str()), (at(5), "ada"));
    let edit = put("zoe", Expected::Revision(1), json!({ "name": "zoe", "wrap_up": "5s" }));
    change(store, &[edit]).await.unwrap();
    assert_eq!(
        names(store).await,
        [("zoe", 2), ("ada", 1), ("bob", 1)].map(|it| (it.0.into(), it.1))
    );
}

pub async fn a_change_with_an_old_revision_is_refused_and_says_what_is_there(store: &dyn Store) {
    let conflict = |now: Option<&Document>| {
        let now = now.cloned().map(Box::new);
        StoreError::Conflict { kind: "agent".to_owned(), name: "ada".to_owned(), now }
    };
    for expected in [Expected::Revision(1), Expected::Revision(0)] {
        let told = change(store, &[put("ada", expected, json!({}))]).await;
        assert_eq!(told, Err(conflict(None)));
        assert_eq!(change(store, &[delete("ada", expected)]).await, Err(conflict(None)));
    }
    change(store, &[put("ada", Expected::Absent, json!({ "a": 1 }))]).await.unwrap();
    let now = change(store, &[put("ada", Expected::Revision(1), json!({ "a": 2 }))]).await.unwrap();
    for expected in [Expected::Revision(1), Expected::Revision(3), Expected::Absent] {
        let told = change(store, &[put("ada", expected, json!({ "a": 3 }))]).await;
        assert_eq!(told, Err(conflict(now.first())));
        assert_eq!(change(store, &[delete("ada", expected)]).await, Err(conflict(now.first())));
    }
    change(store, &[delete("ada", Expected::Revision(2))]).await.unwrap();
    assert_eq!(names(store).await, []);
}

pub async fn a_change_is_made_wholly_or_not_at_all_with_its_audit(store: &dyn Store) {
    change(store, &[put("ada", Expected::Absent, json!({ "secret": "x" }))]).await.unwrap();
    let before = (names(store).await, audited(store).await);
    let edits = [
        put("bob", Expected::Absent, json!({})),
        delete("ada", Expected::Any),
        put("cy", Expected::Revision(4), json!({})),
    ];
    assert!(change(store, &edits).await.is_err());
    assert_eq!((names(store).await, audited(store).await), before);
    let edits = [
        put("bob", Expected::Absent, json!({ "name": "bob" })),
        put("ada", Expected::Any, json!({ "secret": "y", "name": "ada" })),
        put("ada", Expected::Revision(2), json!({ "name": "ada" })),
        delete("ada", Expected::Revision(3)),
        delete("nobody", Expected::Any),
    ];
    let written = change(store, &edits).await.unwrap();
    assert_eq!(written.iter().map(|it| it.revision).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(
        audited(store).await,
        [
            r#"deleted agent/ada {"keys":[],"revision":3}"#,
            r#"changed agent/ada {"keys":["secret"],"revision":3}"#,
            r#"changed agent/ada {"keys":["name","secret"],"revision":2}"#,
            r#"created agent/bob {"keys":["name"],"revision":1}"#,
            r#"created agent/ada {"keys":["secret"],"revision":1}"#,
        ]
    );
}

pub async fn who_made_a_change_and_from_where_is_known(store: &dyn Store) {
    change(store, &[put("ada", Expected::Absent, json!({}))]).await.unwrap();
    store.change(&[delete("ada", Expected::Any)], "crosspoint".into(), at(6)).await.unwrap();
    let entries = store.audit(&AuditSearch::default()).await.unwrap();
    let told: Vec<_> = entries.iter().map(|it| (&*it.what, &*it.by, &*it.source)).collect();
    assert_eq!(told, [("deleted", "crosspoint", ""), ("created", "ada", "192.0.2.7")]);
}

pub async fn changes_are_counted_and_what_changes_nothing_is_not(store: &dyn Store) {
    assert_eq!(store.changes().await, Ok(0));
    let edits = ["ada", "bob"].map(|it| put(it, Expected::Absent, json!({})));
    change(store, &edits).await.unwrap();
    let first = store.changes().await.unwrap();
    assert!(0 < first);
    // Nothing that is other, nothing at all, and nothing for somebody was faster.
    change(store, &[put("ada", Expected::Any, json!({}))]).await.unwrap();
    change(store, &[]).await.unwrap();
    assert!(change(store, &[delete("ada", Expected::Revision(7))]).await.is_err());
    assert_eq!(store.changes().await, Ok(first));
    change(store, &[delete("ada", Expected::Any)]).await.unwrap();
    let then = store.changes().await.unwrap();
    assert!(first < then);
    change(store, &[put("bob", Expected::Any, json!({ "a": 1 }))]).await.unwrap();
    assert!(then < store.changes().await.unwrap());
}

pub async fn no_revision_is_given_twice_even_after_a_deletion(store: &dyn Store) {
    change(store, &[put("ada", Expected::Any, json!({ "a": 1 }))]).await.unwrap();
    change(store, &[put("ada", Expected::Any, json!({ "a": 2 }))]).await.unwrap();
    for revision in [3, 4] {
        change(store, &[delete("ada", Expected::Any)]).await.unwrap();
        change(store, &[put("ada", Expected::Any, json!({ "a": 1 }))]).await.unwrap();
        assert_eq!(names(store).await, [("ada".to_owned(), revision)]);
    }
}

pub async fn an_edit_that_changes_nothing_leaves_no_trace(store: &dyn Store) {
    let first = change(store, &[put("ada", Expected::Any, json!({ "a": 1 }))]).await.unwrap();
    let again = put("ada", Expected::Revision(1), json!({ "a": 1 }));
    let told = store.change(&[again], "bob".into(), at(9)).await.unwrap();
    assert_eq!(told, first);
    assert_eq!(audited(store).await.len(), 1);
}

pub async fn names_and_values_may_be_anything(store: &dyn Store) {
    let texts = [
        "Zoë 電話 📞",
        "'; DROP TABLE documents; --",
        "100% _ \\ \" `",
        "$1 ?1 :a @b",
        "e\u{301} and é",
        "\u{202e}right to left",
        "line\nbreak\ttab",
    ];
    let body =
        |it: &str| json!({ "name": it, it: [null, true, 1.5, -7, 9_007_199_254_740_993_i64] });
    let edits = texts.map(|it| put(it, Expected::Absent, body(it)));
    change(store, &edits).await.unwrap();
    let kept = store.documents().await.unwrap();
    assert_eq!(kept.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), texts);
    assert!(kept.iter().all(|it| it.body == body(&it.name)));
    // Names that only look the same are not.
    let edits = ["ADA", "ada", "ada "].map(|it| put(it, Expected::Absent, json!({})));
    assert_eq!(change(store, &edits).await.unwrap().len(), 3);
    // NUL is a value like any other in a body.
    let edit = put("nul", Expected::Absent, json!({ "a": "x\0y" }));
    change(store, &[edit]).await.unwrap();
    assert_eq!(store.documents().await.unwrap().last().unwrap().body, json!({ "a": "x\0y" }));
}

pub async fn what_is_too_large_is_refused(store: &dyn Store) {
    let refused = |told: Result<Vec<Document>, StoreError>| {
        assert!(matches!(told, Err(StoreError::Refused(_))), "{told:?}");
    };
    for name in ["", "a\0b", &"x".repeat(201)] {
        refused(change(store, &[put(name, Expected::Any, json!({}))]).await);
    }
    change(store, &[put(&"x".repeat(200), Expected::Any, json!({}))]).await.unwrap();
    let body = |bytes: usize| json!("x".repeat(bytes - 2));
    refused(change(store, &[put("ada", Expected::Any, body((1 << 20) + 1))]).await);
    change(store, &[put("ada", Expected::Any, body(1 << 20))]).await.unwrap();
    let many = vec![delete("nobody", Expected::Any); 100_001];
    refused(change(store, &many).await);
}
