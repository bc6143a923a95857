//! Reliable provisional responses (RFC 3262): ours until PRACK, and the order of theirs.

use bytes::Bytes;

use super::resend::{Due, Resend};
use crate::clock::Instant;
use crate::sip::{Message, Method};

/// A reliable provisional response of ours that is not acknowledged yet.
#[derive(Clone, Debug)]
pub(super) struct Unpracked {
    pub rseq: u32,
    pub status: u16,
    pub response: Bytes,
    /// It carries a session description: no 2xx before its PRACK (section 3).
    pub described: bool,
    resend: Resend,
}

/// Our numbering of them.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    next: u32,
}

impl Numbers {
    /// Section 3: the first number is chosen at random from 1 to 2^31 - 1.
    pub fn new(random: u64) -> Self {
        Self { next: (random % 0x7fff_fffe) as u32 + 1 }
    }

    pub fn take(&mut self) -> u32 {
        let rseq = self.next;
        self.next += 1;
        rseq
    }
}

impl Unpracked {
    pub fn new(rseq: u32, status: u16, response: Bytes, described: bool, now: Instant) -> Self {
        Self { rseq, status, response, described, resend: Resend::of_18x(now) }
    }

    /// Section 3: RSeq, CSeq number and CSeq method must all match.
    pub fn matches(&self, prack: &Message, invite_cseq: u32) -> bool {
        acknowledges(prack, self.rseq, invite_cseq)
    }

    pub fn deadline(&self) -> Instant {
        self.resend.deadline()
    }

    pub fn on_time(&mut self, now: Instant) -> Due {
        self.resend.on_time(now)
    }
}

pub(super) fn acknowledges(prack: &Message, rseq: u32, invite_cseq: u32) -> bool {
    prack
        .rack()
        .is_some_and(|it| it.rseq == rseq && it.cseq == invite_cseq && it.method == Method::Invite)
}

/// Where in its order a reliable provisional response of the far end stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Next,
    /// A retransmission, or one that overtook another: not acknowledged, not looked at (section 4).
    Skip,
}

/// Judges `rseq` after `last`, which is kept up to date.
pub(super) fn order(last: &mut Option<u32>, rseq: u32) -> Order {
    match *last {
        Some(before) if before.checked_add(1) != Some(rseq) => Order::Skip,
        _ => {
            *last = Some(rseq);
            Order::Next
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_and_a_repetition_are_skipped_until_the_missing_one_comes() {
        let mut last = None;
        let judged: Vec<Order> =
            [7, 7, 9, 8, 9].into_iter().map(|it| order(&mut last, it)).collect();
        assert_eq!(judged, [Order::Next, Order::Skip, Order::Skip, Order::Next, Order::Next]);
    }

    #[test]
    fn the_first_number_is_never_zero_nor_over_2_to_31() {
        for random in [0, 1, 0x7fff_fffd, 0x7fff_fffe, u64::MAX] {
            let first = Numbers::new(random).take();
            assert!((1..0x8000_0000).contains(&first), "{first}");
        }
    }
}
