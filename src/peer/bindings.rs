//! Which contacts are bound to which account, and until when (RFC 3261 section 10.3, step 7).
//!
//! A binding keeps the flow that its REGISTER came by ([`Hop`]), and requests go down that flow
//! (RFC 5626). So a contact that names a loopback, multicast or foreign host harms nobody: nothing
//! is ever sent there. A contact with `+sip.instance` (and `reg-id`) replaces the binding of that
//! instance wherever it is now; others are told apart by their URI (RFC 3261 section 19.1.4).
//!
//! An update is done to a copy first: it happens as a whole or not at all.

use std::collections::BTreeSet;
use std::time::Duration;

use super::config::{Registrar, WhenFull};
use super::dice::Dice;
use crate::clock::{Alarms, Instant};
use crate::sip::{Hop, Uri};

/// A phone's account; the number stays its own when the configuration is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub u32);

/// One contact of an account. About 200 octets with everything.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Binding {
    /// The URI as registered.
    pub contact: Box<str>,
    pub instance: Option<Box<Instance>>,
    /// Route set towards the contact (RFC 3327), as registered.
    pub path: Box<[Box<str>]>,
    /// Of the Call-ID, keyed.
    pub call: u64,
    pub cseq: u32,
    /// Preference in thousandths.
    pub q: u16,
    pub hop: Hop,
    pub expires: Instant,
    pub refreshed: Instant,
    pub flow: Flow,
}

/// `+sip.instance` without its quotes, and `reg-id` (0 if there is none).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Instance {
    pub urn: Box<str>,
    pub reg_id: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    Open,
    /// Nothing gets through any more, as a request has shown; a REGISTER opens it again.
    Dead,
    /// Its TCP connection was closed; the binding goes at this moment.
    Closed(Instant),
}

/// What one REGISTER asks for.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub call: u64,
    pub cseq: u32,
    pub hop: Hop,
    pub path: Box<[Box<str>]>,
    pub contacts: Contacts,
}

#[derive(Clone, Debug)]
pub(super) enum Contacts {
    /// `Contact: *` with `Expires: 0`.
    RemoveAll,
    /// None at all asks what is bound.
    Each(Vec<Wanted>),
}

#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub contact: Uri,
    pub instance: Option<Instance>,
    pub q: u16,
    /// In seconds; 0 removes.
    pub expires: u32,
}

/// Why nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unchanged {
    /// 423.
    TooBrief,
    /// An older request than the one that made the binding, or the same again: 500.
    OutOfOrder,
    /// More contacts than the account may have: 403.
    AccountFull,
    /// More bindings than we take: 503.
    Full,
}

#[derive(Default)]
pub(super) struct Bindings {
    accounts: Vec<Slot>,
    count: usize,
    alarms: Alarms<AccountId>,
    /// Who registered over which TCP connection; entries outlive a move to another one.
    connections: BTreeSet<(u32, AccountId)>,
    /// Accounts that may have become reachable, or no longer be.
    changed: BTreeSet<AccountId>,
}

#[derive(Default)]
struct Slot {
    bindings: Vec<Binding>,
    armed: Option<Instant>,
}

impl Bindings {
    /// Room for so many accounts.
    pub fn grow(&mut self, accounts: usize) {
        if self.accounts.len() < accounts {
            self.accounts.resize_with(accounts, Slot::default);
        }
    }

    pub fn count(&self) -> usize {
        self.count
    }

    pub fn of(&self, account: AccountId) -> &[Binding] {
        self.accounts.get(account.0 as usize).map_or(&[], |it| &it.bindings)
    }

    /// Does what a REGISTER asks for, as a whole or not at all.
    pub fn update(
        &mut self,
        account: AccountId,
        wish: Wish,
        max_contacts: usize,
        rules: &Registrar,
        now: Instant,
        dice: &mut Dice,
    ) -> Result<(), Unchanged> {
        self.expire(account, now);
        let Some(slot) = self.accounts.get_mut(account.0 as usize) else {
            return Err(Unchanged::Full);
        };
        let bindings = &mut slot.bindings;
        let before = bindings.len();
        let wanted = match wish.contacts {
            Contacts::RemoveAll => {
                if bindings.iter().any(|it| it.call == wish.call && wish.cseq <= it.cseq) {
                    return Err(Unchanged::OutOfOrder);
                }
                self.count -= before;
                bindings.clear();
                self.changed.insert(account);
                return Ok(());
            }
            Contacts::Each(ref wanted) => wanted,
        };
        check(bindings, &wish, wanted, rules)?;
        let mut after = bindings.clone();
        for it in wanted {
            apply(&mut after, it, &wish, rules, now, dice);
        }
        if before < after.len() && max_contacts < after.len() {
            let kept = wanted.iter().filter(|it| it.expires != 0).count();
            if rules.when_full == WhenFull::Refuse || max_contacts < kept {
                return Err(Unchanged::AccountFull);
            }
            drop_oldest(&mut after, max_contacts);
        }
        let count = self.count + after.len() - before;
        if before < after.len() && rules.max_bindings < count {
            return Err(Unchanged::Full);
        }
        (self.count, *bindings) = (count, after);
        self.changed.insert(account);
        if let Some(connection) = wish.hop.connection {
            self.connections.insert((connection, account));
        }
        self.alarms.arm(account, slot.next(), &mut slot.armed);
        Ok(())
    }

    /// Puts back a binding that was kept across a restart.
    pub fn put_back(&mut self, account: AccountId, binding: Binding) {
        let Some(slot) = self.accounts.get_mut(account.0 as usize) else { return };
        slot.bindings.reserve_exact(1);
        slot.bindings.push(binding);
        self.count += 1;
        self.changed.insert(account);
        self.alarms.arm(account, slot.next(), &mut slot.armed);
    }

    /// The account is gone.
    pub fn remove_all(&mut self, account: AccountId) {
        if let Some(slot) = self.accounts.get_mut(account.0 as usize) {
            self.count -= slot.bindings.len();
            slot.bindings = Vec::new();
            self.changed.insert(account);
        }
    }

    /// Whether the account has registered over this TCP connection, and still is.
    pub fn is_flow_of(&self, account: AccountId, hop: &Hop, now: Instant) -> bool {
        hop.connection.is_some()
            && self.of(account).iter().any(|it| {
                it.hop.connection == hop.connection && it.flow == Flow::Open && now < it.expires
            })
    }

    /// A TCP connection is no more: its bindings get no calls, and go after `grace`.
    pub fn connection_closed(&mut self, connection: u32, grace: Duration, now: Instant) {
        let ends = (connection, AccountId(0))..=(connection, AccountId(u32::MAX));
        let accounts: Vec<_> = self.connections.range(ends).copied().collect();
        for key in accounts {
            self.connections.remove(&key);
            let account = key.1;
            let Some(slot) = self.accounts.get_mut(account.0 as usize) else { continue };
            self.changed.insert(account);
            for it in &mut slot.bindings {
                let closed = matches!(it.flow, Flow::Closed(_));
                if it.hop.connection == Some(connection) && !closed {
                    it.flow = Flow::Closed(now + grace);
                }
            }
            self.alarms.arm(account, slot.next(), &mut slot.armed);
        }
    }

    /// A request down this flow found nobody: no calls go there until the phone registers again.
    pub fn flow_failed(&mut self, account: AccountId, hop: &Hop) {
        let slot = self.accounts.get_mut(account.0 as usize);
        for it in slot.into_iter().flat_map(|it| &mut it.bindings) {
            if it.hop == *hop && it.flow == Flow::Open {
                it.flow = Flow::Dead;
                self.changed.insert(account);
            }
        }
    }

    pub fn on_time(&mut self, now: Instant) {
        while let Some((rang, account)) = self.alarms.due(now) {
            if let Some(slot) = self.accounts.get_mut(account.0 as usize)
                && slot.armed == Some(rang)
            {
                slot.armed = None;
            }
            self.expire(account, now);
            if let Some(slot) = self.accounts.get_mut(account.0 as usize) {
                self.alarms.arm(account, slot.next(), &mut slot.armed);
            }
        }
    }

    pub fn next(&self) -> Option<Instant> {
        self.alarms.next()
    }

    /// Accounts whose bindings have changed since this was last asked.
    pub fn take_changes(&mut self) -> BTreeSet<AccountId> {
        std::mem::take(&mut self.changed)
    }

    /// How many accounts there is room for.
    pub fn accounts(&self) -> u32 {
        u32::try_from(self.accounts.len()).unwrap_or(u32::MAX)
    }

    /// All bindings with their accounts.
    pub fn iter(&self) -> impl Iterator<Item = (AccountId, &Binding)> {
        let accounts = (0..).map(AccountId).zip(&self.accounts);
        accounts.flat_map(|(id, slot)| slot.bindings.iter().map(move |it| (id, it)))
    }

    fn expire(&mut self, account: AccountId, now: Instant) {
        let Some(slot) = self.accounts.get_mut(account.0 as usize) else { return };
        let before = slot.bindings.len();
        slot.bindings.retain(|it| now < it.ends());
        if slot.bindings.len() < before {
            self.count -= before - slot.bindings.len();
            self.changed.insert(account);
        }
    }
}

impl Slot {
    fn next(&self) -> Option<Instant> {
        self.bindings.iter().map(Binding::ends).min()
    }
}

impl Binding {
    fn ends(&self) -> Instant {
        match self.flow {
            Flow::Open | Flow::Dead => self.expires,
            Flow::Closed(at) => self.expires.min(at),
        }
    }

    /// A phone can be reached through it.
    pub fn is_live(&self, now: Instant) -> bool {
        self.flow == Flow::Open && now < self.expires
    }
}

/// Whether each contact can be done as asked.
fn check(
    bindings: &[Binding],
    wish: &Wish,
    wanted: &[Wanted],
    rules: &Registrar,
) -> Result<(), Unchanged> {
    let least = rules.min_expires.as_secs().min(3600);
    if wanted.iter().any(|it| it.expires != 0 && u64::from(it.expires) < least) {
        return Err(Unchanged::TooBrief);
    }
    let known = wanted.iter().filter_map(|it| bindings.get(find(bindings, it)?));
    let late = |it: &Binding| it.call == wish.call && wish.cseq <= it.cseq;
    if known.into_iter().any(late) { Err(Unchanged::OutOfOrder) } else { Ok(()) }
}

/// Those go first that cannot be reached, then those that were refreshed longest ago.
fn drop_oldest(bindings: &mut Vec<Binding>, left: usize) {
    while left < bindings.len() {
        let worth = |n: &usize| (bindings[*n].flow == Flow::Open, bindings[*n].refreshed);
        let oldest = (0..bindings.len()).min_by_key(worth).unwrap_or(0);
        bindings.remove(oldest);
    }
}

fn apply(
    bindings: &mut Vec<Binding>,
    wanted: &Wanted,
    wish: &Wish,
    rules: &Registrar,
    now: Instant,
    dice: &mut Dice,
) {
    let known = find(bindings, wanted);
    if wanted.expires == 0 {
        known.map(|n| bindings.remove(n));
        return;
    }
    let expires = now + granted(wanted.expires, rules, dice);
    if let Some(n) = known {
        let it = &mut bindings[n];
        if !is_same_text(&it.contact, &wanted.contact) {
            it.contact = text(&wanted.contact);
        }
        if it.instance.as_deref() != wanted.instance.as_ref() {
            it.instance = wanted.instance.clone().map(Box::new);
        }
        if it.path != wish.path {
            it.path = wish.path.clone();
        }
        (it.call, it.cseq, it.q, it.hop) = (wish.call, wish.cseq, wanted.q, wish.hop);
        (it.expires, it.refreshed, it.flow) = (expires, now, Flow::Open);
        return;
    }
    // One phone has one contact mostly: no spare room.
    bindings.reserve_exact(1);
    bindings.push(Binding {
        contact: text(&wanted.contact),
        instance: wanted.instance.clone().map(Box::new),
        path: wish.path.clone(),
        call: wish.call,
        cseq: wish.cseq,
        q: wanted.q,
        hop: wish.hop,
        expires,
        refreshed: now,
        flow: Flow::Open,
    });
}

/// The binding that a contact means: that of its instance (RFC 5626 section 6), else that of its
/// URI. Flows of one instance may share a URI, so an instance never means that of another.
fn find(bindings: &[Binding], wanted: &Wanted) -> Option<usize> {
    let Some(instance) = &wanted.instance else {
        return bindings.iter().position(|it| is_same(&it.contact, &wanted.contact));
    };
    let known = bindings.iter().position(|it| it.instance.as_deref() == Some(instance));
    known.or_else(|| {
        bindings
            .iter()
            .position(|it| it.instance.is_none() && is_same(&it.contact, &wanted.contact))
    })
}

fn is_same_text(known: &str, uri: &Uri) -> bool {
    known.as_bytes() == uri.as_bytes()
}

fn is_same(known: &str, uri: &Uri) -> bool {
    is_same_text(known, uri) || Uri::parse(known.as_bytes()).is_ok_and(|it| it.same_as(uri))
}

fn text(uri: &Uri) -> Box<str> {
    String::from_utf8_lossy(uri.as_bytes()).into()
}

/// What is granted of so many seconds.
fn granted(seconds: u32, rules: &Registrar, dice: &mut Dice) -> Duration {
    let wanted = Duration::from_secs(seconds.into()).min(rules.max_expires);
    let cut = wanted.as_secs() * u64::from(rules.spread_percent.min(90)) / 100;
    let cut = dice.up_to(u32::try_from(cut).unwrap_or(u32::MAX));
    let left = wanted.saturating_sub(Duration::from_secs(cut.into()));
    left.max(rules.min_expires.min(wanted))
}
