//! All that a call can be told, and all that it can ask for. No SIP, no sockets: only the trade.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::audio::{AnsweredBy, Digit, Source, StreamId};
use crate::desk;
use crate::flow::Spent;
use crate::model::event::Fact;
use crate::model::record::{CallRecord, Cause, Quality};
use crate::model::{Identity, ReceivingNumber};
use crate::stream;

/// One side of the call. 0 is the caller; destinations count up and are never reused in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Leg(pub u8);

impl Leg {
    pub const CALLER: Self = Self(0);
}

/// What a call is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The destination rings; `early_media` if it already sends audio of its own.
    Ringing { leg: Leg, early_media: bool },
    /// The destination picked up. It hears silence until told otherwise.
    Answered { leg: Leg },
    /// The destination's final refusal, or what stands for one: 408 if nothing was heard of it, 503
    /// if there was no way to it, 488 if we have no codec in common. Its cause is `local` only if
    /// that failed inside us (no room, a trunk that is not there): what the network or the far end
    /// did to us is not our failure, and calls for no fail-safe (PRODUCT section 12).
    Refused { leg: Leg, cause: Cause },
    /// A leg that had answered, or the caller, is gone.
    HungUp { leg: Leg, cause: Cause },
    /// The script's line with this index begins.
    Line { leg: Leg, line: u16 },
    /// The script has played to its end (an accept line: the key was pressed).
    ScriptDone { leg: Leg },
    /// The accept line was refused or ran out.
    Declined { leg: Leg },
    /// A clip could not be played and was skipped.
    ClipMissing { leg: Leg },
    /// The leg said its first word while a script waits for its silence.
    Voice { leg: Leg },
    /// Who picked up, as far as its voice tells; at most once, up to some seconds after
    /// [`Effect::Listen`].
    AnsweredBy { leg: Leg, by: AnsweredBy },
    /// A key pressed by this leg outside of an accept line.
    Key { leg: Leg, digit: Digit },
    /// No media from this leg for the configured time.
    MediaLost { leg: Leg },
    /// This leg put its other side on hold, or took it back.
    Held { leg: Leg, on: bool },
    /// This leg asks us to put its other side through to somebody else. It is told what becomes of
    /// it by [`Effect::Referred`], at least once.
    Transfer { leg: Leg, to: Box<Aim> },
    /// Somebody calls in who wants the place of this leg, which rings or talks, as `to`. Whoever is
    /// not taken in by [`Effect::TakeIn`] at once is refused.
    Replace { leg: Leg, to: Arc<ReceivingNumber> },
    /// Who talked with this leg goes on in another call, which says what it hears from now on.
    Joined { leg: Leg, call: Arc<str> },
    /// The other call, which this one's last leg had gone to, let it go.
    Parted { cause: Cause },
    /// What became of a recording, by its number in [`Effect::Tape`].
    Tape { tape: u8, told: TapeEvent },
    /// Media quality of a leg, told once when its session closes.
    Quality { leg: Leg, quality: Box<Quality> },
    /// The desk's word to a caller who waits.
    Desk(desk::Told),
    /// What a program that the call asked for does, by its number.
    Stream { stream: StreamId, told: stream::Told },
    /// So much talk is left for this call of an account's calls out ([`Effect::Spend`]): it shares
    /// the day's minutes with the others.
    Minutes { left: Duration },
    /// The operator or the shutdown limit ends the call.
    Stop { cause: Cause },
    /// Whoever hears a whisper now is to hear what comes after it.
    SkipWhisper,
    /// A deadline has come.
    Time,
}

/// Whom a leg wants its other side put through to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Aim {
    /// Whoever that is that it could have dialled: as [`super::Facts::dialled`], with what its
    /// account has used of its calls out.
    /// With `instead`, another call of its own rings them already, and is given up for this one
    /// ([`Effect::GiveUp`]).
    Dialled { dialled: Arc<str>, spent: Spent, instead: Option<u64> },
    /// Who is at the other end of another call of its own, by which they talked it over.
    /// `handle` is for [`Effect::Join`].
    Party { call: Arc<str>, to: Arc<ReceivingNumber>, handle: u64 },
    /// Somebody who cannot be found.
    Nobody,
}

/// What a leg is told of the transfer that it asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Referred {
    /// It is not done.
    Refused {
        cause: Cause,
    },
    /// Somebody is being rung.
    Trying,
    Ringing,
    /// Its other side talks to whom it was put through to.
    Done,
    /// Nobody took the call; it is given back.
    Failed {
        cause: Cause,
    },
}

/// What becomes of a recording on its way to the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TapeEvent {
    /// Samples were lost to a full or stalled disk: how many milliseconds.
    Gap { ms: u32 },
    /// The file could not be written on.
    Failed,
    /// The file is complete: its length in milliseconds.
    Closed { ms: u64 },
}

/// What a call asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Effect {
    /// Tell the caller that it rings: a plain 180, or a 183 with a session if `early_media` (what
    /// it then hears is said by [`Effect::Hear`]). At most once each, the plain one first.
    Ring { early_media: bool },
    /// Answer the caller.
    Answer,
    /// Refuse the caller, who was never answered: the one final answer to its INVITE.
    Refuse { cause: Cause, retry_after: Option<u32> },
    /// Ring a destination.
    Invite(Box<Offer>),
    /// Let go of a leg, whatever it is doing: cancel or hang up. Harmless when said again (a
    /// destination that answers after it was let go is let go once more).
    Release { leg: Leg, cause: Cause },
    /// What became of the transfer that this leg asked for.
    Referred { leg: Leg, told: Referred },
    /// From now on `caller` is called the caller, and who was it until now is called `other`: it
    /// put `caller` through to somebody else and is still there.
    Swap { caller: Leg, other: Leg },
    /// From now on `leg` is who is at the other end of that other call, which is told so. It has
    /// answered.
    Join { leg: Leg, handle: u64 },
    /// That other call is not wanted any more.
    GiveUp { handle: u64 },
    /// Who asked by [`Event::Replace`] is this leg from now on. It ends in [`Event::Answered`], or
    /// in [`Event::Refused`] as after [`Effect::Invite`].
    TakeIn(Box<Offer>),
    /// Who asked by [`Event::Replace`] cannot be taken in.
    TurnAway { cause: Cause },
    /// This call counts as one that goes out for that account, until it is over.
    Spend { account: Arc<str> },
    /// It does so no more: nobody outside took it.
    Spare,
    /// From now on this leg hears that, whatever it heard before.
    Hear(Leg, Source<Leg>),
    /// A beep over what a program says to this leg.
    Beep(Leg),
    /// This leg has picked up: tell by [`Event::AnsweredBy`] who it sounds like.
    Listen(Leg),
    /// Keys pressed by this leg are reported but not passed on to the other side, or they are
    /// again. Off until said; gone with the leg.
    SwallowKeys { leg: Leg, on: bool },
    /// Record `left` and `right` to this file from now on; with `left` alone, what a program says
    /// to it is on the right side. `tape` is never reused in a call, and one tape has ended before
    /// the next begins.
    Tape { tape: u8, left: Leg, right: Option<Leg>, file: Arc<str> },
    /// The tape runs on, with silence on it (`mute`), or with sound again.
    TapeMute { tape: u8, mute: bool },
    /// Stop recording and close the file, which is kept or thrown away.
    TapeEnd { tape: u8, keep: bool },
    /// Ask the desk, which knows who waits for whom in all calls.
    Desk(desk::Ask),
    /// What is wanted of a program; `stream` is its number in the call, as in
    /// [`Source::Stream`].
    Stream { stream: StreamId, order: stream::Order },
    /// Something that operators and developers can see happen.
    Note(Fact),
    /// Write the record as it stands: when the call begins, is connected, parts, and ends.
    Journal(Box<CallRecord>),
    /// The call is over and its record complete: drop it. Every leg was released or had ended
    /// before, up to half a second earlier: in between, the call waits for [`Event::Quality`] of
    /// the answered legs and for [`TapeEvent::Closed`].
    End,
}

/// A destination about to be rung.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    pub leg: Leg,
    pub to: Arc<ReceivingNumber>,
    /// What the destination sees of the caller.
    pub identity: Identity,
    /// Whether the destination's own early media may reach the caller.
    pub early_media: bool,
}
