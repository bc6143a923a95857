//! A disk that is full: calls go on, what is lost is said, and all is well once there is room.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crosspoint::store::sealed::Identity;
use serde_json::Value;

use super::edge::Edge;
use super::live::Client;
use super::phone::{Line, Phone};
use super::voice::{Voice, tone_in};
use super::{SOON, seconds};

/// A disk of so many kilobytes, until dropped.
struct Disk(PathBuf);

impl Disk {
    /// `None`, and a loud word, where nobody may mount.
    fn mount(at: &Path, kilobytes: u32) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let size = format!("size={kilobytes}k");
        let mount =
            Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).output();
        if mount.as_ref().is_ok_and(|it| it.status.success()) {
            return Some(Self(at.to_owned()));
        }
        eprintln!("\n*** NOT TESTED: a full disk; nothing can be mounted here: {mount:?}\n");
        None
    }

    /// Leaves so many kilobytes.
    fn fill(&self, left: usize) {
        let mut file = fs::File::create(self.0.join("filler")).unwrap();
        while file.write_all(&[0; 1024]).is_ok() {}
        let length = file.metadata().unwrap().len();
        file.set_len(length - 1024 * left as u64).unwrap();
    }

    fn empty(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }

    fn read_only(&self) {
        let again = Command::new("mount").args(["-o", "remount,ro"]).arg(&self.0).status();
        assert!(again.is_ok_and(|it| it.success()));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

/// What the HTTP interface says of this page.
fn page(edge: &Edge, path: &str) -> String {
    let mut stream = TcpStream::connect(edge.net.at(1, 8060)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn await_page(edge: &Edge, path: &str, words: &str) {
    let give_up = Instant::now() + SOON;
    loop {
        let text = page(edge, path);
        if text.contains(words) {
            return;
        }
        assert!(Instant::now() < give_up, "{path} never said {words:?}: {text}\n{}", edge.log());
        std::thread::sleep(seconds(0.05));
    }
}

fn with_pages(text: &str) -> String {
    text.replace("listen = \"off\"", "listen = \"127.0.0.1:8060\"")
}

/// A carrier and B, and what they sound like.
struct Town {
    carrier: Phone,
    b: Phone,
    ada: Voice,
    bob: Voice,
}

impl Town {
    fn of(edge: &Edge) -> Self {
        Self {
            carrier: Phone::carrier(&edge.net),
            b: Phone::destination(&edge.net, 'B'),
            ada: Voice::at(edge.net.ip(11)),
            bob: Voice::at(edge.net.ip(31)),
        }
    }

    /// B answers the carrier, and both speak.
    fn connect(&mut self) -> Line {
        let mut call = self.carrier.dial("15550100001", &self.ada.sdp(101));
        let there = self.b.rings();
        self.b.picks_up(&there, &self.bob.sdp(101));
        let answer = self.carrier.status(200).message;
        self.carrier.ack(&mut call, &answer, "");
        self.ada.speak(answer.media().unwrap(), 600);
        self.bob.speak(there.invite.media().unwrap(), 900);
        call
    }

    fn hang_up(&self, call: &mut Line) {
        self.carrier.hang_up(call);
        self.b.is_hung_up(SOON);
    }
}

/// The `n`th call, once it has ended.
fn ended(edge: &Edge, n: usize) -> Value {
    let give_up = Instant::now() + SOON;
    loop {
        if let Some(record) = edge.records().get(n).filter(|it| it["state"] == "ended") {
            return record.clone();
        }
        assert!(Instant::now() < give_up, "{:#?}\n{}", edge.records(), edge.log());
        std::thread::sleep(seconds(0.02));
    }
}

#[test]
fn a_recording_without_room_ends_and_its_call_goes_on() {
    let mut disk = None;
    let edge = Edge::start_in(
        |it| with_pages(&it),
        |folder| {
            disk = Disk::mount(&folder.join("data/recordings"), 256);
        },
    );
    let Some(disk) = disk else { return };
    // A second of stereo is 16 kB.
    disk.fill(24);
    let mut town = Town::of(&edge);
    let mut call = town.connect();
    edge.await_log("a recording cannot be written");
    let before = town.ada.packets().len() as u32;
    town.ada.await_tone(900, seconds(0.02) * (before + 25), SOON);
    town.hang_up(&mut call);
    let record = ended(&edge, 0);
    let recording = &record["recordings"][0];
    assert_eq!(recording["stopped_by"], "disk", "{record:#}");
    assert_eq!(record["cause"]["reason"], "hung_up", "{record:#}");
    assert!(recording["length_ms"].as_u64() < record["talk_ms"].as_u64(), "{record:#}");
    await_page(&edge, "/metrics", "crosspoint_recording_errors_total 1");

    disk.empty();
    let mut call = town.connect();
    town.bob.await_tone(600, seconds(1.0), SOON);
    std::thread::sleep(seconds(1.5));
    town.hang_up(&mut call);
    let record = ended(&edge, 1);
    assert_ne!(record["recordings"][0]["stopped_by"], "disk", "{record:#}");
    assert_eq!(record["recordings"][0]["lost_ms"], 0, "{record:#}");
    assert!(seconds(0.9) <= tone_in(&edge.recording(&record).caller, 600));
    await_page(&edge, "/metrics", "crosspoint_recording_errors_total 1");
}

#[test]
fn a_recording_without_room_to_be_sealed_stays_plain_until_there_is_room() {
    let mut disk = None;
    let key = std::env::temp_dir().join(format!("crosspoint-disk-key-{}", std::process::id()));
    drop(fs::remove_file(&key));
    let made = Identity::keep_new(&key).unwrap();
    let edge = Edge::start_in(
        |it| with_pages(&it) + &format!("\n[recordings]\nrecipients = [\"{made}\"]\n"),
        |folder| {
            disk = Disk::mount(&folder.join("data/recordings"), 256);
        },
    );
    let Some(disk) = disk else { return };
    let client = Client::first(&edge);
    let mut town = Town::of(&edge);
    let mut call = town.connect();
    town.ada.await_tone(900, seconds(3.0), SOON);
    // Enough for the rest of the call, and not for all of it once more.
    disk.fill(24);
    town.hang_up(&mut call);
    let record = ended(&edge, 0);
    let file = record["recordings"][0]["file"].as_str().unwrap().to_owned();
    assert_ne!(record["recordings"][0]["stopped_by"], "disk", "{record:#}");
    let ready = "degraded: recordings wait, they cannot be sealed";
    await_page(&edge, "/health/ready", ready);
    let why = client.gets("/v1/status")["recordings"]["sealing"]["why"].clone();
    assert!(why.to_string().contains("No space left"), "{why}");
    // It is tried again in vain, and told once.
    let path = format!("/v1/recordings/{file}");
    let plain = client.asks("GET", &path, "", b"");
    assert_eq!((plain.status, &plain.body[..4]), (200, &b"RIFF"[..]));
    let folder = edge.folder.join("data/recordings");
    std::thread::sleep(seconds(3.0));
    assert!(folder.join(&file).exists() && !folder.join(format!("{file}.age")).exists());
    let told = edge.log().matches("a recording cannot be kept as it should").count();
    assert_eq!(told, 1, "{}", edge.log());

    disk.empty();
    let sealed = folder.join(format!("{file}.age"));
    let give_up = Instant::now() + SOON + SOON + SOON;
    while folder.join(&file).exists() || !sealed.exists() {
        assert!(Instant::now() < give_up, "it is never sealed\n{}", edge.log());
        std::thread::sleep(seconds(0.05));
    }
    let mut heard = Vec::new();
    let opened = Identity::from_file(&key).unwrap().open(&sealed);
    opened.unwrap().read_to_end(&mut heard).unwrap();
    assert!(heard == plain.body, "it is what it was");
    await_page(&edge, "/health/ready", "ready");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    fs::remove_file(&key).unwrap();
}

#[test]
fn records_wait_for_a_full_disk_and_health_says_so() {
    let mut disk = None;
    let edge = Edge::start_in(
        |it| with_pages(&it),
        |folder| {
            disk = Disk::mount(&folder.join("data/records"), 256);
        },
    );
    let Some(disk) = disk else { return };
    await_page(&edge, "/health/ready", "ready");
    disk.fill(0);
    let mut town = Town::of(&edge);
    // There is room left in the last page of each file.
    for _ in 0..200 {
        if page(&edge, "/health/ready").contains("degraded") {
            break;
        }
        let mut call = town.carrier.dial("15550100404", &town.ada.sdp(101));
        let refusal = town.carrier.status(404).message;
        town.carrier.ack(&mut call, &refusal, "");
    }
    await_page(&edge, "/health/ready", "degraded");
    assert!(page(&edge, "/health/ready").starts_with("HTTP/1.0 200"), "calls are still taken");
    let mut call = town.connect();
    town.bob.await_tone(600, seconds(0.5), SOON);
    town.hang_up(&mut call);
    disk.empty();
    await_page(&edge, "/health/ready", "ready");
    let calls = edge.records().len();
    for n in 0..calls {
        ended(&edge, n);
    }
    let record = ended(&edge, calls - 1);
    assert_eq!(record["legs"][0]["outcome"], "answered", "{record:#}");
    await_page(&edge, "/metrics", "crosspoint_journal_backlog_lines 0");
    assert!(!page(&edge, "/metrics").contains("crosspoint_journal_lines_lost_total"));
}

#[test]
fn on_a_disk_it_may_not_write_to_it_does_not_start() {
    let folder = std::env::temp_dir().join(format!("crosspoint-read-only-{}", std::process::id()));
    let Some(disk) = Disk::mount(&folder, 64) else { return };
    disk.read_only();
    let mut run = Command::new(env!("CARGO_BIN_EXE_crosspoint"));
    run.args(["run", "--data"]).arg(&folder);
    let run = run.output().unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(run.status.code().is_some_and(|it| it != 0), "{said}");
    assert!(
        said.contains("Read-only file system") && said.contains("crosspoint-read-only"),
        "{said}"
    );
    drop(disk);
    fs::remove_dir(&folder).unwrap();
}
