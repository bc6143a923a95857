//! What the far end asks inside a dialog, answered at once since its media ends here: re-INVITE
//! (RFC 3261 section 14.2), UPDATE (RFC 3311 section 5.2), the ACK that carries an answer, and the
//! methods that are the same in every phase.

use super::answers::Answer;
use super::body;
use super::confirmed::{Confirmed, Fall, Unacked};
use super::forks::Early;
use super::refresh::{MIN_SE, Terms};
use super::resend::Resend;
use super::state::Side;
use super::{Arrival, Event, Out, Turn, Why, keys};
use crate::sdp::CodecList;
use crate::sip::{Message, Method, Name};

/// Methods that mean the same in every phase.
pub(super) fn common(arrival: &Arrival<'_>, turn: &mut Turn<'_>) -> Answer {
    let request = arrival.request;
    match request.method() {
        Method::Options => Answer::options(),
        Method::Info => match keys::read(request) {
            Err(answer) => answer,
            Ok(digit) => {
                if let Some(digit) = digit {
                    turn.event(Event::Key(digit));
                }
                Answer::new(200)
            }
        },
        // Nobody can be put through before the call is answered.
        Method::Refer => Answer::declined(),
        Method::Prack => Answer::no_such_dialog(),
        Method::Subscribe | Method::Notify if request.header(Name::Event).is_some() => {
            Answer::bad_event()
        }
        Method::Other(_) => Answer::not_implemented(),
        _ => Answer::method_not_allowed(),
    }
}

/// UPDATE from an early dialog of our INVITE: it must wait for the answer to our own offer.
pub(super) fn early_update(
    early: &mut Early,
    menu: &CodecList,
    arrival: &Arrival<'_>,
    side: &Side,
    turn: &mut Turn<'_>,
) {
    let request = arrival.request;
    let sdp = body::sdp(request);
    if sdp.is_some() && early.media.is_none() {
        return turn.respond(arrival, &Answer::pending());
    }
    let mut answer = None;
    if let Some(sdp) = &sdp {
        match early.session.answer(sdp, menu) {
            Err(_) => {
                return turn.respond(arrival, &Answer::not_acceptable("No codec in common"));
            }
            Ok((sdp, media)) => {
                let media = Box::new(media);
                early.media = Some(media.clone());
                early.updated = true;
                answer = Some(sdp);
                turn.event(Event::Media { media });
            }
        }
    }
    early.dialog.refresh(request);
    accept(arrival, &side.accepting(200), answer.as_ref(), turn);
}

fn accept(arrival: &Arrival<'_>, answer: &Answer, sdp: Option<&bytes::Bytes>, turn: &mut Turn<'_>) {
    let response = answer.described(arrival.request, "", arrival.source(), sdp);
    turn.out.push(Out::Respond { server: arrival.server, response, status: answer.status });
}

impl Confirmed {
    pub fn on_reinvite(&mut self, arrival: &Arrival<'_>, side: &mut Side, turn: &mut Turn<'_>) {
        let ours_waits = self.unacked.as_ref().is_some_and(|it| it.wants_answer);
        if self.own.blocks_theirs() || ours_waits {
            return turn.respond(arrival, &Answer::pending());
        }
        let terms = match self.terms(arrival.request, side) {
            Ok(terms) => terms,
            Err(answer) => return turn.respond(arrival, &answer),
        };
        let offer = body::sdp(arrival.request);
        let wants_answer = offer.is_none();
        let sdp = match offer {
            // As if the call were new (RFC 3261 section 14.2), but for the numbers that stand.
            None => Some(self.session.offer(&self.menu)),
            Some(offer) => match self.session.answer(&offer, &self.menu) {
                Err(_) => {
                    return turn.respond(arrival, &Answer::not_acceptable("No codec in common"));
                }
                Ok((sdp, media)) => {
                    self.settle(media, turn);
                    Some(sdp)
                }
            },
        };
        self.dialog.refresh(arrival.request);
        let answer = self.accepting(arrival.request, terms, side, turn);
        let response = answer.described(arrival.request, "", arrival.source(), sdp.as_ref());
        let unacked = Unacked {
            cseq: arrival.request.cseq(),
            server: arrival.server,
            response,
            resend: Resend::of_2xx(turn.now),
            wants_answer,
            first: false,
        };
        unacked.send(turn);
        // A newer INVITE says that the 2xx before it arrived, even if its ACK did not.
        self.unacked = Some(unacked);
    }

    pub fn on_update(&mut self, arrival: &Arrival<'_>, side: &mut Side, turn: &mut Turn<'_>) {
        let offer = body::sdp(arrival.request);
        let ours_waits = self.unacked.as_ref().is_some_and(|it| it.wants_answer);
        if offer.is_some() && (self.own.blocks_theirs() || ours_waits) {
            return turn.respond(arrival, &Answer::pending());
        }
        let terms = match self.terms(arrival.request, side) {
            Ok(terms) => terms,
            Err(answer) => return turn.respond(arrival, &answer),
        };
        let mut sdp = None;
        if let Some(offer) = offer {
            match self.session.answer(&offer, &self.menu) {
                Err(_) => {
                    return turn.respond(arrival, &Answer::not_acceptable("No codec in common"));
                }
                Ok((answer, media)) => {
                    self.settle(media, turn);
                    sdp = Some(answer);
                }
            }
        }
        self.dialog.refresh(arrival.request);
        let answer = self.accepting(arrival.request, terms, side, turn);
        accept(arrival, &answer, sdp.as_ref(), turn);
    }

    /// Session timer terms for a refresh of theirs; one that does not mention the timer leaves the
    /// roles as they are.
    fn terms(&mut self, request: &Message, side: &Side) -> Result<Option<Terms>, Answer> {
        let Some(interval) = side.policy.timer else { return Ok(None) };
        self.least = self.least.max(request.min_se().unwrap_or(MIN_SE));
        if let Some(timer) = &self.timer
            && request.session_expires().is_none()
            && request.supports("timer")
        {
            return Ok(Some(timer.terms));
        }
        interval.judge(request)
    }

    fn accepting(
        &mut self,
        request: &Message,
        terms: Option<Terms>,
        side: &Side,
        turn: &Turn<'_>,
    ) -> Answer {
        let answer = side.accepting(200);
        self.timer = terms.map(|it| it.start(turn.now));
        match terms {
            Some(terms) => answer.lines(terms.lines(request.supports("timer"))),
            None => answer,
        }
    }

    /// ACK of our 2xx, with the answer if that carried our offer.
    pub fn on_ack(
        &mut self,
        ack: &Message,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) -> Result<(), Fall> {
        let Some(unacked) = self.unacked.take_if(|it| it.cseq == ack.cseq()) else {
            return Ok(());
        };
        if unacked.wants_answer {
            let answer = body::sdp(ack).unwrap_or_default();
            match self.session.accept_answer(&answer) {
                Ok(media) if unacked.first => {
                    let media = Box::new(media);
                    self.media = Some(media.clone());
                    turn.event(Event::Answered { media });
                }
                Ok(media) => self.settle(media, turn),
                Err(_) if unacked.first => {
                    let text = "No usable answer in ACK";
                    return Err(Fall { status: 488, text, why: Why::NoMedia });
                }
                Err(_) => self.session.withdraw(),
            }
        }
        self.advance(side, turn);
        Ok(())
    }
}
