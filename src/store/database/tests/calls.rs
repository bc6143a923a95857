//! Call records, facts, counts.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::world::{at, batch, call, fact, found, leg, take, unanswered};
use crate::store::database::{
    By, Figure, Figures, Mark, Position, Search, Statistics, Store, StoreError,
};

fn progress() -> Value {
    json!({ "state": "in_progress", "ended_at": null, "talk_ms": null })
}

pub async fn the_later_line_of_a_call_counts(store: &dyn Store) {
    let (begun, over) = (call("a", 1, progress()), call("a", 1, json!({ "tags": ["hot"] })));
    take(store, vec![begun.clone()]).await;
    assert_eq!(store.record("a").await.unwrap(), Some(begun.clone()));
    take(store, vec![over.clone()]).await;
    assert_eq!(store.record("a").await.unwrap(), Some(over.clone()));
    // A score comes with one more line.
    let scored = call("a", 1, json!({ "tags": ["hot"], "score": "5", "agent": "ada" }));
    take(store, vec![begun, over, scored.clone()]).await;
    assert_eq!(store.record("a").await.unwrap(), Some(scored));
    assert_eq!(found(store, &Search::default()).await, ["a"]);
    let by_agent = Search { agent: Some("ada".to_owned()), ..Search::default() };
    assert_eq!(found(store, &by_agent).await, ["a"]);
    assert_eq!(store.record("b").await.unwrap(), None);
}

pub async fn a_line_that_is_read_again_changes_nothing(store: &dyn Store) {
    let mark = |offset| Some(Mark { file: "f".to_owned(), offset, last: "l".to_owned() });
    let position = Position {
        node: "main".to_owned(),
        calls: mark(10),
        events: mark(20),
        quiet_before: at(0),
    };
    assert_eq!(store.position("main").await.unwrap(), None);
    let mut batch = batch(
        vec![call("a", 1, progress()), call("a", 1, json!({})), call("b", 2, json!({}))],
        vec![fact("a", 1, 1), fact("a", 2, 2), fact("b", 1, 2)],
    );
    batch.position = position.clone();
    let state = async || {
        let records = found(store, &Search::default()).await;
        let facts = store.facts_after(0, 0).await.unwrap();
        let ask = day_of(By::Source);
        (records, facts, store.statistics(&ask).await.unwrap())
    };
    store.ingest(&batch).await.unwrap();
    let before = state().await;
    assert_eq!(before.2.totals.calls, 2);
    for _ in 0..3 {
        store.ingest(&batch).await.unwrap();
        assert_eq!(state().await, before);
    }
    assert_eq!(store.position("main").await.unwrap(), Some(position.clone()));
    batch.position.node = "other".to_owned();
    store.ingest(&batch).await.unwrap();
    assert_eq!(store.position("main").await.unwrap(), Some(position));
    assert_eq!(state().await, before);
}

pub async fn an_open_call_is_found_until_it_ends(store: &dyn Store) {
    let begun = ["a", "b", "c"].map(|it| call(it, 5, progress()));
    take(store, begun.to_vec()).await;
    take(store, vec![call("late", 50, progress()), call("b", 5, json!({}))]).await;
    let open = store.open_records("main", at(50)).await.unwrap();
    assert_eq!(open.iter().map(|it| &*it.id).collect::<Vec<_>>(), ["a", "c"]);
    assert!(store.open_records("other", at(50)).await.unwrap().is_empty());
    let cut = call("a", 5, json!({ "state": "interrupted", "ended_at": null }));
    take(store, vec![cut]).await;
    assert_eq!(store.open_records("main", at(50)).await.unwrap().len(), 1);
    let search = Search { outcome: Some("interrupted".to_owned()), ..Search::default() };
    assert_eq!(found(store, &search).await, ["a"]);
}

pub async fn facts_are_kept_once_and_in_order(store: &dyn Store) {
    // More than fit into one statement, in two batches that overlap.
    let facts: Vec<_> = (1..=150).map(|it| fact("a", it, it.into())).collect();
    store.ingest(&batch(Vec::new(), facts[..100].to_vec())).await.unwrap();
    let other = fact("b", 1, 101);
    let second = [&facts[60..], std::slice::from_ref(&other)].concat();
    store.ingest(&batch(Vec::new(), second)).await.unwrap();
    assert_eq!(store.facts("a").await.unwrap(), facts);
    assert_eq!(store.facts("b").await.unwrap(), std::slice::from_ref(&other));
    assert_eq!(store.facts("c").await.unwrap(), []);
    let (mut place, mut all) = (0, Vec::new());
    loop {
        let some = store.facts_after(place, 40).await.unwrap();
        assert!(some.len() <= 40);
        let Some(last) = some.last() else { break };
        assert!(some.windows(2).all(|it| it[0].place < it[1].place) && place < some[0].place);
        place = last.place;
        all.extend(some.into_iter().map(|it| it.fact));
    }
    assert_eq!(all, [facts, vec![other]].concat());
    assert_eq!(store.last_place().await.unwrap(), place);
    assert_eq!(store.place_of("b", 1).await.unwrap(), Some(place));
    assert_eq!(store.place_of("b", 2).await.unwrap(), None);
}

pub async fn old_facts_can_be_forgotten(store: &dyn Store) {
    assert_eq!(store.last_place().await.unwrap(), 0);
    let facts = (1..=30).map(|it| fact("a", it, it.into())).collect();
    store.ingest(&batch(Vec::new(), facts)).await.unwrap();
    assert_eq!(store.forget_facts(at(21), 15).await.unwrap(), 15);
    assert_eq!(store.forget_facts(at(21), 15).await.unwrap(), 5);
    assert_eq!(store.forget_facts(at(21), 15).await.unwrap(), 0);
    assert_eq!(store.facts("a").await.unwrap().first().unwrap().seq, 21);
    // Places are not given anew, even if all are gone.
    let last = store.last_place().await.unwrap();
    assert_eq!(store.forget_facts(at(99), 1000).await.unwrap(), 10);
    store.ingest(&batch(Vec::new(), vec![fact("b", 1, 99)])).await.unwrap();
    assert!(last < store.last_place().await.unwrap());
}

fn ask(from: i64, to: i64, by: By) -> Statistics {
    Statistics { from: at(from), to: at(to), by, zone: TimeZone::UTC }
}

fn day_of(by: By) -> Statistics {
    ask(-86_400, 86_400, by)
}

/// As `key: calls answered abandoned missed`.
fn told(figures: &Figures) -> Vec<String> {
    let row = |it: &Figure| {
        format!("{}: {} {} {} {}", it.key, it.calls, it.answered, it.abandoned, it.missed)
    };
    figures.rows.iter().chain([&figures.totals]).map(row).collect()
}

pub async fn statistics_count_each_call_once(store: &dyn Store) {
    let gone = unanswered("abandoned", &[leg("+1", "abandoned")]);
    let mut busy = unanswered("busy", &[leg("+1", "busy"), leg("+2", "no_answer")]);
    busy["source"] = json!("Radio");
    let queued = json!({ "agent": "ada", "wait_ms": 4_000, "source": "" });
    let calls = vec![
        call("a", 0, json!({ "agent": "ada" })),
        call("b", 10, gone),
        call("c", 20, busy),
        call("d", 86_000, queued),
        call("e", 30, progress()),
    ];
    take(store, calls.clone()).await;
    take(store, calls).await;
    // 2023-11-14 22:13:20 UTC is where time begins here.
    let all = async |by| store.statistics(&day_of(by)).await.unwrap();
    assert_eq!(
        told(&all(By::Source).await),
        ["Ads: 2 1 1 0", ": 1 1 0 0", "Radio: 1 0 0 1", ": 4 2 1 1"]
    );
    assert_eq!(told(&all(By::Agent).await), [": 2 0 1 1", "ada: 2 2 0 0", ": 4 2 1 1"]);
    assert_eq!(
        told(&all(By::Outcome).await),
        ["answered: 2 2 0 0", "abandoned: 1 0 1 0", "busy: 1 0 0 1", ": 4 2 1 1"]
    );
    assert_eq!(told(&all(By::TrackingNumber).await), ["+12025550100: 4 2 1 1", ": 4 2 1 1"]);
    assert_eq!(
        told(&all(By::Hour).await),
        ["2023-11-14T22:00Z: 3 1 1 1", "2023-11-15T22:00Z: 1 1 0 0", ": 4 2 1 1"]
    );
    assert_eq!(
        told(&all(By::Day).await),
        ["2023-11-14: 3 1 1 1", "2023-11-15: 1 1 0 0", ": 4 2 1 1"]
    );
    let kiritimati = TimeZone::get("Pacific/Kiritimati").unwrap();
    let there = Statistics { zone: kiritimati, ..day_of(By::Day) };
    let there = store.statistics(&there).await.unwrap();
    assert_eq!(told(&there), ["2023-11-15: 3 1 1 1", "2023-11-16: 1 1 0 0", ": 4 2 1 1"]);
    let totals = all(By::Agent).await.totals;
    assert_eq!((totals.talk_ms_avg(), totals.ring_ms_avg()), (60_000, 1_000));
    assert_eq!((totals.waited, totals.wait_ms_avg()), (1, 4_000));
    // A later line takes the call from one column to another.
    take(store, vec![call("a", 0, json!({ "agent": "bob" }))]).await;
    assert_eq!(
        told(&all(By::Agent).await),
        [": 2 0 1 1", "ada: 1 1 0 0", "bob: 1 1 0 0", ": 4 2 1 1"]
    );
}

pub async fn statistics_of_parts_of_hours_are_exact(store: &dyn Store) {
    // One call each ten minutes of ten hours.
    let calls = (0..60).map(|it| call(&format!("{it}"), it * 600, json!({}))).collect();
    take(store, calls).await;
    for (from, to) in [(0, 36_000), (1, 36_000), (0, 35_400), (600, 601), (5_000, 5_000), (9, 7)] {
        for (from, to) in [(from, to), (from - 2_000, to + 3_000), (from + 7_000, to - 9_000)] {
            let expected = (0..60).filter(|it| (from..to).contains(&(it * 600))).count() as u64;
            for by in [By::Source, By::Hour, By::Day] {
                let figures = store.statistics(&ask(from, to, by)).await.unwrap();
                assert_eq!(figures.totals.calls, expected, "{from}..{to} {by:?}");
                let rows: u64 = figures.rows.iter().map(|it| it.calls).sum();
                assert_eq!(rows, expected, "{from}..{to} {by:?}");
            }
        }
    }
}

async fn endless(store: &dyn Store, id: &str, long: String) {
    let with = json!({
        "caller": format!("\0{long}"), "source": long, "source_tag": long, "tags": [long, "a\0b"],
        "agent": long, "tracking_number": long, "legs": [leg(&long, "answered")],
    });
    let record = call(id, 1, with);
    take(store, vec![record.clone(), record.clone()]).await;
    assert_eq!(store.record(id).await.unwrap(), Some(record));
    for search in [
        Search { source: Some(long.clone()), ..Search::default() },
        Search { tag: Some(long.clone()), ..Search::default() },
        Search { agent: Some(long.clone()), ..Search::default() },
        Search { source_tag: Some(long.clone()), ..Search::default() },
        Search { destination: Some(long.clone()), ..Search::default() },
        Search { tracking_number: Some(long.clone()), ..Search::default() },
    ] {
        assert_eq!(found(store, &search).await, [id]);
    }
}

pub async fn nuls_and_endless_texts_are_kept(store: &dyn Store) {
    for (id, of) in [("a", "é"), ("b", "\u{1f4de}")] {
        endless(store, id, of.repeat(5_000)).await;
        while store.improve().await.unwrap() {}
    }
    let wrong = "not a cursor".parse::<crate::store::database::Cursor>();
    assert!(matches!(wrong, Err(StoreError::Refused(_))));
}
