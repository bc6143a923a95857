//! A simulated virtual agent: a program that speaks the words of *Twilio Media Streams*, read and
//! written here from the protocol's text, with none of the exchange's own.
//!
//! What it does is a list: on this, do that.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::ear::Ear;
use crate::audio::Law;
use crate::clock::Instant;

/// What a program waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum On {
    /// The conversation has begun, and so long has passed.
    Begun(Duration),
    /// The caller pressed this key.
    Key(char),
    /// This mark came back.
    Mark(&'static str),
    /// The connection broke, and this is the next one.
    Resumed,
}

/// What it does then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Do {
    /// Says a tone of so many hertz for so long, all at once.
    Say(u16, Duration),
    Mark(&'static str),
    Clear,
    Press(char),
    Route(&'static str),
    HangUp,
    Stop,
    /// Closes the connection in good order, or lets it break.
    Close,
    Break,
    /// Is there no more, but its connection is: nothing is answered.
    Hang,
    /// Sends this text, so many times.
    Text(&'static str, usize),
}

/// How it takes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    OpensAfter(Duration),
    /// Refuses at once.
    Shut,
    /// Neither opens nor refuses.
    Silent,
}

pub struct Program {
    pub url: String,
    pub door: Door,
    pub plan: Vec<(On, Do)>,
    /// Every message it got, but for voice.
    pub got: Vec<Value>,
    /// What it heard of the caller.
    pub ear: Ear,
    /// Frames it heard, by their time stamps.
    pub frames: Vec<u64>,
    /// When its conversation's connections were closed by the edge.
    pub closed: Vec<Instant>,
    hung: bool,
    begun: Option<Instant>,
    sid: String,
    due: BTreeMap<(Instant, usize), Do>,
}

/// What a program sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    Text(String),
    Closed,
    Broken,
}

impl Program {
    pub fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            door: Door::OpensAfter(Duration::from_millis(50)),
            plan: Vec::new(),
            got: Vec::new(),
            ear: Ear::default(),
            frames: Vec::new(),
            closed: Vec::new(),
            hung: false,
            begun: None,
            sid: String::new(),
            due: BTreeMap::new(),
        }
    }

    /// One more thing that it does.
    pub fn does(&mut self, on: On, what: Do) -> &mut Self {
        self.plan.push((on, what));
        self
    }

    /// Whether it answers pings.
    pub fn is_alive(&self) -> bool {
        !self.hung
    }

    /// Messages of this kind that it got.
    pub fn count(&self, event: &str) -> usize {
        self.got.iter().filter(|it| it["event"] == event).count()
    }

    /// The keys that it was told.
    pub fn keyed(&self) -> String {
        self.got.iter().filter_map(|it| it["dtmf"]["digit"].as_str()).collect()
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// The edge says something.
    pub(super) fn hears(&mut self, text: &str, now: Instant) {
        if self.hung {
            return;
        }
        let said: Value = serde_json::from_str(text).unwrap_or_default();
        match said["event"].as_str().unwrap_or_default() {
            "start" => {
                self.sid = said["streamSid"].as_str().unwrap_or_default().to_owned();
                self.begun = Some(now);
                self.plan_begin(now);
                if said["start"]["resumed"] == true {
                    self.react(&On::Resumed, now);
                }
            }
            "media" => {
                let payload = said["media"]["payload"].as_str().unwrap_or_default();
                let octets = BASE64_STANDARD.decode(payload).unwrap_or_default();
                let at = said["media"]["timestamp"].as_str().and_then(|it| it.parse::<u64>().ok());
                self.frames.extend(at);
                let samples: Vec<i16> = octets.iter().map(|it| Law::Mu.decode(*it)).collect();
                self.ear.sound(&samples, now);
                return;
            }
            "dtmf" => {
                let key = said["dtmf"]["digit"].as_str().and_then(|it| it.chars().next());
                if let Some(key) = key {
                    self.react(&On::Key(key), now);
                }
            }
            "mark" => {
                let name = said["mark"]["name"].as_str().unwrap_or_default();
                let meant = self.plan.iter().map(|(on, _)| on);
                let mut meant = meant.filter(|on| matches!(on, On::Mark(it) if *it == name));
                if let Some(on) = meant.next().cloned() {
                    self.react(&on, now);
                }
            }
            _ => (),
        }
        self.got.push(said);
    }

    /// The edge closed the connection.
    pub(super) fn is_closed(&mut self, now: Instant) {
        self.closed.push(now);
        self.due.clear();
    }

    /// What it does now.
    pub(super) fn acts(&mut self, now: Instant) -> Vec<Sent> {
        let mut sent = Vec::new();
        while let Some(entry) = self.due.first_entry().filter(|it| it.key().0 <= now) {
            let what = entry.remove();
            self.act(&what, &mut sent);
        }
        sent
    }

    fn plan_begin(&mut self, now: Instant) {
        let begun = self.plan.iter().enumerate().filter_map(|(n, (on, what))| match on {
            On::Begun(after) => Some(((now + *after, n), what.clone())),
            _ => None,
        });
        self.due.extend(begun.collect::<Vec<_>>());
    }

    fn react(&mut self, to: &On, now: Instant) {
        let meant = self.plan.iter().enumerate().filter(|(_, (on, _))| on == to);
        self.due.extend(meant.map(|(n, (_, what))| ((now, n), what.clone())).collect::<Vec<_>>());
    }

    fn act(&mut self, what: &Do, sent: &mut Vec<Sent>) {
        let sid = &self.sid;
        let message = match what {
            Do::Say(hertz, time) => {
                let payload = BASE64_STANDARD.encode(tone(*hertz, *time));
                json!({"event": "media", "streamSid": sid, "media": {"payload": payload}})
            }
            Do::Mark(name) => json!({"event": "mark", "streamSid": sid, "mark": {"name": name}}),
            Do::Clear => json!({"event": "clear", "streamSid": sid}),
            Do::Press(key) => {
                json!({"event": "dtmf", "streamSid": sid, "dtmf": {"digit": key.to_string()}})
            }
            Do::Route(name) => {
                json!({"event": "route", "streamSid": sid, "route": {"name": name}})
            }
            Do::HangUp => json!({"event": "hangup", "streamSid": sid}),
            Do::Stop => json!({"event": "stop", "streamSid": sid}),
            Do::Close => return sent.push(Sent::Closed),
            Do::Break => return sent.push(Sent::Broken),
            Do::Hang => {
                self.hung = true;
                return;
            }
            Do::Text(text, times) => {
                return sent.extend(std::iter::repeat_n(Sent::Text((*text).to_owned()), *times));
            }
        };
        sent.push(Sent::Text(message.to_string()));
    }
}

fn tone(hertz: u16, time: Duration) -> Vec<u8> {
    let step = std::f64::consts::TAU * f64::from(hertz) / 8000.0;
    let sample = |n: u32| Law::Mu.encode(((f64::from(n) * step).sin() * 8000.0) as i16);
    (0..time.as_millis() as u32 * 8).map(sample).collect()
}
