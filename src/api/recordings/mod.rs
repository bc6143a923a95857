//! Recordings: heard in parts (RFC 9110 section 14), by signed links for a while, seen as a
//! waveform; held, and deleted with an entry in the audit log (`retain`).
//!
//! A recording is a file of one folder; a name that is more than a name is refused before anything
//! is opened, and a link is not followed.

mod link;
mod peaks;
mod range;
mod retain;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post, put};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

pub use self::peaks::{Peaks, Waves};
use self::range::Part;
pub use self::retain::{Keeping, Scan, Told, Trouble};
use super::access::{Manager, Role, Who};
use super::{Answer, Api, Path, Problem, Query, answer};
use crate::store::database::RecordingState;

/// What is read of a file at once.
const STEP: usize = 64 << 10;

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

/// Listen to a recording
///
/// Stereo WAV (G.711), caller left. A part of it by `Range`. A link made by `/v1/recordings/link`
/// needs nothing else.
#[utoipa::path(get, path = "/v1/recordings/{file}", operation_id = "get_recording", tag = "recordings",
    params(("file" = String, Path, description = "As the call's record has it")),
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
) -> Answer {
    let (open, length) = opened(&api, &file).await?;
    let asked = headers.get(header::RANGE).and_then(|it| it.to_str().ok());
    let (status, part) = match asked.map(|it| range::read(it, length)) {
        None | Some(Part::Whole) => (StatusCode::OK, 0..length),
        Some(Part::Of(part)) => (StatusCode::PARTIAL_CONTENT, part),
        Some(Part::Outside) => {
            let whole = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, whole).into_response());
        }
    };
    let mut response = Body::from_stream(read(open, part.clone())).into_response();
    *response.status_mut() = status;
    let mut say = |name: header::HeaderName, value: String| {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    };
    say(header::CONTENT_TYPE, "audio/wav".into());
    say(header::ACCEPT_RANGES, "bytes".into());
    say(header::CONTENT_LENGTH, (part.end - part.start).to_string());
    say(header::CONTENT_DISPOSITION, format!("inline; filename=\"{file}\""));
    say(header::CACHE_CONTROL, "private, no-store".into());
    if status == StatusCode::PARTIAL_CONTENT {
        let last = part.end.saturating_sub(1);
        say(header::CONTENT_RANGE, format!("bytes {}-{last}/{length}", part.start));
    }
    Ok(response)
}

/// The bytes of a file, a step at a time; threads that may wait do the reading.
fn read(
    file: File,
    part: std::ops::Range<u64>,
) -> impl futures_util::Stream<Item = io::Result<Vec<u8>>> {
    stream::try_unfold((file, part), |(mut file, part)| async move {
        if part.is_empty() {
            return Ok(None);
        }
        let step = tokio::task::spawn_blocking(move || {
            let wanted = usize::try_from(part.end - part.start).unwrap_or(STEP).min(STEP);
            let mut bytes = vec![0; wanted];
            file.seek(SeekFrom::Start(part.start))?;
            let got = file.read(&mut bytes)?;
            bytes.truncate(got);
            if got == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok((bytes, (file, part.start + got as u64..part.end)))
        });
        step.await.map_err(io::Error::other)?.map(Some)
    })
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
    opened(&api, &wanted.file).await?;
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
    let (file, length) = opened(&api, &drawn.file).await?;
    api.live.waves.of(&drawn.file, file, length, points).await.map(axum::Json)
}

fn folder(api: &Api) -> PathBuf {
    api.data.join(&api.running().recordings.folder)
}

/// Opens a recording; nothing else is ever opened. And its length.
async fn opened(api: &Api, file: &str) -> Answer<(File, u64)> {
    if !is_name(file) || api.store.recording(file).await?.is_some_and(|it| it.is_gone()) {
        return Err(Problem::none("recording", file));
    }
    let path = folder(api).join(file);
    let open = move || {
        let no_link = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
        let file = std::fs::OpenOptions::new().read(true).custom_flags(no_link).open(path)?;
        let about = file.metadata()?;
        match about.is_file() {
            true => Ok((file, about.len())),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    };
    match tokio::task::spawn_blocking(open).await.map_err(io::Error::other).flatten() {
        Ok(found) => Ok(found),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            match api.store.recording(file).await {
                Ok(Some(it)) if it.state == RecordingState::Uploaded => {
                    let problem = Problem::not_now("it is in the object storage, not on this disk");
                    Err(problem.and("state", "uploaded"))
                }
                _ => Err(Problem::none("recording", file)),
            }
        }
        Err(error) => {
            tracing::warn!(%error, file, "a recording cannot be opened");
            Err(Problem::none("recording", file))
        }
    }
}

/// As recordings are called: nothing that leads anywhere else.
fn is_name(file: &str) -> bool {
    let stem = file.strip_suffix(".wav").unwrap_or_default();
    let plain = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_');
    (1..=120).contains(&stem.len()) && stem.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_leads_elsewhere_is_none() {
        for good in ["0f3a.wav", "0f3a-2.wav", "voice_mail-1.wav"] {
            assert!(is_name(good), "{good}");
        }
        for bad in [
            "",
            ".wav",
            "..wav",
            "../x.wav",
            "a/b.wav",
            "a\\b.wav",
            "/etc/passwd",
            "a.wav\0",
            "a\0.wav",
            "a.WAV",
            "a.wav/",
            "%2e%2e.wav",
            ".hidden.wav",
            "a b.wav",
            "a.wav.age",
        ] {
            assert!(!is_name(bad), "{bad}");
        }
        assert!(!is_name(&format!("{}.wav", "a".repeat(121))));
    }
}
