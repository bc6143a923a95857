//! What a phone does with a call that is up, and what it proves to have one: hold, transfer, digest.

use super::super::line::{Line, Resend};
use super::super::network::Datagram;
use super::super::wire::Received;
use super::Phone;
use crate::clock::Instant;

impl Phone {
    /// Puts the other side on hold (`sendonly`, `inactive`), or takes it back (`sendrecv`): a
    /// re-INVITE.
    pub fn hold(&mut self, direction: &str, now: Instant, out: &mut Vec<Datagram>) {
        let Some(at) = self.lines.iter().position(Line::is_up) else { return };
        self.version += 1;
        let body = self.offer().replace("sendrecv", direction);
        let body = body.replacen("o=- 1 1", &format!("o=- 1 {}", self.version), 1);
        let line = &mut self.lines[at];
        let (bytes, to) = (line.dialog.invite_again(&body), line.dialog.next_hop());
        self.requests.push(Resend::new(bytes.clone(), "INVITE", now));
        self.send(bytes, to, out);
    }

    /// Asks the edge to put the other side through to `to` (what it would dial, or a whole URI).
    pub fn transfer(&mut self, to: &str, now: Instant, out: &mut Vec<Datagram>) {
        let to = if to.contains(':') { to.to_owned() } else { format!("sip:{to}@{}", self.edge) };
        let Some(at) = self.lines.iter().position(Line::is_up) else { return };
        self.refer(at, &to, now, out);
    }

    /// The same, to who is at the other end of its second call.
    pub fn transfer_to_other(&mut self, now: Instant, out: &mut Vec<Datagram>) {
        let mut there = self.lines.iter().enumerate().filter(|(_, it)| !it.over).map(|(n, _)| n);
        let (Some(first), Some(second)) = (there.next(), there.next()) else { return };
        let to = format!("sip:other@{}?{}", self.edge, self.lines[second].dialog.replaces());
        self.refer(first, &to, now, out);
    }

    /// Its call as the Replaces of somebody who takes it over names it.
    pub fn names_its_call(&self) -> Option<String> {
        self.lines.iter().find(|it| !it.over).map(|it| it.dialog.named())
    }

    fn refer(&mut self, at: usize, to: &str, now: Instant, out: &mut Vec<Datagram>) {
        let line = &mut self.lines[at];
        let (bytes, hop) = (line.dialog.refer(to), line.dialog.next_hop());
        self.requests.push(Resend::new(bytes.clone(), "REFER", now));
        self.send(bytes, hop, out);
    }

    /// Calls again with what was asked for.
    pub(super) fn prove(
        &mut self,
        n: usize,
        response: &Received,
        now: Instant,
        out: &mut Vec<Datagram>,
    ) {
        let offer = self.offer();
        let (user, password) = (self.number.clone(), self.password.clone().unwrap_or_default());
        let challenge = response.challenge.clone().unwrap_or_default();
        let dialog = &mut self.lines[n].dialog;
        if 1 < dialog.invite_cseq() {
            return;
        }
        dialog.prove(&challenge, &user, &password);
        let invite = dialog.invite(&offer);
        self.requests.push(Resend::new(invite.clone(), "INVITE", now));
        self.send(invite, self.edge, out);
    }
}
