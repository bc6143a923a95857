//! Draws who said what to whom as a ladder: a column for each party, an arrow for each message.

use std::fmt::Write;
use std::net::SocketAddr;

use crate::clock::Instant;

/// Width of one column.
const COLUMN: usize = 18;

/// What happened, in order.
pub struct Ladder {
    parties: Vec<(SocketAddr, String)>,
    rows: Vec<Row>,
}

struct Row {
    at: Instant,
    what: What,
}

enum What {
    Arrow { from: usize, to: usize, label: String },
    Note { at: usize, text: String },
}

impl Ladder {
    pub fn new(parties: Vec<(SocketAddr, String)>) -> Self {
        Self { parties, rows: Vec::new() }
    }

    /// Takes note of a SIP message; what is not SIP, or between strangers, is left out.
    pub fn message(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8], at: Instant) {
        let find = |address| self.parties.iter().position(|(it, _)| *it == address);
        if let (Some(from), Some(to), Some(label)) = (find(from), find(to), label(bytes))
            && from != to
        {
            self.rows.push(Row { at, what: What::Arrow { from, to, label } });
        }
    }

    /// A remark under one party.
    pub fn note(&mut self, party: SocketAddr, text: impl Into<String>, at: Instant) {
        if let Some(column) = self.parties.iter().position(|(it, _)| *it == party) {
            self.rows.push(Row { at, what: What::Note { at: column, text: text.into() } });
        }
    }

    /// The heading: one name a column.
    pub fn heading(&self) -> String {
        let mut text = " ".repeat(10);
        for (_, name) in &self.parties {
            let _ = write!(text, "{name:^COLUMN$}");
        }
        text.trim_end().to_owned()
    }

    /// The rows from number `first` on, one line each, without line ends.
    pub fn lines(&self, first: usize) -> Vec<String> {
        self.rows.iter().skip(first).map(|row| self.line(row)).collect()
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The whole ladder.
    pub fn text(&self) -> String {
        let mut text = self.heading();
        for line in self.lines(0) {
            text.push('\n');
            text.push_str(&line);
        }
        text.push('\n');
        text
    }

    fn line(&self, row: &Row) -> String {
        let seconds = row.at.since(Instant::START).as_secs_f64();
        let mut cells: Vec<char> = vec![' '; COLUMN * self.parties.len() + COLUMN];
        for n in 0..self.parties.len() {
            cells[middle(n)] = '|';
        }
        let mut after = String::new();
        match &row.what {
            What::Arrow { from, to, label } => {
                let (left, right) = (middle(*from.min(to)) + 1, middle(*from.max(to)));
                for cell in cells.iter_mut().take(right).skip(left) {
                    *cell = '-';
                }
                if from < to {
                    cells[right - 1] = '>';
                } else {
                    cells[left] = '<';
                }
                let room = right - left;
                let label: Vec<char> = label.chars().take(room.saturating_sub(4)).collect();
                let start = left + (room - label.len()) / 2;
                cells[start..start + label.len()].copy_from_slice(&label);
            }
            What::Note { at, text } => {
                let start = middle(*at) + 2;
                cells.truncate(start);
                after.clone_from(text);
            }
        }
        let drawn: String = cells.into_iter().collect();
        format!("{seconds:9.3} {}", format!("{drawn}{after}").trim_end())
    }
}

fn middle(column: usize) -> usize {
    column * COLUMN + COLUMN / 2
}

/// The method, or the status and its phrase.
fn label(bytes: &[u8]) -> Option<String> {
    let line = bytes.split(|it| *it == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?;
    if let Some(rest) = line.strip_prefix("SIP/2.0 ") {
        return Some(rest.to_owned());
    }
    let sdp = bytes.windows(4).any(|it| it == b"v=0\r");
    let method = line.strip_suffix(" SIP/2.0")?.split(' ').next()?;
    Some(if sdp { format!("{method} (sdp)") } else { method.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_point_from_the_sender_to_the_receiver() {
        let a: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let b: SocketAddr = "127.0.0.1:2".parse().unwrap();
        let mut ladder = Ladder::new(vec![(a, "carrier".into()), (b, "edge".into())]);
        ladder.message(a, b, b"INVITE sip:x SIP/2.0\r\n\r\n", Instant::from_micros(5000));
        ladder.message(b, a, b"SIP/2.0 180 Ringing\r\n\r\n", Instant::from_micros(9000));
        ladder.message(a, b, b"\x80\x00", Instant::START);
        let lines = ladder.lines(0);
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0], "    0.005          |-----INVITE----->|");
        assert_eq!(lines[1], "    0.009          |<--180 Ringing---|");
    }
}
