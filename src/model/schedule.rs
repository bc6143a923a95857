//! Opening hours (PRODUCT section 5): a zone, weekly hours, dated exceptions.
//!
//! Hours are wall-clock hours: when the clocks change, an hour that does not exist is never open
//! and one that comes twice is open twice. A shift belongs to the day it begins on; one that ends
//! at or before its beginning runs over midnight. An exception says everything about its date,
//! from 00:00 to 24:00: usual hours that begin on that date, or run into it, do not count. Its own
//! special hours may run over midnight into the next day.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use serde::{Deserialize, Serialize};

use crate::clock::Wall;

/// Opening hours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    pub id: Arc<str>,
    pub zone: Zone,
    /// The usual hours of each day, Monday first.
    pub week: [Vec<Hours>; 7],
    /// A dated day beats a yearly one; of two alike, the later in the list stands.
    pub days: Vec<SpecialDay>,
    /// Times when it is closed whatever else is said.
    pub closures: Vec<Closure>,
}

/// An IANA time zone (`America/New_York`), from the database in the program.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone, Arc<str>);

/// Hours of a day, in minutes from midnight, the end not included. An end at or before the
/// beginning is on the next day; 1440 is midnight at the end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hours {
    begin: u16,
    end: u16,
}

/// A date, of one year or of every year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    year: Option<i16>,
    month: i8,
    day: i8,
}

/// A date whose hours are not the usual ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecialDay {
    pub day: Day,
    /// Its hours; none if it is closed.
    pub hours: Vec<Hours>,
}

/// From one moment to another, the end not included. Yearly if its days have no year; then it may
/// run over the new year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closure {
    pub from: (Day, u16),
    pub to: (Day, u16),
}

const MIDNIGHT: u16 = 1440;

impl Schedule {
    /// Always closed, until it is given hours.
    pub fn new(id: &str, zone: Zone) -> Self {
        let week = Default::default();
        Self { id: id.into(), zone, week, days: Vec::new(), closures: Vec::new() }
    }

    /// Whether it is open at `at`.
    pub fn is_open(&self, at: Wall) -> bool {
        // A moment outside of jiff's years (-9999 to 9999) has no date, and no hours.
        Timestamp::from_microsecond(at.unix_micros())
            .is_ok_and(|it| self.is_open_at(it.to_zoned(self.zone.0.clone()).datetime()))
    }

    /// The local date and time at `at`: `Sat 2026-03-28 14:05 Europe/Berlin`.
    pub fn local(&self, at: Wall) -> String {
        let Ok(at) = Timestamp::from_microsecond(at.unix_micros()) else {
            return "outside of the calendar".to_owned();
        };
        at.to_zoned(self.zone.0.clone()).strftime("%a %Y-%m-%d %H:%M %Q").to_string()
    }

    fn is_open_at(&self, at: DateTime) -> bool {
        let (date, minute) = (at.date(), at.hour() as u16 * 60 + at.minute() as u16);
        if self.closures.iter().any(|it| it.holds(date, minute)) {
            return false;
        }
        let today = self.special(date);
        let here = today.unwrap_or_else(|| self.usual(date));
        if here.iter().any(|it| it.hold_on_their_day(minute)) {
            return true;
        }
        let Ok(yesterday) = date.yesterday() else { return false };
        let before = match (self.special(yesterday), today) {
            (Some(special), _) => special,
            (None, None) => self.usual(yesterday),
            (None, Some(_)) => return false,
        };
        before.iter().any(|it| it.hold_on_the_next_day(minute))
    }

    fn usual(&self, date: Date) -> &[Hours] {
        let day = date.weekday().to_monday_zero_offset();
        self.week.get(day as usize).map_or(&[], Vec::as_slice)
    }

    fn special(&self, date: Date) -> Option<&[Hours]> {
        let named = |dated| {
            let mut days = self.days.iter().rev();
            days.find(move |it| it.day.year.is_some() == dated && it.day.is(date))
        };
        named(true).or_else(|| named(false)).map(|it| it.hours.as_slice())
    }
}

impl Hours {
    pub const WHOLE_DAY: Self = Self { begin: 0, end: MIDNIGHT };

    /// Closed during these hours of that day. They must end on it.
    pub fn closed_on(self, day: Day) -> Result<Closure, String> {
        if self.end <= self.begin {
            return Err(format!("{self} runs over midnight: use from and to"));
        }
        Ok(Closure { from: (day, self.begin), to: (day, self.end) })
    }

    /// The minutes from the midnight before: past 1440 if they run over midnight.
    pub fn minutes(self) -> Range<u32> {
        let (begin, end) = (u32::from(self.begin), u32::from(self.end));
        begin..if end <= begin { end + u32::from(MIDNIGHT) } else { end }
    }

    fn hold_on_their_day(self, minute: u16) -> bool {
        self.begin <= minute && (minute < self.end || self.end <= self.begin)
    }

    fn hold_on_the_next_day(self, minute: u16) -> bool {
        self.end <= self.begin && minute < self.end
    }
}

impl Day {
    fn is(self, date: Date) -> bool {
        self.year.is_none_or(|it| it == date.year())
            && (self.month, self.day) == (date.month(), date.day())
    }
}

impl Closure {
    /// `from` up to, not including, `to`.
    pub fn new(from: (Day, u16), to: (Day, u16)) -> Result<Self, String> {
        let dated = |it: (Day, u16)| it.0.year.map(|year| (year, it.0.month, it.0.day, it.1));
        match (dated(from), dated(to)) {
            (None, None) if from != to => Ok(Self { from, to }),
            (Some(begin), Some(end)) if begin < end => Ok(Self { from, to }),
            (None, None) | (Some(_), Some(_)) => Err("it ends before it begins".to_owned()),
            _ => Err("both ends have a year, or neither".to_owned()),
        }
    }

    fn holds(&self, date: Date, minute: u16) -> bool {
        let year = |it: &(Day, u16)| it.0.year.unwrap_or_default();
        let place = |it: &(Day, u16)| (year(it), it.0.month, it.0.day, it.1);
        let (from, to) = (place(&self.from), place(&self.to));
        let this_year = if self.from.0.year.is_some() { date.year() } else { 0 };
        let here = (this_year, date.month(), date.day(), minute);
        if from < to { from <= here && here < to } else { from <= here || here < to }
    }
}

/// `09:00-17:30`, `22:00-06:00`, `00:00-24:00`.
impl FromStr for Hours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not hours such as 09:00-17:30");
        let (begin, end) = text.split_once('-').ok_or_else(wrong)?;
        let (begin, end) = (minutes(begin.trim())?, minutes(end.trim())?);
        if begin == end || begin == MIDNIGHT {
            return Err(format!("{text:?} has no length; a whole day is 00:00-24:00"));
        }
        Ok(Self { begin, end })
    }
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (b, e) = (self.begin, self.end);
        write!(f, "{:02}:{:02}-{:02}:{:02}", b / 60, b % 60, e / 60, e % 60)
    }
}

/// `2026-12-25`, or `12-25` for every year.
impl FromStr for Day {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is not a date such as 2026-12-25, or 12-25 for every year");
        let shape = |text: &str, model: &str| {
            let mut pairs = text.bytes().zip(model.bytes());
            let same = pairs.all(|(it, like)| match like {
                b'-' => it == b'-',
                _ => it.is_ascii_digit(),
            });
            same && text.len() == model.len()
        };
        let yearly = shape(text, "12-25");
        if !yearly && !shape(text, "2026-12-25") {
            return Err(wrong());
        }
        // A leap year lets 29 February stand for the years that have it.
        let date = if yearly { format!("2024-{text}") } else { text.to_owned() };
        let date: Date = date.parse().map_err(|_| format!("there is no {text}"))?;
        let year = (!yearly).then_some(date.year());
        Ok(Self { year, month: date.month(), day: date.day() })
    }
}

/// The moment `2026-12-24 12:00`, or `12-24 12:00` for every year; a date alone is its midnight.
pub fn moment(text: &str) -> Result<(Day, u16), String> {
    let (day, time) = text.split_once([' ', 'T']).unwrap_or((text, "00:00"));
    Ok((day.parse()?, minutes(time)?))
}

/// Every day from one to another, both included; of every year if they have none, then perhaps over
/// the new year. A year of them at most.
pub fn days(first: Day, last: Day) -> Result<Vec<Day>, String> {
    if first.year.is_some() != last.year.is_some() {
        return Err("both ends have a year, or neither".to_owned());
    }
    let place = |it: Day| (it.year, it.month, it.day);
    if first.year.is_some() && place(last) < place(first) {
        return Err("it ends before it begins".to_owned());
    }
    // A leap year has every day that a year may have.
    let mut date = Date::new(first.year.unwrap_or(2024), first.month, first.day)
        .map_err(|_| "there is no such date".to_owned())?;
    let mut all = vec![first];
    while all.last() != Some(&last) {
        let over = first.year.is_none() && (date.month(), date.day()) == (12, 31);
        let next = if over { Date::new(2024, 1, 1) } else { date.tomorrow() };
        date = next.ok().filter(|_| all.len() < 366).ok_or("that is more than a year")?;
        let year = first.year.map(|_| date.year());
        all.push(Day { year, month: date.month(), day: date.day() });
    }
    Ok(all)
}

/// `mon`, `tue`, ... as an index into [`Schedule::week`].
pub fn weekday(text: &str) -> Option<usize> {
    const NAMES: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    NAMES.iter().position(|it| *it == text)
}

fn minutes(text: &str) -> Result<u16, String> {
    let wrong = || format!("{text:?} is not a time such as 09:00");
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let number = |text: &str| {
        let digits = text.len() == 2 && text.bytes().all(|it| it.is_ascii_digit());
        digits.then(|| text.parse::<u16>().ok()).flatten()
    };
    match (number(hour), number(minute)) {
        (Some(hour @ 0..24), Some(minute @ 0..60)) => Ok(hour * 60 + minute),
        (Some(24), Some(0)) => Ok(MIDNIGHT),
        _ => Err(wrong()),
    }
}

impl Zone {
    pub fn name(&self) -> &str {
        &self.1
    }

    /// The moment a local `2026-03-29T02:30` (or with seconds) means here; in a gap or fold of
    /// the clock, the later side of the gap and the earlier time of the fold.
    pub fn wall(&self, local: &str) -> Result<Wall, String> {
        let wrong = || format!("{local:?} is not a date and time such as 2026-03-29T14:30");
        let local: DateTime = local.parse().map_err(|_| wrong())?;
        let at = self.0.to_timestamp(local).map_err(|_| wrong())?;
        Ok(Wall::from_unix_micros(at.as_microsecond()))
    }
}

impl FromStr for Zone {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let wrong = |_| format!("{name:?} is not an IANA time zone such as America/New_York");
        let zone = TimeZoneDatabase::bundled().get(name).map_err(wrong)?;
        let name = zone.iana_name().unwrap_or(name).into();
        Ok(Self(zone, name))
    }
}

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.1.to_string()
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(zone: &str, week: &[(&str, &str)]) -> Schedule {
        let mut schedule = Schedule::new("test", zone.parse().unwrap());
        for (day, hours) in week {
            schedule.week[weekday(day).unwrap()].push(hours.parse().unwrap());
        }
        schedule
    }

    fn open(schedule: &Schedule, local: &str) -> bool {
        schedule.is_open(schedule.zone.wall(local).unwrap())
    }

    fn utc(text: &str) -> Wall {
        Wall::from_unix_micros(text.parse::<Timestamp>().unwrap().as_microsecond())
    }

    #[test]
    fn hours_are_to_the_minute_and_the_end_is_not_in_them() {
        let shop = schedule("America/New_York", &[("fri", "09:00-17:30")]);
        for (local, expected) in [
            ("2026-01-09T08:59:59", false),
            ("2026-01-09T09:00:00", true),
            ("2026-01-09T17:29:59", true),
            ("2026-01-09T17:30:00", false),
            ("2026-01-08T12:00:00", false),
        ] {
            assert_eq!(open(&shop, local), expected, "{local}");
        }
        assert!(shop.is_open(utc("2026-01-09T14:00:00Z")));
        assert!(!shop.is_open(utc("2026-01-09T13:59:59Z")));
    }

    #[test]
    fn a_shift_may_cross_midnight_and_the_weeks_end() {
        let night = schedule("Europe/Berlin", &[("sun", "22:00-06:00")]);
        for (local, expected) in [
            ("2026-01-11T21:59", false),
            ("2026-01-11T22:00", true),
            ("2026-01-11T23:59", true),
            ("2026-01-12T00:00", true),
            ("2026-01-12T05:59", true),
            ("2026-01-12T06:00", false),
            ("2026-01-11T02:00", false),
            ("2026-01-12T22:00", false),
        ] {
            assert_eq!(open(&night, local), expected, "{local}");
        }
    }

    #[test]
    fn a_whole_day_has_no_gap_at_midnight() {
        let always = schedule("UTC", &[("mon", "00:00-24:00"), ("tue", "00:00-24:00")]);
        assert!(open(&always, "2026-01-12T23:59:59") && open(&always, "2026-01-13T00:00"));
        assert!(!open(&always, "2026-01-14T00:00"));
    }

    #[test]
    fn clocks_going_forward_skip_the_hour_that_is_not() {
        // New York, 8 March 2026: 01:59:59 EST (06:59:59 UTC) is followed by 03:00 EDT.
        let shop = schedule("America/New_York", &[("sun", "02:00-03:00"), ("sat", "23:00-04:00")]);
        let early = schedule("America/New_York", &[("sun", "02:00-03:00")]);
        assert!(!early.is_open(utc("2026-03-08T06:59:59Z")));
        assert!(!early.is_open(utc("2026-03-08T07:00:00Z")));
        // The night shift is an hour shorter by the clock of the world, not of the wall.
        assert!(shop.is_open(utc("2026-03-08T04:00:00Z")));
        assert!(shop.is_open(utc("2026-03-08T07:59:59Z")));
        assert!(!shop.is_open(utc("2026-03-08T08:00:00Z")));
    }

    #[test]
    fn clocks_going_back_live_the_hour_twice() {
        // New York, 1 November 2026: 01:00-02:00 EDT (05:00 UTC), then again EST (06:00 UTC).
        let early = schedule("America/New_York", &[("sun", "01:00-02:00")]);
        for (at, expected) in [
            ("2026-11-01T04:59:59Z", false),
            ("2026-11-01T05:30:00Z", true),
            ("2026-11-01T06:30:00Z", true),
            ("2026-11-01T07:00:00Z", false),
        ] {
            assert_eq!(early.is_open(utc(at)), expected, "{at}");
        }
        // The same wall-clock hour on the Saturdays around is an hour apart in UTC.
        let noon = schedule("America/New_York", &[("sat", "09:00-09:01")]);
        assert!(noon.is_open(utc("2026-10-31T13:00:00Z")));
        assert!(noon.is_open(utc("2026-11-07T14:00:00Z")));
    }

    #[test]
    fn an_exception_is_for_one_day_and_for_all_of_it() {
        let mut shop = schedule(
            "UTC",
            &[("thu", "22:00-06:00"), ("fri", "09:00-17:00"), ("sat", "09:00-17:00")],
        );
        let day = "2026-12-25".parse().unwrap();
        shop.days.push(SpecialDay { day, hours: Vec::new() });
        // Christmas 2026 is a Friday.
        for (local, expected) in [
            ("2026-12-18T12:00", true),
            ("2026-12-24T23:00", true),
            ("2026-12-25T00:00", false),
            ("2026-12-25T12:00", false),
            ("2026-12-26T12:00", true),
            ("2027-01-01T12:00", true),
        ] {
            assert_eq!(open(&shop, local), expected, "{local}");
        }
    }

    #[test]
    fn special_hours_replace_the_usual_and_may_cross_midnight() {
        let mut shop = schedule("UTC", &[("thu", "09:00-17:00")]);
        let hours = vec!["20:00-02:00".parse().unwrap()];
        shop.days.push(SpecialDay { day: "2026-12-31".parse().unwrap(), hours });
        for (local, expected) in [
            ("2026-12-31T12:00", false),
            ("2026-12-31T20:00", true),
            ("2027-01-01T01:59", true),
            ("2027-01-01T02:00", false),
        ] {
            assert_eq!(open(&shop, local), expected, "{local}");
        }
    }

    #[test]
    fn a_yearly_day_comes_every_year_and_a_dated_one_beats_it() {
        let mut shop = schedule("UTC", &[("fri", "09:00-17:00"), ("sat", "09:00-17:00")]);
        let special = |day: &str, hours: &[&str]| SpecialDay {
            day: day.parse().unwrap(),
            hours: hours.iter().map(|it| it.parse().unwrap()).collect(),
        };
        shop.days.push(special("2027-12-25", &["10:00-11:00"]));
        shop.days.push(special("12-25", &[]));
        assert!(!open(&shop, "2026-12-25T10:30"), "a Friday");
        assert!(open(&shop, "2027-12-25T10:30"), "a Saturday with hours of its own");
        assert!(!open(&shop, "2027-12-25T12:00"));
    }

    #[test]
    fn a_closure_runs_from_moment_to_moment_over_the_new_year_too() {
        let week = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].map(|it| (it, "00:00-24:00"));
        let mut shop = schedule("UTC", &week);
        let closure = |from, to| Closure::new(moment(from)?, moment(to)?);
        shop.closures.push(closure("12-24 12:00", "01-02 08:00").unwrap());
        shop.closures.push(closure("2026-06-01 12:00", "2026-06-01 13:30").unwrap());
        for (local, expected) in [
            ("2026-12-24T11:59", true),
            ("2026-12-24T12:00", false),
            ("2027-01-02T07:59", false),
            ("2027-01-02T08:00", true),
            ("2026-06-01T12:00", false),
            ("2026-06-01T13:30", true),
            ("2027-06-01T12:00", true),
        ] {
            assert_eq!(open(&shop, local), expected, "{local}");
        }
        assert!(closure("2026-06-02", "2026-06-01").is_err());
        assert!(closure("2026-06-02", "06-03").is_err());
        assert!(closure("06-02", "06-02").is_err());
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for wrong in ["", "9:00-17:00", "09:00", "09:00-25:00", "09:60-10:00", "09:00-09:00"] {
            assert!(wrong.parse::<Hours>().is_err(), "{wrong}");
        }
        for wrong in ["", "2026-02-29", "02-30", "2026-13-01", "25.12.2026", "1-1", "+026-12-25"] {
            assert!(wrong.parse::<Day>().is_err(), "{wrong}");
        }
        assert!("02-29".parse::<Day>().is_ok());
        assert!("Mars/Olympus".parse::<Zone>().unwrap_err().contains("IANA"));
    }

    #[test]
    fn a_schedule_can_be_written_down_and_read_again() {
        let mut shop = schedule("Asia/Kolkata", &[("mon", "22:00-06:00")]);
        shop.days.push(SpecialDay { day: "12-25".parse().unwrap(), hours: Vec::new() });
        let text = serde_json::to_string(&shop).unwrap();
        assert_eq!(serde_json::from_str::<Schedule>(&text).unwrap(), shop);
    }

    #[test]
    fn days_go_from_one_to_another_over_the_new_year_if_they_are_of_every_year() {
        let count = |first: &str, last: &str| {
            days(first.parse().unwrap(), last.parse().unwrap()).map(|it| it.len())
        };
        assert_eq!(count("12-24", "12-24"), Ok(1));
        assert_eq!(count("12-24", "01-01"), Ok(9));
        assert_eq!(count("01-01", "12-31"), Ok(366));
        assert_eq!(count("2026-02-27", "2026-03-01"), Ok(3));
        assert_eq!(count("2026-12-24", "2027-01-01"), Ok(9));
        assert!(count("2026-03-01", "2026-02-27").is_err());
        assert!(count("2026-03-01", "2028-02-27").is_err());
        assert!(count("2026-03-01", "03-02").is_err());
    }
}
