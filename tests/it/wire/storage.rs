//! Recordings in an object storage that is not ours: moto, which `tests/install-peers` brings.

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crosspoint::store::objects::{ObjectError, ObjectSettings, Objects};
use crosspoint::store::sealed::Identity;
use serde_json::{Value, json};

use super::api::program;
use super::edge::{Edge, interop};
use super::live::{Client, answering};
use super::network::Network;
use super::peers::Peer;
use super::phone::Phone;
use super::programs::certificate;
use super::voice::Voice;
use super::{SOON, seconds};

/// A storage with one bucket, until dropped.
struct Storage {
    base: String,
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
    _program: Peer,
}

impl Storage {
    /// By TLS with this certificate and key, if there are any.
    fn start(folder: &Path, address: SocketAddr, tls: Option<(PathBuf, PathBuf)>) -> Self {
        let moto = program("moto_server");
        assert!(moto.exists(), "tests/install-peers installs moto");
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        let mut command = Command::new(moto);
        command.args(["-H", &host, "-p", &port]);
        let mut client = reqwest::Client::builder().no_proxy();
        if let Some((certificate, key)) = &tls {
            command.arg("-c").arg(certificate).arg("-k").arg(key);
            let pem = fs::read(certificate).unwrap();
            let trusted = reqwest::Certificate::from_pem(&pem).unwrap();
            client = client.tls_certs_only([trusted]);
        }
        let scheme = if tls.is_some() { "https" } else { "http" };
        let storage = Self {
            base: format!("{scheme}://{address}"),
            client: client.build().unwrap(),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
            _program: Peer::start(folder, "moto", &mut command),
        };
        let give_up = Instant::now() + seconds(30.0);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < give_up, "moto does not listen");
            std::thread::sleep(seconds(0.1));
        }
        assert_eq!(storage.asks(reqwest::Method::PUT, "/calls").0, 200, "there is a bucket");
        storage
    }

    /// As nobody in particular.
    fn asks(&self, method: reqwest::Method, path: &str) -> (u16, String) {
        self.runtime.block_on(async {
            let asked = self.client.request(method, format!("{}{path}", self.base));
            let answer = asked.send().await.expect("the storage");
            (answer.status().as_u16(), answer.text().await.unwrap())
        })
    }

    fn has(&self, key: &str) -> bool {
        self.asks(reqwest::Method::GET, "/calls").1.contains(&format!("<Key>{key}</Key>"))
    }

    fn settings(&self, url: &str) -> ObjectSettings {
        ObjectSettings {
            place: url.parse().unwrap(),
            endpoint: Some(self.base.parse().unwrap()),
            region: Some("us-east-1".to_owned()),
            credentials: Some(("test".to_owned(), "test".to_owned())),
            patience: Duration::from_secs(20),
        }
    }
}

fn sound(length: usize) -> Vec<u8> {
    (0..length).map(|it| (it * 11 % 253) as u8).collect()
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("crosspoint-storage-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        drop(fs::remove_dir_all(&path));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn recordings_are_put_into_a_real_storage_verified_got_in_parts_and_deleted() {
    let (net, folder) = (Network::take(), Folder::new("put"));
    let storage = Storage::start(&folder.0, net.at(1, 9000), None);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let objects = Objects::new(&storage.settings("s3://calls/edge/1")).unwrap();
        // At once, and in three parts.
        for (name, length) in [("a.wav", 100_000), ("long.wav", (11 << 20) + 5), ("none.wav", 0)] {
            let (file, bytes) = (folder.0.join(name), sound(length));
            fs::write(&file, &bytes).unwrap();
            objects.put(name, &file, None).await.unwrap_or_else(|it| panic!("{name}: {it}"));
            assert_eq!(objects.size(name).await.unwrap(), length as u64);
            let mut reader = objects.reader(name, length as u64);
            let read = move || {
                let mut got = Vec::new();
                reader.read_to_end(&mut got).map(|_| got)
            };
            let got = tokio::task::spawn_blocking(read).await.unwrap().unwrap();
            assert!(got == bytes, "{name}");
        }
        let (size, stream) = objects.get("long.wav", Some(6_000_000..6_000_100)).await.unwrap();
        assert_eq!(size, (11 << 20) + 5);
        let got: Vec<_> = futures_util::TryStreamExt::try_collect(stream).await.unwrap();
        assert!(got.concat() == sound((11 << 20) + 5)[6_000_000..6_000_100]);
        for _ in 0..2 {
            objects.delete("long.wav").await.unwrap();
        }
        objects.put("b.wav", &folder.0.join("a.wav"), None).await.unwrap();
        assert!(matches!(objects.size("long.wav").await, Err(ObjectError::Missing)));
        let nowhere = Objects::new(&storage.settings("s3://elsewhere")).unwrap();
        let told = nowhere.put("a.wav", &folder.0.join("a.wav"), None).await.unwrap_err();
        assert!(matches!(told, ObjectError::Refused(_)), "{told}");
        assert!(told.to_string().contains("no such bucket"), "{told}");
    });
    assert!(storage.has("edge/1/b.wav") && !storage.has("edge/1/long.wav"));
}

/// Waits for what is done beside the calls.
fn until(what: &str, edge: &Edge, holds: impl Fn() -> bool) {
    let give_up = Instant::now() + seconds(30.0);
    while !holds() {
        assert!(Instant::now() < give_up, "{what}: never\n{}", edge.log());
        std::thread::sleep(seconds(0.1));
    }
}

/// One call that is recorded: the name of its recording.
fn recorded(edge: &Edge, client: &Client) -> String {
    let mut b = answering(edge, 31, "6000");
    let carrier = Phone::carrier(&edge.net);
    let mut ada = Voice::at(edge.net.ip(11));
    let mut call = carrier.dial("15550100001", &ada.sdp(101));
    let answer = carrier.status_within(200, seconds(10.0));
    carrier.ack(&mut call, &answer.message, "");
    ada.speak(answer.message.media().unwrap(), 600);
    ada.await_tone(600, seconds(1.0), SOON);
    let calls = client.awaits("/v1/calls", |it| it["items"][0]["state"] == "talking");
    let id = calls["items"][0]["id"].as_str().unwrap().to_owned();
    client.does("POST", &format!("/v1/calls/{id}/hangup"), &Value::Null);
    carrier.is_hung_up(SOON);
    b.ends_well(SOON);
    let path = format!("/v1/records/{id}");
    let record = client.awaits(&path, |it| it["recordings"][0]["file"].is_string());
    record["recordings"][0]["file"].as_str().unwrap().to_owned()
}

#[test]
fn a_recording_is_sealed_taken_to_the_storage_heard_from_there_and_deleted_there() {
    let keys = Folder::new("keys");
    let key = keys.0.join("key");
    let recipient = Identity::keep_new(&key).unwrap();
    let config = |identity: &str| {
        let it = interop().replace("listen = \"off\"", "listen = \"127.0.0.1:8060\"");
        format!(
            "{it}\n[recordings]\nrecipients = [\"{recipient}\"]\n{identity}\n\
             [recordings.storage]\nurl = \"s3://calls/edge\"\n\
             endpoint = \"http://127.0.0.1:9000\"\nregion = \"us-east-1\"\n\
             key_id = \"test\"\nsecret = \"hush-hush\"\ntimeout = \"10s\"\n"
        )
    };
    let there = format!("identity = \"{}\"", key.display());
    let edge = Edge::start_with(|_| config(&there));
    let storage = Storage::start(&edge.folder, edge.net.at(1, 9000), None);
    let client = Client::first(&edge);
    let file = recorded(&edge, &client);
    let listed = || storage.has(&format!("edge/{file}.age"));
    until("it is in the storage", &edge, listed);
    let kept = edge.folder.join("data/recordings");
    until("nothing stays here", &edge, || fs::read_dir(&kept).unwrap().count() == 0);
    let rows = client.gets("/v1/recordings");
    let row = &rows["items"][0];
    assert_eq!((&row["state"], &row["encrypted"]), (&json!("uploaded"), &json!(true)), "{rows}");

    let path = format!("/v1/recordings/{file}");
    let whole = client.asks("GET", &path, "", b"");
    assert_eq!((whole.status, &whole.body[..4]), (200, &b"RIFF"[..]));
    let part = client.asks("GET", &path, "range: bytes=100-299\r\n", b"");
    assert_eq!((part.status, &part.body[..]), (206, &whole.body[100..300]));
    let drawn = client.gets(&format!("/v1/recordings/peaks?file={file}&points=50"));
    let loud = drawn["left"].as_array().unwrap().iter();
    assert!(5 < loud.filter(|it| 0.05 < it.as_f64().unwrap()).count(), "{drawn}");

    // Another secret in the same file is read when the edge is told so; and the first one again.
    let ours = fs::read(&key).unwrap();
    let status = |wanted: u16| {
        edge.signal("HUP");
        let told = format!("it is answered {wanted}");
        until(&told, &edge, || client.asks("GET", &path, "", b"").status == wanted);
    };
    fs::remove_file(&key).unwrap();
    Identity::keep_new(&key).unwrap();
    assert_eq!(client.asks("GET", &path, "", b"").status, 200);
    status(409);
    fs::write(&key, ours).unwrap();
    status(200);

    // Without the secret it is had as it is, and opened elsewhere.
    edge.write_config(&edge.net.translate(&config("")));
    status(409);
    let refused = client.asks("GET", &path, "", b"");
    assert_eq!((refused.status, &refused.json()["state"]), (409, &json!("sealed")));
    let sealed = client.asks("GET", &format!("{path}?sealed=true"), "", b"");
    assert!(sealed.body.starts_with(b"age-encryption.org/v1\n"), "{}", sealed.status);
    fs::write(keys.0.join("got.wav.age"), &sealed.body).unwrap();
    let opened = Command::new(env!("CARGO_BIN_EXE_crosspoint"))
        .args(["recording", "decrypt", "-i", "key", "got.wav.age"])
        .current_dir(&keys.0)
        .output();
    assert!(opened.unwrap().status.success());
    assert!(fs::read(keys.0.join("got.wav")).unwrap() == whole.body);

    client.does("DELETE", &path, &Value::Null);
    assert_eq!(client.asks("GET", &path, "", b"").status, 404);
    until("it is deleted there", &edge, || !listed());
    let erased = || {
        let log = client.gets("/v1/audit");
        let mut said = log["items"].as_array().unwrap().iter();
        let subject = format!("recording/{file}");
        said.any(|it| it["what"] == "erased" && it["subject"] == subject && it["by"] == "ada")
    };
    until("that is in the audit log", &edge, erased);
    assert!(!edge.log().contains("hush-hush"));
}

#[test]
fn a_storage_that_the_machine_does_not_trust_gets_nothing_until_it_does() {
    let mut edge = Edge::start_with(|_| {
        let it = interop().replace("listen = \"off\"", "listen = \"127.0.0.1:8060\"");
        format!(
            "{it}\n[recordings.storage]\nurl = \"s3://calls\"\n\
             endpoint = \"https://127.0.0.1:9000\"\nkey_id = \"test\"\nsecret = \"test\"\n"
        )
    });
    let (pem, key) = certificate(&edge.folder, edge.net.ip(1));
    let tls = Some((pem.clone(), key));
    let storage = Storage::start(&edge.folder, edge.net.at(1, 9000), tls);
    let client = Client::first(&edge);
    let file = recorded(&edge, &client);
    let objects = || client.gets("/v1/status")["recordings"]["objects"]["why"].clone();
    until("that it is not trusted is told", &edge, || objects().is_string());
    let why = objects().to_string();
    assert!(why.to_lowercase().contains("certificate"), "{why}");
    assert!(edge.folder.join("data/recordings").join(&file).exists() && !storage.has(&file));
    let path = format!("/v1/recordings/{file}");
    assert_eq!(client.asks("GET", &path, "", b"").status, 200, "it is heard from here");
    edge.kill();
    edge.restart_trusting(&pem);
    until("it is in the storage", &edge, || storage.has(&file));
    let whole = client.asks("GET", &path, "", b"");
    assert_eq!((whole.status, &whole.body[..4]), (200, &b"RIFF"[..]));
}
