//! Who may send us SIP, and where they are.
//!
//! - [`Peers::admit`] says whose an incoming request is: a trunk's, recognised by where it came
//!   from ([`cidr`]), or a client's, who has proved it ([`auth`]); or what a stranger hears
//!   ([`challenge`], [`strangers`]).
//! - [`Peers::register`] is the registrar ([`registrar`], [`bindings`]): RFC 3261 section 10.3 with
//!   RFC 3327 (Path) and RFC 5626 (instances, flows).
//! - [`Peers::locate`] says where a call to a trunk, an account or a URI goes ([`locate`]), past
//!   addresses that are down ([`health`]) and flows that are dead.
//!
//! Left to others: matching requests within a dialog (`dialog`) and retransmissions
//! (`transaction`) comes before [`Peers::admit`]; names are resolved by the shell; OPTIONS are
//! built and sent by the switch.

mod admit;
mod alive;
mod auth;
mod bindings;
mod challenge;
mod cidr;
pub mod config;
mod dice;
mod health;
mod locate;
mod nonce;
mod registrar;
mod snapshot;
mod strangers;
mod trunk;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

pub use self::admit::Admission;
pub use self::bindings::AccountId;
pub use self::cidr::{Cidr, CidrError};
pub use self::config::{Config, ConfigError};
pub use self::locate::{LARGE, Place, Resolve, Target};
pub use self::snapshot::{Registration, Snapshot};
pub use self::trunk::{AddressState, AddressStatus, Asked, Busy, TrunkId, TrunkStatus};

use self::auth::{Door, Keys};
use self::bindings::Bindings;
use self::config::{Account, Login, Secret, Trunk};
use self::dice::Dice;
use self::registrar::Refusal;
use self::strangers::Sightings;
use self::trunk::Trunks;
use crate::clock::{Instant, Now};
use crate::sip::{Hop, Message, Transport, Uri};

/// Something to do when time has passed.
#[derive(Clone, Debug)]
pub enum Out {
    /// Send OPTIONS to this address of a trunk and tell [`Peers::on_probed`] what came back.
    Probe { asked: Asked, target: Target },
    /// Find where this address of a trunk leads to, for [`Peers::found`].
    Find { asked: Asked, resolve: Resolve },
}

/// What has happened at the door so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    pub challenged: u64,
    /// Requests that heard nothing: strangers where there are no clients, banned sources, too many
    /// challenges, requests too short to be answered.
    pub silenced: u64,
    /// Wrong passwords and unknown users, alike.
    pub wrong: u64,
    pub stale: u64,
    pub bans: u64,
    /// Credentials of one user for the address of another.
    pub foreign: u64,
    pub registrations: u64,
    pub registrations_refused: u64,
}

/// All of them. Bounded by its configuration, whatever comes in.
pub struct Peers {
    config: Config,
    door: Door,
    sightings: Sightings,
    trunks: Trunks,
    /// What a trunk's requests must prove.
    logins: BTreeMap<TrunkId, (Box<str>, Keys)>,
    accounts: Vec<Member>,
    names: BTreeMap<Arc<str>, AccountId>,
    /// By the user of the credentials, which is that of the address of record as well.
    users: HashMap<Box<[u8]>, AccountId>,
    bindings: Bindings,
    /// Knows the secret, so that nobody can make two Call-IDs alike.
    keyed: DefaultHasher,
    secret: [u8; 32],
    dice: Dice,
    counters: Counters,
}

/// An account at run time.
struct Member {
    name: Arc<str>,
    user: Box<[u8]>,
    keys: Keys,
    max_contacts: usize,
    wanted: bool,
}

impl Peers {
    /// `secret` makes nonces and must be hard to guess. With the same one after a restart, the order
    /// of requests with one Call-ID is known across it.
    pub fn new(config: Config, secret: [u8; 32], now: Instant) -> Result<Self, ConfigError> {
        let mut keyed = DefaultHasher::new();
        keyed.write(&secret);
        let mut dice = Dice::new(keyed.finish());
        let (realm, algorithms) = (config.realm.clone(), config.algorithms.clone());
        let mut peers = Self {
            door: Door::new(&secret, &realm, algorithms, config.nonces),
            sightings: Sightings::new(config.strangers.clone(), dice.roll()),
            config: Config::default(),
            trunks: Trunks::default(),
            logins: BTreeMap::new(),
            accounts: Vec::new(),
            names: BTreeMap::new(),
            users: HashMap::new(),
            bindings: Bindings::default(),
            keyed,
            secret,
            dice,
            counters: Counters::default(),
        };
        peers.adopt(config, now)?;
        Ok(peers)
    }

    /// Takes a new configuration, or changes nothing. Registrations, calls, health and bans stay;
    /// registrations of accounts that are gone go.
    pub fn adopt(&mut self, mut config: Config, now: Instant) -> Result<(), ConfigError> {
        config::check(&config)?;
        let accounts = std::mem::take(&mut config.accounts);
        let members = self.members(accounts, &config)?;
        let mut trunks = std::mem::take(&mut config.trunks);
        let mut logins = Vec::new();
        for trunk in &mut trunks {
            if let Some(Login { user, password, .. }) = &mut trunk.inbound {
                let secret = Secret::Password(std::mem::take(password));
                let keys = Keys::of(user, &config.realm, &secret);
                logins.extend(keys.map(|it| (trunk.name.clone(), user.as_str().into(), it)));
            }
        }
        self.trunks.adopt(trunks, now, &mut self.dice)?;
        let named = |(name, user, keys): (Arc<str>, Box<str>, Keys)| {
            Some((self.trunks.named(&name)?, (user, keys)))
        };
        self.logins = logins.into_iter().filter_map(named).collect();
        self.take_in(members);
        if !self.door.is_like(&config.realm, &config.algorithms, config.nonces) {
            let algorithms = config.algorithms.clone();
            self.door = Door::new(&self.secret, &config.realm, algorithms, config.nonces);
        }
        self.sightings.adopt(config.strangers.clone());
        self.config = config;
        Ok(())
    }

    fn members(&self, accounts: Vec<Account>, config: &Config) -> Result<Vec<Member>, ConfigError> {
        let mut seen = (BTreeMap::new(), BTreeMap::new());
        let mut members = Vec::with_capacity(accounts.len());
        for it in accounts {
            if seen.0.insert(it.name.clone(), ()).is_some() {
                return Err(ConfigError::AccountTwice(it.name));
            }
            if seen.1.insert(it.user.clone(), ()).is_some() {
                return Err(ConfigError::UserTwice(it.user));
            }
            let keys = Keys::of(&it.user, &config.realm, &it.secret);
            members.push(Member {
                keys: keys.ok_or_else(|| ConfigError::Ha1(it.name.clone()))?,
                name: it.name,
                user: it.user.into_bytes().into(),
                max_contacts: it.max_contacts.unwrap_or(config.registrar.max_contacts),
                wanted: true,
            });
        }
        Ok(members)
    }

    /// Old accounts keep their numbers.
    fn take_in(&mut self, members: Vec<Member>) {
        self.accounts.iter_mut().for_each(|it| it.wanted = false);
        self.users.clear();
        for member in members {
            let next = AccountId(u32::try_from(self.accounts.len()).unwrap_or(u32::MAX));
            let id = *self.names.entry(member.name.clone()).or_insert(next);
            self.users.insert(member.user.clone(), id);
            match self.accounts.get_mut(id.0 as usize) {
                Some(it) => *it = member,
                None => self.accounts.push(member),
            }
        }
        self.bindings.grow(self.accounts.len());
        for (id, it) in (0..).map(AccountId).zip(&self.accounts) {
            if !it.wanted {
                self.bindings.remove_all(id);
            }
        }
    }

    /// The whole 401. `None` if even the shortest would be larger than a request whose source may
    /// be forged: say nothing then. A source that has proved itself lately is answered in full.
    pub fn challenge(
        &mut self,
        request: &Message,
        stale: bool,
        from: &Hop,
        now: Now,
    ) -> Option<Bytes> {
        // Who has proved lately to be where it says cannot be forged into a flood worth the name.
        let forgeable =
            !from.transport.is_reliable() && !self.sightings.is_trusted(from.remote.ip(), now.at);
        let limit = if forgeable { request.bytes().len() } else { usize::MAX };
        let answer = challenge::challenge(&mut self.door, request, stale, from, limit, now.wall);
        match answer {
            Some(_) => self.counters.challenged += 1,
            None => self.counters.silenced += 1,
        }
        answer
    }

    /// Does what a REGISTER asks for, and gives the whole answer. The account is the one that
    /// [`Peers::admit`] said.
    pub fn register(
        &mut self,
        request: &Message,
        from: &Hop,
        account: AccountId,
        now: Now,
    ) -> (Bytes, u16) {
        let rules = &self.config.registrar;
        let mut call = self.keyed.clone();
        call.write(request.call_id());
        let tag = tag(self.dice.roll());
        let tag = std::str::from_utf8(&tag).unwrap_or("0");
        let max = self.accounts.get(account.0 as usize).map_or(0, |it| it.max_contacts);
        let done = registrar::wish(request, from, call.finish(), rules).and_then(|wish| {
            let it = &mut self.bindings;
            it.update(account, wish, max, rules, now.at, &mut self.dice).map_err(Refusal::from)
        });
        match done {
            Ok(()) => {
                self.counters.registrations += 1;
                let bindings = self.bindings.of(account);
                (registrar::accept(request, from, tag, bindings, rules, now.at), 200)
            }
            Err(refusal) => {
                self.counters.registrations_refused += 1;
                registrar::refuse(request, from, tag, &refusal, rules)
            }
        }
    }

    /// Where a call to this place goes: all phones of an account, or the addresses of a trunk in
    /// the order to try them. Empty if it cannot be reached now. `random` draws by weight.
    pub fn locate(&self, place: &Place, random: u64, now: Instant) -> Vec<Target> {
        let listeners = &self.config.listeners;
        match place {
            Place::Trunk { trunk, number } => {
                let Some(config) = self.trunks.config(*trunk) else { return Vec::new() };
                let order = self.trunks.order(*trunk, now, &mut Dice::new(random));
                let order = order.into_iter();
                order.filter_map(|n| locate::trunk(listeners, config, *trunk, n, number)).collect()
            }
            Place::Uri(uri) => locate::uri(listeners, uri).into_iter().collect(),
            Place::Account(name) => self.account(name).map_or_else(Vec::new, |account| {
                locate::phones(account, self.bindings.of(account), now)
            }),
        }
    }

    /// A hop to an address, for what a name resolved to, or for TCP instead of UDP. `None` if no
    /// socket of ours can reach it.
    pub fn hop(&self, remote: SocketAddr, transport: Transport) -> Option<Hop> {
        locate::hop(&self.config.listeners, remote, transport, None)
    }

    /// The same target at an address that its name leads to. `None` if no socket of ours reaches it.
    pub fn target_at(
        &self,
        target: &Target,
        remote: SocketAddr,
        transport: Transport,
    ) -> Option<Target> {
        let listeners = &self.config.listeners;
        let wanted = target.trunk.and_then(|(it, _)| self.trunks.config(it)?.listener);
        let hop = locate::hop(listeners, remote, transport, wanted)?;
        Some(Target { hop: Some(hop), resolve: None, ..target.clone() })
    }

    /// The same target at each address that its name leads to, without those that do not answer
    /// our probes: unless none does, for rather one that may be gone than nobody.
    pub fn targets_at(&self, target: &Target, found: &[(SocketAddr, Transport)]) -> Vec<Target> {
        let is_down = |it: &&(SocketAddr, Transport)| {
            let down = |at: (TrunkId, u8)| self.trunks.is_down_at(at.0, at.1, it.0, it.1);
            target.trunk.is_some_and(down)
        };
        let at = |it: &(SocketAddr, Transport)| self.target_at(target, it.0, it.1);
        let up: Vec<_> = found.iter().filter(|it| !is_down(it)).filter_map(at).collect();
        if up.is_empty() { found.iter().filter_map(at).collect() } else { up }
    }

    pub fn trunk(&self, name: &str) -> Option<TrunkId> {
        self.trunks.named(name)
    }

    /// What is configured for a trunk.
    pub fn trunk_config(&self, trunk: TrunkId) -> Option<&Trunk> {
        self.trunks.config(trunk)
    }

    pub fn account(&self, name: &str) -> Option<AccountId> {
        let id = *self.names.get(name)?;
        self.accounts.get(id.0 as usize).filter(|it| it.wanted).map(|_| id)
    }

    pub fn account_name(&self, account: AccountId) -> Option<&Arc<str>> {
        self.accounts.get(account.0 as usize).map(|it| &it.name)
    }

    /// How many contacts of an account can be reached now.
    pub fn reachable(&self, account: AccountId, now: Instant) -> usize {
        self.bindings.of(account).iter().filter(|it| it.is_live(now)).count()
    }

    /// Accounts whose registrations have changed since this was last asked, and whether any of
    /// their phones can be reached now.
    pub fn take_changes(&mut self, now: Instant) -> Vec<(Arc<str>, bool)> {
        let changed = self.bindings.take_changes();
        let named = changed.into_iter().filter_map(|id| Some((id, self.account_name(id)?.clone())));
        named.map(|(id, name)| (name, 0 < self.reachable(id, now))).collect()
    }

    /// Counts a call through a trunk, in either direction, unless it has enough of them.
    pub fn try_start_call(&mut self, trunk: TrunkId, now: Instant) -> Result<(), Busy> {
        self.trunks.try_start_call(trunk, now)
    }

    /// A call that `try_start_call` counted is over.
    pub fn call_ended(&mut self, trunk: TrunkId) {
        self.trunks.call_ended(trunk);
    }

    /// A call failed before this address took it (no connection, silence, 503): it is tried last
    /// for as long as it asked for, or for a while.
    pub fn address_failed(
        &mut self,
        trunk: TrunkId,
        address: u8,
        wait: Option<Duration>,
        now: Instant,
    ) {
        self.trunks.address_failed(trunk, address, wait, now);
    }

    /// This address answered a call, whatever it said.
    pub fn address_answered(&mut self, trunk: TrunkId, address: u8, now: Instant) {
        self.trunks.address_answered(trunk, address, now);
    }

    /// The final response to a probe, or `None` if there was none. True if the address went down or
    /// came up by that.
    pub fn on_probed(&mut self, asked: Asked, status: Option<u16>, now: Instant) -> bool {
        self.trunks.on_probed(asked, status, now)
    }

    /// Where a trunk's name leads to now: those places are asked whether they are there. True if
    /// the address went down or came up by that.
    pub fn found(
        &mut self,
        asked: Asked,
        found: &[(SocketAddr, Transport)],
        now: Instant,
        out: &mut Vec<Out>,
    ) -> bool {
        let (spots, mut changed) = self.trunks.found(asked, found, now);
        let named = self.address_of(asked);
        for (asked, remote, transport) in spots {
            let at = named.as_ref().and_then(|it| self.target_at(it, remote, transport));
            match at {
                Some(target) => out.push(Out::Probe { asked, target }),
                None => changed |= self.trunks.on_probed(asked, None, now),
            }
        }
        changed
    }

    fn address_of(&self, asked: Asked) -> Option<Target> {
        let config = self.trunks.config(asked.trunk)?;
        let address = usize::from(asked.address);
        locate::trunk(&self.config.listeners, config, asked.trunk, address, "")
    }

    /// A request to a phone found nobody at the end of this flow: it gets no calls until it
    /// registers again.
    pub fn flow_failed(&mut self, account: AccountId, hop: &Hop) {
        self.bindings.flow_failed(account, hop);
    }

    /// A TCP connection is no more. Its bindings get no calls from now on, and go after the grace.
    pub fn on_connection_closed(&mut self, connection: u32, now: Instant) {
        self.bindings.connection_closed(connection, self.config.registrar.grace, now);
    }

    /// Lifts the ban on a source; true if there was one.
    pub fn pardon(&mut self, source: IpAddr, now: Instant) -> bool {
        self.sightings.pardon(source, now)
    }

    pub fn on_time(&mut self, now: Instant, out: &mut Vec<Out>) {
        self.bindings.on_time(now);
        for asked in self.trunks.on_time(now, &mut self.dice) {
            match self.address_of(asked) {
                Some(Target { hop: None, resolve: Some(resolve), .. }) => {
                    out.push(Out::Find { asked, resolve });
                }
                Some(target) => out.push(Out::Probe { asked, target }),
                None => drop(self.trunks.on_probed(asked, None, now)),
            }
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        let both = [self.bindings.next(), self.trunks.deadline()];
        both.into_iter().flatten().min()
    }

    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Bindings of all accounts together.
    pub fn registered(&self) -> usize {
        self.bindings.count()
    }

    /// Sources that are banned now. Walks a table: for metrics.
    pub fn banned(&self, now: Instant) -> usize {
        self.sightings.banned(now)
    }

    /// Each trunk, its calls and the health of its addresses.
    pub fn trunk_status(&self, now: Instant) -> Vec<TrunkStatus> {
        self.trunks.status(now)
    }

    /// The registrations, to be put back after a restart with [`Peers::restore`].
    pub fn snapshot(&self, now: Now) -> Snapshot {
        let live = self.bindings.iter().filter(|(_, it)| now.at < it.expires);
        let kept = live.filter_map(|(account, it)| {
            Some(Registration::of(self.account_name(account)?, it, now))
        });
        Snapshot { registrations: kept.collect() }
    }

    /// The registrations of one account, by its name.
    pub fn registrations_of(&self, account: &str, now: Now) -> Vec<Registration> {
        self.account(account).map(|it| self.registrations_at(it, now)).unwrap_or_default()
    }

    /// The registrations of so many accounts, from where an earlier answer ended, whose place is
    /// beside them. No place: that was all.
    pub fn registrations(
        &self,
        from: u32,
        accounts: u32,
        now: Now,
    ) -> (Vec<Registration>, Option<u32>) {
        let end = from.saturating_add(accounts).min(self.bindings.accounts());
        let found = (from..end).flat_map(|it| self.registrations_at(AccountId(it), now));
        (found.collect(), (end < self.bindings.accounts()).then_some(end))
    }

    fn registrations_at(&self, account: AccountId, now: Now) -> Vec<Registration> {
        let live = self.bindings.of(account).iter().filter(|it| it.is_live(now.at));
        let told = |it| Some(Registration::of(self.account_name(account)?, it, now));
        live.filter_map(told).collect()
    }

    /// Puts registrations back, those of accounts that are still there and not over by now.
    /// Registrations over TCP are not: their connections went with the process.
    pub fn restore(&mut self, snapshot: Snapshot, now: Now) {
        for it in snapshot.registrations {
            let room = self.bindings.count() < self.config.registrar.max_bindings;
            let Some(account) = self.account(&it.account).filter(|_| room) else { continue };
            let Some(binding) = it.binding(now) else { continue };
            if Uri::parse(binding.contact.as_bytes()).is_ok() {
                // What it had proved before the restart it need not prove again to be answered.
                self.sightings.succeeded(binding.hop.remote.ip(), now.at);
                self.bindings.put_back(account, binding);
            }
        }
    }
}

/// A To tag of 32 bits (RFC 3261 section 19.3).
fn tag(random: u64) -> [u8; 8] {
    let mut tag = *b"00000000";
    for (n, it) in tag.iter_mut().enumerate() {
        *it = b"0123456789abcdef"[(random >> (4 * n) & 15) as usize];
    }
    tag
}
