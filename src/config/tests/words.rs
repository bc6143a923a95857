//! Every section of the trade and every word of it arrives in the directory as it was meant.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::{load, loaded, refused};
use crate::model::Schedule;
use crate::model::record::Outcome;
use crate::model::schedule::{Hours, SpecialDay};
use crate::model::{
    Condition, Directory, Distribution, HeaderText, Keep, Member, PromptSource, QueueEntry,
    QueueState, Route, TagCondition, Who,
};

const SECOND: Duration = Duration::from_secs(1);

/// What there is to lead to.
pub(super) const TOWN: &str = r#"
[[trunk]]
name = "carrier"
sources = ["192.0.2.0/24"]
addresses = ["sip.example.com"]

[[account]]
user = "alice"
password = "s3cret-word"

[[schedule]]
name = "office"
zone = "America/New_York"

[[receiving_number]]
name = "shop"
number = "sip:shop@192.0.2.20"

[[receiving_number]]
name = "mobile"
number = "client:alice"

[[agent]]
name = "alice"
account = "alice"

[[queue]]
name = "sales"
members = ["shop"]

[[voice_menu]]
name = "main"
prompt = { text = "Press 1." }
keys = { 1 = { dial = "shop" } }

[[voicemail]]
name = "messages"

[[smart_router]]
name = "by-hour"
rule = [{ when = { open = "office" }, route = { dial = "shop" } }]

[[geo_router]]
name = "nearest"
zips = { 100 = { dial = "shop" } }

[[virtual_agent]]
name = "reception"
url = "wss://[::1]:8765/talk?to=us"
"#;

fn directory(text: &str) -> Arc<Directory> {
    loaded(&format!("{TOWN}\n{text}")).directory
}

/// Every route there is, as it is written, and what it is.
fn routes() -> [(&'static str, Route); 9] {
    [
        (r#""hangup""#, Route::Hangup),
        (r#"{ dial = "shop" }"#, Route::number("shop")),
        (r#"{ queue = "sales" }"#, Route::Queue("sales".into())),
        (r#"{ voice_menu = "main" }"#, Route::VoiceMenu("main".into())),
        (r#"{ voicemail = "messages" }"#, Route::Voicemail("messages".into())),
        (r#"{ smart_router = "by-hour" }"#, Route::SmartRouter("by-hour".into())),
        (r#"{ geo_router = "nearest" }"#, Route::GeoRouter("nearest".into())),
        (r#"{ virtual_agent = "reception" }"#, Route::VirtualAgent("reception".into())),
        (r#"{ agent = "alice" }"#, Route::Agent("alice".into())),
    ]
}

/// A place where a route can stand: the text around it, and how to find it in the directory.
type Place = (&'static str, fn(&Directory) -> Route);

/// Every place a route can stand in.
const PLACES: &[Place] = &[
    ("[[tracking_number]]\nnumber = \"+12025550100\"\nroute = ROUTE", |it| {
        it.tracking_number("+12025550100").unwrap().route.clone().unwrap()
    }),
    ("[[receiving_number]]\nname = \"x\"\nnumber = \"sip:x@y\"\nno_answer.route = ROUTE", |it| {
        it.receiving_number("x").unwrap().no_answer.route.clone()
    }),
    (
        "[[receiving_number]]\nname = \"x\"\nnumber = \"sip:x@y\"\nno_answer.busy_route = ROUTE",
        |it| it.receiving_number("x").unwrap().no_answer.busy_route.clone().unwrap(),
    ),
    (
        "[[receiving_number]]\nname = \"x\"\nnumber = \"sip:x@y\"\nschedule = \"office\"\n\
         outside_hours = ROUTE",
        |it| it.receiving_number("x").unwrap().outside_hours.clone(),
    ),
    ("[[queue]]\nname = \"x\"\nmembers = [\"shop\"]\nno_answer = ROUTE", |it| {
        it.queue("x").unwrap().no_answer.clone()
    }),
    (
        "[[queue]]\nname = \"x\"\nmembers = [\"shop\"]\nschedule = \"office\"\noutside_hours = ROUTE",
        |it| it.queue("x").unwrap().outside_hours.clone(),
    ),
    ("[[voice_menu]]\nname = \"x\"\nprompt.text = \"?\"\nkeys.\"#\" = ROUTE", |it| {
        it.voice_menu("x").unwrap().keys.values().next().unwrap().clone()
    }),
    (
        "[[voice_menu]]\nname = \"x\"\nprompt.text = \"?\"\nkeys.1 = \"hangup\"\notherwise = ROUTE",
        |it| it.voice_menu("x").unwrap().otherwise.clone(),
    ),
    ("[[smart_router]]\nname = \"x\"\n[[smart_router.rule]]\nroute = ROUTE", |it| {
        it.smart_router("x").unwrap().rules[0].route.clone()
    }),
    (
        "[[smart_router]]\nname = \"x\"\notherwise = ROUTE\n[[smart_router.rule]]\n\
         when.percent = 1\nroute = \"hangup\"",
        |it| it.smart_router("x").unwrap().otherwise.clone(),
    ),
    ("[[geo_router]]\nname = \"x\"\nzips.100 = ROUTE", |it| {
        it.geo_router("x").unwrap().zips[0].1.clone()
    }),
    ("[[geo_router]]\nname = \"x\"\nnearest.10001 = ROUTE", |it| {
        it.geo_router("x").unwrap().places[0].1.clone()
    }),
    ("[[geo_router]]\nname = \"x\"\nzips.100 = \"hangup\"\notherwise = ROUTE", |it| {
        it.geo_router("x").unwrap().otherwise.clone()
    }),
    ("[[virtual_agent]]\nname = \"x\"\nurl = \"ws://a\"\nroutes.sales = ROUTE", |it| {
        it.virtual_agent("x").unwrap().routes["sales"].clone()
    }),
    ("[[virtual_agent]]\nname = \"x\"\nurl = \"ws://a\"\nno_answer = ROUTE", |it| {
        it.virtual_agent("x").unwrap().no_answer.clone()
    }),
    ("[[virtual_agent]]\nname = \"x\"\nurl = \"ws://a\"\nafter = ROUTE", |it| {
        it.virtual_agent("x").unwrap().after.clone()
    }),
];

#[test]
fn every_route_can_stand_wherever_a_route_can_stand() {
    for (place, found) in PLACES {
        for (word, route) in routes() {
            let directory = directory(&place.replace("ROUTE", word));
            assert_eq!(found(&directory), route, "{word} in\n{place}");
        }
    }
}

#[test]
fn a_wrong_route_is_pointed_at_wherever_it_stands() {
    for (place, _) in PLACES {
        for (word, inside, message) in [
            (r#"{ queue = "sale" }"#, 10, "there is no queue \"sale\"; did you mean \"sales\"?"),
            (r#"{ queue = "sales", agent = "alice" }"#, 27, "are two routes"),
            (r#"{ order = "sequence" }"#, 0, "names no place"),
            (r#"{ queue = "sales", order = "sequence" }"#, 27, "does nothing without `dial`"),
            (r#""queue""#, 0, "this needs a name"),
            (r#"{ queues = "sales" }"#, 2, "no such key; did you mean \"queue\"?"),
        ] {
            let text = format!("{TOWN}\n{}", place.replace("ROUTE", word));
            let error = refused(&text);
            assert!(error.message.contains(message), "{error}\nexpected: {message}\n{text}");
            let line = text.lines().nth(error.line - 1).unwrap();
            assert_eq!(error.column, 1 + line.find(word).unwrap() + inside, "{error}\n{line}");
        }
    }
}

#[test]
fn a_queue_is_what_its_keys_say() {
    let directory = directory(
        r#"
[[queue]]
name = "support"
members = ["shop", { agent = "alice", weight = 3 }]
distribution = "longest_idle"
music = { file = "hold.wav" }
welcome = { text = "Wait." }
position = "You are number {position}."
announcement = { text = "Still here." }
announce_every = "20s"
max_wait = "5m"
max_length = 7
bypass_unavailable = true
schedule = "office"
wrap_up = "10s"
entry = "early_media"
"#,
    );
    let queue = directory.queue("support").unwrap();
    let shop = Member { who: Who::Number("shop".into()), weight: 1 };
    let alice = Member { who: Who::Agent("alice".into()), weight: 3 };
    assert_eq!(queue.members, [shop, alice]);
    assert_eq!(queue.distribution, Distribution::LongestIdle);
    assert_eq!((queue.announce_every, queue.max_wait), (20 * SECOND, 300 * SECOND));
    assert_eq!((queue.max_length, queue.wrap_up), (Some(7), 10 * SECOND));
    assert_eq!((queue.bypass_unavailable, queue.entry), (true, QueueEntry::EarlyMedia));
    assert_eq!(&*queue.schedule.as_ref().unwrap().id, "office");
    let file = PromptSource::File("/etc/crosspoint/hold.wav".into());
    assert_eq!(queue.music.as_ref().unwrap().made_from, file);
    let said: Vec<_> = queue
        .positions
        .iter()
        .map(|it| match &it.made_from {
            PromptSource::Text { text, .. } => text.to_string(),
            PromptSource::File(it) | PromptSource::Uploaded(it) => panic!("{it}"),
        })
        .collect();
    assert_eq!(said.len(), 11);
    assert_eq!((&*said[0], &*said[9]), ("You are number 1.", "You are number 10."));
    assert_eq!(said[10], "There are more than ten callers before you.");
}

#[test]
fn a_queue_with_nothing_but_members_has_the_defaults() {
    let directory = directory("");
    let mut expected = crate::model::Queue::new("sales");
    expected.members = vec![Member { who: Who::Number("shop".into()), weight: 1 }];
    assert_eq!(**directory.queue("sales").unwrap(), expected);
}

#[test]
fn everything_that_may_be_left_out_is_as_the_words_have_it() {
    use crate::model::{GeoRouter, Prompt, VirtualAgent, VoiceMenu, VoicemailBox};
    let directory = directory("");
    let mut menu = VoiceMenu::new("main", Prompt::text("Press 1.", ""));
    menu.keys = directory.voice_menu("main").unwrap().keys.clone();
    assert_eq!(**directory.voice_menu("main").unwrap(), menu);
    assert_eq!(**directory.voicemail_box("messages").unwrap(), VoicemailBox::new("messages"));
    let mut nearest = GeoRouter::new("nearest");
    nearest.zips = vec![("100".to_owned(), Route::number("shop"))];
    assert_eq!(**directory.geo_router("nearest").unwrap(), nearest);
    let reception = VirtualAgent::new("reception", "wss://[::1]:8765/talk?to=us");
    assert_eq!(**directory.virtual_agent("reception").unwrap(), reception);
}

#[test]
fn answers_of_a_menu_may_be_longer_and_one_may_begin_another() {
    let directory = directory(
        "[[voice_menu]]\nname = \"x\"\nprompt.text = \"?\"\n\
         [voice_menu.keys]\n1 = \"hangup\"\n12 = { dial = \"shop\" }\n\"*1\" = \"hangup\"\n",
    );
    let answers: Vec<String> = directory
        .voice_menu("x")
        .unwrap()
        .keys
        .keys()
        .map(|it| it.iter().map(|it| it.as_char()).collect())
        .collect();
    assert_eq!(answers, ["1", "12", "*1"]);
}

#[test]
fn every_condition_of_a_rule_arrives() {
    let directory = directory(
        r#"
[[tracking_number]]
number = "+12025550100"
source = "ads"
tags = ["spring"]
route = { smart_router = "x" }

[[smart_router]]
name = "x"
[[smart_router.rule]]
name = "everything"
route = "hangup"
[smart_router.rule.when]
caller = "12025550173"
caller_prefix = ["1202", "+1703"]
anonymous = false
repeat_caller = "30d"
tracking_number = "1 (202) 555-0100"
source = "ads"
tag = ["spring"]
open = "office"
hours = ["mon-fri 09:00-17:00", "sat 22:00-02:00"]
date = "12-31 to 01-01"
zone = "America/New_York"
area_code = ["202"]
state = "DC"
header = [{ name = "X-A" }, { name = "X-B", is = "b" }, { name = "X-C", begins = "c" }]
percent = 30
queue = { name = "sales", waiting = 3, free = 1, longest_wait = "2m" }
[smart_router.rule.unless]
header = { name = "X-D", contains = "d" }
queue = { name = "sales", free = 2 }
"#,
    );
    let rule = &directory.smart_router("x").unwrap().rules[0];
    let texts = |them: &[&str]| them.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let header = |name: &str, text| Condition::Header { name: name.to_owned(), text };
    let queue = |state| Condition::Queue { id: "sales".into(), state };
    let not = |it| Condition::Not(Box::new(it));
    let own = |id: &str| Schedule::new(id, "America/New_York".parse().unwrap());
    let mut hours = own("mon-fri 09:00-17:00 or sat 22:00-02:00 America/New_York");
    hours.week[..5].fill(vec!["09:00-17:00".parse().unwrap()]);
    hours.week[5] = vec!["22:00-02:00".parse().unwrap()];
    let mut dates = own("12-31 to 01-01 America/New_York");
    dates.days = ["12-31", "01-01"]
        .map(|it| SpecialDay { day: it.parse().unwrap(), hours: vec![Hours::WHOLE_DAY] })
        .to_vec();
    let expected = [
        Condition::CallerIn(texts(&["+12025550173"])),
        Condition::CallerPrefix(texts(&["+1202", "+1703"])),
        not(Condition::Anonymous),
        Condition::RepeatCaller { within: 30 * 86_400 * SECOND },
        Condition::TrackingNumber(vec!["+12025550100".into()]),
        Condition::Source(texts(&["ads"])),
        Condition::Tag(texts(&["spring"])),
        Condition::Open(directory.schedule("office").unwrap().clone()),
        Condition::Hours(hours.into()),
        Condition::Date(dates.into()),
        Condition::AreaCode(texts(&["202"])),
        Condition::State(texts(&["DC"])),
        header("X-A", HeaderText::Any),
        header("X-B", HeaderText::Is("b".to_owned())),
        header("X-C", HeaderText::Begins("c".to_owned())),
        Condition::Percent(30),
        queue(QueueState::Waiting(3)),
        queue(QueueState::Free(1)),
        queue(QueueState::LongestWait(120 * SECOND)),
        not(header("X-D", HeaderText::Contains("d".to_owned()))),
        not(queue(QueueState::Free(2))),
    ];
    assert_eq!(rule.conditions, expected);
    assert_eq!(rule.name, "everything");
}

#[test]
fn every_condition_of_a_tag_rule_arrives() {
    let directory = directory(
        r#"
[[tracking_number]]
number = "+12025550100"
source = "ads"
dial = "shop"

[[tag_rule]]
tags = ["good", "lead"]
[tag_rule.when]
answered = true
outcome = ["answered", "no_answer"]
talk_at_least = "30s"
talk_less = "10m"
tracking_number = "12025550100"
source = "ads"
caller_prefix = "1202"
destination = ["shop"]
agent = "alice"
score = ["4", "5"]
"#,
    );
    let [rule] = directory.tag_rules() else { panic!() };
    let expected = [
        TagCondition::Answered(true),
        TagCondition::Outcome(vec![Outcome::Answered, Outcome::NoAnswer]),
        TagCondition::TalkAtLeast(30 * SECOND),
        TagCondition::TalkLess(600 * SECOND),
        TagCondition::TrackingNumber(vec!["+12025550100".into()]),
        TagCondition::Source(vec!["ads".to_owned()]),
        TagCondition::CallerPrefix(vec!["+1202".to_owned()]),
        TagCondition::Destination(vec!["shop".into()]),
        TagCondition::Agent(vec!["alice".into()]),
        TagCondition::Score(vec!['4', '5']),
    ];
    assert_eq!(rule.conditions, expected);
    assert_eq!(rule.tags, ["good", "lead"]);
}

#[test]
fn what_phones_may_call_outside_arrives() {
    let directory = directory(
        r#"
[[account]]
user = "bob"
password = "s3cret-word"
[account.call_out]
prefixes = ["+1", "44"]
caller_ids = ["12025550100"]
trunk = "carrier"
country = "US"
max_calls = 3
calls_per_minute = 4
minutes_per_day = 5
"#,
    );
    let accounts = directory.accounts();
    assert_eq!(accounts[0].call_out, None);
    let out = accounts[1].call_out.as_ref().unwrap();
    assert_eq!(out.prefixes, ["+1", "+44"]);
    assert_eq!(out.caller_ids, ["+12025550100".into()]);
    assert_eq!((out.max_calls, out.calls_per_minute, out.minutes_per_day), (3, 4, 5));
    assert_eq!((out.trunk.as_deref(), out.country.as_deref()), (Some("carrier"), Some("US")));
}

#[test]
fn a_score_menu_and_declined_machines_arrive() {
    let directory = directory(
        "[[receiving_number]]\nname = \"x\"\nnumber = \"sip:x@y\"\ndecline_machines = true\n\
         enhanced_forwarding.score = { prompt = { text = \"1 or 2?\" }, keys = \"12\" }\n",
    );
    let number = directory.receiving_number("x").unwrap();
    assert!(number.decline_machines);
    let score = number.enhanced_forwarding.as_ref().unwrap().score.as_ref().unwrap();
    assert_eq!(score.keys.iter().map(|it| it.as_char()).collect::<String>(), "12");
    assert_eq!((score.timeout, score.repeats), (10 * SECOND, 1));
}

#[test]
fn a_message_may_be_one_that_was_uploaded() {
    let with = |message: &str| {
        let text = format!(
            "[[receiving_number]]\nname = \"b\"\nnumber = \"sip:b@127.0.0.31\"\nwhisper = {message}\n"
        );
        load(&text, "test.toml", Path::new("/etc/crosspoint"))
    };
    let config = with("{ prompt = \"ads-2_new\" }").unwrap();
    let made: Vec<_> = config.directory.prompts().into_iter().map(|it| &it.made_from).collect();
    assert_eq!(made, [&PromptSource::Uploaded("ads-2_new".into())]);
    for wrong in ["../../etc/passwd", "a/b", "", ".", "a b", "ads.wav", &"x".repeat(65)] {
        let error = with(&format!("{{ prompt = \"{wrong}\" }}")).unwrap_err().to_string();
        assert!(error.contains("letters, digits"), "{wrong:?}: {error}");
    }
    for both in ["{ prompt = \"a\", file = \"b.wav\" }", "{ prompt = \"a\", voice = \"slt\" }"] {
        assert!(with(both).is_err(), "{both}");
    }
}

#[test]
fn a_number_says_how_long_recordings_are_kept_else_its_settings_else_the_file() {
    let kept = |text: &str| {
        let numbers = "[[tracking_number]]\nnumber = \"+12025550198\"\nroute = \"hangup\"\n\
                       keep_recordings = \"off\"\n\
                       [[tracking_number]]\nnumber = \"+12025550199\"\nroute = \"hangup\"\n";
        let config = load(&format!("{text}{numbers}"), "t.toml", Path::new("/")).unwrap();
        let number = |it: &str| config.directory.tracking_number(it).unwrap().keeps_recordings();
        assert_eq!(number("+12025550198"), Keep::Forever);
        (number("+12025550199"), config.directory.deletes_recordings())
    };
    let days = |it: u64| Keep::For(Duration::from_secs(it * 86_400));
    let settings = "[[call_settings]]\nname = \"default\"\n";
    for (text, wanted) in [
        (String::new(), Keep::Forever),
        ("[recordings]\nkeep = \"90d\"\n".to_owned(), days(90)),
        (format!("[recordings]\nkeep = \"90d\"\n{settings}"), days(90)),
        (format!("[recordings]\nkeep = \"90d\"\n{settings}keep_recordings = \"7d\"\n"), days(7)),
        (
            format!("[recordings]\nkeep = \"90d\"\n{settings}keep_recordings = \"off\"\n"),
            Keep::Forever,
        ),
        (format!("{settings}keep_recordings = \"7d\"\n"), days(7)),
    ] {
        assert_eq!(kept(&text), (wanted, wanted != Keep::Forever), "{text}");
    }
    for wrong in ["\"59s\"", "\"9999d\"", "\"for ever\"", "0", "true"] {
        let error = load(&format!("[recordings]\nkeep = {wrong}\n"), "t.toml", Path::new("/"));
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("\"off\", or a time") && error.contains("from 1m to 3650d"),
            "{error}"
        );
    }
}
