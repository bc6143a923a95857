//! A message as Homer takes it: HEP version 3, one UDP datagram each.
//!
//! ```text
//!   "HEP3" length  { vendor 0, type, length, value } ..       all in network byte order
//! ```
//! (HEP3 protocol reference of the SIPCAPTURE project, revision 36.)

use std::net::IpAddr;

use super::Message;
use crate::sip::Transport;

/// Whom Homer takes it from.
const AGENT: u32 = 2001;
/// The payload is SIP.
const SIP: u8 = 1;
/// The longest payload that fits into a datagram with all that is around it.
const PAYLOAD_MAX: usize = 65_000;

/// One datagram. `call` is what Homer may put messages of several Call-IDs together by.
pub fn hep(message: &Message, call: &str) -> Vec<u8> {
    let mut out = b"HEP3\0\0".to_vec();
    let (from, to) = (message.from.ip().to_canonical(), message.to.ip().to_canonical());
    let (family, from, to) = match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            (2, (3, from.octets().to_vec()), (4, to.octets().to_vec()))
        }
        (from, to) => (10, (5, six(from)), (6, six(to))),
    };
    let protocol = if message.transport == Transport::Udp { 17 } else { 6 };
    let micros = message.at.unix_micros();
    let (seconds, rest) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
    chunk(&mut out, 1, &[family]);
    chunk(&mut out, 2, &[protocol]);
    chunk(&mut out, from.0, &from.1);
    chunk(&mut out, to.0, &to.1);
    chunk(&mut out, 7, &message.from.port().to_be_bytes());
    chunk(&mut out, 8, &message.to.port().to_be_bytes());
    chunk(&mut out, 9, &(seconds as u32).to_be_bytes());
    chunk(&mut out, 10, &(rest as u32).to_be_bytes());
    chunk(&mut out, 11, &[SIP]);
    chunk(&mut out, 12, &AGENT.to_be_bytes());
    chunk(&mut out, 17, call.as_bytes().get(..call.len().min(200)).unwrap_or_default());
    let payload = message.bytes.get(..message.bytes.len().min(PAYLOAD_MAX)).unwrap_or_default();
    chunk(&mut out, 15, payload);
    let length = (out.len() as u16).to_be_bytes();
    if let Some(place) = out.get_mut(4..6) {
        place.copy_from_slice(&length);
    }
    out
}

fn chunk(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&(value.len() as u16 + 6).to_be_bytes());
    out.extend_from_slice(value);
}

fn six(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(it) => it.to_ipv6_mapped().octets().to_vec(),
        IpAddr::V6(it) => it.octets().to_vec(),
    }
}
