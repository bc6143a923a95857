//! Where what the plane produces waits to be carried on.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use super::Tapes;
use crate::audio::StreamId;
use crate::clock::Instant;
use crate::media::{Channel, Outlet, PortId, Reel, Report, Strand};

/// What the plane hands out.
#[derive(Default)]
pub(super) struct Shell {
    pub now: Instant,
    pub packets: Vec<(PortId, Channel, SocketAddr, Vec<u8>)>,
    pub reports: VecDeque<Report>,
    pub tapes: Tapes,
    pub strands: Vec<(StreamId, Twine)>,
}

/// A [`Strand`], owned.
pub(super) enum Twine {
    Frame(u64, [u8; 160]),
    Mark(Arc<str>),
}

impl Outlet for Shell {
    fn send(&mut self, from: PortId, channel: Channel, to: SocketAddr, packet: &[u8]) {
        self.packets.push((from, channel, to, packet.to_vec()));
    }

    fn report(&mut self, report: Report) {
        self.reports.push_back(report);
    }

    fn tape(&mut self, reel: Reel<'_>) -> bool {
        if let Reel::End { tape, frames, .. } = reel {
            self.reports.push_back(Report::TapeClosed { tape, ms: frames / 8 });
        }
        self.tapes.take(reel, self.now);
        true
    }

    fn stream(&mut self, stream: StreamId, strand: Strand<'_>) {
        let twine = match strand {
            Strand::Frame { at, octets } => Twine::Frame(at, *octets),
            Strand::Mark(name) => Twine::Mark(Arc::clone(name)),
        };
        self.strands.push((stream, twine));
    }
}
