//! Calls, counted, from the counts that are kept up with the records ([`counts`](super::counts)):
//! the time that is asked for is cut into the longest pieces that there are counts of. What is left
//! at its ends is counted call by call, and so are days that begin within a quarter of an hour.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::counts::{self, ALL, COUNTED, Counts, DAY, Grain, HOUR, ONE_BY_ONE, QUARTER, What};
use super::sql::{Session, Value};
use super::{By, Figure, Figures, Statistics, StoreError};

/// Names or times that one answer has at most: those with the most calls, or the latest ones. The
/// others are counted in the totals only.
const ROWS_MAX: usize = 10_000;

pub async fn figures(it: &mut dyn Session, ask: &Statistics) -> Result<Figures, StoreError> {
    let (from, to) = (ask.from.unix_micros(), ask.to.unix_micros());
    let until = counts::until(it).await?.saturating_mul(HOUR);
    let mut sums = Sums { by: ask.by, rows: BTreeMap::new(), totals: Counts::default() };
    for (from, to, offset) in stretches(from, to, ask) {
        // From some hour on there may be counts of hours only.
        for (from, to, grains) in [
            (from, to.min(until), grains(ask.by, offset)),
            (from.max(until), to, grains(ask.by, offset) & HOURS),
        ] {
            let mut pieces = Vec::new();
            cut(from, to, grains, &mut pieces);
            for piece in pieces {
                sums.add(it, &piece, offset).await?;
            }
        }
    }
    Ok(sums.figures())
}

/// Lengths of counts, as bits.
type Grains = u8;
const QUARTERS: Grains = 1;
const HOURS: Grains = 2;
const DAYS: Grains = 4;
const SPANS: Grains = 8;

/// Those that can be added up to what is asked for.
fn grains(by: By, offset: i64) -> Grains {
    match by {
        By::Day if offset % HOUR == 0 => HOURS,
        By::Day if offset % QUARTER == 0 => QUARTERS,
        By::Day => 0,
        By::Hour => HOURS,
        By::Source | By::TrackingNumber | By::Agent | By::Outcome => HOURS | DAYS | SPANS,
    }
}

/// Times in which the offset of the zone from UTC stays the same: from, to, offset. Only days ask
/// for it.
fn stretches(from: i64, to: i64, ask: &Statistics) -> Vec<(i64, i64, i64)> {
    if ask.by != By::Day {
        return vec![(from, to, 0)];
    }
    let (mut stretches, mut from) = (Vec::new(), from);
    while from < to {
        let at = timestamp(from);
        let offset = i64::from(ask.zone.to_offset(at).seconds()) * 1_000_000;
        let mut next = ask.zone.following(at);
        let other = |it: &jiff::tz::TimeZoneTransition<'_>| {
            i64::from(it.offset().seconds()) * 1_000_000 != offset
        };
        let next = next.find(other).map_or(to, |it| it.timestamp().as_microsecond());
        let end = if from < next { next.min(to) } else { to };
        stretches.push((from, end, offset));
        from = end;
    }
    stretches
}

fn timestamp(micros: i64) -> Timestamp {
    let end = if micros < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_microsecond(micros).unwrap_or(end)
}

/// A time of which the calls are in counts of one length; or, without, are counted one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    grain: Option<Grain>,
    from: i64,
    to: i64,
}

/// Cuts a time into the longest pieces, none of them empty.
fn cut(from: i64, to: i64, grains: Grains, pieces: &mut Vec<Piece>) {
    if to <= from {
        return;
    }
    let longest = [
        (SPANS, Grain::Span),
        (DAYS, Grain::Day),
        (HOURS, Grain::Hour),
        (QUARTERS, Grain::Quarter),
    ];
    let Some((bit, grain)) = longest.into_iter().find(|it| grains & it.0 != 0) else {
        return pieces.push(Piece { grain: None, from, to });
    };
    let size = grain.micros();
    let first = from.saturating_add((size - from.rem_euclid(size)) % size);
    let last = to.saturating_sub(to.rem_euclid(size));
    if last <= first {
        return cut(from, to, grains & !bit, pieces);
    }
    cut(from, first, grains & !bit, pieces);
    pieces.push(Piece { grain: Some(grain), from: first, to: last });
    cut(last, to, grains & !bit, pieces);
}

struct Sums {
    by: By,
    rows: BTreeMap<String, Counts>,
    totals: Counts,
}

impl Sums {
    async fn add(
        &mut self,
        it: &mut dyn Session,
        piece: &Piece,
        offset: i64,
    ) -> Result<(), StoreError> {
        let (sql, values) = self.statement(piece, offset);
        for row in it.rows(&sql, values).await? {
            let key = match self.by {
                By::Hour => hour(row.number(0)?),
                By::Day => day(row.number(0)?),
                _ => row.string(0)?,
            };
            let counts = Counts::of_row(&row, 1)?;
            self.rows.entry(key).or_default().add(counts, 1);
            self.totals.add(counts, 1);
        }
        Ok(())
    }

    /// The sums of a piece by their name, or by the number of their hour or day.
    fn statement(&self, piece: &Piece, offset: i64) -> (String, Vec<Value>) {
        let (what, name) = what(self.by);
        let (table, time, unit) = match piece.grain {
            None => ("records", "received_at", 1),
            Some(Grain::Hour) => ("hours", "hour", HOUR),
            Some(grain) => ("counts", "at", grain.micros()),
        };
        let key = match self.by {
            By::Hour => counts::divided(&format!("{time} * {unit}"), HOUR),
            By::Day => counts::divided(&format!("{time} * {unit} + {offset}"), DAY),
            _ if piece.grain.is_none() => name.to_owned(),
            _ => "name".to_owned(),
        };
        let sums = counts::sums(if piece.grain.is_none() { ONE_BY_ONE } else { COUNTED });
        let mut values: Vec<Value> = vec![(piece.from / unit).into(), (piece.to / unit).into()];
        let mut which = format!("$1 <= {time} AND {time} < $2");
        match piece.grain {
            None => which += " AND outcome <> 'in_progress'",
            Some(grain) => {
                values.push(what.into());
                which += " AND what = $3";
                if grain != Grain::Hour {
                    values.push(grain.number().into());
                    which += " AND grain = $4";
                }
            }
        }
        (format!("SELECT {key}, {sums} FROM {table} WHERE {which} GROUP BY 1"), values)
    }

    fn figures(self) -> Figures {
        let rows = self.rows.into_iter().filter(|it| it.1 != Counts::default());
        let mut rows: Vec<Figure> = rows.map(|(key, counts)| counts.figure(key)).collect();
        if !matches!(self.by, By::Hour | By::Day) {
            rows.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.key.cmp(&b.key)));
        }
        match self.by {
            By::Hour | By::Day => drop(rows.drain(..rows.len().saturating_sub(ROWS_MAX))),
            _ => rows.truncate(ROWS_MAX),
        }
        Figures { rows, totals: self.totals.figure(String::new()) }
    }
}

/// Which counts are asked for, and which column of a record has the name.
fn what(by: By) -> (What, &'static str) {
    match by {
        By::Hour | By::Day => (ALL, ""),
        By::Source => (1, "source"),
        By::TrackingNumber => (2, "tracking_number"),
        By::Agent => (3, "agent"),
        By::Outcome => (4, "outcome"),
    }
}

fn hour(number: i64) -> String {
    timestamp(number.saturating_mul(HOUR)).strftime("%Y-%m-%dT%H:00Z").to_string()
}

fn day(number: i64) -> String {
    timestamp(number.saturating_mul(DAY)).strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;

    fn pieces(from: i64, to: i64, grains: Grains) -> Vec<(Option<Grain>, i64, i64)> {
        let mut pieces = Vec::new();
        cut(from, to, grains, &mut pieces);
        pieces.into_iter().map(|it| (it.grain, it.from, it.to)).collect()
    }

    #[test]
    fn a_time_is_cut_into_the_longest_pieces_without_gap_or_overlap() {
        use Grain::{Day, Hour, Span};
        let all = HOURS | DAYS | SPANS;
        let span = Grain::Span.micros();
        assert_eq!(pieces(0, 3 * span, all), [(Some(Span), 0, 3 * span)]);
        assert_eq!(
            pieces(-1, span + DAY + 2 * HOUR + 7, all),
            [
                (None, -1, 0),
                (Some(Span), 0, span),
                (Some(Day), span, span + DAY),
                (Some(Hour), span + DAY, span + DAY + 2 * HOUR),
                (None, span + DAY + 2 * HOUR, span + DAY + 2 * HOUR + 7),
            ]
        );
        assert_eq!(pieces(5, 5, all), []);
        assert_eq!(pieces(9, 5, all), []);
        assert_eq!(pieces(0, HOUR, 0), [(None, 0, HOUR)]);
        for (from, to) in [(-3 * span - 17, 2 * span + 1), (HOUR - 1, HOUR + 1), (1, DAY - 1)] {
            let pieces = pieces(from, to, all);
            assert_eq!((pieces[0].1, pieces[pieces.len() - 1].2), (from, to));
            assert!(pieces.windows(2).all(|it| it[0].2 == it[1].1), "{pieces:?}");
            for (grain, from, to) in pieces {
                let size = grain.map_or(1, Grain::micros);
                assert_eq!((from % size, to % size), (0, 0));
            }
        }
    }

    #[test]
    fn a_day_has_the_offset_that_its_zone_has_then() {
        let ask = |zone: &str| Statistics {
            from: crate::clock::Wall::default(),
            to: crate::clock::Wall::default(),
            by: By::Day,
            zone: TimeZone::get(zone).unwrap(),
        };
        // 2026 in New York: winter, summer from 8 March 07:00 to 1 November 06:00, winter.
        let (from, to) = (1_767_225_600_000_000, 1_798_761_600_000_000);
        let told = stretches(from, to, &ask("America/New_York"));
        let hours: Vec<_> = told.iter().map(|it| it.2 / HOUR).collect();
        assert_eq!(hours, [-5, -4, -5]);
        assert_eq!((told[0].1, told[1].1), (1_772_953_200_000_000, 1_793_512_800_000_000));
        assert_eq!(told[2].1, to);
        let kolkata = stretches(from, to, &ask("Asia/Kolkata"));
        assert_eq!(kolkata, [(from, to, 5 * HOUR + 2 * QUARTER)]);
        assert_eq!(stretches(i64::MIN, i64::MIN + 1, &ask("UTC")).len(), 1);
        assert_eq!(stretches(to, from, &ask("UTC")), []);
    }
}
