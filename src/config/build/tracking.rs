//! Tracking numbers.

use std::sync::Arc;

use super::{DEFAULT, Trade};
use crate::config::error::Wrong;
use crate::config::trade::TrackingKeys;
use crate::model::phone::Phone;
use crate::model::{CallSettings, TrackingNumber};

impl Trade<'_> {
    pub(super) fn tracking_number(&self, keys: TrackingKeys) -> Result<TrackingNumber, Wrong> {
        let place = &keys.places;
        let number = e164(&keys)?;
        let route = match (&keys.dial, &keys.route) {
            (Some(dial), None) => self.dial(dial, keys.order, keys.stages.as_deref(), place)?,
            (None, Some(route)) if keys.order.is_none() && keys.stages.is_none() => {
                self.route(route).map_err(|it| it.under("route"))?
            }
            (None, Some(_)) => {
                let message = "`order` and `stages` go with `dial`, or inside of the route";
                return Err(place.wrong("route", message));
            }
            (Some(_), Some(_)) => {
                return Err(place.wrong("route", "there is `dial` already: one of them"));
            }
            (None, None) => {
                let message = "needs `dial` or `route`: where do its calls go?";
                return Err(place.wrong("dial", message).allowed("dial = [\"shop\"]"));
            }
        };
        let fail_safe = keys.fail_safe.as_ref().map(|it| self.known.receiving.find(it)).transpose();
        let settings = match &keys.call_settings {
            None => DEFAULT.into(),
            Some(name) => self.known.settings.find(name).map_err(|it| it.under("call_settings"))?,
        };
        let settings = self.settings.iter().find(|it| it.id == settings).cloned();
        Ok(TrackingNumber {
            number,
            label: keys.label,
            source: keys.source,
            route: Some(route),
            settings: settings.unwrap_or_else(|| CallSettings::new(DEFAULT).into()),
            fail_safe: fail_safe.map_err(|it| it.under("fail_safe"))?,
            keep_recordings: keys.keep_recordings.map(super::settings::keep),
            tags: keys.tags,
        })
    }
}

/// The number of these keys.
pub(super) fn e164(keys: &TrackingKeys) -> Result<Arc<str>, Wrong> {
    let number = Phone::parse(&keys.number.text, keys.country.as_deref());
    Ok(number.map_err(|why| keys.places.wrong("number", why))?.into_inner())
}
