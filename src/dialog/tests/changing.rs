//! An answered call that changes: hold, new addresses, glare, keys, and requests out of place.

use super::rig::*;
use crate::audio::Digit;
use crate::dialog::{Cause, Direction, Event, Why};
use crate::sip::{Message, Name};

/// A call of the far end, answered and acknowledged.
fn answered() -> Rig {
    let mut rig = Rig::is_called(&far_invite("", FAR_SDP), plain_invited()).ok().unwrap();
    rig.does(|leg, turn| leg.answer(menu(), turn));
    rig.asks("ACK", 10, "", "", "");
    rig.sent();
    rig.told();
    rig
}

/// A call of ours, answered.
fn placed() -> (Rig, Message) {
    let mut rig = Rig::calls(plain_invite());
    let invite = rig.one();
    rig.answers(&invite, 200, "b", FAR_CONTACT, FAR_SDP);
    rig.sent();
    rig.told();
    (rig, invite)
}

fn sdp(message: &Message) -> String {
    String::from_utf8_lossy(&message.body()).into_owned()
}

fn held() -> String {
    format!("{FAR_SDP}a=sendonly\r\n")
}

#[test]
fn hold_by_reinvite_is_answered_recvonly_and_resume_sendrecv() {
    let mut rig = answered();
    for (cseq, offer, direction, is_held) in
        [(11, held(), "a=recvonly", true), (12, FAR_SDP.to_owned(), "a=sendrecv", false)]
    {
        rig.asks("INVITE", cseq, FAR_CONTACT, "application/sdp", &offer);
        let sent = rig.sent();
        let ok = sent.last().unwrap();
        assert_eq!(ok.status(), 200);
        assert!(sdp(ok).contains(direction) || !is_held, "{}", sdp(ok));
        assert!(!sdp(ok).contains("a=recvonly") || is_held);
        let told = rig.told();
        let [Event::Media { media }] = &told[..] else { panic!("{told:?}") };
        assert_eq!(media.held, is_held);
        rig.asks("ACK", cseq, "", "", "");
    }
}

#[test]
fn the_same_offer_again_gets_the_same_answer_and_is_no_news() {
    let mut rig = answered();
    rig.asks("INVITE", 11, FAR_CONTACT, "application/sdp", FAR_SDP);
    let first = rig.sent().pop().unwrap();
    rig.asks("ACK", 11, "", "", "");
    rig.asks("INVITE", 12, FAR_CONTACT, "application/sdp", FAR_SDP);
    assert_eq!(rig.sent().pop().unwrap().body(), first.body());
    assert!(rig.told().is_empty());
}

#[test]
fn a_new_address_and_a_new_contact_are_followed() {
    let mut rig = answered();
    let offer = FAR_SDP.replace("7000", "7100");
    rig.asks("INVITE", 11, "Contact: <sip:moved@10.9.9.9>\r\n", "application/sdp", &offer);
    rig.asks("ACK", 11, "", "", "");
    let told = rig.told();
    let [Event::Media { media }] = &told[..] else { panic!("{told:?}") };
    assert_eq!(media.rtp.map(|it| it.port()), Some(7100));
    rig.sent();
    rig.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
    assert_eq!(rig.one().request_uri(), b"sip:moved@10.9.9.9");
}

#[test]
fn an_offerless_reinvite_gets_our_offer_and_takes_the_answer_from_the_ack() {
    let mut rig = answered();
    rig.asks("INVITE", 11, FAR_CONTACT, "", "");
    let ok = rig.sent().pop().unwrap();
    assert_eq!(ok.status(), 200);
    assert!(sdp(&ok).contains("m=audio 4000"));
    assert!(rig.told().is_empty());
    // Until the answer has come, another offer must wait.
    rig.asks("UPDATE", 12, FAR_CONTACT, "application/sdp", &held());
    assert_eq!(rig.starts(), ["491 UPDATE"]);
    rig.asks("ACK", 11, "", "application/sdp", &FAR_SDP.replace("7000", "7300"));
    let told = rig.told();
    assert!(matches!(&told[..], [Event::Media { media }] if media.rtp.unwrap().port() == 7300));
}

/// As when a carrier puts our caller through to somebody else (RFC 3261 section 14.2).
#[test]
fn an_offerless_reinvite_is_offered_all_we_can_and_may_choose_another_codec() {
    let mut rig = answered();
    rig.asks("INVITE", 11, FAR_CONTACT, "", "");
    let offer = sdp(&rig.sent().pop().unwrap());
    assert!(offer.contains("m=audio 4000 RTP/AVP 0 8 101\r\n"), "{offer}");
    let other = FAR_SDP.replace("RTP/AVP 0 101", "RTP/AVP 8 101");
    rig.asks("ACK", 11, "", "application/sdp", &other);
    let told = rig.told();
    assert!(
        matches!(&told[..], [Event::Media { media }] if media.codec.name == "pcma"),
        "{told:?}"
    );
}

#[test]
fn a_refer_that_waits_when_the_far_end_hangs_up_is_answered_too() {
    let mut rig = answered();
    rig.asks("REFER", 11, &format!("{FAR_CONTACT}Refer-To: <sip:c@us.example>\r\n"), "", "");
    assert!(rig.sent().is_empty(), "it waits for the call's word");
    rig.asks("BYE", 12, "", "", "");
    assert_eq!(rig.starts(), ["200 BYE", "487 REFER"]);
}

#[test]
fn update_is_answered_like_a_reinvite_but_without_an_ack() {
    let mut rig = answered();
    rig.asks("UPDATE", 11, FAR_CONTACT, "application/sdp", &held());
    let ok = rig.one();
    assert!(sdp(&ok).contains("a=recvonly"));
    assert!(matches!(&rig.told()[..], [Event::Media { media }] if media.held));
    rig.asks("UPDATE", 12, FAR_CONTACT, "", "");
    assert!(rig.one().body().is_empty());
    rig.waits(seconds(40));
    assert!(rig.sent().is_empty());
}

#[test]
fn an_offer_we_cannot_take_is_488_with_a_warning_and_changes_nothing() {
    let mut rig = answered();
    let offer = FAR_SDP.replace("RTP/AVP 0 101", "RTP/AVP 18 101");
    rig.asks("INVITE", 11, "Contact: <sip:moved@10.9.9.9>\r\n", "application/sdp", &offer);
    let refusal = rig.sent().pop().unwrap();
    assert_eq!(refusal.status(), 488);
    assert!(header(&refusal, Name::Warning).starts_with("305 "));
    assert!(rig.told().is_empty());
    rig.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
    assert_eq!(rig.sent().pop().unwrap().request_uri(), b"sip:far@172.18.60.152:5070");
}

#[test]
fn a_cseq_out_of_order_is_500() {
    let mut rig = answered();
    rig.asks("OPTIONS", 20, "", "", "");
    assert_eq!(rig.starts(), ["200 OPTIONS"]);
    rig.asks("INFO", 15, "", "", "");
    assert_eq!(rig.starts(), ["500 INFO"]);
    rig.asks("BYE", 21, "", "", "");
    assert_eq!(rig.starts(), ["200 BYE"]);
}

#[test]
fn a_reinvite_whose_ack_never_comes_ends_the_call() {
    let mut rig = answered();
    rig.asks("INVITE", 11, FAR_CONTACT, "application/sdp", FAR_SDP);
    rig.sent();
    rig.waits(seconds(33));
    assert_eq!(rig.starts().last().map(String::as_str), Some("BYE"));
    assert!(matches!(rig.told()[..], [Event::HungUp { why: Why::NoAck, .. }]));
}

#[test]
fn our_hold_offers_sendonly_and_tells_what_came_of_it() {
    let (mut rig, _) = placed();
    rig.does(|leg, turn| leg.offer_again(Direction::SendOnly, None, turn));
    let reinvite = rig.one();
    assert_eq!(reinvite.to_tag(), b"b");
    assert!(sdp(&reinvite).contains("a=sendonly"));
    rig.answers(&reinvite, 200, "", FAR_CONTACT, &format!("{FAR_SDP}a=recvonly\r\n"));
    let ack = rig.one();
    assert_eq!(ack.cseq(), reinvite.cseq());
    assert!(matches!(&rig.told()[..], [Event::Media { media }] if media.send && !media.receive));
    // The 2xx again, the ACK again.
    rig.answers(&reinvite, 200, "", FAR_CONTACT, FAR_SDP);
    assert_eq!(rig.starts(), ["ACK"]);
}

#[test]
fn glare_is_491_both_ways_and_the_owner_of_the_call_id_waits_longer() {
    let (mut rig, invite) = placed();
    rig.does(|leg, turn| leg.offer_again(Direction::SendOnly, None, turn));
    let ours = rig.one();
    rig.asks_back(&invite, "b", "INVITE", 1, FAR_SDP);
    let sent = rig.sent();
    assert_eq!(starts(&sent), ["100 INVITE", "491 INVITE"]);
    rig.answers(&ours, 491, "", "", "");
    rig.sent();
    rig.waits(seconds(2));
    assert!(!rig.starts().contains(&"INVITE".to_owned()));
    // Theirs goes first, now.
    rig.asks_back(&invite, "b", "UPDATE", 2, FAR_SDP);
    assert!(rig.starts().contains(&"200 UPDATE".to_owned()));
    rig.waits(seconds(2));
    let again = rig.sent().into_iter().find(|it| it.status() == 0).unwrap();
    assert!(sdp(&again).contains("a=sendonly"));
    assert_eq!(again.cseq(), ours.cseq() + 1);
}

#[test]
fn glare_on_a_call_we_took_is_retried_within_two_seconds() {
    let mut rig = answered();
    rig.does(|leg, turn| leg.offer_again(Direction::SendOnly, None, turn));
    let ours = rig.one();
    rig.answers(&ours, 491, "", "", "");
    rig.sent();
    rig.waits(seconds(2));
    assert!(rig.starts().starts_with(&["INVITE".to_owned()]));
}

#[test]
fn a_refused_reinvite_keeps_the_call_and_408_or_481_ends_it() {
    let (mut rig, _) = placed();
    rig.does(|leg, turn| leg.offer_again(Direction::SendOnly, None, turn));
    let ours = rig.one();
    rig.answers(&ours, 488, "", "", "");
    assert_eq!(rig.told(), [Event::Unchanged { status: 488 }]);
    assert!(!rig.is_over());
    for status in [408, 481] {
        let (mut rig, _) = placed();
        rig.does(|leg, turn| leg.offer_again(Direction::SendOnly, None, turn));
        let ours = rig.one();
        rig.answers(&ours, status, "", "", "");
        assert_eq!(rig.starts(), ["ACK", "BYE"]);
        let told = rig.told();
        assert!(matches!(told[..], [Event::HungUp { why: Why::Gone, .. }]), "{told:?}");
    }
}

#[test]
fn a_second_wish_waits_for_the_first() {
    let (mut rig, _) = placed();
    rig.does(|leg, turn| leg.offer_again(Direction::SendOnly, None, turn));
    let hold = rig.one();
    rig.does(|leg, turn| leg.offer_again(Direction::SendRecv, None, turn));
    assert!(rig.sent().is_empty());
    rig.answers(&hold, 200, "", FAR_CONTACT, &format!("{FAR_SDP}a=recvonly\r\n"));
    let sent = rig.sent();
    assert_eq!(starts(&sent), ["ACK", "INVITE"]);
    assert!(sdp(&sent[1]).contains("a=sendrecv") || !sdp(&sent[1]).contains("a=sendonly"));
}

#[test]
fn a_reinvite_that_is_never_answered_is_cancelled_and_then_given_up() {
    let (mut rig, _) = placed();
    rig.does(|leg, turn| leg.offer_again(Direction::SendOnly, None, turn));
    let reinvite = rig.one();
    rig.answers(&reinvite, 180, "", "", "");
    rig.waits(seconds(65));
    let sent = rig.sent();
    let cancel = sent.iter().find(|it| it.method().to_string() == "CANCEL").unwrap();
    assert_eq!((cancel.branch(), cancel.cseq()), (reinvite.branch(), reinvite.cseq()));
    rig.answers(cancel, 200, "", "", "");
    rig.answers(&reinvite, 487, "", "", "");
    assert_eq!(rig.told(), [Event::Unchanged { status: 487 }]);
}

#[test]
fn keys_by_info_are_heard() {
    let mut rig = answered();
    let bodies = [
        ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", 200),
        ("application/dtmf", "#", 200),
        ("application/dtmf", "\u{7f}", 400),
        ("text/plain", "5", 415),
        ("", "", 200),
    ];
    for (n, (kind, body, status)) in bodies.into_iter().enumerate() {
        rig.asks("INFO", 11 + n as u32, "", kind, body);
        assert_eq!(rig.starts(), [format!("{status} INFO")], "{body}");
    }
    let keys: String = rig
        .told()
        .into_iter()
        .map(|it| match it {
            Event::Key(digit) => digit.as_char(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(keys, "5#");
}

#[test]
fn keys_we_send_go_one_after_the_other() {
    let (mut rig, _) = placed();
    for c in "12#".chars() {
        let digit = Digit::from_char(c).unwrap();
        rig.does(|leg, turn| leg.send_key(digit, turn));
    }
    for c in ['1', '2', '#'] {
        let info = rig.one();
        assert_eq!(info.content_type().as_deref(), Some("application/dtmf-relay"));
        assert!(sdp(&info).starts_with(&format!("Signal={c}\r\n")));
        rig.answers(&info, 200, "", "", "");
    }
    assert!(rig.sent().is_empty());
}

#[test]
fn what_has_no_place_in_a_call_is_refused_politely() {
    let mut rig = answered();
    let asked = [
        ("NOTIFY", "Event: refer\r\n", "489 NOTIFY"),
        ("NOTIFY", "", "405 NOTIFY"),
        ("MESSAGE", "", "405 MESSAGE"),
        ("PRACK", "RAck: 1 10 INVITE\r\n", "481 PRACK"),
        ("DANCE", "", "501 DANCE"),
        ("INFO", "Require: foo, 100rel\r\n", "420 INFO"),
        ("OPTIONS", "", "200 OPTIONS"),
        ("REFER", "", "400 REFER"),
        ("REFER", "Refer-To: <mailto:c@x>\r\n", "416 REFER"),
        ("REFER", "Refer-To: <sip:c@x;method=BYE>\r\n", "603 REFER"),
        ("REFER", "Refer-To: <sip:c@x?Replaces=a%3Bto-tag%3Db>\r\n", "400 REFER"),
    ];
    for (n, (method, lines, answer)) in asked.into_iter().enumerate() {
        rig.asks(method, 11 + n as u32, lines, "", "");
        let sent = rig.one();
        assert_eq!(starts(std::slice::from_ref(&sent)), [answer]);
        match sent.status() {
            405 | 501 => assert!(header(&sent, Name::Allow).contains("REFER")),
            420 => assert_eq!(header(&sent, Name::Unsupported), "foo"),
            _ => (),
        }
    }
    assert!(rig.told().is_empty());
}

#[test]
fn byes_that_cross_are_both_answered() {
    let (mut rig, invite) = placed();
    rig.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
    let bye = rig.one();
    rig.asks_back(&invite, "b", "BYE", 1, "");
    assert_eq!(rig.starts(), ["200 BYE"]);
    rig.answers(&bye, 481, "", "", "");
    assert_eq!(rig.told(), [Event::Over]);
}

#[test]
fn a_bye_nobody_answers_is_over_when_its_transaction_is() {
    let (mut rig, _) = placed();
    rig.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
    rig.waits(seconds(33));
    assert_eq!(rig.told(), [Event::Over]);
    assert_eq!(rig.leg.deadline(), None);
}

/// EDGE S-25: who knows the tags of a dialog, but not its Call-ID, is nobody in it.
#[test]
fn a_request_with_the_right_tags_and_another_call_id_is_in_no_dialog() {
    let mut rig = answered();
    for (cseq, method) in (11..).zip(["BYE", "INVITE", "UPDATE", "INFO", "REFER"]) {
        rig.asks_in("another", method, cseq);
        assert_eq!(rig.starts().last(), Some(&format!("481 {method}")));
        assert_eq!(rig.told(), []);
    }
    rig.asks("BYE", 20, "", "", "");
    assert_eq!(rig.starts(), ["200 BYE"]);
}
