//! Callers who are asked, on real sockets: a menu by every way that keys come, and a message.

use std::fs;
use std::net::SocketAddr;

use super::edge::Edge;
use super::phone::Phone;
use super::voice::{Voice, share, tone_in};
use super::{SOON, seconds};

const EVENTS: u8 = 101;
/// What the messages are, in hertz.
const PROMPT: u16 = 440;

/// interop.toml with a menu at 15550100021 and a box at 15550100022; at
/// 15550100023 B is asked for a score.
fn start(name: &str) -> Edge {
    let wav = std::env::temp_dir().join(format!("crosspoint-{name}-{}.wav", std::process::id()));
    let format = hound::WavSpec {
        channels: 1,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(&wav, format).unwrap();
    let step = std::f64::consts::TAU * f64::from(PROMPT) / 8000.0;
    for n in 0..8000 {
        file.write_sample(((f64::from(n) * step).sin() * 8000.0) as i16).unwrap();
    }
    file.finalize().unwrap();
    let sections = format!(
        r#"
[[voice_menu]]
name = "main"
prompt = {{ file = "{0}" }}
keys = {{ 1 = {{ dial = "b-1" }}, 2 = {{ voicemail = "box" }} }}
[[voicemail]]
name = "box"
greeting = {{ file = "{0}" }}
silence = "2s"
[[tracking_number]]
number = "+15550100021"
route = {{ voice_menu = "main" }}
[[tracking_number]]
number = "+15550100022"
route = {{ voicemail = "box" }}
[[receiving_number]]
name = "b-23"
number = "sip:15550100023@127.0.0.31:5070"
enhanced_forwarding = {{ score = {{ prompt = {{ file = "{0}" }} }} }}
[[tracking_number]]
number = "+15550100023"
dial = ["b-23"]
"#,
        wav.display()
    );
    let edge = Edge::start_with(|it| it + &sections);
    edge.await_log("prompts loaded");
    drop(fs::remove_file(wav));
    edge
}

#[test]
fn a_menu_is_answered_by_events_by_tones_in_the_voice_and_by_info() {
    let edge = start("menu");
    for (n, by) in ["events", "voice", "info"].into_iter().enumerate() {
        let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
        let (mut ada, mut bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));
        let sdp = match by {
            "voice" => ada.described("0", "a=rtpmap:0 PCMU/8000\r\n"),
            _ => ada.sdp(EVENTS),
        };
        let mut call = carrier.dial("15550100021", &sdp);
        let answer = carrier.status(200).message;
        carrier.ack(&mut call, &answer, "");
        ada.await_tone(PROMPT, seconds(0.3), SOON);
        let to: SocketAddr = answer.media().unwrap();
        match by {
            "events" => ada.press(to, '1', EVENTS),
            "voice" => ada.press_aloud(to, '1'),
            _ => {
                let kind = "Content-Type: application/dtmf-relay\r\n";
                carrier.ask(&mut call, "INFO", kind, "Signal=1\r\nDuration=100\r\n");
                carrier.take("200 to INFO", |it| it.status() == 200 && it.method() == "INFO", SOON);
            }
        }
        let there = b.rings();
        b.picks_up(&there, &bob.sdp(EVENTS));
        ada.speak(to, 600);
        bob.speak(there.invite.media().unwrap(), 900);
        ada.await_tone(900, seconds(0.3), SOON);
        bob.await_tone(600, seconds(0.3), SOON);
        assert_eq!(bob.keys(EVENTS).len(), 0, "{by}: the key is not for the destination");
        carrier.hang_up(&mut call);
        b.is_hung_up(SOON);
        let give_up = std::time::Instant::now() + SOON;
        let record = loop {
            let records = edge.records();
            match records.get(n) {
                Some(it) if it["state"] == "ended" => break it.clone(),
                _ => assert!(std::time::Instant::now() < give_up, "{by}: {records:#?}"),
            }
            std::thread::sleep(seconds(0.02));
        };
        let path: Vec<_> =
            record["path"].as_array().unwrap().iter().map(|it| &it["what"]).collect();
        let wanted = ["voice_menu main", "voice_menu main: answered", "dial b-1", "caller hung up"];
        assert_eq!(path, wanted, "{by}");
    }
}

#[test]
fn a_message_is_recorded_from_the_tone_to_the_silence_and_kept() {
    let edge = start("box");
    let carrier = Phone::carrier(&edge.net);
    let ada = Voice::at(edge.net.ip(11));
    let mut call = carrier.dial("15550100022", &ada.sdp(EVENTS));
    let answer = carrier.status(200).message;
    carrier.ack(&mut call, &answer, "");
    ada.await_tone(PROMPT, seconds(0.8), SOON);
    ada.await_tone(1000, seconds(0.4), SOON);
    let mut frames = 0;
    ada.say(answer.media().unwrap(), 600, seconds(2.0), &mut frames);
    // Not a packet more: that is silence too.
    carrier.is_hung_up(seconds(4.0));
    let record = edge.record("ended");
    let recording = edge.recording(&record);
    let said = tone_in(&recording.caller, 600);
    assert!(seconds(1.8) <= said && said <= seconds(2.1), "{said:?}: {record:#}");
    let length = recording.caller.len();
    assert!((8 * 3700..8 * 4600).contains(&length), "{} ms", length / 8);
    assert_eq!(share(&recording.caller[length - 8000..], 600), 0.0, "the silence that ended it");
    assert!(recording.destination.iter().all(|it| it.unsigned_abs() < 20), "nobody else");
    let message = &record["recordings"][0];
    assert_eq!(message["voicemail"], "box");
    assert_eq!(message["stopped_by"], "silence");
    assert!(message["leg"].is_null() && record["talk_ms"].is_null(), "{record:#}");
    let events = fs::read_to_string(edge.folder.join("data/records/events.jsonl")).unwrap();
    let left = events.lines().filter(|it| it.contains("\"voicemail.left\"")).count();
    assert_eq!(left, 1, "{events}");
}

/// PRODUCT section 12: the caller's hang-up beats everything but this.
#[test]
fn the_answering_person_scores_the_call_by_an_event_after_the_callers_bye() {
    let edge = start("score");
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let (mut ada, bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));
    let mut call = carrier.dial("15550100023", &ada.sdp(EVENTS));
    let there = b.rings();
    b.picks_up(&there, &bob.sdp(EVENTS));
    let answer = carrier.status(200).message;
    carrier.ack(&mut call, &answer, "");
    ada.speak(answer.media().unwrap(), 600);
    bob.await_tone(600, seconds(0.3), SOON);
    let asked = |bob: &Voice| bob.packets().iter().any(|it| it.is_tone(PROMPT));
    assert!(!asked(&bob), "asked while the caller is there");
    carrier.hang_up(&mut call);
    bob.await_tone(PROMPT, seconds(0.5), SOON);
    // The call is over and kept, whatever becomes of the question.
    let give_up = std::time::Instant::now() + SOON;
    let kept = loop {
        let kept = edge.record("in_progress");
        if kept["ended_at"].is_number() {
            break kept;
        }
        assert!(std::time::Instant::now() < give_up, "{kept:#}");
        std::thread::sleep(seconds(0.02));
    };
    assert!(kept["score"].is_null(), "{kept:#}");
    assert_eq!(b.count(|it| it.is("BYE")), 0, "hung up on before it was asked");
    bob.press(there.invite.media().unwrap(), '4', EVENTS);
    b.is_hung_up(SOON);
    let record = edge.record("ended");
    assert_eq!(record["score"], "4");
    for key in ["ended_at", "talk_ms", "cause"] {
        assert_eq!(record[key], kept[key], "{key}");
    }
    let events = fs::read_to_string(edge.folder.join("data/records/events.jsonl")).unwrap();
    let place = |kind: &str| events.lines().position(|it| it.contains(kind));
    assert!(place("\"call.ended\"") < place("\"call.scored\""), "{events}");
    assert_eq!(events.matches("\"call.scored\"").count(), 1);
}
