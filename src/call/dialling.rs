//! Receiving numbers are dialled, while the caller hears that they ring (a route's "dial").
//!
//! Whoever takes the call gets it; when nobody did, the route for that is taken.

use std::time::Duration;

use super::ending::end;
use super::entering::after_dial;
use super::offering::{Meanwhile, Offering};
use super::story::{Caller, Story, Turn};
use super::talking::Talking;
use super::{Event, Phase, cause};
use crate::clock::Instant;
use crate::flow::{self, Ring};
use crate::model::RingbackBy;

/// A caller hears ringing at the latest after this, even if no destination says that it rings.
const RING_ANYWAY: Duration = Duration::from_secs(3);

pub(super) struct Dialling {
    pub offering: Offering,
    since: Instant,
}

impl Dialling {
    pub fn start(rings: Vec<Ring>, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        let since = turn.now.at;
        let settings = story.settings();
        let early_media = flow::relays_early_media(settings.early_media, &rings)
            && matches!(settings.ringback, RingbackBy::Tone(_));
        let mut offering = Offering::new(Meanwhile::Ringing { early_media });
        offering.add(rings, since);
        if story.caller != Caller::Waiting {
            story.ringback(turn);
        }
        Self { offering, since }.go_on(story, turn)
    }

    pub fn on(mut self, event: &Event, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        if let Some(taken) = self.offering.on(event, story, turn) {
            return Talking::start(taken.leg, taken.to, story, turn);
        }
        let anyway = self.since + RING_ANYWAY <= turn.now.at;
        if *event == Event::Time && anyway && story.caller == Caller::Waiting {
            story.ringback(turn);
        }
        self.go_on(story, turn)
    }

    pub fn deadline(&self, story: &Story) -> Option<Instant> {
        let anyway = (story.caller == Caller::Waiting).then_some(self.since + RING_ANYWAY);
        [self.offering.deadline(), anyway, story.unanswered_until()].into_iter().flatten().min()
    }

    /// Rings whose time has come; when nobody is left to ring, takes the route for that.
    fn go_on(mut self, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        self.offering.go_on(story, turn);
        if self.offering.is_lost() {
            return after_dial(self.offering.take_lost(), story, turn);
        }
        if story.unanswered_until().is_some_and(|it| it <= turn.now.at) {
            return end(story, cause::route_loop(), turn);
        }
        Phase::Dialling(self)
    }
}
