//! The media plane of one worker: ports, sessions, tapes, and who hears whom.
//!
//! ```text
//!   packet -> port -> session listens -> tape, keys -> each listener's session -> packet
//!   order  -> session, tape            time -> sessions that play, RTCP, quarantine, tapes
//! ```
//!
//! A relayed packet is rewritten in the buffer it came in: no allocation, no lock, no copy unless
//! more than one leg hears it. Time is handed in with everything; [`Plane::deadline`] says when to
//! come back.

mod tapes;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use rand_chacha::ChaCha12Rng;
use rand_core::{RngCore, SeedableRng};

use self::tapes::Tapes;
use super::clips::Clips;
use super::ports::{Port, State};
use super::session::{Chance, Heard, Said, Session};
use super::slots::Slots;
use super::tape::Voice;
use super::{Hop, Order, Outlet, PortId, Quality, Report, Say, SessionId};
use crate::audio::{Digit, Source, StreamId};
use crate::clock::{Alarms, Instant, Now};
use crate::rtp::{self, Header};

/// What the operator decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// A far end that should send and was silent this long is reported lost. `None`: never.
    pub silence: Option<Duration>,
    /// How long a port that was spoken to must have been silent before it is used again.
    pub rest: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self { silence: Some(Duration::from_secs(60)), rest: Port::REST }
    }
}

/// All sessions of one media worker.
pub struct Plane {
    config: Config,
    chance: ChaCha12Rng,
    ports: Vec<Port>,
    sessions: Slots<Session>,
    /// The slot of each session.
    slots: HashMap<SessionId, u32>,
    /// The port on each address.
    bound: HashMap<SocketAddr, PortId>,
    /// The slot of the session that hears each stream.
    streams: HashMap<StreamId, u32>,
    tapes: Tapes,
    clips: Clips,
    alarms: Alarms<Alarm>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Alarm {
    Session(u32),
    Port(u32),
    Tapes,
}

/// How a key came. In the voice it reaches those who hear that; as an event those who take
/// events; all others it must be pressed for anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    Event,
    Voice,
    Signalling,
}

/// The largest datagram that is copied for a second listener; longer ones it does not get.
const LARGEST: usize = 2048;

impl Plane {
    /// `seed` is secret chance: SSRCs and first sequence numbers come from it.
    pub fn new(config: Config, seed: [u8; 32]) -> Self {
        Self {
            config,
            chance: ChaCha12Rng::from_seed(seed),
            ports: Vec::new(),
            sessions: Slots::default(),
            slots: HashMap::new(),
            bound: HashMap::new(),
            streams: HashMap::new(),
            tapes: Tapes::default(),
            clips: Clips::default(),
            alarms: Alarms::default(),
        }
    }

    /// The shell has bound an RTP port and the one after it: reported to signalling, and known by
    /// the returned number from now on (0, 1, 2, ..).
    pub fn bind(&mut self, local: SocketAddr, out: &mut dyn Outlet) -> PortId {
        let id = PortId(self.ports.len() as u32);
        self.ports.push(Port::new(local, self.config.rest));
        self.bound.insert(local, id);
        out.report(Report::Bound { local });
        id
    }

    /// The number of a bound port.
    pub fn port(&self, local: SocketAddr) -> Option<PortId> {
        self.bound.get(&local).copied()
    }

    /// The RTP address of a bound port.
    pub fn local(&self, port: PortId) -> Option<SocketAddr> {
        self.ports.get(port.0 as usize).map(|it| it.local)
    }

    /// Sessions open now.
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Obeys. Orders for sessions and tapes that are gone find nobody. [`Order::Bind`] is the
    /// shell's: it binds sockets and says so with [`Plane::bind`].
    pub fn on_order(&mut self, order: Order, now: Now, out: &mut dyn Outlet) {
        match order {
            Order::Bind { .. } => {}
            Order::Open { session, local } => self.open(session, local, now, out),
            Order::Remote { session, remote } => {
                self.with(session, |it| it.negotiate(*remote, now));
            }
            Order::Hear { session, source } => self.hear(session, source, now),
            Order::SwallowKeys { session, on } => {
                self.with(session, |it| it.swallow_keys(on));
            }
            Order::Listen { session } => self.with(session, |it| it.listen_for_answer(now.at)),
            Order::Key { session, digit } => {
                if let Some(slot) = self.slots.get(&session).copied() {
                    self.key(slot, digit, Came::Signalling, now, out);
                }
            }
            Order::Tape { tape, left, right, file } => {
                let legs = (left, right);
                let sessions = &mut self.sessions;
                self.tapes.begin(tape, legs, &self.slots, &file, sessions, now.at, out);
                self.arm_tapes();
            }
            Order::TapeMute { tape, mute } => self.tapes.mute(tape, mute, now.at),
            Order::TapeEnd { tape, keep } => {
                self.tapes.end(tape, keep, &self.slots, &mut self.sessions, now.at, out);
                self.arm_tapes();
            }
            Order::Stream { stream, say } => self.on_stream(stream, &say, now, out),
            Order::Beep { session } => self.with(session, |it| {
                if let Some(stream) = it.stream() {
                    stream.beep();
                }
            }),
            Order::Clip { id, samples } => self.clips.put(id, samples),
            Order::Close { session } => self.close(session, now, out),
        }
    }

    /// Takes a packet from an RTP port: `packet[..len]`, with room behind it. What is to be relayed
    /// has been rewritten in place and goes where the answer says.
    pub fn on_packet(
        &mut self,
        port: PortId,
        from: SocketAddr,
        packet: &mut [u8],
        len: usize,
        now: Now,
        out: &mut dyn Outlet,
    ) -> Option<Hop> {
        let berth = self.ports.get_mut(port.0 as usize)?;
        berth.heard = Some(now.at);
        let State::Open(slot) = berth.state else { return None };
        let packet = packet.get_mut(..len)?;
        match rtp::kind(packet) {
            rtp::Kind::Rtp => {}
            rtp::Kind::Rtcp => {
                self.sessions.get_mut(slot)?.on_control(from, packet, now);
                return None;
            }
            rtp::Kind::Stun | rtp::Kind::Dtls | rtp::Kind::Noise => return None,
        }
        let header = Header::read(packet)?;
        let session = self.sessions.get_mut(slot)?;
        let heard = session.listen(from, &header, packet, now.at)?;
        let key = session.key_in(heard, &header, packet, now.at);
        if let Some(by) = session.answered_by() {
            out.report(Report::AnsweredBy { session: session.id, by });
        }
        if let Heard::Voice(law) = heard {
            session.overhear(law, &header, packet, now.at, out);
            if let Some((tape, side)) = session.tape
                && let Some(octets) = packet.get(header.payload())
            {
                let (ssrc, timestamp) = (header.stamp.ssrc, header.stamp.timestamp);
                let voice = Voice { ssrc, timestamp, law, octets };
                self.tapes.record(tape, side, voice, now.at, out);
            }
        }
        if let Some(digit) = key {
            let came = if let Heard::Event(_) = heard { Came::Event } else { Came::Voice };
            self.key(slot, digit, came, now, out);
        }
        self.relay(slot, heard, &header, packet, now, out)
    }

    /// Takes a packet from the RTCP port of a pair.
    pub fn on_control(&mut self, port: PortId, from: SocketAddr, packet: &[u8], now: Now) {
        let Some(Port { state: State::Open(slot), .. }) = self.ports.get(port.0 as usize) else {
            return;
        };
        if let Some(session) = self.sessions.get_mut(*slot)
            && rtp::kind(packet) == rtp::Kind::Rtcp
        {
            session.on_control(from, packet, now);
        }
    }

    /// Does what is due: ticks of sessions that play, reports, quarantine, tapes.
    pub fn on_time(&mut self, now: Now, out: &mut dyn Outlet) {
        while let Some((at, alarm)) = self.alarms.due(now.at) {
            match alarm {
                Alarm::Session(slot) => self.wake(slot, at, now, out),
                Alarm::Port(port) => self.rest(port, now.at, out),
                Alarm::Tapes => {
                    self.tapes.on_time(at, now.at, out);
                    self.arm_tapes();
                }
            }
        }
    }

    /// When [`Plane::on_time`] is next wanted.
    pub fn deadline(&self) -> Option<Instant> {
        self.alarms.next()
    }

    /// Quality of an open session so far.
    pub fn quality(&self, session: SessionId) -> Option<Quality> {
        self.sessions.get(*self.slots.get(&session)?).map(Session::quality)
    }

    fn open(&mut self, id: SessionId, local: SocketAddr, now: Now, out: &mut dyn Outlet) {
        let Some(port) = self.port(local) else { return };
        if self.slots.contains_key(&id) {
            return;
        }
        if let Some(Port { state: State::Open(slot), .. }) = self.ports.get(port.0 as usize)
            && let Some(before) = self.sessions.get(*slot).map(|it| it.id)
        {
            self.close(before, now, out);
        }
        let chance = Chance {
            ssrc: self.chance.next_u32(),
            sequence: self.chance.next_u32() as u16,
            timestamp: self.chance.next_u32(),
            name: self.chance.next_u64(),
        };
        let slot = self.sessions.put(Session::new(id, port, chance, now));
        self.slots.insert(id, slot);
        if let Some(berth) = self.ports.get_mut(port.0 as usize) {
            berth.open(slot);
        }
    }

    fn close(&mut self, id: SessionId, now: Now, out: &mut dyn Outlet) {
        let Some(slot) = self.slots.remove(&id) else { return };
        let Some(mut session) = self.sessions.take(slot) else { return };
        session.say_goodbye(now, out);
        match &session.source {
            Source::Leg(other) => self.forget(*other, slot),
            Source::Stream(stream) => drop(self.streams.remove(stream)),
            _ => {}
        }
        out.report(Report::Closed { session: id, quality: Box::new(session.quality()) });
        let port = session.port;
        let Some(berth) = self.ports.get_mut(port.0 as usize) else { return };
        if berth.close(now.at) {
            out.report(Report::Free { local: berth.local });
        } else if let Some(deadline) = berth.deadline() {
            self.alarms.arm(Alarm::Port(port.0), Some(deadline), &mut None);
        }
    }

    fn hear(&mut self, id: SessionId, source: Source<SessionId>, now: Now) {
        let Some(slot) = self.slots.get(&id).copied() else { return };
        let Some(session) = self.sessions.get_mut(slot) else { return };
        let before = match (&session.source, &source) {
            (Source::Leg(before), Source::Leg(after)) if before == after => None,
            (Source::Leg(before), _) => Some(*before),
            _ => None,
        };
        let after = if let Source::Leg(after) = &source { Some(*after) } else { None };
        if let Source::Stream(before) = &session.source {
            self.streams.remove(before);
        }
        if let Source::Stream(after) = &source {
            self.streams.insert(*after, slot);
        }
        session.hear(source, now.at);
        self.arm(slot);
        if let Some(before) = before {
            self.forget(before, slot);
        }
        if let Some(other) = after.and_then(|it| self.slots.get(&it).copied())
            && other != slot
            && let Some(other) = self.sessions.get_mut(other)
            && !other.listeners.contains(&slot)
        {
            other.listeners.push(slot);
        }
    }

    /// A program says something to the leg that hears it.
    fn on_stream(&mut self, id: StreamId, say: &Say, now: Now, out: &mut dyn Outlet) {
        let Some(slot) = self.streams.get(&id).copied() else { return };
        let Some(session) = self.sessions.get_mut(slot) else { return };
        if let Say::Key(digit) = say {
            session.dial(*digit, false, now.at, out);
        }
        let Some(stream) = session.stream() else { return };
        if let Err(why) = stream.say(say)
            && stream.fails()
        {
            out.report(Report::StreamFailed { stream: id, why });
        }
        self.arm(slot);
    }

    /// `slot` hears this session no more.
    fn forget(&mut self, id: SessionId, slot: u32) {
        if let Some(other) = self.slots.get(&id).and_then(|it| self.sessions.get_mut(*it)) {
            other.listeners.retain(|it| *it != slot);
        }
    }

    /// Gives a packet to all who hear this session: copies to all but the last.
    fn relay(
        &mut self,
        slot: u32,
        heard: Heard,
        header: &Header,
        packet: &mut [u8],
        now: Now,
        out: &mut dyn Outlet,
    ) -> Option<Hop> {
        let count = self.sessions.get(slot)?.listeners.len();
        for n in 0..count {
            let listener = *self.sessions.get(slot)?.listeners.get(n)?;
            let Some((from, to)) = self.sessions.pair_mut(slot, listener) else { continue };
            if n + 1 == count {
                let target = to.relay(from, heard, header, packet, now.at)?;
                return Some(Hop { port: to.port, to: target, len: packet.len() });
            }
            let mut buffer = [0; LARGEST];
            let Some(copy) = buffer.get_mut(..packet.len()) else { continue };
            copy.copy_from_slice(packet);
            if let Some(target) = to.relay(from, heard, header, copy, now.at) {
                out.send(to.port, super::Channel::Rtp, target, copy);
            }
        }
        None
    }

    /// A key pressed by the far end of `slot`: for its accept line, or told and passed on.
    fn key(&mut self, slot: u32, digit: Digit, came: Came, now: Now, out: &mut dyn Outlet) {
        let Some(session) = self.sessions.get_mut(slot) else { return };
        if session.press(digit) {
            return;
        }
        out.report(Report::Key { session: session.id, digit });
        if session.swallows() || came == Came::Voice {
            return;
        }
        for listener in session.listeners.clone() {
            if let Some(session) = self.sessions.get_mut(listener) {
                session.dial(digit, came == Came::Event, now.at, out);
                self.arm(listener);
            }
        }
    }

    fn wake(&mut self, slot: u32, at: Instant, now: Now, out: &mut dyn Outlet) {
        let Some(session) = self.sessions.get_mut(slot) else { return };
        if session.armed == Some(at) {
            session.armed = None;
        }
        let mut said = Said::new();
        session.play(&self.clips, now.at, &mut said, out);
        if let Some((tape, side)) = session.tape {
            for (at, law, octets) in &said {
                let timestamp = (at.micros() / 125) as u32;
                let voice = Voice { ssrc: 0, timestamp, law: *law, octets };
                self.tapes.record(tape, side.other(), voice, *at, out);
            }
        }
        session.report_due(now, out);
        if let Some(silent) = session.notice_loss(self.config.silence, now.at) {
            out.report(Report::Lost { session: session.id, silent });
        }
        self.arm(slot);
    }

    fn rest(&mut self, port: u32, now: Instant, out: &mut dyn Outlet) {
        let Some(berth) = self.ports.get_mut(port as usize) else { return };
        if berth.on_time(now) {
            out.report(Report::Free { local: berth.local });
        } else if let Some(deadline) = berth.deadline() {
            self.alarms.arm(Alarm::Port(port), Some(deadline), &mut None);
        }
    }

    fn with(&mut self, id: SessionId, act: impl FnOnce(&mut Session)) {
        let Some(slot) = self.slots.get(&id).copied() else { return };
        if let Some(session) = self.sessions.get_mut(slot) {
            act(session);
            self.arm(slot);
        }
    }

    fn arm(&mut self, slot: u32) {
        if let Some(session) = self.sessions.get_mut(slot) {
            let deadline = session.deadline(self.config.silence);
            self.alarms.arm(Alarm::Session(slot), deadline, &mut session.armed);
        }
    }

    fn arm_tapes(&mut self) {
        let deadline = self.tapes.deadline();
        self.alarms.arm(Alarm::Tapes, deadline, &mut self.tapes.armed);
    }
}

#[cfg(test)]
mod tests;
