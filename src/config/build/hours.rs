//! Schedules, from the texts they are written as.

use crate::config::error::{Wrong, guess};
use crate::config::trade::{ExceptionKeys, ScheduleKeys};
use crate::model::Schedule;
use crate::model::schedule::{Closure, Day, Hours, SpecialDay, moment, weekday};

const DAYS: &str = "\"mon-fri 09:00-17:00\", \"sat,sun 22:00-06:00\", \"daily 00:00-24:00\"";

pub(super) fn schedule(keys: ScheduleKeys) -> Result<Schedule, Wrong> {
    let mut schedule = Schedule::new(&keys.name.text, keys.zone.clone());
    for text in &keys.hours {
        let wrong = |why: String| keys.places.wrong("hours", why).allowed(DAYS);
        let (days, hours) = text
            .trim()
            .split_once(' ')
            .ok_or_else(|| wrong(format!("{text:?} is not days and hours")))?;
        let hours: Hours = hours.trim().parse().map_err(wrong)?;
        for day in week(days).map_err(wrong)? {
            if let Some(of_day) = schedule.week.get_mut(day) {
                of_day.push(hours);
            }
        }
    }
    for exception in &keys.exceptions {
        add(&mut schedule, exception).map_err(|it| it.under("exceptions"))?;
    }
    Ok(schedule)
}

/// `mon-fri`, `sat,sun`, `daily`, as days of the week from 0.
fn week(text: &str) -> Result<Vec<usize>, String> {
    if text == "daily" {
        return Ok((0..7).collect());
    }
    let day = |name: &str| {
        let names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun", "daily"];
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
                    let read = |it: &String| it.parse::<Hours>();
                    let hours = hours.iter().flatten().map(read).collect::<Result<Vec<_>, _>>();
                    let hours = hours.map_err(wrong("hours"))?;
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
