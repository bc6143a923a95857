//! An explanation, drawn: line by line as text, or as a tree of steps for programs. It is written
//! once, on a [`Sheet`]; text and tree are two ways to read that.

mod rooms;

use std::fmt::{self, Write};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

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

/// One step of an explanation, and what comes under it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Node {
    /// `call`, `fact`, `left_out`, `destination`, `member`, `moment`, `drawing`, or a route's kind:
    /// `dial`, `queue`, ...
    pub kind: &'static str,
    pub title: String,
    /// The queue, menu, .. or destination that this is; the title says it, too.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// When, or why: of a route, what leads to it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Node>,
}

/// Lines, each so many steps in.
#[derive(Default)]
struct Sheet {
    lines: Vec<Line>,
}

struct Line {
    depth: usize,
    kind: &'static str,
    title: String,
    name: String,
    /// Stands before the title, with a colon.
    detail: String,
}

impl Sheet {
    fn fact(&mut self, depth: usize, text: impl Into<String>) {
        self.line(depth, "fact", text);
    }

    fn line(&mut self, depth: usize, kind: &'static str, text: impl Into<String>) {
        self.named(depth, kind, "", text);
    }

    fn named(&mut self, depth: usize, kind: &'static str, name: &str, text: impl Into<String>) {
        let (title, name, detail) = (text.into(), name.to_owned(), String::new());
        self.lines.push(Line { depth, kind, title, name, detail });
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in drawn_up(self).lines {
            f.write_str(&"  ".repeat(line.depth))?;
            if !line.detail.is_empty() {
                write!(f, "{}: ", line.detail)?;
            }
            writeln!(f, "{}", line.title)?;
        }
        Ok(())
    }
}

impl Explanation {
    /// The steps as a tree; the first is the call.
    pub fn tree(&self) -> Node {
        let mut open: Vec<Node> = Vec::new();
        for line in drawn_up(self).lines {
            while line.depth.max(1) < open.len() {
                close(&mut open);
            }
            let Line { kind, title, name, detail, .. } = line;
            let title = if kind == "drawing" { title } else { title.trim().to_owned() };
            open.push(Node { kind, title, name, detail, children: Vec::new() });
        }
        while 1 < open.len() {
            close(&mut open);
        }
        open.pop().unwrap_or_default()
    }
}

/// The last of these belongs to the one before.
fn close(open: &mut Vec<Node>) {
    if let Some(node) = open.pop()
        && let Some(parent) = open.last_mut()
    {
        parent.children.push(node);
    }
}

fn drawn_up(told: &Explanation) -> Sheet {
    let mut sheet = Sheet::default();
    let (caller, dialled) = (named(&told.caller), &told.dialled);
    sheet.line(0, "call", format!("A call from {caller} to {dialled}, {}", date(told.at)));
    match &told.verdict {
        Verdict::Unknown => sheet.fact(1, "No such tracking number: refused with 404."),
        Verdict::Blocked { number } => {
            sheet.fact(1, entered(number));
            sheet.fact(1, "The caller is on the block list: hears busy (486), no call record.");
        }
        Verdict::Unavailable { number, retry_after } => {
            sheet.fact(1, entered(number));
            sheet.fact(
                1,
                format!(
                    "No usable route and no fail-safe: refused with 503, Retry-After {retry_after}."
                ),
            );
        }
        Verdict::Routed { number, fail_safe, first } => {
            sheet.fact(1, entered(number));
            sheet.fact(1, "The caller is not on the block list.");
            if *fail_safe {
                sheet.fact(1, "The number has no usable route: its fail-safe is dialled.");
            }
            if let Some(greeting) = &number.settings.greeting {
                let heard = text_of(greeting);
                sheet.fact(1, format!("The caller is answered and hears {heard}"));
            }
            stop(&mut sheet, first, "Route", 1);
        }
    }
    sheet
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

fn entered(number: &TrackingNumber) -> String {
    let mut text = format!("Tracking number {}", number.number);
    if !number.label.is_empty() {
        _ = write!(text, ", {:?}", number.label);
    }
    if !number.source.is_empty() {
        _ = write!(text, ", source {}", number.source);
    }
    _ = write!(text, "; call settings {}.", number.settings.id);
    text
}

fn stop(sheet: &mut Sheet, stop: &Stop, when: &str, depth: usize) {
    let mut title = stop.route.clone();
    title += match &stop.what {
        Taken::Loop => " - a circle, cut with route_loop in the end",
        Taken::Above => " - as told above",
        Taken::Nowhere => " - it is not there: the fail-safe is dialled, if any",
        _ => "",
    };
    let name = match stop.kind {
        "dial" | "hangup" => "",
        kind => stop.route.strip_prefix(kind).unwrap_or_default().trim_start(),
    };
    let (kind, name, detail) = (stop.kind, name.to_owned(), when.to_owned());
    sheet.lines.push(Line { depth, kind, title, name, detail });
    match &stop.what {
        Taken::Hangup | Taken::Loop | Taken::Above | Taken::Nowhere => (),
        Taken::Dial(told) => dial(sheet, told, depth + 1),
        Taken::Queue(told) => rooms::waiting(sheet, told, depth + 1),
        Taken::VoiceMenu(told) => rooms::asked(sheet, told, depth + 1),
        Taken::Voicemail(told) => rooms::message(sheet, told, depth + 1),
        Taken::SmartRouter(told) => rooms::ruled(sheet, told, depth + 1),
        Taken::GeoRouter(told) => rooms::located(sheet, told, depth + 1),
        Taken::VirtualAgent(told) => rooms::talked(sheet, told, depth + 1),
    }
}

fn dial(sheet: &mut Sheet, dialled: &Dialled, depth: usize) {
    for it in &dialled.left_out {
        sheet.line(depth, "left_out", format!("{} is left out: {}", it.name, it.why));
    }
    if let Some(route) = &dialled.closed {
        return stop(sheet, route, "All are closed", depth);
    }
    if let Some(notice) = &dialled.notice {
        sheet.fact(depth, format!("The caller is answered and hears {notice}"));
    }
    for it in &dialled.rings {
        destination(sheet, it, depth);
    }
    for (outcomes, next) in &dialled.then {
        let outcomes: Vec<_> = outcomes.iter().map(|it| word(*it)).collect();
        stop(sheet, next, &format!("If nobody takes it ({})", outcomes.join(", ")), depth);
    }
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

fn destination(sheet: &mut Sheet, to: &Destination, depth: usize) {
    let when = match (to.after_previous, to.after) {
        (false, Duration::ZERO) => "at once".to_owned(),
        (false, time) => format!("after {}", seconds(time)),
        (true, Duration::ZERO) => "when the one before has ended".to_owned(),
        (true, time) => format!("{} after the one before has ended", seconds(time)),
    };
    let ring = seconds(to.rings_for);
    let title = format!("{} ({}) rings {when}, for {ring} at most", to.name, to.place);
    sheet.named(depth, "destination", &to.name, title);
    let number = match to.sees.number.as_str() {
        "" => "no number",
        number => number,
    };
    let name = to.sees.name.as_ref().map(|it| format!(", {it:?}")).unwrap_or_default();
    sheet.fact(depth + 1, format!("sees {number}{name}"));
    if !to.timeline.is_empty() {
        sheet.fact(depth + 1, "answers, and before it is connected:");
        listed(sheet, to, depth + 2);
        for row in drawn(&to.timeline) {
            sheet.line(depth + 2, "drawing", row);
        }
    }
    let recorded = match to.unrecorded {
        None => "recorded".to_owned(),
        Some(why) => format!("not recorded ({why})"),
    };
    let longest = seconds(to.longest);
    let text = format!("connected: {recorded}, for {longest} at most ({})", to.limited_by);
    sheet.fact(depth + 1, text);
}

fn listed(sheet: &mut Sheet, to: &Destination, depth: usize) {
    let mut since = "";
    for it in &to.timeline {
        let at = format!("{:>7}{since}", seconds(it.at));
        let what = match (it.what, it.lasts) {
            (Act::AwaitVoice, _) => {
                since = " after the voice";
                "waits until somebody speaks, at most 30 s".to_owned()
            }
            (Act::Screening, _) => {
                since = " after that";
                "is listened to for up to 8 s: a machine declines".to_owned()
            }
            (Act::DialPause, Some(time)) => format!("dial pause {}", seconds(time)),
            (Act::Wait, Some(time)) => format!("waits {}", seconds(time)),
            (Act::Digit(digit), _) => format!("sends {digit}"),
            (Act::Whisper, _) => {
                since = " after that";
                format!("hears {}", to.whisper.as_deref().unwrap_or("nothing"))
            }
            (Act::Accept, _) => "is asked to take the call by a key".to_owned(),
            (Act::DialPause | Act::Wait, None) => continue,
        };
        sheet.line(depth, "moment", format!("{at}  {what}"));
    }
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
