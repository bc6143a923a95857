//! One side of a talk asks us to put its other side through to somebody else.
//!
//! ```text
//!  talking --asked--> transferring --somebody takes it--> talking
//!     ^  |                |   |
//!     |  refused          |   +--nobody, who asked is gone--> the route for that
//!     +--+<--nobody-------+
//!
//!  talking --asked, for who is at the other end of a call of its own--> talking
//!  (the other call) talking --joined--> joined --> over
//! ```
//! Who is rung is rung as on any other way ([`Offering`]): its schedule, its script and its veto
//! of a recording hold. A recording ends where the talk ends; whoever talks next has one of its
//! own, or none. A caller who was not told of recording so far is told before somebody rings who may
//! be recorded, or as it is joined with them. While somebody rings, the other side hears ringing (or the music for it) and who
//! asked hears nothing; if nobody takes the call it is given back, without a second whisper.

use std::sync::Arc;
use std::time::Duration;

use super::asking::LONGEST_MESSAGE;
use super::cause;
use super::ending::end;
use super::entering::{after_dial, enter};
use super::offering::{Meanwhile, Offering};
use super::story::{Caller, Story, Turn};
use super::talking::Talking;
use super::{Aim, Effect, Event, Leg, Phase, Referred, Target};
use crate::audio::{Line, Script, Source};
use crate::clock::Instant;
use crate::flow::{self, Barred, Plan, Reach, Ring, Spent};
use crate::model::event::What;
use crate::model::record::Cause;
use crate::model::{Prompt, ReceivingNumber, Route};

/// Somebody is rung for a side that is being put through.
pub(super) struct Transferring {
    pub offering: Offering,
    /// The recording notice is said first.
    notice: Option<Notice>,
    /// Who asked, until it hangs up.
    by: Option<By>,
    rang: bool,
}

struct Notice {
    until: Instant,
    /// Who is rung then.
    rings: Vec<Ring>,
}

/// Who asked, and as whom it has the call back if nobody takes it.
pub(super) struct By {
    pub leg: Leg,
    to: Arc<ReceivingNumber>,
}

/// A call that is given up may ring the same phone: that is told before it is rung anew.
const HANDOVER: Duration = Duration::from_millis(200);

/// The account that a call goes out for, and how long it may talk.
type Spend = (Arc<str>, Duration);

/// What is to be done for a transfer that is allowed.
pub(super) enum Way {
    Ring { rings: Vec<Ring>, spend: Option<Spend> },
    Enter(Route),
    Join { to: Arc<ReceivingNumber>, call: Arc<str>, handle: u64 },
}

pub(super) fn refuse(leg: Leg, cause: Cause, story: &Story, turn: &mut Turn<'_>) {
    let there = match leg {
        Leg::CALLER => story.caller == Caller::Answered,
        leg => story.is_on_the_line(leg),
    };
    if there {
        turn.say(Effect::Referred { leg, told: Referred::Refused { cause } });
    }
}

/// A leg of a talk wants its other side put through.
pub(super) fn ask(
    talk: Talking,
    leg: Leg,
    aim: &Aim,
    story: &mut Story,
    turn: &mut Turn<'_>,
) -> Phase {
    let way = match who_asks(&talk, leg, story) {
        Some(by) => aimed(&by, aim, story, turn).map(|it| (by, it)),
        None => Err(cause::no_transfer(403)),
    };
    let (to, way) = match way {
        Ok(found) => found,
        Err(cause) => {
            story.step(format!("no transfer: {}", cause.reason), turn);
            refuse(leg, cause, story, turn);
            return Phase::Talking(talk);
        }
    };
    let instead = match aim {
        Aim::Dialled { instead, .. } => *instead,
        Aim::Party { .. } | Aim::Nobody => None,
    };
    go(talk, leg, to, (way, instead), story, turn)
}

/// Puts the other side of `leg` through, who is `to` as a destination; a call that rings there
/// already is given up for it.
pub(super) fn go(
    talk: Talking,
    leg: Leg,
    to: Arc<ReceivingNumber>,
    (way, instead): (Way, Option<u64>),
    story: &mut Story,
    turn: &mut Turn<'_>,
) -> Phase {
    let Some(by) = part(&talk, leg, to, story, turn) else {
        refuse(leg, cause::too_many_legs(), story, turn);
        return Phase::Talking(talk);
    };
    let mut first = Duration::ZERO;
    if let Some(handle) = instead {
        turn.say(Effect::GiveUp { handle });
        first = HANDOVER;
    }
    match way {
        Way::Ring { rings, spend } => ring(rings, first, spend, by, story, turn),
        Way::Enter(route) => {
            done(&by, story, turn);
            story.ringback(turn);
            enter(route, story, turn)
        }
        Way::Join { to, call, handle } => join(&by, &to, &call, handle, story, turn),
    }
}

/// Who asks, as a destination, if it may put somebody through.
fn who_asks(talk: &Talking, leg: Leg, story: &Story) -> Option<Arc<ReceivingNumber>> {
    let to = match leg {
        Leg::CALLER => story.caller_as_destination()?,
        leg if leg == talk.callee => Arc::clone(&talk.to),
        _ => return None,
    };
    to.transfers().then_some(to)
}

/// Who is meant by a leg, and whether they can be reached now.
fn aimed(
    by: &ReceivingNumber,
    aim: &Aim,
    story: &mut Story,
    turn: &Turn<'_>,
) -> Result<Way, Cause> {
    match aim {
        Aim::Dialled { dialled, spent, .. } => dialled_by(Some(by), dialled, spent, story, turn),
        Aim::Party { call, to, handle } => {
            let (to, call) = (Arc::clone(to), Arc::clone(call));
            Ok(Way::Join { to, call, handle: *handle })
        }
        Aim::Nobody => Err(Barred::Unknown.cause()),
    }
}

/// Who is meant by a command, and whether they can be reached now. `by` is who talks with the
/// caller.
pub(super) fn way(
    by: Option<&ReceivingNumber>,
    to: &Target,
    story: &mut Story,
    turn: &Turn<'_>,
) -> Result<Way, Cause> {
    match to {
        Target::Route(route) => routed(Some(route.clone()), story, turn),
        Target::Dialled { dialled, spent } => dialled_by(by, dialled, spent, story, turn),
    }
}

fn dialled_by(
    by: Option<&ReceivingNumber>,
    dialled: &str,
    spent: &Spent,
    story: &mut Story,
    turn: &Turn<'_>,
) -> Result<Way, Cause> {
    let directory = Arc::clone(&story.directory);
    let user = by.and_then(ReceivingNumber::account);
    let account = user.and_then(|it| directory.account(it));
    let reach = flow::reach(&directory, dialled, account.map(|it| &**it));
    match reach.map_err(Barred::cause)? {
        Reach::Tracking(number) => routed(number.route.clone(), story, turn),
        Reach::Inside(to) => {
            let plan = story.draw(turn.desk, |_, draw| flow::plan_one(to, turn.now.wall, draw));
            planned(plan, None, story, turn)
        }
        Reach::Outside { to, rules } => {
            let left = flow::may_spend(&rules, spent).map_err(Barred::cause)?;
            let shown = flow::shown(&rules, &story.facts.caller).map_err(Barred::cause)?;
            let to = Arc::new(ReceivingNumber { caller_id: Some(shown), ..(*to).clone() });
            let plan = story.draw(turn.desk, |_, draw| flow::plan_one(to, turn.now.wall, draw));
            planned(plan, user.map(|it| (Arc::clone(it), left)), story, turn)
        }
    }
}

fn routed(route: Option<Route>, story: &mut Story, turn: &Turn<'_>) -> Result<Way, Cause> {
    match route {
        None | Some(Route::Hangup) => Err(cause::no_transfer(480)),
        Some(Route::Dial(dial)) => {
            let plan =
                story.draw(turn.desk, |known, draw| flow::plan(known, &dial, turn.now.wall, draw));
            planned(plan, None, story, turn)
        }
        Some(route) => Ok(Way::Enter(route)),
    }
}

fn planned(
    plan: Plan,
    spend: Option<Spend>,
    story: &mut Story,
    turn: &Turn<'_>,
) -> Result<Way, Cause> {
    match plan {
        Plan::Ring { rings, left_out } => {
            story.left_out(&left_out, turn);
            Ok(Way::Ring { rings, spend })
        }
        // Rather back to who asked than nowhere.
        Plan::Closed { route: Route::Hangup, .. } => Err(cause::closed()),
        Plan::Closed { route, left_out } => {
            story.left_out(&left_out, turn);
            Ok(Way::Enter(route))
        }
        Plan::Full { .. } => Err(cause::full()),
        Plan::Nobody => Err(Barred::Unknown.cause()),
    }
}

/// Ends the talk, and its recording with it. Who is put through is the caller from now on.
pub(super) fn part(
    talk: &Talking,
    leg: Leg,
    to: Arc<ReceivingNumber>,
    story: &mut Story,
    turn: &mut Turn<'_>,
) -> Option<By> {
    let leg = match leg {
        Leg::CALLER => story.swap(talk.callee, &to, turn)?,
        leg => leg,
    };
    story.end_tape("transfer", turn);
    story.stop_talking(turn);
    if talk.codes.is_some() {
        let callee = if leg == talk.callee { leg } else { Leg::CALLER };
        turn.say(Effect::SwallowKeys { leg: callee, on: false });
    }
    turn.say(Effect::Hear(leg, Source::Silence));
    Some(By { leg, to })
}

/// The other side is taken care of: who asked can go.
fn done(by: &By, story: &mut Story, turn: &mut Turn<'_>) {
    turn.say(Effect::Referred { leg: by.leg, told: Referred::Done });
    story.release(by.leg, None, cause::transferred(), turn);
}

fn ring(
    rings: Vec<Ring>,
    first: Duration,
    spend: Option<Spend>,
    by: By,
    story: &mut Story,
    turn: &mut Turn<'_>,
) -> Phase {
    let names: Vec<&str> = rings.iter().map(|it| &*it.to.id).collect();
    let route = format!("transfer by leg {} to {}", by.leg.0, names.join(", "));
    story.step(route.clone(), turn);
    story.note(What::RouteEntered { route }, turn);
    turn.say(Effect::Referred { leg: by.leg, told: Referred::Trying });
    if let Some((account, left)) = spend {
        story.spend(account, left, turn);
    }
    let offering = Offering::new(Meanwhile::Ringing { early_media: false });
    let mut phase = Transferring { offering, notice: None, by: Some(by), rang: false };
    match story.due_notice(rings.iter().map(|it| &*it.to)) {
        Some(notice) => {
            say(&notice, turn);
            phase.notice = Some(Notice { until: turn.now.at + LONGEST_MESSAGE, rings });
        }
        None => phase.rings(rings, first, story, turn),
    }
    phase.go_on(story, turn)
}

/// Says this to the caller.
fn say(prompt: &Prompt, turn: &mut Turn<'_>) {
    let script = Script::new(vec![Line::Say(prompt.clip)]);
    turn.say(Effect::Hear(Leg::CALLER, Source::Script(script)));
}

fn join(
    by: &By,
    to: &Arc<ReceivingNumber>,
    call: &Arc<str>,
    handle: u64,
    story: &mut Story,
    turn: &mut Turn<'_>,
) -> Phase {
    story.step(format!("transfer by leg {} to {} of call {call}", by.leg.0, to.id), turn);
    done(by, story, turn);
    story.record.linked.push(Arc::clone(call));
    match story.join(to, turn) {
        Some(leg) => {
            turn.say(Effect::Join { leg, handle });
            let notice = story.due_notice([&**to]);
            let mut talk = Talking::begin(leg, Arc::clone(to), story, turn);
            if let Some(notice) = notice {
                say(&notice, turn);
                talk.is_told_something();
            }
            Phase::Talking(talk)
        }
        None => end(story, cause::too_many_legs(), turn),
    }
}

impl Transferring {
    /// Whoever takes the call of these has it instead of `by`.
    pub fn among(offering: Offering, by: By) -> Self {
        Self { offering, notice: None, by: Some(by), rang: false }
    }

    pub fn on(mut self, event: &Event, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        match event {
            Event::HungUp { leg, cause } | Event::Refused { leg, cause }
                if self.by.as_ref().is_some_and(|it| it.leg == *leg) =>
            {
                self.by = None;
                story.step("who asked for the transfer hung up", turn);
                story.lost(*leg, None, cause::hung_up(cause.clone()), turn);
            }
            Event::MediaLost { leg: Leg::CALLER } if !story.holds(Leg::CALLER) => {
                return end(story, cause::media_timeout(), turn);
            }
            Event::ScriptDone { leg: Leg::CALLER } => self.is_told(story, turn),
            Event::Time if self.notice.as_ref().is_some_and(|it| it.until <= turn.now.at) => {
                self.is_told(story, turn);
            }
            event => {
                if let Some(taken) = self.offering.on(event, story, turn) {
                    if let Some(by) = self.by {
                        done(&by, story, turn);
                    }
                    return Talking::start(taken.leg, taken.to, story, turn);
                }
                self.tell_that_it_rings(event, story, turn);
            }
        }
        self.go_on(story, turn)
    }

    pub fn deadline(&self, story: &Story) -> Option<Instant> {
        let notice = self.notice.as_ref().map(|it| it.until);
        let times = [notice, self.offering.deadline(), story.unanswered_until()];
        times.into_iter().flatten().min()
    }

    /// The notice was said to its end: now somebody is rung.
    fn is_told(&mut self, story: &mut Story, turn: &mut Turn<'_>) {
        if let Some(Notice { rings, .. }) = self.notice.take() {
            self.rings(rings, Duration::ZERO, story, turn);
        }
    }

    /// Rings them, the first of them so long from now.
    fn rings(&mut self, rings: Vec<Ring>, first: Duration, story: &mut Story, turn: &mut Turn<'_>) {
        story.ringback(turn);
        self.offering.add(rings, turn.now.at + first);
    }

    fn tell_that_it_rings(&mut self, event: &Event, story: &Story, turn: &mut Turn<'_>) {
        let Event::Ringing { leg, .. } = event else { return };
        if let Some(by) = &self.by
            && story.is_on_the_line(*leg)
            && !std::mem::replace(&mut self.rang, true)
        {
            turn.say(Effect::Referred { leg: by.leg, told: Referred::Ringing });
        }
    }

    /// Rings whose time has come; when nobody is left to ring, who asked has the call again.
    pub fn go_on(mut self, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        if self.notice.is_some() {
            return Phase::Transferring(self);
        }
        self.offering.go_on(story, turn);
        let too_long = story.unanswered_until().is_some_and(|it| it <= turn.now.at);
        if !self.offering.is_lost() && !too_long {
            return Phase::Transferring(self);
        }
        let lost = self.offering.take_lost();
        let Some(by) = self.by else {
            return match too_long {
                true => end(story, cause::route_loop(), turn),
                false => after_dial(lost, story, turn),
            };
        };
        let outcome = flow::fork_outcome(lost.iter().map(|it| it.outcome));
        let cause = flow::refusal(outcome);
        story.step(format!("transfer failed ({}), back to leg {}", cause.reason, by.leg.0), turn);
        story.release_all_but(Some(by.leg), None, &cause::rang_out(), turn);
        story.spares(turn);
        turn.say(Effect::Referred { leg: by.leg, told: Referred::Failed { cause } });
        Talking::start(by.leg, by.to, story, turn)
    }
}

/// What is left of a call whose one side went on in another call, which lets it hear.
pub(super) struct Joined {
    party: Leg,
    /// The limits of this call's length are kept.
    ends: Instant,
    reason: &'static str,
}

impl Joined {
    /// `leg` is who put the other side through.
    pub fn start(
        talk: &Talking,
        leg: Leg,
        call: &Arc<str>,
        story: &mut Story,
        turn: &mut Turn<'_>,
    ) -> Phase {
        story.end_tape("transfer", turn);
        story.stop_talking(turn);
        story.step(format!("goes on in call {call}"), turn);
        story.record.linked.push(Arc::clone(call));
        let party = match leg {
            Leg::CALLER => {
                turn.say(Effect::Release { leg, cause: cause::transferred() });
                story.caller = Caller::Gone;
                talk.callee
            }
            leg => {
                story.release(leg, None, cause::transferred(), turn);
                Leg::CALLER
            }
        };
        Phase::Joined(Self { party, ends: talk.ends, reason: talk.reason })
    }

    pub fn deadline(&self) -> Instant {
        self.ends
    }

    pub fn on(self, event: &Event, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        match event {
            Event::HungUp { leg, cause } | Event::Refused { leg, cause } if *leg == self.party => {
                let cause = cause::hung_up(cause.clone());
                story.lost(*leg, None, cause.clone(), turn);
                end(story, cause, turn)
            }
            Event::Parted { cause } => end(story, cause.clone(), turn),
            Event::Time if self.ends <= turn.now.at => end(story, cause::limit(self.reason), turn),
            _ => Phase::Joined(self),
        }
    }
}
