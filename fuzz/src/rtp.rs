//! Packets of arbitrary octets into everything that looks at one: the header, reception, keys and
//! the outgoing stream.

use std::time::Duration;

use crosspoint::clock::Instant;
use crosspoint::rtp::{Continuity, Event, Header, KeyReceiver, Kind, Reception, kind};

/// The payload type of packets that are not passed on.
const OURS: u8 = 127;

struct Leg {
    now: Instant,
    reception: Reception,
    keys: KeyReceiver,
    stream: Continuity,
}

/// All octets as one packet; then as packets, each preceded by its length and its delay.
pub fn rtp(data: &[u8]) {
    let mut leg = Leg {
        now: Instant::START,
        reception: Reception::new(8000),
        keys: KeyReceiver::default(),
        stream: Continuity::new(1, 0, 0, 8000),
    };
    leg.hear(data);
    let mut feed = data;
    while let [length, delay, rest @ ..] = feed {
        let (packet, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        feed = rest;
        leg.now += Duration::from_millis(u64::from(*delay));
        leg.hear(packet);
    }
}

impl Leg {
    fn hear(&mut self, packet: &[u8]) {
        let Some(header) = Header::read(packet).filter(|_| kind(packet) == Kind::Rtp) else {
            self.stream.frame(0, 160, self.now);
            return;
        };
        let payload = &packet[header.payload()];
        let voice = header.stamp.payload_type < 96;
        self.reception.receive(&header.stamp, voice, self.now);
        if let Some(event) = Event::read(payload) {
            assert_eq!(event.payload()[0], payload[0]);
            self.keys.receive(&header.stamp, event, self.now);
        }
        if header.stamp.payload_type == OURS {
            self.stream.swallow(&header.stamp, self.now);
        } else if let Some(stamp) = self.stream.relay(&header.stamp, 0, self.now) {
            let mut copy = packet.to_vec();
            assert!(stamp.rewrite(&mut copy));
            let sent = Header::read(&copy).unwrap();
            assert_eq!((sent.stamp, &copy[sent.payload()]), (stamp, payload));
            assert_eq!(stamp.ssrc, self.stream.ssrc());
        }
        self.reception.report(self.now);
    }
}
