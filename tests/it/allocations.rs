//! What is done for every message and every packet takes nothing from the heap.

#[path = "../../benches/allocations.rs"]
mod counted;

use std::net::SocketAddr;

use bytes::Bytes;
use crosspoint::audio::{Source, StreamId};
use crosspoint::clock::{Instant, Now, Wall};
use crosspoint::media::{
    Channel, Codec, CodecKind, Config, Keys, Latch, Order, Outlet, Plane, Reel, Remote, Report,
    SessionId, Strand,
};
use crosspoint::rtp::Stamp;
use crosspoint::sip;

/// How often the heap was asked for memory while this was done.
fn allocations(work: impl FnOnce()) -> u64 {
    let before = counted::taken().count;
    work();
    counted::taken().count - before
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![1_u8; 100]))), 1);
    assert_eq!(allocations(|| ()), 0);
}

#[test]
fn reading_the_head_of_a_message_of_40_lines_takes_no_memory() {
    let mut text = String::from(
        "INVITE sip:15551230000@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\
         From: \"A\" <sip:a@b>;tag=1\r\nTo: <sip:x@y>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n",
    );
    for n in 0..35 {
        text.push_str(&format!("X-{n}: y\r\n"));
    }
    text.push_str("\r\n");
    let bytes = Bytes::from(text);
    let copy = bytes.clone();
    assert_eq!(allocations(|| drop(sip::parse(copy))), 0);
    assert!(sip::parse(bytes).is_ok());
}

#[test]
fn relaying_a_packet_takes_no_memory_between_the_same_and_between_different_codecs() {
    for right in [CodecKind::Pcmu, CodecKind::Pcma] {
        let (mut plane, now) = (Plane::new(Config::default(), [7; 32]), now());
        let legs = [(SessionId(1), 4000, CodecKind::Pcmu), (SessionId(2), 4002, right)];
        for (session, port, kind) in legs {
            let local = SocketAddr::from(([127, 0, 0, 1], port));
            plane.bind(local, &mut Nothing);
            plane.on_order(Order::Open { session, local }, now, &mut Nothing);
            let remote = Box::new(remote(far(port), kind));
            plane.on_order(Order::Remote { session, remote }, now, &mut Nothing);
        }
        for (session, other) in [(SessionId(1), SessionId(2)), (SessionId(2), SessionId(1))] {
            plane.on_order(Order::Hear { session, source: Source::Leg(other) }, now, &mut Nothing);
        }
        let local = SocketAddr::from(([127, 0, 0, 1], 4000));
        let port = plane.port(local).unwrap();
        let mut packet = [0; 512];
        let mut said = |sequence: u16| {
            let timestamp = 160 * u32::from(sequence);
            let stamp = Stamp { marker: false, payload_type: 0, sequence, timestamp, ssrc: 1 };
            let length = stamp.write(&[0x7e; 160], &mut packet).unwrap();
            plane.on_packet(port, far(4000), &mut packet, length, now, &mut Nothing).is_some()
        };
        assert!(said(1));
        let taken = allocations(|| assert!((2..100).all(&mut said)));
        assert_eq!(taken, 0);
    }
}

/// An outlet that throws away.
struct Nothing;

impl Outlet for Nothing {
    fn send(&mut self, _: crosspoint::media::PortId, _: Channel, _: SocketAddr, _: &[u8]) {}

    fn report(&mut self, _: Report) {}

    fn tape(&mut self, _: Reel<'_>) -> bool {
        true
    }

    fn stream(&mut self, _: StreamId, _: Strand<'_>) {}
}

fn now() -> Now {
    Now { at: Instant::from_micros(1), wall: Wall::default() }
}

fn far(port: u16) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 1], port))
}

fn remote(rtp: SocketAddr, kind: CodecKind) -> Remote {
    let number = if kind == CodecKind::Pcma { 8 } else { 0 };
    Remote {
        rtp: Some(rtp),
        rtcp: None,
        send: true,
        receive: true,
        codec: Codec { kind, send_pt: number, receive_pt: number, clock: 8000 },
        keys: Keys::InBand,
        ptime: 20,
        latch: Latch::Exact,
    }
}
