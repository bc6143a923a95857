//! The set of the demo: free ports, a configuration, and a whisper that can be played anywhere.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};

/// The tracking number that rings three phones.
pub(super) const FORKED: &str = "+15550100001";
/// The tracking number whose calls are recorded.
pub(super) const RECORDED: &str = "+15550100002";
/// What the office's switchboard wants to be dialled.
pub(super) const EXTENSION: &str = "3ww1928";
/// The same as keys.
pub(super) const KEYS: &str = "31928";
const WHISPER: &str = "A call from the spring campaign.";

/// The carrier's address: calls from there are its calls.
const CARRIER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
const HERE: Ipv4Addr = Ipv4Addr::LOCALHOST;

/// Sockets and files, ready to be used.
pub(super) struct Set {
    pub edge: SocketAddr,
    /// SIP and RTP sockets of the carrier and the phones, in the order of the ladder.
    pub sockets: Vec<(UdpSocket, UdpSocket)>,
    pub config: PathBuf,
    speaks: bool,
}

impl Set {
    pub fn build(folder: &Path) -> io::Result<Self> {
        // A port that was free a moment ago is the edge's to bind.
        let edge = UdpSocket::bind((HERE, 0))?.local_addr()?;
        let pair = |ip| Ok((UdpSocket::bind((ip, 0))?, UdpSocket::bind((ip, 0))?));
        let sockets: Vec<_> =
            [CARRIER, HERE, HERE, HERE].into_iter().map(pair).collect::<io::Result<_>>()?;
        let speaks = ["flite", "espeak-ng"].iter().any(|it| is_installed(it));
        if !speaks {
            fs::write(folder.join("whisper.wav"), chime())?;
        }
        let mut phones = Vec::new();
        for (sip, _) in &sockets {
            phones.push(sip.local_addr()?);
        }
        let config = folder.join("demo.toml");
        fs::write(&config, text(edge, &phones, speaks))?;
        Ok(Self { edge, sockets, config, speaks })
    }

    pub fn welcome(&self) -> String {
        let whisper = if self.speaks {
            format!("whispers {WHISPER:?} to who answers")
        } else {
            "plays two notes to who answers (nothing that speaks is installed)".into()
        };
        format!(
            "crosspoint runs at {edge}; a carrier and three phones are around it, on real sockets.\n\
             \n\
             Somebody dials the tracking number {FORKED}. It rings the shop, the office and a\n\
             mobile at once. The office is behind a switchboard: the edge keys in the extension\n\
             {EXTENSION} (each w waits half a second), {whisper},\n\
             and only then connects the caller. What the office takes must not be recorded.\n\
             \n\
             This is written in {config}.",
            edge = self.edge,
            config = self.config.display(),
        )
    }
}

fn text(edge: SocketAddr, phones: &[SocketAddr], speaks: bool) -> String {
    let whisper = if speaks {
        format!("{{ text = {WHISPER:?} }}")
    } else {
        "{ file = \"whisper.wav\" }".to_owned()
    };
    let mut text = format!(
        r#"# What `crosspoint demo` ran with.
[[sip.listener]]
address = "{edge}"
transports = ["udp"]
takes_clients = false

[media]
address = "{HERE}"

[api]
listen = "off"

[limits]
drain = 0

# The carrier: what comes from its address is its.
[[trunk]]
name = "carrier"
sources = ["{CARRIER}"]
probe = "off"

[[tracking_number]]
number = "{FORKED}"
source = "spring campaign"
dial = ["shop", "office", "mobile"]

[[tracking_number]]
number = "{RECORDED}"
source = "newspaper"
dial = ["mobile"]
"#
    );
    let numbers = [
        ("shop", String::new()),
        (
            "office",
            format!("extension = \"{EXTENSION}\"\nwhisper = {whisper}\nprevent_recording = true\n"),
        ),
        ("mobile", String::new()),
    ];
    for ((name, more), address) in numbers.iter().zip(phones.iter().skip(1)) {
        text.push_str(&format!(
            "\n[[receiving_number]]\nname = \"{name}\"\nnumber = \"sip:{name}@{address}\"\n{more}"
        ));
    }
    text
}

/// Whether a program stands in the search path.
fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|it| it.join(program).is_file())
}

/// Two notes of a second each, as a WAV file of 16 bits at 8 kHz.
fn chime() -> Vec<u8> {
    const RATE: u32 = 8000;
    let note = |hertz: f64| {
        let step = std::f64::consts::TAU * hertz / f64::from(RATE);
        (0..RATE).map(move |n| ((f64::from(n) * step).sin() * 8000.0) as i16)
    };
    let samples: Vec<u8> = note(1100.0).chain(note(1300.0)).flat_map(i16::to_le_bytes).collect();
    let length = samples.len() as u32;
    let mut file = Vec::with_capacity(samples.len() + 44);
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + length).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.extend_from_slice(&RATE.to_le_bytes());
    file.extend_from_slice(&(RATE * 2).to_le_bytes());
    file.extend_from_slice(b"\x02\0\x10\0data");
    file.extend_from_slice(&length.to_le_bytes());
    file.extend_from_slice(&samples);
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio;
    use crate::config;

    #[test]
    fn the_chime_is_a_wav_of_two_seconds() {
        assert_eq!(audio::wav::decode(&chime()).unwrap().len(), 16_000);
    }

    #[test]
    fn the_configuration_is_right_with_and_without_a_synthesiser() {
        let address: SocketAddr = "127.0.0.1:5070".parse().unwrap();
        for speaks in [true, false] {
            let text = text("127.0.0.1:5060".parse().unwrap(), &[address; 4], speaks);
            let config = config::load(&text, "demo.toml", Path::new(".")).unwrap();
            assert_eq!(config.directory.prompts().len(), 1);
        }
    }
}
