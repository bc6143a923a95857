//! Any story at all, told to the whole exchange: no panic, at most one end for each INVITE, never
//! more octets to strangers than came from them, and in the end nothing is left: no call, no
//! transaction, no port, no timer, no record without an end.

mod exchange;
mod parties;
pub mod steps;
mod watch;
mod words;

use std::net::SocketAddr;
use std::time::Duration;

use crosspoint::model::record::Cause;
use crosspoint::sip::digest::{Challenge, answer};
use crosspoint::sip::{Hop, Message, Method, Name, Transport, parse};

use self::exchange::Exchange;
use self::parties::PARTIES;
use self::steps::Step;
use self::words::{Invite, Line, Request, inside, media_of, response, sdp, value};

/// What is dialled; the last is not set up.
const NUMBERS: [&str; 8] = [
    "15550100001",
    "+15550100002",
    "15550100003",
    "15550100004",
    "15550100005",
    "15550100006",
    "15550100007",
    "15550100404",
];
const STATUSES: [u16; 32] = [
    200, 180, 183, 100, 486, 404, 480, 503, 500, 302, 401, 407, 422, 481, 491, 408, 600, 603, 487,
    420, 199, 202, 301, 423, 484, 403, 415, 416, 604, 504, 606, 700,
];
const METHODS: [&str; 16] = [
    "BYE",
    "INVITE",
    "UPDATE",
    "PRACK",
    "INFO",
    "REFER",
    "OPTIONS",
    "NOTIFY",
    "MESSAGE",
    "SUBSCRIBE",
    "REGISTER",
    "PUBLISH",
    "ACK",
    "CANCEL",
    "bye",
    "FOO",
];
const SCALES: [u64; 8] = [1, 20, 100, 400, 500, 1000, 3000, 8000];
/// Lines, requests and messages that are remembered; the oldest are forgotten.
const REMEMBERED: usize = 24;
/// How long a story takes at most, but for its rest.
const LONGEST: Duration = Duration::from_secs(90);

/// Plays octets as a story.
pub fn switch(data: &[u8]) {
    let mut story = Story::new();
    for step in steps::read(data) {
        story.play(step);
        story.listen();
    }
    // Who asks trunks whether they are there never rests, nor does who waits for the disk.
    story.exchange.adopt(false);
    story.exchange.disk(false);
    story.exchange.rest();
    story.exchange.must_be_empty();
}

struct Story {
    exchange: Exchange,
    lines: Vec<Line>,
    /// Requests that the exchange sent, and the line each belongs to.
    requests: Vec<(usize, Hop, Message, Option<usize>)>,
    said: Vec<(Hop, Vec<u8>)>,
    challenges: [Option<(Challenge, u32)>; PARTIES.len()],
    mutation: Option<(u8, u8, Vec<u8>)>,
    count: u32,
    left: Duration,
}

impl Story {
    fn new() -> Self {
        Self {
            exchange: Exchange::new(),
            lines: Vec::new(),
            requests: Vec::new(),
            said: Vec::new(),
            challenges: [const { None }; PARTIES.len()],
            mutation: None,
            count: 0,
            left: LONGEST,
        }
    }

    fn play(&mut self, step: Step) {
        match step {
            Step::Call { party, how, body } => self.call(parties::party(party), how, body),
            Step::Ack { line, how, body } => self.ack(line, how, body),
            Step::Cancel { line } => self.cancel(line),
            Step::Request { line, how, body } => self.request(line, how, body),
            Step::Respond { to, how, body } => self.respond(to, how, body),
            Step::Register { party, how, contact } => self.register(party, how, contact),
            Step::Options { party, how } => self.options(party, how),
            Step::Voice { line, how, packets } => self.voice(line, how, packets),
            Step::Key { line, digit, how } => self.key(line, digit, how),
            Step::Packet { line, how, bytes } => self.packet(line, how, &bytes),
            Step::Wait { scale, times } => {
                let scale = SCALES[usize::from(scale) % SCALES.len()];
                self.wait(Duration::from_millis(scale * (1 + u64::from(times % 16))));
            }
            Step::Broken { party, how } => {
                let hop = PARTIES[parties::party(party)].hop;
                match how % 2 {
                    0 if hop.connection.is_some() => self.exchange.closed(hop),
                    _ => self.exchange.failed(hop),
                }
            }
            Step::Resolve { which, how } => self.resolve(which, how),
            Step::Mutate { how, at, bytes } => self.mutation = Some((how, at, bytes)),
            Step::Again { which, how } => self.again(which, how),
            Step::Disk { how } => match how % 3 {
                0 => self.exchange.disk(true),
                1 => self.exchange.disk(false),
                _ => self.exchange.tape_fails(),
            },
            Step::Operator { how } => match how {
                0..0x80 => self.exchange.adopt(how % 2 == 1),
                0x80..0xf0 => (),
                0xf0..0xf8 => self.exchange.switch.drain(),
                _ => self.exchange.stop_all(&shutdown()),
            },
            Step::Raw { party, bytes } => self.say(PARTIES[parties::party(party)].hop, bytes),
        }
    }

    fn wait(&mut self, time: Duration) {
        let time = time.min(self.left);
        self.left -= time;
        self.exchange.pass(time);
    }

    // Messages.

    fn say(&mut self, from: Hop, mut bytes: Vec<u8>) {
        if let Some((how, at, with)) = self.mutation.take() {
            mutate(&mut bytes, how, at, &with);
        }
        self.exchange.message(&bytes, from);
        if REMEMBERED <= self.said.len() {
            self.said.remove(0);
        }
        self.said.push((from, bytes));
    }

    fn again(&mut self, which: u8, how: u8) {
        let Some(n) = newest(self.said.len(), which) else { return };
        let Some((from, bytes)) = self.said.get(n).cloned() else { return };
        let from = if how == 0 { from } else { PARTIES[parties::party(how)].hop };
        self.say(from, bytes);
    }

    fn number(&mut self) -> u32 {
        self.count += 1;
        self.count
    }

    /// `Authorization` for the last challenge that the party heard.
    fn credentials(&mut self, party: usize, method: &str, uri: &str) -> String {
        let [user, _, password] = PARTIES[party].login;
        let Some((challenge, uses)) = &mut self.challenges[party] else { return String::new() };
        *uses += 1;
        let method = method.as_bytes();
        let value = answer(challenge, user, password, method, uri, "c0ffee", *uses, b"");
        value.map(|it| format!("Authorization: {it}\r\n")).unwrap_or_default()
    }

    fn call(&mut self, party: usize, how: u8, body: u8) {
        let hop = PARTIES[party].hop;
        let n = self.number();
        let dialled = NUMBERS[usize::from(how) % NUMBERS.len()];
        let uri = format!("sip:{dialled}@10.0.0.1");
        let [user, ..] = PARTIES[party].login;
        let caller = if user == "agent1" { user } else { "+12025550173" };
        let mut more = String::new();
        if how & 0x08 != 0 {
            more += "Supported: 100rel,timer\r\nAllow: INVITE,ACK,BYE,CANCEL,UPDATE,PRACK\r\n";
        }
        if how & 0x10 != 0 {
            more += "Session-Expires: 90;refresher=uac\r\nRequire: timer\r\n";
        }
        if how & 0x20 != 0 {
            more += "Privacy: id\r\nP-Asserted-Identity: <tel:+12025550199>\r\n";
        }
        if how & 0x40 != 0 {
            more += &self.credentials(party, "INVITE", &uri);
        }
        let record = how & 0x80 != 0;
        if record {
            more += &format!("Record-Route: <sip:{};lr>\r\n", hop.remote);
        }
        let line = Line {
            hop,
            media: SocketAddr::new(hop.remote.ip(), 4000 + (n % 1000) as u16 * 2),
            edge_media: None,
            call_id: format!("call-{n}"),
            local: format!("\"A\" <sip:{caller}@{}>;tag=a{n}", hop.remote.ip()),
            remote: format!("<{uri}>"),
            target: uri.clone(),
            routes: Vec::new(),
            cseq: 1,
            invite: Invite { uri, cseq: 1, ..Invite::default() },
            reliable: (0, 0),
            sequence: n as u16,
            timestamp: n,
        };
        if REMEMBERED <= self.lines.len() {
            self.lines.remove(0);
            self.requests.iter_mut().for_each(|it| it.3 = it.3.and_then(|n| n.checked_sub(1)));
        }
        self.lines.push(line);
        self.invite(self.lines.len() - 1, "INVITE", &more, body);
    }

    /// An INVITE of a line, or what offers like one.
    fn invite(&mut self, n: usize, method: &str, more: &str, body: u8) {
        let branch = format!("z9hG4bK{}", self.number());
        let version = self.count;
        let Some(line) = self.lines.get_mut(n) else { return };
        if method == "INVITE" {
            let (uri, cseq) = (line.target.clone(), line.cseq);
            line.invite = Invite { branch: branch.clone(), uri, cseq, ..Invite::default() };
        }
        let text = sdp(body, line.media, version);
        let body = text.as_deref().map(|it| ("application/sdp", it));
        let bytes = line.request(method, &branch, line.cseq, more, body);
        let hop = line.hop;
        self.say(hop, bytes);
    }

    fn line(&self, n: u8) -> Option<usize> {
        newest(self.lines.len(), n)
    }

    fn ack(&mut self, n: u8, how: u8, body: u8) {
        let branch = format!("z9hG4bK{}", self.number());
        let version = self.count;
        let Some(line) = self.line(n).and_then(|n| self.lines.get(n)) else { return };
        let refused = 300 <= line.invite.status;
        let same = refused != (how & 1 != 0);
        let branch = if same { &line.invite.branch } else { &branch };
        let text = if same { None } else { sdp(body, line.media, version) };
        let body = text.as_deref().map(|it| ("application/sdp", it));
        let mut acked = line.clone();
        if refused {
            acked.remote.clone_from(&line.invite.to);
            acked.target.clone_from(&line.invite.uri);
        }
        let bytes = acked.request("ACK", branch, line.invite.cseq, "", body);
        self.say(acked.hop, bytes);
    }

    fn cancel(&mut self, n: u8) {
        let Some(line) = self.line(n).and_then(|n| self.lines.get(n)) else { return };
        let mut cancel = line.clone();
        cancel.target.clone_from(&line.invite.uri);
        cancel.routes.clear();
        let bytes = cancel.request("CANCEL", &line.invite.branch, line.invite.cseq, "", None);
        self.say(cancel.hop, bytes);
    }

    fn request(&mut self, n: u8, how: u8, body: u8) {
        let Some(n) = self.line(n) else { return };
        let method = METHODS[usize::from(how) % METHODS.len()];
        let Some(line) = self.lines.get_mut(n) else { return };
        if how & 0x20 == 0 {
            line.cseq += 1;
        }
        let mut more = String::new();
        if how & 0x10 != 0 {
            more += "Session-Expires: 90\r\nSupported: timer,100rel\r\n";
        }
        let info = ("application/dtmf-relay", "Signal=1\r\nDuration=160\r\n");
        let fixed = match method {
            "PRACK" => {
                let (rseq, cseq) = line.reliable;
                let rseq = rseq + u32::from(how & 0x10 != 0);
                more = format!("RAck: {rseq} {cseq} INVITE\r\n");
                None
            }
            "INFO" => Some(info),
            "REFER" => {
                more += "Refer-To: <sip:15550100002@10.0.0.1>\r\n";
                None
            }
            "NOTIFY" | "SUBSCRIBE" => {
                more += "Event: refer\r\nSubscription-State: active\r\n";
                None
            }
            _ => None,
        };
        let (hop, remote) = (line.hop, line.remote.clone());
        if how & 0x40 != 0 {
            line.hop = PARTIES[7].hop;
        }
        if how & 0x80 != 0 {
            line.remote = format!("{}0", line.remote);
        }
        match fixed {
            Some(_) => {
                let branch = format!("z9hG4bK{}", self.number());
                let Some(line) = self.lines.get(n) else { return };
                let bytes = line.request(method, &branch, line.cseq, &more, fixed);
                let from = line.hop;
                self.say(from, bytes);
            }
            None => self.invite(n, method, &more, body),
        }
        if let Some(line) = self.lines.get_mut(n) {
            (line.hop, line.remote) = (hop, remote);
        }
    }

    fn respond(&mut self, to: u8, how: u8, body: u8) {
        let Some(n) = newest(self.requests.len(), to) else { return };
        let version = self.number();
        let Some((party, hop, request, line)) = self.requests.get(n).cloned() else { return };
        let status = STATUSES[usize::from(how) % STATUSES.len()];
        let line = line.and_then(|it| self.lines.get_mut(it));
        let media = SocketAddr::new(hop.remote.ip(), 6000 + (version % 100) as u16 * 2);
        let media = line.as_ref().map_or(media, |it| it.media);
        let mut more = String::new();
        if how & 0x40 != 0 {
            more += &format!("Require: 100rel\r\nRSeq: {version}\r\n");
        }
        if how & 0x20 != 0 {
            more += "Session-Expires: 90;refresher=uas\r\nRequire: timer\r\n";
        }
        match status {
            401 => more += "WWW-Authenticate: Digest realm=\"x\",nonce=\"1\",qop=\"auth\"\r\n",
            407 => more += "Proxy-Authenticate: Digest realm=\"x\",nonce=\"2\"\r\n",
            422 => more += "Min-SE: 200\r\n",
            503 => more += "Retry-After: 1\r\n",
            _ => (),
        }
        let tag = match (&line, how & 0x80 != 0) {
            (Some(line), false) => format!("b{}", line.sequence),
            _ => format!("f{version}"),
        };
        if let Some(line) = line
            && *request.method() == Method::Invite
            && 100 < status
            && !line.local.contains(";tag=")
        {
            line.local += &format!(";tag={tag}");
        }
        let contact = format!("<sip:{}{}>", hop.remote, over(hop));
        let text = sdp(body, media, version);
        let body = text.as_deref().map(|it| ("application/sdp", it));
        let bytes = response(&request, status, &tag, &contact, &more, body);
        let from = Hop { remote: hop.remote, ..PARTIES[party].hop };
        self.say(from, bytes);
    }

    fn outside(&mut self, party: usize, method: &str, to: &str, contact: &str, more: &str) {
        let hop = PARTIES[party].hop;
        let n = self.number();
        let branch = format!("z9hG4bK{n}");
        let via = format!("{} {}", hop.transport.as_str(), hop.remote);
        let bytes = Request {
            method,
            uri: "sip:10.0.0.1",
            via: &via,
            branch: &branch,
            from: &format!("<{to}>;tag=o{n}"),
            to: &format!("<{to}>"),
            call_id: &format!("out-{party}"),
            cseq: n,
            contact,
            more,
            body: None,
        };
        self.say(hop, bytes.bytes());
    }

    fn register(&mut self, party: u8, how: u8, contact: u8) {
        let party = parties::party(party);
        let hop = PARTIES[party].hop;
        let expires = [60, 0, 3600, 5][usize::from(how) % 4];
        let mut more = format!("Expires: {expires}\r\n");
        if how & 0x08 == 0 {
            more += &self.credentials(party, "REGISTER", "sip:10.0.0.1");
        }
        if how & 0x10 != 0 {
            more += "Supported: path,outbound\r\nPath: <sip:10.0.0.53;lr>\r\n";
        }
        let user = if how & 0x20 != 0 { "other" } else { "agent1" };
        let instance = match contact % 4 {
            1 => ";+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\";reg-id=1",
            2 => ";q=0.5",
            _ => "",
        };
        let contact = if how & 0x04 != 0 {
            "*".to_owned()
        } else {
            format!("<sip:agent1@{}{}>{instance}", hop.remote, over(hop))
        };
        self.outside(party, "REGISTER", &format!("sip:{user}@10.0.0.1"), &contact, &more);
    }

    fn options(&mut self, party: u8, how: u8) {
        let party = parties::party(party);
        let method = ["OPTIONS", "MESSAGE", "SUBSCRIBE", "BYE"][usize::from(how) % 4];
        let contact = format!("<sip:{}>", PARTIES[party].hop.remote);
        self.outside(party, method, "sip:10.0.0.1", &contact, "");
    }

    fn resolve(&mut self, which: u8, how: u8) {
        let Some(n) = newest(self.exchange.asked.len(), which) else { return };
        let (ticket, _) = self.exchange.asked.remove(n);
        let gate = (PARTIES[10].hop.remote, Transport::Udp);
        let other = (SocketAddr::from(([10, 0, 0, 43], 5060)), Transport::Tcp);
        let found: &[_] = match how % 4 {
            0 => &[gate],
            1 => &[],
            2 => &[other, gate],
            _ => &[other],
        };
        self.exchange.resolved(ticket, found);
    }

    // Media.

    /// Sends packets that a line's far end would.
    fn stream(&mut self, n: usize, how: u8, packets: &[(u8, bool, Vec<u8>, u32)]) {
        for (kind, mark, payload, step) in packets {
            let Some(line) = self.lines.get_mut(n) else { return };
            let Some(to) = line.edge_media else { return };
            line.sequence = line.sequence.wrapping_add(1);
            line.timestamp = line.timestamp.wrapping_add(*step);
            let mut packet = vec![0x80, *kind | if *mark { 0x80 } else { 0 }];
            packet.extend(line.sequence.to_be_bytes());
            packet.extend(line.timestamp.to_be_bytes());
            packet.extend((7 + u32::from(how >> 6)).to_be_bytes());
            packet.extend(payload);
            let from = match how >> 4 & 3 {
                0 | 1 => line.media,
                2 => SocketAddr::new(line.media.ip(), 9000),
                _ => SocketAddr::from(([10, 0, 0, 66], 9000)),
            };
            self.exchange.packet(to, from, &packet);
            self.wait(Duration::from_millis(20));
        }
    }

    fn voice(&mut self, n: u8, how: u8, packets: u8) {
        let Some(n) = self.line(n) else { return };
        let kind = [0, 8, 96, 13][usize::from(how) % 4];
        let octet = if how & 4 == 0 { 0xff } else { 0x55 ^ packets };
        let payload = if how & 8 == 0 { vec![octet; 160] } else { vec![0x10; 80] };
        let packet = (kind, false, payload, 160);
        self.stream(n, how, &vec![packet; usize::from(packets % 64)]);
    }

    fn key(&mut self, n: u8, digit: u8, how: u8) {
        let Some(n) = self.line(n) else { return };
        let event = |end: u8, duration: u8| vec![digit % 17, end | 10, 0, duration];
        let packet = |n: u8| {
            let end = if n < 3 { 0 } else { 0x80 };
            (101, n == 0, event(end, 160 + n.min(3)), if n == 0 { 160 } else { 0 })
        };
        let packets: Vec<_> = (0..6).map(packet).collect();
        self.stream(n, how & 0x3f, &packets);
        if let Some(line) = self.lines.get_mut(n) {
            line.timestamp = line.timestamp.wrapping_add(960);
        }
    }

    fn packet(&mut self, n: u8, how: u8, bytes: &[u8]) {
        let Some(line) = self.line(n).and_then(|n| self.lines.get(n)) else { return };
        let Some(mut to) = line.edge_media else { return };
        let mut from = line.media;
        if how & 1 != 0 {
            to.set_port(to.port() | 1);
            from.set_port(from.port() | 1);
        }
        if how & 2 != 0 {
            from = SocketAddr::from(([10, 0, 0, 66], 9000));
        }
        self.exchange.packet(to, from, bytes);
    }

    // What comes back.

    /// Lets the parties take note of what the exchange sent.
    fn listen(&mut self) {
        while let Some((hop, bytes)) = self.exchange.sent.pop_front() {
            if let Ok(message) = parse(bytes) {
                if message.is_request() {
                    self.asked(hop, message);
                } else {
                    self.answered(hop, &message);
                }
            }
        }
    }

    fn asked(&mut self, hop: Hop, request: Message) {
        let Some(party) = parties::at(hop.remote) else { return };
        let call_id = String::from_utf8_lossy(request.call_id()).into_owned();
        let known = self.lines.iter().position(|it| it.call_id == call_id);
        let fresh = *request.method() == Method::Invite && request.to_tag().is_empty();
        let line = match known {
            Some(n) => Some(n),
            None if fresh => Some(self.ring(party, hop, &request, call_id)),
            None => None,
        };
        if let (Some(media), Some(n)) = (media_of(&request), line)
            && let Some(line) = self.lines.get_mut(n)
        {
            line.edge_media = Some(media);
        }
        if *request.method() != Method::Ack {
            if REMEMBERED <= self.requests.len() {
                self.requests.remove(0);
            }
            self.requests.push((party, hop, request, line));
        }
    }

    /// A line for a call that the exchange makes.
    fn ring(&mut self, party: usize, hop: Hop, invite: &Message, call_id: String) -> usize {
        let n = self.number();
        let from = Hop { remote: hop.remote, ..PARTIES[party].hop };
        if REMEMBERED <= self.lines.len() {
            self.lines.remove(0);
            self.requests.iter_mut().for_each(|it| it.3 = it.3.and_then(|n| n.checked_sub(1)));
        }
        self.lines.push(Line {
            hop: from,
            media: SocketAddr::new(hop.remote.ip(), 4000 + (n % 1000) as u16 * 2),
            edge_media: None,
            call_id,
            local: value(invite, Name::To),
            remote: value(invite, Name::From),
            target: inside(&value(invite, Name::Contact)).to_owned(),
            routes: Vec::new(),
            cseq: 0,
            invite: Invite::default(),
            reliable: (0, 0),
            sequence: n as u16,
            timestamp: n,
        });
        self.lines.len() - 1
    }

    fn answered(&mut self, to: Hop, response: &Message) {
        let call_id = String::from_utf8_lossy(response.call_id()).into_owned();
        if let Some(challenge) = response.challenges().into_iter().next() {
            for (party, heard) in PARTIES.iter().zip(&mut self.challenges) {
                if party.hop.remote.ip() == to.remote.ip() {
                    *heard = Some((challenge.clone(), 0));
                }
            }
        }
        let Some(line) = self.lines.iter_mut().find(|it| it.call_id == call_id) else { return };
        if *response.method() != Method::Invite || response.cseq() != line.invite.cseq {
            return;
        }
        line.invite.status = response.status();
        line.invite.to = value(response, Name::To);
        if let Some(media) = media_of(response) {
            line.edge_media = Some(media);
        }
        if let Some(rseq) = response.rseq() {
            line.reliable = (rseq, response.cseq());
        }
        if !response.to_tag().is_empty() && response.status() < 300 {
            line.remote.clone_from(&line.invite.to);
            let contact = value(response, Name::Contact);
            if !contact.is_empty() {
                line.target = inside(&contact).to_owned();
            }
        }
    }
}

impl Line {
    fn request(
        &self,
        method: &str,
        branch: &str,
        cseq: u32,
        more: &str,
        body: Option<(&str, &str)>,
    ) -> Vec<u8> {
        let contact = format!("<sip:a@{}{}>", self.hop.remote, over(self.hop));
        let via = format!("{} {}", self.hop.transport.as_str(), self.hop.remote);
        let (from, to, call_id) = (&self.local, &self.remote, &self.call_id);
        let uri = &self.target;
        let contact = &contact;
        let request = Request {
            method,
            uri,
            via: &via,
            branch,
            from,
            to,
            call_id,
            cseq,
            contact,
            more,
            body,
        };
        request.bytes()
    }
}

fn shutdown() -> Cause {
    Cause { sip: 503, q850: None, reason: "shutdown".to_owned(), local: true }
}

fn over(hop: Hop) -> &'static str {
    if hop.transport == Transport::Tcp { ";transport=tcp" } else { "" }
}

/// The `n`th from the end.
fn newest(length: usize, n: u8) -> Option<usize> {
    (length != 0).then(|| length - 1 - usize::from(n) % length)
}

/// Makes a message something else.
fn mutate(bytes: &mut Vec<u8>, how: u8, at: u8, with: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let spot = usize::from(at) * bytes.len() / 256;
    match how % 7 {
        0 => bytes[spot] = with.first().copied().unwrap_or(0),
        1 => drop(bytes.splice(spot..spot, with.iter().copied())),
        2 => bytes.truncate(spot),
        // A whole line: another in its place, one more, it twice, or none.
        how => {
            let mut lines: Vec<Vec<u8>> = Vec::new();
            for line in bytes.split_inclusive(|it| *it == b'\n') {
                lines.push(line.to_vec());
            }
            let n = usize::from(at) % lines.len();
            let line = [with, b"\r\n"].concat();
            match how {
                3 => lines[n] = line,
                4 => lines.insert(n, line),
                5 => lines.insert(n, lines[n].clone()),
                _ => drop(lines.remove(n)),
            }
            *bytes = lines.concat();
        }
    }
}
