//! How things are: trunks, registrations, queues, agents; and agents who say whether they are there.

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, put};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::access::{Agent, Role, Viewer};
use super::certificate::CertificateStanding;
use super::{Answer, Api, Ask, Body, Path, Problem, Query, recordings};
use crate::clock::{Instant, Now, Wall};
use crate::config::Config;
use crate::config::shell::{Listener, ListenerTransport};
use crate::desk::{Presence, State as AgentState};
use crate::model::{Directory, QueueView};
use crate::peer::{AddressState, AddressStatus, Registration, TrunkStatus};
use crate::store::Away;
use crate::switch::Switch;

/// Queues and agents that are told of, each.
const SHOWN: usize = 2000;
/// Accounts whose registrations are looked through at once.
pub const ACCOUNTS: u32 = 1000;
/// Registrations of a page.
const PAGE: usize = 500;

/// Who is away, as it is kept.
#[derive(Debug)]
pub struct Presences {
    away: Mutex<Away>,
    /// One says so after the other: what the switch heard last is what is kept.
    turn: tokio::sync::Mutex<()>,
}

impl Presences {
    pub fn new(away: Away) -> Self {
        Self { away: Mutex::new(away), turn: tokio::sync::Mutex::default() }
    }

    pub fn lock(&self) -> MutexGuard<'_, Away> {
        self.away.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells the switch, and keeps it; `false` if there is no such agent.
async fn say(api: Api, name: String, presence: Presence) -> Answer<bool> {
    let _turn = api.live.presences.turn.lock().await;
    let agent = name.as_str().into();
    if !api.exchange.ask(|answer| Ask::SetState { agent, presence, answer }).await? {
        return Ok(false);
    }
    let kept = api.clone();
    let keep = move || kept.live.presences.lock().keep(&name, presence == Presence::Away);
    if let Ok(Err(error)) = tokio::task::spawn_blocking(keep).await {
        tracing::error!(%error, "who is away could not be kept");
    }
    Ok(true)
}

/// What the loop sees.
#[derive(Debug, Default)]
pub struct Seen {
    pub calls: usize,
    pub in_line: usize,
    pub registrations: usize,
    pub trunks: Vec<TrunkStatus>,
    pub queues: Vec<(String, QueueView)>,
    /// Each with its state, since when, and what it said.
    pub agents: Vec<(String, (AgentState, Instant), Presence)>,
    /// When this was seen.
    pub now: Now,
}

impl Seen {
    /// A look at everything, quick enough to be taken between two packets.
    pub fn of(switch: &Switch, directory: &Directory, now: Now) -> Self {
        let (desk, peers) = (switch.desk(), switch.peers());
        let queues = directory.queues().take(SHOWN);
        let agents = directory.agents().take(SHOWN);
        Self {
            calls: switch.calls(),
            in_line: switch.in_line(),
            registrations: peers.registered(),
            trunks: peers.trunk_status(now.at),
            queues: queues
                .filter_map(|it| Some((it.id.to_string(), desk.view(&it.id, now)?)))
                .collect(),
            agents: agents
                .filter_map(|it| {
                    let (state, said) = (switch.state(&it.id, now.at)?, desk.presence(&it.id)?);
                    Some((it.id.to_string(), state, said))
                })
                .collect(),
            now,
        }
    }
}

#[derive(utoipa::OpenApi)]
#[openapi(paths(status, registrations, state), components(schemas(Standing, Told)))]
pub struct Doc;

pub fn routes() -> Router<Api> {
    Router::new()
        .route("/v1/status", get(status))
        .route("/v1/registrations", get(registrations))
        .route("/v1/agents/{name}/state", put(state))
}

/// How things are.
#[derive(Debug, Serialize, ToSchema)]
struct Standing {
    /// That are not over.
    calls: usize,
    /// Callers who wait in queues.
    in_line: usize,
    registrations: Registered,
    trunks: Vec<TrunkStanding>,
    queues: Vec<QueueStanding>,
    agents: Vec<AgentStanding>,
    /// What is still to be done with recordings, and why it is not.
    #[schema(value_type = Object)]
    recordings: recordings::Told,
    store: StoreStanding,
    directory: DirectoryStanding,
    /// Of HTTPS, if there is one.
    certificate: Option<CertificateStanding>,
    version: &'static str,
    /// Since the program started.
    uptime_ms: u64,
}

#[derive(Debug, Serialize, ToSchema)]
struct Registered {
    /// Phones.
    total: usize,
    /// Where they register.
    at: Vec<RegisterAt>,
}

/// A socket that takes registrations, as phones see it.
#[derive(Debug, Serialize, ToSchema)]
struct RegisterAt {
    #[schema(value_type = String)]
    address: std::net::SocketAddr,
    transports: Vec<&'static str>,
}

#[derive(Debug, Serialize, ToSchema)]
struct TrunkStanding {
    name: String,
    calls: u32,
    addresses: Vec<AddressStanding>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AddressStanding {
    address: String,
    up: bool,
    /// `up`; `cooling`: a call through it failed lately; `down`: it does not answer probes.
    state: &'static str,
    /// Since when: microseconds since 1970.
    #[schema(value_type = i64)]
    since: Wall,
    /// What it last said to a probe.
    last_status: Option<u16>,
}

#[derive(Debug, Serialize, ToSchema)]
struct QueueStanding {
    name: String,
    waiting: u32,
    free: u32,
    /// How long the first of them has waited.
    longest_ms: Option<u64>,
}

#[derive(Debug, Serialize, ToSchema)]
struct AgentStanding {
    name: String,
    /// `available`, `busy`, `wrap_up` or `away`.
    #[schema(value_type = String)]
    state: AgentState,
    /// What it said of itself: who talks is busy, and may have said meanwhile that it takes no more.
    #[schema(value_type = String)]
    presence: Presence,
    /// Since when it is in this state: microseconds since 1970.
    #[schema(value_type = i64)]
    since: Wall,
}

/// The database.
#[derive(Debug, Serialize, ToSchema)]
struct StoreStanding {
    up: bool,
    /// Why it is not.
    why: Option<String>,
    /// The disk does not take records: they wait in memory.
    waits_for_disk: bool,
    /// The database does not take what the journal has.
    refuses_records: bool,
    /// Of the journal, not yet in the database.
    behind_bytes: u64,
}

/// The directory that others may change as well, where it is in the database.
#[derive(Debug, Serialize, ToSchema)]
struct DirectoryStanding {
    /// What is kept is what calls are routed by.
    in_force: bool,
    /// Why not: the one before is.
    why: Option<String>,
}

/// How things are
#[utoipa::path(get, path = "/v1/status", operation_id = "get_status", tag = "status",
    responses((status = 200, description = "Calls, trunks, registrations, queues, agents, recordings, the database", body = Standing)),
    extensions(("x-role" = json!("viewer"))))]
async fn status(State(api): State<Api>, _: Viewer) -> Answer<axum::Json<Standing>> {
    let seen = api.exchange.ask(|answer| Ask::Status { answer }).await?;
    let now = seen.now;
    let queues = seen.queues.into_iter().map(|(name, it)| QueueStanding {
        name,
        waiting: it.waiting,
        free: it.free,
        longest_ms: it.longest_wait.map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)),
    });
    let agents = seen.agents.into_iter().map(|(name, (state, since), presence)| AgentStanding {
        name,
        state,
        presence,
        since: now.wall_of(since),
    });
    let directory = api.directory.standing();
    Ok(axum::Json(Standing {
        calls: seen.calls,
        in_line: seen.in_line,
        registrations: Registered {
            total: seen.registrations,
            at: phones_register_at(&api.running()),
        },
        trunks: seen.trunks.into_iter().map(|it| TrunkStanding::of(it, now)).collect(),
        queues: queues.collect(),
        agents: agents.collect(),
        recordings: api.live.keeping.told(),
        store: StoreStanding {
            up: directory.away.is_none(),
            why: directory.away,
            waits_for_disk: api.status.waits_for_disk(),
            refuses_records: api.progress.is_failing(),
            behind_bytes: api.progress.bytes_behind(),
        },
        directory: DirectoryStanding {
            in_force: directory.refused.is_none(),
            why: directory.refused,
        },
        certificate: api.certificate.as_ref().map(|it| it.standing()),
        version: env!("CARGO_PKG_VERSION"),
        uptime_ms: now.at.micros() / 1000,
    }))
}

impl TrunkStanding {
    fn of(trunk: TrunkStatus, now: Now) -> Self {
        let address = |it: AddressStatus| AddressStanding {
            address: it.name,
            up: it.state != AddressState::Down,
            state: match it.state {
                AddressState::Up => "up",
                AddressState::Cooling => "cooling",
                AddressState::Down => "down",
            },
            since: now.wall_of(it.since),
            last_status: it.last_status,
        };
        let addresses = trunk.addresses.into_iter().map(address).collect();
        Self { name: trunk.name.to_string(), calls: trunk.calls, addresses }
    }
}

/// What a phone is told: the sockets that take registrations, as phones see them. One that is bound
/// to every address says so (`0.0.0.0`): which of them a phone reaches, it knows best.
fn phones_register_at(config: &Config) -> Vec<RegisterAt> {
    let told = |listener: &Listener| {
        let (mut address, told) = (listener.address, config.sip.advertised);
        if let Some(ip) = told.filter(|it| it.is_ipv6() == address.is_ipv6()) {
            address.set_ip(ip);
        }
        let transport = |it: &ListenerTransport| crate::sip::Transport::from(*it).as_str();
        RegisterAt { address, transports: listener.transports.iter().map(transport).collect() }
    };
    config.sip.listener.iter().filter(|it| it.takes_clients).map(told).collect()
}

/// Whose registrations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Whose {
    account: Option<String>,
    /// `next` of the page before.
    after: Option<u32>,
}

/// Phones that are registered
#[utoipa::path(get, path = "/v1/registrations", operation_id = "list_registrations", tag = "status", params(Whose),
    responses((status = 200, description = "`items`, and `next` if there are more", body = Object)),
    extensions(("x-role" = json!("viewer"))))]
async fn registrations(
    State(api): State<Api>,
    _: Viewer,
    Query(whose): Query<Whose>,
) -> Answer<axum::Json<Value>> {
    let (mut items, mut next) = (Vec::new(), Some(whose.after.unwrap_or(0)));
    while let Some(from) = next
        && items.len() < PAGE
    {
        let account = whose.account.as_deref().map(Into::into);
        let ask = |answer| Ask::Registrations { account, from, answer };
        let found: (Vec<Registration>, Option<u32>) = api.exchange.ask(ask).await?;
        items.extend(found.0.iter().map(shown));
        next = found.1;
    }
    Ok(axum::Json(json!({ "items": items, "next": next })))
}

fn shown(it: &Registration) -> Value {
    json!({
        "account": it.account,
        "contact": it.contact,
        "address": it.hop.remote.to_string(),
        "transport": it.hop.transport.as_str(),
        "q": f64::from(it.q) / 1000.0,
        "expires": it.expires.saturating_mul(1_000_000),
    })
}

/// Whether an agent is there.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Told {
    /// `available` or `away`.
    #[schema(value_type = String)]
    state: Presence,
}

/// Say whether an agent is there
///
/// Agents say so for themselves, managers for everybody. Away is kept over a restart.
#[utoipa::path(put, path = "/v1/agents/{name}/state", operation_id = "set_agent_state", tag = "status",
    params(("name" = String, Path)), request_body = Told,
    responses((status = 204, description = "It is so")),
    extensions(("x-role" = json!("agent"))))]
async fn state(
    State(api): State<Api>,
    Agent(who): Agent,
    Path(name): Path<String>,
    Body(told): Body<Told>,
) -> Answer<StatusCode> {
    if who.role < Role::Manager && who.agent.as_deref() != Some(&*name) {
        return Err(Problem::not_allowed("an agent may say this for itself only"));
    }
    let presence = told.state;
    // What the switch has heard is kept, whether who asked waits for it or not.
    let said = tokio::spawn(say(api.clone(), name.clone(), presence));
    if !said.await.map_err(|_| Problem::internal("this broke off"))?? {
        return Err(Problem::none("agent", &name));
    }
    let said = json!({ "state": presence });
    api.audit(&who, "state", format!("agent/{name}"), said).await?;
    Ok(StatusCode::NO_CONTENT)
}
