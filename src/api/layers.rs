//! What every request goes through: limits, time, who asks; and what every answer says besides.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;

use super::access;
use super::{Api, Problem};

/// Bytes of a body, where a route says nothing else.
const BODY: usize = 1 << 20;
/// How long an answer may take to begin. (An upload is read in this time.)
const WITHIN: Duration = Duration::from_secs(60);

/// Puts them around all routes: from outside, where `Allow` is known.
pub fn around(routes: Router<Api>, api: Api) -> Router {
    let inner = routes.fallback(nothing_here).method_not_allowed_fallback(no_such_method);
    Router::new()
        .fallback_service(inner.with_state(api.clone()))
        .layer(DefaultBodyLimit::max(BODY))
        .layer(middleware::from_fn_with_state(api.clone(), access::guard))
        .layer(middleware::from_fn(in_time))
        .layer(middleware::from_fn(options))
        .layer(middleware::from_fn_with_state(api, headers))
}

async fn nothing_here(uri: Uri) -> Problem {
    Problem::not_found(format!("there is nothing at {}", uri.path()))
}

async fn no_such_method(method: Method, uri: Uri) -> Problem {
    Problem::no_method(format!("{method} is not to be had of {}", uri.path()))
}

/// An answer that never comes, and one that breaks, are problems like others.
async fn in_time(request: Request, next: Next) -> Response {
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    match tokio::time::timeout(WITHIN, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => Problem::internal("this is a bug: please tell us").into_response(),
        Err(_) => Problem::too_slow("the answer took too long, or the body did").into_response(),
    }
}

/// What may be asked of a place: 204 with `Allow`. (Other sites may ask nothing: no CORS.)
async fn options(request: Request, next: Next) -> Response {
    let asks = request.method() == Method::OPTIONS;
    let mut response = next.run(request).await;
    if asks && response.status() == StatusCode::METHOD_NOT_ALLOWED {
        let allow = response.headers_mut().remove(header::ALLOW);
        let allow = allow.unwrap_or(HeaderValue::from_static(""));
        return (StatusCode::NO_CONTENT, [(header::ALLOW, allow)]).into_response();
    }
    response
}

/// What the console may do in a browser: nothing but talk to us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
                      img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; \
                      connect-src 'self'; manifest-src 'self'; worker-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

static ALWAYS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(self)"),
];

async fn headers(State(api): State<Api>, request: Request, next: Next) -> Response {
    let ours = request.uri().path().starts_with("/v1/");
    let secure = access::origin(&api, &request).secure;
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in &ALWAYS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if ours {
        let none = HeaderValue::from_static("no-store");
        headers.entry(header::CACHE_CONTROL).or_insert(none);
    }
    if secure {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.entry(header::STRICT_TRANSPORT_SECURITY).or_insert(year);
    }
    response
}
