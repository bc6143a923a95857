//! Names to addresses (RFC 3263), beside the loop: with a cache, a time limit, and the last good
//! answer when the name server is gone.
//!
//! Addresses are asked for (A, AAAA), in the order the system prefers. NAPTR and SRV are not asked
//! yet; a destination that has them can be written with its hosts and ports.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::sip::Transport;

/// How long an answer is believed. The system's resolver does not tell the record's own time.
const BELIEVED: Duration = Duration::from_secs(60);
/// How long it is believed that there is none.
const MISSING: Duration = Duration::from_secs(5);
/// How long the last good answer serves while the name server is gone.
const STALE: Duration = Duration::from_secs(3_600);
/// How long one question may take.
const QUESTION: Duration = Duration::from_secs(4);
/// Names remembered.
const NAMES: usize = 4096;
/// Questions asked at a time: each holds a thread of the runtime.
const QUESTIONS: usize = 16;
/// Addresses used of one answer.
const ADDRESSES: usize = 16;
/// RFC 3261 section 19.1.2.
const SIP_PORT: u16 = 5060;

/// Finds addresses; clones share what they know.
#[derive(Clone, Debug)]
pub struct Resolver {
    known: Arc<Mutex<BTreeMap<String, Known>>>,
    questions: Arc<Semaphore>,
}

#[derive(Clone, Debug)]
struct Known {
    addresses: Vec<IpAddr>,
    believed: Instant,
    stale: Instant,
}

impl Default for Resolver {
    fn default() -> Self {
        Self { known: Arc::default(), questions: Arc::new(Semaphore::new(QUESTIONS)) }
    }
}

impl Resolver {
    /// Where `host` is to be reached, best first; never empty. An address needs no question.
    pub async fn resolve(
        &self,
        host: &str,
        port: Option<u16>,
        _transport: Transport,
    ) -> io::Result<Vec<SocketAddr>> {
        let port = port.unwrap_or(SIP_PORT);
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let addresses = self.addresses(&host.to_ascii_lowercase()).await?;
        Ok(addresses.into_iter().map(|it| SocketAddr::new(it, port)).collect())
    }

    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        if let Some(known) = self.believed(host, Instant::now()) {
            return found(known, host);
        }
        let Ok(_permit) = self.questions.acquire().await else { return Err(gone(host)) };
        // Somebody may have asked the same while we waited.
        if let Some(known) = self.believed(host, Instant::now()) {
            return found(known, host);
        }
        let answer = timeout(QUESTION, lookup_host((host, 0))).await;
        let addresses: Vec<IpAddr> = match answer {
            Ok(Ok(it)) => it.map(|it| it.ip()).take(ADDRESSES).collect(),
            Ok(Err(_)) | Err(_) => Vec::new(),
        };
        found(self.learn(host, addresses, Instant::now()), host)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn believed(&self, host: &str, now: Instant) -> Option<Vec<IpAddr>> {
        let known = self.known();
        let known = known.get(host).filter(|it| now < it.believed)?;
        Some(known.addresses.clone())
    }

    /// Remembers an answer; says what to use.
    fn learn(&self, host: &str, addresses: Vec<IpAddr>, now: Instant) -> Vec<IpAddr> {
        let mut known = self.known();
        if NAMES <= known.len() {
            known.retain(|_, it| now < it.believed);
        }
        if NAMES <= known.len() {
            known.clear();
        }
        if addresses.is_empty() {
            let old = known.get(host).filter(|it| now < it.stale).cloned();
            let (addresses, stale) = old.map_or((Vec::new(), now), |it| (it.addresses, it.stale));
            let entry = Known { addresses, believed: now + MISSING, stale };
            return known.entry(host.to_owned()).insert_entry(entry).get().addresses.clone();
        }
        let entry = Known { addresses, believed: now + BELIEVED, stale: now + STALE };
        known.entry(host.to_owned()).insert_entry(entry).get().addresses.clone()
    }
}

fn found(addresses: Vec<IpAddr>, host: &str) -> io::Result<Vec<IpAddr>> {
    if addresses.is_empty() { Err(gone(host)) } else { Ok(addresses) }
}

fn gone(host: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("no address for {host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_needs_no_question() {
        let resolver = Resolver::default();
        for (host, port, expected) in [
            ("192.0.2.1", None, "192.0.2.1:5060"),
            ("192.0.2.1", Some(5062), "192.0.2.1:5062"),
            ("[2001:db8::1]", None, "[2001:db8::1]:5060"),
        ] {
            let found = resolver.resolve(host, port, Transport::Udp).await.unwrap();
            assert_eq!(found, [expected.parse().unwrap()]);
        }
    }

    #[tokio::test]
    async fn a_name_is_looked_up() {
        let found = Resolver::default().resolve("localhost", Some(5070), Transport::Tcp).await;
        assert!(found.unwrap().iter().all(|it| it.ip().is_loopback() && it.port() == 5070));
    }

    #[test]
    fn the_last_good_answer_serves_for_an_hour_while_the_name_server_is_gone() {
        let (resolver, start) = (Resolver::default(), Instant::now());
        let good = vec!["192.0.2.1".parse().unwrap()];
        assert_eq!(resolver.learn("a.example", good.clone(), start), good);
        assert_eq!(resolver.believed("a.example", start + BELIEVED), None);
        let late = start + BELIEVED;
        assert_eq!(resolver.learn("a.example", Vec::new(), late), good);
        assert_eq!(resolver.believed("a.example", late), Some(good));
        assert!(resolver.learn("a.example", Vec::new(), start + STALE).is_empty());
    }

    #[test]
    fn no_more_names_are_remembered_than_there_is_room_for() {
        let (resolver, now) = (Resolver::default(), Instant::now());
        for n in 0..=NAMES {
            resolver.learn(&format!("h{n}.example"), vec![some()], now);
            resolver.learn(&format!("no{n}.example"), Vec::new(), now);
        }
        assert!(resolver.known().len() <= NAMES);
    }

    fn some() -> IpAddr {
        "192.0.2.9".parse().unwrap()
    }
}
