//! Whom a port listens to (RFC 7362 and its dangers).
//!
//! Sources are ranked: the signalled address and port, then its address from another port, then
//! (only where signalling says the far end is behind NAT) the address that its signalling comes
//! from, then any. A better one takes over whenever it speaks; a worse or equal one never does.
//! Strangers are dropped before anything else looks at them. A source of the last two ranks must
//! send [`Gate::PROOF`] packets of one stream with the negotiated payload type first, so that a
//! stray datagram wins nothing; and one of the last has only [`Gate::WINDOW`] for it.

use std::net::SocketAddr;
use std::time::Duration;

use super::Latch;
use crate::clock::Instant;

/// The rule for one leg and what it has come to.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    rule: Latch,
    signalled: Option<SocketAddr>,
    source: Option<(SocketAddr, Rank)>,
    /// Until when an unsignalled address may win.
    until: Instant,
    candidate: Option<Candidate>,
    /// Packets turned away.
    pub foreign: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Stranger,
    Home,
    Address,
    Exact,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    from: SocketAddr,
    ssrc: u32,
    seen: u8,
}

impl Gate {
    /// How long after negotiation an unsignalled address may win.
    pub const WINDOW: Duration = Duration::from_secs(10);
    /// Packets of one stream that an unsignalled address must send.
    pub const PROOF: u8 = 3;

    pub fn new() -> Self {
        Self {
            rule: Latch::Exact,
            signalled: None,
            source: None,
            until: Instant::START,
            candidate: None,
            foreign: 0,
        }
    }

    /// A new answer. A changed address or rule starts over; the same again only leaves a source
    /// that has not spoken yet more time. On hold without an address all stays as it is.
    pub fn negotiate(&mut self, rule: Latch, signalled: Option<SocketAddr>, now: Instant) {
        if signalled.is_none() {
            return;
        }
        if self.signalled != signalled || self.rule != rule {
            self.rule = rule;
            self.signalled = signalled;
            self.source = None;
            self.candidate = None;
        }
        self.until = now + Self::WINDOW;
    }

    /// Whether a packet from there is listened to. `known` says that its payload type is one
    /// that was negotiated.
    pub fn admit(&mut self, from: SocketAddr, ssrc: u32, known: bool, now: Instant) -> bool {
        if let Some((source, _)) = self.source
            && source == from
        {
            return true;
        }
        let admitted = self.wins(from, ssrc, known, now);
        if !admitted {
            self.foreign += 1;
        }
        admitted
    }

    fn wins(&mut self, from: SocketAddr, ssrc: u32, known: bool, now: Instant) -> bool {
        let Some(signalled) = self.signalled else { return false };
        let rank = if from == signalled {
            Rank::Exact
        } else if from.ip() == signalled.ip() {
            Rank::Address
        } else if matches!(self.rule, Latch::Any { home } if home == Some(from.ip())) {
            Rank::Home
        } else {
            Rank::Stranger
        };
        if self.source.is_some_and(|(_, held)| rank <= held) {
            return false;
        }
        let allowed = match (rank, self.rule) {
            (Rank::Exact, _) => true,
            (Rank::Address, Latch::Address | Latch::Any { .. }) => true,
            (Rank::Home, Latch::Any { .. }) => known && self.proves(from, ssrc),
            (Rank::Stranger, Latch::Any { .. }) => {
                known && now < self.until && self.proves(from, ssrc)
            }
            (Rank::Address, Latch::Exact)
            | (Rank::Home | Rank::Stranger, Latch::Exact | Latch::Address) => false,
        };
        if allowed {
            self.source = Some((from, rank));
            self.candidate = None;
        }
        allowed
    }

    fn proves(&mut self, from: SocketAddr, ssrc: u32) -> bool {
        let seen = match self.candidate {
            Some(it) if it.from == from && it.ssrc == ssrc => it.seen + 1,
            Some(_) | None => 1,
        };
        self.candidate = Some(Candidate { from, ssrc, seen });
        Self::PROOF <= seen
    }

    /// Who was latched, if anybody spoke.
    pub fn source(&self) -> Option<SocketAddr> {
        self.source.map(|(source, _)| source)
    }

    /// Where packets to this leg go: the signalled address, or where a phone behind NAT speaks
    /// from.
    pub fn target(&self) -> Option<SocketAddr> {
        match self.rule {
            Latch::Any { .. } => self.source().or(self.signalled),
            Latch::Exact | Latch::Address => self.signalled,
        }
    }

    /// Whether RTCP from there belongs to this leg: from the host that is listened to, or, before
    /// it spoke, from the signalled one.
    pub fn knows(&self, from: SocketAddr) -> bool {
        self.source().or(self.signalled).is_some_and(|it| it.ip() == from.ip())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(last: u8, port: u16) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, last], port))
    }

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn gate(rule: Latch) -> Gate {
        let mut gate = Gate::new();
        gate.negotiate(rule, Some(host(1, 4000)), at(0));
        gate
    }

    fn speaks(gate: &mut Gate, from: SocketAddr) -> bool {
        gate.admit(from, 7, true, at(1))
    }

    const ANY: Latch = Latch::Any { home: None };

    #[test]
    fn nobody_is_heard_before_an_address_was_negotiated() {
        let mut gate = Gate::new();
        assert!(!speaks(&mut gate, host(1, 4000)));
        assert_eq!(gate.target(), None);
    }

    #[test]
    fn exact_takes_only_the_signalled_address_and_port() {
        let mut gate = gate(Latch::Exact);
        assert!(!speaks(&mut gate, host(1, 4002)));
        assert!(!speaks(&mut gate, host(9, 4000)));
        assert!(speaks(&mut gate, host(1, 4000)));
        assert_eq!((gate.foreign, gate.source()), (2, Some(host(1, 4000))));
    }

    #[test]
    fn address_takes_the_first_port_that_speaks_and_stays_with_it() {
        let mut gate = gate(Latch::Address);
        assert!(!speaks(&mut gate, host(9, 4000)));
        assert!(speaks(&mut gate, host(1, 5000)));
        assert!(!speaks(&mut gate, host(1, 5002)));
        assert_eq!(gate.target(), Some(host(1, 4000)), "sent to where it was signalled");
    }

    #[test]
    fn the_signalled_source_takes_over_and_is_never_left_for_a_worse_one() {
        let mut gate = gate(ANY);
        for _ in 0..3 {
            speaks(&mut gate, host(9, 6000));
        }
        assert_eq!(gate.target(), Some(host(9, 6000)));
        assert!(speaks(&mut gate, host(1, 5000)));
        assert!(speaks(&mut gate, host(1, 4000)));
        assert!(!speaks(&mut gate, host(1, 5000)));
        assert!((0..9).all(|_| !speaks(&mut gate, host(9, 6000))));
        assert_eq!(gate.target(), Some(host(1, 4000)));
    }

    #[test]
    fn a_stranger_must_send_three_packets_of_one_stream_and_in_time() {
        let mut gate = gate(ANY);
        assert!(!gate.admit(host(9, 1), 7, true, at(1)));
        assert!(!gate.admit(host(9, 1), 8, true, at(1)), "another SSRC starts over");
        assert!(!gate.admit(host(9, 1), 8, false, at(1)), "a strange payload type counts not");
        assert!(!gate.admit(host(9, 1), 8, true, at(1)));
        assert!(gate.admit(host(9, 1), 8, true, at(1)));
        assert_eq!(gate.foreign, 4);
    }

    #[test]
    fn a_stranger_comes_too_late_after_the_window() {
        let mut gate = gate(ANY);
        assert!((0..9).all(|_| !gate.admit(host(9, 1), 7, true, at(10))));
        gate.negotiate(ANY, Some(host(1, 4000)), at(20));
        assert!((0..3).any(|_| gate.admit(host(9, 1), 7, true, at(29))));
    }

    #[test]
    fn where_the_signalling_comes_from_beats_whoever_was_quicker_and_may_take_its_time() {
        let mut gate = gate(Latch::Any { home: Some(host(5, 0).ip()) });
        for _ in 0..3 {
            speaks(&mut gate, host(9, 6000));
        }
        assert_eq!(gate.source(), Some(host(9, 6000)), "it sprayed, and was first");
        let muted = at(300);
        let said: Vec<_> = (0..3).map(|_| gate.admit(host(5, 4444), 7, true, muted)).collect();
        assert_eq!(said, [false, false, true]);
        assert!((0..9).all(|_| !gate.admit(host(9, 6000), 7, true, muted)));
        assert!((0..9).all(|_| !gate.admit(host(5, 5555), 7, true, muted)), "one of equals");
        assert_eq!(gate.target(), Some(host(5, 4444)));
    }

    #[test]
    fn a_new_address_starts_over_and_the_same_again_does_not() {
        let mut gate = gate(Latch::Address);
        speaks(&mut gate, host(1, 5000));
        gate.negotiate(Latch::Address, Some(host(1, 4000)), at(2));
        assert_eq!(gate.source(), Some(host(1, 5000)));
        gate.negotiate(Latch::Address, None, at(3));
        assert_eq!(gate.source(), Some(host(1, 5000)), "hold without an address");
        gate.negotiate(Latch::Address, Some(host(2, 4000)), at(4));
        assert_eq!(gate.source(), None);
        assert!(!speaks(&mut gate, host(1, 5000)));
        assert!(speaks(&mut gate, host(2, 4000)));
    }

    #[test]
    fn rtcp_is_taken_from_the_host_that_is_listened_to() {
        let mut gate = gate(ANY);
        assert!(gate.knows(host(1, 4001)));
        assert!(!gate.knows(host(9, 4001)));
        for _ in 0..3 {
            speaks(&mut gate, host(9, 6000));
        }
        assert!(gate.knows(host(9, 6001)));
    }
}
