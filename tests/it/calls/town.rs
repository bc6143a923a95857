//! Directories for stories: destinations, orders and settings in a few words.

use std::sync::Arc;
use std::time::Duration;

use crosspoint::audio::Digit;
use crosspoint::model::directory::Parts;
use crosspoint::model::{
    AcceptBy, CallSettings, Dial, Directory, Endpoint, EnhancedForwarding, NoAnswer, Order, Prompt,
    ReceivingNumber, Route, ScoreMenu, Stage, TrackingNumber, Whisper,
};

pub const TRACKING: &str = "+15550100001";
pub const CALLER: &str = "+15125550199";

pub const fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub fn key(c: char) -> Digit {
    Digit::from_char(c).unwrap()
}

pub fn keys(text: &str) -> Vec<Digit> {
    text.chars().map(key).collect()
}

pub fn prompt(name: &str) -> Prompt {
    Prompt::file(name)
}

/// A receiving number with a phone at its end.
pub fn number(id: &str) -> ReceivingNumber {
    ReceivingNumber::new(id, Endpoint::Sip { uri: format!("sip:{id}@127.0.0.31").into() })
}

/// What stories say about a receiving number.
pub trait Told: Sized {
    fn rings_for(self, time: Duration) -> Self;
    fn then(self, route: Route) -> Self;
    fn when_busy(self, route: Route) -> Self;
    fn whispering(self, text: &str) -> Self;
    fn with_extension(self, text: &str) -> Self;
    fn accepting(self, key: char) -> Self;
    fn unrecorded(self) -> Self;
    fn with_codes(self) -> Self;
    fn delayed(self, time: Duration) -> Self;
    fn scoring(self, keys: &str) -> Self;
}

impl Told for ReceivingNumber {
    fn rings_for(mut self, time: Duration) -> Self {
        self.no_answer.timeout = time;
        self
    }

    fn then(mut self, route: Route) -> Self {
        self.no_answer = NoAnswer { route, ..self.no_answer };
        self
    }

    fn when_busy(mut self, route: Route) -> Self {
        self.no_answer.busy_route = Some(route);
        self
    }

    fn whispering(mut self, text: &str) -> Self {
        self.whisper = Whisper::Say(prompt(text));
        self
    }

    fn with_extension(mut self, text: &str) -> Self {
        self.extension = Some(text.parse().unwrap());
        self
    }

    fn accepting(mut self, by: char) -> Self {
        self.accept = Some(AcceptBy { reject: Some(key('9')), ..AcceptBy::key(key(by)) });
        self
    }

    fn unrecorded(mut self) -> Self {
        self.prevent_recording = true;
        self
    }

    fn with_codes(mut self) -> Self {
        let (stop_recording, start_recording) = (keys("*1"), keys("*2"));
        self.enhanced_forwarding =
            Some(EnhancedForwarding { stop_recording, start_recording, score: None });
        self
    }

    fn delayed(mut self, time: Duration) -> Self {
        self.ring_delay = time;
        self
    }

    /// Asked for a score of these keys: 5 s, and once more.
    fn scoring(self, scores: &str) -> Self {
        let mut to = self.with_codes();
        to.enhanced_forwarding.as_mut().unwrap().score = Some(ScoreMenu {
            prompt: prompt("score"),
            keys: keys(scores),
            timeout: seconds(5),
            repeats: 1,
        });
        to
    }
}

/// One tracking number, its settings, and the destinations it may reach.
#[derive(Clone)]
pub struct Town {
    pub numbers: Vec<ReceivingNumber>,
    pub settings: CallSettings,
    pub route: Option<Route>,
    pub fail_safe: Option<Arc<str>>,
    /// Menus, boxes and whatever else there is.
    pub more: Parts,
}

impl Town {
    /// All these ring at once.
    pub fn new(numbers: impl IntoIterator<Item = ReceivingNumber>) -> Self {
        let numbers: Vec<_> = numbers.into_iter().collect();
        let ids: Vec<&str> = numbers.iter().map(|it| &*it.id).collect();
        let route = Some(dial(Order::Simultaneous, &ids));
        let (settings, more) = (CallSettings::new("default"), Parts::default());
        Self { numbers, settings, route, fail_safe: None, more }
    }

    /// Only these ring at first, in this order.
    pub fn dialling(mut self, order: Order, ids: &[&str]) -> Self {
        self.route = Some(dial(order, ids));
        self
    }

    pub fn routed(mut self, route: Option<Route>) -> Self {
        self.route = route;
        self
    }

    pub fn safe_at(mut self, id: &str) -> Self {
        self.fail_safe = Some(id.into());
        self
    }

    pub fn with(mut self, add: impl FnOnce(&mut Parts)) -> Self {
        add(&mut self.more);
        self
    }

    /// Another tracking number.
    pub fn beside_number(mut self, number: TrackingNumber) -> Self {
        self.more.tracking_numbers.push(number);
        self
    }

    pub fn set(mut self, change: impl FnOnce(&mut CallSettings)) -> Self {
        change(&mut self.settings);
        self
    }

    pub fn directory(&self) -> Arc<Directory> {
        let settings = Arc::new(self.settings.clone());
        let mut tracking = TrackingNumber::new(TRACKING, Route::Hangup, Arc::clone(&settings));
        tracking.route.clone_from(&self.route);
        tracking.fail_safe.clone_from(&self.fail_safe);
        tracking.source = "spring mailer".to_owned();
        tracking.tags = vec!["paid".to_owned()];
        Arc::new(Directory::new(Parts {
            tracking_numbers: [vec![tracking], self.more.tracking_numbers.clone()].concat(),
            receiving_numbers: self.numbers.clone(),
            call_settings: vec![settings],
            ..self.more.clone()
        }))
    }
}

pub fn dial(order: Order, ids: &[&str]) -> Route {
    let numbers = ids.iter().map(|it| (*it).into()).collect();
    Route::Dial(Arc::new(Dial { order, numbers, stages: Vec::new() }))
}

pub fn staged(stages: &[(u64, &[&str])]) -> Route {
    let stages = stages.iter().map(|(after, ids)| Stage {
        after: seconds(*after),
        numbers: ids.iter().map(|it| (*it).into()).collect(),
    });
    let stages = stages.collect();
    Route::Dial(Arc::new(Dial { order: Order::Stages, numbers: Vec::new(), stages }))
}
