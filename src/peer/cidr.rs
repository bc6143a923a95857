//! Source networks, and which trunk owns one: the longest prefix wins.
//!
//! Every address is looked at as IPv6, an IPv4 one as its mapped form (RFC 4291 section 2.5.5.2), so
//! that `192.0.2.1` and `::ffff:192.0.2.1` are one source whatever kind of socket heard it. Source
//! addresses of UDP can be forged: who needs more certainty gives the trunk a digest as well.

use std::collections::HashMap;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::sip::Transport;

/// A network: `192.0.2.0/24`, `2001:db8::/32`, or a single address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr {
    /// Masked, in the IPv6 view.
    network: u128,
    /// In the IPv6 view: 96 more for IPv4.
    length: u8,
}

/// Why a text is not a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CidrError {
    Address,
    /// Longer than the address, or not a number.
    Length,
    /// Bits beyond the prefix are set: probably a typing error; says what was meant.
    HostBits(Cidr),
}

impl Cidr {
    /// Takes `length` bits of an address in its own family.
    pub fn new(address: IpAddr, length: u8) -> Result<Self, CidrError> {
        let whole = if address.is_ipv4() { 32 } else { 128 };
        if whole < length {
            return Err(CidrError::Length);
        }
        let length = length + (128 - whole);
        let wide = widen(address);
        let cidr = Self { network: wide & mask(length), length };
        if cidr.network == wide { Ok(cidr) } else { Err(CidrError::HostBits(cidr)) }
    }

    /// Only this address.
    pub fn host(address: IpAddr) -> Self {
        Self { network: widen(address), length: 128 }
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        widen(address) & mask(self.length) == self.network
    }

    /// Everybody, in one of the families at least (`0.0.0.0/0`, `::/0`, and what lies between).
    pub fn is_everybody(&self) -> bool {
        self.contains(IpAddr::V6(Ipv6Addr::from(MAPPED))) && self.length <= 96 || self.length == 0
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Self, CidrError> {
        let (address, length) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr = address.trim().parse().map_err(|_| CidrError::Address)?;
        if !text.contains('/') {
            return Ok(Self::host(address));
        }
        if length.is_empty() || !length.bytes().all(|it| it.is_ascii_digit()) {
            return Err(CidrError::Length);
        }
        Self::new(address, length.parse().map_err(|_| CidrError::Length)?)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wide = Ipv6Addr::from(self.network);
        match wide.to_ipv4_mapped() {
            Some(v4) if 96 <= self.length => write!(f, "{v4}/{}", self.length - 96),
            _ => write!(f, "{wide}/{}", self.length),
        }
    }
}

impl fmt::Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for CidrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address => f.write_str("not an IP address"),
            Self::Length => f.write_str("the prefix length must be 0 to 32 (IPv4) or 128 (IPv6)"),
            Self::HostBits(meant) => write!(f, "bits beyond the prefix are set; meant {meant}?"),
        }
    }
}

impl std::error::Error for CidrError {}

impl Serialize for Cidr {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cidr {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Whose requests are whose: source networks, narrowed to a listener or a transport if wanted.
/// The longest prefix wins; among equals, the narrower entry.
#[derive(Clone, Debug)]
pub(super) struct Sources<T> {
    /// Lengths in use, longest first.
    lengths: Vec<u8>,
    entries: HashMap<Cidr, Vec<Entry<T>>>,
}

#[derive(Clone, Debug)]
struct Entry<T> {
    listener: Option<u8>,
    transport: Option<Transport>,
    owner: T,
}

impl<T> Default for Sources<T> {
    fn default() -> Self {
        Self { lengths: Vec::new(), entries: HashMap::new() }
    }
}

impl<T: Copy + PartialEq> Sources<T> {
    /// Adds a network; gives back the owner that already claims the very same one.
    pub fn add(
        &mut self,
        network: Cidr,
        listener: Option<u8>,
        transport: Option<Transport>,
        owner: T,
    ) -> Result<(), T> {
        let entries = self.entries.entry(network).or_default();
        let same = entries.iter().find(|it| (it.listener, it.transport) == (listener, transport));
        if let Some(same) = same {
            return if same.owner == owner { Ok(()) } else { Err(same.owner) };
        }
        entries.push(Entry { listener, transport, owner });
        entries.sort_by_key(|it| (it.listener.is_none(), it.transport.is_none()));
        if let Err(at) = self.lengths.binary_search_by(|it| network.length.cmp(it)) {
            self.lengths.insert(at, network.length);
        }
        Ok(())
    }

    pub fn owner(&self, source: IpAddr, listener: u8, transport: Transport) -> Option<T> {
        let wide = widen(source);
        let found = self.lengths.iter().find_map(|length| {
            let network = Cidr { network: wide & mask(*length), length: *length };
            self.entries.get(&network)?.iter().find(|it| {
                it.listener.is_none_or(|it| it == listener)
                    && it.transport.is_none_or(|it| it == transport)
            })
        });
        found.map(|it| it.owner)
    }
}

/// `::ffff:0.0.0.0`
const MAPPED: u128 = 0xffff << 32;

/// The IPv6 view of an address.
pub(super) fn widen(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(it) => MAPPED | u128::from(it.to_bits()),
        IpAddr::V6(it) => it.to_bits(),
    }
}

fn mask(length: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cidr(text: &str) -> Cidr {
        text.parse().unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_network_has_its_members_and_no_others() {
        assert!(cidr("192.0.2.0/24").contains(ip("192.0.2.255")));
        assert!(!cidr("192.0.2.0/24").contains(ip("192.0.3.0")));
        assert!(cidr("2001:db8::/33").contains(ip("2001:db8:7fff::1")));
        assert!(!cidr("2001:db8::/33").contains(ip("2001:db8:8000::")));
        assert!(cidr("127.0.0.1").contains(ip("127.0.0.1")));
        assert!(!cidr("127.0.0.1").contains(ip("127.0.0.2")));
    }

    #[test]
    fn a_mapped_address_is_its_ipv4_address() {
        assert!(cidr("127.0.0.0/30").contains(ip("::ffff:127.0.0.2")));
        assert!(cidr("::ffff:127.0.0.0/126").contains(ip("127.0.0.2")));
        assert_eq!(cidr("::ffff:127.0.0.0/126"), cidr("127.0.0.0/30"));
        assert!(!cidr("::/96").contains(ip("127.0.0.2")));
    }

    #[test]
    fn a_text_that_is_no_network_says_why() {
        assert_eq!("192.0.2".parse::<Cidr>(), Err(CidrError::Address));
        assert_eq!("192.0.2.0/33".parse::<Cidr>(), Err(CidrError::Length));
        assert_eq!("192.0.2.0/".parse::<Cidr>(), Err(CidrError::Length));
        assert_eq!("192.0.2.0/+8".parse::<Cidr>(), Err(CidrError::Length));
        assert_eq!("::/129".parse::<Cidr>(), Err(CidrError::Length));
        let meant = cidr("192.0.2.0/24");
        assert_eq!("192.0.2.1/24".parse::<Cidr>(), Err(CidrError::HostBits(meant)));
    }

    #[test]
    fn everybody_is_recognised_in_every_spelling() {
        for text in ["0.0.0.0/0", "::/0", "::ffff:0:0/96", "::/1", "::/80"] {
            assert!(cidr(text).is_everybody(), "{text}");
        }
        for text in ["0.0.0.0/1", "2000::/3", "::1", "128.0.0.0/1"] {
            assert!(!cidr(text).is_everybody(), "{text}");
        }
    }

    #[test]
    fn a_network_is_written_as_it_was_read() {
        for text in ["192.0.2.0/24", "0.0.0.0/0", "2001:db8::/32", "::/0", "10.0.0.1/32"] {
            assert_eq!(cidr(text).to_string(), text);
        }
    }

    #[test]
    fn the_longest_prefix_wins_and_then_the_narrower_entry() {
        let mut sources = Sources::default();
        sources.add(cidr("10.0.0.0/8"), None, None, 1).unwrap();
        sources.add(cidr("10.1.0.0/16"), None, None, 2).unwrap();
        sources.add(cidr("10.1.0.0/16"), Some(1), None, 3).unwrap();
        sources.add(cidr("10.1.2.3"), None, Some(Transport::Tcp), 4).unwrap();
        let owner = |source, listener, transport| sources.owner(ip(source), listener, transport);
        assert_eq!(owner("10.2.0.1", 0, Transport::Udp), Some(1));
        assert_eq!(owner("10.1.9.9", 0, Transport::Udp), Some(2));
        assert_eq!(owner("10.1.9.9", 1, Transport::Udp), Some(3));
        assert_eq!(owner("::ffff:10.1.2.3", 0, Transport::Tcp), Some(4));
        assert_eq!(owner("10.1.2.3", 0, Transport::Udp), Some(2));
        assert_eq!(owner("11.0.0.1", 0, Transport::Udp), None);
    }

    #[test]
    fn two_trunks_cannot_own_the_same_source() {
        let mut sources = Sources::default();
        sources.add(cidr("10.0.0.0/8"), None, None, 1).unwrap();
        assert_eq!(sources.add(cidr("10.0.0.0/8"), None, None, 2), Err(1));
        assert_eq!(sources.add(cidr("10.0.0.0/8"), None, None, 1), Ok(()));
        assert_eq!(sources.add(cidr("10.0.0.0/8"), Some(0), None, 2), Ok(()));
    }
}
