//! What a call asks for, carried down to the rooms that do it.

use std::sync::Arc;

use super::ids::{BranchKey, CallKey};
use super::{Out, Switch, translate};
use crate::audio::{Source, StreamId};
use crate::call::{self, Effect};
use crate::clock::Now;
use crate::media::{Order, SessionId, TapeId};
use crate::model::event::{Fact, What};
use crate::model::record::Cause;
use crate::sdp::{CodecList, PayloadFormat};

/// Everything that the caller of this offer can be answered with.
pub(super) fn all_of(offer: &[u8]) -> CodecList {
    let read = crate::sdp::parse(offer).ok();
    read.map_or_else(CodecList::g711, |it| CodecList::from_offer(&it))
}

/// The caller's only branch.
const fn caller(call: CallKey) -> BranchKey {
    BranchKey { call, leg: 0, branch: 0 }
}

/// A call's tapes are counted where a leg's branches would be.
fn tape_of(call: CallKey, tape: u8) -> TapeId {
    TapeId(BranchKey { call, leg: 0, branch: tape }.pack())
}

/// A call's programs are counted where the caller's branches would be.
fn stream_of(call: CallKey, stream: StreamId) -> StreamId {
    StreamId(BranchKey { call, leg: 0, branch: stream.0 as u8 }.pack())
}

impl Switch {
    pub(super) fn perform(&mut self, call: CallKey, effect: Effect, now: Now, out: &mut Vec<Out>) {
        match effect {
            Effect::Ring { early_media } => {
                let codecs = early_media.then(|| self.answer_codecs(call));
                self.turn(caller(call), now, out, |leg, turn| leg.ring(codecs, turn));
            }
            Effect::Answer => {
                let codecs = self.answer_codecs(call);
                let wanted = Arc::clone(&codecs);
                self.turn(caller(call), now, out, |leg, turn| leg.answer(codecs, turn));
                self.agree_anew(caller(call), &wanted, now, out);
            }
            Effect::Refuse { cause, retry_after } => {
                let cause = translate::to_dialog(&cause);
                self.turn(caller(call), now, out, |leg, turn| {
                    leg.refuse(&cause, retry_after, turn);
                });
                self.close_media(call, 0, out);
            }
            Effect::Invite(offer) => self.invite(call, offer, now, out),
            Effect::Release { leg, cause } => {
                let leg = self.number_of(call, leg);
                self.release(call, leg, &cause, now, out);
            }
            Effect::Referred { leg, told } => self.told_of_transfer(call, leg, told, now, out),
            Effect::Swap { caller, other } => self.swap(call, caller, other),
            Effect::Join { leg, handle } => self.join(call, leg, handle),
            Effect::GiveUp { handle } => self.give_up(handle),
            Effect::TakeIn(offer) => self.take_in(call, offer, now, out),
            Effect::TurnAway { cause } => self.turn_away(&cause),
            Effect::Spend { account } => self.spend(call, account, now),
            Effect::Spare => self.spent(call, now),
            Effect::Hear(leg, source) => self.hear(call, leg, source, out),
            Effect::Beep(leg) => {
                if let Some(session) = self.session_of(call, leg) {
                    out.push(Out::Media(Order::Beep { session }));
                }
            }
            Effect::Listen(leg) => {
                if let Some(session) = self.session_of(call, leg) {
                    out.push(Out::Media(Order::Listen { session }));
                }
            }
            Effect::SwallowKeys { leg, on } => {
                if let Some(session) = self.session_of(call, leg) {
                    out.push(Out::Media(Order::SwallowKeys { session, on }));
                }
            }
            Effect::Tape { tape, left, right, file } => {
                let left = self.session_of(call, left);
                let other = right.and_then(|it| self.session_of(call, it));
                if let Some(left) = left.filter(|_| other.is_some() == right.is_some()) {
                    let (tape, right) = (tape_of(call, tape), other);
                    out.push(Out::Media(Order::Tape { tape, left, right, file }));
                }
            }
            Effect::TapeMute { tape, mute } => {
                let tape = tape_of(call, tape);
                out.push(Out::Media(Order::TapeMute { tape, mute }));
            }
            Effect::TapeEnd { tape, keep } => {
                out.push(Out::Media(Order::TapeEnd { tape: tape_of(call, tape), keep }));
            }
            Effect::Desk(ask) => self.ask_desk(call, ask, now),
            Effect::Stream { stream, order } => {
                out.push(Out::Stream { stream: stream_of(call, stream), order });
            }
            Effect::Note(fact) => self.note(call, fact, now, out),
            Effect::Journal(record) => out.push(Out::Journal(record)),
            Effect::End => self.end(call, now, out),
        }
    }

    /// What the caller is answered with: what a destination agreed on first, so that voice needs
    /// no coding; else whatever we can.
    fn answer_codecs(&mut self, call: CallKey) -> Arc<CodecList> {
        let agreed = self.agreed_in(call, 0);
        let offered = self.calls.get_mut(call).and_then(|entry| {
            let waits = entry.leg(0)?.branches.first()?.dialog.offer().is_some();
            waits.then(|| (*entry.offered).clone())
        });
        let all = offered.unwrap_or_else(CodecList::g711);
        Arc::new(match agreed {
            Some(codec) => all.prefer(&codec),
            None => all.g711_first(),
        })
    }

    /// What was agreed on with who is in the call beside that leg, the latest destination first.
    pub(super) fn agreed_in(&mut self, call: CallKey, beside: u8) -> Option<PayloadFormat> {
        let entry = self.calls.get_mut(call)?;
        let legs = entry.legs.iter().rev().filter(|it| it.number != beside && !it.done);
        let branches = legs.flat_map(|it| &it.branches).filter(|it| !it.over);
        branches.filter_map(|it| it.agreed.as_ref()).map(|it| it.codec.clone()).next()
    }

    pub(super) fn hear(
        &mut self,
        call: CallKey,
        leg: call::Leg,
        source: Source<call::Leg>,
        out: &mut Vec<Out>,
    ) {
        let Some(session) = self.session_of(call, leg) else { return };
        let settling = self.calls.get_mut(call).filter(|_| leg == call::Leg::CALLER);
        if let Some(waits) = settling.and_then(|it| it.settling.as_mut()) {
            *waits = Some(source);
            return;
        }
        let source = match source {
            Source::Leg(other) => match self.session_of(call, other) {
                Some(other) => Source::Leg(other),
                None => Source::Silence,
            },
            Source::Stream(stream) => Source::Stream(stream_of(call, stream)),
            other => other.map(|_| session),
        };
        out.push(Out::Media(Order::Hear { session, source }));
    }

    /// The media session that speaks for a leg, by the call's name for it.
    fn session_of(&mut self, call: CallKey, leg: call::Leg) -> Option<SessionId> {
        let number = self.number_of(call, leg);
        let (call, leg) = self.really(call, number);
        let (branch, _) = self.calls.get_mut(call)?.speaker(leg)?;
        Some(SessionId(BranchKey { call, leg, branch }.pack()))
    }

    fn release(&mut self, call: CallKey, leg: u8, cause: &Cause, now: Now, out: &mut Vec<Out>) {
        self.lent_is_gone(call, leg, cause);
        if self.give_back(call, leg, cause) {
            return;
        }
        let Some(found) = self.calls.get_mut(call).and_then(|it| it.leg(leg)) else { return };
        found.done = true;
        found.rest.clear();
        let branches = found.branches.len() as u8;
        let cause = translate::to_dialog(cause);
        for branch in 0..branches {
            let key = BranchKey { call, leg, branch };
            self.forget_waiting(key);
            self.turn(key, now, out, |leg, turn| leg.release(&cause, turn));
        }
        self.close_media(call, leg, out);
        self.uncount(call, leg);
    }

    /// Ends the media of every branch of a leg, once.
    pub(super) fn close_media(&mut self, call: CallKey, leg: u8, out: &mut Vec<Out>) {
        let Some(found) = self.calls.get_mut(call).and_then(|it| it.leg(leg)) else { return };
        for (n, branch) in found.branches.iter_mut().enumerate() {
            if branch.media.take().is_some() {
                let key = BranchKey { call, leg, branch: n as u8 };
                out.push(Out::Media(Order::Close { session: SessionId(key.pack()) }));
            }
        }
    }

    /// The call is over: what it counted for is free again.
    fn end(&mut self, call: CallKey, now: Now, out: &mut Vec<Out>) {
        self.over_at_desk(call, now);
        let Some(entry) = self.calls.get_mut(call) else { return };
        entry.ended = true;
        let trunk = entry.trunk.take();
        let legs: Vec<u8> = entry.legs.iter().map(|it| it.number).collect();
        self.spent(call, now);
        if let Some(trunk) = trunk {
            self.peers.call_ended(trunk);
        }
        for leg in legs {
            self.close_media(call, leg, out);
            self.uncount(call, leg);
        }
        self.touched.push(call);
    }

    /// A leg no longer counts for its trunk.
    pub(super) fn uncount(&mut self, call: CallKey, leg: u8) {
        let found = self.calls.get_mut(call).and_then(|it| it.leg(leg));
        if let Some(trunk) = found.and_then(|it| it.trunk.take()) {
            self.peers.call_ended(trunk);
        }
    }

    /// Passes on what happened, to the desk first.
    fn note(&mut self, call: CallKey, fact: Fact, now: Now, out: &mut Vec<Out>) {
        self.desk_hears(call, &fact.what, now);
        if let What::Connected { .. } = &fact.what {
            self.talks(call, now);
        }
        out.push(Out::Note(fact));
    }
}
