//! SIP over UDP (RFC 3261 section 18): many datagrams a system call, in both directions.

use std::collections::VecDeque;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use quinn_udp::{RecvMeta, UdpSockRef, UdpSocketState};
use rustix::net::{
    MMsgHdr, RecvAncillaryBuffer, RecvFlags, SendAncillaryBuffer, SendFlags, SocketAddrAny,
};
use smallvec::SmallVec;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use super::Received;
use super::tcp::Event;
use crate::sip::{Hop, Transport};

/// The largest datagram there is.
const DATAGRAM: usize = 65_535;
/// Datagrams a system call, each way.
const BATCH: usize = 32;
/// Datagrams are copied into pieces of memory of this size. A message that is kept keeps its piece
/// alive, so it is not much larger than a message.
const PIECE: usize = 8 * 1024;
/// Datagrams that may wait for a socket that takes no more. One more is dropped and counted.
const WAITING: usize = 4096;
/// Shorter ones are keep-alives (RFC 5626 section 4.4) or probes.
const SHORTEST: usize = 5;

/// One UDP socket.
#[derive(Debug)]
pub struct Udp {
    pub index: u8,
    receiver: UdpSocketState,
    socket: Arc<UdpSocket>,
    waiting: VecDeque<(Bytes, SocketAddr)>,
}

/// Memory that datagrams are received into, for all sockets.
pub struct Datagrams {
    buffer: Box<[u8]>,
    piece: BytesMut,
}

impl Udp {
    pub fn bind(
        index: u8,
        address: SocketAddr,
        receive_buffer: usize,
    ) -> io::Result<(Option<Self>, SocketAddr)> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        socket.set_nonblocking(true)?;
        socket.set_recv_buffer_size(receive_buffer)?;
        socket.set_send_buffer_size(receive_buffer)?;
        // Linux answers with twice what it gives, for its own bookkeeping (socket(7)).
        let given = socket.recv_buffer_size()? / 2;
        if given < receive_buffer {
            tracing::warn!(
                %address, given, wanted = receive_buffer,
                "receive buffer smaller than wanted: raise net.core.rmem_max"
            );
        }
        socket.bind(&address.into())?;
        let socket = UdpSocket::from_std(socket.into())?;
        let receiver = receiver()?;
        // Closed ports and unreachable hosts are told through the socket's error queue.
        receiver.enable_transport_errors(UdpSockRef::from(&socket))?;
        let (bound, socket) = (socket.local_addr()?, Arc::new(socket));
        Ok((Some(Self { index, receiver, socket, waiting: VecDeque::new() }), bound))
    }

    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    pub fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    pub fn send(&mut self, bytes: Bytes, to: SocketAddr) {
        if self.waiting.len() < WAITING {
            self.waiting.push_back((bytes, to));
        } else {
            metrics::counter!("crosspoint_udp_send_drops_total").increment(1);
        }
    }

    /// Tells where datagrams could not be delivered, for as long as it is polled.
    pub fn errors(&self, lost: mpsc::Sender<Event>) -> impl Future<Output = ()> + use<> {
        errors(self.index, Arc::clone(&self.socket), lost)
    }

    /// Sends what waits, as far as the socket takes it. What can never be sent is lost.
    pub fn flush(&mut self, batch: &mut Vec<Received>) {
        let mut refused = 0;
        while !self.waiting.is_empty() {
            let some = self.waiting.make_contiguous();
            let some = &some[..BATCH.min(some.len())];
            match self.socket.try_io(Interest::WRITABLE, || send_some(&self.socket, some)) {
                Ok(sent) => {
                    refused = 0;
                    self.waiting.drain(..sent);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // What an earlier datagram met is told once more here; its own error is queued.
                Err(_) if refused == 0 => refused = 1,
                Err(error) => {
                    refused = 0;
                    if let Some((bytes, remote)) = self.waiting.pop_front() {
                        tracing::debug!(%remote, bytes = bytes.len(), %error, "cannot send");
                        metrics::counter!("crosspoint_udp_send_errors_total").increment(1);
                        batch.push(Received::Lost { hop: self.hop(remote) });
                    }
                }
            }
        }
    }

    pub fn poll_ready(&self, context: &mut Context<'_>) -> Poll<()> {
        let readable = self.socket.poll_recv_ready(context).is_ready();
        let writable = !self.waiting.is_empty() && self.socket.poll_send_ready(context).is_ready();
        if readable || writable { Poll::Ready(()) } else { Poll::Pending }
    }

    fn hop(&self, remote: SocketAddr) -> Hop {
        Hop { transport: Transport::Udp, listener: self.index, remote, connection: None }
    }
}

impl Datagrams {
    /// Takes at most one batch from `udp`; more is left to the next turn.
    pub fn receive(&mut self, udp: &Udp, batch: &mut Vec<Received>) {
        let mut metas = [RecvMeta::default(); BATCH];
        let mut count = 0;
        let _ = udp.socket.try_io(Interest::READABLE, || {
            let mut slots = self.buffer.chunks_exact_mut(DATAGRAM);
            let mut buffers: [IoSliceMut; BATCH] =
                std::array::from_fn(|_| IoSliceMut::new(slots.next().unwrap_or_default()));
            let socket = UdpSockRef::from(&*udp.socket);
            count = match udp.receiver.recv(socket, &mut buffers, &mut metas) {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    // An ICMP error told here, too; a second one is for the next turn.
                    udp.receiver.recv(UdpSockRef::from(&*udp.socket), &mut buffers, &mut metas)?
                }
                it => it?,
            };
            // Fewer than there was room for: the queue is empty, and epoll tells of the next.
            if count < BATCH { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
        });
        let buffers = self.buffer.chunks_exact(DATAGRAM);
        for (meta, buffer) in metas.iter().take(count).zip(buffers) {
            let hop = udp.hop(meta.addr);
            for datagram in buffer.get(..meta.len).unwrap_or_default().chunks(meta.stride.max(1)) {
                if SHORTEST <= datagram.len() {
                    let bytes = keep(&mut self.piece, datagram);
                    batch.push(Received::Message { bytes, hop });
                }
            }
        }
    }
}

impl Default for Datagrams {
    fn default() -> Self {
        let buffer = vec![0; DATAGRAM * BATCH].into_boxed_slice();
        Self { buffer, piece: BytesMut::with_capacity(PIECE) }
    }
}

impl std::fmt::Debug for Datagrams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Datagrams").finish_non_exhaustive()
    }
}

/// Copies a datagram into the current piece of memory, or into a new one if it is full.
fn keep(piece: &mut BytesMut, datagram: &[u8]) -> Bytes {
    if piece.capacity() < datagram.len() {
        *piece = BytesMut::with_capacity(PIECE.max(datagram.len()));
    }
    piece.extend_from_slice(datagram);
    piece.split().freeze()
}

/// What reads batches. It is made from a socket of its own, because it would set options that are
/// wrong for SIP: no fragmentation, and ancillary data with every datagram.
fn receiver() -> io::Result<UdpSocketState> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    UdpSocketState::new(UdpSockRef::from(&socket))
}

fn send_some(socket: &UdpSocket, some: &[(Bytes, SocketAddr)]) -> io::Result<usize> {
    let addresses: SmallVec<[SocketAddrAny; BATCH]> =
        some.iter().map(|(_, to)| SocketAddrAny::from(*to)).collect();
    let slices: SmallVec<[[IoSlice; 1]; BATCH]> =
        some.iter().map(|(bytes, _)| [IoSlice::new(bytes)]).collect();
    let mut controls: SmallVec<[SendAncillaryBuffer; BATCH]> =
        some.iter().map(|_| SendAncillaryBuffer::default()).collect();
    let mut messages: SmallVec<[MMsgHdr; BATCH]> = addresses
        .iter()
        .zip(&slices)
        .zip(&mut controls)
        .map(|((to, slice), control)| MMsgHdr::new_with_addr(to, slice, control))
        .collect();
    Ok(rustix::net::sendmmsg(socket, &mut messages, SendFlags::DONTWAIT)?)
}

/// Reads the socket's error queue: what ICMP says of datagrams we sent (RFC 3261 section 18.4).
async fn errors(index: u8, socket: Arc<UdpSocket>, lost: mpsc::Sender<Event>) {
    while socket.ready(Interest::ERROR).await.is_ok() {
        let told = socket.try_io(Interest::ERROR, || {
            let mut ignored = [0; 64];
            let from = rustix::net::recvmsg(
                &socket,
                &mut [IoSliceMut::new(&mut ignored)],
                &mut RecvAncillaryBuffer::default(),
                RecvFlags::ERRQUEUE | RecvFlags::DONTWAIT,
            )?;
            Ok(from.address)
        });
        let remote = told.ok().flatten().and_then(|it| SocketAddr::try_from(it).ok());
        if let Some(remote) = remote {
            let hop = Hop { transport: Transport::Udp, listener: index, remote, connection: None };
            // If the loop is that far behind, the timers will tell.
            let _ = lost.try_send(Event::Unreachable(hop));
        }
        if lost.is_closed() {
            return;
        }
    }
}
