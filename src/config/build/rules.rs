//! Rules of smart routers that could never hold, found by what their conditions say of each other.
//!
//! "a makes b sure" here means: of every call of which `a` is so, `b` is so too. What cannot be
//! told from the conditions alone counts as not sure, so that a rule is refused only when it is
//! certain that it is useless.

use std::borrow::Cow;

use super::routers::ReadRule;
use crate::config::error::Wrong;
use crate::flow;
use crate::model::{Condition, HeaderText, QueueState, Route};

/// Checks the rules of one router, in order, and what stands behind them.
pub(super) fn check(router: &str, rules: &[ReadRule], otherwise: &Route) -> Result<(), Wrong> {
    for (at, it) in rules.iter().enumerate() {
        if let Some((one, other)) = never(&it.rule.conditions) {
            let message = match one == other {
                true => format!("no call fits what is said of `{one}`"),
                false => format!("no call fits both `{one}` and `{other}`"),
            };
            return Err(it.places.wrong("when", message).under("rule"));
        }
        if it.rule.route == Route::SmartRouter(router.into()) {
            let message = "this leads back to its own router, where the same rule would hold again";
            return Err(it.places.wrong("route", message).under("rule"));
        }
        let before = rules.iter().take(at).position(|earlier| covers(earlier, it));
        if let Some(before) = before {
            let message = format!(
                "rule {} is never reached: rule {} holds whenever it does",
                told(at, it),
                rules.get(before).map(|it| told(before, it)).unwrap_or_default()
            );
            return Err(it.places.wrong("when", message).under("rule"));
        }
    }
    let always = rules.iter().position(|it| it.rule.conditions.iter().all(is_sure));
    match always {
        Some(at) if *otherwise != Route::Hangup => {
            let rule = rules.get(at).map(|it| told(at, it)).unwrap_or_default();
            let message = format!("this is never reached: rule {rule} always holds");
            Err(Wrong::at(0..0, message).under("otherwise"))
        }
        _ => Ok(()),
    }
}

/// As people find it: counted from 1, with its name.
fn told(at: usize, it: &ReadRule) -> String {
    match it.rule.name.as_str() {
        "" => (at + 1).to_string(),
        name => format!("{} ({name:?})", at + 1),
    }
}

/// Whether `earlier` holds of every call of which `later` does.
fn covers(earlier: &ReadRule, later: &ReadRule) -> bool {
    let (earlier, later) = (&earlier.rule.conditions, &later.rule.conditions);
    let by_later = |it: &Condition| later.iter().any(|other| makes_sure(other, it));
    earlier.iter().all(|it| is_sure(it) || by_later(it))
}

/// So of every call.
pub(super) fn is_sure(condition: &Condition) -> bool {
    matches!(condition, Condition::Percent(100))
}

/// Two conditions that are never both so of one call, by their keys.
fn never(conditions: &[Condition]) -> Option<(&'static str, &'static str)> {
    let pairs = conditions.iter().flat_map(|one| conditions.iter().map(move |other| (one, other)));
    let mut apart = pairs.filter(|(one, other)| are_apart(one, other));
    apart.next().map(|(one, other)| (key(one), key(other)))
}

fn are_apart(one: &Condition, other: &Condition) -> bool {
    if let Condition::Not(other) = other {
        return makes_sure(one, other) || is_sure(other);
    }
    if let (Condition::AreaCode(codes), Condition::State(states)) = (one, other) {
        return codes.iter().all(|it| lies_outside(it, states));
    }
    // Numbers that are both wanted and do not fit each other.
    let (Some(one), Some(other)) = (beginnings(one), beginnings(other)) else { return false };
    let fits = |one: &str, other: &str| one.starts_with(other) || other.starts_with(one);
    !one.iter().any(|one| other.iter().any(|other| fits(one, other)))
}

/// An area code that serves other states only.
fn lies_outside(code: &str, states: &[String]) -> bool {
    let mut served = flow::states(code).peekable();
    served.peek().is_some() && !served.any(|it| states.iter().any(|of| of == it))
}

/// What the caller's number begins with, if the condition is about that.
fn beginnings(condition: &Condition) -> Option<Vec<Cow<'_, str>>> {
    match condition {
        Condition::CallerIn(them) | Condition::CallerPrefix(them) => {
            Some(them.iter().map(|it| it.as_str().into()).collect())
        }
        Condition::AreaCode(them) => Some(them.iter().map(|it| format!("+1{it}").into()).collect()),
        _ => None,
    }
}

/// Whether `other` is so of every call of which `one` is.
fn makes_sure(one: &Condition, other: &Condition) -> bool {
    use Condition as C;
    if let (Some(one), Some(of)) = (beginnings(one), beginnings(other)) {
        let exact = matches!(other, C::CallerIn(_));
        return match (exact, matches!(other, C::AreaCode(_))) {
            (true, _) => one.iter().all(|it| of.contains(it)),
            // An area code asks for a whole number of North America.
            (false, true) => one.iter().all(|it| of.contains(it) || is_american(it, &of)),
            (false, false) => one.iter().all(|it| of.iter().any(|of| it.starts_with(&**of))),
        };
    }
    match (one, other) {
        (C::Not(one), C::Not(other)) => makes_sure(other, one),
        (C::Anonymous, C::Anonymous) => true,
        (C::RepeatCaller { within: one }, C::RepeatCaller { within: other }) => one <= other,
        (C::TrackingNumber(one), C::TrackingNumber(other)) => {
            one.iter().all(|it| other.contains(it))
        }
        (C::Source(one), C::Source(other))
        | (C::Tag(one), C::Tag(other))
        | (C::State(one), C::State(other)) => one.iter().all(|it| other.contains(it)),
        (C::Open(one), C::Open(other)) => one.id == other.id,
        (C::Hours(one), C::Hours(other)) | (C::Date(one), C::Date(other)) => one == other,
        (C::Header { name: one, text }, C::Header { name: other, text: of }) => {
            one.eq_ignore_ascii_case(other) && header_makes_sure(text, of)
        }
        (C::Queue { id: one, state }, C::Queue { id: other, state: of }) => {
            one == other && queue_makes_sure(*state, *of)
        }
        // A share of the calls is drawn anew for each condition.
        _ => false,
    }
}

fn is_american(number: &str, codes: &[Cow<'_, str>]) -> bool {
    const DIGITS: usize = "+12025550173".len();
    number.len() == DIGITS && codes.iter().any(|it| number.starts_with(&**it))
}

fn header_makes_sure(one: &HeaderText, other: &HeaderText) -> bool {
    use HeaderText::{Any, Begins, Contains, Is};
    match (one, other) {
        (_, Any) => true,
        (Is(one), Is(other)) => one == other,
        (Is(one) | Begins(one), Begins(other)) => one.starts_with(&**other),
        (Is(one) | Begins(one) | Contains(one), Contains(other)) => one.contains(&**other),
        _ => false,
    }
}

fn queue_makes_sure(one: QueueState, other: QueueState) -> bool {
    use QueueState::{Free, LongestWait, Waiting};
    match (one, other) {
        (Waiting(one), Waiting(other)) | (Free(one), Free(other)) => other <= one,
        (LongestWait(one), LongestWait(other)) => other <= one,
        _ => false,
    }
}

/// The key that a condition is written as.
fn key(condition: &Condition) -> &'static str {
    match condition {
        Condition::CallerIn(_) => "caller",
        Condition::CallerPrefix(_) => "caller_prefix",
        Condition::Anonymous => "anonymous",
        Condition::RepeatCaller { .. } => "repeat_caller",
        Condition::TrackingNumber(_) => "tracking_number",
        Condition::Source(_) => "source",
        Condition::Tag(_) => "tag",
        Condition::Open(_) => "open",
        Condition::Hours(_) => "hours",
        Condition::Date(_) => "date",
        Condition::AreaCode(_) => "area_code",
        Condition::State(_) => "state",
        Condition::Header { .. } => "header",
        Condition::Percent(_) => "percent",
        Condition::Queue { .. } => "queue",
        Condition::Not(it) => key(it),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(them: &[&str]) -> Condition {
        Condition::CallerPrefix(them.iter().map(|it| (*it).to_owned()).collect())
    }

    #[test]
    fn a_longer_beginning_makes_a_shorter_one_sure_and_not_the_other_way_round() {
        assert!(makes_sure(&prefix(&["+1202"]), &prefix(&["+1", "+44"])));
        assert!(!makes_sure(&prefix(&["+1"]), &prefix(&["+1202"])));
        assert!(!makes_sure(&prefix(&["+1202", "+49"]), &prefix(&["+1"])));
    }

    #[test]
    fn what_is_denied_is_sure_the_other_way_round() {
        let not = |it| Condition::Not(Box::new(it));
        assert!(makes_sure(&not(prefix(&["+1"])), &not(prefix(&["+1202"]))));
        assert!(!makes_sure(&not(prefix(&["+1202"])), &not(prefix(&["+1"]))));
    }

    #[test]
    fn a_share_of_the_calls_makes_nothing_sure() {
        assert!(!makes_sure(&Condition::Percent(30), &Condition::Percent(30)));
        assert!(
            never(&[Condition::Percent(30), Condition::Not(Condition::Percent(30).into())])
                .is_none()
        );
    }

    #[test]
    fn an_area_code_is_sure_of_a_whole_number_only() {
        let code = Condition::AreaCode(vec!["202".to_owned()]);
        let of = |number: &str| Condition::CallerIn(vec![number.to_owned()]);
        assert!(makes_sure(&of("+12025550173"), &code));
        assert!(!makes_sure(&of("+1202555"), &code));
        assert!(!makes_sure(&prefix(&["+12025"]), &code));
        assert!(makes_sure(&code, &prefix(&["+1"])));
    }
}
