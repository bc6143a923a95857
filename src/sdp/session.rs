//! One leg's side of offer/answer (RFC 3264, RFC 6337).
//!
//! ```text
//!            offer                accept_answer
//!   new  -------------> offered -----------------> agreed <---+
//!    |                     ^  \____ withdraw _____^   |       | answer
//!    +------- answer ------|--------------------------+-------+
//!                          +------ offer_again -------+
//! ```
//!
//! What we said is kept: later answers use the same payload types and parameters unless the offer
//! forces others, the number of `m=` lines never shrinks (RFC 3264 section 8), and the version in
//! `o=` grows exactly when the text changes. A description we refuse changes nothing. The leg says
//! which of its messages carry these texts; a copy of the session serves each early dialog.

use std::net::SocketAddr;

use bytes::Bytes;

use super::codec;
use super::codec_list::{CodecList, Offered, Order, free};
use super::description::{Connection, Description, Media, Payload, parse};
use super::negotiated::{Events, Negotiated, PayloadFormat, addresses, ptime};
use super::write::{Ours, Slot};
use super::{Direction, Error};

/// Offer/answer state of one leg.
#[derive(Clone, Debug)]
pub struct Session {
    id: u64,
    local: SocketAddr,
    /// What we want, whatever an offer forces us to answer (RFC 6337 section 5.3).
    wanted: Direction,
    /// The highest version said so far.
    version: u64,
    said: Option<Said>,
    /// What stood, and was wanted, before the offer under way.
    before: Option<(Said, Direction)>,
    agreed: Option<Box<Negotiated>>,
}

/// The description we sent last.
#[derive(Clone, Debug)]
struct Said {
    ours: Ours,
    text: Bytes,
    /// As an offer, so that an answer may follow.
    offered: bool,
}

/// What an offered stream and our menu share.
struct Choice {
    slot: usize,
    codec: (Offered, PayloadFormat),
    events: Option<(Offered, Events)>,
    others: Vec<PayloadFormat>,
}

impl Session {
    /// `id` is random and stays (RFC 8866 section 5.2); `local` is where we receive RTP, with RTCP
    /// on the next port.
    pub fn new(id: u64, local: SocketAddr) -> Self {
        Self {
            // RFC 3264 section 5: representable as a 64-bit signed integer.
            id: id >> 1,
            local,
            wanted: Direction::SendRecv,
            version: 0,
            said: None,
            before: None,
            agreed: None,
        }
    }

    /// Offers what is on the menu. In a running session, codecs keep the payload types they had.
    pub fn offer(&mut self, menu: &CodecList) -> Bytes {
        let slots = match &self.said {
            Some(said) => said.ours.slots.iter().map(Slot::on).collect(),
            None => vec![Slot::Audio],
        };
        let before = self.said.as_ref().map(|it| &it.ours);
        let (codecs, events) = numbered(menu, before);
        let direction = self.wanted;
        let ours = Ours { direction, slots, codecs, events, ptime: menu.ptime };
        self.propose(ours, self.wanted)
    }

    /// Offers what was said last once more: to put the far end on hold, to resume, or unchanged to
    /// refresh the session (the text is the same then, version included). A session in which
    /// nothing was said offers G.711.
    pub fn offer_again(&mut self, wanted: Direction) -> Bytes {
        let before = std::mem::replace(&mut self.wanted, wanted);
        let Some(said) = &self.said else { return self.offer(&CodecList::g711()) };
        let mut ours = said.ours.clone();
        ours.direction = wanted;
        ours.slots = ours.slots.iter().map(Slot::on).collect();
        self.propose(ours, before)
    }

    /// The offer under way was refused: all is as it was before it (RFC 3261 section 14.1).
    pub fn withdraw(&mut self) {
        if let Some((said, wanted)) = self.before.take() {
            self.said = Some(said);
            self.wanted = wanted;
        }
    }

    /// Takes the answer to our offer. The same offer may be answered more than once: in early
    /// media, and again in the final answer.
    pub fn accept_answer(&mut self, answer: &[u8]) -> Result<Negotiated, Error> {
        let said = self.said.as_ref().filter(|it| it.offered).ok_or(Error::NoOffer)?;
        let answer = parse(answer)?;
        let slot = said.ours.slots.iter().position(|it| !matches!(it, Slot::Refused(..)));
        let media = slot
            .and_then(|slot| answer.media.get(slot))
            .filter(|it| it.is_audio())
            .or_else(|| answer.media.iter().find(|it| it.is_audio()))
            .ok_or(Error::NotAcceptable("no audio in the answer"))?;
        let negotiated = if media.port == 0 {
            self.off().ok_or(Error::NotAcceptable("audio refused"))?
        } else {
            if !media.is_plain() {
                return Err(Error::NotAcceptable("not RTP/AVP"));
            }
            let (codec, others) = answered(media, &said.ours.codecs)
                .ok_or(Error::NotAcceptable("no codec of ours in the answer"))?;
            let events = answered_events(media, &said.ours.events, codec.clock);
            self.conclude(&answer, media, codec, events, others, said.ours.direction)?
        };
        self.before = None;
        self.agreed = Some(Box::new(negotiated.clone()));
        Ok(negotiated)
    }

    /// Answers an offer with one codec and its telephone events. On an error nothing has changed
    /// and the offer deserves a 488 (or a 400 if it is malformed).
    pub fn answer(&mut self, offer: &[u8], menu: &CodecList) -> Result<(Bytes, Negotiated), Error> {
        let offer = parse(offer)?;
        let Some(choice) = self.choose(&offer, menu) else {
            return self.answer_without_audio(&offer);
        };
        let media = &offer.media[choice.slot];
        let direction = offer.direction_of(media).reversed().and(self.wanted);
        let (codec, format) = choice.codec;
        let (events, keys) = choice.events.unzip();
        let negotiated = self.conclude(&offer, media, format, keys, choice.others, direction)?;
        let ours = Ours {
            direction,
            slots: slots(&offer, Some(choice.slot)),
            codecs: vec![codec],
            events: events.into_iter().collect(),
            ptime: self.said.as_ref().map_or(menu.ptime, |it| it.ours.ptime),
        };
        let text = self.say(ours, false);
        self.before = None;
        self.agreed = Some(Box::new(negotiated.clone()));
        Ok((text, negotiated))
    }

    /// The description we sent last.
    pub fn local(&self) -> Option<&Bytes> {
        self.said.as_ref().map(|it| &it.text)
    }

    /// What was agreed last.
    pub fn agreed(&self) -> Option<&Negotiated> {
        self.agreed.as_deref()
    }

    /// What we want of the stream: anything but `SendRecv` is a hold of ours.
    pub fn wanted(&self) -> Direction {
        self.wanted
    }

    /// What we want from now on; it takes effect in the next offer or answer.
    pub fn want(&mut self, wanted: Direction) {
        self.wanted = wanted;
    }

    fn propose(&mut self, ours: Ours, wanted: Direction) -> Bytes {
        if self.before.is_none() && self.agreed.is_some() {
            self.before = self.said.clone().map(|said| (said, wanted));
        }
        self.say(ours, true)
    }

    /// Writes a description: the same text for the same content, else with the next version.
    fn say(&mut self, ours: Ours, offered: bool) -> Bytes {
        if let Some(said) = self.said.as_mut().filter(|it| it.ours == ours) {
            said.offered = offered;
            return said.text.clone();
        }
        self.version += 1;
        let text = ours.text(self.id, self.version, self.local);
        self.said = Some(Said { ours, text: text.clone(), offered });
        text
    }

    /// The stream and the formats we answer with.
    fn choose(&self, offer: &Description<'_>, menu: &CodecList) -> Option<Choice> {
        let live = |it: &Media<'_>| it.is_audio() && it.is_plain() && it.port != 0;
        let usual = self.said.as_ref().and_then(|it| it.ours.audio());
        let usual = usual.filter(|it| offer.media.get(*it).is_some_and(live));
        let all = (0..offer.media.len()).filter(|it| live(&offer.media[*it]));
        usual.into_iter().chain(all).find_map(|slot| self.choose_in(slot, offer, menu))
    }

    fn choose_in(&self, slot: usize, offer: &Description<'_>, menu: &CodecList) -> Option<Choice> {
        let media = offer.media.get(slot)?;
        let on_menu = |it: &Payload<'_>| menu.codecs.iter().any(|ours| ours.is(&it.encoding));
        let shared: Vec<Payload<'_>> =
            media.payloads().filter(|it| it.encoding.is_voice() && on_menu(it)).collect();
        let before = self.agreed.as_ref().map(|it| &it.codec);
        let same = before.and_then(|codec| {
            let unchanged = shared.iter().find(|it| codec.is_unchanged(it));
            unchanged.or_else(|| shared.iter().find(|it| codec.encoding().is(&it.encoding)))
        });
        let first = match menu.order {
            Order::Theirs => shared.first(),
            Order::Ours => menu.codecs.iter().find_map(|ours| {
                let exact = |it: &&Payload<'_>| it.fmtp == ours.fmtp.as_deref();
                let mut fits = shared.iter().filter(|it| ours.is(&it.encoding));
                fits.clone().find(exact).or_else(|| fits.next())
            }),
        };
        let payload = same.or(first)?;
        let codec = self.spoken(payload, menu);
        let events = (!menu.events.is_empty()).then(|| events(media, payload.encoding.clock));
        Some(Choice {
            slot,
            codec: (codec, PayloadFormat::new(payload, payload.payload_type)),
            events: events.flatten(),
            others: shared.iter().map(|it| PayloadFormat::new(it, it.payload_type)).collect(),
        })
    }

    /// How we answer a codec: its payload type is the offer's, its parameters those we said before,
    /// else the menu's, else the offer's.
    fn spoken(&self, payload: &Payload<'_>, menu: &CodecList) -> Offered {
        let unchanged = self.agreed.as_ref().is_some_and(|it| it.codec.is_unchanged(payload));
        let before = self.said.as_ref().filter(|_| unchanged).and_then(|said| {
            said.ours.codecs.iter().find(|it| it.is(&payload.encoding)).map(|it| it.fmtp.clone())
        });
        let on_menu = || {
            menu.codecs.iter().filter(|it| it.is(&payload.encoding)).find_map(|it| it.fmtp.clone())
        };
        let theirs = || payload.fmtp.map(codec::parameters);
        let fmtp = before.unwrap_or_else(|| on_menu().or_else(theirs));
        Offered { fmtp, ..Offered::from(*payload) }
    }

    /// An offer with nothing for us: refused, unless it only switches the audio of a running
    /// session off.
    fn answer_without_audio(
        &mut self,
        offer: &Description<'_>,
    ) -> Result<(Bytes, Negotiated), Error> {
        let audio = |it: &&Media<'_>| it.is_audio();
        let why = match offer.media.iter().find(audio) {
            None => "no audio",
            Some(_) if offer.media.iter().filter(audio).all(|it| it.port == 0) => "audio off",
            Some(_) if !offer.media.iter().filter(audio).any(Media::is_plain) => "not RTP/AVP",
            Some(_) => "no codec in common",
        };
        let off = self.off().filter(|_| why == "audio off");
        let (Some(off), Some(said)) = (off, &self.said) else {
            return Err(Error::NotAcceptable(why));
        };
        let mut ours = said.ours.clone();
        ours.slots = slots(offer, None);
        let text = self.say(ours, false);
        self.before = None;
        self.agreed = Some(Box::new(off.clone()));
        Ok((text, off))
    }

    /// The running session with its audio switched off.
    fn off(&self) -> Option<Negotiated> {
        let agreed = self.agreed.as_deref()?.clone();
        Some(Negotiated {
            rtp: None,
            rtcp: None,
            send: false,
            receive: false,
            held: true,
            ..agreed
        })
    }

    /// What media is told. `said` is the direction in our description.
    fn conclude(
        &self,
        theirs: &Description<'_>,
        media: &Media<'_>,
        codec: PayloadFormat,
        events: Option<Events>,
        others: Vec<PayloadFormat>,
        said: Direction,
    ) -> Result<Negotiated, Error> {
        let (rtp, rtcp) = addresses(theirs, media);
        if rtp.is_some_and(|it| it.is_ipv4() != self.local.is_ipv4()) {
            return Err(Error::NotAcceptable("an address of the other family"));
        }
        let direction = theirs.direction_of(media);
        let nowhere = theirs.connection_of(media) == Some(Connection::Nowhere);
        let flow = direction.reversed().and(said);
        Ok(Negotiated {
            rtp,
            rtcp,
            send: flow.sends() && !nowhere,
            receive: flow.receives(),
            codec,
            events,
            ptime: ptime(media),
            held: nowhere || (self.wanted.sends() && !direction.receives()),
            others,
        })
    }
}

impl Slot {
    /// The same line in an offer of ours: audio that was switched off is wanted again.
    fn on(&self) -> Self {
        match self {
            Self::Off => Self::Audio,
            it => it.clone(),
        }
    }
}

impl Ours {
    fn audio(&self) -> Option<usize> {
        self.slots.iter().position(|it| !matches!(it, Slot::Refused(..)))
    }
}

impl PayloadFormat {
    /// The far end offers this codec again, with the same parameters.
    fn is_unchanged(&self, it: &Payload<'_>) -> bool {
        self.encoding().is(&it.encoding) && it.fmtp == self.fmtp.as_deref()
    }
}

/// Our `m=` lines in an answer: one for each of the offer's, all refused but one. Without one, the
/// first audio line stands for the stream that is off.
fn slots(offer: &Description<'_>, audio: Option<usize>) -> Vec<Slot> {
    let off = offer.media.iter().position(Media::is_audio).filter(|_| audio.is_none());
    let slot = |(n, it): (usize, &Media<'_>)| match (audio == Some(n), off == Some(n)) {
        (true, _) => Slot::Audio,
        (_, true) => Slot::Off,
        _ => {
            let format = it.formats.first().copied().unwrap_or("0");
            Slot::Refused(it.kind.into(), it.protocol.into(), format.into())
        }
    };
    offer.media.iter().enumerate().map(slot).collect()
}

/// The menu's formats with payload types that mean the same as before (RFC 3264 section 8.3.2) and
/// differ from one another.
fn numbered(menu: &CodecList, before: Option<&Ours>) -> (Vec<Offered>, Vec<Offered>) {
    let mut known: Vec<&Offered> =
        before.iter().flat_map(|it| it.codecs.iter().chain(&it.events)).collect();
    let mut taken: Vec<u8> = known.iter().map(|it| it.payload_type).collect();
    taken.extend(menu.codecs.iter().map(|it| it.payload_type).filter(|it| *it < codec::DYNAMIC));
    let mut number = |it: &Offered| {
        let mut it = it.clone();
        let exact = known.iter().position(|had| had.is(&it.encoding()) && had.fmtp == it.fmtp);
        let alike = || known.iter().position(|had| had.is(&it.encoding()));
        if let Some(n) = exact.or_else(alike) {
            it.payload_type = known.remove(n).payload_type;
        } else if codec::DYNAMIC <= it.payload_type || codec::fixed(it.payload_type).is_none() {
            it.payload_type = free(&taken, it.payload_type)?;
            taken.push(it.payload_type);
        }
        Some(it)
    };
    let codecs = menu.codecs.iter().filter_map(&mut number).collect();
    let events = menu.events.iter().filter_map(&mut number).collect();
    (codecs, events)
}

/// The codec an answer chose, and all it named, by what we offered.
fn answered(media: &Media<'_>, ours: &[Offered]) -> Option<(PayloadFormat, Vec<PayloadFormat>)> {
    let number = |theirs: &Payload<'_>| {
        let mut fits = ours.iter().filter(|it| it.is(&theirs.encoding));
        let exact = fits.clone().find(|it| it.payload_type == theirs.payload_type);
        exact.or_else(|| fits.next()).map(|it| it.payload_type)
    };
    let all: Vec<PayloadFormat> =
        media.payloads().filter_map(|it| Some(PayloadFormat::new(&it, number(&it)?))).collect();
    Some((all.first()?.clone(), all))
}

/// The events to answer with: those of the codec's clock, else of 8000 Hz, else the first.
fn events(media: &Media<'_>, clock: u32) -> Option<(Offered, Events)> {
    let offered = || media.payloads().filter(|it| it.encoding.is_events());
    let of = |clock: u32| offered().find(|it| it.encoding.clock == clock);
    let it = of(clock).or_else(|| of(8000)).or_else(|| offered().next())?;
    let number = it.payload_type;
    let keys = Events { send_pt: number, receive_pt: number, clock: it.encoding.clock };
    Some((Offered { fmtp: Some(CodecList::KEYS.into()), ..Offered::from(it) }, keys))
}

/// The events an answer took of ours, by the same rule.
fn answered_events(media: &Media<'_>, ours: &[Offered], clock: u32) -> Option<Events> {
    let both = || {
        media.payloads().filter(|it| it.encoding.is_events()).filter_map(|theirs| {
            let ours = ours.iter().find(|it| it.is(&theirs.encoding))?;
            Some(Events {
                send_pt: theirs.payload_type,
                receive_pt: ours.payload_type,
                clock: ours.clock,
            })
        })
    };
    let of = |clock: u32| both().find(|it| it.clock == clock);
    of(clock).or_else(|| of(8000)).or_else(|| both().next())
}
