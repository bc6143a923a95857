//! A call's messages as a file that Wireshark opens: pcap of whole IP packets, made anew around
//! each message.
//!
//! The format is that of libpcap (draft-ietf-opsawg-pcap), link type 101: a packet begins with its
//! IP header. TCP has no handshake here, but sequence numbers that fit.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use super::Message;
use crate::sip::Transport;

/// Microseconds, and the byte order that they were written in.
const MAGIC: u32 = 0xa1b2_c3d4;
const LINKTYPE_RAW: u32 = 101;
/// The longest packet.
const SNAP: u32 = 65_535;
/// Of a message so much goes into one packet, whatever its headers take.
const PART: usize = 65_000;
const UDP: u8 = 17;
const TCP: u8 = 6;

/// The whole file.
pub fn pcap<'a>(messages: impl IntoIterator<Item = &'a Message>) -> Vec<u8> {
    let mut file = Vec::new();
    for it in [MAGIC, 2 | 4 << 16, 0, 0, SNAP, LINKTYPE_RAW] {
        file.extend_from_slice(&it.to_le_bytes());
    }
    let mut sent: BTreeMap<(SocketAddr, SocketAddr), u32> = BTreeMap::new();
    for message in messages {
        for part in message.bytes.chunks(PART) {
            let (from, to) = same_family(message.from, message.to);
            let ack = sent.get(&(to, from)).copied().unwrap_or(1);
            let sequence = sent.entry((from, to)).or_insert(1);
            let segment = match message.transport {
                Transport::Udp => udp(from, to, part),
                _ => tcp(from, to, *sequence, ack, part),
            };
            *sequence = sequence.wrapping_add(part.len() as u32);
            let packet = ip(from, to, &segment, message.transport);
            let micros = message.at.unix_micros();
            let (seconds, rest) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
            for it in [seconds as u32, rest as u32, packet.len() as u32, packet.len() as u32] {
                file.extend_from_slice(&it.to_le_bytes());
            }
            file.extend_from_slice(&packet);
        }
    }
    file
}

/// Both as IPv4, or both as IPv6: a socket for both tells IPv4 addresses in IPv6 clothes.
fn same_family(from: SocketAddr, to: SocketAddr) -> (SocketAddr, SocketAddr) {
    let plain = |it: SocketAddr| SocketAddr::new(it.ip().to_canonical(), it.port());
    let (from, to) = (plain(from), plain(to));
    if from.is_ipv4() == to.is_ipv4() {
        return (from, to);
    }
    let six = |it: SocketAddr| match it.ip() {
        IpAddr::V4(ip) => SocketAddr::new(ip.to_ipv6_mapped().into(), it.port()),
        IpAddr::V6(_) => it,
    };
    (six(from), six(to))
}

fn udp(from: SocketAddr, to: SocketAddr, part: &[u8]) -> Vec<u8> {
    let mut segment = Vec::with_capacity(part.len() + 8);
    for it in [from.port(), to.port(), part.len() as u16 + 8, 0] {
        segment.extend_from_slice(&it.to_be_bytes());
    }
    segment.extend_from_slice(part);
    let sum = checksum(pseudo(from, to, UDP, &segment), &segment);
    // 0 would say that there is none (RFC 768).
    set(&mut segment, 6, if sum == 0 { 0xffff } else { sum });
    segment
}

fn tcp(from: SocketAddr, to: SocketAddr, sequence: u32, ack: u32, part: &[u8]) -> Vec<u8> {
    let mut segment = Vec::with_capacity(part.len() + 20);
    segment.extend_from_slice(&from.port().to_be_bytes());
    segment.extend_from_slice(&to.port().to_be_bytes());
    segment.extend_from_slice(&sequence.to_be_bytes());
    segment.extend_from_slice(&ack.to_be_bytes());
    // Five words of header; PSH and ACK; a full window; no checksum yet, nothing urgent.
    segment.extend_from_slice(&[0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend_from_slice(part);
    let sum = checksum(pseudo(from, to, TCP, &segment), &segment);
    set(&mut segment, 16, sum);
    segment
}

fn ip(from: SocketAddr, to: SocketAddr, segment: &[u8], transport: Transport) -> Vec<u8> {
    let protocol = if transport == Transport::Udp { UDP } else { TCP };
    let mut packet = Vec::with_capacity(segment.len() + 40);
    match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            packet.extend_from_slice(&[0x45, 0]);
            packet.extend_from_slice(&(segment.len() as u16 + 20).to_be_bytes());
            // Not in pieces; 64 hops; no checksum yet.
            packet.extend_from_slice(&[0, 0, 0x40, 0, 64, protocol, 0, 0]);
            packet.extend_from_slice(&from.octets());
            packet.extend_from_slice(&to.octets());
            let sum = checksum(0, &packet);
            set(&mut packet, 10, sum);
        }
        (from, to) => {
            packet.extend_from_slice(&[0x60, 0, 0, 0]);
            packet.extend_from_slice(&(segment.len() as u16).to_be_bytes());
            packet.extend_from_slice(&[protocol, 64]);
            packet.extend_from_slice(&octets(from));
            packet.extend_from_slice(&octets(to));
        }
    }
    packet.extend_from_slice(segment);
    packet
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(it) => it.octets().to_vec(),
        IpAddr::V6(it) => it.octets().to_vec(),
    }
}

/// What a segment's checksum covers besides itself (RFC 768, RFC 8200 section 8.1).
fn pseudo(from: SocketAddr, to: SocketAddr, protocol: u8, segment: &[u8]) -> u32 {
    let addresses = [octets(from.ip()), octets(to.ip())].concat();
    sum(&addresses) + u32::from(protocol) + segment.len() as u32
}

fn checksum(start: u32, bytes: &[u8]) -> u16 {
    let mut total = start + sum(bytes);
    while 0xffff < total {
        total = (total & 0xffff) + (total >> 16);
    }
    !(total as u16)
}

/// The sum of 16-bit words (RFC 1071); 64 KB of them fit.
fn sum(bytes: &[u8]) -> u32 {
    let word = |it: &[u8]| match it {
        [high, low] => u32::from(*high) << 8 | u32::from(*low),
        [high] => u32::from(*high) << 8,
        _ => 0,
    };
    bytes.chunks(2).map(word).sum()
}

fn set(bytes: &mut [u8], at: usize, value: u16) {
    if let Some(place) = bytes.get_mut(at..at + 2) {
        place.copy_from_slice(&value.to_be_bytes());
    }
}
