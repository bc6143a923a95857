//! One URI: kept as written, equal to itself, and safe to write.

use crosspoint::sip::{NameAddr, Scheme, Uri};

/// Reads octets as a URI and as an address.
pub fn uri(data: &[u8]) {
    if let Ok(uri) = Uri::parse(data) {
        assert_eq!(uri.as_bytes(), data);
        assert_eq!(Uri::parse(uri.as_bytes()).as_ref(), Ok(&uri));
        assert!(uri.same_as(&uri), "a URI is the same as itself");
        reads_everything(&uri);
        let plain = uri.headers().is_empty() && !data.contains(&b'?');
        if plain && matches!(uri.scheme(), Scheme::Sip | Scheme::Sips) {
            super::message::asks(&uri);
        }
    }
    if let Ok(address) = NameAddr::parse(data) {
        reads_everything(&address.uri);
        for (name, _) in address.params() {
            assert!(address.param(&String::from_utf8_lossy(name)).is_some());
        }
    }
}

pub(super) fn reads_everything(uri: &Uri) {
    let within = |part: &[u8]| part.len() <= uri.as_bytes().len();
    assert!(uri.user().is_none_or(within));
    assert!(uri.user_unescaped().is_none_or(|user| within(&user)));
    assert!(within(uri.headers()) && within(uri.host_text().as_bytes()));
    let _ = (uri.host(), uri.port(), uri.as_str_lossy());
    for (name, _) in uri.params() {
        assert!(uri.param(&String::from_utf8_lossy(name)).is_some() || !name.is_ascii());
    }
    if let Some(number) = uri.number() {
        let digits = number.strip_prefix('+').unwrap_or(&number);
        assert!(!digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()));
    }
}
