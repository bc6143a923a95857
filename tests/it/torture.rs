//! The torture messages of RFC 4475 and RFC 5118, bit exact, at the level of the reader: what it
//! accepts, what it answers, what it says nothing to, and what it reads out of them. Where it does
//! otherwise than the RFCs' prose, [`DEVIATIONS`] says so and why; an entry that no longer holds
//! fails the test.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use crosspoint::sip::{ContactValue, Error, Host, Message, Method, Name, parse};

use super::properties;

/// What the reader makes of a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Accepts,
    Answers(u16),
    IsSilent,
}

/// Files the reader treats otherwise than `expected.tsv` says, and why.
const DEVIATIONS: &[(&str, Verdict, &str)] = &[
    (
        "insuf",
        Verdict::Answers(400),
        "without Call-ID, From and To there is nothing for the layers above to work with: the \
         reader gives the 400 that the RFC wants from the server",
    ),
    (
        "ipv6-bug-abnf-3-colons",
        Verdict::Answers(400),
        "three colons in a row are no address of RFC 4291, and what stands there cannot be \
         reached: refused rather than guessed at (RFC 5118 section 4.10 says SHOULD)",
    ),
];

fn corpus(folder: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(folder)
}

/// Every message of both suites by name.
fn messages() -> Vec<(String, Bytes)> {
    let mut found = Vec::new();
    for folder in ["rfc4475", "rfc5118/wire"] {
        for entry in fs::read_dir(corpus(folder)).unwrap() {
            let path = entry.unwrap().path();
            let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
            if matches!(extension, "dat" | "sip") {
                let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read(&path).unwrap().into()));
            }
        }
    }
    found.sort();
    assert_eq!(found.len(), 51 + 12);
    found
}

fn message(name: &str) -> Bytes {
    let found = messages().into_iter().find(|(it, _)| it == name);
    found.unwrap_or_else(|| panic!("{name}")).1
}

fn accepted(name: &str) -> Message {
    parse(message(name)).unwrap_or_else(|error| panic!("{name}: {error:?}"))
}

fn verdict(bytes: Bytes) -> Verdict {
    match parse(bytes) {
        Ok(_) => Verdict::Accepts,
        Err(Error::Refused { status, .. }) => Verdict::Answers(status),
        Err(Error::Noise(_)) => Verdict::IsSilent,
    }
}

/// One line of `expected.tsv`.
struct Row {
    name: String,
    parser: String,
    answers: String,
}

impl Row {
    fn all() -> Vec<Self> {
        let text = ["rfc4475", "rfc5118"]
            .map(|folder| fs::read_to_string(corpus(folder).join("expected.tsv")).unwrap());
        let lines = text.iter().flat_map(|it| it.lines()).filter(|line| !line.starts_with('#'));
        let rows: Vec<_> = lines
            .map(|line| {
                let mut columns = line.split('\t').map(str::to_owned);
                let mut column = |n| columns.nth(n).unwrap();
                Self { name: column(0), parser: column(2), answers: column(0) }
            })
            .collect();
        assert_eq!(rows.len(), 51 + 12);
        rows
    }

    fn allows(&self, verdict: Verdict) -> bool {
        let may_answer = |status: u16| {
            let listed = |one: &str| one == "*" || one == status.to_string();
            let other =
                |one: &str| one.strip_prefix('!').is_some_and(|it| it != status.to_string());
            self.answers.split('|').any(|one| listed(one) || other(one))
        };
        let may_be_silent = self.answers.split('|').any(|one| matches!(one, "none" | "*"));
        let either = self.parser.contains(" or ");
        let accepts = self.parser.starts_with("accept");
        match verdict {
            Verdict::Accepts => either || accepts,
            Verdict::Answers(status) => (either || !accepts) && may_answer(status),
            Verdict::IsSilent => (either || !accepts) && may_be_silent,
        }
    }
}

#[test]
fn every_message_is_treated_as_its_rfc_says_except_where_we_say_otherwise() {
    let mut deviations = BTreeSet::new();
    let mut wrong = Vec::new();
    for row in Row::all() {
        let verdict = verdict(message(&row.name));
        if row.allows(verdict) {
            continue;
        }
        match DEVIATIONS.iter().find(|(name, ..)| *name == row.name) {
            Some((_, expected, _)) if *expected == verdict => {
                deviations.insert(row.name);
            }
            _ => {
                wrong.push(format!("{}: {verdict:?}, not {} {}", row.name, row.parser, row.answers))
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for (name, ..) in DEVIATIONS {
        assert!(deviations.contains(*name), "{name} no longer deviates: take it off the list");
    }
}

#[test]
fn the_answer_is_the_one_the_rfc_prefers() {
    for (name, status) in [
        ("badvers", 505),
        ("mismatch01", 400),
        ("mismatch02", 501),
        ("ncl", 400),
        ("clerr", 400),
        ("mcl01", 400),
        ("scalar02", 400),
        ("quotbal", 400),
        ("ltgtruri", 400),
        ("lwsruri", 400),
        ("escruri", 400),
        ("multi01", 400),
        ("insuf", 400),
        ("ipv6-bad", 400),
    ] {
        assert_eq!(verdict(message(name)), Verdict::Answers(status), "{name}");
    }
    for name in ["bigcode", "scalarlg"] {
        assert_eq!(verdict(message(name)), Verdict::IsSilent, "{name}");
    }
}

#[test]
fn no_header_is_lost_and_no_octet_changed() {
    for (name, bytes) in messages() {
        let Ok(message) = parse(bytes.clone()) else { continue };
        let text = message.bytes();
        let head = text.len() - message.body().len() - 2;
        // A reading of its own: lines that begin with white space belong to the one before.
        let mut lines: Vec<Vec<u8>> = Vec::new();
        for line in text[..head].split_inclusive(|octet| *octet == b'\n').skip(1) {
            match lines.last_mut() {
                Some(last) if line.starts_with(b" ") || line.starts_with(b"\t") => {
                    last.extend(line);
                }
                _ => lines.push(line.to_vec()),
            }
        }
        let split = |line: &Vec<u8>| {
            let colon = line.iter().position(|octet| *octet == b':').unwrap();
            (line[..colon].trim_ascii().to_vec(), line[colon + 1..].trim_ascii().to_vec())
        };
        let expected: Vec<_> = lines.iter().map(split).collect();
        let found: Vec<_> =
            message.lines().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
        assert_eq!(found, expected, "{name}");
        assert!(bytes.starts_with(text), "{name}");
    }
}

#[test]
fn wsinv_is_read_through_its_white_space_folds_and_compact_names() {
    let message = accepted("wsinv");
    assert_eq!(message.method(), &Method::Invite);
    assert_eq!(message.max_forwards(), Some(68));
    assert_eq!(message.cseq(), 9);
    assert_eq!(message.call_id(), b"wsinv.ndaksdj@192.0.2.1");
    assert_eq!(message.to_tag(), b"1918181833n");
    assert_eq!(message.from_tag(), b"98asjd8");
    assert_eq!(message.from().unwrap().display.as_deref(), Some("J Rosenberg \\\""));
    assert_eq!(message.headers(Name::Via).count(), 3);
    assert_eq!(message.branch(), b"390skdjuw");
    assert_eq!(message.top_via().host, b"192.0.2.2");
    assert_eq!(message.header(Name::Subject).as_deref(), Some(&b""[..]));
    let unknown = message.header(Name::Other("newfangledheader")).unwrap();
    assert_eq!(&*unknown, b"newfangled value continued newfangled value");
    let unknown = message.header(Name::Other("UnknownHeaderWithUnusualValue")).unwrap();
    assert_eq!(&*unknown, b";;,,;;,;");
    let contact = message.contact().unwrap();
    assert_eq!(contact.display.as_deref(), Some("Quoted string \"\""));
    assert_eq!(contact.param("secondparam"), Some(&b""[..]));
    assert_eq!(contact.param("q"), Some(&b"0.33"[..]));
    assert_eq!(message.routes().unwrap()[0].uri.param("lr"), Some(&b""[..]));
    assert_eq!(message.body().len(), 150);
}

#[test]
fn intmeth_keeps_its_odd_method_and_its_odd_octets() {
    let message = accepted("intmeth");
    let method = b"!interesting-Method0123456789_*+`.%indeed'~";
    assert_eq!(message.method().as_bytes(), method);
    assert_eq!(message.max_forwards(), Some(255));
    assert_eq!(message.branch(), b"z9hG4bK-.!%66*_+`'~");
    let user = &b"1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"[..];
    assert_eq!(message.uri().unwrap().user(), Some(user));
    assert_eq!(message.uri().unwrap().host(), Host::Name("example.com"));
    let to = message.to().unwrap();
    assert_eq!(to.display.as_deref(), Some("BEL:\x07 NUL:\0 DEL:\x7f"));
    assert_eq!(to.uri.user(), Some(user));
    assert_eq!(message.from_tag(), b"_token~1'+`*%!-.");
    assert_eq!(message.from().unwrap().display.as_deref(), Some("token1~` token2'+_ token3*%!.-"));
}

#[test]
fn escapes_are_undone_in_user_parts_only() {
    let message = accepted("esc01");
    let uri = message.uri().unwrap();
    assert_eq!(uri.user(), Some(&b"sips%3Auser%40example.com"[..]));
    assert_eq!(uri.user_unescaped().as_deref(), Some(&b"sips:user@example.com"[..]));
    assert_eq!(uri.host(), Host::Name("example.net"));
    assert_eq!(message.to().unwrap().uri.user_unescaped().as_deref(), Some(&b"user"[..]));
    let nulls = accepted("escnull").contacts().unwrap();
    let users: Vec<_> = nulls
        .iter()
        .map(|contact| match contact {
            ContactValue::Addr(it) => it.uri.user_unescaped().unwrap().into_owned(),
            ContactValue::Star => panic!("no star here"),
        })
        .collect();
    assert_eq!(users, [b"\0".to_vec(), b"\0\0".to_vec()]);
    let [ContactValue::Addr(one), ContactValue::Addr(two)] = &nulls[..] else { panic!() };
    assert!(!one.uri.same_as(&two.uri));
    assert_eq!(accepted("esc02").method().as_bytes(), b"RE%47IST%45R");
    let semicolon = accepted("semiuri").uri().unwrap();
    assert_eq!(semicolon.user_unescaped().as_deref(), Some(&b"user;par=u@example.net"[..]));
    assert_eq!(semicolon.params().count(), 0);
}

#[test]
fn what_follows_a_body_in_a_datagram_is_dropped() {
    let message = accepted("dblreq");
    assert_eq!(message.method(), &Method::Register);
    assert_eq!(message.body(), Bytes::new());
    assert_eq!(message.headers(Name::Via).count(), 1);
    let end = message.bytes().len();
    assert!(message.bytes().ends_with(b"Content-Length: 0\r\n\r\n"));
    assert!(end < self::message("dblreq").len());
}

#[test]
fn vias_of_every_transport_and_long_ones_are_read() {
    assert_eq!(accepted("transports").headers(Name::Via).count(), 5);
    let long = accepted("longreq");
    assert_eq!(long.headers(Name::Via).count(), 34);
    assert_eq!(long.to().unwrap().display.map(|it| it.len()), Some(103));
}

#[test]
fn reason_phrases_are_octets() {
    let utf8 = accepted("unreason");
    assert_eq!(utf8.status(), 200);
    assert!(std::str::from_utf8(utf8.reason()).unwrap().contains("= 2**3 * 5**2"));
    let empty = accepted("noreason");
    assert_eq!((empty.status(), empty.reason()), (100, &b""[..]));
    assert_eq!(empty.method(), &Method::Invite);
}

#[test]
fn a_contact_without_brackets_owns_the_parameter_and_one_with_does_not() {
    let bare = accepted("cparam01").contact().unwrap();
    assert_eq!(bare.param("unknownparam"), Some(&b""[..]));
    assert_eq!(bare.uri.param("unknownparam"), None);
    let inside = accepted("cparam02").contact().unwrap();
    assert_eq!(inside.param("unknownparam"), None);
    assert_eq!(inside.uri.param("unknownparam"), Some(&b""[..]));
    let headers = accepted("regescrt").contact().unwrap();
    assert_eq!(headers.uri.headers(), b"Route=%3Csip:sip.example.com%3E");
    let misread = parse(message("regbadct"));
    assert!(misread.is_err() || misread.is_ok_and(|it| it.contacts().is_err()));
}

#[test]
fn a_multipart_body_keeps_its_octets() {
    let message = accepted("mpart01");
    assert_eq!(message.content_type().as_deref(), Some("multipart/mixed"));
    assert_eq!(message.body().len(), 553);
}

#[test]
fn ipv6_addresses_and_their_ports_are_told_apart() {
    let ambiguous = accepted("port-ambiguous").uri().unwrap();
    assert_eq!(ambiguous.host(), Host::V6("2001:db8::10:5070".parse().unwrap()));
    assert_eq!(ambiguous.port(), None);
    let plain = accepted("port-unambiguous").uri().unwrap();
    assert_eq!(plain.host(), Host::V6("2001:db8::10".parse().unwrap()));
    assert_eq!(plain.port(), Some(5070));
    let with = accepted("via-received-param-with-delim");
    assert_eq!(with.top_via().received, Some(&b"[2001:db8::9:255]"[..]));
    let without = accepted("via-received-param-no-delim");
    assert_eq!(without.top_via().received, Some(&b"2001:db8::9:255"[..]));
    assert_eq!(accepted("mult-ip-in-header").headers(Name::Via).count(), 3);
    let mapped = accepted("ipv4-mapped-ipv6").contact().unwrap();
    assert_eq!(mapped.uri.host(), Host::V6("::ffff:192.0.2.2".parse().unwrap()));
}

#[test]
fn thirty_thousand_mutants_neither_panic_nor_break_a_property() {
    const WORDS: [&[u8]; 24] = [
        b"\r\n",
        b"\r\n ",
        b"\n",
        b"\r",
        b"\0",
        b":",
        b";",
        b",",
        b"\"",
        b"\\",
        b"<",
        b">",
        b"@",
        b"?",
        b"%00",
        b"%",
        b"[",
        b"]",
        b"=",
        b"Via: SIP/2.0/UDP a;branch=z9hG4bKx\r\n",
        b"Content-Length: 4294967296\r\n",
        b"l: 0\r\n",
        b"\xff\xfe",
        b"99999999999999999999",
    ];
    let seeds = messages();
    let mut state = 0x5eed_u64;
    let mut below = move |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(limit.max(1)).unwrap()).unwrap()
    };
    for round in 0..30_000 {
        let mut bytes = seeds[round % seeds.len()].1.to_vec();
        for _ in 0..=below(6) {
            let at = below(bytes.len() + 1);
            let end = (at + below(40)).min(bytes.len());
            match below(6) {
                0 if at < bytes.len() => bytes[at] ^= 1 << below(8),
                1 => drop(bytes.drain(at..end)),
                2 => {
                    let copy = bytes[at..end].to_vec();
                    let to = below(bytes.len() + 1);
                    bytes.splice(to..to, copy);
                }
                3 => bytes.truncate(at),
                4 => {
                    let other = &seeds[below(seeds.len())].1;
                    let from = below(other.len());
                    let piece = &other[from..(from + below(80)).min(other.len())];
                    bytes.splice(at..end, piece.iter().copied());
                }
                _ => drop(bytes.splice(at..at, WORDS[below(WORDS.len())].iter().copied())),
            }
        }
        properties::message(&bytes);
        properties::stream(&bytes);
    }
}
