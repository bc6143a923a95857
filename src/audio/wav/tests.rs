//! hound is the second opinion on what WAV files say.

use std::io::Cursor;

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

use super::*;

fn sine(frames: usize, rate: u32, hz: f32) -> Vec<f32> {
    (0..frames).map(|n| (n as f32 * hz * std::f32::consts::TAU / rate as f32).sin() * 0.5).collect()
}

fn written(samples: &[f32], channels: u16, rate: u32, bits: u16) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let spec = WavSpec {
        channels,
        sample_rate: rate,
        bits_per_sample: bits,
        sample_format: if bits == 33 { SampleFormat::Float } else { SampleFormat::Int },
    };
    let spec = WavSpec { bits_per_sample: bits.min(32), ..spec };
    let mut writer = WavWriter::new(&mut file, spec).unwrap();
    for sample in samples {
        for _ in 0..channels {
            if bits == 33 {
                writer.write_sample(*sample).unwrap();
            } else {
                let full = (1i64 << (bits - 1)) as f32;
                writer.write_sample((sample * full) as i32).unwrap();
            }
        }
    }
    writer.finalize().unwrap();
    file.into_inner()
}

fn strength(samples: &[i16], hz: f32) -> f32 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let angle = n as f32 * hz * std::f32::consts::TAU / 8000.0;
        re += f32::from(*sample) * angle.cos();
        im += f32::from(*sample) * angle.sin();
    }
    (re * re + im * im).sqrt() * 2.0 / samples.len() as f32
}

#[test]
fn a_file_that_has_less_than_it_says_was_cut_and_one_without_a_size_was_not() {
    let whole = encode(&[1; 1000]);
    assert_eq!(cut(&whole), None);
    assert_eq!(cut(&whole[..1044]), Some((1000, 2000)));
    assert_eq!(cut(&whole[..30]), None, "that is no file with sound in it");
    for endless in [0u32, 0x7fff_ffff, u32::MAX] {
        let mut bytes = whole[..1044].to_vec();
        bytes[40..44].copy_from_slice(&endless.to_le_bytes());
        assert_eq!(cut(&bytes), None);
        assert_eq!(decode(&bytes).unwrap().len(), 500);
    }
    let mut bytes = whole;
    bytes[40..44].copy_from_slice(&(1u32 << 30).to_le_bytes());
    assert_eq!(cut(&bytes), Some((2000, 1 << 30)));
}

#[test]
fn every_width_and_channel_count_decodes_to_the_same_sound() {
    let sound = sine(8000, 8000, 440.0);
    for bits in [8, 16, 24, 32, 33] {
        for channels in [1, 2] {
            let clip = decode(&written(&sound, channels, 8000, bits)).unwrap();
            assert_eq!(clip.len(), 8000);
            for (heard, meant) in clip.iter().zip(&sound) {
                let error = (f32::from(*heard) - meant * 32768.0).abs();
                assert!(error <= 300.0, "{bits} bits, {channels} channels: {error}");
            }
        }
    }
}

#[test]
fn every_rate_becomes_8_khz_of_the_same_length_and_pitch() {
    for rate in [11_025, 16_000, 22_050, 44_100, 48_000, 96_000] {
        let clip = decode(&written(&sine(rate as usize, rate, 440.0), 1, rate, 16)).unwrap();
        assert_eq!(clip.len(), 8000, "{rate}");
        let level = strength(&clip[800..7200], 440.0);
        assert!((15_000.0..17_500.0).contains(&level), "{rate}: {level}");
    }
}

#[test]
fn what_8_khz_cannot_carry_does_not_come_back_as_another_tone() {
    let clip = decode(&written(&sine(48_000, 48_000, 7000.0), 1, 48_000, 16)).unwrap();
    assert!(strength(&clip[800..7200], 1000.0) < 200.0);
}

#[test]
fn the_resampler_leaves_the_start_where_it_was() {
    let mut sound = vec![0.0; 48_000];
    sound[24_000..24_060].fill(0.9);
    let clip = decode(&written(&sound, 1, 48_000, 16)).unwrap();
    let peak = clip.iter().enumerate().max_by_key(|it| *it.1).unwrap().0;
    assert!((4000..4011).contains(&peak), "{peak}");
}

#[test]
fn our_own_recordings_read_back_in_both_laws() {
    for law in [Law::Mu, Law::A] {
        let mut file = Header { law, frames: 800 }.bytes().to_vec();
        file.extend(std::iter::repeat_n([law.encode(8000), law.encode(8000)], 800).flatten());
        let clip = decode(&file).unwrap();
        assert_eq!(clip.len(), 800);
        assert_eq!(clip[17], law.decode(law.encode(8000)));
    }
}

#[test]
fn a_recording_cut_by_a_crash_is_repaired_and_plays_to_its_last_frame() {
    let mut file = Header { law: Law::Mu, frames: 0 }.bytes().to_vec();
    file.extend([0x10; 1601]);
    let right = repair(&file[..58], file.len() as u64).unwrap();
    file[..58].copy_from_slice(&right);
    assert_eq!(Header::read(&file), Some(Header { law: Law::Mu, frames: 800 }));
    assert_eq!(le32(&file, 4), Some(1600 + 50));
    assert_eq!(decode(&file).unwrap().len(), 800);
    assert_eq!(repair(&file[..58], file.len() as u64), None, "already right");
}

#[test]
fn strangers_files_are_not_repaired() {
    assert_eq!(repair(&written(&[0.0; 8], 2, 8000, 16), 1000), None);
    assert_eq!(repair(b"RIFF", 1000), None);
    let mut other = Header { law: Law::Mu, frames: 0 }.bytes();
    other[22] = 1;
    assert_eq!(repair(&other, 1000), None);
}

#[test]
fn hound_reads_the_sizes_we_write() {
    // hound knows no G.711 tag, but walks the chunks: give it ours under the PCM tag.
    let mut file = Header { law: Law::A, frames: 5 }.bytes().to_vec();
    file[20] = 1;
    file.extend([0x80; 10]);
    let reader = WavReader::new(Cursor::new(file)).unwrap();
    assert_eq!((reader.duration(), reader.spec().channels), (5, 2));
}

#[test]
fn what_is_no_clip_says_why() {
    assert_eq!(decode(b""), Err(Error::NotWav));
    assert_eq!(decode(b"RIFF....WAVE"), Err(Error::Truncated(12)));
    let good = written(&[0.0; 80], 1, 8000, 16);
    for cut in 12..44 {
        assert!(matches!(decode(&good[..cut]), Err(Error::Truncated(_)) | Ok(_)), "{cut}");
    }
    let mut six = good.clone();
    six[22] = 6;
    assert_eq!(decode(&six), Err(Error::Channels(6)));
    let mut slow = good.clone();
    slow[24..28].copy_from_slice(&3999u32.to_le_bytes());
    assert_eq!(decode(&slow), Err(Error::Rate(3999)));
    let mut adpcm = good;
    adpcm[20] = 17;
    assert_eq!(decode(&adpcm), Err(Error::Coding { tag: 17, bits: 16 }));
}

#[test]
fn ten_minutes_are_taken_and_a_frame_more_is_not() {
    let mut file = Header { law: Law::Mu, frames: 0 }.bytes().to_vec();
    file.resize(58 + 2 * LONGEST as usize, 0xff);
    assert_eq!(decode(&file).map(|it| it.len()), Ok(LONGEST as usize));
    file.extend([0xff; 2]);
    assert_eq!(decode(&file), Err(Error::TooLong));
}

#[test]
fn random_bytes_after_a_riff_head_do_no_harm() {
    let mut state = 3u32;
    for _ in 0..2000 {
        let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0".to_vec();
        for _ in 0..60 {
            state = state.wrapping_mul(1664525).wrapping_add(1013904223);
            file.push((state >> 24) as u8 & if state & 64 == 0 { 3 } else { 255 });
        }
        let _ = decode(&file);
    }
}

#[test]
fn a_clip_that_is_written_is_read_as_it_was() {
    let clip: Vec<i16> = (-4000..4000).map(|it| it * 8).collect();
    assert_eq!(*decode(&encode(&clip)).unwrap(), *clip);
    assert!(decode(&encode(&[])).unwrap().is_empty());
}

#[test]
fn samples_of_another_rate_become_a_clip_of_ours() {
    let second = |rate: u32| vec![0.25; rate as usize];
    for rate in [8000, 11_025, 44_100, 48_000] {
        let made = clip(second(rate), rate).unwrap();
        assert_eq!(made.len(), 8000, "{rate}");
        assert!(made[1000..7000].iter().all(|it| (8000..8400).contains(it)), "{rate}");
    }
    assert_eq!(clip(Vec::new(), 1), Err(Error::Rate(1)));
    assert_eq!(clip(vec![0.0; LONGEST as usize + 1], RATE), Err(Error::TooLong));
}
