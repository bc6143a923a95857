//! What cannot be read, and ways that are gone.

use bytes::Bytes;

use super::{Out, Switch};
use crate::clock::Now;
use crate::dialog::Answer;
use crate::peer::Admission;
use crate::sip::{self, Hop, Message, Method, Name};
use crate::transaction::answer_anew;

impl Switch {
    /// A stream that cannot be read on from this request: it is answered, if it says whose it is.
    pub fn on_unframed(
        &mut self,
        status: u16,
        head: Bytes,
        from: Hop,
        now: Now,
        out: &mut Vec<Out>,
    ) {
        metrics::counter!("crosspoint_sip_malformed_total").increment(1);
        match sip::parse(head) {
            Ok(head) if head.is_request() => self.refuse_unread(&head, status, from, now, out),
            Err(sip::Error::Refused { head, .. }) => {
                self.refuse_unread(&head, status, from, now, out);
            }
            Ok(_) | Err(sip::Error::Noise(_)) => (),
        }
    }

    /// A response whose connection is gone goes by a new one, to where the request came from at the
    /// port its sender listens on (RFC 3261 section 18.2.2). Once: one that named no connection has
    /// been there already.
    pub fn on_unsent(&mut self, response: Bytes, hop: Hop, out: &mut Vec<Out>) {
        if hop.connection.is_none() {
            return;
        }
        let Ok(message) = sip::parse(response.clone()) else { return };
        let hop = answer_anew(&message, hop);
        metrics::counter!("crosspoint_sip_responses_rerouted_total").increment(1);
        out.push(Out::Send { bytes: response, hop });
    }

    /// A malformed request is answered only to those who may send one.
    pub(super) fn refuse_unread(
        &mut self,
        head: &Message,
        status: u16,
        from: Hop,
        now: Now,
        out: &mut Vec<Out>,
    ) {
        // Without a CSeq it would be no response, and nobody could tell what it is to.
        if matches!(head.method(), Method::Ack) || head.values(Name::CSeq).next().is_none() {
            return;
        }
        let heard = self.peers.admit(head, &from, now);
        if !matches!(heard, Admission::Silence) {
            self.answer_stranger(head, &Answer::new(status), from, out);
        }
    }

    /// A connection or a datagram's way is broken.
    pub fn on_hop_failed(&mut self, hop: Hop, now: Now, out: &mut Vec<Out>) {
        let mut sends = std::mem::take(&mut self.spare_sends);
        self.table.on_transport_error(&hop, &mut sends);
        self.carry_table(sends, now, out);
        self.settle(now, out);
    }

    /// A TCP connection is no more.
    pub fn on_connection_closed(&mut self, hop: Hop, now: Now, out: &mut Vec<Out>) {
        if let Some(connection) = hop.connection {
            self.peers.on_connection_closed(connection, now.at);
        }
        self.on_hop_failed(hop, now, out);
    }
}
