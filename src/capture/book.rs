//! Whose message is this? Rings for all calls that go on, and for those that ended just now.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use memchr::memmem;
use smallvec::SmallVec;

use super::{Captured, Caught, Limits, Message, Ring, redacted};
use crate::clock::Instant;
use crate::sip::Hop;

/// How long a call's last answers may take once it is over.
const LINGER: Duration = Duration::from_secs(3);
/// A call that is never said to be over is given up after so long without a word.
const SILENT: Duration = Duration::from_secs(24 * 3600);
/// How often such calls are looked for.
const SWEEP: Duration = Duration::from_secs(600);
/// Calls with one Call-ID, which happens when a call comes back to us.
const SAME_ID: usize = 4;
/// Dialogs that a call may have: more are not listened to.
const DIALOGS: usize = 256;

/// Which calls are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// They are exported only.
    None,
    Failed,
    All,
}

/// What is wanted of the shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// A call's messages, to be written.
    Keep(Captured),
    /// A message, to be told to whoever collects them, and its call.
    Export(Message, Arc<str>),
}

/// See the head of this file.
#[derive(Debug)]
pub struct Book {
    keeps: Kept,
    exports: bool,
    limits: Limits,
    /// Our sockets by their number, as far ends see them.
    listeners: Vec<SocketAddr>,
    calls: BTreeMap<Arc<str>, Line>,
    /// Whose a Call-ID is.
    dialogs: HashMap<Box<[u8]>, SmallVec<[Arc<str>; 1]>>,
    /// Calls that are over, by the time they are closed.
    over: BTreeMap<(Instant, Arc<str>), bool>,
    sweep: Instant,
}

#[derive(Debug, Default)]
struct Line {
    ring: Ring,
    dialogs: SmallVec<[Box<[u8]>; 2]>,
    last: Instant,
    closes: Option<Instant>,
}

impl Book {
    pub fn new(keeps: Kept, exports: bool, limits: Limits, listeners: Vec<SocketAddr>) -> Self {
        Self {
            keeps,
            exports,
            limits,
            listeners,
            calls: BTreeMap::new(),
            dialogs: HashMap::new(),
            over: BTreeMap::new(),
            sweep: Instant::START + SWEEP,
        }
    }

    /// Calls whose messages are in memory.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Takes what was caught in one turn. Whose a dialog is counts for all of the turn.
    pub fn take(&mut self, turn: Vec<Caught>, now: Instant, out: &mut Vec<Want>) {
        for caught in &turn {
            if let Caught::Dialog { call, call_id } = caught {
                self.dialog(call, call_id, now);
            }
        }
        for caught in turn {
            match caught {
                Caught::Dialog { .. } => (),
                Caught::Heard { at, bytes, hop } => {
                    let to = self.our(hop);
                    let (from, transport) = (hop.remote, hop.transport);
                    self.message(Message { at, from, to, transport, heard: true, bytes }, now, out);
                }
                Caught::Said { at, bytes, hop } => {
                    let from = self.our(hop);
                    let (to, transport) = (hop.remote, hop.transport);
                    let heard = false;
                    self.message(Message { at, from, to, transport, heard, bytes }, now, out);
                }
                Caught::Over { call, failed } => self.over(&call, failed, now),
            }
        }
    }

    /// What there is of a call that is not written yet.
    pub fn look(&self, call: &str) -> Option<Captured> {
        self.calls.get_key_value(call).map(|(call, line)| captured(call, &line.ring))
    }

    /// Closes calls that were over a while ago.
    pub fn on_time(&mut self, now: Instant, out: &mut Vec<Want>) {
        while let Some(((at, _), _)) = self.over.first_key_value()
            && *at <= now
            && let Some(((_, call), failed)) = self.over.pop_first()
        {
            self.close(&call, failed || self.keeps == Kept::All, out);
        }
        if self.sweep <= now {
            self.sweep = now + SWEEP;
            let silent = |line: &Line| line.closes.is_none() && line.last + SILENT <= now;
            let gone = self.calls.iter().filter(|it| silent(it.1)).map(|it| it.0.clone());
            for call in gone.collect::<Vec<_>>() {
                self.close(&call, true, out);
            }
        }
    }

    /// Closes all of them: the end of the program.
    pub fn close_all(&mut self, out: &mut Vec<Want>) {
        let calls: Vec<_> = self.calls.keys().cloned().collect();
        for call in calls {
            let line = self.calls.get(&call);
            let over = line.and_then(|it| self.over.remove(&(it.closes?, call.clone())));
            self.close(&call, over != Some(false) || self.keeps == Kept::All, out);
        }
    }

    pub fn deadline(&self) -> Instant {
        let over = self.over.first_key_value().map(|((at, _), _)| *at);
        over.unwrap_or(self.sweep).min(self.sweep)
    }

    fn our(&self, hop: Hop) -> SocketAddr {
        let found = self.listeners.get(usize::from(hop.listener)).copied();
        found.unwrap_or_else(|| SocketAddr::from(([0, 0, 0, 0], 0)))
    }

    fn dialog(&mut self, call: &Arc<str>, call_id: &[u8], now: Instant) {
        let line = self.calls.entry(call.clone()).or_default();
        line.last = now;
        if DIALOGS <= line.dialogs.len() || line.dialogs.iter().any(|it| **it == *call_id) {
            return;
        }
        let whose = self.dialogs.entry(call_id.into()).or_default();
        if whose.len() < SAME_ID {
            whose.push(call.clone());
            line.dialogs.push(call_id.into());
        }
    }

    fn message(&mut self, mut message: Message, now: Instant, out: &mut Vec<Want>) {
        let Some(whose) = call_id(&message.bytes).and_then(|it| self.dialogs.get(it)) else {
            return;
        };
        // A datagram lies in a piece of memory with others: a copy of it does not keep them all.
        message.bytes = Bytes::copy_from_slice(&message.bytes);
        for call in whose {
            if self.exports {
                let redacted = Message { bytes: redacted(&message.bytes), ..message.clone() };
                out.push(Want::Export(redacted, call.clone()));
            }
            if let Some(line) = self.calls.get_mut(call) {
                line.last = now;
                if self.keeps != Kept::None {
                    line.ring.push(message.clone(), self.limits);
                }
            }
        }
    }

    fn over(&mut self, call: &Arc<str>, failed: bool, now: Instant) {
        let Some(line) = self.calls.get_mut(call) else { return };
        let closes = now + LINGER;
        if let Some(before) = line.closes.replace(closes) {
            self.over.remove(&(before, call.clone()));
        }
        self.over.insert((closes, call.clone()), failed);
    }

    fn close(&mut self, call: &Arc<str>, keeps: bool, out: &mut Vec<Want>) {
        let Some(line) = self.calls.remove(call) else { return };
        for id in &line.dialogs {
            if let Some(whose) = self.dialogs.get_mut(id) {
                whose.retain(|it| it != call);
                if whose.is_empty() {
                    self.dialogs.remove(id);
                }
            }
        }
        if keeps && !line.ring.is_empty() {
            out.push(Want::Keep(captured(call, &line.ring)));
        }
    }
}

fn captured(call: &Arc<str>, ring: &Ring) -> Captured {
    let clean = |it: &Message| Message { bytes: redacted(&it.bytes), ..it.clone() };
    Captured {
        call: call.clone(),
        left_out: ring.left_out(),
        messages: ring.messages().map(clean).collect(),
    }
}

/// The Call-ID of a message, found without reading the rest (RFC 3261 sections 7.3.3 and 20.8).
fn call_id(bytes: &[u8]) -> Option<&[u8]> {
    let head = bytes.get(..memmem::find(bytes, b"\r\n\r\n")?)?;
    let mut rest = head;
    while let Some(end) = memmem::find(rest, b"\r\n") {
        rest = rest.get(end + 2..)?;
        // Most lines begin otherwise.
        let Some(b'c' | b'C' | b'i' | b'I') = rest.first() else { continue };
        let line = rest.get(..memmem::find(rest, b"\r\n").unwrap_or(rest.len()))?;
        let Some(colon) = line.iter().position(|it| *it == b':') else { continue };
        let (name, value) = line.split_at(colon);
        let name = name.trim_ascii_end();
        if name.eq_ignore_ascii_case(b"call-id") || name.eq_ignore_ascii_case(b"i") {
            return value.get(1..).map(<[u8]>::trim_ascii);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_id_is_found_however_it_is_written() {
        for line in ["Call-ID: a@b", "call-id:a@b", "CALL-ID \t:  a@b  ", "i: a@b", "I:a@b"] {
            let text = format!("BYE sip:x SIP/2.0\r\nContact: c\r\n{line}\r\nTo: y\r\n\r\nbody");
            assert_eq!(call_id(text.as_bytes()), Some(&b"a@b"[..]), "{line}");
            let last = format!("BYE sip:x SIP/2.0\r\nTo: y\r\n{line}\r\n\r\n");
            assert_eq!(call_id(last.as_bytes()), Some(&b"a@b"[..]), "{line}");
        }
        for text in ["", "\r\n\r\n", "BYE x\r\nTo: y\r\n\r\nCall-ID: a\r\n", "X\r\nCall-ID: a\r\n"]
        {
            assert_eq!(call_id(text.as_bytes()), None, "{text:?}");
        }
    }
}
