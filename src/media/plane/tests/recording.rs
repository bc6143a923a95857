//! What ends up on tape, sample by sample.

use super::rig::*;
use crate::audio::{ClipId, Law, Line, Source};
use crate::media::{CodecKind, Order, Remote, Report};

/// The recording so far as (left, right) octets, silence where nothing was handed over.
fn recorded(rig: &Rig) -> Vec<(u8, u8)> {
    let mut frames = Vec::new();
    for it in &rig.out.wound {
        if let Wound::Chunk(at, octets) = it {
            assert!(frames.len() <= *at as usize, "handed over twice");
            frames.resize(*at as usize, (0xff, 0xff));
            frames.extend(octets.chunks(2).map(|it| (it[0], it[1])));
        }
    }
    frames
}

fn ended(rig: &mut Rig) -> Vec<(u8, u8)> {
    rig.order(Order::TapeEnd { tape: TAPE, keep: true });
    recorded(rig)
}

#[test]
fn caller_left_destination_right_from_the_first_packet_on() {
    let (mut rig, mut a, mut b) = Rig::with_two_legs();
    rig.bridge();
    rig.talk(10, &mut [(&mut a, 0x11), (&mut b, 0x22)]);
    rig.tape();
    rig.talk(100, &mut [(&mut a, 0x33), (&mut b, 0x44)]);
    let frames = ended(&mut rig);
    assert_eq!(rig.out.wound[0], Wound::Open("call.wav".into(), Law::Mu));
    assert_eq!(frames.len(), 16_000);
    assert!(frames.iter().all(|it| *it == (0x33, 0x44)));
    assert_eq!(rig.out.wound.last(), Some(&Wound::End(16_000)));
    assert!(matches!(rig.out.reports.last(), Some((_, Report::TapeClosed { ms: 2000, .. }))));
}

#[test]
fn jitter_loss_and_late_packets_leave_everything_in_its_place() {
    let (mut rig, a, _) = Rig::with_two_legs();
    rig.tape();
    let packet = |n: u32| {
        let mut far = a.clone();
        far.stamp.sequence += n as u16;
        far.stamp.timestamp += 160 * n;
        far
    };
    // When each packet arrives; 4 is lost, 6 and 7 change places, 9 is 100 ms late.
    let arrivals = [(0, 0), (35, 1), (42, 2), (60, 3), (100, 5), (125, 7), (140, 6), (160, 8)];
    let mut at = 0;
    for (when, n) in arrivals {
        rig.pass(ms(when - at));
        at = when;
        rig.says(&mut packet(n), &[n as u8; 160]);
    }
    rig.pass(ms(280 - at));
    rig.says(&mut packet(9), &[9; 160]);
    rig.pass(ms(120));
    let frames = ended(&mut rig);
    assert_eq!(frames.len(), 3200);
    for (n, frame) in frames.chunks(160).enumerate() {
        let expected = if n == 4 || 9 < n { 0xff } else { n as u8 };
        assert!(frame.iter().all(|it| it.0 == expected), "packet {n}: {:?}", frame[0]);
        assert!(frame.iter().all(|it| it.1 == 0xff));
    }
}

#[test]
fn a_new_stream_and_a_jump_are_laid_where_they_arrive() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.tape();
    rig.talk(50, &mut [(&mut a, 1)]);
    a.stamp.ssrc = 77;
    a.stamp.timestamp = 123;
    rig.talk(50, &mut [(&mut a, 2)]);
    a.stamp.timestamp = a.stamp.timestamp.wrapping_sub(1_000_000);
    rig.talk(50, &mut [(&mut a, 3)]);
    a.stamp.timestamp = a.stamp.timestamp.wrapping_add(90_000);
    rig.talk(50, &mut [(&mut a, 4)]);
    let frames = ended(&mut rig);
    for (n, frame) in frames.iter().enumerate() {
        assert_eq!(frame.0, (n / 8000 + 1) as u8, "frame {n}");
    }
}

#[test]
fn talk_after_silence_suppression_lies_where_it_was_said() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.tape();
    rig.talk(10, &mut [(&mut a, 1)]);
    rig.pass(ms(5000));
    a.stamp.timestamp += 40_000;
    rig.talk(10, &mut [(&mut a, 2)]);
    let frames = ended(&mut rig);
    assert_eq!(frames.len(), 1600 + 40_000 + 1600);
    assert!(frames[..1600].iter().all(|it| it.0 == 1));
    assert!(frames[1600..41_600].iter().all(|it| it.0 == 0xff));
    assert!(frames[41_600..].iter().all(|it| it.0 == 2));
}

#[test]
fn an_hour_with_a_clock_that_is_100_ppm_fast_stays_within_a_millisecond() {
    let (mut rig, mut a, mut b) = Rig::with_two_legs();
    rig.tape();
    // A's packets come every 19.998 ms of our time; now and then both say a pulse at once.
    let packets = 180_000u64;
    let mut pulses = Vec::new();
    let start = rig.now.at.micros();
    let (mut next_a, mut next_b) = (start, start);
    for n in 0..packets {
        rig.pass(std::time::Duration::from_micros(next_a.saturating_sub(rig.now.at.micros())));
        let pulse = n % 5000 == 4999;
        if pulse {
            pulses.push((rig.now.at.micros() - start) * 8 / 1000);
        }
        rig.says(&mut a, &[if pulse { 0x01 } else { 0xff }; 160]);
        next_a += 19_998;
        rig.pass(std::time::Duration::from_micros(next_b.saturating_sub(rig.now.at.micros())));
        rig.says(&mut b, &[0xff; 160]);
        next_b += 20_000;
        rig.out.sent.clear();
    }
    let frames = ended(&mut rig);
    assert_eq!(pulses.len(), 36);
    for pulse in pulses {
        let from = pulse.saturating_sub(800) as usize;
        let found = from + frames[from..].iter().position(|it| it.0 == 0x01).unwrap();
        let skew = found as i64 - pulse as i64;
        assert!(skew.abs() <= 8, "{skew} frames at {pulse}");
    }
    let holes = frames.windows(3).filter(|it| it[0].0 == 1 && it[1].0 != 1 && it[2].0 == 1);
    assert_eq!(holes.count(), 0);
}

#[test]
fn keys_are_never_on_tape() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.bridge();
    rig.tape();
    rig.talk(10, &mut [(&mut a, 0x11)]);
    rig.presses(&mut a, '5');
    rig.talk(10, &mut [(&mut a, 0x11)]);
    let frames = ended(&mut rig);
    assert_eq!(frames.len(), 27 * 160);
    assert!(frames[1600..1600 + 7 * 160].iter().all(|it| it.0 == 0xff));
    assert!(frames.iter().all(|it| it.0 == 0x11 || it.0 == 0xff));
}

#[test]
fn what_we_play_is_not_on_tape() {
    let (mut rig, mut a, mut b) = Rig::with_two_legs();
    rig.clip(5, vec![8000; 80_000]);
    rig.tape();
    rig.hear(A, Source::Music(ClipId(5)));
    rig.script(B, vec![Line::Say(ClipId(5))]);
    rig.talk(50, &mut [(&mut a, 0x11), (&mut b, 0x22)]);
    assert!(ended(&mut rig).iter().all(|it| *it == (0x11, 0x22)));
}

#[test]
fn a_muted_tape_runs_on_with_silence_and_not_one_frame_of_what_was_said() {
    let (mut rig, mut a, mut b) = Rig::with_two_legs();
    rig.tape();
    rig.talk(50, &mut [(&mut a, 0x11), (&mut b, 0x22)]);
    rig.order(Order::TapeMute { tape: TAPE, mute: true });
    rig.talk(100, &mut [(&mut a, 0x77), (&mut b, 0x77)]);
    rig.order(Order::TapeMute { tape: TAPE, mute: false });
    rig.talk(50, &mut [(&mut a, 0x33), (&mut b, 0x44)]);
    let frames = ended(&mut rig);
    assert_eq!(frames.len(), 4 * 8000);
    assert!(frames[..8000].iter().all(|it| *it == (0x11, 0x22)));
    assert!(frames[8000..24_000].iter().all(|it| *it == (0xff, 0xff)));
    assert!(frames[24_000..].iter().all(|it| *it == (0x33, 0x44)));
}

#[test]
fn the_left_legs_law_is_the_tapes_and_the_other_is_turned_into_it() {
    let (mut rig, mut a, mut b) = Rig::with_two_legs();
    rig.remote(A, Remote { codec: codec(CodecKind::Pcma), ..remote(1) });
    a.stamp.payload_type = 8;
    rig.tape();
    rig.talk(10, &mut [(&mut a, 0x11), (&mut b, 0x22)]);
    let frames = ended(&mut rig);
    assert_eq!(rig.out.wound[0], Wound::Open("call.wav".into(), Law::A));
    assert!(frames.iter().all(|it| *it == (0x11, Law::Mu.recode(Law::A, 0x22))));
}

#[test]
fn another_codec_is_silence_and_a_failure_told() {
    let (mut rig, mut a, mut b) = Rig::with_two_legs();
    let opus = codec(CodecKind::Other("opus".into()));
    rig.remote(B, Remote { codec: opus, ..remote(2) });
    b.stamp.payload_type = 111;
    rig.tape();
    assert!(rig.told().iter().any(|it| it.starts_with("TapeFailed")));
    rig.talk(10, &mut [(&mut a, 0x11), (&mut b, 0x22)]);
    assert!(ended(&mut rig).iter().all(|it| *it == (0x11, 0xff)));
}

#[test]
fn a_stuck_writer_costs_sound_but_not_time() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.tape();
    rig.talk(50, &mut [(&mut a, 0x11)]);
    rig.out.writer_is_stuck = true;
    rig.talk(50, &mut [(&mut a, 0x11)]);
    rig.out.writer_is_stuck = false;
    rig.talk(50, &mut [(&mut a, 0x11)]);
    let gaps: Vec<_> = rig
        .out
        .reports
        .iter()
        .filter_map(|(_, it)| match it {
            Report::TapeGap { ms, .. } => Some(*ms),
            _ => None,
        })
        .collect();
    assert_eq!(gaps, [1000]);
    let frames = ended(&mut rig);
    assert_eq!(frames.len(), 24_000);
    assert_eq!(frames.iter().filter(|it| it.0 == 0x11).count(), 16_000);
}

#[test]
fn an_end_that_finds_no_room_is_offered_again() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.tape();
    rig.talk(50, &mut [(&mut a, 0x11)]);
    rig.out.writer_is_stuck = true;
    rig.order(Order::TapeEnd { tape: TAPE, keep: true });
    rig.out.writer_is_stuck = false;
    rig.pass(ms(1000));
    assert_eq!(rig.out.wound.last(), Some(&Wound::End(8000)));
    rig.order(Order::TapeEnd { tape: TAPE, keep: true });
    assert_eq!(rig.told().iter().filter(|it| it.starts_with("TapeClosed")).count(), 1);
}

#[test]
fn two_silent_legs_are_an_hour_of_silence() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.tape();
    rig.pass(ms(3_600_000));
    let frames = ended(&mut rig);
    assert_eq!(frames.len(), 3600 * 8000);
    assert!(frames.iter().all(|it| *it == (0xff, 0xff)));
}

#[test]
fn a_tape_of_a_leg_that_is_gone_fails() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.order(Order::Close { session: B });
    rig.tape();
    assert!(rig.told().iter().any(|it| it.starts_with("TapeFailed")));
    assert!(rig.out.wound.is_empty());
}

#[test]
fn one_leg_alone_is_left_and_its_right_side_is_silent() {
    let (mut rig, mut a, mut b) = Rig::with_two_legs();
    rig.order(Order::Tape { tape: TAPE, left: A, right: None, file: "message.wav".into() });
    rig.talk(50, &mut [(&mut a, 0x33), (&mut b, 0x44)]);
    let frames = ended(&mut rig);
    assert_eq!(frames.len(), 8000);
    assert!(frames.iter().all(|it| *it == (0x33, 0xff)));
    assert!(!rig.told().iter().any(|it| it.starts_with("TapeFailed")));
}

#[test]
fn a_recording_that_is_not_to_be_kept_ends_as_one_to_be_thrown_away() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.order(Order::Tape { tape: TAPE, left: A, right: None, file: "message.wav".into() });
    rig.talk(10, &mut [(&mut a, 0x33)]);
    rig.order(Order::TapeEnd { tape: TAPE, keep: false });
    assert_eq!(rig.out.wound.last(), Some(&Wound::Dropped(1600)));
}
