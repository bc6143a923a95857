//! One end of one call of a simulated phone, and what it sends again until it is answered.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use super::manners::Codecs;
use super::wire::Dialog;
use crate::clock::Instant;

/// T1 of RFC 3261: the first resend.
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);

/// One end of one call.
pub(super) struct Line {
    pub dialog: Dialog,
    pub role: Role,
    pub remote_media: Option<SocketAddr>,
    pub payload_type: u8,
    pub keys_type: Option<u8>,
    /// A final answer that has not been acknowledged, and when to resend it.
    pub unacknowledged: Option<Resend>,
    pub up_since: Option<Instant>,
    pub over: bool,
    /// What is still to do, soonest first.
    pub plans: VecDeque<(Instant, Plan)>,
    pub last_sent: Vec<u8>,
    pub refused: bool,
    /// Its own media has begun: it answered, was answered, or sends early media.
    pub speaks: bool,
    pub ignored: u32,
    /// Something came back to its INVITE.
    pub proceeding: bool,
    /// The caller wants no more of it.
    pub leaving: bool,
}

#[derive(PartialEq, Eq)]
pub(super) enum Role {
    Caller,
    Called,
}

#[derive(Clone, Debug)]
pub(super) enum Plan {
    Ring,
    Answer,
    Refuse(u16),
    HangUp,
    Press(char),
}

/// A request or answer that is sent again until something comes back.
pub(super) struct Resend {
    pub bytes: Vec<u8>,
    pub at: Instant,
    pub wait: Duration,
    pub until: Instant,
    pub method: &'static str,
}

impl Line {
    pub fn new(dialog: Dialog, role: Role) -> Self {
        Self {
            dialog,
            role,
            remote_media: None,
            payload_type: 0,
            keys_type: None,
            unacknowledged: None,
            up_since: None,
            over: false,
            plans: VecDeque::new(),
            last_sent: Vec::new(),
            refused: false,
            speaks: false,
            ignored: 0,
            proceeding: false,
            leaving: false,
        }
    }

    pub fn talks(&self) -> bool {
        self.speaks && !self.over && self.remote_media.is_some()
    }

    pub fn is_up(&self) -> bool {
        self.up_since.is_some() && !self.over
    }

    pub fn take_types(&mut self, types: &[(u8, String)]) {
        if let Some(first) = types.first() {
            self.payload_type = if is_opus(first) { first.0 } else { 0 };
        }
        for (number, name) in types {
            let name = name.to_ascii_lowercase();
            if name.starts_with("telephone-event/8000") {
                self.keys_type = Some(*number);
            }
        }
    }
}

impl Resend {
    pub fn new(bytes: Vec<u8>, method: &'static str, now: Instant) -> Self {
        Self { bytes, at: now + T1, wait: T1, until: now + 64 * T1, method }
    }

    pub fn again(&mut self, now: Instant, capped: bool) {
        self.wait *= 2;
        if capped {
            self.wait = self.wait.min(T2);
        }
        self.at = now + self.wait;
    }

    pub fn is_for(&self, branch: &str) -> bool {
        String::from_utf8_lossy(&self.bytes).contains(branch)
    }
}

/// What a phone offers; `events` if it has telephone events.
pub(super) fn offer(media: SocketAddr, codecs: Codecs, events: bool) -> String {
    let all =
        [(111, "opus/48000/2"), (0, "PCMU/8000"), (8, "PCMA/8000"), (101, "telephone-event/8000")];
    let spoken = match codecs {
        Codecs::G711 => &all[1..],
        Codecs::OpusFirst => &all[..],
        Codecs::OpusOnly => return sdp(media, &all[..1]),
    };
    sdp(media, if events { spoken } else { &spoken[..spoken.len() - 1] })
}

/// PCMU (or Opus, if that is liked better), and the offered telephone-event, whatever number it has.
pub(super) fn answer(
    media: SocketAddr,
    offered: &[(u8, String)],
    codecs: Codecs,
    events: bool,
) -> String {
    let opus = offered.iter().any(is_opus) && codecs != Codecs::G711;
    let chosen = offered.iter().filter(|it| {
        let name = it.1.to_ascii_lowercase();
        is_opus(it) && opus
            || name.starts_with("pcmu") && !opus
            || events && name.starts_with("telephone-event/8000")
    });
    let chosen: Vec<(u8, &str)> = chosen.map(|(pt, it)| (*pt, it.as_str())).collect();
    sdp(media, if chosen.is_empty() { &[(0, "PCMU/8000")] } else { &chosen })
}

fn is_opus((_, name): &(u8, String)) -> bool {
    name.to_ascii_lowercase().starts_with("opus")
}

/// A session description of one audio stream.
fn sdp(media: SocketAddr, types: &[(u8, &str)]) -> String {
    let ip = media.ip();
    let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
    let numbers: Vec<String> = types.iter().map(|(pt, _)| pt.to_string()).collect();
    let maps: String = types.iter().map(|(pt, it)| format!("a=rtpmap:{pt} {it}\r\n")).collect();
    format!(
        "v=0\r\no=- 1 1 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n\
         m=audio {} RTP/AVP {}\r\n{maps}a=ptime:20\r\na=sendrecv\r\n",
        media.port(),
        numbers.join(" "),
    )
}
