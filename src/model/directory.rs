//! All the words of the trade together, indexed and immutable.
//!
//! A change builds a new directory and swaps it; a call keeps the one it began with. References
//! between its parts are names, so routes may go round in a circle; `config` has seen to it that
//! every name is there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::phone::normalise;
use super::{
    Account, CallSettings, Order, Prompt, ReceivingNumber, RingbackBy, Route, Schedule,
    TrackingNumber, Trunk, Whisper,
};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Directory {
    tracking: BTreeMap<Arc<str>, Arc<TrackingNumber>>,
    receiving: BTreeMap<Arc<str>, Arc<ReceivingNumber>>,
    settings: BTreeMap<Arc<str>, Arc<CallSettings>>,
    schedules: BTreeMap<Arc<str>, Arc<Schedule>>,
    trunks: Vec<Arc<Trunk>>,
    accounts: Vec<Arc<Account>>,
    default_trunk: Option<Arc<str>>,
    counts_calls: bool,
}

/// What a directory is made of. Of two things with one name the later stands.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    pub tracking_numbers: Vec<TrackingNumber>,
    pub receiving_numbers: Vec<ReceivingNumber>,
    pub call_settings: Vec<Arc<CallSettings>>,
    pub schedules: Vec<Arc<Schedule>>,
    pub trunks: Vec<Trunk>,
    pub accounts: Vec<Account>,
    /// The trunk for phone numbers that name none; the first trunk if there is none here either.
    pub default_trunk: Option<Arc<str>>,
}

impl Directory {
    pub fn new(parts: Parts) -> Self {
        let counts_calls = counts_calls(&parts);
        let tracking = parts.tracking_numbers.into_iter().map(|it| (it.number.clone(), it.into()));
        let receiving = parts.receiving_numbers.into_iter().map(|it| (it.id.clone(), it.into()));
        let first = parts.trunks.first().map(|it| it.name.clone());
        Self {
            tracking: tracking.collect(),
            receiving: receiving.collect(),
            settings: parts.call_settings.into_iter().map(|it| (it.id.clone(), it)).collect(),
            schedules: parts.schedules.into_iter().map(|it| (it.id.clone(), it)).collect(),
            trunks: parts.trunks.into_iter().map(Arc::new).collect(),
            accounts: parts.accounts.into_iter().map(Arc::new).collect(),
            default_trunk: parts.default_trunk.or(first),
            counts_calls,
        }
    }

    /// The tracking number that was dialled: with `+`, without, or as `tel:`.
    pub fn tracking_number(&self, dialled: &str) -> Option<&Arc<TrackingNumber>> {
        self.tracking.get(normalise(dialled)?.as_str())
    }

    pub fn tracking_numbers(&self) -> impl Iterator<Item = &Arc<TrackingNumber>> {
        self.tracking.values()
    }

    pub fn receiving_number(&self, id: &str) -> Option<&Arc<ReceivingNumber>> {
        self.receiving.get(id)
    }

    pub fn receiving_numbers(&self) -> impl Iterator<Item = &Arc<ReceivingNumber>> {
        self.receiving.values()
    }

    pub fn call_settings(&self, id: &str) -> Option<&Arc<CallSettings>> {
        self.settings.get(id)
    }

    pub fn schedule(&self, id: &str) -> Option<&Arc<Schedule>> {
        self.schedules.get(id)
    }

    /// Trunks, in the order of the file.
    pub fn trunks(&self) -> &[Arc<Trunk>] {
        &self.trunks
    }

    pub fn trunk(&self, name: &str) -> Option<&Arc<Trunk>> {
        self.trunks.iter().find(|it| &*it.name == name)
    }

    /// The trunk for phone numbers that name none.
    pub fn default_trunk(&self) -> Option<&Arc<Trunk>> {
        self.trunk(self.default_trunk.as_deref()?)
    }

    /// Accounts, in the order of the file.
    pub fn accounts(&self) -> &[Arc<Account>] {
        &self.accounts
    }

    /// Whether anything depends on how many calls a receiving number has.
    pub fn counts_calls(&self) -> bool {
        self.counts_calls
    }

    /// Every message that a call may need, once each.
    pub fn prompts(&self) -> Vec<&Prompt> {
        let mut found = BTreeSet::new();
        for settings in self.settings.values() {
            found.extend(&settings.recording_notice);
            found.extend(&settings.greeting);
            found.extend(said(&settings.whisper));
            if let RingbackBy::Music(music) = &settings.ringback {
                found.insert(music);
            }
        }
        for number in self.receiving.values() {
            found.extend(said(&number.whisper));
            found.extend(number.accept.as_ref().and_then(|it| it.prompt.as_ref()));
        }
        found.into_iter().collect()
    }
}

/// A limit on calls at once, or an order by them.
fn counts_calls(parts: &Parts) -> bool {
    let by_load =
        |route: &Route| matches!(route, Route::Dial(it) if it.order == Order::LeastConnected);
    parts.receiving_numbers.iter().any(|it| {
        it.max_calls.is_some() || by_load(&it.no_answer.route) || by_load(&it.outside_hours)
    }) || parts.tracking_numbers.iter().filter_map(|it| it.route.as_ref()).any(by_load)
}

fn said(whisper: &Whisper) -> Option<&Prompt> {
    match whisper {
        Whisper::Say(prompt) => Some(prompt),
        Whisper::Inherit | Whisper::Nothing => None,
    }
}
