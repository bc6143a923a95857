//! The configuration of a test call: the operator's trunks, the destination without what would be
//! in the way, and a number of our own that leads there.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use toml::{Table, Value};

use crate::server::Error;

/// Who places the test call: an address that no carrier has.
pub(super) const CALLER: Ipv4Addr = Ipv4Addr::new(127, 77, 77, 77);
/// What it dials.
pub(super) const NUMBER: &str = "+12025550199";
const NAME: &str = "crosspoint-learns";

/// Settings of a destination that would keep the call from it, or ring somebody else.
const IN_THE_WAY: &[&str] = &[
    "extension",
    "dial_pause",
    "wait_for_voice",
    "accept",
    "decline_machines",
    "schedule",
    "outside_hours",
    "no_answer",
    "enhanced_forwarding",
    "agent",
    "lead_owner",
    "tagging_schedule",
    "after_hours_limit",
    "ring_delay",
    "max_calls",
    "caller_id",
];
/// What the test call has no use for; most of it names what was left out.
const LEFT_OUT: &[&str] = &[
    "tracking_number",
    "call_settings",
    "queue",
    "voice_menu",
    "voicemail",
    "smart_router",
    "geo_router",
    "virtual_agent",
    "agent",
    "tag_rule",
    "api",
    "records",
    "recordings",
    "schedule",
];

/// The text of a configuration whose `NUMBER` rings `destination`, with this extension if any,
/// and where its listener for the test call is.
pub(super) fn draft(
    text: &str,
    destination: &str,
    extension: Option<&str>,
) -> Result<(String, SocketAddr), Error> {
    let usage = |text: String| Error::Usage(text);
    let mut table: Table = toml::from_str(text).map_err(|it| Error::Config(it.to_string()))?;
    let mut number = take(&table, destination)
        .ok_or_else(|| usage(format!("there is no receiving number {destination:?}")))?;
    if number.get("number").and_then(Value::as_str).is_some_and(|it| it.starts_with("client:")) {
        return Err(usage(format!(
            "{destination:?} is a client: there is no switchboard to learn"
        )));
    }
    for key in IN_THE_WAY {
        number.remove(*key);
    }
    number.insert("name".into(), NAME.into());
    number.insert("whisper".into(), "none".into());
    number.insert("prevent_recording".into(), true.into());
    if let Some(extension) = extension {
        number.insert("extension".into(), extension.into());
    }
    for key in LEFT_OUT {
        table.remove(*key);
    }
    table.insert("receiving_number".into(), vec![Value::Table(number)].into());
    push(&mut table, "tracking_number", [("number", NUMBER.into()), ("dial", vec![NAME].into())]);
    let sources = vec![CALLER.to_string()].into();
    push(
        &mut table,
        "trunk",
        [("name", NAME.into()), ("sources", sources), ("probe", "off".into())],
    );
    // A default trunk stays what it was: the first, or the one that says so.
    table.insert("api".into(), Table::from_iter([("listen".to_owned(), "off".into())]).into());
    let caller = listeners(&mut table).map_err(Error::doing("finding a free port"))?;
    let text = toml::to_string(&table).map_err(|it| Error::Config(it.to_string()))?;
    Ok((text, caller))
}

fn take(table: &Table, destination: &str) -> Option<Table> {
    let numbers = table.get("receiving_number")?.as_array()?;
    let named = |it: &&Value| it.get("name").and_then(Value::as_str) == Some(destination);
    numbers.iter().find(named)?.as_table().cloned()
}

fn push<const N: usize>(table: &mut Table, key: &str, entries: [(&str, Value); N]) {
    let entry = Table::from_iter(entries.map(|(key, value)| (key.to_owned(), value)));
    let list = table.entry(key).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(list) = list {
        list.push(entry.into());
    }
}

/// The operator's listeners on ports that are free beside a running edge, and one for the caller.
fn listeners(table: &mut Table) -> std::io::Result<SocketAddr> {
    let free = |ip: IpAddr| UdpSocket::bind((ip, 0)).and_then(|it| it.local_addr());
    let sip = table.entry("sip").or_insert_with(|| Value::Table(Table::new()));
    let Value::Table(sip) = sip else {
        return Err(std::io::Error::other("`sip` is no table"));
    };
    let list = sip.entry("listener").or_insert_with(|| Value::Array(Vec::new()));
    for it in list.as_array_mut().into_iter().flatten().filter_map(Value::as_table_mut) {
        let address = it.get("address").and_then(Value::as_str).unwrap_or("0.0.0.0:5060");
        if let Ok(address) = address.parse::<SocketAddr>() {
            it.insert("address".into(), free(address.ip())?.to_string().into());
        }
    }
    let caller = free(Ipv4Addr::LOCALHOST.into())?;
    push(
        sip,
        "listener",
        [
            ("name", NAME.into()),
            ("address", caller.to_string().into()),
            ("transports", vec!["udp"].into()),
            ("takes_clients", false.into()),
        ],
    );
    Ok(caller)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config;

    const INTEROP: &str = include_str!("../../../configs/interop.toml");

    #[test]
    fn a_draft_is_a_configuration_with_one_way_through_it() {
        let (text, caller) = draft(INTEROP, "b-4", Some("1w2")).unwrap();
        let read = config::load(&text, "draft", Path::new(".")).unwrap();
        assert_eq!(read.directory.tracking_numbers().count(), 1);
        let number = read.directory.receiving_number(NAME).unwrap();
        assert_eq!(number.extension, Some("1w2".parse().unwrap()));
        assert!(read.sockets().iter().any(|it| it.address == caller));
        assert!(read.sockets().iter().all(|it| it.address.port() != 5060));
    }

    #[test]
    fn only_a_destination_with_a_switchboard_can_be_learnt() {
        let said = |name| match draft(INTEROP, name, None) {
            Err(error) => error.to_string(),
            Ok(_) => "a draft".to_owned(),
        };
        assert_eq!(said("nobody"), "there is no receiving number \"nobody\"");
        assert!(said("agent1").contains("is a client"), "{}", said("agent1"));
    }
}
