//! The one stream towards the far end: another leg's packets renumbered in place, or our own.

use std::net::SocketAddr;

use smallvec::SmallVec;

use super::Session;
use super::inbound::Heard;
use super::packer::Packer;
use crate::audio::{Digit, Law, Line, Script};
use crate::clock::Instant;
use crate::media::clips::Clips;
use crate::media::player::{Frame, Player, Told};
use crate::media::script::Performance;
use crate::media::{Channel, FRAME, Keys, Outlet, Report, Samples, Unheard};
use crate::rtp::{Event, HEADER, Header, KeySender, Stamp};

/// Frames that a program said, and their ticks.
pub(in crate::media) type Said = SmallVec<[(Instant, Law, [u8; FRAME]); 1]>;

impl Session {
    /// The most keys that wait to be pressed for a far end.
    const DIALLING: usize = 32;

    /// Turns a packet of `from` into the next one of this leg's stream, in place. Where it goes,
    /// or `None` if this leg does not get it.
    pub fn relay(
        &mut self,
        from: &Self,
        heard: Heard,
        header: &Header,
        packet: &mut [u8],
        now: Instant,
    ) -> Option<SocketAddr> {
        let Some((to, payload_type)) = self.passes(from, heard, header, packet) else {
            self.stream.swallow(&header.stamp, now);
            return None;
        };
        self.stream.relay(&header.stamp, payload_type, now)?.rewrite(packet);
        self.control.sent(header.payload().len());
        Some(to)
    }

    /// Where a packet goes and as what, its payload put into this leg's words; `None` if this leg
    /// does not get it.
    fn passes(
        &self,
        from: &Self,
        heard: Heard,
        header: &Header,
        packet: &mut [u8],
    ) -> Option<(SocketAddr, u8)> {
        let remote = self.remote.as_ref().filter(|it| it.send)?;
        let to = self.gate.target()?;
        if self.dials() {
            return None;
        }
        let theirs = from.remote.as_ref()?;
        let payload_type = match heard {
            Heard::Voice(law) => {
                let mine = remote.codec.kind.law()?;
                let octets = packet.get_mut(header.payload())?;
                match from.hushes() {
                    true => octets.fill(mine.silence()),
                    false => law.recode_in_place(mine, octets),
                }
                remote.codec.send_pt
            }
            Heard::Opaque => {
                let shared = remote.codec.kind == theirs.codec.kind
                    && remote.codec.clock == theirs.codec.clock;
                if !shared {
                    return None;
                }
                remote.codec.send_pt
            }
            Heard::Comfort => {
                remote.codec.kind.law().filter(|_| theirs.codec.kind.law().is_some())?;
                header.stamp.payload_type
            }
            Heard::Event(event) => match (remote.keys, theirs.keys) {
                (Keys::Events { send_pt, clock, .. }, Keys::Events { clock: theirs, .. })
                    if !from.keeps_key() =>
                {
                    if clock != theirs {
                        let payload = packet.get_mut(header.payload())?.first_chunk_mut()?;
                        *payload = in_clock(event, theirs, clock).payload();
                    }
                    send_pt
                }
                _ => return None,
            },
        };
        Some((to, payload_type))
    }

    /// A key of the leg this one hears, which came as `events` or otherwise: unless it passes as
    /// it is, it is pressed for the far end in the way it takes keys.
    pub fn dial(&mut self, digit: Digit, events: bool, now: Instant, out: &mut dyn Outlet) {
        let Some(remote) = &self.remote else { return };
        match remote.keys {
            Keys::Events { .. } if events => {}
            Keys::Outside => out.report(Report::Press { session: self.id, digit }),
            Keys::Events { .. } | Keys::InBand => {
                if self.dialling.len() < Self::DIALLING {
                    self.dialling.push_back(digit);
                }
                self.wind(now);
            }
        }
    }

    /// Keys are being pressed for the far end; it hears no voice meanwhile.
    pub(super) fn dials(&self) -> bool {
        self.dialled.is_some() || !self.dialling.is_empty()
    }

    /// Plays what is due by `now`. What a program says goes to `said` as well, in this leg's law.
    pub fn play(&mut self, clips: &Clips, now: Instant, said: &mut Said, out: &mut dyn Outlet) {
        while let Some(at) = self.due_tick(now) {
            self.tick(clips, at, said, out);
        }
    }

    fn tick(&mut self, clips: &Clips, at: Instant, said: &mut Said, out: &mut dyn Outlet) {
        let Some(remote) = &self.remote else { return };
        let (id, keys, law) = (self.id, remote.keys, remote.codec.kind.law());
        // A far end whose codec we do not speak cannot be played to: every clip is missing.
        let none = Clips::default();
        let clips = if law.is_some() { clips } else { &none };
        let in_band = keys == Keys::InBand;
        let mut samples = [0; FRAME];
        if let Some(stream) = self.stream() {
            stream.tell(at, out);
            if law.is_none() && stream.fails() {
                out.report(Report::StreamFailed { stream: stream.id, why: Unheard::Codec });
            }
        }
        let streams = self.stream().is_some();
        let dials = streams && self.dials();
        let frame = match &mut self.player {
            // Keys that a program presses are heard in place of its voice, which waits.
            Some(Player::Stream(_)) if dials => {
                self.dial_tick(clips, in_band, &mut samples).unwrap_or(Frame::Silence)
            }
            Some(player) => {
                player.tick(clips, in_band, &mut samples, &mut |it| out.report(report(id, it)))
            }
            None => match self.dial_tick(clips, in_band, &mut samples) {
                Some(frame) => frame,
                None => return self.wind(at),
            },
        };
        match (frame, keys) {
            (Frame::Key { digit, begins }, Keys::Events { send_pt, clock, .. }) => {
                if !self.press_tick(digit, begins, send_pt, clock, at, out) {
                    self.silence(law, at, out);
                }
            }
            (Frame::Key { digit, begins }, Keys::Outside | Keys::InBand) => {
                if begins {
                    out.report(Report::Press { session: id, digit });
                }
                self.silence(law, at, out);
            }
            (Frame::Silence, _) => self.silence(law, at, out),
            (Frame::Voice, _) => {
                let Some(law) = law else { return };
                let mut octets = [0; FRAME];
                law.encode_into(&samples, &mut octets);
                if streams {
                    said.push((at, law, octets));
                }
                self.speak(&octets, at, out);
            }
        }
    }

    /// The next 20 ms of the keys that are pressed for the far end; `None` after the last.
    fn dial_tick(&mut self, clips: &Clips, in_band: bool, samples: &mut Samples) -> Option<Frame> {
        loop {
            if self.dialled.is_none() {
                let digit = self.dialling.pop_front()?;
                let script = Script::new(vec![Line::Press(digit)]);
                self.dialled = Some(Box::new(Performance::new(script)));
            }
            let dialled = self.dialled.as_mut()?;
            let mut over = false;
            let frame = dialled.tick(clips, in_band, samples, &mut |it| over |= it == Told::Done);
            if !over {
                return Some(frame);
            }
            self.dialled = None;
        }
    }

    fn silence(&mut self, law: Option<Law>, at: Instant, out: &mut dyn Outlet) {
        if let Some(law) = law {
            self.speak(&[law.silence(); FRAME], at, out);
        }
    }

    /// Sends the packet of a key press that is due; `false` if none is any more.
    fn press_tick(
        &mut self,
        digit: Digit,
        begins: bool,
        payload_type: u8,
        clock: u32,
        at: Instant,
        out: &mut dyn Outlet,
    ) -> bool {
        if begins {
            self.packer.clear();
            let position = self.stream.position(at);
            self.pressing = Some(KeySender::press(digit.event(), clock, position, Script::TONE));
        }
        let Some(packet) = self.pressing.as_mut().and_then(Iterator::next) else {
            self.pressing = None;
            return false;
        };
        if let Some(to) = self.target() {
            let stamp = self.stream.key(&packet, payload_type, at);
            self.emit(stamp, &packet.event.payload(), to, out);
        }
        true
    }

    /// Sends a frame of our own voice, in packets of the length that was agreed.
    fn speak(&mut self, frame: &[u8; FRAME], at: Instant, out: &mut dyn Outlet) {
        let Some(to) = self.target() else { return };
        let Some(payload_type) = self.remote.as_ref().map(|it| it.codec.send_pt) else { return };
        let mut packer = std::mem::take(&mut self.packer);
        packer.pack(frame, |octets| {
            let stamp = self.stream.frame(payload_type, octets.len() as u32, at);
            self.emit(stamp, octets, to, out);
        });
        self.packer = packer;
    }

    fn emit(&mut self, stamp: Stamp, payload: &[u8], to: SocketAddr, out: &mut dyn Outlet) {
        let mut buffer = [0; HEADER + Packer::LONGEST];
        if let Some(length) = stamp.write(payload, &mut buffer) {
            self.control.sent(payload.len());
            out.send(self.port, Channel::Rtp, to, &buffer[..length]);
        }
    }

    /// Where packets to the far end go, if it may be sent any.
    pub(super) fn target(&self) -> Option<SocketAddr> {
        self.remote.as_ref().filter(|it| it.send)?;
        self.gate.target()
    }
}

/// The same event with its duration in another clock's units.
fn in_clock(event: Event, from: u32, to: u32) -> Event {
    let duration = u64::from(event.duration) * u64::from(to) / u64::from(from.max(1));
    Event { duration: u16::try_from(duration).unwrap_or(u16::MAX), ..event }
}

fn report(session: crate::media::SessionId, told: Told) -> Report {
    match told {
        Told::Line(line) => Report::Line { session, line },
        Told::Done => Report::ScriptDone { session },
        Told::Declined => Report::Declined { session },
        Told::ClipMissing(clip) => Report::ClipMissing { session, clip },
        Told::Voice => Report::Voice { session },
    }
}
