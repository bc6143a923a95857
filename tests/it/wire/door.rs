//! Who is let in: sources that belong to no trunk, and phones that register.

use md5::{Digest, Md5};

use super::edge::Edge;
use super::message::Message;
use super::phone::{Line, Phone};
use super::seconds;
use super::voice::Voice;

#[test]
fn a_call_from_a_source_that_is_no_trunk_is_challenged() {
    let edge = Edge::start();
    let stranger = Phone::at(edge.net.at(9, 5060), &edge.net);
    let b = Phone::destination(&edge.net, 'B');
    let mut call = stranger.dial("15550100001", &Voice::at(edge.net.ip(9)).sdp(101));
    let challenge = stranger.status(401).message;
    stranger.ack(&mut call, &challenge, "");
    assert!(challenge.header("WWW-Authenticate").contains("realm=\"crosspoint\""));
    assert!(!stranger.hears_status(401, seconds(1.2)), "a challenge is not sent twice");
    assert_eq!(b.count(|it| it.is("INVITE")), 0);
    assert!(edge.records().is_empty(), "no call, no record");
}

#[test]
fn a_phone_registers_with_its_password_and_not_with_another() {
    let edge = Edge::start();
    let phone = Phone::at(edge.net.at(40, 5060), &edge.net);
    let mut line = registration(&edge, &phone);
    let contact = format!("Contact: <sip:agent1@{}>\r\nExpires: 300\r\n", phone.address);
    phone.ask(&mut line, "REGISTER", &contact, "");
    let challenge = phone.status(401).message;

    let wrong = answer(&challenge, &line.target, "wrong", 1);
    phone.ask(&mut line, "REGISTER", &(contact.clone() + &wrong), "");
    let cseq = line.cseq;
    let refusal = phone.take("refusal", |it| it.cseq() == cseq && it.status() >= 200, seconds(2.0));
    assert!([401, 403].contains(&refusal.message.status()), "{refusal:?}");

    let right = answer(&challenge, &line.target, "secret", 2);
    phone.ask(&mut line, "REGISTER", &(contact.clone() + &right), "");
    let taken = phone.status(200).message;
    assert!(taken.header("Contact").contains(&phone.address.to_string()), "{taken:?}");
    assert!(taken.header("Contact").contains("expires="), "{taken:?}");

    // A call reaches it there, and a client may call as well.
    let carrier = Phone::carrier(&edge.net);
    let call = carrier.dial("15550100007", &Voice::at(edge.net.ip(11)).sdp(101));
    let there = phone.rings();
    carrier.status(180);
    carrier.cancel(&call);
    phone.is_cancelled(&there, seconds(2.0));
    carrier.status(487);

    let contact = "Contact: *\r\nExpires: 0\r\n";
    let right = answer(&challenge, &line.target, "secret", 3);
    phone.ask(&mut line, "REGISTER", &(contact.to_owned() + &right), "");
    let cseq = line.cseq;
    let gone = phone.take("200", |it| it.status() == 200 && it.cseq() == cseq, seconds(2.0));
    assert_eq!(gone.message.header("Contact"), "");
    let mut call = carrier.dial("15550100007", &Voice::at(edge.net.ip(11)).sdp(101));
    let refusal =
        carrier.take("refusal", |it| 300 <= it.status() && it.status() != 487, seconds(2.0));
    carrier.ack(&mut call, &refusal.message, "");
    assert_eq!(refusal.message.status(), 480, "nobody is registered");
}

fn registration(edge: &Edge, phone: &Phone) -> Line {
    let uri = format!("sip:{}", edge.net.edge());
    let from = format!("<sip:agent1@{}>", edge.net.ip(1));
    Line {
        call: format!("reg-{}", phone.address),
        local: format!("{from};tag=r1"),
        remote: from,
        target: uri,
        cseq: 0,
        invite: Message::read(b"-\r\n\r\n").unwrap(),
        sent: Vec::new(),
    }
}

/// Answers the MD5 challenge of a REGISTER by agent1 (RFC 2617 section 3.2.2).
fn answer(challenge: &Message, uri: &str, password: &str, count: u8) -> String {
    let all = challenge.all("WWW-Authenticate");
    // MD5 goes without saying (RFC 7616 section 3.3).
    let md5 = all.iter().find(|it| !it.contains("algorithm=SHA-256")).expect("an MD5 challenge");
    let quoted = |name: &str| {
        let rest = md5.split_once(&format!("{name}=\"")).map_or("", |it| it.1);
        rest.split('"').next().unwrap_or("").to_owned()
    };
    let (realm, nonce) = (quoted("realm"), quoted("nonce"));
    let hash = |text: String| -> String {
        Md5::digest(text).iter().map(|it| format!("{it:02x}")).collect()
    };
    let count = format!("{count:08x}");
    let (ha1, ha2) = (hash(format!("agent1:{realm}:{password}")), hash(format!("REGISTER:{uri}")));
    let response = hash(format!("{ha1}:{nonce}:{count}:c0ffee:auth:{ha2}"));
    format!(
        "Authorization: Digest username=\"agent1\", realm=\"{realm}\", nonce=\"{nonce}\", \
         uri=\"{uri}\", response=\"{response}\", algorithm=MD5, qop=auth, nc={count}, \
         cnonce=\"c0ffee\"\r\n"
    )
}
