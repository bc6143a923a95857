//! Webhooks (PRODUCT section 11): who is told of events over HTTP.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Url;
use super::event::{self, What};

/// Somebody who is told of events, in the order of each call, at least once.
#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    pub id: Arc<str>,
    /// `http://` or `https://`.
    pub url: Url,
    pub secret: SigningSecret,
    pub events: Vec<Wanted>,
    /// Whether it may be at an address that only this network knows.
    pub allow_private: bool,
    /// How long one request may take.
    pub timeout: Duration,
    /// Requests at once.
    pub parallel: u16,
    /// How long an event is tried before it is laid aside.
    pub give_up_after: Duration,
    pub enabled: bool,
}

/// Which events a webhook is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    Every,
    /// All of a group: `call.` of `call.*`.
    Group(String),
    One(String),
}

/// What messages are signed with. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(pub Arc<str>);

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(_)")
    }
}

impl Webhook {
    pub const TIMEOUT: Duration = Duration::from_secs(10);
    pub const PARALLEL: u16 = 8;
    pub const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * 3600);

    /// A webhook with every setting at its default.
    pub fn new(id: &str, url: &str, secret: &str) -> Self {
        Self {
            id: id.into(),
            url: url.into(),
            secret: SigningSecret(secret.into()),
            events: vec![Wanted::Every],
            allow_private: false,
            timeout: Self::TIMEOUT,
            parallel: Self::PARALLEL,
            give_up_after: Self::GIVE_UP_AFTER,
            enabled: true,
        }
    }

    /// Whether it is told of this.
    pub fn wants(&self, what: &What) -> bool {
        let name = what.name();
        self.enabled && self.events.iter().any(|it| it.covers(name))
    }
}

impl Wanted {
    fn covers(&self, name: &str) -> bool {
        match self {
            Self::Every => true,
            Self::Group(group) => name.starts_with(group.as_str()),
            Self::One(one) => one == name,
        }
    }
}

/// `*`, `call.*` or `call.ended`: events that there are.
impl std::str::FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Every);
        }
        if let Some(group) = text.strip_suffix('*').filter(|it| it.ends_with('.')) {
            return match event::NAMES.iter().any(|it| it.starts_with(group)) {
                true => Ok(Self::Group(group.to_owned())),
                false => Err(format!("there are no events {text:?}")),
            };
        }
        match event::NAMES.contains(&text) {
            true => Ok(Self::One(text.to_owned())),
            false => Err(format!("there is no event {text:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_told_of_what_it_asks_for() {
        let mut webhook = Webhook::new("crm", "https://example.com/", "secret");
        let (began, digit) = (
            What::Received { tracking_number: "+1".into(), caller: String::new() },
            What::LegDigit { leg: 1, position: 1 },
        );
        assert!(webhook.wants(&began) && webhook.wants(&digit));
        webhook.events = vec!["call.*".parse().unwrap()];
        assert!(webhook.wants(&began) && !webhook.wants(&digit));
        webhook.events = vec!["leg.digit".parse().unwrap(), "call.ended".parse().unwrap()];
        assert!(!webhook.wants(&began) && webhook.wants(&digit));
        webhook.enabled = false;
        assert!(!webhook.wants(&digit));
        for wrong in ["", "call", "call.", "calls.*", "*.*", "call.end", "**"] {
            assert!(wrong.parse::<Wanted>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_secret_is_not_shown() {
        let webhook = Webhook::new("crm", "https://example.com/", "hush-hush");
        assert!(!format!("{webhook:?}").contains("hush"));
    }
}
