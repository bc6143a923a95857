//! What the peer room is told of the configuration, and the sockets it is told in the order of.

use std::net::SocketAddr;

use super::Config;
use super::shell::{Algorithm, Listener, ListenerTransport, WhenFull};
use crate::model::trunk::{Address, Network, TrunkTransport};
use crate::model::{Account, Credentials, Secret, Trunk};
use crate::peer::{self, config as told};
use crate::sip::Transport;

/// One socket to bind. Its place in [`Config::sockets`] is the `listener` of a hop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// The name of its listener.
    pub name: String,
    pub transport: Transport,
    pub address: SocketAddr,
}

impl Config {
    /// Every socket: each listener's transports, in the order of the file.
    pub fn sockets(&self) -> Vec<Socket> {
        let of = |it: &Listener| {
            let (name, address) = (it.name.clone(), it.address);
            it.transports.clone().into_iter().map(move |transport| Socket {
                name: name.clone(),
                transport: transport.into(),
                address,
            })
        };
        self.sip.listener.iter().flat_map(of).collect()
    }

    /// Who may send us SIP, as the peer room wants it.
    pub fn peers(&self) -> peer::Config {
        let sip = &self.sip;
        let sockets = self.sockets();
        let listener = |it: &Socket| {
            let of = sip.listener.iter().find(|listener| listener.name == it.name);
            told::Listener {
                transport: it.transport,
                address: it.address,
                clients: of.is_some_and(|it| it.takes_clients),
                strangers_hear: of.and_then(|it| it.strangers_hear).map(|it| *it as u16),
            }
        };
        let algorithm = |it: &Algorithm| match it {
            Algorithm::Md5 => told::Algorithm::Md5,
            Algorithm::Sha256 => told::Algorithm::Sha256,
        };
        let directory = &self.directory;
        peer::Config {
            listeners: sockets.iter().map(listener).collect(),
            realm: sip.realm.clone(),
            algorithms: sip.challenge.iter().map(algorithm).collect(),
            nonces: told::NonceRules {
                register_ttl: *sip.register_nonce,
                call_ttl: *sip.call_nonce,
                ..told::NonceRules::default()
            },
            registrar: self.registrar_rules(),
            trunks: directory.trunks().iter().map(|it| trunk(it, &sockets)).collect(),
            accounts: directory.accounts().iter().map(|it| account(it)).collect(),
            ..peer::Config::default()
        }
    }

    fn registrar_rules(&self) -> told::Registrar {
        let rules = &self.registrar;
        told::Registrar {
            software: self.sip.software(),
            min_expires: *rules.min_expires,
            default_expires: *rules.default_expires,
            max_expires: *rules.max_expires,
            spread_percent: *rules.spread as u8,
            max_contacts: *rules.max_contacts as usize,
            when_full: match rules.when_full {
                WhenFull::DropOldest => told::WhenFull::DropOldest,
                WhenFull::Refuse => told::WhenFull::Refuse,
            },
            max_bindings: *rules.max_registrations as usize,
            ..told::Registrar::default()
        }
    }
}

fn trunk(it: &Trunk, sockets: &[Socket]) -> told::Trunk {
    let here = |socket: &Socket| it.listeners.iter().any(|name| **name == *socket.name);
    let named: Vec<Option<u8>> = match it.listeners.is_empty() {
        true => vec![None],
        false => (0..).zip(sockets).filter(|at| here(at.1)).map(|at| Some(at.0)).collect(),
    };
    let source = |network: &Network| {
        let network = told::Cidr::new(network.address(), network.prefix()).ok();
        let at = |listener: &Option<u8>| {
            network.map(|network| told::Source { network, listener: *listener, transport: None })
        };
        named.iter().filter_map(at).collect::<Vec<_>>()
    };
    told::Trunk {
        sources: it.sources.iter().flat_map(source).collect(),
        open_to_everybody: it.any_source,
        inbound: it.inbound.as_ref().map(login),
        outbound: it.outbound.as_ref().map(login),
        addresses: it.addresses.iter().map(address).collect(),
        // The number comes as the trunk writes it (`Trunk::number_to`), all but the prefix.
        numbers: told::Numbers { bare: false, prefix: it.number_prefix.clone() },
        max_calls: it.max_calls,
        max_calls_per_second: it.max_calls_per_second,
        probe: it.probe.map(|probe| told::Probe {
            every: probe.every,
            down_after: probe.down_after,
            up_after: probe.up_after,
            dead_when: Vec::new(),
        }),
        cooldown: it.cooldown,
        ..told::Trunk::named(&it.name)
    }
}

fn login(it: &Credentials) -> told::Login {
    let Credentials { user, password, realm } = it.clone();
    told::Login { user, password, realm }
}

fn address(it: &Address) -> told::Address {
    told::Address {
        host: it.host.to_string(),
        port: it.port,
        transport: match it.transport {
            TrunkTransport::Udp => Transport::Udp,
            TrunkTransport::Tcp => Transport::Tcp,
        },
        tcp_too: it.tcp_too,
        priority: it.priority,
        weight: it.weight,
    }
}

fn account(it: &Account) -> told::Account {
    let text = |it: &std::sync::Arc<str>| it.to_string();
    told::Account {
        name: it.user.clone(),
        user: it.user.to_string(),
        secret: match &it.secret {
            Secret::Password(password) => told::Secret::Password(password.to_string()),
            Secret::Ha1 { md5, sha256 } => {
                told::Secret::Ha1 { md5: md5.as_ref().map(text), sha256: sha256.as_ref().map(text) }
            }
        },
        max_contacts: it.max_contacts.map(usize::from),
    }
}

impl From<ListenerTransport> for Transport {
    fn from(transport: ListenerTransport) -> Self {
        match transport {
            ListenerTransport::Udp => Self::Udp,
            ListenerTransport::Tcp => Self::Tcp,
        }
    }
}
