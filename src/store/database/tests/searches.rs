//! Searches, against a plain reading of what they mean.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::world::{Folder, at, call, found, leg, take, unanswered};
use super::{sqlite_in, turn};
use crate::model::record::{CallRecord, Direction};
use crate::store::database::search::{Pace, records};
use crate::store::database::sql::Driver;
use crate::store::database::sqlite::File;
use crate::store::database::{Cursor, Page, Search, Store, StoreError};

/// Sixty calls of all kinds; some come in the same moment.
fn calls() -> Vec<CallRecord> {
    let one = |n: usize| {
        let pick = |of: &[&str]| of[n % of.len()].to_owned();
        let mut with = match n % 5 {
            0 => unanswered("abandoned", &[leg("+13105550005", "abandoned")]),
            1 => unanswered("busy", &[leg("+13105550001", "busy")]),
            2 => {
                json!({ "legs": [leg("client:Ada", "no_answer"), leg("+13105550002", "answered")] })
            }
            _ => json!({ "legs": [leg("+13105550003", "answered")] }),
        };
        with["caller"] = json!(pick(&["+12125550001", "+12125550002", "+442071838750", ""]));
        with["tracking_number"] = json!(pick(&["+12025550100", "+12025550101", "+18005550100"]));
        with["source"] = json!(pick(&["Ads", "Radio", "ads", ""]));
        with["agent"] = [json!("ada"), json!(null), json!("bob")][n % 3].clone();
        with["source_tag"] = json!(pick(&["", "", "", "spring"]));
        with["tags"] = [json!([]), json!(["hot"]), json!(["hot", "new"])][n % 3].clone();
        with["direction"] = json!(pick(&["inbound", "inbound", "inbound", "outbound", "internal"]));
        if n.is_multiple_of(4) {
            let file = format!("{n}.wav");
            with["recordings"] = json!([{
                "leg": 1, "file": file, "started_at": 5, "length_ms": 7, "lost_ms": 0,
                "stopped_by": null, "prevented": null,
            }]);
        }
        call(&format!("{n:02}"), (n / 2) as i64, with)
    };
    (0..60).map(one).collect()
}

fn number(pattern: &str, text: &str) -> bool {
    let text = text.to_lowercase();
    let pattern = pattern.to_lowercase();
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => text.ends_with(end),
        (_, Some(beginning)) => text.starts_with(beginning),
        _ => text == pattern,
    }
}

/// What a search means.
fn passes(search: &Search, call: &CallRecord) -> bool {
    let is = |wanted: &Option<String>, it: &str| wanted.as_ref().is_none_or(|wanted| wanted == it);
    let to = |it: &str| call.legs.iter().any(|leg| number(it, &leg.destination));
    let caller = |it: &str| number(it, &call.caller);
    let dialled = |it: &str| number(it, &call.tracking_number);
    search.number.as_ref().is_none_or(|it| caller(it) || dialled(it) || to(it))
        && search.caller.as_ref().is_none_or(|it| caller(it))
        && search.tracking_number.as_ref().is_none_or(|it| dialled(it))
        && search.destination.as_ref().is_none_or(|it| to(it))
        && search.from.is_none_or(|it| it <= call.received_at)
        && search.to.is_none_or(|it| call.received_at < it)
        && is(&search.source, &call.source)
        && search.tag.as_ref().is_none_or(|it| call.tags.contains(it))
        && is(&search.outcome, call.outcome())
        && is(&search.agent, call.agent.as_deref().unwrap_or_default())
        && is(&search.source_tag, &call.source_tag)
        && search.direction.is_none_or(|it| it == call.direction)
        && search
            .has_recording
            .is_none_or(|it| it == call.recordings.iter().any(|it| it.file.is_some()))
}

/// One filter each, in every way that it can be meant.
fn single() -> Vec<Search> {
    let none = Search::default;
    let text = |it: &str| Some(it.to_owned());
    let mut all = vec![none()];
    for it in ["+12125550001", "+1212*", "*0002", "*8750", "+44*", "+9*", "*", "client:ada"] {
        all.push(Search { number: text(it), ..none() });
        all.push(Search { caller: text(it), ..none() });
    }
    for it in ["+12025550100", "*0100", "+1202*", "nothing"] {
        all.push(Search { number: text(it), ..none() });
        all.push(Search { tracking_number: text(it), ..none() });
    }
    for it in ["+13105550002", "client:Ada", "CLIENT:ada", "client:*", "*ada", "+1310*", "*5"] {
        all.push(Search { number: text(it), ..none() });
        all.push(Search { destination: text(it), ..none() });
    }
    all.extend(["Ads", "Radio", "ads", "", "A"].map(|it| Search { source: text(it), ..none() }));
    all.extend(["hot", "new", "HOT", ""].map(|it| Search { tag: text(it), ..none() }));
    all.extend(
        ["answered", "busy", "abandoned", "failed"]
            .map(|it| Search { outcome: text(it), ..none() }),
    );
    all.extend(["ada", "bob", "", "cy"].map(|it| Search { agent: text(it), ..none() }));
    all.extend(["spring", ""].map(|it| Search { source_tag: text(it), ..none() }));
    all.extend(
        [Direction::Inbound, Direction::Outbound, Direction::Internal]
            .map(|it| Search { direction: Some(it), ..none() }),
    );
    all.extend([true, false].map(|it| Search { has_recording: Some(it), ..none() }));
    all.push(Search { from: Some(at(7)), ..none() });
    all.push(Search { to: Some(at(7)), ..none() });
    all.push(Search { from: Some(at(5)), to: Some(at(22)), ..none() });
    all.push(Search { from: Some(at(9)), to: Some(at(9)), ..none() });
    all
}

async fn compare(store: &dyn Store, calls: &[CallRecord], search: &Search) {
    let ids = found(store, search).await;
    let mut wanted: Vec<_> = calls.iter().filter(|it| passes(search, it)).collect();
    wanted.reverse();
    let wanted: Vec<_> = wanted.into_iter().map(|it| it.id.to_string()).collect();
    assert_eq!(ids, wanted, "{search:?}");
}

pub async fn every_filter_finds_its_calls_and_no_others(store: &dyn Store) {
    let calls = calls();
    take(store, calls.clone()).await;
    let mut some = 0;
    for search in single() {
        compare(store, &calls, &search).await;
        some += usize::from(calls.iter().any(|it| passes(&search, it)));
    }
    assert!(40 < some, "{some} searches find anything");
    let page = Page { after: None, limit: 60 };
    let all = store.records(&Search::default(), &page).await.unwrap();
    let backwards: Vec<_> = calls.into_iter().rev().collect();
    assert_eq!((all.records, all.next), (backwards, None));
}

/// One search that asks what both ask.
fn both(a: &Search, b: &Search) -> Search {
    let (a, b) = (a.clone(), b.clone());
    Search {
        number: a.number.or(b.number),
        caller: a.caller.or(b.caller),
        tracking_number: a.tracking_number.or(b.tracking_number),
        destination: a.destination.or(b.destination),
        from: a.from.or(b.from),
        to: a.to.or(b.to),
        source: a.source.or(b.source),
        tag: a.tag.or(b.tag),
        outcome: a.outcome.or(b.outcome),
        agent: a.agent.or(b.agent),
        source_tag: a.source_tag.or(b.source_tag),
        direction: a.direction.or(b.direction),
        has_recording: a.has_recording.or(b.has_recording),
    }
}

/// Each with a few others: all pairs would be the same thousand times.
async fn all_together(
    store: &dyn Store,
    calls: &[CallRecord],
    single: &[Search],
    steps: [usize; 2],
    some: &mut usize,
) {
    for (n, a) in single.iter().enumerate() {
        for step in steps {
            let b = &single[(n + step) % single.len()];
            let c = &single[(n + 2 * step) % single.len()];
            for search in [both(a, b), both(&both(a, b), c)] {
                compare(store, calls, &search).await;
                *some += usize::from(calls.iter().any(|it| passes(&search, it)));
            }
        }
    }
}

pub async fn filters_are_taken_together(store: &dyn Store) {
    let calls = calls();
    take(store, calls.clone()).await;
    let single = single();
    let mut some = 0;
    // As a database is that has just been opened by a new version, and as it is then.
    for step in [[3, 17], [7, 29]] {
        all_together(store, &calls, &single, step, &mut some).await;
        while store.improve().await.unwrap() {}
    }
    assert!(100 < some, "{some} searches find anything");
}

pub async fn numbers_are_found_by_their_beginning_and_their_end(store: &dyn Store) {
    let strange = ["100%", "100_", "1000", "a\\b", "a\\", "ab*", "Ünï", "sip:x y@z"];
    let calls: Vec<_> = (0..)
        .zip(strange)
        .map(|(n, it)| call(it, n, json!({ "caller": it, "legs": [leg(it, "answered")] })))
        .collect();
    take(store, calls.clone()).await;
    for part in ["100%*", "*0%", "100_*", "*_", "a\\*", "*\\b", "ün*", "*NÏ", "sip:x y*", "*@z"] {
        for agentless in [None, Some(String::new())] {
            let caller = Search { caller: Some(part.to_owned()), ..Search::default() };
            let caller = Search { agent: agentless, ..caller };
            compare(store, &calls, &caller).await;
            let destination = caller.caller.clone();
            compare(store, &calls, &Search { caller: None, destination, ..caller }).await;
        }
    }
    for wrong in ["*1*", "1*2", "**1**"] {
        let search = Search { number: Some(wrong.to_owned()), ..Search::default() };
        let told = store.records(&search, &Page::default()).await;
        assert!(matches!(told, Err(StoreError::Refused(_))), "{wrong}: {told:?}");
    }
}

pub async fn a_list_keeps_its_place_when_calls_come_in(store: &dyn Store) {
    let old: Vec<_> = (0..40).map(|it| call(&format!("old {it}"), it / 4, json!({}))).collect();
    take(store, old.clone()).await;
    for search in
        [Search::default(), Search { source: Some("Ads".to_owned()), ..Search::default() }]
    {
        let (mut seen, mut after) = (Vec::new(), None);
        let mut fresh = 0;
        loop {
            let page = store.records(&search, &Page { after, limit: 9 }).await.unwrap();
            seen.extend(page.records.iter().map(|it| it.id.to_string()));
            let Some(next) = page.next else { break };
            // A cursor survives being written down.
            after = Some(next.to_string().parse::<Cursor>().unwrap());
            let (newer, changed) = (format!("new {fresh}"), old[fresh].id.to_string());
            let tagged = call(&changed, (fresh / 4) as i64, json!({ "tags": ["late"] }));
            take(store, vec![call(&newer, 100, json!({})), tagged]).await;
            fresh += 1;
        }
        let seen: Vec<_> = seen.into_iter().filter(|it| it.starts_with("old")).collect();
        let wanted: Vec<_> = (0..40).rev().map(|it| format!("old {it}")).collect();
        assert_eq!(seen, wanted, "{search:?}");
    }
}

pub async fn a_page_has_bounds(store: &dyn Store) {
    let calls: Vec<_> = (0..1_010).map(|it| call(&format!("{it}"), it, json!({}))).collect();
    take(store, calls).await;
    let many = async |limit| {
        let page = Page { after: None, limit };
        let told = store.records(&Search::default(), &page).await.unwrap();
        (told.records.len(), told.next.is_some())
    };
    assert_eq!(many(0).await, (50, true));
    assert_eq!(many(1).await, (1, true));
    assert_eq!(many(1_000).await, (1_000, true));
    assert_eq!(many(u32::MAX).await, (1_000, true));
    let page = Page { after: Some("0.0".parse().unwrap()), limit: 5 };
    assert_eq!(store.records(&Search::default(), &page).await.unwrap().records, []);
}

/// More calls than are counted, so that each way of looking is taken.
pub async fn what_leads_a_search_changes_nothing_about_what_is_found(store: &dyn Store) {
    let one = |n: i64| {
        let with = json!({
            "caller": format!("+1212555{:04}", n % 30),
            "source": if n % 2 == 0 { "Ads" } else { "Radio" },
            "tags": if n % 1000 == 0 { json!(["rare"]) } else { json!(["common"]) },
        });
        call(&format!("{n:05}"), n, with)
    };
    let calls: Vec<_> = (0..10_100).map(one).collect();
    for part in calls.chunks(2_000) {
        take(store, part.to_vec()).await;
    }
    let text = |it: &str| Some(it.to_owned());
    let rare = Search { tag: text("rare"), source: text("Ads"), ..Search::default() };
    compare(store, &calls, &rare).await;
    let newest = async |search: &Search| {
        let (mut told, mut after) = (Vec::new(), None);
        // A slow machine ends a page early.
        while told.len() < 20 {
            let page = store.records(search, &Page { after, limit: 20 }).await.unwrap();
            told.extend(page.records);
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        let wanted: Vec<_> = calls.iter().rev().filter(|it| passes(search, it)).take(20).collect();
        assert_eq!(told.iter().take(20).collect::<Vec<_>>(), wanted, "{search:?}");
    };
    let common = Search { tag: text("common"), ..Search::default() };
    // All of them are passed by more than are counted.
    let many = Search {
        number: text("+12025550100"),
        outcome: text("answered"),
        direction: Some(Direction::Inbound),
        has_recording: Some(false),
        ..common.clone()
    };
    let searches = [
        many.clone(),
        Search { tag: None, source: text("Ads"), ..many.clone() },
        Search { agent: text(""), tracking_number: text("+12025550100"), ..many.clone() },
        Search { caller: text("*0007"), ..many.clone() },
        Search { has_recording: Some(true), ..many.clone() },
        Search { outcome: text("busy"), ..many },
        common.clone(),
        Search { source: text("Radio"), ..common.clone() },
        Search { caller: text("+1212*"), ..common.clone() },
        Search { caller: text("*5550007"), ..common.clone() },
        Search { number: text("*0007"), from: Some(at(9_000)), to: Some(at(9_100)), ..common },
        Search { caller: text("+1*"), ..Search::default() },
    ];
    for search in &searches {
        newest(search).await;
    }
    while store.improve().await.unwrap() {}
    for search in &searches {
        newest(search).await;
    }
}

#[test]
fn a_page_that_took_its_time_ends_early_and_the_next_goes_on_from_there() {
    let folder = Folder::new();
    turn(async {
        let (store, calls) = (sqlite_in(&folder), calls());
        take(store.as_ref(), calls.clone()).await;
        while store.improve().await.unwrap() {}
        let file = File::new(&folder.path().join("crosspoint.db"));
        let single = single();
        let (mut early, mut empty) = (0, 0);
        for (n, first) in (1..8).cycle().zip(0..single.len()) {
            let search = both(&single[first], &single[(first + n as usize * 5) % single.len()]);
            let pace = Pace { first: n, time: Duration::ZERO };
            let (mut ids, mut after) = (Vec::new(), None);
            loop {
                let mut session = file.reader().await.unwrap();
                let page = Page { after, limit: 4 };
                let told = records(session.as_mut(), &file, &search, &page, pace).await.unwrap();
                ids.extend(told.records.iter().map(|it| it.id.to_string()));
                let Some(next) = told.next else { break };
                assert!(
                    after.is_none_or(
                        |it| (next.received_at, next.place) < (it.received_at, it.place)
                    )
                );
                early += usize::from(told.records.len() < 4);
                empty += usize::from(told.records.is_empty());
                after = Some(next);
            }
            let wanted = calls.iter().rev().filter(|it| passes(&search, it));
            assert_eq!(ids, wanted.map(|it| it.id.to_string()).collect::<Vec<_>>(), "{search:?}");
        }
        assert!(100 < early && 20 < empty, "{early} pages ended early, {empty} of them empty");
    });
}

#[test]
fn more_calls_are_looked_at_at_a_time_where_that_is_quick() {
    let pace = Pace { first: 100, time: Duration::from_millis(80) };
    let after = |piece, millis| pace.next(piece, Duration::from_millis(millis), 1_000);
    assert_eq!(after(100, 1), 400);
    assert_eq!(after(400, 20), 400);
    assert_eq!(after(400, 50), 200);
    assert_eq!(after(100, 500), 100);
    assert_eq!(after(400, 1), 1_000);
}

pub async fn sql_is_only_text(store: &dyn Store) {
    let calls = calls();
    take(store, calls.clone()).await;
    let evil = ["' OR 1=1 --", "\"; DROP TABLE records; --", "$1", "?", "%", "_", "\\", "\0", "'"];
    let mut wrong = BTreeSet::new();
    for it in evil {
        let text = Some(it.to_owned());
        for search in [
            Search { number: text.clone(), ..Search::default() },
            Search { number: Some(format!("{it}*")), ..Search::default() },
            Search { caller: Some(format!("*{it}")), source: text.clone(), ..Search::default() },
            Search { destination: Some(format!("{it}*")), tag: text.clone(), ..Search::default() },
            Search { source: text.clone(), ..Search::default() },
            Search { tag: text.clone(), ..Search::default() },
            Search { agent: text.clone(), ..Search::default() },
            Search { outcome: text.clone(), source_tag: text.clone(), ..Search::default() },
        ] {
            wrong.extend(found(store, &search).await);
        }
    }
    assert_eq!(wrong, BTreeSet::new());
    compare(store, &calls, &Search::default()).await;
}
