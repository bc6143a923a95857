//! What the rooms are told of a configuration when the network is simulated.

use std::net::{IpAddr, SocketAddr};

use crate::config::Config;
use crate::media;
use crate::peer;
use crate::switch;
use crate::transaction;

pub(super) fn switch(config: &Config) -> switch::Config {
    let sockets = config.sockets();
    let told = |address: SocketAddr| match config.sip.advertised {
        Some(ip) if ip.is_ipv4() == address.is_ipv4() => SocketAddr::new(ip, address.port()),
        _ => address,
    };
    let listener = |it: &crate::config::Socket| switch::Listener {
        transport: it.transport,
        address: told(it.address),
    };
    let pairs = u32::from(config.media.ports.last - config.media.ports.first).div_ceil(2);
    switch::Config {
        listeners: sockets.iter().map(listener).collect(),
        ports: media::Limits { most: pairs, ..media::Limits::default() },
        v4: media_address(config, false).is_some(),
        v6: media_address(config, true).is_some(),
        told_v4: config.media.advertised.filter(IpAddr::is_ipv4),
        told_v6: config.media.advertised6,
        max_calls: *config.limits.max_calls as usize,
        transactions: transaction::Limits::default(),
    }
}

/// The peers, but for what the simulated carriers do not do: authenticate their calls.
pub(super) fn peers(config: &Config) -> peer::Config {
    let mut peers = config.peers();
    for trunk in &mut peers.trunks {
        trunk.inbound = None;
    }
    peers
}

pub(super) fn media_address(config: &Config, v6: bool) -> Option<IpAddr> {
    let own = Some(config.media.address).filter(|it| it.is_ipv6() == v6);
    own.or(config.media.address6.filter(|_| v6))
}
