//! From what the operator wrote to what each room is told.

use std::fs::DirBuilder;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::Config;
use crate::config::shell::CaptureKeep;
use crate::config::value::OrOff;
use crate::media;
use crate::net;
use crate::switch::{self, Listener};
use crate::transaction;

/// Ports bound at a time, and how many are kept free.
const PORTS_BATCH: u16 = 64;
const PORTS_LOW: u16 = 256;

/// Ports that are bound before the first call is taken: it may ring many destinations.
pub fn ports_ready(config: &Config) -> usize {
    (u32::from(PORTS_BATCH)).min(config.media.ports.pairs()) as usize
}

/// The exchange's own configuration. `listeners` are the sockets as they were bound.
pub fn switch(config: &Config, listeners: &[net::Listener]) -> switch::Config {
    let listeners = listeners.iter().zip(seen(config, listeners));
    let listeners = listeners.map(|(it, address)| Listener { transport: it.transport, address });
    let pairs = config.media.ports.pairs();
    let transactions = config.limits.transactions.0 as usize;
    switch::Config {
        listeners: listeners.collect(),
        ports: media::Limits { low: PORTS_LOW, batch: PORTS_BATCH, most: pairs },
        v4: config.media.address.is_ipv4(),
        v6: config.media.address6.is_some() || config.media.address.is_ipv6(),
        told_v4: config.media.advertised,
        told_v6: config.media.advertised6,
        max_calls: config.limits.max_calls.0 as usize,
        max_calls_per_second: config.limits.max_calls_per_second.as_ref().map(|it| it.0),
        software: config.sip.software(),
        tells_dialogs: captures(config),
        transactions: transaction::Limits { clients: transactions, servers: transactions },
    }
}

/// Our sockets as far ends see them, by their number.
pub fn seen(config: &Config, listeners: &[net::Listener]) -> Vec<SocketAddr> {
    let told = config.sip.advertised;
    let seen = |it: &net::Listener| {
        let mut address = it.address;
        if let Some(ip) = told.filter(|ip| ip.is_ipv6() == address.is_ipv6()) {
            address.set_ip(ip);
        } else if address.ip().is_unspecified() {
            address.set_ip(own_address(config, address.is_ipv6()));
        }
        address
    };
    listeners.iter().map(seen).collect()
}

/// What a socket bound to every address is reached at: where media is.
fn own_address(config: &Config, v6: bool) -> IpAddr {
    match config.media.address6 {
        Some(address) if v6 => address,
        _ => config.media.address,
    }
}

pub fn listeners(config: &Config) -> Vec<net::Listener> {
    let sockets = config.sockets();
    sockets
        .iter()
        .map(|it| net::Listener { address: it.address, transport: it.transport })
        .collect()
}

pub fn net(config: &Config) -> net::Limits {
    net::Limits {
        connections: config.limits.connections.0 as usize,
        connections_per_source: config.limits.connections_per_source.0 as usize,
        receive_buffer: config.limits.receive_buffer.0 as usize * 1024,
        ..net::Limits::default()
    }
}

pub fn media(config: &Config) -> media::Config {
    media::Config { silence: config.media.silence(), rest: config.media.quarantine.0 }
}

/// Whether the messages of calls are of interest to anybody.
pub fn captures(config: &Config) -> bool {
    config.capture.keep != CaptureKeep::Off || config.capture.homer.is_some()
}

/// Conversations with virtual agents that may be held at once: as many as calls.
pub fn streams(config: &Config) -> usize {
    config.limits.max_calls.0 as usize
}

/// A folder of the configuration: inside of the data folder unless it is absolute.
pub fn inside(data: &Path, folder: &str) -> PathBuf {
    data.join(folder)
}

/// Makes the data folder, if it is not there, for nobody but us: passwords, recordings and what
/// calls said are in it. One that is there is as whoever made it wants it.
pub fn data_folder(data: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(data)
}

/// Where HTTP listens, if anywhere.
pub fn http(config: &Config) -> Option<SocketAddr> {
    let OrOff(listen) = &config.api.listen;
    *listen
}

pub fn drain(config: &Config) -> Duration {
    config.limits.drain.0
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_data_folder_that_we_make_is_for_nobody_else_and_one_that_is_there_stays_as_it_is() {
        let name = format!("crosspoint-data-folder-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        drop(fs::remove_dir_all(&folder));
        let mode = || fs::metadata(&folder).unwrap().permissions().mode() & 0o777;
        data_folder(&folder).unwrap();
        assert_eq!(mode(), 0o700);
        fs::set_permissions(&folder, Permissions::from_mode(0o750)).unwrap();
        data_folder(&folder).unwrap();
        assert_eq!(mode(), 0o750);
        fs::remove_dir_all(&folder).unwrap();
    }
}
