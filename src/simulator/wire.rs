//! How a simulated phone reads (with rsip) and writes (by hand) its messages.

use std::net::{IpAddr, SocketAddr};

use rsip::prelude::*;

use super::phone::Phone;

/// What a phone needs to know of a message.
#[derive(Clone, Debug, Default)]
pub(super) struct Received {
    pub method: String,
    pub cseq_method: String,
    pub cseq: u32,
    pub call_id: String,
    pub branch: String,
    pub from: String,
    pub to: String,
    pub to_tag: Option<String>,
    pub contact: Option<String>,
    pub vias: Vec<String>,
    pub record_routes: Vec<String>,
    /// Where the session description says RTP goes.
    pub media: Option<SocketAddr>,
    /// Its payload types: number and `rtpmap` value.
    pub types: Vec<(u8, String)>,
    /// What it must prove (401).
    pub challenge: Option<String>,
    /// The status in a message fragment (RFC 3420).
    pub fragment: Option<u16>,
    /// The direction its session description says, from the writer's side.
    pub direction: String,
    /// Whether who reads it may send.
    pub may_send: bool,
}

impl Received {
    pub fn request(request: &rsip::Request, bytes: &[u8]) -> Self {
        let read = Self::headers(request.headers(), bytes);
        Self { method: request.method().to_string(), ..read }
    }

    pub fn response(response: &rsip::Response, bytes: &[u8]) -> Self {
        Self::headers(response.headers(), bytes)
    }

    fn headers(headers: &rsip::Headers, bytes: &[u8]) -> Self {
        let mut read = Self::default();
        for header in headers.iter() {
            match header {
                rsip::Header::Via(it) => read.vias.push(it.value().to_owned()),
                rsip::Header::From(it) => read.from = it.value().to_owned(),
                rsip::Header::To(it) => {
                    read.to = it.value().to_owned();
                    read.to_tag = parameter(it.value(), "tag");
                }
                rsip::Header::WwwAuthenticate(it) => {
                    read.challenge = Some(it.value().to_owned());
                }
                rsip::Header::CallId(it) => read.call_id = it.value().to_owned(),
                rsip::Header::Contact(it) => read.contact = Some(inside(it.value()).to_owned()),
                rsip::Header::RecordRoute(it) => {
                    read.record_routes.extend(it.value().split(',').map(|it| it.trim().to_owned()));
                }
                rsip::Header::CSeq(it) => {
                    let mut words = it.value().split_whitespace();
                    read.cseq = words.next().and_then(|it| it.parse().ok()).unwrap_or_default();
                    read.cseq_method = words.next().unwrap_or_default().to_owned();
                }
                _ => (),
            }
        }
        read.branch = read.vias.first().and_then(|it| parameter(it, "branch")).unwrap_or_default();
        let text = String::from_utf8_lossy(bytes);
        if let Some((_, body)) = text.split_once("\r\n\r\n") {
            (read.media, read.types) = session(body);
            let status = body.strip_prefix("SIP/2.0 ").and_then(|it| it.get(..3));
            read.fragment = status.and_then(|it| it.parse().ok());
            let known = ["sendrecv", "sendonly", "recvonly", "inactive"];
            let said = body
                .lines()
                .find_map(|it| known.iter().find(|word| it.strip_prefix("a=") == Some(**word)));
            read.direction = said.map_or("sendrecv", |it| *it).to_owned();
            read.may_send = matches!(read.direction.as_str(), "sendrecv" | "recvonly");
        }
        read
    }

    /// The direction that answers this one (RFC 3264 section 6.1).
    pub fn answering(&self) -> &'static str {
        match self.direction.as_str() {
            "sendonly" => "recvonly",
            "recvonly" => "sendonly",
            "inactive" => "inactive",
            _ => "sendrecv",
        }
    }

    /// An answer to this request, outside of what a dialog remembers.
    pub fn answer(
        &self,
        status: u16,
        reason: &str,
        body: Option<&str>,
        contact: SocketAddr,
    ) -> Vec<u8> {
        let to = if self.to_tag.is_some() { self.to.clone() } else { format!("{};tag=x", self.to) };
        write_answer(self, &to, status, reason, body, contact)
    }
}

/// A phone's side of a dialog.
#[derive(Clone, Debug)]
pub(super) struct Dialog {
    call_id: String,
    local: String,
    remote: String,
    target: String,
    routes: Vec<String>,
    cseq: u32,
    address: SocketAddr,
    edge: SocketAddr,
    branch: String,
    invited: Option<Received>,
    branches: u32,
    /// Header lines of the phone's own in every request.
    lines: String,
    /// The CSeq of its INVITE.
    invite_cseq: u32,
    /// To of who rings, with its tag.
    ringing: Option<String>,
}

impl Dialog {
    pub fn calling(phone: &Phone, count: u32, number: &str) -> Self {
        let (name, address, edge) = (&phone.name, phone.address, phone.edge());
        let to = format!("sip:{number}@{edge}");
        let shown = phone.shows.as_ref().unwrap_or(&phone.number);
        Self {
            call_id: format!("{name}-{count}-{}", address.port()),
            local: format!("\"{name}\" <sip:{shown}@{}>;tag={name}{count}", address.ip()),
            remote: format!("<{to}>"),
            target: to,
            routes: Vec::new(),
            cseq: 1,
            address,
            edge,
            branch: format!("z9hG4bK{name}{count}i"),
            invited: None,
            branches: 0,
            lines: phone.lines_of_its_own.clone(),
            invite_cseq: 1,
            ringing: None,
        }
    }

    pub fn called(
        name: &str,
        count: u32,
        invite: &Received,
        address: SocketAddr,
        edge: SocketAddr,
    ) -> Self {
        Self {
            call_id: invite.call_id.clone(),
            local: format!("{};tag={name}{count}", invite.to),
            remote: invite.from.clone(),
            target: invite.contact.clone().unwrap_or_default(),
            routes: invite.record_routes.clone(),
            cseq: 0,
            address,
            edge,
            branch: format!("z9hG4bK{name}{count}u"),
            invited: Some(invite.clone()),
            branches: 0,
            lines: String::new(),
            invite_cseq: 0,
            ringing: None,
        }
    }

    pub fn call_id(&self) -> &str {
        &self.call_id
    }

    pub fn offer_types(&self) -> Vec<(u8, String)> {
        self.invited.as_ref().map(|it| it.types.clone()).unwrap_or_default()
    }

    /// The answer names the dialog: its tag, its target, its routes.
    pub fn confirmed(&mut self, ok: &Received) {
        self.remote.clone_from(&ok.to);
        if let Some(contact) = &ok.contact {
            self.target.clone_from(contact);
        }
        self.routes = ok.record_routes.iter().rev().cloned().collect();
    }

    pub fn invite(&self, body: &str) -> Vec<u8> {
        let branch = self.branch.clone();
        self.request("INVITE", self.invite_cseq, &branch, Some(body))
    }

    pub fn invite_cseq(&self) -> u32 {
        self.invite_cseq
    }

    /// Takes a challenge: the INVITE that answers it is a new one (RFC 3261 section 22.2).
    pub fn prove(&mut self, challenge: &str, user: &str, password: &str) {
        let part = |name: &str| {
            let from = challenge.find(&format!("{name}=\""))? + name.len() + 2;
            Some(challenge[from..].split('"').next()?.to_owned())
        };
        let (realm, nonce) = (part("realm").unwrap_or_default(), part("nonce").unwrap_or_default());
        let Ok(uri) = rsip::Uri::try_from(self.target.as_str()) else { return };
        let qop = rsip::headers::auth::AuthQop::Auth { cnonce: "c".to_owned(), nc: 1 };
        let digest = rsip::services::DigestGenerator {
            username: user,
            password,
            nonce: &nonce,
            uri: &uri,
            realm: &realm,
            method: &rsip::Method::Invite,
            qop: Some(&qop),
            algorithm: rsip::headers::auth::Algorithm::Md5,
        };
        self.cseq += 1;
        self.invite_cseq = self.cseq;
        self.branch.push('a');
        self.lines += &format!(
            "Authorization: Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", \
             uri=\"{uri}\", response=\"{}\", algorithm=MD5, qop=auth, nc=00000001, \
             cnonce=\"c\"\r\n",
            digest.compute(),
        );
    }

    pub fn cancel(&self) -> Vec<u8> {
        let branch = self.branch.clone();
        self.request("CANCEL", self.invite_cseq, &branch, None)
    }

    pub fn ack(&mut self) -> Vec<u8> {
        let branch = self.new_branch();
        self.request("ACK", self.invite_cseq, &branch, None)
    }

    /// A new offer within the dialog.
    pub fn invite_again(&mut self, body: &str) -> Vec<u8> {
        self.cseq += 1;
        let (cseq, branch) = (self.cseq, self.new_branch());
        self.request("INVITE", cseq, &branch, Some(body))
    }

    /// Acknowledges what was said to it: a 2xx by a transaction of its own, else by the same.
    pub fn ack_again(&mut self, response: &Received, status: u16) -> Vec<u8> {
        let branch = if status < 300 { self.new_branch() } else { response.branch.clone() };
        self.request("ACK", response.cseq, &branch, None)
    }

    pub fn ack_of_refusal(&self, refusal: &Received) -> Vec<u8> {
        let mut ack = self.clone();
        ack.remote.clone_from(&refusal.to);
        let branch = self.branch.clone();
        ack.request("ACK", self.invite_cseq, &branch, None)
    }

    pub fn bye(&mut self) -> Vec<u8> {
        self.cseq += 1;
        let (cseq, branch) = (self.cseq, self.new_branch());
        self.request("BYE", cseq, &branch, None)
    }

    /// A key by `application/dtmf-relay`.
    pub fn info(&mut self, key: char) -> Vec<u8> {
        self.cseq += 1;
        let (cseq, branch) = (self.cseq, self.new_branch());
        let body = format!("Signal={key}\r\nDuration=100\r\n");
        let bytes = self.request("INFO", cseq, &branch, Some(&body));
        let text = String::from_utf8_lossy(&bytes);
        text.replace("application/sdp", "application/dtmf-relay").into_bytes()
    }

    /// Asks to put the other side through to this URI (RFC 3515).
    pub fn refer(&mut self, to: &str) -> Vec<u8> {
        self.cseq += 1;
        let (cseq, branch) = (self.cseq, self.new_branch());
        let request = self.request("REFER", cseq, &branch, None);
        let text = String::from_utf8_lossy(&request);
        let line = format!("Refer-To: <{to}>\r\nContent-Length");
        text.replacen("Content-Length", &line, 1).into_bytes()
    }

    /// Somebody rings at the other end.
    pub fn rings(&mut self, ringing: &Received) {
        self.ringing = Some(ringing.to.clone());
    }

    /// This dialog as a Refer-To names it (RFC 3891), from the other side's view.
    pub fn replaces(&self) -> String {
        let named = self.named().replace(';', "%3B").replace('=', "%3D");
        format!("Replaces={named}")
    }

    /// The same as an INVITE names it.
    pub fn named(&self) -> String {
        let tag = |it: &str| parameter(it, "tag").unwrap_or_default();
        let remote = self.ringing.as_ref().filter(|_| tag(&self.remote).is_empty());
        let theirs = tag(remote.unwrap_or(&self.remote));
        format!("{};to-tag={theirs};from-tag={}", self.call_id, tag(&self.local))
    }

    /// Where requests inside the dialog go: the edge is always the next hop here.
    pub fn next_hop(&self) -> SocketAddr {
        self.edge
    }

    /// An answer to the INVITE that began this dialog.
    pub fn answer(&self, status: u16, reason: &str, body: Option<&str>) -> Vec<u8> {
        match &self.invited {
            Some(invite) => write_answer(invite, &self.local, status, reason, body, self.address),
            None => Vec::new(),
        }
    }

    fn new_branch(&mut self) -> String {
        self.branches += 1;
        format!("{}{}", self.branch, self.branches)
    }

    fn request(&self, method: &str, cseq: u32, branch: &str, body: Option<&str>) -> Vec<u8> {
        let routes: String = self.routes.iter().map(|it| format!("Route: {it}\r\n")).collect();
        let (kind, body) = match body {
            Some(body) => ("Content-Type: application/sdp\r\n", body),
            None => ("", ""),
        };
        let (uri, address) = (&self.target, self.address);
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP {address};rport;branch={branch}\r\n\
             Max-Forwards: 70\r\n{routes}From: {}\r\nTo: {}\r\nCall-ID: {}\r\n\
             CSeq: {cseq} {method}\r\nContact: <sip:{address}>\r\n{}{kind}\
             Content-Length: {}\r\n\r\n{body}",
            self.local,
            self.remote,
            self.call_id,
            self.lines,
            body.len(),
        )
        .into_bytes()
    }
}

fn write_answer(
    request: &Received,
    to: &str,
    status: u16,
    reason: &str,
    body: Option<&str>,
    contact: SocketAddr,
) -> Vec<u8> {
    let vias: String = request.vias.iter().map(|it| format!("Via: {it}\r\n")).collect();
    let routes: String =
        request.record_routes.iter().map(|it| format!("Record-Route: {it}\r\n")).collect();
    let (kind, body) = match body {
        Some(body) => ("Content-Type: application/sdp\r\n", body),
        None => ("", ""),
    };
    format!(
        "SIP/2.0 {status} {reason}\r\n{vias}{routes}From: {}\r\nTo: {to}\r\nCall-ID: {}\r\n\
         CSeq: {} {}\r\nContact: <sip:{contact}>\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        request.from,
        request.call_id,
        request.cseq,
        request.cseq_method,
        body.len(),
    )
    .into_bytes()
}

/// The URI inside `<>`, or the text before any parameter.
fn inside(value: &str) -> &str {
    match (value.find('<'), value.find('>')) {
        (Some(open), Some(close)) if open < close => &value[open + 1..close],
        _ => value.split(';').next().unwrap_or_default().trim(),
    }
}

fn parameter(value: &str, name: &str) -> Option<String> {
    let after = value.rsplit('>').next()?;
    let mut parts = after.split(';').map(str::trim);
    parts.find_map(|it| Some(it.strip_prefix(name)?.strip_prefix('=')?.to_owned()))
}

/// Where a session description wants RTP, and its payload types.
fn session(body: &str) -> (Option<SocketAddr>, Vec<(u8, String)>) {
    let mut ip: Option<IpAddr> = None;
    let mut port = None;
    let mut types: Vec<(u8, String)> = Vec::new();
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("c=IN IP") {
            ip = rest.split_whitespace().nth(1).and_then(|it| it.parse().ok());
        } else if let Some(rest) = line.strip_prefix("m=audio ") {
            let mut words = rest.split_whitespace();
            port = words.next().and_then(|it| it.parse::<u16>().ok());
            types.extend(words.skip(1).filter_map(|it| it.parse().ok()).map(|it| {
                (
                    it,
                    match it {
                        0 => "PCMU/8000".to_owned(),
                        8 => "PCMA/8000".to_owned(),
                        _ => String::new(),
                    },
                )
            }));
        } else if let Some(rest) = line.strip_prefix("a=rtpmap:")
            && let Some((number, name)) = rest.split_once(' ')
            && let Ok(number) = number.parse::<u8>()
            && let Some(known) = types.iter_mut().find(|(it, _)| *it == number)
        {
            known.1 = name.to_owned();
        }
    }
    let media = ip.zip(port).filter(|(_, port)| *port != 0).map(|it| SocketAddr::new(it.0, it.1));
    (media, types)
}
