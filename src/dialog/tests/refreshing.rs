//! Session timers (RFC 4028), both roles.

use super::rig::*;
use crate::dialog::{Event, Interval, Invite, Invited, Policy, Why};
use crate::sip::{Message, Name};

fn timed(wanted: u32) -> Policy {
    Policy { timer: Some(Interval { wanted, least: 90 }), ..Policy::default() }
}

fn called(lines: &str, wanted: u32) -> Result<Rig, u16> {
    let invited = Invited { policy: timed(wanted), ..plain_invited() };
    let text = far_invite(&format!("Allow: INVITE, UPDATE\r\n{lines}"), FAR_SDP);
    Rig::is_called(&text, invited).map_err(|it| it.status)
}

/// Answers, and gives the Session-Expires and Require of the 200.
fn terms(lines: &str) -> (String, String) {
    let mut rig = called(lines, 1800).unwrap();
    rig.sent();
    rig.does(|leg, turn| leg.answer(menu(), turn));
    let ok = rig.one();
    (header(&ok, Name::SessionExpires), header(&ok, Name::Require))
}

fn placed(lines: &str) -> (Rig, Message) {
    let mut rig = Rig::calls(Invite { policy: timed(1800), ..plain_invite() });
    let invite = rig.one();
    rig.answers(&invite, 200, "b", &format!("{FAR_CONTACT}{lines}"), FAR_SDP);
    rig.sent();
    rig.told();
    (rig, invite)
}

#[test]
fn the_callee_sets_terms_by_table_2() {
    let se = |it: &str| format!("Supported: timer\r\nSession-Expires: {it}\r\n");
    let is = |se: &str, require: &str| (se.to_owned(), require.to_owned());
    assert_eq!(terms(&se("600")), is("600;refresher=uac", "timer"));
    assert_eq!(terms(&se("600;refresher=uas")), is("600;refresher=uas", "timer"));
    assert_eq!(terms(&se("600;refresher=uac")), is("600;refresher=uac", "timer"));
    assert_eq!(terms(&se("7200")), is("1800;refresher=uac", "timer"));
    assert_eq!(terms("Session-Expires: 600\r\n"), is("600;refresher=uas", ""));
    assert_eq!(terms("Supported: timer\r\n"), is("1800;refresher=uas", "timer"));
    let high = format!("{}Min-SE: 3000\r\n", se("3600"));
    assert_eq!(terms(&high), is("3000;refresher=uac", "timer"));
    assert_eq!(terms(""), is("", ""));
}

#[test]
fn too_short_an_interval_is_422_with_the_shortest_we_take() {
    let lines = "Supported: timer\r\nSession-Expires: 60\r\n";
    assert_eq!(called(lines, 1800).err(), Some(422));
    let mut rig = called("", 1800).unwrap();
    rig.does(|leg, turn| leg.answer(menu(), turn));
    rig.asks("ACK", 10, "", "", "");
    rig.sent();
    rig.asks("UPDATE", 11, &format!("{FAR_CONTACT}{lines}"), "", "");
    let refusal = rig.one();
    assert_eq!((refusal.status(), refusal.min_se()), (422, Some(90)));
}

#[test]
fn without_timers_they_are_not_mentioned_and_not_to_be_required() {
    let lines = "Supported: timer\r\nSession-Expires: 600\r\n";
    let text = far_invite(lines, FAR_SDP);
    let mut rig = Rig::is_called(&text, plain_invited()).ok().unwrap();
    rig.sent();
    rig.does(|leg, turn| leg.answer(menu(), turn));
    assert_eq!(header(&rig.one(), Name::SessionExpires), "");
    let text = far_invite("Require: timer\r\n", FAR_SDP);
    assert_eq!(Rig::is_called(&text, plain_invited()).err().map(|it| it.status), Some(420));
}

#[test]
fn a_422_raises_the_interval_and_the_invite_is_sent_again() {
    let mut rig = Rig::calls(Invite { policy: timed(120), ..plain_invite() });
    let invite = rig.one();
    assert_eq!(header(&invite, Name::SessionExpires), "120");
    rig.answers(&invite, 422, "b", "Min-SE: 900\r\n", "");
    let again = rig.sent().remove(1);
    assert_eq!(header(&again, Name::SessionExpires), "900");
    assert_eq!(header(&again, Name::MinSE), "900");
    assert_eq!((again.call_id(), again.cseq()), (invite.call_id(), invite.cseq() + 1));
    // The same again is no reason to try again.
    rig.answers(&again, 422, "b", "Min-SE: 900\r\n", "");
    assert!(matches!(rig.told()[..], [Event::Refused { status: 422, .. }, Event::Over]));
}

#[test]
fn the_refresher_refreshes_at_half_by_update_and_goes_on() {
    let lines = "Allow: INVITE, UPDATE\r\nSession-Expires: 600;refresher=uac\r\n";
    let (mut rig, _) = placed(lines);
    for _ in 0..3 {
        rig.waits(seconds(299));
        assert!(rig.sent().is_empty());
        rig.waits(seconds(1));
        let update = rig.one();
        assert_eq!(update.method().to_string(), "UPDATE");
        assert_eq!(header(&update, Name::SessionExpires), "600;refresher=uac");
        assert!(update.body().is_empty());
        rig.answers(&update, 200, "", &format!("{FAR_CONTACT}{lines}"), "");
    }
    assert!(rig.told().is_empty());
}

#[test]
fn without_update_the_refresh_is_a_reinvite_with_the_same_sdp() {
    let lines = "Allow: INVITE, BYE\r\nSession-Expires: 600;refresher=uac\r\n";
    let (mut rig, invite) = placed(lines);
    rig.waits(seconds(300));
    let reinvite = rig.one();
    assert_eq!(reinvite.method().to_string(), "INVITE");
    assert_eq!(reinvite.body(), invite.body());
    rig.answers(&reinvite, 200, "", &format!("{FAR_CONTACT}{lines}"), FAR_SDP);
    assert_eq!(rig.starts(), ["ACK"]);
    assert!(rig.told().is_empty());
    // The BYE has a number of its own.
    rig.does(|leg, turn| leg.release(&crate::dialog::Cause::new(0, ""), turn));
    assert_eq!(rig.one().cseq(), reinvite.cseq() + 1);
}

#[test]
fn an_update_refused_as_unknown_is_tried_as_a_reinvite() {
    let lines = "Allow: INVITE, UPDATE\r\nSession-Expires: 600;refresher=uac\r\n";
    let (mut rig, _) = placed(lines);
    rig.waits(seconds(300));
    let update = rig.one();
    rig.answers(&update, 405, "", "Allow: INVITE\r\n", "");
    assert_eq!(rig.starts(), ["INVITE"]);
}

#[test]
fn a_refresh_refused_with_422_is_sent_again_with_more() {
    let lines = "Allow: INVITE, UPDATE\r\nSession-Expires: 600;refresher=uac\r\n";
    let (mut rig, _) = placed(lines);
    rig.waits(seconds(300));
    let update = rig.one();
    rig.answers(&update, 422, "", "Min-SE: 4000\r\n", "");
    let again = rig.one();
    assert_eq!(header(&again, Name::SessionExpires), "4000;refresher=uac");
    assert_eq!(header(&again, Name::MinSE), "4000");
}

#[test]
fn a_far_end_that_never_refreshes_is_hung_up_before_the_end() {
    let mut rig =
        called("Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n", 1800).unwrap();
    rig.does(|leg, turn| leg.answer(menu(), turn));
    rig.asks("ACK", 10, "", "", "");
    rig.sent();
    rig.told();
    rig.waits(seconds(59));
    assert!(rig.sent().is_empty());
    rig.waits(seconds(1));
    let bye = rig.one();
    assert_eq!(header(&bye, Name::Reason), "SIP;cause=408;text=\"Session timer expired\"");
    assert!(matches!(rig.told()[..], [Event::HungUp { why: Why::SessionExpired, .. }]));
}

#[test]
fn their_refresh_starts_the_timer_anew() {
    let refresh = "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n";
    let mut rig = called(refresh, 1800).unwrap();
    rig.does(|leg, turn| leg.answer(menu(), turn));
    rig.asks("ACK", 10, "", "", "");
    rig.told();
    for n in 0..4 {
        rig.waits(seconds(50));
        rig.sent();
        rig.asks("UPDATE", 11 + n, &format!("{FAR_CONTACT}{refresh}"), "", "");
        assert_eq!(header(&rig.one(), Name::SessionExpires), "90;refresher=uac");
    }
    assert!(rig.told().is_empty());
}

#[test]
fn a_refresh_nobody_answers_ends_the_call() {
    let lines = "Allow: UPDATE\r\nSession-Expires: 200;refresher=uac\r\n";
    let (mut rig, _) = placed(lines);
    rig.waits(seconds(100));
    rig.sent();
    rig.waits(seconds(33));
    assert_eq!(rig.starts().last().map(String::as_str), Some("BYE"));
    let told = rig.told();
    assert!(matches!(told[..], [Event::HungUp { why: Why::Gone, status: 408, .. }]), "{told:?}");
}

#[test]
fn a_refresh_refused_for_a_while_is_tried_again_and_the_end_still_comes() {
    let lines = "Allow: UPDATE\r\nSession-Expires: 90;refresher=uac\r\n";
    let (mut rig, _) = placed(lines);
    rig.waits(seconds(45));
    let update = rig.one();
    rig.answers(&update, 503, "", "", "");
    rig.waits(seconds(15) / 2);
    let again = rig.one();
    assert_eq!(again.method().to_string(), "UPDATE");
    rig.answers(&again, 503, "", "", "");
    rig.waits(seconds(15) / 2);
    assert!(rig.starts().contains(&"BYE".to_owned()));
    assert!(matches!(rig.told()[..], [Event::HungUp { why: Why::SessionExpired, .. }]));
}
