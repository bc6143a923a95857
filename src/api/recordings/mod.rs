//! Recordings: heard in parts (RFC 9110 section 14), by signed links for a while, seen as a
//! waveform; held, and deleted with an entry in the audit log (`retain`).
//!
//! A recording is a file of one folder, or an object of one bucket; a name that is more than a name
//! is refused before anything is opened, and a link is not followed. Where it is, and whether it
//! is sealed, is `source`'s business.

mod link;
mod peaks;
mod range;
mod retain;
mod shelves;
mod source;

use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post, put};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

pub use self::peaks::{Peaks, Waves};
use self::range::Part;
pub use self::retain::{Keeping, Scan, Told, Trouble};
pub use self::shelves::Shelves;
use super::access::{Manager, Role, Who};
use super::{Answer, Api, Path, Problem, Query, answer};
use crate::archive::SEALED;

#[derive(utoipa::OpenApi)]
#[openapi(
    paths(listen, link, peaks, retain::list, retain::hold, retain::delete),
    components(schemas(Wanted, Link, Peaks))
)]
pub struct Doc;

pub fn routes() -> Router<Api> {
    Router::new()
        .route("/v1/recordings", get(retain::list))
        .route("/v1/recordings/link", post(link))
        .route("/v1/recordings/peaks", get(peaks))
        .route("/v1/recordings/{file}", get(listen).delete(retain::delete))
        .route("/v1/recordings/{file}/hold", put(retain::hold))
}

/// Whoever may listen: a manager, or who has a link.
struct Listener;

impl FromRequestParts<Api> for Listener {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        if let Some(signed) = link::signed(parts.uri.query().unwrap_or_default()) {
            let file = parts.uri.path().rsplit('/').next().unwrap_or_default();
            return link::check(api, file, &signed).await.map(|()| Self);
        }
        let who = parts.extensions.get::<Who>();
        let who = who.ok_or_else(|| Problem::unknown_caller("sign in, or use a signed link"))?;
        who.needs(Role::Manager).map(|()| Self)
    }
}

/// How it is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Form {
    /// The sealed file as it is kept (the age format), of a recording that is sealed.
    #[serde(default)]
    sealed: bool,
}

/// Listen to a recording
///
/// Stereo WAV (G.711), caller left. A part of it by `Range`. A link made by `/v1/recordings/link`
/// needs nothing else. One that is sealed is heard where the edge has the secret; without it the
/// answer is 409 with the `command` that opens it, and the sealed file is had by `?sealed=true`.
#[utoipa::path(get, path = "/v1/recordings/{file}", operation_id = "get_recording", tag = "recordings",
    params(("file" = String, Path, description = "As the call's record has it"), Form),
    responses(
        (status = 200, description = "All of it", content_type = "audio/wav"),
        (status = 206, description = "The part that was asked for", content_type = "audio/wav"),
        (status = 416, description = "There is no such part")),
    extensions(("x-role" = json!("manager"))))]
async fn listen(
    State(api): State<Api>,
    _: Listener,
    headers: HeaderMap,
    Path(file): Path<String>,
    Query(form): Query<Form>,
) -> Answer {
    let found = source::found(&api, &file).await?;
    let told = match form.sealed {
        true => source::kept(found)?,
        false => source::heard(&api, &file, found).await?,
    };
    let length = told.length;
    let asked = headers.get(header::RANGE).and_then(|it| it.to_str().ok());
    let (status, part) = match asked.map(|it| range::read(it, length)) {
        None | Some(Part::Whole) => (StatusCode::OK, 0..length),
        Some(Part::Of(part)) => (StatusCode::PARTIAL_CONTENT, part),
        Some(Part::Outside) => {
            let whole = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, whole).into_response());
        }
    };
    let mut response = told.body(part.clone()).await?.into_response();
    *response.status_mut() = status;
    let mut say = |name: header::HeaderName, value: String| {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    };
    let (kind, name) = match form.sealed {
        true => {
            let name = format!("attachment; filename=\"{file}{}\"", SEALED);
            ("application/octet-stream", name)
        }
        false => ("audio/wav", format!("inline; filename=\"{file}\"")),
    };
    say(header::CONTENT_TYPE, kind.into());
    say(header::ACCEPT_RANGES, "bytes".into());
    say(header::CONTENT_LENGTH, (part.end - part.start).to_string());
    say(header::CONTENT_DISPOSITION, name);
    say(header::CACHE_CONTROL, "private, no-store".into());
    if status == StatusCode::PARTIAL_CONTENT {
        let last = part.end.saturating_sub(1);
        say(header::CONTENT_RANGE, format!("bytes {}-{last}/{length}", part.start));
    }
    Ok(response)
}

/// A link to a recording.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    /// As the call's record has it.
    file: String,
    /// How long it holds: 60 to 604800, a week.
    #[serde(default = "an_hour")]
    seconds: u64,
}

fn an_hour() -> u64 {
    3600
}

#[derive(Debug, Serialize, ToSchema)]
pub struct Link {
    /// Relative to this server.
    url: String,
    /// Microseconds since 1970.
    expires: i64,
}

/// Make a link by which anybody can listen for a while
#[utoipa::path(post, path = "/v1/recordings/link", operation_id = "link_recording", tag = "recordings", request_body = Wanted,
    responses((status = 200, description = "The link", body = Link)),
    extensions(("x-role" = json!("manager"))))]
async fn link(
    State(api): State<Api>,
    Manager(who): Manager,
    answer::Body(wanted): answer::Body<Wanted>,
) -> Answer<axum::Json<Link>> {
    if !(60..=604_800).contains(&wanted.seconds) {
        return Err(Problem::at("/seconds", "too short or too long").allowed("60 to 604800"));
    }
    let found = source::found(&api, &wanted.file).await?;
    source::can_be_heard(&api, &wanted.file, &found)?;
    let until = api.now() + Duration::from_secs(wanted.seconds);
    let url = link::made(&api, &wanted.file, until).await?;
    let subject = format!("recording/{}", wanted.file);
    let detail = json!({ "seconds": wanted.seconds });
    api.audit(&who, "link", subject, detail).await?;
    Ok(axum::Json(Link { url, expires: until.unix_micros() }))
}

/// Of which file.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Drawn {
    file: String,
    /// How many columns: 10 to 4000, 800 if it is not there.
    points: Option<usize>,
}

/// A recording's loudness, to be drawn
#[utoipa::path(get, path = "/v1/recordings/peaks", operation_id = "draw_recording", tag = "recordings", params(Drawn),
    responses((status = 200, description = "The loudest of each column, 0 to 1", body = Peaks)),
    extensions(("x-role" = json!("manager"))))]
async fn peaks(
    State(api): State<Api>,
    _: Manager,
    Query(drawn): Query<Drawn>,
) -> Answer<axum::Json<Peaks>> {
    let points = drawn.points.unwrap_or(800);
    if !(10..=4000).contains(&points) {
        return Err(Problem::parameter("points", "too few or too many").allowed("10 to 4000"));
    }
    let found = source::found(&api, &drawn.file).await?;
    let size = found.size();
    let read = source::sound(&api, &drawn.file, found);
    api.live.waves.of(&drawn.file, size, points, read).await.map(axum::Json)
}
