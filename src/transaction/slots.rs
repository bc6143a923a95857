//! Places for many small things, found by a number that is never handed out twice.

use std::fmt;

/// A place and the generation of its tenant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    place: u32,
    generation: u32,
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.place, self.generation)
    }
}

#[derive(Debug)]
pub struct Slots<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    tenants: usize,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    tenant: Option<T>,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), tenants: 0 }
    }
}

impl<T> Slots<T> {
    pub fn insert(&mut self, tenant: T) -> Id {
        self.tenants += 1;
        match self.free.pop() {
            Some(place) => {
                let slot = &mut self.slots[place as usize];
                slot.tenant = Some(tenant);
                Id { place, generation: slot.generation }
            }
            None => {
                let place = self.slots.len() as u32;
                self.slots.push(Slot { generation: 0, tenant: Some(tenant) });
                Id { place, generation: 0 }
            }
        }
    }

    /// A number nobody has, nor ever will.
    pub fn spend(&mut self) -> Id {
        let place = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, tenant: None });
            self.slots.len() as u32 - 1
        });
        let slot = &mut self.slots[place as usize];
        let id = Id { place, generation: slot.generation };
        self.vacate(place);
        id
    }

    /// A place whose generations are used up (after four thousand million tenants) stays empty.
    pub fn remove(&mut self, id: Id) -> Option<T> {
        let slot =
            self.slots.get_mut(id.place as usize).filter(|it| it.generation == id.generation)?;
        let tenant = slot.tenant.take()?;
        self.tenants -= 1;
        self.vacate(id.place);
        Some(tenant)
    }

    pub fn get(&self, id: Id) -> Option<&T> {
        let slot = self.slots.get(id.place as usize)?;
        slot.tenant.as_ref().filter(|_| slot.generation == id.generation)
    }

    pub fn get_mut(&mut self, id: Id) -> Option<&mut T> {
        let slot = self.slots.get_mut(id.place as usize)?;
        slot.tenant.as_mut().filter(|_| slot.generation == id.generation)
    }

    pub fn len(&self) -> usize {
        self.tenants
    }

    fn vacate(&mut self, place: u32) {
        let slot = &mut self.slots[place as usize];
        if let Some(next) = slot.generation.checked_add(1) {
            slot.generation = next;
            self.free.push(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_not_handed_out_twice() {
        let mut slots = Slots::default();
        let first = slots.insert('a');
        assert_eq!(slots.remove(first), Some('a'));
        let second = slots.insert('b');
        assert_ne!(first, second);
        assert_eq!((slots.get(first), slots.get(second)), (None, Some(&'b')));
        assert_eq!((slots.remove(first), slots.len()), (None, 1));
        let spent = slots.spend();
        assert_ne!(slots.insert('c'), spent);
        assert_eq!((slots.get(spent), slots.len()), (None, 2));
    }
}
