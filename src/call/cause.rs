//! Why things end, in one table: what a destination is told when we let it go, and what the caller
//! is told when nobody took the call.
//!
//! | The caller is refused because | status | reason | Retry-After |
//! |---|---|---|---|
//! | all destinations are lost | `flow::refusal` of the best outcome | `busy`, .. | no |
//! | no usable route, no fail-safe | 503 | `no_route` | yes: the carrier should go elsewhere |
//! | the chain of routes was cut | 480 | `route_loop` | no |
//! | the route says hang up | 480 | `route_hangup` | no |
//! | it is on the block list | 486 | `blocked` | no |
//! | nobody set the number up | 404 | `unknown_number` | no |
//! | it cannot hear what we would say | 488 | `no_common_codec` | no |
//!
//! A `route_loop` is no 482: that would speak of a SIP loop.
//! A 503 is kept for ourselves: with Retry-After it closes us to every other call of that carrier
//! for so long (RFC 3261 section 21.5.4), which one bad destination must not do.

use crate::flow;
use crate::model::record::{Cause, Outcome};

fn ours(sip: u16, q850: u8, reason: &str) -> Cause {
    Cause { sip, q850: Some(q850), reason: reason.to_owned(), local: true }
}

/// Another destination took the call: RFC 3326 section 2 gives a lost branch this cause.
pub(super) fn completed_elsewhere() -> Cause {
    ours(200, 26, "completed_elsewhere")
}

/// Our ring timer ran out.
pub(super) fn rang_out() -> Cause {
    ours(408, 19, "no_answer")
}

/// It put its other side through to somebody else, and is needed no more.
pub(super) fn transferred() -> Cause {
    ours(200, 16, "transferred")
}

/// Who asks may put nobody through, or not now.
pub(super) fn no_transfer(sip: u16) -> Cause {
    ours(sip, 21, "no_transfer")
}

/// Who was to be rung is closed, and nothing is said of where its calls go then.
pub(super) fn closed() -> Cause {
    ours(480, 31, "closed")
}

/// The answering person did not take the call.
pub(super) fn declined() -> Cause {
    ours(0, 21, "declined")
}

/// A machine picked up, and the destination wants people only.
pub(super) fn machine() -> Cause {
    ours(0, 21, "answering_machine")
}

/// The caller hung up before anybody took the call.
pub(super) fn abandoned() -> Cause {
    ours(487, 16, "abandoned")
}

/// A leg that could not be rung any more: the call has too many.
pub(super) fn too_many_legs() -> Cause {
    ours(503, 41, "too_many_legs")
}

/// Every destination has as many calls as it may.
pub(super) fn full() -> Cause {
    ours(486, 17, "full")
}

/// Nobody is there to take a queue's calls.
pub(super) fn nobody_there() -> Cause {
    ours(480, 20, "nobody_there")
}

pub(super) fn media_timeout() -> Cause {
    ours(0, 41, "media_timeout")
}

/// A limit on the call's length was reached; `reason` names it.
pub(super) fn limit(reason: &str) -> Cause {
    ours(0, 31, reason)
}

/// The caller's message is complete.
pub(super) fn voicemail() -> Cause {
    ours(0, 16, "voicemail")
}

pub(super) fn route_loop() -> Cause {
    ours(480, 31, "route_loop")
}

pub(super) fn unknown_number() -> Cause {
    ours(404, 1, "unknown_number")
}

pub(super) fn blocked() -> Cause {
    ours(486, 17, "blocked")
}

/// The caller speaks no codec of ours, and came to where we would have to speak.
pub(super) fn no_common_codec() -> Cause {
    ours(488, 65, "no_common_codec")
}

/// Neither the route nor a fail-safe could be followed.
pub(super) fn no_route() -> Cause {
    ours(503, 41, "no_route")
}

/// The route said to hang up, without anybody having been dialled.
pub(super) fn hung_up_by_route() -> Cause {
    ours(480, 31, "route_hangup")
}

/// Somebody at the console, or a program, ended the call.
pub(super) fn hung_up_by_command() -> Cause {
    ours(480, 16, "hung_up_by_command")
}

/// A virtual agent hung up on the caller.
pub(super) fn hung_up_by_agent() -> Cause {
    ours(480, 16, "agent_hung_up")
}

/// A virtual agent is not there, or misbehaved; `reason` says how.
pub(super) fn agent_lost(reason: &str) -> Cause {
    ours(480, 41, reason)
}

/// A hang-up as reported, with what the far end left out filled in.
pub(super) fn hung_up(mut reported: Cause) -> Cause {
    if reported.reason.is_empty() {
        reported.reason = "normal".to_owned();
    }
    reported.q850 = reported.q850.or(Some(16));
    reported
}

/// What the caller is told after the last destination was lost with this outcome: `flow`'s word,
/// with the Q.850 cause of that destination (RFC 3326) where it gave one.
pub(super) fn nobody_took_it(outcome: Outcome, leg: &Cause) -> Cause {
    let told = flow::refusal(outcome);
    let q850 = leg.q850.filter(|_| !leg.local).or(told.q850);
    Cause { q850, ..told }
}

/// With a final status, which a refusal needs: 480 where the cause came without one.
pub(super) fn as_refusal(mut cause: Cause) -> Cause {
    if !(300..700).contains(&cause.sip) {
        cause.sip = 480;
    }
    cause
}

/// How long the caller's side should keep away: only a failure of ours is a 503.
pub(super) fn retry_after(cause: &Cause) -> Option<u32> {
    (cause.sip == 503).then_some(flow::RETRY_AFTER)
}
