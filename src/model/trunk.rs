//! Trunks: a carrier, how its calls are recognised, how ours reach it, and its profile.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::phone::normalise;
use super::{Credentials, KeysBy};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trunk {
    pub name: Arc<str>,
    /// Calls from here are this trunk's; the longest prefix of all trunks wins.
    pub sources: Vec<Network>,
    /// Sources may be everybody (`0.0.0.0/0`).
    pub any_source: bool,
    /// The listeners its calls arrive on; every one if none is named.
    pub listeners: Vec<Arc<str>>,
    /// The digest its calls must carry as well.
    pub inbound: Option<Credentials>,
    /// What we answer its challenges with.
    pub outbound: Option<Credentials>,
    pub addresses: Vec<Address>,
    pub numbers: NumberFormat,
    /// Goes before the numbers we dial there (technical prefix).
    pub number_prefix: String,
    /// `None` = it is never asked, and counts as there.
    pub probe: Option<Probe>,
    /// How long an address is tried last after a call through it failed.
    pub cooldown: Duration,
    pub caller_id: CallerIdHeaders,
    pub early_media: bool,
    pub session_timers: SessionTimers,
    pub reliable: Reliable,
    /// Calls at once, both directions.
    pub max_calls: Option<u32>,
    /// Calls that may begin in one second, both directions.
    pub max_calls_per_second: Option<u32>,
    pub keys: KeysBy,
}

impl Trunk {
    /// A trunk with every part of its profile at its default.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            sources: Vec::new(),
            any_source: false,
            listeners: Vec::new(),
            inbound: None,
            outbound: None,
            addresses: Vec::new(),
            numbers: NumberFormat::Plus,
            number_prefix: String::new(),
            probe: Some(Probe::default()),
            cooldown: Duration::from_secs(30),
            caller_id: CallerIdHeaders::Asserted,
            early_media: true,
            session_timers: SessionTimers::default(),
            reliable: Reliable::Supported,
            max_calls: None,
            max_calls_per_second: None,
            keys: KeysBy::Auto,
        }
    }

    /// A number that this trunk told us, in E.164; as it came if it is not one.
    pub fn number_from(&self, text: &str) -> String {
        match &self.numbers {
            NumberFormat::National(_) if text.starts_with('+') || text.starts_with("tel:+") => {
                normalise(text).unwrap_or_else(|| text.to_owned())
            }
            NumberFormat::National(country) => super::Phone::parse(text, Some(country))
                .map_or_else(|_| text.to_owned(), |it| it.as_str().to_owned()),
            NumberFormat::Plus | NumberFormat::Digits => {
                // Shorter strings are extensions or short codes, not numbers without their plus.
                let digits = text.chars().filter(char::is_ascii_digit).count();
                normalise(text)
                    .filter(|_| text.contains('+') || 8 <= digits)
                    .unwrap_or_else(|| text.to_owned())
            }
        }
    }

    /// An E.164 number the way this trunk wants it, without the technical prefix, which belongs
    /// to numbers that are dialled and not to callers'.
    pub fn number_to(&self, number: &str) -> String {
        match (number.strip_prefix('+'), &self.numbers) {
            (None, _) | (_, NumberFormat::Plus) => number.to_owned(),
            (Some(digits), NumberFormat::Digits) => digits.to_owned(),
            (_, NumberFormat::National(country)) => super::phone::national(number, country),
        }
    }
}

/// Asking a trunk's addresses whether they are there (OPTIONS).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    pub every: Duration,
    /// Down after so many without an answer in a row.
    pub down_after: u8,
    /// Up again after so many answers in a row.
    pub up_after: u8,
}

impl Default for Probe {
    fn default() -> Self {
        Self { every: Duration::from_secs(30), down_after: 3, up_after: 2 }
    }
}

/// One of a trunk's addresses, chosen by priority (lowest first) and weight (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// A name or an IP address.
    pub host: Arc<str>,
    /// The transport's own (5060), or what SRV says, if none is given.
    pub port: Option<u16>,
    pub transport: TrunkTransport,
    /// It takes TCP too: large requests go that way (RFC 3261 section 18.1.1).
    pub tcp_too: bool,
    pub priority: u16,
    pub weight: u16,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrunkTransport {
    #[default]
    Udp,
    Tcp,
}

/// How a trunk writes phone numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum NumberFormat {
    /// `+15550100001`
    #[default]
    Plus,
    /// `15550100001`
    Digits,
    /// Digits as dialled inside this country (ISO 3166: `US`); others international.
    National(Arc<str>),
}

/// Where the caller's number is told besides From.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallerIdHeaders {
    /// P-Asserted-Identity (RFC 3325), Diversion.
    #[default]
    Asserted,
    /// Remote-Party-ID, Diversion.
    RemoteParty,
    /// From alone.
    FromOnly,
}

/// Session timers (RFC 4028) on calls with this trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionTimers {
    Off,
    /// Ask for this interval; never accept one below `min` (90 s or more).
    On {
        expires: Duration,
        min: Duration,
    },
}

impl Default for SessionTimers {
    fn default() -> Self {
        Self::On { expires: Duration::from_secs(1800), min: Duration::from_secs(90) }
    }
}

/// Reliable provisional responses (RFC 3262).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reliable {
    Off,
    #[default]
    Supported,
    Required,
}

/// A CIDR block. IPv4 addresses mapped into IPv6 are the IPv4 addresses they stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(it)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                (u32::from(net) ^ u32::from(it)) & mask == 0
            }
            (IpAddr::V6(net), IpAddr::V6(it)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                (u128::from(net) ^ u128::from(it)) & mask == 0
            }
            _ => false,
        }
    }

    pub fn address(&self) -> IpAddr {
        self.address
    }

    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Every address there is: an access list that lets everybody in.
    pub fn is_everything(&self) -> bool {
        self.prefix == 0
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not an address or a network such as 192.0.2.0/24");
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let (address, mapped) = (address.to_canonical(), address.to_canonical() != address);
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => bits,
            Some(prefix) => {
                let prefix: u8 = prefix.parse().map_err(|_| wrong())?;
                if mapped { prefix.checked_sub(96).ok_or_else(wrong)? } else { prefix }
            }
        };
        if bits < prefix {
            return Err(format!("{text:?}: a prefix of {address} has at most {bits} bits"));
        }
        let network = Self { address, prefix };
        let host_bits = match address {
            IpAddr::V4(it) => u32::from(it).checked_shl(u32::from(prefix)).unwrap_or(0) != 0,
            IpAddr::V6(it) => u128::from(it).checked_shl(u32::from(prefix)).unwrap_or(0) != 0,
        };
        if host_bits {
            return Err(format!("{text:?} has bits set after its prefix: a typing error?"));
        }
        Ok(network)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_addresses_and_no_others() {
        let network: Network = "192.0.2.0/30".parse().unwrap();
        assert!(network.contains("192.0.2.3".parse().unwrap()));
        assert!(network.contains("::ffff:192.0.2.3".parse().unwrap()));
        assert!(!network.contains("192.0.2.4".parse().unwrap()));
        assert!(!network.contains("2001:db8::1".parse().unwrap()));
        let mapped: Network = "::ffff:192.0.2.0/126".parse().unwrap();
        assert_eq!(mapped, network);
        let all: Network = "::/0".parse().unwrap();
        assert!(all.is_everything() && all.contains("2001:db8::1".parse().unwrap()));
    }

    #[test]
    fn a_network_that_is_none_is_refused() {
        for wrong in ["", "192.0.2.0/33", "192.0.2.1/24", "2001:db8::/129", "::1/64", "a/8"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn numbers_are_written_as_the_trunk_wants_them() {
        let mut trunk = Trunk::new("carrier");
        assert_eq!(trunk.number_from("12025550173"), "+12025550173");
        assert_eq!(trunk.number_from("tel:+1-202-555-0173"), "+12025550173");
        assert_eq!(trunk.number_from("101"), "101");
        trunk.numbers = NumberFormat::Digits;
        assert_eq!(trunk.number_to("+12025550173"), "12025550173");
        trunk.numbers = NumberFormat::National("US".into());
        assert_eq!(trunk.number_from("2025550173"), "+12025550173");
        assert_eq!(trunk.number_from("+442071838750"), "+442071838750");
        assert_eq!(trunk.number_to("+12025550173"), "2025550173");
        assert_eq!(trunk.number_to("+442071838750"), "011442071838750");
    }
}
