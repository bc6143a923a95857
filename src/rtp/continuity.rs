//! One continuous outgoing stream towards a leg, whatever it hears (RFC 3550 section 5.1).
//!
//! The far end sees one SSRC for the whole call. Packets relayed from another leg keep their order
//! and their gaps (a loss stays visible, a late packet stays late); where the source changes, its
//! numbers jump, or we speak ourselves, the sequence goes on by one and the time stamp by the time
//! that has passed. What is sent, and when, is the session's.

use std::time::Duration;

use super::packet::{Stamp, ahead};
use super::{KeyPacket, units};
use crate::clock::Instant;

/// The numbering of one outgoing stream.
#[derive(Clone, Debug)]
pub struct Continuity {
    ssrc: u32,
    clock: u32,
    /// The next sequence number.
    sequence: u16,
    /// Where the sound sent so far ends.
    end: u32,
    /// A moment and its place in the stream; `None` until the first packet.
    anchor: Option<(Instant, u32)>,
    /// When the latest packet was sent, and its time stamp.
    latest: (Instant, u32),
    source: Option<Relayed>,
}

/// How the packets of the source relayed now are renumbered.
#[derive(Clone, Debug)]
struct Relayed {
    ssrc: u32,
    /// Added to its sequence numbers and time stamps.
    sequence: u16,
    timestamp: u32,
    /// The first sequence number relayed with these numbers, and the newest.
    first: u16,
    newest: u16,
    /// Its latest time stamp, and when that came.
    front: u32,
    at: Instant,
    /// Units in one packet, as seen.
    span: u32,
}

impl Continuity {
    /// A clock read this much after the sound sent so far ended is a gap, not a late wake-up.
    const LATE: Duration = Duration::from_millis(12);
    /// A source whose sequence jumps further ahead, or further back, has started anew.
    const AHEAD: i16 = 1000;
    const BEHIND: i16 = -100;
    /// Nor do its time stamps leave the time that has passed by more than this.
    const ASTRAY: Duration = Duration::from_secs(2);
    /// A packet's length until it is known, and the longest believed.
    const SPAN: Duration = Duration::from_millis(20);
    const LONGEST: Duration = Duration::from_millis(120);

    /// A stream of this SSRC; all three numbers are random (RFC 3550 section 5.1). `clock` is the
    /// codec's, in Hz.
    pub fn new(ssrc: u32, sequence: u16, timestamp: u32, clock: u32) -> Self {
        let latest = (Instant::START, timestamp);
        Self { ssrc, clock, sequence, end: timestamp, anchor: None, latest, source: None }
    }

    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// The codec changed to one of another clock: time stamps go on in the new unit.
    pub fn set_clock(&mut self, clock: u32) {
        if self.clock != clock {
            self.clock = clock;
            self.anchor = self.anchor.map(|_| self.latest);
            self.source = None;
        }
    }

    /// Numbers a voice packet of our own, `span` units long.
    pub fn frame(&mut self, payload_type: u8, span: u32, now: Instant) -> Stamp {
        let (timestamp, gap) = self.next(now);
        let marker = gap || self.source.is_some();
        self.source = None;
        self.end = timestamp.wrapping_add(span);
        self.send(Stamp { marker, payload_type, timestamp, ..Stamp::default() }, now)
    }

    /// Where in the stream a key press that begins now lies.
    pub fn position(&self, now: Instant) -> u32 {
        self.next(now).0
    }

    /// Numbers a packet of a key press. All packets of one press keep its time stamp.
    pub fn key(&mut self, key: &KeyPacket, payload_type: u8, now: Instant) -> Stamp {
        self.source = None;
        self.anchor.get_or_insert((now, key.timestamp));
        self.end = key.timestamp.wrapping_add(u32::from(key.event.duration));
        let (marker, timestamp) = (key.marker, key.timestamp);
        let latest = self.latest;
        let stamp = self.send(Stamp { marker, payload_type, timestamp, ..Stamp::default() }, now);
        if !marker {
            // A later report of the same press is not where the stream is now.
            self.latest = latest;
        }
        stamp
    }

    /// Renumbers a packet of another leg. `None` if it must not be sent: a duplicate, or one from
    /// before the source was last switched to, whose number has been given away.
    pub fn relay(&mut self, it: &Stamp, payload_type: u8, now: Instant) -> Option<Stamp> {
        let clock = self.clock;
        let Some(source) = self.source.as_mut().filter(|from| from.has(it, now, clock)) else {
            return Some(self.turn_to(it, payload_type, now));
        };
        let newer = ahead(it.sequence, source.newest);
        if newer == 0 || ahead(it.sequence, source.first) < 0 {
            return None;
        }
        let sequence = it.sequence.wrapping_add(source.sequence);
        let timestamp = it.timestamp.wrapping_add(source.timestamp);
        let stamp = Stamp { marker: it.marker, payload_type, sequence, timestamp, ssrc: self.ssrc };
        if 0 < newer {
            source.advance(it, newer == 1, now, clock);
            self.end = source.front.wrapping_add(source.timestamp).wrapping_add(source.span);
            self.sequence = sequence.wrapping_add(1);
            self.latest = (now, timestamp);
        }
        Some(stamp)
    }

    /// A packet of the relayed source is deliberately not passed on (a key that is ours): its
    /// sequence number is not left out, so that nothing looks lost.
    pub fn swallow(&mut self, it: &Stamp, now: Instant) {
        let clock = self.clock;
        let Some(source) = self.source.as_mut().filter(|from| from.has(it, now, clock)) else {
            return;
        };
        let newer = ahead(it.sequence, source.newest);
        if 0 < newer {
            source.advance(it, false, now, clock);
            source.sequence = source.sequence.wrapping_sub(1);
            source.first = it.sequence.wrapping_add(1);
        }
    }

    /// The time stamp that belongs to `now`, for sender reports (RFC 3550 section 6.4.1).
    pub fn timestamp_at(&self, now: Instant) -> u32 {
        let (at, timestamp) = self.latest;
        match self.anchor {
            Some(_) => timestamp.wrapping_add(self.elapsed(at, now)),
            None => timestamp,
        }
    }

    /// Begins to relay a source, or begins anew because its numbers jumped.
    fn turn_to(&mut self, it: &Stamp, payload_type: u8, now: Instant) -> Stamp {
        let (timestamp, _) = self.next(now);
        let span = units(Self::SPAN.as_micros() as u64, self.clock);
        self.end = timestamp.wrapping_add(span);
        self.source = Some(Relayed {
            ssrc: it.ssrc,
            sequence: self.sequence.wrapping_sub(it.sequence),
            timestamp: timestamp.wrapping_sub(it.timestamp),
            first: it.sequence,
            newest: it.sequence,
            front: it.timestamp,
            at: now,
            span,
        });
        self.send(Stamp { marker: true, payload_type, timestamp, ..Stamp::default() }, now)
    }

    /// Where the next sound of our own lies, and whether silence lies before it.
    fn next(&self, now: Instant) -> (u32, bool) {
        let Some((at, timestamp)) = self.anchor else { return (self.end, true) };
        let clock = timestamp.wrapping_add(self.elapsed(at, now));
        let late = units(Self::LATE.as_micros() as u64, self.clock);
        if (clock.wrapping_sub(self.end) as i32) <= late as i32 {
            (self.end, false)
        } else {
            (clock, true)
        }
    }

    fn send(&mut self, stamp: Stamp, now: Instant) -> Stamp {
        self.anchor.get_or_insert((now, stamp.timestamp));
        self.latest = (now, stamp.timestamp);
        let stamp = Stamp { sequence: self.sequence, ssrc: self.ssrc, ..stamp };
        self.sequence = self.sequence.wrapping_add(1);
        stamp
    }

    fn elapsed(&self, since: Instant, now: Instant) -> u32 {
        units(now.since(since).as_micros() as u64, self.clock)
    }
}

impl Relayed {
    /// The packet carries on this source's numbers.
    fn has(&self, it: &Stamp, now: Instant, clock: u32) -> bool {
        let newer = ahead(it.sequence, self.newest);
        let moved = i64::from(it.timestamp.wrapping_sub(self.front) as i32);
        let elapsed = i64::from(units(now.since(self.at).as_micros() as u64, clock));
        let astray = i64::from(clock) * Continuity::ASTRAY.as_secs() as i64;
        self.ssrc == it.ssrc
            && (Continuity::BEHIND..=Continuity::AHEAD).contains(&newer)
            && (-astray..=elapsed + astray).contains(&moved)
    }

    fn advance(&mut self, it: &Stamp, next: bool, now: Instant, clock: u32) {
        self.newest = it.sequence;
        // The numbers wrap: `first` follows so that it stays less than half a turn behind.
        if -Continuity::BEHIND < ahead(self.newest, self.first) {
            self.first = self.newest.wrapping_add(Continuity::BEHIND as u16);
        }
        let moved = it.timestamp.wrapping_sub(self.front);
        if 0 < moved as i32 {
            if next && moved <= units(Continuity::LONGEST.as_micros() as u64, clock) {
                self.span = moved;
            }
            self.front = it.timestamp;
            self.at = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::KeySender;
    use super::*;
    use proptest::prelude::*;

    const SSRC: u32 = 0xfeed;

    fn stream() -> Continuity {
        Continuity::new(SSRC, 0xfff0, u32::MAX - 300, 8000)
    }

    fn at(milliseconds: u64) -> Instant {
        Instant::from_micros(1_000_000 + milliseconds * 1000)
    }

    fn voice(ssrc: u32, sequence: u16, timestamp: u32) -> Stamp {
        Stamp { marker: false, payload_type: 0, sequence, timestamp, ssrc }
    }

    /// Steps from one packet to the next: sequence, and time stamp in milliseconds at 8 kHz.
    fn steps(sent: &[Stamp]) -> Vec<(u16, f64)> {
        sent.windows(2)
            .map(|it| {
                let moved = it[1].timestamp.wrapping_sub(it[0].timestamp) as i32;
                (it[1].sequence.wrapping_sub(it[0].sequence), f64::from(moved) / 8.0)
            })
            .collect()
    }

    #[test]
    fn the_far_end_sees_one_stream_though_the_source_changes() {
        let mut stream = stream();
        let mut sent = Vec::new();
        for n in 0..3 {
            sent.push(stream.frame(0, 160, at(n * 20)));
        }
        for n in 0..3u16 {
            let it = voice(7, 500 + n, 90_000 + u32::from(n) * 160);
            sent.extend(stream.relay(&it, 0, at(60 + u64::from(n) * 20)));
        }
        for n in 0..3u16 {
            let it = voice(8, 9, 5_000 + u32::from(n) * 160);
            let it = Stamp { sequence: it.sequence + n, ..it };
            sent.extend(stream.relay(&it, 0, at(120 + u64::from(n) * 20)));
        }
        sent.push(stream.frame(0, 160, at(180)));
        assert_eq!(steps(&sent), vec![(1, 20.0); 9]);
        assert!(sent.iter().all(|it| it.ssrc == SSRC));
        let markers: Vec<_> = sent.iter().map(|it| it.marker).collect();
        assert_eq!(markers, [true, false, false, true, false, false, true, false, false, true]);
    }

    #[test]
    fn silence_passes_in_the_time_stamp_and_the_next_packet_is_marked() {
        let mut stream = stream();
        let first = stream.frame(0, 160, at(0));
        let second = stream.frame(0, 160, at(1020));
        assert_eq!(steps(&[first, second]), [(1, 1020.0)]);
        assert!(second.marker);
    }

    #[test]
    fn a_late_wake_up_is_no_gap() {
        let mut stream = stream();
        let sent: Vec<_> = [0, 20, 47, 60, 91, 100].map(|ms| stream.frame(0, 160, at(ms))).into();
        assert_eq!(steps(&sent), vec![(1, 20.0); 5]);
    }

    #[test]
    fn a_source_whose_numbers_jump_is_followed_without_a_jump() {
        for (why, jumped) in [
            ("another SSRC", voice(8, 102, 320)),
            ("sequence far ahead", voice(7, 40_000, 320)),
            ("sequence far back", voice(7, 65_000, 320)),
            ("time stamp far ahead", voice(7, 102, 5_000_000)),
            ("time stamp far back", voice(7, 102, 0u32.wrapping_sub(5_000_000))),
        ] {
            let mut stream = stream();
            let sent: Vec<_> = [voice(7, 100, 0), voice(7, 101, 160), jumped]
                .iter()
                .zip([0, 20, 40])
                .filter_map(|(it, ms)| stream.relay(it, 0, at(ms)))
                .collect();
            assert_eq!(steps(&sent), [(1, 20.0), (1, 20.0)], "{why}");
            assert!(sent[2].marker, "{why}");
        }
    }

    #[test]
    fn a_loss_stays_visible_and_a_late_packet_stays_late() {
        let mut stream = stream();
        let mut relay = |n: u16, ms| stream.relay(&voice(7, n, u32::from(n) * 160), 0, at(ms));
        let first = relay(10, 0).unwrap();
        let third = relay(12, 40).unwrap();
        let second = relay(11, 41).unwrap();
        assert_eq!(steps(&[first, third]), [(2, 40.0)]);
        assert_eq!(steps(&[first, second]), [(1, 20.0)]);
        assert_eq!(relay(12, 42), None, "a duplicate");
        let fourth = relay(13, 60).unwrap();
        assert_eq!(steps(&[third, fourth]), [(1, 20.0)]);
    }

    #[test]
    fn no_number_is_given_twice_when_a_packet_from_before_a_switch_comes_late() {
        let mut stream = stream();
        let mut sent = Vec::new();
        sent.extend(stream.relay(&voice(7, 10, 1600), 0, at(0)));
        sent.extend(stream.relay(&voice(7, 12, 1920), 0, at(40)));
        sent.push(stream.frame(0, 160, at(60)));
        sent.extend(stream.relay(&voice(7, 13, 2080), 0, at(80)));
        assert_eq!(stream.relay(&voice(7, 11, 1760), 0, at(81)), None);
        assert_eq!(steps(&sent), [(2, 40.0), (1, 20.0), (1, 20.0)]);
    }

    #[test]
    fn swallowed_packets_leave_no_hole() {
        let mut stream = stream();
        let first = stream.relay(&voice(7, 10, 1600), 0, at(0)).unwrap();
        for n in 0..7 {
            stream.swallow(&voice(7, 11 + n, 1760), at(20 + u64::from(n) * 20));
        }
        let next = stream.relay(&voice(7, 18, 2880), 0, at(160)).unwrap();
        assert_eq!(steps(&[first, next]), [(1, 160.0)]);
    }

    #[test]
    fn a_key_keeps_its_time_stamp_and_the_voice_after_it_goes_on_by_the_clock() {
        let mut stream = stream();
        let before = stream.frame(0, 160, at(0));
        let begin = stream.position(at(20));
        let key = KeySender::press(5, 8000, begin, Duration::from_millis(100));
        let keys: Vec<_> = key.zip(1..).map(|(it, n)| stream.key(&it, 101, at(n * 20))).collect();
        assert_eq!(steps(&[before, keys[0]]), [(1, 20.0)]);
        assert_eq!(steps(&keys), vec![(1, 0.0); 6]);
        let after = stream.frame(0, 160, at(260));
        assert_eq!(steps(&[keys[6], after]), [(1, 240.0)]);
        assert!(keys[0].marker && after.marker);
        assert_eq!((keys[0].payload_type, after.payload_type), (101, 0));
    }

    #[test]
    fn a_long_key_of_the_source_is_no_jump() {
        let mut stream = stream();
        let mut sent = vec![stream.relay(&voice(7, 1, 0), 0, at(0)).unwrap()];
        for n in 1..=250u16 {
            let it = Stamp { payload_type: 101, ..voice(7, 1 + n, 160) };
            sent.extend(stream.relay(&it, 96, at(u64::from(n) * 20)));
        }
        sent.extend(stream.relay(&voice(7, 252, 160 * 251), 0, at(251 * 20)));
        let steps = steps(&sent);
        assert_eq!(steps[0], (1, 20.0));
        assert!(steps[1..250].iter().all(|it| *it == (1, 0.0)));
        assert_eq!(steps[250], (1, 5000.0));
        assert!(!sent[251].marker);
    }

    #[test]
    fn a_stream_relayed_for_hours_never_loses_its_thread() {
        let mut stream = stream();
        let mut before = stream.relay(&voice(7, 0, 0), 0, at(0)).unwrap();
        for n in 1..200_000u32 {
            let it = voice(7, n as u16, n * 160);
            let sent = stream.relay(&it, 0, at(u64::from(n) * 20)).unwrap();
            assert_eq!(steps(&[before, sent]), [(1, 20.0)]);
            assert!(!sent.marker);
            before = sent;
        }
    }

    #[test]
    fn a_change_of_clock_goes_on_in_the_new_unit() {
        let mut stream = stream();
        let first = stream.frame(0, 160, at(0));
        stream.set_clock(48_000);
        let second = stream.frame(96, 960, at(1000));
        assert_eq!(second.timestamp.wrapping_sub(first.timestamp), 48_000);
    }

    #[test]
    fn a_sender_report_maps_now_to_the_stream() {
        let mut stream = stream();
        let sent = stream.frame(0, 160, at(0));
        assert_eq!(stream.timestamp_at(at(7)), sent.timestamp.wrapping_add(56));
    }

    proptest! {
        #[test]
        fn our_numbers_never_repeat_and_never_jump_back(
            feed in proptest::collection::vec(
                (0u8..4, any::<u16>(), any::<u32>(), 0u64..60), 1..200),
        ) {
            let mut stream = stream();
            let mut now = 0;
            let mut newest: Option<Stamp> = None;
            let mut numbers = std::collections::BTreeSet::new();
            for (what, sequence, timestamp, later) in feed {
                now += later;
                let sent = match what {
                    0 => Some(stream.frame(0, 160, at(now))),
                    ssrc => stream.relay(
                        &voice(u32::from(ssrc), sequence % 300, timestamp % 40_000), 0, at(now)),
                };
                let Some(sent) = sent else { continue };
                prop_assert_eq!(sent.ssrc, SSRC);
                if let Some(before) = newest {
                    let step = ahead(sent.sequence, before.sequence);
                    prop_assert!((-100..=1000).contains(&step));
                    // Time goes back only where the source's own does.
                    let moved = sent.timestamp.wrapping_sub(before.timestamp) as i32;
                    prop_assert!(-48_000 < moved);
                    if 0 < step { newest = Some(sent); }
                    if what == 0 { prop_assert!(step == 1); }
                } else {
                    newest = Some(sent);
                }
                if what == 0 {
                    prop_assert!(numbers.insert(sent.sequence));
                } else {
                    numbers.insert(sent.sequence);
                }
            }
        }
    }
}
