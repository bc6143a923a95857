//! How a request fails: RFC 9457 problem documents, with the field at fault.

use std::borrow::Cow;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::config::documents;
use crate::store::database::StoreError;

/// What a handler gives.
pub type Answer<T = Response> = Result<T, Problem>;

/// Something that was not done, and why.
#[derive(Clone, Debug)]
pub struct Problem(Box<Told>);

/// What is told of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Told {
    /// Which kind of problem: `/problems/wrong-value`.
    #[serde(rename = "type")]
    kind: Cow<'static, str>,
    /// The kind in words.
    title: &'static str,
    /// The HTTP status.
    #[serde(serialize_with = "as_number")]
    #[schema(value_type = u16)]
    status: StatusCode,
    /// What is wrong this time.
    detail: String,
    /// The fields at fault.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Fault>,
    /// What else there is to say: `current` of a conflict.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    more: Map<String, Value>,
    #[serde(skip)]
    retry_after: Option<u64>,
}

/// A field at fault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Fault {
    /// Where it stands in the body, as a JSON pointer (RFC 6901): `/no_answer/timeout`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub pointer: String,
    /// The parameter of the query or path, if it is not in the body.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub parameter: String,
    pub detail: String,
    /// The character of the text at fault, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// What would be right.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub allowed: String,
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $name:ident $status:ident $kind:literal $title:literal;)*) => {
        impl Problem {
            $($(#[doc = $doc])*
            pub fn $name(detail: impl Into<String>) -> Self {
                Self::new(StatusCode::$status, concat!("/problems/", $kind), $title, detail)
            })*
        }

        /// Every kind: its address, its status, what it is called.
        pub const KINDS: &[(&str, StatusCode, &str)] =
            &[$((concat!("/problems/", $kind), StatusCode::$status, $title)),*];
    };
}

kinds! {
    /// The request cannot be read at all.
    unreadable BAD_REQUEST "unreadable" "The request cannot be read";
    /// A parameter, or a body that can be read but is not what is wanted.
    wrong_value UNPROCESSABLE_ENTITY "wrong-value" "A value is wrong";
    /// Nobody is signed in.
    unknown_caller UNAUTHORIZED "not-signed-in" "Nobody is signed in";
    /// The role of who asks is not enough.
    not_allowed FORBIDDEN "not-allowed" "This is not allowed";
    /// A session without its token (cross-site request forgery).
    no_csrf FORBIDDEN "csrf" "The session's token is missing or wrong";
    not_found NOT_FOUND "not-found" "There is no such thing";
    no_method METHOD_NOT_ALLOWED "method-not-allowed" "This cannot be done here";
    not_acceptable NOT_ACCEPTABLE "not-acceptable" "This is not to be had in such a form";
    /// It was meant for another host.
    misdirected MISDIRECTED_REQUEST "misdirected" "This is another host";
    too_slow REQUEST_TIMEOUT "too-slow" "The request took too long";
    /// Somebody else was faster, or it is already so.
    conflict CONFLICT "conflict" "It is not as it was";
    /// Something else still needs it.
    in_use CONFLICT "in-use" "It is used";
    /// What a call is asked is not to be had of it now.
    not_now CONFLICT "not-now" "This cannot be done now";
    directory_in_file CONFLICT "directory-in-file" "The directory is a file";
    too_large PAYLOAD_TOO_LARGE "too-large" "The request is too large";
    wrong_type UNSUPPORTED_MEDIA_TYPE "wrong-type" "The body has the wrong type";
    no_revision PRECONDITION_REQUIRED "revision-missing" "The revision is missing";
    too_often TOO_MANY_REQUESTS "too-often" "Too many attempts";
    internal INTERNAL_SERVER_ERROR "internal" "Something failed inside";
    unavailable SERVICE_UNAVAILABLE "unavailable" "This is not to be had now";
}

impl Problem {
    fn new(
        status: StatusCode,
        kind: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self(Box::new(Told {
            kind: kind.into(),
            title,
            status,
            detail: detail.into(),
            errors: Vec::new(),
            more: Map::new(),
            retry_after: None,
        }))
    }

    /// A field of the body is wrong.
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let fault = Fault { pointer: pointer.into(), detail: detail.clone(), ..Fault::default() };
        Self::wrong_value(detail).with(fault)
    }

    /// A parameter of the query or path is wrong.
    pub fn parameter(name: impl Into<String>, detail: impl Into<String>) -> Self {
        let (name, detail) = (name.into(), detail.into());
        let told = format!("{name}: {detail}");
        Self::wrong_value(told).with(Fault { parameter: name, detail, ..Fault::default() })
    }

    /// There is none of this kind with this name.
    pub fn none(what: &str, name: &str) -> Self {
        Self::not_found(format!("there is no {what} {name:?}"))
    }

    pub fn with(mut self, fault: Fault) -> Self {
        self.0.errors.push(fault);
        self
    }

    /// What would be right, at the last field at fault.
    pub fn allowed(mut self, allowed: impl Into<String>) -> Self {
        if let Some(last) = self.0.errors.last_mut() {
            last.allowed = allowed.into();
        }
        self
    }

    /// Says one thing more.
    pub fn and(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.more.insert(key.to_owned(), value.into());
        self
    }

    /// After how many seconds it may be tried again.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// The document that this is about, and where in it, as `directory` has said it.
    pub(super) fn fault_of_document(&self) -> Option<documents::Fault> {
        let text = |key: &str| self.0.more.get(key).and_then(Value::as_str).map(str::to_owned);
        let pointer = text("pointer").unwrap_or_default();
        let (kind, name) = (text("kind")?, text("name")?);
        Some(documents::Fault { kind, name, pointer, ..documents::Fault::default() })
    }

    pub fn status(&self) -> StatusCode {
        self.0.status
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        let kind = HeaderValue::from_static("application/problem+json");
        let mut response = (self.0.status, [(header::CONTENT_TYPE, kind)], body).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.0.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<StoreError> for Problem {
    /// A conflict is told by whoever changed something; here it is only the plain one.
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { kind, name, now } => {
                let known = now.map(|it| it.revision);
                let problem = Self::conflict(format!("{kind} {name:?} was changed meanwhile"));
                match known {
                    Some(revision) => problem.and("current_revision", revision),
                    None => problem,
                }
            }
            StoreError::Refused(why) => Self::wrong_value(why),
            other => {
                tracing::error!(error = %other, "the store refused");
                // Where the database is, is nobody's business.
                let message = match other {
                    StoreError::Busy | StoreError::Full => other.to_string(),
                    _ => "the database cannot be asked now".to_owned(),
                };
                Self::unavailable(message).retry_after(5)
            }
        }
    }
}

fn as_number<S: serde::Serializer>(status: &StatusCode, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u16(status.as_u16())
}
