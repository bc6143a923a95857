//! A question put to one leg: said, answered by keys, put again if it was not answered.
//!
//! ```text
//!          said, or a key           a key that fits so far
//!  Saying ----------------> Waiting -----------------------> Typing --> an answer
//!     ^                        | no key        no such answer |
//!     +----- asked again ------+------------------------------+
//! ```
//! It is no phase: the phase that asks has one, says which keys make an answer, and what becomes
//! of it. A message that cannot be played is skipped by media; keys are taken all the same. What
//! was typed is told to nobody but the phase (HOUSE: digits are never logged).

use std::time::Duration;

use super::story::Turn;
use super::{Effect, Event, Leg};
use crate::audio::{ClipId, Digit, Line, Script, Source};
use crate::clock::Instant;
use crate::model::VoiceMenu;

/// The longest message; whatever is left of it then is heard while keys are waited for.
pub(super) const LONGEST_MESSAGE: Duration = Duration::from_secs(120);

/// Ends an answer early, where it is no key of the answer itself.
const ENTER: char = '#';

/// What is asked, and how patiently.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub prompt: Option<ClipId>,
    /// Said before the prompt when an answer was none.
    pub invalid: Option<ClipId>,
    /// Said before the prompt when there was no answer.
    pub silent: Option<ClipId>,
    /// Whether a key ends the prompt; else keys count from its end on.
    pub barge_in: bool,
    /// How long the first key is waited for, and the next ones.
    pub timeout: Duration,
    pub between_keys: Duration,
    /// How often it is asked again.
    pub repeats: u8,
}

/// How keys typed so far stand to the answers there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// They are no answer, nor the beginning of one.
    No,
    /// They are the beginning of answers.
    Begins,
    /// They are an answer, and the beginning of a longer one.
    Both,
    /// They are an answer.
    Whole,
}

/// What came of asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Answer(Vec<Digit>),
    /// Something was typed that is no answer; it is asked again, or no more.
    Wrong {
        again: bool,
    },
    /// Nothing was typed in time; it is asked again, or no more.
    Nothing {
        again: bool,
    },
}

pub(super) struct Asking {
    who: Leg,
    question: Question,
    /// How often it may still be asked again.
    repeats: u8,
    typed: Vec<Digit>,
    state: State,
    until: Instant,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Saying,
    Waiting,
    Typing,
}

impl Asking {
    /// Asks `who` for the first time.
    pub fn new(who: Leg, question: Question, turn: &mut Turn<'_>) -> Self {
        let (repeats, state, until) = (question.repeats, State::Saying, turn.now.at);
        let mut asking = Self { who, question, repeats, typed: Vec::new(), state, until };
        asking.say(None, turn);
        asking
    }

    /// Takes an event. `fits` says what the keys typed so far amount to.
    pub fn on(
        &mut self,
        event: &Event,
        fits: impl Fn(&[Digit]) -> Fit,
        turn: &mut Turn<'_>,
    ) -> Option<Heard> {
        match event {
            Event::Key { leg, digit } if *leg == self.who => self.key(*digit, fits, turn),
            Event::ScriptDone { leg } if *leg == self.who && self.state == State::Saying => {
                self.wait(turn);
                None
            }
            Event::Time if self.until <= turn.now.at => match self.state {
                State::Saying => {
                    self.wait(turn);
                    None
                }
                State::Waiting => {
                    let again = self.again(self.question.silent, turn);
                    Some(Heard::Nothing { again })
                }
                State::Typing => Some(self.complete(fits, turn)),
            },
            _ => None,
        }
    }

    pub fn deadline(&self) -> Instant {
        self.until
    }

    fn key(
        &mut self,
        digit: Digit,
        fits: impl Fn(&[Digit]) -> Fit,
        turn: &mut Turn<'_>,
    ) -> Option<Heard> {
        if self.state == State::Saying {
            if !self.question.barge_in {
                return None;
            }
            turn.say(Effect::Hear(self.who, Source::Silence));
        }
        self.typed.push(digit);
        match fits(&self.typed) {
            Fit::Whole => Some(Heard::Answer(std::mem::take(&mut self.typed))),
            Fit::Begins | Fit::Both if self.typed.len() <= VoiceMenu::KEYS_MAX => {
                self.state = State::Typing;
                self.until = turn.now.at + self.question.between_keys;
                None
            }
            Fit::No if digit.as_char() == ENTER => {
                self.typed.pop();
                Some(self.complete(fits, turn))
            }
            Fit::No | Fit::Begins | Fit::Both => Some(self.wrong(turn)),
        }
    }

    /// No more keys will come.
    fn complete(&mut self, fits: impl Fn(&[Digit]) -> Fit, turn: &mut Turn<'_>) -> Heard {
        match fits(&self.typed) {
            Fit::Whole | Fit::Both => Heard::Answer(std::mem::take(&mut self.typed)),
            Fit::No | Fit::Begins => self.wrong(turn),
        }
    }

    fn wrong(&mut self, turn: &mut Turn<'_>) -> Heard {
        let again = self.again(self.question.invalid, turn);
        Heard::Wrong { again }
    }

    /// Asks again, if it may. Nobody is told to try again who may not.
    fn again(&mut self, before: Option<ClipId>, turn: &mut Turn<'_>) -> bool {
        self.typed.clear();
        let Some(left) = self.repeats.checked_sub(1) else { return false };
        self.repeats = left;
        self.say(before, turn);
        true
    }

    fn say(&mut self, before: Option<ClipId>, turn: &mut Turn<'_>) {
        let clips = before.into_iter().chain(self.question.prompt);
        let script = Script::new(clips.map(Line::Say).collect());
        if script.is_empty() {
            return self.wait(turn);
        }
        turn.say(Effect::Hear(self.who, Source::Script(script)));
        self.state = State::Saying;
        self.until = turn.now.at + LONGEST_MESSAGE;
    }

    fn wait(&mut self, turn: &mut Turn<'_>) {
        // Also, a question that is said again is another than the one that is heard.
        turn.say(Effect::Hear(self.who, Source::Silence));
        self.state = State::Waiting;
        self.until = turn.now.at + self.question.timeout;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Now, Wall};
    use crate::desk::Desk;

    const WHO: Leg = Leg(3);

    struct Talk {
        asking: Asking,
        now: Now,
        heard: Vec<Effect>,
    }

    fn keys(text: &str) -> Vec<Digit> {
        text.chars().filter_map(Digit::from_char).collect()
    }

    /// The answers are 1, 12, 125, 4 and *.
    fn fits(typed: &[Digit]) -> Fit {
        let answers = ["1", "12", "125", "4", "*"].map(keys);
        let whole = answers.iter().any(|it| it == typed);
        let begins = answers.iter().any(|it| typed.len() < it.len() && it.starts_with(typed));
        match (whole, begins) {
            (true, true) => Fit::Both,
            (true, false) => Fit::Whole,
            (false, true) => Fit::Begins,
            (false, false) => Fit::No,
        }
    }

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    impl Talk {
        fn new(change: impl FnOnce(&mut Question)) -> Self {
            let mut question = Question {
                prompt: Some(ClipId(1)),
                invalid: Some(ClipId(2)),
                silent: Some(ClipId(3)),
                barge_in: true,
                timeout: ms(5000),
                between_keys: ms(3000),
                repeats: 1,
            };
            change(&mut question);
            let now = Now { at: Instant::START, wall: Wall::from_unix_micros(0) };
            let mut heard = Vec::new();
            let asking = Asking::new(
                WHO,
                question,
                &mut Turn { now, desk: &Desk::default(), out: &mut heard },
            );
            Self { asking, now, heard }
        }

        fn tell(&mut self, event: &Event) -> Option<Heard> {
            let turn = &mut Turn { now: self.now, desk: &Desk::default(), out: &mut self.heard };
            self.asking.on(event, fits, turn)
        }

        fn presses(&mut self, text: &str) -> Option<Heard> {
            let mut last = None;
            for digit in keys(text) {
                assert_eq!(last, None, "typed on after the end");
                last = self.tell(&Event::Key { leg: WHO, digit });
            }
            last
        }

        /// The message has been said to its end.
        fn is_asked(&mut self) {
            assert_eq!(self.tell(&Event::ScriptDone { leg: WHO }), None);
        }

        fn waits(&mut self, time: Duration) -> Option<Heard> {
            self.now = self.now.after(time);
            self.tell(&Event::Time)
        }

        fn said(&self) -> Vec<Vec<u64>> {
            let said = self.heard.iter().map(|it| match it {
                Effect::Hear(WHO, Source::Script(script)) => script
                    .lines
                    .iter()
                    .map(|it| if let Line::Say(clip) = it { clip.0 } else { 0 })
                    .collect(),
                Effect::Hear(WHO, Source::Silence) => Vec::new(),
                other => panic!("{other:?}"),
            });
            said.collect()
        }
    }

    fn answer(text: &str) -> Option<Heard> {
        Some(Heard::Answer(keys(text)))
    }

    #[test]
    fn an_answer_that_no_other_begins_with_ends_at_once() {
        let mut talk = Talk::new(|_| ());
        talk.is_asked();
        assert_eq!(talk.presses("4"), answer("4"));
        let mut talk = Talk::new(|_| ());
        talk.is_asked();
        assert_eq!(talk.presses("125"), answer("125"));
    }

    #[test]
    fn an_answer_that_others_begin_with_waits_for_their_next_key() {
        let mut talk = Talk::new(|_| ());
        talk.is_asked();
        assert_eq!(talk.presses("1"), None);
        assert_eq!(talk.waits(ms(2999)), None);
        assert_eq!(talk.waits(ms(1)), answer("1"));
        let mut talk = Talk::new(|_| ());
        talk.is_asked();
        assert_eq!(talk.presses("1"), None);
        assert_eq!(talk.waits(ms(2500)), None);
        assert_eq!(talk.presses("2"), None, "the time between keys begins anew");
        assert_eq!(talk.waits(ms(2999)), None);
        assert_eq!(talk.waits(ms(1)), answer("12"));
    }

    #[test]
    fn the_hash_ends_an_answer_early_unless_it_is_a_key_of_it() {
        let mut talk = Talk::new(|_| ());
        assert_eq!(talk.presses("1#"), answer("1"));
        let mut talk = Talk::new(|_| ());
        assert_eq!(talk.presses("#"), Some(Heard::Wrong { again: true }));
        assert_eq!(talk.presses("*"), answer("*"));
    }

    #[test]
    fn a_key_ends_the_prompt_only_with_barge_in() {
        let mut talk = Talk::new(|_| ());
        assert_eq!(talk.presses("4"), answer("4"));
        assert_eq!(talk.said(), [vec![1], vec![]]);
        let mut talk = Talk::new(|it| it.barge_in = false);
        assert_eq!(talk.presses("4"), None);
        assert_eq!(talk.said(), [vec![1]]);
        talk.is_asked();
        assert_eq!(talk.presses("4"), answer("4"));
    }

    #[test]
    fn what_was_wrong_is_said_before_it_is_asked_again_and_not_when_it_is_not() {
        let mut talk = Talk::new(|it| it.repeats = 2);
        talk.is_asked();
        assert_eq!(talk.waits(ms(4999)), None);
        assert_eq!(talk.waits(ms(1)), Some(Heard::Nothing { again: true }));
        assert_eq!(talk.presses("7"), Some(Heard::Wrong { again: true }));
        talk.is_asked();
        assert_eq!(talk.waits(ms(5000)), Some(Heard::Nothing { again: false }));
        assert_eq!(talk.said(), [vec![1], vec![], vec![3, 1], vec![], vec![2, 1], vec![]]);
    }

    #[test]
    fn the_timeout_runs_from_the_end_of_the_prompt_or_of_the_longest_message() {
        let mut talk = Talk::new(|_| ());
        assert_eq!(talk.waits(ms(119_999)), None);
        assert_eq!(talk.waits(ms(1)), None);
        assert_eq!(talk.waits(ms(5000)), Some(Heard::Nothing { again: true }));
    }

    #[test]
    fn the_beginning_of_an_answer_alone_is_none() {
        let mut talk = Talk::new(|_| ());
        let longer = |typed: &[Digit]| match typed.len() {
            0..=3 => Fit::Begins,
            _ => Fit::Whole,
        };
        let turn = &mut Turn { now: talk.now, desk: &Desk::default(), out: &mut talk.heard };
        let key = |digit| Event::Key { leg: WHO, digit };
        assert_eq!(talk.asking.on(&key(keys("9")[0]), longer, turn), None);
        turn.now = turn.now.after(ms(3000));
        let heard = talk.asking.on(&Event::Time, longer, turn);
        assert_eq!(heard, Some(Heard::Wrong { again: true }));
    }

    #[test]
    fn somebody_elses_keys_are_no_answer() {
        let mut talk = Talk::new(|_| ());
        let [digit] = keys("4")[..] else { panic!() };
        assert_eq!(talk.tell(&Event::Key { leg: Leg(4), digit }), None);
        assert_eq!(talk.said(), [vec![1]]);
    }

    #[test]
    fn no_flood_of_keys_grows_without_end() {
        let mut talk = Talk::new(|it| it.repeats = 0);
        let endless = |_: &[Digit]| Fit::Begins;
        let [digit] = keys("1")[..] else { panic!() };
        let turn = &mut Turn { now: talk.now, desk: &Desk::default(), out: &mut talk.heard };
        let mut typed = 0;
        while talk.asking.on(&Event::Key { leg: WHO, digit }, endless, turn).is_none() {
            typed += 1;
        }
        assert_eq!(typed, VoiceMenu::KEYS_MAX);
    }
}
