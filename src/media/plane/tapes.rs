//! The recordings of one worker.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use crate::audio::Law;
use crate::clock::Instant;
use crate::media::session::Session;
use crate::media::slots::Slots;
use crate::media::tape::{Side, Tape, Voice};
use crate::media::{Outlet, Reel, Report, SessionId, TapeId};

/// All tapes that run, and ends that found no room yet.
#[derive(Debug, Default)]
pub(super) struct Tapes {
    tapes: Slots<Tape>,
    slots: BTreeMap<TapeId, u32>,
    ends: VecDeque<(TapeId, u64, bool)>,
    next: Option<Instant>,
    /// The plane's note of the alarm that is set.
    pub armed: Option<Instant>,
}

impl Tapes {
    /// How often tapes are seen to whose legs are silent, and ends are offered again.
    const EVERY: Duration = Duration::from_millis(500);

    /// Begins to record two legs, or one. The left one's codec decides the law; a leg that speaks
    /// another codec than G.711 is recorded as silence, and that is reported as a failure.
    #[expect(clippy::too_many_arguments, reason = "the plane's parts, taken apart to be borrowed")]
    pub fn begin(
        &mut self,
        id: TapeId,
        (left, right): (SessionId, Option<SessionId>),
        known: &HashMap<SessionId, u32>,
        file: &str,
        sessions: &mut Slots<Session>,
        now: Instant,
        out: &mut dyn Outlet,
    ) {
        if self.slots.contains_key(&id) {
            return;
        }
        let slot = |leg: SessionId| known.get(&leg).copied();
        let law = |leg| sessions.get(slot(leg)?)?.law();
        let laws = (law(left), right.map(law));
        if laws.0.is_none() || laws.1 == Some(None) {
            out.report(Report::TapeFailed { tape: id });
        }
        let law = laws.0.or(laws.1.flatten()).unwrap_or(Law::Mu);
        let slots = (slot(left), right.map(slot));
        if slots.0.is_none() || slots.1 == Some(None) {
            return;
        }
        if !out.tape(Reel::Open { tape: id, file, law }) {
            out.report(Report::TapeFailed { tape: id });
            return;
        }
        let tape = self.tapes.put(Tape::new(id, law, left, right, now));
        self.slots.insert(id, tape);
        for (slot, side) in [(slots.0, Side::Left), (slots.1.flatten(), Side::Right)] {
            if let Some(session) = slot.and_then(|it| sessions.get_mut(it)) {
                session.tape = Some((tape, side));
            }
        }
        self.next.get_or_insert(now + Self::EVERY);
    }

    pub fn mute(&mut self, id: TapeId, mute: bool, now: Instant) {
        if let Some(tape) = self.slots.get(&id).and_then(|it| self.tapes.get_mut(*it)) {
            tape.mute(mute, now);
        }
    }

    /// Ends a recording: everything up to now goes out, and the end after it.
    pub fn end(
        &mut self,
        id: TapeId,
        keep: bool,
        slots: &HashMap<SessionId, u32>,
        sessions: &mut Slots<Session>,
        now: Instant,
        out: &mut dyn Outlet,
    ) {
        let Some(slot) = self.slots.remove(&id) else { return };
        let Some(mut tape) = self.tapes.take(slot) else { return };
        for leg in [Some(tape.left), tape.right].into_iter().flatten() {
            if let Some(session) = slots.get(&leg).and_then(|it| sessions.get_mut(*it))
                && session.tape.is_some_and(|(it, _)| it == slot)
            {
                session.tape = None;
            }
        }
        let (ms, gap) = tape.end(now, &mut |it| out.tape(it));
        if let Some(ms) = gap {
            out.report(Report::TapeGap { tape: id, ms });
        }
        self.ends.push_back((id, tape.frames(), keep));
        self.offer_ends(out);
        if !self.ends.is_empty() {
            self.next.get_or_insert(now + Self::EVERY);
        }
        out.report(Report::TapeClosed { tape: id, ms });
    }

    /// Lays voice on a tape.
    pub fn record(
        &mut self,
        slot: u32,
        side: Side,
        voice: Voice<'_>,
        now: Instant,
        out: &mut dyn Outlet,
    ) {
        let Some(tape) = self.tapes.get_mut(slot) else { return };
        Self::advance(tape, now, out);
        tape.record(side, voice, now);
    }

    /// Sees to all tapes.
    pub fn on_time(&mut self, at: Instant, now: Instant, out: &mut dyn Outlet) {
        if self.armed == Some(at) {
            self.armed = None;
        }
        if self.next.is_none_or(|it| now < it) {
            return;
        }
        for slot in self.slots.values() {
            if let Some(tape) = self.tapes.get_mut(*slot) {
                Self::advance(tape, now, out);
            }
        }
        self.offer_ends(out);
        let idle = self.slots.is_empty() && self.ends.is_empty();
        self.next = (!idle).then(|| now + Self::EVERY);
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.next
    }

    fn advance(tape: &mut Tape, now: Instant, out: &mut dyn Outlet) {
        if let Some(ms) = tape.advance(now, &mut |it| out.tape(it)) {
            out.report(Report::TapeGap { tape: tape.id, ms });
        }
    }

    fn offer_ends(&mut self, out: &mut dyn Outlet) {
        while let Some((tape, frames, keep)) = self.ends.front().copied() {
            if !out.tape(Reel::End { tape, frames, keep }) {
                break;
            }
            self.ends.pop_front();
        }
    }
}
