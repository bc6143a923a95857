//! The end of the demo: what happened, what the edge wrote down, and where it lies.

use std::fs;
use std::path::Path;

use super::set::KEYS;
use super::stage::Stage;
use crate::model::record::{CallRecord, Outcome, RecordState};
use crate::server::Error;

/// Tells it; an error if something did not go as it should.
pub(super) fn give(stage: &mut Stage, folder: &Path) -> Result<(), Error> {
    let calls = folder.join("records/calls.jsonl");
    let records = read(&calls).map_err(Error::doing(format!("reading {}", calls.display())))?;
    let (Some(first), Some(second)) = (records.first(), records.get(1)) else {
        return Err(wrong("there are not two call records"));
    };
    let seen = stage.watcher.calls().to_vec();
    let recordings = folder.join("recordings");
    stage.say("\nWhat the edge wrote down:");
    for (n, record) in ["first", "second"].iter().zip([first, second]) {
        stage.say(&format!("  {n:6} call  {}", in_words(record)));
    }
    let [one, two] = seen.as_slice() else { return Err(wrong("there were not two calls")) };
    let file =
        second.recordings.iter().find_map(|it| it.file.as_deref()).map(|it| recordings.join(it));
    let recorded =
        file.as_ref().and_then(|it| fs::metadata(it).ok()).is_some_and(|it| it.len() > 0);
    let against = recordings.join(format!("{}.wav", first.id));
    let checks = [
        (one.answered_unnoticed, "the caller noticed the office's answer"),
        (one.keys == KEYS, "the office heard other keys"),
        (one.whispered, "the office heard no whisper"),
        (one.cancelled, "the mobile was not told that the call is taken"),
        (one.talked() && two.talked(), "the two sides did not hear each other"),
        (
            first.recordings.iter().all(|it| it.file.is_none()) && !against.exists(),
            "a call was recorded against its veto",
        ),
        (recorded, "the second call was not recorded"),
    ];
    if let Some((_, what)) = checks.iter().find(|(good, _)| !good) {
        return Err(wrong(what));
    }
    stage.say("\nWhere it lies:");
    let events = folder.join("records/events.jsonl");
    stage.say(&format!("  call records   {}", calls.display()));
    stage.say(&format!("  events         {}", events.display()));
    stage.say(&format!("  recording      {}", file.unwrap_or(recordings).display()));
    stage.say("\nEverything went as it should. `crosspoint run` is the edge for your own phones.");
    Ok(())
}

/// The finished records, oldest first; of two lines with one id the later one counts.
fn read(file: &Path) -> std::io::Result<Vec<CallRecord>> {
    let text = fs::read_to_string(file)?;
    let all = text.lines().filter_map(|it| serde_json::from_str::<CallRecord>(it).ok());
    let mut ended: Vec<CallRecord> = all.filter(|it| it.state == RecordState::Ended).collect();
    // A folder that was given may hold the records of earlier demos.
    Ok(ended.split_off(ended.len().saturating_sub(2)))
}

fn in_words(record: &CallRecord) -> String {
    let seconds = |ms: Option<u64>| ms.unwrap_or_default() as f64 / 1000.0;
    let legs = record.legs.iter().map(|it| {
        let became = match it.outcome {
            _ if it.connected_at.is_some() => "took it",
            Some(Outcome::Busy) => "was busy",
            Some(Outcome::Answered | Outcome::Declined) => "answered",
            _ => "did not answer",
        };
        format!("the {} {became}", it.destination)
    });
    let recordings = record.recordings.iter().map(|it| match &it.prevented {
        Some(why) => format!("not recorded ({why})"),
        None => format!("recorded ({:.1} s)", seconds(Some(it.length_ms))),
    });
    let recording = recordings.collect::<Vec<_>>().join(", ");
    format!(
        "{} ({}): {};\n               the caller waited {:.1} s, talked {:.1} s, {recording}",
        record.tracking_number,
        record.source,
        legs.collect::<Vec<_>>().join(", "),
        seconds(record.ring_ms),
        seconds(record.talk_ms),
    )
}

fn wrong(what: &str) -> Error {
    Error::doing("the demo did not go as it should")(std::io::Error::other(what.to_owned()))
}
