//! RTP packets a second through the media plane of one worker, without the sockets.

mod allocations;
mod measure;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crosspoint::audio::{Source, StreamId};
use crosspoint::clock::{Instant, Now, Wall};
use crosspoint::media::{
    Channel, Codec, CodecKind, Config, Keys, Latch, Order, Outlet, Plane, PortId, Reel, Remote,
    Report, SessionId, Strand, TapeId,
};
use crosspoint::rtp::Stamp;

/// Two-way calls at once.
const CALLS: u16 = 100;
/// Between packets of one leg.
const TICK: Duration = Duration::from_millis(20);
const PAYLOAD: usize = 160;

fn main() {
    let kinds = [CodecKind::Pcmu, CodecKind::Pcma];
    let [mu, a] = kinds;
    for (name, left, right, taped) in [
        ("relay: packet, PCMU to PCMU", &mu, &mu, false),
        ("relay: packet, PCMU to PCMA and back", &mu, &a, false),
        ("relay: packet, PCMU to PCMU, on tape", &mu, &mu, true),
    ] {
        let mut trunk = Trunk::open(left, right, taped);
        trunk.tick(&mut measure::Meter::default());
        let packets = 2 * u64::from(CALLS);
        let cost = measure::rounds(packets * 100, |meter, pieces| {
            for _ in 0..pieces.div_ceil(packets) {
                trunk.tick(meter);
            }
        });
        cost.print(name);
        assert_eq!(cost.allocations, 0.0, "a packet needs no heap");
    }
}

/// Calls that talk both ways all the time.
struct Trunk {
    plane: Plane,
    far: Vec<(PortId, SocketAddr, Stamp)>,
    now: Now,
    out: Sink,
}

/// What left, counted.
#[derive(Default)]
struct Sink {
    chunks: u64,
}

impl Outlet for Sink {
    fn send(&mut self, _: PortId, _: Channel, _: SocketAddr, _: &[u8]) {}

    fn report(&mut self, _: Report) {}

    fn tape(&mut self, reel: Reel<'_>) -> bool {
        if let Reel::Chunk { octets, .. } = reel {
            self.chunks += u64::from(!octets.is_empty());
        }
        true
    }

    fn stream(&mut self, _: StreamId, _: Strand<'_>) {}
}

impl Trunk {
    fn open(left: &CodecKind, right: &CodecKind, taped: bool) -> Self {
        let mut plane = Plane::new(Config::default(), [7; 32]);
        let mut out = Sink::default();
        let now = Now { at: Instant::from_micros(1), wall: Wall::default() };
        let mut far = Vec::new();
        for call in 0..CALLS {
            let legs = [(2 * call, left), (2 * call + 1, right)];
            for (leg, kind) in legs {
                let local = SocketAddr::from(([127, 0, 0, 1], 30_000 + 2 * leg));
                let remote = SocketAddr::from(([127, 0, 0, 2], 20_000 + 2 * leg));
                let port = plane.bind(local, &mut out);
                let session = SessionId(u64::from(leg));
                plane.on_order(Order::Open { session, local }, now, &mut out);
                let remote_is = Box::new(remote_of(remote, kind));
                plane.on_order(Order::Remote { session, remote: remote_is }, now, &mut out);
                let stamp = Stamp {
                    marker: false,
                    payload_type: payload_type(kind),
                    sequence: leg,
                    timestamp: 0,
                    ssrc: u32::from(leg),
                };
                far.push((port, remote, stamp));
            }
            let [one, two] = legs.map(|(leg, _)| SessionId(u64::from(leg)));
            for (session, other) in [(one, two), (two, one)] {
                let source = Source::Leg(other);
                plane.on_order(Order::Hear { session, source }, now, &mut out);
            }
            if taped {
                let (tape, file) = (TapeId(u64::from(call)), Arc::from("call.wav"));
                let order = Order::Tape { tape, left: one, right: Some(two), file };
                plane.on_order(order, now, &mut out);
            }
        }
        Self { plane, far, now, out }
    }

    /// Every leg says 20 ms.
    fn tick(&mut self, meter: &mut measure::Meter) {
        let mut packet = [0; 2048];
        let Self { plane, far, now, out } = self;
        meter.run(|| {
            for (port, from, stamp) in far {
                let length = stamp.write(&[0x7e; PAYLOAD], &mut packet).unwrap_or_default();
                let hop = plane.on_packet(*port, *from, &mut packet, length, *now, out);
                assert!(hop.is_some_and(|it| it.len == length), "every packet is relayed");
                stamp.sequence = stamp.sequence.wrapping_add(1);
                stamp.timestamp = stamp.timestamp.wrapping_add(PAYLOAD as u32);
            }
            *now = now.after(TICK);
            if plane.deadline().is_some_and(|at| at <= now.at) {
                plane.on_time(*now, out);
            }
        });
    }
}

fn payload_type(kind: &CodecKind) -> u8 {
    if *kind == CodecKind::Pcma { 8 } else { 0 }
}

fn remote_of(rtp: SocketAddr, kind: &CodecKind) -> Remote {
    let number = payload_type(kind);
    Remote {
        rtp: Some(rtp),
        rtcp: None,
        send: true,
        receive: true,
        codec: Codec { kind: kind.clone(), send_pt: number, receive_pt: number, clock: 8000 },
        keys: Keys::Events { send_pt: 101, receive_pt: 101, clock: 8000 },
        ptime: 20,
        latch: Latch::Address,
    }
}
