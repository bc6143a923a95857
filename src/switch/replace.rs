//! An INVITE that wants to take the place of a dialog of ours (RFC 3891): whose dialog that is,
//! whether it may, and its leg.
//!
//! | The dialog | The answer (section 3) |
//! |---|---|
//! | is none of ours, or one that calls us and is not answered | 481 |
//! | has ended, or is at something where nobody can take over | 603 |
//! | is answered, but only one that rings was wanted (`early-only`) | 486 |
//! | belongs to another account or trunk than who asks | 403 |
//!
//! To know a dialog's identifiers is to have been told of them by one of its ends; to take it over
//! one must also be of the same account, or come by the same trunk.

use std::sync::Arc;

use super::arrival::{Origin, no_room};
use super::entry::Leg;
use super::ids::{BranchKey, CallKey};
use super::{Out, Switch, caller, translate};
use crate::call::{self, Event};
use crate::clock::Now;
use crate::dialog::{Answer, Arrival, Replaces, Standing};
use crate::flow;
use crate::model::record::Cause;
use crate::model::{Endpoint, ReceivingNumber};
use crate::sip::{Hop, Message};
use crate::transaction::ServerId;

/// Who wants the place of a leg.
pub(super) struct Taker {
    request: Message,
    server: ServerId,
    from: Hop,
    origin: Origin,
    /// Why it cannot have it.
    refusal: Option<Answer>,
}

impl Switch {
    /// Lets the call decide whose leg that is.
    pub(super) fn replace(
        &mut self,
        arrival: &Arrival<'_>,
        origin: Origin,
        replaces: &Replaces,
        now: Now,
        out: &mut Vec<Out>,
    ) -> Result<(), Answer> {
        let key = self.replaced(&origin, replaces)?;
        let to = self.taker_as(key, &origin, arrival.request);
        let leg = self.name_of(key.call, key.leg).ok_or_else(Answer::declined)?;
        let (request, server, from) = (arrival.request.clone(), arrival.server, arrival.from);
        self.taker = Some(Taker { request, server, from, origin, refusal: None });
        self.work.push_back((key.call, Event::Replace { leg, to }));
        self.settle(now, out);
        match self.taker.take() {
            None => Ok(()),
            Some(taker) => Err(taker.refusal.unwrap_or_else(Answer::declined)),
        }
    }

    /// The leg that is meant, if its place may be taken by who asks.
    fn replaced(&mut self, origin: &Origin, replaces: &Replaces) -> Result<BranchKey, Answer> {
        let key = self.ids.owner(&replaces.to_tag).ok_or_else(Answer::no_such_dialog)?;
        let entry = self.calls.get_mut(key.call).ok_or_else(Answer::no_such_dialog)?;
        let branch = entry.branch(key).ok_or_else(Answer::no_such_dialog)?;
        let standing = branch.dialog.standing(replaces).ok_or_else(Answer::no_such_dialog)?;
        let leg = entry.leg(key.leg).map(|it| (it.trunk, it.done));
        let (trunk, done) = leg.unwrap_or((None, true));
        let by_trunk = if key.leg == 0 { entry.trunk } else { trunk };
        let account = self.account_of(key);
        match (standing, done) {
            (Standing::Calling, _) => return Err(Answer::no_such_dialog()),
            (Standing::Ended, _) | (_, true) => return Err(Answer::declined()),
            (Standing::Answered, _) if replaces.early_only => return Err(Answer::new(486)),
            (Standing::Answered | Standing::Ringing, _) => (),
        }
        let may = match origin.trunk_id() {
            Some(trunk) => by_trunk == Some(trunk),
            None => account.as_ref() == Some(&origin.name),
        };
        if may { Ok(key) } else { Err(Answer::new(403)) }
    }

    /// Who comes in the place of a destination is that destination, with all its settings; in that
    /// of a caller, whoever it says it is.
    fn taker_as(
        &mut self,
        key: BranchKey,
        origin: &Origin,
        invite: &Message,
    ) -> Arc<ReceivingNumber> {
        let leg = self.calls.get_mut(key.call).and_then(|it| it.leg(key.leg));
        if let Some(offer) = leg.and_then(|it| it.offer.as_ref()) {
            return Arc::clone(&offer.to);
        }
        match &origin.trunk {
            None => flow::phones_of(&self.directory, &origin.name),
            Some((_, trunk)) => {
                let shown = caller::shown(invite, Some(trunk)).number;
                let trunk = Some(Arc::from(&*trunk.name));
                let endpoint = Endpoint::Phone { number: shown.as_str().into(), trunk };
                Arc::new(ReceivingNumber::new(&shown, endpoint))
            }
        }
    }

    /// The call takes it in: it is answered now.
    pub(super) fn take_in(
        &mut self,
        call: CallKey,
        offer: Box<call::Offer>,
        now: Now,
        out: &mut Vec<Out>,
    ) {
        let (number, leg) = (offer.leg.0, offer.leg);
        let Some(mut taker) = self.taker.take() else {
            let cause = Cause { sip: 480, reason: "gone".into(), ..Cause::default() };
            return self.work.push_back((call, Event::Refused { leg, cause }));
        };
        let key = BranchKey { call, leg: number, branch: 0 };
        if let Err(answer) = self.answer_taker(key, &taker, offer, now, out) {
            let reason = "not_taken_in".to_owned();
            let cause = Cause { sip: answer.status, reason, ..Cause::default() };
            self.work.push_back((call, Event::Refused { leg, cause }));
            taker.refusal = Some(answer);
            self.taker = Some(taker);
        }
    }

    fn answer_taker(
        &mut self,
        key: BranchKey,
        taker: &Taker,
        offer: Box<call::Offer>,
        now: Now,
        out: &mut Vec<Out>,
    ) -> Result<(), Answer> {
        let trunk = taker.origin.trunk_id();
        if trunk.is_some_and(|it| self.peers.try_start_call(it, now.at).is_err()) {
            return Err(no_room());
        }
        let arrival = Arrival { request: &taker.request, server: taker.server, from: taker.from };
        let invited = self.invited(&arrival, &taker.origin, key, now, out);
        let (branch, codecs, outs) = invited.inspect_err(|_| {
            if let Some(trunk) = trunk {
                self.peers.call_ended(trunk);
            }
        })?;
        let agreed = self.agreed_in(key.call, key.leg);
        let codecs = match agreed {
            Some(codec) => (*codecs).clone().prefer(&codec),
            None => (*codecs).clone().g711_first(),
        };
        let mut leg = Leg { trunk, ..Leg::new(key.leg, Some(offer)) };
        leg.branches.push(branch);
        if let Some(entry) = self.calls.get_mut(key.call) {
            entry.legs.push(leg);
        }
        self.carry(key, outs, now, out);
        self.turn(key, now, out, |leg, turn| leg.answer(Arc::new(codecs), turn));
        Ok(())
    }

    /// The call does not take it in.
    pub(super) fn turn_away(&mut self, cause: &Cause) {
        if let Some(taker) = &mut self.taker {
            taker.refusal = Some(Answer::new(translate::final_status(cause)));
        }
    }
}
