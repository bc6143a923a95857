//! Virtual agents on real sockets: `configs/sample-agent.py`, and programs that misbehave.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use crosspoint::audio::Law;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

use super::certificates;
use super::edge::Edge;
use super::phone::{Line, Phone};
use super::voice::{Voice, decode, share, tone_in};
use super::{SOON, seconds};

/// Calls to 15550100050 are answered by an agent at 127.0.0.60, B when it hands over, C without it.
fn edge_with(keys: &str) -> Edge {
    edge_at("ws://127.0.0.60:8700/talk?x=1", keys)
}

fn edge_at(url: &str, keys: &str) -> Edge {
    let agent = format!(
        r#"
[[receiving_number]]
name = "sales"
number = "sip:sales@127.0.0.31:5070"
[[receiving_number]]
name = "person"
number = "sip:person@127.0.0.32:5070"
[[virtual_agent]]
name = "bot"
url = "{url}"
parameters = {{ language = "en" }}
routes.sales = {{ dial = "sales" }}
no_answer = {{ dial = "person" }}
{keys}
[[tracking_number]]
number = "+15550100050"
route = {{ virtual_agent = "bot" }}
"#
    );
    Edge::start_with(|it| it + &agent)
}

/// A caller on the line with the agent.
struct Caller {
    phone: Phone,
    line: Line,
    voice: Voice,
}

impl Caller {
    fn dials(edge: &Edge) -> Self {
        let (phone, voice) = (Phone::carrier(&edge.net), Voice::at(edge.net.ip(11)));
        let line = phone.dial("15550100050", &voice.sdp(101));
        Self { phone, line, voice }
    }

    /// Is answered, and speaks a tone of 600 Hz from then on.
    fn talks(edge: &Edge) -> Self {
        let mut caller = Self::dials(edge);
        caller.is_answered();
        caller
    }

    fn is_answered(&mut self) {
        let answer = self.phone.status(200);
        self.phone.ack(&mut self.line, &answer.message, "");
        self.voice.speak(answer.message.media().unwrap(), 600);
    }

    fn presses(&mut self, key: char) {
        let body = format!("Signal={key}\r\nDuration=100\r\n");
        self.phone.ask(&mut self.line, "INFO", "Content-Type: application/dtmf-relay\r\n", &body);
        self.phone.take("200 to INFO", |it| it.status() == 200 && it.method() == "INFO", SOON);
    }
}

/// What a test sees of its program.
enum Seen {
    Said(Value),
    /// The connection ended, in good order or not.
    Gone {
        closed: bool,
    },
}

/// A program at the agent's address that does as its test says: one answer to each connection.
struct Program {
    seen: Receiver<(Instant, Seen)>,
    heard: Arc<Mutex<Vec<i16>>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    said: Mutex<Vec<Value>>,
}

type Talk = WebSocket<TcpStream>;

impl Program {
    /// `begun` is done when the conversation begins, with the number of the connection from 0.
    fn at(edge: &Edge, mut begun: impl FnMut(usize, &mut Talk) + Send + 'static) -> Self {
        let listener = TcpListener::bind(edge.net.at(60, 8700)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let over = Arc::new(AtomicBool::new(false));
        let heard = Arc::default();
        let (tell, seen) = channel();
        let (until, kept) = (over.clone(), Arc::clone(&heard));
        let thread = std::thread::spawn(move || {
            let mut connections = 0;
            while !until.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((stream, _)) => {
                        stream.set_nonblocking(false).unwrap();
                        let mut begin = |talk: &mut Talk| begun(connections, talk);
                        converse(stream, &until, &kept, &tell, &mut begin);
                        connections += 1;
                    }
                    Err(_) => std::thread::sleep(seconds(0.005)),
                }
            }
        });
        Self { seen, heard, over, thread: Some(thread), said: Mutex::default() }
    }

    /// Waits for the first message of this kind that was not taken yet.
    fn hears(&self, event: &str) -> Value {
        let until = Instant::now() + SOON;
        loop {
            let mut said = self.said.lock().unwrap();
            if let Some(at) = said.iter().position(|it| it["event"] == event) {
                return said.remove(at);
            }
            drop(said);
            let wait = until.saturating_duration_since(Instant::now());
            match self.seen.recv_timeout(wait) {
                Ok((_, Seen::Said(it))) => self.said.lock().unwrap().push(it),
                Ok((_, Seen::Gone { .. })) => (),
                Err(_) => panic!("no {event}: {:?}", self.said.lock().unwrap()),
            }
        }
    }

    /// When its connection ended, and whether in good order.
    fn is_gone(&self) -> (Instant, bool) {
        let until = Instant::now() + seconds(15.0);
        loop {
            let wait = until.saturating_duration_since(Instant::now());
            match self.seen.recv_timeout(wait) {
                Ok((_, Seen::Said(it))) => self.said.lock().unwrap().push(it),
                Ok((at, Seen::Gone { closed })) => return (at, closed),
                Err(_) => panic!("its connection never ended"),
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn converse(
    stream: TcpStream,
    until: &AtomicBool,
    heard: &Mutex<Vec<i16>>,
    tell: &Sender<(Instant, Seen)>,
    begun: &mut dyn FnMut(&mut Talk),
) {
    stream.set_read_timeout(Some(seconds(0.02))).unwrap();
    let Ok(mut talk) = accept(stream) else { return };
    let closed = loop {
        if until.load(Ordering::Relaxed) {
            return;
        }
        match talk.read() {
            Ok(Message::Text(text)) => {
                let said: Value = serde_json::from_str(&text).unwrap();
                if said["event"] == "media" {
                    let payload = said["media"]["payload"].as_str().unwrap();
                    let octets = BASE64_STANDARD.decode(payload).unwrap();
                    heard.lock().unwrap().extend(octets.iter().map(|it| decode(0, *it)));
                    continue;
                }
                let begins = said["event"] == "start";
                drop(tell.send((Instant::now(), Seen::Said(said))));
                if begins {
                    begun(&mut talk);
                }
            }
            Ok(Message::Close(_)) => break true,
            Ok(_) => (),
            Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => (),
            Err(_) => break false,
        }
    };
    drop(talk.flush());
    drop(tell.send((Instant::now(), Seen::Gone { closed })));
}

/// The handshake may take some reads.
fn accept(stream: TcpStream) -> Result<Talk, ()> {
    let mut shaking = match tungstenite::accept(stream) {
        Ok(talk) => return Ok(talk),
        Err(tungstenite::HandshakeError::Interrupted(it)) => it,
        Err(tungstenite::HandshakeError::Failure(_)) => return Err(()),
    };
    for _ in 0..200 {
        shaking = match shaking.handshake() {
            Ok(talk) => return Ok(talk),
            Err(tungstenite::HandshakeError::Interrupted(it)) => it,
            Err(tungstenite::HandshakeError::Failure(_)) => return Err(()),
        };
    }
    Err(())
}

fn say(talk: &mut Talk, message: &Value) {
    drop(talk.send(Message::text(message.to_string())));
}

fn tone(hertz: u16, length: f64) -> String {
    let step = std::f64::consts::TAU * f64::from(hertz) / 8000.0;
    let sample = |n: u32| Law::Mu.encode(((f64::from(n) * step).sin() * 8000.0) as i16);
    let octets: Vec<u8> = (0..(length * 8000.0) as u32).map(sample).collect();
    BASE64_STANDARD.encode(octets)
}

fn speak(talk: &mut Talk, hertz: u16, length: f64) {
    say(talk, &json!({"event": "media", "media": {"payload": tone(hertz, length)}}));
}

/// The reason that the record gives for the end of the only conversation.
fn reason(edge: &Edge) -> String {
    let record = edge.record("ended");
    assert_eq!(record["virtual_agents"].as_array().unwrap().len(), 1, "{record:#}");
    record["virtual_agents"][0]["reason"].as_str().unwrap().to_owned()
}

/// The sample agent, until dropped.
struct Sample(Child);

impl Sample {
    fn at(edge: &Edge) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/sample-agent.py");
        let mut child = Command::new("python3")
            .arg(script)
            .arg(edge.net.at(60, 8700).to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("waiting"), "{line}");
        Self(child)
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn the_sample_agent_greets_hears_its_keys_says_back_presses_and_hands_over() {
    let edge = edge_with("");
    let _sample = Sample::at(&edge);
    let mut caller = Caller::talks(&edge);
    caller.voice.await_tone(900, seconds(0.3), SOON);
    caller.voice.await_tone(1000, seconds(0.15), SOON);
    caller.presses('2');
    caller.voice.await_tone(600, seconds(1.0), SOON);
    caller.presses('3');
    let pressed = Instant::now() + SOON;
    while caller.voice.keys(101).is_empty() && Instant::now() < pressed {
        std::thread::sleep(seconds(0.02));
    }
    assert_eq!(caller.voice.keys(101)[0].key, '7');
    let b = Phone::destination(&edge.net, 'B');
    caller.presses('1');
    caller.voice.await_tone(1200, seconds(0.4), SOON);
    let there = b.rings();
    let mut bob = Voice::at(edge.net.ip(31));
    b.picks_up(&there, &bob.sdp(101));
    bob.speak(there.invite.media().unwrap(), 900);
    bob.await_tone(600, seconds(0.5), SOON);
    caller.phone.hang_up(&mut caller.line);
    b.is_hung_up(SOON);
    assert_eq!(reason(&edge), "route sales");
    let recording = edge.recording(&edge.record("ended"));
    assert!(seconds(1.0) < tone_in(&recording.caller, 600), "the caller is left");
    assert!(seconds(0.3) < tone_in(&recording.destination, 900), "the agent is right");
    let packets = caller.voice.packets();
    assert!(packets.windows(2).all(|it| it[0].ssrc == it[1].ssrc), "one SSRC");
}

#[test]
fn a_program_is_told_all_that_the_protocol_has_and_hears_the_caller() {
    let edge = edge_with("");
    let program = Program::at(&edge, |_, talk| {
        speak(talk, 1000, 0.5);
        say(talk, &json!({"event": "mark", "mark": {"name": "one"}}));
        speak(talk, 1200, 20.0);
        say(talk, &json!({"event": "mark", "mark": {"name": "two"}}));
    });
    let mut caller = Caller::talks(&edge);
    assert_eq!(program.hears("connected")["protocol"], "Call");
    let start = program.hears("start");
    assert_eq!(start["start"]["customParameters"], json!({"language": "en"}));
    assert_eq!(start["start"]["from"], "+15125550142");
    assert_eq!(program.hears("mark")["mark"]["name"], "one");
    caller.presses('9');
    assert_eq!(program.hears("dtmf")["dtmf"]["digit"], "9");
    std::thread::sleep(seconds(1.0));
    let hung_up = Instant::now();
    caller.phone.hang_up(&mut caller.line);
    let (gone, closed) = program.is_gone();
    assert!(closed && gone - hung_up < seconds(0.25), "{:?}", gone - hung_up);
    assert_eq!(program.hears("stop")["stop"]["callSid"], start["start"]["callSid"]);
    let heard = program.heard.lock().unwrap().clone();
    let spoken = heard.chunks_exact(160).filter(|it| share(it, 600) > 0.6).count();
    assert!(40 <= spoken, "{spoken} frames of the caller's tone");
    assert_eq!(reason(&edge), "end_of_call");
}

#[test]
fn clearing_is_heard_at_once() {
    let edge = edge_with("");
    let program = Program::at(&edge, |_, talk| {
        speak(talk, 1000, 30.0);
        std::thread::sleep(seconds(1.0));
        say(talk, &json!({"event": "mark", "mark": {"name": "end"}}));
        say(talk, &json!({"event": "clear"}));
        speak(talk, 1200, 0.5);
    });
    let caller = Caller::talks(&edge);
    assert_eq!(program.hears("mark")["mark"]["name"], "end");
    caller.voice.await_tone(1200, seconds(0.4), SOON);
    let packets = caller.voice.packets();
    assert!(packets.iter().filter(|it| it.is_tone(1000)).count() < 100, "two seconds at most");
}

/// The caller reaches C, who stands in for the agent, within this time from now.
fn reaches_c(edge: &Edge, caller: &mut Caller, within: f64, answered: bool) {
    reaches(&Phone::destination(&edge.net, 'C'), edge, caller, within, answered);
}

fn reaches(c: &Phone, edge: &Edge, caller: &mut Caller, within: f64, answered: bool) {
    let since = Instant::now();
    let there = c.line(&c.request_within("INVITE", seconds(within + 1.0)).message);
    assert!(since.elapsed() < seconds(within), "{:?}", since.elapsed());
    let cleo = Voice::at(edge.net.ip(32));
    c.picks_up(&there, &cleo.sdp(101));
    if !answered {
        caller.is_answered();
    }
    cleo.await_tone(600, seconds(0.3), SOON);
    caller.phone.hang_up(&mut caller.line);
    c.is_hung_up(SOON);
}

#[test]
fn where_nothing_listens_the_caller_goes_on_at_once() {
    let edge = edge_with("");
    let mut caller = Caller::dials(&edge);
    reaches_c(&edge, &mut caller, 1.0, false);
    assert_eq!(reason(&edge), "unreachable");
}

#[test]
fn a_server_that_never_shakes_hands_costs_three_seconds() {
    let edge = edge_with("");
    let silent = TcpListener::bind(edge.net.at(60, 8700)).unwrap();
    let mut caller = Caller::dials(&edge);
    caller.phone.status(180);
    reaches_c(&edge, &mut caller, 3.5, false);
    assert_eq!(reason(&edge), "unreachable");
    drop(silent);
}

#[test]
fn a_program_that_talks_nonsense_floods_or_says_too_much_at_once_is_dropped() {
    type Act = fn(&mut Talk);
    let acts: [(&str, Act); 5] = [
        ("nonsense", |talk| drop(talk.send(Message::text("hello?")))),
        ("nonsense", |talk| drop(talk.send(Message::binary(vec![0; 160])))),
        ("message_too_long", |talk| drop(talk.send(Message::text(" ".repeat(2 << 20))))),
        ("flood", |talk| while talk.send(Message::text(r#"{"event":"x"}"#)).is_ok() {}),
        ("flood", |talk| (0..62).for_each(|_| speak(talk, 1000, 1.0))),
    ];
    for (wanted, act) in acts {
        let edge = edge_with("");
        // The program is dropped so soon that C must be there before it is called.
        let c = Phone::destination(&edge.net, 'C');
        let _program = Program::at(&edge, move |_, talk| act(talk));
        let mut caller = Caller::talks(&edge);
        reaches(&c, &edge, &mut caller, 2.0, true);
        assert_eq!(reason(&edge), wanted);
    }
}

#[test]
fn a_program_that_stops_reading_and_answering_is_dropped_in_three_seconds() {
    let edge = edge_with("");
    let over = Arc::new(AtomicBool::new(false));
    let until = over.clone();
    let _program = Program::at(&edge, move |_, _| {
        while !until.load(Ordering::Relaxed) {
            std::thread::sleep(seconds(0.02));
        }
    });
    let mut caller = Caller::talks(&edge);
    reaches_c(&edge, &mut caller, 3.5, true);
    over.store(true, Ordering::Relaxed);
    assert_eq!(reason(&edge), "stalled");
}

#[test]
fn a_connection_that_breaks_is_made_again_and_the_second_time_the_caller_goes_on() {
    let edge = edge_with("");
    let program = Program::at(&edge, |n, talk| {
        speak(talk, if n == 0 { 1000 } else { 1200 }, 0.5);
        std::thread::sleep(seconds(1.0));
        drop(talk.get_ref().shutdown(std::net::Shutdown::Both));
    });
    let mut caller = Caller::talks(&edge);
    caller.voice.await_tone(1000, seconds(0.4), SOON);
    caller.voice.await_tone(1200, seconds(0.4), SOON);
    program.hears("start");
    assert_eq!(program.hears("start")["start"]["resumed"], true);
    reaches_c(&edge, &mut caller, 3.0, true);
    assert_eq!(reason(&edge), "connection_lost");
}

/// A certificate for the program's address that it signed itself, and its key, as PEM files.
pub fn certificate(folder: &Path, ip: Ipv4Addr) -> (PathBuf, PathBuf) {
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    certificates::make(&certificate, &key, ip, 2);
    (certificate, key)
}

/// Takes one connection by TLS, and says a tone of 1000 Hz.
fn speak_by_tls(listener: &TcpListener, certificate: &Path, key: &Path) {
    let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(chain, key).unwrap();
    let Ok((stream, _)) = listener.accept() else { return };
    let session = rustls::ServerConnection::new(config.into()).unwrap();
    let Ok(mut talk) = tungstenite::accept(rustls::StreamOwned::new(session, stream)) else {
        return;
    };
    while let Ok(message) = talk.read() {
        if message.to_text().is_ok_and(|it| it.contains("\"start\"")) {
            let media = json!({"event": "media", "media": {"payload": tone(1000, 1.0)}});
            drop(talk.send(Message::text(media.to_string())));
        }
    }
}

/// All that is in the files of this folder, and in those of its folders.
fn contents(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => all.extend(contents(&path)),
            // One may be gone by now.
            false => all.extend(fs::read(&path).unwrap_or_default()),
        }
    }
    all
}

fn is_in(all: &[u8], text: &str) -> bool {
    all.windows(text.len()).any(|it| it == text.as_bytes())
}

#[test]
fn tokens_in_urls_are_in_nothing_that_is_written_of_a_call() {
    let hook = "[[webhook]]\nname = \"crm\"\nurl = \"http://127.0.0.61:8790/T0KEN?key=T0KEN\"\n\
                secret = \"a secret of sixteen\"\nallow_private = true\n";
    let edge = edge_at("ws://127.0.0.60:8700/T0KEN?key=T0KEN", hook);
    let mut caller = Caller::dials(&edge);
    reaches_c(&edge, &mut caller, 2.0, false);
    assert_eq!(reason(&edge), "unreachable");
    let data = edge.folder.join("data");
    let give_up = Instant::now() + SOON;
    while !is_in(&contents(&data), "no connection: ") {
        assert!(Instant::now() < give_up, "a delivery fails\n{}", edge.log());
        std::thread::sleep(seconds(0.1));
    }
    edge.await_log("a virtual agent cannot be talked with");
    // Nor where one is wrong.
    let text = fs::read_to_string(edge.folder.join("edge.toml")).unwrap();
    edge.write_config(&text.replace("8700/T0KEN", "8700/{T0KEN}"));
    edge.signal("HUP");
    edge.await_log("must be escaped in a URL");
    assert!(!edge.log().contains("T0KEN"), "{}", edge.log());
    assert!(!is_in(&contents(&data), "T0KEN"));
}

#[test]
fn wss_works_with_a_certificate_that_the_machine_trusts_and_with_no_other() {
    for trusted in [true, false] {
        let mut edge = edge_at("wss://127.0.0.60:8700/", "");
        let (certificate, key) = certificate(&edge.folder, edge.net.ip(60));
        if trusted {
            edge.kill();
            edge.restart_trusting(&certificate);
        }
        let listener = TcpListener::bind(edge.net.at(60, 8700)).unwrap();
        let server = std::thread::spawn(move || speak_by_tls(&listener, &certificate, &key));
        let mut caller = Caller::dials(&edge);
        if trusted {
            caller.is_answered();
            caller.voice.await_tone(1000, seconds(0.8), SOON);
            caller.phone.hang_up(&mut caller.line);
            assert_eq!(reason(&edge), "end_of_call");
        } else {
            reaches_c(&edge, &mut caller, 2.0, false);
            assert_eq!(reason(&edge), "unreachable");
        }
        server.join().unwrap();
    }
}
