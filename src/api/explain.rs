//! What would happen to a call: told step by step, or played through on a simulated network.
//!
//! Neither touches a call. Both run beside the API's thread; a simulation ends after some seconds,
//! each user has one at a time, and there are two at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use super::access::Viewer;
use super::records::moment;
use super::{Answer, Api, Body, Problem};
use crate::clock::Wall;
use crate::flow;
use crate::flow::explain::Supposed;
use crate::model::Caller;
use crate::simulator;

/// How long a simulation may run.
const WITHIN: Duration = Duration::from_secs(5);
/// Header fields that a call may be supposed to have.
const HEADERS_MAX: usize = 32;
/// The longest text of a field.
const TEXT_MAX: usize = 200;

/// Who plays through a call now.
#[derive(Clone, Debug)]
pub struct Plays {
    users: Arc<Mutex<BTreeSet<String>>>,
    turns: Arc<Semaphore>,
}

impl Default for Plays {
    fn default() -> Self {
        Self { users: Arc::default(), turns: Arc::new(Semaphore::new(2)) }
    }
}

/// One who does, until it is dropped.
struct Play {
    plays: Plays,
    user: String,
}

impl Plays {
    fn begin(&self, user: &str) -> Answer<Play> {
        if !self.lock().insert(user.to_owned()) {
            let problem = Problem::too_often("you have a simulation that is not over yet");
            return Err(problem.retry_after(WITHIN.as_secs()));
        }
        Ok(Play { plays: self.clone(), user: user.to_owned() })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Play {
    fn drop(&mut self) {
        self.plays.lock().remove(&self.user);
    }
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(explain, simulate), components(schemas(Asked, Played)))]
pub struct Doc;

pub fn routes() -> Router<Api> {
    Router::new().route("/v1/explain", post(explain)).route("/v1/simulate", post(simulate))
}

/// A call that nobody places.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// What is dialled.
    number: String,
    /// The caller's number; withheld without it.
    #[serde(default)]
    from: String,
    /// When: `2026-12-24T18:30:00Z`; now without it.
    at: Option<String>,
    /// What the caller types when asked for a ZIP code; every way is told without it.
    zip: Option<String>,
    /// Header fields of its INVITE.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// When the caller called last; never without it.
    called_before: Option<String>,
}

/// What would happen to a call
///
/// As text, and as a tree of steps: `kind`, `title`, `name`, `detail`, `children`.
#[utoipa::path(post, path = "/v1/explain", operation_id = "explain", tag = "explain", request_body = Asked,
    responses((status = 200, description = "`text` and `tree`", body = Object)),
    extensions(("x-role" = json!("viewer"))))]
async fn explain(
    State(api): State<Api>,
    _: Viewer,
    Body(asked): Body<Asked>,
) -> Answer<axum::Json<Value>> {
    let supposed = asked.supposed()?;
    let at = at("/at", &asked.at)?.unwrap_or_else(|| api.now());
    let running = api.running();
    let told = tokio::task::spawn_blocking(move || {
        let caller = Caller::new(&asked.from);
        let told = flow::explain(&running.directory, &asked.number, &caller, at, &supposed);
        json!({ "text": told.to_string(), "tree": told.tree() })
    });
    told.await.map(axum::Json).map_err(|_| Problem::internal("the explanation broke off"))
}

impl Asked {
    fn supposed(&self) -> Answer<Supposed> {
        checked("/number", &self.number)?;
        checked("/from", &self.from)?;
        if let Some(zip) = self.zip.as_deref().filter(|it| !flow::is_zip(it)) {
            let problem = Problem::at("/zip", format!("{zip:?} is no ZIP code"));
            return Err(problem.allowed("five digits, such as 20006"));
        }
        if HEADERS_MAX < self.headers.len() {
            return Err(Problem::at("/headers", "these are too many").allowed("32 at most"));
        }
        for (name, value) in &self.headers {
            checked("/headers", name)?;
            checked("/headers", value)?;
        }
        Ok(Supposed {
            zip: self.zip.clone(),
            headers: self.headers.clone().into_iter().collect(),
            called_before: at("/called_before", &self.called_before)?,
        })
    }
}

fn checked(pointer: &str, text: &str) -> Answer<()> {
    match TEXT_MAX < text.len() || text.chars().any(char::is_control) {
        true => Err(Problem::at(pointer, "this is too long, or no line of text")
            .allowed("200 characters at most")),
        false => Ok(()),
    }
}

fn at(pointer: &str, text: &Option<String>) -> Answer<Option<Wall>> {
    moment("", text).map_err(|_| {
        Problem::at(pointer, "this is no moment").allowed("2026-12-24T18:30:00Z, or 2026-12-24")
    })
}

/// A call to be played through.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Played {
    /// What is dialled.
    number: String,
    /// The caller's number.
    #[serde(default)]
    from: String,
    /// After how many seconds each destination answers; never without it.
    answer_after: Option<u16>,
    /// Another one may play differently where chance decides.
    #[serde(default = "one")]
    seed: u64,
}

fn one() -> u64 {
    1
}

/// Play a call through
///
/// On a simulated network, between made-up phones: the ladder of its messages, with what happened.
#[utoipa::path(post, path = "/v1/simulate", operation_id = "simulate", tag = "explain", request_body = Played,
    responses((status = 200, description = "`ladder`", body = Object)),
    extensions(("x-role" = json!("viewer"))))]
async fn simulate(
    State(api): State<Api>,
    Viewer(who): Viewer,
    Body(asked): Body<Played>,
) -> Answer<axum::Json<Value>> {
    checked("/number", &asked.number)?;
    checked("/from", &asked.from)?;
    let play = api.live.plays.begin(&who.user)?;
    let turns = Arc::clone(&api.live.plays.turns);
    let turn = turns.acquire_owned().await;
    let running = api.running();
    let played = tokio::task::spawn_blocking(move || {
        // They are held until it is over, whether anybody still waits for it or not.
        let _held = (play, turn);
        let began = now();
        let enough = || WITHIN < now().duration_since(began);
        let after = asked.answer_after.map(|it| Duration::from_secs(it.into()));
        let Played { number, from, seed, .. } = &asked;
        let ladder = simulator::simulate(&running, number, from, after, *seed, &enough);
        (ladder, enough())
    });
    match played.await {
        Ok((ladder, false)) => Ok(axum::Json(json!({ "ladder": ladder }))),
        Ok((ladder, true)) => Ok(axum::Json(json!({ "ladder": ladder, "broken_off": true }))),
        Err(_) => Err(Problem::internal("the simulation broke off")),
    }
}

#[allow(clippy::disallowed_methods, reason = "the shell may read the clock")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_plays_one_at_a_time() {
        let plays = Plays::default();
        let first = plays.begin("ada").unwrap();
        assert!(plays.begin("ada").is_err());
        assert!(plays.begin("eve").is_ok());
        drop(first);
        assert!(plays.begin("ada").is_ok());
    }

    #[test]
    fn what_cannot_be_asked_is_refused_with_its_field() {
        for (wrong, pointer) in [
            (r#"{"number":"1","zip":"1910"}"#, "/zip"),
            (r#"{"number":"1","called_before":"yesterday"}"#, "/called_before"),
            (r#"{"number":"a\r\nb"}"#, "/number"),
            (r#"{"number":"1","headers":{"X-A":"b\n"}}"#, "/headers"),
        ] {
            let asked: Asked = serde_json::from_str(wrong).unwrap();
            let problem = format!("{:?}", asked.supposed().unwrap_err());
            assert!(problem.contains(pointer), "{problem}");
        }
    }
}
