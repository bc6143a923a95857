//! RTCP: sender and receiver reports, CNAME, BYE (RFC 3550 section 6), written into the caller's
//! buffer and read leniently.
//!
//! Reading takes what is well-formed from the front of a compound packet: packets of other types
//! (feedback, XR, APP) are stepped over, reduced-size packets (RFC 5506) are welcome, and what
//! follows a broken length is left alone. When to report, and to whom, is the session's.

use std::time::Duration;

use crate::clock::Wall;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;
/// Octets of a report block.
const BLOCK: usize = 24;
/// Octets of a text in SDES or BYE, at most: its length is one octet.
const TEXT: usize = 255;

/// A date as RTP writes it: seconds since 1900 in the upper half, fractions in the lower.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ntp(pub u64);

/// What one report block says about a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// The stream it is about.
    pub ssrc: u32,
    /// Lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Lost in all; negative when more came than were expected. 24 bits on the wire.
    pub lost: i32,
    /// The highest sequence number, with its roll-overs in the upper half.
    pub highest: u32,
    /// In timestamp units.
    pub jitter: u32,
    /// The middle of the NTP time of the last sender report heard, 0 if none was.
    pub last_sr: u32,
    /// How long ago that was, in 1/65536 s.
    pub delay: u32,
}

/// What a sender report says about its sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sender {
    pub ntp: Ntp,
    /// The time stamp of that moment in the stream.
    pub timestamp: u32,
    pub packets: u32,
    /// Payload octets.
    pub octets: u32,
}

/// A compound packet of ours.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    pub ssrc: u32,
    /// If anything was sent since the last report.
    pub sender: Option<Sender>,
    /// If anything was ever received.
    pub block: Option<Block>,
    /// The same for the whole call; at most 255 octets are used.
    pub cname: &'a [u8],
    /// The leg is over.
    pub bye: bool,
}

/// One packet of a compound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    SenderReport {
        ssrc: u32,
        sender: Sender,
        blocks: Blocks<'a>,
    },
    ReceiverReport {
        ssrc: u32,
        blocks: Blocks<'a>,
    },
    /// The first chunk's canonical name.
    Cname {
        ssrc: u32,
        name: &'a [u8],
    },
    /// The first of the sources that leave.
    Goodbye {
        ssrc: u32,
    },
    /// Something else, or nothing of use: its packet type.
    Other(u8),
}

/// The report blocks of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks<'a>(&'a [u8]);

/// The packets of a compound, from [`read`].
#[derive(Clone, Debug)]
pub struct Packets<'a>(&'a [u8]);

/// Reads a datagram that [`super::kind`] called RTCP.
pub fn read(datagram: &[u8]) -> Packets<'_> {
    Packets(datagram)
}

impl Ntp {
    /// Seconds from 1900 to 1970.
    const ERA: i64 = 2_208_988_800;

    /// The middle 32 bits, as LSR has them (RFC 3550 section 6.4.1).
    pub fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

impl From<Wall> for Ntp {
    fn from(wall: Wall) -> Self {
        let seconds = wall.unix_seconds().wrapping_add(Self::ERA) as u32;
        let micros = wall.unix_micros().rem_euclid(1_000_000) as u64;
        Self((u64::from(seconds) << 32) | ((micros << 32) / 1_000_000))
    }
}

impl Block {
    /// The time to the far end and back, from its report about our stream that came at `now`
    /// (RFC 3550 section 6.4.1). `None` if it has heard no sender report of ours, or its
    /// arithmetic cannot be.
    pub fn round_trip(&self, now: Ntp) -> Option<Duration> {
        if self.last_sr == 0 {
            return None;
        }
        let units = now.middle().wrapping_sub(self.last_sr).wrapping_sub(self.delay);
        // Clocks tick between two readings: a little below zero is zero.
        match units as i32 {
            it if it < -(1 << 12) => None,
            it => Some(Duration::from_micros((it.max(0) as u64 * 1_000_000) >> 16)),
        }
    }

    fn read(octets: &[u8; BLOCK]) -> Self {
        let word = |n: usize| word(octets, n).unwrap_or_default();
        // Sign-extended from 24 bits.
        let lost = (word(1) << 8) as i32 >> 8;
        Self {
            ssrc: word(0),
            fraction_lost: octets[4],
            lost,
            highest: word(2),
            jitter: word(3),
            last_sr: word(4),
            delay: word(5),
        }
    }

    fn words(&self) -> [u32; 6] {
        let lost = self.lost.clamp(-0x80_0000, 0x7f_ffff) as u32 & 0xff_ffff;
        let loss = u32::from(self.fraction_lost) << 24 | lost;
        [self.ssrc, loss, self.highest, self.jitter, self.last_sr, self.delay]
    }
}

impl Report<'_> {
    /// Writes SR or RR, SDES and, at the end of a leg, BYE. Returns the octets written, or `None`
    /// if `buffer` is too small.
    pub fn write(&self, buffer: &mut [u8]) -> Option<usize> {
        let mut pen = Pen { buffer, written: 0 };
        let count = u8::from(self.block.is_some());
        let blocks = usize::from(count) * BLOCK / 4;
        match self.sender {
            Some(sender) => {
                pen.header(count, SENDER_REPORT, 6 + blocks)?;
                pen.words(&[
                    self.ssrc,
                    (sender.ntp.0 >> 32) as u32,
                    sender.ntp.0 as u32,
                    sender.timestamp,
                    sender.packets,
                    sender.octets,
                ])?;
            }
            None => {
                pen.header(count, RECEIVER_REPORT, 1 + blocks)?;
                pen.words(&[self.ssrc])?;
            }
        }
        if let Some(block) = &self.block {
            pen.words(&block.words())?;
        }
        self.describe(&mut pen)?;
        if self.bye {
            pen.header(1, GOODBYE, 1)?;
            pen.words(&[self.ssrc])?;
        }
        Some(pen.written)
    }

    /// One chunk with the CNAME, ended by one to four zeros (RFC 3550 section 6.5).
    fn describe(&self, pen: &mut Pen<'_>) -> Option<()> {
        let name = &self.cname[..self.cname.len().min(TEXT)];
        let zeros = 4 - (2 + name.len()) % 4;
        pen.header(1, DESCRIPTION, 1 + (2 + name.len() + zeros) / 4)?;
        pen.words(&[self.ssrc])?;
        pen.octets(&[1, name.len() as u8])?;
        pen.octets(name)?;
        pen.octets(&[0; 4][..zeros])
    }
}

struct Pen<'a> {
    buffer: &'a mut [u8],
    written: usize,
}

impl Pen<'_> {
    fn octets(&mut self, octets: &[u8]) -> Option<()> {
        let end = self.written + octets.len();
        self.buffer.get_mut(self.written..end)?.copy_from_slice(octets);
        self.written = end;
        Some(())
    }

    fn words(&mut self, words: &[u32]) -> Option<()> {
        words.iter().try_for_each(|it| self.octets(&it.to_be_bytes()))
    }

    /// `words` is what follows this header.
    fn header(&mut self, count: u8, kind: u8, words: usize) -> Option<()> {
        let [high, low] = (words as u16).to_be_bytes();
        self.octets(&[0x80 | count & 0x1f, kind, high, low])
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Packet<'a>;

    fn next(&mut self) -> Option<Packet<'a>> {
        let [first, kind, high, low] = *self.0.first_chunk::<4>()?;
        let length = 4 * (usize::from(u16::from_be_bytes([high, low])) + 1);
        let whole = self.0.get(..length).filter(|_| first >> 6 == 2);
        let Some(whole) = whole else {
            self.0 = &[];
            return None;
        };
        self.0 = &self.0[length..];
        let body = without_padding(first, &whole[4..]);
        Some(packet(kind, first & 0x1f, body).unwrap_or(Packet::Other(kind)))
    }
}

impl Blocks<'_> {
    pub fn iter(&self) -> impl Iterator<Item = Block> {
        self.0.chunks_exact(BLOCK).filter_map(|it| it.first_chunk()).map(Block::read)
    }
}

/// Padding may be on the last packet of a compound; impossible padding is none.
fn without_padding(first: u8, body: &[u8]) -> &[u8] {
    match body.last() {
        Some(padding) if first & 0x20 != 0 => {
            body.get(..body.len().wrapping_sub(usize::from(*padding))).unwrap_or(body)
        }
        _ => body,
    }
}

fn packet(kind: u8, count: u8, body: &[u8]) -> Option<Packet<'_>> {
    let ssrc = word(body, 0)?;
    match kind {
        SENDER_REPORT => {
            let sender = Sender {
                ntp: Ntp(u64::from(word(body, 1)?) << 32 | u64::from(word(body, 2)?)),
                timestamp: word(body, 3)?,
                packets: word(body, 4)?,
                octets: word(body, 5)?,
            };
            Some(Packet::SenderReport { ssrc, sender, blocks: blocks(count, body.get(24..)?) })
        }
        RECEIVER_REPORT => {
            Some(Packet::ReceiverReport { ssrc, blocks: blocks(count, body.get(4..)?) })
        }
        DESCRIPTION if 0 < count => Some(Packet::Cname { ssrc, name: cname(body.get(4..)?)? }),
        GOODBYE if 0 < count => Some(Packet::Goodbye { ssrc }),
        _ => None,
    }
}

/// As many blocks as are announced and there. What follows them is a profile's extension.
fn blocks(count: u8, body: &[u8]) -> Blocks<'_> {
    Blocks(&body[..body.len().min(usize::from(count) * BLOCK)])
}

/// The CNAME item of a chunk's items.
fn cname(mut items: &[u8]) -> Option<&[u8]> {
    while let [kind @ 1..=255, length, rest @ ..] = items {
        let length = usize::from(*length);
        let text = rest.get(..length)?;
        if *kind == 1 {
            return Some(text);
        }
        items = &rest[length..];
    }
    None
}

fn word(octets: &[u8], n: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*octets.get(4 * n..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BLOCK_SAID: Block = Block {
        ssrc: 0xaabb_ccdd,
        fraction_lost: 25,
        lost: -3,
        highest: 0x0001_0005,
        jitter: 40,
        last_sr: 0x3344_5566,
        delay: 0x1_8000,
    };
    const SENDER_SAID: Sender =
        Sender { ntp: Ntp(0xe000_0000_8000_0000), timestamp: 12_345, packets: 50, octets: 8000 };

    fn report() -> Report<'static> {
        Report {
            ssrc: 7,
            sender: Some(SENDER_SAID),
            block: Some(BLOCK_SAID),
            cname: b"a1b2c3",
            bye: false,
        }
    }

    fn written(report: &Report<'_>) -> Vec<u8> {
        let mut buffer = [0xff; 512];
        let length = report.write(&mut buffer).unwrap();
        assert_eq!(length % 4, 0);
        buffer[..length].to_vec()
    }

    #[test]
    fn a_sender_report_reads_back() {
        let datagram = written(&Report { bye: true, ..report() });
        let packets: Vec<_> = read(&datagram).collect();
        let [Packet::SenderReport { ssrc: 7, sender, blocks }, cname, bye] = packets[..] else {
            panic!("{packets:?}")
        };
        assert_eq!(sender, SENDER_SAID);
        assert_eq!(blocks.iter().collect::<Vec<_>>(), [BLOCK_SAID]);
        assert_eq!(cname, Packet::Cname { ssrc: 7, name: b"a1b2c3" });
        assert_eq!(bye, Packet::Goodbye { ssrc: 7 });
    }

    #[test]
    fn a_leg_that_sent_nothing_and_heard_nothing_still_reports() {
        let datagram = written(&Report { sender: None, block: None, ..report() });
        assert_eq!(datagram[..8], [0x80, 201, 0, 1, 0, 0, 0, 7]);
        let first = read(&datagram).next();
        assert_eq!(first, Some(Packet::ReceiverReport { ssrc: 7, blocks: Blocks(&[]) }));
    }

    #[test]
    fn the_octets_are_those_of_rfc_3550() {
        let datagram = written(&report());
        assert_eq!(
            datagram[..28],
            [
                0x81, 200, 0, 12, 0, 0, 0, 7, 0xe0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0x30, 0x39, 0, 0,
                0, 50, 0, 0, 0x1f, 0x40
            ]
        );
        assert_eq!(datagram[28..40], [0xaa, 0xbb, 0xcc, 0xdd, 25, 0xff, 0xff, 0xfd, 0, 1, 0, 5]);
        assert_eq!(
            datagram[52..],
            [0x81, 202, 0, 4, 0, 0, 0, 7, 1, 6, b'a', b'1', b'b', b'2', b'c', b'3', 0, 0, 0, 0][..]
        );
    }

    #[test]
    fn names_of_every_length_end_on_a_word() {
        for length in [0, 1, 2, 3, 4, 5, 254, 255, 300] {
            let cname = vec![b'x'; length];
            let datagram = written(&Report { cname: &cname, ..report() });
            let name = read(&datagram).find_map(|it| match it {
                Packet::Cname { name, .. } => Some(name.len()),
                _ => None,
            });
            assert_eq!(name, Some(length.min(255)));
        }
    }

    #[test]
    fn a_buffer_that_is_too_small_gets_no_report() {
        let length = written(&report()).len();
        for size in 0..length {
            assert_eq!(report().write(&mut vec![0; size]), None, "{size}");
        }
    }

    #[test]
    fn loss_is_clamped_to_its_24_bits() {
        for (lost, said) in [(i32::MAX, 0x7f_ffff), (i32::MIN, -0x80_0000), (5, 5)] {
            let block = Block { lost, ..BLOCK_SAID };
            let datagram = written(&Report { block: Some(block), ..report() });
            let Some(Packet::SenderReport { blocks, .. }) = read(&datagram).next() else {
                panic!()
            };
            assert_eq!(blocks.iter().next().unwrap().lost, said);
        }
    }

    #[test]
    fn feedback_and_unknown_packets_do_not_hide_what_follows() {
        let mut datagram = vec![0x81, 205, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x80, 207, 0, 0];
        datagram.extend(written(&report()));
        let kinds: Vec<_> = read(&datagram).take(2).collect();
        assert_eq!(kinds, [Packet::Other(205), Packet::Other(207)]);
        assert!(matches!(read(&datagram).nth(2), Some(Packet::SenderReport { .. })));
    }

    #[test]
    fn a_length_beyond_the_datagram_ends_the_compound_there() {
        let whole = written(&report());
        for cut in 0..whole.len() {
            assert!(read(&whole[..cut]).count() <= 1, "{cut}");
        }
        let mut wrong = whole.clone();
        wrong[54] = 0xff;
        assert_eq!(read(&wrong).count(), 1);
    }

    #[test]
    fn more_blocks_announced_than_there_are_gives_those_that_are_there() {
        let mut datagram = written(&report());
        datagram[0] = 0x9f;
        let Some(Packet::SenderReport { blocks, .. }) = read(&datagram).next() else { panic!() };
        assert_eq!(blocks.iter().count(), 1);
    }

    #[test]
    fn a_date_in_ntp_is_counted_from_1900() {
        assert_eq!(Ntp::from(Wall::from_unix_micros(0)), Ntp(0x83aa_7e80_0000_0000));
        assert_eq!(Ntp::from(Wall::from_unix_micros(500_000)), Ntp(0x83aa_7e80_8000_0000));
        assert_eq!(Ntp::from(Wall::from_unix_micros(-500_000)), Ntp(0x83aa_7e7f_8000_0000));
        // The era ends in 2036; the count starts again.
        assert_eq!(Ntp::from(Wall::from_unix_micros(2_085_978_496_000_000)), Ntp(0));
    }

    #[test]
    fn a_round_trip_is_what_the_far_end_did_not_keep() {
        let sent = Wall::from_unix_micros(1_700_000_000_000_000);
        let back = Ntp::from(sent + Duration::from_millis(1580));
        let block =
            Block { last_sr: Ntp::from(sent).middle(), delay: 0x1_8000, ..Block::default() };
        let trip = block.round_trip(back).unwrap();
        assert!((79_900..80_100).contains(&trip.as_micros()), "{trip:?}");
        assert_eq!(Block::default().round_trip(back), None);
        let early = Block { delay: 0x1_8000 + 0x1_8000, ..block };
        assert_eq!(early.round_trip(back), None, "an impossible delay");
        let close = Block { delay: 0x1_9500, ..block };
        assert_eq!(close.round_trip(back), Some(Duration::ZERO));
    }

    proptest! {
        #[test]
        fn any_octets_are_read_without_a_panic(
            octets in proptest::collection::vec(any::<u8>(), 0..200), version in any::<bool>(),
        ) {
            let mut octets = octets;
            if let (true, Some(first)) = (version, octets.first_mut()) {
                *first = *first & 0x3f | 0x80;
            }
            for packet in read(&octets) {
                let (Packet::SenderReport { blocks, .. } | Packet::ReceiverReport { blocks, .. }) =
                    packet
                else {
                    continue;
                };
                prop_assert!(blocks.iter().count() <= 31);
            }
        }
    }
}
