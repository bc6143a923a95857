//! How a simulated phone behaves when it is rung, and what it lived through.

use std::time::Duration;

/// What a phone does when it is rung.
#[derive(Clone, Debug)]
pub struct Manners {
    pub ring_after: Duration,
    pub reply: Reply,
    /// How long after it answered it hangs up.
    pub hang_up_after: Option<Duration>,
    /// How long it speaks after it answered; then it listens, and sends silence. Always if not.
    pub greets_for: Option<Duration>,
    /// Keys pressed so long after it answered.
    pub presses: Vec<(Duration, char)>,
    /// It knows no telephone events: its keys are tones in its voice.
    pub no_events: bool,
    /// What it speaks.
    pub codecs: Codecs,
    /// A CANCEL is answered with the 200 to the INVITE, as if the two had crossed.
    pub answers_when_cancelled: bool,
    /// Instead of ringing it sends audio before it answers (183 with a session).
    pub early_media: bool,
    /// So many 200s to its own INVITE it does not acknowledge.
    pub slow_to_acknowledge: u32,
}

/// What a phone speaks, the best first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Codecs {
    #[default]
    G711,
    /// Opus rather than G.711. (Its voice is none that anybody could decode.)
    OpusFirst,
    OpusOnly,
}

/// How a phone ends its ringing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    AnswerAfter(Duration),
    RefuseAfter(Duration, u16),
    /// Rings for three minutes, then refuses.
    Never,
    /// Does not send a byte, whatever comes.
    Dead,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            ring_after: Duration::from_millis(20),
            reply: Reply::AnswerAfter(Duration::from_secs(1)),
            hang_up_after: None,
            greets_for: None,
            presses: Vec::new(),
            no_events: false,
            codecs: Codecs::G711,
            answers_when_cancelled: false,
            early_media: false,
            slow_to_acknowledge: 0,
        }
    }
}

/// What a phone lived through, for the story's end and for the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// It was rung (an INVITE came).
    Rung,
    /// It answered.
    Answered,
    /// Its 200 was acknowledged.
    Acknowledged,
    Cancelled,
    /// The other side hung up.
    HungUpOn,
    /// It hung up.
    HangsUp,
    /// Its call was told to ring, progress, or a final status.
    Told(u16),
    /// What was said to its wish to put the other side through (REFER).
    Referred(u16),
    /// What it was told of that (NOTIFY): the status of who was rung.
    Notified(u16),
    /// What was said to its offer within the call.
    Changed(u16),
    /// The other side offered something within the call, and whether we may send now.
    Offered {
        may_send: bool,
    },
}
