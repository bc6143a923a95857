//! A program talked with, message by message.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::audio::Digit;
use crate::clock::Instant;
use crate::media::{Say, Strand};

/// A conversation and all that it wants.
struct Talk {
    talk: Conversation,
    now: Instant,
    out: Vec<Want>,
}

impl Talk {
    fn waiting() -> Self {
        let mut agent = VirtualAgent::new("bot", "ws://127.0.0.1:1/");
        agent.parameters.insert("language".into(), "en".into());
        let opening = Opening {
            agent: Arc::new(agent),
            call: "c1".into(),
            number: 2,
            caller: "+15125550199".into(),
            dialled: "+15550100001".into(),
            resumed: false,
        };
        let (now, mut out) = (Instant::START, Vec::new());
        Self { talk: Conversation::new(opening, now, &mut out), now, out }
    }

    fn talking() -> Self {
        let mut talk = Self::waiting();
        talk.order(Order::Begin);
        talk.out.clear();
        talk
    }

    fn order(&mut self, order: Order) {
        self.talk.on_order(&order, &mut self.out);
    }

    fn says(&mut self, text: &str) -> Vec<Want> {
        self.talk.on_text(text, self.now, &mut self.out);
        std::mem::take(&mut self.out)
    }

    /// Lets time pass, at each deadline.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.talk.deadline().filter(|it| *it <= end) {
            self.now = at;
            self.talk.on_time(at, &mut self.out);
        }
        self.now = end;
    }

    fn texts(&self) -> Vec<Value> {
        let texts = self.out.iter().filter_map(|it| match it {
            Want::Text(text) => Some(serde_json::from_str(text).unwrap()),
            _ => None,
        });
        texts.collect()
    }
}

fn lost(fault: Fault) -> Want {
    Want::Tell(Told::Lost(fault))
}

#[test]
fn a_conversation_begins_with_connected_and_start() {
    let mut talk = Talk::waiting();
    assert_eq!(talk.out, [Want::Tell(Told::Opened)]);
    talk.talk.on_strand(Strand::Frame { at: 0, octets: &[0xff; 160] }, &mut talk.out);
    assert_eq!(talk.out.len(), 1, "nothing is said before the start");
    talk.order(Order::Begin);
    let texts = talk.texts();
    assert_eq!(texts[0], json!({"event": "connected", "protocol": "Call", "version": "1.0.0"}));
    let start = json!({
        "event": "start", "sequenceNumber": "1", "streamSid": "c1-2",
        "start": {
            "accountSid": "crosspoint", "streamSid": "c1-2", "callSid": "c1",
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"language": "en"},
            "from": "+15125550199", "to": "+15550100001", "agent": "bot",
        },
    });
    assert_eq!(texts[1..], [start]);
}

#[test]
fn the_caller_is_told_of_as_the_protocol_has_it() {
    let mut talk = Talk::talking();
    talk.talk.on_strand(Strand::Frame { at: 40, octets: &[0; 160] }, &mut talk.out);
    talk.talk.on_strand(Strand::Mark(&"m".into()), &mut talk.out);
    talk.order(Order::Key(Digit::from_char('#').unwrap()));
    talk.order(Order::Close);
    let payload = format!("{}AA==", "A".repeat(212));
    let wanted = [
        json!({"event": "media", "sequenceNumber": "2", "streamSid": "c1-2", "media": {
            "track": "inbound", "chunk": "1", "timestamp": "40", "payload": payload}}),
        json!({"event": "mark", "sequenceNumber": "3", "streamSid": "c1-2", "mark": {"name": "m"}}),
        json!({"event": "dtmf", "sequenceNumber": "4", "streamSid": "c1-2", "dtmf": {
            "track": "inbound_track", "digit": "#"}}),
        json!({"event": "stop", "sequenceNumber": "5", "streamSid": "c1-2", "stop": {
            "accountSid": "crosspoint", "callSid": "c1"}}),
    ];
    assert_eq!(talk.texts(), wanted);
    assert_eq!(talk.out.last(), Some(&Want::Close));
    assert!(talk.talk.is_over());
}

#[test]
fn what_it_says_becomes_sound_marks_keys_and_news() {
    let key = |c| Want::Media(Say::Key(Digit::from_char(c).unwrap()));
    for (text, wanted) in [
        (
            r#"{"event":"media","streamSid":"c1-2","media":{"payload":"AP8="}}"#,
            vec![Want::Media(Say::Voice(Box::new([0, 255])))],
        ),
        (
            r#"{"event":"media","media":{"payload":"AP8"}}"#,
            vec![Want::Media(Say::Voice(Box::new([0, 255])))],
        ),
        (
            r#"{"event":"mark","streamSid":"c1-2","mark":{"name":"\u0061"},"x":1}"#,
            vec![Want::Media(Say::Mark("a".into()))],
        ),
        (r#"{"event":"clear","streamSid":"c1-2"}"#, vec![Want::Media(Say::Clear)]),
        (r#"{"event":"dtmf","dtmf":{"digit":"1#"}}"#, vec![key('1'), key('#')]),
        (r#"{"event":"telemetry","value":{"a":[1]}}"#, vec![]),
    ] {
        assert_eq!(Talk::talking().says(text), wanted, "{text}");
    }
    for (text, told) in [
        (r#"{"event":"route","route":{"name":"sales"}}"#, Told::Route("sales".into())),
        (r#"{"event":"hangup"}"#, Told::HangUp),
        (r#"{"event":"stop","streamSid":"c1-2"}"#, Told::Closed),
    ] {
        let mut talk = Talk::talking();
        let out = talk.says(text);
        assert_eq!(out[1..], [Want::Close, Want::Tell(told)], "{text}");
        assert!(talk.says(text).is_empty(), "{text}: it is over");
    }
}

#[test]
fn nonsense_ends_it() {
    for text in [
        "",
        "hello",
        "[]",
        "{}",
        r#"{"event":7}"#,
        r#"{"event":"media"}"#,
        r#"{"event":"media","media":{"payload":"*"}}"#,
        r#"{"event":"media","media":{"payload":5}}"#,
        r#"{"event":"media","streamSid":"c1-1","media":{"payload":""}}"#,
        r#"{"event":"mark","mark":{}}"#,
        r#"{"event":"dtmf","dtmf":{"digit":"x"}}"#,
        r#"{"event":"dtmf","dtmf":{"digit":""}}"#,
        r#"{"event":"route","route":"sales"}"#,
    ] {
        let mut talk = Talk::talking();
        let out = talk.says(text);
        assert_eq!(out[1..], [Want::Close, lost(Fault::Nonsense)], "{text}");
        assert!(talk.talk.is_over());
    }
}

#[test]
fn names_and_keys_are_as_long_as_they_may_be_and_not_one_longer() {
    let mark = |n| format!(r#"{{"event":"mark","mark":{{"name":"{}"}}}}"#, "m".repeat(n));
    let keys = |n| format!(r#"{{"event":"dtmf","dtmf":{{"digit":"{}"}}}}"#, "1".repeat(n));
    assert_eq!(Talk::talking().says(&mark(256)).len(), 1);
    assert_eq!(Talk::talking().says(&mark(257)).last(), Some(&lost(Fault::Nonsense)));
    assert_eq!(Talk::talking().says(&keys(32)).len(), 32);
    assert_eq!(Talk::talking().says(&keys(33)).last(), Some(&lost(Fault::Nonsense)));
}

#[test]
fn a_message_may_be_so_long_and_not_a_byte_longer() {
    let text = |n: usize| {
        let (head, tail) = (r#"{"event":"other","x":""#, "\"}");
        format!("{head}{}{tail}", "x".repeat(n - head.len() - tail.len()))
    };
    assert!(Talk::talking().says(&text(MESSAGE_MAX)).is_empty());
    let out = Talk::talking().says(&text(MESSAGE_MAX + 1));
    assert_eq!(out.last(), Some(&lost(Fault::TooLong)));
}

#[test]
fn a_minute_said_at_once_is_welcome_and_a_flood_is_not() {
    let voice = format!(r#"{{"event":"media","media":{{"payload":"{}"}}}}"#, "A".repeat(216));
    let mut talk = Talk::talking();
    for _ in 0..3000 {
        assert_eq!(talk.says(&voice).len(), 1);
    }
    // As fast as it is heard, for five minutes more.
    for _ in 0..15_000 {
        talk.now += Duration::from_millis(20);
        assert_eq!(talk.says(&voice).len(), 1);
    }
    let flood = (0..100_000).find_map(|_| talk.says(r#"{"event":"x"}"#).pop());
    assert_eq!(flood, Some(lost(Fault::Flood)));
}

#[test]
fn it_is_pinged_each_second_and_dropped_after_three_without_a_sign_of_life() {
    let mut talk = Talk::talking();
    for _ in 0..10 {
        talk.pass(Duration::from_secs(1));
        assert_eq!(talk.out, [Want::Ping], "silence alone is its own business");
        talk.out.clear();
        let mut none = Vec::new();
        talk.talk.on_control(talk.now, &mut none);
    }
    talk.pass(Duration::from_millis(2999));
    assert_eq!(talk.out, [Want::Ping, Want::Ping]);
    talk.out.clear();
    talk.pass(Duration::from_millis(1));
    assert_eq!(talk.out[1..], [Want::Close, lost(Fault::Stalled)]);
    assert_eq!(talk.talk.deadline(), None);
}

#[test]
fn whatever_comes_does_not_make_it_fall_over() {
    let words = ["{", "}", "\"event\"", ":", "\"media\"", ",", "\"payload\"", "\"AA\"", "[", "1"];
    let mut state = 7_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..state >> 60 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            text += words[(state >> 33) as usize % words.len()];
        }
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
        Talk::talking().says(&text);
    }
}
