//! An explanation, written out for people.

mod rooms;

use std::fmt::{self, Write};
use std::time::Duration;

use jiff::Timestamp;

use super::dial::text_of;
use super::{Act, Destination, Dialled, Explanation, Moment, Stop, Taken, Verdict};
use crate::audio::Script;
use crate::clock::Wall;
use crate::model::record::Outcome;
use crate::model::{Caller, TrackingNumber};

/// Columns of a timeline: a tenth of a second each.
const COLUMNS: usize = 80;
const COLUMN: Duration = Duration::from_millis(100);
/// Rows that a timeline may have; what is longer is only listed.
const ROWS_MAX: usize = 10;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (caller, dialled) = (named(&self.caller), &self.dialled);
        writeln!(f, "A call from {caller} to {dialled}, {}", date(self.at))?;
        match &self.verdict {
            Verdict::Unknown => writeln!(f, "  No such tracking number: refused with 404."),
            Verdict::Blocked { number } => {
                entered(f, number)?;
                writeln!(f, "  The caller is on the block list: hears busy (486), no call record.")
            }
            Verdict::Unavailable { number, retry_after } => {
                entered(f, number)?;
                writeln!(
                    f,
                    "  No usable route and no fail-safe: refused with 503, Retry-After {retry_after}."
                )
            }
            Verdict::Routed { number, fail_safe, first } => {
                entered(f, number)?;
                writeln!(f, "  The caller is not on the block list.")?;
                if *fail_safe {
                    writeln!(f, "  The number has no usable route: its fail-safe is dialled.")?;
                }
                if let Some(greeting) = &number.settings.greeting {
                    writeln!(f, "  The caller is answered and hears {}", text_of(greeting))?;
                }
                stop(f, first, "Route", 1)
            }
        }
    }
}

fn date(at: Wall) -> String {
    match Timestamp::from_microsecond(at.unix_micros()) {
        Ok(at) => at.strftime("%a %Y-%m-%d %H:%M UTC").to_string(),
        Err(_) => "outside of the calendar".to_owned(),
    }
}

fn named(caller: &Caller) -> String {
    match (caller.number.as_str(), caller.private) {
        ("", _) => "an unknown caller".to_owned(),
        (number, true) => format!("{number} (withheld)"),
        (number, false) => number.to_owned(),
    }
}

fn entered(f: &mut fmt::Formatter<'_>, number: &TrackingNumber) -> fmt::Result {
    write!(f, "  Tracking number {}", number.number)?;
    if !number.label.is_empty() {
        write!(f, ", {:?}", number.label)?;
    }
    if !number.source.is_empty() {
        write!(f, ", source {}", number.source)?;
    }
    writeln!(f, "; call settings {}.", number.settings.id)
}

fn stop(f: &mut fmt::Formatter<'_>, stop: &Stop, when: &str, depth: usize) -> fmt::Result {
    let pad = "  ".repeat(depth);
    write!(f, "{pad}{when}: {}", stop.route)?;
    match &stop.what {
        Taken::Hangup => writeln!(f),
        Taken::Loop => writeln!(f, " - a circle, cut with route_loop in the end"),
        Taken::Above => writeln!(f, " - as told above"),
        Taken::Nowhere => writeln!(f, " - it is not there: the fail-safe is dialled, if any"),
        Taken::Dial(told) => writeln!(f).and_then(|()| dial(f, told, depth + 1)),
        Taken::Queue(told) => writeln!(f).and_then(|()| rooms::waiting(f, told, depth + 1)),
        Taken::VoiceMenu(told) => writeln!(f).and_then(|()| rooms::asked(f, told, depth + 1)),
        Taken::Voicemail(told) => writeln!(f).and_then(|()| rooms::message(f, told, depth + 1)),
        Taken::SmartRouter(told) => writeln!(f).and_then(|()| rooms::ruled(f, told, depth + 1)),
        Taken::GeoRouter(told) => writeln!(f).and_then(|()| rooms::located(f, told, depth + 1)),
        Taken::VirtualAgent(told) => writeln!(f).and_then(|()| rooms::talked(f, told, depth + 1)),
    }
}

fn dial(f: &mut fmt::Formatter<'_>, dialled: &Dialled, depth: usize) -> fmt::Result {
    let pad = "  ".repeat(depth);
    for it in &dialled.left_out {
        writeln!(f, "{pad}{} is left out: {}", it.name, it.why)?;
    }
    if let Some(route) = &dialled.closed {
        return stop(f, route, "All are closed", depth);
    }
    if let Some(notice) = &dialled.notice {
        writeln!(f, "{pad}The caller is answered and hears {notice}")?;
    }
    for it in &dialled.rings {
        destination(f, it, depth)?;
    }
    for (outcomes, next) in &dialled.then {
        let outcomes: Vec<_> = outcomes.iter().map(|it| word(*it)).collect();
        stop(f, next, &format!("If nobody takes it ({})", outcomes.join(", ")), depth)?;
    }
    Ok(())
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Abandoned => "abandoned",
        Outcome::Failed => "failed",
        Outcome::InvalidNumber => "invalid number",
        Outcome::NoAnswer => "no answer",
        Outcome::Busy => "busy",
        Outcome::Declined => "declined",
        Outcome::Answered => "answered",
    }
}

fn destination(f: &mut fmt::Formatter<'_>, to: &Destination, depth: usize) -> fmt::Result {
    let pad = "  ".repeat(depth);
    let when = match (to.after_previous, to.after) {
        (false, Duration::ZERO) => "at once".to_owned(),
        (false, time) => format!("after {}", seconds(time)),
        (true, Duration::ZERO) => "when the one before has ended".to_owned(),
        (true, time) => format!("{} after the one before has ended", seconds(time)),
    };
    let ring = seconds(to.rings_for);
    writeln!(f, "{pad}{} ({}) rings {when}, for {ring} at most", to.name, to.place)?;
    let pad = "  ".repeat(depth + 1);
    let number = match to.sees.number.as_str() {
        "" => "no number",
        number => number,
    };
    write!(f, "{pad}sees {number}")?;
    if let Some(name) = &to.sees.name {
        write!(f, ", {name:?}")?;
    }
    writeln!(f)?;
    if !to.timeline.is_empty() {
        writeln!(f, "{pad}answers, and before it is connected:")?;
        listed(f, to, &format!("{pad}  "))?;
        for row in drawn(&to.timeline) {
            writeln!(f, "{pad}  {row}")?;
        }
    }
    let recorded = match to.unrecorded {
        None => "recorded".to_owned(),
        Some(why) => format!("not recorded ({why})"),
    };
    let longest = seconds(to.longest);
    writeln!(f, "{pad}connected: {recorded}, for {longest} at most ({})", to.limited_by)
}

fn listed(f: &mut fmt::Formatter<'_>, to: &Destination, pad: &str) -> fmt::Result {
    let mut since = "";
    for it in &to.timeline {
        let at = format!("{:>7}{since}", seconds(it.at));
        match (it.what, it.lasts) {
            (Act::AwaitVoice, _) => {
                writeln!(f, "{pad}{at}  waits until somebody speaks, at most 30 s")?;
                since = " after the voice";
            }
            (Act::Screening, _) => {
                writeln!(f, "{pad}{at}  is listened to for up to 8 s: a machine declines")?;
                since = " after that";
            }
            (Act::DialPause, Some(time)) => writeln!(f, "{pad}{at}  dial pause {}", seconds(time))?,
            (Act::Wait, Some(time)) => writeln!(f, "{pad}{at}  waits {}", seconds(time))?,
            (Act::Digit(digit), _) => writeln!(f, "{pad}{at}  sends {digit}")?,
            (Act::Whisper, _) => {
                let whisper = to.whisper.as_deref().unwrap_or("nothing");
                writeln!(f, "{pad}{at}  hears {whisper}")?;
                since = " after that";
            }
            (Act::Accept, _) => writeln!(f, "{pad}{at}  is asked to take the call by a key")?,
            (Act::DialPause | Act::Wait, None) => (),
        }
    }
    Ok(())
}

/// The part of a timeline whose times are known, a tenth of a second a column:
///
/// ```text
/// 0 s       1 s       2 s
/// 3...........1.9.2.8.
/// ```
fn drawn(timeline: &[Moment]) -> Vec<String> {
    let known = timeline.iter().filter(|it| it.lasts.is_some());
    let mut line = String::new();
    let mut digits = false;
    for it in known {
        let columns = |time: Duration| (time.as_millis() / COLUMN.as_millis()) as usize;
        let begin = columns(it.at);
        let rest = match it.what {
            Act::Digit(digit) => {
                digits = true;
                line.push(digit);
                columns(Script::GAP)
            }
            _ => columns(it.at + it.lasts.unwrap_or_default()).saturating_sub(begin),
        };
        line.extend(std::iter::repeat_n('.', rest));
        if COLUMNS * ROWS_MAX < line.len() {
            return Vec::new();
        }
    }
    if !digits {
        return Vec::new();
    }
    let mut rows = Vec::new();
    for (row, part) in line.as_bytes().chunks(COLUMNS).enumerate() {
        let mut scale = String::new();
        for second in (0..part.len()).step_by(10) {
            _ = write!(scale, "{:<10}", format!("{} s", (row * COLUMNS + second) / 10));
        }
        rows.push(scale.trim_end().to_owned());
        rows.push(String::from_utf8_lossy(part).into_owned());
    }
    rows
}

/// `45 s`, `0.5 s`, `4 h`, `30 days`.
pub(super) fn seconds(time: Duration) -> String {
    match (time.as_secs(), time.subsec_millis()) {
        (whole, 0) if 172_800 <= whole && whole % 86_400 == 0 => format!("{} days", whole / 86_400),
        (whole, 0) if 3600 <= whole && whole % 3600 == 0 => format!("{} h", whole / 3600),
        (whole, 0) if 120 <= whole && whole % 60 == 0 => format!("{} min", whole / 60),
        (whole, 0) => format!("{whole} s"),
        _ => format!("{} s", time.as_millis() as f64 / 1000.0),
    }
}
