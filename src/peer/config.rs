//! What the operator wrote about who may send us SIP, as this room wants it.
//!
//! The switch fills it from the configuration file. Passwords do not live on: [`super::Peers`] keeps
//! digests of them only (but for those we need ourselves, towards trunks that challenge us).

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

pub use super::cidr::{Cidr, CidrError};
use super::locate::trunk_uri;
pub use super::strangers::Strangers;
use crate::sip::{Host, Transport, Uri, Value};

/// Everything this room is told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Our sockets, in the order of [`crate::sip::Hop::listener`].
    pub listeners: Vec<Listener>,
    /// The realm of our challenges. Changing it makes HA1s that were given as such useless.
    pub realm: String,
    /// One challenge header each, in this order. Some phones read only the first one.
    pub algorithms: Vec<Algorithm>,
    pub nonces: NonceRules,
    pub registrar: Registrar,
    pub strangers: Strangers,
    pub trunks: Vec<Trunk>,
    pub accounts: Vec<Account>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listeners: Vec::new(),
            realm: "crosspoint".into(),
            algorithms: vec![Algorithm::Md5, Algorithm::Sha256],
            nonces: NonceRules::default(),
            registrar: Registrar::default(),
            strangers: Strangers::default(),
            trunks: Vec::new(),
            accounts: Vec::new(),
        }
    }
}

/// One of our sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    pub transport: Transport,
    /// Where it is bound; its family decides whom it can reach.
    pub address: SocketAddr,
    /// Unknown sources are challenged here. Otherwise they hear [`Listener::strangers_hear`].
    pub clients: bool,
    /// The final response for unknown sources where there are no clients; `None` is silence.
    pub strangers_hear: Option<u16>,
}

/// Algorithms of our challenges (RFC 7616, RFC 8760).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Md5,
    Sha256,
}

/// How long a nonce is good, and how many in use are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NonceRules {
    pub register_ttl: Duration,
    /// For all other requests.
    pub call_ttl: Duration,
    pub remembered: usize,
}

impl Default for NonceRules {
    fn default() -> Self {
        Self {
            register_ttl: Duration::from_secs(600),
            call_ttl: Duration::from_secs(120),
            remembered: 65_536,
        }
    }
}

/// Rules of the registrar. Times in whole seconds on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registrar {
    /// Shorter wishes are answered 423 (RFC 3261 section 10.2.8).
    pub min_expires: Duration,
    pub default_expires: Duration,
    /// Longer wishes are cut.
    pub max_expires: Duration,
    /// Expiry is shortened at random by up to so many percent, so that phones which started
    /// together do not stay together.
    pub spread_percent: u8,
    /// Contacts per account, unless the account says otherwise.
    pub max_contacts: usize,
    pub when_full: WhenFull,
    /// Bindings of all accounts together; one more is answered 503.
    pub max_bindings: usize,
    /// How long a binding outlives its TCP connection.
    pub grace: Duration,
    /// Requests on a TCP connection that carries a good registration need no digest.
    pub trust_flow: bool,
    /// What answers to registrations say as Server.
    pub software: Option<Value>,
}

impl Default for Registrar {
    fn default() -> Self {
        Self {
            min_expires: Duration::from_secs(60),
            default_expires: Duration::from_secs(3600),
            max_expires: Duration::from_secs(7200),
            spread_percent: 10,
            max_contacts: 10,
            when_full: WhenFull::DropOldest,
            max_bindings: 500_000,
            grace: Duration::from_secs(5),
            trust_flow: false,
            software: None,
        }
    }
}

/// What happens to one contact too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenFull {
    /// The one that was refreshed longest ago goes.
    DropOldest,
    /// The request is refused with 403.
    Refuse,
}

/// A phone's credentials, and what it may register: the address of record with its user part.
#[derive(Clone, Debug)]
pub struct Account {
    /// What the rest of the house calls it (`client:NAME`).
    pub name: Arc<str>,
    pub user: String,
    pub secret: Secret,
    pub max_contacts: Option<usize>,
}

/// What somebody must know.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    Password(String),
    /// Hexadecimal HA1 per algorithm: H(user:realm:password). Challenges with an algorithm that
    /// has none cannot be answered.
    Ha1 {
        md5: Option<String>,
        sha256: Option<String>,
    },
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(_)")
    }
}

/// A carrier.
#[derive(Clone, Debug)]
pub struct Trunk {
    pub name: Arc<str>,
    /// Its requests come from there; from nowhere if empty. The source address alone tells,
    /// never Via or From. That of UDP can be forged: see [`Trunk::inbound`].
    pub sources: Vec<Source>,
    /// Sources may be everybody (`0.0.0.0/0`).
    pub open_to_everybody: bool,
    /// Its requests must also carry this digest.
    pub inbound: Option<Login>,
    /// What answers its challenges.
    pub outbound: Option<Login>,
    pub addresses: Vec<Address>,
    /// The socket that requests to it leave by; by family and transport if not given.
    pub listener: Option<u8>,
    pub numbers: Numbers,
    /// Calls at once, both directions.
    pub max_calls: Option<u32>,
    /// Calls started per second, both directions.
    pub max_calls_per_second: Option<u32>,
    pub probe: Option<Probe>,
    /// How long an address is tried last after a call through it failed.
    pub cooldown: Duration,
}

impl Trunk {
    /// A trunk that only has a name.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.into(),
            sources: Vec::new(),
            open_to_everybody: false,
            inbound: None,
            outbound: None,
            addresses: Vec::new(),
            listener: None,
            numbers: Numbers::default(),
            max_calls: None,
            max_calls_per_second: None,
            probe: None,
            cooldown: Duration::from_secs(30),
        }
    }
}

/// A network that a trunk's requests come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    pub network: Cidr,
    /// Only at this socket.
    pub listener: Option<u8>,
    /// Only by this transport.
    pub transport: Option<Transport>,
}

impl From<Cidr> for Source {
    fn from(network: Cidr) -> Self {
        Self { network, listener: None, transport: None }
    }
}

/// User and secret of a trunk.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    pub user: String,
    pub password: String,
    /// Towards a trunk: only for this realm; for any, if none is given.
    pub realm: Option<String>,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login({}, _)", self.user)
    }
}

/// One of the addresses of a trunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// An IP address or a name.
    pub host: String,
    /// `None`: 5060, or what the name's SRV record says.
    pub port: Option<u16>,
    pub transport: Transport,
    /// It takes TCP too, so large requests go that way (RFC 3261 section 18.1.1).
    pub tcp_too: bool,
    /// Lower ones are tried first.
    pub priority: u16,
    /// Share of calls among addresses of the same priority (RFC 2782).
    pub weight: u16,
}

/// How numbers are written towards a trunk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Without the leading `+`.
    pub bare: bool,
    /// Goes before the number (technical prefix).
    pub prefix: String,
}

/// Asking a trunk whether it is alive (OPTIONS).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Averaged: each wait is between 0.8 and 1.2 times that.
    pub every: Duration,
    /// Down after so many without answer in a row.
    pub down_after: u8,
    /// Up again after so many answers in a row.
    pub up_after: u8,
    /// Final responses that count as no answer. Any other final response means alive.
    pub dead_when: Vec<u16>,
}

impl Default for Probe {
    fn default() -> Self {
        Self { every: Duration::from_secs(30), down_after: 3, up_after: 2, dead_when: Vec::new() }
    }
}

/// Why a configuration cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// Its network takes in everybody, and the trunk does not say that it is meant.
    Everybody {
        trunk: Arc<str>,
        network: Cidr,
    },
    /// Two trunks claim the same source.
    SourceTaken {
        trunk: Arc<str>,
        other: Arc<str>,
        network: Cidr,
    },
    TrunkTwice(Arc<str>),
    AccountTwice(Arc<str>),
    /// Two accounts with the same user.
    UserTwice(String),
    /// The trunk names a listener that there is not.
    NoSuchListener {
        trunk: Arc<str>,
        listener: u8,
    },
    /// The host of an address can stand in no URI.
    Host {
        trunk: Arc<str>,
        host: String,
    },
    /// An HA1 that is not 32 (MD5) or 64 (SHA-256) hexadecimal digits.
    Ha1(Arc<str>),
    /// A realm, user or prefix with characters that have no place in a header.
    Text(String),
    NoAlgorithm,
    /// Minimum, default and maximum expiry are not in that order.
    Expiries,
    TooMany(&'static str),
}

/// What can be said without the rest of the house. Duplicates and sources are looked at where
/// they are kept.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    let rules = &config.registrar;
    let order = [Duration::from_secs(1), rules.min_expires, rules.default_expires];
    if !order.is_sorted() || rules.max_expires < rules.default_expires {
        return Err(ConfigError::Expiries);
    }
    if config.algorithms.is_empty() {
        return Err(ConfigError::NoAlgorithm);
    }
    if usize::from(u8::MAX) < config.listeners.len() {
        return Err(ConfigError::TooMany("listeners"));
    }
    plain(&config.realm)?;
    config.accounts.iter().try_for_each(|it| plain(&it.user))?;
    for trunk in &config.trunks {
        trunk.inbound.iter().chain(&trunk.outbound).try_for_each(|it| plain(&it.user))?;
        if !trunk.numbers.prefix.is_empty() {
            plain(&trunk.numbers.prefix)?;
        }
        let named = trunk.sources.iter().map(|it| it.listener).chain([trunk.listener]);
        for listener in named.flatten() {
            if config.listeners.len() <= usize::from(listener) {
                return Err(ConfigError::NoSuchListener { trunk: trunk.name.clone(), listener });
            }
        }
        for it in &trunk.addresses {
            if trunk_uri(it, None).is_none_or(|uri| !matches_host(&uri, &it.host)) {
                let (trunk, host) = (trunk.name.clone(), it.host.clone());
                return Err(ConfigError::Host { trunk, host });
            }
        }
    }
    Ok(())
}

/// Text that may stand in quotes.
fn plain(text: &str) -> Result<(), ConfigError> {
    let bad = |it: char| it.is_control() || it == '"' || it == '\\';
    if text.is_empty() || text.contains(bad) {
        return Err(ConfigError::Text(text.into()));
    }
    Ok(())
}

/// Nothing in the host became another part of the URI.
fn matches_host(uri: &Uri, host: &str) -> bool {
    match (host.parse::<IpAddr>(), uri.host()) {
        (Ok(ip), parsed) => parsed.ip() == Some(ip),
        (Err(_), Host::Name(name)) => name == host,
        (Err(_), _) => false,
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everybody { trunk, network } => {
                write!(f, "trunk {trunk}: {network} is everybody; say open_to_everybody if meant")
            }
            Self::SourceTaken { trunk, other, network } => {
                write!(f, "trunk {trunk}: {network} already belongs to trunk {other}")
            }
            Self::TrunkTwice(name) => write!(f, "trunk {name} is there twice"),
            Self::AccountTwice(name) => write!(f, "account {name} is there twice"),
            Self::UserTwice(user) => write!(f, "two accounts have the user {user}"),
            Self::NoSuchListener { trunk, listener } => {
                write!(f, "trunk {trunk}: there is no listener {listener}")
            }
            Self::Host { trunk, host } => write!(f, "trunk {trunk}: {host:?} is no host"),
            Self::Ha1(name) => write!(f, "account {name}: not a hexadecimal HA1"),
            Self::Text(text) => write!(f, "{text:?} has characters that cannot stand there"),
            Self::NoAlgorithm => f.write_str("no digest algorithm: md5, sha-256 or both"),
            Self::Expiries => f.write_str("expiry must be: 1 s <= minimum <= default <= maximum"),
            Self::TooMany(what) => write!(f, "too many {what}"),
        }
    }
}

impl std::error::Error for ConfigError {}
