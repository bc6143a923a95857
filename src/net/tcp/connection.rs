//! One TCP connection: bytes to messages and back (RFC 3261 section 18.3, RFC 5626 section 4.4.1).

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::Event;
use crate::net::Limits;
use crate::sip::Hop;
use crate::sip::framer::{self, Frame, Framer};

/// How long a connection of ours may take to come up.
pub const CONNECTING: Duration = Duration::from_secs(4);
/// For the far end to take anything of what we write.
const WRITING: Duration = Duration::from_secs(10);
/// Bytes read in one go.
const READ: usize = 16 * 1024;
/// Messages taken from the queue before they are written.
const UNWRITTEN: usize = 16;

/// What a connection's task needs to know.
pub struct Connection {
    events: mpsc::Sender<Event>,
    hop: Hop,
    limits: Limits,
    queue: mpsc::Receiver<Bytes>,
}

/// Why a connection ends.
enum End {
    /// The loop closed it, or has gone.
    Asked,
    Broken(io::Error),
    /// The far end closed it.
    Closed,
    Framing(&'static str),
    Slow(&'static str),
}

impl Connection {
    pub fn new(
        hop: Hop,
        limits: Limits,
        events: mpsc::Sender<Event>,
        queue: mpsc::Receiver<Bytes>,
    ) -> Self {
        Self { events, hop, limits, queue }
    }

    /// It never came up.
    pub async fn refuse(self, why: &str) {
        tracing::debug!(remote = %self.hop.remote, why, "cannot connect");
        self.tell_closed().await;
    }

    /// Reads and writes until one end has enough.
    pub async fn run(mut self, mut stream: TcpStream) {
        let remote = self.hop.remote;
        match self.converse(&mut stream).await {
            End::Asked | End::Closed => tracing::debug!(%remote, "connection closed"),
            End::Broken(error) => tracing::debug!(%remote, %error, "connection broke"),
            End::Framing(why) => tracing::info!(%remote, why, "connection cut: not SIP"),
            End::Slow(what) => tracing::info!(%remote, what, "connection cut: too slow"),
        }
        self.tell_closed().await;
    }

    async fn converse(&mut self, stream: &mut TcpStream) -> End {
        if let Err(error) = stream.set_nodelay(true) {
            return End::Broken(error);
        }
        let (mut reader, mut writer) = stream.split();
        let mut framer = Framer::new(framer::Limits::default());
        let mut read = vec![0; READ];
        let mut unwritten: VecDeque<Bytes> = VecDeque::new();
        let mut reading = (Instant::now() + self.limits.first_message, "no message");
        let mut writing = None;
        loop {
            let (deadline, what) = writing.unwrap_or(reading).min(reading);
            tokio::select! {
                biased;
                wrote = writer.write(unwritten.front().map_or(&[][..], |it| it)),
                    if !unwritten.is_empty() =>
                {
                    match wrote {
                        Ok(0) => return End::Closed,
                        Ok(count) => wrote_some(&mut unwritten, count),
                        Err(error) => return End::Broken(error),
                    }
                    let more = !unwritten.is_empty();
                    writing = more.then(|| (Instant::now() + WRITING, "takes nothing"));
                }
                it = self.queue.recv(), if unwritten.len() < UNWRITTEN => {
                    let Some(bytes) = it else { return End::Asked };
                    writing.get_or_insert((Instant::now() + WRITING, "takes nothing"));
                    unwritten.push_back(bytes);
                }
                count = reader.read(&mut read) => {
                    let count = match count {
                        Ok(0) => return End::Closed,
                        Ok(count) => count,
                        Err(error) => return End::Broken(error),
                    };
                    framer.push(&read[..count]);
                    let complete = match self.take(&mut framer, &mut unwritten).await {
                        Ok(complete) => complete,
                        Err(end) => return end,
                    };
                    if !unwritten.is_empty() {
                        writing.get_or_insert((Instant::now() + WRITING, "takes nothing"));
                    }
                    if framer.is_idle() {
                        reading = (Instant::now() + self.limits.idle, "idle");
                    } else if complete || reading.1 == "idle" {
                        reading = (Instant::now() + self.limits.one_message, "half a message");
                    }
                }
                () = sleep_until(deadline) => return End::Slow(what),
            }
        }
    }

    /// Hands over what is complete; says whether anything was.
    async fn take(
        &self,
        framer: &mut Framer,
        unwritten: &mut VecDeque<Bytes>,
    ) -> Result<bool, End> {
        let mut complete = false;
        while let Some(frame) = framer.next() {
            complete = true;
            match frame {
                Ok(Frame::Message(bytes)) => {
                    let event = Event::Message { bytes, hop: self.hop };
                    self.events.send(event).await.map_err(|_| End::Asked)?;
                }
                // One answer is as good as many.
                Ok(Frame::Ping) if unwritten.len() < UNWRITTEN => {
                    unwritten.push_back(Bytes::from_static(b"\r\n"));
                }
                Ok(Frame::Ping) => (),
                Err(error) => return Err(End::Framing(error.fault.why())),
            }
        }
        Ok(complete)
    }

    async fn tell_closed(self) {
        if let Some(connection) = self.hop.connection {
            // If nobody listens any more, nobody needs to know.
            let _ = self.events.send(Event::Closed { connection }).await;
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
