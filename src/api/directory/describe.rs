//! The kinds of documents for the OpenAPI document: paths and schemas, from the keys.

use serde_json::{Map, Value, json};

use super::role_of;
use crate::config::documents::{Kind, json_schemas};

/// Adds them to it.
pub fn describe(document: &mut Value) {
    let schemas = |it: &mut Value, name: &str, schema: Value| {
        it["components"]["schemas"][name] = schema;
    };
    for (name, schema) in json_schemas() {
        schemas(document, &name, schema);
    }
    for kind in Kind::all() {
        let (name, plural) = (kind.name(), kind.plural());
        schemas(document, &format!("kept_{name}"), kept(name));
        document["paths"][format!("/v1/{plural}")] = of_all(kind, name, &plural);
        document["paths"][format!("/v1/{plural}/{{name}}")] = of_one(kind, name);
        schemas(document, &format!("{name}_page"), page(name));
    }
}

/// What is known of a document besides its keys.
fn kept(name: &str) -> Value {
    json!({
        "allOf": [{"type": "object", "properties": {
            "_name": {"type": "string"},
            "_revision": {"type": "integer"},
            "_changed_at": {"type": "integer", "description": "Microseconds since 1970."},
            "_changed_by": {"type": "string"},
            "_hidden": {
                "type": "array", "items": {"type": "string"},
                "description": "Keys that are set, and never shown.",
            },
            "_shortened": {
                "type": "array", "items": {"type": "string"},
                "description": "URLs that are not shown whole to viewers and agents.",
            },
        }, "required": ["_name", "_revision", "_changed_at", "_changed_by", "_hidden", "_shortened"]}],
        "description": format!("A `{name}` as it is kept: its keys, and what begins with `_`."),
        "x-keys-of": name,
    })
}

fn page(name: &str) -> Value {
    json!({
        "type": "object", "required": ["items"],
        "properties": {
            "items": {"type": "array", "items": reference(&format!("kept_{name}"))},
            "next": {"type": "string", "description": "`after` of the next page, if there is one."},
        },
    })
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn of_all(kind: Kind, name: &str, plural: &str) -> Value {
    let words = kind.words();
    let list = json!({
        "tags": ["directory"], "operationId": format!("list_{plural}"),
        "summary": kind.doc(), "x-role": "viewer",
        "parameters": [
            {"name": "q", "in": "query", "schema": {"type": "string"},
             "description": "A text that stands somewhere in it."},
            {"name": "limit", "in": "query",
             "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}},
            {"name": "after", "in": "query", "schema": {"type": "string"},
             "description": "Where the page before ended: its `next`."},
        ],
        "responses": {"200": answer("By name.", &format!("{name}_page"))},
    });
    let create = json!({
        "tags": ["directory"], "operationId": format!("create_{name}"),
        "summary": format!("Create a {words}."), "x-role": role_of(kind).as_str(),
        "parameters": [dry_run()],
        "requestBody": body(name),
        "responses": {
            "200": answer("What it would be (dry run).", &format!("kept_{name}")),
            "201": answer("As it is kept.", &format!("kept_{name}")),
        },
    });
    json!({"get": list, "post": create})
}

fn of_one(kind: Kind, name: &str) -> Value {
    let words = kind.words();
    let role = role_of(kind).as_str();
    let at = json!({
        "name": "name", "in": "path", "required": true, "schema": {"type": "string"},
        "description": format!("Its `{}`.", kind.name_key()),
    });
    let if_match = |required: bool| {
        json!({
            "name": "If-Match", "in": "header", "required": required,
            "schema": {"type": "string"},
            "description": "The ETag of what was read; `*` overwrites anything.",
        })
    };
    let one = answer("As it is kept.", &format!("kept_{name}"));
    let get = json!({
        "tags": ["directory"], "operationId": format!("get_{name}"),
        "summary": format!("One {words}."), "x-role": "viewer",
        "parameters": [at], "responses": {"200": one},
    });
    let change = json!({
        "tags": ["directory"], "operationId": format!("change_{name}"),
        "summary": format!("Change a {words}."),
        "description": "All keys are what is sent; hidden ones that are left out stay, unless \
                        the key that says where they are sent leads to another host: then who is \
                        no admin gives them anew. Another name renames it, with all that name it.",
        "x-role": role, "parameters": [at, if_match(true), dry_run()],
        "requestBody": body(name), "responses": {"200": one},
    });
    let delete = json!({
        "tags": ["directory"], "operationId": format!("delete_{name}"),
        "summary": format!("Delete a {words} that nothing names."),
        "x-role": role, "parameters": [at, if_match(false), dry_run()],
        "responses": {"204": {"description": "It is gone."}},
    });
    json!({"get": get, "put": change, "delete": delete})
}

fn dry_run() -> Value {
    json!({
        "name": "dry_run", "in": "query", "schema": {"type": "boolean", "default": false},
        "description": "Checks, and changes nothing.",
    })
}

fn body(name: &str) -> Value {
    json!({"required": true, "content": {"application/json": {"schema": reference(name)}}})
}

fn answer(description: &str, schema: &str) -> Value {
    let mut headers = Map::new();
    headers.insert(
        "ETag".to_owned(),
        json!({"schema": {"type": "string"}, "description": "Its revision."}),
    );
    json!({
        "description": description, "headers": headers,
        "content": {"application/json": {"schema": reference(schema)}},
    })
}
