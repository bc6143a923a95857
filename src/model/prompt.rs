//! Messages, by what they are made from. Loading and synthesising them is the shell's.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::audio::ClipId;

/// The message to the answering person: what a destination, or the call settings, say about it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Whisper {
    /// What the next level up says.
    #[default]
    Inherit,
    /// Explicitly nothing.
    Nothing,
    Say(Prompt),
}

/// A message, by what it is made from. Media knows it by its clip id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Prompt {
    pub clip: ClipId,
    pub made_from: PromptSource,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PromptSource {
    /// A WAV file, its path resolved against the configuration's folder.
    File(Arc<str>),
    Text {
        text: Arc<str>,
        voice: Arc<str>,
    },
    /// A message that was uploaded, by its name.
    Uploaded(Arc<str>),
}

/// Whether an uploaded message may have this name: it is a file's name too.
pub fn is_name(name: &str) -> bool {
    let plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_');
    (1..=64).contains(&name.len()) && name.chars().all(plain)
}

/// Whether this can be a voice: nothing that a program could take for an option, a file or an
/// address. Empty is the usual one.
pub fn is_voice(name: &str) -> bool {
    let plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '+');
    name.len() <= 64 && name.chars().all(plain) && !name.starts_with('-')
}

impl Prompt {
    /// A WAV file: any rate, mono or stereo.
    pub fn file(path: &str) -> Self {
        PromptSource::File(path.into()).into()
    }

    /// A message that was uploaded. What is uploaded later under the same name is the same clip.
    pub fn uploaded(name: &str) -> Self {
        PromptSource::Uploaded(name.into()).into()
    }

    /// Text for the speech synthesiser, spoken by `voice`.
    pub fn text(text: &str, voice: &str) -> Self {
        PromptSource::Text { text: text.into(), voice: voice.into() }.into()
    }
}

impl From<PromptSource> for Prompt {
    /// The clip id is the first 8 bytes of SHA-256 over what the message is made from.
    fn from(made_from: PromptSource) -> Self {
        let mut hash = Sha256::new();
        match &made_from {
            PromptSource::File(path) => {
                hash.update(b"file\0");
                hash.update(path.as_bytes());
            }
            PromptSource::Uploaded(name) => {
                hash.update(b"uploaded\0");
                hash.update(name.as_bytes());
            }
            PromptSource::Text { text, voice } => {
                hash.update(b"text\0");
                hash.update(voice.as_bytes());
                hash.update(b"\0");
                hash.update(text.as_bytes());
            }
        }
        let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(hash.finalize());
        Self { clip: ClipId(u64::from_be_bytes([a, b, c, d, e, f, g, h])), made_from }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_is_no_option_file_or_address() {
        assert!(is_voice("slt") && is_voice("en-us+f3") && is_voice(""));
        for wrong in [
            "-w/etc/passwd",
            "--help",
            "a b",
            "a/b",
            "a.flitevox",
            "http://192.0.2.1/x",
            "a\0",
            &"a".repeat(65),
        ] {
            assert!(!is_voice(wrong), "{wrong:?}");
        }
    }
}
