//! Far ends around a plane, and everything that leaves it with its moment.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::audio::{ClipId, Digit, Law, Line, Script, Source, StreamId};
use crate::clock::{Instant, Now, Wall};
use crate::media::*;
use crate::rtp::{Event, Header, Stamp, rtcp};

pub const A: SessionId = SessionId(1);
pub const B: SessionId = SessionId(2);
pub const TAPE: TapeId = TapeId(7);
pub const EVENTS: u8 = 101;

pub fn ms(it: u64) -> Duration {
    Duration::from_millis(it)
}

pub fn key(c: char) -> Digit {
    Digit::from_char(c).unwrap()
}

/// A packet that left the plane.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Milliseconds since the test began.
    pub at: u64,
    pub port: PortId,
    pub channel: Channel,
    pub to: SocketAddr,
    pub bytes: Vec<u8>,
}

impl Sent {
    pub fn stamp(&self) -> Stamp {
        Header::read(&self.bytes).unwrap().stamp
    }

    pub fn payload(&self) -> &[u8] {
        &self.bytes[Header::read(&self.bytes).unwrap().payload()]
    }

    pub fn event(&self) -> Option<Event> {
        (self.stamp().payload_type == EVENTS).then(|| Event::read(self.payload()).unwrap())
    }
}

/// What was handed to the writer of recordings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wound {
    Open(String, Law),
    Chunk(u64, Vec<u8>),
    End(u64),
    Dropped(u64),
}

#[derive(Default)]
pub struct Out {
    at: u64,
    pub sent: Vec<Sent>,
    pub reports: Vec<(u64, Report)>,
    pub wound: Vec<Wound>,
    pub writer_is_stuck: bool,
    /// What programs got: frames with their milliseconds, marks without.
    pub strands: Vec<(StreamId, Option<u64>, Vec<u8>)>,
}

impl Outlet for Out {
    fn send(&mut self, port: PortId, channel: Channel, to: SocketAddr, packet: &[u8]) {
        self.sent.push(Sent { at: self.at, port, channel, to, bytes: packet.to_vec() });
    }

    fn report(&mut self, report: Report) {
        self.reports.push((self.at, report));
    }

    fn tape(&mut self, reel: Reel<'_>) -> bool {
        if !self.writer_is_stuck {
            self.wound.push(match reel {
                Reel::Open { file, law, .. } => Wound::Open(file.to_owned(), law),
                Reel::Chunk { at, octets, .. } => Wound::Chunk(at, octets.to_vec()),
                Reel::End { frames, keep: true, .. } => Wound::End(frames),
                Reel::End { frames, keep: false, .. } => Wound::Dropped(frames),
            });
        }
        !self.writer_is_stuck
    }

    fn stream(&mut self, stream: StreamId, strand: Strand<'_>) {
        self.strands.push(match strand {
            Strand::Frame { at, octets } => (stream, Some(at), octets.to_vec()),
            Strand::Mark(name) => (stream, None, name.as_bytes().to_vec()),
        });
    }
}

pub struct Rig {
    pub plane: Plane,
    pub now: Now,
    pub out: Out,
}

/// A far end that sends 20 ms packets.
#[derive(Clone, Debug)]
pub struct Far {
    pub port: PortId,
    pub address: SocketAddr,
    pub stamp: Stamp,
}

impl Rig {
    /// A plane with two bound ports, 4000 and 4002, at a moment that is on no grid.
    pub fn new() -> Self {
        let mut plane = Plane::new(Config::default(), [7; 32]);
        let mut out = Out::default();
        for port in [4000, 4002] {
            plane.bind(local(port), &mut out);
        }
        out.reports.clear();
        let at = Instant::from_micros(1_000_000);
        Self { plane, now: Now { at, wall: Wall::from_unix_micros(1 << 50) }, out }
    }

    /// Legs A and B, both mu-law with events, open and negotiated.
    pub fn with_two_legs() -> (Self, Far, Far) {
        let mut rig = Self::new();
        for (session, port, far) in [(A, 4000, 1), (B, 4002, 2)] {
            rig.order(Order::Open { session, local: local(port) });
            rig.remote(session, remote(far));
        }
        let (a, b) = (rig.far(0, 1), rig.far(1, 2));
        (rig, a, b)
    }

    pub fn far(&self, port: u32, host: u8) -> Far {
        let stamp = Stamp {
            marker: true,
            payload_type: 0,
            sequence: 100 * u16::from(host),
            timestamp: 1000 * u32::from(host),
            ssrc: 0xabc0 + u32::from(host),
        };
        Far { port: PortId(port), address: far(host), stamp }
    }

    pub fn order(&mut self, order: Order) {
        self.stamp_out();
        self.plane.on_order(order, self.now, &mut self.out);
    }

    pub fn remote(&mut self, session: SessionId, remote: Remote) {
        self.order(Order::Remote { session, remote: Box::new(remote) });
    }

    pub fn hear(&mut self, session: SessionId, source: Source<SessionId>) {
        self.order(Order::Hear { session, source });
    }

    pub fn script(&mut self, session: SessionId, lines: Vec<Line>) {
        self.hear(session, Source::Script(Script::new(lines)));
    }

    pub fn clip(&mut self, id: u64, samples: Vec<i16>) {
        self.order(Order::Clip { id: ClipId(id), samples: samples.into() });
    }

    pub fn bridge(&mut self) {
        self.hear(A, Source::Leg(B));
        self.hear(B, Source::Leg(A));
    }

    pub fn tape(&mut self) {
        let file = Arc::from("call.wav");
        self.order(Order::Tape { tape: TAPE, left: A, right: Some(B), file });
    }

    /// Lets this much time pass, waking the plane exactly when it wants to be.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now.at + time;
        while let Some(due) = self.plane.deadline().filter(|it| *it <= end) {
            self.now = self.now.after(due.since(self.now.at));
            self.wake();
        }
        self.now = self.now.after(end.since(self.now.at));
    }

    pub fn wake(&mut self) {
        self.stamp_out();
        self.plane.on_time(self.now, &mut self.out);
    }

    /// A datagram from somewhere to an RTP port. What is relayed joins what was sent.
    pub fn datagram(&mut self, port: PortId, from: SocketAddr, bytes: &[u8]) -> bool {
        self.stamp_out();
        let mut buffer = [0; 2048];
        buffer[..bytes.len()].copy_from_slice(bytes);
        let (plane, out) = (&mut self.plane, &mut self.out);
        let hop = plane.on_packet(port, from, &mut buffer, bytes.len(), self.now, out);
        if let Some(Hop { port, to, len }) = hop {
            out.send(port, Channel::Rtp, to, &buffer[..len]);
        }
        hop.is_some()
    }

    pub fn control(&mut self, port: PortId, from: SocketAddr, report: &rtcp::Report<'_>) {
        let mut buffer = [0; 256];
        let length = report.write(&mut buffer).unwrap();
        self.plane.on_control(port, from, &buffer[..length], self.now);
    }

    /// The far end says a payload now; its numbers go on.
    pub fn says(&mut self, far: &mut Far, payload: &[u8]) -> bool {
        let relayed = self.sends(far, payload);
        far.stamp.timestamp = far.stamp.timestamp.wrapping_add(payload.len() as u32);
        relayed
    }

    /// The far end sends a packet, and its sequence number goes on.
    pub fn sends(&mut self, far: &mut Far, payload: &[u8]) -> bool {
        let mut bytes = [0; 2048];
        let length = far.stamp.write(payload, &mut bytes).unwrap();
        let relayed = self.datagram(far.port, far.address, &bytes[..length]);
        far.stamp.sequence = far.stamp.sequence.wrapping_add(1);
        far.stamp.marker = false;
        relayed
    }

    /// Far ends talk for a while, 20 ms a packet, each always the same octet.
    pub fn talk(&mut self, packets: usize, fars: &mut [(&mut Far, u8)]) {
        for _ in 0..packets {
            for (far, octet) in fars.iter_mut() {
                self.says(far, &[*octet; 160]);
            }
            self.pass(ms(20));
        }
    }

    /// The far end presses a key: five reports of 20 ms and three ends.
    pub fn presses(&mut self, far: &mut Far, c: char) {
        let voice = far.stamp.payload_type;
        far.stamp.payload_type = EVENTS;
        far.stamp.marker = true;
        for tick in 1..=7u16 {
            let end = 5 <= tick;
            let event =
                Event { code: key(c).event(), end, volume: 10, duration: 160 * tick.min(5) };
            self.sends(far, &event.payload());
            self.pass(ms(20));
        }
        far.stamp.payload_type = voice;
        far.stamp.timestamp = far.stamp.timestamp.wrapping_add(7 * 160);
    }

    /// RTP sent towards a host, oldest first.
    pub fn to(&self, host: u8) -> Vec<Sent> {
        let rtp = |it: &&Sent| it.to == far(host) && it.channel == Channel::Rtp;
        self.out.sent.iter().filter(rtp).cloned().collect()
    }

    /// Compound RTCP sent towards a host.
    pub fn control_to(&self, host: u8) -> Vec<Sent> {
        let to = SocketAddr::new(far(host).ip(), far(host).port() + 1);
        let rtcp = |it: &&Sent| it.to == to && it.channel == Channel::Rtcp;
        self.out.sent.iter().filter(rtcp).cloned().collect()
    }

    /// Reports as text, without their times.
    pub fn told(&self) -> Vec<String> {
        self.out.reports.iter().map(|(_, it)| format!("{it:?}")).collect()
    }

    fn stamp_out(&mut self) {
        self.out.at = self.now.at.micros() / 1000 - 1000;
    }
}

pub fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

pub fn far(host: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, host], 6000))
}

/// A mu-law far end with telephone events at 101.
pub fn remote(host: u8) -> Remote {
    Remote {
        rtp: Some(far(host)),
        rtcp: None,
        send: true,
        receive: true,
        codec: codec(CodecKind::Pcmu),
        keys: Keys::Events { send_pt: EVENTS, receive_pt: EVENTS, clock: 8000 },
        ptime: 20,
        latch: Latch::Exact,
    }
}

pub fn codec(kind: CodecKind) -> Codec {
    let (pt, clock) = match &kind {
        CodecKind::Pcmu => (0, 8000),
        CodecKind::Pcma => (8, 8000),
        CodecKind::Other(_) => (111, 48_000),
    };
    Codec { kind, send_pt: pt, receive_pt: pt, clock }
}

/// One SSRC, sequence numbers without a gap, time stamps that never go back: what a far end wants
/// of its stream whatever it hears.
pub fn assert_continuous(sent: &[Sent]) {
    for pair in sent.windows(2) {
        let (one, next) = (pair[0].stamp(), pair[1].stamp());
        assert_eq!(next.ssrc, one.ssrc);
        assert_eq!(next.sequence, one.sequence.wrapping_add(1), "at {} ms", pair[1].at);
        let moved = next.timestamp.wrapping_sub(one.timestamp) as i32;
        assert!(0 <= moved, "back by {moved} at {} ms", pair[1].at);
    }
}
