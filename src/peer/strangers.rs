//! What is remembered of source addresses: failed authentications, bans, challenges, good
//! registrations.
//!
//! The table has a fixed size and forgets whoever was quiet longest, so a flood from a million
//! forged addresses costs nothing. A source fails only with a nonce that was sent to it, so nobody
//! can have a third party banned by forging its address. A source with a good registration
//! lately (an office behind one address) is neither banned nor slowed down, unless so configured.
//!
//! An IPv4 address is one source; of IPv6 the /64 is (one customer has at least that).

use std::net::IpAddr;
use std::time::Duration;

use super::cidr::widen;
use crate::clock::Instant;

/// Sources per row of the table.
const WAYS: usize = 8;

/// How strangers are held off.
#[derive(Clone, Debug, PartialEq)]
pub struct Strangers {
    /// Sources remembered.
    pub remembered: usize,
    /// Failed authentications within `failure_window` that lead to a ban; 0 never bans.
    pub failures: u16,
    pub failure_window: Duration,
    /// How long a banned source hears nothing.
    pub ban: Duration,
    /// A source with a good registration in this time is neither banned nor slowed down; zero
    /// treats all alike.
    pub trust_after_success: Duration,
    /// Challenges per second to one source, averaged; 0 is no limit.
    pub challenges_per_second: u32,
    /// Challenges at once to a source that was quiet.
    pub challenge_burst: u32,
}

impl Default for Strangers {
    fn default() -> Self {
        Self {
            remembered: 16_384,
            failures: 20,
            failure_window: Duration::from_secs(60),
            ban: Duration::from_secs(300),
            trust_after_success: Duration::from_secs(3600),
            challenges_per_second: 100,
            challenge_burst: 200,
        }
    }
}

/// The table of sources.
pub(super) struct Sightings {
    rules: Strangers,
    rows: Box<[[Sighting; WAYS]]>,
    /// So that nobody can aim at a row.
    seed: u64,
}

#[derive(Clone, Copy, Default)]
struct Sighting {
    source: u64,
    last: Instant,
    /// Start of the window that `failures` are counted in.
    since: Instant,
    banned_until: Instant,
    /// When the source last registered; the start of time if never.
    good: Option<Instant>,
    /// The earliest moment at which the budget of challenges is whole again.
    paid_until: Instant,
    failures: u16,
}

impl Sightings {
    pub fn new(rules: Strangers, seed: u64) -> Self {
        let rows = rules.remembered.div_ceil(WAYS).max(1);
        Self { rules, rows: vec![[Sighting::default(); WAYS]; rows].into(), seed: seed | 1 }
    }

    /// New rules; what is known of sources stays.
    pub fn adopt(&mut self, rules: Strangers) {
        if rules.remembered == self.rules.remembered {
            self.rules = rules;
        } else {
            *self = Self::new(rules, self.seed);
        }
    }

    pub fn is_banned(&self, source: IpAddr, now: Instant) -> bool {
        self.find(source).is_some_and(|it| now < it.banned_until)
    }

    /// Whether it has registered lately.
    pub fn is_trusted(&self, source: IpAddr, now: Instant) -> bool {
        let trust = self.rules.trust_after_success;
        self.find(source).is_some_and(|it| it.is_trusted(trust, now))
    }

    /// Takes one challenge out of the source's budget; false if there is none left.
    pub fn may_challenge(&mut self, source: IpAddr, now: Instant) -> bool {
        let rate = self.rules.challenges_per_second;
        if rate == 0 {
            return true;
        }
        let price = Duration::from_secs(1) / rate;
        let credit = price * self.rules.challenge_burst.max(1);
        let trust = self.rules.trust_after_success;
        let it = self.sighting(source, now);
        if it.is_trusted(trust, now) {
            return true;
        }
        let paid_until = it.paid_until.max(now) + price;
        let affordable = paid_until.since(now) <= credit;
        if affordable {
            it.paid_until = paid_until;
        }
        affordable
    }

    /// A wrong answer to a challenge that the source has really received. True if it is banned
    /// from now on.
    pub fn failed(&mut self, source: IpAddr, now: Instant) -> bool {
        let Strangers { failures, failure_window, ban, trust_after_success, .. } = self.rules;
        if failures == 0 {
            return false;
        }
        let it = self.sighting(source, now);
        if failure_window < now.since(it.since) || it.failures == 0 {
            it.since = now;
            it.failures = 0;
        }
        it.failures = it.failures.saturating_add(1);
        if it.failures < failures || it.is_trusted(trust_after_success, now) {
            return false;
        }
        it.banned_until = now + ban;
        it.failures = 0;
        true
    }

    /// A good registration came from there.
    pub fn succeeded(&mut self, source: IpAddr, now: Instant) {
        let it = self.sighting(source, now);
        it.good = Some(now);
        it.failures = 0;
    }

    /// Lifts a ban; true if there was one.
    pub fn pardon(&mut self, source: IpAddr, now: Instant) -> bool {
        let banned = self.is_banned(source, now);
        let it = self.sighting(source, now);
        it.banned_until = now;
        it.failures = 0;
        banned
    }

    /// How many sources are banned now. Walks the table: for metrics, not for each packet.
    pub fn banned(&self, now: Instant) -> usize {
        self.rows.iter().flatten().filter(|it| now < it.banned_until).count()
    }

    fn find(&self, source: IpAddr) -> Option<&Sighting> {
        let key = key(source);
        self.rows.get(self.row(key))?.iter().find(|it| it.source == key)
    }

    /// The source's entry, in place of whoever was quiet longest if it is new.
    fn sighting(&mut self, source: IpAddr, now: Instant) -> &mut Sighting {
        let key = key(source);
        let row = self.row(key);
        let row = &mut self.rows[row];
        let known = row.iter().position(|it| it.source == key);
        let at = known.unwrap_or_else(|| {
            // A ban is not washed out by a flood while anything else can go.
            let quiet = (0..WAYS).min_by_key(|n| (now < row[*n].banned_until, row[*n].last));
            let at = quiet.unwrap_or(0);
            row[at] = Sighting { source: key, ..Sighting::default() };
            at
        });
        row[at].last = now;
        &mut row[at]
    }

    fn row(&self, key: u64) -> usize {
        let mixed = (key ^ self.seed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ mixed >> 29).wrapping_mul(self.seed) >> 32;
        (mixed as usize * self.rows.len()) >> 32
    }
}

impl Sighting {
    fn is_trusted(&self, lately: Duration, now: Instant) -> bool {
        self.good.is_some_and(|it| now.since(it) < lately)
    }
}

/// The source as a number, never 0. IPv4 lies where no IPv6 network is assigned (0:1::/32).
fn key(source: IpAddr) -> u64 {
    let wide = widen(source);
    let mapped = wide >> 32 == 0xffff;
    if mapped { 1 << 32 | (wide as u64 & 0xffff_ffff) } else { ((wide >> 64) as u64).max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn sightings() -> Sightings {
        let rules = Strangers {
            remembered: 64,
            failures: 3,
            failure_window: 10 * SECOND,
            ban: 60 * SECOND,
            trust_after_success: 100 * SECOND,
            challenges_per_second: 10,
            challenge_burst: 20,
        };
        Sightings::new(rules, 0x1234_5678_9abc_def0)
    }

    #[test]
    fn repeated_failures_lead_to_a_ban_that_ends() {
        let mut all = sightings();
        let it = ip("192.0.2.1");
        assert!(!all.failed(it, at(1)));
        assert!(!all.failed(it, at(2)));
        assert!(!all.is_banned(it, at(2)));
        assert!(all.failed(it, at(3)));
        assert!(all.is_banned(it, at(62)));
        assert!(!all.is_banned(ip("192.0.2.2"), at(4)));
        assert_eq!(all.banned(at(4)), 1);
        assert!(!all.is_banned(it, at(63)));
    }

    #[test]
    fn slow_failures_are_no_reason() {
        let mut all = sightings();
        assert!(!(0..10).any(|n| all.failed(ip("192.0.2.1"), at(1 + 6 * n))));
    }

    #[test]
    fn an_office_with_a_good_phone_is_not_banned_for_a_bad_one() {
        let mut all = sightings();
        let office = ip("192.0.2.1");
        all.succeeded(office, at(1));
        assert!(!(0..50).any(|_| all.failed(office, at(2))));
        assert!((0..50).any(|_| all.failed(office, at(102))), "a long time ago");
    }

    #[test]
    fn a_ban_can_be_lifted() {
        let mut all = sightings();
        let it = ip("192.0.2.1");
        (0..3).for_each(|_| {
            all.failed(it, at(1));
        });
        assert!(all.pardon(it, at(2)));
        assert!(!all.is_banned(it, at(2)));
        assert!(!all.pardon(it, at(2)));
    }

    #[test]
    fn challenges_come_in_a_burst_and_then_at_a_rate() {
        let mut all = sightings();
        let it = ip("2001:db8::1");
        assert_eq!((0..50).filter(|_| all.may_challenge(it, at(1))).count(), 20);
        assert_eq!((0..50).filter(|_| all.may_challenge(it, at(2))).count(), 10);
        assert_eq!((0..50).filter(|_| all.may_challenge(it, at(100))).count(), 20);
        all.succeeded(it, at(100));
        assert_eq!((0..50).filter(|_| all.may_challenge(it, at(100))).count(), 50);
    }

    #[test]
    fn a_network_of_ipv6_is_one_source() {
        assert_eq!(key(ip("2001:db8::1")), key(ip("2001:db8::ffff:1")));
        assert_ne!(key(ip("2001:db8:0:1::1")), key(ip("2001:db8::1")));
        assert_eq!(key(ip("192.0.2.1")), key(ip("::ffff:192.0.2.1")));
        assert_ne!(key(ip("192.0.2.1")), key(ip("192.0.2.2")));
        assert_ne!(key(ip("::1")), 0);
    }

    #[test]
    fn a_flood_of_strangers_neither_grows_the_table_nor_washes_out_a_ban() {
        let mut all = sightings();
        let banned = ip("192.0.2.1");
        (0..3).for_each(|_| {
            all.failed(banned, at(1));
        });
        for n in 0..100_000_u32 {
            all.may_challenge(IpAddr::V4(n.into()), at(2));
        }
        assert!(all.is_banned(banned, at(3)));
        assert_eq!(all.rows.len(), 8);
    }
}
