//! A feed of packets of arbitrary octets into everything that looks at one: the header, reception,
//! keys and the outgoing stream. Each packet is preceded by its length and its delay.

use std::time::Duration;

use crosspoint::clock::Instant;
use crosspoint::rtp::{Continuity, Event, Header, KeyReceiver, Kind, Reception, kind};

/// Reads octets as packets with their times.
pub fn rtp(data: &[u8]) {
    let mut now = Instant::START;
    let mut reception = Reception::new(8000);
    let mut keys = KeyReceiver::default();
    let mut stream = Continuity::new(1, 0, 0, 8000);
    let mut buffer = [0; 255];
    let mut feed = data;
    while let [length, delay, rest @ ..] = feed {
        let (packet, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        feed = rest;
        now += Duration::from_millis(u64::from(*delay));
        let Some(header) = Header::read(packet).filter(|_| kind(packet) == Kind::Rtp) else {
            stream.frame(0, 160, now);
            continue;
        };
        let payload = &packet[header.payload()];
        reception.receive(&header.stamp, header.stamp.payload_type < 96, now);
        if let Some(event) = Event::read(payload) {
            assert_eq!(event.payload()[0], payload[0]);
            keys.receive(&header.stamp, event, now);
        }
        if header.stamp.payload_type == 127 {
            stream.swallow(&header.stamp, now);
        } else if let Some(stamp) = stream.relay(&header.stamp, 0, now) {
            let copy = &mut buffer[..packet.len()];
            copy.copy_from_slice(packet);
            assert!(stamp.rewrite(copy));
            let sent = Header::read(copy).unwrap();
            assert_eq!((sent.stamp, &copy[sent.payload()]), (stamp, payload));
            assert_eq!(stamp.ssrc, 1);
        }
        reception.report(now);
    }
}
