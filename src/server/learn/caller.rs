//! The test call: a phone of ours on real sockets that dials by ear.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use super::dialler::Dialler;
use super::draft::{CALLER, NUMBER};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::audio::{Law, VoiceDetector};
use crate::clock::Instant;
use crate::rtp::Header;
use crate::server::clock::Clock;
use crate::simulator::{Datagram, Moment, Phone};

/// How long the far end may ring.
const RINGS: Duration = Duration::from_secs(60);
/// The longest test call.
const LONGEST: Duration = Duration::from_secs(180);
/// How often the sockets are looked at.
const LOOK: Duration = Duration::from_millis(5);
/// After the last word: what is on its way arrives.
const PARTING: Duration = Duration::from_millis(500);

/// How a test call went.
pub(super) enum Went {
    /// It was answered, dialled into and listened to.
    Through(Dialler),
    /// The far end, or the carrier, said no with this status; 408 if nobody answered.
    Refused(u16),
}

/// Calls through the edge and dials `keys` by ear; `said` is told of each step.
pub(super) fn call(
    edge: SocketAddr,
    from: &str,
    keys: &str,
    mut said: impl FnMut(Duration, &str),
) -> io::Result<Went> {
    let mut line = Line::open(edge, from)?;
    line.phone.call(NUMBER, line.clock.now().at, &mut line.out);
    let begun = line.clock.now().at;
    while line.phone.moment(Moment::Told(200)).is_none() {
        let now = line.turn(&mut |_, _| ());
        let refused = line.phone.finals().into_iter().find(|it| *it != 200);
        if let Some(status) = refused.or((RINGS <= now.since(begun)).then_some(408)) {
            line.part();
            return Ok(Went::Refused(status));
        }
    }
    let answered = line.clock.now().at;
    said(Duration::ZERO, "answered");
    let mut dialler = Dialler::new(keys);
    let mut voice = VoiceDetector::default();
    loop {
        let mut speech = false;
        let now = line.turn(&mut |law, octets| {
            let mut samples = vec![0; octets.len()];
            law.decode_into(octets, &mut samples);
            speech |= voice.hear(&samples);
        });
        let at = now.since(answered);
        let before = dialler.heard.len();
        if let Some(key) = dialler.hear(at, speech) {
            said(at, &format!("dials {key}"));
            line.phone.press(key);
        }
        if before < dialler.heard.len() {
            said(at, "somebody speaks");
        }
        let gone = line.phone.moment(Moment::HungUpOn).is_some();
        if gone {
            said(at, "the far end hangs up");
        }
        if gone || dialler.is_done(at) || LONGEST <= at {
            line.part();
            return Ok(Went::Through(dialler));
        }
    }
}

struct Line {
    clock: Clock,
    phone: Phone,
    sip: UdpSocket,
    rtp: UdpSocket,
    out: Vec<Datagram>,
}

impl Line {
    fn open(edge: SocketAddr, from: &str) -> io::Result<Self> {
        let (sip, rtp) = (UdpSocket::bind((CALLER, 0))?, UdpSocket::bind((CALLER, 0))?);
        sip.set_nonblocking(true)?;
        rtp.set_nonblocking(true)?;
        let mut phone = Phone::new("learner", sip.local_addr()?, edge, 0);
        phone.media = rtp.local_addr()?;
        phone.number = from.to_owned();
        // Silence, but sent: many far ends hang up on a line without packets.
        phone.mouth.silent(false);
        phone.mouth.speaks_until(Instant::START);
        Ok(Self { clock: Clock::start(), phone, sip, rtp, out: Vec::new() })
    }

    /// Takes what has come, sends what is due, waits a moment.
    fn turn(&mut self, hear: &mut dyn FnMut(Law, &[u8])) -> Instant {
        let now = self.clock.now().at;
        let mut buffer = [0; 4096];
        for (socket, to) in [(&self.sip, self.phone.address), (&self.rtp, self.phone.media)] {
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let bytes = buffer[..length].to_vec();
                if to == self.phone.media
                    && let Some(header) = Header::read(&bytes)
                    && let Some(law) = law(header.stamp.payload_type)
                    && let Some(octets) = bytes.get(header.payload())
                {
                    hear(law, octets);
                }
                self.phone.on_datagram(&Datagram { from, to, bytes }, now, &mut self.out);
            }
        }
        self.phone.on_time(now, &mut self.out);
        for Datagram { from, to, bytes } in self.out.drain(..) {
            let socket = if from == self.phone.address { &self.sip } else { &self.rtp };
            // A full buffer costs this datagram, as the network might.
            let _ = socket.send_to(&bytes, to);
        }
        let wait = Timespec { tv_sec: 0, tv_nsec: i64::from(LOOK.subsec_nanos()) };
        let mut fds = [&self.sip, &self.rtp].map(|it| PollFd::new(it, PollFlags::IN));
        // A signal wakes us early, which is no harm.
        let _ = poll(&mut fds, Some(&wait));
        now
    }

    fn part(&mut self) {
        let now = self.clock.now().at;
        self.phone.hang_up(now, &mut self.out);
        while self.clock.now().at.since(now) < PARTING {
            self.turn(&mut |_, _| ());
        }
    }
}

/// Static payload types of G.711 (RFC 3551 section 6).
fn law(payload_type: u8) -> Option<Law> {
    match payload_type {
        0 => Some(Law::Mu),
        8 => Some(Law::A),
        _ => None,
    }
}
