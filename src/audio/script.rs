//! What a leg is given to hear, said whole. Saying it again is harmless; saying another replaces it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Digit;

/// Something to hear. `L` names a leg: the call's own word for it, or media's session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source<L> {
    /// Nothing: no packets, or comfort silence where a stream must go on.
    Silence,
    /// The ringing tone of a country.
    Ringback(Ringback),
    /// Another leg's voice.
    Leg(L),
    /// Lines played one after the other; media reports each line and the end.
    Script(Script),
    /// A clip, over and over.
    Music(ClipId),
    /// A program that speaks with this leg: the leg hears what the program says, and the program
    /// all the leg says.
    Stream(StreamId),
}

impl<L> Source<L> {
    /// The same source with its leg named in other words.
    pub fn map<M>(self, name: impl FnOnce(L) -> M) -> Source<M> {
        match self {
            Self::Silence => Source::Silence,
            Self::Ringback(tone) => Source::Ringback(tone),
            Self::Leg(leg) => Source::Leg(name(leg)),
            Self::Script(script) => Source::Script(script),
            Self::Music(clip) => Source::Music(clip),
            Self::Stream(stream) => Source::Stream(stream),
        }
    }
}

/// Lines that one leg hears and does, in order, on media's 20 ms clock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    pub lines: Arc<[Line]>,
}

/// One line of a script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Line {
    /// Sends a digit: a tone of [`Script::TONE`], then a gap of [`Script::GAP`].
    Press(Digit),
    /// Silence of this length.
    Wait(Duration),
    /// Waits until the far end is heard speaking, at most this long.
    AwaitVoice(Duration),
    /// Waits until the far end has said nothing for this long. Its first word is reported.
    AwaitSilence(Duration),
    /// Waits until it is known whether a person or a machine picked up, at most this long; a machine
    /// declines the call.
    AwaitPerson(Duration),
    /// Plays a clip. A clip that media does not have is skipped, and reported as missing.
    Say(ClipId),
    /// A beep: frequency in Hz, length.
    Tone(u16, Duration),
    /// Waits for a key that takes the call.
    Accept(Accept),
}

/// A key press that takes or refuses the call.
///
/// The prompt is said, then `timeout` runs; then the prompt is said again, `repeats` times in all
/// after the first. No key by then declines the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accept {
    pub key: Digit,
    pub reject: Option<Digit>,
    pub prompt: Option<ClipId>,
    pub timeout: Duration,
    pub repeats: u8,
}

impl Script {
    /// How long a digit sounds.
    pub const TONE: Duration = Duration::from_millis(100);
    /// The silence after a digit, to which waits add.
    pub const GAP: Duration = Duration::from_millis(100);

    pub fn new(lines: Vec<Line>) -> Self {
        Self { lines: lines.into() }
    }

    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

/// A recorded or synthesised message: the first 8 bytes of a hash over what it is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClipId(pub u64);

/// A conversation with a program: counted from 1 in a call, or media's own name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StreamId(pub u64);

/// Whose ringing tone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ringback {
    /// 440 + 480 Hz, 2 s on, 4 s off.
    #[default]
    Us,
    /// 400 + 450 Hz, 0.4 s on, 0.2 s off, 0.4 s on, 2 s off.
    Uk,
    /// 425 Hz, 1 s on, 4 s off.
    Eu,
}
