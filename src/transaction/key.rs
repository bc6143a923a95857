//! Which transaction a message belongs to (RFC 3261 sections 17.1.3 and 17.2.3), as a number.
//!
//! What must match is hashed twice by SipHash behind two secret words: 128 bits that stand for the
//! text. Nobody outside can make two of them meet, and the table keeps no text.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};

use crate::sip::{Message, Method, Name};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key([u64; 2]);

/// A map whose keys are as good as their own hashes.
pub type ByKey<V> = HashMap<Key, V, BuildHasherDefault<AsItIs>>;

/// The two secret words.
#[derive(Clone, Copy, Debug)]
pub struct Secret([u64; 2]);

impl Secret {
    pub fn new(seed: u128) -> Self {
        Self([seed as u64, (seed >> 64) as u64])
    }

    /// Of a request that arrived; an ACK and a CANCEL belong to their INVITE.
    pub fn server(&self, request: &Message) -> Key {
        let method = match request.method() {
            Method::Ack | Method::Cancel => &Method::Invite,
            it => it,
        };
        if has_cookie(request.branch()) {
            let via = request.top_via();
            self.key(|hash| {
                (1_u8, method.as_bytes(), request.branch(), via.port).hash(hash);
                fold(via.host, hash);
            })
        } else {
            // RFC 2543: everything else that tells requests apart. The To tag, which an ACK has
            // and its INVITE may not, is left out for these two.
            let to_tag = if *method == Method::Invite { &[] } else { request.to_tag() };
            let via = request.header(Name::Via).unwrap_or_default();
            self.key(|hash| {
                (2_u8, method.as_bytes(), request.request_uri(), via.as_ref()).hash(hash);
                (request.call_id(), request.cseq(), request.from_tag(), to_tag).hash(hash);
            })
        }
    }

    /// What two copies of one request have in common that came by different ways (RFC 3261 section
    /// 8.2.2.2).
    pub fn merge(&self, request: &Message) -> Key {
        self.key(|hash| {
            (3_u8, request.method().as_bytes(), request.call_id()).hash(hash);
            (request.cseq(), request.from_tag()).hash(hash);
        })
    }

    /// Of a request of ours, and of the responses to it.
    pub fn client(&self, branch: &[u8], method: &Method) -> Key {
        self.key(|hash| (4_u8, method.as_bytes(), branch).hash(hash))
    }

    /// A To tag for answers without state: the same each time the request comes.
    pub fn tag(&self, request: &Message) -> String {
        let Key([a, _]) = self.key(|hash| {
            (5_u8, request.branch(), request.call_id(), request.from_tag()).hash(hash);
        });
        format!("{a:016x}")
    }

    fn key(&self, feed: impl Fn(&mut DefaultHasher)) -> Key {
        Key(self.0.map(|word| {
            let mut hash = DefaultHasher::new();
            hash.write_u64(word);
            feed(&mut hash);
            hash.finish()
        }))
    }
}

/// Hashes other keys behind a secret word.
impl BuildHasher for Secret {
    type Hasher = DefaultHasher;

    fn build_hasher(&self) -> DefaultHasher {
        let mut hash = DefaultHasher::new();
        hash.write_u64(self.0[0]);
        hash
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[0]);
    }
}

/// Takes the one word it is given.
#[derive(Clone, Copy, Debug, Default)]
pub struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 ^= word;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// RFC 3261 section 8.1.1.7: such a branch is unique.
fn has_cookie(branch: &[u8]) -> bool {
    branch.len() > COOKIE.len()
        && branch.get(..COOKIE.len()).is_some_and(|it| it.eq_ignore_ascii_case(COOKIE))
}

const COOKIE: &[u8] = b"z9hG4bK";

/// Host names are compared without regard to case.
fn fold(host: &[u8], hash: &mut DefaultHasher) {
    hash.write_usize(host.len());
    for byte in host {
        hash.write_u8(byte.to_ascii_lowercase());
    }
}
