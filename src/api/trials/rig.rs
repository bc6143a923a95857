//! A town whose exchange answers the API, and a client of it.

use std::cell::{Cell, RefCell};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tokio::sync::{broadcast, mpsc, watch};

use crate::api::access::{Access, Role, Who};
use crate::api::ask::NEWS;
use crate::api::capture::Captures;
use crate::api::directory::{Home, Keeper};
use crate::api::live::{self, Live};
use crate::api::status::{self, Seen};
use crate::api::{
    Api, Ask, Exchange, News, Parts, Status, events, explain, prompts, recordings, records,
    statistics,
};
use crate::clock::Now;
use crate::config::documents::Shell;
use crate::model::event::Fact;
use crate::model::record::CallRecord;
use crate::simulator::{Manners, Reply, Weather, World, ms, secs};
use crate::store::Away;
use crate::store::database::{self, Batch, Position, Settings};

pub const NUMBER: &str = "15550100001";

/// What the town's exchange is set up with: b and c answer, d does not.
pub const TOWN: &str = r#"
[[sip.listener]]
address = "10.0.0.1:5060"
transports = ["udp"]
[media]
address = "10.0.0.1"
ports = "30000-30999"
[api]
listen = "off"
[prompts]
synthesiser = "off"
[[trunk]]
name = "carrier"
sources = ["10.0.0.11"]
probe = "off"
[[receiving_number]]
name = "b"
number = "sip:b@10.0.0.31:5070"
agent = "ann"
[[receiving_number]]
name = "c"
number = "sip:c@10.0.0.32:5070"
prevent_recording = true
[[receiving_number]]
name = "d"
number = "sip:d@10.0.0.33:5070"
[[agent]]
name = "ann"
numbers = ["b"]
[[queue]]
name = "sales"
members = ["d"]
[[tracking_number]]
number = "+15550100001"
source = "<b>ads</b>"
keep_recordings = "30d"
dial = ["b"]
[[tracking_number]]
number = "+15550100002"
route = { queue = "sales" }
"#;

/// Each town has a folder.
static TESTS: AtomicU32 = AtomicU32::new(0);

pub struct Rig {
    pub world: Rc<RefCell<World>>,
    pub api: Api,
    pub data: PathBuf,
    base: String,
    client: reqwest::Client,
    /// Facts and records that the news have told, and the store has been told.
    told: RefCell<(usize, usize)>,
    kept: RefCell<(usize, usize)>,
}

/// Runs a story in a town.
pub fn story<F: Future<Output = ()>>(tell: impl FnOnce(Rig) -> F) {
    story_with(|_| String::new(), tell);
}

/// The same where the configuration says this too, once the folder was prepared for it.
pub fn story_with<F: Future<Output = ()>>(
    prepare: impl FnOnce(&Path) -> String,
    tell: impl FnOnce(Rig) -> F,
) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let told = async { tell(Rig::start(TOWN, prepare).await).await };
    tokio::task::LocalSet::new().block_on(&runtime, told);
}

impl Drop for Rig {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.data));
    }
}

impl Rig {
    async fn start(text: &str, prepare: impl FnOnce(&Path) -> String) -> Self {
        let n = TESTS.fetch_add(1, Ordering::Relaxed);
        let data = std::env::temp_dir().join(format!("crosspoint-rig-{}-{n}", std::process::id()));
        drop(std::fs::remove_dir_all(&data));
        std::fs::create_dir_all(data.join("recordings")).unwrap();
        let text = format!("{text}{}", prepare(&data));
        let shell = Shell::new(&text, "town.toml", &data);
        let settings = Settings { url: None, file: data.join("crosspoint.db") };
        let store = database::open(&settings).unwrap();
        let (keeper, config) =
            Keeper::open(&*store, shell, Home::File, Now::default()).await.unwrap();
        let mut world = World::new(&config, 1, Weather::CLEAR);
        for (name, host, voice) in
            [("carrier", 11, 300), ("b", 31, 500), ("c", 32, 600), ("d", 33, 700)]
        {
            world.phone(name, SocketAddr::from(([10, 0, 0, host], 5070)), voice);
        }
        world.at("d").manners = Manners { reply: Reply::Never, ..Manners::default() };
        MOMENT.set(Now { at: world.now(), wall: world.wall() });
        let world = Rc::new(RefCell::new(world));
        let (exchange, asks) = Exchange::new();
        let (news, _) = broadcast::channel(NEWS);
        let shelves = recordings::Shelves::open(&data, &data, &config).unwrap();
        let (_, running) = watch::channel(Arc::new(config));
        let api = Api::new(Parts {
            store,
            access: Access::new(false),
            directory: keeper,
            config: running,
            exchange,
            news,
            live: Live::new(Away::in_folder(&data)),
            status: Status::new(None, Arc::default()),
            certificate: None,
            captures: Captures {
                folder: data.join("captures"),
                look: Arc::new(|_| Box::pin(std::future::ready(None))),
            },
            shelves,
            progress: Arc::default(),
            revived: mpsc::channel(1).0,
            data: data.clone(),
            folder: data.clone(),
            clock: Box::new(|| MOMENT.get()),
        });
        tokio::task::spawn_local(answer(asks, Rc::clone(&world), api.clone()));
        tokio::spawn(crate::api::live::follow(api.clone()));
        let routes = Router::new()
            .merge(events::routes())
            .merge(explain::routes())
            .merge(live::routes())
            .merge(prompts::routes())
            .merge(recordings::routes())
            .merge(records::routes())
            .merge(statistics::routes())
            .merge(status::routes());
        let routes = routes.with_state(api.clone()).layer(axum::middleware::from_fn(known));
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        // The follower listens before anything happens.
        tokio::task::yield_now().await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { world, api, data, base, client, told: RefCell::default(), kept: RefCell::default() }
    }

    /// Lets so much time pass in the town; what happens is told, and kept.
    pub async fn runs(&self, time: Duration) {
        self.world.borrow_mut().run_for(time);
        self.tells(true).await;
    }

    /// Tells what has happened; the store too, or not yet.
    pub async fn tells(&self, keep: bool) {
        let (facts, records) = self.since(&self.told);
        for record in records {
            drop(self.api.news.send(News::Record(Arc::new(record))));
        }
        for fact in facts {
            drop(self.api.news.send(News::Fact(Arc::new(fact))));
        }
        if keep {
            self.keeps().await;
        }
        // The follower folds them.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    /// The store is told of all that has happened.
    pub async fn keeps(&self) {
        let (facts, records) = self.since(&self.kept);
        let position = Position { node: "rig".to_owned(), ..Position::default() };
        let batch = Batch { records, facts, deliveries: Vec::new(), position };
        self.api.store.ingest(&batch).await.unwrap();
    }

    fn since(&self, mark: &RefCell<(usize, usize)>) -> (Vec<Fact>, Vec<CallRecord>) {
        let (world, mut mark) = (self.world.borrow(), mark.borrow_mut());
        MOMENT.set(Now { at: world.now(), wall: world.wall() });
        let facts = world.facts[mark.0..].iter().map(|it| it.1.clone()).collect();
        let records = world.records[mark.1..].to_vec();
        *mark = (world.facts.len(), world.records.len());
        (facts, records)
    }

    pub fn host(&self) -> &str {
        self.base.trim_start_matches("http://")
    }

    /// The carrier calls; a moment later it rings. The call's id.
    pub async fn calls(&self, number: &str) -> String {
        self.world.borrow_mut().calls("carrier", number);
        self.runs(ms(100)).await;
        let world = self.world.borrow();
        world.facts.last().expect("a call").1.call.to_string()
    }

    /// A call that has been connected to b for some seconds.
    pub async fn talks(&self) -> String {
        let id = self.calls(NUMBER).await;
        self.runs(secs(5)).await;
        id
    }

    pub fn asks(&self, method: Method, path: &str) -> RequestBuilder {
        self.asks_as(method, path, "admin")
    }

    /// As somebody of this role; `agent` is Ann, `` nobody.
    pub fn asks_as(&self, method: Method, path: &str, role: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).header("x-role", role)
    }

    pub async fn gets(&self, path: &str) -> Value {
        let response = self.asks(Method::GET, path).send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub async fn posts(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.posts_as(path, body, "admin").await
    }

    pub async fn posts_as(&self, path: &str, body: Value, role: &str) -> (StatusCode, Value) {
        let response = self.asks_as(Method::POST, path, role).json(&body).send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// What the audit log says somebody did, the latest first.
    pub async fn audited(&self) -> Vec<(String, String)> {
        let entries = self.api.store.audit(&Default::default()).await.unwrap();
        entries.into_iter().map(|it| (it.what, it.subject)).collect()
    }
}

/// Says who asks, as the guard does.
async fn known(mut request: Request, next: Next) -> Response {
    let role = request.headers().get("x-role").and_then(|it| it.to_str().ok()).unwrap_or_default();
    if let Some(role) = Role::named(role) {
        let name = role.as_str().to_owned();
        let agent = (role == Role::Agent).then(|| "ann".to_owned());
        let source = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let who = Who { user: name.clone(), name, role, agent, session: None, key: None, source };
        request.extensions_mut().insert(who);
    }
    next.run(request).await
}

/// The exchange's loop.
async fn answer(mut asks: mpsc::Receiver<Ask>, world: Rc<RefCell<World>>, api: Api) {
    while let Some(ask) = asks.recv().await {
        let world = &mut *world.borrow_mut();
        let now = Now { at: world.now(), wall: world.wall() };
        match ask {
            Ask::Command { call, command, by, answer } => {
                drop(answer.send(world.command(&call, command, &by)));
            }
            Ask::Record { call, answer } => {
                drop(answer.send(world.switch.record(&call).map(Box::new)));
            }
            Ask::Calls { from, answer } => drop(answer.send(world.switch.records(from, 2))),
            Ask::SetState { agent, presence, answer } => {
                let _ = answer.send(world.switch.set_state(&agent, presence, now));
            }
            Ask::Status { answer } => {
                let directory = &api.running().directory;
                drop(answer.send(Seen::of(&world.switch, directory, now)));
            }
            Ask::Registrations { account, from, answer } => {
                let peers = world.switch.peers();
                let found = match account {
                    Some(account) => (peers.registrations_of(&account, now), None),
                    None => peers.registrations(from, 10, now),
                };
                drop(answer.send(found));
            }
            Ask::LoadPrompt { answer, .. } => drop(answer.send(())),
            _ => panic!("nobody asks that here"),
        }
    }
}

thread_local! {
    /// What the town of this test has reached: it has a thread of its own.
    static MOMENT: Cell<Now> = Cell::default();
}
