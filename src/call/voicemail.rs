//! The caller leaves a message (PRODUCT section 7): greeting, tone, and what it says then.
//!
//! ```text
//!              said, or #             a moment later
//!  Greeting ----------------> Tone ---------------------> Recording
//!                                                            | silence, #, limit, hang-up, disk
//!                                                            v
//!                                                  the end: kept, or too short
//! ```
//! Only the caller is on the tape, left, as in every recording; the right side is silence. It is
//! its own message, so no `prevent_recording` concerns it; the record says that it is a message. A
//! message in which nobody spoke, or that is shorter than the box wants, is thrown away.

use std::sync::Arc;
use std::time::Duration;

use super::asking::LONGEST_MESSAGE;
use super::ending::end;
use super::entering::unusable;
use super::story::{Story, Turn};
use super::{Effect, Event, Leg, Phase, cause};
use crate::audio::{Digit, Line, Script, Source};
use crate::clock::Instant;
use crate::model::VoicemailBox;
use crate::model::event::What;
use crate::model::record::Cause;

/// The tone after which the message begins.
const TONE: Line = Line::Tone(1000, Duration::from_millis(500));
/// The message begins at the latest so long after the tone was asked for.
const TONE_LIMIT: Duration = Duration::from_secs(2);
/// Skips the greeting, and ends the message.
const ENTER: char = '#';

pub(super) struct Voicemail {
    voicemail: Arc<VoicemailBox>,
    state: State,
    until: Instant,
}

enum State {
    Greeting,
    /// The line of the script that waits for the message's end: the tone is over when it begins.
    Tone {
        waits: u16,
    },
    Recording {
        since: Instant,
        spoke: bool,
    },
}

/// What a message ended by.
enum By {
    Silence,
    Key,
    Limit,
    Disk,
    /// The caller hung up.
    Caller(Cause),
    /// The call is ended from outside.
    Stop(Cause),
}

impl Voicemail {
    pub fn start(voicemail: Arc<VoicemailBox>, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        story.answer_caller(turn);
        story.last = None;
        if voicemail.agent.is_some() {
            story.lead_owner.clone_from(&voicemail.agent);
        }
        let (state, until) = (State::Greeting, turn.now.at + LONGEST_MESSAGE);
        let mut phase = Self { voicemail, state, until };
        match &phase.voicemail.greeting {
            Some(greeting) => {
                let script = Script::new(vec![Line::Say(greeting.clip)]);
                turn.say(Effect::Hear(Leg::CALLER, Source::Script(script)));
            }
            None => phase.tone(turn),
        }
        Phase::Voicemail(phase)
    }

    pub fn on(mut self, event: &Event, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        let due = self.until <= turn.now.at;
        match (&mut self.state, event) {
            (State::Greeting, Event::ScriptDone { leg: Leg::CALLER }) => self.tone(turn),
            (State::Greeting, Event::Time) if due => self.tone(turn),
            (State::Greeting, Event::Key { leg: Leg::CALLER, digit }) if is_enter(*digit) => {
                self.tone(turn);
            }
            (State::Tone { waits }, Event::Line { leg: Leg::CALLER, line }) if line == waits => {
                return self.record(story, turn);
            }
            (State::Tone { .. }, Event::Time) if due => return self.record(story, turn),
            (State::Recording { spoke, .. }, Event::Voice { leg: Leg::CALLER }) => *spoke = true,
            (State::Recording { .. }, Event::ScriptDone { leg: Leg::CALLER }) => {
                return self.finish(By::Silence, story, turn);
            }
            (State::Recording { .. }, Event::Key { leg: Leg::CALLER, digit })
                if is_enter(*digit) =>
            {
                return self.finish(By::Key, story, turn);
            }
            (State::Recording { .. }, Event::Time) if due => {
                return self.finish(By::Limit, story, turn);
            }
            (State::Recording { .. }, Event::Tape { .. }) if !story.is_taping() => {
                return self.finish(By::Disk, story, turn);
            }
            _ => (),
        }
        Phase::Voicemail(self)
    }

    /// The caller hung up: the message is what it is.
    pub fn caller_gone(self, why: Cause, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        match self.state {
            State::Recording { .. } => self.finish(By::Caller(why), story, turn),
            State::Greeting | State::Tone { .. } => end(story, cause::abandoned(), turn),
        }
    }

    /// The call is ended from outside: the message is what it is.
    pub fn stop(self, why: Cause, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        match self.state {
            State::Recording { .. } => self.finish(By::Stop(why), story, turn),
            State::Greeting | State::Tone { .. } => end(story, why, turn),
        }
    }

    pub fn deadline(&self) -> Instant {
        self.until
    }

    fn tone(&mut self, turn: &mut Turn<'_>) {
        let script = Script::new(vec![TONE, Line::AwaitSilence(self.voicemail.silence)]);
        turn.say(Effect::Hear(Leg::CALLER, Source::Script(script)));
        self.state = State::Tone { waits: 1 };
        self.until = turn.now.at + TONE_LIMIT;
    }

    fn record(mut self, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        let since = turn.now.at;
        self.until = since + self.voicemail.max_length;
        self.state = State::Recording { since, spoke: false };
        if story.start_message(&self.voicemail.id, turn) {
            return Phase::Voicemail(self);
        }
        self.finish(By::Disk, story, turn)
    }

    fn finish(self, by: By, story: &mut Story, turn: &mut Turn<'_>) -> Phase {
        let State::Recording { since, spoke } = self.state else {
            return Phase::Voicemail(self);
        };
        let length = turn.now.at.since(since);
        // The silence that it ended by is none of the message.
        let said = match by {
            By::Silence => length.saturating_sub(self.voicemail.silence),
            _ => length,
        };
        let keep = spoke && self.voicemail.min_length <= said;
        let stopped_by = match by {
            By::Silence => Some("silence"),
            By::Key => Some("key"),
            By::Limit => Some("limit"),
            By::Disk | By::Caller(_) | By::Stop(_) => None,
        };
        let id = &self.voicemail.id;
        match story.end_message(keep, stopped_by, turn) {
            Some((file, length_ms)) => {
                story.step(format!("voicemail {id}: a message of {} s", length_ms / 1000), turn);
                story.note(What::VoicemailLeft { voicemail: id.clone(), file, length_ms }, turn);
            }
            None => story.step(format!("voicemail {id}: no message"), turn),
        }
        match by {
            By::Stop(why) => end(story, why, turn),
            By::Caller(why) if keep => end(story, why, turn),
            By::Caller(_) => end(story, cause::abandoned(), turn),
            // The caller said nothing yet that is kept: this route failed inside us.
            By::Disk if !keep => unusable(story, turn),
            _ => end(story, cause::voicemail(), turn),
        }
    }
}

fn is_enter(digit: Digit) -> bool {
    digit.as_char() == ENTER
}
