//! Who took which caller last, for sticky queues. Bounded: who was remembered longest ago goes.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::Who;

/// A queue and a caller's number.
type Key = (Arc<str>, Arc<str>);

pub(super) struct Memory {
    most: usize,
    kept: BTreeMap<Key, (Who, u64)>,
    /// The keys, oldest first.
    order: BTreeMap<u64, Key>,
    next: u64,
}

impl Memory {
    pub fn new(most: usize) -> Self {
        Self { most, kept: BTreeMap::new(), order: BTreeMap::new(), next: 0 }
    }

    /// Somebody took this caller. A caller without a number is not known again.
    pub fn keep(&mut self, queue: &Arc<str>, number: &Arc<str>, who: &Who) {
        if number.is_empty() {
            return;
        }
        let key = (Arc::clone(queue), Arc::clone(number));
        self.next += 1;
        if let Some((_, before)) = self.kept.insert(key.clone(), (who.clone(), self.next)) {
            self.order.remove(&before);
        }
        self.order.insert(self.next, key);
        while self.most < self.kept.len() {
            let Some((_, oldest)) = self.order.pop_first() else { return };
            self.kept.remove(&oldest);
        }
    }

    pub fn last(&self, queue: &Arc<str>, number: &Arc<str>) -> Option<&Who> {
        self.kept.get(&(Arc::clone(queue), Arc::clone(number))).map(|(who, _)| who)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_remembered_longest_ago_is_forgotten_first() {
        let mut memory = Memory::new(2);
        let queue: Arc<str> = "sales".into();
        let number = |it: &str| -> Arc<str> { it.into() };
        let ann = Who::Agent("ann".into());
        memory.keep(&queue, &number("1"), &ann);
        memory.keep(&queue, &number("2"), &ann);
        memory.keep(&queue, &number("1"), &ann);
        memory.keep(&queue, &number("3"), &ann);
        memory.keep(&queue, &number(""), &ann);
        let known = |it: &str| memory.last(&queue, &number(it)).is_some();
        assert_eq!(["1", "2", "3", ""].map(known), [true, false, true, false]);
        assert_eq!(memory.last(&number("support"), &number("1")), None);
        assert_eq!(memory.order.len(), 2);
    }
}
