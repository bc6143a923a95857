//! What is not a dial: queues, menus, boxes, machines, routers - each with the ways out of it.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::conditions::{self, Holds};
use super::dial::{Destination, LeftOut, text_of};
use super::{Stop, Told, Way};
use crate::flow::{self, By, Draw, Known, Plan, may_record, plan, plan_agent, recording_notice};
use crate::model::{
    Dial, Distribution, GeoRouter, Order, Queue, QueueEntry, ReceivingNumber, Schedule,
    SmartRouter, VirtualAgent, VoiceMenu, VoicemailBox, Who,
};

/// Callers wait.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Waiting {
    /// Outside of its schedule: which one, what time it is there, and where calls go.
    pub closed: Option<(String, Stop)>,
    /// Said to the caller before it waits.
    pub notice: Option<String>,
    pub early_media: bool,
    pub welcome: Option<String>,
    pub music: Option<String>,
    /// What the first in line is told, and what is said besides.
    pub position: Option<String>,
    pub announcement: Option<String>,
    pub announce_every: Duration,
    pub offered: &'static str,
    pub members: Vec<Taker>,
    pub max_wait: Duration,
    pub max_length: Option<u32>,
    pub bypass_unavailable: bool,
    pub wrap_up: Duration,
    pub then: Option<Stop>,
}

/// Somebody who takes a queue's calls.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Taker {
    pub name: String,
    pub weight: u32,
    pub rings: Vec<Destination>,
    pub left_out: Vec<LeftOut>,
}

/// The caller is asked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Asked {
    pub prompt: String,
    pub barge_in: bool,
    pub timeout: Duration,
    pub between_keys: Duration,
    pub invalid: Option<String>,
    pub silent: Option<String>,
    pub repeats: u8,
    /// Each answer, and where it leads.
    pub keys: Vec<(String, Stop)>,
    pub otherwise: Stop,
}

/// The caller leaves a message.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Message {
    pub greeting: Option<String>,
    pub max_length: Duration,
    pub silence: Duration,
    pub min_length: Duration,
    pub lead_owner: Option<Arc<str>>,
}

/// A program talks to the caller.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Talked {
    /// Said to the caller before it is reached.
    pub notice: Option<String>,
    /// Not all of it: whoever may ask this may not know the rest.
    pub url: String,
    pub timeout: Duration,
    pub max_duration: Duration,
    pub recorded: bool,
    pub routes: Vec<(String, Stop)>,
    pub after: Stop,
    pub no_answer: Stop,
}

/// Rules are asked, up to the first that certainly holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ruled {
    pub rules: Vec<RuleTold>,
    /// Where the call goes if none of these holds.
    pub otherwise: Option<Stop>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RuleTold {
    /// Counted from 1.
    pub number: usize,
    pub name: String,
    pub holds: Holds,
    /// Where it leads, if it holds or may hold.
    pub leads: Option<Stop>,
}

/// A ZIP code leads on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Located {
    /// What asks for it; how long a key is waited for, and how often it is asked again.
    pub asks: Option<(String, Duration, u8)>,
    /// Why a call goes where.
    pub ways: Vec<(String, Stop)>,
}

impl Told<'_> {
    pub(super) fn queue(&self, queue: &Queue, way: &mut Way) -> Waiting {
        let closed = self.closed(queue.schedule.as_deref());
        let closed = closed.map(|it| (it, self.follow(&queue.outside_hours, way)));
        let settings = &self.number.settings;
        let everyone: Vec<_> = queue.members.iter().flat_map(|it| self.rung_by(&it.who)).collect();
        let notice = recording_notice(settings, everyone.iter().map(|it| &**it));
        let notice = notice.filter(|_| closed.is_none() && !way.noticed).map(text_of);
        let before = way.noticed;
        way.noticed |= notice.is_some();
        let then = closed.is_none().then(|| self.follow(&queue.no_answer, way));
        way.noticed = before;
        let members = queue.members.iter().map(|it| self.taker(&it.who, it.weight));
        let first = queue.positions.first();
        Waiting {
            notice,
            early_media: queue.entry == QueueEntry::EarlyMedia,
            welcome: queue.welcome.as_ref().map(text_of),
            music: queue.music.as_ref().map(text_of),
            position: first.map(text_of),
            announcement: queue.announcement.as_ref().map(text_of),
            announce_every: queue.announce_every,
            offered: match queue.distribution {
                Distribution::Simultaneous => "all who are free at once",
                Distribution::RoundRobin => "in turn",
                Distribution::LongestIdle => "who has been free for longest",
                Distribution::Sticky => "who took this caller last",
                Distribution::Weighted => "by weight",
            },
            members: if closed.is_none() { members.collect() } else { Vec::new() },
            max_wait: queue.max_wait,
            max_length: queue.max_length,
            bypass_unavailable: queue.bypass_unavailable,
            wrap_up: queue.wrap_up,
            closed,
            then,
        }
    }

    /// The destinations of a queue's member.
    fn rung_by(&self, who: &Who) -> Vec<Arc<ReceivingNumber>> {
        match who {
            Who::Number(id) => self.directory.receiving_number(id).cloned().into_iter().collect(),
            Who::Agent(id) => {
                let agent = self.directory.agent(id);
                agent.map(|it| flow::destinations(self.directory, it)).unwrap_or_default()
            }
        }
    }

    /// The schedule and the time there, if it is closed.
    fn closed(&self, schedule: Option<&Schedule>) -> Option<String> {
        let schedule = schedule.filter(|it| !it.is_open(self.at))?;
        Some(format!("schedule {}, {}", schedule.id, schedule.local(self.at)))
    }

    fn taker(&self, who: &Who, weight: u32) -> Taker {
        let draw = Draw { rotation: 0, random: 0, active: &|_| 0 };
        let (name, plan) = match who {
            Who::Number(id) => {
                let numbers = vec![id.clone()];
                let dial = Dial { order: Order::Simultaneous, numbers, stages: Vec::new() };
                (id.to_string(), plan(self.directory, &dial, self.at, &draw))
            }
            Who::Agent(id) => {
                let agent = self.directory.agent(id);
                let plan = agent.map(|it| plan_agent(self.directory, it, self.at, &draw));
                (format!("agent {id}"), plan.unwrap_or(Plan::Nobody))
            }
        };
        let (rings, left_out) = match plan {
            Plan::Ring { rings, left_out } => (rings, left_out),
            Plan::Closed { left_out, .. } | Plan::Full { left_out, .. } => (Vec::new(), left_out),
            Plan::Nobody => (Vec::new(), Vec::new()),
        };
        Taker {
            name,
            weight,
            rings: rings.iter().map(|it| self.destination(&it.to, it.when)).collect(),
            left_out: self.left_out(&left_out),
        }
    }

    pub(super) fn voice_menu(&self, menu: &VoiceMenu, way: &mut Way) -> Asked {
        let keys = menu.keys.iter().map(|(keys, route)| {
            let keys: String = keys.iter().map(|it| it.as_char()).collect();
            (keys, self.follow(route, way))
        });
        let keys = keys.collect();
        Asked {
            prompt: text_of(&menu.prompt),
            barge_in: menu.barge_in,
            timeout: menu.timeout,
            between_keys: menu.between_keys,
            invalid: menu.invalid.as_ref().map(text_of),
            silent: menu.silent.as_ref().map(text_of),
            repeats: menu.repeats,
            keys,
            otherwise: self.follow(&menu.otherwise, way),
        }
    }

    pub(super) fn voicemail(&self, into: &VoicemailBox) -> Message {
        Message {
            greeting: into.greeting.as_ref().map(text_of),
            max_length: into.max_length,
            silence: into.silence,
            min_length: into.min_length,
            lead_owner: into.agent.clone(),
        }
    }

    pub(super) fn virtual_agent(&self, agent: &VirtualAgent, way: &mut Way) -> Talked {
        let settings = &self.number.settings;
        let recorded = may_record(agent.prevent_recording, settings).is_ok();
        let notice = settings.recording_notice.as_ref();
        let notice = notice.filter(|_| recorded && !way.noticed).map(text_of);
        let before = way.noticed;
        way.noticed |= notice.is_some();
        let routes = agent.routes.iter().map(|(name, it)| (name.clone(), self.follow(it, way)));
        let told = Talked {
            notice,
            url: agent.url.short(),
            timeout: agent.timeout,
            max_duration: agent.max_duration.min(settings.max_duration),
            recorded,
            routes: routes.collect(),
            after: self.follow(&agent.after, way),
            no_answer: self.follow(&agent.no_answer, way),
        };
        way.noticed = before;
        told
    }

    pub(super) fn smart_router(&self, router: &SmartRouter, way: &mut Way) -> Ruled {
        let known = Known {
            caller: self.caller,
            number: self.number,
            tags: &self.number.tags,
            headers: &self.supposed.headers,
            called_before: self.supposed.called_before,
            at: self.at,
            random: 0,
            queues: &|_| None,
        };
        let mut rules = Vec::new();
        for (number, rule) in (1..).zip(&router.rules) {
            let holds = conditions::all(&rule.conditions, &known);
            let leads = !matches!(holds, Holds::No(_));
            let leads = leads.then(|| self.follow(&rule.route, way));
            let certain = holds == Holds::Yes;
            rules.push(RuleTold { number, name: rule.name.clone(), holds, leads });
            if certain {
                return Ruled { rules, otherwise: None };
            }
        }
        Ruled { rules, otherwise: Some(self.follow(&router.otherwise, way)) }
    }

    pub(super) fn geo_router(&self, router: &GeoRouter, way: &mut Way) -> Located {
        let prompt = router.prompt.as_ref();
        let asks = prompt.map(|it| (text_of(it), router.timeout, router.repeats));
        let typed = self.supposed.zip.as_deref().filter(|_| asks.is_some());
        if asks.is_none() || typed.is_some() {
            let lead = flow::geo(router, typed, self.caller);
            let why = match typed {
                Some(zip) => format!("Types {zip}: {}", lead.by),
                None => lead.by.to_string(),
            };
            return Located { asks, ways: vec![(why, self.follow(lead.route, way))] };
        }
        let mut ways = Vec::new();
        for (zip, route) in &router.zips {
            ways.push((format!("ZIP code {zip}"), self.follow(route, way)));
        }
        for (place, route) in &router.places {
            let far = router.max_miles.map(|it| format!(", at most {it} miles"));
            let why = format!("nearest to {place}{}", far.unwrap_or_default());
            ways.push((why, self.follow(route, way)));
        }
        let lead = flow::geo(router, None, self.caller);
        if lead.by != By::Otherwise {
            ways.push((format!("types nothing: {}", lead.by), self.follow(lead.route, way)));
        }
        ways.push(("anything else".to_owned(), self.follow(&router.otherwise, way)));
        Located { asks, ways }
    }
}
