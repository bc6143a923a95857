//! What cannot be right is refused where it stands: names that are not there, rules that never
//! hold, hours that overlap, routers that nobody comes out of, addresses that are none.

use super::words::TOWN;
use super::{Path, load, loaded};

/// What is added to the town, with `^` before what is pointed at; the key; what is said.
const WRONG: &[(&str, &str, &str)] = &[
    // Queues.
    ("[[queue]]\nname = ^\"sales\"\nmembers = [\"shop\"]", "queue.name", "already there, in line"),
    ("[[queue]]\nname = \"x\"\nmembers = ^[]", "queue.members", "needs a member"),
    ("[[queue]]\nname = \"x\"\nmembers = [^\"shp\"]", "queue.members.number", "mean \"shop\"?"),
    (
        "[[queue]]\nname = \"x\"\nmembers = [{ agent = ^\"alise\" }]",
        "queue.members.agent",
        "there is no agent \"alise\"; did you mean \"alice\"?",
    ),
    (
        "[[agent]]\nname = \"idle\"\n[[queue]]\nname = \"x\"\nmembers = [{ agent = ^\"idle\" }]",
        "queue.members.agent",
        "no numbers and no account",
    ),
    (
        "[[queue]]\nname = \"x\"\nmembers = [\"shop\", ^\"shop\"]",
        "queue.members.number",
        "there already",
    ),
    (
        "[[queue]]\nname = \"x\"\nmembers = [^{ weight = 2 }]",
        "queue.members.number",
        "a receiving number (`number`) or an agent",
    ),
    (
        "[[queue]]\nname = \"x\"\nmembers = [\"shop\"]\nposition = ^\"You are next.\"",
        "queue.position.text",
        "{position} is not in it",
    ),
    (
        "[[queue]]\nname = \"x\"\nmembers = [\"shop\"]\ndistribution = ^\"longest-idle\"",
        "queue.distribution",
        "did you mean \"longest_idle\"?",
    ),
    ("[[queue]]\nname = \"x\"\nmembers = [\"shop\"]\nmax_wait = ^0", "queue.max_wait", "bounds"),
    (
        "[[queue]]\nname = \"x\"\nmembers = [\"shop\"]\nmax_length = ^0",
        "queue.max_length",
        "bounds",
    ),
    (
        "[[queue]]\nname = \"x\"\nmembers = [\"shop\"]\noutside_hours = ^{ dial = \"shop\" }",
        "queue.outside_hours",
        "does nothing without `schedule`",
    ),
    (
        "[[queue]]\nname = \"x\"\nmembers = [\"shop\"]\nschedule = ^\"ofice\"",
        "queue.schedule",
        "did you mean \"office\"?",
    ),
    // Menus, voicemail, scores.
    ("^[[voice_menu]]\nname = \"x\"\nkeys.1 = \"hangup\"", "voice_menu.prompt", "needs `prompt`"),
    ("[[voice_menu]]\nname = \"x\"\nprompt.text = \"?\"\nkeys = ^{}", "voice_menu.keys", "a key"),
    (
        "[[voice_menu]]\nname = \"x\"\nprompt.text = \"?\"\n[voice_menu.keys]\n^1x = \"hangup\"",
        "voice_menu.keys.1x",
        "column 2: 'x' is not one of",
    ),
    (
        "[[voice_menu]]\nname = \"x\"\nprompt.text = \"?\"\n[voice_menu.keys]\n\
         ^123456789012345678901 = \"hangup\"",
        "voice_menu.keys.123456789012345678901",
        "too long",
    ),
    (
        "[[voice_menu]]\nname = \"x\"\nprompt.text = \"?\"\n[voice_menu.keys]\n1 = \"hangup\"\n\
         ^\"1\" = \"hangup\"",
        "",
        "duplicate key",
    ),
    (
        "[[voice_menu]]\nname = \"x\"\nprompt.text = \"?\"\nkeys = { 1 = { agent = ^\"x\" } }",
        "voice_menu.keys.1.agent",
        "there is no agent \"x\"",
    ),
    (
        "[[voicemail]]\nname = \"x\"\nmin_length = \"10s\"\nmax_length = ^\"10s\"",
        "voicemail.max_length",
        "no message is longer",
    ),
    ("[[voicemail]]\nname = \"x\"\nagent = ^\"bob\"", "voicemail.agent", "no agent \"bob\""),
    (
        "[[receiving_number]]\nname = \"x\"\nnumber = \"sip:x@y\"\n\
         enhanced_forwarding.score.keys = ^\"1231\"",
        "receiving_number.enhanced_forwarding.score.keys",
        "'1' is there twice",
    ),
    (
        "[[receiving_number]]\nname = \"x\"\nnumber = \"sip:x@y\"\n\
         enhanced_forwarding = { stop_recording = \"*1\", start_recording = ^\"*12\" }",
        "receiving_number.enhanced_forwarding.start_recording",
        "the beginning of the other",
    ),
    (
        "[[receiving_number]]\nname = \"x\"\nnumber = \"sip:x@y\"\nagent = ^\"bob\"",
        "receiving_number.agent",
        "there is no agent \"bob\"",
    ),
    (
        "[[receiving_number]]\nname = \"x\"\nnumber = \"sip:x@y\"\noutside_hours = ^{ dial = \"shop\" }",
        "receiving_number.outside_hours",
        "does nothing without `schedule`",
    ),
    // Rules.
    ("^[[smart_router]]\nname = \"x\"", "smart_router.rule", "needs a rule"),
    (
        "[[smart_router]]\nname = \"x\"\n[[smart_router.rule]]\nroute = \"hangup\"\n\
         when.^callr_prefix = \"+1\"",
        "smart_router.rule.when.callr_prefix",
        "did you mean \"caller_prefix\"?",
    ),
    (
        "[[smart_router]]\nname = \"x\"\n[[smart_router.rule]]\nroute = \"hangup\"\n\
         when.caller_prefix = [\"+1\", ^\"one\"]",
        "smart_router.rule.when.caller_prefix",
        "not the beginning of a number",
    ),
    (
        "[[smart_router]]\nname = \"x\"\n[[smart_router.rule]]\nroute = \"hangup\"\n\
         when.area_code = ^\"112\"",
        "smart_router.rule.when.area_code",
        "not an area code",
    ),
    (
        "[[smart_router]]\nname = \"x\"\n[[smart_router.rule]]\nroute = \"hangup\"\n\
         when.state = ^\"XX\"",
        "smart_router.rule.when.state",
        "not a state",
    ),
    (
        "[[smart_router]]\nname = \"x\"\n[[smart_router.rule]]\nroute = \"hangup\"\n\
         when.percent = ^0",
        "smart_router.rule.when.percent",
        "out of bounds",
    ),
    (
        "[[smart_router]]\nname = \"x\"\n[[smart_router.rule]]\nroute = \"hangup\"\n\
         when.source = ^[]",
        "smart_router.rule.when.source",
        "the list is empty",
    ),
    (
        "[[smart_router]]\nname = \"x\"\n[[smart_router.rule]]\nroute = \"hangup\"\n\
         when.header.name = ^\"X: a\"",
        "smart_router.rule.when.header.name",
        "not the name of a header field",
    ),
    (
        "[[smart_router]]\nname = \"x\"\n[[smart_router.rule]]\nroute = \"hangup\"\n\
         when.header = { name = \"X-A\", is = \"a\", begins = ^\"a\" }",
        "smart_router.rule.when.header.begins",
        "one of `is`, `begins` and `contains`",
    ),
    (
        "[[smart_router]]\nname = \"x\"\n[[smart_router.rule]]\nroute = \"hangup\"\n\
         when.queue.name = ^\"sales\"",
        "smart_router.rule.when.queue.name",
        "needs `waiting`, `free` or `longest_wait`",
    ),
    (
        "[[smart_router]]\nname = \"x\"\n[[smart_router.rule]]\nroute = \"hangup\"\n\
         when.tracking_number = ^\"+12025550199\"",
        "smart_router.rule.when.tracking_number",
        "there is no tracking number",
    ),
    (
        "[[smart_router]]\nname = \"x\"\n[[smart_router.rule]]\nroute = \"hangup\"\n\
         when = ^{ caller_prefix = \"+44\", area_code = \"202\" }",
        "smart_router.rule.when",
        "no call fits both `caller_prefix` and `area_code`",
    ),
    (
        "[[smart_router]]\nname = \"x\"\n[[smart_router.rule]]\nroute = \"hangup\"\n\
         when = ^{ caller = \"+12025550173\" }\nunless = { caller_prefix = \"+1\" }",
        "smart_router.rule.when",
        "no call fits both `caller` and `caller_prefix`",
    ),
    (
        "[[smart_router]]\nname = \"x\"\n[[smart_router.rule]]\nroute = \"hangup\"\n\
         when = ^{ open = \"office\" }\nunless = { open = \"office\" }",
        "smart_router.rule.when",
        "no call fits what is said of `open`",
    ),
    (
        "[[smart_router]]\nname = \"x\"\n[[smart_router.rule]]\nname = \"all\"\nroute = \"hangup\"\n\
         [[smart_router.rule]]\nroute = \"hangup\"\nwhen = ^{ percent = 30 }",
        "smart_router.rule.when",
        "rule 2 is never reached: rule 1 (\"all\") holds whenever it does",
    ),
    (
        "[[smart_router]]\nname = \"x\"\n\
         [[smart_router.rule]]\nroute = \"hangup\"\nwhen = { queue = { name = \"sales\", waiting = 2 } }\n\
         [[smart_router.rule]]\nroute = \"hangup\"\nwhen = { open = \"office\" }\n\
         [[smart_router.rule]]\nroute = \"hangup\"\n\
         when = ^{ open = \"office\", queue = { name = \"sales\", waiting = 3 } }",
        "smart_router.rule.when",
        "rule 3 is never reached: rule 1 holds",
    ),
    (
        "[[smart_router]]\nname = \"x\"\notherwise = ^{ dial = \"shop\" }\n\
         [[smart_router.rule]]\nroute = \"hangup\"",
        "smart_router.otherwise",
        "never reached: rule 1 always holds",
    ),
    (
        "[[smart_router]]\nname = \"x\"\n[[smart_router.rule]]\nroute = \"hangup\"\n\
         when = ^{ area_code = [\"212\", \"646\"], state = [\"NJ\", \"CT\"] }",
        "smart_router.rule.when",
        "no call fits both `area_code` and `state`",
    ),
    // Circles.
    (
        "[[smart_router]]\nname = \"x\"\n[[smart_router.rule]]\nwhen.percent = 30\n\
         route = ^{ smart_router = \"x\" }",
        "smart_router.rule.route",
        "back to its own router",
    ),
    (
        "[[smart_router]]\nname = ^\"x\"\notherwise = { geo_router = \"y\" }\n\
         rule = [{ when.percent = 30, route = { smart_router = \"z\" } }]\n\
         [[geo_router]]\nname = \"y\"\nzips.1 = { smart_router = \"x\" }\n\
         otherwise = { smart_router = \"z\" }\n\
         [[smart_router]]\nname = \"z\"\nrule = [{ route = { smart_router = \"x\" } }]",
        "smart_router.name",
        "every way from here (geo_router y, smart_router z) leads from router to router for ever",
    ),
    // Geo routers.
    ("^[[geo_router]]\nname = \"x\"", "geo_router.zips", "needs `zips` or `nearest`"),
    (
        "[[geo_router]]\nname = \"x\"\nzips = { ^1000a = \"hangup\" }",
        "geo_router.zips.1000a",
        "neither a ZIP code nor its beginning",
    ),
    (
        "[[geo_router]]\nname = \"x\"\nzips = { ^100011 = \"hangup\" }",
        "geo_router.zips.100011",
        "neither a ZIP code nor its beginning",
    ),
    (
        "[[geo_router]]\nname = \"x\"\nnearest = { ^100 = \"hangup\" }",
        "geo_router.nearest.100",
        "by its whole ZIP code",
    ),
    (
        "[[geo_router]]\nname = \"x\"\nnearest = { ^00000 = \"hangup\" }",
        "geo_router.nearest.00000",
        "there is no ZIP code like this",
    ),
    (
        "[[geo_router]]\nname = \"x\"\nzips.1 = \"hangup\"\nmax_miles = ^5",
        "geo_router.max_miles",
        "does nothing without `nearest`",
    ),
    (
        "[[geo_router]]\nname = \"x\"\nzips.1 = \"hangup\"\narea_code = ^false",
        "geo_router.area_code",
        "would never know where a caller is",
    ),
    // Virtual agents.
    ("^[[virtual_agent]]\nname = \"x\"", "virtual_agent.url", "needs `url`"),
    ("[[virtual_agent]]\nname = \"x\"\nurl = ^\"http://a/\"", "virtual_agent.url", "ws and wss"),
    ("[[virtual_agent]]\nname = \"x\"\nurl = ^\"a.example.com\"", "virtual_agent.url", "not a URL"),
    ("[[virtual_agent]]\nname = \"x\"\nurl = ^\"ws://\"", "virtual_agent.url", "no host"),
    ("[[virtual_agent]]\nname = \"x\"\nurl = ^\"ws://a:0/\"", "virtual_agent.url", "the port"),
    ("[[virtual_agent]]\nname = \"x\"\nurl = ^\"ws://a b/\"", "virtual_agent.url", "be escaped"),
    ("[[virtual_agent]]\nname = \"x\"\nurl = ^\"ws://u:p@a/\"", "virtual_agent.url", "password"),
    ("[[virtual_agent]]\nname = \"x\"\nurl = ^\"ws://a/#b\"", "virtual_agent.url", "fragment"),
    ("[[virtual_agent]]\nname = \"x\"\nurl = ^\"ws://[::g]/\"", "virtual_agent.url", "no host"),
    (
        "[[virtual_agent]]\nname = \"x\"\nurl = \"ws://a\"\nparameters = { a = ^1 }",
        "virtual_agent.parameters.a",
        "a number, not text",
    ),
    // Webhooks.
    ("^[[webhook]]\nname = \"x\"", "webhook.url", "needs `url`"),
    ("^[[webhook]]\nname = \"x\"\nurl = \"https://a\"", "webhook.secret", "needs `secret`"),
    ("[[webhook]]\nname = \"x\"\nurl = ^\"ws://a/\"", "webhook.url", "http and https"),
    ("[[webhook]]\nname = \"x\"\nurl = ^\"https://u:p@a/\"", "webhook.url", "password"),
    (
        "[[webhook]]\nname = \"x\"\nurl = \"https://a\"\nsecret = ^\"fifteen letters\"",
        "webhook.secret",
        "too short",
    ),
    (
        "[[webhook]]\nname = \"x\"\nurl = \"https://a\"\nsecret = \"sixteen letters!\"\n\
         events = ^[]",
        "webhook.events",
        "no event",
    ),
    (
        "[[webhook]]\nname = \"x\"\nurl = \"https://a\"\nsecret = \"sixteen letters!\"\n\
         events = [\"call.*\", ^\"call.end\"]",
        "webhook.events",
        "did you mean \"call.ended\"?",
    ),
    (
        "[[webhook]]\nname = \"x\"\nurl = \"https://a\"\nsecret = \"sixteen letters!\"\n\
         [[webhook]]\nname = ^\"x\"\nurl = \"https://b\"\nsecret = \"sixteen letters!\"",
        "webhook.name",
        "already there",
    ),
    // Agents, calls out, tags.
    ("[[agent]]\nname = \"x\"\naccount = ^\"alise\"", "agent.account", "did you mean \"alice\"?"),
    ("[[agent]]\nname = \"x\"\nnumbers = [^\"home\"]", "agent.numbers", "no receiving number"),
    (
        "[[account]]\nuser = \"bob\"\npassword = \"p\"\n\
         call_out = { prefixes = ^[], caller_ids = [\"+12025550100\"] }",
        "account.call_out.prefixes",
        "nothing may be called",
    ),
    (
        "[[account]]\nuser = \"bob\"\npassword = \"p\"\n\
         call_out = { prefixes = [\"+1\"], caller_ids = [^\"home\"] }",
        "account.call_out.caller_ids",
        "\"home\"",
    ),
    (
        "[[account]]\nuser = \"bob\"\npassword = \"p\"\n\
         call_out = { prefixes = [\"+1\"], caller_ids = [\"+12025550100\"], trunk = ^\"x\" }",
        "account.call_out.trunk",
        "there is no trunk \"x\"",
    ),
    ("^[[tag_rule]]\nwhen.answered = true", "tag_rule.tags", "needs `tags`"),
    (
        "[[tag_rule]]\ntags = \"a\"\nwhen = { talk_at_least = \"1m\", talk_less = ^\"1m\" }",
        "tag_rule.when.talk_less",
        "no talk is shorter",
    ),
    (
        "[[tag_rule]]\ntags = \"a\"\nwhen = { answered = false, destination = ^\"shop\" }",
        "tag_rule.when.destination",
        "no call that is not answered",
    ),
    (
        "[[tag_rule]]\ntags = \"a\"\nwhen = { outcome = ^\"noanswer\" }",
        "tag_rule.when.outcome",
        "did you mean \"no_answer\"?",
    ),
    // Hours.
    (
        "[[schedule]]\nname = \"x\"\nzone = \"UTC\"\n\
         hours = [\"mon-fri 09:00-17:00\", ^\"wed 16:30-19:00\"]",
        "schedule.hours",
        "overlap on wed from 16:30 to 17:00",
    ),
    (
        "[[schedule]]\nname = \"x\"\nzone = \"UTC\"\n\
         hours = [\"sun 22:00-06:00\", ^\"mon 05:00-07:00\"]",
        "schedule.hours",
        "overlap on mon from 05:00 to 06:00",
    ),
    (
        "[[schedule]]\nname = \"x\"\nzone = \"UTC\"\n\
         hours = [\"sat 09:00-12:00\", ^\"fri 20:00-09:01\"]",
        "schedule.hours",
        "overlap on sat from 09:00 to 09:01",
    ),
    (
        "[[schedule]]\nname = \"x\"\nzone = \"UTC\"\nhours = [\"mon 09:00-12:00\", ^\"mon 9-12\"]",
        "schedule.hours",
        "not a time such as 09:00",
    ),
    (
        "[[schedule]]\nname = \"x\"\nzone = \"UTC\"\n\
         exceptions = [{ date = \"12-24\", hours = [\"09:00-12:00\", ^\"11:00-13:00\"] }]",
        "schedule.exceptions.hours",
        "\"09:00-12:00\" and \"11:00-13:00\" overlap from 11:00 to 12:00",
    ),
    (
        "[[schedule]]\nname = \"x\"\nzone = \"UTC\"\n\
         exceptions = [\"12-24\", { date = ^\"12-24\", hours = [\"09:00-12:00\"] }]",
        "schedule.exceptions.date",
        "is there already",
    ),
    // Every other kind of thing that is there twice.
    ("[[schedule]]\nname = ^\"office\"\nzone = \"UTC\"", "schedule.name", "already there"),
    ("[[agent]]\nname = ^\"alice\"", "agent.name", "already there"),
    ("[[voicemail]]\nname = ^\"messages\"", "voicemail.name", "already there"),
    (
        "[[voice_menu]]\nname = ^\"main\"\nprompt.text = \"?\"\nkeys.1 = \"hangup\"",
        "voice_menu.name",
        "already there",
    ),
    (
        "[[smart_router]]\nname = ^\"by-hour\"\nrule = [{ route = \"hangup\" }]",
        "smart_router.name",
        "already there",
    ),
    (
        "[[geo_router]]\nname = ^\"nearest\"\nzips.1 = \"hangup\"",
        "geo_router.name",
        "already there",
    ),
    (
        "[[virtual_agent]]\nname = ^\"reception\"\nurl = \"ws://a\"",
        "virtual_agent.name",
        "already there",
    ),
];

#[test]
fn what_cannot_be_right_is_refused_where_it_stands() {
    let mut missed = Vec::new();
    for (marked, key, message) in WRONG {
        let whole = format!("{TOWN}\n{marked}\n");
        let at = whole.find('^').unwrap_or_else(|| panic!("nothing is pointed at in {marked}"));
        let before = whole.split_at(at).0;
        let place = (before.matches('\n').count() + 1, at - before.rfind('\n').unwrap());
        match load(&whole.replacen('^', "", 1), "test.toml", Path::new("")) {
            Ok(_) => missed.push(format!("it loads:\n{marked}")),
            Err(error) => {
                let right = (error.line, error.column) == place
                    && error.key == *key
                    && error.message.contains(message);
                if !right {
                    missed.push(format!("{error}\nexpected {place:?} {key}: {message}\n{marked}"));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n\n"));
}

/// What looks like some of the above and is right.
const RIGHT: &[&str] = &[
    // Two destinations that name each other (PRODUCT section 13, case 15).
    "[[receiving_number]]\nname = \"a\"\nnumber = \"sip:a@x\"\nno_answer.route = { dial = \"b\" }\n\
     [[receiving_number]]\nname = \"b\"\nnumber = \"sip:b@x\"\nno_answer.route = { dial = \"a\" }",
    // A menu that asks again, by way of a router.
    "[[voice_menu]]\nname = \"a\"\nprompt.text = \"?\"\nkeys.1 = { smart_router = \"b\" }\n\
     otherwise = { voice_menu = \"a\" }\n\
     [[smart_router]]\nname = \"b\"\nrule = [{ route = { voice_menu = \"a\" } }]",
    // A geo router that asks.
    "[[geo_router]]\nname = \"a\"\nprompt.text = \"?\"\nzips.1 = { geo_router = \"a\" }\n\
     otherwise = { geo_router = \"a\" }",
    // Hours that touch each other.
    "[[schedule]]\nname = \"x\"\nzone = \"UTC\"\n\
     hours = [\"daily 00:00-12:00\", \"daily 12:00-24:00\"]",
    "[[schedule]]\nname = \"x\"\nzone = \"UTC\"\nhours = [\"sun 22:00-06:00\", \"mon 06:00-22:00\"]",
    // A yearly date with hours of its own in one year.
    "[[schedule]]\nname = \"x\"\nzone = \"UTC\"\n\
     exceptions = [\"12-24\", { date = \"2026-12-24\", hours = [\"09:00-12:00\"] }]",
    // Two draws of chance, one after the other.
    "[[smart_router]]\nname = \"x\"\notherwise = { dial = \"shop\" }\n\
     rule = [{ when.percent = 50, route = \"hangup\" }, { when.percent = 50, route = \"hangup\" }]",
    "[[virtual_agent]]\nname = \"x\"\nurl = \"wss://voice.example.com/talk?to=shop\"",
    "[[virtual_agent]]\nname = \"x\"\nurl = \"ws://192.0.2.1:65535\"",
    "[[webhook]]\nname = \"x\"\nurl = \"http://[2001:db8::1]:81/?a=b\"\n\
     secret = \"sixteen letters!\"\nevents = [\"leg.*\", \"call.ended\"]",
];

#[test]
fn what_is_only_like_it_is_taken() {
    for text in RIGHT {
        loaded(&format!("{TOWN}\n{text}\n"));
    }
}
