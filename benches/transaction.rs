//! An INVITE through the table both ways: the caller's server transaction and our client
//! transaction, 100, 180 and 200 in both, until both are over.

mod allocations;
mod measure;

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use crosspoint::clock::Instant;
use crosspoint::sip::{self, Hop, Message, Method, Name, Transport, Uri, Write};
use crosspoint::transaction::{Arrived, Limits, Out, Table};

/// Between one call and the next: 1000 a second, so that 32,000 are still remembered.
const GAP: Duration = Duration::from_millis(1);

fn main() {
    let limits = Limits { clients: 1 << 20, servers: 1 << 20 };
    let (mut table, mut out) = (Table::<u32>::new(limits, 7), Vec::new());
    let mut now = Instant::START;
    let mut call = 0_u64;
    let cost = measure::rounds(40_000, |meter, calls| {
        for _ in 0..calls {
            let [arrived, placed] = ["caller", "ours"].map(|it| invite(it, call));
            let hop = |port| Hop {
                transport: Transport::Udp,
                listener: 0,
                remote: SocketAddr::from(([127, 0, 0, 1], port)),
                connection: None,
            };
            let answers = [100, 180, 200].map(|it| (it, response(&placed, it)));
            let responses = [180, 200].map(|it| (it, response(&arrived, it)));
            meter.run(|| {
                table.on_time(now, &mut out);
                let Ok(request) = sip::parse(arrived) else { return };
                let Arrived::Request { server, .. } =
                    table.on_request(request, hop(5070), now, &mut out)
                else {
                    panic!("a new INVITE is a request");
                };
                table.request(placed, hop(5080), 0, now, &mut out);
                for (status, answer) in answers {
                    let Ok(answer) = sip::parse(answer) else { return };
                    let told = table.on_response(answer, now, &mut out);
                    assert!(told.is_some(), "{status} is for the owner");
                }
                for (status, response) in responses {
                    table.respond(server, response, status, now, &mut out);
                }
            });
            assert!(out.iter().all(|it| matches!(it, Out::Send { .. })));
            out.clear();
            now += GAP;
            call += 1;
        }
    });
    cost.print("transaction: INVITE in and out, 100 180 200");
    assert!(table.len() <= 2 * 33_000, "finished transactions are forgotten");
}

fn invite(who: &str, call: u64) -> Bytes {
    format!(
        "INVITE sip:15551230000@127.0.0.1:5060 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK{who}{call}\r\nMax-Forwards: 70\r\n\
         From: <sip:a@127.0.0.1:5070>;tag={call}\r\nTo: <sip:15551230000@127.0.0.1:5060>\r\n\
         Call-ID: {who}{call}\r\nCSeq: 1 INVITE\r\nContact: <sip:a@127.0.0.1:5070>\r\n\
         Content-Length: 0\r\n\r\n"
    )
    .into()
}

fn response(request: &Bytes, status: u16) -> Bytes {
    let request: Message = sip::parse(request.clone()).expect("our own INVITE");
    assert_eq!(*request.method(), Method::Invite);
    let contact = Uri::parse(b"sip:b@127.0.0.1:5080").expect("a constant URI");
    Write::response(&request, status).to_tag("callee").header(Name::Contact, &contact).finish()
}
