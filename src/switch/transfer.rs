//! Legs that change their names, legs that are lent to another call, and who a REFER means.
//!
//! A leg's number is in its tags for ever; what the call calls it may change ([`Effect::Swap`]).
//! A leg that another call lends is no dialog of ours here: its sound and its end are there.
//!
//! [`Effect::Swap`]: crate::call::Effect::Swap

use std::sync::Arc;

use super::entry::Leg;
use super::ids::{BranchKey, CallKey};
use super::{Out, Switch, caller, translate};
use crate::call::{self, Aim, Event};
use crate::clock::Now;
use crate::dialog::{Referral, Referred, Replaces};
use crate::model::record::Cause;

/// Calls that may lend a leg to each other in a row.
const LENT_MAX: usize = 8;

impl Switch {
    /// A REFER: who is meant, in the words of the call.
    pub(super) fn referral(&mut self, key: BranchKey, referral: &Referral, now: Now) {
        let aim = match &referral.replaces {
            Some(replaces) => self.party(key, replaces, now),
            None => {
                let branch = self.calls.get_mut(key.call).and_then(|it| it.branch(key));
                let trunk = branch.and_then(|it| it.address).and_then(|(it, _)| self.trunk_of(it));
                let dialled = caller::number_of(&referral.to, trunk.as_deref());
                let account = self.account_of(key);
                let spent = account.map(|it| self.ledger.spent(&it, now.wall)).unwrap_or_default();
                Aim::Dialled { dialled: dialled.into(), spent, instead: None }
            }
        };
        if let Some(leg) = self.name_of(key.call, key.leg) {
            self.work.push_back((key.call, Event::Transfer { leg, to: Box::new(aim) }));
        }
    }

    /// Who is at the other end of the call that a Replaces names. If nobody is there yet, whoever
    /// was dialled there is dialled for the other side instead: the one who asks is not wanted in
    /// that talk, and need not wait for it (RFC 5589 section 7.6 lets it do no more than that).
    fn party(&mut self, key: BranchKey, replaces: &Replaces, now: Now) -> Aim {
        let tags = [&replaces.to_tag, &replaces.from_tag];
        let found = tags.map(|it| self.ids.owner(it));
        for other in found.into_iter().flatten().filter(|it| it.call != key.call) {
            let Some(entry) = self.calls.get_mut(other.call) else { continue };
            if !entry.branch(other).is_some_and(|it| it.dialog.is_named_by(replaces)) {
                continue;
            }
            let Some(leg) = entry.leg(other.leg).map(|it| call::Leg(it.named)) else { continue };
            if let Some((_, to)) = entry.call.beside(leg) {
                let call = Arc::clone(&entry.call.record().id);
                return Aim::Party { call, to, handle: other.pack() };
            }
            if leg == call::Leg::CALLER && entry.account.is_some() {
                let dialled = Arc::clone(&entry.call.record().tracking_number);
                let (account, spender) = (entry.account.clone(), entry.spender.clone());
                let mut spent =
                    account.as_ref().map(|it| self.ledger.spent(it, now.wall)).unwrap_or_default();
                if spender.is_some() && spender == account {
                    spent.calls = spent.calls.saturating_sub(1);
                }
                return Aim::Dialled { dialled, spent, instead: Some(other.pack()) };
            }
        }
        Aim::Nobody
    }

    /// A call is not wanted any more: its caller is put through another way.
    pub(super) fn give_up(&mut self, handle: u64) {
        let call = BranchKey::unpack(handle).call;
        let reason = "transferred".to_owned();
        let cause = Cause { sip: 487, q850: Some(16), reason, local: true };
        self.work.push_back((call, Event::Stop { cause }));
    }

    /// The account of a leg's phones.
    pub(super) fn account_of(&mut self, key: BranchKey) -> Option<Arc<str>> {
        let entry = self.calls.get_mut(key.call)?;
        match key.leg {
            0 => entry.account.clone(),
            leg => entry.leg(leg)?.offer.as_ref()?.to.account().cloned(),
        }
    }

    pub(super) fn told_of_transfer(
        &mut self,
        call: CallKey,
        leg: call::Leg,
        told: call::Referred,
        now: Now,
        out: &mut Vec<Out>,
    ) {
        let told = match told {
            call::Referred::Refused { cause } => Referred::Refused(translate::final_status(&cause)),
            call::Referred::Trying => Referred::Progress(100),
            call::Referred::Ringing => Referred::Progress(180),
            call::Referred::Done => Referred::Done(200),
            call::Referred::Failed { cause } => Referred::Done(translate::final_status(&cause)),
        };
        let leg = self.number_of(call, leg);
        let chosen = self.calls.get_mut(call).and_then(|it| it.speaker(leg).map(|(it, _)| it));
        if let Some(branch) = chosen {
            let key = BranchKey { call, leg, branch };
            self.turn(key, now, out, |leg, turn| leg.referred(told, turn));
        }
    }

    pub(super) fn swap(&mut self, call: CallKey, near: call::Leg, other: call::Leg) {
        // Who was the caller is free once it is let go, not when the call is over.
        self.desk.renamed(super::desk::named(call), call::Leg::CALLER.0, other.0);
        let Some(entry) = self.calls.get_mut(call) else { return };
        for leg in &mut entry.legs {
            if leg.named == call::Leg::CALLER.0 {
                leg.named = other.0;
            } else if leg.named == near.0 {
                leg.named = call::Leg::CALLER.0;
            }
        }
    }

    /// Another call lends the leg that talks with the one of `handle`.
    pub(super) fn join(&mut self, call: CallKey, leg: call::Leg, handle: u64) {
        let theirs = BranchKey::unpack(handle);
        let id = self.calls.get_mut(call).map(|it| Arc::clone(&it.call.record().id));
        let party = self.calls.get_mut(theirs.call).and_then(|it| {
            let name = call::Leg(it.leg(theirs.leg)?.named);
            let (party, _) = it.call.beside(name)?;
            Some((name, it.legs.iter().find(|it| it.named == party.0)?.number))
        });
        let (Some(id), Some((transferor, party))) = (id, party) else {
            let cause = Cause { sip: 480, reason: "gone".into(), ..Cause::default() };
            self.work.push_back((call, Event::HungUp { leg, cause }));
            return;
        };
        if let Some(entry) = self.calls.get_mut(call) {
            let link = Some((theirs.call, party));
            entry.legs.push(Leg { link, ..Leg::new(leg.0, None) });
        }
        if let Some(lent) = self.calls.get_mut(theirs.call).and_then(|it| it.leg(party)) {
            lent.lent = Some((call, leg.0));
        }
        self.work.push_back((theirs.call, Event::Joined { leg: transferor, call: id }));
    }

    /// Where a leg really is, if another call lends it.
    pub(super) fn really(&mut self, mut call: CallKey, mut leg: u8) -> (CallKey, u8) {
        for _ in 0..LENT_MAX {
            let found = self.calls.get_mut(call).and_then(|it| it.leg(leg)?.link);
            let Some(link) = found else { break };
            (call, leg) = link;
        }
        (call, leg)
    }

    /// A borrowed leg is let go: true if it was one.
    pub(super) fn give_back(&mut self, call: CallKey, leg: u8, cause: &Cause) -> bool {
        let found = self.calls.get_mut(call).and_then(|it| it.leg(leg));
        let Some((theirs, number)) = found.and_then(|it| it.link.take()) else { return false };
        if let Some(lent) = self.calls.get_mut(theirs).and_then(|it| it.leg(number)) {
            lent.lent = None;
        }
        self.work.push_back((theirs, Event::Parted { cause: cause.clone() }));
        true
    }

    /// A leg that was lent is gone: who had it hears of it.
    pub(super) fn lent_is_gone(&mut self, call: CallKey, leg: u8, cause: &Cause) {
        let found = self.calls.get_mut(call).and_then(|it| it.leg(leg));
        let Some((borrower, number)) = found.and_then(|it| it.lent.take()) else { return };
        if let Some(name) = self.name_of(borrower, number) {
            if let Some(theirs) = self.calls.get_mut(borrower).and_then(|it| it.leg(number)) {
                theirs.link = None;
            }
            let event = Event::HungUp { leg: name, cause: cause.clone() };
            self.work.push_back((borrower, event));
        }
    }

    /// What the call calls a leg.
    pub(super) fn name_of(&mut self, call: CallKey, number: u8) -> Option<call::Leg> {
        self.calls.get_mut(call)?.leg(number).map(|it| call::Leg(it.named))
    }

    /// The leg that the call calls so; one that is not there if there is none.
    pub(super) fn number_of(&mut self, call: CallKey, leg: call::Leg) -> u8 {
        let found = self
            .calls
            .get_mut(call)
            .and_then(|entry| entry.legs.iter().find(|it| it.named == leg.0).map(|it| it.number));
        found.unwrap_or(u8::MAX)
    }
}
