//! Users: people who may use the API and the console.

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::who::{Admin, Role};
use super::{entry, is_usable_admin, secrets};
use crate::api::{Answer, Api, Body, Path, Problem, revision};
use crate::store::database::{Expected, StoreError, User};

/// Bytes of a name.
const NAME_MAX: usize = 64;

pub fn routes() -> Router<Api> {
    Router::new()
        .route("/v1/users", routing::get(list).post(create))
        .route("/v1/users/{name}", routing::get(get).put(change).delete(delete))
}

/// A user, as it is shown.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub struct Shown {
    name: String,
    role: Role,
    /// The agent of the directory that this user is.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    /// Whether a password is set; nobody can sign in without.
    has_password: bool,
    /// Microseconds since 1970.
    created_at: i64,
    /// Microseconds since 1970.
    changed_at: i64,
    #[serde(rename = "_revision")]
    revision: i64,
}

impl From<User> for Shown {
    fn from(user: User) -> Self {
        Self {
            role: Role::named(&user.role).unwrap_or(Role::Viewer),
            has_password: !user.password.is_empty(),
            name: user.name,
            agent: user.agent,
            created_at: user.created_at.unix_micros(),
            changed_at: user.changed_at.unix_micros(),
            revision: user.revision,
        }
    }
}

/// All users.
#[derive(Serialize, ToSchema)]
pub struct Users {
    items: Vec<Shown>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    name: String,
    role: Role,
    agent: Option<String>,
    /// Without one nobody can sign in, until it is set.
    password: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangedUser {
    role: Role,
    /// No agent, if it is not there.
    agent: Option<String>,
    /// The one so far, if it is not there. Another one ends the user's sessions.
    password: Option<String>,
}

/// All users.
#[utoipa::path(get, path = "/v1/users", tag = "access", operation_id = "list_users",
    responses((status = 200, body = Users)), extensions(("x-role" = json!("admin"))))]
pub async fn list(State(api): State<Api>, Admin(_): Admin) -> Answer<Json<Users>> {
    let users = api.store.users().await?;
    Ok(Json(Users { items: users.into_iter().map(Shown::from).collect() }))
}

/// One user.
#[utoipa::path(get, path = "/v1/users/{name}", tag = "access", operation_id = "get_user",
    params(("name" = String, Path)), responses((status = 200, body = Shown)),
    extensions(("x-role" = json!("admin"))))]
pub async fn get(
    State(api): State<Api>,
    Admin(_): Admin,
    Path(name): Path<String>,
) -> Answer<Response> {
    let user = known(&api, &name).await?;
    Ok(shown(StatusCode::OK, user))
}

/// Create a user.
#[utoipa::path(post, path = "/v1/users", tag = "access", operation_id = "create_user",
    request_body = NewUser, responses((status = 201, body = Shown)),
    extensions(("x-role" = json!("admin"))))]
pub async fn create(
    State(api): State<Api>,
    Admin(who): Admin,
    Body(sent): Body<NewUser>,
) -> Answer<Response> {
    check_name(&sent.name, "/name")?;
    check_agent(&api, sent.agent.as_deref())?;
    let password = password(&api, sent.password).await?.unwrap_or_default();
    let now = api.now();
    let user = User {
        name: sent.name,
        role: sent.role.as_str().to_owned(),
        agent: sent.agent,
        password,
        created_at: now,
        changed_at: now,
        revision: 0,
    };
    let subject = format!("user/{}", user.name);
    let audit = entry(&who.name, who.source, now, "created", subject, json!({"role": user.role}));
    let _alone = api.access.users.lock().await;
    let kept = api.store.put_user(&user, Expected::Absent, &audit).await;
    let kept = kept.map_err(|it| match it {
        StoreError::Conflict { name, .. } => {
            Problem::conflict(format!("there is a user {name:?} already"))
        }
        other => other.into(),
    })?;
    Ok(shown(StatusCode::CREATED, kept))
}

/// Change a user.
#[utoipa::path(put, path = "/v1/users/{name}", tag = "access", operation_id = "change_user",
    params(("name" = String, Path)), request_body = ChangedUser,
    responses((status = 200, body = Shown)), extensions(("x-role" = json!("admin"))))]
pub async fn change(
    State(api): State<Api>,
    Admin(who): Admin,
    Path(name): Path<String>,
    headers: HeaderMap,
    Body(sent): Body<ChangedUser>,
) -> Answer<Response> {
    let expected = revision::expected(&headers)?;
    check_agent(&api, sent.agent.as_deref())?;
    let password = password(&api, sent.password).await?;
    let _alone = api.access.users.lock().await;
    let before = known(&api, &name).await?;
    let another = password.is_some();
    let now = api.now();
    let user = User {
        role: sent.role.as_str().to_owned(),
        agent: sent.agent,
        password: password.unwrap_or_else(|| before.password.clone()),
        changed_at: now,
        ..before.clone()
    };
    if is_usable_admin(&before) && !is_usable_admin(&user) {
        another_admin(&api, &name).await?;
    }
    let changed = [
        ("role", user.role != before.role),
        ("agent", user.agent != before.agent),
        ("password", another),
    ];
    let keys: Vec<_> = changed.into_iter().filter(|it| it.1).map(|it| it.0).collect();
    let (subject, detail) = (format!("user/{name}"), json!({"keys": keys}));
    let audit = entry(&who.name, who.source, now, "changed", subject, detail);
    let expected = match expected {
        Some(Expected::Revision(it)) => Expected::Revision(it),
        _ => Expected::Revision(before.revision),
    };
    let kept = api.store.put_user(&user, expected, &audit).await?;
    if another {
        // The session that did it stays, if it is the user's own.
        let own = who.session.as_ref().filter(|_| who.name == name).map(|it| it.hash.as_str());
        api.store.end_sessions_of(&name, own).await?;
    }
    Ok(shown(StatusCode::OK, kept))
}

/// Delete a user, with all sessions and keys.
#[utoipa::path(delete, path = "/v1/users/{name}", tag = "access", operation_id = "delete_user",
    params(("name" = String, Path)), responses((status = 204)),
    extensions(("x-role" = json!("admin"))))]
pub async fn delete(
    State(api): State<Api>,
    Admin(who): Admin,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    let _alone = api.access.users.lock().await;
    let user = known(&api, &name).await?;
    if is_usable_admin(&user) {
        another_admin(&api, &name).await?;
    }
    let subject = format!("user/{name}");
    let audit = entry(&who.name, who.source, api.now(), "deleted", subject, json!({}));
    match api.store.delete_user(&name, &audit).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::none("user", &name)),
    }
}

async fn known(api: &Api, name: &str) -> Answer<User> {
    let user = match is_name(name) {
        true => api.store.user(name).await?,
        false => None,
    };
    user.ok_or_else(|| Problem::none("user", name))
}

/// Refuses what would leave nobody who can sign in as admin.
async fn another_admin(api: &Api, but: &str) -> Answer<()> {
    let users = api.store.users().await?;
    match users.iter().any(|it| it.name != but && is_usable_admin(it)) {
        true => Ok(()),
        false => Err(Problem::not_now(format!("{but:?} is the last admin who can sign in"))),
    }
}

async fn password(api: &Api, sent: Option<String>) -> Answer<Option<String>> {
    let Some(sent) = sent else { return Ok(None) };
    secrets::check_password(&sent, "/password")?;
    api.access.hash_password(sent).await.map(Some)
}

/// Letters, digits and a few signs: it stands in logs, links and headers.
pub fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-@+".contains(c);
    (1..=NAME_MAX).contains(&name.len()) && name.chars().all(plain)
}

pub fn check_name(name: &str, pointer: &str) -> Answer<()> {
    match is_name(name) {
        true => Ok(()),
        false => Err(Problem::at(pointer, "this cannot be a name of a user")
            .allowed(format!("1 to {NAME_MAX} of a-z A-Z 0-9 . _ - @ +"))),
    }
}

fn check_agent(api: &Api, agent: Option<&str>) -> Answer<()> {
    let Some(agent) = agent else { return Ok(()) };
    match api.running().directory.agent(agent) {
        Some(_) => Ok(()),
        None => Err(Problem::at("/agent", format!("there is no agent {agent:?}"))),
    }
}

fn shown(status: StatusCode, user: User) -> Response {
    let etag = revision::etag(user.revision);
    let place = format!("/v1/users/{}", user.name);
    let headers = [(header::ETAG, etag.to_str().unwrap_or_default().to_owned())];
    let body = Json(Shown::from(user));
    match status {
        StatusCode::CREATED => (status, headers, [(header::LOCATION, place)], body).into_response(),
        _ => (status, headers, body).into_response(),
    }
}
