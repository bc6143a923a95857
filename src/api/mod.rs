//! The HTTP API under `/v1`, and what is served beside it: health, metrics, the OpenAPI document.
//!
//! A part is a file or folder of its own with `pub fn routes() -> Router<Api>` and a `Doc` (utoipa)
//! of the same paths; `openapi` joins those into the document, and adds what all of them share:
//! who may (`x-role`), and how they fail (`problem`). What a part stands on is [`Api`]; who asks is
//! an argument of the handler ([`access::Viewer`], [`access::Agent`], [`access::Manager`],
//! [`access::Admin`]): one without is refused by a test.
//!
//! Nothing here holds up a call. The switch is told by [`Ask`] over a bounded channel and answers
//! when it has a moment; what happens in it comes by a bounded broadcast of [`News`].

pub mod access;
pub mod answer;
pub mod ask;
pub mod capture;
pub mod certificate;
pub mod console;
pub mod deliveries;
pub mod directory;
pub mod events;
pub mod explain;
pub mod health;
mod layers;
pub mod live;
pub mod openapi;
pub mod problem;
pub mod prompts;
pub mod recordings;
pub mod records;
pub mod revision;
#[cfg(test)]
mod rig;
pub mod serve;
pub mod statistics;
pub mod status;
#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "these wait for other tasks")]
mod trials;

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use tokio::sync::{broadcast, mpsc, watch};

use self::access::Access;
pub use self::answer::{Body, Path, Query};
pub use self::ask::{Ask, Exchange, News};
use self::capture::Captures;
use self::certificate::Certificate;
use self::directory::Keeper;
pub use self::health::Status;
use self::live::Live;
pub use self::problem::{Answer, Problem};
use self::recordings::Shelves;
use crate::clock::{Now, Wall};
use crate::config::Config;
use crate::store::Shelf;
use crate::store::database::{Progress, Store};

/// What every part of the API stands on; cheap to clone.
#[derive(Clone)]
pub struct Api(Arc<Parts>);

/// See [`Api`].
pub struct Parts {
    pub store: Arc<dyn Store>,
    pub access: Access,
    /// The documents of the directory.
    pub directory: Keeper,
    /// What runs now: the shell's keys and the directory. `config.borrow().clone()`.
    pub config: watch::Receiver<Arc<Config>>,
    /// The loop that turns the switch.
    pub exchange: Exchange,
    /// What happens in it; `subscribe()`. Who is slow is told how much was missed, and reads on
    /// from the store.
    pub news: broadcast::Sender<News>,
    /// Live calls, who looks on, and whose turn it is.
    pub live: Live,
    /// Health, readiness, metrics.
    pub status: Status,
    /// What HTTPS shows, if it is that.
    pub certificate: Option<Arc<Certificate>>,
    /// What calls said in SIP.
    pub captures: Captures,
    /// Where recordings stand: see [`Api::shelf`].
    pub shelves: Shelves,
    /// How far the store is behind the journal.
    pub progress: Arc<Progress>,
    /// Who tells webhooks of events hears here which deliveries are to be tried again.
    pub revived: mpsc::Sender<i64>,
    /// The data folder.
    pub data: PathBuf,
    /// Where files that the directory names are looked for.
    pub folder: PathBuf,
    /// Reads the clock.
    pub clock: Box<dyn Fn() -> Now + Send + Sync>,
}

impl Api {
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    pub fn now(&self) -> Wall {
        (self.clock)().wall
    }

    /// Where recordings stand, as the configuration that runs now says.
    pub fn shelf(&self) -> Arc<Shelf> {
        self.shelves.of(&self.running())
    }

    pub fn running(&self) -> Arc<Config> {
        self.config.borrow().clone()
    }
}

impl Deref for Api {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Everything that is served.
pub fn routes(api: Api) -> Router {
    let parts = Router::new()
        .merge(access::routes())
        .merge(console::routes())
        .merge(capture::routes())
        .merge(deliveries::routes())
        .merge(directory::routes())
        .merge(events::routes())
        .merge(explain::routes())
        .merge(health::routes())
        .merge(live::routes())
        .merge(openapi::routes())
        .merge(prompts::routes())
        .merge(recordings::routes())
        .merge(records::routes())
        .merge(statistics::routes())
        .merge(status::routes());
    layers::around(parts, api)
}
