//! Tag rules (PRODUCT section 11): what a finished call is tagged with.

use super::outcome::fork_outcome;
use crate::model::record::{CallRecord, Outcome};
use crate::model::{Directory, ReceivingNumber, TagCondition};

/// The tags that the rules add to a finished call, each once, without those it has. `destination`
/// took the call, or was the first to be meant; its tagging schedule says whether calls that came
/// when this one did are tagged at all.
pub fn tags(
    directory: &Directory,
    record: &CallRecord,
    destination: Option<&ReceivingNumber>,
) -> Vec<String> {
    let schedule = destination.and_then(|it| it.tagging_schedule.as_ref());
    if schedule.is_some_and(|it| !it.is_open(record.received_at)) {
        return Vec::new();
    }
    let mut tags = Vec::new();
    for rule in directory.tag_rules() {
        if rule.conditions.iter().all(|it| holds(it, record)) {
            let new = rule.tags.iter().filter(|it| !record.tags.contains(it));
            for tag in new {
                if !tags.contains(tag) {
                    tags.push(tag.clone());
                }
            }
        }
    }
    tags
}

fn holds(condition: &TagCondition, record: &CallRecord) -> bool {
    let talked = record.talk_ms.map(u128::from);
    match condition {
        TagCondition::Answered(wanted) => record.connected_at.is_some() == *wanted,
        TagCondition::Outcome(outcomes) => outcome(record).is_some_and(|it| outcomes.contains(&it)),
        TagCondition::TalkAtLeast(least) => talked.is_some_and(|it| least.as_millis() <= it),
        TagCondition::TalkLess(most) => talked.is_some_and(|it| it < most.as_millis()),
        TagCondition::TrackingNumber(numbers) => numbers.contains(&record.tracking_number),
        TagCondition::Source(sources) => sources.contains(&record.source),
        TagCondition::CallerPrefix(prefixes) => {
            !record.caller.is_empty()
                && prefixes.iter().any(|it| record.caller.starts_with(it.as_str()))
        }
        TagCondition::Destination(ids) => {
            let mut taken = record.legs.iter().filter(|it| it.connected_at.is_some());
            taken.any(|it| ids.contains(&it.destination))
        }
        TagCondition::Agent(ids) => record.agent.as_ref().is_some_and(|it| ids.contains(it)),
        TagCondition::Score(scores) => record.score.is_some_and(|it| scores.contains(&it)),
    }
}

/// The best outcome of the legs; a caller who hung up before anybody was dialled abandoned it.
fn outcome(record: &CallRecord) -> Option<Outcome> {
    let best = fork_outcome(record.legs.iter().filter_map(|it| it.outcome));
    let abandoned = record.cause.as_ref().is_some_and(|it| it.reason == "abandoned");
    match record.legs.is_empty() {
        false => Some(best),
        true => abandoned.then_some(Outcome::Abandoned),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::clock::Wall;
    use crate::model::directory::Parts;
    use crate::model::record::Cause;
    use crate::model::{Endpoint, Schedule, TagRule};

    /// 2026-01-09, 12:00 in UTC.
    const NOON: Wall = Wall::from_unix_micros(1_767_960_000_000_000);

    /// A call from New York of two minutes, taken by `desk` of Ann, scored 4.
    fn taken() -> CallRecord {
        let text = r#"{"id":"c","state":"ended","tracking_number":"+15550100001","source":"ads",
            "caller":"+12125550123","caller_name":null,"path":[],"received_at":0,
            "answered_at":null,"connected_at":null,"ended_at":null,"ring_ms":null,
            "talk_ms":120000,"cause":null,"recording":{"file":null,"started_at":null,
            "length_ms":0,"lost_ms":0,"stopped_by":null,"prevented":null},"recordings":[],
            "caller_quality":null,"agent":"Ann","lead_owner":null,"source_tag":"",
            "tags":["paid"],"score":"4","legs":[
            {"leg":1,"destination":"mobile","dialled_at":0,"ringing_at":null,"answered_at":null,
            "symbols":[],"whisper_at":null,"accepted_at":null,"connected_at":null,"ended_at":null,
            "outcome":"busy","cause":null,"quality":null},
            {"leg":2,"destination":"desk","dialled_at":0,"ringing_at":null,"answered_at":null,
            "symbols":[],"whisper_at":null,"accepted_at":null,"connected_at":1,"ended_at":null,
            "outcome":"answered","cause":null,"quality":null}]}"#;
        let mut record: CallRecord = serde_json::from_str(text).unwrap();
        (record.received_at, record.connected_at) = (NOON, Some(NOON));
        record
    }

    /// The same call, but nobody took it.
    fn missed() -> CallRecord {
        let mut record = taken();
        record.legs.truncate(1);
        (record.connected_at, record.talk_ms, record.agent, record.score) =
            (None, None, None, None);
        record
    }

    fn tagged(conditions: &[TagCondition], record: &CallRecord) -> bool {
        let rule = TagRule { conditions: conditions.to_vec(), tags: vec!["hit".to_owned()] };
        let directory = Directory::new(Parts { tag_rules: vec![rule], ..Parts::default() });
        !tags(&directory, record, None).is_empty()
    }

    #[test]
    fn each_condition_asks_the_record() {
        use TagCondition as If;
        let ids = |id: &str| vec![id.into()];
        let texts = |text: &str| vec![text.to_owned()];
        let secs = Duration::from_secs;
        // Each condition, of the call that was taken, and of the one that was missed.
        for (condition, of_taken, of_missed) in [
            (If::Answered(true), true, false),
            (If::Answered(false), false, true),
            (If::Outcome(vec![Outcome::Answered]), true, false),
            (If::Outcome(vec![Outcome::NoAnswer, Outcome::Busy]), false, true),
            (If::TalkAtLeast(secs(120)), true, false),
            (If::TalkAtLeast(secs(121)), false, false),
            (If::TalkLess(secs(121)), true, false),
            (If::TalkLess(secs(120)), false, false),
            (If::TrackingNumber(ids("+15550100001")), true, true),
            (If::TrackingNumber(ids("+15550100002")), false, false),
            (If::Source(texts("ads")), true, true),
            (If::Source(texts("ad")), false, false),
            (If::CallerPrefix(texts("+1212")), true, true),
            (If::CallerPrefix(texts("+1213")), false, false),
            (If::Destination(ids("desk")), true, false),
            (If::Destination(ids("mobile")), false, false),
            (If::Agent(ids("Ann")), true, false),
            (If::Agent(ids("Bob")), false, false),
            (If::Score(vec!['3', '4']), true, false),
            (If::Score(vec!['5']), false, false),
        ] {
            assert_eq!(
                tagged(std::slice::from_ref(&condition), &taken()),
                of_taken,
                "{condition:?}"
            );
            assert_eq!(
                tagged(std::slice::from_ref(&condition), &missed()),
                of_missed,
                "{condition:?}"
            );
        }
        assert!(tagged(&[], &taken()));
        assert!(tagged(&[If::Answered(true), If::Source(texts("ads"))], &taken()));
        assert!(!tagged(&[If::Answered(true), If::Source(texts("mail"))], &taken()));
    }

    #[test]
    fn a_caller_who_hangs_up_before_anybody_is_dialled_has_abandoned() {
        let mut record = missed();
        record.legs.clear();
        let abandoned = [TagCondition::Outcome(vec![Outcome::Abandoned])];
        assert!(!tagged(&abandoned, &record));
        record.cause = Some(Cause { reason: "abandoned".to_owned(), ..Cause::default() });
        assert!(tagged(&abandoned, &record));
    }

    #[test]
    fn each_tag_is_given_once_and_in_order() {
        let rule = |tags: &[&str]| TagRule {
            conditions: Vec::new(),
            tags: tags.iter().map(|it| (*it).to_owned()).collect(),
        };
        let tag_rules = vec![rule(&["b", "paid", "a"]), rule(&["a", "c"])];
        let directory = Directory::new(Parts { tag_rules, ..Parts::default() });
        assert_eq!(tags(&directory, &taken(), None), ["b", "a", "c"]);
    }

    #[test]
    fn outside_of_the_tagging_schedule_no_rule_applies() {
        let rule = TagRule { conditions: Vec::new(), tags: vec!["lead".to_owned()] };
        let directory = Directory::new(Parts { tag_rules: vec![rule], ..Parts::default() });
        let mut desk = ReceivingNumber::new("desk", Endpoint::Client { account: "a".into() });
        assert_eq!(tags(&directory, &taken(), Some(&desk)), ["lead"]);
        let mut hours = Schedule::new("office", "UTC".parse().unwrap());
        hours.week = std::array::from_fn(|_| vec!["09:00-12:00".parse().unwrap()]);
        desk.tagging_schedule = Some(Arc::new(hours));
        assert!(tags(&directory, &taken(), Some(&desk)).is_empty());
        let earlier =
            CallRecord { received_at: Wall::from_unix_micros(NOON.unix_micros() - 1), ..taken() };
        assert_eq!(tags(&directory, &earlier, Some(&desk)), ["lead"]);
    }
}
