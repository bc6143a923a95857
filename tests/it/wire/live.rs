//! The API of the built program while SIPp and a phone of our own talk through it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Instant;

use serde_json::{Value, json};

use super::edge::Edge;
use super::peers::{Peer, sipp};
use super::phone::Phone;
use super::voice::Voice;
use super::{SOON, seconds};

/// Somebody who is signed in.
pub struct Client {
    at: SocketAddr,
    headers: String,
}

pub struct Said {
    pub status: u16,
    pub headers: String,
    pub body: Vec<u8>,
}

impl Said {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{} {}", self.status, String::from_utf8_lossy(&self.body)))
    }
}

impl Client {
    /// The first admin, by the link that the program prints.
    pub fn first(edge: &Edge) -> Self {
        edge.await_log("#setup=");
        let log = edge.log();
        let token = log.split("#setup=").nth(1).unwrap().split_whitespace().next().unwrap();
        let mut client = Self { at: edge.net.at(1, 8060), headers: String::new() };
        let sent = json!({ "token": token, "user": "ada", "password": "correct horse battery" });
        let said = client.asks("POST", "/v1/setup", "", sent.to_string().as_bytes());
        assert_eq!(said.status, 201, "{}", String::from_utf8_lossy(&said.body));
        let cookie = said.headers.lines().find_map(|it| it.strip_prefix("set-cookie: ")).unwrap();
        let cookie = cookie.split(';').next().unwrap();
        let csrf = said.json()["csrf"].as_str().unwrap().to_owned();
        client.headers = format!("cookie: {cookie}\r\nx-csrf-token: {csrf}\r\n");
        client
    }

    fn nobody(&self) -> Self {
        Self { at: self.at, headers: String::new() }
    }

    fn open(&self, method: &str, path: &str, more: &str, body: &[u8]) -> TcpStream {
        // After a restart SIP is there before the API is.
        let give_up = Instant::now() + SOON + SOON;
        let mut stream = loop {
            match TcpStream::connect(self.at) {
                Ok(stream) => break stream,
                Err(error) => assert!(Instant::now() < give_up, "the API: {error}"),
            }
            std::thread::sleep(seconds(0.05));
        };
        stream.set_read_timeout(Some(SOON + SOON)).unwrap();
        // 1.0: the answer ends with the connection.
        let head = format!(
            "{method} {path} HTTP/1.0\r\nhost: edge\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n{}{more}\r\n",
            body.len(),
            self.headers
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        stream
    }

    pub fn asks(&self, method: &str, path: &str, more: &str, body: &[u8]) -> Said {
        let mut answer = Vec::new();
        self.open(method, path, more, body).read_to_end(&mut answer).expect("an answer");
        let end = answer.windows(4).position(|it| it == b"\r\n\r\n").expect("a head");
        let headers = String::from_utf8(answer[..end].to_vec()).unwrap();
        let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
        Said { status, headers, body: answer[end + 4..].to_vec() }
    }

    pub fn gets(&self, path: &str) -> Value {
        let said = self.asks("GET", path, "", b"");
        assert_eq!(said.status, 200, "{path}: {}", String::from_utf8_lossy(&said.body));
        said.json()
    }

    pub fn does(&self, method: &str, path: &str, body: &Value) {
        let said = self.asks(method, path, "", body.to_string().as_bytes());
        assert_eq!(said.status, 204, "{path}: {}", String::from_utf8_lossy(&said.body));
    }

    /// What is there once it is as it should be.
    pub fn awaits(&self, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let give_up = Instant::now() + SOON + SOON;
        loop {
            let said = self.asks("GET", path, "", b"");
            if said.status == 200 && holds(&said.json()) {
                return said.json();
            }
            let text = String::from_utf8_lossy(&said.body).into_owned();
            assert!(Instant::now() < give_up, "{path} never came to be: {text}");
            std::thread::sleep(seconds(0.05));
        }
    }

    /// Facts that are told after this one, up to the end of a call.
    fn events_after(&self, last: &str) -> Vec<Value> {
        let more = format!("last-event-id: {last}\r\n");
        let mut stream = self.open("GET", "/v1/events", &more, b"");
        let (mut text, mut some) = (String::new(), [0; 4096]);
        while !text.contains("\"call.ended\"") || !text.ends_with("\n\n") {
            let count = stream.read(&mut some).expect("more events");
            assert_ne!(count, 0, "the stream ended: {text}");
            text.push_str(std::str::from_utf8(&some[..count]).unwrap());
        }
        let data = text.lines().filter_map(|it| it.strip_prefix("data: "));
        data.map(|it| serde_json::from_str(it).unwrap()).collect()
    }
}

fn edge() -> Edge {
    Edge::start_with(|it| {
        let ann = "\n[[agent]]\nname = \"ann\"\nnumbers = [\"b-1\"]\n";
        it.replace("listen = \"off\"", "listen = \"127.0.0.1:8060\"") + ann
    })
}

/// SIPp that answers and echoes, once it is there.
pub fn answering(edge: &Edge, host: u8, media: &str) -> Peer {
    let at = edge.net.at(host, 5070);
    let mut peer = sipp("answers", at, &["-rtp_echo", "-mp", media]);
    let peer = Peer::start(&edge.folder, &format!("peer{host}"), &mut peer);
    let give_up = Instant::now() + SOON;
    while UdpSocket::bind(at).is_ok() && Instant::now() < give_up {
        std::thread::sleep(seconds(0.05));
    }
    peer
}

#[test]
fn a_call_of_sipp_is_seen_put_through_recorded_hung_up_found_and_heard() {
    let edge = edge();
    let client = Client::first(&edge);
    let (mut b, mut c) = (answering(&edge, 31, "6000"), answering(&edge, 32, "6100"));
    let carrier = Phone::carrier(&edge.net);
    let mut ada = Voice::at(edge.net.ip(11));
    let mut call = carrier.dial("15550100001", &ada.sdp(101));
    let answer = carrier.status_within(200, seconds(10.0));
    carrier.ack(&mut call, &answer.message, "");
    ada.speak(answer.message.media().unwrap(), 600);
    ada.await_tone(600, seconds(1.0), SOON);

    let calls = client.awaits("/v1/calls", |it| it["items"][0]["state"] == "talking");
    let live = &calls["items"][0];
    assert_eq!((&live["recording"], &live["legs"][0]["agent"]), (&json!("on"), &json!("ann")));
    let id = live["id"].as_str().unwrap().to_owned();
    let at = |what: &str| format!("/v1/calls/{id}/{what}");
    assert_eq!(client.nobody().asks("POST", &at("hangup"), "", b"").status, 401);

    client.does("POST", &at("recording"), &json!({ "on": false }));
    let stopped = |it: &Value| it["live"]["recording"] == "stopped";
    client.awaits(&format!("/v1/calls/{id}"), stopped);
    let again = client.asks("POST", &at("recording"), "", br#"{"on":false}"#);
    assert_eq!((again.status, &again.json()["type"]), (409, &json!("/problems/not-now")));
    client.does("POST", &at("recording"), &json!({ "on": true }));

    client.does("POST", &at("transfer"), &json!({ "dial": ["c-3"] }));
    client.awaits(&format!("/v1/calls/{id}"), |it| {
        let legs = it["live"]["legs"].as_array().unwrap();
        legs.len() == 2 && legs[1]["state"] == "connected"
    });
    b.ends_well(SOON + SOON);
    ada.await_tone(600, seconds(1.0), SOON);
    client.does("POST", &at("hangup"), &Value::Null);
    carrier.is_hung_up(SOON);
    c.ends_well(SOON + SOON);

    let found = client.awaits("/v1/records?tracking_number=%2B15550100001", |it| {
        it["items"][0]["state"] == "ended"
    });
    let record = &found["items"][0];
    assert_eq!((&record["id"], &record["outcome"]), (&json!(id), &json!("answered")));
    assert_eq!(record["cause"]["reason"], "hung_up_by_command");
    heard_again(&edge, &client, record);
    let facts = client.events_after(&format!("{id}:1"));
    let seqs: Vec<u64> = facts.iter().map(|it| it["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (2..=seqs.len() as u64 + 1).collect::<Vec<_>>(), "each once, in order");
    let did = facts.iter().filter(|it| it["what"]["type"] == "call.commanded");
    let did: Vec<_> = did.map(|it| json!([it["what"]["command"], it["what"]["by"]])).collect();
    let wanted = ["stop_recording", "start_recording", "transfer", "hangup"];
    assert_eq!(did, wanted.map(|it| json!([it, "ada"])));
    let csv = client.asks("GET", "/v1/records?format=csv", "", b"");
    let csv = String::from_utf8(csv.body).unwrap();
    assert_eq!(csv.lines().count(), 2, "{csv}");
    assert!(csv.contains(",'+15550100001,"), "{csv}");
}

/// The recording, whole, in part, by a link, as a waveform; and then no more.
fn heard_again(edge: &Edge, client: &Client, record: &Value) {
    let file = record["recordings"][0]["file"].as_str().unwrap();
    let path = format!("/v1/recordings/{file}");
    let kept = edge.folder.join("data/recordings").join(file);
    let give_up = Instant::now() + SOON;
    while !kept.exists() && Instant::now() < give_up {
        std::thread::sleep(seconds(0.05));
    }
    let whole = client.asks("GET", &path, "", b"");
    assert_eq!((whole.status, &whole.body[..4]), (200, &b"RIFF"[..]));
    assert_eq!(whole.body, std::fs::read(&kept).unwrap());
    let part = client.asks("GET", &path, "range: bytes=100-299\r\n", b"");
    assert_eq!((part.status, &part.body[..]), (206, &whole.body[100..300]));
    let drawn = client.gets(&format!("/v1/recordings/peaks?file={file}&points=50"));
    let loud = |side: &str| {
        let peaks = drawn[side].as_array().unwrap();
        peaks.iter().filter(|it| 0.05 < it.as_f64().unwrap()).count()
    };
    assert!(10 < loud("left") && 10 < loud("right"), "{drawn}");
    let wanted = json!({ "file": file, "seconds": 60 }).to_string();
    let link = client.asks("POST", "/v1/recordings/link", "", wanted.as_bytes()).json();
    let nobody = client.nobody();
    assert_eq!(nobody.asks("GET", &path, "", b"").status, 401);
    let by_link = nobody.asks("GET", link["url"].as_str().unwrap(), "", b"");
    assert_eq!((by_link.status, by_link.body), (200, whole.body));
    let hold = format!("{path}/hold");
    client.does("PUT", &hold, &json!({ "held": true, "why": "case 12" }));
    let refused = client.asks("DELETE", &path, "", b"");
    assert_eq!((refused.status, refused.json()["state"].clone()), (409, json!("held")));
    let one = client.gets("/v1/recordings?held=true")["items"][0].clone();
    assert_eq!(
        (&one["file"], &one["call"], &one["state"]),
        (&json!(file), &record["id"], &json!("local"))
    );
    client.does("PUT", &hold, &json!({ "held": false }));
    client.does("DELETE", &path, &Value::Null);
    assert_eq!(client.asks("GET", &path, "", b"").status, 404);
    let give_up = Instant::now() + SOON;
    while kept.exists() {
        assert!(Instant::now() < give_up, "it is deleted soon after");
        std::thread::sleep(seconds(0.05));
    }
    let log = client.gets("/v1/audit");
    let said = log["items"].as_array().unwrap().iter();
    let deleted = format!("recording/{file}");
    assert!(said.clone().any(|it| it["what"] == "deleted" && it["subject"] == deleted), "{log:#}");
    let last = |it: &Value| (it["items"][0]["what"].clone(), it["items"][0]["subject"].clone());
    client.awaits("/v1/audit", |it| last(it) == (json!("erased"), json!(deleted)));
}

#[test]
fn an_agent_who_is_away_is_away_after_a_crash() {
    let mut edge = edge();
    let client = Client::first(&edge);
    client.does("PUT", "/v1/agents/ann/state", &json!({ "state": "away" }));
    let away = |it: &Value| {
        let ann = &it["agents"][0];
        ann["name"] == "ann" && ann["state"] == "away" && ann["presence"] == "away"
    };
    client.awaits("/v1/status", away);
    edge.kill();
    edge.restart();
    let status = client.awaits("/v1/status", away);
    assert_eq!(status["trunks"][0]["name"], "carrier");
    client.does("PUT", "/v1/agents/ann/state", &json!({ "state": "available" }));
    client.awaits("/v1/status", |it| it["agents"][0]["state"] == "available");
}

/// What is uploaded is played, and what is uploaded again is played anew.
#[test]
fn an_uploaded_prompt_is_whispered_to_who_answers() {
    let edge = Edge::start_with(|it| {
        let b = "number = \"sip:15550100001@127.0.0.31:5070\"\n";
        let it = it.replace(b, &format!("{b}whisper = {{ prompt = \"ads\" }}\n"));
        it.replace("listen = \"off\"", "listen = \"127.0.0.1:8060\"")
    });
    let client = Client::first(&edge);
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let (ada, bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));
    let mut loaded = 1;
    for hertz in [1000, 1500] {
        let file = edge.folder.join("tone.wav");
        super::peers::write_wav(&file, hertz);
        let said = client.asks("PUT", "/v1/prompts/ads", "", &std::fs::read(&file).unwrap());
        assert!([200, 201].contains(&said.status), "{}", String::from_utf8_lossy(&said.body));
        // It is read beside the loop; at the start there was none.
        loaded += 1;
        let give_up = Instant::now() + SOON;
        while edge.log().matches("prompts loaded").count() < loaded {
            assert!(Instant::now() < give_up, "it was never loaded");
            std::thread::sleep(seconds(0.05));
        }
        let call = carrier.dial("15550100001", &ada.sdp(101));
        let there = b.rings();
        b.picks_up(&there, &bob.sdp(101));
        bob.await_tone(hertz, seconds(0.5), SOON);
        carrier.cancel(&call);
        b.is_hung_up(SOON);
    }
    let used = client.asks("DELETE", "/v1/prompts/ads", "", b"");
    assert_eq!((used.status, &used.json()["type"]), (409, &json!("/problems/in-use")));
}
