//! Codes that the answering person dials while talking (PRODUCT section 2, enhanced forwarding).
//!
//! Keys are swallowed by media and come here. Those that are no part of a code are given back, to
//! be pressed towards the caller, so that a code is never heard and nothing else is lost.

use std::time::Duration;

use crate::audio::Digit;
use crate::clock::Instant;
use crate::model::EnhancedForwarding;

/// How long a code may take from key to key; then what was typed was none.
const BETWEEN_KEYS: Duration = Duration::from_secs(3);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    StopRecording,
    StartRecording,
}

pub(super) struct Codes {
    known: EnhancedForwarding,
    typed: Vec<Digit>,
    until: Option<Instant>,
}

impl Codes {
    pub fn new(known: EnhancedForwarding) -> Self {
        Self { known, typed: Vec::new(), until: None }
    }

    /// Takes a key: the code that it completes, and the keys that turned out to belong to none.
    pub fn press(&mut self, key: Digit, now: Instant) -> (Option<Code>, Vec<Digit>) {
        self.typed.push(key);
        let mut others = Vec::new();
        while !self.typed.is_empty() {
            if let Some(code) = self.complete() {
                self.typed.clear();
                self.until = None;
                return (Some(code), others);
            }
            if self.has_begun() {
                self.until = Some(now + BETWEEN_KEYS);
                return (None, others);
            }
            others.push(self.typed.remove(0));
        }
        self.until = None;
        (None, others)
    }

    /// Gives up on a code that was begun and not gone on with.
    pub fn expire(&mut self, now: Instant) -> Vec<Digit> {
        if self.until.is_none_or(|it| now < it) {
            return Vec::new();
        }
        self.until = None;
        std::mem::take(&mut self.typed)
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.until
    }

    fn complete(&self) -> Option<Code> {
        if self.typed == self.known.stop_recording {
            Some(Code::StopRecording)
        } else if self.typed == self.known.start_recording {
            Some(Code::StartRecording)
        } else {
            None
        }
    }

    fn has_begun(&self) -> bool {
        self.known.stop_recording.starts_with(&self.typed)
            || self.known.start_recording.starts_with(&self.typed)
    }
}
