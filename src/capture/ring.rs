//! So much of a call and no more: the first half of what fits stays, the rest makes room.

use std::collections::VecDeque;

use super::Message;

/// What is kept of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub messages: usize,
    pub bytes: usize,
}

/// The messages of one call: how it began is kept for good, of the rest the latest.
#[derive(Clone, Debug, Default)]
pub struct Ring {
    first: Vec<Message>,
    latest: VecDeque<Message>,
    /// Bytes of either.
    held: [usize; 2],
    left_out: u64,
}

/// What a message takes besides its bytes.
const OVERHEAD: usize = std::mem::size_of::<Message>();

impl Ring {
    pub fn push(&mut self, message: Message, limits: Limits) {
        let size = message.bytes.len() + OVERHEAD;
        let half = Limits { messages: limits.messages.div_ceil(2), bytes: limits.bytes / 2 };
        let fits = self.held[0] + size <= half.bytes && self.first.len() < half.messages;
        if self.latest.is_empty() && self.left_out == 0 && fits {
            self.held[0] += size;
            self.first.push(message);
            return;
        }
        self.held[1] += size;
        self.latest.push_back(message);
        let most = limits.messages - half.messages.min(limits.messages);
        while most < self.latest.len() || half.bytes < self.held[1] {
            let Some(oldest) = self.latest.pop_front() else { break };
            self.held[1] -= oldest.bytes.len() + OVERHEAD;
            self.left_out += 1;
        }
    }

    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    pub fn len(&self) -> usize {
        self.first.len() + self.latest.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Everything that is kept, in order.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.first.iter().chain(&self.latest)
    }
}
