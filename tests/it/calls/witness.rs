//! What must hold in every call, whatever happens: watched over its effects, one by one.

use std::collections::BTreeMap;

use crosspoint::audio::{Source, StreamId};
use crosspoint::call::{Effect, Event, Leg, Referred, TapeEvent};
use crosspoint::model::event::What;
use crosspoint::model::record::RecordState;
use crosspoint::stream::Order;

#[derive(Default)]
pub struct Witness {
    legs: BTreeMap<Leg, Seen>,
    seq: u32,
    answered: bool,
    refused: bool,
    caller_released: bool,
    caller_hung_up: bool,
    connected: Option<Leg>,
    /// How often somebody was.
    connections: usize,
    /// Destinations that took the caller's place.
    swapped: Vec<Leg>,
    call_ended: bool,
    /// Somebody was still there when the call had ended.
    scoring: bool,
    /// The caller's other side goes on in another call.
    lent: bool,
    /// By their numbers.
    tapes: BTreeMap<u8, Tape>,
    journals: usize,
    /// The program that is talked with.
    stream: Option<StreamId>,
    over: bool,
}

#[derive(Default)]
struct Seen {
    ended: bool,
    vetoed: bool,
    /// It is asked for a score when the caller has gone.
    scores: bool,
    early_media: bool,
    accepted: bool,
    /// `leg.ended` was noted.
    told: bool,
}

#[derive(PartialEq)]
enum Tape {
    Running,
    /// A message, which runs.
    Message,
    Ended,
    Dropped,
    /// A message that the disk cut short: what there is of it may be worth keeping.
    Lost,
}

impl Tape {
    fn closes(&mut self) {
        match self {
            Self::Running => *self = Self::Ended,
            Self::Message => *self = Self::Lost,
            Self::Ended | Self::Dropped | Self::Lost => (),
        }
    }
}

impl Witness {
    /// What the world does, told before the call hears of it.
    pub fn event(&mut self, event: &Event) {
        if self.over {
            return;
        }
        match event {
            Event::HungUp { leg: Leg::CALLER, .. } => {
                self.caller_hung_up |= !self.refused && !self.caller_released;
            }
            Event::Ringing { leg, early_media } => {
                if let Some(seen) = self.legs.get_mut(leg) {
                    seen.early_media |= early_media;
                }
            }
            // Media has closed the tape; the call need not ask for it. When the disk fails it must.
            Event::Tape { tape, told: TapeEvent::Closed { .. } } => {
                self.tapes.entry(*tape).and_modify(Tape::closes);
            }
            _ => (),
        }
    }

    pub fn effects(&mut self, effects: &[Effect], event: Option<&Event>) {
        for effect in effects {
            assert!(!self.over, "after the end: {effect:?}");
            self.effect(effect, event);
        }
        let caller_gone = self.caller_hung_up || self.caller_released;
        let scores = |leg: &Leg, it: &Seen| self.connected == Some(*leg) && it.scores;
        let mut left = self.legs.iter().filter(|(_, it)| !it.ended);
        let alone = caller_gone && !self.lent && left.any(|(leg, it)| !scores(leg, it));
        assert!(!alone, "a leg goes on after the caller hung up");
    }

    fn effect(&mut self, effect: &Effect, event: Option<&Event>) {
        match effect {
            Effect::Ring { .. } => {
                self.caller_listens();
                assert!(!self.answered, "rings an answered caller");
            }
            Effect::Answer => {
                self.caller_listens();
                assert!(!self.answered, "answered twice");
                self.answered = true;
            }
            Effect::Refuse { cause, .. } => {
                self.caller_listens();
                assert!((300..700).contains(&cause.sip), "refused with {}", cause.sip);
                assert!(!self.answered, "refused after the answer");
                self.refused = true;
            }
            Effect::Release { leg: Leg::CALLER, .. } => {
                self.caller_listens();
                assert!(self.answered, "released a caller who was never answered");
                self.caller_released = true;
                self.lent = matches!(event, Some(Event::Joined { .. }));
            }
            Effect::Release { leg, .. } => self.release(*leg, event),
            Effect::Invite(offer) | Effect::TakeIn(offer) => {
                self.caller_listens();
                if matches!(effect, Effect::TakeIn(_)) {
                    // Who talked does not any more.
                    self.connected = None;
                }
                assert!(self.connected.is_none(), "rings on while connected");
                let scores =
                    offer.to.enhanced_forwarding.as_ref().is_some_and(|it| it.score.is_some());
                let vetoed = offer.to.prevent_recording;
                let seen = Seen { vetoed, scores, ..Seen::default() };
                assert!(self.legs.insert(offer.leg, seen).is_none(), "a leg's name is used twice");
            }
            Effect::Hear(leg, source) => self.hear(*leg, source),
            Effect::Listen(leg) | Effect::SwallowKeys { leg, .. } => self.is_there(*leg),
            Effect::Tape { tape, left, right, .. } => {
                assert_eq!(*left, Leg::CALLER);
                match right {
                    Some(right) => {
                        let connected = self.connected == Some(*right);
                        assert!(connected, "only who is connected is recorded");
                        assert!(!self.legs[right].vetoed, "recorded against its veto");
                    }
                    None => {
                        let alone = self.legs.values().all(|it| it.ended);
                        assert!(alone && self.answered, "a message while somebody is there");
                    }
                }
                assert!(!self.is_taping(), "two tapes at once");
                let begun = if right.is_some() { Tape::Running } else { Tape::Message };
                let fresh = self.tapes.insert(*tape, begun).is_none();
                assert!(fresh, "a tape's name is used twice");
            }
            Effect::TapeMute { tape, .. } => {
                assert!(self.tapes.get(tape) == Some(&Tape::Running), "no tape to mute");
            }
            Effect::TapeEnd { tape, keep } => {
                let failed = matches!(event, Some(Event::Tape { told: TapeEvent::Failed, .. }));
                let after = match (keep, self.tapes.get(tape)) {
                    (true, Some(Tape::Message)) if failed => Tape::Lost,
                    (true, _) => Tape::Ended,
                    (false, _) => Tape::Dropped,
                };
                let before = self.tapes.insert(*tape, after);
                let ran = matches!(before, Some(Tape::Running | Tape::Message));
                assert!(ran, "no tape to end");
            }
            Effect::Referred { leg, told } => {
                self.is_there(*leg);
                match told {
                    Referred::Refused { .. } | Referred::Ringing => (),
                    Referred::Trying | Referred::Done | Referred::Failed { .. } => {
                        self.connected = None;
                    }
                }
            }
            Effect::Swap { caller, other } => {
                self.is_there(*caller);
                self.legs.remove(caller);
                self.swapped.push(*caller);
                self.legs.insert(*other, Seen { accepted: true, ..Seen::default() });
            }
            // Its facts were told just before.
            Effect::Join { leg, .. } => assert!(self.legs[leg].accepted && !self.legs[leg].ended),
            Effect::Spend { .. }
            | Effect::Spare
            | Effect::Beep(_)
            | Effect::GiveUp { .. }
            | Effect::TurnAway { .. } => (),
            Effect::Note(fact) => {
                self.seq += 1;
                assert_eq!(fact.seq, self.seq, "facts are counted without a gap");
                let asked = matches!(fact.what, What::Scored { .. } | What::LegEnded { .. });
                let scoring = asked && self.scoring;
                assert!(!self.call_ended || scoring, "after call.ended: {fact:?}");
                self.fact(&fact.what);
            }
            Effect::Desk(_) => (),
            Effect::Journal(_) => self.journals += 1,
            Effect::Stream { stream, order } => self.stream(*stream, order),
            Effect::End => self.end(),
        }
    }

    /// A program is reached, talked with, and taken leave of; one at a time.
    fn stream(&mut self, stream: StreamId, order: &Order) {
        match order {
            Order::Open(_) => {
                assert!(self.stream.is_none_or(|it| it == stream), "two programs at once");
                self.stream = Some(stream);
            }
            Order::Begin => {
                assert!(self.answered, "a program talks with a caller who is not answered");
                assert_eq!(self.stream, Some(stream));
            }
            Order::Key(_) => assert_eq!(self.stream, Some(stream)),
            Order::Close => assert_eq!(self.stream.take(), Some(stream), "closed twice"),
        }
    }

    fn release(&mut self, leg: Leg, event: Option<&Event>) {
        let seen = self.legs.get_mut(&leg).expect("released a leg that was never rung");
        if seen.ended {
            let late = matches!(event, Some(Event::Answered { leg: it }) if *it == leg);
            assert!(late, "leg {leg:?} released twice");
        }
        seen.ended = true;
    }

    fn hear(&mut self, leg: Leg, source: &Source<Leg>) {
        self.is_there(leg);
        let Source::Leg(other) = source else { return };
        self.is_there(*other);
        if leg == Leg::CALLER {
            let seen = &self.legs[other];
            let fit = seen.accepted || seen.early_media;
            assert!(fit, "the caller hears {other:?} before it took the call");
        } else {
            assert_eq!(*other, Leg::CALLER, "destinations hear each other");
            let fit = self.legs[&leg].accepted && self.answered;
            assert!(fit, "{leg:?} hears the caller before it took the call");
        }
    }

    fn fact(&mut self, what: &What) {
        match what {
            What::LegAccepted { leg } => {
                self.legs.entry(Leg(*leg)).or_default().accepted = true;
            }
            What::Connected { leg } => {
                assert!(self.connected.is_none(), "a second destination is connected");
                self.connected = Some(Leg(*leg));
                self.connections += 1;
                let others = self.legs.iter().filter(|(it, _)| it.0 != *leg);
                let left: Vec<_> = others.filter(|(_, seen)| !seen.ended).collect();
                assert!(left.is_empty(), "the losers go on: {:?}", left[0].0);
            }
            What::LegEnded { leg, .. } if self.swapped.contains(&Leg(*leg)) => (),
            What::LegEnded { leg, .. } => {
                let seen = self.legs.get_mut(&Leg(*leg)).unwrap();
                assert!(!seen.told, "leg.ended twice");
                seen.told = true;
                seen.ended = true;
            }
            What::Ended { .. } => {
                self.call_ended = true;
                self.scoring = self.legs.values().any(|it| !it.ended);
            }
            _ => (),
        }
    }

    fn end(&mut self) {
        self.over = true;
        for (leg, seen) in &self.legs {
            assert!(seen.ended && seen.told, "{leg:?} outlives its call");
        }
        let ways = [self.refused, self.caller_released, self.caller_hung_up];
        assert_eq!(ways.iter().filter(|it| **it).count(), 1, "the caller's end: {ways:?}");
        assert!(!self.is_taping(), "a tape outlives its call");
        assert_eq!(self.stream, None, "a program outlives its call");
        let blocked = self.seq == 0;
        assert_eq!(self.call_ended, !blocked);
        // When it came, whenever somebody was connected, when it parted, and when it was over.
        let parted = usize::from(self.scoring);
        let kept = if blocked { 0 } else { 2 + self.connections + parted };
        assert_eq!(self.journals, kept);
    }

    /// After the last event: the record agrees with what was seen.
    pub fn check(&self, call: &crosspoint::call::Call) {
        assert!(self.over && call.is_over(), "the call never ended");
        assert_eq!(call.deadline(), None, "a timer outlives its call");
        let record = call.record();
        if self.seq == 0 {
            return;
        }
        assert_eq!(record.state, RecordState::Ended);
        assert_eq!(record.legs.len(), self.legs.len() + self.swapped.len());
        assert!(record.legs.iter().all(|it| it.ended_at.is_some() && it.cause.is_some()));
        assert_eq!(record.connected_at.is_some(), 0 < self.connections);
        assert_eq!(record.answered_at.is_some(), self.answered);
        let files = record.recordings.iter().filter(|it| it.file.is_some());
        let count = |which| self.tapes.values().filter(|it| **it == which).count();
        let (kept, lost) = (count(Tape::Ended), count(Tape::Lost));
        let files = files.count();
        assert!(kept <= files && files <= kept + lost, "{files} files, {kept} kept, {lost} lost");
        assert!(record.ended_at.is_some() && record.cause.is_some());
    }

    fn is_taping(&self) -> bool {
        self.tapes.values().any(|it| matches!(it, Tape::Running | Tape::Message))
    }

    fn caller_listens(&self) {
        let gone = self.refused || self.caller_released || self.caller_hung_up;
        assert!(!gone, "the caller is gone");
    }

    fn is_there(&self, leg: Leg) {
        if leg == Leg::CALLER {
            self.caller_listens();
        } else {
            assert!(self.legs.get(&leg).is_some_and(|it| !it.ended), "{leg:?} is gone");
        }
    }
}
