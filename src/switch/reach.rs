//! Rings a destination: its addresses in order, its phones together.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::entry::{Branch, Leg};
use super::ids::{BranchIds, BranchKey, CallKey};
use super::{Out, Switch, translate};
use crate::call::{self, Event};
use crate::clock::Now;
use crate::dialog::{self, Invite, Turn};
use crate::media::{Order, SessionId};
use crate::model::record::Cause;
use crate::model::{Credentials, Endpoint, Trunk};
use crate::peer::{Place, Target, TrunkId};
use crate::sdp::{CodecList, Session};
use crate::sip::{Transport, Uri};

/// Phones of one account that are rung together, at most.
const BRANCHES_MAX: usize = 32;
/// How long an address of several may say nothing at all before the next one is tried.
const SILENT_FOR: Duration = Duration::from_secs(4);

impl Switch {
    pub(super) fn invite(
        &mut self,
        call: CallKey,
        offer: Box<call::Offer>,
        now: Now,
        out: &mut Vec<Out>,
    ) {
        let number = offer.leg.0;
        let mut leg = Leg::new(number, None);
        let place = self.place(&offer.to.endpoint);
        leg.offer = Some(offer);
        let counted = match &place {
            Ok(Place::Trunk { trunk, .. }) => Some(*trunk),
            Ok(Place::Uri(_) | Place::Account(_)) | Err(_) => None,
        };
        let full = counted.is_some_and(|it| self.peers.try_start_call(it, now.at).is_err());
        leg.trunk = counted.filter(|_| !full);
        let random = self.ids.random();
        // The phones of somebody who is away ring for nobody.
        let away = matches!(&place, Ok(Place::Account(it)) if self.desk.is_away(it));
        let targets = match (&place, full || away) {
            (Ok(place), false) => self.peers.locate(place, random, now.at),
            _ => Vec::new(),
        };
        leg.rest = targets;
        let unreachable = leg.rest.is_empty();
        if let Some(entry) = self.calls.get_mut(call) {
            entry.legs.push(leg);
        }
        if unreachable {
            // What we were told to call is nothing that we know: that failed inside us.
            let local = place.is_err();
            let reason = match place {
                Err(reason) => reason,
                Ok(_) if full => "trunk_full",
                Ok(Place::Account(_)) if away => "away",
                Ok(Place::Account(_)) => "not_registered",
                Ok(Place::Trunk { .. } | Place::Uri(_)) => "unreachable",
            };
            let sip = if matches!(reason, "not_registered" | "away") { 480 } else { 503 };
            let cause = Cause { sip, reason: reason.into(), local, q850: None };
            return self.lost(call, number, cause);
        }
        self.try_next(call, number, now, out);
    }

    /// Where a destination is, in the peers' words.
    fn place(&self, endpoint: &Endpoint) -> Result<Place, &'static str> {
        match endpoint {
            Endpoint::Phone { number, trunk } => {
                let named = trunk.as_deref().and_then(|it| self.directory.trunk(it));
                let trunk = if trunk.is_some() { named } else { self.directory.default_trunk() };
                let trunk = trunk.ok_or("no_trunk")?;
                let id = self.peers.trunk(&trunk.name).ok_or("no_trunk")?;
                Ok(Place::Trunk { trunk: id, number: trunk.number_to(number).into() })
            }
            Endpoint::Sip { uri } => {
                Uri::parse(uri.as_bytes()).map(Place::Uri).map_err(|_| "bad_uri")
            }
            Endpoint::Client { account } => Ok(Place::Account(account.clone())),
        }
    }

    /// Rings the next of a leg's addresses; of an account, all phones it prefers equally. A name is
    /// asked for first.
    pub(super) fn try_next(&mut self, call: CallKey, number: u8, now: Now, out: &mut Vec<Out>) {
        let Some(leg) = self.calls.get_mut(call).and_then(|it| it.leg(number)) else { return };
        let Some(first) = leg.rest.first() else { return };
        if let Some(resolve) = first.resolve.clone().filter(|_| first.hop.is_none()) {
            if !self.ask_for(call, number, resolve, out) {
                self.on_found(call, number, &[], now, out);
            }
            return;
        }
        let (account, q) = (first.account, first.q);
        let together = leg.rest.iter().take_while(|it| account.is_some() && it.q == q).count();
        let batch: Vec<Target> = leg.rest.drain(..together.clamp(1, BRANCHES_MAX)).collect();
        let mut rung = false;
        for target in batch {
            rung |= self.ring(call, number, target, now, out);
        }
        if !rung {
            let cause = Cause { sip: 503, reason: "no_room".into(), local: true, q850: None };
            self.lost(call, number, cause);
        }
    }

    /// Where the name of a leg's next target leads: a target for each address, tried in their order
    /// (RFC 3263 section 4.3).
    pub(super) fn on_found(
        &mut self,
        call: CallKey,
        number: u8,
        found: &[(SocketAddr, Transport)],
        now: Now,
        out: &mut Vec<Out>,
    ) {
        let Some(leg) = self.calls.get_mut(call).and_then(|it| it.leg(number)) else { return };
        // Nobody waits for it any more, once the leg is let go.
        if leg.done || leg.rest.first().is_none_or(|it| it.hop.is_some()) {
            return;
        }
        let named = leg.rest.remove(0);
        leg.rest.splice(..0, self.peers.targets_at(&named, found));
        if leg.rest.is_empty() {
            let none = Cause { sip: 503, reason: "unreachable".into(), ..Cause::default() };
            let cause = leg.refusal.clone().unwrap_or(none);
            return self.lost(call, number, cause);
        }
        self.try_next(call, number, now, out);
    }

    /// Sends one INVITE. `false` if there is no room for its media.
    fn ring(
        &mut self,
        call: CallKey,
        number: u8,
        target: Target,
        now: Now,
        out: &mut Vec<Out>,
    ) -> bool {
        let v6 = target.hop.map_or_else(|| !self.config.v4, |it| it.remote.is_ipv6());
        let Some(local) = self.ports.take(v6) else { return false };
        let (codecs, hops) = self.offered(call);
        let told = self.told_media(local);
        let trunk = target.trunk.and_then(|(id, _)| self.trunk_of(id));
        let session = Session::new(self.ids.random(), told);
        let listener = target.hop.map_or(0, |it| it.listener);
        let transport = target.hop.map_or(Transport::Udp, |it| it.transport);
        let stream = (target.prefer_tcp_over != usize::MAX).then_some(target.prefer_tcp_over);
        let our = self.local_for(listener, transport, stream);
        let Some(leg) = self.calls.get_mut(call).and_then(|it| it.leg(number)) else {
            self.ports.give_back(local);
            return false;
        };
        let Some(offer) = &leg.offer else {
            self.ports.give_back(local);
            return false;
        };
        let (client, keys) = (target.account.is_some(), offer.to.keys);
        let invite = Invite {
            caller: translate::caller(&offer.identity, trunk.as_deref(), &our, client, &target.uri),
            policy: dialog::Policy { sticky: client, ..translate::policy(trunk.as_deref()) },
            credentials: credentials(offer.to.credentials.as_ref(), trunk.as_deref()),
            uri: target.uri.clone(),
            routes: target.routes.clone(),
            hop: target.hop,
            to: None,
            max_forwards: hops,
            session,
            codecs,
            offerless: false,
            local: our,
        };
        let key = BranchKey { call, leg: number, branch: leg.branches.len() as u8 };
        let several = !leg.rest.is_empty();
        let mut outs = Vec::new();
        let mut ids = BranchIds { ids: &mut self.ids, key };
        let mut turn = Turn { now: now.at, ids: &mut ids, out: &mut outs };
        let dialog = dialog::Leg::invite(invite, &mut turn);
        leg.branches.push(Branch {
            media: Some(local),
            keys,
            address: target.trunk,
            account: target.account.zip(target.hop),
            client_at: target.account.and(target.hop).map(|it| it.remote.ip()),
            silent_until: several.then(|| now.at + SILENT_FOR),
            ..Branch::new(dialog)
        });
        out.push(Out::Media(Order::Open { session: SessionId(key.pack()), local }));
        self.carry(key, outs, now, out);
        true
    }

    /// What a destination is offered: what the caller offered, so that voice can pass as it is.
    fn offered(&mut self, call: CallKey) -> (Arc<CodecList>, u8) {
        let Some(entry) = self.calls.get_mut(call) else {
            return (Arc::new(CodecList::g711()), dialog::MAX_FORWARDS);
        };
        let hops = entry.max_forwards.saturating_sub(1).max(HOPS_LEAST);
        let waits = entry.leg(0).and_then(|it| it.branches.first()?.dialog.offer()).is_some();
        let list = if waits { (*entry.offered).clone().g711_first() } else { CodecList::g711() };
        (Arc::new(list), hops)
    }

    pub(super) fn trunk_of(&self, id: TrunkId) -> Option<Arc<Trunk>> {
        let name = &self.peers.trunk_config(id)?.name;
        self.directory.trunk(name).cloned()
    }

    /// All ways to a destination have failed: the call is told once.
    pub(super) fn lost(&mut self, call: CallKey, number: u8, cause: Cause) {
        let Some(leg) = self.calls.get_mut(call).and_then(|it| it.leg(number)) else { return };
        if std::mem::replace(&mut leg.done, true) {
            return;
        }
        let leg = call::Leg(leg.named);
        self.work.push_back((call, Event::Refused { leg, cause }));
        self.uncount(call, number);
    }
}

/// Carriers refuse a call with few hops left (Twilio's error 32006).
const HOPS_LEAST: u8 = 20;

fn credentials(own: Option<&Credentials>, trunk: Option<&Trunk>) -> Option<dialog::Credentials> {
    own.or_else(|| trunk?.outbound.as_ref()).map(translate::credentials)
}
