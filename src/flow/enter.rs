//! The door: which tracking number was dialled, and what its calls do first.

use std::sync::Arc;
use std::time::Duration;

use super::agent::destinations;
use crate::model::{Caller, Directory, Route, TrackingNumber};

/// Steps a chain of routes may have before it is cut with `route_loop` (PRODUCT section 1).
pub const ROUTE_STEPS_MAX: u8 = 10;
/// How long a chain of routes may go on without an answer before it is cut with `route_loop`.
pub const ROUTE_UNANSWERED_MAX: Duration = Duration::from_secs(600);
/// What the 503 of a tracking number without a usable route says, in seconds.
pub const RETRY_AFTER: u32 = 30;

/// What a call to a dialled number comes to.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// Follow this route. `fail_safe` if the number has no route of its own left.
    Route { number: Arc<TrackingNumber>, route: Route, fail_safe: bool },
    /// The caller is on the block list: 486, no call record, counted.
    Blocked { number: Arc<TrackingNumber> },
    /// No such tracking number: 404.
    Unknown,
    /// No usable route and no fail-safe: 503 with [`RETRY_AFTER`].
    Unavailable { number: Arc<TrackingNumber> },
}

/// What happens to a call from `caller` to `dialled` (with `+`, without, or `tel:`).
pub fn enter(directory: &Directory, dialled: &str, caller: &Caller) -> Entry {
    let Some(number) = directory.tracking_number(dialled).cloned() else { return Entry::Unknown };
    if number.settings.block_list.blocks(caller) {
        return Entry::Blocked { number };
    }
    match &number.route {
        Some(route) if is_usable(directory, route) => {
            let route = route.clone();
            Entry::Route { number, route, fail_safe: false }
        }
        _ => match fail_safe(directory, &number) {
            Some(route) => Entry::Route { number, route, fail_safe: true },
            None => Entry::Unavailable { number },
        },
    }
}

/// The route to take when following the number's route failed inside us, never otherwise.
pub fn fail_safe(directory: &Directory, number: &TrackingNumber) -> Option<Route> {
    let id = number.fail_safe.as_ref()?;
    directory.receiving_number(id).map(|it| Route::number(&it.id))
}

/// Whether a chain of routes with this many steps taken, unanswered for so long, may take another.
pub fn may_go_on(steps: u8, unanswered: Duration) -> bool {
    steps < ROUTE_STEPS_MAX && unanswered < ROUTE_UNANSWERED_MAX
}

/// A route that leads somewhere: hanging up does, a dial without numbers or a queue that nobody
/// set up does not. Where a router leads is seen when it is followed.
fn is_usable(directory: &Directory, route: &Route) -> bool {
    match route {
        Route::Dial(dial) => dial.everyone().any(|id| directory.receiving_number(id).is_some()),
        Route::Hangup => true,
        Route::Queue(id) => directory.queue(id).is_some(),
        Route::VoiceMenu(id) => directory.voice_menu(id).is_some(),
        Route::SmartRouter(id) => directory.smart_router(id).is_some(),
        Route::GeoRouter(id) => directory.geo_router(id).is_some(),
        Route::VirtualAgent(id) => directory.virtual_agent(id).is_some(),
        Route::Voicemail(id) => directory.voicemail_box(id).is_some(),
        Route::Agent(id) => {
            directory.agent(id).is_some_and(|it| !destinations(directory, it).is_empty())
        }
    }
}
