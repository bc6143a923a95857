//! A voice menu: the caller is asked, and its keys say where the call goes (PRODUCT section 7).
//!
//! The caller is answered for it. An answer that leads nowhere, and no answer, are asked again;
//! after the last time the menu's `otherwise` stands. The call's path names the menu, that it was
//! answered, and the route taken; never the keys.

use std::sync::Arc;

use super::asking::{Asking, Fit, Heard, Question};
use super::entering::enter;
use super::story::{Story, Turn};
use super::{Event, Leg, Phase};
use crate::audio::Digit;
use crate::clock::Instant;
use crate::model::{Route, VoiceMenu};

pub(super) struct Menu {
    menu: Arc<VoiceMenu>,
    asking: Asking,
}

impl Menu {
    pub fn start(menu: Arc<VoiceMenu>, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        story.answer_caller(turn);
        // Whatever was dialled before says nothing any more of how the call ends.
        story.last = None;
        let question = Question {
            prompt: Some(menu.prompt.clip),
            invalid: menu.invalid.as_ref().map(|it| it.clip),
            silent: menu.silent.as_ref().map(|it| it.clip),
            barge_in: menu.barge_in,
            timeout: menu.timeout,
            between_keys: menu.between_keys,
            repeats: menu.repeats,
        };
        let asking = Asking::new(Leg::CALLER, question, turn);
        Phase::Menu(Self { menu, asking })
    }

    pub fn on(mut self, event: &Event, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        let menu = Arc::clone(&self.menu);
        let heard = self.asking.on(event, |typed| fits(&menu, typed), turn);
        let Some(heard) = heard else { return Phase::Menu(self) };
        story.heard(&Route::VoiceMenu(Arc::clone(&menu.id)), &heard, turn);
        match heard {
            Heard::Answer(keys) => {
                let route = menu.keys.get(&keys).unwrap_or(&menu.otherwise);
                enter(route.clone(), story, turn)
            }
            Heard::Wrong { again: true } | Heard::Nothing { again: true } => Phase::Menu(self),
            Heard::Wrong { again: false } | Heard::Nothing { again: false } => {
                enter(menu.otherwise.clone(), story, turn)
            }
        }
    }

    pub fn deadline(&self) -> Instant {
        self.asking.deadline()
    }
}

fn fits(menu: &VoiceMenu, typed: &[Digit]) -> Fit {
    let longer = |keys: &Vec<Digit>| typed.len() < keys.len() && keys.starts_with(typed);
    match (menu.keys.contains_key(typed), menu.keys.keys().any(longer)) {
        (true, true) => Fit::Both,
        (true, false) => Fit::Whole,
        (false, true) => Fit::Begins,
        (false, false) => Fit::No,
    }
}
