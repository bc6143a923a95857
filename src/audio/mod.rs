//! Samples: codecs, tones, WAV, in-band digits; and the words for what a leg is given to hear.
//!
//! Everything here is 8 kHz mono unless it says otherwise. The vocabulary ([`Source`], [`Script`],
//! [`Digit`]) stands on this floor because the call speaks it and media obeys it.

mod digit;
mod script;

pub use self::digit::Digit;
pub use self::script::{Accept, ClipId, Line, Ringback, Script, Source};
