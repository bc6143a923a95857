//! Our own offers, their answers, and menus (RFC 3264 sections 5, 7, 8).

use super::super::*;
use super::{answer, carrier, lines, sdp, session, version};

fn offered(session: &mut Session, menu: &CodecList) -> String {
    String::from_utf8(session.offer(menu).to_vec()).unwrap()
}

#[test]
fn our_offer_of_g711_is_this() {
    let text = offered(&mut session(), &CodecList::g711());
    assert_eq!(
        text,
        "v=0\r\n\
        o=- 42 1 IN IP4 198.51.100.7\r\n\
        s=-\r\n\
        c=IN IP4 198.51.100.7\r\n\
        t=0 0\r\n\
        m=audio 20000 RTP/AVP 0 8 101\r\n\
        a=rtpmap:0 PCMU/8000\r\n\
        a=rtpmap:8 PCMA/8000\r\n\
        a=rtpmap:101 telephone-event/8000\r\n\
        a=fmtp:101 0-15\r\n\
        a=ptime:20\r\n\
        a=sendrecv\r\n"
    );
}

#[test]
fn the_largest_identifier_stays_within_63_bits() {
    let mut session = Session::new(u64::MAX, "198.51.100.7:20000".parse().unwrap());
    assert!(offered(&mut session, &CodecList::g711()).contains(&format!("o=- {} 1 IN", i64::MAX)));
}

#[test]
fn an_answer_at_other_payload_types_is_sent_there_and_received_where_we_said() {
    let mut session = session();
    session.offer(&CodecList::g711());
    let answer = sdp(&[
        "m=audio 4000 RTP/AVP 97 96",
        "a=rtpmap:97 PCMA/8000",
        "a=rtpmap:96 telephone-event/8000",
    ]);
    let negotiated = session.accept_answer(&answer).unwrap();
    assert_eq!((negotiated.codec.send_pt, negotiated.codec.receive_pt), (97, 8));
    assert_eq!(negotiated.events, Some(Events { send_pt: 96, receive_pt: 101, clock: 8000 }));
}

#[test]
fn the_first_codec_of_an_answer_is_spoken_and_all_of_them_are_known() {
    let mut session = session();
    session.offer(&CodecList::g711());
    let negotiated = session.accept_answer(&sdp(&["m=audio 4000 RTP/AVP 18 8 0"])).unwrap();
    assert_eq!(&*negotiated.codec.name, "pcma");
    let others: Vec<_> = negotiated.others.iter().map(|it| &*it.name).collect();
    assert_eq!(others, ["pcma", "pcmu"]);
    assert_eq!(negotiated.events, None);
}

#[test]
fn an_answer_that_is_none_is_not_acceptable() {
    for answer in [
        sdp(&[]),
        sdp(&["m=video 4000 RTP/AVP 31"]),
        sdp(&["m=audio 0 RTP/AVP 0"]),
        sdp(&["m=audio 4000 RTP/SAVP 0"]),
        sdp(&["m=audio 4000 RTP/AVP 18"]),
        sdp(&["m=audio 4000 RTP/AVP 101", "a=rtpmap:101 telephone-event/8000"]),
    ] {
        let mut session = session();
        session.offer(&CodecList::g711());
        let refused = session.accept_answer(&answer);
        assert!(matches!(refused, Err(Error::NotAcceptable(_))), "{refused:?}");
        assert_eq!(session.agreed(), None);
    }
}

#[test]
fn there_is_no_answer_without_an_offer() {
    let mut session = session();
    assert_eq!(session.accept_answer(&carrier(&[])), Err(Error::NoOffer));
    answer(&mut session, &carrier(&[]));
    assert_eq!(session.accept_answer(&carrier(&[])), Err(Error::NoOffer), "it was an answer");
}

#[test]
fn early_media_and_the_final_answer_may_answer_the_same_offer() {
    let mut session = session();
    session.offer(&CodecList::g711());
    let early = session.accept_answer(&sdp(&["m=audio 4000 RTP/AVP 8"])).unwrap();
    let last = session.accept_answer(&sdp(&["m=audio 5000 RTP/AVP 0"])).unwrap();
    assert_eq!((&*early.codec.name, &*last.codec.name), ("pcma", "pcmu"));
    assert_eq!(last.rtp.unwrap().port(), 5000);
}

#[test]
fn each_early_dialog_has_a_copy_of_the_session() {
    let mut first = session();
    first.offer(&CodecList::g711());
    let mut second = first.clone();
    first.accept_answer(&sdp(&["m=audio 4000 RTP/AVP 8"])).unwrap();
    second.accept_answer(&sdp(&["m=audio 6000 RTP/AVP 0"])).unwrap();
    assert_eq!(first.agreed().unwrap().rtp.unwrap().port(), 4000);
    assert_eq!(second.agreed().unwrap().rtp.unwrap().port(), 6000);
}

#[test]
fn an_invite_without_an_offer_gets_ours_and_answers_it_in_the_ack() {
    let mut session = session();
    let offer = session.offer(&CodecList::g711());
    assert_eq!(session.local(), Some(&offer));
    let negotiated = session.accept_answer(&carrier(&[])).unwrap();
    assert!(negotiated.send && negotiated.receive);
    // A re-INVITE without an offer gets the same once more.
    assert_eq!(session.offer_again(Direction::SendRecv), offer);
    assert_eq!(session.accept_answer(&carrier(&[])).unwrap(), negotiated);
}

#[test]
fn a_session_nothing_was_said_in_offers_g711_again() {
    assert_eq!(session().offer_again(Direction::SendRecv), session().offer(&CodecList::g711()));
}

#[test]
fn a_refresh_of_ours_says_the_same_words() {
    let mut session = session();
    let (text, _) = answer(&mut session, &carrier(&[]));
    assert_eq!(session.offer_again(Direction::SendRecv), text.as_bytes());
    assert!(session.accept_answer(&carrier(&[])).is_ok());
}

#[test]
fn the_streams_they_once_offered_stay_in_our_offers() {
    let mut session = session();
    let offer = sdp(&["m=video 5000 RTP/AVP 31", "m=audio 4000 RTP/AVP 0"]);
    answer(&mut session, &offer);
    let text = String::from_utf8(session.offer_again(Direction::SendOnly).to_vec()).unwrap();
    assert_eq!(lines(&text, "m="), ["m=video 0 RTP/AVP 31", "m=audio 20000 RTP/AVP 0"]);
    let answer = sdp(&["m=video 0 RTP/AVP 31", "m=audio 4000 RTP/AVP 0", "a=recvonly"]);
    assert!(session.accept_answer(&answer).unwrap().send);
}

#[test]
fn a_re_offer_answered_with_audio_off_is_a_hold() {
    let mut session = session();
    answer(&mut session, &carrier(&[]));
    session.offer_again(Direction::SendRecv);
    let off = session.accept_answer(&sdp(&["m=audio 0 RTP/AVP 0"])).unwrap();
    assert_eq!((off.rtp, off.send, off.receive, off.held), (None, false, false, true));
}

#[test]
fn a_callers_offer_goes_on_to_the_destination_at_the_same_payload_types() {
    let caller = sdp(&[
        "m=audio 4000 RTP/AVP 111 9 18 8 96 13 100",
        "a=rtpmap:111 opus/48000/2",
        "a=fmtp:111 minptime=10;useinbandfec=1",
        "a=fmtp:18 annexb=no",
        "a=rtpmap:96 telephone-event/8000",
        "a=fmtp:96 0-16",
        "a=rtpmap:100 telephone-event/48000",
        "a=ptime:30",
    ]);
    let menu = CodecList::from_offer(&parse(&caller).unwrap());
    let text = offered(&mut session(), &menu);
    assert_eq!(lines(&text, "m="), ["m=audio 20000 RTP/AVP 111 9 18 8 0 96 100"]);
    assert_eq!(
        lines(&text, "a="),
        [
            "a=rtpmap:111 opus/48000/2",
            "a=fmtp:111 minptime=10;useinbandfec=1",
            "a=rtpmap:9 G722/8000",
            "a=rtpmap:18 G729/8000",
            "a=fmtp:18 annexb=no",
            "a=rtpmap:8 PCMA/8000",
            "a=rtpmap:0 PCMU/8000",
            "a=rtpmap:96 telephone-event/8000",
            "a=fmtp:96 0-15",
            "a=rtpmap:100 telephone-event/48000",
            "a=fmtp:100 0-15",
            "a=ptime:30",
            "a=sendrecv",
        ]
    );
    let ours = offered(&mut session(), &menu.g711_first());
    assert_eq!(lines(&ours, "m="), ["m=audio 20000 RTP/AVP 8 0 111 9 18 96 100"]);
}

#[test]
fn a_caller_without_events_or_with_only_foreign_codecs_still_gives_a_menu() {
    let foreign = sdp(&["m=audio 4000 RTP/AVP 18 101", "a=rtpmap:101 G729D/8000"]);
    let text = offered(&mut session(), &CodecList::from_offer(&parse(&foreign).unwrap()));
    // Nobody could turn G.729 into G.711, so it is not offered; 101 is taken.
    assert_eq!(lines(&text, "m="), ["m=audio 20000 RTP/AVP 18 101 96"]);
    assert_eq!(lines(&text, "a=rtpmap:96"), ["a=rtpmap:96 telephone-event/8000"]);
    for nothing in [sdp(&[]), sdp(&["m=audio 4000 RTP/AVP 101"])] {
        assert_eq!(CodecList::from_offer(&parse(&nothing).unwrap()), CodecList::g711());
    }
}

#[test]
fn the_codec_of_the_other_leg_is_preferred_with_its_parameters() {
    let caller = sdp(&["m=audio 4000 RTP/AVP 0 18", "a=fmtp:18 annexb=yes"]);
    let menu = CodecList::from_offer(&parse(&caller).unwrap());
    let mut destination = session();
    destination.offer(&menu);
    let answer = sdp(&["m=audio 4000 RTP/AVP 18", "a=fmtp:18 annexb=no"]);
    let there = destination.accept_answer(&answer).unwrap();
    let (text, here) = session().answer(&caller, &menu.prefer(&there.codec)).unwrap();
    assert_eq!(&*here.codec.name, "g729");
    let text = std::str::from_utf8(&text).unwrap();
    assert_eq!(lines(text, "a=fmtp:18"), ["a=fmtp:18 annexb=no"]);
}

#[test]
fn payload_types_keep_their_meaning_in_a_later_offer_of_ours() {
    let mut session = session();
    let first = sdp(&["m=audio 4000 RTP/AVP 96 0", "a=rtpmap:96 opus/48000/2"]);
    session.answer(&first, &CodecList::from_offer(&parse(&first).unwrap())).unwrap();
    let other =
        sdp(&["m=audio 4000 RTP/AVP 96 97", "a=rtpmap:96 AMR/8000", "a=rtpmap:97 opus/48000/2"]);
    let text = offered(&mut session, &CodecList::from_offer(&parse(&other).unwrap()));
    assert_eq!(lines(&text, "a=rtpmap:96"), ["a=rtpmap:96 opus/48000/2"]);
    assert_eq!(lines(&text, "m=")[0].split(' ').nth(3), Some("97"), "AMR moved");
    assert_eq!(version(text.as_bytes()), 2);
}
