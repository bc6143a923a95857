//! Compound packets of arbitrary octets; what is understood can be written and read again.

use crosspoint::rtp::Ntp;
use crosspoint::rtp::rtcp::{Packet, Report, read};

/// Reads octets as one compound packet.
pub fn rtcp(data: &[u8]) {
    let mut buffer = [0; 512];
    for packet in read(data) {
        let (ssrc, sender, blocks) = match packet {
            Packet::SenderReport { ssrc, sender, blocks } => (ssrc, Some(sender), blocks),
            Packet::ReceiverReport { ssrc, blocks } => (ssrc, None, blocks),
            Packet::Cname { name, .. } => {
                assert!(name.len() < 256);
                continue;
            }
            Packet::Goodbye { .. } | Packet::Other(_) => continue,
        };
        for block in blocks.iter() {
            let _ = block.round_trip(Ntp(u64::from(ssrc) << 16));
            let report = Report { ssrc, sender, block: Some(block), cname: b"c", bye: true };
            let length = report.write(&mut buffer).unwrap();
            let again = read(&buffer[..length]).next();
            let Some(Packet::SenderReport { blocks, .. } | Packet::ReceiverReport { blocks, .. }) =
                again
            else {
                panic!("{again:?}")
            };
            assert!(blocks.iter().eq([block]));
        }
    }
}
