//! Whole calls between SIPp and SIPp, and to baresip, through the running program.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crosspoint::audio::Law;

use super::edge::Edge;
use super::phone::Phone;
use super::voice::{Voice, tone_in};
use super::{SOON, seconds};

/// A program of somebody else, ended when dropped.
pub struct Peer {
    name: String,
    log: std::path::PathBuf,
    child: Child,
}

impl Peer {
    pub fn start(folder: &Path, name: &str, command: &mut Command) -> Self {
        let log = folder.join(format!("{name}.log"));
        let file = File::create(&log).unwrap();
        let child = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap_or_else(|it| panic!("{name}: {it} (make peers installs it)"));
        Self { name: name.to_owned(), log, child }
    }

    fn said(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits for it to end well.
    pub fn ends_well(&mut self, within: Duration) {
        let give_up = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "{} ended with {status}\n{}", self.name, self.said());
                return;
            }
            assert!(Instant::now() < give_up, "{} goes on\n{}", self.name, self.said());
            std::thread::sleep(seconds(0.02));
        }
    }

    pub fn await_word(&self, word: &str, within: Duration) {
        let give_up = Instant::now() + within;
        while !self.said().contains(word) {
            assert!(Instant::now() < give_up, "{} never said {word:?}\n{}", self.name, self.said());
            std::thread::sleep(seconds(0.05));
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// SIPp with one of our scenarios.
pub fn sipp(scenario: &str, at: SocketAddr, more: &[&str]) -> Command {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/wire/sipp");
    let mut sipp = Command::new("sipp");
    sipp.arg("-sf").arg(scenarios.join(format!("{scenario}.xml")));
    let (ip, port) = (at.ip().to_string(), at.port().to_string());
    sipp.args(["-i", &ip, "-mi", &ip, "-p", &port]);
    sipp.args(["-m", "1", "-timeout", "20", "-timeout_error", "-nostdin", "-trace_err"]);
    sipp.args(more);
    sipp
}

/// Two seconds of 600 Hz, mu-law without a header.
pub fn write_voice(edge: &Edge) {
    let step = std::f64::consts::TAU * 600.0 / 8000.0;
    let samples =
        (0..16_000).map(|n| Law::Mu.encode(((f64::from(n) * step).sin() * 8000.0) as i16));
    fs::write(edge.folder.join("voice.ul"), samples.collect::<Vec<u8>>()).unwrap();
}

/// A SIPp carrier calls `number`, a SIPp destination takes it at B; what the record says.
fn between_two_sipps(number: &str, b_is: &str, carrier_by: &str, b_by: &str) -> serde_json::Value {
    let edge = Edge::start();
    let places = [edge.net.at(11, 5060), edge.net.at(31, 5070), edge.net.edge()];
    between(&edge, number, places, (b_is, "6000"), [carrier_by, b_by])
}

/// The same at an edge that runs, whatever it has recorded so far.
pub fn sipp_calls(edge: &Edge, number: &str, b_is: &str, carrier_by: &str, b_by: &str) {
    let places = [edge.net.at(11, 5060), edge.net.at(31, 5070), edge.net.edge()];
    call(edge, number, places, (b_is, "6000"), [carrier_by, b_by]);
}

/// Until somebody listens at a TCP port: a connection made to see it would be SIPp's one call.
fn await_listener(port: u16) {
    // The kernel's words for "local port" and "listening".
    let (port, listens) = (format!(":{port:04X} "), " 0A ");
    let is_there = || {
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|it| fs::read_to_string(it).unwrap());
        let mut lines = tables.iter().flat_map(|it| it.lines());
        lines.any(|it| it.contains(listens) && it.contains(&port))
    };
    let start = Instant::now();
    while !is_there() {
        assert!(start.elapsed() < SOON, "nobody listens at {port}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The same for any edge: where the carrier, B and the edge are, what B does and its media port.
fn call(
    edge: &Edge,
    number: &str,
    [carrier_at, b_at, target]: [SocketAddr; 3],
    (b_is, b_media): (&str, &str),
    [carrier_by, b_by]: [&str; 2],
) {
    write_voice(edge);
    let mut b = sipp(b_is, b_at, &["-rtp_echo", "-mp", b_media, "-t", b_by]);
    let mut b = Peer::start(&edge.folder, "b", &mut b);
    if b_by == "t1" {
        // Nobody asks twice for a connection that was refused.
        await_listener(b_at.port());
    }
    let target = target.to_string();
    let calls = &["-s", number, "-t", carrier_by, &target];
    let mut carrier = Peer::start(&edge.folder, "carrier", &mut sipp("carrier", carrier_at, calls));
    carrier.ends_well(seconds(20.0));
    b.ends_well(SOON);
}

/// The same, and what the record says.
fn between(
    edge: &Edge,
    number: &str,
    places: [SocketAddr; 3],
    b: (&str, &str),
    by: [&str; 2],
) -> serde_json::Value {
    call(edge, number, places, b, by);
    let record = edge.record("ended");
    let recording = edge.recording(&record);
    assert!(seconds(1.0) <= tone_in(&recording.caller, 600), "SIPp speaks: {record:#}");
    assert!(seconds(0.9) <= tone_in(&recording.destination, 600), "SIPp echoes: {record:#}");
    record
}

/// A port of ::1 that nobody has now, by either transport.
fn free_port6() -> u16 {
    let free = (0..100).find_map(|_| {
        let port = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).ok()?.local_addr().ok()?.port();
        std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, port)).ok().map(|_| port)
    });
    free.expect("a port of ::1")
}

/// Carrier, edge and B on ::1; all of the call is IPv6.
fn between_two_sipps_on_ipv6(number: &str, by: &str, b_media: &str) {
    let home = |port| SocketAddr::from((IpAddr::from(Ipv6Addr::LOCALHOST), port));
    let [carrier, b, target] = [(); 3].map(|()| home(free_port6()));
    let edge = Edge::start_with(|it| {
        let listener = format!(
            "[[sip.listener]]\nname = \"six\"\naddress = \"{target}\"\n\n[media]\naddress6 = \"::1\"\n"
        );
        it.replace("[media]\n", &listener)
            .replace("sources = [\"127.0.0.11\"]", "sources = [\"127.0.0.11\", \"::1\"]")
            .replace("127.0.0.31:5070", &b.to_string())
    });
    let record = between(&edge, number, [carrier, b, target], ("answers", b_media), [by, by]);
    assert_eq!(record["legs"][0]["outcome"], "answered");
}

#[test]
fn sipp_calls_sipp_over_ipv6() {
    between_two_sipps_on_ipv6("15550100001", "u1", "26000");
}

#[test]
fn sipp_calls_sipp_over_tcp_over_ipv6() {
    between_two_sipps_on_ipv6("15550100005", "t1", "27000");
}

#[test]
fn sipp_calls_sipp() {
    let record = between_two_sipps("15550100001", "answers", "u1", "u1");
    assert_eq!(record["legs"][0]["outcome"], "answered");
}

#[test]
fn sipp_calls_over_tcp_and_sipp_is_called_over_tcp() {
    let record = between_two_sipps("15550100005", "answers", "t1", "t1");
    assert_eq!(record["legs"][0]["outcome"], "answered");
}

#[test]
fn sipp_challenges_and_the_password_is_known() {
    let record = between_two_sipps("15550100006", "challenges", "u1", "u1");
    assert_eq!(record["legs"].as_array().unwrap().len(), 1, "one leg, though two INVITEs");
}

/// docker/compose.yaml without the containers: their edge.toml and their SIPp scenario, on a network
/// of the test's own.
#[test]
fn the_scene_of_the_containers_plays() {
    let docker = Path::new(env!("CARGO_MANIFEST_DIR")).join("docker");
    let edge = Edge::start_with(|_| {
        let text = fs::read_to_string(docker.join("edge.toml")).unwrap();
        let text = text.replace("172.28.60.10", "127.0.0.1").replace("0.0.0.0:", "127.0.0.1:");
        let asks = "\"172.28.60.20\", \"127.0.0.254\"";
        text.replace("\"172.28.60.20\"", asks).replace("172.28.60.", "127.0.0.")
    });
    edge.await_log("prompts loaded");
    let [carrier, phone] = [20, 30].map(|it| edge.net.ip(it).to_string());
    let mut uas = Command::new("sipp");
    uas.args(["-sn", "uas", "-i", &phone, "-p", "5060", "-rtp_echo", "-nostdin"]);
    let _phone = Peer::start(&edge.folder, "phone", &mut uas);
    let mut sipp = Command::new("sipp");
    sipp.arg("-sf").arg(docker.join("carrier.xml"));
    sipp.args(["-s", "15550100001", "-i", &carrier, "-p", "5060", "-m", "2", "-r", "1"]);
    sipp.args(["-nostdin", "-timeout", "60s", "-timeout_error", &edge.net.edge().to_string()]);
    Peer::start(&edge.folder, "carrier", &mut sipp).ends_well(seconds(60.0));
    // A record may be in memory only for half a second.
    let answered = |it: &serde_json::Value| it["legs"][0]["outcome"] == "answered";
    let give_up = Instant::now() + SOON;
    while edge.records().iter().filter(|it| answered(it)).count() != 2 {
        assert!(Instant::now() < give_up, "{:#?}", edge.records());
        std::thread::sleep(seconds(0.05));
    }
}

/// Ten seconds of a tone, as a WAV file.
pub fn write_wav(path: &Path, hertz: u16) {
    let format = hound::WavSpec {
        channels: 1,
        sample_rate: 8000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(path, format).unwrap();
    let step = std::f64::consts::TAU * f64::from(hertz) / 8000.0;
    for n in 0..80_000 {
        file.write_sample(((f64::from(n) * step).sin() * 8000.0) as i16).unwrap();
    }
    file.finalize().unwrap();
}

/// baresip as agent1, speaking a tone of 440 Hz; it answers by itself, and does what `more` says.
pub fn baresip(edge: &Edge, password: &str, more: &[&str]) -> Peer {
    let folder = edge.folder.join("baresip");
    fs::create_dir_all(&folder).unwrap();
    write_wav(&folder.join("voice.wav"), 440);
    let config = format!(
        "sip_listen {}\nmodule_path /usr/lib/baresip/modules\naudio_source aufile,{}\n\
         audio_player aufile,{}\nmodule g711.so\nmodule aufile.so\n\
         module_tmp account.so\nmodule_app menu.so\nrtp_ports 26000-26100\n\
         module_app ctrl_tcp.so\nctrl_tcp_listen {}\n",
        edge.net.at(40, 5060),
        folder.join("voice.wav").display(),
        folder.join("heard.wav").display(),
        edge.net.at(40, 4444),
    );
    fs::write(folder.join("config"), config).unwrap();
    let account = format!(
        "<sip:agent1@{}>;auth_pass={password};answermode=auto;regint=60;audio_codecs=PCMU\n",
        edge.net.ip(1)
    );
    fs::write(folder.join("accounts"), account).unwrap();
    fs::write(folder.join("contacts"), "").unwrap();
    let mut baresip = Command::new("baresip");
    Peer::start(&edge.folder, "baresip", baresip.arg("-v").arg("-f").arg(&folder).args(more))
}

/// Types a command at [`baresip`]'s menu: a netstring of JSON, as its ctrl_tcp module takes it.
pub fn type_at_baresip(edge: &Edge, command: &str, params: &str) {
    let text =
        serde_json::json!({ "command": command, "params": params, "token": "t" }).to_string();
    let mut control = std::net::TcpStream::connect(edge.net.at(40, 4444)).expect("ctrl_tcp");
    control.write_all(format!("{}:{text},", text.len()).as_bytes()).unwrap();
    control.set_read_timeout(Some(SOON)).unwrap();
    let mut answer = [0; 512];
    let length = control.read(&mut answer).unwrap_or_default();
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(answer.contains("\"ok\":true"), "{command} {params}: {answer}");
}

#[test]
fn baresip_registers_answers_and_is_heard() {
    let edge = Edge::start();
    let baresip = baresip(&edge, "secret", &[]);
    baresip.await_word("200 OK", seconds(10.0));
    let carrier = Phone::carrier(&edge.net);
    let mut ada = Voice::at(edge.net.ip(11));
    let mut call = carrier.dial("15550100007", &ada.sdp(101));
    let answer = carrier.status(200);
    carrier.ack(&mut call, &answer.message, "");
    ada.speak(answer.message.media().unwrap(), 600);
    ada.await_tone(440, seconds(1.0), SOON);
    carrier.hang_up(&mut call);
    let record = edge.record("ended");
    assert_eq!(record["legs"][0]["outcome"], "answered");
    let recording = edge.recording(&record);
    assert!(seconds(0.6) <= tone_in(&recording.caller, 600));
    assert!(seconds(0.8) <= tone_in(&recording.destination, 440));
}

#[test]
fn baresip_with_a_wrong_password_is_not_registered() {
    let edge = Edge::start();
    let baresip = baresip(&edge, "wrong", &[]);
    baresip.await_word("401 Unauthorized", seconds(10.0));
    let carrier = Phone::carrier(&edge.net);
    let mut call = carrier.dial("15550100007", &Voice::at(edge.net.ip(11)).sdp(101));
    let refusal = carrier.status(480);
    carrier.ack(&mut call, &refusal.message, "");
}

#[test]
fn baresip_calls_a_tracking_number_with_its_password() {
    let edge = Edge::start();
    let number = format!("d sip:15550100001@{}", edge.net.ip(1));
    let b = Phone::destination(&edge.net, 'B');
    let bob = Voice::at(edge.net.ip(31));
    let _baresip = baresip(&edge, "secret", &["-e", &number]);
    let invite = b.request_within("INVITE", seconds(10.0));
    let mut there = b.line(&invite.message);
    b.picks_up(&there, &bob.sdp(101));
    bob.await_tone(440, seconds(0.5), SOON);
    b.hang_up(&mut there);
    let record = edge.record("ended");
    assert_eq!(record["legs"][0]["outcome"], "answered");
}
