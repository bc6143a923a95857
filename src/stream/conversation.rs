//! One conversation, from the open connection to its end.
//!
//! ```text
//!   Waiting --Begin--> Talking --stop, route, hangup, closed, faults, Close--> Over
//! ```
//! A program that is silent is left in peace; one that gives no sign of life for [`STALLED`],
//! although it is pinged each [`PING`], is dropped, and so is one that breaks a limit.

use std::time::Duration;

use super::budget::Budget;
use super::words::{self, Heard, Start, Telling, What};
use super::{Fault, Opening, Order, Told};
use crate::clock::Instant;
use crate::media::{Say, Strand};

/// How often a program is asked whether it is there.
const PING: Duration = Duration::from_secs(1);
/// Without any sign of life for so long, it is not.
pub const STALLED: Duration = Duration::from_secs(3);
/// The longest message. A minute of voice is 640 KB in base64, and programs that speak whole texts
/// send it in one.
pub const MESSAGE_MAX: usize = 1 << 20;
/// Messages at once (a minute of voice in pieces of 20 ms, and more) and in a second from then on.
const MESSAGES: (u64, u64) = (4000, 250);
/// Bytes at once and in a second: as much.
const BYTES: (u64, u64) = (2 << 20, 64 << 10);

/// What a conversation wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// Send this text message.
    Text(String),
    Ping,
    /// Close the connection, after what was sent before.
    Close,
    Media(Say),
    Tell(Told),
}

#[derive(Clone, Debug)]
pub struct Conversation {
    opening: Opening,
    sid: String,
    state: State,
    /// Of the messages of ours, and of those with voice.
    sequence: u64,
    chunk: u64,
    /// The last sign of life, and when the next is asked for.
    alive: Instant,
    ping: Instant,
    messages: Budget,
    bytes: Budget,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Talking,
    Over,
}

impl Conversation {
    /// A connection that is open.
    pub fn new(opening: Opening, now: Instant, out: &mut Vec<Want>) -> Self {
        out.push(Want::Tell(Told::Opened));
        Self {
            sid: format!("{}-{}", opening.call, opening.number),
            opening,
            state: State::Waiting,
            sequence: 0,
            chunk: 0,
            alive: now,
            ping: now + PING,
            messages: Budget::new(MESSAGES.0, MESSAGES.1, now),
            bytes: Budget::new(BYTES.0, BYTES.1, now),
        }
    }

    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// The call wants something.
    pub fn on_order(&mut self, order: &Order, out: &mut Vec<Want>) {
        match (self.state, order) {
            (State::Waiting, Order::Begin) => {
                self.state = State::Talking;
                out.push(Want::Text(words::CONNECTED.to_owned()));
                self.sequence += 1;
                let what = What::Start(Start::of(&self.opening, &self.sid));
                out.push(Want::Text(self.telling("start", what)));
            }
            (State::Talking, Order::Key(digit)) => {
                let digit = digit.to_string();
                self.tell("dtmf", What::Dtmf { track: "inbound_track", digit }, out);
            }
            (State::Waiting | State::Talking, Order::Close) => self.end(None, out),
            _ => (),
        }
    }

    /// Media has something for the program.
    pub fn on_strand(&mut self, strand: Strand<'_>, out: &mut Vec<Want>) {
        if self.state != State::Talking {
            return;
        }
        match strand {
            Strand::Frame { at, octets } => {
                self.chunk += 1;
                let (chunk, timestamp) = (self.chunk.to_string(), at.to_string());
                let payload = words::payload(octets);
                let what = What::Media { track: "inbound", chunk, timestamp, payload };
                self.tell("media", what, out);
            }
            Strand::Mark(name) => self.tell("mark", What::Mark { name }, out),
        }
    }

    /// The program sent a text message.
    pub fn on_text(&mut self, text: &str, now: Instant, out: &mut Vec<Want>) {
        if self.state == State::Over {
            return;
        }
        self.alive = now;
        if MESSAGE_MAX < text.len() {
            return self.fail(Fault::TooLong, out);
        }
        if !self.messages.take(1, now) || !self.bytes.take(text.len() as u64, now) {
            return self.fail(Fault::Flood, out);
        }
        match words::read(text, &self.sid) {
            // Before the start it does not know the stream: nobody hears that.
            Some(Heard::Say(says)) if self.state == State::Talking => {
                out.extend(says.into_iter().map(Want::Media));
            }
            Some(Heard::Say(_) | Heard::Other) => (),
            Some(Heard::Route(name)) => self.end(Some(Told::Route(name)), out),
            Some(Heard::HangUp) => self.end(Some(Told::HangUp), out),
            Some(Heard::Stop) => self.end(Some(Told::Closed), out),
            None => self.fail(Fault::Nonsense, out),
        }
    }

    /// A pong, or a ping of its own: it is alive.
    pub fn on_control(&mut self, now: Instant, out: &mut Vec<Want>) {
        self.alive = now;
        if !self.messages.take(1, now) {
            self.fail(Fault::Flood, out);
        }
    }

    /// The connection is closed, in good order.
    pub fn on_closed(&mut self, out: &mut Vec<Want>) {
        self.end(Some(Told::Closed), out);
    }

    /// The connection cannot be used any more, or the program must not be listened to.
    pub fn fail(&mut self, fault: Fault, out: &mut Vec<Want>) {
        self.end(Some(Told::Lost(fault)), out);
    }

    pub fn on_time(&mut self, now: Instant, out: &mut Vec<Want>) {
        if self.state == State::Over {
            return;
        }
        if self.alive + STALLED <= now {
            return self.fail(Fault::Stalled, out);
        }
        if self.ping <= now {
            self.ping = now + PING;
            out.push(Want::Ping);
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        (self.state != State::Over).then(|| self.ping.min(self.alive + STALLED))
    }

    /// Ends it: with news for the call, or because the call wants it.
    fn end(&mut self, told: Option<Told>, out: &mut Vec<Want>) {
        if self.state == State::Talking {
            let call = self.opening.call.clone();
            let what = What::Stop { account_sid: words::ACCOUNT, call_sid: &call };
            self.tell("stop", what, out);
        }
        if self.state != State::Over {
            self.state = State::Over;
            out.push(Want::Close);
            out.extend(told.map(Want::Tell));
        }
    }

    fn tell(&mut self, event: &str, what: What<'_>, out: &mut Vec<Want>) {
        self.sequence += 1;
        out.push(Want::Text(self.telling(event, what)));
    }

    fn telling(&self, event: &str, what: What<'_>) -> String {
        let sequence_number = self.sequence.to_string();
        Telling { event, sequence_number, stream_sid: &self.sid, what }.text()
    }
}
