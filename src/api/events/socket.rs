//! The same events over a WebSocket (RFC 6455), for programs that have one anyway: a text message
//! each, `{"id": "CALL:SEQ", "fact": {..}}`. What the other side says is not listened to.

use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde_json::json;

use super::feed::Feed;
use super::watch::Watch;
use super::{Asked, KEEP, id};
use crate::api::access::Viewer;
use crate::api::{Answer, Api, Problem, Query};

/// What the other side may say at once.
const HEARD_MAX: usize = 4096;
/// How long it may take to say that it is there.
const ALIVE: Duration = Duration::from_secs(60);
/// How long it may take to take a message.
const TAKE: Duration = Duration::from_secs(30);

/// Events as they happen, over a WebSocket
#[utoipa::path(get, path = "/v1/events/socket", operation_id = "watch_events_by_websocket", tag = "events", params(Asked),
    responses((status = 101, description = "Messages `{id, fact}` without end")),
    extensions(("x-role" = json!("viewer"))))]
pub(super) async fn socket(
    State(api): State<Api>,
    Viewer(who): Viewer,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Answer<Response> {
    let upgrade =
        upgrade.map_err(|it| Problem::unreadable(format!("this is no WebSocket: {it}")))?;
    if !is_of_this_host(&headers) {
        return Err(Problem::not_allowed("a page of another host may not look on"));
    }
    let wanted = asked.wanted(&headers)?;
    let seat = api.live.seats.take(&who.user)?;
    let feed = Feed::new(api.clone(), wanted).await?;
    let watch = Watch::new(api, who, feed, seat);
    let upgrade = upgrade.max_message_size(HEARD_MAX).max_frame_size(HEARD_MAX);
    Ok(upgrade.on_upgrade(|socket| converse(socket, watch)))
}

/// A browser says where its page is from; a cookie alone would let any page look on.
fn is_of_this_host(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|it: &header::HeaderValue| it.to_str().ok());
    let Some(origin) = text(header::ORIGIN) else { return true };
    let host = origin.split_once("://").map(|it| it.1);
    host.is_some() && host == text(header::HOST)
}

async fn converse(mut socket: WebSocket, mut watch: Watch) {
    #[allow(clippy::disallowed_methods, reason = "the shell may read the clock")]
    let now = tokio::time::Instant::now;
    let mut heard = now();
    let mut ping = tokio::time::interval(KEEP);
    loop {
        let message = tokio::select! {
            fact = watch.next() => match fact {
                Some(fact) => {
                    let text = json!({ "id": id(&fact), "fact": &*fact }).to_string();
                    Message::Text(text.into())
                }
                None => break,
            },
            said = socket.recv() => match said {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => {
                    heard = now();
                    continue;
                }
            },
            _ = ping.tick() => {
                if heard + ALIVE < now() {
                    return;
                }
                Message::Ping(Default::default())
            }
        };
        // Who takes nothing is let go; the feed is bounded meanwhile.
        match tokio::time::timeout(TAKE, socket.send(message)).await {
            Ok(Ok(())) => (),
            _ => return,
        }
    }
    let bye = CloseFrame { code: close_code::AWAY, reason: "come again".into() };
    let _ = tokio::time::timeout(TAKE, socket.send(Message::Close(Some(bye)))).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_another_host_may_not_look_on() {
        let from = |origin: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "edge.example:8060".parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            is_of_this_host(&headers)
        };
        assert!(from(None) && from(Some("https://edge.example:8060")));
        assert!(!from(Some("https://evil.example")) && !from(Some("null")));
        assert!(!from(Some("https://edge.example:8060.evil.example")));
    }
}
