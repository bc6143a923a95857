//! One conversation with a program that says anything at all, and with a call that orders anything
//! at any time: it ends once, what we say is JSON, and what the program says makes no more of it.

use std::time::Duration;

use crosspoint::audio::Digit;
use crosspoint::clock::Instant;
use crosspoint::media::{Say, Strand};
use crosspoint::model::VirtualAgent;
use crosspoint::stream::{Conversation, Opening, Order, Told, Want};

/// Lines: one that begins with `{` is what the program says; any other is told by its first octet.
/// Nothing is said of what comes in after the conversation is over but that it comes to nothing.
pub fn words(data: &[u8]) {
    let agent = VirtualAgent::new("bot", "ws://127.0.0.1:1/");
    let opening = Opening {
        agent: agent.into(),
        call: "c".into(),
        number: 1,
        caller: "+1".into(),
        dialled: "+2".into(),
        resumed: data.first() == Some(&b'R'),
    };
    let (mut now, mut out) = (Instant::START, Vec::new());
    let mut talk = Conversation::new(opening, now, &mut out);
    assert_eq!(out, [Want::Tell(Told::Opened)]);
    let (mut ends, mut closes) = (0, 0);
    for line in data.split(|it| *it == b'\n').take(2000) {
        out.clear();
        let was_over = talk.is_over();
        let text = String::from_utf8_lossy(line);
        step(&mut talk, line, &text, &mut now, &mut out);
        assert!(!was_over || out.is_empty(), "it goes on after its end: {out:?}");
        let voice: usize = out.iter().map(said).sum();
        assert!(voice <= line.len(), "{voice} octets of sound out of {}", line.len());
        for want in &out {
            match want {
                Want::Text(text) => {
                    assert!(serde_json::from_str::<serde_json::Value>(text).is_ok(), "{text}");
                }
                Want::Close => closes += 1,
                Want::Tell(Told::Opened) => panic!("opened twice"),
                Want::Tell(_) => ends += 1,
                Want::Ping | Want::Media(_) => (),
            }
        }
        assert!(ends <= closes && closes <= 1, "{ends} ends, {closes} closed");
        assert_eq!(talk.is_over(), closes == 1);
        assert_eq!(talk.deadline().is_none(), talk.is_over());
    }
}

fn step(talk: &mut Conversation, line: &[u8], text: &str, now: &mut Instant, out: &mut Vec<Want>) {
    let rest = line.get(1..).unwrap_or_default();
    let first = || text.chars().nth(1);
    match line.first() {
        None | Some(b'{') => talk.on_text(text, *now, out),
        Some(b'B') => talk.on_order(&Order::Begin, out),
        Some(b'K') => {
            if let Some(digit) = first().and_then(Digit::from_char) {
                talk.on_order(&Order::Key(digit), out);
            }
        }
        Some(b'C') => talk.on_order(&Order::Close, out),
        Some(b'F') => {
            let octets = [*rest.first().unwrap_or(&0xff); 160];
            talk.on_strand(Strand::Frame { at: 20, octets: &octets }, out);
        }
        Some(b'M') => {
            talk.on_strand(Strand::Mark(&text.get(1..).unwrap_or_default().into()), out);
        }
        Some(b'P') => talk.on_control(*now, out),
        Some(b'X') => talk.on_closed(out),
        Some(b'W') => {
            *now += Duration::from_millis(100 * u64::from(*rest.first().unwrap_or(&1)));
            talk.on_time(*now, out);
        }
        Some(_) => talk.on_text(text, *now, out),
    }
}

/// Octets of sound, and keys.
fn said(want: &Want) -> usize {
    match want {
        Want::Media(Say::Voice(octets)) => octets.len(),
        Want::Media(Say::Key(_)) => 1,
        _ => 0,
    }
}
