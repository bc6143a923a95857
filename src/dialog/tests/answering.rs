//! Calls that come in: ringing, answering, refusing, and what their callers do meanwhile.

use super::placing::ticket;
use super::rig::*;
use crate::dialog::{Cause, Event, Failure, Policy, Why};
use crate::sip::{Message, Name, Transport};

fn called() -> Rig {
    Rig::is_called(&far_invite("", FAR_SDP), plain_invited()).map_err(|it| it.status).unwrap()
}

fn refused(lines: &str, sdp: &str) -> u16 {
    Rig::is_called(&far_invite(lines, sdp), plain_invited()).err().map_or(0, |it| it.status)
}

fn cancel() -> String {
    "CANCEL sip:us@127.0.0.1 SIP/2.0\r\n\
     Via: SIP/2.0/UDP 127.0.0.31:5070;branch=z9hG4bKfar;rport\r\n\
     Max-Forwards: 70\r\nFrom: <sip:far@far.example>;tag=far\r\nTo: <sip:us@us.example>\r\n\
     Call-ID: theirs\r\nCSeq: 10 CANCEL\r\nReason: SIP;cause=200;text=\"elsewhere\"\r\n\
     Content-Length: 0\r\n\r\n"
        .to_owned()
}

fn sdp(message: &Message) -> String {
    String::from_utf8_lossy(&message.body()).into_owned()
}

#[test]
fn a_call_rings_is_answered_and_ends_by_the_caller_s_bye() {
    let mut rig = called();
    assert_eq!(rig.starts(), ["100 INVITE"]);
    rig.does(|leg, turn| leg.ring(None, turn));
    let ringing = rig.one();
    assert_eq!((ringing.status(), ringing.to_tag()), (180, &b"tag1"[..]));
    assert!(ringing.body().is_empty());
    rig.does(|leg, turn| leg.answer(menu(), turn));
    let ok = rig.one();
    assert_eq!((ok.status(), ok.to_tag()), (200, &b"tag1"[..]));
    assert!(header(&ok, Name::Allow).contains("UPDATE"));
    assert_eq!(header(&ok, Name::Contact), "<sip:us@127.0.0.1:5060>");
    assert!(header(&ok, Name::Via).contains("received=127.0.0.31;rport=5070"));
    assert!(matches!(&rig.told()[..], [Event::Answered { .. }]));
    rig.asks("ACK", 10, "", "", "");
    rig.waits(seconds(40));
    assert!(rig.sent().is_empty());
    rig.asks("BYE", 11, "Reason: Q.850;cause=16\r\n", "", "");
    assert_eq!(rig.starts(), ["200 BYE"]);
    let told = rig.told();
    let [Event::HungUp { why: Why::Bye, reason: Some(reason), .. }, Event::Over] = &told[..] else {
        panic!("{told:?}")
    };
    assert_eq!(reason.q850(), Some(16));
}

#[test]
fn a_2xx_is_resent_until_its_ack_and_the_call_falls_without_one() {
    let mut rig = called();
    rig.does(|leg, turn| leg.answer(menu(), turn));
    rig.sent();
    rig.told();
    rig.waits(seconds(8));
    assert_eq!(rig.starts(), ["200 INVITE"; 4]);
    rig.waits(seconds(24));
    let sent = rig.sent();
    let (bye, resent) = sent.split_last().unwrap();
    assert_eq!(starts(resent), vec!["200 INVITE"; 6]);
    assert_eq!(bye.request_uri(), b"sip:far@172.18.60.152:5070");
    assert_eq!(header(bye, Name::Reason), "SIP;cause=408;text=\"ACK never came\"");
    let told = rig.told();
    assert!(matches!(told[..], [Event::HungUp { why: Why::NoAck, status: 408, .. }]), "{told:?}");
    rig.answers(bye, 200, "", "", "");
    assert_eq!(rig.told(), [Event::Over]);
}

#[test]
fn our_bye_waits_for_the_ack_of_our_2xx() {
    let mut rig = called();
    rig.does(|leg, turn| leg.answer(menu(), turn));
    rig.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
    rig.sent();
    rig.waits(seconds(1));
    assert_eq!(rig.starts(), ["200 INVITE"]);
    rig.asks("ACK", 10, "", "", "");
    let bye = rig.one();
    rig.answers(&bye, 481, "", "", "");
    assert!(matches!(rig.told()[..], [Event::Answered { .. }, Event::Over]));
}

#[test]
fn a_cancel_ends_the_ringing_and_tells_its_reason() {
    let mut rig = called();
    rig.does(|leg, turn| leg.ring(None, turn));
    rig.sent();
    rig.hears(&cancel());
    assert_eq!(rig.starts(), ["200 CANCEL", "487 INVITE"]);
    let told = rig.told();
    let [Event::HungUp { status: 487, why: Why::Cancelled, reason: Some(reason) }, Event::Over] =
        &told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!(reason.cause, Some(200));
    // Again: still 200, and nothing else happens.
    rig.hears(&cancel());
    assert_eq!(rig.starts(), ["200 CANCEL"]);
}

#[test]
fn a_cancel_after_the_200_changes_nothing() {
    let mut rig = called();
    rig.does(|leg, turn| leg.answer(menu(), turn));
    rig.sent();
    rig.told();
    rig.hears(&cancel());
    assert!(rig.told().is_empty());
    assert!(!rig.is_over());
}

#[test]
fn a_refusal_says_why_and_when() {
    let mut rig = called();
    rig.sent();
    let cause = Cause::new(486, "Busy").with_q850(17);
    rig.does(|leg, turn| leg.refuse(&cause, Some(30), turn));
    let refusal = rig.one();
    assert_eq!(refusal.status(), 486);
    assert_eq!(refusal.retry_after(), Some(30));
    assert_eq!(refusal.reason_header().and_then(|it| it.q850()), Some(17));
    assert_eq!(rig.told(), [Event::Over]);
}

#[test]
fn releasing_a_ringing_caller_refuses_it() {
    let mut rig = called();
    rig.sent();
    rig.does(|leg, turn| leg.release(&Cause::completed_elsewhere(), turn));
    assert_eq!(rig.starts(), ["480 INVITE"]);
    assert_eq!(rig.told(), [Event::Over]);
}

#[test]
fn an_offerless_invite_gets_our_offer_and_is_answered_by_the_ack() {
    let mut rig = Rig::is_called(&far_invite("", ""), plain_invited()).ok().unwrap();
    rig.sent();
    rig.does(|leg, turn| leg.answer(menu(), turn));
    let ok = rig.one();
    assert!(sdp(&ok).contains("m=audio 4000 RTP/AVP 0 8 101"));
    assert!(rig.told().is_empty());
    rig.asks("ACK", 10, "", "application/sdp", FAR_SDP);
    let told = rig.told();
    let [Event::Answered { media }] = &told[..] else { panic!("{told:?}") };
    assert_eq!(media.rtp, Some("127.0.0.31:7000".parse().unwrap()));
}

#[test]
fn an_ack_without_the_answer_ends_the_call() {
    let mut rig = Rig::is_called(&far_invite("", ""), plain_invited()).ok().unwrap();
    rig.does(|leg, turn| leg.answer(menu(), turn));
    rig.sent();
    rig.asks("ACK", 10, "", "", "");
    assert_eq!(rig.starts(), ["BYE"]);
    assert!(matches!(rig.told()[..], [Event::HungUp { why: Why::NoMedia, status: 488, .. }]));
}

#[test]
fn early_media_and_the_answer_say_the_same() {
    let mut rig = called();
    rig.sent();
    rig.does(|leg, turn| leg.ring(Some(menu()), turn));
    let progress = rig.one();
    assert_eq!(progress.status(), 183);
    assert!(matches!(rig.told()[..], [Event::Media { .. }]));
    rig.does(|leg, turn| leg.answer(menu(), turn));
    assert_eq!(rig.one().body(), progress.body());
    assert!(matches!(rig.told()[..], [Event::Answered { .. }]));
}

#[test]
fn ringing_is_repeated_each_minute_for_the_proxies_on_the_way() {
    let mut rig = called();
    rig.does(|leg, turn| leg.ring(None, turn));
    rig.sent();
    rig.waits(seconds(150));
    assert_eq!(rig.starts(), ["180 INVITE"; 2]);
}

#[test]
fn an_invite_that_expires_is_ended_with_487() {
    let text = far_invite("Expires: 20\r\n", FAR_SDP);
    let mut rig = Rig::is_called(&text, plain_invited()).ok().unwrap();
    rig.sent();
    rig.waits(seconds(21));
    assert_eq!(rig.starts()[0], "487 INVITE");
    let told = rig.told();
    assert!(matches!(told[..], [Event::HungUp { why: Why::Expired, .. }, Event::Over]));
}

#[test]
fn what_cannot_be_taken_is_refused_at_once() {
    assert_eq!(refused("", FAR_SDP), 0);
    assert_eq!(
        refused(
            "",
            "v=0\r\no=- 1 1 IN IP4 127.0.0.31\r\ns=-\r\nc=IN IP4 127.0.0.31\r\n\
        t=0 0\r\nm=video 9 RTP/AVP 96\r\n"
        ),
        488
    );
    assert_eq!(refused("Contact: nonsense\r\n", FAR_SDP), 400);
    assert_eq!(refused("Record-Route: <nonsense\r\n", FAR_SDP), 400);
    let routes = "Record-Route: <sip:10.0.0.1;lr>\r\n".repeat(33);
    assert_eq!(refused(&routes, FAR_SDP), 400);
}

#[test]
fn the_recorded_route_goes_back_and_is_followed_in_order() {
    let lines = "Record-Route: <sip:p2;lr>\r\nRecord-Route: <sip:p1;lr>, <sip:p0;lr>\r\n";
    let mut rig = Rig::is_called(&far_invite(lines, FAR_SDP), plain_invited()).ok().unwrap();
    rig.sent();
    rig.does(|leg, turn| leg.answer(menu(), turn));
    let ok = rig.one();
    let list = |it: &Message, name| {
        it.headers(name).map(|it| String::from_utf8_lossy(&it).into_owned()).collect::<Vec<_>>()
    };
    let all = ["<sip:p2;lr>", "<sip:p1;lr>", "<sip:p0;lr>"];
    assert_eq!(list(&ok, Name::RecordRoute), all);
    rig.asks("ACK", 10, "", "", "");
    rig.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
    assert_eq!(list(&rig.one(), Name::Route), all);
    assert_eq!(rig.next().uri, uri("sip:p2;lr"));
}

#[test]
fn a_sticky_caller_is_reached_where_its_invite_came_from() {
    let mut invited = plain_invited();
    invited.policy = Policy { sticky: true, ..Policy::default() };
    let mut rig = Rig::is_called(&far_invite("", FAR_SDP), invited).ok().unwrap();
    rig.does(|leg, turn| leg.answer(menu(), turn));
    rig.asks("ACK", 10, "", "", "");
    rig.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
    let hop = rig.next().hop.unwrap();
    assert_eq!(hop.remote, "127.0.0.31:5070".parse().unwrap());
}

/// RFC 3261 section 12.2.1.1 and RFC 3263 section 4.1.
#[test]
fn a_request_within_a_dialog_travels_as_the_next_hop_s_uri_says() {
    let (udp, tcp) = (Transport::Udp, Transport::Tcp);
    let contact = |says: &str| format!("Contact: <sip:far@172.18.60.152:5070{says}>\r\n");
    let proxy = "Record-Route: <sip:10.0.0.9;lr;transport=TCP>\r\n";
    for (ours, lines, has_other, sticky, travels) in [
        (udp, contact(";transport=tcp"), true, false, tcp),
        (udp, contact(";transport=TCP"), true, false, tcp),
        (udp, contact(""), true, false, udp),
        (tcp, contact(";transport=udp"), true, false, udp),
        // Who does not say can be reached by what it used.
        (tcp, contact(""), true, false, tcp),
        // What we have no socket for.
        (udp, contact(";transport=tcp"), false, false, udp),
        (udp, contact(";transport=tls"), true, false, udp),
        // A flow is what it is (RFC 5626).
        (udp, contact(";transport=tcp"), true, true, udp),
        // The first hop counts, not what is behind it.
        (udp, contact(";transport=udp") + proxy, true, false, tcp),
    ] {
        let mut invited = plain_invited();
        invited.policy = Policy { sticky, ..Policy::default() };
        invited.local.transport = ours;
        invited.local.other = has_other.then(|| "127.0.0.1:5062".into());
        let mut rig = Rig::is_called(&far_invite(&lines, FAR_SDP), invited).ok().unwrap();
        rig.does(|leg, turn| leg.answer(menu(), turn));
        rig.asks("ACK", 10, "", "", "");
        rig.sent();
        rig.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
        let port = if travels == ours { 5060 } else { 5062 };
        let via = format!("SIP/2.0/{} 127.0.0.1:{port};", travels.as_str());
        let bye = rig.one();
        assert!(header(&bye, Name::Via).starts_with(&via), "{lines}: {bye:?}");
        assert_eq!(rig.next().transport, travels, "{lines}");
    }
}

#[test]
fn what_tcp_did_not_carry_as_the_contact_asked_goes_by_the_leg_s_own_transport() {
    let mut invited = plain_invited();
    invited.local.other = Some("127.0.0.1:5062".into());
    let lines = "Contact: <sip:far@172.18.60.152:5070;transport=tcp>\r\n";
    let mut rig = Rig::is_called(&far_invite(lines, FAR_SDP), invited).ok().unwrap();
    rig.does(|leg, turn| leg.answer(menu(), turn));
    rig.asks("ACK", 10, "", "", "");
    rig.sent();
    rig.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
    rig.one();
    rig.does(|leg, turn| leg.on_failed(ticket(1), Failure::Transport, turn));
    assert!(header(&rig.one(), Name::Via).starts_with("SIP/2.0/UDP 127.0.0.1:5060;"));
    assert_eq!(rig.next().transport, Transport::Udp);
}

/// Its NAT forgot the way, and made another (RFC 3261 section 12.2 cannot know: its Contact is the
/// same as ever).
#[test]
fn a_sticky_far_end_is_followed_to_where_its_latest_request_came_from() {
    for (sticky, followed) in [(true, true), (false, false)] {
        let mut invited = plain_invited();
        invited.policy = Policy { sticky, ..Policy::default() };
        let mut rig = Rig::is_called(&far_invite("", FAR_SDP), invited).ok().unwrap();
        rig.does(|leg, turn| leg.answer(menu(), turn));
        rig.asks("ACK", 10, "", "", "");
        rig.moves("127.0.0.99:40000");
        // What is out of order may be anybody's echo.
        rig.asks("INFO", 9, "", "", "");
        rig.asks("INVITE", 11, FAR_CONTACT, "application/sdp", FAR_SDP);
        rig.moves("127.0.0.98:40000");
        rig.asks("INFO", 11, "", "", "");
        rig.asks("ACK", 11, "", "", "");
        rig.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
        let hop = rig.next().hop.map(|it| it.remote);
        assert_eq!(hop, followed.then(|| "127.0.0.99:40000".parse().unwrap()));
    }
}

#[test]
fn a_bye_whose_hops_are_used_up_has_arrived_all_the_same() {
    let mut rig = called();
    rig.does(|leg, turn| leg.answer(menu(), turn));
    rig.asks("ACK", 10, "Max-Forwards: 0\r\n", "", "");
    rig.sent();
    rig.asks("BYE", 11, "Max-Forwards: 0\r\n", "", "");
    assert_eq!(rig.starts(), ["200 BYE"]);
}

#[test]
fn a_bye_before_the_answer_ends_the_invite_too() {
    let mut rig = called();
    rig.does(|leg, turn| leg.ring(None, turn));
    rig.sent();
    rig.asks("BYE", 11, "", "", "");
    assert_eq!(rig.starts(), ["200 BYE", "487 INVITE"]);
    assert!(matches!(rig.told()[..], [Event::HungUp { why: Why::Bye, .. }, Event::Over]));
}

#[test]
fn a_second_invite_before_the_answer_is_told_to_wait() {
    let mut rig = called();
    rig.sent();
    rig.asks("INVITE", 11, FAR_CONTACT, "application/sdp", FAR_SDP);
    let sent = rig.sent();
    let refusal = sent.last().unwrap();
    assert_eq!(refusal.status(), 500);
    assert!(refusal.retry_after().is_some_and(|it| it <= 10));
}

#[test]
fn sdp_in_a_multipart_body_is_found_and_kept_apart() {
    let body = format!(
        "--b1\r\nContent-Type: application/isup;version=x\r\n\r\n\u{1}\u{2}\r\n--b1\r\n\
         content-type : Application/SDP\r\n\r\n{FAR_SDP}\r\n--b1--\r\n"
    );
    let text = far_invite("Content-Type: multipart/mixed; boundary=\"b1\"\r\n", "")
        .replace("Content-Length: 0\r\n\r\n", &format!("Content-Length: {}\r\n\r\n", body.len()))
        + &body;
    let mut rig = Rig::is_called(&text, plain_invited()).ok().unwrap();
    assert!(crate::dialog::screen(&parse(&text)).is_ok());
    rig.sent();
    rig.does(|leg, turn| leg.answer(menu(), turn));
    let told = rig.told();
    let [Event::Answered { media }] = &told[..] else { panic!("{told:?}") };
    assert_eq!(media.rtp, Some("127.0.0.31:7000".parse().unwrap()));
}
