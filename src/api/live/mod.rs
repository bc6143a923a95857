//! Calls that are not over: who rings, who talks, since when; and what can be done to them.
//!
//! They are folded here from the news of the switch, so that looking at them costs the switch
//! nothing. Who is behind on the news asks the switch for the calls as they stand, some at a time.

mod actions;
mod ended;
mod fold;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use tracing::debug;
use utoipa::{IntoParams, ToSchema};

use self::ended::Ended;
use self::fold::Calls;
pub use self::fold::{LiveCall, LiveLeg, LiveState, Taping};
use super::access::Viewer;
use super::events::Seats;
use super::explain::Plays;
use super::prompts::Turns;
use super::recordings::{Keeping, Waves};
use super::status::Presences;
use super::{Answer, Api, Ask, News, Path, Problem, Query};
use crate::model::record::CallRecord;
use crate::store::Away;

/// Calls of a page, if nobody says how many, and at most.
const PAGE: usize = 100;
const PAGE_MAX: usize = 1000;

/// What lives as long as the program: all calls that are not over, who looks on, whose turn it is.
#[derive(Debug)]
pub struct Live {
    calls: Mutex<Calls>,
    ended: Mutex<Ended>,
    pub seats: Seats,
    pub waves: Waves,
    pub keeping: Keeping,
    pub plays: Plays,
    pub turns: Turns,
    pub presences: Presences,
}

impl Live {
    /// `away`: who is, as it is kept.
    pub fn new(away: Away) -> Self {
        Self {
            calls: Mutex::default(),
            ended: Mutex::default(),
            seats: Seats::default(),
            waves: Waves::default(),
            keeping: Keeping::default(),
            plays: Plays::default(),
            turns: Turns::default(),
            presences: Presences::new(away),
        }
    }

    /// What the news say.
    pub fn take(&self, news: &News) {
        if let News::Record(record) = news {
            self.ended().put(record);
        }
        self.lock().take(news);
    }

    /// The latest record of a call that is over, which the store may not have yet; `kept` is what
    /// it has.
    pub fn latest(&self, id: &str, kept: Option<CallRecord>) -> Option<Arc<CallRecord>> {
        ended::later(self.ended().get(id), kept)
    }

    fn ended(&self) -> MutexGuard<'_, Ended> {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn get(&self, id: &str) -> Option<LiveCall> {
        self.lock().get(id).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        // What a panic left is at worst one call that is told wrong.
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Follows the news, for as long as there are any.
pub async fn follow(api: Api) {
    let mut news = api.news.subscribe();
    loop {
        match news.recv().await {
            Ok(it) => api.live.take(&it),
            Err(RecvError::Lagged(missed)) => {
                debug!(missed, "live calls are read anew");
                api.live.ended().clear();
                metrics::counter!("crosspoint_api_news_missed_total").increment(missed);
                read_anew(&api).await;
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// Asks the switch for all of its calls.
async fn read_anew(api: &Api) {
    let began = api.now();
    let mut from = Some(0);
    api.live.lock().begin_anew();
    while let Some(slot) = from {
        match api.exchange.ask(|answer| Ask::Calls { from: slot, answer }).await {
            Ok((records, next)) => {
                let mut calls = api.live.lock();
                records.iter().for_each(|it| calls.put(it));
                from = next;
            }
            // Those that are told of later put themselves right.
            Err(_) => return,
        }
    }
    api.live.lock().end_anew(began);
}

#[derive(utoipa::OpenApi)]
#[openapi(
    paths(list, one, actions::hang_up, actions::transfer, actions::record, actions::whisper),
    components(schemas(LiveCall, LiveLeg, LiveState, Taping))
)]
pub struct Doc;

pub fn routes() -> Router<Api> {
    Router::new()
        .route("/v1/calls", get(list))
        .route("/v1/calls/{id}", get(one))
        .route("/v1/calls/{id}/hangup", post(actions::hang_up))
        .route("/v1/calls/{id}/transfer", post(actions::transfer))
        .route("/v1/calls/{id}/recording", post(actions::record))
        .route("/v1/calls/{id}/whisper", post(actions::whisper))
}

/// Which calls.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    state: Option<LiveState>,
    tracking_number: Option<String>,
    source: Option<String>,
    /// Calls that an agent is on, or is rung for.
    agent: Option<String>,
    /// 1 to 1000; 100 if it is not there.
    limit: Option<usize>,
    /// `next` of the page before.
    after: Option<String>,
}

/// Calls that are not over, the earliest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct LiveCalls {
    items: Vec<LiveCall>,
    /// Where the next page begins, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// How many there are in all.
    total: usize,
}

/// Calls that are not over
#[utoipa::path(get, path = "/v1/calls", operation_id = "list_calls", tag = "calls", params(Wanted),
    responses((status = 200, description = "A page of them, the earliest first", body = LiveCalls)),
    extensions(("x-role" = json!("viewer"))))]
async fn list(
    State(api): State<Api>,
    _: Viewer,
    Query(wanted): Query<Wanted>,
) -> Answer<axum::Json<LiveCalls>> {
    let limit = match wanted.limit.unwrap_or(PAGE) {
        it @ 1..=PAGE_MAX => it,
        _ => return Err(Problem::parameter("limit", "this is out of range").allowed("1 to 1000")),
    };
    let directory = api.running().directory.clone();
    let fits = |it: &LiveCall| {
        wanted.state.is_none_or(|state| it.state == state)
            && wanted.tracking_number.as_ref().is_none_or(|wanted| **wanted == *it.tracking_number)
            && wanted.source.as_ref().is_none_or(|wanted| *wanted == it.source)
            && wanted.agent.as_ref().is_none_or(|wanted| it.is_of(wanted, &directory))
    };
    let (mut items, next, total) = api.live.lock().page(wanted.after.as_deref(), limit, fits)?;
    items.iter_mut().for_each(|it| it.name_agents(&directory));
    Ok(axum::Json(LiveCalls { items, next, total }))
}

/// One call: as it stands if it is not over, else its record
#[utoipa::path(get, path = "/v1/calls/{id}", operation_id = "get_call", tag = "calls", params(("id" = String, Path)),
    responses((status = 200, description = "`live`, if it is not over, and its `record`", body = Object)),
    extensions(("x-role" = json!("viewer"))))]
async fn one(
    State(api): State<Api>,
    _: Viewer,
    Path(id): Path<String>,
) -> Answer<axum::Json<serde_json::Value>> {
    let live = api.live.get(&id).map(|mut it| {
        it.name_agents(&api.running().directory);
        it
    });
    let record = super::records::found(&api, &id).await?;
    Ok(axum::Json(serde_json::json!({ "live": live, "record": record })))
}
