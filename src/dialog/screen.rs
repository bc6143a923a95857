//! What a request must pass before anybody looks at what it wants, in the order of RFC 3261
//! section 8.2: method, scheme, hops, extensions, content. Who sent it was settled before.

use super::answers::Answer;
use crate::sip::{Message, Method, Name, Scheme};

/// A body longer than this is refused with 413.
pub const MAX_BODY: usize = 16 * 1024;
/// A message longer than this is refused with 513.
pub const MAX_MESSAGE: usize = 32 * 1024;

/// The extensions we can be required to know.
const KNOWN: [&str; 3] = ["timer", "100rel", "replaces"];

/// Checks a fresh request outside of any dialog. CANCEL and ACK never come here (they are answered
/// by the transaction table, or not at all); REGISTER passes, being the registrar's.
pub fn screen(request: &Message) -> Result<(), Answer> {
    method(request)?;
    match request.uri().map(|it| it.scheme()) {
        Ok(Scheme::Sip | Scheme::Sips | Scheme::Tel) => (),
        Ok(_) => return Err(Answer::unsupported_scheme()),
        Err(_) => return Err(Answer::bad_request("Request-URI")),
    }
    if request.max_forwards() == Some(0) && *request.method() != Method::Options {
        return Err(Answer::too_many_hops());
    }
    extensions(request)?;
    if MAX_MESSAGE < request.bytes().len() {
        return Err(Answer::too_large(true));
    }
    content(request)
}

/// The same for a request inside a dialog, whose method the dialog judges. It goes no further than
/// to us, so it may have used up its hops (RFC 3261 section 16.3 is for who passes it on): a BYE
/// that we refused for them would leave the call standing.
pub(super) fn screen_inside(request: &Message) -> Result<(), Answer> {
    extensions(request)?;
    content(request)
}

fn method(request: &Message) -> Result<(), Answer> {
    match request.method() {
        Method::Invite | Method::Options | Method::Register | Method::Ack | Method::Cancel => {
            Ok(())
        }
        // These make sense only in a dialog, and this is none.
        Method::Bye | Method::Prack | Method::Update | Method::Info => {
            Err(Answer::no_such_dialog())
        }
        Method::Subscribe | Method::Notify if request.header(Name::Event).is_some() => {
            Err(Answer::bad_event())
        }
        Method::Subscribe | Method::Notify | Method::Refer | Method::Message | Method::Publish => {
            Err(Answer::method_not_allowed())
        }
        Method::Other(_) => Err(Answer::not_implemented()),
    }
}

fn extensions(request: &Message) -> Result<(), Answer> {
    let mut unsupported = Vec::new();
    for tag in request.headers(Name::Require) {
        if !KNOWN.iter().any(|it| it.as_bytes().eq_ignore_ascii_case(&tag)) {
            if !unsupported.is_empty() {
                unsupported.extend_from_slice(b", ");
            }
            unsupported.extend_from_slice(&tag);
        }
    }
    if unsupported.is_empty() { Ok(()) } else { Err(Answer::bad_extension(unsupported)) }
}

fn content(request: &Message) -> Result<(), Answer> {
    let length = request.body().len();
    if MAX_BODY < length {
        return Err(Answer::too_large(false));
    }
    if length == 0 {
        return Ok(());
    }
    let invite = matches!(request.method(), Method::Invite);
    let encoded = request
        .header(Name::ContentEncoding)
        .is_some_and(|it| !it.is_empty() && !it.eq_ignore_ascii_case(b"identity"));
    if encoded || (invite && !super::body::holds_sdp(request)) {
        return Err(Answer::unsupported_media(invite));
    }
    Ok(())
}
