//! A script performed line by line on the 20 ms clock (PRODUCT.md section 2.1).
//!
//! ```text
//!   3      w     w     1                      ticks of 20 ms, one letter a digit's
//!   TTTTT.............................TTTTT     event packets, dots are silence:
//!   0     100   200                   1200      begins at 0 ms, next digit at 200 + 1000
//! ```
//!
//! A line begins at the exact moment a digit or wait before it ends, kept in microseconds, and is
//! heard from the first tick at or after that moment; so nothing adds up, however odd the waits.
//! After sound and after listening it begins on the tick. What a frame sounds like is decided
//! here; numbering and sending it is the session's.

use std::time::Duration;

use super::clips::Clips;
use super::player::{Frame, Told};
use super::{FRAME, Samples, TICK};
use crate::audio::{
    Accept, AnsweredBy, ClipId, Digit, Line, Script, SilenceDetector, Tone, VoiceDetector,
};

/// A script under way on one leg.
#[derive(Clone, Debug)]
pub(super) struct Performance {
    script: Script,
    /// The line being performed, and how far it has come.
    doing: Doing,
    /// The line to begin next.
    next: usize,
    /// Time since the script began at which the line being performed began.
    began: Duration,
    /// The next tick's time since the script began.
    at: Duration,
    outcome: Option<Told>,
    answered_by: Option<AnsweredBy>,
}

#[derive(Clone, Debug)]
enum Doing {
    Nothing,
    /// A digit: ticks since it began, and its tone where it is sent in the voice.
    Pressing {
        digit: Digit,
        tick: u32,
        tone: Box<Option<Tone>>,
    },
    Waiting(Duration),
    AwaitingVoice {
        most: Duration,
        detector: Box<VoiceDetector>,
        heard: bool,
    },
    AwaitingSilence(Box<AwaitingSilence>),
    /// Who picked up is not known yet.
    AwaitingPerson(Duration),
    Saying {
        clip: ClipId,
        from: usize,
    },
    Sounding {
        tone: Box<Tone>,
        left: usize,
    },
    Accepting(Box<Accepting>),
}

#[derive(Clone, Debug)]
struct AwaitingSilence {
    length: Duration,
    detector: SilenceDetector,
    /// The tick after the last word, or at which the line began.
    since: Duration,
    /// The first word was heard, and told.
    spoke: bool,
    told: bool,
}

#[derive(Clone, Debug)]
struct Accepting {
    accept: Accept,
    /// Rounds still to come after this one.
    rounds: u8,
    /// How far the prompt has been said; `None` once the timeout runs.
    prompt: Option<usize>,
    /// When this round's timeout began.
    since: Duration,
    key: Option<Digit>,
}

/// What a line has come to at a tick.
enum Step {
    /// It goes on, and this is what is heard.
    On(Frame),
    /// It ended this long after it began; the next line begins there.
    Ended(Duration),
    Declined,
}

impl Performance {
    pub fn new(script: Script) -> Self {
        Self {
            script,
            doing: Doing::Nothing,
            next: 0,
            began: Duration::ZERO,
            at: Duration::ZERO,
            outcome: None,
            answered_by: None,
        }
    }

    /// The next 20 ms. `in_band` sends digits as tones. Lines of no length pass within the tick.
    pub fn tick(
        &mut self,
        clips: &Clips,
        in_band: bool,
        samples: &mut Samples,
        told: &mut dyn FnMut(Told),
    ) -> Frame {
        let frame = self.perform(clips, in_band, samples, told);
        self.at += TICK;
        frame
    }

    /// It is known who picked up.
    pub fn answered_by(&mut self, by: AnsweredBy) {
        self.answered_by = Some(by);
    }

    fn perform(
        &mut self,
        clips: &Clips,
        in_band: bool,
        samples: &mut Samples,
        told: &mut dyn FnMut(Told),
    ) -> Frame {
        // One turn for each line at most, and one for the end.
        for _ in 0..=self.script.lines.len() + 1 {
            if self.outcome.is_some() {
                break;
            }
            match self.step(clips, samples, told) {
                Step::On(frame) => return frame,
                Step::Ended(length) => {
                    self.began += length;
                    self.begin(in_band, told);
                }
                Step::Declined => self.end(Told::Declined, told),
            }
        }
        Frame::Silence
    }

    fn begin(&mut self, in_band: bool, told: &mut dyn FnMut(Told)) {
        let Some(line) = self.script.lines.get(self.next) else {
            return self.end(Told::Done, told);
        };
        told(Told::Line(u16::try_from(self.next).unwrap_or(u16::MAX)));
        self.next += 1;
        self.doing = match line {
            Line::Press(digit) => {
                let tone = Box::new(in_band.then(|| Tone::key(*digit)));
                Doing::Pressing { digit: *digit, tick: 0, tone }
            }
            Line::Wait(length) => Doing::Waiting(*length),
            Line::AwaitVoice(most) => {
                Doing::AwaitingVoice { most: *most, detector: Box::default(), heard: false }
            }
            Line::AwaitSilence(length) => Doing::AwaitingSilence(Box::new(AwaitingSilence {
                length: *length,
                detector: SilenceDetector::default(),
                since: self.began,
                spoke: false,
                told: false,
            })),
            Line::AwaitPerson(most) => Doing::AwaitingPerson(*most),
            Line::Say(clip) => Doing::Saying { clip: *clip, from: 0 },
            Line::Tone(hz, length) => {
                let left = (length.as_micros() / 125).min(u128::from(u32::MAX)) as usize;
                Doing::Sounding { tone: Box::new(Tone::beep(*hz)), left }
            }
            Line::Accept(accept) => Doing::Accepting(Box::new(Accepting {
                accept: accept.clone(),
                rounds: accept.repeats,
                prompt: Some(0),
                since: self.began,
                key: None,
            })),
        };
    }

    fn end(&mut self, outcome: Told, told: &mut dyn FnMut(Told)) {
        self.doing = Doing::Nothing;
        self.outcome = Some(outcome);
        told(outcome);
    }

    /// Performs the line at hand for one tick, unless it is over by now.
    fn step(&mut self, clips: &Clips, samples: &mut Samples, told: &mut dyn FnMut(Told)) -> Step {
        let elapsed = self.at.saturating_sub(self.began);
        match &mut self.doing {
            Doing::Nothing => Step::Ended(Duration::ZERO),
            Doing::Pressing { digit, tick, tone } => {
                let length = Script::TONE + Script::GAP;
                if length <= elapsed {
                    return Step::Ended(length);
                }
                let now = *tick;
                *tick += 1;
                Step::On(press(*digit, now, tone.as_mut(), samples))
            }
            Doing::Waiting(length) if *length <= elapsed => Step::Ended(*length),
            Doing::Waiting(_) => Step::On(Frame::Silence),
            Doing::AwaitingVoice { heard: true, .. } => Step::Ended(elapsed),
            Doing::AwaitingVoice { most, .. } if *most <= elapsed => Step::Ended(*most),
            Doing::AwaitingVoice { .. } => Step::On(Frame::Silence),
            Doing::AwaitingSilence(it) => {
                if it.spoke && !std::mem::replace(&mut it.told, true) {
                    told(Told::Voice);
                }
                match it.length <= self.at.saturating_sub(it.since) {
                    true => Step::Ended(elapsed),
                    false => Step::On(Frame::Silence),
                }
            }
            Doing::AwaitingPerson(most) => match self.answered_by {
                Some(AnsweredBy::Machine) => Step::Declined,
                Some(_) => Step::Ended(elapsed),
                None if *most <= elapsed => Step::Ended(*most),
                None => Step::On(Frame::Silence),
            },
            Doing::Saying { clip, from } => {
                let Some(sound) = clips.get(*clip) else {
                    told(Told::ClipMissing(*clip));
                    return Step::Ended(Duration::ZERO);
                };
                if play(sound, from, samples) {
                    Step::On(Frame::Voice)
                } else {
                    Step::Ended(elapsed)
                }
            }
            Doing::Sounding { left: 0, .. } => Step::Ended(elapsed),
            Doing::Sounding { tone, left } => {
                let here = FRAME.min(*left);
                *left -= here;
                tone.fill(&mut samples[..here]);
                samples[here..].fill(0);
                Step::On(Frame::Voice)
            }
            Doing::Accepting(accepting) => {
                accepting.step(self.at, self.began, clips, samples, told)
            }
        }
    }

    /// A key that the far end pressed. `true` if an accept line takes it.
    pub fn key(&mut self, digit: Digit) -> bool {
        let Doing::Accepting(accepting) = &mut self.doing else { return false };
        accepting.key = Some(digit);
        true
    }

    /// The script wants to know whether the far end speaks.
    pub fn listens(&self) -> bool {
        match self.doing {
            Doing::AwaitingVoice { heard, .. } => !heard,
            Doing::AwaitingSilence(_) => true,
            _ => false,
        }
    }

    /// Sound from the far end while the script [listens](Self::listens).
    pub fn hear(&mut self, samples: &[i16]) {
        match &mut self.doing {
            Doing::AwaitingVoice { detector, heard, .. } => *heard |= detector.hear(samples),
            Doing::AwaitingSilence(it) => it.hear(samples, self.at),
            _ => (),
        }
    }
}

impl AwaitingSilence {
    fn hear(&mut self, samples: &[i16], at: Duration) {
        if self.detector.hear(samples) {
            self.since = at;
            self.spoke = true;
        }
    }
}

impl Accepting {
    fn step(
        &mut self,
        at: Duration,
        began: Duration,
        clips: &Clips,
        samples: &mut Samples,
        told: &mut dyn FnMut(Told),
    ) -> Step {
        match self.key.take() {
            Some(key) if key == self.accept.key => return Step::Ended(at.saturating_sub(began)),
            Some(key) if Some(key) == self.accept.reject => return Step::Declined,
            Some(_) | None => {}
        }
        loop {
            if let Some(from) = &mut self.prompt {
                let prompt = self.accept.prompt.and_then(|it| clips.get(it));
                if let Some(sound) = prompt {
                    if play(sound, from, samples) {
                        return Step::On(Frame::Voice);
                    }
                    self.since = self.since.max(at);
                } else if let Some(clip) = self.accept.prompt {
                    told(Told::ClipMissing(clip));
                }
                self.prompt = None;
            }
            if at < self.since + self.accept.timeout {
                return Step::On(Frame::Silence);
            }
            if self.rounds == 0 {
                return Step::Declined;
            }
            self.rounds -= 1;
            self.since += self.accept.timeout;
            self.prompt = Some(0);
        }
    }
}

/// The sound of a digit at its `tick`th tick.
fn press(digit: Digit, tick: u32, tone: &mut Option<Tone>, samples: &mut Samples) -> Frame {
    let sounding = TICK * tick < Script::TONE;
    match tone {
        Some(tone) if sounding => {
            tone.fill(samples);
            Frame::Voice
        }
        Some(_) => Frame::Silence,
        None => Frame::Key { digit, begins: tick == 0 },
    }
}

/// Copies the next 20 ms of a clip, silence after its end; `false` once nothing is left.
fn play(sound: &[i16], from: &mut usize, samples: &mut Samples) -> bool {
    let rest = sound.get(*from..).unwrap_or_default();
    let here = rest.len().min(FRAME);
    samples[..here].copy_from_slice(&rest[..here]);
    samples[here..].fill(0);
    *from += here;
    0 < here
}
