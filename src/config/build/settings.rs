//! Call settings, and what is said.

use super::Trade;
use crate::config::error::Wrong;
use crate::config::trade::{CallerIdKeys, SettingsKeys};
use crate::config::value::{OrOff, Time};
use crate::config::words::{Announced, Message, Music};
use crate::model::{BlockList, CallSettings, CallerId, Keep, Prompt, RingbackBy, Whisper};

impl Trade<'_> {
    pub(super) fn settings(&self, keys: SettingsKeys) -> Result<CallSettings, Wrong> {
        let voice = keys.voice.as_deref().unwrap_or(self.voice);
        let prompt = |it: &Message| self.prompt(it, voice);
        let block = keys.block_list;
        Ok(CallSettings {
            record: keys.record,
            keep_recordings: keys.keep_recordings.map_or(self.keep, keep),
            recording_notice: keys.recording_notice.as_ref().map(prompt),
            greeting: keys.greeting.as_ref().map(prompt),
            whisper: self.whisper(keys.whisper.as_ref(), voice),
            caller_id: caller_id(&keys.caller_id).map_err(|it| it.under("caller_id"))?,
            block_list: BlockList {
                numbers: block.numbers.iter().map(|it| it.0.to_string()).collect(),
                prefixes: block.prefixes.into_iter().map(|it| it.0).collect(),
                anonymous: block.anonymous,
            },
            hold_music: keys.hold_music.as_ref().map(prompt),
            ringback: match &keys.ringback {
                Music::Tone(tone) => RingbackBy::Tone(*tone),
                Music::File(file) => RingbackBy::Music(self.file(file)),
            },
            max_duration: *keys.max_duration,
            early_media: keys.early_media,
            id: keys.name.text,
        })
    }

    pub(super) fn whisper(&self, said: Option<&Announced>, voice: &str) -> Whisper {
        match said {
            None => Whisper::Inherit,
            Some(Announced::Nothing) => Whisper::Nothing,
            Some(Announced::Say(message)) => Whisper::Say(self.prompt(message, voice)),
        }
    }

    pub(super) fn prompt(&self, message: &Message, usual: &str) -> Prompt {
        match message {
            Message::File(file) => self.file(file),
            Message::Named(name) => Prompt::uploaded(name),
            Message::Text { text, voice } => Prompt::text(text, voice.as_deref().unwrap_or(usual)),
        }
    }

    /// What is said, by the voice of texts that name none.
    pub(super) fn said(&self, message: &Option<Message>) -> Option<Prompt> {
        message.as_ref().map(|it| self.prompt(it, self.voice))
    }

    fn file(&self, file: &str) -> Prompt {
        Prompt::file(&self.folder.join(file).to_string_lossy())
    }
}

/// How long recordings are kept.
pub(super) fn keep<const MIN: u64, const MAX: u64>(time: OrOff<Time<MIN, MAX>>) -> Keep {
    time.0.map_or(Keep::Forever, |it| Keep::For(it.0))
}

pub(super) fn caller_id(keys: &CallerIdKeys) -> Result<CallerId, Wrong> {
    super::trunks::digits(&keys.prefix).map_err(|why| keys.places.wrong("prefix", why))?;
    let template = keys.name.as_deref().unwrap_or_default();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let from = rest.split_at(at).1;
        let Some(place) = CallerId::PLACES.iter().find(|it| from.starts_with(**it)) else {
            let column = template.len() - from.len();
            let column = template.get(..column).unwrap_or_default().chars().count() + 1;
            let message = format!("column {column}: braces stand for something unknown");
            return Err(keys.places.wrong("name", message).allowed(CallerId::PLACES.join(", ")));
        };
        rest = from.split_at(place.len()).1;
    }
    let (number, prefix) = (keys.number.0.clone(), keys.prefix.clone());
    Ok(CallerId { number, prefix, name: keys.name.clone() })
}
