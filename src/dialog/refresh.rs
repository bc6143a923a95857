//! Session timers (RFC 4028): a call whose far end died without a BYE ends all the same.
//!
//! ```text
//!  2xx with Session-Expires                                   BYE, by either side
//!  |------------- half --------------|------------ - min(32 s, a third) --|
//!                                    refresh, by the refresher
//! ```

use std::time::Duration;

use super::answers::Answer;
use super::head::{Lines, own};
use crate::clock::Instant;
use crate::sip::{Message, Name, Refresher};

/// RFC 4028 section 5: the floor of every interval, in seconds.
pub const MIN_SE: u32 = 90;
/// The longest interval taken over, in seconds (a day).
const MAX_SE: u32 = 86_400;

/// What we ask for and put up with, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    pub wanted: u32,
    /// Not under 90.
    pub least: u32,
}

impl Default for Interval {
    fn default() -> Self {
        Self { wanted: 1800, least: MIN_SE }
    }
}

/// What one 2xx agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Terms {
    pub seconds: u32,
    /// We refresh.
    pub ours: bool,
}

/// A running timer.
#[derive(Clone, Debug)]
pub(super) struct Timer {
    pub terms: Terms,
    refresh_at: Option<Instant>,
    bye_at: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Refresh,
    Expired,
}

impl Interval {
    fn floor(self) -> u32 {
        self.least.max(MIN_SE)
    }

    /// The callee's rules (RFC 4028 section 9): the terms we set, none if there is no timer, or
    /// 422.
    pub(super) fn judge(self, request: &Message) -> Result<Option<Terms>, Answer> {
        let supports = request.supports("timer") || request.requires("timer");
        let floor = request.min_se().unwrap_or(MIN_SE).max(MIN_SE);
        let Some(asked) = request.session_expires() else {
            // Nobody asked. We may, if the caller can: then we refresh, and depend on nobody.
            let seconds = self.wanted.max(floor).min(MAX_SE);
            return Ok(supports.then_some(Terms { seconds, ours: true }));
        };
        if asked.seconds < self.floor() && supports {
            return Err(Answer::interval_too_small(self.floor()));
        }
        if asked.seconds < MIN_SE {
            // Too short, from one who would not understand the refusal.
            return Ok(None);
        }
        let seconds = asked.seconds.min(self.wanted.max(floor)).min(MAX_SE);
        // Table 2: their choice stands; a caller that cannot refresh has us refresh.
        let ours = !supports || asked.refresher == Some(Refresher::Uas);
        Ok(Some(Terms { seconds, ours }))
    }

    /// What a request of ours asks for: Session-Expires and Min-SE (section 7.1 and 7.4).
    pub(super) fn lines(self, least: u32, running: Option<&Timer>) -> Lines {
        let least = least.max(self.floor());
        let (seconds, refresher) = match running {
            None => (self.wanted, ""),
            Some(timer) if timer.terms.ours => (timer.terms.seconds, ";refresher=uac"),
            Some(timer) => (timer.terms.seconds, ";refresher=uas"),
        };
        let seconds = seconds.max(least);
        let mut lines = vec![(Name::SessionExpires, own(format!("{seconds}{refresher}")))];
        if MIN_SE < least {
            lines.push((Name::MinSE, own(least.to_string())));
        }
        lines
    }
}

impl Terms {
    /// The caller's rules (RFC 4028 section 7.2): what a 2xx to our request says.
    pub fn of_response(response: &Message) -> Option<Self> {
        let set = response.session_expires()?;
        let seconds = set.seconds.clamp(MIN_SE, MAX_SE);
        Some(Self { seconds, ours: set.refresher != Some(Refresher::Uas) })
    }

    /// What our 2xx says. `supports`: the caller knows timers.
    pub fn lines(self, supports: bool) -> Lines {
        let refresher = if self.ours { "uas" } else { "uac" };
        let text = format!("{};refresher={refresher}", self.seconds);
        let mut lines = vec![(Name::SessionExpires, own(text))];
        if supports {
            lines.push((Name::Require, own("timer")));
        }
        lines
    }

    pub fn start(self, now: Instant) -> Timer {
        let whole = Duration::from_secs(u64::from(self.seconds));
        let early = Duration::from_secs(32).min(whole / 3);
        Timer {
            terms: self,
            refresh_at: self.ours.then_some(now + whole / 2),
            bye_at: now + whole - early,
        }
    }
}

impl Timer {
    pub fn deadline(&self) -> Instant {
        self.refresh_at.map_or(self.bye_at, |it| it.min(self.bye_at))
    }

    pub fn on_time(&mut self, now: Instant) -> Due {
        if self.bye_at <= now {
            return Due::Expired;
        }
        match self.refresh_at {
            Some(at) if at <= now => {
                self.refresh_at = None;
                Due::Refresh
            }
            _ => Due::Nothing,
        }
    }

    /// A refresh was refused for a passing reason: once more, halfway to the end.
    pub fn retry(&mut self, now: Instant) {
        if self.terms.ours {
            let left = self.bye_at.since(now) / 2;
            if Duration::from_secs(1) < left {
                self.refresh_at = Some(now + left);
            }
        }
    }
}
