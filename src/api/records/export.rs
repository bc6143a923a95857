//! Call records as CSV or as lines of JSON, some pages in memory at most, however many there are.
//!
//! A cell that a spreadsheet would take for a formula begins with an apostrophe.

use std::borrow::Cow;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use super::shown;
use crate::api::{Answer, Api, Problem};
use crate::clock::Wall;
use crate::model::record::CallRecord;
use crate::store::database::{Page, Search, StoreError};

/// How a list is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Json,
    Csv,
    Lines,
}

/// Records that are read at once.
const STEP: u32 = 500;

const COLUMNS: [&str; 22] = [
    "id",
    "received_at",
    "direction",
    "tracking_number",
    "source",
    "caller",
    "caller_name",
    "outcome",
    "destinations",
    "agent",
    "lead_owner",
    "answered_at",
    "connected_at",
    "ended_at",
    "ring_seconds",
    "wait_seconds",
    "talk_seconds",
    "reason",
    "recordings",
    "tags",
    "source_tag",
    "score",
];

impl Form {
    /// What is asked for by name, or by `Accept`.
    pub fn asked(format: Option<&str>, headers: &HeaderMap) -> Answer<Self> {
        match format {
            Some("json") => return Ok(Self::Json),
            Some("csv") => return Ok(Self::Csv),
            Some("ndjson") => return Ok(Self::Lines),
            Some(_) => {
                let problem = Problem::parameter("format", "there is no such format");
                return Err(problem.allowed("json, csv, ndjson"));
            }
            None => (),
        }
        let accept = headers.get(header::ACCEPT).and_then(|it| it.to_str().ok()).unwrap_or("*/*");
        let kinds = accept.split(',').map(|it| it.split(';').next().unwrap_or_default().trim());
        for kind in kinds {
            match kind.to_ascii_lowercase().as_str() {
                "application/json" | "application/*" | "*/*" | "" => return Ok(Self::Json),
                "text/csv" => return Ok(Self::Csv),
                "application/x-ndjson" => return Ok(Self::Lines),
                _ => (),
            }
        }
        Err(Problem::not_acceptable(
            "there are application/json, text/csv and application/x-ndjson",
        ))
    }
}

/// Where an export is.
struct Export {
    api: Api,
    search: Search,
    /// `None` after the last page.
    page: Option<Page>,
    /// Lines that may still come.
    left: u64,
    form: Form,
    begun: bool,
}

/// All that is found, from this page on.
pub fn stream(api: Api, search: Search, page: Page, most: Option<u32>, form: Form) -> Response {
    let page = Some(Page { limit: STEP, ..page });
    let left = most.map_or(u64::MAX, u64::from);
    let export = Export { api, search, page, left, form, begun: false };
    let lines = stream::try_unfold(export, |mut it| async move {
        // An error ends the body early, which the other side sees: chunks do not end well.
        Ok::<_, StoreError>(it.next().await?.map(|bytes| (bytes, it)))
    });
    let (kind, name) = match form {
        Form::Csv => ("text/csv; charset=utf-8", "calls.csv"),
        Form::Json | Form::Lines => ("application/x-ndjson", "calls.ndjson"),
    };
    let attached = format!("attachment; filename=\"{name}\"");
    let headers =
        [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, attached)];
    (headers, Body::from_stream(lines)).into_response()
}

impl Export {
    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        let head = (!std::mem::replace(&mut self.begun, true) && self.form == Form::Csv)
            .then(|| csv(|to| to.write_record(COLUMNS)));
        let Some(page) = self.page.take().filter(|_| 0 < self.left) else {
            return Ok(head.map(Bytes::from));
        };
        let mut found = self.api.store.records(&self.search, &page).await?;
        while let (true, Some(after)) = (found.records.is_empty(), found.next) {
            // Nothing so far: an empty part would end the body.
            let page = Page { after: Some(after), limit: STEP };
            found = self.api.store.records(&self.search, &page).await?;
        }
        self.page = found.next.map(|after| Page { after: Some(after), limit: STEP });
        let take = usize::try_from(self.left).unwrap_or(usize::MAX);
        let records: Vec<CallRecord> = found.records.into_iter().take(take).collect();
        self.left = self.left.saturating_sub(records.len() as u64);
        let mut text = head.unwrap_or_default();
        match self.form {
            Form::Csv => text.extend(csv(|to| records.iter().try_for_each(|it| row(it, to)))),
            Form::Json | Form::Lines => {
                for record in &records {
                    text.extend(shown(record).to_string().into_bytes());
                    text.push(b'\n');
                }
            }
        }
        if text.is_empty() {
            return Ok(None);
        }
        Ok(Some(text.into()))
    }
}

type Csv = csv::Writer<Vec<u8>>;

fn csv(write: impl FnOnce(&mut Csv) -> csv::Result<()>) -> Vec<u8> {
    let mut writer =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    // Memory takes everything.
    let _ = write(&mut writer);
    writer.into_inner().unwrap_or_default()
}

fn row(record: &CallRecord, to: &mut Csv) -> csv::Result<()> {
    let seconds = |it: Option<u64>| {
        it.map(|it| format!("{}.{:03}", it / 1000, it % 1000)).unwrap_or_default()
    };
    let destinations: Vec<&str> = record.legs.iter().map(|it| &*it.destination).collect();
    let recordings: Vec<&str> =
        record.recordings.iter().filter_map(|it| it.file.as_deref()).collect();
    let direction = serde_json::to_value(record.direction).unwrap_or_default();
    let cells: [String; COLUMNS.len()] = [
        record.id.to_string(),
        date(Some(record.received_at)),
        direction.as_str().unwrap_or_default().to_owned(),
        record.tracking_number.to_string(),
        record.source.clone(),
        record.caller.clone(),
        record.caller_name.clone().unwrap_or_default(),
        record.outcome().to_owned(),
        destinations.join(" "),
        record.agent.as_deref().unwrap_or_default().to_owned(),
        record.lead_owner.as_deref().unwrap_or_default().to_owned(),
        date(record.answered_at),
        date(record.connected_at),
        date(record.ended_at),
        seconds(record.ring_ms),
        seconds(record.wait_ms),
        seconds(record.talk_ms),
        record.cause.as_ref().map(|it| it.reason.clone()).unwrap_or_default(),
        recordings.join(" "),
        record.tags.join(" "),
        record.source_tag.clone(),
        record.score.map(String::from).unwrap_or_default(),
    ];
    to.write_record(cells.iter().map(|it| defused(it).into_owned()))
}

/// What a formula begins with (OWASP, "CSV injection"); some take the wide forms for it too.
const FORMULA: [char; 11] =
    ['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// A cell as no spreadsheet takes it for a formula.
fn defused(cell: &str) -> Cow<'_, str> {
    // Blanks before it may be taken away.
    match cell.trim_start_matches([' ', '\u{a0}', '\u{feff}']).starts_with(FORMULA) {
        true => format!("'{cell}").into(),
        false => cell.into(),
    }
}

fn date(at: Option<Wall>) -> String {
    let stamp = at.and_then(|it| jiff::Timestamp::from_microsecond(it.unix_micros()).ok());
    stamp.map(|it| it.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::api::rig::Rig;
    use crate::store::database::{Batch, Position};

    #[test]
    fn nothing_that_a_caller_says_is_a_formula() {
        for formula in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "\n=1",
            "=HYPERLINK(\"http://x\")",
            " =1",
            "\u{feff}=1",
            "\u{ff1d}1",
            "\u{ff0b}1",
            "\u{ff0d}1",
            "\u{ff20}A1",
        ] {
            assert_eq!(defused(formula), format!("'{formula}"));
        }
        for plain in ["Ada", "1+1", "", "'=1", "a=b"] {
            assert_eq!(defused(plain), plain);
        }
    }

    fn record(text: &str) -> CallRecord {
        serde_json::from_str(text).unwrap()
    }

    const PLAIN: &str = r#"{"id":"a0","state":"ended","tracking_number":"+15550100001",
        "source":"Ads","caller":"+15550100002","caller_name":null,"path":[],"legs":[],
        "received_at":1767960000000000,"answered_at":null,"connected_at":null,"ended_at":null,
        "ring_ms":null,"talk_ms":null,"cause":null,"recordings":[],"caller_quality":null,
        "agent":null,"lead_owner":null,"source_tag":"","tags":[],"score":null}"#;

    #[tokio::test]
    async fn pages_that_ended_early_end_no_export_and_say_how_far_they_came() {
        let rig = Rig::start("export").await;
        let admin = rig.admin().await;
        let of = |it: u32| PLAIN.replace("a0", &format!("a{it}"));
        let wanted = |it: u32| match it % 4 {
            0 => of(it).replace("Ads", "Radio").replace(r#""tags":[]"#, r#""tags":["hot"]"#),
            1 => of(it).replace("Ads", "Radio"),
            _ => of(it).replace(r#""tags":[]"#, r#""tags":["hot"]"#),
        };
        let records = (0..16).map(|it| record(&wanted(it))).collect();
        let position = Position { node: "main".to_owned(), ..Position::default() };
        let batch = Batch { records, facts: Vec::new(), deliveries: Vec::new(), position };
        rig.api.store.ingest(&batch).await.unwrap();
        let line = "GET /v1/records?source=Radio&tag=hot";
        let told = rig.ask(&admin, &format!("{line}&format=ndjson"), Value::Null).await;
        assert_eq!(told.text.lines().count(), 4, "{told:?}");
        let (mut seen, mut empty, mut after) = (0, 0, String::new());
        loop {
            let told = rig.ask(&admin, &format!("{line}{after}"), Value::Null).await.json();
            let found = told["items"].as_array().unwrap().len();
            (seen, empty) = (seen + found, empty + usize::from(found == 0));
            let Some(next) = told["next"].as_str() else {
                assert!(told["looked_back_to"].is_null(), "{told}");
                break;
            };
            assert_eq!(told["looked_back_to"], 1_767_960_000_000_000_i64);
            after = format!("&after={next}");
        }
        assert_eq!(seen, 4);
        assert!(0 < empty, "no page ended early");
    }

    #[test]
    fn a_record_is_one_row_whatever_stands_in_it() {
        let text = r#"{"id":"a1","state":"ended","tracking_number":"+15550100001",
            "source":"a \"quoted\", one\nwith a line","caller":"=cmd|' /C calc'!A0",
            "caller_name":"<script>alert(1)</script>","path":[],"legs":[],
            "received_at":1767960000000000,"answered_at":null,"connected_at":null,
            "ended_at":null,"ring_ms":1500,"talk_ms":null,"cause":null,"recordings":[],
            "caller_quality":null,"agent":null,"lead_owner":null,"source_tag":"@x","tags":["a"],
            "score":null}"#;
        let record = record(text);
        let written = csv(|to| to.write_record(COLUMNS).and_then(|()| row(&record, to)));
        let mut reader = csv::Reader::from_reader(&*written);
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 1);
        let cell = |name: &str| &rows[0][COLUMNS.iter().position(|it| *it == name).unwrap()];
        assert_eq!(cell("caller"), "'=cmd|' /C calc'!A0");
        assert_eq!(cell("tracking_number"), "'+15550100001");
        assert_eq!(cell("source"), "a \"quoted\", one\nwith a line");
        assert_eq!(cell("received_at"), "2026-01-09T12:00:00.000Z");
        assert_eq!((cell("ring_seconds"), cell("source_tag")), ("1.500", "'@x"));
    }

    #[test]
    fn the_form_is_what_is_accepted_first_or_asked_for_by_name() {
        let form = |format: Option<&str>, accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            Form::asked(format, &headers)
        };
        assert_eq!(form(None, "*/*").unwrap(), Form::Json);
        assert_eq!(form(None, "text/csv, */*;q=0.1").unwrap(), Form::Csv);
        assert_eq!(form(None, "application/x-ndjson").unwrap(), Form::Lines);
        assert_eq!(form(Some("csv"), "application/json").unwrap(), Form::Csv);
        assert!(form(None, "image/png").is_err() && form(Some("xml"), "*/*").is_err());
    }
}
