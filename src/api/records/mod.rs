//! Calls that were: searched, read, exported. What the store keeps, as it keeps it.

mod export;
mod search;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use self::export::Form;
pub use self::search::{Asked, moment};
use super::access::Viewer;
use super::{Answer, Api, Ask, Path, Problem, Query};
use crate::model::record::CallRecord;
use crate::store::database::Cursor;

#[derive(utoipa::OpenApi)]
#[openapi(paths(list, one, events))]
pub struct Doc;

pub fn routes() -> Router<Api> {
    Router::new()
        .route("/v1/records", get(list))
        .route("/v1/records/{id}", get(one))
        .route("/v1/records/{id}/events", get(events))
}

/// Search call records
///
/// As JSON a page at a time, the latest first; as CSV or lines of JSON all at once (`Accept:
/// text/csv`, `application/x-ndjson`, or `format`).
///
/// A page is looked for for about a tenth of a second. One with a `next` that is not full, or even
/// empty, has been ended early: the search goes on with `next`, and `looked_back_to` says how far
/// it has come.
#[utoipa::path(get, path = "/v1/records", operation_id = "list_records", tag = "records", params(Asked),
    responses((status = 200, description = "`items`, and `next` and `looked_back_to` (microseconds since 1970) if there may be more", content(
        (Object = "application/json"), (String = "text/csv"), (String = "application/x-ndjson")))),
    extensions(("x-role" = json!("viewer"))))]
async fn list(
    State(api): State<Api>,
    _: Viewer,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Answer {
    let form = Form::asked(asked.format.as_deref(), &headers)?;
    let (search, page) = asked.read()?;
    if form != Form::Json {
        return Ok(export::stream(api, search, page, asked.limit, form));
    }
    let found = api.store.records(&search, &page).await?;
    let items: Vec<Value> = found.records.iter().map(shown).collect();
    let next = found.next.map(|it| it.to_string());
    let back_to = found.next.map(Cursor::received_at);
    let answer = json!({ "items": items, "next": next, "looked_back_to": back_to });
    Ok(axum::Json(answer).into_response())
}

/// One call's record
///
/// As it stands while the call is not over, and from its end on as it is kept. The search has a
/// call a moment (most often less than half a second) after `call.ended` is told of it.
#[utoipa::path(get, path = "/v1/records/{id}", operation_id = "get_record", tag = "records", params(("id" = String, Path)),
    responses((status = 200, description = "The record, and its `outcome`", body = Object)),
    extensions(("x-role" = json!("viewer"))))]
async fn one(
    State(api): State<Api>,
    _: Viewer,
    Path(id): Path<String>,
) -> Answer<axum::Json<Value>> {
    found(&api, &id).await.map(axum::Json)
}

/// What happened in a call, in order
#[utoipa::path(get, path = "/v1/records/{id}/events", operation_id = "list_record_events", tag = "records",
    params(("id" = String, Path)),
    responses((status = 200, description = "`items`", body = Object)),
    extensions(("x-role" = json!("viewer"))))]
async fn events(State(api): State<Api>, _: Viewer, Path(id): Path<String>) -> Answer<Response> {
    let facts = api.store.facts(&id).await?;
    if facts.is_empty() {
        // None, or none yet.
        found(&api, &id).await?;
    }
    Ok(axum::Json(json!({ "items": facts })).into_response())
}

/// A call's record: as it stands if it is not over, else as it is kept, or will be in a moment.
pub async fn found(api: &Api, id: &str) -> Answer<Value> {
    if !is_id(id) {
        return Err(Problem::none("call", id));
    }
    let live = api.exchange.ask(|answer| Ask::Record { call: id.into(), answer }).await?;
    if let Some(record) = live {
        return Ok(shown(&record));
    }
    match api.live.latest(id, api.store.record(id).await?) {
        Some(record) => Ok(shown(&record)),
        None => Err(Problem::none("call", id)),
    }
}

/// As calls' ids are: nothing else is looked for.
fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-')
}

/// A record with its outcome.
fn shown(record: &CallRecord) -> Value {
    let mut value = serde_json::to_value(record).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        fields.insert("outcome".to_owned(), record.outcome().into());
    }
    value
}
