//! What a destination goes through between answering and being joined (PRODUCT section 2.1):
//! pause, extension, whisper, accept.

use std::time::Duration;

use crate::audio::{Accept, Line, Script};
use crate::model::extension::Act;
use crate::model::{AcceptBy, CallSettings, Prompt, ReceivingNumber, Whisper};

/// How long a destination that waits for voice is waited for at most.
pub const VOICE_WAIT_MAX: Duration = Duration::from_secs(30);

/// How long it may take to know whether a machine picked up.
pub const SCREENING_MAX: Duration = Duration::from_secs(8);

/// A destination's script, and which of its lines is which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Briefing {
    pub script: Script,
    /// One for each line of the script.
    pub steps: Vec<Step>,
}

/// What a line of a script is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Waiting for voice.
    Voice,
    /// The dial pause.
    Pause,
    /// A digit of the extension: its position in the text, counted from 1.
    Digit {
        position: u16,
    },
    /// A `w` or `W` of the extension: its position in the text, counted from 1.
    Wait {
        position: u16,
    },
    Whisper,
    /// Waiting to know whether a machine picked up.
    Screening,
    Accept,
}

impl Briefing {
    /// Nothing to go through: the destination is connected as soon as it answers.
    pub fn is_empty(&self) -> bool {
        self.script.is_empty()
    }

    /// The line at which the person behind an extension begins to be heard: the first after the
    /// extension, which may be none of the script's. 0 without an extension.
    pub fn answer_begins(&self) -> u16 {
        let sent = |it: &Step| matches!(it, Step::Digit { .. } | Step::Wait { .. });
        self.steps.iter().rposition(sent).map_or(0, |it| it as u16 + 1)
    }

    /// Leaves out what comes before the line with this index.
    pub fn skip_to(&mut self, line: u16) {
        let (lines, line) = (&self.script.lines, usize::from(line));
        self.script = Script::new(lines.get(line..).unwrap_or_default().to_vec());
        self.steps.drain(..line.min(self.steps.len()));
    }

    /// What the script's line with this index is there for.
    pub fn step(&self, line: u16) -> Option<Step> {
        self.steps.get(usize::from(line)).copied()
    }
}

/// What `to` hears and is keyed before it is joined.
pub fn briefing(to: &ReceivingNumber, settings: &CallSettings) -> Briefing {
    let (mut lines, mut steps) = (Vec::new(), Vec::new());
    let mut add = |line, step| {
        lines.push(line);
        steps.push(step);
    };
    if let Some(extension) = &to.extension {
        if to.wait_for_voice {
            add(Line::AwaitVoice(VOICE_WAIT_MAX), Step::Voice);
        }
        if !to.dial_pause.is_zero() {
            add(Line::Wait(to.dial_pause), Step::Pause);
        }
        for (position, act) in (1..).zip(extension.acts()) {
            match *act {
                Act::Press(digit) => add(Line::Press(digit), Step::Digit { position }),
                Act::Wait(time) => add(Line::Wait(time), Step::Wait { position }),
            }
        }
    }
    if to.decline_machines {
        add(Line::AwaitPerson(SCREENING_MAX), Step::Screening);
    }
    if let Some(prompt) = whisper(to, settings) {
        add(Line::Say(prompt.clip), Step::Whisper);
    }
    if let Some(accept) = &to.accept {
        add(Line::Accept(asked(accept)), Step::Accept);
    }
    Briefing { script: Script::new(lines), steps }
}

/// The message to the answering person: the destination's beats the call settings'.
pub fn whisper<'a>(to: &'a ReceivingNumber, settings: &'a CallSettings) -> Option<&'a Prompt> {
    let said = match &to.whisper {
        Whisper::Inherit => &settings.whisper,
        own => own,
    };
    match said {
        Whisper::Say(prompt) => Some(prompt),
        Whisper::Nothing | Whisper::Inherit => None,
    }
}

fn asked(accept: &AcceptBy) -> Accept {
    Accept {
        key: accept.key,
        reject: accept.reject,
        prompt: accept.prompt.as_ref().map(|it| it.clip),
        timeout: accept.timeout,
        repeats: accept.repeats,
    }
}
