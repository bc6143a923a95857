//! One town on a virtual clock: the exchange, its media, its phones, and the network between them.
//!
//! ```text
//!   phone --datagram--> network --> switch --order--> plane
//!     ^                    |          ^                 |
//!     +-----datagram-------+          +-----report------+
//! ```
//! Time jumps from one deadline to the next, so everything happens at its exact moment.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::network::{Datagram, Network, Weather};
use super::outlet::{Shell, Twine};
use super::phone::Phone;
use super::program::Program;
use super::programs::{Done, Programs};
use super::setup;
use crate::audio::ClipId;
use crate::call::{Command, Refused};
use crate::clock::{Instant, Now, Wall};
use crate::config::Config;
use crate::media::{Channel, Hop as MediaHop, Order, Outlet, Plane, PortId, Report, Strand};
use crate::model::PromptSource;
use crate::model::event::Fact;
use crate::model::record::CallRecord;
use crate::peer::{Registration, Snapshot};
use crate::sip::{Hop, Transport};
use crate::switch::{Out, Switch};

pub const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// How long every prompt is.
pub const PROMPT: Duration = Duration::from_secs(2);
/// The tones that prompts are, in the order of the configuration.
const PROMPTS: &[u16] =
    &[1100, 1300, 1500, 1700, 1900, 1200, 2100, 2300, 2500, 2700, 2900, 3100, 3300, 3500];
/// Steps at one moment that are too many: somebody's deadline does not move.
const STEPS_MAX: u32 = 100_000;
/// 2026-03-02 15:00 UTC, a Monday.
const MONDAY: i64 = 1_772_463_600_000_000;

pub struct World {
    pub switch: Switch,
    pub plane: Plane,
    pub network: Network,
    pub phones: Vec<Phone>,
    /// Virtual agents.
    pub programs: Programs,
    /// Everything that happened, with its moment on the clock.
    pub facts: Vec<(Instant, Fact)>,
    /// Records as they were written, the first and the last of each call.
    pub records: Vec<CallRecord>,
    /// Every SIP message, when it was sent.
    pub wire: Vec<(Instant, Datagram)>,
    /// Whose each dialog is: the call, and its Call-ID.
    pub dialogs: Vec<(Arc<str>, Bytes)>,
    /// The addresses of names, best first.
    pub names: BTreeMap<String, Vec<SocketAddr>>,
    now: Now,
    pub(super) outlet: Shell,
    outs: Vec<Out>,
    listeners: Vec<(Transport, SocketAddr)>,
    media: [Option<std::net::IpAddr>; 2],
    next_port: [u16; 2],
    last_port: u16,
    prompts: Vec<(String, u16)>,
    sent: Vec<Datagram>,
    steps: u32,
    pub(super) bound: usize,
}

impl World {
    /// A town of the edge alone. Text prompts are spoken as tones; the same seed gives the same
    /// town.
    ///
    /// # Panics
    /// If the rooms cannot take what the configuration says.
    pub fn new(config: &Config, seed: u64, weather: Weather) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_be_bytes());
        let now = Now { at: Instant::START, wall: Wall::from_unix_micros(MONDAY) };
        let (mine, peers) = (setup::switch(config), setup::peers(config));
        let switch = Switch::new(mine, config.directory.clone(), peers, [key, key], now)
            .unwrap_or_else(|it| panic!("the peers cannot be set up: {it}"));
        let mut world = Self {
            switch,
            plane: Plane::new(setup::media(config), key),
            network: Network::new(seed, weather),
            phones: Vec::new(),
            programs: Programs::default(),
            facts: Vec::new(),
            records: Vec::new(),
            dialogs: Vec::new(),
            wire: Vec::new(),
            names: BTreeMap::new(),
            now,
            outlet: Shell::default(),
            outs: Vec::new(),
            listeners: setup::listeners(config),
            media: [setup::media_address(config, false), setup::media_address(config, true)],
            next_port: [config.media.ports.first; 2],
            last_port: config.media.ports.last,
            prompts: Vec::new(),
            sent: Vec::new(),
            steps: 0,
            bound: 0,
        };
        world.speak_prompts(config);
        world.switch.start(&mut world.outs);
        world.pump();
        world
    }

    fn speak_prompts(&mut self, config: &Config) {
        let mut tones = PROMPTS.iter().copied().cycle();
        for prompt in config.directory.prompts() {
            let name = match &prompt.made_from {
                PromptSource::File(name) | PromptSource::Uploaded(name) => name.to_string(),
                PromptSource::Text { text, .. } => text.to_string(),
            };
            let hertz = match self.prompts.iter().find(|(it, _)| *it == name) {
                Some((_, hertz)) => *hertz,
                None => tones.next().unwrap_or_default(),
            };
            self.prompts.push((name, hertz));
            self.speak(prompt.clip, hertz);
        }
    }

    fn speak(&mut self, id: ClipId, hertz: u16) {
        let step = std::f64::consts::TAU * f64::from(hertz) / 8000.0;
        let tone = |n: u32| ((f64::from(n) * step).sin() * 8000.0) as i16;
        let samples = (0..PROMPT.as_millis() as u32 * 8).map(tone).collect();
        let order = Order::Clip { id, samples };
        self.plane.on_order(order, self.now, &mut self.outlet);
    }

    /// The tone that a prompt is, in hertz.
    ///
    /// # Panics
    /// If there is no such prompt.
    pub fn tone_of(&self, prompt: &str) -> u16 {
        let found = self.prompts.iter().find(|(it, _)| it == prompt);
        found.unwrap_or_else(|| panic!("nothing says {prompt:?}: {:?}", self.prompts)).1
    }

    pub fn now(&self) -> Instant {
        self.now.at
    }

    pub fn wall(&self) -> Wall {
        self.now.wall
    }

    /// When on the clock a record's date was.
    pub fn moment(&self, wall: Wall) -> Instant {
        let since = u64::try_from(wall.unix_micros() - MONDAY).unwrap_or_default();
        Instant::from_micros(since)
    }

    /// Where the edge takes SIP.
    pub fn edge(&self) -> SocketAddr {
        let udp = self.listeners.iter().find(|(transport, _)| *transport == Transport::Udp);
        udp.or(self.listeners.first()).map_or(SocketAddr::from(([127, 0, 0, 1], 5060)), |it| it.1)
    }

    /// Another phone in town, with a voice of so many hertz.
    pub fn phone(&mut self, name: &str, address: SocketAddr, voice: u16) -> &mut Phone {
        let edge = self.edge();
        self.phones.push(Phone::new(name, address, edge, voice));
        self.phones.last_mut().unwrap_or_else(|| unreachable!("it was just put there"))
    }

    /// Registers a phone at an account.
    pub fn register(&mut self, account: &str, address: SocketAddr) {
        let udp = self.listeners.iter().position(|(it, _)| *it == Transport::Udp);
        let listener = u8::try_from(udp.unwrap_or_default()).unwrap_or_default();
        let hop = Hop { transport: Transport::Udp, listener, remote: address, connection: None };
        let registration = Registration {
            account: account.into(),
            contact: format!("sip:{account}@{address}").into(),
            instance: None,
            reg_id: 0,
            path: Vec::new(),
            call: 1,
            cseq: 1,
            q: 1000,
            hop,
            expires: self.now.wall.unix_seconds() + 7200,
        };
        self.switch.restore(Snapshot { registrations: vec![registration] }, self.now);
    }

    /// The phone of this name.
    ///
    /// # Panics
    /// If there is none.
    pub fn at(&mut self, name: &str) -> &mut Phone {
        let found = self.phones.iter_mut().find(|it| it.name == name);
        found.unwrap_or_else(|| panic!("there is no phone {name:?}"))
    }

    pub fn seen(&self, name: &str) -> &Phone {
        let found = self.phones.iter().find(|it| it.name == name);
        found.unwrap_or_else(|| panic!("there is no phone {name:?}"))
    }

    /// A virtual agent at this URL.
    pub fn program(&mut self, url: &str) -> &mut Program {
        self.programs.add(url)
    }

    /// One phone acts now.
    pub fn act(&mut self, name: &str, act: impl FnOnce(&mut Phone, Instant, &mut Vec<Datagram>)) {
        let now = self.now.at;
        let mut sent = std::mem::take(&mut self.sent);
        act(self.at(name), now, &mut sent);
        self.post(&mut sent);
        self.sent = sent;
    }

    pub fn calls(&mut self, name: &str, number: &str) {
        self.act(name, |phone, now, out| phone.call(number, now, out));
    }

    pub fn hangs_up(&mut self, name: &str) {
        self.act(name, |phone, now, out| phone.hang_up(now, out));
    }

    /// Somebody at the console does something to a call.
    pub fn command(&mut self, call: &str, command: Command, by: &str) -> Result<(), Refused> {
        let told = self.switch.on_command(call, command, by, self.now, &mut self.outs);
        self.pump();
        told
    }

    // The clock.

    /// Lets so much time pass.
    pub fn run_for(&mut self, time: Duration) {
        let end = self.now.at + time;
        while self.step(end) {}
        self.turn_clock(end);
    }

    /// Lets time pass until this holds, but no longer than `limit`; whether it came to hold.
    pub fn run_until(&mut self, limit: Duration, holds: impl Fn(&Self) -> bool) -> bool {
        let end = self.now.at + limit;
        while !holds(self) {
            if !self.step(end) {
                self.turn_clock(end);
                return holds(self);
            }
        }
        true
    }

    /// The next thing that happens, if it does by then.
    fn step(&mut self, end: Instant) -> bool {
        let phones = self.phones.iter().filter_map(Phone::deadline);
        let rooms = [
            self.switch.deadline(),
            self.plane.deadline(),
            self.network.next(),
            self.programs.deadline(),
        ];
        let Some(at) = phones.chain(rooms.into_iter().flatten()).min().filter(|it| *it <= end)
        else {
            return false;
        };
        self.steps = if at <= self.now.at { self.steps + 1 } else { 0 };
        assert!(self.steps < STEPS_MAX, "a deadline does not move: {:?}", self.deadlines());
        self.turn_clock(at);
        while let Some(datagram) = self.network.arrived(self.now.at) {
            self.deliver(datagram);
        }
        let now = self.now;
        let due = |it: Option<Instant>| it.is_some_and(|at| at <= now.at);
        if due(self.switch.deadline()) {
            self.switch.on_time(now, &mut self.outs);
        }
        if due(self.plane.deadline()) {
            self.plane.on_time(now, &mut self.outlet);
        }
        if due(self.programs.deadline()) {
            let mut done = Vec::new();
            self.programs.on_time(now.at, &mut done);
            self.heed(done);
        }
        self.pump();
        let mut sent = std::mem::take(&mut self.sent);
        for phone in self.phones.iter_mut().filter(|it| due(it.deadline())) {
            phone.on_time(now.at, &mut sent);
        }
        self.post(&mut sent);
        self.sent = sent;
        true
    }

    fn deadlines(&self) -> String {
        let phones: Vec<_> = self.phones.iter().map(|it| (&it.name, it.deadline())).collect();
        let (switch, plane) = (self.switch.deadline(), self.plane.deadline());
        format!("now {:?}: switch {switch:?}, plane {plane:?}, {phones:?}", self.now.at)
    }

    fn turn_clock(&mut self, to: Instant) {
        self.now = self.now.after(to.since(self.now.at));
        self.outlet.now = self.now.at;
    }

    // The carrying.

    fn post(&mut self, sent: &mut Vec<Datagram>) {
        for datagram in sent.drain(..) {
            if datagram.bytes.first().is_some_and(u8::is_ascii_alphabetic) {
                self.wire.push((self.now.at, datagram.clone()));
            }
            self.network.send(datagram, self.now.at);
        }
    }

    fn deliver(&mut self, datagram: Datagram) {
        let now = self.now;
        let to = (Transport::Udp, datagram.to);
        if let Some(listener) = self.listeners.iter().position(|it| *it == to) {
            let hop = Hop {
                transport: Transport::Udp,
                listener: listener as u8,
                remote: datagram.from,
                connection: None,
            };
            self.switch.on_datagram(datagram.bytes.into(), hop, now, &mut self.outs);
            self.pump();
        } else if let Some(port) = self.plane.port(datagram.to) {
            self.relay(port, datagram);
        } else {
            let mut sent = std::mem::take(&mut self.sent);
            for phone in &mut self.phones {
                if phone.address == datagram.to || phone.media == datagram.to {
                    phone.on_datagram(&datagram, now.at, &mut sent);
                }
            }
            self.post(&mut sent);
            self.sent = sent;
        }
    }

    fn relay(&mut self, port: PortId, datagram: Datagram) {
        let mut packet = datagram.bytes;
        let len = packet.len();
        // Room to grow in place.
        packet.resize(len + 64, 0);
        let (plane, out) = (&mut self.plane, &mut self.outlet);
        let hop = plane.on_packet(port, datagram.from, &mut packet, len, self.now, out);
        if let Some(MediaHop { port, to, len }) = hop {
            packet.truncate(len);
            out.packets.push((port, Channel::Rtp, to, packet));
        }
        self.pump();
    }

    /// Carries between switch and media until neither has anything to say.
    fn pump(&mut self) {
        loop {
            for (port, channel, to, bytes) in std::mem::take(&mut self.outlet.packets) {
                let Some(mut from) = self.plane.local(port) else { continue };
                if channel == Channel::Rtcp {
                    from.set_port(from.port() + 1);
                }
                self.network.send(Datagram { from, to, bytes }, self.now.at);
            }
            for (stream, twine) in std::mem::take(&mut self.outlet.strands) {
                let mut done = Vec::new();
                let strand = match &twine {
                    Twine::Frame(at, octets) => Strand::Frame { at: *at, octets },
                    Twine::Mark(name) => Strand::Mark(name),
                };
                self.programs.on_strand(stream, strand, self.now.at, &mut done);
                self.heed(done);
            }
            if let Some(report) = self.outlet.reports.pop_front() {
                self.switch.on_report(report, self.now, &mut self.outs);
            }
            let outs = std::mem::take(&mut self.outs);
            let outlet = &self.outlet;
            let quiet = outlet.reports.is_empty() && outlet.packets.is_empty();
            if outs.is_empty() && quiet && outlet.strands.is_empty() {
                return;
            }
            for out in outs {
                self.carry(out);
            }
        }
    }

    /// What programs do.
    fn heed(&mut self, done: Vec<Done>) {
        for done in done {
            match done {
                Done::Media(stream, say) => {
                    let order = Order::Stream { stream, say };
                    self.plane.on_order(order, self.now, &mut self.outlet);
                }
                Done::Tell(stream, told) => {
                    self.switch.on_stream(stream, told, self.now, &mut self.outs);
                }
            }
        }
    }

    fn carry(&mut self, out: Out) {
        let now = self.now;
        match out {
            Out::Send { bytes, hop } => {
                let from = self.listeners.get(usize::from(hop.listener)).map(|it| it.1);
                let Some(from) = from else { return };
                let sent = Datagram { from, to: hop.remote, bytes: bytes.to_vec() };
                self.wire.push((now.at, sent.clone()));
                // Phones here read a stream's messages one by one, and answer by datagram.
                match hop.transport {
                    Transport::Udp => self.network.send(sent, now.at),
                    Transport::Tcp => self.network.send_safely(sent, now.at),
                }
            }
            Out::Media(Order::Bind { v6, pairs }) => self.bind(v6, pairs),
            Out::Media(order) => self.plane.on_order(order, now, &mut self.outlet),
            Out::Stream { stream, order } => {
                let mut done = Vec::new();
                self.programs.on_order(stream, order, now.at, &mut done);
                self.heed(done);
            }
            Out::Journal(record) => self.records.push(*record),
            Out::Note(fact) => self.facts.push((now.at, fact)),
            Out::Known { .. } => (),
            Out::Dialog { call, call_id } => self.dialogs.push((call, call_id)),
            Out::Resolve { ticket, resolve } => {
                let transport = resolve.transport.unwrap_or(Transport::Udp);
                let found = self.names.get(&resolve.host).into_iter().flatten();
                let found: Vec<_> = found.map(|it| (*it, transport)).collect();
                self.switch.on_resolved(ticket, &found, now, &mut self.outs);
            }
        }
    }

    fn bind(&mut self, v6: bool, pairs: u16) {
        let family = usize::from(v6);
        let Some(ip) = self.media[family] else { return };
        for _ in 0..pairs {
            let port = self.next_port[family];
            if self.last_port <= port {
                self.outlet.report(Report::Exhausted { v6 });
                return;
            }
            self.next_port[family] = port.saturating_add(2);
            self.bound += 1;
            self.plane.bind(SocketAddr::new(ip, port), &mut self.outlet);
        }
    }
}
