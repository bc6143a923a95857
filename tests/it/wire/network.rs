//! A loopback network of a test's own.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::time::{Duration, Instant};

/// 127.N.0.0/16, held for as long as this lives.
pub struct Network {
    octet: u8,
    _held: UdpSocket,
}

impl Network {
    /// Takes the first that nobody holds.
    pub fn take() -> Self {
        let free = (16..=250).find_map(|octet| {
            let held = UdpSocket::bind((Ipv4Addr::new(127, octet, 255, 254), 5060)).ok()?;
            Some(Self { octet, _held: held })
        });
        free.expect("a loopback network is free")
    }

    /// 127.0.0.x itself, as configurations are written for, once nobody else holds it; `None` if
    /// the edge's port there stays taken by a program that is no test.
    pub fn verbatim() -> Option<Self> {
        let give_up = Instant::now() + Duration::from_secs(120);
        let edge = (Ipv4Addr::new(127, 0, 0, 1), 5060);
        while Instant::now() < give_up {
            let held = UdpSocket::bind((Ipv4Addr::new(127, 0, 255, 254), 5060));
            if let Ok(held) = held
                && UdpSocket::bind(edge).is_ok()
                && TcpListener::bind(edge).is_ok()
            {
                return Some(Self { octet: 0, _held: held });
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        None
    }

    pub fn ip(&self, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, self.octet, 0, host)
    }

    pub fn at(&self, host: u8, port: u16) -> SocketAddr {
        SocketAddr::from((self.ip(host), port))
    }

    /// Where the edge listens.
    pub fn edge(&self) -> SocketAddr {
        self.at(1, 5060)
    }

    /// A configuration written for 127.0.0.x, for this network.
    pub fn translate(&self, text: &str) -> String {
        text.replace("127.0.0.", &format!("127.{}.0.", self.octet))
    }
}
