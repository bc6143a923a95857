//! What would happen to a call, without placing one: the answers of this room, in order, as data.
//! `text` writes them out for people.
//!
//! What depends on the day's calls (round robin, least connected, weights, `max_calls`) is told as
//! for the first call of the day.

mod text;

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::{
    Draw, Entry, Limit, Plan, RETRY_AFTER, ROUTE_STEPS_MAX, Step, When, Why, after_dial, briefing,
    enter, fork_outcome, identity, longest_talk, plan, recorded, recording_notice, whisper,
};
use crate::audio::{Line, Script};
use crate::clock::Wall;
use crate::model::record::Outcome;
use crate::model::{
    Caller, Directory, Endpoint, Identity, PromptSource, ReceivingNumber, Route, TrackingNumber,
};

/// A route is followed into so many others at most; a directory of circles would have no end.
const STOPS_MAX: usize = 100;

/// What would happen to a call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    pub dialled: String,
    pub caller: Caller,
    pub at: Wall,
    pub verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No such tracking number: 404.
    Unknown,
    /// On the block list: 486.
    Blocked {
        number: Arc<TrackingNumber>,
    },
    /// No usable route and no fail-safe: 503 with Retry-After in seconds.
    Unavailable {
        number: Arc<TrackingNumber>,
        retry_after: u32,
    },
    Routed {
        number: Arc<TrackingNumber>,
        fail_safe: bool,
        first: Stop,
    },
}

/// A route that is taken, and what comes of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Stop {
    pub route: String,
    pub what: Taken,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    Hangup,
    /// It is on the way here already: cut with `route_loop` in the end.
    Loop,
    /// A kind of route that this version does not follow.
    NotYet,
    Dial(Box<Dialled>),
}

/// A dial, as it would go.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Dialled {
    /// Said to the caller before it rings.
    pub notice: Option<String>,
    pub rings: Vec<Destination>,
    pub left_out: Vec<LeftOut>,
    /// Where the call goes if nobody takes it: each route with the outcomes that lead there.
    pub then: Vec<(Vec<Outcome>, Stop)>,
    /// All are closed: where the call goes at once.
    pub closed: Option<Box<Stop>>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LeftOut {
    pub name: Arc<str>,
    pub why: String,
}

/// One destination that rings.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Destination {
    pub name: Arc<str>,
    pub place: String,
    /// It begins to ring so long after the fork; or after the one before it has ended.
    pub after: Duration,
    pub after_previous: bool,
    pub rings_for: Duration,
    pub sees: Identity,
    /// What happens between its answer and its being connected.
    pub timeline: Vec<Moment>,
    pub whisper: Option<String>,
    /// Why it is not recorded; `None` if it is.
    pub unrecorded: Option<&'static str>,
    pub longest: Duration,
    pub limited_by: &'static str,
}

/// One line of what a destination goes through.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// Since the answer; since the first voice, or the end of the line before, where that is not
    /// known in advance.
    pub at: Duration,
    /// How long it takes, if that is known in advance.
    pub lasts: Option<Duration>,
    pub what: Act,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    AwaitVoice,
    Screening,
    DialPause,
    Digit(char),
    Wait,
    Whisper,
    Accept,
}

/// What would happen if `caller` dialled `dialled` at `at`.
pub fn explain(directory: &Directory, dialled: &str, caller: &Caller, at: Wall) -> Explanation {
    let verdict = match enter(directory, dialled, caller) {
        Entry::Unknown => Verdict::Unknown,
        Entry::Blocked { number } => Verdict::Blocked { number },
        Entry::Unavailable { number } => Verdict::Unavailable { number, retry_after: RETRY_AFTER },
        Entry::Route { number, route, fail_safe } => {
            let told = Told { directory, number: &number, caller, at };
            let first = told.follow(&route, &mut Vec::new(), &mut 0);
            Verdict::Routed { number, fail_safe, first }
        }
    };
    Explanation { dialled: dialled.to_owned(), caller: caller.clone(), at, verdict }
}

/// The facts of the call that is explained.
struct Told<'a> {
    directory: &'a Directory,
    number: &'a TrackingNumber,
    caller: &'a Caller,
    at: Wall,
}

impl Told<'_> {
    fn follow(&self, route: &Route, path: &mut Vec<Route>, stops: &mut usize) -> Stop {
        *stops += 1;
        let cut = path.contains(route)
            || usize::from(ROUTE_STEPS_MAX) <= path.len()
            || STOPS_MAX < *stops;
        let what = match route {
            Route::Hangup => Taken::Hangup,
            _ if cut => Taken::Loop,
            Route::Dial(dial) => {
                path.push(route.clone());
                let dialled = self.dial(dial, path, stops);
                path.pop();
                Taken::Dial(Box::new(dialled))
            }
            _ => Taken::NotYet,
        };
        Stop { route: route.to_string(), what }
    }

    fn dial(&self, dial: &crate::model::Dial, path: &mut Vec<Route>, stops: &mut usize) -> Dialled {
        let draw = Draw { rotation: 0, random: 0, active: &|_| 0 };
        let mut told = Dialled {
            notice: None,
            rings: Vec::new(),
            left_out: Vec::new(),
            then: Vec::new(),
            closed: None,
        };
        let (rings, left_out) = match plan(self.directory, dial, self.at, &draw) {
            Plan::Ring { rings, left_out } => (rings, left_out),
            Plan::Closed { route, left_out } => {
                told.closed = Some(Box::new(self.follow(&route, path, stops)));
                (Vec::new(), left_out)
            }
            Plan::Full { full: _, left_out } => (Vec::new(), left_out),
            Plan::Nobody => (Vec::new(), Vec::new()),
        };
        told.left_out = left_out
            .iter()
            .map(|it| LeftOut { name: it.to.id.clone(), why: self.why(&it.to, it.why) })
            .collect();
        let everyone = || rings.iter().map(|it| &*it.to);
        let notice = recording_notice(&self.number.settings, everyone());
        told.notice = notice.map(|it| said(&it.made_from));
        told.rings = rings.iter().map(|it| self.destination(&it.to, it.when)).collect();
        if rings.is_empty() {
            return told;
        }
        for outcome in [Outcome::NoAnswer, Outcome::Busy, Outcome::Declined, Outcome::Failed] {
            let outcome = fork_outcome(rings.iter().map(|_| outcome));
            let stop = self.follow(&after_dial(everyone(), outcome), path, stops);
            match told.then.iter_mut().find(|(_, known)| known.route == stop.route) {
                Some((outcomes, _)) => outcomes.push(outcome),
                None => told.then.push((vec![outcome], stop)),
            }
        }
        told
    }

    fn why(&self, to: &ReceivingNumber, why: Why) -> String {
        match (why, &to.schedule) {
            (Why::Closed, Some(schedule)) => {
                format!("closed: schedule {}, {}", schedule.id, schedule.local(self.at))
            }
            (Why::Closed, None) => "closed".to_owned(),
            (Why::Full, _) => "it has all the calls it may have".to_owned(),
        }
    }

    fn destination(&self, to: &ReceivingNumber, when: When) -> Destination {
        let (after, after_previous) = match when {
            When::After(time) => (time, false),
            When::AfterPrevious(time) => (time, true),
        };
        let settings = &self.number.settings;
        let Limit { talk, reason, .. } = longest_talk(to, settings, self.at);
        Destination {
            name: to.id.clone(),
            place: self.place(to),
            after,
            after_previous,
            rings_for: to.no_answer.timeout,
            sees: identity(to, self.number, self.caller),
            timeline: timeline(&briefing(to, settings)),
            whisper: whisper(to, settings).map(|it| said(&it.made_from)),
            unrecorded: recorded(to, settings).err().map(super::Unrecorded::as_str),
            longest: talk,
            limited_by: reason,
        }
    }

    fn place(&self, to: &ReceivingNumber) -> String {
        match &to.endpoint {
            Endpoint::Phone { number, trunk } => {
                let usual = self.directory.default_trunk().map(|it| &*it.name);
                let trunk = trunk.as_deref().or(usual).unwrap_or("none");
                format!("{number} through trunk {trunk}")
            }
            Endpoint::Sip { uri } => uri.to_string(),
            Endpoint::Client { account } => format!("the phones of {account}"),
        }
    }
}

fn said(made_from: &PromptSource) -> String {
    match made_from {
        PromptSource::File(path) => format!("file {path}"),
        PromptSource::Text { text, .. } => format!("{text:?}"),
    }
}

/// When each line of a script begins. A digit takes a tone and a gap, a wait adds to the gap.
fn timeline(briefing: &super::Briefing) -> Vec<Moment> {
    let mut at = Duration::ZERO;
    let lines = briefing.script.lines.iter().zip(&briefing.steps);
    lines
        .map(|(line, step)| {
            let (what, lasts) = match (line, step) {
                (Line::Press(digit), _) => {
                    (Act::Digit(digit.as_char()), Some(Script::TONE + Script::GAP))
                }
                (Line::Wait(time), Step::Pause) => (Act::DialPause, Some(*time)),
                (Line::Wait(time) | Line::Tone(_, time), _) => (Act::Wait, Some(*time)),
                (Line::AwaitVoice(_) | Line::AwaitSilence(_), _) => (Act::AwaitVoice, None),
                (Line::AwaitPerson(_), _) => (Act::Screening, None),
                (Line::Accept(_), _) => (Act::Accept, None),
                (Line::Say(_), _) => (Act::Whisper, None),
            };
            let moment = Moment { at, lasts, what };
            at = lasts.map_or(Duration::ZERO, |it| at + it);
            moment
        })
        .collect()
}

#[cfg(test)]
mod tests;
