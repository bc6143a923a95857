//! Hears whether somebody speaks: energy over a noise floor that follows the line.
//!
//! Good enough to start dialling an extension when a greeting begins; not a speech recogniser.

/// One voice, listened to in frames of about 20 ms.
#[derive(Clone, Debug)]
pub struct VoiceDetector {
    /// Mean square of the quiet line.
    floor: f32,
    /// The last frames, newest in bit 0: set where louder than the line.
    recent: u16,
}

/// Mean square of about -42 dBm0: nothing quieter counts as speech.
const LEAST: f32 = 130.0 * 130.0;
/// How far speech stands above the noise of the line: 12 dB.
const ABOVE: f32 = 16.0;
/// The noisiest line that is still believed to be only noise.
const NOISIEST: f32 = 500.0 * 500.0;
/// How fast the floor may rise in a frame: 4 dB in a second.
const RISE: f32 = 1.02;
/// Loud frames among the last ten that make speech: 80 ms.
const ENOUGH: u32 = 4;

impl Default for VoiceDetector {
    fn default() -> Self {
        Self { floor: LEAST / ABOVE, recent: 0 }
    }
}

impl VoiceDetector {
    /// Takes one frame; `true` while speech is heard.
    pub fn hear(&mut self, samples: &[i16]) -> bool {
        if samples.is_empty() {
            return false;
        }
        let sum: f32 = samples.iter().map(|it| f32::from(*it) * f32::from(*it)).sum();
        let power = sum / samples.len() as f32;
        let loud = LEAST.max(self.floor * ABOVE) < power;
        self.recent = (self.recent << 1 | u16::from(loud)) & 0x3ff;
        // Down at once, up slowly: a greeting must not become the floor, however long it is.
        self.floor = match power < self.floor {
            true => (self.floor + power) / 2.0,
            false => (self.floor * RISE).min(power).min(NOISIEST),
        };
        self.floor = self.floor.max(LEAST / ABOVE);
        ENOUGH <= self.recent.count_ones()
    }
}

#[cfg(test)]
mod tests {
    use super::super::Tone;
    use super::*;

    fn noise(level: i32) -> impl FnMut() -> [i16; 160] {
        let mut state = 1u32;
        move || {
            std::array::from_fn(|_| {
                state = state.wrapping_mul(1664525).wrapping_add(1013904223);
                ((state >> 16) as i16 as i32 * level / 32768) as i16
            })
        }
    }

    #[test]
    fn line_noise_is_not_speech_for_a_minute() {
        for level in [0, 20, 100] {
            let mut line = noise(level);
            let mut detector = VoiceDetector::default();
            assert!((0..3000).all(|_| !detector.hear(&line())), "level {level}");
        }
    }

    #[test]
    fn a_voice_over_the_noise_is_heard_within_100_ms() {
        let mut line = noise(100);
        let mut detector = VoiceDetector::default();
        for _ in 0..100 {
            detector.hear(&line());
        }
        let mut voice = Tone::beep(300);
        let mut frame = [0; 160];
        let heard = (0..5).any(|_| {
            voice.fill(&mut frame);
            detector.hear(&frame)
        });
        assert!(heard);
    }

    #[test]
    fn a_speech_without_pauses_goes_on_being_speech() {
        let mut detector = VoiceDetector::default();
        let mut voice = noise(12_000);
        let silent = (0..1000).filter(|_| !detector.hear(&voice())).count();
        assert!(silent < 5, "{silent} frames of 1000 were not heard");
    }

    #[test]
    fn one_click_is_not_speech() {
        let mut detector = VoiceDetector::default();
        let mut click = [0; 160];
        click[40] = 30000;
        assert!(!detector.hear(&click));
        assert!((0..20).all(|_| !detector.hear(&[0; 160])));
    }
}
