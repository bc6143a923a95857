//! Nonces that we can check without having kept them, and the little we keep of those in use.
//!
//! A nonce is the moment it was made (microseconds, never the same twice) and ten octets of
//! HMAC-SHA256 (RFC 2104) over that moment, the realm and the source address: 18 octets, 24
//! characters of base64url. So a challenge costs no memory (RFC 7616 section 5.4), a nonce is good
//! only at the address it was sent to, and whoever answers with one has really received it.
//!
//! What a replay would need is remembered in a [`Window`] of fixed size: the highest `nc` seen with
//! each nonce in use. A nonce that had to be forgotten counts as stale, with all older ones of its
//! row, and so does one from before a restart: no replay slips in however many are in use.

use std::net::IpAddr;
use std::time::Duration;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::cidr::widen;
use crate::clock::Wall;

/// Characters of a nonce.
pub(super) const LENGTH: usize = 24;
/// Octets of the HMAC that are kept: 80 bits.
const MAC: usize = 10;
/// A clock that stepped back may show us nonces from the future, up to so much.
const SKEW: Duration = Duration::from_secs(5);
/// Nonces per row of a window.
const WAYS: usize = 8;

/// HMAC-SHA256 with its key already taken in.
#[derive(Clone)]
pub(super) struct Hmac {
    inner: Sha256,
    outer: Sha256,
}

impl Hmac {
    /// `key` is at most one block (64 octets); more is cut off.
    pub fn new(key: &[u8]) -> Self {
        let pad = |with: u8| {
            let mut block = [with; 64];
            block.iter_mut().zip(key).for_each(|(it, key)| *it ^= key);
            Sha256::new_with_prefix(block)
        };
        Self { inner: pad(0x36), outer: pad(0x5c) }
    }

    pub fn of(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut inner = self.inner.clone();
        parts.iter().for_each(|it| inner.update(it));
        let mut outer = self.outer.clone();
        outer.update(inner.finalize());
        outer.finalize().into()
    }
}

/// Makes and recognises nonces.
pub(super) struct Nonces {
    hmac: Hmac,
    realm: Box<[u8]>,
    first: Option<u64>,
    last: u64,
}

/// When one of our nonces was made; unique among ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Issued(u64);

impl Nonces {
    pub fn new(secret: &[u8; 32], realm: &str) -> Self {
        Self { hmac: Hmac::new(secret), realm: realm.as_bytes().into(), first: None, last: 0 }
    }

    pub fn issue(&mut self, source: IpAddr, now: Wall) -> [u8; LENGTH] {
        let moment = (now.unix_micros().max(0) as u64).max(self.last + 1);
        self.last = moment;
        self.first.get_or_insert(moment);
        let mut octets = [0; 18];
        octets[..8].copy_from_slice(&moment.to_be_bytes());
        octets[8..].copy_from_slice(&self.mac(moment, source));
        encode(&octets)
    }

    /// Recognises a nonce that we made for this address, however old.
    pub fn recognise(&self, nonce: &[u8], source: IpAddr) -> Option<Issued> {
        let octets = decode(nonce)?;
        let (moment, mac) = octets.split_first_chunk::<8>()?;
        let moment = u64::from_be_bytes(*moment);
        let ours = self.mac(moment, source);
        bool::from(ours.ct_eq(mac)).then_some(Issued(moment))
    }

    /// Made before the first that was made here: by an earlier process with the same secret. How
    /// often it was used, nobody knows.
    pub fn is_older_than_all(&self, Issued(moment): Issued) -> bool {
        self.first.is_none_or(|first| moment < first)
    }

    fn mac(&self, moment: u64, source: IpAddr) -> [u8; MAC] {
        let source = widen(source).to_be_bytes();
        let mac = self.hmac.of(&[&moment.to_be_bytes(), &source, &self.realm]);
        let mut kept = [0; MAC];
        kept.copy_from_slice(&mac[..MAC]);
        kept
    }
}

impl Issued {
    /// Whether it is still good for this long after it was made.
    pub fn is_fresh(self, ttl: Duration, now: Wall) -> bool {
        let now = now.unix_micros().max(0) as u64;
        self.0 <= now.saturating_add(SKEW.as_micros() as u64)
            && now <= self.0.saturating_add(ttl.as_micros() as u64)
    }
}

/// The highest `nc` seen with each nonce in use (RFC 7616 section 3.4: strictly rising).
pub(super) struct Window {
    rows: Box<[Row]>,
}

#[derive(Clone, Copy, Default)]
struct Row {
    /// Nonces made up to this moment that are not in the row have been forgotten.
    forgotten: u64,
    seen: [(u64, u32); WAYS],
}

impl Window {
    /// Room for about `nonces`.
    pub fn new(nonces: usize) -> Self {
        let rows = nonces.div_ceil(WAYS).max(1);
        Self { rows: vec![Row::default(); rows].into() }
    }

    /// Notes that a nonce was used with this count; false if that is no rise: a replay.
    pub fn rises(&mut self, Issued(moment): Issued, nc: u32) -> bool {
        // Fibonacci hashing spreads moments that lie close together.
        let spread = moment.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let row = (spread as usize * self.rows.len()) >> 32;
        let Some(row) = self.rows.get_mut(row) else { return false };
        if let Some((_, seen)) = row.seen.iter_mut().find(|it| it.0 == moment) {
            let rises = *seen < nc;
            *seen = nc.max(*seen);
            return rises;
        }
        if nc == 0 || moment <= row.forgotten {
            return false;
        }
        let Some(oldest) = row.seen.iter_mut().min_by_key(|it| it.0) else { return false };
        if moment < oldest.0 {
            row.forgotten = moment;
        } else {
            row.forgotten = oldest.0;
            *oldest = (moment, nc);
        }
        true
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// base64url (RFC 4648 section 5): every character may stand in a token or a quoted string.
fn encode(octets: &[u8; 18]) -> [u8; LENGTH] {
    let mut text = [0; LENGTH];
    for (text, octets) in text.chunks_exact_mut(4).zip(octets.chunks_exact(3)) {
        let group = octets.iter().fold(0_u32, |all, it| all << 8 | u32::from(*it));
        for (n, it) in text.iter_mut().enumerate() {
            *it = ALPHABET[(group >> (18 - 6 * n) & 63) as usize];
        }
    }
    text
}

fn decode(text: &[u8]) -> Option<[u8; 18]> {
    if text.len() != LENGTH {
        return None;
    }
    let mut octets = [0; 18];
    for (octets, text) in octets.chunks_exact_mut(3).zip(text.chunks_exact(4)) {
        let mut group = 0;
        for it in text {
            group = group << 6 | u32::from(sextet(*it)?);
        }
        octets.copy_from_slice(&group.to_be_bytes()[1..]);
    }
    Some(octets)
}

fn sextet(character: u8) -> Option<u8> {
    Some(match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));
    const MINUTE: Duration = Duration::from_secs(60);

    fn at(seconds: i64) -> Wall {
        Wall::from_unix_micros(seconds * 1_000_000)
    }

    #[test]
    fn hmac_gives_what_rfc_4231_says() {
        let mac = Hmac::new(b"Jefe").of(&[b"what do ya want ", b"for nothing?"]);
        let hex: String = mac.iter().map(|it| format!("{it:02x}")).collect();
        assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn a_nonce_is_good_at_its_address_until_it_is_old() {
        let mut nonces = Nonces::new(&[7; 32], "here");
        let nonce = nonces.issue(HERE, at(1000));
        let issued = nonces.recognise(&nonce, HERE).unwrap();
        assert!(issued.is_fresh(MINUTE, at(1060)));
        assert!(!issued.is_fresh(MINUTE, at(1061)));
        assert!(issued.is_fresh(MINUTE, at(995)));
        assert!(!issued.is_fresh(MINUTE, at(994)));
        assert_eq!(nonces.recognise(&nonce, THERE), None);
        let mapped = "::ffff:192.0.2.1".parse().unwrap();
        assert_eq!(nonces.recognise(&nonce, mapped), Some(issued));
    }

    #[test]
    fn a_nonce_of_another_secret_or_realm_or_with_one_character_changed_is_not_ours() {
        let mut nonces = Nonces::new(&[7; 32], "here");
        let nonce = nonces.issue(HERE, at(1000));
        assert_eq!(Nonces::new(&[8; 32], "here").recognise(&nonce, HERE), None);
        assert_eq!(Nonces::new(&[7; 32], "there").recognise(&nonce, HERE), None);
        for n in 0..LENGTH {
            let mut changed = nonce;
            changed[n] = if changed[n] == b'A' { b'B' } else { b'A' };
            assert_eq!(nonces.recognise(&changed, HERE), None);
        }
        assert_eq!(nonces.recognise(&nonce[1..], HERE), None);
        assert_eq!(nonces.recognise(b"", HERE), None);
        assert_eq!(nonces.recognise(b"************************", HERE), None);
    }

    #[test]
    fn a_nonce_is_known_again_with_the_same_secret() {
        let nonce = Nonces::new(&[7; 32], "here").issue(HERE, at(1000));
        assert!(Nonces::new(&[7; 32], "here").recognise(&nonce, HERE).is_some());
    }

    #[test]
    fn no_two_nonces_are_alike_even_within_a_microsecond() {
        let mut nonces = Nonces::new(&[7; 32], "here");
        let first = nonces.issue(HERE, at(1000));
        assert_ne!(first, nonces.issue(HERE, at(1000)));
        assert_ne!(first, nonces.issue(HERE, at(999)));
    }

    #[test]
    fn a_nonce_from_before_a_restart_is_ours_but_older_than_all() {
        let old = Nonces::new(&[7; 32], "here").issue(HERE, at(1000));
        let mut nonces = Nonces::new(&[7; 32], "here");
        let old = nonces.recognise(&old, HERE).unwrap();
        assert!(nonces.is_older_than_all(old));
        let new = nonces.issue(HERE, at(1001));
        assert!(nonces.is_older_than_all(old));
        assert!(!nonces.is_older_than_all(nonces.recognise(&new, HERE).unwrap()));
    }

    #[test]
    fn the_count_must_rise() {
        let mut window = Window::new(64);
        let nonce = Issued(1_000_000);
        assert!(!window.rises(nonce, 0));
        assert!(window.rises(nonce, 1));
        assert!(!window.rises(nonce, 1));
        assert!(window.rises(nonce, 5));
        assert!(!window.rises(nonce, 2));
        assert!(window.rises(nonce, 6));
        assert!(window.rises(Issued(1_000_001), 1));
    }

    #[test]
    fn no_replay_slips_in_when_more_nonces_are_used_than_there_is_room_for() {
        let mut window = Window::new(64);
        let all: Vec<_> = (1..10_000).map(|n| Issued(n * 37)).collect();
        assert!(all.iter().all(|it| window.rises(*it, 1)), "a new nonce is always good once");
        assert!(!all.iter().any(|it| window.rises(*it, 1)));
        assert!(!all[..5_000].iter().any(|it| window.rises(*it, 2)), "forgotten means stale");
    }

    #[test]
    fn a_nonce_older_than_all_in_its_row_is_good_once() {
        let mut window = Window::new(1);
        assert!((100..108).all(|n| window.rises(Issued(n), 1)));
        assert!(window.rises(Issued(50), 1));
        assert!(!window.rises(Issued(50), 2));
        assert!(!window.rises(Issued(49), 1));
    }
}
