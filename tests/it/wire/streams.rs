//! Connections that end before their answers are written, and streams that cannot be read.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Instant;

use super::edge::Edge;
use super::message::Message;
use super::phone::Phone;
use super::voice::Voice;
use super::{SOON, seconds};

/// A connection from one of a carrier's or stranger's ports.
struct Stream(TcpStream);

impl Stream {
    fn open(edge: &Edge, host: u8) -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.unwrap();
        socket.bind(&edge.net.at(host, 0).into()).unwrap();
        socket.connect(&edge.net.edge().into()).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(SOON)).unwrap();
        Self(stream)
    }

    fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).unwrap();
    }

    /// All that comes until the other end closes, as messages without bodies.
    fn hear_out(&mut self) -> Vec<Message> {
        let mut all = Vec::new();
        self.0.read_to_end(&mut all).expect("answers, and an end");
        messages(&all)
    }
}

fn messages(all: &[u8]) -> Vec<Message> {
    let text = String::from_utf8_lossy(all).into_owned();
    let heads = text.split_inclusive("\r\n\r\n");
    heads.map(|it| Message::read(it.as_bytes()).unwrap_or_else(|| panic!("{it:?}"))).collect()
}

fn statuses(heard: &[Message]) -> Vec<u16> {
    heard.iter().map(Message::status).collect()
}

fn request(edge: &Edge, method: &str, via: SocketAddr, length: &str, body: &str) -> String {
    let (to, from) = (edge.net.edge(), via.ip());
    let unique = format!("{method}{}", via.port());
    format!(
        "{method} sip:15550100001@{to} SIP/2.0\r\nVia: SIP/2.0/TCP {via};branch=z9hG4bK{unique}\r\n\
         Max-Forwards: 70\r\nFrom: <sip:15550109999@{from}>;tag=1\r\nTo: <sip:15550100001@{to}>\r\n\
         Call-ID: {unique}@{from}\r\nCSeq: 1 {method}\r\nContact: <sip:{via};transport=tcp>\r\n\
         Content-Type: application/sdp\r\n{length}\r\n{body}"
    )
}

#[test]
fn a_stream_that_cannot_be_read_on_hears_why_after_all_it_heard_before() {
    let edge = Edge::start();
    let options = request(&edge, "OPTIONS", edge.net.at(11, 7001), "Content-Length: 0\r\n", "");
    for (length, expected) in [
        ("", 400),
        ("Content-Length: -1\r\n", 400),
        ("Content-Length: 0\r\nl: 0\r\n", 400),
        ("Content-Length: 99999999\r\n", 513),
    ] {
        let mut carrier = Stream::open(&edge, 11);
        let bad = request(&edge, "INVITE", edge.net.at(11, 7002), length, "");
        carrier.say(&(options.clone() + &bad + &options));
        let heard = carrier.hear_out();
        assert_eq!(statuses(&heard), [200, expected], "{length:?}");
        assert_eq!(heard[1].call(), format!("INVITE7002@{}", edge.net.ip(11)));
        assert!(!heard[1].header("To").split_once(";tag=").unwrap().1.is_empty());
    }
    // What tells nobody's Via is closed in silence.
    let mut carrier = Stream::open(&edge, 11);
    carrier.say("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(statuses(&carrier.hear_out()), [] as [u16; 0]);
}

#[test]
fn a_body_that_never_comes_is_400_after_a_while() {
    let edge = Edge::start();
    let mut carrier = Stream::open(&edge, 11);
    let half = request(&edge, "INVITE", edge.net.at(11, 7003), "Content-Length: 99\r\n", "v=0");
    let options = request(&edge, "OPTIONS", edge.net.at(11, 7001), "Content-Length: 0\r\n", "");
    carrier.0.set_read_timeout(Some(seconds(10.0))).unwrap();
    let said = Instant::now();
    carrier.say(&(options + &half));
    assert_eq!(statuses(&carrier.hear_out()), [200, 400]);
    assert!((seconds(3.5)..seconds(7.0)).contains(&said.elapsed()), "{:?}", said.elapsed());
}

#[test]
fn who_asks_and_says_no_more_is_answered_before_the_connection_ends() {
    let edge = Edge::start();
    let mut carrier = Stream::open(&edge, 11);
    carrier.say(&request(&edge, "OPTIONS", edge.net.at(11, 7004), "Content-Length: 0\r\n", ""));
    carrier.0.shutdown(Shutdown::Write).unwrap();
    assert_eq!(statuses(&carrier.hear_out()), [200]);
}

#[test]
fn a_response_whose_connection_is_gone_comes_by_a_new_one() {
    let edge = Edge::start();
    let b = Phone::destination(&edge.net, 'B');
    let listens = TcpListener::bind(edge.net.at(11, 5062)).unwrap();
    let sdp = Voice::at(edge.net.ip(11)).sdp(101);
    let length = format!("Content-Length: {}\r\n", sdp.len());
    let mut carrier = Stream::open(&edge, 11);
    carrier.say(&request(&edge, "INVITE", edge.net.at(11, 5062), &length, &sdp));
    let there = b.rings();
    drop(carrier);
    std::thread::sleep(seconds(0.1));
    b.answer(&there, 486, "");
    listens.set_nonblocking(true).unwrap();
    let give_up = Instant::now() + SOON;
    let (mut stream, from) = loop {
        match listens.accept() {
            Ok(it) => break it,
            Err(_) => assert!(Instant::now() < give_up, "nobody connects\n{}", edge.log()),
        }
        std::thread::sleep(seconds(0.02));
    };
    assert_eq!(from.ip(), edge.net.edge().ip());
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    let mut heard = Vec::new();
    while statuses(&messages(&heard)).last().is_none_or(|it| *it < 300) {
        let mut some = [0; 4096];
        let count = stream.read(&mut some).expect("the answer");
        assert!(count != 0, "closed before the answer: {:?}", messages(&heard));
        heard.extend(&some[..count]);
    }
    assert_eq!(messages(&heard).last().unwrap().status(), 486);
}
