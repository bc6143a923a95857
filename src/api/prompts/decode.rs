//! Audio as people have it, to a clip of 8 kHz mono. Decoding is symphonia's.
//!
//! What a file says of itself is not believed: what it decodes to is counted as it comes, in memory
//! that is bounded, whatever its header promises. A file that has less than it says was cut on its
//! way, and is refused; some kinds do not say (ADTS, MP3 without a Xing header).

use std::fmt;
use std::io::{self, Cursor};
use std::sync::Arc;

use axum::body::Bytes;
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::well_known::{FORMAT_ID_ADTS, FORMAT_ID_MP3};
use symphonia::core::formats::{FormatOptions, FormatReader, Track, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

use crate::audio::{RATE, wav};

/// What is taken.
pub const ALLOWED: &str =
    "WAV, MP3, FLAC, Ogg Vorbis, AAC or MP4 audio, 20 MB and 10 minutes at most";
/// Broken pieces that are left out; a file with more of them is broken.
const BROKEN_MAX: u32 = 100;
/// Rates that are read; faster ones than the last are thinned out as they come.
const RATES: std::ops::RangeInclusive<u32> = 4_000..=192_000;
const THINNED: u32 = 44_100;
/// Seconds that may be missing of what a file says it has: encoders differ in how they round.
const MISSING: f64 = 0.25;

/// Why a file is no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Of no kind that is read.
    Unknown(String),
    /// Of a kind that is read, but wrong.
    Wrong(String),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Unknown(why) | Self::Wrong(why)) = self;
        f.write_str(why)
    }
}

fn wrong(why: impl fmt::Display) -> Refused {
    Refused::Wrong(why.to_string())
}

/// Decodes a whole file.
pub fn decode(bytes: Bytes) -> Result<Arc<[i16]>, Refused> {
    if bytes.is_empty() {
        return Err(wrong("it is empty"));
    }
    if let Some((has, says)) = wav::cut(&bytes) {
        return Err(wrong(format!("it was cut: it has {has} of {says} bytes of sound")));
    }
    // What we read ourselves we know best: telephone coding, files without an end.
    if let Ok(clip) = wav::decode(&bytes) {
        return whole(clip);
    }
    let (mono, rate) = samples(bytes)?;
    whole(wav::clip(mono, rate).map_err(wrong)?)
}

fn whole(clip: Arc<[i16]>) -> Result<Arc<[i16]>, Refused> {
    match clip.is_empty() {
        true => Err(wrong("there is no sound in it")),
        false => Ok(clip),
    }
}

/// The mean of its channels, and its rate.
fn samples(bytes: Bytes) -> Result<(Vec<f32>, u32), Refused> {
    let known = is_known(&bytes);
    let ends = ends(&bytes);
    let counted = counts_frames(&bytes);
    let source = Box::new(Cursor::new(bytes));
    let stream = MediaSourceStream::new(source, MediaSourceStreamOptions::default());
    let (formats, metadata) = (FormatOptions::default(), MetadataOptions::default());
    let probed = symphonia::default::get_probe().probe(&Hint::new(), stream, formats, metadata);
    let mut format = probed.map_err(|error| match known {
        true => wrong(format!("it is broken, or was cut: {error}")),
        false => Refused::Unknown("it is of no kind that is known".to_owned()),
    })?;
    let track = format.default_track(TrackType::Audio).cloned();
    let track = track.ok_or_else(|| wrong("there is no sound in it"))?;
    let says = match format.format_info().format {
        // What is there is an estimate, of the size of the file.
        FORMAT_ID_ADTS => None,
        FORMAT_ID_MP3 if !counted => None,
        _ => seconds(&track),
    };
    let heard = read(&mut *format, &track)?;
    let has = heard.frames as f64 / f64::from(heard.rate);
    if let Some(says) = says.filter(|says| has + MISSING < *says) {
        return Err(wrong(format!("it was cut, or is broken: it has {has:.1} of {says:.1} s")));
    }
    match ends {
        true => Ok((heard.mono, heard.rate / heard.every)),
        false => Err(wrong("it was cut: its end is missing")),
    }
}

/// How long it says it is.
fn seconds(track: &Track) -> Option<f64> {
    let time = track.time_base?.calc_duration(track.duration?)?;
    Some(time.as_secs_f64()).filter(|it| 0.0 < *it)
}

/// Sound as it comes.
struct Heard {
    mono: Vec<f32>,
    /// Samples a second, of which each so many are kept as one.
    rate: u32,
    every: u32,
    frames: u64,
    /// The sum of those that are not enough yet.
    sum: f32,
    of: u32,
}

impl Heard {
    fn at(rate: u32) -> Result<Self, Refused> {
        if !RATES.contains(&rate) {
            return Err(wrong(wav::Error::Rate(rate)));
        }
        let every = (rate / THINNED).max(1);
        Ok(Self { mono: Vec::new(), rate, every, frames: 0, sum: 0.0, of: 0 })
    }

    fn take(&mut self, frames: &[f32], channels: usize) -> Result<(), Refused> {
        for frame in frames.chunks_exact(channels.max(1)) {
            self.sum += frame.iter().sum::<f32>() / channels as f32;
            self.of += 1;
            self.frames += 1;
            if self.of == self.every {
                let mean = self.sum / self.every as f32;
                self.mono.push(if mean.is_finite() { mean } else { 0.0 });
                (self.sum, self.of) = (0.0, 0);
            }
        }
        match u64::from(wav::LONGEST) * u64::from(self.rate) < self.frames * u64::from(RATE) {
            true => Err(wrong(wav::Error::TooLong)),
            false => Ok(()),
        }
    }
}

/// Decodes a track until it ends, is too long, or is too broken.
fn read(format: &mut dyn FormatReader, track: &Track) -> Result<Heard, Refused> {
    let coding = track.codec_params.as_ref().and_then(|it| it.audio());
    let coding = coding.ok_or_else(|| wrong("there is no sound in it"))?;
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(coding, &AudioDecoderOptions::default())
        .map_err(|it| Refused::Unknown(it.to_string()))?;
    let (mut heard, mut pieces, mut broken) = (None::<Heard>, Vec::<f32>::new(), 0);
    loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) => packet,
            Ok(None) => break,
            Err(Error::IoError(error)) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(wrong(error)),
        };
        if packet.track_id != track.id {
            continue;
        }
        let decoded = match decoder.decode(&packet) {
            Ok(decoded) => decoded,
            Err(Error::DecodeError(_)) if broken < BROKEN_MAX => {
                broken += 1;
                continue;
            }
            Err(error) => return Err(wrong(error)),
        };
        let (now, channels) = (decoded.spec().rate(), decoded.num_planes());
        let heard = match &mut heard {
            Some(heard) if heard.rate != now => return Err(wrong("its rate changes")),
            Some(heard) => heard,
            None => heard.insert(Heard::at(now)?),
        };
        decoded.copy_to_vec_interleaved(&mut pieces);
        heard.take(&pieces, channels)?;
    }
    heard.ok_or_else(|| wrong("there is no sound in it"))
}

/// Whether it begins as one of the kinds that are read: then it is not unknown, but broken.
fn is_known(bytes: &[u8]) -> bool {
    let begins = |with: &[u8]| bytes.starts_with(with);
    let riff = begins(b"RIFF") && bytes.get(8..12) == Some(b"WAVE");
    let mp4 = bytes.get(4..8) == Some(b"ftyp");
    // A frame of MPEG audio or of ADTS.
    let frame = matches!(bytes, [0xff, second, ..] if 0xe0 <= *second && *second != 0xff);
    riff || mp4 || frame || begins(b"ID3") || begins(b"fLaC") || begins(b"OggS")
}

/// Whether what has a mark at its end (Ogg, RFC 3533 section 6) has it.
fn ends(bytes: &[u8]) -> bool {
    const LAST: u8 = 4;
    const HEAD: usize = 27;
    if !bytes.starts_with(b"OggS") {
        return true;
    }
    // The last page begins no further from the end than a page can be long.
    let from = bytes.len().saturating_sub(HEAD + 255 + 255 * 255);
    let tail = &bytes[from..];
    let Some(page) = tail.windows(4).rposition(|it| it == b"OggS").map(|at| &tail[at..]) else {
        return false;
    };
    let segments = page.get(26).map_or(0, |it| usize::from(*it));
    let sizes = page.get(HEAD..HEAD + segments);
    let length = sizes.map(|it| it.iter().map(|it| usize::from(*it)).sum::<usize>());
    let is_there = length.is_some_and(|it| HEAD + segments + it <= page.len());
    is_there && page[5] & LAST != 0
}

/// Whether an MP3 says in its first frame how many there are.
fn counts_frames(bytes: &[u8]) -> bool {
    const FIRST: usize = 4096;
    let tag = match bytes {
        // The size of an ID3v2 tag has seven bits in each of four bytes.
        [b'I', b'D', b'3', _, _, _, a, b, c, d, ..] => {
            let size = [a, b, c, d].iter().fold(0, |sum, it| sum << 7 | usize::from(**it & 0x7f));
            10 + size
        }
        _ => 0,
    };
    let first = bytes.get(tag..).unwrap_or_default();
    let first = &first[..first.len().min(FIRST)];
    first.windows(4).any(|it| matches!(it, b"Xing" | b"Info" | b"VBRI"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_audio_is_refused_and_harms_nobody() {
        let mut noise = Vec::new();
        let mut state = 1u32;
        for _ in 0..100_000 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise.push((state >> 24) as u8);
        }
        let jpeg = [&[0xff, 0xd8, 0xff, 0xe0][..], &noise].concat();
        let cut = wav::encode(&[0; 100])[..40].to_vec();
        let page = b"<html><body>hello</body></html>".to_vec();
        for bytes in [page, jpeg, b"RIFF".to_vec()] {
            assert!(matches!(decode(bytes.into()), Err(Refused::Unknown(_))));
        }
        for bytes in [Vec::new(), cut, wav::encode(&[])] {
            assert!(matches!(decode(bytes.into()), Err(Refused::Wrong(_))));
        }
        // Noise may look like a frame of MP3 here and there; it must end, that is all.
        drop(decode(noise.into()));
    }

    #[test]
    fn a_wav_of_any_rate_and_channels_becomes_a_clip() {
        let spec = hound::WavSpec {
            channels: 2,
            sample_rate: 44_100,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut bytes = Cursor::new(Vec::new());
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        for _ in 0..44_100 {
            writer.write_sample(8000i16).unwrap();
            writer.write_sample(0i16).unwrap();
        }
        writer.finalize().unwrap();
        let bytes: Bytes = bytes.into_inner().into();
        let clip = decode(bytes.clone()).unwrap();
        assert_eq!(clip.len(), 8000);
        assert!(clip[1000..7000].iter().all(|it| (3900..4100).contains(it)));
        // And by symphonia alone.
        let (mono, rate) = samples(bytes).unwrap();
        assert_eq!((mono.len(), rate), (44_100, 44_100));
    }

    /// A header costs its sender nothing, so it costs us nothing either.
    #[test]
    fn what_a_header_promises_is_not_believed() {
        let mut endless = wav::encode(&[1; 100]);
        endless[40..44].copy_from_slice(&(1u32 << 30).to_le_bytes());
        // 2^36 samples of eight channels at 655,350 a second, in frames of 65,535 (RFC 9639 8.2).
        let mut flac = b"fLaC\x80\x00\x00\x22\xff\xff\xff\xff".to_vec();
        flac.extend([0, 0, 0, 0, 0, 0, 0x9f, 0xff, 0x6f, 0xff, 0xff, 0xff, 0xff, 0xff]);
        flac.extend([0; 16]);
        let id3 = b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f".to_vec();
        let atom = b"\x00\x00\x00\x10ftypM4A \x00\x00\x00\x00\x7f\xff\xff\xffmoov".to_vec();
        for bytes in [endless, flac, id3, atom] {
            let refused = decode(bytes.into()).unwrap_err();
            assert!(matches!(refused, Refused::Wrong(_)), "{refused:?}");
        }
    }

    #[test]
    fn fast_rates_are_thinned_as_they_come() {
        let mut heard = Heard::at(192_000).unwrap();
        let second: Vec<f32> = (0..192_000 * 2).map(|_| 0.25).collect();
        for _ in 0..3 {
            heard.take(&second, 2).unwrap();
        }
        assert_eq!((heard.frames, heard.mono.len(), heard.every), (576_000, 144_000, 4));
        assert!(heard.mono.iter().all(|it| *it == 0.25));
        let refused = (0..600).find_map(|_| heard.take(&second, 2).err());
        assert_eq!(refused, Some(wrong(wav::Error::TooLong)));
        assert!(Heard::at(384_000).is_err() && Heard::at(0).is_err());
    }

    #[test]
    fn an_ogg_ends_with_a_page_that_says_so() {
        let page = |flags: u8, body: u8| {
            let mut page = b"OggS\x00".to_vec();
            page.push(flags);
            page.extend([0; 20]);
            page.extend([1, body]);
            page.extend(vec![7; usize::from(body)]);
            page
        };
        let whole = [page(2, 30), page(0, 200), page(4, 100)].concat();
        assert!(ends(&whole));
        assert!(!ends(&whole[..whole.len() - 1]), "the last page is cut");
        assert!(!ends(&whole[..page(2, 30).len() + page(0, 200).len()]), "it is not there");
        assert!(!ends(b"OggS") && ends(b"fLaC"));
    }
}
