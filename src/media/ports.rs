//! Ports that are bound, on both sides of the ring.
//!
//! [`Ports`] is signalling's list of free ones: first given back, first taken, so that a port rests
//! as long as it can. [`Port`] is media's own note of what a bound port is doing: after a session
//! it stays in quarantine until nothing comes to it any more, so that a stale stream never reaches
//! a new session or its recording. Binding sockets is the shell's.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use crate::clock::Instant;

/// A bound pair of ports (RTP, and RTCP on the next), as the plane counts them: 0, 1, 2, ..
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortId(pub u32);

/// The free ports of one worker, as signalling knows them.
#[derive(Clone, Debug)]
pub struct Ports {
    v4: Family,
    v6: Family,
    limits: Limits,
}

/// How many ports to have ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Free ports of a family below which more are bound.
    pub low: u16,
    /// How many are bound at a time.
    pub batch: u16,
    /// The most pairs a family may have bound.
    pub most: u32,
}

#[derive(Clone, Debug, Default)]
struct Family {
    free: VecDeque<SocketAddr>,
    bound: u32,
    /// Ordered and not yet bound.
    coming: u16,
    /// No more could be bound: when to try again, and how long to wait after that.
    again: Option<Instant>,
    wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { low: 128, batch: 128, most: 16_384 }
    }
}

impl Ports {
    /// What cannot be bound now (no descriptor is left, another program has the port) may be soon.
    const AGAIN: Duration = Duration::from_secs(1);
    /// The longest wait, reached by doubling.
    const RARELY: Duration = Duration::from_secs(60);

    pub fn new(limits: Limits) -> Self {
        Self { v4: Family::default(), v6: Family::default(), limits }
    }

    /// A free port; the one that has rested longest.
    pub fn take(&mut self, v6: bool) -> Option<SocketAddr> {
        self.family(v6).free.pop_front()
    }

    /// [`Report::Bound`](super::Report::Bound): a new port.
    pub fn bound(&mut self, local: SocketAddr) {
        let family = self.family(local.is_ipv6());
        family.bound += 1;
        family.coming = family.coming.saturating_sub(1);
        if family.coming == 0 {
            // All that was ordered is there.
            family.wait = Duration::ZERO;
        }
        family.free.push_back(local);
    }

    /// [`Report::Free`](super::Report::Free): quarantine is over. Also for a port that was taken
    /// and never opened.
    pub fn give_back(&mut self, local: SocketAddr) {
        self.family(local.is_ipv6()).free.push_back(local);
    }

    /// [`Report::Exhausted`](super::Report::Exhausted): nothing more can be bound now. `true` if
    /// that is news.
    pub fn exhausted(&mut self, v6: bool, now: Instant) -> bool {
        let family = self.family(v6);
        family.coming = 0;
        let news = family.wait.is_zero();
        family.wait = (family.wait * 2).clamp(Self::AGAIN, Self::RARELY);
        family.again = Some(now + family.wait);
        news
    }

    /// When [`Ports::wants`] may have something to say that it has not now.
    pub fn deadline(&self) -> Option<Instant> {
        let low = usize::from(self.limits.low);
        let short = [&self.v4, &self.v6].into_iter().filter(|it| it.ready() < low);
        short.filter_map(|it| it.again).min()
    }

    /// How many pairs to order now, if the family runs low. Counted as coming from then on.
    pub fn wants(&mut self, v6: bool, now: Instant) -> Option<u16> {
        let Limits { low, batch, most } = self.limits;
        let family = self.family(v6);
        if family.again.is_some_and(|it| now < it) || usize::from(low) <= family.ready() {
            return None;
        }
        family.again = None;
        let room = most.saturating_sub(family.bound + u32::from(family.coming));
        let pairs = u32::from(batch).min(room) as u16;
        if pairs == 0 {
            return None;
        }
        family.coming += pairs;
        Some(pairs)
    }

    /// Free ports of a family.
    pub fn free(&self, v6: bool) -> usize {
        if v6 { self.v6.free.len() } else { self.v4.free.len() }
    }

    fn family(&mut self, v6: bool) -> &mut Family {
        if v6 { &mut self.v6 } else { &mut self.v4 }
    }
}

impl Family {
    fn ready(&self) -> usize {
        self.free.len() + usize::from(self.coming)
    }
}

/// What a bound port is doing.
#[derive(Clone, Debug)]
pub(super) struct Port {
    pub local: SocketAddr,
    pub state: State,
    /// When RTP last came to it since it was opened.
    pub heard: Option<Instant>,
    /// How long it must have been silent before it is used again.
    pub rest: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Idle,
    /// Belongs to the session in this slot.
    Open(u32),
    Quarantine {
        since: Instant,
    },
}

impl Port {
    /// How long a port must have been silent before it is used again.
    pub const REST: Duration = Duration::from_secs(2);
    /// A stream that never stops is given up on; the next session's latch keeps it out.
    pub const LONGEST: Duration = Duration::from_secs(600);

    pub fn new(local: SocketAddr, rest: Duration) -> Self {
        Self { local, state: State::Idle, heard: None, rest }
    }

    /// Begins a session; what came to the port before is forgotten.
    pub fn open(&mut self, slot: u32) {
        self.state = State::Open(slot);
        self.heard = None;
    }

    /// The session is over. `true` if the port is free at once because nothing ever came to it: it
    /// is taken again after all others that are free. To have it rest as well would cost two
    /// seconds of a port for every call that nobody answers, and most of what calls a second there
    /// can be.
    pub fn close(&mut self, now: Instant) -> bool {
        let free = self.heard.is_none();
        self.state = if free { State::Idle } else { State::Quarantine { since: now } };
        free
    }

    /// When quarantine may end, as things stand.
    pub fn deadline(&self) -> Option<Instant> {
        let State::Quarantine { since } = self.state else { return None };
        let quiet = self.heard.map_or(since, |heard| heard.max(since)) + self.rest;
        Some(quiet.min(since + Self::LONGEST))
    }

    /// Ends quarantine if it is time to.
    pub fn on_time(&mut self, now: Instant) -> bool {
        let over = self.deadline().is_some_and(|it| it <= now);
        if over {
            self.state = State::Idle;
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Instant {
        Instant::from_micros(ms * 1000)
    }

    fn local(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    #[test]
    fn the_port_that_rested_longest_is_taken_first() {
        let mut ports = Ports::new(Limits::default());
        for port in [4000, 4002, 4004] {
            ports.bound(local(port));
        }
        assert_eq!(ports.take(false), Some(local(4000)));
        ports.give_back(local(4000));
        assert_eq!(ports.take(false), Some(local(4002)));
        assert_eq!(ports.take(true), None, "no IPv6 port was bound");
    }

    #[test]
    fn more_ports_are_ordered_when_few_are_free_once_and_up_to_the_limit() {
        let mut ports = Ports::new(Limits { low: 2, batch: 3, most: 4 });
        assert_eq!(ports.wants(false, at(0)), Some(3));
        assert_eq!(ports.wants(false, at(0)), None, "three are coming");
        for port in [4000, 4002, 4004] {
            ports.bound(local(port));
        }
        ports.take(false);
        assert_eq!(ports.wants(false, at(0)), None, "two are free");
        ports.take(false);
        assert_eq!(ports.wants(false, at(0)), Some(1), "four is the limit");
        ports.bound(local(4006));
        ports.take(false);
        assert_eq!(ports.wants(false, at(0)), None);
    }

    #[test]
    fn what_could_not_be_bound_is_tried_again_after_a_while_ever_more_rarely() {
        let mut ports = Ports::new(Limits { low: 2, batch: 2, most: 100 });
        let mut news = Vec::new();
        let mut tried = Vec::new();
        let mut now = at(0);
        while now < at(300_000) {
            assert_eq!(ports.wants(false, now), Some(2));
            tried.push(now.since(Instant::START).as_secs());
            news.push(ports.exhausted(false, now));
            assert_eq!(ports.wants(false, now), None);
            now = ports.deadline().unwrap();
        }
        assert_eq!(tried, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
        assert_eq!(news.iter().position(|it| *it), Some(0));
        assert_eq!(news.iter().filter(|it| **it).count(), 1);
        // One port was given back meanwhile: still few.
        ports.give_back(local(4000));
        assert_eq!(ports.wants(false, now), Some(2));
        ports.bound(local(4002));
        ports.bound(local(4004));
        assert_eq!(ports.deadline(), None);
        // The next time is another time.
        while ports.take(false).is_some() {}
        assert_eq!(ports.wants(false, now), Some(2));
        assert!(ports.exhausted(false, now));
        assert_eq!(ports.deadline(), Some(now + Duration::from_secs(1)));
    }

    #[test]
    fn nobody_is_woken_for_ports_while_enough_are_free_or_all_are_bound() {
        let mut ports = Ports::new(Limits { low: 1, batch: 2, most: 1 });
        assert_eq!(ports.wants(false, at(0)), Some(1));
        ports.exhausted(false, at(0));
        ports.bound(local(4000));
        assert_eq!(ports.deadline(), None, "one is free");
        ports.take(false);
        assert_eq!(ports.deadline(), Some(at(1000)));
        assert_eq!(ports.wants(false, at(1000)), None, "one is the limit");
        assert_eq!(ports.deadline(), None);
    }

    #[test]
    fn a_port_nothing_came_to_is_free_at_once() {
        let mut port = Port::new(local(4000), Port::REST);
        port.open(0);
        assert!(port.close(at(10)));
    }

    #[test]
    fn a_port_rests_until_two_seconds_without_a_packet() {
        let mut port = Port::new(local(4000), Port::REST);
        port.open(0);
        port.heard = Some(at(0));
        assert!(!port.close(at(1000)));
        assert_eq!(port.deadline(), Some(at(3000)));
        port.heard = Some(at(2900));
        assert!(!port.on_time(at(3000)));
        assert!(!port.on_time(at(4899)));
        assert!(port.on_time(at(4900)));
        assert_eq!(port.deadline(), None);
    }

    #[test]
    fn a_stream_that_never_stops_is_waited_for_ten_minutes() {
        let mut port = Port::new(local(4000), Port::REST);
        port.heard = Some(at(0));
        port.close(at(0));
        port.heard = Some(at(599_999));
        assert!(!port.on_time(at(599_999)));
        assert!(port.on_time(at(600_000)));
    }
}
