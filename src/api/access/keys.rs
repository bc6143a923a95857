//! API keys: for programs, shown once, known by their hash.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::who::{Admin, Role};
use super::{entry, secrets, users};
use crate::api::{Answer, Api, Body, Path, Problem};
use crate::clock::Wall;
use crate::store::database::ApiKey;

/// What a key begins with, so that it is found where it should not be.
const PREFIX: &str = "xpk_";
/// Keys that there may be.
const KEYS_MAX: usize = 1_000;

pub fn routes() -> Router<Api> {
    Router::new()
        .route("/v1/keys", routing::get(list).post(create))
        .route("/v1/keys/{id}", routing::delete(delete))
}

/// A key, without the key.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub struct Shown {
    id: String,
    name: String,
    role: Role,
    /// Whose it is; it goes with this user, and may no more than this user.
    user: String,
    /// Microseconds since 1970.
    created_at: i64,
    /// Microseconds since 1970; it never expires if this is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<i64>,
    /// Microseconds since 1970, to the minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    used_at: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub struct Keys {
    items: Vec<Shown>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What it is for.
    name: String,
    role: Role,
    /// Microseconds since 1970; it never expires if this is not there.
    expires_at: Option<i64>,
}

/// A key that was made just now.
#[derive(Serialize, ToSchema)]
pub struct MadeKey {
    /// For `Authorization: Bearer KEY`. It is not shown again.
    key: String,
    #[serde(flatten)]
    shown: Shown,
}

impl From<ApiKey> for Shown {
    fn from(key: ApiKey) -> Self {
        Self {
            role: Role::named(&key.role).unwrap_or(Role::Viewer),
            id: key.id,
            name: key.name,
            user: key.user,
            created_at: key.created_at.unix_micros(),
            expires_at: key.expires_at.map(Wall::unix_micros),
            used_at: key.used_at.map(Wall::unix_micros),
        }
    }
}

/// All keys.
#[utoipa::path(get, path = "/v1/keys", tag = "access", operation_id = "list_keys",
    responses((status = 200, body = Keys)), extensions(("x-role" = json!("admin"))))]
pub async fn list(State(api): State<Api>, Admin(_): Admin) -> Answer<Json<Keys>> {
    let keys = api.store.keys().await?;
    Ok(Json(Keys { items: keys.into_iter().map(Shown::from).collect() }))
}

/// Make a key. The answer is the only one that has it.
#[utoipa::path(post, path = "/v1/keys", tag = "access", operation_id = "create_key",
    request_body = NewKey, responses((status = 201, body = MadeKey)),
    extensions(("x-role" = json!("admin"))))]
pub async fn create(
    State(api): State<Api>,
    Admin(who): Admin,
    Body(sent): Body<NewKey>,
) -> Answer<Response> {
    users::check_name(&sent.name, "/name")?;
    let now = api.now();
    let expires_at = sent.expires_at.map(Wall::from_unix_micros);
    if expires_at.is_some_and(|it| it <= now) {
        return Err(Problem::at("/expires_at", "this is over already"));
    }
    if KEYS_MAX <= api.store.keys().await?.len() {
        return Err(Problem::not_now(format!("there are {KEYS_MAX} keys, which is the most")));
    }
    let secret = format!("{PREFIX}{}", secrets::token()?);
    let key = ApiKey {
        id: secrets::id()?,
        name: sent.name,
        role: sent.role.as_str().to_owned(),
        user: who.user,
        hash: secrets::hash(&secret),
        created_at: now,
        expires_at,
        used_at: None,
    };
    let (subject, detail) =
        (format!("key/{}", key.id), json!({"name": key.name, "role": key.role}));
    let audit = entry(&who.name, who.source, now, "created", subject, detail);
    api.store.put_key(&key, &audit).await?;
    // Its owner may have been deleted, with all keys there were, just before that.
    if api.store.user(&key.user).await?.is_none() {
        let audit =
            entry(&who.name, who.source, now, "deleted", format!("key/{}", key.id), json!({}));
        api.store.delete_key(&key.id, &audit).await?;
        return Err(Problem::unknown_caller("the owner of the key is gone"));
    }
    let place = format!("/v1/keys/{}", key.id);
    let made = MadeKey { key: secret, shown: key.into() };
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(made)).into_response())
}

/// Take a key back.
#[utoipa::path(delete, path = "/v1/keys/{id}", tag = "access", operation_id = "delete_key",
    params(("id" = String, Path)), responses((status = 204)),
    extensions(("x-role" = json!("admin"))))]
pub async fn delete(
    State(api): State<Api>,
    Admin(who): Admin,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    if !users::is_name(&id) {
        return Err(Problem::none("key", &id));
    }
    let subject = format!("key/{id}");
    let audit = entry(&who.name, who.source, api.now(), "deleted", subject, json!({}));
    match api.store.delete_key(&id, &audit).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::none("key", &id)),
    }
}
