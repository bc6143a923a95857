//! What can be asked of call records, from the query.

use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::{Answer, Problem};
use crate::clock::Wall;
use crate::model::record::Direction;
use crate::store::database::{LIMIT, Page, Search};

/// Which calls. Numbers are whole (`+12025550100`), their beginning (`+1202*`) or their end
/// (`*0100`).
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// The caller, the tracking number, or a destination.
    pub number: Option<String>,
    /// The same; what is no whole number is taken for the end of one.
    pub q: Option<String>,
    pub caller: Option<String>,
    pub tracking_number: Option<String>,
    pub destination: Option<String>,
    /// Received then or later: `2026-11-22T08:00:00Z`, or `2026-11-22`.
    pub from: Option<String>,
    /// Received before that.
    pub to: Option<String>,
    pub source: Option<String>,
    pub tag: Option<String>,
    /// `answered`, `voicemail`, `abandoned`, `busy`, `declined`, `no_answer`, `invalid_number`,
    /// `failed`, `interrupted`, `in_progress`.
    pub outcome: Option<String>,
    pub agent: Option<String>,
    pub source_tag: Option<String>,
    /// `inbound`, `outbound` or `internal`.
    pub direction: Option<String>,
    pub has_recording: Option<bool>,
    /// 1 to 1000 for a page, 50 if it is not there; the most lines of an export.
    pub limit: Option<u32>,
    /// `next` of the page before.
    pub after: Option<String>,
    /// `json`, `csv` or `ndjson`, in place of `Accept`.
    pub format: Option<String>,
}

const OUTCOMES: [&str; 10] = [
    "answered",
    "voicemail",
    "abandoned",
    "busy",
    "declined",
    "no_answer",
    "invalid_number",
    "failed",
    "interrupted",
    "in_progress",
];
/// The longest text that can be asked for.
const TEXT_MAX: usize = 200;

impl Asked {
    pub fn read(&self) -> Answer<(Search, Page)> {
        let outcome = self.outcome.clone();
        if outcome.as_deref().is_some_and(|it| !OUTCOMES.contains(&it)) {
            let problem = Problem::parameter("outcome", "there is no such outcome");
            return Err(problem.allowed(OUTCOMES.join(", ")));
        }
        let direction = match self.direction.as_deref() {
            None => None,
            Some("inbound") => Some(Direction::Inbound),
            Some("outbound") => Some(Direction::Outbound),
            Some("internal") => Some(Direction::Internal),
            Some(_) => {
                let problem = Problem::parameter("direction", "there is no such direction");
                return Err(problem.allowed("inbound, outbound, internal"));
            }
        };
        let text = |name: &str, it: &Option<String>| match it.as_deref().map(str::trim) {
            Some(it) if TEXT_MAX < it.len() || it.contains('\0') => {
                Err(Problem::parameter(name, "this is too long").allowed("200 characters at most"))
            }
            Some("") | None => Ok(None),
            Some(it) => Ok(Some(it.to_owned())),
        };
        let number = match (number("number", &self.number)?, number("q", &self.q)?) {
            (None, Some(q)) if !q.contains('*') && !q.starts_with('+') => Some(format!("*{q}")),
            (number, q) => number.or(q),
        };
        let after = self.after.as_deref().map(str::parse).transpose().map_err(|_| {
            Problem::parameter("after", "this is no place in a list of calls")
                .allowed("`next` of the page before")
        })?;
        let search = Search {
            number,
            caller: number_of("caller", &self.caller)?,
            tracking_number: number_of("tracking_number", &self.tracking_number)?,
            destination: number_of("destination", &self.destination)?,
            from: moment("from", &self.from)?,
            to: moment("to", &self.to)?,
            source: text("source", &self.source)?,
            tag: text("tag", &self.tag)?,
            outcome,
            agent: text("agent", &self.agent)?,
            source_tag: text("source_tag", &self.source_tag)?,
            direction,
            has_recording: self.has_recording,
        };
        let limit = self.limit.unwrap_or(Page::DEFAULT);
        let export = self.format.as_deref().is_some_and(|it| it != "json");
        if limit == 0 || (LIMIT < limit && !export) {
            let problem = Problem::parameter("limit", "this is out of range");
            return Err(problem.allowed(format!("1 to {LIMIT}")));
        }
        Ok((search, Page { after, limit: limit.min(LIMIT) }))
    }
}

fn number_of(name: &str, text: &Option<String>) -> Answer<Option<String>> {
    number(name, text)
}

/// A number, its beginning or its end; or the name of who has none. A `+` that a query took for a
/// blank is one again.
fn number(name: &str, text: &Option<String>) -> Answer<Option<String>> {
    let Some(text) = text.as_deref().filter(|it| !it.trim().is_empty()) else { return Ok(None) };
    let text = match text.strip_prefix(' ') {
        Some(rest) if rest.starts_with(|it: char| it.is_ascii_digit()) => format!("+{rest}"),
        _ => text.trim().to_owned(),
    };
    let stars = text.matches('*').count();
    let bare = text.trim_matches('*');
    if TEXT_MAX < text.len()
        || text.contains('\0')
        || 1 < stars
        || bare.contains('*')
        || bare.is_empty()
    {
        let problem = Problem::parameter(name, "this is no number, nor a part of one");
        return Err(problem.allowed("+12025550100, its beginning +1202* or its end *0100"));
    }
    Ok(Some(text))
}

/// A moment in UTC, or in the zone that it names; a day begins at midnight, UTC.
pub fn moment(name: &str, text: &Option<String>) -> Answer<Option<Wall>> {
    let Some(text) = text.as_deref().map(str::trim).filter(|it| !it.is_empty()) else {
        return Ok(None);
    };
    // A `+` of the zone that a query took for a blank.
    let text = text.replace(' ', "+");
    let stamp = text.parse::<jiff::Timestamp>().ok();
    let civil = || {
        let at = text.parse::<jiff::civil::DateTime>().ok()?;
        at.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|it| it.timestamp())
    };
    match stamp.or_else(civil) {
        Some(at) => Ok(Some(Wall::from_unix_micros(at.as_microsecond()))),
        None => Err(Problem::parameter(name, "this is no moment")
            .allowed("2026-11-22T08:00:00Z, 2026-11-22T09:00:00+01:00 or 2026-11-22")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(change: impl FnOnce(&mut Asked)) -> Answer<(Search, Page)> {
        let mut asked = Asked::default();
        change(&mut asked);
        asked.read()
    }

    #[test]
    fn numbers_are_found_whole_by_their_beginning_and_by_their_end() {
        for (text, wanted) in [
            ("+12025550100", "+12025550100"),
            (" 12025550100", "+12025550100"),
            ("+1202*", "+1202*"),
            ("*0100", "*0100"),
            ("client:alice", "client:alice"),
        ] {
            let (search, _) = asked(|it| it.number = Some(text.into())).unwrap();
            assert_eq!(search.number.as_deref(), Some(wanted));
        }
        let (search, _) = asked(|it| it.q = Some("0100".into())).unwrap();
        assert_eq!(search.number.as_deref(), Some("*0100"));
        for wrong in ["*", "**", "1*2", "*1*", "+1\u{0}"] {
            assert!(asked(|it| it.number = Some(wrong.into())).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn moments_are_days_or_times_of_any_zone() {
        let at =
            |text: &str| moment("from", &Some(text.to_owned())).unwrap().unwrap().unix_seconds();
        assert_eq!(at("2026-11-22"), at("2026-11-22T00:00:00Z"));
        assert_eq!(at("2026-11-22T09:00:00+01:00"), at("2026-11-22T08:00:00Z"));
        assert_eq!(at("2026-11-22T09:00:00 01:00"), at("2026-11-22T08:00:00Z"));
        for wrong in ["yesterday", "2026-13-01", "1", "2026-11-22T25:00:00Z"] {
            assert!(moment("from", &Some(wrong.to_owned())).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_there_is_not_is_refused_with_what_there_is() {
        let wrong: [fn(&mut Asked); 5] = [
            |it| it.outcome = Some("lost".into()),
            |it| it.direction = Some("up".into()),
            |it| it.limit = Some(0),
            |it| it.limit = Some(1001),
            |it| it.after = Some("x".into()),
        ];
        for change in wrong {
            let problem = format!("{:?}", asked(change).unwrap_err());
            assert!(problem.contains("allowed"), "{problem}");
        }
    }
}
