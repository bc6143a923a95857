//! Digest access authentication as SIP uses it (RFC 3261 section 22, RFC 7616, RFC 8760; the form
//! without `qop` is RFC 2069's, which carriers still ask for).
//!
//! Two readers (a challenge, credentials), one answer, one check. Values are read from the raw
//! octets of a header line, folds and escapes included. What is hashed is what was sent: the
//! `uri`, `nc` and `qop` text is kept as it stood, never printed again from a number.
//! Minting nonces, counting `nc`, comparing `uri` with the Request-URI, and deciding which
//! algorithm is good enough are left to `peer`.

use std::borrow::Cow;

use md5::Md5;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// Octets of one header value that are looked at; a longer one is not read at all.
pub const MAX_VALUE: usize = 4096;
/// Parameters in one header value; one more and it is not read at all.
pub const MAX_PARAMS: usize = 32;

/// RFC 7616 section 3.3 `algorithm`, as far as SIP has it (RFC 8760).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Algorithm {
    Md5,
    Md5Sess,
    Sha256,
    Sha256Sess,
    /// One we cannot compute (`SHA-512-256`, `AKAv1-MD5`, ..): nothing matches it.
    Other,
}

/// RFC 7616 section 3.3 `qop`: whether the body is part of what is hashed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Qop {
    Auth,
    AuthInt,
    Other,
}

/// A server's `WWW-Authenticate` or `Proxy-Authenticate`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Challenge {
    pub realm: String,
    pub nonce: String,
    pub opaque: Option<String>,
    pub algorithm: Algorithm,
    pub qop_auth: bool,
    pub qop_auth_int: bool,
    /// The nonce was too old, the password may well have been right.
    pub stale: bool,
    /// Came as `Proxy-Authenticate`: is answered with `Proxy-Authorization`.
    pub proxy: bool,
}

/// A client's `Authorization` or `Proxy-Authorization`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Credentials<'a> {
    pub username: Cow<'a, str>,
    pub realm: Cow<'a, str>,
    pub nonce: Cow<'a, str>,
    /// As the client wrote it; it is hashed octet by octet.
    pub uri: Cow<'a, str>,
    pub response: Cow<'a, str>,
    pub algorithm: Algorithm,
    pub cnonce: Option<Cow<'a, str>>,
    /// How often the client says it has used this nonce (hexadecimal on the wire).
    pub nc: Option<u32>,
    pub qop: Option<Qop>,
    pub opaque: Option<Cow<'a, str>>,
    nc_text: Cow<'a, str>,
    qop_text: Cow<'a, str>,
}

impl Algorithm {
    fn parse(text: &str) -> Self {
        const KNOWN: [Algorithm; 4] =
            [Algorithm::Md5, Algorithm::Md5Sess, Algorithm::Sha256, Algorithm::Sha256Sess];
        let known = KNOWN.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(text));
        known.unwrap_or(Self::Other)
    }

    /// The token on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Md5Sess => "MD5-sess",
            Self::Sha256 => "SHA-256",
            Self::Sha256Sess => "SHA-256-sess",
            Self::Other => "",
        }
    }

    fn is_session(self) -> bool {
        matches!(self, Self::Md5Sess | Self::Sha256Sess)
    }

    /// `H(a ":" b ":" ..)` in lower-case hexadecimal.
    fn hash(self, parts: &[&[u8]]) -> String {
        match self {
            Self::Sha256 | Self::Sha256Sess => hash_with::<Sha256>(parts),
            Self::Md5 | Self::Md5Sess | Self::Other => hash_with::<Md5>(parts),
        }
    }
}

fn hash_with<D: sha2::Digest>(parts: &[&[u8]]) -> String {
    let mut hash = D::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            hash.update(b":");
        }
        hash.update(part);
    }
    let nibble = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    hash.finalize().iter().flat_map(|octet| [nibble(octet >> 4), nibble(octet & 15)]).collect()
}

impl Challenge {
    /// Reads the value of a `WWW-Authenticate` (or with `proxy` a `Proxy-Authenticate`) line.
    /// Nothing if the scheme is not Digest, the realm or nonce is missing, or a rule is broken.
    pub fn parse(value: &[u8], proxy: bool) -> Option<Self> {
        let (mut realm, mut nonce, mut opaque) = (None, None, None);
        let (mut algorithm, mut qop, mut stale) = (None, None, None);
        read(value, |name, value| {
            let slot = match_name(
                name,
                [
                    ("realm", &mut realm),
                    ("nonce", &mut nonce),
                    ("opaque", &mut opaque),
                    ("algorithm", &mut algorithm),
                    ("qop", &mut qop),
                    ("stale", &mut stale),
                ],
            );
            fill(slot, value)
        })?;
        let offers = |wanted: &str| {
            let list = qop.as_deref().unwrap_or_default();
            list.split(',').any(|one| one.trim().eq_ignore_ascii_case(wanted))
        };
        Some(Self {
            qop_auth: offers("auth"),
            qop_auth_int: offers("auth-int"),
            realm: realm?.into_owned(),
            nonce: nonce?.into_owned(),
            opaque: opaque.map(Cow::into_owned),
            algorithm: algorithm.map_or(Algorithm::Md5, |text| Algorithm::parse(&text)),
            stale: stale.is_some_and(|text| text.eq_ignore_ascii_case("true")),
            proxy,
        })
    }
}

impl<'a> Credentials<'a> {
    /// Reads the value of an `Authorization` or `Proxy-Authorization` line. Nothing if the scheme
    /// is not Digest, one of the five mandatory parameters is missing, a known parameter comes
    /// twice, or a rule of the grammar is broken.
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let (mut username, mut realm, mut nonce, mut uri) = (None, None, None, None);
        let (mut response, mut algorithm, mut cnonce) = (None, None, None);
        let (mut nc, mut qop, mut opaque) = (None, None, None);
        read(value, |name, value| {
            let slot = match_name(
                name,
                [
                    ("username", &mut username),
                    ("realm", &mut realm),
                    ("nonce", &mut nonce),
                    ("uri", &mut uri),
                    ("response", &mut response),
                    ("algorithm", &mut algorithm),
                    ("cnonce", &mut cnonce),
                    ("nc", &mut nc),
                    ("qop", &mut qop),
                    ("opaque", &mut opaque),
                ],
            );
            fill(slot, value)
        })?;
        let count = match nc.as_deref() {
            Some(text) => Some(count(text)?),
            None => None,
        };
        Some(Self {
            username: username?,
            realm: realm?,
            nonce: nonce?,
            uri: uri?,
            response: response?,
            algorithm: algorithm.map_or(Algorithm::Md5, |text| Algorithm::parse(&text)),
            cnonce,
            nc: count,
            qop: qop.as_deref().map(|text| match text {
                _ if text.eq_ignore_ascii_case("auth") => Qop::Auth,
                _ if text.eq_ignore_ascii_case("auth-int") => Qop::AuthInt,
                _ => Qop::Other,
            }),
            opaque,
            nc_text: nc.unwrap_or_default(),
            qop_text: qop.unwrap_or_default(),
        })
    }

    /// Whether whoever wrote these knows the password behind `ha1` (see [`ha1`], made with
    /// `self.algorithm`). Takes the same time wherever the response differs. `body` only counts
    /// with `auth-int`.
    pub fn matches(&self, ha1: &str, method: &[u8], body: &[u8]) -> bool {
        let cnonce = self.cnonce.as_deref();
        let with_qop = match (self.qop, cnonce, self.nc) {
            (None, _, _) => None,
            (Some(Qop::Auth), Some(_), Some(_)) => Some(Qop::Auth),
            (Some(Qop::AuthInt), Some(_), Some(_)) => Some(Qop::AuthInt),
            // RFC 7616 section 3.4: with qop both cnonce and nc must be there.
            (Some(_), _, _) => return false,
        };
        if self.algorithm == Algorithm::Other || (self.algorithm.is_session() && cnonce.is_none()) {
            return false;
        }
        let protection = with_qop.map(|qop| (qop, &*self.qop_text, &*self.nc_text));
        let expected = Proof {
            algorithm: self.algorithm,
            nonce: &self.nonce,
            cnonce: cnonce.unwrap_or_default(),
            method,
            uri: &self.uri,
            body,
        }
        .response(&ha1.to_ascii_lowercase(), protection);
        let given = self.response.to_ascii_lowercase();
        bool::from(expected.as_bytes().ct_eq(given.as_bytes()))
    }
}

/// RFC 7616 section 3.4.2: `H(username ":" realm ":" password)`, the form in which a password may
/// be stored. The session algorithms derive theirs from it later.
pub fn ha1(algorithm: Algorithm, username: &str, realm: &str, password: &str) -> String {
    algorithm.hash(&[username.as_bytes(), realm.as_bytes(), password.as_bytes()])
}

/// The value of the `Authorization` (or `Proxy-Authorization`, see [`Challenge::proxy`]) that
/// answers a challenge. `nc` counts the uses of this nonce from 1. Prefers `auth` to `auth-int`.
/// Nothing if the algorithm is unknown to us or something handed in has control characters.
#[expect(clippy::too_many_arguments, reason = "each is one parameter of the header")]
pub fn answer(
    challenge: &Challenge,
    username: &str,
    password: &str,
    method: &[u8],
    uri: &str,
    cnonce: &str,
    nc: u32,
    body: &[u8],
) -> Option<String> {
    let opaque = challenge.opaque.as_deref().unwrap_or_default();
    let quoted = [username, &challenge.realm, &challenge.nonce, uri, cnonce, opaque];
    let unsafe_text = quoted.iter().any(|text| text.contains(|c: char| c.is_control()));
    let algorithm = challenge.algorithm;
    if unsafe_text || algorithm == Algorithm::Other {
        return None;
    }
    let count = format!("{nc:08x}");
    let protection = match (challenge.qop_auth, challenge.qop_auth_int) {
        (true, _) => Some((Qop::Auth, "auth", &*count)),
        (false, true) => Some((Qop::AuthInt, "auth-int", &*count)),
        (false, false) => None,
    };
    let nonce = &*challenge.nonce;
    let secret = ha1(algorithm, username, &challenge.realm, password);
    let response =
        Proof { algorithm, nonce, cnonce, method, uri, body }.response(&secret, protection);

    let mut value = String::from("Digest ");
    let quoted = [("username", username), ("realm", &challenge.realm), ("nonce", nonce)];
    for (name, text) in quoted.into_iter().chain([("uri", uri), ("response", &response)]) {
        quote(&mut value, name, text);
        value.push_str(", ");
    }
    value.push_str("algorithm=");
    value.push_str(algorithm.as_str());
    if challenge.opaque.is_some() {
        value.push_str(", ");
        quote(&mut value, "opaque", opaque);
    }
    if protection.is_some() || algorithm.is_session() {
        value.push_str(", ");
        quote(&mut value, "cnonce", cnonce);
    }
    if let Some((_, qop, count)) = protection {
        value.push_str(&format!(", qop={qop}, nc={count}"));
    }
    Some(value)
}

fn quote(value: &mut String, name: &str, text: &str) {
    value.push_str(name);
    value.push_str("=\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            value.push('\\');
        }
        value.push(c);
    }
    value.push('"');
}

/// What is hashed besides the password.
struct Proof<'a> {
    algorithm: Algorithm,
    nonce: &'a str,
    cnonce: &'a str,
    method: &'a [u8],
    uri: &'a str,
    body: &'a [u8],
}

impl Proof<'_> {
    /// RFC 7616 section 3.4.1; without protection (`qop`, its text, the count's text) RFC 2069's.
    fn response(&self, ha1: &str, protection: Option<(Qop, &str, &str)>) -> String {
        let hash = |parts: &[&[u8]]| self.algorithm.hash(parts);
        let (nonce, cnonce, uri) =
            (self.nonce.as_bytes(), self.cnonce.as_bytes(), self.uri.as_bytes());
        let session;
        let a1 = if self.algorithm.is_session() {
            session = hash(&[ha1.as_bytes(), nonce, cnonce]);
            session.as_bytes()
        } else {
            ha1.as_bytes()
        };
        let a2 = match protection {
            Some((Qop::AuthInt, _, _)) => hash(&[self.method, uri, hash(&[self.body]).as_bytes()]),
            _ => hash(&[self.method, uri]),
        };
        match protection {
            Some((_, qop, nc)) => {
                hash(&[a1, nonce, nc.as_bytes(), cnonce, qop.as_bytes(), a2.as_bytes()])
            }
            None => hash(&[a1, nonce, a2.as_bytes()]),
        }
    }
}

/// RFC 7616 section 3.4 `nc`: hexadecimal, eight digits by the rule, fewer by some phones.
fn count(text: &str) -> Option<u32> {
    let hexadecimal = text.bytes().all(|c| c.is_ascii_hexdigit());
    (hexadecimal && text.len() <= 8).then(|| u32::from_str_radix(text, 16).ok())?
}

type Slot<'s, 'a> = &'s mut Option<Cow<'a, str>>;

fn match_name<'s, 'a, const N: usize>(
    name: &[u8],
    slots: [(&str, Slot<'s, 'a>); N],
) -> Option<Slot<'s, 'a>> {
    let mut slots = slots.into_iter();
    slots.find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name)).map(|(_, slot)| slot)
}

/// A known parameter may come once; an unknown one is passed over.
fn fill<'a>(slot: Option<Slot<'_, 'a>>, value: Cow<'a, str>) -> Option<()> {
    match slot {
        None => Some(()),
        Some(slot) if slot.is_none() => {
            *slot = Some(value);
            Some(())
        }
        Some(_) => None,
    }
}

/// RFC 3261 section 25.1: `"Digest" LWS name EQUAL (token / quoted-string) *(COMMA ..)`. Hands each
/// parameter over in turn; nothing if the grammar or a limit is broken or `each` says so.
fn read<'a>(
    value: &'a [u8],
    mut each: impl FnMut(&'a [u8], Cow<'a, str>) -> Option<()>,
) -> Option<()> {
    if value.len() > MAX_VALUE {
        return None;
    }
    let (scheme, rest) = token(skip_space(value))?;
    if !scheme.eq_ignore_ascii_case(b"Digest") || !rest.first().is_some_and(is_space) {
        return None;
    }
    let mut rest = skip_space(rest);
    for _ in 0..MAX_PARAMS {
        let (name, after) = token(rest)?;
        let after = skip_space(skip_space(after).strip_prefix(b"=")?);
        let (value, after) = match after.strip_prefix(b"\"") {
            Some(quoted) => quoted_string(quoted)?,
            None => {
                let (value, after) = token(after)?;
                (Cow::Borrowed(str::from_utf8(value).ok()?), after)
            }
        };
        each(name, value)?;
        let after = skip_space(after);
        if after.is_empty() {
            return Some(());
        }
        rest = skip_space(after.strip_prefix(b",")?);
    }
    None
}

/// LWS, folds included: a fold cannot end a header value, so any CR or LF in one is part of a fold.
fn is_space(octet: &u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

fn skip_space(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|octet| !is_space(octet)).unwrap_or(text.len());
    text.split_at(end).1
}

/// Up to the next separator; wider than RFC 3261's `token`, because `uri` and `nonce` come
/// unquoted from some phones.
fn token(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let ends = |octet: &u8| is_space(octet) || matches!(octet, b',' | b'=' | b'"');
    let end = text.iter().position(ends).unwrap_or(text.len());
    let (token, rest) = text.split_at(end);
    let printable = token.iter().all(|octet| *octet > b' ' && *octet != 0x7f);
    (!token.is_empty() && printable).then_some((token, rest))
}

/// The inside of a quoted string without its escapes, and what follows the closing quote.
fn quoted_string(text: &[u8]) -> Option<(Cow<'_, str>, &[u8])> {
    let mut plain = true;
    let mut inside = text.iter().enumerate();
    let end = loop {
        match inside.next()? {
            (at, b'"') => break at,
            (_, b'\\') => {
                plain = false;
                inside.next()?;
            }
            (_, b'\r' | b'\n') => plain = false,
            (_, b'\t') => {}
            (_, 0x00..0x20 | 0x7f) => return None,
            _ => {}
        }
    };
    let (raw, rest) = text.split_at(end);
    let rest = rest.split_first()?.1;
    let raw = str::from_utf8(raw).ok()?;
    Some((if plain { Cow::Borrowed(raw) } else { Cow::Owned(unescape(raw)?) }, rest))
}

/// Escapes resolved, a fold made one space (RFC 3261 section 7.3.1).
fn unescape(raw: &str) -> Option<String> {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\\' => text.push(rest.next().filter(|escaped| !escaped.is_control())?),
            '\r' | '\n' => {
                while rest.next_if(|c| matches!(c, ' ' | '\t' | '\r' | '\n')).is_some() {}
                text.push(' ');
            }
            _ => text.push(c),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONCE: &str = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
    const CNONCE: &str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

    fn challenge(more: &str) -> Challenge {
        let value = format!("Digest realm=\"http-auth@example.org\", nonce=\"{NONCE}\"{more}");
        Challenge::parse(value.as_bytes(), false).unwrap()
    }

    fn answered(challenge: &Challenge, body: &[u8]) -> String {
        let login = ("Mufasa", "Circle of Life");
        answer(challenge, login.0, login.1, b"GET", "/dir/index.html", CNONCE, 1, body).unwrap()
    }

    /// Reads our own answer back and checks it against the password.
    fn round_trip(challenge: &Challenge, body: &[u8]) -> Credentials<'static> {
        let value: &'static [u8] = answered(challenge, body).leak().as_bytes();
        let credentials = Credentials::parse(value).unwrap();
        let secret = ha1(challenge.algorithm, "Mufasa", &challenge.realm, "Circle of Life");
        assert!(credentials.matches(&secret, b"GET", body), "{credentials:?}");
        assert!(!credentials.matches(&secret, b"PUT", body));
        let wrong = ha1(challenge.algorithm, "Mufasa", &challenge.realm, "circle of life");
        assert!(!credentials.matches(&wrong, b"GET", body));
        credentials
    }

    #[test]
    fn rfc_7616_section_3_9_1_is_answered_as_printed_there() {
        for (algorithm, response) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
        ] {
            let more = format!(
                ", qop=\"auth, auth-int\", algorithm={algorithm}, opaque=\"FQhe/qaU925kfnzjCev0ci\""
            );
            let credentials = round_trip(&challenge(&more), b"");
            assert_eq!(credentials.response, response);
            assert_eq!(credentials.nc, Some(1));
            assert_eq!(credentials.qop, Some(Qop::Auth));
            assert_eq!(credentials.opaque.as_deref(), Some("FQhe/qaU925kfnzjCev0ci"));
        }
    }

    #[test]
    fn rfc_2617_section_3_5_is_checked_as_printed_there() {
        let value = br#"Digest username="Mufasa",
                 realm="testrealm@host.com",
                 nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",
                 uri="/dir/index.html",
                 qop=auth,
                 nc=00000001,
                 cnonce="0a4f113b",
                 response="6629fae49393a05397450978507c4ef1",
                 opaque="5ccc069c403ebaf9f0171e9517f40e41""#;
        let credentials = Credentials::parse(value).unwrap();
        let secret = ha1(Algorithm::Md5, "Mufasa", "testrealm@host.com", "Circle Of Life");
        assert_eq!(secret, "939e7578ed9e3c518a452acee763bce9");
        assert!(credentials.matches(&secret, b"GET", b""));
        assert!(credentials.matches(&secret.to_ascii_uppercase(), b"GET", b""));
        assert!(!credentials.matches(&secret, b"INVITE", b""));
        assert!(!credentials.matches("", b"GET", b""));
    }

    #[test]
    fn without_qop_the_answer_is_that_of_rfc_2069() {
        let value = answered(&challenge(""), b"");
        assert!(!value.contains("qop") && !value.contains("nc=") && !value.contains("cnonce"));
        let credentials = round_trip(&challenge(""), b"");
        let secret = ha1(Algorithm::Md5, "Mufasa", "http-auth@example.org", "Circle of Life");
        let a2 = Algorithm::Md5.hash(&[b"GET", b"/dir/index.html"]);
        let by_hand = Algorithm::Md5.hash(&[secret.as_bytes(), NONCE.as_bytes(), a2.as_bytes()]);
        assert_eq!(credentials.response, by_hand);
    }

    #[test]
    fn auth_int_protects_the_body_and_auth_does_not() {
        let with_body = challenge(", qop=\"auth-int\", algorithm=SHA-256");
        let credentials = round_trip(&with_body, b"v=0");
        let secret = ha1(Algorithm::Sha256, "Mufasa", &with_body.realm, "Circle of Life");
        assert!(!credentials.matches(&secret, b"GET", b"v=1"));
        let without = challenge(", qop=\"auth\"");
        let credentials = round_trip(&without, b"v=0");
        let secret = ha1(Algorithm::Md5, "Mufasa", &without.realm, "Circle of Life");
        assert!(credentials.matches(&secret, b"GET", b"v=1"));
    }

    #[test]
    fn a_session_algorithm_hashes_the_nonces_into_the_secret() {
        for algorithm in ["MD5-sess", "SHA-256-sess"] {
            let plain = algorithm.trim_end_matches("-sess");
            let plain = round_trip(&challenge(&format!(", qop=auth, algorithm={plain}")), b"");
            let session = challenge(&format!(", qop=auth, algorithm={algorithm}"));
            let credentials = round_trip(&session, b"");
            assert_eq!(credentials.algorithm.as_str(), algorithm);
            assert_ne!(credentials.response, plain.response);
            let old_style = challenge(&format!(", algorithm={algorithm}"));
            let mut credentials = round_trip(&old_style, b"");
            let secret = ha1(session.algorithm, "Mufasa", &session.realm, "Circle of Life");
            assert_eq!(credentials.cnonce.take().as_deref(), Some(CNONCE));
            assert!(!credentials.matches(&secret, b"GET", b""), "a session needs its cnonce");
        }
    }

    #[test]
    fn the_tenth_and_the_last_use_of_a_nonce_count_in_hexadecimal() {
        let challenge = challenge(", qop=\"auth\"");
        for nc in [10, 256, u32::MAX] {
            let value = answer(&challenge, "a", "b", b"INVITE", "sip:c", "d", nc, b"").unwrap();
            let credentials = Credentials::parse(value.as_bytes()).unwrap();
            assert_eq!(credentials.nc, Some(nc));
            assert!(value.ends_with(&format!("nc={nc:08x}")));
            assert!(credentials.matches(
                &ha1(Algorithm::Md5, "a", &challenge.realm, "b"),
                b"INVITE",
                b""
            ));
        }
    }

    #[test]
    fn a_count_is_hashed_as_it_was_written() {
        let secret = ha1(Algorithm::Md5, "a", "r", "p");
        let a2 = Algorithm::Md5.hash(&[b"INVITE", b"sip:b"]);
        let parts: [&[u8]; 6] =
            [secret.as_bytes(), b"n", b"0000000A", b"c", b"AUTH", a2.as_bytes()];
        let response = Algorithm::Md5.hash(&parts).to_ascii_uppercase();
        let value = format!(
            "Digest username=a,realm=r,nonce=n,uri=sip:b,cnonce=c,nc=0000000A,qop=AUTH,response={response}"
        );
        let credentials = Credentials::parse(value.as_bytes()).unwrap();
        assert_eq!(credentials.nc, Some(10));
        assert!(credentials.matches(&secret, b"INVITE", b""));
    }

    #[test]
    fn space_folds_escapes_and_unknown_parameters_are_read_over() {
        let value = b"  digest\r\n username = \"Al \\\"Cap\\\\one\\\"\" ,\r\n\trealm= \"two\r\n  \
                      lines\",Nonce =\"n\", x-vendor=7, auts=\"\\\"\", uri=\"sip:a;b=c?d=e\",response=\"\" ";
        let credentials = Credentials::parse(value).unwrap();
        assert_eq!(credentials.username, "Al \"Cap\\one\"");
        assert_eq!(credentials.realm, "two lines");
        assert_eq!(credentials.uri, "sip:a;b=c?d=e");
        assert!(matches!(credentials.nonce, Cow::Borrowed("n")), "nothing to unescape, no copy");
        assert_eq!(credentials.response, "");
        assert!(!credentials.matches("", b"INVITE", b""));
    }

    #[test]
    fn a_challenge_is_read_with_everything_it_offers() {
        let value = b"Digest realm=\"sip.example\", domain=\"sip:ss1.example\", qop=\"auth-int , AUTH\",\
                      nonce=\"f84f1cec41e6cbe5aea9c8e88d359\", opaque=\"\", stale=TRUE, algorithm=\"md5\"";
        let challenge = Challenge::parse(value, true).unwrap();
        assert!(challenge.qop_auth && challenge.qop_auth_int && challenge.stale && challenge.proxy);
        assert_eq!(challenge.algorithm, Algorithm::Md5);
        assert_eq!(challenge.opaque.as_deref(), Some(""));
        let value = answer(&challenge, "u\"1", "p", b"INVITE", "sip:x", "c", 1, b"").unwrap();
        assert!(value.contains(r#"username="u\"1""#) && value.contains(r#"opaque="""#));
        assert!(value.contains("algorithm=MD5, "));
        assert!(value.contains("qop=auth, nc=00000001"), "both are tokens: {value}");
    }

    #[test]
    fn what_is_not_digest_or_not_whole_is_not_read() {
        let credentials: [&[u8]; 13] = [
            b"",
            b"Digest",
            b"Digest ",
            b"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            b"Digestusername=a,realm=r,nonce=n,uri=u,response=x",
            b"Digest username=a,realm=r,nonce=n,uri=u",
            b"Digest username=a,realm=r,nonce=n,uri=u,response=x,",
            b"Digest username=a,username=b,realm=r,nonce=n,uri=u,response=x",
            b"Digest username=\"a,realm=r,nonce=n,uri=u,response=x",
            b"Digest username=\"a\\",
            b"Digest username=\"a\0\",realm=r,nonce=n,uri=u,response=x",
            b"Digest username=\"\xff\",realm=r,nonce=n,uri=u,response=x",
            b"Digest username=a,realm=r,nonce=n,uri=u,response=x,nc=00000000g",
        ];
        for value in credentials {
            assert_eq!(Credentials::parse(value), None, "{}", value.escape_ascii());
        }
        assert_eq!(Challenge::parse(b"Digest realm=\"r\"", false), None);
        assert_eq!(Challenge::parse(b"Digest nonce=\"n\"", false), None);
    }

    #[test]
    fn an_unknown_algorithm_or_qop_matches_nothing_and_is_not_answered() {
        let secret = ha1(Algorithm::Md5, "a", "r", "p");
        let challenge = challenge(", algorithm=SHA-512-256");
        assert_eq!(challenge.algorithm, Algorithm::Other);
        assert_eq!(answer(&challenge, "a", "p", b"INVITE", "sip:b", "c", 1, b""), None);
        for more in ["algorithm=AKAv1-MD5", "qop=auth-conf,nc=1,cnonce=c", "qop=auth,nc=1"] {
            let value =
                format!("Digest username=a,realm=r,nonce=n,uri=u,response=x,{more}").into_bytes();
            assert!(!Credentials::parse(&value).unwrap().matches(&secret, b"INVITE", b""));
        }
    }

    #[test]
    fn an_answer_never_carries_a_line_end() {
        let challenge = challenge("");
        for (user, uri, cnonce) in
            [("a\r\nb", "sip:b", "c"), ("a", "sip:b\n", "c"), ("a", "sip:b", "\0")]
        {
            assert_eq!(answer(&challenge, user, "p", b"INVITE", uri, cnonce, 1, b""), None);
        }
    }

    #[test]
    fn limits_hold_at_the_limit_and_one_past_it() {
        let start = "Digest username=a,realm=r,nonce=n,uri=u,response=x";
        let long = |length: usize| format!("{start},x={}", "y".repeat(length - start.len() - 3));
        assert!(Credentials::parse(long(MAX_VALUE).as_bytes()).is_some());
        assert!(Credentials::parse(long(MAX_VALUE + 1).as_bytes()).is_none());
        let many = |params: usize| format!("{start}{}", ",x=y".repeat(params - 5));
        assert!(Credentials::parse(many(MAX_PARAMS).as_bytes()).is_some());
        assert!(Credentials::parse(many(MAX_PARAMS + 1).as_bytes()).is_none());
    }
}
