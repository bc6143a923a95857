//! Calls that were, counted and exported; and calls that nobody placed.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::rig::{NUMBER, Rig, story};
use crate::model::record::{CallRecord, RecordState};
use crate::simulator::secs;
use crate::store::database::{Batch, Position};

/// One call that was answered, and one from whom a spreadsheet should beware.
async fn past(rig: &Rig) -> String {
    let id = rig.talks().await;
    rig.world.borrow_mut().hangs_up("carrier");
    rig.runs(secs(2)).await;
    let record = rig.world.borrow().records.last().unwrap().clone();
    let strange = CallRecord {
        id: "f00d".into(),
        caller: "=HYPERLINK(\"http://evil.example\")".to_owned(),
        caller_name: Some("<script>alert(1)</script>".to_owned()),
        source: "@cmd".to_owned(),
        agent: None,
        ..record
    };
    keep(rig, vec![strange]).await;
    id
}

async fn keep(rig: &Rig, records: Vec<CallRecord>) {
    let position = Position { node: "other".to_owned(), ..Position::default() };
    let batch = Batch { records, facts: Vec::new(), deliveries: Vec::new(), position };
    rig.api.store.ingest(&batch).await.unwrap();
}

async fn ids(rig: &Rig, query: &str) -> Vec<String> {
    let found = rig.gets(&format!("/v1/records?{query}")).await;
    let items = found["items"].as_array().unwrap();
    items.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn calls_are_found_by_everything_that_is_known_of_them() {
    story(|rig| async move {
        let id = past(&rig).await;
        let record = rig.gets(&format!("/v1/records/{id}")).await;
        let caller = record["caller"].as_str().unwrap().replace('+', "%2B");
        let end = caller[caller.len() - 4..].to_owned();
        for query in [
            "agent=ann".to_owned(),
            format!("caller={caller}"),
            format!("number={caller}"),
            // A plus that was not written as it must be in a query.
            format!("caller={}", caller.replace("%2B", "+")),
            format!("q={end}&agent=ann"),
            "source=%3Cb%3Eads%3C/b%3E".to_owned(),
            "outcome=answered&agent=ann&has_recording=true".to_owned(),
            "from=2026-03-02&to=2026-03-03&agent=ann".to_owned(),
            "destination=b&agent=ann&direction=inbound".to_owned(),
        ] {
            assert_eq!(ids(&rig, &query).await, [id.as_str()], "{query}");
        }
        for query in ["agent=bob", "from=2027-01-01", "outcome=busy", "direction=outbound"] {
            assert!(ids(&rig, query).await.is_empty(), "{query}");
        }
        for wrong in ["outcome=lost", "from=then", "limit=0", "after=x", "nonsense=1", "number=*"] {
            let asked =
                rig.asks(Method::GET, &format!("/v1/records?{wrong}")).send().await.unwrap();
            assert_eq!(asked.status(), StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
            assert_eq!(asked.headers()["content-type"], "application/problem+json");
        }
        for ghost in ["0123", "..%2f", "%00", "%27%20OR%201=1"] {
            let asked =
                rig.asks(Method::GET, &format!("/v1/records/{ghost}")).send().await.unwrap();
            assert_eq!(asked.status(), StatusCode::NOT_FOUND, "{ghost}");
        }
    });
}

#[test]
fn an_export_has_all_and_no_formula_in_it() {
    story(|rig| async move {
        past(&rig).await;
        let record = rig.world.borrow().records.last().unwrap().clone();
        // More than is read at once.
        let many =
            (0..1200).map(|n| CallRecord { id: format!("many{n}").into(), ..record.clone() });
        keep(&rig, many.collect()).await;
        let asked = rig.asks(Method::GET, "/v1/records").header("accept", "text/csv");
        let response = asked.send().await.unwrap();
        assert_eq!(response.headers()["content-type"], "text/csv; charset=utf-8");
        assert!(response.headers()["content-disposition"].to_str().unwrap().contains("calls.csv"));
        let bytes = response.bytes().await.unwrap();
        let mut reader = csv::Reader::from_reader(&*bytes);
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 1202);
        for cell in rows.iter().flat_map(|it| it.iter()) {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
        }
        let strange = rows.iter().find(|it| &it[0] == "f00d").unwrap();
        assert_eq!(
            (&strange[5], &strange[6]),
            ("'=HYPERLINK(\"http://evil.example\")", "<script>alert(1)</script>")
        );
        let lines =
            rig.asks(Method::GET, "/v1/records?format=ndjson&limit=700").send().await.unwrap();
        let lines = lines.text().await.unwrap();
        let lines: Vec<Value> = lines.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
        assert_eq!(lines.len(), 700);
        assert!(lines.iter().all(|it| it["outcome"] == "answered"));
        // Pages have the same, one after the other.
        let (mut seen, mut after) = (std::collections::BTreeSet::new(), String::new());
        loop {
            let page = rig.gets(&format!("/v1/records?limit=500{after}")).await;
            for it in page["items"].as_array().unwrap() {
                assert!(seen.insert(it["id"].as_str().unwrap().to_owned()), "{it} twice");
            }
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        assert_eq!(seen.len(), 1202);
        let picture = rig.asks(Method::GET, "/v1/records").header("accept", "image/png");
        assert_eq!(picture.send().await.unwrap().status(), StatusCode::NOT_ACCEPTABLE);
    });
}

#[test]
fn a_call_that_is_not_over_has_its_record_and_its_events_too() {
    story(|rig| async move {
        let id = rig.talks().await;
        let record = rig.gets(&format!("/v1/records/{id}")).await;
        assert_eq!(
            (&record["state"], &record["outcome"]),
            (&json!("in_progress"), &json!("in_progress"))
        );
        let events = rig.gets(&format!("/v1/records/{id}/events")).await;
        let seqs: Vec<u64> = events["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["seq"].as_u64().unwrap())
            .collect();
        assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
        assert_ne!(RecordState::Ended, RecordState::InProgress);
    });
}

#[test]
fn calls_are_counted() {
    story(|rig| async move {
        past(&rig).await;
        let counted = rig.gets("/v1/statistics?by=agent&from=2026-03-02&to=2026-03-03").await;
        assert_eq!(counted["totals"]["calls"], 2, "{counted:#}");
        assert_eq!(counted["totals"]["answered"], 2);
        assert_eq!(counted["rows"].as_array().unwrap().len(), 2);
        for wrong in ["by=week", "from=2026-03-03&to=2026-03-02", "zone=Mars", "from=1970-01-01"] {
            let asked =
                rig.asks(Method::GET, &format!("/v1/statistics?{wrong}")).send().await.unwrap();
            assert_eq!(asked.status(), StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        }
    });
}

#[test]
fn a_call_is_explained_and_played_through_without_being_placed() {
    story(|rig| async move {
        let (status, told) =
            rig.posts("/v1/explain", json!({ "number": NUMBER, "from": "+12025550173" })).await;
        assert_eq!(status, StatusCode::OK);
        assert!(told["text"].as_str().unwrap().contains("Route: dial b"), "{told:#}");
        assert_eq!(told["tree"]["kind"], "call");
        let (status, problem) =
            rig.posts("/v1/explain", json!({ "number": NUMBER, "zip": "1" })).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["errors"][0]["pointer"], "/zip");
        let asked = json!({ "number": NUMBER, "answer_after": 2 });
        let (status, played) = rig.posts_as("/v1/simulate", asked, "viewer").await;
        assert_eq!(status, StatusCode::OK);
        assert!(
            played["ladder"].as_str().unwrap().contains("caller and leg 1 are connected"),
            "{played}"
        );
        assert_eq!(rig.gets("/v1/calls").await["total"], 0);
        assert!(rig.world.borrow().facts.is_empty());
    });
}

#[test]
fn a_call_that_has_just_ended_has_its_record_before_the_store_does() {
    story(|rig| async move {
        let id = rig.talks().await;
        rig.world.borrow_mut().hangs_up("carrier");
        rig.world.borrow_mut().run_for(secs(2));
        rig.tells(false).await;
        let kept = rig.api.store.record(&id).await.unwrap().map(|it| it.state);
        assert_ne!(kept, Some(RecordState::Ended), "the store is behind");
        for path in [format!("/v1/records/{id}"), format!("/v1/calls/{id}")] {
            let told = rig.gets(&path).await;
            let record = told.get("record").unwrap_or(&told);
            assert_eq!(
                (&record["state"], &record["outcome"]),
                (&json!("ended"), &json!("answered"))
            );
        }
        assert!(ids(&rig, "outcome=answered").await.is_empty(), "a search waits for the store");
        rig.keeps().await;
        // A line that comes later counts, whoever has it.
        let scored =
            CallRecord { score: Some('5'), ..rig.api.store.record(&id).await.unwrap().unwrap() };
        let told = crate::api::News::Record(std::sync::Arc::new(scored.clone()));
        drop(rig.api.news.send(told));
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        assert_eq!(rig.gets(&format!("/v1/records/{id}")).await["score"], "5");
        keep(&rig, vec![CallRecord { score: Some('4'), ..scored }]).await;
        assert_eq!(rig.gets(&format!("/v1/records/{id}")).await["score"], "4");
    });
}
