//! Voice menus, voicemail boxes, the menu after the call.

use std::collections::BTreeMap;

use super::Trade;
use crate::config::error::Wrong;
use crate::config::trade::{ScoreKeys, VoiceMenuKeys, VoicemailKeys};
use crate::config::value::pressed;
use crate::model::{ScoreMenu, VoiceMenu, VoicemailBox};

impl Trade<'_> {
    pub(super) fn voice_menu(&self, keys: VoiceMenuKeys) -> Result<VoiceMenu, Wrong> {
        if keys.keys.0.is_empty() {
            return Err(keys.places.wrong("keys", "a menu needs a key: where do its callers go?"));
        }
        let mut answers = BTreeMap::new();
        let routes = self.routes(&keys.keys).map_err(|it| it.under("keys"))?;
        for (name, route) in routes {
            let wrong = |why: String| {
                let wrong = Wrong::at(name.span.clone(), why).under(&name.text).under("keys");
                wrong.allowed(format!("1 to {} keys of 0-9 * # A-D", VoiceMenu::KEYS_MAX))
            };
            let answer = pressed(&name.text).map_err(|(_, why)| wrong(why))?;
            if VoiceMenu::KEYS_MAX < answer.len() {
                return Err(wrong("the answer is too long".to_owned()));
            }
            if answers.insert(answer, route).is_some() {
                return Err(wrong(format!("{:?} is there already", name.text)));
            }
        }
        let otherwise = self.route(&keys.otherwise).map_err(|it| it.under("otherwise"))?;
        Ok(VoiceMenu {
            prompt: self.prompt(&keys.prompt, self.voice),
            barge_in: keys.barge_in,
            timeout: *keys.timeout,
            between_keys: *keys.between_keys,
            invalid: self.said(&keys.invalid),
            silent: self.said(&keys.silent),
            repeats: *keys.repeats as u8,
            keys: answers,
            otherwise,
            id: keys.name.text,
        })
    }

    pub(super) fn voicemail_box(&self, keys: VoicemailKeys) -> Result<VoicemailBox, Wrong> {
        if *keys.max_length <= *keys.min_length {
            let message = "no message is longer than min_length and not longer than this";
            return Err(keys.places.wrong("max_length", message));
        }
        Ok(VoicemailBox {
            greeting: self.said(&keys.greeting),
            max_length: *keys.max_length,
            silence: *keys.silence,
            min_length: *keys.min_length,
            agent: self.credited(&keys.agent).map_err(|it| it.under("agent"))?,
            id: keys.name.text,
        })
    }

    pub(super) fn score(&self, keys: ScoreKeys) -> Result<ScoreMenu, Wrong> {
        let digits = pressed(&keys.keys).map_err(|(_, why)| keys.places.wrong("keys", why))?;
        if digits.is_empty() {
            return Err(keys.places.wrong("keys", "there is no key to press"));
        }
        let mut once = digits.clone();
        once.sort_unstable();
        if let Some(twice) = once.windows(2).find(|it| it.first() == it.last()) {
            let key = twice.first().map(|it| it.as_char()).unwrap_or_default();
            return Err(keys.places.wrong("keys", format!("{key:?} is there twice")));
        }
        Ok(ScoreMenu {
            prompt: self.prompt(&keys.prompt, self.voice),
            keys: digits,
            timeout: *keys.timeout,
            repeats: *keys.repeats as u8,
        })
    }
}
