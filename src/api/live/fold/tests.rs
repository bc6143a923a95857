//! Live calls, from what is told of them.

use super::*;
use crate::model::directory::Parts;
use crate::model::record::{Cause, Recording};
use crate::model::{Agent, Endpoint, ReceivingNumber};

/// As the journal has it.
fn record(id: &str, at: i64) -> CallRecord {
    let text = format!(
        r#"{{"id":"{id}","state":"in_progress","tracking_number":"+15550100001","source":"ads",
        "caller":"+12025550173","caller_name":null,"path":[],"legs":[],"received_at":{at},
        "answered_at":null,"connected_at":null,"ended_at":null,"ring_ms":null,"talk_ms":null,
        "cause":null,"recordings":[],"caller_quality":null,"agent":null,"lead_owner":null,
        "source_tag":"","tags":[],"score":null}}"#
    );
    serde_json::from_str(&text).unwrap()
}

fn calls(ids: &[&str]) -> Calls {
    let mut calls = Calls::default();
    for (at, id) in (1..).zip(ids) {
        calls.take(&News::Record(Arc::new(record(id, at))));
    }
    calls
}

fn told(calls: &mut Calls, call: &str, facts: &[What]) {
    for (seq, what) in (1..).zip(facts) {
        let at = Wall::from_unix_micros(100 + i64::from(seq));
        let fact = Fact { seq, at, call: call.into(), what: what.clone() };
        calls.take(&News::Fact(Arc::new(fact)));
    }
}

fn states(calls: &mut Calls, facts: &[What]) -> Vec<LiveState> {
    let each = facts.iter().map(|it| {
        told(calls, "a", std::slice::from_ref(it));
        calls.get("a").unwrap().state
    });
    each.collect()
}

fn route(text: &str) -> What {
    What::RouteEntered { route: text.to_owned() }
}

#[test]
fn a_call_is_followed_from_its_arrival_to_its_end() {
    let mut calls = calls(&["a"]);
    let facts = [
        route("voice_menu main"),
        route("queue sales"),
        What::LegDialing { leg: 1, destination: "desk".into() },
        What::LegRinging { leg: 1 },
        route("dial desk"),
        What::LegRinging { leg: 1 },
        What::LegAnswered { leg: 1 },
        What::LegWhisper { leg: 1 },
        What::Connected { leg: 1 },
        What::Ended { cause: Cause::default() },
    ];
    use LiveState::*;
    assert_eq!(
        states(&mut calls, &facts),
        [Menu, Waiting, Waiting, Waiting, Dialling, Ringing, Ringing, Ringing, Talking, Ended]
    );
    let call = calls.get("a").unwrap();
    assert_eq!((call.legs.len(), call.legs[0].state), (1, "connected"));
    assert_eq!(&*call.route, "dial desk");
    let ended = CallRecord { state: RecordState::Ended, ..record("a", 1) };
    calls.take(&News::Record(Arc::new(ended)));
    assert!(calls.get("a").is_none());
    assert_eq!(calls.page(None, 10, |_| true).unwrap().2, 0);
}

#[test]
fn what_was_missed_is_made_good_by_the_record() {
    let mut calls = calls(&["a"]);
    let mut now = record("a", 1);
    let mut leg = crate::model::record::LegRecord::dialled(1, &"desk".into(), Wall::default());
    leg.connected_at = Some(Wall::from_unix_micros(7));
    now.legs.push(leg);
    now.recordings.push(Recording { file: Some("a.wav".into()), ..Recording::default() });
    calls.put(&now);
    let call = calls.get("a").unwrap();
    assert_eq!((call.state, call.recording), (LiveState::Talking, Taping::On));
    assert_eq!(call.since, Wall::from_unix_micros(7));
}

#[test]
fn calls_that_ended_unseen_are_gone_when_all_were_read_anew() {
    let mut calls = calls(&["a", "b", "c"]);
    calls.begin_anew();
    calls.put(&record("b", 2));
    // It came meanwhile.
    calls.put(&record("d", 50));
    calls.end_anew(Wall::from_unix_micros(40));
    let (left, _, total) = calls.page(None, 10, |_| true).unwrap();
    assert_eq!(left.iter().map(|it| &*it.id).collect::<Vec<_>>(), ["b", "d"]);
    assert_eq!(total, 2);
}

#[test]
fn pages_follow_each_other_in_the_order_of_arrival_without_doubles() {
    let mut calls = calls(&["e", "d", "c", "b", "a"]);
    let (first, next, _) = calls.page(None, 2, |_| true).unwrap();
    // Who is gone meanwhile moves nobody.
    calls.take(&News::Record(Arc::new(CallRecord { state: RecordState::Ended, ..record("d", 2) })));
    let (second, next, _) = calls.page(next.as_deref(), 2, |_| true).unwrap();
    let (third, end, _) = calls.page(next.as_deref(), 2, |_| true).unwrap();
    let ids: Vec<_> = [first, second, third].concat().iter().map(|it| it.id.to_string()).collect();
    assert_eq!(ids, ["e", "d", "c", "b", "a"]);
    assert_eq!(end, None);
    assert!(calls.page(Some("nonsense"), 2, |_| true).is_err());
}

#[test]
fn an_agents_calls_are_those_on_its_destinations() {
    let mut calls = calls(&["a"]);
    told(&mut calls, "a", &[What::LegDialing { leg: 1, destination: "desk".into() }]);
    let desk = Endpoint::Sip { uri: "sip:desk@192.0.2.1".into() };
    let agent = |id: &str, number: &str| Agent { numbers: vec![number.into()], ..Agent::new(id) };
    let directory = Directory::new(Parts {
        receiving_numbers: vec![ReceivingNumber::new("desk", desk)],
        agents: vec![agent("ann", "desk"), agent("bob", "other")],
        ..Parts::default()
    });
    let call = calls.get("a").unwrap();
    assert!(call.is_of("ann", &directory));
    assert!(!call.is_of("bob", &directory) && !call.is_of("nobody", &directory));
    let mut named = call.clone();
    named.name_agents(&directory);
    assert_eq!(named.legs[0].agent.as_deref(), Some("ann"));
    told(&mut calls, "a", &[What::LegEnded { leg: 1, cause: Cause::default() }]);
    assert!(!calls.get("a").unwrap().is_of("ann", &directory), "it was, once");
}
