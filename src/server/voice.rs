//! The media thread: it owns the RTP sockets and turns the media plane.
//!
//! Plain epoll, level-triggered: one receive and one send a packet, in the buffer it came in.
//! Orders come by a bounded ring and a wake-up; what the plane tells goes back by another (what
//! either does not take waits: `server/ring.rs`). Nothing here allocates per packet; recordings, and
//! what virtual agents hear, leave by bounded rings that are never waited for.

mod draw;

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{EventfdFlags, Timespec, epoll, eventfd};
use tokio::sync::mpsc;
use tracing::{error, info, warn};

use self::draw::Draw;
use super::clock::Clock;
use super::ring::Backlog;
use super::streams::Ring;
use crate::audio::StreamId;
use crate::clock::Now;
use crate::config::value::Ports;
use crate::media::{self, Channel, Order, Outlet, Plane, PortId, Reel, Report, Say, Strand};
use crate::store::Tapes;

/// The largest datagram that RTP may be.
const PACKET: usize = 2048;
/// Events of one wait.
const EVENTS: usize = 256;
/// What the wake-up is called among the sockets.
const WAKE: u64 = u64::MAX;
/// How long packets may gather before they are looked at. Waking up costs more than relaying: at
/// 100 calls this saves most of the time a packet takes, for half a millisecond of delay.
const GATHER: Duration = Duration::from_micros(500);
/// A wait that brought this many events was worth waking up for.
const CROWD: usize = 32;
/// Kernel buffer of an RTP socket: a second of packets and more.
const RECEIVE_BUFFER: usize = 256 << 10;

/// Ports another program had that are tried anew at a time: each costs this thread a few microseconds.
const TAKEN_AGAIN: usize = 64;

/// Orders, and reports, on their way. A call makes about twenty of each.
pub const RING: usize = 16 * 1024;
/// Those that may wait for room on it: a thread that stood still for seconds at thousands of calls.
const WAITING: usize = 256 * 1024;
/// What programs say, on its way.
const JOBS: usize = 4096;
/// How soon room is looked for again.
pub const RETRY: Duration = Duration::from_millis(5);

/// The switch's end of the thread.
pub struct Voice {
    backlog: Backlog<Order>,
    orders: SyncSender<Order>,
    hand: Hand,
    thread: Option<JoinHandle<()>>,
    waiting: bool,
}

/// What the programs' thread gives the media thread. It may wait for room: only programs do then.
#[derive(Clone)]
pub struct Hand {
    jobs: SyncSender<Job>,
    wake: Arc<OwnedFd>,
}

enum Job {
    Say(StreamId, Say),
    /// From now on this program hears by that ring, or by none.
    Listen(StreamId, Arc<Ring>),
    Deafen(StreamId),
}

impl Hand {
    /// A program says something.
    pub fn say(&self, stream: StreamId, say: Say) {
        self.give(Job::Say(stream, say));
    }

    pub fn listen(&self, stream: StreamId, ring: Arc<Ring>) {
        self.give(Job::Listen(stream, ring));
    }

    pub fn deafen(&self, stream: StreamId) {
        self.give(Job::Deafen(stream));
    }

    fn give(&self, job: Job) {
        if self.jobs.send(job).is_ok() {
            self.wake();
        }
    }

    fn wake(&self) {
        // Only a full counter can refuse, and then the thread is awake anyway.
        let _ = rustix::io::write(&*self.wake, &1_u64.to_ne_bytes());
    }
}

/// Where the thread binds its ports.
#[derive(Clone, Debug)]
pub struct Addresses {
    pub v4: std::net::IpAddr,
    pub v6: Option<std::net::IpAddr>,
    pub ports: Ports,
}

impl Voice {
    pub fn start(
        config: media::Config,
        addresses: Addresses,
        seed: [u8; 32],
        clock: Clock,
        tapes: Tapes,
        reports: mpsc::Sender<Report>,
    ) -> io::Result<Self> {
        let wake = Arc::new(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?);
        let (orders, taken) = sync_channel(RING);
        let (jobs, given) = sync_channel(JOBS);
        let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        epoll::add(&poll, &*wake, epoll::EventData::new_u64(WAKE), epoll::EventFlags::IN)?;
        let mut worker = Worker {
            plane: Plane::new(config, seed),
            desk: Desk {
                backlog: Backlog::new("reports", WAITING),
                sockets: Vec::new(),
                reports,
                tapes,
                rings: HashMap::new(),
            },
            poll,
            wake: wake.clone(),
            // Not by the numbers that SSRCs come from, which are seen.
            untried: [0x55, 0xaa].map(|it| Draw::new(&addresses.ports, seed.map(|n| n ^ it))),
            short: [false; 2],
            addresses,
            clock,
        };
        let thread = thread::Builder::new().name("voice".into()).spawn(move || {
            if let Err(error) = worker.run(&taken, &given) {
                error!(%error, "the media thread has ended");
            }
        })?;
        let backlog = Backlog::new("orders", WAITING);
        let hand = Hand { jobs, wake };
        Ok(Self { backlog, orders, hand, thread: Some(thread), waiting: false })
    }

    pub fn hand(&self) -> Hand {
        self.hand.clone()
    }

    /// Hands an order over; [`Voice::flush`] sends a batch of them on its way.
    pub fn order(&mut self, order: Order) {
        self.backlog.send(order, |it| try_order(&self.orders, it));
        self.waiting = true;
    }

    pub fn flush(&mut self) {
        self.waiting |= self.is_behind();
        self.backlog.flush(|it| try_order(&self.orders, it));
        if std::mem::take(&mut self.waiting) {
            self.hand.wake();
        }
    }

    /// Whether orders wait for room: [`Voice::flush`] should come again within [`RETRY`].
    pub fn is_behind(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Lets the thread end once all orders are done.
    pub fn stop(mut self) {
        self.backlog.drain().for_each(|it| drop(self.orders.send(it)));
        drop(std::mem::replace(&mut self.orders, sync_channel(0).0));
        self.hand.wake();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

struct Worker {
    plane: Plane,
    desk: Desk,
    poll: OwnedFd,
    wake: Arc<OwnedFd>,
    /// Ports that were not bound yet, by family.
    untried: [Draw; 2],
    /// Not as many could be bound as were wanted, by family.
    short: [bool; 2],
    addresses: Addresses,
    clock: Clock,
}

/// What the plane reaches the world by.
struct Desk {
    /// Two for each port: RTP at twice its number, RTCP after it.
    sockets: Vec<UdpSocket>,
    backlog: Backlog<Report>,
    reports: mpsc::Sender<Report>,
    tapes: Tapes,
    /// Of the programs that are talked with.
    rings: HashMap<StreamId, Arc<Ring>>,
}

/// Who gives or takes them is gone only when everything is: then nothing need wait.
fn try_order(orders: &SyncSender<Order>, order: Order) -> Result<(), Order> {
    match orders.try_send(order) {
        Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(()),
        Err(TrySendError::Full(it)) => Err(it),
    }
}

fn try_report(reports: &mpsc::Sender<Report>, report: Report) -> Result<(), Report> {
    match reports.try_send(report) {
        Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
        Err(mpsc::error::TrySendError::Full(it)) => Err(it),
    }
}

impl Desk {
    fn flush(&mut self) -> bool {
        self.backlog.flush(|it| try_report(&self.reports, it))
    }
}

impl Outlet for Desk {
    fn send(&mut self, from: PortId, channel: Channel, to: SocketAddr, packet: &[u8]) {
        let at = from.0 as usize * 2 + usize::from(channel == Channel::Rtcp);
        if let Some(socket) = self.sockets.get(at) {
            // A full buffer or a closed port costs this packet, as the network might.
            let _ = socket.send_to(packet, to);
        }
    }

    fn report(&mut self, report: Report) {
        self.backlog.send(report, |it| try_report(&self.reports, it));
    }

    fn tape(&mut self, reel: Reel<'_>) -> bool {
        self.tapes.take(reel)
    }

    fn stream(&mut self, stream: StreamId, strand: Strand<'_>) {
        if let Some(ring) = self.rings.get(&stream)
            && !ring.put(strand)
        {
            metrics::counter!("crosspoint_stream_frames_lost_total").increment(1);
        }
    }
}

impl Worker {
    fn run(&mut self, orders: &Receiver<Order>, jobs: &Receiver<Job>) -> io::Result<()> {
        let mut events = Vec::with_capacity(EVENTS);
        let mut buffer = [0_u8; PACKET];
        loop {
            let now = self.clock.now();
            self.plane.on_time(now, &mut self.desk);
            let mut wait = self.plane.deadline().map(|at| at.since(now.at));
            if !self.desk.flush() {
                wait = Some(wait.map_or(RETRY, |it| it.min(RETRY)));
            }
            events.clear();
            match self.wait(&mut events, wait) {
                Ok(()) | Err(rustix::io::Errno::INTR) => (),
                Err(error) => return Err(error.into()),
            }
            let now = self.clock.now();
            for event in &events {
                match event.data.u64() {
                    WAKE => {
                        let mut count = [0; 8];
                        let _ = rustix::io::read(&*self.wake, &mut count);
                        if !self.obey(orders, jobs, now) {
                            return Ok(());
                        }
                    }
                    at => self.packet(at as usize, &mut buffer, now),
                }
            }
            if events.len() < CROWD {
                gather();
            }
        }
    }

    fn wait(
        &self,
        events: &mut Vec<epoll::Event>,
        wait: Option<Duration>,
    ) -> Result<(), rustix::io::Errno> {
        let wait = wait.map(|it| Timespec {
            tv_sec: it.as_secs() as i64,
            tv_nsec: i64::from(it.subsec_nanos()),
        });
        let room = rustix::buffer::spare_capacity(events);
        epoll::wait(&self.poll, room, wait.as_ref()).map(|_| ())
    }

    /// Does all that waits; `false` once there is nobody to give any orders.
    fn obey(&mut self, orders: &Receiver<Order>, jobs: &Receiver<Job>, now: Now) -> bool {
        let mut goes_on = self.obey_orders(orders, now);
        while let Ok(job) = jobs.try_recv() {
            // What a program says comes after the order to hear it, and is done after it.
            goes_on &= self.obey_orders(orders, now);
            match job {
                Job::Say(stream, say) => {
                    self.plane.on_order(Order::Stream { stream, say }, now, &mut self.desk);
                }
                Job::Listen(stream, ring) => drop(self.desk.rings.insert(stream, ring)),
                Job::Deafen(stream) => drop(self.desk.rings.remove(&stream)),
            }
        }
        goes_on
    }

    fn obey_orders(&mut self, orders: &Receiver<Order>, now: Now) -> bool {
        use std::sync::mpsc::TryRecvError;
        loop {
            match orders.try_recv() {
                Ok(Order::Bind { v6, pairs }) => self.bind(v6, pairs),
                Ok(order) => self.plane.on_order(order, now, &mut self.desk),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn packet(&mut self, at: usize, buffer: &mut [u8; PACKET], now: Now) {
        let Some(socket) = self.desk.sockets.get(at) else { return };
        let Ok((length, from)) = socket.recv_from(buffer) else { return };
        let port = PortId(at as u32 / 2);
        if at % 2 == 1 {
            return self.plane.on_control(port, from, &buffer[..length], now);
        }
        let hop = self.plane.on_packet(port, from, buffer, length, now, &mut self.desk);
        if let Some(hop) = hop
            && let Some(socket) = self.desk.sockets.get(hop.port.0 as usize * 2)
        {
            let _ = socket.send_to(&buffer[..hop.len], hop.to);
        }
    }

    /// Binds pairs of ports: as many as are free, up to what was asked for.
    fn bind(&mut self, v6: bool, pairs: u16) {
        let ip = match (v6, self.addresses.v6) {
            (true, Some(ip)) => ip,
            (true, None) if self.addresses.v4.is_ipv6() => self.addresses.v4,
            (true, None) => return self.desk.report(Report::Exhausted { v6 }),
            (false, _) => self.addresses.v4,
        };
        let family = usize::from(v6);
        let (mut bound, mut again) = (0, TAKEN_AGAIN);
        while bound < pairs {
            let Some(port) = self.untried[family].next(&mut again) else {
                return self.falls_short(v6, "none of the range is left");
            };
            match self.pair(SocketAddr::new(ip, port)) {
                Ok(()) => bound += 1,
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    self.untried[family].is_taken(port);
                }
                Err(error) => {
                    self.untried[family].give_back(port);
                    return self.falls_short(v6, &error.to_string());
                }
            }
        }
        if std::mem::take(&mut self.short[family]) {
            info!(v6, "RTP ports can be bound again");
        }
    }

    /// Fewer were bound than was asked for: said once, until it is over.
    fn falls_short(&mut self, v6: bool, why: &str) {
        if !std::mem::replace(&mut self.short[usize::from(v6)], true) {
            warn!(v6, why, "RTP ports cannot be bound; they are tried again");
        }
        self.desk.report(Report::Exhausted { v6 });
    }

    fn pair(&mut self, local: SocketAddr) -> io::Result<()> {
        let rtp = socket(local)?;
        let rtcp = socket(SocketAddr::new(local.ip(), local.port() + 1))?;
        // Both or none: a socket's number is its place among them.
        let first = self.desk.sockets.len() as u64;
        for (socket, number) in [(&rtp, first), (&rtcp, first + 1)] {
            let data = epoll::EventData::new_u64(number);
            epoll::add(&self.poll, socket, data, epoll::EventFlags::IN)?;
        }
        self.desk.sockets.extend([rtp, rtcp]);
        self.plane.bind(local, &mut self.desk);
        Ok(())
    }
}

#[allow(clippy::disallowed_methods, reason = "this thread gathers packets meanwhile")]
fn gather() {
    thread::sleep(GATHER);
}

fn socket(local: SocketAddr) -> io::Result<UdpSocket> {
    let domain = socket2::Domain::for_address(local);
    let socket = socket2::Socket::new(domain, socket2::Type::DGRAM, None)?;
    if local.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    // What the kernel grants is enough; more is only kinder to a stalled moment.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    socket.bind(&local.into())?;
    Ok(socket.into())
}
