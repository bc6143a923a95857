//! Messages as people have them, made by ffmpeg: uploaded to the built program, kept as telephone
//! sound, heard in a call; and those that are refused.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crosspoint::audio::wav;

use super::edge::Edge;
use super::live::Client;
use super::phone::Phone;
use super::voice::{Voice, tone_in};
use super::{SOON, seconds};

/// What ffmpeg is told for each kind of file, and how the file is called.
const KINDS: &[(&str, &str)] = &[
    ("cbr.mp3", "-c:a libmp3lame -b:a 64k"),
    ("vbr.mp3", "-c:a libmp3lame -q:a 4 -metadata title=Hello"),
    ("uncounted.mp3", "-c:a libmp3lame -b:a 64k -write_xing 0 -id3v2_version 0"),
    ("stereo.flac", "-c:a flac"),
    ("deep.flac", "-c:a flac -ar 96000 -sample_fmt s32"),
    ("vorbis.ogg", "-c:a libvorbis -q:a 3"),
    ("last.m4a", "-c:a aac -b:a 96k"),
    ("first.m4a", "-c:a aac -b:a 96k -movflags +faststart"),
    ("adts.aac", "-c:a aac -b:a 96k"),
    ("telephone.wav", "-c:a pcm_mulaw -ar 8000 -ac 1"),
    ("studio.wav", "-c:a pcm_s24le -ar 48000"),
];

/// Three seconds of a tone, in stereo at 44.1 kHz unless the words say otherwise.
fn made(folder: &Path, file: &str, words: &str, hertz: u16) -> Vec<u8> {
    let tone = format!("sine=frequency={hertz}:duration=3");
    ffmpeg(folder, file, &tone, words)
}

fn ffmpeg(folder: &Path, file: &str, source: &str, words: &str) -> Vec<u8> {
    let path = folder.join(file);
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", source]);
    ffmpeg.args(["-ar", "44100", "-ac", "2"]).args(words.split(' ')).arg(&path);
    let said = ffmpeg.output().unwrap_or_else(|it| panic!("ffmpeg: {it} (make peers installs it)"));
    assert!(said.status.success(), "{file}: {}", String::from_utf8_lossy(&said.stderr));
    fs::read(path).unwrap()
}

fn edge() -> Edge {
    Edge::start_with(|it| {
        let b = "number = \"sip:15550100001@127.0.0.31:5070\"\n";
        let it = it.replace(b, &format!("{b}whisper = {{ prompt = \"ads\" }}\n"));
        it.replace("listen = \"off\"", "listen = \"127.0.0.1:8060\"")
    })
}

#[test]
fn every_kind_of_audio_that_is_named_becomes_telephone_sound() {
    let edge = edge();
    let client = Client::first(&edge);
    for (at, (file, words)) in KINDS.iter().enumerate() {
        let hertz = 600 + 100 * u16::try_from(at).unwrap();
        let bytes = made(&edge.folder, file, words, hertz);
        let name = file.replace('.', "-");
        let path = format!("/v1/prompts/{name}");
        let said = client.asks("PUT", &path, "", &bytes);
        assert_eq!(said.status, 201, "{file}: {}", String::from_utf8_lossy(&said.body));
        let clip = wav::decode(&client.asks("GET", &path, "", b"").body).unwrap();
        let length = clip.len() as f64 / 8000.0;
        assert!((2.9..3.2).contains(&length), "{file}: {length} s");
        let tone = tone_in(&clip, hertz);
        assert!(seconds(2.7) <= tone, "{file}: {tone:?} of {hertz} Hz");
    }
    let listed = client.asks("GET", "/v1/prompts", "", b"").json();
    assert_eq!(listed["items"].as_array().unwrap().len(), KINDS.len());
}

#[test]
fn what_was_uploaded_as_mp3_flac_ogg_and_m4a_is_whispered() {
    let edge = edge();
    let client = Client::first(&edge);
    let (carrier, b) = (Phone::carrier(&edge.net), Phone::destination(&edge.net, 'B'));
    let (ada, bob) = (Voice::at(edge.net.ip(11)), Voice::at(edge.net.ip(31)));
    let mut loaded = 1;
    for (file, hertz) in
        [("vbr.mp3", 900), ("stereo.flac", 1100), ("vorbis.ogg", 1300), ("last.m4a", 1500)]
    {
        let words = KINDS.iter().find(|it| it.0 == file).unwrap().1;
        let bytes = made(&edge.folder, file, words, hertz);
        let said = client.asks("PUT", "/v1/prompts/ads", "", &bytes);
        assert!([200, 201].contains(&said.status), "{}", String::from_utf8_lossy(&said.body));
        // It is read beside the loop; at the start there was none.
        loaded += 1;
        let give_up = Instant::now() + SOON;
        while edge.log().matches("prompts loaded").count() < loaded {
            assert!(Instant::now() < give_up, "it was never loaded");
            std::thread::sleep(seconds(0.05));
        }
        let call = carrier.dial("15550100001", &ada.sdp(101));
        let there = b.rings();
        b.picks_up(&there, &bob.sdp(101));
        bob.await_tone(hertz, seconds(0.5), SOON);
        carrier.cancel(&call);
        b.is_hung_up(SOON);
    }
}

/// The bytes with others in the place where `of` stands first, so many bytes on.
fn patched(bytes: &[u8], of: &[u8], on: usize, with: &[u8]) -> Vec<u8> {
    let at = bytes.windows(of.len()).position(|it| it == of).expect("it is there") + on;
    let mut bytes = bytes.to_vec();
    bytes[at..at + with.len()].copy_from_slice(with);
    bytes
}

fn resident(edge: &Edge) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", edge.pid())).unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn audio_that_is_cut_too_long_unknown_or_lies_is_refused_and_costs_nothing() {
    let edge = edge();
    let client = Client::first(&edge);
    let of = |file: &str| {
        let words = KINDS.iter().find(|it| it.0 == file).unwrap().1;
        made(&edge.folder, file, words, 800)
    };
    let short = |bytes: Vec<u8>| bytes[..bytes.len() * 6 / 10].to_vec();
    let many = &[0xff; 4];
    let (mp4, ogg, flac) = (of("first.m4a"), of("vorbis.ogg"), of("stereo.flac"));
    let before = resident(&edge);
    let silence = "anullsrc=sample_rate=8000:duration=660";
    let refused: Vec<(&str, u16, Vec<u8>)> = vec![
        ("cut mp3", 422, short(of("vbr.mp3"))),
        ("cut flac", 422, short(flac.clone())),
        ("cut ogg", 422, short(ogg.clone())),
        ("cut mp4, its table at the end", 422, short(of("last.m4a"))),
        ("cut mp4, its table at the beginning", 422, short(mp4.clone())),
        ("cut wav", 422, short(of("studio.wav"))),
        (
            "eleven minutes",
            422,
            ffmpeg(&edge.folder, "long.flac", silence, "-ar 8000 -ac 1 -c:a flac"),
        ),
        ("opus", 415, made(&edge.folder, "a.opus", "-ar 48000 -c:a libopus", 800)),
        ("webm", 415, made(&edge.folder, "a.webm", "-ar 48000 -c:a libopus", 800)),
        ("a picture", 415, {
            ffmpeg(&edge.folder, "a.png", "color=red:size=64x64:duration=0.1", "-frames:v 1")
        }),
        ("a vendor of 4 GB in its comment", 422, patched(&ogg, b"\x03vorbis", 7, many)),
        ("4 billion pieces in its table", 422, patched(&mp4, b"stsz", 12, many)),
        ("a table that is larger than all", 422, patched(&mp4, b"moov", 0, b"free")),
        ("4 billion samples", 422, patched(&flac, b"fLaC", 22, many)),
    ];
    for (what, status, bytes) in refused {
        let began = Instant::now();
        let said = client.asks("PUT", "/v1/prompts/wrong", "", &bytes);
        let told = String::from_utf8_lossy(&said.body);
        assert_eq!(said.status, status, "{what}: {told}");
        assert!(told.contains("FLAC"), "{what}: what is allowed is said: {told}");
        assert!(began.elapsed() < SOON, "{what} took {:?}", began.elapsed());
    }
    assert_eq!(client.asks("GET", "/v1/prompts/wrong", "", b"").status, 404, "nothing was kept");
    let grown = resident(&edge).saturating_sub(before) / 1024;
    assert!(grown < 400, "{grown} MB more were needed");
}
