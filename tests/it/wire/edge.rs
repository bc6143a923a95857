//! The built program, running, and what it keeps.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::network::Network;
use super::phone::Phone;
use super::{SOON, seconds};

/// The program under test, until dropped.
pub struct Edge {
    pub net: Network,
    pub folder: PathBuf,
    config: PathBuf,
    child: Child,
}

impl Edge {
    /// Runs configs/interop.toml.
    pub fn start() -> Self {
        Self::start_with(|it| it)
    }

    /// Runs configs/interop.toml as `changed`, or something else altogether.
    pub fn start_with(changed: impl Fn(String) -> String) -> Self {
        Self::start_in(changed, |_| ())
    }

    /// The same, once `prepared` has done something to the folder of the test.
    pub fn start_in(changed: impl Fn(String) -> String, prepared: impl FnOnce(&Path)) -> Self {
        let net = Network::take();
        let folder = Self::folder(&net);
        prepared(&folder);
        let config = folder.join("edge.toml");
        fs::write(&config, net.translate(&changed(interop()))).unwrap();
        Self::run(net, folder, config)
    }

    /// Runs a shipped file as it is, at the addresses it names.
    pub fn start_verbatim(net: Network, file: &str) -> Self {
        let folder = Self::folder(&net);
        Self::run(net, folder, Path::new(env!("CARGO_MANIFEST_DIR")).join("configs").join(file))
    }

    fn folder(net: &Network) -> PathBuf {
        let name = format!("crosspoint-wire-{}-{}", std::process::id(), net.ip(0).octets()[1]);
        let folder = std::env::temp_dir().join(name);
        drop(fs::remove_dir_all(&folder));
        fs::create_dir_all(&folder).expect("a folder for the test");
        folder
    }

    fn run(net: Network, folder: PathBuf, config: PathBuf) -> Self {
        let child = spawn(&folder, &config, None);
        let edge = Self { net, folder, config, child };
        edge.await_answer();
        edge
    }

    /// Starts the program again on what it kept; it must have ended.
    pub fn restart(&mut self) {
        self.child = spawn(&self.folder, &self.config, None);
        self.await_answer();
    }

    /// The same on a machine that trusts this certificate.
    pub fn restart_trusting(&mut self, certificate: &Path) {
        self.child = spawn(&self.folder, &self.config, Some(certificate));
        self.await_answer();
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.pid()]).status();
        assert!(sent.is_ok_and(|it| it.success()), "kill -{name}");
    }

    /// Waits for the program to end by itself; its exit code.
    pub fn ended(&mut self, within: Duration) -> Option<i32> {
        let give_up = Instant::now() + within;
        while Instant::now() < give_up {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            std::thread::sleep(seconds(0.02));
        }
        panic!("still running after {within:?}\n{}", self.log());
    }

    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        self.child.kill().expect("a child");
        self.child.wait().expect("a child");
    }

    pub fn pid(&self) -> String {
        self.child.id().to_string()
    }

    pub fn write_config(&self, text: &str) {
        fs::write(self.folder.join("edge.toml"), text).unwrap();
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    pub fn await_log(&self, text: &str) {
        let give_up = Instant::now() + SOON;
        while !self.log().contains(text) {
            assert!(Instant::now() < give_up, "no {text:?} in the log:\n{}", self.log());
            std::thread::sleep(seconds(0.02));
        }
    }

    /// The last line of each call, in the order of the calls.
    pub fn records(&self) -> Vec<Value> {
        let lines =
            fs::read_to_string(self.folder.join("data/records/calls.jsonl")).unwrap_or_default();
        let mut calls: Vec<Value> = Vec::new();
        for line in lines.lines() {
            let Ok(record) = serde_json::from_str::<Value>(line) else { continue };
            match calls.iter_mut().find(|it| it["id"] == record["id"]) {
                Some(it) => *it = record,
                None => calls.push(record),
            }
        }
        calls
    }

    /// The only call, once it is in this state; a finished one must be kept within a second.
    pub fn record(&self, state: &str) -> Value {
        let give_up = Instant::now() + seconds(3.0);
        loop {
            if let [record] = self.records().as_slice()
                && record["state"] == state
            {
                return record.clone();
            }
            assert!(
                Instant::now() < give_up,
                "no single call that is {state}: {:#?}\n{}",
                self.records(),
                self.log()
            );
            std::thread::sleep(seconds(0.02));
        }
    }

    /// The recording that a record names; it gets its name within a second of the call's end.
    pub fn recording(&self, record: &Value) -> Recording {
        let name = record["recordings"][0]["file"].as_str().unwrap_or_else(|| panic!("{record:#}"));
        let path = self.folder.join("data/recordings").join(name);
        let give_up = Instant::now() + seconds(2.0);
        while !path.exists() && Instant::now() < give_up {
            std::thread::sleep(seconds(0.02));
        }
        Recording::read(&path)
    }

    fn await_answer(&self) {
        let probe = Phone::at(self.net.at(254, 0), &self.net);
        let give_up = Instant::now() + seconds(15.0);
        while Instant::now() < give_up {
            probe.send_options();
            if probe.look(|it| it.status() != 0, seconds(0.2)).is_some() {
                return;
            }
        }
        panic!("the edge does not answer\n{}", self.log());
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            eprintln!("--- the edge's log\n{}", self.log());
        }
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn spawn(folder: &Path, config: &Path, trusted: Option<&Path>) -> Child {
    let log = fs::File::options().create(true).append(true).open(folder.join("log")).unwrap();
    let edge = Command::new(env!("CARGO_BIN_EXE_crosspoint"))
        .arg("run")
        .arg("--config")
        .arg(config)
        .arg("--data")
        .arg(folder.join("data"))
        .envs(trusted.map(|it| ("SSL_CERT_FILE", it)))
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn();
    edge.expect("the built program")
}

pub fn interop() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/interop.toml");
    fs::read_to_string(path).unwrap()
}

/// A stereo G.711 WAV file, decoded.
pub struct Recording {
    pub caller: Vec<i16>,
    pub destination: Vec<i16>,
}

impl Recording {
    fn read(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap_or_else(|it| panic!("{}: {it}", path.display()));
        assert_eq!((&bytes[..4], &bytes[8..12]), (&b"RIFF"[..], &b"WAVE"[..]));
        let told = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
        assert!(told.abs_diff(bytes.len() - 8) <= 1, "RIFF says {told} of {}", bytes.len() - 8);
        let mut at = 12;
        let mut format = 0;
        while at + 8 <= bytes.len() {
            let size = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
            let body = &bytes[at + 8..(at + 8 + size).min(bytes.len())];
            match &bytes[at..at + 4] {
                b"fmt " => {
                    format = u16::from_le_bytes(body[..2].try_into().unwrap());
                    assert_eq!(body[2], 2, "stereo");
                    assert_eq!(u32::from_le_bytes(body[4..8].try_into().unwrap()), 8000);
                }
                b"data" => {
                    assert_eq!(body.len(), size, "all of the data is there");
                    let one = |it: u8| super::voice::decode(if format == 6 { 8 } else { 0 }, it);
                    let side = |n: usize| body.chunks_exact(2).map(|it| one(it[n])).collect();
                    return Self { caller: side(0), destination: side(1) };
                }
                _ => (),
            }
            at += 8 + size + size % 2;
        }
        panic!("{} has no data", path.display());
    }
}
