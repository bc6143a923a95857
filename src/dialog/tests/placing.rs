//! Calls we place: forks, CANCEL, credentials, late answers.

use super::rig::*;
use crate::dialog::{Cause, Credentials, Event, Failure, Party, Policy, Why};
use crate::sip::{Hop, Method, Name, Transport};

#[test]
fn an_answered_call_is_acknowledged_and_ends_by_our_bye() {
    let mut rig = Rig::calls(plain_invite());
    let invite = rig.one();
    assert_eq!(invite.request_uri(), b"sip:b@far.example");
    assert!(!invite.body().is_empty());
    rig.answers(&invite, 180, "b", FAR_CONTACT, "");
    assert!(matches!(rig.told()[..], [Event::Ringing { status: 180, media: None }]));
    rig.answers(&invite, 200, "b", FAR_CONTACT, FAR_SDP);
    let ack = rig.one();
    assert_eq!(ack.request_uri(), b"sip:far@172.18.60.152:5070");
    assert_eq!((ack.cseq(), ack.to_tag()), (invite.cseq(), &b"b"[..]));
    assert_ne!(ack.branch(), invite.branch());
    let [Event::Answered { media }] = &rig.told()[..] else { panic!() };
    assert_eq!(media.rtp, Some("127.0.0.31:7000".parse().unwrap()));
    rig.does(|leg, turn| leg.release(&Cause::new(0, "").with_q850(16), turn));
    let bye = rig.one();
    assert_eq!((bye.method(), bye.cseq()), (&Method::Bye, invite.cseq() + 1));
    assert_eq!(header(&bye, Name::Reason), "Q.850;cause=16");
    assert!(!rig.is_over());
    rig.answers(&bye, 200, "", "", "");
    assert_eq!(rig.told(), [Event::Over]);
    assert_eq!(rig.leg.deadline(), None);
}

#[test]
fn a_2xx_that_comes_again_gets_the_same_ack_again() {
    let mut rig = Rig::calls(plain_invite());
    let invite = rig.one();
    rig.answers(&invite, 200, "b", FAR_CONTACT, FAR_SDP);
    let first = rig.sent_bytes();
    rig.answers(&invite, 200, "b", FAR_CONTACT, FAR_SDP);
    rig.answers(&invite, 200, "b", FAR_CONTACT, FAR_SDP);
    let again = rig.sent_bytes();
    assert_eq!(again, [first[0].clone(), first[0].clone()]);
    assert_eq!(rig.told().len(), 1);
    // Also while we hang up.
    rig.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
    rig.sent();
    rig.answers(&invite, 200, "b", FAR_CONTACT, FAR_SDP);
    assert_eq!(rig.sent_bytes(), first);
}

#[test]
fn a_200_that_crosses_our_cancel_is_acknowledged_and_hung_up() {
    let mut rig = Rig::calls(plain_invite());
    let invite = rig.one();
    rig.answers(&invite, 180, "b", FAR_CONTACT, "");
    rig.told();
    rig.does(|leg, turn| leg.release(&Cause::completed_elsewhere(), turn));
    let cancel = rig.one();
    assert_eq!(cancel.branch(), invite.branch());
    assert_eq!(cancel.cseq(), invite.cseq());
    assert_eq!(cancel.request_uri(), invite.request_uri());
    assert_eq!(cancel.to_tag(), b"");
    assert_eq!(header(&cancel, Name::Reason), "SIP;cause=200;text=\"Call completed elsewhere\"");
    rig.answers(&cancel, 200, "b", "", "");
    rig.answers(&invite, 200, "b", FAR_CONTACT, FAR_SDP);
    let sent = rig.sent();
    assert_eq!(starts(&sent), ["ACK", "BYE"]);
    rig.answers(&invite, 200, "b", FAR_CONTACT, FAR_SDP);
    assert_eq!(rig.starts(), ["ACK"]);
    rig.answers(&sent[1], 200, "", "", "");
    assert_eq!(rig.told(), [Event::Over]);
}

#[test]
fn a_cancelled_call_is_over_when_the_487_comes_or_never_comes() {
    for answered in [true, false] {
        let mut rig = Rig::calls(plain_invite());
        let invite = rig.one();
        rig.answers(&invite, 100, "", "", "");
        rig.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
        rig.one();
        if answered {
            rig.answers(&invite, 487, "b", "", "");
        }
        rig.waits(seconds(if answered { 0 } else { 33 }));
        assert_eq!(rig.told(), [Event::Over], "{answered}");
    }
}

#[test]
fn an_invite_that_nobody_answered_is_given_up_without_a_cancel() {
    let mut rig = Rig::calls(plain_invite());
    rig.one();
    rig.waits(seconds(4));
    rig.sent();
    rig.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
    rig.waits(seconds(33));
    assert_eq!(rig.starts(), Vec::<String>::new());
    assert_eq!(rig.told(), [Event::Over]);
}

#[test]
fn a_late_180_after_giving_up_is_cancelled_and_a_late_200_hung_up() {
    let mut rig = Rig::calls(plain_invite());
    let invite = rig.one();
    rig.does(|leg, turn| leg.release(&Cause::completed_elsewhere(), turn));
    assert!(rig.starts().is_empty());
    // Nearly all of the time that it is waited for has passed; with the CANCEL it begins anew.
    rig.waits(seconds(31));
    rig.answers(&invite, 180, "b", FAR_CONTACT, "");
    let cancel = rig.one();
    assert_eq!((cancel.method(), cancel.branch()), (&Method::Cancel, invite.branch()));
    assert_eq!(header(&cancel, Name::Reason), "SIP;cause=200;text=\"Call completed elsewhere\"");
    rig.answers(&invite, 183, "b", FAR_CONTACT, "");
    rig.answers(&cancel, 200, "b", "", "");
    assert!(rig.starts().is_empty());
    rig.waits(seconds(31));
    rig.answers(&invite, 200, "b", FAR_CONTACT, FAR_SDP);
    let sent = rig.sent();
    assert_eq!(starts(&sent), ["ACK", "BYE"]);
    rig.answers(&sent[1], 200, "", "", "");
    assert_eq!(rig.told(), [Event::Over]);
}

#[test]
fn early_media_is_the_fork_s_own_and_the_answer_may_be_only_in_the_183() {
    let mut rig = Rig::calls(plain_invite());
    let invite = rig.one();
    rig.answers(&invite, 183, "b", FAR_CONTACT, FAR_SDP);
    let [Event::Ringing { status: 183, media: Some(early) }] = &rig.told()[..] else { panic!() };
    assert_eq!(early.rtp, Some("127.0.0.31:7000".parse().unwrap()));
    rig.answers(&invite, 180, "c", FAR_CONTACT, "");
    assert!(matches!(rig.told()[..], [Event::Ringing { status: 180, media: None }]));
    rig.answers(&invite, 200, "b", FAR_CONTACT, "");
    let [Event::Answered { media }] = &rig.told()[..] else { panic!() };
    assert_eq!(media, early);
}

#[test]
fn a_200_with_another_address_than_its_183_means_the_200() {
    let mut rig = Rig::calls(plain_invite());
    let invite = rig.one();
    rig.answers(&invite, 183, "b", FAR_CONTACT, FAR_SDP);
    rig.told();
    rig.answers(&invite, 200, "b", FAR_CONTACT, &FAR_SDP.replace("7000", "9000"));
    let [Event::Answered { media }] = &rig.told()[..] else { panic!() };
    assert_eq!(media.rtp, Some("127.0.0.31:9000".parse().unwrap()));
}

#[test]
fn an_answer_without_usable_media_is_acknowledged_hung_up_and_refused() {
    let mut rig = Rig::calls(plain_invite());
    let invite = rig.one();
    rig.answers(&invite, 200, "b", FAR_CONTACT, "");
    let sent = rig.sent();
    assert_eq!(starts(&sent), ["ACK", "BYE"]);
    assert!(matches!(rig.told()[..], [Event::Refused { status: 488, local: true, .. }]));
    rig.answers(&sent[1], 200, "", "", "");
    assert_eq!(rig.told(), [Event::Over]);
}

#[test]
fn a_refusal_tells_its_reason_and_when_to_try_again() {
    let mut rig = Rig::calls(plain_invite());
    let invite = rig.one();
    let lines = "Reason: Q.850;cause=17;text=\"User busy\"\r\nRetry-After: 30 (busy)\r\n";
    rig.answers(&invite, 486, "b", lines, "");
    assert_eq!(rig.starts(), ["ACK"]);
    let told = rig.told();
    let [Event::Refused { status: 486, reason: Some(reason), retry_after, .. }, Event::Over] =
        &told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!((reason.q850(), *retry_after), (Some(17), Some(30)));
}

#[test]
fn a_redirection_is_told_with_its_contacts_and_not_followed() {
    let mut rig = Rig::calls(plain_invite());
    let invite = rig.one();
    rig.answers(&invite, 302, "b", "Contact: <sip:x@10.0.0.1>, <sip:y@10.0.0.2>\r\n", "");
    let told = rig.told();
    let [Event::Refused { status: 302, contacts, .. }, Event::Over] = &told[..] else { panic!() };
    assert_eq!(contacts.len(), 2);
    assert_eq!(rig.starts(), ["ACK"]);
}

#[test]
fn silence_is_a_408_of_our_own_and_a_dead_end_a_503() {
    let mut rig = Rig::calls(plain_invite());
    rig.waits(seconds(33));
    let told = rig.told();
    assert!(matches!(told[..], [Event::Refused { status: 408, local: true, .. }, Event::Over]));
    let mut invite = plain_invite();
    invite.policy.sticky = true;
    let mut rig = Rig::calls(invite);
    rig.does(|leg, turn| leg.on_failed(ticket(1), Failure::Transport, turn));
    let told = rig.told();
    assert!(matches!(told[..], [Event::Refused { status: 503, local: true, .. }, Event::Over]));
}

pub fn ticket(n: u32) -> crate::dialog::Ticket {
    crate::dialog::Ticket(n)
}

const REALM: &str = "Digest realm=\"far\", nonce=\"n1\", qop=\"auth\", algorithm=";

fn challenged(status: u16, challenge: &str) -> String {
    let name = if status == 401 { "WWW-Authenticate" } else { "Proxy-Authenticate" };
    format!("{name}: {challenge}\r\n")
}

fn with_credentials() -> crate::dialog::Invite {
    let credentials =
        Credentials { user: "trunkuser".into(), password: "trunkpass".into(), realm: None };
    crate::dialog::Invite { credentials: Some(credentials), ..plain_invite() }
}

#[test]
fn a_challenged_invite_is_sent_again_with_credentials_in_the_same_call() {
    for status in [401, 407] {
        let mut rig = Rig::calls(with_credentials());
        let invite = rig.one();
        rig.answers(&invite, status, "x", &challenged(status, &format!("{REALM}MD5")), "");
        let sent = rig.sent();
        assert_eq!(starts(&sent), ["ACK", "INVITE"]);
        let again = &sent[1];
        assert_eq!((again.call_id(), again.from_tag()), (invite.call_id(), invite.from_tag()));
        assert_eq!((again.cseq(), again.to_tag()), (invite.cseq() + 1, &b""[..]));
        assert_ne!(again.branch(), invite.branch());
        assert_eq!(again.body(), invite.body());
        let credentials = again.credentials();
        assert_eq!(credentials[0].uri, "sip:b@far.example");
        let ha1 = crate::sip::digest::ha1(
            crate::sip::digest::Algorithm::Md5,
            "trunkuser",
            "far",
            "trunkpass",
        );
        assert!(credentials[0].matches(&ha1, b"INVITE", &again.body()));
        rig.answers(again, 200, "b", FAR_CONTACT, FAR_SDP);
        let ack = rig.one();
        assert_eq!(ack.credentials()[0].response, credentials[0].response);
        rig.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
        let bye = rig.one();
        assert_eq!(bye.credentials()[0].nc, Some(2));
        assert!(bye.credentials()[0].matches(&ha1, b"BYE", b""));
    }
}

#[test]
fn the_first_challenge_we_can_answer_is_answered() {
    let mut rig = Rig::calls(with_credentials());
    let invite = rig.one();
    let lines = challenged(401, &format!("{REALM}SHA-512-256"))
        + &challenged(401, &format!("{REALM}SHA-256"))
        + &challenged(401, &format!("{REALM}MD5"));
    rig.answers(&invite, 401, "x", &lines, "");
    let again = &rig.sent()[1];
    let credentials = again.credentials();
    assert_eq!(credentials.len(), 1);
    assert_eq!(credentials[0].algorithm, crate::sip::digest::Algorithm::Sha256);
}

#[test]
fn a_stale_nonce_is_answered_once_more_and_a_wrong_password_is_not() {
    let mut rig = Rig::calls(with_credentials());
    let invite = rig.one();
    rig.answers(&invite, 401, "x", &challenged(401, &format!("{REALM}MD5")), "");
    let again = rig.sent().remove(1);
    let stale = format!("{REALM}MD5, stale=true").replace("n1", "n2");
    rig.answers(&again, 401, "x", &challenged(401, &stale), "");
    let third = rig.sent().remove(1);
    assert_eq!((&*third.credentials()[0].nonce, third.credentials()[0].nc), ("n2", Some(1)));
    rig.answers(&third, 401, "x", &challenged(401, &stale), "");
    assert!(matches!(rig.told()[..], [Event::Refused { status: 401, .. }, Event::Over]));

    let mut rig = Rig::calls(with_credentials());
    let invite = rig.one();
    rig.answers(&invite, 401, "x", &challenged(401, &format!("{REALM}MD5")), "");
    let again = rig.sent().remove(1);
    rig.answers(&again, 401, "x", &challenged(401, &format!("{REALM}MD5")), "");
    assert!(matches!(rig.told()[..], [Event::Refused { status: 401, .. }, Event::Over]));
}

#[test]
fn a_challenged_bye_is_sent_again_before_the_leg_is_over() {
    let mut rig = Rig::calls(with_credentials());
    let invite = rig.one();
    rig.answers(&invite, 200, "b", FAR_CONTACT, FAR_SDP);
    rig.sent();
    rig.told();
    rig.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
    let bye = rig.one();
    rig.answers(&bye, 407, "", &challenged(407, &format!("{REALM}MD5")), "");
    let again = rig.one();
    assert_eq!((again.method(), again.cseq()), (&Method::Bye, bye.cseq() + 1));
    assert_ne!(again.branch(), bye.branch());
    assert_eq!(&*again.credentials()[0].uri, "sip:far@172.18.60.152:5070");
    assert!(rig.told().is_empty());
    rig.answers(&again, 200, "", "", "");
    assert_eq!(rig.told(), [Event::Over]);
}

#[test]
fn a_challenge_without_credentials_is_a_refusal() {
    let mut rig = Rig::calls(plain_invite());
    let invite = rig.one();
    rig.answers(&invite, 407, "x", &challenged(407, &format!("{REALM}MD5")), "");
    assert!(matches!(rig.told()[..], [Event::Refused { status: 407, .. }, Event::Over]));
}

#[test]
fn requests_go_along_the_recorded_route_to_the_contact_whatever_it_is() {
    let mut rig = Rig::calls(plain_invite());
    let invite = rig.one();
    let lines = format!(
        "{FAR_CONTACT}Record-Route: <sip:10.0.0.9;lr>, <sip:p1.example:5080;lr;ftag=x>\r\n"
    );
    rig.answers(&invite, 200, "b", &lines, FAR_SDP);
    let ack = rig.one();
    assert_eq!(ack.request_uri(), b"sip:far@172.18.60.152:5070");
    let routes: Vec<_> =
        ack.headers(Name::Route).map(|it| String::from_utf8_lossy(&it).into_owned()).collect();
    assert_eq!(routes, ["<sip:p1.example:5080;lr;ftag=x>", "<sip:10.0.0.9;lr>"]);
    assert_eq!(rig.next().uri, uri("sip:p1.example:5080;lr;ftag=x"));
    rig.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
    let bye = rig.one();
    assert_eq!(bye.headers(Name::Route).count(), 2);
    assert_eq!(bye.request_uri(), ack.request_uri());
}

#[test]
fn a_strict_router_takes_the_place_of_the_request_uri() {
    let mut rig = Rig::calls(plain_invite());
    let invite = rig.one();
    let lines = format!("{FAR_CONTACT}Record-Route: <sip:far-side;lr>, <sip:strict.example>\r\n");
    rig.answers(&invite, 200, "b", &lines, FAR_SDP);
    let ack = rig.one();
    assert_eq!(ack.request_uri(), b"sip:strict.example");
    let routes: Vec<_> =
        ack.headers(Name::Route).map(|it| String::from_utf8_lossy(&it).into_owned()).collect();
    assert_eq!(routes, ["<sip:far-side;lr>", "<sip:far@172.18.60.152:5070>"]);
    assert_eq!(rig.next().uri, uri("sip:strict.example"));
}

#[test]
fn the_cancel_and_the_retry_go_where_the_invite_went() {
    let remote = "10.1.2.3:5060".parse().unwrap();
    let hop = Hop { transport: Transport::Udp, listener: 3, remote, connection: None };
    let mut rig = Rig::calls(with_credentials());
    rig.leg.went(hop);
    let invite = rig.one();
    rig.answers(&invite, 401, "x", &challenged(401, &format!("{REALM}MD5")), "");
    assert_eq!(rig.next().hop, Some(hop));
    let again = rig.sent().remove(1);
    rig.answers(&again, 180, "b", FAR_CONTACT, "");
    rig.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
    assert_eq!(rig.starts(), ["CANCEL"]);
    assert_eq!(rig.next().hop, Some(hop));
}

#[test]
fn a_sticky_leg_sends_everything_down_its_flow() {
    let remote = "10.1.2.3:5060".parse().unwrap();
    let hop = Hop { transport: Transport::Tcp, listener: 3, remote, connection: Some(9) };
    let mut invite = plain_invite();
    invite.policy = Policy { sticky: true, ..Policy::default() };
    invite.hop = Some(hop);
    let mut rig = Rig::calls(invite);
    assert_eq!(rig.next().hop, Some(hop));
    let invite = rig.one();
    rig.answers(&invite, 200, "b", FAR_CONTACT, FAR_SDP);
    assert_eq!(rig.next().hop, Some(hop));
    rig.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
    assert_eq!(rig.next().hop, Some(hop));
}

#[test]
fn a_long_invite_goes_by_tcp_and_by_udp_if_tcp_fails() {
    let mut invite = plain_invite();
    invite.local.tcp_over = Some(200);
    invite.local.other = Some("127.0.0.1:5062".into());
    let mut rig = Rig::calls(invite);
    let first = rig.one();
    assert!(header(&first, Name::Via).starts_with("SIP/2.0/TCP 127.0.0.1:5062;"));
    assert_eq!(rig.next().transport, Transport::Tcp);
    rig.does(|leg, turn| leg.on_failed(ticket(1), Failure::Transport, turn));
    let second = rig.one();
    assert!(header(&second, Name::Via).starts_with("SIP/2.0/UDP 127.0.0.1:5060;"));
    assert_eq!(rig.next().transport, Transport::Udp);
    assert!(rig.told().is_empty());
}

#[test]
fn the_caller_is_shown_as_asked_and_no_name_breaks_out_of_its_quotes() {
    let mut invite = plain_invite();
    invite.caller.from.display = Some("Ads: \"x\\\" <sip:evil@x>\r\nBye".into());
    invite.caller.asserted = Some(Party { display: None, uri: uri("tel:+15551234567") });
    invite.caller.privacy = Some("id");
    invite.caller.diversion = Some(Party { display: None, uri: uri("sip:+15550100001@us") });
    invite.caller.history = vec![uri("sip:+15550100001@us"), uri("sip:b@far.example")];
    let mut rig = Rig::calls(invite);
    let invite = rig.one();
    let from = invite.from().unwrap();
    assert_eq!(from.display.as_deref(), Some("Ads: \"x\\\" <sip:evil@x>Bye"));
    assert_eq!(from.uri, uri("sip:a@us.example"));
    assert_eq!(header(&invite, Name::PAssertedIdentity), "<tel:+15551234567>");
    assert_eq!(header(&invite, Name::Privacy), "id");
    assert_eq!(header(&invite, Name::Diversion), "<sip:+15550100001@us>;reason=unconditional");
    let history: Vec<_> = invite
        .headers(Name::HistoryInfo)
        .map(|it| String::from_utf8_lossy(&it).into_owned())
        .collect();
    assert_eq!(history, ["<sip:+15550100001@us>;index=1", "<sip:b@far.example>;index=1.1;mp=1"]);
}

#[test]
fn a_bye_that_overtakes_its_200_ends_the_call_when_that_comes() {
    let mut rig = Rig::calls(plain_invite());
    let invite = rig.one();
    rig.answers(&invite, 180, "b", FAR_CONTACT, "");
    rig.asks_back(&invite, "b", "BYE", 1, "");
    assert_eq!(rig.starts(), ["200 BYE"]);
    rig.answers(&invite, 200, "b", FAR_CONTACT, FAR_SDP);
    assert_eq!(rig.starts(), ["ACK"]);
    let told = rig.told();
    assert!(matches!(
        told[..],
        [Event::Ringing { .. }, Event::Refused { status: 480, .. }, Event::Over]
    ));
}

#[test]
fn an_invite_without_an_offer_answers_the_far_end_s_in_the_ack() {
    let invite = crate::dialog::Invite { offerless: true, ..plain_invite() };
    let mut rig = Rig::calls(invite);
    let invite = rig.one();
    assert!(invite.body().is_empty());
    rig.answers(&invite, 200, "b", FAR_CONTACT, FAR_SDP);
    let ack = rig.one();
    assert_eq!(ack.content_type().as_deref(), Some("application/sdp"));
    assert!(matches!(rig.told()[..], [Event::Answered { .. }]));
}

#[test]
fn the_far_end_s_bye_tells_its_reason() {
    let mut rig = Rig::calls(plain_invite());
    let invite = rig.one();
    rig.answers(&invite, 200, "b", FAR_CONTACT, FAR_SDP);
    rig.sent();
    rig.told();
    rig.asks_back(&invite, "b", "BYE", 1, "");
    assert_eq!(rig.starts(), ["200 BYE"]);
    let told = rig.told();
    assert!(matches!(told[..], [Event::HungUp { why: Why::Bye, .. }, Event::Over]), "{told:?}");
}
