//! In which order what a name leads to is tried (RFC 3263 section 4, RFC 2782, RFC 3403).

use crate::sip::Transport;

/// A NAPTR record.
#[derive(Clone, Debug)]
pub struct Pointer {
    pub order: u16,
    pub preference: u16,
    pub flags: Vec<u8>,
    pub service: Vec<u8>,
    pub replacement: String,
}

/// Something to ask SRV records of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub transport: Transport,
    pub name: String,
}

/// An SRV record.
#[derive(Clone, Debug)]
pub struct Target {
    pub priority: u16,
    pub weight: u16,
    pub host: Host,
}

/// Something to ask addresses of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub name: String,
    pub port: u16,
}

impl Service {
    /// RFC 3263 section 4.1: `_sip._udp.example.com`.
    pub fn of(transport: Transport, host: &str) -> Self {
        let protocol = match transport {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        };
        Self { transport, name: format!("_sip._{protocol}.{host}") }
    }
}

/// The services that a name points to and we speak, best first: by order, then by preference. What
/// we do not speak (TLS, SCTP, a rule to rewrite) is passed over.
pub fn by_preference(mut pointers: Vec<Pointer>) -> Vec<Service> {
    pointers.sort_by_key(|it| (it.order, it.preference));
    let usable = pointers.into_iter().filter(|it| it.flags.eq_ignore_ascii_case(b"s"));
    let services = usable.filter_map(|it| {
        let is = |name: &[u8]| it.service.eq_ignore_ascii_case(name);
        let transport = match () {
            () if is(b"SIP+D2U") => Transport::Udp,
            () if is(b"SIP+D2T") => Transport::Tcp,
            () => return None,
        };
        Some(Service { transport, name: it.replacement })
    });
    services.collect()
}

/// The hosts of SRV records, lowest priority first, those of one priority drawn by weight (RFC
/// 2782). A target of `.` means that there is no such service.
pub fn by_priority(mut targets: Vec<Target>, mut chance: impl FnMut() -> u64) -> Vec<Host> {
    targets.retain(|it| it.host.name != ".");
    // Those without weight come first among equals, so that they have a small chance.
    targets.sort_by_key(|it| (it.priority, it.weight != 0));
    let mut ordered = Vec::with_capacity(targets.len());
    while let Some(first) = targets.first() {
        let equals = targets.iter().take_while(|it| it.priority == first.priority);
        let sum: u64 = equals.map(|it| u64::from(it.weight)).sum();
        let mut left = chance() % (sum + 1);
        let drawn = targets.iter().position(|it| match left.checked_sub(u64::from(it.weight)) {
            Some(0) | None => true,
            Some(more) => {
                left = more;
                false
            }
        });
        ordered.push(targets.remove(drawn.unwrap_or(0)).host);
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(order: u16, preference: u16, service: &str, replacement: &str) -> Pointer {
        let (flags, service) = (b"s".to_vec(), service.as_bytes().to_vec());
        Pointer { order, preference, flags, service, replacement: replacement.to_owned() }
    }

    fn target(priority: u16, weight: u16, name: &str) -> Target {
        Target { priority, weight, host: Host { name: name.to_owned(), port: 5060 } }
    }

    fn names(hosts: Vec<Host>) -> Vec<String> {
        hosts.into_iter().map(|it| it.name).collect()
    }

    #[test]
    fn services_come_by_order_then_preference_and_only_those_we_speak() {
        let services = by_preference(vec![
            pointer(20, 1, "SIP+D2U", "late."),
            pointer(10, 30, "sip+d2u", "third."),
            pointer(10, 10, "SIPS+D2T", "secret."),
            pointer(10, 20, "SIP+D2T", "first."),
            Pointer { flags: b"u".to_vec(), ..pointer(1, 1, "SIP+D2U", "rule.") },
            pointer(1, 1, "SIP+D2S", "sctp."),
        ]);
        let expected =
            [(Transport::Tcp, "first."), (Transport::Udp, "third."), (Transport::Udp, "late.")];
        let services: Vec<_> = services.iter().map(|it| (it.transport, &*it.name)).collect();
        assert_eq!(services, expected);
    }

    #[test]
    fn lower_priorities_come_first_whatever_is_drawn() {
        for draw in 0..40 {
            let targets = vec![target(20, 0, "c"), target(10, 5, "a"), target(10, 5, "b")];
            let order = names(by_priority(targets, || draw));
            assert!(order == ["a", "b", "c"] || order == ["b", "a", "c"], "{order:?}");
        }
    }

    #[test]
    fn equals_are_drawn_by_weight() {
        let mut firsts = [0, 0, 0];
        for draw in 0..1_000 {
            let targets = vec![target(1, 0, "none"), target(1, 30, "some"), target(1, 69, "most")];
            let first = names(by_priority(targets, || draw)).remove(0);
            let slot = ["none", "some", "most"].iter().position(|it| *it == first).unwrap();
            firsts[slot] += 1;
        }
        assert_eq!(firsts, [10, 300, 690]);
    }

    #[test]
    fn a_service_that_is_not_there_has_no_hosts() {
        assert_eq!(by_priority(vec![target(0, 0, ".")], || 0), []);
        assert_eq!(by_priority(Vec::new(), || 0), []);
    }

    #[test]
    fn every_host_comes_once() {
        let all: Vec<Target> = (0..50).map(|n| target(n % 3, n, &n.to_string())).collect();
        let mut state = 1_u64;
        let order = names(by_priority(all, || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state >> 20
        }));
        let mut sorted: Vec<u16> = order.iter().map(|it| it.parse().unwrap()).collect();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..50).collect::<Vec<_>>());
    }
}
