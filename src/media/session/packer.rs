//! Cuts the 20 ms frames of a player into packets as long as the far end wants them (RFC 8866
//! section 6.4, `ptime`).

use crate::media::{FRAME, TICK};

/// Octets on their way into a packet. Empty between ticks when packets are 20 ms long.
#[derive(Debug)]
pub(super) struct Packer {
    /// Octets in a packet.
    length: usize,
    octets: Vec<u8>,
}

impl Default for Packer {
    fn default() -> Self {
        Self { length: FRAME, octets: Vec::new() }
    }
}

impl Packer {
    /// Octets of G.711 in a millisecond.
    const MS: usize = FRAME / TICK.as_millis() as usize;
    /// Longest packet.
    pub const LONGEST: usize = 60 * Self::MS;

    /// Packets of this many milliseconds: 10, 20, 30, 40 or 60; 20 instead of anything else.
    pub fn set(&mut self, ptime: u8) {
        self.length = match ptime {
            10 | 30 | 40 | 60 => usize::from(ptime) * Self::MS,
            _ => FRAME,
        };
        self.octets.clear();
    }

    pub fn clear(&mut self) {
        self.octets.clear();
    }

    /// Adds a frame and calls `send` for each packet that is full with it.
    pub fn pack(&mut self, frame: &[u8], mut send: impl FnMut(&[u8])) {
        if self.length == frame.len() && self.octets.is_empty() {
            return send(frame);
        }
        self.octets.extend_from_slice(frame);
        while self.length <= self.octets.len() {
            send(&self.octets[..self.length]);
            self.octets.drain(..self.length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(ptime: u8, frames: usize) -> Vec<Vec<usize>> {
        let mut packer = Packer::default();
        packer.set(ptime);
        (0..frames)
            .map(|_| {
                let mut sent = Vec::new();
                packer.pack(&[0; FRAME], |it| sent.push(it.len()));
                sent
            })
            .collect()
    }

    #[test]
    fn packets_are_as_long_as_wanted_and_none_of_the_sound_is_lost() {
        assert_eq!(lengths(20, 2), [[160], [160]]);
        assert_eq!(lengths(10, 2), [[80, 80], [80, 80]]);
        assert_eq!(lengths(40, 4), [vec![], vec![320], vec![], vec![320]]);
        assert_eq!(lengths(30, 3), [vec![], vec![240], vec![240]]);
        assert_eq!(lengths(60, 3), [vec![], vec![], vec![480]]);
        assert_eq!(lengths(33, 1), [[160]], "nothing odd");
    }
}
