//! Tones: sine generators that never lose their phase, keypad tones, the ringing of a country.
//!
//! Frequencies and cadences are those of ITU-T E.180 (ringing) and Q.23 (keypad). A generator
//! fills any number of samples at a time and goes on where it stopped.

use super::{Digit, RATE, Ringback};

/// One or two sines, added.
#[derive(Clone, Debug)]
pub struct Tone {
    voices: [Voice; 2],
}

#[derive(Clone, Copy, Debug)]
struct Voice {
    /// Position in the period, as a fraction of 2^32.
    phase: u32,
    step: u32,
    amplitude: i32,
}

/// Level of each ringing frequency: about -19 dBm0.
const RINGING: i32 = 2500;
/// Level of a single beep: about -13 dBm0.
const BEEP: i32 = 5000;
/// Keypad levels, about -10 and -8 dBm0: the high group 2 dB above the low one (Q.24).
const KEY_LOW: i32 = 7000;
const KEY_HIGH: i32 = 8800;

const ROWS: [u32; 4] = [697, 770, 852, 941];
const COLUMNS: [u32; 4] = [1209, 1336, 1477, 1633];

impl Tone {
    /// A beep; frequencies above 3.4 kHz do not travel and are brought down to it.
    pub fn beep(hz: u16) -> Self {
        Self::of(u32::from(hz).min(3400), 0, BEEP, 0)
    }

    /// The two frequencies of a key.
    pub fn key(digit: Digit) -> Self {
        let (row, column) = position(digit);
        Self::of(ROWS[row], COLUMNS[column], KEY_LOW, KEY_HIGH)
    }

    fn of(first: u32, second: u32, first_level: i32, second_level: i32) -> Self {
        let voice = |hz: u32, amplitude| Voice {
            phase: 0,
            step: ((u64::from(hz) << 32) / u64::from(RATE)) as u32,
            amplitude,
        };
        Self { voices: [voice(first, first_level), voice(second, second_level)] }
    }

    /// The next samples.
    pub fn fill(&mut self, samples: &mut [i16]) {
        for sample in samples {
            *sample = self.voices.iter_mut().map(Voice::next).sum::<i32>() as i16;
        }
    }
}

impl Voice {
    fn next(&mut self) -> i32 {
        let value = (sine(self.phase) * self.amplitude) >> 15;
        self.phase = self.phase.wrapping_add(self.step);
        value
    }
}

/// Row and column of a key on the pad: `123A 456B 789C *0#D`.
fn position(digit: Digit) -> (usize, usize) {
    const PLACES: [u8; 16] = [13, 0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 14, 3, 7, 11, 15];
    let place = usize::from(PLACES[usize::from(digit.event() & 15)]);
    (place / 4, place % 4)
}

/// The key at a row and column of the pad.
pub(super) fn key_at(row: usize, column: usize) -> Option<Digit> {
    "123A456B789C*0#D".chars().nth(row * 4 + column).and_then(Digit::from_char)
}

/// The eight keypad frequencies in Hz, rows first.
pub(super) const FREQUENCIES: [u32; 8] =
    [ROWS[0], ROWS[1], ROWS[2], ROWS[3], COLUMNS[0], COLUMNS[1], COLUMNS[2], COLUMNS[3]];

/// Ringing tone with its cadence.
#[derive(Clone, Debug)]
pub struct Ringing {
    tone: Tone,
    /// Lengths of sound, silence, sound, .. in samples.
    cadence: &'static [u32],
    turn: usize,
    left: u32,
}

const MS: u32 = RATE / 1000;

impl Ringing {
    /// Begins with sound.
    pub fn new(country: Ringback) -> Self {
        let (first, second, cadence): (_, _, &'static [u32]) = match country {
            Ringback::Us => (440, 480, &[2000 * MS, 4000 * MS]),
            Ringback::Uk => (400, 450, &[400 * MS, 200 * MS, 400 * MS, 2000 * MS]),
            Ringback::Eu => (425, 0, &[1000 * MS, 4000 * MS]),
        };
        let second_level = if second == 0 { 0 } else { RINGING };
        let tone = Tone::of(first, second, RINGING, second_level);
        Self { tone, cadence, turn: 0, left: cadence[0] }
    }

    /// The next samples. `false` when all of them are silence.
    pub fn fill(&mut self, mut samples: &mut [i16]) -> bool {
        let mut sounded = false;
        while !samples.is_empty() {
            let here = samples.len().min(self.left as usize);
            let (now, later) = samples.split_at_mut(here);
            if self.turn.is_multiple_of(2) {
                self.tone.fill(now);
                sounded = true;
            } else {
                now.fill(0);
            }
            self.left -= here as u32;
            if self.left == 0 {
                self.turn = (self.turn + 1) % self.cadence.len();
                self.left = self.cadence[self.turn];
            }
            samples = later;
        }
        sounded
    }
}

/// Sine of a phase in 1/2^32 of a period, scaled to +-32767, between 1024 points.
fn sine(phase: u32) -> i32 {
    let index = (phase >> 22) as usize;
    let between = ((phase >> 6) & 0xffff) as i32;
    let here = i32::from(SINE[index]);
    let there = i32::from(SINE[index + 1]);
    here + (((there - here) * between) >> 16)
}

static SINE: [i16; 1025] = sine_table();

/// Sine by its series, which converges to well below one step for a quarter of a period.
const fn sine_table() -> [i16; 1025] {
    let mut table = [0; 1025];
    let mut index = 0;
    while index <= 256 {
        let x = index as f64 * std::f64::consts::PI / 512.0;
        let square = x * x;
        let series = 1.0 - square / 110.0;
        let series = 1.0 - square / 72.0 * series;
        let series = 1.0 - square / 42.0 * series;
        let series = 1.0 - square / 20.0 * series;
        let series = 1.0 - square / 6.0 * series;
        let value = (x * series * 32767.0 + 0.5) as i16;
        table[index] = value;
        table[512 - index] = value;
        table[512 + index] = -value;
        table[1024 - index] = -value;
        index += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zero_crossings(samples: &[i16]) -> usize {
        samples.windows(2).filter(|it| it[0] < 0 && 0 <= it[1]).count()
    }

    #[test]
    fn the_sine_table_is_a_sine() {
        for (index, value) in SINE.iter().enumerate() {
            let exact = (index as f64 * std::f64::consts::TAU / 1024.0).sin() * 32767.0;
            assert!((f64::from(*value) - exact).abs() <= 1.0, "{index}: {value} {exact}");
        }
    }

    #[test]
    fn a_tone_has_its_frequency_and_goes_on_where_it_stopped() {
        let mut whole = vec![0; 8000];
        Tone::beep(1000).fill(&mut whole);
        assert!((999..=1000).contains(&zero_crossings(&whole)));
        let mut tone = Tone::beep(1000);
        let mut parts = vec![0; 8000];
        for part in parts.chunks_mut(37) {
            tone.fill(part);
        }
        assert_eq!(parts, whole);
    }

    #[test]
    fn us_ringing_sounds_two_seconds_of_six() {
        let mut samples = vec![0; 14 * 8000];
        let mut ringing = Ringing::new(Ringback::Us);
        for frame in samples.chunks_mut(160) {
            ringing.fill(frame);
        }
        let loud = |second: usize| samples[second * 8000..][..8000].iter().any(|it| *it != 0);
        let heard: Vec<usize> = (0..14).filter(|it| loud(*it)).collect();
        assert_eq!(heard, [0, 1, 6, 7, 12, 13]);
    }

    #[test]
    fn uk_ringing_rings_twice() {
        let mut ringing = Ringing::new(Ringback::Uk);
        let mut frame = [0; 160];
        let heard: Vec<bool> = (0..150).map(|_| ringing.fill(&mut frame)).collect();
        let expected = |frame: usize| frame < 20 || (30..50).contains(&frame);
        assert!(heard.iter().enumerate().all(|(n, it)| *it == expected(n)));
    }

    #[test]
    fn every_key_has_its_own_place() {
        for c in "0123456789*#ABCD".chars() {
            let digit = Digit::from_char(c).unwrap();
            let (row, column) = position(digit);
            assert_eq!(key_at(row, column), Some(digit));
        }
    }
}
