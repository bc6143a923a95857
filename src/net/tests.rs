//! Real sockets on loopback, ports of the kernel's choice, every wait bounded.

mod patience;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;

use super::*;

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

#[tokio::test]
async fn a_datagram_arrives_with_its_source_and_is_answered() {
    let (mut net, edge) = udp();
    let peer = UdpSocket::bind((HOME, 0)).await.unwrap();
    peer.send_to(b"OPTIONS", edge).await.unwrap();
    let (bytes, hop) = message(&mut net).await;
    assert_eq!((&bytes[..], hop.remote), (&b"OPTIONS"[..], peer.local_addr().unwrap()));
    assert_eq!((hop.transport, hop.listener, hop.connection), (Transport::Udp, 0, None));
    net.send("SIP/2.0 200".into(), hop);
    idle(&mut net).await;
    assert_eq!(heard(&peer).await, b"SIP/2.0 200");
}

#[tokio::test]
async fn a_burst_arrives_whole_and_in_order_and_leaves_so() {
    let (mut net, edge) = udp();
    let peer = UdpSocket::bind((HOME, 0)).await.unwrap();
    for n in 0..100 {
        peer.send_to(format!("number {n}").as_bytes(), edge).await.unwrap();
    }
    let mut batch = Vec::new();
    while batch.len() < 100 {
        bounded(net.receive(&mut batch)).await;
    }
    for (n, it) in batch.into_iter().enumerate() {
        let Received::Message { bytes, hop } = it else { panic!("{it:?}") };
        assert_eq!(bytes, format!("number {n}"));
        net.send(bytes, hop);
    }
    idle(&mut net).await;
    for n in 0..100 {
        assert_eq!(heard(&peer).await, format!("number {n}").as_bytes());
    }
}

#[tokio::test]
async fn the_largest_datagram_passes_both_ways() {
    let (mut net, edge) = udp();
    let peer = UdpSocket::bind((HOME, 0)).await.unwrap();
    let large: Vec<u8> = (0..65_507).map(|it| it as u8).collect();
    peer.send_to(&large, edge).await.unwrap();
    let (bytes, hop) = message(&mut net).await;
    assert_eq!(bytes, large);
    net.send(bytes, hop);
    idle(&mut net).await;
    assert_eq!(heard(&peer).await, large);
}

#[tokio::test]
async fn what_can_never_be_sent_is_told_and_holds_up_nothing() {
    let (mut net, _) = udp();
    let peer = UdpSocket::bind((HOME, 0)).await.unwrap();
    let hop = udp_hop(peer.local_addr().unwrap());
    net.send(vec![0; 70_000].into(), hop);
    net.send("after".into(), hop);
    let mut batch = Vec::new();
    bounded(net.receive(&mut batch)).await;
    assert_eq!(batch, [Received::Lost { hop }]);
    assert_eq!(heard(&peer).await, b"after");
}

#[tokio::test]
async fn a_closed_port_is_told_by_the_address_we_sent_to() {
    let (mut net, _) = udp();
    let gone = UdpSocket::bind((HOME, 0)).await.unwrap().local_addr().unwrap();
    let open = UdpSocket::bind((HOME, 0)).await.unwrap();
    net.send("INVITE".into(), udp_hop(gone));
    let mut batch = Vec::new();
    bounded(net.receive(&mut batch)).await;
    assert_eq!(batch, [Received::Lost { hop: udp_hop(gone) }]);
    // It does not spoil what goes elsewhere.
    net.send("INVITE".into(), udp_hop(open.local_addr().unwrap()));
    idle(&mut net).await;
    assert_eq!(heard(&open).await, b"INVITE");
}

#[tokio::test]
async fn keep_alives_over_udp_are_no_messages() {
    let (mut net, edge) = udp();
    let peer = UdpSocket::bind((HOME, 0)).await.unwrap();
    for it in [&b""[..], b"\0", b"\r\n\r\n", b"OPTIONS"] {
        peer.send_to(it, edge).await.unwrap();
    }
    assert_eq!(message(&mut net).await.0, "OPTIONS");
}

#[tokio::test]
async fn a_receive_that_is_dropped_loses_nothing() {
    let (mut net, edge) = tcp(Limits::default());
    let mut peer = TcpStream::connect(edge).await.unwrap();
    let mut batch = Vec::new();
    for n in 0..50 {
        peer.write_all(text(&n.to_string()).as_bytes()).await.unwrap();
        tokio::select! {
            biased;
            () = net.receive(&mut batch) => (),
            () = tokio::task::yield_now() => (),
        }
    }
    while batch.len() < 50 {
        bounded(net.receive(&mut batch)).await;
    }
    for (n, it) in batch.iter().enumerate() {
        let Received::Message { bytes, .. } = it else { panic!("{it:?}") };
        assert_eq!(*bytes, text(&n.to_string()));
    }
}

#[tokio::test]
async fn both_families_stand_beside_each_other_on_one_port() {
    let home = [HOME, IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
    let four = Net::bind(&[listener(Transport::Tcp, home[0], 0)], Limits::default()).unwrap();
    let port = four.listeners()[0].address.port();
    Net::bind(&[listener(Transport::Tcp, home[1], port)], Limits::default()).unwrap();
    let transport = Transport::Udp;
    let four = Net::bind(&[listener(transport, home[0], 0)], Limits::default()).unwrap();
    let port = four.listeners()[0].address.port();
    Net::bind(&[listener(transport, home[1], port)], Limits::default()).unwrap();
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let (_net, edge) = udp();
    let taken = listener(Transport::Udp, edge.ip(), edge.port());
    let error = Net::bind(&[taken], Limits::default()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&edge.to_string()), "{error}");
}

#[tokio::test]
async fn messages_are_framed_out_of_pieces_and_answered_on_their_connection() {
    let (mut net, edge) = tcp(Limits::default());
    let mut peer = TcpStream::connect(edge).await.unwrap();
    let (one, two) = (text("one"), text("two"));
    peer.write_all(&one.as_bytes()[..10]).await.unwrap();
    idle(&mut net).await;
    peer.write_all([&one.as_bytes()[10..], two.as_bytes()].concat().as_slice()).await.unwrap();
    let mut batch = Vec::new();
    while batch.len() < 2 {
        bounded(net.receive(&mut batch)).await;
    }
    let hops = batch.into_iter().zip([one, two]).map(|(it, expected)| match it {
        Received::Message { bytes, hop } if bytes == expected => hop,
        it => panic!("{it:?}"),
    });
    let hops: Vec<Hop> = hops.collect();
    assert_eq!((hops[0], hops[0].remote), (hops[1], peer.local_addr().unwrap()));
    assert!(net.is_open(hops[0].connection.unwrap()));
    net.send("answer".into(), hops[0]);
    assert_eq!(read(&mut peer, 6, &mut net).await, b"answer");
}

#[tokio::test]
async fn a_ping_is_answered_with_a_pong() {
    let (mut net, edge) = tcp(Limits::default());
    let mut peer = TcpStream::connect(edge).await.unwrap();
    peer.write_all(b"\r\n\r\n").await.unwrap();
    assert_eq!(read(&mut peer, 2, &mut net).await, b"\r\n");
}

#[tokio::test]
async fn one_connection_serves_all_requests_to_a_far_end() {
    let (mut net, _) = tcp(Limits::default());
    let listener = TcpListener::bind((HOME, 0)).await.unwrap();
    let far = tcp_hop(listener.local_addr().unwrap());
    for n in 0..3 {
        net.send(text(&n.to_string()).into(), far);
    }
    let (mut peer, from) = bounded(listener.accept()).await.unwrap();
    assert_eq!(from.ip(), HOME, "from the listener's address");
    let expected = [text("0"), text("1"), text("2")].concat();
    assert_eq!(read(&mut peer, expected.len(), &mut net).await, expected.as_bytes());
    // A response comes back on it, and a request may.
    peer.write_all(text("back").as_bytes()).await.unwrap();
    let (bytes, hop) = message(&mut net).await;
    assert_eq!((bytes, hop.remote), (text("back").into(), far.remote));
    drop(peer);
    assert_eq!(event(&mut net).await, Received::Lost { hop });
    assert!(!net.is_open(hop.connection.unwrap()));
    // A hop that names it means no other; one that names none makes a new one.
    net.send("late".into(), hop);
    assert_eq!(event(&mut net).await, Received::Lost { hop });
    net.send("again".into(), far);
    let (mut peer, _) = bounded(listener.accept()).await.unwrap();
    assert_eq!(read(&mut peer, 5, &mut net).await, b"again");
}

#[tokio::test]
async fn a_refused_connection_is_told() {
    let (mut net, _) = tcp(Limits::default());
    let gone = TcpListener::bind((HOME, 0)).await.unwrap().local_addr().unwrap();
    net.send("INVITE".into(), tcp_hop(gone));
    let Received::Lost { hop } = event(&mut net).await else { panic!("not lost") };
    assert_eq!((hop.remote, hop.transport), (gone, Transport::Tcp));
}

#[tokio::test]
async fn one_address_has_no_more_connections_than_it_may() {
    let (mut net, edge) = tcp(Limits { connections_per_source: 2, ..Limits::default() });
    let mut peers = Vec::new();
    for n in 0..3 {
        let mut peer = TcpStream::connect(edge).await.unwrap();
        peer.write_all(text(&n.to_string()).as_bytes()).await.unwrap();
        peers.push(peer);
    }
    let mut batch = Vec::new();
    while batch.len() < 2 {
        bounded(net.receive(&mut batch)).await;
    }
    assert!(is_cut(&mut peers[2], &mut net).await);
    drop(peers.remove(0));
    assert!(matches!(event(&mut net).await, Received::Lost { .. }));
    let mut peer = TcpStream::connect(edge).await.unwrap();
    peer.write_all(text("room").as_bytes()).await.unwrap();
    assert_eq!(message(&mut net).await.0, text("room"));
}

#[tokio::test]
async fn a_stream_that_is_not_sip_is_cut() {
    let (mut net, edge) = tcp(Limits::default());
    let mut peer = TcpStream::connect(edge).await.unwrap();
    peer.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await.unwrap();
    assert!(is_cut(&mut peer, &mut net).await);
}

#[tokio::test]
async fn a_fault_is_told_with_its_head_and_its_answer_is_written_before_the_close() {
    let (mut net, edge) = tcp(Limits::default());
    let mut peer = TcpStream::connect(edge).await.unwrap();
    let bad = text("two").replace("Content-Length: 0", "Content-Length: -1");
    peer.write_all([text("one"), bad.clone(), text("three")].concat().as_bytes()).await.unwrap();
    let mut over = false;
    while !over {
        let mut batch = Vec::new();
        bounded(net.receive(&mut batch)).await;
        for it in batch {
            // Answered as the loop does it: before it looks again.
            match it {
                Received::Message { hop, .. } => net.send("SIP/2.0 200".into(), hop),
                Received::Unframed { hop, .. } => net.send("SIP/2.0 400".into(), hop),
                Received::Lost { .. } => over = true,
                Received::Unsent { .. } => panic!("{it:?}"),
            }
        }
    }
    assert_eq!(read(&mut peer, 22, &mut net).await, b"SIP/2.0 200SIP/2.0 400");
    assert!(is_cut(&mut peer, &mut net).await);
}

#[tokio::test]
async fn what_a_fault_says_is_its_status_and_the_head_it_stood_in() {
    let (mut net, edge) = tcp(Limits::default());
    for (length, expected) in [("-1", 400), ("70000", 513), ("1\r\nContent-Length: 1", 400)] {
        let mut peer = TcpStream::connect(edge).await.unwrap();
        let bad = text("bad").replace("Length: 0", &format!("Length: {length}"));
        peer.write_all(bad.as_bytes()).await.unwrap();
        let told = until_told(&mut net).await;
        let Received::Unframed { status, head, .. } = told else { panic!("{told:?}") };
        assert_eq!((status, head), (expected, Bytes::from(bad)));
    }
}

#[tokio::test]
async fn a_body_that_never_comes_is_told_with_its_head() {
    let limits = Limits { one_message: Duration::from_millis(50), ..Limits::default() };
    let (mut net, edge) = tcp(limits);
    let mut peer = TcpStream::connect(edge).await.unwrap();
    let half = text("half").replace("Length: 0", "Length: 9");
    peer.write_all((text("one") + &half + "four").as_bytes()).await.unwrap();
    assert_eq!(message(&mut net).await.0, text("one"));
    let told = until_told(&mut net).await;
    let Received::Unframed { status: 400, head, .. } = told else { panic!("{told:?}") };
    assert_eq!(head, half);
}

#[tokio::test]
async fn who_has_said_all_still_hears_the_answer() {
    let (mut net, edge) = tcp(Limits::default());
    let mut peer = TcpStream::connect(edge).await.unwrap();
    peer.write_all(text("one").as_bytes()).await.unwrap();
    peer.shutdown().await.unwrap();
    let mut batch = Vec::new();
    while batch.is_empty() {
        bounded(net.receive(&mut batch)).await;
    }
    let Received::Message { hop, .. } = batch[0] else { panic!("{batch:?}") };
    net.send("SIP/2.0 200".into(), hop);
    let mut heard = Vec::new();
    bounded(async {
        tokio::select! {
            it = peer.read_to_end(&mut heard) => drop(it.unwrap()),
            () = async { loop { net.receive(&mut Vec::new()).await } } => (),
        }
    })
    .await;
    assert_eq!(heard, b"SIP/2.0 200");
}

#[tokio::test]
async fn an_answer_whose_connection_is_gone_comes_back_and_a_request_does_not() {
    let (mut net, edge) = tcp(Limits::default());
    let mut peer = TcpStream::connect(edge).await.unwrap();
    peer.write_all(text("one").as_bytes()).await.unwrap();
    let (_, hop) = message(&mut net).await;
    drop(peer);
    assert_eq!(event(&mut net).await, Received::Lost { hop });
    let bytes = Bytes::from("SIP/2.0 200 OK\r\n\r\n");
    idle(&mut net).await;
    net.send(bytes.clone(), hop);
    net.send("BYE".into(), hop);
    let mut batch = Vec::new();
    bounded(net.receive(&mut batch)).await;
    let lost = Received::Lost { hop };
    assert_eq!(batch, [lost.clone(), Received::Unsent { bytes: bytes.clone(), hop }, lost]);
    // By a new connection that does not come about it comes back without one to name.
    let nowhere = Hop { connection: None, remote: closed_port().await, ..hop };
    net.send(bytes.clone(), nowhere);
    let mut batch = Vec::new();
    while batch.len() < 2 {
        bounded(net.receive(&mut batch)).await;
    }
    assert_eq!(batch[1], Received::Unsent { bytes, hop: nowhere });
}

#[tokio::test]
async fn who_floods_after_a_fault_does_not_hold_its_connection() {
    let limits = Limits { connections_per_source: 1, ..Limits::default() };
    let (mut net, edge) = tcp(limits);
    let mut peer = TcpStream::connect(edge).await.unwrap();
    peer.write_all(b"\x16\x03\x01").await.unwrap();
    assert!(matches!(until_told(&mut net).await, Received::Unframed { .. }));
    let flood = tokio::spawn(async move { while peer.write_all(&[0; 4096]).await.is_ok() {} });
    // It counts as its source's for as long as it stands.
    let mut second = TcpStream::connect(edge).await.unwrap();
    assert!(is_cut(&mut second, &mut net).await);
    bounded(async {
        tokio::select! {
            it = flood => it.unwrap(),
            () = async { loop { net.receive(&mut Vec::new()).await } } => (),
        }
    })
    .await;
    idle(&mut net).await;
    let mut third = TcpStream::connect(edge).await.unwrap();
    third.write_all(text("room").as_bytes()).await.unwrap();
    assert_eq!(message(&mut net).await.0, text("room"));
}

#[tokio::test]
async fn a_far_end_that_never_reads_loses_its_connection_not_our_memory() {
    let (mut net, edge) = tcp(Limits::default());
    let mut peer = TcpStream::connect(edge).await.unwrap();
    peer.write_all(text("one").as_bytes()).await.unwrap();
    let (_, hop) = message(&mut net).await;
    let large = Bytes::from(vec![b'x'; 60_000]);
    for _ in 0..2_000 {
        net.send(large.clone(), hop);
    }
    assert_eq!(event(&mut net).await, Received::Lost { hop });
    assert!(!net.is_open(hop.connection.unwrap()));
}

fn udp() -> (Net, SocketAddr) {
    let net = Net::bind(&[listener(Transport::Udp, HOME, 0)], Limits::default()).unwrap();
    let address = net.listeners()[0].address;
    (net, address)
}

fn tcp(limits: Limits) -> (Net, SocketAddr) {
    let net = Net::bind(&[listener(Transport::Tcp, HOME, 0)], limits).unwrap();
    let address = net.listeners()[0].address;
    (net, address)
}

fn listener(transport: Transport, ip: IpAddr, port: u16) -> Listener {
    Listener { address: SocketAddr::new(ip, port), transport }
}

fn udp_hop(remote: SocketAddr) -> Hop {
    Hop { transport: Transport::Udp, listener: 0, remote, connection: None }
}

fn tcp_hop(remote: SocketAddr) -> Hop {
    Hop { transport: Transport::Tcp, ..udp_hop(remote) }
}

fn text(call: &str) -> String {
    format!("OPTIONS sip:edge.example SIP/2.0\r\nCall-ID: {call}\r\nContent-Length: 0\r\n\r\n")
}

async fn bounded<T>(it: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(10), it).await.expect("nothing happened")
}

async fn event(net: &mut Net) -> Received {
    let mut batch = Vec::new();
    bounded(net.receive(&mut batch)).await;
    assert_eq!(batch.len(), 1, "{batch:?}");
    batch.remove(0)
}

async fn message(net: &mut Net) -> (Bytes, Hop) {
    match event(net).await {
        Received::Message { bytes, hop } => (bytes, hop),
        it => panic!("{it:?}"),
    }
}

/// The next thing told that is no end of a connection.
async fn until_told(net: &mut Net) -> Received {
    loop {
        let mut batch = Vec::new();
        bounded(net.receive(&mut batch)).await;
        batch.retain(|it| !matches!(it, Received::Lost { .. }));
        if let Some(it) = batch.pop() {
            return it;
        }
    }
}

async fn closed_port() -> SocketAddr {
    TcpListener::bind((HOME, 0)).await.unwrap().local_addr().unwrap()
}

/// Turns the loop while nothing is expected to arrive.
async fn idle(net: &mut Net) {
    let mut batch = Vec::new();
    let _ = timeout(Duration::from_millis(20), net.receive(&mut batch)).await;
    assert_eq!(batch, []);
}

async fn heard(peer: &UdpSocket) -> Vec<u8> {
    let mut bytes = vec![0; 70_000];
    let count = bounded(peer.recv(&mut bytes)).await.unwrap();
    bytes.truncate(count);
    bytes
}

/// Reads while the loop turns.
async fn read(peer: &mut TcpStream, count: usize, net: &mut Net) -> Vec<u8> {
    let (mut bytes, mut batch) = (vec![0; count], Vec::new());
    bounded(async {
        tokio::select! {
            it = peer.read_exact(&mut bytes) => drop(it.unwrap()),
            () = net.receive(&mut batch) => panic!("{batch:?}"),
        }
    })
    .await;
    bytes
}

/// Waits until the far end sees its connection closed, while the loop turns.
async fn is_cut(peer: &mut TcpStream, net: &mut Net) -> bool {
    let (mut byte, mut batch) = ([0; 1], Vec::new());
    bounded(async {
        tokio::select! {
            it = peer.read(&mut byte) => !matches!(it, Ok(1..)),
            () = async { loop { net.receive(&mut batch).await } } => false,
        }
    })
    .await
}
