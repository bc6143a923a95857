//! Sends one key press as telephone events (RFC 4733 section 2.5.1).
//!
//! ```text
//!   tick   0     1     2     3     4     5     6        a press of 100 ms at 8000 Hz
//!          |-----|-----|-----|-----|-----|-----|
//!   M      x                                            first packet only
//!   E                              x     x     x        end packets: same duration, three times
//!   dur.   160   320   480   640   800   800   800      time stamp: the same in all
//! ```
//!
//! A packet is due each [`KeySender::TICK`], the first at once: like a voice frame it reports the
//! 20 ms that begin with it, so none says zero. Sequence numbers are [`super::Continuity`]'s; gaps
//! between keys are the player's.

use std::time::Duration;

use super::{Event, units};

/// One key press under way. As an iterator it yields the packet of each tick, then `None`.
#[derive(Clone, Debug)]
pub struct KeySender {
    code: u8,
    clock: u32,
    /// Units of one tick.
    step: u32,
    /// Where this segment begins.
    timestamp: u32,
    /// Units of the whole press, from the first segment's begin.
    length: u64,
    /// Units reported so far, earlier segments included.
    reported: u64,
    /// Units in earlier segments.
    segmented: u64,
    /// End packets still to send, this one included.
    ends: u8,
}

/// What one packet of a press says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyPacket {
    pub marker: bool,
    pub timestamp: u32,
    pub event: Event,
}

impl KeySender {
    /// One packet is due each 20 ms.
    pub const TICK: Duration = Duration::from_millis(20);
    /// What the tone would measure, in dB below 0 dBm0.
    pub const VOLUME: u8 = 10;
    /// Section 2.5.1.4: the final packet is sent three times.
    const ENDS: u8 = 3;
    /// Section 2.5.1.3: longer presses are reported in segments.
    const SEGMENT: u64 = 0xffff;

    /// A press of the key `code` that begins at `timestamp` and lasts `length` (at least one tick).
    /// `clock` is the rate of the event payload type in Hz.
    pub fn press(code: u8, clock: u32, timestamp: u32, length: Duration) -> Self {
        let step = units(Self::TICK.as_micros() as u64, clock).max(1);
        let length = length.as_micros() * u128::from(clock) / 1_000_000;
        Self {
            code,
            clock,
            step,
            timestamp,
            length: u64::try_from(length).unwrap_or(u64::MAX).max(u64::from(step)),
            reported: 0,
            segmented: 0,
            ends: Self::ENDS,
        }
    }

    /// The key is let go now: the next packet is the first end packet.
    pub fn release(&mut self) {
        if self.is_sounding() {
            self.length = self.reported.max(u64::from(self.step));
        }
    }

    /// The tone is on; `false` once the first end packet has been sent.
    pub fn is_sounding(&self) -> bool {
        self.ends == Self::ENDS
    }

    /// The rate of the event payload type, in Hz.
    pub fn clock(&self) -> u32 {
        self.clock
    }

    fn packet(&self, marker: bool, end: bool) -> KeyPacket {
        let duration = (self.reported - self.segmented) as u16;
        let event = Event { code: self.code, end, volume: Self::VOLUME, duration };
        KeyPacket { marker, timestamp: self.timestamp, event }
    }
}

impl Iterator for KeySender {
    type Item = KeyPacket;

    fn next(&mut self) -> Option<KeyPacket> {
        if self.ends == 0 {
            return None;
        }
        let marker = self.reported == 0;
        let full = self.reported - self.segmented == Self::SEGMENT;
        if full && self.reported < self.length {
            self.segmented = self.reported;
            self.timestamp = self.timestamp.wrapping_add(Self::SEGMENT as u32);
        }
        self.reported = (self.reported + u64::from(self.step))
            .min(self.length)
            .min(self.segmented + Self::SEGMENT);
        let end = self.reported == self.length;
        self.ends -= u8::from(end);
        Some(self.packet(marker, end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(clock: u32, milliseconds: u64) -> Vec<KeyPacket> {
        KeySender::press(5, clock, 1000, Duration::from_millis(milliseconds)).collect()
    }

    fn durations(packets: &[KeyPacket]) -> Vec<u16> {
        packets.iter().map(|it| it.event.duration).collect()
    }

    #[test]
    fn a_press_of_100_ms_is_five_reports_and_two_more_end_packets() {
        let packets = press(8000, 100);
        assert_eq!(durations(&packets), [160, 320, 480, 640, 800, 800, 800]);
        assert!(packets.iter().all(|it| it.timestamp == 1000 && it.event.code == 5));
        let markers: Vec<_> = packets.iter().map(|it| it.marker).collect();
        assert_eq!(markers, [true, false, false, false, false, false, false]);
        let ends: Vec<_> = packets.iter().map(|it| it.event.end).collect();
        assert_eq!(ends, [false, false, false, false, true, true, true]);
    }

    #[test]
    fn durations_count_in_the_clock_of_the_event_payload_type() {
        assert_eq!(durations(&press(48000, 60)), [960, 1920, 2880, 2880, 2880]);
    }

    #[test]
    fn a_press_that_is_no_multiple_of_a_tick_ends_where_it_ends() {
        assert_eq!(durations(&press(8000, 50)), [160, 320, 400, 400, 400]);
    }

    #[test]
    fn no_packet_says_zero_however_short_the_press() {
        let packets = press(8000, 0);
        assert_eq!(durations(&packets), [160, 160, 160]);
        assert!(packets[0].marker && packets[0].event.end);
    }

    #[test]
    fn a_press_that_is_let_go_ends_with_what_was_reported() {
        let mut key = KeySender::press(5, 8000, 0, Duration::from_secs(60));
        key.by_ref().take(3).for_each(drop);
        assert!(key.is_sounding());
        key.release();
        let rest: Vec<_> = key.collect();
        assert_eq!(durations(&rest), [480, 480, 480]);
        assert!(rest.iter().all(|it| it.event.end));
    }

    #[test]
    fn a_press_longer_than_the_field_goes_on_in_a_new_segment() {
        let packets = press(8000, 10_000);
        let turn = packets.iter().position(|it| it.timestamp != 1000).unwrap();
        assert_eq!(packets[turn - 1].event.duration, 0xffff);
        assert!(!packets[turn - 1].event.end);
        assert_eq!(packets[turn].timestamp, 1000 + 0xffff);
        assert_eq!(packets[turn].event.duration, 160);
        let last = packets.last().unwrap().event;
        assert_eq!((last.duration, last.end), (80_000u32.wrapping_sub(0xffff) as u16, true));
        assert_eq!(packets.iter().filter(|it| it.marker).count(), 1);
        assert_eq!(packets.iter().filter(|it| it.event.end).count(), 3);
    }

    #[test]
    fn a_press_that_fills_the_field_exactly_needs_no_second_segment() {
        let micros = Duration::from_micros(65_535 * 125);
        let packets: Vec<_> = KeySender::press(5, 8000, 1000, micros).collect();
        assert!(packets.iter().all(|it| it.timestamp == 1000));
        assert_eq!(packets.last().unwrap().event.duration, 0xffff);
    }
}
