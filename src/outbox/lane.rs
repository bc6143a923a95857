//! What one webhook is to be told: its calls, each a line of events of which the first goes next.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::{ASKED_WAIT_MAX, Delivery};
use crate::clock::{Instant, Now, Wall};
use crate::model::Webhook;

/// A wait that was kept never holds for longer, whatever the clock on the wall did meanwhile.
const KEPT_WAIT_MAX: Duration = ASKED_WAIT_MAX;

#[derive(Debug, Default)]
pub(super) struct Lane {
    /// None when there is no such webhook any more, or it is off: it is told nothing.
    pub webhook: Option<Arc<Webhook>>,
    calls: BTreeMap<Arc<str>, Line>,
    /// The first of each call that is not on its way, by the time it is due.
    heads: BTreeMap<(Instant, i64), Arc<str>>,
    held: usize,
    pub flying: usize,
    /// Rows up to this one were taken in.
    pub cursor: i64,
    /// There may be more behind the cursor.
    pub more: bool,
    /// They were asked for.
    pub asked: bool,
    /// Not before, for asking failed.
    pub ask_at: Instant,
}

/// The events of one call, the next first.
#[derive(Debug)]
struct Line {
    waiting: VecDeque<Delivery>,
    /// The first is on its way.
    flies: bool,
    due: Instant,
}

impl Lane {
    pub fn held(&self) -> usize {
        self.held
    }

    /// Takes a delivery in, unless it is here already.
    pub fn take(&mut self, new: Delivery, now: Now) {
        let call = new.call.clone();
        let line = self.calls.entry(call.clone()).or_insert_with(|| Line {
            waiting: VecDeque::new(),
            flies: false,
            due: now.at,
        });
        if line.waiting.iter().any(|it| it.id == new.id) {
            return;
        }
        if let Some(head) = line.waiting.front() {
            self.heads.remove(&(line.due, head.id));
        }
        let sorted = line.waiting.partition_point(|it| (it.seq, it.id) < (new.seq, new.id));
        line.waiting.insert(sorted.max(usize::from(line.flies)), new);
        self.held += 1;
        self.line_up(&call, now);
    }

    /// The next to be sent, if there is one that is due: from now on it is on its way.
    pub fn next(&mut self, now: Now) -> Option<Delivery> {
        let most = self.webhook.as_ref().map_or(0, |it| usize::from(it.parallel));
        let ((due, id), call) = self.heads.first_key_value()?;
        if now.at < *due || most <= self.flying {
            return None;
        }
        let (place, call) = ((*due, *id), call.clone());
        self.heads.remove(&place);
        let line = self.calls.get_mut(&call)?;
        line.flies = true;
        self.flying += 1;
        line.waiting.front().cloned()
    }

    /// When [`Lane::next`] has something, if there is room for it.
    pub fn deadline(&self) -> Option<Instant> {
        let most = self.webhook.as_ref().map_or(0, |it| usize::from(it.parallel));
        let (due, _) = self.heads.first_key_value()?.0;
        (self.flying < most).then_some(*due)
    }

    /// The delivery that was on its way and is no more; it is taken out.
    pub fn landed(&mut self, call: &str, id: i64) -> Option<Delivery> {
        let line = self.calls.get_mut(call)?;
        if !line.flies || line.waiting.front().is_none_or(|it| it.id != id) {
            return None;
        }
        line.flies = false;
        self.flying = self.flying.saturating_sub(1);
        self.held = self.held.saturating_sub(1);
        line.waiting.pop_front()
    }

    /// Puts one that failed back in front of its call.
    pub fn put_back(&mut self, failed: Delivery, now: Now) {
        let call = failed.call.clone();
        let fresh = || Line { waiting: VecDeque::new(), flies: false, due: now.at };
        self.calls.entry(call.clone()).or_insert_with(fresh).waiting.push_front(failed);
        self.held += 1;
        self.line_up(&call, now);
    }

    /// Enters the first of a call among those that wait for their time.
    pub fn line_up(&mut self, call: &Arc<str>, now: Now) {
        let Some(line) = self.calls.get_mut(call) else { return };
        match line.waiting.front() {
            Some(head) if !line.flies => {
                line.due = now.at + until(head.due, now.wall);
                self.heads.insert((line.due, head.id), call.clone());
            }
            Some(_) => (),
            None => drop(self.calls.remove(call)),
        }
    }

    /// Forgets all that is not on its way; the store has it.
    pub fn let_go(&mut self) {
        self.heads.clear();
        self.calls.retain(|_, line| line.flies);
        self.calls.values_mut().for_each(|it| it.waiting.truncate(1));
        self.held = self.calls.len();
        (self.cursor, self.more, self.asked) = (0, true, false);
    }
}

fn until(due: Wall, now: Wall) -> Duration {
    let micros = due.unix_micros().saturating_sub(now.unix_micros());
    Duration::from_micros(u64::try_from(micros).unwrap_or(0)).min(KEPT_WAIT_MAX)
}
