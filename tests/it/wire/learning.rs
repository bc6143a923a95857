//! `crosspoint learn-extension` in front of a switchboard that takes digits only when it is quiet.

use std::process::Command;
use std::time::{Duration, Instant};

use super::network::Network;
use super::phone::Phone;
use super::voice::Voice;
use super::{edge, seconds};

const EVENTS: u8 = 101;
const DIGITS: &str = "31928";

#[test]
fn the_pauses_of_a_switchboard_are_learnt_and_work() {
    let net = Network::take();
    let folder =
        std::env::temp_dir().join(format!("crosspoint-learns-wire-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let config = folder.join("edge.toml");
    std::fs::write(&config, net.translate(&edge::interop())).unwrap();
    let mut switchboard = Phone::destination(&net, 'B');
    let learning = Command::new(env!("CARGO_BIN_EXE_crosspoint"))
        .args(["learn-extension", "b-4", DIGITS, "--config"])
        .arg(&config)
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Dialled by ear, then with what was learnt: both get through.
    let dialled: Vec<String> = (0..2).map(|_| serve(&net, &mut switchboard)).collect();
    let output = learning.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    drop(std::fs::remove_dir_all(&folder));
    assert_eq!(dialled, [DIGITS, DIGITS], "{said}");
    assert!(output.status.success(), "{said}");
    let proposed = said.split("extension = \"").nth(1).and_then(|it| it.split('"').next());
    let proposed = proposed.unwrap_or_else(|| panic!("{said}"));
    let (before, after) = proposed.split_once('3').unwrap_or_else(|| panic!("{said}"));
    assert_eq!(after.trim_start_matches(['w', 'W']), "1928", "{said}");
    assert!(!before.is_empty() && after.len() != 4, "no pauses were learnt: {said}");
}

/// Takes a call: greets, wants a 3, asks for the extension, and puts through. The digits it took:
/// one that comes while it speaks is not heard.
fn serve(net: &Network, switchboard: &mut Phone) -> String {
    let voice = Voice::at(net.ip(31));
    let invite = switchboard.request_within("INVITE", seconds(20.0)).message;
    // The call comes from a port of its own, beside an edge that may be running.
    let contact = invite.contact();
    switchboard.edge = contact.trim_start_matches("sip:").parse().unwrap();
    let there = switchboard.line(&invite);
    switchboard.answer(&there, 180, "");
    switchboard.picks_up(&there, &voice.sdp(EVENTS));
    let (to, mut frames) = (there.invite.media().unwrap(), 0);
    let mut taken = String::new();
    std::thread::sleep(seconds(0.4));
    for (hertz, prompt, wants) in [(500, 1.6, 1), (600, 1.0, 4)] {
        voice.say(to, hertz, seconds(prompt), &mut frames);
        taken += &digits_from(&voice, Instant::now(), wants);
        std::thread::sleep(seconds(0.2));
    }
    voice.say(to, 700, seconds(1.5), &mut frames);
    switchboard.is_hung_up(seconds(20.0));
    taken
}

/// The next digits that begin after a moment.
fn digits_from(voice: &Voice, moment: Instant, wanted: usize) -> String {
    let give_up = moment + Duration::from_secs(15);
    loop {
        let keys = voice.keys(EVENTS);
        let heard = keys.iter().filter(|it| moment <= it.first).map(|it| it.key);
        let heard: String = heard.take(wanted).collect();
        if heard.len() == wanted || give_up < Instant::now() {
            return heard;
        }
        std::thread::sleep(seconds(0.02));
    }
}
