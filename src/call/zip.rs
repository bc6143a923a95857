//! The caller is asked for its ZIP code by keypad, for a geo router (PRODUCT section 8).
//!
//! Five digits that the router leads somewhere by, or that are a ZIP code at all, are an answer. A
//! `#` skips the question, and whoever gives no answer in the end has typed nothing: the area code
//! may be a hint then. The path says that a ZIP code was typed and which of the router's entries it
//! came to, never the digits.

use std::sync::Arc;

use super::asking::{Asking, Fit, Heard, Question};
use super::entering::follow_geo;
use super::story::{Story, Turn};
use super::{Event, Leg, Phase};
use crate::audio::Digit;
use crate::clock::Instant;
use crate::flow::{self, By};
use crate::model::{Caller, GeoRouter, Route};

/// Digits of a ZIP code.
const LENGTH: usize = 5;
/// Skips the question.
const SKIP: char = '#';

pub(super) struct Zip {
    router: Arc<GeoRouter>,
    asking: Asking,
}

impl Zip {
    pub fn start(router: Arc<GeoRouter>, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        story.answer_caller(turn);
        story.last = None;
        let question = Question {
            prompt: router.prompt.as_ref().map(|it| it.clip),
            invalid: router.invalid.as_ref().map(|it| it.clip),
            silent: None,
            barge_in: true,
            timeout: router.timeout,
            between_keys: router.timeout,
            repeats: router.repeats,
        };
        let asking = Asking::new(Leg::CALLER, question, turn);
        Phase::Zip(Self { router, asking })
    }

    pub fn on(mut self, event: &Event, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        let router = Arc::clone(&self.router);
        let caller = &story.facts.caller;
        let heard = self.asking.on(event, |typed| fits(&router, typed, caller), turn);
        let Some(heard) = heard else { return Phase::Zip(self) };
        story.heard(&Route::GeoRouter(Arc::clone(&router.id)), &heard, turn);
        match heard {
            Heard::Answer(keys) if skips(&keys) => follow_geo(&router, None, story, turn),
            Heard::Answer(keys) => follow_geo(&router, Some(&text(&keys)), story, turn),
            Heard::Wrong { again: true } | Heard::Nothing { again: true } => Phase::Zip(self),
            Heard::Wrong { again: false } | Heard::Nothing { again: false } => {
                follow_geo(&router, None, story, turn)
            }
        }
    }

    pub fn deadline(&self) -> Instant {
        self.asking.deadline()
    }
}

fn fits(router: &GeoRouter, typed: &[Digit], caller: &Caller) -> Fit {
    if skips(typed) {
        return Fit::Whole;
    }
    let zip = text(typed);
    if !zip.bytes().all(|it| it.is_ascii_digit()) || LENGTH < zip.len() {
        return Fit::No;
    }
    if zip.len() < LENGTH {
        return Fit::Begins;
    }
    let leads = flow::geo(router, Some(&zip), caller).by != By::Otherwise;
    if leads || flow::place(&zip).is_some() { Fit::Whole } else { Fit::No }
}

fn skips(typed: &[Digit]) -> bool {
    matches!(typed, [key] if key.as_char() == SKIP)
}

fn text(keys: &[Digit]) -> String {
    keys.iter().map(|it| it.as_char()).collect()
}
