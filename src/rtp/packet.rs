//! One RTP packet's header, read and rewritten where it lies (RFC 3550 section 5.1), and what kind
//! of packet a datagram on a media port is (RFC 5761 section 4, RFC 7983 section 7).
//!
//! Reading and checking is rtp-rs's `RtpReader` (version, CSRC list, extension, padding). Writing is
//! ours: rtp-rs has no in-place rewrite, and its builder is for tests.

use std::ops::Range;

use rtp_rs::RtpReader;

/// Octets of the fixed header, before any CSRC, extension or payload.
pub const HEADER: usize = 12;

/// What a datagram on a media port is, by its first two octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Rtp,
    Rtcp,
    Stun,
    Dtls,
    /// Nothing we know; keep-alives of odd phones end here.
    Noise,
}

/// Tells RTP, RTCP, STUN and DTLS apart (RFC 7983 section 7, RFC 5761 section 4).
pub fn kind(datagram: &[u8]) -> Kind {
    match *datagram {
        [128..=191, 192..=223, ..] => Kind::Rtcp,
        [128..=191, _, ..] if HEADER <= datagram.len() => Kind::Rtp,
        [0..=3, _, ..] => Kind::Stun,
        [20..=63, _, ..] => Kind::Dtls,
        _ => Kind::Noise,
    }
}

/// The fields of a header that differ from packet to packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp {
    pub marker: bool,
    /// 0-127; the eighth bit is dropped when written.
    pub payload_type: u8,
    pub sequence: u16,
    /// In units of the payload type's clock.
    pub timestamp: u32,
    pub ssrc: u32,
}

impl Stamp {
    /// Overwrites these fields of the packet at the start of `packet`; version, padding, extension
    /// and CSRC count stay. Does nothing and says `false` if it is shorter than a header.
    pub fn rewrite(&self, packet: &mut [u8]) -> bool {
        let Some(fixed) = packet.first_chunk_mut::<HEADER>() else { return false };
        fixed[1] = u8::from(self.marker) << 7 | self.payload_type & 0x7f;
        fixed[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        fixed[4..8].copy_from_slice(&self.timestamp.to_be_bytes());
        fixed[8..12].copy_from_slice(&self.ssrc.to_be_bytes());
        true
    }

    /// Writes a bare header (no CSRC, extension or padding) and `payload` into `buffer`. Returns
    /// the octets written, or `None` if they do not fit.
    pub fn write(&self, payload: &[u8], buffer: &mut [u8]) -> Option<usize> {
        let length = HEADER + payload.len();
        let packet = buffer.get_mut(..length)?;
        packet[0] = 0x80;
        packet[HEADER..].copy_from_slice(payload);
        self.rewrite(packet);
        Some(length)
    }
}

/// A header that was checked, and where the payload lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub stamp: Stamp,
    payload: Range<usize>,
}

impl Header {
    /// Reads a packet; `None` if it is not well-formed RTP (version, truncated CSRC list or
    /// extension, padding longer than the payload).
    pub fn read(packet: &[u8]) -> Option<Self> {
        let reader = RtpReader::new(packet).ok()?;
        let stamp = Stamp {
            marker: reader.mark(),
            payload_type: reader.payload_type(),
            sequence: u16::from(reader.sequence_number()),
            timestamp: reader.timestamp(),
            ssrc: reader.ssrc(),
        };
        let start = reader.payload_offset();
        Some(Self { stamp, payload: start..start + reader.payload().len() })
    }

    /// Where the payload lies in the packet this was read from, without padding.
    pub fn payload(&self) -> Range<usize> {
        self.payload.clone()
    }
}

/// How far sequence number `it` is ahead of `other`, wrapping: 1 for the next one, negative for an
/// earlier one.
pub fn ahead(it: u16, other: u16) -> i16 {
    it.wrapping_sub(other) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rtp_rs::{Pad, RtpPacketBuilder, Seq};

    fn stamp() -> Stamp {
        Stamp {
            marker: true,
            payload_type: 101,
            sequence: 0xfffe,
            timestamp: 0xdead_beef,
            ssrc: 0x1234_5678,
        }
    }

    #[test]
    fn a_written_packet_reads_back_with_another_reader() {
        let mut buffer = [0; 64];
        let length = stamp().write(b"voice", &mut buffer).unwrap();
        let reader = RtpReader::new(&buffer[..length]).unwrap();
        assert_eq!(u16::from(reader.sequence_number()), 0xfffe);
        assert_eq!((reader.timestamp(), reader.ssrc()), (0xdead_beef, 0x1234_5678));
        assert_eq!((reader.mark(), reader.payload_type()), (true, 101));
        assert_eq!(reader.payload(), b"voice");
        let header = Header::read(&buffer[..length]).unwrap();
        assert_eq!((header.stamp, &buffer[header.payload()]), (stamp(), &b"voice"[..]));
    }

    #[test]
    fn a_rewrite_leaves_csrc_extension_payload_and_padding_alone() {
        let packet = RtpPacketBuilder::new()
            .payload_type(8)
            .sequence(Seq::from(7))
            .timestamp(160)
            .ssrc(99)
            .add_csrc(0xaaaa_aaaa)
            .add_csrc(0xbbbb_bbbb)
            .extension(0xbede, &[0x10, 0xff, 0, 0])
            .padded(Pad::round_to(4))
            .payload(b"voice")
            .build()
            .unwrap();
        let mut changed = packet.clone();
        assert!(stamp().rewrite(&mut changed));
        assert_eq!(changed[0], packet[0]);
        assert_eq!(changed[HEADER..], packet[HEADER..]);
        let header = Header::read(&changed).unwrap();
        assert_eq!((header.stamp, &changed[header.payload()]), (stamp(), &b"voice"[..]));
    }

    #[test]
    fn malformed_packets_are_refused() {
        for (why, packet) in [
            ("empty", &b""[..]),
            ("eleven octets", &[0x80; 11]),
            ("version 1", &[0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            ("a CSRC that is not there", &[0x81, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            ("an extension that is not there", &[0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            (
                "an extension longer than the packet",
                &[0x90, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xbe, 0xde, 0xff, 0xff],
            ),
            ("padding without an octet", &[0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            ("no padding at all", &[0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            ("padding into the header", &[0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 3]),
        ] {
            assert_eq!(Header::read(packet), None, "{why}");
        }
    }

    #[test]
    fn a_header_alone_and_padding_alone_are_packets_without_payload() {
        let alone = Header::read(&[0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap();
        assert_eq!(alone.payload(), 12..12);
        let padding = Header::read(&[0xa0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]).unwrap();
        assert_eq!(padding.payload(), 12..12);
    }

    #[test]
    fn a_buffer_that_is_too_small_is_left_alone() {
        let mut buffer = [7; 16];
        assert_eq!(stamp().write(b"voice", &mut buffer), None);
        assert!(!stamp().rewrite(&mut buffer[..11]));
        assert_eq!(buffer, [7; 16]);
    }

    #[test]
    fn datagrams_are_told_apart_by_their_first_octets() {
        let with = |first: u8, second: u8| {
            let mut datagram = [0; 20];
            datagram[..2].copy_from_slice(&[first, second]);
            kind(&datagram)
        };
        assert_eq!(with(0x80, 0), Kind::Rtp);
        assert_eq!(with(0x80, 0x80 | 101), Kind::Rtp);
        assert_eq!(with(0xbf, 191), Kind::Rtp);
        assert_eq!(with(0x80, 192), Kind::Rtcp);
        assert_eq!(with(0x81, 201), Kind::Rtcp);
        assert_eq!(with(0x80, 223), Kind::Rtcp);
        assert_eq!(with(0x80, 224), Kind::Rtp);
        assert_eq!(with(0x00, 1), Kind::Stun);
        assert_eq!(with(22, 254), Kind::Dtls);
        assert_eq!(with(64, 0), Kind::Noise);
        assert_eq!(kind(b""), Kind::Noise);
        assert_eq!(kind(&[0x80]), Kind::Noise);
        assert_eq!(kind(&[0x80, 0, 0]), Kind::Noise);
    }

    #[test]
    fn sequence_numbers_wrap() {
        assert_eq!(ahead(0, 0xffff), 1);
        assert_eq!(ahead(0xffff, 0), -1);
        assert_eq!(ahead(5, 5), 0);
    }

    proptest! {
        #[test]
        fn whatever_reads_can_be_rewritten_and_keeps_its_payload(
            mut packet in proptest::collection::vec(any::<u8>(), 0..80),
            version in any::<bool>(),
        ) {
            if let (true, Some(first)) = (version, packet.first_mut()) {
                *first = *first & 0x3f | 0x80;
            }
            if let Some(header) = Header::read(&packet) {
                let payload = packet[header.payload()].to_vec();
                prop_assert!(stamp().rewrite(&mut packet));
                let again = Header::read(&packet).unwrap();
                prop_assert_eq!(again.stamp, stamp());
                prop_assert_eq!(&packet[again.payload()], &payload[..]);
            }
        }
    }
}
