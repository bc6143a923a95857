//! The payload of a telephone event (RFC 4733 section 2.3).
//!
//! ```text
//! | event, 8 bits | E | R | volume, 6 bits | duration, 16 bits |
//! ```

/// One report of an event under way.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// RFC 4733 section 3.2: 0-9, 10 = `*`, 11 = `#`, 12-15 = A-D; others are not keys.
    pub code: u8,
    /// The event is over.
    pub end: bool,
    /// Power level below 0 dBm0, 0-63.
    pub volume: u8,
    /// How long it has lasted, in timestamp units.
    pub duration: u16,
}

impl Event {
    /// Reads the first event of a payload: when several are packed into one packet (section
    /// 2.5.1.5) or the payload is padded, the rest is left alone.
    pub fn read(payload: &[u8]) -> Option<Self> {
        let [code, flags, high, low] = *payload.first_chunk::<4>()?;
        Some(Self {
            code,
            end: flags & 0x80 != 0,
            volume: flags & 0x3f,
            duration: u16::from_be_bytes([high, low]),
        })
    }

    /// The payload of a packet that carries this report.
    pub fn payload(self) -> [u8; 4] {
        let [high, low] = self.duration.to_be_bytes();
        [self.code, u8::from(self.end) << 7 | self.volume & 0x3f, high, low]
    }
}

/// Keys are never printed by accident.
impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Event(_, end {}, {})", self.end, self.duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_reads_back() {
        let event = Event { code: 11, end: true, volume: 10, duration: 800 };
        assert_eq!(event.payload(), [11, 0x8a, 0x03, 0x20]);
        assert_eq!(Event::read(&event.payload()), Some(event));
    }

    #[test]
    fn the_reserved_bit_and_trailing_octets_do_not_matter() {
        let event = Event::read(&[1, 0x4a, 0, 160, 9, 9]).unwrap();
        assert_eq!(event, Event { code: 1, end: false, volume: 10, duration: 160 });
    }

    #[test]
    fn a_short_payload_is_no_event() {
        assert_eq!(Event::read(&[1, 0x8a, 0]), None);
    }

    #[test]
    fn a_key_is_not_printed() {
        let event = Event { code: 7, end: false, volume: 10, duration: 160 };
        assert!(!format!("{event:?}").contains('7'));
    }
}
