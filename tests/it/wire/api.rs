//! The API of the running program: what it changes is so for the next call, and for no other.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::edge::{Edge, interop};
use super::peers::sipp_calls;
use super::phone::Phone;
use super::voice::Voice;
use super::{SOON, seconds};

/// configs/interop.toml with HTTP, and its directory in the database.
pub fn with_api(text: String) -> String {
    text.replace("listen = \"off\"", "listen = \"127.0.0.1:8060\"")
        + "\n[store]\ndirectory = \"database\"\n"
}

/// Somebody who asks the API.
pub struct Asker {
    address: SocketAddr,
    pub key: String,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

impl Asker {
    /// The first admin, by the link that the edge printed, with a key of its own.
    pub fn first(edge: &Edge) -> Self {
        let mut asker = Self { address: edge.net.at(1, 8060), key: String::new() };
        edge.await_log("#setup=");
        let log = edge.log();
        let token = log.split("#setup=").nth(1).unwrap().split_whitespace().next().unwrap();
        let sent = json!({"token": token, "user": "ada", "password": "correct horse battery"});
        let said = asker.ask("POST /v1/setup", "", sent);
        assert_eq!(said.status, 201, "{said:?}");
        let cookie = said.head.split("crosspoint_session=").nth(1).unwrap();
        let cookie = cookie.split(';').next().unwrap();
        let csrf = said.json()["csrf"].as_str().unwrap().to_owned();
        let more = format!("Cookie: crosspoint_session={cookie}\r\nX-CSRF-Token: {csrf}\r\n");
        let made = asker.ask("POST /v1/keys", &more, json!({"name": "test", "role": "admin"}));
        assert_eq!(made.status, 201, "{made:?}");
        asker.key = made.json()["key"].as_str().unwrap().to_owned();
        asker
    }

    /// The same, who asks another edge that knows the key.
    pub fn at(&self, edge: &Edge) -> Self {
        Self { address: edge.net.at(1, 8060), key: self.key.clone() }
    }

    /// `ask("GET /v1/agents", "If-Match: *\r\n", Value::Null)`
    pub fn ask(&self, line: &str, more: &str, body: Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(self.address).expect("the API listens");
        stream.set_read_timeout(Some(seconds(20.0))).unwrap();
        let key = match self.key.as_str() {
            "" => String::new(),
            key => format!("Authorization: Bearer {key}\r\n"),
        };
        let length = body.len();
        write!(
            stream,
            "{line} HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n{key}{more}\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub fn put(&self, line: &str, body: Value) {
        let said = self.ask(line, "If-Match: *\r\n", body);
        assert!((200..300).contains(&said.status), "{line}: {said:?}");
    }
}

#[test]
fn a_number_that_was_made_by_the_api_is_called_by_sipp() {
    let edge = Edge::start_with(with_api);
    let asker = Asker::first(&edge);
    let b = format!("sip:made@{}:5070", edge.net.ip(31));
    asker.put("POST /v1/receiving_numbers", json!({"name": "made", "number": b}));
    let number = json!({"number": "+15550100777", "label": "Made", "dial": ["made"]});
    asker.put("POST /v1/tracking_numbers", number);
    sipp_calls(&edge, "15550100777", "answers", "u1", "u1");
    let record = edge.record("ended");
    assert_eq!(record["tracking_number"], "+15550100777", "{record:#}");
}

#[test]
fn a_change_during_a_call_is_so_for_the_next_one_only() {
    let edge = Edge::start_with(with_api);
    let asker = Asker::first(&edge);
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let c = Phone::destination(&edge.net, 'C');
    let sdp = Voice::at(edge.net.ip(11)).sdp(101);
    let mut first = carrier.dial("15550100003", &sdp);
    let at_b = b.rings();
    // From now on nobody comes after B, and it rings for a second only.
    let name = asker.ask("GET /v1/tracking_numbers/+15550100003", "", Value::Null).json();
    let name =
        name["dial"][0].as_str().or(name["dial"].as_str()).expect("a destination").to_owned();
    let line = format!("/v1/receiving_numbers/{name}");
    let mut body = asker.ask(&format!("GET {line}"), "", Value::Null).json();
    body["no_answer"] = json!({"timeout": "1s"});
    asker.put(&format!("PUT {line}"), body);
    b.is_cancelled(&at_b, seconds(5.0));
    let at_c = c.rings();
    carrier.cancel(&first);
    c.is_cancelled(&at_c, SOON);
    let gone = carrier.status(487);
    carrier.ack(&mut first, &gone.message, "");
    let before = c.count(|it| it.is("INVITE"));
    let mut second = carrier.dial("15550100003", &sdp);
    let there = b.rings();
    b.is_cancelled(&there, seconds(3.0));
    let refusal = carrier.status(480);
    carrier.ack(&mut second, &refusal.message, "");
    assert_eq!(c.count(|it| it.is("INVITE")), before, "C was rung anew");
}

#[test]
fn what_was_changed_is_there_after_a_restart_and_the_file_keeps_the_rest() {
    let mut edge = Edge::start_with(with_api);
    let asker = Asker::first(&edge);
    asker.put("POST /v1/agents", json!({"name": "zoe"}));
    edge.kill();
    edge.restart();
    let said = asker.ask("GET /v1/agents/zoe", "", Value::Null);
    assert_eq!(said.status, 200, "{said:?}");
    assert_eq!(edge.log().matches("#setup=").count(), 1, "there is an admin already");
    // The tables of the file are not taken again; what stands around them is.
    let text =
        with_api(interop()) + "\n[[agent]]\nname = \"from-the-file\"\n[limits]\ndrain = \"1s\"\n";
    edge.write_config(&edge.net.translate(&text));
    edge.signal("HUP");
    edge.await_log("was read anew");
    let said = asker.ask("GET /v1/agents/from-the-file", "", Value::Null);
    assert_eq!(said.status, 404, "{said:?}");
    assert_eq!(asker.ask("GET /v1/agents/zoe", "", Value::Null).status, 200);
}

#[test]
fn an_edge_with_a_certificate_speaks_tls_and_nothing_else() {
    let tls = |text: String| {
        with_api(text).replace(
            "listen = \"127.0.0.1:8060\"",
            "listen = \"127.0.0.1:8060\"\ncertificate = \"edge.pem\"\nkey = \"edge.key\"",
        )
    };
    let edge = Edge::start_in(tls, |folder| {
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=edge", "-keyout", "edge.key", "-out", "edge.pem"])
            .current_dir(folder)
            .output()
            .expect("openssl");
        assert!(made.status.success(), "{made:?}");
    });
    let address = edge.net.at(1, 8060);
    let said = Command::new("openssl")
        .args(["s_client", "-quiet", "-connect", &address.to_string()])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .and_then(|mut it| {
            let request = "GET /v1/session HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n";
            it.stdin.as_mut().expect("a pipe").write_all(request.as_bytes())?;
            it.wait_with_output()
        });
    let said = String::from_utf8_lossy(&said.expect("openssl").stdout).into_owned();
    assert!(
        said.starts_with("HTTP/1.1 401") && said.contains("strict-transport-security"),
        "{said}"
    );
    let mut plain = TcpStream::connect(address).unwrap();
    plain.set_read_timeout(Some(seconds(5.0))).unwrap();
    plain.write_all(b"GET /health/live HTTP/1.1\r\nHost: edge\r\n\r\n").unwrap();
    let mut heard = Vec::new();
    drop(plain.read_to_end(&mut heard));
    assert!(!String::from_utf8_lossy(&heard).contains("live"), "{heard:?}");
}

/// Where tests/install-peers has put the programs of Python.
pub fn program(name: &str) -> std::path::PathBuf {
    let home = std::env::var("HOME").unwrap_or_default();
    Path::new(&home).join(".cache/crosspoint/venv/bin").join(name)
}

#[test]
fn schemathesis_finds_no_request_that_breaks_the_edge() {
    let edge = Edge::start_with(with_api);
    let asker = Asker::first(&edge);
    let schemathesis = program("schemathesis");
    assert!(schemathesis.exists(), "tests/install-peers installs schemathesis");
    let url = format!("http://{}", edge.net.at(1, 8060));
    let run = Command::new(schemathesis)
        .args(["run", &format!("{url}/openapi.json"), "--url", &url])
        .args(["-H", &format!("Authorization: Bearer {}", asker.key)])
        .args(["--checks", "not_a_server_error", "--phases", "coverage,fuzzing"])
        .args([
            "--workers",
            "1",
            "--max-examples",
            "3",
            "--seed",
            "1",
            "--request-timeout",
            "20",
            "--no-color",
        ])
        // Streams do not end, a copy of the database each time fills the disk.
        .args(["--exclude-path-regex", "^/v1/(events|backup)"])
        .current_dir(&edge.folder)
        .output()
        .expect("schemathesis runs");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}\n{}", String::from_utf8_lossy(&run.stderr));
    assert_eq!(asker.ask("GET /health/ready", "", Value::Null).body, "ready\n");
    assert!(!edge.log().contains("panicked"), "{}", edge.log());
}
