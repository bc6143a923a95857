//! Samples: codecs, tones, WAV, in-band digits; and the words for what a leg is given to hear.
//!
//! Everything here is 8 kHz mono unless it says otherwise. The vocabulary ([`Source`], [`Script`],
//! [`Digit`]) stands on this floor because the call speaks it and media obeys it. Packets, clocks
//! and files are somebody else's: functions here turn samples into samples.

mod answer;
mod detector;
mod digit;
pub mod g711;
mod script;
mod silence;
mod tone;
mod voice;
pub mod wav;

pub use self::answer::{AnswerListener, AnsweredBy};
pub use self::detector::Detector;
pub use self::digit::Digit;
pub use self::g711::Law;
pub use self::script::{Accept, ClipId, Line, Ringback, Script, Source, StreamId};
pub use self::silence::SilenceDetector;
pub use self::tone::{Ringing, Tone};
pub use self::voice::VoiceDetector;

/// Samples a second, everywhere in this room.
pub const RATE: u32 = 8000;
