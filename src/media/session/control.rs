//! RTCP of one leg: our reports about every five seconds, what the far end's reports say, and the
//! sum of it all in the end (RFC 3550 section 6).
//!
//! Each leg has a name of its own (CNAME), so that neither side learns anything of the other.

use std::net::SocketAddr;
use std::time::Duration;

use super::Session;
use crate::clock::{Instant, Now};
use crate::media::{Channel, Outlet, Quality};
use crate::rtp::rtcp::{self, Block, Packet};
use crate::rtp::{Ntp, Reception};

/// What is kept between reports.
#[derive(Debug)]
pub(super) struct Control {
    name: [u8; 16],
    chance: Chance,
    due: Option<Instant>,
    packets: u64,
    octets: u64,
    /// Packets sent when the last report was.
    reported: u64,
    far: Far,
}

/// What the far end says about our stream.
#[derive(Clone, Copy, Debug, Default)]
struct Far {
    lost: Option<u64>,
    jitter_ms: Option<f32>,
    round_trip_ms: Option<f32>,
}

/// Chance enough that calls which began together do not report together: SplitMix64.
#[derive(Debug)]
struct Chance(u64);

impl Chance {
    /// Between a half and one and a half of the interval, made shorter so that reports come no
    /// rarer in the mean (RFC 3550 section 6.3.1).
    fn spread(&mut self, interval: Duration) -> Duration {
        const COMPENSATION: f64 = std::f64::consts::E - 1.5;
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        interval.mul_f64((0.5 + mixed as f64 / u64::MAX as f64) / COMPENSATION)
    }
}

impl Control {
    /// The interval as it is reckoned, before chance (RFC 3550 section 6.2).
    const EVERY: Duration = Duration::from_secs(5);
    /// More than any compound packet of ours.
    const LONGEST: usize = 128;

    pub fn new(name: u64) -> Self {
        let mut text = [0; 16];
        for (n, octet) in text.iter_mut().enumerate() {
            *octet = b"0123456789abcdef"[(name >> (4 * n)) as usize & 15];
        }
        let chance = Chance(name);
        Self {
            name: text,
            chance,
            due: None,
            packets: 0,
            octets: 0,
            reported: 0,
            far: Far::default(),
        }
    }

    /// Reports begin: the first after half an interval (RFC 3550 section 6.2).
    pub fn begin(&mut self, now: Instant) {
        if self.due.is_none() {
            self.due = Some(now + self.chance.spread(Self::EVERY / 2));
        }
    }

    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// A packet of the stream went out, with this many octets of payload.
    pub fn sent(&mut self, octets: usize) {
        self.packets += 1;
        self.octets += octets as u64;
    }

    pub fn has_sent(&self) -> bool {
        0 < self.packets
    }
}

impl Session {
    /// Sends a report if one is due.
    pub fn report_due(&mut self, now: Now, out: &mut dyn Outlet) {
        if self.control.due.is_some_and(|it| it <= now.at) {
            self.control.due = Some(now.at + self.control.chance.spread(Control::EVERY));
            self.send_report(false, now, out);
        }
    }

    /// Says goodbye, if anything was ever said.
    pub fn say_goodbye(&mut self, now: Now, out: &mut dyn Outlet) {
        if self.control.has_sent() {
            self.send_report(true, now, out);
        }
    }

    fn send_report(&mut self, bye: bool, now: Now, out: &mut dyn Outlet) {
        let Some((channel, to)) = self.control_target() else { return };
        let control = &mut self.control;
        let sender = (control.reported < control.packets).then(|| rtcp::Sender {
            ntp: Ntp::from(now.wall),
            timestamp: self.stream.timestamp_at(now.at),
            packets: control.packets as u32,
            octets: control.octets as u32,
        });
        control.reported = control.packets;
        let block = self.reception.report(now.at);
        if sender.is_none() && block.is_none() && !bye {
            return;
        }
        let ssrc = self.stream.ssrc();
        let report = rtcp::Report { ssrc, sender, block, cname: &control.name, bye };
        let mut buffer = [0; Control::LONGEST];
        if let Some(length) = report.write(&mut buffer) {
            out.send(self.port, channel, to, &buffer[..length]);
        }
    }

    /// Where RTCP goes: where it was signalled to, the port after a phone's behind NAT, or the
    /// RTP port itself where both share one (RFC 5761).
    fn control_target(&self) -> Option<(Channel, SocketAddr)> {
        let remote = self.remote.as_ref()?;
        let target = self.gate.target()?;
        if remote.rtcp.is_some() && remote.rtcp == remote.rtp {
            return Some((Channel::Rtp, target));
        }
        if let Some(rtcp) = remote.rtcp.filter(|_| remote.rtp == Some(target)) {
            return Some((Channel::Rtcp, rtcp));
        }
        let next = target.port().checked_add(1)?;
        Some((Channel::Rtcp, SocketAddr::new(target.ip(), next)))
    }

    /// RTCP from somewhere; strangers' is turned away.
    pub fn on_control(&mut self, from: SocketAddr, packet: &[u8], now: Now) {
        if !self.gate.knows(from) {
            self.gate.foreign += 1;
            return;
        }
        self.sign_of_life(now.at);
        for packet in rtcp::read(packet) {
            match packet {
                Packet::SenderReport { ssrc, sender, blocks } => {
                    self.reception.on_sender_report(ssrc, sender.ntp, now.at);
                    blocks.iter().for_each(|it| self.on_block(&it, now));
                }
                Packet::ReceiverReport { blocks, .. } => {
                    blocks.iter().for_each(|it| self.on_block(&it, now));
                }
                Packet::Cname { .. } | Packet::Goodbye { .. } | Packet::Other(_) => {}
            }
        }
    }

    fn on_block(&mut self, block: &Block, now: Now) {
        if block.ssrc != self.stream.ssrc() {
            return;
        }
        let clock = self.remote.as_ref().map_or(crate::audio::RATE, |it| it.codec.clock).max(1);
        let far = &mut self.control.far;
        far.lost = Some(u64::try_from(block.lost).unwrap_or(0));
        far.jitter_ms = Some(block.jitter as f32 * 1000.0 / clock as f32);
        if let Some(trip) = block.round_trip(Ntp::from(now.wall)) {
            far.round_trip_ms = Some(trip.as_secs_f32() * 1000.0);
        }
    }

    /// How it went so far.
    pub fn quality(&self) -> Quality {
        let reception: &Reception = &self.reception;
        let far = self.control.far;
        Quality {
            packets_received: reception.received(),
            packets_sent: self.control.packets,
            packets_lost: reception.lost(),
            jitter_ms: reception.jitter_ms(),
            remote_lost: far.lost,
            remote_jitter_ms: far.jitter_ms,
            round_trip_ms: far.round_trip_ms,
            foreign: self.gate.foreign,
            source: self.gate.source(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legs_that_began_together_report_at_different_times_ever_after() {
        let begin = Instant::default();
        let mut dues: Vec<Instant> = Vec::new();
        for leg in 0..1000_u64 {
            let mut control = Control::new(leg.wrapping_mul(0x2545_f491_4f6c_dd1d));
            control.begin(begin);
            let first = control.due.unwrap().since(begin).as_secs_f64();
            assert!((2.5 * 0.41..=2.5 * 1.24).contains(&first), "{first}");
            let mut all = 0.0;
            for _ in 0..20 {
                let interval = control.chance.spread(Control::EVERY).as_secs_f64();
                assert!((2.05..=6.16).contains(&interval), "{interval}");
                all += interval;
            }
            dues.push(begin + Duration::from_secs_f64(all));
        }
        dues.sort_unstable();
        let crowd = dues.windows(40).map(|it| it[39].since(it[0])).min().unwrap();
        assert!(Duration::from_millis(100) < crowd, "40 of 1000 within {crowd:?}");
    }
}
