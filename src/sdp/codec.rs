//! What a payload type means: encoding names, and the static ones of RFC 3551 section 6.

use std::borrow::Cow;

/// An encoding as `a=rtpmap` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding<'a> {
    /// As written; compare without regard to case.
    pub name: &'a str,
    /// RTP clock in Hz.
    pub clock: u32,
    pub channels: u8,
}

/// The first payload type that has no meaning of its own.
pub const DYNAMIC: u8 = 96;
/// The last payload type there is.
pub const LAST: u8 = 127;

const EVENTS: &str = "telephone-event";

/// Names written other than in lower case.
const SPELLINGS: &[&str] = &[
    "PCMU", "PCMA", "G722", "G723", "G726-16", "G726-24", "G726-32", "G726-40", "G728", "G729",
    "G729D", "G729E", "G7221", "GSM", "GSM-EFR", "AMR", "AMR-WB", "EVS", "iLBC", "L16", "DVI4",
    "LPC", "QCELP", "MPA", "CN", "SILK",
];

/// The encoding a static payload type stands for.
pub fn fixed(payload_type: u8) -> Option<Encoding<'static>> {
    let (name, clock, channels) = match payload_type {
        0 => ("PCMU", 8000, 1),
        3 => ("GSM", 8000, 1),
        4 => ("G723", 8000, 1),
        5 => ("DVI4", 8000, 1),
        6 => ("DVI4", 16_000, 1),
        7 => ("LPC", 8000, 1),
        8 => ("PCMA", 8000, 1),
        9 => ("G722", 8000, 1),
        10 => ("L16", 44_100, 2),
        11 => ("L16", 44_100, 1),
        12 => ("QCELP", 8000, 1),
        13 => ("CN", 8000, 1),
        14 => ("MPA", 90_000, 1),
        15 => ("G728", 8000, 1),
        16 => ("DVI4", 11_025, 1),
        17 => ("DVI4", 22_050, 1),
        18 => ("G729", 8000, 1),
        _ => return None,
    };
    Some(Encoding { name, clock, channels })
}

/// An encoding's name in lower case.
pub fn lower_case(name: &str) -> Cow<'static, str> {
    const USUAL: &[&str] = &["pcmu", "pcma", EVENTS, "g722", "g729", "opus"];
    match USUAL.iter().find(|it| it.eq_ignore_ascii_case(name)) {
        Some(usual) => Cow::Borrowed(usual),
        None => Cow::Owned(name.to_ascii_lowercase()),
    }
}

/// Parameters as somebody wrote them.
pub fn parameters(text: &str) -> Cow<'static, str> {
    const USUAL: &[&str] = &["0-15", "0-16", "annexb=no"];
    match USUAL.iter().find(|it| **it == text) {
        Some(usual) => Cow::Borrowed(usual),
        None => Cow::Owned(text.to_owned()),
    }
}

/// How a name in lower case is usually written.
pub fn spelling(name: &str) -> &str {
    SPELLINGS.iter().find(|it| it.eq_ignore_ascii_case(name)).copied().unwrap_or(name)
}

impl<'a> Encoding<'a> {
    const FASTEST: u32 = 192_000;

    /// Reads `PCMU/8000` or `opus/48000/2`.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.trim().split('/');
        let name = parts.next().filter(|it| is_token(it) && it.len() <= 32)?;
        let clock = parts.next()?.trim().parse().ok()?;
        let channels = parts.next().map_or(Some(1), |it| it.trim().parse().ok())?;
        let sane = (1..=Self::FASTEST).contains(&clock) && 0 < channels;
        sane.then_some(Self { name, clock, channels })
    }

    /// The same encoding: names are compared without regard to case.
    pub fn is(&self, other: &Encoding<'_>) -> bool {
        self.name.eq_ignore_ascii_case(other.name)
            && self.clock == other.clock
            && self.channels == other.channels
    }

    /// Telephone events (RFC 4733).
    pub fn is_events(&self) -> bool {
        self.name.eq_ignore_ascii_case(EVENTS)
    }

    /// A voice, rather than something that goes along with one.
    pub fn is_voice(&self) -> bool {
        const COMPANIONS: &[&str] = &[EVENTS, "tone", "CN", "red", "rtx", "ulpfec", "parityfec"];
        COMPANIONS.iter().all(|it| !it.eq_ignore_ascii_case(self.name))
    }

    /// A voice we can decode and speak ourselves.
    pub fn is_ours(&self) -> bool {
        let g711 = ["PCMU", "PCMA"].iter().any(|it| it.eq_ignore_ascii_case(self.name));
        g711 && self.clock == 8000 && self.channels == 1
    }
}

/// RFC 8866 `token`, one or more characters.
pub fn is_token(text: &str) -> bool {
    let legal = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`{|}~".contains(&c);
    !text.is_empty() && text.bytes().all(legal)
}
