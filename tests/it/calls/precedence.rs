//! PRODUCT section 12, for any directory and any call: what beats what. Directories, callers and
//! what everybody does come from seeds; what must hold is worked out here, from the words alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use crosspoint::audio::{Line, Source};
use crosspoint::call::{Effect, Facts, Leg};
use crosspoint::clock::{Instant, Wall};
use crosspoint::model::event::{Fact, What};
use crosspoint::model::record::{CallRecord, Outcome};
use crosspoint::model::{
    Agent, Caller, CallerId, CallerNumber, Condition, Directory, GeoRouter, Order, Prompt,
    ReceivingNumber, Route, Rule, Schedule, SmartRouter, Whisper,
};

use super::random::Dice;
use super::scene::Scene;
use super::town::{TRACKING, Told, Town, dial, millis, number, prompt, seconds, staged};

const CALLS: u64 = 4000;
const CALLER: &str = "+15125550199";
const FIXED: &str = "+15550109999";
const IDS: [&str; 4] = ["one", "two", "three", "four"];

#[test]
fn for_any_directory_and_any_call_precedence_holds() {
    let mut seen = BTreeMap::new();
    for seed in 0..CALLS {
        let told = std::panic::catch_unwind(|| one_call(seed));
        for it in told.unwrap_or_else(|_| panic!("seed {seed}")) {
            *seen.entry(it).or_insert(0_u32) += 1;
        }
    }
    // The dice must reach every rule, or this proves little.
    for rule in [
        "blocked",
        "fail-safe at the door",
        "fail-safe on the way",
        "no fail-safe after a refusal",
        "own whisper",
        "settings' whisper",
        "silenced whisper",
        "own caller id",
        "settings' caller id",
        "veto",
        "recorded",
        "accepted by key",
        "answered, not accepted",
        "caller gone while it rang",
        "caller gone in a script",
        "open on entry, closed when rung",
        "closed on entry",
        "two in their scripts",
        "agent credited",
    ] {
        assert!(seen.contains_key(rule), "no call came to {rule:?}: {seen:?}");
    }
}

/// What a call is checked with.
struct Case {
    town: Town,
    directory: Arc<Directory>,
    scene: Scene,
    /// Keys that took a call, by the destination's name and when.
    keys: Vec<(String, Instant)>,
    seen: Vec<&'static str>,
}

/// A leg: which route it was rung by, how many were entered until then, and when.
struct Rung {
    leg: Leg,
    id: String,
    route: String,
    entering: usize,
    at: Wall,
}

fn one_call(seed: u64) -> Vec<&'static str> {
    let mut dice = Dice(seed);
    let town = town(&mut dice);
    let caller = match dice.roll(6) {
        0 => Caller::default(),
        _ => Caller::new(CALLER),
    };
    let facts = Facts {
        call: "c1".into(),
        dialled: TRACKING.into(),
        caller: caller.clone(),
        random: dice.roll(u64::MAX),
        ..Facts::default()
    };
    let scene = Scene::with(&town, facts);
    let directory = town.directory();
    let mut case = Case { town, directory, scene, keys: Vec::new(), seen: Vec::new() };
    if case.town.settings.block_list.blocks(&caller) {
        case.blocked();
        return case.seen;
    }
    for _ in 0..dice.roll(40) {
        case.something_happens(&mut dice);
        if case.scene.call.is_over() {
            break;
        }
    }
    case.caller_hangs_up();
    case.scene.wait(seconds(3600));
    case.scene.ends();
    case.fail_safe();
    case.levels();
    case.veto();
    case.accept();
    case.schedules();
    case.credit();
    case.seen
}

impl Case {
    fn record(&self) -> &CallRecord {
        self.scene.call.record()
    }

    fn to(&self, id: &str) -> &ReceivingNumber {
        self.directory.receiving_number(id).expect("a number of the town")
    }

    /// The legs that ring or hear their script, by name, with whether they have answered.
    fn on_the_line(&self) -> Vec<(String, bool)> {
        let legs = self.record().legs.iter().filter(|it| it.ended_at.is_none());
        legs.map(|it| (it.destination.to_string(), it.answered_at.is_some())).collect()
    }

    fn something_happens(&mut self, dice: &mut Dice) {
        let there = self.on_the_line();
        let picked = there.get(dice.roll(there.len() as u64) as usize).cloned();
        match (dice.roll(8), picked) {
            (0 | 1, Some((name, false))) => drop(self.scene.answers(&name)),
            (2, Some((name, false))) => {
                let status = [486, 480, 404, 603, 500][dice.roll(5) as usize];
                self.scene.refuses(&name, status);
            }
            (3, Some((name, false))) => drop(self.scene.cannot_be_reached(&name)),
            (2, Some((name, true))) if dice.roll(4) == 0 => drop(self.scene.hangs_up(&name)),
            (4, Some((name, true))) => {
                let key = ["1", "9", "5"][dice.roll(3) as usize];
                if key == "1" {
                    self.keys.push((name.clone(), self.scene.now.at));
                }
                self.scene.presses(&name, key);
            }
            (5, _) => drop(self.scene.wait(seconds(dice.roll(20)))),
            _ => drop(self.scene.wait(millis(dice.roll(3000)))),
        }
        if 1 < self.on_the_line().iter().filter(|it| it.1).count() {
            self.seen.push("two in their scripts");
        }
    }

    /// 1. The block list comes first: busy, no record, nobody rung, whatever else is set.
    fn blocked(&mut self) {
        self.seen.push("blocked");
        assert_eq!(self.scene.caller_was(), "refused 486 blocked");
        assert_eq!(self.scene.log.len(), 2, "{:?}", self.scene.log);
        assert!(self.scene.call.is_over());
    }

    /// 2. The fail-safe is for failures inside us, and for nothing else; once.
    fn fail_safe(&mut self) {
        let steps: Vec<String> = self.scene.path().iter().map(|it| (*it).to_owned()).collect();
        let used = steps.iter().position(|it| it == "fail-safe");
        assert!(steps.iter().filter(|it| *it == "fail-safe").count() <= 1, "{steps:?}");
        let Some(at) = used else {
            if self.town.fail_safe.is_some() && self.record().cause.is_some() {
                let reason = self.record().cause.clone().unwrap().reason;
                // At the door it is taken without a word; then nothing else is there to fail.
                let at_the_door = self.town.route.as_ref().is_none_or(|it| !usable(it));
                self.seen.extend(at_the_door.then_some("fail-safe at the door"));
                assert!(at_the_door || reason != "no_route", "{steps:?}");
                let refused = self.record().legs.iter().any(|it| {
                    it.cause.as_ref().is_some_and(|it| !it.local) && it.connected_at.is_none()
                });
                self.seen.extend(refused.then_some("no fail-safe after a refusal"));
            }
            return;
        };
        self.seen.push("fail-safe on the way");
        let before = &steps[at - 1];
        let broken = before == "dial gone" || before == "queue gone" || before == "agent nobody";
        // Or every destination of the dial before failed inside us.
        let rung = self.rung();
        let entered = self.entered();
        let mut known = entered.iter().peekable();
        let taken = steps[..at].iter().filter(|it| known.next_if(|step| step == it).is_some());
        let last = taken.count();
        let mut legs = rung.iter().filter(|it| it.entering == last).peekable();
        let inside = legs.peek().is_some()
            && legs.all(|it| {
                let leg = &self.record().legs[usize::from(it.leg.0) - 1];
                leg.outcome == Some(Outcome::Failed)
                    && leg.cause.as_ref().is_some_and(|it| it.local)
            });
        assert!(broken || inside, "{steps:?}");
    }

    /// 3. The destination beats the call settings, which beat the default.
    fn levels(&mut self) {
        let offers = self.scene.log.iter().filter_map(|(_, effect)| match effect {
            Effect::Invite(offer) => {
                Some((offer.leg, offer.to.id.to_string(), offer.identity.clone()))
            }
            _ => None,
        });
        let offers: Vec<_> = offers.collect();
        for (leg, id, identity) in offers {
            let to = self.to(&id).clone();
            let rule = match &to.caller_id {
                Some(own) => {
                    self.seen.push("own caller id");
                    own.number.clone()
                }
                None => {
                    self.seen.push("settings' caller id");
                    self.town.settings.caller_id.number.clone()
                }
            };
            let shown = match rule {
                CallerNumber::Tracking => TRACKING.to_owned(),
                CallerNumber::Fixed(number) => number.to_string(),
                CallerNumber::Anonymous => String::new(),
                CallerNumber::Caller => self.record().caller.clone(),
            };
            assert_eq!(identity.number, shown, "{id}");
            self.whisper(leg, &to);
        }
    }

    fn whisper(&mut self, leg: Leg, to: &ReceivingNumber) {
        let Some(script) = self.scene.log.iter().find_map(|(_, effect)| match effect {
            Effect::Hear(it, Source::Script(script)) if *it == leg => Some(script.clone()),
            _ => None,
        }) else {
            return;
        };
        let said: Vec<_> = script
            .lines
            .iter()
            .filter_map(|it| match it {
                Line::Say(clip) => Some(*clip),
                _ => None,
            })
            .collect();
        let clip = |whisper: &Whisper| match whisper {
            Whisper::Say(Prompt { clip, .. }) => Some(*clip),
            Whisper::Inherit | Whisper::Nothing => None,
        };
        let (wanted, rule) = match (&to.whisper, &self.town.settings.whisper) {
            (Whisper::Inherit, it @ Whisper::Say(_)) => (clip(it), Some("settings' whisper")),
            (Whisper::Nothing, Whisper::Say(_)) => (None, Some("silenced whisper")),
            (it @ Whisper::Say(_), _) => (clip(it), Some("own whisper")),
            _ => (None, None),
        };
        assert_eq!(said, wanted.into_iter().collect::<Vec<_>>(), "{}", to.id);
        self.seen.extend(rule);
    }

    /// 4. A veto beats every wish to record; without one the settings decide.
    fn veto(&mut self) {
        let Some(id) = self.scene.connected() else { return };
        let vetoed = self.to(&id).prevent_recording;
        let tapes = self.scene.count(|it| matches!(it, Effect::Tape { .. }));
        let wanted = self.town.settings.record && !vetoed;
        assert_eq!(tapes, usize::from(wanted), "{id}");
        let recording = &self.record().recordings[0];
        assert_eq!(recording.prevented.is_none(), wanted);
        self.seen.push(match (wanted, vetoed) {
            (true, _) => "recorded",
            (false, true) => "veto",
            (false, false) => "not asked for",
        });
    }

    /// 5. and 8. Answering is not taking; the first who takes the call has it, and nobody else.
    fn accept(&mut self) {
        let legs = self.record().legs.clone();
        let taken: Vec<_> = legs.iter().filter(|it| it.accepted_at.is_some()).collect();
        assert!(taken.len() <= 1, "{taken:?}");
        let connected: Vec<_> = legs.iter().filter(|it| it.connected_at.is_some()).collect();
        assert_eq!(taken, connected);
        for leg in &legs {
            let to = self.to(&leg.destination).clone();
            let (Some(answered), true) = (leg.answered_at, to.accept.is_some()) else { continue };
            let Some(accepted) = leg.accepted_at else {
                self.seen.push("answered, not accepted");
                continue;
            };
            let moment = |at: Wall| at.unix_micros() - self.record().received_at.unix_micros();
            let pressed = self.keys.iter().any(|(name, at)| {
                *name == *leg.destination
                    && moment(answered) <= at.micros() as i64
                    && at.micros() as i64 == moment(accepted)
            });
            assert!(pressed, "{} was accepted without its key", leg.destination);
            self.seen.push("accepted by key");
        }
    }

    /// 6. The caller's hang-up beats everything: nothing is begun after it, everything ends.
    fn caller_hangs_up(&mut self) {
        if self.scene.call.is_over() || self.record().ended_at.is_some() {
            return;
        }
        let there = self.on_the_line();
        if self.record().connected_at.is_none() {
            self.seen.extend(there.iter().any(|it| !it.1).then_some("caller gone while it rang"));
            self.seen.extend(there.iter().any(|it| it.1).then_some("caller gone in a script"));
        }
        let before = self.scene.log.len();
        self.scene.hangs_up("caller");
        let after = &self.scene.log[before..];
        let begun = after.iter().find(|(_, it)| {
            matches!(
                it,
                Effect::Invite(_) | Effect::Hear(..) | Effect::Answer | Effect::Ring { .. }
            )
        });
        assert!(begun.is_none(), "{begun:?}");
        assert!(self.on_the_line().is_empty());
        let record = self.record();
        assert_eq!(record.ended_at, Some(self.scene.now.wall));
    }

    /// The routes that were entered, in order.
    fn entered(&self) -> Vec<String> {
        let entered = self.scene.log.iter().filter_map(|(_, effect)| match effect {
            Effect::Note(Fact { what: What::RouteEntered { route }, .. }) => Some(route.clone()),
            _ => None,
        });
        entered.collect()
    }

    /// Each leg, with the route that it was rung by.
    fn rung(&self) -> Vec<Rung> {
        let (mut rung, mut entering, mut entered) = (Vec::new(), 0, None);
        for (_, effect) in &self.scene.log {
            match effect {
                Effect::Note(Fact { what: What::RouteEntered { route }, at, .. }) => {
                    entering += 1;
                    entered = Some((route.clone(), *at));
                }
                Effect::Invite(offer) => {
                    let (route, at) = entered.clone().expect("a way to the leg");
                    let (leg, id) = (offer.leg, offer.to.id.to_string());
                    rung.push(Rung { leg, id, route, entering, at });
                }
                _ => (),
            }
        }
        rung
    }

    /// 7. Schedules are read when the dial is entered, never while it rings.
    fn schedules(&mut self) {
        let path = self.record().path.clone();
        let open = |to: &ReceivingNumber, at| to.schedule.as_ref().is_none_or(|it| it.is_open(at));
        for Rung { leg, id, route, at, .. } in self.rung() {
            let to = self.to(&id);
            assert!(open(to, at), "{id} was closed when {route} was entered");
            let dialled = self.record().legs[usize::from(leg.0) - 1].dialled_at;
            if !open(to, dialled) {
                self.seen.push("open on entry, closed when rung");
            }
        }
        for step in path {
            if let Some(id) = step.what.strip_suffix(" is closed") {
                assert!(!open(self.to(id), step.at), "{id} was open");
                self.seen.push("closed on entry");
            }
        }
    }

    /// The agent is that of the destination that took the call, or the agent who was rung.
    fn credit(&mut self) {
        let record = self.record();
        let Some(id) = self.scene.connected() else {
            assert_eq!(record.agent, None);
            return;
        };
        let own = self.to(&id).agent.clone();
        let leg = record.legs.iter().find(|it| it.connected_at.is_some()).unwrap().leg;
        let by_agent = self.rung().iter().any(|it| it.leg == Leg(leg) && it.route == "agent ann");
        let wanted = own.or_else(|| by_agent.then(|| "ann".into()));
        assert_eq!(record.agent, wanted);
        assert_eq!(record.lead_owner, None);
        let credited = record.agent.is_some();
        self.seen.extend(credited.then_some("agent credited"));
    }
}

/// What is there to be followed, of the routes that [`route`] makes.
fn usable(route: &Route) -> bool {
    let shown = route.to_string();
    !["dial gone", "queue gone", "agent nobody"].contains(&shown.as_str())
}

fn town(dice: &mut Dice) -> Town {
    let numbers: Vec<_> = IDS.iter().map(|id| destination(id, dice)).collect();
    let mut town = Town::new(numbers).routed((dice.roll(20) != 0).then(|| route(dice)));
    if dice.roll(3) != 0 {
        town = town.safe_at(IDS[dice.roll(4) as usize]);
    }
    let rule = |name: &str, conditions, route| Rule { name: name.to_owned(), conditions, route };
    let rules = vec![
        rule("anonymous", vec![Condition::Anonymous], route(dice)),
        rule("some", vec![Condition::Percent(dice.roll(101) as u8)], route(dice)),
        rule("texas", vec![Condition::State(vec!["TX".to_owned()])], route(dice)),
    ];
    let smart = SmartRouter { id: "smart".into(), rules, otherwise: route(dice) };
    let geo = GeoRouter {
        zips: vec![("787".to_owned(), route(dice))],
        otherwise: route(dice),
        ..GeoRouter::new("geo")
    };
    let ann = Agent { numbers: vec!["two".into(), "three".into()], ..Agent::new("ann") };
    town.more.smart_routers.push(smart);
    town.more.geo_routers.push(geo);
    town.more.agents.extend([ann, Agent::new("nobody")]);
    town.set(|it| {
        it.record = dice.roll(3) != 0;
        it.whisper = whisper(dice, "from the settings");
        it.caller_id = caller_id(dice).unwrap_or_default();
        it.block_list.anonymous = dice.roll(4) == 0;
        if dice.roll(12) == 0 {
            it.block_list.prefixes = vec!["+1512".to_owned()];
        }
    })
}

fn destination(id: &str, dice: &mut Dice) -> ReceivingNumber {
    let mut to = number(id).rings_for(seconds(1 + dice.roll(40)));
    to.prevent_recording = dice.roll(3) == 0;
    to.ring_delay = millis(dice.roll(3) * dice.roll(8000));
    to.whisper = whisper(dice, id);
    to.caller_id = caller_id(dice);
    to.agent = (dice.roll(3) == 0).then(|| "bob".into());
    to.lead_owner = (dice.roll(3) == 0).then(|| "cyd".into());
    to.schedule = schedule(dice);
    to.outside_hours = route(dice);
    if dice.roll(3) == 0 {
        to = to.accepting('1');
    }
    if dice.roll(3) == 0 {
        to = to.with_extension("1w");
    }
    if dice.roll(2) == 0 {
        to = to.then(route(dice));
    }
    to
}

/// The calls of the scene come at 22:13:20; some are open until a minute that is soon over.
fn schedule(dice: &mut Dice) -> Option<Arc<Schedule>> {
    let hours = match dice.roll(6) {
        0 => "09:00-17:00",
        1 | 2 => "09:00-22:14",
        _ => return None,
    };
    let mut schedule = Schedule::new("hours", "UTC".parse().unwrap());
    schedule.week = std::array::from_fn(|_| vec![hours.parse().unwrap()]);
    Some(Arc::new(schedule))
}

fn whisper(dice: &mut Dice, text: &str) -> Whisper {
    match dice.roll(3) {
        0 => Whisper::Inherit,
        1 => Whisper::Nothing,
        _ => Whisper::Say(prompt(text)),
    }
}

fn caller_id(dice: &mut Dice) -> Option<CallerId> {
    let number = match dice.roll(5) {
        0 => CallerNumber::Caller,
        1 => CallerNumber::Tracking,
        2 => CallerNumber::Fixed(FIXED.into()),
        3 => CallerNumber::Anonymous,
        _ => return None,
    };
    Some(CallerId { number, ..CallerId::default() })
}

fn route(dice: &mut Dice) -> Route {
    match dice.roll(14) {
        0 => Route::Hangup,
        1 => Route::Queue("gone".into()),
        2 => dial(Order::Simultaneous, &["gone"]),
        3 => Route::Agent("nobody".into()),
        4 => Route::Agent("ann".into()),
        5 => Route::SmartRouter("smart".into()),
        6 => Route::GeoRouter("geo".into()),
        7 => staged(&[(0, &["one"]), (45, &["two", "three"])]),
        8 => dial(Order::Sequence, &["three", "one", "two"]),
        9 => dial(Order::Weighted, &["two", "four"]),
        10 => dial(Order::Simultaneous, &["four"]),
        _ => dial(Order::Simultaneous, &["one", "two", "three"]),
    }
}
