//! Random calls from seeds: whatever comes, in whatever order, the witness finds nothing wrong.

use crosspoint::call::{Aim, Event, Facts, Leg, TapeEvent};
use crosspoint::flow::Spent;
use crosspoint::model::record::{Cause, Quality};
use crosspoint::model::{
    Distribution, Endpoint, GeoRouter, Member, Order, Queue, QueueEntry, ReceivingNumber,
    RingbackBy, Route, VoiceMenu, VoicemailBox, Who,
};

use super::scene::Scene;
use super::town::{TRACKING, Told, Town, dial, key, millis, number, prompt, seconds, staged};

const CALLS: u64 = 6000;
const EVENTS: u64 = 60;

#[test]
fn whatever_happens_a_call_keeps_its_promises() {
    let mut ends = std::collections::BTreeMap::<String, u32>::new();
    for seed in 0..CALLS {
        let told = std::panic::catch_unwind(|| one_call(seed));
        let reason = told.unwrap_or_else(|_| panic!("seed {seed}"));
        *ends.entry(reason).or_default() += 1;
    }
    // The dice must reach every kind of end, or this proves little.
    for reason in [
        "normal",
        "abandoned",
        "busy",
        "declined",
        "no_answer",
        "invalid_number",
        "failed",
        "route_loop",
        "max_duration",
        "media_timeout",
        "no_route",
        "stopped",
        "voicemail",
    ] {
        assert!(ends.contains_key(reason), "no call ended with {reason}: {ends:?}");
    }
}

fn one_call(seed: u64) -> String {
    let mut dice = Dice(seed);
    let town = town(&mut dice);
    let facts = Facts {
        call: "c1".into(),
        dialled: TRACKING.into(),
        random: dice.roll(u64::MAX),
        rotation: dice.roll(10),
        account: (dice.roll(2) == 0).then(|| "ann".into()),
        ..Facts::default()
    };
    let mut scene = Scene::with(&town, facts);
    for _ in 0..dice.roll(EVENTS) {
        match dice.roll(4) {
            0 => drop(scene.wait(millis(dice.roll(5000)))),
            1 => drop(scene.wait(seconds(dice.roll(60)))),
            _ => {
                let event = event(&mut dice, scene.legs_so_far());
                scene.tell(event);
            }
        }
    }
    if dice.roll(2) == 0 && !scene.call.is_over() {
        let leg = Leg::CALLER;
        scene.tell(Event::HungUp { leg, cause: Cause::default() });
    }
    scene.wait(seconds(24 * 3600));
    scene.ends();
    let cause = scene.call.record().cause.clone();
    cause.map(|it| it.reason).unwrap_or_default()
}

fn town(dice: &mut Dice) -> Town {
    let ids = ["one", "two", "three", "four"];
    let numbers: Vec<_> = ids.iter().map(|id| destination(id, dice)).collect();
    let mut town = Town::new(numbers).routed(Some(route(dice)));
    if dice.roll(4) == 0 {
        town = town.safe_at("four");
    }
    let keys = [("1", route(dice)), ("12", route(dice)), ("*", route(dice))];
    let menu = VoiceMenu {
        keys: keys.into_iter().map(|(it, route)| (super::town::keys(it), route)).collect(),
        otherwise: route(dice),
        repeats: dice.roll(3) as u8,
        barge_in: dice.roll(2) == 0,
        ..VoiceMenu::new("main", prompt("menu"))
    };
    let greeting = (dice.roll(2) == 0).then(|| prompt("speak"));
    let voicemail = VoicemailBox { greeting, ..VoicemailBox::new("box") };
    let queues = (dice.roll(4) != 0).then(|| queue(dice)).into_iter().collect();
    let stores = GeoRouter {
        prompt: (dice.roll(2) == 0).then(|| prompt("zip")),
        zips: vec![("11111".into(), route(dice))],
        otherwise: route(dice),
        ..GeoRouter::new("stores")
    };
    town = town.with(|it| {
        it.queues = queues;
        it.geo_routers = vec![stores];
        it.voice_menus = vec![menu];
        it.voicemail_boxes = vec![voicemail];
    });
    town.set(|it| {
        it.record = dice.roll(3) != 0;
        it.max_duration = seconds(1 + dice.roll(300));
        it.greeting = (dice.roll(4) == 0).then(|| prompt("hello"));
        it.recording_notice = (dice.roll(4) == 0).then(|| prompt("notice"));
        if dice.roll(4) == 0 {
            it.ringback = RingbackBy::Music(prompt("waltz"));
        }
    })
}

fn queue(dice: &mut Dice) -> Queue {
    let who = ["one", "two", "three", "four"].into_iter().filter(|_| dice.roll(2) == 0);
    let who: Vec<_> = who.map(|id| Member { who: Who::Number(id.into()), weight: 1 }).collect();
    let maybe = |it: &str, roll: u64| (roll == 0).then(|| prompt(it));
    Queue {
        distribution: [Distribution::Simultaneous, Distribution::RoundRobin][dice.roll(2) as usize],
        members: who,
        music: maybe("waltz", dice.roll(2)),
        welcome: maybe("welcome", dice.roll(2)),
        announcement: maybe("thank you", dice.roll(2)),
        announce_every: seconds(dice.roll(20)),
        max_wait: seconds(1 + dice.roll(100)),
        max_length: (dice.roll(6) == 0).then_some(0),
        no_answer: route(dice),
        bypass_unavailable: dice.roll(2) == 0,
        wrap_up: seconds(dice.roll(10)),
        entry: [QueueEntry::Answer, QueueEntry::EarlyMedia][dice.roll(2) as usize],
        ..Queue::new("sales")
    }
}

fn destination(id: &str, dice: &mut Dice) -> ReceivingNumber {
    let mut to = number(id).rings_for(seconds(1 + dice.roll(60)));
    to.prevent_recording = dice.roll(3) == 0;
    to.may_transfer = Some(dice.roll(2) == 0);
    to.ring_delay = millis(dice.roll(3) * dice.roll(5000));
    if dice.roll(3) == 0 {
        to = to.with_extension("3w12");
    }
    if dice.roll(3) == 0 {
        to = to.whispering("ads");
    }
    if dice.roll(4) == 0 {
        to = to.accepting('1');
    }
    match dice.roll(6) {
        0 | 1 => to = to.with_codes(),
        2 => to = to.scoring("125"),
        _ => (),
    }
    if dice.roll(2) == 0 {
        to = to.then(route(dice));
    }
    if dice.roll(4) == 0 {
        to = to.when_busy(route(dice));
    }
    to
}

fn route(dice: &mut Dice) -> Route {
    match dice.roll(9) {
        0 => Route::Hangup,
        1 => match dice.roll(4) {
            2 => Route::GeoRouter("stores".into()),
            0 => Route::Queue("sales".into()),
            1 => Route::VoiceMenu("main".into()),
            _ => Route::Voicemail("box".into()),
        },
        2 => staged(&[(0, &["one"]), (5, &["two", "three"]), (9, &["four"])]),
        3 => dial(Order::Sequence, &["three", "one", "two"]),
        4 => dial(Order::RoundRobin, &["one", "two", "three", "four"]),
        5 => dial(Order::Weighted, &["two", "four"]),
        6 => dial(Order::Simultaneous, &["one"]),
        _ => dial(Order::Simultaneous, &["one", "two", "three"]),
    }
}

/// Anything, about anybody: also legs that never were.
fn event(dice: &mut Dice, legs: u8) -> Event {
    let leg = Leg(dice.roll(u64::from(legs) + 2) as u8);
    let sip = [486, 480, 404, 603, 500, 503, 200, 0][dice.roll(8) as usize];
    let cause = Cause { sip, local: dice.roll(4) == 0, ..Cause::default() };
    match dice.roll(24) {
        0..=2 => Event::Ringing { leg, early_media: dice.roll(2) == 0 },
        3..=6 => Event::Answered { leg },
        7 | 8 => Event::Refused { leg, cause },
        // A caller who hangs up at once would end most calls before anything happens.
        9 if leg != Leg::CALLER || dice.roll(4) == 0 => Event::HungUp { leg, cause },
        10 => Event::Line { leg, line: dice.roll(6) as u16 },
        11 | 12 => Event::ScriptDone { leg },
        13 => Event::Declined { leg },
        14 => Event::ClipMissing { leg },
        15 => Event::Key { leg, digit: key(['*', '1', '2', '5'][dice.roll(4) as usize]) },
        16 if dice.roll(3) == 0 => Event::MediaLost { leg },
        17 => {
            let told = match dice.roll(3) {
                0 => TapeEvent::Gap { ms: 20 },
                1 => TapeEvent::Failed,
                _ => TapeEvent::Closed { ms: 5 },
            };
            Event::Tape { tape: dice.roll(3) as u8, told }
        }
        20 => Event::Held { leg, on: dice.roll(2) == 0 },
        21 => Event::Transfer { leg, to: Box::new(aim(dice)) },
        23 if leg != Leg::CALLER || dice.roll(2) == 0 => {
            let to = ReceivingNumber::new("far", Endpoint::Sip { uri: "sip:far@192.0.2.9".into() });
            Event::Replace { leg, to: to.into() }
        }
        22 if dice.roll(8) == 0 => Event::Joined { leg, call: "other".into() },
        22 => Event::Parted { cause },
        18 if dice.roll(2) == 0 => Event::Voice { leg },
        18 => Event::Quality { leg, quality: Box::new(Quality::default()) },
        19 if dice.roll(10) == 0 => {
            Event::Stop { cause: Cause { reason: "stopped".to_owned(), ..cause } }
        }
        _ => Event::Time,
    }
}

/// Whom somebody wants the other side put through to.
fn aim(dice: &mut Dice) -> Aim {
    match dice.roll(8) {
        0 => Aim::Nobody,
        1 => {
            let to = ReceivingNumber::new("far", Endpoint::Sip { uri: "sip:far@192.0.2.9".into() });
            Aim::Party { call: "other".into(), to: to.into(), handle: 7 }
        }
        n => {
            let dialled = ["one", "two", "three", "four", "+15550100001", "nobody"];
            let (dialled, instead) = (dialled[n as usize - 2].into(), (n == 3).then_some(9));
            Aim::Dialled { dialled, spent: Spent::default(), instead }
        }
    }
}

/// SplitMix64: the same seed, the same call.
pub struct Dice(pub u64);

impl Dice {
    /// Below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides.max(1)
    }
}
