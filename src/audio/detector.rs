//! Hears keypad tones in a voice (ITU-T Q.23, Q.24): eight Goertzel filters over 12.75 ms.
//!
//! A key counts once it has been heard in two blocks running (25 ms), or in three (38 ms) where it is
//! not expected in the voice, and ends when it has been missed in three. Limits follow Q.24: twist of 8 dB (column louder) and 6 dB (row louder), each
//! frequency 8 dB above its neighbours, and the pair holding most of the energy, so that speech
//! is not taken for keys.

use super::tone::{FREQUENCIES, key_at};
use super::{Digit, RATE};

/// One voice, listened to. Feed it every sample in order.
#[derive(Clone, Debug, Default)]
pub struct Detector {
    /// The filters' last two outputs, side by side so that all eight run at once.
    one: [f32; 8],
    two: [f32; 8],
    energy: f32,
    filled: usize,
    last: Option<Digit>,
    /// Blocks running in which `last` was heard, after the first.
    again: u8,
    /// More of those than usual until it counts.
    doubt: u8,
    down: Option<Digit>,
    misses: u8,
}

/// Samples a block: short enough for a 40 ms key, long enough to part 697 from 770 Hz.
const BLOCK: usize = 102;
/// Blocks without the key until it is up.
const MISSES: u8 = 3;
/// Least power of one frequency: a sine of about -30 dBm0.
const THRESHOLD: f32 = 5.0e7;
const COLUMN_TWIST: f32 = 6.3;
const ROW_TWIST: f32 = 4.0;
const NEIGHBOUR: f32 = 6.3;
/// Least share of the block's energy held by the pair: 82 % of a pure pair's.
const SHARE: f32 = 0.82 * BLOCK as f32 / 2.0;

impl Detector {
    /// The key that went down within these samples, if one did.
    pub fn hear(&mut self, samples: &[i16]) -> Option<Digit> {
        let mut pressed = None;
        for sample in samples {
            let x = f32::from(*sample);
            self.energy += x * x;
            let mut next = [0.0; 8];
            for n in 0..8 {
                next[n] = x + TWICE_COSINE[n] * self.one[n] - self.two[n];
            }
            self.two = self.one;
            self.one = next;
            self.filled += 1;
            if self.filled == BLOCK {
                pressed = self.block().or(pressed);
            }
        }
        pressed
    }

    /// For a voice in which keys are not expected: speech is taken for one less easily. The
    /// shortest key that must be understood lasts 40 ms (Q.24).
    pub fn doubtful() -> Self {
        Self { doubt: 1, ..Self::default() }
    }

    /// A key is down, for as long as it takes to be believed.
    pub fn is_down(&self) -> bool {
        self.down.is_some()
    }

    /// A key is down, or one block sounds as if it were: after 13 ms instead of 25.
    pub fn hears_key(&self) -> bool {
        self.last.is_some() || self.down.is_some()
    }

    fn block(&mut self) -> Option<Digit> {
        let mut power = [0.0; 8];
        for (n, power) in power.iter_mut().enumerate() {
            let (one, two) = (self.one[n], self.two[n]);
            *power = one * one + two * two - TWICE_COSINE[n] * one * two;
        }
        let heard = decide(&power, self.energy);
        self.one = [0.0; 8];
        self.two = [0.0; 8];
        self.energy = 0.0;
        self.filled = 0;
        self.count(heard)
    }

    fn count(&mut self, heard: Option<Digit>) -> Option<Digit> {
        self.again = if heard == self.last { self.again.saturating_add(1) } else { 0 };
        self.last = heard;
        let sure = heard.filter(|_| self.doubt < self.again);
        if let Some(digit) = sure
            && self.down != Some(digit)
        {
            self.down = Some(digit);
            self.misses = 0;
            return Some(digit);
        }
        if heard.is_some() && heard == self.down {
            self.misses = 0;
        } else if self.down.is_some() {
            self.misses += 1;
            if self.misses == MISSES {
                self.down = None;
                self.misses = 0;
            }
        }
        None
    }
}

fn decide(power: &[f32; 8], energy: f32) -> Option<Digit> {
    let (rows, columns) = power.split_at(4);
    let (row, row_power) = loudest(rows)?;
    let (column, column_power) = loudest(columns)?;
    let pair_is_level =
        column_power <= row_power * COLUMN_TWIST && row_power <= column_power * ROW_TWIST;
    let stands_out = |group: &[f32], best: usize, power: f32| {
        group.iter().enumerate().all(|(n, it)| n == best || it * NEIGHBOUR < power)
    };
    let clear = THRESHOLD < row_power
        && THRESHOLD < column_power
        && pair_is_level
        && stands_out(rows, row, row_power)
        && stands_out(columns, column, column_power)
        && SHARE * energy < row_power + column_power;
    if clear { key_at(row, column) } else { None }
}

fn loudest(group: &[f32]) -> Option<(usize, f32)> {
    group.iter().copied().enumerate().max_by(|one, other| one.1.total_cmp(&other.1))
}

/// `2 cos(2 pi f / 8000)` of each frequency.
static TWICE_COSINE: [f32; 8] = table();

/// Cosine by its series: all angles are below pi/2, where eight terms are exact to f32.
const fn table() -> [f32; 8] {
    let mut table = [0.0; 8];
    let mut n = 0;
    while n < 8 {
        let x = std::f64::consts::TAU * FREQUENCIES[n] as f64 / RATE as f64;
        let mut term = 1.0;
        let mut sum = 1.0;
        let mut k = 1;
        while k < 12 {
            term *= -x * x / ((2 * k - 1) * (2 * k)) as f64;
            sum += term;
            k += 1;
        }
        table[n] = (2.0 * sum) as f32;
        n += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::Tone;
    use super::*;

    fn key(c: char) -> Digit {
        Digit::from_char(c).unwrap()
    }

    fn pressed(detector: &mut Detector, samples: &[i16]) -> String {
        samples.chunks(160).filter_map(|it| detector.hear(it)).map(Digit::as_char).collect()
    }

    fn dialled(keys: &str, tone_ms: usize, gap_ms: usize) -> Vec<i16> {
        let mut samples = vec![0; 333];
        for c in keys.chars() {
            let start = samples.len();
            samples.resize(start + tone_ms * 8, 0);
            Tone::key(key(c)).fill(&mut samples[start..]);
            samples.resize(samples.len() + gap_ms * 8, 0);
        }
        samples
    }

    #[test]
    fn all_sixteen_keys_are_heard_once_each() {
        let keys = "0123456789*#ABCD";
        let samples = dialled(keys, 100, 100);
        assert_eq!(pressed(&mut Detector::default(), &samples), keys);
    }

    #[test]
    fn a_key_held_for_two_seconds_is_one_press_and_pressing_it_again_is_another() {
        let samples = dialled("55", 2000, 60);
        assert_eq!(pressed(&mut Detector::default(), &samples), "55");
    }

    #[test]
    fn keys_survive_companding_and_quiet_lines() {
        let samples: Vec<i16> = dialled("159D", 60, 60)
            .into_iter()
            .map(|it| super::super::Law::Mu.decode(super::super::Law::Mu.encode(it / 8)))
            .collect();
        assert_eq!(pressed(&mut Detector::default(), &samples), "159D");
    }

    #[test]
    fn one_frequency_alone_noise_and_ringing_are_no_keys() {
        let mut samples = vec![0; 16000];
        Tone::beep(941).fill(&mut samples);
        assert_eq!(pressed(&mut Detector::default(), &samples), "");
        super::super::Ringing::new(super::super::Ringback::Us).fill(&mut samples);
        assert_eq!(pressed(&mut Detector::default(), &samples), "");
        let mut state = 7u32;
        for sample in &mut samples {
            state = state.wrapping_mul(1664525).wrapping_add(1013904223);
            *sample = (state >> 16) as i16;
        }
        assert_eq!(pressed(&mut Detector::default(), &samples), "");
    }

    #[test]
    fn a_key_under_a_loud_voice_of_other_frequencies_is_not_taken() {
        let mut samples = dialled("5", 200, 100);
        let mut voice = vec![0; samples.len()];
        Tone::beep(300).fill(&mut voice);
        for (sample, voice) in samples.iter_mut().zip(&voice) {
            *sample = sample.saturating_add(voice.saturating_mul(3));
        }
        assert_eq!(pressed(&mut Detector::default(), &samples), "");
    }
}
