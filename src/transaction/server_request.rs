//! The server transaction of every request but INVITE and ACK (RFC 3261 section 17.2.2).
//!
//! ```text
//!         1xx               200-699
//! Trying -----> Proceeding ---------> Completed --J--> Terminated
//!  |  \______________200-699___________^
//!  +--(nobody answered for 64*T1)--> Terminated
//! ```
//!
//! A resent request hears the last response again, in Trying nothing. A request nobody has answered
//! after 64*T1 is forgotten: its sender has stopped waiting (RFC 4320 section 4.2).

use bytes::Bytes;

use super::{LIFETIME, Wire};
use crate::clock::Instant;

#[derive(Debug)]
pub struct ServerRequest {
    state: State,
    reliable: bool,
}

#[derive(Debug)]
enum State {
    /// Timer J.
    Completed {
        response: Bytes,
        until: Instant,
    },
    /// Trying without a last response, Proceeding with one.
    Open {
        last: Option<Bytes>,
        until: Instant,
    },
    Terminated,
}

impl ServerRequest {
    pub fn start(reliable: bool, now: Instant) -> Self {
        Self { state: State::Open { last: None, until: now + LIFETIME }, reliable }
    }

    pub fn respond<O>(&mut self, response: Bytes, status: u16, now: Instant, wire: &mut Wire<O>) {
        match (&mut self.state, status) {
            (State::Open { last, .. }, ..200) => *last = Some(response.clone()),
            (State::Open { .. }, _) if self.reliable => self.state = State::Terminated,
            (State::Open { .. }, _) => {
                // Kept for long and by the hundred thousand: without the writer's spare room.
                let kept = Bytes::copy_from_slice(&response);
                self.state = State::Completed { response: kept, until: now + LIFETIME };
            }
            (State::Completed { .. } | State::Terminated, _) => return,
        }
        wire.send(response);
    }

    /// The request arrived again.
    pub fn on_again<O>(&mut self, wire: &mut Wire<O>) {
        match &self.state {
            State::Open { last: Some(response), .. } | State::Completed { response, .. } => {
                wire.send(response.clone());
            }
            State::Open { last: None, .. } | State::Terminated => (),
        }
    }

    /// Takes note of the time; to be called once [`Self::deadline`] has come.
    pub fn on_time(&mut self, now: Instant) {
        if self.deadline().is_some_and(|it| it <= now) {
            self.state = State::Terminated;
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Completed { until, .. } | State::Open { until, .. } => Some(*until),
            State::Terminated => None,
        }
    }

    pub fn is_answered(&self) -> bool {
        !matches!(self.state, State::Open { .. })
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
    fn a_resent_request_hears_the_last_response_again_for_32_s() {
        let mut out: Vec<Out<()>> = Vec::new();
        let mut request = ServerRequest::start(false, at(0));
        request.on_again(&mut Wire { to: UDP, out: &mut out });
        for status in [183, 200, 500] {
            let wire = &mut Wire { to: UDP, out: &mut out };
            request.respond(status.to_string().into(), status, at(100), wire);
            request.on_again(wire);
        }
        assert_eq!(sent(&mut out), ["183", "183", "200", "200", "200"]);
        assert_eq!(request.deadline(), Some(at(32_100)));
        request.on_time(at(32_099));
        assert!(!request.is_over());
        request.on_time(at(32_100));
        assert!(request.is_over());
    }

    #[test]
    fn an_answer_over_tcp_ends_it_at_once() {
        let mut out: Vec<Out<()>> = Vec::new();
        let mut request = ServerRequest::start(true, at(0));
        request.respond("200".into(), 200, at(100), &mut Wire { to: TCP, out: &mut out });
        assert_eq!(sent(&mut out), ["200"]);
        assert!(request.is_over());
    }

    #[test]
    fn a_request_nobody_answers_is_forgotten_after_32_s() {
        let mut request = ServerRequest::start(true, at(0));
        assert_eq!(request.deadline(), Some(at(32_000)));
        request.on_time(at(32_000));
        assert!(request.is_over());
    }
}
