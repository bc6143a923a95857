//! The whole exchange as one value: datagrams, reports and time in; sends, orders, records out.
//!
//! ```text
//!   datagram -> sip -> transaction -> peer -> dialog -> call
//!                                                         | effects
//!   out <- transaction <- dialog <- peer.locate <---------+-> media orders, records
//! ```
//!
//! It owns no feature: what happens to a call is the call's, what a leg says is the dialog's, what
//! is heard is media's. Here is only the carrying between them. No clock, no socket, no lock: the
//! shell and the simulator drive it alike.

mod arrival;
mod caller;
mod command;
mod config;
mod desk;
mod entry;
mod faults;
mod ids;
mod inbound;
mod loose;
mod past;
mod perform;
mod probe;
mod reach;
mod replace;
mod report;
mod route;
mod settle;
mod slots;
mod told;
mod transfer;
mod translate;
mod turn;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

pub use self::config::{Config, Listener};
use self::entry::Entry;
use self::ids::Ids;
pub use self::ids::{BranchKey, CallKey};
use self::past::Past;
use self::replace::Taker;
use self::route::Waiting;
use self::slots::Slots;
use crate::audio::StreamId;
use crate::call;
use crate::clock::{Alarms, Instant, Now};
use crate::desk::Desk;
use crate::dialog;
use crate::flow::Ledger;
use crate::media;
use crate::model::Directory;
use crate::model::event::Fact;
use crate::model::record::{CallRecord, Cause};
use crate::peer::{self, Peers};
use crate::sip::Hop;
use crate::stream;
use crate::transaction::{ServerId, Table};

/// What the switch wants done.
#[derive(Debug)]
pub enum Out {
    Send {
        bytes: Bytes,
        hop: Hop,
    },
    Media(media::Order),
    /// What a call wants of a program; the answer comes back by [`Switch::on_stream`].
    Stream {
        stream: StreamId,
        order: stream::Order,
    },
    Journal(Box<CallRecord>),
    Note(Fact),
    /// A dialog with this Call-ID is this call's; said before anything is sent in it but a 100.
    Dialog {
        call: Arc<str>,
        call_id: Bytes,
    },
    /// Somebody we know is at the other end of this connection.
    Known {
        connection: u32,
    },
    /// Find the addresses of a name; the answer comes back by [`Switch::on_resolved`].
    Resolve {
        ticket: u64,
        resolve: peer::Resolve,
    },
}

/// Who a client transaction belongs to.
#[derive(Clone, Copy, Debug)]
enum Owner {
    Leg(BranchKey, dialog::Ticket),
    Probe(peer::Asked),
}

/// The exchange.
pub struct Switch {
    config: Config,
    directory: Arc<Directory>,
    ids: Ids,
    table: Table<Owner>,
    peers: Peers,
    /// Who waits for whom.
    desk: Desk,
    ports: media::Ports,
    calls: Slots<Entry>,
    /// Calls by their id.
    named: HashMap<Arc<str>, CallKey>,
    alarms: Alarms<CallKey>,
    /// The call of each INVITE that may still be cancelled.
    invites: HashMap<ServerId, CallKey>,
    /// Requests whose next hop's name is being resolved.
    waiting: BTreeMap<u64, Waiting>,
    next_ticket: u64,
    /// Who wants the place of a leg, until its call has said whether it is taken in.
    taker: Option<Taker>,
    /// Events for calls, in the order they came about.
    work: VecDeque<(CallKey, call::Event)>,
    /// Calls to look at once the work is done.
    touched: Vec<CallKey>,
    past: Past,
    ledger: Ledger,
    draining: bool,
    /// The second that calls are counted in, and how many began in it.
    pace: (u64, u32),
    /// Room for what dialogs and transactions want, reused.
    spare: Vec<dialog::Out>,
    spare_sends: Vec<crate::transaction::Out<Owner>>,
    /// Each listener as its far ends see it.
    locals: Vec<dialog::Local>,
}

impl Switch {
    /// `seed` is chance, `secret` makes nonces; both must be hard to guess.
    pub fn new(
        config: Config,
        directory: Arc<Directory>,
        peers: peer::Config,
        [seed, secret]: [[u8; 32]; 2],
        now: Now,
    ) -> Result<Self, peer::ConfigError> {
        let mut ids = Ids::new(seed, config.tells_dialogs);
        let table_seed = u128::from(ids.random()) << 64 | u128::from(ids.random());
        Ok(Self {
            desk: Desk::new(&directory, crate::desk::Limits::default(), now),
            directory,
            table: Table::new(config.transactions, table_seed),
            peers: Peers::new(peers, secret, now.at)?,
            ports: media::Ports::new(config.ports),
            calls: Slots::default(),
            named: HashMap::new(),
            alarms: Alarms::default(),
            invites: HashMap::new(),
            waiting: BTreeMap::new(),
            next_ticket: 0,
            taker: None,
            work: VecDeque::new(),
            touched: Vec::new(),
            past: Past::new(secret),
            ledger: Ledger::default(),
            draining: false,
            pace: (0, 0),
            spare: Vec::new(),
            spare_sends: Vec::new(),
            locals: route::locals(&config),
            ids,
            config,
        })
    }

    /// Orders the first ports; to be called once before anything else.
    pub fn start(&mut self, out: &mut Vec<Out>) {
        self.order_ports(Instant::START, out);
    }

    /// Takes a new directory; running calls keep the one they began with.
    pub fn adopt(
        &mut self,
        directory: Arc<Directory>,
        peers: peer::Config,
        now: Now,
    ) -> Result<(), peer::ConfigError> {
        self.peers.adopt(peers, now.at)?;
        self.adopt_at_desk(&directory, now);
        self.directory = directory;
        Ok(())
    }

    /// From now on new calls are refused; running ones go on.
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// Ends every call: the limit of a graceful stop.
    pub fn stop_all(&mut self, cause: &Cause, now: Now, out: &mut Vec<Out>) {
        for key in self.calls.keys() {
            self.work.push_back((key, call::Event::Stop { cause: cause.clone() }));
            self.settle(now, out);
        }
    }

    /// Calls that are not over.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Transactions, running and finished.
    pub fn transactions(&self) -> usize {
        self.table.len()
    }

    pub fn free_ports(&self) -> usize {
        self.ports.free(false) + self.ports.free(true)
    }

    pub fn peers(&self) -> &Peers {
        &self.peers
    }

    pub fn restore(&mut self, snapshot: peer::Snapshot, now: Now) {
        self.peers.restore(snapshot, now);
        self.tell_who_is_there(now);
    }
}
