//! What a simulated phone says: a tone of its own for a voice, and keys by RFC 4733, or as tones in
//! the voice where no events were agreed on.

use std::collections::VecDeque;
use std::time::Duration;

use rtp_rs::RtpPacketBuilder;

use crate::audio::{Digit, Law};
use crate::clock::Instant;

const FRAME: Duration = Duration::from_millis(20);
const SAMPLES: usize = 160;
/// Packets of one key press: 100 ms of tone, then the end three times.
const PRESS_PACKETS: u16 = 5;
const END_PACKETS: u16 = 3;
/// Frames of a key in the voice: 100 ms of tone, then as much silence.
const ALOUD_FRAMES: u16 = 10;
const KEYPAD: &[u8; 16] = b"123A456B789C*0#D";
const ROWS: [f64; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS: [f64; 4] = [1209.0, 1336.0, 1477.0, 1633.0];

pub struct Mouth {
    hertz: u16,
    silent: bool,
    speaks_until: Option<Instant>,
    next: Instant,
    sequence: u16,
    timestamp: u32,
    ssrc: u32,
    frame: Option<(u8, Vec<u8>)>,
    keys: VecDeque<char>,
    pressing: Option<Press>,
}

struct Press {
    key: char,
    code: u8,
    timestamp: u32,
    packets: u16,
}

impl Mouth {
    /// A voice that is a tone of `hertz`; 0 is silence.
    pub fn new(hertz: u16) -> Self {
        Self {
            hertz,
            silent: hertz == 0,
            speaks_until: None,
            next: Instant::START,
            sequence: 7,
            timestamp: 1000,
            ssrc: u32::from(hertz) + 1,
            frame: None,
            keys: VecDeque::new(),
            pressing: None,
        }
    }

    pub fn begin(&mut self, now: Instant) {
        self.next = self.next.max(now);
    }

    /// Stops or starts sending packets.
    pub fn silent(&mut self, silent: bool) {
        self.silent = silent;
    }

    /// Speaks until then, and sends silence afterwards.
    pub fn speaks_until(&mut self, until: Instant) {
        self.speaks_until = Some(until);
    }

    pub fn press(&mut self, key: char) {
        self.keys.push_back(key);
    }

    pub fn next(&self) -> Instant {
        self.next
    }

    /// The packets due by now.
    pub fn due(&mut self, now: Instant, voice_type: u8, keys_type: Option<u8>) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        while self.next <= now {
            self.next += FRAME;
            self.timestamp = self.timestamp.wrapping_add(SAMPLES as u32);
            if self.pressing.is_none()
                && let Some(key) = self.keys.pop_front()
                && let Some(code) = Digit::from_char(key).map(Digit::event)
            {
                self.pressing = Some(Press { key, code, timestamp: self.timestamp, packets: 0 });
            }
            match (self.pressing.take(), keys_type) {
                (Some(press), Some(keys_type)) => packets.push(self.key(press, keys_type)),
                (Some(press), None) => packets.push(self.aloud(press, voice_type)),
                _ if self.speaks_until.is_some_and(|it| it < self.next) => {
                    let silence = if voice_type == 8 { 0xd5 } else { 0xff };
                    let frame = [silence; SAMPLES];
                    packets.push(self.packet(voice_type, self.timestamp, false, &frame));
                }
                _ if !self.silent => packets.push(self.voice(voice_type)),
                _ => (),
            }
        }
        packets
    }

    fn voice(&mut self, payload_type: u8) -> Vec<u8> {
        // Voices are multiples of 50 Hz: every frame of one is the same.
        if self.frame.as_ref().is_none_or(|(it, _)| *it != payload_type) {
            let step = std::f64::consts::TAU * f64::from(self.hertz) / 8000.0;
            let law = if payload_type == 8 { Law::A } else { Law::Mu };
            let sample = |n: u32| law.encode(((f64::from(n) * step).sin() * 8000.0) as i16);
            self.frame = Some((payload_type, (0..SAMPLES as u32).map(sample).collect()));
        }
        let (_, frame) = self.frame.clone().unwrap_or_default();
        self.packet(payload_type, self.timestamp, false, &frame)
    }

    fn key(&mut self, mut press: Press, payload_type: u8) -> Vec<u8> {
        press.packets += 1;
        let end = PRESS_PACKETS <= press.packets;
        let duration = press.packets.min(PRESS_PACKETS) * SAMPLES as u16;
        let [high, low] = duration.to_be_bytes();
        let payload = [press.code, 10 | if end { 0x80 } else { 0 }, high, low];
        let (timestamp, first) = (press.timestamp, press.packets == 1);
        if press.packets < PRESS_PACKETS + END_PACKETS - 1 {
            self.pressing = Some(press);
        }
        self.packet(payload_type, timestamp, first, &payload)
    }

    /// The next frame of a key in the voice (ITU-T Q.23).
    fn aloud(&mut self, mut press: Press, payload_type: u8) -> Vec<u8> {
        let law = if payload_type == 8 { Law::A } else { Law::Mu };
        let place = KEYPAD.iter().position(|it| char::from(*it) == press.key).unwrap_or_default();
        let first = u32::from(press.packets) * SAMPLES as u32;
        let tone = |n: u32| {
            let time = std::f64::consts::TAU * f64::from(first + n) / 8000.0;
            (ROWS[place / 4] * time).sin() + (COLUMNS[place % 4] * time).sin()
        };
        let sounds = press.packets < ALOUD_FRAMES / 2;
        let sample = |n| law.encode(if sounds { (tone(n) * 7000.0) as i16 } else { 0 });
        let frame: Vec<u8> = (0..SAMPLES as u32).map(sample).collect();
        press.packets += 1;
        if press.packets < ALOUD_FRAMES {
            self.pressing = Some(press);
        }
        self.packet(payload_type, self.timestamp, false, &frame)
    }

    fn packet(&mut self, payload_type: u8, timestamp: u32, mark: bool, payload: &[u8]) -> Vec<u8> {
        self.sequence = self.sequence.wrapping_add(1);
        let built = RtpPacketBuilder::new()
            .payload_type(payload_type)
            .ssrc(self.ssrc)
            .sequence(self.sequence.into())
            .timestamp(timestamp)
            .marked(mark)
            .payload(payload)
            .build();
        built.unwrap_or_default()
    }
}
