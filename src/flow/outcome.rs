//! How legs and forks end (PRODUCT section 2.2), and what the caller is told when nobody took it.

use crate::model::record::{Cause, Outcome};
use crate::model::{ReceivingNumber, Route};

/// The outcome of a leg that was refused with this final SIP status; 0 and 503 stand for "could
/// not be reached". Our own ring timeout is 408.
pub fn outcome(status: u16) -> Outcome {
    match status {
        200..=299 => Outcome::Answered,
        486 | 600 => Outcome::Busy,
        603 | 607 | 608 | 403 => Outcome::Declined,
        480 | 408 | 487 => Outcome::NoAnswer,
        404 | 410 | 484 | 604 => Outcome::InvalidNumber,
        _ => Outcome::Failed,
    }
}

/// The outcome of a fork: the best of its legs'. A fork without legs failed.
pub fn fork_outcome(legs: impl IntoIterator<Item = Outcome>) -> Outcome {
    legs.into_iter().max().unwrap_or(Outcome::Failed)
}

/// The route to take when a fork ended with `outcome` and nobody took the call. `ended` are its
/// destinations in the order they ended (list order for those that ended together).
///
/// The last to end says where the call goes; one that says nothing leaves it to the one before, so
/// that a call is not dropped while any of its destinations knows a way on.
pub fn after_dial<'a>(
    ended: impl DoubleEndedIterator<Item = &'a ReceivingNumber>,
    outcome: Outcome,
) -> Route {
    if matches!(outcome, Outcome::Answered | Outcome::Abandoned) {
        return Route::Hangup;
    }
    let routes = ended.rev().map(|it| match (&it.no_answer.busy_route, outcome) {
        (Some(busy), Outcome::Busy) => busy,
        _ => &it.no_answer.route,
    });
    let mut routes = routes.filter(|it| **it != Route::Hangup);
    routes.next().cloned().unwrap_or(Route::Hangup)
}

/// What a caller who was never answered is told when the call ends after `outcome`.
///
/// Carriers take 503 as "this edge is down, try the next", so a destination's failure is a 500
/// (RFC 3261 section 16.7 step 6); 480, 486, 603 and 404 they pass on as they are.
pub fn refusal(outcome: Outcome) -> Cause {
    let (sip, reason) = match outcome {
        Outcome::Busy => (486, "busy"),
        Outcome::Declined => (603, "declined"),
        Outcome::NoAnswer => (480, "no_answer"),
        Outcome::InvalidNumber => (404, "invalid_number"),
        Outcome::Failed => (500, "failed"),
        Outcome::Abandoned => (487, "abandoned"),
        Outcome::Answered => (200, "normal"),
    };
    Cause { sip, q850: q850(sip), reason: reason.to_owned(), local: true }
}

/// The Q.850 cause that belongs to a SIP status (RFC 3398 section 8.2.6.1, RFC 4497).
pub fn q850(status: u16) -> Option<u8> {
    let cause = match status {
        200..=299 => 16,
        404 | 604 => 1,
        410 => 22,
        413 | 414 | 416 | 420 | 421 | 423 | 505 | 513 => 127,
        480 | 487 => 19,
        408 | 504 => 102,
        484 => 28,
        486 | 600 => 17,
        401 | 402 | 403 | 407 | 603 | 607 | 608 => 21,
        405 => 63,
        406 | 415 | 501 => 79,
        482 | 483 => 25,
        488 | 606 => 65,
        400 | 481 | 485 | 500 | 503 => 41,
        502 => 38,
        _ => return None,
    };
    Some(cause)
}
