//! Stopping, reloading, crashing; and a whisper that a synthesiser speaks.

use std::net::UdpSocket;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use super::edge::{Edge, interop};
use super::phone::{Line, Phone};
use super::voice::{Voice, tone_in};
use super::{SOON, seconds};

/// Calls B and is answered; both speak.
fn connected(edge: &Edge, carrier: &Phone, b: &Phone, ada: &mut Voice, bob: &mut Voice) -> Line {
    let mut call = carrier.dial("15550100001", &ada.sdp(101));
    let there = b.rings();
    b.picks_up(&there, &bob.sdp(101));
    let answer = carrier.status(200);
    carrier.ack(&mut call, &answer.message, "");
    ada.speak(answer.message.media().unwrap(), 600);
    bob.speak(there.invite.media().unwrap(), 900);
    bob.await_tone(600, seconds(0.2), SOON);
    edge.record("in_progress");
    call
}

#[test]
fn told_to_stop_it_refuses_new_calls_and_lets_running_ones_end() {
    let mut edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let (mut ada, mut bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));
    let mut call = connected(&edge, &carrier, &b, &mut ada, &mut bob);
    edge.signal("TERM");
    edge.await_log("new calls are refused");
    let mut second = carrier.dial("15550100001", &ada.sdp(101));
    let refusal = carrier.status(503).message;
    carrier.ack(&mut second, &refusal, "");
    assert!(!refusal.header("Retry-After").is_empty(), "{refusal:?}");
    carrier.send_options();
    let asked = |it: &super::message::Message| it.status() == 503 && it.method() == "OPTIONS";
    let busy = carrier.take("503 to OPTIONS", asked, SOON).message;
    assert!(!busy.header("Retry-After").is_empty(), "{busy:?}");
    let before = ada.packets().len();
    ada.await_tone(900, seconds(0.02) * (before as u32 + 25), SOON);
    carrier.hang_up(&mut call);
    b.is_hung_up(SOON);
    assert_eq!(edge.ended(SOON), Some(0));
    let calls = edge.records();
    let ended = calls.iter().filter(|it| it["state"] == "ended");
    assert_eq!(ended.count(), calls.len(), "{calls:#?}");
    // All of the sound is on the disk by then, under its own name.
    let record = calls.iter().find(|it| !it["connected_at"].is_null()).unwrap();
    let talked = seconds(0.001) * record["talk_ms"].as_u64().unwrap() as u32;
    let recorded = seconds(1.0) * edge.recording(record).caller.len() as u32 / 8000;
    assert!(talked.abs_diff(recorded) < seconds(0.1), "{recorded:?} of {talked:?}");
}

#[test]
fn told_to_stop_twice_it_ends_the_calls_too() {
    let mut edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let (mut ada, mut bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));
    connected(&edge, &carrier, &b, &mut ada, &mut bob);
    edge.signal("TERM");
    edge.await_log("new calls are refused");
    edge.signal("TERM");
    let bye = carrier.request("BYE").message;
    carrier.accept(&bye, "");
    b.is_hung_up(SOON);
    assert_eq!(edge.ended(SOON), Some(0));
}

/// More than it can answer, from its carrier's address: the signal, too, wants to be heard.
#[test]
fn told_to_stop_in_a_flood_it_hears_that() {
    let mut edge = Edge::start();
    let over = AtomicBool::new(false);
    let target = edge.net.edge();
    let sockets = [0, 0].map(|port| UdpSocket::bind(edge.net.at(11, port)).unwrap());
    let text = format!(
        "OPTIONS sip:{target} SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bKflood\r\n\
         From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: flood\r\nCSeq: 1 OPTIONS\r\n\
         Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n",
        edge.net.at(11, 9),
    );
    std::thread::scope(|scope| {
        for socket in &sockets {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    drop(socket.send_to(text.as_bytes(), target));
                }
            });
        }
        // However this ends, the flood does too.
        let _calm = Calm(&over);
        std::thread::sleep(seconds(0.5));
        edge.signal("TERM");
        assert_eq!(edge.ended(SOON), Some(0));
    });
}

struct Calm<'a>(&'a AtomicBool);

impl Drop for Calm<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_wrong_file_changes_nothing_and_a_right_one_does() {
    let edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let sdp = Voice::at(edge.net.ip(11)).sdp(101);
    let refused = |number| {
        let mut call = carrier.dial(number, &sdp);
        let refusal = carrier.status(404);
        carrier.ack(&mut call, &refusal.message, "");
    };
    let rings = |number| {
        let call = carrier.dial(number, &sdp);
        let there = b.rings();
        carrier.cancel(&call);
        b.is_cancelled(&there, SOON);
        let gone = carrier.status(487);
        carrier.ack(&mut { call }, &gone.message, "");
    };
    edge.write_config("[sip]\nrealm = 7\n");
    edge.signal("HUP");
    edge.await_log("the old one stays in force");
    rings("15550100001");
    refused("15550100404");
    let more = "\n[[tracking_number]]\nnumber = \"+15550100404\"\ndial = [\"b-1\"]\n";
    edge.write_config(&edge.net.translate(&(interop() + more)));
    edge.signal("HUP");
    edge.await_log("was read anew");
    rings("15550100404");
    rings("15550100001");
}

#[test]
fn a_call_that_a_crash_cut_short_has_a_record_and_a_recording_that_plays() {
    let mut edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let (mut ada, mut bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));
    let mut call = connected(&edge, &carrier, &b, &mut ada, &mut bob);
    bob.await_tone(600, seconds(2.5), SOON);
    edge.kill();
    edge.restart();
    let record = edge.record("interrupted");
    let recording = edge.recording(&record);
    assert!(seconds(1.0) <= tone_in(&recording.caller, 600), "a second is lost at most");
    assert!(seconds(1.0) <= tone_in(&recording.destination, 900));
    // Who still holds the call hears that there is none.
    carrier.ask(&mut call, "BYE", "", "");
    carrier.status(481);
}

#[test]
fn a_wrong_configuration_is_refused_with_64_and_where_it_is_wrong() {
    let file = std::env::temp_dir().join(format!("crosspoint-wrong-{}.toml", std::process::id()));
    std::fs::write(&file, "[sip]\nrealm = \"x\"\n\n[media]\nports = \"7\"\n").unwrap();
    let run = std::process::Command::new(env!("CARGO_BIN_EXE_crosspoint"))
        .args(["run", "--config"])
        .arg(&file)
        .output()
        .unwrap();
    std::fs::remove_file(&file).unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert_eq!(run.status.code(), Some(64), "{said}");
    assert!(said.contains(":5:") && said.contains("ports"), "{said}");
}

#[test]
fn a_whisper_is_spoken_to_who_answers_before_the_caller_is_connected() {
    let edge = Edge::start_with(|it| {
        let b = "number = \"sip:15550100001@127.0.0.31:5070\"\n";
        it.replace(b, &format!("{b}whisper = {{ text = \"A call from the ads.\" }}\n"))
    });
    edge.await_log("prompts loaded");
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let (mut ada, bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));
    let mut call = carrier.dial("15550100001", &ada.sdp(101));
    let there = b.rings();
    b.picks_up(&there, &bob.sdp(101));
    let answer = carrier.status_within(200, seconds(8.0));
    let heard = bob.packets();
    let loud = heard
        .iter()
        .filter(|it| it.at < answer.at && it.samples().iter().any(|it| 1500 < it.unsigned_abs()));
    let spoken = seconds(0.02) * loud.count() as u32;
    assert!((seconds(0.6)..seconds(4.0)).contains(&spoken), "{spoken:?} of speech");
    carrier.ack(&mut call, &answer.message, "");
    ada.speak(answer.message.media().unwrap(), 600);
    bob.await_tone(600, seconds(0.3), SOON);
    carrier.hang_up(&mut call);
    b.is_hung_up(SOON);
    let record = edge.record("ended");
    assert!(!record["legs"][0]["whisper_at"].is_null(), "{record:#}");
}

/// The descriptors that the program may open: so many, as a whole.
fn allow_descriptors(edge: &Edge, count: usize) {
    let limit = format!("--nofile={count}:");
    let done = Command::new("prlimit").args(["--pid", &edge.pid(), &limit]).status().unwrap();
    assert!(done.success());
}

#[test]
fn rtp_ports_that_could_not_be_had_for_want_of_descriptors_are_had_once_there_are_some() {
    let edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let sdp = Voice::at(edge.net.ip(11)).sdp(101);
    let open = std::fs::read_dir(format!("/proc/{}/fd", edge.pid())).unwrap().count();
    allow_descriptors(&edge, open);
    // Each takes two pairs of ports; those that are had ready are used up after a while.
    let refused = (0..200).any(|_| {
        carrier.dial("15550100001", &sdp);
        carrier.hears_status(503, seconds(0.02))
    });
    assert!(refused, "{}", edge.log());
    edge.await_log("RTP ports cannot be bound");
    allow_descriptors(&edge, 8000);
    edge.await_log("RTP ports can be bound again");
    // The exchange hears of them a moment later.
    let taken = (0..20).any(|_| {
        let id = carrier.dial("15550100001", &sdp).call.clone();
        let told = carrier.look(|it| it.call() == id && 180 <= it.status(), SOON);
        told.is_some_and(|it| it.message.status() == 180)
    });
    assert!(taken, "{}", edge.log());
    drop(b);
    assert_eq!(edge.log().matches("RTP ports cannot be bound").count(), 1, "{}", edge.log());
}
