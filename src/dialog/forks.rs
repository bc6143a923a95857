//! The early dialogs of one INVITE of ours, one per To tag (RFC 3261 section 12.1.2, RFC 3262
//! section 4): a proxy on the way may have forked it, and each branch talks on its own.

use bytes::Bytes;

use super::body;
use super::head::SDP;
use super::reliable::{self, Order};
use super::state::{Dialog, Draft, Purpose, Side};
use super::{Event, Turn};
use crate::sdp::{CodecList, Negotiated, Session};
use crate::sip::{Message, Method, Name};

/// Early dialogs followed per INVITE; what rings beyond is heard, but not followed.
pub(super) const MAX_FORKS: usize = 16;

/// One of them.
#[derive(Debug)]
pub(super) struct Early {
    pub dialog: Dialog,
    pub session: Session,
    pub media: Option<Box<Negotiated>>,
    /// The description `media` came from.
    described: Option<Bytes>,
    /// It changed the session by UPDATE since: what the INVITE's responses say is outdated.
    pub updated: bool,
    /// Our answer to its offer went out in a PRACK.
    pub answered: bool,
    /// It said BYE already, ahead of its 2xx.
    pub gone: bool,
    last_rseq: Option<u32>,
}

impl Early {
    pub fn new(dialog: Dialog, session: Session) -> Self {
        Self {
            dialog,
            session,
            media: None,
            described: None,
            updated: false,
            answered: false,
            gone: false,
            last_rseq: None,
        }
    }

    /// Takes a provisional response. `offered` is our session as it stood after our offer, or
    /// nothing if the INVITE asked for theirs.
    pub fn on_provisional(
        &mut self,
        response: &Message,
        offered: Option<&Session>,
        menu: &CodecList,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) {
        let rseq = if response.requires("100rel") { response.rseq() } else { None };
        if let Some(rseq) = rseq
            && reliable::order(&mut self.last_rseq, rseq) == Order::Skip
        {
            return;
        }
        self.dialog.refresh(response);
        let sdp = body::sdp(response);
        let mut answer = None;
        match (offered, sdp) {
            (Some(offered), Some(sdp)) => self.take_answer(offered, &sdp),
            (None, Some(sdp)) if rseq.is_some() && !self.answered => {
                answer = self.take_offer(&sdp, menu);
            }
            _ => (),
        }
        if let Some(rseq) = rseq {
            let rack = format!("{rseq} {} INVITE", response.cseq());
            let mut draft = Draft::new(Method::Prack).with(Name::RAck, rack);
            if let Some(answer) = answer {
                draft = draft.with_body(SDP, answer);
            }
            self.dialog.ask(draft, Purpose::Prack, side, turn);
        }
        turn.event(Event::Ringing { status: response.status(), media: self.media.clone() });
    }

    /// The far end's answer to the INVITE's offer. Formally the first one counts, and later ones
    /// repeat it (RFC 3261 section 13.2.1); in the field a 200 may differ from its 183, and means
    /// it: the latest counts. One that cannot be used changes nothing.
    pub fn take_answer(&mut self, offered: &Session, sdp: &Bytes) {
        if self.updated || self.described.as_ref() == Some(sdp) {
            return;
        }
        let mut session = offered.clone();
        if let Ok(media) = session.accept_answer(sdp) {
            self.session = session;
            self.media = Some(Box::new(media));
            self.described = Some(sdp.clone());
        }
    }

    /// The far end's offer, to an INVITE without one: our answer, if there is one.
    pub fn take_offer(&mut self, sdp: &Bytes, menu: &CodecList) -> Option<Bytes> {
        let (answer, media) = self.session.answer(sdp, menu).ok()?;
        self.media = Some(Box::new(media));
        self.answered = true;
        Some(answer)
    }
}
