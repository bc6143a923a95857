//! What the demo remarks on, in plain words: from what the phones were sent, did and heard.

use std::time::Duration;

use super::set::{EXTENSION, KEYS};
use super::{CARRIER, MOBILE, OFFICE, SHOP};
use crate::clock::Instant;
use crate::simulator::ear::Sound;
use crate::simulator::{Moment, Phone};

/// How a party is called in a sentence.
const WHO: [&str; 4] = ["The caller", "The shop", "The office", "The mobile"];
/// Sounds shorter than this are the beginning of something, or nothing.
const AUDIBLE: Duration = Duration::from_millis(200);

/// What was seen of the calls, and what was said about it.
#[derive(Default)]
pub(super) struct Watcher {
    /// Moments and keys of each party that were remarked on.
    moments: [usize; 4],
    keys: usize,
    last_key: Option<Instant>,
    refused: [bool; 4],
    now: Call,
    /// What was seen of the calls that are over.
    pub before: Vec<Call>,
}

/// What became of one call.
#[derive(Clone, Debug, Default)]
pub(super) struct Call {
    pub keys: String,
    pub whispered: bool,
    /// The office answered, and the caller was not told so at that moment.
    pub answered_unnoticed: bool,
    pub connected: bool,
    pub cancelled: bool,
    talking: bool,
    rung: usize,
}

/// Remarks under a column of the ladder, and sentences.
pub(super) type Said = (Vec<(usize, String)>, Vec<String>);

impl Watcher {
    pub fn next_call(&mut self) {
        let before = std::mem::take(&mut self.before);
        let call = std::mem::take(&mut self.now);
        *self = Self { before, ..Self::default() };
        self.before.push(call);
    }

    /// A party sent something.
    pub fn sent(&mut self, who: &str, bytes: &[u8]) {
        if who == "shop" && bytes.starts_with(b"SIP/2.0 486") {
            self.refused[SHOP] = true;
        }
    }

    /// What is new since the last look.
    pub fn look(&mut self, parties: &[&Phone], now: Instant) -> Said {
        let (mut notes, mut remarks) = (Vec::new(), Vec::new());
        for (who, phone) in parties.iter().enumerate().take(WHO.len()) {
            for (_, moment) in phone.moments.iter().skip(self.moments[who]) {
                remarks.extend(self.moment(who, *moment, parties));
            }
            self.moments[who] = phone.moments.len();
        }
        if std::mem::take(&mut self.refused[SHOP]) {
            remarks.push("The shop is busy. The other two go on ringing.".to_owned());
        }
        if let Some(office) = parties.get(OFFICE) {
            self.keys(office, now, &mut notes);
            self.whisper(office, &mut remarks);
        }
        self.talk(parties, &mut remarks);
        (notes, remarks)
    }

    fn moment(&mut self, who: usize, moment: Moment, parties: &[&Phone]) -> Option<String> {
        let name = WHO.get(who)?;
        Some(match moment {
            Moment::Rung => {
                self.now.rung += 1;
                return (self.now.rung == 3).then(|| {
                    "All three are rung at once: the first who takes it wins.".to_owned()
                });
            }
            Moment::Told(180) => "The caller hears ringing.".to_owned(),
            Moment::Told(200) => {
                self.now.connected = true;
                "Connected: the caller is answered only now.".to_owned()
            }
            Moment::Told(status) if 300 <= status => format!("The caller was refused: {status}."),
            Moment::Answered if who == OFFICE => {
                let caller = parties.get(CARRIER);
                self.now.answered_unnoticed = caller.is_some_and(|it| it.finals().is_empty());
                format!(
                    "The office's switchboard answered: it hears the extension {EXTENSION}, \
                     the caller still hears ringing."
                )
            }
            Moment::Answered => format!("{name} answered."),
            Moment::Cancelled
                if parties
                    .get(CARRIER)
                    .is_some_and(|it| it.finals().iter().any(|it| 299 < *it)) =>
            {
                format!("{name} stops ringing.")
            }
            Moment::Cancelled if who == MOBILE => {
                self.now.cancelled = true;
                "The mobile stops ringing: the call is taken.".to_owned()
            }
            Moment::HangsUp => format!("{name} hangs up."),
            Moment::HungUpOn => format!("{name} is let go."),
            _ => return None,
        })
    }

    /// Keys as the office's switchboard hears them (RFC 4733).
    fn keys(&mut self, office: &Phone, now: Instant, notes: &mut Vec<(usize, String)>) {
        for key in office.ear.keys.iter().skip(self.keys) {
            let wait = self.last_key.map(|it| now.since(it).as_secs_f64());
            let wait = wait.map_or(String::new(), |it| format!(", {it:.1} s later"));
            notes.push((OFFICE, format!("key {}{wait}", key.key)));
            self.keys += 1;
            self.last_key = Some(now);
        }
        self.now.keys = office.ear.keyed();
    }

    /// Anything but silence that the office hears after the keys, before it is connected.
    fn whisper(&mut self, office: &Phone, remarks: &mut Vec<String>) {
        let over = self.now.whispered || self.now.connected || self.now.keys != KEYS;
        let Some(first) = self.last_key.filter(|_| !over) else { return };
        let sounds = office.ear.heard.iter().filter(|it| it.sound != Sound::Silence);
        let heard: Duration =
            sounds.filter(|it| first < it.from).map(|it| it.to.since(it.from)).sum();
        if AUDIBLE <= heard {
            self.now.whispered = true;
            remarks.push(
                "The office hears the whisper, nobody else does. The caller still hears ringing."
                    .into(),
            );
        }
    }

    /// Both sides' voices arrive.
    fn talk(&mut self, parties: &[&Phone], remarks: &mut Vec<String>) {
        if self.now.talking || !self.now.connected {
            return;
        }
        let hears = |who: usize, hertz| {
            parties.get(who).is_some_and(|it| it.ear.first(Sound::Tone(hertz)).is_some())
        };
        let other = [(OFFICE, 600), (MOBILE, 700)].into_iter();
        let mut other = other.filter(|(who, hertz)| hears(CARRIER, *hertz) && hears(*who, 300));
        if let Some((who, _)) = other.next() {
            self.now.talking = true;
            let name = WHO.get(who).map_or("", |it| it).to_lowercase();
            remarks.push(format!("The caller and {name} hear each other."));
        }
    }

    /// What was seen of each call, in the order they were placed.
    pub fn calls(&mut self) -> &[Call] {
        self.next_call();
        // The first one was "over" before any had begun.
        self.before.get(1..).unwrap_or_default()
    }
}

impl Call {
    /// Whether caller and destination heard each other.
    pub fn talked(&self) -> bool {
        self.connected && self.talking
    }
}
