//! Offers and answers of arbitrary octets into one session. Texts are separated by a zero octet.

use crosspoint::sdp::{CodecList, Direction, Session, parse};

/// Reads octets as descriptions, offers and answers.
pub fn sdp(data: &[u8]) {
    let mut session = Session::new(7, ([198, 51, 100, 7], 20_000).into());
    for (n, text) in data.split(|it| *it == 0).take(8).enumerate() {
        let Ok(theirs) = parse(text) else { continue };
        let menu = match n % 3 {
            0 => CodecList::g711(),
            1 => CodecList::from_offer(&theirs),
            _ => CodecList::from_offer(&theirs).g711_first(),
        };
        match n % 4 {
            2 => {
                let ours = session.offer(&menu);
                check_own(&ours);
                let _ = session.accept_answer(text);
            }
            3 => {
                check_own(&session.offer_again(Direction::SendOnly));
                session.withdraw();
            }
            _ => answer(&mut session, text, &menu),
        }
    }
}

/// An answer fits its offer, and the same offer again gets the same answer.
fn answer(session: &mut Session, offer: &[u8], menu: &CodecList) {
    let before = session.local().cloned();
    let Ok((text, negotiated)) = session.answer(offer, menu) else {
        assert_eq!(session.local(), before.as_ref());
        return;
    };
    check_own(&text);
    let (ours, theirs) = (parse(&text).unwrap(), parse(offer).unwrap());
    assert_eq!(ours.media.len(), theirs.media.len());
    for (ours, theirs) in ours.media.iter().zip(&theirs.media) {
        assert!(ours.port == 0 || theirs.port != 0);
    }
    assert!(negotiated.rtp.is_none_or(|it| it.port() != 0 && !it.ip().is_unspecified()));
    assert_eq!(session.answer(offer, menu).unwrap().0, text);
}

/// What we write we can read, with at most one live stream and no payload type twice.
fn check_own(text: &[u8]) {
    let ours = parse(text).unwrap();
    assert!(ours.media.iter().filter(|it| it.port != 0).count() <= 1);
    for media in ours.media.iter().filter(|it| it.port != 0) {
        let mut numbers: Vec<u8> = media.payloads().map(|it| it.payload_type).collect();
        assert_eq!(numbers.len(), media.formats.len());
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), media.formats.len());
    }
}
