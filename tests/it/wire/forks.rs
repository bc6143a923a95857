//! Several destinations: at once, and one after the other.

use super::edge::Edge;
use super::phone::{Line, Phone};
use super::voice::Voice;
use super::{SOON, seconds};

#[test]
fn of_three_that_ring_the_first_to_answer_has_the_call_and_the_others_are_called_off() {
    let edge = Edge::start();
    let carrier = Phone::carrier(&edge.net);
    let phones = ['B', 'C', 'D'].map(|it| Phone::destination(&edge.net, it));
    let mut call = carrier.dial("15550100002", &Voice::at(edge.net.ip(11)).sdp(101));
    let lines = [phones[0].rings(), phones[1].rings(), phones[2].rings()];
    carrier.status(180);
    phones[1].picks_up(&lines[1], &Voice::at(edge.net.ip(32)).sdp(101));
    let answer = carrier.status(200);
    carrier.ack(&mut call, &answer.message, "");
    for loser in [0, 2] {
        let cancel = phones[loser].is_cancelled(&lines[loser], SOON).message;
        let reason = cancel.header("Reason");
        assert!(reason.starts_with("SIP") && reason.contains("cause=200"), "{cancel:?}");
    }
    carrier.hang_up(&mut call);
    phones[1].is_hung_up(SOON);
    let record = edge.record("ended");
    let legs = record["legs"].as_array().unwrap();
    let connected = legs.iter().filter(|it| !it["connected_at"].is_null()).count();
    assert_eq!((legs.len(), connected), (3, 1), "{record:#}");
}

#[test]
fn of_two_that_answer_at_once_one_is_hung_up_on() {
    let edge = Edge::start();
    let carrier = Phone::carrier(&edge.net);
    let phones = ['B', 'C', 'D'].map(|it| Phone::destination(&edge.net, it));
    let mut call = carrier.dial("15550100002", &Voice::at(edge.net.ip(11)).sdp(101));
    let lines = [phones[0].rings(), phones[1].rings(), phones[2].rings()];
    let sdps = [31, 32].map(|it| Voice::at(edge.net.ip(it)).sdp(101));
    phones[0].answer(&lines[0], 200, &sdps[0]);
    phones[1].answer(&lines[1], 200, &sdps[1]);
    let answer = carrier.status(200);
    carrier.ack(&mut call, &answer.message, "");
    phones[0].request("ACK");
    phones[1].request("ACK");
    phones[2].is_cancelled(&lines[2], SOON);
    phones[1].is_hung_up(SOON);
    carrier.hang_up(&mut call);
    phones[0].is_hung_up(SOON);
    assert_eq!(carrier.count(|it| it.status() == 200 && it.method() == "INVITE"), 1);
}

/// A call to the number that tries B, then C; B does as told.
fn falls_back(b_does: impl Fn(&Phone, &Line)) -> f64 {
    let edge = Edge::start();
    let carrier = Phone::carrier(&edge.net);
    let (b, c) = (Phone::destination(&edge.net, 'B'), Phone::destination(&edge.net, 'C'));
    let mut call = carrier.dial("15550100003", &Voice::at(edge.net.ip(11)).sdp(101));
    let rung = b.request("INVITE");
    b_does(&b, &b.line(&rung.message));
    let next = c.request("INVITE");
    let there = c.line(&next.message);
    c.answer(&there, 180, "");
    c.picks_up(&there, &Voice::at(edge.net.ip(32)).sdp(101));
    let answer = carrier.status(200);
    carrier.ack(&mut call, &answer.message, "");
    carrier.hang_up(&mut call);
    c.is_hung_up(SOON);
    edge.record("ended");
    (next.at - rung.at).as_secs_f64()
}

#[test]
fn who_does_not_answer_for_three_seconds_loses_the_call_to_the_next() {
    let took = falls_back(|b, line| {
        b.answer(line, 180, "");
        b.is_cancelled(line, SOON);
    });
    assert!((2.95..3.2).contains(&took), "C was rung after {took} s");
}

#[test]
fn a_busy_destination_loses_the_call_at_once() {
    let took = falls_back(|b, line| b.answer(line, 486, ""));
    assert!(took < 0.5, "C was rung after {took} s");
}

#[test]
fn a_failing_destination_loses_the_call_at_once() {
    let took = falls_back(|b, line| b.answer(line, 500, ""));
    assert!(took < 0.5, "C was rung after {took} s");
}

#[test]
fn without_a_next_one_the_caller_hears_480_after_three_seconds() {
    let edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let mut call = carrier.dial("15550100013", &Voice::at(edge.net.ip(11)).sdp(101));
    let rung = b.request("INVITE");
    let there = b.line(&rung.message);
    b.answer(&there, 180, "");
    b.is_cancelled(&there, SOON);
    let refusal = carrier.status(480);
    carrier.ack(&mut call, &refusal.message, "");
    let took = (refusal.at - rung.at).as_secs_f64();
    assert!((2.95..3.3).contains(&took), "refused after {took} s");
    assert_eq!(edge.record("ended")["legs"][0]["outcome"], "no_answer");
}

#[test]
fn what_a_lone_destination_says_is_what_the_carrier_hears_in_kind() {
    let edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let voice = Voice::at(edge.net.ip(11));
    for (said, heard) in [(486, 486), (404, 404), (603, 603)] {
        let mut call = carrier.dial("15550100001", &voice.sdp(101));
        let there = b.rings();
        b.answer(&there, said, "");
        b.request("ACK");
        let refusal = carrier.take("refusal", |it| 300 <= it.status(), seconds(3.0));
        carrier.ack(&mut call, &refusal.message, "");
        assert_eq!(refusal.message.status(), heard, "B said {said}");
    }
}
