//! Reading what others wrote.

use proptest::prelude::*;

use super::super::description::{BYTES, FORMATS, LINES, STREAMS};
use super::super::*;
use super::sdp;

fn audio(body: &[u8]) -> Vec<(u8, String, u32)> {
    let description = parse(body).unwrap();
    description.media[0]
        .payloads()
        .map(|it| (it.payload_type, it.encoding.name.to_owned(), it.encoding.clock))
        .collect()
}

#[test]
fn line_ends_may_be_of_any_kind() {
    let crlf = sdp(&["m=audio 4000 RTP/AVP 0", "a=sendonly"]);
    let text = String::from_utf8(crlf.clone()).unwrap();
    let kinds = [
        text.replace("\r\n", "\n"),
        text.replace("\r\n", "\r"),
        text.replace("\r\n", "\r\n\r\n"),
        text.trim_end().to_owned(),
        format!("\r\n{text}"),
    ];
    for kind in kinds {
        assert_eq!(parse(kind.as_bytes()), parse(&crlf), "{kind:?}");
    }
}

#[test]
fn the_last_line_counts_though_nothing_ends_it() {
    let mut body = sdp(&["m=audio 4000 RTP/AVP 0"]);
    body.extend(b"a=sendonly");
    let description = parse(&body).unwrap();
    assert_eq!(description.direction_of(&description.media[0]), Direction::SendOnly);
}

#[test]
fn a_description_without_s_t_and_o_will_do() {
    let description = parse(b"v=0\nc=IN IP4 192.0.2.1\nm=audio 4000 RTP/AVP 8\n").unwrap();
    assert_eq!(description.media[0].port, 4000);
    assert_eq!(description.origin, None);
}

#[test]
fn what_we_make_nothing_of_is_kept() {
    let body = b"v=0\ns=caf\xe9\nb=AS:64\na=group:BUNDLE 0\nm=audio 1 RTP/AVP 0\nb=AS:64\n\
        a=rtcp-mux\na=candidate:1 1 UDP 1 192.0.2.1 1 typ host\n";
    let description = parse(body).unwrap();
    let rest = |lines: &[Line<'_>]| -> Vec<Vec<u8>> {
        lines.iter().map(|it| [&[it.kind, b'='], it.value].concat()).collect()
    };
    assert_eq!(rest(&description.rest), [&b"s=caf\xe9"[..], b"b=AS:64", b"a=group:BUNDLE 0"]);
    assert_eq!(
        rest(&description.media[0].rest),
        [&b"b=AS:64"[..], b"a=rtcp-mux", b"a=candidate:1 1 UDP 1 192.0.2.1 1 typ host"]
    );
}

#[test]
fn static_payload_types_need_no_rtpmap_and_none_changes_them() {
    let body = sdp(&["m=audio 4000 RTP/AVP 0 8 9 18 97", "a=rtpmap:0 PCMA/8000"]);
    let names: Vec<_> = audio(&body).into_iter().map(|it| (it.0, it.1)).collect();
    let expected = [(0, "PCMU"), (8, "PCMA"), (9, "G722"), (18, "G729")];
    assert_eq!(names, expected.map(|(n, name)| (n, name.to_owned())));
}

#[test]
fn payload_types_that_cannot_be_are_left_out() {
    let body = sdp(&[
        "m=audio 4000 RTP/AVP 65535 128 -1 +8 0x8 * 127 0",
        "a=rtpmap:127 opus/48000/2",
        "a=rtpmap:65535 PCMU/8000",
    ]);
    assert_eq!(audio(&body), [(127, "opus".to_owned(), 48_000), (0, "PCMU".to_owned(), 8000)]);
}

#[test]
fn nonsense_in_an_rtpmap_is_no_rtpmap() {
    for wrong in [
        "97",
        "97 ",
        "97 opus",
        "97 opus/",
        "97 opus/0",
        "97 opus/-8000",
        "97 opus/99999999999",
        "97 opus/8000/0",
        "97 opus/8000/300",
        "97 /8000",
        "97 o pus/8000",
    ] {
        let line = format!("a=rtpmap:{wrong}");
        assert_eq!(audio(&sdp(&["m=audio 1 RTP/AVP 97", &line])), [], "{wrong}");
    }
}

#[test]
fn a_payload_type_named_twice_counts_once_and_its_first_meaning_holds() {
    let body = sdp(&[
        "m=audio 4000 RTP/AVP 97 97 0 0",
        "a=rtpmap:97 telephone-event/8000",
        "a=rtpmap:97 opus/48000/2",
    ]);
    assert_eq!(
        audio(&body),
        [(97, "telephone-event".to_owned(), 8000), (0, "PCMU".to_owned(), 8000)]
    );
}

#[test]
fn connections_are_told_apart() {
    for (line, expected) in [
        ("c=IN IP4 192.0.2.9", Connection::Address("192.0.2.9".parse().unwrap())),
        ("c=IN IP6 2001:db8::9", Connection::Address("2001:db8::9".parse().unwrap())),
        ("c= in  IP4  192.0.2.9 ", Connection::Address("192.0.2.9".parse().unwrap())),
        ("c=IN IP4 0.0.0.0", Connection::Nowhere),
        ("c=IN IP6 ::", Connection::Nowhere),
        ("c=IN IP4 media.example.com", Connection::Unusable("IN IP4 media.example.com")),
        ("c=IN IP4 224.2.1.1/127", Connection::Unusable("IN IP4 224.2.1.1/127")),
        ("c=IN IP4 239.1.1.1", Connection::Unusable("IN IP4 239.1.1.1")),
        ("c=IN IP4 255.255.255.255", Connection::Unusable("IN IP4 255.255.255.255")),
        ("c=ATM NSAP 192.0.2.9", Connection::Unusable("ATM NSAP 192.0.2.9")),
        ("c=IN", Connection::Unusable("IN")),
    ] {
        let body = sdp(&["m=audio 4000 RTP/AVP 0", line]);
        let description = parse(&body).unwrap();
        assert_eq!(description.connection_of(&description.media[0]), Some(expected), "{line}");
    }
}

#[test]
fn a_stream_without_a_c_line_has_the_sessions() {
    let body = sdp(&["m=audio 1 RTP/AVP 0", "m=video 2 RTP/AVP 31", "c=IN IP4 192.0.2.2"]);
    let description = parse(&body).unwrap();
    let of = |n: usize| description.connection_of(&description.media[n]);
    assert_eq!(of(0), Some(Connection::Address("192.0.2.1".parse().unwrap())));
    assert_eq!(of(1), Some(Connection::Address("192.0.2.2".parse().unwrap())));
}

#[test]
fn directions_hold_for_the_session_or_the_stream() {
    let both = parse(b"v=0\na=inactive\nm=audio 1 RTP/AVP 0\nm=audio 1 RTP/AVP 0\na=RecvOnly\n");
    let both = both.unwrap();
    assert_eq!(both.direction_of(&both.media[0]), Direction::Inactive);
    assert_eq!(both.direction_of(&both.media[1]), Direction::RecvOnly);
}

#[test]
fn what_is_no_description_is_refused_with_its_line() {
    for (body, line) in [
        (&b""[..], 1),
        (b"\r\n\r\n", 1),
        (b"hello", 1),
        (b"o=- 1 1 IN IP4 192.0.2.1", 1),
        (b"v=1\nm=audio 1 RTP/AVP 0", 1),
        (b"v=0\nm=audio", 2),
        (b"v=0\nm=audio 65536 RTP/AVP 0", 2),
        (b"v=0\nm=audio -1 RTP/AVP 0", 2),
        (b"v=0\nm=audio +5 RTP/AVP 0", 2),
        (b"v=0\nm=audio 5", 2),
        (b"v=0\nm=audio 5 RTP/AVP", 2),
        (b"v=0\nm=audio 5 RTP//AVP 0", 2),
        (b"v=0\nm=a(dio 5 RTP/AVP 0", 2),
        (b"v=0\nm=audio 5 RTP/AVP 0\ns=\x00", 3),
        (b"v=0\ns=\x1b[2J", 2),
        (b"v=0\nm=\xff 5 RTP/AVP 0", 2),
    ] {
        match parse(body) {
            Err(Error::Malformed { line: at, .. }) => assert_eq!(at, line, "{body:?}"),
            other => panic!("{body:?}: {other:?}"),
        }
    }
}

#[test]
fn lines_of_another_shape_are_passed_over() {
    let description = parse(b"v=0\nhello\n=\nx\nm=audio 5 RTP/AVP 0\n==\n").unwrap();
    assert_eq!((description.media.len(), description.rest.len()), (1, 0));
}

#[test]
fn limits_hold_at_the_limit_and_one_past_it() {
    let too_much = |what| Err(Error::TooMuch(what));
    let head = "v=0\nm=audio 1 RTP/AVP 0\n";

    let bytes = |n: usize| format!("{head}s={}", "x".repeat(n - head.len() - 2));
    assert!(parse(bytes(BYTES).as_bytes()).is_ok());
    assert_eq!(parse(bytes(BYTES + 1).as_bytes()), too_much("octets"));

    let rows = |n: usize| format!("{head}{}", "a=x\n".repeat(n - 2));
    assert!(parse(rows(LINES).as_bytes()).is_ok());
    assert_eq!(parse(rows(LINES + 1).as_bytes()), too_much("lines"));

    let streams = |n: usize| format!("v=0\n{}", "m=audio 1 RTP/AVP 0\n".repeat(n));
    assert!(parse(streams(STREAMS).as_bytes()).is_ok());
    assert_eq!(parse(streams(STREAMS + 1).as_bytes()), too_much("streams"));

    let formats = |n: usize| {
        let numbers: Vec<String> = (0..n).map(|it| it.to_string()).collect();
        format!("v=0\nm=audio 1 RTP/AVP {}", numbers.join(" "))
    };
    assert!(parse(formats(FORMATS).as_bytes()).is_ok());
    assert_eq!(parse(formats(FORMATS + 1).as_bytes()), too_much("formats"));
}

#[test]
fn errors_say_what_is_wrong() {
    let error = parse(b"v=0\nm=audio x RTP/AVP 0").unwrap_err();
    assert_eq!(error.to_string(), "line 2: m= port");
}

/// Descriptions that are nearly right.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        Just("v=0".to_owned()),
        "m=(audio|video|image) [0-9]{0,5}(/2)? (RTP/AVP|RTP/SAVP|UDPTL) ([0-9]{1,3} ?){0,5}",
        "c=IN IP[46] ([0-9]{1,3}\\.){3}[0-9]{1,3}",
        "c=IN IP6 [0-9a-f:]{0,12}",
        "a=rtpmap:[0-9]{1,3} (PCMU|opus|telephone-event|x)/[0-9]{0,6}(/[0-9])?",
        "a=fmtp:[0-9]{1,3} .{0,12}",
        "a=(sendrecv|sendonly|recvonly|inactive|ptime:[0-9]{0,4}|maxptime:[0-9]{1,3})",
        "a=rtcp:[0-9]{1,5}( IN IP4 192.0.2.3)?",
        "[a-z]=.{0,20}",
        ".{0,20}",
    ];
    let text = proptest::collection::vec(line, 0..20);
    (any::<bool>(), text, "\r\n|\n|\r").prop_map(|(version, mut lines, end)| {
        if version {
            lines.insert(0, "v=0".to_owned());
        }
        lines.join(&end).into_bytes()
    })
}

proptest! {
    #[test]
    fn any_octets_are_read_without_a_panic(
        octets in proptest::collection::vec(any::<u8>(), 0..400)
    ) {
        let _ = parse(&octets);
    }

    #[test]
    fn whatever_is_offered_our_answer_reads_back_and_fits_it(
        first in nearly(), second in nearly(), answer in nearly(),
    ) {
        let mut session = super::session();
        for offer in [&first, &second] {
            let before = session.local().cloned();
            let Ok((text, negotiated)) = session.answer(offer, &CodecList::g711()) else {
                prop_assert_eq!(session.local(), before.as_ref());
                continue;
            };
            let (ours, theirs) = (parse(&text).unwrap(), parse(offer).unwrap());
            prop_assert_eq!(ours.media.len(), theirs.media.len());
            for (ours, theirs) in ours.media.iter().zip(&theirs.media) {
                prop_assert!(ours.kind.eq_ignore_ascii_case(theirs.kind));
                prop_assert!(ours.protocol.eq_ignore_ascii_case(theirs.protocol));
                prop_assert!(theirs.port != 0 || ours.port == 0);
                prop_assert!(
                    ours.port == 0 || ours.formats.iter().all(|it| theirs.formats.contains(it)));
            }
            prop_assert!(ours.media.iter().filter(|it| it.port != 0).count() <= 1);
            let rtp = negotiated.rtp;
            prop_assert!(rtp.is_none_or(|it| it.port() != 0 && !it.ip().is_unspecified()));
            prop_assert!([10, 20, 30, 40, 60].contains(&negotiated.ptime));
            // The same offer once more is answered in the same words.
            prop_assert_eq!(session.answer(offer, &CodecList::g711()).unwrap().0, text);
        }
        if let Ok(offer) = parse(&first) {
            let mut session = super::session();
            let text = session.offer(&CodecList::from_offer(&offer));
            let ours = parse(&text).unwrap();
            let mut numbers: Vec<_> = ours.media[0].payloads().map(|it| it.payload_type).collect();
            prop_assert_eq!(numbers.len(), ours.media[0].formats.len());
            numbers.sort_unstable();
            numbers.dedup();
            prop_assert_eq!(numbers.len(), ours.media[0].formats.len());
            let _ = session.accept_answer(&answer);
        }
    }
}
