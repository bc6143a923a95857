//! The plain call of interop.toml, and how it may be dialled.

use super::edge::Edge;
use super::phone::Phone;
use super::voice::{Voice, tone_in};
use super::{SOON, seconds};

#[test]
fn a_call_reaches_b_is_heard_both_ways_recorded_and_accounted_for() {
    let edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let (mut ada, mut bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));

    let mut call = carrier.dial("15550100001", &ada.sdp(101));
    let there = b.rings();
    assert!(there.invite.request_uri().starts_with("sip:15550100001@"), "{:?}", there.invite);
    carrier.status(180);
    edge.record("in_progress");
    b.answer(&there, 200, &bob.sdp(101));
    let answer = carrier.status(200);
    carrier.ack(&mut call, &answer.message, "");
    b.request("ACK");

    ada.speak(answer.message.media().unwrap(), 600);
    bob.speak(there.invite.media().unwrap(), 900);
    bob.await_tone(600, seconds(1.0), SOON);
    ada.await_tone(900, seconds(1.0), SOON);
    for voice in [&ada, &bob] {
        let packets = voice.packets();
        assert!(packets.windows(2).all(|it| it[0].ssrc == it[1].ssrc), "one SSRC");
        let lost = packets.windows(2).filter(|it| it[1].sequence != it[0].sequence.wrapping_add(1));
        assert_eq!(lost.count(), 0, "no packet missing or twice");
    }

    carrier.hang_up(&mut call);
    b.is_hung_up(SOON);
    let record = edge.record("ended");
    assert_eq!(record["tracking_number"], "+15550100001");
    assert_eq!(record["legs"].as_array().unwrap().len(), 1);
    assert_eq!(record["legs"][0]["outcome"], "answered");
    assert!(record["talk_ms"].as_u64().unwrap() >= 900, "{record:#}");
    assert_eq!(record["caller_quality"]["packets_lost"], 0);
    let recording = edge.recording(&record);
    assert!(seconds(0.8) <= tone_in(&recording.caller, 600), "the caller is left");
    assert!(seconds(0.8) <= tone_in(&recording.destination, 900), "the destination is right");
    assert_eq!(tone_in(&recording.caller, 900), seconds(0.0));
}

#[test]
fn a_number_may_be_dialled_with_a_plus_or_as_a_tel_uri() {
    let edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let voice = Voice::at(edge.net.ip(11));
    let plus = format!("sip:+15550100001@{}", edge.net.edge());
    let by_phone = format!("sip:+15550100001@{};user=phone", edge.net.edge());
    let visual = "tel:+1-555-010-0001";
    for uri in [&plus, &by_phone, "tel:+15550100001", visual] {
        let call = carrier.dial_uri(uri, &voice.sdp(101), "");
        let there = b.rings();
        carrier.status(180);
        carrier.cancel(&call);
        b.is_cancelled(&there, SOON);
        carrier.status(487);
    }
}

#[test]
fn a_number_that_nobody_set_up_is_404() {
    let edge = Edge::start();
    let carrier = Phone::carrier(&edge.net);
    let mut call = carrier.dial("15550100404", &Voice::at(edge.net.ip(11)).sdp(101));
    let refusal = carrier.status(404);
    carrier.ack(&mut call, &refusal.message, "");
    assert_eq!(edge.record("ended")["cause"]["sip"], 404);
}

#[test]
fn where_nothing_is_the_caller_is_refused_in_bounded_time() {
    let edge = Edge::start();
    let carrier = Phone::carrier(&edge.net);
    let mut call = carrier.dial("15550100009", &Voice::at(edge.net.ip(11)).sdp(101));
    // The kernel says that the port is closed, or timer B runs out (32 s).
    let final_one = carrier.take("final response", |it| 300 <= it.status(), seconds(36.0));
    carrier.ack(&mut call, &final_one.message, "");
    // A 503 would say that the edge itself is down.
    assert_eq!(final_one.message.status(), 500);
    let record = edge.record("ended");
    assert_eq!(record["legs"][0]["outcome"], "failed");
}

#[test]
fn a_caller_who_cancels_stops_the_ringing() {
    let edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let mut call = carrier.dial("15550100001", &Voice::at(edge.net.ip(11)).sdp(101));
    let there = b.rings();
    carrier.status(180);
    carrier.cancel(&call);
    carrier.take("200 to CANCEL", |it| it.status() == 200 && it.method() == "CANCEL", SOON);
    let gone = carrier.status(487);
    carrier.ack(&mut call, &gone.message, "");
    b.is_cancelled(&there, SOON);
    let record = edge.record("ended");
    assert_eq!(record["answered_at"], serde_json::Value::Null);
    assert_eq!(record["cause"]["sip"], 487);
}

#[test]
fn a_caller_who_hangs_up_while_it_rings_with_bye_is_let_go() {
    let edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let mut call = carrier.dial("15550100001", &Voice::at(edge.net.ip(11)).sdp(101));
    let there = b.rings();
    let ringing = carrier.status(180).message;
    // RFC 3261 section 15: a caller may BYE an early dialog.
    call.remote = ringing.header("To").to_owned();
    call.target = ringing.contact();
    carrier.hang_up(&mut call);
    carrier.status(487);
    b.is_cancelled(&there, SOON);
}

#[test]
fn a_destination_that_hangs_up_ends_the_call() {
    let edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let (ada, bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));
    let mut call = carrier.dial("15550100001", &ada.sdp(101));
    let mut there = b.rings();
    b.picks_up(&there, &bob.sdp(101));
    let answer = carrier.status(200);
    carrier.ack(&mut call, &answer.message, "");
    b.hang_up(&mut there);
    carrier.is_hung_up(SOON);
    assert_eq!(edge.record("ended")["cause"]["reason"], "hung_up");
}
