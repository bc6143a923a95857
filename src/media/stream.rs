//! A leg in conversation with a program, such as a virtual agent (PRODUCT section 9).
//!
//! ```text
//!   leg's packets --> Tap: frames of 20 ms, one after the other --> program
//!   program's sound --> Playout: at most a minute, marks in it --> leg's stream, on its 20 ms tick
//! ```
//! Both sides are mu-law at 8 kHz here, whatever law the leg speaks. How the program is reached is
//! the shell's.

mod playout;
mod tap;

use std::sync::Arc;

use self::playout::Playout;
use self::tap::Tap;
use super::{FRAME, Outlet, Samples, Say, Unheard};
use crate::audio::{Law, StreamId, Tone};
use crate::clock::Instant;
use crate::rtp::Stamp;

/// What a program gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strand<'a> {
    /// 20 ms of the leg's voice, mu-law; `at` is milliseconds of voice since the stream began.
    Frame { at: u64, octets: &'a [u8; FRAME] },
    /// All that the program said before it set this mark was heard, or was cleared.
    Mark(&'a Arc<str>),
}

/// One leg's conversation.
#[derive(Clone, Debug)]
pub(super) struct Stream {
    pub id: StreamId,
    playout: Playout,
    tap: Tap,
    failed: bool,
    /// A beep that sounds over it, and for how many ticks yet.
    beep: Option<(Tone, u8)>,
}

/// The warning that its time is nearly over, as in a talk between people: 1400 Hz for 200 ms.
const BEEP: (u16, u8) = (1400, 10);

impl Stream {
    pub fn new(id: StreamId, now: Instant) -> Self {
        Self { id, playout: Playout::default(), tap: Tap::new(now), failed: false, beep: None }
    }

    /// The program says something; keys are the session's to press.
    pub fn say(&mut self, say: &Say) -> Result<(), Unheard> {
        match say {
            Say::Voice(octets) => self.playout.put(octets),
            Say::Mark(name) => self.playout.mark(name),
            Say::Clear => {
                self.playout.clear();
                Ok(())
            }
            Say::Key(_) => Ok(()),
        }
    }

    /// Beeps over what the program says.
    pub fn beep(&mut self) {
        let (hertz, ticks) = BEEP;
        self.beep = Some((Tone::beep(hertz), ticks));
    }

    /// The next 20 ms of what the program says; `false` if that is silence.
    pub fn speak(&mut self, samples: &mut Samples) -> bool {
        let speaks = self.playout.take(samples);
        let Some((tone, left)) = &mut self.beep else { return speaks };
        let mut beep = [0; FRAME];
        tone.fill(&mut beep);
        for (sample, beep) in samples.iter_mut().zip(beep) {
            *sample = if speaks { *sample / 2 } else { 0 }.saturating_add(beep);
        }
        *left -= 1;
        if *left == 0 {
            self.beep = None;
        }
        true
    }

    /// The leg says something.
    pub fn hear(
        &mut self,
        law: Law,
        stamp: &Stamp,
        octets: &[u8],
        now: Instant,
        out: &mut dyn Outlet,
    ) {
        let id = self.id;
        self.tap.hear(law, stamp, octets, now, &mut |at, octets| {
            out.stream(id, Strand::Frame { at, octets });
        });
    }

    /// Tells the program what is due: marks that were reached, and silence of the leg.
    pub fn tell(&mut self, now: Instant, out: &mut dyn Outlet) {
        while let Some(mark) = self.playout.reached() {
            out.stream(self.id, Strand::Mark(&mark));
        }
        let id = self.id;
        self.tap.fill(now, &mut |at, octets| out.stream(id, Strand::Frame { at, octets }));
    }

    /// Whether this is the first failure.
    pub fn fails(&mut self) -> bool {
        !std::mem::replace(&mut self.failed, true)
    }
}
