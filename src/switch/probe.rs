//! Asks trunks whether they are there: OPTIONS, when the peers say so (RFC 3261 section 11).

use super::{Out, Owner, Switch};
use crate::clock::Now;
use crate::dialog::MAX_FORWARDS;
use crate::peer::{self, Target, TrunkId};
use crate::sip::{Method, Name, NameAddr, Value, Write};

impl Switch {
    pub(super) fn on_peers_time(&mut self, now: Now, out: &mut Vec<Out>) {
        if self.peers.deadline().is_none_or(|at| now.at < at) {
            return;
        }
        let mut wants = Vec::new();
        self.peers.on_time(now.at, &mut wants);
        for peer::Out::Probe { trunk, address, target } in wants {
            self.probe(trunk, address, &target, now, out);
        }
    }

    fn probe(
        &mut self,
        trunk: TrunkId,
        address: u8,
        target: &Target,
        now: Now,
        out: &mut Vec<Out>,
    ) {
        let Some(hop) = target.hop else {
            // A trunk known by name is asked when calls resolve it.
            return self.probed(trunk, address, Some(200));
        };
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
        let owner = Owner::Probe { trunk, address };
        self.table.request(bytes, hop, owner, now.at, &mut sends);
        self.carry_table(sends, now, out);
    }

    pub(super) fn probed(&mut self, trunk: TrunkId, address: u8, status: Option<u16>) {
        if self.peers.on_probed(trunk, address, status) {
            let name = self.peers.trunk_config(trunk).map(|it| it.name.clone());
            tracing::warn!(trunk = name.as_deref(), address, ?status, "a trunk's address changed");
        }
    }
}
