//! Whose a request is: a trunk's, a client's, a stranger's.
//!
//! ```text
//! from a trunk's network? ------------yes--> REGISTER: 403; digest wanted? --no--> Trunk
//!    | no (or REGISTER where clients are)       yes -> right, fresh, ..? --> Trunk
//! are there clients at this listener? -no--> Silence (or what the operator says)
//!    | yes
//! banned, or ACK or CANCEL? ----------yes--> Silence
//!    | no
//! credentials for our realm? ---------no---> Challenge (Silence if it is one too many)
//!    | yes
//! right, fresh, not seen before? -----no---> Challenge, stale or not; maybe a ban
//!    | yes
//! REGISTER for an address of another? -yes-> 403
//!    | no
//! Client
//! ```

use std::net::IpAddr;

use super::Peers;
use super::auth::Proof;
use super::bindings::AccountId;
use super::trunk::TrunkId;
use crate::clock::{Instant, Now};
use crate::sip::{Hop, Message, Method};

/// Whose a request is, or what its sender hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    Trunk(TrunkId),
    Client(AccountId),
    /// Answer with [`Peers::challenge`].
    Challenge {
        stale: bool,
    },
    /// Answer with this final response.
    Refuse(u16),
    /// No octet goes back.
    Silence,
}

impl Peers {
    /// Says whose a request is. For requests outside of dialogs, once each: a second look at the
    /// same credentials is a replay.
    pub fn admit(&mut self, request: &Message, from: &Hop, now: Now) -> Admission {
        let admission = self.judge(request, from, now);
        match admission {
            Admission::Challenge { stale } => self.counters.stale += u64::from(stale),
            Admission::Silence => self.counters.silenced += 1,
            Admission::Trunk(_) | Admission::Client(_) | Admission::Refuse(_) => (),
        }
        admission
    }

    /// Whether whoever is there hears nothing, whatever it asks.
    pub fn ignores(&self, from: &Hop, now: Instant) -> bool {
        let source = from.remote.ip();
        let Some(listener) = self.config.listeners.get(usize::from(from.listener)) else {
            return true;
        };
        if self.trunks.owner(source, from.listener, from.transport).is_some() {
            return false;
        }
        match listener.clients {
            true => self.sightings.is_banned(source, now),
            false => listener.strangers_hear.is_none(),
        }
    }

    fn judge(&mut self, request: &Message, from: &Hop, now: Now) -> Admission {
        let source = from.remote.ip();
        let Some(listener) = self.config.listeners.get(usize::from(from.listener)).copied() else {
            return Admission::Silence;
        };
        let registers = *request.method() == Method::Register;
        let trunk = self.trunks.owner(source, from.listener, from.transport);
        match trunk {
            // A registration is an account's, even from where a trunk's calls come.
            Some(trunk) if !registers || !listener.clients => {
                return self.judge_trunk(trunk, request, from, now);
            }
            None if !listener.clients => {
                let heard = listener.strangers_hear.filter(|_| has_answer(request.method()));
                return heard.map_or(Admission::Silence, Admission::Refuse);
            }
            _ => (),
        }
        if self.sightings.is_banned(source, now.at) || !has_answer(request.method()) {
            return Admission::Silence;
        }
        if let Some(account) = self.flow_owner(request, from, now.at) {
            return Admission::Client(account);
        }
        let Some(credentials) = self.door.credentials(request) else {
            return self.ask(source, false, now.at);
        };
        let account = self.users.get(credentials.username.as_bytes()).copied();
        let member = account.and_then(|it| self.accounts.get(it.0 as usize));
        let keys = member.map(|it| &it.keys);
        match (self.door.check(&credentials, keys, request, source, now.wall), account) {
            (Proof::Good, Some(account)) => {
                if registers && !self.owns(account, request) {
                    self.counters.foreign += 1;
                    return Admission::Refuse(403);
                }
                self.sightings.succeeded(source, now.at);
                Admission::Client(account)
            }
            (Proof::Stale, _) => self.ask(source, true, now.at),
            (Proof::Wrong, _) | (Proof::Good, None) => self.turn_away(source, now.at),
        }
    }

    fn judge_trunk(
        &mut self,
        trunk: TrunkId,
        request: &Message,
        from: &Hop,
        now: Now,
    ) -> Admission {
        if *request.method() == Method::Register {
            return Admission::Refuse(403);
        }
        let Some((user, keys)) = self.logins.get(&trunk) else { return Admission::Trunk(trunk) };
        let source = from.remote.ip();
        if self.sightings.is_banned(source, now.at) || !has_answer(request.method()) {
            return Admission::Silence;
        }
        let Some(credentials) = self.door.credentials(request) else {
            return self.ask(source, false, now.at);
        };
        let keys = (*credentials.username == **user).then_some(keys);
        match self.door.check(&credentials, keys, request, source, now.wall) {
            Proof::Good => {
                self.sightings.succeeded(source, now.at);
                Admission::Trunk(trunk)
            }
            Proof::Stale => self.ask(source, true, now.at),
            Proof::Wrong => self.turn_away(source, now.at),
        }
    }

    fn ask(&mut self, source: IpAddr, stale: bool, now: Instant) -> Admission {
        if self.sightings.may_challenge(source, now) {
            Admission::Challenge { stale }
        } else {
            Admission::Silence
        }
    }

    fn turn_away(&mut self, source: IpAddr, now: Instant) -> Admission {
        self.counters.wrong += 1;
        if self.sightings.failed(source, now) {
            self.counters.bans += 1;
            return Admission::Silence;
        }
        self.ask(source, false, now)
    }

    /// The address of record is the account's own: the user part tells, the host is ours anyway.
    fn owns(&self, account: AccountId, request: &Message) -> bool {
        let Some(member) = self.accounts.get(account.0 as usize) else { return false };
        let to = request.to().ok();
        let user = to.as_ref().and_then(|it| it.uri.user_unescaped());
        user.is_some_and(|it| *it == *member.user)
    }

    /// The account that registered over this TCP connection, if that counts as proof and the
    /// request says it is From that account.
    fn flow_owner(&self, request: &Message, from: &Hop, now: Instant) -> Option<AccountId> {
        if !self.config.registrar.trust_flow || *request.method() == Method::Register {
            return None;
        }
        from.connection?;
        let sender = request.from().ok()?;
        let account = *self.users.get(&*sender.uri.user_unescaped()?)?;
        self.bindings.is_flow_of(account, from, now).then_some(account)
    }
}

/// ACK has no answer, and CANCEL cannot be sent again with credentials (RFC 3261 section 22.1).
fn has_answer(method: &Method) -> bool {
    !matches!(method, Method::Ack | Method::Cancel)
}
