//! Another codec for a caller who was answered: its early media settled one that nobody speaks whom
//! it hears now.
//!
//! The 200 must repeat what the 183 said (RFC 3261 section 13.2.1), so the caller is offered the
//! right codec by a re-INVITE after it. What it is to hear waits for that, but not for long.

use std::sync::Arc;

use super::ids::{BranchKey, CallKey};
use super::{Out, Switch};
use crate::call;
use crate::clock::Now;
use crate::dialog::Direction;
use crate::sdp::CodecList;

impl Switch {
    /// Asks the caller for the first of these codecs, if that is not what it has and it knows it.
    pub(super) fn agree_anew(
        &mut self,
        key: BranchKey,
        wanted: &CodecList,
        now: Now,
        out: &mut Vec<Out>,
    ) {
        let Some(entry) = self.calls.get_mut(key.call) else { return };
        let agreed = entry.branch(key).and_then(|it| it.agreed.as_ref()).map(|it| it.codec.clone());
        let (Some(agreed), Some(first)) = (agreed, wanted.codecs.first()) else { return };
        let (has, wants) = (agreed.encoding(), first.encoding());
        if first.is(&has) || has.is_ours() && wants.is_ours() {
            return;
        }
        let codecs = Arc::new(wanted.clone().only(&wants));
        entry.settling = Some(None);
        self.turn(key, now, out, |leg, turn| {
            leg.offer_again(Direction::SendRecv, Some(codecs), turn);
        });
    }

    /// A far end has said what it thinks of an offer.
    pub(super) fn settled_by(&mut self, key: BranchKey, out: &mut Vec<Out>) {
        if key.leg == 0 {
            self.settled(key.call, out);
        }
    }

    fn settled(&mut self, call: CallKey, out: &mut Vec<Out>) {
        let waits = self.calls.get_mut(call).and_then(|it| it.settling.take());
        if let Some(source) = waits.flatten() {
            self.hear(call, call::Leg::CALLER, source, out);
        }
    }
}
