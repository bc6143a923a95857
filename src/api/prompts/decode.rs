//! Audio as people have it, to a clip of 8 kHz mono. Decoding is symphonia's.

use std::io::Cursor;
use std::sync::Arc;

use axum::body::Bytes;
use symphonia::core::codecs::audio::AudioDecoderOptions;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, TrackType};
use symphonia::core::io::{MediaSourceStream, MediaSourceStreamOptions};
use symphonia::core::meta::MetadataOptions;

use crate::audio::{RATE, wav};

/// What is taken.
pub const ALLOWED: &str =
    "WAV, MP3, FLAC, Ogg Vorbis, AAC or MP4 audio, 20 MB and 10 minutes at most";
/// Broken pieces that are left out; a file with more of them is broken.
const BROKEN_MAX: u32 = 100;

/// Decodes a whole file.
pub fn decode(bytes: Bytes) -> Result<Arc<[i16]>, String> {
    // What we read ourselves we know best: telephone coding, files without an end.
    if let Ok(clip) = wav::decode(&bytes) {
        return whole(clip);
    }
    let (mono, rate) = samples(bytes)?;
    whole(wav::clip(mono, rate).map_err(|it| it.to_string())?)
}

fn whole(clip: Arc<[i16]>) -> Result<Arc<[i16]>, String> {
    match clip.is_empty() {
        true => Err("there is no sound in it".to_owned()),
        false => Ok(clip),
    }
}

/// The mean of its channels, and its rate.
fn samples(bytes: Bytes) -> Result<(Vec<f32>, u32), String> {
    let source = Box::new(Cursor::new(bytes));
    let stream = MediaSourceStream::new(source, MediaSourceStreamOptions::default());
    let (formats, metadata) = (FormatOptions::default(), MetadataOptions::default());
    let mut format = symphonia::default::get_probe()
        .probe(&Hint::new(), stream, formats, metadata)
        .map_err(|_| "it is of no kind that is known".to_owned())?;
    let track = format.default_track(TrackType::Audio).ok_or("there is no sound in it")?;
    let track_id = track.id;
    let coding = track.codec_params.as_ref().and_then(|it| it.audio());
    let coding = coding.ok_or("there is no sound in it")?;
    let mut decoder = symphonia::default::get_codecs()
        .make_audio_decoder(coding, &AudioDecoderOptions::default())
        .map_err(|it| it.to_string())?;
    let (mut mono, mut pieces, mut rate, mut broken) = (Vec::new(), Vec::<f32>::new(), 0, 0);
    loop {
        let packet = match format.next_packet() {
            Ok(Some(packet)) => packet,
            // A file cut short has what it has.
            Ok(None) | Err(Error::IoError(_)) => break,
            Err(error) => return Err(error.to_string()),
        };
        if packet.track_id != track_id {
            continue;
        }
        let decoded = match decoder.decode(&packet) {
            Ok(decoded) => decoded,
            Err(Error::DecodeError(_)) if broken < BROKEN_MAX => {
                broken += 1;
                continue;
            }
            Err(error) => return Err(error.to_string()),
        };
        let (now, channels) = (decoded.spec().rate(), decoded.num_planes());
        if rate != 0 && rate != now {
            return Err("its rate changes".to_owned());
        }
        rate = now;
        decoded.copy_to_vec_interleaved(&mut pieces);
        let frames = pieces.chunks_exact(channels.max(1));
        mono.extend(frames.map(|it| it.iter().sum::<f32>() / channels as f32));
        if u64::from(wav::LONGEST) * u64::from(rate) < mono.len() as u64 * u64::from(RATE) {
            return Err(wav::Error::TooLong.to_string());
        }
    }
    match rate {
        0 => Err("there is no sound in it".to_owned()),
        rate => Ok((mono, rate)),
    }
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
        for bytes in [Vec::new(), page, jpeg, cut, wav::encode(&[]), b"RIFF".to_vec()] {
            assert!(decode(bytes.into()).is_err());
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
}
