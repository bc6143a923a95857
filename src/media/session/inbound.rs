//! What comes from the far end: admitted, counted, listened to for keys and speech.

use std::net::SocketAddr;
use std::time::Duration;

use super::Session;
use crate::audio::{Detector, Digit, Law};
use crate::clock::Instant;
use crate::media::{FRAME, Keys, Outlet};
use crate::rtp::{Event, Header};

/// What a packet that was admitted holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::media) enum Heard {
    Voice(Law),
    /// Voice of a codec that we only pass on.
    Opaque,
    /// Comfort noise (RFC 3389).
    Comfort,
    Event(Event),
}

/// What a payload type stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Payload {
    Voice(Law),
    Opaque,
    Comfort,
    Event,
}

/// Comfort noise: assigned, and before that reserved (RFC 3551 section 6).
const COMFORT: [u8; 2] = [13, 19];
/// A key in the voice and the same as an event within this time are one.
const TWICE: Duration = Duration::from_millis(300);
/// Static payload types of G.711 (RFC 3551 section 6).
const PCMU: u8 = 0;
const PCMA: u8 = 8;

impl Session {
    /// Takes a packet. `None` if it is nobody's: from a stranger, of an unknown payload type, or
    /// while the far end was told not to send.
    pub fn listen(
        &mut self,
        from: SocketAddr,
        header: &Header,
        packet: &[u8],
        now: Instant,
    ) -> Option<Heard> {
        let payload = self.payload(header.stamp.payload_type);
        if !self.gate.admit(from, header.stamp.ssrc, payload.is_some(), now) {
            return None;
        }
        self.sign_of_life(now);
        let payload = payload?;
        let voice = !matches!(payload, Payload::Event);
        self.reception.receive(&header.stamp, voice, now);
        if !self.remote.as_ref().is_some_and(|it| it.receive) {
            return None;
        }
        Some(match payload {
            Payload::Voice(law) => Heard::Voice(law),
            Payload::Opaque => Heard::Opaque,
            Payload::Comfort => Heard::Comfort,
            Payload::Event => Heard::Event(Event::read(packet.get(header.payload())?)?),
        })
    }

    pub(super) fn sign_of_life(&mut self, now: Instant) {
        self.heard = now;
        self.lost = false;
    }

    /// What a payload type means on this leg. Both laws are understood whichever was agreed, and
    /// a peer that sends what it wants to receive is understood too.
    fn payload(&self, payload_type: u8) -> Option<Payload> {
        let remote = self.remote.as_ref()?;
        if let Keys::Events { send_pt, receive_pt, .. } = remote.keys
            && (payload_type == receive_pt || payload_type == send_pt)
        {
            return Some(Payload::Event);
        }
        let codec = &remote.codec;
        if payload_type == codec.receive_pt || payload_type == codec.send_pt {
            return Some(codec.kind.law().map_or(Payload::Opaque, Payload::Voice));
        }
        match (payload_type, codec.kind.law()) {
            (PCMU, Some(_)) => Some(Payload::Voice(Law::Mu)),
            (PCMA, Some(_)) => Some(Payload::Voice(Law::A)),
            _ if COMFORT.contains(&payload_type) => Some(Payload::Comfort),
            _ => None,
        }
    }

    /// The key that goes down with this packet, if one does: by event, or in the voice of a leg
    /// that has no events, or of one that has them but never sent any while somebody waits for a
    /// key (EDGE C-29: gateways agree on events and send tones). Speech is noticed on the way.
    pub fn key_in(
        &mut self,
        heard: Heard,
        header: &Header,
        packet: &[u8],
        now: Instant,
    ) -> Option<Digit> {
        match heard {
            Heard::Event(event) => {
                let code = self.keys.receive(&header.stamp, event, now)?;
                self.taken = false;
                let digit = Digit::from_event(code);
                if !std::mem::replace(&mut self.events_seen, true) {
                    self.detector = None;
                }
                // The beginning of its tone may have been let through before it.
                let heard = self.in_voice.take();
                digit.filter(|digit| {
                    heard.is_none_or(|it| it.0 != *digit || TWICE <= now.since(it.1))
                })
            }
            Heard::Voice(law) => {
                self.doubt();
                let awaits = self.player.as_mut().and_then(|it| it.listener()).is_some();
                if !awaits && self.detector.is_none() && !self.listens_for_answer() {
                    return None;
                }
                self.ears(law, packet.get(header.payload())?, now)
            }
            Heard::Opaque | Heard::Comfort => None,
        }
    }

    fn ears(&mut self, law: Law, octets: &[u8], now: Instant) -> Option<Digit> {
        let mut samples = [0; FRAME];
        let mut pressed = None;
        for octets in octets.chunks(FRAME) {
            let samples = &mut samples[..octets.len()];
            law.decode_into(octets, samples);
            if let Some(script) = self.player.as_mut().and_then(|it| it.listener()) {
                script.hear(samples);
            }
            self.hear_answer(samples, now);
            if let Some(detector) = &mut self.detector {
                pressed = detector.hear(samples).or(pressed);
            }
        }
        if let Some(digit) = pressed.filter(|_| self.has_events()) {
            self.in_voice = Some((digit, now));
        }
        pressed
    }

    fn has_events(&self) -> bool {
        self.remote.as_ref().is_some_and(|it| matches!(it.keys, Keys::Events { .. }))
    }

    /// Whether keys are listened for in the voice of a leg that has events. Not where the voice is
    /// only passed on: then nobody here waits for keys, the tones pass with it, and it would cost.
    fn doubt(&mut self) {
        if !self.has_events() {
            return;
        }
        let waits = self.player.is_some() || self.swallow;
        if self.events_seen || !waits {
            self.detector = None;
        } else if self.detector.is_none() {
            self.detector = Some(Box::new(Detector::doubtful()));
        }
    }

    /// Voice of the far end, for the program that hears it if one does.
    pub fn overhear(
        &mut self,
        law: Law,
        header: &Header,
        packet: &[u8],
        now: Instant,
        out: &mut dyn Outlet,
    ) {
        if let Some(stream) = self.stream()
            && let Some(octets) = packet.get(header.payload())
        {
            stream.hear(law, &header.stamp, octets, now, out);
        }
    }

    /// A key of the far end; `true` if an accept line took it.
    pub fn press(&mut self, digit: Digit) -> bool {
        let accepts = self.player.as_mut().is_some_and(|it| it.key(digit));
        self.taken = accepts || self.swallow || self.listeners.is_empty();
        accepts
    }

    /// The key that is down is not for who hears this leg: all are swallowed; or it was swallowed,
    /// an accept line took it or nobody was there when it went down, and the rest of it comes when
    /// the legs are joined already.
    pub fn keeps_key(&self) -> bool {
        self.swallow || self.taken
    }

    /// A key sounds in the voice, and is not for who hears this leg. What of it was passed on
    /// before it could be known (13 ms, a packet at most) is too short to be a key (Q.24: 20 ms).
    pub fn hushes(&self) -> bool {
        let sounds = |it: &Detector| if self.has_events() { it.is_down() } else { it.hears_key() };
        self.swallow && self.detector.as_ref().is_some_and(|it| sounds(it))
    }
}
