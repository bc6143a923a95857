//! What happens, as it happens: server-sent events (WHATWG HTML section 9.2) and a WebSocket with
//! the same in it.
//!
//! Each event is a fact as the journal has it, with the id `CALL:SEQ`. Who comes back says which
//! it had last, and is told all that it missed, from the store, before what happens now ([`feed`]).
//! A reader who is slow holds nobody up. Connections are limited, each lives as long as who looks on
//! may, and an hour at most ([`watch`]); a silent one is kept open by comments.

mod feed;
mod seats;
mod socket;
mod watch;

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use serde::Deserialize;
use utoipa::IntoParams;

use self::feed::{Feed, Wanted};
pub use self::seats::Seats;
use self::watch::Watch;
use super::access::Viewer;
use super::{Answer, Api, Problem, Query};
use crate::model::event::{Fact, NAMES};

/// How long nothing may be said.
const KEEP: Duration = Duration::from_secs(15);
/// How long a connection may live.
const LIFE: Duration = Duration::from_secs(3600);
/// After how many milliseconds a client that lost its connection comes back.
const RETRY: Duration = Duration::from_secs(2);

#[derive(utoipa::OpenApi)]
#[openapi(paths(events, socket::socket))]
pub struct Doc;

pub fn routes() -> Router<Api> {
    Router::new().route("/v1/events", get(events)).route("/v1/events/socket", get(socket::socket))
}

/// Which events.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// Those of one call.
    call: Option<String>,
    /// Those of these types: `call.received,leg.ringing`.
    types: Option<String>,
    /// Those after this one, `CALL:SEQ`, in place of `Last-Event-ID`.
    after: Option<String>,
}

impl Asked {
    fn wanted(&self, headers: &HeaderMap) -> Answer<Wanted> {
        let last = headers.get("last-event-id").and_then(|it| it.to_str().ok());
        let after = last.or(self.after.as_deref()).filter(|it| !it.is_empty());
        let after = after.map(|it| {
            let parts = it.rsplit_once(':').and_then(|(call, seq)| Some((call, seq.parse().ok()?)));
            parts.map(|(call, seq): (&str, u32)| (call.into(), seq)).ok_or_else(|| {
                Problem::parameter("after", "this is no event's id").allowed("CALL:SEQ")
            })
        });
        let types = self.types.as_deref().unwrap_or_default().split(',').map(str::trim);
        let types: Vec<String> =
            types.filter(|it| !it.is_empty()).take(64).map(str::to_owned).collect();
        if let Some(unknown) = types.iter().find(|it| !NAMES.contains(&it.as_str())) {
            let problem = Problem::parameter("types", format!("there is no event {unknown:?}"));
            return Err(problem.allowed(NAMES.join(", ")));
        }
        let call = self.call.as_deref().map(Into::into);
        Ok(Wanted { call, types, after: after.transpose()? })
    }
}

/// Events as they happen
///
/// Server-sent events. `Last-Event-ID` brings what was missed first.
///
/// What happens is told before it is kept. `GET /v1/records/{id}` and `/v1/calls/{id}` have a call
/// all the time, also at the moment at which `call.ended` is told; searches, statistics and
/// `/v1/records/{id}/events` follow in a moment, most often in less than half a second.
#[utoipa::path(get, path = "/v1/events", operation_id = "watch_events", tag = "events", params(Asked),
    responses((status = 200, description = "A stream without end", body = String,
        content_type = "text/event-stream")),
    extensions(("x-role" = json!("viewer"))))]
async fn events(
    State(api): State<Api>,
    Viewer(who): Viewer,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    let wanted = asked.wanted(&headers)?;
    let seat = api.live.seats.take(&who.user)?;
    let feed = Feed::new(api.clone(), wanted).await?;
    let told = stream::unfold(Watch::new(api, who, feed, seat), move |mut watch| async move {
        let fact = watch.next().await?;
        Some((Ok::<_, Infallible>(event(&fact)), watch))
    });
    let first = stream::once(async { Ok(Event::default().retry(RETRY).comment("events")) });
    let all = futures_util::StreamExt::chain(first, told);
    let headers = [("cache-control", "no-store"), ("x-accel-buffering", "no")];
    let keep = KeepAlive::new().interval(KEEP).text("keep");
    Ok((headers, Sse::new(all).keep_alive(keep)).into_response())
}

fn event(fact: &Fact) -> Event {
    let data = serde_json::to_string(fact).unwrap_or_default();
    Event::default().id(id(fact)).data(data)
}

fn id(fact: &Fact) -> String {
    format!("{}:{}", fact.call, fact.seq)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(asked: &Asked, last: Option<&str>) -> Answer<Wanted> {
        let mut headers = HeaderMap::new();
        if let Some(last) = last {
            headers.insert("last-event-id", last.parse().unwrap());
        }
        asked.wanted(&headers)
    }

    #[test]
    fn what_a_client_had_last_is_a_call_and_a_number() {
        let none = Asked::default();
        let after = |last| wanted(&none, Some(last)).map(|it| it.after);
        assert_eq!(after("a1b2:17").unwrap(), Some(("a1b2".into(), 17)));
        assert_eq!(after("").unwrap(), None);
        for wrong in ["17", "a:", "a:-1", "a:99999999999"] {
            assert!(after(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn types_that_there_are_not_are_refused() {
        let asked = |types: &str| Asked { types: Some(types.into()), ..Asked::default() };
        let types = wanted(&asked("leg.ringing, call.ended"), None).unwrap().types;
        assert_eq!(types, ["leg.ringing", "call.ended"]);
        assert!(wanted(&asked("leg.rings"), None).is_err());
    }
}
