//! What a simulated phone hears: which tones, which keys, when, and whether the stream is sound.

use std::time::Duration;

use rtp_rs::RtpReader;

use crate::audio::{Digit, g711};
use crate::clock::Instant;

/// Tones that can be told apart: phones' voices, prompts, and the two of the US ringing tone.
const KNOWN: &[u16] = &[300, 350, 500, 600, 700, 800, 900, 1000, 1100, 1200, 1300, 1500, 1700, 1900];
/// The share of a frame's energy that makes a tone the one heard.
const CLEAR_SHARE: f64 = 0.6;
/// Sounds less than this apart are one.
const GAP: Duration = Duration::from_millis(60);

/// What a stretch of sound is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    Silence,
    /// A tone of this many hertz.
    Tone(u16),
    Ringing,
    Other,
}

/// A stretch of one sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    pub from: Instant,
    pub to: Instant,
    pub sound: Sound,
}

/// A key press as it came over RFC 4733.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHeard {
    pub key: char,
    pub from: Instant,
    pub to: Instant,
    pub timestamp: u32,
    pub ends: u32,
    /// The longest duration said, in timestamp units.
    pub duration: u16,
    pub marked: bool,
}

#[derive(Default)]
pub struct Ear {
    pub heard: Vec<Heard>,
    pub keys: Vec<KeyHeard>,
    pub packets: u64,
    /// What was wrong with the stream: SSRC changes, jumps of the sequence, packets unread.
    pub faults: Vec<String>,
    last: Option<(u32, u16)>,
}

impl Ear {
    pub fn hears(&mut self, packet: &[u8], now: Instant) {
        let Ok(rtp) = RtpReader::new(packet) else {
            self.faults.push("not RTP".into());
            return;
        };
        self.packets += 1;
        let sequence = u16::from(rtp.sequence_number());
        if let Some((ssrc, last)) = self.last {
            if ssrc != rtp.ssrc() {
                self.faults.push(format!("the SSRC changed at {now:?}"));
            }
            let step = sequence.wrapping_sub(last) as i16;
            if 50 < step.abs() {
                self.faults.push(format!("the sequence jumped by {step} at {now:?}"));
            }
        }
        self.last = Some((rtp.ssrc(), sequence));
        match (rtp.payload_type(), rtp.payload()) {
            (0, payload) => self.sound(&samples(payload, g711::from_ulaw), now),
            (8, payload) => self.sound(&samples(payload, g711::from_alaw), now),
            (96.., [code, flags, high, low]) => {
                let duration = u16::from_be_bytes([*high, *low]);
                let (timestamp, mark) = (rtp.timestamp(), rtp.mark());
                self.key(*code, flags & 0x80 != 0, duration, timestamp, mark, now);
            }
            _ => (),
        }
    }

    /// All that was heard of this sound, together.
    pub fn total(&self, sound: Sound) -> Duration {
        let all = self.heard.iter().filter(|it| it.sound == sound);
        all.map(|it| it.to.since(it.from)).sum()
    }

    /// When this sound was first heard.
    pub fn first(&self, sound: Sound) -> Option<Instant> {
        self.heard.iter().find(|it| it.sound == sound).map(|it| it.from)
    }

    /// The keys in the order they came.
    pub fn keyed(&self) -> String {
        self.keys.iter().map(|it| it.key).collect()
    }

    fn sound(&mut self, samples: &[i16], now: Instant) {
        let sound = recognise(samples);
        let frame = Duration::from_millis(20);
        if let Some(last) = self.heard.last_mut()
            && last.sound == sound
            && now.since(last.to) <= GAP
        {
            last.to = now + frame;
            return;
        }
        self.heard.push(Heard { from: now, to: now + frame, sound });
    }

    fn key(&mut self, code: u8, end: bool, duration: u16, timestamp: u32, marked: bool, now: Instant) {
        let Some(digit) = Digit::from_event(code) else { return };
        let same = self.keys.iter_mut().rev().find(|it| it.timestamp == timestamp);
        let key = match same {
            Some(key) => key,
            None => {
                self.keys.push(KeyHeard {
                    key: digit.as_char(),
                    from: now,
                    to: now,
                    timestamp,
                    ends: 0,
                    duration: 0,
                    marked,
                });
                let last = self.keys.len() - 1;
                &mut self.keys[last]
            }
        };
        key.to = now;
        key.ends += u32::from(end);
        key.duration = key.duration.max(duration);
    }
}

fn samples(payload: &[u8], decode: impl Fn(u8) -> i16) -> Vec<i16> {
    payload.iter().map(|it| decode(*it)).collect()
}

/// The sound of one frame.
fn recognise(samples: &[i16]) -> Sound {
    let energy: f64 = samples.iter().map(|it| f64::from(*it).powi(2)).sum();
    if energy < 1000.0 * samples.len() as f64 {
        return Sound::Silence;
    }
    let share = |hertz: u16| {
        2.0 * power(samples, f64::from(hertz)) / (energy * samples.len() as f64)
    };
    if CLEAR_SHARE < share(440) + share(480) {
        return Sound::Ringing;
    }
    let best = KNOWN.iter().max_by(|a, b| share(**a).total_cmp(&share(**b)));
    match best {
        Some(hertz) if CLEAR_SHARE < share(*hertz) => Sound::Tone(*hertz),
        _ => Sound::Other,
    }
}

/// The squared magnitude of one frequency.
fn power(samples: &[i16], hertz: f64) -> f64 {
    let step = std::f64::consts::TAU * hertz / 8000.0;
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        re += f64::from(*sample) * (n as f64 * step).cos();
        im += f64::from(*sample) * (n as f64 * step).sin();
    }
    re * re + im * im
}
