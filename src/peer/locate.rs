//! Where a request goes: to the phones of an account, an address of a trunk, or a `sip:` URI.
//!
//! Names are not resolved here: a [`Target`] says which name, and the switch asks the shell
//! (RFC 3263), then puts one target in its place for each address, with [`super::Peers::target_at`].

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::bindings::{AccountId, Binding};
use super::config::{Address, Listener, Trunk};
use super::trunk::TrunkId;
use crate::clock::Instant;
use crate::sip::{Hop, Scheme, Transport, Uri};

/// A request larger than this goes by TCP if it can (RFC 3261 section 18.1.1), in octets.
pub const LARGE: usize = 1300;
/// The port of SIP if none is given.
pub(super) const PORT: u16 = 5060;

/// Somewhere a call can be sent.
#[derive(Clone, Debug)]
pub enum Place {
    /// A number, through a trunk.
    Trunk {
        trunk: TrunkId,
        number: Arc<str>,
    },
    Uri(Uri),
    /// All phones of an account.
    Account(Arc<str>),
}

/// One attempt to reach a place.
#[derive(Clone, Debug)]
pub struct Target {
    /// The Request-URI.
    pub uri: Uri,
    /// Route header fields, top one first (the Path of a registration).
    pub routes: Vec<Uri>,
    /// Where the octets go, if that is known; otherwise see `resolve`.
    pub hop: Option<Hop>,
    pub resolve: Option<Resolve>,
    /// The trunk and its address, for [`super::Peers::address_failed`] and its like.
    pub trunk: Option<(TrunkId, u8)>,
    /// The account and its flow is `hop`, for [`super::Peers::flow_failed`].
    pub account: Option<AccountId>,
    /// Preference of a contact in thousandths: equal ones ring together, lower ones after them.
    pub q: u16,
    /// Larger requests go by TCP to the same address and port; by UDP after all if no connection
    /// comes about. `usize::MAX`: never.
    pub prefer_tcp_over: usize,
}

/// A name to resolve (RFC 3263).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resolve {
    pub host: String,
    /// With a port, only the address is asked for.
    pub port: Option<u16>,
    /// Any, if none is given; UDP if the name does not say.
    pub transport: Option<Transport>,
}

/// A hop to an address, by the first of our sockets that can reach it (or the given one).
pub(super) fn hop(
    listeners: &[Listener],
    remote: SocketAddr,
    transport: Transport,
    wanted: Option<u8>,
) -> Option<Hop> {
    let fits =
        |it: &Listener| it.transport == transport && it.address.is_ipv4() == remote.is_ipv4();
    let chosen = wanted.filter(|it| listeners.get(usize::from(*it)).is_some_and(fits));
    let listener = match chosen {
        Some(listener) => listener,
        None => u8::try_from(listeners.iter().position(fits)?).ok()?,
    };
    Some(Hop { transport, listener, remote, connection: None })
}

/// The phones of an account: preferred ones first, then those heard of last.
pub(super) fn phones(account: AccountId, bindings: &[Binding], now: Instant) -> Vec<Target> {
    let mut live: Vec<_> = bindings.iter().filter(|it| it.is_live(now)).collect();
    live.sort_by_key(|it| (u16::MAX - it.q, std::cmp::Reverse(it.refreshed)));
    live.into_iter().filter_map(|it| phone(account, it)).collect()
}

fn phone(account: AccountId, binding: &Binding) -> Option<Target> {
    let routes = binding.path.iter().map(|it| Uri::parse(it.as_bytes()));
    Some(Target {
        uri: Uri::parse(binding.contact.as_bytes()).ok()?,
        routes: routes.collect::<Result<_, _>>().ok()?,
        hop: Some(binding.hop),
        resolve: None,
        trunk: None,
        account: Some(account),
        q: binding.q,
        prefer_tcp_over: usize::MAX,
    })
}

/// One address of a trunk. `None` if none of our sockets can reach it.
pub(super) fn trunk(
    listeners: &[Listener],
    trunk: &Trunk,
    id: TrunkId,
    at: usize,
    number: &str,
) -> Option<Target> {
    let address = trunk.addresses.get(at)?;
    let mut user = trunk.numbers.prefix.clone();
    let number = if trunk.numbers.bare { number.trim_start_matches('+') } else { number };
    push_user(&mut user, number);
    let uri = trunk_uri(address, Some(&user))?;
    let (hop, resolve) = match address.host.parse::<IpAddr>() {
        Ok(ip) => {
            let remote = SocketAddr::new(ip, address.port.unwrap_or(PORT));
            (Some(hop(listeners, remote, address.transport, trunk.listener)?), None)
        }
        Err(_) => {
            let (host, port) = (address.host.clone(), address.port);
            (None, Some(Resolve { host, port, transport: Some(address.transport) }))
        }
    };
    let large = address.tcp_too && address.transport == Transport::Udp;
    let prefer_tcp_over = if large { LARGE } else { usize::MAX };
    let trunk = Some((id, u8::try_from(at).ok()?));
    let (routes, account) = (Vec::new(), None);
    Some(Target { uri, routes, hop, resolve, trunk, account, q: 1000, prefer_tcp_over })
}

/// The URI of an address; `None` if its host can stand in none.
pub(super) fn trunk_uri(address: &Address, user: Option<&str>) -> Option<Uri> {
    let mut text = String::from("sip:");
    if let Some(user) = user.filter(|it| !it.is_empty()) {
        let _ = write!(text, "{user}@");
    }
    let _ = match address.host.parse::<IpAddr>() {
        Ok(IpAddr::V6(ip)) => write!(text, "[{ip}]"),
        _ => write!(text, "{}", address.host),
    };
    if let Some(port) = address.port {
        let _ = write!(text, ":{port}");
    }
    if address.transport == Transport::Tcp {
        text.push_str(";transport=tcp");
    }
    Uri::parse(text.as_bytes()).ok()
}

/// A `sip:` URI. `None` if none of our sockets can reach it, or not by SIP over UDP or TCP.
pub(super) fn uri(listeners: &[Listener], uri: &Uri) -> Option<Target> {
    if uri.scheme() != Scheme::Sip {
        return None;
    }
    let asked = match uri.param("transport") {
        None => None,
        Some(it) if it.eq_ignore_ascii_case(b"udp") => Some(Transport::Udp),
        Some(it) if it.eq_ignore_ascii_case(b"tcp") => Some(Transport::Tcp),
        Some(_) => return None,
    };
    let port = uri.port();
    let (hop, resolve) = match uri.host().ip() {
        Some(ip) => {
            let remote = SocketAddr::new(ip, port.unwrap_or(PORT));
            (Some(hop(listeners, remote, asked.unwrap_or(Transport::Udp), None)?), None)
        }
        None => {
            let host = uri.host_text().to_owned();
            (None, Some(Resolve { host, port, transport: asked }))
        }
    };
    let prefer_tcp_over = if asked.is_none() { LARGE } else { usize::MAX };
    Some(Target {
        uri: uri.clone(),
        routes: Vec::new(),
        hop,
        resolve,
        trunk: None,
        account: None,
        q: 1000,
        prefer_tcp_over,
    })
}

/// Escapes what cannot stand in the user part of a URI (RFC 3261 section 25.1).
pub(super) fn push_user(to: &mut String, user: &str) {
    for it in user.bytes() {
        if it.is_ascii_alphanumeric() || b"-_.!~*'()&=+$,;?/".contains(&it) {
            to.push(char::from(it));
        } else {
            let _ = write!(to, "%{it:02X}");
        }
    }
}
