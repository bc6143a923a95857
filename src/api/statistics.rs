//! Calls, counted: for the dashboard's charts.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::access::Viewer;
use super::records::moment;
use super::{Answer, Api, Problem, Query};
use crate::clock::Wall;
use crate::store::database::{By, Figure, Statistics};

/// What is counted if nobody says from when: a week.
const WEEK: i64 = 7 * 86_400 * 1_000_000;
/// The longest time that is counted at once: two years; by hour, 62 days.
const LONGEST: i64 = 2 * 366 * 86_400 * 1_000_000;
const LONGEST_BY_HOUR: i64 = 62 * 86_400 * 1_000_000;

#[derive(utoipa::OpenApi)]
#[openapi(paths(statistics), components(schemas(Counted, Row)))]
pub struct Doc;

pub fn routes() -> Router<Api> {
    Router::new().route("/v1/statistics", get(statistics))
}

/// What is to be counted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Received then or later: `2026-11-22T08:00:00Z`, or `2026-11-22`; a week ago without it.
    from: Option<String>,
    /// Received before that; now without it.
    to: Option<String>,
    /// `source`, `tracking_number`, `agent`, `outcome`, `hour` or `day`; `day` without it.
    by: Option<String>,
    /// Whose days: `America/New_York`; `UTC` without it.
    zone: Option<String>,
}

/// Calls that are over.
#[derive(Debug, Serialize, ToSchema)]
struct Counted {
    /// By time for hours and days, else most calls first.
    rows: Vec<Row>,
    totals: Row,
}

/// Calls that have something in common. Every call is answered, abandoned or missed.
#[derive(Debug, Serialize, ToSchema)]
struct Row {
    /// A name, an outcome; `2026-11-22T20:00Z`, `2026-11-22`. Empty: those that have none.
    key: String,
    calls: u64,
    answered: u64,
    abandoned: u64,
    missed: u64,
    talk_ms: u64,
    talk_ms_avg: u64,
    ring_ms_avg: u64,
    wait_ms_avg: u64,
    /// Calls that waited in a queue.
    waited: u64,
}

impl From<Figure> for Row {
    fn from(it: Figure) -> Self {
        Self {
            talk_ms_avg: it.talk_ms_avg(),
            ring_ms_avg: it.ring_ms_avg(),
            wait_ms_avg: it.wait_ms_avg(),
            key: it.key,
            calls: it.calls,
            answered: it.answered,
            abandoned: it.abandoned,
            missed: it.missed,
            talk_ms: it.talk_ms,
            waited: it.waited,
        }
    }
}

/// Calls, counted
#[utoipa::path(get, path = "/v1/statistics", operation_id = "count_calls", tag = "records", params(Asked),
    responses((status = 200, description = "What was counted", body = Counted)),
    extensions(("x-role" = json!("viewer"))))]
async fn statistics(
    State(api): State<Api>,
    _: Viewer,
    Query(asked): Query<Asked>,
) -> Answer<axum::Json<Counted>> {
    let ask = asked.read(api.now())?;
    let figures = api.store.statistics(&ask).await?;
    let rows = figures.rows.into_iter().map(Row::from).collect();
    Ok(axum::Json(Counted { rows, totals: figures.totals.into() }))
}

impl Asked {
    fn read(&self, now: Wall) -> Answer<Statistics> {
        let by = match self.by.as_deref() {
            None | Some("day") => By::Day,
            Some("hour") => By::Hour,
            Some("source") => By::Source,
            Some("tracking_number") => By::TrackingNumber,
            Some("agent") => By::Agent,
            Some("outcome") => By::Outcome,
            Some(_) => {
                let problem = Problem::parameter("by", "calls are not counted by that");
                return Err(problem.allowed("source, tracking_number, agent, outcome, hour, day"));
            }
        };
        let zone = self.zone.as_deref().unwrap_or("UTC");
        let zone = jiff::tz::TimeZone::get(zone).map_err(|_| {
            Problem::parameter("zone", "there is no such time zone").allowed("America/New_York")
        })?;
        let to = moment("to", &self.to)?.unwrap_or(now);
        let week = Wall::from_unix_micros(to.unix_micros().saturating_sub(WEEK));
        let from = moment("from", &self.from)?.unwrap_or(week);
        let long = to.unix_micros().saturating_sub(from.unix_micros());
        let longest = if by == By::Hour { LONGEST_BY_HOUR } else { LONGEST };
        if !(0..=longest).contains(&long) {
            let problem = Problem::parameter("from", "this is no time that is counted at once");
            return Err(problem.allowed("before `to`, by two years at most; by hour, 62 days"));
        }
        Ok(Statistics { from, to, by, zone })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(change: impl FnOnce(&mut Asked)) -> Answer<Statistics> {
        let mut asked = Asked::default();
        change(&mut asked);
        asked.read(Wall::from_unix_micros(1_767_960_000_000_000))
    }

    #[test]
    fn without_a_word_it_is_the_last_week_by_day() {
        let asked = read(|_| ()).unwrap();
        assert_eq!(asked.by, By::Day);
        assert_eq!(asked.to.unix_micros() - asked.from.unix_micros(), WEEK);
    }

    #[test]
    fn a_time_that_ends_before_it_begins_and_one_without_end_are_refused() {
        let days = |it: &mut Asked, from: &str, to: &str| {
            (it.from, it.to) = (Some(from.to_owned()), Some(to.to_owned()));
        };
        assert!(read(|it| days(it, "2026-01-02", "2026-01-01")).is_err());
        assert!(read(|it| days(it, "1970-01-01", "2026-01-01")).is_err());
        assert!(read(|it| days(it, "2025-01-01", "2026-01-01")).is_ok());
        let by_hour = |it: &mut Asked| {
            days(it, "2025-01-01", "2026-01-01");
            it.by = Some("hour".into());
        };
        assert!(read(by_hour).is_err());
        assert!(read(|it| it.by = Some("week".into())).is_err());
        assert!(read(|it| it.zone = Some("Mars/Olympus".into())).is_err());
    }
}
