//! Where everything happens that no call waits for: a thread of its own with the store, HTTP, and
//! whoever else asks the store.
//!
//! The loop is asked by [`Ask`] and answers when it has a moment; what happens in it is told by
//! [`News`]. There is no office if there is nothing for it to do: no API, the directory in the file,
//! nobody to tell of events.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{Notify, broadcast, mpsc, watch};
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use super::clock::Clock;
use super::error::Error;
use super::{archive, setup, webhooks};
use crate::api::access::Access;
use crate::api::ask::NEWS;
use crate::api::capture::{Captures, Look};
use crate::api::certificate::{self, Certificate, Files};
use crate::api::directory::{CannotBegin, Home, Keeper};
use crate::api::live::Live;
use crate::api::recordings::Shelves;
use crate::api::{self, Api, Ask, Exchange, News, Parts, Status};
use crate::config::Config;
use crate::config::documents::Shell;
use crate::config::shell::DirectoryIn;
use crate::model::event::Fact;
use crate::outbox;
use crate::store::Away;
use crate::store::database::{self, Follower, Store};

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Deliveries that are to be tried again and wait for it to be heard.
const REVIVED: usize = 1024;
/// What it may be given to do at once: a few things at the start, then a reload now and then.
const JOBS: usize = 64;
/// How far the office stands behind calls where there are too few processors (`nice`).
const PATIENCE: i32 = 10;
/// How often a database is asked that is not there.
const ASK_AGAIN: Duration = Duration::from_secs(2);
/// How long the office may take to close.
const CLOSING: Duration = Duration::from_secs(3);

/// The thread, and what it works for.
pub(super) struct Office {
    jobs: Option<mpsc::Sender<Job>>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
    api: Option<Api>,
    /// What calls that go on say in SIP.
    look: Option<Look>,
    /// The certificate is to be read anew.
    renewed: Arc<Notify>,
}

/// What it begins with.
pub(super) struct Opened {
    pub office: Office,
    pub store: Arc<dyn Store>,
    pub keeper: Keeper,
    /// With the directory from where it is at home.
    pub config: Config,
}

/// The loop's end of what goes to and fro.
pub(super) struct Line {
    pub asks: mpsc::Receiver<Ask>,
    pub news: broadcast::Sender<News>,
    pub running: watch::Sender<Arc<Config>>,
}

/// Whether this configuration has something for it to do.
pub(super) fn is_wanted(config: &Config) -> bool {
    setup::http(config).is_some()
        || config.store.directory == DirectoryIn::Database
        || !config.directory.webhooks().is_empty()
        || config.directory.deletes_recordings()
        || !config.recordings.recipients.is_empty()
        || config.recordings.storage.is_some()
}

impl Office {
    /// Opens the store, and reads the directory.
    pub fn open(shell: Shell, config: &Config, data: &Path, clock: Clock) -> Result<Opened, Error> {
        let office = Self::start().map_err(Error::doing("starting the thread of the office"))?;
        setup::data_folder(data).map_err(Error::doing(data.display().to_string()))?;
        let settings = database::Settings {
            url: config.store.server().map(str::to_owned),
            file: setup::inside(data, &config.store.database.0),
        };
        let home = match config.store.directory {
            DirectoryIn::File => Home::File,
            DirectoryIn::Database => Home::Database,
        };
        let now = clock.now();
        let store = database::open(&settings).map_err(|it| Error::Config(it.to_string()))?;
        let asked = store.clone();
        let opened = office.ask(async move { Keeper::open(&*asked, shell, home, now).await })?;
        let (keeper, config) = opened.map_err(|it| match it {
            // Not the operator's writing: the database is not there, or broken.
            CannotBegin::Store(why) => {
                Error::doing("reading the directory")(std::io::Error::other(why))
            }
            other => Error::Config(other.to_string()),
        })?;
        Ok(Opened { office, store, keeper, config })
    }

    fn start() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (jobs, mut heard) = mpsc::channel::<Job>(JOBS);
        let work = move || {
            // Calls go first. Who is started from here, as SQLite's threads are, is as patient.
            if let Err(error) = rustix::process::nice(PATIENCE) {
                warn!(%error, "the office works as eagerly as calls do");
            }
            runtime.block_on(async {
                let mut running = JoinSet::new();
                loop {
                    tokio::select! {
                        job = heard.recv() => match job {
                            Some(job) => drop(running.spawn(job)),
                            None => break,
                        },
                        Some(ended) = running.join_next(), if !running.is_empty() => {
                            if let Err(error) = ended {
                                error!(%error, "something in the office broke");
                            }
                        }
                    }
                }
                // What is kept is kept; who reads on for ever is not waited for.
                let closed = async { while running.join_next().await.is_some() {} };
                drop(tokio::time::timeout(CLOSING, closed).await);
            });
            runtime.shutdown_background();
        };
        let thread = std::thread::Builder::new().name("office".into()).spawn(work)?;
        let stop = watch::Sender::new(false);
        Ok(Self {
            jobs: Some(jobs),
            stop,
            thread: Some(thread),
            api: None,
            look: None,
            renewed: Arc::default(),
        })
    }

    /// Has something done there.
    pub fn run(&self, job: impl Future<Output = ()> + Send + 'static) {
        if let Some(jobs) = &self.jobs
            && jobs.try_send(Box::pin(job)).is_err()
        {
            error!("the office has more to do than it can hear of");
        }
    }

    /// Has something done for as long as the office is open.
    fn run_until_closed(&self, job: impl Future<Output = ()> + Send + 'static) {
        let mut stop = self.stop.subscribe();
        self.run(async move {
            tokio::select! {
                () = job => (),
                _ = stop.wait_for(|it| *it) => (),
            }
        });
    }

    /// Has something done there and waits for it: only before the loop turns.
    fn ask<T: Send + 'static>(
        &self,
        job: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, Error> {
        let (told, heard) = std::sync::mpsc::sync_channel(1);
        self.run(async move { drop(told.send(job.await)) });
        let gone = |_| std::io::Error::other("the office has closed");
        heard.recv().map_err(gone).map_err(Error::doing("opening the office"))
    }

    /// Begins to work for the loop: HTTP, and records into the store.
    pub fn serve(
        &mut self,
        store: Arc<dyn Store>,
        keeper: Keeper,
        config: &Config,
        status: Status,
        data: &Path,
        clock: Clock,
    ) -> Result<Line, Error> {
        let (exchange, asks) = Exchange::new();
        let news = broadcast::Sender::new(NEWS);
        let running = watch::Sender::new(Arc::new(config.clone()));
        let folder = keeper.shell().folder().to_owned();
        let none: Look = Arc::new(|_| Box::pin(std::future::ready(None)));
        let captures = Captures {
            folder: setup::inside(data, &config.capture.folder),
            look: self.look.take().unwrap_or(none),
        };
        let shelves = Shelves::open(data, &folder, config).map_err(Error::Config)?;
        let files = Files::of(config, &folder).filter(|_| setup::http(config).is_some());
        let certificate = files.map(Certificate::open).transpose();
        let certificate = certificate.map_err(|it| Error::Config(format!("[api]: {it}")))?;
        let (again, revived) = mpsc::channel(REVIVED);
        let follower = follower(store.clone(), &running.subscribe(), data, clock);
        let progress = follower.progress();
        let api = Api::new(Parts {
            store: store.clone(),
            access: Access::new(config.api.behind_proxy),
            directory: keeper,
            config: running.subscribe(),
            exchange,
            news: news.clone(),
            live: Live::new(Away::in_folder(data)),
            status,
            certificate: certificate.map(Arc::new),
            captures,
            shelves,
            progress: progress.clone(),
            revived: again,
            data: data.to_owned(),
            folder: folder.clone(),
            clock: Box::new(move || clock.now()),
        });
        self.api = Some(api.clone());
        self.run_until_closed(api::live::follow(api.clone()));
        self.run_until_closed(api::directory::follow(api.clone()));
        self.run_until_closed(follower.run());
        self.run_until_closed(api::access::keep_audit(api.clone()));
        let (config_now, stop) = (running.subscribe(), self.stop.subscribe());
        self.run(webhooks::run(webhooks::World {
            store,
            clock,
            config: config_now,
            progress,
            revived,
            stop,
        }));
        self.keep_recordings(&api, running.subscribe(), clock);
        if let Some(address) = setup::http(config) {
            let renewed = self.renewed.clone();
            self.run_until_closed(certificate::follow(api.clone(), folder, renewed));
            self.listen(api, config, address)?;
        }
        Ok(Line { asks, news, running })
    }

    /// Tends recordings after their calls.
    fn keep_recordings(&self, api: &Api, config: watch::Receiver<Arc<Config>>, clock: Clock) {
        let (now, at) = (config.borrow().clone(), api.clone());
        self.run(archive::run(archive::World {
            store: api.store.clone(),
            clock: Arc::new(move || clock.now()),
            node: now.store.node.clone(),
            folder: api.shelf().folder.clone(),
            hire: Arc::new(move |config| Arc::new(archive::Elsewhere(at.shelves.of(config)))),
            config,
            keeping: api.live.keeping.clone(),
            stop: self.stop.subscribe(),
        }));
    }

    fn listen(
        &self,
        api: Api,
        config: &Config,
        address: std::net::SocketAddr,
    ) -> Result<(), Error> {
        let listener = std::net::TcpListener::bind(address)
            .and_then(|it| it.set_nonblocking(true).map(|()| it))
            .map_err(Error::doing(format!("listening for HTTP on {address}")))?;
        let tls = api.certificate.clone();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let mut limits = api::serve::Limits::default();
        if config.api.behind_proxy {
            limits.each = None;
        }
        let (stop, mut closes) = (self.stop.subscribe(), self.stop.subscribe());
        let link = first_link(api.clone(), scheme, address);
        self.run(async move {
            tokio::select! {
                () = link => (),
                _ = closes.wait_for(|it| *it) => (),
            }
        });
        self.run(async move {
            match tokio::net::TcpListener::from_std(listener) {
                Ok(listener) => {
                    api::serve::serve(listener, tls, api::routes(api), limits, stop).await;
                }
                Err(error) => error!(%error, "there is no HTTP"),
            }
        });
        Ok(())
    }

    /// Reads the configuration anew; the loop is told of it, and what is wrong changes nothing.
    pub fn reload(&self, file: Option<&Path>) {
        let Some(api) = self.api.clone() else { return };
        self.renewed.notify_one();
        let file = file.map(PathBuf::from);
        self.run(async move {
            let read =
                tokio::task::spawn_blocking(move || super::read_shell(file.as_deref())).await;
            let shell = match read {
                Ok(read) => read.map_err(|it| it.to_string()),
                Err(error) => Err(error.to_string()),
            };
            let taken = match shell {
                Ok(shell) => api.directory.reload(&api, shell).await,
                Err(error) => Err(error),
            };
            if taken.is_ok()
                && let Err(error) = api.shelves.read_again(&api.running())
            {
                error!(error, "what opens sealed recordings stays as it was");
            }
            super::run::say_reloaded(&taken);
        });
    }

    /// Ends what goes on, and waits for it.
    pub fn close(mut self) {
        self.stop.send_replace(true);
        self.api = None;
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
        info!("the office is closed");
    }
}

/// Takes the journal into the store.
fn follower(
    store: Arc<dyn Store>,
    running: &watch::Receiver<Arc<Config>>,
    data: &Path,
    clock: Clock,
) -> Follower {
    let config = running.borrow().clone();
    let records = setup::inside(data, &config.records.folder);
    // As the webhooks are at that moment.
    let running = running.clone();
    let wanted = move |fact: &Fact| outbox::wanted(fact, running.borrow().directory.webhooks());
    let started = clock.now().wall;
    let follower = Follower::new(store, records, &config.store.node, started, Arc::new(wanted));
    follower.keep_events(config.store.keep_events.0.map(|it| it.0))
}

/// Has the office begin, if there is one.
pub(super) fn begin(
    opened: Option<Opened>,
    config: &Config,
    status: &Status,
    data: &Path,
    clock: Clock,
    look: Look,
) -> Result<(Option<Office>, Line), Error> {
    let Some(Opened { mut office, store, keeper, .. }) = opened else {
        let running = watch::Sender::new(Arc::new(config.clone()));
        let line = Line { asks: mpsc::channel(1).1, news: broadcast::Sender::new(1), running };
        return Ok((None, line));
    };
    office.look = Some(look);
    let line = office.serve(store, keeper, config, status.clone(), data, clock)?;
    Ok((Some(office), line))
}

/// Says how the first admin comes in, where there is none; once the database can be asked.
async fn first_link(api: Api, scheme: &str, mut address: std::net::SocketAddr) {
    let mut said = false;
    let users = loop {
        match api.store.users().await {
            Ok(users) => break users,
            Err(error) if !std::mem::replace(&mut said, true) => {
                warn!(%error, "nobody can say yet whether there is an admin");
            }
            Err(_) => (),
        }
        pause().await;
    };
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    if let Ok(Some(token)) = api.access.begin(&users) {
        // Not into the log, which others read: whoever started the edge sees it, if anybody.
        let link = format!(
            "Nobody can sign in yet. Set the admin's password (this link works once):\n  \
             {scheme}://{address}/console/#setup={token}\n"
        );
        drop(super::commands::say(link));
    }
}

#[allow(clippy::disallowed_methods, reason = "nobody waits for this")]
async fn pause() {
    tokio::time::sleep(ASK_AGAIN).await;
}
