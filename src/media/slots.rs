//! Things with a small number that stays theirs while they live.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A table of boxed things; a number is used again after its thing is gone, the lowest first: of
/// things that are put in one after the other the earlier has the lower number, and is the first
/// to act where several are due at the same moment.
#[derive(Debug)]
pub(super) struct Slots<T> {
    slots: Vec<Option<Box<T>>>,
    free: BinaryHeap<Reverse<u32>>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: BinaryHeap::new() }
    }
}

impl<T> Slots<T> {
    pub fn put(&mut self, it: T) -> u32 {
        let it = Some(Box::new(it));
        if let Some(Reverse(slot)) = self.free.pop() {
            self.slots[slot as usize] = it;
            return slot;
        }
        self.slots.push(it);
        (self.slots.len() - 1) as u32
    }

    pub fn get(&self, slot: u32) -> Option<&T> {
        self.slots.get(slot as usize)?.as_deref()
    }

    pub fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.slots.get_mut(slot as usize)?.as_deref_mut()
    }

    /// Two different ones at a time.
    pub fn pair_mut(&mut self, one: u32, other: u32) -> Option<(&mut T, &mut T)> {
        let [one, other] = self.slots.get_disjoint_mut([one as usize, other as usize]).ok()?;
        Some((one.as_deref_mut()?, other.as_deref_mut()?))
    }

    pub fn take(&mut self, slot: u32) -> Option<Box<T>> {
        let it = self.slots.get_mut(slot as usize)?.take()?;
        self.free.push(Reverse(slot));
        Some(it)
    }

    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }
}
