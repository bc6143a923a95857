//! One SIP leg from INVITE to BYE (RFC 3261 sections 8, 9, 12-15), as callee or as caller.
//!
//! ```text
//!  callee   Incoming --answer--> Confirmed --BYE either way--> Ended
//!              |  refuse, CANCEL, BYE, no PRACK                  ^
//!              +-------------------------------------------------+
//!  caller   Calling ---2xx-----> Confirmed ----------------------+
//!              |  300-699, no answer                             |
//!              +-------------------------------------------------+
//!              +--release--> Withdrawn --final response, 64*T1---+
//! ```
//!
//! A leg is a value. It is told what came ([`Leg::on_response`], [`Leg::on_request`], ..) and what
//! is wanted of it ([`Leg::answer`], [`Leg::release`], ..), each with a [`Turn`]: the moment, a
//! source of identifiers, and the list its [`Out`]s go into. It owns its timers
//! ([`Leg::deadline`], [`Leg::on_time`]) and its offer/answer state; it knows no call, no media
//! and no transaction table. The switch carries requests to the table and hands back responses,
//! and failures by [`Ticket`].
//!
//! Also here: PRACK (RFC 3262), UPDATE (RFC 3311), session timers (RFC 4028), Reason (RFC 3326),
//! REFER (RFC 3515), INFO digits (RFC 6086's legacy use), offer/answer rules (RFC 6337), and what a request outside
//! of any dialog must pass ([`screen`]) with the answers to what does not ([`Answer`]).
//!
//! Left to the switch: names to addresses ([`Next::uri`] is only where to send), 481 for a dialog
//! nobody has, retransmission of requests and non-2xx answers (the table). A callee's leg without
//! Record-Route whose Contact cannot be reached (a client behind NAT) needs [`Policy::sticky`]:
//! then every request goes down the flow that the INVITE came from.

mod answers;
mod body;
mod calling;
mod confirmed;
mod credentials;
mod far_offer;
mod forks;
mod head;
mod incoming;
mod keys;
mod leg;
mod own_offer;
mod parting;
mod refresh;
mod reliable;
mod resend;
mod route_set;
mod screen;
mod state;
#[cfg(test)]
mod tests;
mod transfer;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

pub use self::answers::Answer;
pub use self::body::sdp;
pub use self::credentials::Credentials;
pub use self::head::{Caller, MAX_FORWARDS, Party, allow, supported};
pub use self::leg::Leg;
pub use self::refresh::Interval;
pub use self::screen::{MAX_BODY, MAX_MESSAGE, screen};
pub use self::transfer::{Referral, Referred, Replaces, Standing, replaces};
use crate::audio::Digit;
use crate::clock::Instant;
use crate::sdp::{CodecList, Negotiated, Session};
use crate::sip::{Hop, Message, Method, NameAddr, Reason, Transport, Uri, Value};
pub use crate::transaction::Failure;
use crate::transaction::ServerId;

/// Identifiers, minted by whoever owns the random numbers. Each must be unguessable and unique.
pub trait Ids {
    /// A From or To tag.
    fn tag(&mut self) -> String;
    /// A Via branch; it begins with `z9hG4bK`.
    fn branch(&mut self) -> String;
    /// A Call-ID.
    fn call_id(&mut self) -> String;
    fn random(&mut self) -> u64;
}

/// What every input comes with.
pub struct Turn<'a> {
    pub now: Instant,
    pub ids: &'a mut dyn Ids,
    pub out: &'a mut Vec<Out>,
}

/// How the far end sees us.
#[derive(Clone, Debug)]
pub struct Local {
    /// Our Contact.
    pub contact: Uri,
    /// `host:port` for our Via.
    pub sent_by: Arc<str>,
    pub transport: Transport,
    /// `host:port` of our listener of the other transport, for the Via of what goes that way.
    pub other: Option<Arc<str>>,
    /// Requests longer than this many bytes (1,300 if the path's MTU is unknown) go by TCP, where
    /// the next hop has it (RFC 3261 section 18.1.1).
    pub tcp_over: Option<usize>,
    /// What we call ourselves: User-Agent and Server (RFC 3261 sections 20.41 and 20.35).
    pub software: Option<Value>,
}

/// How a leg behaves, by trunk or client.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    pub reliable: Reliable,
    /// Session timers (RFC 4028); `None` turns them off.
    pub timer: Option<Interval>,
    /// Every request of this leg goes down one flow: the one its INVITE came from, or went to.
    pub sticky: bool,
}

/// Reliable provisional responses (RFC 3262).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reliable {
    Off,
    #[default]
    Supported,
    Required,
}

/// A call to place.
#[derive(Clone, Debug)]
pub struct Invite {
    pub local: Local,
    pub policy: Policy,
    /// For a far end that challenges us.
    pub credentials: Option<Credentials>,
    /// The Request-URI.
    pub uri: Uri,
    /// A route known beforehand: a client's Path, an outbound proxy.
    pub routes: Vec<Uri>,
    /// The flow to use, if the next hop has one already.
    pub hop: Option<Hop>,
    /// Who calls, as the far end shall see it.
    pub caller: Caller,
    /// For the To header, if it is not the Request-URI.
    pub to: Option<Party>,
    pub max_forwards: u8,
    /// Our side of offer and answer, with the address of our media.
    pub session: Session,
    /// The codecs we offer, in order.
    pub codecs: Arc<CodecList>,
    /// Send the INVITE without an offer, and answer the far end's.
    pub offerless: bool,
}

/// A call that came in.
#[derive(Clone, Debug)]
pub struct Invited {
    pub local: Local,
    pub policy: Policy,
    pub credentials: Option<Credentials>,
    /// Our side of offer and answer, with the address of our media.
    pub session: Session,
    /// What we could do at most: an offer that shares nothing with it is refused at once (488).
    pub codecs: Arc<CodecList>,
}

/// What a leg asks for or tells.
#[derive(Clone, Debug)]
pub enum Out {
    /// Begin a client transaction. Its responses come back by [`Leg::on_response`], its failure by
    /// [`Leg::on_failed`] with this ticket.
    Request {
        request: Bytes,
        method: Method,
        next: Next,
        ticket: Ticket,
    },
    /// Send without a transaction: the ACK of a 2xx.
    Ack {
        request: Bytes,
        next: Next,
    },
    /// A 2xx to an INVITE is sent again under the same id until it is acknowledged.
    Respond {
        server: ServerId,
        response: Bytes,
        status: u16,
    },
    /// Stop resending the INVITE: it was never answered at all. What still comes must be told: to a
    /// late provisional response the leg says CANCEL, a late 2xx it hangs up.
    GiveUp,
    Event(Event),
}

/// Names one request of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u32);

/// Where a request goes.
#[derive(Clone, Debug)]
pub struct Next {
    /// The next hop: the first Route, or the remote target (RFC 3261 section 12.2.1.1).
    pub uri: Uri,
    /// What the Via says.
    pub transport: Transport,
    /// The flow to stick to, whatever `uri` says.
    pub hop: Option<Hop>,
}

/// What happened to the leg.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A provisional response above 100; `media` if it (or an earlier one of the same branch of
    /// the fork) described the far end's media.
    Ringing { status: u16, media: Option<Box<Negotiated>> },
    /// Caller: a 2xx with a usable description. Callee: our 2xx was sent; for an INVITE without
    /// an offer, the ACK with the answer has come.
    Answered { media: Box<Negotiated> },
    /// Caller: the call was not taken. Nothing else follows but [`Event::Over`].
    Refused {
        status: u16,
        reason: Option<Reason>,
        retry_after: Option<u32>,
        /// Where a 3xx points.
        contacts: Vec<NameAddr>,
        /// Made by us, not received: 408 for silence, 503 for no way through, 488 for no codec.
        local: bool,
    },
    /// The far end, or something on the way to it, ended what was a call (callee: or the ringing).
    HungUp { status: u16, reason: Option<Reason>, why: Why },
    /// Early media of a callee's leg, or a change by re-INVITE or UPDATE from either end.
    Media { media: Box<Negotiated> },
    /// What [`Leg::offer_again`] asked for was refused; the call goes on as before.
    Unchanged { status: u16 },
    /// A key by SIP INFO.
    Key(Digit),
    /// A REFER, which waits for [`Leg::referred`].
    Referral { referral: Box<Referral> },
    /// Nothing more will be sent or expected: the leg may be dropped.
    Over,
}

/// What ended a leg that we did not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// BYE from the far end.
    Bye,
    /// CANCEL from the far end.
    Cancelled,
    /// The INVITE's own Expires ran out while ringing.
    Expired,
    /// Our 2xx was never acknowledged.
    NoAck,
    /// Our reliable provisional response was never acknowledged.
    NoPrack,
    /// The answer to our offer cannot be used.
    NoMedia,
    /// The session timer ran out.
    SessionExpired,
    /// A request inside the dialog was answered 408 or 481, or not at all.
    Gone,
}

/// Why we end a leg; written as Reason (RFC 3326) where there is something to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// The SIP status that says it: also the final response to a caller who was not answered.
    pub status: u16,
    /// `Call completed elsewhere`, ..
    pub text: String,
    /// The Q.850 cause, if one is known.
    pub q850: Option<u8>,
}

impl Cause {
    pub fn new(status: u16, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), q850: None }
    }

    /// For the losers of a fork (RFC 3326 section 3.1).
    pub fn completed_elsewhere() -> Self {
        Self::new(200, "Call completed elsewhere")
    }

    pub fn with_q850(self, q850: u8) -> Self {
        Self { q850: Some(q850), ..self }
    }
}

/// Whose side of the session is on hold, by us.
pub use crate::sdp::Direction;

/// A request as the switch hands it to a leg.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    pub request: &'a Message,
    pub server: ServerId,
    pub from: Hop,
}

impl Arrival<'_> {
    fn source(&self) -> SocketAddr {
        self.from.remote
    }
}
