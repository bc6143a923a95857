//! The INVITE client transaction (RFC 3261 section 17.1.1, RFC 6026 section 8.4).
//!
//! ```text
//!            1xx                2xx
//! Calling ---------> Proceeding ------> Accepted --M--> Terminated
//!  |  | \_________________2xx____________^  ^
//!  |  |  \____300-699___> Completed --D-----|---------> Terminated
//!  |  |                    ^   ^ 300-699    |
//!  |  |                    |   Proceeding   |
//!  |  | give_up    300-699 |                | 2xx (told)
//!  |  +-----------------> Abandoned --------+
//!  B                          |
//!  v                          | 64*T1
//! Terminated (told)           v
//!                         Terminated
//! ```
//!
//! Abandoned is ours: the owner wants no more of an INVITE that nobody answered, and so may not be
//! cancelled yet (RFC 3261 section 9.1). It is not resent, and silence is no failure. What comes all
//! the same is told: a 1xx, for the owner to cancel it, and then 64*T1 run anew; a refusal; a late
//! 2xx, to be acknowledged and hung up.

use std::time::Duration;

use bytes::Bytes;

use super::{Failure, LIFETIME, T1, Wire};
use crate::clock::Instant;

/// Timer D: how long a refusal's resends are still acknowledged.
const ABSORB: Duration = Duration::from_secs(32);

#[derive(Debug)]
pub struct ClientInvite {
    state: State,
    reliable: bool,
}

/// A state holds the timers that run in it, so none outlives it.
#[derive(Debug)]
enum State {
    /// Nobody wants it any more.
    Abandoned {
        request: Bytes,
        until: Instant,
    },
    /// Timer M.
    Accepted {
        until: Instant,
    },
    /// Timers A and B.
    Calling {
        request: Bytes,
        resend: Option<Instant>,
        interval: Duration,
        give_up: Instant,
    },
    /// Timer D.
    Completed {
        ack: Bytes,
        until: Instant,
    },
    /// `give_up` runs from the CANCEL on (RFC 3261 section 9.1).
    Proceeding {
        request: Bytes,
        give_up: Option<Instant>,
    },
    Terminated,
}

impl ClientInvite {
    /// Sends `request`; a reliable transport is trusted to resend.
    pub fn start<O>(request: Bytes, now: Instant, wire: &mut Wire<O>) -> Self {
        wire.send(request.clone());
        let reliable = wire.to.transport.is_reliable();
        let resend = (!reliable).then(|| now + T1);
        let state = State::Calling { request, resend, interval: T1, give_up: now + LIFETIME };
        Self { state, reliable }
    }

    /// Takes a response and says whether it is for the owner; `ack` makes from the INVITE what
    /// acknowledges a refusal.
    pub fn on_response<O>(
        &mut self,
        status: u16,
        ack: impl FnOnce(&Bytes) -> Option<Bytes>,
        now: Instant,
        wire: &mut Wire<O>,
    ) -> bool {
        let (state, deliver) = match (self.leave(), status) {
            (State::Calling { request, .. }, ..200) => {
                (State::Proceeding { request, give_up: None }, true)
            }
            (it @ (State::Abandoned { .. } | State::Proceeding { .. }), ..200) => (it, true),
            // Another branch answered, or the same one again: each is for the owner.
            (it @ State::Accepted { .. }, 200..300) => (it, true),
            (
                State::Abandoned { .. } | State::Calling { .. } | State::Proceeding { .. },
                200..300,
            ) => (State::Accepted { until: now + LIFETIME }, true),
            (
                State::Abandoned { request, .. }
                | State::Calling { request, .. }
                | State::Proceeding { request, .. },
                300..,
            ) => (self.refused(ack(&request), now, wire), true),
            (State::Completed { ack, until }, 300..) => {
                wire.send(ack.clone());
                (State::Completed { ack, until }, false)
            }
            (it, _) => (it, false),
        };
        self.state = state;
        deliver
    }

    /// The owner wants no more of it, answered or not: see the head of this file.
    pub fn give_up(&mut self, now: Instant) {
        self.state = match self.leave() {
            State::Calling { request, .. } | State::Proceeding { request, .. } => {
                State::Abandoned { request, until: now + LIFETIME }
            }
            it => it,
        };
    }

    /// The owner has sent a CANCEL: the INVITE ends even if it is never refused.
    pub fn on_cancelled(&mut self, now: Instant) {
        match &mut self.state {
            State::Proceeding { give_up, .. } => drop(give_up.get_or_insert(now + LIFETIME)),
            State::Abandoned { until, .. } => *until = now + LIFETIME,
            _ => (),
        }
    }

    /// Takes note of the time; to be called once [`Self::deadline`] has come.
    pub fn on_time<O>(&mut self, now: Instant, wire: &mut Wire<O>) -> Option<Failure> {
        match &mut self.state {
            State::Calling { give_up, .. } | State::Proceeding { give_up: Some(give_up), .. }
                if *give_up <= now =>
            {
                self.state = State::Terminated;
                return Some(Failure::Timeout);
            }
            State::Calling { request, resend: Some(resend), interval, .. } if *resend <= now => {
                wire.send(request.clone());
                *interval *= 2;
                *resend = now + *interval;
            }
            State::Abandoned { until, .. }
            | State::Accepted { until }
            | State::Completed { until, .. }
                if *until <= now =>
            {
                self.state = State::Terminated;
            }
            _ => (),
        }
        None
    }

    /// Nothing sent to the far end arrives (RFC 3261 section 18.4). An INVITE that has been answered
    /// provisionally goes on: its final response may come another way (section 18.2.2).
    pub fn on_transport_error(&mut self) -> Option<Failure> {
        match self.leave() {
            State::Calling { .. } => Some(Failure::Transport),
            State::Abandoned { .. } | State::Completed { .. } | State::Terminated => None,
            it => {
                self.state = it;
                None
            }
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Abandoned { until, .. }
            | State::Accepted { until }
            | State::Completed { until, .. } => Some(*until),
            State::Calling { resend, give_up, .. } => {
                Some(resend.map_or(*give_up, |it| it.min(*give_up)))
            }
            State::Proceeding { give_up, .. } => *give_up,
            State::Terminated => None,
        }
    }

    /// Not even a provisional response has come.
    pub fn is_unanswered(&self) -> bool {
        matches!(self.state, State::Calling { .. })
    }

    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Terminated)
    }

    fn refused<O>(&self, ack: Option<Bytes>, now: Instant, wire: &mut Wire<O>) -> State {
        let Some(ack) = ack else { return State::Terminated };
        wire.send(ack.clone());
        if self.reliable {
            State::Terminated
        } else {
            State::Completed { ack, until: now + ABSORB }
        }
    }

    fn leave(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Terminated)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Out, testing::*};
    use super::*;

    #[test]
    fn an_unanswered_invite_is_resent_at_doubling_intervals_and_given_up_after_32_s() {
        assert_eq!(series(UDP), (vec![500, 1_500, 3_500, 7_500, 15_500, 31_500], 32_000));
        assert_eq!(series(TCP), (vec![], 32_000));
    }

    #[test]
    fn a_repeated_refusal_is_acknowledged_each_time_but_delivered_once() {
        let (mut invite, mut out) = started(UDP);
        let verdicts = [100, 600, 1_600].map(|ms| respond(&mut invite, 486, ms, &mut out));
        assert_eq!(verdicts, [true, false, false]);
        assert_eq!(sent(&mut out), ["ACK", "ACK", "ACK"]);
        assert_eq!(invite.deadline(), Some(at(32_100)));
        assert!(!respond(&mut invite, 200, 1_700, &mut out));
    }

    #[test]
    fn a_refusal_over_tcp_ends_it_at_once() {
        let (mut invite, mut out) = started(TCP);
        assert!(respond(&mut invite, 486, 100, &mut out));
        assert_eq!(sent(&mut out), ["ACK"]);
        assert!(invite.is_over());
    }

    #[test]
    fn every_2xx_is_delivered_for_32_s() {
        let (mut invite, mut out) = started(UDP);
        let verdicts = [(180, 10), (200, 20), (200, 30), (180, 40), (487, 50)]
            .map(|(status, ms)| respond(&mut invite, status, ms, &mut out));
        assert_eq!(verdicts, [true, true, true, false, false]);
        assert_eq!(sent(&mut out), [""; 0]);
        assert_eq!(invite.deadline(), Some(at(32_020)));
        assert_eq!(time(&mut invite, 32_020, &mut out), None);
        assert!(invite.is_over());
    }

    #[test]
    fn a_ringing_invite_waits_as_long_as_it_takes_until_cancelled() {
        let (mut invite, mut out) = started(UDP);
        respond(&mut invite, 180, 10, &mut out);
        assert_eq!(invite.deadline(), None);
        invite.on_cancelled(at(60_000));
        invite.on_cancelled(at(61_000));
        assert_eq!(invite.deadline(), Some(at(92_000)));
        assert_eq!(time(&mut invite, 92_000, &mut out), Some(Failure::Timeout));
        assert!(invite.is_over());
    }

    #[test]
    fn an_abandoned_invite_is_no_longer_resent_and_what_comes_all_the_same_is_told() {
        let (mut invite, mut out) = started(UDP);
        invite.give_up(at(4_000));
        assert_eq!(invite.deadline(), Some(at(36_000)));
        assert!(respond(&mut invite, 180, 5_000, &mut out));
        assert_eq!(invite.deadline(), Some(at(36_000)));
        invite.on_cancelled(at(5_000));
        assert_eq!(invite.deadline(), Some(at(37_000)));
        assert!(respond(&mut invite, 487, 5_200, &mut out));
        assert_eq!(sent(&mut out), ["ACK"]);
    }

    #[test]
    fn an_abandoned_invite_still_tells_of_a_late_2xx_and_then_ends() {
        let (mut invite, mut out) = started(UDP);
        invite.give_up(at(4_000));
        assert!(respond(&mut invite, 200, 20_000, &mut out));
        assert_eq!(time(&mut invite, 52_000, &mut out), None);
        assert!(invite.is_over());
        assert_eq!(sent(&mut out), [""; 0]);
    }

    #[test]
    fn a_broken_transport_fails_what_was_never_answered_only() {
        let (mut invite, mut out) = started(UDP);
        assert_eq!(invite.on_transport_error(), Some(Failure::Transport));
        assert!(invite.is_over());
        let (mut invite, _) = started(TCP);
        respond(&mut invite, 180, 5_000, &mut out);
        assert_eq!(invite.on_transport_error(), None);
        assert!(!invite.is_over());
    }

    fn started(to: Hop) -> (ClientInvite, Vec<Out<()>>) {
        let mut out = Vec::new();
        let invite = ClientInvite::start("INVITE".into(), at(0), &mut Wire { to, out: &mut out });
        assert_eq!(sent(&mut out), ["INVITE"]);
        (invite, out)
    }

    fn respond(it: &mut ClientInvite, status: u16, ms: u64, out: &mut Vec<Out<()>>) -> bool {
        let ack = |_: &Bytes| Some("ACK".into());
        it.on_response(status, ack, at(ms), &mut Wire { to: UDP, out })
    }

    fn time(it: &mut ClientInvite, ms: u64, out: &mut Vec<Out<()>>) -> Option<Failure> {
        it.on_time(at(ms), &mut Wire { to: UDP, out })
    }

    /// Turns the clock from deadline to deadline; says when it was resent, and when it failed.
    fn series(to: Hop) -> (Vec<u64>, u64) {
        let (mut invite, mut out) = started(to);
        let mut resent = Vec::new();
        while let Some(next) = invite.deadline() {
            let ms = millis(next);
            let failed = time(&mut invite, ms, &mut out);
            resent.extend(sent(&mut out).iter().map(|_| ms));
            if failed == Some(Failure::Timeout) {
                return (resent, ms);
            }
        }
        panic!("it ended without a word");
    }
}
