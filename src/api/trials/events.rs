//! Events as they happen, and those that were missed.

use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::rig::{NUMBER, Rig, story};
use crate::simulator::secs;

/// Events of a stream, until it is silent for half a second.
struct Events {
    response: reqwest::Response,
    rest: String,
}

impl Events {
    async fn of(rig: &Rig, path: &str, last: Option<&str>) -> Self {
        let mut asked = rig.asks(Method::GET, path);
        if let Some(last) = last {
            asked = asked.header("last-event-id", last);
        }
        let response = asked.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, rest: String::new() }
    }

    async fn heard(&mut self) -> Vec<(String, Value)> {
        while let Ok(Ok(Some(bytes))) =
            tokio::time::timeout(Duration::from_millis(500), self.response.chunk()).await
        {
            self.rest.push_str(std::str::from_utf8(&bytes).unwrap());
        }
        let text = std::mem::take(&mut self.rest);
        let blocks = text.split("\n\n").filter_map(|block| {
            let field = |name: &str| block.lines().find_map(|it| it.strip_prefix(name));
            let data = serde_json::from_str(field("data: ")?).unwrap();
            Some((field("id: ")?.to_owned(), data))
        });
        blocks.collect()
    }
}

/// Of each call 1, 2, 3, ..
fn in_order(heard: &[(String, Value)]) {
    let mut last = std::collections::BTreeMap::new();
    for (id, fact) in heard {
        let (call, seq) = id.rsplit_once(':').unwrap();
        let seq: u32 = seq.parse().unwrap();
        assert_eq!(fact["seq"], seq);
        let before = last.insert(call.to_owned(), seq).unwrap_or(0);
        assert_eq!(seq, before + 1, "{id} came after {before}");
    }
}

#[test]
fn whoever_looks_on_sees_everything_in_order_and_only_what_it_wants() {
    story(|rig| async move {
        let mut all = Events::of(&rig, "/v1/events", None).await;
        let types = "/v1/events?types=call.connected,call.ended";
        let mut some = Events::of(&rig, types, None).await;
        let id = rig.talks().await;
        let mut other = Events::of(&rig, "/v1/events?call=0123", None).await;
        rig.world.borrow_mut().hangs_up("carrier");
        rig.runs(secs(2)).await;
        let heard = all.heard().await;
        in_order(&heard);
        assert_eq!(heard[0].0, format!("{id}:1"));
        assert_eq!(heard.len(), rig.world.borrow().facts.len());
        let kinds = some.heard().await;
        let kinds: Vec<_> = kinds.iter().map(|it| it.1["what"]["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["call.connected", "call.ended"]);
        assert!(other.heard().await.is_empty());
    });
}

#[test]
fn who_comes_back_is_told_what_it_missed_and_then_what_happens_each_once() {
    story(|rig| async move {
        let id = rig.talks().await;
        let last = format!("{id}:2");
        let mut events = Events::of(&rig, "/v1/events", Some(&last)).await;
        // Happens while the past is being told; the store hears of it later than the news.
        rig.world.borrow_mut().hangs_up("carrier");
        rig.world.borrow_mut().run_for(secs(2));
        rig.tells(false).await;
        let facts = rig.world.borrow().facts.len();
        tokio::time::sleep(Duration::from_millis(600)).await;
        rig.keeps().await;
        let heard = events.heard().await;
        let seqs: Vec<u64> = heard.iter().map(|it| it.1["seq"].as_u64().unwrap()).collect();
        assert_eq!(seqs, (3..=facts as u64).collect::<Vec<_>>());
        // And it goes on.
        let next = rig.calls(NUMBER).await;
        let more = events.heard().await;
        in_order(&more);
        assert!(more.iter().all(|it| it.1["call"] == *next) && !more.is_empty());
    });
}

#[test]
fn an_event_that_is_not_kept_and_a_type_that_there_is_not_are_refused() {
    story(|rig| async move {
        for (path, last) in [
            ("/v1/events", Some("0123:7")),
            ("/v1/events", Some("nonsense")),
            ("/v1/events?types=leg.rings", None),
            ("/v1/events?colour=red", None),
        ] {
            let mut asked = rig.asks(Method::GET, path);
            if let Some(last) = last {
                asked = asked.header("last-event-id", last);
            }
            let response = asked.send().await.unwrap();
            assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{path} {last:?}");
        }
    });
}

#[test]
fn so_many_may_look_on_and_who_goes_makes_room() {
    story(|rig| async move {
        let mut streams = Vec::new();
        for _ in 0..20 {
            streams.push(Events::of(&rig, "/v1/events", None).await);
        }
        let one_more = rig.asks(Method::GET, "/v1/events").send().await.unwrap();
        assert_eq!(one_more.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(one_more.headers().contains_key("retry-after"));
        streams.clear();
        for _ in 0..50 {
            rig.calls(NUMBER).await;
            let asked = rig.asks(Method::GET, "/v1/events").send().await.unwrap();
            if asked.status() == StatusCode::OK {
                return;
            }
        }
        panic!("there is no room though all have gone");
    });
}

/// 4096 events wait for a reader at most; it then reads on from the store.
#[test]
fn a_slow_reader_holds_nobody_up_and_misses_nothing() {
    story(|rig| async move {
        let mut events = Events::of(&rig, "/v1/events", None).await;
        let id = rig.talks().await;
        assert!(!events.heard().await.is_empty());
        // What was told already, over and over: more than anybody may be behind.
        let facts: Vec<_> = rig.world.borrow().facts.iter().map(|it| it.1.clone()).collect();
        for fact in facts.iter().cycle().take(2 * crate::api::ask::NEWS) {
            drop(rig.api.news.send(crate::api::News::Fact(fact.clone().into())));
        }
        rig.world.borrow_mut().hangs_up("carrier");
        rig.runs(secs(2)).await;
        let heard = events.heard().await;
        let kinds: Vec<_> = heard.iter().map(|it| it.1["what"]["type"].as_str().unwrap()).collect();
        assert_eq!(kinds.iter().filter(|it| **it == "call.ended").count(), 1, "{kinds:?}");
        assert!(heard.iter().all(|it| it.1["call"] == *id));
    });
}

async fn connect(
    rig: &Rig,
    request: tokio_tungstenite::tungstenite::handshake::client::Request,
) -> tokio_tungstenite::tungstenite::Result<tokio_tungstenite::WebSocketStream<TcpStream>> {
    let stream = TcpStream::connect(rig.host()).await?;
    tokio_tungstenite::client_async(request, stream).await.map(|it| it.0)
}

#[test]
fn a_websocket_says_the_same() {
    story(|rig| async move {
        let url = format!("ws://{}/v1/events/socket?types=call.received", rig.host());
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("x-role", "viewer".parse().unwrap());
        let mut socket = connect(&rig, request.clone()).await.unwrap();
        let id = rig.calls(NUMBER).await;
        let text = loop {
            match socket.next().await.unwrap().unwrap() {
                Message::Text(text) => break text,
                _ => continue,
            }
        };
        let said: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(said["id"], format!("{id}:1"));
        assert_eq!(said["fact"]["what"]["type"], "call.received");
        // Another host's page, and nobody.
        request.headers_mut().insert("origin", "https://evil.example".parse().unwrap());
        assert!(connect(&rig, request.clone()).await.is_err());
        request.headers_mut().remove("origin");
        request.headers_mut().remove("x-role");
        assert!(connect(&rig, request).await.is_err());
        let plain = rig.asks(Method::GET, "/v1/events/socket").send().await.unwrap();
        assert_eq!(plain.status(), StatusCode::BAD_REQUEST);
    });
}
