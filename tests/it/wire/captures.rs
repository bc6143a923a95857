//! The SIP messages of calls, as they are kept, and told to Homer.

use std::fs;
use std::net::UdpSocket;
use std::time::Instant;

use serde_json::Value;

use super::edge::Edge;
use super::phone::Phone;
use super::voice::Voice;
use super::{SOON, seconds};

/// What is kept of all calls, once there is something.
fn captures(edge: &Edge) -> Vec<Value> {
    let folder = edge.folder.join("data/captures");
    let give_up = Instant::now() + SOON + SOON;
    loop {
        let files = fs::read_dir(&folder).into_iter().flatten().flatten().map(|it| it.path());
        let lines = files.filter(|it| it.extension().is_some_and(|it| it == "jsonl"));
        let text: String = lines.map(|it| fs::read_to_string(it).unwrap()).collect();
        if text.ends_with('\n') {
            return text.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
        }
        assert!(Instant::now() < give_up, "nothing is captured\n{}", edge.log());
        std::thread::sleep(seconds(0.05));
    }
}

/// A call from the carrier to B; its digits by INFO.
fn a_call(edge: &Edge) {
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let (ada, bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));
    let mut call = carrier.dial("15550100001", &ada.sdp(101));
    let there = b.rings();
    b.answer(&there, 200, &bob.sdp(101));
    let answer = carrier.status(200);
    carrier.ack(&mut call, &answer.message, "");
    b.request("ACK");
    let digit = "Content-Type: application/dtmf-relay\r\n";
    carrier.ask(&mut call, "INFO", digit, "Signal=7\r\nDuration=100\r\n");
    carrier.take("200 to INFO", |it| it.status() == 200 && it.method() == "INFO", SOON);
    carrier.hang_up(&mut call);
    b.is_hung_up(SOON);
}

#[test]
fn a_call_leaves_its_messages_in_order_without_its_digits() {
    let edge = Edge::start();
    a_call(&edge);
    let record = edge.record("ended");
    let calls = captures(&edge);
    let [call] = calls.as_slice() else { panic!("{calls:#?}") };
    assert_eq!(call["call"], record["id"]);
    let (carrier, b) = (format!("{}:", edge.net.ip(11)), format!("{}:", edge.net.ip(31)));
    let of = |party: &str| -> Vec<(bool, String)> {
        let messages = call["messages"].as_array().unwrap().iter();
        let with = |it: &Value| it.as_str().unwrap().starts_with(party);
        let messages = messages.filter(|it| with(&it["from"]) || with(&it["to"]));
        let first = |it: &Value| {
            let line = it["text"].as_str().unwrap().lines().next().unwrap().to_owned();
            line.strip_prefix("SIP/2.0 ").unwrap_or(&line)[..3].to_owned()
        };
        messages.map(|it| (it["heard"] == true, first(it))).collect()
    };
    let heard = |it: &str| (true, it.to_owned());
    let said = |it: &str| (false, it.to_owned());
    let talk = of(&carrier);
    assert_eq!(talk[..2], [heard("INV"), said("100")]);
    for wanted in [said("200"), heard("ACK"), heard("INF"), heard("BYE")] {
        assert!(talk.contains(&wanted), "{wanted:?} in {talk:?}");
    }
    assert_eq!(talk.last(), Some(&said("200")), "the answer to BYE: {talk:?}");
    let talk = of(&b);
    assert_eq!(talk[0], said("INV"));
    assert_eq!(talk[talk.len() - 2..], [said("BYE"), heard("200")], "{talk:?}");
    let text = call.to_string();
    assert!(text.contains("Signal=*") && !text.contains("Signal=7"), "{text}");
}

#[test]
fn where_failures_are_kept_a_call_that_went_well_is_not() {
    let edge = Edge::start_with(|it| it + "[capture]\nkeep = \"failed\"\n");
    a_call(&edge);
    let carrier = Phone::carrier(&edge.net);
    let mut call = carrier.dial("15550100404", &Voice::at(edge.net.ip(11)).sdp(101));
    let refusal = carrier.status(404);
    carrier.ack(&mut call, &refusal.message, "");
    let calls = captures(&edge);
    let [call] = calls.as_slice() else { panic!("{calls:#?}") };
    assert!(call.to_string().contains("SIP/2.0 404"), "{call:#}");
}

#[test]
fn homer_is_told_each_message_even_where_nothing_is_kept() {
    let edge =
        Edge::start_with(|it| it + "[capture]\nkeep = \"off\"\nhomer = \"127.0.0.77:9060\"\n");
    let homer = UdpSocket::bind(edge.net.at(77, 9060)).unwrap();
    homer.set_read_timeout(Some(SOON)).unwrap();
    a_call(&edge);
    let (mut datagram, mut seen) = ([0; 65_536], Vec::new());
    // Two BYEs and two answers to them.
    while seen.iter().filter(|it: &&String| it.contains(" BYE\r\n")).count() < 4 {
        let length = homer.recv(&mut datagram).expect("Homer hears of everything");
        assert_eq!(datagram[..4], *b"HEP3");
        assert_eq!(usize::from(u16::from_be_bytes([datagram[4], datagram[5]])), length);
        seen.push(String::from_utf8_lossy(&datagram[..length]).into_owned());
    }
    assert!(seen[0].contains("INVITE sip:15550100001@"), "{}", seen[0]);
    let record = edge.record("ended");
    assert!(seen.iter().all(|it| it.contains(record["id"].as_str().unwrap())));
    assert!(!seen.iter().any(|it| it.contains("Signal=7")));
    assert!(!edge.folder.join("data/captures").exists());
}
