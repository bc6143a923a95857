//! What comes next: at the door, and on every step of the route after it.
//!
//! `flow` decides, this file follows: it walks the chain of routes, cuts it when it is too long,
//! and falls back on the fail-safe when following a route fails inside us.

use std::sync::Arc;

use super::ending::end;
use super::greeting::{Greeting, Then};
use super::story::{Story, Turn, millis};
use super::{Effect, Facts, Phase, calling, cause};
use crate::desk::Desk;
use crate::flow::{self, Draw, Entry, Known, Left, Plan, Why};
use crate::model::event::What;
use crate::model::record::{CallRecord, Cause, Direction, Outcome, RecordState};
use crate::model::{
    CallSettings, Dial, Directory, GeoRouter, Keep, Queue, ReceivingNumber, Route, TrackingNumber,
    Who,
};

/// Takes an INVITE in, or refuses it.
pub(super) fn begin(
    facts: Facts,
    directory: Arc<Directory>,
    turn: &mut Turn<'_>,
) -> (Story, Phase) {
    if let Some(user) = facts.account.clone()
        && directory.tracking_number(&facts.dialled).is_none()
    {
        return calling::begin(&user, facts, directory, turn);
    }
    let entry = flow::enter(&directory, &facts.dialled, &facts.caller);
    let number = match &entry {
        Entry::Route { number, .. } | Entry::Blocked { number } | Entry::Unavailable { number } => {
            Arc::clone(number)
        }
        Entry::Unknown => Arc::new(nobodys(&facts.dialled)),
    };
    let mut story = Story::new(received(&facts, &number, turn), facts, directory, number);
    if let Entry::Blocked { .. } = entry {
        metrics::counter!("crosspoint_calls_blocked_total").increment(1);
        turn.say(Effect::Refuse { cause: cause::blocked(), retry_after: None });
        turn.say(Effect::End);
        return (story, Phase::Over);
    }
    let tracking_number = Arc::clone(&story.record.tracking_number);
    let caller = story.record.caller.clone();
    story.note(What::Received { tracking_number, caller }, turn);
    turn.say(Effect::Journal(Box::new(story.record.clone())));
    let phase = match entry {
        Entry::Route { route, fail_safe, .. } => {
            story.fail_safe_used = fail_safe;
            enter(route, &mut story, turn)
        }
        Entry::Blocked { .. } | Entry::Unavailable { .. } => {
            end(&mut story, cause::no_route(), turn)
        }
        Entry::Unknown => end(&mut story, cause::unknown_number(), turn),
    };
    (story, phase)
}

/// Takes the next step of the route.
pub(super) fn enter(route: Route, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
    // Hanging up ends a chain, it does not lengthen it.
    if route != Route::Hangup && !story.takes_a_step(turn.now.at) {
        return end(story, cause::route_loop(), turn);
    }
    story.step(route.to_string(), turn);
    story.note(What::RouteEntered { route: route.to_string() }, turn);
    match route {
        Route::Dial(dial) => enter_dial(&dial, story, turn),
        Route::Hangup => hang_up(story, turn),
        Route::VoiceMenu(id) => match story.directory.voice_menu(&id).cloned() {
            Some(menu) => greet(Then::Menu(menu), story, turn),
            None => unusable(story, turn),
        },
        Route::VirtualAgent(id) => match story.directory.virtual_agent(&id).cloned() {
            Some(agent) => greet(Then::Agent(agent), story, turn),
            None => unusable(story, turn),
        },
        Route::Voicemail(id) => match story.directory.voicemail_box(&id).cloned() {
            Some(voicemail) => greet(Then::Voicemail(voicemail), story, turn),
            None => unusable(story, turn),
        },
        Route::SmartRouter(id) => enter_smart(&id, story, turn),
        Route::GeoRouter(id) => enter_geo(&id, story, turn),
        Route::Agent(id) => enter_agent(&id, story, turn),
        Route::Queue(id) => match story.directory.queue(&id).cloned() {
            Some(queue) => enter_queue(queue, story, turn),
            None => unusable(story, turn),
        },
    }
}

fn enter_dial(dial: &Dial, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
    let plan =
        story.draw(turn.desk, |directory, draw| flow::plan(directory, dial, turn.now.wall, draw));
    let directory = Arc::clone(&story.directory);
    let named = dial.everyone().filter_map(|id| directory.receiving_number(id));
    named.for_each(|it| story.meant_for(it));
    follow(plan, story, turn)
}

/// Rings an agent's destinations, or does what is to be done when none of them can ring.
fn enter_agent(id: &str, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
    let directory = Arc::clone(&story.directory);
    let Some(agent) = directory.agent(id) else { return unusable(story, turn) };
    let plan = story
        .draw(turn.desk, |directory, draw| flow::plan_agent(directory, agent, turn.now.wall, draw));
    flow::destinations(&directory, agent).iter().for_each(|it| story.meant_for(it));
    follow(plan, story, turn)
}

pub(super) fn follow(plan: Plan, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
    match plan {
        Plan::Ring { rings, left_out } => {
            story.left_out(&left_out, turn);
            greet(Then::Dial(rings), story, turn)
        }
        Plan::Closed { route, left_out } => {
            story.left_out(&left_out, turn);
            story.last = None;
            enter(route, story, turn)
        }
        Plan::Full { full, left_out } => {
            story.left_out(&left_out, turn);
            story.last = Some((Outcome::Busy, cause::full()));
            let route = flow::after_dial(full.iter().map(|it| &**it), Outcome::Busy);
            enter(route, story, turn)
        }
        Plan::Nobody => unusable(story, turn),
    }
}

/// Follows a smart router's rule at once.
fn enter_smart(id: &str, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
    let directory = Arc::clone(&story.directory);
    let Some(router) = directory.smart_router(id) else { return unusable(story, turn) };
    let choice = flow::smart(
        router,
        &Known {
            caller: &story.facts.caller,
            number: &story.tracking,
            tags: &story.record.tags,
            headers: &story.facts.headers,
            called_before: story.facts.called_before,
            at: turn.now.wall,
            random: story.facts.random,
            queues: &|id| turn.desk.view(id, turn.now),
        },
    );
    match choice.rule {
        Some((n, "")) => story.step(format!("smart_router {id}: rule {}", n + 1), turn),
        Some((_, name)) => story.step(format!("smart_router {id}: rule {name}"), turn),
        None => story.step(format!("smart_router {id}: no rule holds"), turn),
    }
    enter(choice.route.clone(), story, turn)
}

fn enter_geo(id: &str, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
    let directory = Arc::clone(&story.directory);
    match directory.geo_router(id) {
        Some(router) if router.prompt.is_some() => {
            greet(Then::Zip(Arc::clone(router)), story, turn)
        }
        Some(router) => follow_geo(router, None, story, turn),
        None => unusable(story, turn),
    }
}

/// Follows a geo router for a caller who typed this ZIP code, or none.
pub(super) fn follow_geo(
    router: &GeoRouter,
    zip: Option<&str>,
    story: &mut Story,
    turn: &mut Turn<'_>,
) -> Phase {
    let lead = flow::geo(router, zip, &story.facts.caller);
    story.step(format!("geo_router {}: {}", router.id, lead.by), turn);
    enter(lead.route.clone(), story, turn)
}

/// Enters a queue. Its schedule is read now, never while the caller waits.
fn enter_queue(queue: Arc<Queue>, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
    let directory = Arc::clone(&story.directory);
    let candidates = queue.members.iter().flat_map(|it| match &it.who {
        Who::Number(id) => directory.receiving_number(id).cloned().into_iter().collect(),
        Who::Agent(id) => {
            directory.agent(id).map(|it| flow::destinations(&directory, it)).unwrap_or_default()
        }
    });
    let candidates: Vec<_> = candidates.collect();
    candidates.iter().for_each(|it| story.meant_for(it));
    if queue.schedule.as_ref().is_some_and(|it| !it.is_open(turn.now.wall)) {
        story.step(format!("queue {} is closed", queue.id), turn);
        story.last = None;
        return enter(queue.outside_hours.clone(), story, turn);
    }
    greet(Then::Queue { queue, candidates }, story, turn)
}

/// Does this, once the caller has heard what it is to hear first: the greeting before the first
/// thing of all, the recording notice before the first destinations of whom one may be recorded.
pub(super) fn greet(then: Then, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
    if story.facts.deaf && story.swapped.is_none() {
        // What only we would say is not said; who is dialled may share its codec.
        return match then {
            Then::Dial(_) => then.begin(story, turn),
            _ => end(story, cause::no_common_codec(), turn),
        };
    }
    let settings = &story.tracking.settings;
    let greeting = settings.greeting.clone().filter(|_| !story.greeted);
    let notice = then.notice(settings).cloned().filter(|_| !story.noticed);
    story.greeted = true;
    story.noticed |= notice.is_some();
    let messages: Vec<_> = greeting.into_iter().chain(notice).collect();
    if messages.is_empty() {
        return then.begin(story, turn);
    }
    Greeting::start(&messages, then, story, turn)
}

/// One destination of a dial that nobody took, in the order they ended.
pub(super) struct Lost {
    pub to: Arc<ReceivingNumber>,
    pub outcome: Outcome,
    pub cause: Cause,
}

/// A dial has ended and nobody took the call.
pub(super) fn after_dial(lost: Vec<Lost>, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
    story.spares(turn);
    let outcome = flow::fork_outcome(lost.iter().map(|it| it.outcome));
    let route = flow::after_dial(lost.iter().map(|it| &*it.to), outcome);
    // Failing inside us at every destination is a failed route; a way on is taken all the same, and
    // without a fail-safe it is they who failed, not this edge.
    let inside = lost.iter().all(|it| it.outcome == Outcome::Failed && it.cause.local)
        && flow::fail_safe(&story.directory, &story.tracking).is_some();
    let best = lost.into_iter().find(|it| it.outcome == outcome);
    story.last = best.map(|it| (outcome, it.cause));
    match route {
        Route::Hangup if inside && !story.fail_safe_used => unusable(story, turn),
        route => enter(route, story, turn),
    }
}

/// A virtual agent is not there, or broke off. It is ours: where no way on is given, this is a
/// failure inside us.
pub(super) fn without_agent(route: Route, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
    let fail_safe = flow::fail_safe(&story.directory, &story.tracking);
    match route {
        Route::Hangup if !story.fail_safe_used && fail_safe.is_some() => unusable(story, turn),
        route => enter(route, story, turn),
    }
}

/// Following the route failed inside us: the fail-safe, once, or the end.
pub(super) fn unusable(story: &mut Story, turn: &mut Turn<'_>) -> Phase {
    let fail_safe = flow::fail_safe(&story.directory, &story.tracking);
    match fail_safe.filter(|_| !story.fail_safe_used) {
        Some(route) => {
            story.fail_safe_used = true;
            story.step("fail-safe", turn);
            enter(route, story, turn)
        }
        None => end(story, cause::no_route(), turn),
    }
}

fn hang_up(story: &mut Story, turn: &mut Turn<'_>) -> Phase {
    let cause = match story.last.take() {
        Some((outcome, leg)) => cause::nobody_took_it(outcome, &leg),
        None => cause::hung_up_by_route(),
    };
    end(story, cause, turn)
}

/// A number that nobody set up: it has no route.
fn nobodys(dialled: &str) -> TrackingNumber {
    let settings = Arc::new(CallSettings::new("default"));
    TrackingNumber { route: None, ..TrackingNumber::new(dialled, Route::Hangup, settings) }
}

pub(super) fn received(facts: &Facts, number: &TrackingNumber, turn: &Turn<'_>) -> CallRecord {
    let keep_recordings_ms = match number.keeps_recordings() {
        Keep::Forever => None,
        Keep::For(time) => Some(millis(time)),
    };
    CallRecord {
        id: Arc::clone(&facts.call),
        state: RecordState::InProgress,
        tracking_number: Arc::clone(&number.number),
        direction: Direction::Inbound,
        source: number.source.clone(),
        caller: facts.caller.number.clone(),
        caller_name: facts.caller.name.clone(),
        caller_verified: facts.caller.verified,
        path: Vec::new(),
        legs: Vec::new(),
        received_at: turn.now.wall,
        answered_at: None,
        connected_at: None,
        ended_at: None,
        ring_ms: None,
        wait_ms: None,
        talk_ms: None,
        cause: None,
        recordings: Vec::new(),
        keep_recordings_ms,
        called_out: None,
        linked: Vec::new(),
        caller_quality: None,
        agent: None,
        lead_owner: None,
        source_tag: String::new(),
        virtual_agents: Vec::new(),
        tags: number.tags.clone(),
        score: None,
    }
}

impl Story {
    /// Plans with what is known of the world at this moment. Of this call's own legs those count
    /// that are on the line, whatever the desk has heard of them so far.
    pub(super) fn draw<T>(&self, desk: &Desk, plan: impl FnOnce(&Directory, &Draw<'_>) -> T) -> T {
        let active = |id: &str| {
            let others = desk.calls_at(id, self.facts.at_desk);
            others.saturating_add(self.on_the_line_at(id))
        };
        let Facts { rotation, random, .. } = self.facts;
        plan(&self.directory, &Draw { rotation, random, active: &active })
    }

    /// Destinations that are not rung, for the record.
    pub(super) fn left_out(&mut self, left_out: &[Left], turn: &Turn<'_>) {
        for left in left_out {
            let why = match left.why {
                Why::Closed => "is closed",
                Why::Full => "has as many calls as it may",
            };
            self.step(format!("{} {why}", left.to.id), turn);
        }
    }
}
