//! Routes: whether what they name is there.

use std::sync::Arc;

use super::Trade;
use crate::config::error::Wrong;
use crate::config::keys::Places;
use crate::config::lists::Entries;
use crate::config::names::Index;
use crate::config::routes::RouteWord;
use crate::config::trade::StageKeys;
use crate::config::value::{Name, Names};
use crate::model::{Dial, Order, Route, Stage};

impl Trade<'_> {
    pub(super) fn route(&self, word: &RouteWord) -> Result<Route, Wrong> {
        let keys = match word {
            RouteWord::Hangup => return Ok(Route::Hangup),
            RouteWord::To(keys) => keys,
        };
        if let Some(dial) = &keys.dial {
            return self.dial(dial, keys.order, keys.stages.as_deref(), &keys.places);
        }
        let names = &self.known;
        type Kind = fn(Arc<str>) -> Route;
        let kinds: [(&str, &Option<Name>, &Index<'_>, Kind); 7] = [
            ("queue", &keys.queue, &names.queues, Route::Queue),
            ("voice_menu", &keys.voice_menu, &names.voice_menus, Route::VoiceMenu),
            ("voicemail", &keys.voicemail, &names.voicemail_boxes, Route::Voicemail),
            ("smart_router", &keys.smart_router, &names.smart_routers, Route::SmartRouter),
            ("geo_router", &keys.geo_router, &names.geo_routers, Route::GeoRouter),
            ("virtual_agent", &keys.virtual_agent, &names.virtual_agents, Route::VirtualAgent),
            ("agent", &keys.agent, &names.agents, Route::Agent),
        ];
        for (key, name, index, kind) in kinds {
            if let Some(name) = name {
                let found = index.find(name).map_err(|it| it.under(key))?;
                if key == "agent" {
                    self.can_be_rung(name).map_err(|it| it.under(key))?;
                }
                return Ok(kind(found));
            }
        }
        // `RouteWord` has one of them.
        Ok(Route::Hangup)
    }

    /// The routes of a table, each with its key.
    pub(super) fn routes(&self, entries: &Entries<RouteWord>) -> Result<Vec<(Name, Route)>, Wrong> {
        let route = |(name, word): &(Name, RouteWord)| {
            let route = self.route(word).map_err(|it| it.under(&name.text))?;
            Ok((name.clone(), route))
        };
        entries.0.iter().map(route).collect()
    }

    pub(super) fn dial(
        &self,
        dial: &Names,
        order: Option<Order>,
        stages: Option<&[StageKeys]>,
        place: &Places,
    ) -> Result<Route, Wrong> {
        let stages = stages.unwrap_or_default();
        let order = match (order, stages) {
            (None | Some(Order::Stages), [_, ..]) => Order::Stages,
            (Some(Order::Stages), []) => {
                return Err(place.wrong("order", "the order `stages` needs `stages`"));
            }
            (Some(_), [_, ..]) => {
                return Err(place.wrong("stages", "`stages` are an order of their own"));
            }
            (order, []) => order.unwrap_or_default(),
        };
        if dial.0.is_empty() {
            return Err(place.wrong("dial", "there is nobody to dial"));
        }
        let numbers = self.listed(dial).map_err(|it| it.under("dial"))?;
        let mut later = Vec::new();
        for stage in stages {
            // Who rings already may be named again: nobody is rung twice.
            let joining = self.listed(&stage.numbers);
            let joining = joining.map_err(|it| it.under("numbers").under("stages"))?;
            later.push(Stage { after: *stage.after, numbers: joining });
        }
        Ok(Route::Dial(Arc::new(Dial { order, numbers, stages: later })))
    }

    /// The receiving numbers of a list, each once.
    pub(super) fn listed(&self, names: &Names) -> Result<Vec<Arc<str>>, Wrong> {
        let mut numbers = Vec::new();
        for name in &names.0 {
            let found = self.known.receiving.find(name)?;
            if numbers.contains(&found) {
                return Err(Wrong::at(name.span.clone(), format!("{found:?} is there already")));
            }
            numbers.push(found);
        }
        Ok(numbers)
    }
}

/// Refuses a route for the time outside of a schedule that is not there.
pub(super) fn only_while_closed(
    outside_hours: &RouteWord,
    schedule: &Option<Name>,
    places: &Places,
) -> Result<(), Wrong> {
    match (outside_hours, schedule) {
        (RouteWord::To(_), None) => {
            Err(places.wrong("outside_hours", "it does nothing without `schedule`"))
        }
        _ => Ok(()),
    }
}
