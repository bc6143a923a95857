//! Calls we place that somebody on the way forks: who answers first, who answers too.

use super::rig::*;
use crate::dialog::{Cause, Event};

#[test]
fn a_fork_that_only_rang_before_another_answered_is_hung_up_when_it_answers_late() {
    let mut rig = Rig::calls(plain_invite());
    let invite = rig.one();
    rig.answers(&invite, 180, "b1", "Contact: <sip:one@10.0.0.1>\r\n", "");
    rig.answers(&invite, 200, "b2", FAR_CONTACT, FAR_SDP);
    rig.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
    let bye = rig.sent().pop().unwrap();
    rig.answers(&bye, 200, "", "", "");
    assert!(!rig.is_over(), "the other may still answer");
    rig.answers(&invite, 200, "b1", "Contact: <sip:one@10.0.0.1>\r\n", FAR_SDP);
    let sent = rig.sent();
    assert_eq!(starts(&sent), ["ACK", "BYE"]);
    assert_eq!(sent[1].request_uri(), b"sip:one@10.0.0.1");
    rig.answers(&sent[1], 200, "", "", "");
    rig.waits(seconds(33));
    assert!(rig.is_over());
}

/// Each would cost us an ACK and a BYE that is resent.
#[test]
fn a_far_end_that_answers_under_more_and_more_tags_is_not_followed_for_ever() {
    let mut rig = Rig::calls(plain_invite());
    let invite = rig.one();
    rig.answers(&invite, 200, "b", FAR_CONTACT, FAR_SDP);
    rig.sent();
    for n in 0..100 {
        rig.answers(&invite, 200, &format!("other{n}"), FAR_CONTACT, FAR_SDP);
    }
    let byes = rig.starts().iter().filter(|it| *it == "BYE").count();
    assert_eq!(byes, 15, "sixteen tags in all");
}

#[test]
fn the_second_fork_to_answer_is_acknowledged_and_hung_up() {
    let mut rig = Rig::calls(plain_invite());
    let invite = rig.one();
    rig.answers(&invite, 180, "b1", "Contact: <sip:one@10.0.0.1>\r\n", "");
    rig.answers(&invite, 180, "b2", "Contact: <sip:two@10.0.0.2>\r\n", "");
    rig.answers(&invite, 200, "b1", "Contact: <sip:one@10.0.0.1>\r\n", FAR_SDP);
    assert_eq!(rig.one().request_uri(), b"sip:one@10.0.0.1");
    rig.told();
    rig.answers(&invite, 200, "b2", "Contact: <sip:two@10.0.0.2>\r\n", FAR_SDP);
    let sent = rig.sent();
    assert_eq!(starts(&sent), ["ACK", "BYE"]);
    assert_eq!(sent[1].request_uri(), b"sip:two@10.0.0.2");
    assert_eq!(sent[1].to_tag(), b"b2");
    rig.answers(&sent[1], 200, "", "", "");
    assert!(rig.told().is_empty());
    rig.does(|leg, turn| leg.release(&Cause::new(0, ""), turn));
    let bye = rig.one();
    assert_eq!(bye.to_tag(), b"b1");
    rig.answers(&bye, 200, "", "", "");
    // The other branches had 64*T1 to answer, too.
    rig.waits(seconds(33));
    assert_eq!(rig.told(), [Event::Over]);
}

#[test]
fn the_bye_to_a_losing_fork_counts_on_from_its_pracks() {
    let mut rig = Rig::calls(plain_invite());
    let invite = rig.one();
    let reliable = format!("{FAR_CONTACT}Require: 100rel\r\nRSeq: 5\r\n");
    rig.answers(&invite, 183, "b1", &reliable, FAR_SDP);
    rig.answers(&invite, 183, "b2", &reliable, FAR_SDP);
    assert_eq!(rig.starts(), ["PRACK", "PRACK"]);
    rig.answers(&invite, 200, "b1", FAR_CONTACT, "");
    rig.answers(&invite, 200, "b2", FAR_CONTACT, "");
    let sent = rig.sent();
    assert_eq!(starts(&sent), ["ACK", "ACK", "BYE"]);
    assert_eq!(sent[2].cseq(), invite.cseq() + 2);
}
