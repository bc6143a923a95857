//! The whole room, spoken to in SIP.

mod door;
mod locating;
mod model;
mod registering;

use std::time::Duration;

use bytes::Bytes;

use super::config::{Account, Address, Algorithm, Listener, Registrar, Secret, Trunk};
use super::{AccountId, Admission, Config, Peers};
use crate::clock::{Instant, Now, Wall};
use crate::sip::{Hop, Message, Name, Transport, digest, parse};

const PHONE: &str = "198.51.100.7:40000";
const SECOND: Duration = Duration::from_secs(1);

/// A moment so many seconds after the start, in the year 2001.
fn at(seconds: u64) -> Now {
    let at = Instant::from_micros(seconds * 1_000_000);
    Now { at, wall: Wall::from_unix_micros(1_000_000_000_000_000 + at.micros() as i64) }
}

/// Listener 0: UDP for clients. 1: UDP for carriers only. 2: TCP for clients. 3: UDP over IPv6.
fn config() -> Config {
    let listener = |transport, address: &str, clients| Listener {
        transport,
        address: address.parse().unwrap(),
        clients,
        strangers_hear: None,
    };
    let account = |name: &str, user: &str| Account {
        name: name.into(),
        user: user.into(),
        secret: Secret::Password(format!("{user}'s secret")),
        max_contacts: None,
    };
    Config {
        listeners: vec![
            listener(Transport::Udp, "192.0.2.1:5060", true),
            listener(Transport::Udp, "192.0.2.1:5080", false),
            listener(Transport::Tcp, "192.0.2.1:5060", true),
            listener(Transport::Udp, "[2001:db8::1]:5060", true),
        ],
        registrar: Registrar { spread_percent: 0, max_contacts: 3, ..Registrar::default() },
        accounts: vec![account("Ann", "ann"), account("Bob", "bob")],
        trunks: vec![Trunk {
            sources: vec!["203.0.113.0/24".parse::<super::Cidr>().unwrap().into()],
            ..Trunk::named("carrier")
        }],
        ..Config::default()
    }
}

fn peers(config: Config) -> Peers {
    Peers::new(config, [7; 32], at(0).at).unwrap()
}

fn hop(listener: u8, remote: &str) -> Hop {
    let (transport, connection) =
        if listener == 2 { (Transport::Tcp, Some(1)) } else { (Transport::Udp, None) };
    Hop { transport, listener, remote: remote.parse().unwrap(), connection }
}

fn address(host: &str) -> Address {
    Address {
        host: host.into(),
        port: None,
        transport: Transport::Udp,
        tcp_too: false,
        priority: 1,
        weight: 1,
    }
}

/// Somebody who speaks SIP to us.
struct Phone {
    user: String,
    password: String,
    from: Hop,
    call_id: String,
    cseq: u32,
    algorithm: digest::Algorithm,
}

impl Phone {
    fn of(user: &str) -> Self {
        Self {
            user: user.into(),
            password: format!("{user}'s secret"),
            from: hop(0, PHONE),
            call_id: format!("call-of-{user}"),
            cseq: 0,
            algorithm: digest::Algorithm::Md5,
        }
    }

    /// A request with some more header lines.
    fn says(&mut self, method: &str, lines: &[&str]) -> Message {
        self.cseq += 1;
        let Self { user, call_id, cseq, .. } = self;
        let to = if method == "REGISTER" { user.as_str() } else { "15550100001" };
        let transport = self.from.transport.as_str();
        let mut text = format!(
            "{method} sip:pbx.example SIP/2.0\r\n\
             Via: SIP/2.0/{transport} 10.0.0.1:5060;rport;branch=z9hG4bK{call_id}{cseq}\r\n\
             From: <sip:{user}@pbx.example>;tag=from1\r\nTo: <sip:{to}@pbx.example>\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n"
        );
        for it in lines {
            text.push_str(it);
            text.push_str("\r\n");
        }
        text.push_str("User-Agent: A phone with a name of some length/1.2.3\r\n");
        text.push_str("Content-Length: 0\r\n\r\n");
        parse(Bytes::from(text)).unwrap()
    }

    /// The Authorization line that answers a 401.
    fn proves(&self, method: &str, challenge: &Message, nc: u32) -> String {
        let all = challenge.challenges();
        let it = all.iter().find(|it| it.algorithm == self.algorithm).expect("no such algorithm");
        let uri = "sip:pbx.example";
        let (user, password, method) = (&self.user, &self.password, method.as_bytes());
        let value = digest::answer(it, user, password, method, uri, "abc", nc, b"").unwrap();
        format!("Authorization: {value}")
    }

    /// Asks to be challenged.
    fn challenged(&mut self, peers: &mut Peers, method: &str, now: Now) -> Message {
        let request = self.says(method, &[&"X: ".repeat(80)]);
        let Admission::Challenge { stale } = peers.admit(&request, &self.from, now) else {
            panic!("{method} of {} was not challenged", self.user)
        };
        parse(peers.challenge(&request, stale, &self.from, now).unwrap()).unwrap()
    }

    /// Sends a request with the right credentials.
    fn tries(&mut self, peers: &mut Peers, method: &str, lines: &[&str], now: Now) -> Admission {
        let challenge = self.challenged(peers, method, now);
        let proof = self.proves(method, &challenge, 1);
        let lines: Vec<_> = lines.iter().copied().chain([&*proof]).collect();
        let request = self.says(method, &lines);
        peers.admit(&request, &self.from, now)
    }

    /// A whole registration: what the registrar answers.
    fn registers(&mut self, peers: &mut Peers, lines: &[&str], now: Now) -> Message {
        let challenge = self.challenged(peers, "REGISTER", now);
        let proof = self.proves("REGISTER", &challenge, 1);
        let lines: Vec<_> = lines.iter().copied().chain([&*proof]).collect();
        let request = self.says("REGISTER", &lines);
        let Admission::Client(account) = peers.admit(&request, &self.from, now) else {
            panic!("{} was not let in", self.user)
        };
        self.put(peers, account, &request, now)
    }

    fn put(&self, peers: &mut Peers, account: AccountId, it: &Message, now: Now) -> Message {
        let (answer, status) = peers.register(it, &self.from, account, now);
        let answer = parse(answer).unwrap();
        assert_eq!(answer.status(), status);
        answer
    }
}

/// The contacts of an answer, in order.
fn contacts(answer: &Message) -> Vec<String> {
    assert_eq!(answer.status(), 200);
    let text = |it: std::borrow::Cow<'_, [u8]>| String::from_utf8(it.into_owned()).unwrap();
    answer.headers(Name::Contact).map(text).collect()
}
