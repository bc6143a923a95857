//! What somebody at the console, or a program by the API, does to a call.
//!
//! | while | hang up | transfer | record | skip the whisper |
//! |---|---|---|---|---|
//! | greeted, asked, ringing, waiting, reaching an agent | yes | leaves the step for it | no | of who hears one |
//! | talking | yes | as a transfer by who answered | start, stop | no |
//! | talking with a virtual agent | yes | takes leave of it | start, stop | no |
//! | leaving a message | keeps it | no | no | no |
//! | being put through | yes | no | no | of who hears one |
//! | joined with another call | yes | no | no | no |
//! | being scored | yes | no | no | no |
//!
//! A transfer is the one of `transfer`: who is rung has all of its settings, and a caller whom
//! nobody takes goes back to who it talked with. Starting a recording never overrides a veto
//! (PRODUCT section 2.3). Who did it is said first, as an event and a step of the call's path.

use std::fmt;
use std::mem;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ending::end;
use super::entering;
use super::offering::Offering;
use super::story::{Story, Turn};
use super::transfer::{self, Way};
use super::{Call, Effect, Event, Phase, cause};
use crate::clock::Now;
use crate::desk::{Ask, Desk};
use crate::flow::Spent;
use crate::model::Route;
use crate::model::event::What;
use crate::model::record::Cause;

/// What is to be done to a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    HangUp,
    /// Put the caller through.
    Transfer {
        to: Target,
    },
    /// Start recording, or stop it.
    Record(bool),
    /// Skip the whisper that is being played.
    SkipWhisper,
}

/// Whom a caller is put through to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Target {
    Route(Route),
    /// Whoever that is that who talks with the caller could dial; with what its account has used
    /// of its calls out.
    Dialled {
        dialled: Arc<str>,
        spent: Spent,
    },
}

/// Why a command is not obeyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refused {
    /// There is no such call, or it is over.
    Over,
    /// Nobody is connected to the caller.
    NotConnected,
    /// The caller leaves a message, which is its own.
    Message,
    /// Somebody is being rung for it already.
    Transferring,
    /// Its people went on in another call.
    Elsewhere,
    /// Who answered may not be recorded.
    Prevented,
    Recorded,
    NotRecorded,
    /// The disk ended it.
    Disk,
    NoWhisper,
    /// Whom it was to be put through to cannot be had; why, as a transfer by phone is told.
    Unreachable(Cause),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Over => "the call is over",
            Self::NotConnected => "nobody is connected to the caller",
            Self::Message => "the caller is leaving a message",
            Self::Transferring => "the caller is being put through already",
            Self::Elsewhere => "its people went on in another call",
            Self::Prevented => "who answered may not be recorded (prevent_recording)",
            Self::Recorded => "it is being recorded already",
            Self::NotRecorded => "it is not being recorded",
            Self::Disk => "the disk ended its recording",
            Self::NoWhisper => "nobody hears a whisper now",
            Self::Unreachable(cause) => {
                return write!(f, "whom it is to go to cannot be had: {}", cause.reason);
            }
        })
    }
}

impl std::error::Error for Refused {}

impl Command {
    /// As events and paths say it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::HangUp => "hangup",
            Self::Transfer { .. } => "transfer",
            Self::Record(true) => "start_recording",
            Self::Record(false) => "stop_recording",
            Self::SkipWhisper => "skip_whisper",
        }
    }
}

impl Call {
    /// Does what `by` wants of the call; nothing at all if it is refused.
    pub fn command(
        &mut self,
        command: &Command,
        by: &str,
        desk: &Desk,
        now: Now,
        out: &mut Vec<Effect>,
    ) -> Result<(), Refused> {
        let turn = &mut Turn { now, desk, out };
        let story = &mut self.story;
        may(&self.phase, command, story)?;
        let phase = mem::replace(&mut self.phase, Phase::Over);
        let (phase, told) = obey(phase, command, by, story, turn);
        self.phase = phase;
        told
    }
}

/// Whether a command makes sense in this phase.
fn may(phase: &Phase, command: &Command, story: &Story) -> Result<(), Refused> {
    match (phase, command) {
        (Phase::Over | Phase::Wrapping(_), _) => Err(Refused::Over),
        (_, Command::HangUp) => Ok(()),
        (Phase::Scoring(_), _) => Err(Refused::Over),
        (Phase::Joined(_), _) => Err(Refused::Elsewhere),
        (Phase::Voicemail(_), Command::Transfer { .. } | Command::Record(_)) => {
            Err(Refused::Message)
        }
        (Phase::Transferring(_), Command::Transfer { .. }) => Err(Refused::Transferring),
        (_, Command::Transfer { .. }) => Ok(()),
        (Phase::Talking(_), Command::Record(on)) => story.may_tape(*on),
        (Phase::Assisted(phase), Command::Record(on)) if phase.talks() => story.may_tape(*on),
        (_, Command::Record(_)) => Err(Refused::NotConnected),
        (phase, Command::SkipWhisper) => match phase.offering() {
            Some(offering) if offering.whispers() => Ok(()),
            _ => Err(Refused::NoWhisper),
        },
    }
}

fn obey(
    phase: Phase,
    command: &Command,
    by: &str,
    story: &mut Story,
    turn: &mut Turn<'_>,
) -> (Phase, Result<(), Refused>) {
    let phase = match (phase, command) {
        (Phase::Talking(talk), Command::Transfer { to }) => {
            let talks_with = Arc::clone(&talk.to);
            return match transfer::way(Some(&talks_with), to, story, turn) {
                Ok(way) => {
                    story.commanded(command, by, turn);
                    let leg = talk.callee;
                    (transfer::go(talk, leg, talks_with, (way, None), story, turn), Ok(()))
                }
                Err(cause) => (Phase::Talking(talk), Err(Refused::Unreachable(cause))),
            };
        }
        (phase, Command::Transfer { to }) => {
            return match transfer::way(None, to, story, turn) {
                Ok(way) => {
                    story.commanded(command, by, turn);
                    (redirect(phase, way, story, turn), Ok(()))
                }
                Err(cause) => (phase, Err(Refused::Unreachable(cause))),
            };
        }
        (phase, _) => phase,
    };
    story.commanded(command, by, turn);
    let phase = match (phase, command) {
        (Phase::Voicemail(phase), Command::HangUp) => {
            phase.stop(cause::hung_up_by_command(), story, turn)
        }
        (_, Command::HangUp) => end(story, cause::hung_up_by_command(), turn),
        (phase, Command::Record(true)) => {
            let callee = match &phase {
                Phase::Talking(talk) => Some(talk.callee),
                _ => None,
            };
            story.tape_on(callee, turn);
            phase
        }
        (phase, Command::Record(false)) => {
            story.tape_off(by, turn);
            phase
        }
        (phase, Command::SkipWhisper) => phase.on(&Event::SkipWhisper, story, turn),
        (phase, Command::Transfer { .. }) => phase,
    };
    (phase, Ok(()))
}

/// Leaves whatever step of its route the caller is at, and goes this way instead.
fn redirect(phase: Phase, way: Way, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
    if let Phase::Waiting(_) = phase
        && story.in_line.is_none()
    {
        // The desk has not said yet whether it may wait.
        turn.say(Effect::Desk(Ask::Leave));
    }
    story.leaves_line(false, turn);
    story.end_stream("transferred", turn);
    story.release_all_but(None, None, &cause::transferred(), turn);
    story.begins_anew();
    match way {
        Way::Ring { rings, spend } => {
            let names: Vec<&str> = rings.iter().map(|it| &*it.to.id).collect();
            let route = format!("transfer to {}", names.join(", "));
            story.step(route.clone(), turn);
            story.note(What::RouteEntered { route }, turn);
            if let Some((account, left)) = spend {
                story.spend(account, left, turn);
            }
            entering::greet(super::greeting::Then::Dial(rings), story, turn)
        }
        Way::Enter(route) => entering::enter(route, story, turn),
        // Only who talks can have a call of its own to join.
        Way::Join { .. } => end(story, cause::no_route(), turn),
    }
}

impl Phase {
    /// Who is rung now.
    fn offering(&self) -> Option<&Offering> {
        match self {
            Self::Dialling(phase) => Some(&phase.offering),
            Self::Waiting(phase) => Some(&phase.offering),
            Self::Transferring(phase) => Some(&phase.offering),
            _ => None,
        }
    }
}

impl Story {
    /// Says who did what.
    fn commanded(&mut self, command: &Command, by: &str, turn: &mut Turn<'_>) {
        let what = command.as_str();
        self.step(format!("{what} by {by}"), turn);
        self.note(What::Commanded { command: what.to_owned(), by: by.to_owned() }, turn);
    }
}
