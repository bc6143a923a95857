//! Ringing, music, silence, packet times; reports about it all.

use super::rig::*;
use crate::audio::{ClipId, Law, Ringback, Source};
use crate::media::{CodecKind, Order, Remote, Report};
use crate::rtp::rtcp::{self, Block, Packet, Sender};
use crate::rtp::{Ntp, Stamp};

#[test]
fn ringing_is_sent_each_20_ms_with_its_cadence_in_the_far_ends_law() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.remote(A, Remote { codec: codec(CodecKind::Pcma), ..remote(1) });
    rig.hear(A, Source::Ringback(Ringback::Us));
    rig.pass(ms(5999));
    let sent = rig.to(1);
    assert_eq!(sent.len(), 300);
    assert!(sent.iter().enumerate().all(|(n, it)| it.at == 20 * n as u64));
    let silent = |it: &Sent| it.payload() == [Law::A.silence(); 160];
    assert!(sent[..100].iter().all(|it| !silent(it)));
    assert!(sent[100..].iter().all(silent));
    assert_continuous(&sent);
}

#[test]
fn ringing_said_again_does_not_begin_again() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.hear(A, Source::Ringback(Ringback::Us));
    rig.pass(ms(3000));
    rig.hear(A, Source::Ringback(Ringback::Us));
    rig.pass(ms(100));
    assert_eq!(rig.to(1).last().unwrap().payload(), [0xff; 160]);
}

#[test]
fn music_goes_round() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.clip(3, (0..100).map(|it| it * 300).collect());
    rig.hear(A, Source::Music(ClipId(3)));
    rig.pass(ms(60));
    let heard: Vec<u8> = rig.to(1).iter().flat_map(|it| it.payload().to_vec()).collect();
    let turn: Vec<u8> = (0..100).map(|it| Law::Mu.encode(it * 300)).collect();
    assert!(480 <= heard.len());
    assert!(heard.chunks(100).all(|it| it == &turn[..it.len()]));
}

#[test]
fn missing_music_is_silence_and_told_once() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.hear(A, Source::Music(ClipId(3)));
    rig.pass(ms(500));
    assert_eq!(rig.told().iter().filter(|it| it.starts_with("ClipMissing")).count(), 1);
    rig.clip(3, vec![5000; 100]);
    rig.pass(ms(100));
    assert_ne!(rig.to(1).last().unwrap().payload(), [0xff; 160], "it came after all");
}

#[test]
fn silence_begins_no_stream_but_keeps_one_going() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.hear(A, Source::Silence);
    rig.pass(ms(1000));
    assert!(rig.to(1).is_empty());
    rig.hear(A, Source::Ringback(Ringback::Us));
    rig.pass(ms(100));
    let rung = rig.to(1).len();
    rig.hear(A, Source::Silence);
    rig.pass(ms(100));
    let sent = rig.to(1);
    assert_eq!(sent.len(), rung + 5);
    assert!(sent[rung..].iter().all(|it| it.payload() == [0xff; 160]));
}

#[test]
fn packets_are_as_long_as_the_far_end_asked() {
    for (ptime, length) in [(10, 80), (30, 240), (40, 320), (60, 480)] {
        let (mut rig, ..) = Rig::with_two_legs();
        rig.remote(A, Remote { ptime, ..remote(1) });
        rig.hear(A, Source::Ringback(Ringback::Us));
        rig.pass(ms(1199));
        let sent = rig.to(1);
        assert!(sent.iter().all(|it| it.payload().len() == length));
        assert_eq!(sent.len() * length, 9600);
        let stamps: Vec<Stamp> = sent.iter().map(Sent::stamp).collect();
        for pair in stamps.windows(2) {
            assert_eq!(pair[1].timestamp.wrapping_sub(pair[0].timestamp), length as u32);
        }
        assert_continuous(&sent);
    }
}

#[test]
fn both_ends_get_reports_now_and_then_under_names_of_their_own() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.bridge();
    rig.talk(1000, &mut [(&mut a, 0x11)]);
    let (to_a, to_b) = (rig.control_to(1), rig.control_to(2));
    assert!((3..=9).contains(&to_a.len()) && (3..=9).contains(&to_b.len()));
    assert!(to_a.windows(2).all(|it| (2050..=6160).contains(&(it[1].at - it[0].at))));
    assert!(to_a.iter().zip(&to_b).any(|(a, b)| a.at != b.at), "both at one time");
    let read =
        |it: &Sent| rtcp::read(&it.bytes.clone()).map(|it| format!("{it:?}")).collect::<Vec<_>>();
    assert!(read(&to_a[0])[0].starts_with("ReceiverReport"), "A was sent nothing");
    assert!(read(&to_b[0])[0].starts_with("SenderReport"));
    let name = |it: &Sent| {
        rtcp::read(&it.bytes)
            .find_map(|it| match it {
                Packet::Cname { name, .. } => Some(name.to_vec()),
                _ => None,
            })
            .unwrap()
    };
    assert_ne!(name(&to_a[0]), name(&to_b[0]));
    assert_eq!(name(&to_a[0]), name(&to_a[1]));
    let Some(Packet::SenderReport { ssrc, sender, .. }) = rtcp::read(&to_b[0].bytes).next() else {
        panic!("no sender report");
    };
    let last = rig.to(2).into_iter().rfind(|it| it.at <= to_b[0].at).unwrap();
    assert_eq!(ssrc, last.stamp().ssrc);
    assert!(sender.timestamp.wrapping_sub(last.stamp().timestamp) <= 160);
    assert_eq!(u64::from(sender.packets) * 160, u64::from(sender.octets));
}

#[test]
fn what_the_far_end_reports_is_in_the_quality() {
    let (mut rig, mut a, mut b) = Rig::with_two_legs();
    rig.bridge();
    rig.talk(300, &mut [(&mut a, 0x11), (&mut b, 0x22)]);
    let ours = rig.control_to(2)[0].clone();
    let Some(Packet::SenderReport { ssrc, sender, .. }) = rtcp::read(&ours.bytes).next() else {
        panic!("no sender report");
    };
    // It holds the report for 100 ms; the rest of the time since is the way there and back.
    let since = rig.now.at.micros() / 1000 - 1000 - ours.at;
    rig.pass(ms(100));
    let block = Block {
        ssrc,
        lost: 4,
        jitter: 80,
        last_sr: sender.ntp.middle(),
        delay: ((since + 70) * 65_536 / 1000) as u32,
        ..Block::default()
    };
    let report =
        rtcp::Report { ssrc: 5, sender: None, block: Some(block), cname: b"b", bye: false };
    let from = std::net::SocketAddr::new(far(2).ip(), 6001);
    rig.control(b.port, from, &report);
    let quality = rig.plane.quality(B).unwrap();
    assert_eq!(quality.remote_lost, Some(4));
    assert_eq!(quality.remote_jitter_ms, Some(10.0));
    let trip = quality.round_trip_ms.unwrap();
    assert!((29.0..31.0).contains(&trip), "{trip}");
    assert_eq!((quality.packets_received, quality.packets_sent), (300, 300));
}

#[test]
fn our_report_answers_the_far_ends_sender_report() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.bridge();
    rig.talk(10, &mut [(&mut a, 0x11)]);
    let sender = Sender { ntp: Ntp(0x1111_2222_3333_4444), ..Sender::default() };
    let ssrc = a.stamp.ssrc;
    let report = rtcp::Report { ssrc, sender: Some(sender), block: None, cname: b"a", bye: false };
    let from = std::net::SocketAddr::new(far(1).ip(), 6001);
    rig.control(a.port, from, &report);
    rig.pass(ms(6000));
    let ours = rig.control_to(1)[0].clone();
    let Some(Packet::ReceiverReport { blocks, .. }) = rtcp::read(&ours.bytes).next() else {
        panic!("no receiver report");
    };
    let block = blocks.iter().next().unwrap();
    assert_eq!((block.ssrc, block.last_sr), (ssrc, 0x2222_3333));
    assert_eq!(block.highest & 0xffff, 109);
}

#[test]
fn strangers_reports_are_turned_away() {
    let (mut rig, ..) = Rig::with_two_legs();
    let report = rtcp::Report { ssrc: 5, sender: None, block: None, cname: b"x", bye: true };
    rig.control(crate::media::PortId(0), far(66), &report);
    assert_eq!(rig.plane.quality(A).unwrap().foreign, 1);
}

#[test]
fn a_closed_leg_says_goodbye_and_its_quality() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.bridge();
    rig.talk(10, &mut [(&mut a, 0x11)]);
    rig.order(Order::Close { session: B });
    let bye = rig.control_to(2).pop().unwrap();
    assert!(rtcp::read(&bye.bytes).any(|it| matches!(it, Packet::Goodbye { .. })));
    let closed = rig.out.reports.iter().find_map(|(_, it)| match it {
        Report::Closed { session: B, quality } => Some(quality.clone()),
        _ => None,
    });
    assert_eq!(closed.unwrap().packets_sent, 10);
}
