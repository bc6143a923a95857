//! Answers for whoever sent a request without having proved anything: nothing stays behind, and by
//! datagram no more octets leave than came. A forged source would receive what it never asked for
//! (RFC 3261 section 26.3.2.4).

use super::{Out, Switch};
use crate::dialog::Answer;
use crate::peer::Admission;
use crate::sip::{Hop, Message, Method, Write};
use crate::transaction::reply_to;

impl Switch {
    /// In as few octets as it takes, if the whole answer is longer than the request; or not at all.
    pub(super) fn answer_anybody(
        &mut self,
        to: &Message,
        answer: &Answer,
        from: Hop,
        out: &mut Vec<Out>,
    ) {
        let tag = self.table.tag(to);
        let whole = answer.to(to, &tag, from.remote);
        let limit = if from.transport.is_reliable() { usize::MAX } else { to.bytes().len() };
        let bytes = if whole.len() <= limit {
            whole
        } else {
            let tag = tag.get(tag.len().saturating_sub(6)..).unwrap_or_default();
            Write::short_response_from(to, answer.status, from.remote).to_tag(tag).finish_datagram()
        };
        if bytes.len() <= limit {
            out.push(Out::Send { bytes, hop: reply_to(to, from) });
        }
    }

    /// The same, unless they have proved who they are.
    pub(super) fn answer_admitted(
        &mut self,
        to: &Message,
        answer: &Answer,
        admitted: Admission,
        from: Hop,
        out: &mut Vec<Out>,
    ) {
        match admitted {
            Admission::Trunk(_) | Admission::Client(_) => {
                self.answer_stateless(to, answer, from, out);
            }
            _ => self.answer_anybody(to, answer, from, out),
        }
    }

    /// A request that means something to nobody here: one inside of a dialog that is not ours, the
    /// CANCEL of no INVITE. Anybody can send it, so it may not begin a transaction, whose resends
    /// would be more than came.
    pub(super) fn is_nobodys(&mut self, request: &Message) -> bool {
        let inside = !request.to_tag().is_empty();
        match request.method() {
            Method::Ack => false,
            Method::Cancel => !self.table.knows(request),
            _ => inside && self.branch_of(request).is_none() && !self.table.knows(request),
        }
    }

    /// Tells a stranger that we are there: a challenge would protect nothing.
    pub(super) fn answer_probe(&mut self, probe: &Message, from: Hop, out: &mut Vec<Out>) {
        let answer = if self.draining { Answer::new(503) } else { Answer::options() };
        self.answer_anybody(probe, &answer, from, out);
    }
}
