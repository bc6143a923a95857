//! What parties say: messages made from what a line knows of its dialog.

use std::fmt::Write as _;
use std::net::SocketAddr;

use crosspoint::sip::{Hop, Message, Name};

/// One end of a call, as a party knows it.
#[derive(Clone, Debug)]
pub struct Line {
    pub hop: Hop,
    pub media: SocketAddr,
    /// Where the exchange wants voice, once it has said so.
    pub edge_media: Option<SocketAddr>,
    pub call_id: String,
    /// From and To as this party writes them in its requests.
    pub local: String,
    pub remote: String,
    pub target: String,
    pub routes: Vec<String>,
    pub cseq: u32,
    pub invite: Invite,
    /// The last reliable provisional response: RSeq, CSeq.
    pub reliable: (u32, u32),
    pub sequence: u16,
    pub timestamp: u32,
}

/// The INVITE that this party sent last.
#[derive(Clone, Debug, Default)]
pub struct Invite {
    pub branch: String,
    pub uri: String,
    pub cseq: u32,
    /// The last status it heard, and the To that came with it.
    pub status: u16,
    pub to: String,
}

/// A request as it will stand on the wire.
pub struct Request<'a> {
    pub method: &'a str,
    pub uri: &'a str,
    pub via: &'a str,
    pub branch: &'a str,
    pub from: &'a str,
    pub to: &'a str,
    pub call_id: &'a str,
    pub cseq: u32,
    pub contact: &'a str,
    /// More header lines, each with its line end.
    pub more: &'a str,
    pub body: Option<(&'a str, &'a str)>,
}

impl Request<'_> {
    pub fn bytes(&self) -> Vec<u8> {
        let Self { method, uri, via, branch, from, to, call_id, cseq, contact, more, .. } = self;
        let (kind, body) = match self.body {
            Some((kind, body)) => (format!("Content-Type: {kind}\r\n"), body),
            None => (String::new(), ""),
        };
        format!(
            "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/{via};rport;branch={branch}\r\n\
             Max-Forwards: 70\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\n\
             CSeq: {cseq} {method}\r\nContact: {contact}\r\n{more}{kind}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    }
}

/// A response to a request of the exchange.
pub fn response(
    to: &Message,
    status: u16,
    tag: &str,
    contact: &str,
    more: &str,
    body: Option<(&str, &str)>,
) -> Vec<u8> {
    let mut text = format!("SIP/2.0 {status} Said\r\n");
    for name in [Name::Via, Name::RecordRoute, Name::From, Name::To, Name::CallId] {
        for value in to.values(name) {
            let value = String::from_utf8_lossy(value);
            let _ = write!(text, "{}: {value}", name.as_str());
            if name == Name::To && to.to_tag().is_empty() && status != 100 {
                let _ = write!(text, ";tag={tag}");
            }
            text.push_str("\r\n");
        }
    }
    let method = String::from_utf8_lossy(to.method().as_bytes()).into_owned();
    let _ = write!(text, "CSeq: {} {method}\r\nContact: {contact}\r\n{more}", to.cseq());
    let (kind, body) = body.unwrap_or_default();
    if !kind.is_empty() {
        let _ = write!(text, "Content-Type: {kind}\r\n");
    }
    let _ = write!(text, "Content-Length: {}\r\n\r\n{body}", body.len());
    text.into_bytes()
}

/// The value of the first line of this name, as text.
pub fn value(of: &Message, name: Name) -> String {
    of.values(name).next().map(|it| String::from_utf8_lossy(it).into_owned()).unwrap_or_default()
}

/// The URI inside of `<>`, or the text before any parameter.
pub fn inside(value: &str) -> &str {
    match (value.find('<'), value.find('>')) {
        (Some(open), Some(close)) if open < close => value.get(open + 1..close).unwrap_or(value),
        _ => value.split(';').next().unwrap_or_default().trim(),
    }
}

/// A session description of one of several kinds; `None` for no body at all.
pub fn sdp(kind: u8, media: SocketAddr, version: u32) -> Option<String> {
    let (ip, port) = (media.ip(), media.port());
    let head = |ip: &str| {
        format!("v=0\r\no=- 7 {version} IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n")
    };
    let own = head(&ip.to_string());
    let events = "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n";
    Some(match kind % 16 {
        0 => return None,
        1 => format!("{own}m=audio {port} RTP/AVP 0 8 101\r\n{events}"),
        2 => format!("{own}m=audio {port} RTP/AVP 0 101\r\n{events}a=sendonly\r\n"),
        3 => format!("{own}m=audio {port} RTP/AVP 0 101\r\n{events}a=inactive\r\n"),
        4 => format!("{own}m=audio {port} RTP/AVP 96 0\r\na=rtpmap:96 opus/48000/2\r\n"),
        5 => format!("{own}m=audio 0 RTP/AVP 0\r\n"),
        6 => format!("{}m=audio {port} RTP/AVP 0 101\r\n{events}", head("0.0.0.0")),
        7 => "v=0\r\n".into(),
        8 => format!("{own}m=audio {port} RTP/AVP 0\r\nm=video {} RTP/AVP 34\r\n", port + 2),
        9 => format!("{own}m=audio {port} RTP/AVP 8\r\na=ptime:30\r\na=rtcp:{}\r\n", port + 5),
        10 => format!("{own}m=audio {port} RTP/AVP 0 101\r\n{events}a=recvonly\r\n"),
        11 => format!("{own}m=audio {port} RTP/AVP 8 99\r\na=rtpmap:99 telephone-event/16000\r\n"),
        12 => format!("{own}m=audio {port} RTP/AVP 96\r\na=rtpmap:96 opus/48000/2\r\n"),
        13 => format!("{own}m=audio {port} RTP/SAVP 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 x\r\n"),
        14 => format!("{own}m=audio {port} RTP/AVP 0 0 0 8 18\r\na=rtpmap:0 PCMU/16000\r\n"),
        _ => format!("{own}m=audio 65535 RTP/AVP 9 0\r\nm=audio 0 RTP/AVP 0\r\n"),
    })
}

/// Where a session description wants voice.
pub fn media_of(message: &Message) -> Option<SocketAddr> {
    let body = message.body();
    let text = std::str::from_utf8(&body).ok()?;
    let line = |start: &str| text.lines().find_map(|it| it.strip_prefix(start));
    let ip = line("c=IN IP4 ")?.split_whitespace().next()?.parse().ok()?;
    let port = line("m=audio ")?.split_whitespace().next()?.parse().ok()?;
    (port != 0).then(|| SocketAddr::new(ip, port))
}
