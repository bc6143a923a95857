//! What handlers take: bodies, queries and paths, refused as problem documents.

use std::borrow::Cow;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use super::problem::{Fault, Problem};

/// A JSON body. `Body(it): Body<T>`
#[derive(Clone, Copy, Debug)]
pub struct Body<T>(pub T);

/// The query. `Query(it): Query<T>`
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

/// What stands in the path. `Path(it): Path<T>`
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let json =
            is_type(request.headers(), &["application/json", "application/merge-patch+json"]);
        let bytes = bytes(request, state).await?;
        if !json {
            return Err(Problem::wrong_type("the body must be application/json"));
        }
        read(&bytes).map(Self)
    }
}

/// The whole body, as large as the route lets it be.
pub async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|it: BytesRejection| match it.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large("the body is larger than it may be"),
        _ => Problem::unreadable("the body broke off"),
    })
}

/// Reads JSON, and says where it is wrong.
pub fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let read = serde_path_to_error::deserialize(&mut reader);
    let value = read.map_err(|it| {
        let pointer = pointer(it.path());
        told(&pointer, it.inner())
    })?;
    reader.end().map_err(|it| told("", &it))?;
    Ok(value)
}

fn told(pointer: &str, error: &serde_json::Error) -> Problem {
    use serde_json::error::Category;
    let text = error.to_string();
    match error.classify() {
        Category::Data => {
            let what = text.rsplit_once(" at line ").map_or(text.as_str(), |it| it.0);
            let (pointer, detail) = (pointer.to_owned(), what.to_owned());
            let fault = Fault { pointer, detail, ..Fault::default() };
            Problem::wrong_value(what.to_owned()).with(fault)
        }
        _ => Problem::unreadable(format!("this is no JSON: {text}")),
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for it in path {
        match it {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", escaped(key))),
            Segment::Enum { .. } | Segment::Unknown => (),
        }
    }
    pointer
}

/// A key as a JSON pointer writes it (RFC 6901 section 3).
pub fn escaped(key: &str) -> Cow<'_, str> {
    match key.contains(['~', '/']) {
        true => key.replace('~', "~0").replace('/', "~1").into(),
        false => key.into(),
    }
}

/// Whether the body is of one of these types.
pub fn is_type(headers: &HeaderMap, types: &[&str]) -> bool {
    let told = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok());
    let told = told.and_then(|it| it.split(';').next()).unwrap_or_default().trim();
    types.iter().any(|it| told.eq_ignore_ascii_case(it))
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Query::from_request_parts(parts, state).await;
        let wrong = |it: axum::extract::rejection::QueryRejection| {
            let text = it.body_text();
            let text = text.rsplit_once("deserialize query string: ").map_or(&*text, |it| it.1);
            match text.split_once(": ").filter(|it| !it.0.contains(' ')) {
                Some((name, what)) => Problem::parameter(name, what),
                None => Problem::wrong_value(format!("the query: {text}")),
            }
        };
        read.map(|it| Self(it.0)).map_err(wrong)
    }
}

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Path::from_request_parts(parts, state).await;
        read.map(|it| Self(it.0)).map_err(|it| match it.status() {
            // What the path names cannot be there.
            StatusCode::BAD_REQUEST => Problem::not_found(it.body_text()),
            _ => Problem::internal("the path cannot be read"),
        })
    }
}
