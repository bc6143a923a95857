//! Virtual agents on real sockets: one thread with a task for each conversation.
//!
//! ```text
//!   switch --orders--> dispatcher --> task <--ring of 20 ms frames-- media thread
//!   switch <--news------------------- task --sound, marks----------> media thread
//! ```
//! All ways are bounded. What is said and decided is [`Conversation`](crate::stream::Conversation)'s; here it meets TCP,
//! TLS and WebSocket. Nothing waits for a program: a ring that is full loses its oldest frame, and
//! who does not take what we send, or does not answer, is dropped.

mod connect;
mod ring;
mod task;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{self, Receiver, Sender};

pub use self::connect::Tls;
pub use self::ring::Ring;
use super::clock::Clock;
use super::ring::Backlog;
use super::voice::Hand;
use crate::audio::StreamId;
use crate::stream::{Fault, Order, Told};

/// Orders and news on their way: some for each conversation.
pub const RING: usize = 4096;
/// Orders that may wait for room on it.
const WAITING: usize = 64 * 1024;
/// Orders that may wait for a task: more keys than a caller presses while a message is sent.
const ORDERS: usize = 64;

/// The switch's end.
pub struct Streams {
    orders: Sender<(StreamId, Order)>,
    backlog: Backlog<(StreamId, Order)>,
    thread: Option<JoinHandle<()>>,
}

/// What each task has of the world.
#[derive(Clone)]
struct World {
    hand: Hand,
    told: Sender<(StreamId, Told)>,
    clock: Clock,
    tls: Tls,
}

impl Streams {
    /// `most` conversations at once; `told` hears what becomes of each.
    pub fn start(
        most: usize,
        hand: Hand,
        clock: Clock,
        told: Sender<(StreamId, Told)>,
    ) -> io::Result<Self> {
        let (orders, taken) = mpsc::channel(RING);
        let world = World { hand, told, clock, tls: Tls::default() };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = thread::Builder::new()
            .name("streams".into())
            .spawn(move || runtime.block_on(dispatch(most, &world, taken)))?;
        let backlog = Backlog::new("streams", WAITING);
        Ok(Self { orders, backlog, thread: Some(thread) })
    }

    pub fn order(&mut self, stream: StreamId, order: Order) {
        self.backlog.send((stream, order), |it| try_order(&self.orders, it));
    }

    /// Sends orders that wait for room.
    pub fn flush(&mut self) {
        self.backlog.flush(|it| try_order(&self.orders, it));
    }

    /// Whether orders wait: [`Streams::flush`] should come again soon.
    pub fn is_behind(&self) -> bool {
        !self.backlog.is_empty()
    }

    /// Drops every connection.
    pub fn stop(mut self) {
        drop(std::mem::replace(&mut self.orders, mpsc::channel(1).0));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

type Ordered = (StreamId, Order);

fn try_order(orders: &Sender<Ordered>, it: Ordered) -> Result<(), Ordered> {
    match orders.try_send(it) {
        Ok(()) | Err(TrySendError::Closed(_)) => Ok(()),
        Err(TrySendError::Full(it)) => Err(it),
    }
}

/// Hands orders to the tasks, until there is nobody to give any.
async fn dispatch(most: usize, world: &World, mut orders: Receiver<(StreamId, Order)>) {
    let mut tasks: HashMap<StreamId, Sender<Order>> = HashMap::new();
    while let Some((stream, order)) = orders.recv().await {
        match order {
            Order::Open(opening) => {
                tasks.remove(&stream);
                metrics::counter!("crosspoint_streams_total").increment(1);
                if most <= tasks.len() {
                    let why = "as many streams as there may be";
                    task::failed(world, stream, Fault::Full, why).await;
                    continue;
                }
                let (to, from) = mpsc::channel(ORDERS);
                tasks.insert(stream, to);
                let ring = Arc::new(Ring::default());
                world.hand.listen(stream, Arc::clone(&ring));
                tokio::spawn(task::run(world.clone(), stream, opening, ring, from));
            }
            Order::Close => {
                // A task whose channel is closed ends as if it was told to.
                tasks.remove(&stream);
                world.hand.deafen(stream);
            }
            order => {
                if let Some(task) = tasks.get(&stream) {
                    let _ = task.try_send(order);
                }
            }
        }
    }
}
