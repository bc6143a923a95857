//! What would happen to a call, without placing one: the answers of this room, in order, as data.
//! `text` writes them out for people.
//!
//! What depends on the day's calls (round robin, least connected, weights, `max_calls`) is told as
//! for the first call of the day; what depends on chance or on how things are in a queue is told
//! with every way it can take.

mod conditions;
mod dial;
mod rooms;
mod text;

use std::sync::Arc;

use serde::Serialize;

pub use self::conditions::Holds;
pub use self::dial::{Act, Destination, Dialled, LeftOut, Moment};
pub use self::rooms::{Asked, Located, Message, RuleTold, Ruled, Taker, Talked, Waiting};
pub use self::text::Node;
use super::{Draw, Entry, RETRY_AFTER, ROUTE_STEPS_MAX, enter, plan, plan_agent};
use crate::clock::Wall;
use crate::model::{Caller, Directory, Route, TrackingNumber};

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

/// What is taken for granted of a call that nobody has placed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Supposed {
    /// What the caller types when asked for a ZIP code; without it every way is told.
    pub zip: Option<String>,
    /// Header fields of its INVITE.
    pub headers: Vec<(String, String)>,
    /// When the caller called last; never, if it is not there.
    pub called_before: Option<Wall>,
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
    /// What kind of route: `dial`, `queue`, ...
    pub kind: &'static str,
    pub route: String,
    pub what: Taken,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    Hangup,
    /// It is on the way here already: cut with `route_loop` in the end.
    Loop,
    /// It was told before, on another way.
    Above,
    /// What it names is not there: a failure inside of us.
    Nowhere,
    Dial(Box<Dialled>),
    Queue(Box<Waiting>),
    VoiceMenu(Box<Asked>),
    Voicemail(Box<Message>),
    SmartRouter(Box<Ruled>),
    GeoRouter(Box<Located>),
    VirtualAgent(Box<Talked>),
}

/// What would happen if `caller` dialled `dialled` at `at`.
pub fn explain(
    directory: &Directory,
    dialled: &str,
    caller: &Caller,
    at: Wall,
    supposed: &Supposed,
) -> Explanation {
    let verdict = match enter(directory, dialled, caller) {
        Entry::Unknown => Verdict::Unknown,
        Entry::Blocked { number } => Verdict::Blocked { number },
        Entry::Unavailable { number } => Verdict::Unavailable { number, retry_after: RETRY_AFTER },
        Entry::Route { number, route, fail_safe } => {
            let told = Told { directory, number: &number, caller, at, supposed };
            let first = told.follow(&route, &mut Way::default());
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
    supposed: &'a Supposed,
}

/// How we came here, and what has been told.
#[derive(Default)]
struct Way {
    path: Vec<Route>,
    told: Vec<Route>,
    /// The recording notice has been said.
    noticed: bool,
}

impl Told<'_> {
    fn follow(&self, route: &Route, way: &mut Way) -> Stop {
        let long = usize::from(ROUTE_STEPS_MAX) <= way.path.len() || STOPS_MAX < way.told.len();
        let what = match route {
            Route::Hangup => Taken::Hangup,
            _ if long || way.path.contains(route) => Taken::Loop,
            _ if way.told.contains(route) => Taken::Above,
            _ => {
                way.path.push(route.clone());
                way.told.push(route.clone());
                let what = self.taken(route, way);
                way.path.pop();
                what.unwrap_or(Taken::Nowhere)
            }
        };
        Stop { kind: route.kind(), route: route.to_string(), what }
    }

    /// What comes of a route; none if it leads to nothing that is there.
    fn taken(&self, route: &Route, way: &mut Way) -> Option<Taken> {
        let directory = self.directory;
        let draw = Draw { rotation: 0, random: 0, active: &|_| 0 };
        Some(match route {
            Route::Hangup => Taken::Hangup,
            Route::Dial(dial) => {
                let plan = plan(directory, dial, self.at, &draw);
                Taken::Dial(self.dial(plan, way).into())
            }
            Route::Agent(id) => {
                let plan = plan_agent(directory, directory.agent(id)?, self.at, &draw);
                Taken::Dial(self.dial(plan, way).into())
            }
            Route::Queue(id) => Taken::Queue(self.queue(directory.queue(id)?, way).into()),
            Route::VoiceMenu(id) => {
                Taken::VoiceMenu(self.voice_menu(directory.voice_menu(id)?, way).into())
            }
            Route::Voicemail(id) => {
                Taken::Voicemail(self.voicemail(directory.voicemail_box(id)?).into())
            }
            Route::SmartRouter(id) => {
                Taken::SmartRouter(self.smart_router(directory.smart_router(id)?, way).into())
            }
            Route::GeoRouter(id) => {
                Taken::GeoRouter(self.geo_router(directory.geo_router(id)?, way).into())
            }
            Route::VirtualAgent(id) => {
                Taken::VirtualAgent(self.virtual_agent(directory.virtual_agent(id)?, way).into())
            }
        })
    }
}

#[cfg(test)]
mod tests;
