//! Every identifier we mint says whose it is, so that no table is needed to find its owner.
//!
//! A key names a slot in the call table and its generation; with a leg and a branch of that leg
//! it fits 64 bits, which go into tags and media sessions. A tag has 64 bits beside it that only we
//! can make for that key: whoever guesses at one names nobody, and nothing is done for him.

use std::hash::{DefaultHasher, Hasher as _};

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
}

/// The one source of randomness: seeded by the shell, or by a test.
pub struct Ids {
    random: ChaCha12Rng,
    /// Knows the seed.
    seal: DefaultHasher,
    /// Call-IDs made for legs since they were last told, if they are.
    minted: Option<Vec<String>>,
}

impl Ids {
    pub fn new(seed: [u8; 32], tells_dialogs: bool) -> Self {
        let mut seal = DefaultHasher::new();
        seal.write(b"tags");
        seal.write(&seed);
        let minted = tells_dialogs.then(Vec::new);
        Self { random: ChaCha12Rng::from_seed(seed), seal, minted }
    }

    pub fn random(&mut self) -> u64 {
        self.random.next_u64()
    }

    /// A tag that says whose it is and cannot be guessed.
    pub fn tag(&self, of: BranchKey) -> String {
        hex("", &[of.pack(), self.sealed(of)])
    }

    /// Whose tag this is, if we made it.
    pub fn owner(&self, tag: &[u8]) -> Option<BranchKey> {
        let text = std::str::from_utf8(tag.get(..16)?).ok()?;
        let key = BranchKey::unpack(u64::from_str_radix(text, 16).ok()?);
        (self.tag(key).as_bytes() == tag).then_some(key)
    }

    fn sealed(&self, of: BranchKey) -> u64 {
        let mut seal = self.seal.clone();
        seal.write_u64(of.pack());
        seal.finish()
    }

    /// A Call-ID that was made for a leg.
    pub fn told(&mut self) -> Option<String> {
        self.minted.as_mut()?.pop()
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
        let id = self.ids.call_id();
        if let Some(minted) = &mut self.ids.minted {
            minted.push(id.clone());
        }
        id
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
        let ids = Ids::new([1; 32], false);
        let tag = ids.tag(key);
        assert_eq!(tag.len(), 32);
        assert_eq!(ids.owner(tag.as_bytes()), Some(key));
        assert_eq!(
            Ids::new([2; 32], false).owner(tag.as_bytes()),
            None,
            "another exchange made it"
        );
        assert_eq!(ids.owner(format!("{tag}0").as_bytes()), None);
        assert_eq!(ids.owner(&tag.as_bytes()[..31]), None);
        assert_eq!(ids.owner(tag.to_uppercase().as_bytes()), None);
        assert_eq!(ids.owner(b"short"), None);
        assert_eq!(ids.owner(b"zzzzzzzzzzzzzzzzzzzzzz"), None);
    }
}
