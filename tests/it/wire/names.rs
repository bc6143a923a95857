//! A name server of a test's own on loopback: it says what it is told to, counts what it is asked,
//! and can be slow, wrong, or gone.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A record, without its name.
#[derive(Clone, Debug)]
pub enum Record {
    Address(IpAddr),
    Alias(&'static str),
    Server { priority: u16, weight: u16, port: u16, target: &'static str },
    Pointer { order: u16, preference: u16, service: &'static str, to: &'static str },
}

/// Records by name, each with its time to live.
#[derive(Default)]
struct Zone {
    records: BTreeMap<String, Vec<(u32, Record)>>,
    asked: Vec<String>,
    is_mute: bool,
}

pub struct Names {
    pub address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Names {
    pub fn at(ip: impl Into<IpAddr>) -> Self {
        let socket = UdpSocket::bind((ip.into(), 0)).expect("a port for names");
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let address = socket.local_addr().unwrap();
        let (zone, over) =
            (Arc::new(Mutex::new(Zone::default())), Arc::new(AtomicBool::new(false)));
        let (shared, until) = (zone.clone(), over.clone());
        let thread = std::thread::spawn(move || {
            let mut buffer = [0; 1500];
            while !until.load(Ordering::Relaxed) {
                let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
                if let Some(answer) = shared.lock().unwrap().answer(&buffer[..length]) {
                    drop(socket.send_to(&answer, from));
                }
            }
        });
        Self { address, zone, over, thread: Some(thread) }
    }

    /// Adds a record, to be believed for so many seconds.
    pub fn say(&self, name: &str, seconds: u32, record: Record) {
        let mut zone = self.zone.lock().unwrap();
        zone.records.entry(name.to_owned()).or_default().push((seconds, record));
    }

    #[allow(dead_code, reason = "not every test that includes this forgets")]
    pub fn forget(&self, name: &str) {
        self.zone.lock().unwrap().records.remove(name);
    }

    /// From now on no question is answered, or all are again.
    #[allow(dead_code, reason = "not every test that includes this is mute")]
    pub fn mute(&self, is_mute: bool) {
        self.zone.lock().unwrap().is_mute = is_mute;
    }

    /// What was asked so far: type and name.
    pub fn asked(&self) -> Vec<String> {
        self.zone.lock().unwrap().asked.clone()
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;
const SRV: u16 = 33;
const NAPTR: u16 = 35;

impl Zone {
    /// RFC 1035 section 4: the header, the question again, the records.
    fn answer(&mut self, question: &[u8]) -> Option<Vec<u8>> {
        let (name, after) = read_name(question, 12)?;
        let kind = u16::from_be_bytes([*question.get(after)?, *question.get(after + 1)?]);
        self.asked.push(format!("{} {name}", word(kind)));
        if self.is_mute {
            return None;
        }
        let mut records = Vec::new();
        let mut at = name.clone();
        for _ in 0..8 {
            let all = self.records.get(&at).map_or(&[][..], |it| it);
            let matching = all.iter().filter(|(_, it)| it.kind() == kind);
            records.extend(matching.map(|(ttl, it)| (at.clone(), *ttl, it.clone())));
            let alias = all.iter().find_map(|(ttl, it)| match it {
                Record::Alias(to) => Some((*ttl, *to)),
                _ => None,
            });
            let Some((ttl, to)) = alias else { break };
            records.push((at, ttl, Record::Alias(to)));
            at = to.to_owned();
        }
        let is_there =
            self.records.keys().any(|it| *it == name || it.ends_with(&format!(".{name}")));
        let code = if is_there { 0 } else { 3 };
        let mut out = question.get(..2)?.to_vec();
        out.extend([0x85, 0x80 | code, 0, 1]);
        out.extend((records.len() as u16).to_be_bytes());
        out.extend([0, 0, 0, 0]);
        out.extend(question.get(12..after + 4)?);
        for (name, ttl, record) in records {
            let data = record.data();
            write_name(&name, &mut out);
            out.extend(record.kind().to_be_bytes());
            out.extend([0, 1]);
            out.extend(ttl.to_be_bytes());
            out.extend((data.len() as u16).to_be_bytes());
            out.extend(data);
        }
        Some(out)
    }
}

impl Record {
    fn kind(&self) -> u16 {
        match self {
            Self::Address(IpAddr::V4(_)) => A,
            Self::Address(IpAddr::V6(_)) => AAAA,
            Self::Alias(_) => CNAME,
            Self::Server { .. } => SRV,
            Self::Pointer { .. } => NAPTR,
        }
    }

    fn data(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Address(IpAddr::V4(it)) => out.extend(it.octets()),
            Self::Address(IpAddr::V6(it)) => out.extend(it.octets()),
            Self::Alias(to) => write_name(to, &mut out),
            Self::Server { priority, weight, port, target } => {
                [priority, weight, port].iter().for_each(|it| out.extend(it.to_be_bytes()));
                write_name(target, &mut out);
            }
            Self::Pointer { order, preference, service, to } => {
                [order, preference].iter().for_each(|it| out.extend(it.to_be_bytes()));
                for text in ["s", service, ""] {
                    out.push(text.len() as u8);
                    out.extend(text.as_bytes());
                }
                write_name(to, &mut out);
            }
        }
        out
    }
}

fn word(kind: u16) -> &'static str {
    match kind {
        A => "A",
        AAAA => "AAAA",
        SRV => "SRV",
        NAPTR => "NAPTR",
        _ => "other",
    }
}

fn read_name(message: &[u8], mut at: usize) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join(".").to_lowercase(), at));
        }
        labels.push(String::from_utf8_lossy(message.get(at..at + length)?).into_owned());
        at += length;
    }
}

fn write_name(name: &str, out: &mut Vec<u8>) {
    for label in name.split('.').filter(|it| !it.is_empty()) {
        out.push(label.len() as u8);
        out.extend(label.as_bytes());
    }
    out.push(0);
}
