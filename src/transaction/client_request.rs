//! The client transaction of every request but INVITE and ACK (RFC 3261 section 17.1.2).
//!
//! ```text
//!         1xx                200-699
//! Trying -----> Proceeding ----------> Completed --K--> Terminated
//!  | | \___________________200-699______^
//!  | |               |
//!  E F               E F    (E resends; F ends it, told)
//! ```

use std::time::Duration;

use bytes::Bytes;

use super::{Failure, LIFETIME, T1, T2, T4, Wire};
use crate::clock::Instant;

#[derive(Debug)]
pub struct ClientRequest {
    state: State,
    reliable: bool,
}

#[derive(Debug)]
enum State {
    /// Timer K: the answer may still arrive again.
    Completed {
        until: Instant,
    },
    /// Timers E and F; `interval` is T2 once there was a provisional response.
    Pending {
        request: Bytes,
        resend: Option<Instant>,
        interval: Duration,
        give_up: Instant,
    },
    Terminated,
}

impl ClientRequest {
    /// Sends `request`; a reliable transport is trusted to resend.
    pub fn start<O>(request: Bytes, now: Instant, wire: &mut Wire<O>) -> Self {
        wire.send(request.clone());
        let reliable = wire.to.transport.is_reliable();
        let resend = (!reliable).then(|| now + T1);
        let state = State::Pending { request, resend, interval: T1, give_up: now + LIFETIME };
        Self { state, reliable }
    }

    /// Says whether the response is for the owner.
    pub fn on_response(&mut self, status: u16, now: Instant) -> bool {
        match (&mut self.state, status) {
            // Timer E, once it has fired, runs with T2 in Proceeding.
            (State::Pending { interval, .. }, ..200) => *interval = T2,
            (State::Pending { .. }, _) if self.reliable => self.state = State::Terminated,
            (State::Pending { .. }, _) => self.state = State::Completed { until: now + T4 },
            (State::Completed { .. } | State::Terminated, _) => return false,
        }
        true
    }

    /// Takes note of the time; to be called once [`Self::deadline`] has come.
    pub fn on_time<O>(&mut self, now: Instant, wire: &mut Wire<O>) -> Option<Failure> {
        match &mut self.state {
            State::Pending { give_up, .. } if *give_up <= now => {
                self.state = State::Terminated;
                return Some(Failure::Timeout);
            }
            State::Pending { request, resend: Some(resend), interval, .. } if *resend <= now => {
                wire.send(request.clone());
                *interval = (*interval * 2).min(T2);
                *resend = now + *interval;
            }
            State::Completed { until } if *until <= now => self.state = State::Terminated,
            _ => (),
        }
        None
    }

    /// Nothing sent to the far end arrives, and no answer will (RFC 3261 section 17.1.4).
    pub fn on_transport_error(&mut self) -> Option<Failure> {
        let pending = matches!(self.state, State::Pending { .. });
        self.state = State::Terminated;
        pending.then_some(Failure::Transport)
    }

    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Completed { until } => Some(*until),
            State::Pending { resend, give_up, .. } => {
                Some(resend.map_or(*give_up, |it| it.min(*give_up)))
            }
            State::Terminated => None,
        }
    }

    /// Still waiting for a final response.
    pub fn is_pending(&self) -> bool {
        matches!(self.state, State::Pending { .. })
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
    fn an_unanswered_request_is_resent_up_to_every_4_s_and_fails_after_32_s() {
        let expected = [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
        assert_eq!(series(UDP, None), (expected.to_vec(), Some(Failure::Timeout), 32_000));
        assert_eq!(series(TCP, None), (vec![], Some(Failure::Timeout), 32_000));
    }

    #[test]
    fn a_provisional_response_slows_the_resends_to_4_s() {
        let expected = [500, 4_500, 8_500, 12_500, 16_500, 20_500, 24_500, 28_500];
        let (resent, failed, ended) = series(UDP, Some((100, 200)));
        assert_eq!((resent, failed, ended), (expected.to_vec(), Some(Failure::Timeout), 32_000));
    }

    #[test]
    fn a_repeated_answer_is_absorbed_for_5_s() {
        let (resent, failed, ended) = series(UDP, Some((200, 200)));
        assert_eq!((resent, failed, ended), (vec![], None, 5_200));
        let (mut request, _) = started(UDP);
        let told = [200, 200, 500].map(|status| request.on_response(status, at(10)));
        assert_eq!(told, [true, false, false]);
    }

    #[test]
    fn an_answer_over_tcp_ends_it_at_once() {
        let (mut request, _) = started(TCP);
        assert!(request.on_response(404, at(10)));
        assert!(request.is_over());
    }

    #[test]
    fn a_broken_transport_fails_it_unless_it_was_answered() {
        let (mut request, _) = started(UDP);
        assert_eq!(request.on_transport_error(), Some(Failure::Transport));
        let (mut request, _) = started(UDP);
        request.on_response(200, at(10));
        assert_eq!(request.on_transport_error(), None);
        assert!(request.is_over());
    }

    fn started(to: Hop) -> (ClientRequest, Vec<Out<()>>) {
        let mut out = Vec::new();
        let request = ClientRequest::start("BYE".into(), at(0), &mut Wire { to, out: &mut out });
        assert_eq!(sent(&mut out), ["BYE"]);
        (request, out)
    }

    /// Turns the clock from deadline to deadline, with one response given at its millisecond.
    fn series(to: Hop, response: Option<(u16, u64)>) -> (Vec<u64>, Option<Failure>, u64) {
        let (mut request, mut out) = started(to);
        if let Some((status, ms)) = response {
            assert!(request.on_response(status, at(ms)));
        }
        let (mut resent, mut failed, mut now) = (Vec::new(), None, 0);
        while let Some(next) = request.deadline() {
            now = millis(next);
            failed = request.on_time(next, &mut Wire { to, out: &mut out });
            resent.extend(sent(&mut out).iter().map(|_| now));
        }
        (resent, failed, now)
    }
}
