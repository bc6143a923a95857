//! Webhooks.

use std::ops::RangeInclusive;

use crate::config::error::Wrong;
use crate::config::trade::WebhookKeys;
use crate::model::{SigningSecret, Webhook};

/// Shorter ones can be guessed.
const SECRET: RangeInclusive<usize> = 16..=1000;

pub(super) fn webhook(keys: WebhookKeys) -> Result<Webhook, Wrong> {
    if !SECRET.contains(&keys.secret.0.len()) {
        let (least, most) = (SECRET.start(), SECRET.end());
        let wrong = keys.places.wrong("secret", "the secret is too short, or too long");
        return Err(wrong.allowed(format!("text of {least} to {most} bytes")));
    }
    if keys.events.is_empty() {
        let wrong = keys.places.wrong("events", "there is no event");
        return Err(wrong.allowed("names of events, or \"*\""));
    }
    Ok(Webhook {
        url: keys.url.0.into(),
        secret: SigningSecret(keys.secret.0.into()),
        events: keys.events,
        allow_private: keys.allow_private,
        timeout: *keys.timeout,
        parallel: keys.parallel.0 as u16,
        give_up_after: *keys.give_up_after,
        enabled: keys.enabled,
        id: keys.name.text,
    })
}
