//! Values of the trade that are written in more than one way: messages, routes, caller numbers.

use std::sync::Arc;

use toml::de::DeValue;

use super::error::{Wrong, guess};
use super::keys::{Item, Key, NOT_YET, Section, Value, kind, not_yet, section, tables};
use super::trade::DialKeys;
use super::value::choices;
use crate::audio::Ringback;
use crate::model::phone::Phone;
use crate::model::trunk::{CallerIdHeaders, Reliable, TrunkTransport};
use crate::model::{EarlyMedia, KeysBy, Order};

section! {
    /// A message: a WAV file, or a text to be spoken.
    MessageKeys {
        /// A WAV file: any rate, mono or stereo; from the folder of this file on.
        file: Option<Arc<str>> = optional("\"whisper.wav\"");
        /// A text.
        text: Option<Arc<str>> = optional("\"A call from the ads.\"");
        /// Its voice.
        voice: Option<Arc<str>> = optional("\"slt\"");
    }
}

section! {
    /// Music instead of ringing.
    MusicKeys {
        /// A WAV file, played over and over.
        music: Arc<str> = required("\"hold.wav\"");
    }
}

section! {
    /// Numbers as dialled inside of a country.
    NationalKeys {
        /// The country.
        national: Arc<str> = required("\"US\"");
    }
}

tables! { MessageKeys, MusicKeys, NationalKeys }

/// A message.
#[derive(Clone, Debug)]
pub enum Message {
    File(Arc<str>),
    Text { text: Arc<str>, voice: Option<Arc<str>> },
}

impl Value for Message {
    const KEYS: &'static [Key] = <MessageKeys as Section>::KEYS;

    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        let keys = MessageKeys::read(item)?;
        match (keys.file, keys.text) {
            (Some(file), None) if keys.voice.is_none() && !file.is_empty() => Ok(Self::File(file)),
            (None, Some(text)) if !text.is_empty() => Ok(Self::Text { text, voice: keys.voice }),
            _ => Err(item.wrong("this is neither a file nor a text")),
        }
    }

    fn allowed() -> String {
        "{ file = \"message.wav\" } or { text = \"What is said.\" }, perhaps with a voice"
            .to_owned()
    }
}

/// A message to the answering person, or none on purpose.
#[derive(Clone, Debug)]
pub enum Announced {
    Nothing,
    Say(Message),
}

impl Value for Announced {
    const KEYS: &'static [Key] = <MessageKeys as Section>::KEYS;

    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        match item.value {
            DeValue::String(text) if text == "none" => Ok(Self::Nothing),
            DeValue::Table(_) => Message::read(item).map(Self::Say),
            other => Err(item.wrong(format!("this is {}", kind(other)))),
        }
    }

    fn allowed() -> String {
        format!("\"none\", {}", Message::allowed())
    }
}

/// What callers hear while it rings.
#[derive(Clone, Debug)]
pub enum Music {
    Tone(Ringback),
    File(Arc<str>),
}

impl Value for Music {
    const KEYS: &'static [Key] = &[];

    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        match item.value {
            DeValue::Table(_) => MusicKeys::read(item).map(|it| Self::File(it.music)),
            _ => Ringback::read(item).map(Self::Tone),
        }
    }

    fn allowed() -> String {
        format!("{}, or {{ music = \"hold.wav\" }}", Ringback::allowed())
    }
}

/// How a trunk writes numbers.
#[derive(Clone, Debug)]
pub struct NumbersWord(pub crate::model::trunk::NumberFormat);

impl Value for NumbersWord {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        use crate::model::trunk::NumberFormat;
        if matches!(item.value, DeValue::Table(_)) {
            let country = NationalKeys::read(item)?.national;
            // The room that reads numbers knows the countries.
            return match Phone::parse("0", Some(&country)) {
                Err(why) if why.contains("not a country") => Err(item.wrong(why)),
                _ => Ok(Self(NumberFormat::National(country))),
            };
        }
        let choices = [("plus", NumberFormat::Plus), ("digits", NumberFormat::Digits)];
        super::value::chosen(item, &choices).map(Self)
    }

    fn allowed() -> String {
        "\"plus\", \"digits\", or { national = \"US\" }".to_owned()
    }
}

/// Whose number a destination sees.
#[derive(Clone, Debug)]
pub struct CallerNumberWord(pub crate::model::CallerNumber);

impl Value for CallerNumberWord {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        use crate::model::CallerNumber;
        let text = item.str()?;
        let number = match text {
            "caller" => CallerNumber::Caller,
            "tracking" => CallerNumber::Tracking,
            "anonymous" => CallerNumber::Anonymous,
            _ => {
                let names = ["caller", "tracking", "anonymous"];
                let fixed = Phone::parse(text, None).map_err(|_| {
                    item.wrong(format!("{text:?} is no rule and no number{}", guess(text, names)))
                })?;
                CallerNumber::Fixed(fixed.into_inner())
            }
        };
        Ok(Self(number))
    }

    fn allowed() -> String {
        "\"caller\", \"tracking\", \"anonymous\", or a number such as \"+12025550100\"".to_owned()
    }
}

/// A route, as it is written.
#[derive(Clone, Debug)]
pub enum RouteWord {
    Hangup,
    Dial(Box<DialKeys>),
}

impl Value for RouteWord {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        if let DeValue::String(text) = item.value {
            return match text.as_ref() {
                "hangup" => Ok(Self::Hangup),
                kind if NOT_YET.contains(&kind) => Err(item.wrong(not_yet(kind))),
                other => {
                    Err(item.wrong(format!("{other:?} is no route{}", guess(other, ["hangup"]))))
                }
            };
        }
        let table = item.table()?;
        if let Some(kind) = NOT_YET.iter().find(|it| table.get(it).is_some()) {
            let place = table.key_place(kind).unwrap_or(item.span.clone());
            return Err(Wrong::at(place, not_yet(kind)));
        }
        DialKeys::from_table(&table).map(|it| Self::Dial(Box::new(it)))
    }

    fn allowed() -> String {
        "\"hangup\", or { dial = [\"shop\", \"mobile\"], order = \"sequence\" }".to_owned()
    }
}

choices! {
    Ringback { "us" => Self::Us, "uk" => Self::Uk, "eu" => Self::Eu }
    TrunkTransport { "udp" => Self::Udp, "tcp" => Self::Tcp }
    CallerIdHeaders {
        "asserted" => Self::Asserted,
        "remote_party" => Self::RemoteParty,
        "from_only" => Self::FromOnly,
    }
    Reliable { "off" => Self::Off, "supported" => Self::Supported, "required" => Self::Required }
    KeysBy { "auto" => Self::Auto, "info" => Self::Info, "in_band" => Self::InBand }
    EarlyMedia { "relay" => Self::Relay, "ringing" => Self::Ringing }
    Order {
        "simultaneous" => Self::Simultaneous,
        "sequence" => Self::Sequence,
        "round_robin" => Self::RoundRobin,
        "least_connected" => Self::LeastConnected,
        "weighted" => Self::Weighted,
        "stages" => Self::Stages,
    }
}
