//! RTP on a real socket: a tone spoken every 20 ms, and what comes, stamped with when it came and
//! read with rtp-rs.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crosspoint::audio::Law;
use rtp_rs::{RtpPacketBuilder, RtpReader};

use super::seconds;

const FRAME: Duration = Duration::from_millis(20);
const SAMPLES: u32 = 160;

/// A packet, and when it came.
#[derive(Clone, Debug)]
pub struct Packet {
    pub at: Instant,
    pub payload_type: u8,
    pub marked: bool,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
    pub payload: Vec<u8>,
}

/// A key press as it came.
#[derive(Clone, Debug)]
pub struct Key {
    pub key: char,
    pub first: Instant,
    pub last: Instant,
    pub timestamps: Vec<u32>,
    pub ends: usize,
    pub marked: bool,
    /// In timestamp units, as the last packet says.
    pub duration: u16,
}

/// A media port of a phone.
pub struct Voice {
    pub address: SocketAddr,
    socket: UdpSocket,
    heard: Arc<Mutex<Vec<Packet>>>,
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Voice {
    pub fn at(ip: Ipv4Addr) -> Self {
        static PORT: AtomicU16 = AtomicU16::new(40_000);
        let socket = (0..1000)
            .find_map(|_| UdpSocket::bind((ip, PORT.fetch_add(2, Ordering::Relaxed))).ok());
        let socket = socket.expect("a port");
        socket.set_read_timeout(Some(seconds(0.05))).unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let over = Arc::new(AtomicBool::new(false));
        let (ear, kept, until) = (socket.try_clone().unwrap(), heard.clone(), over.clone());
        let listen = move || {
            let mut buffer = [0; 2048];
            while !until.load(Ordering::Relaxed) {
                let Ok((length, _)) = ear.recv_from(&mut buffer) else { continue };
                let at = Instant::now();
                let Ok(rtp) = RtpReader::new(&buffer[..length]) else { continue };
                kept.lock().unwrap().push(Packet {
                    at,
                    payload_type: rtp.payload_type(),
                    marked: rtp.mark(),
                    sequence: u16::from(rtp.sequence_number()),
                    timestamp: rtp.timestamp(),
                    ssrc: rtp.ssrc(),
                    payload: rtp.payload().to_vec(),
                });
            }
        };
        let address = socket.local_addr().unwrap();
        let threads = vec![std::thread::spawn(listen)];
        Self { address, socket, heard, over, threads }
    }

    /// An offer or answer of PCMU and telephone events at this payload type.
    pub fn sdp(&self, events: u8) -> String {
        self.described(&format!("0 {events}"), &format!(
            "a=rtpmap:0 PCMU/8000\r\na=rtpmap:{events} telephone-event/8000\r\na=fmtp:{events} 0-15\r\n"
        ))
    }

    pub fn described(&self, formats: &str, attributes: &str) -> String {
        let (ip, port) = (self.address.ip(), self.address.port());
        format!(
            "v=0\r\no=phone 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n\
             m=audio {port} RTP/AVP {formats}\r\n{attributes}"
        )
    }

    /// Speaks a tone, mu-law, from now on.
    pub fn speak(&mut self, to: SocketAddr, hertz: u16) {
        let (socket, until) = (self.socket.try_clone().unwrap(), self.over.clone());
        self.threads
            .push(std::thread::spawn(move || tone(&socket, to, hertz, 0, &until, u32::MAX)));
    }

    /// Speaks a tone for so long, and returns then. `before` is how many frames were sent before.
    pub fn say(&self, to: SocketAddr, hertz: u16, length: Duration, before: &mut u32) {
        let frames = (length.as_millis() / FRAME.as_millis()) as u32;
        tone(&self.socket, to, hertz, *before, &self.over, frames);
        *before += frames;
    }

    /// Presses a key by RFC 4733, with this payload type: 100 ms, its end three times.
    pub fn press(&self, to: SocketAddr, key: char, payload_type: u8) {
        let code = "0123456789*#".find(key).expect("a key") as u8;
        for packet in 1..=7u16 {
            let (end, duration) = (5 <= packet, 160 * packet.min(5));
            let [high, low] = duration.to_be_bytes();
            let payload = [code, 10 | if end { 0x80 } else { 0 }, high, low];
            self.send(to, payload_type, 20_000 + packet, 160_000, &payload);
            std::thread::sleep(FRAME);
        }
    }

    /// Presses a key in the voice: 100 ms of its two tones (ITU-T Q.23), with silence around.
    pub fn press_aloud(&self, to: SocketAddr, key: char) {
        let place = "123A456B789C*0#D".find(key).expect("a key");
        let row = [697.0, 770.0, 852.0, 941.0][place / 4];
        let column = [1209.0, 1336.0, 1477.0, 1633.0][place % 4];
        for frame in 0..15u32 {
            let sounds = (5..10).contains(&frame);
            let sample = |n: u32| {
                let time = std::f64::consts::TAU * f64::from(frame * SAMPLES + n) / 8000.0;
                let both = (row * time).sin() + (column * time).sin();
                Law::Mu.encode(if sounds { (both * 7000.0) as i16 } else { 0 })
            };
            let payload: Vec<u8> = (0..SAMPLES).map(sample).collect();
            self.send(to, 0, 20_000 + frame as u16, 160_000 + frame * SAMPLES, &payload);
            std::thread::sleep(FRAME);
        }
    }

    fn send(
        &self,
        to: SocketAddr,
        payload_type: u8,
        sequence: u16,
        timestamp: u32,
        payload: &[u8],
    ) {
        let packet = RtpPacketBuilder::new()
            .payload_type(payload_type)
            .ssrc(600)
            .sequence(sequence.into())
            .timestamp(timestamp)
            .payload(payload)
            .build();
        drop(self.socket.send_to(&packet.unwrap(), to));
    }

    pub fn packets(&self) -> Vec<Packet> {
        self.heard.lock().unwrap().clone()
    }

    /// Waits until this tone was heard for so long, all together.
    pub fn await_tone(&self, hertz: u16, length: Duration, within: Duration) {
        let give_up = Instant::now() + within;
        let wanted = length.as_millis() / FRAME.as_millis();
        loop {
            let packets = self.packets();
            let heard = packets.iter().filter(|it| it.is_tone(hertz)).count();
            if wanted <= heard as u128 {
                return;
            }
            let all = packets.len();
            assert!(
                Instant::now() < give_up,
                "{heard} of {wanted} frames of {hertz} Hz within {within:?}, {all} packets in all"
            );
            std::thread::sleep(FRAME);
        }
    }

    /// The keys that were pressed, by this payload type.
    pub fn keys(&self, payload_type: u8) -> Vec<Key> {
        let mut keys: Vec<Key> = Vec::new();
        for packet in self.packets().iter().filter(|it| it.payload_type == payload_type) {
            let [code, flags, high, low] = packet.payload[..] else {
                panic!("no key: {packet:?}");
            };
            let key = char::from(b"0123456789*#ABCD"[usize::from(code)]);
            let end = flags & 0x80 != 0;
            let goes_on = keys
                .last()
                .is_some_and(|it| it.key == key && (it.ends == 0 || (end && it.ends < 3)));
            if !goes_on {
                keys.push(Key {
                    key,
                    first: packet.at,
                    last: packet.at,
                    timestamps: Vec::new(),
                    ends: 0,
                    marked: packet.marked,
                    duration: 0,
                });
            }
            let it = keys.last_mut().unwrap();
            it.last = packet.at;
            it.ends += usize::from(end);
            it.duration = u16::from_be_bytes([high, low]);
            if !it.timestamps.contains(&packet.timestamp) {
                it.timestamps.push(packet.timestamp);
            }
        }
        keys
    }
}

/// Sends frames of a tone, one every 20 ms.
fn tone(
    socket: &UdpSocket,
    to: SocketAddr,
    hertz: u16,
    before: u32,
    until: &AtomicBool,
    frames: u32,
) {
    let mut next = Instant::now();
    let step = std::f64::consts::TAU * f64::from(hertz) / 8000.0;
    for frame in before..before.saturating_add(frames) {
        if until.load(Ordering::Relaxed) {
            return;
        }
        let sample = |n: u32| (f64::from(frame * SAMPLES + n) * step).sin() * 8000.0;
        let payload: Vec<u8> = (0..SAMPLES).map(|n| Law::Mu.encode(sample(n) as i16)).collect();
        let packet = RtpPacketBuilder::new()
            .payload_type(0)
            .ssrc(u32::from(hertz))
            .sequence((frame as u16).into())
            .timestamp(frame.wrapping_mul(SAMPLES))
            .payload(&payload)
            .build();
        drop(socket.send_to(&packet.unwrap(), to));
        next += FRAME;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

impl Packet {
    pub fn is_tone(&self, hertz: u16) -> bool {
        matches!(self.payload_type, 0 | 8) && share(&self.samples(), hertz) > 0.6
    }

    pub fn samples(&self) -> Vec<i16> {
        self.payload.iter().map(|it| decode(self.payload_type, *it)).collect()
    }
}

pub fn decode(payload_type: u8, octet: u8) -> i16 {
    if payload_type == 8 { Law::A.decode(octet) } else { Law::Mu.decode(octet) }
}

/// The share of the energy that is at this frequency; 0 for silence.
pub fn share(samples: &[i16], hertz: u16) -> f64 {
    let energy: f64 = samples.iter().map(|it| f64::from(*it).powi(2)).sum();
    if energy < 10_000.0 * samples.len() as f64 {
        return 0.0;
    }
    let step = std::f64::consts::TAU * f64::from(hertz) / 8000.0;
    let (mut re, mut im) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        re += f64::from(*sample) * (n as f64 * step).cos();
        im += f64::from(*sample) * (n as f64 * step).sin();
    }
    2.0 * (re * re + im * im) / (energy * samples.len() as f64)
}

/// How long a tone sounds in a recording's side.
pub fn tone_in(samples: &[i16], hertz: u16) -> Duration {
    let frames = samples.chunks_exact(160).filter(|it| share(it, hertz) > 0.6);
    FRAME * frames.count() as u32
}
