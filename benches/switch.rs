//! Calls a second through the whole exchange on one core, without sockets: INVITE, fork to one
//! destination, 180, 200, ACK, BYE, its ports and its record. What the far ends do is not counted.

mod allocations;
mod measure;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use crosspoint::clock::{Instant, Now, Wall};
use crosspoint::media::{Order, Quality, Report, SessionId};
use crosspoint::net;
use crosspoint::server::setup;
use crosspoint::sip::{self, Hop, Message, Method, Name, Transport, Uri, Write};
use crosspoint::switch::{Out, Switch};
use measure::Meter;

/// Between one call and the next: 1000 a second, so that 128,000 transactions are remembered.
const GAP: Duration = Duration::from_millis(1);
const HELD: u64 = 5_000;
const SDP: &str = "application/sdp";

fn main() {
    let mut exchange = Exchange::open();
    let cost = measure::rounds(40_000, |meter, calls| {
        for _ in 0..calls {
            exchange.call(meter);
        }
    });
    cost.print("switch: whole call, one destination");
    assert_eq!(exchange.switch.calls(), 0, "every call is over");
    exchange.hold(if measure::in_earnest() { HELD } else { 10 });
}

/// The exchange with its carrier and its destination.
struct Exchange {
    switch: Switch,
    now: Now,
    out: Vec<Out>,
    /// What the exchange said to carrier and destination, not yet read by them.
    said: Vec<(Bytes, Hop)>,
    records: u64,
    /// Which port each media session has.
    sessions: BTreeMap<SessionId, SocketAddr>,
    next_port: u16,
    next_call: u64,
}

impl Exchange {
    /// As `configs/bench.toml` says.
    fn open() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/bench.toml");
        let config = crosspoint::config::load_file(&file).expect("configs/bench.toml is right");
        let sockets = config.sockets();
        let listener = |it: &crosspoint::config::Socket| net::Listener {
            address: it.address,
            transport: it.transport,
        };
        let listeners: Vec<net::Listener> = sockets.iter().map(listener).collect();
        let now = Now { at: Instant::from_micros(1), wall: Wall::from_unix_micros(1 << 50) };
        let switch = Switch::new(
            setup::switch(&config, &listeners),
            config.directory.clone(),
            config.peers(),
            [[1; 32], [2; 32]],
            now,
        )
        .expect("the peers of configs/bench.toml are right");
        let mut exchange = Self {
            switch,
            now,
            out: Vec::new(),
            said: Vec::new(),
            records: 0,
            sessions: BTreeMap::new(),
            next_port: 30_000,
            next_call: 0,
        };
        exchange.switch.start(&mut exchange.out);
        exchange.deliver(&mut Meter::default());
        exchange
    }

    /// One call from INVITE to its record.
    fn call(&mut self, meter: &mut Meter) {
        let (invite, answered) = self.answered(meter);
        self.hear(meter, CARRIER, followed_by(&invite, &answered, &Method::Bye));
        let bye = self.take(DESTINATION, "BYE");
        self.hear(meter, DESTINATION, Write::response(&bye, 200).finish());
        self.take(CARRIER, "200");
        self.now = self.now.after(GAP);
        let Self { switch, out, now, .. } = self;
        meter.run(|| switch.on_time(*now, out));
        self.deliver(meter);
        assert!(0 < std::mem::take(&mut self.records), "a call leaves its record");
    }

    /// A call up to its ACK: the INVITE as it was sent, and its 200.
    fn answered(&mut self, meter: &mut Meter) -> (Message, Message) {
        self.next_call += 1;
        let invite = invite(self.next_call);
        self.hear(meter, CARRIER, invite.clone());
        let invite = read(invite);
        let placed = self.take(DESTINATION, "INVITE");
        let contact = Uri::parse(b"sip:callee@127.0.0.1:5080").expect("a constant URI");
        let answer = |status| {
            Write::response(&placed, status).to_tag("callee").header(Name::Contact, &contact)
        };
        self.hear(meter, DESTINATION, answer(180).finish());
        self.take(CARRIER, "180");
        let session = description(21_000);
        self.hear(meter, DESTINATION, answer(200).body(SDP, session.as_bytes()));
        let answered = self.take(CARRIER, "200");
        self.hear(meter, CARRIER, followed_by(&invite, &answered, &Method::Ack));
        // 100 and ACK, which need no answer.
        self.said.clear();
        (invite, answered)
    }

    /// What calls that are held take from the heap.
    fn hold(&mut self, calls: u64) {
        self.now = self.now.after(Duration::from_secs(60));
        self.switch.on_time(self.now, &mut self.out);
        self.deliver(&mut Meter::default());
        let before = allocations::taken().held;
        for _ in 0..calls {
            drop(self.answered(&mut Meter::default()));
        }
        // Their INVITEs' transactions are over after 32 s.
        self.now = self.now.after(Duration::from_secs(33));
        self.switch.on_time(self.now, &mut self.out);
        self.deliver(&mut Meter::default());
        let each = (allocations::taken().held - before) / calls as i64;
        println!("{:<44} {each:>9} bytes", "switch: call held, far ends' lists included");
        assert_eq!(self.switch.calls() as u64, calls, "all are held");
    }

    /// The exchange hears a datagram.
    fn hear(&mut self, meter: &mut Meter, from: u16, bytes: Bytes) {
        let hop = Hop {
            transport: Transport::Udp,
            listener: 0,
            remote: SocketAddr::from(([127, 0, 0, 1], from)),
            connection: None,
        };
        let Self { switch, out, now, .. } = self;
        meter.run(|| switch.on_datagram(bytes, hop, *now, out));
        self.deliver(meter);
    }

    /// Does what the shell would, until the exchange wants nothing more.
    fn deliver(&mut self, meter: &mut Meter) {
        while !self.out.is_empty() {
            let mut reports = Vec::new();
            for out in self.out.drain(..) {
                match out {
                    Out::Send { bytes, hop } => self.said.push((bytes, hop)),
                    Out::Media(Order::Bind { pairs, .. }) => {
                        for _ in 0..pairs {
                            self.next_port = self.next_port.checked_add(2).unwrap_or(30_000);
                            let local = SocketAddr::from(([127, 0, 0, 1], self.next_port));
                            reports.push(Report::Bound { local });
                        }
                    }
                    Out::Media(Order::Open { session, local, .. }) => {
                        self.sessions.insert(session, local);
                    }
                    Out::Media(Order::Close { session }) => {
                        let quality = Box::new(Quality::default());
                        reports.push(Report::Closed { session, quality });
                        let local = self.sessions.remove(&session);
                        reports.extend(local.map(|local| Report::Free { local }));
                    }
                    Out::Journal(_) => self.records += 1,
                    Out::Media(_) | Out::Note(_) | Out::Dialog { .. } | Out::Known { .. } => (),
                    Out::Resolve { .. } => panic!("every address is a number here"),
                    Out::Stream { .. } => panic!("nobody here talks with programs"),
                }
            }
            let Self { switch, out, now, .. } = self;
            meter.run(|| {
                for report in reports {
                    switch.on_report(report, *now, out);
                }
            });
        }
    }

    /// Takes what was said to a port, which must be this.
    fn take(&mut self, port: u16, start: &str) -> Message {
        let start = start.as_bytes();
        let is = |(said, hop): &(Bytes, Hop)| {
            let said = said.strip_prefix(b"SIP/2.0 ").unwrap_or(said);
            hop.remote.port() == port && said.starts_with(start)
        };
        let at = self.said.iter().position(is);
        let at = at.unwrap_or_else(|| panic!("{} is said to {port}", start.escape_ascii()));
        read(self.said.remove(at).0)
    }
}

const CARRIER: u16 = 5070;
const DESTINATION: u16 = 5080;

fn read(bytes: Bytes) -> Message {
    sip::parse(bytes).expect("what is said is SIP")
}

fn description(port: u16) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
         m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n\
         a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
    )
}

fn invite(call: u64) -> Bytes {
    let body = description(20_000);
    let length = body.len();
    format!(
        "INVITE sip:15551230000@127.0.0.1:5060 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 127.0.0.1:{CARRIER};rport;branch=z9hG4bK{call:016x}i\r\n\
         Max-Forwards: 70\r\nFrom: \"Ann\" <sip:15125550100@127.0.0.1:{CARRIER}>;tag={call:x}\r\n\
         To: <sip:15551230000@127.0.0.1:5060>\r\nCall-ID: {call:x}@127.0.0.1\r\n\
         CSeq: 1 INVITE\r\nContact: <sip:caller@127.0.0.1:{CARRIER}>\r\nAllow: INVITE, ACK, BYE\r\n\
         Content-Type: {SDP}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into()
}

/// A later request of the dialog that an answer has begun.
fn followed_by(invite: &Message, answer: &Message, method: &Method) -> Bytes {
    let contact = answer.contact().expect("an answer has a Contact");
    let number = if *method == Method::Ack { 1 } else { 2 };
    let branch = String::from_utf8_lossy(invite.branch()).into_owned();
    let via = format!("SIP/2.0/UDP 127.0.0.1:{CARRIER};rport;branch={branch}{number}");
    Write::request(method, &contact.uri)
        .header(Name::Via, &sip::Value::new(via).expect("one line"))
        .header(Name::MaxForwards, 70)
        .copy(Name::From, invite)
        .copy(Name::To, answer)
        .copy(Name::CallId, invite)
        .header(Name::CSeq, (number, method))
        .finish()
}
