//! Keeps the documents and what is in force the same: one change after the other, checked as a
//! whole, kept, and then taken over by the switch. A call keeps the directory it began with.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use serde::Serialize;
use serde_json::Value;
use tracing::{error, warn};

use super::faults;
use super::follow::Standing;
use crate::api::access::Who;
use crate::api::{Answer, Api, Problem};
use crate::clock::{Instant, Now};
use crate::config::documents::{Document, Documents, Fault, Kind, Shell};
use crate::config::{Config, ConfigError};
use crate::peer::Peers;
use crate::store::database::{Author, Document as Kept, Edit, Expected, Store, StoreError};

/// Where the directory is at home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Home {
    /// In the file of the edge: the API shows it, and changes nothing.
    File,
    /// In the database: it was taken from the file once, and is the API's from then on.
    Database,
}

/// Says in the store that the file's directory was taken over.
pub(super) const TAKEN: &str = "directory_taken";
/// Who changed what nobody did.
const OURSELVES: &str = "crosspoint";

/// Keeps the documents of the directory.
pub struct Keeper {
    home: Home,
    shell: RwLock<Arc<Shell>>,
    kept: RwLock<Arc<Vec<Kept>>>,
    pub(super) turn: tokio::sync::Mutex<()>,
    pub(super) standing: RwLock<Standing>,
    /// Up to which change the database was looked at.
    seen: AtomicI64,
}

/// Why there is no directory to begin with.
#[derive(Debug)]
pub enum CannotBegin {
    File(ConfigError),
    Document(Fault),
    Store(StoreError),
}

impl std::fmt::Display for CannotBegin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(it) => it.fmt(f),
            Self::Document(it) => write!(f, "the directory in the database: {it}"),
            Self::Store(it) => it.fmt(f),
        }
    }
}

impl Keeper {
    /// Reads the directory from where it is at home. A database that has never had one takes that
    /// of the file.
    pub async fn open(
        store: &dyn Store,
        shell: Shell,
        home: Home,
        now: Now,
    ) -> Result<(Self, Config), CannotBegin> {
        let (kept, config, seen) = match home {
            Home::File => (of_file(&shell)?, shell.config().map_err(CannotBegin::File)?, 0),
            Home::Database => {
                // Before the documents: a change in between is looked at later.
                let seen = store.changes().await.map_err(CannotBegin::Store)?;
                let kept = taken(store, &shell, now).await?;
                let config = documents(&kept).check(&shell).map_err(CannotBegin::Document)?;
                (kept, config, seen)
            }
        };
        let keeper = Self {
            home,
            shell: RwLock::new(Arc::new(shell)),
            kept: RwLock::new(Arc::new(kept)),
            turn: tokio::sync::Mutex::default(),
            standing: RwLock::default(),
            seen: AtomicI64::new(seen),
        };
        Ok((keeper, config))
    }

    pub fn home(&self) -> Home {
        self.home
    }

    /// The documents as they are kept now.
    pub fn kept(&self) -> Arc<Vec<Kept>> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn keep(&self, kept: Vec<Kept>) {
        *self.kept.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(kept);
    }

    pub(super) fn seen(&self) -> i64 {
        self.seen.load(Ordering::Relaxed)
    }

    pub(super) fn see(&self, count: i64) {
        self.seen.store(count, Ordering::Relaxed);
    }

    pub fn shell(&self) -> Arc<Shell> {
        self.shell.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes another file around the documents; in force once the switch has adopted it.
    pub async fn reload(&self, api: &Api, shell: Shell) -> Result<(), String> {
        let _turn = self.turn.lock().await;
        let kept = match self.home {
            Home::File => of_file(&shell).map_err(|it| it.to_string())?,
            Home::Database => api.store.documents().await.map_err(|it| it.to_string())?,
        };
        let (shell, home) = (Arc::new(shell), self.home);
        let (documents, around) = (documents(&kept), shell.clone());
        let read = tokio::task::spawn_blocking(move || match home {
            Home::File => around.config().map_err(|it| it.to_string()),
            Home::Database => documents.check(&around).map_err(|it| it.to_string()),
        });
        let config = read.await.map_err(|it| it.to_string())??;
        api.exchange.adopt(config).await?;
        *self.shell.write().unwrap_or_else(PoisonError::into_inner) = shell;
        self.keep(kept);
        self.is_refused(None);
        Ok(())
    }

    /// Makes a change. `plan` is told what is kept and says which edits it takes; what comes of
    /// them is checked, and if it is right kept and adopted, unless this is a dry run. What the
    /// edited documents are then (deleted ones left out).
    ///
    /// Goes on when who asked goes away: what is kept is also adopted.
    pub async fn change(
        api: &Api,
        who: &Who,
        dry_run: bool,
        plan: impl FnOnce(&[Kept]) -> Answer<Vec<Edit>> + Send + 'static,
    ) -> Answer<Vec<Kept>> {
        let api = api.clone();
        let (by, source) = (who.name.clone(), who.source.to_string());
        let task = tokio::spawn(async move {
            let keeper = &api.directory;
            if keeper.home == Home::File {
                let message = "the directory stands in the configuration file: change it there and \
                               reload, or set [store] directory = \"database\"";
                return Err(Problem::directory_in_file(message));
            }
            let _turn = keeper.turn.lock().await;
            let kept = api.store.documents().await?;
            let (shell, who) = (keeper.shell(), by.clone());
            // Beside the thread that everybody else's requests are answered on.
            let planned = tokio::task::spawn_blocking(move || {
                let edits = plan(&kept)?;
                let after = applied(&kept, &edits, &who);
                let config = check(&documents(&after), &shell);
                let config = config.map_err(|it| faults::problem(&it, &edits))?;
                Ok::<_, Problem>((edits, after, config))
            });
            let planned = planned.await.map_err(|_| Problem::internal("the check broke off"))?;
            let (edits, after, config) = planned?;
            if dry_run {
                return Ok(edited(&after, &edits));
            }
            let author = Author { by: &by, source: &source };
            let changed = api.store.change(&edits, author, api.now()).await;
            let changed = changed.map_err(|it| conflict(it, &edits))?;
            keeper.keep(with(after, &changed));
            let adopted = api.exchange.adopt(config).await;
            keeper.is_refused(adopted.clone().err());
            if let Err(error) = adopted {
                error!(error, "a directory is kept, and not in force");
                let message = format!("the change is kept, and not in force: {error}");
                return Err(Problem::unavailable(message));
            }
            Ok(changed)
        });
        task.await.map_err(|_| Problem::internal("the change broke off"))?
    }
}

/// Checks what would be.
pub(super) fn check(documents: &Documents, shell: &Shell) -> Result<Config, Fault> {
    let config = documents.check(shell)?;
    // The peer room has the last word on trunks and accounts.
    let peers = Peers::new(config.peers(), [0; 32], Instant::START);
    peers.map_err(|it| Fault { message: it.to_string(), ..Fault::default() })?;
    Ok(config)
}

/// The documents of the database; those of the file where there have never been any.
async fn taken(store: &dyn Store, shell: &Shell, now: Now) -> Result<Vec<Kept>, CannotBegin> {
    let kept = store.documents().await.map_err(CannotBegin::Store)?;
    let before = store.setting(TAKEN).await.map_err(CannotBegin::Store)?;
    if before.is_some() || !kept.is_empty() {
        return Ok(kept);
    }
    let documents = shell.documents().map_err(CannotBegin::File)?;
    let create = |it: Document| Edit {
        kind: it.kind.name().to_owned(),
        name: it.name,
        expected: Expected::Absent,
        body: Some(Value::Object(it.body)),
    };
    // A file that is wrong is not taken.
    documents.check(shell).map_err(CannotBegin::Document)?;
    let edits: Vec<_> = documents.0.into_iter().map(create).collect();
    let kept =
        store.change(&edits, OURSELVES.into(), now.wall).await.map_err(CannotBegin::Store)?;
    store.settle_setting(TAKEN, "yes").await.map_err(CannotBegin::Store)?;
    Ok(kept)
}

/// The documents of the file, as if they were kept.
pub(super) fn of_file(shell: &Shell) -> Result<Vec<Kept>, CannotBegin> {
    let documents = shell.documents().map_err(CannotBegin::File)?;
    let kept = |it: Document| Kept {
        kind: it.kind.name().to_owned(),
        name: it.name,
        revision: 0,
        body: Value::Object(it.body),
        changed_at: crate::clock::Wall::default(),
        changed_by: String::new(),
    };
    Ok(documents.0.into_iter().map(kept).collect())
}

/// What is kept, as documents. What another version has kept is left out.
pub fn documents(kept: &[Kept]) -> Documents {
    let read = |it: &Kept| match (Kind::named(&it.kind), &it.body) {
        (Some(kind), Value::Object(body)) => {
            Some(Document { kind, name: it.name.clone(), body: body.clone() })
        }
        _ => {
            warn!(kind = it.kind, name = it.name, "a document is of no kind that is known");
            None
        }
    };
    Documents(kept.iter().filter_map(read).collect())
}

/// What would be kept after these edits, in the order in which the store would have it.
fn applied(kept: &[Kept], edits: &[Edit], by: &str) -> Vec<Kept> {
    let edit_of: BTreeMap<_, _> = edits.iter().map(|it| ((&*it.kind, &*it.name), it)).collect();
    let mut after = Vec::with_capacity(kept.len() + edits.len());
    let mut there = BTreeSet::new();
    for it in kept {
        there.insert((&*it.kind, &*it.name));
        match edit_of.get(&(&*it.kind, &*it.name)) {
            None => after.push(it.clone()),
            Some(Edit { body: Some(body), .. }) => {
                after.push(Kept { body: body.clone(), changed_by: by.to_owned(), ..it.clone() });
            }
            Some(_) => (),
        }
    }
    for it in edits.iter().filter(|it| !there.contains(&(&*it.kind, &*it.name))) {
        let Some(body) = it.body.clone() else { continue };
        after.push(Kept {
            kind: it.kind.clone(),
            name: it.name.clone(),
            revision: 0,
            body,
            changed_at: crate::clock::Wall::default(),
            changed_by: by.to_owned(),
        });
    }
    after
}

/// The documents that the edits are about.
fn edited(after: &[Kept], edits: &[Edit]) -> Vec<Kept> {
    let about: BTreeSet<_> = edits.iter().map(|it| (&*it.kind, &*it.name)).collect();
    after.iter().filter(|it| about.contains(&(&*it.kind, &*it.name))).cloned().collect()
}

/// The same with what the store gave to those that changed: revisions, times.
fn with(mut after: Vec<Kept>, changed: &[Kept]) -> Vec<Kept> {
    let changed: BTreeMap<_, _> = changed.iter().map(|it| ((&*it.kind, &*it.name), it)).collect();
    for it in &mut after {
        if let Some(new) = changed.get(&(&*it.kind, &*it.name)) {
            *it = (*new).clone();
        }
    }
    after
}

/// Somebody was faster, although we are the only one who changes: another edge, or a tool.
fn conflict(error: StoreError, edits: &[Edit]) -> Problem {
    match error {
        StoreError::Conflict { kind, name, now } => {
            let edit = edits.iter().find(|it| it.kind == kind && it.name == name);
            faults::conflict(&kind, &name, now.as_deref(), edit.and_then(|it| it.body.as_ref()))
        }
        other => other.into(),
    }
}
