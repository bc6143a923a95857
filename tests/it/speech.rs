//! What hears speech, with speech: two synthesisers of Debian speak, at every level, on a noisy line.

use std::process::Command;
use std::sync::OnceLock;

use crosspoint::audio::{Detector, Law, SilenceDetector, wav};

const TEXT: &str = "Hello, this is Ada Brown from the office in Portland. I am calling about the quote \
    that you sent us last week, the one for the new windows. We would like to go on with it, but \
    not before the twelfth of March. Could somebody please call me back? My number is five one two, \
    five five five, zero one four two. I am here until six o'clock, and tomorrow from half past \
    eight. Seven hundred and seventy two dollars seems a bit much for the small one, does it not? \
    Anyway, thank you very much, and good bye for now.";

/// The text as each of them speaks it, at 8 kHz.
fn spoken() -> &'static [Vec<i16>; 3] {
    static SPOKEN: OnceLock<[Vec<i16>; 3]> = OnceLock::new();
    let spoken = |n: usize| {
        let file =
            std::env::temp_dir().join(format!("crosspoint-speech-{}-{n}", std::process::id()));
        let (program, arguments) = match n {
            0 => ("flite", vec!["-t", TEXT, "-o"]),
            1 => ("espeak-ng", vec!["-v", "en-us+f3", TEXT, "-w"]),
            _ => ("espeak-ng", vec!["-v", "en+m3", "-s", "130", TEXT, "-w"]),
        };
        let done = Command::new(program).args(arguments).arg(&file).status();
        assert!(done.is_ok_and(|it| it.success()), "{program}");
        let bytes = std::fs::read(&file).unwrap();
        std::fs::remove_file(&file).unwrap();
        let samples = wav::decode(&bytes).unwrap().to_vec();
        assert!(20 * 8000 < samples.len(), "{program} said little");
        samples
    };
    SPOKEN.get_or_init(|| std::array::from_fn(spoken))
}

/// Root mean square of its louder half: its level while it speaks.
fn level(samples: &[i16]) -> f64 {
    let power = |it: &[i16]| it.iter().map(|it| f64::from(*it).powi(2)).sum::<f64>();
    let mut frames: Vec<f64> = samples.chunks(160).map(power).collect();
    frames.sort_by(f64::total_cmp);
    let loud = &frames[frames.len() / 2..];
    (loud.iter().sum::<f64>() / (loud.len() * 160) as f64).sqrt()
}

/// The speech at this level in dBFS on a line with noise of this root mean square, through mu-law.
fn on_a_line(samples: &[i16], dbfs: f64, noise: f64) -> Vec<i16> {
    with_gain(samples, 32_768.0 * 10f64.powf(dbfs / 20.0) / level(samples), noise)
}

fn with_gain(samples: &[i16], gain: f64, noise: f64) -> Vec<i16> {
    let mut state = 1u32;
    let line = |it: &i16| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let unit = f64::from(state >> 16) / 32_768.0 - 1.0;
        let sample = f64::from(*it) * gain + unit * noise * 1.732;
        Law::Mu.decode(Law::Mu.encode(sample.clamp(-32_768.0, 32_767.0) as i16))
    };
    samples.iter().map(line).collect()
}

/// Whether any speech is heard, and the longest silence in it, in frames of 20 ms.
fn heard(samples: &[i16]) -> (bool, usize) {
    let mut detector = SilenceDetector::default();
    let (mut spoke, mut quiet, mut longest) = (false, 0, 0);
    for frame in samples.chunks(160) {
        quiet = if detector.hear(frame) { 0 } else { quiet + 1 };
        spoke |= quiet == 0;
        longest = longest.max(quiet);
    }
    (spoke, longest)
}

#[test]
fn a_quiet_caller_on_a_quiet_line_is_no_silence() {
    for (n, speech) in spoken().iter().enumerate() {
        for dbfs in [-12.0, -26.0, -36.0, -42.0, -48.0, -52.0] {
            let (spoke, longest) = heard(&on_a_line(speech, dbfs, 6.0));
            // A voicemail box ends after 3 s of silence at the least.
            assert!(spoke && longest < 125, "voice {n} at {dbfs} dBFS: {longest} frames");
        }
    }
}

#[test]
fn a_caller_above_the_noise_of_the_line_is_heard_and_the_noise_alone_is_not() {
    for noise in [20.0, 60.0, 200.0, 400.0] {
        let alone = with_gain(&[0; 60 * 8000], 0.0, noise);
        assert!(!heard(&alone).0, "noise {noise}");
        for (n, speech) in spoken().iter().enumerate() {
            let dbfs = 20.0 * (noise * 8.0 / 32_768.0).log10();
            let (spoke, longest) = heard(&on_a_line(speech, dbfs, noise));
            assert!(spoke && longest < 125, "voice {n} over {noise}: {longest} frames");
        }
    }
}

/// Talk-off: where keys are not expected in a voice, none is heard in speech.
#[test]
fn speech_is_not_taken_for_keys() {
    for (n, speech) in spoken().iter().enumerate() {
        for dbfs in [-9.0, -15.0, -20.0, -26.0, -35.0] {
            let line = on_a_line(speech, dbfs, 10.0);
            for (what, mut detector, most) in
                [("doubtful", Detector::doubtful(), 0), ("usual", Detector::default(), 0)]
            {
                let keys = line.chunks(160).filter_map(|it| detector.hear(it)).count();
                assert!(keys <= most, "{what}: {keys} keys in voice {n} at {dbfs} dBFS");
            }
        }
    }
}
