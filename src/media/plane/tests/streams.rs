//! A leg in conversation with a program.

use super::rig::*;
use crate::audio::{Law, Ringback, Source, StreamId};
use crate::media::{CodecKind, Keys, Order, Remote, Report, Say, Unheard};

const STREAM: StreamId = StreamId(9);

impl Rig {
    fn says_to(&mut self, stream: StreamId, say: Say) {
        self.order(Order::Stream { stream, say });
    }

    fn voices(&mut self, octet: u8, ms: usize) {
        self.says_to(STREAM, Say::Voice(vec![octet; 8 * ms].into()));
    }

    /// Marks that came back so far.
    fn marks(&self) -> Vec<String> {
        let marks = self.out.strands.iter().filter(|(.., at, _)| at.is_none());
        marks.map(|(.., name)| String::from_utf8(name.clone()).unwrap()).collect()
    }

    fn frames(&self) -> Vec<(u64, Vec<u8>)> {
        let frames = self.out.strands.iter().filter_map(|(.., at, it)| Some((*at.as_ref()?, it)));
        frames.map(|(at, it)| (at, it.clone())).collect()
    }
}

fn in_conversation() -> (Rig, Far) {
    let (mut rig, a, _) = Rig::with_two_legs();
    rig.hear(A, Source::Stream(STREAM));
    (rig, a)
}

#[test]
fn the_leg_hears_what_the_program_says_in_its_own_law() {
    let (mut rig, _) = in_conversation();
    rig.remote(A, Remote { codec: codec(CodecKind::Pcma), ..remote(1) });
    rig.voices(0x20, 500);
    rig.pass(ms(999));
    let sent = rig.to(1);
    assert_continuous(&sent);
    let octet = Law::A.encode(Law::Mu.decode(0x20));
    assert!(sent[..25].iter().all(|it| it.payload() == [octet; 160]));
    assert!(sent[25..].iter().all(|it| it.payload() == [Law::A.silence(); 160]));
    assert_eq!(sent.len(), 50, "the stream goes on through its silence");
}

#[test]
fn the_program_hears_the_leg_in_mu_law_frame_by_frame() {
    let (mut rig, mut a) = in_conversation();
    rig.remote(A, Remote { codec: codec(CodecKind::Pcma), ..remote(1) });
    a.stamp.payload_type = 8;
    rig.talk(50, &mut [(&mut a, 0x55)]);
    let frames = rig.frames();
    assert_eq!(frames.len(), 50);
    for (n, (at, octets)) in frames.iter().enumerate() {
        assert_eq!(*at, 20 * n as u64);
        assert_eq!(*octets, [Law::A.recode(Law::Mu, 0x55); 160]);
    }
    assert!(rig.out.strands.iter().all(|(stream, ..)| *stream == STREAM));
}

#[test]
fn a_key_of_the_leg_is_told_and_silent_for_the_program() {
    let (mut rig, mut a) = in_conversation();
    rig.talk(10, &mut [(&mut a, 0x20)]);
    rig.presses(&mut a, '5');
    rig.talk(10, &mut [(&mut a, 0x20)]);
    assert_eq!(rig.told().iter().filter(|it| it.starts_with("Key")).count(), 1);
    assert!(rig.frames().len() <= 27);
}

#[test]
fn marks_come_back_when_they_were_heard_and_at_once_when_cleared() {
    let (mut rig, _) = in_conversation();
    rig.voices(0x20, 200);
    rig.says_to(STREAM, Say::Mark("first".into()));
    rig.voices(0x20, 1000);
    rig.says_to(STREAM, Say::Mark("second".into()));
    rig.pass(ms(190));
    assert!(rig.marks().is_empty());
    rig.pass(ms(20));
    assert_eq!(rig.marks(), ["first"]);
    rig.says_to(STREAM, Say::Clear);
    rig.pass(ms(20));
    assert_eq!(rig.marks(), ["first", "second"]);
    let cleared = rig.to(1).len();
    rig.pass(ms(200));
    assert!(rig.to(1)[cleared..].iter().all(|it| it.payload() == [0xff; 160]));
}

#[test]
fn a_key_of_the_program_is_pressed_in_place_of_its_voice_which_waits() {
    for keys in [remote(1).keys, Keys::InBand] {
        let (mut rig, _) = in_conversation();
        rig.remote(A, Remote { keys, ..remote(1) });
        rig.voices(0x20, 400);
        rig.pass(ms(200));
        rig.says_to(STREAM, Say::Key(key('7')));
        rig.pass(ms(800));
        let sent = rig.to(1);
        let voice =
            sent.iter().filter(|it| it.stamp().payload_type == 0 && it.payload() == [0x20; 160]);
        assert_eq!(voice.count(), 20, "{keys:?}: nothing of the voice is lost");
        let codes: Vec<u8> = sent.iter().filter_map(|it| it.event()).map(|it| it.code).collect();
        if keys == Keys::InBand {
            let tone = |it: &&Sent| it.payload() != [0x20; 160] && it.payload() != [0xff; 160];
            assert_eq!(sent.iter().filter(tone).count(), 5);
        } else {
            assert!(!codes.is_empty() && codes.iter().all(|it| *it == 7));
        }
    }
}

#[test]
fn who_hears_something_else_hears_the_program_no_more_and_is_not_overheard() {
    let (mut rig, mut a) = in_conversation();
    rig.voices(0x20, 1000);
    rig.pass(ms(100));
    rig.hear(A, Source::Ringback(Ringback::Us));
    rig.out.sent.clear();
    rig.out.strands.clear();
    rig.voices(0x20, 1000);
    rig.says_to(STREAM, Say::Mark("late".into()));
    rig.talk(20, &mut [(&mut a, 0x30)]);
    assert!(rig.to(1).iter().all(|it| it.payload() != [0x20; 160]));
    assert!(rig.out.strands.is_empty());
    rig.hear(A, Source::Stream(StreamId(10)));
    rig.voices(0x20, 1000);
    rig.pass(ms(200));
    assert!(rig.to(1).iter().all(|it| it.payload() != [0x20; 160]), "it is another's now");
}

#[test]
fn a_program_that_floods_is_reported_once() {
    let (mut rig, _) = in_conversation();
    for _ in 0..70 {
        rig.voices(0x20, 1000);
    }
    let failed = rig.out.reports.iter().filter(|(_, it)| {
        matches!(it, Report::StreamFailed { stream: STREAM, why: Unheard::Flood })
    });
    assert_eq!(failed.count(), 1);
}

#[test]
fn a_leg_without_g711_cannot_speak_with_a_program() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.remote(A, Remote { codec: codec(CodecKind::Other("opus".into())), ..remote(1) });
    rig.hear(A, Source::Stream(STREAM));
    rig.pass(ms(500));
    let failed = rig.out.reports.iter().filter(|(_, it)| {
        matches!(it, Report::StreamFailed { stream: STREAM, why: Unheard::Codec })
    });
    assert_eq!(failed.count(), 1);
}

#[test]
fn both_sides_are_recorded_the_program_on_the_right() {
    let (mut rig, mut a) = in_conversation();
    rig.order(Order::Tape { tape: TAPE, left: A, right: None, file: "call.wav".into() });
    rig.voices(0x20, 1000);
    rig.talk(100, &mut [(&mut a, 0x30)]);
    rig.order(Order::TapeEnd { tape: TAPE, keep: true });
    let chunks = rig.out.wound.iter().filter_map(|it| match it {
        Wound::Chunk(_, octets) => Some(octets.as_slice()),
        _ => None,
    });
    let octets: Vec<u8> = chunks.flatten().copied().collect();
    let side = |n: usize| octets.iter().skip(n).step_by(2).copied().collect::<Vec<u8>>();
    let (left, right) = (side(0), side(1));
    assert_eq!(left.len(), 16_000);
    assert!(left.iter().filter(|it| **it == 0x30).count() > 15_600);
    assert!((7_800..=8_000).contains(&right.iter().filter(|it| **it == 0x20).count()));
    assert!(right[9_000..].iter().all(|it| *it == 0xff));
}

#[test]
fn one_leg_alone_can_be_recorded() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.order(Order::Tape { tape: TAPE, left: A, right: None, file: "message.wav".into() });
    rig.talk(50, &mut [(&mut a, 0x30)]);
    rig.order(Order::TapeEnd { tape: TAPE, keep: true });
    assert!(rig.out.wound.contains(&Wound::End(8_000)));
    assert!(!rig.told().iter().any(|it| it.starts_with("TapeFailed")));
}

#[test]
fn a_beep_sounds_over_what_the_program_says_and_in_its_silence_and_cuts_nothing() {
    let (mut rig, _) = in_conversation();
    rig.voices(0x20, 500);
    rig.says_to(STREAM, Say::Mark("said".into()));
    rig.pass(ms(200));
    rig.order(Order::Beep { session: A });
    rig.pass(ms(399));
    rig.order(Order::Beep { session: A });
    rig.pass(ms(400));
    let sent = rig.to(1);
    assert_continuous(&sent);
    let of = |octets: &[u8]| match octets {
        it if it == [0x20; 160] => 'v',
        it if it == [Law::Mu.silence(); 160] => '.',
        _ => 'b',
    };
    let heard: String = sent.iter().map(|it| of(it.payload())).collect();
    let wanted = ["v".repeat(11), "b".repeat(10), "v".repeat(4), ".".repeat(5)].concat();
    let second = ["b".repeat(10), ".".repeat(10)].concat();
    assert_eq!(heard, wanted + &second);
    assert_eq!(rig.marks(), ["said"]);
}
