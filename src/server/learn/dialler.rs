//! Dials an extension by ear: each digit when the far end has said what it had to say.
//!
//! ```text
//!   far end  ____Welcome to Smith and sons..____________Sales, which extension?________
//!   keys                                        3                                 1 9 2 8
//!   pauses   |------------ 4.5 s --------------|  |---------- 3.0 s ------------|
//! ```
//! After a digit the far end is given time to begin a prompt. If it does, the next digit waits for
//! its end, and that is a pause to be learnt; if it does not, none was needed.

use std::time::Duration;

use crate::model::Extension;

/// Silence of this length ends a prompt.
const PROMPT_ENDS: Duration = Duration::from_millis(800);
/// What a digit leads to is heard within this time, if it leads to anything.
const REACTION: Duration = Duration::from_millis(1500);
/// A far end that does not greet is dialled after this time all the same.
const NO_GREETING: Duration = Duration::from_secs(6);
/// The longest prompt that is waited for.
const LONGEST_PROMPT: Duration = Duration::from_secs(30);
/// How long is listened after the last digit.
const AFTERWARDS: Duration = Duration::from_secs(8);
/// From so many half seconds on a pause is written in whole ones.
const LONG_PAUSE: usize = 4;
/// A digit and the gap after it.
const DIGIT: Duration = Duration::from_millis(200);

/// Dials digit by digit. Times count from the answer.
#[derive(Debug)]
pub(super) struct Dialler {
    keys: Vec<char>,
    /// The pause before each digit that was dialled.
    pauses: Vec<Duration>,
    /// Since when the next digit is due, and when the last was done.
    since: Duration,
    /// Speech since then: the last moment of it.
    spoke: Option<Duration>,
    /// Each stretch of speech, of the whole call.
    pub heard: Vec<(Duration, Duration)>,
}

impl Dialler {
    pub fn new(keys: &str) -> Self {
        Self {
            keys: keys.chars().collect(),
            pauses: Vec::new(),
            since: Duration::ZERO,
            spoke: None,
            heard: Vec::new(),
        }
    }

    /// What is heard at a moment; the key to be pressed then, if one is due.
    pub fn hear(&mut self, at: Duration, speech: bool) -> Option<char> {
        if speech {
            self.note(at);
        }
        let key = *self.keys.get(self.pauses.len())?;
        let waited = at.saturating_sub(self.since);
        let due = match self.spoke {
            Some(last) => PROMPT_ENDS <= at.saturating_sub(last) || LONGEST_PROMPT <= waited,
            None => self.patience() <= waited,
        };
        if !due {
            return None;
        }
        let heard = self.spoke.is_some() || self.pauses.is_empty();
        self.pauses.push(if heard { waited } else { Duration::ZERO });
        self.since = at + DIGIT;
        self.spoke = None;
        Some(key)
    }

    /// Whether nothing more is to be dialled or heard.
    pub fn is_done(&self, at: Duration) -> bool {
        self.pauses.len() == self.keys.len() && self.since + AFTERWARDS <= at
    }

    /// When the last digit was done.
    pub fn dialled_at(&self) -> Duration {
        self.since
    }

    /// The extension with its pauses, each rounded up to a whole `w`.
    pub fn extension(&self) -> String {
        let mut text = String::new();
        for (key, pause) in self.keys.iter().zip(&self.pauses) {
            let waits = pause.as_millis().div_ceil(Extension::SHORT.as_millis()) as usize;
            // Long pauses in whole seconds: an extension has only so many symbols.
            let long = if LONG_PAUSE < waits { waits / 2 } else { 0 };
            text.extend(std::iter::repeat_n('W', long));
            text.extend(std::iter::repeat_n('w', waits - 2 * long));
            text.push(*key);
        }
        text
    }

    fn patience(&self) -> Duration {
        if self.pauses.is_empty() { NO_GREETING } else { REACTION }
    }

    fn note(&mut self, at: Duration) {
        if self.since <= at {
            self.spoke = Some(at);
        }
        match self.heard.last_mut() {
            Some((_, until)) if at.saturating_sub(*until) < PROMPT_ENDS => *until = at,
            _ => self.heard.push((at, at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS20: Duration = Duration::from_millis(20);

    /// A far end that speaks during these times of a call, each counted from a digit (or, the
    /// first, from the answer).
    fn dial(keys: &str, speaks: &[(u64, u64)]) -> Dialler {
        let mut dialler = Dialler::new(keys);
        let (mut at, mut from, mut pressed) = (Duration::ZERO, Duration::ZERO, 0);
        while !dialler.is_done(at) {
            let (begin, end) = speaks.get(pressed).copied().unwrap_or_default();
            let time = (at - from).as_millis() as u64;
            if dialler.hear(at, begin <= time && time < end).is_some() {
                pressed += 1;
                from = at + DIGIT;
                at = from;
            } else {
                at += MS20;
            }
            assert!(at < Duration::from_secs(120), "never done");
        }
        dialler
    }

    #[test]
    fn a_greeting_and_a_second_prompt_become_pauses() {
        let it = dial("31928", &[(500, 2500), (300, 1300)]);
        // 2.5 s and 0.8 s of silence; 1.3 s and 0.8 s.
        assert_eq!(it.extension(), "WWWw3WWw1928");
    }

    #[test]
    fn digits_that_nobody_answers_to_need_no_pauses() {
        assert_eq!(dial("1928", &[(0, 100)]).extension(), "ww1928");
    }

    #[test]
    fn a_far_end_that_says_nothing_is_dialled_after_six_seconds() {
        assert_eq!(dial("12", &[]).extension(), "WWWWWW12");
    }

    #[test]
    fn a_prompt_without_end_is_dialled_into() {
        let it = dial("1", &[(0, 100_000)]);
        assert_eq!(it.extension().len(), 31);
    }

    #[test]
    fn what_is_heard_is_kept_by_stretches() {
        let it = dial("3", &[(500, 1500), (200, 700)]);
        assert_eq!(it.heard.len(), 2);
        assert!(it.dialled_at() < it.heard[1].0);
    }
}
