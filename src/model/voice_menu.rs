//! Voice menus and voicemail boxes (PRODUCT section 7): what a caller is asked, alone with us.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Prompt, Route};
use crate::audio::Digit;

/// A prompt, and where each answer leads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VoiceMenu {
    pub id: Arc<str>,
    pub prompt: Prompt,
    /// Whether a key ends the prompt; else keys count from its end on.
    pub barge_in: bool,
    /// How long the first key is waited for after the prompt.
    pub timeout: Duration,
    /// How long the next key of a longer answer is waited for.
    pub between_keys: Duration,
    /// Said when an answer leads nowhere.
    pub invalid: Option<Prompt>,
    /// Said when nothing was pressed.
    pub silent: Option<Prompt>,
    /// How often the caller is asked again.
    pub repeats: u8,
    /// One or more keys, and where they lead.
    pub keys: BTreeMap<Keys, Route>,
    /// Where the call goes when no answer was understood.
    pub otherwise: Route,
}

/// An answer of one or more keys, in order.
pub type Keys = Vec<Digit>;

impl VoiceMenu {
    pub const TIMEOUT: Duration = Duration::from_secs(5);
    pub const BETWEEN_KEYS: Duration = Duration::from_secs(3);
    /// Keys of one answer at most.
    pub const KEYS_MAX: usize = 20;

    /// A menu with every setting at its default.
    pub fn new(id: &str, prompt: Prompt) -> Self {
        Self {
            id: id.into(),
            prompt,
            barge_in: true,
            timeout: Self::TIMEOUT,
            between_keys: Self::BETWEEN_KEYS,
            invalid: None,
            silent: None,
            repeats: 2,
            keys: BTreeMap::new(),
            otherwise: Route::Hangup,
        }
    }
}

/// Where callers leave messages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VoicemailBox {
    pub id: Arc<str>,
    pub greeting: Option<Prompt>,
    /// The longest message.
    pub max_length: Duration,
    /// Silence of this length ends it.
    pub silence: Duration,
    /// Shorter messages are no messages: they are thrown away.
    pub min_length: Duration,
    /// Whose box it is: recorded as the lead owner.
    pub agent: Option<Arc<str>>,
}

impl VoicemailBox {
    pub const MAX_LENGTH: Duration = Duration::from_secs(180);
    pub const SILENCE: Duration = Duration::from_secs(5);
    pub const MIN_LENGTH: Duration = Duration::from_secs(1);

    /// A box with every setting at its default.
    pub fn new(id: &str) -> Self {
        Self {
            id: id.into(),
            greeting: None,
            max_length: Self::MAX_LENGTH,
            silence: Self::SILENCE,
            min_length: Self::MIN_LENGTH,
            agent: None,
        }
    }
}
