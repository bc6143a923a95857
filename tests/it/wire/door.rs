//! Who is let in: sources that belong to no trunk, and phones that register.

use md5::{Digest, Md5};

use super::edge::Edge;
use super::message::Message;
use super::phone::{Line, Phone};
use super::voice::Voice;
use super::{SOON, seconds};

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

#[test]
fn a_register_that_comes_again_hears_what_it_heard() {
    let edge = Edge::start();
    let phone = Phone::at(edge.net.at(40, 5060), &edge.net);
    let contact = format!("Contact: <sip:agent1@{}>\r\n", phone.address);
    let mut line = registration(&edge, &phone);
    phone.ask(&mut line, "REGISTER", &contact, "");
    let challenge = phone.status(401).message;
    let right = answer(&challenge, &line.target, "secret", 1);
    let sent = phone.ask(&mut line, "REGISTER", &(contact.clone() + &right), "");
    let first = phone.status(200).message;
    for _ in 0..3 {
        phone.send(&sent);
        let again = phone.take("answer", |it| it.cseq() == first.cseq(), seconds(2.0)).message;
        assert_eq!(format!("{again:?}"), format!("{first:?}"));
    }
    // The same credentials in another request are used up.
    phone.ask(&mut line, "REGISTER", &(contact + &right), "");
    assert!(phone.status(401).message.header("WWW-Authenticate").contains("stale=true"));
}

/// The longest answers we have, asked for in as few octets as it takes.
#[test]
fn a_stranger_hears_no_more_octets_than_it_said() {
    let edge = Edge::start();
    let stranger = std::net::UdpSocket::bind(edge.net.at(9, 5060)).unwrap();
    stranger.set_read_timeout(Some(seconds(0.3))).unwrap();
    let mut answered = 0;
    for (method, more) in [
        ("INVITE", ""),
        ("OPTIONS", ""),
        ("REGISTER", ""),
        ("MESSAGE", ""),
        ("SUBSCRIBE", "Event: presence\r\n"),
        ("FROBNICATE", ""),
        ("INVITE", "Require: a,b,c,d\r\n"),
        ("INVITE", "Content-Type: text/x\r\nContent-Length: 1\r\n\r\nx"),
        ("INVITE", "Content-Length: 9\r\n"),
        ("BYE", ""),
        ("INVITE", "Max-Forwards: 0\r\n"),
    ] {
        for padding in [0, 40, 120, 400] {
            let pad = "p".repeat(padding);
            let ip = edge.net.ip(9);
            let text = format!(
                "{method} sip:{to} SIP/2.0\r\nVia: SIP/2.0/UDP {ip};rport;branch=z9hG4bK{method}{pad}\r\n\
                 From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: {method}{padding}\r\n\
                 CSeq: 1 {method}\r\nX: {pad}\r\n{more}\r\n",
                to = edge.net.edge(),
            );
            stranger.send_to(text.as_bytes(), edge.net.edge()).unwrap();
            let mut buffer = [0; 65_536];
            let mut total = 0;
            while let Ok(count) = stranger.recv(&mut buffer) {
                total += count;
                answered += 1;
            }
            let said = String::from_utf8_lossy(&buffer[..total.min(2000)]);
            assert!(total <= text.len(), "{total} octets to {}:\n{text}\n{said}", text.len());
        }
    }
    assert!(20 < answered, "{answered} answers");
}

/// Whoever forges the address of a carrier names his own as its Contact, and asks our BYE for a
/// password (EDGE S-20, CVE-2021-41158). The carrier itself is answered.
#[test]
fn a_password_is_for_the_carrier_and_not_for_whom_its_invite_points_to() {
    let edge = Edge::start_with(|it| {
        it.replace("probe = \"off\"\n", "probe = \"off\"\nuser = \"us\"\npassword = \"ours\"\n")
    });
    let carrier = Phone::carrier(&edge.net);
    let thief = Phone::at(edge.net.at(9, 5060), &edge.net);
    let b = Phone::destination(&edge.net, 'B');
    let (ada, bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));
    for (asks, answered) in [(&thief, false), (&carrier, true)] {
        let uri = format!("sip:15550100001@{}", edge.net.edge());
        let contact = format!("Contact: <sip:x@{}>\r\n", asks.address);
        let mut call = carrier.dial_uri(&uri, &ada.sdp(101), &contact);
        let mut there = b.rings();
        b.picks_up(&there, &bob.sdp(101));
        let answer = carrier.status(200);
        carrier.ack(&mut call, &answer.message, "");
        b.hang_up(&mut there);
        let bye = asks.request("BYE").message;
        let challenge = "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", qop=\"auth\"\r\n";
        asks.reply(&bye, bye.header("To"), 401, challenge, "");
        let told = |it: &Message| it.is("BYE") && !it.header("Authorization").is_empty();
        let wait = if answered { SOON } else { seconds(0.5) };
        let again = asks.look(told, wait);
        assert_eq!(again.is_some(), answered, "{again:?}");
        if let Some(again) = again {
            asks.accept(&again.message, "");
        }
    }
}

/// EDGE C-02: not one octet, so that nobody learns that there is anything.
#[test]
fn where_no_phones_are_a_stranger_hears_nothing_but_whoever_was_in_a_call_does() {
    let edge = Edge::start_with(|it| {
        it.replace("takes_clients = true", "takes_clients = false")
            .replace("sources = [\"127.0.0.11\"]", "sources = [\"127.0.0.11\", \"127.0.0.254\"]")
    });
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let stranger = Phone::at(edge.net.at(9, 5060), &edge.net);
    let (ada, bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));
    let mut call = carrier.dial("15550100001", &ada.sdp(101));
    let mut there = b.rings();
    b.picks_up(&there, &bob.sdp(101));
    let answer = carrier.status(200);
    carrier.ack(&mut call, &answer.message, "");
    carrier.hang_up(&mut call);
    b.is_hung_up(SOON);
    // Both ends of the call ask once more; for B that is no trunk's address.
    carrier.ask(&mut call, "INFO", "", "");
    carrier.status(481);
    let pad = format!("X-Pad: {}\r\n", "p".repeat(400));
    b.ask(&mut there, "INFO", &pad, "");
    b.status(481);
    let mut line = stranger.dial("15550100001", &ada.sdp(101));
    stranger.cancel(&line);
    line.remote += ";tag=0123456789abcdef0123456789abcdef";
    for method in ["BYE", "INVITE", "OPTIONS", "INFO", "ACK"] {
        stranger.ask(&mut line, method, &pad, "");
    }
    assert!(stranger.look(|_| true, seconds(0.5)).is_none());
}

/// RFC 3261 section 10.2.2; what is kept across a restart is what was last.
#[test]
fn a_phone_that_went_away_is_not_back_after_a_restart_and_one_that_stayed_is() {
    let mut edge = Edge::start();
    let phone = Phone::at(edge.net.at(40, 5060), &edge.net);
    let carrier = Phone::carrier(&edge.net);
    let contact = format!("Contact: <sip:agent1@{}>\r\nExpires: 300\r\n", phone.address);
    for (stays, contact) in [(true, &*contact), (false, "Contact: *\r\nExpires: 0\r\n")] {
        let mut line = registration(&edge, &phone);
        phone.ask(&mut line, "REGISTER", contact, "");
        let challenge = phone.status(401).message;
        let right = answer(&challenge, &line.target, "secret", 1);
        phone.ask(&mut line, "REGISTER", &(contact.to_owned() + &right), "");
        phone.status(200);
        edge.signal("TERM");
        assert_eq!(edge.ended(SOON), Some(0));
        edge.restart();
        let mut call = carrier.dial("15550100007", &Voice::at(edge.net.ip(11)).sdp(101));
        if stays {
            let there = phone.rings();
            carrier.cancel(&call);
            phone.is_cancelled(&there, SOON);
        }
        let gone = carrier.status(if stays { 487 } else { 480 });
        carrier.ack(&mut call, &gone.message, "");
    }
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
