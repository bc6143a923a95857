//! The OpenAPI document: what the parts say of themselves, and what all of them share.
//!
//! It is checked in as `configs/openapi.json` (`CROSSPOINT_WRITE_OPENAPI=1 cargo test --lib
//! api::openapi` writes it anew), served at `/openapi.json`, and as a page to read at `/docs`.

mod page;

use std::sync::LazyLock;

use axum::Router;
use axum::http::header;
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use serde_json::{Value, json};
use utoipa::OpenApi;

use super::{
    Api, access, capture, deliveries, directory, events, explain, health, live, problem, prompts,
    recordings, records, statistics, status,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "crosspoint",
        description = "The edge of a call tracking service: its directory, calls, records and \
                       recordings. Times are microseconds since 1970 in bodies; what fails is told \
                       as RFC 9457 problem documents.",
        license(name = "MIT OR Apache-2.0")
    ),
    components(schemas(problem::Told, problem::Fault)),
    tags(
        (name = "access", description = "Users, sessions, keys, the audit log."),
        (name = "directory", description = "Numbers, queues, menus, trunks, .. and where calls go."),
        (name = "calls", description = "Calls that are not over, and what can be done to them."),
        (name = "records", description = "Calls that were."),
        (name = "recordings", description = "What was recorded."),
        (name = "events", description = "What happens, as it happens."),
        (name = "webhooks", description = "What webhooks were not told yet."),
        (name = "status", description = "How trunks, phones, queues and agents are."),
        (name = "explain", description = "What would happen to a call."),
        (name = "prompts", description = "Messages that are uploaded or spoken."),
        (name = "health", description = "For balancers and monitoring."),
    )
)]
struct Base;

/// What each part says of itself.
fn parts() -> Vec<utoipa::openapi::OpenApi> {
    vec![
        access::Doc::openapi(),
        capture::Doc::openapi(),
        deliveries::Doc::openapi(),
        directory::Doc::openapi(),
        events::Doc::openapi(),
        explain::Doc::openapi(),
        health::Doc::openapi(),
        live::Doc::openapi(),
        prompts::Doc::openapi(),
        recordings::Doc::openapi(),
        records::Doc::openapi(),
        statistics::Doc::openapi(),
        status::Doc::openapi(),
        Doc::openapi(),
    ]
}

#[derive(OpenApi)]
#[openapi(paths(openapi))]
struct Doc;

/// The whole document.
pub fn document() -> &'static Value {
    static WHOLE: LazyLock<Value> = LazyLock::new(|| {
        let mut all = Base::openapi();
        for part in parts() {
            all.merge(part);
        }
        let mut document = serde_json::to_value(all).unwrap_or_default();
        directory::describe(&mut document);
        share(&mut document);
        document
    });
    &WHOLE
}

/// What holds for every operation: who may, and how it fails.
fn share(document: &mut Value) {
    document["components"]["securitySchemes"] = json!({
        "key": {"type": "http", "scheme": "bearer", "description": "A key of POST /v1/keys."},
        "session": {
            "type": "apiKey", "in": "cookie", "name": "crosspoint_session",
            "description": "Of POST /v1/session. What changes something needs X-CSRF-Token too.",
        },
    });
    document["components"]["responses"] = json!({
        "problem": {
            "description": "Why it was not done (RFC 9457).",
            "content": {"application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"},
            }},
        },
    });
    let Some(paths) = document["paths"].as_object_mut() else { return };
    for operation in
        paths.values_mut().filter_map(Value::as_object_mut).flat_map(|it| it.values_mut())
    {
        let role = operation["x-role"].as_str().map(str::to_owned);
        operation["security"] = match role {
            Some(role) => json!([{"key": [role]}, {"session": [role]}]),
            None => json!([]),
        };
        operation["responses"]["default"] = json!({"$ref": "#/components/responses/problem"});
    }
}

pub fn routes() -> Router<Api> {
    Router::new()
        .route("/openapi.json", get(openapi))
        .route("/docs", get(|| async { Html(PAGE.as_str()) }))
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "health", operation_id = "openapi",
    responses((status = 200, body = Object)))]
async fn openapi() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str())
}

/// Anybody may ask for them: they are written once.
static TEXT: LazyLock<String> =
    LazyLock::new(|| serde_json::to_string_pretty(document()).unwrap_or_default());
static PAGE: LazyLock<String> = LazyLock::new(|| page::page(document()));

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_document_that_is_checked_in_is_the_one_that_is_served() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/openapi.json");
        let made = serde_json::to_string_pretty(document()).unwrap() + "\n";
        if std::env::var_os("CROSSPOINT_WRITE_OPENAPI").is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == made, "CROSSPOINT_WRITE_OPENAPI=1 cargo test writes it anew");
    }

    #[test]
    fn every_reference_leads_to_something() {
        fn walk(value: &Value, all: &Value) {
            match value {
                Value::Object(map) => {
                    if let Some(Value::String(to)) = map.get("$ref") {
                        let there = to.strip_prefix('#').and_then(|it| all.pointer(it));
                        assert!(there.is_some(), "{to}");
                    }
                    map.values().for_each(|it| walk(it, all));
                }
                Value::Array(items) => items.iter().for_each(|it| walk(it, all)),
                _ => (),
            }
        }
        walk(document(), document());
        assert_eq!(document()["openapi"], "3.1.0");
    }

    #[test]
    fn every_operation_has_a_name_a_summary_and_a_place_on_the_page() {
        let page = page::page(document());
        let mut names = std::collections::BTreeSet::new();
        for (path, operations) in document()["paths"].as_object().unwrap() {
            assert!(page.contains(&page::escaped(path)), "{path}");
            for operation in operations.as_object().unwrap().values() {
                let name = operation["operationId"].as_str().unwrap();
                assert!(names.insert(name.to_owned()), "{name} is there twice");
                assert!(!operation["summary"].as_str().unwrap().is_empty(), "{name}");
                let open = operation.get("x-role").is_none();
                let public = ["sign_in", "set_up", "live", "ready", "metrics", "openapi"];
                assert_eq!(open, public.contains(&name), "{name}");
            }
        }
        assert!(60 < names.len());
    }
}
