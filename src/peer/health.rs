//! Whether an address of a trunk is alive, and in which order addresses are tried.
//!
//! ```text
//!        down_after probes unanswered in a row
//! Up ------------------------------------------> Down
//!    <------------------------------------------
//!        up_after probes answered in a row
//! ```
//! Any final response is an answer, unless the probe names its status. Apart from that, a call that
//! failed cools an address down: it is tried last for a while, but it is tried.

use std::time::Duration;

use super::alive::{Alive, Spots};
use super::config::{Address, Probe};
use super::dice::Dice;
use super::trunk::AddressState;
use crate::clock::Instant;

/// What is known of one address.
#[derive(Clone, Debug)]
pub(super) struct Health {
    alive: Alive,
    /// When it last went down or came up, or was first heard of.
    since: Instant,
    /// Where it leads to, if it is a name.
    pub spots: Spots,
    /// When a call first failed, of those that it cools down from.
    cooling_since: Instant,
    cooling_until: Instant,
    next_probe: Option<Instant>,
    pub armed: Option<Instant>,
    pub last_status: Option<u16>,
}

/// What to do when an alarm rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Ask whether it is alive.
    Probe,
    Wait,
}

impl Health {
    /// Thought alive; the first probe comes at some moment of the first interval, so that many
    /// trunks are not asked at once.
    pub fn new(probe: Option<&Probe>, now: Instant, dice: &mut Dice) -> Self {
        Self {
            alive: Alive::default(),
            since: now,
            spots: Spots::default(),
            cooling_since: now,
            cooling_until: now,
            next_probe: probe.map(|it| now + dice.part_of(it.every)),
            armed: None,
            last_status: None,
        }
    }

    /// Another rule for probes, or none; without one an address is thought alive.
    pub fn adopt(&mut self, probe: Option<&Probe>, now: Instant, dice: &mut Dice) {
        self.next_probe = probe.map(|it| now + dice.part_of(it.every));
        if probe.is_none() {
            if self.alive.down {
                self.since = now;
            }
            (self.alive, self.spots) = (Alive::default(), Spots::default());
        }
    }

    pub fn next(&self) -> Option<Instant> {
        self.next_probe
    }

    pub fn on_time(&mut self, probe: &Probe, now: Instant, dice: &mut Dice) -> Turn {
        if self.next_probe.is_none_or(|it| now < it) {
            return Turn::Wait;
        }
        self.next_probe = Some(now + probe.every * 4 / 5 + dice.part_of(probe.every * 2 / 5));
        if self.alive.ask(now) { Turn::Probe } else { Turn::Wait }
    }

    /// The final response to a probe, or none. True if that changed what we think.
    pub fn on_probed(&mut self, probe: &Probe, status: Option<u16>) -> bool {
        self.last_status = status;
        self.alive.on_probed(probe, status)
    }

    /// The same of one of the places that a name leads to.
    pub fn on_spot_probed(&mut self, spot: u8, probe: &Probe, status: Option<u16>) -> bool {
        self.last_status = status;
        self.spots.on_probed(spot, probe, status);
        self.follow_spots()
    }

    /// A name is as its places are. True if that changed what we think.
    pub fn follow_spots(&mut self) -> bool {
        let down = self.spots.are_down();
        let was = std::mem::replace(&mut self.alive, Alive { down, ..Alive::default() });
        was.down != down
    }

    /// What we think of it has changed.
    pub fn changed(&mut self, now: Instant) {
        self.since = now;
    }

    pub fn cool(&mut self, cooldown: Duration, now: Instant) {
        if !self.is_cooling(now) {
            self.cooling_since = now;
        }
        self.cooling_until = now + cooldown;
    }

    /// A call got a response through this address.
    pub fn on_reached(&mut self, now: Instant) {
        self.cooling_until = now;
    }

    /// How it is, and since when.
    pub fn state(&self, now: Instant) -> (AddressState, Instant) {
        match (self.is_down(), self.is_cooling(now)) {
            (true, _) => (AddressState::Down, self.since),
            (false, true) => (AddressState::Cooling, self.cooling_since.max(self.since)),
            (false, false) => (AddressState::Up, self.cooling_until.max(self.since)),
        }
    }

    pub fn is_down(&self) -> bool {
        self.alive.down
    }

    pub fn is_cooling(&self, now: Instant) -> bool {
        now < self.cooling_until
    }
}

/// The order to try addresses in: by priority, within one by weight at random (RFC 2782), those
/// that cool down after all others, those that are down not at all.
pub(super) fn order(
    addresses: &[Address],
    health: &[Health],
    now: Instant,
    dice: &mut Dice,
) -> Vec<usize> {
    let mut alive: Vec<_> = addresses
        .iter()
        .zip(health)
        .enumerate()
        .filter(|(_, (_, health))| !health.is_down())
        .map(|(n, (address, health))| (health.is_cooling(now), address.priority, n, address.weight))
        .collect();
    // Weights of 0 first, so that they have a small chance (RFC 2782).
    alive.sort_by_key(|it| (it.0, it.1, it.3 != 0, it.2));
    let mut ordered = Vec::with_capacity(alive.len());
    for group in alive.chunk_by_mut(|a, b| (a.0, a.1) == (b.0, b.1)) {
        shuffle(group, |it| it.3, dice);
        ordered.extend(group.iter().map(|it| it.2));
    }
    ordered
}

/// Draws one after the other, each with a chance in proportion to its weight.
fn shuffle<T>(group: &mut [T], weight: impl Fn(&T) -> u16, dice: &mut Dice) {
    for first in 0..group.len().saturating_sub(1) {
        let rest = &mut group[first..];
        let total: u32 = rest.iter().map(|it| u32::from(weight(it))).sum();
        let each = if total == 0 { 1 } else { 0 };
        let mut left = dice.up_to(if total == 0 { rest.len() as u32 - 1 } else { total });
        let drawn = rest.iter().position(|it| {
            let weight = u32::from(weight(it)) + each;
            let here = left < weight || left == weight && each == 0;
            left = left.saturating_sub(weight);
            here
        });
        // The others keep their order (weights of 0 first).
        rest[..=drawn.unwrap_or(0)].rotate_right(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sip::Transport;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn address(priority: u16, weight: u16) -> Address {
        Address {
            host: "192.0.2.1".into(),
            port: None,
            transport: Transport::Udp,
            tcp_too: false,
            priority,
            weight,
        }
    }

    fn healths(count: usize) -> Vec<Health> {
        vec![Health::new(None, at(0), &mut Dice::new(1)); count]
    }

    #[test]
    fn an_address_goes_down_after_some_silence_and_up_after_some_answers() {
        let probe = Probe { down_after: 3, up_after: 2, dead_when: vec![503], ..Probe::default() };
        let mut it = Health::new(Some(&probe), at(0), &mut Dice::new(1));
        assert!(!it.on_probed(&probe, None));
        assert!(!it.on_probed(&probe, None));
        assert!(!it.on_probed(&probe, Some(404)), "any final response is an answer");
        assert!(!it.on_probed(&probe, None));
        assert!(!it.on_probed(&probe, Some(503)), "unless the operator says otherwise");
        assert!(it.on_probed(&probe, None));
        assert!(it.is_down());
        assert!(!it.on_probed(&probe, Some(200)));
        assert!(!it.on_probed(&probe, None));
        assert!(!it.on_probed(&probe, Some(200)));
        assert!(it.on_probed(&probe, Some(200)));
        assert!(!it.is_down());
    }

    #[test]
    fn probes_of_many_trunks_do_not_come_at_once() {
        let probe = Probe { every: 30 * SECOND, ..Probe::default() };
        let mut dice = Dice::new(42);
        let mut per_second = [0; 30];
        for _ in 0..600 {
            let it = Health::new(Some(&probe), at(0), &mut dice);
            per_second[it.next().unwrap().since(at(0)).as_secs() as usize] += 1;
        }
        assert!(per_second.iter().all(|it| (5..50).contains(it)), "{per_second:?}");
    }

    #[test]
    fn the_wait_between_probes_is_jittered_by_a_fifth() {
        let probe = Probe { every: 30 * SECOND, ..Probe::default() };
        let mut dice = Dice::new(42);
        let mut it = Health::new(Some(&probe), at(0), &mut dice);
        let mut waits = Vec::new();
        for _ in 0..100 {
            let now = it.next().unwrap();
            assert_eq!(it.on_time(&probe, now, &mut dice), Turn::Probe);
            it.on_probed(&probe, Some(200));
            waits.push(it.next().unwrap().since(now));
        }
        assert!(waits.iter().all(|it| (24 * SECOND..=36 * SECOND).contains(it)), "{waits:?}");
        assert!(waits.iter().any(|it| *it < 27 * SECOND));
        assert!(waits.iter().any(|it| 33 * SECOND < *it));
    }

    #[test]
    fn nobody_is_asked_twice_at_a_time() {
        let probe = Probe { every: 10 * SECOND, ..Probe::default() };
        let mut dice = Dice::new(42);
        let mut it = Health::new(Some(&probe), at(0), &mut dice);
        assert_eq!(it.on_time(&probe, at(10), &mut dice), Turn::Probe);
        assert_eq!(it.on_time(&probe, at(11), &mut dice), Turn::Wait);
        assert_eq!(it.on_time(&probe, at(22), &mut dice), Turn::Wait, "the first is still out");
        assert_eq!(it.on_time(&probe, at(60), &mut dice), Turn::Probe, "its report got lost");
    }

    #[test]
    fn priority_comes_first_and_cooling_ones_last_and_dead_ones_never() {
        let addresses = [address(2, 1), address(1, 1), address(3, 1), address(0, 1)];
        let mut health = healths(4);
        health[1].cool(30 * SECOND, at(0));
        for _ in 0..3 {
            health[3].on_probed(&Probe::default(), None);
        }
        let mut dice = Dice::new(9);
        assert_eq!(order(&addresses, &health, at(1), &mut dice), [0, 2, 1]);
        assert_eq!(order(&addresses, &health, at(30), &mut dice), [1, 0, 2]);
        health[0].cool(30 * SECOND, at(30));
        health[0].on_reached(at(31));
        assert_eq!(order(&addresses, &health, at(31), &mut dice), [1, 0, 2]);
    }

    #[test]
    fn weights_give_shares_of_the_calls() {
        let addresses = [address(1, 60), address(1, 30), address(1, 10), address(1, 0)];
        let health = healths(4);
        let mut dice = Dice::new(7);
        let mut first = [0_i32; 4];
        for _ in 0..10_000 {
            let order = order(&addresses, &health, at(0), &mut dice);
            assert_eq!(order.len(), 4);
            first[order[0]] += 1;
        }
        // RFC 2782 gives a weight of 0 one part in total + 1, taken from the first of the others.
        let shares = first.iter().zip([5_941, 2_970, 990, 99]);
        let chi: f64 =
            shares.map(|(is, want)| f64::from((is - want).pow(2)) / f64::from(want)).sum();
        assert!(chi < 16.3, "chi-square with 3 degrees of freedom, 0.1 %: {chi} {first:?}");
    }

    #[test]
    fn without_weights_all_have_the_same_chance() {
        let addresses = [address(1, 0), address(1, 0), address(1, 0)];
        let mut dice = Dice::new(7);
        let mut first = [0_i32; 3];
        for _ in 0..9_000 {
            first[order(&addresses, &healths(3), at(0), &mut dice)[0]] += 1;
        }
        assert!(first.iter().all(|it| (2_700..3_300).contains(it)), "{first:?}");
    }
}
