//! Sockets: SIP over UDP in batches and over TCP, on IPv4 and IPv6, and names to addresses.
//!
//! [`Net`] belongs to one thread and one loop: [`Net::receive`] hands over what arrived,
//! [`Net::send`] takes what leaves, and what cannot be delivered comes back as [`Received::Lost`],
//! so that transactions fail at once (RFC 3261 section 18.4). What a message means is left to the
//! rooms above; where a name leads to is asked of [`Resolver`], beside the loop, never in it.

mod drops;
mod resolve;
mod tcp;
mod udp;

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

pub use self::resolve::{Found, Resolver};
use self::tcp::{Connections, Event};
use self::udp::{Datagrams, Udp};
use crate::sip::{Hop, Transport};

/// An address of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    pub address: SocketAddr,
    pub transport: Transport,
}

/// What came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// One datagram, or one message framed out of a stream. `hop` says where it came from.
    Message { bytes: Bytes, hop: Hop },
    /// What was sent there did not arrive: a connection broke or was refused, a port is closed.
    Lost { hop: Hop },
    /// A stream that cannot be read any further. The request at fault gets this status, if its head
    /// tells whose it is; what is sent over `hop` before the next [`Net::receive`] is written before
    /// the connection closes.
    Unframed { status: u16, head: Bytes, hop: Hop },
    /// A response whose connection ended before it was written.
    Unsent { bytes: Bytes, hop: Hop },
}

/// What sockets may take. Every number can be configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Open TCP connections, of both directions.
    pub connections: usize,
    /// Open TCP connections from one address.
    pub connections_per_source: usize,
    /// Until the first message of a TCP connection that others opened is complete.
    pub first_message: Duration,
    /// Without a message or keep-alive on a TCP connection of somebody we know (a phone that proved
    /// its password, a trunk), or of ours. Registered clients send keep-alives far more often.
    pub idle: Duration,
    /// Without a whole message on a connection of anybody else, whose keep-alives do not count.
    pub stranger: Duration,
    /// From the first byte of a later message to its last.
    pub one_message: Duration,
    /// Kernel receive buffer of each UDP socket, in bytes.
    pub receive_buffer: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            connections_per_source: 256,
            first_message: Duration::from_secs(10),
            idle: Duration::from_secs(1_800),
            stranger: Duration::from_secs(120),
            one_message: Duration::from_secs(4),
            receive_buffer: 4 << 20,
        }
    }
}

/// All of the switch's SIP sockets.
#[derive(Debug)]
pub struct Net {
    connections: Connections,
    datagrams: Datagrams,
    events: mpsc::Receiver<Event>,
    /// Taken from `events` by the poll that woke us.
    first: Option<Event>,
    /// Where each listener stands, in the order they were given; [`Hop::listener`] counts them.
    listeners: Vec<Listener>,
    /// They end with us.
    #[expect(dead_code, reason = "held for its drop")]
    tasks: JoinSet<()>,
    udp: Vec<Udp>,
}

/// Events of connections that may wait for the loop; a reader that finds no room waits.
const EVENTS: usize = 1024;
/// Events of connections taken in one go, so that datagrams have their turn.
const EVENTS_AT_ONCE: usize = 64;
/// [`Hop::listener`] is one byte.
const LISTENERS: usize = 256;

impl Net {
    /// Opens all listeners; port 0 asks the kernel for one. To be called within a tokio runtime.
    pub fn bind(listeners: &[Listener], limits: Limits) -> io::Result<Self> {
        if LISTENERS < listeners.len() {
            return Err(io::Error::other("at most 256 listeners"));
        }
        let (sender, events) = mpsc::channel(EVENTS);
        let mut connections = Connections::new(limits, sender.clone());
        let mut udp = Vec::new();
        let mut bound = Vec::new();
        for (index, &Listener { address, transport }) in (0..=u8::MAX).zip(listeners) {
            let opened = match transport {
                Transport::Udp => Udp::bind(index, address, limits.receive_buffer),
                Transport::Tcp => connections.listen(index, address).map(|at| (None, at)),
            };
            let (socket, address) = opened.map_err(|error| {
                io::Error::new(error.kind(), format!("{transport:?} {address}: {error}"))
            })?;
            udp.extend(socket);
            bound.push(Listener { address, transport });
        }
        let mut tasks = JoinSet::new();
        for it in &udp {
            tasks.spawn(it.errors(sender.clone()));
        }
        tasks.spawn(drops::watch(&udp));
        let datagrams = Datagrams::default();
        Ok(Self { connections, datagrams, events, first: None, listeners: bound, tasks, udp })
    }

    /// Our own addresses, with the ports the kernel chose.
    pub fn listeners(&self) -> &[Listener] {
        &self.listeners
    }

    /// Sends what waits, then waits until something arrived and appends it. Nothing is lost if the
    /// future is dropped: it takes only what it returns.
    pub async fn receive(&mut self, batch: &mut Vec<Received>) {
        let had = batch.len();
        self.connections.answered();
        loop {
            self.flush(batch);
            self.take(batch);
            if had < batch.len() {
                return;
            }
            std::future::poll_fn(|context| self.poll_ready(context)).await;
        }
    }

    /// Takes a message to be sent, at the latest by the next [`Self::receive`]. A hop that names a
    /// connection means that one and no other; a TCP hop that names none means an open connection to
    /// that address, or a new one.
    pub fn send(&mut self, bytes: Bytes, hop: Hop) {
        match hop.transport {
            Transport::Udp => match self.udp.iter_mut().find(|it| it.index == hop.listener) {
                Some(udp) => udp.send(bytes, hop.remote),
                None => self.connections.lost(hop),
            },
            Transport::Tcp => {
                let local = self.listeners.get(usize::from(hop.listener)).map(|it| it.address);
                self.connections.send(bytes, hop, local);
            }
        }
    }

    /// Whether a connection still stands: a registered client's flow.
    pub fn is_open(&self, connection: u32) -> bool {
        self.connections.is_open(connection)
    }

    /// Somebody we know is at the other end of this connection: it may be silent for longer.
    pub fn is_known(&mut self, connection: u32) {
        self.connections.is_known(connection);
    }

    fn flush(&mut self, batch: &mut Vec<Received>) {
        for udp in &mut self.udp {
            udp.flush(batch);
        }
    }

    fn take(&mut self, batch: &mut Vec<Received>) {
        for udp in &mut self.udp {
            self.datagrams.receive(udp, batch);
        }
        for _ in 0..EVENTS_AT_ONCE {
            let Some(event) = self.first.take().or_else(|| self.events.try_recv().ok()) else {
                break;
            };
            batch.extend(self.connections.on_event(event));
        }
        batch.extend(self.connections.take_lost());
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut ready = false;
        for udp in &self.udp {
            ready |= udp.poll_ready(context).is_ready();
        }
        if self.first.is_none()
            && let Poll::Ready(Some(event)) = self.events.poll_recv(context)
        {
            self.first = Some(event);
        }
        if ready || self.first.is_some() { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[cfg(test)]
mod tests;
