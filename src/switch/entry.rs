//! What the switch holds of one call: the call itself, and the legs it asked for.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::ids::{BranchKey, CallKey};
use crate::audio::Source;
use crate::call::{self, Call};
use crate::clock::Instant;
use crate::dialog;
use crate::model::KeysBy;
use crate::peer::{AccountId, Target, TrunkId};
use crate::sdp::{CodecList, Negotiated};
use crate::sip::Hop;
use crate::transaction::{ClientId, ServerId};

pub struct Entry {
    pub call: Call,
    /// Around everything the call does: names it in the log.
    pub span: tracing::Span,
    /// The caller's INVITE.
    pub invite: ServerId,
    pub legs: Vec<Leg>,
    /// The earliest alarm that is set.
    pub armed: Option<Instant>,
    /// The call said that it is over.
    pub ended: bool,
    /// A trunk whose calls at once this one counts for.
    pub trunk: Option<TrunkId>,
    /// Room for effects, reused.
    pub effects: Vec<call::Effect>,
    /// The account whose phone called.
    pub account: Option<Arc<str>>,
    /// The account that this call goes out for.
    pub spender: Option<Arc<str>>,
    pub max_forwards: u8,
    /// The caller is asked for another codec; what it is to hear once that is settled.
    pub settling: Option<Option<Source<call::Leg>>>,
    /// What the caller's INVITE offered.
    pub offered: Arc<CodecList>,
}

/// One leg of the call; a registered account with several phones has a branch for each.
pub struct Leg {
    /// In its tags, for ever.
    pub number: u8,
    /// What the call calls it.
    pub named: u8,
    /// It is really this leg of another call.
    pub link: Option<(CallKey, u8)>,
    /// It is lent to another call, as this leg of that.
    pub lent: Option<(CallKey, u8)>,
    pub branches: Vec<Branch>,
    /// The branch that answered; the caller's is its only one.
    pub chosen: Option<u8>,
    /// Addresses still to try, in order, when all branches have failed.
    pub rest: Vec<Target>,
    pub offer: Option<Box<call::Offer>>,
    /// Told to the call as refused, hung up, or let go by it.
    pub done: bool,
    /// The best refusal so far.
    pub refusal: Option<crate::model::record::Cause>,
    /// A trunk whose calls at once this leg counts for.
    pub trunk: Option<TrunkId>,
    pub rang: bool,
}

/// One INVITE and what came of it.
pub struct Branch {
    pub dialog: dialog::Leg,
    /// Our RTP port, while the media session is open.
    pub media: Option<SocketAddr>,
    pub agreed: Option<Box<Negotiated>>,
    /// It has put its other side on hold.
    pub holds: bool,
    pub keys: KeysBy,
    /// The client transaction of the INVITE, to give it up.
    pub client: Option<ClientId>,
    pub address: Option<(TrunkId, u8)>,
    pub account: Option<(AccountId, Hop)>,
    /// The far end is a phone of ours, whose signalling comes from this address: its media comes
    /// from wherever its NAT lets it.
    pub client_at: Option<IpAddr>,
    /// Nothing at all was heard from it yet: when to try the next address instead.
    pub silent_until: Option<Instant>,
    pub refused: bool,
    pub over: bool,
}

impl Entry {
    pub fn leg(&mut self, number: u8) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|it| it.number == number)
    }

    pub fn branch(&mut self, key: BranchKey) -> Option<&mut Branch> {
        self.leg(key.leg)?.branches.get_mut(usize::from(key.branch))
    }

    /// The branch of a leg that speaks for it: the chosen one, else its only one.
    pub fn speaker(&mut self, number: u8) -> Option<(u8, &mut Branch)> {
        let leg = self.leg(number)?;
        let n = leg.chosen.or((leg.branches.len() == 1).then_some(0))?;
        leg.branches.get_mut(usize::from(n)).map(|it| (n, it))
    }

    /// The call and every dialog of it are over.
    pub fn is_over(&self) -> bool {
        self.ended && self.legs.iter().flat_map(|it| &it.branches).all(|it| it.over)
    }

    pub fn deadline(&self) -> Option<Instant> {
        let branches = self.legs.iter().flat_map(|it| &it.branches).filter(|it| !it.over);
        let dialogs = branches.flat_map(|it| [it.dialog.deadline(), it.silent_until]);
        dialogs.chain([self.call.deadline()]).flatten().min()
    }

    /// Branches with something due.
    pub fn due(&self, call: CallKey, now: Instant) -> Vec<BranchKey> {
        let mut due = Vec::new();
        for leg in &self.legs {
            for (n, branch) in leg.branches.iter().enumerate().filter(|(_, it)| !it.over) {
                let wants = [branch.dialog.deadline(), branch.silent_until];
                if wants.into_iter().flatten().any(|at| at <= now) {
                    due.push(BranchKey { call, leg: leg.number, branch: n as u8 });
                }
            }
        }
        due
    }
}

impl Branch {
    pub fn new(dialog: dialog::Leg) -> Self {
        Self {
            dialog,
            media: None,
            agreed: None,
            holds: false,
            keys: KeysBy::Auto,
            client: None,
            address: None,
            account: None,
            client_at: None,
            silent_until: None,
            refused: false,
            over: false,
        }
    }
}

impl Leg {
    pub fn new(number: u8, offer: Option<Box<call::Offer>>) -> Self {
        Self {
            number,
            named: number,
            link: None,
            lent: None,
            branches: Vec::new(),
            chosen: None,
            rest: Vec::new(),
            offer,
            done: false,
            refusal: None,
            trunk: None,
            rang: false,
        }
    }
}
