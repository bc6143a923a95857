//! One conversation's task: connects, then carries messages until it is over.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc::Receiver;
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use tracing::{debug, warn};

use super::connect::{Socket, connect};
use super::{Ring, World};
use crate::audio::StreamId;
use crate::media::Strand;
use crate::stream::{Conversation, Fault, Opening, Order, STALLED, Told, Want};

/// How long a good-bye may take: the caller is gone already.
const FAREWELL: Duration = Duration::from_millis(50);

pub async fn run(
    world: World,
    stream: StreamId,
    opening: Box<Opening>,
    ring: Arc<Ring>,
    mut orders: Receiver<Order>,
) {
    let agent = Arc::clone(&opening.agent);
    let url = agent.url.whole();
    let connected = tokio::select! {
        biased;
        // The call gave it up.
        _ = orders.recv() => return,
        connected = tokio::time::timeout(agent.timeout, connect(url, &world.tls)) => connected,
    };
    let socket = match connected {
        Ok(Ok(socket)) => socket,
        Ok(Err(error)) => {
            return failed(&world, stream, Fault::Unreachable, &error.to_string()).await;
        }
        Err(_) => return failed(&world, stream, Fault::Unreachable, "it takes too long").await,
    };
    let mut wants = Vec::new();
    let talk = Conversation::new(*opening, world.clock.now().at, &mut wants);
    let mut task = Task { world, stream, agent: agent.id.clone(), socket, talk, orders };
    task.perform(&mut wants).await;
    task.converse(&ring, &mut wants).await;
}

/// Tells the call that there is no program to talk with.
pub async fn failed(world: &World, stream: StreamId, fault: Fault, why: &str) {
    warn!(fault = fault.as_str(), why, "a virtual agent cannot be talked with");
    count(fault);
    let _ = world.told.send((stream, Told::Lost(fault))).await;
}

fn count(fault: Fault) {
    metrics::counter!("crosspoint_stream_faults_total", "reason" => fault.as_str()).increment(1);
}

struct Task {
    world: World,
    stream: StreamId,
    agent: Arc<str>,
    socket: Socket,
    talk: Conversation,
    orders: Receiver<Order>,
}

impl Task {
    async fn converse(&mut self, ring: &Ring, wants: &mut Vec<Want>) {
        let (mut frames, mut marks) = (Vec::new(), Vec::new());
        while let Some(deadline) = self.talk.deadline() {
            let deadline = self.world.clock.shell(deadline);
            tokio::select! {
                biased;
                order = self.orders.recv() => {
                    self.talk.on_order(&order.unwrap_or(Order::Close), wants);
                }
                message = self.socket.next() => self.heard(message, wants),
                () = ring.filled() => {
                    ring.take(&mut frames, &mut marks);
                    for (at, octets) in frames.drain(..) {
                        self.talk.on_strand(Strand::Frame { at, octets: &octets }, wants);
                    }
                    for name in marks.drain(..) {
                        self.talk.on_strand(Strand::Mark(&name), wants);
                    }
                }
                () = tokio::time::sleep_until(deadline.into()) => {
                    self.talk.on_time(self.world.clock.now().at, wants);
                }
            }
            self.perform(wants).await;
        }
    }

    fn heard(&mut self, message: Option<Result<Message, Error>>, wants: &mut Vec<Want>) {
        let now = self.world.clock.now().at;
        match message {
            Some(Ok(Message::Text(text))) => self.talk.on_text(&text, now, wants),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => self.talk.on_control(now, wants),
            Some(Ok(Message::Binary(_) | Message::Frame(_))) => {
                self.talk.fail(Fault::Nonsense, wants);
            }
            Some(Ok(Message::Close(frame))) => match frame.map(|it| it.code) {
                None | Some(CloseCode::Normal | CloseCode::Status) => self.talk.on_closed(wants),
                // It goes away, or is in trouble: another one may be there.
                Some(_) => self.talk.fail(Fault::Broken, wants),
            },
            Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => {
                self.talk.fail(Fault::TooLong, wants);
            }
            Some(Err(Error::Utf8(_) | Error::Capacity(_))) => {
                self.talk.fail(Fault::Nonsense, wants);
            }
            Some(Err(Error::Protocol(error))) if !is_a_break(&error) => {
                self.talk.fail(Fault::Nonsense, wants);
            }
            Some(Err(_)) | None => self.talk.fail(Fault::Broken, wants),
        }
    }

    /// Does what the conversation wants. News is told first: nothing waits for a program.
    async fn perform(&mut self, wants: &mut Vec<Want>) {
        let mut messages = Vec::new();
        let mut closes = false;
        for want in wants.drain(..) {
            match want {
                Want::Text(text) => messages.push(Message::text(text)),
                Want::Ping => messages.push(Message::Ping(Bytes::new())),
                Want::Close => closes = true,
                Want::Media(say) => self.world.hand.say(self.stream, say),
                Want::Tell(told) => self.tell(told).await,
            }
        }
        if closes {
            return self.take_leave(messages).await;
        }
        if messages.is_empty() {
            return;
        }
        let (socket, orders) = (&mut self.socket, &mut self.orders);
        let sent = async {
            for message in messages {
                socket.feed(message).await?;
            }
            socket.flush().await
        };
        // Keys that are pressed while a program does not listen are lost on it.
        let closed = async { while orders.recv().await.is_some_and(|it| it != Order::Close) {} };
        let fault = tokio::select! {
            biased;
            sent = tokio::time::timeout(STALLED, sent) => match sent {
                Ok(Ok(())) => return,
                Ok(Err(_)) => Some(Fault::Broken),
                Err(_) => Some(Fault::Stalled),
            },
            () = closed => None,
        };
        let mut rest = Vec::new();
        match fault {
            Some(fault) => self.talk.fail(fault, &mut rest),
            None => self.talk.on_order(&Order::Close, &mut rest),
        }
        for want in rest {
            if let Want::Tell(told) = want {
                self.tell(told).await;
            }
        }
    }

    /// Says the last words and closes, as far as the program lets us.
    async fn take_leave(&mut self, messages: Vec<Message>) {
        let socket = &mut self.socket;
        let farewell = async {
            for message in messages {
                socket.feed(message).await?;
            }
            let normal = CloseFrame { code: CloseCode::Normal, reason: "".into() };
            socket.close(Some(normal)).await?;
            // Its own close, so that nothing of ours is cut off by a reset.
            while let Some(Ok(_)) = socket.next().await {}
            Ok::<(), Error>(())
        };
        let _ = tokio::time::timeout(FAREWELL, farewell).await;
    }

    async fn tell(&self, told: Told) {
        match &told {
            Told::Lost(fault) => {
                warn!(agent = &*self.agent, fault = fault.as_str(), "a virtual agent is lost");
                count(*fault);
            }
            told => debug!(agent = &*self.agent, ?told, "a virtual agent"),
        }
        let _ = self.world.told.send((self.stream, told)).await;
    }
}

/// Protocol errors that are a connection cut off, and nothing that the program said.
fn is_a_break(error: &tokio_tungstenite::tungstenite::error::ProtocolError) -> bool {
    use tokio_tungstenite::tungstenite::error::ProtocolError;
    matches!(error, ProtocolError::ResetWithoutClosingHandshake)
}
