//! Hears key presses in telephone events (RFC 4733 section 2.5.2), each one once.
//!
//! A press is known by its time stamp, not by the marker, which may be lost or never set. It is
//! told on the first packet of it that arrives, whichever that is: so it is told when only end
//! packets arrive, and when none does. Which payload type carries events is the session's to know,
//! and which codes are keys is the keypad's.

use std::time::Duration;

use super::{Event, Stamp};
use crate::clock::Instant;

/// What the far end's keypad is doing.
#[derive(Clone, Debug, Default)]
pub struct KeyReceiver {
    press: Option<Press>,
    /// Time stamps of presses that are over, latest first: their end packets may still come.
    over: [Option<(u32, u32)>; 4],
}

#[derive(Clone, Debug)]
struct Press {
    ssrc: u32,
    timestamp: u32,
    code: u8,
    duration: u16,
    ended: bool,
    /// When the latest packet of it arrived.
    heard: Instant,
}

impl KeyReceiver {
    /// A press no packet of which has come for this long is over, end packet or not.
    pub const SILENCE: Duration = Duration::from_millis(200);

    /// Takes an event packet. Returns the event code if this is the first packet of a press.
    pub fn receive(&mut self, stamp: &Stamp, event: Event, now: Instant) -> Option<u8> {
        let name = (stamp.ssrc, stamp.timestamp);
        if let Some(press) = &mut self.press {
            if press.is(name) {
                press.hear(stamp, event, now);
                return None;
            }
            if press.goes_on_as(stamp, event, now) {
                let before = (press.ssrc, press.timestamp);
                press.hear(stamp, event, now);
                self.remember(before);
                return None;
            }
        }
        if self.over.contains(&Some(name)) {
            return None;
        }
        if let Some(press) = self.press.take() {
            self.remember((press.ssrc, press.timestamp));
        }
        self.press = Some(Press {
            ssrc: stamp.ssrc,
            timestamp: stamp.timestamp,
            code: event.code,
            duration: event.duration,
            ended: event.end,
            heard: now,
        });
        Some(event.code)
    }

    /// A key is down as far as we know at `now`: no end packet has come, and packets still do.
    pub fn is_down(&self, now: Instant) -> bool {
        self.press.as_ref().is_some_and(|it| !it.ended && now.since(it.heard) < Self::SILENCE)
    }

    fn remember(&mut self, name: (u32, u32)) {
        self.over.rotate_right(1);
        self.over[0] = Some(name);
    }
}

impl Press {
    fn is(&self, (ssrc, timestamp): (u32, u32)) -> bool {
        self.ssrc == ssrc && self.timestamp == timestamp
    }

    fn hear(&mut self, stamp: &Stamp, event: Event, now: Instant) {
        self.timestamp = stamp.timestamp;
        self.duration = event.duration;
        self.ended |= event.end;
        self.heard = now;
    }

    /// A packet with another time stamp belongs to this press all the same: a further segment of a
    /// long one (RFC 4733 section 2.5.2.3), or a sender that moves the time stamp in each packet.
    fn goes_on_as(&self, stamp: &Stamp, event: Event, now: Instant) -> bool {
        if self.ended
            || stamp.marker
            || self.ssrc != stamp.ssrc
            || self.code != event.code
            || KeyReceiver::SILENCE <= now.since(self.heard)
        {
            return false;
        }
        let moved = stamp.timestamp.wrapping_sub(self.timestamp);
        let segment = 0x8000 < self.duration && (0x8000..=0x1_0000).contains(&moved);
        let moving = 0 < moved && moved < 0x8000 && self.duration < event.duration;
        segment || moving
    }
}

#[cfg(test)]
mod tests {
    use super::super::KeySender;
    use super::*;

    fn at(milliseconds: u64) -> Instant {
        Instant::from_micros(milliseconds * 1000)
    }

    /// The packets of presses of 100 ms, 200 ms apart, with the moment each arrives.
    fn presses(codes: &[u8]) -> Vec<(Stamp, Event, Instant)> {
        let mut packets = Vec::new();
        for (n, code) in codes.iter().enumerate() {
            let begin = n as u64 * 200;
            let key = KeySender::press(*code, 8000, begin as u32 * 8, Duration::from_millis(100));
            for (tick, it) in key.enumerate() {
                let stamp = Stamp {
                    marker: it.marker,
                    payload_type: 101,
                    sequence: packets.len() as u16,
                    timestamp: it.timestamp,
                    ssrc: 1,
                };
                packets.push((stamp, it.event, at(begin + tick as u64 * 20)));
            }
        }
        packets
    }

    fn heard(packets: impl IntoIterator<Item = (Stamp, Event, Instant)>) -> Vec<u8> {
        let mut receiver = KeyReceiver::default();
        packets
            .into_iter()
            .filter_map(|(stamp, event, now)| receiver.receive(&stamp, event, now))
            .collect()
    }

    #[test]
    fn each_press_is_told_once() {
        assert_eq!(heard(presses(&[3, 1, 1, 11])), [3, 1, 1, 11]);
    }

    #[test]
    fn a_press_is_told_though_the_first_packets_are_lost() {
        let packets = presses(&[3, 3]).into_iter().filter(|it| 480 <= it.1.duration);
        assert_eq!(heard(packets), [3, 3]);
    }

    #[test]
    fn a_press_is_told_though_only_one_end_packet_arrives() {
        assert_eq!(heard(presses(&[7]).split_off(6)), [7]);
    }

    #[test]
    fn presses_are_told_though_no_end_packet_arrives() {
        let packets = presses(&[7, 7, 7]).into_iter().filter(|it| !it.1.end);
        assert_eq!(heard(packets), [7, 7, 7]);
    }

    #[test]
    fn whichever_single_packet_survives_the_press_is_told_once() {
        for survivor in 0..7 {
            assert_eq!(heard(presses(&[9]).into_iter().skip(survivor).take(1)), [9], "{survivor}");
        }
    }

    #[test]
    fn duplicates_and_late_end_packets_are_not_told_again() {
        let packets = presses(&[1, 2, 3]);
        let twice = packets.iter().flat_map(|it| [*it, *it]);
        assert_eq!(heard(twice), [1, 2, 3]);
        let mut late = packets.clone();
        let end = late.remove(6);
        late.push(end);
        assert_eq!(heard(late), [1, 2, 3]);
    }

    #[test]
    fn markers_do_not_matter() {
        let without = presses(&[4, 4]).into_iter().map(|(mut stamp, event, now)| {
            stamp.marker = false;
            (stamp, event, now)
        });
        assert_eq!(heard(without), [4, 4]);
    }

    #[test]
    fn a_long_press_in_segments_is_one_press() {
        let key = KeySender::press(8, 8000, 0, Duration::from_secs(20));
        let packets: Vec<_> = key
            .enumerate()
            .map(|(tick, it)| {
                let stamp =
                    Stamp { marker: it.marker, timestamp: it.timestamp, ..Stamp::default() };
                (stamp, it.event, at(tick as u64 * 20))
            })
            .collect();
        assert!(
            2 < packets
                .iter()
                .map(|it| it.0.timestamp)
                .collect::<std::collections::BTreeSet<_>>()
                .len()
        );
        assert_eq!(heard(packets.clone()), [8]);
        // Also when the last packets of the first segment are lost.
        let lossy = packets.into_iter().filter(|it| it.1.duration < 65_000);
        assert_eq!(heard(lossy), [8]);
    }

    #[test]
    fn a_sender_that_moves_the_time_stamp_presses_once() {
        let moving = presses(&[6]).into_iter().enumerate().map(|(n, (mut stamp, event, now))| {
            stamp.timestamp += n as u32 * 160;
            (stamp, event, now)
        });
        assert_eq!(heard(moving.take(5)), [6]);
    }

    #[test]
    fn another_stream_with_the_same_time_stamp_is_another_press() {
        let mut packets = presses(&[5]);
        let mut other = presses(&[5]);
        other.iter_mut().for_each(|it| it.0.ssrc = 2);
        packets.append(&mut other);
        assert_eq!(heard(packets), [5, 5]);
    }

    #[test]
    fn a_key_is_down_until_its_end_packet_or_silence() {
        let packets = presses(&[5]);
        let mut receiver = KeyReceiver::default();
        assert!(!receiver.is_down(at(0)));
        for (stamp, event, now) in &packets[..4] {
            receiver.receive(stamp, *event, *now);
        }
        assert!(receiver.is_down(at(100)));
        assert!(!receiver.is_down(at(60) + KeyReceiver::SILENCE));
        receiver.receive(&packets[4].0, packets[4].1, at(80));
        assert!(!receiver.is_down(at(80)));
    }
}
