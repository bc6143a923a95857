//! What a carrier does besides calling: resends, holds, offers late, presses keys.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use super::edge::Edge;
use super::message::Message;
use super::phone::{Line, Phone};
use super::voice::Voice;
use super::{SOON, seconds};

struct Talk {
    edge: Edge,
    carrier: Phone,
    b: Phone,
    ada: Voice,
    bob: Voice,
    call: Line,
}

/// A call to B that was answered.
fn talk() -> Talk {
    let edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let (mut ada, mut bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));
    let mut call = carrier.dial("15550100001", &ada.sdp(101));
    let there = b.rings();
    b.picks_up(&there, &bob.sdp(101));
    let answer = carrier.status(200);
    carrier.ack(&mut call, &answer.message, "");
    ada.speak(answer.message.media().unwrap(), 600);
    bob.speak(there.invite.media().unwrap(), 900);
    ada.await_tone(900, seconds(0.2), SOON);
    bob.await_tone(600, seconds(0.2), SOON);
    Talk { edge, carrier, b, ada, bob, call }
}

impl Talk {
    fn ends(mut self) {
        self.carrier.hang_up(&mut self.call);
        self.b.is_hung_up(SOON);
        self.edge.record("ended");
    }
}

#[test]
fn an_invite_that_comes_again_makes_no_second_call() {
    let edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let call = carrier.dial("15550100001", &Voice::at(edge.net.ip(11)).sdp(101));
    carrier.send(&call.sent);
    let there = b.rings();
    carrier.status(180);
    carrier.send(&call.sent);
    // It is answered with what was said last.
    carrier.status(180);
    assert_eq!(b.count(|it| it.is("INVITE")), 1);
    carrier.cancel(&call);
    b.is_cancelled(&there, SOON);
    carrier.status(487);
    assert_eq!(edge.records().len(), 1);
}

#[test]
fn a_200_is_sent_until_it_is_acknowledged() {
    let edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let mut call = carrier.dial("15550100001", &Voice::at(edge.net.ip(11)).sdp(101));
    let there = b.rings();
    b.picks_up(&there, &Voice::at(edge.net.ip(31)).sdp(101));
    let first = carrier.status(200);
    let (second, third) = (carrier.status(200), carrier.status(200));
    let gaps = [second.at - first.at, third.at - second.at].map(|it| it.as_secs_f64());
    assert!((0.45..0.7).contains(&gaps[0]) && (0.9..1.3).contains(&gaps[1]), "{gaps:?}");
    carrier.ack(&mut call, &third.message, "");
    assert!(!carrier.hears_status(200, seconds(2.5)), "again, though acknowledged");
    // A 200 of B's that comes again is acknowledged again.
    let acks = b.count(|it| it.is("ACK"));
    b.answer(&there, 200, &Voice::at(edge.net.ip(31)).sdp(101));
    b.request("ACK");
    assert_eq!(b.count(|it| it.is("ACK")), acks + 1);
    carrier.hang_up(&mut call);
    b.is_hung_up(SOON);
}

#[test]
fn a_carrier_may_hold_and_take_back() {
    let mut it = talk();
    for (said, answered, heard) in [
        ("sendonly", "recvonly", false),
        ("inactive", "inactive", false),
        ("sendrecv", "sendrecv", true),
    ] {
        let sdp = it.ada.sdp(101).replace(" 1 1 IN", " 1 2 IN") + &format!("a={said}\r\n");
        it.carrier.ask(&mut it.call, "INVITE", &contact(&it.carrier), &sdp);
        // B may be asked as well, or not.
        if let Some(asked) = it.b.look(|it| it.is("INVITE"), seconds(0.3)) {
            let direction = if heard { "sendrecv" } else { "recvonly" };
            it.b.accept(&asked.message, &(it.bob.sdp(101) + &format!("a={direction}\r\n")));
            it.b.request("ACK");
        }
        let cseq = it.call.cseq;
        let answer = it.carrier.take("answer", |it| it.status() == 200 && it.cseq() == cseq, SOON);
        it.carrier.ack(&mut it.call, &answer.message, "");
        let direct = ["sendrecv", "sendonly", "recvonly", "inactive"]
            .into_iter()
            .find(|way| answer.message.has_line(&format!("a={way}")))
            .unwrap_or("sendrecv");
        assert_eq!(direct, answered, "to {said}: {answer:?}");
    }
    let before = it.ada.packets().len();
    std::thread::sleep(seconds(0.3));
    assert!(before + 5 < it.ada.packets().len(), "B is heard again");
    it.ends();
}

fn contact(phone: &Phone) -> String {
    format!("Contact: <sip:carrier@{}>\r\n", phone.address)
}

#[test]
fn an_invite_without_an_offer_is_given_one() {
    let edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let (mut ada, mut bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));
    let mut call = carrier.dial("15550100001", "");
    let there = b.rings();
    assert!(there.invite.media().is_some(), "B is offered audio");
    b.picks_up(&there, &bob.sdp(101));
    let offer = carrier.status(200);
    let media = offer.message.media().unwrap_or_else(|| panic!("no offer: {offer:?}"));
    carrier.ack(&mut call, &offer.message, &ada.sdp(101));
    ada.speak(media, 600);
    bob.speak(there.invite.media().unwrap(), 900);
    bob.await_tone(600, seconds(0.5), SOON);
    ada.await_tone(900, seconds(0.5), SOON);
    carrier.hang_up(&mut call);
    b.is_hung_up(SOON);
}

#[test]
fn a_key_that_comes_by_info_is_pressed_towards_the_destination() {
    let mut it = talk();
    it.carrier.ask(
        &mut it.call,
        "INFO",
        "Content-Type: application/dtmf-relay\r\n",
        "Signal=5\r\nDuration=160\r\n",
    );
    it.carrier.take("200 to INFO", |it| it.status() == 200 && it.method() == "INFO", SOON);
    let give_up = std::time::Instant::now() + SOON;
    while it.bob.keys(101).first().is_none_or(|it| it.ends < 3) {
        assert!(std::time::Instant::now() < give_up, "{:?}", it.bob.keys(101));
        std::thread::sleep(seconds(0.02));
    }
    let keys = it.bob.keys(101);
    assert_eq!(keys.iter().map(|it| it.key).collect::<String>(), "5");
    assert_eq!(keys[0].timestamps.len(), 1);
    it.ends();
}

#[test]
fn a_dialog_that_is_not_known_is_481() {
    let edge = Edge::start();
    let carrier = Phone::carrier(&edge.net);
    let mut line = carrier.dial("15550100404", "");
    let refusal = carrier.status(404);
    carrier.ack(&mut line, &refusal.message, "");
    carrier.ask(&mut line, "BYE", "", "");
    carrier.status(481);
}

#[test]
fn what_is_asked_of_us_that_we_do_not_do_is_refused_by_the_book() {
    let mut it = talk();
    it.carrier.ask(&mut it.call, "FROBNICATE", "", "");
    it.carrier.take("501 or 405", |it| [501, 405].contains(&it.status()), SOON);
    it.carrier.ask(&mut it.call, "REFER", "Refer-To: <sip:x@127.0.0.1>\r\n", "");
    it.carrier.take("refusal", |it| it.method() == "REFER" && 400 <= it.status(), SOON);
    it.carrier.ask(&mut it.call, "OPTIONS", "Require: nothing-known\r\n", "");
    let refused = it.carrier.status(420);
    assert_eq!(refused.message.header("Unsupported"), "nothing-known");
    it.ends();
}

/// RFC 3261 section 12.2.1.1: what is asked within a dialog goes where and how the remote target
/// says, whatever the INVITE went by.
#[test]
fn a_destination_whose_contact_says_tcp_is_acknowledged_and_hung_up_on_by_tcp() {
    let edge = Edge::start();
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let door = TcpListener::bind(edge.net.at(31, 0)).unwrap();
    let mut call = carrier.dial("15550100001", &Voice::at(edge.net.ip(11)).sdp(101));
    let there = b.rings();
    let contact = format!("Contact: <sip:b@{};transport=tcp>\r\n", door.local_addr().unwrap());
    b.reply(&there.invite, &there.local, 200, &contact, &Voice::at(edge.net.ip(31)).sdp(101));
    let (mut stream, _) = door.accept().unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let ack = read_message(&mut stream);
    assert!(ack.is("ACK"), "{ack:?}");
    assert!(ack.header("Via").starts_with("SIP/2.0/TCP "), "{ack:?}");
    let answer = carrier.status(200);
    carrier.ack(&mut call, &answer.message, "");
    carrier.hang_up(&mut call);
    let bye = read_message(&mut stream);
    assert!(bye.is("BYE"), "{bye:?}");
    assert_eq!(b.count(|it| it.is("ACK") || it.is("BYE")), 0);
    // It is answered where it came from.
    let ok = format!(
        "SIP/2.0 200 OK\r\nVia: {}\r\nFrom: {}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         Content-Length: 0\r\n\r\n",
        bye.header("Via"),
        bye.header("From"),
        bye.header("To"),
        bye.call(),
        bye.header("CSeq")
    );
    stream.write_all(ok.as_bytes()).unwrap();
    edge.record("ended");
}

/// The next message of a stream, which has no body.
fn read_message(stream: &mut TcpStream) -> Message {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        stream.read_exact(&mut octet).unwrap();
        bytes.push(octet[0]);
    }
    Message::read(&bytes).unwrap()
}
