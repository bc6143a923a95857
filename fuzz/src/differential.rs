//! Ours against rsip's reader: where both accept, method, place, Call-ID and CSeq agree, except
//! where rsip 0.4.0 is known to be wrong. And there and back through rsip's types nothing changes.

use bytes::Bytes;
use crosspoint::sip::{Message, Scheme, Uri, parse};
use rsip::headers::{ToTypedHeader as _, UntypedHeader as _};
use rsip::message::HeadersExt;

/// Reads octets with both.
pub fn differential(data: &[u8]) {
    let Ok(ours) = parse(Bytes::copy_from_slice(data)) else { return };
    comes_back(&ours);
    match rsip::SipMessage::try_from(data) {
        Ok(rsip::SipMessage::Request(theirs)) => {
            assert!(ours.is_request());
            // rsip takes `invite` for INVITE; methods are case-sensitive (RFC 3261 section 7.1).
            let method = theirs.method.to_string();
            assert!(method.as_bytes().eq_ignore_ascii_case(ours.method().as_bytes()));
            if let Ok(uri) = ours.uri()
                && !rsip_misreads(&uri)
            {
                same_place(&uri, &theirs.uri);
            }
            same_headers(&ours, &theirs);
        }
        Ok(rsip::SipMessage::Response(theirs)) => {
            assert!(!ours.is_request());
            assert_eq!(theirs.status_code.code(), ours.status());
            same_headers(&ours, &theirs);
        }
        Err(_) => {}
    }
}

/// URIs that rsip accepts and reads wrongly.
fn rsip_misreads(uri: &Uri) -> bool {
    // A user part ends at the first dot for it, and the rest becomes the host.
    let dotted = uri.user().is_some_and(|user| user.contains(&b'.'))
        || uri.as_bytes().split(|octet| *octet == b'@').next().is_some_and(|it| it.contains(&b'.'));
    // URI headers become part of the host.
    let headers = uri.as_bytes().contains(&b'?');
    // It looks for a scheme's `://` in all that follows.
    let slashes = uri.as_bytes().contains(&b'/');
    // A scheme it does not know becomes a user, what follows the colon a password or a port.
    let scheme = !matches!(uri.scheme(), Scheme::Sip | Scheme::Sips);
    dotted || headers || slashes || scheme
}

fn same_place(ours: &Uri, theirs: &rsip::Uri) {
    let user = theirs.auth.as_ref().map(|auth| auth.user.as_bytes());
    assert_eq!(user, ours.user(), "{theirs:?}");
    match &theirs.host_with_port.host {
        rsip::Host::IpAddr(address) => assert_eq!(Some(*address), ours.host().ip()),
        name => assert!(name.to_string().eq_ignore_ascii_case(ours.host_text()), "{theirs:?}"),
    }
    assert_eq!(theirs.host_with_port.port.as_ref().map(|it| *it.value()), ours.port());
}

fn same_headers(ours: &Message, theirs: &impl HeadersExt) {
    // A compact name, or one with white space before its colon, is `Other` to rsip: no Call-ID.
    if let Ok(call_id) = theirs.call_id_header() {
        let trimmed = call_id.value().trim_matches([' ', '\t']);
        assert_eq!(trimmed.as_bytes(), ours.call_id());
    }
    // Its CSeq wants exactly one space and a method it knows.
    if let Ok(cseq) = theirs.cseq_header().and_then(|cseq| cseq.typed()) {
        assert_eq!(cseq.seq, ours.cseq());
        let method = cseq.method.to_string();
        assert!(method.as_bytes().eq_ignore_ascii_case(ours.method().as_bytes()));
    }
}

/// Into rsip's types and back. What they cannot hold is refused on the way there, never lost.
fn comes_back(message: &Message) {
    let Ok(theirs) = rsip::SipMessage::try_from(message) else { return };
    let back = Message::try_from(&theirs).expect("what we made of ours can be read back");
    assert_eq!(back.method(), message.method());
    assert_eq!(back.status(), message.status());
    assert_eq!(back.body(), message.body());
    assert_eq!(back.call_id(), message.call_id());
    assert_eq!(back.cseq(), message.cseq());
    assert_eq!(back.from_tag(), message.from_tag());
    assert_eq!(back.to_tag(), message.to_tag());
    assert_eq!(back.branch(), message.branch());
    if message.is_request() {
        let (theirs, ours) = (back.uri().expect("a place"), message.uri().expect("a place"));
        assert_eq!((theirs.user(), theirs.port()), (ours.user(), ours.port()));
        assert_eq!(theirs.host(), ours.host());
        assert_eq!(theirs.params().count(), ours.params().count());
    }
}
