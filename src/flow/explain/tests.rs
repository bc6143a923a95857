//! What an explanation says, as data and in words.

use std::time::Duration;

use super::*;
use crate::model::directory::Parts;
use crate::model::record::Outcome;
use crate::model::{
    AcceptBy, CallSettings, Dial, Endpoint, Order, Prompt, ReceivingNumber, Schedule, Whisper,
};

/// Friday 9 January 2026, 12:00 UTC.
const NOON: Wall = Wall::from_unix_micros(1_767_960_000_000_000);

fn number(id: &str) -> ReceivingNumber {
    ReceivingNumber::new(id, Endpoint::Sip { uri: format!("sip:{id}@192.0.2.1").into() })
}

fn directory(numbers: Vec<ReceivingNumber>, order: Order) -> Directory {
    let dial = Dial {
        order,
        numbers: numbers.iter().map(|it| it.id.clone()).collect(),
        stages: Vec::new(),
    };
    let settings = Arc::new(CallSettings::new("default"));
    let tracking = TrackingNumber::new("+15550100001", Route::Dial(dial.into()), settings);
    Directory::new(Parts {
        tracking_numbers: vec![tracking],
        receiving_numbers: numbers,
        ..Parts::default()
    })
}

fn explained(directory: &Directory) -> Explanation {
    let caller = Caller::new("+12025550173");
    explain(directory, "15550100001", &caller, NOON, &Supposed::default())
}

fn dialled(explanation: &Explanation) -> &Dialled {
    match &explanation.verdict {
        Verdict::Routed { first: Stop { what: Taken::Dial(dialled), .. }, .. } => dialled,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_extension_is_drawn_out_in_time() {
    let mut to = number("shop");
    to.extension = Some("3ww1928".parse().unwrap());
    let explanation = explained(&directory(vec![to], Order::Simultaneous));
    let timeline = &dialled(&explanation).rings[0].timeline;
    let digits: Vec<_> = timeline
        .iter()
        .filter_map(|it| match it.what {
            Act::Digit(digit) => Some((digit, it.at.as_millis())),
            _ => None,
        })
        .collect();
    assert_eq!(digits, [('3', 0), ('1', 1200), ('9', 1400), ('2', 1600), ('8', 1800)]);
    let text = explanation.to_string();
    let scale = text.find("0 s       1 s").expect(&text);
    let drawn = text.find("3...........1.9.2.8.").expect(&text);
    assert!(scale < drawn, "{text}");
}

#[test]
fn a_pause_whisper_and_accept_are_told_in_order() {
    let mut to = number("shop");
    to.extension = Some("1".parse().unwrap());
    to.wait_for_voice = true;
    to.dial_pause = Duration::from_secs(2);
    to.whisper = Whisper::Say(Prompt::text("A call from the ads", ""));
    to.accept = Some(AcceptBy::key(crate::audio::Digit::from_char('1').unwrap()));
    let explanation = explained(&directory(vec![to], Order::Simultaneous));
    let acts: Vec<_> =
        dialled(&explanation).rings[0].timeline.iter().map(|it| (it.what, it.at)).collect();
    let (zero, pause) = (Duration::ZERO, Duration::from_secs(2));
    let whisper = pause + Duration::from_millis(200);
    let expected = [
        (Act::AwaitVoice, zero),
        (Act::DialPause, zero),
        (Act::Digit('1'), pause),
        (Act::Whisper, whisper),
        (Act::Accept, zero),
    ];
    assert_eq!(acts, expected);
    let text = explanation.to_string();
    let places = ["until somebody speaks", "dial pause 2 s", "sends 1", "from the ads", "by a key"]
        .map(|it| text.find(it).expect(it));
    assert!(places.is_sorted(), "{text}");
}

#[test]
fn a_veto_and_a_closed_destination_are_named() {
    let (mut vetoed, mut closed) = (number("vetoed"), number("closed"));
    vetoed.prevent_recording = true;
    closed.schedule = Some(Schedule::new("never", "Europe/Berlin".parse().unwrap()).into());
    let explanation = explained(&directory(vec![vetoed, closed], Order::Sequence));
    let dialled = dialled(&explanation);
    assert_eq!(dialled.rings.len(), 1);
    assert_eq!(dialled.rings[0].unrecorded, Some("prevent_recording"));
    assert_eq!(&*dialled.left_out[0].name, "closed");
    let text = explanation.to_string();
    assert!(text.contains("schedule never, Fri 2026-01-09 13:00 Europe/Berlin"), "{text}");
}

#[test]
fn when_all_are_closed_the_first_ones_route_is_followed() {
    let (mut closed, night) = (number("closed"), number("night"));
    closed.schedule = Some(Schedule::new("never", "UTC".parse().unwrap()).into());
    closed.outside_hours = Route::number("night");
    let mut directory = Parts { receiving_numbers: vec![closed, night], ..Parts::default() };
    let settings = Arc::new(CallSettings::new("default"));
    let route = Route::number("closed");
    directory.tracking_numbers = vec![TrackingNumber::new("+15550100001", route, settings)];
    let explanation = explained(&Directory::new(directory));
    let closed = dialled(&explanation).closed.as_ref().unwrap();
    assert_eq!(closed.route, "dial night");
    assert!(matches!(closed.what, Taken::Dial(_)));
}

#[test]
fn routes_after_no_answer_are_followed_and_circles_are_cut() {
    let (mut a, mut b) = (number("a"), number("b"));
    a.no_answer.route = Route::number("b");
    a.no_answer.busy_route = Some(Route::number("a"));
    b.no_answer.route = Route::number("a");
    let directory = Directory::new(Parts {
        tracking_numbers: vec![TrackingNumber::new(
            "+15550100001",
            Route::number("a"),
            Arc::new(CallSettings::new("default")),
        )],
        receiving_numbers: vec![a, b],
        ..Parts::default()
    });
    let explanation = explained(&directory);
    let then = &dialled(&explanation).then;
    assert_eq!(then.len(), 2);
    assert_eq!(then[0].1.route, "dial b");
    assert_eq!(then[0].0, [Outcome::NoAnswer, Outcome::Declined, Outcome::Failed]);
    assert_eq!((then[1].0.as_slice(), &then[1].1.what), ([Outcome::Busy].as_slice(), &Taken::Loop));
    assert!(explanation.to_string().contains("cut with route_loop"));
}

#[test]
fn who_gets_no_further_is_told_why() {
    let directory = directory(vec![number("a")], Order::Simultaneous);
    let unknown = explain(&directory, "15550100404", &Caller::new(""), NOON, &Supposed::default());
    assert_eq!(unknown.verdict, Verdict::Unknown);
    let text = unknown.to_string();
    assert!(text.contains("an unknown caller to 15550100404, Fri 2026-01-09 12:00 UTC"), "{text}");
    assert!(text.contains("404"));
}

#[test]
fn an_explanation_is_data() {
    let explanation = explained(&directory(vec![number("a")], Order::Simultaneous));
    let json = serde_json::to_value(&explanation).unwrap();
    let name = json.pointer("/verdict/routed/first/what/dial/rings/0/name").unwrap();
    assert_eq!(name, "a");
}

/// A directory whose only tracking number leads to `route`.
fn leading_to(route: Route, mut parts: Parts) -> Directory {
    let settings = Arc::new(CallSettings::new("default"));
    parts.tracking_numbers = vec![TrackingNumber::new("+15550100001", route, settings)];
    parts.receiving_numbers.extend([number("a"), number("b")]);
    Directory::new(parts)
}

fn first(explanation: &Explanation) -> &Taken {
    match &explanation.verdict {
        Verdict::Routed { first, .. } => &first.what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_key_of_a_menu_is_followed_and_what_was_told_is_not_told_again() {
    let mut menu = crate::model::VoiceMenu::new("main", Prompt::text("Press", ""));
    let keys =
        |text: &str| text.chars().map(|c| crate::audio::Digit::from_char(c).unwrap()).collect();
    menu.keys.insert(keys("1"), Route::number("a"));
    menu.keys.insert(keys("12"), Route::number("a"));
    menu.keys.insert(keys("9"), Route::VoiceMenu("main".into()));
    let parts = Parts { voice_menus: vec![menu], ..Parts::default() };
    let explanation = explained(&leading_to(Route::VoiceMenu("main".into()), parts));
    let Taken::VoiceMenu(asked) = first(&explanation) else { panic!() };
    let told: Vec<_> = asked.keys.iter().map(|(keys, stop)| (keys.as_str(), &stop.what)).collect();
    assert!(matches!(
        told.as_slice(),
        [("1", Taken::Dial(_)), ("12", Taken::Above), ("9", Taken::Loop)]
    ));
    assert_eq!(asked.otherwise.what, Taken::Hangup);
}

#[test]
fn a_rule_that_surely_holds_ends_the_search_and_chance_does_not() {
    use crate::model::{Condition, Rule, SmartRouter};
    let rule = |name: &str, conditions, to: &str| Rule {
        name: name.to_owned(),
        conditions,
        route: Route::number(to),
    };
    let rules = vec![
        rule("no", vec![Condition::Anonymous], "a"),
        rule("chance", vec![Condition::Percent(30)], "a"),
        rule("all", Vec::new(), "b"),
        rule("never asked", Vec::new(), "a"),
    ];
    let router = SmartRouter { id: "r".into(), rules, otherwise: Route::number("a") };
    let parts = Parts { smart_routers: vec![router], ..Parts::default() };
    let explanation = explained(&leading_to(Route::SmartRouter("r".into()), parts));
    let Taken::SmartRouter(ruled) = first(&explanation) else { panic!() };
    let told: Vec<_> = ruled.rules.iter().map(|it| (it.number, it.leads.is_some())).collect();
    assert_eq!(told, [(1, false), (2, true), (3, true)]);
    assert_eq!(ruled.otherwise, None);
    assert!(matches!(ruled.rules[1].holds, Holds::Perhaps(_)));
}

#[test]
fn a_typed_zip_code_leads_one_way_and_none_leads_every_way() {
    use crate::model::GeoRouter;
    let router = GeoRouter {
        prompt: Some(Prompt::text("ZIP?", "")),
        zips: vec![("100".to_owned(), Route::number("a"))],
        places: vec![("60601".to_owned(), Route::number("b"))],
        ..GeoRouter::new("g")
    };
    let parts = Parts { geo_routers: vec![router], ..Parts::default() };
    let directory = leading_to(Route::GeoRouter("g".into()), parts);
    let ways = |zip: Option<&str>| {
        let supposed = Supposed { zip: zip.map(str::to_owned), ..Supposed::default() };
        let caller = Caller::new("+442071234567");
        let told = explain(&directory, "15550100001", &caller, NOON, &supposed);
        let Taken::GeoRouter(located) = first(&told) else { panic!() };
        located.ways.iter().map(|(why, stop)| format!("{why}: {}", stop.route)).collect::<Vec<_>>()
    };
    assert_eq!(ways(Some("10001")), ["Types 10001: ZIP code 100: dial a"]);
    assert_eq!(ways(Some("53202")), ["Types 53202: nearest to 60601, 81 miles: dial b"]);
    assert_eq!(
        ways(None),
        ["ZIP code 100: dial a", "nearest to 60601: dial b", "anything else: hangup"]
    );
}

#[test]
fn a_closed_queue_and_an_open_one_are_told_apart() {
    use crate::model::{Member, Queue, Who};
    let mut queue = Queue::new("q");
    queue.members = vec![Member { who: Who::Number("a".into()), weight: 1 }];
    queue.no_answer = Route::number("b");
    let told = |queue: Queue| {
        let parts = Parts { queues: vec![queue], ..Parts::default() };
        let explanation = explained(&leading_to(Route::Queue("q".into()), parts));
        let Taken::Queue(waiting) = first(&explanation).clone() else { panic!() };
        waiting
    };
    let open = told(queue.clone());
    assert_eq!(&*open.members[0].rings[0].name, "a");
    assert_eq!(open.then.unwrap().route, "dial b");
    queue.schedule = Some(Schedule::new("never", "UTC".parse().unwrap()).into());
    let closed = told(queue);
    assert_eq!(closed.closed.unwrap().1.what, Taken::Hangup);
    assert!(closed.members.is_empty() && closed.then.is_none());
}

/// One walk, two drawings.
#[test]
fn the_tree_says_what_the_text_says_and_where_it_leads() {
    fn lines(node: &Node, depth: usize, into: &mut Vec<String>) {
        let detail = if node.detail.is_empty() { "" } else { ": " };
        into.push(format!("{depth} {}{detail}{}", node.detail, node.title));
        node.children.iter().for_each(|it| lines(it, depth + 1, into));
    }
    use crate::model::{Member, Queue, Who};
    let mut queue = Queue::new("q");
    queue.members = vec![Member { who: Who::Number("a".into()), weight: 1 }];
    queue.no_answer = Route::number("b");
    let parts = Parts { queues: vec![queue], ..Parts::default() };
    let told = explained(&leading_to(Route::Queue("q".into()), parts));
    let tree = told.tree();
    let mut drawn = Vec::new();
    lines(&tree, 0, &mut drawn);
    let text = told.to_string();
    let written = text.lines().map(|it| {
        let depth = (it.len() - it.trim_start().len()) / 2;
        format!("{depth} {}", it.trim_start())
    });
    assert_eq!(drawn, written.collect::<Vec<_>>());
    assert_eq!((tree.kind, tree.children.len()), ("call", 3));
    let queue = &tree.children[2];
    assert_eq!((queue.kind, &*queue.title, &*queue.detail), ("queue", "queue q", "Route"));
    let then = queue.children.last().unwrap();
    assert_eq!((then.kind, &*then.detail), ("dial", "If nobody takes it in time"));
    let rings = then.children.iter().find(|it| it.kind == "destination").unwrap();
    assert_eq!((&*queue.name, &*then.name, &*rings.name), ("q", "", "b"));
    assert!(queue.children.iter().flat_map(|it| &it.children).any(|it| it.kind == "member"));
}
