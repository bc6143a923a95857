//! What webhooks are still to be told, and what they could not be told.

use axum::extract::State as Given;
use axum::{Json, Router, routing};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::access::Manager;
use super::{Answer, Api, Path, Problem, Query};
use crate::outbox::{self, Delivery, State};
use crate::store::database::LIMIT;

#[derive(utoipa::OpenApi)]
#[openapi(paths(list, retry))]
pub struct Doc;

pub fn routes() -> Router<Api> {
    Router::new()
        .route("/v1/deliveries", routing::get(list))
        .route("/v1/deliveries/{id}/retry", routing::post(retry))
}

/// Which deliveries.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Search {
    /// Those that are still tried (`waiting`), or those that were laid aside (`dead`).
    #[serde(default)]
    #[param(inline)]
    state: Asked,
    /// Those of one webhook.
    webhook: Option<String>,
    /// Where the page before ended: its `next`.
    after: Option<i64>,
    /// 1 to 1000, by default 50.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

#[derive(Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Asked {
    Waiting,
    #[default]
    Dead,
}

/// An event that a webhook did not take yet.
#[derive(Serialize, ToSchema)]
#[schema(as = Delivery)]
pub struct Entry {
    id: i64,
    webhook: String,
    call: String,
    /// Of the event in its call, from 1.
    seq: u32,
    /// `call.ended`
    event: String,
    /// What is sent.
    #[schema(value_type = Object)]
    body: Value,
    /// Microseconds since 1970.
    queued_at: i64,
    attempts: u32,
    /// When it is tried next.
    due: i64,
    /// Why it failed last.
    why: String,
}

/// How much a webhook has.
#[derive(Serialize, ToSchema)]
#[schema(as = DeliveryCount)]
pub struct Count {
    webhook: String,
    waiting: u64,
    dead: u64,
}

/// Oldest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Deliveries)]
pub struct Entries {
    items: Vec<Entry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<i64>,
    /// Of all webhooks that have any.
    counts: Vec<Count>,
}

impl From<Delivery> for Entry {
    fn from(it: Delivery) -> Self {
        Self {
            id: it.id,
            webhook: it.webhook.to_string(),
            call: it.call.to_string(),
            seq: it.seq,
            event: it.event.to_string(),
            body: serde_json::from_str(&it.body).unwrap_or_default(),
            queued_at: it.queued_at.unix_micros(),
            attempts: it.attempts,
            due: it.due.unix_micros(),
            why: it.why,
        }
    }
}

impl From<outbox::Count> for Count {
    fn from(it: outbox::Count) -> Self {
        Self { webhook: it.webhook.to_string(), waiting: it.waiting, dead: it.dead }
    }
}

/// What webhooks were not told
#[utoipa::path(get, path = "/v1/deliveries", tag = "webhooks", operation_id = "deliveries",
    params(Search), responses((status = 200, body = Entries)),
    extensions(("x-role" = json!("manager"))))]
async fn list(
    Given(api): Given<Api>,
    _: Manager,
    Query(search): Query<Search>,
) -> Answer<Json<Entries>> {
    let limit = search.limit.unwrap_or(50);
    if !(1..=LIMIT).contains(&limit) {
        return Err(Problem::parameter("limit", "out of bounds").allowed(format!("1 to {LIMIT}")));
    }
    let state = match search.state {
        Asked::Waiting => State::Waiting,
        Asked::Dead => State::Dead,
    };
    let (webhook, after) = (search.webhook.as_deref(), search.after.unwrap_or(0));
    let found = api.store.deliveries(webhook, state, after, limit).await?;
    let full = found.len() == limit as usize;
    let next = found.last().map(|it| it.id).filter(|_| full);
    let counts = api.store.delivery_counts().await?.into_iter().map(Count::from).collect();
    Ok(Json(Entries { items: found.into_iter().map(Entry::from).collect(), next, counts }))
}

/// Try an event again that was laid aside
#[utoipa::path(post, path = "/v1/deliveries/{id}/retry", tag = "webhooks",
    operation_id = "retry_delivery", params(("id" = i64, Path)),
    responses((status = 204, description = "It waits again, as if never tried")),
    extensions(("x-role" = json!("manager"))))]
async fn retry(
    Given(api): Given<Api>,
    Manager(who): Manager,
    Path(id): Path<i64>,
) -> Answer<axum::http::StatusCode> {
    if !api.store.revive(id, api.now()).await? {
        return Err(Problem::not_found(format!("no delivery {id} is laid aside")));
    }
    // Whoever sends them is told first: it waits again, whatever becomes of the audit log.
    let _ = api.revived.send(id).await;
    api.audit(&who, "retried", format!("delivery/{id}"), json!({})).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::api::rig::Rig;
    use crate::clock::Wall;
    use crate::model::event::{Fact, What};
    use crate::outbox::{New, Settled};
    use crate::store::database::{Batch, Position};

    #[tokio::test]
    async fn what_was_laid_aside_is_seen_and_tried_again_by_a_manager() {
        let rig = Rig::start("deliveries").await;
        let admin = rig.admin().await;
        let (manager, viewer) =
            (rig.user(&admin, "max", "manager").await, rig.user(&admin, "vic", "viewer").await);
        let at = Wall::from_unix_micros(1_800_000_000_000_000);
        let fact = |seq| Fact { seq, at, call: "c1".into(), what: What::LegRinging { leg: 1 } };
        let new = |seq| New {
            webhook: "crm".into(),
            call: "c1".into(),
            seq,
            event: "leg.ringing".into(),
            body: serde_json::to_string(&fact(seq)).unwrap().into(),
            queued_at: at,
        };
        let batch = Batch {
            records: Vec::new(),
            facts: (1..=3).map(fact).collect(),
            deliveries: (1..=3).map(new).collect(),
            position: Position { node: "main".into(), ..Position::default() },
        };
        rig.api.store.ingest(&batch).await.unwrap();
        let get = |line: &'static str| rig.ask(&manager, line, Value::Null);
        let waiting = get("GET /v1/deliveries?state=waiting&limit=2").await.json();
        assert_eq!(waiting["items"].as_array().map(Vec::len), Some(2), "{waiting}");
        assert_eq!(waiting["items"][0]["body"]["what"]["type"], "leg.ringing");
        let (first, next) = (waiting["items"][0]["id"].clone(), waiting["next"].clone());
        assert_eq!(next, waiting["items"][1]["id"]);
        let id = first.as_i64().unwrap();
        let dead = Settled::Dead { attempts: 9, why: "answered 500".into() };
        rig.api.store.settle(&[(id, dead)]).await.unwrap();
        let dead = get("GET /v1/deliveries?webhook=crm").await.json();
        assert_eq!(
            (dead["items"][0]["id"].clone(), dead["items"][0]["attempts"].clone()),
            (first, 9.into())
        );
        assert_eq!(dead["counts"], json!([{"webhook": "crm", "waiting": 2, "dead": 1}]));
        assert_eq!(get("GET /v1/deliveries?webhook=x").await.json()["items"], json!([]));
        assert_eq!(get("GET /v1/deliveries?limit=0").await.problem(), "wrong-value");
        assert_eq!(get("GET /v1/deliveries?state=lost").await.status, 422);
        let retry = format!("POST /v1/deliveries/{id}/retry");
        assert_eq!(rig.ask(&viewer, &retry, Value::Null).await.status, 403);
        assert_eq!(rig.ask(&manager, &retry, Value::Null).await.status, 204);
        assert_eq!(rig.ask(&manager, &retry, Value::Null).await.problem(), "not-found");
        let name: Arc<str> = "crm".into();
        let now = rig.api.store.deliveries(Some(&name), State::Waiting, 0, 10).await.unwrap();
        assert_eq!(now.iter().map(|it| it.attempts).collect::<Vec<_>>(), [0, 0, 0]);
    }
}
