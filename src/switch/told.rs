//! What a dialog wants and tells: requests down to the table, events up to the call.

use std::time::Duration;

use super::ids::{BranchIds, BranchKey};
use super::{Out, Owner, Switch, translate};
use crate::call::{self, Event};
use crate::clock::Now;
use crate::dialog::{self, Event as Told, Out as Want, Turn, Why};
use crate::media::{Order, SessionId};
use crate::model::record::Cause;
use crate::sdp::Negotiated;
use crate::sip::Message;

impl Switch {
    /// Lets one branch act, and carries out what it wants.
    pub(super) fn turn(
        &mut self,
        key: BranchKey,
        now: Now,
        out: &mut Vec<Out>,
        act: impl FnOnce(&mut dialog::Leg, &mut Turn<'_>),
    ) {
        let Some(entry) = self.calls.get_mut(key.call) else { return };
        let _named = tracing::debug_span!(parent: &entry.span, "leg", leg = key.leg).entered();
        let Some(branch) = entry.branch(key) else { return };
        let mut outs = std::mem::take(&mut self.spare);
        let mut ids = BranchIds { ids: &mut self.ids, key };
        act(&mut branch.dialog, &mut Turn { now: now.at, ids: &mut ids, out: &mut outs });
        self.carry(key, outs, now, out);
    }

    pub(super) fn carry(
        &mut self,
        key: BranchKey,
        mut wants: Vec<Want>,
        now: Now,
        out: &mut Vec<Out>,
    ) {
        while let Some(id) = self.ids.told() {
            if let Some(entry) = self.calls.get_mut(key.call) {
                let call = entry.call.record().id.clone();
                out.push(Out::Dialog { call, call_id: id.into() });
            }
        }
        for want in wants.drain(..) {
            match want {
                Want::Request { request, method, next, ticket } => {
                    let first = method == crate::sip::Method::Invite;
                    self.send_request(key, request, first, &next, ticket, now, out);
                }
                Want::Ack { request, next } => self.send_ack(request, &next, out),
                Want::Respond { server, response, status } => {
                    let mut sends = std::mem::take(&mut self.spare_sends);
                    self.table.respond(server, response, status, now.at, &mut sends);
                    self.carry_table(sends, now, out);
                }
                Want::GiveUp => {
                    let branch = self.calls.get_mut(key.call).and_then(|it| it.branch(key));
                    if let Some(client) = branch.and_then(|it| it.client) {
                        self.table.give_up(client, now.at);
                    }
                }
                Want::Event(told) => self.told(key, told, now, out),
            }
        }
        if self.spare.capacity() < wants.capacity() {
            self.spare = wants;
        }
        self.touched.push(key.call);
    }

    /// What happened to a branch, in the words of its call.
    fn told(&mut self, key: BranchKey, told: Told, now: Now, out: &mut Vec<Out>) {
        match told {
            Told::Ringing { status, media } => {
                let early_media = media.is_some() && 180 < status;
                if let Some(media) = media {
                    self.agreed(key, media, out);
                }
                self.rang(key, early_media);
            }
            Told::Answered { media } => {
                self.agreed(key, media, out);
                if key.leg != 0 {
                    self.answered(key, now, out);
                }
            }
            Told::Media { media } => {
                self.agreed(key, media, out);
                self.settled_by(key, out);
            }
            Told::Refused { status, reason, retry_after, local, .. } => {
                let cause = translate::refused(status, reason.as_ref(), local);
                let asked = retry_after.filter(|_| status == 503);
                let wait = asked.map(|it| Duration::from_secs(it.into()));
                self.refused(key, cause, status, wait, now, out);
            }
            Told::HungUp { status, reason, why } => {
                self.hung_up(key, translate::hung_up(status, reason.as_ref(), why), why, out);
            }
            Told::Unchanged { .. } => self.settled_by(key, out),
            Told::Referral { referral } => self.referral(key, &referral, now),
            Told::Key(digit) => {
                let session = SessionId(key.pack());
                out.push(Out::Media(Order::Key { session, digit }));
            }
            Told::Over => {
                if let Some(branch) = self.calls.get_mut(key.call).and_then(|it| it.branch(key)) {
                    branch.over = true;
                }
                let ended = self
                    .calls
                    .get_mut(key.call)
                    .is_some_and(|it| it.leg(key.leg).is_none_or(|it| it.done) || it.ended);
                if ended {
                    self.close_media(key.call, key.leg, out);
                }
            }
        }
        self.touched.push(key.call);
    }

    /// Tells media what was agreed with a far end.
    fn agreed(&mut self, key: BranchKey, media: Box<Negotiated>, out: &mut Vec<Out>) {
        let Some(branch) = self.calls.get_mut(key.call).and_then(|it| it.branch(key)) else {
            return;
        };
        let remote = Box::new(translate::remote(&media, branch.keys, branch.client_at));
        let holds = !media.send || media.rtp.is_none();
        let news = std::mem::replace(&mut branch.holds, holds) != holds;
        branch.agreed = Some(media);
        out.push(Out::Media(Order::Remote { session: SessionId(key.pack()), remote }));
        if news && let Some(leg) = self.name_of(key.call, key.leg) {
            self.work.push_back((key.call, Event::Held { leg, on: holds }));
        }
    }

    fn rang(&mut self, key: BranchKey, early_media: bool) {
        let Some(leg) = self.calls.get_mut(key.call).and_then(|it| it.leg(key.leg)) else { return };
        // Early media of one of several phones would be heard as if it were the call's.
        let early_media = early_media && leg.branches.len() == 1;
        if leg.done || (leg.rang && !early_media) {
            return;
        }
        leg.rang = true;
        let leg = call::Leg(leg.named);
        self.work.push_back((key.call, Event::Ringing { leg, early_media }));
    }

    /// The first of a leg's branches that answers speaks for it; the others are let go.
    fn answered(&mut self, key: BranchKey, now: Now, out: &mut Vec<Out>) {
        let Some(leg) = self.calls.get_mut(key.call).and_then(|it| it.leg(key.leg)) else { return };
        let late = leg.chosen.is_some_and(|it| it != key.branch) || leg.done;
        if !late {
            leg.chosen = Some(key.branch);
            leg.rest.clear();
        }
        let (chosen, name) = (leg.chosen, call::Leg(leg.named));
        self.release_others(key, chosen, &dialog::Cause::completed_elsewhere(), now, out);
        if !late {
            self.work.push_back((key.call, Event::Answered { leg: name }));
        }
    }

    /// Lets go of all branches of a leg but one.
    fn release_others(
        &mut self,
        of: BranchKey,
        kept: Option<u8>,
        cause: &dialog::Cause,
        now: Now,
        out: &mut Vec<Out>,
    ) {
        let leg = self.calls.get_mut(of.call).and_then(|it| it.leg(of.leg));
        let branches = leg.map_or(0, |it| it.branches.len() as u8);
        for branch in (0..branches).filter(|it| Some(*it) != kept) {
            let other = BranchKey { branch, ..of };
            self.turn(other, now, out, |leg, turn| leg.release(cause, turn));
            let found = self.calls.get_mut(of.call).and_then(|it| it.branch(other));
            if found.is_some_and(|it| it.media.take().is_some()) {
                out.push(Out::Media(Order::Close { session: SessionId(other.pack()) }));
            }
        }
    }

    /// A branch was refused: the next address, or the end of the leg when none is left. `wait` is
    /// how long its server asks not to be called.
    fn refused(
        &mut self,
        key: BranchKey,
        cause: Cause,
        status: u16,
        wait: Option<Duration>,
        now: Now,
        out: &mut Vec<Out>,
    ) {
        let Some(entry) = self.calls.get_mut(key.call) else { return };
        let Some(leg) = entry.leg(key.leg) else { return };
        let Some(branch) = leg.branches.get_mut(usize::from(key.branch)) else { return };
        branch.refused = true;
        branch.silent_until = None;
        let (media, address) = (branch.media.take(), branch.address);
        if leg.refusal.as_ref().is_none_or(|it| translate::weight(it) < translate::weight(&cause)) {
            leg.refusal = Some(cause);
        }
        let failed = (500..600).contains(&status) || status == 408;
        // Who answers 6xx speaks for the person, not for one phone (RFC 3261 section 16.7, step 5).
        let for_all = 600 <= status && !leg.done && leg.chosen.is_none();
        if for_all {
            leg.rest.clear();
        }
        let is_account = leg.rest.first().is_some_and(|it| it.account.is_some());
        let go_on = !leg.done && !leg.rest.is_empty() && (failed || is_account);
        let all = for_all || leg.branches.iter().all(|it| it.refused);
        let last = leg.refusal.clone().unwrap_or_default();
        if media.is_some() {
            out.push(Out::Media(Order::Close { session: SessionId(key.pack()) }));
        }
        if let Some((trunk, address)) = address {
            if failed {
                self.peers.address_failed(trunk, address, wait, now.at);
            } else {
                self.peers.address_answered(trunk, address, now.at);
            }
        }
        // Nobody there said a word, and nobody else is left: that is no refusal. The leg goes on
        // until the call's own ring timer, however long that is (PRODUCT section 2.1).
        let silent = last.sip == 408 && last.reason == translate::NO_RESPONSE;
        if for_all {
            let cause = dialog::Cause::new(status, "Declined elsewhere");
            self.release_others(key, Some(key.branch), &cause, now, out);
        }
        if all && go_on {
            self.try_next(key.call, key.leg, now, out);
        } else if all && !silent {
            self.lost(key.call, key.leg, last);
        }
    }

    fn hung_up(&mut self, key: BranchKey, cause: Cause, why: Why, out: &mut Vec<Out>) {
        let Some(leg) = self.calls.get_mut(key.call).and_then(|it| it.leg(key.leg)) else { return };
        if leg.chosen.is_some_and(|it| it != key.branch) {
            return;
        }
        let told = std::mem::replace(&mut leg.done, true);
        let name = call::Leg(leg.named);
        tracing::debug!(?why, leg = key.leg, "hung up");
        self.close_media(key.call, key.leg, out);
        self.uncount(key.call, key.leg);
        if !told {
            self.lent_is_gone(key.call, key.leg, &cause);
            self.work.push_back((key.call, Event::HungUp { leg: name, cause }));
        }
    }

    /// Something came from this branch's far end: it is there.
    pub(super) fn heard_from(&mut self, key: BranchKey, response: &Message, now: Now) {
        let Some(branch) = self.calls.get_mut(key.call).and_then(|it| it.branch(key)) else {
            return;
        };
        branch.silent_until = None;
        if let Some((trunk, address)) = branch.address
            && response.status() < 300
        {
            self.peers.address_answered(trunk, address, now.at);
        }
    }

    /// A branch's request could not be sent at all.
    pub(super) fn flow_failed(&mut self, key: BranchKey) {
        let branch = self.calls.get_mut(key.call).and_then(|it| it.branch(key));
        if let Some((account, hop)) = branch.and_then(|it| it.account) {
            self.peers.flow_failed(account, &hop);
        }
    }

    /// A branch's own time has come.
    pub(super) fn on_branch_time(&mut self, key: BranchKey, now: Now, out: &mut Vec<Out>) {
        let Some(branch) = self.calls.get_mut(key.call).and_then(|it| it.branch(key)) else {
            return;
        };
        let silent = branch.silent_until.is_some_and(|at| at <= now.at);
        if branch.dialog.deadline().is_some_and(|at| at <= now.at) {
            self.turn(key, now, out, |leg, turn| leg.on_time(turn));
        }
        if silent {
            // The next address is tried; this one may no longer answer.
            let cause = dialog::Cause::new(408, "No answer from this address");
            self.turn(key, now, out, |leg, turn| leg.release(&cause, turn));
            let cause = Cause { sip: 408, reason: "silent_address".into(), ..Cause::default() };
            self.refused(key, cause, 408, None, now, out);
        }
    }

    pub(super) fn owner(key: BranchKey, ticket: dialog::Ticket) -> Owner {
        Owner::Leg(key, ticket)
    }
}
