//! Hears whether somebody still speaks: what a message ends by.
//!
//! The floor is the quietest frame of the last second or two, so a pause between two words brings
//! it down to the line's own noise at once and talk never becomes the floor. Speech is what stands
//! above that, however quiet the caller is; only what G.711 itself makes of silence never counts.
//! In doubt somebody speaks: to cut a message short is worse than to keep a second of noise.

/// One voice, listened to in frames of about 20 ms.
#[derive(Clone, Debug)]
pub struct SilenceDetector {
    /// The least mean square of this block of frames, and of the one before.
    floors: [f32; 2],
    /// Frames so far in this block.
    frames: u32,
    /// The last frames, newest in bit 0: set where louder than the line.
    recent: u16,
}

/// Mean square of about -56 dBm0, three steps of mu-law (G.711 next to zero): nothing quieter
/// counts as speech.
const LEAST: f32 = 24.0 * 24.0;
/// How far speech stands above the noise of the line: 9 dB.
const ABOVE: f32 = 8.0;
/// The noisiest line that is still believed to be only noise.
const NOISIEST: f32 = 500.0 * 500.0;
/// Frames in a block: 800 ms, in which people who speak pause for a frame at least.
const BLOCK: u32 = 40;
/// Loud frames among the last ten that make speech: 60 ms, longer than a click.
const ENOUGH: u32 = 3;

impl Default for SilenceDetector {
    fn default() -> Self {
        // Nothing is known of the line: the first frame is the quietest so far.
        Self { floors: [f32::INFINITY; 2], frames: 0, recent: 0 }
    }
}

impl SilenceDetector {
    /// Takes one frame; `true` while somebody speaks.
    pub fn hear(&mut self, samples: &[i16]) -> bool {
        if samples.is_empty() {
            return false;
        }
        let sum: f32 = samples.iter().map(|it| f32::from(*it) * f32::from(*it)).sum();
        let power = sum / samples.len() as f32;
        let [now, before] = &mut self.floors;
        if self.frames == BLOCK {
            *before = *now;
            *now = power;
            self.frames = 0;
        }
        self.frames += 1;
        *now = now.min(power);
        let floor = now.min(*before).min(NOISIEST);
        let loud = LEAST.max(floor * ABOVE) < power;
        self.recent = (self.recent << 1 | u16::from(loud)) & 0x3ff;
        ENOUGH <= self.recent.count_ones()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Law, Tone};
    use super::*;

    /// Frames of noise with this root mean square.
    fn noise(level: f32) -> impl FnMut() -> [i16; 160] {
        let mut state = 1u32;
        move || {
            std::array::from_fn(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let unit = ((state >> 16) as f32 / 32_768.0) - 1.0;
                (unit * level * 1.732) as i16
            })
        }
    }

    /// How many of `frames` frames are heard as speech.
    fn heard(
        detector: &mut SilenceDetector,
        frames: usize,
        mut frame: impl FnMut(usize) -> [i16; 160],
    ) -> usize {
        (0..frames).filter(|n| detector.hear(&frame(*n))).count()
    }

    #[test]
    fn a_line_with_nothing_but_noise_is_silent_from_the_start() {
        for level in [0.0, 8.0, 30.0, 200.0, 450.0, 1000.0] {
            let mut line = noise(level);
            let mut detector = SilenceDetector::default();
            let frame = |_| line().map(|it| Law::Mu.decode(Law::Mu.encode(it)));
            assert_eq!(heard(&mut detector, 3000, frame), 0, "rms {level}");
        }
    }

    #[test]
    fn a_line_that_becomes_noisier_is_silent_again_within_two_seconds() {
        for (before, after) in [(0.0, 60.0), (30.0, 400.0)] {
            let (mut before, mut after) = (noise(before), noise(after));
            let mut detector = SilenceDetector::default();
            heard(&mut detector, 100, |_| before());
            heard(&mut detector, 100, |_| after());
            assert_eq!(heard(&mut detector, 1000, |_| after()), 0);
        }
    }

    /// Talk is syllables of a fifth of a second with a dip between them, down to the line's noise.
    #[test]
    fn talk_at_every_usual_level_never_sounds_like_half_a_second_of_silence() {
        for (level, line) in [
            (100.0, 8.0),
            (200.0, 20.0),
            (600.0, 20.0),
            (1500.0, 100.0),
            (4000.0, 300.0),
            (12_000.0, 300.0),
        ] {
            let (mut voice, mut line) = (noise(level), noise(line));
            let mut detector = SilenceDetector::default();
            let (mut quiet, mut longest) = (0, 0);
            for n in 0..1500 {
                let talks = n % 10 < 7;
                let frame = if talks { voice() } else { line() };
                let frame = frame.map(|it| Law::Mu.decode(Law::Mu.encode(it)));
                quiet = if detector.hear(&frame) { 0 } else { quiet + 1 };
                longest = longest.max(quiet);
            }
            assert!(longest < 25, "rms {level}: {longest} frames");
        }
    }

    #[test]
    fn silence_is_noticed_within_300_ms_of_the_last_word() {
        let (mut voice, mut line) = (noise(2000.0), noise(100.0));
        let mut detector = SilenceDetector::default();
        for n in 0..500 {
            detector.hear(&if n % 10 < 7 { voice() } else { line() });
        }
        assert!(heard(&mut detector, 15, |_| line()) <= 10);
        assert_eq!(heard(&mut detector, 500, |_| line()), 0);
    }

    #[test]
    fn a_loud_tone_that_never_pauses_is_no_silence() {
        let (mut tone, mut frame) = (Tone::beep(300), [0; 160]);
        let mut detector = SilenceDetector::default();
        let mut next = |_| {
            tone.fill(&mut frame);
            frame
        };
        heard(&mut detector, 3, &mut next);
        assert_eq!(heard(&mut detector, 3000, next), 3000);
    }

    #[test]
    fn one_click_is_not_speech() {
        let mut click = [0; 160];
        click[40] = 30_000;
        let mut detector = SilenceDetector::default();
        assert!(!detector.hear(&click));
        assert_eq!(heard(&mut detector, 50, |_| [0; 160]), 0);
    }
}
