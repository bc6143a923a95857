//! Registrations as they are kept across a restart. Moments are dates, for the clock that counts
//! from the start of the process begins anew.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::bindings::{Binding, Flow, Instance};
use crate::clock::Now;
use crate::sip::Hop;

/// All registrations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    pub registrations: Vec<Registration>,
}

/// One contact of one account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Registration {
    pub account: Arc<str>,
    pub contact: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<Box<str>>,
    #[serde(default)]
    pub reg_id: u32,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<Box<str>>,
    /// Of the Call-ID, keyed with the secret of [`super::Peers`].
    pub call: u64,
    pub cseq: u32,
    /// Preference in thousandths.
    pub q: u16,
    pub hop: Hop,
    /// Unix time, in seconds.
    pub expires: i64,
}

impl Registration {
    pub(super) fn of(account: &Arc<str>, binding: &Binding, now: Now) -> Self {
        let left = binding.expires.since(now.at);
        Self {
            account: account.clone(),
            contact: binding.contact.clone(),
            instance: binding.instance.as_ref().map(|it| it.urn.clone()),
            reg_id: binding.instance.as_ref().map_or(0, |it| it.reg_id),
            path: binding.path.to_vec(),
            call: binding.call,
            cseq: binding.cseq,
            q: binding.q,
            hop: binding.hop,
            expires: (now.wall + left).unix_seconds(),
        }
    }

    /// `None` if it is over by now, or its TCP connection went with the process.
    pub(super) fn binding(self, now: Now) -> Option<Binding> {
        let left = u64::try_from(self.expires - now.wall.unix_seconds()).ok()?;
        if left == 0 || self.hop.connection.is_some() || self.hop.transport.is_reliable() {
            return None;
        }
        let reg_id = self.reg_id;
        Some(Binding {
            contact: self.contact,
            instance: self.instance.map(|urn| Box::new(Instance { urn, reg_id })),
            path: self.path.into(),
            call: self.call,
            cseq: self.cseq,
            q: self.q.min(1000),
            hop: self.hop,
            // Longer than anything that is granted cannot be.
            expires: now.at + std::time::Duration::from_secs(left.min(1 << 32)),
            refreshed: now.at,
            flow: Flow::Open,
        })
    }
}
