//! WAV: any common file to a clip of 8 kHz mono, and the header of our own recordings.
//!
//! RIFF/WAVE as Microsoft's *Multimedia Programming Interface* (1991) has it. Reading is lenient
//! where recorders are careless (wrong sizes, cut files); resampling is rubato's. Our recordings
//! are stereo G.711 with the 58-byte header of [`Header`]; a file cut short is put right by
//! [`repair`]. Opening, writing and syncing files is the shell's.

mod header;

use std::fmt;
use std::sync::Arc;

use rubato::{FftFixedIn, Resampler};

use super::{Law, RATE};

pub use self::header::{Header, repair};

/// Longest clip, after decoding.
pub const LONGEST: u32 = 10 * 60 * RATE;
/// Largest file looked at.
pub const LARGEST: usize = 256 << 20;

/// Why a file is no clip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    NotWav,
    /// No `fmt ` or no `data` chunk before this offset.
    Truncated(usize),
    /// The coding is not PCM, float, mu-law or A-law: format tag and bits a sample.
    Coding {
        tag: u16,
        bits: u16,
    },
    Channels(u16),
    Rate(u32),
    /// Longer than [`LONGEST`] or larger than [`LARGEST`].
    TooLong,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotWav => f.write_str("not a WAV file"),
            Self::Truncated(at) => write!(f, "the WAV file ends at byte {at}, before its sound"),
            Self::Coding { tag, bits } => {
                write!(f, "WAV coding {tag} with {bits} bits is not PCM, float, mu-law or A-law")
            }
            Self::Channels(count) => write!(f, "{count} channels; 1 or 2 are possible"),
            Self::Rate(rate) => write!(f, "{rate} samples a second; 4000 to 192000 are possible"),
            Self::TooLong => f.write_str("longer than 10 minutes"),
        }
    }
}

impl std::error::Error for Error {}

/// Decodes a whole file to 8 kHz mono.
pub fn decode(bytes: &[u8]) -> Result<Arc<[i16]>, Error> {
    if LARGEST < bytes.len() {
        return Err(Error::TooLong);
    }
    let (format, data, _) = chunks(bytes)?;
    let frame = format.frame_bytes();
    let frames = data.len() / frame;
    if u64::from(LONGEST) * u64::from(format.rate) < frames as u64 * u64::from(RATE) {
        return Err(Error::TooLong);
    }
    let mono: Vec<f32> = data.chunks_exact(frame).map(|it| format.mono(it)).collect();
    clip(mono, format.rate)
}

/// Of a file that was cut in its sound: how many bytes of it there are, and how many it says.
pub fn cut(bytes: &[u8]) -> Option<(usize, usize)> {
    /// Who cannot go back to write the size says more than anything can have.
    const ENDLESS: usize = 0x7fff_0000;
    let (_, data, says) = chunks(bytes).ok()?;
    (data.len() < says && says < ENDLESS).then_some((data.len(), says))
}

/// Samples of this rate, full scale 1, as a clip.
pub fn clip(mono: Vec<f32>, rate: u32) -> Result<Arc<[i16]>, Error> {
    if !(4000..=192_000).contains(&rate) {
        return Err(Error::Rate(rate));
    }
    if u64::from(LONGEST) * u64::from(rate) < mono.len() as u64 * u64::from(RATE) {
        return Err(Error::TooLong);
    }
    let mono = if rate == RATE { mono } else { resample(mono, rate)? };
    Ok(mono.iter().map(|it| (it * 32768.0).round().clamp(-32768.0, 32767.0) as i16).collect())
}

/// A clip as a file: 8 kHz, mono, 16 bits.
pub fn encode(clip: &[i16]) -> Vec<u8> {
    const HEAD: u32 = 44;
    let data = u32::try_from(clip.len() * 2).unwrap_or(u32::MAX - HEAD);
    let mut bytes = Vec::with_capacity(HEAD as usize + clip.len() * 2);
    bytes.extend(b"RIFF");
    bytes.extend((HEAD - 8 + data).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16u32.to_le_bytes());
    bytes.extend(PCM.to_le_bytes());
    bytes.extend(1u16.to_le_bytes());
    bytes.extend(RATE.to_le_bytes());
    bytes.extend((RATE * 2).to_le_bytes());
    bytes.extend(2u16.to_le_bytes());
    bytes.extend(16u16.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(data.to_le_bytes());
    bytes.extend(clip.iter().flat_map(|it| it.to_le_bytes()));
    bytes
}

#[derive(Clone, Copy, Debug)]
struct Format {
    coding: Coding,
    channels: u16,
    rate: u32,
}

#[derive(Clone, Copy, Debug)]
enum Coding {
    Unsigned8,
    Signed16,
    Signed24,
    Signed32,
    Float32,
    Float64,
    Companded(Law),
}

const PCM: u16 = 1;
const FLOAT: u16 = 3;
const A_LAW: u16 = 6;
const MU_LAW: u16 = 7;
const EXTENSIBLE: u16 = 0xfffe;

/// Walks the chunks to the format and the sound; also how many bytes of it there should be.
fn chunks(bytes: &[u8]) -> Result<(Format, &[u8], usize), Error> {
    if bytes.get(..4) != Some(b"RIFF") || bytes.get(8..12) != Some(b"WAVE") {
        return Err(Error::NotWav);
    }
    let mut format = None;
    let mut at = 12;
    loop {
        let truncated = Error::Truncated(bytes.len());
        let name = bytes.get(at..at + 4).ok_or(truncated.clone())?;
        let size = le32(bytes, at + 4).ok_or(truncated.clone())? as usize;
        let body = &bytes[at + 8..];
        match name {
            b"fmt " => {
                let body = body.get(..size).ok_or(truncated)?;
                format = Some(Format::read(body)?);
            }
            b"data" => {
                let format = format.ok_or(truncated)?;
                // A recorder that died left 0 here; others stream with all ones.
                let has = if size == 0 { body.len() } else { size.min(body.len()) };
                return Ok((format, &body[..has], size));
            }
            _ => {}
        }
        // Chunks are padded to an even length.
        at = at.saturating_add(8).saturating_add(size).saturating_add(size & 1);
    }
}

impl Format {
    fn read(body: &[u8]) -> Result<Self, Error> {
        let truncated = Error::Truncated(body.len());
        let mut tag = le16(body, 0).ok_or(truncated.clone())?;
        let channels = le16(body, 2).ok_or(truncated.clone())?;
        let rate = le32(body, 4).ok_or(truncated.clone())?;
        let bits = le16(body, 14).ok_or(truncated.clone())?;
        if tag == EXTENSIBLE {
            // The real tag leads the sub-format's GUID.
            tag = le16(body, 24).ok_or(truncated)?;
        }
        let coding = match (tag, bits) {
            (PCM, 8) => Coding::Unsigned8,
            (PCM, 16) => Coding::Signed16,
            (PCM, 24) => Coding::Signed24,
            (PCM, 32) => Coding::Signed32,
            (FLOAT, 32) => Coding::Float32,
            (FLOAT, 64) => Coding::Float64,
            (A_LAW, 8) => Coding::Companded(Law::A),
            (MU_LAW, 8) => Coding::Companded(Law::Mu),
            _ => return Err(Error::Coding { tag, bits }),
        };
        if !(1..=2).contains(&channels) {
            return Err(Error::Channels(channels));
        }
        if !(4000..=192_000).contains(&rate) {
            return Err(Error::Rate(rate));
        }
        Ok(Self { coding, channels, rate })
    }

    fn frame_bytes(&self) -> usize {
        self.coding.bytes() * usize::from(self.channels)
    }

    /// One frame as the mean of its channels, full scale 1.
    fn mono(&self, frame: &[u8]) -> f32 {
        let sum: f32 = frame.chunks_exact(self.coding.bytes()).map(|it| self.coding.read(it)).sum();
        sum / f32::from(self.channels)
    }
}

impl Coding {
    fn bytes(self) -> usize {
        match self {
            Self::Unsigned8 | Self::Companded(_) => 1,
            Self::Signed16 => 2,
            Self::Signed24 => 3,
            Self::Signed32 | Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }

    fn read(self, bytes: &[u8]) -> f32 {
        let value = match (self, bytes) {
            (Self::Unsigned8, [a]) => (f32::from(*a) - 128.0) / 128.0,
            (Self::Companded(law), [a]) => f32::from(law.decode(*a)) / 32768.0,
            (Self::Signed16, [a, b]) => f32::from(i16::from_le_bytes([*a, *b])) / 32768.0,
            (Self::Signed24, [a, b, c]) => {
                (i32::from_le_bytes([0, *a, *b, *c]) as f32) / 2_147_483_648.0
            }
            (Self::Signed32, [a, b, c, d]) => {
                (i32::from_le_bytes([*a, *b, *c, *d]) as f32) / 2_147_483_648.0
            }
            (Self::Float32, [a, b, c, d]) => f32::from_le_bytes([*a, *b, *c, *d]),
            (Self::Float64, [a, b, c, d, e, f, g, h]) => {
                f64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]) as f32
            }
            _ => 0.0,
        };
        if value.is_finite() { value.clamp(-1.0, 1.0) } else { 0.0 }
    }
}

/// To 8 kHz, the filter's delay taken off, exactly as long as the original.
fn resample(mut samples: Vec<f32>, rate: u32) -> Result<Vec<f32>, Error> {
    const CHUNK: usize = 1024;
    let wanted = (samples.len() as u64 * u64::from(RATE) / u64::from(rate)) as usize;
    let mut filter = FftFixedIn::<f32>::new(rate as usize, RATE as usize, CHUNK, 1, 1)
        .map_err(|_| Error::Rate(rate))?;
    let delay = filter.output_delay();
    let mut resampled = Vec::with_capacity(wanted + delay);
    let mut chunk = vec![0.0; CHUNK];
    let mut at = 0;
    while resampled.len() < wanted + delay {
        let sound = samples.get(at..).unwrap_or_default();
        let here = sound.len().min(CHUNK);
        chunk[..here].copy_from_slice(&sound[..here]);
        chunk[here..].fill(0.0);
        at += CHUNK;
        let out = filter.process(&[&chunk], None).map_err(|_| Error::Rate(rate))?;
        resampled.extend(out.into_iter().flatten());
    }
    samples.clear();
    samples.extend_from_slice(&resampled[delay..delay + wanted]);
    Ok(samples)
}

fn le16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at.checked_add(2)?)?.try_into().ok().map(u16::from_le_bytes)
}

fn le32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok().map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests;
