//! Asks trunks whether they are there: OPTIONS, when the peers say so (RFC 3261 section 11).

use std::net::SocketAddr;

use super::{Out, Owner, Switch};
use crate::clock::Now;
use crate::dialog::MAX_FORWARDS;
use crate::peer::{self, Asked, Target};
use crate::sip::{Method, Name, NameAddr, Transport, Value, Write};

impl Switch {
    pub(super) fn on_peers_time(&mut self, now: Now, out: &mut Vec<Out>) {
        if self.peers.deadline().is_none_or(|at| now.at < at) {
            return;
        }
        let mut wants = Vec::new();
        self.peers.on_time(now.at, &mut wants);
        self.ask_trunks(wants, now, out);
    }

    /// Where a trunk's name leads to is asked next.
    pub(super) fn on_trunk_found(
        &mut self,
        asked: Asked,
        found: &[(SocketAddr, Transport)],
        now: Now,
        out: &mut Vec<Out>,
    ) {
        let mut wants = Vec::new();
        if self.peers.found(asked, found, now.at, &mut wants) {
            self.say_that_it_changed(asked, None);
        }
        self.ask_trunks(wants, now, out);
    }

    fn ask_trunks(&mut self, wants: Vec<peer::Out>, now: Now, out: &mut Vec<Out>) {
        for want in wants {
            match want {
                peer::Out::Probe { asked, target } => self.probe(asked, &target, now, out),
                peer::Out::Find { asked, resolve } => self.find_trunk(asked, resolve, out),
            }
        }
    }

    fn probe(&mut self, asked: Asked, target: &Target, now: Now, out: &mut Vec<Out>) {
        let Some(hop) = target.hop else { return };
        let local = self.local_for(hop.listener, hop.transport, None);
        let random = self.ids.random();
        let via = format!(
            "SIP/2.0/{} {};branch=z9hG4bK{random:016x};rport",
            hop.transport.as_str(),
            local.sent_by
        );
        let from = format!("<{}>;tag={:016x}", local.contact, self.ids.random());
        let parts = [Value::new(via), Value::new(from), Value::new(self.ids.call_id())];
        let [Ok(via), Ok(from), Ok(call_id)] = parts else { return };
        let to = NameAddr::new(target.uri.clone());
        let contact = NameAddr::new(local.contact);
        let mut probe = Write::request(&Method::Options, &target.uri)
            .header(Name::Via, &via)
            .header(Name::MaxForwards, u32::from(MAX_FORWARDS))
            .header(Name::From, &from)
            .header(Name::To, &to)
            .header(Name::CallId, &call_id)
            .header(Name::CSeq, (1, &Method::Options))
            .header(Name::Contact, &contact);
        if let Some(software) = &local.software {
            probe = probe.header(Name::UserAgent, software);
        }
        let bytes = probe.finish();
        let mut sends = std::mem::take(&mut self.spare_sends);
        self.table.request(bytes, hop, Owner::Probe(asked), now.at, &mut sends);
        self.carry_table(sends, now, out);
    }

    pub(super) fn probed(&mut self, asked: Asked, status: Option<u16>, now: Now) {
        if self.peers.on_probed(asked, status, now.at) {
            self.say_that_it_changed(asked, status);
        }
    }

    fn say_that_it_changed(&self, asked: Asked, status: Option<u16>) {
        let name = self.peers.trunk_config(asked.trunk).map(|it| it.name.clone());
        let (trunk, address) = (name.as_deref(), asked.address);
        tracing::warn!(trunk, address, ?status, "a trunk's address changed");
    }
}
