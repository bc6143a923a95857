//! Transfers on the wire: SIPp and a phone of our own ask for them (RFC 3515), baresip takes them.

use std::fs;
use std::net::UdpSocket;

use super::edge::Edge;
use super::peers::{Peer, baresip, sipp, type_at_baresip};
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

/// Case 10, by transfer the other way round. (Debian's baresip 1.0.0 knows no attended transfer: its
/// menu has `transfer` alone, and nothing in it writes or reads a Replaces.)
#[test]
fn baresip_puts_the_caller_through_to_b_who_forbids_recording() {
    let edge = Edge::start_with(|it| {
        it.replace("name = \"b-1\"\n", "name = \"b-1\"\nprevent_recording = true\n")
    });
    let agent = baresip(&edge, "secret", &[]);
    agent.await_word("200 OK", seconds(10.0));
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let (mut ada, mut bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));
    let mut call = carrier.dial("15550100007", &ada.sdp(101));
    let answer = carrier.status_within(200, seconds(10.0));
    carrier.ack(&mut call, &answer.message, "");
    ada.speak(answer.message.media().unwrap(), 600);
    ada.await_tone(440, seconds(0.5), SOON);
    type_at_baresip(&edge, "transfer", &format!("sip:b-1@{}", edge.net.ip(1)));
    let there = b.rings();
    b.picks_up(&there, &bob.sdp(101));
    bob.speak(there.invite.media().unwrap(), 900);
    bob.await_tone(600, seconds(0.5), SOON);
    ada.await_tone(900, seconds(0.5), SOON);
    carrier.hang_up(&mut call);
    b.is_hung_up(SOON);
    let record = edge.record("ended");
    let legs: Vec<_> = record["legs"].as_array().unwrap().iter().collect();
    assert_eq!(legs[0]["cause"]["reason"], "transferred", "{record:#}");
    assert_eq!(legs[1]["destination"], "b-1");
    let recordings = record["recordings"].as_array().unwrap();
    assert!(recordings[0]["file"].is_string(), "{record:#}");
    assert_eq!(recordings[1]["prevented"], "prevent_recording");
    assert_eq!(tone_in(&edge.recording(&record).destination, 900), seconds(0.0), "B is on tape");
}

/// RFC 3891 on the wire: the carrier's other end goes on with the call.
#[test]
fn an_invite_with_replaces_takes_the_place_of_the_caller() {
    let edge = edge();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let (ada, mut bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));
    let mut call = carrier.dial("15550100001", &ada.sdp(101));
    let there = b.rings();
    b.picks_up(&there, &bob.sdp(101));
    let answer = carrier.status(200).message;
    carrier.ack(&mut call, &answer, "");
    let tag = |it: &str| it.rsplit("tag=").next().unwrap_or_default().to_owned();
    let named = format!("{};to-tag={};from-tag={}", call.call, tag(&call.remote), tag(&call.local));
    let uri = format!("sip:edge@{}", edge.net.edge());
    for (named, status) in
        [(format!("{named};early-only"), 486), (named.replace("from-tag=", "from-tag=x"), 481)]
    {
        let mut refused = carrier.dial_uri(&uri, &ada.sdp(101), &format!("Replaces: {named}\r\n"));
        let refusal = carrier.status(status).message;
        carrier.ack(&mut refused, &refusal, "");
    }
    // Her other phone is at another port of the same carrier.
    let mut mobile = Voice::at(edge.net.ip(11));
    let mut second = carrier.dial_uri(&uri, &mobile.sdp(101), &format!("Replaces: {named}\r\n"));
    let answer = carrier.status(200).message;
    assert!(answer.header("Supported").contains("replaces"), "{answer:?}");
    carrier.ack(&mut second, &answer, "");
    let bye = carrier.is_hung_up(SOON).message;
    assert_eq!(bye.call(), call.call, "the first is let go");
    mobile.speak(answer.media().unwrap(), 600);
    bob.speak(there.invite.media().unwrap(), 900);
    bob.await_tone(600, seconds(0.5), SOON);
    mobile.await_tone(900, seconds(0.5), SOON);
    carrier.hang_up(&mut second);
    b.is_hung_up(SOON);
    edge.record("ended");
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
