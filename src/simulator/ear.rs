//! What a simulated phone hears: which tones, which keys, when, and whether the stream is sound.

use std::sync::LazyLock;
use std::time::Duration;

use rtp_rs::RtpReader;

use crate::audio::{Digit, Law};
use crate::clock::Instant;

/// Tones that can be told apart: phones' voices, prompts, and the beep before a call's time is over.
const KNOWN: &[u16] = &[
    300, 350, 500, 600, 700, 800, 900, 1000, 1100, 1200, 1300, 1400, 1500, 1700, 1900, 2100, 2300,
    2500, 2700, 2900, 3100, 3300, 3500,
];
/// The share of a frame's energy that makes a tone the one heard.
const CLEAR_SHARE: f32 = 0.6;
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
    /// Counts packets and hears keys, but does not tell sounds apart (it takes long).
    pub dull: bool,
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
            (0, payload) => self.sound(&samples(payload, Law::Mu), now),
            (8, payload) => self.sound(&samples(payload, Law::A), now),
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

    /// Listens to 20 ms.
    pub(super) fn sound(&mut self, samples: &[i16], now: Instant) {
        if self.dull {
            return;
        }
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

    fn key(
        &mut self,
        code: u8,
        end: bool,
        duration: u16,
        timestamp: u32,
        marked: bool,
        now: Instant,
    ) {
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

fn samples(payload: &[u8], law: Law) -> Vec<i16> {
    payload.iter().map(|it| law.decode(*it)).collect()
}

/// The sound of one frame of 20 ms.
fn recognise(samples: &[i16]) -> Sound {
    let energy: f32 = samples.iter().map(|it| f32::from(*it).powi(2)).sum();
    let length = samples.len() as f32;
    if energy < 1000.0 * length {
        return Sound::Silence;
    }
    let share = |wave: &Wave| 2.0 * wave.power(samples) / (energy * length);
    let best = TONES.iter().map(|wave| (share(wave), wave.hertz));
    match best.max_by(|a, b| a.0.total_cmp(&b.0)) {
        Some((part, hertz)) if CLEAR_SHARE < part => Sound::Tone(hertz),
        _ if CLEAR_SHARE < RINGING.iter().map(share).sum::<f32>() => Sound::Ringing,
        _ => Sound::Other,
    }
}

static TONES: LazyLock<Vec<Wave>> =
    LazyLock::new(|| KNOWN.iter().map(|it| Wave::of(*it)).collect());
static RINGING: LazyLock<[Wave; 2]> = LazyLock::new(|| [Wave::of(440), Wave::of(480)]);

/// One frequency, to compare a frame with.
struct Wave {
    hertz: u16,
    table: Vec<(f32, f32)>,
}

impl Wave {
    fn of(hertz: u16) -> Self {
        let step = std::f64::consts::TAU * f64::from(hertz) / 8000.0;
        let at = |n: u16| (f64::from(n) * step).sin_cos();
        let table = (0..480).map(at).map(|(sin, cos)| (sin as f32, cos as f32)).collect();
        Self { hertz, table }
    }

    /// The squared magnitude of it in these samples.
    fn power(&self, samples: &[i16]) -> f32 {
        let (mut re, mut im) = (0.0, 0.0);
        for (sample, (sin, cos)) in samples.iter().zip(&self.table) {
            re += f32::from(*sample) * cos;
            im += f32::from(*sample) * sin;
        }
        re * re + im * im
    }
}
