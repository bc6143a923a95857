//! Webhooks on real sockets (PRODUCT section 13, case 16): receivers that refuse, and a restart.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::edge::Edge;
use super::phone::Phone;
use super::seconds;
use super::voice::Voice;

const SECRET: &str = "a secret of sixteen";

/// What a receiver was asked.
#[derive(Clone, Debug)]
struct Asked {
    at: Instant,
    headers: BTreeMap<String, String>,
    body: Value,
    status: u16,
}

impl Asked {
    fn event(&self) -> &str {
        self.body["what"]["type"].as_str().unwrap()
    }

    fn seq(&self) -> u64 {
        self.body["seq"].as_u64().unwrap()
    }
}

/// A small HTTP server that answers as its test says.
struct Crm {
    asked: Receiver<Asked>,
    address: SocketAddr,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Crm {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        // It waits for somebody: somebody comes.
        drop(TcpStream::connect(self.address));
        drop(self.thread.take().map(JoinHandle::join));
    }
}

type Judge = Arc<Mutex<dyn FnMut(&Value) -> (u16, String) + Send>>;

impl Crm {
    fn at(
        address: SocketAddr,
        judge: impl FnMut(&Value) -> (u16, String) + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let (tell, asked) = channel();
        let judge: Judge = Arc::new(Mutex::new(judge));
        let over = Arc::new(AtomicBool::new(false));
        let until = over.clone();
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if until.load(Ordering::Relaxed) {
                    return;
                }
                let (tell, judge) = (tell.clone(), judge.clone());
                std::thread::spawn(move || serve(stream, &tell, &judge));
            }
        });
        Self { asked, address, over, thread: Some(thread) }
    }

    /// All that is asked until the event `last` is taken, in the order of the answers.
    fn until(&self, last: &str, within: Duration) -> Vec<Asked> {
        let give_up = Instant::now() + within;
        let mut seen = Vec::new();
        loop {
            let left = give_up.saturating_duration_since(Instant::now());
            let asked = self.asked.recv_timeout(left);
            let asked = asked.unwrap_or_else(|_| panic!("no {last} is taken: {seen:#?}"));
            let over = asked.event() == last && asked.status == 204;
            seen.push(asked);
            if over {
                return seen;
            }
        }
    }
}

fn serve(stream: TcpStream, tell: &Sender<Asked>, judge: &Judge) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    loop {
        let mut headers = BTreeMap::new();
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        assert_eq!(line.trim_end(), "POST /calls?key=1 HTTP/1.1");
        loop {
            line.clear();
            reader.read_line(&mut line).unwrap();
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        let mut body = vec![0; headers["content-length"].parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        mac.update(format!("{}.", headers["x-crosspoint-timestamp"]).as_bytes());
        mac.update(&body);
        let wanted: String =
            mac.finalize().into_bytes().iter().map(|it| format!("{it:02x}")).collect();
        assert_eq!(headers["x-crosspoint-signature"], format!("sha256={wanted}"));
        let body: Value = serde_json::from_slice(&body).unwrap();
        let (status, rest) = (judge.lock().unwrap())(&body);
        let at = Instant::now();
        let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: 0\r\n{rest}\r\n");
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
        drop(tell.send(Asked { at, headers, body, status }));
    }
}

fn edge_with(keys: &str) -> Edge {
    Edge::start_with(|it| {
        it + &format!(
            "[[webhook]]\nname = \"crm\"\nurl = \"http://127.0.0.80:8790/calls?key=1\"\n\
             secret = \"{SECRET}\"\nallow_private = true\n{keys}\n"
        )
    })
}

/// A call from the carrier to B.
fn a_call(edge: &Edge) {
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let (ada, bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));
    let mut call = carrier.dial("15550100001", &ada.sdp(101));
    let there = b.rings();
    b.answer(&there, 200, &bob.sdp(101));
    let answer = carrier.status(200);
    carrier.ack(&mut call, &answer.message, "");
    b.request("ACK");
    carrier.hang_up(&mut call);
    b.is_hung_up(super::SOON);
}

fn taken(asked: &[Asked]) -> Vec<u64> {
    asked.iter().filter(|it| it.status == 204).map(Asked::seq).collect()
}

#[test]
fn an_event_that_is_refused_five_times_is_taken_after_a_restart_once_and_in_order() {
    let mut edge = edge_with("");
    let mut left = 5;
    let crm = Crm::at(edge.net.at(80, 8790), move |body| {
        if body["what"]["type"] == "call.connected" && 0 < left {
            left -= 1;
            return (500, String::new());
        }
        (204, String::new())
    });
    a_call(&edge);
    edge.record("ended");
    let mut asked = Vec::new();
    while asked.iter().filter(|it: &&Asked| it.status == 500).count() < 2 {
        let next = crm.asked.recv_timeout(seconds(20.0));
        asked.push(next.unwrap_or_else(|_| panic!("{asked:#?}\n{}", edge.log())));
    }
    edge.kill();
    edge.restart();
    asked.extend(crm.until("call.ended", seconds(60.0)));
    let refused: Vec<_> = asked.iter().filter(|it| it.status == 500).collect();
    assert_eq!(refused.len(), 5);
    let all: Vec<u64> = (1..=asked.last().unwrap().seq()).collect();
    assert_eq!(taken(&asked), all, "once each, in order");
    let of = |it: &Asked| it.headers["x-crosspoint-delivery"].clone();
    let tries: Vec<_> = asked.iter().filter(|it| it.event() == "call.connected").collect();
    assert!(tries.iter().all(|it| of(it) == of(tries[0])), "the same delivery each time");
    // The kill may come before the last refusal is kept: that one is tried again at once.
    let soon = |it: &&[&Asked]| it[1].at.duration_since(it[0].at) < seconds(0.4);
    assert!(tries.windows(2).filter(soon).count() <= 1, "{tries:#?}");
    assert!(!edge.log().contains("key=1") && !edge.log().contains(SECRET), "{}", edge.log());
}

#[test]
fn a_receiver_is_told_in_time_and_only_what_it_asks_for() {
    let edge = edge_with("events = [\"call.*\"]");
    let crm = Crm::at(edge.net.at(80, 8790), |_| (204, String::new()));
    a_call(&edge);
    let asked = crm.until("call.ended", seconds(10.0));
    let events: Vec<_> = asked.iter().map(Asked::event).collect();
    assert_eq!(events, ["call.received", "call.connected", "call.ended"]);
    let first = &asked[0];
    assert_eq!(first.headers["x-crosspoint-event"], "call.received");
    assert_eq!(first.headers["content-type"], "application/json");
    let record = edge.record("ended");
    assert_eq!(
        first.headers["x-crosspoint-delivery"],
        format!("{}.1", record["id"].as_str().unwrap())
    );
}

#[test]
fn a_private_address_is_not_asked_and_a_redirect_to_one_is_not_followed() {
    let keys = "[[webhook]]\nname = \"sly\"\nurl = \"http://127.0.0.81:8790/calls?key=1\"\n\
                secret = \"a secret of sixteen\"\n";
    let edge = edge_with(keys);
    let away = format!("Location: http://{}/calls?key=1\r\n", edge.net.at(82, 8790));
    let mut first = true;
    let crm = Crm::at(edge.net.at(80, 8790), move |_| match std::mem::take(&mut first) {
        true => (307, away.clone()),
        false => (204, String::new()),
    });
    let private = Crm::at(edge.net.at(81, 8790), |_| (204, String::new()));
    let elsewhere = Crm::at(edge.net.at(82, 8790), |_| (204, String::new()));
    a_call(&edge);
    let asked = crm.until("call.ended", seconds(15.0));
    assert_eq!(asked[0].status, 307);
    let all: Vec<u64> = (1..=asked.last().unwrap().seq()).collect();
    assert_eq!(taken(&asked), all);
    edge.await_log("its address is private");
    assert!(private.asked.try_recv().is_err() && elsewhere.asked.try_recv().is_err());
}
