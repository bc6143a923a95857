//! Every identifier we mint says whose it is, so that no table is needed to find its owner.
//!
//! A key names a slot in the call table and its generation; with a leg and a branch of that leg
//! it fits 64 bits, which go into tags, Call-IDs and media sessions. What must not be guessed
//! (the dialog's tag, the nonce) has 64 random bits beside it.

use rand_chacha::ChaCha12Rng;
use rand_core::{RngCore, SeedableRng};

/// A place in the call table: slot (24 bits) and generation (24 bits).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallKey {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

/// One branch of one leg: a leg to a registered client has a branch for each of its phones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BranchKey {
    pub call: CallKey,
    pub leg: u8,
    pub branch: u8,
}

/// Calls that can be held at once by one switch.
pub(super) const SLOTS_MAX: u32 = 1 << 24;

impl BranchKey {
    /// All of it in 64 bits.
    pub fn pack(self) -> u64 {
        (u64::from(self.call.slot) << 40)
            | (u64::from(self.call.generation & 0xff_ffff) << 16)
            | (u64::from(self.leg) << 8)
            | u64::from(self.branch)
    }

    pub fn unpack(bits: u64) -> Self {
        let call =
            CallKey { slot: (bits >> 40) as u32, generation: (bits >> 16) as u32 & 0xff_ffff };
        Self { call, leg: (bits >> 8) as u8, branch: bits as u8 }
    }

    /// The key inside a tag that [`Ids::tag`] made.
    pub fn of_tag(tag: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(tag.get(..16)?).ok()?;
        u64::from_str_radix(text, 16).ok().map(Self::unpack)
    }
}

/// The one source of randomness: seeded by the shell, or by a test.
pub struct Ids {
    random: ChaCha12Rng,
}

impl Ids {
    pub fn new(seed: [u8; 32]) -> Self {
        Self { random: ChaCha12Rng::from_seed(seed) }
    }

    pub fn random(&mut self) -> u64 {
        self.random.next_u64()
    }

    /// A tag that says whose it is and cannot be guessed.
    pub fn tag(&mut self, of: BranchKey) -> String {
        hex("", &[of.pack(), self.random()])
    }

    /// A name for a call: unique for ever, sortable by nothing.
    pub fn call_id(&mut self) -> String {
        hex("", &[self.random(), self.random()])
    }
}

/// Numbers in hexadecimal, 16 digits each.
fn hex(start: &str, numbers: &[u64]) -> String {
    let mut text = String::with_capacity(start.len() + 16 * numbers.len());
    text.push_str(start);
    for number in numbers {
        let digits = (0..16).rev().map(|n| (number >> (4 * n)) as u32 & 0xf);
        text.extend(digits.filter_map(|it| char::from_digit(it, 16)));
    }
    text
}

/// The identifiers of one branch, as its dialog mints them.
pub(super) struct BranchIds<'a> {
    pub ids: &'a mut Ids,
    pub key: BranchKey,
}

impl crate::dialog::Ids for BranchIds<'_> {
    fn tag(&mut self) -> String {
        self.ids.tag(self.key)
    }

    fn branch(&mut self) -> String {
        hex("z9hG4bK", &[self.ids.random()])
    }

    fn call_id(&mut self) -> String {
        self.ids.call_id()
    }

    fn random(&mut self) -> u64 {
        self.ids.random()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_tells_its_owner() {
        let key =
            BranchKey { call: CallKey { slot: 0xabcdef, generation: 0x123456 }, leg: 7, branch: 2 };
        let tag = Ids::new([1; 32]).tag(key);
        assert_eq!(BranchKey::of_tag(tag.as_bytes()), Some(key));
        assert_eq!(BranchKey::of_tag(b"short"), None);
        assert_eq!(BranchKey::of_tag(b"zzzzzzzzzzzzzzzzzzzzzz"), None);
    }
}
