//! What came of it all: records, recordings, ladders, and whether anything is left.

use std::net::SocketAddr;

use super::manners::Moment;
use super::phone::Phone;
use super::world::World;
use super::{Ladder, Tapes};
use crate::clock::Instant;
use crate::model::record::{CallRecord, RecordState};

impl World {
    /// Media ports that were bound so far.
    pub fn ports(&self) -> usize {
        self.bound
    }

    pub fn tapes(&self) -> &Tapes {
        &self.outlet.tapes
    }

    /// The complete records.
    pub fn ended(&self) -> Vec<&CallRecord> {
        self.records.iter().filter(|it| it.state == RecordState::Ended).collect()
    }

    /// The one record of a story with one call.
    ///
    /// # Panics
    /// If there is none, or another.
    pub fn record(&self) -> &CallRecord {
        let ended = self.ended();
        assert_eq!(ended.len(), 1, "{} records are complete", ended.len());
        ended[0]
    }

    /// Whether no call is left, no transaction, no media session, and no phone is in a call.
    pub fn is_quiet(&self) -> bool {
        self.switch.calls() == 0
            && self.switch.transactions() == 0
            && self.plane.sessions() == 0
            && self.programs.links() == 0
            && self.phones.iter().all(Phone::is_idle)
    }

    /// All that was said between the edge and the phones, drawn.
    pub fn ladder(&self) -> Ladder {
        let mut parties: Vec<(SocketAddr, String)> = Vec::new();
        let callers = self.phones.iter().filter(|it| it.has_called());
        parties.extend(callers.map(|it| (it.address, it.name.clone())));
        parties.push((self.edge(), "crosspoint".to_owned()));
        let others = self.phones.iter().filter(|it| !it.has_called());
        parties.extend(others.map(|it| (it.address, it.name.clone())));
        let mut ladder = Ladder::new(parties);
        let mut facts = self.facts.iter().peekable();
        for (at, datagram) in &self.wire {
            while let Some((noted, fact)) = facts.next_if(|(noted, _)| noted < at) {
                super::told::note(&mut ladder, self.edge(), fact, *noted);
            }
            ladder.message(datagram.from, datagram.to, &datagram.bytes, *at);
        }
        for (noted, fact) in facts {
            super::told::note(&mut ladder, self.edge(), fact, *noted);
        }
        ladder
    }

    /// The last request with this method that was sent to a phone.
    ///
    /// # Panics
    /// If there was none.
    pub fn heard(&self, name: &str, method: &str) -> String {
        let to = self.seen(name).address;
        let sent = self.wire.iter().rev().map(|(_, it)| it).filter(|it| it.to == to);
        let mut texts = sent.map(|it| String::from_utf8_lossy(&it.bytes).into_owned());
        let found = texts.find(|it| it.starts_with(method));
        found.unwrap_or_else(|| panic!("{name} never had a {method}"))
    }

    /// When a phone lived through something, for the first time.
    ///
    /// # Panics
    /// If it did not.
    pub fn when(&self, name: &str, what: Moment) -> Instant {
        let phone = self.seen(name);
        phone.moment(what).unwrap_or_else(|| {
            panic!("{name} never lived through {what:?}\n{}", self.ladder().text())
        })
    }
}
