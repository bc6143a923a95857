//! Trunks and accounts, checked against each other.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::config::error::Wrong;
use crate::config::names::Index;
use crate::config::shell::Sip;
use crate::config::trade::{AccountKeys, AccountRangeKeys, AddressKeys, TrunkKeys};
use crate::config::value::Hidden;
use crate::model::trunk::{Address, Probe, SessionTimers};
use crate::model::{Account, Credentials, Secret, Trunk};

/// Accounts that one range may stand for.
const RANGE_MAX: u32 = 1_000_000;

pub(super) fn trunks(
    keys: Vec<TrunkKeys>,
    sip: &Sip,
    names: &mut Index<'_>,
) -> Result<(Vec<Trunk>, Option<Arc<str>>), Wrong> {
    let mut taken = BTreeMap::new();
    let (mut trunks, mut default) = (Vec::<Trunk>::new(), None);
    for it in keys {
        let place = it.places.clone();
        names.add(&it.name).map_err(|wrong| wrong.under("name"))?;
        if it.default && default.replace(it.name.text.clone()).is_some() {
            return Err(place.wrong("default", "another trunk is the default already"));
        }
        let trunk = trunk(it, sip)?;
        for source in &trunk.sources {
            let others = taken.entry(source.to_string()).or_insert_with(Vec::<Arc<str>>::new);
            let clash = trunks.iter().find(|other: &&Trunk| {
                others.contains(&other.name) && share_a_listener(other, &trunk)
            });
            if let Some(other) = clash {
                let message = format!("{source} belongs to trunk {:?} already", other.name);
                return Err(place.wrong("sources", message));
            }
            others.push(trunk.name.clone());
        }
        trunks.push(trunk);
    }
    Ok((trunks, default))
}

fn share_a_listener(one: &Trunk, other: &Trunk) -> bool {
    one.listeners.is_empty()
        || other.listeners.is_empty()
        || one.listeners.iter().any(|it| other.listeners.contains(it))
}

fn trunk(keys: TrunkKeys, sip: &Sip) -> Result<Trunk, Wrong> {
    let place = &keys.places;
    if !keys.allow_any_source && keys.sources.iter().any(|it| it.is_everything()) {
        let message = "this lets everybody in; if that is meant, set allow_any_source = true";
        return Err(place.wrong("sources", message));
    }
    for name in &keys.listeners {
        let there = || sip.listener.iter().map(|it| it.name.as_str());
        if !there().any(|it| it == &*name.text) {
            let guess = crate::config::error::guess(&name.text, there());
            let message = format!("there is no listener {:?}{guess}", name.text);
            let allowed = there().collect::<Vec<_>>().join(", ");
            return Err(Wrong::at(name.span.clone(), message).allowed(allowed).under("listeners"));
        }
    }
    let timers = match keys.session_timer.0 {
        None => SessionTimers::Off,
        Some(expires) if *expires < *keys.session_min => {
            return Err(place.wrong("session_timer", "it is shorter than session_min"));
        }
        Some(expires) => SessionTimers::On { expires: *expires, min: *keys.session_min },
    };
    digits(&keys.number_prefix).map_err(|it| place.wrong("number_prefix", it))?;
    let inbound = login(place, "inbound_user", keys.inbound_user, keys.inbound_password, None)?;
    let outbound = login(place, "user", keys.user, keys.password, keys.realm)?;
    let addresses = keys.addresses.unwrap_or_default();
    let addresses = addresses.iter().map(address).collect::<Result<_, _>>();
    Ok(Trunk {
        name: keys.name.text,
        sources: keys.sources,
        any_source: keys.allow_any_source,
        listeners: keys.listeners.into_iter().map(|it| it.text).collect(),
        inbound,
        outbound,
        addresses: addresses.map_err(|it: Wrong| it.under("addresses"))?,
        numbers: keys.numbers.0,
        number_prefix: keys.number_prefix,
        probe: keys.probe.0.map(|every| Probe {
            every: *every,
            down_after: *keys.probe_down_after as u8,
            up_after: *keys.probe_up_after as u8,
        }),
        cooldown: *keys.cooldown,
        caller_id: keys.caller_id,
        early_media: keys.early_media,
        session_timers: timers,
        reliable: keys.reliable,
        max_calls: keys.max_calls.map(|it| *it),
        max_calls_per_second: keys.max_calls_per_second.map(|it| *it),
        keys: keys.keys,
    })
}

/// User and password, both or neither. Names the key `user` if one of them is missing.
pub(super) fn login(
    place: &crate::config::keys::Places,
    key: &str,
    user: Option<String>,
    password: Option<Hidden>,
    realm: Option<String>,
) -> Result<Option<Credentials>, Wrong> {
    match (user, password) {
        (Some(user), Some(Hidden(password))) => {
            quotable(&user).map_err(|why| place.wrong(key, why))?;
            Ok(Some(Credentials { user, password, realm }))
        }
        (None, None) if realm.is_none() => Ok(None),
        _ => Err(place.wrong(key, "user and password belong together")),
    }
}

/// Text that may stand in the quotes of a header.
pub(super) fn quotable(text: &str) -> Result<(), String> {
    match text.is_empty() || text.contains(['"', '\\']) {
        true => Err(format!("{text:?} is empty, or has quotes or backslashes")),
        false => Ok(()),
    }
}

fn address(keys: &AddressKeys) -> Result<Address, Wrong> {
    let wrong = || {
        let message = format!("{:?} is not a host, or a host and port", keys.host);
        keys.places.wrong("host", message).allowed("\"sip.example.com\", \"192.0.2.1:5070\"")
    };
    let (host, port) = match keys.host.rsplit_once(':') {
        // Several colons without brackets: an IPv6 address alone.
        Some((before, _)) if before.contains(':') && !before.ends_with(']') => (&*keys.host, None),
        Some((host, port)) => {
            let port = port.parse().ok().filter(|it| *it != 0);
            (host, Some(port.ok_or_else(wrong)?))
        }
        None => (&*keys.host, None),
    };
    let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if bare.is_empty()
        || (!bare.chars().all(is_name) && bare.parse::<std::net::Ipv6Addr>().is_err())
    {
        return Err(wrong());
    }
    Ok(Address {
        host: bare.into(),
        port,
        transport: keys.transport,
        tcp_too: keys.tcp_too,
        priority: *keys.priority as u16,
        weight: *keys.weight as u16,
    })
}

/// Digits that may stand before a number.
pub(super) fn digits(prefix: &str) -> Result<(), String> {
    let wrong = |c: &char| !matches!(c, '0'..='9' | '*' | '#' | '+');
    match prefix.chars().find(wrong) {
        Some(c) => Err(format!("{c:?} is not one of 0-9 * # +")),
        None => Ok(()),
    }
}

pub(super) fn accounts(
    keys: Vec<AccountKeys>,
    ranges: Vec<AccountRangeKeys>,
    names: &mut Index<'_>,
) -> Result<Vec<Account>, Wrong> {
    let mut accounts = Vec::new();
    for it in keys {
        names.add(&it.user).map_err(|wrong| wrong.under("user"))?;
        user(&it.user.text).map_err(|why| it.places.wrong("user", why))?;
        let secret = secret(&it)?;
        let max_contacts = it.max_contacts.map(|it| *it as u16);
        accounts.push(Account { user: it.user.text, secret, max_contacts, call_out: None });
    }
    for it in ranges {
        let password: Arc<str> = it.password.0.as_str().into();
        for user in range(&it).map_err(|wrong| wrong.under("account_range"))? {
            let place: Range<usize> = it.first.span.clone();
            let taken = names.add_at(user.clone(), place);
            taken.map_err(|wrong| wrong.under("account_range.first"))?;
            accounts.push(Account::new(&user, Secret::Password(password.clone())));
        }
    }
    Ok(accounts)
}

fn user(user: &str) -> Result<(), String> {
    // RFC 3261 section 25.1, `unreserved`: what needs no escape in a URI.
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.!~*'()&=+$,;?/".contains(c);
    match user.chars().find(|c| !plain(*c)) {
        Some(c) => Err(format!("{c:?} cannot be in the user part of a SIP URI")),
        None => Ok(()),
    }
}

fn secret(keys: &AccountKeys) -> Result<Secret, Wrong> {
    let hash = |key: &str, given: &Option<Hidden>, length: usize| match given {
        None => Ok(None),
        Some(Hidden(text)) => {
            let hex = text.bytes().all(|it| it.is_ascii_hexdigit());
            match hex && text.len() == length {
                true => Ok(Some(text.to_ascii_lowercase().into())),
                false => {
                    let message = format!("this is not {length} hexadecimal digits");
                    Err(keys.places.wrong(key, message))
                }
            }
        }
    };
    let md5 = hash("ha1_md5", &keys.ha1_md5, 32)?;
    let sha256 = hash("ha1_sha256", &keys.ha1_sha256, 64)?;
    match (&keys.password, md5.is_some() || sha256.is_some()) {
        (Some(Hidden(password)), false) if !password.is_empty() => {
            Ok(Secret::Password(password.as_str().into()))
        }
        (None, true) => Ok(Secret::Ha1 { md5, sha256 }),
        (Some(_), false) => Err(keys.places.wrong("password", "a password is not empty")),
        (Some(_), true) => Err(keys.places.wrong("password", "there are hashes already")),
        (None, false) => {
            Err(keys.places.wrong("password", "an account needs a password or a hash"))
        }
    }
}

/// The users from `u0000` to `u0999`.
fn range(keys: &AccountRangeKeys) -> Result<impl Iterator<Item = Arc<str>> + use<>, Wrong> {
    let split = |text: &str| {
        let letters = text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let (letters, digits) = text.split_at(letters);
        digits.parse::<u32>().ok().map(|it| (letters.to_owned(), digits.len(), it))
    };
    let wrong = |why: &str| Err(Wrong::at(keys.last.span.clone(), why).under("last"));
    let (first, last) = (split(&keys.first.text), split(&keys.last.text));
    let (Some((letters, width, first)), Some((same, as_wide, last))) = (first, last) else {
        return wrong("both ends of a range are letters, then digits");
    };
    if letters != same || width != as_wide || last < first || RANGE_MAX <= last - first {
        return wrong(
            "the end of a range has the same letters, as many digits, and is not before \
                      its beginning",
        );
    }
    if let Err(why) = user(&letters) {
        return wrong(&why);
    }
    Ok((first..=last).map(move |it| format!("{letters}{it:0width$}").into()))
}
