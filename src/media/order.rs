//! What signalling orders and what media reports back. Two bounded rings carry these.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::audio::{AnsweredBy, ClipId, Digit, Source, StreamId};

/// One leg's media, named by signalling: the slot in the call table and a generation, so that a
/// late order or report for a closed session finds nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub u64);

/// Signalling orders, media obeys.
#[derive(Clone, Debug)]
pub enum Order {
    /// Binds more port pairs and reports each with [`Report::Bound`].
    Bind {
        v6: bool,
        pairs: u16,
    },
    /// A leg begins on a bound local RTP port (RTCP is the next one).
    Open {
        session: SessionId,
        local: SocketAddr,
    },
    /// What was negotiated, at first and after each new answer.
    Remote {
        session: SessionId,
        remote: Box<Remote>,
    },
    /// What this leg hears from now on.
    Hear {
        session: SessionId,
        source: Source<SessionId>,
    },
    /// Keys pressed by this leg are reported but not passed on to who hears it, or are again.
    SwallowKeys {
        session: SessionId,
        on: bool,
    },
    /// The far end has picked up: who it is, is listened for and told by [`Report::AnsweredBy`].
    Listen {
        session: SessionId,
    },
    /// The far end pressed a key that came by signalling (SIP INFO). It is treated like one that
    /// came in the media: an accept line takes it, or it is reported and passed on.
    Key {
        session: SessionId,
        digit: Digit,
    },
    /// Records two legs of one call from now on: caller left, destination right. With one leg
    /// alone, the right side is what a program says to it ([`Source::Stream`]), else silence.
    Tape {
        tape: TapeId,
        left: SessionId,
        right: Option<SessionId>,
        file: Arc<str>,
    },
    TapeMute {
        tape: TapeId,
        mute: bool,
    },
    /// Ends a recording, which is kept or thrown away.
    TapeEnd {
        tape: TapeId,
        keep: bool,
    },
    /// What a program does to the leg that hears it. Of no effect unless one does.
    Stream {
        stream: StreamId,
        say: Say,
    },
    /// A beep over what a program says to this leg, which goes on under it. Of no effect unless one
    /// speaks with it.
    Beep {
        session: SessionId,
    },
    /// A prompt, decoded to 8 kHz; replaces an earlier one of the same name.
    Clip {
        id: ClipId,
        samples: Arc<[i16]>,
    },
    /// The leg is over: report its quality, quarantine its port.
    Close {
        session: SessionId,
    },
}

/// What a program says to a leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Say {
    /// Sound, mu-law at 8 kHz, to be heard after all that was said before.
    Voice(Box<[u8]>),
    /// Wants to be told when everything said before it was heard, or was cleared.
    Mark(Arc<str>),
    /// Nothing that was said and not yet heard is to be heard.
    Clear,
    /// Presses a key, now, in place of the voice.
    Key(Digit),
}

/// Why media gives up on a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unheard {
    /// It said more ahead of time than is kept.
    Flood,
    /// The leg speaks no G.711.
    Codec,
}

/// A recording, named by signalling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TapeId(pub u64);

/// The far end of a leg, as negotiated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Where RTP goes; `None` while the far end has no address (hold by 0.0.0.0, port 0).
    pub rtp: Option<SocketAddr>,
    pub rtcp: Option<SocketAddr>,
    /// We may send to it (it said sendrecv or recvonly).
    pub send: bool,
    /// It may send to us.
    pub receive: bool,
    pub codec: Codec,
    /// RFC 4733: payload type *towards the far end*, and the clock rate in Hz.
    pub keys: Keys,
    /// Packet time towards the far end, in milliseconds (20 unless it asked for another).
    pub ptime: u8,
    pub latch: Latch,
}

/// How voice is coded on a leg. Payload types are what the far end wants to receive (`send_pt`)
/// and what it sends (`receive_pt`); they differ only with careless peers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Codec {
    pub kind: CodecKind,
    pub send_pt: u8,
    pub receive_pt: u8,
    /// RTP clock in Hz.
    pub clock: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum CodecKind {
    Pcmu,
    Pcma,
    /// Passed through untouched between legs that share it: encoding name in lower case.
    Other(Arc<str>),
}

/// How digits reach the far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// RFC 4733 events.
    Events { send_pt: u8, receive_pt: u8, clock: u32 },
    /// Tones in the voice.
    InBand,
    /// Not media's business: report [`Report::Press`] when one is due (SIP INFO).
    Outside,
}

/// Whom media listens to on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latch {
    /// Only the signalled address and port.
    Exact,
    /// The signalled address, any port, the first that speaks.
    Address,
    /// Any address (phones behind NAT): the first that speaks within the first seconds after
    /// (re)negotiation. The one that its signalling comes from takes over whenever it speaks, and
    /// so does the signalled one.
    Any { home: Option<IpAddr> },
}

/// What media tells signalling.
#[derive(Clone, Debug)]
pub enum Report {
    /// This RTP port (and the next) is bound and ready.
    Bound {
        local: SocketAddr,
    },
    /// Quarantine is over: the port may be used again.
    Free {
        local: SocketAddr,
    },
    /// No port could be bound.
    Exhausted {
        v6: bool,
    },
    /// A script's line begins.
    Line {
        session: SessionId,
        line: u16,
    },
    ScriptDone {
        session: SessionId,
    },
    Declined {
        session: SessionId,
    },
    ClipMissing {
        session: SessionId,
        clip: ClipId,
    },
    /// The far end said its first word while a script waits for its silence.
    Voice {
        session: SessionId,
    },
    /// Who picked up, as far as its voice tells; once after [`Order::Listen`].
    AnsweredBy {
        session: SessionId,
        by: AnsweredBy,
    },
    /// A key was pressed by the far end (RFC 4733 or in-band), once per press.
    Key {
        session: SessionId,
        digit: Digit,
    },
    /// A digit is due on a leg whose keys are [`Keys::Outside`].
    Press {
        session: SessionId,
        digit: Digit,
    },
    /// Nothing came from the far end for this long, while it should.
    Lost {
        session: SessionId,
        silent: Duration,
    },
    Closed {
        session: SessionId,
        quality: Box<Quality>,
    },
    /// What a program says is not heard any more; told once.
    StreamFailed {
        stream: StreamId,
        why: Unheard,
    },
    TapeGap {
        tape: TapeId,
        ms: u32,
    },
    TapeFailed {
        tape: TapeId,
    },
    TapeClosed {
        tape: TapeId,
        ms: u64,
    },
}

/// How well a leg's media went.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quality {
    pub packets_received: u64,
    pub packets_sent: u64,
    /// Lost on the way to us, by sequence numbers.
    pub packets_lost: u64,
    /// RFC 3550 interarrival jitter at the end, in milliseconds.
    pub jitter_ms: f32,
    /// From the far end's receiver reports.
    pub remote_lost: Option<u64>,
    pub remote_jitter_ms: Option<f32>,
    pub round_trip_ms: Option<f32>,
    /// Packets dropped because they came from somewhere else than the latched source.
    pub foreign: u64,
    /// The last address that was latched, if any packet came.
    pub source: Option<SocketAddr>,
}
