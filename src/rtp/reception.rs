//! How well a stream arrives: sequence validation with roll-over and restart (RFC 3550 A.1), loss
//! (A.3), interarrival jitter (A.8), and the report block about it (section 6.4.1).
//!
//! One difference from A.1: there is no probation. Whom we listen to was signalled and latched
//! before a packet gets here, so the first packet counts.

use super::packet::Stamp;
use super::rtcp::{Block, Ntp};
use super::units;
use crate::clock::Instant;

/// What one packet was, by its sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// In order, perhaps after a loss.
    New,
    /// Out of order, or a duplicate.
    Late,
    /// The first packet of a source, or the second after its numbers jumped.
    Restart,
    /// The numbers jumped; not counted unless the next packet follows this one.
    Jump,
}

/// What arrived on a leg so far. Sources follow one another; totals are over all of them.
#[derive(Clone, Debug)]
pub struct Reception {
    clock: u32,
    source: Option<Source>,
    /// Totals of the sources before this one.
    received: u64,
    lost: u64,
}

#[derive(Clone, Debug)]
struct Source {
    ssrc: u32,
    first: u16,
    highest: u16,
    cycles: u32,
    /// The number that would confirm a restart.
    restart: Option<u16>,
    received: u32,
    expected_before: u32,
    received_before: u32,
    transit: Option<u32>,
    /// Timestamp units, times 16.
    jitter: u32,
    /// The middle of the latest sender report's NTP time, and when it came.
    report: Option<(u32, Instant)>,
}

impl Reception {
    const DROPOUT: u16 = 3000;
    const MISORDER: u16 = 100;

    /// `clock` is the codec's, in Hz.
    pub fn new(clock: u32) -> Self {
        Self { clock, source: None, received: 0, lost: 0 }
    }

    /// The codec changed to one of another clock.
    pub fn set_clock(&mut self, clock: u32) {
        if self.clock != clock {
            self.clock = clock;
            if let Some(source) = &mut self.source {
                source.transit = None;
                source.jitter = 0;
            }
        }
    }

    /// Takes a packet that arrived at `now`. `voice`: its time stamp says when it was spoken (a
    /// telephone event's does not), so it tells jitter.
    pub fn receive(&mut self, it: &Stamp, voice: bool, now: Instant) -> Arrival {
        let clock = self.clock;
        let Some(source) = self.source.as_mut().filter(|from| from.ssrc == it.ssrc) else {
            self.begin(it, voice, now);
            return Arrival::Restart;
        };
        let ahead = it.sequence.wrapping_sub(source.highest);
        let behind = u16::MAX - Self::MISORDER + 1;
        if (Self::DROPOUT..=behind).contains(&ahead) {
            if source.restart != Some(it.sequence) {
                source.restart = Some(it.sequence.wrapping_add(1));
                return Arrival::Jump;
            }
            self.begin(it, voice, now);
            return Arrival::Restart;
        }
        source.restart = None;
        source.received = source.received.wrapping_add(1);
        if ahead == 0 || Self::DROPOUT <= ahead {
            return Arrival::Late;
        }
        if it.sequence < source.highest {
            source.cycles = source.cycles.wrapping_add(1 << 16);
        }
        source.highest = it.sequence;
        if voice {
            source.measure(it.timestamp, clock, now);
        }
        Arrival::New
    }

    /// Takes note of the far end's sender report.
    pub fn on_sender_report(&mut self, ssrc: u32, ntp: Ntp, now: Instant) {
        if let Some(source) = self.source.as_mut().filter(|it| it.ssrc == ssrc) {
            source.report = Some((ntp.middle(), now));
        }
    }

    /// The report block for an RTCP packet sent now; `None` before the first packet. Begins the
    /// next interval for the fraction lost.
    pub fn report(&mut self, now: Instant) -> Option<Block> {
        let source = self.source.as_mut()?;
        let expected = source.expected();
        let due = expected.wrapping_sub(source.expected_before);
        let came = source.received.wrapping_sub(source.received_before);
        source.expected_before = expected;
        source.received_before = source.received;
        let missing = i64::from(due as i32) - i64::from(came);
        let fraction = if missing <= 0 { 0 } else { (missing << 8) / i64::from(due).max(1) };
        let (last_sr, delay) = match source.report {
            Some((ntp, at)) => (ntp, units(now.since(at).as_micros() as u64, 1 << 16)),
            None => (0, 0),
        };
        Some(Block {
            ssrc: source.ssrc,
            fraction_lost: fraction.min(255) as u8,
            lost: expected.wrapping_sub(source.received) as i32,
            highest: source.extended(),
            jitter: source.jitter >> 4,
            last_sr,
            delay,
        })
    }

    /// Packets that arrived, duplicates included.
    pub fn received(&self) -> u64 {
        self.received + self.source.as_ref().map_or(0, |it| u64::from(it.received))
    }

    /// Packets that did not arrive, by sequence numbers.
    pub fn lost(&self) -> u64 {
        self.lost + self.source.as_ref().map_or(0, Source::lost)
    }

    /// Interarrival jitter now, in milliseconds.
    pub fn jitter_ms(&self) -> f32 {
        let units = self.source.as_ref().map_or(0, |it| it.jitter);
        units as f32 / 16.0 * 1000.0 / self.clock.max(1) as f32
    }

    /// The SSRC heard last.
    pub fn ssrc(&self) -> Option<u32> {
        self.source.as_ref().map(|it| it.ssrc)
    }

    fn begin(&mut self, it: &Stamp, voice: bool, now: Instant) {
        self.received = self.received();
        self.lost = self.lost();
        let report = match &self.source {
            Some(before) if before.ssrc == it.ssrc => before.report,
            _ => None,
        };
        let mut source = Source {
            ssrc: it.ssrc,
            first: it.sequence,
            highest: it.sequence,
            cycles: 0,
            restart: None,
            received: 1,
            expected_before: 0,
            received_before: 0,
            transit: None,
            jitter: 0,
            report,
        };
        if voice {
            source.measure(it.timestamp, self.clock, now);
        }
        self.source = Some(source);
    }
}

impl Source {
    fn extended(&self) -> u32 {
        self.cycles.wrapping_add(u32::from(self.highest))
    }

    fn expected(&self) -> u32 {
        self.extended().wrapping_sub(u32::from(self.first)).wrapping_add(1)
    }

    fn lost(&self) -> u64 {
        u64::from(self.expected().saturating_sub(self.received))
    }

    fn measure(&mut self, timestamp: u32, clock: u32, now: Instant) {
        let transit = units(now.micros(), clock).wrapping_sub(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let moved = (transit.wrapping_sub(before) as i32).unsigned_abs();
            // A jump of seconds is a new time base, not jitter.
            if moved < clock.saturating_mul(5) {
                self.jitter = self.jitter.saturating_add(moved) - ((self.jitter + 8) >> 4);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(milliseconds: u64) -> Instant {
        Instant::from_micros(milliseconds * 1000)
    }

    fn packet(sequence: u16, timestamp: u32) -> Stamp {
        Stamp { marker: false, payload_type: 0, sequence, timestamp, ssrc: 1 }
    }

    /// Feeds sequence numbers 20 ms apart, each on time.
    fn hear(numbers: impl IntoIterator<Item = u16>) -> (Reception, Vec<Arrival>) {
        let mut reception = Reception::new(8000);
        let arrivals = numbers
            .into_iter()
            .zip(0..)
            .map(|(n, slot)| {
                reception.receive(&packet(n, slot * 160), true, at(u64::from(slot) * 20))
            })
            .collect();
        (reception, arrivals)
    }

    #[test]
    fn nothing_heard_is_nothing_reported() {
        let mut reception = Reception::new(8000);
        assert_eq!(reception.report(at(0)), None);
        assert_eq!((reception.received(), reception.lost(), reception.ssrc()), (0, 0, None));
    }

    #[test]
    fn losses_are_counted_over_a_roll_over() {
        let (mut reception, _) = hear((65_530..=65_535).chain([0, 1, 3, 5]));
        assert_eq!((reception.received(), reception.lost()), (10, 2));
        let block = reception.report(at(200)).unwrap();
        assert_eq!(block.highest, 65_536 + 5);
        assert_eq!((block.lost, block.fraction_lost), (2, (2 * 256 / 12) as u8));
    }

    #[test]
    fn the_fraction_lost_is_of_the_latest_interval() {
        let (mut reception, _) = hear([1, 2, 5]);
        assert_eq!(reception.report(at(60)).unwrap().fraction_lost, (2 * 256 / 5) as u8);
        for n in 6..=9 {
            reception.receive(&packet(n, 0), false, at(80));
        }
        let block = reception.report(at(160)).unwrap();
        assert_eq!((block.fraction_lost, block.lost), (0, 2));
    }

    #[test]
    fn duplicates_make_the_loss_negative_in_the_report_but_not_in_the_total() {
        let (mut reception, arrivals) = hear([1, 2, 2, 2]);
        assert_eq!(arrivals[2..], [Arrival::Late; 2]);
        assert_eq!(reception.report(at(80)).unwrap().lost, -2);
        assert_eq!(reception.lost(), 0);
    }

    #[test]
    fn a_late_packet_makes_up_for_its_loss() {
        let (reception, arrivals) = hear([1, 3, 2]);
        assert_eq!(arrivals, [Arrival::Restart, Arrival::New, Arrival::Late]);
        assert_eq!(reception.lost(), 0);
    }

    #[test]
    fn one_stray_number_does_not_restart_a_source_but_two_in_a_row_do() {
        let (reception, arrivals) = hear([1, 2, 40_000, 3, 50_000, 50_001, 50_002]);
        use Arrival::{Jump, New, Restart};
        assert_eq!(arrivals, [Restart, New, Jump, New, Jump, Restart, New]);
        assert_eq!((reception.received(), reception.lost()), (5, 0));
    }

    #[test]
    fn totals_go_on_over_a_change_of_source() {
        let (mut reception, _) = hear([1, 2, 4]);
        let other = Stamp { ssrc: 2, ..packet(900, 0) };
        assert_eq!(reception.receive(&other, true, at(80)), Arrival::Restart);
        assert_eq!((reception.received(), reception.lost()), (4, 1));
        assert_eq!(reception.ssrc(), Some(2));
        assert_eq!(reception.report(at(80)).unwrap().lost, 0);
    }

    #[test]
    fn packets_on_time_have_no_jitter() {
        assert_eq!(hear(0..100).0.jitter_ms(), 0.0);
    }

    #[test]
    fn jitter_settles_at_the_mean_difference() {
        let mut reception = Reception::new(8000);
        for n in 0..400u16 {
            let late = if n % 2 == 0 { 0 } else { 10 };
            let it = packet(n, u32::from(n) * 160);
            reception.receive(&it, true, at(u64::from(n) * 20 + late));
        }
        assert!((9.0..=10.1).contains(&reception.jitter_ms()), "{}", reception.jitter_ms());
    }

    #[test]
    fn events_and_a_new_time_base_are_no_jitter() {
        let mut reception = Reception::new(8000);
        reception.receive(&packet(1, 0), true, at(0));
        for n in 2..30 {
            reception.receive(&packet(n, 160), false, at(u64::from(n) * 20));
        }
        reception.receive(&packet(30, 29 * 160), true, at(29 * 20));
        reception.receive(&packet(31, 4_000_000), true, at(30 * 20));
        assert_eq!(reception.jitter_ms(), 0.0);
    }

    #[test]
    fn a_report_tells_how_long_ago_the_sender_report_came() {
        let (mut reception, _) = hear([1, 2]);
        reception.on_sender_report(2, Ntp(u64::MAX), at(40));
        assert_eq!(reception.report(at(40)).unwrap().last_sr, 0, "another source's report");
        reception.on_sender_report(1, Ntp(0x1122_3344_5566_7788), at(40));
        let block = reception.report(at(40 + 1500)).unwrap();
        assert_eq!((block.last_sr, block.delay), (0x3344_5566, 0x1_8000));
    }

    proptest! {
        #[test]
        fn any_numbers_at_any_time_are_counted_without_a_panic(
            packets in proptest::collection::vec(
                (any::<u16>(), any::<u32>(), 0u32..3, any::<bool>(), 0u64..1 << 50), 0..300),
        ) {
            let mut reception = Reception::new(48_000);
            for (sequence, timestamp, ssrc, voice, micros) in &packets {
                let it = Stamp { ssrc: *ssrc, ..packet(*sequence, *timestamp) };
                reception.receive(&it, *voice, Instant::from_micros(*micros));
                reception.report(Instant::from_micros(*micros));
            }
            prop_assert!(reception.received() <= packets.len() as u64);
        }
    }
}
