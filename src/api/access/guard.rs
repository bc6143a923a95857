//! Finds out who asks, before anything is done for them.
//!
//! Everything under `/v1` is for those who are known, but for signing in; and metrics are, to who
//! comes from the Internet. A session (cookie) may
//! change something only with its token in `X-CSRF-Token`, which no other site can read; a key
//! (`Authorization: Bearer`) is sent by nobody but who has it.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::secrets;
use super::who::{Role, Session, Who};
use crate::api::problem::Problem;
use crate::api::serve::Peer;
use crate::api::{Answer, Api};
use crate::outbox::is_public;
use crate::store::database::{ApiKey, StoreError, User};

/// The cookie of a session.
pub const COOKIE: &str = "crosspoint_session";
const CSRF: &str = "x-csrf-token";

/// What needs nobody to be known.
const PUBLIC: &[(Method, &str)] = &[(Method::POST, "/v1/session"), (Method::POST, "/v1/setup")];

/// Where a request comes from, as far as we can tell. Any handler can take it.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    pub ip: IpAddr,
    /// Whether it came by TLS, to us or to the proxy.
    pub secure: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let origin = parts.extensions.get::<Self>().copied();
        origin.ok_or_else(|| Problem::internal("nobody knows where this came from"))
    }
}

pub async fn guard(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    if !is_for_us(&api, &request) {
        let message = "this edge is asked by its address, or as localhost; a name needs TLS \
                       ([api] certificate), or a proxy (behind_proxy)";
        return Problem::misdirected(message).into_response();
    }
    let origin = origin(&api, &request);
    request.extensions_mut().insert(origin);
    let path = request.uri().path();
    let public = PUBLIC.iter().any(|it| it.0 == request.method() && it.1 == path)
        || is_signed_link(&request);
    // Who scrapes them stands beside us; the rest of the world needs a key.
    let closed = path.starts_with("/v1/") || path == "/metrics" && is_public(origin.ip);
    if closed && !public && request.method() != Method::OPTIONS {
        match recognise(&api, request.method(), request.headers(), origin).await {
            Ok(who) => {
                request.extensions_mut().insert(who);
            }
            Err(problem) => return problem.into_response(),
        }
    }
    next.run(request).await
}

/// A link to one recording, which anybody may follow who has it: whoever hands the recording out
/// checks the signature.
fn is_signed_link(request: &Request) -> bool {
    let uri = request.uri();
    let signed = uri.query().is_some_and(|it| it.split('&').any(|it| it.starts_with("signature=")));
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    signed && reads && uri.path().starts_with("/v1/recordings/")
}

/// The far end of the connection; behind a proxy, what the proxy says of it.
pub fn origin(api: &Api, request: &Request) -> Origin {
    let peer = request.extensions().get::<Peer>().copied().unwrap_or_default();
    let there = Origin { ip: peer.address.ip().to_canonical(), secure: peer.tls };
    if !api.access.behind_proxy {
        return there;
    }
    let headers = request.headers();
    // The last one is what our own proxy has added; what stands before it anybody can write.
    let told = headers.get_all("x-forwarded-for").iter().next_back();
    let told = told.and_then(|it| address(it.to_str().ok()?.rsplit(',').next()?.trim()));
    // A proxy that says nothing speaks TLS to the world: that is what it is there for.
    let scheme = headers.get("x-forwarded-proto").and_then(|it| it.to_str().ok());
    let plain = scheme.is_some_and(|it| it.eq_ignore_ascii_case("http"));
    Origin { ip: told.unwrap_or(there.ip), secure: there.secure || !plain }
}

/// An address as proxies write it: some with a port, some in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let socket = || text.parse::<SocketAddr>().ok().map(|it| it.ip());
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(socket)
}

/// Whether a request may mean this host. Without TLS and a proxy only this machine reaches us; but a
/// page of anybody can have its own name lead here (DNS rebinding), and would be of the same origin
/// as the console. Names without a dot are nobody's.
fn is_for_us(api: &Api, request: &Request) -> bool {
    let peer = request.extensions().get::<Peer>().copied().unwrap_or_default();
    if peer.tls || api.access.behind_proxy {
        return true;
    }
    // What is no browser may leave it out (HTTP/1.0).
    let Some(host) = request.headers().get(header::HOST) else { return true };
    let Some(host) = host.to_str().ok().map(str::to_ascii_lowercase) else { return false };
    let name = match host.strip_prefix('[') {
        Some(six) => six.split(']').next(),
        None => host.split(':').next(),
    };
    let name = name.unwrap_or_default().trim_end_matches('.');
    let is_address = name.parse::<IpAddr>().is_ok();
    is_address || !name.contains('.') || name.ends_with(".localhost")
}

async fn recognise(api: &Api, method: &Method, headers: &HeaderMap, origin: Origin) -> Answer<Who> {
    if let Some(key) = bearer(headers) {
        return by_key(api, key, origin).await;
    }
    let Some(token) = cookie(headers) else {
        return Err(Problem::unknown_caller("sign in, or send a key as `Authorization: Bearer`"));
    };
    let hash = secrets::hash(token);
    let session = api.store.session(&hash, api.now()).await?;
    let session = session.ok_or_else(|| Problem::unknown_caller("the session is over"))?;
    let user = api.store.user(&session.user).await?;
    let user = user.ok_or_else(|| Problem::unknown_caller("the session is over"))?;
    if headers.get("sec-fetch-site").is_some_and(|it| it == "cross-site") {
        return Err(Problem::not_allowed("another site asks in the name of who is signed in"));
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        let sent = headers.get(CSRF).and_then(|it| it.to_str().ok()).unwrap_or_default();
        if !secrets::is_same(sent, &session.csrf) {
            let message = "send what GET /v1/session gives as `csrf` in the header X-CSRF-Token";
            return Err(Problem::no_csrf(message));
        }
    }
    let session = Session { hash, csrf: session.csrf };
    who(&user, Some(session), origin)
}

/// Whether somebody who was recognised would be now, and as no less: for what goes on for long.
pub async fn is_known_still(api: &Api, before: &Who) -> bool {
    match still(api, before).await {
        Ok(Some(user)) => Role::named(&user.role).is_some_and(|it| before.role <= it),
        Ok(None) => false,
        // A store that is away takes nobody's rights.
        Err(_) => true,
    }
}

async fn still(api: &Api, before: &Who) -> Result<Option<User>, StoreError> {
    let now = api.now();
    if let Some(session) = &before.session
        && api.store.session(&session.hash, now).await?.is_none()
    {
        return Ok(None);
    }
    if let Some(hash) = &before.key {
        let lives = |it: &ApiKey| it.expires_at.is_none_or(|at| now < at);
        if !api.store.key_by_hash(hash).await?.as_ref().is_some_and(lives) {
            return Ok(None);
        }
    }
    api.store.user(&before.user).await
}

async fn by_key(api: &Api, key: &str, origin: Origin) -> Answer<Who> {
    let known = api.store.key_by_hash(&secrets::hash(key)).await?;
    let now = api.now();
    let lives = |it: &ApiKey| it.expires_at.is_none_or(|at| now < at);
    let Some(key) = known.filter(lives) else {
        api.access.wrong_key(origin.ip, now)?;
        return Err(Problem::unknown_caller("there is no such key, or it has expired"));
    };
    let user = api.store.user(&key.user).await?;
    let user = user.ok_or_else(|| Problem::unknown_caller("the owner of the key is gone"))?;
    let owner = who(&user, None, origin)?;
    let role = Role::named(&key.role).unwrap_or(Role::Viewer).min(owner.role);
    // When a key was used last is nice to know, and no reason to refuse it.
    drop(api.store.key_used(&key.id, now).await);
    Ok(Who { name: format!("key:{}", key.name), role, key: Some(key.hash), ..owner })
}

fn who(user: &User, session: Option<Session>, origin: Origin) -> Answer<Who> {
    let role = Role::named(&user.role);
    let role = role.ok_or_else(|| Problem::not_allowed(format!("{:?} is no role", user.role)))?;
    Ok(Who {
        name: user.name.clone(),
        user: user.name.clone(),
        role,
        agent: user.agent.clone(),
        session,
        key: None,
        source: origin.ip,
    })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let told = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = told.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let pairs = lines.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
    let mut found = pairs.filter(|it| it.0 == COOKIE).map(|it| it.1);
    found.next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_proxies_write_it() {
        for text in ["203.0.113.5", "203.0.113.5:4711"] {
            assert_eq!(address(text), Some([203, 0, 113, 5].into()), "{text}");
        }
        for text in ["2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:4711"] {
            assert_eq!(address(text), "2001:db8::1".parse().ok(), "{text}");
        }
        for text in ["", "unknown", "_hidden", "203.0.113", "[", ":1"] {
            assert_eq!(address(text), None, "{text}");
        }
    }
}
