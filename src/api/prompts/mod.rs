//! Messages that are uploaded, or spoken, and named in the directory: `{ prompt = "NAME" }`.
//!
//! Whatever common audio comes is kept as 8 kHz mono WAV in the folder of `[prompts] uploads`. A
//! name is a file's name and nothing more. What plays now plays on; the next time it is played it
//! is the new one.

mod decode;

use std::io::{self, Write};
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa::ToSchema;

use self::decode::Refused;
use super::access::{Manager, Viewer, Who};
use super::{Answer, Api, Ask, Body, Path, Problem, answer};
use crate::audio::{RATE, wav};
use crate::model::{PromptSource, prompt};
use crate::store::prompts::speak_text;

/// The largest file that is taken.
pub const LARGEST: usize = 20 << 20;
/// Files that there may be.
const FILES_MAX: usize = 10_000;
/// The longest text that is spoken.
const TEXT_MAX: usize = 2000;
/// Programs that speak, and files that are decoded, at once.
const AT_ONCE: usize = 2;

/// Large bodies that are taken in at once; one more waits.
const LARGE: usize = 8;

/// Whose turn it is.
#[derive(Clone, Debug)]
pub struct Turns {
    /// To have something spoken or decoded.
    work: Arc<Semaphore>,
    /// To have it written: two who upload the same message at once do not write into each other's.
    disk: Arc<Mutex<()>>,
    /// To send a large body.
    large: Arc<Semaphore>,
}

impl Default for Turns {
    fn default() -> Self {
        let (work, large) = (Semaphore::new(AT_ONCE), Semaphore::new(LARGE));
        Self { work: Arc::new(work), disk: Arc::default(), large: Arc::new(large) }
    }
}

impl Turns {
    /// Waits until there is room for a large body, and holds it.
    pub async fn large(&self) -> Answer<OwnedSemaphorePermit> {
        let held = Arc::clone(&self.large).acquire_owned().await;
        held.map_err(|_| Problem::internal("nobody takes anything in"))
    }
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(list, read, upload, delete, speak), components(schemas(Kept, Text)))]
pub struct Doc;

pub fn routes() -> Router<Api> {
    Router::new().route("/v1/prompts", get(list)).route("/v1/prompts/speak", post(speak)).route(
        "/v1/prompts/{name}",
        get(read).put(upload).delete(delete).layer(DefaultBodyLimit::max(LARGEST)),
    )
}

/// A message that was uploaded.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Kept {
    name: String,
    seconds: f64,
    /// Microseconds since 1970.
    changed_at: Option<i64>,
}

/// Messages that were uploaded
#[utoipa::path(get, path = "/v1/prompts", operation_id = "list_prompts", tag = "prompts",
    responses((status = 200, description = "`items`, by name", body = Object)),
    extensions(("x-role" = json!("viewer"))))]
async fn list(State(api): State<Api>, _: Viewer) -> Answer<axum::Json<Value>> {
    let folder = folder(&api);
    let items = beside(move || listed(&folder)).await?;
    Ok(axum::Json(json!({ "items": items })))
}

fn listed(folder: &FilePath) -> io::Result<Vec<Kept>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut items = Vec::new();
    for entry in entries.take(2 * FILES_MAX) {
        let entry = entry?;
        let file = entry.file_name();
        let name = file.to_str().and_then(|it| it.strip_suffix(".wav"));
        let Some(name) = name.filter(|it| prompt::is_name(it)) else { continue };
        let about = entry.metadata()?;
        let frames = about.len().saturating_sub(44) / 2;
        let changed =
            about.modified().ok().and_then(|it| it.duration_since(SystemTime::UNIX_EPOCH).ok());
        items.push(Kept {
            name: name.to_owned(),
            seconds: frames as f64 / f64::from(RATE),
            changed_at: changed.and_then(|it| i64::try_from(it.as_micros()).ok()),
        });
    }
    items.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(items)
}

/// Listen to a message
#[utoipa::path(get, path = "/v1/prompts/{name}", operation_id = "get_prompt", tag = "prompts", params(("name" = String, Path)),
    responses((status = 200, description = "8 kHz mono WAV", content_type = "audio/wav")),
    extensions(("x-role" = json!("viewer"))))]
async fn read(State(api): State<Api>, _: Viewer, Path(name): Path<String>) -> Answer<Response> {
    let path = path(&api, &name)?;
    let read = move || match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(Some),
    };
    match beside(read).await? {
        Some(bytes) => Ok(sound(bytes)),
        None => Err(Problem::none("prompt", &name)),
    }
}

/// Upload a message, or replace it
///
/// WAV, MP3, FLAC, Ogg Vorbis, AAC or MP4: 20 MB and ten minutes at most. It is kept as 8 kHz mono.
#[utoipa::path(put, path = "/v1/prompts/{name}", operation_id = "put_prompt", tag = "prompts", params(("name" = String, Path)),
    request_body(content = String, content_type = "application/octet-stream"),
    responses(
        (status = 200, description = "It was replaced", body = Kept),
        (status = 201, description = "It is there", body = Kept)),
    extensions(("x-role" = json!("manager"))))]
async fn upload(
    State(api): State<Api>,
    Manager(who): Manager,
    Path(name): Path<String>,
    headers: HeaderMap,
    request: Request,
) -> Answer<Response> {
    let path = path(&api, &name)?;
    let told = headers.get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok());
    if told.and_then(|it| it.parse::<u64>().ok()).is_some_and(|it| (LARGEST as u64) < it) {
        // Not a byte of it is read.
        return Err(Problem::too_large("a message has 20 MB at most"));
    }
    let _large = api.live.turns.large().await?;
    let bytes = answer::bytes(request, &api).await?;
    let turn = turn(&api).await?;
    let decoded = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        decode::decode(bytes)
    });
    let clip = decoded.await.map_err(|_| Problem::internal("the audio could not be decoded"))?;
    let clip = clip.map_err(|refused| {
        let message = format!("this is no audio that can be played: {refused}");
        let problem = match refused {
            Refused::Unknown(_) => Problem::wrong_type(message),
            Refused::Wrong(_) => Problem::wrong_value(message),
        };
        problem.and("allowed", decode::ALLOWED)
    })?;
    let (seconds, file) = (clip.len() as f64 / f64::from(RATE), path.clone());
    // Said before it is done: what nobody can prove does not happen.
    let there = path.clone();
    let what = match beside(move || there.try_exists()).await? {
        true => "changed",
        false => "created",
    };
    note(&api, &who, what, &name).await?;
    let alone = Arc::clone(&api.live.turns.disk);
    let was_there = beside(move || {
        let _alone = alone.lock().unwrap_or_else(PoisonError::into_inner);
        kept(&file, &wav::encode(&clip))
    });
    let was_there = was_there.await?;
    let Some(was_there) = was_there else {
        return Err(Problem::not_now("there are as many messages as there may be"));
    };
    played_anew(&api, &name).await?;
    let kept = Kept { name: name.clone(), seconds, changed_at: Some(api.now().unix_micros()) };
    let status = if was_there { StatusCode::OK } else { StatusCode::CREATED };
    let place = [(header::LOCATION, format!("/v1/prompts/{name}"))];
    Ok((status, place, axum::Json(kept)).into_response())
}

/// Writes it beside, and renames it over; whether there was one. `None` if there are too many.
fn kept(path: &FilePath, bytes: &[u8]) -> io::Result<Option<bool>> {
    let folder = path.parent().unwrap_or(FilePath::new("."));
    std::fs::create_dir_all(folder)?;
    let was_there = path.exists();
    if !was_there && FILES_MAX <= std::fs::read_dir(folder)?.count() {
        return Ok(None);
    }
    let beside = path.with_extension("new");
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    std::fs::rename(&beside, path)?;
    // Its name survives a power cut as well.
    std::fs::File::open(folder)?.sync_all()?;
    Ok(Some(was_there))
}

/// Delete a message
#[utoipa::path(delete, path = "/v1/prompts/{name}", operation_id = "delete_prompt", tag = "prompts",
    params(("name" = String, Path)),
    responses((status = 204, description = "It is gone")),
    extensions(("x-role" = json!("manager"))))]
async fn delete(
    State(api): State<Api>,
    Manager(who): Manager,
    Path(name): Path<String>,
) -> Answer<StatusCode> {
    let path = path(&api, &name)?;
    if is_used(&api, &name) {
        return Err(Problem::in_use(format!("the directory still plays the prompt {name:?}")));
    }
    let there = path.clone();
    if !beside(move || there.try_exists()).await? {
        return Err(Problem::none("prompt", &name));
    }
    note(&api, &who, "deleted", &name).await?;
    let remove = move || match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        removed => removed.map(|()| true),
    };
    match beside(remove).await? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Problem::none("prompt", &name)),
    }
}

/// A text to be spoken.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Text {
    /// 1 to 2000 characters.
    text: String,
    /// The usual one without it.
    #[serde(default)]
    voice: String,
}

/// Have a text spoken
///
/// To be listened to, or uploaded. As the directory's `{ text = ".." }` sounds.
#[utoipa::path(post, path = "/v1/prompts/speak", operation_id = "speak_text", tag = "prompts", request_body = Text,
    responses((status = 200, description = "WAV", content_type = "audio/wav")),
    extensions(("x-role" = json!("manager"))))]
async fn speak(State(api): State<Api>, _: Manager, Body(text): Body<Text>) -> Answer<Response> {
    let long = text.text.chars().count();
    if text.text.trim().is_empty() || TEXT_MAX < long || text.text.contains('\0') {
        return Err(Problem::at("/text", "there is nothing to say, or too much")
            .allowed("1 to 2000 characters"));
    }
    if !prompt::is_voice(&text.voice) {
        return Err(Problem::at("/voice", "this is no voice's name").allowed("slt, en-us, .."));
    }
    let speaker = api.running().prompts.speaker(&api.data);
    let turn = turn(&api).await?;
    let spoken = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        speak_text(&text.text, &text.voice, &speaker)
    });
    match spoken.await {
        Ok(Ok(bytes)) => Ok(sound(bytes)),
        Ok(Err(why)) => Err(Problem::unavailable(format!("it could not be spoken: {why}"))),
        Err(_) => Err(Problem::internal("it could not be spoken")),
    }
}

fn sound(bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "audio/wav"), (header::CACHE_CONTROL, "no-store")], bytes)
        .into_response()
}

fn folder(api: &Api) -> PathBuf {
    api.data.join(&api.running().prompts.uploads)
}

fn path(api: &Api, name: &str) -> Answer<PathBuf> {
    match prompt::is_name(name) {
        true => Ok(folder(api).join(format!("{name}.wav"))),
        false => Err(Problem::parameter("name", "this is no name of a message")
            .allowed("1 to 64 letters, digits, - and _")),
    }
}

fn is_used(api: &Api, name: &str) -> bool {
    let directory = &api.running().directory;
    let mut prompts = directory.prompts().into_iter();
    prompts.any(|it| matches!(&it.made_from, PromptSource::Uploaded(of) if **of == *name))
}

/// What plays it from now on plays this one.
async fn played_anew(api: &Api, name: &str) -> Answer<()> {
    let prompt = name.into();
    api.exchange.ask(|answer| Ask::LoadPrompt { prompt, answer }).await
}

async fn turn(api: &Api) -> Answer<OwnedSemaphorePermit> {
    let turn = Arc::clone(&api.live.turns.work).try_acquire_owned();
    turn.map_err(|_| Problem::unavailable("others have something spoken now").retry_after(2))
}

async fn note(api: &Api, who: &Who, what: &str, name: &str) -> Answer<()> {
    Ok(api.audit(who, what, format!("prompt/{name}"), Value::Null).await?)
}

/// Does what waits for the disk beside this thread.
async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Answer<T> {
    match tokio::task::spawn_blocking(work).await.map_err(io::Error::other).flatten() {
        Ok(done) => Ok(done),
        Err(error) => {
            tracing::error!(%error, "a prompt");
            Err(Problem::unavailable(format!("the disk refused: {}", error.kind())).retry_after(5))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database that takes no entry of the audit log.
    #[tokio::test]
    async fn what_cannot_be_written_down_is_not_done() {
        let rig = crate::api::rig::Rig::start("prompts-audit").await;
        let admin = rig.admin().await;
        let put = async |name: &str| {
            let mut request = axum::http::Request::put(format!("/v1/prompts/{name}"));
            for (key, value) in &admin.0 {
                request = request.header(key, value);
            }
            let body = axum::body::Body::from(wav::encode(&[0; 8000]));
            rig.send(request.body(body).unwrap()).await.status
        };
        assert_eq!(put("hello").await, StatusCode::CREATED);
        let script = "import sqlite3, sys\n\
                      db = sqlite3.connect(sys.argv[1])\n\
                      db.execute(\"CREATE TRIGGER deaf BEFORE INSERT ON audit \
                      BEGIN SELECT RAISE(ABORT, 'no'); END\")\n\
                      db.commit()\n";
        let mut python = std::process::Command::new("python3");
        let file = rig.folder.join("crosspoint.db");
        assert!(python.args(["-c", script]).arg(file).status().unwrap().success());
        assert_eq!(put("other").await, StatusCode::SERVICE_UNAVAILABLE);
        let delete = "DELETE /v1/prompts/hello";
        assert_eq!(rig.ask(&admin, delete, Value::Null).await.status, 503);
        let names = rig.ask(&admin, "GET /v1/prompts", Value::Null).await.json();
        let names: Vec<_> =
            names["items"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
        assert_eq!(names, ["hello"]);
    }

    #[test]
    fn what_is_kept_is_listed_and_nothing_else() {
        let folder =
            std::env::temp_dir().join(format!("crosspoint-prompts-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&folder));
        assert!(listed(&folder).unwrap().is_empty());
        let file = folder.join("hello.wav");
        assert_eq!(kept(&file, &wav::encode(&[0; 8000])).unwrap(), Some(false));
        assert_eq!(kept(&file, &wav::encode(&[0; 16_000])).unwrap(), Some(true));
        std::fs::write(folder.join("not a name.wav"), b"x").unwrap();
        std::fs::write(folder.join("notes.txt"), b"x").unwrap();
        let items = listed(&folder).unwrap();
        assert_eq!(
            items.iter().map(|it| (&*it.name, it.seconds)).collect::<Vec<_>>(),
            [("hello", 2.0)]
        );
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
