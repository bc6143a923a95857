//! A call that came in and has no final response yet (RFC 3261 sections 8.2 and 13.3), with
//! reliable provisional responses (RFC 3262 section 3).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::answers::Answer;
use super::confirmed::{Confirmed, Unacked};
use super::leg::Phase;
use super::refresh::Terms;
use super::reliable::{self, Numbers, Unpracked};
use super::resend::{Due, Resend};
use super::state::{Dialog, Side};
use super::{Arrival, Cause, Event, Invited, Out, Reliable, Turn, Why, body, far_offer, parting};
use crate::clock::Instant;
use crate::sdp::{CodecList, Negotiated, Session};
use crate::sip::{Hop, Message, Method, Name};
use crate::transaction::ServerId;

/// A provisional response is sent at least this often, or proxies on the way lose patience
/// (RFC 3261 section 13.3.1.1).
const REPEAT: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Incoming {
    invite: Message,
    server: ServerId,
    from: Hop,
    pub dialog: Dialog,
    session: Session,
    menu: Arc<CodecList>,
    offer: Option<Bytes>,
    given: Option<Given>,
    terms: Option<Terms>,
    /// The caller knows reliable provisional responses, and we may use them.
    reliable: bool,
    /// It insists on them.
    required: bool,
    numbers: Numbers,
    unpracked: Option<Unpracked>,
    /// What to do when PRACK has come.
    then: Option<Then>,
    ringing: Option<Ringing>,
    expires_at: Option<Instant>,
}

/// The description we sent: our answer with what it settles, or our offer.
#[derive(Debug)]
struct Given {
    sdp: Bytes,
    media: Option<Box<Negotiated>>,
    /// Offer and answer are both known to have arrived.
    complete: bool,
}

#[derive(Debug)]
enum Then {
    Ring(Option<Arc<CodecList>>),
    Answer(Arc<CodecList>),
}

/// The unreliable provisional response to repeat.
#[derive(Debug)]
struct Ringing {
    status: u16,
    response: Bytes,
    at: Instant,
}

impl Incoming {
    /// Takes an INVITE that has passed [`super::screen`]; the refusal, if it cannot be taken.
    pub fn begin(
        arrival: &Arrival<'_>,
        invited: Invited,
        side: &Side,
        turn: &mut Turn<'_>,
    ) -> Result<Self, Answer> {
        let invite = arrival.request;
        let dialog = Dialog::of_request(invite, &turn.ids.tag())
            .map_err(|_| Answer::bad_request("Contact, From, To or Record-Route"))?;
        let required = invite.requires("100rel");
        let supported = required || invite.supports("100rel");
        match side.policy.reliable {
            Reliable::Off if required => return Err(Answer::bad_extension("100rel")),
            Reliable::Required if !supported => return Err(Answer::extension_required("100rel")),
            _ => (),
        }
        let terms = match side.policy.timer {
            Some(interval) => interval.judge(invite)?,
            None if invite.requires("timer") => return Err(Answer::bad_extension("timer")),
            None => None,
        };
        let offer = body::sdp(invite);
        if let Some(offer) = &offer {
            let tried = invited.session.clone().answer(offer, &invited.codecs);
            tried.map_err(|_| Answer::not_acceptable("No codec or media in common"))?;
        }
        let expires = invite.expires().map(|it| Duration::from_secs(u64::from(it)));
        Ok(Self {
            invite: invite.clone(),
            server: arrival.server,
            from: arrival.from,
            dialog,
            session: invited.session,
            menu: invited.codecs,
            offer,
            given: None,
            terms,
            reliable: supported && side.policy.reliable != Reliable::Off,
            required: required || side.policy.reliable == Reliable::Required,
            numbers: Numbers::new(turn.ids.random()),
            unpracked: None,
            then: None,
            ringing: None,
            expires_at: expires.map(|it| turn.now + it),
        })
    }

    /// The caller's description, if it sent one.
    pub fn offer(&self) -> Option<&Bytes> {
        self.offer.as_ref()
    }

    /// Tells the caller that it rings; with our description if `early` (early media).
    pub fn ring(&mut self, early: Option<Arc<CodecList>>, side: &mut Side, turn: &mut Turn<'_>) {
        if self.unpracked.is_some() {
            if !matches!(self.then, Some(Then::Answer(_))) {
                self.then = Some(Then::Ring(early));
            }
            return;
        }
        // An offer of ours needs to be sent reliably (RFC 3261 section 13.2.1).
        let early = early.filter(|_| self.reliable || self.offer.is_some());
        // The first reliable response to an INVITE without an offer must carry ours (RFC 3262
        // section 5); carriers hang up on one that does not (EDGE C-05).
        let must_offer = self.required && self.offer.is_none() && self.given.is_none();
        let known = self.given.is_some();
        let sdp = match &early {
            Some(menu) => self.describe(menu),
            None if must_offer => self.describe(&self.menu.clone()),
            None => None,
        };
        if let Some(media) = self.given.as_ref().filter(|_| !known).and_then(|it| it.media.clone())
        {
            turn.event(Event::Media { media });
        }
        let sdp = sdp.filter(|_| !self.given.as_ref().is_some_and(|it| it.complete));
        let status = if early.is_some() { 183 } else { 180 };
        let reliable = self.reliable && (self.required || sdp.is_some());
        let mut answer = side.accepting(status);
        let mut rseq = 0;
        if reliable {
            rseq = self.numbers.take();
            answer = answer.with(Name::Require, "100rel").with(Name::RSeq, rseq.to_string());
        }
        let response = self.write(answer, sdp.as_ref());
        turn.out.push(Out::Respond { server: self.server, response: response.clone(), status });
        if reliable {
            self.ringing = None;
            self.unpracked = Some(Unpracked::new(rseq, status, response, sdp.is_some(), turn.now));
        } else {
            self.ringing = Some(Ringing { status, response, at: turn.now + REPEAT });
        }
    }

    /// Answers the call: 2xx, now or once a description that is out has been acknowledged.
    pub fn answer(
        mut self: Box<Self>,
        menu: Arc<CodecList>,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) -> Phase {
        if self.unpracked.as_ref().is_some_and(|it| it.described) {
            self.then = Some(Then::Answer(menu));
            return Phase::Incoming(self);
        }
        let Some(sdp) = self.describe(&menu) else {
            let cause = Cause::new(488, "No codec in common");
            return self.fall(&cause, Why::NoMedia, turn);
        };
        let complete = self.given.as_ref().is_some_and(|it| it.complete);
        let mut answer = side.accepting(200);
        if let Some(terms) = self.terms {
            answer = answer.lines(terms.lines(self.invite.supports("timer")));
        }
        let response = self.write(answer, (!complete).then_some(&sdp));
        turn.out.push(Out::Respond {
            server: self.server,
            response: response.clone(),
            status: 200,
        });
        let wants_answer = self.offer.is_none() && !complete;
        let media = self.given.and_then(|it| it.media);
        if let (Some(media), false) = (&media, wants_answer) {
            turn.event(Event::Answered { media: media.clone() });
        }
        let cseq = self.invite.cseq();
        let mut confirmed = Confirmed::new(self.dialog, self.session, menu, false);
        confirmed.media = media;
        confirmed.timer = self.terms.map(|it| it.start(turn.now));
        confirmed.least = self.invite.min_se().unwrap_or(0);
        confirmed.unpracked = self.unpracked.map(|it| (it.rseq, cseq));
        confirmed.unacked = Some(Unacked {
            cseq,
            server: self.server,
            response,
            resend: Resend::of_2xx(turn.now),
            wants_answer,
            first: true,
        });
        Phase::Confirmed(Box::new(confirmed))
    }

    /// The final refusal.
    pub fn refuse(self: Box<Self>, answer: &Answer, turn: &mut Turn<'_>) -> Phase {
        let response = answer.to(&self.invite, &self.tag(), self.from.remote);
        turn.out.push(Out::Respond { server: self.server, response, status: answer.status });
        Phase::Ended(None)
    }

    /// The far end took its call back.
    pub fn on_cancel(self: Box<Self>, cancel: &Message, turn: &mut Turn<'_>) -> Phase {
        let reason = cancel.reason_header();
        turn.event(Event::HungUp { status: 487, reason, why: Why::Cancelled });
        self.refuse(&Answer::terminated(), turn)
    }

    pub fn on_request(
        mut self: Box<Self>,
        arrival: &Arrival<'_>,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) -> Phase {
        let request = arrival.request;
        if !self.dialog.owns(request) {
            turn.respond(arrival, &Answer::no_such_dialog());
            return Phase::Incoming(self);
        }
        if let Err(answer) = self.dialog.admit(request) {
            turn.respond(arrival, &answer);
            return Phase::Incoming(self);
        }
        side.follow(arrival.from);
        match request.method() {
            Method::Bye => {
                turn.respond(arrival, &Answer::new(200));
                let reason = request.reason_header();
                turn.event(Event::HungUp { status: 487, reason, why: Why::Bye });
                return self.refuse(&Answer::terminated(), turn);
            }
            Method::Prack => return self.on_prack(arrival, side, turn),
            // A second INVITE before the first is answered (RFC 3261 section 14.2).
            Method::Invite => {
                let answer = Answer::busy_with_offer(turn.ids.random());
                turn.respond(arrival, &answer);
            }
            Method::Update => self.on_update(arrival, side, turn),
            _ => {
                let answer = far_offer::common(arrival, turn);
                turn.respond(arrival, &answer);
            }
        }
        Phase::Incoming(self)
    }

    fn on_prack(
        mut self: Box<Self>,
        arrival: &Arrival<'_>,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) -> Phase {
        let prack = arrival.request;
        let cseq = self.invite.cseq();
        let Some(unpracked) = self.unpracked.take_if(|it| it.matches(prack, cseq)) else {
            turn.respond(arrival, &Answer::no_such_dialog());
            return Phase::Incoming(self);
        };
        let sdp = body::sdp(prack);
        let mut answer = None;
        let mut usable = true;
        if let Some(given) = self.given.as_mut().filter(|_| unpracked.described) {
            let ours_offered = self.offer.is_none() && given.media.is_none();
            given.complete = true;
            match (ours_offered, &sdp) {
                (true, sdp) => {
                    let sdp = sdp.clone().unwrap_or_default();
                    given.media = self.session.accept_answer(&sdp).ok().map(Box::new);
                    usable = given.media.is_some();
                    if let Some(media) = &given.media {
                        turn.event(Event::Media { media: media.clone() });
                    }
                }
                (false, Some(offer)) => {
                    if let Ok((sdp, media)) = self.session.answer(offer, &self.menu) {
                        given.media = Some(Box::new(media.clone()));
                        turn.event(Event::Media { media: Box::new(media) });
                        answer = Some(sdp);
                    }
                }
                (false, None) => (),
            }
        }
        let response = Answer::new(200).described(prack, "", arrival.source(), answer.as_ref());
        turn.out.push(Out::Respond { server: arrival.server, response, status: 200 });
        if !usable {
            let cause = Cause::new(488, "No usable answer in PRACK");
            return self.fall(&cause, Why::NoMedia, turn);
        }
        match self.then.take() {
            Some(Then::Answer(menu)) => return self.answer(menu, side, turn),
            Some(Then::Ring(early)) => self.ring(early, side, turn),
            None => (),
        }
        Phase::Incoming(self)
    }

    /// UPDATE before the final response (RFC 3311 section 5.2): an offer in it must wait until the
    /// INVITE's own is answered for certain.
    fn on_update(&mut self, arrival: &Arrival<'_>, side: &mut Side, turn: &mut Turn<'_>) {
        let Some(offer) = body::sdp(arrival.request) else {
            self.dialog.refresh(arrival.request);
            let answer = side.accepting(200);
            return turn.respond(arrival, &answer);
        };
        let given = self.given.as_mut().filter(|it| it.complete);
        let Some(given) = given else {
            let answer = match self.offer {
                Some(_) => Answer::busy_with_offer(turn.ids.random()),
                None => Answer::pending(),
            };
            return turn.respond(arrival, &answer);
        };
        match self.session.answer(&offer, &self.menu) {
            Err(_) => turn.respond(arrival, &Answer::not_acceptable("No codec in common")),
            Ok((sdp, media)) => {
                self.dialog.refresh(arrival.request);
                let answer = side.accepting(200);
                let response = answer.described(arrival.request, "", arrival.source(), Some(&sdp));
                turn.out.push(Out::Respond { server: arrival.server, response, status: 200 });
                let media = Box::new(media);
                given.media = Some(media.clone());
                turn.event(Event::Media { media });
            }
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        let unpracked = self.unpracked.as_ref().map(Unpracked::deadline);
        let ringing = self.ringing.as_ref().map(|it| it.at);
        [unpracked, ringing, self.expires_at].into_iter().flatten().min()
    }

    pub fn on_time(mut self: Box<Self>, turn: &mut Turn<'_>) -> Phase {
        if self.expires_at.is_some_and(|it| it <= turn.now) {
            turn.event(Event::HungUp { status: 487, reason: None, why: Why::Expired });
            return self.refuse(&Answer::terminated(), turn);
        }
        if let Some(unpracked) = &mut self.unpracked {
            match unpracked.on_time(turn.now) {
                Due::Nothing => (),
                Due::Again => {
                    let (response, status) = (unpracked.response.clone(), unpracked.status);
                    turn.out.push(Out::Respond { server: self.server, response, status });
                }
                Due::GiveUp => {
                    let cause = Cause::new(504, "No PRACK");
                    return self.fall(&cause, Why::NoPrack, turn);
                }
            }
        }
        if let Some(ringing) = self.ringing.as_mut().filter(|it| it.at <= turn.now) {
            ringing.at = turn.now + REPEAT;
            let (response, status) = (ringing.response.clone(), ringing.status);
            turn.out.push(Out::Respond { server: self.server, response, status });
        }
        Phase::Incoming(self)
    }

    /// Our description: the one already sent, or a new one; nothing if there can be none.
    fn describe(&mut self, menu: &CodecList) -> Option<Bytes> {
        if let Some(given) = &self.given {
            return Some(given.sdp.clone());
        }
        let (sdp, media) = match &self.offer {
            None => (self.session.offer(menu), None),
            Some(offer) => {
                // What was narrowed down to the destination's codecs may leave nothing; then all
                // that we can do ourselves counts.
                let answered = self.session.answer(offer, menu);
                let answered = answered.or_else(|_| self.session.answer(offer, &self.menu));
                let (sdp, media) = answered.ok()?;
                (sdp, Some(Box::new(media)))
            }
        };
        self.given = Some(Given { sdp: sdp.clone(), media, complete: false });
        Some(sdp)
    }

    /// A response that carries the dialog: Record-Route goes back as it came (section 12.1.1).
    fn write(&self, answer: Answer, sdp: Option<&Bytes>) -> Bytes {
        answer.recording_route().described(&self.invite, &self.tag(), self.from.remote, sdp)
    }

    fn tag(&self) -> String {
        String::from_utf8_lossy(&self.dialog.local_tag).into_owned()
    }

    /// It cannot go on: the final refusal, and word of it.
    fn fall(self: Box<Self>, cause: &Cause, why: Why, turn: &mut Turn<'_>) -> Phase {
        turn.event(Event::HungUp { status: cause.status, reason: None, why });
        let answer = Answer::new(cause.status).lines(parting::reason(cause));
        self.refuse(&answer, turn)
    }
}

/// A PRACK that comes after the final response is still answered (RFC 3262 section 3).
pub(super) fn late_prack(unpracked: &mut Option<(u32, u32)>, prack: &Message) -> Answer {
    match unpracked.take_if(|(rseq, cseq)| reliable::acknowledges(prack, *rseq, *cseq)) {
        Some(_) => Answer::new(200),
        None => Answer::no_such_dialog(),
    }
}
