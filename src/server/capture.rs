//! What calls say in SIP, for a thread that keeps it (`capture`, `store::captures`).
//!
//! The loop hands over a turn at a time, messages by reference, and never waits: what a thread that
//! stands still has no room for is lost and counted. Whose a dialog is, and which call is over, is
//! said again later in that case, for otherwise calls would be held for ever. A thread that stands
//! still for long does not hear of new calls, nor of their end.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::oneshot;
use tracing::{error, info, warn};

use super::clock::Clock;
use super::setup;
use crate::api::capture::Look;
use crate::capture::{Book, Captured, Caught, Kept, Limits, Want, hep};
use crate::clock::Wall;
use crate::config::Config;
use crate::config::shell::CaptureKeep;
use crate::model::record::{CallRecord, RecordState};
use crate::sip::Hop;
use crate::store::{CaptureLimits, Captures};

/// Turns on their way to the thread.
const TURNS: usize = 1024;
/// What may wait for a thread that stands still: first messages are lost, then calls that are new.
const WAITING: usize = 4096;
const WAITING_MOST: usize = 65_536;
/// How often the disk is told to keep what it was given.
const SYNC: Duration = Duration::from_secs(1);
/// How often the disk is looked through for what is too old.
const TIDY: Duration = Duration::from_secs(600);
/// How often Homer's name is looked up.
const FIND: Duration = Duration::from_secs(300);

/// What the thread is told.
enum Told {
    Turn(Vec<Caught>),
    Look(String, oneshot::Sender<Option<Captured>>),
    /// No turn follows; somebody may still hold an end to look with.
    End,
}

/// The loop's end. Does nothing where nothing is to be kept.
pub struct Capture(Option<Running>);

struct Running {
    ring: SyncSender<Told>,
    thread: JoinHandle<()>,
    /// What came in this turn, with the number of what went out before.
    heard: VecDeque<(usize, Caught)>,
    turn: Vec<Caught>,
    /// Calls that the thread hears of, and not yet of their end.
    open: HashSet<Arc<str>>,
}

impl Running {
    fn dialog(&mut self, call: Arc<str>, call_id: Bytes) {
        if WAITING_MOST <= self.turn.len() {
            metrics::counter!("crosspoint_capture_lost_total").increment(1);
            return;
        }
        self.open.insert(call.clone());
        self.turn.push(Caught::Dialog { call, call_id });
    }

    /// Never lost: of each call that the thread knows there is one.
    fn over(&mut self, call: &Arc<str>, failed: bool) {
        if self.open.remove(call) {
            self.turn.push(Caught::Over { call: call.clone(), failed });
        }
    }

    /// Hands over what there is, if there is room for it.
    fn flush(&mut self) {
        if self.turn.is_empty() {
            return;
        }
        let turn = std::mem::take(&mut self.turn);
        let Err(TrySendError::Full(Told::Turn(mut turn))) = self.ring.try_send(Told::Turn(turn))
        else {
            return;
        };
        let before = turn.len();
        if WAITING < before {
            turn.retain(|it| matches!(it, Caught::Dialog { .. } | Caught::Over { .. }));
            let lost = before - turn.len();
            metrics::counter!("crosspoint_capture_lost_total").increment(lost as u64);
        }
        self.turn = turn;
    }
}

/// Who wants to see calls that go on.
#[derive(Clone)]
pub struct Looker(Option<SyncSender<Told>>);

impl Looker {
    /// What there is of a call that is not on the disk yet. Waits for the thread, not for the disk.
    pub async fn look(&self, call: &str) -> Option<Captured> {
        let (answer, answered) = oneshot::channel();
        self.0.as_ref()?.try_send(Told::Look(call.to_owned(), answer)).ok()?;
        answered.await.ok().flatten()
    }
}

impl Looker {
    /// The same for whoever does not know threads.
    pub fn into_look(self) -> Look {
        Arc::new(move |call| {
            let looker = self.clone();
            Box::pin(async move { looker.look(&call).await })
        })
    }
}

impl Capture {
    /// `listeners`: our sockets as far ends see them.
    pub fn start(
        config: &Config,
        data: &Path,
        listeners: Vec<SocketAddr>,
        clock: Clock,
    ) -> io::Result<Self> {
        if !setup::captures(config) {
            return Ok(Self(None));
        }
        let keys = &config.capture;
        let keeps = match keys.keep {
            CaptureKeep::All => Kept::All,
            CaptureKeep::Failed => Kept::Failed,
            CaptureKeep::Off => Kept::None,
        };
        let limits =
            Limits { messages: keys.messages.0 as usize, bytes: keys.kilobytes.0 as usize * 1024 };
        let disk = CaptureLimits { days: keys.days.0, bytes: u64::from(keys.megabytes.0) << 20 };
        let captures = match keeps {
            Kept::None => None,
            _ => Some(Captures::open(&setup::inside(data, &keys.folder), disk)?),
        };
        let homer = keys.homer.as_ref().map(|it| Homer::new(it.0.clone())).transpose()?;
        let book = Book::new(keeps, homer.is_some(), limits, listeners);
        let (ring, told) = sync_channel(TURNS);
        let mut keeper = Keeper { book, captures, homer, clock, refused: false, wants: Vec::new() };
        let thread =
            thread::Builder::new().name("capture".into()).spawn(move || keeper.keep_all(&told))?;
        let (heard, turn, open) = (VecDeque::new(), Vec::new(), HashSet::new());
        Ok(Self(Some(Running { ring, thread, heard, turn, open })))
    }

    pub fn looker(&self) -> Looker {
        Looker(self.0.as_ref().map(|it| it.ring.clone()))
    }

    /// We were sent this, when the switch had said so much in this turn.
    pub fn heard(&mut self, bytes: &Bytes, hop: Hop, at: Wall, said: usize) {
        if let Some(running) = &mut self.0 {
            let caught = Caught::Heard { at, bytes: bytes.clone(), hop };
            running.heard.push_back((said, caught));
        }
    }

    /// What follows went out after so much.
    pub fn reach(&mut self, said: usize) {
        let Some(running) = &mut self.0 else { return };
        while let Some((_, caught)) = running.heard.pop_front_if(|it| it.0 <= said) {
            running.turn.push(caught);
        }
    }

    pub fn said(&mut self, bytes: &Bytes, hop: Hop, at: Wall) {
        if let Some(running) = &mut self.0 {
            running.turn.push(Caught::Said { at, bytes: bytes.clone(), hop });
        }
    }

    pub fn dialog(&mut self, call: Arc<str>, call_id: Bytes) {
        if let Some(running) = &mut self.0 {
            running.dialog(call, call_id);
        }
    }

    pub fn record(&mut self, record: &CallRecord) {
        if let Some(running) = &mut self.0
            && record.state == RecordState::Ended
        {
            running.over(&record.id, record.connected_at.is_none());
        }
    }

    /// The turn is over.
    pub fn flush(&mut self) {
        self.reach(usize::MAX);
        if let Some(running) = &mut self.0 {
            running.flush();
        }
    }

    /// Writes what there is, and ends.
    pub fn stop(mut self) {
        self.flush();
        if let Some(Running { ring, thread, .. }) = self.0.take() {
            // Waits for room, should there be none; the thread is not there if it is refused.
            drop(ring.send(Told::End));
            if thread.join().is_err() {
                error!("the thread of the captures had died");
            }
        }
    }
}

/// The thread's.
struct Keeper {
    book: Book,
    captures: Option<Captures>,
    homer: Option<Homer>,
    clock: Clock,
    /// The disk did not take the last one.
    refused: bool,
    wants: Vec<Want>,
}

impl Keeper {
    fn keep_all(&mut self, told: &Receiver<Told>) {
        let (mut synced, mut tidied) = (now(), now());
        loop {
            let next = self.clock.shell(self.book.deadline()).saturating_duration_since(now());
            match told.recv_timeout(next.min(SYNC)) {
                Ok(Told::Turn(turn)) => {
                    let at = self.clock.now().at;
                    self.book.take(turn, at, &mut self.wants);
                }
                Ok(Told::Look(call, answer)) => drop(answer.send(self.book.look(&call))),
                Err(RecvTimeoutError::Timeout) => (),
                Ok(Told::End) | Err(RecvTimeoutError::Disconnected) => break,
            }
            self.book.on_time(self.clock.now().at, &mut self.wants);
            self.perform();
            if SYNC <= synced.elapsed() {
                synced = now();
                self.disk(Captures::sync);
                metrics::gauge!("crosspoint_captures_held").set(self.book.calls() as f64);
            }
            if TIDY <= tidied.elapsed() {
                tidied = now();
                let wall = self.clock.now().wall;
                self.disk(|it| it.tidy(wall));
            }
        }
        self.book.close_all(&mut self.wants);
        self.perform();
        self.disk(Captures::sync);
    }

    fn perform(&mut self) {
        for want in std::mem::take(&mut self.wants) {
            match want {
                Want::Keep(call) => {
                    let wall = self.clock.now().wall;
                    self.disk(|it| it.keep(&call, wall));
                }
                Want::Export(message, call) => {
                    if let Some(homer) = &mut self.homer {
                        homer.send(&hep(&message, &call));
                    }
                }
            }
        }
    }

    /// Does something with the disk; says once that it refuses, and once that it does no more.
    fn disk(&mut self, act: impl FnOnce(&mut Captures) -> io::Result<()>) {
        let Some(captures) = &mut self.captures else { return };
        match act(captures) {
            Ok(()) if self.refused => {
                self.refused = false;
                info!("captures can be written again");
            }
            Ok(()) => (),
            Err(error) => {
                metrics::counter!("crosspoint_capture_write_errors_total").increment(1);
                if !std::mem::replace(&mut self.refused, true) {
                    error!(%error, "captures cannot be written");
                }
            }
        }
    }
}

/// Where messages are told as well. Nobody waits for it, and it does not say whether it hears.
struct Homer {
    name: String,
    sockets: [UdpSocket; 2],
    address: Option<SocketAddr>,
    found: Option<Instant>,
}

impl Homer {
    fn new(name: String) -> io::Result<Self> {
        let bind = |address: &str| -> io::Result<UdpSocket> {
            let socket = UdpSocket::bind(address)?;
            socket.set_nonblocking(true)?;
            Ok(socket)
        };
        let four = bind("0.0.0.0:0")?;
        // A machine without IPv6 reaches nobody there anyway.
        let six = bind("[::]:0").or_else(|_| four.try_clone())?;
        Ok(Self { name, sockets: [four, six], address: None, found: None })
    }

    fn send(&mut self, datagram: &[u8]) {
        if self.found.is_none_or(|it| FIND <= it.elapsed()) {
            self.found = Some(now());
            match self.name.to_socket_addrs().map(|mut it| it.next()) {
                Ok(Some(address)) => self.address = Some(address),
                Ok(None) => warn!(homer = self.name, "this name has no address"),
                Err(error) => warn!(homer = self.name, %error, "Homer cannot be found"),
            }
        }
        let Some(address) = self.address else { return };
        let [four, six] = &self.sockets;
        let socket = if address.is_ipv4() { four } else { six };
        if socket.send_to(datagram, address).is_err() {
            metrics::counter!("crosspoint_homer_errors_total").increment(1);
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the shell reads the clock")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_over(turn: &[Caught], name: &str) -> bool {
        turn.iter().any(|it| matches!(it, Caught::Over { call, .. } if **call == *name))
    }

    #[test]
    fn the_end_of_a_call_is_told_however_long_the_thread_stood_still() {
        let (ring, told) = sync_channel(1);
        let thread = thread::spawn(|| ());
        let (heard, turn, open) = (VecDeque::new(), Vec::new(), HashSet::new());
        let mut running = Running { ring, thread, heard, turn, open };
        running.dialog("first".into(), Bytes::new());
        running.flush();
        // There is no room for a second turn, and calls come for hours.
        let many = 3 * WAITING_MOST;
        for n in 0..many {
            running.dialog(format!("c{n}").into(), Bytes::new());
            if n % 50_000 == 0 {
                running.flush();
            }
        }
        running.dialog("first".into(), Bytes::new());
        for call in ["first", "c0", "unheard of"].map(Arc::from) {
            running.over(&call, false);
        }
        for n in 1..many {
            running.over(&format!("c{n}").into(), true);
        }
        running.flush();
        assert!(running.turn.len() <= 2 * WAITING_MOST + 1, "{}", running.turn.len());
        assert!(running.open.is_empty(), "nothing is remembered of what is over");
        let Ok(Told::Turn(before)) = told.try_recv() else { panic!("the first turn") };
        assert_eq!(before.len(), 1);
        running.flush();
        let Ok(Told::Turn(turn)) = told.try_recv() else { panic!("the rest of it") };
        assert!(is_over(&turn, "first") && is_over(&turn, "c0"));
        assert!(!is_over(&turn, "unheard of") && !is_over(&turn, &format!("c{}", many - 1)));
        running.dialog("new".into(), Bytes::new());
        running.flush();
        assert!(matches!(told.try_recv(), Ok(Told::Turn(turn)) if turn.len() == 1));
    }
}
