//! Who calls whom, as an INVITE says it (RFC 3261, RFC 3323, RFC 3325).

use crate::model::{Caller, Trunk};
use crate::sip::{Message, Name, NameAddr, Uri};

/// Header lines that rules get to see, of all that they ask about.
const HEADERS_MAX: usize = 32;
/// Bytes of each of them; rules do not see what is beyond.
const HEADER_BYTES_MAX: usize = 512;
/// How the words begin for a number that is not the caller's.
const FAILED: &[u8] = b"TN-Validation-Failed";

/// The number that was dialled: E.164 where it is a number, else the user part as it stands.
pub fn dialled(request: &Message, trunk: Option<&Trunk>) -> String {
    request.uri().map(|it| number_of(&it, trunk)).unwrap_or_default()
}

/// The same of any URI.
pub fn number_of(uri: &Uri, trunk: Option<&Trunk>) -> String {
    let user = uri.user_unescaped().map(|it| String::from_utf8_lossy(&it).into_owned());
    let written = uri.number().or(user).unwrap_or_default();
    trunk.map_or_else(|| written.clone(), |it| it.number_from(&written))
}

/// The caller. A trunk is trusted to assert an identity; a phone is not (RFC 3325 section 4).
pub fn shown(request: &Message, trunk: Option<&Trunk>) -> Caller {
    let asserted = trunk.and_then(|_| {
        let all = request.addresses(Name::PAssertedIdentity).ok()?;
        all.into_iter().next()
    });
    let from = request.from().ok();
    let hidden = request.header(Name::Privacy).is_some_and(|it| {
        it.split(|c| *c == b';').any(|word| {
            ["id", "user", "header"]
                .iter()
                .any(|it| word.trim_ascii().eq_ignore_ascii_case(it.as_bytes()))
        })
    });
    let from_hides = from.as_ref().is_some_and(|it| {
        it.uri.host_text().ends_with(".invalid")
            || it.uri.user().is_some_and(|user| user.eq_ignore_ascii_case(b"anonymous"))
    });
    let best = asserted.or_else(|| from.filter(|_| !from_hides));
    Caller {
        number: best.as_ref().map(|it| number(it, trunk)).unwrap_or_default(),
        verified: best.as_ref().filter(|_| trunk.is_some()).and_then(verified),
        name: best.and_then(|it| it.display),
        private: hidden || from_hides,
    }
}

/// The lines of the headers that some rule asks about: name and value, as many as are read.
pub fn headers<'a>(
    request: &Message,
    wanted: impl IntoIterator<Item = &'a String>,
) -> Vec<(String, String)> {
    let lines = wanted.into_iter().flat_map(|name| request.named(name).map(move |it| (name, it)));
    let read = lines.take(HEADERS_MAX).map(|(name, line)| {
        let line = line.get(..HEADER_BYTES_MAX).unwrap_or(&line);
        (name.clone(), String::from_utf8_lossy(line).trim().to_owned())
    });
    read.collect()
}

/// What the carrier found out about the number it asserts (3GPP TS 24.229 section 7.2A.20): the
/// parameter stands in the user part, after the URI, or after the address. Only a full attestation
/// (A) says that the number is the caller's; B and C say nothing of it.
fn verified(address: &NameAddr) -> Option<bool> {
    const NAME: &str = "verstat";
    let user = address.uri.user_unescaped().unwrap_or_default();
    let in_user = user.split(|c| *c == b';').find_map(|it| {
        let (name, value) = it.split_at_checked(NAME.len())?;
        name.eq_ignore_ascii_case(NAME.as_bytes()).then(|| value.strip_prefix(b"=")).flatten()
    });
    let found = in_user.or(address.uri.param(NAME)).or(address.param(NAME))?;
    let is = |text: &str| found.eq_ignore_ascii_case(text.as_bytes());
    if is("TN-Validation-Passed") || is("TN-Validation-Passed-A") {
        Some(true)
    } else if found.get(..FAILED.len()).is_some_and(|it| it.eq_ignore_ascii_case(FAILED)) {
        Some(false)
    } else {
        None
    }
}

fn number(address: &NameAddr, trunk: Option<&Trunk>) -> String {
    let user = || {
        let user = address.uri.user_unescaped()?;
        Some(String::from_utf8_lossy(&user).into_owned())
    };
    match (address.uri.number(), trunk) {
        (Some(number), Some(trunk)) => trunk.number_from(&number),
        (Some(number), None) => number,
        (None, _) => user().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip;

    fn invite(uri: &str, lines: &str) -> Message {
        let text = format!(
            "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nCall-ID: c\r\n\
             CSeq: 1 INVITE\r\nTo: <sip:x@y>\r\n{lines}\r\n"
        );
        sip::parse(text.into_bytes().into()).unwrap()
    }

    #[test]
    fn a_number_is_known_in_every_form_it_is_dialled_in() {
        let trunk = Trunk::new("t");
        for uri in ["sip:15550100001@h", "sip:+15550100001@h;user=phone", "tel:+1-555-010-0001"] {
            let request = invite(uri, "From: <sip:a@b>;tag=1\r\n");
            assert_eq!(dialled(&request, Some(&trunk)), "+15550100001", "{uri}");
        }
    }

    #[test]
    fn a_trunk_asserts_who_calls_even_if_it_must_not_be_shown() {
        let request = invite(
            "sip:15550100001@h",
            "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1\r\nPrivacy: id\r\n\
             P-Asserted-Identity: \"Ann\" <sip:+15125550100@b>\r\n",
        );
        let by_trunk = shown(&request, Some(&Trunk::new("t")));
        assert_eq!((by_trunk.number.as_str(), by_trunk.private), ("+15125550100", true));
        let by_phone = shown(&request, None);
        assert_eq!((by_phone.number.as_str(), by_phone.private), ("", true));
    }

    #[test]
    fn a_trunk_tells_whether_the_number_is_the_callers_own_and_a_phone_does_not() {
        let said = |line: &str, trunk: Option<&Trunk>| {
            let line =
                format!("From: <sip:+15125550199@b>;tag=1\r\nP-Asserted-Identity: {line}\r\n");
            let caller = shown(&invite("sip:15550100001@h", &line), trunk);
            (caller.number, caller.verified)
        };
        let trunk = Trunk::new("t");
        for (line, verified) in [
            ("<sip:+15125550100;verstat=TN-Validation-Passed@b;user=phone>", Some(true)),
            ("<sip:+15125550100@b;verstat=TN-Validation-Passed-A;user=phone>", Some(true)),
            ("<sip:+15125550100@b>;verstat=tn-validation-passed", Some(true)),
            ("<tel:+15125550100;verstat=TN-Validation-Passed>", Some(true)),
            ("<sip:+15125550100;verstat=TN-Validation-Failed-C@b>", Some(false)),
            ("<sip:+15125550100@b;verstat=TN-Validation-Failed>", Some(false)),
            ("<sip:+15125550100@b;verstat=TN-Validation-Passed-B>", None),
            ("<sip:+15125550100@b;verstat=No-TN-Validation>", None),
            ("<sip:+15125550100@b;verstat>", None),
            ("<sip:+15125550100@b>", None),
        ] {
            assert_eq!(said(line, Some(&trunk)), ("+15125550100".to_owned(), verified), "{line}");
        }
        let by_phone = "<sip:+15125550100@b;verstat=TN-Validation-Passed>";
        assert_eq!(said(by_phone, None), ("+15125550199".to_owned(), None));
    }

    #[test]
    fn rules_see_the_headers_that_they_ask_about_and_not_too_much() {
        let long = "x".repeat(HEADER_BYTES_MAX + 1);
        let many: String = (0..40).map(|n| format!("X-Many: {n}\r\n")).collect();
        let request = invite(
            "sip:1@h",
            &format!(
                "From: <sip:a@b>;tag=1\r\nX-CLASS:  gold,\r\n  vip \r\ns: hello\r\n\
                 X-Other: no\r\nX-Long: {long}\r\n{many}"
            ),
        );
        let read = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
            headers(&request, &names)
        };
        let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        assert_eq!(
            read(&["subject", "x-class", "x-none"]),
            [pair("subject", "hello"), pair("x-class", "gold, vip")]
        );
        assert_eq!(read(&["x-long"]), [pair("x-long", &long[1..])]);
        assert_eq!(read(&["x-many", "x-class"]).len(), HEADERS_MAX);
        assert_eq!(read(&[]), []);
    }
}
