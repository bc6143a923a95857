//! How many connections one source may hold (EDGE S-18): one that holds all of them would shut out
//! everybody else.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Who is connected, and how often.
#[derive(Clone, Debug)]
pub struct Sources {
    held: Arc<Mutex<BTreeMap<IpAddr, usize>>>,
    /// `None` where all come from one: a proxy.
    each: Option<usize>,
}

/// A connection of one, until it is dropped.
#[derive(Debug)]
pub struct Held {
    sources: Sources,
    source: IpAddr,
}

impl Sources {
    pub fn new(each: Option<usize>) -> Self {
        Self { held: Arc::default(), each }
    }

    /// One more of this source, if it may. This machine may always.
    pub fn take(&self, source: IpAddr) -> Option<Held> {
        let source = network(source);
        let mut held = self.lock();
        let theirs = held.entry(source).or_default();
        if !source.is_loopback() && self.each.is_some_and(|it| it <= *theirs) {
            return None;
        }
        *theirs += 1;
        Some(Held { sources: self.clone(), source })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.sources.lock();
        if let Some(theirs) = held.get_mut(&self.source) {
            *theirs = theirs.saturating_sub(1);
            if *theirs == 0 {
                held.remove(&self.source);
            }
        }
    }
}

/// Whoever has one IPv6 address has at least 2^64 of them.
pub fn network(source: IpAddr) -> IpAddr {
    match source.to_canonical() {
        IpAddr::V6(it) if !it.is_loopback() => Ipv6Addr::from(u128::from(it) >> 64 << 64).into(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_source_holds_so_many_and_the_others_have_theirs() {
        let sources = Sources::new(Some(2));
        let one = sources.take(ip("192.0.2.1")).unwrap();
        let _other = sources.take(ip("::ffff:192.0.2.1")).unwrap();
        assert!(sources.take(ip("192.0.2.1")).is_none());
        assert!(sources.take(ip("192.0.2.2")).is_some());
        drop(one);
        assert!(sources.take(ip("192.0.2.1")).is_some());
        let six: Vec<_> = ["2001:db8::1", "2001:db8::2"].map(|it| sources.take(ip(it))).into();
        assert!(six.iter().all(Option::is_some) && sources.take(ip("2001:db8::3")).is_none());
        assert!(sources.take(ip("2001:db8:0:1::1")).is_some());
    }

    #[test]
    fn this_machine_and_what_stands_behind_a_proxy_are_not_counted() {
        let sources = Sources::new(Some(1));
        let held: Vec<_> = ["127.0.0.1", "127.0.0.1", "::1", "::1"].map(ip).into();
        let held: Vec<_> = held.into_iter().map(|it| sources.take(it)).collect();
        assert!(held.iter().all(Option::is_some));
        let proxy = Sources::new(None);
        let held: Vec<_> = (0..99).map(|_| proxy.take(ip("192.0.2.1"))).collect();
        assert!(held.iter().all(Option::is_some));
        drop(held);
        assert!(proxy.lock().is_empty(), "nobody is remembered who is gone");
    }
}
