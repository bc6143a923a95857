//! Where calls go, and past what.

use std::net::SocketAddr;

use super::*;
use crate::peer::config::{Numbers, Probe};
use crate::peer::{Asked, LARGE, Out, Place, Resolve, Target};
use crate::sip::Uri;

fn phones(peers: &Peers, now: Now) -> Vec<Target> {
    peers.locate(&Place::Account("Ann".into()), 1, now.at)
}

fn uris(targets: &[Target]) -> Vec<String> {
    targets.iter().map(|it| it.uri.as_str_lossy().into_owned()).collect()
}

#[test]
fn a_phone_is_called_down_the_flow_it_registered_by_whatever_its_contact_says() {
    let mut peers = peers(config());
    let mut ann = Phone::of("ann");
    for evil in ["127.0.0.1", "169.254.169.254", "224.0.1.75", "192.0.2.1", "victim.example"] {
        let line = format!("Contact: <sip:ann@{evil}:22;transport=tcp>;+sip.instance=\"1\"");
        ann.registers(&mut peers, &[&line], at(1));
        let targets = phones(&peers, at(1));
        assert_eq!(targets.len(), 1);
        assert_eq!(targets[0].hop, Some(ann.from));
        assert_eq!((&targets[0].resolve, targets[0].prefer_tcp_over), (&None, usize::MAX));
    }
}

#[test]
fn a_phone_that_moved_is_called_where_it_is_now() {
    let mut peers = peers(config());
    let mut ann = Phone::of("ann");
    ann.registers(&mut peers, &["Contact: <sip:ann@10.0.0.1>"], at(1));
    ann.from = hop(3, "[2001:db8::77]:5060");
    ann.registers(&mut peers, &["Contact: <sip:ann@10.0.0.1>"], at(2));
    let targets = phones(&peers, at(2));
    assert_eq!(targets.iter().map(|it| it.hop).collect::<Vec<_>>(), [Some(ann.from)]);
}

#[test]
fn preferred_phones_come_first_and_then_those_heard_of_last() {
    let mut peers = peers(config());
    let mut ann = Phone::of("ann");
    for (n, q) in [(1, "0.5"), (2, "0.9"), (3, "0.5")] {
        ann.registers(&mut peers, &[&format!("Contact: <sip:{n}@x>;q={q}")], at(n));
    }
    assert_eq!(uris(&phones(&peers, at(5))), ["sip:2@x", "sip:3@x", "sip:1@x"]);
    assert_eq!(phones(&peers, at(5)).iter().map(|it| it.q).collect::<Vec<_>>(), [900, 500, 500]);
    assert!(phones(&peers, at(4000)).is_empty());
    assert!(peers.locate(&Place::Account("Nobody".into()), 1, at(5).at).is_empty());
}

#[test]
fn a_closed_connection_gets_no_calls_and_its_binding_goes_after_the_grace() {
    let mut peers = peers(config());
    let mut tcp = Phone { from: hop(2, PHONE), ..Phone::of("ann") };
    tcp.registers(&mut peers, &["Contact: <sip:tcp@x>"], at(1));
    let mut udp = Phone { call_id: "udp".into(), ..Phone::of("ann") };
    udp.registers(&mut peers, &["Contact: <sip:udp@x>"], at(1));
    peers.on_connection_closed(1, at(10).at);
    assert_eq!(uris(&phones(&peers, at(10))), ["sip:udp@x"]);
    assert_eq!((peers.registered(), peers.deadline()), (2, Some(at(15).at)));
    peers.on_time(at(15).at, &mut Vec::new());
    assert_eq!(peers.registered(), 1);
}

#[test]
fn a_phone_that_comes_back_within_the_grace_keeps_its_binding() {
    let mut peers = peers(config());
    let mut ann = Phone { from: hop(2, PHONE), ..Phone::of("ann") };
    ann.registers(&mut peers, &["Contact: <sip:ann@x>"], at(1));
    peers.on_connection_closed(1, at(10).at);
    ann.from.connection = Some(2);
    ann.registers(&mut peers, &["Contact: <sip:ann@x>"], at(12));
    peers.on_time(at(20).at, &mut Vec::new());
    peers.on_connection_closed(1, at(21).at);
    assert_eq!(phones(&peers, at(21))[0].hop, Some(ann.from));
}

#[test]
fn a_flow_that_failed_is_skipped_until_the_phone_registers_again() {
    let mut peers = peers(config());
    let mut ann = Phone::of("ann");
    ann.registers(&mut peers, &["Contact: <sip:ann@x>"], at(1));
    let target = phones(&peers, at(1)).remove(0);
    peers.flow_failed(target.account.unwrap(), &target.hop.unwrap());
    assert!(phones(&peers, at(2)).is_empty());
    assert_eq!(peers.reachable(target.account.unwrap(), at(2).at), 0);
    ann.registers(&mut peers, &["Contact: <sip:ann@x>"], at(3));
    assert_eq!(phones(&peers, at(3)).len(), 1);
}

fn with_trunk(change: impl FnOnce(&mut Trunk)) -> Peers {
    let mut config = config();
    change(&mut config.trunks[0]);
    peers(config)
}

fn through(peers: &Peers, number: &str, random: u64, now: Now) -> Vec<Target> {
    let trunk = peers.trunk("carrier").unwrap();
    peers.locate(&Place::Trunk { trunk, number: number.into() }, random, now.at)
}

#[test]
fn a_number_goes_to_the_addresses_of_its_trunk() {
    let peers = with_trunk(|it| {
        let (name, tcp) = (address("sip.carrier.example"), address("203.0.113.2"));
        it.addresses = vec![
            super::Address { port: Some(5070), ..address("203.0.113.1") },
            super::Address { priority: 2, transport: Transport::Tcp, ..tcp },
            super::Address { priority: 3, tcp_too: true, ..address("2001:db8::5") },
            super::Address { priority: 4, ..name },
        ];
    });
    let targets = through(&peers, "+15550100", 1, at(1));
    let wanted = [
        "sip:+15550100@203.0.113.1:5070",
        "sip:+15550100@203.0.113.2;transport=tcp",
        "sip:+15550100@[2001:db8::5]",
        "sip:+15550100@sip.carrier.example",
    ];
    assert_eq!(uris(&targets), wanted);
    let plain = |listener, remote| Some(Hop { connection: None, ..hop(listener, remote) });
    assert_eq!(targets[0].hop, plain(0, "203.0.113.1:5070"));
    assert_eq!(targets[1].hop, plain(2, "203.0.113.2:5060"));
    assert_eq!(targets[2].hop, plain(3, "[2001:db8::5]:5060"));
    assert_eq!(targets[3].hop, None);
    let (host, transport) = ("sip.carrier.example".to_owned(), Some(Transport::Udp));
    assert_eq!(targets[3].resolve, Some(Resolve { host, port: None, transport }));
    let large: Vec<_> = targets.iter().map(|it| it.prefer_tcp_over).collect();
    assert_eq!(large, [usize::MAX, usize::MAX, LARGE, usize::MAX]);
    assert_eq!(targets[3].trunk, peers.trunk("carrier").map(|it| (it, 3)));
}

#[test]
fn a_number_is_written_as_the_trunk_wants_it_and_cannot_leave_its_place() {
    let peers = with_trunk(|it| {
        it.addresses = vec![address("203.0.113.1")];
        it.numbers = Numbers { bare: true, prefix: "9".into() };
        it.listener = Some(1);
    });
    let targets = through(&peers, "+15550100", 1, at(1));
    assert_eq!(uris(&targets), ["sip:915550100@203.0.113.1"]);
    assert_eq!(targets[0].hop.unwrap().listener, 1);
    let evil = through(&peers, "1@evil\r\nX: #", 1, at(1));
    assert_eq!(uris(&evil), ["sip:91%40evil%0D%0AX%3A%20%23@203.0.113.1"]);
}

#[test]
fn an_address_that_none_of_our_sockets_reaches_is_left_out() {
    let peers = with_trunk(|it| {
        let v6_tcp = super::Address { transport: Transport::Tcp, ..address("2001:db8::5") };
        it.addresses = vec![v6_tcp, super::Address { priority: 2, ..address("203.0.113.1") }];
    });
    assert_eq!(uris(&through(&peers, "1", 1, at(1))), ["sip:1@203.0.113.1"]);
}

#[test]
fn a_dead_address_is_skipped_and_asked_until_it_answers_again() {
    let every = 10 * SECOND;
    let mut peers = with_trunk(|it| {
        let second = super::Address { priority: 2, ..address("203.0.113.2") };
        it.addresses = vec![address("203.0.113.1"), second];
        it.probe = Some(Probe { every, down_after: 2, up_after: 1, dead_when: vec![] });
    });
    let mut went_down = None;
    let mut out = Vec::new();
    while went_down.is_none() {
        let now = peers.deadline().unwrap();
        peers.on_time(now, &mut out);
        for it in out.drain(..) {
            let Out::Probe { asked, target } = it else { panic!("no name here: {it:?}") };
            let wanted = format!("sip:203.0.113.{}", asked.address + 1);
            assert_eq!(target.uri.as_bytes(), wanted.as_bytes());
            let status = (asked.address == 1).then_some(404);
            if peers.on_probed(asked, status, now) {
                went_down = Some(now);
            }
        }
    }
    let now = Now { at: went_down.unwrap(), ..at(0) };
    assert!(now.at <= at(22).at, "two intervals and a fifth");
    assert_eq!(uris(&through(&peers, "1", 1, now)), ["sip:1@203.0.113.2"]);
    let states = |peers: &Peers, now| -> Vec<_> {
        let trunk = peers.trunk_status(now).remove(0);
        trunk.addresses.into_iter().map(|it| (it.state, it.since)).collect()
    };
    use crate::peer::AddressState::{Cooling, Down, Up};
    let (down, later) = (now.at, at(100).at);
    assert_eq!(states(&peers, later), [(Down, down), (Up, at(0).at)]);
    let trunk = peers.trunk("carrier").unwrap();
    assert!(peers.on_probed(Asked { trunk, address: 0, spot: None }, Some(486), later));
    assert_eq!(states(&peers, later)[0], (Up, later));
    // A call fails there, and another one while it cools down.
    peers.address_failed(trunk, 0, None, at(110).at);
    peers.address_failed(trunk, 0, None, at(115).at);
    assert_eq!(states(&peers, at(120).at)[0], (Cooling, at(110).at));
    peers.address_answered(trunk, 0, at(121).at);
    assert_eq!(states(&peers, at(130).at)[0], (Up, at(121).at));
    assert_eq!(through(&peers, "1", 1, now).len(), 2);
}

/// What is to be done at the next probe of the only address of the only trunk.
fn next_probe(peers: &mut Peers) -> (Asked, Resolve, crate::clock::Instant) {
    let now = peers.deadline().unwrap();
    let mut out = Vec::new();
    peers.on_time(now, &mut out);
    let Some(Out::Find { asked, resolve }) = out.pop() else { panic!("a name is to be found") };
    assert!(out.is_empty());
    (asked, resolve, now)
}

#[test]
fn a_name_is_asked_for_at_every_probe_and_each_place_it_leads_to_is_probed() {
    let mut peers = with_trunk(|it| {
        it.addresses = vec![address("gw.example")];
        it.probe =
            Some(Probe { every: 10 * SECOND, down_after: 1, up_after: 1, dead_when: vec![] });
    });
    let places: Vec<(SocketAddr, Transport)> = ["203.0.113.1:5060", "203.0.113.2:5070"]
        .map(|it| (it.parse().unwrap(), Transport::Udp))
        .into();
    let named = through(&peers, "1", 1, at(0)).remove(0);
    let reached = |peers: &Peers| -> Vec<SocketAddr> {
        let targets = peers.targets_at(&named, &places).into_iter();
        targets.filter_map(|it| Some(it.hop?.remote)).collect()
    };
    let (asked, resolve, now) = next_probe(&mut peers);
    assert_eq!(resolve.host, "gw.example");
    let mut out = Vec::new();
    assert!(!peers.found(asked, &places, now, &mut out));
    let probed: Vec<_> = out
        .into_iter()
        .map(|it| match it {
            Out::Probe { asked, target } => (asked, target.hop.unwrap().remote),
            it => panic!("{it:?}"),
        })
        .collect();
    assert_eq!(probed.iter().map(|it| it.1).collect::<Vec<_>>(), [places[0].0, places[1].0]);
    assert!(!peers.on_probed(probed[0].0, None, now), "the other may be there");
    assert!(!peers.on_probed(probed[1].0, Some(200), now));
    assert_eq!(reached(&peers), [places[1].0]);
    // Now both are gone, then one is back.
    let (asked, _, now) = next_probe(&mut peers);
    peers.found(asked, &places, now, &mut Vec::new());
    assert!(!peers.on_probed(probed[0].0, None, now));
    assert!(peers.on_probed(probed[1].0, None, now));
    assert!(through(&peers, "1", 1, Now { at: now, ..at(0) }).is_empty());
    assert_eq!(reached(&peers).len(), 2, "rather one that may be gone than nobody");
    assert!(peers.on_probed(probed[0].0, Some(200), now));
    assert_eq!(reached(&peers), [places[0].0]);
}

#[test]
fn a_name_that_leads_nowhere_is_down_until_it_leads_somewhere_that_answers() {
    let mut peers = with_trunk(|it| {
        it.addresses = vec![address("gw.example")];
        it.probe =
            Some(Probe { every: 10 * SECOND, down_after: 2, up_after: 1, dead_when: vec![] });
    });
    for went_down in [false, true] {
        let (asked, _, now) = next_probe(&mut peers);
        assert_eq!(peers.found(asked, &[], now, &mut Vec::new()), went_down);
    }
    let (asked, _, now) = next_probe(&mut peers);
    assert!(through(&peers, "1", 1, Now { at: now, ..at(0) }).is_empty());
    let place = [("203.0.113.1:5060".parse().unwrap(), Transport::Udp)];
    let mut out = Vec::new();
    assert!(!peers.found(asked, &place, now, &mut out), "it has not answered yet");
    let Some(Out::Probe { asked, .. }) = out.pop() else { panic!() };
    assert!(peers.on_probed(asked, Some(200), now));
    assert_eq!(through(&peers, "1", 1, Now { at: now, ..at(0) }).len(), 1);
}

#[test]
fn an_address_through_which_a_call_failed_is_tried_last_for_a_while() {
    let mut peers = with_trunk(|it| {
        let second = super::Address { priority: 2, ..address("203.0.113.2") };
        it.addresses = vec![address("203.0.113.1"), second];
    });
    let trunk = peers.trunk("carrier").unwrap();
    peers.address_failed(trunk, 0, None, at(1).at);
    let order = |peers: &Peers, now| uris(&through(peers, "1", 1, now));
    assert_eq!(order(&peers, at(2)), ["sip:1@203.0.113.2", "sip:1@203.0.113.1"]);
    assert_eq!(order(&peers, at(31)), ["sip:1@203.0.113.1", "sip:1@203.0.113.2"]);
    peers.address_failed(trunk, 0, None, at(40).at);
    peers.address_answered(trunk, 0, at(41).at);
    assert_eq!(order(&peers, at(41)), ["sip:1@203.0.113.1", "sip:1@203.0.113.2"]);
}

#[test]
fn an_address_that_says_when_it_can_be_called_again_is_left_alone_until_then() {
    let mut peers = with_trunk(|it| {
        let second = super::Address { priority: 2, ..address("203.0.113.2") };
        it.addresses = vec![address("203.0.113.1"), second];
    });
    let trunk = peers.trunk("carrier").unwrap();
    let first = |peers: &Peers, now| uris(&through(peers, "1", 1, now))[0].clone();
    let wait = |seconds| Some(std::time::Duration::from_secs(seconds));
    peers.address_failed(trunk, 0, wait(5), at(1).at);
    assert_eq!(first(&peers, at(5)), "sip:1@203.0.113.2");
    assert_eq!(first(&peers, at(6)), "sip:1@203.0.113.1");
    peers.address_failed(trunk, 0, wait(120), at(10).at);
    assert_eq!(first(&peers, at(129)), "sip:1@203.0.113.2");
    assert_eq!(first(&peers, at(130)), "sip:1@203.0.113.1");
    peers.address_failed(trunk, 0, wait(u64::from(u32::MAX)), at(200).at);
    assert_eq!(first(&peers, at(3_799)), "sip:1@203.0.113.2");
    assert_eq!(first(&peers, at(3_800)), "sip:1@203.0.113.1", "no longer than an hour");
}

#[test]
fn a_uri_says_where_it_wants_to_go() {
    let peers = peers(config());
    let reach = |text: &str| {
        let uri = Uri::parse(text.as_bytes()).unwrap();
        let mut targets = peers.locate(&Place::Uri(uri), 1, at(1).at);
        let it = targets.pop()?;
        Some((it.hop, it.resolve, it.prefer_tcp_over))
    };
    let hop = |listener, remote| Some(Hop { connection: None, ..hop(listener, remote) });
    let never = usize::MAX;
    let wanted = Some((hop(0, "192.0.2.9:5060"), None, LARGE));
    assert_eq!(reach("sip:b@192.0.2.9"), wanted);
    let wanted = Some((hop(0, "192.0.2.9:5070"), None, never));
    assert_eq!(reach("sip:b@192.0.2.9:5070;transport=UDP"), wanted);
    let wanted = Some((hop(2, "192.0.2.9:5060"), None, never));
    assert_eq!(reach("sip:b@192.0.2.9;transport=tcp"), wanted);
    assert_eq!(reach("sip:b@[2001:db8::9]"), Some((hop(3, "[2001:db8::9]:5060"), None, LARGE)));
    let named = |port, transport| Some(Resolve { host: "b.example".into(), port, transport });
    assert_eq!(reach("sip:b@b.example"), Some((None, named(None, None), LARGE)));
    let tcp = named(Some(5070), Some(Transport::Tcp));
    assert_eq!(reach("sip:b@b.example:5070;transport=tcp"), Some((None, tcp, never)));
    for nowhere in ["sips:b@192.0.2.9", "sip:b@192.0.2.9;transport=tls", "tel:+1555", "x:y"] {
        assert_eq!(reach(nowhere), None, "{nowhere}");
    }
    assert_eq!(reach("sip:b@[2001:db8::9];transport=tcp"), None, "no such socket");
}
