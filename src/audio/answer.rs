//! Who picked up: a person or a machine, by how the first seconds of the answer are spoken.
//!
//! ```text
//!   person    ___Hello?__________________     speech, then a second of waiting
//!   machine   ___You have reached the off..   speech that goes on and on
//!   machine   ___Leave a message. beeeep      a few words, then a steady tone
//!   unknown   ___________________________     nothing to go by
//! ```
//! The limits are those that the usual services use (2.4 s of speech, 1.2 s of silence, 5 s in
//! all). A person who says a long sentence is taken for a machine: who acts on it should know.

use serde::{Deserialize, Serialize};

use super::VoiceDetector;

/// What the answer sounded like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnsweredBy {
    Human,
    Machine,
    Unknown,
}

/// Listens to an answer until it knows, or gives up.
#[derive(Clone, Debug, Default)]
pub struct AnswerListener {
    voice: VoiceDetector,
    beep: Beep,
    /// Samples heard so far.
    heard: u32,
    /// When speech was heard first, and last.
    speech: Option<(u32, u32)>,
    /// Samples of speech that was no tone.
    words: u32,
}

/// Speech of this length is a machine's.
const LONGEST_GREETING: u32 = samples(2400);
/// After speech, silence of this length is a person who waits.
const SILENCE: u32 = samples(1200);
/// What is not known by then never will be.
const LISTENS_FOR: u32 = samples(5000);
/// Words of this length before a steady tone make it the beep of a machine.
const WORDS: u32 = samples(300);

const fn samples(ms: u32) -> u32 {
    ms * super::RATE / 1000
}

impl AnswerListener {
    /// Takes the next frame of about 20 ms; what it is once that is known.
    pub fn hear(&mut self, frame: &[i16]) -> Option<AnsweredBy> {
        let before = self.heard;
        self.heard += frame.len() as u32;
        let beeps = self.beep.hear(frame);
        if self.voice.hear(frame) && !frame.is_empty() {
            let since = self.speech.map_or(before, |(since, _)| since);
            self.speech = Some((since, self.heard));
            if !self.beep.is_steady() {
                self.words += frame.len() as u32;
            }
        }
        if beeps && WORDS <= self.words {
            return Some(AnsweredBy::Machine);
        }
        self.judge()
    }

    /// Nothing came for so many samples: a far end that sends no silence.
    pub fn pause(&mut self, samples: u32) -> Option<AnsweredBy> {
        self.heard += samples.min(LISTENS_FOR);
        self.judge()
    }

    fn judge(&self) -> Option<AnsweredBy> {
        let Some((since, until)) = self.speech else {
            return (LISTENS_FOR <= self.heard).then_some(AnsweredBy::Unknown);
        };
        if LONGEST_GREETING <= until - since {
            Some(AnsweredBy::Machine)
        } else if SILENCE <= self.heard - until {
            Some(AnsweredBy::Human)
        } else {
            (LISTENS_FOR + LONGEST_GREETING <= self.heard).then_some(AnsweredBy::Unknown)
        }
    }
}

/// Notices a steady tone of one frequency.
///
/// A sine obeys x[n] + x[n-2] = c x[n-1]. The best c of a frame is found, and what is left of the
/// frame without it: next to nothing for a tone, much for a voice.
#[derive(Clone, Debug, Default)]
struct Beep {
    steady: u32,
    c: f32,
}

impl Beep {
    /// Frames of one tone that make a beep: 160 ms.
    const ENOUGH: u32 = 8;
    /// The part of a frame's energy that noise may be.
    const REST: f32 = 0.01;
    /// How far c may wander from frame to frame.
    const WANDER: f32 = 0.02;
    /// Mean square below which nothing counts: -36 dBm0 or so.
    const QUIET: f32 = 250.0 * 250.0;

    fn is_steady(&self) -> bool {
        1 < self.steady
    }

    fn hear(&mut self, frame: &[i16]) -> bool {
        let (mut both, mut square, mut sum) = (0.0f32, 0.0f32, 0.0f32);
        for three in frame.windows(3) {
            let [before, here, after] = [three[0], three[1], three[2]].map(f32::from);
            both += here * (before + after);
            square += here * here;
            sum += (before + after) * (before + after);
        }
        let loud = Self::QUIET * frame.len() as f32 <= square;
        let c = if loud { both / square } else { 0.0 };
        // What the best c leaves: |x[n]+x[n-2]|^2 - c * <both>.
        let rest = sum - c * both;
        let tone = loud && rest <= Self::REST * square;
        self.steady = match tone {
            true if (c - self.c).abs() <= Self::WANDER => self.steady + 1,
            true => 1,
            false => 0,
        };
        self.c = c;
        Self::ENOUGH <= self.steady
    }
}

#[cfg(test)]
mod tests {
    use super::super::Tone;
    use super::*;

    /// Something like a voice: noise whose loudness follows syllables.
    fn speak(listener: &mut AnswerListener, ms: u32) -> Option<AnsweredBy> {
        let mut state = 7u32;
        (0..ms / 20).find_map(|n| {
            let level = if n % 10 < 7 { 3000 } else { 300 };
            let frame: [i16; 160] = std::array::from_fn(|_| {
                state = state.wrapping_mul(1664525).wrapping_add(1013904223);
                ((state >> 16) as i16 as i32 * level / 32768) as i16
            });
            listener.hear(&frame)
        })
    }

    fn silence(listener: &mut AnswerListener, ms: u32) -> Option<AnsweredBy> {
        (0..ms / 20).find_map(|_| listener.hear(&[0; 160]))
    }

    fn tone(listener: &mut AnswerListener, hertz: u16, ms: u32) -> Option<AnsweredBy> {
        let mut tone = Tone::beep(hertz);
        (0..ms / 20).find_map(|_| {
            let mut frame = [0; 160];
            tone.fill(&mut frame);
            listener.hear(&frame)
        })
    }

    #[test]
    fn a_short_greeting_and_then_silence_is_a_person() {
        let mut it = AnswerListener::default();
        assert_eq!(silence(&mut it, 600), None);
        assert_eq!(speak(&mut it, 700), None);
        assert_eq!(silence(&mut it, 1000), None);
        assert_eq!(silence(&mut it, 500), Some(AnsweredBy::Human));
    }

    #[test]
    fn a_person_may_say_hello_twice() {
        let mut it = AnswerListener::default();
        assert_eq!(speak(&mut it, 500), None);
        assert_eq!(silence(&mut it, 800), None);
        assert_eq!(speak(&mut it, 500), None);
        assert_eq!(silence(&mut it, 1400), Some(AnsweredBy::Human));
    }

    #[test]
    fn a_greeting_that_goes_on_is_a_machine() {
        let mut it = AnswerListener::default();
        assert_eq!(speak(&mut it, 3000), Some(AnsweredBy::Machine));
    }

    #[test]
    fn a_few_words_and_a_beep_are_a_machine_whatever_its_pitch() {
        for hertz in [440, 1000, 1400, 2000] {
            let mut it = AnswerListener::default();
            assert_eq!(speak(&mut it, 1000), None);
            assert_eq!(silence(&mut it, 200), None);
            assert_eq!(tone(&mut it, hertz, 400), Some(AnsweredBy::Machine), "{hertz} Hz");
        }
    }

    #[test]
    fn two_tones_at_once_are_no_beep() {
        let mut it = AnswerListener::default();
        assert_eq!(speak(&mut it, 1000), None);
        let mut key = Tone::key(crate::audio::Digit::from_char('5').unwrap());
        let heard = (0..20).find_map(|_| {
            let mut frame = [0; 160];
            key.fill(&mut frame);
            it.hear(&frame)
        });
        assert_eq!(heard, None);
    }

    #[test]
    fn silence_is_unknown_after_five_seconds() {
        let mut it = AnswerListener::default();
        assert_eq!(silence(&mut it, 4980), None);
        assert_eq!(silence(&mut it, 20), Some(AnsweredBy::Unknown));
    }

    #[test]
    fn a_far_end_that_sends_no_silence_is_understood_all_the_same() {
        let mut it = AnswerListener::default();
        assert_eq!(speak(&mut it, 700), None);
        assert_eq!(it.pause(samples(1300)), Some(AnsweredBy::Human));
        assert_eq!(AnswerListener::default().pause(u32::MAX), Some(AnsweredBy::Unknown));
    }
}
