//! What the log says of a call: its end at INFO, its story at DEBUG.
//!
//! The span that the switch puts around carries the call's id. Phone numbers stand at DEBUG only,
//! digits nowhere.

use tracing::{debug, info};

use crate::model::event::What;
use crate::model::record::CallRecord;

/// Says what has happened.
pub(super) fn tell(what: &What, record: &CallRecord) {
    match what {
        What::Received { tracking_number, caller } => debug!(%tracking_number, caller, "received"),
        What::RouteEntered { route } => debug!(route, "route entered"),
        What::LegDialing { leg, destination } => debug!(leg, %destination, "dialling"),
        What::LegRinging { leg } => debug!(leg, "ringing"),
        What::LegAnswered { leg } => debug!(leg, "answered"),
        What::LegDigit { leg, position } => debug!(leg, position, "digit sent"),
        What::LegWhisper { leg } => debug!(leg, "whisper"),
        What::LegAccepted { leg } => debug!(leg, "accepted"),
        What::LegDeclined { leg } => debug!(leg, "declined"),
        What::Connected { leg } => debug!(leg, "connected"),
        What::RecordingStarted { file } => debug!(%file, "recording"),
        What::RecordingStopped { by } => debug!(by, "recording stopped"),
        What::RecordingPrevented { why } => debug!(why, "not recorded"),
        What::AgentConnected { agent } => debug!(%agent, "talks with a virtual agent"),
        What::AgentEnded { agent, reason } => debug!(%agent, reason, "virtual agent ended"),
        What::Commanded { command, by } => debug!(command, by, "commanded"),
        What::LegEnded { leg, cause } => {
            debug!(leg, sip = cause.sip, reason = cause.reason, "leg ended");
        }
        What::Ended { cause } => info!(
            sip = cause.sip,
            reason = cause.reason,
            legs = record.legs.len(),
            ring_ms = record.ring_ms,
            talk_ms = record.talk_ms,
            "call ended"
        ),
        What::KeysEntered { asked, understood } => debug!(asked, understood, "keys entered"),
        What::VoicemailLeft { voicemail, length_ms, .. } => {
            debug!(%voicemail, length_ms, "voicemail left");
        }
        What::Scored { .. } => debug!("scored"),
    }
}
