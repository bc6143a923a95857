//! Transfers on the wire: SIPp and a phone of our own ask for them (RFC 3515), baresip takes them.

use std::fs;
use std::net::UdpSocket;

use super::edge::Edge;
use super::peers::{Peer, baresip, sipp};
use super::phone::Phone;
use super::voice::{Voice, tone_in};
use super::{SOON, seconds};

/// B may put callers through; agent1 forbids that it is recorded.
fn edge() -> Edge {
    Edge::start_with(|it| {
        it.replace("name = \"b-1\"\n", "name = \"b-1\"\nmay_transfer = true\n").replace(
            "number = \"client:agent1\"",
            "number = \"client:agent1\"\nprevent_recording = true",
        )
    })
}

/// Case 10, by transfer: the talk with B is recorded, not one sample of the talk with agent1 is.
#[test]
fn sipp_puts_the_caller_through_to_baresip_who_forbids_recording() {
    let edge = edge();
    let agent = baresip(&edge, "secret", &[]);
    agent.await_word("200 OK", seconds(10.0));
    let mut b = sipp("refers", edge.net.at(31, 5070), &["-rtp_echo", "-mp", "6000"]);
    let mut b = Peer::start(&edge.folder, "b", &mut b);
    let taken = |at| UdpSocket::bind(at).is_err();
    while !taken(edge.net.at(31, 5070)) {
        std::thread::sleep(seconds(0.05));
    }
    let carrier = Phone::carrier(&edge.net);
    let mut ada = Voice::at(edge.net.ip(11));
    let mut call = carrier.dial("15550100001", &ada.sdp(101));
    let answer = carrier.status_within(200, seconds(10.0));
    carrier.ack(&mut call, &answer.message, "");
    ada.speak(answer.message.media().unwrap(), 600);
    // SIPp echoes her until baresip speaks.
    ada.await_tone(600, seconds(0.5), SOON);
    ada.await_tone(440, seconds(1.0), seconds(10.0));
    b.ends_well(SOON);
    carrier.hang_up(&mut call);
    let record = edge.record("ended");
    let recordings = record["recordings"].as_array().unwrap();
    assert_eq!(recordings.len(), 2, "{record:#}");
    assert_eq!(recordings[1]["file"], serde_json::Value::Null);
    assert_eq!(recordings[1]["prevented"], "prevent_recording");
    let tape = edge.recording(&record);
    assert!(seconds(0.8) <= tone_in(&tape.caller, 600));
    assert_eq!(tone_in(&tape.destination, 440), seconds(0.0), "baresip is on tape");
    let files = fs::read_dir(edge.folder.join("data/recordings")).unwrap().count();
    assert_eq!(files, 1, "there is another recording");
    assert_eq!(record["legs"][1]["outcome"], "answered");
}

#[test]
fn who_asks_for_a_transfer_is_told_what_becomes_of_it() {
    let edge = edge();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let (ada, bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));
    let mut call = carrier.dial("15550100001", &ada.sdp(101));
    let mut there = b.rings();
    b.picks_up(&there, &bob.sdp(101));
    let answer = carrier.status(200);
    carrier.ack(&mut call, &answer.message, "");
    // Nobody has registered there: it comes back at once, and B has the call still.
    b.ask(&mut there, "REFER", "Refer-To: <sip:agent1@127.0.0.1>\r\n", "");
    b.status(202);
    let mut states = Vec::new();
    while !states.iter().any(|it: &String| it.starts_with("terminated")) {
        let notify = b.request("NOTIFY").message;
        assert_eq!(notify.header("Event"), "refer");
        assert!(notify.header("Content-Type").starts_with("message/sipfrag"));
        b.accept(&notify, "");
        states.push(notify.header("Subscription-State").to_owned());
        if states.len() == 2 {
            assert!(notify.body.starts_with("SIP/2.0 480"));
        }
    }
    assert_eq!(states.len(), 2, "{states:?}");
    b.hang_up(&mut there);
    carrier.request("BYE");
}
