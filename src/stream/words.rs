//! The messages, read and written (*Twilio Media Streams*, "WebSocket messages").
//!
//! Numbers stand in strings there, and are written so here. What a program says beyond what we
//! know (other events, other fields) is passed over, as programs are often more talkative.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};

use super::Opening;
use crate::audio::Digit;
use crate::media::Say;

/// The longest name of a mark or a route.
const NAME_MAX: usize = 256;
/// Keys that one message may press.
const KEYS_MAX: usize = 32;
/// Some programs leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a program said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Say(Vec<Say>),
    Route(Arc<str>),
    HangUp,
    Stop,
    /// Something that we have no ear for.
    Other,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow, default)]
    stream_sid: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    media: Option<Media<'a>>,
    #[serde(borrow, default)]
    mark: Option<Named<'a>>,
    #[serde(borrow, default)]
    route: Option<Named<'a>>,
    #[serde(borrow, default)]
    dtmf: Option<Pressed<'a>>,
}

#[derive(Deserialize)]
struct Media<'a> {
    #[serde(borrow)]
    payload: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Pressed<'a> {
    #[serde(borrow)]
    digit: Cow<'a, str>,
}

/// Reads a message to the stream `sid`; `None` if it is none.
pub(super) fn read(text: &str, sid: &str) -> Option<Heard> {
    let message: Message<'_> = serde_json::from_str(text).ok()?;
    if message.stream_sid.is_some_and(|it| it != sid) {
        return None;
    }
    Some(match &*message.event {
        "media" => {
            let octets = BASE64.decode(message.media?.payload.as_bytes()).ok()?;
            Heard::Say(vec![Say::Voice(octets.into())])
        }
        "mark" => Heard::Say(vec![Say::Mark(name(message.mark?)?)]),
        "clear" => Heard::Say(vec![Say::Clear]),
        "dtmf" => {
            let keys = message.dtmf?.digit;
            if keys.is_empty() || KEYS_MAX < keys.len() {
                return None;
            }
            let pressed: Option<Vec<_>> =
                keys.chars().map(|it| Digit::from_char(it).map(Say::Key)).collect();
            Heard::Say(pressed?)
        }
        "route" => Heard::Route(name(message.route?)?),
        "hangup" => Heard::HangUp,
        "stop" => Heard::Stop,
        _ => Heard::Other,
    })
}

fn name(named: Named<'_>) -> Option<Arc<str>> {
    (named.name.len() <= NAME_MAX).then(|| named.name.into())
}

/// The first message of ours.
pub(super) const CONNECTED: &str = r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#;

/// Any other message of ours.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Telling<'a> {
    pub event: &'a str,
    pub sequence_number: String,
    pub stream_sid: &'a str,
    #[serde(flatten)]
    pub what: What<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum What<'a> {
    Start(Start<'a>),
    Media {
        track: &'a str,
        chunk: String,
        timestamp: String,
        payload: String,
    },
    Dtmf {
        track: &'a str,
        digit: String,
    },
    Mark {
        name: &'a str,
    },
    #[serde(rename_all = "camelCase")]
    Stop {
        account_sid: &'a str,
        call_sid: &'a str,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Start<'a> {
    account_sid: &'a str,
    stream_sid: &'a str,
    call_sid: &'a str,
    tracks: [&'a str; 1],
    media_format: Format<'a>,
    custom_parameters: &'a std::collections::BTreeMap<String, String>,
    /// Ours: who calls, and what was dialled.
    from: &'a str,
    to: &'a str,
    agent: &'a str,
    /// Ours: the connection broke before, and this is the same conversation.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    resumed: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Format<'a> {
    encoding: &'a str,
    sample_rate: u32,
    channels: u8,
}

/// What stands for Twilio's account.
pub(super) const ACCOUNT: &str = "crosspoint";

impl<'a> Start<'a> {
    pub fn of(opening: &'a Opening, sid: &'a str) -> Self {
        Self {
            account_sid: ACCOUNT,
            stream_sid: sid,
            call_sid: &opening.call,
            tracks: ["inbound"],
            media_format: Format { encoding: "audio/x-mulaw", sample_rate: 8000, channels: 1 },
            custom_parameters: &opening.agent.parameters,
            from: &opening.caller,
            to: &opening.dialled,
            agent: &opening.agent.id,
            resumed: opening.resumed,
        }
    }
}

impl Telling<'_> {
    pub fn text(&self) -> String {
        // Plain data with string keys: there is nothing in it that JSON could not say.
        serde_json::to_string(self).unwrap_or_default()
    }
}

pub(super) fn payload(octets: &[u8]) -> String {
    BASE64.encode(octets)
}
