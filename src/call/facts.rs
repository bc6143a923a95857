//! What is known of a call when its INVITE arrives. Plain data, filled in by the switch.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::Wall;
use crate::desk;
use crate::flow::Spent;
use crate::model::Caller;

/// The facts that a call starts from. They never change during the call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The call's own id, minted by the switch; also the stem of the recording's file name.
    pub call: Arc<str>,
    /// How the desk calls this call.
    pub at_desk: desk::Caller,
    /// What was dialled: E.164 (`+15550100001`) where it is a number, else as received.
    pub dialled: Arc<str>,
    /// Who calls, as the trunk or client told it.
    pub caller: Caller,
    /// The trunk or account the call came in by.
    pub from: Arc<str>,
    /// The account, if it is a phone of ours that calls.
    pub account: Option<Arc<str>>,
    /// What that account has used of its calls out.
    pub spent: Spent,
    /// The header fields of the INVITE that some rule asks about: name and value, bounded.
    pub headers: Vec<(String, String)>,
    /// When this caller called last, if that is remembered.
    pub called_before: Option<Wall>,
    /// The caller speaks no codec of ours: it hears what a destination with the same codec says,
    /// and nothing that we would say.
    pub deaf: bool,
    /// Fresh randomness, for weighted order and percentages.
    pub random: u64,
    /// How many calls this dialled number has had before: where a round robin starts.
    pub rotation: u64,
}
