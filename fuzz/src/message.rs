//! One datagram: nothing panics, nothing is lost, and what we answer is well-formed.

use bytes::Bytes;
use crosspoint::sip::framer::{Frame, Framer, Limits};
use crosspoint::sip::{Error, Message, Method, Name, Uri, Write, parse};

/// Reads everything that can be read, answers what can be answered.
pub fn message(data: &[u8]) {
    match parse(Bytes::copy_from_slice(data)) {
        Ok(message) => {
            is_whole(&message, data);
            reads_everything(&message);
            reads_the_same_again(&message);
            let tags =
                [message.from(), message.to()].map(|it| it.map(|it| it.tag().map(Vec::from)));
            for (read, kept) in tags.into_iter().zip([message.from_tag(), message.to_tag()]) {
                assert!(read.is_err() || read.is_ok_and(|tag| tag.unwrap_or_default() == kept));
            }
            if message.is_request() {
                let answer = answers(&message, 200);
                let answer = parse(answer).expect("our answer to a good request is good");
                assert_eq!(answer.status(), 200);
                assert_eq!(answer.call_id(), message.call_id());
                assert_eq!(answer.cseq(), message.cseq());
                assert_eq!(answer.method(), message.method());
                assert_eq!(answer.from_tag(), message.from_tag());
                assert_eq!(answer.branch(), message.branch());
                let tag = message.to_tag();
                assert_eq!(answer.to_tag(), if tag.is_empty() { b"ours" } else { tag });
                assert_eq!(answer.headers(Name::Via).count(), message.headers(Name::Via).count());
            }
        }
        Err(Error::Refused { status, head, .. }) => {
            assert!((400..600).contains(&status), "{status}");
            assert!(head.is_request(), "a response is never answered");
            reads_everything(&head);
            answers(&head, status);
        }
        Err(Error::Noise(_)) => {}
    }
}

/// What is kept is what came, up to the end of the body.
fn is_whole(message: &Message, data: &[u8]) {
    let skipped = data.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
    let came = data.get(skipped..).unwrap_or_default();
    assert!(came.starts_with(message.bytes()));
    assert!(message.bytes().ends_with(&message.body()));
    for (name, value) in message.lines() {
        assert!(!name.is_empty());
        let ends = |octet: &u8| matches!(octet, b'\r' | b'\n');
        assert!(!name.iter().any(ends));
        // A line end inside a value is a fold: white space follows.
        for (at, octet) in value.iter().enumerate() {
            let next = value.get(at + 1).copied();
            match octet {
                b'\r' => assert_eq!(next, Some(b'\n')),
                b'\n' => assert!(matches!(next, Some(b' ' | b'\t'))),
                _ => {}
            }
        }
    }
}

/// Every typed reading there is; that it comes back is all that is asked.
fn reads_everything(message: &Message) {
    let uri = message.uri();
    if let Ok(uri) = &uri {
        super::uri::reads_everything(uri);
    }
    for address in [message.from(), message.to()].into_iter().flatten() {
        super::uri::reads_everything(&address.uri);
        assert_eq!(address.tag(), address.param("TAG"));
    }
    let _ = (message.contacts(), message.contact(), message.record_routes());
    let _ = (message.routes(), message.paths(), message.max_forwards(), message.expires());
    let _ = (message.rseq(), message.rack(), message.session_expires(), message.min_se());
    let _ = (message.min_expires(), message.retry_after(), message.reason_header());
    let _ = (message.content_type(), message.challenges(), message.credentials());
    let _ = (message.supports("100rel"), message.requires("100rel"), message.reason());
    let _ = (message.allows(&Method::Invite), message.top_via(), message.branch());
    assert_eq!(message.header(Name::Route), message.headers(Name::Route).next());
}

/// Parsing what was kept gives what was parsed.
fn reads_the_same_again(message: &Message) {
    let again = parse(message.bytes().clone()).expect("what was accepted is accepted again");
    assert_eq!(again.bytes(), message.bytes());
    assert_eq!(again.method(), message.method());
    assert_eq!(again.body(), message.body());
    assert_eq!(again.call_id(), message.call_id());
    assert!(again.lines().eq(message.lines()));
}

/// Answers a request, and sees that the answer is exactly one message on a stream.
fn answers(request: &Message, status: u16) -> Bytes {
    let source = "192.0.2.7:4000".parse().expect("an address");
    let answer = Write::response_from(request, status, source).to_tag("ours").finish();
    let mut framer = Framer::new(Limits { head: 1 << 20, message: 1 << 20 });
    framer.push(&answer);
    assert_eq!(framer.next(), Some(Ok(Frame::Message(answer.clone()))));
    let head = answer.strip_suffix(b"\r\n\r\n").expect("no body");
    for line in head.split(|octet| *octet == b'\n') {
        let start = line.first().copied().unwrap_or(b' ');
        assert!(start.is_ascii_alphabetic(), "a line of ours begins with its name");
    }
    answer
}

/// A request of ours to this place, read back.
pub(super) fn asks(uri: &Uri) {
    let request = Write::request(&Method::Options, uri)
        .header(Name::Via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa")
        .header(Name::From, "<sip:a@b>;tag=1")
        .header(Name::To, "<sip:c@d>")
        .header(Name::CallId, "1")
        .header(Name::CSeq, "1 OPTIONS")
        .finish();
    let request = parse(request).expect("a request of ours can be read");
    assert_eq!(request.request_uri(), uri.as_bytes());
    assert_eq!(request.lines().count(), 6);
}
