//! One call on a virtual clock, told in the world's words: who rings, answers, hears, hangs up.
//!
//! Media is played out here as the real one keeps time: a script's lines begin one after the
//! other, a digit takes 200 ms, a message [`CLIP`], and a key takes the call.

use std::sync::Arc;
use std::time::Duration;

use crosspoint::audio::{Accept, Digit, Line, Script, Source};
use crosspoint::call::{Call, Effect, Event, Facts, Leg, TapeEvent};
use crosspoint::clock::{Instant, Now, Wall};
use crosspoint::desk::{self, Desk, Limits};
use crosspoint::model::Caller;
use crosspoint::model::event::What;
use crosspoint::model::record::{Cause, Quality};

use super::town::{CALLER, TRACKING, Town};
use super::witness::Witness;

/// How long every message is.
pub const CLIP: Duration = Duration::from_secs(2);

pub struct Scene {
    pub call: Call,
    pub now: Now,
    pub desk: Desk,
    witness: Witness,
    legs: Vec<Party>,
    /// Everything the call asked for, with the time since the caller's INVITE.
    pub log: Vec<(Duration, Effect)>,
}

/// One side of the call as its owner knows it.
struct Party {
    leg: Leg,
    name: String,
    hears: Source<Leg>,
    script: Option<Playing>,
}

/// A script that a leg hears, and when its lines begin.
struct Playing {
    script: Script,
    line: usize,
    at: Instant,
}

impl Scene {
    pub fn begin(town: &Town) -> Self {
        Self::called(town, Caller::new(CALLER), TRACKING)
    }

    pub fn called(town: &Town, caller: Caller, dialled: &str) -> Self {
        let facts = Facts {
            call: "c1".into(),
            dialled: dialled.into(),
            caller,
            from: "carrier".into(),
            ..Facts::default()
        };
        Self::with(town, facts)
    }

    pub fn with(town: &Town, facts: Facts) -> Self {
        Self::beside(town, facts, &[])
    }

    /// While other calls ring these destinations, or talk with them: so many each.
    pub fn beside(town: &Town, facts: Facts, busy: &[(&str, u8)]) -> Self {
        let now = Now { at: Instant::START, wall: Wall::from_unix_micros(1_700_000_000_000_000) };
        let mut out = Vec::new();
        let directory = town.directory();
        let mut desk = Desk::new(&directory, Limits::default(), now);
        let others = busy.iter().flat_map(|(id, calls)| (0..*calls).map(|_| Arc::from(*id)));
        for (leg, destination) in (1..).zip(others) {
            let what = What::LegDialing { leg, destination };
            desk.hears(desk::Caller(u64::MAX), &what, now, &mut Vec::new());
        }
        let call = Call::new(facts, directory, &desk, now, &mut out);
        let caller = Party {
            leg: Leg::CALLER,
            name: "caller".to_owned(),
            hears: Source::Silence,
            script: None,
        };
        let witness = Witness::default();
        let mut scene = Self { call, now, desk, witness, legs: vec![caller], log: Vec::new() };
        scene.take(out, None);
        scene
    }

    // The world acts.

    pub fn tell(&mut self, event: Event) -> &mut Self {
        let mut out = Vec::new();
        self.witness.event(&event);
        self.call.on(event.clone(), &self.desk, self.now, &mut out);
        self.take(out, Some(&event));
        self
    }

    pub fn rings(&mut self, name: &str) -> &mut Self {
        let leg = self.leg(name);
        self.tell(Event::Ringing { leg, early_media: false })
    }

    pub fn answers(&mut self, name: &str) -> &mut Self {
        let leg = self.leg(name);
        self.tell(Event::Answered { leg })
    }

    pub fn refuses(&mut self, name: &str, sip: u16) -> &mut Self {
        let leg = self.leg(name);
        let cause = Cause { sip, reason: "refused".to_owned(), ..Cause::default() };
        self.tell(Event::Refused { leg, cause })
    }

    /// The destination could not be reached from here.
    pub fn cannot_be_reached(&mut self, name: &str) -> &mut Self {
        let leg = self.leg(name);
        let reason = "unreachable".to_owned();
        self.tell(Event::Refused {
            leg,
            cause: Cause { sip: 503, q850: None, reason, local: true },
        })
    }

    pub fn hangs_up(&mut self, name: &str) -> &mut Self {
        let leg = self.leg(name);
        self.party(leg).script = None;
        self.tell(Event::HungUp { leg, cause: Cause::default() })
    }

    /// A key pressed: it may answer an accept prompt, or be a code.
    pub fn presses(&mut self, name: &str, text: &str) -> &mut Self {
        for digit in super::town::keys(text) {
            self.press(name, digit);
        }
        self
    }

    fn press(&mut self, name: &str, digit: Digit) {
        let leg = self.leg(name);
        let Some(accept) = self.party(leg).accept() else {
            self.tell(Event::Key { leg, digit });
            return;
        };
        if digit == accept.key {
            self.party(leg).script = None;
            self.tell(Event::ScriptDone { leg });
        } else if Some(digit) == accept.reject {
            self.party(leg).script = None;
            self.tell(Event::Declined { leg });
        }
    }

    /// The caller speaks for so long, while a script waits for its silence.
    pub fn speaks(&mut self, time: Duration) -> &mut Self {
        self.tell(Event::Voice { leg: Leg::CALLER });
        let until = self.now.at + time;
        let playing = self.party(Leg::CALLER).script.as_mut().expect("nobody listens");
        let line = playing.line.checked_sub(1).and_then(|it| playing.script.lines.get(it));
        let Some(Line::AwaitSilence(silence)) = line else { panic!("nobody listens: {line:?}") };
        playing.at = until + *silence;
        self.wait(time)
    }

    /// Time passes; timers and scripts run to the moment.
    pub fn wait(&mut self, time: Duration) -> &mut Self {
        let until = self.now.at + time;
        loop {
            let script = self.legs.iter().filter_map(|it| Some(it.script.as_ref()?.at)).min();
            let desk = self.desk.deadline();
            let next = [script, self.call.deadline(), desk].into_iter().flatten().min();
            let Some(next) = next.filter(|it| *it <= until) else { break };
            self.now = self.now.after(next.since(self.now.at));
            if script == Some(next) {
                self.play(next);
            } else if desk == Some(next) {
                let mut words = Vec::new();
                self.desk.on_time(self.now, &mut words);
                self.pass_on(words);
            } else {
                self.tell(Event::Time);
                let later = self.call.deadline().is_none_or(|it| self.now.at < it);
                assert!(later, "a deadline that has come stays");
            }
        }
        self.now = self.now.after(until.since(self.now.at));
        self
    }

    /// Closing reports arrive, and the call is over.
    pub fn ends(&mut self) -> &mut Self {
        self.tape(TapeEvent::Closed { ms: 0 });
        for index in 0..self.legs.len() {
            let leg = self.legs[index].leg;
            self.tell(Event::Quality { leg, quality: Box::new(Quality::default()) });
        }
        self.wait(Duration::from_secs(1));
        self.witness.check(&self.call);
        self
    }

    pub fn tape(&mut self, event: TapeEvent) -> &mut Self {
        let tape = u8::try_from(self.call.record().recordings.len()).unwrap();
        self.tell(Event::Tape { tape, told: event })
    }

    /// Media falls silent: no script ever ends.
    pub fn forget_scripts(&mut self) {
        for party in &mut self.legs {
            party.script = None;
        }
    }

    // What can be seen of it.

    /// How many destinations were rung.
    pub fn legs_so_far(&self) -> u8 {
        self.legs.len() as u8 - 1
    }

    pub fn leg(&self, name: &str) -> Leg {
        let found = self.legs.iter().rev().find(|it| it.name == name);
        found.unwrap_or_else(|| panic!("{name} was never rung")).leg
    }

    /// What this party hears, in a word.
    pub fn hears(&self, name: &str) -> String {
        let leg = self.leg(name);
        let party = self.legs.iter().find(|it| it.leg == leg).unwrap();
        match &party.hears {
            Source::Silence => "silence".to_owned(),
            Source::Ringback(_) => "ringing".to_owned(),
            Source::Music(_) => "music".to_owned(),
            Source::Stream(stream) => format!("program {}", stream.0),
            Source::Leg(leg) => self.name(*leg),
            Source::Script(_) => "script".to_owned(),
        }
    }

    /// Whether this leg talks with the caller.
    pub fn talks(&self, leg: Leg) -> bool {
        let party = self.legs.iter().find(|it| it.leg == leg);
        party.is_some_and(|it| it.hears == Source::Leg(Leg::CALLER))
    }

    /// Everybody who was rung, and when, in milliseconds.
    pub fn rung(&self) -> Vec<(String, u128)> {
        let rung = self.log.iter().filter_map(|(at, effect)| match effect {
            Effect::Invite(offer) => Some((offer.to.id.to_string(), at.as_millis())),
            _ => None,
        });
        rung.collect()
    }

    /// Why this destination was let go, and when, in milliseconds; `None` if it was not.
    pub fn let_go(&self, name: &str) -> Option<(String, u128)> {
        let leg = self.leg(name);
        self.log.iter().find_map(|(at, effect)| match effect {
            Effect::Release { leg: it, cause } if *it == leg => {
                Some((cause.reason.clone(), at.as_millis()))
            }
            _ => None,
        })
    }

    /// What the caller was told at the end: `refused 486 busy`, `released normal`.
    pub fn caller_was(&self) -> String {
        let told = self.log.iter().find_map(|(_, effect)| match effect {
            Effect::Refuse { cause, .. } => Some(format!("refused {} {}", cause.sip, cause.reason)),
            Effect::Release { leg: Leg::CALLER, cause } => {
                Some(format!("released {}", cause.reason))
            }
            _ => None,
        });
        told.unwrap_or_else(|| "told nothing".to_owned())
    }

    /// Who talks with the caller, or did.
    pub fn connected(&self) -> Option<String> {
        let legs = &self.call.record().legs;
        let leg = legs.iter().find(|it| it.connected_at.is_some())?;
        Some(leg.destination.to_string())
    }

    pub fn asked(&self, which: impl Fn(&Effect) -> bool) -> Option<Duration> {
        self.log.iter().find(|(_, effect)| which(effect)).map(|(at, _)| *at)
    }

    pub fn count(&self, which: impl Fn(&Effect) -> bool) -> usize {
        self.log.iter().filter(|(_, effect)| which(effect)).count()
    }

    /// The facts, by name, in order.
    pub fn facts(&self) -> Vec<String> {
        let facts = self.log.iter().filter_map(|(_, effect)| match effect {
            Effect::Note(fact) => {
                let value = serde_json::to_value(&fact.what).unwrap();
                Some(value["type"].as_str().unwrap().to_owned())
            }
            _ => None,
        });
        facts.collect()
    }

    pub fn path(&self) -> Vec<&str> {
        self.call.record().path.iter().map(|it| it.what.as_str()).collect()
    }

    // The inside.

    fn take(&mut self, out: Vec<Effect>, event: Option<&Event>) {
        self.witness.effects(&out, event);
        let at = self.now.at.since(Instant::START);
        let mut words = Vec::new();
        for effect in out {
            match &effect {
                Effect::Desk(ask) => {
                    self.desk.on(desk::Caller::default(), ask.clone(), self.now, &mut words);
                }
                Effect::Note(fact) => {
                    self.desk.hears(desk::Caller::default(), &fact.what, self.now, &mut words);
                }
                Effect::Invite(offer) | Effect::TakeIn(offer) => self.legs.push(Party {
                    leg: offer.leg,
                    name: offer.to.id.to_string(),
                    hears: Source::Silence,
                    script: None,
                }),
                Effect::Join { leg, .. } => self.legs.push(Party {
                    leg: *leg,
                    name: "joined".to_owned(),
                    hears: Source::Silence,
                    script: None,
                }),
                Effect::Swap { caller, other } => {
                    self.legs.retain(|it| it.leg != *caller);
                    let party = self.party(Leg::CALLER);
                    party.leg = *other;
                    let caller = Party {
                        leg: Leg::CALLER,
                        name: "caller".to_owned(),
                        hears: Source::Silence,
                        script: None,
                    };
                    self.legs.push(caller);
                }
                Effect::Hear(leg, source) => {
                    let now = self.now.at;
                    let party = self.party(*leg);
                    party.hears = source.clone();
                    party.script = match source {
                        Source::Script(script) => {
                            Some(Playing { script: script.clone(), line: 0, at: now })
                        }
                        _ => None,
                    };
                }
                Effect::Release { leg, .. } => self.party(*leg).script = None,
                _ => (),
            }
            self.log.push((at, effect));
        }
        self.pass_on(words);
    }

    /// What the desk says.
    fn pass_on(&mut self, words: desk::Words) {
        for (_, told) in words {
            self.tell(Event::Desk(told));
        }
    }

    /// The lines that begin now, and scripts that end now.
    fn play(&mut self, now: Instant) {
        for index in 0..self.legs.len() {
            let party = &mut self.legs[index];
            let leg = party.leg;
            let Some(playing) = party.script.as_mut().filter(|it| it.at == now) else { continue };
            let before = playing.line.checked_sub(1).and_then(|it| playing.script.lines.get(it));
            if let Some(Line::Accept(_)) = before {
                party.script = None;
                self.tell(Event::Declined { leg });
                continue;
            }
            let Some(line) = playing.script.lines.get(playing.line) else {
                party.script = None;
                self.tell(Event::ScriptDone { leg });
                continue;
            };
            playing.at = now + length(line);
            let line = playing.line as u16;
            playing.line += 1;
            self.tell(Event::Line { leg, line });
        }
    }

    fn party(&mut self, leg: Leg) -> &mut Party {
        self.legs.iter_mut().find(|it| it.leg == leg).expect("a leg that was rung")
    }

    fn name(&self, leg: Leg) -> String {
        self.legs.iter().find(|it| it.leg == leg).unwrap().name.clone()
    }
}

impl Party {
    /// The accept line that is being asked now.
    fn accept(&self) -> Option<Accept> {
        let playing = self.script.as_ref()?;
        match playing.script.lines.get(playing.line.checked_sub(1)?)? {
            Line::Accept(accept) => Some(accept.clone()),
            _ => None,
        }
    }
}

/// How long a line of a script takes.
pub fn length(line: &Line) -> Duration {
    match line {
        Line::Press(_) => Script::TONE + Script::GAP,
        Line::Wait(time)
        | Line::AwaitVoice(time)
        | Line::AwaitSilence(time)
        | Line::Tone(_, time) => *time,
        Line::AwaitPerson(_) => Duration::ZERO,
        Line::Say(_) => CLIP,
        Line::Accept(accept) => {
            let said = if accept.prompt.is_some() { CLIP } else { Duration::ZERO };
            (said + accept.timeout) * (u32::from(accept.repeats) + 1)
        }
    }
}
