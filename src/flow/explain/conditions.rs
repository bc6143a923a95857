//! Conditions of rules, in words; and whether they hold of a call that nobody has placed.

use std::fmt::Write;

use super::text::seconds;
use crate::flow::{Known, holds};
use crate::model::{Condition, HeaderText, QueueState};

/// Whether a rule holds of a call that is not placed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    Yes,
    /// This is not so.
    No(String),
    /// All but this is so, and this only the call itself can tell.
    Perhaps(String),
}

/// Whether all conditions hold.
pub(super) fn all(conditions: &[Condition], known: &Known<'_>) -> Holds {
    let certain = conditions.iter().filter(|it| !is_open(it));
    let mut failed = certain.filter(|it| !holds(it, known, 0));
    if let Some(failed) = failed.next() {
        return Holds::No(said(failed));
    }
    let open: Vec<String> = conditions.iter().filter(|it| is_open(it)).map(said).collect();
    match open.is_empty() {
        true => Holds::Yes,
        false => Holds::Perhaps(open.join(", ")),
    }
}

/// What nobody can tell in advance: chance, and how things are in a queue.
fn is_open(condition: &Condition) -> bool {
    match condition {
        Condition::Percent(share) => *share < 100,
        Condition::Queue { .. } => true,
        Condition::Not(it) => is_open(it),
        _ => false,
    }
}

/// As in `the caller's number begins with +1202 or +1703`.
pub(super) fn said(condition: &Condition) -> String {
    match condition {
        Condition::CallerIn(them) => format!("the caller is {}", any(them)),
        Condition::CallerPrefix(them) => format!("the caller's number begins with {}", any(them)),
        Condition::Anonymous => "the caller withholds its number".to_owned(),
        Condition::RepeatCaller { within } => {
            format!("the caller has called within {}", seconds(*within))
        }
        Condition::TrackingNumber(them) => format!("the dialled number is {}", any(them)),
        Condition::Source(them) => format!("the source is {}", any(them)),
        Condition::Tag(them) => format!("the call has the tag {}", any(them)),
        Condition::Open(schedule) => format!("schedule {} is open", schedule.id),
        Condition::Hours(hours) => format!("it is {}", hours.id),
        Condition::Date(dates) => format!("the date is {}", dates.id),
        Condition::AreaCode(them) => format!("the area code is {}", any(them)),
        Condition::State(them) => format!("the caller's state is {}", any(them)),
        Condition::Header { name, text } => match text {
            HeaderText::Any => format!("there is a header {name}"),
            HeaderText::Is(it) => format!("header {name} is {it:?}"),
            HeaderText::Begins(it) => format!("header {name} begins with {it:?}"),
            HeaderText::Contains(it) => format!("header {name} contains {it:?}"),
        },
        Condition::Percent(share) => format!("chance, {share} of 100 calls"),
        Condition::Queue { id, state } => match state {
            QueueState::Waiting(count) => format!("at least {count} wait in queue {id}"),
            QueueState::Free(count) => format!("at least {count} of queue {id} are free"),
            QueueState::LongestWait(time) => {
                format!("somebody has waited {} in queue {id}", seconds(*time))
            }
        },
        Condition::Not(it) => format!("not: {}", said(it)),
    }
}

/// Of a long list, so many are named.
const NAMED: usize = 6;

fn any<T: AsRef<str>>(them: &[T]) -> String {
    let mut named: Vec<&str> = them.iter().map(AsRef::as_ref).collect();
    let more = named.len().saturating_sub(NAMED);
    named.truncate(NAMED);
    let mut text = named.join(" or ");
    if 0 < more {
        _ = write!(text, " or {more} more");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Wall;
    use crate::model::{CallSettings, Caller, Route, TrackingNumber};

    fn holds_of_a_caller_from_washington(conditions: &[Condition]) -> Holds {
        let settings = std::sync::Arc::new(CallSettings::new("default"));
        let known = Known {
            caller: &Caller::new("+12025550173"),
            number: &TrackingNumber::new("+15550100001", Route::Hangup, settings),
            tags: &[],
            headers: &[],
            called_before: None,
            at: Wall::from_unix_micros(0),
            random: 0,
            queues: &|_| None,
        };
        all(conditions, &known)
    }

    #[test]
    fn what_nobody_can_tell_in_advance_is_left_open() {
        let here = || Condition::AreaCode(vec!["202".to_owned()]);
        let there = || Condition::AreaCode(vec!["212".to_owned()]);
        let chance = || Condition::Percent(30);
        let of = holds_of_a_caller_from_washington;
        assert_eq!(of(&[here()]), Holds::Yes);
        assert_eq!(of(&[here(), chance()]), Holds::Perhaps("chance, 30 of 100 calls".to_owned()));
        assert_eq!(of(&[chance(), there()]), Holds::No("the area code is 212".to_owned()));
        assert_eq!(of(&[here(), Condition::Percent(100)]), Holds::Yes);
        let not = |it| Condition::Not(Box::new(it));
        assert_eq!(of(&[not(here())]), Holds::No("not: the area code is 202".to_owned()));
        assert!(matches!(of(&[not(chance())]), Holds::Perhaps(_)));
    }

    #[test]
    fn a_long_list_is_cut() {
        let codes = (200..220).map(|it| it.to_string()).collect();
        let text = said(&Condition::AreaCode(codes));
        assert!(text.ends_with("205 or 14 more"), "{text}");
    }
}
