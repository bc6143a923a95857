//! Routes, as they are written: `"hangup"`, or a table that names one place.

use toml::de::DeValue;

use super::error::{Wrong, guess};
use super::keys::{Item, Key, Section, Value, section};
use super::shape::Shape;
use super::trade::StageKeys;
use super::value::{Name, Names};
use crate::model::Order;

section! {
    /// A place that a call can be sent to. One of these, unless it is `"hangup"`.
    RouteKeys {
        /// Receiving numbers that ring.
        dial: Option<Names> = optional("[\"shop\", \"mobile\"]") names receiving_number;
        /// In which order; goes with `dial`.
        order: Option<Order> = optional("\"sequence\"");
        /// Receiving numbers that join later, without ringing the others anew; goes with `dial`.
        stages: Option<Vec<StageKeys>> =
            optional("[{ after = \"15s\", numbers = [\"shop\"] }]");
        /// A queue.
        queue: Option<Name> = optional("\"sales\"") names queue;
        /// A voice menu.
        voice_menu: Option<Name> = optional("\"main\"") names voice_menu;
        /// A voicemail box.
        voicemail: Option<Name> = optional("\"messages\"") names voicemail;
        /// A smart router.
        smart_router: Option<Name> = optional("\"by-hour\"") names smart_router;
        /// A geo router.
        geo_router: Option<Name> = optional("\"nearest\"") names geo_router;
        /// A virtual agent.
        virtual_agent: Option<Name> = optional("\"reception\"") names virtual_agent;
        /// An agent: all that rings it, at once.
        agent: Option<Name> = optional("\"alice\"") names agent;
    }
}

/// A route, as it is written.
#[derive(Clone, Debug)]
pub enum RouteWord {
    Hangup,
    To(Box<RouteKeys>),
}

/// Kinds of routes that are written as tables.
pub const ROUTES: &[&str] = &[
    "dial",
    "queue",
    "voice_menu",
    "voicemail",
    "smart_router",
    "geo_router",
    "virtual_agent",
    "agent",
];

impl RouteWord {
    /// The keys of the reference, which tells them once for all routes.
    pub(super) const REFERENCE: &'static [Key] = <RouteKeys as Section>::KEYS;
}

impl Value for RouteWord {
    fn read(item: &Item<'_>) -> Result<Self, Wrong> {
        if let DeValue::String(text) = item.value {
            return match text.as_ref() {
                "hangup" => Ok(Self::Hangup),
                kind if ROUTES.contains(&kind) => {
                    Err(item.wrong(format!("this needs a name: {{ {kind} = \"..\" }}")))
                }
                other => {
                    let guess = guess(other, ["hangup"]);
                    Err(item.wrong(format!("{other:?} is no route{guess}")))
                }
            };
        }
        let table = item.table()?;
        let keys = RouteKeys::from_table(&table)?;
        let mut kinds = ROUTES.iter().filter(|it| keys.places.has(it));
        match (kinds.next(), kinds.next()) {
            (Some(_), None) => (),
            (Some(one), Some(other)) => {
                let message = format!("`{one}` and `{other}` are two routes: one of them");
                return Err(keys.places.wrong(other, message));
            }
            (None, _) => return Err(item.wrong("this names no place to go to")),
        }
        let order = ["order", "stages"].into_iter().find(|it| keys.places.has(it));
        match order.filter(|_| keys.dial.is_none()) {
            Some(key) => Err(keys.places.wrong(key, "it does nothing without `dial`")),
            None => Ok(Self::To(Box::new(keys))),
        }
    }

    fn allowed() -> String {
        "a route: \"hangup\", { dial = [\"shop\"] }, { queue = \"sales\" }, ..".to_owned()
    }

    fn shape() -> Shape {
        Shape::Route
    }
}
