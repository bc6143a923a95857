//! What a leg may speak: the codecs and event formats we would offer or take, in order.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::codec::{self, Encoding};
use super::description::{Description, Payload};
use super::negotiated::{PayloadFormat, ptime};

/// Codecs and events, in order of preference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodecList {
    /// Voices.
    pub codecs: Vec<Offered>,
    /// Telephone events, at most one for each clock; none if digits go another way.
    pub events: Vec<Offered>,
    /// Packet time we ask for, in milliseconds.
    pub ptime: u8,
    /// Whose order decides when we answer.
    pub order: Order,
}

/// Whose order decides when we answer. Neither does while a codec agreed before is still offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    #[default]
    Theirs,
    Ours,
}

/// One format, with the payload type we offer it at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offered {
    /// Encoding name in lower case.
    pub name: Cow<'static, str>,
    /// RTP clock in Hz.
    pub clock: u32,
    pub channels: u8,
    pub fmtp: Option<Cow<'static, str>>,
    pub payload_type: u8,
}

impl CodecList {
    /// Formats taken from an offer, at most.
    const LONGEST: usize = 16;
    /// The usual payload type of telephone events at 8000 Hz.
    const EVENTS: u8 = 101;
    /// The keys of RFC 4733 section 3.2.
    pub(super) const KEYS: &str = "0-15";

    /// PCMU, PCMA and telephone events: what we speak ourselves.
    pub fn g711() -> Self {
        let codecs = vec![Offered::fixed(0), Offered::fixed(8)].into_iter().flatten().collect();
        let mut menu = Self { codecs, events: Vec::new(), ptime: 20, order: Order::Theirs };
        menu.add_events();
        menu
    }

    /// What a caller offers, at its payload types, to be offered to a destination: so both legs can
    /// share a codec we do not speak, untouched. If we can decode any of it, the other G.711 law is
    /// added; telephone events are, whether the caller has them or not.
    pub fn from_offer(offer: &Description<'_>) -> Self {
        let mut menu =
            Self { codecs: Vec::new(), events: Vec::new(), ptime: 20, order: Order::Theirs };
        let streams = || offer.media.iter().filter(|it| it.is_audio() && it.is_plain());
        let Some(media) = streams().find(|it| it.port != 0).or_else(|| streams().next()) else {
            return Self::g711();
        };
        menu.ptime = ptime(media);
        for payload in media.payloads().take(super::description::FORMATS) {
            if payload.encoding.is_events() {
                if menu.events.iter().all(|it| it.clock != payload.encoding.clock) {
                    let fmtp = Some(Self::KEYS.into());
                    menu.events.push(Offered { fmtp, ..Offered::from(payload) });
                }
            } else if payload.encoding.is_voice() && menu.codecs.len() < Self::LONGEST {
                menu.codecs.push(Offered::from(payload));
            }
        }
        let g711 = |it: &Offered| it.encoding().is_ours();
        if menu.codecs.is_empty() {
            return Self::g711();
        }
        if menu.codecs.iter().any(g711) {
            for it in [0, 8].into_iter().filter_map(Offered::fixed) {
                if !menu.codecs.iter().any(|have| have.is(&it.encoding())) {
                    menu.codecs.push(it);
                }
            }
        }
        menu.add_events();
        menu
    }

    /// Puts what we speak ourselves first, so that whispers, tones and recordings are possible
    /// wherever the far end can.
    pub fn g711_first(mut self) -> Self {
        self.codecs.sort_by_key(|it| !it.encoding().is_ours());
        self.order = Order::Ours;
        self
    }

    /// Puts what the other leg speaks first, with its parameters, so that packets need no change.
    pub fn prefer(mut self, codec: &PayloadFormat) -> Self {
        self.codecs.sort_by_key(|it| !it.is(&codec.encoding()));
        if let Some(first) = self.codecs.first_mut().filter(|it| it.is(&codec.encoding())) {
            first.fmtp.clone_from(&codec.fmtp);
        }
        self.order = Order::Ours;
        self
    }

    /// We speak some of it ourselves.
    pub fn has_g711(&self) -> bool {
        self.codecs.iter().any(|it| it.encoding().is_ours())
    }

    /// Nothing but what fits to this codec: itself, or both laws of G.711, which we put into each
    /// other.
    pub fn only(mut self, codec: &Encoding<'_>) -> Self {
        self.codecs.retain(|it| it.is(codec) || codec.is_ours() && it.encoding().is_ours());
        self
    }

    /// No telephone events: digits go another way.
    pub fn without_events(mut self) -> Self {
        self.events.clear();
        self
    }

    /// Events for the clock of each codec (RFC 4733 section 2.1: events share the stream's clock).
    fn add_events(&mut self) {
        for n in 0..self.codecs.len() {
            let clock = self.codecs[n].clock;
            if self.events.iter().any(|it| it.clock == clock) {
                continue;
            }
            let taken: Vec<u8> = self.numbers().collect();
            let Some(payload_type) = free(&taken, Self::EVENTS) else { return };
            self.events.push(Offered {
                name: "telephone-event".into(),
                clock,
                channels: 1,
                fmtp: Some(Self::KEYS.into()),
                payload_type,
            });
        }
    }

    fn numbers(&self) -> impl Iterator<Item = u8> {
        self.codecs.iter().chain(&self.events).map(|it| it.payload_type)
    }
}

impl Offered {
    /// A format by its static payload type.
    pub fn fixed(payload_type: u8) -> Option<Self> {
        let encoding = codec::fixed(payload_type)?;
        Some(Self::from(Payload { payload_type, encoding, fmtp: None }))
    }

    pub fn encoding(&self) -> Encoding<'_> {
        Encoding { name: &self.name, clock: self.clock, channels: self.channels }
    }

    /// The same encoding, whatever its payload type and parameters.
    pub fn is(&self, other: &Encoding<'_>) -> bool {
        self.encoding().is(other)
    }
}

impl From<Payload<'_>> for Offered {
    fn from(it: Payload<'_>) -> Self {
        Self {
            name: codec::lower_case(it.encoding.name),
            clock: it.encoding.clock,
            channels: it.encoding.channels,
            fmtp: it.fmtp.map(codec::parameters),
            payload_type: it.payload_type,
        }
    }
}

/// A dynamic payload type that is not taken: `wish` if possible.
pub fn free(taken: &[u8], wish: u8) -> Option<u8> {
    std::iter::once(wish).chain(codec::DYNAMIC..=codec::LAST).find(|it| !taken.contains(it))
}
