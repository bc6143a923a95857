//! The programs a call has talked with: their pages in the record, and the one that is there now.

use std::sync::Arc;
use std::time::Duration;

use super::Effect;
use super::story::{Story, Turn};
use crate::audio::StreamId;
use crate::clock::Instant;
use crate::model::VirtualAgent;
use crate::model::event::What;
use crate::model::record::VirtualAgentRecord;
use crate::stream::{Opening, Order};

/// The program that a call is in conversation with, or reaches.
pub(super) struct Open {
    stream: StreamId,
    connected: Option<Instant>,
}

impl Story {
    /// Reaches a program; it gets a page of the record.
    pub fn open_stream(&mut self, agent: &Arc<VirtualAgent>, turn: &mut Turn<'_>) -> StreamId {
        self.record.virtual_agents.push(VirtualAgentRecord {
            agent: Arc::clone(&agent.id),
            asked_at: turn.now.wall,
            connected_at: None,
            ended_at: None,
            reason: None,
        });
        // One for each step of the route: ten at most.
        let stream = StreamId(self.record.virtual_agents.len() as u64);
        self.stream = Some(Open { stream, connected: None });
        self.order_stream(agent, false, turn);
        stream
    }

    /// Reaches it again, after its connection broke.
    pub fn reopen_stream(&mut self, agent: &Arc<VirtualAgent>, turn: &mut Turn<'_>) {
        self.order_stream(agent, true, turn);
    }

    fn order_stream(&self, agent: &Arc<VirtualAgent>, resumed: bool, turn: &mut Turn<'_>) {
        let Some(Open { stream, .. }) = self.stream else { return };
        let opening = Box::new(Opening {
            agent: Arc::clone(agent),
            call: Arc::clone(&self.facts.call),
            number: stream.0 as u8,
            caller: self.facts.caller.number.clone(),
            dialled: Arc::clone(&self.facts.dialled),
            resumed,
        });
        turn.say(Effect::Stream { stream, order: Order::Open(opening) });
    }

    /// Caller and program hear each other.
    pub fn stream_connected(&mut self, turn: &mut Turn<'_>) {
        if let Some(open) = &mut self.stream {
            open.connected = Some(turn.now.at);
        }
        let Some(page) = self.record.virtual_agents.last_mut() else { return };
        page.connected_at = Some(turn.now.wall);
        let agent = Arc::clone(&page.agent);
        // Whoever was asked before did not take the call, but now it was taken.
        self.last = None;
        self.note(What::AgentConnected { agent }, turn);
    }

    /// Takes leave of the program, if there is one, and ends its recording.
    pub fn end_stream(&mut self, reason: &str, turn: &mut Turn<'_>) {
        let Some(Open { stream, connected }) = self.stream.take() else { return };
        turn.say(Effect::Stream { stream, order: Order::Close });
        let talk = connected.map_or(Duration::ZERO, |it| turn.now.at.since(it));
        if connected.is_some() {
            self.end_tape("virtual_agent", turn);
        }
        // It was answered for so long.
        self.unanswered_since = self.unanswered_since.map(|it| it + talk);
        let Some(page) = self.record.virtual_agents.last_mut() else { return };
        page.ended_at = Some(turn.now.wall);
        page.reason = Some(reason.to_owned());
        let agent = Arc::clone(&page.agent);
        self.note(What::AgentEnded { agent, reason: reason.to_owned() }, turn);
    }
}
