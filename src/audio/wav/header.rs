//! The header of our recordings: stereo G.711 in WAV, 58 bytes, with a `fact` chunk.

use super::{A_LAW, MU_LAW, le16, le32};
use crate::audio::{Law, RATE};

/// A recording's header. Written with zero frames at first, patched as the file grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub law: Law,
    /// Stereo frames (two octets each) after the header.
    pub frames: u32,
}

const CHANNELS: u16 = 2;

impl Header {
    /// Length of the header in bytes.
    pub const LEN: usize = 58;
    /// The most frames a WAV file can name: 74 hours.
    pub const MOST: u32 = (u32::MAX - 64) / CHANNELS as u32;

    /// The header for a file of `bytes` in all; a torn last frame is left out.
    pub fn of_file(law: Law, bytes: u64) -> Self {
        let frames = bytes.saturating_sub(Self::LEN as u64) / u64::from(CHANNELS);
        Self { law, frames: frames.min(u64::from(Self::MOST)) as u32 }
    }

    /// The header as it stands at the front of the file.
    pub fn bytes(&self) -> [u8; Self::LEN] {
        let frames = self.frames.min(Self::MOST);
        let data = frames * u32::from(CHANNELS);
        let tag = match self.law {
            Law::Mu => MU_LAW,
            Law::A => A_LAW,
        };
        let mut bytes = [0; Self::LEN];
        let mut at = 0;
        let mut put = |part: &[u8]| {
            bytes[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        };
        put(b"RIFF");
        put(&(data + Self::LEN as u32 - 8).to_le_bytes());
        put(b"WAVEfmt ");
        put(&18u32.to_le_bytes());
        put(&tag.to_le_bytes());
        put(&CHANNELS.to_le_bytes());
        put(&RATE.to_le_bytes());
        put(&(RATE * u32::from(CHANNELS)).to_le_bytes());
        put(&CHANNELS.to_le_bytes());
        put(&8u16.to_le_bytes());
        put(&0u16.to_le_bytes());
        put(b"fact");
        put(&4u32.to_le_bytes());
        put(&frames.to_le_bytes());
        put(b"data");
        put(&data.to_le_bytes());
        bytes
    }

    /// Reads a header of ours; sizes may be stale.
    pub fn read(head: &[u8]) -> Option<Self> {
        let frames = le32(head, 46)?;
        let law = match le16(head, 20)? {
            MU_LAW => Law::Mu,
            A_LAW => Law::A,
            _ => return None,
        };
        let same = Self { law, frames: 0 }.bytes();
        let sizes = [4..8, 46..50, 54..58];
        let matches = (0..Self::LEN)
            .all(|at| sizes.iter().any(|it| it.contains(&at)) || head.get(at) == same.get(at));
        matches.then_some(Self { law, frames })
    }
}

/// The header that makes a cut-off recording of `file_length` bytes play to its end: `None` when
/// it needs no repair, or is no recording of ours.
pub fn repair(head: &[u8], file_length: u64) -> Option<[u8; Header::LEN]> {
    let found = Header::read(head)?;
    let right = Header::of_file(found.law, file_length).bytes();
    (head.get(..Header::LEN) != Some(&right[..])).then_some(right)
}
