//! What media tells, in the words of the call it is about.

use super::ids::BranchKey;
use super::{Out, Switch};
use crate::audio::StreamId;
use crate::call::{Event, Leg, TapeEvent};
use crate::clock::Now;
use crate::media::{Quality, Report, SessionId, TapeId, Unheard};
use crate::model::record;
use crate::stream::{Fault, Told};

impl Switch {
    pub fn on_report(&mut self, report: Report, now: Now, out: &mut Vec<Out>) {
        match report {
            Report::Bound { local } => self.ports.bound(local),
            Report::Free { local } => self.ports.give_back(local),
            Report::Exhausted { v6 } => {
                if self.ports.exhausted(v6, now.at) {
                    metrics::counter!("crosspoint_ports_exhausted_total").increment(1);
                }
            }
            Report::Line { session, line } => {
                self.of_session(session, |leg| Event::Line { leg, line });
            }
            Report::ScriptDone { session } => {
                self.of_session(session, |leg| Event::ScriptDone { leg });
            }
            Report::Declined { session } => self.of_session(session, |leg| Event::Declined { leg }),
            Report::ClipMissing { session, .. } => {
                self.of_session(session, |leg| Event::ClipMissing { leg });
            }
            Report::Voice { session } => self.of_session(session, |leg| Event::Voice { leg }),
            Report::AnsweredBy { session, by } => {
                self.of_session(session, |leg| Event::AnsweredBy { leg, by });
            }
            Report::Key { session, digit } => {
                self.of_session(session, |leg| Event::Key { leg, digit });
            }
            Report::Press { session, digit } => {
                let key = BranchKey::unpack(session.0);
                self.turn(key, now, out, |leg, turn| leg.send_key(digit, turn));
            }
            Report::Lost { session, .. } => {
                self.of_session(session, |leg| Event::MediaLost { leg });
            }
            Report::Closed { session, quality } => {
                let quality = Box::new(quality_of(&quality));
                self.of_session(session, |leg| Event::Quality { leg, quality: quality.clone() });
            }
            Report::StreamFailed { stream, why } => {
                let fault = match why {
                    Unheard::Flood => Fault::Flood,
                    Unheard::Codec => Fault::Codec,
                };
                self.of_stream(stream, Told::Lost(fault));
            }
            Report::TapeGap { tape, ms } => self.of_tape(tape, TapeEvent::Gap { ms }),
            Report::TapeFailed { tape } => self.of_tape(tape, TapeEvent::Failed),
            Report::TapeClosed { tape, ms } => self.of_tape(tape, TapeEvent::Closed { ms }),
        }
        self.settle(now, out);
    }

    /// Tells the call, if the session is the one that speaks for its leg.
    fn of_session(&mut self, session: SessionId, event: impl Fn(Leg) -> Event) {
        let key = BranchKey::unpack(session.0);
        let Some(entry) = self.calls.get_mut(key.call) else { return };
        if entry.speaker(key.leg).is_none_or(|(branch, _)| branch != key.branch) {
            return;
        }
        let Some(leg) = entry.leg(key.leg) else { return };
        let (name, lent) = (Leg(leg.named), leg.lent);
        self.work.push_back((key.call, event(name)));
        if let Some((call, number)) = lent
            && let Some(name) = self.name_of(call, number)
        {
            self.work.push_back((call, event(name)));
        }
    }

    /// What a program does.
    pub fn on_stream(&mut self, stream: StreamId, told: Told, now: Now, out: &mut Vec<Out>) {
        self.of_stream(stream, told);
        self.settle(now, out);
    }

    fn of_stream(&mut self, stream: StreamId, told: Told) {
        let key = BranchKey::unpack(stream.0);
        let stream = StreamId(u64::from(key.branch));
        self.work.push_back((key.call, Event::Stream { stream, told }));
    }

    fn of_tape(&mut self, tape: TapeId, told: TapeEvent) {
        let key = BranchKey::unpack(tape.0);
        self.work.push_back((key.call, Event::Tape { tape: key.branch, told }));
    }
}

fn quality_of(it: &Quality) -> record::Quality {
    record::Quality {
        packets_received: it.packets_received,
        packets_sent: it.packets_sent,
        packets_lost: it.packets_lost,
        jitter_ms: it.jitter_ms,
        remote_lost: it.remote_lost,
        remote_jitter_ms: it.remote_jitter_ms,
        round_trip_ms: it.round_trip_ms,
    }
}
