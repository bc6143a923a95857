//! Trunks at run time: whose source is it, how many calls, which address next.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::cidr::Sources;
use super::config::{ConfigError, Trunk};
use super::dice::Dice;
use super::health::{self, Health, Turn};
use crate::clock::{Alarms, Instant};
use crate::sip::Transport;

/// For how long at most a Retry-After is believed.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);

/// A trunk; the number stays its own when the configuration is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrunkId(pub u16);

/// What a probe asks: an address of a trunk; of one that is a name, a place it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub trunk: TrunkId,
    pub address: u8,
    pub(super) spot: Option<u8>,
}

/// Why a trunk takes no further call now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// As many calls as it may have.
    Full,
    /// As many new calls in this second as it may have.
    TooFast,
    /// It is not in the configuration (any more).
    Gone,
}

/// How an address of a trunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressState {
    Up,
    /// A call through it failed lately.
    Cooling,
    /// It does not answer probes.
    Down,
}

/// A trunk as metrics and the API show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkStatus {
    pub id: TrunkId,
    pub name: Arc<str>,
    pub calls: u32,
    pub addresses: Vec<AddressStatus>,
}

/// One of its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressStatus {
    /// `host:port`.
    pub name: String,
    pub state: AddressState,
    pub since: Instant,
    /// What it last said to a probe.
    pub last_status: Option<u16>,
}

/// Of all trunks there ever were, so that none gets the number of another.
type Names = BTreeMap<Arc<str>, TrunkId>;

#[derive(Default)]
pub(super) struct Trunks {
    lines: Vec<Line>,
    names: Names,
    sources: Sources<TrunkId>,
    alarms: Alarms<(TrunkId, u8)>,
}

struct Line {
    config: Trunk,
    /// In the configuration now.
    wanted: bool,
    calls: u32,
    /// Token bucket of new calls: the moment up to which they are paid for.
    paid_until: Instant,
    health: Vec<Health>,
}

impl Trunks {
    /// Takes what is configured now; calls and health of trunks that stay are kept.
    pub fn adopt(
        &mut self,
        wanted: Vec<Trunk>,
        now: Instant,
        dice: &mut Dice,
    ) -> Result<(), ConfigError> {
        let (names, sources) = self.plan(&wanted)?;
        self.names = names;
        self.sources = sources;
        self.lines.iter_mut().for_each(|it| it.wanted = false);
        for trunk in wanted {
            let Some(id) = self.names.get(&trunk.name).copied() else { continue };
            let health = self.take_over(id, &trunk, now, dice);
            match self.lines.get_mut(usize::from(id.0)) {
                Some(line) => {
                    (line.config, line.health, line.wanted) = (trunk, health, true);
                }
                None => {
                    let paid_until = now;
                    let line = Line { config: trunk, wanted: true, calls: 0, paid_until, health };
                    self.lines.push(line);
                }
            }
        }
        self.alarms = Alarms::default();
        for (id, line) in (0..).map(TrunkId).zip(&mut self.lines).filter(|(_, it)| it.wanted) {
            for (n, it) in (0..).zip(&mut line.health) {
                it.armed = None;
                self.alarms.arm((id, n), it.next(), &mut it.armed);
            }
        }
        Ok(())
    }

    /// Names and sources as they would be; nothing changes yet.
    fn plan(&self, wanted: &[Trunk]) -> Result<(Names, Sources<TrunkId>), ConfigError> {
        let mut names = self.names.clone();
        let mut sources = Sources::default();
        let mut seen = BTreeMap::new();
        for trunk in wanted {
            if seen.insert(trunk.name.clone(), ()).is_some() {
                return Err(ConfigError::TrunkTwice(trunk.name.clone()));
            }
            if usize::from(u8::MAX) < trunk.addresses.len() {
                return Err(ConfigError::TooMany("addresses"));
            }
            let next = u16::try_from(names.len()).map_err(|_| ConfigError::TooMany("trunks"))?;
            let id = *names.entry(trunk.name.clone()).or_insert(TrunkId(next));
            for it in &trunk.sources {
                let (network, trunk_name) = (it.network, trunk.name.clone());
                if network.is_everybody() && !trunk.open_to_everybody {
                    return Err(ConfigError::Everybody { trunk: trunk_name, network });
                }
                sources.add(network, it.listener, it.transport, id).map_err(|owner| {
                    let other = names.iter().find(|(_, id)| **id == owner);
                    let other = other.map(|it| it.0.clone()).unwrap_or_default();
                    ConfigError::SourceTaken { trunk: trunk_name, other, network }
                })?;
            }
        }
        Ok((names, sources))
    }

    /// The health of a trunk's addresses, what is known of the old ones included.
    fn take_over(&self, id: TrunkId, trunk: &Trunk, now: Instant, dice: &mut Dice) -> Vec<Health> {
        let old = self.lines.get(usize::from(id.0));
        let probe = trunk.probe.as_ref();
        let one = |address| {
            let known = old.and_then(|line| {
                let at = line.config.addresses.iter().position(|it| it == address)?;
                let health = line.health.get(at)?.clone();
                Some((health, line.config.probe.as_ref() == probe))
            });
            match known {
                Some((health, true)) => health,
                Some((mut health, false)) => {
                    health.adopt(probe, now, dice);
                    health
                }
                None => Health::new(probe, now, dice),
            }
        };
        trunk.addresses.iter().map(one).collect()
    }

    pub fn owner(&self, source: IpAddr, listener: u8, transport: Transport) -> Option<TrunkId> {
        self.sources.owner(source, listener, transport)
    }

    pub fn named(&self, name: &str) -> Option<TrunkId> {
        self.names.get(name).copied().filter(|it| self.config(*it).is_some())
    }

    pub fn config(&self, id: TrunkId) -> Option<&Trunk> {
        self.line(id).map(|it| &it.config)
    }

    fn line(&self, id: TrunkId) -> Option<&Line> {
        self.lines.get(usize::from(id.0)).filter(|it| it.wanted)
    }

    pub fn try_start_call(&mut self, id: TrunkId, now: Instant) -> Result<(), Busy> {
        let line = self.lines.get_mut(usize::from(id.0)).filter(|it| it.wanted);
        let line = line.ok_or(Busy::Gone)?;
        if line.config.max_calls.is_some_and(|it| it <= line.calls) {
            return Err(Busy::Full);
        }
        if let Some(rate) = line.config.max_calls_per_second {
            // A second's worth at once, then one each 1/rate.
            let second = Duration::from_secs(1);
            let paid_until =
                line.paid_until.max(now) + second.checked_div(rate).unwrap_or(second * 2);
            if second < paid_until.since(now) {
                return Err(Busy::TooFast);
            }
            line.paid_until = paid_until;
        }
        line.calls += 1;
        Ok(())
    }

    /// A call counted with `try_start_call` is over.
    pub fn call_ended(&mut self, id: TrunkId) {
        if let Some(line) = self.lines.get_mut(usize::from(id.0)) {
            line.calls = line.calls.saturating_sub(1);
        }
    }

    /// The addresses to try, in this order.
    pub fn order(&self, id: TrunkId, now: Instant, dice: &mut Dice) -> Vec<usize> {
        let Some(line) = self.line(id) else { return Vec::new() };
        health::order(&line.config.addresses, &line.health, now, dice)
    }

    /// A call failed before this address took it: transport error, silence, or 503. That may say
    /// how long it wants to be left alone (RFC 3261 section 21.5.4), and is believed for an hour.
    pub fn address_failed(
        &mut self,
        id: TrunkId,
        address: u8,
        wait: Option<Duration>,
        now: Instant,
    ) {
        if let Some((line, at)) = self.address(id, address) {
            let cooldown = wait.map_or(line.config.cooldown, |it| it.min(LONGEST_WAIT));
            line.health[at].cool(cooldown, now);
        }
    }

    /// A call got a response through this address.
    pub fn address_answered(&mut self, id: TrunkId, address: u8, now: Instant) {
        if let Some((line, at)) = self.address(id, address) {
            line.health[at].on_reached(now);
        }
    }

    /// What a probe gave. True if the address went down or came up by that.
    pub fn on_probed(&mut self, asked: Asked, status: Option<u16>, now: Instant) -> bool {
        let Some((line, at)) = self.address(asked.trunk, asked.address) else { return false };
        let health = &mut line.health[at];
        let changed = match (&line.config.probe, asked.spot) {
            (Some(probe), None) => health.on_probed(probe, status),
            (Some(probe), Some(spot)) => health.on_spot_probed(spot, probe, status),
            (None, _) => false,
        };
        if changed {
            health.changed(now);
        }
        changed
    }

    /// Where an address that is a name leads to now: whom to ask there, and whether that changed
    /// what we think of it. A name that leads nowhere is as one that does not answer.
    pub fn found(
        &mut self,
        asked: Asked,
        found: &[(SocketAddr, Transport)],
        now: Instant,
    ) -> (Vec<(Asked, SocketAddr, Transport)>, bool) {
        let Some((line, at)) = self.address(asked.trunk, asked.address) else {
            return (Vec::new(), false);
        };
        let (Some(probe), health) = (&line.config.probe, &mut line.health[at]) else {
            return (Vec::new(), false);
        };
        let (spots, changed) = match found.is_empty() {
            true => (Vec::new(), health.on_probed(probe, None)),
            false => {
                let down = health.is_down();
                (health.spots.found(found, down, now), health.follow_spots())
            }
        };
        if changed {
            health.changed(now);
        }
        let each =
            |(spot, remote, transport)| (Asked { spot: Some(spot), ..asked }, remote, transport);
        (spots.into_iter().map(each).collect(), changed)
    }

    /// A place that a trunk's name leads to does not answer.
    pub fn is_down_at(
        &self,
        id: TrunkId,
        address: u8,
        remote: SocketAddr,
        transport: Transport,
    ) -> bool {
        let health = self.line(id).and_then(|it| it.health.get(usize::from(address)));
        health.is_some_and(|it| it.spots.is_down(remote, transport))
    }

    fn address(&mut self, id: TrunkId, address: u8) -> Option<(&mut Line, usize)> {
        let line = self.lines.get_mut(usize::from(id.0)).filter(|it| it.wanted)?;
        let at = usize::from(address);
        (at < line.health.len()).then_some((line, at))
    }

    /// The addresses that are to be asked now whether they are alive.
    pub fn on_time(&mut self, now: Instant, dice: &mut Dice) -> Vec<Asked> {
        let mut asked = Vec::new();
        while let Some((rang, (id, address))) = self.alarms.due(now) {
            let line = self.lines.get_mut(usize::from(id.0)).filter(|it| it.wanted);
            let Some(line) = line else { continue };
            let Some(probe) = &line.config.probe else { continue };
            let Some(it) = line.health.get_mut(usize::from(address)) else { continue };
            if it.armed == Some(rang) {
                it.armed = None;
            }
            if it.on_time(probe, now, dice) == Turn::Probe {
                asked.push(Asked { trunk: id, address, spot: None });
            }
            self.alarms.arm((id, address), it.next(), &mut it.armed);
        }
        asked
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.alarms.next()
    }

    pub fn status(&self, now: Instant) -> Vec<TrunkStatus> {
        let shown = (0..).map(TrunkId).zip(&self.lines).filter(|(_, it)| it.wanted);
        shown.map(|(id, line)| line.status(id, now)).collect()
    }
}

impl Line {
    fn status(&self, id: TrunkId, now: Instant) -> TrunkStatus {
        let addresses = self.config.addresses.iter().zip(&self.health).map(|(it, health)| {
            let (state, since) = health.state(now);
            let name = it.port.map_or(it.host.clone(), |port| format!("{}:{port}", it.host));
            AddressStatus { name, state, since, last_status: health.last_status }
        });
        let (name, addresses) = (self.config.name.clone(), addresses.collect());
        TrunkStatus { id, name, calls: self.calls, addresses }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::config::{Address, Probe};

    fn at(seconds: u64) -> Instant {
        Instant::from_micros(seconds * 1_000_000)
    }

    fn address(host: &str) -> Address {
        Address {
            host: host.into(),
            port: None,
            transport: Transport::Udp,
            tcp_too: false,
            priority: 1,
            weight: 1,
        }
    }

    fn trunk(name: &str, source: &str) -> Trunk {
        Trunk {
            sources: vec![source.parse::<crate::peer::Cidr>().unwrap().into()],
            addresses: vec![address(&format!("{name}.example"))],
            ..Trunk::named(name)
        }
    }

    fn adopted(wanted: Vec<Trunk>) -> Trunks {
        let mut trunks = Trunks::default();
        trunks.adopt(wanted, at(0), &mut Dice::new(1)).unwrap();
        trunks
    }

    #[test]
    fn a_trunk_takes_so_many_calls_and_no_more() {
        let mut trunks = adopted(vec![Trunk { max_calls: Some(2), ..trunk("a", "10.0.0.0/8") }]);
        let a = trunks.named("a").unwrap();
        assert_eq!(trunks.try_start_call(a, at(1)), Ok(()));
        assert_eq!(trunks.try_start_call(a, at(1)), Ok(()));
        assert_eq!(trunks.try_start_call(a, at(1)), Err(Busy::Full));
        trunks.call_ended(a);
        assert_eq!(trunks.try_start_call(a, at(1)), Ok(()));
        assert_eq!(trunks.status(at(1))[0].calls, 2);
    }

    #[test]
    fn a_trunk_takes_so_many_calls_a_second() {
        let rate = Some(3);
        let mut trunks =
            adopted(vec![Trunk { max_calls_per_second: rate, ..trunk("a", "10.0.0.0/8") }]);
        let a = trunks.named("a").unwrap();
        let mut started = |now| (0..9).filter(|_| trunks.try_start_call(a, now).is_ok()).count();
        assert_eq!(started(at(1)), 3);
        assert_eq!(started(at(1) + Duration::from_millis(340)), 1);
        assert_eq!(started(at(9)), 3);
    }

    #[test]
    fn calls_and_health_outlive_a_new_configuration() {
        let probe = Some(Probe { down_after: 1, ..Probe::default() });
        let a = Trunk { probe, max_calls: Some(1), ..trunk("a", "10.0.0.0/8") };
        let mut trunks = adopted(vec![a.clone()]);
        let id = trunks.named("a").unwrap();
        trunks.try_start_call(id, at(1)).unwrap();
        assert!(trunks.on_probed(Asked { trunk: id, address: 0, spot: None }, None, at(1)));
        let mut longer = a;
        longer.addresses.insert(0, address("new.example"));
        let wanted = vec![trunk("b", "11.0.0.0/8"), longer];
        trunks.adopt(wanted, at(2), &mut Dice::new(2)).unwrap();
        assert_eq!(trunks.named("a"), Some(id));
        assert_eq!(trunks.try_start_call(id, at(3)), Err(Busy::Full));
        assert_eq!(trunks.order(id, at(3), &mut Dice::new(1)), [0], "the old one is still down");
        trunks.adopt(vec![trunk("b", "11.0.0.0/8")], at(4), &mut Dice::new(3)).unwrap();
        assert_eq!(trunks.named("a"), None);
        assert_eq!(trunks.try_start_call(id, at(5)), Err(Busy::Gone));
        assert_eq!(trunks.owner("10.0.0.1".parse().unwrap(), 0, Transport::Udp), None);
        trunks.call_ended(id);
    }

    #[test]
    fn a_bad_configuration_changes_nothing() {
        let mut trunks = adopted(vec![trunk("a", "10.0.0.0/8")]);
        let mut refused = |wanted| trunks.adopt(wanted, at(1), &mut Dice::new(1)).unwrap_err();
        let everybody = refused(vec![trunk("b", "0.0.0.0/0")]);
        assert!(matches!(everybody, ConfigError::Everybody { .. }));
        let taken = refused(vec![trunk("b", "10.1.0.0/16"), trunk("c", "10.1.0.0/16")]);
        assert!(matches!(taken, ConfigError::SourceTaken { other, .. } if &*other == "b"));
        let twice = refused(vec![trunk("b", "10.1.0.0/16"), trunk("b", "10.2.0.0/16")]);
        assert_eq!(twice, ConfigError::TrunkTwice("b".into()));
        assert!(trunks.named("a").is_some());
        assert!(trunks.named("b").is_none());
        let meant = Trunk { open_to_everybody: true, ..trunk("b", "0.0.0.0/0") };
        trunks.adopt(vec![meant], at(1), &mut Dice::new(1)).unwrap();
        let b = trunks.named("b");
        assert_eq!(trunks.owner("1.2.3.4".parse().unwrap(), 0, Transport::Udp), b);
    }

    #[test]
    fn a_probe_is_due_once_in_its_interval() {
        let probe = Some(Probe { every: Duration::from_secs(10), ..Probe::default() });
        let mut trunks = adopted(vec![Trunk { probe, ..trunk("a", "10.0.0.0/8") }]);
        let a = trunks.named("a").unwrap();
        let mut dice = Dice::new(5);
        let mut asked = 0;
        while trunks.deadline().unwrap() <= at(1000) {
            let now = trunks.deadline().unwrap();
            for it in trunks.on_time(now, &mut dice) {
                assert_eq!((it.trunk, it.address), (a, 0));
                trunks.on_probed(it, Some(200), now);
                asked += 1;
            }
        }
        assert!((90..=110).contains(&asked), "{asked}");
    }
}
