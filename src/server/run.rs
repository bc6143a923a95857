//! Turns the loop: what came in goes into the switch, what comes out goes on its way.

mod house;
mod reload;
mod stopping;
mod turns;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{broadcast, mpsc, watch};
use tracing::{error, info, warn};

use self::house::Kept;
use self::reload::Reload;
use self::turns::Turns;
use super::capture::Capture;
use super::clock::Clock;
use super::error::Error;
use super::names::{look_up, names};
use super::office::{self, Office};
use super::streams::{self, Streams};
use super::voice::{Addresses, RETRY, Voice};
use super::{setup, voice};
use crate::api::{Ask, News, Status};
use crate::audio::{ClipId, StreamId};
use crate::config::Config;
use crate::config::documents::Shell;
use crate::media::{Order, Report};
use crate::model::record::Cause;
use crate::net::{Found, Net, Received, Resolver};
use crate::store::{Entry, Journal, Registrations, TapeReport, Tapes, repair_recordings};
use crate::stream::Told;
use crate::switch::{Out, Switch};
use crate::telemetry;

/// How long the first RTP ports may take before calls are taken in spite of it.
const FIRST_PORTS: Duration = Duration::from_secs(2);
/// What the switch may be told at once before it looks at the network again.
const REPORTS_AT_ONCE: usize = 1024;

/// Addresses and clips on their way to the loop; who brings more of them waits. (How many names are
/// asked for at once, the switch limits.)
const ANSWERS: usize = 1024;
const CLIPS: usize = 16;

/// A name that was asked for.
type Resolved = (u64, Found);

/// Everything that runs.
pub(super) struct Server<'a> {
    pub(super) config: Config,
    file: Option<&'a Path>,
    pub(super) data: &'a Path,
    pub(super) clock: Clock,
    net: Net,
    pub(super) switch: Switch,
    voice: Voice,
    streams: Streams,
    journal: Journal,
    /// The thread that writes recordings.
    tapes: JoinHandle<()>,
    capture: Capture,
    registrations: Registrations,
    kept: Kept,
    status: Status,
    resolver: Resolver,
    resolved: mpsc::Sender<Resolved>,
    pub(super) clips: mpsc::Sender<(ClipId, Arc<[i16]>)>,
    reload: Reload,
    office: Option<Office>,
    news: broadcast::Sender<News>,
    running: watch::Sender<Arc<Config>>,
    pub(super) out: Vec<Out>,
}

/// What the loop listens to besides the network.
struct Ears {
    reports: mpsc::Receiver<Report>,
    streams: mpsc::Receiver<(StreamId, Told)>,
    resolved: mpsc::Receiver<Resolved>,
    clips: mpsc::Receiver<(ClipId, Arc<[i16]>)>,
    asks: mpsc::Receiver<Ask>,
    configs: mpsc::Receiver<reload::Read>,
    /// Whoever started the edge inside of this process wants it to stop.
    stop: mpsc::Receiver<()>,
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

/// Runs the edge until it is told to stop and its calls have ended.
pub fn run(file: Option<&Path>, data: &Path) -> Result<(), Error> {
    let (_running, stop) = mpsc::channel(1);
    serve(file, data, "info", || (), stop)
}

/// The same, until `stop` says so as well; calls `started` once it listens.
pub(super) fn serve(
    file: Option<&Path>,
    data: &Path,
    log_level: &str,
    started: impl FnOnce(),
    stop: mpsc::Receiver<()>,
) -> Result<(), Error> {
    let shell = super::read_shell(file)?;
    let config = shell.config().map_err(|error| Error::Config(error.to_string()))?;
    telemetry::logs(log_level);
    // The disk says better what is wrong than a database on it.
    writable(data).map_err(Error::doing(format!("writing to {}", data.display())))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::doing("starting the runtime"))?;
    runtime.block_on(async {
        let (mut server, mut ears) = Server::start(shell, config, file, data, stop)?;
        // Who calls meanwhile waits in the socket's buffer.
        if tokio::time::timeout(FIRST_PORTS, server.ports(&mut ears)).await.is_err() {
            warn!("there are no RTP ports yet; calls are refused until there are");
        }
        started();
        server.turn(&mut ears).await;
        server.say_last().await;
        // Nobody may wait to be heard any more.
        drop(ears);
        server.stop();
        Ok(())
    })
}

/// Whether something can be kept in this folder.
fn writable(folder: &Path) -> std::io::Result<()> {
    setup::data_folder(folder)?;
    let probe = folder.join(".writable");
    std::fs::write(&probe, b"")?;
    std::fs::remove_file(probe)
}

impl<'a> Server<'a> {
    fn start(
        shell: Shell,
        config: Config,
        file: Option<&'a Path>,
        data: &'a Path,
        stop: mpsc::Receiver<()>,
    ) -> Result<(Self, Ears), Error> {
        let clock = Clock::start();
        let opened = office::is_wanted(&config)
            .then(|| Office::open(shell, &config, data, clock))
            .transpose()?;
        let config = opened.as_ref().map_or(config, |it| it.config.clone());
        let at = |what: &str| format!("{}: {what}", data.display());
        let recordings = setup::inside(data, &config.recordings.folder);
        repair_recordings(&recordings).map_err(Error::doing(at("mending recordings")))?;
        let records = setup::inside(data, &config.records.folder);
        let journal = Journal::open(&records, config.records.sync.0)
            .map_err(Error::doing(at("opening the records")))?;
        let net = Net::bind(&setup::listeners(&config), setup::net(&config))
            .map_err(Error::doing("listening for SIP"))?;
        let metrics = telemetry::metrics();
        let status = Status::new(metrics, journal.behind());
        let (told, reports) = mpsc::channel(voice::RING);
        let failed = told.clone();
        let (tapes, taping) = Tapes::start(recordings, move |report| {
            let TapeReport::Failed(tape) = report;
            // This thread may wait: what it records for is never waited for.
            let _ = failed.blocking_send(Report::TapeFailed { tape });
        })
        .map_err(Error::doing(at("opening the recordings")))?;
        let addresses = Addresses {
            v4: config.media.address,
            v6: config.media.address6,
            ports: config.media.ports,
        };
        let voice = Voice::start(setup::media(&config), addresses, seed()?, clock, tapes, told)
            .map_err(Error::doing("starting the media thread"))?;
        let (told, streams_ear) = mpsc::channel(streams::RING);
        let streams = Streams::start(setup::streams(&config), voice.hand(), clock, told)
            .map_err(Error::doing("starting the thread of the virtual agents"))?;
        let seeds = [seed()?, seed()?];
        let now = clock.now();
        let switch = Switch::new(
            setup::switch(&config, net.listeners()),
            config.directory.clone(),
            config.peers(),
            seeds,
            now,
        )
        .map_err(|error| Error::Config(format!("{error}")))?;
        let capture = Capture::start(&config, data, setup::seen(&config, net.listeners()), clock)
            .map_err(Error::doing(at("opening the captures")))?;
        let (resolved, resolved_ear) = mpsc::channel(ANSWERS);
        let (clips, clips_ear) = mpsc::channel(CLIPS);
        let (reload, configs) = Reload::new();
        let look = capture.looker().into_look();
        let (office, line) = office::begin(opened, &config, &status, data, clock, look)?;
        let on = |kind| signal(kind).map_err(Error::doing("listening for signals"));
        let ears = Ears {
            reports,
            streams: streams_ear,
            resolved: resolved_ear,
            clips: clips_ear,
            asks: line.asks,
            configs,
            stop,
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
            hang_up: on(SignalKind::hangup())?,
        };
        let mut server = Self {
            registrations: Registrations::start(data)
                .map_err(Error::doing("starting the thread that keeps registrations"))?,
            kept: Kept::default(),
            tapes: taping,
            resolver: names(&config)?,
            out: Vec::new(),
            config,
            file,
            data,
            clock,
            net,
            switch,
            voice,
            streams,
            journal,
            capture,
            status,
            resolved,
            clips,
            reload,
            office,
            news: line.news,
            running: line.running,
        };
        server.restore();
        server.remember(&records);
        server.who_is_away();
        server.load_prompts(|_| true);
        server.switch.start(&mut server.out);
        server.deliver();
        for it in server.net.listeners() {
            info!(address = %it.address, transport = it.transport.as_str(), "listening");
        }
        Ok((server, ears))
    }

    /// Until the media thread has bound as many ports as are to be had ready, or cannot: the first
    /// call may ring many.
    async fn ports(&mut self, ears: &mut Ears) {
        let ready = setup::ports_ready(&self.config);
        while self.switch.free_ports() < ready {
            let Some(report) = ears.reports.recv().await else { return };
            let none = matches!(report, Report::Exhausted { .. });
            self.on_reports(report, ears);
            self.deliver();
            if none {
                return;
            }
        }
    }

    /// The loop: until the last call has ended after a signal to stop.
    async fn turn(&mut self, ears: &mut Ears) {
        let mut batch = Vec::new();
        let mut housekeeping = tokio::time::interval(house::EVERY);
        let mut give_up: Option<std::time::Instant> = None;
        let mut turns = Turns::default();
        loop {
            let deadline = self.switch.deadline().map(|it| self.clock.shell(it));
            let behind = (self.voice.is_behind() || self.streams.is_behind())
                .then(|| self.clock.shell(self.clock.now().at) + RETRY);
            let sleep = [deadline, give_up, behind].into_iter().flatten().min();
            tokio::select! {
                biased;
                () = self.net.receive(&mut batch), if !turns.are_others() => (),
                Some(report) = ears.reports.recv() => self.on_reports(report, ears),
                () = until(sleep) => (),
                Some((stream, told)) = ears.streams.recv() => {
                    let now = self.clock.now();
                    self.switch.on_stream(stream, told, now, &mut self.out);
                }
                Some((ticket, found)) = ears.resolved.recv() => {
                    let now = self.clock.now();
                    self.switch.on_resolved(ticket, &found, now, &mut self.out);
                }
                Some((id, samples)) = ears.clips.recv() => {
                    self.voice.order(Order::Clip { id, samples });
                }
                Some(ask) = ears.asks.recv() => self.on_ask(ask),
                _ = housekeeping.tick() => self.keep_house(),
                _ = ears.hang_up.recv() => self.reload(),
                Some(read) = ears.configs.recv() => self.on_read(read),
                Some(()) = ears.stop.recv() => give_up = Some(self.drain(give_up)),
                _ = ears.terminate.recv() => give_up = Some(self.drain(give_up)),
                _ = ears.interrupt.recv() => give_up = Some(self.drain(give_up)),
                () = tokio::task::yield_now(), if turns.are_others() => turns.end(),
            }
            turns.took(!batch.is_empty());
            let now = self.clock.now();
            for received in batch.drain(..) {
                match received {
                    Received::Message { bytes, hop } => {
                        self.capture.heard(&bytes, hop, now.wall, self.out.len());
                        self.switch.on_datagram(bytes, hop, now, &mut self.out);
                    }
                    Received::Lost { hop } => {
                        self.switch.on_connection_closed(hop, now, &mut self.out);
                    }
                    Received::Unframed { status, head, hop } => {
                        self.switch.on_unframed(status, head, hop, now, &mut self.out);
                    }
                    Received::Unsent { bytes, hop } => {
                        self.switch.on_unsent(bytes, hop, &mut self.out);
                    }
                }
            }
            self.switch.on_time(now, &mut self.out);
            if give_up.is_some_and(|at| at <= self.clock.shell(now.at)) {
                let cause = Cause { sip: 503, reason: "shutdown".into(), local: true, q850: None };
                self.switch.stop_all(&cause, now, &mut self.out);
                give_up = Some(self.clock.shell(now.at) + LAST_WORDS);
            }
            self.deliver();
            if give_up.is_some() && self.switch.calls() == 0 {
                return;
            }
        }
    }

    fn on_reports(&mut self, first: Report, ears: &mut Ears) {
        let now = self.clock.now();
        self.switch.on_report(first, now, &mut self.out);
        for _ in 0..REPORTS_AT_ONCE {
            match ears.reports.try_recv() {
                Ok(report) => self.switch.on_report(report, now, &mut self.out),
                Err(_) => break,
            }
        }
    }

    /// Sends everything that the switch wants done on its way.
    fn deliver(&mut self) {
        let wall = self.clock.now().wall;
        for (n, out) in self.out.drain(..).enumerate() {
            match out {
                Out::Send { bytes, hop } => {
                    self.capture.reach(n);
                    self.capture.said(&bytes, hop, wall);
                    self.net.send(bytes, hop);
                }
                Out::Dialog { call, call_id } => self.capture.dialog(call, call_id),
                Out::Known { connection } => self.net.is_known(connection),
                Out::Media(order) => self.voice.order(order),
                Out::Stream { stream, order } => self.streams.order(stream, order),
                Out::Journal(record) => {
                    if 0 < self.news.receiver_count() {
                        drop(self.news.send(News::Record(Arc::from(record.clone()))));
                    }
                    self.capture.record(&record);
                    self.journal.keep(Entry::Record(record));
                }
                Out::Note(fact) => {
                    if 0 < self.news.receiver_count() {
                        drop(self.news.send(News::Fact(Arc::new(fact.clone()))));
                    }
                    // Webhooks are told from the journal, whoever else reads it.
                    if self.config.records.events || !self.config.directory.webhooks().is_empty() {
                        self.journal.keep(Entry::Fact(fact));
                    }
                }
                Out::Resolve { ticket, resolve } => {
                    let (resolver, told) = (self.resolver.clone(), self.resolved.clone());
                    tokio::spawn(async move {
                        let found = look_up(&resolver, &resolve).await;
                        let _ = told.send((ticket, found)).await;
                    });
                }
            }
        }
        self.capture.flush();
        self.voice.flush();
        self.streams.flush();
    }

    /// New calls are refused from now on; the moment at which running ones are ended. To be told
    /// twice is to be told to end them now.
    fn drain(&mut self, before: Option<std::time::Instant>) -> std::time::Instant {
        let calls = self.switch.calls();
        if before.is_some() {
            info!(calls, "told to stop once more: running calls are ended");
            return self.clock.shell(self.clock.now().at);
        }
        info!(calls, "stopping: new calls are refused, running ones may end");
        self.switch.drain();
        self.status.drain();
        self.clock.shell(self.clock.now().at) + setup::drain(&self.config)
    }

    /// Takes a configuration; running calls keep the directory that they began with.
    pub(super) fn adopt(&mut self, config: Config) -> Result<(), String> {
        let now = self.clock.now();
        let told = self.switch.adopt(config.directory.clone(), config.peers(), now);
        told.map_err(|error| error.to_string())?;
        if self.config.dns.servers != config.dns.servers {
            match names(&config) {
                Ok(resolver) => self.resolver = resolver,
                Err(error) => error!(%error, "the old name servers stay"),
            }
        }
        self.config = config;
        self.running.send_replace(Arc::new(self.config.clone()));
        self.load_prompts(|_| true);
        Ok(())
    }
}

/// How long ended calls have for their good-byes.
const LAST_WORDS: Duration = Duration::from_secs(2);

#[allow(clippy::disallowed_methods, reason = "this is the shell's loop")]
async fn until(at: Option<std::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// What came of reading the configuration anew.
pub(super) fn say_reloaded(taken: &Result<(), String>) {
    let outcome = match taken {
        Ok(()) => {
            info!("the configuration was read anew");
            "taken"
        }
        Err(error) => {
            error!(%error, "the configuration is wrong; the old one stays in force");
            "refused"
        }
    };
    metrics::counter!("crosspoint_reloads_total", "outcome" => outcome).increment(1);
}

fn seed() -> Result<[u8; 32], Error> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|it| Error::doing("asking for random numbers")(std::io::Error::other(it)))?;
    Ok(seed)
}
