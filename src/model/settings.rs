//! Call settings (PRODUCT section 4): what tracking numbers share.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Caller, CallerId, Prompt, Whisper};
use crate::audio::Ringback;

/// A named set of settings; `default` is the account's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallSettings {
    pub id: Arc<str>,
    pub record: bool,
    pub keep_recordings: Keep,
    pub recording_notice: Option<Prompt>,
    pub greeting: Option<Prompt>,
    pub whisper: Whisper,
    pub caller_id: CallerId,
    pub block_list: BlockList,
    pub ringback: RingbackBy,
    /// What who is put on hold hears; if there is none, what the other side plays itself.
    pub hold_music: Option<Prompt>,
    pub max_duration: Duration,
    pub early_media: EarlyMedia,
}

impl CallSettings {
    /// The longest call unless the settings say otherwise.
    pub const MAX_DURATION: Duration = Duration::from_secs(4 * 3600);

    /// A set with every setting at its default.
    pub fn new(id: &str) -> Self {
        Self {
            id: id.into(),
            record: true,
            keep_recordings: Keep::Forever,
            recording_notice: None,
            greeting: None,
            whisper: Whisper::Inherit,
            caller_id: CallerId::default(),
            block_list: BlockList::default(),
            ringback: RingbackBy::Tone(Ringback::default()),
            hold_music: None,
            max_duration: Self::MAX_DURATION,
            early_media: EarlyMedia::Relay,
        }
    }
}

/// How long recordings are kept after their end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    #[default]
    Forever,
    For(Duration),
}

/// What the caller hears of a destination that sends audio before it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EarlyMedia {
    /// That audio, when a single destination rings; else ringing.
    #[default]
    Relay,
    /// Ringing.
    Ringing,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RingbackBy {
    Tone(Ringback),
    Music(Prompt),
}

/// Callers who hear busy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockList {
    /// E.164 numbers, exact.
    pub numbers: Vec<String>,
    pub prefixes: Vec<String>,
    pub anonymous: bool,
}

impl BlockList {
    pub fn blocks(&self, caller: &Caller) -> bool {
        let number = &caller.number;
        (self.anonymous && caller.is_anonymous())
            || self.numbers.contains(number)
            || self.prefixes.iter().any(|prefix| number.starts_with(prefix.as_str()))
    }
}
