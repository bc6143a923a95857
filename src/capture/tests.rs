//! Calls that are captured, and what comes of it; tshark reads it too, where it is installed.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::*;
use crate::clock::Instant;

const LIMITS: Limits = Limits { messages: 10, bytes: 10_000 };

fn hop(host: u8) -> Hop {
    Hop {
        transport: Transport::Udp,
        listener: 0,
        remote: SocketAddr::from(([192, 0, 2, host], 5070)),
        connection: None,
    }
}

fn text(method: &str, call_id: &str) -> Bytes {
    format!("{method} sip:x@h SIP/2.0\r\nCall-ID: {call_id}\r\nContent-Length: 0\r\n\r\n").into()
}

fn heard(method: &str, call_id: &str, seconds: i64) -> Caught {
    let at = Wall::from_unix_micros(seconds * 1_000_000);
    Caught::Heard { at, bytes: text(method, call_id), hop: hop(1) }
}

fn dialog(call: &str, call_id: &str) -> Caught {
    Caught::Dialog { call: call.into(), call_id: Bytes::copy_from_slice(call_id.as_bytes()) }
}

fn over(call: &str, failed: bool) -> Caught {
    Caught::Over { call: call.into(), failed }
}

fn at(seconds: u64) -> Instant {
    Instant::START + Duration::from_secs(seconds)
}

fn book(keeps: Kept) -> Book {
    Book::new(keeps, false, LIMITS, vec!["192.0.2.100:5060".parse().unwrap()])
}

/// What each kept call has, as methods.
fn kept(out: &[Want]) -> Vec<(String, Vec<String>)> {
    let calls = out.iter().filter_map(|it| match it {
        Want::Keep(call) => Some(call),
        Want::Export(..) => None,
    });
    let method =
        |it: &Message| String::from_utf8_lossy(&it.bytes).split(' ').next().unwrap().into();
    calls.map(|it| (it.call.to_string(), it.messages.iter().map(method).collect())).collect()
}

#[test]
fn a_call_has_the_messages_of_all_its_dialogs_and_of_no_other() {
    let (mut book, mut out) = (book(Kept::All), Vec::new());
    let answer = Caught::Said { at: Wall::default(), bytes: text("BYE", "b"), hop: hop(2) };
    // Whose a dialog is may be said after the message that began it.
    book.take(
        vec![heard("INVITE", "a", 1), heard("OPTIONS", "z", 1), dialog("1", "a"), dialog("1", "b")],
        at(1),
        &mut out,
    );
    book.take(vec![dialog("2", "c"), heard("INVITE", "c", 2), answer], at(2), &mut out);
    assert_eq!(book.look("1").unwrap().messages.len(), 2);
    assert_eq!(book.look("3"), None);
    book.take(vec![over("1", false), heard("ACK", "a", 3)], at(3), &mut out);
    book.on_time(at(5), &mut out);
    assert!(out.is_empty(), "last answers may still come");
    book.take(vec![heard("CANCEL", "b", 5)], at(5), &mut out);
    assert_eq!(book.deadline(), at(6));
    book.on_time(at(6), &mut out);
    let methods = ["INVITE", "BYE", "ACK", "CANCEL"].map(str::to_owned).to_vec();
    assert_eq!(kept(&out), [("1".to_owned(), methods)]);
    let Want::Keep(call) = &out[0] else { panic!("{out:?}") };
    let edge: SocketAddr = "192.0.2.100:5060".parse().unwrap();
    let sides = |n: usize| (call.messages[n].from, call.messages[n].to, call.messages[n].heard);
    assert_eq!(sides(0), (hop(1).remote, edge, true));
    assert_eq!(sides(1), (edge, hop(2).remote, false));
    book.take(vec![heard("BYE", "a", 7)], at(7), &mut out);
    assert_eq!((out.len(), book.calls()), (1, 1), "nobody's any more");
    book.close_all(&mut out);
    assert_eq!((kept(&out)[1].0.as_str(), book.calls()), ("2", 0));
}

#[test]
fn a_call_that_comes_back_to_us_with_the_same_id_is_told_in_both() {
    let (mut book, mut out) = (book(Kept::All), Vec::new());
    book.take(vec![dialog("1", "a"), dialog("2", "a"), heard("INVITE", "a", 1)], at(1), &mut out);
    book.take(vec![over("1", false), over("2", false)], at(2), &mut out);
    book.on_time(at(5), &mut out);
    assert_eq!(kept(&out).len(), 2);
    assert_eq!(book.calls(), 0);
}

#[test]
fn where_only_failures_are_kept_the_others_go() {
    let (mut book, mut out) = (book(Kept::Failed), Vec::new());
    for (call, failed) in [("1", false), ("2", true), ("3", false)] {
        book.take(vec![dialog(call, call), heard("INVITE", call, 1)], at(1), &mut out);
        if call != "3" {
            book.take(vec![over(call, failed)], at(1), &mut out);
        }
    }
    book.on_time(at(4), &mut out);
    assert_eq!(kept(&out).iter().map(|it| &*it.0).collect::<Vec<_>>(), ["2"]);
    // What was cut short has not gone well.
    book.close_all(&mut out);
    assert_eq!(kept(&out).len(), 2);
}

#[test]
fn a_call_of_which_nothing_is_heard_for_a_day_is_given_up() {
    let (mut book, mut out) = (book(Kept::All), Vec::new());
    book.take(vec![dialog("1", "a"), heard("INVITE", "a", 1)], at(1), &mut out);
    for hour in 1..24 {
        book.on_time(at(hour * 3600), &mut out);
    }
    assert_eq!(book.calls(), 1);
    book.on_time(at(25 * 3600), &mut out);
    assert_eq!((book.calls(), kept(&out).len()), (0, 1));
}

#[test]
fn a_ring_keeps_how_it_began_and_how_it_ended() {
    let mut ring = Ring::default();
    let message = |n: i64| Message {
        at: Wall::from_unix_micros(n),
        from: hop(1).remote,
        to: hop(2).remote,
        transport: Transport::Udp,
        heard: true,
        bytes: Bytes::from(vec![b'x'; 100]),
    };
    for n in 1..=100 {
        ring.push(message(n), LIMITS);
    }
    let kept: Vec<_> = ring.messages().map(|it| it.at.unix_micros()).collect();
    assert_eq!(kept, [1, 2, 3, 4, 5, 96, 97, 98, 99, 100]);
    assert_eq!(ring.left_out(), 90);
    // Bytes are a limit as well, and one message alone may be beyond it.
    let (mut ring, few) = (Ring::default(), Limits { messages: 100, bytes: 1000 });
    for n in 1..=100 {
        ring.push(message(n), few);
        assert!(ring.messages().map(|it| it.bytes.len()).sum::<usize>() <= 1000);
    }
    assert!((4..10).contains(&ring.len()), "{}", ring.len());
    assert_eq!(ring.messages().last().unwrap().at.unix_micros(), 100);
    ring.push(Message { bytes: Bytes::from(vec![0; 5000]), ..message(101) }, few);
    assert!(ring.messages().all(|it| it.bytes.len() == 100));
}

#[test]
fn a_captured_call_is_the_same_after_it_was_written() {
    let bytes = [text("INVITE", "a"), Bytes::from_static(&[0, 255, 1, 13, 10]), Bytes::new()];
    let message = |bytes: &Bytes| Message {
        at: Wall::from_unix_micros(5),
        from: hop(1).remote,
        to: "[2001:db8::1]:5061".parse().unwrap(),
        transport: Transport::Tcp,
        heard: false,
        bytes: bytes.clone(),
    };
    let call =
        Captured { call: "1".into(), left_out: 3, messages: bytes.iter().map(message).collect() };
    let line = serde_json::to_string(&call).unwrap();
    assert!(!line.contains('\n'), "{line}");
    assert!(line.contains("INVITE sip:x@h SIP/2.0\\r\\n"), "{line}");
    assert_eq!(serde_json::from_str::<Captured>(&line).unwrap(), call);
}

#[test]
fn what_leaves_has_no_secrets_and_what_is_exported_neither() {
    let mut book = Book::new(Kept::All, true, LIMITS, Vec::new());
    let bytes = Bytes::from_static(
        b"INVITE sip:x SIP/2.0\r\nCall-ID: a\r\nAuthorization: Digest response=\"cafe\"\r\n\r\n",
    );
    let mut out = Vec::new();
    let said = Caught::Said { at: Wall::default(), bytes, hop: hop(1) };
    book.take(vec![dialog("1", "a"), said], at(1), &mut out);
    let Want::Export(message, call) = &out[0] else { panic!("{out:?}") };
    assert!(message.bytes.ends_with(b"response=\"****\"\r\n\r\n"));
    assert_eq!(&**call, "1");
    assert_eq!(book.look("1").unwrap().messages[0], *message);
}

/// A call over UDP and TCP, IPv4 and IPv6.
fn some() -> Vec<Message> {
    let (four, six) = ("192.0.2.1:5060", "[2001:db8::1]:5060");
    let (other_four, other_six) = ("198.51.100.7:5080", "[2001:db8::7]:5080");
    let long = "x".repeat(70_000);
    let sip = |method: &str, body: &str| -> Bytes {
        format!(
            "{method} sip:a@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{method}\r\n\
             From: <sip:b@h>;tag=1\r\nTo: <sip:a@h>\r\nCall-ID: captured\r\nCSeq: 1 {method}\r\n\
             Max-Forwards: 70\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into()
    };
    [
        (four, other_four, Transport::Udp, sip("INVITE", "")),
        (other_four, four, Transport::Udp, sip("OPTIONS", "odd")),
        (six, other_six, Transport::Udp, sip("BYE", "")),
        (four, other_four, Transport::Tcp, sip("INFO", "")),
        (other_four, four, Transport::Tcp, sip("NOTIFY", "")),
        (four, other_four, Transport::Tcp, sip("MESSAGE", &long)),
        (six, other_six, Transport::Tcp, sip("UPDATE", "")),
    ]
    .into_iter()
    .enumerate()
    .map(|(n, (from, to, transport, bytes))| Message {
        at: Wall::from_unix_micros(1_800_000_000_000_000 + n as i64 * 1_500_000),
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        transport,
        heard: n % 2 == 0,
        bytes,
    })
    .collect()
}

/// What tshark makes of a file; `None` if it is not installed.
fn tshark(file: &[u8], more: &[&str]) -> Option<String> {
    let mut shark = Command::new("tshark")
        .args(["-r", "-", "-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"])
        .args(["-o", "tcp.check_checksum:TRUE"])
        .args(more)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    shark.stdin.take().unwrap().write_all(file).unwrap();
    let output = shark.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tshark cannot read it: {said}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_pcap_file_has_every_message_in_packets_that_add_up() {
    let messages = some();
    let file = pcap(&messages);
    assert_eq!(file[..4], 0xa1b2_c3d4_u32.to_le_bytes());
    let (mut at, mut found) = (24, Vec::new());
    while at < file.len() {
        let number = |from: usize| u32::from_le_bytes(file[from..from + 4].try_into().unwrap());
        let length = number(at + 8) as usize;
        assert!(length < 65_536);
        let packet = &file[at + 16..at + 16 + length];
        let (header, next) = if packet[0] >> 4 == 4 { (20, packet[9]) } else { (40, packet[6]) };
        let payload = header + if next == 17 { 8 } else { 20 };
        found.push((number(at), number(at + 4), packet[payload..].to_vec()));
        at += 16 + length;
    }
    let whole: Vec<u8> = found.iter().flat_map(|it| it.2.clone()).collect();
    let wanted: Vec<u8> = messages.iter().flat_map(|it| it.bytes.to_vec()).collect();
    assert!(whole == wanted, "the payloads are the messages");
    assert_eq!(found.len(), messages.len() + 1, "the long one is in two");
    assert_eq!((found[1].0, found[1].1), (1_800_000_001, 500_000));
    if let Some(seen) = tshark(
        &file,
        &[
            "-T",
            "fields",
            "-e",
            "sip.Method",
            "-e",
            "ip.checksum.status",
            "-e",
            "udp.checksum.status",
            "-e",
            "tcp.checksum.status",
        ],
    ) {
        for method in ["INVITE", "OPTIONS", "BYE", "INFO", "NOTIFY", "MESSAGE", "UPDATE"] {
            assert!(seen.contains(method), "{seen}");
        }
        // 1 is good, 0 is bad.
        assert!(!seen.contains('0') && seen.contains('1'), "{seen}");
    }
}

/// The chunks of a HEP3 datagram.
fn chunks(datagram: &[u8]) -> Vec<(u16, Vec<u8>)> {
    let number = |at: usize| u16::from_be_bytes([datagram[at], datagram[at + 1]]);
    assert_eq!(&datagram[..4], b"HEP3");
    assert_eq!(usize::from(number(4)), datagram.len());
    let (mut at, mut found) = (6, Vec::new());
    while at < datagram.len() {
        assert_eq!(number(at), 0, "no vendor's");
        let (kind, length) = (number(at + 2), usize::from(number(at + 4)));
        found.push((kind, datagram[at + 6..at + length].to_vec()));
        at += length;
    }
    assert_eq!(at, datagram.len());
    found
}

#[test]
fn homer_is_told_who_said_what_to_whom_and_when() {
    for message in some() {
        let datagram = hep(&message, "call-1");
        let chunks = chunks(&datagram);
        let get = |kind| chunks.iter().find(|it| it.0 == kind).map(|it| &it.1[..]).unwrap();
        let port = |kind| u16::from_be_bytes(get(kind).try_into().unwrap());
        let number = |kind| u32::from_be_bytes(get(kind).try_into().unwrap());
        let address = |four, six| -> IpAddr {
            match get(1) {
                [2] => Ipv4Addr::from(<[u8; 4]>::try_from(get(four)).unwrap()).into(),
                _ => Ipv6Addr::from(<[u8; 16]>::try_from(get(six)).unwrap()).into(),
            }
        };
        assert_eq!(SocketAddr::new(address(3, 5), port(7)), message.from);
        assert_eq!(SocketAddr::new(address(4, 6), port(8)), message.to);
        assert_eq!(get(2), [if message.transport == Transport::Udp { 17 } else { 6 }]);
        let micros = i64::from(number(9)) * 1_000_000 + i64::from(number(10));
        assert_eq!(Wall::from_unix_micros(micros), message.at);
        assert_eq!((get(11), get(17)), (&[1][..], &b"call-1"[..]));
        let (payload, whole) = (get(15), &message.bytes);
        assert!(whole.starts_with(payload) && payload.len() == whole.len().min(65_000));
    }
}
