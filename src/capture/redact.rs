//! Takes out of a message what nobody may read later: credentials, keys, digits.
//!
//! Each character of them becomes a `*`, so that lengths (Content-Length) stay true.

use bytes::Bytes;
use memchr::memmem;

/// The same message without secrets; the same bytes if there are none.
pub fn redacted(bytes: &Bytes) -> Bytes {
    let mut clean = Clean { bytes, copy: None };
    let head = memmem::find(bytes, b"\r\n\r\n").map_or(bytes.len(), |it| it + 2);
    let about = clean.head(head);
    clean.body((head + 2).min(bytes.len()), &about);
    clean.copy.map_or_else(|| bytes.clone(), Bytes::from)
}

struct Clean<'a> {
    bytes: &'a [u8],
    /// Made when the first thing is taken out.
    copy: Option<Vec<u8>>,
}

/// What the head says of the body.
#[derive(Default)]
struct About {
    is_info: bool,
    content_type: String,
}

impl Clean<'_> {
    /// Puts stars in place of these bytes.
    fn hide(&mut self, from: usize, to: usize) {
        if from < to && to <= self.bytes.len() {
            let copy = self.copy.get_or_insert_with(|| self.bytes.to_vec());
            copy.iter_mut().take(to).skip(from).for_each(|it| *it = b'*');
        }
    }

    fn head(&mut self, end: usize) -> About {
        let mut about = About::default();
        let bytes = self.bytes;
        let (mut at, mut name, mut first, mut is_digest) = (0, String::new(), true, false);
        while at < end {
            let rest = bytes.get(at..end).unwrap_or_default();
            let length = memmem::find(rest, b"\r\n").unwrap_or(rest.len());
            let line = rest.get(..length).unwrap_or_default();
            let (mut value, mut goes_on) = (at, true);
            if first {
                about.is_info = line.starts_with(b"INFO ");
                first = false;
            } else if !line.first().is_some_and(|it| matches!(it, b' ' | b'\t')) {
                // A line that begins with white space goes on with the one before.
                let colon = line.iter().position(|it| *it == b':').unwrap_or(0);
                let word = line.get(..colon).unwrap_or_default();
                name = String::from_utf8_lossy(word).trim().to_ascii_lowercase();
                (value, goes_on) = (at + colon + 1, false);
            }
            let text = bytes.get(value..at + length).unwrap_or_default();
            match name.as_str() {
                // It proves that both know the password, and lets it be guessed as a response does.
                "authentication-info" | "proxy-authentication-info" => {
                    self.responses(value, text, b"rspauth");
                }
                "authorization" | "proxy-authorization" => {
                    let scheme = text.trim_ascii_start().get(..6).unwrap_or_default();
                    is_digest =
                        if goes_on { is_digest } else { scheme.eq_ignore_ascii_case(b"digest") };
                    self.credentials(value, text, is_digest, goes_on);
                }
                "content-type" | "c" => {
                    about.content_type += &String::from_utf8_lossy(text).to_ascii_lowercase();
                }
                _ => (),
            }
            self.passwords(at, line);
            at += length + 2;
        }
        about
    }

    /// The response of a digest (RFC 7616); of any other scheme all that is behind its name.
    fn credentials(&mut self, at: usize, value: &[u8], is_digest: bool, goes_on: bool) {
        if !is_digest {
            let scheme = value.trim_ascii_start();
            let word = scheme.iter().position(|it| *it == b' ').unwrap_or(scheme.len());
            let shown = if goes_on { 0 } else { value.len() - scheme.len() + word };
            return self.hide(at + shown, at + value.len());
        }
        self.responses(at, value, b"response");
    }

    /// The value of this parameter, each time.
    fn responses(&mut self, at: usize, value: &[u8], parameter: &[u8]) {
        let lower = value.to_ascii_lowercase();
        let mut from = 0;
        while let Some(place) = lower.get(from..).and_then(|it| memmem::find(it, parameter)) {
            let before = (from + place).checked_sub(1).and_then(|it| lower.get(it));
            from += place + parameter.len();
            let rest = lower.get(from..).unwrap_or_default();
            let gap = rest.len() - rest.trim_ascii_start().len();
            let is_name = before.is_none_or(|it| matches!(it, b' ' | b'\t' | b','));
            if !is_name || rest.get(gap) != Some(&b'=') {
                continue;
            }
            let rest = rest.get(gap + 1..).unwrap_or_default();
            let space = rest.len() - rest.trim_ascii_start().len();
            // Quotes stay, so that it still reads as what it was.
            let quoted = rest.get(space) == Some(&b'"');
            let (skip, last) = if quoted { (space + 1, b'"') } else { (space, b',') };
            let secret = rest.get(skip..).unwrap_or_default();
            let length = secret.iter().position(|it| *it == last).unwrap_or(secret.len());
            let begin = from + gap + 1 + skip;
            self.hide(at + begin, at + begin + length);
            from = begin + length;
        }
    }

    /// `sip:user:password@host` (RFC 3261 section 19.1.1). A user may hold a question mark.
    fn passwords(&mut self, at: usize, line: &[u8]) {
        let mut from = 0;
        while let Some(place) = line.get(from..).and_then(find_sip) {
            let start = from + place + 3;
            from = start;
            let rest = line.get(start..).unwrap_or_default();
            let scheme = match rest {
                [b':', ..] => 1,
                [b's' | b'S', b':', ..] => 2,
                _ => continue,
            };
            let user = rest.get(scheme..).unwrap_or_default();
            let end = user.iter().position(|it| b"@>\" \t<".contains(it)).unwrap_or(user.len());
            let user = user.get(..end).unwrap_or_default();
            let is_user = rest.get(scheme + end) == Some(&b'@');
            if let Some(colon) = user.iter().position(|it| *it == b':').filter(|_| is_user) {
                self.hide(at + start + scheme + colon + 1, at + start + scheme + end);
            }
        }
    }

    fn body(&mut self, start: usize, about: &About) {
        let bytes = self.bytes;
        let body = bytes.get(start..).unwrap_or_default();
        if about.content_type.contains("kpml") {
            self.attribute(start, body, b"digits=\"", b'"');
            self.attribute(start, body, b"digits='", b'\'');
        }
        // Digits in INFO come in many dresses; what is known to be none may be read.
        let known = ["dtmf-relay", "media_control", "application/sdp"];
        let all = about.is_info && !known.iter().any(|it| about.content_type.contains(it));
        let mut at = start;
        for line in body.split(|it| *it == b'\n') {
            let text = line.strip_suffix(b"\r").unwrap_or(line);
            let end = at + text.len();
            let lower = text.to_ascii_lowercase();
            if all {
                self.hide(at, end);
            } else if lower.starts_with(b"a=crypto:") {
                // RFC 4568 section 9.1: keys follow `inline:`, and so may parameters.
                if let Some(key) = memmem::find(&lower, b"inline:") {
                    self.hide(at + key + b"inline:".len(), end);
                }
            } else if lower.starts_with(b"k=") {
                self.hide(at + 2, end);
            } else if let Some(name) =
                [&b"a=key-mgmt:"[..], b"a=ice-pwd:"].into_iter().find(|it| lower.starts_with(it))
            {
                self.hide(at + name.len(), end);
            } else if about.is_info
                && lower.trim_ascii_start().starts_with(b"signal")
                && let Some(equals) = text.iter().position(|it| *it == b'=')
            {
                self.hide(at + equals + 1, end);
            }
            at += line.len() + 1;
        }
    }

    /// What stands behind `name` up to its quote, each time.
    fn attribute(&mut self, start: usize, body: &[u8], name: &[u8], quote: u8) {
        let mut from = 0;
        while let Some(place) = body.get(from..).and_then(|it| memmem::find(it, name)) {
            let begin = from + place + name.len();
            let rest = body.get(begin..).unwrap_or_default();
            let end = begin + rest.iter().position(|it| *it == quote).unwrap_or(rest.len());
            self.hide(start + begin, start + end);
            from = end;
        }
    }
}

/// Where `sip` stands, in small letters or capitals (RFC 3986 section 3.1).
fn find_sip(line: &[u8]) -> Option<usize> {
    let is_s = |it: &u8| matches!(it, b's' | b'S');
    let mut from = 0;
    while let Some(place) = line.get(from..)?.iter().position(is_s) {
        let at = from + place;
        if line.get(at..at + 3)?.eq_ignore_ascii_case(b"sip") {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        let bytes = Bytes::from(text.to_owned());
        let redacted = redacted(&bytes);
        assert_eq!(redacted.len(), bytes.len(), "lengths stay true");
        String::from_utf8(redacted.to_vec()).unwrap()
    }

    #[test]
    fn credentials_are_taken_out_and_the_rest_stays() {
        let text = "REGISTER sip:h SIP/2.0\r\n\
                    Authorization: Digest username=\"a\", realm=\"r\", nonce=\"response=1\", \
                    uri=\"sip:h\", response=\"deadbeef\", algorithm=MD5\r\n\
                    proxy-authorization: Digest username=\"b\",\r\n  Response = cafe, qop=auth\r\n\
                    To: <sip:b@h>\r\n\r\n";
        let redacted = clean(text);
        assert!(redacted.contains("response=\"********\", algorithm=MD5"), "{redacted}");
        assert!(redacted.contains("Response = ****, qop=auth"), "{redacted}");
        assert!(redacted.contains("username=\"a\", realm=\"r\""), "{redacted}");
        assert!(!redacted.contains("deadbeef") && !redacted.contains("cafe"));
        let basic = clean(
            "OPTIONS sip:h SIP/2.0\r\nAuthorization: Basic dTpw=\r\n abcd\r\nTo: <sip:b@h>\r\n\r\n",
        );
        assert!(basic.contains("Authorization: Basic******\r\n*****\r\nTo: <sip:b@h>"), "{basic}");
    }

    #[test]
    fn what_proves_a_password_in_an_answer_is_taken_out() {
        let text =
            "SIP/2.0 200 OK\r\nAuthentication-Info: qop=auth, rspauth=\"cafe\", nc=1\r\n\r\n";
        assert!(clean(text).contains("qop=auth, rspauth=\"****\", nc=1"), "{}", clean(text));
        let text = "SIP/2.0 200 OK\r\nProxy-Authentication-Info:\r\n RSPAUTH = cafe\r\n\r\n";
        assert!(clean(text).contains(" RSPAUTH = ****"), "{}", clean(text));
    }

    #[test]
    fn keys_of_media_are_taken_out() {
        let text = "INVITE sip:h SIP/2.0\r\nContent-Type: application/sdp\r\n\r\n\
                    v=0\r\nk=base64:secret\r\n\
                    a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3|2^20\r\n\
                    a=ice-pwd:asd88fgpdd777uzjYhagZg\r\na=rtpmap:0 PCMU/8000\r\n";
        let redacted = clean(text);
        for gone in ["secret", "d0Rm", "asd88"] {
            assert!(!redacted.contains(gone), "{redacted}");
        }
        assert!(redacted.contains("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:***"));
        assert!(redacted.ends_with("a=rtpmap:0 PCMU/8000\r\n"));
    }

    #[test]
    fn digits_in_info_are_taken_out() {
        let relay = |body: &str| {
            clean(&format!(
                "INFO sip:h SIP/2.0\r\nContent-Type: application/dtmf-relay\r\n\r\n{body}"
            ))
        };
        assert!(relay("Signal=5\r\nDuration=160\r\n").ends_with("Signal=*\r\nDuration=160\r\n"));
        assert!(relay("Signal= #\r\nDuration=160").ends_with("Signal=**\r\nDuration=160"));
        assert!(relay("signal = 7\n").ends_with("signal =**\n"));
        for kind in ["application/dtmf", "application/vnd.nortelnetworks.digits", "text/plain"] {
            let text = clean(&format!("INFO sip:h SIP/2.0\r\nc: {kind}\r\n\r\np=Digit\r\nd=5"));
            assert!(text.ends_with("\r\n\r\n*******\r\n***"), "{kind}: {text}");
        }
        let none = "INFO sip:h SIP/2.0\r\nc: application/media_control+xml\r\n\r\n<media_control/>";
        assert_eq!(clean(none), none);
        let kpml = "NOTIFY sip:h SIP/2.0\r\nContent-Type: application/kpml-response+xml\r\n\r\n\
                    <kpml-response code=\"200\" digits=\"1234\"/>";
        assert!(clean(kpml).ends_with("code=\"200\" digits=\"****\"/>"));
        assert!(clean(&kpml.replace('"', "'")).ends_with("code='200' digits='****'/>"));
    }

    #[test]
    fn passwords_in_addresses_are_taken_out() {
        let text = "INVITE sip:bob:hush@h;lr SIP/2.0\r\nTo: \"sip: x\" <sips:a:b@h:5061>\r\n\
                    From: <sip:h:5060>;tag=1\r\n\r\n";
        let wanted = "INVITE sip:bob:****@h;lr SIP/2.0\r\nTo: \"sip: x\" <sips:a:*@h:5061>\r\n\
                      From: <sip:h:5060>;tag=1\r\n\r\n";
        assert_eq!(clean(text), wanted);
        let text = "REFER SIP:bob:hush@h SIP/2.0\r\nRefer-To: <Sips:a?b:hush@h?X=y>\r\n\r\n";
        let wanted = "REFER SIP:bob:****@h SIP/2.0\r\nRefer-To: <Sips:a?b:****@h?X=y>\r\n\r\n";
        assert_eq!(clean(text), wanted);
    }

    #[test]
    fn what_has_no_secrets_is_not_even_copied() {
        let bytes = Bytes::from_static(b"BYE sip:h SIP/2.0\r\nTo: <sip:b@h>\r\n\r\n");
        assert_eq!(redacted(&bytes).as_ptr(), bytes.as_ptr());
        let other = Bytes::from_static(b"MESSAGE sip:h SIP/2.0\r\n\r\nSignal=5\r\n");
        assert_eq!(redacted(&other), other);
    }

    #[test]
    fn anything_at_all_can_be_looked_at() {
        let words: [&[u8]; 12] = [
            b"Authorization:",
            b"Digest ",
            b"response",
            b"=\"",
            b"\"",
            b"\r\n",
            b"\r\n\r\n",
            b"INFO ",
            b"sip:a:",
            b"@",
            b"Signal",
            b"a=crypto:inline:",
        ];
        let mut state = 7_u64;
        for _ in 0..20_000 {
            let mut text = Vec::new();
            for _ in 0..12 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text.extend_from_slice(words[(state >> 33) as usize % words.len()]);
            }
            let bytes = Bytes::from(text);
            assert_eq!(redacted(&bytes).len(), bytes.len());
        }
    }
}
