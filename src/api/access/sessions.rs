//! Signing in and out, one's own password, and the first admin.

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::PoisonError;
use std::time::Duration;
use utoipa::ToSchema;

use super::guard::{COOKIE, Origin};
use super::who::{Role, Viewer};
use super::{audit, entry, is_usable_admin, refusals, secrets, users};
use crate::api::directory::Home;
use crate::api::{Answer, Api, Body, Problem};
use crate::store::database::{Expected, Session, User};

/// Bytes of a body here: anybody may send one.
const BODY: usize = 16 << 10;
/// What guesses at the link are counted as: no user is called that.
const LINK: &str = "the link";
/// How long one stays signed in.
const SESSION: Duration = Duration::from_secs(24 * 60 * 60);

pub fn routes() -> Router<Api> {
    Router::new()
        .route("/v1/session", get(who_am_i).post(sign_in).delete(sign_out))
        .route("/v1/session/password", put(change_password))
        .route("/v1/setup", post(set_up))
        .layer(DefaultBodyLimit::max(BODY))
}

/// Who is signed in.
#[derive(Serialize, ToSchema)]
pub struct Me {
    user: String,
    role: Role,
    /// The agent that this user is.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    /// To be sent as `X-CSRF-Token` with every change; none for a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf: Option<String>,
    /// Where the directory is changed: in the `file` of the edge, so not here, or in the
    /// `database`.
    #[schema(value_type = String)]
    directory: Home,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    user: String,
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetUp {
    /// From the link that is printed at the first start.
    token: String,
    /// The name of the first admin.
    user: String,
    password: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// The password so far.
    old: String,
    new: String,
}

/// Who am I?
#[utoipa::path(get, path = "/v1/session", tag = "access", operation_id = "who_am_i",
    responses((status = 200, body = Me)), extensions(("x-role" = json!("viewer"))))]
pub async fn who_am_i(State(api): State<Api>, Viewer(who): Viewer) -> axum::Json<Me> {
    let csrf = who.session.map(|it| it.csrf);
    let directory = api.directory.home();
    axum::Json(Me { user: who.name, role: who.role, agent: who.agent, csrf, directory })
}

/// Sign in: sets the cookie of the session.
#[utoipa::path(post, path = "/v1/session", tag = "access", operation_id = "sign_in",
    request_body = SignIn, responses((status = 200, body = Me)))]
pub async fn sign_in(State(api): State<Api>, origin: Origin, Body(sent): Body<SignIn>) -> Answer {
    let now = api.now();
    // What can be nobody's name is one name.
    let name = if users::is_name(&sent.user) { sent.user.as_str() } else { "" };
    api.access.attempt(origin.ip, name, now)?;
    let user = match name {
        "" => None,
        name => api.store.user(name).await?,
    };
    let (password, kept) = (sent.password, user.as_ref().map(|it| it.password.clone()));
    let kept = kept.unwrap_or_default();
    let right = api.access.hashing(move || secrets::is_password(&password, &kept)).await?;
    let is_known = user.is_some();
    let Some(user) = user.filter(|_| right) else {
        audit::write_refusals(&api).await?;
        if is_known || api.access.refusals().note(origin.ip, &sent.user, now) {
            let subject = format!("user/{}", refusals::cut(&sent.user));
            let refused = entry("", origin.ip, now, "login_refused", subject, json!({}));
            api.store.note_audit(&refused).await?;
        }
        return Err(Problem::unknown_caller("there is no such user, or the password is wrong"));
    };
    api.access.forgive(origin.ip, &user.name);
    let login =
        entry(&user.name, origin.ip, now, "login", format!("user/{}", user.name), json!({}));
    api.store.note_audit(&login).await?;
    begin(&api, user, origin, StatusCode::OK).await
}

/// Keeps a session and hands out its cookie.
pub(super) async fn begin(
    api: &Api,
    user: User,
    origin: Origin,
    status: StatusCode,
) -> Answer<Response> {
    let (token, csrf) = (secrets::token()?, secrets::token()?);
    let now = api.now();
    let session = Session {
        hash: secrets::hash(&token),
        user: user.name.clone(),
        csrf: csrf.clone(),
        created_at: now,
        expires_at: now + SESSION,
    };
    api.store.put_session(&session).await?;
    // The password may have been changed, and all sessions been ended, since it was looked at.
    let still = api.store.user(&user.name).await?;
    if still.is_none_or(|it| it.password != user.password) {
        api.store.end_session(&session.hash).await?;
        return Err(Problem::unknown_caller("the password was changed just now"));
    }
    let role = Role::named(&user.role).unwrap_or(Role::Viewer);
    let directory = api.directory.home();
    let me = Me { user: user.name, role, agent: user.agent, csrf: Some(csrf), directory };
    let cookie = set_cookie(&token, SESSION.as_secs(), origin.secure)?;
    Ok((status, [(header::SET_COOKIE, cookie)], axum::Json(me)).into_response())
}

fn set_cookie(token: &str, seconds: u64, secure: bool) -> Answer<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    let cookie =
        format!("{COOKIE}={token}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&cookie).map_err(|_| Problem::internal("the cookie cannot be set"))
}

/// Sign out.
#[utoipa::path(delete, path = "/v1/session", tag = "access", operation_id = "sign_out",
    responses((status = 204)), extensions(("x-role" = json!("viewer"))))]
pub async fn sign_out(State(api): State<Api>, origin: Origin, Viewer(who): Viewer) -> Answer {
    let mut headers = HeaderMap::new();
    if let Some(session) = &who.session {
        api.store.end_session(&session.hash).await?;
        headers.insert(header::SET_COOKIE, set_cookie("", 0, origin.secure)?);
    }
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}

/// Change one's own password: all other sessions of oneself end.
#[utoipa::path(put, path = "/v1/session/password", tag = "access", operation_id = "change_password",
    request_body = NewPassword, responses((status = 204)),
    extensions(("x-role" = json!("viewer"))))]
pub async fn change_password(
    State(api): State<Api>,
    Viewer(who): Viewer,
    Body(sent): Body<NewPassword>,
) -> Answer<StatusCode> {
    let Some(session) = &who.session else {
        return Err(Problem::not_allowed("a key has no password: this needs a session"));
    };
    secrets::check_password(&sent.new, "/new")?;
    api.access.attempt(who.source, &who.name, api.now())?;
    let user = api.store.user(&who.name).await?;
    let user = user.ok_or_else(|| Problem::none("user", &who.name))?;
    let kept = user.password.clone();
    let right = api.access.hashing(move || secrets::is_password(&sent.old, &kept)).await?;
    if !right {
        let subject = format!("user/{}", who.name);
        let refused = entry(&who.name, who.source, api.now(), "login_refused", subject, json!({}));
        api.store.note_audit(&refused).await?;
        return Err(Problem::at("/old", "this is not the password so far"));
    }
    api.access.forgive(who.source, &who.name);
    let password = api.access.hash_password(sent.new).await?;
    let now = api.now();
    let changed = User { password, changed_at: now, ..user };
    let subject = format!("user/{}", who.name);
    let detail = json!({"keys": ["password"]});
    let audit = entry(&who.name, who.source, now, "changed", subject, detail);
    let expected = Expected::Revision(changed.revision);
    api.store.put_user(&changed, expected, &audit).await?;
    api.store.end_sessions_of(&who.name, Some(&session.hash)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make the first admin, with the token that was printed at the start; it is good for once.
#[utoipa::path(post, path = "/v1/setup", tag = "access", operation_id = "set_up",
    request_body = SetUp, responses((status = 201, body = Me)))]
pub async fn set_up(
    State(api): State<Api>,
    origin: Origin,
    Body(sent): Body<SetUp>,
) -> Answer<Response> {
    let now = api.now();
    api.access.attempt(origin.ip, LINK, now)?;
    users::check_name(&sent.user, "/user")?;
    secrets::check_password(&sent.password, "/password")?;
    // Two who come at once do not both find it.
    let _alone = api.access.users.lock().await;
    let awaited = api.access.setup.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let right = awaited.is_some_and(|it| secrets::is_same(&it, &secrets::hash(&sent.token)));
    let message = "this link is not, or no longer, good; a restart prints another if it is needed";
    if !right {
        return Err(Problem::at("/token", message));
    }
    // There may be an admin by now: of another edge with the same store, by another link.
    if api.store.users().await?.iter().any(is_usable_admin) {
        *api.access.setup.lock().unwrap_or_else(PoisonError::into_inner) = None;
        return Err(Problem::at("/token", message));
    }
    let password = api.access.hash_password(sent.password).await?;
    let (name, role) = (sent.user, Role::Admin.as_str().to_owned());
    let user = User {
        name: name.clone(),
        role,
        agent: None,
        password,
        created_at: now,
        changed_at: now,
        revision: 0,
    };
    let audit =
        entry(&name, origin.ip, now, "created", format!("user/{name}"), json!({"first": true}));
    let user = api.store.put_user(&user, Expected::Any, &audit).await?;
    *api.access.setup.lock().unwrap_or_else(PoisonError::into_inner) = None;
    // Whoever was signed in by that name before was no admin.
    api.store.end_sessions_of(&user.name, None).await?;
    api.access.forgive(origin.ip, LINK);
    begin(&api, user, origin, StatusCode::CREATED).await
}
