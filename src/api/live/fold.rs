//! Live calls, folded from what is told of them. Bounded, and right again after something was
//! missed: a record says all that facts had said before it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::{News, Problem};
use crate::clock::Wall;
use crate::flow;
use crate::model::Directory;
use crate::model::event::{Fact, What};
use crate::model::record::{CallRecord, Direction, RecordState};

/// Calls that are shown; what is more is counted, but not shown.
const CALLS_MAX: usize = 200_000;
/// Legs of one call that are shown.
const LEGS_MAX: usize = 100;

/// A call that is not over.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct LiveCall {
    #[schema(value_type = String)]
    pub id: Arc<str>,
    pub state: LiveState,
    /// Since when it is in this state: microseconds since 1970, as all moments here.
    #[schema(value_type = i64)]
    pub since: Wall,
    /// The step of its route that it is at.
    pub route: String,
    #[schema(value_type = String)]
    pub tracking_number: Arc<str>,
    #[schema(value_type = String)]
    pub direction: Direction,
    pub source: String,
    pub caller: String,
    pub caller_name: Option<String>,
    #[schema(value_type = i64)]
    pub received_at: Wall,
    #[schema(value_type = Option<i64>)]
    pub answered_at: Option<Wall>,
    #[schema(value_type = Option<i64>)]
    pub connected_at: Option<Wall>,
    pub recording: Taping,
    pub legs: Vec<LiveLeg>,
    /// Of the last fact that is told of it.
    pub seq: u32,
}

/// What a call is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LiveState {
    Arrived,
    /// Somebody is being rung, but does not say so yet.
    Dialling,
    Ringing,
    /// The caller is asked for keys.
    Menu,
    /// In a queue.
    Waiting,
    /// Leaving a message.
    Message,
    /// With a virtual agent.
    Agent,
    Talking,
    /// Its record is being completed, or who answered is asked what it was worth.
    Ended,
}

/// Whether it is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Taping {
    None,
    On,
    Stopped,
    /// By whom it talks with, or by its settings.
    Prevented,
}

/// A destination of a live call.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct LiveLeg {
    pub leg: u8,
    #[schema(value_type = String)]
    pub destination: Arc<str>,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub agent: Option<Arc<str>>,
    /// `dialling`, `ringing`, `answered`, `whisper`, `connected` or `ended`.
    pub state: &'static str,
    #[schema(value_type = i64)]
    pub since: Wall,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Calls {
    by_id: BTreeMap<Arc<str>, LiveCall>,
    /// In the order in which they came.
    order: BTreeSet<(Wall, Arc<str>)>,
    /// Those that are told of while all are read anew.
    seen: Option<BTreeSet<Arc<str>>>,
}

impl Calls {
    pub fn take(&mut self, news: &News) {
        match news {
            News::Record(record) => self.put(record),
            News::Fact(fact) => self.happened(fact),
        }
    }

    /// A record as it stands.
    pub fn put(&mut self, record: &CallRecord) {
        if record.state != RecordState::InProgress {
            return self.remove(&record.id);
        }
        if let Some(seen) = &mut self.seen {
            seen.insert(Arc::clone(&record.id));
        }
        if let Some(call) = self.by_id.get_mut(&record.id) {
            call.read(record);
        } else if self.by_id.len() < CALLS_MAX {
            let call = LiveCall::of(record);
            self.order.insert((call.received_at, Arc::clone(&call.id)));
            self.by_id.insert(Arc::clone(&call.id), call);
        }
    }

    fn happened(&mut self, fact: &Fact) {
        if let Some(call) = self.by_id.get_mut(&fact.call) {
            call.happened(fact);
        }
    }

    fn remove(&mut self, id: &Arc<str>) {
        if let Some(call) = self.by_id.remove(id) {
            self.order.remove(&(call.received_at, Arc::clone(id)));
        }
    }

    pub fn get(&self, id: &str) -> Option<&LiveCall> {
        self.by_id.get(id)
    }

    /// From now on all calls are told again.
    pub fn begin_anew(&mut self) {
        self.seen = Some(BTreeSet::new());
    }

    /// All have been told: those that were not, and had come before that began, are over.
    pub fn end_anew(&mut self, began: Wall) {
        let Some(seen) = self.seen.take() else { return };
        let gone =
            self.by_id.values().filter(|it| it.received_at < began && !seen.contains(&it.id));
        let gone: Vec<Arc<str>> = gone.map(|it| Arc::clone(&it.id)).collect();
        gone.iter().for_each(|it| self.remove(it));
    }

    /// A page of those that fit, where the next begins, and how many there are in all.
    pub fn page(
        &self,
        after: Option<&str>,
        limit: usize,
        fits: impl Fn(&LiveCall) -> bool,
    ) -> Result<(Vec<LiveCall>, Option<String>, usize), Problem> {
        let from = after.map(place).transpose()?;
        let begin = match from {
            Some(it) => std::ops::Bound::Excluded(it),
            None => std::ops::Bound::Unbounded,
        };
        let rest = self.order.range((begin, std::ops::Bound::Unbounded));
        let mut rest = rest.filter_map(|(_, id)| self.by_id.get(id)).filter(|it| fits(it));
        let items: Vec<LiveCall> = rest.by_ref().take(limit).cloned().collect();
        let more = rest.next().is_some();
        let next = items.last().filter(|_| more);
        let next = next.map(|it| format!("{}.{}", it.received_at.unix_micros(), it.id));
        Ok((items, next, self.by_id.len()))
    }
}

/// What `after` says.
fn place(text: &str) -> Result<(Wall, Arc<str>), Problem> {
    let parts = text.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id)));
    let (at, id) = parts.ok_or_else(|| {
        Problem::parameter("after", "this is no place in the list of calls")
            .allowed("`next` of a page")
    })?;
    Ok((Wall::from_unix_micros(at), id.into()))
}

impl LiveCall {
    fn of(record: &CallRecord) -> Self {
        let mut call = Self {
            id: Arc::clone(&record.id),
            state: LiveState::Arrived,
            since: record.received_at,
            route: String::new(),
            tracking_number: Arc::clone(&record.tracking_number),
            direction: record.direction,
            source: record.source.clone(),
            caller: record.caller.clone(),
            caller_name: record.caller_name.clone(),
            received_at: record.received_at,
            answered_at: None,
            connected_at: None,
            recording: Taping::None,
            legs: Vec::new(),
            seq: 0,
        };
        if let Some(step) = record.path.iter().rfind(|it| state_of(&it.what).is_some()) {
            call.enters(&step.what, step.at);
        }
        call.read(record);
        call
    }

    /// All that a record says.
    fn read(&mut self, record: &CallRecord) {
        self.answered_at = record.answered_at;
        self.connected_at = record.connected_at;
        for page in record.legs.iter().take(LEGS_MAX) {
            let (state, since) = [
                (page.ended_at, "ended"),
                (page.connected_at, "connected"),
                (page.whisper_at, "whisper"),
                (page.answered_at, "answered"),
                (page.ringing_at, "ringing"),
            ]
            .into_iter()
            .find_map(|(at, state)| Some((state, at?)))
            .unwrap_or(("dialling", page.dialled_at));
            match self.legs.iter_mut().find(|it| it.leg == page.leg) {
                Some(leg) => (leg.state, leg.since) = (state, since),
                None => self.legs.push(LiveLeg {
                    leg: page.leg,
                    destination: Arc::clone(&page.destination),
                    agent: None,
                    state,
                    since,
                }),
            }
        }
        if let Some(at) = record.ended_at {
            self.becomes(LiveState::Ended, at);
        } else if let Some(leg) = self.legs.iter().find(|it| it.state == "connected") {
            let since = leg.since;
            self.becomes(LiveState::Talking, since);
        }
        if let Some(last) = record.recordings.last() {
            self.recording = match (&last.file, &last.stopped_by, &last.prevented) {
                (_, _, Some(_)) => Taping::Prevented,
                (Some(_), Some(_), None) => Taping::Stopped,
                (Some(_), None, None) => Taping::On,
                (None, _, None) => Taping::None,
            };
        }
    }

    fn happened(&mut self, fact: &Fact) {
        let at = fact.at;
        self.seq = fact.seq;
        match &fact.what {
            What::RouteEntered { route } => self.enters(route, at),
            What::LegDialing { leg, destination } => {
                self.leg(*leg, "dialling", at, Some(destination));
            }
            What::LegRinging { leg } => {
                self.leg(*leg, "ringing", at, None);
                if self.state == LiveState::Dialling {
                    self.becomes(LiveState::Ringing, at);
                }
            }
            What::LegAnswered { leg } | What::LegAccepted { leg } => {
                self.leg(*leg, "answered", at, None);
            }
            What::LegWhisper { leg } => self.leg(*leg, "whisper", at, None),
            What::Connected { leg } => {
                self.leg(*leg, "connected", at, None);
                self.answered_at.get_or_insert(at);
                self.connected_at.get_or_insert(at);
                self.becomes(LiveState::Talking, at);
            }
            What::LegEnded { leg, .. } => self.leg(*leg, "ended", at, None),
            What::AgentConnected { .. } => {
                self.answered_at.get_or_insert(at);
                self.becomes(LiveState::Agent, at);
            }
            What::RecordingStarted { .. } => self.recording = Taping::On,
            What::RecordingStopped { .. } => self.recording = Taping::Stopped,
            What::RecordingPrevented { .. } => self.recording = Taping::Prevented,
            What::Ended { .. } => self.becomes(LiveState::Ended, at),
            _ => (),
        }
    }

    fn becomes(&mut self, state: LiveState, at: Wall) {
        if self.state != state {
            (self.state, self.since) = (state, at);
        }
    }

    fn enters(&mut self, route: &str, at: Wall) {
        route.clone_into(&mut self.route);
        if let Some(state) = state_of(route) {
            self.becomes(state, at);
        }
    }

    fn leg(&mut self, number: u8, state: &'static str, at: Wall, to: Option<&Arc<str>>) {
        if let Some(leg) = self.legs.iter_mut().find(|it| it.leg == number) {
            (leg.state, leg.since) = (state, at);
        } else if self.legs.len() < LEGS_MAX {
            let destination = to.cloned().unwrap_or_default();
            self.legs.push(LiveLeg { leg: number, destination, agent: None, state, since: at });
        }
    }

    /// Whether an agent is on it, or rung for it.
    pub fn is_of(&self, agent: &str, directory: &Directory) -> bool {
        let Some(agent) = directory.agent(agent) else { return false };
        let theirs = flow::destinations(directory, agent);
        let mut legs = self.legs.iter().filter(|it| it.state != "ended");
        legs.any(|it| theirs.iter().any(|to| to.id == it.destination))
            || agent
                .account
                .as_deref()
                .is_some_and(|it| it == self.source && self.is_from_a_phone())
    }

    /// A phone of ours made it: its account is the source.
    fn is_from_a_phone(&self) -> bool {
        self.direction != Direction::Inbound
    }

    /// Says of each leg whose it is.
    pub fn name_agents(&mut self, directory: &Directory) {
        for leg in &mut self.legs {
            let number = directory.receiving_number(&leg.destination);
            leg.agent = number.and_then(|it| it.agent.clone()).or_else(|| {
                let mut agents = directory.agents();
                let has = |it: &&Arc<crate::model::Agent>| it.numbers.contains(&leg.destination);
                agents.find(has).map(|it| Arc::clone(&it.id))
            });
        }
    }
}

/// What a call does at a step of its route.
fn state_of(step: &str) -> Option<LiveState> {
    Some(match step.split(' ').next()? {
        "dial" | "agent" | "call" | "transfer" => LiveState::Dialling,
        "queue" => LiveState::Waiting,
        "voice_menu" | "geo_router" => LiveState::Menu,
        "voicemail" => LiveState::Message,
        "virtual_agent" => LiveState::Agent,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
