//! What the room promises, as sentences.

mod answers;
mod hold;
mod offers;
mod reading;

use super::{CodecList, Negotiated, Session};

const LOCAL: &str = "198.51.100.7:20000";

fn session() -> Session {
    Session::new(42 << 1, LOCAL.parse().unwrap())
}

/// A description from 192.0.2.1 with these lines after `t=`.
fn sdp(lines: &[&str]) -> Vec<u8> {
    let mut text =
        String::from("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n");
    for line in lines {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text.into_bytes()
}

/// G.711 and events at 101, as a carrier offers them, with more lines.
fn carrier(more: &[&str]) -> Vec<u8> {
    let lines = [&["m=audio 4000 RTP/AVP 0 8 101", "a=rtpmap:101 telephone-event/8000"], more];
    sdp(&lines.concat())
}

/// Answers with the G.711 menu; the text and what media is told.
fn answer(session: &mut Session, offer: &[u8]) -> (String, Negotiated) {
    let (text, negotiated) = session.answer(offer, &CodecList::g711()).unwrap();
    (String::from_utf8(text.to_vec()).unwrap(), negotiated)
}

/// The lines of a text that begin so.
fn lines<'a>(text: &'a str, begin: &str) -> Vec<&'a str> {
    text.lines().filter(|it| it.starts_with(begin)).collect()
}

/// The version in `o=`.
fn version(text: &[u8]) -> u64 {
    let text = std::str::from_utf8(text).unwrap();
    lines(text, "o=")[0].split(' ').nth(2).unwrap().parse().unwrap()
}
