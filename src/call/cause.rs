//! Why things end, in one table: what a destination is told when we let it go, and what the caller
//! is told when nobody took the call.
//!
//! | Nobody took the call because | status | Q.850 | why this status |
//! |---|---|---|---|
//! | busy | 486 | 17 | |
//! | no answer | 480 | 19 | |
//! | declined | 480 | 21 | a 603 would end every branch upstream (RFC 3261 section 16.7) and reads as "blocked" at carriers |
//! | invalid number | 404 | 1 | |
//! | failed at the far end | 503 | 41 | without Retry-After it counts as a 500 (RFC 3261 section 21.5.4): one bad destination must not close us to other calls |
//! | failed inside us, no usable route | 503 | 41 | with Retry-After: the carrier should try another way |
//! | `route_loop` | 480 | 31 | a 482 would speak of a SIP loop, which this is not |
//! | hang-up by route | 480 | 31 | |
//! | caller on the block list | 486 | 17 | |
//! | unknown number | 404 | 1 | |

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

/// The answering person did not take the call.
pub(super) fn declined() -> Cause {
    ours(0, 21, "declined")
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

pub(super) fn media_timeout() -> Cause {
    ours(0, 41, "media_timeout")
}

/// A limit on the call's length was reached; `reason` names it.
pub(super) fn limit(reason: &str) -> Cause {
    ours(0, 31, reason)
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

/// Neither the route nor a fail-safe could be followed.
pub(super) fn no_route() -> Cause {
    ours(503, 41, "no_route")
}

/// The route said to hang up, without anybody having been dialled.
pub(super) fn hung_up_by_route() -> Cause {
    ours(480, 31, "route_hangup")
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

/// How long the caller's side should keep away: only a failure of ours is a 503.
pub(super) fn retry_after(cause: &Cause) -> Option<u32> {
    (cause.sip == 503).then_some(flow::RETRY_AFTER)
}
