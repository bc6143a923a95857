//! PRODUCT section 12, for any directory and any call: what beats what, on every way that a call can
//! take - directly, by fork, through routers, a menu, a queue, to an agent, by transfer. Directories,
//! callers and what everybody does come from seeds; what must hold is worked out here, from the
//! words alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crosspoint::audio::{Line, Source};
use crosspoint::call::{Aim, Effect, Event, Facts, Leg};
use crosspoint::clock::{Instant, Wall};
use crosspoint::flow::Spent;
use crosspoint::model::event::{Fact, What};
use crosspoint::model::record::{CallRecord, Outcome};
use crosspoint::model::{
    Agent, Caller, CallerId, CallerNumber, Condition, Directory, Distribution, GeoRouter, Member,
    Order, Prompt, Queue, ReceivingNumber, Route, Rule, Schedule, SmartRouter, VoiceMenu, Whisper,
    Who,
};

use super::random::Dice;
use super::scene::{Scene, length};
use super::town::{TRACKING, Told, Town, dial, keys, millis, number, prompt, seconds, staged};

const CALLS: u64 = 6000;
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
        "veto against the start code",
        "recorded",
        "recorded by the start code",
        "accepted by key",
        "answered, not accepted",
        "caller gone while it rang",
        "caller gone in a script",
        "caller gone in a menu",
        "caller gone in a queue",
        "caller gone in a transfer",
        "caller gone, asked for a score",
        "open on entry, closed when rung",
        "closed on entry",
        "queue closed on entry",
        "two in their scripts",
        "first of two scripts",
        "a tie",
        "agent credited",
        "taken directly",
        "taken by an agent",
        "taken in a queue",
        "taken behind a menu",
        "taken by transfer",
        "veto in a queue",
        "veto behind a menu",
        "veto by transfer",
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
    /// Legs whose person dialled the start code while talking.
    start_codes: BTreeSet<u8>,
    seen: Vec<&'static str>,
}

/// A leg: which route it was rung by, how many were entered until then, and when.
struct Rung {
    leg: Leg,
    id: String,
    route: String,
    entering: usize,
    at: Wall,
    behind_a_menu: bool,
}

/// A connection, and whether it was recorded: from its beginning, or later.
struct Talk {
    leg: Leg,
    taped: bool,
    taped_later: bool,
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
    let (keys, start_codes, seen) = (Vec::new(), BTreeSet::new(), Vec::new());
    let mut case = Case { town, directory, scene, keys, start_codes, seen };
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
    case.ways();
    case.accept();
    case.first();
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
        let talking = self.talking().filter(|_| dice.roll(3) == 0);
        if let Some((leg, _)) = talking {
            return self.in_a_talk(leg, dice);
        }
        if self.is_at("voice_menu main") && dice.roll(2) == 0 {
            let key = ["1", "2", "7"][dice.roll(3) as usize];
            self.scene.presses("caller", key);
            return;
        }
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

    /// What somebody who talks with the caller does.
    fn in_a_talk(&mut self, leg: Leg, dice: &mut Dice) {
        match dice.roll(4) {
            0 => {
                self.start_codes.insert(leg.0);
                for digit in keys("*2") {
                    self.scene.tell(Event::Key { leg, digit });
                }
            }
            1 => {
                for digit in keys("*1") {
                    self.scene.tell(Event::Key { leg, digit });
                }
            }
            _ => {
                let dialled = IDS[dice.roll(4) as usize].into();
                let to = Box::new(Aim::Dialled { dialled, spent: Spent::default(), instead: None });
                self.scene.tell(Event::Transfer { leg, to });
            }
        }
    }

    /// Who talks with the caller now.
    fn talking(&self) -> Option<(Leg, String)> {
        let (leg, id) = self.connections().last().cloned()?;
        let page = &self.record().legs[usize::from(leg.0) - 1];
        (page.ended_at.is_none() && self.scene.talks(leg)).then_some((leg, id))
    }

    /// The last route that was entered is this one, and nobody was rung since.
    fn is_at(&self, route: &str) -> bool {
        let entered = self.entered();
        entered.last().is_some_and(|it| it == route) && self.on_the_line().is_empty()
    }

    /// Who was connected, in order.
    fn connections(&self) -> Vec<(Leg, String)> {
        let connected = self.scene.log.iter().filter_map(|(_, effect)| match effect {
            Effect::Note(Fact { what: What::Connected { leg }, .. }) => Some(*leg),
            _ => None,
        });
        let name = |leg: u8| self.record().legs[usize::from(leg) - 1].destination.to_string();
        connected.map(|it| (Leg(it), name(it))).collect()
    }

    /// Rule 1: The block list comes first: busy, no record, nobody rung, whatever else is set.
    fn blocked(&mut self) {
        self.seen.push("blocked");
        assert_eq!(self.scene.caller_was(), "refused 486 blocked");
        assert_eq!(self.scene.log.len(), 2, "{:?}", self.scene.log);
        assert!(self.scene.call.is_over());
    }

    /// Rule 2: The fail-safe is for failures inside us, and for nothing else; once.
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

    /// Rule 3: The destination beats the call settings, which beat the default.
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
        let Some(script) = self.script(leg) else { return };
        let said: Vec<_> = script
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

    /// What a leg heard before it took the call, or was lost.
    fn script(&self, leg: Leg) -> Option<Vec<Line>> {
        let until = self.scene.log.iter().take_while(|(_, effect)| {
            !matches!(effect, Effect::Note(Fact { what: What::LegAccepted { leg: it }, .. })
                if *it == leg.0)
        });
        until.into_iter().find_map(|(_, effect)| match effect {
            Effect::Hear(it, Source::Script(script)) if *it == leg => Some(script.lines.to_vec()),
            _ => None,
        })
    }

    /// Each connection with what was taped of it.
    fn talks(&self) -> Vec<Talk> {
        let mut talks: Vec<Talk> = Vec::new();
        let mut begins = false;
        for (_, effect) in &self.scene.log {
            match effect {
                Effect::Note(Fact { what: What::Connected { leg }, .. }) => {
                    begins = true;
                    talks.push(Talk { leg: Leg(*leg), taped: false, taped_later: false });
                }
                Effect::Tape { right, .. } => {
                    let talk = talks.last_mut().expect("a tape of nobody");
                    assert_eq!(*right, Some(talk.leg));
                    assert!(!talk.taped && !talk.taped_later, "taped twice");
                    (talk.taped, talk.taped_later) = (begins, !begins);
                }
                Effect::Journal(_) => begins = false,
                _ => (),
            }
        }
        talks
    }

    /// Rule 4: A veto beats every wish to record, the start code's too; without one the settings decide,
    /// then the start code.
    fn veto(&mut self) {
        let talks = self.talks();
        assert_eq!(self.record().recordings.len(), talks.len());
        for (n, talk) in talks.iter().enumerate() {
            let id = self.record().legs[usize::from(talk.leg.0) - 1].destination.to_string();
            let vetoed = self.to(&id).prevent_recording;
            let wanted = self.town.settings.record && !vetoed;
            let coded = self.start_codes.contains(&talk.leg.0);
            assert_eq!(talk.taped, wanted, "{id}");
            assert!(!talk.taped_later || (coded && !vetoed && !wanted), "{id}");
            let prevented = self.record().recordings[n].prevented.is_some();
            assert_eq!(prevented, !talk.taped && !talk.taped_later, "{id}");
            self.seen.push(match (wanted, vetoed) {
                (true, _) => "recorded",
                (false, true) if coded => "veto against the start code",
                (false, true) => "veto",
                (false, false) if talk.taped_later => "recorded by the start code",
                (false, false) => "not asked for",
            });
        }
    }

    /// By which ways calls were taken, and vetoed.
    fn ways(&mut self) {
        let rung = self.rung();
        for (leg, id) in self.connections() {
            let by = rung.iter().find(|it| it.leg == leg).expect("it was rung");
            let vetoed = self.to(&id).prevent_recording;
            let way = match by.route.as_str() {
                it if it.starts_with("transfer") => ["taken by transfer", "veto by transfer"],
                it if it.starts_with("queue") => ["taken in a queue", "veto in a queue"],
                _ if by.behind_a_menu => ["taken behind a menu", "veto behind a menu"],
                "agent ann" => ["taken by an agent", "veto"],
                _ => ["taken directly", "veto"],
            };
            self.seen.extend(&way[..1 + usize::from(vetoed)]);
        }
    }

    /// Rule 5: Answering is not taking.
    fn accept(&mut self) {
        let legs = self.record().legs.clone();
        let taken: Vec<_> = legs.iter().filter(|it| it.accepted_at.is_some()).collect();
        let connected: Vec<_> = legs.iter().filter(|it| it.connected_at.is_some()).collect();
        assert_eq!(taken, connected);
        let moment = |at: Wall| at.unix_micros() - self.record().received_at.unix_micros();
        let mut seen = Vec::new();
        for leg in &legs {
            let to = self.to(&leg.destination).clone();
            let (Some(answered), true) = (leg.answered_at, to.accept.is_some()) else { continue };
            let Some(accepted) = leg.accepted_at else {
                seen.push("answered, not accepted");
                continue;
            };
            let pressed = self.keys.iter().any(|(name, at)| {
                *name == *leg.destination
                    && moment(answered) <= at.micros() as i64
                    && at.micros() as i64 == moment(accepted)
            });
            assert!(pressed, "{} was accepted without its key", leg.destination);
            seen.push("accepted by key");
        }
        self.seen.extend(seen);
    }

    /// Rule 8: The first who takes the call has it, nobody else; of two at the same moment the first in
    /// the list. Whoever waits for no key takes it when its script is over.
    fn first(&mut self) {
        let rung = self.rung();
        let legs = self.record().legs.clone();
        let page = |leg: Leg| &legs[usize::from(leg.0) - 1];
        let mut seen = Vec::new();
        for winner in rung.iter().filter(|it| page(it.leg).accepted_at.is_some()) {
            let taken = page(winner.leg).accepted_at.expect("it was accepted");
            let others = rung.iter().filter(|it| it.entering == winner.entering);
            for other in others.filter(|it| it.leg != winner.leg) {
                let loser = page(other.leg);
                // Rung before that, and lost in any way but by this.
                if loser.ended_at.is_some_and(|it| it < taken) || taken < loser.dialled_at {
                    continue;
                }
                assert_eq!(loser.ended_at, Some(taken), "{} goes on", other.id);
                assert_eq!(loser.connected_at, None);
                let Some(answered) = loser.answered_at else { continue };
                if self.to(&other.id).accept.is_some() {
                    continue;
                }
                let script = self.script(other.leg).unwrap_or_default();
                let done = answered + script.iter().map(length).sum::<Duration>();
                let first = taken < done || (taken == done && winner.leg < other.leg);
                assert!(first, "{} was before {}", other.id, winner.id);
                seen.push("first of two scripts");
                seen.extend((taken == done).then_some("a tie"));
            }
        }
        self.seen.extend(seen);
    }

    /// Rule 6: The caller's hang-up beats everything but the menu of who talked with it: nothing else is
    /// begun after it, everything else ends.
    fn caller_hangs_up(&mut self) {
        if self.scene.call.is_over() || self.record().ended_at.is_some() {
            return;
        }
        let there = self.on_the_line();
        let talking = self.talking();
        if self.record().connected_at.is_none() {
            self.seen.extend(there.iter().any(|it| !it.1).then_some("caller gone while it rang"));
            self.seen.extend(there.iter().any(|it| it.1).then_some("caller gone in a script"));
        } else if talking.is_none() {
            self.seen.push("caller gone in a transfer");
        }
        let waits = self.entered().last().is_some_and(|it| it == "queue sales");
        self.seen.extend((waits && talking.is_none()).then_some("caller gone in a queue"));
        let in_menu = self.is_at("voice_menu main");
        self.seen.extend((in_menu && talking.is_none()).then_some("caller gone in a menu"));
        let asked = talking.filter(|(_, id)| {
            let codes = self.to(id).enhanced_forwarding.as_ref();
            codes.is_some_and(|it| it.score.is_some())
        });
        let before = self.scene.log.len();
        self.scene.hangs_up("caller");
        let after = &self.scene.log[before..];
        let begun = after.iter().find(|(_, it)| match it {
            Effect::Hear(leg, _) => asked.as_ref().is_none_or(|it| it.0 != *leg),
            Effect::Invite(_) | Effect::Answer | Effect::Ring { .. } => true,
            _ => false,
        });
        assert!(begun.is_none(), "{begun:?}");
        let left: Vec<_> = self.on_the_line().into_iter().map(|it| it.0).collect();
        assert_eq!(left, asked.iter().map(|it| it.1.clone()).collect::<Vec<_>>());
        self.seen.extend(asked.is_some().then_some("caller gone, asked for a score"));
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
        let mut behind_a_menu = false;
        for (_, effect) in &self.scene.log {
            match effect {
                Effect::Note(Fact { what: What::RouteEntered { route }, at, .. }) => {
                    entering += 1;
                    behind_a_menu |= route == "voice_menu main";
                    entered = Some((route.clone(), *at));
                }
                Effect::Invite(offer) => {
                    let (route, at) = entered.clone().expect("a way to the leg");
                    let (leg, id) = (offer.leg, offer.to.id.to_string());
                    rung.push(Rung { leg, id, route, entering, at, behind_a_menu });
                }
                _ => (),
            }
        }
        rung
    }

    /// Rule 7: Schedules are read when the thing is entered that has them, never while it rings: a dial,
    /// a queue; a queue's member when it is offered.
    fn schedules(&mut self) {
        let path = self.record().path.clone();
        let open = |to: &ReceivingNumber, at| to.schedule.as_ref().is_none_or(|it| it.is_open(at));
        for Rung { leg, id, route, at, .. } in self.rung() {
            let to = self.to(&id);
            let dialled = self.record().legs[usize::from(leg.0) - 1].dialled_at;
            let at = match route.starts_with("queue") {
                true => {
                    let delay = to.ring_delay.as_micros() as i64;
                    Wall::from_unix_micros(dialled.unix_micros() - delay)
                }
                false => at,
            };
            assert!(open(to, at), "{id} was closed when {route} was entered");
            if !open(to, dialled) {
                self.seen.push("open on entry, closed when rung");
            }
        }
        let hours = self.town.more.queues[0].schedule.clone();
        let is_open = |at| hours.as_ref().is_none_or(|it| it.is_open(at));
        for (n, step) in path.iter().enumerate().filter(|(_, it)| it.what == "queue sales") {
            let closed = path.get(n + 1).is_some_and(|it| it.what == "queue sales is closed");
            assert_eq!(closed, !is_open(step.at), "{path:?}");
            self.seen.extend(closed.then_some("queue closed on entry"));
        }
        for step in path {
            if step.what == "queue sales is closed" {
                continue;
            }
            if let Some(id) = step.what.strip_suffix(" is closed") {
                assert!(!open(self.to(id), step.at), "{id} was open");
                self.seen.push("closed on entry");
            }
        }
    }

    /// The agent is that of the destination that took the call, or the agent who was rung.
    fn credit(&mut self) {
        let record = self.record();
        let Some((leg, id)) = self.connections().pop() else {
            assert_eq!(record.agent, None);
            return;
        };
        let own = self.to(&id).agent.clone();
        let offered = record.path.iter().any(|it| it.what == "agent ann took the call");
        let by_agent = self.rung().iter().any(|it| {
            it.leg == leg && (it.route == "agent ann" || (it.route == "queue sales" && offered))
        });
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
    town.more.queues.push(queue(dice));
    let keys = [("1", route(dice)), ("2", route(dice))].map(|(it, route)| (keys(it), route));
    town.more.voice_menus.push(VoiceMenu {
        keys: keys.into_iter().collect(),
        otherwise: route(dice),
        repeats: 0,
        ..VoiceMenu::new("main", prompt("menu"))
    });
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

fn queue(dice: &mut Dice) -> Queue {
    let who = |it: &str| match it {
        "ann" => Who::Agent("ann".into()),
        it => Who::Number(it.into()),
    };
    let ids: &[&str] =
        [&["one", "four"][..], &["ann", "one"], &["two", "three", "four"]][dice.roll(3) as usize];
    let members = ids.iter().map(|it| Member { who: who(it), weight: 1 }).collect();
    Queue {
        members,
        distribution: match dice.roll(3) {
            0 => Distribution::RoundRobin,
            1 => Distribution::LongestIdle,
            _ => Distribution::Simultaneous,
        },
        max_wait: seconds(5 + dice.roll(60)),
        schedule: schedule(dice),
        outside_hours: route(dice),
        no_answer: route(dice),
        ..Queue::new("sales")
    }
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
    to.may_transfer = Some(dice.roll(3) != 0);
    match dice.roll(5) {
        0 => to = to.scoring("123"),
        1 => to = to.with_codes(),
        _ => (),
    }
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
    match dice.roll(19) {
        14 | 15 => Route::Queue("sales".into()),
        16 | 17 => Route::VoiceMenu("main".into()),
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
