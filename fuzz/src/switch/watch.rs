//! What must hold of all that the exchange says, whatever it hears.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crosspoint::clock::Instant;
use crosspoint::model::event::{Fact, What};
use crosspoint::model::record::{CallRecord, RecordState};
use crosspoint::sip::{Hop, Message, Method, Transport, parse};

/// Addresses that belong to nobody whom the exchange knows.
pub const STRANGERS: [IpAddr; 2] = [
    IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 66)),
    IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 68)),
];
/// How long a transaction is remembered at most after its final response (RFC 3261 section 17.2).
const REMEMBERED: Duration = Duration::from_secs(32);

/// Looks on.
#[derive(Default)]
pub struct Watch {
    /// Octets that came from a stranger in its last datagram, and went there in responses since.
    strangers: HashMap<IpAddr, (usize, usize)>,
    /// Tags that the exchange gave its ends of dialogs. Who knows one was told it: no stranger.
    tags: HashSet<Vec<u8>>,
    known: HashSet<IpAddr>,
    finals: HashMap<Invite, Final>,
    calls: BTreeMap<String, Told>,
}

/// An INVITE transaction, as its client knows it (RFC 3261 section 17.1.3).
#[derive(Debug, PartialEq, Eq, Hash)]
struct Invite {
    from: SocketAddr,
    branch: Vec<u8>,
    call: Vec<u8>,
    cseq: u32,
    tag: Vec<u8>,
}

#[derive(Debug)]
struct Final {
    at: Instant,
    status: u16,
    to_tag: Vec<u8>,
}

/// What was journalled and noted of one call.
#[derive(Debug, Default)]
struct Told {
    begun: u32,
    ended: u32,
    facts: u32,
    over: bool,
}

impl Watch {
    /// A message that the exchange is about to hear.
    pub fn came(&mut self, bytes: &[u8], from: Hop, _: Instant) {
        let ip = from.remote.ip();
        let stranger = from.transport == Transport::Udp && STRANGERS.contains(&ip);
        let acknowledges = bytes.trim_ascii_start().starts_with(b"ACK ");
        if !stranger && !acknowledges {
            return;
        }
        let message = parse(bytes::Bytes::copy_from_slice(bytes)).ok();
        if stranger {
            if message.as_ref().is_some_and(|it| self.tags.contains(it.to_tag())) {
                self.known.insert(ip);
            }
            self.strangers.insert(ip, (bytes.len(), 0));
        }
        // An acknowledged refusal is forgotten soon: the same INVITE would be another one then.
        if let Some(ack) = message.filter(|_| acknowledges) {
            self.finals.retain(|it, last| it.branch != ack.branch() || last.status < 300);
        }
    }

    /// A message that it sends.
    pub fn left(&mut self, bytes: &bytes::Bytes, to: Hop, now: Instant) {
        let ip = to.remote.ip();
        let response = bytes.starts_with(b"SIP/2.0 ");
        let stranger = STRANGERS.contains(&ip) && !self.known.contains(&ip);
        if response && to.transport == Transport::Udp && stranger {
            let (came, went) = self.strangers.entry(ip).or_default();
            *went += bytes.len();
            let text = String::from_utf8_lossy(bytes);
            assert!(went <= came, "{went} octets for {came} from a stranger; the last:\n{text}");
        }
        let message = match parse(bytes.clone()) {
            Ok(message) => message,
            // What has no Call-ID is refused without one (RFC 4475 section 3.3.1), and a Via that
            // cannot be read goes back as it came.
            Err(_) if [&b"SIP/2.0 4"[..], b"SIP/2.0 5"].iter().any(|it| bytes.starts_with(it)) => {
                return;
            }
            Err(error) => {
                let text = String::from_utf8_lossy(bytes);
                panic!("what we sent cannot be read: {error:?}\n{text}");
            }
        };
        if message.is_request() {
            self.tags.insert(message.from_tag().to_vec());
            return;
        }
        let of_leg = *message.method() == Method::Invite && (101..300).contains(&message.status());
        if of_leg {
            self.tags.insert(message.to_tag().to_vec());
        }
        if *message.method() == Method::Invite && 200 <= message.status() {
            self.one_final(&message, to, now);
        }
    }

    /// Only one final response for an INVITE, again and again though it may come. What is said
    /// before there is a transaction (a challenge, a refusal of what cannot be read) does not count.
    fn one_final(&mut self, response: &Message, to: Hop, now: Instant) {
        let (status, to_tag) = (response.status(), response.to_tag().to_vec());
        let of_leg = to_tag.len() == 32;
        assert!(of_leg || 300 <= status, "{status} without a leg");
        if !of_leg {
            return;
        }
        let invite = Invite {
            from: to.remote,
            branch: response.branch().to_vec(),
            call: response.call_id().to_vec(),
            cseq: response.cseq(),
            tag: response.from_tag().to_vec(),
        };
        if let Some(first) = self.finals.get(&invite)
            && now.since(first.at) < REMEMBERED
        {
            let same = first.status == status && first.to_tag == to_tag;
            assert!(same, "{invite:?} has two ends: {first:?}, then {status} {to_tag:?}");
            return;
        }
        self.finals.insert(invite, Final { at: now, status, to_tag });
    }

    pub fn record(&mut self, record: &CallRecord) {
        let told = self.calls.entry(record.id.to_string()).or_default();
        match record.state {
            RecordState::InProgress => {
                told.begun += 1;
                assert_eq!(told.ended, 0, "it goes on after its end: {record:?}");
            }
            RecordState::Ended => {
                told.ended += 1;
                let open = record.legs.iter().find(|it| it.ended_at.is_none());
                assert!(open.is_none(), "a leg has no end: {open:?}");
                assert!(record.ended_at.is_some() && record.cause.is_some(), "{record:?}");
            }
            RecordState::Interrupted => panic!("nobody was interrupted: {record:?}"),
        }
    }

    pub fn fact(&mut self, fact: &Fact) {
        let told = self.calls.entry(fact.call.to_string()).or_default();
        told.facts += 1;
        assert_eq!(told.facts as usize, fact.seq as usize, "{fact:?}");
        told.over |= matches!(fact.what, What::Ended { .. });
    }

    /// Every record that began has one end, and so has every story.
    pub fn must_balance(&self) {
        for (call, told) in &self.calls {
            assert!(0 < told.begun && told.ended == 1, "call {call}: {told:?}");
            assert!(told.over, "call {call} never ended: {told:?}");
        }
    }
}
