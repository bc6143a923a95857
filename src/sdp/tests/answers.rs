//! Answering offers (RFC 3264 section 6, 8), and answering them the same way again.

use super::super::*;
use super::{answer, carrier, lines, sdp, session, version};

const WHOLE: &str = "v=0\r\n\
o=- 42 1 IN IP4 198.51.100.7\r\n\
s=-\r\n\
c=IN IP4 198.51.100.7\r\n\
t=0 0\r\n\
m=audio 20000 RTP/AVP 0 101\r\n\
a=rtpmap:0 PCMU/8000\r\n\
a=rtpmap:101 telephone-event/8000\r\n\
a=fmtp:101 0-15\r\n\
a=ptime:20\r\n\
a=sendrecv\r\n";

#[test]
fn a_carriers_offer_gets_one_codec_and_its_events() {
    let (text, negotiated) = answer(&mut session(), &carrier(&[]));
    assert_eq!(text, WHOLE);
    let codec = PayloadFormat {
        name: "pcmu".into(),
        send_pt: 0,
        receive_pt: 0,
        clock: 8000,
        channels: 1,
        fmtp: None,
    };
    let pcma = PayloadFormat { name: "pcma".into(), send_pt: 8, receive_pt: 8, ..codec.clone() };
    assert_eq!(
        negotiated,
        Negotiated {
            rtp: Some("192.0.2.1:4000".parse().unwrap()),
            rtcp: Some("192.0.2.1:4001".parse().unwrap()),
            send: true,
            receive: true,
            codec: codec.clone(),
            events: Some(Events { send_pt: 101, receive_pt: 101, clock: 8000 }),
            ptime: 20,
            held: false,
            others: vec![codec, pcma],
        }
    );
}

#[test]
fn a_session_on_ipv6_says_so() {
    let mut session = Session::new(2, "[2001:db8::7]:30000".parse().unwrap());
    let offer = sdp(&["m=audio 4000 RTP/AVP 8", "c=IN IP6 2001:db8::1"]);
    let (text, negotiated) = answer(&mut session, &offer);
    assert_eq!(lines(&text, "c="), ["c=IN IP6 2001:db8::7"]);
    assert_eq!(lines(&text, "o="), ["o=- 1 1 IN IP6 2001:db8::7"]);
    assert_eq!(negotiated.rtp, Some("[2001:db8::1]:4000".parse().unwrap()));
}

#[test]
fn an_address_of_the_other_family_is_not_acceptable() {
    let offer = sdp(&["m=audio 4000 RTP/AVP 8", "c=IN IP6 2001:db8::1"]);
    let refused = session().answer(&offer, &CodecList::g711()).unwrap_err();
    assert_eq!(refused, Error::NotAcceptable("an address of the other family"));
}

#[test]
fn the_offerers_order_decides_unless_ours_is_to() {
    let offer = sdp(&["m=audio 4000 RTP/AVP 8 0"]);
    assert_eq!(&*answer(&mut session(), &offer).1.codec.name, "pcma");
    let ours = CodecList::g711().g711_first();
    assert_eq!(&*session().answer(&offer, &ours).unwrap().1.codec.name, "pcmu");
}

#[test]
fn telephone_events_are_taken_at_any_payload_type() {
    for number in [13u8, 96, 100, 110, 127] {
        let map = format!("a=rtpmap:{number} telephone-event/8000");
        let media = format!("m=audio 4000 RTP/AVP 0 {number}");
        let (text, negotiated) = answer(&mut session(), &sdp(&[&media, &map]));
        let events = negotiated.events.map(|it| (it.send_pt, it.receive_pt));
        // 13 is comfort noise, whatever the rtpmap says.
        assert_eq!(events, (number != 13).then_some((number, number)), "{number}");
        assert_eq!(text.contains(&map), number != 13);
    }
}

#[test]
fn no_events_are_answered_where_none_are_offered_or_none_are_wanted() {
    let (text, negotiated) = answer(&mut session(), &sdp(&["m=audio 4000 RTP/AVP 0"]));
    assert_eq!(negotiated.events, None);
    assert!(!text.contains("telephone-event"));
    let menu = CodecList::g711().without_events();
    let (text, negotiated) = session().answer(&carrier(&[]), &menu).unwrap();
    assert_eq!(negotiated.events, None);
    assert!(!String::from_utf8_lossy(&text).contains("telephone-event"));
}

#[test]
fn the_events_of_the_codecs_clock_are_taken() {
    let offer = sdp(&[
        "m=audio 4000 RTP/AVP 96 0 97 98",
        "a=rtpmap:96 opus/48000/2",
        "a=rtpmap:97 telephone-event/8000",
        "a=rtpmap:98 telephone-event/48000",
    ]);
    let menu = CodecList::from_offer(&parse(&offer).unwrap());
    let opus = session().answer(&offer, &menu).unwrap().1;
    assert_eq!(opus.events, Some(Events { send_pt: 98, receive_pt: 98, clock: 48_000 }));
    let pcmu = session().answer(&offer, &menu.g711_first()).unwrap().1;
    assert_eq!(pcmu.events, Some(Events { send_pt: 97, receive_pt: 97, clock: 8000 }));
}

#[test]
fn events_of_another_clock_are_better_than_none() {
    let offer = sdp(&[
        "m=audio 4000 RTP/AVP 96 97",
        "a=rtpmap:96 opus/48000/2",
        "a=rtpmap:97 telephone-event/8000",
    ]);
    let menu = CodecList::from_offer(&parse(&offer).unwrap());
    let events = session().answer(&offer, &menu).unwrap().1.events;
    assert_eq!(events, Some(Events { send_pt: 97, receive_pt: 97, clock: 8000 }));
}

#[test]
fn streams_we_do_not_want_are_refused_in_their_places() {
    let offer = sdp(&[
        "m=video 5000 RTP/AVP 31 32",
        "m=audio 4000/2 RTP/SAVP 0",
        "m=audio 4000 RTP/AVP 8",
        "m=audio 4002 RTP/AVP 0",
        "m=image 6000 udptl t38",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    ]);
    let (text, _) = answer(&mut session(), &offer);
    assert_eq!(
        lines(&text, "m="),
        [
            "m=video 0 RTP/AVP 31",
            "m=audio 0 RTP/SAVP 0",
            "m=audio 20000 RTP/AVP 8",
            "m=audio 0 RTP/AVP 0",
            "m=image 0 udptl t38",
            "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
        ]
    );
}

#[test]
fn an_offer_without_usable_audio_is_not_acceptable_and_changes_nothing() {
    for (why, offer) in [
        ("no audio", sdp(&[])),
        ("no audio", sdp(&["m=video 5000 RTP/AVP 31"])),
        ("audio off", sdp(&["m=audio 0 RTP/AVP 0"])),
        ("not RTP/AVP", sdp(&["m=audio 4000 RTP/SAVP 0"])),
        ("not RTP/AVP", sdp(&["m=audio 4000 UDP/TLS/RTP/SAVPF 0"])),
        ("not RTP/AVP", sdp(&["m=audio 4000 x/y 0"])),
        ("no codec in common", sdp(&["m=audio 4000 RTP/AVP 18"])),
        (
            "no codec in common",
            sdp(&["m=audio 4000 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"]),
        ),
        ("no codec in common", sdp(&["m=audio 4000 RTP/AVP 13"])),
    ] {
        let mut session = session();
        let refused = session.answer(&offer, &CodecList::g711()).unwrap_err();
        assert_eq!(refused, Error::NotAcceptable(why));
        assert!(session.local().is_none() && session.agreed().is_none());
    }
}

#[test]
fn a_refused_offer_leaves_a_running_session_as_it_was() {
    let mut session = session();
    let (text, negotiated) = answer(&mut session, &carrier(&[]));
    for offer in [&b"nonsense"[..], &sdp(&["m=audio 4000 RTP/AVP 18"]), &sdp(&[])] {
        assert!(session.answer(offer, &CodecList::g711()).is_err());
        assert_eq!(session.local().unwrap(), text.as_bytes());
        assert_eq!(session.agreed(), Some(&negotiated));
    }
}

#[test]
fn a_refresh_with_the_same_offer_gets_the_same_answer() {
    let mut session = session();
    let first = answer(&mut session, &carrier(&[]));
    for _ in 0..5 {
        assert_eq!(answer(&mut session, &carrier(&[])), first);
    }
}

/// Peers that answered a changed offer from a cache, or changed their own mind meanwhile.
#[test]
fn five_offers_in_a_row_keep_payload_types_parameters_and_codec() {
    let opus = "a=fmtp:111 minptime=10;useinbandfec=1";
    let offer = |media: &str, more: &[&str]| {
        let lines = [
            &[media, "a=rtpmap:111 opus/48000/2", opus, "a=rtpmap:96 telephone-event/48000"],
            more,
        ];
        sdp(&lines.concat())
    };
    let menu = CodecList::from_offer(&parse(&offer("m=audio 4000 RTP/AVP 111 0 96", &[])).unwrap());
    let mut session = session();
    let mut texts = Vec::new();
    for (offer, menu) in [
        (offer("m=audio 4000 RTP/AVP 111 0 96", &[]), menu.clone()),
        // Held, with another order, answered with another menu: still the same codec.
        (offer("m=audio 4000 RTP/AVP 0 111 96", &["a=sendonly"]), menu.clone().g711_first()),
        (offer("m=audio 4000 RTP/AVP 0 111 96", &["a=sendonly"]), menu.clone()),
        // Resumed, elsewhere.
        (offer("m=audio 5000 RTP/AVP 111 0 96", &["c=IN IP4 192.0.2.9"]), menu.clone()),
        (offer("m=audio 5000 RTP/AVP 0 111 96", &["c=IN IP4 192.0.2.9"]), menu.clone()),
    ] {
        let (text, negotiated) = session.answer(&offer, &menu).unwrap();
        assert_eq!((&*negotiated.codec.name, negotiated.codec.send_pt), ("opus", 111));
        texts.push(String::from_utf8(text.to_vec()).unwrap());
    }
    for text in &texts {
        assert_eq!(lines(text, "m="), ["m=audio 20000 RTP/AVP 111 96"]);
        assert_eq!(lines(text, "a=fmtp:111"), [opus]);
    }
    let versions: Vec<_> = texts.iter().map(|it| version(it.as_bytes())).collect();
    assert_eq!(versions, [1, 2, 2, 3, 3]);
    assert_eq!(session.agreed().unwrap().rtp, Some("192.0.2.9:5000".parse().unwrap()));
}

#[test]
fn an_offer_without_the_agreed_codec_forces_another() {
    let mut session = session();
    answer(&mut session, &carrier(&[]));
    let (text, negotiated) = answer(&mut session, &sdp(&["m=audio 4000 RTP/AVP 8"]));
    assert_eq!((&*negotiated.codec.name, negotiated.events), ("pcma", None));
    assert_eq!(version(text.as_bytes()), 2);
}

#[test]
fn telephone_events_may_come_with_a_later_offer() {
    let mut session = session();
    assert_eq!(answer(&mut session, &sdp(&["m=audio 4000 RTP/AVP 0"])).1.events, None);
    let (text, negotiated) = answer(&mut session, &carrier(&[]));
    assert!(negotiated.events.is_some());
    assert_eq!(version(text.as_bytes()), 2);
}

#[test]
fn parameters_are_what_we_said_before_until_the_offer_changes_them() {
    let offer = |fmtp: &str| sdp(&["m=audio 4000 RTP/AVP 18", fmtp]);
    let menu = |fmtp| CodecList::from_offer(&parse(&offer(fmtp)).unwrap());
    let (no, yes) = ("a=fmtp:18 annexb=no", "a=fmtp:18 annexb=yes");
    let mut session = session();
    let mut said = |fmtp, menu: CodecList| {
        let (text, _) = session.answer(&offer(fmtp), &menu).unwrap();
        lines(std::str::from_utf8(&text).unwrap(), "a=fmtp:18")[0].to_owned()
    };
    assert_eq!(said(yes, menu(no)), no, "the other leg's parameters");
    assert_eq!(said(yes, menu(yes)), no, "as before");
    assert_eq!(said(no, menu(no)), no);
    assert_eq!(said(yes, menu(yes)), yes, "forced");
}

#[test]
fn rtcp_goes_where_it_is_wanted() {
    for (line, rtcp) in [
        ("a=x", "192.0.2.1:4001"),
        ("a=rtcp:4007", "192.0.2.1:4007"),
        ("a=rtcp:4007 IN IP4 192.0.2.4", "192.0.2.4:4007"),
        ("a=rtcp:nonsense", "192.0.2.1:4001"),
    ] {
        let (_, negotiated) = answer(&mut session(), &carrier(&[line]));
        assert_eq!(negotiated.rtcp, Some(rtcp.parse().unwrap()), "{line}");
    }
    for line in ["a=rtcp:0", "a=rtcp:4007 IN IP4 example.com"] {
        assert_eq!(answer(&mut session(), &carrier(&[line])).1.rtcp, None, "{line}");
    }
    let last = sdp(&["m=audio 65535 RTP/AVP 0"]);
    assert_eq!(answer(&mut session(), &last).1.rtcp, None);
}

#[test]
fn packet_times_are_those_asked_for_as_far_as_we_can() {
    for (lines, expected) in [
        (&["a=x"][..], 20),
        (&["a=ptime:10"], 10),
        (&["a=ptime:30"], 30),
        (&["a=ptime:40"], 40),
        (&["a=ptime:60"], 60),
        (&["a=ptime:100"], 60),
        (&["a=ptime:25"], 20),
        (&["a=ptime:5"], 10),
        (&["a=ptime:0"], 20),
        (&["a=ptime:20.0"], 20),
        (&["a=ptime:soon"], 20),
        (&["a=maxptime:10"], 10),
        (&["a=ptime:40", "a=maxptime:30"], 30),
        (&["a=ptime:20", "a=maxptime:150"], 20),
        (&["a=maxptime:150"], 20),
    ] {
        assert_eq!(answer(&mut session(), &carrier(lines)).1.ptime, expected, "{lines:?}");
    }
}

#[test]
fn a_name_for_an_address_is_no_address_but_the_call_may_go_on() {
    let (_, negotiated) = answer(&mut session(), &carrier(&["c=IN IP4 media.example.com"]));
    assert_eq!((negotiated.rtp, negotiated.rtcp), (None, None));
    assert!(negotiated.send && negotiated.receive && !negotiated.held);
}

#[test]
fn nothing_of_theirs_gets_into_our_answer_but_payload_types_and_parameters() {
    let offer = b"v=0\no=evil 1 1 IN IP4 6.6.6.6\ns=evil\ni=evil\nc=IN IP4 192.0.2.1\nt=0 0\n\
        a=evil\nm=audio 4000 RTP/AVP 0\na=evil:1\na=crypto:1 evil\na=fmtp:101 evil\n";
    let (text, _) = answer(&mut session(), offer);
    assert!(!text.contains("evil") && !text.contains("6.6.6.6"), "{text}");
}
