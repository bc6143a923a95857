//! Two legs joined: in place, continuous, from whom they should, and nobody else.

use super::rig::*;
use crate::audio::{Detector, Digit, Law, Ringback, Source, Tone};
use crate::media::{CodecKind, Keys, Latch, Order, PortId, Remote, Report};
use crate::rtp::{Event, Header};

#[test]
fn a_relayed_packet_goes_on_from_the_other_port_with_its_sound_untouched() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.bridge();
    assert!(rig.says(&mut a, &[0x42; 160]));
    let sent = rig.to(2);
    assert_eq!((sent[0].port, sent[0].payload()), (PortId(1), &[0x42; 160][..]));
    assert_ne!(sent[0].stamp().ssrc, a.stamp.ssrc, "the far ends do not see each other's SSRC");
}

#[test]
fn nobody_hears_anybody_until_told_and_after_told_otherwise() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    assert!(!rig.says(&mut a, &[0x42; 160]));
    rig.bridge();
    assert!(rig.says(&mut a, &[0x42; 160]));
    rig.hear(B, Source::Silence);
    assert!(!rig.says(&mut a, &[0x42; 160]));
}

#[test]
fn each_law_is_spoken_to_those_who_speak_it() {
    let (mut rig, mut a, mut b) = Rig::with_two_legs();
    rig.remote(B, Remote { codec: codec(CodecKind::Pcma), ..remote(2) });
    b.stamp.payload_type = 8;
    rig.bridge();
    rig.says(&mut a, &[0x10; 160]);
    rig.says(&mut b, &[0x2a; 160]);
    let (to_a, to_b) = (rig.to(1), rig.to(2));
    assert_eq!(to_b[0].stamp().payload_type, 8);
    assert_eq!(to_b[0].payload(), [Law::Mu.recode(Law::A, 0x10); 160]);
    assert_eq!(to_a[0].stamp().payload_type, 0);
    assert_eq!(to_a[0].payload(), [Law::A.recode(Law::Mu, 0x2a); 160]);
}

#[test]
fn other_codecs_pass_when_both_legs_share_them_and_not_otherwise() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    let opus = codec(CodecKind::Other("opus".into()));
    rig.remote(A, Remote { codec: opus.clone(), ..remote(1) });
    rig.bridge();
    a.stamp.payload_type = 111;
    assert!(!rig.says(&mut a, b"opus"));
    rig.remote(B, Remote { codec: crate::media::Codec { send_pt: 98, ..opus }, ..remote(2) });
    assert!(rig.says(&mut a, b"opus"));
    assert_eq!(rig.to(2)[0].stamp().payload_type, 98);
    assert_eq!(rig.to(2)[0].payload(), b"opus");
}

#[test]
fn one_stream_through_ringing_silence_and_two_bridges() {
    let (mut rig, _, mut b) = Rig::with_two_legs();
    rig.hear(A, Source::Ringback(Ringback::Uk));
    rig.pass(ms(500));
    rig.hear(A, Source::Silence);
    rig.pass(ms(200));
    rig.bridge();
    rig.talk(20, &mut [(&mut b, 0x22)]);
    rig.hear(A, Source::Ringback(Ringback::Eu));
    rig.pass(ms(300));
    b.stamp.ssrc = 99;
    b.stamp.sequence = 40_000;
    b.stamp.timestamp = 5;
    rig.bridge();
    rig.talk(20, &mut [(&mut b, 0x22)]);
    let sent = rig.to(1);
    assert_continuous(&sent);
    let whole = sent.last().unwrap().stamp().timestamp.wrapping_sub(sent[0].stamp().timestamp);
    let time = (sent.last().unwrap().at - sent[0].at) as u32 * 8;
    // A frame of ours ends 20 ms after it was sent: each change of source may add as much.
    assert!(whole.abs_diff(time) <= 3 * 160, "{whole} {time}");
}

#[test]
fn a_loss_on_one_side_is_a_loss_on_the_other() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.bridge();
    rig.talk(3, &mut [(&mut a, 0x11)]);
    a.stamp.sequence += 2;
    a.stamp.timestamp += 320;
    rig.talk(1, &mut [(&mut a, 0x11)]);
    let sent = rig.to(2);
    let gap = sent[3].stamp().sequence.wrapping_sub(sent[2].stamp().sequence);
    assert_eq!(gap, 3);
    assert_eq!(rig.plane.quality(A).unwrap().packets_lost, 2);
}

#[test]
fn keys_pass_with_the_other_sides_payload_type_and_clock_and_are_told_once() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    let keys = Keys::Events { send_pt: 97, receive_pt: 97, clock: 16_000 };
    rig.remote(B, Remote { keys, ..remote(2) });
    rig.bridge();
    rig.talk(5, &mut [(&mut a, 0x11)]);
    rig.presses(&mut a, '6');
    let events: Vec<_> = rig.to(2).into_iter().filter(|it| it.stamp().payload_type == 97).collect();
    assert_eq!(events.len(), 7);
    assert!(events[0].stamp().marker && !events[1].stamp().marker);
    assert!(events.iter().all(|it| it.stamp().timestamp == events[0].stamp().timestamp));
    let durations: Vec<_> =
        events.iter().map(|it| Event::read(it.payload()).unwrap().duration).collect();
    assert_eq!(durations, [320, 640, 960, 1280, 1600, 1600, 1600]);
    let told: Vec<_> = rig.told().into_iter().filter(|it| it.starts_with("Key")).collect();
    assert_eq!(told.len(), 1);
    assert_continuous(&rig.to(2));
}

#[test]
fn swallowed_keys_are_told_but_not_passed_and_leave_no_hole() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.bridge();
    rig.order(Order::SwallowKeys { session: A, on: true });
    rig.talk(5, &mut [(&mut a, 0x11)]);
    rig.presses(&mut a, '*');
    rig.talk(5, &mut [(&mut a, 0x11)]);
    let sent = rig.to(2);
    assert!(sent.iter().all(|it| it.event().is_none()));
    assert_continuous(&sent);
    assert_eq!(rig.told().iter().filter(|it| it.starts_with("Key")).count(), 1);
    rig.order(Order::SwallowKeys { session: A, on: false });
    rig.presses(&mut a, '1');
    assert!(rig.to(2).iter().any(|it| it.event().is_some()));
}

#[test]
fn a_far_end_without_events_gets_the_other_sides_keys_as_tones() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.remote(B, Remote { keys: Keys::InBand, ..remote(2) });
    rig.bridge();
    rig.talk(5, &mut [(&mut a, 0xff)]);
    for c in "12#".chars() {
        rig.presses(&mut a, c);
        rig.talk(5, &mut [(&mut a, 0xff)]);
    }
    rig.talk(20, &mut [(&mut a, 0x11)]);
    let sent = rig.to(2);
    assert!(sent.iter().all(|it| it.stamp().payload_type == 0));
    let mut detector = Detector::default();
    let samples = |it: &Sent| it.payload().iter().map(|it| Law::Mu.decode(*it)).collect::<Vec<_>>();
    let heard: String =
        sent.iter().filter_map(|it| detector.hear(&samples(it))).map(Digit::as_char).collect();
    assert_eq!(heard, "12#");
    assert_continuous(&sent);
    assert_eq!(sent.last().unwrap().payload(), [0x11; 160], "and then the voice again");
    assert!(ms(20) < rig.plane.deadline().unwrap().since(rig.now.at), "no more ticks");
}

#[test]
fn keys_by_signalling_reach_the_other_side_as_it_takes_them() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.bridge();
    rig.talk(5, &mut [(&mut a, 0x11)]);
    rig.order(Order::Key { session: A, digit: key('4') });
    rig.talk(20, &mut [(&mut a, 0x11)]);
    let events: Vec<_> = rig.to(2).iter().filter_map(Sent::event).collect();
    assert_eq!(events.len(), 7);
    assert!(events.iter().all(|it| it.code == 4));
    assert_continuous(&rig.to(2));
    rig.remote(B, Remote { keys: Keys::Outside, ..remote(2) });
    rig.order(Order::Key { session: A, digit: key('5') });
    let told = rig.told();
    assert_eq!(told.iter().filter(|it| it.starts_with("Key")).count(), 2);
    assert_eq!(told.iter().filter(|it| it.starts_with("Press")).count(), 1);
}

#[test]
fn a_key_that_went_down_before_anybody_listened_is_not_half_heard() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    a.stamp.payload_type = EVENTS;
    for tick in 1..=10u16 {
        if tick == 4 {
            rig.bridge();
        }
        let event = Event { code: 5, end: 8 <= tick, volume: 10, duration: 160 * tick.min(8) };
        rig.sends(&mut a, &event.payload());
        rig.pass(ms(20));
    }
    a.stamp.payload_type = 0;
    a.stamp.timestamp += 1600;
    rig.presses(&mut a, '6');
    let keys: Vec<_> = rig.to(2).iter().filter_map(Sent::event).map(|it| it.code).collect();
    assert!(!keys.is_empty() && keys.iter().all(|it| *it == 6), "{keys:?}");
}

#[test]
fn a_swallowed_key_in_the_voice_is_heard_for_one_packet_at_most() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.remote(A, Remote { keys: Keys::InBand, ..remote(1) });
    rig.bridge();
    rig.order(Order::SwallowKeys { session: A, on: true });
    let mut tone = Tone::key(key('*'));
    let mut frame = [0; 160];
    let mut octets = [0; 160];
    for n in 0..20 {
        frame.fill(0);
        if (5..10).contains(&n) {
            tone.fill(&mut frame);
        }
        Law::Mu.encode_into(&frame, &mut octets);
        rig.says(&mut a, &octets);
        rig.pass(ms(20));
    }
    assert_eq!(rig.told().iter().filter(|it| it.starts_with("Key")).count(), 1);
    let sent = rig.to(2);
    assert_eq!(sent.len(), 20);
    let loud = |it: &&Sent| it.payload().iter().any(|it| 1000 < Law::Mu.decode(*it).unsigned_abs());
    assert!(sent.iter().filter(loud).count() <= 1);
    assert_continuous(&sent);
}

#[test]
fn swallowed_keys_are_not_dialled_either() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.remote(B, Remote { keys: Keys::Outside, ..remote(2) });
    rig.bridge();
    rig.order(Order::SwallowKeys { session: A, on: true });
    rig.presses(&mut a, '1');
    rig.order(Order::Key { session: A, digit: key('5') });
    assert!(!rig.told().iter().any(|it| it.starts_with("Press")));
}

#[test]
fn comfort_noise_passes() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.bridge();
    a.stamp.payload_type = 13;
    assert!(rig.sends(&mut a, &[40]));
    assert_eq!(rig.to(2)[0].stamp().payload_type, 13);
}

#[test]
fn an_attackers_packets_are_neither_relayed_nor_answered() {
    for latch in [Latch::Exact, Latch::Address, Latch::Any { home: None }] {
        let (mut rig, mut a, _) = Rig::with_two_legs();
        rig.remote(A, Remote { latch, ..remote(1) });
        rig.bridge();
        rig.talk(2, &mut [(&mut a, 0x11)]);
        let mut attacker = rig.far(0, 66);
        for _ in 0..50 {
            assert!(!rig.says(&mut attacker, &[0x66; 160]), "{latch:?}");
        }
        rig.talk(2, &mut [(&mut a, 0x11)]);
        assert_eq!(rig.plane.quality(A).unwrap().foreign, 50);
        assert_eq!(rig.to(2).len(), 4);
        assert_continuous(&rig.to(2));
        assert!(rig.to(66).is_empty());
    }
}

#[test]
fn a_phone_behind_nat_is_sent_to_where_it_speaks_from() {
    let (mut rig, _, mut b) = Rig::with_two_legs();
    rig.remote(A, Remote { latch: Latch::Any { home: None }, ..remote(1) });
    rig.bridge();
    rig.says(&mut b, &[0x22; 160]);
    assert_eq!(rig.to(1).len(), 1, "to the signalled address at first");
    let mut phone = rig.far(0, 50);
    rig.talk(3, &mut [(&mut phone, 0x50)]);
    rig.says(&mut b, &[0x22; 160]);
    assert_eq!((rig.to(1).len(), rig.to(50).len()), (1, 1));
    assert_eq!(rig.to(50)[0].port, PortId(0), "from the same port of ours");
    assert_eq!(rig.plane.quality(A).unwrap().source, Some(far(50)));
}

#[test]
fn a_new_answer_moves_the_far_end_at_once() {
    let (mut rig, mut a, mut b) = Rig::with_two_legs();
    rig.bridge();
    rig.talk(3, &mut [(&mut a, 0x11), (&mut b, 0x22)]);
    rig.remote(A, remote(3));
    assert!(!rig.says(&mut a, &[0x11; 160]), "the old source is a stranger now");
    let mut moved = rig.far(0, 3);
    assert!(rig.says(&mut moved, &[0x33; 160]));
    rig.says(&mut b, &[0x22; 160]);
    assert_eq!(rig.to(3).len(), 1);
    assert_continuous(&rig.to(2));
}

#[test]
fn a_leg_on_hold_is_neither_sent_to_nor_listened_to() {
    let (mut rig, mut a, mut b) = Rig::with_two_legs();
    rig.bridge();
    rig.remote(A, Remote { rtp: None, send: false, receive: false, ..remote(1) });
    assert!(!rig.says(&mut a, &[0x11; 160]));
    assert!(!rig.says(&mut b, &[0x22; 160]));
    rig.remote(A, remote(1));
    assert!(rig.says(&mut a, &[0x11; 160]));
    assert!(rig.says(&mut b, &[0x22; 160]));
}

#[test]
fn two_may_hear_one() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    let third = crate::media::SessionId(3);
    rig.plane.bind(local(4004), &mut rig.out);
    rig.order(Order::Open { session: third, local: local(4004) });
    rig.remote(third, Remote { codec: codec(CodecKind::Pcma), ..remote(3) });
    rig.bridge();
    rig.hear(third, Source::Leg(A));
    rig.talk(3, &mut [(&mut a, 0x11)]);
    assert_eq!((rig.to(2).len(), rig.to(3).len()), (3, 3));
    assert_eq!(rig.to(2)[0].payload(), [0x11; 160]);
    assert_eq!(rig.to(3)[0].payload(), [Law::Mu.recode(Law::A, 0x11); 160]);
    rig.order(Order::Close { session: third });
    rig.talk(1, &mut [(&mut a, 0x11)]);
    assert_eq!((rig.to(2).len(), rig.to(3).len()), (4, 3));
}

#[test]
fn garbage_on_the_port_harms_nothing() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.bridge();
    let mut state = 5u32;
    for length in 0..600 {
        let bytes: Vec<u8> = (0..length % 90)
            .map(|n| {
                state = state.wrapping_mul(1664525).wrapping_add(1013904223);
                if n == 0 { 0x80 | (state >> 30) as u8 } else { (state >> 24) as u8 }
            })
            .collect();
        rig.datagram(PortId(0), far(1), &bytes);
        rig.plane.on_control(PortId(0), far(1), &bytes, rig.now);
        rig.plane.on_control(PortId(99), far(1), &bytes, rig.now);
    }
    rig.datagram(PortId(99), far(1), &[0x80; 172]);
    assert!(rig.says(&mut a, &[0x11; 160]));
}

#[test]
fn a_port_rests_after_its_call_and_a_stale_stream_reaches_nobody() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.bridge();
    rig.talk(5, &mut [(&mut a, 0x11)]);
    rig.order(Order::Close { session: A });
    rig.order(Order::Close { session: B });
    let free = |rig: &Rig| -> Vec<(u64, u16)> {
        let free = |(at, it): &(u64, Report)| match it {
            Report::Free { local } => Some((*at, local.port())),
            _ => None,
        };
        rig.out.reports.iter().filter_map(free).collect()
    };
    assert_eq!(free(&rig), [(100, 4002)], "nothing ever came to B's port");
    let before = rig.out.sent.len();
    rig.talk(100, &mut [(&mut a, 0x11)]);
    assert_eq!(free(&rig).len(), 1, "A's far end is still sending");
    rig.pass(ms(3000));
    assert_eq!(free(&rig)[1], (100 + 1980 + 2000, 4000));
    assert_eq!(rig.out.sent.len(), before);
    // A stale stream after all, into a new session on that port.
    let c = crate::media::SessionId(3);
    rig.order(Order::Open { session: c, local: local(4000) });
    rig.remote(c, remote(9));
    rig.order(Order::Open { session: B, local: local(4002) });
    rig.remote(B, remote(2));
    rig.hear(B, Source::Leg(c));
    assert!(!rig.says(&mut a, &[0x11; 160]));
}

#[test]
fn late_orders_for_a_closed_session_find_nobody() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.bridge();
    rig.order(Order::Close { session: B });
    rig.hear(B, Source::Ringback(Ringback::Us));
    rig.remote(B, remote(2));
    rig.order(Order::Close { session: B });
    rig.pass(ms(100));
    assert!(!rig.says(&mut a, &[0x11; 160]));
    assert_eq!(rig.told().iter().filter(|it| it.starts_with("Closed")).count(), 1);
    assert_eq!(rig.plane.sessions(), 1);
}

#[test]
fn a_silent_far_end_is_reported_once() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.remote(B, Remote { receive: false, ..remote(2) });
    rig.talk(5, &mut [(&mut a, 0x11)]);
    rig.pass(ms(200_000));
    let lost: Vec<_> = rig.told().into_iter().filter(|it| it.starts_with("Lost")).collect();
    assert_eq!(lost.len(), 1, "{lost:?}");
    let (at, _) = rig.out.reports.iter().find(|(_, it)| matches!(it, Report::Lost { .. })).unwrap();
    assert_eq!(*at, 80 + 60_000);
    rig.talk(1, &mut [(&mut a, 0x11)]);
    rig.pass(ms(61_000));
    assert_eq!(rig.told().iter().filter(|it| it.starts_with("Lost")).count(), 2);
}

#[test]
fn a_pure_relay_is_not_woken_for_ticks() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.bridge();
    let next = rig.plane.deadline().unwrap();
    assert!(ms(2000) < next.since(rig.now.at), "the next thing is RTCP");
}

#[test]
fn headers_with_extensions_are_relayed_whole() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.bridge();
    a.stamp.marker = false;
    let mut bytes = vec![0x91, 0, 0, 9, 0, 0, 0, 9, 0, 0, 0, 9];
    bytes.extend([0xaa; 4]);
    bytes.extend([0xbe, 0xde, 0, 1, 0x10, 7, 0, 0]);
    bytes.extend([0x33; 80]);
    assert!(rig.datagram(a.port, a.address, &bytes));
    let sent = &rig.to(2)[0];
    assert_eq!(sent.bytes.len(), bytes.len());
    let header = Header::read(&sent.bytes).unwrap();
    assert_eq!(&sent.bytes[header.payload()], [0x33; 80]);
}
