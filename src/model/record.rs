//! The call record (PRODUCT section 11): what happened, leg by leg, with times.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::audio::AnsweredBy;
use crate::clock::Wall;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    pub id: Arc<str>,
    /// `in_progress`, `ended`, or `interrupted` (written at start-up for calls a crash cut short).
    pub state: RecordState,
    pub tracking_number: Arc<str>,
    /// Where it came from and went: from outside, to outside, or between phones of ours.
    #[serde(default)]
    pub direction: Direction,
    pub source: String,
    pub caller: String,
    pub caller_name: Option<String>,
    /// Whether the carrier found the number to be the caller's own; `None` if it did not say.
    #[serde(default)]
    pub caller_verified: Option<bool>,
    /// Each step of the route, with its time.
    pub path: Vec<Step>,
    pub legs: Vec<LegRecord>,
    pub received_at: Wall,
    pub answered_at: Option<Wall>,
    pub connected_at: Option<Wall>,
    pub ended_at: Option<Wall>,
    pub ring_ms: Option<u64>,
    /// Time spent waiting in queues.
    #[serde(default)]
    pub wait_ms: Option<u64>,
    pub talk_ms: Option<u64>,
    pub cause: Option<Cause>,
    /// One for each connection, recorded or prevented, in their order.
    pub recordings: Vec<Recording>,
    /// How long they are kept after their end, as was said when the call came; for ever if it is
    /// not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_recordings_ms: Option<u64>,
    /// The account whose calls out this one is of, and the talk that counts for it.
    #[serde(default)]
    pub called_out: Option<CalledOut>,
    /// Other calls whose people were put through to this one's, or took one of this one's over.
    #[serde(default)]
    pub linked: Vec<Arc<str>>,
    pub caller_quality: Option<Quality>,
    /// Each conversation with a virtual agent.
    #[serde(default)]
    pub virtual_agents: Vec<VirtualAgentRecord>,
    pub agent: Option<Arc<str>>,
    pub lead_owner: Option<Arc<str>>,
    pub source_tag: String,
    pub tags: Vec<String>,
    pub score: Option<char>,
}

impl CallRecord {
    /// How the call went, in a word: `answered` (by a person or a virtual agent), `voicemail` (a
    /// message was left), `abandoned` (the caller gave up before), else the best of its legs:
    /// `declined`, `busy`, `no_answer`, `invalid_number`, `failed`; and `in_progress` or
    /// `interrupted` for calls that have no end, or none that is known.
    pub fn outcome(&self) -> &'static str {
        let agent = self.virtual_agents.iter().any(|it| it.connected_at.is_some());
        let message = self.recordings.iter().any(|it| it.voicemail.is_some() && it.file.is_some());
        let reason = self.cause.as_ref().map_or("", |it| it.reason.as_str());
        match self.state {
            RecordState::InProgress => "in_progress",
            RecordState::Interrupted => "interrupted",
            RecordState::Ended if self.connected_at.is_some() || agent => "answered",
            RecordState::Ended if message => "voicemail",
            RecordState::Ended if reason == "abandoned" => "abandoned",
            RecordState::Ended => self.unanswered(),
        }
    }

    fn unanswered(&self) -> &'static str {
        let legs = self.legs.iter().filter_map(|it| it.outcome);
        let tried = |it: &Outcome| !matches!(it, Outcome::Abandoned | Outcome::Answered);
        match legs.filter(tried).max() {
            Some(Outcome::Declined) => "declined",
            Some(Outcome::Busy) => "busy",
            Some(Outcome::NoAnswer) => "no_answer",
            Some(Outcome::InvalidNumber) => "invalid_number",
            Some(Outcome::Failed | Outcome::Abandoned | Outcome::Answered) => "failed",
            // Nobody was rung: what the caller was told says it.
            None => match self.cause.as_ref().map_or(0, |it| it.sip) {
                486 | 600 => "busy",
                603 | 403 => "declined",
                404 | 410 | 484 | 604 => "invalid_number",
                500.. => "failed",
                _ => "no_answer",
            },
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalledOut {
    pub account: Arc<str>,
    /// Without what was talked before the call went out; 0 until it is over.
    pub talk_ms: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    #[default]
    Inbound,
    Outbound,
    Internal,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordState {
    InProgress,
    Ended,
    Interrupted,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub at: Wall,
    pub what: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LegRecord {
    pub leg: u8,
    pub destination: Arc<str>,
    pub dialled_at: Wall,
    pub ringing_at: Option<Wall>,
    pub answered_at: Option<Wall>,
    /// Each symbol of the extension and when it was sent; the digits themselves are not kept.
    pub symbols: Vec<SymbolSent>,
    /// How long the far end kept silent before its extension was sent (`wait_for_voice`).
    pub voice_after_ms: Option<u64>,
    /// Who picked up, by the sound of it; apart from whether it answered, accepted or talked.
    pub answered_by: Option<AnsweredBy>,
    pub whisper_at: Option<Wall>,
    pub accepted_at: Option<Wall>,
    pub connected_at: Option<Wall>,
    pub ended_at: Option<Wall>,
    pub outcome: Option<Outcome>,
    pub cause: Option<Cause>,
    pub quality: Option<Quality>,
}

impl LegRecord {
    /// A destination that is rung now.
    pub fn dialled(leg: u8, destination: &Arc<str>, at: Wall) -> Self {
        Self {
            leg,
            destination: Arc::clone(destination),
            dialled_at: at,
            ringing_at: None,
            answered_at: None,
            symbols: Vec::new(),
            voice_after_ms: None,
            answered_by: None,
            whisper_at: None,
            accepted_at: None,
            connected_at: None,
            ended_at: None,
            outcome: None,
            cause: None,
            quality: None,
        }
    }
}

/// A conversation with a virtual agent, or the attempt to have one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VirtualAgentRecord {
    pub agent: Arc<str>,
    pub asked_at: Wall,
    pub connected_at: Option<Wall>,
    pub ended_at: Option<Wall>,
    /// `route NAME`, `ended`, `hung_up`, `max_duration`, `end_of_call`, or what went wrong:
    /// `unreachable`, `connection_lost`, `stalled`, `nonsense`, `flood`, ..
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SymbolSent {
    /// In the text of the extension, from 1.
    pub position: u16,
    /// A `w` or `W`, not a digit.
    pub wait: bool,
    pub at: Wall,
}

/// How a leg ended (PRODUCT section 2.2), worst first: the fork's outcome is the greatest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Abandoned,
    Failed,
    InvalidNumber,
    NoAnswer,
    Busy,
    Declined,
    Answered,
}

/// Why something ended: SIP code, Q.850 cause, and our reason in a word.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The SIP status, received or ours; 0 if none belongs to it.
    pub sip: u16,
    pub q850: Option<u8>,
    /// `normal`, `busy`, `no_answer`, `completed_elsewhere`, `route_loop`, `media_timeout`, ...
    pub reason: String,
    /// It happened inside us, not at the far end.
    pub local: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// The leg that was connected to the caller; none for a message or a virtual agent.
    pub leg: Option<u8>,
    /// The virtual agent that was.
    #[serde(default)]
    pub virtual_agent: Option<Arc<str>>,
    /// The box that it is a message in.
    #[serde(default)]
    pub voicemail: Option<Arc<str>>,
    pub file: Option<Arc<str>>,
    pub started_at: Option<Wall>,
    pub length_ms: u64,
    /// Milliseconds lost to a full or stalled disk.
    pub lost_ms: u64,
    /// Who stopped it, if not the end of the connection: `destination`, `disk`, or the user who
    /// said so; of a message also
    /// `silence`, `key` or `limit`.
    pub stopped_by: Option<String>,
    /// Why there is none; of a message `no_message` if nothing was said that its box keeps, or
    /// `disk`.
    pub prevented: Option<String>,
}

/// How well the media of a leg went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    pub packets_received: u64,
    pub packets_sent: u64,
    pub packets_lost: u64,
    pub jitter_ms: f32,
    pub remote_lost: Option<u64>,
    pub remote_jitter_ms: Option<f32>,
    pub round_trip_ms: Option<f32>,
}
