//! Recordings after their calls: what [`crate::archive`] wants, done.
//!
//! ```text
//!   store --rows that are due--> a few at a time --> look at the folder --> next step --> row
//! ```
//! One task, on the runtime that the store's connections belong to, and one more for each recording
//! that is worked on; files are read and written by threads that may wait. No call waits for any of
//! it. The rows are the queue: what is not done when the program ends is due when it starts. A store
//! that is away is asked again; an object storage that is away, or a disk that is full, holds up
//! what needs it, and is told on the status page.

mod elsewhere;
mod folder;
mod scan;
mod tend;
mod vault;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

pub use self::elsewhere::Elsewhere;
use self::folder::Folder;
pub use self::tend::Clock;
use self::tend::Tending;
pub use self::vault::Vault;
use crate::api::recordings::{Keeping, Scan, Told, Trouble};
use crate::archive::{self, Calendar, Gate, Gates, Plan};
use crate::config::Config;
use crate::store::database::{Page, Search, Store, StoreError};

/// Recordings that are worked on at once.
const LANES: usize = 4;
/// Rows that are read together.
const PAGE: u32 = 200;
/// How often is looked for what is due, while nobody says that something is.
const LOOK: Duration = Duration::from_secs(5);
/// How long a store that failed is left alone, at first and at last.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(15);
/// How often what waits is counted, and the folder compared with the rows.
const COUNT: Duration = Duration::from_secs(10);
const SCAN: Duration = Duration::from_secs(86_400);
/// On stopping, how long what is under way may take; the rest is done after the next start.
const LAST: Duration = Duration::from_secs(2);

/// Who does it, by a configuration.
pub type Hire = Arc<dyn Fn(&Config) -> Arc<dyn Vault> + Send + Sync>;

/// What the task stands on.
pub struct World {
    pub store: Arc<dyn Store>,
    pub clock: Clock,
    pub node: String,
    pub folder: PathBuf,
    pub hire: Hire,
    pub config: watch::Receiver<Arc<Config>>,
    /// Hears who pokes, and tells how it goes.
    pub keeping: Keeping,
    pub stop: watch::Receiver<bool>,
}

/// Tends recordings until it is told to stop.
pub async fn run(world: World) {
    let World { store, clock, node, folder, hire, mut config, keeping, mut stop } = world;
    let vault = hire(&config.borrow_and_update());
    let gates = Arc::new(Mutex::new(Gates::default()));
    let folder = Folder::new(folder);
    let mut task = Task {
        tending: Tending { store, vault, folder, gates, clock },
        node,
        keeping: keeping.clone(),
        calendar: None,
        woken: None,
        flying: JoinSet::new(),
        files: BTreeSet::new(),
        scanning: JoinSet::new(),
        last_scan: None,
        wait: FIRST_WAIT,
        failing: false,
        paused: None,
    };
    let mut count = tokio::time::interval(COUNT);
    let mut scan = tokio::time::interval(SCAN);
    loop {
        let wait = task.begin().await;
        tokio::select! {
            () = async { drop(stop.wait_for(|it| *it).await) } => break,
            Ok(()) = config.changed() => task.tending.vault = hire(&config.borrow_and_update()),
            () = keeping.poked() => (),
            Some(landed) = task.flying.join_next() => task.on_landed(landed),
            Some(scanned) = task.scanning.join_next() => task.on_scanned(scanned),
            _ = count.tick() => task.count().await,
            _ = scan.tick() => task.scan(),
            () = sleep(wait) => (),
        }
    }
    let last = async { while task.flying.join_next().await.is_some() {} };
    drop(tokio::time::timeout(LAST, last).await);
}

type Landed = (Arc<str>, Result<(), StoreError>);

struct Task {
    tending: Tending,
    node: String,
    keeping: Keeping,
    /// Whether the clock can be believed; not known before the store was asked.
    calendar: Option<Calendar>,
    /// The plan by which rows were woken that had nothing to do by an earlier one.
    woken: Option<Plan>,
    flying: JoinSet<Landed>,
    /// Whose they are.
    files: BTreeSet<Arc<str>>,
    scanning: JoinSet<Result<Scan, String>>,
    last_scan: Option<Scan>,
    /// How long a store that fails is left alone.
    wait: Duration,
    failing: bool,
    /// It failed just now.
    paused: Option<Duration>,
}

impl Task {
    /// Begins with what is due; when to look again if nothing happens before.
    async fn begin(&mut self) -> Duration {
        if let Some(wait) = self.paused.take() {
            return wait;
        }
        match self.fill().await {
            Ok(()) => {
                if std::mem::take(&mut self.failing) {
                    info!("recordings are kept as they should again");
                }
                self.wait = FIRST_WAIT;
                LOOK
            }
            Err(error) => self.store_failed(&error),
        }
    }

    fn store_failed(&mut self, error: &StoreError) -> Duration {
        if !std::mem::replace(&mut self.failing, true) {
            error!(%error, "recordings wait: the database does not know what becomes of them");
        }
        let wait = self.wait;
        self.wait = (2 * wait).min(LONGEST_WAIT);
        wait
    }

    async fn fill(&mut self) -> Result<(), StoreError> {
        let (store, plan) = (self.tending.store.clone(), self.tending.vault.plan());
        self.look_at_clock().await?;
        let now = (self.tending.clock)().wall;
        if self.woken != Some(plan) {
            let woken = store.wake_recordings(&self.node, plan, now).await?;
            if 0 < woken {
                info!(woken, "recordings are looked at anew: more is to be done with them");
            }
            self.woken = Some(plan);
        }
        while self.files.len() < LANES {
            let rows = store.due_recordings(&self.node, now, PAGE).await?;
            let gates = self.tending.gates().clone();
            let (mut off, mut begun) = (Vec::new(), false);
            for row in &rows {
                if self.files.contains(&row.file) {
                    continue;
                }
                match archive::idle(row, plan, &gates, now) {
                    Some(due) => off.push((row.clone(), due)),
                    None if self.files.len() < LANES => {
                        begun = true;
                        self.tend(row.file.clone());
                    }
                    None => (),
                }
            }
            if !off.is_empty() {
                store.put_off_recordings(&off).await?;
            }
            if rows.len() < PAGE as usize || (off.is_empty() && !begun) {
                break;
            }
        }
        Ok(())
    }

    /// After a leap nothing is deleted for a while, and what was put off by the clock as it was is
    /// looked at anew.
    async fn look_at_clock(&mut self) -> Result<(), StoreError> {
        let calendar = match &mut self.calendar {
            Some(it) => it,
            None => {
                let last = Page { after: None, limit: 1 };
                let newest = self.tending.store.records(&Search::default(), &last).await?;
                let newest = newest.records.first().map(|it| it.received_at);
                self.calendar.insert(Calendar::new(newest))
            }
        };
        let now = (self.tending.clock)();
        if calendar.on(now) {
            self.woken = None;
            warn!("the clock leapt: for a day no recording is deleted because its time is up");
        }
        self.tending.gates().doubt = calendar.doubt(now);
        Ok(())
    }

    fn tend(&mut self, file: Arc<str>) {
        self.files.insert(file.clone());
        let tending = self.tending.clone();
        self.flying.spawn(async move {
            let tended = match AssertUnwindSafe(tending.tend(&file)).catch_unwind().await {
                Ok(tended) => tended,
                Err(_) => tending.broke(&file).await,
            };
            (file, tended)
        });
    }

    fn on_landed(&mut self, landed: Result<Landed, tokio::task::JoinError>) {
        let Ok((file, tended)) = landed else { return };
        self.files.remove(&file);
        if let Err(error) = tended {
            // It is due still: at once it would go in a circle.
            self.paused = Some(self.store_failed(&error));
        }
        self.tell(None);
    }

    fn scan(&mut self) {
        if self.scanning.is_empty() {
            let (tending, node) = (self.tending.clone(), self.node.clone());
            self.scanning.spawn(async move { scan::scan(&tending, &node).await });
        }
    }

    fn on_scanned(&mut self, scanned: Result<Result<Scan, String>, tokio::task::JoinError>) {
        let scan = match scanned {
            Ok(Ok(scan)) => scan,
            Ok(Err(error)) => return warn!(error, "recordings cannot be compared with their rows"),
            Err(_) => return,
        };
        metrics::gauge!("crosspoint_recordings_unknown_files").set(scan.unknown_files as f64);
        metrics::gauge!("crosspoint_recordings_missing_files").set(scan.missing_files as f64);
        if 0 < scan.unknown_files {
            let (files, first) = (scan.unknown_files, scan.unknown.first());
            warn!(files, first, "files are among the recordings that no call knows");
        }
        if 0 < scan.missing_files {
            let (files, first) = (scan.missing_files, scan.missing.first());
            warn!(files, first, "recordings are not in their folder any more");
        }
        for (node, recordings) in &scan.untended {
            warn!(node, recordings, "recordings wait for an edge of this name: nobody tends them");
        }
        let untended: u64 = scan.untended.values().sum();
        metrics::gauge!("crosspoint_recordings_untended").set(untended as f64);
        self.last_scan = Some(scan);
        self.tell(None);
    }

    /// For the metrics and the status page.
    async fn count(&mut self) {
        let now = (self.tending.clock)().wall;
        let Ok(counts) = self.tending.store.recording_counts(&self.node, now).await else { return };
        let of = |what, count: u64| {
            metrics::gauge!("crosspoint_recordings", "what" => what).set(count as f64);
        };
        of("waiting", counts.waiting);
        of("failing", counts.failing);
        of("leaving", counts.leaving);
        of("held", counts.held);
        self.tell(Some(counts));
    }

    fn tell(&self, counts: Option<crate::store::database::RecordingCounts>) {
        let gates = self.tending.gates().clone();
        let trouble =
            |gate: &Gate| gate.trouble().map(|(since, why)| Trouble { since, why: why.to_owned() });
        let before = self.keeping.told();
        self.keeping.tell(Told {
            counts: counts.unwrap_or(before.counts),
            sealing: trouble(&gates.sealing),
            objects: trouble(&gates.objects),
            doubt: gates.doubt,
            scan: self.last_scan.clone(),
        });
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the shell's loop")]
async fn sleep(time: Duration) {
    tokio::time::sleep(time).await;
}

#[cfg(test)]
mod tests;
