//! What a leg hears when it does not hear another leg: 20 ms at a time.

use std::sync::Arc;

use super::clips::Clips;
use super::script::Performance;
use super::stream::Stream;
use super::{FRAME, Samples, SessionId};
use crate::audio::{AnsweredBy, ClipId, Digit, Ringing, Source};
use crate::clock::Instant;

/// The voice of one leg's source.
#[derive(Clone, Debug)]
pub(super) enum Player {
    Silence,
    Ringing(Ringing),
    Music { clip: ClipId, from: usize, missed: bool },
    Script(Box<Performance>),
    Stream(Box<Stream>),
}

/// What the next 20 ms hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Silence,
    /// The samples have been filled.
    Voice,
    /// A digit is being pressed and is to be sent by the leg's way of sending keys.
    Key {
        digit: Digit,
        begins: bool,
    },
}

/// What a player reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Line(u16),
    Done,
    Declined,
    ClipMissing(ClipId),
    /// The far end's first word while its silence is waited for.
    Voice,
}

impl Player {
    /// The player for a source; none for another leg's voice.
    pub fn of(source: &Source<SessionId>, now: Instant) -> Option<Self> {
        Some(match source {
            Source::Silence => Self::Silence,
            Source::Ringback(country) => Self::Ringing(Ringing::new(*country)),
            Source::Leg(_) => return None,
            Source::Script(script) => Self::Script(Box::new(Performance::new(script.clone()))),
            Source::Music(clip) => Self::Music { clip: *clip, from: 0, missed: false },
            Source::Stream(id) => Self::Stream(Box::new(Stream::new(*id, now))),
        })
    }

    /// The next 20 ms. `in_band` sends digits as tones.
    pub fn tick(
        &mut self,
        clips: &Clips,
        in_band: bool,
        samples: &mut Samples,
        told: &mut dyn FnMut(Told),
    ) -> Frame {
        match self {
            Self::Silence => Frame::Silence,
            Self::Ringing(ringing) => {
                if ringing.fill(samples) {
                    Frame::Voice
                } else {
                    Frame::Silence
                }
            }
            Self::Music { clip, from, missed } => match clips.get(*clip) {
                Some(sound) if !sound.is_empty() => {
                    around(sound, from, samples);
                    Frame::Voice
                }
                Some(_) | None => {
                    if !std::mem::replace(missed, true) {
                        told(Told::ClipMissing(*clip));
                    }
                    Frame::Silence
                }
            },
            Self::Script(performance) => performance.tick(clips, in_band, samples, told),
            Self::Stream(stream) => {
                if stream.speak(samples) {
                    Frame::Voice
                } else {
                    Frame::Silence
                }
            }
        }
    }

    /// A key of the far end; `true` if it is meant for this player.
    pub fn key(&mut self, digit: Digit) -> bool {
        match self {
            Self::Script(performance) => performance.key(digit),
            Self::Silence | Self::Ringing(_) | Self::Music { .. } | Self::Stream(_) => false,
        }
    }

    /// It is known who picked up.
    pub fn answered_by(&mut self, by: AnsweredBy) {
        if let Self::Script(performance) = self {
            performance.answered_by(by);
        }
    }

    /// The script that listens to the far end, if it does.
    pub fn listener(&mut self) -> Option<&mut Performance> {
        match self {
            Self::Script(performance) if performance.listens() => Some(performance),
            _ => None,
        }
    }
}

/// Copies the next 20 ms of a clip that begins again after its end.
fn around(sound: &Arc<[i16]>, from: &mut usize, samples: &mut Samples) {
    let mut filled = 0;
    while filled < FRAME {
        *from = if *from < sound.len() { *from } else { 0 };
        let here = (sound.len() - *from).min(FRAME - filled);
        samples[filled..filled + here].copy_from_slice(&sound[*from..*from + here]);
        filled += here;
        *from += here;
    }
}
