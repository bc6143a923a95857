//! A call arrives: is there room, who calls what, and the call begins.

use std::sync::Arc;

use super::entry::{Branch, Entry, Leg};
use super::ids::{BranchIds, BranchKey, CallKey};
use super::{Out, Switch, caller, translate};
use crate::call::{Call, Effect, Facts};
use crate::clock::Now;
use crate::dialog::{self, Answer, Arrival, Invited, Turn};
use crate::flow;
use crate::media;
use crate::model::{KeysBy, Trunk};
use crate::peer::{Admission, TrunkId};
use crate::sdp::{CodecList, Session};
use crate::sip::{Hop, Message, Name};
use crate::transaction::ServerId;

/// How a refused caller is told to come back, when the exchange has no room.
const RETRY_AFTER: u32 = 5;

/// Who calls: a carrier's trunk or one of our phones.
pub(super) struct Origin {
    pub trunk: Option<(TrunkId, Arc<Trunk>)>,
    pub name: Arc<str>,
}

impl Origin {
    fn account(&self) -> Option<Arc<str>> {
        self.trunk.is_none().then(|| self.name.clone())
    }

    pub fn trunk_id(&self) -> Option<TrunkId> {
        self.trunk.as_ref().map(|(id, _)| *id)
    }
}

impl Switch {
    /// An INVITE that may call.
    pub(super) fn arrive(
        &mut self,
        request: &Message,
        server: ServerId,
        admitted: Admission,
        from: Hop,
        now: Now,
        out: &mut Vec<Out>,
    ) {
        let arrival = Arrival { request, server, from };
        let Some(origin) = self.origin(admitted) else {
            return self.answer(server, request, &Answer::new(403), from.remote, now, out);
        };
        let taken = match dialog::replaces(request) {
            Ok(None) => self.take_call(&arrival, &origin, now, out),
            Ok(Some(replaces)) => self.replace(&arrival, origin, &replaces, now, out),
            Err(answer) => Err(answer),
        };
        if let Err(answer) = taken {
            self.answer(server, request, &answer, from.remote, now, out);
        }
    }

    fn take_call(
        &mut self,
        arrival: &Arrival<'_>,
        origin: &Origin,
        now: Now,
        out: &mut Vec<Out>,
    ) -> Result<(), Answer> {
        let counted = origin.trunk_id();
        self.room_for(counted, now).inspect_err(|_| {
            metrics::counter!("crosspoint_calls_refused_total").increment(1);
        })?;
        self.begin(arrival, origin, now, out).inspect_err(|_| {
            if let Some(trunk) = counted {
                self.peers.call_ended(trunk);
            }
        })
    }

    fn origin(&self, admitted: Admission) -> Option<Origin> {
        match admitted {
            Admission::Trunk(id) => {
                let name = self.peers.trunk_config(id)?.name.clone();
                let trunk = self.directory.trunk(&name)?.clone();
                Some(Origin { trunk: Some((id, trunk)), name })
            }
            Admission::Client(id) => {
                Some(Origin { trunk: None, name: self.peers.account_name(id)?.clone() })
            }
            Admission::Challenge { .. } | Admission::Refuse(_) | Admission::Silence => None,
        }
    }

    /// 503 with Retry-After while the edge drains or is full, so that the carrier goes elsewhere.
    fn room_for(&mut self, trunk: Option<TrunkId>, now: Now) -> Result<(), Answer> {
        let second = now.at.micros() / 1_000_000;
        if self.pace.0 != second {
            self.pace = (second, 0);
        }
        let fast = self.config.max_calls_per_second.is_some_and(|most| most <= self.pace.1);
        let full = self.draining || fast || self.config.max_calls <= self.calls.len();
        let busy = !full && trunk.is_some_and(|it| self.peers.try_start_call(it, now.at).is_err());
        if full || busy {
            return Err(no_room());
        }
        self.pace.1 += 1;
        Ok(())
    }

    fn begin(
        &mut self,
        arrival: &Arrival<'_>,
        origin: &Origin,
        now: Now,
        out: &mut Vec<Out>,
    ) -> Result<(), Answer> {
        let request = arrival.request;
        let call = self.calls.next_key().ok_or_else(no_room)?;
        let key = BranchKey { call, leg: 0, branch: 0 };
        let (branch, codecs, outs) = self.invited(arrival, origin, key, now, out)?;
        let facts = Facts { deaf: !codecs.has_g711(), ..self.facts(request, call, origin, now) };
        let mut leg = Leg::new(0, None);
        leg.branches.push(branch);
        leg.chosen = Some(0);
        let mut effects = Vec::new();
        if origin.trunk.is_none() {
            self.desk_sees_caller(call, &origin.name, now);
        }
        if self.config.tells_dialogs {
            let call_id = request.bytes().slice_ref(request.call_id());
            out.push(Out::Dialog { call: facts.call.clone(), call_id });
        }
        let span = tracing::info_span!("call", id = &*facts.call);
        let directory = self.directory.clone();
        self.name_call(call, &facts.call);
        let started = span.in_scope(|| Call::new(facts, directory, &self.desk, now, &mut effects));
        // A call that leaves no record was no call: a restart would not know of it either.
        if effects.iter().any(|it| matches!(it, Effect::Journal(_))) {
            self.past.callers.called(&started.record().caller, now.wall);
        }
        self.calls.put(
            call,
            Entry {
                call: started,
                span,
                invite: arrival.server,
                legs: vec![leg],
                armed: None,
                ended: false,
                trunk: origin.trunk.as_ref().map(|(id, _)| *id),
                effects: Vec::new(),
                account: origin.account(),
                spender: None,
                settling: None,
                offered: codecs,
                max_forwards: request.max_forwards().unwrap_or(dialog::MAX_FORWARDS),
            },
        );
        self.invites.insert(arrival.server, call);
        metrics::counter!("crosspoint_calls_total").increment(1);
        self.carry(key, outs, now, out);
        for effect in effects {
            self.perform(call, effect, now, out);
        }
        self.touched.push(call);
        Ok(())
    }

    /// The dialog of an INVITE that came in, with a port of its own for its media; and everything
    /// that it can be answered with.
    pub(super) fn invited(
        &mut self,
        arrival: &Arrival<'_>,
        origin: &Origin,
        key: BranchKey,
        now: Now,
        out: &mut Vec<Out>,
    ) -> Result<(Branch, Arc<CodecList>, Vec<dialog::Out>), Answer> {
        let (request, from) = (arrival.request, arrival.from);
        let trunk = origin.trunk.as_ref().map(|(_, it)| &**it);
        let local = self.ports.take(from.remote.is_ipv6()).ok_or_else(no_room)?;
        let told = self.told_media(local);
        let codecs = Arc::new(super::perform::all_of(&dialog::sdp(request).unwrap_or_default()));
        let invited = Invited {
            local: self.local_for(from.listener, from.transport, None),
            policy: translate::policy(trunk),
            credentials: trunk
                .and_then(|it| it.outbound.as_ref())
                .filter(|_| comes_back(request, from))
                .map(translate::credentials),
            session: Session::new(self.ids.random(), told),
            codecs: codecs.clone(),
        };
        let mut outs = std::mem::take(&mut self.spare);
        let mut ids = BranchIds { ids: &mut self.ids, key };
        let mut turn = Turn { now: now.at, ids: &mut ids, out: &mut outs };
        let dialog = match dialog::Leg::invited(arrival, invited, &mut turn) {
            Ok(dialog) => dialog,
            Err(answer) => {
                self.spare = outs;
                self.ports.give_back(local);
                return Err(answer);
            }
        };
        out.push(Out::Media(media::Order::Open { session: media::SessionId(key.pack()), local }));
        let branch = Branch {
            media: Some(local),
            keys: trunk.map_or(KeysBy::Auto, |it| it.keys),
            client_at: trunk.is_none().then(|| from.remote.ip()),
            ..Branch::new(dialog)
        };
        Ok((branch, codecs, outs))
    }

    /// What the call starts from.
    fn facts(&mut self, request: &Message, call: CallKey, origin: &Origin, now: Now) -> Facts {
        let trunk = origin.trunk.as_ref().map(|(_, it)| &**it);
        let dialled: Arc<str> = caller::dialled(request, trunk).into();
        let mut caller = caller::shown(request, trunk);
        let account = origin.account();
        if let Some(account) = account.as_ref().and_then(|it| self.directory.account(it)) {
            caller = flow::vouched(account, caller);
        }
        Facts {
            call: self.ids.call_id().into(),
            at_desk: super::desk::named(call),
            rotation: self.past.turn(&dialled),
            called_before: self.past.callers.called_before(&caller, now.wall),
            headers: caller::headers(request, self.directory.headers()),
            dialled,
            caller,
            from: origin.name.clone(),
            spent: account.as_ref().map(|it| self.ledger.spent(it, now.wall)).unwrap_or_default(),
            account,
            deaf: false,
            random: self.ids.random(),
        }
    }
}

/// Whether what we ask within the dialog goes back to where its INVITE came from. Who forges a
/// source address names any other as the next hop, and would hear our digest there (EDGE S-20).
fn comes_back(invite: &Message, from: Hop) -> bool {
    let first = invite.record_routes().ok().and_then(|it| it.into_iter().next());
    let next = first.or_else(|| invite.contact());
    next.and_then(|it| it.uri.host().ip()) == Some(from.remote.ip())
}

pub(super) fn no_room() -> Answer {
    Answer::new(503).with(Name::RetryAfter, RETRY_AFTER.to_string())
}
