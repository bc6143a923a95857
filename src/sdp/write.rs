//! Our own descriptions, as text. The only place that writes SDP.

use std::fmt::Write;
use std::net::SocketAddr;

use bytes::Bytes;

use super::codec;
use super::{Direction, Offered};

/// What a description of ours says, but for its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ours {
    pub direction: Direction,
    /// One for each `m=` line of the session so far; exactly one is the audio.
    pub slots: Vec<Slot>,
    pub codecs: Vec<Offered>,
    pub events: Vec<Offered>,
    /// Milliseconds.
    pub ptime: u8,
}

/// One `m=` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    Audio,
    /// The audio, switched off by the far end: port 0 until it is wanted again.
    Off,
    /// Port 0, with the kind, protocol and one format of the far end's line.
    Refused(Box<str>, Box<str>, Box<str>),
}

impl Ours {
    pub fn text(&self, id: u64, version: u64, local: SocketAddr) -> Bytes {
        let mut text = String::with_capacity(512);
        // Writing into a String cannot fail.
        let _ = self.write(&mut text, id, version, local);
        Bytes::from(text)
    }

    fn write(
        &self,
        text: &mut String,
        id: u64,
        version: u64,
        local: SocketAddr,
    ) -> std::fmt::Result {
        let family = if local.is_ipv4() { "IP4" } else { "IP6" };
        let ip = local.ip();
        write!(text, "v=0\r\no=- {id} {version} IN {family} {ip}\r\ns=-\r\n")?;
        write!(text, "c=IN {family} {ip}\r\nt=0 0\r\n")?;
        for slot in &self.slots {
            match slot {
                Slot::Audio => self.write_audio(text, local.port())?,
                Slot::Off => self.write_off(text)?,
                Slot::Refused(kind, protocol, format) => {
                    write!(text, "m={kind} 0 {protocol} {format}\r\n")?;
                }
            }
        }
        Ok(())
    }

    fn write_off(&self, text: &mut String) -> std::fmt::Result {
        write!(text, "m=audio 0 RTP/AVP")?;
        self.codecs.iter().take(1).try_for_each(|it| write!(text, " {}", it.payload_type))?;
        write!(text, "\r\n")
    }

    fn write_audio(&self, text: &mut String, port: u16) -> std::fmt::Result {
        let formats = || self.codecs.iter().chain(&self.events);
        write!(text, "m=audio {port} RTP/AVP")?;
        formats().try_for_each(|it| write!(text, " {}", it.payload_type))?;
        write!(text, "\r\n")?;
        for it in formats() {
            let name = codec::spelling(&it.name);
            write!(text, "a=rtpmap:{} {name}/{}", it.payload_type, it.clock)?;
            if it.channels != 1 {
                write!(text, "/{}", it.channels)?;
            }
            write!(text, "\r\n")?;
            if let Some(fmtp) = &it.fmtp {
                write!(text, "a=fmtp:{} {fmtp}\r\n", it.payload_type)?;
            }
        }
        write!(text, "a=ptime:{}\r\na={}\r\n", self.ptime, self.direction.as_str())
    }
}
