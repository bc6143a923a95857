//! Hold in all its forms (RFC 3264 sections 6.1 and 8.4, RFC 6337 sections 5.3 and 5.4).

use super::super::Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
use super::super::*;
use super::{answer, carrier, lines, sdp, session, version};

fn direction(text: &[u8]) -> Direction {
    let description = parse(text).unwrap();
    description.direction_of(&description.media[0])
}

#[test]
fn every_offered_direction_has_its_answer() {
    for (offered, wanted, answered, send, receive, held) in [
        (SendRecv, SendRecv, SendRecv, true, true, false),
        (SendOnly, SendRecv, RecvOnly, false, true, true),
        (RecvOnly, SendRecv, SendOnly, true, false, false),
        (Inactive, SendRecv, Inactive, false, false, true),
        (SendRecv, SendOnly, SendOnly, true, false, false),
        (SendOnly, SendOnly, Inactive, false, false, true),
        (RecvOnly, SendOnly, SendOnly, true, false, false),
        (Inactive, SendOnly, Inactive, false, false, true),
        (SendRecv, RecvOnly, RecvOnly, false, true, false),
        (SendOnly, RecvOnly, RecvOnly, false, true, false),
        (RecvOnly, RecvOnly, Inactive, false, false, false),
        (SendRecv, Inactive, Inactive, false, false, false),
        (SendOnly, Inactive, Inactive, false, false, false),
        (RecvOnly, Inactive, Inactive, false, false, false),
        (Inactive, Inactive, Inactive, false, false, false),
    ] {
        let mut session = session();
        session.want(wanted);
        let line = format!("a={}", offered.as_str());
        let (text, negotiated) = session.answer(&carrier(&[&line]), &CodecList::g711()).unwrap();
        let case = format!("{offered:?} while we want {wanted:?}");
        assert_eq!(direction(&text), answered, "{case}");
        let told = (negotiated.send, negotiated.receive, negotiated.held);
        assert_eq!(told, (send, receive, held), "{case}");
        assert!(negotiated.rtp.is_some(), "{case}");
    }
}

#[test]
fn a_direction_for_the_whole_session_counts_as_well() {
    let offer = b"v=0\nc=IN IP4 192.0.2.1\na=sendonly\nm=audio 4000 RTP/AVP 0\n";
    let (text, negotiated) = answer(&mut session(), offer);
    assert_eq!(lines(&text, "a=recvonly").len(), 1);
    assert!(negotiated.held);
}

#[test]
fn the_old_hold_by_address_sends_nothing_and_answers_by_the_attribute() {
    for (connection, line, answered, receive) in [
        ("c=IN IP4 0.0.0.0", "a=x", "a=sendrecv", true),
        ("c=IN IP4 0.0.0.0", "a=sendonly", "a=recvonly", true),
        ("c=IN IP4 0.0.0.0", "a=inactive", "a=inactive", false),
        ("c=IN IP6 ::", "a=x", "a=sendrecv", true),
    ] {
        let mut session = session();
        answer(&mut session, &carrier(&[]));
        let (text, negotiated) = answer(&mut session, &carrier(&[connection, line]));
        assert_eq!(lines(&text, answered), [answered], "{connection} {line}");
        // Our own address stays in the answer.
        assert_eq!(lines(&text, "c="), ["c=IN IP4 198.51.100.7"]);
        assert_eq!((negotiated.rtp, negotiated.rtcp), (None, None));
        assert!(negotiated.held && !negotiated.send);
        assert_eq!(negotiated.receive, receive);
    }
}

#[test]
fn audio_switched_off_is_a_hold_and_comes_back() {
    let mut session = session();
    answer(&mut session, &carrier(&[]));
    let (text, off) = answer(&mut session, &sdp(&["m=audio 0 RTP/AVP 0 8"]));
    assert_eq!(lines(&text, "m="), ["m=audio 0 RTP/AVP 0"]);
    assert_eq!((off.rtp, off.send, off.receive, off.held), (None, false, false, true));
    assert_eq!(&*off.codec.name, "pcmu");
    let (text, on) = answer(&mut session, &carrier(&[]));
    assert_eq!(lines(&text, "m="), ["m=audio 20000 RTP/AVP 0 101"]);
    assert!(on.send && on.receive && !on.held && on.rtp.is_some());
    assert_eq!(version(text.as_bytes()), 3);
}

#[test]
fn audio_switched_off_by_them_is_offered_again_by_us() {
    let mut session = session();
    answer(&mut session, &carrier(&[]));
    answer(&mut session, &sdp(&["m=audio 0 RTP/AVP 0"]));
    let text = String::from_utf8(session.offer_again(SendRecv).to_vec()).unwrap();
    assert_eq!(lines(&text, "m="), ["m=audio 20000 RTP/AVP 0 101"]);
}

#[test]
fn hold_and_resume_from_their_side_give_every_version_once() {
    let mut session = session();
    let said: Vec<_> = ["a=sendrecv", "a=sendonly", "a=sendonly", "a=sendrecv", "a=inactive"]
        .iter()
        .map(|line| version(answer(&mut session, &carrier(&[line])).0.as_bytes()))
        .collect();
    assert_eq!(said, [1, 2, 2, 3, 4]);
}

#[test]
fn our_hold_is_offered_and_resumed() {
    for (hold, answered, receive) in
        [(SendOnly, "a=recvonly", false), (Inactive, "a=inactive", false)]
    {
        let mut session = session();
        let (before, _) = answer(&mut session, &carrier(&[]));
        let offer = session.offer_again(hold);
        assert_eq!(direction(&offer), hold);
        assert_eq!(version(&offer), version(before.as_bytes()) + 1);
        let held = session.accept_answer(&carrier(&[answered])).unwrap();
        assert_eq!((held.send, held.receive), (hold.sends(), receive));
        assert!(!held.held, "it is we who hold");
        let offer = session.offer_again(SendRecv);
        assert_eq!((direction(&offer), version(&offer)), (SendRecv, 3));
        let resumed = session.accept_answer(&carrier(&[])).unwrap();
        assert!(resumed.send && resumed.receive && !resumed.held);
    }
}

#[test]
fn a_peer_that_answers_our_hold_with_sendrecv_is_held_all_the_same() {
    let mut session = session();
    answer(&mut session, &carrier(&[]));
    session.offer_again(SendOnly);
    let held = session.accept_answer(&carrier(&["a=sendrecv"])).unwrap();
    assert_eq!((held.send, held.receive, held.held), (true, false, false));
    session.offer_again(Inactive);
    let held = session.accept_answer(&carrier(&["a=sendrecv"])).unwrap();
    assert_eq!((held.send, held.receive, held.held), (false, false, false));
}

#[test]
fn held_on_both_sides_each_side_resumes_for_itself() {
    let mut session = session();
    answer(&mut session, &carrier(&[]));
    // They hold us, then we hold them: we say what we want, not what they forced us to.
    assert_eq!(direction(answer(&mut session, &carrier(&["a=sendonly"])).0.as_bytes()), RecvOnly);
    assert_eq!(direction(&session.offer_again(SendOnly)), SendOnly);
    let both = session.accept_answer(&carrier(&["a=inactive"])).unwrap();
    assert!(both.held && !both.send && !both.receive);
    // They resume; our hold stands.
    let (text, negotiated) = answer(&mut session, &carrier(&["a=sendrecv"]));
    assert_eq!(direction(text.as_bytes()), SendOnly);
    assert!(!negotiated.held);
    // We resume.
    assert_eq!(direction(&session.offer_again(SendRecv)), SendRecv);
    assert!(session.accept_answer(&carrier(&[])).unwrap().receive);
}

#[test]
fn nobody_is_stuck_on_hold_by_a_refresh() {
    let mut session = session();
    answer(&mut session, &carrier(&["a=sendonly"]));
    // RFC 6337 section 5.3: a new offer says what we want, not the recvonly we had to answer.
    let offer = session.offer_again(session.wanted());
    assert_eq!(direction(&offer), SendRecv);
}

#[test]
fn a_hold_they_refuse_is_as_if_never_offered() {
    let mut session = session();
    let (text, negotiated) = answer(&mut session, &carrier(&[]));
    session.offer_again(SendOnly);
    session.withdraw();
    assert_eq!(session.local().unwrap(), text.as_bytes());
    assert_eq!((session.wanted(), session.agreed()), (SendRecv, Some(&negotiated)));
    assert_eq!(answer(&mut session, &carrier(&[])).0, text);
    // Another change does not take the number of the one that was refused.
    assert_eq!(version(&session.offer_again(Inactive)), 3);
}

#[test]
fn a_hold_refused_while_they_hold_us_leaves_our_wish_alone() {
    let mut session = session();
    answer(&mut session, &carrier(&["a=sendonly"]));
    session.offer_again(SendOnly);
    session.withdraw();
    assert_eq!(session.wanted(), SendRecv);
}
