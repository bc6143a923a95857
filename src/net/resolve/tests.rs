//! Names against a name server of our own.

use std::net::Ipv4Addr;

use super::names::{Names, Record};
use super::*;

const HOME: Ipv4Addr = Ipv4Addr::LOCALHOST;

fn asking(names: &Names) -> Resolver {
    Resolver::new(&[names.address]).unwrap()
}

fn address(it: &str) -> Record {
    Record::Address(it.parse().unwrap())
}

fn server(priority: u16, port: u16, target: &'static str) -> Record {
    Record::Server { priority, weight: 0, port, target }
}

fn pointer(preference: u16, service: &'static str, to: &'static str) -> Record {
    Record::Pointer { order: 1, preference, service, to }
}

fn told(found: io::Result<Found>) -> Vec<String> {
    let found = found.unwrap_or_else(|it| panic!("{it}"));
    found.iter().map(|(at, by)| format!("{} {at}", by.as_str())).collect()
}

#[tokio::test]
async fn an_address_needs_no_question() {
    let names = Names::at(HOME);
    let resolver = asking(&names);
    for (host, port, expected) in [
        ("192.0.2.1", None, "UDP 192.0.2.1:5060"),
        ("192.0.2.1", Some(5062), "UDP 192.0.2.1:5062"),
        ("[2001:db8::1]", None, "UDP [2001:db8::1]:5060"),
    ] {
        assert_eq!(told(resolver.resolve(host, port, None).await), [expected]);
    }
    assert_eq!(names.asked(), [""; 0]);
}

#[tokio::test]
async fn a_name_of_this_machine_is_looked_up() {
    let resolver = Resolver::new(&[]).unwrap();
    let found = resolver.resolve("localhost", Some(5070), Some(Transport::Tcp)).await.unwrap();
    assert!(found.iter().all(|(at, by)| at.ip().is_loopback() && *by == Transport::Tcp));
}

#[tokio::test]
async fn naptr_leads_to_srv_leads_to_addresses_of_both_families() {
    let names = Names::at(HOME);
    names.say("pbx.example", 60, pointer(1, "SIPS+D2T", "_sips._tcp.pbx.example"));
    names.say("pbx.example", 60, pointer(2, "SIP+D2T", "_sip._tcp.far.example"));
    names.say("pbx.example", 60, pointer(3, "SIP+D2U", "_sip._udp.pbx.example"));
    names.say("_sip._tcp.far.example", 60, server(2, 5072, "b.example"));
    names.say("_sip._tcp.far.example", 60, server(1, 5071, "a.example"));
    names.say("_sip._udp.pbx.example", 60, server(1, 5073, "c.example"));
    names.say("a.example", 60, address("192.0.2.1"));
    names.say("a.example", 60, address("2001:db8::1"));
    names.say("b.example", 60, Record::Alias("real.example"));
    names.say("real.example", 60, address("192.0.2.2"));
    names.say("c.example", 60, address("192.0.2.3"));
    let found = asking(&names).resolve("PBX.example", None, None).await;
    let expected = [
        "TCP 192.0.2.1:5071",
        "TCP [2001:db8::1]:5071",
        "TCP 192.0.2.2:5072",
        "UDP 192.0.2.3:5073",
    ];
    assert_eq!(told(found), expected);
}

#[tokio::test]
async fn without_naptr_both_transports_are_asked_and_a_said_one_alone() {
    let names = Names::at(HOME);
    names.say("_sip._udp.pbx.example", 60, server(1, 5071, "a.example"));
    names.say("_sip._tcp.pbx.example", 60, server(1, 5072, "a.example"));
    names.say("a.example", 60, address("192.0.2.1"));
    let resolver = asking(&names);
    let found = resolver.resolve("pbx.example", None, None).await;
    assert_eq!(told(found), ["UDP 192.0.2.1:5071", "TCP 192.0.2.1:5072"]);
    let asked = names.asked().len();
    let found = resolver.resolve("pbx.example", None, Some(Transport::Tcp)).await;
    assert_eq!(told(found), ["TCP 192.0.2.1:5072"]);
    assert_eq!(names.asked().len(), asked, "all of it was known");
}

#[tokio::test]
async fn a_port_skips_srv_and_a_name_without_srv_means_5060() {
    let names = Names::at(HOME);
    names.say("pbx.example", 60, address("192.0.2.9"));
    names.say("_sip._udp.pbx.example", 60, server(1, 5071, "a.example"));
    names.say("plain.example", 60, address("192.0.2.8"));
    let resolver = asking(&names);
    let found = resolver.resolve("pbx.example", Some(5080), None).await;
    assert_eq!(told(found), ["UDP 192.0.2.9:5080"]);
    assert!(names.asked().iter().all(|it| it.starts_with('A')), "{:?}", names.asked());
    let found = resolver.resolve("plain.example", None, Some(Transport::Tcp)).await;
    assert_eq!(told(found), ["TCP 192.0.2.8:5060"]);
}

#[tokio::test]
async fn a_service_that_is_denied_is_not_looked_for_elsewhere() {
    let names = Names::at(HOME);
    names.say("pbx.example", 60, address("192.0.2.9"));
    names.say("_sip._udp.pbx.example", 60, server(0, 0, "."));
    let found = asking(&names).resolve("pbx.example", None, Some(Transport::Udp)).await;
    assert_eq!(found.unwrap_err().kind(), io::ErrorKind::NotFound);
}

#[tokio::test]
async fn a_name_that_is_not_there_is_not_asked_for_at_once_again() {
    let names = Names::at(HOME);
    let resolver = asking(&names);
    assert!(resolver.resolve("nobody.example", Some(5060), None).await.is_err());
    let asked = names.asked().len();
    assert!((1..=2).contains(&asked), "{:?}", names.asked());
    assert!(resolver.resolve("nobody.example", Some(5060), None).await.is_err());
    assert_eq!(names.asked().len(), asked);
}

#[tokio::test]
async fn the_last_good_answer_serves_while_the_name_server_is_gone() {
    let names = Names::at(HOME);
    names.say("pbx.example", 0, address("192.0.2.9"));
    let (resolver, start) = (asking(&names), Instant::now());
    let asked: Asked = ("pbx.example.".into(), Some(5060), None);
    let good = resolver.resolve("pbx.example", Some(5060), None).await.unwrap();
    assert_eq!(resolver.learn(asked.clone(), None, start), good);
    assert_eq!(resolver.failed(&asked, start), Some(good));
    assert_eq!(resolver.failed(&asked, start + FAILED), None, "then it is asked again");
    let late = start + STALE + FAILED;
    assert!(resolver.learn(asked.clone(), None, late).is_empty());
    // That a name is gone is believed.
    resolver.learn(
        asked.clone(),
        Some(vec![("192.0.2.9:5060".parse().unwrap(), Transport::Udp)]),
        late,
    );
    assert!(resolver.learn(asked.clone(), Some(Vec::new()), late).is_empty());
    assert!(resolver.learn(asked, None, late).is_empty());
}

#[tokio::test]
async fn a_mute_name_server_costs_its_time_once() {
    let names = Names::at(HOME);
    names.mute(true);
    let (resolver, start) = (asking(&names), Instant::now());
    assert!(resolver.resolve("pbx.example", Some(5060), None).await.is_err());
    assert!(start.elapsed() <= QUESTION + Duration::from_secs(1), "{:?}", start.elapsed());
    let again = Instant::now();
    assert!(resolver.resolve("pbx.example", Some(5060), None).await.is_err());
    assert!(again.elapsed() < Duration::from_millis(500), "{:?}", again.elapsed());
}

#[tokio::test]
async fn no_more_is_used_of_a_name_than_there_is_use_for() {
    let names = Names::at(HOME);
    for n in 1..=20 {
        names.say("many.example", 60, address(&format!("192.0.2.{n}")));
    }
    let found = asking(&names).resolve("many.example", Some(5060), None).await.unwrap();
    assert_eq!(found.len(), ADDRESSES);
}

#[tokio::test]
async fn no_more_names_are_remembered_than_there_is_room_for() {
    let (resolver, now) = (Resolver::new(&[]).unwrap(), Instant::now());
    let some: Found = vec![("192.0.2.9:5060".parse().unwrap(), Transport::Udp)];
    for n in 0..=NAMES {
        resolver.learn((format!("h{n}.example."), None, None), Some(some.clone()), now);
        resolver.learn((format!("no{n}.example."), None, None), None, now);
    }
    assert!(resolver.known().len() <= NAMES);
}
