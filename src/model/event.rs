//! What can be seen happening to a call (PRODUCT section 11): `call.received` to `call.scored`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::record::Cause;

/// One thing that happened. The call's id, the sequence number and the time are put on by `call`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// Counts from 1 in each call.
    pub seq: u32,
    pub at: crate::clock::Wall,
    pub call: Arc<str>,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum What {
    #[serde(rename = "call.received")]
    Received { tracking_number: Arc<str>, caller: String },
    #[serde(rename = "route.entered")]
    RouteEntered { route: String },
    #[serde(rename = "leg.dialing")]
    LegDialing { leg: u8, destination: Arc<str> },
    #[serde(rename = "leg.ringing")]
    LegRinging { leg: u8 },
    #[serde(rename = "leg.answered")]
    LegAnswered { leg: u8 },
    /// A symbol of the extension was sent; the digit itself is left out.
    #[serde(rename = "leg.digit")]
    LegDigit { leg: u8, position: u16 },
    #[serde(rename = "leg.whisper")]
    LegWhisper { leg: u8 },
    #[serde(rename = "leg.accepted")]
    LegAccepted { leg: u8 },
    #[serde(rename = "leg.declined")]
    LegDeclined { leg: u8 },
    #[serde(rename = "call.connected")]
    Connected { leg: u8 },
    #[serde(rename = "recording.started")]
    RecordingStarted { file: Arc<str> },
    #[serde(rename = "recording.stopped")]
    RecordingStopped { by: String },
    #[serde(rename = "recording.prevented")]
    RecordingPrevented { why: String },
    /// A virtual agent and the caller hear each other.
    #[serde(rename = "agent.connected")]
    AgentConnected { agent: Arc<str> },
    /// .. no longer, or it could not be reached; `reason` as in the record.
    #[serde(rename = "agent.ended")]
    AgentEnded { agent: Arc<str>, reason: String },
    /// Somebody did something to the call, by the console or the API: `hangup`, `transfer`,
    /// `start_recording`, `stop_recording`, `skip_whisper`.
    #[serde(rename = "call.commanded")]
    Commanded { command: String, by: String },
    #[serde(rename = "leg.ended")]
    LegEnded { leg: u8, cause: Cause },
    #[serde(rename = "call.ended")]
    Ended { cause: Cause },
    /// Somebody answered by keys, which are left out, what `asked` asked (`voice_menu main`); or
    /// typed what was no answer.
    #[serde(rename = "keys.entered")]
    KeysEntered { asked: String, understood: bool },
    #[serde(rename = "voicemail.left")]
    VoicemailLeft { voicemail: Arc<str>, file: Arc<str>, length_ms: u64 },
    #[serde(rename = "call.scored")]
    Scored { score: char },
}

/// Every event, as `type` names it.
pub const NAMES: &[&str] = &[
    "call.received",
    "route.entered",
    "leg.dialing",
    "leg.ringing",
    "leg.answered",
    "leg.digit",
    "leg.whisper",
    "leg.accepted",
    "leg.declined",
    "call.connected",
    "recording.started",
    "recording.stopped",
    "recording.prevented",
    "agent.connected",
    "agent.ended",
    "call.commanded",
    "leg.ended",
    "call.ended",
    "keys.entered",
    "voicemail.left",
    "call.scored",
];

impl What {
    /// As `type` names it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Received { .. } => "call.received",
            Self::RouteEntered { .. } => "route.entered",
            Self::LegDialing { .. } => "leg.dialing",
            Self::LegRinging { .. } => "leg.ringing",
            Self::LegAnswered { .. } => "leg.answered",
            Self::LegDigit { .. } => "leg.digit",
            Self::LegWhisper { .. } => "leg.whisper",
            Self::LegAccepted { .. } => "leg.accepted",
            Self::LegDeclined { .. } => "leg.declined",
            Self::Connected { .. } => "call.connected",
            Self::RecordingStarted { .. } => "recording.started",
            Self::RecordingStopped { .. } => "recording.stopped",
            Self::RecordingPrevented { .. } => "recording.prevented",
            Self::AgentConnected { .. } => "agent.connected",
            Self::AgentEnded { .. } => "agent.ended",
            Self::Commanded { .. } => "call.commanded",
            Self::LegEnded { .. } => "leg.ended",
            Self::Ended { .. } => "call.ended",
            Self::KeysEntered { .. } => "keys.entered",
            Self::VoicemailLeft { .. } => "voicemail.left",
            Self::Scored { .. } => "call.scored",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_named_as_they_are_written() {
        let ended = What::Ended { cause: Cause::default() };
        let written = serde_json::to_value(&ended).unwrap();
        assert_eq!(written["type"], ended.name());
        let scored =
            serde_json::json!({ "type": What::Scored { score: '5' }.name(), "score": "5" });
        assert!(serde_json::from_value::<What>(scored).is_ok());
        let unknown = |name: &&str| {
            let nothing = serde_json::json!({ "type": name });
            let read = serde_json::from_value::<What>(nothing);
            read.is_err_and(|it| it.to_string().contains("unknown variant"))
        };
        assert_eq!(NAMES.iter().find(|it| unknown(it)), None);
    }
}
