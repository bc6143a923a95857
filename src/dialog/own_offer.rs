//! Offers and refreshes of ours in an answered call: re-INVITE and UPDATE (RFC 3261 section 14.1,
//! RFC 3311, RFC 4028 section 10).
//!
//! ```text
//!  Idle --ask--> Asked --2xx, refusal--> Idle         (a refusal leaves the session as it was)
//!    ^             | 491
//!    +---ask again-+--> Wait (2.1-4 s if the Call-ID is ours, else 0-2 s)
//! ```

use std::sync::Arc;
use std::time::Duration;

use super::body;
use super::confirmed::{Confirmed, Fall};
use super::refresh::Terms;
use super::resend::PATIENCE;
use super::state::{Asked, Draft, Purpose, Side};
use super::{Event, Turn};
use crate::clock::Instant;
use crate::sdp::{CodecList, Direction};
use crate::sip::{Message, Method, Name};

/// What we want of the far end.
#[derive(Clone, Debug)]
pub(super) enum Want {
    /// Only to know that it is still there.
    Refresh,
    /// Another direction (hold and resume), or other codecs.
    Change { direction: Direction, menu: Option<Arc<CodecList>> },
}

#[derive(Debug)]
pub(super) enum Own {
    Idle,
    Asked {
        want: Want,
        method: Method,
        /// An INVITE that is not answered by then is cancelled, and then given up.
        until: Instant,
        cancelled: bool,
    },
    Wait {
        want: Want,
        at: Instant,
    },
}

impl Own {
    /// An INVITE or an offer is out: the far end's must wait (RFC 3261 section 14.2).
    pub fn blocks_theirs(&self) -> bool {
        matches!(self, Self::Asked { method: Method::Invite, .. })
    }

    pub fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Idle => None,
            Self::Asked { until, .. } => Some(*until),
            Self::Wait { at, .. } => Some(*at),
        }
    }
}

impl Confirmed {
    /// Asks now, or as soon as nothing is in the way.
    pub fn want(&mut self, want: Want, side: &mut Side, turn: &mut Turn<'_>) {
        let free = matches!(self.own, Own::Idle) && self.unacked.is_none();
        match (free, &self.wanted, &want) {
            (true, ..) => self.ask(want, side, turn),
            // A change is a refresh too.
            (false, Some(Want::Change { .. }), Want::Refresh) => (),
            (false, ..) => self.wanted = Some(want),
        }
    }

    /// Asks for what had to wait.
    pub fn advance(&mut self, side: &mut Side, turn: &mut Turn<'_>) {
        if matches!(self.own, Own::Idle)
            && self.unacked.is_none()
            && let Some(want) = self.wanted.take()
        {
            self.ask(want, side, turn);
        }
    }

    fn ask(&mut self, want: Want, side: &mut Side, turn: &mut Turn<'_>) {
        let (method, sdp) = match &want {
            Want::Refresh if self.dialog.update => (Method::Update, None),
            // The same description: nothing has changed (RFC 4028 section 7.4).
            Want::Refresh => {
                let wanted = self.session.wanted();
                (Method::Invite, Some(self.session.offer_again(wanted)))
            }
            Want::Change { direction, menu: None } => {
                (Method::Invite, Some(self.session.offer_again(*direction)))
            }
            Want::Change { direction, menu: Some(menu) } => {
                self.session.want(*direction);
                (Method::Invite, Some(self.session.offer(menu)))
            }
        };
        let mut draft = Draft::new(method.clone()).with_sdp(sdp);
        if let Some(interval) = side.policy.timer {
            draft = draft
                .with(Name::Supported, "timer")
                .with_lines(interval.lines(self.least, self.timer.as_ref()));
        }
        let until = turn.now + 2 * PATIENCE;
        self.own = Own::Asked { want, method, until, cancelled: false };
        self.dialog.ask(draft, Purpose::Offer, side, turn);
    }

    /// The final response to it; credentials were dealt with.
    pub fn on_offer_response(
        &mut self,
        asked: &Asked,
        response: &Message,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) -> Result<(), Fall> {
        let Own::Asked { want, .. } = std::mem::replace(&mut self.own, Own::Idle) else {
            return Ok(());
        };
        match response.status() {
            200..300 => self.on_agreed(asked, &want, response, side, turn),
            status @ (408 | 481) => return Err(Fall::gone(status)),
            491 => {
                self.session.withdraw();
                self.own = Own::Wait { want, at: turn.now + self.glare(turn.ids.random()) };
            }
            status => {
                self.session.withdraw();
                self.on_refused(asked, want, status, response, side, turn);
            }
        }
        self.advance(side, turn);
        Ok(())
    }

    fn on_agreed(
        &mut self,
        asked: &Asked,
        want: &Want,
        response: &Message,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) {
        self.dialog.refresh(response);
        if asked.draft.method == Method::Invite {
            let acked = self.dialog.ack(asked.cseq, None, side, turn);
            self.keep_ack(acked);
            let answer = body::sdp(response).unwrap_or_default();
            match self.session.accept_answer(&answer) {
                Ok(media) => {
                    if let Want::Change { menu: Some(menu), .. } = want {
                        self.menu = menu.clone();
                    }
                    self.settle(media, turn);
                }
                // An answer that says nothing usable leaves things as they were.
                Err(_) => {
                    self.session.withdraw();
                    if matches!(want, Want::Change { .. }) {
                        turn.event(Event::Unchanged { status: 488 });
                    }
                }
            }
        }
        if side.policy.timer.is_some() {
            self.timer = Terms::of_response(response).map(|it| it.start(turn.now));
        }
    }

    fn on_refused(
        &mut self,
        asked: &Asked,
        want: Want,
        status: u16,
        response: &Message,
        side: &mut Side,
        turn: &mut Turn<'_>,
    ) {
        let longer = response.min_se().filter(|it| status == 422 && self.least < *it);
        if let Some(least) = longer {
            self.least = least;
            return self.ask(want, side, turn);
        }
        let unknown = matches!(status, 405 | 501) && asked.draft.method == Method::Update;
        if unknown {
            self.dialog.update = false;
            return self.ask(want, side, turn);
        }
        match want {
            Want::Refresh => {
                if let Some(timer) = &mut self.timer {
                    timer.retry(turn.now);
                }
            }
            Want::Change { .. } => turn.event(Event::Unchanged { status }),
        }
    }

    /// RFC 3261 section 14.1: how long to wait after a 491, in steps of 10 ms.
    fn glare(&self, random: u64) -> Duration {
        let ms = if self.owner { 2_100 + 10 * (random % 191) } else { 10 * (random % 201) };
        Duration::from_millis(ms)
    }

    pub fn on_own_time(&mut self, side: &mut Side, turn: &mut Turn<'_>) -> Result<(), Fall> {
        match &mut self.own {
            Own::Wait { at, .. } if *at <= turn.now => {
                if let Own::Wait { want, .. } = std::mem::replace(&mut self.own, Own::Idle) {
                    self.want(want, side, turn);
                }
                Ok(())
            }
            Own::Asked { until, cancelled, method, .. } if *until <= turn.now => {
                if *cancelled || *method != Method::Invite {
                    return Err(Fall::gone(408));
                }
                *cancelled = true;
                *until = turn.now + PATIENCE;
                self.dialog.cancel(Purpose::Offer, side, turn);
                Ok(())
            }
            Own::Idle | Own::Asked { .. } | Own::Wait { .. } => Ok(()),
        }
    }
}
