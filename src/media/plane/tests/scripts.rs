//! Extensions, dial pauses, whispers and accept prompts, to the packet (PRODUCT.md section 13).

use super::rig::*;
use crate::audio::{Accept, ClipId, Detector, Digit, Law, Line, Ringback, Source, Tone};
use crate::media::{CodecKind, Keys, Order, Report};

/// `3ww1928` as the model writes it: `w` is half a second.
fn extension(text: &str) -> Vec<Line> {
    text.chars()
        .map(|c| match c {
            'w' => Line::Wait(ms(500)),
            'W' => Line::Wait(ms(1000)),
            c => Line::Press(key(c)),
        })
        .collect()
}

/// When each digit begins and ends, in milliseconds, and which it is.
fn pressed(sent: &[Sent]) -> Vec<(u64, u64, char)> {
    let mut keys: Vec<(u64, u64, char)> = Vec::new();
    for it in sent {
        let Some(event) = it.event() else { continue };
        let digit = Digit::from_event(event.code).unwrap().as_char();
        if it.stamp().marker {
            keys.push((it.at, 0, digit));
        }
        let last = keys.last_mut().unwrap();
        assert_eq!(last.2, digit);
        if event.end && last.1 == 0 {
            last.1 = it.at;
        }
    }
    keys
}

fn lines(rig: &Rig) -> Vec<(u64, u16)> {
    let line = |(at, it): &(u64, Report)| match it {
        Report::Line { line, .. } => Some((*at, *line)),
        _ => None,
    };
    rig.out.reports.iter().filter_map(line).collect()
}

fn done_at(rig: &Rig) -> Option<u64> {
    let done = |(at, it): &(u64, Report)| matches!(it, Report::ScriptDone { .. }).then_some(*at);
    rig.out.reports.iter().find_map(done)
}

#[test]
fn three_ww_1928_is_timed_exactly_on_the_wire() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.script(B, extension("3ww1928"));
    rig.pass(ms(3000));
    let begins: Vec<_> = pressed(&rig.to(2)).iter().map(|it| (it.0, it.2)).collect();
    assert_eq!(begins, [(0, '3'), (1200, '1'), (1400, '9'), (1600, '2'), (1800, '8')]);
    assert_eq!(
        lines(&rig),
        [(0, 0), (200, 1), (700, 2), (1200, 3), (1400, 4), (1600, 5), (1800, 6)]
    );
    assert_eq!(done_at(&rig), Some(2000));
    let sent = rig.to(2);
    assert_continuous(&sent);
    let first = sent[0].stamp().timestamp;
    for it in sent.iter().filter(|it| it.event().is_none() || it.stamp().marker) {
        let moved = u64::from(it.stamp().timestamp.wrapping_sub(first));
        assert_eq!(moved, it.at * 8, "time stamps are the clock's");
    }
}

#[test]
fn a_digit_is_one_timestamp_growing_durations_and_three_ends() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.script(B, extension("5"));
    rig.pass(ms(199));
    let sent = rig.to(2);
    let (events, voice): (Vec<_>, Vec<_>) = sent.into_iter().partition(|it| it.event().is_some());
    let said: Vec<_> = events
        .iter()
        .map(|it| {
            let event = it.event().unwrap();
            (it.at, it.stamp().marker, event.duration, event.end)
        })
        .collect();
    assert_eq!(
        said,
        [
            (0, true, 160, false),
            (20, false, 320, false),
            (40, false, 480, false),
            (60, false, 640, false),
            (80, false, 800, true),
            (100, false, 800, true),
            (120, false, 800, true),
        ]
    );
    let first = events[0].stamp().timestamp;
    assert!(events.iter().all(|it| it.stamp().timestamp == first));
    let moved: Vec<_> =
        voice.iter().map(|it| (it.at, it.stamp().timestamp.wrapping_sub(first))).collect();
    assert_eq!(moved, [(140, 7 * 160), (160, 8 * 160), (180, 9 * 160)]);
    assert!(voice.iter().all(|it| it.payload() == [0xff; 160]), "silence in the gap");
}

#[test]
fn a_dial_pause_is_the_same_on_the_wire_as_leading_waits() {
    let wire = |lines: Vec<Line>| {
        let (mut rig, ..) = Rig::with_two_legs();
        rig.script(B, lines);
        rig.pass(ms(4000));
        rig.to(2).into_iter().map(|it| (it.at, it.bytes)).collect::<Vec<_>>()
    };
    let mut paused = vec![Line::Wait(ms(2000))];
    paused.extend(extension("12"));
    let paused = wire(paused);
    assert_eq!(paused, wire(extension("wwww12")));
    assert!(!paused.is_empty());
}

#[test]
fn fifty_digits_do_not_drift() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.script(B, extension(&"7".repeat(50)));
    rig.pass(ms(11_000));
    let keys = pressed(&rig.to(2));
    let expected: Vec<_> = (0..50).map(|n| (n * 200, n * 200 + 80, '7')).collect();
    assert_eq!(keys, expected);
}

#[test]
fn waits_that_are_no_whole_ticks_do_not_add_up() {
    let (mut rig, ..) = Rig::with_two_legs();
    let mut lines = vec![Line::Wait(ms(7)); 100];
    lines.push(Line::Press(key('1')));
    rig.script(B, lines);
    rig.pass(ms(2000));
    assert_eq!(pressed(&rig.to(2)), [(700, 780, '1')]);
}

#[test]
fn a_plane_that_wakes_late_still_sends_every_digit_in_order() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.script(B, extension("123"));
    rig.pass(ms(50));
    // The thread stood still for half a second.
    rig.now = rig.now.after(ms(500));
    rig.wake();
    rig.pass(ms(1000));
    let keys = pressed(&rig.to(2));
    assert_eq!(keys.iter().map(|it| it.2).collect::<String>(), "123");
    assert!(keys.windows(2).all(|it| 200 <= it[1].0 - it[0].0), "{keys:?}");
    assert_continuous(&rig.to(2));
}

#[test]
fn events_use_the_payload_type_and_clock_of_the_far_end() {
    let (mut rig, ..) = Rig::with_two_legs();
    let opus = codec(CodecKind::Other("opus".into()));
    let keys = Keys::Events { send_pt: 96, receive_pt: 110, clock: 48_000 };
    rig.remote(B, crate::media::Remote { codec: opus, keys, ..remote(2) });
    rig.script(B, extension("12"));
    rig.pass(ms(500));
    let sent = rig.to(2);
    assert_eq!(sent.len(), 14, "no voice in a codec we do not speak");
    assert!(sent.iter().all(|it| it.stamp().payload_type == 96));
    assert_eq!(sent[0].payload()[2..], 960u16.to_be_bytes());
    assert_eq!(sent[6].payload()[2..], 4800u16.to_be_bytes());
    let between = sent[7].stamp().timestamp.wrapping_sub(sent[0].stamp().timestamp);
    assert_eq!(between, 9600);
    assert_continuous(&sent);
}

#[test]
fn a_far_end_without_events_hears_tones() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.remote(B, crate::media::Remote { keys: Keys::InBand, ..remote(2) });
    rig.script(B, extension("3w#"));
    rig.pass(ms(1200));
    let sent = rig.to(2);
    assert!(sent.iter().all(|it| it.stamp().payload_type == 0));
    let mut detector = Detector::default();
    let heard: String = sent
        .iter()
        .filter_map(|it| {
            let samples: Vec<i16> = it.payload().iter().map(|it| Law::Mu.decode(*it)).collect();
            detector.hear(&samples)
        })
        .map(Digit::as_char)
        .collect();
    assert_eq!(heard, "3#");
    let loud: Vec<_> =
        sent.iter().filter(|it| it.payload() != [0xff; 160]).map(|it| it.at).collect();
    assert_eq!(loud, [0, 20, 40, 60, 80, 700, 720, 740, 760, 780]);
}

#[test]
fn keys_that_go_outside_are_asked_for_in_time() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.remote(B, crate::media::Remote { keys: Keys::Outside, ..remote(2) });
    rig.script(B, extension("1w2"));
    rig.pass(ms(1500));
    let asked: Vec<_> = rig
        .out
        .reports
        .iter()
        .filter_map(|(at, it)| match it {
            Report::Press { digit, .. } => Some((*at, digit.as_char())),
            _ => None,
        })
        .collect();
    assert_eq!(asked, [(0, '1'), (700, '2')]);
    assert!(rig.to(2).iter().all(|it| it.payload() == [0xff; 160]));
}

#[test]
fn a_script_waits_for_the_answer() {
    let mut rig = Rig::new();
    rig.order(Order::Open { session: B, local: local(4002) });
    rig.script(B, extension("1"));
    rig.pass(ms(100));
    assert!(rig.out.sent.is_empty());
    rig.remote(B, remote(2));
    rig.pass(ms(1000));
    assert_eq!(pressed(&rig.to(2)), [(100, 180, '1')]);
}

#[test]
fn a_clip_is_said_whole_and_the_next_line_follows_it() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.clip(5, vec![8000; 800]);
    rig.script(B, vec![Line::Say(ClipId(5)), Line::Press(key('1'))]);
    rig.pass(ms(500));
    let sent = rig.to(2);
    let said: Vec<_> =
        sent.iter().filter(|it| it.event().is_none() && it.at < 100).map(|it| it.at).collect();
    assert_eq!(said, [0, 20, 40, 60, 80]);
    let octet = Law::Mu.encode(8000);
    assert!(sent[..5].iter().all(|it| it.payload() == [octet; 160]));
    assert_eq!(pressed(&sent)[0].0, 100);
}

#[test]
fn a_missing_clip_is_reported_and_passed_over_at_once() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.script(B, vec![Line::Say(ClipId(9)), Line::Press(key('1'))]);
    rig.pass(ms(500));
    assert_eq!(pressed(&rig.to(2))[0].0, 0);
    let missing =
        |(_, it): &(u64, Report)| matches!(it, Report::ClipMissing { clip, .. } if clip.0 == 9);
    assert_eq!(rig.out.reports.iter().filter(|it| missing(it)).count(), 1);
}

#[test]
fn a_whisper_to_a_codec_we_do_not_speak_is_missing_and_does_not_hold_up_the_call() {
    let (mut rig, ..) = Rig::with_two_legs();
    let opus = codec(CodecKind::Other("opus".into()));
    rig.remote(B, crate::media::Remote { codec: opus, ..remote(2) });
    rig.clip(5, vec![1000; 80_000]);
    rig.script(B, vec![Line::Say(ClipId(5))]);
    rig.pass(ms(20));
    assert!(rig.told().iter().any(|it| it.starts_with("ClipMissing")));
    assert!(done_at(&rig).is_some());
}

#[test]
fn a_beep_is_as_long_as_it_was_ordered() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.script(B, vec![Line::Tone(1400, ms(250))]);
    rig.pass(ms(500));
    let quiet = Law::Mu.encode(0);
    let loud: usize = rig
        .to(2)
        .iter()
        .flat_map(|it| it.payload().to_vec())
        .collect::<Vec<_>>()
        .chunks(8)
        .filter(|it| it.iter().any(|it| *it != quiet))
        .count();
    assert_eq!(loud, 250);
}

#[test]
fn the_extension_begins_when_the_far_end_speaks() {
    let (mut rig, _, mut b) = Rig::with_two_legs();
    rig.script(B, vec![Line::AwaitVoice(ms(30_000)), Line::Press(key('1'))]);
    rig.talk(50, &mut [(&mut b, 0xff)]);
    assert!(pressed(&rig.to(2)).is_empty(), "silence is not speech");
    rig.talk(10, &mut [(&mut b, 0x20)]);
    let begins = pressed(&rig.to(2))[0].0;
    assert!((1060..=1120).contains(&begins), "{begins}");
}

#[test]
fn silence_is_waited_for_only_so_long() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.script(B, vec![Line::AwaitVoice(ms(2000)), Line::Press(key('1'))]);
    rig.pass(ms(3000));
    assert_eq!(pressed(&rig.to(2))[0].0, 2000);
}

#[test]
fn a_script_that_waits_for_silence_ends_when_the_far_end_has_spoken_and_stopped() {
    let (mut rig, _, mut b) = Rig::with_two_legs();
    rig.script(B, vec![Line::Tone(1000, ms(400)), Line::AwaitSilence(ms(2000))]);
    rig.talk(50, &mut [(&mut b, 0xff)]);
    let voices = |rig: &Rig| rig.told().iter().filter(|it| it.starts_with("Voice")).count();
    assert_eq!((voices(&rig), done_at(&rig)), (0, None));
    // Talk from 1000 to 4000 ms, with pauses of half a second in it.
    for _ in 0..3 {
        rig.talk(25, &mut [(&mut b, 0x20)]);
        rig.talk(25, &mut [(&mut b, 0xff)]);
    }
    assert_eq!((voices(&rig), done_at(&rig)), (1, None));
    rig.talk(100, &mut [(&mut b, 0xff)]);
    let done = done_at(&rig).unwrap();
    // The last word ended at 3500 ms, and was still heard in the frames just after it.
    assert!((5500..=5740).contains(&done), "{done}");
}

#[test]
fn a_far_end_that_sends_nothing_at_all_is_silent() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.script(B, vec![Line::AwaitSilence(ms(3000))]);
    rig.pass(ms(5000));
    assert_eq!(done_at(&rig), Some(3000));
    assert!(!rig.told().iter().any(|it| it.starts_with("Voice")));
}

fn accept(prompt: Option<ClipId>, repeats: u8) -> Vec<Line> {
    let (key, reject) = (key('1'), Some(key('2')));
    vec![Line::Accept(Accept { key, reject, prompt, timeout: ms(1000), repeats })]
}

#[test]
fn the_key_accepts_and_is_not_told_as_a_key() {
    let (mut rig, _, mut b) = Rig::with_two_legs();
    rig.clip(5, vec![100; 8000]);
    rig.script(B, accept(Some(ClipId(5)), 2));
    rig.pass(ms(300));
    rig.presses(&mut b, '7');
    rig.presses(&mut b, '1');
    let done = done_at(&rig).unwrap();
    assert!((440..=460).contains(&done), "{done}");
    assert!(!rig.told().iter().any(|it| it.starts_with("Key")));
    rig.presses(&mut b, '4');
    assert_eq!(rig.told().iter().filter(|it| it.starts_with("Key")).count(), 1);
}

#[test]
fn a_key_by_signalling_accepts_too() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.script(B, accept(None, 0));
    rig.pass(ms(300));
    rig.order(Order::Key { session: B, digit: key('1') });
    rig.pass(ms(20));
    assert!(done_at(&rig).is_some());
}

#[test]
fn a_key_in_the_voice_accepts_where_there_are_no_events() {
    let (mut rig, _, mut b) = Rig::with_two_legs();
    rig.remote(B, crate::media::Remote { keys: Keys::InBand, ..remote(2) });
    rig.script(B, accept(None, 0));
    let mut tone = crate::audio::Tone::key(key('1'));
    for _ in 0..5 {
        let mut samples = [0; 160];
        tone.fill(&mut samples);
        let octets = samples.map(|it| Law::Mu.encode(it));
        rig.says(&mut b, &octets);
        rig.pass(ms(20));
    }
    assert!(done_at(&rig).is_some());
}

#[test]
fn the_reject_key_declines_at_once() {
    let (mut rig, _, mut b) = Rig::with_two_legs();
    rig.script(B, accept(None, 5));
    rig.pass(ms(300));
    rig.presses(&mut b, '2');
    assert_eq!(rig.told().iter().filter(|it| it.starts_with("Declined")).count(), 1);
    assert_eq!(done_at(&rig), None);
}

#[test]
fn nobody_pressing_declines_after_the_last_repeat() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.clip(5, vec![1000; 4000]);
    rig.script(B, accept(Some(ClipId(5)), 2));
    rig.pass(ms(10_000));
    let declined: Vec<_> = rig
        .out
        .reports
        .iter()
        .filter(|(_, it)| matches!(it, Report::Declined { .. }))
        .map(|(at, _)| *at)
        .collect();
    assert_eq!(declined, [3 * (500 + 1000)]);
    let said: Vec<_> =
        rig.to(2).iter().filter(|it| it.payload() != [0xff; 160]).map(|it| it.at / 500).collect();
    assert!([0, 3, 6].iter().all(|it| said.contains(it)) && said.len() == 75, "{said:?}");
}

#[test]
fn the_caller_hears_ringing_and_nothing_of_the_whisper_meanwhile() {
    let (mut rig, mut a, mut b) = Rig::with_two_legs();
    rig.clip(5, vec![8000; 16_000]);
    rig.hear(A, Source::Ringback(Ringback::Us));
    rig.script(B, vec![Line::Press(key('3')), Line::Say(ClipId(5))]);
    rig.talk(60, &mut [(&mut a, 0x11), (&mut b, 0x22)]);
    let (to_a, to_b) = (rig.to(1), rig.to(2));
    assert!(60 <= to_a.len() && to_a.iter().all(|it| it.event().is_none()));
    let whisper = [Law::Mu.encode(8000); 160];
    assert!(to_b.iter().any(|it| it.payload() == whisper));
    assert!(to_a.iter().all(|it| it.payload() != whisper && it.payload() != [0x22; 160]));
    assert!(to_b.iter().all(|it| it.payload() != [0x11; 160]));
    assert!(to_a.iter().all(|it| it.payload().iter().any(|it| *it != 0xff)), "ringing sounds");
}

#[test]
fn after_the_script_the_line_stays_open_with_silence_until_it_is_joined() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.script(B, extension("1"));
    rig.pass(ms(999));
    rig.bridge();
    rig.talk(10, &mut [(&mut a, 0x11)]);
    let sent = rig.to(2);
    assert_continuous(&sent);
    assert_eq!(sent.len(), 50 + 10);
    assert_eq!(sent.last().unwrap().payload(), [0x11; 160]);
    // Time stamps ran on with the clock through digit, silence and bridge.
    let whole = sent.last().unwrap().stamp().timestamp.wrapping_sub(sent[0].stamp().timestamp);
    assert!((59 * 160..=60 * 160).contains(&whole), "{whole}");
}

#[test]
fn a_script_said_again_is_not_begun_again() {
    let (mut rig, ..) = Rig::with_two_legs();
    rig.script(B, extension("1"));
    rig.pass(ms(600));
    rig.script(B, extension("1"));
    rig.pass(ms(600));
    assert_eq!(pressed(&rig.to(2)).len(), 1);
}

/// The far end's voice: a key as a tone of 100 ms, then as much silence.
fn sings(rig: &mut Rig, far: &mut Far, c: char) {
    let mut tone = Tone::key(key(c));
    for n in 0..10 {
        let (mut frame, mut octets) = ([0; 160], [0; 160]);
        if n < 5 {
            tone.fill(&mut frame);
        }
        Law::Mu.encode_into(&frame, &mut octets);
        rig.says(far, &octets);
        rig.pass(ms(20));
    }
}

fn keys_told(rig: &Rig) -> String {
    let key = |(_, it): &(u64, Report)| match it {
        Report::Key { digit, .. } => Some(digit.as_char()),
        _ => None,
    };
    rig.out.reports.iter().filter_map(key).collect()
}

/// Some gateways agree on events and send tones all the same (EDGE C-29).
#[test]
fn who_agreed_on_events_and_sends_tones_is_understood_while_a_key_is_waited_for() {
    let (mut rig, mut a, mut b) = Rig::with_two_legs();
    rig.hear(A, Source::Music(ClipId(1)));
    sings(&mut rig, &mut a, '1');
    assert_eq!(keys_told(&rig), "1");
    rig.script(B, accept(None, 0));
    sings(&mut rig, &mut b, '1');
    rig.pass(ms(100));
    assert!(done_at(&rig).is_some(), "the accept prompt took it");
    // A voice that is only passed on is nobody's to listen to.
    rig.bridge();
    sings(&mut rig, &mut a, '2');
    assert_eq!(keys_told(&rig), "1");
    rig.order(Order::SwallowKeys { session: A, on: true });
    sings(&mut rig, &mut a, '3');
    assert_eq!(keys_told(&rig), "13");
}

#[test]
fn who_has_sent_an_event_is_not_listened_to_for_tones_any_more() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.hear(A, Source::Music(ClipId(1)));
    rig.presses(&mut a, '7');
    sings(&mut rig, &mut a, '1');
    assert_eq!(keys_told(&rig), "7");
}

#[test]
fn a_key_that_comes_as_a_tone_and_as_an_event_is_one() {
    let (mut rig, mut a, _) = Rig::with_two_legs();
    rig.hear(A, Source::Music(ClipId(1)));
    let mut tone = Tone::key(key('4'));
    for _ in 0..3 {
        let (mut frame, mut octets) = ([0; 160], [0; 160]);
        tone.fill(&mut frame);
        Law::Mu.encode_into(&frame, &mut octets);
        rig.says(&mut a, &octets);
        rig.pass(ms(20));
    }
    rig.presses(&mut a, '4');
    assert_eq!(keys_told(&rig), "4");
    rig.talk(5, &mut [(&mut a, 0xff)]);
    rig.presses(&mut a, '4');
    assert_eq!(keys_told(&rig), "44");
}
