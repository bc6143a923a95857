//! Reliable provisional responses (RFC 3262), both sides.

use super::rig::*;
use crate::dialog::{Event, Invite, Invited, Policy, Reliable, Why};
use crate::sip::{Message, Name};

fn policy(reliable: Reliable) -> Policy {
    Policy { reliable, ..Policy::default() }
}

fn called(reliable: Reliable, lines: &str, sdp: &str) -> Result<Rig, u16> {
    let invited = Invited { policy: policy(reliable), ..plain_invited() };
    let mut rig = Rig::is_called(&far_invite(lines, sdp), invited).map_err(|it| it.status)?;
    rig.sent();
    Ok(rig)
}

fn prack(rig: &mut Rig, response: &Message, cseq: u32, sdp: &str) {
    let rack = format!("RAck: {} 10 INVITE\r\n", response.rseq().unwrap());
    let kind = if sdp.is_empty() { "" } else { "application/sdp" };
    rig.asks("PRACK", cseq, &rack, kind, sdp);
}

const REQUIRED: &str = "Require: 100rel\r\n";

#[test]
fn extensions_that_do_not_fit_are_refused() {
    assert_eq!(called(Reliable::Off, REQUIRED, FAR_SDP).err(), Some(420));
    assert_eq!(called(Reliable::Required, "", FAR_SDP).err(), Some(421));
    assert!(called(Reliable::Required, "Supported: 100rel\r\n", FAR_SDP).is_ok());
}

#[test]
fn a_reliable_180_is_resent_until_prack() {
    let mut rig = called(Reliable::Supported, REQUIRED, FAR_SDP).unwrap();
    rig.does(|leg, turn| leg.ring(None, turn));
    let ringing = rig.one();
    assert_eq!(header(&ringing, Name::Require), "100rel");
    rig.waits(seconds(4));
    assert_eq!(rig.starts(), ["180 INVITE"; 3]);
    rig.asks("PRACK", 11, "RAck: 1 10 BYE\r\n", "", "");
    assert_eq!(rig.starts(), ["481 PRACK"]);
    prack(&mut rig, &ringing, 12, "");
    assert_eq!(rig.starts(), ["200 PRACK"]);
    rig.waits(seconds(40));
    assert!(rig.sent().is_empty());
    // The same PRACK in a new transaction acknowledges nothing.
    prack(&mut rig, &ringing, 13, "");
    assert_eq!(rig.starts(), ["481 PRACK"]);
}

#[test]
fn without_prack_the_call_is_refused_with_504() {
    let mut rig = called(Reliable::Supported, REQUIRED, FAR_SDP).unwrap();
    rig.does(|leg, turn| leg.ring(None, turn));
    rig.waits(seconds(33));
    assert_eq!(rig.starts()[7], "504 INVITE");
    let told = rig.told();
    assert!(matches!(
        told[..],
        [Event::HungUp { why: Why::NoPrack, status: 504, .. }, Event::Over]
    ));
}

#[test]
fn numbers_follow_each_other_and_the_second_waits_for_the_first() {
    let mut rig = called(Reliable::Supported, REQUIRED, FAR_SDP).unwrap();
    rig.does(|leg, turn| leg.ring(None, turn));
    let first = rig.one();
    rig.does(|leg, turn| leg.ring(Some(menu()), turn));
    assert!(rig.sent().is_empty());
    prack(&mut rig, &first, 11, "");
    let sent = rig.sent();
    assert_eq!(starts(&sent), ["200 PRACK", "183 INVITE"]);
    assert_eq!(sent[1].rseq(), first.rseq().map(|it| it + 1));
}

#[test]
fn the_200_waits_for_the_prack_of_an_answer_and_does_not_repeat_it() {
    let mut rig = called(Reliable::Supported, "Supported: 100rel\r\n", FAR_SDP).unwrap();
    rig.does(|leg, turn| leg.ring(Some(menu()), turn));
    let progress = rig.one();
    assert_eq!(header(&progress, Name::Require), "100rel");
    assert!(!progress.body().is_empty());
    rig.does(|leg, turn| leg.answer(menu(), turn));
    assert!(rig.sent().is_empty());
    prack(&mut rig, &progress, 11, "");
    let sent = rig.sent();
    assert_eq!(starts(&sent), ["200 PRACK", "200 INVITE"]);
    assert!(sent[1].body().is_empty());
    let told = rig.told();
    assert!(matches!(told[..], [Event::Media { .. }, Event::Answered { .. }]), "{told:?}");
}

#[test]
fn a_plain_180_does_not_hold_up_the_200_and_its_prack_may_come_late() {
    let mut rig = called(Reliable::Supported, REQUIRED, FAR_SDP).unwrap();
    rig.does(|leg, turn| leg.ring(None, turn));
    let ringing = rig.one();
    rig.does(|leg, turn| leg.answer(menu(), turn));
    assert_eq!(rig.starts(), ["200 INVITE"]);
    rig.asks("ACK", 10, "", "", "");
    prack(&mut rig, &ringing, 11, "");
    assert_eq!(rig.starts(), ["200 PRACK"]);
}

#[test]
fn an_offerless_invite_that_requires_100rel_gets_our_offer_in_the_180() {
    let mut rig = called(Reliable::Supported, REQUIRED, "").unwrap();
    rig.does(|leg, turn| leg.ring(None, turn));
    let ringing = rig.one();
    assert!(!ringing.body().is_empty());
    prack(&mut rig, &ringing, 11, FAR_SDP);
    assert_eq!(rig.starts(), ["200 PRACK"]);
    assert!(matches!(rig.told()[..], [Event::Media { .. }]));
    rig.does(|leg, turn| leg.answer(menu(), turn));
    assert!(rig.one().body().is_empty());
    assert!(matches!(rig.told()[..], [Event::Answered { .. }]));
}

#[test]
fn a_prack_without_the_answer_to_our_offer_ends_the_invite() {
    let mut rig = called(Reliable::Supported, REQUIRED, "").unwrap();
    rig.does(|leg, turn| leg.ring(None, turn));
    let ringing = rig.one();
    prack(&mut rig, &ringing, 11, "");
    assert_eq!(rig.starts(), ["200 PRACK", "488 INVITE"]);
    assert!(matches!(rig.told()[..], [Event::HungUp { why: Why::NoMedia, .. }, Event::Over]));
}

#[test]
fn update_before_the_answer_waits_for_a_settled_session() {
    let mut rig = called(Reliable::Supported, REQUIRED, FAR_SDP).unwrap();
    rig.asks("UPDATE", 11, FAR_CONTACT, "application/sdp", FAR_SDP);
    assert_eq!(rig.one().status(), 500);
    rig.does(|leg, turn| leg.ring(Some(menu()), turn));
    let progress = rig.one();
    prack(&mut rig, &progress, 12, "");
    rig.sent();
    rig.told();
    rig.asks("UPDATE", 13, FAR_CONTACT, "application/sdp", &FAR_SDP.replace("7000", "7700"));
    let ok = rig.one();
    assert_eq!((ok.status(), ok.body().is_empty()), (200, false));
    assert!(
        matches!(&rig.told()[..], [Event::Media { media }] if media.rtp.unwrap().port() == 7700)
    );
    rig.does(|leg, turn| leg.answer(menu(), turn));
    assert!(matches!(&rig.told()[..],
        [Event::Answered { media }] if media.rtp.unwrap().port() == 7700));
}

#[test]
fn their_reliable_responses_are_acknowledged_once_in_order_per_fork() {
    let mut rig = Rig::calls(Invite { policy: policy(Reliable::Supported), ..plain_invite() });
    let invite = rig.one();
    assert!(invite.supports("100rel") && !invite.requires("100rel"));
    let with =
        |rseq: u32, at: &str| format!("Contact: <sip:{at}>\r\nRequire: 100rel\r\nRSeq: {rseq}\r\n");
    rig.answers(&invite, 180, "b1", &with(100, "one@10.0.0.1"), "");
    let prack = rig.one();
    assert_eq!(header(&prack, Name::RAck), "100 1 INVITE");
    assert_eq!((prack.request_uri(), prack.to_tag()), (&b"sip:one@10.0.0.1"[..], &b"b1"[..]));
    assert_eq!(prack.cseq(), 2);
    rig.answers(&prack, 200, "", "", "");
    // Again, out of order, and without a need for it.
    rig.answers(&invite, 180, "b1", &with(100, "one@10.0.0.1"), "");
    rig.answers(&invite, 183, "b1", &with(102, "one@10.0.0.1"), FAR_SDP);
    rig.answers(&invite, 100, "b1", &with(101, "one@10.0.0.1"), "");
    assert!(rig.sent().is_empty());
    assert_eq!(rig.told().len(), 1);
    // Another fork has numbers of its own.
    rig.answers(&invite, 180, "b2", &with(7, "two@10.0.0.2"), "");
    let prack = rig.one();
    assert_eq!(header(&prack, Name::RAck), "7 1 INVITE");
    assert_eq!((prack.request_uri(), prack.cseq()), (&b"sip:two@10.0.0.2"[..], 2));
}

#[test]
fn a_required_100rel_is_required() {
    let mut rig = Rig::calls(Invite { policy: policy(Reliable::Required), ..plain_invite() });
    assert!(rig.one().requires("100rel"));
    let mut rig = Rig::calls(Invite { policy: policy(Reliable::Off), ..plain_invite() });
    assert!(!rig.one().supports("100rel"));
}

#[test]
fn an_update_of_an_early_dialog_moves_its_media() {
    let mut rig = Rig::calls(plain_invite());
    let invite = rig.one();
    rig.asks_back(&invite, "b", "UPDATE", 1, FAR_SDP);
    assert_eq!(rig.starts(), ["481 UPDATE"]);
    let lines = format!("{FAR_CONTACT}Require: 100rel\r\nRSeq: 1\r\n");
    rig.answers(&invite, 183, "b", &lines, FAR_SDP);
    rig.sent();
    rig.told();
    rig.asks_back(&invite, "b", "UPDATE", 2, &FAR_SDP.replace("7000", "7900"));
    assert_eq!(rig.one().status(), 200);
    assert!(
        matches!(&rig.told()[..], [Event::Media { media }] if media.rtp.unwrap().port() == 7900)
    );
    rig.answers(&invite, 200, "b", FAR_CONTACT, FAR_SDP);
    assert!(matches!(&rig.told()[..],
        [Event::Answered { media }] if media.rtp.unwrap().port() == 7900));
}

#[test]
fn an_offer_in_a_reliable_183_is_answered_in_its_prack() {
    let mut rig = Rig::calls(Invite { offerless: true, ..plain_invite() });
    let invite = rig.one();
    let lines = format!("{FAR_CONTACT}Require: 100rel\r\nRSeq: 1\r\n");
    rig.answers(&invite, 183, "b", &lines, FAR_SDP);
    let prack = rig.one();
    assert_eq!(prack.content_type().as_deref(), Some("application/sdp"));
    rig.answers(&invite, 200, "b", FAR_CONTACT, "");
    assert!(rig.one().body().is_empty());
    assert!(matches!(rig.told().last(), Some(Event::Answered { .. })));
}
