//! One leg's media: what comes from the far end, and one continuous stream towards it.
//!
//! `inbound` listens, `outbound` speaks, `control` is RTCP and quality. Who hears whom is the
//! plane's; a session only knows the slots of its listeners.

mod answer;
mod control;
mod inbound;
mod outbound;
mod packer;

use std::collections::VecDeque;
use std::time::Duration;

use smallvec::SmallVec;

use self::answer::Answer;
use self::control::Control;
pub(super) use self::inbound::Heard;
pub(super) use self::outbound::Said;
use self::packer::Packer;
use super::latch::Gate;
use super::player::Player;
use super::script::Performance;
use super::stream::Stream;
use super::tape::Side;
use super::{CodecKind, Keys, PortId, Remote, SessionId, TICK};
use crate::audio::{Detector, Digit, Law, Source};
use crate::clock::{Instant, Now};
use crate::rtp::{Continuity, KeyReceiver, KeySender, Reception};

/// One leg.
#[derive(Debug)]
pub(super) struct Session {
    pub id: SessionId,
    pub port: PortId,
    remote: Option<Remote>,
    gate: Gate,
    /// The stream towards the far end.
    stream: Continuity,
    reception: Reception,
    keys: KeyReceiver,
    /// Hears keys in the voice: where the far end has no other way to send them, or has shown no
    /// other yet and somebody here waits for one.
    detector: Option<Box<Detector>>,
    /// An event has come: it does send them so.
    events_seen: bool,
    /// The latest key that was heard in the voice beside events.
    in_voice: Option<(Digit, Instant)>,
    answer: Answer,
    swallow: bool,
    /// The latest key is not for who hears this leg.
    taken: bool,
    pub source: Source<SessionId>,
    player: Option<Player>,
    pressing: Option<KeySender>,
    /// Keys of the leg it hears, for a far end that gets them in another way than they came: each
    /// is pressed for it as by a script, in place of the voice.
    dialling: VecDeque<Digit>,
    dialled: Option<Box<Performance>>,
    packer: Packer,
    next_tick: Option<Instant>,
    /// Slots of the sessions that hear this one.
    pub listeners: SmallVec<[u32; 2]>,
    /// The slot of the tape that records this leg.
    pub tape: Option<(u32, Side)>,
    control: Control,
    /// When the far end last gave a sign, and whether its silence was reported.
    heard: Instant,
    lost: bool,
    /// The plane's note of the alarm that is set for this session.
    pub armed: Option<Instant>,
}

/// What a session needs of chance (RFC 3550 sections 5.1 and 6.5.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Chance {
    pub ssrc: u32,
    pub sequence: u16,
    pub timestamp: u32,
    pub name: u64,
}

impl CodecKind {
    /// The law of a G.711 codec.
    pub(super) fn law(&self) -> Option<Law> {
        match self {
            Self::Pcmu => Some(Law::Mu),
            Self::Pcma => Some(Law::A),
            Self::Other(_) => None,
        }
    }
}

impl Session {
    /// Ticks of all sessions fall on this grid, so that they are served in batches.
    const GRID: Duration = Duration::from_millis(5);
    /// A tick that is later than this many ticks moves the clock: a stall is not made up for.
    const BURST: u32 = 5;

    pub fn new(id: SessionId, port: PortId, chance: Chance, now: Now) -> Self {
        let Chance { ssrc, sequence, timestamp, name } = chance;
        let clock = crate::audio::RATE;
        Self {
            id,
            port,
            remote: None,
            gate: Gate::new(),
            stream: Continuity::new(ssrc, sequence, timestamp, clock),
            reception: Reception::new(clock),
            keys: KeyReceiver::default(),
            detector: None,
            events_seen: false,
            in_voice: None,
            answer: Answer::Unasked,
            swallow: false,
            taken: false,
            source: Source::Silence,
            player: Some(Player::Silence),
            pressing: None,
            dialling: VecDeque::new(),
            dialled: None,
            packer: Packer::default(),
            next_tick: None,
            listeners: SmallVec::new(),
            tape: None,
            control: Control::new(name),
            heard: now.at,
            lost: false,
            armed: None,
        }
    }

    /// A negotiation, the first or a later one.
    pub fn negotiate(&mut self, remote: Remote, now: Now) {
        let was_receiving = self.remote.as_ref().is_some_and(|it| it.receive);
        if remote.receive && !was_receiving {
            self.heard = now.at;
            self.lost = false;
        }
        self.gate.negotiate(remote.latch, remote.rtp, now.at);
        self.stream.set_clock(remote.codec.clock);
        self.reception.set_clock(remote.codec.clock);
        self.packer.set(remote.ptime);
        match remote.keys {
            Keys::InBand if self.detector.is_none() => self.detector = Some(Box::default()),
            Keys::InBand => {}
            // Listened to in doubt, when a voice comes.
            Keys::Events { .. } | Keys::Outside => self.detector = None,
        }
        self.control.begin(now.at);
        self.remote = Some(remote);
        self.wind(now.at);
    }

    /// Hears another source from now on. The same again changes nothing.
    pub fn hear(&mut self, source: Source<SessionId>, now: Instant) {
        if self.source == source {
            return;
        }
        self.player = Player::of(&source, now);
        self.remind_player();
        self.source = source;
        self.pressing = None;
        self.dialled = None;
        self.dialling.clear();
        self.packer.clear();
        self.wind(now);
    }

    /// The program that this leg speaks with.
    pub fn stream(&mut self) -> Option<&mut Stream> {
        match &mut self.player {
            Some(Player::Stream(stream)) => Some(stream),
            _ => None,
        }
    }

    /// Keys pressed on this leg stay with us.
    pub fn swallows(&self) -> bool {
        self.swallow
    }

    pub fn swallow_keys(&mut self, on: bool) {
        self.swallow = on;
    }

    /// The law the far end speaks.
    pub fn law(&self) -> Option<Law> {
        self.remote.as_ref()?.codec.kind.law()
    }

    /// Starts or stops the 20 ms clock: it runs while there is something to play and somewhere to
    /// play it, and through silence once a stream has begun.
    fn wind(&mut self, now: Instant) {
        let plays = match &self.player {
            None => self.dials(),
            Some(Player::Silence) => self.control.has_sent(),
            Some(_) => true,
        };
        if !plays || self.remote.is_none() {
            self.next_tick = None;
        } else if self.next_tick.is_none() {
            let grid = Self::GRID.as_micros() as u64;
            self.next_tick = Some(Instant::from_micros(now.micros().next_multiple_of(grid)));
        }
    }

    /// The next tick that is due by `now`, if one is. Catches up with a short stall, and lets the
    /// clock slip by a long one.
    fn due_tick(&mut self, now: Instant) -> Option<Instant> {
        let due = self.next_tick?;
        if now < due {
            return None;
        }
        let due = if TICK * Self::BURST < now.since(due) {
            let grid = Self::GRID.as_micros() as u64;
            Instant::from_micros(now.micros() / grid * grid)
        } else {
            due
        };
        self.next_tick = Some(due + TICK);
        Some(due)
    }

    /// When this session next wants to be woken.
    pub fn deadline(&self, timeout: Option<Duration>) -> Option<Instant> {
        [self.next_tick, self.control.due(), self.lost_at(timeout)].into_iter().flatten().min()
    }

    fn lost_at(&self, timeout: Option<Duration>) -> Option<Instant> {
        let expecting = self.remote.as_ref().is_some_and(|it| it.receive) && !self.lost;
        timeout.filter(|_| expecting).map(|it| self.heard + it)
    }

    /// How long nothing has come, told once each time the timeout is reached.
    pub fn notice_loss(&mut self, timeout: Option<Duration>, now: Instant) -> Option<Duration> {
        let due = self.lost_at(timeout).is_some_and(|it| it <= now);
        self.lost |= due;
        due.then(|| now.since(self.heard))
    }
}
