//! Names to addresses (RFC 3263), beside the loop: NAPTR to SRV to A and AAAA, best first, with a
//! time limit and the last good answer when the name server is gone.
//!
//! ```text
//! an address ------------------------------------------> itself
//! a port stands there ---------------------------------> A and AAAA, that port
//! transport not said --> NAPTR: which services, in order
//!         | (or none: both of ours)
//!         v
//! SRV of each service, by priority, drawn by weight ---> A and AAAA of each target, its port
//!         | no SRV at all
//!         v
//! A and AAAA, port 5060
//! ```
//!
//! Records are kept for their own time, within bounds (`hickory-resolver`). What order they are
//! tried in is decided here (`resolve/order.rs`); trying them, one after the other when one fails,
//! is the switch's.

mod order;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::{RData, RecordType};
use hickory_resolver::system_conf::read_system_conf;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use self::order::{Host, Service, Target};
use crate::sip::Transport;

/// Records are believed at least and at most so long, whatever their own time.
const BELIEVED: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(3_600)];
/// The same for a name that is not there, or a record that a name does not have.
const MISSING: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(30)];
/// How long a name server that gave no answer is not asked the same again.
const FAILED: Duration = Duration::from_secs(5);
/// How long the last good answer serves while the name server is gone.
const STALE: Duration = Duration::from_secs(3_600);
/// How long it may take to find all about one name.
const QUESTION: Duration = Duration::from_secs(4);
/// How long one name server may take, and how often one is asked.
const SERVER: Duration = Duration::from_millis(1_200);
const ATTEMPTS: usize = 2;
/// Names remembered, and records.
const NAMES: usize = 4096;
const RECORDS: u64 = 16_384;
/// Names asked for at a time.
const QUESTIONS: usize = 64;
/// Addresses used of one name.
const ADDRESSES: usize = 16;
/// RFC 3261 section 19.1.2.
const SIP_PORT: u16 = 5060;

/// Where a name leads to, best first, and by which transport.
pub type Found = Vec<(SocketAddr, Transport)>;

/// Finds addresses; clones share what they know.
#[derive(Clone)]
pub struct Resolver {
    names: Arc<TokioResolver>,
    known: Arc<Mutex<BTreeMap<Asked, Known>>>,
    questions: Arc<Semaphore>,
}

/// What is asked for: a host, its port if it stands there, a transport if it is said.
type Asked = (String, Option<u16>, Option<Transport>);

/// What is remembered of a name, for when no name server answers.
#[derive(Clone, Debug)]
struct Known {
    last: Found,
    /// Until then `last` serves.
    stale: Instant,
    /// Until then no name server is asked.
    failed: Instant,
}

impl Resolver {
    /// Asks these name servers; the system's if there are none. To be made within a tokio runtime.
    pub fn new(servers: &[SocketAddr]) -> io::Result<Self> {
        let (config, mut options) = if servers.is_empty() {
            system()
        } else {
            let servers = servers.iter().map(|it| name_server(*it)).collect();
            (ResolverConfig::from_name_servers(servers), ResolverOpts::default())
        };
        let [least, most] = BELIEVED.map(Some);
        (options.positive_min_ttl, options.positive_max_ttl) = (least, most);
        let [least, most] = MISSING.map(Some);
        (options.negative_min_ttl, options.negative_max_ttl) = (least, most);
        options.timeout = SERVER;
        options.attempts = ATTEMPTS;
        options.cache_size = RECORDS;
        let provider = TokioRuntimeProvider::default();
        let mut builder = TokioResolver::builder_with_config(config, provider);
        *builder.options_mut() = options;
        let names = builder.build().map_err(io::Error::other)?;
        let questions = Arc::new(Semaphore::new(QUESTIONS));
        Ok(Self { names: Arc::new(names), known: Arc::default(), questions })
    }

    /// Where `host` is to be reached; never empty. An address needs no question.
    pub async fn resolve(
        &self,
        host: &str,
        port: Option<u16>,
        transport: Option<Transport>,
    ) -> io::Result<Found> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            let address = SocketAddr::new(address, port.unwrap_or(SIP_PORT));
            return Ok(vec![(address, transport.unwrap_or(Transport::Udp))]);
        }
        let asked = (absolute(host), port, transport);
        let Ok(_permit) = self.questions.acquire().await else { return Err(gone(host)) };
        if let Some(known) = self.failed(&asked, Instant::now()) {
            return found(known, host);
        }
        let answer = match timeout(QUESTION, self.ask(&asked)).await {
            Ok(Ok(found)) => Some(found),
            Ok(Err(error)) => {
                tracing::debug!(host, %error, "no name server answers");
                None
            }
            Err(_) => None,
        };
        found(self.learn(asked, answer, Instant::now()), host)
    }

    /// RFC 3263 sections 4.1 and 4.2. An error means that nobody knows, an empty list that there is
    /// nothing.
    async fn ask(&self, (host, port, transport): &Asked) -> Result<Found, NetError> {
        let fallback = transport.unwrap_or(Transport::Udp);
        if let Some(port) = port {
            return self.addresses(host, *port, fallback).await;
        }
        let services = match transport {
            Some(it) => vec![Service::of(*it, host)],
            None => self.services(host).await?,
        };
        let (mut found, mut is_offered) = (Found::new(), false);
        for service in services {
            let targets = self.targets(&service).await?;
            is_offered |= !targets.is_empty();
            let hosts = order::by_priority(targets, chance);
            for Host { name, port } in hosts {
                if ADDRESSES <= found.len() {
                    break;
                }
                // A target that cannot be found is one that cannot be reached.
                let addresses = self.addresses(&name, port, service.transport).await;
                found.extend(addresses.unwrap_or_default());
            }
        }
        if !is_offered {
            return self.addresses(host, SIP_PORT, fallback).await;
        }
        found.truncate(ADDRESSES);
        Ok(found)
    }

    /// The services of a host in the order it prefers them; both of ours if it does not say.
    async fn services(&self, host: &str) -> Result<Vec<Service>, NetError> {
        let records = self.records(host, RecordType::NAPTR).await?;
        let pointers = records.into_iter().filter_map(|it| match it {
            RData::NAPTR(it) => Some(order::Pointer {
                order: it.order,
                preference: it.preference,
                flags: it.flags.to_vec(),
                service: it.services.to_vec(),
                replacement: it.replacement.to_ascii(),
            }),
            _ => None,
        });
        let services = order::by_preference(pointers.collect());
        if !services.is_empty() {
            return Ok(services);
        }
        Ok([Transport::Udp, Transport::Tcp].map(|it| Service::of(it, host)).into())
    }

    async fn targets(&self, service: &Service) -> Result<Vec<Target>, NetError> {
        let records = self.records(&service.name, RecordType::SRV).await?;
        let targets = records.into_iter().filter_map(|it| match it {
            RData::SRV(it) => Some(Target {
                priority: it.priority,
                weight: it.weight,
                host: Host { name: it.target.to_ascii(), port: it.port },
            }),
            _ => None,
        });
        Ok(targets.collect())
    }

    /// IPv4 first: what cannot be reached is passed over by whoever tries.
    async fn addresses(
        &self,
        host: &str,
        port: u16,
        transport: Transport,
    ) -> Result<Found, NetError> {
        let (four, six) =
            tokio::join!(self.records(host, RecordType::A), self.records(host, RecordType::AAAA));
        let records: Vec<RData> = match (four, six) {
            (Ok(four), Ok(six)) => four.into_iter().chain(six).collect(),
            (Ok(one), Err(_)) | (Err(_), Ok(one)) if !one.is_empty() => one,
            (Err(error), _) | (_, Err(error)) => return Err(error),
        };
        let ips = records.into_iter().filter_map(|it| match it {
            RData::A(it) => Some(IpAddr::V4(it.0)),
            RData::AAAA(it) => Some(IpAddr::V6(it.0)),
            _ => None,
        });
        let found = ips.take(ADDRESSES).map(|it| (SocketAddr::new(it, port), transport));
        Ok(found.collect())
    }

    /// The records of one kind; none is no error.
    async fn records(&self, name: &str, kind: RecordType) -> Result<Vec<RData>, NetError> {
        match self.names.lookup(name, kind).await {
            Ok(found) => Ok(found.answers().iter().map(|it| it.data.clone()).collect()),
            Err(error) if error.is_no_records_found() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Asked, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What serves instead of asking a name server that has just failed.
    fn failed(&self, asked: &Asked, now: Instant) -> Option<Found> {
        let known = self.known();
        known.get(asked).filter(|it| now < it.failed).map(|it| it.fallback(now))
    }

    /// Remembers an answer (`None`: no name server had any); says what to use.
    fn learn(&self, asked: Asked, answer: Option<Found>, now: Instant) -> Found {
        let mut known = self.known();
        if NAMES <= known.len() {
            known.retain(|_, it| now < it.stale);
        }
        if NAMES <= known.len() {
            known.clear();
        }
        match answer {
            // That there is nothing is an answer, too.
            Some(found) if found.is_empty() => {
                known.remove(&asked);
                found
            }
            Some(found) => {
                let last = found.clone();
                known.insert(asked, Known { last, stale: now + STALE, failed: now });
                found
            }
            None => {
                let none = Known { last: Found::new(), stale: now + FAILED, failed: now };
                let it = known.entry(asked).or_insert(none);
                it.failed = now + FAILED;
                it.fallback(now)
            }
        }
    }
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resolver").finish_non_exhaustive()
    }
}

impl Known {
    fn fallback(&self, now: Instant) -> Found {
        if now < self.stale { self.last.clone() } else { Found::new() }
    }
}

/// What the system is told to use; nobody, if it is told nothing.
fn system() -> (ResolverConfig, ResolverOpts) {
    read_system_conf().unwrap_or_else(|error| {
        tracing::warn!(%error, "the system names no name server; only addresses can be reached");
        (ResolverConfig::from_name_servers(Vec::new()), ResolverOpts::default())
    })
}

fn name_server(address: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut it| {
        it.port = address.port();
        it
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}

/// A name with dots is whole: it is not looked for in the domains of this machine.
fn absolute(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    if host.contains('.') && !host.ends_with('.') { host + "." } else { host }
}

fn chance() -> u64 {
    getrandom::u64().unwrap_or_default()
}

fn found(found: Found, host: &str) -> io::Result<Found> {
    if found.is_empty() { Err(gone(host)) } else { Ok(found) }
}

fn gone(host: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("no address for {host}"))
}

#[cfg(test)]
#[path = "../../tests/it/wire/names.rs"]
mod names;
#[cfg(test)]
mod tests;
