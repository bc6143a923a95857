//! Schedules, from the texts they are written as.

use std::ops::Range;

use crate::config::error::{Wrong, guess};
use crate::config::trade::{ExceptionKeys, ScheduleKeys};
use crate::config::value::Name;
use crate::model::Schedule;
use crate::model::schedule::{Closure, Day, Hours, SpecialDay, days, moment, weekday};

const DAYS: &str = "\"mon-fri 09:00-17:00\", \"sat,sun 22:00-06:00\", \"daily 00:00-24:00\"";
const DATES: &str = "\"2026-12-24\", \"12-24\" for every year, \"12-24 to 01-01\"";
/// Dates of one condition: more are a schedule's.
const DATES_MAX: usize = 1_000;
const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY: u32 = 1440;
const WEEK: u32 = 7 * DAY;
/// Lines of hours, and hours of an exception.
const LINES_MAX: usize = 200;

pub(super) fn schedule(keys: ScheduleKeys) -> Result<Schedule, Wrong> {
    let mut schedule = Schedule::new(&keys.name.text, keys.zone.clone());
    weekly(&mut schedule, &keys.hours).map_err(|it| it.under("hours"))?;
    for exception in &keys.exceptions {
        add(&mut schedule, exception).map_err(|it| it.under("exceptions"))?;
    }
    Ok(schedule)
}

/// The usual hours of a week, a line for each of them.
pub(super) fn weekly(schedule: &mut Schedule, lines: &[Name]) -> Result<(), Wrong> {
    let mut shifts = Vec::new();
    few(lines)?;
    for line in lines {
        let wrong = |why: String| Wrong::at(line.span.clone(), why).allowed(DAYS);
        let (days, hours) = line
            .text
            .trim()
            .split_once(' ')
            .ok_or_else(|| wrong(format!("{:?} is not days and hours", line.text)))?;
        let hours: Hours = hours.trim().parse().map_err(wrong)?;
        for day in week(days).map_err(wrong)? {
            if let Some(of_day) = schedule.week.get_mut(day) {
                of_day.push(hours);
            }
            let Range { start, end } = hours.minutes();
            let midnight = day as u32 * DAY;
            shifts.push((midnight + start..midnight + end, line));
        }
    }
    apart(shifts, Some(WEEK))
}

/// Dates, open all day: one, or from one to another.
pub(super) fn dates(schedule: &mut Schedule, lines: &[Name]) -> Result<(), Wrong> {
    for line in lines {
        let wrong = |why: String| Wrong::at(line.span.clone(), why).allowed(DATES);
        let (first, last) = line.text.split_once(" to ").unwrap_or((&line.text, &line.text));
        let first: Day = first.trim().parse().map_err(wrong)?;
        let last: Day = last.trim().parse().map_err(wrong)?;
        for day in days(first, last).map_err(wrong)? {
            schedule.days.push(SpecialDay { day, hours: vec![Hours::WHOLE_DAY] });
        }
        if DATES_MAX < schedule.days.len() {
            return Err(wrong(format!("there are more than {DATES_MAX} dates")));
        }
    }
    Ok(())
}

/// Refuses hours that overlap: whoever wrote them meant something else. Of hours that come again
/// after so many minutes, the last may run into the first.
fn apart(mut shifts: Vec<(Range<u32>, &Name)>, again: Option<u32>) -> Result<(), Wrong> {
    shifts.sort_by_key(|it| (it.0.start, it.0.end));
    let first = shifts.first().zip(again);
    let first = first.map(|(it, again)| (it.0.start + again..it.0.end + again, it.1));
    let mut before: Option<(Range<u32>, &Name)> = None;
    for (shift, line) in shifts.into_iter().chain(first) {
        if let Some((earlier, of)) = before.take().filter(|it| shift.start < it.0.end) {
            // The one that stands later in the file is pointed at.
            let (here, there) = match line.span.start < of.span.start {
                true => (of, line),
                false => (line, of),
            };
            let end = earlier.end.min(shift.end);
            let day = match again {
                Some(_) => NAMES.get((shift.start % WEEK / DAY) as usize).copied(),
                None => None,
            };
            let message = format!(
                "{:?} and {:?} overlap{} from {} to {}",
                there.text,
                here.text,
                day.map(|it| format!(" on {it}")).unwrap_or_default(),
                clock(shift.start),
                clock(end),
            );
            return Err(Wrong::at(here.span.clone(), message));
        }
        before = Some((shift, line));
    }
    Ok(())
}

fn clock(minutes: u32) -> String {
    let minutes = minutes % DAY;
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

fn few(lines: &[Name]) -> Result<(), Wrong> {
    match lines.get(LINES_MAX) {
        Some(line) => {
            let message = format!("there are more than {LINES_MAX} lines of hours");
            Err(Wrong::at(line.span.clone(), message))
        }
        None => Ok(()),
    }
}

/// `mon-fri`, `sat,sun`, `daily`, as days of the week from 0.
fn week(text: &str) -> Result<Vec<usize>, String> {
    if text == "daily" {
        return Ok((0..7).collect());
    }
    let day = |name: &str| {
        let names = NAMES.into_iter().chain(["daily"]);
        weekday(name).ok_or_else(|| format!("{name:?} is no day{}", guess(name, names)))
    };
    let mut days = Vec::new();
    for part in text.split(',') {
        match part.split_once('-') {
            None => days.push(day(part)?),
            Some((first, last)) => {
                let (first, last) = (day(first)?, day(last)?);
                let length = (last + 7 - first) % 7;
                days.extend((first..=first + length).map(|it| it % 7));
            }
        }
    }
    days.sort_unstable();
    days.dedup();
    Ok(days)
}

fn add(schedule: &mut Schedule, keys: &ExceptionKeys) -> Result<(), Wrong> {
    let wrong = |key: &'static str| move |why: String| keys.places.wrong(key, why);
    match (&keys.date, &keys.from, &keys.to) {
        (Some(date), None, None) => {
            let day: Day = date.parse().map_err(wrong("date"))?;
            match (&keys.hours, &keys.closed) {
                (Some(_), Some(_)) => Err(keys.places.wrong("closed", "there are hours already")),
                (None, Some(closed)) => {
                    let hours: Hours = closed.parse().map_err(wrong("closed"))?;
                    schedule.closures.push(hours.closed_on(day).map_err(wrong("closed"))?);
                    Ok(())
                }
                (hours, None) => {
                    if schedule.days.iter().any(|it| it.day == day) {
                        let message = format!("{date:?} is there already: its hours in one place");
                        return Err(keys.places.wrong("date", message));
                    }
                    let hours = special(hours.as_deref().unwrap_or_default());
                    let hours = hours.map_err(|it| it.under("hours"))?;
                    schedule.days.push(SpecialDay { day, hours });
                    Ok(())
                }
            }
        }
        (None, Some(from), Some(to)) if keys.hours.is_none() && keys.closed.is_none() => {
            let from = moment(from).map_err(wrong("from"))?;
            let to = moment(to).map_err(wrong("to"))?;
            schedule.closures.push(Closure::new(from, to).map_err(wrong("to"))?);
            Ok(())
        }
        _ => {
            let why =
                "an exception has a `date`, perhaps with `hours` or `closed`; or `from` and `to`";
            Err(keys.places.wrong("date", why))
        }
    }
}

/// The hours of one date.
fn special(lines: &[Name]) -> Result<Vec<Hours>, Wrong> {
    few(lines)?;
    let mut hours = Vec::new();
    for line in lines {
        let read = line.text.parse::<Hours>();
        hours.push(read.map_err(|why| Wrong::at(line.span.clone(), why))?);
    }
    let shifts = hours.iter().zip(lines).map(|(hours, line)| (hours.minutes(), line));
    apart(shifts.collect(), None)?;
    Ok(hours)
}
