//! Whether something answers our probes, and where a trunk's name leads to.
//!
//! An address that is a name is asked at every place it leads to (RFC 3263 section 4.3). It is down
//! when all of those are, or when the name leads nowhere; calls pass over the places that are down.
//! The name is asked for anew with each probe: what is known of it is kept by the resolver for as
//! long as its records hold, so that a change is seen one interval after that.

use std::net::SocketAddr;
use std::time::Duration;

use super::config::Probe;
use crate::clock::Instant;
use crate::sip::Transport;

/// A probe that was not reported back in this time (longer than timer F) is given up.
const LOST: Duration = Duration::from_secs(40);
/// Places of one name that are asked.
const SPOTS_MAX: usize = 16;

/// What probes say of something.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Alive {
    pub down: bool,
    /// Probes in a row that speak against what we think.
    pub against: u8,
    pub asked_at: Option<Instant>,
}

impl Alive {
    /// False while the answer to an earlier question may still come.
    pub fn ask(&mut self, now: Instant) -> bool {
        if self.is_asked(now) {
            return false;
        }
        self.asked_at = Some(now);
        true
    }

    fn is_asked(&self, now: Instant) -> bool {
        self.asked_at.is_some_and(|it| now.since(it) < LOST)
    }

    /// The final response to a probe, or none. True if that changed what we think.
    pub fn on_probed(&mut self, probe: &Probe, status: Option<u16>) -> bool {
        self.asked_at = None;
        let alive = status.is_some_and(|it| !probe.dead_when.contains(&it));
        if alive != self.down {
            self.against = 0;
            return false;
        }
        self.against = self.against.saturating_add(1);
        let enough = if self.down { probe.up_after } else { probe.down_after };
        if self.against < enough {
            return false;
        }
        self.down = !self.down;
        self.against = 0;
        true
    }
}

/// The places that a name leads to.
#[derive(Clone, Debug, Default)]
pub(super) struct Spots {
    known: Vec<Spot>,
}

#[derive(Clone, Debug)]
struct Spot {
    remote: SocketAddr,
    transport: Transport,
    /// The name leads there now.
    wanted: bool,
    alive: Alive,
}

impl Spot {
    fn is(&self, remote: SocketAddr, transport: Transport) -> bool {
        (self.remote, self.transport) == (remote, transport)
    }
}

impl Spots {
    /// The name leads there now. Gives those to ask, with the number of each; a place that is new
    /// is thought as `down` as the name was.
    pub fn found(
        &mut self,
        found: &[(SocketAddr, Transport)],
        down: bool,
        now: Instant,
    ) -> Vec<(u8, SocketAddr, Transport)> {
        self.known.iter_mut().for_each(|it| it.wanted = false);
        let mut asked = Vec::new();
        for (remote, transport) in found.iter().take(SPOTS_MAX) {
            let Some(at) = self.room_for(*remote, *transport, now) else { continue };
            let new = || {
                let alive = Alive { down, ..Alive::default() };
                Spot { remote: *remote, transport: *transport, wanted: false, alive }
            };
            if at == self.known.len() {
                self.known.push(new());
            }
            let Some(it) = self.known.get_mut(at) else { continue };
            if !it.is(*remote, *transport) {
                *it = new();
            }
            let twice = std::mem::replace(&mut it.wanted, true);
            if let (false, true, Ok(number)) = (twice, it.alive.ask(now), u8::try_from(at)) {
                asked.push((number, *remote, *transport));
            }
        }
        asked
    }

    /// Its own place, or one that nobody needs: an answer that may still come must find the place
    /// that was asked.
    fn room_for(&self, remote: SocketAddr, transport: Transport, now: Instant) -> Option<usize> {
        let known = &self.known;
        let same = known.iter().position(|it| it.is(remote, transport));
        let free = || known.iter().position(|it| !it.wanted && !it.alive.is_asked(now));
        let new = || (known.len() < 2 * SPOTS_MAX).then_some(known.len());
        same.or_else(new).or_else(free)
    }

    pub fn on_probed(&mut self, spot: u8, probe: &Probe, status: Option<u16>) {
        if let Some(it) = self.known.get_mut(usize::from(spot)) {
            it.alive.on_probed(probe, status);
        }
    }

    /// There are places, and none of them answers.
    pub fn are_down(&self) -> bool {
        let mut wanted = self.known.iter().filter(|it| it.wanted).peekable();
        wanted.peek().is_some() && wanted.all(|it| it.alive.down)
    }

    pub fn is_down(&self, remote: SocketAddr, transport: Transport) -> bool {
        self.known.iter().any(|it| it.is(remote, transport) && it.alive.down)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn spot(last: u8) -> (SocketAddr, Transport) {
        (SocketAddr::from(([192, 0, 2, last], 5060)), Transport::Udp)
    }

    fn numbers(asked: &[(u8, SocketAddr, Transport)]) -> Vec<u8> {
        asked.iter().map(|it| it.0).collect()
    }

    const PROBE: fn() -> Probe = || Probe { down_after: 1, up_after: 1, ..Probe::default() };

    #[test]
    fn a_name_is_down_when_every_place_it_leads_to_is() {
        let mut spots = Spots::default();
        assert!(!spots.are_down(), "nothing is known");
        assert_eq!(numbers(&spots.found(&[spot(1), spot(2)], false, at(0))), [0, 1]);
        spots.on_probed(0, &PROBE(), None);
        assert!(!spots.are_down());
        assert!(spots.is_down(spot(1).0, Transport::Udp));
        spots.on_probed(1, &PROBE(), None);
        assert!(spots.are_down());
        spots.on_probed(1, &PROBE(), Some(200));
        assert!(!spots.are_down());
    }

    #[test]
    fn a_place_that_the_name_left_counts_no_more_and_is_known_when_it_is_back() {
        let mut spots = Spots::default();
        spots.found(&[spot(1), spot(2)], false, at(0));
        spots.on_probed(0, &PROBE(), None);
        spots.on_probed(1, &PROBE(), Some(200));
        assert_eq!(numbers(&spots.found(&[spot(1)], false, at(10))), [0]);
        assert!(spots.are_down(), "the other is not part of it now");
        spots.found(&[spot(3)], true, at(60));
        assert!(spots.are_down(), "what is new must answer first, as the name was down");
    }

    #[test]
    fn no_place_is_asked_twice_at_a_time_nor_its_answer_taken_for_another() {
        let mut spots = Spots::default();
        spots.found(&[spot(1), spot(1)], false, at(0));
        assert!(spots.found(&[spot(1)], false, at(10)).is_empty(), "its answer is still to come");
        let many: Vec<_> = (10..200).map(spot).collect();
        assert_eq!(spots.found(&many, false, at(20)).len(), SPOTS_MAX);
        let others: Vec<_> = (100..200).map(spot).collect();
        assert_eq!(spots.found(&others, false, at(21)).len(), SPOTS_MAX - 1, "one is asked still");
        assert!(spots.known.iter().any(|it| it.is(spot(1).0, Transport::Udp)));
        assert_eq!(spots.found(&others, false, at(100)).len(), SPOTS_MAX);
        assert!(spots.known.len() <= 2 * SPOTS_MAX);
    }
}
