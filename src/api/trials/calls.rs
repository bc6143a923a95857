//! Live calls: seen, and acted on.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::rig::{NUMBER, Rig, story};
use crate::simulator::{ms, secs};

async fn only(rig: &Rig) -> Value {
    let calls = rig.gets("/v1/calls").await;
    assert_eq!(calls["total"], 1, "{calls:#}");
    calls["items"][0].clone()
}

#[test]
fn a_call_is_seen_from_its_ringing_to_its_end() {
    story(|rig| async move {
        assert_eq!(rig.gets("/v1/calls").await, json!({ "items": [], "total": 0 }));
        let id = rig.calls(NUMBER).await;
        let call = only(&rig).await;
        assert_eq!((&call["id"], &call["state"]), (&json!(id), &json!("ringing")));
        assert_eq!(call["tracking_number"], "+15550100001");
        // What stands in a name is a name, in JSON.
        assert_eq!(call["source"], "<b>ads</b>");
        assert_eq!(call["legs"][0]["agent"], "ann");
        rig.runs(secs(5)).await;
        let call = only(&rig).await;
        assert_eq!((&call["state"], &call["recording"]), (&json!("talking"), &json!("on")));
        let one = rig.gets(&format!("/v1/calls/{id}")).await;
        assert_eq!(one["live"]["state"], "talking");
        assert_eq!(one["record"]["outcome"], "in_progress");
        rig.world.borrow_mut().hangs_up("carrier");
        rig.runs(secs(2)).await;
        assert_eq!(rig.gets("/v1/calls").await["total"], 0);
        let one = rig.gets(&format!("/v1/calls/{id}")).await;
        assert_eq!((&one["live"], &one["record"]["outcome"]), (&Value::Null, &json!("answered")));
    });
}

#[test]
fn calls_are_filtered_and_paged() {
    story(|rig| async move {
        for _ in 0..3 {
            rig.calls("15550100002").await;
        }
        rig.runs(ms(500)).await;
        let waiting = rig.gets("/v1/calls?state=waiting&limit=2").await;
        assert_eq!(waiting["items"].as_array().unwrap().len(), 2);
        let next = waiting["next"].as_str().unwrap();
        let rest = rig.gets(&format!("/v1/calls?state=waiting&limit=2&after={next}")).await;
        assert_eq!(rest["items"].as_array().unwrap().len(), 1);
        assert!(rest.get("next").is_none());
        assert_eq!(rig.gets("/v1/calls?agent=ann").await["items"], json!([]));
        for wrong in ["limit=0", "limit=1001", "after=x", "state=lost", "colour=red"] {
            let asked = rig.asks(Method::GET, &format!("/v1/calls?{wrong}")).send().await.unwrap();
            assert_eq!(asked.status(), StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
        }
    });
}

#[test]
fn a_call_is_hung_up_put_through_and_recorded_and_who_did_it_is_known() {
    story(|rig| async move {
        let id = rig.talks().await;
        let at = |what: &str| format!("/v1/calls/{id}/{what}");
        let (status, _) = rig.posts(&at("recording"), json!({ "on": false })).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        rig.tells(true).await;
        assert_eq!(only(&rig).await["recording"], "stopped");
        let (status, problem) = rig.posts(&at("recording"), json!({ "on": false })).await;
        assert_eq!((status, &problem["type"]), (StatusCode::CONFLICT, &json!("/problems/not-now")));
        let (status, _) = rig.posts(&at("transfer"), json!({ "to": "c" })).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        rig.runs(secs(5)).await;
        let (status, problem) = rig.posts(&at("recording"), json!({ "on": true })).await;
        assert_eq!(status, StatusCode::CONFLICT);
        assert!(problem["detail"].as_str().unwrap().contains("prevent_recording"), "{problem}");
        let (status, _) = rig.posts(&at("hangup"), Value::Null).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        rig.runs(secs(2)).await;
        let (status, _) = rig.posts(&at("hangup"), Value::Null).await;
        assert_eq!(status, StatusCode::CONFLICT, "it is over");
        let facts = rig.gets(&format!("/v1/records/{id}/events")).await;
        let facts = facts["items"].as_array().unwrap();
        let did = facts.iter().filter(|it| it["what"]["type"] == "call.commanded");
        let did: Vec<_> = did.map(|it| (&it["what"]["command"], &it["what"]["by"])).collect();
        let admin = json!("admin");
        let wanted = ["stop_recording", "transfer", "hangup"].map(|it| json!(it));
        assert_eq!(did, wanted.iter().map(|it| (it, &admin)).collect::<Vec<_>>());
        let audited = rig.audited().await;
        let audited: Vec<&str> = audited.iter().map(|it| &*it.0).collect();
        assert_eq!(audited, ["hangup", "transfer", "stop_recording"]);
    });
}

#[test]
fn an_agent_acts_on_its_own_calls_and_a_viewer_on_none() {
    story(|rig| async move {
        let id = rig.talks().await;
        let hang_up = format!("/v1/calls/{id}/hangup");
        let refused = StatusCode::FORBIDDEN;
        assert_eq!(rig.posts_as(&hang_up, Value::Null, "viewer").await.0, refused);
        assert_eq!(rig.posts_as(&hang_up, Value::Null, "").await.0, StatusCode::UNAUTHORIZED);
        // To c, who is not Ann.
        let transfer = format!("/v1/calls/{id}/transfer");
        let (status, _) = rig.posts_as(&transfer, json!({ "to": "c" }), "agent").await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        rig.runs(secs(5)).await;
        assert_eq!(rig.posts_as(&hang_up, Value::Null, "agent").await.0, refused);
        assert_eq!(rig.posts_as(&hang_up, Value::Null, "manager").await.0, StatusCode::NO_CONTENT);
    });
}

#[test]
fn what_a_call_cannot_be_asked_is_refused_with_its_field() {
    story(|rig| async move {
        let id = rig.talks().await;
        let at = format!("/v1/calls/{id}/transfer");
        for (body, pointer) in [
            (json!({ "queue": "ghost" }), "/queue"),
            (json!({ "dial": ["b", "ghost"] }), "/dial/1"),
            (json!({ "to": "" }), "/to"),
        ] {
            let (status, problem) = rig.posts(&at, body).await;
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
        }
        let (status, problem) = rig.posts(&at, json!({ "to": "+19005550199" })).await;
        assert_eq!((status, &problem["reason"]), (StatusCode::CONFLICT, &json!("not_allowed")));
        for ghost in ["0123", "..%2f..", "%00", "x".repeat(100).as_str()] {
            let (status, _) = rig.posts(&format!("/v1/calls/{ghost}/hangup"), Value::Null).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{ghost}");
        }
    });
}

#[test]
fn calls_that_the_news_did_not_tell_of_are_found_again() {
    story(|rig| async move {
        rig.calls(NUMBER).await;
        let before = rig.gets("/v1/calls").await["items"][0]["id"].clone();
        rig.world.borrow_mut().hangs_up("carrier");
        rig.world.borrow_mut().run_for(secs(2));
        // A flood that nobody reads: the end of the one call and the beginning of others are in it.
        rig.tells(false).await;
        for _ in 0..3 {
            rig.world.borrow_mut().calls("carrier", "15550100002");
            rig.world.borrow_mut().run_for(ms(200));
        }
        let fact = rig.world.borrow().facts[0].1.clone();
        rig.tells(false).await;
        for _ in 0..2 * crate::api::ask::NEWS {
            drop(rig.api.news.send(crate::api::News::Fact(fact.clone().into())));
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        let calls = rig.gets("/v1/calls").await;
        assert_eq!(calls["total"], 3, "{calls:#}");
        assert!(calls["items"].as_array().unwrap().iter().all(|it| it["id"] != before));
    });
}

/// A disk that takes its time does not turn round what was said last.
#[test]
#[allow(clippy::await_holding_lock, reason = "that is the disk")]
fn what_an_agent_said_last_is_what_is_kept() {
    story(|rig| async move {
        let put = |state: &str| {
            let asked = rig.asks_as(Method::PUT, "/v1/agents/ann/state", "agent");
            tokio::spawn(asked.json(&json!({ "state": state })).send())
        };
        let seen = || async { rig.gets("/v1/status").await["agents"][0]["presence"].clone() };
        let disk = rig.api.live.presences.lock();
        let away = put("away");
        while seen().await != "away" {}
        let back = put("available");
        for _ in 0..50 {
            assert_eq!(seen().await, "away", "the first is not kept yet");
        }
        drop(disk);
        for said in [away, back] {
            assert_eq!(said.await.unwrap().unwrap().status(), StatusCode::NO_CONTENT);
        }
        assert_eq!(seen().await, "available");
        assert_eq!(crate::store::Away::in_folder(&rig.data).names().count(), 0);
    });
}

#[test]
fn agents_come_and_go_and_away_is_kept() {
    story(|rig| async move {
        let put = |role: &str, agent: &str, state: &str| {
            let path = format!("/v1/agents/{agent}/state");
            rig.asks_as(Method::PUT, &path, role).json(&json!({ "state": state })).send()
        };
        let status = |response: Result<reqwest::Response, _>| response.unwrap().status();
        assert_eq!(status(put("agent", "ann", "away").await), StatusCode::NO_CONTENT);
        let seen = rig.gets("/v1/status").await;
        let since = rig.api.now().unix_micros();
        let ann = json!({ "name": "ann", "state": "away", "presence": "away", "since": since });
        assert_eq!(seen["agents"], json!([ann]));
        assert!(seen["trunks"][0]["addresses"].as_array().is_some(), "{seen:#}");
        assert_eq!(seen["trunks"][0]["name"], "carrier");
        assert_eq!(seen["queues"][0]["waiting"], 0);
        let at = json!([{ "address": "10.0.0.1:5060", "transports": ["UDP"] }]);
        assert_eq!(seen["registrations"], json!({ "total": 0, "at": at }));
        let kept = crate::store::Away::in_folder(&rig.data);
        assert_eq!(kept.names().collect::<Vec<_>>(), ["ann"]);
        assert_eq!(status(put("agent", "bob", "away").await), StatusCode::FORBIDDEN);
        assert_eq!(status(put("admin", "bob", "away").await), StatusCode::NOT_FOUND);
        let wrong = put("admin", "ann", "asleep").await;
        assert_eq!(status(wrong), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(status(put("admin", "ann", "available").await), StatusCode::NO_CONTENT);
        assert_eq!(crate::store::Away::in_folder(&rig.data).names().count(), 0);
    });
}
