//! Smart routers: the first rule whose conditions all hold says where the call goes (PRODUCT
//! section 8).

use std::time::Duration;

use super::fork::mixed;
use super::places;
use crate::clock::Wall;
use crate::model::{
    Caller, Condition, HeaderText, QueueState, QueueView, Route, SmartRouter, TrackingNumber,
};

/// What a router's rules may ask about.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    pub caller: &'a Caller,
    pub number: &'a TrackingNumber,
    /// The tags that the call has so far.
    pub tags: &'a [String],
    /// Header fields of the caller's INVITE: name, in any case, and value.
    pub headers: &'a [(String, String)],
    /// When this caller called last, before this call.
    pub called_before: Option<Wall>,
    /// When the call came to this router: what "now" is to schedules and repeat callers.
    pub at: Wall,
    /// Any number, the same throughout a call.
    pub random: u64,
    /// How things are in a queue, by its id.
    pub queues: &'a dyn Fn(&str) -> Option<QueueView>,
}

/// Where a smart router sends a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice<'a> {
    pub route: &'a Route,
    /// The rule that holds: its index, and its name. None if no rule does.
    pub rule: Option<(usize, &'a str)>,
}

/// Asks the rules in order.
pub fn smart<'a>(router: &'a SmartRouter, known: &Known<'_>) -> Choice<'a> {
    let own = router.id.bytes().fold(known.random, |it, byte| mixed(it ^ u64::from(byte)));
    let held = router.rules.iter().enumerate().find(|(n, rule)| {
        let draws = (0_u64..).map(|condition| mixed(own ^ ((*n as u64) << 32) ^ condition));
        rule.conditions.iter().zip(draws).all(|(it, draw)| holds(it, known, draw))
    });
    match held {
        Some((n, rule)) => Choice { route: &rule.route, rule: Some((n, &rule.name)) },
        None => Choice { route: &router.otherwise, rule: None },
    }
}

/// Whether a condition holds. `draw` is its own chance.
pub fn holds(condition: &Condition, known: &Known<'_>, draw: u64) -> bool {
    let number = &known.caller.number;
    let area_code = || places::area_code(number);
    match condition {
        Condition::CallerIn(numbers) => !number.is_empty() && numbers.contains(number),
        Condition::CallerPrefix(prefixes) => {
            !number.is_empty() && prefixes.iter().any(|it| number.starts_with(it.as_str()))
        }
        Condition::Anonymous => known.caller.is_anonymous(),
        Condition::RepeatCaller { within } => {
            known.called_before.is_some_and(|it| since(it, known.at) <= *within)
        }
        Condition::TrackingNumber(numbers) => numbers.contains(&known.number.number),
        Condition::Source(sources) => sources.contains(&known.number.source),
        Condition::Tag(tags) => tags.iter().any(|it| known.tags.contains(it)),
        Condition::Open(it) | Condition::Hours(it) | Condition::Date(it) => it.is_open(known.at),
        Condition::AreaCode(codes) => area_code().is_some_and(|it| codes.iter().any(|c| c == it)),
        Condition::State(states) => area_code().is_some_and(|code| {
            places::states(code).any(|it| states.iter().any(|s| s.eq_ignore_ascii_case(it)))
        }),
        Condition::Header { name, text } => {
            let mut lines = known.headers.iter().filter(|it| it.0.eq_ignore_ascii_case(name));
            lines.any(|it| says(text, &it.1))
        }
        Condition::Percent(share) => draw % 100 < u64::from(*share),
        Condition::Queue { id, state } => (known.queues)(id).is_some_and(|it| is(*state, &it)),
        Condition::Not(other) => !holds(other, known, draw),
    }
}

/// How long ago that was; no time at all for what is still to come.
fn since(then: Wall, now: Wall) -> Duration {
    let micros = now.unix_micros().saturating_sub(then.unix_micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

/// Whether a header's line says so, in any case: that is what values of headers are compared by
/// unless one says otherwise (RFC 3261 section 7.3.1). Letters beyond ASCII must be the same.
fn says(text: &HeaderText, line: &str) -> bool {
    let line = line.as_bytes();
    let is = |part: &[u8], text: &str| part.eq_ignore_ascii_case(text.as_bytes());
    match text {
        HeaderText::Any => true,
        HeaderText::Is(whole) => is(line, whole),
        HeaderText::Begins(start) => line.get(..start.len()).is_some_and(|it| is(it, start)),
        HeaderText::Contains(part) if part.is_empty() => true,
        HeaderText::Contains(part) => line.windows(part.len()).any(|it| is(it, part)),
    }
}

fn is(state: QueueState, queue: &QueueView) -> bool {
    match state {
        QueueState::Waiting(least) => least <= queue.waiting,
        QueueState::Free(least) => least <= queue.free,
        QueueState::LongestWait(least) => {
            queue.longest_wait.is_some_and(|longest| least <= longest)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::schedule::{Hours, SpecialDay};
    use crate::model::{CallSettings, Rule, Schedule};

    /// 2026-01-09, 12:00 in UTC.
    const NOON: Wall = Wall::from_unix_micros(1_767_960_000_000_000);

    fn number() -> TrackingNumber {
        let settings = Arc::new(CallSettings::new("s"));
        TrackingNumber {
            source: "ads".to_owned(),
            ..TrackingNumber::new("+15550100001", Route::Hangup, settings)
        }
    }

    fn lines() -> Vec<(String, String)> {
        [("X-Class", "gold; vip"), ("x-class", "local")]
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .to_vec()
    }

    fn texts(all: &[&str]) -> Vec<String> {
        all.iter().map(|it| (*it).to_owned()).collect()
    }

    /// Whether it holds for a caller from New York who called an hour ago.
    fn is_so(condition: &Condition) -> bool {
        is_so_of(condition, &Caller::new("+12125550123"))
    }

    fn is_so_of(condition: &Condition, caller: &Caller) -> bool {
        let queue = |id: &str| {
            let longest_wait = Some(Duration::from_secs(40));
            (id == "sales").then_some(QueueView { waiting: 3, free: 0, longest_wait })
        };
        let known = Known {
            caller,
            number: &number(),
            tags: &texts(&["paid"]),
            headers: &lines(),
            called_before: Some(Wall::from_unix_micros(NOON.unix_micros() - 3_600_000_000)),
            at: NOON,
            random: 7,
            queues: &queue,
        };
        holds(condition, &known, 30)
    }

    fn dates(day: &str) -> Arc<Schedule> {
        let mut schedule = Schedule::new("dates", "UTC".parse().unwrap());
        let (day, hours) = (day.parse().unwrap(), vec![Hours::WHOLE_DAY]);
        schedule.days.push(SpecialDay { day, hours });
        schedule.into()
    }

    fn open(hours: &str) -> Condition {
        let mut schedule = Schedule::new("office", "UTC".parse().unwrap());
        schedule.week = std::array::from_fn(|_| vec![hours.parse().unwrap()]);
        Condition::Open(Arc::new(schedule))
    }

    #[test]
    fn each_condition_holds_when_it_is_so_and_its_opposite_does_not() {
        let header = |name: &str, text| Condition::Header { name: name.to_owned(), text };
        let queue = |state| Condition::Queue { id: "sales".into(), state };
        let secs = Duration::from_secs;
        let so = [
            Condition::CallerIn(texts(&["+1999", "+12125550123"])),
            Condition::CallerPrefix(texts(&["+44", "+1212"])),
            Condition::RepeatCaller { within: secs(3600) },
            Condition::TrackingNumber(vec!["+15550100001".into()]),
            Condition::Source(texts(&["mail", "ads"])),
            Condition::Tag(texts(&["paid", "other"])),
            open("09:00-17:00"),
            Condition::Date(dates("2026-01-09")),
            Condition::Date(dates("01-09")),
            Condition::Not(Condition::Date(dates("2025-01-09")).into()),
            Condition::Not(Condition::Date(dates("01-10")).into()),
            Condition::AreaCode(texts(&["646", "212"])),
            Condition::State(texts(&["NJ", "ny"])),
            header("x-CLASS", HeaderText::Any),
            header("X-Class", HeaderText::Is("local".to_owned())),
            header("X-Class", HeaderText::Begins("gold".to_owned())),
            header("X-Class", HeaderText::Contains("vip".to_owned())),
            header("X-Class", HeaderText::Is("LOCAL".to_owned())),
            header("X-Class", HeaderText::Begins("Gold".to_owned())),
            header("X-Class", HeaderText::Contains("VIP".to_owned())),
            header("X-Class", HeaderText::Contains(String::new())),
            Condition::Percent(31),
            queue(QueueState::Waiting(3)),
            queue(QueueState::Free(0)),
            queue(QueueState::LongestWait(secs(40))),
        ];
        let not = [
            Condition::CallerIn(texts(&["+1212555012", "12125550123"])),
            Condition::CallerPrefix(texts(&["1212", "+1213"])),
            Condition::Anonymous,
            Condition::RepeatCaller { within: secs(3599) },
            Condition::TrackingNumber(vec!["+15550100002".into()]),
            Condition::Source(texts(&["ad"])),
            Condition::Tag(texts(&["pai"])),
            open("13:00-17:00"),
            Condition::AreaCode(texts(&["555"])),
            Condition::State(texts(&["NJ"])),
            header("X-Clas", HeaderText::Any),
            header("X-Class", HeaderText::Is("gold".to_owned())),
            header("X-Class", HeaderText::Begins("vip".to_owned())),
            header("X-Class", HeaderText::Contains("silver".to_owned())),
            Condition::Percent(30),
            queue(QueueState::Waiting(4)),
            queue(QueueState::Free(1)),
            queue(QueueState::LongestWait(secs(41))),
            Condition::Queue { id: "gone".into(), state: QueueState::Waiting(0) },
        ];
        for it in so {
            assert!(is_so(&it), "{it:?}");
            assert!(!is_so(&Condition::Not(Box::new(it.clone()))), "not {it:?}");
        }
        for it in not {
            assert!(!is_so(&it), "{it:?}");
            assert!(is_so(&Condition::Not(Box::new(it.clone()))), "not {it:?}");
        }
    }

    #[test]
    fn nobody_is_none_of_the_callers_and_comes_from_nowhere() {
        let nobody = Caller::default();
        assert!(is_so_of(&Condition::Anonymous, &nobody));
        for it in [
            Condition::CallerIn(texts(&[""])),
            Condition::CallerPrefix(texts(&[""])),
            Condition::AreaCode(texts(&[""])),
            Condition::State(texts(&[""])),
        ] {
            assert!(!is_so_of(&it, &nobody), "{it:?}");
        }
        let abroad = Caller::new("+442071234567");
        assert!(!is_so_of(&Condition::AreaCode(texts(&["207"])), &abroad));
    }

    fn rule(name: &str, conditions: Vec<Condition>) -> Rule {
        Rule { name: name.to_owned(), conditions, route: Route::number(name) }
    }

    fn chosen(router: &SmartRouter, random: u64) -> Option<(usize, String)> {
        let caller = Caller::new("+12125550123");
        let known = Known {
            caller: &caller,
            number: &number(),
            tags: &[],
            headers: &[],
            called_before: None,
            at: NOON,
            random,
            queues: &|_| None,
        };
        let choice = smart(router, &known);
        let to = choice.rule.map_or("other", |it| it.1);
        assert_eq!(choice.route, &Route::number(to));
        choice.rule.map(|(n, name)| (n, name.to_owned()))
    }

    #[test]
    fn the_first_rule_of_which_all_conditions_hold_is_taken() {
        let here = || Condition::AreaCode(texts(&["212"]));
        let mut router = SmartRouter {
            id: "main".into(),
            rules: vec![
                rule("half", vec![here(), Condition::Anonymous]),
                rule("whole", vec![here(), Condition::Not(Box::new(Condition::Anonymous))]),
                rule("always", Vec::new()),
            ],
            otherwise: Route::number("other"),
        };
        assert_eq!(chosen(&router, 1), Some((1, "whole".to_owned())));
        router.rules.remove(1);
        assert_eq!(chosen(&router, 1), Some((1, "always".to_owned())));
        router.rules.pop();
        assert_eq!(chosen(&router, 1), None);
    }

    #[test]
    fn a_percentage_is_kept_and_drawn_anew_for_each_condition() {
        let router = |share, again| SmartRouter {
            id: "split".into(),
            rules: vec![
                rule("a", vec![Condition::Percent(share)]),
                rule("b", vec![Condition::Percent(again), Condition::Percent(again)]),
            ],
            otherwise: Route::number("other"),
        };
        let calls = |router: &SmartRouter| {
            let mut counts = [0_u32; 3];
            for random in 0..10_000 {
                let rule = chosen(router, random);
                assert_eq!(rule, chosen(router, random), "the same call, another answer");
                counts[rule.map_or(2, |it| it.0)] += 1;
            }
            counts
        };
        // 30 of 100; of the other 70 half of the half; the rest.
        let [a, b, rest] = calls(&router(30, 50));
        assert!(a.abs_diff(3000) < 150 && b.abs_diff(1750) < 150, "{a} {b} {rest}");
        assert_eq!(calls(&router(0, 100)), [0, 10_000, 0]);
        assert_eq!(calls(&router(100, 100)), [10_000, 0, 0]);
    }

    #[test]
    fn two_routers_draw_for_themselves() {
        let router = |id: &str| SmartRouter {
            id: id.into(),
            rules: vec![rule("a", vec![Condition::Percent(50)])],
            otherwise: Route::number("other"),
        };
        let (one, two) = (router("one"), router("two"));
        let both = (0..10_000)
            .filter(|it| chosen(&one, *it).is_some() && chosen(&two, *it).is_some())
            .count();
        assert!(both.abs_diff(2500) < 150, "{both}");
    }
}
