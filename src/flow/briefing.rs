//! What a destination goes through between answering and being joined (PRODUCT section 2.1):
//! pause, extension, whisper, accept.

use std::time::Duration;

use crate::audio::{Accept, Line, Script};
use crate::model::extension::Act;
use crate::model::{AcceptBy, CallSettings, Prompt, ReceivingNumber, Whisper};

/// How long a destination that waits for voice is waited for at most.
pub const VOICE_WAIT_MAX: Duration = Duration::from_secs(30);

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
    /// Waiting for voice, or the dial pause.
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
    Accept,
}

impl Briefing {
    /// Nothing to go through: the destination is connected as soon as it answers.
    pub fn is_empty(&self) -> bool {
        self.script.is_empty()
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
            add(Line::AwaitVoice(VOICE_WAIT_MAX), Step::Pause);
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
