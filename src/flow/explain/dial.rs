//! Destinations that ring: who, when, for how long, what each goes through, and what then.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::{Stop, Told, Way};
use crate::audio::{Line, Script};
use crate::flow::{
    Briefing, Left, Limit, Plan, Step, Unrecorded, When, Why, after_dial, briefing, fork_outcome,
    identity, longest_talk, recorded, recording_notice, whisper,
};
use crate::model::record::Outcome;
use crate::model::{Endpoint, Identity, Prompt, PromptSource, ReceivingNumber, Route};

/// A dial, as it would go.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
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

impl Told<'_> {
    pub(super) fn dial(&self, plan: Plan, way: &mut Way) -> Dialled {
        let mut told = Dialled::default();
        let (rings, left_out) = match plan {
            Plan::Ring { rings, left_out } => (rings, left_out),
            Plan::Closed { route, left_out } => {
                told.closed = Some(Box::new(self.follow(&route, way)));
                (Vec::new(), left_out)
            }
            Plan::Full { full: _, left_out } => (Vec::new(), left_out),
            Plan::Nobody => (Vec::new(), Vec::new()),
        };
        told.left_out = self.left_out(&left_out);
        let everyone = || rings.iter().map(|it| &*it.to);
        let notice = recording_notice(&self.number.settings, everyone());
        // It is said once; whoever comes here has heard it on the way.
        told.notice = notice.filter(|_| !way.noticed).map(text_of);
        told.rings = rings.iter().map(|it| self.destination(&it.to, it.when)).collect();
        if rings.is_empty() {
            return told;
        }
        let mut then: Vec<(Vec<Outcome>, Route)> = Vec::new();
        for outcome in [Outcome::NoAnswer, Outcome::Busy, Outcome::Declined, Outcome::Failed] {
            let outcome = fork_outcome(rings.iter().map(|_| outcome));
            let route = after_dial(everyone(), outcome);
            match then.iter_mut().find(|(_, known)| *known == route) {
                Some((outcomes, _)) => outcomes.push(outcome),
                None => then.push((vec![outcome], route)),
            }
        }
        let before = way.noticed;
        way.noticed |= told.notice.is_some();
        let then = then.into_iter();
        told.then = then.map(|(outcomes, it)| (outcomes, self.follow(&it, way))).collect();
        way.noticed = before;
        told
    }

    pub(super) fn left_out(&self, left: &[Left]) -> Vec<LeftOut> {
        let told = |it: &Left| LeftOut { name: it.to.id.clone(), why: self.why(&it.to, it.why) };
        left.iter().map(told).collect()
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

    pub(super) fn destination(&self, to: &ReceivingNumber, when: When) -> Destination {
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
            whisper: whisper(to, settings).map(text_of),
            unrecorded: recorded(to, settings).err().map(Unrecorded::as_str),
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

/// What is said, or the file that is played.
pub(super) fn text_of(prompt: &Prompt) -> String {
    match &prompt.made_from {
        PromptSource::File(path) => format!("file {path}"),
        PromptSource::Text { text, .. } => format!("{text:?}"),
        PromptSource::Uploaded(name) => format!("prompt {name}"),
    }
}

/// When each line of a script begins. A digit takes a tone and a gap, a wait adds to the gap.
fn timeline(briefing: &Briefing) -> Vec<Moment> {
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
