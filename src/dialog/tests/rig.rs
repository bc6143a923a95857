//! One leg with a transaction table under it, and a far end that says what the test says.

use std::time::Duration;

use bytes::Bytes;

use crate::clock::Instant;
use crate::dialog::*;
use crate::sdp::{CodecList, Session};
use crate::sip::{self, Hop, Message, Method, Name, Transport, Uri};
use crate::transaction::{Arrived, ClientId, Limits, Out as Done, Table};

pub const FAR_SDP: &str = "v=0\r\no=far 1 1 IN IP4 127.0.0.31\r\ns=-\r\nc=IN IP4 127.0.0.31\r\n\
     t=0 0\r\nm=audio 7000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n";
pub const FAR_CONTACT: &str = "Contact: <sip:far@172.18.60.152:5070>\r\n";

/// Numbers in order instead of random ones.
#[derive(Debug, Default)]
pub struct Numbered(u64);

impl Ids for Numbered {
    fn tag(&mut self) -> String {
        format!("tag{}", self.random())
    }

    fn branch(&mut self) -> String {
        format!("z9hG4bK{}", self.random())
    }

    fn call_id(&mut self) -> String {
        format!("call{}", self.random())
    }

    fn random(&mut self) -> u64 {
        self.0 += 1;
        self.0
    }
}

pub struct Rig {
    pub leg: Leg,
    pub now: Instant,
    ids: Numbered,
    table: Table<Ticket>,
    invite: Option<ClientId>,
    far: Hop,
    sent: Vec<Bytes>,
    events: Vec<Event>,
    nexts: Vec<Next>,
    far_branch: u32,
}

pub fn uri(text: &str) -> Uri {
    Uri::parse(text.as_bytes()).unwrap()
}

fn local() -> Local {
    Local {
        contact: uri("sip:us@127.0.0.1:5060"),
        sent_by: "127.0.0.1:5060".into(),
        transport: Transport::Udp,
        other: None,
        tcp_over: None,
        software: None,
    }
}

fn far_hop() -> Hop {
    let remote = "127.0.0.31:5070".parse().unwrap();
    Hop { transport: Transport::Udp, listener: 0, remote, connection: None }
}

fn session() -> Session {
    Session::new(42, "127.0.0.1:4000".parse().unwrap())
}

pub fn menu() -> std::sync::Arc<CodecList> {
    CodecList::g711().into()
}

/// A call to sip:b@far.example with everything at its default.
pub fn plain_invite() -> Invite {
    Invite {
        local: local(),
        policy: Policy::default(),
        credentials: None,
        uri: uri("sip:b@far.example"),
        routes: Vec::new(),
        hop: None,
        caller: Caller::new(Some("A".into()), uri("sip:a@us.example")),
        to: None,
        max_forwards: 70,
        session: session(),
        codecs: menu(),
        offerless: false,
    }
}

pub fn plain_invited() -> Invited {
    Invited {
        local: local(),
        policy: Policy::default(),
        credentials: None,
        session: session(),
        codecs: menu(),
    }
}

/// The far end's INVITE: its extra header lines, and its body.
pub fn far_invite(lines: &str, sdp: &str) -> String {
    let kind = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    let contact = if lines.contains("Contact:") { "" } else { FAR_CONTACT };
    format!(
        "INVITE sip:us@127.0.0.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 127.0.0.31:5070;branch=z9hG4bKfar;rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:far@far.example>;tag=far\r\nTo: <sip:us@us.example>\r\n\
         Call-ID: theirs\r\nCSeq: 10 INVITE\r\n\
         {contact}{lines}{kind}Content-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    )
}

pub fn parse(text: &str) -> Message {
    sip::parse(Bytes::copy_from_slice(text.as_bytes())).unwrap()
}

impl Rig {
    /// A leg that places a call.
    pub fn calls(invite: Invite) -> Self {
        let mut ids = Numbered::default();
        let mut out = Vec::new();
        let now = Instant::START;
        let leg = Leg::invite(invite, &mut Turn { now, ids: &mut ids, out: &mut out });
        let mut rig = Self::new(leg, ids, Table::new(Limits::default(), 7));
        rig.carry(out);
        rig
    }

    /// A leg that is called; the status of the refusal if it refuses at once.
    pub fn is_called(text: &str, invited: Invited) -> Result<Self, Answer> {
        let mut ids = Numbered::default();
        let mut table = Table::new(Limits::default(), 7);
        let (mut out, mut done) = (Vec::new(), Vec::new());
        let now = Instant::START;
        let Arrived::Request { server, request } =
            table.on_request(parse(text), far_hop(), now, &mut done)
        else {
            panic!("no new request")
        };
        let arrival = Arrival { request: &request, server, from: far_hop() };
        let turn = &mut Turn { now, ids: &mut ids, out: &mut out };
        let leg = Leg::invited(&arrival, invited, turn)?;
        let mut rig = Self::new(leg, ids, table);
        rig.perform(done);
        rig.carry(out);
        Ok(rig)
    }

    fn new(leg: Leg, ids: Numbered, table: Table<Ticket>) -> Self {
        Self {
            leg,
            now: Instant::START,
            ids,
            table,
            invite: None,
            far: far_hop(),
            sent: Vec::new(),
            events: Vec::new(),
            nexts: Vec::new(),
            far_branch: 0,
        }
    }

    /// Tells the leg to do something.
    pub fn does(&mut self, what: impl FnOnce(&mut Leg, &mut Turn<'_>)) {
        let mut out = Vec::new();
        let turn = &mut Turn { now: self.now, ids: &mut self.ids, out: &mut out };
        what(&mut self.leg, turn);
        self.carry(out);
    }

    fn carry(&mut self, out: Vec<Out>) {
        let mut done = Vec::new();
        for it in out {
            match it {
                Out::Request { request, method, next, ticket } => {
                    self.nexts.push(next);
                    let (far, now) = (self.far, self.now);
                    let client = self.table.request(request, far, ticket, now, &mut done);
                    if method == Method::Invite {
                        self.invite = Some(client);
                    }
                }
                Out::Ack { request, next } => {
                    self.nexts.push(next);
                    self.sent.push(request);
                }
                Out::Respond { server, response, status } => {
                    self.table.respond(server, response, status, self.now, &mut done);
                }
                Out::GiveUp => {
                    if let Some(client) = self.invite {
                        self.table.give_up(client, self.now);
                    }
                }
                Out::Event(event) => self.events.push(event),
            }
        }
        self.perform(done);
    }

    fn perform(&mut self, done: Vec<Done<Ticket>>) {
        for it in done {
            match it {
                Done::Send { bytes, .. } => self.sent.push(bytes),
                Done::Failed { owner, why, .. } => {
                    self.does(|leg, turn| leg.on_failed(owner, why, turn));
                }
                Done::Unacknowledged { .. } => (),
            }
        }
    }

    /// The far end's bytes arrive.
    pub fn hears(&mut self, text: &str) {
        let message = parse(text);
        let mut done = Vec::new();
        if message.is_request() {
            let arrived = self.table.on_request(message, self.far, self.now, &mut done);
            self.perform(done);
            let from = self.far;
            match arrived {
                Arrived::Request { server, request } => self.does(|leg, turn| {
                    leg.on_request(&Arrival { request: &request, server, from }, turn);
                }),
                Arrived::Ack { request } => self.does(|leg, turn| leg.on_ack(&request, turn)),
                Arrived::Cancelled { request, .. } => {
                    self.does(|leg, turn| leg.on_cancel(&request, turn));
                }
                Arrived::Absorbed => (),
            }
        } else {
            let found = self.table.on_response(message, self.now, &mut done);
            self.perform(done);
            if let Some((_, _, response)) = found {
                self.does(|leg, turn| leg.on_response(&response, turn));
            }
        }
    }

    /// Lets time pass, waking whoever asked for it.
    pub fn waits(&mut self, time: Duration) {
        let until = self.now + time;
        loop {
            let next = [self.leg.deadline(), self.table.deadline()].into_iter().flatten().min();
            let Some(at) = next.filter(|it| *it <= until) else { break };
            self.now = at.max(self.now);
            let mut done = Vec::new();
            self.table.on_time(self.now, &mut done);
            self.perform(done);
            if self.leg.deadline().is_some_and(|it| it <= self.now) {
                self.does(|leg, turn| leg.on_time(turn));
            }
        }
        self.now = until;
    }

    /// What was sent since last asked.
    pub fn sent(&mut self) -> Vec<Message> {
        self.sent.drain(..).map(|it| sip::parse(it).unwrap()).collect()
    }

    /// The same as raw bytes.
    pub fn sent_bytes(&mut self) -> Vec<Bytes> {
        self.sent.drain(..).collect()
    }

    /// The far end is somewhere else from now on.
    pub fn moves(&mut self, to: &str) {
        self.far.remote = to.parse().unwrap();
    }

    /// The one message sent since last asked.
    pub fn one(&mut self) -> Message {
        let mut sent = self.sent();
        assert_eq!(sent.len(), 1, "{:?}", starts(&sent));
        sent.remove(0)
    }

    /// Start lines of what was sent since last asked: `BYE`, `200 INVITE`.
    pub fn starts(&mut self) -> Vec<String> {
        starts(&self.sent())
    }

    /// What was told since last asked.
    pub fn told(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Where the latest request went.
    pub fn next(&self) -> &Next {
        self.nexts.last().unwrap()
    }

    /// The far end answers a request of ours.
    pub fn answers(&mut self, request: &Message, status: u16, tag: &str, lines: &str, sdp: &str) {
        let text = reply(request, status, tag, lines, sdp);
        self.hears(&text);
    }

    /// A request of the far end in the dialog of a call it placed ([`far_invite`]).
    pub fn asks(&mut self, method: &str, cseq: u32, lines: &str, kind: &str, body: &str) {
        let to = self.tag();
        let dialog = ("theirs".to_owned(), "far".to_owned(), to);
        let text = self.request(method, cseq, &dialog, lines, kind, body);
        self.hears(&text);
    }

    /// The same with another Call-ID.
    pub fn asks_in(&mut self, call_id: &str, method: &str, cseq: u32) {
        let dialog = (call_id.to_owned(), "far".to_owned(), self.tag());
        let text = self.request(method, cseq, &dialog, "", "", "");
        self.hears(&text);
    }

    /// A request of the far end in the dialog of a call we placed with `invite`, as `tag`.
    pub fn asks_back(&mut self, invite: &Message, tag: &str, method: &str, cseq: u32, sdp: &str) {
        let of = |it: &[u8]| String::from_utf8_lossy(it).into_owned();
        let dialog = (of(invite.call_id()), tag.to_owned(), of(invite.from_tag()));
        let kind = if sdp.is_empty() { "" } else { "application/sdp" };
        let text = self.request(method, cseq, &dialog, FAR_CONTACT, kind, sdp);
        self.hears(&text);
    }

    fn request(
        &mut self,
        method: &str,
        cseq: u32,
        (call_id, from, to): &(String, String, String),
        lines: &str,
        kind: &str,
        body: &str,
    ) -> String {
        self.far_branch += 1;
        let kind =
            if kind.is_empty() { String::new() } else { format!("Content-Type: {kind}\r\n") };
        let hops = if lines.contains("Max-Forwards") { "" } else { "Max-Forwards: 70\r\n" };
        format!(
            "{method} sip:us@127.0.0.1:5060 SIP/2.0\r\n\
             Via: SIP/2.0/UDP 127.0.0.31:5070;branch=z9hG4bKfar{};rport\r\n{hops}\
             From: <sip:far@far.example>;tag={from}\r\nTo: <sip:us@us.example>;tag={to}\r\n\
             Call-ID: {call_id}\r\nCSeq: {cseq} {method}\r\n\
             {lines}{kind}Content-Length: {}\r\n\r\n{body}",
            self.far_branch,
            body.len()
        )
    }

    /// Our To tag in a call the far end placed: the first tag minted.
    fn tag(&self) -> String {
        "tag1".to_owned()
    }

    /// Nothing is left in the table, and the leg is over.
    pub fn is_over(&self) -> bool {
        self.leg.is_over()
    }
}

pub fn starts(messages: &[Message]) -> Vec<String> {
    let start = |it: &Message| match it.is_request() {
        true => it.method().to_string(),
        false => format!("{} {}", it.status(), it.method()),
    };
    messages.iter().map(start).collect()
}

pub fn reply(request: &Message, status: u16, tag: &str, lines: &str, sdp: &str) -> String {
    let text = |name: Name| {
        let values = request.values(name).map(|it| String::from_utf8_lossy(it).into_owned());
        values.collect::<Vec<_>>().join(", ")
    };
    let to = match (tag, request.to_tag().is_empty()) {
        ("", _) | (_, false) => text(Name::To),
        (tag, true) => format!("{};tag={tag}", text(Name::To)),
    };
    let kind = if sdp.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "SIP/2.0 {status} Some Reason\r\nVia: {}\r\nFrom: {}\r\nTo: {to}\r\nCall-ID: {}\r\n\
         CSeq: {}\r\n{lines}{kind}Content-Length: {}\r\n\r\n{sdp}",
        text(Name::Via),
        text(Name::From),
        text(Name::CallId),
        text(Name::CSeq),
        sdp.len()
    )
}

/// One header of a message as text.
pub fn header(message: &Message, name: Name) -> String {
    let value = message.values(name).next().unwrap_or_default();
    String::from_utf8_lossy(value).into_owned()
}

pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
