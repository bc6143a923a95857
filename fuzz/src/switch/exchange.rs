//! The switch and the media plane as one, driven by hand: what goes in, what comes out, and time.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crosspoint::audio::StreamId;
use crosspoint::clock::{Instant, Now, Wall};
use crosspoint::config::{self, Config};
use crosspoint::media::{
    self, Channel, Order, Outlet, Plane, PortId, Reel, Report, Strand, TapeId,
};
use crosspoint::peer;
use crosspoint::sip::{Hop, Transport};
use crosspoint::stream;
use crosspoint::switch::{self, Listener, Out, Switch};
use crosspoint::transaction;

use super::watch::Watch;

/// 2026-03-02 15:00 UTC, a Monday.
const MONDAY: i64 = 1_772_463_600_000_000;
/// Wakes at one moment that are too many: somebody's deadline does not move.
const WAKES_MAX: u32 = 10_000;
/// Wakes in one story that are too many: it never comes to rest.
const ALL_WAKES_MAX: u32 = 2_000_000;

static TOWN: LazyLock<Config> = LazyLock::new(|| load(include_str!("town.toml")));
/// The same after the operator has changed his mind: the carrier is asked whether it is there, a
/// destination is gone, another trunk is shut out.
static CHANGED: LazyLock<Config> = LazyLock::new(|| {
    let text = include_str!("town.toml");
    let probed = "sources = [\"10.0.0.11\"]\naddresses = [\"10.0.0.11:5070\"]\nprobe = \"1s\"";
    let text = text.replacen("sources = [\"10.0.0.11\"]\nprobe = \"off\"", probed, 1);
    let text = text.replace("dial = [\"b\", \"c\", \"d\"]", "dial = [\"e\", \"agent\"]");
    load(&text.replace("10.0.0.13", "10.0.0.14"))
});
/// What every prompt sounds like.
static CLIP: LazyLock<Arc<[i16]>> =
    LazyLock::new(|| (0..4000).map(|n| if n / 8 % 2 == 0 { 4000 } else { -4000 }).collect());

fn load(text: &str) -> Config {
    config::load(text, "town.toml", Path::new("/")).unwrap_or_else(|it| panic!("{it}"))
}

fn peers(config: &Config) -> peer::Config {
    let mut peers = config.peers();
    // Small tables, for they are made anew for each story.
    peers.strangers.remembered = 64;
    peers.nonces.remembered = 64;
    peers.strangers.failures = 6;
    peers
}

/// The exchange, and what it asked the world for.
pub struct Exchange {
    pub switch: Switch,
    pub plane: Plane,
    pub now: Now,
    /// What was sent and nobody has looked at yet.
    pub sent: VecDeque<(Hop, bytes::Bytes)>,
    /// Names that are being asked for.
    pub asked: Vec<(u64, peer::Resolve)>,
    pub watch: Watch,
    outs: Vec<Out>,
    outlet: Shell,
    next_port: u16,
    bound: usize,
    changed: bool,
    wakes: u32,
    all_wakes: u32,
}

/// What the plane hands out.
#[derive(Default)]
struct Shell {
    reports: VecDeque<Report>,
    full: bool,
    tape: Option<TapeId>,
}

impl Outlet for Shell {
    fn send(&mut self, _: PortId, _: Channel, _: SocketAddr, packet: &[u8]) {
        assert!(!packet.is_empty(), "an empty packet");
    }

    fn report(&mut self, report: Report) {
        self.reports.push_back(report);
    }

    fn tape(&mut self, reel: Reel<'_>) -> bool {
        if let Reel::Open { tape, .. } = reel {
            self.tape = Some(tape);
        }
        !self.full
    }

    fn stream(&mut self, _: StreamId, _: Strand<'_>) {}
}

impl Exchange {
    pub fn new() -> Self {
        let config = &*TOWN;
        let now = Now { at: Instant::START, wall: Wall::from_unix_micros(MONDAY) };
        let listener =
            |it: config::Socket| Listener { transport: it.transport, address: it.address };
        let most = config.media.ports.pairs();
        let mine = switch::Config {
            software: None,
            tells_dialogs: true,
            listeners: config.sockets().into_iter().map(listener).collect(),
            ports: media::Limits { low: 4, batch: 8, most },
            v4: true,
            v6: false,
            told_v4: None,
            told_v6: None,
            max_calls: *config.limits.max_calls as usize,
            max_calls_per_second: None,
            transactions: transaction::Limits::default(),
        };
        let secrets = [[1; 32], [2; 32]];
        let switch = Switch::new(mine, config.directory.clone(), peers(config), secrets, now)
            .unwrap_or_else(|it| panic!("{it}"));
        let rules =
            media::Config { silence: config.media.silence(), rest: config.media.quarantine.0 };
        let mut exchange = Self {
            switch,
            plane: Plane::new(rules, [3; 32]),
            now,
            sent: VecDeque::new(),
            asked: Vec::new(),
            watch: Watch::default(),
            outs: Vec::new(),
            outlet: Shell::default(),
            next_port: config.media.ports.first,
            bound: 0,
            changed: false,
            wakes: 0,
            all_wakes: 0,
        };
        // The first prompt was never spoken: what is said then is left out.
        for prompt in config.directory.prompts().into_iter().skip(1) {
            let order = Order::Clip { id: prompt.clip, samples: CLIP.clone() };
            exchange.plane.on_order(order, now, &mut exchange.outlet);
        }
        exchange.switch.start(&mut exchange.outs);
        exchange.pump();
        exchange
    }

    // What goes in.

    pub fn message(&mut self, bytes: &[u8], from: Hop) {
        self.watch.came(bytes, from, self.now.at);
        let bytes = bytes::Bytes::copy_from_slice(bytes);
        self.switch.on_datagram(bytes, from, self.now, &mut self.outs);
        self.pump();
    }

    pub fn packet(&mut self, to: SocketAddr, from: SocketAddr, packet: &[u8]) {
        let rtcp = to.port() % 2 == 1;
        let even = SocketAddr::new(to.ip(), to.port() & !1);
        let Some(port) = self.plane.port(even) else { return };
        if rtcp {
            self.plane.on_control(port, from, packet, self.now);
        } else {
            let mut buffer = packet.to_vec();
            buffer.resize(packet.len() + 64, 0);
            let out = &mut self.outlet;
            let hop = self.plane.on_packet(port, from, &mut buffer, packet.len(), self.now, out);
            if let Some(hop) = hop {
                assert!(hop.len <= buffer.len() && 12 <= hop.len, "{hop:?}");
            }
        }
        self.pump();
    }

    pub fn closed(&mut self, hop: Hop) {
        self.switch.on_connection_closed(hop, self.now, &mut self.outs);
        self.pump();
    }

    pub fn failed(&mut self, hop: Hop) {
        self.switch.on_hop_failed(hop, self.now, &mut self.outs);
        self.pump();
    }

    pub fn resolved(&mut self, ticket: u64, found: &[(SocketAddr, Transport)]) {
        self.switch.on_resolved(ticket, found, self.now, &mut self.outs);
        self.pump();
    }

    /// Whether the disk takes recordings.
    pub fn disk(&mut self, full: bool) {
        self.outlet.full = full;
    }

    /// The writer gives up on the last recording that began.
    pub fn tape_fails(&mut self) {
        if let Some(tape) = self.outlet.tape {
            self.outlet.report(Report::TapeFailed { tape });
            self.pump();
        }
    }

    pub fn adopt(&mut self, changed: bool) {
        if changed == self.changed {
            return;
        }
        self.changed = changed;
        let config = if changed { &*CHANGED } else { &*TOWN };
        let adopted = self.switch.adopt(config.directory.clone(), peers(config), self.now);
        assert!(adopted.is_ok(), "{adopted:?}");
    }

    pub fn stop_all(&mut self, cause: &crosspoint::model::record::Cause) {
        self.switch.stop_all(cause, self.now, &mut self.outs);
        self.pump();
    }

    // Time.

    fn deadline(&self) -> Option<Instant> {
        [self.switch.deadline(), self.plane.deadline()].into_iter().flatten().min()
    }

    /// Lets so much time pass.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now.at + time;
        while let Some(at) = self.deadline().filter(|it| *it <= end) {
            self.wake(at);
        }
        self.now = self.now.after(end.since(self.now.at));
    }

    /// Lets time pass until nobody waits for it any more.
    pub fn rest(&mut self) {
        loop {
            // Whoever is asked answers some time.
            for (ticket, _) in std::mem::take(&mut self.asked) {
                self.resolved(ticket, &[]);
            }
            match self.deadline() {
                Some(at) => self.wake(at),
                None if self.asked.is_empty() => return,
                None => (),
            }
        }
    }

    fn wake(&mut self, at: Instant) {
        self.wakes = if at <= self.now.at { self.wakes + 1 } else { 0 };
        self.all_wakes += 1;
        let deadlines = (self.switch.deadline(), self.plane.deadline());
        assert!(self.wakes < WAKES_MAX, "a deadline does not move: {deadlines:?}");
        assert!(self.all_wakes < ALL_WAKES_MAX, "it never rests: {deadlines:?}");
        self.now = self.now.after(at.since(self.now.at));
        let due = |it: Option<Instant>| it.is_some_and(|it| it <= at);
        if due(deadlines.0) {
            self.switch.on_time(self.now, &mut self.outs);
        }
        if due(deadlines.1) {
            self.plane.on_time(self.now, &mut self.outlet);
        }
        self.pump();
    }

    // What comes out.

    /// Carries between switch and media until neither has anything to say.
    fn pump(&mut self) {
        loop {
            if let Some(report) = self.outlet.reports.pop_front() {
                self.switch.on_report(report, self.now, &mut self.outs);
            }
            let outs = std::mem::take(&mut self.outs);
            if outs.is_empty() && self.outlet.reports.is_empty() {
                return;
            }
            for out in outs {
                self.carry(out);
            }
        }
    }

    fn carry(&mut self, out: Out) {
        match out {
            Out::Send { bytes, hop } => {
                self.watch.left(&bytes, hop, self.now.at);
                self.sent.push_back((hop, bytes));
            }
            Out::Media(Order::Bind { pairs, .. }) => self.bind(pairs),
            Out::Media(order) => self.plane.on_order(order, self.now, &mut self.outlet),
            Out::Journal(record) => self.watch.record(&record),
            Out::Note(fact) => self.watch.fact(&fact),
            // No program is there.
            Out::Stream { stream, order: stream::Order::Open(_) } => {
                let told = stream::Told::Lost(stream::Fault::Unreachable);
                self.switch.on_stream(stream, told, self.now, &mut self.outs);
            }
            Out::Stream { .. } | Out::Dialog { .. } | Out::Known { .. } => (),
            Out::Resolve { ticket, resolve } => self.asked.push((ticket, resolve)),
        }
    }

    fn bind(&mut self, pairs: u16) {
        let config = &*TOWN;
        for _ in 0..pairs {
            if config.media.ports.last <= self.next_port {
                self.outlet.report(Report::Exhausted { v6: false });
                return;
            }
            let local = SocketAddr::new(config.media.address, self.next_port);
            self.next_port += 2;
            self.bound += 1;
            self.plane.bind(local, &mut self.outlet);
        }
    }

    /// Nothing is left of any call.
    pub fn must_be_empty(&self) {
        let left = (self.switch.calls(), self.switch.transactions(), self.plane.sessions());
        assert_eq!(left, (0, 0, 0), "calls, transactions, sessions are left");
        assert_eq!(self.switch.loose_ends(), 0, "notes about calls that are over");
        assert_eq!(self.switch.free_ports(), self.bound, "ports are not free");
        for trunk in self.switch.peers().trunk_status(self.now.at) {
            assert_eq!(trunk.calls, 0, "{} counts calls that are over", trunk.name);
        }
        self.watch.must_balance();
    }
}
