//! One TCP connection: bytes to messages and back (RFC 3261 section 18.3, RFC 5626 section 4.4.1).
//!
//! However it ends, what was given to it by then is written first, as far as the far end takes it;
//! answers that could not be written go back to the loop, which may know another way.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};

use super::Event;
use crate::net::Limits;
use crate::sip::Hop;
use crate::sip::framer::{self, Frame, FrameError, Framer};

/// How long a connection of ours may take to come up.
pub const CONNECTING: Duration = Duration::from_secs(4);
/// For the far end to take anything of what we write.
const WRITING: Duration = Duration::from_secs(10);
/// From the end of a connection to its being closed: for the last words, and for the far end to
/// read them.
const PARTING: Duration = Duration::from_secs(2);
/// Bytes read in one go.
const READ: usize = 16 * 1024;
/// Why a connection is cut on which nothing is half said.
const IDLE: &str = "idle";
/// Messages taken from the queue before they are written.
const UNWRITTEN: usize = 16;

/// What the loop gives a connection: its number, what it learns of it, and what it has to write.
pub struct Entered {
    pub hop: Hop,
    /// Somebody we know is at the other end.
    pub known: Arc<AtomicBool>,
    pub queue: mpsc::Receiver<Bytes>,
}

/// What a connection's task needs to know.
pub struct Connection {
    events: mpsc::Sender<Event>,
    hop: Hop,
    known: Arc<AtomicBool>,
    limits: Limits,
    ours: bool,
    queue: mpsc::Receiver<Bytes>,
    unwritten: VecDeque<Bytes>,
}

/// What was complete of what came.
#[derive(Default)]
struct Complete {
    message: bool,
    ping: bool,
}

/// Until when something must come, and what it is if it does not.
type Due = (Instant, &'static str);

/// Why a connection ends.
enum End {
    /// The loop closed it, or has gone.
    Asked,
    Broken(io::Error),
    /// The far end closed it.
    Closed,
    Framing(FrameError),
    Slow(&'static str),
}

impl Connection {
    pub fn new(
        Entered { hop, known, queue }: Entered,
        limits: Limits,
        events: mpsc::Sender<Event>,
    ) -> Self {
        Self { events, hop, known, limits, ours: false, queue, unwritten: VecDeque::new() }
    }

    /// One that we opened. It need not say anything soon. What it cannot take is not tried once
    /// more: it may have been the second attempt already.
    pub fn of_ours(self) -> Self {
        Self { ours: true, ..self }
    }

    /// It never came up.
    pub async fn refuse(mut self, why: &str) {
        tracing::debug!(remote = %self.hop.remote, why, "cannot connect");
        self.tell_closed(false).await;
        self.give_back().await;
        self.tell_gone().await;
    }

    /// Reads and writes until one end has enough.
    pub async fn run(mut self, mut stream: TcpStream) {
        let remote = self.hop.remote;
        match self.converse(&mut stream).await {
            End::Asked => tracing::debug!(%remote, "connection cut"),
            End::Closed => {
                tracing::debug!(%remote, "connection closed");
                self.tell_closed(false).await;
                self.part(&mut stream).await;
            }
            End::Broken(error) => {
                tracing::debug!(%remote, %error, "connection broke");
                self.tell_closed(false).await;
            }
            End::Framing(error) => {
                tracing::info!(%remote, why = error.fault.why(), "connection cut");
                self.tell_unframed(error).await;
                self.tell_closed(true).await;
                self.part(&mut stream).await;
            }
            End::Slow(what) => {
                tracing::info!(%remote, what, "connection cut: too slow");
                self.tell_closed(false).await;
            }
        }
        drop(stream);
        self.give_back().await;
        self.tell_gone().await;
    }

    async fn converse(&mut self, stream: &mut TcpStream) -> End {
        if let Err(error) = stream.set_nodelay(true) {
            return End::Broken(error);
        }
        let (mut reader, mut writer) = stream.split();
        let mut framer = Framer::new(framer::Limits::default());
        let mut read = vec![0; READ];
        // Whom we called may take its time: how long is for who waits for it to say.
        let mut heard = Instant::now();
        let mut idle = match self.ours {
            true => (heard + self.limits.idle, IDLE),
            false => (heard + self.limits.first_message, "no message"),
        };
        let mut reading = idle;
        let mut writing = None;
        loop {
            let (deadline, what) = writing.unwrap_or(reading).min(reading);
            tokio::select! {
                biased;
                wrote = writer.write(self.unwritten.front().map_or(&[][..], |it| it)),
                    if !self.unwritten.is_empty() =>
                {
                    match wrote {
                        Ok(0) => return End::Closed,
                        Ok(count) => wrote_some(&mut self.unwritten, count),
                        Err(error) => return End::Broken(error),
                    }
                    let more = !self.unwritten.is_empty();
                    writing = more.then(|| (Instant::now() + WRITING, "takes nothing"));
                }
                it = self.queue.recv(), if self.unwritten.len() < UNWRITTEN => {
                    let Some(bytes) = it else { return End::Asked };
                    writing.get_or_insert((Instant::now() + WRITING, "takes nothing"));
                    self.unwritten.push_back(bytes);
                }
                count = reader.read(&mut read) => {
                    let count = match count {
                        Ok(0) => return End::Closed,
                        Ok(count) => count,
                        Err(error) => return End::Broken(error),
                    };
                    framer.push(&read[..count]);
                    let complete = match self.take(&mut framer).await {
                        Ok(complete) => complete,
                        Err(end) => return end,
                    };
                    if !self.unwritten.is_empty() {
                        writing.get_or_insert((Instant::now() + WRITING, "takes nothing"));
                    }
                    if complete.message || (complete.ping && self.is_known()) {
                        heard = Instant::now();
                        idle = (heard + self.patience(), IDLE);
                    }
                    let more = complete.message || complete.ping || reading.1 == IDLE;
                    if framer.is_idle() {
                        reading = idle;
                    } else if more {
                        reading = self.for_the_rest(idle);
                    }
                }
                () = sleep_until(deadline) => {
                    let known = (heard + self.patience(), IDLE);
                    if deadline == reading.0 && reading.1 == IDLE && deadline < known.0 {
                        // Who it is was learnt from what it said last.
                        (idle, reading) = (known, known);
                        continue;
                    }
                    let half = writing.is_none().then(|| framer.give_up()).flatten();
                    return half.map_or(End::Slow(what), End::Framing);
                }
            }
        }
    }

    fn is_known(&self) -> bool {
        self.ours || self.known.load(Ordering::Relaxed)
    }

    /// How long it may be silent between messages (EDGE S-18).
    fn patience(&self) -> Duration {
        if self.is_known() { self.limits.idle } else { self.limits.stranger }
    }

    /// For the rest of a message; the first one has its own time, whatever pings came before it.
    fn for_the_rest(&self, idle: Due) -> Due {
        let due = (Instant::now() + self.limits.one_message, "half a message");
        if idle.1 == IDLE { due } else { due.min(idle) }
    }

    /// Hands over what is complete; says what was.
    async fn take(&mut self, framer: &mut Framer) -> Result<Complete, End> {
        let mut complete = Complete::default();
        while let Some(frame) = framer.next() {
            match &frame {
                Ok(Frame::Ping) => complete.ping = true,
                _ => complete.message = true,
            }
            match frame {
                Ok(Frame::Message(bytes)) => {
                    let event = Event::Message { bytes, hop: self.hop };
                    self.events.send(event).await.map_err(|_| End::Asked)?;
                }
                // One answer is as good as many.
                Ok(Frame::Ping) if self.unwritten.len() < UNWRITTEN => {
                    self.unwritten.push_back(Bytes::from_static(b"\r\n"));
                }
                Ok(Frame::Ping) => (),
                Err(error) => return Err(End::Framing(error)),
            }
        }
        Ok(complete)
    }

    /// Writes all that the loop gave until it heard of the end, says that no more comes, and waits
    /// for the far end to have read it: to close at once, with octets of the far end unread, would
    /// take it back (RFC 1122 section 4.2.2.13).
    async fn part(&mut self, stream: &mut TcpStream) {
        let parting = async {
            loop {
                while let Some(first) = self.unwritten.front() {
                    match stream.write(first).await? {
                        0 => return Ok(()),
                        count => wrote_some(&mut self.unwritten, count),
                    }
                }
                match self.queue.recv().await {
                    Some(bytes) => self.unwritten.push_back(bytes),
                    None => break,
                }
            }
            stream.shutdown().await?;
            let mut ignored = vec![0; READ];
            while 0 < stream.read(&mut ignored).await? {}
            Ok::<(), io::Error>(())
        };
        // What cannot be written in this time goes back.
        let _ = timeout(PARTING, parting).await;
    }

    /// Hands back what could not be written, once the loop gives no more.
    async fn give_back(&mut self) {
        while let Some(bytes) = self.queue.recv().await {
            self.unwritten.push_back(bytes);
        }
        let hop = if self.ours { Hop { connection: None, ..self.hop } } else { self.hop };
        for bytes in self.unwritten.drain(..) {
            let _ = self.events.send(Event::Unsent { bytes, hop }).await;
        }
    }

    async fn tell_unframed(&self, error: FrameError) {
        let (status, head) = (error.fault.status(), error.head);
        let _ = self.events.send(Event::Unframed { status, head, hop: self.hop }).await;
    }

    // If nobody listens any more, nobody needs to know.

    async fn tell_closed(&self, lingers: bool) {
        if let Some(connection) = self.hop.connection {
            let _ = self.events.send(Event::Closed { connection, lingers }).await;
        }
    }

    async fn tell_gone(&self) {
        if let Some(connection) = self.hop.connection {
            let _ = self.events.send(Event::Gone { connection }).await;
        }
    }
}

/// Waits a little where there is nothing better to wait for.
pub async fn pause() {
    sleep_until(Instant::now() + Duration::from_millis(100)).await;
}

fn wrote_some(unwritten: &mut VecDeque<Bytes>, count: usize) {
    if let Some(first) = unwritten.front_mut() {
        first.advance(count);
        if first.is_empty() {
            unwritten.pop_front();
        }
    }
}
