//! Values of the trade: messages, numbers and their beginnings, places, choices.

use std::sync::Arc;

use toml::de::DeValue;

use super::error::{Wrong, guess};
use super::keys::{Item, Key, Section, Value, kind, section, tables};
use super::shape::Shape;
use super::value::choices;
use super::voice::Voice;
use crate::audio::Ringback;
use crate::model::phone::Phone;
use crate::model::prompt;
use crate::model::record::Outcome;
use crate::model::trunk::{CallerIdHeaders, Reliable, TrunkTransport};
use crate::model::{Distribution, EarlyMedia, KeysBy, Order, QueueEntry, Wanted};

section! {
    /// A message: a WAV file, or a text to be spoken.
    MessageKeys {
        /// A WAV file: any rate, mono or stereo; from the folder of this file on.
        file: Option<Arc<str>> = optional("\"whisper.wav\"");
        /// A text.
        text: Option<Arc<str>> = optional("\"A call from the ads.\"");
        /// Its voice.
        voice: Option<Voice> = optional("\"slt\"");
        /// A message that was uploaded, by its name; it is in the folder of `[prompts]`.
        prompt: Option<Arc<str>> = optional("\"welcome\"");
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
    /// An uploaded one, by its name.
    Named(Arc<str>),
    Text {
        text: Arc<str>,
        voice: Option<Voice>,
    },
}

impl Value for Message {
    const KEYS: &'static [Key] = <MessageKeys as Section>::KEYS;

    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        let keys = MessageKeys::read(item)?;
        match (keys.file, keys.text, keys.prompt) {
            (Some(file), None, None) if keys.voice.is_none() && !file.is_empty() => {
                Ok(Self::File(file))
            }
            (None, Some(text), None) if !text.is_empty() => {
                Ok(Self::Text { text, voice: keys.voice })
            }
            (None, None, Some(name)) if keys.voice.is_none() => match prompt::is_name(&name) {
                true => Ok(Self::Named(name)),
                false => Err(item
                    .wrong(format!("{name:?} is no name of a message"))
                    .allowed("1 to 64 letters, digits, - and _")),
            },
            _ => Err(item.wrong("this is neither a file, nor a text, nor an uploaded prompt")),
        }
    }

    fn allowed() -> String {
        "{ file = \"message.wav\" }, { prompt = \"name\" } or { text = \"What is said.\" }, \
         perhaps with a voice"
            .to_owned()
    }

    fn shape() -> Shape {
        Shape::Message
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

    fn shape() -> Shape {
        Shape::Either(vec![Shape::Choice(vec!["none"]), Shape::Message])
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

    fn shape() -> Shape {
        Shape::Either(vec![Ringback::shape(), Shape::Word("music")])
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

    fn shape() -> Shape {
        Shape::Either(vec![Shape::Choice(vec!["plus", "digits"]), Shape::Word("national")])
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

    fn shape() -> Shape {
        Shape::Word("caller_number")
    }
}

/// A phone number with its country: `+12025550173`, `12025550173`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(pub Arc<str>);

impl Value for Number {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        let number = Phone::parse(item.str()?, None).map_err(|why| item.wrong(why))?;
        Ok(Self(number.into_inner()))
    }

    fn allowed() -> String {
        "a number such as \"+12025550173\"".to_owned()
    }

    fn shape() -> Shape {
        Shape::Word("phone_number")
    }
}

/// The beginning of a number with its country: `+1900`, `1900`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberPrefix(pub String);

impl Value for NumberPrefix {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        let text = item.str()?;
        let digits = text.strip_prefix('+').unwrap_or(text);
        match (1..=15).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit()) {
            true => Ok(Self(format!("+{digits}"))),
            false => Err(item.wrong(format!("{text:?} is not the beginning of a number"))),
        }
    }

    fn allowed() -> String {
        "the beginning of a number such as \"+1900\"".to_owned()
    }

    fn shape() -> Shape {
        Shape::Word("number_prefix")
    }
}

/// An area code of North America.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AreaCode(pub String);

impl Value for AreaCode {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        let text = item.str()?;
        match text.as_bytes() {
            [b'2'..=b'9', b'0'..=b'9', b'0'..=b'9'] => Ok(Self(text.to_owned())),
            _ => Err(item.wrong(format!("{text:?} is not an area code"))),
        }
    }

    fn allowed() -> String {
        "three digits such as \"212\", the first from 2 to 9".to_owned()
    }

    fn shape() -> Shape {
        Shape::Word("area_code")
    }
}

/// A state, territory or province of North America, by its two letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State(pub String);

impl Value for State {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        let text = item.str()?;
        match STATES.split(' ').any(|it| it == text) {
            true => Ok(Self(text.to_owned())),
            false => Err(item.wrong(format!("{text:?} is not a state or province"))),
        }
    }

    fn allowed() -> String {
        "two letters such as \"NY\"".to_owned()
    }

    fn shape() -> Shape {
        Shape::Choice(STATES.split(' ').collect())
    }
}

/// States and the District of Columbia, territories, provinces of Canada.
const STATES: &str = "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO \
                      MT NE NV NH NJ NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY \
                      DC AS GU MP PR VI AB BC MB NB NL NS NT NU ON PE QC SK YT";

/// The name of a header field (RFC 3261 section 25.1, `token`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderName(pub String);

impl Value for HeaderName {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        let text = item.str()?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-.!%*_+`'~".contains(c);
        match (1..=HEADER_MAX).contains(&text.len()) && text.chars().all(plain) {
            true => Ok(Self(text.to_owned())),
            false => Err(item.wrong(format!("{text:?} is not the name of a header field"))),
        }
    }

    fn allowed() -> String {
        "a name such as \"X-Campaign\"".to_owned()
    }

    fn shape() -> Shape {
        Shape::Word("header_name")
    }
}

const HEADER_MAX: usize = 64;

/// Where a virtual agent is: a WebSocket (RFC 6455 section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSocket(pub Arc<str>);

impl Value for WebSocket {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        url(item, ["ws", "wss"]).map(Self)
    }

    fn allowed() -> String {
        "\"ws://host:port/path\" or \"wss://host:port/path\"".to_owned()
    }

    fn shape() -> Shape {
        Shape::Url
    }
}

/// Where a webhook is (RFC 9110 section 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebAddress(pub Arc<str>);

impl Value for WebAddress {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        url(item, ["http", "https"]).map(Self)
    }

    fn allowed() -> String {
        "\"https://host:port/path\" or \"http://host:port/path\"".to_owned()
    }

    fn shape() -> Shape {
        Shape::Url
    }
}

const URL_MAX: usize = 2_000;

fn url(item: &Item<'_>, schemes: [&str; 2]) -> Result<Arc<str>, Wrong> {
    let text = String::read(item)?;
    match sound_url(&text, schemes) {
        Ok(()) => Ok(text.into()),
        // Not what it is: it may hold a token, and this is told and logged.
        Err(why) => Err(item.wrong(why)),
    }
}

fn sound_url(url: &str, schemes: [&str; 2]) -> Result<(), String> {
    let rest = match url.split_once("://") {
        Some((scheme, rest)) if schemes.contains(&scheme) => rest,
        Some(_) => return Err(format!("the schemes are {} and {}", schemes[0], schemes[1])),
        None => return Err("this is not a URL".to_owned()),
    };
    sound_authority(url, rest).map_err(str::to_owned)
}

/// A name or address with a port: `homer.example.com:9060`, `[2001:db8::1]:9060`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort(pub String);

impl Value for HostPort {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        let text = String::read(item)?;
        let has_port = text.rsplit_once(':').is_some_and(|it| !it.1.ends_with(']'));
        let why = match sound_authority(&text, &text) {
            Ok(()) if has_port && !text.contains(['/', '?']) => return Ok(Self(text)),
            Ok(()) => "it is not a host and a port",
            Err(why) => why,
        };
        Err(item.wrong(format!("{text:?}: {why}")))
    }

    fn allowed() -> String {
        "\"host:port\"".to_owned()
    }
}

fn sound_authority(url: &str, rest: &str) -> Result<(), &'static str> {
    if URL_MAX < url.len() {
        return Err("it is too long");
    }
    if let Some(_wrong) = url.chars().find(|c| !c.is_ascii_graphic() || "\"<>\\^`{|}".contains(*c))
    {
        return Err("it has characters that must be escaped in a URL");
    }
    if url.contains('#') {
        return Err("a fragment `#` is never sent");
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("user and password cannot be in it");
    }
    let (host, port) = match authority.rsplit_once(':').filter(|it| !it.1.ends_with(']')) {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    if port.is_some_and(|it| !it.parse::<u16>().is_ok_and(|it| it != 0)) {
        return Err("the port is not a number from 1 to 65535");
    }
    let in_brackets = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let sound = match in_brackets {
        Some(host) => host.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|it| it.is_ascii_alphanumeric() || b"-.".contains(&it))
        }
    };
    if sound { Ok(()) } else { Err("there is no host") }
}

/// Events that a webhook is told of.
impl Value for Wanted {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        let text = item.str()?;
        let known = crate::model::event::NAMES.iter().copied();
        text.parse().map_err(|why: String| item.wrong(format!("{why}{}", guess(text, known))))
    }

    fn allowed() -> String {
        format!("\"*\", \"call.*\", {}", crate::model::event::NAMES.join(", "))
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
    Distribution {
        "simultaneous" => Self::Simultaneous,
        "round_robin" => Self::RoundRobin,
        "longest_idle" => Self::LongestIdle,
        "sticky" => Self::Sticky,
        "weighted" => Self::Weighted,
    }
    QueueEntry { "answer" => Self::Answer, "early_media" => Self::EarlyMedia }
    Outcome {
        "answered" => Self::Answered,
        "declined" => Self::Declined,
        "busy" => Self::Busy,
        "no_answer" => Self::NoAnswer,
        "invalid_number" => Self::InvalidNumber,
        "failed" => Self::Failed,
        "abandoned" => Self::Abandoned,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::flow;

    #[test]
    fn every_state_that_can_be_written_has_an_area_code_and_the_other_way_round() {
        let served: BTreeSet<&str> =
            (200..1000).flat_map(|it| flow::states(&it.to_string()).collect::<Vec<_>>()).collect();
        let written: BTreeSet<&str> = STATES.split(' ').collect();
        assert_eq!(written, served);
    }
}
