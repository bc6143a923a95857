//! The 401 that asks who is there (RFC 3261 section 22.1, RFC 8760 section 2.3).
//!
//! It is stateless, and never larger than a request whose source may be forged (UDP, from somebody
//! who has not proved to be there lately): then fewer algorithms are offered, then a bare challenge
//! under compact names without what may be left out, then it is a 403, then nothing.

use std::fmt::Write as _;

use bytes::Bytes;

use super::auth::Door;
use super::config::Algorithm;
use super::nonce::LENGTH;
use crate::clock::Wall;
use crate::sip::{Hop, Message, Name, Value, Write};

/// `None`: any answer would be longer than `limit`.
pub(super) fn challenge(
    door: &mut Door,
    request: &Message,
    stale: bool,
    from: &Hop,
    limit: usize,
    now: Wall,
) -> Option<Bytes> {
    let nonce = door.nonce(from.remote.ip(), now);
    let nonce = std::str::from_utf8(&nonce).ok()?;
    // The last characters of a nonce are as good as random.
    let tag = nonce.get(LENGTH - 6..)?;
    let answer = Write::response_from(request, 401, from.remote).to_tag(tag);
    let put = |answer: Write, it: &Value| answer.header(Name::WwwAuthenticate, it);
    let room = limit.saturating_sub(answer.octets());

    let (first, others) = door.algorithms().split_first()?;
    let value = |algorithm| value(door.realm(), nonce, algorithm, stale);
    let lone = value(Some(*first))?;
    if ENDING + size(&lone) <= room {
        let others: Vec<_> = others.iter().filter_map(|it| value(Some(*it))).collect();
        let all = ENDING + size(&lone) + others.iter().map(size).sum::<usize>();
        let offered = if all <= room { &others[..] } else { &[] };
        return Some(offered.iter().fold(put(answer, &lone), put).finish());
    }
    let tag = tag.get(SHORT_TAG..)?;
    let answer = Write::short_response_from(request, 401, from.remote).to_tag(tag);
    // MD5 goes without saying (RFC 7616 section 3.3), and a datagram ends where it ends (RFC 3261
    // section 18.3). `stale` stays: without it a phone would ask its user for another password.
    let bare = value(Some(*first).filter(|it| *it != Algorithm::Md5))?;
    let bare = put(answer, &bare).finish_datagram();
    if bare.len() <= limit {
        return Some(bare);
    }
    // Who sends so little learns at least that it is not let in.
    let refusal = Write::short_response_from(request, 403, from.remote).to_tag(tag);
    let refusal = refusal.finish_datagram();
    (refusal.len() <= limit).then_some(refusal)
}

/// Where the part of a tag begins that stands in short answers.
const SHORT_TAG: usize = 3;

/// What the writer puts at the end.
const ENDING: usize = "Content-Length: 0\r\n\r\n".len();

/// Of a whole header line.
fn size(value: &Value) -> usize {
    "WWW-Authenticate: \r\n".len() + value.as_bytes().len()
}

fn value(realm: &str, nonce: &str, algorithm: Option<Algorithm>, stale: bool) -> Option<Value> {
    let mut text = String::with_capacity(128);
    let _ = write!(text, "Digest realm=\"{realm}\",nonce=\"{nonce}\",qop=\"auth\"");
    text.push_str(match algorithm {
        None => "",
        Some(Algorithm::Md5) => ",algorithm=MD5",
        Some(Algorithm::Sha256) => ",algorithm=SHA-256",
    });
    if stale {
        text.push_str(",stale=true");
    }
    Value::new(text).ok()
}
