//! Extensions that carriers insist on: reliable provisional responses (RFC 3262) and session
//! timers (RFC 4028); and what we call ourselves.

use super::edge::Edge;
use super::phone::Phone;
use super::voice::Voice;
use super::{SOON, seconds};

const RELIABLE: &str = "Require: 100rel\r\nRSeq: 7\r\n";

#[test]
fn a_ringing_that_must_be_acknowledged_is_and_the_call_comes_about() {
    let edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let (mut ada, bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));
    let mut call = carrier.dial("15550100001", &ada.sdp(101));
    let there = b.line(&b.request("INVITE").message);
    assert!(there.invite.header("Supported").contains("100rel"), "{:?}", there.invite);
    b.reply(&there.invite, &there.local, 180, RELIABLE, "");
    let prack = b.request("PRACK").message;
    assert_eq!(prack.header("RAck"), format!("7 {} INVITE", there.invite.cseq()));
    assert_eq!(prack.header("To"), there.local, "within the early dialog");
    assert_eq!(prack.request_uri(), format!("sip:{}", b.address));
    // Lost, so B rings again: one ringing, one PRACK, however often it comes.
    b.reply(&there.invite, &there.local, 180, RELIABLE, "");
    b.accept(&prack, "");
    b.reply(&there.invite, &there.local, 183, "Require: 100rel\r\nRSeq: 8\r\n", "");
    let second = b.take("PRACK", |it| it.is("PRACK") && it.cseq() != prack.cseq(), SOON).message;
    assert_eq!(second.header("RAck"), format!("8 {} INVITE", there.invite.cseq()));
    b.accept(&second, "");
    b.picks_up(&there, &bob.sdp(101));
    let answer = carrier.status(200);
    carrier.ack(&mut call, &answer.message, "");
    ada.speak(answer.message.media().unwrap(), 600);
    bob.await_tone(600, seconds(0.2), SOON);
    carrier.hang_up(&mut call);
    b.is_hung_up(SOON);
    let pracks = b.heard(|it| it.is("PRACK"));
    let mut different: Vec<u32> = pracks.iter().map(|it| it.message.cseq()).collect();
    different.dedup();
    assert_eq!(different.len(), 2, "{pracks:?}");
}

#[test]
fn a_caller_who_insists_on_it_is_rung_reliably() {
    let edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let sdp = Voice::at(edge.net.ip(11)).sdp(101);
    let uri = format!("sip:15550100001@{}", edge.net.edge());
    let mut call = carrier.dial_uri(&uri, &sdp, "Require: 100rel\r\n");
    let there = b.rings();
    let ringing = carrier.status(180).message;
    assert!(ringing.header("Require").contains("100rel"), "{ringing:?}");
    // It is sent again until it is acknowledged.
    let again = carrier.status(180).message;
    assert_eq!(again.header("RSeq"), ringing.header("RSeq"));
    call.remote = ringing.header("To").to_owned();
    call.target = ringing.contact();
    let rack = format!("RAck: {} {} INVITE\r\n", ringing.header("RSeq"), ringing.cseq());
    carrier.ask(&mut call, "PRACK", &rack, "");
    carrier.take("200 to PRACK", |it| it.status() == 200 && it.method() == "PRACK", SOON);
    assert!(!carrier.hears_status(180, seconds(2.5)), "acknowledged, and yet sent again");
    b.picks_up(&there, &Voice::at(edge.net.ip(31)).sdp(101));
    let answer = carrier.status(200);
    carrier.ack(&mut call, &answer.message, "");
    carrier.hang_up(&mut call);
    b.is_hung_up(SOON);
}

#[test]
fn a_session_that_is_too_short_is_422_and_a_long_enough_one_is_refreshed() {
    let edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let (ada, bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));
    let uri = format!("sip:15550100001@{}", edge.net.edge());
    let asks = |interval: &str| format!("Supported: timer\r\nSession-Expires: {interval}\r\n");
    let mut short = carrier.dial_uri(&uri, &ada.sdp(101), &asks("60"));
    let refusal = carrier.status(422).message;
    carrier.ack(&mut short, &refusal, "");
    assert_eq!(refusal.header("Min-SE"), "90");

    let mut call = carrier.dial_uri(&uri, &ada.sdp(101), &asks("90;refresher=uas"));
    let there = b.rings();
    b.picks_up(&there, &bob.sdp(101));
    let answer = carrier.status(200);
    carrier.ack(&mut call, &answer.message, "");
    assert_eq!(answer.message.header("Session-Expires"), "90;refresher=uas");
    assert!(answer.message.header("Require").contains("timer"));
    // Half of it later.
    let is_refresh = |it: &super::message::Message| it.is("INVITE") || it.is("UPDATE");
    let refresh = carrier.take("refresh", is_refresh, seconds(50.0));
    let after = refresh.at - answer.at;
    assert!((seconds(44.0)..seconds(48.0)).contains(&after), "{after:?}");
    let refresh = refresh.message;
    assert_eq!(refresh.header("Session-Expires"), "90;refresher=uac");
    let sdp = if refresh.body.is_empty() { String::new() } else { ada.sdp(101) };
    let agreed = "Session-Expires: 90;refresher=uac\r\nRequire: timer\r\n";
    carrier.reply(&refresh, refresh.header("To"), 200, agreed, &sdp);
    carrier.hang_up(&mut call);
    b.is_hung_up(SOON);
}

#[test]
fn a_destination_that_wants_longer_sessions_gets_them() {
    let edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let mut call = carrier.dial("15550100001", &Voice::at(edge.net.ip(11)).sdp(101));
    let first = b.line(&b.request("INVITE").message);
    b.reply(&first.invite, &first.local, 422, "Min-SE: 7200\r\n", "");
    b.request("ACK");
    let there = b.rings();
    assert_eq!(there.invite.header("Min-SE"), "7200");
    assert_eq!(there.invite.header("Session-Expires"), "7200");
    assert_eq!(there.invite.call(), first.invite.call());
    b.picks_up(&there, &Voice::at(edge.net.ip(31)).sdp(101));
    let answer = carrier.status(200);
    carrier.ack(&mut call, &answer.message, "");
    carrier.hang_up(&mut call);
    b.is_hung_up(SOON);
    assert_eq!(edge.record("ended")["legs"].as_array().unwrap().len(), 1);
}

/// A call that is answered and one that is not found, and what a stranger hears: the names that the
/// edge gives itself in requests, in answers to those it knows, and to the stranger.
fn names_given(edge: &Edge) -> [Vec<String>; 3] {
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let stranger = Phone::at(edge.net.at(9, 5060), &edge.net);
    let mut call = carrier.dial("15550100001", &Voice::at(edge.net.ip(11)).sdp(101));
    let there = b.rings();
    b.picks_up(&there, &Voice::at(edge.net.ip(31)).sdp(101));
    let answer = carrier.status(200);
    carrier.ack(&mut call, &answer.message, "");
    carrier.hang_up(&mut call);
    b.is_hung_up(SOON);
    let mut nobody = carrier.dial("15550100404", "");
    let refusal = carrier.status(404).message;
    carrier.ack(&mut nobody, &refusal, "");
    stranger.send_options();
    let heard = stranger.take("answer", |it| it.status() != 0, SOON).message;
    let asked = |it: &super::message::Message| it.is("INVITE") || it.is("ACK") || it.is("BYE");
    let requests = b.heard(asked);
    let requests = requests.iter().map(|it| it.message.header("User-Agent").to_owned());
    let known = [answer.message.header("Server"), refusal.header("Server")].map(str::to_owned);
    [requests.collect(), known.into(), vec![heard.header("Server").to_owned()]]
}

#[test]
fn we_say_who_we_are_to_those_we_know_unless_it_is_hidden() {
    let [requests, known, stranger] = names_given(&Edge::start());
    assert_eq!(requests, ["crosspoint"; 3]);
    assert_eq!(known, ["crosspoint"; 2]);
    assert_eq!(stranger, [""]);
    let hidden = Edge::start_with(|it| it.replace("[sip]\n", "[sip]\nsoftware = \"\"\n"));
    let [requests, known, stranger] = names_given(&hidden);
    assert_eq!(
        (requests, known, stranger),
        (vec![String::new(); 3], vec![String::new(); 2], vec![String::new()])
    );
}
