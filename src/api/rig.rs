//! The API for its tests: a store in a folder of its own, a loop that only takes directories, a
//! clock that the test turns. Requests go through everything but sockets.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::access::Access;
use super::capture::Captures;
use super::directory::{Home, Keeper};
use super::live::Live;
use super::recordings::Shelves;
use super::serve::Peer;
use super::status::Seen;
use super::{Api, Ask, Exchange, Parts, Status};
use crate::call::Refused;
use crate::capture::{Captured, Message};
use crate::clock::{Instant, Now, Wall};
use crate::config::Config;
use crate::config::documents::Shell;
use crate::sip::Transport;
use crate::store::Away;
use crate::store::database::{Pace, Settings, open_at};

/// The password of every user here.
pub const PASSWORD: &str = "correct horse battery";

pub struct Rig {
    pub api: Api,
    app: TowerToHyperService<axum::Router>,
    micros: Arc<AtomicI64>,
    pub folder: PathBuf,
    pub peer: SocketAddr,
    /// Directories that the loop has taken.
    pub adopted: Arc<AtomicI64>,
    /// Whether the loop refuses them.
    pub refuses: Arc<AtomicBool>,
}

/// Somebody who asks: what they send with each request.
#[derive(Clone, Default)]
pub struct As(pub Vec<(String, String)>);

#[derive(Debug)]
pub struct Said {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Said {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The kind of problem.
    pub fn problem(&self) -> String {
        let kind = self.headers.get("content-type").map(|it| it.to_str().unwrap_or_default());
        assert_eq!(kind, Some("application/problem+json"), "{self:?}");
        let told = self.json();
        assert_eq!(told["status"], self.status.as_u16());
        told["type"].as_str().unwrap_or_default().replace("/problems/", "")
    }

    pub fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|it| it.to_str().unwrap().to_owned()).unwrap_or_default()
    }
}

impl Rig {
    /// With the built-in quickstart, taken over by the database.
    pub async fn start(name: &str) -> Self {
        Self::with(name, include_str!("../../configs/quickstart.toml"), Home::Database).await
    }

    pub async fn with(name: &str, text: &str, home: Home) -> Self {
        Self::made(name, text, home, false).await
    }

    /// The same behind a proxy, which is where all requests come from.
    pub async fn behind_proxy(name: &str) -> Self {
        let text = include_str!("../../configs/quickstart.toml");
        Self::made(name, text, Home::Database, true).await
    }

    async fn made(name: &str, text: &str, home: Home, behind_proxy: bool) -> Self {
        let folder =
            std::env::temp_dir().join(format!("crosspoint-api-{}-{name}", std::process::id()));
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).unwrap();
        let settings = Settings { url: None, file: folder.join("crosspoint.db") };
        // Searches end their pages as early as they can.
        let pace = Pace { first: 1, time: Duration::ZERO };
        let store = open_at(&settings, pace).unwrap();
        let micros = Arc::new(AtomicI64::new(1_800_000_000_000_000));
        let now = {
            let micros = micros.clone();
            move || {
                let wall = micros.load(Ordering::Relaxed);
                Now { at: Instant::from_micros(wall as u64), wall: Wall::from_unix_micros(wall) }
            }
        };
        let shell = Shell::new(text, "edge.toml", Path::new("/nowhere"));
        let (keeper, config) = Keeper::open(&*store, shell, home, now()).await.unwrap();
        let shelves = Shelves::open(&folder, Path::new("/nowhere"), &config).unwrap();
        let (exchange, mut asks) = Exchange::new();
        let running = watch::Sender::new(Arc::new(config));
        let api = Api::new(Parts {
            store,
            access: Access::new(behind_proxy),
            directory: keeper,
            config: running.subscribe(),
            exchange,
            news: broadcast::Sender::new(16),
            live: Live::new(Away::in_folder(&folder)),
            status: Status::new(None, Arc::default()),
            certificate: None,
            captures: Captures { folder: folder.join("captures"), look: Arc::new(look) },
            shelves,
            progress: Arc::default(),
            revived: mpsc::channel(16).0,
            data: folder.clone(),
            folder: "/nowhere".into(),
            clock: Box::new(now),
        });
        let (adopted, refuses) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(false)));
        let (counted, refused) = (adopted.clone(), refuses.clone());
        tokio::spawn(async move {
            while let Some(ask) = asks.recv().await {
                let Some((config, answer)) = adopted_or_told(ask) else { continue };
                if refused.load(Ordering::Relaxed) {
                    drop(answer.send(Err("the loop does not want it".to_owned())));
                    continue;
                }
                counted.fetch_add(1, Ordering::Relaxed);
                running.send_replace(Arc::new(*config));
                drop(answer.send(Ok(())));
            }
        });
        let app = TowerToHyperService::new(super::routes(api.clone()));
        let peer = "192.0.2.7:4711".parse().unwrap();
        Self { api, app, micros, folder, peer, adopted, refuses }
    }

    pub fn after(&self, seconds: i64) {
        self.micros.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }

    pub async fn send(&self, request: Request<Body>) -> Said {
        let mut request = request;
        request.extensions_mut().insert(Peer { address: self.peer, tls: false });
        let response = self.app.call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 64 << 20).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Said { status: parts.status, headers: parts.headers, text }
    }

    /// `ask(&admin, "POST /v1/agents", json!({..}))`; no body if it is null.
    pub async fn ask(&self, who: &As, line: &str, body: Value) -> Said {
        self.ask_with(who, line, body, &[]).await
    }

    pub async fn ask_with(
        &self,
        who: &As,
        line: &str,
        body: Value,
        headers: &[(&str, &str)],
    ) -> Said {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in &who.0 {
            request = request.header(name, value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Value::Null => Body::empty(),
            Value::String(text) => Body::from(text),
            body => {
                request = request.header("content-type", "application/json");
                Body::from(body.to_string())
            }
        };
        self.send(request.body(body).unwrap()).await
    }

    /// The first admin, signed in.
    pub async fn admin(&self) -> As {
        let token = self.api.access.begin(&[]).unwrap().unwrap();
        let sent = json!({"token": token, "user": "ada", "password": PASSWORD});
        let said = self.ask(&As::default(), "POST /v1/setup", sent).await;
        assert_eq!(said.status, 201, "{said:?}");
        Self::session(&said)
    }

    /// Another user, signed in.
    pub async fn user(&self, admin: &As, name: &str, role: &str) -> As {
        let sent = json!({"name": name, "role": role, "password": PASSWORD});
        let said = self.ask(admin, "POST /v1/users", sent).await;
        assert_eq!(said.status, 201, "{said:?}");
        self.sign_in(name).await
    }

    pub async fn sign_in(&self, name: &str) -> As {
        let sent = json!({"user": name, "password": PASSWORD});
        let said = self.ask(&As::default(), "POST /v1/session", sent).await;
        assert_eq!(said.status, 200, "{said:?}");
        Self::session(&said)
    }

    pub fn session(said: &Said) -> As {
        let cookie = said.header("set-cookie");
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let csrf = said.json()["csrf"].as_str().unwrap().to_owned();
        As(vec![("cookie".to_owned(), cookie), ("x-csrf-token".to_owned(), csrf)])
    }
}

/// The only call that goes on.
fn look(call: String) -> std::pin::Pin<Box<dyn Future<Output = Option<Captured>> + Send>> {
    let message = Message {
        at: Wall::default(),
        from: "192.0.2.11:5060".parse().unwrap(),
        to: "192.0.2.1:5060".parse().unwrap(),
        transport: Transport::Udp,
        heard: true,
        bytes: "INVITE sip:1@h SIP/2.0\r\n\r\n".into(),
    };
    let found = (call == "live1").then(|| Captured {
        call: call.into(),
        left_out: 0,
        messages: vec![message],
    });
    Box::pin(std::future::ready(found))
}

/// Tells whether a directory was taken.
type Taken = oneshot::Sender<Result<(), String>>;

/// There are no calls here.
fn adopted_or_told(ask: Ask) -> Option<(Box<Config>, Taken)> {
    match ask {
        Ask::Adopt { config, answer } => return Some((config, answer)),
        Ask::Command { answer, .. } => drop(answer.send(Err(Refused::Over))),
        Ask::Record { answer, .. } => drop(answer.send(None)),
        Ask::Calls { answer, .. } => drop(answer.send((Vec::new(), None))),
        Ask::SetState { answer, .. } => drop(answer.send(false)),
        Ask::Status { answer } => drop(answer.send(Seen::default())),
        Ask::Registrations { answer, .. } => drop(answer.send((Vec::new(), None))),
        Ask::LoadPrompt { answer, .. } => drop(answer.send(())),
    }
    None
}

impl Drop for Rig {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}
