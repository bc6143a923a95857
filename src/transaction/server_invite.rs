//! The INVITE server transaction (RFC 3261 section 17.2.1, RFC 6026 section 8.5).
//!
//! ```text
//!             2xx
//! Proceeding -----> Accepted --L--> Terminated
//!  |
//!  | 300-699              ACK
//!  +--------> Completed ------> Confirmed --I--> Terminated
//!             (G resends)  \
//!                           H--> Terminated (told)
//! ```
//!
//! A resent INVITE is answered with the last response in Proceeding and Completed, and with silence
//! in Accepted, where the resends of the 2xx belong to the dialog.

use std::time::Duration;

use bytes::Bytes;

use super::{LIFETIME, T1, T2, T4, Wire};
use crate::clock::Instant;

#[derive(Debug)]
pub struct ServerInvite {
    state: State,
    reliable: bool,
}

/// What an ACK that matched means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acked {
    /// It acknowledges our refusal, or comes too early or again.
    Absorb,
    /// It acknowledges a 2xx: for the dialog.
    Deliver,
}

#[derive(Debug)]
enum State {
    /// Timer L.
    Accepted {
        until: Instant,
    },
    /// Timers G and H.
    Completed {
        response: Bytes,
        resend: Option<Instant>,
        interval: Duration,
        give_up: Instant,
    },
    /// Timer I.
    Confirmed {
        until: Instant,
    },
    Proceeding {
        last: Bytes,
        cancelled: bool,
    },
    Terminated,
}

impl ServerInvite {
    /// Sends the 100 Trying.
    pub fn start<O>(trying: Bytes, wire: &mut Wire<O>) -> Self {
        wire.send(trying.clone());
        let state = State::Proceeding { last: trying, cancelled: false };
        Self { state, reliable: wire.to.transport.is_reliable() }
    }

    pub fn respond<O>(&mut self, response: Bytes, status: u16, now: Instant, wire: &mut Wire<O>) {
        match (&mut self.state, status) {
            (State::Proceeding { last, .. }, ..200) => last.clone_from(&response),
            (State::Proceeding { .. }, 200..300) => {
                self.state = State::Accepted { until: now + LIFETIME };
            }
            (State::Proceeding { .. }, _) => {
                self.state = State::Completed {
                    response: response.clone(),
                    resend: (!self.reliable).then(|| now + T1),
                    interval: T1,
                    give_up: now + LIFETIME,
                };
            }
            // The dialog resends its 2xx, or answers another branch.
            (State::Accepted { .. }, 200..300) => (),
            _ => return,
        }
        wire.send(response);
    }

    /// The INVITE arrived again.
    pub fn on_again<O>(&mut self, wire: &mut Wire<O>) {
        match &self.state {
            State::Proceeding { last: response, .. } | State::Completed { response, .. } => {
                wire.send(response.clone());
            }
            State::Accepted { .. } | State::Confirmed { .. } | State::Terminated => (),
        }
    }

    pub fn on_ack(&mut self, now: Instant) -> Acked {
        match &self.state {
            State::Accepted { .. } => return Acked::Deliver,
            State::Completed { .. } if self.reliable => self.state = State::Terminated,
            State::Completed { .. } => self.state = State::Confirmed { until: now + T4 },
            State::Confirmed { .. } | State::Proceeding { .. } | State::Terminated => (),
        }
        Acked::Absorb
    }

    /// Says whether this is news: the first CANCEL of an INVITE that is still open.
    pub fn on_cancel(&mut self) -> bool {
        match &mut self.state {
            State::Proceeding { cancelled, .. } => !std::mem::replace(cancelled, true),
            _ => false,
        }
    }

    /// The last response we keep: its To tag is the one a CANCEL's answer should carry.
    pub fn last(&self) -> Option<&Bytes> {
        match &self.state {
            State::Proceeding { last: response, .. } | State::Completed { response, .. } => {
                Some(response)
            }
            State::Accepted { .. } | State::Confirmed { .. } | State::Terminated => None,
        }
    }

    /// Takes note of the time; says whether our refusal was never acknowledged.
    pub fn on_time<O>(&mut self, now: Instant, wire: &mut Wire<O>) -> bool {
        match &mut self.state {
            State::Completed { give_up, .. } if *give_up <= now => {
                self.state = State::Terminated;
                return true;
            }
            State::Completed { response, resend: Some(resend), interval, .. } if *resend <= now => {
                wire.send(response.clone());
                *interval = (*interval * 2).min(T2);
                *resend = now + *interval;
            }
            State::Accepted { until } | State::Confirmed { until } if *until <= now => {
                self.state = State::Terminated;
            }
            _ => (),
        }
        false
    }

    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Accepted { until } | State::Confirmed { until } => Some(*until),
            State::Completed { resend, give_up, .. } => {
                Some(resend.map_or(*give_up, |it| it.min(*give_up)))
            }
            State::Proceeding { .. } | State::Terminated => None,
        }
    }

    /// A refusal has been sent: the same INVITE by another way would be a new attempt.
    pub fn is_refused(&self) -> bool {
        matches!(self.state, State::Completed { .. } | State::Confirmed { .. })
    }

    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Terminated)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Out, testing::*};
    use super::*;

    #[test]
    fn a_refusal_is_resent_up_to_every_4_s_until_nobody_acknowledged_it_for_32_s() {
        let expected = [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
        assert_eq!(series(UDP, 486, None), (expected.to_vec(), true, 32_000));
        assert_eq!(series(TCP, 486, None), (vec![], true, 32_000));
    }

    #[test]
    fn an_ack_stops_the_resends_and_is_absorbed_for_5_s() {
        assert_eq!(series(UDP, 486, Some(700)), (vec![500], false, 5_700));
        assert_eq!(series(TCP, 486, Some(700)), (vec![], false, 700));
    }

    #[test]
    fn a_2xx_is_not_resent_here_and_an_ack_of_it_goes_up() {
        assert_eq!(series(UDP, 200, None), (vec![], false, 32_000));
        let (mut invite, mut out) = started(UDP);
        respond(&mut invite, 200, &mut out);
        invite.on_again(&mut Wire { to: UDP, out: &mut out });
        assert_eq!(invite.on_ack(at(0)), Acked::Deliver);
        respond(&mut invite, 200, &mut out);
        respond(&mut invite, 486, &mut out);
        assert_eq!(sent(&mut out), ["200", "200"]);
    }

    #[test]
    fn a_resent_invite_hears_the_last_response_again() {
        let (mut invite, mut out) = started(UDP);
        for status in [180, 183, 486] {
            invite.on_again(&mut Wire { to: UDP, out: &mut out });
            respond(&mut invite, status, &mut out);
        }
        invite.on_again(&mut Wire { to: UDP, out: &mut out });
        assert_eq!(sent(&mut out), ["100", "180", "180", "183", "183", "486", "486"]);
        invite.on_ack(at(10));
        invite.on_again(&mut Wire { to: UDP, out: &mut out });
        assert_eq!(sent(&mut out), [""; 0]);
    }

    #[test]
    fn a_cancel_is_news_once_and_only_before_the_final_response() {
        let (mut invite, mut out) = started(UDP);
        assert_eq!([invite.on_cancel(), invite.on_cancel()], [true, false]);
        let (mut invite, _) = started(UDP);
        respond(&mut invite, 200, &mut out);
        assert!(!invite.on_cancel());
    }

    fn started(to: Hop) -> (ServerInvite, Vec<Out<()>>) {
        let mut out = Vec::new();
        let invite = ServerInvite::start("100".into(), &mut Wire { to, out: &mut out });
        assert_eq!(sent(&mut out), ["100"]);
        (invite, out)
    }

    fn respond(it: &mut ServerInvite, status: u16, out: &mut Vec<Out<()>>) {
        it.respond(status.to_string().into(), status, at(0), &mut Wire { to: UDP, out });
    }

    /// Answers at zero, turns the clock from deadline to deadline; an ACK comes at its millisecond.
    fn series(to: Hop, status: u16, ack: Option<u64>) -> (Vec<u64>, bool, u64) {
        let (mut invite, mut out) = started(to);
        respond(&mut invite, status, &mut out);
        out.clear();
        let (mut resent, mut unacknowledged, mut now) = (Vec::new(), false, 0);
        let mut ack = ack;
        while let Some(next) = invite.deadline() {
            if let Some(ms) = ack.take_if(|ms| at(*ms) < next) {
                now = ms;
                invite.on_ack(at(ms));
                continue;
            }
            now = millis(next);
            unacknowledged = invite.on_time(next, &mut Wire { to, out: &mut out });
            resent.extend(sent(&mut out).iter().map(|_| now));
        }
        (resent, unacknowledged, now)
    }
}
