//! What the rooms are told of a configuration when the network is simulated.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::config::Config;
use crate::media;
use crate::peer;
use crate::sip::Transport;
use crate::switch::{self, Listener};
use crate::transaction;

/// Where the edge is if its configuration says "every address" (RFC 5737, TEST-NET-1).
const SOMEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

pub(super) fn switch(config: &Config) -> switch::Config {
    let listeners = listeners(config);
    let listener = |it: &(Transport, SocketAddr)| Listener { transport: it.0, address: it.1 };
    let most = config.media.ports.pairs();
    let media = |v6| media_address(config, v6).is_some();
    switch::Config {
        software: config.sip.software(),
        tells_dialogs: true,
        listeners: listeners.iter().map(listener).collect(),
        ports: media::Limits { most, ..media::Limits::default() },
        v4: media(false),
        v6: media(true),
        told_v4: None,
        told_v6: None,
        max_calls: *config.limits.max_calls as usize,
        max_calls_per_second: config.limits.max_calls_per_second.as_ref().map(|it| it.0),
        transactions: transaction::Limits::default(),
    }
}

/// The sockets, in the order of the configuration.
pub(super) fn listeners(config: &Config) -> Vec<(Transport, SocketAddr)> {
    let sockets = config.sockets().into_iter();
    sockets
        .map(|it| (it.transport, SocketAddr::new(real(it.address.ip()), it.address.port())))
        .collect()
}

/// The peers, but for what the simulated carriers do not do: authenticate their calls.
pub(super) fn peers(config: &Config) -> peer::Config {
    let mut peers = config.peers();
    for trunk in &mut peers.trunks {
        trunk.inbound = None;
    }
    peers
}

pub(super) fn media(config: &Config) -> media::Config {
    media::Config { silence: config.media.silence(), rest: config.media.quarantine.0 }
}

pub(super) fn media_address(config: &Config, v6: bool) -> Option<IpAddr> {
    let own = Some(config.media.address).filter(|it| it.is_ipv6() == v6);
    own.or(config.media.address6.filter(|_| v6)).map(real)
}

fn real(address: IpAddr) -> IpAddr {
    if address.is_unspecified() { SOMEWHERE } else { address }
}
