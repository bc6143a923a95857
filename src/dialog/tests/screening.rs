//! What a request outside of a dialog must pass.

use super::rig::*;
use crate::dialog::{Answer, MAX_BODY, screen};
use crate::sip::Name;

fn screened(text: &str) -> Option<Answer> {
    screen(&parse(text)).err()
}

fn status(text: &str) -> u16 {
    screened(text).map_or(200, |it| it.status)
}

fn invite() -> String {
    far_invite("", FAR_SDP)
}

/// The same request with another method.
fn other(method: &str, lines: &str) -> String {
    far_invite(lines, "").replace("INVITE", method)
}

#[test]
fn an_ordinary_invite_passes() {
    assert_eq!(status(&invite()), 200);
    assert_eq!(status(&far_invite("", "")), 200);
    assert_eq!(status(&far_invite("Require: 100rel, timer\r\n", FAR_SDP)), 200);
    assert_eq!(status(&far_invite("Proxy-Require: foo\r\n", FAR_SDP)), 200);
}

#[test]
fn each_fault_has_its_answer() {
    assert_eq!(status(&other("DANCE", "")), 501);
    assert_eq!(status(&other("MESSAGE", "")), 405);
    assert_eq!(status(&other("REFER", "")), 405);
    assert_eq!(status(&other("SUBSCRIBE", "Event: presence\r\n")), 489);
    assert_eq!(status(&other("PUBLISH", "")), 405);
    assert_eq!(status(&other("BYE", "")), 481);
    assert_eq!(status(&other("INFO", "")), 481);
    assert_eq!(status(&other("OPTIONS", "")), 200);
    assert_eq!(status(&other("REGISTER", "")), 200);
    assert_eq!(status(&invite().replace("sip:us@127.0.0.1 ", "mailto:us@x.example ")), 416);
    assert_eq!(status(&invite().replace("sip:us@127.0.0.1 ", "tel:+15550100001 ")), 200);
    assert_eq!(status(&invite().replace("Max-Forwards: 70", "Max-Forwards: 0")), 483);
    let options = other("OPTIONS", "").replace("Max-Forwards: 70", "Max-Forwards: 0");
    assert_eq!(status(&options), 200);
    assert_eq!(status(&far_invite("Require: 100rel, foo\r\nRequire: bar\r\n", FAR_SDP)), 420);
    assert_eq!(status(&far_invite("Content-Encoding: gzip\r\n", FAR_SDP)), 415);
    assert_eq!(status(&invite().replace("application/sdp", "text/plain")), 415);
}

#[test]
fn an_optional_body_of_another_kind_may_come_along() {
    let text = far_invite("Content-Disposition: session;handling=optional\r\n", FAR_SDP);
    assert_eq!(status(&text.replace("application/sdp", "text/plain")), 200);
}

#[test]
fn faults_are_found_in_the_order_of_the_rfc() {
    let all = |method: &str, uri: &str, lines: &str| {
        far_invite(lines, FAR_SDP)
            .replace("INVITE", method)
            .replace("sip:us@127.0.0.1 ", uri)
            .replace("application/sdp", "text/plain")
    };
    let lines = "Require: foo\r\n";
    assert_eq!(status(&all("DANCE", "mailto:a@x ", lines)), 501);
    assert_eq!(status(&all("INVITE", "mailto:a@x ", lines)), 416);
    assert_eq!(status(&all("INVITE", "sip:us@127.0.0.1 ", lines)), 420);
    assert_eq!(status(&all("INVITE", "sip:us@127.0.0.1 ", "")), 415);
}

#[test]
fn the_answers_carry_what_their_rfc_asks_for() {
    let source = "127.0.0.31:5070".parse().unwrap();
    let written = |text: &str| {
        let answer = screened(text).unwrap();
        let bytes = answer.to(&parse(text), "t", source);
        crate::sip::parse(bytes).unwrap()
    };
    let it = written(&far_invite("Require: 100rel, foo\r\nRequire: bar\r\n", FAR_SDP));
    let unsupported: Vec<_> =
        it.headers(Name::Unsupported).map(|it| String::from_utf8_lossy(&it).into_owned()).collect();
    assert_eq!(unsupported, ["foo", "bar"]);
    assert_eq!(it.to_tag(), b"t");
    let it = written(&other("MESSAGE", ""));
    assert!(header(&it, Name::Allow).contains("INVITE, ACK, CANCEL, BYE"));
    assert!(header(&it, Name::Allow).contains("REFER"));
    let it = written(&invite().replace("application/sdp", "text/plain"));
    assert!(header(&it, Name::Accept).contains("application/sdp"));
}

#[test]
fn a_body_at_the_limit_passes_and_one_past_it_does_not() {
    let body = |length: usize| {
        let sdp = format!("{FAR_SDP}a={}", "x".repeat(length - FAR_SDP.len() - 2));
        status(&far_invite("", &sdp))
    };
    assert_eq!(body(MAX_BODY), 200);
    assert_eq!(body(MAX_BODY + 1), 413);
}
