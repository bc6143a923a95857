//! What is done every few seconds, and at the start: gauges, and what is to outlive a restart.

use std::path::Path;
use std::time::Duration;

use tracing::warn;

use super::Server;
use crate::clock::{Instant, Now, Wall};
use crate::model::Condition;
use crate::peer;
use crate::store::{PastCall, past_callers};

/// How often gauges are set and registrations are kept.
pub const EVERY: Duration = Duration::from_secs(5);
/// Registrations that are copied as often as that.
const AT_ONCE: usize = 10_000;

/// The registrations that were handed over last: how many REGISTERs had been taken and how many
/// bindings there were; and when they may be next.
#[derive(Debug, Default)]
pub struct Kept {
    state: (u64, usize),
    next: Instant,
}

impl Server<'_> {
    pub(super) fn keep_house(&mut self) {
        let now = self.clock.now();
        metrics::gauge!("crosspoint_calls_active").set(self.switch.calls() as f64);
        metrics::gauge!("crosspoint_callers_in_line").set(self.switch.in_line() as f64);
        metrics::gauge!("crosspoint_transactions").set(self.switch.transactions() as f64);
        metrics::gauge!("crosspoint_ports_free").set(self.switch.free_ports() as f64);
        metrics::gauge!("crosspoint_registrations").set(self.switch.peers().registered() as f64);
        self.keep_registrations(now);
    }

    /// Hands the registrations over to be kept, if they have changed. They are copied for that, which
    /// takes the loop's time: many of them are kept less often.
    fn keep_registrations(&mut self, now: Now) {
        let peers = self.switch.peers();
        let count = peers.registered();
        let state = (peers.counters().registrations, count);
        if self.kept.state == state || now.at < self.kept.next {
            return;
        }
        if self.registrations.save(peers.snapshot(now)) {
            let pause = EVERY * u32::try_from(1 + count / AT_ONCE).unwrap_or(u32::MAX);
            self.kept = Kept { state, next: now.at + pause };
        }
    }

    /// The registrations as they are when nothing more comes; none if there never were any.
    pub(super) fn last_registrations(&self) -> Option<peer::Snapshot> {
        let peers = self.switch.peers();
        let ever = peers.registered() != 0 || peers.counters().registrations != self.kept.state.0;
        ever.then(|| peers.snapshot(self.clock.now()))
    }

    pub(super) fn restore(&mut self) {
        let Some(bytes) = self.registrations.load() else { return };
        match serde_json::from_slice::<peer::Snapshot>(&bytes) {
            Ok(snapshot) => self.switch.restore(snapshot, self.clock.now()),
            Err(error) => warn!(%error, "kept registrations cannot be read"),
        }
        self.kept.state.1 = self.switch.peers().registered();
    }

    /// Tells the switch who called lately, and what accounts have spent, from the records.
    pub(super) fn remember(&mut self, records: &Path) {
        let now = self.clock.now().wall.unix_micros();
        let long = i64::try_from(Condition::REMEMBERED.as_micros()).unwrap_or(i64::MAX);
        let since = Wall::from_unix_micros(now.saturating_sub(long));
        let tell = |call: &PastCall| {
            self.switch.remember(&call.caller, call.received_at);
            if let (Some(out), Some(ended)) = (&call.called_out, call.ended_at) {
                let talked = Duration::from_millis(out.talk_ms);
                self.switch.remember_spent(&out.account, talked, ended);
            }
        };
        if let Err(error) = past_callers(records, since, tell) {
            warn!(%error, "callers of the past cannot be read");
        }
    }
}
