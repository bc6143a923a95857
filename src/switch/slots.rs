//! The call table: a slot for each call, reused under a new generation when the call is over.

use super::ids::{CallKey, SLOTS_MAX};

/// Values by key; a key from an earlier use of its slot finds nothing.
pub struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    held: usize,
}

struct Slot<T> {
    generation: u32,
    value: Option<Box<T>>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), held: 0 }
    }
}

impl<T> Slots<T> {
    /// The key that the next [`Slots::put`] will use, or `None` when the table is full.
    pub fn next_key(&mut self) -> Option<CallKey> {
        if let Some(slot) = self.free.last() {
            let generation = self.slots.get(*slot as usize)?.generation;
            return Some(CallKey { slot: *slot, generation });
        }
        let slot = self.slots.len() as u32;
        if SLOTS_MAX <= slot {
            return None;
        }
        self.slots.push(Slot { generation: 1, value: None });
        self.free.push(slot);
        Some(CallKey { slot, generation: 1 })
    }

    /// Puts `value` at a key that [`Slots::next_key`] has just given.
    pub fn put(&mut self, key: CallKey, value: T) {
        if self.free.last() == Some(&key.slot)
            && let Some(slot) = self.slots.get_mut(key.slot as usize)
        {
            self.free.pop();
            slot.value = Some(Box::new(value));
            self.held += 1;
        }
    }

    pub fn get_mut(&mut self, key: CallKey) -> Option<&mut T> {
        let slot = self.slots.get_mut(key.slot as usize)?;
        if slot.generation != key.generation {
            return None;
        }
        slot.value.as_deref_mut()
    }

    /// What is in the slot of this number, if anything; `None` after the last.
    pub fn at_slot(&self, slot: u32) -> Option<Option<&T>> {
        self.slots.get(slot as usize).map(|it| it.value.as_deref())
    }

    pub fn remove(&mut self, key: CallKey) -> Option<T> {
        let slot = self.slots.get_mut(key.slot as usize)?;
        if slot.generation != key.generation {
            return None;
        }
        let value = slot.value.take()?;
        slot.generation = (slot.generation + 1) & 0xff_ffff;
        self.free.push(key.slot);
        self.held -= 1;
        Some(*value)
    }

    /// All keys in use, in slot order.
    pub fn keys(&self) -> Vec<CallKey> {
        let used = self.slots.iter().enumerate().filter(|(_, it)| it.value.is_some());
        used.map(|(n, it)| CallKey { slot: n as u32, generation: it.generation }).collect()
    }

    pub fn len(&self) -> usize {
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_an_earlier_call_finds_nothing() {
        let mut slots = Slots::default();
        let first = slots.next_key().unwrap();
        slots.put(first, 'a');
        assert_eq!(slots.remove(first), Some('a'));
        let second = slots.next_key().unwrap();
        slots.put(second, 'b');
        assert_eq!(first.slot, second.slot);
        assert_eq!(slots.get_mut(first), None);
        assert_eq!(slots.get_mut(second), Some(&mut 'b'));
        assert_eq!(slots.keys(), [second]);
    }
}
