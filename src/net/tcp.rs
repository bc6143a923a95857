//! SIP over TCP (RFC 3261 section 18): listeners, and connections of both directions.
//!
//! One task a listener and one a connection (`tcp/connection.rs`), joined to the loop by bounded
//! channels. Who is connected is known here only, so there is nothing to lock.

mod connection;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::task::JoinSet;
use tokio::time::timeout;

use self::connection::{CONNECTING, Connection, Entered};
use super::{Limits, Received};
use crate::sip::{Hop, Transport};

/// What tasks tell the loop.
#[derive(Debug)]
pub enum Event {
    Accepted {
        listener: u8,
        remote: SocketAddr,
        stream: TcpStream,
    },
    /// Nothing more comes from it; what is given until the loop's next turn is still written.
    Closed {
        connection: u32,
        /// The far end may hold it for a while yet: it counts as its source's until it is gone.
        lingers: bool,
    },
    /// Its task has ended.
    Gone {
        connection: u32,
    },
    Message {
        bytes: Bytes,
        hop: Hop,
    },
    /// The stream cannot be read any further.
    Unframed {
        status: u16,
        head: Bytes,
        hop: Hop,
    },
    Unreachable(Hop),
    /// Given to a connection that ended before it was written.
    Unsent {
        bytes: Bytes,
        hop: Hop,
    },
}

/// All TCP connections.
#[derive(Debug)]
pub struct Connections {
    /// To reuse for requests of ours (RFC 3261 section 18.1.1): the latest to each far end.
    by_remote: HashMap<(u8, SocketAddr), u32>,
    /// Those that have ended, until the answers to what they brought were given to them.
    ending: Vec<u32>,
    events: mpsc::Sender<Event>,
    limits: Limits,
    listeners: JoinSet<()>,
    lost: Vec<Received>,
    next: u32,
    open: HashMap<u32, Open>,
    sources: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Open {
    /// Among the connections of its source.
    counted: bool,
    hop: Hop,
    /// Told its task that somebody we know is there.
    known: Arc<AtomicBool>,
    /// Gone once it takes no more.
    queue: Option<mpsc::Sender<Bytes>>,
}

/// Messages that may wait for a connection that takes no more. With one more it is closed.
const QUEUE: usize = 256;
/// Connections the kernel may hold until they are accepted.
const BACKLOG: i32 = 1024;

impl Connections {
    pub fn new(limits: Limits, events: mpsc::Sender<Event>) -> Self {
        Self {
            by_remote: HashMap::new(),
            ending: Vec::new(),
            events,
            limits,
            listeners: JoinSet::new(),
            lost: Vec::new(),
            next: 0,
            open: HashMap::new(),
            sources: HashMap::new(),
        }
    }

    /// Opens a listener; says where.
    pub fn listen(&mut self, index: u8, address: SocketAddr) -> io::Result<SocketAddr> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from_std(socket.into())?;
        let bound = listener.local_addr()?;
        self.listeners.spawn(accept(index, listener, self.events.clone()));
        Ok(bound)
    }

    /// Sends over the connection the hop names; else over one that is open to the far end; else
    /// over a new one, from the address of the listener.
    pub fn send(&mut self, bytes: Bytes, hop: Hop, local: Option<SocketAddr>) {
        let connection = match hop.connection {
            Some(it) => Some(it),
            None => match self.by_remote.get(&(hop.listener, hop.remote)) {
                Some(it) => Some(*it),
                None => self.connect(hop, local),
            },
        };
        // One that has ended takes answers to what it brought, nothing else.
        let takes = |id: &u32| is_response(&bytes) || !self.ending.contains(id);
        let connection = connection.filter(takes);
        let queue = connection.and_then(|id| self.open.get(&id)?.queue.as_ref());
        match queue.map(|it| it.try_send(bytes.clone())) {
            Some(Ok(())) => (),
            // It reads too slowly.
            Some(Err(TrySendError::Full(_))) => {
                metrics::counter!("crosspoint_tcp_send_drops_total").increment(1);
                if let Some(lost) = connection.and_then(|id| self.cut(id)) {
                    self.lost.push(lost);
                }
            }
            None | Some(Err(TrySendError::Closed(_))) => {
                self.lost(hop);
                self.lost.extend(unsent(bytes, hop));
            }
        }
    }

    /// Takes note of what a task told; says what of it is for the rooms above.
    pub fn on_event(&mut self, event: Event) -> Option<Received> {
        match event {
            Event::Accepted { listener, remote, stream } => {
                self.accepted(listener, remote, stream);
                None
            }
            Event::Closed { connection, lingers } => self.ends(connection, lingers),
            Event::Gone { connection } => {
                self.forget(connection);
                None
            }
            Event::Message { bytes, hop } => Some(Received::Message { bytes, hop }),
            Event::Unframed { status, head, hop } => Some(Received::Unframed { status, head, hop }),
            Event::Unreachable(hop) => Some(Received::Lost { hop }),
            Event::Unsent { bytes, hop } => unsent(bytes, hop),
        }
    }

    /// To be called once all that came has been answered: what has ended is let go.
    pub fn answered(&mut self) {
        for id in std::mem::take(&mut self.ending) {
            if let Some(it) = self.open.get_mut(&id) {
                it.queue = None;
            }
        }
    }

    /// What could not even be queued since last asked.
    pub fn take_lost(&mut self) -> impl Iterator<Item = Received> {
        self.lost.drain(..)
    }

    /// Nothing sent there arrives. Said once for all that is sent in a row.
    pub fn lost(&mut self, hop: Hop) {
        let lost = Received::Lost { hop };
        if self.lost.last() != Some(&lost) {
            self.lost.push(lost);
        }
    }

    pub fn is_open(&self, connection: u32) -> bool {
        let open = self.open.get(&connection).is_some_and(|it| it.queue.is_some());
        open && !self.ending.contains(&connection)
    }

    pub fn is_known(&mut self, connection: u32) {
        if let Some(it) = self.open.get(&connection) {
            it.known.store(true, Ordering::Relaxed);
        }
    }

    fn accepted(&mut self, listener: u8, remote: SocketAddr, stream: TcpStream) {
        let hop = Hop { transport: Transport::Tcp, listener, remote, connection: None };
        let Some(entered) = self.enter(hop) else {
            metrics::counter!("crosspoint_tcp_refused_total").increment(1);
            return;
        };
        let connection = Connection::new(entered, self.limits, self.events.clone());
        tokio::spawn(async move { connection.run(stream).await });
    }

    fn connect(&mut self, hop: Hop, local: Option<SocketAddr>) -> Option<u32> {
        let entered = self.enter(hop)?;
        let hop = entered.hop;
        let connection = Connection::new(entered, self.limits, self.events.clone()).of_ours();
        tokio::spawn(async move {
            match timeout(CONNECTING, open(hop.remote, local)).await {
                Ok(Ok(stream)) => connection.run(stream).await,
                Ok(Err(error)) => connection.refuse(&error.to_string()).await,
                Err(_) => connection.refuse("timeout").await,
            }
        });
        hop.connection
    }

    /// Finds room for a connection and gives it its number.
    fn enter(&mut self, hop: Hop) -> Option<Entered> {
        let same_source = self.sources.get(&hop.remote.ip()).copied().unwrap_or_default();
        if self.limits.connections <= self.open.len()
            || self.limits.connections_per_source <= same_source
        {
            return None;
        }
        while self.open.contains_key(&self.next) {
            self.next = self.next.wrapping_add(1);
        }
        let id = self.next;
        self.next = self.next.wrapping_add(1);
        let hop = Hop { connection: Some(id), ..hop };
        let (queue, taken) = mpsc::channel(QUEUE);
        *self.sources.entry(hop.remote.ip()).or_default() += 1;
        self.by_remote.insert((hop.listener, hop.remote), id);
        let known = Arc::new(AtomicBool::new(false));
        self.open.insert(id, Open { counted: true, hop, known: known.clone(), queue: Some(queue) });
        Some(Entered { hop, known, queue: taken })
    }

    /// Nothing more comes from it; it takes answers until [`Self::answered`].
    fn ends(&mut self, id: u32, lingers: bool) -> Option<Received> {
        let hop = self.open.get(&id).filter(|it| it.queue.is_some())?.hop;
        self.unname(id, hop);
        if !lingers {
            self.uncount(id);
        }
        self.ending.push(id);
        Some(Received::Lost { hop })
    }

    /// Lets go of a connection at once; its task ends by that.
    fn cut(&mut self, id: u32) -> Option<Received> {
        let open = self.open.get_mut(&id)?;
        open.queue = None;
        let hop = open.hop;
        self.unname(id, hop);
        self.uncount(id);
        Some(Received::Lost { hop })
    }

    /// No request is sent over it any more.
    fn unname(&mut self, id: u32, hop: Hop) {
        if self.by_remote.get(&(hop.listener, hop.remote)) == Some(&id) {
            self.by_remote.remove(&(hop.listener, hop.remote));
        }
    }

    /// It no longer counts for its source.
    fn uncount(&mut self, id: u32) {
        let Some(it) = self.open.get_mut(&id).filter(|it| it.counted) else { return };
        it.counted = false;
        let source = it.hop.remote.ip();
        if let Some(count) = self.sources.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.sources.remove(&source);
            }
        }
    }

    fn forget(&mut self, id: u32) {
        self.uncount(id);
        if let Some(Open { hop, .. }) = self.open.remove(&id) {
            self.unname(id, hop);
        }
    }
}

/// A response may yet go another way (RFC 3261 section 18.2.2); a request fails with its hop.
fn unsent(bytes: Bytes, hop: Hop) -> Option<Received> {
    is_response(&bytes).then_some(Received::Unsent { bytes, hop })
}

fn is_response(bytes: &[u8]) -> bool {
    bytes.starts_with(b"SIP/2.0 ")
}

async fn accept(listener_index: u8, listener: TcpListener, events: mpsc::Sender<Event>) {
    loop {
        match listener.accept().await {
            Ok((stream, remote)) => {
                let event = Event::Accepted { listener: listener_index, remote, stream };
                if events.send(event).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                // Out of descriptors, mostly: let some close.
                tracing::warn!(%error, "cannot accept a connection");
                connection::pause().await;
            }
        }
    }
}

/// Connects from the listener's address, so that the far end sees the one it knows.
async fn open(remote: SocketAddr, local: Option<SocketAddr>) -> io::Result<TcpStream> {
    let socket = if remote.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(local) =
        local.filter(|it| !it.ip().is_unspecified() && it.is_ipv4() == remote.is_ipv4())
    {
        socket.bind(SocketAddr::new(local.ip(), 0))?;
    }
    socket.connect(remote).await
}
